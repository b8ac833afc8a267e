/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the parts of a loadable module share. Each module is the same sources, compiled against its
 * library's mpi.h, and what is the library's own:
 *
 *   mpi_start.c      start, end, texts of errors, the table rg_mpi_module
 *   mpi_exchange.c   the exchange behind the rendezvous
 *   mpi_target.c     collectives as targets
 *   mpi_t.c          control variables
 *   mpi_fault.c      failures on purpose
 *   openmpi*.c or mpich*.c: everything below that is called library_*
 *
 * Private to src/mpi; only one thread uses it. The module carries its own copy of a few functions
 * of base, since the program exports none.
 */
#ifndef RAILGAUGE_SRC_MPI_MODULE_H
#define RAILGAUGE_SRC_MPI_MODULE_H

#include "railgauge/mpi/glue.h"

#include <mpi.h>

/* Set by start, read-only afterwards except for broken and the MPI_T part. */
struct module {
	MPI_Comm comm; /* owned: rendezvous and barriers; never a target */
	int rank, nranks;
	bool mpi_t;  /* MPI_T is initialised */
	int t_code;  /* why it is not, if that was tried: the library's code */
	bool broken; /* an exchange failed: MPI cannot be ended in good order */
	/* MPI_STATUSES_IGNORE: in MPICH an address that gcc warns of, if it sees it. */
	MPI_Status *ignored;
};

extern struct module module;

/* RG_ERR_SYSTEM with the library's own text for code; words name the call. */
int module_error(struct rg_err *err, int code, const char *words);
void module_error_text(int code, char *text, size_t len_bytes);

/* mpi_exchange.c; see struct rg_mpi_module. */
int module_allgather(const void *mine, void *all, size_t len_bytes,
		     const struct rg_mpi_patience *patience, struct rg_mpi_absent *absent_out,
		     struct rg_err *err);
void module_give_up(const char *text);

/*
 * mpi_t.c. start: before MPI_Init, when nothing can be told of errors yet; init tells. init: once,
 * later calls do nothing. cvar: reads, and with set_to also writes and reads
 * back, a control variable into value[room_bytes], zero-filled; RG_ERR_NOT_FOUND if there is none
 * of the name. cvar_int: 0 where there is no such variable; booleans are not 0 when true. cvar_set:
 * sets an integer and makes sure that it took (RG_ERR_UNSUPPORTED).
 */
void module_t_start(void);
int module_t_init(struct rg_err *err);
void module_t_finish(void);
int module_cvar(const char *name, const int *set_to, void *value, size_t room_bytes,
		struct rg_err *err);
int module_cvar_int(const char *name);
int module_cvar_set(const char *name, int value, struct rg_err *err);

/*
 * mpi_fault.c, RG_MPI_FAULT of glue.h. start: reads the variable, RG_ERR_INVALID. apply: gives an
 * opened target its fault; RG_ERR_UNSUPPORTED if that is to be refused.
 */
int module_fault_start(struct rg_err *err);
int module_fault_apply(struct rg_mpi_target *target, struct rg_err *err);

/* mpi_target.c; see struct rg_mpi_module. */
struct rg_mpi_target {
	int (*run)(const struct rg_mpi_target *target, const struct rg_mpi_call *call);
	/* Of a target that is to give wrong results: what gives the right ones. Else NULL. */
	int (*healthy)(const struct rg_mpi_target *target, const struct rg_mpi_call *call);
	MPI_Comm comm; /* borrowed from the library's part; MPI_COMM_NULL before its open */
	MPI_Datatype type;
	MPI_Op op;
	int count;
	/* [nranks] each; counts is owned, the others follow it. */
	int *counts;		/* for MPI_Reduce_scatter; what MPI_Alltoallv sends */
	int *displs;		/* where that begins */
	int *rcounts, *rdispls; /* what MPI_Alltoallv receives, and where */
	enum rg_coll coll;
	enum rg_mpi_variant variant;
	char algorithm[64];
	int64_t segment_bytes;	    /* as asked for; RG_MPI_SEGMENT_USUAL: the library's */
	struct library_target *own; /* owned by the library's part; NULL if it needs none */
};

int module_algorithms(enum rg_coll coll, enum rg_mpi_variant variant, struct rg_mpi_algorithm *list,
		      uint32_t room, uint32_t *count_out, struct rg_err *err);
int module_target_open(enum rg_coll coll, enum rg_mpi_variant variant, int id,
		       int64_t segment_bytes, struct rg_mpi_target **out, struct rg_err *err);
void module_target_close(struct rg_mpi_target *target);
int module_target_prepare(struct rg_mpi_target *target, const struct rg_mpi_call *call,
			  struct rg_err *err);
int module_target_run(struct rg_mpi_target *target, const struct rg_mpi_call *call);

/* Bytes of an element. */
uint64_t module_type_bytes(enum rg_type type);

/* --- the library's part --- */

extern const char library_name[];  /* "openmpi" */
extern const char library_title[]; /* "Open MPI", for messages */

/* Right before and right after MPI_Init, whether or not that failed. Local. */
void library_before_init(const struct rg_mpi_settings *settings);
void library_after_init(void);

/* Is MPI_T better started before MPI_Init? After library_before_init. */
bool library_starts_with_t(void);

/*
 * What else there is to do at the start; the world is known by then. Collective. It may refuse the
 * user's own settings (RG_ERR_INVALID), RG_ERR_SYSTEM, and has then undone what it did. finish:
 * collective, before MPI_Finalize.
 */
int library_start(const struct rg_mpi_settings *settings, struct rg_err *err);
void library_finish(void);

/* The text of MPI_Get_library_version, of several lines perhaps, in one: into line[len_bytes]. */
void library_version(const char *text, char *line, size_t len_bytes);

/* As the module's member. */
const char *library_rules(void);

/*
 * As the module's member, but that an algorithm is refused if it must not be used with segments of
 * segment_bytes (or RG_MPI_SEGMENT_USUAL).
 */
int library_algorithms(enum rg_coll coll, enum rg_mpi_variant variant, int64_t segment_bytes,
		       struct rg_mpi_algorithm *list, uint32_t room, uint32_t *count_out,
		       struct rg_err *err);

/* As the module's members of these names. */
const char *library_target_runs_as(const struct rg_mpi_target *target,
				   const struct rg_mpi_call *call);
void library_target_select(struct rg_mpi_target *target);

/*
 * Gives a target its communicator and what else algorithm id needs; id is one of the list that may
 * be used with the target's segments. Collective. open undoes what it did when it fails; close
 * takes a target that was never opened, too.
 */
int library_target_open(struct rg_mpi_target *target, int id, struct rg_err *err);
void library_target_close(struct rg_mpi_target *target);

/* The end of a target's preparation for a call; RG_ERR_UNSUPPORTED as there. */
int library_target_prepare(struct rg_mpi_target *target, const struct rg_mpi_call *call,
			   struct rg_err *err);

#endif
