/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "library.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of intervals, which are made of many repetitions and know nothing of other launches. */
#define HALF_WIDTH 0.005

static double uniform(uint64_t *seed)
{
	/* splitmix64 */
	uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}

/* A factor near 1. */
static double noise(uint64_t *seed, double deviation)
{
	double radius = sqrt(-2 * log(uniform(seed)));

	return exp(deviation * radius * cos(6.283185307179586 * uniform(seed)));
}

double library_cost(const struct library *l, const struct rg_choice *choice, uint64_t size_bytes)
{
	const struct algorithm *a = &l->algorithms[choice->id];
	double factor = a->mishap == FASTER && size_bytes >= a->from ? 0.8 : 1;

	if (choice->segment_bytes && choice->segment_bytes == a->segment)
		return a->start_ns + (double)size_bytes / a->segmented_Bpns;
	return factor * (a->start_ns + (double)size_bytes / a->Bpns);
}

static struct rg_choice choice_of(const struct library *l, uint32_t id)
{
	struct rg_choice choice = {.id = (int)id};

	snprintf(choice.algorithm, sizeof(choice.algorithm), "%s", l->algorithms[id].name);
	return choice;
}

static void measure(struct library *l, const struct rg_search_launch *launch, double factor,
		    struct rg_search_sample *out)
{
	const struct algorithm *a = &l->algorithms[out->choice.id];
	bool mishap = out->size_bytes >= a->from;

	out->refused = mishap && a->mishap == REFUSED;
	out->wrong = mishap && a->mishap == WRONG;
	out->why = out->refused ? "is of no use" : out->wrong ? "3 elements are wrong" : NULL;
	if (out->refused)
		return;
	if (a->mishap == SILENT && out->size_bytes == a->from && l->launches <= l->silent)
		return;
	out->n = launch->once ? 1 : 50;
	out->median_ns = library_cost(l, &out->choice, out->size_bytes) * factor *
			 noise(&l->seed, l->own_noise);
	out->lo_ns = out->median_ns * (1 - HALF_WIDTH);
	out->hi_ns = out->median_ns * (1 + HALF_WIDTH);
}

static bool crashes(const struct library *l, const struct rg_search_sample *sample)
{
	const struct algorithm *a = &l->algorithms[sample->choice.id];

	return (a->mishap == CRASHES && sample->size_bytes >= a->from) ||
	       (a->mishap == TIRES && l->launches >= a->from);
}

void library_launch(struct library *l, const struct rg_search_launch *launch, struct outcome *out)
{
	double factor = noise(&l->seed, l->launch_noise);
	uint32_t room = launch->npoints * RG_SEARCH_CANDIDATES_MAX, n = 0;

	l->launches++;
	l->isolated += launch->phase == RG_SEARCH_ISOLATE;
	*out = (struct outcome){.samples = calloc(room, sizeof(*out->samples))};
	for (uint32_t i = 0; out->samples && i < launch->npoints; i++) {
		const struct rg_search_point *p = &launch->points[i];
		uint32_t nchoices = launch->list_all ? l->n : p->nchoices;

		for (uint32_t c = 0; c < nchoices; c++) {
			struct rg_search_sample *sample = &out->samples[n++];

			sample->size_bytes = p->size_bytes;
			sample->choice = launch->list_all ? choice_of(l, c) : p->choices[c];
			measure(l, launch, factor, sample);
			if (crashes(l, sample)) {
				out->outcome.failed = true;
				out->outcome.why = "ended by signal 11 (Segmentation fault)";
			}
		}
	}
	if ((l->fails_always && launch->phase != RG_SEARCH_ISOLATE &&
	     l->launches % l->fails_always == 0) ||
	    (l->fails_alone && launch->phase == RG_SEARCH_ISOLATE &&
	     l->isolated % l->fails_alone == 0)) {
		out->outcome.failed = true;
		out->outcome.why = "the moon is full";
	}
	if (!out->outcome.failed) {
		out->outcome.nsamples = n;
		out->outcome.samples = out->samples;
	}
}

void outcome_release(struct outcome *outcome)
{
	free(outcome->samples);
}

uint32_t library_segments(void *arg, const struct rg_choice *choice, uint64_t *sizes, uint32_t room)
{
	const struct library *l = arg;
	uint64_t segment = l->algorithms[choice->id].segment;

	if (!segment || room < 3)
		return 0;
	sizes[0] = segment / 4;
	sizes[1] = segment;
	sizes[2] = segment * 4;
	return 3;
}

uint32_t library_known(void *arg, struct rg_choice *choices, uint32_t room)
{
	const struct library *l = arg;
	uint32_t n = 0;

	for (uint32_t id = 1; id < l->n && n < room; id++)
		choices[n++] = choice_of(l, id);
	return n;
}

struct rg_search_config library_config(struct library *library)
{
	static const uint64_t sizes[LIBRARY_NSIZES] = {64,	256,	 1024,	  4096,
						       16384,	65536,	 1 << 18, 1 << 20,
						       1 << 22, 1 << 24, 1 << 26, 1 << 28};

	return (struct rg_search_config){.nsizes = LIBRARY_NSIZES,
					 .sizes = sizes,
					 .unit_bytes = 8,
					 .launches = LIBRARY_LAUNCHES,
					 .resolution = 1.1,
					 .segments = library_segments,
					 .known = library_known,
					 .arg = library};
}

int library_search(struct rg_search *search, struct library *library, uint32_t launches,
		   struct rg_err *err)
{
	struct rg_search_launch launch;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < launches && rg_search_next(search, &launch); i++) {
		struct outcome outcome;

		library_launch(library, &launch, &outcome);
		rc = rg_search_feed(search, &outcome.outcome, err);
		outcome_release(&outcome);
	}
	return rc;
}

static void take_ends_away(struct rg_decision *d)
{
	uint64_t first = d->points[0].size_bytes, last = d->points[d->npoints - 1].size_bytes;

	if (d->ranges[0].to_bytes + 1 == first && !d->ranges[0].choice.id) {
		d->nranges--;
		memmove(d->ranges, d->ranges + 1, d->nranges * sizeof(*d->ranges));
		d->ranges[0].from_bytes = 0;
	}
	if (d->ranges[d->nranges - 1].from_bytes == last + 1 &&
	    !d->ranges[d->nranges - 1].choice.id) {
		d->nranges--;
		d->ranges[d->nranges - 1].to_bytes = UINT64_MAX;
	}
}

int library_decide(struct library *library, const struct rg_search_config *config,
		   struct rg_decision *out, struct rg_err *err)
{

	struct rg_search_launch launch;
	struct rg_search *search = NULL;
	int rc = rg_search_open(config, &search, err);

	*out = (struct rg_decision){0};
	if (!rc)
		rc = library_search(search, library, LIBRARY_LAUNCHES_MAX, err);
	if (!rc && rg_search_next(search, &launch))
		rc = rg_err_set(err, RG_ERR_TIMEOUT, "it does not come to an end");
	if (!rc)
		rc = rg_search_decide(search, out, err);
	rg_search_close(search);
	if (!rc)
		take_ends_away(out);
	return rc;
}
