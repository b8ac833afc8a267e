/* SPDX-License-Identifier: BSD-3-Clause */
/* Meeting where peers' memory is mapped: each rank reads the others' boards. */
#include "config.h"

#include "meet_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"
#include "railgauge/device/buffer.h"
#include "railgauge/measure/calibrate.h"

#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

/* What a rank shows to the others. The sequence has a line (and its neighbour) of its own. */
struct board {
	_Alignas(128) _Atomic uint64_t sequence;
	_Atomic uint32_t left; /* set by close: nobody need wait any longer */
	_Alignas(128) uint8_t record[2][RG_MEET_BYTES];
	/* For rg_meet_line: written by this rank for its next and for its previous neighbour. */
	_Alignas(128) _Atomic uint64_t to_next;
	_Alignas(128) _Atomic uint64_t to_previous;
};

struct meet_boards {
	uint32_t spins;		  /* polls before the core is given away */
	struct rg_buffer buffer;  /* owned */
	struct rg_window *window; /* owned */
	struct board **of;	  /* [nranks], owned; they point into the window */
};

/* Once a peer is late: when to sleep instead of yielding. */
#define SLEEP_AFTER_NS 1000000u
#define SLEEP_NS       50000u

static int map_boards(struct rg_meet *m, struct rg_err *err)
{
	struct meet_boards *b = m->boards;
	int rc = 0;

	for (uint32_t r = 0; !rc && r < m->rdv->nranks; r++) {
		if (r != m->rdv->rank)
			rc = m->ep->ops->window_map(b->window, r, err);
		if (!rc)
			b->of[r] = r == m->rdv->rank ? b->buffer.base
						     : (struct board *)(void *)b->window->remote[r];
	}
	return rc;
}

int rg_meet_boards_open(struct rg_meet *m, struct rg_err *err)
{
	uint64_t until = rg_clock_ns() + m->deadline_ns;
	struct meet_boards *b = rg_zalloc(1, sizeof(*b));
	int rc = 0;

	m->boards = b;
	if (b)
		b->of = rg_zalloc(m->rdv->nranks, sizeof(struct board *));
	if (!b || !b->of)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the meeting of %u ranks",
				m->rdv->nranks);
	else
		rc = rg_buffer_open(RG_MEMORY_SHARED, sizeof(struct board), 0, -1, &b->buffer, err);
	rc = rg_rendezvous_agree(m->rdv, rc, until, err);
	if (rc)
		return rc;
	b->spins = m->crowded ? 1 : 4096;
	rc = m->ep->ops->window_open(m->ep, &b->buffer, &b->window, err);
	if (!rc)
		rc = map_boards(m, err);
	return rg_rendezvous_agree(m->rdv, rc, rg_clock_ns() + m->deadline_ns, err);
}

void rg_meet_boards_leave(struct rg_meet *m)
{
	struct board *mine = m->boards->of ? m->boards->of[m->rdv->rank] : NULL;

	if (mine)
		atomic_store_explicit(&mine->left, 1, memory_order_release);
}

void rg_meet_boards_close(struct rg_meet *m)
{
	struct meet_boards *b = m->boards;

	m->ep->ops->window_close(b->window);
	rg_buffer_close(&b->buffer);
	rg_free(b->of);
	rg_free(b);
}

/*
 * Is anybody gone? Not only the one that is waited for: it may be inside a call of MPI, which waits
 * for one that is gone and does not tell. Nobody ends in order before the last meeting has ended.
 */
static int look_at_all(struct rg_meet *m, struct rg_err *err)
{
	for (uint32_t r = 0; r < m->rdv->nranks; r++) {
		int rc = r == m->rdv->rank ? 0 : m->ep->ops->peer_alive(m->ep, r, err);

		if (rc)
			return rc;
	}
	return 0;
}

/* The slow part of waiting: the peer has been away for a while. */
static int look_after(struct rg_meet *m, uint32_t rank, uint64_t start_ns, uint64_t *alive_ns,
		      struct rg_err *err)
{
	const struct board *b = m->boards->of[rank];
	uint64_t now = rg_clock_ns();
	char after[RG_UNITS_BYTES];
	int rc;

	if (atomic_load_explicit(&b->left, memory_order_acquire) &&
	    atomic_load_explicit(&b->sequence, memory_order_acquire) < m->sequence)
		return rg_err_set(err, RG_ERR_PEER,
				  "waited at meeting %" PRIu64 " for rank %u (%s), which has given "
				  "up",
				  m->sequence, rank, m->ep->host[rank]);
	if (now - *alive_ns > MEET_ALIVE_EVERY_NS) {
		*alive_ns = now;
		rc = look_at_all(m, err);
		if (rc && err)
			rg_err_prefix(err, "waited at meeting %" PRIu64, m->sequence);
		if (rc)
			return rc;
	}
	if (now - start_ns > m->deadline_ns)
		return rg_err_set(
			err, RG_ERR_TIMEOUT,
			"waited %s at meeting %" PRIu64 " for rank %u (%s), which is at %" PRIu64,
			rg_format_time((double)m->deadline_ns, after), m->sequence, rank,
			m->ep->host[rank],
			(uint64_t)atomic_load_explicit(&b->sequence, memory_order_relaxed));
	if (now - start_ns > SLEEP_AFTER_NS)
		rg_clock_sleep_until(now + SLEEP_NS);
	return 0;
}

static int wait_for(struct rg_meet *m, uint32_t rank, struct rg_err *err)
{
	const struct board *b = m->boards->of[rank];
	uint64_t start_ns = 0, alive_ns = 0;

	for (uint32_t n = 0; atomic_load_explicit(&b->sequence, memory_order_acquire) < m->sequence;
	     n++) {
		int rc;

		if (n < m->boards->spins) {
#if defined(__x86_64__)
			__builtin_ia32_pause();
#endif
			continue;
		}
		sched_yield(); /* which may cost a time slice of everybody else on this core */
		if (!start_ns)
			start_ns = alive_ns = rg_clock_ns();
		rc = look_after(m, rank, start_ns, &alive_ns, err);
		if (rc)
			return rc;
	}
	return 0;
}

int rg_meet_boards_exchange(struct rg_meet *m, const void *mine, void *all, size_t len_bytes,
			    struct rg_err *err)
{
	struct board *own = m->boards->of[m->rdv->rank];
	size_t half = m->sequence & 1;

	memcpy(own->record[half], mine, len_bytes);
	/* Release: who sees the sequence sees the record. */
	atomic_store_explicit(&own->sequence, m->sequence, memory_order_release);
	for (uint32_t r = 0; r < m->rdv->nranks; r++) {
		int rc = wait_for(m, r, err);

		if (rc)
			return rc;
		memcpy((uint8_t *)all + r * len_bytes, m->boards->of[r]->record[half], len_bytes);
	}
	return 0;
}

int rg_meet_boards_line(struct rg_meet *m, uint32_t first, double *ns_out, struct rg_err *err)
{
	struct board **of = m->boards->of;
	uint32_t rank = m->rdv->rank;
	uint64_t until = rg_clock_ns() + m->deadline_ns;

	*ns_out = 0;
	if (rank == first)
		return rg_calibrate_line(&of[rank]->to_next, &of[rank + 1]->to_previous, true,
					 until, ns_out, err);
	if (rank == first + 1)
		return rg_calibrate_line(&of[rank]->to_previous, &of[first]->to_next, false, until,
					 ns_out, err);
	return 0;
}
