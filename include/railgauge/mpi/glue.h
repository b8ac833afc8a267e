/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MPI behind one interface: as rendezvous, and its collectives as a target to be measured.
 *
 * railgauge itself is not linked with any MPI. For each library that configure finds, Open MPI and
 * MPICH, a loadable module (rg_mpi_openmpi.so, rg_mpi_mpich.so) is built, which exports one symbol,
 * rg_mpi_module, of struct rg_mpi_module; so one installed railgauge serves both. rg_mpi_open loads
 * one with global symbols, because Open MPI's own plug-ins look for them, and starts MPI;
 * rg_mpi_choose says which one is meant. The modules are looked for in the folder
 * RG_MPI_MODULES (if set; then nowhere else), else relative to the executable
 * (../lib/railgauge, then mpi/.libs of the build tree), then in the configured pkglibdir.
 *
 * For tests, RG_MPI_FAULT in the environment at the start makes collectives fail on the highest
 * rank: COLLECTIVE:ALGORITHM:KIND, several with commas between, where COLLECTIVE is bench's name
 * and ALGORITHM is "default" or the library's name. KIND is crash (abort), hang (for ever), wrong
 * (the first element of this rank's result is another one) or refuse (the target cannot be opened).
 * Such a target runs another function; all others run as if the variable were not there.
 *
 * Only one thread of the process uses MPI. At most one rg_mpi per process and per lifetime: MPI
 * cannot be started twice. Every function below that is not said to be collective is local.
 */
#ifndef RAILGAUGE_MPI_GLUE_H
#define RAILGAUGE_MPI_GLUE_H

#include "railgauge/base/collective.h"
#include "railgauge/base/err.h"
#include "railgauge/device/types.h"
#include "railgauge/launch/rendezvous.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RG_MPI_ABI 10

/* The library goes by no rules of the user's: see struct rg_mpi. */
#define RG_MPI_NO_RULES "none"

/* A segment size that is left to the library: what its own variable says. */
#define RG_MPI_SEGMENT_USUAL (-1)

/* What must be decided before MPI_Init. */
struct rg_mpi_settings {
	/*
	 * Individual algorithms will be asked for (mpi:ALG, mpi:all). The library is then started
	 * with its algorithms selectable, unless the user has decided that already; "default" is
	 * still what an untouched launch does (a test compares their messages).
	 */
	bool algorithms;
};

/*
 * One algorithm of the library for one MPI function. id 0, name "default", is the library's own
 * choice and is always first.
 */
struct rg_mpi_algorithm {
	int id;
	char name[64];
	char refused[160]; /* why it must not be used with this job (empty: it may) */
};

/*
 * One call as timed. Counts follow base/collective.h: count is the block in elements; shapes and
 * types of the buffers likewise.
 *
 * In place: allreduce, reduce, alltoall, alltoallv, broadcast and sendrecv have src equal to dst,
 * allgather and gather have src equal to the caller's own block of dst, scatter has dst equal to
 * the caller's own block of src (nccl-tests' rule). Only for reducescatter MPI's rule is another
 * one: dst is src, and the result is the first block, not the caller's own. Where only the root has
 * a result (reduce, gather), dst means nothing to the others, and src stays as it is; where only it
 * has a source (scatter), src means nothing to the others. Out of place, MPI's broadcast still has
 * one buffer: src at the root, dst elsewhere; the root's dst stays as it was.
 */
struct rg_mpi_call {
	const void *src; /* borrowed; NULL is allowed where it has no elements */
	void *dst;	 /* borrowed; likewise */
	uint64_t count;	 /* at most INT_MAX */
	/* alltoallv: elements from each rank to each (base/matrix.h), count is the busiest's. */
	const uint64_t *counts; /* [nranks][nranks], borrowed by prepare; else NULL */
	enum rg_type type;
	enum rg_op op;
	uint32_t root;
	bool in_place;
};

/*
 * Which MPI function, where there are several for one collective. For reducescatter: the usual one
 * is MPI_Reduce_scatter_block, the other MPI_Reduce_scatter. All other collectives have only one.
 */
enum rg_mpi_variant { RG_MPI_USUAL, RG_MPI_OTHER };

/* One MPI function that runs with one algorithm. Owned by the module. */
struct rg_mpi_target;

/* Who did not come to an exchange, as far as it is known. */
struct rg_mpi_absent {
	uint32_t count; /* ranks that did not come; 0: not known */
	uint32_t rank;	/* the lowest of them */
};

/* How an exchange is waited for. */
struct rg_mpi_patience {
	uint64_t deadline_ns;
	/*
	 * Asked now and then during a wait that is not short: is a peer known to be gone? Its error
	 * ends the exchange after a last look, since that peer may have done its part before.
	 */
	int (*look)(void *arg, struct rg_err *err); /* mandatory */
	void *arg;				    /* borrowed during the call */
};

/* What a module exports. All members are mandatory. */
struct rg_mpi_module {
	uint32_t abi;	  /* RG_MPI_ABI */
	const char *name; /* "openmpi", "mpich" */

	/*
	 * MPI_Init. Collective; blocks as long as the library does. Fills rank, nranks and the
	 * library's version line (static storage). RG_ERR_SYSTEM; RG_ERR_INVALID when the user's
	 * own settings of the library contradict the wish for algorithms.
	 */
	int (*start)(const struct rg_mpi_settings *settings, uint32_t *rank_out,
		     uint32_t *nranks_out, const char **version_out, struct rg_err *err);

	/*
	 * MPI_Finalize. Collective. Carries on after failures; after an exchange that failed it
	 * leaves MPI as it is, since MPI_Finalize would wait for the peer that is gone.
	 */
	void (*finish)(void);

	/*
	 * mine[len_bytes] of every rank into all[nranks][len_bytes]; len_bytes is equal everywhere.
	 * Collective; polled until the deadline, or until look fails. RG_ERR_TIMEOUT fills
	 * *absent_out: rank 0 knows who did not come and tells those that did, for which they wait
	 * up to a second longer. RG_ERR_PEER when a peer gave up, and at once if an earlier
	 * exchange failed; RG_ERR_RANGE (len_bytes above INT_MAX), RG_ERR_SYSTEM, RG_ERR_NO_MEMORY.
	 */
	int (*allgather)(const void *mine, void *all, size_t len_bytes,
			 const struct rg_mpi_patience *patience, struct rg_mpi_absent *absent_out,
			 struct rg_err *err);

	/*
	 * Tells every other rank that this one gives up and why; their next or present allgather
	 * returns RG_ERR_PEER with the text. Not collective; blocks at most 200 ms; never fails.
	 */
	void (*give_up)(const char *text);

	/* As struct rg_mpi's rules, after start. */
	const char *(*rules)(void);

	/* MPI_Abort: ends the job. Does not return. */
	void (*abort)(int exit_code);

	/*
	 * The algorithms the library has for a collective's MPI function, read from the library
	 * itself through MPI_T: for Open MPI the enumerator of coll_tuned_<f>_algorithm, for MPICH
	 * the description of MPIR_CVAR_<F>_INTRA_ALGORITHM (what MPICH's device would do on its own
	 * is part of the default, see mpich.c). *count_out is always set to the full number; at
	 * most room are written. Functions without a choice have one, the default. What is refused
	 * is so with segments of RG_MPI_SEGMENT_USUAL. RG_ERR_SYSTEM, RG_ERR_UNSUPPORTED (the
	 * library describes them in a way that is not known).
	 */
	int (*algorithms)(enum rg_coll coll, enum rg_mpi_variant variant,
			  struct rg_mpi_algorithm *list, uint32_t room, uint32_t *count_out,
			  struct rg_err *err);

	/*
	 * A target for coll with algorithm id (of the list above) that cuts messages into segments
	 * of segment_bytes: RG_MPI_SEGMENT_USUAL, 0 (it does not cut) or more, up to INT_MAX. What
	 * an algorithm makes of a segment that does not suit the call, target_runs_as says.
	 * Collective: all ranks open the same targets in the same order. RG_ERR_INVALID (no such
	 * id; the default has no segments but the usual), RG_ERR_UNSUPPORTED (refused, or the
	 * library did not take the setting; MPICH has no segments), RG_ERR_RANGE, RG_ERR_SYSTEM,
	 * RG_ERR_NO_MEMORY.
	 */
	int (*target_open)(enum rg_coll coll, enum rg_mpi_variant variant, int id,
			   int64_t segment_bytes, struct rg_mpi_target **out, struct rg_err *err);
	void (*target_close)(struct rg_mpi_target *target); /* collective; NULL is allowed */

	/*
	 * Resolves what a call needs (type, operation, counts) and remembers it: the calls that
	 * follow differ from this one only in buffers and root. RG_ERR_UNSUPPORTED says why it
	 * cannot be run (MPI has no average, no type for half ...), RG_ERR_RANGE (count, root),
	 * RG_ERR_NO_MEMORY.
	 */
	int (*target_prepare)(struct rg_mpi_target *target, const struct rg_mpi_call *call,
			      struct rg_err *err);

	/*
	 * The name of the algorithm that really runs for such a call where the library silently
	 * replaces the one asked for (few elements, in place ...); NULL where it runs as itself.
	 * Static text. From the library's sources, so a statement about the versions named in the
	 * module; it asks nothing of the library. (MPICH itself can be told to fail rather than
	 * replace: it is, except where this function says that it will.)
	 */
	const char *(*target_runs_as)(const struct rg_mpi_target *target,
				      const struct rg_mpi_call *call);

	/*
	 * Makes the target the one that runs next: before the first target_run after any target was
	 * opened, prepared, closed, another one selected or algorithms listed. Local; not to be
	 * timed. For libraries whose algorithms are chosen for the whole process (MPICH).
	 */
	void (*target_select)(struct rg_mpi_target *target);

	/*
	 * Runs the collective once: what is timed. 0 or the library's error code. No work besides
	 * the call itself.
	 */
	int (*target_run)(struct rg_mpi_target *target, const struct rg_mpi_call *call);

	/* The library's text for an error code of target_run, into text[len_bytes]. */
	void (*error_text)(int mpi_code, char *text, size_t len_bytes);
};

/* A loaded and started library. */
struct rg_mpi {
	const struct rg_mpi_module *module; /* borrowed from the loaded object, which stays */
	const char *version;		    /* "Open MPI v4.1.4, ...", "MPICH 4.0.2, ch4:ucx" */
	/*
	 * What the library was told to choose its algorithms by, whoever told it (environment,
	 * launcher, a file of parameters), as this rank has it: RG_MPI_NO_RULES, the path of a file
	 * of rules (it has a '/'), "coll_tuned_bcast_algorithm = 6" where single algorithms are set
	 * (Open MPI goes by them only while dynamic rules are on), or "on" where dynamic rules are
	 * on without either. NULL: this library has no such thing, or does not tell. Static
	 * storage.
	 */
	const char *rules;
	uint32_t rank, nranks;
};

/*
 * Which module is meant: choice ("openmpi", "mpich", "none", or NULL), else the environment's
 * RG_MPI, else what the launcher left in the environment (OMPI_COMM_WORLD_SIZE or PMIX_RANK:
 * openmpi; PMI_RANK: mpich). RG_ERR_NOT_FOUND when nothing points to MPI, or "none" was chosen;
 * RG_ERR_INVALID when two launchers' traces disagree or the name is unknown, in words. Whether the
 * module was built only rg_mpi_open looks at.
 */
int rg_mpi_choose(const char *choice, const char **name_out, struct rg_err *err);

/*
 * Loads and starts. Collective. Refuses N singletons: when the launcher's environment says that N
 * ranks were started and MPI_COMM_WORLD has another size, the message names both and the likely
 * cause. RG_ERR_NOT_FOUND (no such module was built; names those that were), RG_ERR_MISMATCH,
 * RG_ERR_UNSUPPORTED (the module's interface is another release's), RG_ERR_INVALID (a second
 * time in one process), RG_ERR_SYSTEM, RG_ERR_NO_MEMORY.
 */
int rg_mpi_open(const char *name, const struct rg_mpi_settings *settings, struct rg_mpi **mpi_out,
		struct rg_err *err);

/*
 * Ends MPI. Collective. The library stays mapped: MPI libraries do not survive being unloaded.
 * NULL is allowed.
 */
void rg_mpi_close(struct rg_mpi *mpi);

/*
 * The job as a rendezvous; mpi outlives it. Collective. The job key is drawn by rank 0 and sent
 * through MPI. Ranks of another build are refused (RG_ERR_MISMATCH names them and their hosts).
 * An exchange is polled, so a peer that never comes ends in RG_ERR_TIMEOUT with its rank and host.
 * The rendezvous' abort tells the other ranks (give_up above); ending the job is up to the program
 * (module->abort). RG_ERR_TIMEOUT, RG_ERR_PEER, RG_ERR_SYSTEM, RG_ERR_NO_MEMORY.
 */
int rg_mpi_rendezvous_open(struct rg_mpi *mpi, uint64_t deadline_ns, struct rg_rendezvous **rdv_out,
			   struct rg_err *err);

/* Names of the modules that were built and can be found; NULL-terminated. */
const char *const *rg_mpi_modules(void);

/* All libraries that there could be a module for; NULL-terminated. */
const char *const *rg_mpi_known(void);

/* The package that a module is built with, for messages: "libmpich-dev (mpich-devel)". */
const char *rg_mpi_package(const char *name);

/*
 * Full path a module would be loaded from: path[len_bytes]. RG_ERR_NOT_FOUND says which package it
 * takes to build it.
 */
int rg_mpi_module_path(const char *name, char *path, size_t len_bytes, struct rg_err *err);

#endif
