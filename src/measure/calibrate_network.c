/* SPDX-License-Identifier: BSD-3-Clause */
/* The rounds of a calibration of the network, and what follows from them. */
#include "config.h"

#include "railgauge/measure/calibrate_network.h"
#include "network_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/transport/stream.h"

#include <string.h>

/* A round that is repeated takes so many times as long; and so many are, at most. */
#define LONGER	     4
#define REPEATS_MOST 8

static int no_memory(struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory to calibrate the network");
}

void rg_network_release(struct rg_network *network)
{
	rg_free(network->ports);
	rg_free(network->node);
	rg_free(network->pairs);
	*network = (struct rg_network){0};
}

uint64_t rg_calibrate_network_cost_ns(uint32_t nnodes)
{
	return rg_network_rounds(nnodes) * (RG_NETWORK_DISCARD_NS + 2 * RG_NETWORK_WINDOW_NS);
}

/* --- nodes and streams --- */

uint32_t rg_network_rank(const struct network_work *w, uint32_t node, uint32_t local)
{
	uint32_t r = 0;

	while (w->net.node[r] != node || w->local[r] != local)
		r++;
	return r;
}

/* This rank's streams to the other nodes of its group; counts them if peers is NULL. */
static uint32_t list_streams(const struct network_work *w, uint32_t *peers)
{
	uint32_t first, size = rg_network_group(w->net.nnodes, w->mine, &first), count = 0;
	uint32_t own = w->net.ports[w->mine].nranks, me = w->local[w->ep->rank];

	for (uint32_t b = first; b < first + size; b++) {
		uint32_t theirs = w->net.ports[b].nranks;

		for (uint32_t s = 0; b != w->mine && s < (own > theirs ? own : theirs); s++) {
			if (s % own != me)
				continue;
			if (peers)
				peers[count] = rg_network_rank(w, b, s % theirs);
			count++;
		}
	}
	return count;
}

/* Of one rank alone, before anything is measured. */
static int make_streams(struct network_work *w, struct rg_err *err)
{
	uint32_t n = w->nstreams = list_streams(w, NULL);

	w->peers = rg_zalloc(n, sizeof(*w->peers));
	w->fds = rg_zalloc(n, sizeof(*w->fds));
	w->flow = (struct flow){
		.ep = w->ep,
		.fds = rg_zalloc(n, sizeof(*w->flow.fds)),
		.peers = rg_zalloc(n, sizeof(*w->flow.peers)),
		.states = rg_zalloc(n, sizeof(*w->flow.states)),
		.lacks = rg_zalloc(n, sizeof(*w->flow.lacks)),
		.poll = rg_zalloc(n, sizeof(*w->flow.poll)),
		.send_block = rg_zalloc(1, FLOW_BLOCK_BYTES),
		.take_block = rg_zalloc(1, FLOW_BLOCK_BYTES),
		.sleeps = w->config->crowded,
		.deadline_ns = w->config->deadline_ns,
	};
	if (!w->peers || !w->fds || !w->flow.fds || !w->flow.peers || !w->flow.states ||
	    !w->flow.lacks || !w->flow.poll || !w->flow.send_block || !w->flow.take_block)
		return no_memory(err);
	list_streams(w, w->peers);
	return 0;
}

/* All pairs that will be measured, in order. */
static int make_pairs(struct network_work *w, struct rg_err *err)
{
	uint32_t n = w->net.nnodes, first;

	w->net.ports = rg_zalloc(n, sizeof(*w->net.ports));
	w->net.pairs = rg_zalloc((size_t)n * (NETWORK_GROUP - 1), sizeof(*w->net.pairs));
	w->all_in = rg_zalloc(n, sizeof(*w->all_in));
	w->all_out = rg_zalloc(n, sizeof(*w->all_out));
	w->points = rg_zalloc((size_t)n * (NETWORK_GROUP - 1), sizeof(*w->points));
	if (!w->net.ports || !w->net.pairs || !w->all_in || !w->all_out || !w->points)
		return no_memory(err);
	for (uint32_t r = 0; r < w->net.nranks; r++)
		w->net.ports[w->net.node[r]].nranks++;
	for (uint32_t from = 0; from < n; from++) {
		uint32_t size = rg_network_group(n, from, &first);

		for (uint32_t to = first; to < first + size; to++) {
			if (to != from)
				w->net.pairs[w->net.npairs++] =
					(struct rg_network_pair){.from = from, .to = to};
		}
	}
	return 0;
}

/* --- a round --- */

/* The streams that take part; *sends_out or *receives_out or neither. */
static void choose_streams(struct network_work *w, uint32_t round, bool *sends_out,
			   bool *receives_out)
{
	struct flow *f = &w->flow;

	f->n = 0;
	*sends_out = *receives_out = false;
	for (uint32_t i = 0; i < w->nstreams; i++) {
		uint32_t other = w->net.node[w->peers[i]];
		bool out = rg_network_flow(w->net.nnodes, round, w->mine, other);
		bool in = rg_network_flow(w->net.nnodes, round, other, w->mine);

		if (!out && !in)
			continue;
		f->peers[f->n] = w->peers[i];
		f->fds[f->n++] = w->fds[i];
		*sends_out |= out;
		*receives_out |= in;
	}
}

static int meet(const struct network_work *w, struct rg_err *err)
{
	return rg_rendezvous_barrier(w->ep->rdv, rg_clock_ns() + w->config->deadline_ns, err);
}

static uint64_t or_default(uint64_t ns, uint64_t default_ns)
{
	return ns ? ns : default_ns;
}

/* Fills reports on all ranks. */
static int run_round(struct network_work *w, uint32_t round, uint32_t longer, struct rg_err *err)
{
	bool pair = rg_network_kind(w->net.nnodes, round) == NETWORK_PAIR, sends, receives;
	struct flow_point burst[FLOW_POINTS] = {{0}};
	struct report mine = {0};
	bool disturbed = false;
	int rc = 0;

	choose_streams(w, round, &sends, &receives);
	w->flow.discard_ns = longer * or_default(w->config->discard_ns, RG_NETWORK_DISCARD_NS);
	w->flow.window_ns = longer * or_default(w->config->window_ns, RG_NETWORK_WINDOW_NS);
	if (pair) {
		rc = meet(w, err);
		if (!rc && w->local[w->ep->rank] == 0 && receives)
			rc = rg_flow_ping(&w->flow, &mine.latency_ns, burst, err);
		else if (!rc && w->local[w->ep->rank] == 0 && sends)
			rc = rg_flow_echo(&w->flow, err);
	}
	if (!rc)
		rc = meet(w, err);
	if (!rc && receives)
		rc = rg_flow_receive(&w->flow, &mine.tally, &disturbed, err);
	else if (!rc && sends)
		rc = rg_flow_send(&w->flow, &disturbed, err);
	if (rc)
		return rc;
	rg_flow_quickest(mine.tally.points, burst);
	mine.disturbed = disturbed;
	return rg_rendezvous_allgather(w->ep->rdv, &mine, w->reports, sizeof(mine),
				       rg_clock_ns() + w->config->deadline_ns, err);
}

/* --- all of it --- */

static int run_all(struct network_work *w, struct rg_err *err)
{
	uint32_t rounds = rg_network_rounds(w->net.nnodes);

	for (uint32_t round = 0; round < rounds; round++) {
		int rc = run_round(w, round, 1, err);

		/* All have the same reports, and so decide alike. */
		if (!rc && rg_network_needs_longer(w) && w->repeats < REPEATS_MOST) {
			w->repeats++;
			rc = run_round(w, round, LONGER, err);
		}
		if (rc)
			return rc;
		rg_network_keep_round(w, round);
		if (w->config->progress)
			w->config->progress(w->config->progress_arg, round + 1, rounds);
	}
	rg_network_conclude(w);
	return 0;
}

static int prepare(struct network_work *w, struct rg_err *err)
{
	uint32_t n = w->net.nranks;
	uint64_t deadline_ns = w->config->deadline_ns;
	int rc = 0;

	w->net.node = rg_zalloc(n, sizeof(*w->net.node));
	w->local = rg_zalloc(n, sizeof(*w->local));
	w->reports = rg_zalloc(n, sizeof(*w->reports));
	if (!w->net.node || !w->local || !w->reports)
		rc = no_memory(err);
	rc = rg_rendezvous_agree(w->ep->rdv, rc, rg_clock_ns() + deadline_ns, err);
	if (!rc)
		rc = rg_stream_nodes(w->ep, w->net.node, w->local, &w->net.nnodes, err);
	if (rc)
		return rc;
	w->mine = w->net.node[w->ep->rank];
	rc = make_pairs(w, err);
	if (!rc && w->net.nnodes > 1)
		rc = make_streams(w, err);
	rc = rg_rendezvous_agree(w->ep->rdv, rc, rg_clock_ns() + deadline_ns, err);
	if (rc || w->net.nnodes == 1)
		return rc;
	return rg_streams_open(w->ep, w->peers, w->nstreams, w->fds, err);
}

static void release(struct network_work *w)
{
	rg_free(w->local);
	rg_free(w->peers);
	rg_free(w->fds);
	rg_free(w->flow.fds);
	rg_free(w->flow.peers);
	rg_free(w->flow.states);
	rg_free(w->flow.lacks);
	rg_free(w->flow.poll);
	rg_free(w->flow.send_block);
	rg_free(w->flow.take_block);
	rg_free(w->reports);
	rg_free(w->all_in);
	rg_free(w->all_out);
	rg_free(w->points);
	rg_network_release(&w->net);
}

int rg_calibrate_network(struct rg_endpoint *ep, const struct rg_network_config *config,
			 struct rg_network *out, struct rg_err *err)
{
	struct network_work w = {.ep = ep, .config = config, .net = {.nranks = ep->nranks}};
	int rc = prepare(&w, err);

	if (!rc && w.net.nnodes > 1) {
		rc = run_all(&w, err);
		rg_streams_close(w.fds, w.nstreams);
	}
	if (!rc) {
		*out = w.net;
		w.net = (struct rg_network){0};
	}
	release(&w);
	return rc;
}
