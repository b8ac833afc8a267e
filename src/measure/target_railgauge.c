/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Our own algorithms: a program and a run per root.
 *
 * In place, the smaller of the two buffers of an allgather or reduce-scatter lies in the caller's
 * own block of the larger, at another offset on every rank; peers are therefore told only the
 * larger one's offset (schedules name the smaller buffer of other ranks out of place alone).
 */
#include "config.h"

#include "railgauge/measure/target.h"
#include "target_impl.h"

#include "railgauge/base/mem.h"
#include "railgauge/coll/program.h"
#include "railgauge/coll/schedule.h"
#include "railgauge/measure/data.h"

#include <stdio.h>
#include <string.h>

struct own_target {
	struct rg_target base;
	struct rg_places places;
	uint32_t nroots;
	struct rg_program **programs; /* [nroots], owned */
	struct rg_run **runs;	      /* [nroots], owned */
};

#define to_own(target) ((struct own_target *)(void *)(target))
_Static_assert(offsetof(struct own_target, base) == 0, "the head comes first");

static int no_such_protocol(const char *protocol, struct rg_err *err)
{
	char list[64] = "";

	for (int i = 0; rg_protocol_words[i]; i++) {
		size_t used = strlen(list);

		snprintf(list + used, sizeof(list) - used, "%s, ", rg_protocol_words[i]);
	}
	return rg_err_set(err, RG_ERR_INVALID, "%s: no such protocol; there are %sand auto",
			  protocol, list);
}

/* Splits "ALGORITHM[:PROTOCOL]" into spec. */
static int parse_words(enum rg_coll coll, const char *words, struct rg_target_spec *spec,
		       struct rg_err *err)
{
	size_t len = strcspn(words, ":");
	const char *protocol = words[len] == ':' ? words + len + 1 : NULL;
	const struct rg_algorithm *algorithm;

	spec->protocol = -1;
	if (len >= sizeof(spec->algorithm))
		return rg_err_set(err, RG_ERR_INVALID, "%.20s...: too long", words);
	memcpy(spec->algorithm, words, len);
	spec->algorithm[len] = '\0';
	if (!strcmp(spec->algorithm, "auto"))
		spec->algorithm[0] = '\0';
	if (spec->algorithm[0] && strcmp(spec->algorithm, "all") != 0 &&
	    rg_algorithm_find(coll, spec->algorithm, &algorithm, err)) {
		if (err)
			err->code = RG_ERR_INVALID;
		return RG_ERR_INVALID;
	}
	if (!protocol || !strcmp(protocol, "auto"))
		return 0;
	for (int i = 0; rg_protocol_words[i]; i++) {
		if (!strcmp(protocol, rg_protocol_words[i]))
			spec->protocol = i;
	}
	if (spec->protocol < 0)
		return no_such_protocol(protocol, err);
	if (!spec->algorithm[0])
		return rg_err_set(err, RG_ERR_INVALID,
				  "railgauge:%s: a protocol needs an algorithm with it", words);
	return 0;
}

static int own_check(enum rg_coll coll, const char *words, struct rg_err *err)
{
	struct rg_target_spec spec = {.protocol = -1};

	return parse_words(coll, words, &spec, err);
}

static int own_expand(const struct rg_job *job, enum rg_coll coll, const char *words,
		      struct rg_target_spec *list, uint32_t room, uint32_t *count_out,
		      struct rg_err *err)
{
	struct rg_target_spec spec = {.ops = &rg_target_railgauge};
	uint32_t n = 0;
	int rc = parse_words(coll, words, &spec, err);

	if (rc)
		return rc;
	if (!job->ep)
		return rg_err_set(err, RG_ERR_UNSUPPORTED, "target railgauge: %s",
				  job->no_transport);
	if (strcmp(spec.algorithm, "all") != 0) {
		if (room > 0)
			list[0] = spec;
		*count_out = 1;
		return 0;
	}
	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		for (int p = 0; (*a)->coll == coll && p < RG_PROTOCOL_COUNT; p++) {
			if (!((*a)->protocols & 1u << p))
				continue;
			if (spec.protocol >= 0 && spec.protocol != p)
				continue;
			if (n < room) {
				list[n] = spec;
				list[n].protocol = p;
				snprintf(list[n].algorithm, sizeof(list[n].algorithm), "%s",
					 (*a)->name);
			}
			n++;
		}
	}
	*count_out = n;
	return 0;
}

/* Up to this length of a message a named algorithm prefers words: they need no counter. */
#define WORD_BYTES 1024

/*
 * The protocol for a named algorithm: the default choice's own where that is this algorithm anyway,
 * with reading or without; else the first that it accepts.
 */
static int choose_protocol(const struct rg_algorithm *a, struct rg_problem *p, struct rg_err *err)
{
	static const enum rg_protocol orders[2][RG_PROTOCOL_COUNT] = {
		{RG_PROTOCOL_WINDOW, RG_PROTOCOL_SLOT, RG_PROTOCOL_WORD, RG_PROTOCOL_READ},
		{RG_PROTOCOL_WORD, RG_PROTOCOL_WINDOW, RG_PROTOCOL_SLOT, RG_PROTOCOL_READ},
	};
	const enum rg_protocol *order = orders[rg_problem_message_bytes(p) <= WORD_BYTES];
	const struct rg_algorithm *usual;
	int rc = RG_ERR_UNSUPPORTED;

	for (int read = p->params.read; read >= 0; read--) {
		struct rg_problem best = *p;

		best.params.read = read;
		if (!rg_algorithm_select(&best, &usual, NULL) && usual == a) {
			p->params.protocol = best.params.protocol;
			return 0;
		}
	}
	for (int i = 0; rc && i < RG_PROTOCOL_COUNT; i++) {
		if (!(a->protocols & 1u << order[i]))
			continue;
		p->params.protocol = order[i];
		rc = a->check(p, err);
	}
	return rc;
}

/* Nothing that was asked for goes without effect. */
static int check_params(const struct rg_algorithm *a, const struct rg_problem *p,
			struct rg_err *err)
{
	const char *what = p->params.radix && !a->radix	    ? "radix"
			   : p->params.window && !a->window ? "window"
							    : NULL;

	return what ? rg_err_set(err, RG_ERR_UNSUPPORTED, "%s %s has no %s", rg_coll_name(p->coll),
				 a->name, what)
		    : 0;
}

static int choose(const struct rg_target_spec *spec, uint32_t channels, struct rg_problem *p,
		  const struct rg_algorithm **out, struct rg_err *err)
{
	int rc;

	if (!spec->algorithm[0]) {
		rc = rg_algorithm_select(p, out, err);
		if (!rc && channels)
			p->params.channels = channels;
		return rc ? rc : check_params(*out, p, err);
	}
	p->params.channels = channels ? channels : 1;
	rc = rg_algorithm_find(p->coll, spec->algorithm, out, err);
	if (!rc)
		rc = check_params(*out, p, err);
	if (rc)
		return rc;
	if (spec->protocol < 0)
		return choose_protocol(*out, p, err);
	p->params.protocol = (enum rg_protocol)spec->protocol;
	return (*out)->check(p, err);
}

void rg_target_describe(const struct rg_job *job, const struct rg_target_problem *tp,
			struct rg_problem *p)
{
	*p = (struct rg_problem){
		.coll = tp->coll,
		.layout =
			{
				.nranks = job->ep->nranks,
				.node = job->node,
				.local = job->local,
				.rail = job->local, /* nodes are taken to be wired alike */
			},
		.count = tp->count,
		.counts = tp->counts,
		.elem_bytes = (uint32_t)rg_type_bytes(tp->type),
		.in_place = tp->in_place,
		.access = tp->pairs->window ? RG_ACCESS_WINDOW : RG_ACCESS_PRIVATE,
		.caps = job->ep->caps,
		.geometry = job->ep->config.geometry,
		.params.channels = 1,
		.params.radix = tp->radix,
		.params.window = tp->window,
		.params.persistent = tp->persistent,
		.params.stream_slots = tp->paths.stream_slots[tp->in_place],
		.params.read = tp->paths.read[tp->in_place],
	};
}

void rg_places_init(struct rg_places *places, const struct rg_job *job,
		    const struct rg_target_problem *tp)
{
	size_t elem = rg_type_bytes(tp->type);

	*places = (struct rg_places){.pairs = *tp->pairs, .in_place = tp->in_place};
	if (!tp->in_place)
		return;
	places->src_shift = rg_data_in_place_src(tp->coll, tp->count, job->ep->rank) * elem;
	places->dst_shift = rg_data_in_place_dst(tp->coll, tp->count, job->ep->rank) * elem;
}

static void own_close(struct rg_target *target)
{
	struct own_target *t = to_own(target);

	if (!t)
		return;
	for (uint32_t i = 0; i < t->nroots; i++) {
		if (t->runs)
			rg_run_close(t->runs[i]);
		if (t->programs)
			rg_program_close(t->programs[i]);
	}
	rg_free(t->runs);
	rg_free(t->programs);
	rg_free(t);
}

/* Programs for all roots. What one refuses, all refuse: problems differ in the root alone. */
static int open_programs(const struct rg_job *job, const struct rg_target_spec *spec,
			 const struct rg_target_problem *tp, struct own_target *t,
			 struct rg_err *err)
{
	for (uint32_t i = 0; i < t->nroots; i++) {
		const struct rg_algorithm *algorithm;
		struct rg_problem p;
		int rc;

		rg_target_describe(job, tp, &p);
		p.root = (tp->first_root + i) % job->ep->nranks;
		rc = choose(spec, tp->channels, &p, &algorithm, err);
		if (!rc)
			rc = rg_program_open(job->ep, algorithm, &p, tp->type, tp->op, 0,
					     job->stream_from_bytes, &t->programs[i], err);
		if (!rc)
			rc = rg_run_open(job->executor, t->programs[i], &t->runs[i], err);
		if (rc)
			return rc;
	}
	return 0;
}

static int own_open(const struct rg_job *job, const struct rg_target_spec *spec,
		    const struct rg_target_problem *tp, struct rg_target **target_out,
		    struct rg_err *err)
{
	struct own_target *t = rg_zalloc(1, sizeof(*t));
	int rc;

	if (!t)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a target");
	t->base.ops = &rg_target_railgauge;
	rg_places_init(&t->places, job, tp);
	t->nroots = tp->nroots;
	t->programs = rg_zalloc(tp->nroots, sizeof(struct rg_program *));
	t->runs = rg_zalloc(tp->nroots, sizeof(struct rg_run *));
	rc = t->programs && t->runs ? open_programs(job, spec, tp, t, err)
				    : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a target");
	if (rc) {
		own_close(&t->base);
		return rc;
	}
	*target_out = &t->base;
	return 0;
}

static int own_run(struct rg_target *target, uint32_t src, uint32_t dst, uint32_t root,
		   struct rg_err *err)
{
	struct own_target *t = to_own(target);
	const struct rg_run_args args = rg_places_args(&t->places, src, dst);

	return rg_run_once(t->runs[root], &args, err);
}

static void own_about(const struct rg_target *target, struct rg_target_about *about_out)
{
	const struct rg_program *p = to_own(target)->programs[0];

	*about_out = (struct rg_target_about){.channels = p->problem.params.channels};
	snprintf(about_out->algorithm, sizeof(about_out->algorithm), "%s", p->algorithm->name);
	snprintf(about_out->protocol, sizeof(about_out->protocol), "%s",
		 rg_protocol_name(p->problem.params.protocol));
	if (p->stream_slots && p->problem.params.protocol == RG_PROTOCOL_SLOT)
		snprintf(about_out->note, sizeof(about_out->note),
			 "slots from 4K on are written past the caches: tried, and faster here");
}

const struct rg_target_ops rg_target_railgauge = {
	.name = "railgauge",
	.summary = "railgauge's own algorithms on its own transports",
	.check = own_check,
	.expand = own_expand,
	.open = own_open,
	.close = own_close,
	.run = own_run,
	.about = own_about,
};
