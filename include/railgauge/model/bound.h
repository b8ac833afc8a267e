/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bounds: how fast could a collective within one node be at best? Pure functions of plain numbers.
 *
 *   what must move (rg_traffic_of)  +  what the memory can do (struct rg_rates)  ->  rg_bound_of
 *
 * The bound is a lower limit of the time of one operation: the larger of
 *   latency   each result depends on data of another rank, so one cache line must travel once
 *             between two cores;
 *   memory    the bytes that a rank must load and store at the very least, at the highest rate that
 *             was measured for the same mix of reads and writes at that footprint while all ranks
 *             were busy.
 * A measured time below the bound (fraction above RG_BOUND_ERROR) means that the bound is wrong,
 * and is reported as that.
 *
 * Derivations, with p ranks, S the size in bytes of base/collective.h, per rank and operation. The
 * load is taken as even over the ranks: any other share makes the slowest rank slower. Sources must
 * be read and destinations written, nothing else need touch memory:
 *
 *                  read     written        because
 *   allreduce      S        S              p sources of S, p destinations of S
 *   reduce         S        S / p          p sources of S, one destination
 *   reducescatter  S        S / p          p sources of S, p destinations of S / p
 *   allgather      S / p    S              p sources of S / p, p destinations of S
 *   gather         S / p    S / p          p sources of S / p, one destination of S
 *   scatter        S / p    S / p          one source of S, p destinations of S / p
 *   alltoall       S        S              p sources of S, p destinations of S
 *   alltoallv      T / p    T / p          sources and destinations of T together
 *   broadcast      S / p    (p - 1) S / p  one source; p - 1 destinations of S
 *   sendrecv       S        S              p sources of S, p destinations of S
 *   barrier        0        0
 *
 * each divided by the p ranks that share the work. A source is read once, by whoever writes all
 * that depends on it; a broadcast's root has the data (some libraries copy them out of place, not
 * all).
 *
 * In place, what is already where it belongs is not moved: allgather writes (p - 1) S / p, alltoall
 * reads and writes (p - 1) S / p, gather and scatter (p - 1) S / p^2, alltoallv what goes to
 * others; the others stay as they are, but one rank does nothing. What allreduce, reduce,
 * reducescatter, alltoall, alltoallv and sendrecv write in place was read there before, which is
 * cheaper ("updated"). All this holds for windows (peers' buffers are mapped) and for private ones:
 * there, the same bytes are read and written by their owners.
 *
 * With private buffers all that passes between ranks goes through slots besides, which can stay in
 * cache: the bytes that a rank receives at least ("exchange"), each written once and read once
 * [Chan07, section 3]:
 *
 *   allreduce 2 (p - 1) S / p    sendrecv S (0 with one rank)
 *   reducescatter, allgather, alltoall (p - 1) S / p
 *   in the mean over the ranks: reduce, broadcast (p - 1) S / p; gather, scatter (p - 1) S / p^2;
 *   alltoallv what goes to others
 *
 * These are a bound of their own, at the smallest calibrated footprint, together with the bytes
 * above: a core that waits for memory may move cached bytes meanwhile, so the larger counts, not
 * the sum.
 */
#ifndef RAILGAUGE_MODEL_BOUND_H
#define RAILGAUGE_MODEL_BOUND_H

#include "railgauge/base/collective.h"
#include "railgauge/coll/problem.h"

#include <stdbool.h>
#include <stdint.h>

/* Above this fraction the bound, not the measurement, is taken to be wrong. */
#define RG_BOUND_ERROR 1.02

/*
 * What memory was asked to do during calibration. X(NAME, "word", reads, writes, streams): per
 * element, how many are read and written, and in how many arrays. _STREAM means non-temporal
 * stores; UPDATE writes into the arrays that it reads, as reductions in place do.
 */
#define RG_MIX_LIST(X)                               \
	X(READ, "read", 1, 0, 1)                     \
	X(WRITE, "write", 0, 1, 1)                   \
	X(WRITE_STREAM, "write-stream", 0, 1, 1)     \
	X(COPY, "copy", 1, 1, 2)                     \
	X(COPY_STREAM, "copy-stream", 1, 1, 2)       \
	X(ADD, "add", 2, 1, 3)                       \
	X(ADD_STREAM, "add-stream", 2, 1, 3)         \
	X(TWO_TWO, "two-two", 2, 2, 4)               \
	X(TWO_TWO_STREAM, "two-two-stream", 2, 2, 4) \
	X(UPDATE, "update", 1, 1, 1)                 \
	X(ADD_UPDATE, "add-update", 2, 1, 2)         \
	X(TWO_UPDATE, "two-update", 2, 2, 2)         \
	X(TWO_UPDATE_STREAM, "two-update-stream", 2, 2, 2)

enum rg_mix {
#define RG_MIX_ENUM(name, word, reads, writes, streams) RG_MIX_##name,
	RG_MIX_LIST(RG_MIX_ENUM)
#undef RG_MIX_ENUM
		RG_MIX_COUNT
};

extern const char *const rg_mix_words[]; /* NULL-terminated, in enum order */
uint32_t rg_mix_reads(enum rg_mix mix);
uint32_t rg_mix_writes(enum rg_mix mix);
uint32_t rg_mix_streams(enum rg_mix mix);

#define RG_RATES_MAX 24 /* footprints */

/* What one rank's memory can do while all ranks do the same. Plain data. */
struct rg_rates {
	uint32_t nfootprints;
	uint64_t footprint_bytes[RG_RATES_MAX]; /* per rank, ascending */
	/*
	 * Bytes read plus bytes written per second and rank, as the program sees them (the line
	 * fetched by a cached store before it is overwritten does not count). 0: not measured.
	 */
	double rate_Bps[RG_RATES_MAX][RG_MIX_COUNT];
	double line_ns; /* one way of a cache line between two ranks, the nearest pair; 0: unknown
			 */
};

/* Bytes per rank and operation. */
struct rg_traffic {
	double read_bytes, written_bytes;
	double updated_bytes;  /* of the written ones, those in memory that is read as well */
	double exchange_bytes; /* received through slots; 0 for windows */
};

/* What is bounded. */
struct rg_bound_problem {
	enum rg_coll coll;
	uint64_t size_bytes; /* S */
	uint32_t nranks;
	bool in_place;
	enum rg_access access;
	uint32_t ops; /* operations on different buffers before any buffer comes again, >= 1 */
	bool cold;    /* caches hold nothing of it: the largest calibrated footprint counts */
	/* alltoallv: T, what all ranks send together, and of that what goes to others. */
	uint64_t total_bytes, others_bytes;
	bool mutual; /* alltoallv: two ranks send to each other: neither can run ahead */
};

struct rg_bound {
	double bound_ns;  /* per operation; 0: no bound is known */
	const char *name; /* static: "line", "read", "copy-stream" ...; NULL: no bound is known */
};

void rg_traffic_of(const struct rg_bound_problem *problem, struct rg_traffic *out);

/*
 * Distinct bytes that one rank touches before it touches any again: (read + written - updated) *
 * ops. What a calibration should be asked for; never less than RG_FOOTPRINT_MIN_BYTES.
 */
#define RG_FOOTPRINT_MIN_BYTES ((uint64_t)16 << 10)
uint64_t rg_bound_footprint_bytes(const struct rg_bound_problem *problem);

/*
 * The bound. Rates are taken at the largest calibrated footprint that is not above the problem's,
 * or at a larger one if they are higher there (rates fall with the footprint, so this errs towards
 * a bound that holds), and among mixes of the same ratio of reads to writes the fastest counts
 * (updates only if the problem has some). A ratio between two calibrated ones is split into them.
 * One rank has no latency part. Collectives with a root may be pipelined over the operations of a
 * repetition, as may an alltoallv that is not mutual: their latency counts once per repetition.
 */
struct rg_bound rg_bound_of(const struct rg_bound_problem *problem, const struct rg_rates *rates);

#endif
