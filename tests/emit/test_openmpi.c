/* SPDX-License-Identifier: BSD-3-Clause */
/* The emitter for Open MPI, without Open MPI: what it writes, refuses, removes and poisons. */
#include "config.h"

#include "tune/decisions_sample.h"

#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"
#include "railgauge/emit/emitter.h"
#include "railgauge/emit/rules.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct rg_ompi_version v414 = {4, 1, 4};
static const char *const names[] = {"openmpi-rules.txt", "openmpi-mca-params.conf", "env.sh",
				    "rankfile"};
static char folder[64], other[64]; /* made and removed by each test */
static struct rg_decisions *d;
static const struct rg_emitter *emitter;

static int make_folders(void **state)
{
	struct rg_err err = {0};

	snprintf(folder, sizeof(folder), "/tmp/rg emit's-XXXXXX");
	snprintf(other, sizeof(other), "/tmp/rg-emit-XXXXXX");
	d = sample_decisions(&err);
	return !d || !mkdtemp(folder) || !mkdtemp(other) || rg_emitter_of(d, &emitter, &err);
}

static void remove_all(const char *where)
{
	char path[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", where, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(where), 0);
}

static int remove_folders(void **state)
{
	remove_all(folder);
	remove_all(other);
	rg_decisions_close(d);
	return 0;
}

/* The text of a file of a folder, to be freed with rg_free; NULL: it is not there. */
static char *text_of(const char *where, const char *name)
{
	char path[256], *text = NULL;

	snprintf(path, sizeof(path), "%s/%s", where, name);
	return rg_io_read_file(path, 1 << 20, &text, NULL, NULL) ? NULL : text;
}

static void write_all(void)
{
	struct rg_err err = {0};

	if (emitter->write(d, folder, &err))
		fail_msg("%s", err.text);
}

/* The rules of a folder, which must be without a finding. */
static struct rg_rules rules_in(const char *where, bool clean)
{
	struct rg_file_findings findings = {0};
	char *text = text_of(where, names[0]);
	struct rg_rules rules;
	bool ok;

	assert_non_null(text);
	assert_int_equal(rg_rules_parse(text, strlen(text), &v414, &rules, &ok, &findings, NULL),
			 0);
	assert_true(ok);
	if (clean && findings.n)
		fail_msg("line %u: %s", findings.list[0].line, findings.list[0].text);
	rg_file_findings_release(&findings);
	rg_free(text);
	return rules;
}

static void assert_has(const char *name, const char *part)
{
	char *text = text_of(folder, name);

	assert_non_null(text);
	if (!strstr(text, part))
		fail_msg("%s has no \"%s\":\n%s", name, part, text);
	rg_free(text);
}

static bool is_in(const char *name, const char *part)
{
	char *text = text_of(folder, name);
	bool found = text && strstr(text, part);

	rg_free(text);
	return found;
}

static void assert_missing(const char *name)
{
	char *text = text_of(folder, name);

	assert_null(text);
}

static void the_rules_say_for_each_size_what_was_decided(void **state)
{
	struct rg_rules rules;

	write_all();
	rules = rules_in(folder, true);
	for (uint64_t bytes = 0; bytes < 200000; bytes += 512) {
		const struct rg_choice *c = &rg_decision_at(&d->decisions[0], bytes)->choice;
		const struct rg_rule *rule = rg_rules_lookup(&rules, 2, 4, bytes);

		assert_int_equal(rule ? rule->algorithm : 0, c->id);
		assert_int_equal(rule ? rule->segment_bytes : 0, c->segment_bytes);
		assert_null(rg_rules_lookup(&rules, 2, 3, bytes));
		assert_null(rg_rules_lookup(&rules, 2, 5, bytes));
	}
	assert_int_equal(rg_rules_lookup(&rules, 6, 4, 0)->algorithm, 6);
	assert_null(rg_rules_lookup(&rules, 7, 4, 0));
	assert_int_equal(rules.nfunctions, 2);
	rg_rules_release(&rules);
	assert_has(names[0], "1024 3 0 0 # recursive_doubling: 1.50 times as fast as the default "
			     "(1.25 to 1.75, 5 launches)\n");
}

static void parameters_and_environment_name_the_rules(void **state)
{
	char command[512], expected[256], line[256] = "";
	FILE *pipe;

	write_all();
	snprintf(expected, sizeof(expected),
		 "\ncoll_tuned_use_dynamic_rules = 1\ncoll_tuned_dynamic_rules_filename = "
		 "%s/openmpi-rules.txt\n",
		 folder);
	assert_has(names[1], expected);
	/* The folder's name has a blank and a quote in it. */
	snprintf(command, sizeof(command),
		 ". \"%s/env.sh\" && env | sed -n 's/^OMPI_MCA_coll_tuned_//p' | sort | tr '\\n' ,",
		 folder);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_non_null(fgets(line, sizeof(line), pipe));
	assert_int_equal(pclose(pipe), 0);
	snprintf(expected, sizeof(expected),
		 "dynamic_rules_filename=%s/openmpi-rules.txt,use_dynamic_rules=1,", folder);
	assert_string_equal(line, expected);
}

static void no_text_of_the_document_becomes_a_command(void **state)
{
	snprintf(d->library, sizeof(d->library), "Open MPI v4.1.4\nexit 1");
	snprintf(d->transport, sizeof(d->transport), "tcp\nexit 1");
	snprintf(d->version, sizeof(d->version), "1\nexit 1");
	snprintf(d->binding.why, sizeof(d->binding.why), "so\nrank 0=b slot=0");
	write_all();
	assert_false(is_in(names[2], "\nexit"));
	assert_false(is_in(names[3], "\nrank 0=b"));
	assert_has(names[2], "# over tcp?exit 1\n");
}

static void a_known_binding_becomes_a_rank_file(void **state)
{
	write_all();
	assert_has(names[3], "\nrank 0=node1 slot=0\n");
	assert_has(names[3], "\nrank 3=node1 slot=3,7\n");
	assert_has(names[3], "--mca rmaps_rank_file_physical 1");
	d->nranks = 8;
	d->nnodes = 2;
	write_all();
	assert_missing(names[3]); /* two nodes of one host have no names */
	rg_free(d->hosts[0]);
	d->hosts = rg_realloc(d->hosts, 2 * sizeof(*d->hosts));
	d->hosts[0] = rg_strdup("node1");
	d->hosts[1] = rg_strdup("node2");
	d->nhosts = 2;
	write_all();
	assert_has(names[3], "\nrank 3=node1 slot=3,7\nrank 4=node2 slot=0\n");
	d->nranks = 7; /* not as many on each node */
	write_all();
	assert_missing(names[3]);
}

static void decisions_that_change_nothing_set_nothing(void **state)
{
	const struct rg_choice dflt = {.algorithm = "default"};

	write_all();
	d->binding.known = false;
	for (uint32_t i = 0; i < d->ndecisions; i++) {
		for (uint32_t k = 0; k < d->decisions[i].nranges; k++)
			d->decisions[i].ranges[k].choice = dflt;
	}
	write_all();
	assert_missing(names[0]);
	assert_missing(names[3]);
	assert_has(names[1], "nothing is set.\n");
	assert_has(names[2], "nothing is set.\n");
	for (int i = 1; i < 3; i++) {
		char *text = text_of(folder, names[i]);

		for (const char *line = text; *line; line = strchr(line, '\n') + 1)
			assert_true(*line == '#' || (i == 2 && !strncmp(line, "unset ", 6)));
		rg_free(text);
	}
}

static void files_that_are_not_ours_are_not_removed(void **state)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/rankfile", folder);
	assert_int_equal(rg_io_replace_file(path, "rank 0=a slot=0\n", 16, NULL), 0);
	d->binding.known = false;
	write_all();
	assert_has(names[3], "rank 0=a slot=0\n");
}

static void files_that_are_not_ours_are_not_replaced(void **state)
{
	struct rg_err err = {0};
	char path[256];

	write_all();
	snprintf(path, sizeof(path), "%s/env.sh", folder);
	assert_int_equal(rg_io_replace_file(path, "PATH=/opt\n", 10, NULL), 0);
	d->decisions[0].nranges = 2;
	d->decisions[0].ranges[1].to_bytes = UINT64_MAX;
	assert_int_equal(emitter->write(d, folder, &err), RG_ERR_MISMATCH);
	assert_non_null(strstr(err.text, "env.sh is there and not railgauge's"));
	assert_has(names[2], "PATH=/opt\n");
	assert_has(names[0], "segmented_ring"); /* nor is any other */
}

static void nothing_is_replaced_unless_all_can_be(void **state)
{
	struct rg_err err = {0};
	char path[256];

	snprintf(path, sizeof(path), "%s/env.sh", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(emitter->write(d, folder, &err), RG_ERR_SYSTEM);
	assert_missing(names[0]);
	assert_missing(names[1]);
	assert_int_equal(rmdir(path), 0);
}

static void assert_refused(int code, const char *words)
{
	struct rg_err err = {0};

	assert_int_equal(emitter->write(d, folder, &err), code);
	if (!strstr(err.text, words))
		fail_msg("not \"%s\" but: %s", words, err.text);
	assert_missing(names[2]);
}

static void what_would_not_be_honoured_is_refused_with_the_reason(void **state)
{
	char *word = d->launcher[1], *value = d->launcher[2];
	char mca[] = "--mca", own[] = "coll_tuned_bcast_algorithm", x[] = "-x",
	     env[] = "OMPI_MCA_coll_tuned_priority=90";

	snprintf(d->library, sizeof(d->library), "Open MPI v6.0.0");
	assert_refused(RG_ERR_UNSUPPORTED, "JSON");
	snprintf(d->library, sizeof(d->library), "Open MPI v5.0.8");
	d->nnodes = 2;
	assert_refused(RG_ERR_UNSUPPORTED, "coll/han");
	d->nnodes = 1;
	snprintf(d->library, sizeof(d->library), "Open MPI v3.1.0");
	assert_refused(RG_ERR_UNSUPPORTED, "4.0 to 5.0");
	snprintf(d->library, sizeof(d->library), "Open MPI v4.1.4");
	d->launcher[1] = mca;
	d->launcher[2] = own;
	assert_refused(RG_ERR_UNSUPPORTED, "coll_tuned_bcast_algorithm itself");
	d->launcher[1] = x;
	d->launcher[2] = env;
	assert_refused(RG_ERR_UNSUPPORTED, "OMPI_MCA_coll_tuned_priority=90 itself");
	d->launcher[1] = word;
	d->launcher[2] = value;
	snprintf(d->mpi, sizeof(d->mpi), "mpich");
	assert_int_equal(rg_emitter_of(d, &emitter, NULL), RG_ERR_UNSUPPORTED);
	snprintf(d->mpi, sizeof(d->mpi), "openmpi");
	snprintf(d->library, sizeof(d->library), "Open MPI v5.0.8");
	write_all(); /* one node */
	assert_missing(names[3]);
}

static void choices_that_the_library_does_not_have_are_refused(void **state)
{
	struct rg_choice *c = &d->decisions[0].ranges[1].choice;

	c->id = 7;
	assert_refused(RG_ERR_INVALID, "decisions[0].ranges[1].choice: MPI_Allreduce has no "
				       "algorithm 7 \"recursive_doubling\" in Open MPI 4.1.4");
	c->id = 4;
	assert_refused(RG_ERR_INVALID, "no algorithm 4 \"recursive_doubling\"");
	snprintf(c->algorithm, sizeof(c->algorithm), "segmented_ring");
	c->id = 5;
	assert_refused(RG_ERR_INVALID, "ring runs");
	snprintf(c->algorithm, sizeof(c->algorithm), "ring");
	c->id = 4;
	c->segment_bytes = 4096;
	assert_refused(RG_ERR_INVALID, "ring has no segments");
	c->segment_bytes = 0;
	snprintf(d->decisions[1].function, 40, "MPI_Sendrecv");
	assert_refused(RG_ERR_INVALID, "decisions[1].function: Open MPI's coll/tuned has no choice "
				       "for MPI_Sendrecv");
}

static void what_may_not_go_by_size_has_one_rule_or_none(void **state)
{
	struct rg_decision *a = &d->decisions[0];
	struct rg_rules rules;

	/* As if they were MPI_Scatter's. */
	snprintf(a->function, sizeof(a->function), "MPI_Scatter");
	a->coll = RG_COLL_SCATTER;
	a->ranges[1].choice = (struct rg_choice){2, "binomial", 0};
	a->ranges[2].choice = (struct rg_choice){3, "linear_nb", 0};
	write_all();
	rules = rules_in(folder, true);
	assert_null(rg_rules_lookup(&rules, 15, 4, 2000));
	rg_rules_release(&rules);
	assert_has(names[0], "# MPI_Scatter is left alone: its ranks may look at different sizes");
	assert_int_equal(emitter->poison(d, folder, 0, 1, other, NULL), RG_ERR_INVALID);
	a->ranges[0].choice = a->ranges[2].choice = a->ranges[1].choice;
	write_all();
	rules = rules_in(folder, true);
	assert_int_equal(rg_rules_lookup(&rules, 15, 4, 0)->algorithm, 2);
	assert_int_equal(rules.functions[0].comms[1].nrules, 1);
	rg_rules_release(&rules);
}

static void calls_in_place_without_a_size_stay_as_they_were(void **state)
{
	struct rg_decision *a = &d->decisions[0];
	struct rg_rules rules;

	snprintf(a->function, sizeof(a->function), "MPI_Allgather");
	a->coll = RG_COLL_ALLGATHER;
	a->ranges[2].choice = (struct rg_choice){4, "ring", 0};
	write_all();
	rules = rules_in(folder, true);
	assert_null(rg_rules_lookup(&rules, 0, 4, 1023));
	assert_int_equal(rules.functions[0].comms[1].nrules, 3);
	rg_rules_release(&rules);
	a->ranges[0].choice = (struct rg_choice){2, "bruck", 0};
	write_all();
	assert_has(names[0],
		   "# MPI_Allgather in place is looked up for size 0, and keeps Open MPI's "
		   "own choice.\n");
	rules = rules_in(folder, true);
	assert_null(rg_rules_lookup(&rules, 0, 4, 0));
	assert_int_equal(rg_rules_lookup(&rules, 0, 4, 1)->algorithm, 2);
	assert_int_equal(rg_rules_lookup(&rules, 0, 4, 1024)->algorithm, 3);
	rg_rules_release(&rules);
	assert_int_equal(emitter->poison(d, folder, 0, 0, other, NULL), 0);
	rules = rules_in(other, false);
	assert_null(rg_rules_lookup(&rules, 0, 4, 0));
	assert_int_equal(rg_rules_lookup(&rules, 0, 4, 16)->algorithm, 99);
	rg_rules_release(&rules);
}

static void what_is_being_proved_is_not_written_over(void **state)
{
	struct rg_err err = {0};
	int fd = open(folder, O_RDONLY | O_DIRECTORY);

	assert_true(fd >= 0 && !flock(fd, LOCK_SH));
	assert_int_equal(rg_emit_write(emitter, d, folder, &err), RG_ERR_MISMATCH);
	assert_non_null(strstr(err.text, "its files are being proved"));
	close(fd);
	assert_int_equal(rg_emit_write(emitter, d, folder, NULL), 0);
}

static void poison_is_in_one_range_alone_and_the_files_name_it(void **state)
{
	struct rg_err err = {0};
	struct rg_rules rules;
	char *env, *params;

	write_all();
	if (emitter->poison(d, folder, 0, 1, other, &err))
		fail_msg("%s", err.text);
	rules = rules_in(other, false);
	assert_int_equal(rg_rules_lookup(&rules, 2, 4, 1024)->algorithm, 99);
	assert_int_equal(rg_rules_lookup(&rules, 2, 4, 65535)->algorithm, 99);
	assert_int_equal(rg_rules_lookup(&rules, 2, 4, 65536)->algorithm, 5);
	assert_null(rg_rules_lookup(&rules, 2, 4, 1023));
	assert_int_equal(rg_rules_lookup(&rules, 6, 4, 0)->algorithm, 6);
	rg_rules_release(&rules);
	env = text_of(other, "env.sh");
	params = text_of(other, "openmpi-mca-params.conf");
	assert_true(env && params);
	assert_non_null(strstr(env, other));
	assert_non_null(strstr(params, other));
	assert_null(strstr(env, "rg emit"));
	assert_null(strstr(params, "rg emit"));
	rg_free(env);
	rg_free(params);
	assert_int_equal(emitter->poison(d, folder, 0, 0, other, &err),
			 RG_ERR_INVALID); /* the default's */
}

static void files_that_name_other_rules_are_not_poisoned(void **state)
{
	struct rg_err err = {0};
	char path[256];

	write_all();
	snprintf(path, sizeof(path), "%s/env.sh", folder);
	assert_int_equal(rg_io_replace_file(path, "# railgauge: \nA=/b\n", 19, NULL), 0);
	assert_int_equal(emitter->poison(d, folder, 0, 1, other, &err), RG_ERR_MISMATCH);
	assert_non_null(strstr(err.text, "env.sh: it does not name "));
}

static void rules_that_were_changed_are_not_poisoned(void **state)
{
	struct rg_err err = {0};

	write_all();
	d->decisions[0].ranges[1].choice = (struct rg_choice){4, "ring", 0};
	assert_int_equal(emitter->poison(d, folder, 0, 1, other, &err), RG_ERR_MISMATCH);
	assert_non_null(strstr(err.text, "MPI_Allreduce from 1024 bytes on: ring"));
}

static void a_failing_allocation_is_an_error_and_leaks_nothing(void **state)
{
	for (unsigned long n = 1;; n++) {
		int rc;

		rg_mem_fail_nth(n);
		rc = emitter->write(d, folder, NULL);
		if (!rc)
			rc = emitter->poison(d, folder, 0, 1, other, NULL);
		if (!rg_mem_fail_fired()) {
			assert_int_equal(rc, 0);
			break;
		}
		if (rc != RG_ERR_NO_MEMORY)
			fail_msg("allocation %lu: %d", n, rc);
	}
	rg_mem_fail_nth(0);
}

int main(void)
{
#define WITH_FOLDERS(name) cmocka_unit_test_setup_teardown(name, make_folders, remove_folders)
	const struct CMUnitTest tests[] = {
		WITH_FOLDERS(the_rules_say_for_each_size_what_was_decided),
		WITH_FOLDERS(parameters_and_environment_name_the_rules),
		WITH_FOLDERS(no_text_of_the_document_becomes_a_command),
		WITH_FOLDERS(a_known_binding_becomes_a_rank_file),
		WITH_FOLDERS(decisions_that_change_nothing_set_nothing),
		WITH_FOLDERS(files_that_are_not_ours_are_not_removed),
		WITH_FOLDERS(files_that_are_not_ours_are_not_replaced),
		WITH_FOLDERS(nothing_is_replaced_unless_all_can_be),
		WITH_FOLDERS(what_would_not_be_honoured_is_refused_with_the_reason),
		WITH_FOLDERS(choices_that_the_library_does_not_have_are_refused),
		WITH_FOLDERS(what_may_not_go_by_size_has_one_rule_or_none),
		WITH_FOLDERS(calls_in_place_without_a_size_stay_as_they_were),
		WITH_FOLDERS(what_is_being_proved_is_not_written_over),
		WITH_FOLDERS(poison_is_in_one_range_alone_and_the_files_name_it),
		WITH_FOLDERS(files_that_name_other_rules_are_not_poisoned),
		WITH_FOLDERS(rules_that_were_changed_are_not_poisoned),
		WITH_FOLDERS(a_failing_allocation_is_an_error_and_leaks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
