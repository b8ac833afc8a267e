/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where messages are received straight into their places.
 *
 * A message, which is taken once, may be posted at a point of the stream after which nothing but
 * its own copy touches the place, since from then on it may come at any time; and once the message
 * that had its entry before has been taken. What is put from the place is touched by the put, which
 * ends when the network has it. All that comes before the run does not matter: its destination is
 * undefined from its start.
 */
#include "config.h"

#include "program_impl.h"

#include "railgauge/base/mem.h"

#include <string.h>

/* So many instructions are looked back over: a post that is this early gains nothing more. */
#define REACH 512

#define NOT_POSTED UINT32_MAX

/* Does the instruction read or write any of it? */
static bool touches(const struct rg_program *p, const struct rg_insn *i, const struct rg_span *s)
{
	struct rg_span t;

	for (uint32_t k = 0; k < i->nsrc; k++) {
		if (rg_span_of(p, i->src + k, i->src_off + k * (uint64_t)i->src_stride,
			       i->len_bytes, &t) &&
		    rg_span_overlap(&t, s))
			return true;
	}
	for (uint32_t k = 0; k < i->ndst; k++) {
		if (rg_span_of(p, i->dst + k, i->dst_off, i->len_bytes, &t) &&
		    rg_span_overlap(&t, s))
			return true;
	}
	return false;
}

/* Does it take the message of the link that has the entry before message in_msg? */
static bool frees_entry(const struct rg_program *p, const struct rg_insn *i, uint16_t link,
			uint32_t in_msg)
{
	for (uint32_t k = 0; k < i->nsrc; k++) {
		const struct rg_base *b = &p->bases[i->src + k];

		if (b->buf == RG_BUF_IN && !b->words && b->link == link)
			return (uint64_t)i->in_msg + p->ep->config.geometry.slots <= in_msg;
	}
	return false;
}

/*
 * The one place in this rank's memory that a message is copied to, whatever else it is put into.
 * False if the instruction is nothing of the kind.
 */
static bool find_place(const struct rg_program *p, const struct rg_insn *i, struct rg_insn *post)
{
	const struct rg_base *src;
	uint32_t n = 0;

	if ((i->op != RG_INSN_COPY && i->op != RG_INSN_PUT) || i->nsrc != 1 || !i->len_bytes ||
	    i->len_bytes < p->ep->post_bytes || i->flags & RG_INSN_SCALE)
		return false;
	src = &p->bases[i->src]; /* others may be of a program without bases */
	if (src->buf != RG_BUF_IN)
		return false;
	*post = (struct rg_insn){
		.op = RG_INSN_POST,
		.link = src->link,
		.in_msg = i->in_msg,
		.dst_off = i->dst_off,
		.len_bytes = i->len_bytes,
	};
	for (uint32_t k = 0; k < i->ndst; k++) {
		struct rg_span s;

		if (rg_span_of(p, i->dst + k, 0, 0, &s)) {
			post->dst = (uint16_t)(i->dst + k);
			n++;
		}
	}
	return n == 1 &&
	       rg_endpoint_link(p->ep, p->links[src->link].channel, p->links[src->link].peer)
		       ->posted;
}

/* Before which instruction to post what the at-th takes; NOT_POSTED where that is itself. */
static uint32_t find_point(const struct rg_program *p, const struct rg_insn *insns, uint32_t at,
			   const struct rg_insn *post)
{
	uint32_t first = at > REACH ? at - REACH : 0, point = at;
	struct rg_span place;

	(void)rg_span_of(p, post->dst, post->dst_off, post->len_bytes, &place);
	while (point > first && !touches(p, &insns[point - 1], &place) &&
	       !frees_entry(p, &insns[point - 1], post->link, post->in_msg))
		point--;
	return point < at ? point : NOT_POSTED;
}

/* points[i]: before which instruction the i-th one's message is posted. Returns how many are. */
static uint32_t find_points(const struct rg_program *p, struct rg_insn *insns, uint32_t n,
			    uint32_t *points)
{
	struct rg_insn post;
	uint32_t nposts = 0;

	for (uint32_t i = 0; i < n; i++) {
		points[i] = find_place(p, &insns[i], &post) ? find_point(p, insns, i, &post)
							    : NOT_POSTED;
		nposts += points[i] != NOT_POSTED;
	}
	return nposts;
}

/* Where the posts before instruction k begin in the new array: at[k]. */
static void lay_out(const uint32_t *points, uint32_t n, uint32_t *at)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (points[i] != NOT_POSTED)
			at[points[i]]++;
	}
	for (uint32_t k = 0; k < n; k++) {
		uint32_t here = at[k];

		at[k] = sum;
		sum += here + 1;
	}
}

/* Posts take the places from at[k] on, the instruction itself the one behind them. */
static void merge(const struct rg_program *p, const struct rg_insn *insns, uint32_t n,
		  const uint32_t *points, uint32_t *at, struct rg_insn *merged)
{
	for (uint32_t i = 0; i < n; i++) {
		struct rg_insn post;

		if (points[i] != NOT_POSTED && find_place(p, &insns[i], &post))
			merged[at[points[i]]++] = post;
	}
	for (uint32_t k = 0; k < n; k++) {
		struct rg_insn *i = &merged[at[k]];

		*i = insns[k];
		if (points[k] != NOT_POSTED && i->op == RG_INSN_COPY)
			i->op = RG_INSN_TAKE;
		else if (points[k] != NOT_POSTED)
			i->flags |= RG_INSN_POSTED;
	}
}

int rg_program_post(const struct rg_program *p, struct rg_insn **insns, uint32_t *n,
		    struct rg_err *err)
{
	uint32_t *points = rg_alloc((*n + 1) * sizeof(points[0]));
	uint32_t *at = rg_zalloc(*n + 1, sizeof(at[0]));
	struct rg_insn *merged = NULL;
	uint32_t nposts = 0;
	int rc = 0;

	if (points && at)
		nposts = find_points(p, *insns, *n, points);
	if (nposts)
		merged = rg_alloc((*n + nposts) * sizeof(merged[0]));
	if (!points || !at || (nposts && !merged)) {
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a program");
	} else if (nposts) {
		lay_out(points, *n, at);
		merge(p, *insns, *n, points, at, merged);
		rg_free(*insns);
		*insns = merged;
		*n += nposts;
	}
	rg_free(points);
	rg_free(at);
	return rc;
}
