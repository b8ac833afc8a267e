/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "calibrate_loops.h"

#include "railgauge/device/reduce.h"

#include <string.h>

/*
 * Reading alone, which no kernel of device/reduce.h does: XOR into four accumulators, so that no
 * addition waits for the one before. The same for each vector length.
 */
#define READ_LOOP(name, bytes, target)                                                 \
	typedef uint64_t name##_vector __attribute__((vector_size(bytes), may_alias)); \
	target static uint64_t name(const uint8_t *data, size_t len_bytes)             \
	{                                                                              \
		const name##_vector *v = (const name##_vector *)data,                  \
				    *end = v + len_bytes / bytes;                      \
		name##_vector a = {0}, b = {0}, c = {0}, d = {0};                      \
		uint64_t sum = 0;                                                      \
                                                                                       \
		for (; end - v >= 4; v += 4) {                                         \
			a ^= v[0];                                                     \
			b ^= v[1];                                                     \
			c ^= v[2];                                                     \
			d ^= v[3];                                                     \
		}                                                                      \
		for (; v < end; v++)                                                   \
			a ^= *v;                                                       \
		a ^= b ^ c ^ d;                                                        \
		for (size_t i = 0; i < bytes / 8; i++)                                 \
			sum ^= a[i];                                                   \
		return sum;                                                            \
	}

#ifdef __x86_64__
READ_LOOP(read_avx512, 64, __attribute__((target("avx512f"))))
READ_LOOP(read_avx2, 32, __attribute__((target("avx2"))))
#endif
READ_LOOP(read_portable, 16, )

static void loop_read(struct loop_streams *s, size_t at, size_t len_bytes)
{
#ifdef __x86_64__
	if (!strcmp(rg_reduce_isa(), "avx512"))
		s->sink ^= read_avx512(s->stream[0] + at, len_bytes);
	else if (!strcmp(rg_reduce_isa(), "avx2"))
		s->sink ^= read_avx2(s->stream[0] + at, len_bytes);
	else
#endif
		s->sink ^= read_portable(s->stream[0] + at, len_bytes);
}

static void loop_write(struct loop_streams *s, size_t at, size_t len_bytes)
{
	memset(s->stream[0] + at, 1, len_bytes);
}

static void loop_write_stream(struct loop_streams *s, size_t at, size_t len_bytes)
{
	uint8_t *dst = s->stream[0] + at;
	size_t n;

	for (; len_bytes; dst += n, len_bytes -= n) {
		n = len_bytes < LOOP_SOURCE_BYTES ? len_bytes : LOOP_SOURCE_BYTES;
		rg_copy(dst, s->source, n, RG_STORE_STREAM);
	}
}

static void loop_copy(struct loop_streams *s, size_t at, size_t len_bytes)
{
	rg_copy(s->stream[1] + at, s->stream[0] + at, len_bytes, RG_STORE_CACHED);
}

static void loop_copy_stream(struct loop_streams *s, size_t at, size_t len_bytes)
{
	rg_copy(s->stream[1] + at, s->stream[0] + at, len_bytes, RG_STORE_STREAM);
}

/* Two sources to ndst destinations, which begin at stream[first_dst]: 0 is in place. */
static void add(struct loop_streams *s, size_t at, size_t len_bytes, uint32_t first_dst,
		uint32_t ndst, uint64_t stream)
{
	const void *src[] = {s->stream[0] + at, s->stream[1] + at};
	void *dst[2] = {s->stream[first_dst] + at};

	if (ndst > 1)
		dst[1] = s->stream[first_dst + 1] + at;
	rg_reduce_kernel(RG_TYPE_FLOAT32, RG_OP_SUM)(dst, ndst, src, 2, len_bytes / sizeof(float),
						     stream, 1);
}

/* The second source never leaves the innermost cache, so it does not count. */
static void loop_update(struct loop_streams *s, size_t at, size_t len_bytes)
{
	size_t n;

	for (; len_bytes; at += n, len_bytes -= n) {
		const void *src[] = {s->stream[0] + at, s->source};
		void *dst[] = {s->stream[0] + at};

		n = len_bytes < LOOP_SOURCE_BYTES ? len_bytes : LOOP_SOURCE_BYTES;
		rg_reduce_kernel(RG_TYPE_FLOAT32, RG_OP_SUM)(dst, 1, src, 2, n / sizeof(float), 0,
							     1);
	}
}

static void loop_add_update(struct loop_streams *s, size_t at, size_t len_bytes)
{
	add(s, at, len_bytes, 0, 1, 0);
}

static void loop_two_update(struct loop_streams *s, size_t at, size_t len_bytes)
{
	add(s, at, len_bytes, 0, 2, 0);
}

static void loop_two_update_stream(struct loop_streams *s, size_t at, size_t len_bytes)
{
	add(s, at, len_bytes, 0, 2, 3);
}

static void loop_add(struct loop_streams *s, size_t at, size_t len_bytes)
{
	add(s, at, len_bytes, 2, 1, 0);
}

static void loop_add_stream(struct loop_streams *s, size_t at, size_t len_bytes)
{
	add(s, at, len_bytes, 2, 1, 1);
}

static void loop_two_two(struct loop_streams *s, size_t at, size_t len_bytes)
{
	add(s, at, len_bytes, 2, 2, 0);
}

static void loop_two_two_stream(struct loop_streams *s, size_t at, size_t len_bytes)
{
	add(s, at, len_bytes, 2, 2, 3);
}

loop_fn *const rg_calibrate_loops[RG_MIX_COUNT] = {
	[RG_MIX_READ] = loop_read,
	[RG_MIX_WRITE] = loop_write,
	[RG_MIX_WRITE_STREAM] = loop_write_stream,
	[RG_MIX_COPY] = loop_copy,
	[RG_MIX_COPY_STREAM] = loop_copy_stream,
	[RG_MIX_ADD] = loop_add,
	[RG_MIX_ADD_STREAM] = loop_add_stream,
	[RG_MIX_TWO_TWO] = loop_two_two,
	[RG_MIX_TWO_TWO_STREAM] = loop_two_two_stream,
	[RG_MIX_UPDATE] = loop_update,
	[RG_MIX_ADD_UPDATE] = loop_add_update,
	[RG_MIX_TWO_UPDATE] = loop_two_update,
	[RG_MIX_TWO_UPDATE_STREAM] = loop_two_update_stream,
};

void rg_calibrate_plain_add(struct loop_streams *s, size_t at, size_t len_bytes)
{
	const double *a = (const double *)(s->stream[0] + at);
	const double *b = (const double *)(s->stream[1] + at);
	double *restrict c = (double *)(s->stream[2] + at);

	for (size_t i = 0; i < len_bytes / sizeof(double); i++)
		c[i] = a[i] + b[i];
}
