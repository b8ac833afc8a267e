/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/model/bound.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

const char *const rg_mix_words[] = {
#define WORD(name, word, reads, writes, streams) word,
	RG_MIX_LIST(WORD)
#undef WORD
		NULL,
};

static const struct {
	uint32_t reads, writes, streams;
} mixes[] = {
#define STREAMS(name, word, reads, writes, streams) {reads, writes, streams},
	RG_MIX_LIST(STREAMS)
#undef STREAMS
};

uint32_t rg_mix_reads(enum rg_mix mix)
{
	return mixes[mix].reads;
}

uint32_t rg_mix_writes(enum rg_mix mix)
{
	return mixes[mix].writes;
}

uint32_t rg_mix_streams(enum rg_mix mix)
{
	return mixes[mix].streams;
}

/* What passes between ranks when each reaches only its own buffers; see the header. */
static double exchange(const struct rg_bound_problem *b)
{
	double s = (double)b->size_bytes, others = (b->nranks - 1.0) / b->nranks * s;

	switch (b->coll) {
	case RG_COLL_ALLREDUCE:
		return 2 * others;
	case RG_COLL_REDUCE:
	case RG_COLL_REDUCESCATTER:
	case RG_COLL_ALLGATHER:
	case RG_COLL_ALLTOALL:
	case RG_COLL_BROADCAST:
		return others;
	case RG_COLL_ALLTOALLV:
		return (double)b->others_bytes / b->nranks;
	case RG_COLL_GATHER:
	case RG_COLL_SCATTER:
		return others / b->nranks;
	case RG_COLL_SENDRECV:
		return b->nranks > 1 ? s : 0;
	case RG_COLL_BARRIER:
	case RG_COLL_COUNT:
		break;
	}
	return 0;
}

/* Does it in place write what it has read? */
static bool updates(enum rg_coll coll)
{
	return rg_coll_reduces(coll) || coll == RG_COLL_ALLTOALL || coll == RG_COLL_ALLTOALLV ||
	       coll == RG_COLL_SENDRECV;
}

void rg_traffic_of(const struct rg_bound_problem *b, struct rg_traffic *out)
{
	double p = b->nranks, s = (double)b->size_bytes;
	double others = (p - 1) / p * s, moved = b->in_place ? others : s;

	memset(out, 0, sizeof(*out));
	if (b->nranks == 1 && b->in_place)
		return; /* the result is there before it begins */
	switch (b->coll) {
	case RG_COLL_ALLREDUCE:
	case RG_COLL_SENDRECV:
		out->read_bytes = s;
		out->written_bytes = s;
		break;
	case RG_COLL_REDUCE:
	case RG_COLL_REDUCESCATTER:
		out->read_bytes = s;
		out->written_bytes = s / p;
		break;
	case RG_COLL_ALLGATHER:
		out->read_bytes = s / p;
		out->written_bytes = moved;
		break;
	case RG_COLL_GATHER:
	case RG_COLL_SCATTER:
		out->read_bytes = moved / p;
		out->written_bytes = moved / p;
		break;
	case RG_COLL_ALLTOALLV:
		out->read_bytes = (double)(b->in_place ? b->others_bytes : b->total_bytes) / p;
		out->written_bytes = out->read_bytes;
		break;
	case RG_COLL_BROADCAST:
		out->read_bytes = b->nranks > 1 ? s / p : 0;
		out->written_bytes = others;
		break;
	case RG_COLL_ALLTOALL:
		out->read_bytes = moved;
		out->written_bytes = moved;
		break;
	case RG_COLL_BARRIER:
	case RG_COLL_COUNT:
		break;
	}
	if (b->in_place && updates(b->coll))
		out->updated_bytes = out->written_bytes;
	if (b->access == RG_ACCESS_PRIVATE)
		out->exchange_bytes = exchange(b);
}

uint64_t rg_bound_footprint_bytes(const struct rg_bound_problem *problem)
{
	struct rg_traffic t;
	double bytes;

	rg_traffic_of(problem, &t);
	bytes = (t.read_bytes + t.written_bytes - t.updated_bytes) * problem->ops;
	return bytes > (double)RG_FOOTPRINT_MIN_BYTES ? (uint64_t)bytes : RG_FOOTPRINT_MIN_BYTES;
}

/* The rates at a footprint: what a larger one reached can be reached as well. */
static void rates_at(const struct rg_rates *rates, uint32_t at, double *rate_Bps)
{
	for (enum rg_mix m = 0; m < RG_MIX_COUNT; m++) {
		rate_Bps[m] = 0;
		for (uint32_t i = at; i < rates->nfootprints; i++)
			rate_Bps[m] = fmax(rate_Bps[m], rates->rate_Bps[i][m]);
	}
}

static double read_share(enum rg_mix mix)
{
	return (double)mixes[mix].reads / (mixes[mix].reads + mixes[mix].writes);
}

static bool is_update(enum rg_mix mix)
{
	return mixes[mix].reads && mixes[mix].streams < mixes[mix].reads + mixes[mix].writes;
}

/*
 * Among the mixes whose share of reads is on the asked side of share, the nearest; of several equal
 * ones the fastest. RG_MIX_COUNT if there is none.
 */
static enum rg_mix nearest(const double *rate_Bps, double share, bool updates, bool above)
{
	enum rg_mix best = RG_MIX_COUNT;

	for (enum rg_mix m = 0; m < RG_MIX_COUNT; m++) {
		double mine = read_share(m), theirs = best < RG_MIX_COUNT ? read_share(best) : 0;

		if (!(rate_Bps[m] > 0) || (above ? mine < share : mine > share) ||
		    (is_update(m) && !updates))
			continue;
		if (best == RG_MIX_COUNT || fabs(mine - share) < fabs(theirs - share) ||
		    (mine == theirs && rate_Bps[m] > rate_Bps[best]))
			best = m;
	}
	return best;
}

/* The time that the traffic takes at these rates, split into the two nearest mixes. */
static double memory_ns(const double *rate_Bps, const struct rg_traffic *t, const char **name_out)
{
	double bytes = t->read_bytes + t->written_bytes, share, part;
	bool updates = t->updated_bytes > 0;
	enum rg_mix hi, lo;

	if (!(bytes > 0))
		return 0;
	share = t->read_bytes / bytes;
	hi = nearest(rate_Bps, share, updates, true);
	lo = nearest(rate_Bps, share, updates, false);
	if (hi == RG_MIX_COUNT || lo == RG_MIX_COUNT)
		return 0; /* a side was not calibrated: better no bound than a wrong one */
	part = read_share(hi) > read_share(lo)
		       ? (share - read_share(lo)) / (read_share(hi) - read_share(lo))
		       : 1;
	*name_out = rg_mix_words[part >= 0.5 ? hi : lo];
	return bytes * (part / rate_Bps[hi] + (1 - part) / rate_Bps[lo]) * 1e9;
}

/* One cache line between cores, per operation. */
static double latency_ns(const struct rg_bound_problem *problem, const struct rg_rates *rates)
{
	if (problem->nranks < 2 || (!problem->size_bytes && problem->coll != RG_COLL_BARRIER))
		return 0;
	if (problem->coll == RG_COLL_ALLTOALLV && !problem->others_bytes)
		return 0;
	if (rg_coll_has_root(problem->coll) ||
	    (problem->coll == RG_COLL_ALLTOALLV && !problem->mutual))
		return rates->line_ns / problem->ops;
	return rates->line_ns;
}

struct rg_bound rg_bound_of(const struct rg_bound_problem *problem, const struct rg_rates *rates)
{
	uint64_t footprint = problem->cold ? UINT64_MAX : rg_bound_footprint_bytes(problem);
	struct rg_bound bound = {.bound_ns = latency_ns(problem, rates), .name = "line"};
	struct rg_traffic t;
	const char *name = NULL;
	double rate_Bps[RG_MIX_COUNT], ns;
	uint32_t at = 0;

	rg_traffic_of(problem, &t);
	while (at + 1 < rates->nfootprints && rates->footprint_bytes[at + 1] <= footprint)
		at++;
	if (rates->nfootprints) {
		rates_at(rates, at, rate_Bps);
		ns = memory_ns(rate_Bps, &t, &name);
		if (ns > bound.bound_ns)
			bound = (struct rg_bound){ns, name};
		t.read_bytes += t.exchange_bytes;
		t.written_bytes += t.exchange_bytes;
		rates_at(rates, 0, rate_Bps);
		ns = memory_ns(rate_Bps, &t, &name);
		if (ns > bound.bound_ns)
			bound = (struct rg_bound){ns, name};
	}
	if (!(bound.bound_ns > 0))
		bound = (struct rg_bound){0, NULL};
	return bound;
}
