/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/launch/child.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/launch/bind.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SECONDS ((uint64_t)1000000000)

static uint64_t in(uint64_t delay_ns)
{
	return rg_clock_ns() + delay_ns;
}

/* Starts sh -c script. */
static uint32_t start(struct rg_child_group *g, const char *script, char *const *env)
{
	char sh[] = "sh", dash_c[] = "-c", text[512];
	char *argv[] = {sh, dash_c, text, NULL};
	struct rg_child_spec spec = {.argv = argv, .env = env};
	struct rg_err err = {0};
	uint32_t index = UINT32_MAX;

	snprintf(text, sizeof(text), "%s", script);
	if (rg_child_start(g, &spec, &index, &err))
		fail_msg("%s", err.text);
	return index;
}

static struct rg_child_end wait_for_one(struct rg_child_group *g)
{
	struct rg_child_end end;
	struct rg_err err = {0};
	int rc = rg_child_wait(g, in(60 * SECONDS), &end, &err);

	if (rc != 1)
		fail_msg("rg_child_wait: %d %s", rc, err.text);
	return end;
}

static struct rg_child_group *open_group(void)
{
	struct rg_child_group *g = NULL;

	assert_int_equal(rg_child_group_open(&g, NULL), 0);
	return g;
}

static void each_childs_end_is_reported_once_with_its_status(void **state)
{
	struct rg_child_group *g = open_group();
	bool seen[3] = {false};
	struct rg_child_end end;

	assert_int_equal(start(g, "exit 0", NULL), 0);
	assert_int_equal(start(g, "exit 7", NULL), 1);
	assert_int_equal(start(g, "kill -KILL $$", NULL), 2);
	for (int i = 0; i < 3; i++) {
		static const int codes[] = {0, 7, -1}, signals[] = {0, 0, SIGKILL};

		end = wait_for_one(g);
		assert_true(end.index < 3);
		assert_false(seen[end.index]);
		seen[end.index] = true;
		assert_int_equal(end.exit_code, codes[end.index]);
		assert_int_equal(end.signal, signals[end.index]);
		assert_false(rg_child_runs(g, end.index));
	}
	assert_int_equal(rg_child_wait(g, 0, &end, NULL), 0);
	rg_child_group_close(g);
}

static bool is_zombie(pid_t pid)
{
	siginfo_t info = {0};

	return !waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid == pid;
}

/* A file without a name that holds text. */
static int text_file(const char *text)
{
	FILE *f = tmpfile();
	int fd;

	assert_non_null(f);
	fd = dup(fileno(f));
	fclose(f);
	assert_true(fd > 2);
	assert_int_equal(pwrite(fd, text, strlen(text), 0), strlen(text));
	return fd;
}

static void assert_file_holds(int fd, const char *expected)
{
	char text[64] = "";

	assert_true(pread(fd, text, sizeof(text) - 1, 0) >= 0);
	assert_string_equal(text, expected);
}

/* Runs a script with these as its input, output and errors. */
static void run_with(const int *stdio, const char *script)
{
	char sh[] = "sh", dash_c[] = "-c", text[512];
	char *argv[] = {sh, dash_c, text, NULL};
	struct rg_child_spec spec = {.argv = argv, .stdio = stdio};
	struct rg_child_group *g = open_group();
	uint32_t index;

	snprintf(text, sizeof(text), "%s", script);
	assert_int_equal(rg_child_start(g, &spec, &index, NULL), 0);
	assert_int_equal(wait_for_one(g).exit_code, 0);
	rg_child_group_close(g);
}

static void a_child_reads_and_writes_what_it_is_given(void **state)
{
	int input = text_file("input\n"), out = text_file(""), errors = text_file("");
	int kept[2] = {dup(1), dup(2)};

	assert_true(kept[0] >= 0 && kept[1] >= 0);
	run_with((const int[]){input, out, errors}, "cat; echo error >&2");
	assert_file_holds(out, "input\n");
	assert_file_holds(errors, "error\n");
	/* Nothing to read; only the errors go elsewhere. */
	run_with((const int[]){-1, -1, errors}, "cat; echo again >&2");
	assert_file_holds(errors, "error\nagain\n");
	/* Each where the other one is. */
	fflush(stdout);
	assert_true(dup2(out, 1) == 1 && dup2(errors, 2) == 2);
	run_with((const int[]){-1, 2, 1}, "echo as output; echo as errors >&2");
	assert_true(dup2(kept[0], 1) == 1 && dup2(kept[1], 2) == 2);
	assert_file_holds(out, "input\nas errors\n");
	assert_file_holds(errors, "error\nagain\nas output\n");
	close(kept[0]);
	close(kept[1]);
	close(input);
	close(out);
	close(errors);
}

static void what_is_no_descriptor_is_an_error_not_a_child(void **state)
{
	char sh[] = "sh", *argv[] = {sh, NULL};
	struct rg_child_spec spec = {.argv = argv, .stdio = (const int[]){-1, 1000000, -1}};
	struct rg_child_group *g = open_group();
	struct rg_err err = {0};
	uint32_t index;

	assert_int_equal(rg_child_start(g, &spec, &index, &err), RG_ERR_SYSTEM);
	assert_non_null(strstr(err.text, "sh: standard input and output: "));
	rg_child_group_close(g);
}

static void of_those_that_ended_together_the_killed_one_comes_first(void **state)
{
	struct rg_child_group *g = open_group();
	pid_t pids[2] = {0};
	char path[64];
	FILE *f;

	start(g, "sleep 0.1; exit 4", NULL);
	start(g, "sleep 0.1; kill -KILL $$", NULL);
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	f = fopen(path, "r");
	if (!f || fscanf(f, "%d %d", &pids[0], &pids[1]) != 2)
		skip(); /* the kernel was built without the list of children */
	fclose(f);
	/* Both have ended before the group looks. */
	while (!is_zombie(pids[0]) || !is_zombie(pids[1]))
		rg_clock_sleep_until(in(SECONDS / 100));
	assert_int_equal(wait_for_one(g).index, 1);
	assert_int_equal(wait_for_one(g).index, 0);
	rg_child_group_close(g);
}

static void a_program_that_cannot_run_is_an_error_not_a_child(void **state)
{
	struct rg_child_group *g = open_group();
	char none[] = "no-such-program-here", folder[] = "/tmp";
	char *argv[] = {none, NULL};
	struct rg_child_spec spec = {.argv = argv};
	struct rg_child_end end;
	struct rg_err err = {0};
	uint32_t index = 77;

	assert_int_equal(rg_child_start(g, &spec, &index, &err), RG_ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, none));
	argv[0] = folder;
	assert_int_equal(rg_child_start(g, &spec, &index, &err), RG_ERR_SYSTEM);
	assert_non_null(strstr(err.text, "Permission denied"));
	assert_int_equal(index, 77);
	assert_int_equal(rg_child_wait(g, 0, &end, NULL), 0);
	rg_child_group_close(g);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void the_environment_is_ours_with_what_is_set_and_removed(void **state)
{
	struct rg_child_group *g = open_group();
	char set[] = "RG_TEST_SET=new", removed[] = "RG_TEST_REMOVED";
	char *env[] = {set, removed, NULL};

	setenv("RG_TEST_SET", "old", 1);
	setenv("RG_TEST_REMOVED", "x", 1);
	setenv("RG_TEST_REMOVED_NOT", "kept", 1);
	start(g,
	      "test \"$RG_TEST_SET,${RG_TEST_REMOVED-none},$RG_TEST_REMOVED_NOT\" = "
	      "new,none,kept",
	      env);
	assert_int_equal(wait_for_one(g).exit_code, 0);
	rg_child_group_close(g);
}

static void a_child_reads_nothing_and_has_the_signal_mask_from_before(void **state)
{
	struct rg_child_group *g;
	sigset_t before, after;

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	g = open_group();
	start(g, "! read line && kill -TERM $$", NULL); /* blocked, it would not end it */
	assert_int_equal(wait_for_one(g).signal, SIGTERM);
	rg_child_group_close(g);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (int i = 1; i < NSIG; i++)
		assert_int_equal(sigismember(&before, i), sigismember(&after, i));
}

static void a_child_ends_by_a_broken_pipe_though_we_ignore_it(void **state)
{
	void (*before)(int) = signal(SIGPIPE, SIG_IGN);
	struct rg_child_group *g = open_group();

	start(g, "kill -PIPE $$", NULL);
	assert_int_equal(wait_for_one(g).signal, SIGPIPE);
	rg_child_group_close(g);
	signal(SIGPIPE, before);
}

static void a_child_is_bound_to_its_cpus(void **state)
{
	struct rg_child_group *g = open_group();
	struct rg_bind_order order;
	char sh[] = "sh", dash_c[] = "-c", text[128];
	char *argv[] = {sh, dash_c, text, NULL};
	struct rg_child_spec spec = {.argv = argv};
	struct rg_err err = {0};
	int beyond = 60000;
	uint32_t index;

	assert_int_equal(rg_bind_order_init(&order, NULL), 0);
	spec.cpus = &order.cpus[order.ncpus - 1];
	spec.ncpus = 1;
	snprintf(text, sizeof(text),
		 "grep -q '^Cpus_allowed_list:[[:space:]]*%d$' /proc/self/status", spec.cpus[0]);
	assert_int_equal(rg_child_start(g, &spec, &index, NULL), 0);
	assert_int_equal(wait_for_one(g).exit_code, 0);
	spec.cpus = &beyond;
	assert_int_equal(rg_child_start(g, &spec, &index, &err), RG_ERR_INVALID);
	assert_non_null(strstr(err.text, "60000"));
	rg_bind_order_release(&order);
	rg_child_group_close(g);
}

static void a_deadline_ends_the_wait_not_the_child(void **state)
{
	struct rg_child_group *g = open_group();
	struct rg_child_end end;

	start(g, "exec sleep 1000", NULL);
	assert_int_equal(rg_child_wait(g, in(SECONDS / 20), &end, NULL), RG_ERR_TIMEOUT);
	assert_true(rg_child_runs(g, 0));
	rg_child_group_end(g, 60 * SECONDS);
	assert_int_equal(wait_for_one(g).signal, SIGTERM);
	rg_child_group_close(g);
}

static void a_signal_ends_the_wait_and_is_told(void **state)
{
	struct rg_child_group *g = open_group();
	struct rg_child_end end;
	struct rg_err err = {0};

	start(g, "exec sleep 1000", NULL);
	assert_int_equal(rg_child_group_signal(g), 0);
	kill(getpid(), SIGTERM);
	assert_int_equal(rg_child_wait(g, UINT64_MAX, &end, &err), RG_ERR_INTERRUPTED);
	assert_int_equal(rg_child_group_signal(g), SIGTERM);
	assert_non_null(strstr(err.text, "signal 15"));
	/* One that nobody has waited for must not end us when the group is closed, but is told. */
	kill(getpid(), SIGHUP);
	assert_int_equal(rg_child_group_close(g), SIGHUP);
}

static void a_stopped_child_and_one_that_ignores_sigterm_are_ended(void **state)
{
	struct rg_child_group *g = open_group();
	char path[] = "/tmp/rg-child-XXXXXX", script[128];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	start(g, "kill -STOP $$", NULL);
	snprintf(script, sizeof(script), "trap '' TERM; echo x >%s; while :; do sleep 1; done",
		 path);
	start(g, script, NULL);
	while (lseek(fd, 0, SEEK_END) == 0) /* until its trap is set */
		rg_clock_sleep_until(in(SECONDS / 100));
	rg_child_group_end(g, SECONDS / 10);
	for (int i = 0; i < 2; i++) {
		struct rg_child_end end = wait_for_one(g);

		if (end.index == 1)
			assert_int_equal(end.signal, SIGKILL);
		else
			assert_true(end.signal == SIGTERM || end.signal == SIGKILL);
	}
	rg_child_group_close(g);
	close(fd);
	unlink(path);
}

/* Waits for a process that is not our child to be gone. */
static bool is_gone(pid_t pid)
{
	for (int i = 0; i < 3000; i++) {
		char path[64], text[256] = "";
		ssize_t n;
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return true;
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
		if (n <= 0 || strstr(text, ") Z ")) /* nobody may be there to reap it */
			return true;
		rg_clock_sleep_until(in(SECONDS / 100));
	}
	return false;
}

static void what_a_child_leaves_behind_ends_with_it(void **state)
{
	struct rg_child_group *g = open_group();
	char path[] = "/tmp/rg-child-XXXXXX", script[128], text[32] = "";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	snprintf(script, sizeof(script), "sleep 1000 & echo $! >%s; exit 0", path);
	start(g, script, NULL);
	assert_int_equal(wait_for_one(g).exit_code, 0);
	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	assert_true(is_gone((pid_t)strtol(text, NULL, 10)));
	rg_child_group_close(g);
	close(fd);
	unlink(path);
}

static void closing_a_group_ends_its_children(void **state)
{
	struct rg_child_group *g = open_group();

	start(g, "exec sleep 1000", NULL);
	rg_child_group_close(g);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	rg_child_group_close(NULL);
}

static void open_and_start_fail_cleanly_at_every_allocation(void **state)
{
	char sh[] = "sh", dash_c[] = "-c", text[] = "exit 0";
	char *argv[] = {sh, dash_c, text, NULL};
	struct rg_bind_order order;
	struct rg_child_spec spec = {.argv = argv, .ncpus = 1};
	unsigned long n = 0;
	int rc;

	assert_int_equal(rg_bind_order_init(&order, NULL), 0);
	spec.cpus = order.cpus;
	do {
		struct rg_child_group *g = NULL;
		struct rg_err err = {0};
		uint32_t index;

		rg_mem_fail_nth(++n);
		rc = rg_child_group_open(&g, &err);
		if (!rc)
			rc = rg_child_start(g, &spec, &index, &err);
		assert_int_equal(rc, rg_mem_fail_fired() ? RG_ERR_NO_MEMORY : 0);
		rg_child_group_close(g);
	} while (rg_mem_fail_fired());
	rg_mem_fail_nth(0);
	assert_true(n > 4);
	rg_bind_order_release(&order);
}

/* A machine with 2 threads per core whose siblings are 4 apart, as on many Intel servers. */
static int core_of_4_apart(int cpu, void *arg)
{
	(void)arg;
	return cpu % 4;
}

static void ranks_get_one_hardware_thread_of_each_core_first(void **state)
{
	/* CPU 0 is not ours: 4 is the first of its core, though its second thread. */
	static const int allowed[] = {1, 2, 3, 4, 5, 6}, expected[] = {1, 2, 3, 4, 5, 6};
	static const int few[] = {1, 2, 5, 6, 7}, few_expected[] = {1, 2, 7, 5, 6};
	struct rg_bind_order order;

	assert_int_equal(rg_bind_order_make(allowed, 6, core_of_4_apart, NULL, &order, NULL), 0);
	assert_int_equal(order.ncores, 4);
	assert_memory_equal(order.cpus, expected, sizeof(expected));
	rg_bind_order_release(&order);
	assert_int_equal(rg_bind_order_make(few, 5, core_of_4_apart, NULL, &order, NULL), 0);
	assert_int_equal(order.ncores, 3);
	assert_memory_equal(order.cpus, few_expected, sizeof(few_expected));
	rg_bind_order_release(&order);
}

/* From now on, for good: the kernel knows no pidfd_open. False where filters are not allowed. */
static bool forbid_pidfds(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = 4, .filter = filter};

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void old_kernels_without_pidfds_do_as_well(void **state)
{
	if (!forbid_pidfds())
		skip();
	each_childs_end_is_reported_once_with_its_status(state);
	of_those_that_ended_together_the_killed_one_comes_first(state);
	a_deadline_ends_the_wait_not_the_child(state);
	a_signal_ends_the_wait_and_is_told(state);
	what_a_child_leaves_behind_ends_with_it(state);
	closing_a_group_ends_its_children(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_childs_end_is_reported_once_with_its_status),
		cmocka_unit_test(a_child_reads_and_writes_what_it_is_given),
		cmocka_unit_test(what_is_no_descriptor_is_an_error_not_a_child),
		cmocka_unit_test(of_those_that_ended_together_the_killed_one_comes_first),
		cmocka_unit_test(a_program_that_cannot_run_is_an_error_not_a_child),
		cmocka_unit_test(the_environment_is_ours_with_what_is_set_and_removed),
		cmocka_unit_test(a_child_reads_nothing_and_has_the_signal_mask_from_before),
		cmocka_unit_test(a_child_ends_by_a_broken_pipe_though_we_ignore_it),
		cmocka_unit_test(a_child_is_bound_to_its_cpus),
		cmocka_unit_test(a_deadline_ends_the_wait_not_the_child),
		cmocka_unit_test(a_signal_ends_the_wait_and_is_told),
		cmocka_unit_test(a_stopped_child_and_one_that_ignores_sigterm_are_ended),
		cmocka_unit_test(what_a_child_leaves_behind_ends_with_it),
		cmocka_unit_test(closing_a_group_ends_its_children),
		cmocka_unit_test(open_and_start_fail_cleanly_at_every_allocation),
		cmocka_unit_test(ranks_get_one_hardware_thread_of_each_core_first),
		cmocka_unit_test(old_kernels_without_pidfds_do_as_well), /* last: it stays so */
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
