/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calibration: what the memory under the ranks can do, as upper limits for model/bound.h.
 *
 * rg_calibrate runs STREAM-like loops [McCalpin95] on memory of the rank's own (RG_MEMORY_HOST,
 * touched by the rank, so bind it first) at one footprint after the other, all ranks at once, and
 * keeps the best of many slices of time: a limit must not be lowered by a neighbour's noise. The
 * loops are those of device/reduce.h, which the collectives use as well. So that they do not vouch
 * for themselves, a plain loop in C, STREAM's Add, runs on the largest footprint too; its rate and
 * that of the mix "add" are recorded, and more than 10 % apart is a warning.
 *
 * In each of some rounds every loop runs on all ranks from a common barrier, for
 * RG_CALIBRATE_SLICES slices of RG_CALIBRATE_SLICE_NS. Only a slice that no rank missed counts, so
 * that a rank that had the memory to itself for a moment sets no record that the ranks together
 * cannot reach; its rate is the mean over ranks, and the best of all rounds is kept. Slices are
 * short and rounds apart, because what is to be found is a moment in which nothing else disturbs
 * any rank. Where there is none (more ranks than cores, a busy machine), a rate stays 0, and there
 * is no bound rather than a wrong one.
 */
#ifndef RAILGAUGE_MEASURE_CALIBRATE_H
#define RAILGAUGE_MEASURE_CALIBRATE_H

#include "railgauge/base/err.h"
#include "railgauge/launch/rendezvous.h"
#include "railgauge/model/bound.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define RG_CALIBRATE_SLICE_NS  UINT64_C(1000000) /* 1 ms: less than a scheduler's time slice */
#define RG_CALIBRATE_SLICES    6
#define RG_CALIBRATE_TOLERANCE 0.10

struct rg_calibrate_config {
	const uint64_t *footprint_bytes; /* [nfootprints] per rank, any order, borrowed */
	uint32_t nfootprints;		 /* 1 .. RG_RATES_MAX */
	uint32_t rounds;		 /* 0: 3 */
	int numa_node;			 /* -1: first touch */
	uint64_t deadline_ns;		 /* length of each wait for the others */
	/* Called on every rank after each footprint of a round; may be NULL. */
	void (*progress)(void *arg, uint32_t done, uint32_t total);
	void *progress_arg; /* borrowed */
};

/* Equal on all ranks after rg_calibrate. */
struct rg_calibration {
	struct rg_rates rates;
	/* The check: the mix "add" and the plain loop, at the largest footprint. */
	uint64_t check_bytes;
	double check_own_Bps, check_plain_Bps;
	bool check_passed; /* within RG_CALIBRATE_TOLERANCE of each other */
};

/*
 * Footprints for a machine: half the level-1 and level-2 caches, half this rank's share of the
 * last-level cache (which llc_ranks use), and four times that share, but 64 MiB at least (nothing
 * of it stays in cache); each at least RG_FOOTPRINT_MIN_BYTES, ascending, none twice. Unknown sizes
 * are 0. Returns how many (1 .. 4).
 */
uint32_t rg_calibrate_footprints(uint64_t l1_bytes, uint64_t l2_bytes, uint64_t llc_bytes,
				 uint32_t llc_ranks, uint64_t footprints_out[4]);

/*
 * Sorts list_bytes[n] ascending without duplicates and raises what is below RG_FOOTPRINT_MIN_BYTES;
 * if more than RG_RATES_MAX are left, drops one after the other the one that is relatively nearest
 * to the one before it (never the first or last). Returns the new length: for adding the footprints
 * of the planned points to those of the machine.
 */
uint32_t rg_calibrate_merge(uint64_t *list_bytes, uint32_t n);

/*
 * (collective) Fills all but rates.line_ns. Takes as long as rg_calibrate_cost_ns says, and the
 * memory of the largest footprint. RG_ERR_INVALID (also if the ranks' configurations differ),
 * RG_ERR_NO_MEMORY, RG_ERR_LIMIT (as rg_buffer_open), RG_ERR_TIMEOUT, RG_ERR_PEER.
 */
int rg_calibrate(struct rg_rendezvous *rdv, const struct rg_calibrate_config *config,
		 struct rg_calibration *out, struct rg_err *err);

/* How long rg_calibrate will take with this configuration, without its waits. */
uint64_t rg_calibrate_cost_ns(const struct rg_calibrate_config *config);

/*
 * A cache line between two ranks, there and back. Each rank names two counters, both holding
 * the same number (0, or where the last call left them), in memory that both have mapped and on two
 * different pairs of lines (128 bytes apart at least): `mine`, which only this rank writes, and
 * `theirs`, which only the peer writes; so what is mine here is theirs there. One rank is `first`.
 * Both call at about the same time and spin; with more ranks than cores do not call it (set line_ns
 * to 0).
 *
 * Writes the least of 16 batches of 256 round trips, halved: the time of one way, in ns, as seen
 * by the clock of `first`; the other rank gets 0. Counters end 16 * 256 higher. Where other
 * programs keep the two from running, `first` gives up after 0.2 s: then it is the least of the
 * batches until then, 0 if there was none. RG_ERR_TIMEOUT when the peer does not come (the counters
 * are of no use then).
 */
int rg_calibrate_line(_Atomic uint64_t *mine, _Atomic uint64_t *theirs, bool first,
		      uint64_t deadline_ns, double *one_way_ns_out, struct rg_err *err);

#endif
