/* SPDX-License-Identifier: BSD-3-Clause */
/* Planted mistakes in hand-written schedules of two ranks, which the prover must find. */
#include "config.h"

#include "railgauge/coll/prover.h"

#include "railgauge/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum mistake {
	NONE,
	REDUCE_TWICE,
	NO_WAIT_READY,
	NO_WAIT_FREE,
	NO_DONE,
	NO_ENTER,
	UNHEARD_ENTER,
	SEND_ALL_FIRST,
	UNWRITTEN,
	READY_TOO_HIGH,
	READY_LOWERED,
	READY_MISSING,
	FREE_TOO_EARLY,
	FREE_MISSING,
	TAKE_AGAIN,
	WRONG_BYTES,
	OWN_FIRST,
	NOT_DIVIDED,
	OUT_OF_BOUNDS,
	TOO_LONG,
	OTHER_INDEX,
	STRANGE_LENGTH,
	TWO_CHANNELS,
	READ_SCRATCH,
	LAG,
};

#define ELEM   4u
#define COUNT  8u
#define BURSTS 3u /* messages that SEND_ALL_FIRST puts before it takes any */

struct writer {
	struct rg_sink *sink;
	struct rg_err *err;
	uint32_t channel;
	uint32_t flags; /* of moves: RG_STEP_WORDS or none */
	int rc;
};

static void emit(struct writer *w, const struct rg_step *step)
{
	struct rg_step s = *step;

	s.channel = w->channel;
	if (!w->rc)
		w->rc = w->sink->step(w->sink, &s, w->err);
}

static void counter(struct writer *w, enum rg_step_op op, uint32_t peer, enum rg_ctr ctr,
		    int64_t value)
{
	emit(w, &(struct rg_step){.op = op, .peer = peer, .ctr = ctr, .value = value});
}

static void move(struct writer *w, const struct rg_ref *src, uint32_t nsrc, struct rg_ref dst,
		 uint64_t off, uint64_t len, uint32_t msg)
{
	emit(w, &(struct rg_step){
			.op = RG_STEP_MOVE,
			.flags = w->flags | (nsrc > 1 ? RG_STEP_LAST : 0u),
			.src = src,
			.nsrc = nsrc,
			.dst = &dst,
			.ndst = 1,
			.src_off = off,
			.dst_off = off,
			.len_bytes = len,
			.in_msg = msg,
			.out_msg = msg,
		});
}

/* Each sends its vector as one message, and reduces its own with the one that comes. */
static int exchange(enum mistake m, const struct rg_problem *p, uint32_t rank, struct writer *w)
{
	uint32_t peer = 1 - rank;
	uint64_t len = p->count * p->elem_bytes;
	const struct rg_ref own = {RG_BUF_SRC, rank}, in = {RG_BUF_IN, peer};
	const struct rg_ref out = {RG_BUF_OUT, peer}, dst = {RG_BUF_DST, rank};
	struct rg_ref both[2] = {rank ? in : own, rank ? own : in};
	bool words = p->params.protocol == RG_PROTOCOL_WORD;
	enum rg_ctr free_ctr = words ? RG_CTR_LL_FREE : RG_CTR_FREE;
	int64_t slots = words ? p->geometry.ll_slots : p->geometry.slots;
	struct rg_step last;

	w->flags = words ? RG_STEP_WORDS : 0;
	if (m == REDUCE_TWICE)
		both[0] = both[1] = in;
	if (m == OWN_FIRST) {
		both[0] = own;
		both[1] = in;
	}
	if (m != NO_WAIT_FREE)
		counter(w, RG_STEP_WAIT, peer, free_ctr, 1 - slots);
	move(w, &own, 1, out, m == OTHER_INDEX ? ELEM : 0,
	     m == OTHER_INDEX ? len - ELEM
	     : m == TOO_LONG  ? len + ELEM
			      : len,
	     0);
	if (m != READY_MISSING && !words)
		counter(w, RG_STEP_SIGNAL, peer, RG_CTR_READY, m == READY_TOO_HIGH ? 2 : 1);
	if (m == READY_LOWERED)
		counter(w, RG_STEP_SIGNAL, peer, RG_CTR_READY, 0);
	if (m == FREE_TOO_EARLY)
		counter(w, RG_STEP_SIGNAL, peer, RG_CTR_FREE, 1);
	if (m != NO_WAIT_READY && !words)
		counter(w, RG_STEP_WAIT, peer, RG_CTR_READY, 1);
	last = (struct rg_step){
		.op = RG_STEP_MOVE,
		.flags = w->flags | (m == NOT_DIVIDED ? 0u : RG_STEP_LAST),
		.src = both,
		.nsrc = 2,
		.dst = &dst,
		.ndst = 1,
		.dst_off = m == OUT_OF_BOUNDS ? ELEM : 0,
		.len_bytes = m == UNWRITTEN || m == STRANGE_LENGTH || m == OTHER_INDEX ? len - ELEM
										       : len,
	};
	if (m == UNWRITTEN)
		last.src = &own, last.nsrc = 1, last.flags = w->flags;
	emit(w, &last);
	if (m != FREE_MISSING && m != UNWRITTEN)
		counter(w, RG_STEP_SIGNAL, peer, free_ctr, 1);
	if (m == TAKE_AGAIN)
		emit(w, &last);
	return w->rc;
}

/* One message per element; all are put before the first is taken. */
static int bursts(const struct rg_problem *p, uint32_t rank, struct writer *w)
{
	uint32_t peer = 1 - rank;
	const struct rg_ref own = {RG_BUF_SRC, rank}, in = {RG_BUF_IN, peer};
	const struct rg_ref both[2] = {rank ? in : own, rank ? own : in};

	for (uint32_t i = 0; i < BURSTS; i++) {
		counter(w, RG_STEP_WAIT, peer, RG_CTR_FREE,
			(int64_t)i + 1 - (int64_t)p->geometry.slots);
		move(w, &own, 1, (struct rg_ref){RG_BUF_OUT, peer}, i * ELEM, ELEM, i);
		counter(w, RG_STEP_SIGNAL, peer, RG_CTR_READY, i + 1);
	}
	for (uint32_t i = 0; i < BURSTS; i++) {
		counter(w, RG_STEP_WAIT, peer, RG_CTR_READY, i + 1);
		move(w, both, 2, (struct rg_ref){RG_BUF_DST, rank}, i * ELEM, ELEM, i);
		counter(w, RG_STEP_SIGNAL, peer, RG_CTR_FREE, i + 1);
	}
	return w->rc;
}

/* Both read the peer's source where it is. */
static int windows(enum mistake m, const struct rg_problem *p, uint32_t rank, struct writer *w)
{
	uint32_t peer = 1 - rank;
	const struct rg_ref both[2] = {{RG_BUF_SRC, 0}, {RG_BUF_SRC, 1}};
	const struct rg_ref scratch[2] = {{RG_BUF_TMP, rank}, {RG_BUF_SRC, peer}};

	counter(w, RG_STEP_SIGNAL, peer, RG_CTR_ENTER, 1);
	if (m != NO_ENTER && m != UNHEARD_ENTER)
		emit(w, &(struct rg_step){.op = RG_STEP_WAIT,
					  .peer = peer,
					  .ctr = RG_CTR_ENTER,
					  .value = 1,
					  .lag = m == LAG});
	if (m == UNHEARD_ENTER) /* something else orders them */
		counter(w, RG_STEP_SIGNAL, peer, RG_CTR_SYNC, 1);
	if (m == UNHEARD_ENTER)
		counter(w, RG_STEP_WAIT, peer, RG_CTR_SYNC, 1);
	move(w, m == READ_SCRATCH ? scratch : both, 2, (struct rg_ref){RG_BUF_DST, rank}, 0,
	     p->count * p->elem_bytes, 0);
	counter(w, RG_STEP_SIGNAL, peer, RG_CTR_DONE, 1);
	if (m != NO_DONE)
		counter(w, RG_STEP_WAIT, peer, RG_CTR_DONE, 1);
	return w->rc;
}

static int generate(enum mistake m, const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
		    struct rg_schedule_needs *needs, struct rg_err *err)
{
	struct writer w = {.sink = sink, .err = err};

	needs->tmp_bytes = m == READ_SCRATCH ? p->count * p->elem_bytes : 0;
	if (m == SEND_ALL_FIRST)
		return bursts(p, rank, &w);
	if (m == TWO_CHANNELS) {
		move(&w, &(struct rg_ref){RG_BUF_SRC, rank}, 1, (struct rg_ref){RG_BUF_DST, rank},
		     0, ELEM, 0);
		w.channel = 1;
		move(&w, &(struct rg_ref){RG_BUF_SRC, rank}, 1, (struct rg_ref){RG_BUF_DST, rank},
		     0, ELEM, 0);
		return w.rc;
	}
	if (p->params.protocol == RG_PROTOCOL_WINDOW)
		return windows(m, p, rank, &w);
	return exchange(m, p, rank, &w);
}

static int check_any(const struct rg_problem *problem, struct rg_err *err)
{
	(void)problem;
	(void)err;
	return 0;
}

static uint64_t slot_bytes(const struct rg_problem *p)
{
	return p->params.protocol == RG_PROTOCOL_WINDOW ? 0 : p->count * p->elem_bytes;
}

static uint64_t wrong_bytes(const struct rg_problem *p)
{
	return slot_bytes(p) + 1;
}

/* A row per mistake; each generator is a pure function that knows its own. */
#define ROW(m)                                                                                   \
	static int generate_##m(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink, \
				struct rg_schedule_needs *n, struct rg_err *err)                 \
	{                                                                                        \
		return generate(m, p, rank, sink, n, err);                                       \
	}                                                                                        \
	static const struct rg_algorithm row_##m = {                                             \
		.name = #m,                                                                      \
		.coll = RG_COLL_ALLREDUCE,                                                       \
		.order = "rank order",                                                           \
		.check = check_any,                                                              \
		.generate = generate_##m,                                                        \
		.sent_bytes = m == WRONG_BYTES ? wrong_bytes : slot_bytes,                       \
	}

ROW(NONE);
ROW(REDUCE_TWICE);
ROW(NO_WAIT_READY);
ROW(NO_WAIT_FREE);
ROW(NO_DONE);
ROW(NO_ENTER);
ROW(UNHEARD_ENTER);
ROW(SEND_ALL_FIRST);
ROW(UNWRITTEN);
ROW(READY_TOO_HIGH);
ROW(READY_LOWERED);
ROW(READY_MISSING);
ROW(FREE_TOO_EARLY);
ROW(FREE_MISSING);
ROW(TAKE_AGAIN);
ROW(WRONG_BYTES);
ROW(OWN_FIRST);
ROW(NOT_DIVIDED);
ROW(OUT_OF_BOUNDS);
ROW(TOO_LONG);
ROW(OTHER_INDEX);
ROW(STRANGE_LENGTH);
ROW(TWO_CHANNELS);
ROW(READ_SCRATCH);
ROW(LAG);

/* A barrier in which rank 1 waits for nobody. */
static int generate_half_barrier(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
				 struct rg_schedule_needs *needs, struct rg_err *err)
{
	struct writer w = {.sink = sink, .err = err};

	(void)p;
	needs->tmp_bytes = 0;
	if (rank == 1)
		counter(&w, RG_STEP_SIGNAL, 0, RG_CTR_SYNC, 1);
	else
		counter(&w, RG_STEP_WAIT, 1, RG_CTR_SYNC, 1);
	return w.rc;
}

static const struct rg_algorithm row_half_barrier = {
	.name = "half",
	.coll = RG_COLL_BARRIER,
	.order = "none",
	.check = check_any,
	.generate = generate_half_barrier,
	.sent_bytes = slot_bytes,
};

static struct rg_problem problem_of(enum rg_protocol protocol)
{
	return (struct rg_problem){
		.coll = RG_COLL_ALLREDUCE,
		.layout = {.nranks = 2},
		.count = COUNT,
		.elem_bytes = ELEM,
		.access = protocol == RG_PROTOCOL_WINDOW ? RG_ACCESS_WINDOW : RG_ACCESS_PRIVATE,
		.caps = RG_CAP_DATA | RG_CAP_MAPPED | RG_CAP_WORD8,
		.geometry = {.channels = 2,
			     .slots = 2,
			     .slot_bytes = 2 * ELEM * COUNT,
			     .ll_slots = 2,
			     .ll_bytes = 2 * ELEM * COUNT,
			     .credit_batch = 1},
		.params = {.protocol = protocol, .channels = 1},
	};
}

static int prove(const struct rg_algorithm *row, const struct rg_problem *problem,
		 struct rg_err *err)
{
	struct rg_prover_op ops[4];

	for (uint32_t i = 0; i < 4; i++)
		ops[i] = (struct rg_prover_op){row, *problem};
	return rg_prover_run(ops, 4, problem->params.persistent ? 2 : 1, NULL, err);
}

static void refuse(const struct rg_algorithm *row, enum rg_protocol protocol, const char *words)
{
	struct rg_problem problem = problem_of(protocol);
	struct rg_err err = {0};
	int rc = prove(row, &problem, &err);

	if (rc != RG_ERR_INTERNAL || !strstr(err.text, words) || !strstr(err.text, row->name))
		fail_msg("expected \"%s\", got %d \"%s\"", words, rc, err.text);
}

static void an_exchange_through_slots_is_proved(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_SLOT);
	struct rg_prover_op ops[3] = {
		{&row_NONE, problem}, {&row_NONE, problem}, {&row_NONE, problem}};
	struct rg_prover_report report = {0};
	struct rg_err err = {0};

	(void)state;
	if (rg_prover_run(ops, 3, 1, &report, &err))
		fail_msg("%s", err.text);
	assert_int_equal(report.steps, 3 * 2 * 6);
	assert_int_equal(report.rounds, 3);
}

static void an_exchange_through_windows_is_proved(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_WINDOW);
	struct rg_err err = {0};

	(void)state;
	if (prove(&row_NONE, &problem, &err))
		fail_msg("%s", err.text);
}

static void an_exchange_of_words_is_proved(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_WORD);
	struct rg_err err = {0};

	(void)state;
	if (prove(&row_NONE, &problem, &err))
		fail_msg("%s", err.text);
}

static void words_put_over_words_not_yet_taken_are_refused(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_WORD);
	struct rg_err err = {0};

	(void)state;
	assert_int_equal(prove(&row_NO_WAIT_FREE, &problem, &err), 0);
	problem.geometry.ll_slots = 1;
	assert_int_equal(prove(&row_NO_WAIT_FREE, &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "puts word message 0 to rank 0 into a slot that is not "
					 "free"));
}

static void an_element_reduced_twice_is_refused(void **state)
{
	(void)state;
	refuse(&row_REDUCE_TWICE, RG_PROTOCOL_SLOT,
	       "rank 1, step 4: reduces element 0 of rank 0 of operation 0 twice");
}

static void a_missing_wait_for_the_message_is_refused(void **state)
{
	(void)state;
	refuse(&row_NO_WAIT_READY, RG_PROTOCOL_SLOT,
	       "takes slot message 0 from rank 1, which may not be there yet");
}

/* With two slots the READY of the operation before tells enough; with one it does not. */
static void a_slot_reused_before_it_is_free_is_refused(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_SLOT);
	struct rg_err err = {0};

	(void)state;
	assert_int_equal(prove(&row_NO_WAIT_FREE, &problem, &err), 0);
	problem.geometry.slots = 1;
	assert_int_equal(prove(&row_NONE, &problem, &err), 0);
	assert_int_equal(prove(&row_NO_WAIT_FREE, &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "operation 1, rank 1, step 0: puts slot message 0 to rank "
					 "0 into a slot that is not free"));
}

static void a_source_read_after_the_next_operation_began_is_refused(void **state)
{
	(void)state;
	refuse(&row_NO_DONE, RG_PROTOCOL_WINDOW,
	       "operation 0, rank 0, step 2: reads element 0 of the source of rank 1 (pair 0) "
	       "while the user of rank 1 in operation 1 may be writing it");
}

static void a_source_read_before_the_peer_entered_is_refused(void **state)
{
	(void)state;
	refuse(&row_NO_ENTER, RG_PROTOCOL_WINDOW, "of the source of rank 1 (pair 0)");
}

static void a_deadlock_with_one_slot_fewer_is_refused(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_SLOT);
	struct rg_err err = {0};

	(void)state;
	problem.count = BURSTS;
	problem.geometry.slots = BURSTS;
	assert_int_equal(prove(&row_SEND_ALL_FIRST, &problem, &err), 0);
	problem.geometry.slots = BURSTS - 1;
	assert_int_equal(prove(&row_SEND_ALL_FIRST, &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "operation 0, rank 0, step 6: deadlock: waits for FREE of "
					 "rank 1 to become 1, it can count on 0"));
}

static void a_deadlock_by_credit_that_is_held_back_is_refused(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_SLOT);
	struct rg_err err = {0};

	(void)state;
	problem.count = BURSTS;
	problem.geometry.slots = BURSTS + 1;
	problem.geometry.credit_batch = 2;
	assert_int_equal(prove(&row_SEND_ALL_FIRST, &problem, &err), 0);
	problem.geometry.credit_batch = 3;
	assert_int_equal(prove(&row_SEND_ALL_FIRST, &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "operation 1, rank 0, step 6: deadlock"));
}

static void a_part_never_written_is_refused(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_SLOT);
	struct rg_err err = {0};

	(void)state;
	assert_int_equal(prove(&row_UNWRITTEN, &problem, &err), RG_ERR_INTERNAL);
	refuse(&row_READ_SCRATCH, RG_PROTOCOL_WINDOW, "where nothing was written");
	problem.geometry.slots = BURSTS;
	problem.count = BURSTS + 1;
	assert_int_equal(prove(&row_SEND_ALL_FIRST, &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "the user: element 3 of the destination was never "
					 "written"));
}

static void an_incomplete_result_is_refused(void **state)
{
	(void)state;
	refuse(&row_UNWRITTEN, RG_PROTOCOL_SLOT,
	       "is element 0 of operation 0, ranks 0x2; it should be element 0 of operation 0, "
	       "ranks 0x3");
}

static void signals_of_a_wrong_count_are_refused(void **state)
{
	(void)state;
	refuse(&row_READY_TOO_HIGH, RG_PROTOCOL_SLOT,
	       "step 2: READY at rank 1 becomes 2, but only 1 messages were put");
	refuse(&row_READY_LOWERED, RG_PROTOCOL_SLOT, "lowers READY at rank 1 by 1");
	refuse(&row_READY_MISSING, RG_PROTOCOL_SLOT, "deadlock: waits for READY of rank 1");
	refuse(&row_FREE_TOO_EARLY, RG_PROTOCOL_SLOT,
	       "FREE at rank 1 becomes 1, but only 0 messages were read");
	refuse(&row_FREE_MISSING, RG_PROTOCOL_SLOT,
	       "1 slot messages from rank 0 were taken, but 0 freed");
	refuse(&row_TAKE_AGAIN, RG_PROTOCOL_SLOT,
	       "takes slot message 0 from rank 0 after freeing it");
	refuse(&row_UNHEARD_ENTER, RG_PROTOCOL_WINDOW, "moved ENTER at rank");
}

static void a_wrong_formula_of_bytes_is_refused(void **state)
{
	(void)state;
	refuse(&row_WRONG_BYTES, RG_PROTOCOL_SLOT,
	       "bytes sent by one rank are at most 32, but the row's formula says 33");
}

static void another_order_than_promised_is_refused(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_SLOT);
	struct rg_algorithm row = row_OWN_FIRST;
	struct rg_err err = {0};

	(void)state;
	row.order = "any order, equal on all ranks";
	assert_int_equal(prove(&row, &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "element 0 is combined in another order than on the ranks "
					 "before"));
	refuse(&row_OWN_FIRST, RG_PROTOCOL_SLOT, "element 0 is not combined in rank order");
}

static void an_average_never_divided_is_refused(void **state)
{
	(void)state;
	refuse(&row_NOT_DIVIDED, RG_PROTOCOL_SLOT, "was never divided by the number of ranks");
}

static void touching_memory_outside_is_refused(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_WINDOW);
	struct rg_err err = {0};

	(void)state;
	refuse(&row_OUT_OF_BOUNDS, RG_PROTOCOL_SLOT,
	       "writes elements 1 to 9 of the destination of rank 1, which has 8");
	refuse(&row_TOO_LONG, RG_PROTOCOL_SLOT,
	       "reads elements 0 to 9 of the source of rank 0, which has 8");
	problem.access = RG_ACCESS_PRIVATE;
	assert_int_equal(prove(&row_NONE, &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "reaches into private memory of rank 0"));
	problem = problem_of(RG_PROTOCOL_SLOT);
	problem.geometry.slot_bytes = (COUNT - 1) * ELEM;
	assert_int_equal(prove(&row_NONE, &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "of 32 bytes does not fit its slot"));
}

static void elements_of_different_indices_are_not_reduced(void **state)
{
	(void)state;
	refuse(&row_OTHER_INDEX, RG_PROTOCOL_SLOT,
	       "reduces element 1 of operation 0 with element 0 of operation 0");
	refuse(&row_STRANGE_LENGTH, RG_PROTOCOL_SLOT, "has another length at rank 0");
}

static void two_channels_writing_the_same_element_are_refused(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_SLOT);
	struct rg_err err = {0};

	(void)state;
	problem.params.channels = 2;
	assert_int_equal(prove(&row_TWO_CHANNELS, &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "writes element 0 of the destination of rank 0 (pair 0) "
					 "while rank 0 in operation 0 may be using it"));
}

/* With a lag the peer has only entered the operation before: its source is not filled yet. */
static void a_source_read_one_operation_early_is_refused(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_WINDOW);
	struct rg_err err = {0};

	(void)state;
	problem.params.persistent = true;
	if (prove(&row_NONE, &problem, &err))
		fail_msg("%s", err.text);
	assert_int_equal(prove(&row_LAG, &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "of the source of rank 1"));
	refuse(&row_LAG, RG_PROTOCOL_WINDOW, "lag 1 although buffers are not persistent");
}

static void a_barrier_left_too_early_is_refused(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_SLOT);
	struct rg_err err = {0};

	(void)state;
	problem.coll = RG_COLL_BARRIER;
	problem.count = 0;
	assert_int_equal(prove(&row_half_barrier, &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "rank 1, the user: may leave before rank 0 has entered"));
}

static void sequences_that_make_no_sense_are_invalid(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_WINDOW);
	struct rg_prover_op ops[2] = {{&row_NONE, problem}, {&row_NONE, problem}};
	struct rg_err err = {0};

	(void)state;
	assert_int_equal(rg_prover_run(ops, 0, 1, NULL, &err), RG_ERR_INVALID);
	ops[1].problem.elem_bytes = 8;
	assert_int_equal(rg_prover_run(ops, 2, 1, NULL, &err), RG_ERR_INVALID);
	ops[1].problem = problem;
	ops[0].problem.params.persistent = ops[1].problem.params.persistent = true;
	assert_int_equal(rg_prover_run(ops, 2, 1, NULL, &err), RG_ERR_INVALID);
	assert_int_equal(rg_prover_run(ops, 2, 2, NULL, &err), 0);
}

static void a_failed_allocation_is_an_error_and_leaks_nothing(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_SLOT);
	struct rg_err err = {0};
	bool fired = true;

	(void)state;
	for (unsigned long n = 1; fired; n++) {
		int rc;

		rg_mem_fail_nth(n);
		rc = prove(&row_NONE, &problem, &err);
		fired = rg_mem_fail_fired();
		rg_mem_fail_nth(0);
		assert_int_equal(rc, fired ? RG_ERR_NO_MEMORY : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_exchange_through_slots_is_proved),
		cmocka_unit_test(an_exchange_through_windows_is_proved),
		cmocka_unit_test(an_exchange_of_words_is_proved),
		cmocka_unit_test(words_put_over_words_not_yet_taken_are_refused),
		cmocka_unit_test(an_element_reduced_twice_is_refused),
		cmocka_unit_test(a_missing_wait_for_the_message_is_refused),
		cmocka_unit_test(a_slot_reused_before_it_is_free_is_refused),
		cmocka_unit_test(a_source_read_after_the_next_operation_began_is_refused),
		cmocka_unit_test(a_source_read_before_the_peer_entered_is_refused),
		cmocka_unit_test(a_deadlock_with_one_slot_fewer_is_refused),
		cmocka_unit_test(a_deadlock_by_credit_that_is_held_back_is_refused),
		cmocka_unit_test(a_part_never_written_is_refused),
		cmocka_unit_test(an_incomplete_result_is_refused),
		cmocka_unit_test(signals_of_a_wrong_count_are_refused),
		cmocka_unit_test(a_wrong_formula_of_bytes_is_refused),
		cmocka_unit_test(another_order_than_promised_is_refused),
		cmocka_unit_test(an_average_never_divided_is_refused),
		cmocka_unit_test(touching_memory_outside_is_refused),
		cmocka_unit_test(elements_of_different_indices_are_not_reduced),
		cmocka_unit_test(two_channels_writing_the_same_element_are_refused),
		cmocka_unit_test(a_source_read_one_operation_early_is_refused),
		cmocka_unit_test(a_barrier_left_too_early_is_refused),
		cmocka_unit_test(sequences_that_make_no_sense_are_invalid),
		cmocka_unit_test(a_failed_allocation_is_an_error_and_leaks_nothing),
	};

	return cmocka_run_group_tests_name("prover", tests, NULL, NULL);
}
