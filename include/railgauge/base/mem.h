/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The allocator that every module uses for its own structures, so that a test can make the n-th
 * allocation fail and debug builds can forbid allocation in a timed region. Communication buffers
 * come from device/buffer.h instead. All functions may run concurrently.
 */
#ifndef RAILGAUGE_BASE_MEM_H
#define RAILGAUGE_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

/* As malloc, calloc, realloc, strdup: NULL when there is no memory (or a test wants it so). */
void *rg_alloc(size_t len_bytes);
void *rg_zalloc(size_t count, size_t each_bytes);
void *rg_realloc(void *old, size_t len_bytes);
char *rg_strdup(const char *text);
char *rg_asprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* align_bytes is a power of two; the memory is zeroed and is freed with rg_free. */
void *rg_alloc_aligned(size_t align_bytes, size_t len_bytes);

/* NULL is allowed. */
void rg_free(void *p);

/*
 * For tests: the n-th allocation from now on in this process fails (1 is the next), once.
 * 0 switches it off. rg_mem_fail_fired says whether it happened since it was set.
 */
void rg_mem_fail_nth(unsigned long n);
bool rg_mem_fail_fired(void);

/*
 * Marks a timed region of the calling thread. Built with --enable-debug, allocating or logging in
 * between aborts with a message; otherwise both are empty.
 */
#ifdef RG_DEBUG
void rg_timed_begin(void);
void rg_timed_end(void);
void rg_timed_assert_outside(const char *what);
#else
static inline void rg_timed_begin(void)
{
}
static inline void rg_timed_end(void)
{
}
static inline void rg_timed_assert_outside(const char *what)
{
	(void)what;
}
#endif

#endif
