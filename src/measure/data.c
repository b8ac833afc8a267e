/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/data.h"

#include "data_values.h"

#include "railgauge/base/matrix.h"
#include "railgauge/base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PERIOD 4093 /* elements; the largest prime below 4,096 */

/*
 * Tables hold the period twice, so that a piece of up to PERIOD elements is contiguous wherever it
 * begins. For moved data `result` is `mine`.
 */
struct rg_data {
	struct rg_data_problem problem;
	size_t elem_bytes;
	bool reduces;
	const uint64_t *counts; /* borrowed: alltoallv's */
	uint8_t *mine[2];	/* [even, odd operation][2 * PERIOD] elements, owned */
	uint8_t *result[2];	/* owned only if the collective reduces */
};

/* A table laid over a buffer: element index of the pattern, and what turns the table. */
struct pattern {
	const uint8_t *table;
	uint64_t turn; /* from the operation and, for moved data, the rank */
	uint64_t first;
};

/* One contiguous piece of a pattern. */
struct piece {
	const uint8_t *from;
	uint64_t count; /* elements */
};

static struct piece piece_at(const struct pattern *p, uint64_t index, uint64_t left,
			     size_t elem_bytes)
{
	uint64_t i = p->first + index;
	uint64_t place = i % PERIOD;
	uint64_t count = PERIOD - place;
	uint64_t begin = (place + rg_data_mix(p->turn, i / PERIOD) % PERIOD) % PERIOD;

	return (struct piece){p->table + begin * elem_bytes, count < left ? count : left};
}

static void lay(const struct pattern *p, uint8_t *dst, uint64_t count, size_t elem_bytes)
{
	for (uint64_t i = 0; i < count;) {
		struct piece piece = piece_at(p, i, count - i, elem_bytes);

		memcpy(dst + i * elem_bytes, piece.from, piece.count * elem_bytes);
		i += piece.count;
	}
}

/* Counts the wrong elements of a piece that is known to have some. */
static uint64_t count_wrong(const uint8_t *dst, const struct piece *piece, size_t elem_bytes,
			    uint64_t *first_out)
{
	uint64_t wrong = 0;

	for (uint64_t i = 0; i < piece->count; i++) {
		if (!memcmp(dst + i * elem_bytes, piece->from + i * elem_bytes, elem_bytes))
			continue;
		if (wrong++ == 0)
			*first_out = i;
	}
	return wrong;
}

/* Compares; base is the index of dst[0] in the destination, for *first_out. */
static uint64_t compare(const struct pattern *p, const uint8_t *dst, uint64_t count,
			size_t elem_bytes, uint64_t base, struct rg_data_wrong *first_out)
{
	uint64_t wrong = 0;

	for (uint64_t i = 0; i < count;) {
		struct piece piece = piece_at(p, i, count - i, elem_bytes);
		const uint8_t *here = dst + i * elem_bytes;
		uint64_t at = 0;

		if (memcmp(here, piece.from, piece.count * elem_bytes)) {
			uint64_t n = count_wrong(here, &piece, elem_bytes, &at);

			if (wrong == 0) {
				*first_out = (struct rg_data_wrong){.index = base + i + at};
				memcpy(first_out->got, here + at * elem_bytes, elem_bytes);
				memcpy(first_out->expected, piece.from + at * elem_bytes,
				       elem_bytes);
			}
			wrong += n;
		}
		i += piece.count;
	}
	return wrong;
}

/* What rank contributes, from element first of its source. Of moved data, every rank is known. */
static struct pattern source_of(const struct rg_data *d, uint32_t rank, uint64_t number,
				uint64_t first)
{
	uint64_t turn = rg_data_mix(d->problem.seed, number);

	return (struct pattern){d->mine[number & 1], d->reduces ? turn : rg_data_mix(turn, rank),
				first};
}

static struct pattern result_of(const struct rg_data *d, uint64_t number, uint64_t first)
{
	return (struct pattern){d->result[number & 1], rg_data_mix(d->problem.seed, number), first};
}

static void make_reduced(struct rg_data *d)
{
	struct rg_data_element e = {.problem = &d->problem};

	for (int odd = 0; odd < 2; odd++) {
		e.odd = odd;
		for (e.position = 0; e.position < PERIOD; e.position++)
			rg_data_values(&e, d->mine[odd] + e.position * d->elem_bytes,
				       d->result[odd] + e.position * d->elem_bytes);
	}
}

static void make_moved(struct rg_data *d)
{
	size_t bytes = PERIOD * d->elem_bytes;

	for (size_t i = 0; i < bytes; i++) {
		d->mine[0][i] = (uint8_t)(rg_data_mix(d->problem.seed ^ 0xda7a, i) >> 32);
		d->mine[1][i] = (uint8_t)~d->mine[0][i];
	}
}

static void twice(uint8_t *table, size_t elem_bytes)
{
	memcpy(table + PERIOD * elem_bytes, table, PERIOD * elem_bytes);
}

int rg_data_open(const struct rg_data_problem *problem, struct rg_data **data_out,
		 struct rg_err *err)
{
	struct rg_data *d;
	int rc;

	if (rg_coll_reduces(problem->coll)) {
		rc = rg_data_values_check(problem, err);
		if (rc)
			return rc;
	}
	d = rg_zalloc(1, sizeof(*d));
	if (!d)
		goto no_memory;
	d->problem = *problem;
	d->elem_bytes = rg_type_bytes(problem->type);
	d->reduces = rg_coll_reduces(problem->coll);
	for (int odd = 0; odd < 2; odd++) {
		d->mine[odd] = rg_alloc(2 * PERIOD * d->elem_bytes);
		d->result[odd] = d->reduces ? rg_alloc(2 * PERIOD * d->elem_bytes) : d->mine[odd];
		if (!d->mine[odd] || !d->result[odd])
			goto no_memory;
	}
	if (d->reduces)
		make_reduced(d);
	else
		make_moved(d);
	for (int odd = 0; odd < 2; odd++) {
		twice(d->mine[odd], d->elem_bytes);
		if (d->reduces)
			twice(d->result[odd], d->elem_bytes);
	}
	*data_out = d;
	return 0;
no_memory:
	rg_data_close(d);
	return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the tables of test data");
}

void rg_data_close(struct rg_data *data)
{
	if (!data)
		return;
	for (int odd = 0; odd < 2; odd++) {
		rg_free(data->mine[odd]);
		if (data->reduces)
			rg_free(data->result[odd]);
	}
	rg_free(data);
}

void rg_data_set_counts(struct rg_data *data, const uint64_t *counts)
{
	data->counts = counts;
}

/* A block of a buffer, in elements. */
struct block {
	uint64_t at, len;
};

static bool is_v(const struct rg_data *d)
{
	return d->problem.coll == RG_COLL_ALLTOALLV;
}

static uint32_t src_blocks(const struct rg_data *d)
{
	uint32_t n = d->problem.nranks;

	return is_v(d) ? n : (uint32_t)rg_coll_src_count(d->problem.coll, 1, n);
}

static struct block src_block(const struct rg_data *d, uint64_t count, uint32_t b)
{
	uint32_t n = d->problem.nranks, me = d->problem.rank;

	if (!is_v(d))
		return (struct block){b * count, count};
	return (struct block){rg_matrix_src_at(d->counts, n, me, b),
			      rg_matrix_at(d->counts, n, me, b)};
}

/* Of the whole destination, which in place is there also where a rank has none. */
static uint32_t dst_blocks(const struct rg_data *d)
{
	uint32_t n = d->problem.nranks;

	return is_v(d) ? n : (uint32_t)rg_coll_dst_count(d->problem.coll, 1, n);
}

static struct block dst_block(const struct rg_data *d, uint64_t count, uint32_t b)
{
	uint32_t n = d->problem.nranks, me = d->problem.rank;

	if (!is_v(d))
		return (struct block){b * count, count};
	return (struct block){rg_matrix_dst_at(d->counts, n, b, me),
			      rg_matrix_at(d->counts, n, b, me)};
}

void rg_data_fill(const struct rg_data *data, void *src, uint64_t count, uint64_t number)
{
	struct pattern p = source_of(data, data->problem.rank, number, 0);
	struct block last = src_block(data, count, src_blocks(data) - 1);

	lay(&p, src, last.at + last.len, data->elem_bytes);
}

uint64_t rg_data_in_place_src(enum rg_coll coll, uint64_t count, uint32_t rank)
{
	return coll == RG_COLL_ALLGATHER || coll == RG_COLL_GATHER ? rank * count : 0;
}

uint64_t rg_data_in_place_dst(enum rg_coll coll, uint64_t count, uint32_t rank)
{
	return coll == RG_COLL_REDUCESCATTER || coll == RG_COLL_SCATTER ? rank * count : 0;
}

/* What a rank receives, block by block: the pattern of block b of the destination. */
static struct pattern block_of(const struct rg_data *d, uint64_t count, uint32_t root,
			       uint64_t number, uint32_t b)
{
	const struct rg_data_problem *p = &d->problem;

	switch (p->coll) {
	case RG_COLL_ALLGATHER:
	case RG_COLL_GATHER:
		return source_of(d, b, number, 0);
	case RG_COLL_ALLTOALL:
		return source_of(d, b, number, p->rank * count);
	case RG_COLL_ALLTOALLV:
		return source_of(d, b, number, rg_matrix_src_at(d->counts, p->nranks, b, p->rank));
	case RG_COLL_SCATTER:
		return source_of(d, root, number, p->rank * count);
	case RG_COLL_BROADCAST:
		return source_of(d, root, number, 0);
	case RG_COLL_SENDRECV:
		return source_of(d, (p->rank + p->nranks - 1) % p->nranks, number, 0);
	case RG_COLL_REDUCESCATTER:
		return result_of(d, number, p->rank * count);
	default:
		return result_of(d, number, 0);
	}
}

static bool has_dst(const struct rg_data *d, uint32_t root)
{
	return rg_coll_has_dst(d->problem.coll, d->problem.rank, root);
}

uint64_t rg_data_dst_count(const struct rg_data *data, uint64_t count, uint32_t root)
{
	struct block last = dst_block(data, count, dst_blocks(data) - 1);

	return has_dst(data, root) ? last.at + last.len : 0;
}

void rg_data_fill_in_place(const struct rg_data *data, void *buffer, uint64_t count, uint32_t root,
			   uint64_t number)
{
	const struct rg_data_problem *p = &data->problem;
	uint8_t *bytes = buffer;

	if (!rg_coll_has_src(p->coll, p->rank, root) || p->coll == RG_COLL_ALLGATHER ||
	    p->coll == RG_COLL_GATHER) {
		uint8_t *dst =
			bytes + rg_data_in_place_dst(p->coll, count, p->rank) * data->elem_bytes;

		for (uint32_t b = 0; b < dst_blocks(data); b++) {
			struct pattern wrong = block_of(data, count, root, number, b);

			/* Turned as the right one, from the complement: nowhere equal. */
			wrong.table = data->mine[!(number & 1)];
			lay(&wrong, dst + b * count * data->elem_bytes, count, data->elem_bytes);
		}
	}
	if (!rg_coll_has_src(p->coll, p->rank, root))
		return;
	rg_data_fill(data, bytes + rg_data_in_place_src(p->coll, count, p->rank) * data->elem_bytes,
		     count, number);
}

uint64_t rg_data_check(const struct rg_data *data, const void *dst, uint64_t count, uint32_t root,
		       uint64_t number, struct rg_data_wrong *first_out)
{
	uint64_t wrong = 0;

	if (data->problem.coll == RG_COLL_BARRIER || !has_dst(data, root))
		return 0;
	for (uint32_t b = 0; b < dst_blocks(data); b++) {
		struct pattern right = block_of(data, count, root, number, b);
		struct block block = dst_block(data, count, b);
		const uint8_t *at = (const uint8_t *)dst + block.at * data->elem_bytes;
		struct rg_data_wrong first;
		uint64_t n = compare(&right, at, block.len, data->elem_bytes, block.at, &first);

		if (n && !wrong && first_out)
			*first_out = first;
		wrong += n;
	}
	return wrong;
}

/* The element of a pattern at index. */
static const uint8_t *element_of(const struct pattern *p, uint64_t index, size_t elem_bytes)
{
	return piece_at(p, index, 1, elem_bytes).from;
}

void rg_data_mark(const struct rg_data *data, void *src, uint64_t count,
		  const struct rg_data_marks *marks)
{
	struct pattern p = source_of(data, data->problem.rank, marks->number, 0);
	size_t elem = data->elem_bytes;

	for (uint32_t b = 0; b < src_blocks(data); b++) {
		struct block block = src_block(data, count, b);
		uint64_t end = block.at + block.len;

		for (uint64_t i = block.at + marks->first; i < end; i += marks->step)
			memcpy((uint8_t *)src + i * elem, element_of(&p, i, elem), elem);
	}
}

void rg_data_spoil(const struct rg_data *data, void *dst, uint64_t count, uint32_t root,
		   const struct rg_data_marks *marks)
{
	size_t elem = data->elem_bytes;

	for (uint32_t b = 0; b < dst_blocks(data) && has_dst(data, root); b++) {
		struct pattern right = block_of(data, count, root, marks->number, b);
		struct block block = dst_block(data, count, b);
		uint8_t *at = (uint8_t *)dst + block.at * elem;

		for (uint64_t i = marks->first; i < block.len; i += marks->step) {
			const uint8_t *value = element_of(&right, i, elem);

			for (size_t k = 0; k < elem; k++)
				at[i * elem + k] = (uint8_t)~value[k];
		}
	}
}

/* Elements from .. end of a block, whose first one is at base in the destination. */
static uint64_t check_part(const struct rg_data *data, const struct pattern *block,
			   const uint8_t *dst, uint64_t base, uint64_t from, uint64_t end,
			   struct rg_data_wrong *first_out)
{
	struct pattern p = *block;

	p.first += from;
	return compare(&p, dst + (base + from) * data->elem_bytes, end - from, data->elem_bytes,
		       base + from, first_out);
}

uint64_t rg_data_check_marked(const struct rg_data *data, const void *dst, uint64_t count,
			      uint32_t root, uint64_t number, const struct rg_data_marks *marks,
			      struct rg_data_wrong *first_out)
{
	uint64_t wrong = 0;

	if (data->problem.coll == RG_COLL_BARRIER || !has_dst(data, root))
		return 0;
	for (uint32_t b = 0; b < dst_blocks(data); b++) {
		struct pattern plain = block_of(data, count, root, number, b);
		struct pattern marked = block_of(data, count, root, marks->number, b);
		struct block block = dst_block(data, count, b);
		uint64_t mark = marks->first;

		/* In turns: what is before a mark, and the mark. */
		for (uint64_t i = 0; i < block.len; mark += marks->step) {
			uint64_t end = mark < block.len ? mark : block.len;
			struct rg_data_wrong first;
			uint64_t n = check_part(data, &plain, dst, block.at, i, end, &first);

			if (n && !wrong && first_out)
				*first_out = first;
			wrong += n;
			i = end < block.len ? end + 1 : end;
			n = check_part(data, &marked, dst, block.at, end, i, &first);
			if (n && !wrong && first_out)
				*first_out = first;
			wrong += n;
		}
	}
	return wrong;
}

char *rg_data_format(enum rg_type type, const uint8_t value[8], char *text)
{
	union {
		int8_t i8;
		uint8_t u8;
		int32_t i32;
		uint32_t u32;
		int64_t i64;
		uint64_t u64;
		uint16_t u16;
		float f32;
		double f64;
	} v;
	const size_t room = RG_DATA_TEXT_BYTES;

	memcpy(&v, value, sizeof(v));
	switch (type) {
	case RG_TYPE_INT8:
		snprintf(text, room, "%d", v.i8);
		break;
	case RG_TYPE_UINT8:
		snprintf(text, room, "%u", v.u8);
		break;
	case RG_TYPE_INT32:
		snprintf(text, room, "%" PRId32, v.i32);
		break;
	case RG_TYPE_UINT32:
		snprintf(text, room, "%" PRIu32, v.u32);
		break;
	case RG_TYPE_INT64:
		snprintf(text, room, "%" PRId64, v.i64);
		break;
	case RG_TYPE_UINT64:
		snprintf(text, room, "%" PRIu64, v.u64);
		break;
	case RG_TYPE_FLOAT16:
		snprintf(text, room, "%g (0x%04x)", (double)rg_half_to_float(v.u16), v.u16);
		break;
	case RG_TYPE_BFLOAT16:
		snprintf(text, room, "%g (0x%04x)", (double)rg_bfloat16_to_float(v.u16), v.u16);
		break;
	case RG_TYPE_FLOAT32:
		snprintf(text, room, "%.9g (0x%08" PRIx32 ")", (double)v.f32, v.u32);
		break;
	default:
		snprintf(text, room, "%.17g (0x%016" PRIx64 ")", v.f64, v.u64);
		break;
	}
	return text;
}
