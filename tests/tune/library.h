/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An artificial MPI library with known costs, and launches of it: what the search is tried with.
 * The same seed gives the same launches.
 */
#ifndef RG_TESTS_TUNE_LIBRARY_H
#define RG_TESTS_TUNE_LIBRARY_H

#include "railgauge/tune/search.h"

enum mishap {
	WORKS,
	CRASHES, /* from the size `from` on: the launch fails */
	TIRES,	 /* from the launch `from` on, likewise */
	WRONG,	 /* likewise: wrong data */
	REFUSED, /* likewise */
	FASTER,	 /* likewise: takes 4/5 of the time */
	SILENT,	 /* only at that size, in the first launches: no repetition counts */
};

/* Times are start_ns + size / Bpns, in segments of `segment` start_ns + size / segmented_Bpns. */
struct algorithm {
	const char *name; /* the first one is "default" */
	double start_ns, Bpns;
	uint64_t segment;
	double segmented_Bpns;
	enum mishap mishap;
	uint64_t from;
};

struct library {
	const struct algorithm *algorithms; /* [n], their index is their id */
	uint32_t n;
	double launch_noise;   /* all of a launch, standard deviation, relative */
	double own_noise;      /* each time of a launch, likewise */
	uint32_t silent;       /* launches in which those that are SILENT are so */
	uint32_t fails_alone;  /* every so many-th launch of RG_SEARCH_ISOLATE; 0: none */
	uint32_t fails_always; /* every so many-th launch with more than one choice; 0: none */
	uint64_t seed;
	uint32_t launches, isolated; /* made so far, and of these those of RG_SEARCH_ISOLATE */
};

/* What a launch comes to. Freed by outcome_release; also what library_search keeps. */
struct outcome {
	struct rg_search_outcome outcome;
	struct rg_search_sample *samples;
};
void library_launch(struct library *library, const struct rg_search_launch *launch,
		    struct outcome *out);
void outcome_release(struct outcome *outcome);

/* True cost without noise. */
double library_cost(const struct library *library, const struct rg_choice *choice,
		    uint64_t size_bytes);

/* For struct rg_search_config, with arg the library. */
uint32_t library_segments(void *arg, const struct rg_choice *choice, uint64_t *sizes,
			  uint32_t room);
uint32_t library_known(void *arg, struct rg_choice *choices, uint32_t room);

/* Twelve sizes, 64 bytes to 256 MiB, five launches. */
#define LIBRARY_NSIZES	 12
#define LIBRARY_LAUNCHES 5
struct rg_search_config library_config(struct library *library);

/* Searches to the end, or for so many launches. Returns feed's first error. */
#define LIBRARY_LAUNCHES_MAX 200 /* no search needs as many */
int library_search(struct rg_search *search, struct library *library, uint32_t launches,
		   struct rg_err *err);

/*
 * The whole: zero, or the first error. Released by rg_decision_release. The default's ranges below
 * the first size and above the last one are taken away.
 */
int library_decide(struct library *library, const struct rg_search_config *config,
		   struct rg_decision *out, struct rg_err *err);

#endif
