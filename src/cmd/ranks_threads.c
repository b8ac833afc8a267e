/* SPDX-License-Identifier: BSD-3-Clause */
/* Ranks that are threads of this process: starts them, and waits for all. */
#include "config.h"

#include "ranks.h"

#include "railgauge/base/log.h"
#include "railgauge/base/mem.h"
#include "railgauge/launch/bind.h"

#include <pthread.h>

/* Far more than a rank needs, whatever ulimit -s says, and little address space for many. */
#define THREAD_STACK_BYTES ((size_t)1 << 20)

struct thread {
	pthread_t id;
	const struct ranks *ranks; /* borrowed */
	struct rg_rendezvous *rdv; /* owned by the thread */
	int cpu;		   /* to bind to, or -1 */
	int rc;
	bool agreed;
	struct rg_err err;
};

static void gate_leave(struct ranks_gate *gate, uint32_t n)
{
	pthread_mutex_lock(&gate->lock);
	gate->missing -= n;
	if (gate->missing == 0)
		pthread_cond_broadcast(&gate->open);
	pthread_mutex_unlock(&gate->lock);
}

/* Every rank ends within its deadlines, so the wait needs none of its own. */
void ranks_gate_pass(struct ranks_gate *gate)
{
	gate_leave(gate, 1);
	pthread_mutex_lock(&gate->lock);
	while (gate->missing > 0)
		pthread_cond_wait(&gate->open, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	struct rg_err why;

	if (t->cpu >= 0 && rg_bind_thread(t->cpu, &why))
		rg_log(RG_LOG_WARN, "%s", why.text);
	t->rc = t->ranks->life(t->ranks, t->rdv, &t->agreed, &t->err);
	rg_rendezvous_close(t->rdv);
	return NULL;
}

/* The failure that caused the others' "a peer failed", if one can be told. */
static const struct thread *first_cause(const struct thread *threads, uint32_t n)
{
	const struct thread *cause = NULL;

	for (uint32_t r = 0; r < n; r++) {
		if (!threads[r].rc)
			continue;
		if (!cause || (cause->rc == RG_ERR_PEER && threads[r].rc != RG_ERR_PEER))
			cause = &threads[r];
	}
	return cause;
}

/* A thread that cannot be started is a rank that never comes: the others' rendezvous ends. */
static int start_threads(struct thread *threads, uint32_t n, struct rg_err *err)
{
	uint32_t started = 1;
	pthread_attr_t attr;
	int rc = 0, e = 0;

	pthread_attr_init(&attr);
	e = pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
	for (; started < n && !e; started++) {
		struct thread *t = &threads[started];

		e = pthread_create(&t->id, &attr, thread_main, t);
		if (e)
			break;
	}
	pthread_attr_destroy(&attr);
	if (e) {
		rc = rg_err_errno(err, e, "rank %u of %u: cannot start its thread", started, n);
		for (uint32_t r = started; r < n; r++)
			rg_rendezvous_close(threads[r].rdv);
		rg_rendezvous_close(threads[0].rdv);
		gate_leave(threads[0].ranks->gate, n - started + 1);
	} else {
		thread_main(&threads[0]);
	}
	for (uint32_t r = 1; r < started; r++)
		pthread_join(threads[r].id, NULL);
	return rc;
}

/* Processes were bound, or not, before they began. */
int ranks_check_bind(int64_t nthreads, struct rg_err *err)
{
	if (nthreads)
		return 0;
	return rg_err_set(err, RG_ERR_INVALID,
			  "--bind is for ranks that are threads (--threads); processes are bound "
			  "by what starts them: railgauge run --bind core, mpirun --bind-to core");
}

int ranks_threads(struct ranks *ranks, uint32_t n, struct rg_err *err)
{
	struct ranks_gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, n};
	struct rg_rendezvous *rdvs[RANKS_THREADS_MAX];
	struct thread *threads = rg_zalloc(n, sizeof(*threads));
	struct rg_bind_order order = {0};
	const struct thread *cause;
	int rc;

	if (!threads)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u threads", n);
	rc = rg_rendezvous_threads_open(n, rdvs, err);
	if (rc)
		goto free_threads;
	ranks->gate = &gate;
	if (ranks->bind && n > 1)
		(void)rg_bind_order_init(&order, NULL); /* unbound, and the result says so */
	for (uint32_t r = 0; r < n; r++) {
		threads[r].ranks = ranks;
		threads[r].rdv = rdvs[r];
		threads[r].cpu = n <= order.ncpus ? order.cpus[r] : -1;
	}
	rg_bind_order_release(&order);
	rc = start_threads(threads, n, err);
	cause = rc ? NULL : first_cause(threads, n);
	if (cause)
		rc = rg_err_set(err, cause->rc, "%s", cause->err.text);
	ranks->gate = NULL;
free_threads:
	rg_free(threads);
	return rc;
}
