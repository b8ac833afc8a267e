/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every algorithm and protocol over every transport that moves data: results are exact. With
 * RG_FULL=1 in the environment for 1 to 9 ranks and all counts on each of them; else over inproc
 * for most, and over the others for a part of the numbers, of which some are drawn (tests/lot.h).
 *
 * RG_TEST_TRANSPORT names one transport alone (for verbs: see tests/verbs_words.h), and then
 *   RG_TEST_COLL   one collective (all of them)
 *   RG_TEST_RANKS  numbers of ranks, with blanks between (2 3 4)
 *   RG_TEST_SHARE  percent of the algorithms, protocols and numbers of ranks (100), drawn
 */
#include "config.h"

#include "../lot.h"
#include "../verbs_words.h"
#include "../watched.h"
#include "ranks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* None, fewer than ranks, not a multiple of anything; the last is some twenty slots. */
static const uint64_t counts[] = {0, 1, 2, 5, 64, 1000, 5003};
#define COUNTS (sizeof(counts) / sizeof(counts[0]))

/* Each root with two of the counts, any with the others; in place and not. */
#define MAX_PROBLEMS (2 * (COUNTS - 2 + 2 * MAX_RANKS))

/* Problems for one algorithm, one after the other on the same links. */
struct job {
	const struct rg_algorithm *algorithm;
	struct rg_problem problems[MAX_PROBLEMS];
	uint64_t counts[MAX_PROBLEMS][PAIRS_MAX]; /* of all-to-all-v's */
	uint32_t nproblems;
};

static int rank_job(struct rank *r, void *arg)
{
	const struct job *j = arg;
	int rc = 0;

	for (uint32_t i = 0; i < j->nproblems && !rc; i++) {
		const struct rg_problem *p = &j->problems[i];

		rc = run_problem(r, j->algorithm, p, is_full() ? 5 : 3);
		if (rc)
			rg_err_prefix(&r->err, "root %u, %llu elements%s", p->root,
				      (unsigned long long)p->count, p->in_place ? " in place" : "");
	}
	return rc;
}

/* first..first + n of the job's problems. */
static void run_part(const struct job *j, uint32_t first, uint32_t n, uint32_t first_sequence)
{
	const struct rg_problem *p = &j->problems[first];
	struct job part = {.algorithm = j->algorithm, .nproblems = n};
	char what[200];

	for (uint32_t i = 0; i < n; i++)
		part.problems[i] = p[i];
	snprintf(what, sizeof(what), "%s %s %s over %s, %u ranks", rg_coll_name(p->coll),
		 j->algorithm->name, rg_protocol_name(p->params.protocol), rank_transport->name,
		 p->layout.nranks);
	run_ranks(p->layout.nranks, first_sequence, rank_job, &part, what);
}

/* Without RG_FULL: which counts and numbers of ranks. */
struct sample {
	uint64_t counts[COUNTS];
	uint32_t ncounts;
	uint32_t ranks[MAX_RANKS];
	uint32_t nranks;
};

/* Few words wrap with few messages. */
static const struct sample most = {{0, 1, 2, 5, 64, 1000, 5003}, COUNTS, {1, 2, 3, 4, 5, 9}, 6};
static const struct sample some = {{2, 5003}, 2, {1, 2, 3, 4, 5}, 5};
static const struct sample wraps = {{1, 1000}, 2, {2, 3, 4, 9}, 4};
static const struct sample watched = {{2, 5003}, 2, {2, 3}, 2}; /* by a sanitizer */
static const struct sample *sample = &most;

/* Of the algorithms, protocols and numbers of ranks over a transport. */
static struct lot lot;

static bool is_in_sample(uint64_t count)
{
	bool in = false;

	for (uint32_t i = 0; i < sample->ncounts; i++)
		in |= sample->counts[i] == count;
	return in || is_full();
}

static bool is_number_in_sample(uint32_t nranks)
{
	bool in = false;

	for (uint32_t i = 0; i < sample->nranks; i++)
		in |= sample->ranks[i] == nranks;
	return in || is_full();
}

static void add_problems(struct job *j, struct rg_problem p, size_t c)
{
	uint32_t n = p.layout.nranks, seed = n + (uint32_t)c;
	bool each = rg_coll_has_root(p.coll) && (counts[c] == 5 || counts[c] == 5003);
	uint32_t nroots = each && is_in_sample(5) ? n : 1;

	for (uint32_t v = 0; v < 2 * nroots; v++) {
		p.count = counts[c];
		p.params.channels = 1 + c % 2;
		p.params.radix = c % 2 ? 1 + (uint32_t)c : 0;
		p.params.window = (uint32_t)c;
		p.layout = layout_of(n, c % 3);
		p.in_place = v % 2;
		p.root = nroots > 1 ? v / 2 : (uint32_t)c % n;
		set_counts(&p, counts[c], &seed, j->counts[j->nproblems]);
		if (!j->algorithm->check(&p, NULL))
			j->problems[j->nproblems++] = p;
	}
}

/* All problems for an algorithm with one protocol and one number of ranks; how many. */
static uint32_t fill_job(struct job *j, const struct rg_algorithm *a, enum rg_protocol protocol,
			 uint32_t nranks)
{
	const struct rg_problem p = {
		.coll = a->coll,
		.layout = {.nranks = nranks},
		.elem_bytes = 4,
		.access = protocol == RG_PROTOCOL_WINDOW ? RG_ACCESS_WINDOW : RG_ACCESS_PRIVATE,
		.caps = rank_transport->caps,
		.geometry = *rank_geometry,
		.params = {.protocol = protocol, .channels = 1},
	};
	size_t ncounts = a->coll == RG_COLL_BARRIER ? 1 : COUNTS;

	j->algorithm = a;
	j->nproblems = 0;
	for (size_t c = 0; c < ncounts; c++) {
		if (a->coll == RG_COLL_BARRIER || is_in_sample(counts[c]))
			add_problems(j, p, c);
	}
	return j->nproblems;
}

/* With the protocols of the mask, on up to so many ranks; apart: each problem on new links. */
static void every_algorithm_with(uint32_t protocols, uint32_t max_ranks, bool apart,
				 uint32_t first_sequence)
{
	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		for (uint32_t n = 1; n <= max_ranks; n++) {
			for (int protocol = 0; protocol < RG_PROTOCOL_COUNT; protocol++) {
				struct job j;

				if (!((*a)->protocols & protocols & 1u << protocol) ||
				    !is_number_in_sample(n))
					continue;
				if (!fill_job(&j, *a, (enum rg_protocol)protocol, n) ||
				    !is_drawn(&lot))
					continue;
				if (!apart)
					run_part(&j, 0, j.nproblems, first_sequence);
				for (uint32_t i = 0; apart && i < j.nproblems; i++)
					run_part(&j, i, 1, first_sequence);
			}
		}
	}
}

/* One of each `run` of the numbers of ranks with an algorithm and a protocol. */
static void use(const struct rg_transport_ops *transport, const struct rg_geometry *geometry,
		const struct sample *of, uint32_t run)
{
	rank_transport = transport;
	rank_geometry = geometry;
	lot.run = run;
	lot.at = 0;
	sample = WATCHED && of != &wraps ? &watched : of;
}

/* So that each algorithm and protocol is tried with some number of ranks at least. */
#define FEW (WATCHED ? 2 : 3)

static void every_algorithm_is_exact_within_a_process(void **state)
{
	use(&rg_transport_inproc, &small_geometry, &most, 2);
	every_algorithm_with(UINT32_MAX, MAX_RANKS, false, 0);
}

static void every_algorithm_is_exact_over_shared_memory(void **state)
{
	use(&rg_transport_shm, &small_geometry, &some, FEW);
	every_algorithm_with(UINT32_MAX, MAX_RANKS, false, 0);
}

static void every_algorithm_is_exact_over_sockets(void **state)
{
	use(&rg_transport_tcp, &small_geometry, &some, FEW);
	every_algorithm_with(UINT32_MAX, MAX_RANKS, false, 0);
	use(&rg_transport_tcp, &large_geometry, &some, 1); /* long puts take another way */
	every_algorithm_with(UINT32_MAX, is_full() ? MAX_RANKS : 3, false, 0);
}

static void every_algorithm_is_exact_over_memory_and_sockets(void **state)
{
	use(&rg_transport_mixed, &small_geometry, &some, FEW);
	every_algorithm_with(UINT32_MAX, MAX_RANKS, false, 0);
}

static void word_messages_survive_the_wrap_of_their_sequence(void **state)
{
	use(&rg_transport_inproc, &small_geometry, &wraps, 1);
	every_algorithm_with(1u << RG_PROTOCOL_WORD, MAX_RANKS, true, 0x7fffffffu - 3);
}

/* What the transport must grant. */
static uint32_t needs(const struct rg_algorithm *a, enum rg_protocol protocol)
{
	if (!strcmp(a->name, "multicast"))
		return RG_CAP_MULTICAST;
	return protocol == RG_PROTOCOL_WINDOW ? RG_CAP_MAPPED
	       : protocol == RG_PROTOCOL_READ ? RG_CAP_READ
	       : protocol == RG_PROTOCOL_WORD ? RG_CAP_WORD8
					      : 0;
}

/* What is left out above is what the transport cannot do, and nothing else. */
static void every_algorithm_is_tried_wherever_its_protocols_are_possible(void **state)
{
	static const struct rg_transport_ops *const transports[] = {
		&rg_transport_inproc, &rg_transport_shm, &rg_transport_tcp, &rg_transport_mixed};
	struct job j;

	for (size_t t = 0; t < 4; t++) {
		use(transports[t], &small_geometry, &some, 1);
		for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
			for (int p = 0; p < RG_PROTOCOL_COUNT; p++) {
				bool possible =
					!(needs(*a, (enum rg_protocol)p) & ~transports[t]->caps);

				if ((*a)->protocols & 1u << p &&
				    !fill_job(&j, *a, (enum rg_protocol)p, 4) == possible)
					fail_msg("%s %s %s over %s", rg_coll_name((*a)->coll),
						 (*a)->name, rg_protocol_name((enum rg_protocol)p),
						 transports[t]->name);
			}
		}
	}
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

/* Those of RG_TEST_RANKS, each with two of the counts. */
static void read_sample(struct sample *s)
{
	const char *text = getenv("RG_TEST_RANKS");
	char *rest = (char *)(text && *text ? text : "2 3 4");

	*s = some;
	for (s->nranks = 0; s->nranks < MAX_RANKS && *rest; s->nranks++)
		s->ranks[s->nranks] = (uint32_t)strtoul(rest, &rest, 10);
}

static bool is_named(enum rg_coll coll)
{
	const char *name = getenv("RG_TEST_COLL");

	return !name || !*name || !strcmp(name, rg_coll_name(coll));
}

static void every_algorithm_is_exact_over_the_transport_that_is_named(void **state)
{
	uint32_t tried = 0;
	const struct rg_transport_ops *transport = NULL;
	struct sample named;
	uint64_t share;
	struct rg_err err;

	read_sample(&named);
	if (rg_transport_find(getenv("RG_TEST_TRANSPORT"), &transport, &err))
		fail_msg("%s", err.text);
	share = number_of("RG_TEST_SHARE", 100);
	assert_in_range(share, 1, 100);
	use(transport, &small_geometry, &named, 100 / (uint32_t)share);
	sample = &named;
	rank_verbs = verbs_words;
	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		for (uint32_t k = 0; k < named.nranks * RG_PROTOCOL_COUNT; k++) {
			enum rg_protocol p = (enum rg_protocol)(k % RG_PROTOCOL_COUNT);
			uint32_t n = named.ranks[k / RG_PROTOCOL_COUNT];
			struct job j;

			if (!is_named((*a)->coll) || !((*a)->protocols & 1u << p) ||
			    !fill_job(&j, *a, p, n) || !is_drawn(&lot))
				continue;
			rank_geometry = lot_draw(&lot.state, 2) ? &small_geometry : &large_geometry;
			(void)fill_job(&j, *a, p, n);
			run_part(&j, 0, j.nproblems, 0);
			print_message("%s %s, %u ranks\n", rg_coll_name((*a)->coll), (*a)->name, n);
			tried++;
		}
	}
	print_message("%u algorithms, protocols and numbers of ranks\n", tried);
	assert_true(tried > 0);
}

int main(void)
{
	const struct CMUnitTest named[] = {
		cmocka_unit_test(every_algorithm_is_exact_over_the_transport_that_is_named),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_algorithm_is_tried_wherever_its_protocols_are_possible),
		cmocka_unit_test(every_algorithm_is_exact_within_a_process),
		cmocka_unit_test(every_algorithm_is_exact_over_shared_memory),
		cmocka_unit_test(every_algorithm_is_exact_over_sockets),
		cmocka_unit_test(every_algorithm_is_exact_over_memory_and_sockets),
		cmocka_unit_test(word_messages_survive_the_wrap_of_their_sequence),
	};

	lot = lot_of(1);
	if (getenv("RG_TEST_TRANSPORT"))
		return cmocka_run_group_tests(named, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
