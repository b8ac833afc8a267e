/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs-ud: the group is made, and tried: do all hear each other? */
#include "config.h"

#include "verbs_ud_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <stdio.h>
#include <string.h>

/* How often, how long, and with what pauses it is looked whether all hear each other. */
#define TRIALS	 5
#define TRIAL_NS UINT64_C(10000000)
#define PAUSE_NS UINT64_C(200000)

static struct vud_group *make_group(struct vud *u)
{
	static const uint8_t all[VUD_NONCE_BYTES];
	const uint8_t *key = u->f.ep.rdv->job_key;
	uint32_t n = u->f.ep.nranks;
	struct vud_group *g = rg_zalloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->members = rg_zalloc(n, sizeof(g->members[0]));
	g->next = rg_zalloc(u->nreceives, sizeof(g->next[0]));
	g->unheard = rg_zalloc(n, sizeof(g->unheard[0]));
	if (!g->members || !g->next || !g->unheard) {
		vud_group_close(g);
		return NULL;
	}
	for (uint32_t r = 0; r < n; r++) {
		ud_flow_init(&g->members[r].flow, &u->flow);
		g->members[r].tag_in = vud_tag(key, r, u->addresses[r].nonce, UINT32_MAX, all);
	}
	g->tag_out = g->members[u->f.ep.rank].tag_in;
	return g;
}

static void say_trial(struct vud *u)
{
	uint16_t id;

	if (!u->nfree[1] || !vud_has_place(u))
		return;
	id = u->free[1][--u->nfree[1]];
	u->packets[id].len_bytes = sizeof(struct vud_head);
	vud_group_write_head(u, id, (struct vud_head){.kind = VUD_TRIAL});
	u->quiet = u->moderation; /* nothing may come behind it that tells when it has left */
	vud_enqueue(u, u->f.ep.rank, id);
	vud_post(u);
}

/* The first rank that was not heard; nranks: there is none. */
static uint32_t first_unheard(const struct vud *u)
{
	uint32_t r = 0;

	while (r < u->f.ep.nranks && (r == u->f.ep.rank || vud_member_of(u, r)->heard))
		r++;
	return r;
}

/* All have sent something by now. */
static void hear(struct vud *u)
{
	uint64_t now = rg_clock_ns(), until = now + TRIAL_NS;

	while (!u->rc && now < until && first_unheard(u) < u->f.ep.nranks) {
		bool any = vud_receive(u, now);

		vud_sent(u);
		vud_repost(u, true);
		if (!any)
			rg_clock_sleep_until(now + PAUSE_NS);
		now = rg_clock_ns();
	}
}

/* What is on its way to the group is gone before the group is. */
static void wait_for_sends(struct vud *u)
{
	uint64_t until = rg_clock_ns() + TRIALS * TRIAL_NS;

	while (!u->rc && u->tail != u->head && rg_clock_ns() < until) {
		if (!vud_sent(u))
			rg_clock_sleep_until(rg_clock_ns() + PAUSE_NS);
	}
}

/* Does each hear each other? The same on all ranks; why not goes to why. */
static int try_group(struct vud *u, bool *works_out, char *why, size_t room, struct rg_err *err)
{
	uint32_t mine, n = u->f.ep.nranks, *all = u->group->unheard;
	int rc = 0;

	*works_out = false;
	for (int k = 0; k < TRIALS && !*works_out; k++) {
		say_trial(u);
		if (u->rc && err)
			*err = u->why;
		rc = rg_endpoint_agree(&u->f.ep, u->rc, err);
		if (rc)
			return rc;
		hear(u);
		mine = u->rc ? u->f.ep.rank : first_unheard(u); /* its words come next */
		rc = rg_endpoint_gather(&u->f.ep, &mine, all, sizeof(mine), err);
		if (rc)
			return rc;
		*works_out = true;
		for (uint32_t r = n; r-- > 0;) {
			if (all[r] == n)
				continue;
			*works_out = false;
			snprintf(why, room, "rank %u does not hear rank %u", r, all[r]);
		}
	}
	return 0;
}

/* The first rank's reason for having none, or it is made on all. */
static int make_on_all(struct vud *u, bool *made_out, char why[160], struct rg_err *err)
{
	struct rg_err first = {0};
	uint32_t number;
	int rc;

	memcpy(&number, u->addresses[0].nonce, sizeof(number));
	u->group = make_group(u);
	if (u->group)
		rc = rg_verbs_group_open(u->device, u->qp, number, &u->group->way, &first);
	else
		rc = rg_err_set(&first, RG_ERR_NO_MEMORY, "no memory for a group of %u",
				u->f.ep.nranks);
	rc = rg_endpoint_agree(&u->f.ep, rc, &first);
	*made_out = !rc;
	snprintf(why, 160, "%.159s", first.text);
	return rc && rc != RG_ERR_UNSUPPORTED ? rg_err_set(err, rc, "%s", first.text) : 0;
}

int vud_group_open(struct vud *u, struct rg_err *err)
{
	char why[160] = "";
	bool works = false;
	int rc;

	if (u->options.multicast == RG_VERBS_OFF || u->f.ep.nranks < 2)
		return 0;
	rc = make_on_all(u, &works, why, err);
	if (!rc && works)
		rc = try_group(u, &works, why, sizeof(why), err);
	if (rc)
		return rc;
	if (works) {
		u->f.ep.caps |= RG_CAP_MULTICAST;
		return 0;
	}
	wait_for_sends(u);
	vud_group_close(u->group);
	u->group = NULL;
	snprintf(u->no_group, sizeof(u->no_group), "%s", why);
	return u->options.multicast == RG_VERBS_ON
		       ? rg_err_set(err, RG_ERR_UNSUPPORTED, "--verbs.multicast on: %s", why)
		       : 0;
}

void vud_group_close(struct vud_group *group)
{
	if (!group)
		return;
	rg_verbs_group_close(group->way);
	rg_free(group->members);
	rg_free(group->next);
	rg_free(group->unheard);
	rg_free(group);
}
