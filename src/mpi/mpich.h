/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of the module rg_mpi_mpich share beside module.h. */
#ifndef RAILGAUGE_SRC_MPI_MPICH_H
#define RAILGAUGE_SRC_MPI_MPICH_H

#include "module.h"

/* Set at the start, read-only afterwards except for selected. */
struct mpich {
	MPI_Comm targets;		/* owned: all targets' communicator */
	bool wants_algorithms;		/* as the settings said */
	bool hierarchy;			/* a node has several ranks */
	bool is_4_0;			/* the version that runs */
	struct rg_mpi_target *selected; /* whose variables are set now; NULL: nobody's */
};

extern struct mpich mpich;

/* The words that a variable's value may be. */
#define MPICH_MAX_WORDS	 32
#define MPICH_WORD_BYTES 64
struct mpich_words {
	int count;
	char word[MPICH_MAX_WORDS][MPICH_WORD_BYTES]; /* by value */
};

/*
 * mpich_words.c. MPICH has no enumerators in MPI_T: such a variable is an int, and its description
 * lists the words, one a line, in the order of their values. 4.0 left out the ends of the lines;
 * there only words known here can be told apart from what stands before them.
 *
 * RG_ERR_NOT_FOUND if there is no such variable, RG_ERR_UNSUPPORTED if its words cannot be told.
 */
int mpich_words(const char *variable, struct mpich_words *out, struct rg_err *err);

/* The value of a word, or -1. */
int mpich_word_value(const struct mpich_words *words, const char *word);

/* MPICH's own name of the MPI function ("REDUCE_SCATTER_BLOCK"); NULL where there is no choice. */
const char *mpich_function(enum rg_coll coll, enum rg_mpi_variant variant);

/* Nobody's variables are set any more: they have the values of the start. */
void mpich_deselect(void);

#endif
