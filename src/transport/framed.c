/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "framed.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* --- frames --- */

struct frame frame_wire(struct frame f)
{
	f.channel = htole16(f.channel);
	f.window = htole32(f.window);
	f.offset = htole64(f.offset);
	f.len_bytes = htole64(f.len_bytes);
	f.value = htole64(f.value);
	return f;
}

static bool is_within(const struct frame *f, uint64_t room)
{
	return f->offset <= room && f->len_bytes <= room - f->offset;
}

const char *frame_check(const struct frame *f, const struct rg_geometry *g)
{
	if (f->channel >= g->channels)
		return "a frame names a channel that there is not";
	if (f->ctr >= RG_CTR_COUNT && f->ctr != FRAME_NO_CTR)
		return "a frame names a counter that there is not";
	if (f->kind != FRAME_WINDOW && f->window)
		return "a frame names a window that is none of its business";
	switch (f->kind) {
	case FRAME_SLOT:
		return is_within(f, (uint64_t)g->slots * g->slot_bytes)
			       ? NULL
			       : "data beyond the ring of slots";
	case FRAME_LL:
		return is_within(f, (uint64_t)g->ll_slots * g->ll_bytes * 2)
			       ? NULL
			       : "data beyond the ring of word slots";
	case FRAME_WINDOW:
		return NULL; /* its size is state */
	case FRAME_SIGNAL:
		return f->offset || f->len_bytes || f->ctr == FRAME_NO_CTR ? "a signal with data"
									   : NULL;
	default:
		return "a frame of no known kind";
	}
}

struct frame frame_of_put(const struct rg_put *put)
{
	static const uint8_t kinds[] = {[RG_REGION_SLOT] = FRAME_SLOT,
					[RG_REGION_LL] = FRAME_LL,
					[RG_REGION_WINDOW] = FRAME_WINDOW};
	const struct framed_window *w = (const struct framed_window *)put->window;

	return (struct frame){
		.kind = kinds[put->region],
		.ctr = put->notify ? (uint8_t)put->ctr : FRAME_NO_CTR,
		.channel = (uint16_t)put->channel,
		.window = put->region == RG_REGION_WINDOW ? w->number : 0,
		.offset = put->offset,
		.len_bytes = put->len_bytes,
		.value = put->notify ? put->value : 0,
	};
}

struct frame frame_of_signal(uint32_t channel, enum rg_ctr ctr, uint64_t value)
{
	return (struct frame){.kind = FRAME_SIGNAL,
			      .ctr = (uint8_t)ctr,
			      .channel = (uint16_t)channel,
			      .value = value};
}

/* --- links --- */

void framed_release(struct framed *f)
{
	struct rg_endpoint *ep = &f->ep;
	size_t link_bytes = rg_geometry_link_bytes(&ep->config.geometry);

	for (size_t i = 0; ep->links && i < (size_t)ep->config.geometry.channels * ep->nranks;
	     i++) {
		if (!ep->links[i])
			continue;
		munmap(ep->links[i]->rx, link_bytes);
		rg_free(ep->links[i]->posted);
	}
	rg_free(f->windows);
	rg_endpoint_release(ep);
}

static struct rg_link *alloc_link(const struct framed *f, bool to_self)
{
	struct rg_link *l = rg_zalloc(1, sizeof(*l));

	if (!l || to_self)
		return l;
	l->posted = rg_zalloc(f->ep.config.geometry.slots, sizeof(l->posted[0]));
	if (l->posted)
		return l;
	rg_free(l);
	return NULL;
}

/* The link's memory, as an arena has it; what this rank sends to itself is read there. */
int framed_make_link(struct framed *f, uint32_t peer, uint32_t channel, struct rg_err *err)
{
	const struct rg_geometry *g = &f->ep.config.geometry;
	size_t counters = sizeof(struct rg_counter) * RG_CTR_COUNT;
	size_t words = (size_t)g->ll_slots * g->ll_bytes * 2;
	struct rg_link *l;
	char what[48];
	uint8_t *rx;
	int rc;

	snprintf(what, sizeof(what), "%s: a link's memory", f->ep.ops->name);
	rc = rg_endpoint_reserve(&f->ep, rg_geometry_link_bytes(g), what, err);
	if (rc)
		return rc;
	l = alloc_link(f, peer == f->ep.rank);
	if (!l)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the link to rank %u", peer);
	/* Taken now: what is only promised could be gone by the first message. */
	rx = mmap(NULL, rg_geometry_link_bytes(g), PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (rx == MAP_FAILED) {
		int e = errno;

		rg_free(l->posted);
		rg_free(l);
		return rg_err_errno(err, e, "%s: the slots of rank %u", f->ep.ops->name, peer);
	}
	l->rx = (struct rg_counter *)rx;
	l->rx_ll = (uint64_t *)(rx + counters);
	l->rx_slots = rx + counters + words;
	if (peer == f->ep.rank) {
		l->tx = l->rx;
		l->tx_ll = l->rx_ll;
		l->tx_slots = l->rx_slots;
		l->tx_asleep = &f->never_asleep;
	}
	f->ep.links[(size_t)channel * f->ep.nranks + peer] = l;
	return 0;
}

/* --- windows --- */

void framed_window_close(struct rg_window *window)
{
	struct framed_window *w = (struct framed_window *)window;
	struct framed *f;

	if (!w)
		return;
	f = (struct framed *)w->base.ep;
	if (w->number < f->nwindows)
		f->windows[w->number] = NULL;
	rg_free(w->base.remote);
	rg_free(w->base.remote_bytes);
	rg_free(w->bytes);
	rg_free(w);
}

static struct framed_window *make_window(struct framed *f, const struct rg_buffer *buffer)
{
	struct framed_window *w = rg_zalloc(1, sizeof(*w));
	struct framed_window **more;

	if (!w)
		return NULL;
	w->number = UINT32_MAX;
	w->base.ep = &f->ep;
	w->base.buffer = buffer;
	w->base.remote = rg_zalloc(f->ep.nranks, sizeof(w->base.remote[0]));
	w->base.remote_bytes = rg_zalloc(f->ep.nranks, sizeof(w->base.remote_bytes[0]));
	w->bytes = rg_zalloc(f->ep.nranks, sizeof(w->bytes[0]));
	more = rg_realloc(f->windows, (f->nwindows + 1) * sizeof(more[0]));
	if (more)
		f->windows = more;
	if (w->base.remote && w->base.remote_bytes && w->bytes && more)
		return w;
	framed_window_close(&w->base);
	return NULL;
}

int framed_window_open(struct rg_endpoint *ep, const struct rg_buffer *buffer,
		       struct rg_window **window_out, struct rg_err *err)
{
	struct framed *f = (struct framed *)ep;
	struct framed_window *w = make_window(f, buffer);
	uint64_t until = rg_clock_ns() + ep->config.timeout_ns, bytes = buffer->len_bytes;
	int rc = w ? 0 : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a window");

	rc = rg_rendezvous_agree(ep->rdv, rc, until, err);
	/* Known before any peer may put into it, which it does once it has heard of all. */
	if (!rc) {
		w->number = f->nwindows;
		f->windows[f->nwindows++] = w;
		rc = rg_rendezvous_allgather(ep->rdv, &bytes, w->bytes, sizeof(bytes), until, err);
	}
	if (rc) {
		framed_window_close(w ? &w->base : NULL);
		return rc;
	}
	w->base.remote[ep->rank] = buffer->base;
	w->base.remote_bytes[ep->rank] = buffer->len_bytes;
	*window_out = &w->base;
	return 0;
}

int framed_window_map(struct rg_window *window, uint32_t peer, struct rg_err *err)
{
	struct framed_window *w = (struct framed_window *)window;
	int rc = rg_endpoint_check(window->ep, peer, 0, err);

	if (!rc)
		w->base.remote_bytes[peer] = w->bytes[peer];
	return rc;
}

/* --- data --- */

int framed_check_put(struct framed *f, const struct rg_put *put, struct rg_err *err)
{
	if (!rg_endpoint_connected(&f->ep, put->peer, put->channel, err))
		return RG_ERR_INVALID;
	if (put->region == RG_REGION_WINDOW && !put->window->remote_bytes[put->peer])
		return rg_err_set(err, RG_ERR_INVALID, "the window of rank %u is not mapped",
				  put->peer);
	return rg_put_check(&f->ep, put, err);
}

void framed_put_to_self(struct framed *f, const struct rg_put *put)
{
	struct rg_link *l = rg_endpoint_link(&f->ep, put->channel, f->ep.rank);
	uint8_t *to = put->region == RG_REGION_SLOT ? l->rx_slots
		      : put->region == RG_REGION_LL ? (uint8_t *)l->rx_ll
						    : put->window->remote[f->ep.rank];

	memcpy(to + put->offset, put->src, put->len_bytes);
	if (put->notify)
		framed_signal_to_self(f, put->channel, put->ctr, put->value);
}

void framed_signal_to_self(struct framed *f, uint32_t channel, enum rg_ctr ctr, uint64_t value)
{
	struct rg_link *l = rg_endpoint_link(&f->ep, channel, f->ep.rank);

	atomic_store_explicit(&l->rx[ctr].value, value, memory_order_release);
}

/*
 * The slot of a message, or the place where it is wanted. Not if READY says that it has been here:
 * then whoever wants it may have gone on, and what comes must not reach memory of the user.
 */
static uint8_t *slot_place(const struct framed *f, struct rg_link *l, const struct frame *frame)
{
	uint64_t message = frame->value - 1;
	struct rg_posted *p = &l->posted[message & (f->ep.config.geometry.slots - 1)];

	if (frame->ctr != RG_CTR_READY || !frame->value || p->ready != frame->value ||
	    p->len_bytes != frame->len_bytes ||
	    atomic_load_explicit(&l->rx[RG_CTR_READY].value, memory_order_relaxed) >= frame->value)
		return l->rx_slots + frame->offset;
	p->placed = true;
	return p->dst;
}

static uint8_t *window_place(const struct framed *f, const struct frame *frame,
			     const char **fault_out)
{
	const struct framed_window *w;

	if (frame->window >= f->nwindows) {
		*fault_out = "data for a window that there is not";
		return NULL;
	}
	w = f->windows[frame->window];
	if (!w)
		return NULL;
	if (frame->offset > w->base.buffer->len_bytes ||
	    frame->len_bytes > w->base.buffer->len_bytes - frame->offset) {
		*fault_out = "data beyond a window";
		return NULL;
	}
	return (uint8_t *)w->base.buffer->base + frame->offset;
}

uint8_t *framed_place(struct framed *f, uint32_t peer, const struct frame *frame,
		      const char **fault_out)
{
	struct rg_link *l = rg_endpoint_link(&f->ep, frame->channel, peer);

	*fault_out = NULL;
	if (!l && !framed_make_link(f, peer, frame->channel, NULL))
		l = rg_endpoint_link(&f->ep, frame->channel, peer);
	if (!l) {
		*fault_out = "there is no memory here for what it sends";
		return NULL;
	}
	if (frame->kind == FRAME_SLOT)
		return slot_place(f, l, frame);
	if (frame->kind == FRAME_LL)
		return (uint8_t *)l->rx_ll + frame->offset;
	return frame->kind == FRAME_WINDOW ? window_place(f, frame, fault_out) : NULL;
}

void framed_finish(struct framed *f, uint32_t peer, const struct frame *frame)
{
	struct rg_link *l = rg_endpoint_link(&f->ep, frame->channel, peer);

	if (frame->ctr != FRAME_NO_CTR)
		atomic_store_explicit(&l->rx[frame->ctr].value, frame->value, memory_order_release);
}
