/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A launch that fails is taken apart: which of its candidates is to blame? Each is launched alone,
 * the default first, for if that fails there is nothing to be found out; one that fails is launched
 * once more, since launches also fail for reasons of their own. A launch that fails again although
 * each works alone with one repetition is taken apart with as many as it had.
 */
#include "config.h"

#include "search_impl.h"

#include <stdio.h>

/* So often without a culprit; a machine where things fail at random would not come to an end. */
#define APART_MAX 4

/* The next one of the launch; ncandidates: none is left. */
static uint32_t next_suspect(const struct rg_search *s, uint32_t from)
{
	while (from < s->ncandidates && !search_wants_any(s, from))
		from++;
	return from;
}

void apart_begin(struct rg_search *s, const char *why)
{
	char text[SEARCH_WHY_BYTES];

	cells_text(s->why, why);
	s->nfailed++;
	if (s->nfailed > 2 || s->nunexplained >= APART_MAX) {
		snprintf(text, sizeof(text),
			 "launches fail, though each algorithm alone does not: %.90s", s->why);
		rg_search_stop(s, text);
		return;
	}
	s->apart = true;
	s->culprit = false;
	s->suspect_failed = false;
	s->suspect = next_suspect(s, 0);
}

int apart_feed(struct rg_search *s, const struct rg_search_outcome *outcome, struct rg_err *err)
{
	uint32_t c = s->suspect;

	if (outcome->failed && !s->suspect_failed) {
		s->suspect_failed = true;
		return 0;
	}
	s->suspect_failed = false;
	if (outcome->failed && c == 0)
		return rg_err_set(err, RG_ERR_UNSUPPORTED, "the library's own choice fails: %s",
				  outcome->why ? outcome->why : s->why);
	if (outcome->failed) {
		search_exclude(s, c, outcome->why);
		s->culprit = true;
	}
	s->suspect = next_suspect(s, c + 1);
	if (s->suspect < s->ncandidates)
		return 0;
	s->apart = false;
	if (s->culprit)
		s->nfailed = 0;
	else
		s->nunexplained++;
	return 0;
}
