/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What Open MPI's component coll/tuned can be told, as far as files and launches need it: names and
 * numbers of its functions and algorithms, and which size its look-up goes by. Facts alone; no MPI
 * is needed to use them.
 *
 * Sources: ompi/mca/coll/base/coll_base_functions.h (numbers of functions),
 * coll_tuned_<f>_decision.c (algorithms), coll_tuned_decision_dynamic.c (sizes), of the tags
 * v4.0.7, v4.1.4, v5.0.8 and the branch v6.0.x. What the library at hand really has, it is asked
 * itself (mpi/glue.h); this table is for files of machines that are not at hand, and for what a
 * library does not tell about itself.
 */
#ifndef RAILGAUGE_MPI_OPENMPI_TUNED_H
#define RAILGAUGE_MPI_OPENMPI_TUNED_H

#include "railgauge/base/collective.h"
#include "railgauge/base/err.h"
#include "railgauge/mpi/glue.h"

#include <stdbool.h>
#include <stdint.h>

struct rg_ompi_version {
	uint32_t major, minor, release;
};

/* Is it that one, or a later one? */
bool rg_ompi_version_reaches(const struct rg_ompi_version *version, uint32_t major, uint32_t minor,
			     uint32_t release);

struct rg_ompi_algorithm {
	int id; /* 1 and up; 0, "ignore", is the library's own choice */
	const char *name;
	struct rg_ompi_version since; /* zero: all that are known here, from 4.0.0 on */
	bool segments;		      /* a segment size matters to it */
	/*
	 * Its fan-out, for both ways: rules name it, and where the algorithm is forced to be
	 * measured it is set to that as well (4 is what the variables have where nobody sets them;
	 * a rule's 0 would be 1, another algorithm). 0: it has none.
	 */
	uint32_t fanout;
	uint32_t only_ranks; /* fails unless there are so many; 0: any number */
};

struct rg_ompi_function {
	int id;		   /* in rules files: ALLGATHER 0 ... SCATTERV 16 */
	const char *name;  /* in the names of variables: "allreduce", "reduce_scatter_block" */
	const char *mpi;   /* "MPI_Allreduce" */
	enum rg_coll coll; /* what measures it; RG_COLL_COUNT: nothing does */
	enum rg_mpi_variant variant;
	const char *target;			    /* of bench: "mpi" or "mpi-v"; NULL likewise */
	const struct rg_ompi_algorithm *algorithms; /* a row without a name ends it */
	/* Its rules are looked up for size 0 whatever the message (alltoallv, barrier). */
	bool sizeless;
	/*
	 * It must have one rule for all sizes: those above, and gather and scatter. Their look-up
	 * goes by each rank's own send count, which means nothing at scatter's other ranks and at
	 * gather's root in place. Where it says 0 there, as it may, ranks that look at different
	 * rules run different algorithms: seen with 4.1.4 are hangs, errors and wrong data. (In 4.0
	 * the count does not count at all.)
	 */
	bool one_rule;
	/*
	 * In place its look-up goes by a send count that means nothing, and that programs leave at
	 * 0: size 0 is all such calls, whatever their size. Others of size 0 return before it.
	 */
	bool in_place_is_0;
};

/* By id; a row without a name ends it. Functions with no algorithm to choose are in it as well. */
extern const struct rg_ompi_function rg_ompi_functions[];

/* NULL where there is none. */
const struct rg_ompi_function *rg_ompi_function_by_id(int id);
const struct rg_ompi_function *rg_ompi_function_of(enum rg_coll coll, enum rg_mpi_variant variant);
const struct rg_ompi_algorithm *rg_ompi_algorithm_by_id(const struct rg_ompi_function *function,
							int id);
const struct rg_ompi_algorithm *rg_ompi_algorithm_by_name(const struct rg_ompi_function *function,
							  const char *name);

bool rg_ompi_algorithm_in(const struct rg_ompi_algorithm *algorithm,
			  const struct rg_ompi_version *version);

/*
 * The size that rules are to be written for where a call's is S of base/collective.h: S itself (all
 * that coll/tuned counts over a communicator, S counts as well), or 0 where there is one rule; at
 * least 1 where size 0 is calls in place.
 */
uint64_t rg_ompi_rule_bytes(const struct rg_ompi_function *function, uint64_t size_bytes);

/* From the library's line "Open MPI v4.1.4, package: ...". RG_ERR_UNSUPPORTED quotes it. */
int rg_ompi_version_of(const char *line, struct rg_ompi_version *out, struct rg_err *err);

#endif
