/* SPDX-License-Identifier: BSD-3-Clause */
/* Single programs on real endpoints: barriers, messages that come in pieces, reads that fail. */
#include "config.h"

#include "ranks.h"

#include "railgauge/device/ll.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define BARRIERS 200

struct barrier_job {
	const struct rg_algorithm *algorithm;
	uint32_t nranks;
	atomic_uint entered;
};

static int rank_barriers(struct rank *r, void *arg)
{
	struct barrier_job *j = arg;
	const struct rg_problem problem = {
		.coll = RG_COLL_BARRIER,
		.layout = {.nranks = j->nranks},
		.elem_bytes = 4,
		.caps = rank_transport->caps,
		.geometry = small_geometry,
		.params = {.protocol = RG_PROTOCOL_SLOT, .channels = 1},
	};
	const struct rg_run_args args = {0};
	struct rg_program *program = NULL;
	struct rg_run *run = NULL;
	int rc;

	rc = rg_program_open(r->ep, j->algorithm, &problem, RG_TYPE_INT32, RG_OP_SUM, 0, 1 << 16,
			     &program, &r->err);
	if (!rc)
		rc = rg_run_open(r->x, program, &run, &r->err);
	for (uint32_t i = 1; i <= BARRIERS && !rc; i++) {
		if (draw(&r->drawn, 4) == 0)
			nanosleep(&(struct timespec){.tv_nsec = draw(&r->drawn, 100000)}, NULL);
		atomic_fetch_add(&j->entered, 1);
		rc = rg_run_once(run, &args, &r->err);
		if (!rc && atomic_load(&j->entered) < i * j->nranks)
			rc = rg_err_set(&r->err, RG_ERR_WRONG_DATA,
					"rank %u left barrier %u after %u entries", r->ep->rank, i,
					atomic_load(&j->entered));
	}
	rg_run_close(run);
	rg_program_close(program);
	return rc;
}

static void every_barrier_over(const struct rg_transport_ops *transport)
{
	rank_transport = transport;
	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		for (uint32_t n = 1; n <= MAX_RANKS && (*a)->coll == RG_COLL_BARRIER; n++) {
			struct barrier_job j = {.algorithm = *a, .nranks = n};

			run_ranks(n, 0, rank_barriers, &j, (*a)->name);
		}
	}
	rank_transport = &rg_transport_inproc;
}

static void nobody_leaves_a_barrier_before_all_have_entered(void **state)
{
	every_barrier_over(&rg_transport_inproc);
	every_barrier_over(&rg_transport_tcp);
}

#define HALF_BYTES 64

/* A schedule of rank 0: on each of two channels, one word message from rank 1 to the destination.
 */
static int take_generate(const struct rg_problem *problem, uint32_t rank, struct rg_sink *sink,
			 struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	const struct rg_ref src = {RG_BUF_IN, 1}, dst = {RG_BUF_DST, rank};
	int rc = 0;

	for (uint32_t c = 0; c < 2 && !rc; c++) {
		const struct rg_step step = {
			.op = RG_STEP_MOVE,
			.flags = RG_STEP_WORDS,
			.channel = c,
			.src = &src,
			.dst = &dst,
			.nsrc = 1,
			.ndst = 1,
			.dst_off = (uint64_t)c * 2 * HALF_BYTES,
			.len_bytes = 2 * HALF_BYTES,
		};

		rc = sink->step(sink, &step, err);
	}
	return rc;
}

static int take_check(const struct rg_problem *problem, struct rg_err *err)
{
	return 0;
}

/* Rank 1 by hand: half of a message on channel 0, one on channel 1, the other half. */
static int put_halves(struct rank *r)
{
	uint8_t data[4 * HALF_BYTES];
	int rc = 0;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	for (uint32_t c = 0; c < 2 && !rc; c++)
		rc = r->ep->ops->connect(r->ep, 0, c, &r->err);
	for (int phase = 0; phase < 3 && !rc; phase++) {
		uint64_t *words = rg_endpoint_link(r->ep, phase == 1, 0)->tx_ll;

		if (phase == 0)
			rg_ll_encode(words, data, HALF_BYTES, 1);
		else if (phase == 1)
			rg_ll_encode(words, data + 2 * HALF_BYTES, 2 * HALF_BYTES, 1);
		else
			rg_ll_encode(words + HALF_BYTES / 4, data + HALF_BYTES, HALF_BYTES, 1);
		rc = meet(r);
		if (!rc)
			rc = meet(r);
	}
	return rc;
}

static int take_halves(struct rank *r, struct rg_run *run)
{
	uint8_t dst[4 * HALF_BYTES] = {0};
	const struct rg_run_args args = {.dst = dst};
	int rc = 0;

	for (int phase = 0; phase < 3 && !rc; phase++) {
		rc = meet(r);
		if (!rc && phase == 0)
			rg_run_start(run, &args);
		else if (!rc && phase == 1)
			rg_executor_progress(r->x);
		else if (!rc)
			rc = rg_run_wait(run, &r->err);
		if (!rc)
			rc = meet(r);
	}
	for (size_t i = 0; i < sizeof(dst) && !rc; i++) {
		if (dst[i] != (uint8_t)i)
			rc = rg_err_set(&r->err, RG_ERR_WRONG_DATA, "byte %zu is %u", i, dst[i]);
	}
	return rc;
}

static int rank_halves(struct rank *r, void *arg)
{
	static const struct rg_algorithm take = {
		.name = "take",
		.coll = RG_COLL_SENDRECV,
		.check = take_check,
		.generate = take_generate,
	};
	const struct rg_problem problem = {
		.coll = RG_COLL_SENDRECV,
		.layout = {.nranks = 2},
		.count = HALF_BYTES,
		.elem_bytes = 4,
		.caps = rg_transport_inproc.caps,
		.geometry = small_geometry,
		.params = {.protocol = RG_PROTOCOL_WORD, .channels = 2},
	};
	struct rg_program *program = NULL;
	struct rg_run *run = NULL;
	int rc;

	if (r->ep->rank == 1)
		return put_halves(r);
	rc = rg_program_open(r->ep, &take, &problem, RG_TYPE_INT32, RG_OP_SUM, 0, 1 << 16, &program,
			     &r->err);
	if (!rc)
		rc = rg_run_open(r->x, program, &run, &r->err);
	if (!rc)
		rc = take_halves(r, run);
	rg_run_close(run);
	rg_program_close(program);
	return rc;
}

static void half_a_word_message_is_kept_while_another_channel_takes_its_own(void **state)
{
	run_ranks(2, 0, rank_halves, NULL, "halves");
}

static int refuse_to_read(struct rg_endpoint *ep, uint32_t peer, void *dst, uint64_t address,
			  size_t len_bytes, struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_SYSTEM, "may not read rank %u", peer);
}

/* Rank 0 may not read. Its peer then waits in vain, and says so after a short deadline. */
static int rank_unreadable(struct rank *r, void *arg)
{
	struct rg_transport_ops ops = rg_transport_inproc;
	const struct rg_problem problem = {
		.coll = RG_COLL_SENDRECV,
		.layout = {.nranks = 2},
		.count = 100,
		.elem_bytes = 4,
		.caps = rg_transport_inproc.caps,
		.geometry = small_geometry,
		.params = {.protocol = RG_PROTOCOL_READ, .channels = 1},
	};
	int rc;

	ops.read = refuse_to_read;
	r->ep->config.timeout_ns = 50000000;
	if (r->ep->rank == 0)
		r->ep->ops = &ops;
	rc = run_problem(r, arg, &problem, 1);
	r->ep->ops = &rg_transport_inproc;
	if (r->ep->rank == 0)
		return rc == RG_ERR_SYSTEM &&
				       !strcmp(r->err.text, "in sendrecv pull: may not read rank 1")
			       ? 0
			       : rg_err_set(&r->err, RG_ERR_INTERNAL, "rank 0 returned %d", rc);
	return rc == RG_ERR_TIMEOUT ? 0 : rg_err_set(&r->err, RG_ERR_INTERNAL, "returned %d", rc);
}

static void a_read_that_fails_ends_the_run_with_its_words(void **state)
{
	const struct rg_algorithm *pull;

	assert_int_equal(rg_algorithm_find(RG_COLL_SENDRECV, "pull", &pull, NULL), 0);
	run_ranks(2, 0, rank_unreadable, (void *)pull, "unreadable");
}

/* A schedule of rank 0: on each of two channels, a read out of rank 1's source. */
static int read_generate(const struct rg_problem *problem, uint32_t rank, struct rg_sink *sink,
			 struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	const struct rg_ref src = {RG_BUF_SRC, 1}, dst = {RG_BUF_DST, rank};
	int rc = 0;

	for (uint32_t c = 0; c < 2 && !rc; c++) {
		const struct rg_step wait = {
			.op = RG_STEP_WAIT,
			.channel = c,
			.peer = 1,
			.ctr = RG_CTR_ENTER,
			.value = 1,
		};
		const struct rg_step read = {
			.op = RG_STEP_MOVE,
			.channel = c,
			.src = &src,
			.dst = &dst,
			.nsrc = 1,
			.ndst = 1,
			.dst_off = (uint64_t)c * HALF_BYTES,
			.len_bytes = HALF_BYTES,
		};

		rc = sink->step(sink, &wait, err);
		if (!rc)
			rc = sink->step(sink, &read, err);
	}
	return rc;
}

static unsigned reads; /* by rank 0 alone */

static int refuse_once(struct rg_endpoint *ep, uint32_t peer, void *dst, uint64_t address,
		       size_t len_bytes, struct rg_err *err)
{
	return reads++ ? 0 : refuse_to_read(ep, peer, dst, address, len_bytes, err);
}

static int enter_both(struct rank *r)
{
	int rc = 0;

	for (uint32_t c = 0; c < 2 && !rc; c++) {
		rc = r->ep->ops->connect(r->ep, 0, c, &r->err);
		if (!rc)
			rc = r->ep->ops->signal(r->ep, 0, c, RG_CTR_ENTER, 1, &r->err);
	}
	return rc ? rc : meet(r);
}

static int rank_refused_once(struct rank *r, void *arg)
{
	static const struct rg_algorithm two_reads = {
		.name = "two reads",
		.coll = RG_COLL_SENDRECV,
		.check = take_check,
		.generate = read_generate,
	};
	const struct rg_problem problem = {
		.coll = RG_COLL_SENDRECV,
		.layout = {.nranks = 2},
		.count = HALF_BYTES / 2,
		.elem_bytes = 4,
		.caps = rg_transport_inproc.caps,
		.geometry = small_geometry,
		.params = {.protocol = RG_PROTOCOL_READ, .channels = 2},
	};
	struct rg_transport_ops ops = rg_transport_inproc;
	uint8_t dst[2 * HALF_BYTES];
	const struct rg_run_args args = {.dst = dst};
	struct rg_program *program = NULL;
	struct rg_run *run = NULL;
	int rc;

	if (r->ep->rank == 1)
		return enter_both(r);
	ops.read = refuse_once;
	rc = rg_program_open(r->ep, &two_reads, &problem, RG_TYPE_INT32, RG_OP_SUM, 0, 1 << 16,
			     &program, &r->err);
	if (!rc)
		rc = rg_run_open(r->x, program, &run, &r->err);
	if (!rc)
		rc = meet(r);
	r->ep->ops = &ops;
	if (!rc)
		rc = rg_run_once(run, &args, &r->err);
	r->ep->ops = &rg_transport_inproc;
	rg_run_close(run);
	rg_program_close(program);
	return rc == RG_ERR_SYSTEM && reads == 1
		       ? 0
		       : rg_err_set(&r->err, RG_ERR_INTERNAL, "returned %d after %u reads", rc,
				    reads);
}

static void after_a_read_that_failed_no_other_channel_moves(void **state)
{
	reads = 0;
	run_ranks(2, 0, rank_refused_once, NULL, "refused once");
}

/* --- what is put leaves at once --- */

static _Thread_local bool is_here; /* what was put, and not handed over */
static _Thread_local unsigned delayed, progresses;

static int note_put(struct rg_endpoint *ep, const struct rg_put *put, struct rg_err *err)
{
	is_here = true;
	return rg_transport_tcp.put(ep, put, err);
}

#define OWN_BYTES 1024

static _Thread_local const uint8_t *own; /* where a block of zeros of this rank is copied to */
static _Thread_local unsigned early;	 /* flushes of what was put before that was done */

static int note_flush(struct rg_endpoint *ep, struct rg_err *err)
{
	early += is_here && own && own[OWN_BYTES - 1];
	is_here = false;
	return rg_transport_tcp.flush(ep, err);
}

static int note_progress(struct rg_endpoint *ep, struct rg_err *err)
{
	delayed += is_here;
	progresses++;
	return rg_transport_tcp.progress(ep, err);
}

static void note(struct rg_transport_ops *ops)
{
	is_here = false;
	own = NULL;
	delayed = progresses = early = 0;
	*ops = rg_transport_tcp;
	ops->put = note_put;
	ops->flush = note_flush;
	ops->progress = note_progress;
}

/* Rounds, so that what comes is followed by what is put. */
static int rank_noted(struct rank *r, void *arg)
{
	struct rg_transport_ops ops;
	const struct rg_problem problem = {
		.coll = RG_COLL_ALLREDUCE,
		.layout = {.nranks = 4},
		.count = 16,
		.elem_bytes = 4,
		.caps = r->ep->caps,
		.geometry = small_geometry,
		.params = {.protocol = RG_PROTOCOL_SLOT, .channels = 1},
	};
	const struct rg_algorithm *algorithm;
	int rc = rg_algorithm_find(RG_COLL_ALLREDUCE, "recursive_doubling", &algorithm, &r->err);

	note(&ops);
	r->ep->ops = &ops;
	if (!rc)
		rc = run_problem(r, algorithm, &problem, 20);
	r->ep->ops = &rg_transport_tcp;
	if (!rc && (delayed || !progresses))
		rc = rg_err_set(&r->err, RG_ERR_INTERNAL, "%u of %u looks came before a flush",
				delayed, progresses);
	return rc;
}

/* The own block in the same instruction as the put, or in the next one. */
static const struct {
	enum rg_coll coll;
	const char *algorithm;
} with_own[] = {{RG_COLL_ALLGATHER, "direct"}, {RG_COLL_ALLTOALL, "pairwise"}};

static int rank_hurries(struct rank *r, void *arg)
{
	const uint8_t src[2 * OWN_BYTES] = {0};
	uint8_t dst[2 * OWN_BYTES];
	const struct rg_run_args args = {.src = src, .dst = dst};
	struct rg_transport_ops ops;
	int rc = 0;

	memset(dst, 1, sizeof(dst));
	note(&ops);
	r->ep->ops = &ops;
	own = dst + r->ep->rank * OWN_BYTES;
	for (int k = 0; k < 2 && !rc; k++) {
		const struct rg_problem problem = {
			.coll = with_own[k].coll,
			.layout = {.nranks = 2},
			.count = OWN_BYTES / 4,
			.elem_bytes = 4,
			.caps = r->ep->caps,
			.geometry = small_geometry,
			.params = {.protocol = RG_PROTOCOL_SLOT, .channels = 1},
		};
		const struct rg_algorithm *a;
		struct rg_program *program = NULL;
		struct rg_run *run = NULL;

		rc = rg_algorithm_find(problem.coll, with_own[k].algorithm, &a, &r->err);
		if (!rc)
			rc = rg_program_open(r->ep, a, &problem, RG_TYPE_INT32, RG_OP_SUM, 0,
					     1 << 16, &program, &r->err);
		if (!rc)
			rc = rg_run_open(r->x, program, &run, &r->err);
		if (!rc)
			rc = meet(r);
		if (!rc)
			rc = rg_run_once(run, &args, &r->err);
		if (!rc && early != (unsigned)k + 1)
			rc = rg_err_set(&r->err, RG_ERR_INTERNAL, "%s: %u", a->name, early);
		rg_run_close(run);
		rg_program_close(program);
		memset(dst, 1, sizeof(dst));
	}
	r->ep->ops = &rg_transport_tcp;
	part(r);
	return rc;
}

static void what_is_put_leaves_before_a_long_copy(void **state)
{
	rank_transport = &rg_transport_tcp;
	run_ranks(2, 0, rank_hurries, NULL, "hurries");
	rank_transport = &rg_transport_inproc;
}

static void what_is_put_leaves_before_what_has_come_is_looked_at(void **state)
{
	rank_transport = &rg_transport_tcp;
	run_ranks(4, 0, rank_noted, NULL, "noted");
	rank_transport = &rg_transport_inproc;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_leaves_before_what_has_come_is_looked_at),
		cmocka_unit_test(what_is_put_leaves_before_a_long_copy),
		cmocka_unit_test(half_a_word_message_is_kept_while_another_channel_takes_its_own),
		cmocka_unit_test(a_read_that_fails_ends_the_run_with_its_words),
		cmocka_unit_test(after_a_read_that_failed_no_other_channel_moves),
		cmocka_unit_test(nobody_leaves_a_barrier_before_all_have_entered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
