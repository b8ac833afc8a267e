/* SPDX-License-Identifier: BSD-3-Clause */
/* The prover must find the mistakes planted in planted.c, and say what they are. */
#include "config.h"

#include "railgauge/coll/prover.h"

#include "planted.h"

#include "railgauge/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

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
		{&planted[NONE], problem}, {&planted[NONE], problem}, {&planted[NONE], problem}};
	struct rg_prover_report report = {0};
	struct rg_err err = {0};

	if (rg_prover_run(ops, 3, 1, &report, &err))
		fail_msg("%s", err.text);
	assert_int_equal(report.steps, 3 * 2 * 6);
	assert_int_equal(report.rounds, 3);
}

static void an_exchange_through_windows_is_proved(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_WINDOW);
	struct rg_err err = {0};

	if (prove(&planted[NONE], &problem, &err))
		fail_msg("%s", err.text);
}

static void an_exchange_of_words_is_proved(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_WORD);
	struct rg_err err = {0};

	if (prove(&planted[NONE], &problem, &err))
		fail_msg("%s", err.text);
}

static void an_exchange_by_reads_is_proved(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_READ);
	struct rg_err err = {0};

	if (prove(&planted[NONE], &problem, &err))
		fail_msg("%s", err.text);
}

static void a_read_whose_place_or_memory_is_not_sure_is_refused(void **state)
{
	refuse(&planted[PLACE_LATE], RG_PROTOCOL_READ,
	       "rank 1, step 3: reads memory of rank 0 without having waited for its ENTER");
	refuse(&planted[NO_DONE], RG_PROTOCOL_READ,
	       "while the user of rank 1 in operation 1 may be writing it");
}

static void a_read_that_also_divides_is_refused(void **state)
{
	refuse(&planted[READ_DIVIDED], RG_PROTOCOL_READ, "a read from rank 1 is no plain copy");
}

static void words_put_over_words_not_yet_taken_are_refused(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_WORD);
	struct rg_err err = {0};

	assert_int_equal(prove(&planted[NO_WAIT_FREE], &problem, &err), 0);
	problem.geometry.ll_slots = 1;
	assert_int_equal(prove(&planted[NO_WAIT_FREE], &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "puts word message 0 to rank 0 into a slot that is not "
					 "free"));
}

static void an_element_reduced_twice_is_refused(void **state)
{
	refuse(&planted[REDUCE_TWICE], RG_PROTOCOL_SLOT,
	       "rank 1, step 4: reduces element 0 of rank 0 of operation 0 twice");
}

static void a_missing_wait_for_the_message_is_refused(void **state)
{
	refuse(&planted[NO_WAIT_READY], RG_PROTOCOL_SLOT,
	       "takes slot message 0 from rank 1, which may not be there yet");
}

/* With two slots the READY of the operation before tells enough; with one it does not. */
static void a_slot_reused_before_it_is_free_is_refused(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_SLOT);
	struct rg_err err = {0};

	assert_int_equal(prove(&planted[NO_WAIT_FREE], &problem, &err), 0);
	problem.geometry.slots = 1;
	assert_int_equal(prove(&planted[NONE], &problem, &err), 0);
	assert_int_equal(prove(&planted[NO_WAIT_FREE], &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "operation 1, rank 1, step 0: puts slot message 0 to rank "
					 "0 into a slot that is not free"));
}

static void a_source_read_after_the_next_operation_began_is_refused(void **state)
{
	refuse(&planted[NO_DONE], RG_PROTOCOL_WINDOW,
	       "operation 0, rank 0, step 2: reads element 0 of the source of rank 1 (pair 0) "
	       "while the user of rank 1 in operation 1 may be writing it");
}

static void a_source_read_before_the_peer_entered_is_refused(void **state)
{
	refuse(&planted[NO_ENTER], RG_PROTOCOL_WINDOW, "of the source of rank 1 (pair 0)");
}

static void a_deadlock_with_one_slot_fewer_is_refused(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_SLOT);
	struct rg_err err = {0};

	problem.count = BURSTS;
	problem.geometry.slots = BURSTS;
	assert_int_equal(prove(&planted[SEND_ALL_FIRST], &problem, &err), 0);
	problem.geometry.slots = BURSTS - 1;
	assert_int_equal(prove(&planted[SEND_ALL_FIRST], &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "operation 0, rank 0, step 6: deadlock: waits for FREE of "
					 "rank 1 to become 1, it can count on 0"));
}

static void a_deadlock_by_credit_that_is_held_back_is_refused(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_SLOT);
	struct rg_err err = {0};

	problem.count = BURSTS;
	problem.geometry.slots = BURSTS + 1;
	problem.geometry.credit_batch = 2;
	assert_int_equal(prove(&planted[SEND_ALL_FIRST], &problem, &err), 0);
	problem.geometry.credit_batch = 3;
	assert_int_equal(prove(&planted[SEND_ALL_FIRST], &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "operation 1, rank 0, step 6: deadlock"));
}

static void a_part_never_written_is_refused(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_SLOT);
	struct rg_err err = {0};

	assert_int_equal(prove(&planted[UNWRITTEN], &problem, &err), RG_ERR_INTERNAL);
	refuse(&planted[READ_SCRATCH], RG_PROTOCOL_WINDOW, "where nothing was written");
	problem.geometry.slots = BURSTS;
	problem.count = BURSTS + 1;
	assert_int_equal(prove(&planted[SEND_ALL_FIRST], &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "the user: element 3 of the destination was never "
					 "written"));
}

static void an_incomplete_result_is_refused(void **state)
{
	refuse(&planted[UNWRITTEN], RG_PROTOCOL_SLOT,
	       "is element 0 of operation 0, ranks 0x2; it should be element 0 of operation 0, "
	       "ranks 0x3");
}

static void signals_of_a_wrong_count_are_refused(void **state)
{
	refuse(&planted[READY_TOO_HIGH], RG_PROTOCOL_SLOT,
	       "step 2: READY at rank 1 becomes 2, but only 1 messages were put");
	refuse(&planted[READY_LOWERED], RG_PROTOCOL_SLOT, "lowers READY at rank 1 by 1");
	refuse(&planted[READY_MISSING], RG_PROTOCOL_SLOT, "deadlock: waits for READY of rank 1");
	refuse(&planted[FREE_TOO_EARLY], RG_PROTOCOL_SLOT,
	       "FREE at rank 1 becomes 1, but only 0 messages were read");
	refuse(&planted[FREE_MISSING], RG_PROTOCOL_SLOT,
	       "1 slot messages from rank 0 were taken, but 0 freed");
	refuse(&planted[TAKE_AGAIN], RG_PROTOCOL_SLOT,
	       "takes slot message 0 from rank 0 after freeing it");
	refuse(&planted[UNHEARD_ENTER], RG_PROTOCOL_WINDOW, "moved ENTER at rank");
}

static void a_wrong_formula_of_bytes_is_refused(void **state)
{
	refuse(&planted[WRONG_BYTES], RG_PROTOCOL_SLOT,
	       "bytes sent by one rank are at most 32, but the row's formula says 33");
}

static void another_order_than_promised_is_refused(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_SLOT);
	struct rg_algorithm row = planted[OWN_FIRST];
	struct rg_err err = {0};

	row.order = "any order, equal on all ranks";
	assert_int_equal(prove(&row, &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "element 0 is combined in another order than on the ranks "
					 "before"));
	refuse(&planted[OWN_FIRST], RG_PROTOCOL_SLOT, "element 0 is not combined in rank order");
}

static void an_average_never_divided_is_refused(void **state)
{
	refuse(&planted[NOT_DIVIDED], RG_PROTOCOL_SLOT, "was never divided by the number of ranks");
}

static void touching_memory_outside_is_refused(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_WINDOW);
	struct rg_err err = {0};

	refuse(&planted[OUT_OF_BOUNDS], RG_PROTOCOL_SLOT,
	       "writes elements 1 to 9 of the destination of rank 1, which has 8");
	refuse(&planted[TOO_LONG], RG_PROTOCOL_SLOT,
	       "reads elements 0 to 9 of the source of rank 0, which has 8");
	problem.access = RG_ACCESS_PRIVATE;
	assert_int_equal(prove(&planted[NONE], &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "reaches into private memory of rank 0"));
	problem = problem_of(RG_PROTOCOL_SLOT);
	problem.geometry.slot_bytes = (COUNT - 1) * ELEM;
	assert_int_equal(prove(&planted[NONE], &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "of 32 bytes does not fit its slot"));
}

/* An all-reduce is no reduce: rank 1 has no destination. */
static void a_destination_that_only_the_root_has_is_not_written_elsewhere(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_SLOT);
	struct rg_algorithm row = planted[NONE];
	struct rg_err err = {0};

	row.coll = problem.coll = RG_COLL_REDUCE;
	assert_int_equal(prove(&row, &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "writes elements 0 to 8 of the destination of rank 1, "
					 "which has 0"));
}

static void elements_of_different_indices_are_not_reduced(void **state)
{
	refuse(&planted[OTHER_INDEX], RG_PROTOCOL_SLOT,
	       "reduces element 1 of operation 0 with element 0 of operation 0");
	refuse(&planted[STRANGE_LENGTH], RG_PROTOCOL_SLOT, "has another length at rank 0");
}

static void two_channels_writing_the_same_element_are_refused(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_SLOT);
	struct rg_err err = {0};

	problem.params.channels = 2;
	assert_int_equal(prove(&planted[TWO_CHANNELS], &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "writes element 0 of the destination of rank 0 (pair 0) "
					 "while rank 0 in operation 0 may be using it"));
}

/* With a lag the peer has only entered the operation before: its source is not filled yet. */
static void a_source_read_one_operation_early_is_refused(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_WINDOW);
	struct rg_err err = {0};

	problem.params.persistent = true;
	if (prove(&planted[NONE], &problem, &err))
		fail_msg("%s", err.text);
	assert_int_equal(prove(&planted[LAG], &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "of the source of rank 1"));
	refuse(&planted[LAG], RG_PROTOCOL_WINDOW, "lag 1 although buffers are not persistent");
}

static void a_barrier_left_too_early_is_refused(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_SLOT);
	struct rg_err err = {0};

	problem.coll = RG_COLL_BARRIER;
	problem.count = 0;
	assert_int_equal(prove(&planted_half_barrier, &problem, &err), RG_ERR_INTERNAL);
	assert_non_null(strstr(err.text, "rank 1, the user: may leave before rank 0 has entered"));
}

static void sequences_that_make_no_sense_are_invalid(void **state)
{
	struct rg_problem problem = problem_of(RG_PROTOCOL_WINDOW);
	struct rg_prover_op ops[2] = {{&planted[NONE], problem}, {&planted[NONE], problem}};
	struct rg_err err = {0};

	assert_int_equal(rg_prover_run(ops, 0, 1, NULL, &err), RG_ERR_INVALID);
	ops[1].problem.elem_bytes = 8;
	assert_int_equal(rg_prover_run(ops, 2, 1, NULL, &err), RG_ERR_INVALID);
	ops[1].problem = problem;
	ops[1].problem.counts = &(uint64_t){0}; /* of no all-to-all-v */
	assert_int_equal(rg_prover_run(ops, 2, 1, NULL, &err), RG_ERR_INVALID);
	assert_non_null(strstr(err.text, "all-to-all-v needs counts"));
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

	for (unsigned long n = 1; fired; n++) {
		int rc;

		rg_mem_fail_nth(n);
		rc = prove(&planted[NONE], &problem, &err);
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
		cmocka_unit_test(an_exchange_by_reads_is_proved),
		cmocka_unit_test(a_read_whose_place_or_memory_is_not_sure_is_refused),
		cmocka_unit_test(a_read_that_also_divides_is_refused),
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
		cmocka_unit_test(a_destination_that_only_the_root_has_is_not_written_elsewhere),
		cmocka_unit_test(elements_of_different_indices_are_not_reduced),
		cmocka_unit_test(two_channels_writing_the_same_element_are_refused),
		cmocka_unit_test(a_source_read_one_operation_early_is_refused),
		cmocka_unit_test(a_barrier_left_too_early_is_refused),
		cmocka_unit_test(sequences_that_make_no_sense_are_invalid),
		cmocka_unit_test(a_failed_allocation_is_an_error_and_leaks_nothing),
	};

	return cmocka_run_group_tests_name("prover", tests, NULL, NULL);
}
