/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "mapped.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdio.h>
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

/* What all ranks must have alike before anything else is exchanged. */
struct hello {
	struct rg_geometry geometry;
	uint32_t first_sequence;
	char transport[16];
	char host[64];
};

static int check_hellos(const struct mapped *m, const struct hello *all, struct rg_err *err)
{
	const struct hello *mine = &all[m->ep.rank];

	for (uint32_t r = 0; r < m->ep.nranks; r++) {
		if (memcmp(all[r].transport, mine->transport, sizeof(mine->transport)))
			return rg_err_set(err, RG_ERR_MISMATCH,
					  "rank %u opens transport %.16s, rank %u %.16s", r,
					  all[r].transport, m->ep.rank, mine->transport);
		if (memcmp(&all[r].geometry, &mine->geometry, sizeof(mine->geometry)) ||
		    all[r].first_sequence != mine->first_sequence)
			return rg_err_set(
				err, RG_ERR_MISMATCH,
				"rank %u (%.63s) has another geometry of slots than rank %u "
				"(%.63s)",
				r, all[r].host, m->ep.rank, mine->host);
	}
	return 0;
}

/* all[nranks] is room for what the ranks say. */
static int say_hello(struct mapped *m, struct hello *all, struct rg_err *err)
{
	struct hello mine = {.geometry = m->ep.config.geometry,
			     .first_sequence = m->ep.config.first_sequence};
	int rc;

	snprintf(mine.transport, sizeof(mine.transport), "%s", m->ep.ops->name);
	gethostname(mine.host, sizeof(mine.host) - 1);
	rc = rg_rendezvous_allgather(m->ep.rdv, &mine, all, sizeof(mine),
				     rg_clock_ns() + m->ep.config.timeout_ns, err);
	if (!rc)
		rc = check_hellos(m, all, err);
	for (uint32_t r = 0; r < m->ep.nranks && !rc; r++)
		memcpy(m->ep.host[r], all[r].host, sizeof(m->ep.host[r]));
	return rc;
}

static bool register_barrier(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0;
}

static int make_tables(struct mapped *m, struct hello **hellos_out, struct rg_err *err)
{
	size_t n = m->ep.nranks, links = n * m->ep.config.geometry.channels;

	m->ep.links = rg_zalloc(links, sizeof(m->ep.links[0]));
	m->ep.host = rg_zalloc(n, sizeof(m->ep.host[0]));
	m->peers = rg_zalloc(n, sizeof(m->peers[0]));
	*hellos_out = rg_zalloc(n, sizeof(**hellos_out));
	if (m->ep.links && m->ep.host && m->peers && *hellos_out)
		return 0;
	return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %zu peers", n);
}

int rg_mapped_init(struct mapped *m, const struct rg_transport_ops *ops, struct rg_rendezvous *rdv,
		   const struct rg_transport_config *config, struct rg_err *err)
{
	struct hello *hellos = NULL;
	int rc;

	if (!m)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for an endpoint");
	else
		rc = rg_geometry_check(&config->geometry, err);
	if (!rc) {
		m->ep = (struct rg_endpoint){
			.ops = ops,
			.rdv = rdv,
			.rank = rdv->rank,
			.nranks = rdv->nranks,
			.caps = ops->caps,
			.config = *config,
		};
		rc = make_tables(m, &hellos, err);
	}
	/* All or none: a rank that failed must not leave its peers waiting for its words. */
	rc = rg_rendezvous_agree(rdv, rc, rg_clock_ns() + config->timeout_ns, err);
	if (!rc)
		rc = say_hello(m, hellos, err);
	rg_free(hellos);
	if (!rc)
		m->barrier_works = register_barrier();
	else if (m)
		rg_mapped_release(m);
	return rc;
}

void rg_mapped_release(struct mapped *m)
{
	size_t n = (size_t)m->ep.config.geometry.channels * m->ep.nranks;

	for (size_t i = 0; m->ep.links && i < n; i++)
		rg_free(m->ep.links[i]);
	rg_free(m->ep.links);
	rg_free(m->ep.host);
	rg_free(m->peers);
	m->ep.links = NULL;
	m->ep.host = NULL;
	m->peers = NULL;
}

int rg_mapped_check(const struct rg_endpoint *ep, uint32_t peer, uint32_t channel,
		    struct rg_err *err)
{
	if (peer < ep->nranks && channel < ep->config.geometry.channels)
		return 0;
	return rg_err_set(err, RG_ERR_INVALID,
			  "there is no rank %u, channel %u: %u ranks, %u channels", peer, channel,
			  ep->nranks, ep->config.geometry.channels);
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

/* NULL, with words, if there is none. */
static struct rg_link *link_to(const struct rg_endpoint *ep, uint32_t peer, uint32_t channel,
			       struct rg_err *err)
{
	struct rg_link *l;

	if (rg_mapped_check(ep, peer, channel, err))
		return NULL;
	l = rg_endpoint_link(ep, channel, peer);
	if (!l)
		rg_err_set(err, RG_ERR_INVALID, "rank %u is not connected on channel %u", peer,
			   channel);
	return l;
}

int rg_mapped_put(struct rg_endpoint *ep, const struct rg_put *put, struct rg_err *err)
{
	const struct rg_geometry *g = &ep->config.geometry;
	struct rg_link *l = link_to(ep, put->peer, put->channel, err);
	uint64_t room;
	uint8_t *to;

	if (!l)
		return RG_ERR_INVALID;
	switch (put->region) {
	case RG_REGION_SLOT:
		to = l->tx_slots;
		room = (uint64_t)g->slots * g->slot_bytes;
		break;
	case RG_REGION_LL:
		to = (uint8_t *)l->tx_ll;
		room = (uint64_t)g->ll_slots * g->ll_bytes * 2;
		break;
	default:
		to = put->window->remote[put->peer];
		room = put->window->remote_bytes[put->peer];
		break;
	}
	if (!to)
		return rg_err_set(err, RG_ERR_INVALID, "the window of rank %u is not mapped",
				  put->peer);
	if (put->offset > room || put->len_bytes > room - put->offset)
		return rg_err_set(err, RG_ERR_RANGE,
				  "put of %llu bytes at %llu: the region of rank %u has %llu",
				  (unsigned long long)put->len_bytes,
				  (unsigned long long)put->offset, put->peer,
				  (unsigned long long)room);
	memcpy(to + put->offset, put->src, put->len_bytes);
	return 0;
}

int rg_mapped_signal(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, enum rg_ctr ctr,
		     uint64_t value, struct rg_err *err)
{
	struct rg_link *l = link_to(ep, peer, channel, err);

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
