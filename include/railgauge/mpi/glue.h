/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MPI behind one interface: as rendezvous, and its collectives as a target to be measured.
 *
 * railgauge itself is not linked with any MPI. For each library a loadable module
 * (rg_mpi_openmpi.so) is built, which exports one symbol, rg_mpi_module, of struct rg_mpi_module.
 * rg_mpi_open chooses one (see rg_mpi_choose), loads it with global symbols, because Open MPI's own
 * plug-ins look for them, and starts MPI. The modules are looked for relative to the executable
 * (../lib/railgauge, then mpi/.libs of the build tree), then in the configured pkglibdir.
 *
 * Only one thread of the process uses MPI. At most one rg_mpi per process and per lifetime.
 */
#ifndef RAILGAUGE_MPI_GLUE_H
#define RAILGAUGE_MPI_GLUE_H

#include "railgauge/base/collective.h"
#include "railgauge/base/err.h"
#include "railgauge/device/types.h"
#include "railgauge/launch/rendezvous.h"

#include <stdbool.h>
#include <stdint.h>

#define RG_MPI_ABI 1

/* What must be decided before MPI_Init. */
struct rg_mpi_settings {
	bool algorithms; /* individual algorithms will be asked for (mpi:ALG, mpi:all) */
};

/*
 * One algorithm of the library for one collective. id 0, name "default", is the library's own
 * choice and is always first.
 */
struct rg_mpi_algorithm {
	int id;
	char name[64];
	char refused[96]; /* why it must not be used with this job (empty: it may) */
};

/* One call as timed. Counts follow base/collective.h: count is the block in elements. */
struct rg_mpi_call {
	const void *src; /* borrowed; equal to dst's own block (nccl-tests' rule) when in_place */
	void *dst;	 /* borrowed */
	uint64_t count;	 /* at most INT_MAX */
	enum rg_type type;
	enum rg_op op;
	uint32_t root;
	bool in_place;
};

/* A communicator on which one collective runs with one algorithm. Owned by the module. */
struct rg_mpi_target;

/* What a module exports. All members are mandatory; all blocking calls are collective. */
struct rg_mpi_module {
	uint32_t abi;	  /* RG_MPI_ABI */
	const char *name; /* "openmpi" */

	/* MPI_Init. Fills rank, nranks and the library's version line (static storage). */
	int (*start)(const struct rg_mpi_settings *settings, uint32_t *rank_out,
		     uint32_t *nranks_out, const char **version_out, struct rg_err *err);

	/* MPI_Finalize; carries on after failures. */
	void (*finish)(void);

	/* MPI_Iallgather of bytes, polled until the deadline; used by the rendezvous. */
	int (*allgather)(const void *mine, void *all, size_t len_bytes, uint64_t deadline_ns,
			 struct rg_err *err);

	/* MPI_Barrier on the module's own communicator. */
	int (*barrier)(struct rg_err *err);

	/* MPI_Abort. Does not return. */
	void (*abort)(int exit_code);

	/*
	 * The algorithms the library has for a collective, read from the library itself (for Open
	 * MPI: the enumerator of coll_tuned_<c>_algorithm through MPI_T). *count_out is always set
	 * to the full number; at most room are written. Collectives without a choice give one.
	 */
	int (*algorithms)(enum rg_coll coll, struct rg_mpi_algorithm *list, uint32_t room,
			  uint32_t *count_out, struct rg_err *err);

	/*
	 * A target for coll with algorithm id (of the list above). variant picks among several MPI
	 * functions for one collective: 0 the usual one (MPI_Reduce_scatter_block), 1 the other
	 * (MPI_Reduce_scatter). RG_ERR_UNSUPPORTED, RG_ERR_INVALID, RG_ERR_SYSTEM.
	 */
	int (*target_open)(enum rg_coll coll, int id, int variant, struct rg_mpi_target **out,
			   struct rg_err *err);
	void (*target_close)(struct rg_mpi_target *target);

	/*
	 * Runs the collective once: what is timed. 0 or the library's error code. No work besides
	 * the call itself: types and operations are resolved by target_prepare.
	 */
	int (*target_run)(struct rg_mpi_target *target, const struct rg_mpi_call *call);

	/* Can (type, op) be run? RG_ERR_UNSUPPORTED says why (no MPI type for half, avg ...). */
	int (*target_prepare)(struct rg_mpi_target *target, const struct rg_mpi_call *call,
			      struct rg_err *err);

	/* The library's text for an error code of target_run, into text[len_bytes]. */
	void (*error_text)(int mpi_code, char *text, size_t len_bytes);
};

/* A loaded and started library. */
struct rg_mpi {
	const struct rg_mpi_module *module; /* borrowed from the loaded object */
	const char *version;		    /* "Open MPI v4.1.4, ..." */
	uint32_t rank, nranks;
};

/*
 * Which module is meant: choice ("openmpi", or NULL), else the environment's RG_MPI, else what the
 * launcher left in the environment (OMPI_COMM_WORLD_SIZE -> openmpi; PMI_RANK or PMI_SIZE ->
 * mpich). RG_ERR_NOT_FOUND when nothing points to MPI; RG_ERR_INVALID when two things disagree, in
 * words. Returns a static name.
 */
int rg_mpi_choose(const char *choice, const char **name_out, struct rg_err *err);

/*
 * Loads and starts. Refuses N singletons: when the launcher's environment says that N ranks were
 * started and MPI_COMM_WORLD has another size, the message names both and the likely cause.
 * RG_ERR_NOT_FOUND (no such module was built; names those that were), RG_ERR_MISMATCH.
 */
int rg_mpi_open(const char *name, const struct rg_mpi_settings *settings, struct rg_mpi **mpi_out,
		struct rg_err *err);
void rg_mpi_close(struct rg_mpi *mpi); /* NULL is allowed */

/*
 * The job as a rendezvous; mpi outlives it. The job key is drawn by rank 0 and sent through MPI.
 * Deadlines: MPI's own calls cannot be bounded from inside; its allgather is polled
 * (MPI_Iallgather with MPI_Test), so that a peer that never comes ends in RG_ERR_TIMEOUT.
 */
int rg_mpi_rendezvous_open(struct rg_mpi *mpi, struct rg_rendezvous **rdv_out, struct rg_err *err);

/* Names of the modules that were built and can be found, for `railgauge info`; NULL-terminated. */
const char *const *rg_mpi_modules(void);

/* Full path a module would be loaded from, or RG_ERR_NOT_FOUND. path[len_bytes]. */
int rg_mpi_module_path(const char *name, char *path, size_t len_bytes, struct rg_err *err);

#endif
