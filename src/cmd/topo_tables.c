/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "grid.h"
#include "topo_text.h"

#include <inttypes.h>

#define INDENT	  2
#define CPUS_TEXT 96 /* longer lists are cut in the text, not in the JSON */

char *topo_format_link(const struct rg_topo_link *link, char *text)
{
	double rate_Gbitps = (double)link->rate_Bps * 8e-9;

	if (link->width)
		snprintf(text, TOPO_LINK_BYTES, "%.1f GT/s x%" PRIu32 ", %.3g Gbit/s",
			 link->speed_MTps / 1000.0, link->width, rate_Gbitps);
	else if (link->rate_Bps)
		snprintf(text, TOPO_LINK_BYTES, "%.3g Gbit/s", rate_Gbitps);
	else
		snprintf(text, TOPO_LINK_BYTES, "?");
	return text;
}

/* By the kernel's number, "?" if unknown. */
static void set_numa(struct grid *g, uint32_t row, uint32_t col, const struct rg_topo *t,
		     uint32_t numa)
{
	if (numa == RG_TOPO_NONE)
		grid_set(g, row, col, "?");
	else if (t->numas[numa].os_index == UINT32_MAX)
		grid_set(g, row, col, "-");
	else
		grid_set(g, row, col, "%" PRIu32, t->numas[numa].os_index);
}

static void set_heads(struct grid *g, const char *const *heads)
{
	for (uint32_t col = 0; col < g->ncols; col++)
		grid_set(g, 0, col, "%s", heads[col]);
}

/* "now" and, where the link could be faster, "at best". */
static void set_link(struct grid *g, uint32_t row, uint32_t col, const struct rg_topo_link *cur,
		     const struct rg_topo_link *max)
{
	char now[TOPO_LINK_BYTES], best[TOPO_LINK_BYTES];

	topo_format_link(cur, now);
	if (max->rate_Bps > cur->rate_Bps)
		grid_set(g, row, col, "%s (can do %s)", now, topo_format_link(max, best));
	else
		grid_set(g, row, col, "%s", now);
}

static int print_gpus(const struct rg_topo *t, FILE *out, struct rg_err *err)
{
	static const char *const heads[] = {"GPU", "PCI bus id", "NUMA", "PCIe link", "why a GPU"};
	struct grid g;
	int rc;

	if (!t->ngpus)
		return 0;
	rc = grid_init(&g, t->ngpus + 1, 5, err);
	if (rc)
		return rc;
	set_heads(&g, heads);
	for (uint32_t i = 0; i < t->ngpus; i++) {
		const struct rg_topo_gpu *gpu = &t->gpus[i];

		grid_set(&g, i + 1, 0, "%" PRIu32, i);
		grid_set(&g, i + 1, 1, "%s", gpu->at.busid);
		set_numa(&g, i + 1, 2, t, gpu->at.numa);
		set_link(&g, i + 1, 3, &gpu->pcie_cur, &gpu->pcie_max);
		grid_set(&g, i + 1, 4, "%s", gpu->why);
	}
	fputs("\nGPUs\n", out);
	grid_print(&g, INDENT, out);
	grid_release(&g);
	return 0;
}

static void set_nic(struct grid *g, uint32_t row, const struct rg_topo *t,
		    const struct rg_topo_nic *nic, const struct rg_affinity_nic *a)
{
	grid_set(g, row, 0, "%s", nic->name);
	grid_set(g, row, 1, "%s", nic->netdev[0] ? nic->netdev : "-");
	grid_set(g, row, 2, "%s", nic->at.busid[0] ? nic->at.busid : "-");
	set_numa(g, row, 3, t, nic->at.numa);
	grid_set(g, row, 4, "%s", rg_topo_layer_words[nic->layer]);
	grid_set(g, row, 5, "%s", rg_topo_state_words[nic->state]);
	if (nic->rate_Bps)
		grid_set(g, row, 6, "%.4g Gbit/s", (double)nic->rate_Bps * 8e-9);
	else
		grid_set(g, row, 6, "?");
	if (nic->mtu_bytes)
		grid_set(g, row, 7, "%" PRIu32 " B", nic->mtu_bytes);
	else
		grid_set(g, row, 7, "?");
	set_link(g, row, 8, &nic->pcie_cur, &nic->pcie_max);
	if (a->rail == RG_TOPO_NONE)
		grid_set(g, row, 9, "no: %s", a->why);
	else
		grid_set(g, row, 9, "rail %" PRIu32, a->rail);
}

static int print_nics(const struct rg_topo *t, const struct rg_affinity *a, FILE *out,
		      struct rg_err *err)
{
	static const char *const heads[] = {"adapter", "netdev", "PCI bus id", "NUMA",	    "layer",
					    "state",   "rate",	 "MTU",	       "PCIe link", "used"};
	struct grid g;
	int rc;

	if (!t->nnics)
		return 0;
	rc = grid_init(&g, t->nnics + 1, 10, err);
	if (rc)
		return rc;
	set_heads(&g, heads);
	for (uint32_t i = 0; i < t->nnics; i++)
		set_nic(&g, i + 1, t, &t->nics[i], &a->nics[i]);
	fputs("\nNetwork adapters\n", out);
	grid_print(&g, INDENT, out);
	grid_release(&g);
	return 0;
}

/* One row per GPU or NUMA node, one column per adapter. */
static int print_matrix(const struct rg_topo *t, enum rg_topo_kind kind, uint32_t n, FILE *out,
			struct rg_err *err)
{
	struct grid g;
	int rc;

	if (!n || !t->nnics)
		return 0;
	rc = grid_init(&g, n + 1, t->nnics + 1, err);
	if (rc)
		return rc;
	for (uint32_t k = 0; k < t->nnics; k++)
		grid_set(&g, 0, k + 1, "%s", t->nics[k].name);
	for (uint32_t i = 0; i < n; i++) {
		if (kind == RG_TOPO_GPU)
			grid_set(&g, i + 1, 0, "GPU %" PRIu32, i);
		else if (t->numas[i].os_index == UINT32_MAX)
			grid_set(&g, i + 1, 0, "NUMA node");
		else
			grid_set(&g, i + 1, 0, "NUMA node %" PRIu32, t->numas[i].os_index);
		for (uint32_t k = 0; k < t->nnics; k++)
			grid_set(&g, i + 1, k + 1, "%s",
				 rg_dist_name(
					 rg_topo_distance(t, (struct rg_topo_ref){kind, i},
							  (struct rg_topo_ref){RG_TOPO_NIC, k})));
	}
	fprintf(out, "\nDistance of each %s to each adapter\n",
		kind == RG_TOPO_GPU ? "GPU" : "NUMA node");
	grid_print(&g, INDENT, out);
	grid_release(&g);
	return 0;
}

static void print_legend(const struct rg_topo *t, FILE *out)
{
	if (!t->nnics || !(t->ngpus + t->nnumas))
		return;
	fputs("\nDistances, from near to far\n", out);
	for (int i = 0; i < RG_DIST_COUNT; i++)
		fprintf(out, "  %-5s %s\n", rg_dist_name((enum rg_dist)i),
			rg_dist_text((enum rg_dist)i));
}

static void set_rank(struct grid *g, uint32_t row, const struct rg_topo *t,
		     const struct rg_affinity *a, uint32_t rank)
{
	const struct rg_affinity_rank *r = &a->ranks[rank];
	char cpus[CPUS_TEXT];

	grid_set(g, row, 0, "%" PRIu32, rank);
	if (r->ngpus > 1)
		grid_set(g, row, 1, "%" PRIu32 "-%" PRIu32, r->first_gpu,
			 r->first_gpu + r->ngpus - 1);
	else if (r->ngpus)
		grid_set(g, row, 1, "%" PRIu32, r->first_gpu);
	else
		grid_set(g, row, 1, "-");
	grid_set(g, row, 2, "%s", r->nic == RG_TOPO_NONE ? "-" : t->nics[r->nic].name);
	grid_set(g, row, 3, "%s", r->nic == RG_TOPO_NONE ? "-" : rg_dist_name(r->dist));
	grid_set(g, row, 4, "%" PRIu32, r->ncores);
	grid_set(g, row, 5, "%s", rg_cpuset_format(&r->cores, cpus, sizeof(cpus)));
}

static int print_ranks(const struct rg_topo *t, const struct rg_affinity *a, FILE *out,
		       struct rg_err *err)
{
	static const char *const heads[] = {"rank", "GPU", "adapter", "distance", "cores", "CPUs"};
	struct grid g;
	int rc = grid_init(&g, a->nranks + 1, 6, err);

	if (rc)
		return rc;
	set_heads(&g, heads);
	for (uint32_t i = 0; i < a->nranks; i++)
		set_rank(&g, i + 1, t, a, i);
	fprintf(out, "\nRecommended for %" PRIu32 " rank%s per node (%s)\n", a->nranks,
		a->nranks == 1 ? "" : "s", a->ranks_why);
	grid_print_row(&g, 0, INDENT, out);
	for (uint32_t i = 0; i < a->nranks; i++) {
		grid_print_row(&g, i + 1, INDENT, out);
		fprintf(out, "        adapter: %s\n        cores:   %s\n", a->ranks[i].nic_why,
			a->ranks[i].cores_why);
	}
	grid_release(&g);
	return 0;
}

int topo_print_tables(const struct rg_topo *topo, const struct rg_affinity *affinity, FILE *out,
		      struct rg_err *err)
{
	int rc = print_gpus(topo, out, err);

	if (!rc)
		rc = print_nics(topo, affinity, out, err);
	if (!rc)
		rc = print_matrix(topo, RG_TOPO_GPU, topo->ngpus, out, err);
	if (!rc)
		rc = print_matrix(topo, RG_TOPO_NUMA, topo->nnumas, out, err);
	if (rc)
		return rc;
	print_legend(topo, out);
	return print_ranks(topo, affinity, out, err);
}
