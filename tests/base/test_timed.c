/* SPDX-License-Identifier: BSD-3-Clause */
/* A timed region: debug builds end the process that allocates or logs in one. */
#include "config.h"

#include "railgauge/base/log.h"
#include "railgauge/base/mem.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void allocate(void)
{
	rg_free(rg_alloc(1));
}

static void log_what_is_not_printed(void)
{
	rg_log(RG_LOG_TRACE, "nothing");
}

/* What ended a process that does it in a timed region: a signal, or 0. */
static int signal_after(void (*deed)(void))
{
	const struct rlimit no_core = {0, 0};
	int status, null;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		setrlimit(RLIMIT_CORE, &no_core);
		null = open("/dev/null", O_WRONLY);
		dup2(null, STDERR_FILENO);
		rg_timed_begin();
		rg_timed_end();
		deed();
		rg_timed_begin();
		deed();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

#ifdef RG_DEBUG
#define EXPECTED SIGABRT
#else
#define EXPECTED 0
#endif

static void debug_builds_abort_on_allocation_in_a_timed_region(void **state)
{
	assert_int_equal(signal_after(allocate), EXPECTED);
}

static void debug_builds_abort_on_logging_in_a_timed_region(void **state)
{
	assert_int_equal(signal_after(log_what_is_not_printed), EXPECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(debug_builds_abort_on_allocation_in_a_timed_region),
		cmocka_unit_test(debug_builds_abort_on_logging_in_a_timed_region),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
