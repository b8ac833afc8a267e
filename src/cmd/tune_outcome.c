/* SPDX-License-Identifier: BSD-3-Clause */
/* Outcomes of launches as the journal keeps them. */
#include "config.h"

#include "tune.h"

#include "railgauge/base/mem.h"

#include <stdio.h>
#include <string.h>

enum state { MEASURED, REFUSED, WRONG };

static const char *const state_words[] = {"measured", "refused", "wrong"};

const char *tune_outcome_keep(struct tune_outcome *o, const char *text)
{
	char *copy;

	if (!text)
		return NULL;
	if (o->nwords == o->room) {
		uint32_t room = o->room ? 2 * o->room : 16;
		char **more = rg_realloc(o->words, room * sizeof(*more));

		if (!more)
			return NULL;
		o->words = more;
		o->room = room;
	}
	copy = rg_strdup(text);
	if (copy)
		o->words[o->nwords++] = copy;
	return copy;
}

void tune_outcome_release(struct tune_outcome *o)
{
	for (uint32_t i = 0; i < o->nwords; i++)
		rg_free(o->words[i]);
	rg_free(o->words);
	rg_free(o->samples);
	*o = (struct tune_outcome){0};
}

static enum state state_of(const struct rg_search_sample *sample)
{
	if (sample->wrong)
		return WRONG;
	return sample->refused ? REFUSED : MEASURED;
}

static json_t *sample_to_json(const struct rg_search_sample *s)
{
	return json_pack("{s:I,s:i,s:s,s:I,s:s,s:I,s:f,s:f,s:f,s:s?}", "size_bytes",
			 (json_int_t)s->size_bytes, "id", s->choice.id, "algorithm",
			 s->choice.algorithm, "segment_bytes", (json_int_t)s->choice.segment_bytes,
			 "state", state_words[state_of(s)], "n", (json_int_t)s->n, "median_ns",
			 s->median_ns, "lo_ns", s->lo_ns, "hi_ns", s->hi_ns, "why", s->why);
}

json_t *tune_outcome_to_json(const struct tune_outcome *o, const char *function)
{
	json_t *samples = json_array();
	int rc = samples ? 0 : -1;

	for (uint32_t i = 0; !rc && i < o->outcome.nsamples; i++)
		rc = json_array_append_new(samples, sample_to_json(&o->samples[i]));
	if (rc) {
		json_decref(samples);
		return NULL;
	}
	return json_pack("{s:s,s:I,s:b,s:b,s:s?,s:o}", "function", function, "took_ns",
			 (json_int_t)o->took_ns, "failed", o->outcome.failed, "refused",
			 o->outcome.refused, "why", o->outcome.why, "samples", samples);
}

/* RG_ERR_FORMAT without words, RG_ERR_NO_MEMORY. */
static int sample_from_json(json_t *json, struct tune_outcome *o, struct rg_search_sample *out)
{
	const char *why = json_string_value(json_object_get(json, "why"));
	const char *algorithm, *state;
	json_int_t size, segment, n;

	*out = (struct rg_search_sample){0};
	if (json_unpack(json, "{s:I,s:i,s:s,s:I,s:s,s:I,s:F,s:F,s:F}", "size_bytes", &size, "id",
			&out->choice.id, "algorithm", &algorithm, "segment_bytes", &segment,
			"state", &state, "n", &n, "median_ns", &out->median_ns, "lo_ns",
			&out->lo_ns, "hi_ns", &out->hi_ns) ||
	    size < 0 || segment < 0 || n < 0 || strlen(algorithm) >= sizeof(out->choice.algorithm))
		return RG_ERR_FORMAT;
	out->size_bytes = (uint64_t)size;
	out->choice.segment_bytes = (uint64_t)segment;
	out->n = (uint64_t)n;
	snprintf(out->choice.algorithm, sizeof(out->choice.algorithm), "%s", algorithm);
	out->wrong = !strcmp(state, state_words[WRONG]);
	out->refused = !strcmp(state, state_words[REFUSED]);
	out->why = tune_outcome_keep(o, why);
	return why && !out->why ? RG_ERR_NO_MEMORY : 0;
}

static int fill(const json_t *entry, struct tune_outcome *o)
{
	const char *why = json_string_value(json_object_get(entry, "why"));
	json_t *samples;
	json_int_t took;
	int failed, refused, rc = 0;

	if (json_unpack((json_t *)entry, "{s:I,s:b,s:b,s:o}", "took_ns", &took, "failed", &failed,
			"refused", &refused, "samples", &samples) ||
	    took < 0 || !json_is_array(samples))
		return RG_ERR_FORMAT;
	o->took_ns = (uint64_t)took;
	o->outcome.failed = failed != 0;
	o->outcome.refused = refused != 0;
	o->outcome.why = tune_outcome_keep(o, why);
	o->samples = rg_zalloc(json_array_size(samples) + 1, sizeof(*o->samples));
	if ((why && !o->outcome.why) || !o->samples)
		return RG_ERR_NO_MEMORY;
	for (size_t i = 0; !rc && i < json_array_size(samples); i++)
		rc = sample_from_json(json_array_get(samples, i), o,
				      &o->samples[o->outcome.nsamples++]);
	o->outcome.samples = o->samples;
	return rc;
}

int tune_outcome_from_json(const json_t *entry, struct tune_outcome *out, struct rg_err *err)
{
	struct tune_outcome o = {0};
	int rc = fill(entry, &o);

	if (!rc) {
		*out = o;
		return 0;
	}
	tune_outcome_release(&o);
	return rg_err_set(err, rc,
			  rc == RG_ERR_FORMAT ? "an entry is none of this program's"
					      : "no memory for an entry");
}
