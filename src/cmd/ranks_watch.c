/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A watch over calls of MPI, which have no deadline: when a peer dies or stops, the others wait
 * inside the library for ever. A thread of its own looks every quarter of a second how long the
 * rank has been inside one. Beyond the limit, or when a peer's process is gone, it says what it
 * knows, leaves the other survivors a moment to say the same, and ends the job.
 */
#include "config.h"

#include "ranks.h"
#include "cmd.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOOK_NS	  250000000
#define WITNESS_S 1 /* for the other survivors to say their line */

struct ranks_watch {
	const char *name; /* borrowed: the command's */
	pthread_t thread;
	pthread_mutex_t lock; /* guards all below but busy_since_ns */
	pthread_cond_t moved;
	bool ended;
	bool on;     /* there is something to look at */
	bool ending; /* in MPI_Finalize: a peer that has ended is as it should be */
	const char *what;
	_Atomic uint64_t busy_since_ns;
	char who[128]; /* this rank and its host */
	uint64_t limit_ns;
	struct rg_place *places; /* [nranks], owned; NULL until they are known */
	uint32_t rank, nranks;
	const struct rg_mpi_module *module; /* borrowed; NULL likewise */
	void (*last)(void *arg);
	void *last_arg; /* borrowed */
};

_Atomic uint64_t *ranks_watch_busy(struct ranks_watch *w)
{
	return &w->busy_since_ns;
}

static void set_on(struct ranks_watch *w, bool on, const char *what, uint64_t since_ns)
{
	pthread_mutex_lock(&w->lock);
	w->on = on;
	w->what = what;
	atomic_store_explicit(&w->busy_since_ns, since_ns, memory_order_relaxed);
	pthread_cond_signal(&w->moved);
	pthread_mutex_unlock(&w->lock);
}

void ranks_watch_limit(struct ranks_watch *w, uint64_t limit_ns)
{
	pthread_mutex_lock(&w->lock);
	w->limit_ns = limit_ns;
	pthread_mutex_unlock(&w->lock);
}

void ranks_watch_enter(struct ranks_watch *w, const char *what)
{
	set_on(w, true, what, rg_clock_ns());
}

void ranks_watch_finish(struct ranks_watch *w)
{
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_mutex_unlock(&w->lock);
	ranks_watch_enter(w, "MPI_Finalize");
}

void ranks_watch_leave(struct ranks_watch *w)
{
	set_on(w, false, NULL, 0);
}

int ranks_watch_peers(struct ranks_watch *w, const struct rg_place *places, uint32_t rank,
		      uint32_t nranks, const struct rg_mpi_module *module, struct rg_err *err)
{
	struct rg_place *copy = rg_alloc(nranks * sizeof(*copy));

	if (!copy)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the watch over MPI");
	memcpy(copy, places, nranks * sizeof(*copy));
	pthread_mutex_lock(&w->lock);
	rg_free(w->places);
	w->places = copy;
	w->rank = rank;
	w->nranks = nranks;
	w->module = module;
	snprintf(w->who, sizeof(w->who), "rank %u (%s)", rank, places[rank].host);
	pthread_mutex_unlock(&w->lock);
	return 0;
}

void ranks_watch_last(struct ranks_watch *w, void (*last)(void *arg), void *arg)
{
	pthread_mutex_lock(&w->lock);
	w->last = last;
	w->last_arg = arg;
	pthread_mutex_unlock(&w->lock);
}

void ranks_watch_measure(struct ranks_watch *w)
{
	set_on(w, true, "a collective of the MPI library", 0);
}

/*
 * What is wrong with which peer, as far as this host's processes tell. True if one is gone, which
 * counts for more than one that is stopped and may go on.
 */
static bool describe_peers(const struct ranks_watch *w, char *text, size_t room)
{
	snprintf(text, room, "%s",
		 w->ending   ? "not all ranks have ended"
		 : w->places ? "all ranks of this host are there"
			     : "not all ranks have come");
	for (uint32_t r = 0; w->places && r < w->nranks; r++) {
		const struct rg_place *p = &w->places[r];
		enum rg_process_state state =
			rg_process_look(&w->places[w->rank].process, &p->process);

		if (state != RG_PROCESS_STOPPED && (state != RG_PROCESS_GONE || w->ending))
			continue;
		snprintf(text, room, "rank %u (%s, process %" PRId64 ") is %s", r, p->host,
			 p->process.pid, state == RG_PROCESS_STOPPED ? "stopped" : "gone");
		if (state == RG_PROCESS_GONE)
			return true;
	}
	return false;
}

/* A peer that is gone will not come: there is no point in waiting for the limit. */
static void look(const struct ranks_watch *w, uint64_t waited_ns)
{
	char peers[160];
	struct rg_err err = {0};
	int status;

	if (waited_ns < LOOK_NS)
		return;
	if (!describe_peers(w, peers, sizeof(peers)) && waited_ns < w->limit_ns)
		return;
	rg_err_set(&err, RG_ERR_TIMEOUT, "%s: waited %.1f s in %s: %s", w->who,
		   (double)waited_ns / 1e9, w->what, peers);
	status = rg_cmd_status(w->name, err.code, &err);
	if (w->last)
		w->last(w->last_arg);
	if (!w->module || w->ending)
		_exit(status);
	/* If ending the job through MPI hangs as well, the alarm ends at least this process. */
	alarm(WITNESS_S + 3);
	sleep(WITNESS_S);
	w->module->abort(status);
}

static void *watch_main(void *arg)
{
	struct ranks_watch *w = arg;

	pthread_mutex_lock(&w->lock);
	while (!w->ended) {
		uint64_t wake = rg_clock_ns() + LOOK_NS, now, since;
		struct timespec ts = {(time_t)(wake / 1000000000u), (long)(wake % 1000000000u)};

		if (!w->on) {
			pthread_cond_wait(&w->moved, &w->lock);
			continue;
		}
		pthread_cond_timedwait(&w->moved, &w->lock, &ts);
		since = atomic_load_explicit(&w->busy_since_ns, memory_order_relaxed);
		now = rg_clock_ns();
		if (w->on && since && now > since)
			look(w, now - since);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int ranks_watch_open(const char *name, const char *rank, uint64_t limit_ns,
		     struct ranks_watch **watch_out, struct rg_err *err)
{
	struct ranks_watch *w = rg_zalloc(1, sizeof(*w));
	pthread_condattr_t attr;
	char host[64] = "";
	int e;

	if (!w)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the watch over MPI");
	(void)gethostname(host, sizeof(host) - 1); /* else the host stays unnamed */
	snprintf(w->who, sizeof(w->who), "rank %.20s (%s)", rank ? rank : "?", host);
	w->name = name;
	w->limit_ns = limit_ns;
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->moved, &attr);
	pthread_condattr_destroy(&attr);
	e = pthread_create(&w->thread, NULL, watch_main, w);
	if (e) {
		rg_free(w);
		return rg_err_errno(err, e, "cannot start the watch over MPI");
	}
	*watch_out = w;
	return 0;
}

void ranks_watch_close(struct ranks_watch *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->ended = true;
	pthread_cond_signal(&w->moved);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->moved);
	pthread_mutex_destroy(&w->lock);
	rg_free(w->places);
	rg_free(w);
}
