/* SPDX-License-Identifier: BSD-3-Clause */
/* Launchers are small scripts of sh: $0 is the "program", $1 ... its arguments. */
#include "config.h"

#include "railgauge/tune/trial.h"

#include "measure/result_sample.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SECONDS ((uint64_t)1000000000)
#define LIMIT	(60 * SECONDS)

static char folder[] = "/tmp/railgauge-test-XXXXXX";
static char document[64], note[64];

/* Runs `sh -c script PROGRAM DOCUMENT NOTE`, which must be an outcome. */
static struct rg_trial try_for(const char *script, uint64_t limit_ns)
{
	char text[1024];
	char *launcher[] = {(char *)"sh", (char *)"-c", text, NULL};
	char *args[] = {document, note, NULL};
	struct rg_trial_spec spec = {.launcher = launcher,
				     .program = "/the/program",
				     .args = args,
				     .limit_ns = limit_ns};
	struct rg_trial trial = {0};
	struct rg_err err = {0};

	(void)unlink(note);
	snprintf(text, sizeof(text), "%s", script);
	if (rg_trial_run(&spec, &trial, &err))
		fail_msg("%s", err.text);
	return trial;
}

static void expect(const char *script, enum rg_trial_end end, int exit_code, const char *why)
{
	struct rg_trial trial = try_for(script, LIMIT);

	if (trial.end != end || strcmp(trial.why, why) != 0)
		fail_msg("end %d, \"%s\"", (int)trial.end, trial.why);
	assert_int_equal(trial.exit_code, exit_code);
	rg_trial_release(&trial);
}

/* The number that a script left in the note, of a process that must be gone by now. */
static void expect_gone(void)
{
	char *text = NULL;
	pid_t pid;

	assert_int_equal(rg_io_read_file(note, 100, &text, NULL, NULL), 0);
	pid = (pid_t)strtol(text, NULL, 10);
	assert_true(pid > 1);
	if (!kill(pid, 0) || errno != ESRCH)
		fail_msg("process %d is left", (int)pid);
	rg_free(text);
	assert_true(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

static void a_document_and_status_0_are_done(void **state)
{
	struct rg_trial trial = try_for("cat \"$1\"; echo noise >&2", LIMIT);

	assert_int_equal(trial.end, RG_TRIAL_DONE);
	assert_string_equal(trial.why, "");
	assert_non_null(trial.result);
	assert_string_equal(trial.result->points[0].target, "railgauge");
	assert_true(trial.took_ns > 0);
	rg_trial_release(&trial);
	assert_null(trial.result);
}

static void words_before_and_after_the_document_do_not_matter(void **state)
{
	struct rg_trial trial =
		try_for("echo hello; echo ' {'; echo '{not json'; echo '{\"level\": 1}'; "
			"echo '{\"schema\": \"else\"}'; cat \"$1\"; "
			"echo; echo '{}'; echo bye",
			LIMIT);

	assert_int_equal(trial.end, RG_TRIAL_DONE);
	assert_non_null(trial.result);
	rg_trial_release(&trial);
}

static void a_document_that_is_not_complete_is_kept_but_failed(void **state)
{
	struct rg_trial trial = try_for("sed 's/\"complete\": true/\"complete\": false/; "
					"s/\"finished\": \".*\"/\"finished\": null/' \"$1\"; "
					"echo 'railgauge bench: 3 wrong elements' >&2; exit 5",
					LIMIT);

	assert_int_equal(trial.end, RG_TRIAL_FAILED);
	assert_int_equal(trial.exit_code, 5);
	assert_string_equal(trial.why, "3 wrong elements");
	assert_non_null(trial.result);
	rg_trial_release(&trial);
}

static void without_a_document_status_0_is_a_failure(void **state)
{
	expect("echo nothing", RG_TRIAL_FAILED, 0, "it ended well, but printed no result");
	expect("echo '{garbage'", RG_TRIAL_FAILED, 0,
	       "its output is no document: line 1: string or '}' expected near 'garbage'");
	expect("echo '{\"schema\": \"else\"}'", RG_TRIAL_FAILED, 0,
	       "it ended well, but printed no result");
	expect("echo '{\"schema\": \"railgauge-result\", \"schema_version\": 0}'", RG_TRIAL_FAILED,
	       0, "its output: schema_version: 0 is unknown to this railgauge, which reads 1");
	expect("head -c 2000 \"$1\" | head -n 20", RG_TRIAL_FAILED, 0,
	       "its output is no document: line 21: '}' expected near end of file");
	expect("head -c 100000 /dev/urandom | tr '{' '}'; exit 0", RG_TRIAL_FAILED, 0,
	       "it ended well, but printed no result");
}

static void what_bench_said_first_is_the_reason(void **state)
{
	expect("echo 'railgauge bench: no memory' >&2; echo 'railgauge bench: a peer' >&2; "
	       "echo last >&2; exit 3",
	       RG_TRIAL_FAILED, 3, "no memory");
	expect("printf 'x\\n[1,0]<stderr>:railgauge bench: tab\\there \\303\\251\\033[1m' >&2; "
	       "exit "
	       "3",
	       RG_TRIAL_FAILED, 3, "tab?here ???[1m");
}

static void else_it_is_what_the_launcher_said_last(void **state)
{
	expect("echo one >&2; echo two >&2; echo >&2; exit 9", RG_TRIAL_FAILED, 9, "two");
	expect("echo 'on stdout'; exit 9", RG_TRIAL_FAILED, 9, "on stdout");
	expect("exit 9", RG_TRIAL_FAILED, 9, "it ended with status 9 without a word");
	expect("f=--------------------------------; for i in first 'There are not'; do "
	       "printf '%s\\n%s\\n  enough slots.\\n\\nMore.\\n%s\\n' $f \"$i\" $f; done >&2; exit "
	       "1",
	       RG_TRIAL_FAILED, 1, "There are not enough slots.");
}

static void a_signal_is_told_also_by_the_launchers_account(void **state)
{
	expect("kill -SEGV $$", RG_TRIAL_KILLED, 0, "ended by signal 11 (Segmentation fault)");
	expect("echo 'a hint' >&2; kill -SEGV $$", RG_TRIAL_KILLED, 0,
	       "ended by signal 11 (Segmentation fault)");
	expect("echo 'mpirun noticed it' >&2; exit 139", RG_TRIAL_KILLED, 0,
	       "ended by signal 11 (Segmentation fault): mpirun noticed it");
	expect("echo 'railgauge bench: rank 1 is gone' >&2; exit 137", RG_TRIAL_KILLED, 0,
	       "ended by signal 9 (Killed): rank 1 is gone");
}

static void what_hangs_is_ended_at_the_deadline(void **state)
{
	struct rg_trial trial = try_for("echo $$ >\"$2\"; sleep 1000", SECONDS / 2);

	assert_int_equal(trial.end, RG_TRIAL_DEADLINE);
	assert_string_equal(trial.why, "did not end within 500 ms");
	assert_true(trial.took_ns >= SECONDS / 2);
	expect_gone();
	rg_trial_release(&trial);
}

static void what_does_not_heed_SIGTERM_is_ended_too(void **state)
{
	struct rg_trial trial = try_for("trap '' TERM; echo $$ >\"$2\"; "
					"echo 'railgauge bench: waiting' >&2; "
					"while :; do sleep 0.1; done",
					SECONDS / 2);

	assert_int_equal(trial.end, RG_TRIAL_DEADLINE);
	assert_string_equal(trial.why, "did not end within 500 ms: waiting");
	expect_gone();
	rg_trial_release(&trial);
}

static void descendants_in_other_sessions_do_not_survive(void **state)
{
	struct rg_trial trial = try_for("setsid sh -c 'trap \"\" TERM HUP; setsid sh -c \""
					"echo \\$\\$ >$0; sleep 1000; :\" & sleep 1000; :' \"$2\" "
					"& while ! [ -s \"$2\" ]; do sleep 0.05; done; cat \"$1\"",
					LIMIT);

	assert_int_equal(trial.end, RG_TRIAL_DONE);
	expect_gone();
	rg_trial_release(&trial);
}

static void children_that_were_there_before_stay(void **state)
{
	pid_t mine = fork();
	int subreaper = 1;

	if (mine == 0) {
		pause();
		_exit(0);
	}
	expect("setsid sleep 1000 & exit 2", RG_TRIAL_FAILED, 2,
	       "it ended with status 2 without a word");
	assert_int_equal(waitpid(mine, NULL, WNOHANG), 0);
	kill(mine, SIGKILL);
	assert_int_equal(waitpid(mine, NULL, 0), mine);
	assert_int_equal(prctl(PR_GET_CHILD_SUBREAPER, &subreaper), 0);
	assert_int_equal(subreaper, 0);
}

static void endless_output_ends_the_launch(void **state)
{
	struct rg_trial trial = try_for("echo $$ >\"$2\"; yes railgauge", LIMIT);

	assert_int_equal(trial.end, RG_TRIAL_FAILED);
	assert_true(!strncmp(trial.why, "wrote more than 256M", 20));
	expect_gone();
	rg_trial_release(&trial);
}

static void no_such_launcher_is_an_error(void **state)
{
	char *launcher[] = {(char *)"no-such-launcher", NULL}, *args[] = {NULL};
	struct rg_trial_spec spec = {
		.launcher = launcher, .program = "p", .args = args, .limit_ns = LIMIT};
	struct rg_trial trial;
	struct rg_err err = {0};

	assert_int_equal(rg_trial_run(&spec, &trial, &err), RG_ERR_NOT_FOUND);
	assert_string_equal(err.text, "no-such-launcher: no such program");
}

static void the_environment_comes_from_a_file_and_from_words(void **state)
{
	char file[64], script[] = "echo \"$A $B ${C-none} $0\" >\"$1\"; exit 2";
	char *launcher[] = {(char *)"sh", (char *)"-c", script, NULL};
	char *args[] = {note, NULL}, *env[] = {(char *)"B=word", (char *)"C", NULL};
	struct rg_trial_spec spec = {.launcher = launcher,
				     .program = "/a program",
				     .args = args,
				     .env_file = file,
				     .env = env,
				     .limit_ns = LIMIT};
	struct rg_trial trial;
	char *text = NULL;

	snprintf(file, sizeof(file), "%s/env with blanks.sh", folder);
	assert_int_equal(rg_io_replace_file(file, "export A=file\n", 14, NULL), 0);
	assert_int_equal(setenv("C", "outer", 1), 0);
	assert_int_equal(rg_trial_run(&spec, &trial, NULL), 0);
	assert_int_equal(trial.exit_code, 2);
	assert_int_equal(rg_io_read_file(note, 100, &text, NULL, NULL), 0);
	assert_string_equal(text, "file word none /a program\n");
	rg_free(text);
	rg_trial_release(&trial);
}

/* Sends this process the signal once the script has left its note. */
static void *interrupt(void *arg)
{
	(void)arg;
	while (access(note, R_OK))
		rg_clock_sleep_until(rg_clock_ns() + SECONDS / 100);
	kill(getpid(), SIGINT);
	return NULL;
}

/* It comes once `script`, of which $0 is the note, has written that; what it says must be gone. */
static void expect_interrupted(const char *script)
{
	char text[256];
	char *launcher[] = {(char *)"sh", (char *)"-c", text, NULL}, *args[] = {NULL};
	struct rg_trial_spec spec = {
		.launcher = launcher, .program = note, .args = args, .limit_ns = LIMIT};
	struct rg_trial trial;
	struct rg_err err = {0};
	sigset_t mask, old;
	pthread_t thread;

	snprintf(text, sizeof(text), "%s", script);
	(void)unlink(note);
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	pthread_sigmask(SIG_BLOCK, &mask, &old); /* the thread must not take it */
	assert_int_equal(pthread_create(&thread, NULL, interrupt, NULL), 0);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	assert_int_equal(rg_trial_run(&spec, &trial, &err), RG_ERR_INTERRUPTED);
	pthread_join(thread, NULL);
	assert_string_equal(err.text, "interrupted by signal 2 (Interrupt)");
	expect_gone();
}

static void a_signal_ends_the_trial(void **state)
{
	expect_interrupted("trap '' TERM; setsid sleep 1000 & echo $! >\"$0\"; sleep 1000; sleep "
			   "1000");
}

/* Open MPI's takes two seconds, in which it removes its files. */
static void an_interrupted_launcher_has_time_to_clean_up(void **state)
{
	char file[sizeof(note) + 8];

	snprintf(file, sizeof(file), "%s.its", note);
	expect_interrupted("trap 'sleep 3; rm \"$0.its\"; exit' TERM; touch \"$0.its\"; "
			   "echo $$ >\"$0\"; while :; do sleep 0.05; done");
	assert_int_equal(access(file, F_OK), -1);
}

/* The launcher itself sends the second one, once it hears of the first. */
static void a_second_signal_ends_that_time(void **state)
{
	char file[sizeof(note) + 8];

	snprintf(file, sizeof(file), "%s.its", note);
	expect_interrupted("trap 'kill -INT $PPID; sleep 5; touch \"$0.its\"; exit' TERM; "
			   "echo $$ >\"$0\"; while :; do sleep 0.05; done");
	assert_int_equal(unlink(file), -1);
}

/*
 * It writes too much, and is ended for it; but it hears SIGTERM, and goes on: so the signal comes
 * while it is given time to end.
 */
static void a_signal_while_the_launcher_is_being_ended_is_not_lost(void **state)
{
	expect_interrupted("trap 'echo $$ >\"$0.new\"; mv \"$0.new\" \"$0\"' TERM; yes railgauge; "
			   "while :; do sleep 0.05; done");
}

static void a_signal_from_before_ends_the_trial(void **state)
{
	static volatile sig_atomic_t flag = 1;
	char *launcher[] = {(char *)"sleep", (char *)"1000", NULL}, *args[] = {NULL};
	struct rg_trial_spec spec = {.launcher = launcher,
				     .program = "1000",
				     .args = args,
				     .limit_ns = LIMIT,
				     .interrupted = &flag};
	struct rg_trial trial;

	assert_int_equal(rg_trial_run(&spec, &trial, NULL), RG_ERR_INTERRUPTED);
	assert_true(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

static void each_allocation_that_fails_is_reported(void **state)
{
	char script[] = "cat \"$1\"";
	char *launcher[] = {(char *)"sh", (char *)"-c", script, NULL};
	char *args[] = {document, NULL};
	struct rg_trial_spec spec = {
		.launcher = launcher, .program = "p", .args = args, .limit_ns = LIMIT};

	/* Each costs a launch: of those that belong to reading results, which has its own test,
	 * few.
	 */
	for (unsigned long n = 1;; n += n < 12 ? 1 : 17) {
		struct rg_trial trial = {0};
		struct rg_err err = {0};
		int rc;

		rg_mem_fail_nth(n);
		rc = rg_trial_run(&spec, &trial, &err);
		if (!rg_mem_fail_fired()) {
			rg_mem_fail_nth(0);
			assert_int_equal(rc, 0);
			rg_trial_release(&trial);
			return;
		}
		rg_mem_fail_nth(0);
		assert_int_equal(rc, RG_ERR_NO_MEMORY);
	}
}

static int make_files(void **state)
{
	struct rg_result *result;
	struct rg_err err = {0};
	int rc;

	if (!mkdtemp(folder))
		return -1;
	snprintf(document, sizeof(document), "%s/result.json", folder);
	snprintf(note, sizeof(note), "%s/note", folder);
	result = sample_result(1, &err);
	rc = result ? rg_result_finish(result, &err) : -1;
	rc = rc ? rc : rg_result_write(result, document, &err);
	rg_result_close(result);
	return rc;
}

static int remove_files(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_and_status_0_are_done),
		cmocka_unit_test(words_before_and_after_the_document_do_not_matter),
		cmocka_unit_test(a_document_that_is_not_complete_is_kept_but_failed),
		cmocka_unit_test(without_a_document_status_0_is_a_failure),
		cmocka_unit_test(what_bench_said_first_is_the_reason),
		cmocka_unit_test(else_it_is_what_the_launcher_said_last),
		cmocka_unit_test(a_signal_is_told_also_by_the_launchers_account),
		cmocka_unit_test(what_hangs_is_ended_at_the_deadline),
		cmocka_unit_test(what_does_not_heed_SIGTERM_is_ended_too),
		cmocka_unit_test(descendants_in_other_sessions_do_not_survive),
		cmocka_unit_test(children_that_were_there_before_stay),
		cmocka_unit_test(endless_output_ends_the_launch),
		cmocka_unit_test(no_such_launcher_is_an_error),
		cmocka_unit_test(the_environment_comes_from_a_file_and_from_words),
		cmocka_unit_test(a_signal_ends_the_trial),
		cmocka_unit_test(an_interrupted_launcher_has_time_to_clean_up),
		cmocka_unit_test(a_second_signal_ends_that_time),
		cmocka_unit_test(a_signal_while_the_launcher_is_being_ended_is_not_lost),
		cmocka_unit_test(a_signal_from_before_ends_the_trial),
		cmocka_unit_test(each_allocation_that_fails_is_reported),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
