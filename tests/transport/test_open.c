/* SPDX-License-Identifier: BSD-3-Clause */
/* One suite for every transport: opening, what stands in its way, and closing. */
#include "config.h"

#include "ranks.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int opens_and_closes(struct rank *r)
{
	MUST(r, r->ep->nranks == RANKS && r->ep->rank == r->rdv->rank);
	MUST(r, r->ep->ops == r->ops && !(r->ep->caps & ~r->ops->caps));
	for (uint32_t peer = 0; peer < RANKS; peer++)
		MUST(r, r->ep->host[peer][0] != '\0');
	r->ops->close(NULL);
	return 0;
}

static void an_endpoint_opens_and_closes(void **state)
{
	every_transport(opens_and_closes);
}

/* As many times as one likes with one rendezvous, and several at a time. */
static int opens_again(struct rank *r)
{
	struct rg_endpoint *other[2] = {NULL, NULL};
	int rc = connect_all(r);

	for (uint32_t i = 0; i < 2 && !rc; i++)
		rc = r->ops->open(r->rdv, &r->config, &other[i], &r->err);
	r->ops->close(other[r->ep->rank % 2]);
	other[r->ep->rank % 2] = NULL;
	if (!rc)
		rc = r->ops->open(r->rdv, &r->config, &other[r->ep->rank % 2], &r->err);
	r->ops->close(other[0]);
	r->ops->close(other[1]);
	if (!rc)
		rc = signal_all(r, next(r), 0, RG_CTR_DONE, 1);
	if (!rc)
		rc = wait_counter(r, previous(r), RG_CTR_DONE, 1);
	return rc ? rc : meet(r);
}

static void endpoints_of_one_rendezvous_do_not_know_each_other(void **state)
{
	every_transport(opens_again);
}

/* The names in the config may be gone by now, but not what they said. */
static int opens_beside(struct rank *r)
{
	const struct rg_geometry tiny = {.channels = 1,
					 .slots = 1,
					 .slot_bytes = 64,
					 .ll_slots = 1,
					 .ll_bytes = 64,
					 .credit_batch = 1};
	struct rg_endpoint *of_job = r->ep;
	int rc;

	memset(r->names, 'x', sizeof(r->names) - 1);
	rc = rg_endpoint_open_beside(of_job, &tiny, &r->ep, &r->err);
	if (rc)
		return rc;
	rc = r->ops->connect(r->ep, next(r), 0, &r->err);
	if (!rc)
		rc = r->ops->connect(r->ep, previous(r), 0, &r->err);
	if (!rc)
		rc = signal_all(r, next(r), 0, RG_CTR_DONE, 1);
	if (!rc)
		rc = wait_counter(r, previous(r), RG_CTR_DONE, 1);
	if (!rc && strcmp(r->ep->about, of_job->about) != 0)
		rc = rg_err_set(&r->err, RG_ERR_INTERNAL, "not %s: %s", of_job->about,
				r->ep->about);
	if (!rc && r->ep->config.geometry.slot_bytes != 64)
		rc = rg_err_set(&r->err, RG_ERR_INTERNAL, "another geometry");
	if (!rc)
		rc = meet(r);
	r->ops->close(r->ep);
	r->ep = of_job;
	return rc;
}

static void an_endpoint_beside_another_has_its_options_and_its_own_geometry(void **state)
{
	const struct rg_transport_ops *const *here = transports_here();

	for (size_t t = 0; here[t]; t++) {
		struct rank ranks[RANKS];

		prepare_ranks(ranks, here[t], opens_beside);
		for (uint32_t i = 0; i < RANKS; i++) {
			snprintf(ranks[i].names, sizeof(ranks[i].names), "%s", "lo");
			ranks[i].config.interface = ranks[i].names;
		}
		run_ranks(ranks, 0);
		for (uint32_t i = 0; i < RANKS; i++) {
			if (ranks[i].rc)
				fail_msg("%s, rank %u: %s", here[t]->name, i, ranks[i].err.text);
		}
	}
}

/* Rank `lap` closes while its peers still put and signal to it; in the end only one is left. */
static int closes_before_its_peers(struct rank *r)
{
	const uint8_t data[64] = {0};
	struct rg_put put = {.src = data, .len_bytes = sizeof(data)};
	int rc = connect_all(r);

	if (!rc)
		rc = meet(r);
	for (uint32_t gone = 0; gone < RANKS - 1 && !rc; gone++) {
		put.peer = gone;
		if (r->rdv->rank == gone) {
			r->ops->close(r->ep);
			r->ep = NULL;
		}
		rc = meet(r);
		for (uint64_t v = 1; v < 100 && r->ep && !rc; v++) {
			rc = put_all(r, &put);
			if (!rc)
				rc = signal_all(r, gone, 0, RG_CTR_FREE, v);
		}
		if (!rc)
			rc = meet(r);
	}
	return rc;
}

static void ranks_close_in_any_order(void **state)
{
	every_transport(closes_before_its_peers);
}

static void ranks_that_differ_are_named(void **state)
{
	const struct rg_transport_ops *const *here = transports_here();

	for (size_t t = 0; here[t]; t++) {
		struct rank ranks[RANKS];

		for (uint32_t what = 0; what < 3; what++) {
			prepare_ranks(ranks, here[t], opens_and_closes);
			if (what == 0)
				ranks[1].config.geometry.slots = 8;
			else if (what == 1)
				ranks[1].config.first_sequence = 1;
			else
				ranks[1].ops = here[t] == &rg_transport_null ? &rg_transport_tcp
									     : &rg_transport_null;
			run_ranks(ranks, 0);
			for (uint32_t i = 0; i < RANKS; i++)
				assert_int_equal(ranks[i].rc, RG_ERR_MISMATCH);
			assert_non_null(strstr(ranks[0].err.text, "rank 1"));
		}
	}
}

/* Not at the others' deadline: then they would say that they waited in vain. */
static void one_rank_that_cannot_open_is_named_by_all(void **state)
{
	const struct rg_transport_ops *const *here = transports_here();

	for (size_t t = 0; here[t]; t++) {
		struct rank ranks[RANKS];

		prepare_ranks(ranks, here[t], opens_and_closes);
		ranks[1].config.geometry.slots = 3;
		run_ranks(ranks, 0);
		for (uint32_t i = 0; i < RANKS; i++) {
			assert_int_equal(ranks[i].rc, RG_ERR_INVALID);
			assert_non_null(strstr(ranks[i].err.text, "rank 1"));
		}
	}
}

static void nonsense_geometry_is_refused_before_anything_is_made(void **state)
{
	const struct {
		size_t member;
		uint32_t value;
	} wrong[] = {
		{offsetof(struct rg_geometry, channels), 0},
		{offsetof(struct rg_geometry, channels), 65},
		{offsetof(struct rg_geometry, slots), 0},
		{offsetof(struct rg_geometry, slots), 3},
		{offsetof(struct rg_geometry, slots), 8192},
		{offsetof(struct rg_geometry, slot_bytes), 0},
		{offsetof(struct rg_geometry, slot_bytes), 100},
		{offsetof(struct rg_geometry, slot_bytes), 1u << 31},
		{offsetof(struct rg_geometry, ll_slots), 0},
		{offsetof(struct rg_geometry, ll_slots), 6},
		{offsetof(struct rg_geometry, ll_bytes), 32},
		{offsetof(struct rg_geometry, ll_bytes), 2u << 20},
		{offsetof(struct rg_geometry, credit_batch), 0},
		{offsetof(struct rg_geometry, credit_batch), 5},
	};
	struct rg_err err = {0};

	assert_int_equal(rg_geometry_check(&small_config.geometry, NULL), 0);
	assert_int_equal(rg_geometry_check(&rg_geometry_default, NULL), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct rg_geometry g = small_config.geometry;

		memcpy((char *)&g + wrong[i].member, &wrong[i].value, sizeof(wrong[i].value));
		assert_int_equal(rg_geometry_check(&g, &err), RG_ERR_INVALID);
		assert_true(strlen(err.text) > 10);
	}
}

static void all_links_of_a_rank_stay_below_a_limit(void **state)
{
	static const uint32_t numbers[] = {1, 64, 71, 72, 128, 1000, 1024, 4000};

	for (size_t t = 0; rg_transports[t]; t++) {
		const struct rg_geometry *own = rg_transports[t]->geometry;

		for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
			struct rg_geometry g = rg_geometry_for(rg_transports[t], numbers[i]);
			uint64_t all = numbers[i] * (uint64_t)rg_geometry_link_bytes(&g);

			assert_int_equal(rg_geometry_check(&g, NULL), 0);
			assert_true(all <= RG_LINKS_BYTES || g.slot_bytes == 4096);
			/* And no shorter than that takes. */
			assert_true(g.slot_bytes == own->slot_bytes || 2 * all > RG_LINKS_BYTES);
			assert_true(numbers[i] > 71 || g.slot_bytes == own->slot_bytes);
		}
	}
	assert_int_equal(rg_geometry_for(&rg_transport_tcp, 1024).slot_bytes, 16384);
}

static void every_row_of_the_table_is_filled(void **state)
{
	const struct rg_transport_ops *const *here = transports_here();

	for (size_t t = 0; rg_transports[t]; t++) {
		const struct rg_transport_ops *o = rg_transports[t], *found;

		assert_true(o->name && o->summary && o->probe && o->open && o->close &&
			    o->connect && o->window_open && o->window_close && o->window_map &&
			    o->lend && o->take_back && o->put && o->signal && o->read &&
			    o->progress && o->idle && o->wake && o->peer_alive);
		assert_int_equal(rg_transport_find(o->name, &found, NULL), 0);
		assert_ptr_equal(found, o);
	}
	for (size_t t = 0; here[t]; t++)
		assert_int_equal(here[t]->probe(NULL, NULL), 0);
}

static void an_unknown_transport_gets_a_suggestion(void **state)
{
	const struct rg_transport_ops *found = NULL;
	struct rg_err err = {0};

	assert_int_equal(rg_transport_find("shn", &found, &err), RG_ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "\"shm\""));
	assert_null(found);
}

static void a_limit_on_file_sizes_is_an_error_and_no_signal(void **state)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		const struct rlimit page = {4096, 4096};
		struct rg_endpoint *ep = NULL;
		struct rg_rendezvous *rdv;
		struct rg_err err = {0};
		int rc;

		setrlimit(RLIMIT_FSIZE, &page);
		if (rg_rendezvous_threads_open(1, &rdv, NULL))
			_exit(1);
		rc = rg_transport_shm.open(rdv, &small_config, &ep, &err);
		_exit(rc == RG_ERR_LIMIT && strstr(err.text, "ulimit -f") ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Of four terabytes a link, before any of them is taken. */
static void memory_that_there_is_not_is_refused_with_the_limit_that_says_so(void **state)
{
	static const struct rg_transport_ops *const those[] = {&rg_transport_shm,
							       &rg_transport_tcp};
	struct rg_transport_config config = small_config;

	config.geometry.slots = 4096;
	config.geometry.slot_bytes = 1 << 30;
	for (size_t t = 0; t < sizeof(those) / sizeof(those[0]); t++) {
		struct rg_endpoint *ep = NULL;
		struct rg_rendezvous *rdv;
		struct rg_err err = {0};
		int rc;

		assert_int_equal(rg_rendezvous_threads_open(1, &rdv, NULL), 0);
		rc = those[t]->open(rdv, &config, &ep, &err);
		/* The thread sanitizer leaves no room for shm's arena even as addresses. */
		if (rc == RG_ERR_NO_MEMORY && those[t] == &rg_transport_shm) {
			rg_rendezvous_close(rdv);
			continue;
		}
		assert_int_equal(rc, 0);
		assert_int_equal(those[t]->connect(ep, 0, 0, &err), RG_ERR_LIMIT);
		assert_non_null(strstr(err.text, "a link's memory needs 4398046"));
		assert_non_null(strstr(err.text, " bytes, more than "));
		assert_null(rg_endpoint_link(ep, 0, 0));
		those[t]->close(ep);
		rg_rendezvous_close(rdv);
	}
}

/* Everything that a rank opens, on a transport with one rank. */
static int open_all(const struct rg_transport_ops *o, struct rg_rendezvous *rdv,
		    const struct rg_transport_config *config, const struct rg_buffer *buffer,
		    struct rg_err *err)
{
	struct rg_window *window = NULL;
	struct rg_endpoint *ep = NULL;
	int rc;

	rc = o->open(rdv, config, &ep, err);
	if (!rc)
		rc = o->connect(ep, 0, 0, err);
	if (!rc)
		rc = o->window_open(ep, buffer, &window, err);
	if (!rc)
		rc = o->window_map(window, 0, err);
	assert_true(rc == 0 || !window);
	o->window_close(window);
	o->close(ep);
	return rc;
}

/* One rank, so that each allocation is met; sanitizers and valgrind see what is left. */
static void failing_allocations_leak_nothing(void **state)
{
	const struct rg_transport_ops *const *here = transports_here();
	struct rank ranks[RANKS];
	struct rg_buffer buffer;

	assert_int_equal(rg_buffer_open(RG_MEMORY_SHARED, 4096, 0, -1, &buffer, NULL), 0);
	for (size_t t = 0; here[t]; t++) {
		const struct rg_transport_ops *o = here[t];
		bool failed = true;

		for (unsigned long n = 1; failed; n++) {
			struct rg_rendezvous *rdv;
			struct rg_err err = {0};
			int rc;

			prepare_ranks(ranks, o, opens_and_closes);
			assert_int_equal(rg_rendezvous_threads_open(1, &rdv, NULL), 0);
			rg_mem_fail_nth(n);
			rc = open_all(o, rdv, &ranks[0].config, &buffer, &err);
			failed = rg_mem_fail_fired();
			rg_mem_fail_nth(0);
			/* Reading a limit may fail; then it is as if there were none. */
			if (rc && (rc != RG_ERR_NO_MEMORY || !failed))
				fail_msg("%s, allocation %lu: %s", o->name, n, err.text);
			rg_rendezvous_close(rdv);
		}
	}
	rg_buffer_close(&buffer);
}

/* Opens another endpoint, and a window; waits for nobody who gave up. */
static int opens_what_is_collective(struct rank *r)
{
	struct rg_window *window = NULL;
	struct rg_endpoint *ep = NULL;
	struct rg_buffer buffer = {0};
	int rc;

	rc = rg_buffer_open(RG_MEMORY_SHARED, 4096, 0, -1, &buffer, &r->err);
	rc = rg_rendezvous_agree(r->rdv, rc, rg_clock_ns() + TEN_S, &r->err);
	if (!rc)
		rc = r->ops->open(r->rdv, &r->config, &ep, &r->err);
	if (!rc)
		rc = r->ops->window_open(ep, &buffer, &window, &r->err);
	r->ops->window_close(window);
	r->ops->close(ep);
	rg_buffer_close(&buffer);
	return rc;
}

/* Whichever rank it meets: the others do not wait for their deadlines. */
static void an_allocation_that_fails_on_one_rank_ends_all(void **state)
{
	const struct rg_transport_ops *const *here = transports_here();

	for (size_t t = 0; here[t]; t++) {
		bool failed = true;

		for (unsigned long n = 1; failed; n++) {
			struct rank ranks[RANKS];
			uint64_t begun = rg_clock_ns();

			prepare_ranks(ranks, here[t], opens_what_is_collective);
			run_ranks(ranks, n);
			failed = rg_mem_fail_fired();
			rg_mem_fail_nth(0);
			assert_true(rg_clock_ns() - begun < TEN_S);
			for (uint32_t i = 0; i < RANKS; i++) {
				/* A limit that cannot be read is none. */
				if (!failed || ranks[0].rc == 0)
					assert_int_equal(ranks[i].rc, 0);
				else if (ranks[i].rc != RG_ERR_NO_MEMORY &&
					 ranks[i].rc != RG_ERR_PEER)
					fail_msg("%s, allocation %lu, rank %u: %s", here[t]->name,
						 n, i, ranks[i].err.text);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_endpoint_opens_and_closes),
		cmocka_unit_test(endpoints_of_one_rendezvous_do_not_know_each_other),
		cmocka_unit_test(an_endpoint_beside_another_has_its_options_and_its_own_geometry),
		cmocka_unit_test(ranks_close_in_any_order),
		cmocka_unit_test(ranks_that_differ_are_named),
		cmocka_unit_test(one_rank_that_cannot_open_is_named_by_all),
		cmocka_unit_test(nonsense_geometry_is_refused_before_anything_is_made),
		cmocka_unit_test(all_links_of_a_rank_stay_below_a_limit),
		cmocka_unit_test(every_row_of_the_table_is_filled),
		cmocka_unit_test(an_unknown_transport_gets_a_suggestion),
		cmocka_unit_test(a_limit_on_file_sizes_is_an_error_and_no_signal),
		cmocka_unit_test(memory_that_there_is_not_is_refused_with_the_limit_that_says_so),
		cmocka_unit_test(failing_allocations_leak_nothing),
		cmocka_unit_test(an_allocation_that_fails_on_one_rank_ends_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
