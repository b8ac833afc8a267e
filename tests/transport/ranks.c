/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "../verbs_words.h"
#include "ranks.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const struct rg_transport_config small_config = {
	.geometry = {.channels = CHANNELS,
		     .slots = 4,
		     .slot_bytes = 4096,
		     .ll_slots = 4,
		     .ll_bytes = 256,
		     .credit_batch = 2},
	.patience = {.spins = 100, .yields = 100},
	.timeout_ns = TEN_S,
};

#define HERE_MAX 16

static bool is_tried(const struct rg_transport_ops *ops)
{
	const char *only = getenv("RG_TEST_TRANSPORT");

	if (only)
		return !strcmp(ops->name, only);
	return strncmp(ops->name, "verbs", 5) != 0 || !ops->probe(NULL, NULL);
}

const struct rg_transport_ops *const *transports_here(void)
{
	static const struct rg_transport_ops *here[HERE_MAX + 1];
	static size_t n;

	for (size_t t = 0; !here[0] && rg_transports[t] && n < HERE_MAX; t++) {
		if (is_tried(rg_transports[t]))
			here[n++] = rg_transports[t];
	}
	if (!n)
		fail_msg("there is no transport %s here", getenv("RG_TEST_TRANSPORT"));
	return here;
}

void prepare_ranks(struct rank ranks[RANKS], const struct rg_transport_ops *ops,
		   int (*body)(struct rank *r))
{
	for (uint32_t i = 0; i < RANKS; i++) {
		ranks[i] = (struct rank){.ops = ops, .config = small_config, .body = body};
		ranks[i].config.node = i ? "b" : "a"; /* for mixed */
		ranks[i].config.verbs = verbs_words(i);
	}
}

static void *rank_main(void *arg)
{
	struct rank *r = arg;

	r->rc = r->ops->open(r->rdv, &r->config, &r->ep, &r->err);
	if (!r->rc)
		r->rc = r->body(r);
	r->ops->close(r->ep);
	return NULL;
}

void run_ranks(struct rank ranks[RANKS], unsigned long fail_nth)
{
	struct rg_rendezvous *rdv[RANKS];
	pthread_t threads[RANKS];

	assert_int_equal(rg_rendezvous_threads_open(RANKS, rdv, NULL), 0);
	rg_mem_fail_nth(fail_nth);
	for (uint32_t i = 0; i < RANKS; i++) {
		ranks[i].rdv = rdv[i];
		assert_int_equal(pthread_create(&threads[i], NULL, rank_main, &ranks[i]), 0);
	}
	for (uint32_t i = 0; i < RANKS; i++)
		pthread_join(threads[i], NULL);
	for (uint32_t i = 0; i < RANKS; i++)
		rg_rendezvous_close(rdv[i]);
}

void every_transport(int (*body)(struct rank *r))
{
	const struct rg_transport_ops *const *here = transports_here();

	for (size_t t = 0; here[t]; t++) {
		struct rank ranks[RANKS];

		prepare_ranks(ranks, here[t], body);
		run_ranks(ranks, 0);
		for (uint32_t i = 0; i < RANKS; i++) {
			if (ranks[i].rc)
				fail_msg("%s, rank %u: %s", here[t]->name, i, ranks[i].err.text);
		}
	}
}

bool moves_data(const struct rank *r)
{
	return r->ops->caps & RG_CAP_DATA;
}

uint32_t next(const struct rank *r)
{
	return (r->ep->rank + 1) % r->ep->nranks;
}

uint32_t previous(const struct rank *r)
{
	return (r->ep->rank + r->ep->nranks - 1) % r->ep->nranks;
}

static int hand_over(struct rank *r)
{
	uint64_t end = rg_clock_ns() + TEN_S;
	int rc = 0;

	while (r->ep && (rc = r->ops->flush(r->ep, &r->err)) > 0) {
		rc = r->ops->progress(r->ep, &r->err);
		if (rc < 0)
			return rc;
		MUST(r, rg_clock_ns() < end);
	}
	return rc;
}

int meet(struct rank *r)
{
	int rc = hand_over(r);

	if (rc)
		return rc;
	return rg_rendezvous_barrier(r->rdv, rg_clock_ns() + TEN_S, &r->err);
}

void part(struct rank *r)
{
	(void)hand_over(r);
	(void)rg_rendezvous_barrier(r->rdv, rg_clock_ns() + 2 * TEN_S, NULL);
}

int connect_all(struct rank *r)
{
	int rc = 0;

	for (uint32_t i = 0; i < r->ep->nranks * CHANNELS && !rc; i++)
		rc = r->ops->connect(r->ep, i / CHANNELS, i % CHANNELS, &r->err);
	/* Which tells nothing, but was taken. */
	for (uint32_t i = 0; i < r->ep->nranks * CHANNELS && !rc; i++)
		rc = signal_all(r, i / CHANNELS, i % CHANNELS, RG_CTR_SYNC, 0);
	return rc;
}

uint64_t counter(const struct rank *r, uint32_t peer, uint32_t channel, enum rg_ctr ctr)
{
	return atomic_load_explicit(&rg_endpoint_link(r->ep, channel, peer)->rx[ctr].value,
				    memory_order_acquire);
}

int turn(struct rank *r, uint32_t *idle)
{
	int rc = r->ops->progress(r->ep, &r->err);

	if (rc < 0)
		return rc;
	*idle = rc ? 0 : *idle + 1;
	if (!rc)
		r->ops->idle(r->ep, *idle - 1);
	return 0;
}

int wait_on(struct rank *r, uint32_t peer, uint32_t channel, enum rg_ctr ctr, uint64_t value)
{
	uint64_t end = rg_clock_ns() + TEN_S;
	uint32_t idle = 0;

	while (counter(r, peer, channel, ctr) < value) {
		int rc = turn(r, &idle);

		if (rc)
			return rc;
		MUST(r, rg_clock_ns() < end);
	}
	return 0;
}

int settle(struct rank *r)
{
	int rc = 0;

	for (uint32_t peer = 0; peer < RANKS && !rc; peer++)
		rc = signal_all(r, peer, 0, RG_CTR_SYNC, 1);
	for (uint32_t peer = 0; peer < RANKS && !rc; peer++)
		rc = wait_on(r, peer, 0, RG_CTR_SYNC, 1);
	return rc;
}

int wait_counter(struct rank *r, uint32_t peer, enum rg_ctr ctr, uint64_t value)
{
	return wait_on(r, peer, 0, ctr, value);
}

int put_all(struct rank *r, const struct rg_put *put)
{
	uint64_t end = rg_clock_ns() + TEN_S;
	uint32_t idle = 0;
	int rc;

	while ((rc = r->ops->put(r->ep, put, &r->err)) == 1) {
		rc = turn(r, &idle);
		if (rc)
			return rc;
		MUST(r, rg_clock_ns() < end);
	}
	return rc;
}

int signal_all(struct rank *r, uint32_t peer, uint32_t channel, enum rg_ctr ctr, uint64_t value)
{
	uint64_t end = rg_clock_ns() + TEN_S;
	uint32_t idle = 0;
	int rc;

	while ((rc = r->ops->signal(r->ep, peer, channel, ctr, value, &r->err)) == 1) {
		rc = turn(r, &idle);
		if (rc)
			return rc;
		MUST(r, rg_clock_ns() < end);
	}
	return rc;
}
