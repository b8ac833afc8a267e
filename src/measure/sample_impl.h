/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between sample.c (the sampler and its points), sample_direct.c (rank 0: who is measured when, and
 * what comes of it), sample_race.c (who leaves), sample_rep.c (one repetition) and sample_start.c
 * (the common start and clock).
 */
#ifndef RG_MEASURE_SAMPLE_IMPL_H
#define RG_MEASURE_SAMPLE_IMPL_H

#include "railgauge/measure/sample.h"

#include "railgauge/base/clock.h"
#include "railgauge/device/buffer.h"
#include "railgauge/measure/clocks.h"

/* The pairs of one kind of buffers, and the operations that went over them. */
struct lane {
	struct rg_buffer buffer;  /* owned */
	struct rg_window *window; /* owned; NULL for private buffers */
	struct rg_pairs pairs;
	uint64_t done;	      /* operations since the pairs were laid out */
	uint64_t *src_number; /* owned, [RG_PLAN_MAX_OPS + 1]: what each source holds */
	uint64_t *dst_number; /* owned, likewise: what each buffer in place was filled with */
	uint64_t fills;	      /* of the one pair, where there is only one */
	bool marked;	      /* its source is, see rg_data_mark */
	struct rg_data_marks marks;
};

/* What each rank says after a repetition. Times are the ranks' common ones, if they have any. */
struct report {
	uint64_t start_ns, end_ns;
	uint64_t checked, wrong;
	struct rg_data_wrong first;
	uint32_t interrupted;
	uint32_t pad;
};
_Static_assert(sizeof(struct report) <= RG_MEET_BYTES, "a report is one record");

/* What rank 0 says before a repetition. */
struct command {
	uint32_t stop; /* nothing more at this point */
	uint32_t interrupted;
	uint32_t candidate;
	uint32_t ops;
	uint32_t compare; /* first compare the clocks anew */
	uint32_t pad;
};

struct rg_sampler {
	const struct rg_job *job; /* borrowed */
	struct rg_sampler_config config;
	struct rg_sampler_start start;
	struct rg_data *data; /* owned */
	struct rg_meet *meet; /* owned */
	bool compares;	      /* clocks differ, and are compared */
	uint64_t compared_ns; /* when they were last */
	struct rg_common_clock clock;
	double apart_ns, late_ns; /* what start.skew_ns is the sum of */
	struct lane lanes[2];	  /* by enum rg_access */
	struct rg_buffer walk;	  /* owned; for cold caches */
	uint64_t *ready;	  /* owned, [nranks] */
	struct report *reports;	  /* owned, [nranks] */
	struct command *commands; /* owned, [nranks] */
	uint32_t nroots;

	/* Of the point being measured. */
	const struct rg_plan_point *point;
	uint32_t ops, npairs;
	struct rg_paths paths; /* for private data, as tried just before the point */
	uint64_t refills;      /* makes numbers of operations differ over a whole run */
};

/* A candidate that all ranks could open. */
struct opened {
	const struct rg_candidate *candidate; /* borrowed */
	struct rg_target *target;	      /* owned; NULL if refused */
	uint64_t timed;			      /* operations so far: whose turn it is to be root */
};

/*
 * One repetition on this rank, from preparation to check, including the exchange that starts it.
 * *start_ns_out is the agreed time, 0 unless the start is a clock's.
 */
int rg_sample_repeat(struct rg_sampler *s, struct opened *o, struct report *report_out,
		     uint64_t *start_ns_out, struct rg_err *err);

/* For a watch: this rank is inside operations since then (0: it is not). */
void rg_sample_busy(const struct rg_sampler *s, uint64_t since_ns);

/* Lays out the pairs for k operations per repetition and fills the sources. */
void rg_sample_set_ops(struct rg_sampler *s, uint32_t ops);

/*
 * All ranks are ready; returns when this rank is to begin. *agreed_out is the agreed time (0 unless
 * the start is a clock's), *began_out the clock when waiting ended.
 */
int rg_sample_begin(struct rg_sampler *s, uint64_t *agreed_out, uint64_t *began_out,
		    struct rg_err *err);

/* Rank 0's state while it directs a point. */
struct director;

/*
 * opened[n] and samples[n] are borrowed until close; opened may still be filled. RG_ERR_NO_MEMORY.
 */
int rg_sample_director_open(struct rg_sampler *s, const struct opened *opened, uint32_t n,
			    struct rg_samples *samples, struct director **director_out,
			    struct rg_err *err);
void rg_sample_director_close(struct director *director); /* NULL is allowed */

/* What comes next. RG_ERR_NO_MEMORY. */
int rg_sample_direct(struct director *director, struct command *next_out, struct rg_err *err);

/*
 * Takes the ranks' reports (s->reports) on a repetition of s->ops operations of a candidate;
 * agreed is the agreed time, if there was one. RG_ERR_NO_MEMORY.
 */
int rg_sample_account(struct director *director, uint32_t candidate, uint64_t agreed,
		      struct rg_err *err);

/* A median of fewer repetitions has no 95 % interval (stats.h). */
#define SAMPLE_MIN_ROUNDS 6

/* Is it measured still: not refused, and not out of the race? */
static inline bool rg_sample_is_in(const struct opened *opened, const struct rg_samples *samples)
{
	return opened->target && samples->stop != RG_STOP_BEATEN;
}

/*
 * After a whole round: those that are beaten get RG_STOP_BEATEN. dear: two repetitions can tell;
 * thorough: intervals are looked at. scratch has room for any candidate's samples. Is it decided:
 * has everybody left but the first ones?
 */
bool rg_sample_race(const struct opened *opened, struct rg_samples *samples, uint32_t n, bool dear,
		    bool thorough, double *scratch);

/* Tries the start out and fills s->start. Collective. */
int rg_sample_measure_start(struct rg_sampler *s, struct rg_err *err);

/* The common time, where there is one; else this rank's own. */
static inline uint64_t rg_sample_now(const struct rg_sampler *s)
{
	return rg_common_clock_of(&s->clock, rg_clock_ns());
}

/* Is it time to compare the clocks anew? */
bool rg_sample_clocks_due(const struct rg_sampler *s);

/* Compares the clocks and corrects s->start. Collective. As rg_meet_compare_clocks. */
int rg_sample_compare_clocks(struct rg_sampler *s, struct rg_err *err);

#endif
