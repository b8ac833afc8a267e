/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reduction kernels of one element type; included once per type (no include guard) by
 * kernels_plain.h and kernels_wide.h, which define
 *
 *   K(name)     name with the suffix of the type
 *   ELEM        the C type of an element in memory
 *   acc         what V bytes of elements are reduced in, and for it
 *   K(get)(p), K(widen)(v), K(combine)(a, b, op), K(scale)(a, ranks), K(put)(a)
 *   K(one)(src, nsrc, i, ranks, op)   one element, reduced
 *
 * op is a constant at every call, so that each kernel keeps one arm of the switches.
 */

/* V bytes of results at byte off. */
INLINE vec K(at)(const void *const *src, uint32_t nsrc, size_t off, uint32_t ranks, enum rg_op op)
{
	acc a = K(get)((const char *)src[0] + off);

	for (uint32_t s = 1; s < nsrc; s++)
		a = K(combine)(a, K(get)((const char *)src[s] + off), op);
	if (op == RG_OP_AVG)
		a = K(scale)(a, ranks);
	return K(put)(a);
}

/*
 * As much of [off, len) as whole blocks of four vectors cover; returns where it stopped. Four
 * independent chains hide the latency of the arithmetic.
 */
INLINE size_t K(blocks)(void *const *dst, uint32_t ndst, const void *const *src, uint32_t nsrc,
			size_t off, size_t len, uint64_t nt, uint32_t ranks, enum rg_op op)
{
	for (; off + 4 * V <= len; off += 4 * V) {
		const char *p = (const char *)src[0] + off;
		acc a0 = K(get)(p), a1 = K(get)(p + V);
		acc a2 = K(get)(p + 2 * V), a3 = K(get)(p + 3 * V);

		if (nt)
			prefetch_block(p);
		for (uint32_t s = 1; s < nsrc; s++) {
			p = (const char *)src[s] + off;
			if (nt)
				prefetch_block(p);
			a0 = K(combine)(a0, K(get)(p), op);
			a1 = K(combine)(a1, K(get)(p + V), op);
			a2 = K(combine)(a2, K(get)(p + 2 * V), op);
			a3 = K(combine)(a3, K(get)(p + 3 * V), op);
		}
		if (op == RG_OP_AVG) {
			a0 = K(scale)(a0, ranks);
			a1 = K(scale)(a1, ranks);
			a2 = K(scale)(a2, ranks);
			a3 = K(scale)(a3, ranks);
		}
		store_block(dst, ndst, off, K(put)(a0), K(put)(a1), K(put)(a2), K(put)(a3), nt);
	}
	return off;
}

/* blocks() with the shapes of an all-reduce of two ranks as constants, for sums. */
INLINE size_t K(shaped)(void *const *dst, uint32_t ndst, const void *const *src, uint32_t nsrc,
			size_t off, size_t len, uint64_t nt, uint32_t ranks, enum rg_op op)
{
	if (op == RG_OP_SUM && nsrc == 2 && ndst <= 2) {
		void *const d[] = {dst[0], dst[ndst - 1]};
		const void *const s[] = {src[0], src[1]};

		if (ndst == 1)
			return nt ? K(blocks)(d, 1, s, 2, off, len, 1, 0, op)
				  : K(blocks)(d, 1, s, 2, off, len, 0, 0, op);
		if (nt == 0)
			return K(blocks)(d, 2, s, 2, off, len, 0, 0, op);
		if (nt == 3)
			return K(blocks)(d, 2, s, 2, off, len, 3, 0, op);
	}
	return K(blocks)(dst, ndst, src, nsrc, off, len, nt, ranks, op);
}

/* len >= V. */
INLINE void K(run)(void *const *dst, uint32_t ndst, const void *const *src, uint32_t nsrc,
		   size_t len, uint64_t stream, uint32_t ranks, enum rg_op op)
{
	struct span span = plan_span(dst, ndst, len, stream);
	size_t off = span.first;
	/*
	 * The first and the last V bytes may overlap what the loops write. They are computed before
	 * any store, because in place the loops replace their sources, and stored last: where they
	 * overlap, the values are the same.
	 */
	vec head = K(at)(src, nsrc, 0, ranks, op);
	vec tail = K(at)(src, nsrc, len - V, ranks, op);

	off = K(shaped)(dst, ndst, src, nsrc, off, len, span.nt, ranks, op);
	for (; off + V <= len; off += V) {
		vec v = K(at)(src, nsrc, off, ranks, op);

		for (uint32_t d = 0; d < ndst; d++)
			store((char *)dst[d] + off, v);
	}
	for (uint32_t d = 0; d < ndst; d++) {
		store(dst[d], head);
		store((char *)dst[d] + (len - V), tail);
	}
	if (span.nt)
		stream_fence();
}

INLINE void K(reduce)(void *const *dst, uint32_t ndst, const void *const *src, uint32_t nsrc,
		      size_t count, uint64_t stream, uint32_t ranks, enum rg_op op)
{
	size_t len = count * sizeof(ELEM);

	if (count <= TINY_COUNT) {
		for (size_t i = 0; i < count; i++) {
			ELEM v = K(one)(src, nsrc, i, ranks, op);

			for (uint32_t d = 0; d < ndst; d++)
				((ELEM *)dst[d])[i] = v;
		}
	} else if (nsrc == 1 && op != RG_OP_AVG) {
		copy_many(dst, ndst, src[0], len, stream);
	} else if (len < V) {
		acc a = K(widen)(load_part(src[0], len));

		for (uint32_t s = 1; s < nsrc; s++)
			a = K(combine)(a, K(widen)(load_part(src[s], len)), op);
		if (op == RG_OP_AVG)
			a = K(scale)(a, ranks);
		for (uint32_t d = 0; d < ndst; d++)
			store_part(dst[d], K(put)(a), len);
	} else {
		K(run)(dst, ndst, src, nsrc, len, stream, ranks, op);
	}
}

static void K(sum)(void *const *dst, uint32_t ndst, const void *const *src, uint32_t nsrc,
		   size_t count, uint64_t stream, uint32_t ranks)
{
	K(reduce)(dst, ndst, src, nsrc, count, stream, 0, RG_OP_SUM);
}

static void K(prod)(void *const *dst, uint32_t ndst, const void *const *src, uint32_t nsrc,
		    size_t count, uint64_t stream, uint32_t ranks)
{
	K(reduce)(dst, ndst, src, nsrc, count, stream, 0, RG_OP_PROD);
}

static void K(min)(void *const *dst, uint32_t ndst, const void *const *src, uint32_t nsrc,
		   size_t count, uint64_t stream, uint32_t ranks)
{
	K(reduce)(dst, ndst, src, nsrc, count, stream, 0, RG_OP_MIN);
}

static void K(max)(void *const *dst, uint32_t ndst, const void *const *src, uint32_t nsrc,
		   size_t count, uint64_t stream, uint32_t ranks)
{
	K(reduce)(dst, ndst, src, nsrc, count, stream, 0, RG_OP_MAX);
}

static void K(avg)(void *const *dst, uint32_t ndst, const void *const *src, uint32_t nsrc,
		   size_t count, uint64_t stream, uint32_t ranks)
{
	if (ranks <= 1)
		K(sum)(dst, ndst, src, nsrc, count, stream, 0);
	else
		K(reduce)(dst, ndst, src, nsrc, count, stream, ranks, RG_OP_AVG);
}
