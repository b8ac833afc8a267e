/* SPDX-License-Identifier: BSD-3-Clause */
/* The limit of locked memory, which root may exceed. */
#ifndef TESTS_TRANSPORT_LOCKED_H
#define TESTS_TRANSPORT_LOCKED_H

#include <stdbool.h>
#include <sys/resource.h>

/* Takes this thread's right to lock beyond its limit or gives it back. Had it that? */
bool lock_beyond_limits(bool may);

/* Lowers the limit to at most 64 KiB; old is what it was, for setrlimit. */
void lower_limit(struct rlimit *old);

#endif
