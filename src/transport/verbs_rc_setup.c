/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-rc: what is done when the endpoint opens: devices are opened, rails agreed on, sizes
 * chosen, and it is exchanged how each rank is reached. Each step that can fail on one rank alone
 * is followed by an agreement.
 */
#include "config.h"

#include "verbs_impl.h"
#include "verbs_rc_impl.h"

#include "railgauge/base/mem.h"

#include <stdio.h>
#include <string.h>

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

/* --- sizes --- */

/*
 * Of a rail, with connections to all: what was taken and is not posted again yet, which is nearly a
 * batch and what was polled since, and what each peer may use up.
 */
static uint32_t receives_wanted(const struct vrc *v)
{
	uint64_t want =
		VRC_REPOSTED + VRC_POLLED + (uint64_t)(v->ep.nranks - 1) * vrc_receives_of_peer(v);

	return want < RECEIVES_MAX ? (uint32_t)want : RECEIVES_MAX;
}

/* As many receives as the device allows, and room for the completions of one peer at least. */
static int fit_device(struct vrc *v, const struct rg_verbs_device *d, struct rg_err *err)
{
	uint32_t cards = vrc_cards_room(v), sends = (uint32_t)v->options.qps * v->depth;
	struct ibv_device_attr attr = {0};

	if (ibv_query_device(d->context, &attr) || attr.max_srq_wr <= 0)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "verbs-rc: %s has no shared receive queues", d->name);
	if (v->nreceives > (uint32_t)attr.max_srq_wr)
		v->nreceives = (uint32_t)attr.max_srq_wr;
	if (d->max_cqes > 2 * cards && v->nreceives > (d->max_cqes - cards) / 2)
		v->nreceives = (d->max_cqes - cards) / 2;
	if (d->max_inline_bytes < v->inline_bytes)
		v->inline_bytes = d->max_inline_bytes;
	if ((uint64_t)v->nreceives + cards + sends <= d->max_cqes)
		return 0;
	return rg_err_set(err, RG_ERR_LIMIT,
			  "verbs-rc: --verbs.depth %u and --verbs.qps %d, with %u receives: a "
			  "completion queue of %s holds %u in all (a smaller depth, or fewer queue "
			  "pairs)",
			  v->depth, (int)v->options.qps, v->nreceives + cards, d->name,
			  d->max_cqes);
}

static int choose_sizes(struct vrc *v, struct rg_err *err)
{
	int rc = 0;

	if (v->options.qps * v->nrails > VRC_QPS)
		return rg_err_set(err, RG_ERR_RANGE,
				  "--verbs.qps: %d on each of %u devices, at most %d in all",
				  (int)v->options.qps, v->nrails, VRC_QPS);
	v->nqps = (uint32_t)v->options.qps * v->nrails;
	v->depth = (uint32_t)v->options.depth;
	v->ring = vrc_ring(v->depth);
	v->window = v->options.notify == RG_VERBS_SEND ? VRC_WINDOW_SEND : VRC_WINDOW;
	v->receive_bytes = VRC_MESSAGE_BYTES;
	if (v->options.notify == RG_VERBS_SEND)
		v->receive_bytes += VRC_PAYLOAD_BYTES;
	v->nreceives = receives_wanted(v);
	v->inline_bytes = UINT32_MAX;
	for (uint32_t r = 0; r < v->nrails && !rc; r++)
		rc = fit_device(v, v->rails[r].device, err);
	return rc ? rc : rg_verbs_moderation(&v->options, v->depth / 2, &v->moderation, err);
}

/* --- all together --- */

static int make_tables(struct vrc *v, struct rg_err *err)
{
	size_t n = v->ep.nranks, links = n * v->ep.config.geometry.channels;

	v->tickets = rg_zalloc(n, sizeof(v->tickets[0]));
	v->addresses = rg_zalloc(n * v->nrails, sizeof(v->addresses[0]));
	v->asking = rg_zalloc(n, sizeof(v->asking[0]));
	v->peers = rg_zalloc(n, sizeof(v->peers[0]));
	v->qps = rg_zalloc(n * v->nqps, sizeof(v->qps[0]));
	v->links = rg_zalloc(links, sizeof(v->links[0]));
	v->due = rg_zalloc(links, sizeof(v->due[0]));
	v->dirty = rg_zalloc(n * v->nqps, sizeof(v->dirty[0]));
	if (v->tickets && v->addresses && v->asking && v->peers && v->qps && v->links && v->due &&
	    v->dirty)
		return 0;
	return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %zu peers", n);
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

static int open_queues(struct vrc *v, struct vrc_ticket *mine, struct rg_err *err)
{
	int rc = 0;

	for (uint32_t r = 0; r < v->nrails && !rc; r++)
		rc = vrc_rail_open(v, &v->rails[r], err);
	return rc || v->ep.nranks == 1 ? rc : vrc_cards_open(v, mine, err);
}

/* All ranks can take cards by now: nobody asks before. */
static int exchange(struct vrc *v, const struct vrc_ticket *mine, struct rg_err *err)
{
	struct rg_verbs_address ports[VRC_RAILS];
	int rc;

	vrc_addresses_of(v, ports);
	rc = rg_endpoint_gather(&v->ep, mine, v->tickets, sizeof(*mine), err);
	if (!rc)
		rc = rg_endpoint_gather(&v->ep, ports, v->addresses, v->nrails * sizeof(ports[0]),
					err);
	return rc;
}

int vrc_setup(struct vrc *v, struct rg_err *err)
{
	struct vrc_ticket mine = {0};
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
		rc = open_queues(v, &mine, err);
	rc = rg_endpoint_agree(&v->ep, rc, err);
	if (!rc)
		rc = exchange(v, &mine, err);
	if (!rc)
		describe(v);
	return rc;
}

static void close_rail(struct vrc_rail *rail)
{
	if (rail->srq)
		ibv_destroy_srq(rail->srq);
	if (rail->cq)
		ibv_destroy_cq(rail->cq);
	rg_free(rail->qp_of);
	rg_free(rail->back);
	rg_free(rail->receives);
}

void vrc_teardown(struct vrc *v)
{
	for (uint32_t p = 0; v->peers && v->qps && p < v->ep.nranks; p++) {
		if (v->peers[p].used && p != v->ep.rank)
			vrc_qps_close(v, p);
		if (v->peers[p].ah)
			ibv_destroy_ah(v->peers[p].ah);
	}
	if (v->cards.qp)
		ibv_destroy_qp(v->cards.qp);
	for (uint32_t r = 0; r < v->nrails; r++)
		close_rail(&v->rails[r]);
	vrc_memory_release(v);
	for (uint32_t r = 0; r < v->nrails; r++)
		rg_verbs_device_close(v->rails[r].device);
	rg_free(v->tickets);
	rg_free(v->addresses);
	rg_free(v->asking);
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
