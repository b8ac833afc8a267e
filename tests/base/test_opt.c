/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "opt_sample.h"

#include "railgauge/base/mem.h"
#include "railgauge/base/opt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* One parse and all that it gives. */
struct result {
	struct config main;
	struct shm_config shm;
	struct rg_opt_origins origins;
	struct rg_err err;
	int rc, first, argc;
	char *argv[16];
};

/* words is split at '|', so that values may hold blanks. */
static struct result parse(const struct rg_opt_command *command, const char *words)
{
	static char text[512];
	struct result r = {.main.untouched = 77, .first = -1};
	void *const bases[] = {&r.main, &r.shm};

	snprintf(text, sizeof(text), "%s", words);
	r.argv[r.argc++] = (char *)"bench";
	for (char *at = text; *at; r.argc++) {
		char *bar = strchr(at, '|');

		r.argv[r.argc] = at;
		at = bar ? bar + 1 : at + strlen(at);
		if (bar)
			*bar = '\0';
	}
	r.rc = rg_opt_parse(command, r.argc, r.argv, bases, &r.origins, &r.first, &r.err);
	return r;
}

static void assert_refused(const char *words, int code, const char *text)
{
	struct result r = parse(&bench, words);
	struct config zero = {.untouched = 77};

	assert_string_equal(r.err.text, text);
	assert_int_equal(r.rc, code);
	assert_int_equal(r.err.code, code);
	assert_memory_equal(&r.main, &zero, sizeof(zero));
	assert_int_equal(r.first, -1);
}

static void defaults_come_from_the_table(void **state)
{
	struct result r = parse(&bench, "");

	assert_int_equal(r.rc, 0);
	assert_int_equal(r.main.min_bytes, 8);
	assert_int_equal(r.main.iterations, 20);
	assert_true(r.main.factor == 2.0);
	assert_int_equal(r.main.limit_ns, 10000000000);
	assert_int_equal(r.main.order, 0);
	assert_null(r.main.json);
	assert_false(r.main.dry_run);
	assert_true(r.main.check);
	assert_int_equal(r.shm.spin, -1);
	assert_int_equal(r.main.untouched, 77);
	assert_int_equal(r.first, 1);
	for (size_t i = 0; i < 9; i++)
		assert_int_equal(r.origins.of[i], RG_OPT_FROM_DEFAULT);
}

static void every_type_is_read_from_the_command_line(void **state)
{
	struct result r = parse(&bench, "-b|64K|-n7|--factor=4|--limit|250ms|--order|falling|"
					"--json=out.json|--dry-run|--no-check|--shm.spin|100");

	assert_string_equal(r.err.text, "");
	assert_int_equal(r.rc, 0);
	assert_int_equal(r.main.min_bytes, 65536);
	assert_int_equal(r.main.iterations, 7);
	assert_true(r.main.factor == 4.0);
	assert_int_equal(r.main.limit_ns, 250000000);
	assert_int_equal(r.main.order, 2);
	assert_string_equal(r.main.json, "out.json");
	assert_true(r.main.dry_run);
	assert_false(r.main.check);
	assert_int_equal(r.shm.spin, 100);
	for (size_t i = 0; i < 9; i++)
		assert_int_equal(r.origins.of[i], RG_OPT_FROM_COMMAND_LINE);
}

static void options_may_stand_on_both_sides_of_an_operand(void **state)
{
	struct result r = parse(&bench, "-n|3|allreduce|--dry-run|second");

	assert_int_equal(r.rc, 0);
	assert_int_equal(r.main.iterations, 3);
	assert_true(r.main.dry_run);
	assert_int_equal(r.argc - r.first, 2);
	assert_string_equal(r.argv[r.first], "allreduce");
	assert_string_equal(r.argv[r.first + 1], "second");
}

static void the_command_after_two_dashes_keeps_its_options(void **state)
{
	struct result r = parse(&driver, "-n|4|--|mpirun|-n|9|--unknown");

	assert_int_equal(r.rc, 0);
	assert_int_equal(r.main.iterations, 4);
	assert_int_equal(r.first, 4);
	assert_string_equal(r.argv[r.first], "mpirun");
	assert_string_equal(r.argv[r.argc - 1], "--unknown");
	r = parse(&driver, "-n|4|mpirun|-n|9");
	assert_int_equal(r.rc, 0);
	assert_int_equal(r.main.iterations, 4);
	assert_int_equal(r.first, 3);
	r = parse(&driver, "-n|4");
	assert_int_equal(r.first, r.argc);
}

static void a_command_without_operands_refuses_them(void **state)
{
	struct result r = parse(&plain, "-n|4|stray");

	assert_int_equal(r.rc, RG_ERR_INVALID);
	assert_string_equal(r.err.text, "\"stray\": nothing but options expected");
}

static void unknown_options_are_named_with_the_nearest_one(void **state)
{
	assert_refused("--itres|5", RG_ERR_INVALID,
		       "--itres: no such option; did you mean --iters?");
	assert_refused("--dryrun", RG_ERR_INVALID,
		       "--dryrun: no such option; did you mean --dry-run?");
	assert_refused("--shm.spni=5", RG_ERR_INVALID,
		       "--shm.spni: no such option; did you mean --shm.spin?");
	assert_refused("-n|5|allreduce|--quantum", RG_ERR_INVALID,
		       "--quantum: no such option; see railgauge bench --help");
	assert_refused("--no-dry-run", RG_ERR_INVALID,
		       "--no-dry-run: no such option; did you mean --dry-run?");
	assert_refused("-x", RG_ERR_INVALID, "-x: no such option; see railgauge bench --help");
	assert_refused("--dry-run|-cx", RG_ERR_INVALID,
		       "-x: no such option; see railgauge bench --help");
	assert_refused("--dry-run|-xc", RG_ERR_INVALID,
		       "-x: no such option; see railgauge bench --help");
}

static void abbreviations_must_be_unique(void **state)
{
	struct result r = parse(&bench, "--it|5");

	assert_int_equal(r.rc, 0);
	assert_int_equal(r.main.iterations, 5);
	assert_refused("--=5", RG_ERR_INVALID, "--: could be --minbytes or --iters");
}

static void missing_and_unwanted_values_are_errors(void **state)
{
	assert_refused("--iters", RG_ERR_INVALID, "--iters: needs a value (N)");
	assert_refused("-cn", RG_ERR_INVALID, "--iters: -n needs a value (N)");
	assert_refused("--dry-run=yes", RG_ERR_INVALID, "--dry-run: takes no value, \"yes\" given");
}

static void bad_values_name_the_option_the_value_and_what_was_expected(void **state)
{
	assert_refused("-b|8Q", RG_ERR_INVALID,
		       "--minbytes: \"8Q\" is not a size such as 8, 64K or 1.5M");
	assert_refused("-b|2M", RG_ERR_RANGE, "--minbytes: 2M is not between 1 and 1M");
	assert_refused("-b|0", RG_ERR_RANGE, "--minbytes: 0 is not between 1 and 1M");
	assert_refused("-n|0", RG_ERR_RANGE, "--iters: 0 is not between 1 and 1000");
	assert_refused("-n|ten", RG_ERR_INVALID, "--iters: \"ten\" is not a whole number");
	assert_refused("-f|1", RG_ERR_RANGE, "--factor: 1 is not between 1.5 and 16");
	assert_refused("-f|nan", RG_ERR_INVALID, "--factor: \"nan\" is not a number");
	assert_refused("-f|2x", RG_ERR_INVALID, "--factor: \"2x\" is not a number");
	assert_refused("--limit=2h", RG_ERR_RANGE, "--limit: 2h is not between 1.00 ms and 3600 s");
	assert_refused("--order=riseing", RG_ERR_INVALID,
		       "--order: no \"riseing\"; did you mean rising?");
	assert_refused("--order=7", RG_ERR_INVALID,
		       "--order: \"7\" is not random, rising or falling");
	assert_refused("--order=", RG_ERR_INVALID,
		       "--order: \"\" is not random, rising or falling");
}

static void the_environment_comes_before_the_default_and_after_the_command_line(void **state)
{
	struct result r;

	setenv("RG_TEST_ITERS", "50", 1);
	setenv("RG_TEST_CHECK", "off", 1);
	r = parse(&bench, "");
	assert_int_equal(r.main.iterations, 50);
	assert_int_equal(r.origins.of[1], RG_OPT_FROM_ENVIRONMENT);
	assert_false(r.main.check);
	r = parse(&bench, "-n|60|-c");
	assert_int_equal(r.main.iterations, 60);
	assert_int_equal(r.origins.of[1], RG_OPT_FROM_COMMAND_LINE);
	assert_true(r.main.check);
	setenv("RG_TEST_ITERS", "", 1);
	r = parse(&bench, "");
	assert_int_equal(r.main.iterations, 20);
	assert_int_equal(r.origins.of[1], RG_OPT_FROM_DEFAULT);
	setenv("RG_TEST_ITERS", "5000", 1);
	assert_refused("-n|60", RG_ERR_RANGE,
		       "RG_TEST_ITERS in the environment: 5000 is not between 1 and 1000");
	unsetenv("RG_TEST_ITERS");
	setenv("RG_TEST_CHECK", "perhaps", 1);
	assert_refused("", RG_ERR_INVALID,
		       "RG_TEST_CHECK in the environment: \"perhaps\" is neither yes nor no");
	unsetenv("RG_TEST_CHECK");
}

static void the_record_holds_every_value_with_its_origin(void **state)
{
	struct result r;
	const void *bases[] = {&r.main, &r.shm};
	json_t *record, *expected;

	setenv("RG_TEST_ITERS", "50", 1);
	r = parse(&bench, "-b|64K|--order|rising");
	unsetenv("RG_TEST_ITERS");
	record = rg_opt_record(&bench, bases, &r.origins);
	expected = json_pack("[{s:s,s:i,s:s},{s:s,s:i,s:s},{s:s,s:f,s:s},{s:s,s:I,s:s},{s:s,s:s,s:"
			     "s},{s:s,s:n,s:s},{s:s,s:b,s:s},{s:s,s:b,s:s},{s:s,s:i,s:s}]",
			     "name", "minbytes", "value", 65536, "origin", "command line", //
			     "name", "iters", "value", 50, "origin", "environment",	   //
			     "name", "factor", "value", 2.0, "origin", "default",	   //
			     "name", "limit", "value", (json_int_t)10000000000, "origin", "default",
			     "name", "order", "value", "rising", "origin", "command line", //
			     "name", "json", "value", "origin", "default",		   //
			     "name", "dry-run", "value", 0, "origin", "default",	   //
			     "name", "check", "value", 1, "origin", "default",		   //
			     "name", "shm.spin", "value", -1, "origin", "default");
	assert_non_null(expected);
	assert_true(json_equal(record, expected));
	json_decref(record);
	json_decref(expected);
}

/* What the option of that name makes of a value; takes the reference. */
static void assert_value_text(const char *name, json_t *value, const char *expected)
{
	char *text = rg_opt_value_text(rg_opt_find(bench.tables, name), value);

	assert_non_null(text);
	assert_string_equal(text, expected);
	rg_free(text);
	json_decref(value);
}

static void a_recorded_value_is_told_with_its_unit(void **state)
{
	static const struct rg_opt percent = {
		.name = "precision", .type = RG_OPT_NUMBER, .value = "PERCENT"};
	json_t *two = json_real(2);
	char *text = rg_opt_value_text(&percent, two);

	assert_string_equal(text, "2 %");
	rg_free(text);
	json_decref(two);
	assert_value_text("minbytes", json_integer(8), "8B");
	assert_value_text("minbytes", json_integer(1536), "1.5KiB");
	assert_value_text("minbytes", json_integer(1000), "1000B");
	assert_value_text("limit", json_integer(10000000000), "10s");
	assert_value_text("limit", json_integer(1500000), "1500us");
	assert_value_text("limit", json_integer(1), "1ns");
	assert_value_text("limit", json_integer(0), "0s");
	assert_value_text("factor", json_real(1.25), "1.25");
	assert_value_text("iters", json_integer(50), "50");
	assert_value_text("check", json_true(), "yes");
	assert_value_text("json", json_null(), "not set");
	assert_value_text("order", json_string("rising"), "rising");
	/* What does not fit, and what this version does not know. */
	assert_value_text("limit", json_string("soon"), "soon");
	assert_value_text("minbytes", json_integer(-1), "-1");
	assert_value_text("no-such", json_integer(65536), "65536");
}

/* What a parse of words prints on stdout. */
static int parse_printing(const char *words, char *text, size_t len_bytes)
{
	FILE *file = tmpfile();
	int saved = dup(STDOUT_FILENO);
	struct result r;
	size_t n;

	assert_non_null(file);
	fflush(stdout);
	dup2(fileno(file), STDOUT_FILENO);
	r = parse(&bench, words);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(file);
	n = fread(text, 1, len_bytes - 1, file);
	text[n] = '\0';
	fclose(file);
	return r.rc;
}

static void help_prints_every_option_in_table_order_and_returns_1(void **state)
{
	static const char *const in_order[] = {"Usage: railgauge bench [OPTION...] COLLECTIVE",
					       "time collectives",
					       "-b, --minbytes=SIZE",
					       "smallest size (default 8)",
					       "-n, --iters=N",
					       "RG_TEST_ITERS",
					       "--order=ORDER",
					       "random, rising or",
					       "--dry-run",
					       "--no-check",
					       "--shm.spin=N",
					       "--help",
					       "--version",
					       "More text."};
	char text[8192];
	const char *at = text;

	assert_int_equal(parse_printing("--help|--unknown", text, sizeof(text)), 1);
	for (size_t i = 0; i < sizeof(in_order) / sizeof(in_order[0]); i++) {
		at = strstr(at, in_order[i]);
		if (!at)
			fail_msg("missing or misplaced: %s in\n%s", in_order[i], text);
	}
}

static void help_is_printed_even_when_the_environment_is_wrong(void **state)
{
	char text[8192];

	setenv("RG_TEST_ITERS", "junk", 1);
	assert_int_equal(parse_printing("-h", text, sizeof(text)), 1);
	unsetenv("RG_TEST_ITERS");
}

static void version_is_one_line_and_returns_1(void **state)
{
	char text[256];

	assert_int_equal(parse_printing("--version", text, sizeof(text)), 1);
	assert_string_equal(text, "railgauge " PACKAGE_VERSION "\n");
}

static void unsound_tables_are_refused(void **state)
{
	static const struct rg_opt bad[][3] = {
		{{.name = "a", .type = RG_OPT_FLAG, .help = "x"},
		 {.name = "a", .type = RG_OPT_FLAG, .help = "x"}},
		{{.name = "a", .letter = 'l', .type = RG_OPT_FLAG, .help = "x"},
		 {.name = "b", .letter = 'l', .type = RG_OPT_FLAG, .help = "x"}},
		{{.name = "help", .type = RG_OPT_FLAG, .help = "x"}},
		{{.name = "a", .letter = 'V', .type = RG_OPT_FLAG, .help = "x"}},
		{{.name = "a", .type = RG_OPT_FLAG, .help = ""}},
		{{.name = "a", .type = RG_OPT_FLAG, .value = "N", .help = "x"}},
		{{.name = "a", .type = RG_OPT_INT, .help = "x"}},
		{{.name = "a", .type = RG_OPT_CHOICE, .value = "N", .help = "x"}},
		{{.name = "a", .type = RG_OPT_INT, .value = "N", .dflt = "x", .help = "x"}},
		{{.name = "a",
		  .type = RG_OPT_INT,
		  .value = "N",
		  .dflt = "9",
		  .min = 1,
		  .max = 8,
		  .help = "x"}},
		{{.name = "a", .type = RG_OPT_INT, .value = "N", .min = 2, .max = 1, .help = "x"}},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct rg_opt *const list[] = {bad[i], NULL};
		const struct rg_opt_command command = {.name = "x", .summary = "x", .tables = list};
		struct rg_err err = {0};

		if (rg_opt_check(&command, &err) != RG_ERR_INTERNAL)
			fail_msg("table %zu passed", i);
		assert_int_equal(err.code, RG_ERR_INTERNAL);
	}
	assert_int_equal(rg_opt_check(&bench, NULL), 0);
}

static void failing_allocations_are_errors_and_leave_everything_alone(void **state)
{
	for (unsigned long n = 1;; n++) {
		struct result r;

		rg_mem_fail_nth(n);
		r = parse(&bench, "-n|5");
		if (!rg_mem_fail_fired()) {
			assert_int_equal(r.rc, 0);
			assert_true(n > 5);
			break;
		}
		assert_int_equal(r.rc, RG_ERR_NO_MEMORY);
		assert_int_equal(r.main.iterations, 0);
	}
	rg_mem_fail_nth(0);
}

static void the_nearest_word_is_one_that_may_be_meant(void **state)
{
	static const char *const words[] = {"allreduce", "alltoall", "allgather",
					    "bench",	 "topo",     NULL};

	assert_string_equal(rg_opt_nearest("allreduce", words), "allreduce");
	assert_string_equal(rg_opt_nearest("alreduce", words), "allreduce");
	assert_string_equal(rg_opt_nearest("AllReduce", words), "allreduce");
	assert_string_equal(rg_opt_nearest("all-to-all", words), "alltoall");
	assert_string_equal(rg_opt_nearest("bnech", words), "bench");
	assert_string_equal(rg_opt_nearest("allg", words), "allgather");
	assert_string_equal(rg_opt_nearest("tpoo", words), "topo");
	assert_null(rg_opt_nearest("xyz", words));
	assert_null(rg_opt_nearest("t", words));
	assert_null(rg_opt_nearest("", words));
	assert_null(rg_opt_nearest("report", words));
	assert_null(
		rg_opt_nearest("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			       "aaaaaaaaaaaaaaaaaa",
			       words));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_come_from_the_table),
		cmocka_unit_test(every_type_is_read_from_the_command_line),
		cmocka_unit_test(options_may_stand_on_both_sides_of_an_operand),
		cmocka_unit_test(the_command_after_two_dashes_keeps_its_options),
		cmocka_unit_test(a_command_without_operands_refuses_them),
		cmocka_unit_test(unknown_options_are_named_with_the_nearest_one),
		cmocka_unit_test(abbreviations_must_be_unique),
		cmocka_unit_test(missing_and_unwanted_values_are_errors),
		cmocka_unit_test(bad_values_name_the_option_the_value_and_what_was_expected),
		cmocka_unit_test(
			the_environment_comes_before_the_default_and_after_the_command_line),
		cmocka_unit_test(the_record_holds_every_value_with_its_origin),
		cmocka_unit_test(a_recorded_value_is_told_with_its_unit),
		cmocka_unit_test(help_prints_every_option_in_table_order_and_returns_1),
		cmocka_unit_test(help_is_printed_even_when_the_environment_is_wrong),
		cmocka_unit_test(version_is_one_line_and_returns_1),
		cmocka_unit_test(unsound_tables_are_refused),
		cmocka_unit_test(failing_allocations_are_errors_and_leave_everything_alone),
		cmocka_unit_test(the_nearest_word_is_one_that_may_be_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
