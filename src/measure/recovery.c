/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/recovery.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What closing takes at most: the endpoint and the sampler's own say good-bye for 2 s each. */
#define CLOSE_NS ((uint64_t)5000000000)

/* Of a message: for who says it, and what stands between its parts. */
#define SPEAKER_BYTES 64

/* --- judging --- */

/* Can the network be the cause, so that less of it would do? */
static bool is_of_network(int code)
{
	return code == RG_ERR_PEER || code == RG_ERR_TIMEOUT || code == RG_ERR_SYSTEM;
}

/* Does a come before b as the one that says why? */
static bool says_more(const struct rg_recovery_word *a, const struct rg_recovery_word *b)
{
	if (is_of_network(a->code) != is_of_network(b->code))
		return is_of_network(b->code);
	return a->when_ns < b->when_ns;
}

struct rg_recovery_verdict rg_recovery_judge(const struct rg_recovery_word *words, uint32_t nranks,
					     uint32_t used)
{
	struct rg_recovery_verdict v = {.failed = false};
	uint32_t blamed = 0, down = 0;
	const struct rg_recovery_word *first = NULL; /* to blame a rail */

	for (uint32_t r = 0; r < nranks; r++) {
		const struct rg_recovery_word *w = &words[r];

		blamed |= w->rails_failed & used;
		down |= w->rails_down & used;
		if (!w->code)
			continue;
		if (!v.failed || says_more(w, &words[v.first]))
			v.first = r;
		v.failed = true;
		if ((w->rails_failed & used) && (!first || w->when_ns < first->when_ns))
			first = w;
	}
	v.leave_out = blamed | down;
	if (v.leave_out == used && first)
		v.leave_out = (first->rails_failed & used) | down;
	if (!v.failed || v.leave_out == used || !is_of_network(words[v.first].code))
		v.leave_out = 0;
	return v;
}

/* --- open and close --- */

static void close_all(struct rg_recovery *r)
{
	struct rg_job *job = r->job;

	rg_sampler_close(r->sampler);
	rg_executor_close(job->executor);
	if (job->ep)
		job->ep->ops->close(job->ep);
	r->sampler = NULL;
	job->executor = NULL;
	job->ep = NULL;
}

void rg_recovery_close(struct rg_recovery *r)
{
	if (r->job)
		close_all(r);
	rg_free(r->words);
	r->words = NULL;
}

/* A device whose port goes down is not among "all" any more, and those behind it would move up. */
static void keep_names(struct rg_recovery *r)
{
	const struct rg_verbs_options *o = r->config.verbs;
	const char *nics = r->job->ep->nics;

	if (!o || !o->device || strcmp(o->device, "all") != 0 || !nics[0])
		return;
	memcpy(r->names, nics, strlen(nics) + 1);
	r->verbs = *o;
	r->verbs.device = r->names;
	r->config.verbs = &r->verbs;
}

int rg_recovery_open(struct rg_recovery *r, struct rg_err *err)
{
	struct rg_job *job = r->job;
	int rc = r->ops->open(job->rdv, &r->config, &job->ep, err);

	if (rc)
		return rc;
	if (!r->words)
		r->words = rg_zalloc(job->rdv->nranks, sizeof(r->words[0]));
	rc = r->words ? rg_executor_open(job->ep, 1, &job->executor, err)
		      : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the words of %u ranks",
				   job->rdv->nranks);
	rc = rg_rendezvous_agree(job->rdv, rc, rg_clock_ns() + job->deadline_ns, err);
	if (rc)
		return rc;
	r->used = job->ep->rails;
	keep_names(r);
	return 0;
}

/* The same on all ranks. */
static bool is_able(const struct rg_recovery *r)
{
	return r->only_own && (r->used & (r->used - 1));
}

int rg_recovery_sample(struct rg_recovery *r, const struct rg_sampler_config *config,
		       struct rg_err *err)
{
	r->sampler_config = *config;
	r->sampler_config.recovers = is_able(r);
	return rg_sampler_open(r->job, &r->sampler_config, &r->sampler, err);
}

/* --- after a point --- */

static void note_rails(struct rg_recovery_word *word, const struct rg_endpoint *ep)
{
	if (!ep)
		return;
	word->rails_failed |= ep->rails_failed;
	word->rails_down |= ep->rails_down;
}

static void fill_word(const struct rg_recovery *r, int rc, const struct rg_err *err,
		      struct rg_recovery_word *word)
{
	*word = (struct rg_recovery_word){.code = rc, .when_ns = rg_sampler_now(r->sampler)};
	note_rails(word, r->job->ep);
	note_rails(word, rg_sampler_endpoint(r->sampler));
	snprintf(word->host, sizeof(word->host), "%s", r->job->ep->host[r->job->ep->rank]);
	if (rc)
		snprintf(word->text, sizeof(word->text), "%s",
			 err && err->text[0] ? err->text : rg_err_text(rc));
}

/* Until the others have failed, too, and closed. */
static uint64_t patience_ns(const struct rg_recovery *r, int rc)
{
	return CLOSE_NS + r->job->deadline_ns / (rc == RG_ERR_TIMEOUT ? 4 : 1);
}

static int tell(struct rg_recovery *r, const struct rg_recovery_word *word, struct rg_err *err)
{
	struct rg_err why = {0};
	int room, rc = rg_rendezvous_allgather(r->job->rdv, word, r->words, sizeof(*word),
					       rg_clock_ns() + patience_ns(r, word->code), &why);

	for (uint32_t k = 0; k < r->job->rdv->nranks && !rc; k++) {
		r->words[k].host[sizeof(word->host) - 1] = '\0';
		r->words[k].text[sizeof(word->text) - 1] = '\0';
	}
	if (!rc)
		return 0;
	/* What was seen here comes first: it led there. But it leaves room for the rest. */
	room = RG_ERR_TEXT_BYTES - (int)strlen(why.text) - SPEAKER_BYTES;
	room = room > RG_ERR_TEXT_BYTES / 2 ? room : RG_ERR_TEXT_BYTES / 2;
	if (word->code)
		return rg_err_set(err, rc, "%.*s; %s", room, word->text, why.text);
	return rg_err_set(err, rc, "%s", why.text);
}

/* All that failed said the same: it is no one rank's, or names it already. */
static bool all_alike(const struct rg_recovery *r)
{
	for (uint32_t k = 1; k < r->job->rdv->nranks; k++) {
		if (strcmp(r->words[k].text, r->words[0].text) != 0)
			return false;
	}
	return true;
}

static void set_why(struct rg_recovery *r, uint32_t first)
{
	const struct rg_recovery_word *w = &r->words[first];

	if (all_alike(r))
		rg_err_set(&r->why, w->code, "%s", w->text);
	else
		rg_err_set(&r->why, w->code, "rank %u (%s): %s", first, w->host, w->text);
}

/* Others may be closing still, which takes longer than what the transport waits for. */
static int open_again(struct rg_recovery *r, struct rg_err *err)
{
	struct rg_sampler_config config = r->sampler_config;
	uint32_t before = r->used;
	int rc = rg_rendezvous_agree(r->job->rdv, 0, rg_clock_ns() + patience_ns(r, 0), err);

	r->config.without_rails |= r->left_out;
	if (!rc)
		rc = rg_recovery_open(r, err);
	if (rc)
		return rc;
	r->left_out = before & ~r->used;
	return rg_recovery_sample(r, &config, err);
}

int rg_recovery_settle(struct rg_recovery *r, int rc, bool last, struct rg_err *err)
{
	struct rg_recovery_verdict verdict;
	struct rg_recovery_word mine;

	if (!r->sampler_config.recovers)
		return rc;
	fill_word(r, rc, err, &mine);
	memcpy(r->lines, r->job->ep->lines, sizeof(r->lines));
	if (rc)
		close_all(r);
	rc = tell(r, &mine, err);
	if (rc)
		return rc;
	verdict = rg_recovery_judge(r->words, r->job->rdv->nranks, r->used);
	if (!verdict.failed)
		return 0;
	set_why(r, verdict.first);
	r->left_out = verdict.leave_out;
	close_all(r);
	if (!r->left_out) {
		r->agreed = true;
		return rg_err_set(err, r->why.code, "%s", r->why.text);
	}
	rc = last ? 0 : open_again(r, err);
	return rc ? rc : 1;
}

char *rg_recovery_rails(const struct rg_recovery *r, char *text, size_t room)
{
	uint32_t used = r->used | r->left_out;
	size_t at = 0;

	text[0] = '\0';
	for (uint32_t k = 0; k < RG_LINES_MAX; k++) {
		uint32_t bit = 1u << k;
		const char *nic = r->lines[__builtin_popcount(used & (bit - 1))].nic;

		if ((r->left_out & bit) && at < room)
			at += (size_t)snprintf(text + at, room - at, "%srail %u%s%s%s",
					       at ? ", " : "", k + 1, nic[0] ? " (" : "", nic,
					       nic[0] ? ")" : "");
	}
	return text;
}
