/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/base/mem.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_ulong fail_in; /* 0: off; else the number of allocations until one fails */
static atomic_bool fail_fired;

void rg_mem_fail_nth(unsigned long n)
{
	atomic_store(&fail_fired, false);
	atomic_store(&fail_in, n);
}

bool rg_mem_fail_fired(void)
{
	return atomic_load(&fail_fired);
}

static bool must_fail(void)
{
	unsigned long n = atomic_load_explicit(&fail_in, memory_order_relaxed);

	rg_timed_assert_outside("an allocation");
	while (n > 0) {
		if (atomic_compare_exchange_weak(&fail_in, &n, n - 1)) {
			if (n == 1)
				atomic_store(&fail_fired, true);
			return n == 1;
		}
	}
	return false;
}

void *rg_alloc(size_t len_bytes)
{
	return must_fail() ? NULL : malloc(len_bytes ? len_bytes : 1);
}

void *rg_zalloc(size_t count, size_t each_bytes)
{
	return must_fail() ? NULL : calloc(count ? count : 1, each_bytes ? each_bytes : 1);
}

void *rg_realloc(void *old, size_t len_bytes)
{
	return must_fail() ? NULL : realloc(old, len_bytes ? len_bytes : 1);
}

void *rg_alloc_aligned(size_t align_bytes, size_t len_bytes)
{
	void *p;

	if (must_fail() || len_bytes > SIZE_MAX - align_bytes)
		return NULL;
	len_bytes = (len_bytes + align_bytes - 1) & ~(align_bytes - 1);
	p = aligned_alloc(align_bytes, len_bytes ? len_bytes : align_bytes);
	if (p)
		memset(p, 0, len_bytes);
	return p;
}

char *rg_strdup(const char *text)
{
	size_t n = strlen(text) + 1;
	char *copy = rg_alloc(n);

	return copy ? memcpy(copy, text, n) : NULL;
}

char *rg_asprintf(const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	text = rg_alloc((size_t)n + 1);
	if (!text)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return text;
}

void rg_free(void *p)
{
	free(p);
}

#ifdef RG_DEBUG
static _Thread_local int timed_depth;

void rg_timed_begin(void)
{
	timed_depth++;
}

void rg_timed_end(void)
{
	timed_depth--;
}

void rg_timed_assert_outside(const char *what)
{
	if (timed_depth > 0) {
		fprintf(stderr, "railgauge: %s inside a timed region\n", what);
		abort();
	}
}
#endif
