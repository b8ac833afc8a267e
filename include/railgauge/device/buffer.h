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
	int numa_node; /* node it is bound to, or -1: left to first touch */
	enum rg_memory_kind kind;
};

/*
 * Allocates, reserves and zeroes len_bytes (0 is allowed and gets one page); every page is there on
 * return. align_bytes is a power of two, at most 1 GiB; 0 or less than a page means a page.
 * numa_node -1 leaves placement to first touch, which is this call (the caller is expected to be
 * bound); so does, and -1 is then recorded, a kernel without NUMA or a container that forbids
 * binding. Host buffers ask for nothing that malloc would not get: they get transparent huge pages
 * only where the kernel gives them to everybody ("always").
 *
 * RG_ERR_INVALID (alignment, no such node), RG_ERR_LIMIT with the limit named and what it leaves
 * (free memory, memory cgroup, ulimit -v, ulimit -f), RG_ERR_NO_MEMORY, RG_ERR_SYSTEM. The room is
 * looked at before anything is taken, because running into a memory cgroup ends the process; ranks
 * that allocate at the same time each see the same room, so whoever starts them adds up first.
 * Not for timed regions.
 */
int rg_buffer_open(enum rg_memory_kind kind, size_t len_bytes, size_t align_bytes, int numa_node,
		   struct rg_buffer *out, struct rg_err *err);

/* Unmaps and closes; NULL and a zeroed struct are allowed, and so is closing it twice. */
void rg_buffer_close(struct rg_buffer *buffer);

/*
 * Maps a shared buffer received from another process, and enters all its pages into this one's
 * tables; closed as one's own. fd is borrowed, not kept. RG_ERR_FORMAT where fd is not a shared
 * buffer or holds less than len_bytes (touching it would end the process), RG_ERR_NO_MEMORY,
 * RG_ERR_SYSTEM.
 */
int rg_buffer_map(int fd, size_t len_bytes, struct rg_buffer *out, struct rg_err *err);

const char *rg_memory_kind_name(enum rg_memory_kind kind);

/*
 * What this process may still allocate: the least of free memory (MemAvailable), the memory
 * cgroup's headroom (v1 or v2, all levels visible) and RLIMIT_AS. *limit_out (if not NULL) is a
 * static text naming which one it is. UINT64_MAX if nothing can be read.
 */
uint64_t rg_memory_available_bytes(const char **limit_out);

/* The same with root before the paths below /proc and /sys. For tests. */
uint64_t rg_memory_available_under(const char *root, const char **limit_out);

#endif
