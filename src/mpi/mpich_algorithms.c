/* SPDX-License-Identifier: BSD-3-Clause */
/* Which algorithms MPICH has, and why some must not be used with this job. */
#include "config.h"

#include "mpich.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *mpich_function(enum rg_coll coll, enum rg_mpi_variant variant)
{
	switch (coll) {
	case RG_COLL_ALLREDUCE:
		return "ALLREDUCE";
	case RG_COLL_REDUCE:
		return "REDUCE";
	case RG_COLL_REDUCESCATTER:
		return variant == RG_MPI_USUAL ? "REDUCE_SCATTER_BLOCK" : "REDUCE_SCATTER";
	case RG_COLL_ALLGATHER:
		return "ALLGATHER";
	case RG_COLL_GATHER:
		return "GATHER";
	case RG_COLL_SCATTER:
		return "SCATTER";
	case RG_COLL_ALLTOALL:
		return "ALLTOALL";
	case RG_COLL_ALLTOALLV:
		return "ALLTOALLV";
	case RG_COLL_BROADCAST:
		return "BCAST";
	case RG_COLL_BARRIER:
		return "BARRIER";
	case RG_COLL_SENDRECV:
	case RG_COLL_COUNT:
		break;
	}
	return NULL;
}

static bool is_pow2(int n)
{
	return (n & (n - 1)) == 0;
}

/* Why algorithm name of a collective must not be used whatever the call; NULL: it may. */
static const char *refused(enum rg_coll coll, const char *name, int64_t segment_bytes)
{
	if (segment_bytes != RG_MPI_SEGMENT_USUAL)
		return "MPICH takes no segment size";
	if (module.nranks == 1)
		return "with one rank nothing is sent, whatever the algorithm";
	if (!strcmp(name, "smp") && !mpich.hierarchy)
		return "no node has more than one rank: the library's own choice would run";
	if (coll == RG_COLL_ALLGATHER && !strcmp(name, "recursive_doubling") &&
	    !is_pow2(module.nranks))
		return "the number of ranks is no power of two: the library's own choice would run";
	if (!strcmp(name, "noncommutative") && !is_pow2(module.nranks))
		return "the number of ranks is no power of two";
	if (!strcmp(name, "ccl"))
		return "it needs buffers of a GPU, and gives way silently";
	if (!mpich.wants_algorithms)
		return "MPI was started without its algorithms being selectable";
	return NULL;
}

/*
 * Are the words numbered as they are listed? What the variable was at the start tells: "auto", or
 * the user's own choice.
 */
static bool is_numbered(const char *variable, const struct mpich_words *words)
{
	const char *set = getenv(variable);
	int value = 0;

	return !module_cvar(variable, NULL, &value, sizeof(value), NULL) &&
	       mpich_word_value(words, set ? set : "auto") == value;
}

static void fill(struct rg_mpi_algorithm *a, enum rg_coll coll, int64_t segment_bytes,
		 const char *variable, const struct mpich_words *words, int value)
{
	const char *why = refused(coll, words->word[value], segment_bytes);

	*a = (struct rg_mpi_algorithm){.id = value + 1};
	snprintf(a->name, sizeof(a->name), "%s", words->word[value]);
	if (why)
		snprintf(a->refused, sizeof(a->refused), "%s", why);
	else if (!is_numbered(variable, words))
		snprintf(a->refused, sizeof(a->refused),
			 "%s has another value than expected, so its words' values are not known",
			 variable);
}

int library_algorithms(enum rg_coll coll, enum rg_mpi_variant variant, int64_t segment_bytes,
		       struct rg_mpi_algorithm *list, uint32_t room, uint32_t *count_out,
		       struct rg_err *err)
{
	const char *function = mpich_function(coll, variant);
	struct mpich_words words = {0};
	char variable[80];
	uint32_t count = 1;
	int rc;

	rc = module_t_init(err);
	if (rc)
		return rc;
	mpich_deselect();
	if (room)
		list[0] = (struct rg_mpi_algorithm){.id = 0, .name = "default"};
	if (function) {
		snprintf(variable, sizeof(variable), "MPIR_CVAR_%s_INTRA_ALGORITHM", function);
		rc = mpich_words(variable, &words, err); /* NOT_FOUND: no choice */
	}
	if (rc && rc != RG_ERR_NOT_FOUND)
		return rc;
	for (int i = 0; i < words.count; i++) {
		if (!strcmp(words.word[i], "auto"))
			continue; /* the default */
		if (count < room)
			fill(&list[count], coll, segment_bytes, variable, &words, i);
		count++;
	}
	*count_out = count;
	return 0;
}
