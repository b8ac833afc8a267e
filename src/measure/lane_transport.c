/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages by put and signal. Each is put to the beginning of the peer's window and told by its
 * counter DONE; counts that it has come are told back by SYNC. Both only grow, over all that two
 * ranks ever exchange.
 */
#include "config.h"

#include "railgauge/measure/lane.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"
#include "railgauge/device/buffer.h"
#include "railgauge/measure/tournament.h"

#include <inttypes.h>

const char *const rg_lane_op_words[] = {
#define WORD(name, word) word,
	RG_LANE_OP_LIST(WORD)
#undef WORD
		NULL,
};

/* The clock is looked at once in so many turns of waiting, and the peer asked after so long. */
#define TURNS  64
#define ASK_NS 50000000

struct transport_lane {
	struct rg_lane lane;	  /* first */
	struct rg_endpoint *ep;	  /* borrowed */
	struct rg_buffer sink;	  /* behind the window */
	struct rg_buffer source;  /* private */
	struct rg_window *window; /* owned */
	struct rg_link *link;	  /* to the peer: borrowed from the endpoint */
};

void rg_lane_close(struct rg_lane *lane)
{
	if (lane)
		lane->ops->close(lane);
}

static struct transport_lane *lane_of(struct rg_lane *lane)
{
	return (struct transport_lane *)lane;
}

static uint64_t value_of(const struct transport_lane *t, enum rg_ctr ctr)
{
	return atomic_load_explicit(&t->link->rx[ctr].value, memory_order_acquire);
}

/* --- waiting --- */

struct patience {
	uint32_t idle;	   /* turns without anything */
	uint64_t since_ns; /* when the first of them that looked at the clock did; 0: not yet */
	uint64_t asked_ns; /* when one last asked for the peer */
};

/* Is it in vain? */
static int look(const struct transport_lane *t, struct patience *p, struct rg_err *err)
{
	uint64_t now = rg_clock_ns();
	char waited[RG_UNITS_BYTES];
	int rc;

	if (!p->since_ns)
		p->since_ns = p->asked_ns = now;
	if (now - p->asked_ns < ASK_NS)
		return 0;
	p->asked_ns = now;
	rc = t->ep->ops->peer_alive(t->ep, t->lane.peer, err);
	if (rc || now - p->since_ns < t->lane.wait_ns)
		return rc;
	return rg_err_set(err, RG_ERR_TIMEOUT,
			  "waited %s for rank %u (%s), which is there but sends nothing",
			  rg_format_time((double)t->lane.wait_ns, waited), t->lane.peer,
			  t->ep->host[t->lane.peer]);
}

/* One turn in which what was waited for had not come. */
static int wait_turn(struct transport_lane *t, struct patience *p, struct rg_err *err)
{
	int rc = t->ep->ops->progress(t->ep, err);

	if (rc < 0)
		return rc;
	if (rc) {
		*p = (struct patience){0};
		return 0;
	}
	t->ep->ops->idle(t->ep, p->idle++);
	return p->idle % TURNS ? 0 : look(t, p, err);
}

static int wait_for(struct transport_lane *t, enum rg_ctr ctr, uint64_t value, struct rg_err *err)
{
	struct patience p = {0};
	int rc = 0;

	while (!rc && value_of(t, ctr) < value)
		rc = wait_turn(t, &p, err);
	return rc;
}

/* --- sending --- */

static struct rg_put put_of(const struct transport_lane *t, const struct rg_lane_load *load)
{
	return (struct rg_put){
		.peer = t->lane.peer,
		.region = RG_REGION_WINDOW,
		.window = t->window,
		.src = t->lane.source,
		.len_bytes = load->size_bytes,
		.lasting = true, /* whoever fills it comes after drain */
		.notify = true,
		.ctr = RG_CTR_DONE,
	};
}

static int send_one(struct transport_lane *t, struct rg_put *put, struct rg_err *err)
{
	struct patience p = {0};
	int rc;

	put->value = ++t->link->told[RG_CTR_DONE];
	while ((rc = t->ep->ops->put(t->ep, put, err)) == 1) {
		rc = wait_turn(t, &p, err);
		if (rc)
			return rc;
	}
	return rc;
}

/* Nothing that was sent waits here for a later call. */
static int drain(struct transport_lane *t, struct rg_err *err)
{
	struct patience p = {0};
	int rc;

	while ((rc = t->ep->ops->flush(t->ep, err)) == 1) {
		rc = wait_turn(t, &p, err);
		if (rc)
			return rc;
	}
	return rc;
}

/* --- there and back --- */

static int answer(struct transport_lane *t, struct rg_put *put, uint64_t n, struct rg_err *err)
{
	int rc = 0;

	for (uint64_t i = 0; !rc && i < n; i++) {
		rc = wait_for(t, RG_CTR_DONE, ++t->link->heard[RG_CTR_DONE], err);
		if (!rc)
			rc = send_one(t, put, err);
	}
	return rc;
}

static int ask(struct transport_lane *t, struct rg_put *put, uint64_t n, struct rg_series *series,
	       struct rg_err *err)
{
	uint64_t before = rg_clock_ns(), now;
	int rc = 0;

	for (uint64_t i = 0; !rc && i < n; i++) {
		rc = send_one(t, put, err);
		if (!rc)
			rc = wait_for(t, RG_CTR_DONE, ++t->link->heard[RG_CTR_DONE], err);
		now = rg_clock_ns();
		if (!rc && series && rg_series_add(series, now - before))
			now = rg_clock_ns();
		before = now;
	}
	return rc;
}

static int transport_pingpong(struct rg_lane *lane, const struct rg_lane_load *load, uint64_t n,
			      bool first, struct rg_series *series, struct rg_err *err)
{
	struct transport_lane *t = lane_of(lane);
	struct rg_put put = put_of(t, load);
	int rc = first ? ask(t, &put, n, series, err) : answer(t, &put, n, err);

	return rc ? rc : drain(t, err);
}

/* --- one way, or both at once --- */

/* All counts are from the beginning of the call. */
struct flowing {
	struct transport_lane *t;
	const struct rg_lane_flow *flow;
	struct rg_put put;
	struct rg_series_blocks blocks;
	uint64_t window;	  /* messages under way */
	uint64_t sent, done;	  /* of flow->out */
	uint64_t come, confirmed; /* of flow->in */
	uint64_t sent_base, done_base, come_base, confirmed_base;
};

/* 1 if a message was taken, 0 if there is none to send, or none is taken now. */
static int push(struct flowing *f, struct rg_err *err)
{
	struct transport_lane *t = f->t;
	int rc;

	if (f->sent == f->flow->out || f->sent - f->done >= f->window)
		return 0;
	f->put.value = f->sent_base + f->sent + 1;
	rc = t->ep->ops->put(t->ep, &f->put, err);
	if (rc)
		return rc < 0 ? rc : 0;
	f->sent++;
	return 1;
}

/* What has come is told back in portions, so that the window does not run dry. Likewise. */
static int confirm(struct flowing *f, struct rg_err *err)
{
	struct transport_lane *t = f->t;
	uint64_t portion = (f->window + 3) / 4;
	int rc;

	f->come = value_of(t, RG_CTR_DONE) - f->come_base;
	if (f->come == f->confirmed || (f->come < f->flow->in && f->come - f->confirmed < portion))
		return 0;
	rc = t->ep->ops->signal(t->ep, t->lane.peer, 0, RG_CTR_SYNC, f->confirmed_base + f->come,
				err);
	if (rc)
		return rc < 0 ? rc : 0;
	f->confirmed = f->come;
	return 1;
}

static int turn(struct flowing *f, struct patience *p, struct rg_err *err)
{
	uint64_t done = value_of(f->t, RG_CTR_SYNC) - f->done_base;
	int sent, told;

	if (done > f->done) {
		f->done = done;
		*p = (struct patience){0};
		rg_series_blocks_add(&f->blocks, done);
	}
	sent = push(f, err);
	if (sent < 0)
		return sent;
	told = f->flow->in ? confirm(f, err) : 0;
	if (told < 0)
		return told;
	if (!sent && !told)
		return wait_turn(f->t, p, err);
	*p = (struct patience){0};
	return 0;
}

static int transport_stream(struct rg_lane *lane, const struct rg_lane_load *load,
			    const struct rg_lane_flow *flow, struct rg_series *series,
			    uint64_t *elapsed_ns_out, struct rg_err *err)
{
	struct transport_lane *t = lane_of(lane);
	struct rg_link *link = t->link;
	struct flowing f = {.t = t,
			    .flow = flow,
			    .put = put_of(t, load),
			    .blocks = {.series = series, .block = flow->block},
			    .window = load->outstanding,
			    .sent_base = link->told[RG_CTR_DONE],
			    .done_base = link->heard[RG_CTR_SYNC],
			    .come_base = link->heard[RG_CTR_DONE],
			    .confirmed_base = link->told[RG_CTR_SYNC]};
	struct patience p = {0};
	uint64_t begin = rg_clock_ns();
	int rc = 0;

	f.blocks.before_ns = begin;
	while (!rc && f.done < flow->out)
		rc = turn(&f, &p, err);
	*elapsed_ns_out = rg_clock_ns() - begin;
	while (!rc && f.confirmed < flow->in)
		rc = turn(&f, &p, err);
	link->told[RG_CTR_DONE] += flow->out;
	link->heard[RG_CTR_SYNC] += flow->out;
	link->heard[RG_CTR_DONE] += flow->in;
	link->told[RG_CTR_SYNC] += flow->in;
	return rc ? rc : drain(t, err);
}

/* --- opening and meeting --- */

static int transport_prepare(struct rg_lane *lane, const struct rg_lane_load *load,
			     struct rg_err *err)
{
	if (load->op != RG_LANE_OP_WRITE)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "transport %s puts, which is a write: %s is an operation of "
				  "verbs",
				  lane->transport, rg_lane_op_words[load->op]);
	if (load->post_list > 1)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "transport %s posts no lists of work requests: verbs does",
				  lane->transport);
	return 0;
}

static int reach(struct transport_lane *t, uint32_t peer, struct rg_err *err)
{
	int rc = 0;

	if (peer == RG_TOURNAMENT_NOBODY)
		return 0;
	rc = t->ep->ops->connect(t->ep, peer, 0, err);
	if (!rc)
		rc = t->ep->ops->window_map(t->window, peer, err);
	if (!rc)
		t->link = rg_endpoint_link(t->ep, 0, peer);
	return rc;
}

static int transport_meet(struct rg_lane *lane, uint32_t peer, struct rg_err *err)
{
	struct transport_lane *t = lane_of(lane);
	int rc = reach(t, peer, err);
	uint64_t deadline_ns = rg_clock_ns() + t->ep->config.timeout_ns;

	/* Nobody sends before all have connected. */
	rc = rg_rendezvous_agree(t->ep->rdv, rc, deadline_ns, err);
	if (!rc)
		lane->peer = peer;
	return rc;
}

/* Of sockets and memory it is measured elsewhere (calibrate_network.h), not derived. */
static double transport_bound_ns(const struct rg_lane *lane, const struct rg_lane_load *load,
				 bool both)
{
	(void)lane;
	(void)load;
	(void)both;
	return 0;
}

static const uint8_t *transport_sink(const struct rg_lane *lane, uint32_t n)
{
	const struct transport_lane *t = (const struct transport_lane *)lane;

	return n ? NULL : t->sink.base;
}

static void transport_close(struct rg_lane *lane)
{
	struct transport_lane *t = lane_of(lane);

	if (t->window)
		t->ep->ops->window_close(t->window);
	t->ep->ops->take_back(t->ep, &t->source);
	rg_buffer_close(&t->sink);
	rg_buffer_close(&t->source);
	rg_free(t);
}

static const struct rg_lane_ops transport_ops = {
	.name = "transport",
	.meet = transport_meet,
	.prepare = transport_prepare,
	.pingpong = transport_pingpong,
	.stream = transport_stream,
	.bound_ns = transport_bound_ns,
	.sink = transport_sink,
	.close = transport_close,
};

static int allocate(struct rg_endpoint *ep, uint64_t max_bytes, struct transport_lane **out,
		    struct rg_err *err)
{
	struct transport_lane *t;
	int rc;

	if (!(ep->caps & RG_CAP_DATA))
		return rg_err_set(err, RG_ERR_UNSUPPORTED, "transport %s moves no data",
				  ep->ops->name);
	t = rg_zalloc(1, sizeof(*t));
	if (!t)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a lane");
	rc = rg_buffer_open(RG_MEMORY_SHARED, max_bytes, 0, -1, &t->sink, err);
	if (!rc)
		rc = rg_buffer_open(RG_MEMORY_HOST, max_bytes, 0, -1, &t->source, err);
	if (rc) {
		rg_buffer_close(&t->sink);
		rg_free(t);
		return rc;
	}
	t->ep = ep;
	t->lane = (struct rg_lane){
		.ops = &transport_ops,
		.peer = RG_TOURNAMENT_NOBODY,
		.nrails = 1,
		.max_bytes = max_bytes,
		.source = t->source.base,
		.transport = ep->ops->name,
	};
	ep->ops->lend(ep, &t->source);
	*out = t;
	return 0;
}

int rg_lane_transport_open(struct rg_endpoint *ep, uint64_t max_bytes, uint64_t wait_ns,
			   struct rg_lane **out, struct rg_err *err)
{
	struct transport_lane *t = NULL;
	int rc = allocate(ep, max_bytes, &t, err);
	uint64_t deadline_ns = rg_clock_ns() + ep->config.timeout_ns;

	rc = rg_rendezvous_agree(ep->rdv, rc, deadline_ns, err);
	if (!rc)
		rc = ep->ops->window_open(ep, &t->sink, &t->window, err);
	if (rc) {
		if (t)
			transport_close(&t->lane);
		return rc;
	}
	t->lane.wait_ns = wait_ns;
	snprintf(t->lane.about[0], sizeof(t->lane.about[0]), "%s", ep->about);
	snprintf(t->lane.nics, sizeof(t->lane.nics), "%s", ep->nics);
	*out = &t->lane;
	return 0;
}
