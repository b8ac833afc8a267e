/* SPDX-License-Identifier: BSD-3-Clause */
/* What the goldens of test_report.sh do not see: streaming, failures, progress. */
#include "config.h"

#include "railgauge/report/compare.h"
#include "railgauge/report/csv.h"
#include "railgauge/report/progress.h"
#include "railgauge/report/table.h"
#include "tests/measure/result_sample.h"

#include "railgauge/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* What a function printed, as a string. */
struct text {
	FILE *file;
	char *text;
	size_t len;
};

static struct text begin(void)
{
	struct text t = {0};

	t.file = tmpfile();
	assert_non_null(t.file);
	return t;
}

static const char *end(struct text *t)
{
	long len = ftell(t->file);

	assert_true(len >= 0);
	t->text = calloc(1, (size_t)len + 1);
	rewind(t->file);
	assert_int_equal(fread(t->text, 1, (size_t)len, t->file), len);
	fclose(t->file);
	return t->text;
}

static void a_table_printed_point_by_point_is_the_one_printed_at_once(void **state)
{
	static const char *const targets[] = {"railgauge", "mpi"};
	const struct rg_table_plan plan = {.targets = targets,
					   .ntargets = 2,
					   .out_of_place = true,
					   .in_place = true,
					   .access = {[RG_ACCESS_WINDOW] = true},
					   .persistent = true,
					   .cache = {[RG_CACHE_WARM] = true}};
	struct text whole = begin(), stream = begin();
	struct rg_result *r = sample_result(1, NULL);
	struct rg_table *table;

	assert_non_null(r);
	assert_int_equal(rg_table_print(r, NULL, whole.file, NULL), 0);
	assert_int_equal(rg_table_open(r, &plan, stream.file, &table, NULL), 0);
	for (uint32_t i = 0; i < r->npoints; i += 4)
		assert_int_equal(rg_table_add(table, &r->points[i], 4, NULL), 0);
	assert_int_equal(rg_table_close(table, r, NULL), 0);
	assert_string_equal(end(&whole), end(&stream));
	free(whole.text);
	free(stream.text);
	rg_result_close(r);
}

/* In lines with several columns: the bars stand one below another, however long a name is. */
static void targets_with_long_names_move_no_column(void **state)
{
	static const char *const targets[] = {"railgauge", "mpi:ring", "mpi:default",
					      "mpi:scatter_recursive_doubling_allgather"};
	const struct rg_table_plan plan = {.targets = targets,
					   .ntargets = 4,
					   .out_of_place = true,
					   .access = {[RG_ACCESS_WINDOW] = true},
					   .cache = {[RG_CACHE_WARM] = true}};
	struct rg_result *r = sample_result(1, NULL);
	struct text t = begin();
	struct rg_table *table;
	size_t bar = 0, bars = 0;
	const char *line;
	char *rest;

	assert_int_equal(rg_table_open(r, &plan, t.file, &table, NULL), 0);
	for (size_t i = 0; i < 4; i++) {
		struct rg_result_point point = r->points[0];

		point.target = targets[i];
		assert_int_equal(rg_table_add(table, &point, 1, NULL), 0);
	}
	assert_int_equal(rg_table_close(table, NULL, NULL), 0);
	end(&t);
	rest = t.text;
	while ((line = strsep(&rest, "\n"))) {
		const char *at = strstr(line, " | ");

		if (!at)
			continue;
		bar = bars++ ? bar : (size_t)(at - line);
		assert_int_equal(at - line, bar);
	}
	assert_int_equal(bars, 2 + 4); /* the title's is the end of its line */
	free(t.text);
	rg_result_close(r);
}

static void an_empty_result_has_a_table_as_well(void **state)
{
	struct text t = begin();
	struct rg_result *r;

	assert_int_equal(rg_result_open(&r, NULL), 0);
	assert_int_equal(rg_table_print(r, NULL, t.file, NULL), 0);
	assert_non_null(strstr(end(&t), "INCOMPLETE"));
	free(t.text);
	rg_result_close(r);
}

static void an_unknown_baseline_is_refused_before_anything_is_printed(void **state)
{
	struct rg_result *r = sample_result(1, NULL);
	struct text t = begin();
	struct rg_err err = {0};

	assert_int_equal(rg_table_print(r, "railgage", t.file, &err), RG_ERR_NOT_FOUND);
	assert_string_equal(err.text, "baseline railgage: no such target; did you mean railgauge?");
	assert_string_equal(end(&t), "");
	free(t.text);
	rg_result_close(r);
}

static void counters_that_must_not_move_are_named_with_port_and_meaning(void **state)
{
	struct rg_result *r = sample_result(1, NULL);
	struct rg_counters_reading *reading = &r->counters.readings[3];
	struct text t = begin();

	assert_int_equal(rg_table_print(r, NULL, t.file, NULL), 0);
	assert_non_null(strstr(end(&t), "# Counters that must not move, and did\n"
					"#   node1 mlx5_1 port 1: packet_seq_err by 1, 64KB: "
					"sequence errors that a peer reported: what was sent got "
					"lost, or overtaken\n"));
	free(t.text);
	/* At its largest value before and after: who knows. */
	reading->moved[0].by = 0;
	reading->moved[0].how = RG_NIC_SATURATED;
	t = begin();
	assert_int_equal(rg_table_print(r, NULL, t.file, NULL), 0);
	assert_non_null(strstr(end(&t), "tell nothing: at their largest value, or gone\n"
					"#   node1 mlx5_1 port 1: packet_seq_err, 64KB: "));
	assert_null(strstr(t.text, "and did\n"));
	free(t.text);
	/* What is gone has nothing more to say. */
	reading->nmoved = 0;
	reading->gone = true;
	t = begin();
	assert_int_equal(rg_table_print(r, NULL, t.file, NULL), 0);
	assert_non_null(strstr(end(&t), "# Adapters whose counters could not be read any more\n"
					"#   node1 mlx5_1 port 1, from 64KB on\n"));
	free(t.text);
	reading->gone = false;
	r->counters.readings[0].stale_ns = 1000000000;
	t = begin();
	assert_int_equal(rg_table_print(r, NULL, t.file, NULL), 0);
	assert_non_null(strstr(end(&t), "# Counters of 2 adapter ports, read around each size: "
					"none that must not move did (some tell up to 1.00 s "
					"late)\n"));
	free(t.text);
	rg_result_close(r);
}

static void signs_of_load_are_added_up_over_the_sizes(void **state)
{
	const struct rg_nic_moved rows[] = {
		{.group = RG_NIC_FROM_HW, .how = RG_NIC_COUNTED, .by = 7, .name = "send_rnr_err"},
	};
	struct rg_counters_reading reading = {.nic = 0, .npoints = 4, .read = 9};
	struct rg_result *r = sample_result(1, NULL);
	struct text t = begin();

	for (uint32_t i = 0; i < 2; i++) {
		reading.first_point = 4 * i;
		assert_int_equal(rg_counters_add_reading(&r->counters, &reading, rows, 1, NULL), 0);
	}
	assert_int_equal(rg_table_print(r, NULL, t.file, NULL), 0);
	assert_non_null(strstr(end(&t), "# Counters that moved, as they may with load\n"
					"#   node1 mlx5_0 port 1: send_rnr_err by 14, 8B to 64KB: "
					"answers \"receiver not ready\" to peers"));
	/* What is only informative is in the document. */
	assert_null(strstr(t.text, "port_xmit_data"));
	free(t.text);
	rg_result_close(r);
}

/* One launch of each of two. */
static int compare(struct rg_result *a, struct rg_result *b,
		   int (*print)(const struct rg_report *, FILE *, struct rg_err *), FILE *out)
{
	static const char *const paths[] = {"a", "b"};
	const struct rg_side sides[] = {{"A", &paths[0], &a, 1}, {"B", &paths[1], &b, 1}};
	const struct rg_report report = {.sides = sides, .nsides = 2};

	return print(&report, out, NULL);
}

/* Two launches, alone and against one. */
static int compare_groups(struct rg_result *a, struct rg_result *b, FILE *out)
{
	static const char *const paths[] = {"a", "b"};
	struct rg_result *both[] = {a, b};
	const struct rg_side sides[] = {{"A", paths, both, 2}, {"B", &paths[1], &b, 1}};
	const struct rg_report launches = {.sides = sides, .nsides = 1};
	const struct rg_report groups = {.sides = sides, .nsides = 2};
	int rc = rg_launches_print(&launches, out, NULL);

	rc = rc ? rc : rg_launches_csv(&launches, out, NULL);
	rc = rc ? rc : rg_compare_print(&groups, out, NULL);
	return rc ? rc : rg_compare_csv(&groups, out, NULL);
}

static void no_line_ends_in_blanks(void **state)
{
	struct rg_result *r = sample_result(1, NULL);
	struct text t = begin();
	const char *text;

	assert_int_equal(rg_table_print(r, NULL, t.file, NULL), 0);
	assert_int_equal(compare(r, r, rg_compare_print, t.file), 0);
	text = end(&t);
	assert_null(strstr(text, " \n"));
	free(t.text);
	rg_result_close(r);
}

/* Everything that prints, as the sweep below calls it. */
static int print_everything(struct rg_result *a, struct rg_result *b, FILE *out)
{
	int rc = rg_table_print(a, NULL, out, NULL);

	rc = rc ? rc : compare(a, b, rg_compare_print, out);
	rc = rc ? rc : compare(a, b, rg_compare_csv, out);
	rc = rc ? rc : rg_csv_print(a, out, NULL);
	return rc ? rc : compare_groups(a, b, out);
}

static void a_failing_allocation_is_an_error_and_leaks_nothing(void **state)
{
	struct rg_result *a = sample_result(1, NULL), *b = sample_result(1.5, NULL);
	FILE *out = fopen("/dev/null", "w");
	int failed = 0;

	assert_true(a && b && out);
	for (unsigned long n = 1;; n++) {
		int rc;

		rg_mem_fail_nth(n);
		rc = print_everything(a, b, out);
		if (!rg_mem_fail_fired()) {
			assert_int_equal(rc, 0);
			break;
		}
		assert_int_equal(rc, RG_ERR_NO_MEMORY);
		failed++;
	}
	rg_mem_fail_nth(0);
	assert_true(failed >= 7);
	fclose(out);
	rg_result_close(a);
	rg_result_close(b);
}

static void a_full_disk_is_noticed(void **state)
{
	struct rg_result *r = sample_result(1, NULL);
	FILE *out = fopen("/dev/full", "w");
	struct rg_err err = {0};

	if (!out) {
		rg_result_close(r);
		print_message("no /dev/full here\n");
		skip();
	}
	assert_int_equal(rg_csv_print(r, out, &err), RG_ERR_SYSTEM);
	assert_non_null(strstr(err.text, "No space left"));
	assert_int_equal(rg_csv_write(r, "/nonexistent/file.csv", &err), RG_ERR_SYSTEM);
	fclose(out);
	rg_result_close(r);
}

static void progress_that_is_no_terminal_gets_one_line_per_stage(void **state)
{
	struct rg_progress p;
	struct text t = begin();

	rg_progress_init(&p, t.file);
	rg_progress_stage(&p, "calibrating", 2500000000u);
	for (uint32_t i = 1; i <= 100; i++)
		rg_progress_step(&p, i, 100, "a footprint", 0);
	rg_progress_hide(&p);
	rg_progress_stage(&p, "measuring 25 sizes", 0);
	assert_string_equal(end(&t), "railgauge: calibrating, about 2 s\n"
				     "railgauge: measuring 25 sizes\n");
	free(t.text);
}

static void progress_on_a_terminal_is_one_line_written_anew(void **state)
{
	struct rg_progress p;
	struct text t = begin();
	const char *text;

	rg_progress_init(&p, t.file);
	p.terminal = true;
	rg_progress_stage(&p, "measuring", 0);
	rg_progress_step(&p, 3, 10, "64K", 7000000000u);
	for (int i = 0; i < 1000; i++)
		rg_progress_step(&p, 4, 10, "128K", 7000000000u); /* too soon to be seen */
	rg_progress_hide(&p);
	rg_progress_hide(&p);
	text = end(&t);
	assert_null(strchr(text, '\n'));
	assert_non_null(strstr(text, "\r\033[Kmeasuring: 3 of 10, 64K, about 7 s left"));
	assert_string_equal(strrchr(text, '\r'), "\r\033[K");
	free(t.text);
}

static void silent_progress_writes_nothing(void **state)
{
	struct rg_progress p;

	rg_progress_init(&p, NULL);
	rg_progress_stage(&p, "measuring", 0);
	rg_progress_step(&p, 1, 2, NULL, 0);
	rg_progress_hide(&p);
	assert_false(p.shown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_that_must_not_move_are_named_with_port_and_meaning),
		cmocka_unit_test(signs_of_load_are_added_up_over_the_sizes),
		cmocka_unit_test(a_table_printed_point_by_point_is_the_one_printed_at_once),
		cmocka_unit_test(targets_with_long_names_move_no_column),
		cmocka_unit_test(an_empty_result_has_a_table_as_well),
		cmocka_unit_test(an_unknown_baseline_is_refused_before_anything_is_printed),
		cmocka_unit_test(no_line_ends_in_blanks),
		cmocka_unit_test(a_failing_allocation_is_an_error_and_leaks_nothing),
		cmocka_unit_test(a_full_disk_is_noticed),
		cmocka_unit_test(progress_that_is_no_terminal_gets_one_line_per_stage),
		cmocka_unit_test(progress_on_a_terminal_is_one_line_written_anew),
		cmocka_unit_test(silent_progress_writes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
