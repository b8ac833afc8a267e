/* SPDX-License-Identifier: BSD-3-Clause */
/* Pairs on ranks that are threads, over memory and over sockets: what is measured, and what fails.
 */
#include "config.h"

#include "../watched.h"
#include "measure/pairs_data.h"

#include "railgauge/measure/pairs.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/measure/tournament.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TIMEOUT_NS ((uint64_t)20000000000)
#define MAX_RANKS  5
#define MAX_BYTES  70000
#define ROUNDS	   300 /* iterations */

struct rank {
	struct rg_rendezvous *rdv;
	const struct rg_transport_ops *ops;
	const struct rg_transport_ops *instead; /* what the lane is opened with; NULL: ops */
	struct rg_pairs_config config;
	struct rg_endpoint *ep;
	struct rg_lane *lane;
	struct rg_pairs *pairs;
	int (*body)(struct rank *rank, struct rg_err *err);
	uint64_t wait_ns;
	int rc;
	struct rg_err err;
};

static void *rank_main(void *arg)
{
	struct rank *r = arg;
	const struct rg_transport_config config = {
		.geometry = rg_geometry_default,
		.patience = rg_patience_shared_core,
		.timeout_ns = TIMEOUT_NS,
	};

	r->rc = r->ops->open(r->rdv, &config, &r->ep, &r->err);
	if (!r->rc && r->instead)
		r->ep->ops = r->instead;
	if (!r->rc)
		r->rc = rg_lane_transport_open(r->ep, MAX_BYTES, r->wait_ns, &r->lane, &r->err);
	if (!r->rc)
		r->rc = rg_pairs_open(r->rdv, r->lane, &r->config, &r->pairs, &r->err);
	if (!r->rc)
		r->rc = r->body(r, &r->err);
	return NULL;
}

/* All bodies have ended before anything is closed: threads look into each other's memory. */
static void run_ranks(struct rank *ranks, uint32_t n, const struct rank *like)
{
	struct rg_rendezvous *rdvs[MAX_RANKS];
	pthread_t threads[MAX_RANKS];
	struct rg_err err = {0};

	assert_int_equal(rg_rendezvous_threads_open(n, rdvs, &err), 0);
	for (uint32_t r = 0; r < n; r++) {
		ranks[r] = *like;
		ranks[r].rdv = rdvs[r];
		if (!ranks[r].wait_ns)
			ranks[r].wait_ns = TIMEOUT_NS / 2;
		ranks[r].config.deadline_ns = TIMEOUT_NS;
		assert_int_equal(pthread_create(&threads[r], NULL, rank_main, &ranks[r]), 0);
	}
	for (uint32_t r = 0; r < n; r++)
		pthread_join(threads[r], NULL);
	for (uint32_t r = 0; r < n; r++) {
		rg_pairs_close(ranks[r].pairs);
		rg_lane_close(ranks[r].lane);
		if (ranks[r].ep)
			like->ops->close(ranks[r].ep);
		rg_rendezvous_close(ranks[r].rdv);
	}
}

static void must_all(const struct rank *ranks, uint32_t n)
{
	for (uint32_t r = 0; r < n; r++) {
		if (ranks[r].rc)
			fail_msg("rank %u of %u over %s: %s", r, n, ranks[r].ops->name,
				 ranks[r].err.text);
	}
}

static struct rg_pairs_point point_of(enum rg_pairs_test test, uint64_t size_bytes)
{
	return (struct rg_pairs_point){.test = test,
				       .load = {.size_bytes = size_bytes,
						.outstanding = 7,
						.post_list = 1,
						.stream = test != RG_PAIRS_LATENCY},
				       .alone = RG_TOURNAMENT_NOBODY};
}

/* --- what is measured --- */

#define WANT(condition)                                                                \
	do {                                                                           \
		if (!(condition))                                                      \
			return rg_err_set(err, RG_ERR_INTERNAL,                        \
					  "%s of %llu bytes: not " #condition,         \
					  rg_pairs_test_words[point->test],            \
					  (unsigned long long)point->load.size_bytes); \
	} while (0)

static int judge(const struct rank *r, const struct rg_pairs_point *point,
		 const struct rg_pairs_outcome *o, struct rg_err *err)
{
	bool stream = point->test != RG_PAIRS_LATENCY;
	double directions = point->test == RG_PAIRS_BIDIRECTIONAL ? 2 : 1;
	double rate = directions * (double)o->messages / o->time_ns * 1e9;

	WANT(point->reverse == (o->from > o->to));
	WANT(o->time_ns > 0);
	WANT(!r->config.iterations || o->messages == r->config.iterations);
	WANT(r->config.iterations || o->time_ns >= 0.9 * (double)r->config.duration_ns);
	WANT(o->ns.n >= o->messages / o->block / 2 && o->ns.n <= o->messages / o->block);
	WANT(stream || (o->block == 1 && o->ns.n == o->messages));
	WANT(o->ns.min > 0 && o->ns.min <= o->ns.median && o->ns.median <= o->ns.p90);
	WANT(o->ns.p90 <= o->ns.p99 && o->ns.p99 <= o->ns.p999 && o->ns.p999 <= o->ns.max);
	WANT(o->ns.lo <= o->ns.median && o->ns.median <= o->ns.hi && o->ns.stdev >= 0);
	WANT(stream ? o->messages_ps > 0.999 * rate && o->messages_ps < 1.001 * rate
		    : o->messages_ps == 0);
	WANT(o->rate_Bps == o->messages_ps * (double)point->load.size_bytes);
	WANT(o->checked >= point->load.size_bytes && o->wrong == 0);
	return 0;
}

/* Counts who met whom, and looks at all numbers. */
static int measure(struct rank *r, const struct rg_pairs_point *point,
		   uint32_t met[MAX_RANKS][MAX_RANKS], struct rg_err *err)
{
	struct rg_pairs_outcome outcomes[MAX_RANKS];
	bool interrupted = false;
	uint32_t n = 0;
	int rc = rg_pairs_measure(r->pairs, point, outcomes, &n, &interrupted, err);

	for (uint32_t i = 0; !rc && i < n; i++) {
		met[outcomes[i].from][outcomes[i].to]++;
		rc = judge(r, point, &outcomes[i], err);
	}
	return rc ? rc : rg_rendezvous_agree(r->rdv, 0, rg_clock_ns() + TIMEOUT_NS, err);
}

static int play_tournament(struct rank *r, struct rg_err *err)
{
	static const uint64_t sizes[] = {1, 4096, MAX_BYTES};
	uint32_t n = r->rdv->nranks, met[RG_PAIRS_TEST_COUNT][2][MAX_RANKS][MAX_RANKS] = {0};
	int rc = 0;

	for (uint32_t round = 0; !rc && round < rg_tournament_rounds(n); round++) {
		rc = rg_pairs_meet(r->pairs, round, err);
		for (uint32_t i = 0; !rc && i < 3 * 2 * RG_PAIRS_TEST_COUNT; i++) {
			struct rg_pairs_point point =
				point_of((enum rg_pairs_test)(i / 6), sizes[i % 3]);

			point.reverse = i / 3 % 2;
			rc = measure(r, &point, met[point.test][point.reverse], err);
		}
	}
	for (uint32_t i = 0; !rc && i < 2 * RG_PAIRS_TEST_COUNT * n * n; i++) {
		uint32_t a = i % n, b = i / n % n, reverse = i / n / n % 2, test = i / n / n / 2;
		uint32_t expected = a != b && reverse == (a > b) ? 3 : 0;

		if (met[test][reverse][a][b] != expected)
			rc = rg_err_set(err, RG_ERR_INTERNAL, "%u met %u %u times in test %u", a, b,
					met[test][reverse][a][b], test);
	}
	return rc;
}

static void every_pair_is_measured_in_every_test(void **state)
{
	static const struct rg_transport_ops *const ways[] = {&rg_transport_inproc,
							      &rg_transport_tcp};

	for (size_t w = 0; w < 2; w++) {
		for (uint32_t n = 2; n <= (WATCHED ? 3 : MAX_RANKS); n++) {
			const struct rank like = {
				.ops = ways[w],
				.body = play_tournament,
				.config = {.iterations = ROUNDS, .warmups = 10, .check = true}};
			struct rank ranks[MAX_RANKS];

			run_ranks(ranks, n, &like);
			must_all(ranks, n);
		}
	}
}

static int measure_by_time(struct rank *r, struct rg_err *err)
{
	uint32_t met[MAX_RANKS][MAX_RANKS] = {0};
	int rc = rg_pairs_meet(r->pairs, 0, err);

	for (int t = 0; !rc && t < RG_PAIRS_TEST_COUNT; t++) {
		struct rg_pairs_point point = point_of((enum rg_pairs_test)t, 1000);

		rc = measure(r, &point, met, err);
	}
	return rc;
}

static void a_point_by_time_has_all_statistics(void **state)
{
	const struct rank like = {
		.ops = &rg_transport_inproc,
		.body = measure_by_time,
		.config = {.duration_ns = 20000000, .warmups = 100, .check = true}};
	struct rank ranks[MAX_RANKS];

	run_ranks(ranks, 3, &like);
	must_all(ranks, 3);
}

static int measure_alone(struct rank *r, struct rg_err *err)
{
	int rc = rg_pairs_meet(r->pairs, 0, err);

	for (uint32_t a = 0; !rc && a < r->rdv->nranks; a++) {
		struct rg_pairs_point p = point_of(RG_PAIRS_BANDWIDTH, 100), *point = &p;
		uint32_t b = rg_tournament_opponent(r->rdv->nranks, 0, a);
		uint32_t met[MAX_RANKS][MAX_RANKS] = {0}, sum = 0;

		if (b < a)
			continue;
		point->alone = a;
		rc = measure(r, point, met, err);
		for (uint32_t i = 0; i < MAX_RANKS * MAX_RANKS; i++)
			sum += met[i / MAX_RANKS][i % MAX_RANKS];
		if (!rc)
			WANT(met[a][b] == 1 && sum == 1);
	}
	return rc;
}

static void a_pair_alone_is_alone(void **state)
{
	const struct rank like = {.ops = &rg_transport_inproc,
				  .body = measure_alone,
				  .config = {.iterations = ROUNDS, .check = true}};
	struct rank ranks[MAX_RANKS];

	run_ranks(ranks, 4, &like);
	must_all(ranks, 4);
}

/* --- what is found and what fails --- */

static struct rg_transport_ops broken;
static _Atomic int puts_left;

static int put_wrong(struct rg_endpoint *ep, const struct rg_put *put, struct rg_err *err)
{
	struct rg_put other = *put;
	uint8_t data[MAX_BYTES];

	memcpy(data, put->src, put->len_bytes);
	data[put->len_bytes / 2] ^= 0x10;
	other.src = data;
	return rg_transport_inproc.put(ep, &other, err);
}

static int find_wrong_data(struct rank *r, struct rg_err *err)
{
	int rc = rg_pairs_meet(r->pairs, 0, err);

	for (int t = 0; !rc && t < RG_PAIRS_TEST_COUNT; t++) {
		struct rg_pairs_point p = point_of((enum rg_pairs_test)t, 100), *point = &p;
		struct rg_pairs_outcome o[MAX_RANKS];
		bool interrupted = false;
		uint32_t n;

		rc = rg_pairs_measure(r->pairs, point, o, &n, &interrupted, err);
		if (!rc)
			WANT(n == 1 && o[0].checked >= 100 && o[0].wrong == o[0].checked / 100);
	}
	return rc;
}

static void wrong_data_are_found(void **state)
{
	const struct rank like = {.ops = &rg_transport_inproc,
				  .instead = &broken,
				  .body = find_wrong_data,
				  .config = {.iterations = ROUNDS, .check = true}};
	struct rank ranks[MAX_RANKS];

	broken = rg_transport_inproc;
	broken.put = put_wrong;
	run_ranks(ranks, 2, &like);
	must_all(ranks, 2);
}

static int put_until(struct rg_endpoint *ep, const struct rg_put *put, struct rg_err *err)
{
	if (ep->rank == 1 && atomic_fetch_sub(&puts_left, 1) <= 0)
		return rg_err_set(err, RG_ERR_SYSTEM, "the cable is cut");
	return rg_transport_inproc.put(ep, put, err);
}

static int meet_failure(struct rank *r, struct rg_err *err)
{
	struct rg_pairs_point point = point_of(RG_PAIRS_LATENCY, 100);
	struct rg_pairs_outcome o[MAX_RANKS];
	bool interrupted = false;
	uint32_t n;
	int rc = rg_pairs_meet(r->pairs, 0, err);

	return rc ? rc : rg_pairs_measure(r->pairs, &point, o, &n, &interrupted, err);
}

/* Rank 0 waits in vain for an answer, but the words are those of who knows why. */
static void a_failure_of_one_rank_is_told_to_all(void **state)
{
	const struct rank like = {.ops = &rg_transport_inproc,
				  .instead = &broken,
				  .body = meet_failure,
				  .wait_ns = 200000000,
				  .config = {.iterations = ROUNDS}};
	struct rank ranks[MAX_RANKS];

	broken = rg_transport_inproc;
	broken.put = put_until;
	puts_left = 20;
	run_ranks(ranks, 3, &like);
	for (uint32_t r = 0; r < 3; r++) {
		assert_int_equal(ranks[r].rc, RG_ERR_SYSTEM);
		assert_non_null(strstr(ranks[r].err.text, "the cable is cut"));
	}
}

static volatile sig_atomic_t stop;

static int be_interrupted(struct rank *r, struct rg_err *err)
{
	struct rg_pairs_point p = point_of(RG_PAIRS_BANDWIDTH, 100), *point = &p;
	struct rg_pairs_outcome o[MAX_RANKS];
	bool interrupted = false;
	uint32_t n;
	int rc = rg_pairs_meet(r->pairs, 0, err);

	if (!rc)
		rc = rg_pairs_measure(r->pairs, point, o, &n, &interrupted, err);
	if (!rc)
		WANT(interrupted && n == 0);
	return rc;
}

static void a_signal_to_one_rank_stops_all(void **state)
{
	const struct rank like = {
		.ops = &rg_transport_inproc,
		.body = be_interrupted,
		.config = {.duration_ns = 3600000000000, .warmups = 10, .interrupted = &stop}};
	struct rank ranks[MAX_RANKS];

	stop = 1;
	run_ranks(ranks, 3, &like);
	must_all(ranks, 3);
	stop = 0;
}

static int ask_for_send(struct rank *r, struct rg_err *err)
{
	struct rg_pairs_point point = point_of(RG_PAIRS_LATENCY, 8);
	struct rg_pairs_outcome o[MAX_RANKS];
	bool interrupted;
	uint32_t n;
	int rc = rg_pairs_meet(r->pairs, 0, err);

	point.load.op = RG_LANE_OP_SEND;
	return rc ? rc : rg_pairs_measure(r->pairs, &point, o, &n, &interrupted, err);
}

static void a_transport_refuses_what_is_for_verbs(void **state)
{
	struct rank like = {.ops = &rg_transport_inproc, .body = ask_for_send}, ranks[MAX_RANKS];

	run_ranks(ranks, 2, &like);
	assert_int_equal(ranks[0].rc, RG_ERR_UNSUPPORTED);
	assert_int_equal(ranks[1].rc, RG_ERR_UNSUPPORTED);
	assert_non_null(strstr(ranks[1].err.text, "send is an operation of verbs"));
	like.ops = &rg_transport_null;
	run_ranks(ranks, 2, &like);
	assert_int_equal(ranks[0].rc, RG_ERR_UNSUPPORTED);
	assert_non_null(strstr(ranks[0].err.text, "moves no data"));
}

static void data_of_other_ranks_and_batches_are_wrong(void **state)
{
	uint8_t data[1001];

	for (uint64_t len = 1; len <= sizeof(data); len += 100) {
		rg_pairs_fill(data, len, 3, 7);
		assert_int_equal(rg_pairs_compare(data, len, 3, 7), 0);
		data[len - 1] ^= 1;
		assert_int_equal(rg_pairs_compare(data, len, 3, 7), 1);
	}
	rg_pairs_fill(data, sizeof(data), 3, 7);
	assert_in_range(rg_pairs_compare(data, sizeof(data), 3, 8), 900, 1001);
	assert_in_range(rg_pairs_compare(data, sizeof(data), 2, 7), 900, 1001);
	assert_in_range(rg_pairs_compare(data + 8, sizeof(data) - 8, 3, 7), 900, 1001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pair_is_measured_in_every_test),
		cmocka_unit_test(a_point_by_time_has_all_statistics),
		cmocka_unit_test(a_pair_alone_is_alone),
		cmocka_unit_test(wrong_data_are_found),
		cmocka_unit_test(a_failure_of_one_rank_is_told_to_all),
		cmocka_unit_test(a_signal_to_one_rank_stops_all),
		cmocka_unit_test(a_transport_refuses_what_is_for_verbs),
		cmocka_unit_test(data_of_other_ranks_and_batches_are_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
