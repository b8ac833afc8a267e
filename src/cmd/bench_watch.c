/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A watch over collectives of MPI, which have no deadline: when a peer dies or stops, the others
 * wait inside the library for ever. A thread of its own looks every quarter of a second how long
 * the rank has been inside an operation. Beyond the limit, or when a peer's process is gone, it
 * says what it knows, leaves the other survivors a moment to say the same, and ends the job.
 */
#include "config.h"

#include "bench.h"
#include "cmd.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOOK_NS	  250000000
#define WITNESS_S 1 /* for the other survivors to say their line */

struct bench_watch {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t end;
	bool ended;
	_Atomic uint64_t busy_since_ns;
	const struct rg_place *places; /* [nranks], borrowed */
	uint32_t rank, nranks;
	const struct rg_mpi_module *module; /* borrowed */
	uint64_t limit_ns;
};

_Atomic uint64_t *bench_watch_busy(struct bench_watch *w)
{
	return &w->busy_since_ns;
}

/* 'R', 'T', 'Z' ... of a process as the kernel shows it; 0 if there is none. */
static char state_of(int64_t pid)
{
	char path[64], state = 0;
	char *text, *name_end;

	snprintf(path, sizeof(path), "/proc/%" PRId64 "/stat", pid);
	if (rg_io_read_file(path, 4096, &text, NULL, NULL))
		return 0;
	name_end = strrchr(text, ')');
	if (name_end && name_end[1])
		state = name_end[2];
	rg_free(text);
	return state;
}

/* What is wrong with which peer, as far as this host's processes tell. True if one is gone. */
static bool describe_peers(const struct bench_watch *w, char *text, size_t room)
{
	for (uint32_t r = 0; r < w->nranks; r++) {
		const struct rg_place *p = &w->places[r];
		char state;

		if (r == w->rank || strcmp(p->host, w->places[w->rank].host) != 0)
			continue;
		state = state_of(p->pid);
		if (state && state != 'Z' && state != 'X' && state != 'T' && state != 't')
			continue;
		snprintf(text, room, "rank %u (%s, process %" PRId64 ") is %s", r, p->host, p->pid,
			 state == 'T' || state == 't' ? "stopped" : "gone");
		return state != 'T' && state != 't';
	}
	snprintf(text, room, "all ranks of this host are there");
	return false;
}

/* A peer that is gone will not come: there is no point in waiting for the limit. */
static void look(const struct bench_watch *w, uint64_t waited_ns)
{
	char peers[160];
	struct rg_err err = {0};
	int status;

	if (waited_ns < LOOK_NS)
		return;
	if (!describe_peers(w, peers, sizeof(peers)) && waited_ns < w->limit_ns)
		return;
	rg_err_set(&err, RG_ERR_TIMEOUT,
		   "rank %u (%s): waited %.1f s in a collective of the MPI library: %s", w->rank,
		   w->places[w->rank].host, (double)waited_ns / 1e9, peers);
	status = rg_cmd_status(BENCH_NAME, err.code, &err);
	/* If ending the job through MPI hangs as well, the alarm ends at least this process. */
	alarm(WITNESS_S + 3);
	sleep(WITNESS_S);
	w->module->abort(status);
}

static void *watch_main(void *arg)
{
	struct bench_watch *w = arg;

	pthread_mutex_lock(&w->lock);
	while (!w->ended) {
		uint64_t wake = rg_clock_ns() + LOOK_NS, now, since;
		struct timespec ts = {(time_t)(wake / 1000000000u), (long)(wake % 1000000000u)};

		pthread_cond_timedwait(&w->end, &w->lock, &ts);
		since = atomic_load_explicit(&w->busy_since_ns, memory_order_relaxed);
		now = rg_clock_ns();
		if (since && now > since)
			look(w, now - since);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int bench_watch_open(const struct rg_place *places, uint32_t rank, uint32_t nranks,
		     const struct rg_mpi_module *module, uint64_t limit_ns,
		     struct bench_watch **watch_out, struct rg_err *err)
{
	struct bench_watch *w = rg_zalloc(1, sizeof(*w));
	pthread_condattr_t attr;
	int e;

	if (!w)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the watch over MPI");
	w->places = places;
	w->rank = rank;
	w->nranks = nranks;
	w->module = module;
	w->limit_ns = limit_ns;
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->end, &attr);
	pthread_condattr_destroy(&attr);
	e = pthread_create(&w->thread, NULL, watch_main, w);
	if (e) {
		rg_free(w);
		return rg_err_errno(err, e, "cannot start the watch over MPI");
	}
	*watch_out = w;
	return 0;
}

void bench_watch_close(struct bench_watch *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->ended = true;
	pthread_cond_signal(&w->end);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->end);
	pthread_mutex_destroy(&w->lock);
	rg_free(w);
}
