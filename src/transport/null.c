/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * null: a rank whose peers are not there; nothing is moved.
 *
 * It is for measuring railgauge itself: what a schedule costs without any transport. It lacks
 * RG_CAP_DATA, so that whoever wants right results refuses it, and RG_CAP_WORD8, since no word ever
 * arrives. All peers share one private arena that takes what is sent; the counters of the other,
 * from which this rank reads, are so high that no wait ever waits.
 */
#include "config.h"

#include "mapped.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <errno.h>
#include <sys/mman.h>

/* Above any value that is ever waited for, below the sign of the difference. */
#define ALWAYS ((uint64_t)1 << 62)

struct null {
	struct mapped m;
	uint8_t *both; /* owned mapping: the arena read from, then the one written to */
	size_t arena_bytes;
};

static int null_probe(const struct rg_transport_config *config, struct rg_err *err)
{
	return 0;
}

static void null_close(struct rg_endpoint *ep)
{
	struct null *p = (struct null *)ep;

	if (!p)
		return;
	munmap(p->both, 2 * p->arena_bytes);
	rg_mapped_release(&p->m);
	rg_free(p);
}

static int null_open(struct rg_rendezvous *rdv, const struct rg_transport_config *config,
		     struct rg_endpoint **ep_out, struct rg_err *err)
{
	struct null *p = rg_zalloc(1, sizeof(*p));
	int rc;

	rc = rg_mapped_init(p ? &p->m : NULL, &rg_transport_null, rdv, config, err);
	if (rc)
		goto free_endpoint;
	p->arena_bytes = rg_mapped_arena_bytes(&config->geometry, rdv->nranks);
	p->both = mmap(NULL, 2 * p->arena_bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p->both == MAP_FAILED) {
		rc = rg_err_errno(err, errno, "null: two arenas of %zu bytes", p->arena_bytes);
		p->both = NULL;
	}
	rc = rg_rendezvous_agree(rdv, rc, rg_clock_ns() + config->timeout_ns, err);
	if (rc)
		goto release;
	p->m.mine = (struct arena_head *)p->both;
	for (uint32_t r = 0; r < rdv->nranks; r++)
		p->m.peers[r] = (struct arena_head *)(p->both + p->arena_bytes);
	*ep_out = &p->m.ep;
	return 0;

release:
	if (p->both)
		munmap(p->both, 2 * p->arena_bytes);
	rg_mapped_release(&p->m);
free_endpoint:
	rg_free(p);
	return rc;
}

static int null_connect(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, struct rg_err *err)
{
	int rc = rg_endpoint_check(ep, peer, channel, err);
	struct rg_link *l;

	if (rc || rg_endpoint_link(ep, channel, peer))
		return rc;
	rc = rg_mapped_link((struct mapped *)ep, peer, channel, err);
	if (rc)
		return rc;
	l = rg_endpoint_link(ep, channel, peer);
	for (int c = 0; c < RG_CTR_COUNT; c++)
		atomic_store(&l->rx[c].value, ALWAYS);
	return 0;
}

static void null_window_close(struct rg_window *window)
{
	if (!window)
		return;
	rg_mapped_window_release(window);
	rg_free(window);
}

static int null_window_open(struct rg_endpoint *ep, const struct rg_buffer *buffer,
			    struct rg_window **window_out, struct rg_err *err)
{
	struct rg_window *w = rg_zalloc(1, sizeof(*w));
	int rc;

	if (w)
		rc = rg_mapped_window_init(w, (struct mapped *)ep, buffer, err);
	else
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a window");
	rc = rg_rendezvous_agree(ep->rdv, rc, rg_clock_ns() + ep->config.timeout_ns, err);
	if (rc) {
		null_window_close(w);
		return rc;
	}
	*window_out = w;
	return 0;
}

/* Windows of peers are this rank's own memory: reading it is as good as reading nothing. */
static int null_window_map(struct rg_window *window, uint32_t peer, struct rg_err *err)
{
	int rc = rg_endpoint_check(window->ep, peer, 0, err);

	if (!rc)
		rg_mapped_window_set(window, peer, window->buffer->base, window->buffer->len_bytes);
	return rc;
}

static int null_read(struct rg_endpoint *ep, uint32_t peer, void *dst, uint64_t address,
		     size_t len_bytes, struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_UNSUPPORTED, "null reads no memory");
}

static int null_peer_alive(struct rg_endpoint *ep, uint32_t peer, struct rg_err *err)
{
	return rg_endpoint_check(ep, peer, 0, err);
}

const struct rg_transport_ops rg_transport_null = {
	.name = "null",
	.summary = "moves no data: what railgauge itself costs",
	.caps = RG_CAP_MAPPED,
	.geometry = &rg_geometry_default,
	.system_calls = "none",
	.probe = null_probe,
	.open = null_open,
	.close = null_close,
	.connect = null_connect,
	.window_open = null_window_open,
	.window_close = null_window_close,
	.window_map = null_window_map,
	.lend = rg_endpoint_ignore_buffer,
	.take_back = rg_endpoint_ignore_buffer,
	.put = rg_mapped_put,
	.signal = rg_mapped_signal,
	.read = null_read,
	.flush = rg_mapped_flush,
	.progress = rg_mapped_progress,
	.idle = rg_mapped_idle,
	.wake = rg_mapped_wake,
	.peer_alive = null_peer_alive,
};
