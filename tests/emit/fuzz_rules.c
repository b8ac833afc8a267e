/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz target of the reader of rules files. An input is a file. Its numbers are compared with those
 * that scanf itself finds in it, used as Open MPI uses it; and whatever is in it: it is thrown away
 * for a reason, or it is rules that, printed and read again, say the same.
 */
#include "config.h"

#include "emit/rules_scan.h"

#include "railgauge/emit/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_rules: %s\n", what);
	abort();
}

/* The next number by scanf; false: there is none. */
static bool oracle_next(FILE *file, long *out)
{
	for (;;) {
		int rc = fscanf(file, "%li", out), c;

		if (rc == 1)
			return true;
		if (rc == EOF)
			return false;
		c = fgetc(file);
		while (c == '#' && (c = fgetc(file)) != EOF && c != '\n')
			c = '#';
	}
}

static void compare_numbers(const char *text, size_t len)
{
	struct rules_scan scan = {.text = text, .len = len, .line = 1};
	FILE *file = len ? fmemopen((void *)text, len, "r") : NULL;
	int64_t ours;
	long theirs;

	while (file && oracle_next(file, &theirs)) {
		must(rules_scan_next(&scan, &ours), "a number is missing");
		must(ours == theirs, "a number differs");
	}
	must(!rules_scan_next(&scan, &ours), "a number too many");
	if (file)
		fclose(file);
}

static void compare_lookups(const struct rg_rules *a, const struct rg_rules *b)
{
	static const uint64_t sizes[] = {0, 1, 8, 1000, 1024, 4096, 65536, 1 << 20, UINT64_MAX};

	for (int id = 0; id < 22; id++) {
		for (uint32_t ranks = 2; ranks < 20; ranks++) {
			for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
				const struct rg_rule *x = rg_rules_lookup(a, id, ranks, sizes[i]);
				const struct rg_rule *y = rg_rules_lookup(b, id, ranks, sizes[i]);

				must(!x == !y, "another rule the second time");
				must(!x || (x->algorithm == y->algorithm &&
					    x->fanout == y->fanout &&
					    x->segment_bytes == y->segment_bytes &&
					    x->max_requests == y->max_requests),
				     "a rule differs the second time");
			}
		}
	}
}

static void try_version(const char *text, size_t len, const struct rg_ompi_version *version)
{
	struct rg_file_findings findings = {0}, more = {0};
	struct rg_rules rules, again;
	char *printed = NULL;
	size_t printed_len;
	FILE *out;
	bool ok;

	must(!rg_rules_parse(text, len, version, &rules, &ok, &findings, NULL), "no memory");
	must(ok || rg_file_findings_errors(&findings), "thrown away without a reason");
	rg_file_findings_release(&findings);
	if (!ok)
		return;
	out = open_memstream(&printed, &printed_len);
	must(out, "no memory");
	rg_rules_print(&rules, out);
	fclose(out);
	must(!rg_rules_parse(printed, printed_len, version, &again, &ok, &more, NULL), "no memory");
	must(ok, "what was printed is thrown away");
	compare_lookups(&rules, &again);
	rg_file_findings_release(&more);
	rg_rules_release(&rules);
	rg_rules_release(&again);
	free(printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	const char *text = (const char *)data;

	compare_numbers(text, len_bytes);
	try_version(text, len_bytes, &(struct rg_ompi_version){4, 1, 4});
	try_version(text, len_bytes, &(struct rg_ompi_version){5, 0, 8});
	return 0;
}
