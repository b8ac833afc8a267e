/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "lane_ranks.h"

#include "railgauge/base/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

const struct rg_pairs_config lane_pairs_config = {
	.iterations = 100, .warmups = 10, .deadline_ns = TIMEOUT_NS, .check = true};

void *lane_rank_main(void *arg)
{
	struct rank *r = arg;
	const struct rg_lane_verbs_config config = {
		.options = &r->options,
		.op = r->op,
		.local = 0,
		.nlocal = 1,
		.max_bytes = r->max_bytes ? r->max_bytes : MAX_BYTES,
		.wait_ns = r->wait_ns ? r->wait_ns : TIMEOUT_NS / 2,
		.deadline_ns = TIMEOUT_NS,
	};

	r->rc = rg_lane_verbs_open(r->rdv, &config, &r->lane, &r->err);
	if (!r->rc)
		r->rc = rg_pairs_open(r->rdv, r->lane, &lane_pairs_config, &r->pairs, &r->err);
	if (!r->rc)
		r->rc = r->body(r, &r->err);
	/* Who destroys queue pairs first must not make the others' sends fail. */
	if (!r->rc)
		r->rc = rg_rendezvous_agree(r->rdv, 0, rg_clock_ns() + TIMEOUT_NS, &r->err);
	rg_pairs_close(r->pairs);
	rg_lane_close(r->lane);
	return NULL;
}

void lane_run_ranks(struct rank *ranks, uint32_t n, const struct rank *like)
{
	static const char *const devices[2][3] = {{"fake0", "fake1", "fake2"},
						  {"fake0,fake2", "fake1,fake3", ""}};
	struct rg_rendezvous *rdvs[MAX_RANKS];
	pthread_t threads[MAX_RANKS];
	struct rg_err err = {0};

	assert_int_equal(rg_rendezvous_threads_open(n, rdvs, &err), 0);
	for (uint32_t r = 0; r < n; r++) {
		ranks[r] = *like;
		ranks[r].rdv = rdvs[r];
		ranks[r].options.device = devices[like->rails > 1][r];
		assert_int_equal(pthread_create(&threads[r], NULL, lane_rank_main, &ranks[r]), 0);
	}
	for (uint32_t r = 0; r < n; r++)
		pthread_join(threads[r], NULL);
	for (uint32_t r = 0; r < n; r++)
		rg_rendezvous_close(ranks[r].rdv);
	assert_int_equal(fake_live(), 0);
}

void lane_must_all(const struct rank *ranks, uint32_t n, const char *what)
{
	for (uint32_t r = 0; r < n; r++) {
		if (ranks[r].rc)
			fail_msg("%s, rank %u of %u: %s", what, r, n, ranks[r].err.text);
	}
}
