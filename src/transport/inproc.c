/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inproc: ranks are threads of one process.
 *
 * Every rank takes a reference on every arena when it opens and drops it when it closes, so that a
 * late signal to a rank that has already closed falls on live memory. Space is reserved by the
 * kernel only when touched; the process pays for the links that are connected.
 */
#include "config.h"

#include "mapped.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

struct arena {
	struct arena_head *head; /* owned mapping */
	size_t map_bytes;
	atomic_uint refs; /* ranks that have not closed */
};

struct inproc {
	struct mapped m;
	struct arena **arenas; /* owned array, [nranks]; one reference on each */
};

/* What a rank tells of a window. */
struct window_address {
	void *base;
	uint64_t len_bytes;
};

struct inproc_window {
	struct rg_window w;
	struct window_address *peers; /* owned, [nranks] */
};

static void arena_put(struct arena *a)
{
	if (!a || atomic_fetch_sub(&a->refs, 1) != 1)
		return;
	munmap(a->head, a->map_bytes);
	rg_free(a);
}

static int arena_make(const struct inproc *p, struct arena **out, struct rg_err *err)
{
	struct arena *a = rg_zalloc(1, sizeof(*a));

	if (!a)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for an arena");
	a->map_bytes = rg_mapped_arena_bytes(&p->m.ep.config.geometry, p->m.ep.nranks);
	a->head = mmap(NULL, a->map_bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (a->head == MAP_FAILED) {
		int rc = rg_err_errno(err, errno, "inproc: an arena of %zu bytes for %u ranks",
				      a->map_bytes, p->m.ep.nranks);

		rg_free(a);
		return rc;
	}
	atomic_init(&a->refs, p->m.ep.nranks);
	a->head->magic = RG_ARENA_MAGIC;
	a->head->rank = p->m.ep.rank;
	a->head->nranks = p->m.ep.nranks;
	*out = a;
	return 0;
}

static int inproc_probe(const struct rg_transport_config *config, struct rg_err *err)
{
	return 0;
}

static int inproc_open(struct rg_rendezvous *rdv, const struct rg_transport_config *config,
		       struct rg_endpoint **ep_out, struct rg_err *err)
{
	struct inproc *p = rg_zalloc(1, sizeof(*p));
	struct arena *mine = NULL;
	int rc, made;

	rc = rg_mapped_init(p ? &p->m : NULL, &rg_transport_inproc, rdv, config, err);
	if (rc)
		goto free_endpoint;
	p->arenas = rg_zalloc(rdv->nranks, sizeof(p->arenas[0]));
	if (!p->arenas)
		made = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u arenas", rdv->nranks);
	else
		made = arena_make(p, &mine, err);
	/* All or none: a rank without an arena must not leave its peers waiting for it. */
	rc = rg_rendezvous_agree(rdv, made, rg_clock_ns() + config->timeout_ns, err);
	if (!rc)
		rc = rg_rendezvous_allgather(rdv, &mine, p->arenas, sizeof(mine),
					     rg_clock_ns() + config->timeout_ns, err);
	if (rc)
		goto drop_arena;
	for (uint32_t r = 0; r < rdv->nranks; r++)
		p->m.peers[r] = p->arenas[r]->head;
	p->m.mine = mine->head;
	*ep_out = &p->m.ep;
	return 0;

drop_arena:
	if (mine) {
		atomic_store(&mine->refs, 1);
		arena_put(mine);
	}
	rg_free(p->arenas);
	rg_mapped_release(&p->m);
free_endpoint:
	rg_free(p);
	return rc;
}

static void inproc_close(struct rg_endpoint *ep)
{
	struct inproc *p = (struct inproc *)ep;

	if (!p)
		return;
	for (uint32_t r = 0; r < ep->nranks; r++)
		arena_put(p->arenas[r]);
	rg_free(p->arenas);
	rg_mapped_release(&p->m);
	rg_free(p);
}

static int inproc_connect(struct rg_endpoint *ep, uint32_t peer, uint32_t channel,
			  struct rg_err *err)
{
	int rc = rg_endpoint_check(ep, peer, channel, err);

	if (rc || rg_endpoint_link(ep, channel, peer))
		return rc;
	return rg_mapped_link((struct mapped *)ep, peer, channel, err);
}

static void inproc_window_close(struct rg_window *window)
{
	struct inproc_window *w = (struct inproc_window *)window;

	if (!w)
		return;
	rg_mapped_window_release(&w->w);
	rg_free(w->peers);
	rg_free(w);
}

static int make_window(struct rg_endpoint *ep, const struct rg_buffer *buffer,
		       struct inproc_window **out, struct rg_err *err)
{
	struct inproc_window *w = rg_zalloc(1, sizeof(*w));

	if (!w)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a window");
	w->peers = rg_zalloc(ep->nranks, sizeof(w->peers[0]));
	if (!w->peers || rg_mapped_window_init(&w->w, (struct mapped *)ep, buffer, err)) {
		inproc_window_close(&w->w);
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a window");
	}
	*out = w;
	return 0;
}

static int inproc_window_open(struct rg_endpoint *ep, const struct rg_buffer *buffer,
			      struct rg_window **window_out, struct rg_err *err)
{
	struct window_address mine = {.base = buffer->base, .len_bytes = buffer->len_bytes};
	struct inproc_window *w = NULL;
	int rc;

	rc = make_window(ep, buffer, &w, err);
	rc = rg_rendezvous_agree(ep->rdv, rc, rg_clock_ns() + ep->config.timeout_ns, err);
	if (!rc)
		rc = rg_rendezvous_allgather(ep->rdv, &mine, w->peers, sizeof(mine),
					     rg_clock_ns() + ep->config.timeout_ns, err);
	if (rc) {
		inproc_window_close(w ? &w->w : NULL);
		return rc;
	}
	*window_out = &w->w;
	return 0;
}

/* Threads see each other's memory. */
static int inproc_window_map(struct rg_window *window, uint32_t peer, struct rg_err *err)
{
	const struct inproc_window *w = (struct inproc_window *)window;
	int rc = rg_endpoint_check(window->ep, peer, 0, err);

	if (!rc)
		rg_mapped_window_set(window, peer, w->peers[peer].base, w->peers[peer].len_bytes);
	return rc;
}

static int inproc_read(struct rg_endpoint *ep, uint32_t peer, void *dst, uint64_t address,
		       size_t len_bytes, struct rg_err *err)
{
	int rc = rg_endpoint_check(ep, peer, 0, err);

	if (!rc)
		memcpy(dst, (const void *)(uintptr_t)address, len_bytes);
	return rc;
}

/* A thread cannot die alone. */
static int inproc_peer_alive(struct rg_endpoint *ep, uint32_t peer, struct rg_err *err)
{
	return rg_endpoint_check(ep, peer, 0, err);
}

const struct rg_transport_ops rg_transport_inproc = {
	.name = "inproc",
	.summary = "ranks are threads of one process",
	.caps = RG_MAPPED_CAPS | RG_CAP_READ,
	.geometry = &rg_geometry_default,
	.system_calls = "none while polling; sched_yield, membarrier and futex once a peer is late",
	.probe = inproc_probe,
	.open = inproc_open,
	.close = inproc_close,
	.connect = inproc_connect,
	.window_open = inproc_window_open,
	.window_close = inproc_window_close,
	.window_map = inproc_window_map,
	.lend = rg_endpoint_ignore_buffer,
	.take_back = rg_endpoint_ignore_buffer,
	.put = rg_mapped_put,
	.signal = rg_mapped_signal,
	.read = inproc_read,
	.flush = rg_mapped_flush,
	.progress = rg_mapped_progress,
	.idle = rg_mapped_idle,
	.wake = rg_mapped_wake,
	.peer_alive = inproc_peer_alive,
};
