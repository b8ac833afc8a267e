/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Decisions: what a job's library should be told, and what speaks for it. One JSON document
 * (docs/DECISIONS.md), made by the search, read by emitters and by prove.
 *
 * A choice is an algorithm of the library with its segment size; id 0, "default", leaves the
 * library alone. For each function the sizes from 0 up are cut into ranges, each with one choice.
 * A choice other than the default stands at a size that was asked for only where it was better
 * beyond noise: ties are the default's. At sizes that were measured to find where a range ends that
 * holds beside the default; between two other choices it was the faster one, or level with it, and
 * the default not seen to be better (search.h, Deciding).
 *
 * Sizes are S of base/collective.h. Times are ns per operation. A gain is the default's time over
 * the choice's, over launches, which are paired (rg_ratio_of_launches_at): above 1 is better.
 * Intervals of points and of ranges are at 1 - 0.05 / m, with m the number of candidates that were
 * compared there, times the looks that are taken at it (search.h), and so hold for the choice that
 * was made of m; those of evidence are at 95 %, each for itself. The choice's ratio is
 * the best of m by the launches that it was chosen in: it rather errs upwards, within its interval.
 * A range's are the means of its points', geometrically; where all sizes have one choice it is the
 * one gain that the choice was made by.
 *
 * One thread per object.
 */
#ifndef RAILGAUGE_TUNE_DECISIONS_H
#define RAILGAUGE_TUNE_DECISIONS_H

#include "railgauge/base/collective.h"
#include "railgauge/base/err.h"
#include "railgauge/base/json.h"
#include "railgauge/measure/stats.h"

#include <stdbool.h>
#include <stdint.h>

#define RG_DECISIONS_SCHEMA  "railgauge-decisions"
#define RG_DECISIONS_VERSION 1

/* No better than by so much counts as no better: launches differ by as much for no reason. */
#define RG_DECISION_FLOOR 1.03

struct rg_choice {
	int id;			/* of the library; 0: its own choice */
	char algorithm[64];	/* "default", "ring" */
	uint64_t segment_bytes; /* 0: none */
};

/* What became of a candidate at a size. */
#define RG_FATE_LIST(X)                                                                 \
	X(MEASURED, "measured") /* to the end */                                        \
	X(BEATEN, "beaten")	/* left early: see tune/search.h, screen and confirm */ \
	X(REFUSED, "refused")	/* the library, or the size, has no use for it: why */  \
	X(EXCLUDED, "excluded") /* it crashed, hung or was wrong: why */

enum rg_fate {
#define RG_FATE_ENUM(name, word) RG_FATE_##name,
	RG_FATE_LIST(RG_FATE_ENUM)
#undef RG_FATE_ENUM
		RG_FATE_COUNT
};

extern const char *const rg_fate_words[]; /* NULL-terminated, in enum order */

struct rg_evidence {
	struct rg_choice choice;
	enum rg_fate fate;
	char why[160];	      /* REFUSED, EXCLUDED; else empty */
	uint32_t launches;    /* that it was measured in */
	uint64_t samples;     /* repetitions, over all of them */
	double time_ns;	      /* geometric mean of the launches' medians; 0: none */
	struct rg_ratio gain; /* against the default in the same launches, at 95 %; n 0: none */
};

struct rg_decision_point {
	uint64_t size_bytes;
	bool boundary; /* measured to find where a range ends, not one of the sizes asked for */
	struct rg_choice choice;
	struct rg_ratio gain; /* of the choice; 1, 1, 1 for the default */
	uint32_t nevidence;
	struct rg_evidence *evidence; /* [nevidence]; the default is first */
};

struct rg_decision_range {
	uint64_t from_bytes, to_bytes; /* both inclusive; the first begins at 0, the last ends at
					  UINT64_MAX (null in the document) */
	struct rg_choice choice;
	struct rg_ratio gain; /* geometric mean over the range's points, over launches */
	uint32_t npoints;
	/* The next best, where there was one, and its time over the choice's (1: a tie). */
	bool has_runner_up;
	struct rg_choice runner_up;
	double runner_up_ratio;
};

struct rg_decision {
	char function[40]; /* the library's: "MPI_Allreduce" */
	enum rg_coll coll;
	bool other; /* RG_MPI_OTHER */
	uint32_t npoints;
	struct rg_decision_point *points; /* [npoints], ascending */
	uint32_t nranges;
	struct rg_decision_range *ranges; /* [nranges], ascending, without gaps */
	char note[160];			  /* why it was not, or not wholly, searched; else empty */
};

/* How ranks should be bound, from the topology (topo/affinity.h); not measured. */
struct rg_decision_binding {
	bool known;
	char why[256];	 /* also why it is not known */
	char map_by[64]; /* words for mpirun: "--map-by core --bind-to core"; may be empty */
	uint32_t nranks; /* of cores; those of one node */
	char **cpus;	 /* [nranks]: "0", "0-3": operating system's numbers of each rank's CPUs */
};

struct rg_decisions {
	char version[32];  /* of railgauge */
	char created[32];  /* UTC, as in results */
	char library[200]; /* the MPI library's own line: "Open MPI v4.1.4, package: ..." */
	char mpi[16];	   /* "openmpi" */
	uint32_t nranks, nnodes;
	uint32_t nhosts;
	char **hosts;	    /* [nhosts], sorted */
	char transport[64]; /* what the launcher was told of it, "" if nothing: "btl self,tcp" */
	uint32_t nlauncher;
	char **launcher; /* [nlauncher]: words after -- */
	uint64_t seed;
	double seconds; /* that measuring took */
	char type[16], op[16];
	bool in_place;
	struct rg_decision_binding binding;
	uint32_t ndecisions;
	struct rg_decision *decisions; /* [ndecisions], by the function's number */
};

/*
 * An empty one, created now. Its arrays and their strings are filled by the caller, by rg_alloc and
 * its like, and belong to it. RG_ERR_NO_MEMORY.
 */
int rg_decisions_open(struct rg_decisions **out, struct rg_err *err);
void rg_decisions_close(struct rg_decisions *decisions); /* NULL is allowed */

/* Releases what a decision owns: points, their evidence, ranges. Zeroed is allowed. */
void rg_decision_release(struct rg_decision *decision);

/*
 * Could they be written? RG_ERR_INVALID "NAME: PLACE: ...": they contradict themselves, or a text
 * is not UTF-8; name stands for the file.
 */
int rg_decisions_check(const struct rg_decisions *decisions, const char *name, struct rg_err *err);

/*
 * Replaces path as a whole. As rg_decisions_check, and as rg_io_replace_file.
 */
int rg_decisions_write(const struct rg_decisions *decisions, const char *path, struct rg_err *err);

/*
 * Reads and checks the whole of it, as rg_result_read does: the first offence is RG_ERR_FORMAT
 * "FILE: decisions[0].ranges[2].from_bytes: expected ...". RG_ERR_UNSUPPORTED for another version.
 */
int rg_decisions_read(const char *path, struct rg_decisions **out, struct rg_err *err);

/* The same without files; name stands for the file in messages. NULL without memory. */
json_t *rg_decisions_to_json(const struct rg_decisions *decisions);
int rg_decisions_from_json(const json_t *root, const char *name, struct rg_decisions **out,
			   struct rg_err *err);

/* Is every range the library's own choice? */
bool rg_decisions_all_default(const struct rg_decisions *decisions);

bool rg_choice_same(const struct rg_choice *a, const struct rg_choice *b);

/* "ring", "segmented_ring in segments of 1M": into text, which it returns. */
#define RG_CHOICE_TEXT_BYTES 112
char *rg_choice_text(const struct rg_choice *choice, char text[RG_CHOICE_TEXT_BYTES]);

/* The range that a size is in; NULL if there are none. */
const struct rg_decision_range *rg_decision_at(const struct rg_decision *decision,
					       uint64_t size_bytes);

#endif
