/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sampling: repetitions of several candidates on the same buffers, interleaved, timed on all ranks
 * from a common start, and checked.
 *
 *   rg_sampler_open            buffers, cost of the clock, skew of the start
 *   rg_sampler_point           one size: opens all candidates, finds k, measures, closes them
 *   rg_sampler_close
 *
 * One repetition is k back-to-back operations over k different pairs of source and destination
 * (plan.h), k equal for all candidates of a point and large enough that the repetition lasts twenty
 * times as long as what can go wrong at its ends (two readings of the clock, the start's skew, and
 * a first operation that finds the level-1 caches full of other things):
 *
 *   prepare   fill what must be filled, evict what must be cold, run what must be warm
 *   start     see enum rg_start
 *   run       k operations
 *   check     the destinations, all of them
 *   report    begin and end of all ranks go to all; the repetition lasted until the last rank's
 *             end. If a rank began later than at the agreed time by more than a limit, it does not
 *             count (invalid)
 *
 * That limit is a twentieth of a repetition of the fastest candidate, as the warm-up found it: one
 * number for all candidates of a point.
 *
 * Rank 0 directs: before each repetition it tells the others which candidate comes, in an order
 * that it draws anew for each round from the seed. After a round it stops when the 95 % interval of
 * every candidate's median is within the precision (but not before RG_SAMPLE_MIN_PRECISE
 * repetitions, nor before a tenth of the budget has passed, so that slow drifts are seen), when the
 * budget is spent, after a given number, or after so many rounds that more would say nothing new.
 * Spent or not, every candidate gets six valid repetitions, for an interval, if 18 rounds yield
 * them. So that these fit into the budget where operations are short, a repetition is never made
 * longer than a share of it, whatever the start's skew asks for: on a machine so busy that ranks
 * start milliseconds apart, repetitions would last for seconds otherwise. Such a point is `hasty`.
 *
 * Race. Asked which of many candidates is the best, and by how much it differs from the first one,
 * the point spends no time on those that cannot be it. Candidates race within a kind of buffers and
 * a place. After a whole round, so that all had as many turns, one leaves (RG_STOP_BEATEN) when
 *   - the whole interval of its median is more than RG_SAMPLE_RACE_MARGIN times above that of the
 *     one whose interval ends lowest; both at the level of stats.h, so from six valid repetitions
 *     on; looked at as rounds grow by a fifth. Intervals speak of this launch alone. Without the
 *     margin who is the best over launches would leave in one that does not suit it: with five
 *     rivals, 5 % ahead of them where an algorithm's launches scatter by 3 %, at one size in four,
 *     with it at none of 600 (tests/tune/test_search_noise.c); or
 *   - where six rounds do not fit into the budget, as they went until now: the least of its two or
 *     more repetitions is above RG_SAMPLE_HOPELESS times the greatest of another one's two or
 *     more. What disturbs a repetition makes it longer, so the least is the part of both that can
 *     be believed of the slower one, and the greatest errs in its favour. Where rounds are short,
 *     two repetitions could be disturbed by chance, and six are soon there.
 * A target of which the library says that another algorithm runs does not take part, and is not
 * run: it could beat that algorithm, which is itself.
 * The first candidate that runs of each kind of buffers and place never leaves, since the others
 * are compared with it. The point ends as without a race, by those that are left; when none is
 * left but the first ones, as soon as they have intervals (RG_STOP_DECIDED). In the warm-up, where
 * six rounds of its repetitions would not fit into the budget, a candidate that took RG_SAMPLE_
 * HOPELESS times as long as the fastest until then needs no second repetition: k goes by the
 * fastest.
 *
 * Caches. Warm is what a loop of operations would find, as OSU and IMB have it: before each
 * repetition one lap over all pairs is run without being timed. With k > 1 nobody touches the pairs
 * after that: the sources are written once, even and odd ones take turns at every destination, and
 * a stale result is of the other kind. With k = 1 there is one pair alone, since a second one would
 * double what must fit into the caches: its source is written before the lap, so what the target
 * never writes is found; after the lap one element per page of the source gets another value and
 * one of the destination a wrong one (data.h, marks; somewhere else each time), so that an
 * operation that did nothing, or left out a page, is found too. Fresh: every rank writes its
 * sources before each repetition. Cold: then it walks through twice the last-level cache. In place
 * there is nothing but the buffer that the operation overwrites: it is written anew before each
 * repetition in every mode. All elements of all results are compared in every mode.
 *
 * Roots, where they rotate, go on from one repetition of a candidate to its next, so that all roots
 * count alike for all candidates. Where the root alone has a destination (reduce, gather), the lap
 * of warm caches has the same roots as the operations that are timed.
 *
 * A sampler belongs to one thread per rank; all functions are collective. Nothing is allocated
 * between the start and the end of a repetition. A failure of a peer ends the sampler: the others
 * are told through the rendezvous, or as config.recovers says, and only close is of use then.
 */
#ifndef RAILGAUGE_MEASURE_SAMPLE_H
#define RAILGAUGE_MEASURE_SAMPLE_H

#include "railgauge/base/err.h"
#include "railgauge/measure/data.h"
#include "railgauge/measure/meet.h"
#include "railgauge/measure/plan.h"
#include "railgauge/measure/result.h"
#include "railgauge/measure/target.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Repetition of less than this many times its uncertainty is too short. */
#define RG_SAMPLE_MIN_RATIO 20

/*
 * Fewer repetitions are not enough for an interval to end a point, since blocks of few do not tell
 * how much neighbours are alike: a narrow interval that comes early comes by chance. Looking again
 * and again until it is narrow then costs little (tests/measure/test_stats_series.c).
 */
#define RG_SAMPLE_MIN_PRECISE 100

/*
 * What an algorithm's time may differ by from one launch to the next, relative to the others': who
 * is slower by less in one launch may be the best over several. results/2026-11-tune/launches.txt:
 * one in 20 was off its median by more than 10 % at 256 KiB and 15 % at 1 MiB, one in 50 by 15 %
 * and 39 %; at most other sizes by less than 5 % and 15 %.
 */
#define RG_SAMPLE_RACE_MARGIN 1.25

/* Slower by so much is hopeless: at most one launch in a hundred differs from others by as much. */
#define RG_SAMPLE_HOPELESS 1.5

struct rg_sampler_config {
	enum rg_coll coll;
	enum rg_type type;
	enum rg_op op;
	bool root_fixed; /* else the root goes round */
	uint32_t root;
	enum rg_cache cache;
	bool check;
	bool persistent;
	uint32_t channels;	/* 0: the algorithm's choice */
	uint32_t radix, window; /* likewise */
	double precision;	/* half width of the interval relative to the median: 0.02 */
	uint64_t budget_ns;	/* per point */
	uint64_t repetitions;	/* exactly so many valid ones; 0: until precise */
	bool race;		/* who is beaten leaves; not with repetitions */
	uint32_t warmups;	/* repetitions of each candidate that do not count */
	uint64_t seed;
	bool crowded;	    /* more ranks than cores */
	bool keep_ranks;    /* keep every rank's samples */
	uint64_t llc_bytes; /* last-level cache, for cold; 0: 64 MiB are walked through */
	bool access[2];	    /* enum rg_access: which kinds of buffers are needed */
	size_t pairs_bytes; /* of each kind */
	/* Set asynchronously when the user wants to stop; borrowed; may be NULL. */
	const volatile sig_atomic_t *interrupted;
	/*
	 * A failure is not the job's end: the others are told by the meeting alone, and the caller
	 * brings all ranks together (recovery.h). Else the rendezvous ends with it.
	 */
	bool recovers;
	/*
	 * Written by the sampler: since when (rg_clock_ns) this rank has been inside operations of
	 * a target, 0 while it is not; for a watch over targets without deadlines. Borrowed; may be
	 * NULL.
	 */
	_Atomic uint64_t *busy_since_ns;
};

/* What is measured at a point. Equal on all ranks. */
struct rg_candidate {
	const struct rg_target_spec *spec; /* borrowed */
	bool in_place;
	enum rg_access buffers;
};

/* What came out; on rank 0, elsewhere only `refused` and `about`. Released by the caller. */
struct rg_samples {
	struct rg_target_about about;
	char refused[RG_ERR_TEXT_BYTES]; /* why it was not run; empty: it was */
	uint32_t ops;			 /* k */
	uint64_t n, invalid;
	enum rg_stop stop;
	double *ns;	  /* owned, [n] per operation, in the order of time */
	double *ranks_ns; /* owned, [n][nranks] of every rank, or NULL */
	uint64_t room;	  /* of ns; private */
	bool hasty; /* repetitions last less than RG_SAMPLE_MIN_RATIO times their uncertainty */
	uint64_t checked, wrong;
	uint32_t wrong_rank; /* of the first wrong element ever seen */
	struct rg_data_wrong first_wrong;
};

void rg_samples_release(struct rg_samples *samples);

struct rg_sampler;

/*
 * job is borrowed and outlives the sampler. RG_ERR_UNSUPPORTED (no exact data), RG_ERR_NO_MEMORY,
 * RG_ERR_LIMIT, and what transport and rendezvous return.
 */
int rg_sampler_open(const struct rg_job *job, const struct rg_sampler_config *config,
		    struct rg_sampler **sampler_out, struct rg_err *err);
void rg_sampler_close(struct rg_sampler *sampler); /* not collective; NULL is allowed */

/*
 * How a repetition starts, and from when it lasts until the last rank's end. The ranks exchange
 * that they are ready; then
 *   clock     all begin at an agreed time, a little after the last one's word
 *   barrier   each begins when its exchange ends, because there are more ranks than cores, and one
 *             that waits for a time keeps another from working; or because exchanges go through the
 *             rendezvous. The repetition lasts from the first rank's beginning: what the barrier's
 *             end is apart counts, and k makes it small.
 *   apart     likewise, but clocks have nothing in common, and there is no transport to compare
 *             them over. Each rank's time is from its own beginning, and the longest counts: too
 *             little where a rank waits for none of the others, as a broadcast's root.
 *
 * Clocks of several hosts, or time namespaces, are compared with rank 0's (meet.h, clocks.h): at
 * the start, before and after each point, and ten times a second in between. All times are then
 * rank 0's; what is uncertain about them is part of the skew.
 */
#define RG_START_LIST(X)      \
	X(CLOCK, "clock")     \
	X(BARRIER, "barrier") \
	X(APART, "apart")

enum rg_start {
#define RG_START_ENUM(name, word) RG_START_##name,
	RG_START_LIST(RG_START_ENUM)
#undef RG_START_ENUM
};

extern const char *const rg_start_words[]; /* in enum order */

/* What a sampler found out about the start, equal on all ranks. */
struct rg_sampler_start {
	enum rg_start kind;
	double timer_cost_ns;
	/*
	 * Median over some tries of the last rank's lateness after the agreed time, or after the
	 * first rank's beginning; 0 where clocks are apart. More by how far two ranks' clocks may
	 * be apart since they were last compared.
	 */
	double skew_ns;
	double clock_ns;    /* the most that they were apart at any time so far; 0: one clock */
	double min_ns;	    /* what a repetition should last */
	uint64_t margin_ns; /* clock: from the last rank's word to the agreed time */
};
void rg_sampler_start(const struct rg_sampler *sampler, struct rg_sampler_start *start_out);

/* The ranks' common time, where they have one; else this rank's own. Not collective. */
uint64_t rg_sampler_now(const struct rg_sampler *sampler);

/* The sampler's own endpoint beside the job's, borrowed; NULL: it has none. Not collective. */
const struct rg_endpoint *rg_sampler_endpoint(const struct rg_sampler *sampler);

/* rg_meet_line of the sampler's own meeting. Collective, once. */
int rg_sampler_line(struct rg_sampler *sampler, double *one_way_ns_out, struct rg_err *err);

/*
 * The congestion controls of all ranks' connections, each once, as rg_endpoint_congestion has them;
 * empty where the ranks do not meet over sockets. Collective; as rg_meet_exchange.
 */
int rg_sampler_congestion(struct rg_sampler *sampler, char names_out[RG_CONGESTION_BYTES],
			  struct rg_err *err);

/*
 * Measures one point: samples_out[ncandidates], zeroed by the caller. Candidates that a target
 * refuses are not an error. *interrupted_out is the same on all ranks. RG_ERR_PEER, RG_ERR_TIMEOUT,
 * RG_ERR_SYSTEM, RG_ERR_NO_MEMORY.
 */
int rg_sampler_point(struct rg_sampler *sampler, const struct rg_plan_point *point,
		     const struct rg_candidate *candidates, uint32_t ncandidates,
		     struct rg_samples *samples_out, bool *interrupted_out, struct rg_err *err);

/*
 * About how long a point takes, from its warm-up to its end: the budget, or what six repetitions of
 * every candidate take where that is longer, or as many as were asked for. Nothing is measured for
 * it; memory is taken to move at 2 GB/s per rank.
 */
uint64_t rg_sampler_point_ns(const struct rg_sampler_config *config,
			     const struct rg_plan_point *point, uint32_t ncandidates);

/* Memory of one rank beside the pairs: tables, the walk of cold caches. */
uint64_t rg_sampler_extra_bytes(const struct rg_sampler_config *config);

#endif
