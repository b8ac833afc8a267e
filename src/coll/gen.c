/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "gen.h"

#include "railgauge/base/mem.h"
#include "railgauge/device/reduce.h"

#include <inttypes.h>
#include <string.h>

static uint32_t *pair(const struct rg_gen *g, uint32_t *table, uint32_t peer)
{
	return &table[((size_t)g->channel * g->nranks + peer) * 2];
}

static void fail(struct rg_gen *g, int rc)
{
	if (!g->rc)
		g->rc = rc;
}

static void emit(struct rg_gen *g, const struct rg_step *step)
{
	if (!g->rc)
		g->rc = g->sink->step(g->sink, step, g->err);
}

void rg_gen_open(struct rg_gen *g, const struct rg_problem *problem, uint32_t rank,
		 struct rg_sink *sink, struct rg_err *err)
{
	uint32_t n = problem->layout.nranks;
	size_t pairs = (size_t)n * (problem->params.channels ? problem->params.channels : 1);

	*g = (struct rg_gen){
		.problem = problem,
		.rank = rank,
		.nranks = n,
		.words = problem->params.protocol == RG_PROTOCOL_WORD,
		.sink = sink,
		.err = err,
		.sent = rg_zalloc(pairs, 2 * sizeof(uint32_t)),
		.received = rg_zalloc(pairs, 2 * sizeof(uint32_t)),
		.signals = rg_zalloc(pairs, 2 * sizeof(uint32_t)),
	};
	if (!g->sent || !g->received || !g->signals)
		g->rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory to generate a schedule");
}

int rg_gen_close(struct rg_gen *g, struct rg_schedule_needs *needs_out)
{
	rg_free(g->sent);
	rg_free(g->received);
	rg_free(g->signals);
	if (!g->rc)
		needs_out->tmp_bytes = g->tmp_bytes;
	return g->rc;
}

void *rg_gen_alloc(struct rg_gen *g, size_t count, size_t each_bytes)
{
	void *room = rg_alloc(count * each_bytes);

	if (!room && !g->rc)
		g->rc = rg_err_set(g->err, RG_ERR_NO_MEMORY, "no memory to generate a schedule");
	return room;
}

static void emit_counter(struct rg_gen *g, enum rg_step_op op, uint32_t peer, enum rg_ctr ctr,
			 int64_t value, uint32_t lag)
{
	struct rg_step *step = &g->counter;

	step->op = op;
	step->channel = g->channel;
	step->peer = peer;
	step->ctr = ctr;
	step->value = value;
	step->lag = lag;
	emit(g, step);
}

/* The number that all references of kind buf have reached in table; checks that they agree. */
static uint32_t message_of(struct rg_gen *g, const struct rg_ref *refs, uint32_t n, enum rg_buf buf,
			   uint32_t *table)
{
	uint32_t msg = UINT32_MAX;

	for (uint32_t k = 0; k < n; k++) {
		if (refs[k].buf != buf)
			continue;
		uint32_t m = pair(g, table, refs[k].rank)[g->words];

		if (msg != UINT32_MAX && m != msg)
			fail(g, rg_err_set(g->err, RG_ERR_INTERNAL,
					   "rank %u: one move names messages %u and %u", g->rank,
					   msg, m));
		msg = m;
	}
	return msg == UINT32_MAX ? 0 : msg;
}

/*
 * Beginning with the source before this rank's own, and downwards: so they come where all ranks
 * send to rank + 1 first. The order of reduction is the list's all the same.
 */
static void wait_for_sources(struct rg_gen *g, const struct rg_gen_move *m, uint32_t in_msg)
{
	uint32_t own = 0;

	while (own < m->nsrc && m->src[own].rank != g->rank)
		own++;
	for (uint32_t i = 1; i <= m->nsrc; i++) {
		const struct rg_ref *s =
			&m->src[own < m->nsrc ? (own + m->nsrc - i) % m->nsrc : i - 1];

		if (s->buf == RG_BUF_IN)
			emit_counter(g, RG_STEP_WAIT, s->rank, RG_CTR_READY, (int64_t)in_msg + 1,
				     0);
	}
}

static void before_move(struct rg_gen *g, const struct rg_gen_move *m, uint32_t in_msg,
			uint32_t out_msg)
{
	const struct rg_geometry *geo = &g->problem->geometry;
	int64_t slots = g->words ? geo->ll_slots : geo->slots;
	enum rg_ctr free_ctr = g->words ? RG_CTR_LL_FREE : RG_CTR_FREE;

	for (uint32_t k = 0; k < m->ndst; k++) {
		if (m->dst[k].buf == RG_BUF_OUT)
			emit_counter(g, RG_STEP_WAIT, m->dst[k].rank, free_ctr,
				     (int64_t)out_msg + 1 - slots, 0);
	}
	if (!g->words)
		wait_for_sources(g, m, in_msg);
}

static void after_move(struct rg_gen *g, const struct rg_gen_move *m, uint32_t in_msg,
		       uint32_t out_msg)
{
	enum rg_ctr free_ctr = g->words ? RG_CTR_LL_FREE : RG_CTR_FREE;

	for (uint32_t k = 0; k < m->ndst; k++) {
		if (m->dst[k].buf != RG_BUF_OUT)
			continue;
		if (!g->words)
			emit_counter(g, RG_STEP_SIGNAL, m->dst[k].rank, RG_CTR_READY,
				     (int64_t)out_msg + 1, 0);
		pair(g, g->sent, m->dst[k].rank)[g->words]++;
	}
	for (uint32_t k = 0; k < m->nsrc; k++) {
		if (m->src[k].buf != RG_BUF_IN)
			continue;
		emit_counter(g, RG_STEP_SIGNAL, m->src[k].rank, free_ctr, (int64_t)in_msg + 1, 0);
		pair(g, g->received, m->src[k].rank)[g->words]++;
	}
}

void rg_gen_move(struct rg_gen *g, const struct rg_gen_move *m)
{
	struct rg_step *step = &g->move;
	uint32_t in_msg, out_msg;

	if (g->rc)
		return;
	in_msg = message_of(g, m->src, m->nsrc, RG_BUF_IN, g->received);
	out_msg = message_of(g, m->dst, m->ndst, RG_BUF_OUT, g->sent);
	before_move(g, m, in_msg, out_msg);
	step->op = RG_STEP_MOVE;
	step->flags = (g->words ? RG_STEP_WORDS : 0u) | (m->last ? RG_STEP_LAST : 0u) |
		      (m->at_once ? RG_STEP_AT_ONCE : 0u);
	step->channel = g->channel;
	step->src = m->src;
	step->dst = m->dst;
	step->nsrc = m->nsrc;
	step->ndst = m->ndst;
	step->src_off = m->src_off;
	step->src_stride = m->src_stride;
	step->dst_off = m->dst_off;
	step->len_bytes = m->len_bytes;
	step->in_msg = in_msg;
	step->out_msg = out_msg;
	step->part = m->part;
	emit(g, step);
	after_move(g, m, in_msg, out_msg);
}

void rg_gen_copy(struct rg_gen *g, struct rg_ref dst, uint64_t dst_off, struct rg_ref src,
		 uint64_t src_off, uint64_t len_bytes)
{
	const struct rg_gen_move move = {
		.src = &src,
		.dst = &dst,
		.nsrc = 1,
		.ndst = 1,
		.src_off = src_off,
		.dst_off = dst_off,
		.len_bytes = len_bytes,
	};

	if (len_bytes == 0 && dst.buf != RG_BUF_OUT && src.buf != RG_BUF_IN)
		return;
	rg_gen_move(g, &move);
}

bool rg_gen_alone(struct rg_gen *g, uint64_t len_bytes)
{
	if (g->nranks > 1)
		return false;
	if (!g->problem->in_place)
		rg_gen_copy(g, (struct rg_ref){RG_BUF_DST, g->rank}, 0,
			    (struct rg_ref){RG_BUF_SRC, g->rank}, 0, len_bytes);
	return true;
}

void rg_gen_signal(struct rg_gen *g, uint32_t peer, enum rg_ctr ctr)
{
	emit_counter(g, RG_STEP_SIGNAL, peer, ctr, 1, 0);
}

void rg_gen_wait(struct rg_gen *g, uint32_t peer, enum rg_ctr ctr, uint32_t lag)
{
	emit_counter(g, RG_STEP_WAIT, peer, ctr, 1, lag);
}

void rg_gen_signal_all(struct rg_gen *g, enum rg_ctr ctr)
{
	for (uint32_t i = 1; i < g->nranks; i++)
		rg_gen_signal(g, (g->rank + i) % g->nranks, ctr);
}

void rg_gen_wait_all(struct rg_gen *g, enum rg_ctr ctr, uint32_t lag)
{
	for (uint32_t i = 1; i < g->nranks; i++)
		rg_gen_wait(g, (g->rank + i) % g->nranks, ctr, lag);
}

void rg_gen_sync_signal(struct rg_gen *g, uint32_t peer)
{
	if (!g->rc)
		emit_counter(g, RG_STEP_SIGNAL, peer, RG_CTR_SYNC, ++pair(g, g->signals, peer)[0],
			     0);
}

void rg_gen_sync_wait(struct rg_gen *g, uint32_t peer)
{
	if (!g->rc)
		emit_counter(g, RG_STEP_WAIT, peer, RG_CTR_SYNC, ++pair(g, g->signals, peer)[1], 0);
}

/*
 * Scratch of a READ, for all ranks' pieces together, and the least for one: well within the
 * second-level cache, and long beside a system call. results/2026-11-paths.txt.
 */
#define READ_BYTES     (256 << 10)
#define READ_MIN_BYTES (16 << 10)
#define READ_MAX_BYTES (64 << 10)

static uint64_t slice_room(const struct rg_problem *problem)
{
	uint64_t read = READ_MAX_BYTES;

	if (problem->params.protocol == RG_PROTOCOL_WORD)
		return problem->geometry.ll_bytes;
	if (problem->params.protocol != RG_PROTOCOL_READ)
		return problem->geometry.slot_bytes;
	while (read > READ_MIN_BYTES && read * problem->layout.nranks > READ_BYTES)
		read /= 2;
	return read;
}

uint64_t rg_gen_slice_bytes(const struct rg_problem *problem)
{
	uint64_t room = slice_room(problem);
	uint64_t slice = problem->params.slice_bytes;

	if (!slice || slice > room)
		slice = room;
	slice -= slice >= 64 ? slice % 64 : slice % problem->elem_bytes;
	return slice ? slice : problem->elem_bytes;
}

uint64_t rg_gen_nslices(const struct rg_problem *problem, uint64_t len_bytes)
{
	uint64_t slice = rg_gen_slice_bytes(problem);

	if (len_bytes <= slice)
		return len_bytes > 0;
	return len_bytes / slice + (len_bytes % slice != 0);
}

struct rg_gen_piece rg_gen_slice(const struct rg_problem *problem, uint64_t len_bytes, uint64_t i)
{
	uint64_t slice = rg_gen_slice_bytes(problem), off = i * slice;

	if (off >= len_bytes)
		return (struct rg_gen_piece){len_bytes, 0};
	return (struct rg_gen_piece){off, len_bytes - off < slice ? len_bytes - off : slice};
}

struct rg_gen_piece rg_gen_cut(const struct rg_problem *problem, uint64_t len, uint32_t n,
			       uint32_t i)
{
	uint64_t elem = problem->elem_bytes, line = elem < 64 ? 64 : elem;
	uint64_t unit = len >= line * n && rg_gen_slice_bytes(problem) % line == 0 ? line : elem;
	uint64_t units = (len + unit - 1) / unit, each = units / n, extra = units % n;
	uint64_t off = (each * i + (i < extra ? i : extra)) * unit;
	uint64_t end = off + (each + (i < extra)) * unit;

	if (end > len)
		end = len;
	return (struct rg_gen_piece){off < len ? off : len, off < len ? end - off : 0};
}

struct rg_gen_piece rg_gen_part(const struct rg_problem *problem, uint32_t r)
{
	struct rg_gen_piece part;

	rg_part(problem->count, problem->layout.nranks, r, &part.off, &part.len);
	part.off *= problem->elem_bytes;
	part.len *= problem->elem_bytes;
	return part;
}

uint32_t rg_gen_credit(const struct rg_problem *problem)
{
	const struct rg_geometry *geo = &problem->geometry;
	bool words = problem->params.protocol == RG_PROTOCOL_WORD;

	return (words ? geo->ll_slots : geo->slots) - geo->credit_batch + 1;
}

void rg_gen_all(const struct rg_gen *g, enum rg_buf others, enum rg_buf own, struct rg_ref *list)
{
	for (uint32_t r = 0; r < g->nranks; r++)
		list[r] = (struct rg_ref){r == g->rank ? own : others, r};
}

uint32_t rg_gen_partner(const struct rg_gen *g, uint32_t round)
{
	if ((g->nranks & (g->nranks - 1)) == 0)
		return g->rank ^ round;
	return (round + g->nranks - g->rank) % g->nranks;
}

int rg_gen_check(const struct rg_algorithm *algorithm, const struct rg_problem *problem,
		 uint32_t max_ranks, struct rg_err *err)
{
	enum rg_protocol protocol = problem->params.protocol;

	if (!(algorithm->protocols & 1u << protocol))
		return rg_err_set(err, RG_ERR_UNSUPPORTED, "%s %s has no protocol \"%s\"",
				  rg_coll_name(problem->coll), algorithm->name,
				  rg_protocol_name(protocol));
	if (problem->layout.nranks > max_ranks)
		return rg_err_set(err, RG_ERR_UNSUPPORTED, "%s %s works for up to %u ranks, not %u",
				  rg_coll_name(problem->coll), algorithm->name, max_ranks,
				  problem->layout.nranks);
	if (algorithm->radix && (problem->params.radix == 1 || problem->params.radix > 64))
		return rg_err_set(err, RG_ERR_UNSUPPORTED, "%s %s takes a radix of 2 to 64, not %u",
				  rg_coll_name(problem->coll), algorithm->name,
				  problem->params.radix);
	if (protocol == RG_PROTOCOL_WINDOW && problem->access != RG_ACCESS_WINDOW)
		return rg_err_set(
			err, RG_ERR_UNSUPPORTED,
			"protocol \"window\" needs buffers in windows, these are private");
	if (protocol == RG_PROTOCOL_WINDOW && !(problem->caps & RG_CAP_MAPPED))
		return rg_err_set(
			err, RG_ERR_UNSUPPORTED,
			"protocol \"window\" needs a transport that maps the peers' memory");
	if (protocol == RG_PROTOCOL_READ && !(problem->caps & RG_CAP_READ))
		return rg_err_set(
			err, RG_ERR_UNSUPPORTED,
			"protocol \"read\" needs a transport that may read the peers' memory");
	if (protocol == RG_PROTOCOL_WORD && !(problem->caps & RG_CAP_WORD8))
		return rg_err_set(
			err, RG_ERR_UNSUPPORTED,
			"protocol \"word\" needs a transport whose 8-byte words arrive whole");
	return 0;
}

int rg_gen_check_credit(const struct rg_algorithm *algorithm, const struct rg_problem *problem,
			uint32_t max_ranks, struct rg_err *err)
{
	int rc = rg_gen_check(algorithm, problem, max_ranks, err);

	if (!rc && problem->params.protocol != RG_PROTOCOL_WINDOW && rg_gen_credit(problem) < 2)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "%s %s needs two slots of credit, not one",
				  rg_coll_name(problem->coll), algorithm->name);
	return rc;
}

uint32_t rg_gen_radix(const struct rg_algorithm *algorithm, const struct rg_problem *problem)
{
	return problem->params.radix ? problem->params.radix : algorithm->radix;
}

uint32_t rg_gen_window(const struct rg_algorithm *algorithm, const struct rg_problem *problem)
{
	return problem->params.window ? problem->params.window : algorithm->window;
}
