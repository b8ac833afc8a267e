/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/tune/journal.h"

#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/railgauge-test-XXXXXX";
static char path[64];
static const char question_line[] = "{\"sizes\":[8,64],\"type\":\"float\"}\n";

static json_t *question(void)
{
	json_t *q = json_pack("{s:[i,i],s:s}", "sizes", 8, 64, "type", "float");

	assert_non_null(q);
	return q;
}

static void put_file(const char *text)
{
	assert_int_equal(rg_io_replace_file(path, text, strlen(text), NULL), 0);
}

static void expect_file(const char *want)
{
	char *text = NULL;

	assert_int_equal(rg_io_read_file(path, 4096, &text, NULL, NULL), 0);
	assert_string_equal(text, want);
	rg_free(text);
}

static int try_open(bool fresh, struct rg_journal **out, struct rg_err *err)
{
	json_t *q = question();
	int rc = rg_journal_open(path, q, fresh, out, err);

	json_decref(q);
	return rc;
}

static struct rg_journal *must_open(bool fresh)
{
	struct rg_journal *j = NULL;
	struct rg_err err = {0};

	if (try_open(fresh, &j, &err))
		fail_msg("%s", err.text);
	return j;
}

static void must_fail(int want, const char *words)
{
	struct rg_journal *j = NULL;
	struct rg_err err = {0};

	assert_int_equal(try_open(false, &j, &err), want);
	if (!strstr(err.text, words))
		fail_msg("%s", err.text);
	assert_null(j);
}

static void what_was_added_is_replayed_in_order(void **state)
{
	struct rg_journal *j;

	(void)unlink(path);
	j = must_open(false);
	assert_int_equal(rg_journal_count(j), 0);
	assert_null(rg_journal_replay(j));
	assert_int_equal(rg_journal_add(j, json_pack("{s:i}", "n", 1), NULL), 0);
	assert_int_equal(rg_journal_add(j, json_pack("{s:i}", "n", 2), NULL), 0);
	rg_journal_close(j);
	j = must_open(false);
	assert_int_equal(rg_journal_count(j), 2);
	for (int i = 1; i <= 2; i++)
		assert_int_equal(json_integer_value(json_object_get(rg_journal_replay(j), "n")), i);
	assert_null(rg_journal_replay(j));
	assert_int_equal(rg_journal_add(j, json_pack("{s:i}", "n", 3), NULL), 0);
	rg_journal_close(j);
	j = must_open(false);
	assert_int_equal(rg_journal_count(j), 3);
	rg_journal_close(j);
}

static void a_last_line_that_was_cut_off_is_dropped(void **state)
{
	char text[256];
	struct rg_journal *j;

	snprintf(text, sizeof(text), "%s{\"n\":1}\n{\"n\":", question_line);
	put_file(text);
	j = must_open(false);
	assert_int_equal(rg_journal_count(j), 1);
	assert_non_null(rg_journal_replay(j));
	assert_int_equal(rg_journal_add(j, json_pack("{s:i}", "n", 2), NULL), 0);
	rg_journal_close(j);
	snprintf(text, sizeof(text), "%s{\"n\":1}\n{\"n\":2}\n", question_line);
	expect_file(text);
	put_file("{\"sizes\":[8,");
	j = must_open(false);
	assert_int_equal(rg_journal_count(j), 0);
	rg_journal_close(j);
	expect_file(question_line);
}

static void another_question_is_not_continued(void **state)
{
	put_file("{\"sizes\":[8,128],\"type\":\"float\"}\n{\"n\":1}\n");
	must_fail(RG_ERR_MISMATCH, "another question: sizes was [8,128] and is [8,64]");
	expect_file("{\"sizes\":[8,128],\"type\":\"float\"}\n{\"n\":1}\n");
	put_file("{\"sizes\":[8,64]}\n");
	must_fail(RG_ERR_MISMATCH, "type was nothing and is \"float\"");
	put_file("{\"sizes\":[8,64],\"type\":\"float\",\"op\":\"sum\"}\n");
	must_fail(RG_ERR_MISMATCH, "op was \"sum\" and is nothing");
}

static void fresh_discards_what_was_there(void **state)
{
	put_file("{\"sizes\":[8,128],\"type\":\"float\"}\n{\"n\":1}\n");
	rg_journal_close(must_open(true));
	expect_file(question_line);
}

static void what_is_no_journal_is_refused_and_left_alone(void **state)
{
	char text[256];

	snprintf(text, sizeof(text), "%snonsense\n{\"n\":2}\n", question_line);
	put_file(text);
	must_fail(RG_ERR_FORMAT, "line 2 is no entry of a journal");
	expect_file(text);
	put_file("#!/bin/sh\n");
	must_fail(RG_ERR_FORMAT, "line 1 is no entry of a journal");
	expect_file("#!/bin/sh\n");
}

static void what_is_no_file_is_refused(void **state)
{
	char whole[64];

	snprintf(whole, sizeof(whole), "%s", path);
	snprintf(path, sizeof(path), "/dev/full");
	must_fail(RG_ERR_SYSTEM, "not a plain file");
	snprintf(path, sizeof(path), "%s", folder);
	must_fail(RG_ERR_SYSTEM, folder);
	snprintf(path, sizeof(path), "%.32s/none/journal", folder);
	must_fail(RG_ERR_SYSTEM, "No such file");
	snprintf(path, sizeof(path), "%s", whole);
}

static void only_one_process_has_it_open(void **state)
{
	struct rg_journal *j = must_open(true);

	must_fail(RG_ERR_SYSTEM, "another process has it open"); /* a lock is of the open file */
	rg_journal_close(j);
	rg_journal_close(must_open(false));
}

/* In a process of its own: a limit that was lowered stays so. */
static void in_a_small_disk(rlim_t bytes, int (*run)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct rlimit limit = {bytes, bytes};

		(void)signal(SIGXFSZ, SIG_IGN);
		_exit(setrlimit(RLIMIT_FSIZE, &limit) ? 90 : run());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(WIFEXITED(status));
}

static int add_too_much(void)
{
	char text[256];
	struct rg_journal *j = NULL;
	int failed = 0;

	memset(text, 'x', sizeof(text));
	text[255] = '\0';
	failed |= try_open(true, &j, NULL) != 0;
	failed |= rg_journal_add(j, json_pack("{s:i}", "n", 1), NULL) != 0;
	failed |= rg_journal_add(j, json_pack("{s:s}", "text", text), NULL) != RG_ERR_SYSTEM;
	failed |= rg_journal_add(j, json_pack("{s:i}", "n", 2), NULL) != 0;
	rg_journal_close(j);
	return failed;
}

static int open_too_much(void)
{
	struct rg_journal *j = NULL;

	return try_open(true, &j, NULL) != RG_ERR_SYSTEM;
}

static void a_full_disk_leaves_it_as_it_was(void **state)
{
	char want[256];

	in_a_small_disk(100, add_too_much);
	snprintf(want, sizeof(want), "%s{\"n\":1}\n{\"n\":2}\n", question_line);
	expect_file(want);
	in_a_small_disk(10, open_too_much);
	expect_file("");
}

static void each_allocation_that_fails_is_reported(void **state)
{
	char text[256];

	snprintf(text, sizeof(text), "%s{\"n\":1}\n", question_line);
	put_file(text);
	for (unsigned long n = 1;; n++) {
		struct rg_journal *j = NULL;
		int rc;

		rg_mem_fail_nth(n);
		rc = try_open(false, &j, NULL);
		if (!rg_mem_fail_fired()) {
			rg_mem_fail_nth(0);
			assert_int_equal(rc, 0);
			rg_journal_close(j);
			break;
		}
		rg_mem_fail_nth(0);
		assert_int_equal(rc, RG_ERR_NO_MEMORY);
	}
	expect_file(text);
}

static int make_folder(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/journal.jsonl", folder);
	return 0;
}

static int remove_folder(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_added_is_replayed_in_order),
		cmocka_unit_test(a_last_line_that_was_cut_off_is_dropped),
		cmocka_unit_test(another_question_is_not_continued),
		cmocka_unit_test(fresh_discards_what_was_there),
		cmocka_unit_test(what_is_no_journal_is_refused_and_left_alone),
		cmocka_unit_test(what_is_no_file_is_refused),
		cmocka_unit_test(only_one_process_has_it_open),
		cmocka_unit_test(a_full_disk_leaves_it_as_it_was),
		cmocka_unit_test(each_allocation_that_fails_is_reported),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
