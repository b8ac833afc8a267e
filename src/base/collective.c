/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/base/collective.h"

const char *const rg_coll_words[] = {
#define WORD(name, word) word,
	RG_COLL_LIST(WORD)
#undef WORD
		NULL,
};

const char *rg_coll_name(enum rg_coll coll)
{
	return rg_coll_words[coll];
}

bool rg_coll_reduces(enum rg_coll coll)
{
	return coll == RG_COLL_ALLREDUCE || coll == RG_COLL_REDUCE || coll == RG_COLL_REDUCESCATTER;
}

bool rg_coll_has_root(enum rg_coll coll)
{
	return coll == RG_COLL_REDUCE || coll == RG_COLL_GATHER || coll == RG_COLL_SCATTER ||
	       coll == RG_COLL_BROADCAST;
}

bool rg_coll_has_src(enum rg_coll coll, uint32_t rank, uint32_t root)
{
	return (coll != RG_COLL_SCATTER && coll != RG_COLL_BROADCAST) || rank == root;
}

bool rg_coll_has_dst(enum rg_coll coll, uint32_t rank, uint32_t root)
{
	return (coll != RG_COLL_REDUCE && coll != RG_COLL_GATHER) || rank == root;
}

/* Is a buffer of the collective made of one block per rank? */
static bool src_is_blocks(enum rg_coll coll)
{
	return coll == RG_COLL_REDUCESCATTER || coll == RG_COLL_SCATTER || coll == RG_COLL_ALLTOALL;
}

static bool dst_is_blocks(enum rg_coll coll)
{
	return coll == RG_COLL_ALLGATHER || coll == RG_COLL_GATHER || coll == RG_COLL_ALLTOALL;
}

uint64_t rg_coll_block_count(enum rg_coll coll, uint64_t total_count, uint32_t nranks)
{
	if (coll == RG_COLL_BARRIER)
		return 0;
	return src_is_blocks(coll) || dst_is_blocks(coll) ? total_count / nranks : total_count;
}

uint64_t rg_coll_src_count(enum rg_coll coll, uint64_t block_count, uint32_t nranks)
{
	return src_is_blocks(coll) ? block_count * nranks : block_count;
}

uint64_t rg_coll_dst_count(enum rg_coll coll, uint64_t block_count, uint32_t nranks)
{
	return dst_is_blocks(coll) ? block_count * nranks : block_count;
}

double rg_coll_bus_factor(enum rg_coll coll, uint32_t nranks)
{
	double p = nranks;

	switch (coll) {
	case RG_COLL_ALLREDUCE:
		return 2 * (p - 1) / p;
	case RG_COLL_REDUCESCATTER:
	case RG_COLL_ALLGATHER:
	case RG_COLL_GATHER:
	case RG_COLL_SCATTER:
	case RG_COLL_ALLTOALL:
		return (p - 1) / p;
	case RG_COLL_REDUCE:
	case RG_COLL_BROADCAST:
	case RG_COLL_SENDRECV:
		return 1;
	case RG_COLL_ALLTOALLV:
	case RG_COLL_BARRIER:
	case RG_COLL_COUNT:
		break;
	}
	return 0;
}
