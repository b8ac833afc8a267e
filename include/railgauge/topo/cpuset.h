/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A set of logical CPUs, numbered as the kernel does. Plain data of fixed size, so that it can be
 * copied, compared with memcmp and kept on the stack (1 KiB). A zeroed set is empty. Nothing here
 * allocates or blocks; all functions may run concurrently on different sets.
 */
#ifndef RAILGAUGE_TOPO_CPUSET_H
#define RAILGAUGE_TOPO_CPUSET_H

#include "railgauge/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RG_CPUS_MAX	8192 /* the most that Linux can be built for on x86-64 */
#define RG_CPUSET_WORDS (RG_CPUS_MAX / 64)

struct rg_cpuset {
	uint64_t words[RG_CPUSET_WORDS]; /* CPU n is bit n % 64 of word n / 64 */
};

/* CPUs of RG_CPUS_MAX and above are never members; adding one does nothing. */
void rg_cpuset_add(struct rg_cpuset *set, uint32_t cpu);
bool rg_cpuset_has(const struct rg_cpuset *set, uint32_t cpu);
uint32_t rg_cpuset_count(const struct rg_cpuset *set);
bool rg_cpuset_meet(const struct rg_cpuset *a, const struct rg_cpuset *b); /* in common? */
void rg_cpuset_and(struct rg_cpuset *set, const struct rg_cpuset *other);

/* The smallest member of at least cpu, or RG_CPUS_MAX. For loops. */
uint32_t rg_cpuset_next(const struct rg_cpuset *set, uint32_t cpu);

/*
 * As the kernel lists it: "0-5,48-53", "" for the empty set. Cut with "..." at the end if len_bytes
 * (at least 4) do not hold it. Returns text.
 */
char *rg_cpuset_format(const struct rg_cpuset *set, char *text, size_t len_bytes);

#define RG_CPUSET_TEXT_BYTES 512 /* enough for every set of the machines that we know */

/*
 * Parses such a list; a newline at its end is allowed, strides ("0-15:4/8") are not. RG_ERR_FORMAT,
 * RG_ERR_LIMIT for a CPU of RG_CPUS_MAX or above; what names the list in the message.
 */
int rg_cpuset_parse(const char *text, const char *what, struct rg_cpuset *set_out,
		    struct rg_err *err);

#endif
