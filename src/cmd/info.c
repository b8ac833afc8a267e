/* SPDX-License-Identifier: BSD-3-Clause */
/* railgauge info: what works here, what does not, why, and what to do about it. */
#include "config.h"

#include "cmd.h"

#include "railgauge/base/json.h"
#include "railgauge/base/opt.h"
#include "railgauge/device/gpu.h"
#include "railgauge/launch/build.h"
#include "railgauge/mpi/glue.h"
#include "railgauge/topo/limits.h"
#include "railgauge/topo/rdma.h"
#include "railgauge/transport/transport.h"
#include "railgauge/transport/verbs.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME "railgauge info"

/* Where the advice is folded in the text. */
#define WIDTH 100

enum format {
	FORMAT_TEXT,
	FORMAT_JSON,
};

struct info_options {
	int format; /* enum format */
};

static const char *const format_choices[] = {"text", "json", NULL};

static const struct rg_opt info_table[] = {
	{"format", 0, RG_OPT_CHOICE, offsetof(struct info_options, format), "FORMAT", "text", 0, 0,
	 format_choices, NULL, "how to print it"},
	{NULL},
};

static const struct rg_opt *const info_tables[] = {info_table, NULL};

static const struct rg_opt_command info_command = {
	.name = NAME,
	.summary = "Show what works on this machine, what does not and why.",
	.details =
		"One line per item: its state, what was found, and below it what to do about it. "
		"ok: "
		"nothing is in the way. limited: it works, but slower, smaller or not for "
		"everybody. "
		"no: it does not work here. The exit status is 0 also if something does not work.",
	.tables = info_tables,
};

static void check_transports(struct rg_findings *list)
{
	for (const struct rg_transport_ops *const *t = rg_transports; *t; t++) {
		struct rg_err err = {0};
		int rc = (*t)->probe(NULL, &err);

		if (rc)
			rg_findings_add(list, "transports", (*t)->name, RG_STATE_NO, "%s",
					err.text);
		else
			rg_finding_advise(rg_findings_add(list, "transports", (*t)->name,
							  RG_STATE_OK, "%s", (*t)->summary),
					  "system calls in timed operations: %s",
					  (*t)->system_calls);
	}
}

static void check_mpi(struct rg_findings *list)
{
	for (const char *const *names = rg_mpi_known(); *names; names++) {
		struct rg_finding *row;
		char path[PATH_MAX];

		if (!rg_mpi_module_path(*names, path, sizeof(path), NULL)) {
			rg_findings_add(list, "MPI", *names, RG_STATE_OK, "%s", path);
			continue;
		}
		row = rg_findings_add(list, "MPI", *names, RG_STATE_NO,
				      "no module for it was built, or none is found");
		rg_finding_advise(
			row,
			"to measure under its mpirun, install %s, configure again and see "
			"its summary%s",
			rg_mpi_package(*names),
			rg_mpi_modules()[0] ? ""
					    : "; railgauge run and --threads work "
					      "without MPI");
	}
}

/*
 * Prints text folded at WIDTH, its lines after margin blanks, which the first line may have
 * already. A word is never cut: it may be a path.
 */
static void print_folded(const char *text, int margin, bool begun)
{
	size_t room = (size_t)(WIDTH - margin);

	while (*text) {
		size_t n = strlen(text);

		if (n > room) {
			for (n = room; n > 0 && text[n] != ' '; n--)
				;
			if (n == 0)
				n = strcspn(text, " ");
		}
		printf("%*s%.*s\n", begun ? 0 : margin, "", (int)n, text);
		begun = false;
		text += n;
		while (*text == ' ')
			text++;
	}
}

static void print_text(const struct rg_findings *list)
{
	const char *section = "";
	char host[65] = "";
	int width = 0;

	(void)gethostname(host, sizeof(host) - 1); /* else it stays empty */
	for (uint32_t i = 0; i < list->count; i++) {
		int n = (int)strlen(list->rows[i].item);

		width = n > width ? n : width;
	}
	printf("railgauge %s on %s\n", rg_build_id(), host);
	for (uint32_t i = 0; i < list->count; i++) {
		const struct rg_finding *row = &list->rows[i];

		if (strcmp(section, row->section) != 0)
			printf("\n%s\n", row->section);
		section = row->section;
		printf("  %-*s  %-7s  ", width, row->item, rg_state_name(row->state));
		print_folded(row->value, width + 13, true);
		print_folded(row->advice, width + 13, false);
	}
}

static json_t *row_to_json(const struct rg_finding *row)
{
	return json_pack("{ssssssssss}", "section", row->section, "item", row->item, "state",
			 rg_state_name(row->state), "value", row->value, "advice", row->advice);
}

/* What is unlimited or unknown is null. */
static json_t *number(uint64_t v, uint64_t none)
{
	return v == none || v > INT64_MAX ? json_null() : json_integer((json_int_t)v);
}

static json_t *limits_to_json(const struct rg_limits *l)
{
	return json_pack("{sosososososososososososfsisosb}", "locked_memory_bytes",
			 number(l->memlock_bytes, RG_UNLIMITED), "open_files",
			 number(l->nofile, RG_UNLIMITED), "dev_shm_bytes", number(l->shm_bytes, 0),
			 "dev_shm_free_bytes", number(l->shm_free_bytes, 0), "memory_bytes",
			 number(l->memory_bytes, 0), "memory_available_bytes",
			 number(l->memory_available_bytes, 0), "container_memory_bytes",
			 number(l->cgroup.memory_bytes, UINT64_MAX), "huge_page_bytes",
			 number(l->hugetlb_page_bytes, 0), "huge_pages",
			 number(l->hugetlb_total, UINT64_MAX), "huge_pages_free",
			 number(l->hugetlb_free, UINT64_MAX), "processors_online",
			 number(l->ncpus_online, 0), "processors_quota", l->cgroup.cpus,
			 "ptrace_scope", l->ptrace_scope, "processors_allowed",
			 number(l->ncpus_allowed, 0), "peer_memory_readable",
			 l->peer_read_errnum == 0);
}

static int print_json(const struct rg_findings *list, const struct rg_limits *limits,
		      struct rg_err *err)
{
	json_t *root = json_object(), *rows = json_array();
	char host[65] = "";
	int rc;

	(void)gethostname(host, sizeof(host) - 1); /* else it stays empty */
	rc = rg_json_set(root, "build", json_string(rg_build_id()), err);
	if (!rc)
		rc = rg_json_set(root, "host", json_string(host), err);
	for (uint32_t i = 0; !rc && i < list->count; i++)
		rc = rg_json_append(rows, row_to_json(&list->rows[i]), err);
	if (!rc)
		rc = rg_json_set(root, "findings", json_incref(rows), err);
	if (!rc)
		rc = rg_json_set(root, "limits", limits_to_json(limits), err);
	if (!rc && (json_dumpf(root, stdout, JSON_INDENT(1)) || putchar('\n') == EOF))
		rc = rg_err_set(err, RG_ERR_SYSTEM, "standard output cannot be written");
	json_decref(rows);
	json_decref(root);
	return rc;
}

static int info(const struct info_options *options, struct rg_err *err)
{
	struct rg_findings list = {0};
	struct rg_limits limits;
	int rc = 0;

	check_transports(&list);
	check_mpi(&list);
	rg_rdma_check(&list);
	rg_verbs_check(&list);
	rg_gpu_check(&list);
	rg_limits_read(&limits);
	rg_limits_judge(&limits, &list);
	if (list.rc)
		rc = rg_err_set(err, list.rc, "no memory for the findings");
	else if (options->format == FORMAT_JSON)
		rc = print_json(&list, &limits, err);
	else
		print_text(&list);
	if (!rc)
		rc = rg_cmd_output_check(err);
	rg_findings_release(&list);
	return rc;
}

int cmd_info(int argc, char **argv)
{
	struct info_options options = {0};
	void *const bases[] = {&options};
	struct rg_opt_origins origins;
	struct rg_err err = {0};
	int first, rc;

	rc = rg_opt_parse(&info_command, argc, argv, bases, &origins, &first, &err);
	if (!rc && first < argc)
		rc = rg_err_set(&err, RG_ERR_INVALID, "%s: it takes no arguments", argv[first]);
	if (!rc)
		rc = info(&options, &err);
	return rg_cmd_status(NAME, rc, &err);
}
