/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs-ud: how peers are met, who is gone, and how one parts. */
#include "config.h"

#include "verbs_ud_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/units.h"

#include <sched.h>
#include <stdio.h>

/* Turns of waiting before it is done asleep. */
#define YIELDS	 1000
#define SLEEP_NS UINT64_C(100000)

/* For the device to send the last words. */
#define LAST_WORDS_NS UINT64_C(200000000)

int vud_meet(struct vud *u, uint32_t peer, struct rg_err *err)
{
	const struct rg_verbs_peer who = {.rank = peer, .node = u->f.ep.host[peer]};
	struct vud_peer *p = &u->peers[peer];

	if (p->ah)
		return 0;
	return rg_verbs_ah_open(u->device, &u->addresses[peer].verbs, &who, &p->ah, err);
}

void vud_let_go(struct vud *u, uint32_t peer, enum vud_fate fate, const char *fault)
{
	uint16_t sent[UD_FLOW_WINDOW], held[UD_FLOW_WINDOW];
	struct vud_peer *p = &u->peers[peer];
	uint32_t nsent, nheld;

	if (p->fate != VUD_HERE)
		return;
	p->fate = fate;
	p->fault = fault;
	ud_flow_end(&p->flow, sent, &nsent, held, &nheld);
	vud_release(u, sent, nsent);
	for (uint32_t k = 0; k < nheld; k++)
		vud_keep_no_more(u, held[k]);
	if (u->group)
		vud_group_let_go(u, peer, fate == VUD_CUT_OFF);
	if (p->open != VUD_NONE)
		vud_release(u, &p->open, 1);
	p->open = VUD_NONE;
	p->pending = false;
	p->refused = fate == VUD_SILENT || fate == VUD_CUT_OFF;
	if (p->refused)
		vud_list_add(&u->urgent, &p->urgent, peer);
}

/* --- who is gone --- */

/* What the device has to say; some of it is the end. */
static void take_events(struct vud *u)
{
	struct rg_verbs_event event;

	while (rg_verbs_device_event(u->device, &event)) {
		struct rg_err err = {0};

		if (event.kind == RG_VERBS_EVENT_OTHER)
			continue;
		snprintf(u->event, sizeof(u->event), "%s", event.text);
		if (event.kind == RG_VERBS_EVENT_PORT_UP)
			u->event[0] = '\0';
		if (event.kind != RG_VERBS_EVENT_QP_FAILED &&
		    event.kind != RG_VERBS_EVENT_CQ_FAILED &&
		    event.kind != RG_VERBS_EVENT_DEVICE_GONE)
			continue;
		rg_err_set(&err, RG_ERR_SYSTEM, "verbs-ud: %s", event.text);
		vud_fail(u, &err);
	}
}

void vud_look_at_device(struct vud *u)
{
	take_events(u);
	if (u->device->changed)
		(void)rg_verbs_device_ask(u->device);
}

/* Now and then. */
static void ask_device(struct vud *u, uint64_t now_ns)
{
	if (now_ns - u->events_ns < VUD_EVENTS_NS)
		return;
	u->events_ns = now_ns;
	take_events(u);
}

static int say_silent(const struct vud *u, uint32_t peer, struct rg_err *err)
{
	const struct rg_verbs_address *a = &u->addresses[peer].verbs;
	char after[RG_UNITS_BYTES], gid[RG_VERBS_GID_TEXT_BYTES];

	return rg_err_set(
		err, RG_ERR_PEER,
		"rank %u (%s) on %.24s port %u (%s) has acknowledged nothing of what %s "
		"port %u sent for %s: it ended or stands still, or the way to it is down%s%s",
		peer, u->f.ep.host[peer], a->device, a->port, rg_verbs_gid_text(a->gid, gid),
		u->device->name, u->device->port, rg_format_time((double)u->flow.silence_ns, after),
		u->event[0] ? "; " : "", u->event);
}

static int say_fate(const struct vud *u, uint32_t peer, struct rg_err *err)
{
	const struct vud_peer *p = &u->peers[peer];
	const char *host = u->f.ep.host[peer];

	switch (p->fate) {
	case VUD_HERE:
		return 0;
	case VUD_HAS_CLOSED:
		return rg_err_set(err, RG_ERR_PEER, "rank %u (%s) has closed its endpoint", peer,
				  host);
	case VUD_SILENT:
		return say_silent(u, peer, err);
	case VUD_LEFT_US:
		return rg_err_set(err, RG_ERR_PEER,
				  "rank %u (%s) has given this rank up, after it had heard nothing "
				  "of it for too long or something that makes no sense",
				  peer, host);
	case VUD_CUT_OFF:
		break;
	}
	return rg_err_set(err, RG_ERR_PEER, "rank %u (%s) was cut off: %s", peer, host, p->fault);
}

int vud_peer_alive(struct rg_endpoint *ep, uint32_t peer, struct rg_err *err)
{
	int rc = rg_endpoint_check(ep, peer, 0, err);
	struct vud *u = (struct vud *)ep;
	struct vud_peer *p;
	uint64_t now;

	if (rc || peer == ep->rank)
		return rc;
	now = rg_clock_ns();
	p = &u->peers[peer];
	vud_enter(u);
	ask_device(u, now);
	if (!p->heard_ns)
		p->heard_ns = now;
	if (p->ah && p->fate == VUD_HERE && ud_flow_is_settled(&p->flow) &&
	    now - p->heard_ns > u->flow.silence_ns / 4)
		vud_ask(u, peer);
	/* What it sent before it went comes first. */
	if (!u->narrived)
		rc = say_fate(u, peer, err);
	vud_leave(u);
	return rc;
}

/* --- parting --- */

static bool is_settled(const struct vud *u)
{
	for (uint32_t r = 0; r < u->f.ep.nranks; r++) {
		const struct vud_peer *p = &u->peers[r];

		if (p->fate == VUD_HERE && (p->open != VUD_NONE || !ud_flow_is_settled(&p->flow)))
			return false;
	}
	return vud_group_is_settled(u);
}

static void pause_after(uint32_t turns)
{
	if (turns < YIELDS)
		sched_yield();
	else
		rg_clock_sleep_until(rg_clock_ns() + SLEEP_NS);
}

/* Until the device has a place and a packet for it, or will not have one. */
static void say_closed(struct vud *u, uint32_t peer, uint64_t until_ns)
{
	while (!vud_tell(u, peer, VUD_CLOSED, rg_clock_ns()) && !u->rc) {
		vud_post(u);
		if (!vud_sent(u) && rg_clock_ns() > until_ns)
			return;
	}
}

/* The keeper is gone by now. */
void vud_part(struct vud *u)
{
	uint64_t until;

	for (uint32_t turns = 0; !u->rc && !is_settled(u); turns++) {
		if (vud_drive(u, VUD_PARTING))
			turns = 0;
		pause_after(turns);
	}
	/* Who was heard, but never met, would wait for an answer. */
	for (uint32_t r = 0; r < u->f.ep.nranks; r++) {
		if (!u->rc && u->peers[r].heard_ns && u->peers[r].fate == VUD_HERE)
			(void)vud_meet(u, r, NULL);
	}
	until = rg_clock_ns() + LAST_WORDS_NS;
	for (int k = 0; k < VUD_LAST_WORDS; k++) {
		for (uint32_t r = 0; r < u->f.ep.nranks && !u->rc; r++) {
			u->quiet = u->moderation; /* the very last one tells when it has left */
			if (u->peers[r].ah && u->peers[r].fate == VUD_HERE)
				say_closed(u, r, until);
		}
	}
	vud_post(u);
	for (uint32_t turns = 0; !u->rc && u->tail != u->head && rg_clock_ns() < until; turns++) {
		if (!vud_sent(u))
			pause_after(turns);
	}
}
