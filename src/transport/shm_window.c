/* SPDX-License-Identifier: BSD-3-Clause */
/* Windows of shm: each rank tells a descriptor of its buffer, and peers map what is behind it. */
#include "config.h"

#include "shm_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <unistd.h>

/* What a rank tells of a window. */
struct window_address {
	uint64_t len_bytes;
	int32_t fd;
	int32_t pad;
};

struct shm_window {
	struct rg_window w;
	struct rg_buffer *map;	      /* owned, [nranks]: mappings of the peers' buffers */
	struct window_address *peers; /* owned, [nranks] */
};

void rg_shm_window_close(struct rg_window *window)
{
	struct shm_window *w = (struct shm_window *)window;

	if (!w)
		return;
	for (uint32_t r = 0; w->map && r < w->w.ep->nranks; r++)
		rg_buffer_close(&w->map[r]);
	rg_mapped_window_release(&w->w);
	rg_free(w->map);
	rg_free(w->peers);
	rg_free(w);
}

static int make_window(struct rg_endpoint *ep, const struct rg_buffer *buffer,
		       struct shm_window **out, struct rg_err *err)
{
	struct shm_window *w;
	int rc;

	if (buffer->kind != RG_MEMORY_SHARED)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "shm: a window needs \"shared\" memory, this buffer is \"%s\"",
				  rg_memory_kind_name(buffer->kind));
	w = rg_zalloc(1, sizeof(*w));
	if (!w)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a window");
	rc = rg_mapped_window_init(&w->w, (struct mapped *)ep, buffer, err);
	if (rc) {
		rg_free(w);
		return rc;
	}
	w->map = rg_zalloc(ep->nranks, sizeof(w->map[0]));
	w->peers = rg_zalloc(ep->nranks, sizeof(w->peers[0]));
	if (!w->map || !w->peers) {
		rg_shm_window_close(&w->w);
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a window");
	}
	*out = w;
	return 0;
}

int rg_shm_window_open(struct rg_endpoint *ep, const struct rg_buffer *buffer,
		       struct rg_window **window_out, struct rg_err *err)
{
	struct window_address mine = {.len_bytes = buffer->len_bytes, .fd = buffer->fd};
	struct shm_window *w = NULL;
	int rc;

	rc = make_window(ep, buffer, &w, err);
	rc = rg_rendezvous_agree(ep->rdv, rc, rg_clock_ns() + ep->config.timeout_ns, err);
	if (!rc)
		rc = rg_rendezvous_allgather(ep->rdv, &mine, w->peers, sizeof(mine),
					     rg_clock_ns() + ep->config.timeout_ns, err);
	if (rc) {
		rg_shm_window_close(w ? &w->w : NULL);
		return rc;
	}
	*window_out = &w->w;
	return 0;
}

int rg_shm_window_map(struct rg_window *window, uint32_t peer, struct rg_err *err)
{
	struct shm_window *w = (struct shm_window *)window;
	struct shm *s = (struct shm *)window->ep;
	int rc = rg_endpoint_check(window->ep, peer, 0, err), fd;

	if (rc || window->remote[peer])
		return rc;
	rc = rg_shm_map_arena(s, peer, err); /* proves that the process is the peer */
	if (!rc)
		rc = rg_shm_open_fd(s, peer, w->peers[peer].fd, w->peers[peer].len_bytes, &fd, err);
	if (rc)
		return rc;
	rc = rg_buffer_map(fd, w->peers[peer].len_bytes, &w->map[peer], err);
	close(fd);
	if (rc)
		return rc;
	rg_mapped_window_set(window, peer, w->map[peer].base, w->map[peer].len_bytes);
	return 0;
}
