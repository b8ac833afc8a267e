/* SPDX-License-Identifier: BSD-3-Clause */
/* A process is seen to live, to be stopped and to be gone; strangers of its number are not it. */
#include "config.h"

#include "railgauge/launch/process.h"

#include "railgauge/base/clock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A child that waits to be killed and has told who it is. */
static pid_t start_child(struct rg_process *who_out)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct rg_process me;

		rg_process_here(&me);
		if (write(ends[1], &me, sizeof(me)) != sizeof(me))
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ends[0], who_out, sizeof(*who_out)), sizeof(*who_out));
	close(ends[0]);
	close(ends[1]);
	return pid;
}

/* The kernel takes its time: the state that comes within ten seconds. */
static enum rg_process_state wait_state(const struct rg_process *who, enum rg_process_state wanted)
{
	uint64_t until = rg_clock_ns() + (uint64_t)10000000000;
	enum rg_process_state state;
	struct rg_process here;

	rg_process_here(&here);
	do
		state = rg_process_look(&here, who);
	while (state != wanted && rg_clock_ns() < until);
	return state;
}

static void a_process_lives_is_stopped_and_is_gone(void **state)
{
	struct rg_process who;
	pid_t pid = start_child(&who);

	(void)state;
	assert_int_equal(who.pid, pid);
	assert_int_equal(wait_state(&who, RG_PROCESS_LIVES), RG_PROCESS_LIVES);
	kill(pid, SIGSTOP);
	assert_int_equal(wait_state(&who, RG_PROCESS_STOPPED), RG_PROCESS_STOPPED);
	kill(pid, SIGCONT);
	assert_int_equal(wait_state(&who, RG_PROCESS_LIVES), RG_PROCESS_LIVES);
	kill(pid, SIGKILL);
	/* First it is a zombie, as our child. */
	assert_int_equal(wait_state(&who, RG_PROCESS_GONE), RG_PROCESS_GONE);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(wait_state(&who, RG_PROCESS_GONE), RG_PROCESS_GONE);
}

static void one_that_began_at_another_time_has_only_the_number(void **state)
{
	struct rg_process here, who;

	(void)state;
	rg_process_here(&here);
	who = here;
	assert_int_equal(rg_process_look(&here, &who), RG_PROCESS_LIVES);
	assert_true(who.start_tick > 0);
	who.start_tick++;
	assert_int_equal(rg_process_look(&here, &who), RG_PROCESS_GONE);
	who.time_space++; /* where it may have been another time */
	assert_int_equal(rg_process_look(&here, &who), RG_PROCESS_LIVES);
	who.time_space--;
	who.start_tick = 0;
	assert_int_equal(rg_process_look(&here, &who), RG_PROCESS_LIVES);
}

static void nothing_is_known_of_other_machines_and_namespaces(void **state)
{
	struct rg_process here, who;

	(void)state;
	rg_process_here(&here);
	who = here;
	who.pid_space++;
	assert_int_equal(rg_process_look(&here, &who), RG_PROCESS_HIDDEN);
	who = here;
	who.kernel[0] ^= 1;
	assert_int_equal(rg_process_look(&here, &who), RG_PROCESS_HIDDEN);
	who = here;
	here.pid_space = who.pid_space = 0;
	assert_int_equal(rg_process_look(&here, &who), RG_PROCESS_HIDDEN);
}

static void memory_is_shared_in_one_space_of_processes_of_one_kernel(void **state)
{
	struct rg_process here, other;

	(void)state;
	rg_process_here(&here);
	other = here;
	other.pid++;
	assert_true(rg_process_may_share(&here, &other));
	other.pid_space ^= 1;
	assert_false(rg_process_may_share(&here, &other));
	other = here;
	other.ipc_space ^= 1;
	assert_false(rg_process_may_share(&here, &other));
	other = here;
	other.kernel[0] ^= 1;
	assert_false(rg_process_may_share(&here, &other));
}

static void a_name_of_a_node_is_refused_where_it_would_be_cut(void **state)
{
	const char *longest = "1234567890123456789012345678901",
		   *longer = "12345678901234567890123456789012";
	struct rg_node a, b;
	struct rg_err err = {0};

	assert_int_equal(rg_node_here(longest, &a, NULL), 0);
	assert_int_equal(rg_node_here(longest, &b, NULL), 0);
	assert_true(rg_node_equal(&a, &b));
	assert_int_equal(rg_node_here(longer, &a, &err), RG_ERR_INVALID);
	setenv("RG_NODE", longer, 1);
	assert_int_equal(rg_node_here(NULL, &a, &err), RG_ERR_INVALID);
	unsetenv("RG_NODE");
	assert_non_null(strstr(err.text, "RG_NODE"));
	assert_non_null(strstr(err.text, longer));
	assert_non_null(strstr(err.text, "32 characters"));
	assert_non_null(strstr(err.text, "at most 31"));
	assert_true(rg_node_equal(&a, &b)); /* as it was */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_lives_is_stopped_and_is_gone),
		cmocka_unit_test(one_that_began_at_another_time_has_only_the_number),
		cmocka_unit_test(nothing_is_known_of_other_machines_and_namespaces),
		cmocka_unit_test(memory_is_shared_in_one_space_of_processes_of_one_kernel),
		cmocka_unit_test(a_name_of_a_node_is_refused_where_it_would_be_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
