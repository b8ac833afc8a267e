/* SPDX-License-Identifier: BSD-3-Clause */
/* The sampler: its buffers, the candidates of a point, and the loop that all ranks go through. */
#include "config.h"

#include "sample_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <stdio.h>
#include <string.h>

void rg_samples_release(struct rg_samples *samples)
{
	rg_free(samples->ns);
	rg_free(samples->ranks_ns);
	*samples = (struct rg_samples){0};
}

static void close_lane(const struct rg_sampler *s, struct lane *lane)
{
	struct rg_endpoint *ep = s->job->ep;

	if (lane->window)
		ep->ops->window_close(lane->window);
	if (ep && lane->buffer.base)
		ep->ops->take_back(ep, &lane->buffer);
	rg_buffer_close(&lane->buffer);
	rg_free(lane->src_number);
	rg_free(lane->dst_number);
	*lane = (struct lane){0};
}

void rg_sampler_close(struct rg_sampler *s)
{
	if (!s)
		return;
	for (int a = 0; a < 2; a++)
		close_lane(s, &s->lanes[a]);
	rg_meet_close(s->meet);
	rg_data_close(s->data);
	rg_buffer_close(&s->walk);
	rg_free(s->ready);
	rg_free(s->reports);
	rg_free(s->commands);
	rg_free(s);
}

static uint64_t walk_bytes(const struct rg_sampler_config *c)
{
	if (c->cache != RG_CACHE_COLD)
		return 0;
	return c->llc_bytes ? 2 * c->llc_bytes : (uint64_t)64 << 20;
}

uint64_t rg_sampler_extra_bytes(const struct rg_sampler_config *config)
{
	return walk_bytes(config) + ((uint64_t)1 << 20);
}

/* Everything that one rank can do alone. */
static int open_local(struct rg_sampler *s, struct rg_err *err)
{
	const struct rg_rendezvous *rdv = s->job->rdv;
	const struct rg_data_problem p = {
		.coll = s->config.coll,
		.type = s->config.type,
		.op = s->config.op,
		.nranks = rdv->nranks,
		.rank = rdv->rank,
		.seed = s->config.seed,
	};
	int rc = rg_data_open(&p, &s->data, err);

	for (int a = 0; !rc && a < 2; a++) {
		struct lane *lane = &s->lanes[a];

		if (!s->config.access[a])
			continue;
		lane->src_number = rg_zalloc(RG_PLAN_MAX_OPS + 1, sizeof(uint64_t));
		lane->dst_number = rg_zalloc(RG_PLAN_MAX_OPS + 1, sizeof(uint64_t));
		if (!lane->src_number || !lane->dst_number)
			return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a sampler");
		rc = rg_buffer_open(a == RG_ACCESS_WINDOW ? RG_MEMORY_SHARED : RG_MEMORY_HOST,
				    s->config.pairs_bytes, 0, -1, &lane->buffer, err);
		lane->pairs.base = lane->buffer.base;
		if (!rc && s->job->ep)
			s->job->ep->ops->lend(s->job->ep, &lane->buffer);
	}
	if (!rc && walk_bytes(&s->config))
		rc = rg_buffer_open(RG_MEMORY_HOST, walk_bytes(&s->config), 0, -1, &s->walk, err);
	return rc;
}

static int open_window(struct rg_sampler *s, struct rg_err *err)
{
	struct lane *lane = &s->lanes[RG_ACCESS_WINDOW];
	struct rg_endpoint *ep = s->job->ep;
	int rc;

	/* Without a transport the memory is the same, but nobody is given it. */
	if (!lane->buffer.base || !ep)
		return 0;
	rc = ep->ops->window_open(ep, &lane->buffer, &lane->window, err);
	for (uint32_t r = 0; !rc && r < ep->nranks; r++) {
		if (r != ep->rank)
			rc = ep->ops->window_map(lane->window, r, err);
	}
	lane->pairs.window = lane->window;
	return rc;
}

static bool any_own(const struct rg_candidate *candidates, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (candidates[i].spec->ops == &rg_target_railgauge)
			return true;
	}
	return false;
}

/*
 * Where there are ways to choose between. Anew for each point, not only for its size: a virtual
 * machine's processors move about.
 */
static int try_paths(struct rg_sampler *s, struct rg_err *err)
{
	const struct rg_endpoint *ep = s->job->ep;
	int a = s->lanes[RG_ACCESS_PRIVATE].buffer.base ? RG_ACCESS_PRIVATE : RG_ACCESS_WINDOW;
	const struct rg_target_problem problem = {
		.coll = s->config.coll,
		.type = s->config.type,
		.op = s->config.op,
		.count = s->point->count,
		.counts = s->point->counts,
		.first_root = s->config.root,
		.nroots = 1,
		.pairs = &s->lanes[a].pairs,
	};

	if (!ep || ep->nranks < 2 || !(ep->caps & RG_CAP_DATA) || !(ep->caps & RG_CAP_MAPPED) ||
	    s->config.coll == RG_COLL_BARRIER)
		return 0;
	return rg_paths_try(s->job, &problem, s->config.cache != RG_CACHE_WARM, &s->paths, err);
}

int rg_sampler_open(const struct rg_job *job, const struct rg_sampler_config *config,
		    struct rg_sampler **sampler_out, struct rg_err *err)
{
	struct rg_sampler *s = rg_zalloc(1, sizeof(*s));
	uint32_t n = job->rdv->nranks;
	int rc = 0;

	if (s) {
		s->job = job;
		s->config = *config;
		s->ready = rg_zalloc(n, sizeof(s->ready[0]));
		s->reports = rg_zalloc(n, sizeof(s->reports[0]));
		s->commands = rg_zalloc(n, sizeof(s->commands[0]));
		s->nroots = config->root_fixed || !rg_coll_has_root(config->coll) ? 1 : n;
	}
	if (!s || !s->ready || !s->reports || !s->commands)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a sampler");
	else
		rc = open_local(s, err);
	rc = rg_rendezvous_agree(job->rdv, rc, rg_clock_ns() + job->deadline_ns, err);
	if (!rc) {
		rc = open_window(s, err);
		/* Mapping is each rank's own; who fails must not leave the others waiting below. */
		rc = rg_rendezvous_agree(job->rdv, rc, rg_clock_ns() + job->deadline_ns, err);
	}
	if (!rc)
		rc = rg_meet_open(job->rdv, job->ep, job->deadline_ns, config->crowded, &s->meet,
				  err);
	if (!rc)
		rc = rg_sample_measure_start(s, err);
	if (rc) {
		rg_sampler_close(s);
		return rc;
	}
	*sampler_out = s;
	return 0;
}

void rg_sampler_start(const struct rg_sampler *sampler, struct rg_sampler_start *start_out)
{
	*start_out = sampler->start;
}

uint64_t rg_sampler_now(const struct rg_sampler *sampler)
{
	return rg_sample_now(sampler);
}

const struct rg_endpoint *rg_sampler_endpoint(const struct rg_sampler *sampler)
{
	return rg_meet_endpoint(sampler->meet);
}

int rg_sampler_line(struct rg_sampler *sampler, double *one_way_ns_out, struct rg_err *err)
{
	return rg_meet_line(sampler->meet, one_way_ns_out, err);
}

int rg_sampler_congestion(struct rg_sampler *s, char names_out[RG_CONGESTION_BYTES],
			  struct rg_err *err)
{
	const struct rg_endpoint *ep = rg_sampler_endpoint(s);
	uint32_t n = s->job->rdv->nranks;
	char mine[RG_CONGESTION_BYTES], *all;
	int rc;

	memset(names_out, 0, RG_CONGESTION_BYTES);
	if (!ep)
		return 0;
	all = rg_alloc((size_t)n * RG_CONGESTION_BYTES);
	rc = rg_rendezvous_agree(
		s->job->rdv,
		all ? 0 : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u ranks", n),
		rg_clock_ns() + s->job->deadline_ns, err);
	rg_endpoint_congestion(ep, mine);
	if (!rc)
		rc = rg_meet_exchange(s->meet, mine, all, sizeof(mine), err);
	for (uint32_t r = 0; !rc && r < n; r++)
		rg_congestion_join(names_out, all + (size_t)r * RG_CONGESTION_BYTES);
	rg_free(all);
	return rc;
}

/* Is this code a target's "cannot do that", rather than a failure of the run? */
static bool is_refusal(int rc)
{
	return rc == RG_ERR_UNSUPPORTED || rc == RG_ERR_RANGE || rc == RG_ERR_INVALID ||
	       rc == RG_ERR_NOT_FOUND;
}

/* The same on all ranks. */
static void leave_out(struct opened *o, struct rg_samples *samples, const char *why)
{
	o->candidate->spec->ops->close(o->target);
	o->target = NULL;
	snprintf(samples->refused, sizeof(samples->refused), "%s", why);
	samples->stop = RG_STOP_NOT_RUN;
}

static bool runs_other(const struct rg_target_about *about)
{
	return !strncmp(about->note, RG_TARGET_RUNS_OTHER, strlen(RG_TARGET_RUNS_OTHER));
}

static int open_candidate(struct rg_sampler *s, const struct rg_candidate *c, struct opened *o,
			  struct rg_samples *samples, struct rg_err *err)
{
	const struct rg_target_problem problem = {
		.coll = s->config.coll,
		.type = s->config.type,
		.op = s->config.op,
		.count = s->point->count,
		.counts = s->point->counts,
		.in_place = c->in_place,
		.persistent = s->config.persistent && c->buffers == RG_ACCESS_WINDOW,
		.channels = s->config.channels,
		.radix = s->config.radix,
		.window = s->config.window,
		.first_root = s->config.root,
		.nroots = s->nroots,
		.paths = s->paths,
		.pairs = &s->lanes[c->buffers].pairs,
	};
	struct rg_err why = {0};
	int rc, all;

	o->candidate = c;
	if (c->spec->ops != &rg_target_railgauge)
		rg_sample_busy(s, rg_clock_ns());
	rc = c->spec->ops->open(s->job, c->spec, &problem, &o->target, &why);
	rg_sample_busy(s, 0);
	snprintf(samples->refused, sizeof(samples->refused), "%s", rc ? why.text : "");
	all = rg_rendezvous_agree(s->job->rdv, rc, rg_clock_ns() + s->job->deadline_ns, &why);
	if (!all) {
		c->spec->ops->about(o->target, &samples->about);
		if (s->config.race && runs_other(&samples->about))
			leave_out(o, samples, samples->about.note);
		return 0;
	}
	if (!rc)
		leave_out(o, samples, why.text);
	samples->stop = RG_STOP_NOT_RUN;
	return is_refusal(all) ? 0 : rg_err_set(err, all, "%s", why.text);
}

/* --- the loop of all ranks --- */

/* It may have come by way of other ranks, and its pairs must have room here. */
static int check_command(const struct rg_sampler *s, const struct command *c,
			 const struct opened *opened, uint32_t n, struct rg_err *err)
{
	if (c->candidate < n && opened[c->candidate].target && c->ops &&
	    c->ops <= RG_PLAN_MAX_OPS &&
	    rg_plan_pairs(c->ops) * s->point->stride <= s->config.pairs_bytes)
		return 0;
	return rg_err_set(err, RG_ERR_FORMAT,
			  "rank 0 asks for %u operations of candidate %u of %u, which cannot be",
			  c->ops, c->candidate, n);
}

static int measure(struct rg_sampler *s, struct director *d, struct opened *opened,
		   uint32_t ncandidates, bool *interrupted_out, struct rg_err *err)
{
	size_t report_bytes = sizeof(struct report), command_bytes = sizeof(struct command);

	memset(s->reports, 0, s->job->rdv->nranks * report_bytes);
	s->ops = 0;
	for (;;) {
		struct command mine = {0};
		struct report report;
		uint64_t agreed;
		int rc = 0;

		if (d)
			rc = rg_sample_direct(d, &mine, err);
		/* At the end as well: what it finds changed counts for what was timed before. */
		mine.compare = s->compares && (s->ops == 0 || mine.stop || rg_sample_clocks_due(s));
		if (!rc)
			rc = rg_meet_exchange(s->meet, &mine, s->commands, command_bytes, err);
		if (!rc && s->commands[0].compare)
			rc = rg_sample_compare_clocks(s, err);
		if (rc)
			return rc;
		*interrupted_out = s->commands[0].interrupted;
		if (s->commands[0].stop)
			return 0;
		rc = check_command(s, &s->commands[0], opened, ncandidates, err);
		if (rc)
			return rc;
		if (s->commands[0].ops != s->ops)
			rg_sample_set_ops(s, s->commands[0].ops);
		rc = rg_sample_repeat(s, &opened[s->commands[0].candidate], &report, &agreed, err);
		if (!rc)
			rc = rg_meet_exchange(s->meet, &report, s->reports, report_bytes, err);
		if (!rc && d)
			rc = rg_sample_account(d, s->commands[0].candidate, agreed, err);
		if (rc)
			return rc;
	}
}

int rg_sampler_point(struct rg_sampler *s, const struct rg_plan_point *point,
		     const struct rg_candidate *candidates, uint32_t ncandidates,
		     struct rg_samples *samples_out, bool *interrupted_out, struct rg_err *err)
{
	struct opened *opened = rg_zalloc(ncandidates, sizeof(*opened));
	struct director *d = NULL; /* rank 0's */
	int rc = 0;

	s->point = point;
	rg_data_set_counts(s->data, point->counts);
	for (int a = 0; a < 2; a++) {
		s->lanes[a].pairs.stride = point->stride;
		s->lanes[a].pairs.dst_at = point->dst_at;
	}
	if (!opened)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a point");
	else if (s->job->rdv->rank == 0)
		rc = rg_sample_director_open(s, opened, ncandidates, samples_out, &d, err);
	rc = rg_rendezvous_agree(s->job->rdv, rc, rg_clock_ns() + s->job->deadline_ns, err);
	if (!rc && any_own(candidates, ncandidates))
		rc = try_paths(s, err);
	for (uint32_t i = 0; !rc && i < ncandidates; i++)
		rc = open_candidate(s, &candidates[i], &opened[i], &samples_out[i], err);
	if (!rc)
		rc = measure(s, d, opened, ncandidates, interrupted_out, err);
	/* Told before anything collective is closed, so that nobody waits for this rank there. */
	if (rc) {
		struct rg_err why = {0};

		rg_err_set(&why, rc, "%s", err ? err->text : rg_err_text(rc));
		rg_meet_leave(s->meet);
		if (!s->config.recovers)
			s->job->rdv->ops->abort(s->job->rdv, &why);
	}
	for (uint32_t i = 0; opened && i < ncandidates; i++) {
		if (!opened[i].target)
			continue;
		if (opened[i].target->ops != &rg_target_railgauge)
			rg_sample_busy(s, rg_clock_ns());
		opened[i].target->ops->close(opened[i].target);
		rg_sample_busy(s, 0);
	}
	rg_sample_director_close(d);
	rg_free(opened);
	return rc;
}
