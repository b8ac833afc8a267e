/* SPDX-License-Identifier: BSD-3-Clause */
/* The structure of a rules file, as coll_tuned_dynamic_file.c of 4.1.4 and 5.0.8 reads it. */
#include "config.h"

#include "rules_impl.h"
#include "rules_scan.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#define FUNCTIONS 22 /* the consumer's count of collectives */

struct reading {
	struct rules_scan scan;
	struct rg_rules *rules;
	struct rg_file_findings *findings;
	struct rg_err *err;
};

/* The consumer gives the file up here. Returns 1, as all below where it does. */
__attribute__((format(printf, 2, 3))) static int give_up(struct reading *r, const char *fmt, ...)
{
	char why[160];
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	rg_file_findings_add(r->findings, RG_FINDING_ERROR, r->scan.number_line,
			     "%s; Open MPI ignores the whole file, without a word", why);
	return 1;
}

/* A number that must be there and must not be negative. */
static int next(struct reading *r, const char *what, int64_t *out)
{
	if (!rules_scan_next(&r->scan, out)) {
		r->scan.number_line = r->scan.line;
		return give_up(r, "the file ends where it should have %s", what);
	}
	return *out < 0 ? give_up(r, "%s is %" PRId64, what, *out) : 0;
}

static int no_memory(struct reading *r)
{
	return rg_err_set(r->err, RG_ERR_NO_MEMORY, "no memory for the rules");
}

/* The consumer keeps it in an int, or hands it on as one. */
static void say_if_cut(struct reading *r, const char *what, int64_t value)
{
	if (value > INT_MAX)
		rg_file_findings_add(r->findings, RG_FINDING_WARNING, r->scan.number_line,
				     "%s %" PRId64 " does not fit: %d is used", what, value,
				     (int)value);
}

static int next_int(struct reading *r, const char *what, int64_t *out)
{
	int rc = next(r, what, out);

	if (!rc)
		say_if_cut(r, what, *out);
	return rc;
}

static int read_rule(struct reading *r, struct rg_rules_comm *comm)
{
	struct rg_rule *rule;
	int64_t bytes;
	int rc = next(r, "the message size in bytes", &bytes);

	if (rc)
		return rc;
	rule = rg_rules_add_rule(comm, bytes);
	if (!rule)
		return no_memory(r);
	rule->line = r->scan.number_line;
	rc = next_int(r, "the algorithm", &rule->algorithm);
	if (!rc)
		rc = next_int(r, "the fan-out", &rule->fanout);
	if (!rc)
		rc = next_int(r, "the segment size", &rule->segment_bytes);
	if (!rc && r->rules->version > 1 && rules_scan_digit_follows(&r->scan))
		rc = next_int(r, "the most requests", &rule->max_requests);
	if (rc || comm->nrules > 1 || !bytes)
		return rc;
	r->scan.number_line = rule->line;
	return give_up(r, "the first size of a list is %" PRId64 ", not 0", bytes);
}

/* Counts are ints there: more would be cut, or be the end of the process. */
static int next_count(struct reading *r, const char *what, int64_t *out)
{
	int rc = next(r, what, out);

	if (!rc && *out > INT_MAX)
		rc = give_up(r, "%s is %" PRId64 ", more than it can hold", what, *out);
	return rc;
}

static int read_comm(struct reading *r, struct rg_rules_function *function)
{
	struct rg_rules_comm *comm;
	int64_t size, n;
	int rc = next_int(r, "the number of ranks", &size);

	if (rc)
		return rc;
	comm = rg_rules_add_comm(function, size);
	if (!comm)
		return no_memory(r);
	comm->line = r->scan.number_line;
	rc = next_count(r, "the count of message sizes", &n);
	for (int64_t i = 0; !rc && i < n; i++)
		rc = read_rule(r, comm);
	return rc;
}

static int read_function(struct reading *r)
{
	struct rg_rules_function *function;
	int64_t id, n;
	int rc = next(r, "the number of a function", &id);

	if (rc)
		return rc;
	if (id >= FUNCTIONS)
		return give_up(r, "function %" PRId64 " is unknown: there are 0 to %d", id,
			       FUNCTIONS - 1);
	function = rg_rules_add_function(r->rules, id);
	if (!function)
		return no_memory(r);
	function->line = r->scan.number_line;
	rc = next_count(r, "the count of numbers of ranks", &n);
	for (int64_t i = 0; !rc && i < n; i++)
		rc = read_comm(r, function);
	return rc;
}

/* Known from 4.1.8 and from 5.0.7 on. */
static bool knows_header(const struct rg_ompi_version *v)
{
	return rg_ompi_version_reaches(v, 5, 0, 7) ||
	       (v->major == 4 && rg_ompi_version_reaches(v, 4, 1, 8));
}

static int refuse_header(struct reading *r, size_t at, const struct rg_ompi_version *v)
{
	uint32_t line = 1;

	for (size_t i = 0; i < at; i++)
		line += r->scan.text[i] == '\n';
	r->scan.number_line = line;
	return give_up(r,
		       "the number behind \"rule-file-version-\" is read as -N functions, since %s",
		       knows_header(v) ? "it does not begin the file"
				       : "this header is known only from 4.1.8 and 5.0.7 on");
}

static int read_all(struct reading *r, const struct rg_ompi_version *v)
{
	size_t at = rules_scan_find_header(r->scan.text, r->scan.len);
	int64_t n, number;
	int rc;

	r->rules->version = 1;
	if (knows_header(v) && !rules_scan_header(&r->scan, &r->rules->version))
		r->rules->version = 1;
	rc = next(r, "the count of functions", &n);
	if (rc == 1 && at < r->scan.number_at) {
		r->findings->n--; /* the better reason */
		return refuse_header(r, at, v);
	}
	if (!rc && n > FUNCTIONS)
		rc = give_up(r, "the count of functions is %" PRId64 ", above %d", n, FUNCTIONS);
	for (int64_t i = 0; !rc && i < n; i++)
		rc = read_function(r);
	r->scan.findings = NULL;
	if (!rc && rules_scan_next(&r->scan, &number))
		rg_file_findings_add(
			r->findings, RG_FINDING_WARNING, r->scan.number_line,
			"there are numbers behind the end: a count is too small, and these "
			"are not read");
	return rc;
}

int rg_rules_parse(const char *text, size_t len_bytes, const struct rg_ompi_version *version,
		   struct rg_rules *out, bool *ok_out, struct rg_file_findings *findings,
		   struct rg_err *err)
{
	struct reading r = {
		.scan = {.text = text, .len = len_bytes, .line = 1, .findings = findings},
		.rules = out,
		.findings = findings,
		.err = err};
	int rc;

	*out = (struct rg_rules){0};
	rc = read_all(&r, version);
	*ok_out = !rc;
	if (rc)
		rg_rules_release(out);
	else
		rules_judge(out, version, findings);
	return rc < 0 ? rc : 0;
}
