/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "oracle.h"

#include "railgauge/base/matrix.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUARD_BYTES 64
#define POISON	    0xa5

static const size_t type_bytes[RG_TYPE_COUNT] = {
#define BYTES(name, word, bytes) [RG_TYPE_##name] = bytes,
	RG_TYPE_LIST(BYTES)
#undef BYTES
};

void check_failed(struct rg_mpi *mpi, const char *file, int line, const char *what, const char *fmt,
		  ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s:%d: rank %u: not so: %s (%s)\n", file, line, mpi->rank, what, text);
	mpi->module->abort(1);
	abort();
}

/* Element index of rank's source. Only 1 to 5, so that products stay exact in a float. */
static long value(uint32_t rank, uint64_t index)
{
	return (long)((rank * 7 + index * 3 + index / 5) % 5 + 1);
}

static long combine(enum rg_op op, long a, long b)
{
	switch (op) {
	case RG_OP_SUM:
		return a + b;
	case RG_OP_PROD:
		return a * b;
	case RG_OP_MIN:
		return a < b ? a : b;
	default:
		return a > b ? a : b;
	}
}

static long reduced(enum rg_op op, uint32_t nranks, uint64_t index)
{
	long v = value(0, index);

	for (uint32_t r = 1; r < nranks; r++)
		v = combine(op, v, value(r, index));
	return v;
}

static void store(enum rg_type type, void *base, uint64_t i, long v)
{
	switch (type) {
	case RG_TYPE_INT8:
	case RG_TYPE_UINT8:
		((uint8_t *)base)[i] = (uint8_t)v;
		break;
	case RG_TYPE_FLOAT16:
	case RG_TYPE_BFLOAT16: /* only moved here, so any 16 bits do */
		((uint16_t *)base)[i] = (uint16_t)v;
		break;
	case RG_TYPE_INT32:
	case RG_TYPE_UINT32:
		((uint32_t *)base)[i] = (uint32_t)v;
		break;
	case RG_TYPE_INT64:
	case RG_TYPE_UINT64:
		((uint64_t *)base)[i] = (uint64_t)v;
		break;
	case RG_TYPE_FLOAT32:
		((float *)base)[i] = (float)v;
		break;
	default:
		((double *)base)[i] = (double)v;
		break;
	}
}

/* Element i of this rank's result. */
static long expected(const struct rg_mpi *mpi, enum rg_coll coll, const struct rg_mpi_call *call,
		     uint64_t i)
{
	uint32_t p = mpi->nranks;

	switch (coll) {
	case RG_COLL_ALLREDUCE:
	case RG_COLL_REDUCE:
		return reduced(call->op, p, i);
	case RG_COLL_REDUCESCATTER:
		return reduced(call->op, p, mpi->rank * call->count + i);
	case RG_COLL_ALLGATHER:
	case RG_COLL_GATHER:
		return value((uint32_t)(i / call->count), i % call->count);
	case RG_COLL_ALLTOALL:
		return value((uint32_t)(i / call->count),
			     mpi->rank * call->count + i % call->count);
	case RG_COLL_ALLTOALLV:
		for (uint32_t r = 0; r < p; r++) {
			if (i < rg_matrix_at(call->counts, p, r, mpi->rank))
				return value(r,
					     rg_matrix_src_at(call->counts, p, r, mpi->rank) + i);
			i -= rg_matrix_at(call->counts, p, r, mpi->rank);
		}
		return 0;
	case RG_COLL_SCATTER:
		return value(call->root, mpi->rank * call->count + i);
	case RG_COLL_BROADCAST:
		return value(call->root, i);
	default:
		return value((mpi->rank + p - 1) % p, i);
	}
}

/* A buffer of count elements between two guards, all poison. */
static unsigned char *make_buffer(struct rg_mpi *mpi, size_t len_bytes)
{
	unsigned char *p = malloc(len_bytes + 2 * (size_t)GUARD_BYTES);

	check(mpi, p, "%zu bytes", len_bytes);
	memset(p, POISON, len_bytes + 2 * (size_t)GUARD_BYTES);
	return p;
}

static bool is_poison(const unsigned char *p, size_t len_bytes)
{
	for (size_t i = 0; i < len_bytes; i++) {
		if (p[i] != POISON)
			return false;
	}
	return true;
}

/* Where this rank's source and result begin in the buffer that holds both in place. */
static void place(const struct rg_mpi *mpi, enum rg_coll coll, unsigned char *buffer,
		  struct rg_mpi_call *call)
{
	size_t own = mpi->rank * call->count * type_bytes[call->type];

	call->src = buffer + (coll == RG_COLL_ALLGATHER || coll == RG_COLL_GATHER ? own : 0);
	call->dst = buffer + (coll == RG_COLL_SCATTER ? own : 0);
}

/* Does a buffer hold the result, or (not result) still this rank's source? */
static void check_values(struct rg_mpi *mpi, enum rg_coll coll, const struct rg_mpi_call *call,
			 const unsigned char *buffer, uint64_t count, bool result, const char *what)
{
	size_t each = type_bytes[call->type];

	for (uint64_t i = 0; i < count; i++) {
		unsigned char want[8];

		store(call->type, want, 0,
		      result ? expected(mpi, coll, call, i) : value(mpi->rank, i));
		check(mpi, !memcmp(buffer + i * each, want, each),
		      "%s: %s, %llu elements of type %d, op %d, root %u%s: element %llu", what,
		      rg_coll_name(coll), (unsigned long long)call->count, call->type, call->op,
		      call->root, call->in_place ? ", in place" : "", (unsigned long long)i);
	}
}

/* Of an all-to-all-v: blocks of none, count or twice as many; in place as many come as go. */
static void count_elements(const struct rg_mpi *mpi, enum rg_coll coll, struct rg_mpi_call *call,
			   uint64_t *nsrc_out, uint64_t *ndst_out)
{
	static uint64_t counts[64 * 64];
	uint32_t p = mpi->nranks;

	*nsrc_out = rg_coll_src_count(coll, call->count, p);
	*ndst_out = rg_coll_dst_count(coll, call->count, p);
	if (coll != RG_COLL_ALLTOALLV)
		return;
	for (uint32_t i = 0; i < p * p; i++)
		counts[i] = (i / p * (call->in_place ? 1 : 2) + i % p + 1) % 3 * call->count;
	call->counts = counts;
	call->count = rg_matrix_busiest(counts, p);
	*nsrc_out = rg_matrix_sent(counts, p, mpi->rank);
	*ndst_out = rg_matrix_received(counts, p, mpi->rank);
}

void oracle_run(struct rg_mpi *mpi, struct rg_mpi_target *target, enum rg_coll coll,
		const struct rg_mpi_call *given, const char *what)
{
	struct rg_mpi_call call = *given;
	size_t each = type_bytes[call.type];
	uint64_t nsrc, ndst, larger;
	unsigned char *dst, *src;
	bool has_src = rg_coll_has_src(coll, mpi->rank, call.root);
	bool has_dst = rg_coll_has_dst(coll, mpi->rank, call.root);
	struct rg_err err = {0};

	count_elements(mpi, coll, &call, &nsrc, &ndst);
	larger = nsrc > ndst ? nsrc : ndst;
	dst = make_buffer(mpi, larger * each);
	src = make_buffer(mpi, nsrc * each);
	/* Out of place the root of a broadcast has one buffer as well. */
	if (coll == RG_COLL_BROADCAST && mpi->rank == call.root && !call.in_place)
		has_dst = false;

	call.dst = dst + GUARD_BYTES;
	call.src = src + GUARD_BYTES;
	if (call.in_place)
		place(mpi, coll, dst + GUARD_BYTES, &call);
	if (has_src || !call.in_place) {
		for (uint64_t i = 0; i < nsrc; i++)
			store(call.type, (void *)call.src, i, value(mpi->rank, i));
	}
	check(mpi, !mpi->module->target_prepare(target, &call, &err), "%s", err.text);
	mpi->module->target_select(target);
	int code = mpi->module->target_run(target, &call);

	if (code)
		mpi->module->error_text(code, err.text, sizeof(err.text));
	check(mpi, !code, "%s: %s", what, err.text);
	if (has_dst)
		check_values(mpi, coll, &call, call.dst, ndst, true, what);
	else if (!call.in_place)
		check(mpi, is_poison(dst, larger * each), "%s: a destination that is none", what);
	if (has_src && (!has_dst || !call.in_place))
		check_values(mpi, coll, &call, call.src, nsrc, false, what);
	check(mpi, is_poison(dst, GUARD_BYTES), "%s: before the result", what);
	check(mpi, is_poison(dst + GUARD_BYTES + larger * each, GUARD_BYTES),
	      "%s: after the result", what);
	free(src);
	free(dst);
}
