/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which puts may be lasting: those of data that nobody writes over before the run is done. The
 * program is gone through from its end, and what is written from there on is known. Of several
 * streams nobody knows which is ahead; there all that is ever written counts.
 */
#include "config.h"

#include "program_impl.h"

#include "railgauge/base/mem.h"

#include <string.h>

/* What is written: sorted, without overlaps. */
struct written {
	struct rg_span *spans; /* owned, [room] */
	uint32_t n, room;
};

/* The first that ends at or behind the beginning of s, or where that would be. */
static uint32_t find_first(const struct written *w, const struct rg_span *s)
{
	uint32_t low = 0, high = w->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct rg_span *at = &w->spans[middle];

		if (at->buf < s->buf || (at->buf == s->buf && at->end < s->begin))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_written(const struct written *w, const struct rg_span *s)
{
	for (uint32_t i = find_first(w, s); i < w->n; i++) {
		if (rg_span_overlap(&w->spans[i], s))
			return true;
		if (w->spans[i].buf != s->buf || w->spans[i].begin >= s->end)
			break;
	}
	return false;
}

static int make_room(struct written *w, struct rg_err *err)
{
	uint32_t room = w->room ? 2 * w->room : 64;
	struct rg_span *more;

	if (w->n < w->room)
		return 0;
	more = rg_realloc(w->spans, room * sizeof(more[0]));
	if (!more)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a program");
	w->spans = more;
	w->room = room;
	return 0;
}

/* Those that it touches become one with it. */
static int add(struct written *w, struct rg_span s, struct rg_err *err)
{
	uint32_t first = find_first(w, &s), end = first;
	int rc;

	for (; end < w->n && w->spans[end].buf == s.buf && w->spans[end].begin <= s.end; end++) {
		s.begin = w->spans[end].begin < s.begin ? w->spans[end].begin : s.begin;
		s.end = w->spans[end].end > s.end ? w->spans[end].end : s.end;
	}
	if (end == first) {
		rc = make_room(w, err);
		if (rc)
			return rc;
	}
	memmove(&w->spans[first + 1], &w->spans[end], (w->n - end) * sizeof(s));
	w->n = w->n + 1 - (end - first);
	w->spans[first] = s;
	return 0;
}

static int add_insn(const struct rg_program *p, const struct rg_insn *i, struct written *w,
		    struct rg_err *err)
{
	uint32_t n = i->op == RG_INSN_POST ? 1 : i->ndst;
	struct rg_span s;
	int rc = 0;

	for (uint32_t k = 0; k < n && !rc; k++) {
		if (i->len_bytes && rg_span_of(p, i->dst + k, i->dst_off, i->len_bytes, &s))
			rc = add(w, s, err);
	}
	return rc;
}

/* Where on this rank what is put lies, once it is put; false: nowhere for long. */
static bool find_data(const struct rg_program *p, const struct rg_insn *i, struct rg_span *out)
{
	bool plain = i->nsrc == 1 && !(i->flags & RG_INSN_SCALE);

	if (plain && p->bases[i->src].buf != RG_BUF_IN)
		return rg_span_of(p, i->src, i->src_off, i->len_bytes, out);
	for (uint32_t k = 0; k < i->ndst; k++) {
		if (rg_span_of(p, i->dst + k, i->dst_off, i->len_bytes, out))
			return true;
	}
	return false;
}

static void judge(const struct rg_program *p, struct rg_insn *i, const struct written *w)
{
	struct rg_span s;

	if (i->op == RG_INSN_PUT && i->len_bytes >= p->ep->straight_bytes && find_data(p, i, &s) &&
	    !is_written(w, &s))
		i->flags |= RG_INSN_LASTS;
}

int rg_program_last(struct rg_program *p, struct rg_err *err)
{
	struct written w = {0};
	int rc = 0;

	if (!p->puts || !p->ep->straight_bytes)
		return 0;
	for (uint32_t k = p->ninsns; k-- > 0 && !rc;) {
		if (p->nstreams == 1)
			judge(p, &p->insns[k], &w);
		rc = add_insn(p, &p->insns[k], &w, err);
	}
	for (uint32_t k = 0; k < p->ninsns && p->nstreams > 1 && !rc; k++)
		judge(p, &p->insns[k], &w);
	rg_free(w.spans);
	return rc;
}
