/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "mapped.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define HEAD_BYTES ((size_t)4096)

/* Longest sleep: with and without the barrier that makes lost wake-ups impossible. */
#define SLEEP_NS       20000000
#define SLEEP_BLIND_NS 1000000

size_t rg_mapped_arena_bytes(const struct rg_geometry *geometry, uint32_t nranks)
{
	return rg_mapped_region(geometry, nranks, geometry->channels, 0);
}

size_t rg_mapped_region(const struct rg_geometry *geometry, uint32_t nranks, uint32_t channel,
			uint32_t sender)
{
	return HEAD_BYTES + ((size_t)channel * nranks + sender) * rg_geometry_link_bytes(geometry);
}

static bool register_barrier(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0;
}

int rg_mapped_init(struct mapped *m, const struct rg_transport_ops *ops, struct rg_rendezvous *rdv,
		   const struct rg_transport_config *config, struct rg_err *err)
{
	int rc;

	if (m)
		m->peers = rg_zalloc(rdv->nranks, sizeof(m->peers[0]));
	rc = rg_endpoint_init(m && m->peers ? &m->ep : NULL, ops, rdv, config, err);
	if (!rc)
		m->barrier_works = register_barrier();
	else if (m)
		rg_mapped_release(m);
	return rc;
}

void rg_mapped_release(struct mapped *m)
{
	rg_endpoint_release(&m->ep);
	rg_free(m->peers);
	m->peers = NULL;
}

int rg_mapped_link(struct mapped *m, uint32_t peer, uint32_t channel, struct rg_err *err)
{
	const struct rg_geometry *g = &m->ep.config.geometry;
	size_t counters = sizeof(struct rg_counter) * RG_CTR_COUNT;
	size_t words = (size_t)g->ll_slots * g->ll_bytes * 2;
	struct rg_link *l = rg_zalloc(1, sizeof(*l));
	uint8_t *rx, *tx;

	if (!l)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the link to rank %u", peer);
	rx = (uint8_t *)m->mine + rg_mapped_region(g, m->ep.nranks, channel, peer);
	tx = (uint8_t *)m->peers[peer] + rg_mapped_region(g, m->ep.nranks, channel, m->ep.rank);
	*l = (struct rg_link){
		.rx = (struct rg_counter *)rx,
		.tx = (struct rg_counter *)tx,
		.rx_ll = (uint64_t *)(rx + counters),
		.tx_ll = (uint64_t *)(tx + counters),
		.rx_slots = rx + counters + words,
		.tx_slots = tx + counters + words,
		.tx_asleep = &m->peers[peer]->asleep,
	};
	m->ep.links[(size_t)channel * m->ep.nranks + peer] = l;
	return 0;
}

int rg_mapped_window_init(struct rg_window *w, struct mapped *m, const struct rg_buffer *buffer,
			  struct rg_err *err)
{
	*w = (struct rg_window){
		.ep = &m->ep,
		.buffer = buffer,
		.remote = rg_zalloc(m->ep.nranks, sizeof(w->remote[0])),
		.remote_bytes = rg_zalloc(m->ep.nranks, sizeof(w->remote_bytes[0])),
	};
	if (!w->remote || !w->remote_bytes) {
		rg_mapped_window_release(w);
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a window");
	}
	rg_mapped_window_set(w, m->ep.rank, buffer->base, buffer->len_bytes);
	return 0;
}

void rg_mapped_window_set(struct rg_window *w, uint32_t rank, void *base, uint64_t len_bytes)
{
	w->remote[rank] = base;
	w->remote_bytes[rank] = len_bytes;
}

void rg_mapped_window_release(struct rg_window *w)
{
	rg_free(w->remote);
	rg_free(w->remote_bytes);
	w->remote = NULL;
	w->remote_bytes = NULL;
}

int rg_mapped_put(struct rg_endpoint *ep, const struct rg_put *put, struct rg_err *err)
{
	struct rg_link *l = rg_endpoint_connected(ep, put->peer, put->channel, err);
	uint8_t *to;
	int rc;

	if (!l)
		return RG_ERR_INVALID;
	if (put->region == RG_REGION_SLOT)
		to = l->tx_slots;
	else if (put->region == RG_REGION_LL)
		to = (uint8_t *)l->tx_ll;
	else
		to = put->window->remote[put->peer];
	if (!to)
		return rg_err_set(err, RG_ERR_INVALID, "the window of rank %u is not mapped",
				  put->peer);
	rc = rg_put_check(ep, put, err);
	if (rc)
		return rc;
	memcpy(to + put->offset, put->src, put->len_bytes);
	return put->notify
		       ? rg_mapped_signal(ep, put->peer, put->channel, put->ctr, put->value, err)
		       : 0;
}

int rg_mapped_signal(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, enum rg_ctr ctr,
		     uint64_t value, struct rg_err *err)
{
	struct rg_link *l = rg_endpoint_connected(ep, peer, channel, err);

	if (!l)
		return RG_ERR_INVALID;
	atomic_store_explicit(&l->tx[ctr].value, value, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	if (atomic_load_explicit(l->tx_asleep, memory_order_relaxed))
		rg_mapped_wake(ep, peer);
	return 0;
}

int rg_mapped_progress(struct rg_endpoint *ep, struct rg_err *err)
{
	return 0;
}

int rg_mapped_flush(struct rg_endpoint *ep, struct rg_err *err)
{
	return 0;
}

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/*
 * Sleeping takes two calls with the caller's look at its counters in between. The first raises
 * `asleep` and runs a memory barrier on every thread of the job: a peer's store either was before
 * it, then the caller's look sees it, or the peer's next look at `asleep` sees it raised, and
 * rings. The second sleeps unless the doorbell rang since. Without membarrier a ring can be missed,
 * so the sleep is short.
 */
static void sleep_a_little(struct mapped *m)
{
	struct timespec ts = {.tv_nsec = m->barrier_works ? SLEEP_NS : SLEEP_BLIND_NS};

	if (!m->armed) {
		m->armed_doorbell = atomic_load_explicit(&m->mine->doorbell, memory_order_relaxed);
		atomic_store(&m->mine->asleep, 1);
		if (m->barrier_works)
			syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
		m->armed = true;
		return;
	}
	syscall(SYS_futex, &m->mine->doorbell, FUTEX_WAIT, m->armed_doorbell, &ts, NULL, 0);
	atomic_store_explicit(&m->mine->asleep, 0, memory_order_relaxed);
	m->armed = false;
}

void rg_mapped_idle(struct rg_endpoint *ep, uint32_t n)
{
	struct mapped *m = (struct mapped *)ep;

	if (__builtin_expect(m->armed && n == 0, 0)) {
		atomic_store_explicit(&m->mine->asleep, 0, memory_order_relaxed);
		m->armed = false;
	}
	if (n < ep->config.patience.spins)
		relax();
	else if (n - ep->config.patience.spins < ep->config.patience.yields)
		sched_yield();
	else
		sleep_a_little(m);
}

void rg_mapped_wake(struct rg_endpoint *ep, uint32_t peer)
{
	struct mapped *m = (struct mapped *)ep;
	struct arena_head *head = m->peers[peer];
	int saved = errno;

	atomic_fetch_add(&head->doorbell, 1);
	syscall(SYS_futex, &head->doorbell, FUTEX_WAKE, 1, NULL, NULL, 0);
	errno = saved;
}
