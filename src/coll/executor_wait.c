/* SPDX-License-Identifier: BSD-3-Clause */
/* Resources of executors and runs, and the waiting that has a deadline and finds words for it. */
#include "config.h"

#include "exec.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const ctr_names[RG_CTR_COUNT] = {
	"message",	     /* READY */
	"a freed slot",	     /* FREE */
	"a freed word slot", /* LL_FREE */
	"entry",	     /* ENTER */
	"completion",	     /* DONE */
	"barrier",	     /* SYNC */
};

int rg_executor_open(struct rg_endpoint *ep, uint32_t max_runs, struct rg_executor **out,
		     struct rg_err *err)
{
	struct rg_executor *x = rg_zalloc(1, sizeof(*x));

	if (!x)
		goto no_memory;
	x->active = rg_zalloc(max_runs, sizeof(x->active[0]));
	if (!x->active)
		goto free_executor;
	x->ep = ep;
	x->max_runs = max_runs;
	x->driven = !(ep->caps & RG_CAP_MAPPED);
	*out = x;
	return 0;

free_executor:
	rg_free(x);
no_memory:
	return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for an executor");
}

void rg_executor_close(struct rg_executor *executor)
{
	if (!executor)
		return;
	rg_free(executor->active);
	rg_free(executor);
}

static void bind_links(struct rg_run *run)
{
	const struct rg_program *p = run->program;

	for (uint32_t k = 0; k < p->nlinks; k++) {
		struct rg_link *link =
			rg_endpoint_link(p->ep, p->links[k].channel, p->links[k].peer);

		run->links[k] = (struct run_link){
			.rx = link->rx,
			.tx = link->tx,
			.rx_slots = link->rx_slots,
			.tx_slots = link->tx_slots,
			.rx_ll = link->rx_ll,
			.tx_ll = link->tx_ll,
			.asleep = link->tx_asleep,
			.link = link,
			.peer = p->links[k].peer,
		};
	}
}

/* Scratch for word messages: each stream's own, since all may have half of one. */
static int make_words(struct rg_run *run, struct rg_err *err)
{
	const struct rg_program *p = run->program;
	size_t stream_bytes;

	for (uint32_t k = 0; k < p->ninsns; k++) {
		if (p->insns[k].op == RG_INSN_TAKE_WORDS && p->insns[k].nsrc > run->word_sources)
			run->word_sources = p->insns[k].nsrc;
	}
	stream_bytes =
		(size_t)(run->word_sources + 1) * run->executor->ep->config.geometry.ll_bytes;
	run->words = rg_alloc_aligned(64, p->nstreams * stream_bytes);
	if (!run->words)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a run");
	for (uint32_t c = 0; c < p->nstreams; c++)
		run->streams[c].words = run->words + c * stream_bytes;
	return 0;
}

/* Where puts are computed that have no destination here. */
static int make_results(struct rg_run *run, struct rg_err *err)
{
	const struct rg_program *p = run->program;
	size_t slot_bytes = run->executor->ep->config.geometry.slot_bytes;

	if (!p->puts)
		return 0;
	run->results = rg_alloc_aligned(4096, p->nstreams * slot_bytes);
	if (!run->results)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a run");
	for (uint32_t c = 0; c < p->nstreams; c++)
		run->streams[c].result = run->results + c * slot_bytes;
	return 0;
}

int rg_run_open(struct rg_executor *executor, const struct rg_program *program, struct rg_run **out,
		struct rg_err *err)
{
	struct rg_run *run = rg_zalloc(1, sizeof(*run));
	int rc;

	if (!run)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a run");
	run->executor = executor;
	run->program = program;
	run->links = rg_zalloc(program->nlinks, sizeof(run->links[0]));
	run->base = rg_zalloc(program->nbases, sizeof(run->base[0]));
	run->streams = rg_zalloc(program->nstreams, sizeof(run->streams[0]));
	run->tmp = rg_alloc_aligned(4096, program->tmp_bytes);
	if (!run->links || !run->base || !run->streams || !run->tmp)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a run");
	else
		rc = make_words(run, err);
	if (!rc)
		rc = make_results(run, err);
	if (rc) {
		rg_run_close(run);
		return rc;
	}
	bind_links(run);
	for (uint32_t k = 0; k < program->nbases; k++) {
		if (program->bases[k].buf == RG_BUF_TMP)
			run->base[k] = run->tmp;
	}
	*out = run;
	return 0;
}

void rg_run_close(struct rg_run *run)
{
	if (!run)
		return;
	rg_free(run->links);
	rg_free(run->base);
	rg_free(run->streams);
	rg_free(run->tmp);
	rg_free(run->words);
	rg_free(run->results);
	rg_free(run);
}

/* The instruction at which a stream stands; NULL: it has ended. */
static const struct rg_insn *standing_at(const struct stream *s)
{
	return s->pc && s->pc->op != RG_INSN_END ? s->pc : NULL;
}

/* The instruction at which the run's first unfinished stream stands. */
static const struct rg_insn *blocked_at(const struct rg_run *run, const struct stream **stream_out)
{
	for (uint32_t c = 0; c < run->program->nstreams; c++) {
		*stream_out = &run->streams[c];
		if (standing_at(*stream_out))
			return standing_at(*stream_out);
	}
	return NULL;
}

/* The run that holds this one up: itself, or an earlier one on a common channel. */
static const struct rg_run *culprit(const struct rg_run *run)
{
	const struct rg_executor *x = run->executor;

	for (uint32_t k = 0; k < x->nactive; k++) {
		if (x->active[k]->program->channel_mask & run->program->channel_mask)
			return x->active[k];
	}
	return run;
}

/* Who is waited for; for a word message the source that is not complete. */
static const struct run_link *waited_link(const struct rg_run *run, const struct rg_insn *i,
					  const struct stream *s)
{
	const struct rg_program *p = run->program;

	if (i->op == RG_INSN_PUT)
		return &run->links[p->bases[i->dst + s->put].link];

	if (i->op != RG_INSN_TAKE_WORDS)
		return &run->links[i->link];
	for (uint32_t k = s->taken; k < i->nsrc; k++) {
		if (p->bases[i->src + k].buf == RG_BUF_IN)
			return &run->links[p->bases[i->src + k].link];
	}
	return NULL;
}

#define WAIT_BYTES 160

/* Not the peer is waited for, but the network. */
static bool is_sending(const struct rg_insn *i)
{
	return i->op == RG_INSN_PUT || i->op == RG_INSN_SIGNAL || i->op == RG_INSN_SIGNAL_FREE;
}

/* "in allreduce ring for message 7": where the run stands. */
static void name_wait(const struct rg_run *run, const struct rg_insn *i, const struct run_link *l,
		      char *text, size_t room)
{
	const struct rg_program *p = run->program;
	bool words = i->op == RG_INSN_TAKE_WORDS;

	if (is_sending(i)) {
		snprintf(text, room, "in %s %s until its network takes what is sent",
			 rg_coll_name(p->problem.coll), p->algorithm->name);
		return;
	}
	snprintf(text, room, "in %s %s for %s %" PRIu64, rg_coll_name(p->problem.coll),
		 p->algorithm->name, words ? "small message" : ctr_names[i->ctr],
		 words ? l->told0[RG_CTR_LL_FREE] + i->in_msg + 1
		       : l->heard0[i->ctr] + (uint64_t)i->value);
}

static int say_timeout(const struct rg_run *waiting, struct rg_err *err)
{
	const struct rg_run *run = culprit(waiting);
	const struct rg_endpoint *ep = run->executor->ep;
	const struct stream *s;
	const struct rg_insn *i = blocked_at(run, &s);
	const struct run_link *l = i ? waited_link(run, i, s) : NULL;
	char after[RG_UNITS_BYTES], what[WAIT_BYTES];

	if (!l && run->executor->driven)
		return rg_err_set(err, RG_ERR_TIMEOUT,
				  "in %s %s: the network does not take what was sent last",
				  rg_coll_name(run->program->problem.coll),
				  run->program->algorithm->name);
	if (!l)
		return rg_err_set(err, RG_ERR_INTERNAL, "a run waits for nothing");
	rg_format_time((double)ep->config.timeout_ns, after);
	if (is_sending(i))
		return rg_err_set(err, RG_ERR_TIMEOUT,
				  "waited %s in %s %s: the network does not take what is sent to "
				  "rank %u (%s)",
				  after, rg_coll_name(run->program->problem.coll),
				  run->program->algorithm->name, l->peer, ep->host[l->peer]);
	name_wait(run, i, l, what, sizeof(what));
	if (i->op == RG_INSN_TAKE_WORDS)
		return rg_err_set(err, RG_ERR_TIMEOUT,
				  "waited %s %s from rank %u (%s): word %zu is not there", after,
				  what, l->peer, ep->host[l->peer], s->word);
	return rg_err_set(err, RG_ERR_TIMEOUT,
			  "waited %s %s from rank %u (%s), which is at %" PRIu64
			  ": it is stopped, hangs, or waits for another rank itself",
			  after, what, l->peer, ep->host[l->peer],
			  atomic_load_explicit(&l->rx[i->ctr].value, memory_order_acquire));
}

/* Is the peer that a stream waits for known to be gone? */
static int check_stream(const struct rg_run *run, const struct stream *s, struct rg_err *err)
{
	struct rg_endpoint *ep = run->executor->ep;
	const struct rg_insn *i = standing_at(s);
	const struct run_link *l = i ? waited_link(run, i, s) : NULL;
	char what[WAIT_BYTES];
	int rc;

	if (!l)
		return 0;
	rc = ep->ops->peer_alive(ep, l->peer, err);
	if (rc && err) {
		name_wait(run, i, l, what, sizeof(what));
		rg_err_prefix(err, "waited %s", what);
	}
	return rc;
}

/* Any stream's: it may be the only one that waits for that peer. */
static int check_peers(const struct rg_run *waiting, struct rg_err *err)
{
	const struct rg_run *run = culprit(waiting);
	int rc = 0;

	for (uint32_t c = 0; c < run->program->nstreams && !rc; c++)
		rc = check_stream(run, &run->streams[c], err);
	return rc;
}

/* The same after a last look: it may have finished its part before it went. */
static int check_gone(const struct rg_run *run, struct rg_err *err)
{
	struct rg_err gone = {0};
	int rc = check_peers(run, &gone);

	if (!rc || rg_executor_progress(run->executor))
		return 0;
	return rg_err_set(err, rc, "%s", gone.text);
}

static int say_failed_transport(const struct rg_run *run, struct rg_err *err)
{
	const struct rg_executor *x = run->executor;

	return rg_err_set(err, x->rc, "in %s %s: %s", rg_coll_name(run->program->problem.coll),
			  run->program->algorithm->name, x->err.text);
}

/* Idle rounds between looks at the clock while the thread only spins. */
#define CLOCK_EVERY 1024

int rg_run_wait(struct rg_run *run, struct rg_err *err)
{
	struct rg_endpoint *ep = run->executor->ep;
	uint64_t since = 0; /* when the present standstill was first seen */
	uint32_t spins = ep->config.patience.spins;
	uint32_t patience = spins + ep->config.patience.yields;
	uint32_t idle = 0;
	int rc;

	for (;;) {
		bool any = rg_executor_progress(run->executor);

		/* A rank that slept says that it is awake, or every signal would ring for it. */
		if (any && idle > patience)
			ep->ops->idle(ep, 0);
		if (run->state == RUN_DONE)
			return 0;
		if (run->executor->rc)
			return say_failed_transport(run, err);
		if (any) {
			idle = 0;
			since = 0;
			continue;
		}
		ep->ops->idle(ep, idle++);
		/* Each yield may cost a time slice of everybody else on this core. */
		if (idle % CLOCK_EVERY && idle < spins)
			continue;
		uint64_t now = rg_clock_ns();

		if (!since)
			since = now;
		if (now - since < 1000000) /* a peer that died can wait a millisecond */
			continue;
		rc = check_gone(run, err);
		if (rc)
			return rc;
		if (now - since > ep->config.timeout_ns)
			return say_timeout(run, err);
	}
}
