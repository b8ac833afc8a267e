/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-rc: memory. Links' memory comes from chunks that are registered with every device, so that
 * one key serves many links; a chunk holds those of one channel to all peers, if that is not much.
 */
#include "config.h"

#include "verbs_impl.h"
#include "verbs_rc_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGN	    ((size_t)4096)
#define HUGE	    ((size_t)2 << 20)
#define AHEAD_BYTES ((size_t)32 << 20) /* taken before they are needed, at most */

static size_t round_up(size_t v, size_t to)
{
	return (v + to - 1) & ~(to - 1);
}

static void close_chunk(struct vrc *v, struct vrc_chunk *c)
{
	for (uint32_t r = 0; r < v->nrails; r++) {
		if (!v->rails[r].device)
			continue;
		rg_verbs_memory_put(v->rails[r].device, c->mr[r]);
		rg_verbs_memory_forget(v->rails[r].device, c->base, c->len_bytes);
	}
	munmap(c->base, c->len_bytes);
	rg_free(c);
}

static int register_chunk(struct vrc *v, struct vrc_chunk *c, struct rg_err *err)
{
	unsigned access = RG_VERBS_REMOTE;
	int rc = 0;

	if (v->options.notify == RG_VERBS_WRITE_COUNTER)
		access |= RG_VERBS_ORDERED;
	for (uint32_t r = 0; r < v->nrails && !rc; r++)
		rc = rg_verbs_memory_get(v->rails[r].device, c->base, c->len_bytes, access,
					 &c->mr[r], err);
	return rc;
}

static int open_chunk(struct vrc *v, size_t len_bytes, struct rg_err *err)
{
	struct vrc_chunk **more = rg_realloc(v->chunks, (v->nchunks + 1) * sizeof(more[0]));
	struct vrc_chunk *c = more ? rg_zalloc(1, sizeof(*c)) : NULL;
	int rc, e;

	if (more)
		v->chunks = more;
	if (!c)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a link");
	c->len_bytes = round_up(len_bytes, len_bytes >= HUGE ? HUGE : ALIGN);
	rc = rg_endpoint_reserve(&v->ep, c->len_bytes, "verbs-rc: links' memory", err);
	if (rc)
		goto free_chunk;
	c->base = mmap(NULL, c->len_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	e = errno;
	if (c->base == MAP_FAILED) {
		rc = rg_err_errno(err, e, "verbs-rc: %zu bytes for links", c->len_bytes);
		goto free_chunk;
	}
	/* Fewer translations for the device to look up; registering takes the pages. */
	(void)madvise(c->base, c->len_bytes, MADV_HUGEPAGE);
	/* A child that is forked while the device writes here would take the pages away. */
	(void)madvise(c->base, c->len_bytes, MADV_DONTFORK);
	rc = register_chunk(v, c, err);
	if (rc) {
		close_chunk(v, c);
		return rc;
	}
	v->chunks[v->nchunks++] = c;
	return 0;

free_chunk:
	rg_free(c);
	return rc;
}

int vrc_memory_take(struct vrc *v, size_t len_bytes, size_t ahead_bytes, uint8_t **out,
		    const struct vrc_chunk **chunk_out, struct rg_err *err)
{
	struct vrc_chunk *last = v->nchunks ? v->chunks[v->nchunks - 1] : NULL;
	int rc;

	len_bytes = round_up(len_bytes, ALIGN);
	if (!last || last->len_bytes - last->used_bytes < len_bytes) {
		if (ahead_bytes > AHEAD_BYTES)
			ahead_bytes = AHEAD_BYTES;
		rc = open_chunk(v, ahead_bytes > len_bytes ? ahead_bytes : len_bytes, err);
		if (rc)
			return rc;
		last = v->chunks[v->nchunks - 1];
	}
	*out = last->base + last->used_bytes;
	*chunk_out = last;
	last->used_bytes += len_bytes;
	return 0;
}

void vrc_memory_release(struct vrc *v)
{
	for (uint32_t n = 0; n < v->nheld; n++) {
		for (uint32_t r = 0; r < v->nrails; r++) {
			if (v->held[n].mr[r])
				ibv_dereg_mr(v->held[n].mr[r]);
		}
	}
	rg_free(v->held);
	for (uint32_t n = 0; n < v->nchunks; n++)
		close_chunk(v, v->chunks[n]);
	rg_free(v->chunks);
}

/* --- the limit of locked memory --- */

uint64_t rg_verbs_rc_locked_bytes(const struct rg_verbs_options *o, const struct rg_geometry *g)
{
	bool messages = o->notify == RG_VERBS_SEND;
	uint64_t window = messages ? VRC_WINDOW_SEND : VRC_WINDOW;
	uint64_t each = VRC_MESSAGE_BYTES + (messages ? VRC_PAYLOAD_BYTES : 0);
	uint64_t receives = window * g->channels * each;
	uint64_t sends = (uint64_t)(o->qps * o->depth) * VRC_MESSAGE_BYTES;

	return receives + sends + 2 * rg_geometry_link_bytes(g);
}

int vrc_check_locked(const struct vrc *v, struct rg_err *err)
{
	const struct rg_geometry *g = &v->ep.config.geometry;
	uint64_t each = rg_verbs_rc_locked_bytes(&v->options, g);
	char who[96];

	if (v->ep.nranks == 1)
		return 0;
	snprintf(who, sizeof(who), "--verbs.depth %d with --verbs.qps %d and %u slots of %u bytes",
		 (int)v->options.depth, (int)v->options.qps, g->slots, g->slot_bytes);
	return verbs_check_locked(who, v->nrails * each, err);
}

/* --- links --- */

static size_t words_bytes(const struct vrc *v)
{
	const struct rg_geometry *g = &v->ep.config.geometry;

	return (size_t)g->ll_slots * g->ll_bytes * 2;
}

uint64_t vrc_ring_offset(const struct vrc *v, enum rg_region region, bool shadow)
{
	return (shadow ? 0 : sizeof(struct rg_counter) * RG_CTR_COUNT) +
	       (region == RG_REGION_LL ? 0 : words_bytes(v));
}

/* This rank's link to itself has neither a shadow nor a device. */
static void lay_out(struct vrc *v, struct vrc_link *l, uint8_t *at)
{
	size_t link_bytes = rg_geometry_link_bytes(&v->ep.config.geometry);

	l->rx = at;
	l->seen = (_Atomic uint64_t *)(at + link_bytes);
	l->shadow = at + link_bytes + ALIGN;
	l->base.rx = (struct rg_counter *)at;
	l->base.rx_ll = (uint64_t *)(at + vrc_ring_offset(v, RG_REGION_LL, false));
	l->base.rx_slots = at + vrc_ring_offset(v, RG_REGION_SLOT, false);
	if (l->peer != v->ep.rank) {
		l->base.tx_shadow = l->shadow + vrc_ring_offset(v, RG_REGION_SLOT, true);
		return;
	}
	l->base.tx = l->base.rx;
	l->base.tx_ll = l->base.rx_ll;
	l->base.tx_slots = l->base.rx_slots;
	l->base.tx_asleep = &v->never_asleep;
}

int vrc_link_make(struct vrc *v, uint32_t peer, uint32_t channel, struct vrc_link **out,
		  struct rg_err *err)
{
	size_t link_bytes = rg_geometry_link_bytes(&v->ep.config.geometry);
	struct vrc_link *l = rg_zalloc(1, sizeof(*l));
	size_t need = link_bytes;
	uint8_t *at;
	int rc;

	if (!l)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the link to rank %u", peer);
	if (peer != v->ep.rank)
		need += ALIGN + round_up(link_bytes, ALIGN);
	rc = vrc_memory_take(v, need, need * (v->ep.nranks - 1), &at, &l->chunk, err);
	if (rc) {
		rg_free(l);
		return rc;
	}
	l->peer = peer;
	l->channel = channel;
	lay_out(v, l, at);
	v->links[(size_t)channel * v->ep.nranks + peer] = l;
	*out = l;
	if (peer == v->ep.rank)
		return 0;
	v->peers[peer].used = true;
	l->hello_due = true;
	vrc_tell(v, l);
	return 0;
}

/* --- windows --- */

void vrc_window_close(struct rg_window *window)
{
	struct vrc_window *w = (struct vrc_window *)window;
	struct vrc *v;

	if (!w)
		return;
	/* Its registrations are the endpoint's: a peer that has it mapped may still write. */
	v = (struct vrc *)w->base.ep;
	for (uint32_t n = 0; n < v->ep.nranks * v->ep.config.geometry.channels; n++) {
		if (v->links[n] && v->links[n]->going && v->links[n]->put.window == window)
			v->links[n]->going = false;
	}
	rg_free(w->base.remote);
	rg_free(w->base.remote_bytes);
	rg_free(w->at);
	rg_free(w);
}

static struct vrc_window *make_window(struct vrc *v, const struct rg_buffer *buffer)
{
	struct vrc_window *w = rg_zalloc(1, sizeof(*w));
	struct vrc_held *more = rg_realloc(v->held, (v->nheld + 1) * sizeof(more[0]));
	uint32_t n = v->ep.nranks;

	if (more)
		v->held = more;
	if (!w)
		return NULL;
	w->base.ep = &v->ep;
	w->base.buffer = buffer;
	w->base.remote = rg_zalloc(n, sizeof(w->base.remote[0]));
	w->base.remote_bytes = rg_zalloc(n, sizeof(w->base.remote_bytes[0]));
	w->at = rg_zalloc(n, sizeof(w->at[0]));
	if (more && w->base.remote && w->base.remote_bytes && w->at)
		return w;
	vrc_window_close(&w->base);
	return NULL;
}

static int make_stages(struct vrc *v, struct rg_err *err)
{
	size_t bytes = VRC_STAGES * VRC_PIECE_BYTES;
	int rc;

	if (v->stages)
		return 0;
	rc = vrc_memory_take(v, bytes, 0, &v->stages, &v->stages_in, err);
	for (uint8_t n = 0; n < VRC_STAGES && !rc; n++)
		v->free_stages[v->nfree_stages++] = n;
	return rc;
}

/*
 * Not by the devices' caches: the registration outlives the window, and the next buffer may be at
 * the same address.
 */
static int register_window(struct vrc *v, const struct rg_buffer *buffer, struct vrc_remote *mine,
			   struct rg_err *err)
{
	struct vrc_held *held = &v->held[v->nheld++];
	int rc = make_stages(v, err);

	*held = (struct vrc_held){0};
	mine->address = (uintptr_t)buffer->base;
	mine->len_bytes = buffer->len_bytes;
	for (uint32_t r = 0; r < v->nrails && !rc; r++) {
		held->mr[r] = ibv_reg_mr(v->rails[r].device->pd, buffer->base, buffer->map_bytes,
					 IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
		if (!held->mr[r])
			rc = rg_err_errno(err, errno,
					  "verbs: %s: registering a window of %zu bytes (may this "
					  "process lock so much: ulimit -l?)",
					  v->rails[r].device->name, buffer->map_bytes);
		else
			mine->rkey[r] = held->mr[r]->rkey;
	}
	return rc;
}

int vrc_window_open(struct rg_endpoint *ep, const struct rg_buffer *buffer,
		    struct rg_window **window_out, struct rg_err *err)
{
	struct vrc *v = (struct vrc *)ep;
	struct vrc_window *w = make_window(v, buffer);
	struct vrc_remote mine = {0};
	uint64_t until;
	int rc = w ? 0 : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a window");

	if (!rc)
		rc = register_window(v, buffer, &mine, err);
	until = rg_clock_ns() + ep->config.timeout_ns;
	rc = rg_rendezvous_agree(ep->rdv, rc, until, err);
	if (!rc)
		rc = rg_rendezvous_allgather(ep->rdv, &mine, w->at, sizeof(mine), until, err);
	if (rc) {
		vrc_window_close(w ? &w->base : NULL);
		return rc;
	}
	w->base.remote[ep->rank] = buffer->base;
	w->base.remote_bytes[ep->rank] = buffer->len_bytes;
	*window_out = &w->base;
	return 0;
}

int vrc_window_map(struct rg_window *window, uint32_t peer, struct rg_err *err)
{
	struct vrc_window *w = (struct vrc_window *)window;
	int rc = rg_endpoint_check(window->ep, peer, 0, err);

	if (!rc)
		w->base.remote_bytes[peer] = w->at[peer].len_bytes;
	return rc;
}
