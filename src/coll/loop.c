/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loops of schedules: rg_gen_loop finds them, rg_unroll takes them apart again.
 *
 * The finder keeps the steps of one iteration (the body) and, from the second iteration on, the
 * strides between iterations. As long as the next iteration is what the strides predict, only a
 * count grows; when it is not, the loop found so far goes to the sink and a new one begins. So a
 * generator writes plain iterations and never more than two of them are stored.
 */
#include "config.h"

#include "gen.h"

#include "railgauge/base/mem.h"
#include "railgauge/device/reduce.h"

#include <string.h>

struct body_step {
	struct rg_step step;
	struct rg_ref refs[2 * RG_REDUCE_MAX]; /* sources, then destinations */
};

struct body {
	struct body_step steps[RG_LOOP_BODY_MAX];
	uint32_t n;
};

static void body_put(struct body *body, const struct rg_step *step)
{
	struct body_step *b = &body->steps[body->n++];

	b->step = *step;
	if (step->nsrc)
		memcpy(b->refs, step->src, step->nsrc * sizeof(b->refs[0]));
	if (step->ndst)
		memcpy(b->refs + step->nsrc, step->dst, step->ndst * sizeof(b->refs[0]));
	b->step.src = b->refs;
	b->step.dst = b->refs + step->nsrc;
}

/* A copied body points into itself again. */
static void body_copy(struct body *to, const struct body *from)
{
	to->n = 0;
	for (uint32_t i = 0; i < from->n; i++)
		body_put(to, &from->steps[i].step);
}

/*
 * The loop found so far and the iteration being caught. An iteration with too many steps for a body
 * (many ranks in one move) is not worth a loop: everything goes through from then on.
 */
struct capture {
	struct rg_sink sink;
	struct rg_gen *g;    /* borrowed: the sink is its own while iterations are caught */
	struct rg_sink *out; /* borrowed */
	struct body loop, now;
	uint64_t repeat; /* iterations that `loop` stands for */
	bool through;
};

static int flush_loop(struct capture *c, struct rg_err *err)
{
	const struct rg_step head = {.op = RG_STEP_LOOP, .body = c->loop.n, .repeat = c->repeat};
	int rc = 0;

	if (c->repeat > 1)
		rc = c->out->step(c->out, &head, err);
	for (uint32_t k = 0; k < c->loop.n && c->repeat > 0 && !rc; k++)
		rc = c->out->step(c->out, &c->loop.steps[k].step, err);
	c->repeat = 0;
	return rc;
}

static int capture_step(struct rg_sink *sink, const struct rg_step *step, struct rg_err *err)
{
	struct capture *c = (struct capture *)sink;
	int rc;

	if (c->now.n < RG_LOOP_BODY_MAX) {
		body_put(&c->now, step);
		return 0;
	}
	c->through = true;
	c->g->sink = c->out;
	rc = flush_loop(c, err);
	for (uint32_t k = 0; k < c->now.n && !rc; k++)
		rc = c->out->step(c->out, &c->now.steps[k].step, err);
	return rc ? rc : c->out->step(c->out, step, err);
}

static bool same_shape(const struct body *a, const struct body *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++) {
		const struct rg_step *x = &a->steps[i].step, *y = &b->steps[i].step;

		if (x->op != y->op || x->flags != y->flags || x->channel != y->channel ||
		    x->peer != y->peer || x->ctr != y->ctr || x->lag != y->lag ||
		    x->nsrc != y->nsrc || x->ndst != y->ndst || x->src_stride != y->src_stride ||
		    x->len_bytes != y->len_bytes ||
		    memcmp(a->steps[i].refs, b->steps[i].refs,
			   (x->nsrc + x->ndst) * sizeof(struct rg_ref)))
			return false;
	}
	return true;
}

/* The step that iteration i of the loop would be. */
static struct rg_step iteration_of(const struct rg_step *s, uint64_t i)
{
	struct rg_step r = *s;

	r.value += (int64_t)i * s->iter_value;
	r.src_off += i * (uint64_t)s->iter_src_off;
	r.dst_off += i * (uint64_t)s->iter_dst_off;
	r.in_msg += (uint32_t)i * (uint32_t)s->iter_in_msg;
	r.out_msg += (uint32_t)i * (uint32_t)s->iter_out_msg;
	r.part += i * (uint64_t)s->iter_part;
	r.iter_value = r.iter_src_off = r.iter_dst_off = r.iter_part = 0;
	r.iter_in_msg = r.iter_out_msg = 0;
	return r;
}

static bool predicted(const struct body *loop, uint64_t i, const struct body *now)
{
	if (!same_shape(loop, now))
		return false;
	for (uint32_t k = 0; k < loop->n; k++) {
		struct rg_step p = iteration_of(&loop->steps[k].step, i);
		const struct rg_step *n = &now->steps[k].step;

		if (p.value != n->value || p.src_off != n->src_off || p.dst_off != n->dst_off ||
		    p.in_msg != n->in_msg || p.out_msg != n->out_msg || p.part != n->part)
			return false;
	}
	return true;
}

static void set_strides(struct body *loop, const struct body *second)
{
	for (uint32_t k = 0; k < loop->n; k++) {
		struct rg_step *a = &loop->steps[k].step;
		const struct rg_step *b = &second->steps[k].step;

		a->iter_value = b->value - a->value;
		a->iter_src_off = (int64_t)(b->src_off - a->src_off);
		a->iter_dst_off = (int64_t)(b->dst_off - a->dst_off);
		a->iter_in_msg = (int32_t)(b->in_msg - a->in_msg);
		a->iter_out_msg = (int32_t)(b->out_msg - a->out_msg);
		a->iter_part = (int64_t)(b->part - a->part);
	}
}

/* Joins the caught iteration to the loop, or ends the loop and begins a new one with it. */
static int take_iteration(struct capture *c, struct rg_err *err)
{
	int rc;

	if (c->repeat == 1 && same_shape(&c->loop, &c->now))
		set_strides(&c->loop, &c->now);
	if (c->repeat > 0 && predicted(&c->loop, c->repeat, &c->now)) {
		c->repeat++;
		return 0;
	}
	rc = flush_loop(c, err);
	body_copy(&c->loop, &c->now);
	c->repeat = 1;
	return rc;
}

void rg_gen_loop(struct rg_gen *g, uint64_t n,
		 void (*body)(struct rg_gen *g, uint64_t i, void *arg), void *arg)
{
	struct rg_sink *out = g->sink;
	struct capture *c;

	if (n == 0 || g->rc)
		return;
	c = rg_alloc(sizeof(*c));
	if (!c) {
		g->rc = rg_err_set(g->err, RG_ERR_NO_MEMORY, "no memory to generate a schedule");
		return;
	}
	c->sink.step = capture_step;
	c->g = g;
	c->out = out;
	c->loop.n = 0;
	c->repeat = 0;
	c->through = false;
	g->sink = &c->sink;
	for (uint64_t i = 0; i < n && !g->rc; i++) {
		c->now.n = 0;
		body(g, i, arg);
		if (!g->rc && !c->through)
			g->rc = take_iteration(c, g->err);
	}
	if (!g->rc && !c->through)
		g->rc = flush_loop(c, g->err);
	g->sink = out;
	rg_free(c);
}

struct rg_unroll {
	struct rg_sink sink;
	struct rg_sink *to; /* borrowed */
	struct body body;
	uint32_t missing; /* steps of the body that are still to come */
	uint64_t repeat;
};

static int unroll_step(struct rg_sink *sink, const struct rg_step *step, struct rg_err *err)
{
	struct rg_unroll *u = (struct rg_unroll *)sink;
	int rc = 0;

	if (step->op == RG_STEP_LOOP) {
		if (u->missing || step->body > RG_LOOP_BODY_MAX)
			return rg_err_set(err, RG_ERR_INTERNAL,
					  "a schedule nests loops or has a body of %u steps",
					  step->body);
		u->missing = step->body;
		u->repeat = step->repeat;
		u->body.n = 0;
		return 0;
	}
	if (!u->missing)
		return u->to->step(u->to, step, err);
	body_put(&u->body, step);
	if (--u->missing)
		return 0;
	for (uint64_t i = 0; i < u->repeat && !rc; i++) {
		for (uint32_t k = 0; k < u->body.n && !rc; k++) {
			struct rg_step s = iteration_of(&u->body.steps[k].step, i);

			rc = u->to->step(u->to, &s, err);
		}
	}
	return rc;
}

int rg_unroll_open(struct rg_sink *to, struct rg_unroll **out, struct rg_err *err)
{
	struct rg_unroll *u = rg_alloc(sizeof(*u));

	if (!u)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory to unroll a schedule");
	u->sink.step = unroll_step;
	u->to = to;
	u->missing = 0;
	*out = u;
	return 0;
}

struct rg_sink *rg_unroll_sink(struct rg_unroll *unroll)
{
	return &unroll->sink;
}

void rg_unroll_close(struct rg_unroll *unroll)
{
	rg_free(unroll);
}
