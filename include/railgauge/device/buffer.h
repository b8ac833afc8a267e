/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Communication buffers: memory kinds as a table, one allocator with explicit alignment.
 *
 * Kinds: "host" (anonymous, private to the process), "shared" (a memfd that other processes of the
 * job can map: no name anywhere, gone with its last user). "cuda" will be a further row. Space is
 * reserved when the buffer is made, so that a small container limit is an error here and not a
 * SIGBUS later.
 */
#ifndef RAILGAUGE_DEVICE_BUFFER_H
#define RAILGAUGE_DEVICE_BUFFER_H

#include "railgauge/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rg_memory_kind { RG_MEMORY_HOST, RG_MEMORY_SHARED, RG_MEMORY_KIND_COUNT };

/* Filled by rg_buffer_open; read-only afterwards. */
struct rg_buffer {
	void *base;	  /* owned mapping, aligned to align_bytes */
	size_t len_bytes; /* as asked for */
	size_t map_bytes; /* as mapped: len_bytes rounded up to pages */
	size_t align_bytes;
	int fd;	       /* owned; the memfd of a shared buffer, else -1 */
	int numa_node; /* node it was bound to, or -1: left to first touch */
	enum rg_memory_kind kind;
};

/*
 * Allocates, reserves and zeroes len_bytes (0 is allowed and gets one page). align_bytes is a power
 * of two, at most 1 GiB, 0 for the page size. numa_node -1 leaves placement to first touch (the
 * caller is expected to be bound). RG_ERR_NO_MEMORY, RG_ERR_LIMIT with the limit named (memory
 * cgroup, RLIMIT_AS, free memory), RG_ERR_SYSTEM. Not for timed regions.
 */
int rg_buffer_open(enum rg_memory_kind kind, size_t len_bytes, size_t align_bytes, int numa_node,
		   struct rg_buffer *out, struct rg_err *err);

/* Unmaps and closes; a zeroed struct is allowed. */
void rg_buffer_close(struct rg_buffer *buffer);

/* Maps a shared buffer received from another process; fd is borrowed, not kept. */
int rg_buffer_map(int fd, size_t len_bytes, struct rg_buffer *out, struct rg_err *err);

const char *rg_memory_kind_name(enum rg_memory_kind kind);

/*
 * What this process may still allocate: the least of free memory (MemAvailable), the memory
 * cgroup's headroom (v1 or v2, all levels visible) and RLIMIT_AS. *limit_out (if not NULL) is a
 * static text naming which one it is. UINT64_MAX if nothing can be read.
 */
uint64_t rg_memory_available_bytes(const char **limit_out);

#endif
