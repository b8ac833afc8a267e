/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-ud: device, memory and queue pair are made, and addresses exchanged, when the endpoint
 * opens. Each step that can fail on one rank alone is followed by an agreement.
 */
#include "config.h"

#include "verbs_ud_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define RECEIVES_MAX 16384u
#define DATA_MIN     128u
#define DATA_MAX     16384u
#define LINE_BYTES   64u

/* --- the device --- */

/* The first of those that are asked for: there is one queue pair. */
static int open_device(struct vud *u, uint32_t local, uint32_t nlocal, struct rg_err *err)
{
	struct rg_verbs_device *devices[RG_VERBS_DEVICES_MAX] = {NULL};
	int rc = rg_verbs_options_check(&u->options, err);

	if (!rc)
		rc = rg_verbs_devices_open(&u->options, local, nlocal, devices, &u->nasked, err);
	if (rc)
		return rc;
	u->device = devices[0];
	rg_verbs_devices_close(devices + 1, u->nasked - 1);
	return 0;
}

/* --- memory and queues --- */

static uint32_t at_least(uint32_t value, uint32_t least, uint32_t most)
{
	value = value > least ? value : least;
	return value < most ? value : most;
}

/* Twice and four times what may be in the send queue: some are kept until they are acknowledged. */
static int choose_sizes(struct vud *u, struct rg_err *err)
{
	const struct rg_verbs_device *d = u->device;
	uint32_t half, most = d->max_depth < d->max_cqes ? d->max_depth : d->max_cqes;

	u->depth = at_least((uint32_t)u->options.depth, 2, most);
	u->ndata = at_least(2 * u->depth, DATA_MIN, DATA_MAX);
	u->npackets = u->ndata + VUD_CONTROLS;
	most = most < RECEIVES_MAX ? most : RECEIVES_MAX;
	u->nreceives = at_least(4 * u->depth, VUD_RECEIVES_MIN, most);
	if (u->nreceives < 4 * VUD_BATCH)
		return rg_err_set(err, RG_ERR_LIMIT, "verbs-ud: %s has queues of %u, not of %u",
				  d->name, most, 4 * VUD_BATCH);
	half = u->depth < VUD_CONTROLS ? u->depth / 2 : VUD_CONTROLS / 2;
	return rg_verbs_moderation(&u->options, half, &u->moderation, err);
}

static int make_tables(struct vud *u, struct rg_err *err)
{
	u->packets = rg_zalloc(u->npackets, sizeof(u->packets[0]));
	u->free[0] = rg_zalloc(u->ndata, sizeof(u->free[0][0]));
	u->free[1] = rg_zalloc(VUD_CONTROLS, sizeof(u->free[1][0]));
	u->queued = rg_zalloc(u->depth, sizeof(u->queued[0]));
	u->back = rg_zalloc(u->nreceives, sizeof(u->back[0]));
	u->arrived = rg_zalloc(u->nreceives, sizeof(u->arrived[0]));
	if (!u->packets || !u->free[0] || !u->free[1] || !u->queued || !u->back || !u->arrived)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u packets", u->npackets);
	for (uint32_t k = 0; k < u->npackets; k++)
		u->free[k >= u->ndata][u->nfree[k >= u->ndata]++] = (uint16_t)k;
	for (uint32_t k = 0; k < u->nreceives; k++)
		u->back[u->nback++] = (uint16_t)k;
	return 0;
}

/* Packets first, then receives with room for the GRH; each begins a line. */
static int make_memory(struct vud *u, struct rg_err *err)
{
	size_t packets, all;
	int rc;

	u->packet_stride = u->packet_bytes;
	u->receive_stride =
		(u->packet_bytes + RG_VERBS_GRH_BYTES + LINE_BYTES - 1) & ~(LINE_BYTES - 1);
	packets = (size_t)u->npackets * u->packet_stride;
	all = packets + (size_t)u->nreceives * u->receive_stride;
	rc = rg_endpoint_reserve(&u->f.ep, all, "verbs-ud: packets", err);
	if (!rc)
		rc = rg_buffer_open(RG_MEMORY_HOST, all, 0, -1, &u->memory, err);
	if (rc)
		return rc;
	u->receives = (uint8_t *)u->memory.base + packets;
	return rg_verbs_memory_get(u->device, u->memory.base, all, RG_VERBS_RECEIVE, &u->mr, err);
}

static int make_queues(struct vud *u, struct rg_err *err)
{
	struct rg_verbs_queues queues = {
		.send_depth = u->depth,
		.recv_depth = u->nreceives,
		.sge = 1,
		.inline_bytes = u->device->max_inline_bytes,
	};
	int rc = rg_verbs_cq_open(u->device, u->depth, &u->send_cq, err);

	if (!rc)
		rc = rg_verbs_cq_open(u->device, u->nreceives, &u->recv_cq, err);
	queues.send_cq = u->send_cq;
	queues.recv_cq = u->recv_cq;
	return rc ? rc : rg_verbs_ud_open(u->device, &queues, &u->qp, &u->inline_bytes, err);
}

/* With receives in place: peers may send as soon as they know the address. */
static int make_mine(struct vud *u, struct vud_address *mine, struct rg_err *err)
{
	int rc = choose_sizes(u, err);

	if (!rc)
		rc = make_tables(u, err);
	if (!rc)
		rc = make_queues(u, err);
	if (rc)
		return rc;
	rg_verbs_address_of(u->device, u->qp, 0, &mine->verbs);
	u->packet_bytes = 128u << mine->verbs.mtu;
	if (getrandom(mine->nonce, sizeof(mine->nonce), 0) != (ssize_t)sizeof(mine->nonce))
		return rg_err_errno(err, errno, "verbs-ud: getrandom");
	rc = make_memory(u, err);
	if (rc)
		return rc;
	vud_repost(u, true);
	if (u->rc && err)
		*err = u->why;
	return u->rc;
}

/* --- peers --- */

/* All peers' first windows together are no more than the ring of one rank takes. */
static void choose_flow(struct vud *u)
{
	uint32_t each = u->nreceives / u->f.ep.nranks;

	u->flow = (struct ud_flow_config){
		/* Tests start near 2^31, where rings wrap: so do the numbers of packets. */
		.first_packet = 2 * u->f.ep.config.first_sequence,
		.first_window = at_least(each, UD_FLOW_WINDOW_MIN, 16),
		.silence_ns = u->f.ep.config.timeout_ns / 2,
	};
}

static void know_peers(struct vud *u)
{
	const uint8_t *key = u->f.ep.rdv->job_key;
	uint32_t me = u->f.ep.rank;

	for (uint32_t r = 0; r < u->f.ep.nranks; r++) {
		struct vud_peer *p = &u->peers[r];
		uint32_t bytes = 128u << u->addresses[r].verbs.mtu;

		ud_flow_init(&p->flow, &u->flow);
		p->open = VUD_NONE;
		p->tag_out = vud_tag(key, me, u->addresses[me].nonce, r, u->addresses[r].nonce);
		p->tag_in = vud_tag(key, r, u->addresses[r].nonce, me, u->addresses[me].nonce);
		u->packet_bytes = bytes < u->packet_bytes ? bytes : u->packet_bytes;
	}
}

static int make_peers(struct vud *u, struct rg_err *err)
{
	uint32_t n = u->f.ep.nranks;

	u->addresses = rg_zalloc(n, sizeof(u->addresses[0]));
	u->peers = rg_zalloc(n, sizeof(u->peers[0]));
	u->dirty.peers = rg_zalloc(n, sizeof(uint32_t));
	u->timed.peers = rg_zalloc(n, sizeof(uint32_t));
	u->urgent.peers = rg_zalloc(n, sizeof(uint32_t));
	if (!u->addresses || !u->peers || !u->dirty.peers || !u->timed.peers || !u->urgent.peers)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u peers", n);
	return 0;
}

static void describe(struct vud *u)
{
	char *about = u->f.ep.about;
	size_t room = sizeof(u->f.ep.about), used;

	rg_verbs_device_about(u->device, about, room);
	used = strlen(about);
	if (u->nasked > 1)
		snprintf(about + used, room - used, " (the first of %u)", u->nasked);
	used = strlen(about);
	if (u->inline_bytes < u->device->max_inline_bytes)
		snprintf(about + used, room - used, "; %u inline in datagrams", u->inline_bytes);
	used = strlen(about);
	if (u->group)
		snprintf(about + used, room - used, "; multicast to all");
	else if (u->no_group[0])
		snprintf(about + used, room - used, "; no multicast: %s", u->no_group);
	verbs_add_line(&u->f.ep, u->device);
}

int vud_setup(struct vud *u, struct rg_err *err)
{
	struct rg_endpoint *ep = &u->f.ep;
	struct vud_address mine = {0};
	uint32_t local = 0, nlocal = 0;
	int rc;

	u->due_ns = UINT64_MAX;
	u->f.ep.caps &= ~(uint32_t)RG_CAP_MULTICAST; /* until it is known to work */
	rc = make_peers(u, err);
	rc = rg_endpoint_agree(ep, rc, err);
	if (!rc)
		rc = rg_endpoint_place(ep, &local, &nlocal, err);
	if (!rc) {
		rc = open_device(u, local, nlocal, err);
		rc = rg_endpoint_agree(ep, rc, err);
	}
	if (!rc)
		rc = rg_verbs_devices_settle(ep->rdv, &u->device, 1, ep->host,
					     ep->config.timeout_ns, err);
	if (!rc) {
		rc = make_mine(u, &mine, err);
		rc = rg_endpoint_agree(ep, rc, err);
	}
	if (!rc)
		rc = rg_endpoint_gather(ep, &mine, u->addresses, sizeof(mine), err);
	if (rc)
		return rc;
	choose_flow(u);
	know_peers(u);
	rc = vud_group_open(u, err);
	if (rc)
		return rc;
	describe(u);
	rc = u->rc;
	if (rc && err)
		*err = u->why;
	if (!rc)
		rc = vud_keeper_start(u, err);
	return rg_endpoint_agree(ep, rc, err);
}

void vud_teardown(struct vud *u)
{
	for (uint32_t r = 0; u->peers && r < u->f.ep.nranks; r++) {
		if (u->peers[r].ah)
			ibv_destroy_ah(u->peers[r].ah);
	}
	vud_group_close(u->group);
	if (u->qp)
		ibv_destroy_qp(u->qp);
	if (u->send_cq)
		ibv_destroy_cq(u->send_cq);
	if (u->recv_cq)
		ibv_destroy_cq(u->recv_cq);
	if (u->mr)
		rg_verbs_memory_put(u->device, u->mr);
	if (u->device)
		rg_verbs_memory_forget(u->device, u->memory.base, u->memory.len_bytes);
	rg_verbs_device_close(u->device);
	rg_buffer_close(&u->memory);
	rg_free(u->packets);
	rg_free(u->free[0]);
	rg_free(u->free[1]);
	rg_free(u->queued);
	rg_free(u->back);
	rg_free(u->arrived);
	rg_free(u->addresses);
	rg_free(u->peers);
	rg_free(u->dirty.peers);
	rg_free(u->timed.peers);
	rg_free(u->urgent.peers);
}
