/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "ud_ranks.h"

#include "railgauge/base/clock.h"
#include "transport/verbs_ud_impl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct rg_verbs_options ud_options[RANKS];
const char *const ud_names[RANKS] = {"fake0", "fake1", "fake2"};

void ud_prepare(struct rank ranks[RANKS], int (*body)(struct rank *r), uint64_t timeout_ns)
{
	prepare_ranks(ranks, &rg_transport_verbs_ud, body);
	for (uint32_t i = 0; i < RANKS; i++) {
		ud_options[i] = rg_verbs_options_default;
		ud_options[i].device = ud_names[i];
		ranks[i].config.verbs = &ud_options[i];
		ranks[i].config.timeout_ns = timeout_ns;
	}
}

void ud_run(int (*body)(struct rank *r), uint64_t timeout_ns)
{
	struct rank ranks[RANKS];

	ud_prepare(ranks, body, timeout_ns);
	run_ranks(ranks, 0);
	for (uint32_t i = 0; i < RANKS; i++) {
		if (ranks[i].rc)
			fail_msg("rank %u: %s", i, ranks[i].err.text);
	}
	assert_int_equal(fake_live(), 0);
}

int ud_reset(void **state)
{
	fake_reset(NULL, 0);
	return 0;
}

int ud_begin(struct rank *r)
{
	int rc = connect_all(r);

	if (!rc)
		rc = meet(r);
	if (!rc)
		rc = settle(r);
	return rc ? rc : meet(r);
}

/* Has the peer acknowledged all, and been told all that came? */
static bool is_at_rest(struct vud *u, uint32_t peer)
{
	const struct ud_flow *f = &u->peers[peer].flow;
	bool rests;

	vud_enter(u);
	rests = ud_flow_is_settled(f) && ud_flow_due_ns(f) == UINT64_MAX;
	vud_leave(u);
	return rests;
}

int ud_come_to_rest(struct rank *r)
{
	uint64_t end = rg_clock_ns() + TEN_S;
	uint32_t idle = 0;

	for (uint32_t peer = 0; peer < RANKS; peer++) {
		while (!is_at_rest((struct vud *)r->ep, peer)) {
			if (turn(r, &idle))
				return r->err.code;
			MUST(r, rg_clock_ns() < end);
		}
	}
	return meet(r);
}

int ud_wait_until_gone(struct rank *r, uint32_t peer)
{
	uint64_t end = rg_clock_ns() + TEN_S;
	uint32_t idle = 0;

	while (!r->ops->peer_alive(r->ep, peer, &r->err)) {
		if (turn(r, &idle))
			return r->err.code;
		MUST(r, rg_clock_ns() < end);
	}
	MUST(r, r->err.code == RG_ERR_PEER);
	return 0;
}
