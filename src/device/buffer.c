/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/device/buffer.h"

#include "railgauge/device/memfd.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_ALIGN ((size_t)1 << 30)
#define MAX_NODES 1024

static const char *const kind_names[RG_MEMORY_KIND_COUNT] = {"host", "shared"};

const char *rg_memory_kind_name(enum rg_memory_kind kind)
{
	return kind_names[kind];
}

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* At least one. Above SIZE_MAX / 2, which no machine has, the callers refuse. */
static size_t whole_pages(size_t len_bytes)
{
	size_t page = page_bytes();

	return len_bytes ? (len_bytes + page - 1) & ~(page - 1) : page;
}

/* Asks before taking: in a memory cgroup the answer to taking too much is SIGKILL. */
static int check_room(enum rg_memory_kind kind, size_t len_bytes, struct rg_err *err)
{
	const char *limit = NULL;
	uint64_t room = rg_memory_available_bytes(&limit);

	if (len_bytes <= room)
		return 0;
	return rg_err_set(err, RG_ERR_LIMIT, "a %s buffer of %zu bytes: %s leaves %" PRIu64,
			  rg_memory_kind_name(kind), len_bytes, limit, room);
}

/*
 * Maps map_bytes at a multiple of align_bytes: maps a larger range first, then the memory over its
 * aligned part, and gives back what lies before and behind.
 */
static int map_aligned(int fd, size_t map_bytes, size_t align_bytes, void **base_out,
		       struct rg_err *err)
{
	size_t page = page_bytes();
	size_t span = map_bytes + (align_bytes > page ? align_bytes : 0);
	int flags = fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
	uint8_t *range, *base;
	int e;

	range = mmap(NULL, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (range == MAP_FAILED)
		return rg_err_errno(err, errno, "mapping %zu bytes", span);
	base = (uint8_t *)(((uintptr_t)range + align_bytes - 1) & ~(uintptr_t)(align_bytes - 1));
	if (mmap(base, map_bytes, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0) == MAP_FAILED) {
		e = errno;
		munmap(range, span);
		return rg_err_errno(err, e, "mapping %zu bytes", map_bytes);
	}
	if (base > range)
		munmap(range, (size_t)(base - range));
	if (range + span > base + map_bytes)
		munmap(base + map_bytes, (size_t)(range + span - base - map_bytes));
	*base_out = base;
	return 0;
}

/*
 * Pages that are taken from now on come from *node. Sets it to -1 where the kernel has no NUMA or a
 * container forbids the call.
 */
static int bind_node(void *base, size_t len_bytes, int *node, struct rg_err *err)
{
	unsigned long mask[MAX_NODES / (8 * sizeof(unsigned long))] = {0};
	size_t bits = 8 * sizeof(mask[0]);
	int e;

	if (*node < 0)
		return 0;
	if (*node >= MAX_NODES)
		return rg_err_set(err, RG_ERR_INVALID, "there is no NUMA node %d", *node);
	mask[(size_t)*node / bits] = 1ul << ((size_t)*node % bits);
	/* The kernel takes one bit less than it is told. */
	if (!syscall(SYS_mbind, base, len_bytes, MPOL_BIND, mask, MAX_NODES + 1, 0))
		return 0;
	e = errno;
	if (e == ENOSYS || e == EPERM) {
		*node = -1;
		return 0;
	}
	if (e == EINVAL)
		return rg_err_set(err, RG_ERR_INVALID, "there is no NUMA node %d", *node);
	return rg_err_errno(err, e, "binding memory to NUMA node %d", *node);
}

/* Host memory is taken by the first write, and a page that was only read is the shared zero page.
 */
static void touch(uint8_t *base, size_t len_bytes)
{
	size_t page = page_bytes();

	for (size_t i = 0; i < len_bytes; i += page)
		((volatile uint8_t *)base)[i] = 0;
}

/* Maps, binds, takes the pages, in this order: where pages come from is decided when taken. */
static int fill_buffer(struct rg_buffer *b, struct rg_err *err)
{
	int rc = map_aligned(b->fd, b->map_bytes, b->align_bytes, &b->base, err);

	if (rc)
		return rc;
	rc = bind_node(b->base, b->map_bytes, &b->numa_node, err);
	if (!rc && b->kind == RG_MEMORY_SHARED)
		rc = rg_memfd_reserve(b->fd, 0, b->map_bytes, "a shared buffer", err);
	if (rc) {
		munmap(b->base, b->map_bytes);
		return rc;
	}
	touch(b->base, b->map_bytes);
	return 0;
}

int rg_buffer_open(enum rg_memory_kind kind, size_t len_bytes, size_t align_bytes, int numa_node,
		   struct rg_buffer *out, struct rg_err *err)
{
	size_t page = page_bytes();
	struct rg_buffer b = {
		.len_bytes = len_bytes,
		.map_bytes = whole_pages(len_bytes),
		.align_bytes = align_bytes < page ? page : align_bytes,
		.fd = -1,
		.numa_node = numa_node,
		.kind = kind,
	};
	int rc;

	if (align_bytes & (align_bytes - 1) || align_bytes > MAX_ALIGN)
		return rg_err_set(err, RG_ERR_INVALID, "alignment %zu is no power of two up to 1G",
				  align_bytes);
	if (len_bytes > SIZE_MAX / 2)
		return rg_err_set(err, RG_ERR_LIMIT, "a %s buffer of %zu bytes",
				  rg_memory_kind_name(kind), len_bytes);
	rc = check_room(kind, b.map_bytes, err);
	if (!rc && kind == RG_MEMORY_SHARED)
		rc = rg_memfd_open(b.map_bytes, "a shared buffer", &b.fd, err);
	if (rc)
		return rc;
	rc = fill_buffer(&b, err);
	if (rc) {
		if (b.fd >= 0)
			close(b.fd);
		return rc;
	}
	*out = b;
	return 0;
}

void rg_buffer_close(struct rg_buffer *buffer)
{
	if (!buffer || !buffer->base)
		return;
	munmap(buffer->base, buffer->map_bytes);
	if (buffer->fd >= 0)
		close(buffer->fd);
	*buffer = (struct rg_buffer){.fd = -1};
}

int rg_buffer_map(int fd, size_t len_bytes, struct rg_buffer *out, struct rg_err *err)
{
	size_t page = page_bytes();
	size_t map_bytes = whole_pages(len_bytes);
	void *base;
	int rc;

	if (len_bytes > SIZE_MAX / 2)
		return rg_err_set(err, RG_ERR_FORMAT, "a peer's buffer of %zu bytes", len_bytes);
	rc = rg_memfd_check(fd, map_bytes, "a peer's buffer", err);
	if (rc)
		return rc;
	rc = map_aligned(fd, map_bytes, page, &base, err);
	if (rc)
		return rc;
	/* Page tables now rather than in a measurement; the memory itself is there. */
	for (size_t i = 0; i < map_bytes; i += page)
		(void)((volatile uint8_t *)base)[i];
	*out = (struct rg_buffer){
		.base = base,
		.len_bytes = len_bytes,
		.map_bytes = map_bytes,
		.align_bytes = page,
		.fd = -1,
		.numa_node = -1,
		.kind = RG_MEMORY_SHARED,
	};
	return 0;
}
