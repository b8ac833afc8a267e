/* SPDX-License-Identifier: BSD-3-Clause */
/* A lane over queue pairs of its own: devices and memory, bounds. */
#include "config.h"

#include "railgauge/measure/lane.h"

#ifdef HAVE_VERBS

#include "lane_verbs.h"

#include "railgauge/base/clock.h"
#include "railgauge/measure/tournament.h"
#include "railgauge/model/bound_verbs.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * As many sinks as fit into so much, and one in any case: larger messages hardly meet in a cache,
 * and memory that is locked is dear.
 */
#define SINKS_BYTES ((uint64_t)16 << 20)

/* The largest page of usual kernels: from one sink to the next it is as far on both sides. */
#define PAGE_BYTES ((uint64_t)64 << 10)

/* --- opening --- */

static void close_rail(struct rail *rail)
{
	if (!rail->device)
		return;
	if (rail->send_cq)
		ibv_destroy_cq(rail->send_cq);
	if (rail->recv_cq)
		ibv_destroy_cq(rail->recv_cq);
	rg_verbs_memory_put(rail->device, rail->source);
	rg_verbs_memory_put(rail->device, rail->sink);
	rg_verbs_memory_put(rail->device, rail->ordered);
	rg_verbs_memory_put(rail->device, rail->control);
	rg_free(rail->queues);
	rg_free(rail->wrs);
	rg_free(rail->receives);
}

static enum rg_bound_verb verb_of(enum rg_lane_op op)
{
	static const enum rg_bound_verb verbs[RG_LANE_OP_COUNT] = {
		[RG_LANE_OP_WRITE] = RG_BOUND_VERB_WRITE,
		[RG_LANE_OP_WRITE_IMM] = RG_BOUND_VERB_WRITE_IMM,
		[RG_LANE_OP_SEND] = RG_BOUND_VERB_SEND,
		[RG_LANE_OP_READ] = RG_BOUND_VERB_READ,
	};

	return verbs[op];
}

/* The way between both ports, at the rate of this one. What a soft device calls its rate is none.
 */
static bool path_of(const struct rail *rail, struct rg_wire_path *path)
{
	const struct rg_verbs_device *d = rail->device;
	const struct queue *q = &rail->queues[0];
	uint32_t mtu = q->mine.mtu < q->theirs.mtu ? q->mine.mtu : q->theirs.mtu;
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	*path = (struct rg_wire_path){
		.wire = d->infiniband			      ? RG_WIRE_INFINIBAND
			: d->gid.type == RG_VERBS_GID_ROCE_V1 ? RG_WIRE_ROCE1
							      : RG_WIRE_ROCE2,
		.account = RG_WIRE_LINE,
		.ipv6 = memcmp(d->gid.raw, mapped, sizeof(mapped)) != 0,
		.mtu_bytes = 128u << mtu,
		.rate_Bps = (double)d->rate_Bps,
	};
	return d->rate_Bps && !d->soft && q->qp;
}

static double verbs_bound_ns(const struct rg_lane *lane, const struct rg_lane_load *load, bool both)
{
	const struct verbs_lane *v = (const struct verbs_lane *)lane;
	enum rg_bound_verb verb = verb_of(load->op);
	struct rg_wire_path path;
	double messages_ps = 0;

	for (uint32_t r = 0; r < lane->nrails; r++) {
		if (load->rail != RG_LANE_ALL_RAILS && load->rail != (int32_t)r)
			continue;
		if (!path_of(&v->rails[r], &path))
			return 0;
		if (!load->stream)
			return rg_wire_latency_ns(&path, verb, load->size_bytes);
		messages_ps += rg_wire_messages_ps(&path, verb, load->size_bytes, 0, both);
	}
	return messages_ps > 0 ? 1e9 / messages_ps : 0;
}

/* Queue pairs that follow each other have as many sinks as there are, each once. */
static const uint8_t *verbs_sink(const struct rg_lane *lane, uint32_t n)
{
	const struct verbs_lane *v = (const struct verbs_lane *)lane;
	uint32_t rail = v->came_by + n / v->nqueues;

	if (n >= v->came_to || n >= v->nsinks)
		return NULL;
	return v->rails[rail].queues[n % v->nqueues].sink;
}

static void verbs_close(struct rg_lane *lane)
{
	struct verbs_lane *v = (struct verbs_lane *)lane;

	verbs_close_queues(v);
	for (uint32_t r = 0; r < lane->nrails; r++)
		close_rail(&v->rails[r]);
	rg_verbs_devices_close(v->devices, lane->nrails);
	rg_free(v->memory);
	rg_free(v->control);
	rg_free(v);
}

static const struct rg_lane_ops verbs_ops = {
	.name = "verbs",
	.meet = verbs_meet,
	.prepare = verbs_prepare,
	.pingpong = verbs_pingpong,
	.stream = verbs_stream,
	.bound_ns = verbs_bound_ns,
	.sink = verbs_sink,
	.close = verbs_close,
};

/*
 * Of writes, sinks twice: with relaxed ordering, where the library has it, for streams, and
 * without for what is looked at. In this order, since memory that keeps order would do for both.
 */
static int register_memory(struct verbs_lane *v, struct rail *rail, struct rg_err *err)
{
	const unsigned ordered = RG_VERBS_REMOTE | RG_VERBS_ORDERED;
	const unsigned looked_at = v->op == RG_LANE_OP_WRITE ? ordered : RG_VERBS_REMOTE;
	struct rg_verbs_device *d = rail->device;
	uint8_t *sinks = v->memory + v->part_bytes;
	uint64_t bytes = v->nsinks * v->part_bytes;
	int rc = rg_verbs_memory_get(d, v->lane.source, v->lane.max_bytes, RG_VERBS_REMOTE,
				     &rail->source, err);

	if (!rc)
		rc = rg_verbs_memory_get(d, sinks, bytes, RG_VERBS_REMOTE, &rail->sink, err);
	if (!rc)
		rc = rg_verbs_memory_get(d, sinks, bytes, looked_at, &rail->ordered, err);
	if (!rc)
		rc = rg_verbs_memory_get(d, v->control, sizeof(*v->control), ordered,
					 &rail->control, err);
	return rc;
}

static int open_rail(struct verbs_lane *v, struct rail *rail, struct rg_err *err)
{
	uint32_t n = v->nqueues, first = (uint32_t)(rail - v->rails) * n;
	int rc = register_memory(v, rail, err);

	if (!rc)
		rc = rg_verbs_cq_open(rail->device, n * (v->depth + 1), &rail->send_cq, err);
	if (!rc)
		rc = rg_verbs_cq_open(rail->device, n * v->recv_depth, &rail->recv_cq, err);
	if (rc)
		return rc;
	rail->queues = rg_zalloc(n, sizeof(*rail->queues));
	rail->wrs = rg_zalloc((size_t)n * v->depth, sizeof(*rail->wrs));
	rail->receives = rg_zalloc(v->recv_depth, sizeof(*rail->receives));
	if (!rail->queues || !rail->wrs || !rail->receives)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for work requests");
	for (uint32_t i = 0; i < n; i++) {
		rail->queues[i].wrs = rail->wrs + (size_t)i * v->depth;
		rail->queues[i].sink = v->memory + (1 + (first + i) % v->nsinks) * v->part_bytes;
	}
	return 0;
}

static int open_devices(struct verbs_lane *v, const struct rg_lane_verbs_config *c,
			struct rg_err *err)
{
	size_t used = 0;
	uint32_t n = 0;
	int rc = rg_verbs_devices_open(c->options, c->local, c->nlocal, v->devices, &n, err);

	if (rc)
		return rc;
	v->lane.nrails = n;
	v->depth = (uint32_t)c->options->depth;
	v->recv_depth = 2 * v->depth;
	v->lane.inline_bytes = UINT32_MAX;
	for (uint32_t r = 0; r < n; r++) {
		struct rg_verbs_device *d = v->devices[r];

		v->rails[r].device = d;
		v->soft |= d->soft;
		snprintf(v->lane.rails[r], sizeof(v->lane.rails[r]), "%.31s", d->name);
		snprintf(v->lane.nics + used, sizeof(v->lane.nics) - used, "%s%.31s:%u",
			 r ? "," : "", d->name, d->port);
		used = strlen(v->lane.nics);
		if (v->recv_depth > d->max_depth)
			v->recv_depth = d->max_depth;
		if (d->max_inline_bytes < v->lane.inline_bytes)
			v->lane.inline_bytes = d->max_inline_bytes;
	}
	return 0;
}

/*
 * Pages of their own, so that registrations share none with anything else. Queue pairs have sinks
 * of their own, as perftest's have, so that processors that do a soft device's work do not write to
 * the same cache lines.
 */
static int allocate(struct verbs_lane *v, struct rg_err *err)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), all = v->lane.nrails * v->nqueues, room;

	page = page < PAGE_BYTES ? PAGE_BYTES : page;
	v->part_bytes = (v->lane.max_bytes + page - 1) / page * page;
	room = SINKS_BYTES / v->part_bytes;
	v->nsinks = (uint32_t)(room < 1 ? 1 : room < all ? room : all);
	v->memory = rg_alloc_aligned(page, (1 + (uint64_t)v->nsinks) * v->part_bytes);
	v->control = rg_alloc_aligned(page, page);
	if (!v->memory || !v->control)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for messages of %llu bytes",
				  (unsigned long long)v->lane.max_bytes);
	v->lane.source = v->memory;
	return 0;
}

/* As many rails everywhere. */
static int count_rails(struct verbs_lane *v, struct rg_err *err)
{
	uint32_t n = v->rdv->nranks, mine = v->lane.nrails;
	uint32_t *counts = rg_zalloc(n, sizeof(*counts));
	int rc = counts ? 0 : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u ranks", n);

	rc = verbs_agree(v, rc, err);
	if (!rc)
		rc = rg_rendezvous_allgather(v->rdv, &mine, counts, sizeof(mine), verbs_deadline(v),
					     err);
	for (uint32_t r = 1; !rc && r < n; r++) {
		if (counts[r] != counts[0])
			rc = rg_err_set(err, RG_ERR_MISMATCH,
					"rank %u has %u RDMA device%s, rank 0 %u: name as many on "
					"all (--verbs.device)",
					r, counts[r], counts[r] == 1 ? "" : "s", counts[0]);
	}
	rg_free(counts);
	return rc;
}

static int open_all(struct verbs_lane *v, const struct rg_lane_verbs_config *c, struct rg_err *err)
{
	int rc = verbs_agree(v, open_devices(v, c, err), err);

	if (!rc)
		rc = count_rails(v, err);
	if (!rc)
		rc = rg_verbs_devices_settle(v->rdv, v->devices, v->lane.nrails, NULL,
					     v->deadline_ns, err);
	if (rc)
		return rc;
	rc = allocate(v, err);
	for (uint32_t r = 0; !rc && r < v->lane.nrails; r++) {
		rc = open_rail(v, &v->rails[r], err);
		rg_verbs_device_about(v->devices[r], v->lane.about[r], sizeof(v->lane.about[r]));
	}
	return verbs_agree(v, rc, err);
}

int rg_lane_verbs_open(struct rg_rendezvous *rdv, const struct rg_lane_verbs_config *config,
		       struct rg_lane **out, struct rg_err *err)
{
	struct verbs_lane *v = rg_zalloc(1, sizeof(*v));
	int rc = v ? 0 : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a lane");
	uint64_t deadline_ns = rg_clock_ns() + config->deadline_ns;

	rc = rg_rendezvous_agree(rdv, rc, deadline_ns, err);
	if (rc) {
		rg_free(v);
		return rc;
	}
	*v = (struct verbs_lane){
		.lane = {.ops = &verbs_ops,
			 .peer = RG_TOURNAMENT_NOBODY,
			 .max_bytes = config->max_bytes,
			 .wait_ns = config->wait_ns,
			 .marks = config->op == RG_LANE_OP_WRITE,
			 .transport = "verbs",
			 .qps = (uint32_t)config->options->qps},
		.rdv = rdv,
		.options = config->options,
		.op = config->op,
		.deadline_ns = config->deadline_ns,
		.nqueues = (uint32_t)config->options->qps,
	};
	rc = rg_verbs_moderation(config->options, (uint32_t)config->options->depth,
				 &v->lane.moderation, err);
	if (!rc)
		rc = open_all(v, config, err);
	if (rc) {
		verbs_close(&v->lane);
		return rc;
	}
	*out = &v->lane;
	return 0;
}

#else

int rg_lane_verbs_open(struct rg_rendezvous *rdv, const struct rg_lane_verbs_config *config,
		       struct rg_lane **out, struct rg_err *err)
{
	(void)rdv;
	(void)config;
	(void)out;
	return rg_err_set(err, RG_ERR_UNSUPPORTED,
			  "transport verbs: this railgauge was built without libibverbs");
}

#endif
