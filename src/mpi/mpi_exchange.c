/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The exchange behind the rendezvous: an MPI_Iallgather that is polled, so that a deadline holds.
 *
 * MPI cannot say which rank a collective waits for. So every rank sends rank 0 an empty message
 * when it comes, which rank 0 needs anyway to learn that nobody is left behind; at its deadline it
 * knows who is missing and tells those who came. A collective under way can be neither cancelled
 * nor freed: after a failure its buffers are given up for good, and so is MPI (module.broken).
 */
#include "config.h"

#include "module.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

enum { TAG_CAME = 1, TAG_ABSENT, TAG_GIVE_UP };

#define EAGER_NS  ((uint64_t)2000000)	 /* poll without sleeping at first: peers are near */
#define NAP_NS	  ((uint64_t)50000)	 /* afterwards between two polls */
#define LOOK_NS	  ((uint64_t)100000000)	 /* between two looks at the peers */
#define ANSWER_NS ((uint64_t)1000000000) /* how long rank 0's word is waited for */
#define NOTICE_NS ((uint64_t)200000000)	 /* how long a notice may take to leave */

/* Owned until it is done or has failed; then either freed or left to MPI for good. */
struct exchange {
	MPI_Request *requests; /* [nrequests]: the gather, then the messages to or at rank 0 */
	int nrequests;
	char *mine;
	char *all;
	size_t len_bytes;
};

static void nap(uint64_t start_ns)
{
	uint64_t now_ns = rg_clock_ns();

	if (now_ns - start_ns < EAGER_NS)
		sched_yield();
	else
		rg_clock_sleep_until(now_ns + NAP_NS);
}

static void exchange_free(struct exchange *x)
{
	rg_free(x->requests);
	rg_free(x->mine);
	rg_free(x->all);
}

static int exchange_alloc(struct exchange *x, const void *mine, size_t len_bytes,
			  struct rg_err *err)
{
	x->nrequests = module.rank ? 2 : module.nranks;
	x->requests = rg_zalloc((size_t)x->nrequests, sizeof(*x->requests));
	x->mine = rg_alloc(len_bytes);
	x->all = rg_zalloc((size_t)module.nranks, len_bytes);
	x->len_bytes = len_bytes;
	if (!x->requests || !x->mine || !x->all) {
		exchange_free(x);
		return rg_err_set(err, RG_ERR_NO_MEMORY,
				  "no memory to exchange %zu bytes of %d ranks", len_bytes,
				  module.nranks);
	}
	memcpy(x->mine, mine, len_bytes);
	for (int i = 0; i < x->nrequests; i++)
		x->requests[i] = MPI_REQUEST_NULL;
	return 0;
}

static int exchange_begin(struct exchange *x, struct rg_err *err)
{
	int n = (int)x->len_bytes, code = 0;

	if (module.rank)
		code = MPI_Isend(NULL, 0, MPI_BYTE, 0, TAG_CAME, module.comm, &x->requests[1]);
	for (int r = 1; r < module.nranks && !module.rank && !code; r++)
		code = MPI_Irecv(NULL, 0, MPI_BYTE, r, TAG_CAME, module.comm, &x->requests[r]);
	if (!code)
		code = MPI_Iallgather(x->mine, n, MPI_BYTE, x->all, n, MPI_BYTE, module.comm,
				      &x->requests[0]);
	return code ? module_error(err, code, "MPI_Iallgather of the rendezvous") : 0;
}

/* A peer's last words, if there are any: then RG_ERR_PEER. */
static int hear_giving_up(struct rg_err *err)
{
	char text[RG_ERR_TEXT_BYTES] = "";
	MPI_Status status;
	int there = 0, n = 0;

	MPI_Iprobe(MPI_ANY_SOURCE, TAG_GIVE_UP, module.comm, &there, &status);
	if (!there)
		return 0;
	MPI_Get_count(&status, MPI_CHAR, &n);
	if (n <= 0 || n >= (int)sizeof(text))
		return rg_err_set(err, RG_ERR_PEER, "rank %d gave up", status.MPI_SOURCE);
	MPI_Recv(text, n, MPI_CHAR, status.MPI_SOURCE, TAG_GIVE_UP, module.comm, MPI_STATUS_IGNORE);
	return rg_err_set(err, RG_ERR_PEER, "rank %d gave up: %s", status.MPI_SOURCE, text);
}

/* One look at the requests and at what peers say. */
static int exchange_test(struct exchange *x, bool *done_out, struct rg_err *err)
{
	int done = 0;
	int code = MPI_Testall(x->nrequests, x->requests, &done, module.ignored);

	*done_out = done;
	if (code)
		return module_error(err, code, "MPI_Testall of the rendezvous");
	return done ? 0 : hear_giving_up(err);
}

/* Polls until all requests are done (0), the deadline (RG_ERR_TIMEOUT) or a failure. */
static int exchange_poll(struct exchange *x, const struct rg_mpi_patience *patience,
			 struct rg_err *err)
{
	uint64_t start_ns = rg_clock_ns(), looked_ns = start_ns;
	struct rg_err gone = {0};

	for (;;) {
		uint64_t now_ns;
		bool done;
		int rc = exchange_test(x, &done, err);

		if (rc || done)
			return rc;
		if (gone.code)
			return rg_err_set(err, gone.code, "%s", gone.text);
		now_ns = rg_clock_ns();
		if (now_ns - looked_ns >= LOOK_NS) {
			looked_ns = now_ns;
			if (patience->look(patience->arg, &gone))
				continue;
		}
		if (now_ns >= patience->deadline_ns)
			return rg_err_set(err, RG_ERR_TIMEOUT,
					  "an exchange of %d ranks was not complete in time",
					  module.nranks);
		nap(start_ns);
	}
}

/* Lets messages leave, but not for longer than NOTICE_NS. Have they all? */
static bool push_out(MPI_Request *requests, int count)
{
	uint64_t start_ns = rg_clock_ns();
	int done = 0;

	while (!MPI_Testall(count, requests, &done, module.ignored) && !done &&
	       rg_clock_ns() - start_ns < NOTICE_NS)
		nap(start_ns);
	return done;
}

/* Rank 0: who did not come, told to those who did. Requests of the gather are not looked at. */
static void find_absent(struct exchange *x, struct rg_mpi_absent *absent)
{
	static struct rg_mpi_absent word; /* static: the notices may outlive this function */

	for (int r = 1; r < module.nranks; r++) {
		int came = 0;

		if (x->requests[r] == MPI_REQUEST_NULL)
			continue;
		MPI_Test(&x->requests[r], &came, MPI_STATUS_IGNORE);
		if (came)
			continue;
		if (!absent->count++)
			absent->rank = (uint32_t)r;
	}
	word = *absent;
	for (int r = 1; r < module.nranks; r++) {
		if (x->requests[r] == MPI_REQUEST_NULL)
			MPI_Isend(&word, sizeof(word), MPI_BYTE, r, TAG_ABSENT, module.comm,
				  &x->requests[r]);
		else
			x->requests[r] = MPI_REQUEST_NULL; /* left to MPI */
	}
	push_out(x->requests + 1, module.nranks - 1);
}

/* The other ranks: rank 0's word on it; without one, rank 0 itself did not come. */
static void ask_absent(struct rg_mpi_absent *absent)
{
	uint64_t start_ns = rg_clock_ns();
	int there = 0;

	do {
		MPI_Iprobe(0, TAG_ABSENT, module.comm, &there, MPI_STATUS_IGNORE);
		if (there) {
			MPI_Recv(absent, sizeof(*absent), MPI_BYTE, 0, TAG_ABSENT, module.comm,
				 MPI_STATUS_IGNORE);
			return;
		}
		nap(start_ns);
	} while (rg_clock_ns() - start_ns < ANSWER_NS);
	*absent = (struct rg_mpi_absent){.count = 1, .rank = 0};
}

int module_allgather(const void *mine, void *all, size_t len_bytes,
		     const struct rg_mpi_patience *patience, struct rg_mpi_absent *absent_out,
		     struct rg_err *err)
{
	struct exchange x;
	int rc;

	*absent_out = (struct rg_mpi_absent){0};
	if (module.broken)
		return rg_err_set(err, RG_ERR_PEER, "an earlier exchange through MPI failed");
	if (len_bytes > INT_MAX)
		return rg_err_set(err, RG_ERR_RANGE, "an exchange of %zu bytes is above MPI's %d",
				  len_bytes, INT_MAX);
	rc = exchange_alloc(&x, mine, len_bytes, err);
	if (rc)
		return rc;
	rc = exchange_begin(&x, err);
	if (!rc)
		rc = exchange_poll(&x, patience, err);
	if (!rc) {
		memcpy(all, x.all, len_bytes * (size_t)module.nranks);
		/* It may have been the job key. */
		explicit_bzero(x.mine, len_bytes);
		explicit_bzero(x.all, len_bytes * (size_t)module.nranks);
		exchange_free(&x);
		return 0;
	}
	module.broken = true;
	if (rc == RG_ERR_TIMEOUT && module.rank)
		ask_absent(absent_out);
	else if (rc == RG_ERR_TIMEOUT)
		find_absent(&x, absent_out);
	return rc;
}

void module_give_up(const char *text)
{
	MPI_Request *requests = rg_zalloc((size_t)module.nranks, sizeof(*requests));
	char *copy = rg_strdup(text);
	int n = 0;

	module.broken = true;
	if (!requests || !copy)
		goto free; /* the others have their deadline */
	for (int r = 0; r < module.nranks; r++) {
		if (r != module.rank)
			MPI_Isend(copy, (int)strnlen(copy, RG_ERR_TEXT_BYTES - 1), MPI_CHAR, r,
				  TAG_GIVE_UP, module.comm, &requests[n++]);
	}
	if (!push_out(requests, n))
		return; /* text and requests are still MPI's */
free:
	rg_free(requests);
	rg_free(copy);
}
