/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"
#include "railgauge/emit/emitter.h"
#include "railgauge/emit/params.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct rg_ompi_version v414 = {4, 1, 4}, v508 = {5, 0, 8};
static char said[4096];
static uint32_t errors;

/* What is said about a text: one line each, "LINE text", in said. */
static void judge(const char *text, const struct rg_ompi_version *version)
{
	struct rg_file_findings findings = {0};
	struct rg_err err = {0};
	size_t used = 0;

	if (rg_params_judge(text, version, &findings, &err))
		fail_msg("%s", err.text);
	said[0] = '\0';
	for (uint32_t i = 0; i < findings.n; i++)
		used += (size_t)snprintf(said + used, sizeof(said) - used, "%u %s\n",
					 findings.list[i].line, findings.list[i].text);
	errors = rg_file_findings_errors(&findings);
	rg_file_findings_release(&findings);
}

/* A rules file, made for a test. */
static char rules_path[] = "/tmp/rg-params-XXXXXX";

static int make_rules(void **state)
{
	int fd = mkstemp(rules_path);

	return fd < 0 || close(fd) ||
	       rg_io_replace_file(rules_path, "1 2 1 0 1 0 4 0 0\n", 18, NULL);
}

static int remove_rules(void **state)
{
	return unlink(rules_path);
}

#define USE "coll_tuned_use_dynamic_rules = 1\n"

static void a_good_file_is_read_without_a_word(void **state)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "# a comment\n// another\n/* and\nanother */\n\n" USE
		 "  coll_tuned_dynamic_rules_filename=%s  \npml = ^ucx\nempty =\n"
		 "-mca btl self,tcp\n",
		 rules_path);
	judge(text, &v414);
	assert_string_equal(said, "");
	judge("# nothing\n", &v414);
	assert_string_equal(said, "");
	judge(USE "coll_tuned_allreduce_algorithm = ring\n", &v414);
	assert_string_equal(said, "");
}

/* The whole of what is said about each text. */
static const struct {
	const char *text, *said;
	uint32_t errors;
} cases[] = {
	{"coll_tuned_dynamic_rules_filename = /dev/null\n",
	 "1 without coll_tuned_use_dynamic_rules = 1 Open MPI does not look at the rules file\n"
	 "1 null, line 1: the file ends where it should have the count of functions; Open MPI "
	 "ignores the whole file, without a word\n",
	 2},
	{"\n" USE, "2 dynamic rules are on, but no rules file is named and no algorithm is set\n",
	 0},
	{"coll_tuned_bcast_algorithm = 6\n",
	 "1 without coll_tuned_use_dynamic_rules = 1 Open MPI ignores coll_tuned_bcast_algorithm\n",
	 1},
	{USE "coll_tuned_dynamic_rules_filename = '/no/such'\n",
	 "2 the quotes of '/no/such' are part of the value\n"
	 "2 '/no/such' is a relative path: each process looks for it from its own folder\n"
	 "2 '/no/such' cannot be read: Open MPI goes on without rules, and without a word\n",
	 2},
	{USE "coll_tuned_dynamic_rules_filename = /no/such\n",
	 "2 /no/such cannot be read: Open MPI goes on without rules, and without a word\n", 1},
	{USE "coll_tuned_bcast_algorithm = binomial # best\n",
	 "2 \"# best\" is no comment but part of the value\n"
	 "2 MPI_Bcast has no algorithm binomial # best in Open MPI 4.1.4\n",
	 1},
	{USE "coll_tuned_allreduce_algorithm = 7\n",
	 "2 MPI_Allreduce has no algorithm 7 in Open MPI 4.1.4\n", 1},
	{USE "coll_tuned_allreduce_algorithm = ring\ncoll_tuned_allreduce_algorithms = 4\n",
	 "3 coll_tuned_allreduce_algorithms: there is no such variable, and Open MPI ignores it\n",
	 0},
	{"coll_tuned_use_dynamic_rules = on\n",
	 "1 coll_tuned_use_dynamic_rules = on: expected 0 or 1\n", 1},
	{"OMPI_MCA_coll_tuned_use_dynamic_rules = 1\n",
	 "1 OMPI_MCA_coll_tuned_use_dynamic_rules: OMPI_MCA_ belongs to names of the environment; "
	 "in a file Open MPI ignores this\n",
	 1},
	{"a\x1b[2J\n",
	 "1 \"a?[2J\" is not of the form NAME = VALUE: Open MPI complains, and goes on without "
	 "it\n",
	 1},
	{"coll_tuned_use_dynamic_rules 1\n",
	 "1 \"coll_tuned_use_dynamic_rules 1\" is not of the form NAME = VALUE: Open MPI "
	 "complains, "
	 "and goes on without it\n",
	 1},
	{"/* open\n" USE, "", 0},
};

static void what_is_not_as_it_looks_is_said_with_its_line(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		judge(cases[i].text, &v414);
		assert_string_equal(said, cases[i].said);
		assert_int_equal(errors, cases[i].errors);
	}
}

static void a_forced_algorithm_beside_rules_is_said_as_the_version_has_it(void **state)
{
	char text[256], expected[300];

	snprintf(text, sizeof(text),
		 USE "coll_tuned_dynamic_rules_filename = %s\ncoll_tuned_bcast_algorithm = 6\n",
		 rules_path);
	judge(text, &v414);
	assert_string_equal(said, "3 beside a rules file coll_tuned_bcast_algorithm counts only "
				  "where the file has no rule in Open MPI 4.1.4: set one or the "
				  "other\n");
	judge(text, &v508);
	snprintf(expected, sizeof(expected), "before the file's rules in Open MPI 5.0.8");
	assert_non_null(strstr(said, expected));
}

static void findings_of_the_rules_stand_at_the_line_that_names_them(void **state)
{
	char text[256], expected[300];

	assert_int_equal(rg_io_replace_file(rules_path, "1 2 1 0 1\n0 99 0 0\n", 19, NULL), 0);
	snprintf(text, sizeof(text), "\n" USE "coll_tuned_dynamic_rules_filename = %s\n",
		 rules_path);
	judge(text, &v414);
	snprintf(expected, sizeof(expected),
		 "3 %s, line 2: MPI_Allreduce has no algorithm 99 in Open MPI 4.1.4",
		 strrchr(rules_path, '/') + 1);
	assert_non_null(strstr(said, expected));
	assert_int_equal(errors, 1);
}

static int check_text(const char *text, const char **kind, struct rg_err *err)
{
	struct rg_file_findings findings = {0};
	int rc;

	assert_int_equal(rg_io_replace_file(rules_path, text, strlen(text), NULL), 0);
	rc = rg_emit_check_file(rules_path, &v414, &findings, kind, err);
	rg_file_findings_release(&findings);
	return rc;
}

static void the_kind_of_a_file_is_told_by_what_is_in_it(void **state)
{
	struct rg_err err = {0};
	const char *kind = NULL;

	assert_int_equal(check_text("# x\n\n 1 2 0", &kind, &err), 0);
	assert_string_equal(kind, "rules of Open MPI's coll/tuned");
	assert_int_equal(check_text("rule-file-version-2\n", &kind, &err), 0);
	assert_string_equal(kind, "rules of Open MPI's coll/tuned");
	assert_int_equal(check_text("# x\n", &kind, &err), 0);
	assert_string_equal(kind, "MCA parameters of Open MPI");
	assert_int_equal(check_text("# x\nbtl = self\n", &kind, &err), 0);
	assert_string_equal(kind, "MCA parameters of Open MPI");
	assert_int_equal(check_text("{\"collectives\": {}}", &kind, &err), RG_ERR_UNSUPPORTED);
	assert_non_null(strstr(err.text, "from 6.0 on"));
	assert_int_equal(check_text("A=1\nexport A\n", &kind, &err), RG_ERR_UNSUPPORTED);
	assert_int_equal(check_text("rank 0=a slot=0\n", &kind, &err), RG_ERR_UNSUPPORTED);
	assert_int_equal(rg_emit_check_file("/no/such", &v414, NULL, &kind, &err),
			 RG_ERR_NOT_FOUND);
}

static void a_failing_allocation_is_an_error_or_a_finding_that_is_lost(void **state)
{
	char text[256];

	snprintf(text, sizeof(text), "coll_tuned_dynamic_rules_filename = %s\n", rules_path);
	assert_int_equal(rg_io_replace_file(rules_path, "1 2 1 0 1 0 4 0 0\n", 18, NULL), 0);
	for (unsigned long n = 1;; n++) {
		struct rg_file_findings findings = {0};
		bool over;
		int rc;

		rg_mem_fail_nth(n);
		rc = rg_params_judge(text, &v414, &findings, NULL);
		over = !rg_mem_fail_fired();
		assert_true(over ? !rc && !findings.lost : rc == RG_ERR_NO_MEMORY || findings.lost);
		rg_file_findings_release(&findings);
		if (over)
			break;
	}
	rg_mem_fail_nth(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_file_is_read_without_a_word),
		cmocka_unit_test(what_is_not_as_it_looks_is_said_with_its_line),
		cmocka_unit_test(a_forced_algorithm_beside_rules_is_said_as_the_version_has_it),
		cmocka_unit_test(findings_of_the_rules_stand_at_the_line_that_names_them),
		cmocka_unit_test(the_kind_of_a_file_is_told_by_what_is_in_it),
		cmocka_unit_test(a_failing_allocation_is_an_error_or_a_finding_that_is_lost),
	};

	return cmocka_run_group_tests(tests, make_rules, remove_rules);
}
