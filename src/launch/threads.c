/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rendezvous of threads: nranks objects around one hub.
 *
 * The last rank to arrive copies everything for everybody while it holds the hub's lock, so that no
 * rank ever touches a peer's buffer outside the lock: a rank that gives up at its deadline takes
 * its buffers out of the hub before it returns.
 */
#include "config.h"

#include "railgauge/launch/rendezvous.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

struct thread_rdv;

/* What one rank brought to the exchange under way. The pointers are borrowed until it returns. */
struct seat {
	struct thread_rdv *rdv; /* its object; owned by the user, who closes it */
	const void *mine;	/* [len_bytes] */
	void *all;		/* [nranks][len_bytes] */
	size_t len_bytes;
	bool present;
	bool closed;
};

struct hub {
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t moved; /* generation or failure changed; CLOCK_MONOTONIC */
	uint32_t nranks;
	uint32_t nopen; /* objects not yet closed; the last one frees the hub */
	uint32_t npresent;
	uint64_t generation;   /* exchanges completed */
	struct rg_err failure; /* the first failure; it ends the job for all ranks */
	struct seat *seats;    /* [nranks], owned */
};

struct thread_rdv {
	struct rg_rendezvous base;
	struct hub *hub; /* shared, counted by nopen */
};

#define to_thread_rdv(rdv) ((struct thread_rdv *)(void *)(rdv))
_Static_assert(offsetof(struct thread_rdv, base) == 0, "the head comes first");

/* Called with the lock held. The first failure stays. */
static void fail_hub(struct hub *hub, const struct rg_err *why)
{
	if (!hub->failure.code)
		hub->failure = *why;
	pthread_cond_broadcast(&hub->moved);
}

/* "1, 4, 5, ..." of the ranks that are not there. */
static void list_absent(const struct hub *hub, char *text, size_t room)
{
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t r = 0; r < hub->nranks; r++) {
		int n;

		if (hub->seats[r].present)
			continue;
		if (used + 24 > room) {
			snprintf(text + used, room - used, ", ...");
			return;
		}
		n = snprintf(text + used, room - used, "%s%u", used ? ", " : "", r);
		used += (size_t)n;
	}
}

/* Called by the last rank to arrive, with the lock held. */
static void complete_exchange(struct hub *hub)
{
	size_t len = hub->seats[0].len_bytes;
	struct rg_err why = {0};

	for (uint32_t r = 1; r < hub->nranks; r++) {
		if (hub->seats[r].len_bytes == len)
			continue;
		rg_err_set(&why, RG_ERR_MISMATCH,
			   "rendezvous: rank 0 exchanges %zu bytes, rank %u %zu bytes", len, r,
			   hub->seats[r].len_bytes);
		fail_hub(hub, &why);
		return;
	}
	for (uint32_t dst = 0; dst < hub->nranks; dst++) {
		for (uint32_t src = 0; src < hub->nranks && len > 0; src++)
			memcpy((unsigned char *)hub->seats[dst].all + src * len,
			       hub->seats[src].mine, len);
	}
	for (uint32_t r = 0; r < hub->nranks; r++)
		hub->seats[r].present = false;
	hub->npresent = 0;
	hub->generation++;
	pthread_cond_broadcast(&hub->moved);
}

/* Called with the lock held; returns with it held. */
static void wait_for_others(struct hub *hub, uint64_t generation, uint64_t deadline_ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(deadline_ns / 1000000000u),
		.tv_nsec = (long)(deadline_ns % 1000000000u),
	};

	while (hub->generation == generation && !hub->failure.code) {
		struct rg_err why = {0};
		char absent[200];

		if (pthread_cond_timedwait(&hub->moved, &hub->lock, &ts) != ETIMEDOUT)
			continue;
		if (hub->generation != generation || hub->failure.code)
			return;
		list_absent(hub, absent, sizeof(absent));
		rg_err_set(&why, RG_ERR_TIMEOUT,
			   "rendezvous: %u of %u threads came before the deadline; missing rank %s",
			   hub->npresent, hub->nranks, absent);
		fail_hub(hub, &why);
	}
}

static int threads_allgather(struct rg_rendezvous *rdv, const void *mine, void *all,
			     size_t len_bytes, uint64_t deadline_ns, struct rg_err *err)
{
	struct hub *hub = to_thread_rdv(rdv)->hub;
	struct seat *seat = &hub->seats[rdv->rank];
	uint64_t generation;
	int rc = 0;

	pthread_mutex_lock(&hub->lock);
	generation = hub->generation;
	seat->mine = mine;
	seat->all = all;
	seat->len_bytes = len_bytes;
	seat->present = true;
	hub->npresent++;
	for (uint32_t r = 0; r < hub->nranks && !hub->failure.code; r++) {
		struct rg_err why = {0};

		if (!hub->seats[r].closed)
			continue;
		rg_err_set(&why, RG_ERR_PEER, "rendezvous: rank %u has already left", r);
		fail_hub(hub, &why);
	}
	if (!hub->failure.code && hub->npresent == hub->nranks)
		complete_exchange(hub);
	else if (!hub->failure.code)
		wait_for_others(hub, generation, deadline_ns);
	/* A completed exchange stays completed, whatever failed after it. */
	if (hub->generation == generation) {
		rc = rg_err_set(err, hub->failure.code, "%s", hub->failure.text);
		seat->present = false;
		hub->npresent--;
	}
	pthread_mutex_unlock(&hub->lock);
	return rc;
}

static void threads_abort(struct rg_rendezvous *rdv, const struct rg_err *why)
{
	struct hub *hub = to_thread_rdv(rdv)->hub;
	struct rg_err told = {0};

	rg_err_set(&told, RG_ERR_PEER, "rank %u gave up: %s", rdv->rank, why->text);
	pthread_mutex_lock(&hub->lock);
	fail_hub(hub, &told);
	pthread_mutex_unlock(&hub->lock);
}

static void free_hub(struct hub *hub)
{
	pthread_cond_destroy(&hub->moved);
	pthread_mutex_destroy(&hub->lock);
	rg_free(hub->seats);
	rg_free(hub);
}

static void threads_close(struct rg_rendezvous *rdv)
{
	struct hub *hub = to_thread_rdv(rdv)->hub;
	bool last;

	pthread_mutex_lock(&hub->lock);
	hub->seats[rdv->rank].closed = true;
	last = --hub->nopen == 0;
	if (hub->npresent > 0) {
		struct rg_err why = {0};

		rg_err_set(&why, RG_ERR_PEER, "rendezvous: rank %u left while others waited for it",
			   rdv->rank);
		fail_hub(hub, &why);
	}
	pthread_mutex_unlock(&hub->lock);
	if (last)
		free_hub(hub);
	explicit_bzero(rdv->job_key, sizeof(rdv->job_key));
	rg_free(rdv);
}

static const struct rg_rendezvous_ops threads_ops = {
	.name = "threads",
	.allgather = threads_allgather,
	.abort = threads_abort,
	.close = threads_close,
};

static struct hub *new_hub(uint32_t nranks)
{
	struct hub *hub = rg_zalloc(1, sizeof(*hub));
	pthread_condattr_t attr;

	if (!hub)
		return NULL;
	hub->seats = rg_zalloc(nranks, sizeof(*hub->seats));
	if (!hub->seats) {
		rg_free(hub);
		return NULL;
	}
	hub->nranks = nranks;
	pthread_mutex_init(&hub->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC); /* deadlines are rg_clock_ns() */
	pthread_cond_init(&hub->moved, &attr);
	pthread_condattr_destroy(&attr);
	return hub;
}

int rg_rendezvous_threads_open(uint32_t nranks, struct rg_rendezvous **rdvs_out, struct rg_err *err)
{
	uint8_t key[32];
	struct hub *hub;

	if (nranks == 0)
		return rg_err_set(err, RG_ERR_INVALID, "rendezvous of 0 threads");
	if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
		return rg_err_errno(err, errno, "getrandom");
	hub = new_hub(nranks);
	if (!hub)
		goto no_memory;
	for (uint32_t r = 0; r < nranks; r++) {
		struct thread_rdv *t = rg_zalloc(1, sizeof(*t));

		if (!t)
			goto free_all;
		t->base.ops = &threads_ops;
		t->base.rank = r;
		t->base.nranks = nranks;
		memcpy(t->base.job_key, key, sizeof(key));
		t->hub = hub;
		hub->seats[r].rdv = t;
	}
	for (uint32_t r = 0; r < nranks; r++)
		rdvs_out[r] = &hub->seats[r].rdv->base;
	hub->nopen = nranks;
	return 0;
free_all:
	for (uint32_t r = 0; r < nranks; r++)
		rg_free(hub->seats[r].rdv);
	free_hub(hub);
no_memory:
	return rg_err_set(err, RG_ERR_NO_MEMORY, "rendezvous: no memory for %u threads", nranks);
}
