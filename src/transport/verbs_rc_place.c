/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-rc: messages that are received where they are wanted. See verbs_rc_impl.h.
 */
#include "config.h"

#include "verbs_rc_post.h"

#include <string.h>

static uint32_t entry(const struct vrc *v, uint64_t ready)
{
	return (uint32_t)((ready - 1) & (v->ep.config.geometry.slots - 1));
}

/* --- of the receiver --- */

/* What one message of places is worth. */
static uint64_t least_bytes(const struct vrc *v)
{
	return VRC_PLACES * v->ep.post_bytes;
}

static void release(struct vrc *v, struct vrc_link *l, struct vrc_wanted *w)
{
	if (!w->mr[0])
		return;
	for (uint32_t r = 0; r < v->nrails; r++) {
		rg_verbs_memory_put(v->rails[r].device, w->mr[r]);
		w->mr[r] = NULL;
	}
	w->told = false;
	l->nwanted--;
}

/* False where it is not registered with every device. */
static bool hold(struct vrc *v, struct vrc_link *l, struct vrc_wanted *w, const struct rg_posted *p)
{
	l->nwanted++;
	for (uint32_t r = 0; r < v->nrails; r++) {
		w->mr[r] = rg_verbs_memory_find(v->rails[r].device, p->dst, p->len_bytes,
						RG_VERBS_REMOTE);
		if (w->mr[r])
			continue;
		while (r-- > 0) {
			rg_verbs_memory_put(v->rails[r].device, w->mr[r]);
			w->mr[r] = NULL;
		}
		l->nwanted--;
		return false;
	}
	return true;
}

void vrc_want(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, uint64_t ready)
{
	struct vrc *v = (struct vrc *)ep;
	struct vrc_link *l = v->links[(size_t)channel * ep->nranks + peer];
	const struct rg_posted *p = &l->base.posted[entry(v, ready)];
	struct vrc_wanted *w = &l->wanted[entry(v, ready)];

	if (v->options.notify != RG_VERBS_WRITE_IMM || vrc_gone(v, peer) || w->mr[0] ||
	    p->len_bytes < ep->post_bytes ||
	    p->len_bytes * ep->config.geometry.slots < least_bytes(v) ||
	    atomic_load_explicit(&l->base.rx[RG_CTR_READY].value, memory_order_relaxed) >= ready ||
	    !hold(v, l, w, p))
		return;
	l->fresh[l->nfresh++] = ready;
	vrc_tell_later(v, l);
}

/* Does the message lie behind those that m speaks of, so many? */
static bool follows(const struct vrc *v, const struct vrc_link *l, const struct vrc_message *m,
		    uint32_t n, uint64_t ready)
{
	const struct rg_posted *p = &l->base.posted[entry(v, ready)];
	const struct vrc_wanted *first = &l->wanted[entry(v, m->value)];
	const struct vrc_wanted *w = &l->wanted[entry(v, ready)];

	return ready == m->value + n && (uintptr_t)p->dst == m->at + m->len_bytes &&
	       m->len_bytes == (uint64_t)n * m->each_bytes && p->len_bytes <= m->each_bytes &&
	       m->len_bytes + p->len_bytes <= UINT32_MAX &&
	       !memcmp(w->mr, first->mr, sizeof(w->mr));
}

/* The message about as many as lie one behind the other from fresh[at] on. Returns how many. */
static uint32_t gather(const struct vrc *v, const struct vrc_link *l, uint32_t at,
		       struct vrc_message *m)
{
	const struct rg_posted *p = &l->base.posted[entry(v, l->fresh[at])];
	const struct vrc_wanted *w = &l->wanted[entry(v, l->fresh[at])];
	uint32_t n = 1;

	*m = (struct vrc_message){
		.kind = VRC_PLACE,
		.channel = l->channel,
		.at = (uintptr_t)p->dst,
		.value = p->ready,
		.len_bytes = (uint32_t)p->len_bytes,
		.each_bytes = (uint32_t)p->len_bytes,
	};
	for (uint32_t r = 0; r < v->nrails; r++)
		m->rkey[r] = w->mr[r]->rkey;
	for (; at + n < l->nfresh && follows(v, l, m, n, l->fresh[at + n]); n++)
		m->len_bytes += (uint32_t)l->base.posted[entry(v, l->fresh[at + n])].len_bytes;
	return n;
}

/* A notification that takes credit along, if there is any. */
static void append_place(struct vrc *v, struct vrc_link *l, const struct vrc_message *m)
{
	uint32_t home = vrc_home(v, l);
	bool credit = l->credit && !(l->open & ~(1u << home)) &&
		      vrc_imm_tells(l->value[RG_CTR_FREE], l->credit);

	vrc_append_message(v, l, m, credit ? RG_CTR_FREE : VRC_NOTHING, l->credit);
	if (credit)
		l->credit = 0;
}

/* Is it time? When nothing is told; or a batch of credit is due with it, and they are long. */
static bool is_worth_telling(const struct vrc *v, const struct vrc_link *l)
{
	uint64_t len_bytes = 0;

	if (l->nfresh == l->nwanted)
		return true;
	for (uint32_t k = 0; k < l->nfresh; k++)
		len_bytes += l->base.posted[entry(v, l->fresh[k])].len_bytes;
	return l->nfresh >= v->ep.config.geometry.credit_batch && len_bytes >= least_bytes(v);
}

bool vrc_tell_places(struct vrc *v, struct vrc_link *l)
{
	uint32_t at = 0, n;

	if (!l->at)
		return false;
	if (!is_worth_telling(v, l))
		return true;
	for (; at < l->nfresh; at += n) {
		struct vrc_message m;
		bool tells;

		n = gather(v, l, at, &m);
		tells = m.len_bytes >= least_bytes(v);
		if (tells && (!vrc_is_within_window(v, l) ||
			      !vrc_has_room(v, vrc_qp_of(v, l->peer, vrc_home(v, l)))))
			break;
		if (tells)
			append_place(v, l, &m);
		for (uint32_t k = at; k < at + n; k++) {
			struct vrc_wanted *w = &l->wanted[entry(v, l->fresh[k])];

			w->told = tells;
			if (!tells)
				release(v, l, w);
		}
	}
	l->nfresh -= at;
	memmove(l->fresh, l->fresh + at, l->nfresh * sizeof(l->fresh[0]));
	return !l->nfresh;
}

/* Of those that are not told yet the ones up to `now` need not be any more. */
static void forget(struct vrc_link *l, uint64_t now)
{
	uint32_t kept = 0;

	for (uint32_t k = 0; k < l->nfresh; k++) {
		if (l->fresh[k] > now)
			l->fresh[kept++] = l->fresh[k];
	}
	l->nfresh = kept;
}

const char *vrc_came(struct vrc *v, struct vrc_link *l, uint64_t before, uint64_t now, bool placed)
{
	struct rg_posted *last = &l->base.posted[entry(v, now)];
	uint64_t slots = v->ep.config.geometry.slots;

	if (placed) {
		if (now == before || last->ready != now || !l->wanted[entry(v, now)].told)
			return "a message that was put where none is wanted";
		last->placed = true;
	}
	for (uint64_t n = before; n < now && n < before + slots && l->nwanted; n++)
		release(v, l, &l->wanted[entry(v, n + 1)]);
	forget(l, now);
	if (l->nfresh)
		vrc_tell_later(v, l); /* those that are told may be all here */
	return NULL;
}

static bool is_told_within(const struct vrc *v, const struct vrc_link *l, const void *base,
			   size_t len_bytes)
{
	uint64_t from = (uintptr_t)base;

	for (uint32_t k = 0; l->nwanted && k < v->ep.config.geometry.slots; k++) {
		const struct ibv_mr *mr = l->wanted[k].mr[0];

		if (mr && l->wanted[k].told && (uintptr_t)mr->addr < from + len_bytes &&
		    from < (uintptr_t)mr->addr + mr->length)
			return true;
	}
	return false;
}

void vrc_want_no_more(struct vrc *v, const void *base, size_t len_bytes)
{
	for (uint32_t n = 0; n < v->ep.nranks * v->ep.config.geometry.channels; n++) {
		struct vrc_link *l = v->links[n];
		struct rg_err why = {0};

		if (!l || !l->nwanted)
			continue;
		if (is_told_within(v, l, base, len_bytes)) {
			rg_err_set(&why, RG_ERR_PEER,
				   "rank %u (%s) was cut off: memory that it may write was taken "
				   "back",
				   l->peer, v->ep.host[l->peer]);
			vrc_cut(v, l->peer, &why);
		}
		/* Others need not be received without a copy. */
		for (uint32_t k = 0; k < v->ep.config.geometry.slots; k++) {
			if (!l->wanted[k].told || why.code)
				release(v, l, &l->wanted[k]);
		}
		l->nfresh = 0;
	}
}

/* --- of the sender --- */

const char *vrc_told_places(struct vrc *v, struct vrc_link *l, const struct vrc_message *m)
{
	uint64_t len_bytes = m->len_bytes, each = m->each_bytes;
	uint64_t n = each ? (len_bytes + each - 1) / each : 0;

	if (!n || n > v->ep.config.geometry.slots || !m->value)
		return "places of messages that there cannot be";
	for (uint32_t k = 0; k < n; k++) {
		uint64_t ready = m->value + k, off = k * each, left = len_bytes - off;
		struct vrc_place *p = &l->places[entry(v, ready)];

		p->ready = ready;
		p->at = m->at + off;
		p->len_bytes = left < each ? left : each;
		memcpy(p->rkey, m->rkey, sizeof(p->rkey));
	}
	l->told_places = true;
	return NULL;
}

const struct vrc_place *vrc_place_of(const struct vrc *v, const struct vrc_link *l,
				     const struct rg_put *put)
{
	const struct vrc_place *p = &l->places[entry(v, put->value)];

	if (put->region == RG_REGION_SLOT && put->notify && put->ctr == RG_CTR_READY &&
	    p->ready == put->value && p->len_bytes == put->len_bytes &&
	    vrc_imm_tells(l->value[RG_CTR_READY], put->value))
		return p;
	return NULL;
}
