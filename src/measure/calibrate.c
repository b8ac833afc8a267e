/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/calibrate.h"
#include "calibrate_loops.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/device/buffer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS	   3
#define ROUNDS_MAX 1000

/* Between two readings of the clock: long against them, short against a slice. */
#define PIECE_BYTES ((size_t)256 << 10)

/*
 * Streams begin at different offsets within a page, so that a load is not held up by a store to the
 * same 4 KiB offset just before.
 */
#define STAGGER_BYTES ((size_t)576)

/* What one rank does with one loop; travels through the rendezvous. */
struct rates {
	double rate_Bps[RG_CALIBRATE_SLICES];
};

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

uint32_t rg_calibrate_merge(uint64_t *list_bytes, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (list_bytes[i] < RG_FOOTPRINT_MIN_BYTES)
			list_bytes[i] = RG_FOOTPRINT_MIN_BYTES;
	}
	if (n)
		qsort(list_bytes, n, sizeof(*list_bytes), compare);
	for (uint32_t i = 0; i < n; i++) {
		if (!kept || list_bytes[i] != list_bytes[kept - 1])
			list_bytes[kept++] = list_bytes[i];
	}
	while (kept > RG_RATES_MAX) {
		double least = HUGE_VAL;
		uint32_t at = 1;

		for (uint32_t i = 1; i + 1 < kept; i++) {
			double step = (double)list_bytes[i] / (double)list_bytes[i - 1];

			if (step < least) {
				least = step;
				at = i;
			}
		}
		kept--;
		memmove(list_bytes + at, list_bytes + at + 1, (kept - at) * sizeof(*list_bytes));
	}
	return kept;
}

uint32_t rg_calibrate_footprints(uint64_t l1_bytes, uint64_t l2_bytes, uint64_t llc_bytes,
				 uint32_t llc_ranks, uint64_t footprints_out[4])
{
	uint64_t share = llc_bytes / (llc_ranks ? llc_ranks : 1);
	uint64_t beyond = 4 * share, least = (uint64_t)64 << 20;

	footprints_out[0] = l1_bytes / 2;
	footprints_out[1] = l2_bytes / 2;
	footprints_out[2] = share / 2;
	footprints_out[3] = beyond > least ? beyond : least;
	return rg_calibrate_merge(footprints_out, 4);
}

static uint32_t rounds(const struct rg_calibrate_config *config)
{
	return config->rounds ? config->rounds : ROUNDS;
}

uint64_t rg_calibrate_cost_ns(const struct rg_calibrate_config *config)
{
	uint64_t loops = (uint64_t)config->nfootprints * RG_MIX_COUNT + 1; /* and the plain one */

	return loops * rounds(config) * RG_CALIBRATE_SLICES * RG_CALIBRATE_SLICE_NS;
}

/* Lays the streams of a mix into the buffer; returns the length of each. */
static size_t lay_out(enum rg_mix mix, uint64_t footprint_bytes, const struct rg_buffer *buffer,
		      struct loop_streams *s)
{
	uint32_t n = rg_mix_streams(mix);
	size_t len = (size_t)(footprint_bytes / n) & ~(size_t)63;

	for (uint32_t i = 0; i < n; i++)
		s->stream[i] = (uint8_t *)buffer->base + i * (len + STAGGER_BYTES);
	return len;
}

/*
 * Runs the loop over the streams, round and round; per element it moves so many (reads and writes).
 * Slice i ends RG_CALIBRATE_SLICE_NS * (i + 1) from now, so that the slices of all ranks stay
 * together. One that was left so late that half of the next was gone counts as missed: rate 0.
 */
static void run_slices(loop_fn *loop, struct loop_streams *s, size_t len, uint32_t moves,
		       double *rate_Bps)
{
	size_t piece = len < PIECE_BYTES ? len : PIECE_BYTES, at = 0;
	size_t passes = PIECE_BYTES / piece;
	uint64_t now = rg_clock_ns(), begin, end = now;

	for (uint32_t i = 0; i < RG_CALIBRATE_SLICES; i++) {
		uint64_t bytes = 0;

		begin = now;
		end += RG_CALIBRATE_SLICE_NS;
		while (now < end) {
			size_t n = len - at < piece ? len - at : piece;

			for (size_t pass = 0; pass < passes; pass++)
				loop(s, at, n);
			bytes += (uint64_t)n * passes * moves;
			at = at + n < len ? at + n : 0;
			now = rg_clock_ns();
		}
		rate_Bps[i] = bytes && now < end + RG_CALIBRATE_SLICE_NS / 2
				      ? (double)bytes / (double)(now - begin) * 1e9
				      : 0;
	}
}

/* What a rank works with. */
struct work {
	struct rg_rendezvous *rdv; /* borrowed, as all here */
	const struct rg_calibrate_config *config;
	const struct rg_buffer *buffer;
	struct loop_streams streams;
	struct rates *all; /* [nranks] */
};

/* One loop on all ranks at once; raises *best to the best slice's mean over ranks. */
static int measure(struct work *w, loop_fn *loop, enum rg_mix mix, uint64_t footprint_bytes,
		   double *best, struct rg_err *err)
{
	size_t len = lay_out(mix, footprint_bytes, w->buffer, &w->streams);
	uint32_t nranks = w->rdv->nranks;
	struct rates mine = {0};
	int rc = rg_rendezvous_barrier(w->rdv, rg_clock_ns() + w->config->deadline_ns, err);

	if (rc)
		return rc;
	run_slices(loop, &w->streams, len, rg_mix_reads(mix) + rg_mix_writes(mix), mine.rate_Bps);
	rc = rg_rendezvous_allgather(w->rdv, &mine, w->all, sizeof(mine),
				     rg_clock_ns() + w->config->deadline_ns, err);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < RG_CALIBRATE_SLICES; i++) {
		bool missed = false;
		double sum = 0;

		for (uint32_t r = 0; r < nranks; r++) {
			missed |= !(w->all[r].rate_Bps[i] > 0);
			sum += w->all[r].rate_Bps[i];
		}
		if (!missed && sum / nranks > *best)
			*best = sum / nranks;
	}
	return 0;
}

/* All loops at all footprints, and the check at the last. */
static int measure_round(struct work *w, uint32_t round, struct rg_calibration *c,
			 struct rg_err *err)
{
	uint32_t n = c->rates.nfootprints;
	int rc = 0;

	for (uint32_t f = 0; f < n; f++) {
		for (enum rg_mix m = 0; !rc && m < RG_MIX_COUNT; m++)
			rc = measure(w, rg_calibrate_loops[m], m, c->rates.footprint_bytes[f],
				     &c->rates.rate_Bps[f][m], err);
		if (rc)
			return rc;
		if (w->config->progress)
			w->config->progress(w->config->progress_arg, round * n + f + 1,
					    rounds(w->config) * n);
	}
	return measure(w, rg_calibrate_plain_add, RG_MIX_ADD, c->check_bytes, &c->check_plain_Bps,
		       err);
}

static int measure_all(struct work *w, struct rg_calibration *c, struct rg_err *err)
{
	uint32_t last = c->rates.nfootprints - 1;
	int rc = 0;

	c->check_bytes = c->rates.footprint_bytes[last];
	for (uint32_t round = 0; !rc && round < rounds(w->config); round++)
		rc = measure_round(w, round, c, err);
	if (rc)
		return rc;
	c->check_own_Bps = c->rates.rate_Bps[last][RG_MIX_ADD];
	c->check_passed = fabs(c->check_own_Bps / c->check_plain_Bps - 1) <= RG_CALIBRATE_TOLERANCE;
	return 0;
}

/* RG_ERR_INVALID for a configuration that cannot be, or is not the same on all ranks. */
static int check_config(struct rg_rendezvous *rdv, const struct rg_calibrate_config *config,
			struct rg_err *err)
{
	uint64_t mine[RG_RATES_MAX + 2] = {config->nfootprints, rounds(config)};
	uint64_t theirs[RG_RATES_MAX + 2];
	uint64_t deadline_ns = rg_clock_ns() + config->deadline_ns;
	int rc = 0;

	if (!config->nfootprints || config->nfootprints > RG_RATES_MAX)
		rc = rg_err_set(err, RG_ERR_INVALID, "calibration: %u footprints, not 1 to %d",
				config->nfootprints, RG_RATES_MAX);
	else if (rounds(config) > ROUNDS_MAX)
		rc = rg_err_set(err, RG_ERR_INVALID, "calibration: %u rounds, not 1 to %d",
				config->rounds, ROUNDS_MAX);
	else
		memcpy(mine + 2, config->footprint_bytes,
		       config->nfootprints * sizeof(*config->footprint_bytes));
	rc = rg_rendezvous_agree(rdv, rc, deadline_ns, err);
	if (rc)
		return rc;
	memcpy(theirs, mine, sizeof(mine));
	rc = rg_rendezvous_bcast(rdv, theirs, sizeof(theirs), 0, deadline_ns, err);
	if (rc)
		return rc;
	if (memcmp(mine, theirs, sizeof(mine)))
		rc = rg_err_set(err, RG_ERR_INVALID, "calibration: other footprints than rank 0");
	return rg_rendezvous_agree(rdv, rc, deadline_ns, err);
}

int rg_calibrate(struct rg_rendezvous *rdv, const struct rg_calibrate_config *config,
		 struct rg_calibration *out, struct rg_err *err)
{
	struct rg_calibration c = {0};
	struct rg_buffer buffer = {0};
	struct work work = {.rdv = rdv, .config = config, .buffer = &buffer};
	size_t room;
	int rc = check_config(rdv, config, err);

	if (rc)
		return rc;
	memcpy(c.rates.footprint_bytes, config->footprint_bytes,
	       config->nfootprints * sizeof(*config->footprint_bytes));
	c.rates.nfootprints = rg_calibrate_merge(c.rates.footprint_bytes, config->nfootprints);
	room = (size_t)c.rates.footprint_bytes[c.rates.nfootprints - 1] +
	       LOOP_STREAMS_MAX * STAGGER_BYTES;
	rc = rg_buffer_open(RG_MEMORY_HOST, room + LOOP_SOURCE_BYTES, 4096, config->numa_node,
			    &buffer, err);
	if (!rc) {
		work.all = rg_zalloc(rdv->nranks, sizeof(*work.all));
		if (!work.all)
			rc = rg_err_set(err, RG_ERR_NO_MEMORY, "calibration: no memory");
	}
	rc = rg_rendezvous_agree(rdv, rc, rg_clock_ns() + config->deadline_ns, err);
	if (!rc) {
		work.streams.source = (uint8_t *)buffer.base + (room & ~(size_t)63);
		rc = measure_all(&work, &c, err);
	}
	if (!rc)
		*out = c;
	rg_free(work.all);
	rg_buffer_close(&buffer);
	return rc;
}

#define LINE_BATCHES 16
#define LINE_TRIPS   256

/* From the first answer on. It takes a millisecond, unless others keep the two from running. */
#define LINE_PATIENCE_NS 200000000

/* Until *counter is at least value; false after the deadline. */
static bool await(_Atomic uint64_t *counter, uint64_t value, uint64_t deadline_ns)
{
	uint32_t polls = 0;

	while (atomic_load_explicit(counter, memory_order_acquire) < value) {
		if (!(++polls & 0xffff) && rg_clock_ns() > deadline_ns)
			return false;
	}
	return true;
}

static int no_answer(int trip, int batch, struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_TIMEOUT,
			  "calibration: the peer did not answer on trip %d of batch %d", trip,
			  batch);
}

static uint64_t patience_until(uint64_t deadline_ns)
{
	uint64_t until = rg_clock_ns() + LINE_PATIENCE_NS;

	return until < deadline_ns ? until : deadline_ns;
}

/*
 * The other one's part: echoes. A counter that jumps says that `first` has given up; then ours
 * jumps to the same number, where both begin the next time.
 */
static int echo_line(_Atomic uint64_t *mine, _Atomic uint64_t *theirs, uint64_t deadline_ns,
		     struct rg_err *err)
{
	uint64_t n = atomic_load_explicit(mine, memory_order_relaxed);
	uint64_t end = n + (uint64_t)LINE_BATCHES * LINE_TRIPS, seen;

	while (n < end) {
		if (!await(theirs, ++n, deadline_ns))
			return no_answer((int)((n - 1) % LINE_TRIPS), (int)((n - 1) / LINE_TRIPS),
					 err);
		seen = atomic_load_explicit(theirs, memory_order_acquire);
		atomic_store_explicit(mine, seen, memory_order_release);
		n = seen;
	}
	return 0;
}

int rg_calibrate_line(_Atomic uint64_t *mine, _Atomic uint64_t *theirs, bool first,
		      uint64_t deadline_ns, double *one_way_ns_out, struct rg_err *err)
{
	uint64_t start = atomic_load_explicit(mine, memory_order_relaxed), n = start;
	uint64_t end = start + (uint64_t)LINE_BATCHES * LINE_TRIPS;
	uint64_t least = 0, begin, until = deadline_ns;

	if (!first) {
		int rc = echo_line(mine, theirs, deadline_ns, err);

		*one_way_ns_out = rc ? *one_way_ns_out : 0;
		return rc;
	}
	for (int batch = 0; batch < LINE_BATCHES; batch++) {
		begin = rg_clock_ns();
		for (int i = 0; i < LINE_TRIPS; i++) {
			atomic_store_explicit(mine, ++n, memory_order_release);
			if (await(theirs, n, until)) {
				if (n == start + 1)
					until = patience_until(deadline_ns);
				continue;
			}
			if (n == start + 1)
				return no_answer(i, batch, err);
			/* Whether it still lives is found out by whoever waits for it next. */
			atomic_store_explicit(mine, end, memory_order_release);
			*one_way_ns_out = (double)least / LINE_TRIPS / 2;
			return 0;
		}
		if (!least || rg_clock_ns() - begin < least)
			least = rg_clock_ns() - begin;
	}
	*one_way_ns_out = (double)least / LINE_TRIPS / 2;
	return 0;
}
