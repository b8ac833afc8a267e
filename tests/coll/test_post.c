/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For every algorithm: of messages that are received straight into their places, that nothing else
 * touches a place between its post and its taking, and that what can be posted is; of those that
 * may be sent straight from where they lie, that nothing writes there any more.
 */
#include "config.h"

#include "ranks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define POSTS_MAX 4096

/* Addresses that buffers might have; only how they lie to each other matters. */
#define SRC_AT UINT64_C(0x10000000)
#define DST_AT UINT64_C(0x20000000)
#define TMP_AT UINT64_C(0x30000000)

struct post {
	uint64_t at, len;
	uint32_t link, in_msg;
};

struct walk {
	const struct rg_program *p;
	uint64_t src_at, dst_at;
	struct post posts[POSTS_MAX]; /* those that are outstanding */
	uint32_t n;
};

static bool is_block_of_dst(enum rg_coll c)
{
	return c == RG_COLL_ALLGATHER || c == RG_COLL_GATHER;
}

static bool is_block_of_src(enum rg_coll c)
{
	return c == RG_COLL_REDUCESCATTER || c == RG_COLL_SCATTER;
}

static void place_buffers(struct walk *w)
{
	const struct rg_problem *p = &w->p->problem;
	uint64_t block = p->count * p->elem_bytes * w->p->rank;

	w->src_at = SRC_AT;
	w->dst_at = DST_AT;
	if (p->in_place && is_block_of_dst(p->coll))
		w->src_at = w->dst_at + block;
	else if (p->in_place)
		w->dst_at = w->src_at + (is_block_of_src(p->coll) ? block : 0);
}

/* 0: no memory of this rank. */
static uint64_t address(const struct walk *w, uint32_t base, uint64_t off)
{
	const struct rg_base *b = &w->p->bases[base];

	if (b->buf == RG_BUF_TMP)
		return TMP_AT + off;
	if (b->rank != w->p->rank || b->buf > RG_BUF_TMP)
		return 0;
	return (b->buf == RG_BUF_SRC ? w->src_at : w->dst_at) + off;
}

static int complain(struct rank *r, const struct walk *w, const struct rg_insn *i, const char *what)
{
	const struct rg_problem *p = &w->p->problem;

	return rg_err_set(&r->err, RG_ERR_INTERNAL, "%s %s, %llu elements%s, rank %u, insn %d: %s",
			  rg_coll_name(p->coll), w->p->algorithm->name,
			  (unsigned long long)p->count, p->in_place ? " in place" : "", w->p->rank,
			  (int)(i - w->p->insns), what);
}

static int add_post(struct rank *r, struct walk *w, const struct rg_insn *i)
{
	const struct post new = {address(w, i->dst, i->dst_off), i->len_bytes, i->link, i->in_msg};
	uint32_t slots = rank_geometry->slots;

	for (uint32_t k = 0; k < w->n; k++) {
		const struct post *p = &w->posts[k];

		if (p->link == new.link && p->in_msg % slots == new.in_msg % slots)
			return complain(r, w, i, "the entry is taken");
		if (p->at < new.at + new.len &&new.at < p->at + p->len)
			return complain(r, w, i, "posted over what is posted");
	}
	if (!new.at || w->n == POSTS_MAX)
		return complain(r, w, i, "a post to nowhere, or too many");
	w->posts[w->n++] = new;
	return 0;
}

static bool is_taking(const struct rg_insn *i)
{
	return i->op == RG_INSN_TAKE || (i->op == RG_INSN_PUT && i->flags & RG_INSN_POSTED);
}

static int take_post(struct rank *r, struct walk *w, const struct rg_insn *i)
{
	uint32_t link = w->p->bases[i->src].link;

	for (uint32_t k = 0; k < w->n; k++) {
		if (w->posts[k].link == link && w->posts[k].in_msg == i->in_msg) {
			w->posts[k] = w->posts[--w->n];
			return 0;
		}
	}
	return complain(r, w, i, "takes what is not posted");
}

/* What was placed is not in its slot for another instruction. */
static int take_again(struct rank *r, struct walk *w, const struct rg_insn *taking)
{
	uint32_t link = w->p->bases[taking->src].link;

	for (const struct rg_insn *i = w->p->insns; i->op != RG_INSN_END; i++) {
		for (uint32_t k = 0; i != taking && k < i->nsrc; k++) {
			const struct rg_base *b = &w->p->bases[i->src + k];

			if (b->buf == RG_BUF_IN && b->link == link && i->in_msg == taking->in_msg)
				return complain(r, w, i, "takes what was placed elsewhere");
		}
	}
	return 0;
}

static int touch(struct rank *r, struct walk *w, const struct rg_insn *i)
{
	for (uint32_t k = 0; k < i->nsrc + (uint32_t)i->ndst; k++) {
		uint64_t at = k < i->nsrc ? address(w, i->src + k,
						    i->src_off + k * (uint64_t)i->src_stride)
					  : address(w, i->dst + k - i->nsrc, i->dst_off);

		for (uint32_t q = 0; at && q < w->n; q++) {
			if (w->posts[q].at < at + i->len_bytes &&
			    at < w->posts[q].at + w->posts[q].len)
				return complain(r, w, i, "touches what is posted");
		}
	}
	return 0;
}

/* Also counts the messages that are copied without having been posted. */
static int walk(struct rank *r, const struct rg_program *p, uint32_t *unposted)
{
	struct walk w = {.p = p};
	int rc = 0;

	place_buffers(&w);
	for (const struct rg_insn *i = p->insns; i->op != RG_INSN_END && !rc; i++) {
		if (i->op == RG_INSN_POST) {
			rc = add_post(r, &w, i);
			continue;
		}
		if (is_taking(i))
			rc = take_post(r, &w, i);
		if (!rc && is_taking(i))
			rc = take_again(r, &w, i);
		if (!rc)
			rc = touch(r, &w, i);
		if (i->op == RG_INSN_COPY && p->bases[i->src].buf == RG_BUF_IN)
			++*unposted;
	}
	if (!rc && w.n)
		rc = complain(r, &w, p->insns, "something stays posted");
	return rc;
}

/* --- what is to last --- */

static bool is_plain(const struct rg_insn *i)
{
	return i->nsrc == 1 && !(i->flags & RG_INSN_SCALE);
}

/* Where what is put lies; 0: not in this rank's memory. */
static uint64_t data_of(const struct walk *w, const struct rg_insn *i)
{
	uint64_t at = 0;

	if (is_plain(i) && w->p->bases[i->src].buf != RG_BUF_IN)
		return address(w, i->src, i->src_off);
	for (uint32_t k = 0; k < i->ndst && !at; k++)
		at = address(w, i->dst + k, i->dst_off);
	return at;
}

static int look_for_writers(struct rank *r, const struct walk *w, const struct rg_insn *put)
{
	uint64_t data = data_of(w, put);

	if (!data)
		return complain(r, w, put, "nothing here is to last");
	for (const struct rg_insn *i = put + 1; i->op != RG_INSN_END; i++) {
		uint32_t n = i->op == RG_INSN_POST ? 1 : i->ndst;

		for (uint32_t k = 0; k < n; k++) {
			uint64_t at = address(w, i->dst + k, i->dst_off);

			if (at && at < data + put->len_bytes && data < at + i->len_bytes)
				return complain(r, w, i, "writes over what is to last");
		}
	}
	return 0;
}

/* What lasts, and what ought to: sources that are nothing else, and what is passed on. */
static int look_at_puts(struct rank *r, const struct rg_program *p)
{
	bool passes_on =
		p->problem.coll == RG_COLL_ALLGATHER && !strcmp(p->algorithm->name, "ring");
	struct walk w = {.p = p};
	int rc = 0;

	place_buffers(&w);
	for (const struct rg_insn *i = p->insns; i->op != RG_INSN_END && !rc; i++) {
		bool source =
			is_plain(i) && !p->problem.in_place && p->bases[i->src].buf == RG_BUF_SRC;

		if (i->op != RG_INSN_PUT)
			continue;
		if (i->flags & RG_INSN_LASTS)
			rc = look_for_writers(r, &w, i);
		else if (i->len_bytes && (passes_on || source))
			rc = complain(r, &w, i, "could last");
	}
	return rc;
}

static const uint64_t counts[] = {1, 700, 3001};

static int look_at(struct rank *r, const struct rg_algorithm *a, const struct rg_problem *problem)
{
	struct rg_program *p = NULL;
	uint32_t unposted = 0;
	int rc = rg_program_open(r->ep, a, problem, RG_TYPE_INT32, RG_OP_SUM, 0, 0, &p, &r->err);

	if (!rc)
		rc = walk(r, p, &unposted);
	if (!rc)
		rc = look_at_puts(r, p);
	if (!rc && unposted && !problem->in_place &&
	    (a->coll == RG_COLL_ALLTOALL || a->coll == RG_COLL_ALLTOALLV) &&
	    (!strcmp(a->name, "pairwise") || !strcmp(a->name, "linear")))
		rc = rg_err_set(&r->err, RG_ERR_INTERNAL, "%s %s: %u messages not posted",
				rg_coll_name(a->coll), a->name, unposted);
	if (!rc && unposted && a->coll == RG_COLL_ALLGATHER &&
	    (!strcmp(a->name, "direct") || !strcmp(a->name, "ring")))
		rc = rg_err_set(&r->err, RG_ERR_INTERNAL, "allgather %s: %u messages not posted",
				a->name, unposted);
	rg_program_close(p);
	return rc;
}

static int look_at_all(struct rank *r, void *arg)
{
	uint32_t seed = r->ep->nranks; /* the same for all ranks */
	uint64_t counts_of[PAIRS_MAX];
	int rc = meet(r);

	r->ep->straight_bytes = 1; /* as if it could */
	for (const struct rg_algorithm *const *a = rg_algorithms; *a && !rc; a++) {
		for (size_t v = 0; v < 2 * sizeof(counts) / sizeof(counts[0]) && !rc; v++) {
			struct rg_problem p = {
				.coll = (*a)->coll,
				.layout = layout_of(r->ep->nranks, 2),
				.count = (*a)->coll == RG_COLL_BARRIER ? 0 : counts[v / 2],
				.elem_bytes = 4,
				.root = r->ep->nranks - 1,
				.in_place = v % 2,
				.caps = r->ep->caps,
				.geometry = *rank_geometry,
				.params = {.protocol = RG_PROTOCOL_SLOT, .channels = 1},
			};

			set_counts(&p, p.count, &seed, counts_of);
			if (!(*a)->check(&p, NULL))
				rc = look_at(r, *a, &p);
		}
	}
	part(r);
	return rc;
}

static void nothing_touches_what_is_posted_or_writes_over_what_is_to_last(void **state)
{
	for (uint32_t n = 1; n <= MAX_RANKS; n++)
		run_ranks(n, 0, look_at_all, NULL, "posts");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_touches_what_is_posted_or_writes_over_what_is_to_last),
	};

	rank_transport = &rg_transport_tcp;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
