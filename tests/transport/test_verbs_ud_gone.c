/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs-ud on made-up devices: peers that go away, are given up, make no sense, or are strangers.
 */
#include "config.h"

#include "ud_ranks.h"

#include "railgauge/base/clock.h"
#include "transport/verbs_ud_impl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int loses_a_peer(struct rank *r)
{
	int rc = ud_begin(r);

	if (rc)
		return rc;
	if (r->ep->rank == 0)
		fake_port("fake1", 1, false);
	rc = meet(r);
	/* Rank 0 sends something, rank 2 only waits. */
	if (!rc && r->ep->rank == 0)
		rc = signal_all(r, 1, 0, RG_CTR_DONE, 1);
	if (!rc)
		rc = ud_wait_until_gone(r, r->ep->rank == 1 ? 0 : 1);
	part(r);
	if (rc)
		return rc;
	if (r->ep->rank == 1) {
		MUST(r, strstr(r->err.text, "the port went down"));
		return 0;
	}
	MUST(r, strstr(r->err.text, "rank 1") && strstr(r->err.text, r->ep->host[1]));
	MUST(r, strstr(r->err.text, "fake1") && strstr(r->err.text, ud_names[r->ep->rank]));
	MUST(r, strstr(r->err.text, "acknowledged nothing"));
	/* What is sent to it now is harmless. */
	for (uint64_t v = 1; v < 200; v++)
		MUST(r, !r->ops->signal(r->ep, 1, 0, RG_CTR_FREE, v, &r->err));
	return 0;
}

static void
a_peer_that_answers_no_more_is_named_whether_or_not_anything_was_sent_to_it(void **state)
{
	ud_run(loses_a_peer, ONE_S);
}

static int parts_early(struct rank *r)
{
	int rc = ud_begin(r);

	if (!rc && r->ep->rank == 1) {
		rc = signal_all(r, 0, 0, RG_CTR_DONE, 7);
		r->ops->close(r->ep); /* with the signal on its way */
		r->ep = NULL;
		part(r);
		return rc;
	}
	if (!rc)
		rc = ud_wait_until_gone(r, 1);
	MUST(r, rc || strstr(r->err.text, "has closed") ||
			strstr(r->err.text, "acknowledged nothing"));
	MUST(r, rc || r->ep->rank != 0 || counter(r, 1, 0, RG_CTR_DONE) == 7);
	part(r);
	return rc;
}

static void a_peer_that_closes_says_so_and_what_it_sent_comes_before(void **state)
{
	ud_run(parts_early, TEN_S);
	fake_reset(NULL, 0);
	fake_ud_loss(200, 100, 5);
	fake_order(FAKE_UD_ANY_ORDER, 5);
	ud_run(parts_early, 2 * ONE_S); /* its last words may be lost: then its silence says it */
}

/*
 * Rank 1 gets what rank 2 sent last, and closes; whatever it says meanwhile, its last words among
 * it, is lost. Rank 0 waits for it, rank 2 has nothing left to do but to close.
 */
static int loses_last_words(struct rank *r)
{
	struct vud *u = (struct vud *)r->ep;
	int rc = ud_begin(r);

	if (!rc)
		rc = ud_come_to_rest(r);
	if (!rc && r->ep->rank == 1)
		vud_enter(u); /* so that nothing is acknowledged yet */
	if (!rc)
		rc = rg_rendezvous_barrier(r->rdv, rg_clock_ns() + TEN_S, &r->err);
	if (!rc && r->ep->rank == 2) {
		rc = signal_all(r, 1, 0, RG_CTR_DONE, 7);
		MUST(r, rc || !r->ops->flush(r->ep, &r->err));
	}
	if (!rc)
		rc = rg_rendezvous_barrier(r->rdv, rg_clock_ns() + TEN_S, &r->err);
	if (!rc && r->ep->rank == 1) {
		fake_ud_loss(1000, 0, 1);
		vud_leave(u);
		rc = wait_counter(r, 2, RG_CTR_DONE, 7);
		r->ops->close(r->ep);
		r->ep = NULL;
		fake_ud_loss(0, 0, 1);
	}
	if (!rc)
		rc = rg_rendezvous_barrier(r->rdv, rg_clock_ns() + TEN_S, &r->err);
	if (!rc && r->ep && r->ep->rank == 0) {
		rc = ud_wait_until_gone(r, 1);
		MUST(r, rc || strstr(r->err.text, "acknowledged nothing"));
	}
	part(r);
	return rc;
}

static void who_hears_no_last_words_ends_all_the_same(void **state)
{
	ud_run(loses_last_words, ONE_S);
}

/* Rank 0 gives rank 1 up, which hears of it with what it sends next. */
static int gives_up(struct rank *r)
{
	struct vud *u = (struct vud *)r->ep;
	int rc = ud_begin(r);

	if (!rc && r->ep->rank == 0) {
		vud_enter(u);
		vud_let_go(u, 1, VUD_SILENT, NULL);
		u->peers[1].refused = false; /* as if these words had been lost */
		vud_leave(u);
	}
	if (!rc)
		rc = meet(r);
	if (!rc && r->ep->rank == 1)
		rc = signal_all(r, 0, 0, RG_CTR_DONE, 1);
	if (!rc && r->ep->rank == 1)
		rc = ud_wait_until_gone(r, 0);
	MUST(r, rc || r->ep->rank != 1 || strstr(r->err.text, "has given this rank up"));
	part(r);
	return rc;
}

static void a_peer_that_was_given_up_is_told_so(void **state)
{
	ud_run(gives_up, TEN_S);
}

/* Rank 1 acknowledges what was never sent. */
static int talks_nonsense(struct rank *r)
{
	struct vud *u = (struct vud *)r->ep;
	int rc = ud_begin(r);

	if (!rc && r->ep->rank == 1) {
		vud_enter(u);
		u->peers[0].flow.expected += 5;
		vud_leave(u);
		rc = signal_all(r, 0, 0, RG_CTR_DONE, 1);
	}
	if (!rc && r->ep->rank < 2)
		rc = ud_wait_until_gone(r, 1 - r->ep->rank);
	MUST(r, rc || r->ep->rank != 0 || strstr(r->err.text, "was cut off: it acknowledges"));
	MUST(r, rc || r->ep->rank != 1 || strstr(r->err.text, "has given this rank up"));
	part(r);
	return rc;
}

static void a_peer_that_makes_no_sense_is_cut_off_and_told_so(void **state)
{
	ud_run(talks_nonsense, TEN_S);
}

static uint64_t strays(struct vud *u)
{
	uint64_t n;

	vud_enter(u);
	n = u->strays;
	vud_leave(u);
	return n;
}

/* Some of rank 1's packets look like those of somebody else. */
static int is_strange(struct rank *r)
{
	struct vud *u = (struct vud *)r->ep;
	int rc = ud_begin(r);

	if (!rc && r->ep->rank == 1) {
		vud_enter(u);
		u->peers[0].tag_out ^= 1;
		for (int k = 0; k < 5; k++)
			(void)vud_tell(u, 0, VUD_CLOSED, rg_clock_ns());
		vud_post(u);
		u->peers[0].tag_out ^= 1;
		vud_leave(u);
		rc = signal_all(r, 0, 0, RG_CTR_DONE, 1);
	}
	if (!rc && r->ep->rank == 0) {
		rc = wait_counter(r, 1, RG_CTR_DONE, 1);
		MUST(r, rc || strays(u) == 5);
		MUST(r, rc || !r->ops->peer_alive(r->ep, 1, &r->err));
	}
	return rc ? rc : meet(r);
}

static void packets_of_strangers_are_dropped_unread(void **state)
{
	ud_run(is_strange, TEN_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			a_peer_that_answers_no_more_is_named_whether_or_not_anything_was_sent_to_it,
			ud_reset),
		cmocka_unit_test_setup(a_peer_that_closes_says_so_and_what_it_sent_comes_before,
				       ud_reset),
		cmocka_unit_test_setup(who_hears_no_last_words_ends_all_the_same, ud_reset),
		cmocka_unit_test_setup(a_peer_that_was_given_up_is_told_so, ud_reset),
		cmocka_unit_test_setup(a_peer_that_makes_no_sense_is_cut_off_and_told_so, ud_reset),
		cmocka_unit_test_setup(packets_of_strangers_are_dropped_unread, ud_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
