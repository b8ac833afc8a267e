/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lane over queue pairs: two ranks meet. Queue pairs are made anew for each peer, since
 * connections to all ranks at once would be many.
 */
#include "config.h"

#include "railgauge/measure/lane.h"

#ifdef HAVE_VERBS

#include "lane_verbs.h"

#include "railgauge/base/clock.h"
#include "railgauge/measure/tournament.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * What a rank tells all others when they meet: its host's name, then for each rail what the peer
 * may reach, and the addresses of its queue pairs.
 */
#define NODE_BYTES 64

uint64_t verbs_deadline(const struct verbs_lane *v)
{
	return rg_clock_ns() + v->deadline_ns;
}

int verbs_agree(struct verbs_lane *v, int rc, struct rg_err *err)
{
	return rg_rendezvous_agree(v->rdv, rc, verbs_deadline(v), err);
}

/* --- queue pairs --- */

void verbs_close_queues(struct verbs_lane *v)
{
	for (uint32_t r = 0; r < v->lane.nrails; r++) {
		for (uint32_t i = 0; v->rails[r].queues && i < v->nqueues; i++) {
			struct queue *q = &v->rails[r].queues[i];

			if (q->qp)
				ibv_destroy_qp(q->qp);
			*q = (struct queue){.wrs = q->wrs, .sink = q->sink};
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

			q->receive_sge = (struct ibv_sge){
				.addr = (uintptr_t)q->sink,
				.length = (uint32_t)v->lane.max_bytes,
				.lkey = rail->sink->lkey,
			};
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
			.sinks = (uintptr_t)v->memory + v->part_bytes,
			.control = (uintptr_t)&v->control->come,
			.source_key = rail->source->rkey,
			.sink_key = rail->sink->rkey,
			.ordered_key = rail->ordered->rkey,
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
	rc = verbs_agree(v, rc, err);
	if (!rc) {
		write_words(v, mine);
		rc = rg_rendezvous_allgather(v->rdv, mine, all, bytes, verbs_deadline(v), err);
	}
	if (!rc && peer != RG_TOURNAMENT_NOBODY) {
		read_words(v, all + peer * bytes);
		v->peer = (struct rg_verbs_peer){.rank = peer, .node = v->peer_node};
	}
	rg_free(mine);
	rg_free(all);
	return rc;
}

int verbs_meet(struct rg_lane *lane, uint32_t peer, struct rg_err *err)
{
	struct verbs_lane *v = (struct verbs_lane *)lane;
	int rc;

	/* Nobody of the last peers has anything under way: all have met since. */
	verbs_close_queues(v);
	empty_cqs(v);
	lane->peer = RG_TOURNAMENT_NOBODY;
	v->control->come = v->control->told = v->heard = v->early = 0;
	v->mark = v->mark_seen = 0;
	rc = exchange(v, peer, err);
	if (rc)
		return rc;
	if (peer != RG_TOURNAMENT_NOBODY)
		rc = connect_queues(v, err);
	rc = verbs_agree(v, rc, err);
	if (!rc)
		lane->peer = peer;
	return rc;
}

#endif
