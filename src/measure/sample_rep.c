/* SPDX-License-Identifier: BSD-3-Clause */
/* One repetition: prepare, start, run, check. */
#include "config.h"

#include "sample_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/matrix.h"
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

/* The root of a candidate's operation n, as the how-manieth root of the problem and as a rank. */
static uint32_t root_index(const struct rg_sampler *s, uint64_t n)
{
	return (uint32_t)(n % s->nroots);
}

static uint32_t root_rank(const struct rg_sampler *s, uint64_t n)
{
	return (s->config.root + root_index(s, n)) % s->job->rdv->nranks;
}

/* Numbers of operations differ over a whole run: from here on they are free. */
static uint64_t free_number(const struct rg_sampler *s)
{
	return 2 * (uint64_t)RG_PLAN_MAX_OPS * s->refills;
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
			lane->src_number[i] = i + free_number(s);
			rg_data_fill(s->data, src_of(lane, i), s->point->count,
				     lane->src_number[i]);
		}
	}
	s->refills++;
}

/*
 * Warm caches and several pairs: the sources stay, untouched. In all other cases they are written
 * anew, with even and odd numbers in turn wherever a destination is used again.
 */
static void prepare(struct rg_sampler *s, const struct opened *o)
{
	struct lane *lane = &s->lanes[o->candidate->buffers];
	bool single = s->npairs == 1;

	for (uint32_t i = 0; i < s->ops; i++) {
		struct rg_turn turn = rg_plan_turn(lane->done + i, s->npairs);
		uint64_t number = free_number(s) + (single ? lane->fills++ & 1 : turn.src);

		if (o->candidate->in_place) {
			lane->dst_number[turn.dst] = number;
			rg_data_fill_in_place(s->data, dst_of(lane, turn.dst), s->point->count,
					      root_rank(s, o->timed + i), number);
		} else if (single || s->config.cache != RG_CACHE_WARM) {
			lane->src_number[turn.src] = number;
			rg_data_fill(s->data, src_of(lane, turn.src), s->point->count, number);
		}
	}
	lane->marked = false;
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
		   uint32_t root, uint32_t ops, struct rg_err *err)
{
	uint32_t pairs = s->npairs, roots = s->nroots;
	uint32_t dst = (uint32_t)(done % pairs);
	uint32_t lap = (uint32_t)(done / pairs % pairs);

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

/* An element in so many bytes is marked: one cache line of a page. */
#define MARK_EVERY_BYTES 4096

/*
 * The one pair holds a whole result by now, and the timed operation is to leave the same: a few
 * elements must tell whether it did anything.
 *
 * With persistent windows peers may put into a destination once its owner has entered the operation
 * before, so a pair should not be used twice in a row. Here it may: no peer begins the timed
 * operation before all ranks have met, which they do after this, nor the next untimed one before
 * all have reported what they found in the destination.
 */
static void mark(struct rg_sampler *s, const struct opened *o, struct lane *lane)
{
	uint64_t count = s->point->count, shortest = count;
	uint64_t step = MARK_EVERY_BYTES / rg_type_bytes(s->config.type);
	uint64_t room;

	/* So that no block is without a mark. */
	if (s->point->counts)
		shortest = rg_matrix_shortest(s->point->counts, s->job->rdv->nranks);
	room = shortest < step ? shortest : step;

	/* Somewhere else each time; the same on all ranks. */
	lane->marks = (struct rg_data_marks){
		.number = lane->src_number[0] ^ 1,
		.first = room ? s->refills * 0x9e3779b97f4a7c15u % room : 0,
		.step = step,
	};
	lane->marked = true;
	rg_data_mark(s->data, src_of(lane, 0), count, &lane->marks);
	rg_data_spoil(s->data, dst_of(lane, 0), count, root_rank(s, o->timed), &lane->marks);
}

/*
 * Warm means: after operations of the same kind on the same buffers, and nothing else. But other
 * candidates and the check came in between; so one lap over all pairs is run without being timed.
 *
 * It ends with the root before the first timed one, as a loop would. Only where the root alone has
 * a destination, each pair has the same root as when it is timed: so what is found there was left
 * by the lap, and is of the other kind.
 */
static int warm_up(struct rg_sampler *s, const struct opened *o, struct rg_err *err)
{
	struct lane *lane = &s->lanes[o->candidate->buffers];
	bool at_root = !rg_coll_has_dst(s->config.coll, 0, 1);
	uint32_t before = at_root ? 0 : s->nroots - s->npairs % s->nroots;
	int rc;

	if (s->config.cache != RG_CACHE_WARM || o->candidate->in_place)
		return 0;
	rc = run_all(s, o->target, lane->done, root_index(s, o->timed + before), s->npairs, err);
	lane->done += s->npairs;
	if (!rc && s->npairs == 1)
		mark(s, o, lane);
	return rc;
}

/* How many elements of operation i of the repetition, and of pair turn, are wrong. */
static uint64_t check_one(const struct rg_sampler *s, const struct opened *o, uint32_t i,
			  struct rg_turn turn, struct rg_data_wrong *first_out)
{
	const struct lane *lane = &s->lanes[o->candidate->buffers];
	uint32_t root = root_rank(s, o->timed + i);
	uint64_t count = s->point->count;
	const uint8_t *dst = dst_of(lane, turn.dst);

	if (o->candidate->in_place)
		dst += rg_data_in_place_dst(s->config.coll, count, s->job->rdv->rank) *
		       rg_type_bytes(s->config.type);
	if (lane->marked)
		return rg_data_check_marked(s->data, dst, count, root, lane->src_number[turn.src],
					    &lane->marks, first_out);
	return rg_data_check(s->data, dst, count, root,
			     o->candidate->in_place ? lane->dst_number[turn.dst]
						    : lane->src_number[turn.src],
			     first_out);
}

static void check(const struct rg_sampler *s, const struct opened *o, uint64_t done,
		  struct report *report)
{
	for (uint32_t i = 0; i < s->ops; i++) {
		struct rg_data_wrong first;
		uint64_t wrong;

		wrong = check_one(s, o, i, rg_plan_turn(done + i, s->npairs), &first);
		if (wrong && !report->wrong)
			report->first = first;
		report->wrong += wrong;
		report->checked +=
			rg_data_dst_count(s->data, s->point->count, root_rank(s, o->timed + i));
	}
}

void rg_sample_busy(const struct rg_sampler *s, uint64_t since_ns)
{
	if (s->config.busy_since_ns)
		atomic_store_explicit(s->config.busy_since_ns, since_ns, memory_order_relaxed);
}

int rg_sample_repeat(struct rg_sampler *s, struct opened *o, struct report *report_out,
		     uint64_t *start_ns_out, struct rg_err *err)
{
	struct lane *lane = &s->lanes[o->candidate->buffers];
	struct report report = {0};
	uint32_t root = root_index(s, o->timed);
	uint64_t done;
	int rc;

	prepare(s, o);
	if (o->target->ops->select)
		o->target->ops->select(o->target);
	rg_sample_busy(s, rg_clock_ns());
	rc = warm_up(s, o, err);
	if (rc)
		goto not_busy;
	done = lane->done;
	rc = rg_sample_begin(s, start_ns_out, &report.start_ns, err);
	if (rc)
		goto not_busy;
	rg_timed_begin();
	rc = run_all(s, o->target, done, root, s->ops, err);
	report.end_ns = rg_sample_now(s);
	rg_timed_end();
not_busy:
	rg_sample_busy(s, 0);
	if (rc)
		return rc;
	lane->done += s->ops;
	if (s->config.check)
		check(s, o, done, &report);
	o->timed += s->ops;
	report.interrupted = s->config.interrupted && *s->config.interrupted;
	*report_out = report;
	return 0;
}
