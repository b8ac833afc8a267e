/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The search for one function's best choices: which launch is to be made next, and what follows
 * from those that were made. It starts nothing and knows no clock, so the same outcomes lead to the
 * same decisions, live, from a journal, or in a test with made-up costs.
 *
 *   rg_search_open -> { rg_search_next -> a launch -> rg_search_feed } until there is none
 *                  -> rg_search_decide
 *
 * Phases.
 *   list       one launch with all algorithms that the library has tells which there are and which
 *              are refused; it is the first screening as well.
 *   screen     what the list did not have, algorithms with segment sizes, at all sizes in one
 *              launch, interleaved. One whose interval is beyond the best's by more than launches
 *              differ (RG_SAMPLE_RACE_MARGIN, measure/sample.h) is measured no further in it.
 *              Afterwards those leave whose interval is so far beyond the best's over the whole of
 *              their launch that no other launch would tell otherwise (1.75 times).
 *   confirm    launches with the default and what is left. Launches are the unit: a candidate
 *              leaves a size when its interval over launches is beyond the best's, or its gain's
 *              below RG_DECISION_FLOOR; until `launches` were made, or only the default is left.
 *              Where one looks better than the default by 5 % by then and none is known to be, it
 *              is looked at a second time: after as many launches again.
 *   boundary   where neighbouring sizes have different choices, up to three sizes in between,
 *              evenly spaced geometrically, are measured with both and the default, and so on
 *              until the ends are less than `resolution` apart: in up to five launches where one
 *              of the two is the default, in up to three where neither is. A size is dropped if
 *              its neighbours were given one choice meanwhile, and what was measured of it agrees.
 *              All boundaries share launches.
 *   isolate    a launch that fails is taken apart: each of its candidates alone, the default
 *              first, with one repetition; those that fail twice are excluded at all sizes. If
 *              none does and the launch fails again, each alone as it would be measured; then it
 *              is given up, as at the fifth launch that fails though each alone does not.
 *
 * Deciding. At each size the default stays unless a candidate's gain over the launches of confirm
 * has its interval above 1, at 1 - 0.05 / the number of candidates there, half of that for each of
 * the two looks, and is at least RG_DECISION_FLOOR: so where all are alike, a size that was asked
 * for gets another choice in 2.5 % of the searches at most; that is for each size. Screening is no
 * evidence for it, since it was what the candidates were chosen by. Of those that pass, all that
 * are within RG_DECISION_FLOOR of the best are as good, and choices are made so that there are few
 * ranges. A range begins at the smallest size at which its choice was found, and the last one ends
 * at the largest: what is smaller or larger than all that was asked for was not measured, and is
 * the default's. At a size in between the default and another choice, the other one needs the same
 * evidence in one of three looks, or one launch in which it is faster by RG_SAMPLE_RACE_MARGIN and
 * the intervals leave a gap; else the size is the default's, and the range begins a little later
 * (where both are level one range in 24 begins too early if launches scatter by 3 %, one in 12 by 5
 * %). At one in between two others the evidence is that of both ends: it gets the faster of the
 * two, either where they are level, and the default where this is faster than that by more than
 * RG_DECISION_FLOOR, noise or not. A size at which the default itself could not be measured is the
 * default's; only where all sizes must have one choice it has that of the others.
 *
 * With `exhaustive` there is no racing, no interval is a reason to leave, and all is measured in
 * all launches: what the search is judged against.
 */
#ifndef RAILGAUGE_TUNE_SEARCH_H
#define RAILGAUGE_TUNE_SEARCH_H

#include "railgauge/base/err.h"
#include "railgauge/tune/decisions.h"

#include <stdbool.h>
#include <stdint.h>

#define RG_SEARCH_CANDIDATES_MAX 48  /* of one function, with segment sizes and the default */
#define RG_SEARCH_LAUNCHES_MAX	 100 /* of each point */

struct rg_search_config {
	uint32_t nsizes;
	const uint64_t *sizes; /* [nsizes], ascending, multiples of unit_bytes; borrowed until close
				*/
	uint64_t unit_bytes;   /* sizes in between are multiples of it */
	/*
	 * Of each point, and as many again for the second look, up to RG_SEARCH_LAUNCHES_MAX
	 * together; 2 or more. 5 tell 3 % where they agree.
	 */
	uint32_t launches;
	double resolution; /* 1.1: a boundary is known to a tenth; above 1 */
	bool exhaustive;
	/*
	 * All sizes must have one choice: exhaustive; the gain that counts is the geometric mean
	 * over the sizes, and what is slower at one of them, beyond noise, is no choice.
	 */
	bool one_range;
	/*
	 * Segment sizes to try of an algorithm that cuts, besides none: fills sizes[room] and
	 * returns how many there are. NULL: none of any.
	 */
	uint32_t (*segments)(void *arg, const struct rg_choice *choice, uint64_t *sizes,
			     uint32_t room);
	/*
	 * Algorithms that there should be, without segments and the default: to be tried where the
	 * launch that lists them fails. As above. NULL: such a launch is the end.
	 */
	uint32_t (*known)(void *arg, struct rg_choice *choices, uint32_t room);
	void *arg; /* borrowed until close */
};

enum rg_search_phase {
	RG_SEARCH_SCREEN,
	RG_SEARCH_ISOLATE,
	RG_SEARCH_CONFIRM,
	RG_SEARCH_BOUNDARY,
};

/* A launch to be made. Belongs to the search, until its next function. */
struct rg_search_point {
	uint64_t size_bytes;
	uint32_t nchoices;
	const struct rg_choice *choices; /* [nchoices]; the default is first, but in ISOLATE */
};

struct rg_search_launch {
	enum rg_search_phase phase;
	bool list_all; /* all that the library has, by the name "all"; points have no choices yet */
	bool race;     /* candidates may leave within the launch */
	bool once;     /* one repetition without warm-up */
	/*
	 * Of the time that all candidates would need for a size, above 0 and at most 1: as many
	 * parts as there are candidates here, on the average over the points. Of that again, but
	 * where all is measured (exhaustive), 0.10 for a screening, which only sends away those
	 * that are slower by far, 0.15 for confirming and 0.06 for a size in between: what differs
	 * between launches is more than what is not known within one, and is what decides.
	 */
	double share;
	uint32_t npoints;
	const struct rg_search_point *points; /* [npoints], ascending */
	uint32_t left; /* launches that will come after it, as far as can be said */
};

/* What came out. All borrowed during the call. */
struct rg_search_sample {
	uint64_t size_bytes; /* as asked for */
	struct rg_choice choice;
	bool refused; /* why says so */
	bool wrong;   /* wrong data */
	uint64_t n;   /* 0: none counted; the launch says nothing about it, the next one may */
	double median_ns, lo_ns, hi_ns;
	const char *why; /* or NULL */
};

struct rg_search_outcome {
	bool failed; /* the launch did not come to its end; why */
	/* And it was refused, by words and not by an accident: a list is not taken apart then. */
	bool refused;
	const char *why; /* or NULL */
	uint32_t nsamples;
	const struct rg_search_sample *samples; /* [nsamples] */
};

struct rg_search;

/* RG_ERR_INVALID (numbers that make no sense), RG_ERR_NO_MEMORY. */
int rg_search_open(const struct rg_search_config *config, struct rg_search **out,
		   struct rg_err *err);
void rg_search_close(struct rg_search *search); /* NULL is allowed */

/* False: nothing is left to be measured. The same launch until it is fed. */
bool rg_search_next(struct rg_search *search, struct rg_search_launch *out);

/*
 * The outcome of the launch that rg_search_next gave last. What it was asked for and does not have
 * counts as refused. RG_ERR_UNSUPPORTED: nothing can be found out any more (the default itself
 * fails; words), RG_ERR_LIMIT (too many candidates), RG_ERR_NO_MEMORY. After an error only close.
 */
int rg_search_feed(struct rg_search *search, const struct rg_search_outcome *outcome,
		   struct rg_err *err);

/*
 * Ends early: what is not decided stays the default's, and the decision's note says why. No effect
 * at the end.
 */
void rg_search_stop(struct rg_search *search, const char *why);

/*
 * Once nothing is left to be measured: fills points, ranges and note (owned by out, released by
 * rg_decision_release); the rest of out is left alone. RG_ERR_NO_MEMORY.
 */
int rg_search_decide(const struct rg_search *search, struct rg_decision *out, struct rg_err *err);

#endif
