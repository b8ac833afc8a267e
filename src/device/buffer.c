/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/device/buffer.h"

#include "railgauge/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_ALIGN ((size_t)1 << 30)
#define HUGE_PAGE ((size_t)2 << 20)
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

static int check_room(size_t len_bytes, const char *what, struct rg_err *err)
{
	const char *limit = NULL;
	uint64_t room = rg_memory_available_bytes(&limit);

	if (len_bytes <= room)
		return 0;
	return rg_err_set(err, RG_ERR_LIMIT, "%s of %zu bytes: %s leaves %llu", what, len_bytes,
			  limit, (unsigned long long)room);
}

/* A memfd with all of its pages reserved. */
static int make_memfd(size_t len_bytes, int *fd_out, struct rg_err *err)
{
	int fd = memfd_create("railgauge-buffer", MFD_CLOEXEC);
	int e;

	if (fd < 0)
		return rg_err_errno(err, errno, "memfd_create");
	e = ftruncate(fd, (off_t)len_bytes) ? errno : 0;
	while (!e && fallocate(fd, 0, 0, (off_t)len_bytes)) {
		if (errno != EINTR)
			e = errno;
	}
	if (!e) {
		*fd_out = fd;
		return 0;
	}
	close(fd);
	return rg_err_set(err,
			  e == ENOSPC || e == EFBIG || e == ENOMEM ? RG_ERR_LIMIT : RG_ERR_SYSTEM,
			  "shared memory of %zu bytes cannot be reserved: %s", len_bytes,
			  strerror(e));
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

/* Pages that are touched later come from this node. Before the first touch. */
static int bind_node(void *base, size_t len_bytes, int node, struct rg_err *err)
{
	unsigned long mask[MAX_NODES / (8 * sizeof(unsigned long))] = {0};
	size_t bits = 8 * sizeof(mask[0]);

	if (node < 0)
		return 0;
	if (node >= MAX_NODES)
		return rg_err_set(err, RG_ERR_INVALID, "there is no NUMA node %d", node);
	mask[(size_t)node / bits] = 1ul << ((size_t)node % bits);
	if (syscall(SYS_mbind, base, len_bytes, MPOL_BIND, mask, MAX_NODES, 0))
		return rg_err_errno(err, errno, "binding memory to NUMA node %d", node);
	return 0;
}

/* Touches every page, so that no page fault falls into a measurement, and so that the zero page is
 * not read. */
static void touch(uint8_t *base, size_t len_bytes)
{
	size_t page = page_bytes();

	for (size_t i = 0; i < len_bytes; i += page)
		((volatile uint8_t *)base)[i] = 0;
}

int rg_buffer_open(enum rg_memory_kind kind, size_t len_bytes, size_t align_bytes, int numa_node,
		   struct rg_buffer *out, struct rg_err *err)
{
	size_t page = page_bytes(), map_bytes;
	void *base = NULL;
	int fd = -1, rc;

	if (align_bytes < page)
		align_bytes = align_bytes & (align_bytes - 1) ? align_bytes : page;
	if (align_bytes & (align_bytes - 1) || align_bytes > MAX_ALIGN)
		return rg_err_set(err, RG_ERR_INVALID, "alignment %zu is no power of two up to 1G",
				  align_bytes);
	if (len_bytes > SIZE_MAX / 2 - MAX_ALIGN)
		return rg_err_set(err, RG_ERR_LIMIT, "a buffer of %zu bytes", len_bytes);
	map_bytes = len_bytes ? (len_bytes + page - 1) & ~(page - 1) : page;
	rc = check_room(map_bytes, kind == RG_MEMORY_SHARED ? "a shared buffer" : "a buffer", err);
	if (rc)
		return rc;
	if (kind == RG_MEMORY_SHARED) {
		rc = make_memfd(map_bytes, &fd, err);
		if (rc)
			return rc;
	}
	rc = map_aligned(fd, map_bytes, align_bytes, &base, err);
	if (rc)
		goto close_fd;
	if (kind == RG_MEMORY_HOST && map_bytes >= HUGE_PAGE)
		madvise(base, map_bytes,
			MADV_HUGEPAGE); /* advice: a refusal costs nothing but speed */
	rc = bind_node(base, map_bytes, numa_node, err);
	if (rc)
		goto unmap;
	touch(base, map_bytes);
	*out = (struct rg_buffer){
		.base = base,
		.len_bytes = len_bytes,
		.map_bytes = map_bytes,
		.align_bytes = align_bytes,
		.fd = fd,
		.numa_node = numa_node,
		.kind = kind,
	};
	return 0;

unmap:
	munmap(base, map_bytes);
close_fd:
	if (fd >= 0)
		close(fd);
	return rc;
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
	size_t map_bytes = len_bytes ? (len_bytes + page - 1) & ~(page - 1) : page;
	struct stat st;
	void *base;
	int rc;

	if (fstat(fd, &st))
		return rg_err_errno(err, errno, "a peer's buffer");
	if (st.st_size < 0 || (uint64_t)st.st_size < map_bytes)
		return rg_err_set(err, RG_ERR_FORMAT,
				  "a peer's buffer has %lld bytes instead of %zu",
				  (long long)st.st_size, map_bytes);
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
