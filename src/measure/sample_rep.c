/* SPDX-License-Identifier: BSD-3-Clause */
/* One repetition: prepare, start, run, check. */
#include "config.h"

#include "sample_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <string.h>

static uint8_t *src_of(const struct lane *lane, uint32_t i)
{
	return lane->pairs.base + i * lane->pairs.stride;
}

static uint8_t *dst_of(const struct lane *lane, uint32_t i)
{
	return lane->pairs.base + i * lane->pairs.stride + lane->pairs.dst_at;
}

/* The root of operation n, as the how-manieth root of the problem and as a rank. */
static uint32_t root_index(const struct rg_sampler *s, uint64_t n)
{
	return (uint32_t)(n % s->nroots);
}

static uint32_t root_rank(const struct rg_sampler *s, uint64_t n)
{
	return (s->config.root + root_index(s, n)) % s->job->rdv->nranks;
}

void rg_sample_set_ops(struct rg_sampler *s, uint32_t ops)
{
	s->ops = ops;
	s->npairs = rg_plan_pairs(ops);
	for (int a = 0; a < 2; a++) {
		struct lane *lane = &s->lanes[a];

		if (!lane->buffer.base)
			continue;
		lane->done = 0;
		lane->pairs.stride = s->point->stride;
		lane->pairs.dst_at = s->point->dst_at;
		for (uint32_t i = 0; i < s->npairs; i++) {
			/* Even like the source's own number: see rg_plan_turn. */
			lane->src_number[i] = i + 2 * (uint64_t)RG_PLAN_MAX_OPS * s->refills;
			rg_data_fill(s->data, src_of(lane, i), s->point->count,
				     lane->src_number[i]);
		}
	}
	s->refills++;
}

static void prepare(struct rg_sampler *s, const struct opened *o)
{
	struct lane *lane = &s->lanes[o->candidate->buffers];

	for (uint32_t i = 0; i < s->ops; i++) {
		uint64_t n = lane->done + i;
		struct rg_turn turn = rg_plan_turn(n, s->npairs);
		uint64_t number = turn.src + 2 * (uint64_t)RG_PLAN_MAX_OPS * s->refills;

		if (o->candidate->in_place) {
			lane->dst_number[turn.dst] = number;
			rg_data_fill_in_place(s->data, dst_of(lane, turn.dst), s->point->count,
					      root_rank(s, n), number);
		} else if (s->config.cache != RG_CACHE_WARM) {
			lane->src_number[turn.src] = number;
			rg_data_fill(s->data, src_of(lane, turn.src), s->point->count, number);
		}
	}
	s->refills++;
	if (s->config.cache == RG_CACHE_COLD) {
		uint8_t *p = s->walk.base;

		/* Written, so that lines of others' modified data are pushed out as well. */
		for (size_t i = 0; i < s->walk.len_bytes; i += 64)
			p[i]++;
	}
}

/* What is timed. */
static int run_all(const struct rg_sampler *s, struct rg_target *target, uint64_t done,
		   uint32_t ops, struct rg_err *err)
{
	uint32_t pairs = s->npairs, roots = s->nroots;
	uint32_t dst = (uint32_t)(done % pairs);
	uint32_t lap = (uint32_t)(done / pairs % pairs);
	uint32_t root = root_index(s, done);

	/* As rg_plan_turn, without its divisions. */
	for (uint32_t i = 0; i < ops; i++) {
		uint32_t src = dst + lap;
		int rc = target->ops->run(target, src < pairs ? src : src - pairs, dst, root, err);

		if (rc)
			return rc;
		if (++dst == pairs) {
			dst = 0;
			if (++lap == pairs)
				lap = 0;
		}
		if (++root == roots)
			root = 0;
	}
	return 0;
}

/*
 * Warm means: after operations of the same kind on the same buffers, and nothing else. But other
 * candidates and the check came in between; so one lap over all pairs is run without being timed.
 */
static int warm_up(struct rg_sampler *s, const struct opened *o, struct rg_err *err)
{
	struct lane *lane = &s->lanes[o->candidate->buffers];
	int rc;

	if (s->config.cache != RG_CACHE_WARM || o->candidate->in_place)
		return 0;
	rc = run_all(s, o->target, lane->done, s->npairs, err);
	lane->done += s->npairs;
	return rc;
}

static void check(struct rg_sampler *s, const struct opened *o, uint64_t done,
		  struct report *report)
{
	const struct lane *lane = &s->lanes[o->candidate->buffers];
	enum rg_coll coll = s->config.coll;
	uint64_t count = s->point->count;
	uint64_t each = rg_coll_dst_count(coll, count, s->job->rdv->nranks);
	size_t shift = 0;

	if (o->candidate->in_place)
		shift = rg_data_in_place_dst(coll, count, s->job->rdv->rank) *
			rg_type_bytes(s->config.type);
	for (uint32_t i = 0; i < s->ops; i++) {
		struct rg_turn turn = rg_plan_turn(done + i, s->npairs);
		uint32_t root = root_rank(s, done + i);
		struct rg_data_wrong first;
		uint64_t number, wrong;

		if (o->skip_root && root == s->job->rdv->rank)
			continue;
		number = o->candidate->in_place ? lane->dst_number[turn.dst]
						: lane->src_number[turn.src];
		wrong = rg_data_check(s->data, dst_of(lane, turn.dst) + shift, count, root, number,
				      &first);
		if (wrong && !report->wrong)
			report->first = first;
		report->wrong += wrong;
		report->checked += each;
	}
}

void rg_sample_busy(const struct rg_sampler *s, uint64_t since_ns)
{
	if (s->config.busy_since_ns)
		atomic_store_explicit(s->config.busy_since_ns, since_ns, memory_order_relaxed);
}

int rg_sample_repeat(struct rg_sampler *s, const struct opened *o, struct report *report_out,
		     uint64_t *start_ns_out, struct rg_err *err)
{
	struct lane *lane = &s->lanes[o->candidate->buffers];
	struct report report = {0};
	uint64_t done;
	int rc;

	prepare(s, o);
	rg_sample_busy(s, rg_clock_ns());
	rc = warm_up(s, o, err);
	if (rc)
		goto not_busy;
	done = lane->done;
	rc = rg_sample_begin(s, start_ns_out, &report.start_ns, err);
	if (rc)
		goto not_busy;
	rg_timed_begin();
	rc = run_all(s, o->target, done, s->ops, err);
	report.end_ns = rg_clock_ns();
	rg_timed_end();
not_busy:
	rg_sample_busy(s, 0);
	if (rc)
		return rc;
	lane->done += s->ops;
	if (s->config.check)
		check(s, o, done, &report);
	report.interrupted = s->config.interrupted && *s->config.interrupted;
	*report_out = report;
	return 0;
}
