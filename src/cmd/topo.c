/* SPDX-License-Identifier: BSD-3-Clause */
/* railgauge topo: what this machine (or a recorded one) has, and which part is near which. */
#include "config.h"

#include "cmd.h"
#include "topo_text.h"

#include "railgauge/base/json.h"
#include "railgauge/base/opt.h"
#include "railgauge/topo/affinity.h"

#include <stdio.h>

#define NAME	       "railgauge topo"
#define REPORT_FORMAT  "railgauge-topo-report"
#define REPORT_VERSION 1

enum format {
	FORMAT_TREE,
	FORMAT_JSON,
};

struct topo_options {
	const char *xml;
	int format; /* enum format */
	int64_t nranks;
};

static const char *const format_choices[] = {"tree", "json", NULL};

static const struct rg_opt topo_table[] = {
	{.name = "xml",
	 RG_OPT_FIELD(STRING, struct topo_options, xml),
	 .value = "FILE",
	 .help = "a machine recorded by lstopo FILE.xml (hwloc 1.x or 2.x) instead of this one"},
	{.name = "format",
	 RG_OPT_FIELD(CHOICE, struct topo_options, format),
	 .value = "FORMAT",
	 .dflt = "tree",
	 .choices = format_choices,
	 .help = "how to print it"},
	{.name = "ranks",
	 .letter = 'n',
	 RG_OPT_FIELD(INT, struct topo_options, nranks),
	 .value = "N",
	 .dflt = "0",
	 .min = 0,
	 .max = RG_AFFINITY_RANKS_MAX,
	 .help = "recommend for N ranks per node; 0 for one per GPU, else per adapter or NUMA "
		 "node, else per core"},
	{.name = NULL},
};

static const struct rg_opt *const topo_tables[] = {topo_table, NULL};

static const struct rg_opt_command topo_command = {
	.name = NAME,
	.summary = "Show NUMA nodes, cores, GPUs and network adapters, how far they are from each "
		   "other, and which belong together.",
	.details =
		"Distances are in the classes of NCCL and nvidia-smi, LOC PIX PXB PHB NODE SYS "
		"from "
		"near to far. Each rank gets one of its nearest adapters; of those, ranks are "
		"spread "
		"evenly over adapters, then over PCIe links, then in the order of rails. Each "
		"choice is printed with its reason.\n\n"
		"A recording is read in a child process with limits, because libhwloc does not "
		"survive every malformed file; a file that cannot be read is one line of error and "
		"exit status 3.",
	.tables = topo_tables,
};

static json_t *distances_from(const struct rg_topo *topo, enum rg_topo_kind kind, uint32_t n)
{
	json_t *matrix = json_array();

	for (uint32_t i = 0; matrix && i < n; i++) {
		json_t *row = json_array();

		for (uint32_t k = 0; row && k < topo->nnics; k++) {
			enum rg_dist dist = rg_topo_distance(topo, (struct rg_topo_ref){kind, i},
							     (struct rg_topo_ref){RG_TOPO_NIC, k});

			if (rg_json_append(row, json_string(rg_dist_name(dist)), NULL)) {
				json_decref(row);
				row = NULL;
			}
		}
		if (rg_json_append(matrix, row, NULL)) {
			json_decref(matrix);
			matrix = NULL;
		}
	}
	return matrix;
}

static int print_json(const struct rg_topo *topo, const struct rg_affinity *affinity,
		      struct rg_err *err)
{
	json_t *root =
		json_pack("{s:s, s:i, s:o, s:{s:o, s:o}, s:o}", "format", REPORT_FORMAT, "version",
			  REPORT_VERSION, "topology", rg_topo_to_json(topo), "distances", "gpu_nic",
			  distances_from(topo, RG_TOPO_GPU, topo->ngpus), "numa_nic",
			  distances_from(topo, RG_TOPO_NUMA, topo->nnumas), "affinity",
			  rg_affinity_to_json(topo, affinity));
	int rc = 0;

	if (!root)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the JSON");
	if (json_dumpf(root, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(12)))
		rc = rg_err_set(err, RG_ERR_SYSTEM, "standard output cannot be written");
	putchar('\n');
	json_decref(root);
	return rc;
}

static int show(const struct topo_options *options, const struct rg_topo *topo, struct rg_err *err)
{
	struct rg_affinity *affinity;
	int rc;

	rc = rg_affinity_open(topo, (uint32_t)options->nranks, &affinity, err);
	if (rc)
		return rc;
	if (options->format == FORMAT_JSON) {
		rc = print_json(topo, affinity, err);
	} else {
		topo_print_tree(topo, stdout);
		rc = topo_print_tables(topo, affinity, stdout, err);
	}
	rg_affinity_close(affinity);
	if (!rc)
		rc = rg_cmd_output_check(err);
	return rc;
}

int cmd_topo(int argc, char **argv)
{
	struct topo_options options = {0};
	struct rg_opt_origins origins;
	struct rg_topo *topo = NULL;
	struct rg_err err = {0};
	int first, rc;

	rc = rg_opt_parse(&topo_command, argc, argv, (void *[]){&options}, &origins, &first, &err);
	if (rc)
		return rg_cmd_status(NAME, rc, &err);
	rc = options.xml ? rg_topo_read_xml(options.xml, &topo, &err)
			 : rg_topo_live(0, &topo, &err);
	if (!rc)
		rc = show(&options, topo, &err);
	rg_topo_close(topo);
	return rg_cmd_status(NAME, rc, &err);
}
