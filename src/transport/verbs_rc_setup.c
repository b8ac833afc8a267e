/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-rc: devices are opened, rails agreed on, queue pairs made and joined, all when the endpoint
 * opens. Each step that can fail on one rank alone is followed by an agreement.
 */
#include "config.h"

#include "verbs_impl.h"
#include "verbs_rc_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define RECEIVES_MAX 16384u

/* --- devices --- */

static int open_devices(struct vrc *v, uint32_t local, uint32_t nlocal,
			struct rg_verbs_device **devices, uint32_t *n_out, struct rg_err *err)
{
	int rc = rg_verbs_options_check(&v->options, err);

	if (rc)
		return rc;
	rc = rg_verbs_rails_open(&v->options, local, nlocal, devices, n_out, err);
	if (!rc && *n_out > VRC_RAILS) {
		rc = rg_err_set(err, RG_ERR_RANGE, "verbs-rc: %u devices, at most %u are used",
				*n_out, VRC_RAILS);
		rg_verbs_devices_close(devices, *n_out);
		*n_out = 0;
	}
	return rc;
}

/* What a rank has: devices, and which of them are up, and keep order. The rest must be alike. */
struct hand {
	uint32_t n, up, in_order; /* a bit for each device in the last two */
	int64_t qps, notify;
};

/* Rail r is what is r-th of all ranks' devices and up on all of them. */
static int agree_on_rails(struct vrc *v, struct rg_verbs_device **devices, uint32_t n,
			  struct hand *all, struct rg_err *err)
{
	struct hand mine = {.n = n, .qps = v->options.qps, .notify = v->options.notify};
	uint32_t least = VRC_RAILS, up = UINT32_MAX;
	int rc;

	v->not_in_order = v->ep.nranks;
	for (uint32_t r = 0; r < n; r++) {
		if (!devices[r])
			continue;
		mine.up |= 1u << r & ~v->ep.config.without_rails;
		if (v->options.path_order == RG_VERBS_ON ||
		    (v->options.path_order == RG_VERBS_AUTO && devices[r]->soft))
			mine.in_order |= 1u << r;
	}
	rc = rg_endpoint_gather(&v->ep, &mine, all, sizeof(mine), err);
	if (rc)
		return rc;
	for (uint32_t p = 0; p < v->ep.nranks; p++) {
		if (all[p].qps != all[0].qps || all[p].notify != all[0].notify)
			return rg_err_set(err, RG_ERR_MISMATCH,
					  "verbs-rc: rank %u (%s) has another --verbs.qps or "
					  "--verbs.notify than rank 0 (%s)",
					  p, v->ep.host[p], v->ep.host[0]);
		least = all[p].n < least ? all[p].n : least;
		up &= all[p].up;
	}
	if (!up)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "verbs-rc: no rail's ports are up on all ranks");
	for (uint32_t r = 0; r < least; r++) {
		if (!(up & 1u << r)) {
			v->left_out |= 1u << r;
			continue;
		}
		for (uint32_t p = v->ep.nranks; p-- > 0;)
			v->not_in_order = all[p].in_order & 1u << r ? v->not_in_order : p;
		v->ep.rails |= 1u << r;
		v->rails[v->nrails].bit = 1u << r;
		v->rails[v->nrails++].device = devices[r];
		devices[r] = NULL;
	}
	return 0;
}

/* Of all that takes part in it only the network and the stores over PCIe may change orders. */
static int grant_order(struct vrc *v, struct rg_err *err)
{
	bool counter = v->options.notify == RG_VERBS_WRITE_COUNTER;
	bool relaxed = v->options.relaxed_ordering == RG_VERBS_ON ||
		       (v->options.relaxed_ordering == RG_VERBS_AUTO && !counter);

	if (v->nqps > 1 || relaxed || v->not_in_order < v->ep.nranks)
		v->ep.caps &= ~(uint32_t)RG_CAP_ORDERED;
	if (!counter || v->ep.caps & RG_CAP_ORDERED)
		return 0;
	if (v->nqps > 1)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--verbs.notify write-counter relies on the order of one queue "
				  "pair: --verbs.qps 1 and one device, not %d on %u",
				  (int)v->options.qps, v->nrails);
	return rg_err_set(
		err, RG_ERR_UNSUPPORTED,
		"--verbs.notify write-counter: that the network of rank %u (%s) keeps the "
		"order of a connection's packets is not known: where it does, "
		"--verbs.path-order on says so; else --verbs.notify write-imm",
		v->not_in_order, v->ep.host[v->not_in_order]);
}

static int settle(struct vrc *v, struct rg_err *err)
{
	struct rg_verbs_device *devices[VRC_RAILS];

	for (uint32_t r = 0; r < v->nrails; r++)
		devices[r] = v->rails[r].device;
	return rg_verbs_devices_settle(v->ep.rdv, devices, v->nrails, v->ep.host,
				       v->ep.config.timeout_ns, err);
}

static int find_rails(struct vrc *v, struct rg_err *err)
{
	struct rg_verbs_device *devices[RG_VERBS_DEVICES_MAX] = {NULL};
	struct hand *all = rg_zalloc(v->ep.nranks, sizeof(*all));
	uint32_t local = 0, nlocal = 0, n = 0;
	int rc = all ? 0 : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the peers' devices");

	rc = rg_endpoint_agree(&v->ep, rc, err);
	if (!rc)
		rc = rg_endpoint_place(&v->ep, &local, &nlocal, err);
	if (!rc) {
		rc = open_devices(v, local, nlocal, devices, &n, err);
		rc = rg_endpoint_agree(&v->ep, rc, err);
	}
	if (!rc)
		rc = agree_on_rails(v, devices, n, all, err);
	if (!rc)
		rc = settle(v, err);
	for (uint32_t r = 0; r < RG_VERBS_DEVICES_MAX; r++)
		rg_verbs_device_close(devices[r]);
	rg_free(all);
	return rc;
}

/* --- queue pairs --- */

/*
 * Receives of a rail. What peers may send before they hear that it has come: on each link
 * notifications, a HELLO, and that there is no memory for one; and a BYE. And what has come and is
 * not posted again yet: nearly a batch, and what was polled since.
 */
static uint32_t receives_wanted(const struct vrc *v)
{
	uint64_t links = (v->ep.nranks - 1) * (uint64_t)v->ep.config.geometry.channels;
	uint64_t want = links * (v->window + 2) + v->ep.nranks + VRC_REPOSTED + VRC_POLLED;

	return want < RECEIVES_MAX ? (uint32_t)want : RECEIVES_MAX;
}

static int choose_sizes(struct vrc *v, struct rg_err *err)
{
	uint32_t peers = v->ep.nranks - 1;
	uint64_t per_rail = (uint64_t)peers * (uint64_t)v->options.qps;

	if (v->options.qps * v->nrails > VRC_QPS)
		return rg_err_set(err, RG_ERR_RANGE,
				  "--verbs.qps: %d on each of %u devices, at most %d in all",
				  (int)v->options.qps, v->nrails, VRC_QPS);
	v->nqps = (uint32_t)v->options.qps * v->nrails;
	v->depth = (uint32_t)v->options.depth;
	v->window = v->options.notify == RG_VERBS_SEND ? VRC_WINDOW_SEND : VRC_WINDOW;
	v->receive_bytes = VRC_MESSAGE_BYTES;
	if (v->options.notify == RG_VERBS_SEND)
		v->receive_bytes += VRC_PAYLOAD_BYTES;
	v->nreceives = receives_wanted(v);
	v->inline_bytes = UINT32_MAX;
	for (uint32_t r = 0; r < v->nrails; r++) {
		const struct rg_verbs_device *d = v->rails[r].device;
		struct ibv_device_attr attr = {0};

		if (ibv_query_device(d->context, &attr) || attr.max_srq_wr <= 0)
			return rg_err_set(err, RG_ERR_UNSUPPORTED,
					  "verbs-rc: %s has no shared receive queues", d->name);
		if (v->nreceives > (uint32_t)attr.max_srq_wr)
			v->nreceives = (uint32_t)attr.max_srq_wr;
		if (d->max_inline_bytes < v->inline_bytes)
			v->inline_bytes = d->max_inline_bytes;
		if (v->nreceives > d->max_cqes / 2)
			v->nreceives = d->max_cqes / 2;
		if (v->nreceives + per_rail * v->depth > d->max_cqes)
			return rg_err_set(
				err, RG_ERR_LIMIT,
				"verbs-rc: --verbs.depth %u and --verbs.qps %d for each of "
				"%u peers, and %u receives: a completion queue of %s holds "
				"%u in all (a smaller depth, or fewer queue pairs)",
				v->depth, (int)v->options.qps, peers, v->nreceives, d->name,
				d->max_cqes);
	}
	return rg_verbs_moderation(&v->options, v->depth / 2, &v->moderation, err);
}

static int open_rail(struct vrc *v, struct vrc_rail *rail, struct rg_err *err)
{
	struct ibv_srq_init_attr attr = {.attr = {.max_wr = v->nreceives, .max_sge = 1}};
	uint32_t nqps = (v->ep.nranks - 1) * (uint32_t)v->options.qps, size = 2;
	const struct vrc_chunk *in;
	int rc, e;

	while (size < 2 * nqps)
		size *= 2;
	rail->mask = size - 1;
	rail->qp_of = rg_zalloc(size, sizeof(rail->qp_of[0]));
	rail->back = rg_zalloc(v->nreceives, sizeof(rail->back[0]));
	if (!rail->qp_of || !rail->back)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u queue pairs", nqps);
	rc = vrc_memory_take(v, (size_t)v->nreceives * v->receive_bytes, 0, &rail->buffers, &in,
			     err);
	if (rc)
		return rc;
	rail->lkey = in->mr[rail - v->rails]->lkey;
	rc = rg_verbs_cq_open(rail->device, v->nreceives + nqps * v->depth, &rail->cq, err);
	if (rc)
		return rc;
	rail->srq = ibv_create_srq(rail->device->pd, &attr);
	e = errno;
	if (!rail->srq)
		return rg_err_errno(err, e, "verbs: %s port %u: a shared receive queue of %u",
				    rail->device->name, rail->device->port, v->nreceives);
	return vrc_receive_begin(v, rail, err);
}

static int make_ring(struct vrc *v, struct vrc_qp *q, struct rg_err *err)
{
	q->wr = rg_zalloc(v->depth, sizeof(q->wr[0]));
	q->sge = rg_zalloc(2 * (size_t)v->depth, sizeof(q->sge[0]));
	q->stage = rg_zalloc(v->depth, sizeof(q->stage[0]));
	q->lent = rg_zalloc(v->depth, sizeof(q->lent[0]));
	if (!q->wr || !q->sge || !q->stage || !q->lent)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a queue of %u", v->depth);
	for (uint32_t n = 0; n < v->depth; n++)
		q->wr[n].next = &q->wr[(n + 1) % v->depth];
	return 0;
}

static void note_qp(struct vrc *v, struct vrc_rail *rail, const struct vrc_qp *q)
{
	uint32_t k = VRC_HASH(q->qp->qp_num);

	while (rail->qp_of[k & rail->mask])
		k++;
	rail->qp_of[k & rail->mask] = (uint32_t)(q - v->qps) + 1;
}

static int open_qp(struct vrc *v, uint32_t peer, uint32_t k, uint8_t *cells,
		   const struct vrc_chunk *in, struct rg_err *err)
{
	struct vrc_qp *q = vrc_qp_of(v, peer, k);
	struct vrc_rail *rail = &v->rails[k % v->nrails];
	const struct rg_verbs_queues queues = {
		.send_cq = rail->cq,
		.recv_cq = rail->cq,
		.srq = rail->srq,
		.send_depth = v->depth,
		.sge = 2,
		.inline_bytes = v->inline_bytes,
	};
	int rc = make_ring(v, q, err);

	q->peer = peer;
	q->rail = k % v->nrails;
	q->cells = (struct vrc_message *)cells;
	q->lkey = in->mr[q->rail]->lkey;
	if (!rc)
		rc = rg_verbs_rc_open(rail->device, &queues, &q->qp, err);
	if (!rc)
		note_qp(v, rail, q);
	return rc;
}

static int open_qps(struct vrc *v, struct rg_err *err)
{
	size_t each = (size_t)v->depth * VRC_MESSAGE_BYTES;
	uint32_t n = (v->ep.nranks - 1) * v->nqps;
	const struct vrc_chunk *in;
	uint8_t *cells;
	int rc = 0;

	for (uint32_t r = 0; r < v->nrails && !rc; r++)
		rc = open_rail(v, &v->rails[r], err);
	if (rc || !n)
		return rc;
	rc = vrc_memory_take(v, n * each, 0, &cells, &in, err);
	for (uint32_t p = 0; p < v->ep.nranks; p++) {
		for (uint32_t k = 0; k < v->nqps && p != v->ep.rank && !rc; k++) {
			rc = open_qp(v, p, k, cells, in, err);
			cells += each;
		}
	}
	return rc;
}

static int make_tables(struct vrc *v, struct rg_err *err)
{
	size_t n = v->ep.nranks, links = n * v->ep.config.geometry.channels;

	v->addresses = rg_zalloc(n * v->nrails, sizeof(v->addresses[0]));
	v->peers = rg_zalloc(n, sizeof(v->peers[0]));
	v->qps = rg_zalloc(n * v->nqps, sizeof(v->qps[0]));
	v->links = rg_zalloc(links, sizeof(v->links[0]));
	v->due = rg_zalloc(links, sizeof(v->due[0]));
	v->dirty = rg_zalloc(n * v->nqps, sizeof(v->dirty[0]));
	if (v->addresses && v->peers && v->qps && v->links && v->due && v->dirty)
		return 0;
	return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %zu peers", n);
}

/* --- addresses --- */

/* What a rank tells: an address per rail, then the numbers of its queue pairs, [nranks][nqps]. */
static size_t card_bytes(const struct vrc *v)
{
	return v->nrails * sizeof(struct rg_verbs_address) +
	       (size_t)v->ep.nranks * v->nqps * sizeof(uint32_t);
}

static struct rg_verbs_address *card_addresses(const struct vrc *v, uint8_t *cards, uint32_t rank)
{
	return (struct rg_verbs_address *)(cards + rank * card_bytes(v));
}

static uint32_t *card_numbers(const struct vrc *v, uint8_t *cards, uint32_t rank, uint32_t to)
{
	return (uint32_t *)(card_addresses(v, cards, rank) + v->nrails) + (size_t)to * v->nqps;
}

static void fill_card(struct vrc *v, uint8_t *mine)
{
	uint32_t some = v->ep.rank ? 0 : 1, psn = 0;

	if (getrandom(&psn, sizeof(psn), GRND_NONBLOCK) != (ssize_t)sizeof(psn))
		psn = (uint32_t)rg_clock_ns();
	for (uint32_t r = 0; r < v->nrails; r++)
		rg_verbs_address_of(v->rails[r].device, vrc_qp_of(v, some, r)->qp, psn,
				    &card_addresses(v, mine, 0)[r]);
	for (uint32_t p = 0; p < v->ep.nranks; p++) {
		for (uint32_t k = 0; k < v->nqps && p != v->ep.rank; k++)
			card_numbers(v, mine, 0, p)[k] = vrc_qp_of(v, p, k)->qp->qp_num;
	}
}

static int join(struct vrc *v, uint8_t *cards, uint32_t peer, struct rg_err *err)
{
	const struct rg_verbs_peer who = {.rank = peer, .node = v->ep.host[peer]};
	int rc = 0;

	for (uint32_t k = 0; k < v->nqps && !rc; k++) {
		struct vrc_qp *q = vrc_qp_of(v, peer, k);
		struct rg_verbs_address mine = card_addresses(v, cards, v->ep.rank)[q->rail];
		struct rg_verbs_address theirs = card_addresses(v, cards, peer)[q->rail];

		mine.qpn = q->qp->qp_num;
		theirs.qpn = card_numbers(v, cards, peer, v->ep.rank)[k];
		v->addresses[(size_t)peer * v->nrails + q->rail] = theirs;
		rc = rg_verbs_rc_connect(v->rails[q->rail].device, q->qp, &mine, &theirs, &who,
					 err);
	}
	return rc;
}

static int join_all(struct vrc *v, struct rg_err *err)
{
	uint8_t *cards = rg_zalloc(v->ep.nranks, card_bytes(v));
	uint8_t *mine = rg_zalloc(1, card_bytes(v));
	int rc = cards && mine ? 0
			       : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u addresses",
					    v->ep.nranks);

	rc = rg_endpoint_agree(&v->ep, rc, err);
	if (!rc) {
		fill_card(v, mine);
		rc = rg_endpoint_gather(&v->ep, mine, cards, card_bytes(v), err);
	}
	for (uint32_t p = 0; p < v->ep.nranks && !rc; p++) {
		if (p != v->ep.rank)
			rc = join(v, cards, p, err);
	}
	rg_free(cards);
	rg_free(mine);
	return rc;
}

/* What a counter that is written relies on, and who says so. */
static const char *order_text(const struct vrc *v)
{
	if (v->options.notify != RG_VERBS_WRITE_COUNTER)
		return "";
	return v->options.path_order == RG_VERBS_ON ? " (in order: --verbs.path-order)"
						    : " (in order: soft devices)";
}

static void describe(struct vrc *v)
{
	static const char *const ways[] = {[RG_VERBS_WRITE_IMM] = "write-imm",
					   [RG_VERBS_WRITE_COUNTER] = "write-counter",
					   [RG_VERBS_SEND] = "send"};
	char *text = v->ep.about;
	size_t room = sizeof(v->ep.about), used;

	rg_verbs_device_about(v->rails[0].device, text, room);
	used = strlen(text);
	if (v->nrails > 1)
		snprintf(text + used, room - used, "; %u rails", v->nrails);
	for (uint32_t r = 0; r < VRC_RAILS; r++) {
		used = strlen(text);
		if (v->left_out & 1u << r)
			snprintf(text + used, room - used, "; rail %u %s left out", r + 1,
				 v->ep.config.without_rails & 1u << r ? "failed and is"
								      : "is down and");
	}
	for (uint32_t r = 0; r < v->nrails; r++)
		verbs_add_line(&v->ep, v->rails[r].device);
	used = strlen(text);
	snprintf(text + used, room - used, "; %s%s, %d QP%s of depth %u, moderation %u",
		 ways[v->options.notify], order_text(v), (int)v->options.qps,
		 v->options.qps > 1 ? "s" : "", v->depth, v->moderation);
}

int vrc_setup(struct vrc *v, struct rg_err *err)
{
	int rc = find_rails(v, err);

	if (rc)
		return rc;
	rc = choose_sizes(v, err);
	if (!rc)
		rc = grant_order(v, err);
	if (!rc)
		rc = vrc_check_locked(v, err);
	if (!rc)
		rc = make_tables(v, err);
	if (!rc)
		rc = open_qps(v, err);
	rc = rg_endpoint_agree(&v->ep, rc, err);
	/* Agreed on: nobody sends before all can receive. */
	if (!rc && v->ep.nranks > 1) {
		rc = join_all(v, err);
		rc = rg_endpoint_agree(&v->ep, rc, err);
	}
	if (!rc)
		describe(v);
	return rc;
}

void vrc_teardown(struct vrc *v)
{
	for (uint32_t n = 0; v->qps && n < v->ep.nranks * v->nqps; n++) {
		if (v->qps[n].qp)
			ibv_destroy_qp(v->qps[n].qp);
		rg_free(v->qps[n].wr);
		rg_free(v->qps[n].sge);
		rg_free(v->qps[n].stage);
		rg_free(v->qps[n].lent);
	}
	for (uint32_t r = 0; r < v->nrails; r++) {
		struct vrc_rail *rail = &v->rails[r];

		if (rail->srq)
			ibv_destroy_srq(rail->srq);
		if (rail->cq)
			ibv_destroy_cq(rail->cq);
		rg_free(rail->qp_of);
		rg_free(rail->back);
	}
	vrc_memory_release(v);
	for (uint32_t r = 0; r < v->nrails; r++)
		rg_verbs_device_close(v->rails[r].device);
	rg_free(v->addresses);
	rg_free(v->peers);
	rg_free(v->qps);
	rg_free(v->due);
	rg_free(v->dirty);
}

int vrc_probe(const struct rg_transport_config *config, struct rg_err *err)
{
	static const struct rg_transport_config defaults;
	const struct rg_transport_config *c = config ? config : &defaults;
	const struct rg_verbs_options *options = c->verbs ? c->verbs : &rg_verbs_options_default;

	return rg_verbs_probe(options, c->local, c->nlocal ? c->nlocal : 1,
			      rg_verbs_rc_locked_bytes(options, &rg_geometry_verbs_rc), NULL, 0,
			      err);
}
