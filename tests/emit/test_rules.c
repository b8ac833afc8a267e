/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/emit/rules.h"

#include "railgauge/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct rg_ompi_version v414 = {4, 1, 4};

/* What is read from a text, and what is said about it: one line each, "LINE text". */
struct got {
	struct rg_rules rules;
	bool ok;
	char text[4096];
	uint32_t errors, n;
};

static struct got parse(const char *text, const struct rg_ompi_version *version)
{
	struct rg_file_findings findings = {0};
	struct got got = {.ok = false};
	struct rg_err err = {0};
	size_t used = 0;

	if (rg_rules_parse(text, strlen(text), version, &got.rules, &got.ok, &findings, &err))
		fail_msg("%s", err.text);
	for (uint32_t i = 0; i < findings.n; i++)
		used += (size_t)snprintf(got.text + used, sizeof(got.text) - used, "%u %s\n",
					 findings.list[i].line, findings.list[i].text);
	got.errors = rg_file_findings_errors(&findings);
	got.n = findings.n;
	assert_true(got.ok || got.errors);
	assert_true(got.ok || !got.rules.nfunctions);
	rg_file_findings_release(&findings);
	return got;
}

static void assert_says(const struct got *got, const char *line)
{
	char with_end[512];

	snprintf(with_end, sizeof(with_end), "%s\n", line);
	if (!strstr(got->text, with_end))
		fail_msg("not said: %s\nbut: %s", line, got->text);
}

static const char good[] = "1            # functions\n"
			   "2            # allreduce\n"
			   "3            # numbers of ranks\n"
			   "0\n1\n0 0 0 0\n"
			   "16\n3\n"
			   "0       3 0 0\n"
			   "8192    6 0 0\n"
			   "1048576 5 0 262144\n"
			   "17 1 0 0 0 0\n";

static void a_good_file_is_read_without_a_word(void **state)
{
	struct got got = parse(good, &v414);

	assert_string_equal(got.text, "");
	assert_true(got.ok);
	assert_int_equal(got.rules.version, 1);
	assert_int_equal(got.rules.nfunctions, 1);
	assert_int_equal(got.rules.functions[0].id, 2);
	assert_int_equal(got.rules.functions[0].ncomms, 3);
	assert_int_equal(got.rules.functions[0].comms[1].comm_size, 16);
	assert_int_equal(got.rules.functions[0].comms[1].nrules, 3);
	assert_int_equal(got.rules.functions[0].comms[1].rules[2].segment_bytes, 262144);
	assert_int_equal(got.rules.functions[0].comms[1].rules[2].line, 11);
	rg_rules_release(&got.rules);
}

static void the_last_entry_that_is_not_above_counts(void **state)
{
	struct got got = parse(good, &v414);
	const struct rg_rules *r = &got.rules;

	assert_null(rg_rules_lookup(r, 2, 15, 100));
	assert_null(rg_rules_lookup(r, 2, 17, 100));
	assert_null(rg_rules_lookup(r, 3, 16, 100));
	assert_int_equal(rg_rules_lookup(r, 2, 16, 0)->algorithm, 3);
	assert_int_equal(rg_rules_lookup(r, 2, 16, 8191)->algorithm, 3);
	assert_int_equal(rg_rules_lookup(r, 2, 16, 8192)->algorithm, 6);
	assert_int_equal(rg_rules_lookup(r, 2, 16, UINT64_MAX)->algorithm, 5);
	rg_rules_release(&got.rules);
}

static void the_first_entry_counts_for_fewer_ranks_too(void **state)
{
	struct got got = parse("1 2 1 16 1 0 3 0 0", &v414);

	assert_int_equal(rg_rules_lookup(&got.rules, 2, 2, 0)->algorithm, 3);
	assert_says(&got, "1 communicators of fewer than 16 ranks use this entry, too; a first "
			  "entry for 0 ranks with the one rule 0 0 0 0 keeps them out");
	rg_rules_release(&got.rules);
}

static void of_two_lists_for_a_function_the_later_counts(void **state)
{
	struct got got = parse("2\n2 1 2 1 0 3 0 0\n2 1 2 1 0 4 0 0", &v414);

	assert_int_equal(rg_rules_lookup(&got.rules, 2, 2, 0)->algorithm, 4);
	assert_says(&got, "3 there are rules for function 2 in line 2 already: those are dropped");
	rg_rules_release(&got.rules);
}

static void sizes_out_of_order_are_looked_up_as_the_consumer_does(void **state)
{
	struct got got = parse("1 2 2\n8 1 0 3 0 0\n4 2 0 4 0 0\n0 6 0 0", &v414);

	assert_int_equal(rg_rules_lookup(&got.rules, 2, 5, 0)->algorithm, 3);
	assert_int_equal(rg_rules_lookup(&got.rules, 2, 9, 0)->algorithm, 6);
	assert_says(&got, "3 4 ranks are not more than the 8 before: the look-up expects ascending "
			  "numbers and finds others than it looks like");
	assert_says(&got, "4 size 0 is not above the one before it, 0: the look-up expects "
			  "ascending sizes and finds others than it looks like");
	rg_rules_release(&got.rules);
}

#define GONE "; Open MPI ignores the whole file, without a word"

/* Each text is thrown away, for this reason. */
static const struct {
	const char *text, *why;
} thrown_away[] = {
	{"", "1 the file ends where it should have the count of functions" GONE},
	{"# 1 2 1\n", "2 the file ends where it should have the count of functions" GONE},
	{"1\n2\n1 16 1\n4 3 0 0", "4 the first size of a list is 4, not 0" GONE},
	{"1 2 1 16 2 0 3 0 0\n",
	 "2 the file ends where it should have the message size in bytes" GONE},
	{"1\n22 0", "2 function 22 is unknown: there are 0 to 21" GONE},
	{"23", "1 the count of functions is 23, above 22" GONE},
	{"-1", "1 the count of functions is -1" GONE},
	{"1 2 1 2 1\n0 -3 0 0", "2 the algorithm is -3" GONE},
	{"1 2 99999999999 2", "1 the count of numbers of ranks is 99999999999, more than it can "
			      "hold" GONE},
	{"# new\nrule-file-version-2\n1 2 0",
	 "2 the number behind \"rule-file-version-\" is read as -N functions, since this header is "
	 "known only from 4.1.8 and 5.0.7 on" GONE},
};

static void files_that_open_mpi_throws_away_are_errors(void **state)
{
	for (size_t i = 0; i < sizeof(thrown_away) / sizeof(thrown_away[0]); i++) {
		struct got got = parse(thrown_away[i].text, &v414);

		assert_false(got.ok);
		assert_says(&got, thrown_away[i].why);
	}
}

/* Each text is taken, but this is said of it. */
static const struct {
	const char *text, *what;
	uint32_t errors;
} doubtful[] = {
	{"1 2 1 2 2\n0 3 0 0\n01024 4 0 0",
	 "3 01024 begins with 0, which makes it octal: 532 is read", 0},
	{"1 2 1 2 2\n0 3 0 0\n0x400 4 0 0", "3 0x400 is hexadecimal: 1024 is read", 0},
	{"1 2 1 2 2\n0 3 0 0\n1K 4 0 0", "3 \"K\" is no number: it is skipped", 0},
	{"1 2 1 2 1 0 3 0 0 7",
	 "1 there are numbers behind the end: a count is too small, and "
	 "these are not read",
	 0},
	{"1 2 1 2 1\n0 7 0 0",
	 "2 MPI_Allreduce has no algorithm 7 in Open MPI 4.1.4: every call that comes here fails "
	 "(MPI_ERR_ARG)",
	 1},
	{"1 3 1 2 1\n0 5 0 0",
	 "2 two_proc works with 2 ranks only, and fails with any others that this entry is used "
	 "for: it needs one for 2 ranks and a next one for 3",
	 1},
	{"1 2 1 2 1\n0 5 0 0", "2 segmented_ring with a segment size of 0: ring runs", 0},
	{"1 2 1 2 1\n0 4 0 4096", "2 ring has no segments: their size of 4096 is ignored", 0},
	{"1 2 1 2 1\n0 4 2 0", "2 ring has no fan-out: 2 is ignored", 0},
	{"1 0 2 0 1 0 0 0 0 6 1\n0 3 0 0",
	 "2 with 6 ranks bruck runs instead of "
	 "recursive_doubling",
	 0},
	{"1 0 2 0 1 0 0 0 0 5 1\n0 5 0 0", "2 with 5 ranks ring runs instead of neighbor", 0},
	{"1 4 1 2 2 0 1 0 0\n1024 2 0 0",
	 "2 MPI_Alltoallv is looked up for size 0 whatever the message: only the first rule is "
	 "used",
	 0},
	{"1 15 1 2 2 0 1 0 0\n1024 2 0 0",
	 "2 MPI_Scatter is looked up for each rank's own send count, which is 0 where a program "
	 "may leave it so: ranks then use different rules, and hang or deliver wrong data; all "
	 "sizes need the same rule",
	 0},
	{"1 14 1 2 2 0 1 0 0\n1024 2 0 0",
	 "2 MPI_Scan is looked up for the size of one element times the number of ranks, however "
	 "many elements there are",
	 0},
	{"1\n5 0", "2 MPI_Alltoallw has no algorithms to choose from: nobody looks at these rules",
	 0},
	{"1 7 1 2 1\n0 2 0 8192",
	 "2 chain with a fan-out of 0: 1 is used, which makes it a pipeline", 0},
	{"1 2 1 2 1 0 0 0 0", "0 there is no algorithm in any rule: the file changes nothing", 0},
	{"1 2 1 2 1\n0 4294967299 0 0", "2 the algorithm 4294967299 does not fit: 3 is used", 0},
	{"1 7 1 2 1\n0 6 0 4294967296", "2 the segment size 4294967296 does not fit: 0 is used", 0},
	{"1 2 1 2 2 0 3 0 0\n99999999999999999999 4 0 0",
	 "2 99999999999999999999 is too large: 9223372036854775807 is read", 0},
};

static void what_does_something_else_than_it_looks_like_is_said(void **state)
{
	for (size_t i = 0; i < sizeof(doubtful) / sizeof(doubtful[0]); i++) {
		struct got got = parse(doubtful[i].text, &v414);

		assert_true(got.ok);
		assert_says(&got, doubtful[i].what);
		assert_int_equal(got.errors, doubtful[i].errors);
		if (got.n != 1 && strncmp(doubtful[i].what, "0 ", 2) != 0 && i != 14)
			fail_msg("more than one: %s", got.text);
		rg_rules_release(&got.rules);
	}
}

static void an_octal_number_that_ends_early_is_two_numbers(void **state)
{
	struct got got = parse("1 2 1 2 2 0 3 0 0\n0800 4 0 0", &v414);

	assert_true(got.ok);
	assert_int_equal(got.rules.functions[0].comms[0].rules[1].algorithm, 800);
	assert_says(&got, "2 0 begins with 0, which makes it octal, and ends before the digit 8, "
			  "which begins another number");
	rg_rules_release(&got.rules);
}

static void two_proc_is_in_place_between_two_and_three(void **state)
{
	struct got got = parse("1 3 3 0 1 0 0 0 0 2 1 0 5 0 0 3 1 0 0 0 0", &v414);

	assert_string_equal(got.text, "");
	rg_rules_release(&got.rules);
}

static void a_versions_algorithms_and_header_are_its_own(void **state)
{
	static const char sparbit[] = "1 0 1 2 1 0 7 0 0";
	static const char header[] = "rule-file-version-2\n1 3 1 2 2\n0 4 0 0 8\n512 4 0 0\n";
	static const char middle[] = "# x\nrule-file-version-2\n1 3 1 2 1\n0 4 0 0 8\n";
	const struct rg_ompi_version v508 = {5, 0, 8}, v506 = {5, 0, 6}, v418 = {4, 1, 8},
				     v600 = {6, 0, 0};
	struct got got = parse(sparbit, &v508);

	assert_string_equal(got.text, "");
	rg_rules_release(&got.rules);
	got = parse(sparbit, &v414);
	assert_int_equal(got.errors, 1);
	rg_rules_release(&got.rules);
	got = parse(header, &v508);
	assert_string_equal(got.text, "");
	assert_int_equal(got.rules.version, 2);
	assert_int_equal(got.rules.functions[0].comms[0].rules[0].max_requests, 8);
	assert_int_equal(got.rules.functions[0].comms[0].rules[1].max_requests, 0);
	rg_rules_release(&got.rules);
	got = parse(header, &v418);
	assert_string_equal(got.text, "");
	rg_rules_release(&got.rules);
	got = parse(header, &v506);
	assert_false(got.ok);
	got = parse(middle, &v508);
	assert_says(&got, "2 the number behind \"rule-file-version-\" is read as -N functions, "
			  "since it does not begin the file" GONE);
	got = parse(good, &v600);
	assert_non_null(strstr(got.text, "0 Open MPI 6 takes a number of ranks"));
	rg_rules_release(&got.rules);
}

static void rules_that_are_printed_are_read_the_same_without_a_word(void **state)
{
	struct got got = parse(good, &v414), again;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	snprintf(got.rules.functions[0].comms[1].rules[1].comment, 120, "12 %% faster");
	rg_rules_print(&got.rules, out);
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text, "8192 6 0 0 # rabenseifner: 12 % faster\n"));
	assert_non_null(strstr(text, "2 # MPI_Allreduce\n"));
	again = parse(text, &v414);
	assert_string_equal(again.text, "");
	for (uint32_t ranks = 2; ranks < 20; ranks++) {
		for (uint64_t bytes = 0; bytes < 3000000; bytes += 4096) {
			const struct rg_rule *a = rg_rules_lookup(&got.rules, 2, ranks, bytes);
			const struct rg_rule *b = rg_rules_lookup(&again.rules, 2, ranks, bytes);

			assert_true(!a == !b);
			assert_true(!a || (a->algorithm == b->algorithm &&
					   a->segment_bytes == b->segment_bytes));
		}
	}
	free(text);
	rg_rules_release(&got.rules);
	rg_rules_release(&again.rules);
}

static void a_failing_allocation_is_an_error_and_leaks_nothing(void **state)
{
	for (unsigned long n = 1;; n++) {
		struct rg_file_findings findings = {0};
		struct rg_err err = {0};
		struct rg_rules rules;
		bool ok;
		int rc;

		rg_mem_fail_nth(n);
		rc = rg_rules_parse(good, strlen(good), &v414, &rules, &ok, &findings, &err);
		if (!rg_mem_fail_fired()) {
			assert_true(!rc && ok);
			rg_rules_release(&rules);
			break;
		}
		assert_int_equal(rc, RG_ERR_NO_MEMORY);
		assert_false(ok);
		assert_int_equal(rules.nfunctions, 0);
		rg_file_findings_release(&findings);
	}
	rg_mem_fail_nth(0);
}

static void findings_for_which_there_is_no_memory_are_counted_as_lost(void **state)
{
	struct rg_file_findings findings = {0};

	rg_mem_fail_nth(1);
	rg_file_findings_add(&findings, RG_FINDING_ERROR, 1, "one");
	assert_true(findings.lost);
	assert_int_equal(findings.n, 0);
	rg_mem_fail_nth(0);
	rg_file_findings_add(&findings, RG_FINDING_WARNING, 2, "number %d", 2);
	rg_file_findings_add(&findings, RG_FINDING_ERROR, 3, "three");
	assert_int_equal(findings.n, 2);
	assert_int_equal(rg_file_findings_errors(&findings), 1);
	assert_string_equal(findings.list[0].text, "number 2");
	rg_file_findings_release(&findings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_file_is_read_without_a_word),
		cmocka_unit_test(the_last_entry_that_is_not_above_counts),
		cmocka_unit_test(the_first_entry_counts_for_fewer_ranks_too),
		cmocka_unit_test(of_two_lists_for_a_function_the_later_counts),
		cmocka_unit_test(sizes_out_of_order_are_looked_up_as_the_consumer_does),
		cmocka_unit_test(files_that_open_mpi_throws_away_are_errors),
		cmocka_unit_test(what_does_something_else_than_it_looks_like_is_said),
		cmocka_unit_test(an_octal_number_that_ends_early_is_two_numbers),
		cmocka_unit_test(two_proc_is_in_place_between_two_and_three),
		cmocka_unit_test(a_versions_algorithms_and_header_are_its_own),
		cmocka_unit_test(rules_that_are_printed_are_read_the_same_without_a_word),
		cmocka_unit_test(a_failing_allocation_is_an_error_and_leaks_nothing),
		cmocka_unit_test(findings_for_which_there_is_no_memory_are_counted_as_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
