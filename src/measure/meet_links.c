/* SPDX-License-Identifier: BSD-3-Clause */
/* Meeting where peers' memory is not mapped: records and trips over links of its own. */
#include "config.h"

#include "meet_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#define RADIX 4u

/* Trips of a comparison: the first finds the peer not there yet, or its caches cold. */
#define TRIPS 10

/* Two slots take records in turn; the third one the answer to a question about the time. */
#define SLOTS	    4
#define ANSWER_SLOT 2

/* What the counters of a link are for. */
#define CTR_RECORD RG_CTR_READY /* number of the exchange whose record is there */
#define CTR_ASKED  RG_CTR_ENTER /* questions about the time */
#define CTR_TOLD   RG_CTR_DONE	/* answers */
#define CTR_BLAMED RG_CTR_FREE	/* 1 + the rank because of which the peer left */
#define CTR_LEFT   RG_CTR_SYNC	/* 1 + the exchanges that the peer ended before it left */

/* To hand the last words over. */
#define LEAVE_NS 100000000u

/* Idle turns between looks at the clock while the thread only spins. */
#define CLOCK_EVERY 1024

struct answer {
	uint64_t common_ns;
	double error_ns;
};

struct meet_links {
	struct rg_endpoint *ep; /* owned */
	uint8_t *held;		/* owned, [nranks] records: this rank's, the next one's ... */
	uint64_t ended;		/* exchanges */
	uint64_t asked;		/* questions to the parent */
	uint64_t *told;		/* owned, [nranks]: answers to each child */
	uint32_t blamed;	/* because of whom this rank leaves; itself if nobody */
	bool left;
};

/* A wait: for a peer that is to move a counter, or for the network. */
struct wait {
	uint32_t peer;
	bool for_record; /* else for the time */
	uint32_t idle;
	uint64_t since_ns, alive_ns; /* 0: not looked yet */
};

static uint64_t counter(const struct meet_links *l, uint32_t peer, enum rg_ctr ctr)
{
	return atomic_load_explicit(&rg_endpoint_link(l->ep, 0, peer)->rx[ctr].value,
				    memory_order_acquire);
}

static bool is_linked(const struct meet_links *l, uint32_t peer)
{
	return peer != l->ep->rank && rg_endpoint_link(l->ep, 0, peer);
}

/* --- open, leave, close --- */

static struct rg_geometry geometry_for(uint32_t nranks)
{
	uint32_t most = 1; /* records in a message */

	while (most * RADIX < nranks)
		most *= RADIX;
	return (struct rg_geometry){
		.channels = 1,
		.slots = SLOTS,
		.slot_bytes = most * RG_MEET_BYTES,
		.ll_slots = 1,
		.ll_bytes = 64,
		.credit_batch = 1,
	};
}

static int connect_all(struct rg_meet *m, struct rg_err *err)
{
	struct rg_endpoint *ep = m->links->ep;
	uint32_t n = ep->nranks;
	int rc = 0;

	for (uint32_t held = 1; held < n && !rc; held *= RADIX) {
		for (uint32_t j = 1; j < RADIX && j * held < n && !rc; j++) {
			rc = ep->ops->connect(ep, (ep->rank + j * held) % n, 0, err);
			if (!rc)
				rc = ep->ops->connect(ep, (ep->rank + n - j * held) % n, 0, err);
		}
	}
	return rc;
}

int rg_meet_links_open(struct rg_meet *m, struct rg_err *err)
{
	uint32_t n = m->rdv->nranks;
	const struct rg_geometry geometry = geometry_for(n);
	struct meet_links *l = rg_zalloc(1, sizeof(*l));
	int rc = 0;

	m->links = l;
	if (l) {
		l->blamed = m->rdv->rank;
		l->held = rg_zalloc(n, RG_MEET_BYTES);
		l->told = rg_zalloc(n, sizeof(l->told[0]));
	}
	if (!l || !l->held || !l->told)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the meeting of %u ranks", n);
	rc = rg_rendezvous_agree(m->rdv, rc, rg_clock_ns() + m->deadline_ns, err);
	if (!rc)
		rc = rg_endpoint_open_beside(m->ep, &geometry, &l->ep, err);
	if (rc)
		return rc;
	rc = connect_all(m, err);
	return rg_rendezvous_agree(m->rdv, rc, rg_clock_ns() + m->deadline_ns, err);
}

const struct rg_endpoint *rg_meet_links_endpoint(const struct meet_links *l)
{
	return l->ep;
}

static void tell(struct rg_endpoint *ep, uint32_t peer, enum rg_ctr ctr, uint64_t value,
		 uint64_t until_ns)
{
	while (ep->ops->signal(ep, peer, 0, ctr, value, NULL) == 1 && rg_clock_ns() < until_ns)
		ep->ops->progress(ep, NULL);
}

void rg_meet_links_leave(struct rg_meet *m)
{
	struct meet_links *l = m->links;
	uint64_t until_ns = rg_clock_ns() + LEAVE_NS;

	if (!l->ep || l->left)
		return;
	l->left = true;
	for (uint32_t r = 0; r < l->ep->nranks; r++) {
		if (!is_linked(l, r))
			continue;
		tell(l->ep, r, CTR_BLAMED, 1 + (uint64_t)l->blamed, until_ns);
		tell(l->ep, r, CTR_LEFT, 1 + l->ended, until_ns);
	}
	while (l->ep->ops->flush(l->ep, NULL) == 1 && rg_clock_ns() < until_ns)
		l->ep->ops->progress(l->ep, NULL);
}

void rg_meet_links_close(struct rg_meet *m)
{
	struct meet_links *l = m->links;

	if (l->ep)
		l->ep->ops->close(l->ep);
	rg_free(l->held);
	rg_free(l->told);
	rg_free(l);
}

/* --- waiting --- */

/* Has it left before what is waited for? Who has ended this very exchange may go. */
static bool has_left(const struct rg_meet *m, const struct wait *w, uint32_t peer)
{
	uint64_t left = counter(m->links, peer, CTR_LEFT);

	return left && (!w->for_record || left - 1 < m->sequence);
}

static int name_left(const struct rg_meet *m, uint32_t peer, struct rg_err *err)
{
	struct meet_links *l = m->links;
	char(*host)[64] = l->ep->host;
	uint64_t blamed = counter(l, peer, CTR_BLAMED);

	l->blamed = blamed && blamed <= l->ep->nranks ? (uint32_t)blamed - 1 : peer;
	if (l->blamed == peer || l->blamed == l->ep->rank)
		return rg_err_set(err, RG_ERR_PEER, "rank %u (%s) has given up", peer, host[peer]);
	return rg_err_set(err, RG_ERR_PEER, "rank %u (%s) has given up because of rank %u (%s)",
			  peer, host[peer], l->blamed, host[l->blamed]);
}

/*
 * Has anybody given up, or gone? Not only the one that is waited for: it may be inside a call of
 * MPI, which waits for one that is gone and does not tell. The job's own links are looked at as
 * well: nobody ends in order before the last meeting has ended.
 */
static int look_at_all(struct rg_meet *m, struct wait *w, struct rg_err *err)
{
	struct meet_links *l = m->links;
	bool ask = rg_clock_ns() - w->alive_ns > MEET_ALIVE_EVERY_NS;

	if (ask) /* what a connection's end is, sockets tell only who reads them */
		(void)m->ep->ops->progress(m->ep, NULL);
	for (uint32_t r = 0; r < l->ep->nranks; r++) {
		int rc = 0;

		if (is_linked(l, r) && has_left(m, w, r))
			return name_left(m, r, err);
		if (!ask || r == l->ep->rank || (is_linked(l, r) && counter(l, r, CTR_LEFT)))
			continue;
		rc = l->ep->ops->peer_alive(l->ep, r, err);
		if (!rc)
			rc = m->ep->ops->peer_alive(m->ep, r, err);
		if (rc) {
			l->blamed = r;
			return rc;
		}
	}
	if (ask)
		w->alive_ns = rg_clock_ns();
	return 0;
}

/* The slow part of waiting: nothing has moved for a while. */
static int look_after(struct rg_meet *m, struct wait *w, struct rg_err *err)
{
	uint64_t now = rg_clock_ns();
	char after[RG_UNITS_BYTES];
	int rc;

	if (!w->since_ns)
		w->since_ns = w->alive_ns = now;
	rc = look_at_all(m, w, err);
	if (!rc && now - w->since_ns > m->deadline_ns) {
		m->links->blamed = w->peer;
		rc = rg_err_set(err, RG_ERR_TIMEOUT, "rank %u (%s) has not come within %s", w->peer,
				m->ep->host[w->peer],
				rg_format_time((double)m->deadline_ns, after));
	}
	if (rc && err && w->for_record)
		rg_err_prefix(err, "waited at meeting %" PRIu64, m->sequence);
	else if (rc && err)
		rg_err_prefix(err, "waited to compare clocks");
	return rc;
}

/* A rank that slept says that it is awake, or every signal would ring for it. */
static void end_idling(const struct rg_meet *m, struct wait *w)
{
	struct rg_endpoint *ep = m->links->ep;

	if (w->idle > ep->config.patience.spins + ep->config.patience.yields)
		ep->ops->idle(ep, 0);
	w->idle = 0;
}

/* Moves things along, or finds out why nothing moves. */
static int turn(struct rg_meet *m, struct wait *w, struct rg_err *err)
{
	struct rg_endpoint *ep = m->links->ep;
	int rc = ep->ops->progress(ep, err);

	if (rc < 0)
		return rc;
	if (rc) {
		end_idling(m, w);
		return 0;
	}
	ep->ops->idle(ep, w->idle++);
	if (w->idle % CLOCK_EVERY && w->idle < ep->config.patience.spins)
		return 0;
	return look_after(m, w, err);
}

static int wait_for(struct rg_meet *m, uint32_t peer, enum rg_ctr ctr, uint64_t value,
		    struct rg_err *err)
{
	struct wait w = {.peer = peer, .for_record = ctr == CTR_RECORD};
	int rc = 0;

	while (!rc && counter(m->links, peer, ctr) < value)
		rc = turn(m, &w, err);
	end_idling(m, &w);
	return rc;
}

static int put(struct rg_meet *m, const struct rg_put *what, struct rg_err *err)
{
	struct wait w = {.peer = what->peer, .for_record = what->ctr == CTR_RECORD};
	struct rg_endpoint *ep = m->links->ep;
	int rc = ep->ops->put(ep, what, err);

	while (rc == 1) {
		rc = turn(m, &w, err);
		if (!rc)
			rc = ep->ops->put(ep, what, err);
	}
	end_idling(m, &w);
	return rc;
}

/* All that was put and signalled is with the network: this rank may now go and do other things. */
static int hand_over(struct rg_meet *m, uint32_t peer, bool for_record, struct rg_err *err)
{
	struct wait w = {.peer = peer, .for_record = for_record};
	struct rg_endpoint *ep = m->links->ep;
	int rc = ep->ops->flush(ep, err);

	while (rc == 1) {
		rc = turn(m, &w, err);
		if (!rc)
			rc = ep->ops->flush(ep, err);
	}
	end_idling(m, &w);
	return rc;
}

/* --- exchanges --- */

/* In one round a rank that holds the records of `held` ranks gives and gets those of so many. */
static uint32_t in_message(uint32_t n, uint32_t held, uint32_t j)
{
	uint32_t missing = n - j * held;

	return missing < held ? missing : held;
}

static int round_of(struct rg_meet *m, uint32_t held, size_t len_bytes, struct rg_err *err)
{
	struct meet_links *l = m->links;
	uint32_t rank = l->ep->rank, n = l->ep->nranks;
	size_t at = (m->sequence & 1) * l->ep->config.geometry.slot_bytes;
	int rc = 0;

	for (uint32_t j = 1; j < RADIX && j * held < n && !rc; j++) {
		const struct rg_put record = {
			.peer = (rank + n - j * held) % n,
			.region = RG_REGION_SLOT,
			.offset = at,
			.src = l->held,
			.len_bytes = in_message(n, held, j) * len_bytes,
			.notify = true,
			.ctr = CTR_RECORD,
			.value = m->sequence,
		};

		rc = put(m, &record, err);
	}
	for (uint32_t j = 1; j < RADIX && j * held < n && !rc; j++) {
		uint32_t from = (rank + j * held) % n;

		rc = wait_for(m, from, CTR_RECORD, m->sequence, err);
		if (!rc)
			memcpy(l->held + j * held * len_bytes,
			       rg_endpoint_link(l->ep, 0, from)->rx_slots + at,
			       in_message(n, held, j) * len_bytes);
	}
	return rc;
}

int rg_meet_links_exchange(struct rg_meet *m, const void *mine, void *all, size_t len_bytes,
			   struct rg_err *err)
{
	struct meet_links *l = m->links;
	uint32_t rank = l->ep->rank, n = l->ep->nranks;
	int rc = 0;

	memcpy(l->held, mine, len_bytes);
	for (uint32_t held = 1; held < n && !rc; held *= RADIX)
		rc = round_of(m, held, len_bytes, err);
	if (!rc)
		rc = hand_over(m, (rank + 1) % n, true, err);
	if (rc)
		return rc;
	for (uint32_t k = 0; k < n; k++)
		memcpy((uint8_t *)all + (rank + k) % n * len_bytes, l->held + k * len_bytes,
		       len_bytes);
	l->ended = m->sequence;
	return 0;
}

/* --- clocks --- */

static int ask(struct rg_meet *m, uint32_t parent, struct rg_common_clock *clock,
	       struct rg_err *err)
{
	struct meet_links *l = m->links;
	const uint8_t *slots = rg_endpoint_link(l->ep, 0, parent)->rx_slots;
	struct rg_clock_trip trips[TRIPS];
	struct answer answer;

	for (int i = 0; i < TRIPS; i++) {
		struct wait w = {.peer = parent};
		int rc;

		l->asked++;
		trips[i].asked_ns = rg_clock_ns();
		while ((rc = l->ep->ops->signal(l->ep, parent, 0, CTR_ASKED, l->asked, err)) == 1) {
			rc = turn(m, &w, err);
			if (rc)
				break;
		}
		if (!rc)
			rc = wait_for(m, parent, CTR_TOLD, l->asked, err);
		trips[i].heard_ns = rg_clock_ns();
		if (rc)
			return rc;
		memcpy(&answer, slots + ANSWER_SLOT * l->ep->config.geometry.slot_bytes,
		       sizeof(answer));
		trips[i].told_ns = answer.common_ns;
	}
	rg_common_clock_compare(clock, trips, TRIPS, answer.error_ns);
	return 0;
}

static int answer_to(struct rg_meet *m, uint32_t child, const struct rg_common_clock *clock,
		     struct rg_err *err)
{
	struct meet_links *l = m->links;
	struct answer answer = {.error_ns = clock->error_ns};
	struct rg_put told = {
		.peer = child,
		.region = RG_REGION_SLOT,
		.offset = (uint64_t)ANSWER_SLOT * l->ep->config.geometry.slot_bytes,
		.src = &answer,
		.len_bytes = sizeof(answer),
		.notify = true,
		.ctr = CTR_TOLD,
	};
	int rc = 0;

	for (int i = 0; i < TRIPS && !rc; i++) {
		told.value = ++l->told[child];
		rc = wait_for(m, child, CTR_ASKED, told.value, err);
		answer.common_ns = rg_common_clock_of(clock, rg_clock_ns());
		if (!rc)
			rc = put(m, &told, err);
		if (!rc)
			rc = hand_over(m, child, false, err);
	}
	return rc;
}

int rg_meet_links_compare(struct rg_meet *m, struct rg_common_clock *clock, struct rg_err *err)
{
	uint32_t rank = m->rdv->rank, n = m->rdv->nranks;
	int rc = 0;

	if (rank == 0)
		rg_common_clock_own(clock);
	/* Ranks below `known` know the common time, and tell it to three others each. */
	for (uint32_t known = 1; known < n && !rc; known *= RADIX) {
		if (rank >= known && rank < RADIX * known)
			rc = ask(m, rank % known, clock, err);
		for (uint32_t j = 1; j < RADIX && rank < known && rank + j * known < n && !rc; j++)
			rc = answer_to(m, rank + j * known, clock, err);
	}
	return rc;
}
