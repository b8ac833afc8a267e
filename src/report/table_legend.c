/* SPDX-License-Identifier: BSD-3-Clause */
/* The text above a table: for a reader who does not know this program. */
#include "config.h"

#include "network.h"
#include "table_impl.h"

#include "railgauge/base/units.h"

#include <stdio.h>
#include <string.h>

#define RANKS_SHOWN 16

static void print_machines(FILE *out, const struct rg_result *head)
{
	char apart[RG_UNITS_BYTES];

	for (uint32_t i = 0; i < head->nmachines; i++) {
		const struct rg_result_machine *m = &head->machines[i];
		char llc[RG_UNITS_BYTES];

		fprintf(out, "# %s: %s, %u cores, %u threads, last-level cache %s, %s\n", m->host,
			m->cpu ? m->cpu : "unknown CPU", m->cores, m->threads,
			rg_format_size(m->llc_bytes, llc),
			m->kernel ? m->kernel : "unknown kernel");
	}
	for (uint32_t i = 0; i < head->nranks && head->nranks <= RANKS_SHOWN; i++)
		fprintf(out, "# rank %u: %s, CPUs %s\n", i, head->ranks[i].host,
			head->ranks[i].cpus ? head->ranks[i].cpus : "unknown");
	if (head->run.mpi)
		fprintf(out, "# MPI: %s\n", head->run.mpi);
	if (head->run.network)
		fprintf(out, "# network: %s\n", head->run.network);
	if (head->run.clock_error_ns > 0)
		fprintf(out, "# clocks: several, compared with rank 0's; apart by at most %s\n",
			rg_format_time(head->run.clock_error_ns, apart));
}

static void print_columns(const struct rg_table *t, const struct rg_result *head)
{
	const char *start = head->run.start ? head->run.start : "";
	FILE *out = t->out;

	fprintf(out,
		"# Columns\n"
		"#   size    bytes of the larger of a rank's two buffers, and count the elements "
		"in it\n"
		"#           (both as nccl-tests has them)\n"
		"#   k       operations back to back in one repetition, each on other buffers; "
		"all\n"
		"#           times are divided by k\n"
		"#   time    median over n repetitions; a repetition lasts from the ranks' common "
		"start\n"
		"#           (%s) to the end of the slowest rank\n"
		"#   +-%%     the median's 95 %% interval within this launch, its longer side; ? "
		"means\n"
		"#           that n repetitions are too few for 95 %%\n"
		"#   algbw   size / time; busbw: algbw times what makes it comparable with the "
		"rate of\n"
		"#           a link, whatever the number of ranks (nccl-tests)\n"
		"#   bound%%  how near it comes to the least time that a cache line between two "
		"cores,\n"
		"#           or the memory%s as calibrated here, allows; ! above 102: the bound "
		"is wrong\n"
		"#   wrong   elements of results that are not what they must be; - means not "
		"checked\n"
		"#   n       repetitions that count\n",
		!strcmp(start, "barrier") ? "the first one to leave a barrier"
		: !strcmp(start, "apart") ? "each its own, after a barrier: too little for some"
					  : "an agreed time",
		head->network.nnodes ? ", or (railgauge over sockets) the network,\n#          "
		: head->run.network  ? ", or (railgauge) the network where its lines' rate is\n"
				       "#           known,"
				     : "");
	if (t->plan.ntargets > 1)
		fprintf(out,
			"#   ratio   time of %s / time of this target: above 1 this one took less; "
			"with\n"
			"#           its 95 %% interval within this launch (other launches may be "
			"outside)\n",
			t->baseline);
}

static void print_conditions(const struct rg_table *t)
{
	const struct rg_table_plan *plan = &t->plan;
	FILE *out = t->out;

	fprintf(out, "# Conditions\n");
	if (plan->in_place)
		fprintf(out, "#   in place       the destination is the source, or the smaller "
			     "buffer is "
			     "this rank's block\n"
			     "#                  of the larger\n");
	if (plan->access[RG_ACCESS_WINDOW])
		fprintf(out, "#   window         railgauge's ranks reach each other's buffers "
			     "directly\n");
	if (plan->access[RG_ACCESS_WINDOW] && plan->persistent)
		fprintf(out, "#   persistent     windows were handed over before the operation\n");
	if (plan->access[RG_ACCESS_WINDOW] && plan->on_request)
		fprintf(out, "#   clear to send  an operation waits until its peers have entered "
			     "it\n");
	if (plan->access[RG_ACCESS_PRIVATE])
		fprintf(out, "#   private        buffers are plain memory of one process, as a "
			     "caller of "
			     "MPI has it\n");
	if (plan->cache[RG_CACHE_WARM])
		fprintf(out, "#   warm           as in a loop of operations on the same buffers\n");
	if (plan->cache[RG_CACHE_FRESH])
		fprintf(out, "#   fresh          each rank has just written its source\n");
	if (plan->cache[RG_CACHE_COLD])
		fprintf(out, "#   cold           other data went through the caches before each "
			     "repetition\n");
}

void rg_table_head(FILE *out, const struct rg_result *head)
{
	fprintf(out, "# railgauge %s, %u rank%s, begun %s\n", head->version, head->run.nranks,
		head->run.nranks == 1 ? "" : "s", head->started);
	if (head->nargs) {
		fprintf(out, "# command:");
		for (uint32_t i = 0; i < head->nargs; i++)
			fprintf(out, " %s", head->args[i]);
		fputc('\n', out);
	}
	print_machines(out, head);
	rg_network_print(head, out);
}

void rg_table_legend(const struct rg_table *t, const struct rg_result *head)
{
	FILE *out = t->out;

	rg_table_head(out, head);
	print_columns(t, head);
	print_conditions(t);
	fprintf(out, "#\n");
}
