/* SPDX-License-Identifier: BSD-3-Clause */
/* One suite for every transport: user memory that the peers write and read. */
#include "config.h"

#include "ranks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A buffer and its window; each rank's is of another size. */
struct memory {
	struct rg_buffer buffer;
	struct rg_window *window;
};

static size_t bytes_of(uint32_t rank)
{
	return 10000 + 4096 * (size_t)rank;
}

static int open_memory(struct rank *r, struct memory *m)
{
	int rc;

	*m = (struct memory){0};
	rc = rg_buffer_open(RG_MEMORY_SHARED, bytes_of(r->ep->rank), 0, -1, &m->buffer, &r->err);
	return rc ? rc : r->ops->window_open(r->ep, &m->buffer, &m->window, &r->err);
}

static void close_memory(struct rank *r, struct memory *m)
{
	r->ops->window_close(m->window);
	rg_buffer_close(&m->buffer);
}

static int put_word(struct rank *r, uint32_t peer, const struct rg_window *window, uint64_t offset,
		    uint32_t word)
{
	const struct rg_put put = {
		.peer = peer,
		.region = RG_REGION_WINDOW,
		.window = window,
		.offset = offset,
		.src = &word,
		.len_bytes = sizeof(word),
	};

	return put_all(r, &put);
}

static uint32_t word_at(const void *base, size_t offset)
{
	uint32_t word;

	memcpy(&word, (const uint8_t *)base + offset, sizeof(word));
	return word;
}

static int write_and_read(struct rank *r, struct memory *m)
{
	uint32_t to = next(r), from = previous(r);

	MUST(r, !r->ops->window_map(m->window, to, &r->err));
	MUST(r, !r->ops->window_map(m->window, to, &r->err)); /* twice is no error */
	MUST(r, !put_word(r, to, m->window, 9000, 1000 + r->ep->rank));
	MUST(r, !signal_all(r, to, 0, RG_CTR_DONE, 1));
	if (wait_counter(r, from, RG_CTR_DONE, 1))
		return r->err.code;
	if (!moves_data(r))
		return 0;
	MUST(r, word_at(m->buffer.base, 9000) == 1000 + from);
	/* What the owner has written is read where it is mapped, once the owner says so. */
	memcpy((uint8_t *)m->buffer.base + 4000, &(uint32_t){2000 + r->ep->rank}, 4);
	MUST(r, !signal_all(r, from, 0, RG_CTR_ENTER, 1));
	if (wait_counter(r, to, RG_CTR_ENTER, 1))
		return r->err.code;
	MUST(r,
	     !(r->ops->caps & RG_CAP_MAPPED) || word_at(m->window->remote[to], 4000) == 2000 + to);
	return 0;
}

static int are_written_and_read_by_peers(struct rank *r)
{
	struct memory m = {0};
	int rc = connect_all(r);

	if (!rc)
		rc = open_memory(r, &m);
	if (!rc)
		rc = write_and_read(r, &m);
	part(r);
	close_memory(r, &m);
	return rc;
}

/* Up to the last byte of the peer's memory and not one further, whatever the size of one's own. */
static int reach_up_to(struct rank *r, struct memory *m)
{
	uint32_t to = next(r);
	/* null has no peers: they are as large as this rank. */
	size_t end = bytes_of(moves_data(r) ? to : r->ep->rank);

	MUST(r, !r->ops->window_map(m->window, to, &r->err));
	MUST(r, m->window->remote_bytes[to] == end);
	MUST(r, !put_word(r, to, m->window, end - 4, 3000 + r->ep->rank));
	MUST(r, put_word(r, to, m->window, end - 3, 0) == RG_ERR_RANGE);
	MUST(r, put_word(r, to, m->window, UINT64_MAX - 1, 0) == RG_ERR_RANGE);
	if (settle(r) || meet(r))
		return r->err.code;
	MUST(r, !moves_data(r) ||
			word_at(m->buffer.base, bytes_of(r->ep->rank) - 4) == 3000 + previous(r));
	return 0;
}

static int end_where_the_memory_of_the_peer_ends(struct rank *r)
{
	struct memory m = {0};
	int rc = connect_all(r);

	if (!rc)
		rc = open_memory(r, &m);
	if (!rc)
		rc = reach_up_to(r, &m);
	part(r);
	close_memory(r, &m);
	return rc;
}

/* Rank 0 maps its next rank, rank 1 nobody, rank 2 all; each reaches exactly those. */
static int use_what_is_mapped(struct rank *r, struct memory *m)
{
	const struct rg_window *w = m->window;
	uint32_t me = r->ep->rank;

	MUST(r, w->remote[me] == m->buffer.base);
	MUST(r, r->ops->window_map(m->window, RANKS, NULL) == RG_ERR_INVALID);
	for (uint32_t peer = 0; peer < RANKS; peer++) {
		bool mine = peer == me || me == 2 || (me == 0 && peer == 1);

		MUST(r, peer == me || !w->remote[peer]);
		MUST(r, peer == me || put_word(r, peer, w, 0, 0) == RG_ERR_INVALID);
		if (!mine)
			continue;
		MUST(r, !r->ops->window_map(m->window, peer, &r->err));
		MUST(r, !(r->ops->caps & RG_CAP_MAPPED) || w->remote[peer]);
		MUST(r, !put_word(r, peer, w, 4 * me, 4000 + me));
	}
	if (settle(r) || meet(r))
		return r->err.code;
	if (!moves_data(r))
		return 0;
	MUST(r, word_at(m->buffer.base, 0) == (me == 2 ? 0u : 4000u));
	MUST(r, word_at(m->buffer.base, 4) == (me == 1 ? 4001u : 0u));
	MUST(r, word_at(m->buffer.base, 8) == 4002u);
	return 0;
}

static int are_reached_by_those_who_mapped_them(struct rank *r)
{
	struct memory m = {0};
	int rc = connect_all(r);

	if (!rc)
		rc = open_memory(r, &m);
	if (!rc)
		rc = use_what_is_mapped(r, &m);
	part(r);
	close_memory(r, &m);
	return rc;
}

#define LONG_BYTES ((size_t)32 << 20)

static uint32_t long_word(uint32_t rank, size_t i)
{
	return (uint32_t)i * 2654435761u + rank;
}

/* Longer than any network's buffers: what is not taken at once is put again until it is. */
static int put_long(struct rank *r, const struct rg_window *window, uint32_t *words)
{
	const struct rg_put put = {
		.peer = next(r),
		.region = RG_REGION_WINDOW,
		.window = window,
		.src = words,
		.len_bytes = LONG_BYTES,
		.notify = true,
		.ctr = RG_CTR_DONE,
		.value = 1,
	};

	for (size_t i = 0; i < LONG_BYTES / 4; i++)
		words[i] = long_word(r->ep->rank, i);
	MUST(r, !r->ops->window_map((struct rg_window *)window, next(r), &r->err));
	return put_all(r, &put);
}

static int take_long_puts(struct rank *r)
{
	uint32_t *words = malloc(LONG_BYTES);
	struct memory m = {0};
	int rc = connect_all(r);

	if (!rc)
		rc = rg_buffer_open(RG_MEMORY_SHARED, LONG_BYTES, 0, -1, &m.buffer, &r->err);
	if (!rc)
		rc = r->ops->window_open(r->ep, &m.buffer, &m.window, &r->err);
	if (!rc)
		rc = put_long(r, m.window, words);
	/* What follows the long one, and comes after it. */
	if (!rc)
		rc = signal_all(r, next(r), 0, RG_CTR_SYNC, 1);
	if (!rc)
		rc = wait_counter(r, previous(r), RG_CTR_SYNC, 1);
	if (!rc && moves_data(r) && counter(r, previous(r), 0, RG_CTR_DONE) != 1)
		rc = rg_err_set(&r->err, RG_ERR_INTERNAL, "no notice of the long put");
	for (size_t i = 0; !rc && moves_data(r) && i < LONG_BYTES / 4; i++) {
		if (((uint32_t *)m.buffer.base)[i] != long_word(previous(r), i))
			rc = rg_err_set(&r->err, RG_ERR_WRONG_DATA, "word %zu is wrong", i);
	}
	part(r);
	free(words);
	close_memory(r, &m);
	return rc;
}

#define LENT_BYTES ((size_t)1 << 20)

/* Sent from where they lie, or not: they are this rank's again when flush says so. */
static int put_what_lasts(struct rank *r, const struct rg_window *window,
			  const struct rg_buffer *lent)
{
	const struct rg_put put = {
		.peer = next(r),
		.region = RG_REGION_WINDOW,
		.window = window,
		.src = lent->base,
		.len_bytes = LENT_BYTES,
		.lasting = true,
		.notify = true,
		.ctr = RG_CTR_DONE,
		.value = 1,
	};
	uint32_t *words = lent->base;

	for (size_t i = 0; i < LENT_BYTES / 4; i++)
		words[i] = long_word(r->ep->rank, i);
	MUST(r, !r->ops->window_map((struct rg_window *)window, next(r), &r->err));
	MUST(r, !put_all(r, &put));
	MUST(r, !meet(r)); /* flush has returned 0 */
	memset(lent->base, 0xff, LENT_BYTES);
	return wait_counter(r, previous(r), RG_CTR_DONE, 1);
}

static int take_puts_that_last_out_of_lent_memory(struct rank *r)
{
	struct rg_buffer lent = {0};
	struct memory m = {0};
	int rc = connect_all(r);

	if (!rc)
		rc = rg_buffer_open(RG_MEMORY_HOST, LENT_BYTES, 0, -1, &lent, &r->err);
	if (!rc)
		rc = rg_buffer_open(RG_MEMORY_SHARED, LENT_BYTES, 0, -1, &m.buffer, &r->err);
	if (!rc)
		rc = r->ops->window_open(r->ep, &m.buffer, &m.window, &r->err);
	r->ops->lend(r->ep, &lent);
	r->ops->lend(r->ep, &lent); /* twice is once */
	if (!rc)
		rc = put_what_lasts(r, m.window, &lent);
	for (size_t i = 0; !rc && moves_data(r) && i < LENT_BYTES / 4; i++) {
		if (((uint32_t *)m.buffer.base)[i] != long_word(previous(r), i))
			rc = rg_err_set(&r->err, RG_ERR_WRONG_DATA, "word %zu is wrong", i);
	}
	part(r);
	r->ops->take_back(r->ep, &lent);
	r->ops->take_back(r->ep, &lent);
	rg_buffer_close(&lent);
	close_memory(r, &m);
	return rc;
}

#define WINDOWS 3

/* Closes one window; the others of this rank and of its peers go on working. */
static int close_one(struct rank *r, struct memory *m, uint32_t lap)
{
	uint32_t gone = (r->ep->rank + lap) % WINDOWS;

	r->ops->window_close(m[gone].window);
	m[gone].window = NULL;
	for (uint32_t i = 0; i < WINDOWS; i++) {
		if (m[i].window)
			MUST(r, !put_word(r, next(r), m[i].window, 4 * lap, 5000 + i));
	}
	return meet(r);
}

/* In another order on each rank, and buffers only when nobody uses them any more. */
static int may_be_closed_in_any_order(struct rank *r)
{
	struct memory m[WINDOWS] = {0};
	int rc = connect_all(r);

	for (uint32_t i = 0; i < WINDOWS && !rc; i++) {
		rc = open_memory(r, &m[i]);
		if (!rc)
			rc = r->ops->window_map(m[i].window, next(r), &r->err);
	}
	for (uint32_t lap = 0; lap < WINDOWS && !rc; lap++)
		rc = close_one(r, m, lap);
	part(r);
	for (uint32_t i = 0; i < WINDOWS; i++)
		close_memory(r, &m[i]);
	r->ops->window_close(NULL);
	return rc;
}

/* The ranks that could have opened it learn of the one that could not, and nothing is left. */
static int of_unfit_memory_are_refused_on_all_ranks(struct rank *r)
{
	enum rg_memory_kind kind = r->ep->rank == 1 ? RG_MEMORY_HOST : RG_MEMORY_SHARED;
	struct memory m = {0};
	int rc = rg_buffer_open(kind, 10000, 0, -1, &m.buffer, &r->err);

	if (rc)
		return rc;
	rc = r->ops->window_open(r->ep, &m.buffer, &m.window, &r->err);
	part(r);
	if (r->ops == &rg_transport_shm || r->ops == &rg_transport_mixed) {
		MUST(r, rc == RG_ERR_UNSUPPORTED && !m.window);
		MUST(r, strstr(r->err.text, "rank 1"));
		rc = 0;
	}
	close_memory(r, &m);
	return rc;
}

static void post(struct rank *r, struct rg_link *l, uint64_t message, void *dst, uint64_t len)
{
	struct rg_posted *p = &l->posted[message % r->config.geometry.slots];

	*p = (struct rg_posted){.ready = message + 1, .dst = dst, .len_bytes = len};
	if (r->ops->post)
		r->ops->post(r->ep, previous(r), 0, message + 1);
}

#define POSTED 600

/* Fills a ring; the next rank has posted the second message, and others than the third and fourth.
 */
static int fill_ring(struct rank *r)
{
	uint8_t data[POSTED];

	for (uint64_t m = 0; m < 4; m++) {
		const struct rg_put put = {
			.peer = next(r),
			.offset = m * r->config.geometry.slot_bytes,
			.src = memset(data, (int)(16 * r->ep->rank + m + 1), sizeof(data)),
			.len_bytes = sizeof(data),
			.notify = true,
			.ctr = RG_CTR_READY,
			.value = m + 1,
		};

		MUST(r, !put_all(r, &put));
	}
	return wait_counter(r, previous(r), RG_CTR_READY, 4) ? r->err.code : 0;
}

static bool is_filled(const uint8_t *data, uint32_t with)
{
	for (int i = 0; i < POSTED; i++) {
		if (data[i] != with)
			return false;
	}
	return true;
}

/* Where the sender has to be told, he may not have been. */
static int post_and_take(struct rank *r, uint8_t place[3][POSTED])
{
	uint32_t from = previous(r), slot = r->config.geometry.slot_bytes;
	struct rg_link *l = rg_endpoint_link(r->ep, 0, from);
	int rc;

	MUST(r, !l->posted || !(r->ops->caps & RG_CAP_MAPPED));
	r->ep->post_bytes = r->ep->post_bytes ? 64 : 0; /* slots are short here */
	if (l->posted) {
		post(r, l, 1, place[0], POSTED);
		post(r, l, 2, place[1], POSTED - 1); /* of another length */
		post(r, l, 7, place[2], POSTED);     /* of another number */
	}
	rc = meet(r);
	if (!rc)
		rc = fill_ring(r);
	if (rc)
		return rc;
	for (uint32_t m = 0; m < 4 && moves_data(r); m++) {
		bool placed = l->posted && l->posted[m].placed;

		MUST(r, r->ops->post || placed == (m == 1 && l->posted));
		MUST(r, !placed || m == 1);
		MUST(r, is_filled(l->rx_slots + m * slot, placed ? 0 : 16 * from + m + 1));
		MUST(r, m != 1 || is_filled(place[0], placed ? 16 * from + 2 : 0));
	}
	MUST(r, is_filled(place[1], 0) && is_filled(place[2], 0));
	return meet(r);
}

static int that_are_posted_take_their_messages(struct rank *r)
{
	struct rg_buffer lent = {0};
	int rc = connect_all(r);

	if (!rc)
		rc = rg_buffer_open(RG_MEMORY_HOST, 3 * POSTED, 0, -1, &lent, &r->err);
	if (!rc)
		r->ops->lend(r->ep, &lent);
	if (!rc)
		rc = post_and_take(r, lent.base);
	part(r);
	r->ops->take_back(r->ep, &lent);
	rg_buffer_close(&lent);
	return rc;
}

#define CASE(name)                                    \
	static void test_windows_##name(void **state) \
	{                                             \
		every_transport(name);                \
	}

CASE(are_written_and_read_by_peers)
CASE(end_where_the_memory_of_the_peer_ends)
CASE(are_reached_by_those_who_mapped_them)
CASE(take_long_puts)
CASE(take_puts_that_last_out_of_lent_memory)
CASE(may_be_closed_in_any_order)
CASE(of_unfit_memory_are_refused_on_all_ranks)

static void test_places_that_are_posted_take_their_messages(void **state)
{
	every_transport(that_are_posted_take_their_messages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows_are_written_and_read_by_peers),
		cmocka_unit_test(test_windows_end_where_the_memory_of_the_peer_ends),
		cmocka_unit_test(test_windows_are_reached_by_those_who_mapped_them),
		cmocka_unit_test(test_windows_take_long_puts),
		cmocka_unit_test(test_windows_take_puts_that_last_out_of_lent_memory),
		cmocka_unit_test(test_windows_may_be_closed_in_any_order),
		cmocka_unit_test(test_windows_of_unfit_memory_are_refused_on_all_ranks),
		cmocka_unit_test(test_places_that_are_posted_take_their_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
