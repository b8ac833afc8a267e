/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"

#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[PATH_MAX / 2];
static char place[PATH_MAX];

/* The path of name in the test's folder; valid until the next call. */
static const char *at(const char *name)
{
	snprintf(place, sizeof(place), "%s/%s", folder, name);
	return place;
}

static int make_folder(void **state)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%s/railgauge-io-XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(folder) ? 0 : -1;
}

/* Entries of the folder, and if asked for, their removal. */
static int count_entries(bool remove_them)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		n++;
		if (remove_them)
			unlink(at(entry->d_name));
	}
	closedir(dir);
	return n;
}

static int remove_folder(void **state)
{
	count_entries(true);
	return rmdir(folder);
}

static void assert_holds(const char *name, const char *expected)
{
	char *text;

	assert_int_equal(rg_io_read_file(at(name), 1 << 20, &text, NULL, NULL), 0);
	assert_string_equal(text, expected);
	rg_free(text);
}

static void a_file_is_created_and_replaced(void **state)
{
	struct rg_err err = {0};

	assert_int_equal(rg_io_replace_file(at("new"), "one", 3, &err), 0);
	assert_holds("new", "one");
	assert_int_equal(rg_io_replace_file(at("new"), "three", 5, &err), 0);
	assert_holds("new", "three");
	assert_int_equal(count_entries(false), 1);
}

static void a_pipe_or_device_is_never_replaced(void **state)
{
	struct rg_err err = {0};
	struct stat st;

	assert_int_equal(mkfifo(at("pipe"), 0600), 0);
	assert_int_equal(rg_io_replace_file(at("pipe"), "x", 1, &err), RG_ERR_SYSTEM);
	assert_non_null(strstr(err.text, "not a regular file"));
	assert_int_equal(stat(at("pipe"), &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(count_entries(false), 1);
}

static void a_symbolic_link_stays_and_its_file_is_replaced(void **state)
{
	struct rg_err err = {0};
	struct stat st;

	assert_int_equal(rg_io_replace_file(at("file"), "old", 3, &err), 0);
	assert_int_equal(symlink("file", at("link")), 0);
	assert_int_equal(rg_io_replace_file(at("link"), "new", 3, &err), 0);
	assert_int_equal(lstat(at("link"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_holds("file", "new");
}

static void without_a_folder_it_is_an_error_that_names_the_path(void **state)
{
	struct rg_err err = {0};

	assert_int_equal(rg_io_replace_file(at("none/x"), "x", 1, &err), RG_ERR_SYSTEM);
	assert_non_null(strstr(err.text, "none/x"));
	assert_int_equal(count_entries(false), 0);
}

static void trying_a_file_leaves_the_old_one_and_nothing_else(void **state)
{
	struct rg_err err = {0};

	assert_int_equal(rg_io_try_file(at("file"), 10000, &err), 0);
	assert_int_equal(count_entries(false), 0);
	assert_int_equal(rg_io_replace_file(at("file"), "old", 3, &err), 0);
	assert_int_equal(rg_io_try_file(at("file"), 10000, &err), 0);
	assert_holds("file", "old");
	assert_int_equal(count_entries(false), 1);
	assert_int_equal(rg_io_try_file(at("none/x"), 1, &err), RG_ERR_SYSTEM);
	assert_non_null(strstr(err.text, "none/x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_is_created_and_replaced, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(a_pipe_or_device_is_never_replaced, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(a_symbolic_link_stays_and_its_file_is_replaced,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(without_a_folder_it_is_an_error_that_names_the_path,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(trying_a_file_leaves_the_old_one_and_nothing_else,
						make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
