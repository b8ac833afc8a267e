/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Targets: what can be measured. Each carries out a collective on buffers that the sampler owns:
 *
 *   railgauge[:ALGORITHM[:PROTOCOL]]  our own algorithms; ALGORITHM auto or all
 *   mpi[:ALGORITHM[:SEGMENT]]         the MPI library's; ALGORITHM default or all; SEGMENT a size,
 *                                     of an algorithm that cuts messages (else the library's)
 *   mpi-v[:ALGORITHM[:SEGMENT]]       its other function, where it has two (MPI_Reduce_scatter)
 *
 * Flow: a list of words is parsed into wishes (rg_target_parse, before MPI is started, since the
 * library must know whether algorithms will be asked for); wishes are expanded into specs with
 * labels (rg_target_expand); a spec is opened for one problem, and then run many times.
 *
 * A target belongs to one thread. open and close are collective; what one rank refuses, all refuse.
 */
#ifndef RAILGAUGE_MEASURE_TARGET_H
#define RAILGAUGE_MEASURE_TARGET_H

#include "railgauge/base/collective.h"
#include "railgauge/base/err.h"
#include "railgauge/coll/executor.h"
#include "railgauge/device/types.h"
#include "railgauge/launch/rendezvous.h"
#include "railgauge/measure/paths.h"
#include "railgauge/mpi/glue.h"
#include "railgauge/transport/transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a job of measurements has; all borrowed. */
struct rg_job {
	struct rg_rendezvous *rdv;
	struct rg_endpoint *ep;	      /* NULL: no transport could be opened */
	struct rg_executor *executor; /* NULL likewise */
	struct rg_mpi *mpi;	      /* NULL: no MPI */
	const char *no_mpi;	      /* why there is none, in words */
	const char *no_transport;     /* likewise */
	uint64_t deadline_ns;	      /* length of any wait for a peer */
	uint64_t stream_from_bytes;   /* rg_stream_threshold_bytes() of this rank */
	/* [nranks], as in struct rg_layout; NULL: all ranks are on one node */
	const uint32_t *node, *local;
};

/*
 * Pairs of source and destination in one allocation: source i is at base + i * stride, destination
 * i at dst_at beyond that and as large as the larger of the two, so that it can be both in place.
 */
struct rg_pairs {
	uint8_t *base;			/* borrowed */
	const struct rg_window *window; /* base's window, mapped everywhere; NULL: private */
	size_t stride, dst_at;		/* bytes */
};

/* A problem for a target: all the same on every rank but the pointers. */
struct rg_target_problem {
	enum rg_coll coll;
	enum rg_type type;
	enum rg_op op;
	uint64_t count;		/* elements of one block */
	const uint64_t *counts; /* alltoallv's (coll/problem.h), else NULL; borrowed until close */
	bool in_place;
	bool persistent;	      /* windows were handed over beforehand: see coll/problem.h */
	uint32_t channels;	      /* 0: the algorithm's choice */
	uint32_t radix, window;	      /* of algorithms that have them; 0: their choice */
	uint32_t first_root, nroots;  /* roots first_root + i, i < nroots, modulo the ranks */
	struct rg_paths paths;	      /* what was found best for private data */
	const struct rg_pairs *pairs; /* borrowed until close */
};

/* How a note begins that says that the library silently runs another algorithm. */
#define RG_TARGET_RUNS_OTHER "the library runs "

/* Names of what really runs, for the result. Empty where there is nothing to say. */
struct rg_target_about {
	char algorithm[64];
	char protocol[16];
	uint32_t channels; /* 0: not known */
	char note[160];	   /* "the library runs basic_linear instead" */
};

struct rg_target;
struct rg_target_spec;

struct rg_target_ops {
	const char *name; /* "mpi"; what stands before the first colon */
	const char *summary;

	/* Checks the words after the name, as far as possible without the job. RG_ERR_INVALID. */
	int (*check)(enum rg_coll coll, const char *words, struct rg_err *err);

	/*
	 * Writes the specs that words mean (label not set) into list[room]; *count_out is their
	 * full number. RG_ERR_NOT_FOUND, RG_ERR_UNSUPPORTED (no MPI here, and why).
	 */
	int (*expand)(const struct rg_job *job, enum rg_coll coll, const char *words,
		      struct rg_target_spec *list, uint32_t room, uint32_t *count_out,
		      struct rg_err *err);

	/* RG_ERR_UNSUPPORTED with the reason; RG_ERR_NO_MEMORY and others. */
	int (*open)(const struct rg_job *job, const struct rg_target_spec *spec,
		    const struct rg_target_problem *problem, struct rg_target **target_out,
		    struct rg_err *err);
	void (*close)(struct rg_target *target); /* NULL is allowed */

	/*
	 * Before operations of this target that may follow those of another one. Local, not timed.
	 * Optional.
	 */
	void (*select)(struct rg_target *target);

	/*
	 * One operation, from source src of the pairs to destination dst (in place: on destination
	 * dst alone), with root number root of the problem's. What is timed. RG_ERR_PEER,
	 * RG_ERR_TIMEOUT, RG_ERR_SYSTEM.
	 */
	int (*run)(struct rg_target *target, uint32_t src, uint32_t dst, uint32_t root,
		   struct rg_err *err);

	void (*about)(const struct rg_target *target, struct rg_target_about *about_out);
};

/* The head of every target. */
struct rg_target {
	const struct rg_target_ops *ops;
};

/* One thing to be measured. */
struct rg_target_spec {
	const struct rg_target_ops *ops;
	/* Unique in a list: "mpi:ring", "mpi#2", "mpi:segmented_ring:64K" (rg_format_size). */
	char label[96];
	char algorithm[64]; /* empty: auto or default */
	int protocol;	    /* enum rg_protocol, or -1: auto */
	int mpi_id;
	int64_t mpi_segment_bytes; /* RG_MPI_SEGMENT_USUAL: the library's */
};

#define RG_TARGETS_MAX 64

/* NULL-terminated. */
extern const struct rg_target_ops *const rg_targets[];

/*
 * Checks a comma-separated list as typed. *algorithms_out: does it name individual algorithms of
 * MPI (struct rg_mpi_settings)? *mpi_out: does it need MPI at all? RG_ERR_INVALID with a suggestion
 * for an unknown name. what is the beginning of messages, "--target", here and below.
 */
int rg_target_parse(const char *list, const char *what, enum rg_coll coll, bool *mpi_out,
		    bool *algorithms_out, struct rg_err *err);

/*
 * Specs with labels into specs[RG_TARGETS_MAX]. The same target twice is two specs, the second
 * labelled "#2": that is how a run is compared with itself. RG_ERR_LIMIT for too many, and
 * expand's errors.
 */
int rg_target_expand(const struct rg_job *job, enum rg_coll coll, const char *list,
		     const char *what, struct rg_target_spec *specs, uint32_t *count_out,
		     struct rg_err *err);

extern const struct rg_target_ops rg_target_railgauge;
extern const struct rg_target_ops rg_target_mpi;
extern const struct rg_target_ops rg_target_mpi_v;

#endif
