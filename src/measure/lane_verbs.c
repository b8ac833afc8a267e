/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A lane over queue pairs of its own: devices and memory once, queue pairs anew for each peer,
 * since connections to all ranks at once would be many.
 */
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
 * What a rank tells all others when they meet: its host's name, then for each rail what the peer
 * may reach, and the addresses of its queue pairs.
 */
#define NODE_BYTES 64

static uint64_t deadline(const struct verbs_lane *v)
{
	return rg_clock_ns() + v->deadline_ns;
}

static int agree(struct verbs_lane *v, int rc, struct rg_err *err)
{
	return rg_rendezvous_agree(v->rdv, rc, deadline(v), err);
}

/* --- queue pairs --- */

static void close_queues(struct verbs_lane *v)
{
	for (uint32_t r = 0; r < v->lane.nrails; r++) {
		for (uint32_t i = 0; v->rails[r].queues && i < v->nqueues; i++) {
			struct queue *q = &v->rails[r].queues[i];

			if (q->qp)
				ibv_destroy_qp(q->qp);
			*q = (struct queue){.wrs = q->wrs};
		}
	}
}

/* Completions of queue pairs that are gone are nobody's. */
static void empty_cqs(struct verbs_lane *v)
{
	struct ibv_wc wc[POLL_BATCH];

	for (uint32_t r = 0; r < v->lane.nrails; r++) {
		while (ibv_poll_cq(v->rails[r].send_cq, POLL_BATCH, wc) > 0)
			;
		while (ibv_poll_cq(v->rails[r].recv_cq, POLL_BATCH, wc) > 0)
			;
	}
}

static int open_queues(struct verbs_lane *v, struct rg_err *err)
{
	uint32_t psn = 0x2545f491u * (v->rdv->rank + 1) + 0x9e3779b9u * ++v->meetings;
	int rc = 0;

	for (uint32_t r = 0; !rc && r < v->lane.nrails; r++) {
		struct rail *rail = &v->rails[r];
		const struct rg_verbs_queues queues = {
			.send_cq = rail->send_cq,
			.recv_cq = rail->recv_cq,
			.send_depth = v->depth + 1, /* and the word at the end of a stream */
			.recv_depth = v->recv_depth,
			.inline_bytes = rail->device->max_inline_bytes,
		};

		for (uint32_t i = 0; !rc && i < v->nqueues; i++) {
			struct queue *q = &rail->queues[i];

			rc = rg_verbs_rc_open(rail->device, &queues, &q->qp, err);
			if (rc)
				break;
			rg_verbs_address_of(rail->device, q->qp, psn + 7919 * (i + 1), &q->mine);
			rc = verbs_post_receives(v, rail, q, err);
		}
	}
	return rc;
}

/* --- meeting --- */

static size_t words_bytes(const struct verbs_lane *v)
{
	return NODE_BYTES + v->lane.nrails * (sizeof(struct reach) +
					      v->nqueues * sizeof(struct rg_verbs_address));
}

static void write_words(const struct verbs_lane *v, uint8_t *words)
{
	if (gethostname((char *)words, NODE_BYTES - 1))
		snprintf((char *)words, NODE_BYTES, "an unnamed host");
	words += NODE_BYTES;
	for (uint32_t r = 0; r < v->lane.nrails; r++) {
		const struct rail *rail = &v->rails[r];
		const struct reach reach = {
			.source = (uintptr_t)v->lane.source,
			.sink = (uintptr_t)v->lane.sink,
			.control = (uintptr_t)&v->control->come,
			.source_key = rail->source->rkey,
			.sink_key = rail->sink->rkey,
			.control_key = rail->control->rkey,
		};

		memcpy(words, &reach, sizeof(reach));
		words += sizeof(reach);
		for (uint32_t i = 0; i < v->nqueues; i++) {
			memcpy(words, &rail->queues[i].mine, sizeof(rail->queues[i].mine));
			words += sizeof(rail->queues[i].mine);
		}
	}
}

static void read_words(struct verbs_lane *v, const uint8_t *words)
{
	snprintf(v->peer_node, sizeof(v->peer_node), "%.*s", NODE_BYTES - 1, (const char *)words);
	words += NODE_BYTES;
	for (uint32_t r = 0; r < v->lane.nrails; r++) {
		struct rail *rail = &v->rails[r];

		memcpy(&rail->peer, words, sizeof(rail->peer));
		words += sizeof(rail->peer);
		for (uint32_t i = 0; i < v->nqueues; i++) {
			memcpy(&rail->queues[i].theirs, words, sizeof(rail->queues[i].theirs));
			words += sizeof(rail->queues[i].theirs);
		}
		snprintf(v->lane.peer_rails[r], sizeof(v->lane.peer_rails[r]), "%.*s",
			 (int)sizeof(rail->queues[0].theirs.device), rail->queues[0].theirs.device);
	}
}

static int connect_queues(struct verbs_lane *v, struct rg_err *err)
{
	int rc = 0;

	for (uint32_t r = 0; !rc && r < v->lane.nrails; r++) {
		struct rail *rail = &v->rails[r];

		for (uint32_t i = 0; !rc && i < v->nqueues; i++) {
			struct queue *q = &rail->queues[i];

			rc = rg_verbs_rc_connect(rail->device, q->qp, &q->mine, &q->theirs,
						 &v->peer, err);
		}
	}
	return rc;
}

static int exchange(struct verbs_lane *v, uint32_t peer, struct rg_err *err)
{
	size_t bytes = words_bytes(v);
	uint8_t *mine = rg_zalloc(1, bytes), *all = rg_zalloc(v->rdv->nranks, bytes);
	int rc = 0;

	if (!mine || !all)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the addresses of %u ranks",
				v->rdv->nranks);
	if (!rc && peer != RG_TOURNAMENT_NOBODY)
		rc = open_queues(v, err);
	rc = agree(v, rc, err);
	if (!rc) {
		write_words(v, mine);
		rc = rg_rendezvous_allgather(v->rdv, mine, all, bytes, deadline(v), err);
	}
	if (!rc && peer != RG_TOURNAMENT_NOBODY) {
		read_words(v, all + peer * bytes);
		v->peer = (struct rg_verbs_peer){.rank = peer, .node = v->peer_node};
	}
	rg_free(mine);
	rg_free(all);
	return rc;
}

static int verbs_meet(struct rg_lane *lane, uint32_t peer, struct rg_err *err)
{
	struct verbs_lane *v = (struct verbs_lane *)lane;
	int rc;

	/* Nobody of the last peers has anything under way: all have met since. */
	close_queues(v);
	empty_cqs(v);
	lane->peer = RG_TOURNAMENT_NOBODY;
	v->control->come = v->control->told = v->heard = v->early = 0;
	v->mark = v->mark_seen = 0;
	rc = exchange(v, peer, err);
	if (rc)
		return rc;
	if (peer != RG_TOURNAMENT_NOBODY)
		rc = connect_queues(v, err);
	rc = agree(v, rc, err);
	if (!rc)
		lane->peer = peer;
	return rc;
}

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

static void verbs_close(struct rg_lane *lane)
{
	struct verbs_lane *v = (struct verbs_lane *)lane;

	close_queues(v);
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
	.close = verbs_close,
};

static int register_memory(struct verbs_lane *v, struct rail *rail, struct rg_err *err)
{
	/* Whose last byte is looked at must come whole and in order. */
	unsigned ordered = v->op == RG_LANE_OP_WRITE ? RG_VERBS_ORDERED : 0;
	uint64_t bytes = v->lane.max_bytes;
	int rc = rg_verbs_memory_get(rail->device, v->lane.source, bytes, RG_VERBS_REMOTE,
				     &rail->source, err);

	if (!rc)
		rc = rg_verbs_memory_get(rail->device, v->lane.sink, bytes,
					 RG_VERBS_REMOTE | ordered, &rail->sink, err);
	if (!rc)
		rc = rg_verbs_memory_get(rail->device, v->control, sizeof(*v->control),
					 RG_VERBS_REMOTE | RG_VERBS_ORDERED, &rail->control, err);
	return rc;
}

static int open_rail(struct verbs_lane *v, struct rail *rail, struct rg_err *err)
{
	uint32_t n = v->nqueues;
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
	for (uint32_t i = 0; i < n; i++)
		rail->queues[i].wrs = rail->wrs + (size_t)i * v->depth;
	rail->receive_sge = (struct ibv_sge){
		.addr = (uintptr_t)v->lane.sink,
		.length = (uint32_t)v->lane.max_bytes,
		.lkey = rail->sink->lkey,
	};
	/* The data of a write with immediate go where the writer says. */
	for (uint32_t i = 0; i < v->recv_depth && v->op == RG_LANE_OP_SEND; i++) {
		rail->receives[i].sg_list = &rail->receive_sge;
		rail->receives[i].num_sge = 1;
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

/* Pages of their own, so that registrations share none with anything else. */
static int allocate(struct verbs_lane *v, struct rg_err *err)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	v->sink_at = (v->lane.max_bytes + page - 1) / page * page;
	v->memory = rg_alloc_aligned(page, 2 * v->sink_at);
	v->control = rg_alloc_aligned(page, page);
	if (!v->memory || !v->control)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for messages of %llu bytes",
				  (unsigned long long)v->lane.max_bytes);
	v->lane.source = v->memory;
	v->lane.sink = v->memory + v->sink_at;
	return 0;
}

/* As many rails everywhere, and GIDs that suit all. */
static int settle(struct verbs_lane *v, struct rg_err *err)
{
	uint32_t n = v->rdv->nranks, mine = v->lane.nrails, bad = 0;
	uint32_t *counts = rg_zalloc(n, sizeof(*counts));
	struct rg_verbs_offer *offers = rg_zalloc(n, sizeof(*offers)), own;
	int rc = 0;

	if (!counts || !offers)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u ranks", n);
	rc = agree(v, rc, err);
	if (rc)
		goto free_lists;
	rc = rg_rendezvous_allgather(v->rdv, &mine, counts, sizeof(mine), deadline(v), err);
	if (rc)
		goto free_lists;
	for (uint32_t r = 1; !rc && r < n; r++) {
		if (counts[r] != counts[0])
			rc = rg_err_set(err, RG_ERR_MISMATCH,
					"rank %u has %u RDMA device%s, rank 0 %u: name as many on "
					"all (--verbs.device)",
					r, counts[r], counts[r] == 1 ? "" : "s", counts[0]);
	}
	rc = agree(v, rc, err);
	for (uint32_t r = 0; !rc && r < mine; r++) {
		rg_verbs_device_offer(v->devices[r], &own);
		rc = rg_rendezvous_allgather(v->rdv, &own, offers, sizeof(own), deadline(v), err);
		if (!rc)
			rc = rg_verbs_device_settle(v->devices[r], offers, n, &bad, err);
		rc = agree(v, rc, err);
	}
free_lists:
	rg_free(counts);
	rg_free(offers);
	return rc;
}

static int open_all(struct verbs_lane *v, const struct rg_lane_verbs_config *c, struct rg_err *err)
{
	int rc = agree(v, open_devices(v, c, err), err);

	if (!rc)
		rc = settle(v, err);
	if (rc)
		return rc;
	rc = allocate(v, err);
	for (uint32_t r = 0; !rc && r < v->lane.nrails; r++) {
		rc = open_rail(v, &v->rails[r], err);
		rg_verbs_device_about(v->devices[r], v->lane.about[r], sizeof(v->lane.about[r]));
	}
	return agree(v, rc, err);
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
