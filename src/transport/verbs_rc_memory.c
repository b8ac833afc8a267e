/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-rc: memory. Links' memory comes from chunks that are registered with every device, so that
 * one key serves many links; each chunk is as large as all that was taken before, so they are few.
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

#define ALIGN	  ((size_t)4096)
#define HUGE	  ((size_t)2 << 20)
#define AHEAD_MIN ((size_t)256 << 10) /* taken at a time, */
#define AHEAD_MAX ((size_t)32 << 20)  /* of which more than was taken before only where needed */

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

/* Where a counter is written behind the data neither may be stored in another order. */
static unsigned access_of(const struct vrc *v)
{
	return RG_VERBS_REMOTE |
	       (v->options.notify == RG_VERBS_WRITE_COUNTER ? RG_VERBS_ORDERED : 0);
}

static int register_chunk(struct vrc *v, struct vrc_chunk *c, struct rg_err *err)
{
	unsigned access = access_of(v);
	int rc = 0;

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

int vrc_memory_take(struct vrc *v, size_t len_bytes, uint8_t **out,
		    const struct vrc_chunk **chunk_out, struct rg_err *err)
{
	struct vrc_chunk *last = v->nchunks ? v->chunks[v->nchunks - 1] : NULL;
	int rc;

	len_bytes = round_up(len_bytes, ALIGN);
	if (!last || last->len_bytes - last->used_bytes < len_bytes) {
		size_t ahead = v->taken_bytes < AHEAD_MIN   ? AHEAD_MIN
			       : v->taken_bytes < AHEAD_MAX ? v->taken_bytes
							    : AHEAD_MAX;

		rc = open_chunk(v, ahead > len_bytes ? ahead : len_bytes, err);
		if (rc)
			return rc;
		last = v->chunks[v->nchunks - 1];
	}
	*out = last->base + last->used_bytes;
	*chunk_out = last;
	last->used_bytes += len_bytes;
	v->taken_bytes += len_bytes;
	return 0;
}

static void end_kept(struct vrc *v, struct vrc_kept *kept)
{
	for (uint32_t r = 0; r < v->nrails; r++)
		rg_verbs_memory_put(v->rails[r].device, kept->mr[r]);
	rg_free(kept);
}

void vrc_memory_release(struct vrc *v)
{
	for (uint32_t n = 0; n < v->nkept; n++)
		end_kept(v, v->kept[n]);
	rg_free(v->kept);
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
	uint64_t sends = (uint64_t)o->qps * vrc_ring((uint32_t)o->depth) * VRC_MESSAGE_BYTES;

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

/* This rank's link to itself has neither a shadow nor a device. */
static void lay_out(struct vrc *v, struct vrc_link *l, uint8_t *at)
{
	size_t link_bytes = rg_geometry_link_bytes(&v->ep.config.geometry);

	l->rx = at;
	l->seen = (_Atomic uint64_t *)(at + link_bytes);
	l->shadow = at + link_bytes + ALIGN;
	l->base.rx = (struct rg_counter *)at;
	l->base.rx_ll = (uint64_t *)(at + sizeof(struct rg_counter) * RG_CTR_COUNT);
	l->base.rx_slots = (uint8_t *)l->base.rx_ll + words_bytes(v);
	if (l->peer != v->ep.rank) {
		l->base.tx_shadow = l->shadow + words_bytes(v);
		return;
	}
	l->base.tx = l->base.rx;
	l->base.tx_ll = l->base.rx_ll;
	l->base.tx_slots = l->base.rx_slots;
	l->base.tx_asleep = &v->never_asleep;
}

void vrc_link_free(struct vrc_link *l)
{
	if (!l)
		return;
	rg_free(l->base.posted);
	rg_free(l->places);
	rg_free(l->wanted);
	rg_free(l->fresh);
	rg_free(l);
}

/* Tables of the messages under way. */
static bool make_tables(struct vrc *v, struct vrc_link *l)
{
	uint32_t n = v->ep.config.geometry.slots;

	l->base.posted = rg_zalloc(n, sizeof(l->base.posted[0]));
	l->places = rg_zalloc(n, sizeof(l->places[0]));
	l->wanted = rg_zalloc(n, sizeof(l->wanted[0]));
	l->fresh = rg_zalloc(n, sizeof(l->fresh[0]));
	return l->base.posted && l->places && l->wanted && l->fresh;
}

int vrc_link_make(struct vrc *v, uint32_t peer, uint32_t channel, struct vrc_link **out,
		  struct rg_err *err)
{
	size_t link_bytes = rg_geometry_link_bytes(&v->ep.config.geometry);
	struct vrc_link *l = rg_zalloc(1, sizeof(*l));
	size_t need = link_bytes;
	uint8_t *at;
	int rc;

	if (!l || (peer != v->ep.rank && !make_tables(v, l))) {
		vrc_link_free(l);
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the link to rank %u", peer);
	}
	if (peer != v->ep.rank)
		need += ALIGN + round_up(link_bytes, ALIGN);
	rc = vrc_memory_take(v, need, &at, &l->chunk, err);
	if (rc) {
		vrc_link_free(l);
		return rc;
	}
	l->peer = peer;
	l->channel = channel;
	lay_out(v, l, at);
	v->links[(size_t)channel * v->ep.nranks + peer] = l;
	*out = l;
	if (peer == v->ep.rank)
		return 0;
	l->hello_due = true;
	vrc_tell(v, l);
	return 0;
}

/* --- windows --- */

#define SETTLE_NS ((uint64_t)200000000)

/* What a rank tells about the window that it opens, and about those before. */
struct opening {
	struct vrc_remote at;
	uint64_t done; /* a bit for each that is kept, the oldest first: see struct vrc_kept */
};

void vrc_window_close(struct rg_window *window)
{
	struct vrc_window *w = (struct vrc_window *)window;
	struct vrc *v;

	if (!w)
		return;
	v = (struct vrc *)w->base.ep;
	for (uint32_t n = 0; n < v->ep.nranks * v->ep.config.geometry.channels; n++) {
		if (v->links[n] && v->links[n]->going && v->links[n]->put.window == window)
			v->links[n]->going = false;
	}
	if (w->kept)
		w->kept->closed = true;
	rg_free(w->base.remote);
	rg_free(w->base.remote_bytes);
	rg_free(w->at);
	rg_free(w);
}

static struct vrc_window *make_window(struct vrc *v, const struct rg_buffer *buffer)
{
	struct vrc_window *w = rg_zalloc(1, sizeof(*w));
	struct vrc_kept **more = rg_realloc(v->kept, (v->nkept + 1) * sizeof(more[0]));
	uint32_t n = v->ep.nranks;

	if (more)
		v->kept = more;
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
	rc = vrc_memory_take(v, bytes, &v->stages, &v->stages_in, err);
	for (uint8_t n = 0; n < VRC_STAGES && !rc; n++)
		v->free_stages[v->nfree_stages++] = n;
	return rc;
}

/* Alone, since it outlives the window, and the next buffer may be at the same address. */
static int register_window(struct vrc *v, const struct rg_buffer *buffer,
			   struct vrc_kept **kept_out, struct vrc_remote *mine, struct rg_err *err)
{
	struct vrc_kept *kept = rg_zalloc(1, sizeof(*kept));
	int rc = kept ? make_stages(v, err)
		      : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a window");

	mine->address = (uintptr_t)buffer->base;
	mine->len_bytes = buffer->len_bytes;
	for (uint32_t r = 0; r < v->nrails && !rc; r++) {
		rc = rg_verbs_memory_get(v->rails[r].device, buffer->base, buffer->map_bytes,
					 access_of(v) | RG_VERBS_ALONE, &kept->mr[r], err);
		mine->rkey[r] = rc ? 0 : kept->mr[r]->rkey;
	}
	if (rc && kept)
		end_kept(v, kept);
	else if (!rc)
		*kept_out = kept;
	return rc;
}

/* Of the oldest windows those that this rank has closed, if all that it wrote has arrived. */
static uint64_t find_done(struct vrc *v)
{
	uint64_t done = 0;

	for (uint32_t n = 0; n < v->nkept && n < 64; n++)
		done |= (uint64_t)v->kept[n]->closed << n;
	return done && vrc_settle(v, rg_clock_ns() + SETTLE_NS) ? done : 0;
}

/* Ends those that all ranks have done with: nobody writes there any more. */
static void end_done(struct vrc *v, const struct opening *all)
{
	uint64_t done = UINT64_MAX;
	uint32_t left = 0;

	for (uint32_t r = 0; r < v->ep.nranks; r++)
		done &= all[r].done;
	for (uint32_t n = 0; n < v->nkept; n++) {
		if (n < 64 && done & (uint64_t)1 << n)
			end_kept(v, v->kept[n]);
		else
			v->kept[left++] = v->kept[n];
	}
	v->nkept = left;
}

int vrc_window_open(struct rg_endpoint *ep, const struct rg_buffer *buffer,
		    struct rg_window **window_out, struct rg_err *err)
{
	struct vrc *v = (struct vrc *)ep;
	struct vrc_window *w = make_window(v, buffer);
	struct opening mine = {.done = find_done(v)}, *all = rg_zalloc(ep->nranks, sizeof(*all));
	struct vrc_kept *kept = NULL;
	int rc = w && all ? register_window(v, buffer, &kept, &mine.at, err)
			  : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a window");

	rc = rg_endpoint_agree(ep, rc, err);
	if (!rc)
		rc = rg_endpoint_gather(ep, &mine, all, sizeof(mine), err);
	if (rc) {
		if (kept)
			end_kept(v, kept);
		vrc_window_close(w ? &w->base : NULL);
		rg_free(all);
		return rc;
	}
	end_done(v, all);
	v->kept[v->nkept++] = w->kept = kept;
	for (uint32_t r = 0; r < ep->nranks; r++)
		w->at[r] = all[r].at;
	rg_free(all);
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
