/* SPDX-License-Identifier: BSD-3-Clause */
/* What the pages of test_html.sh do not see: axes, scripts, drawings, the program behind. */
#include "config.h"

#include "report/filter.h"
#include "report/plot.h"
#include "report/plot_axes.h"
#include "report/svg.h"
#include "tests/measure/result_sample.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/log.h"
#include "railgauge/base/mem.h"
#include "railgauge/report/html.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define SECONDS ((uint64_t)1000000000)

/* What a function printed, as a string that lives until the next call. */
static char text[1 << 16];

static FILE *begin(void)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	return f;
}

static const char *end(FILE *f)
{
	size_t n;

	rewind(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	assert_true(n < sizeof(text) - 1);
	text[n] = '\0';
	fclose(f);
	return text;
}

/* --- programs as filters --- */

static int filter(const char *script, const char *input, size_t len, uint64_t timeout_ns,
		  char **output_out, struct rg_err *err)
{
	char sh[] = "sh", dash_c[] = "-c", command[256];
	char *argv[] = {sh, dash_c, command, NULL};

	snprintf(command, sizeof(command), "%s", script);
	return rg_filter_run(argv, input, len, timeout_ns, output_out, err);
}

static void a_filter_gets_all_of_its_input_and_gives_all_of_its_output(void **state)
{
	size_t len = 3 << 20; /* more than a pipe holds */
	char *input = malloc(len), *output;

	assert_non_null(input);
	memset(input, 'x', len);
	assert_int_equal(filter("tr x y", input, len, 60 * SECONDS, &output, NULL), 0);
	assert_int_equal(strlen(output), len);
	assert_int_equal(strspn(output, "y"), len);
	rg_free(output);
	assert_int_equal(filter("cat", "", 0, 60 * SECONDS, &output, NULL), 0);
	assert_string_equal(output, "");
	rg_free(output);
	free(input);
}

static void a_filter_that_fails_is_told_with_its_first_line(void **state)
{
	char no[] = "/nonexistent/program", *argv[] = {no, NULL}, *output = NULL;
	struct rg_err err = {0};

	assert_int_equal(filter("echo; echo '  why ' >&2; echo more >&2; exit 3", "", 0,
				60 * SECONDS, &output, &err),
			 RG_ERR_SYSTEM);
	assert_string_equal(err.text, "sh: ended with 3: why");
	assert_int_equal(filter("kill -TERM $$", "", 0, 60 * SECONDS, &output, &err),
			 RG_ERR_SYSTEM);
	assert_string_equal(err.text, "sh: ended by signal 15 (Terminated)");
	assert_int_equal(rg_filter_run(argv, "", 0, SECONDS, &output, &err), RG_ERR_NOT_FOUND);
	assert_null(output);
}

static void a_filter_that_hangs_is_ended_at_its_deadline(void **state)
{
	uint64_t begun_ns = rg_clock_ns();
	struct rg_err err = {0};
	char *output = NULL;

	assert_int_equal(filter("trap '' TERM; while :; do sleep 1; done", "", 0, SECONDS / 5,
				&output, &err),
			 RG_ERR_TIMEOUT);
	assert_string_equal(err.text, "sh: not done after 0.2 s");
	assert_true(rg_clock_ns() - begun_ns >= SECONDS / 5);
	assert_null(output);
}

static void a_filter_that_writes_without_end_is_refused(void **state)
{
	struct rg_err err = {0};
	char *output = NULL;

	assert_int_equal(filter("head -c 17000000 /dev/zero", "", 0, 60 * SECONDS, &output, &err),
			 RG_ERR_LIMIT);
	assert_string_equal(err.text, "sh: 17000000 bytes of output, more than 16777216");
}

/* --- axes --- */

/* How many numbers stand on an axis; each lies within its range. */
static uint32_t count_names(const char *axis)
{
	const char *p = strstr(axis, "range [");
	double least, most, at;
	uint32_t n = 0;
	char name[32];

	assert_non_null(p);
	assert_int_equal(sscanf(p, "range [%lf:%lf]", &least, &most), 2);
	p = strstr(p, "tics (");
	assert_non_null(p);
	for (p = strchr(p, '"'); p; p = strchr(p, '"')) {
		size_t len = strcspn(++p, "\"");

		snprintf(name, sizeof(name), "%.*s", (int)len, p);
		p += len + 1;
		assert_int_equal(sscanf(p, "%lf", &at), 1);
		assert_true(at >= least && at <= most);
		n += name[0] != '\0';
	}
	return n;
}

static void an_axis_of_values_has_some_numbers_whatever_its_range(void **state)
{
	for (double least = 1e-4; least < 1e7; least *= 1.37) {
		for (double span = 1; span < 1e9; span *= 1.61) {
			struct plot_range range = {0};
			FILE *f = begin();
			uint32_t n;

			plot_range_add(&range, least * span);
			plot_range_add(&range, least);
			plot_axis_values("y", &range, f);
			n = count_names(end(f));
			if (n < 2 || n > 10)
				fail_msg("%u numbers from %g to %g: %s", n, least, least * span,
					 text);
		}
	}
}

static void an_axis_of_sizes_has_powers_of_two(void **state)
{
	for (int first = 0; first < 40; first++) {
		for (int last = first; last < 44; last++) {
			struct plot_range range = {(double)((uint64_t)1 << first),
						   (double)((uint64_t)1 << last)};
			FILE *f = begin();
			uint32_t n;

			plot_axis_sizes("x", &range, f);
			n = count_names(end(f));
			assert_true(n >= 1 && n <= 9);
		}
	}
	assert_non_null(strstr(text, "\"8T\" 8796093022208 0"));
}

/* --- drawings --- */

static void ids_of_a_drawing_get_a_prefix_and_what_is_around_it_goes(void **state)
{
	static const char drawing[] =
		"<?xml?>\n<svg width=\"9\"\n xmlns=\"http://www.w3.org/2000/svg\">"
		"<title>Gnuplot</title><desc>by it</desc><g id=\"a\"><use xlink:href='#b' id='b'/>"
		"<title>kept? no</title><text>grid='x'</text><path fill='url(#a)'/></g></svg>\n\n";
	FILE *f = begin();

	assert_int_equal(rg_svg_print(drawing, 60, 40, "p1-", f, NULL), 0);
	assert_string_equal(end(f), "<svg viewBox=\"0 0 60 40\" role=\"img\"><g id=\"p1-a\">"
				    "<use xlink:href='#p1-b' id='p1-b'/><text>grid='x'</text>"
				    "<path fill='url(#p1-a)'/></g></svg>\n");
}

static void what_is_no_drawing_is_refused_and_nothing_printed(void **state)
{
	static const char *const texts[] = {"", "gnuplot> ?", "<svg", "<svg>", "</svg><svg"};
	FILE *f = begin();

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(rg_svg_print(texts[i], 1, 1, "", f, NULL), RG_ERR_FORMAT);
	assert_string_equal(end(f), "");
}

/* --- what gnuplot is told --- */

/* The script of the first figure of two results. */
static const char *script_of(struct rg_result *a, struct rg_result *b)
{
	static const char *const paths[] = {"a", "b"};
	const struct rg_side sides[] = {{"A", &paths[0], &a, 1}, {"B", &paths[1], &b, 1}};
	const struct rg_report report = {.sides = sides, .nsides = b ? 2 : 1};
	static const char *const targets[] = {"railgauge", "mpi"};
	struct rg_figure *figures;
	struct rg_plot plot = {.report = &report, .targets = targets, .ntargets = 2};
	FILE *f = begin();
	uint32_t n;

	assert_int_equal(rg_figures_open(&report, &figures, &n, NULL), 0);
	assert_int_equal(n, 2);
	plot.figure = &figures[0];
	assert_int_equal(rg_plot_script(&plot, f, NULL), 0);
	rg_figures_close(figures, n);
	return end(f);
}

/* Copies the line of the script that draws the points of that title. */
static void line_of(const char *title, char *line, size_t room)
{
	const char *at = strstr(text, title), *first = at;

	assert_non_null(at);
	while (first > text && first[-1] != '\n')
		first--;
	snprintf(line, room, "%.*s", (int)(at - first), first);
}

static void a_line_has_its_times_and_intervals_in_microseconds(void **state)
{
	struct rg_result *r = sample_result(1, NULL);

	assert_non_null(r);
	script_of(r, NULL);
	/* 90 ns, its interval by hand from the samples within 3 %: n is 21, j is 6. */
	assert_non_null(strstr(text, "\n8 0.09 0.08865 0.09135\n"));
	/* The bound of 8 bytes is the cache line's 50 ns. */
	assert_non_null(strstr(text, "\n8 0.05 0.05 0.05\n"));
	assert_non_null(strstr(text, "yerrorbars"));
	assert_non_null(strstr(text, "set logscale xy\n"));
	rg_result_close(r);
}

static void the_line_of_the_bound_bounds_all_targets(void **state)
{
	struct rg_result *r = sample_result(1, NULL);

	assert_non_null(r);
	assert_string_equal(r->points[0].target, "railgauge");
	r->points[0].bound_ns = 80; /* mpi's is 50 */
	script_of(r, NULL);
	assert_non_null(strstr(text, "\n8 0.05 0.05 0.05\n"));
	assert_null(strstr(text, "\n8 0.08 0.08 0.08\n"));
	rg_result_close(r);
}

static void of_two_sides_a_target_has_one_colour_and_other_points_and_dashes(void **state)
{
	struct rg_result *a = sample_result(1, NULL), *b = sample_result(1.5, NULL);
	char lines[4][160];

	assert_true(a && b);
	script_of(a, b);
	line_of("title 'A railgauge'", lines[0], sizeof(lines[0]));
	line_of("title 'B railgauge'", lines[1], sizeof(lines[1]));
	line_of("title 'A mpi'", lines[2], sizeof(lines[2]));
	line_of("title 'B mpi'", lines[3], sizeof(lines[3]));
	assert_non_null(strstr(lines[0], "lc rgb '#0072B2' dt 1 pt 7 "));
	assert_non_null(strstr(lines[1], "lc rgb '#0072B2' dt (10,4) pt 6 "));
	assert_non_null(strstr(lines[2], "lc rgb '#D55E00' dt 1 pt 5 "));
	assert_non_null(strstr(lines[3], "lc rgb '#D55E00' dt (10,4) pt 4 "));
	rg_result_close(a);
	rg_result_close(b);
}

/* --- the page --- */

static void a_failing_allocation_leaves_the_old_page(void **state)
{
	struct rg_result *r = sample_result(1, NULL);
	const char *const path = "a", *kept = getenv("PATH");
	const struct rg_side side = {"A", &path, &r, 1};
	const struct rg_report report = {.sides = &side, .nsides = 1};
	char page[] = "/tmp/rg-page-XXXXXX", old[512];
	int fd = mkstemp(page), failed = 0;

	assert_true(r && fd >= 0 && kept);
	snprintf(old, sizeof(old), "%s", kept);
	setenv("PATH", "/nonexistent", 1); /* without gnuplot it is quick */
	rg_log_set_level(RG_LOG_ERROR);
	for (unsigned long n = 1;; n++) {
		int rc;

		rg_mem_fail_nth(n);
		rc = rg_html_write(&report, page, NULL);
		if (!rg_mem_fail_fired()) {
			assert_int_equal(rc, 0);
			break;
		}
		assert_int_equal(rc, RG_ERR_NO_MEMORY);
		assert_int_equal(lseek(fd, 0, SEEK_END), 0);
		failed++;
	}
	rg_mem_fail_nth(0);
	setenv("PATH", old, 1);
	assert_true(failed > 20);
	close(fd);
	unlink(page);
	rg_result_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_filter_gets_all_of_its_input_and_gives_all_of_its_output),
		cmocka_unit_test(a_filter_that_fails_is_told_with_its_first_line),
		cmocka_unit_test(a_filter_that_hangs_is_ended_at_its_deadline),
		cmocka_unit_test(a_filter_that_writes_without_end_is_refused),
		cmocka_unit_test(an_axis_of_values_has_some_numbers_whatever_its_range),
		cmocka_unit_test(an_axis_of_sizes_has_powers_of_two),
		cmocka_unit_test(ids_of_a_drawing_get_a_prefix_and_what_is_around_it_goes),
		cmocka_unit_test(what_is_no_drawing_is_refused_and_nothing_printed),
		cmocka_unit_test(a_line_has_its_times_and_intervals_in_microseconds),
		cmocka_unit_test(the_line_of_the_bound_bounds_all_targets),
		cmocka_unit_test(of_two_sides_a_target_has_one_colour_and_other_points_and_dashes),
		cmocka_unit_test(a_failing_allocation_leaves_the_old_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
