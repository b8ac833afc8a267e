/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs: registered memory, and the registrations that are kept. */
#include "config.h"

#include "verbs_impl.h"

#include "railgauge/base/mem.h"

#include <assert.h>
#include <errno.h>
#include <infiniband/verbs.h>

struct entry {
	uint64_t base, len_bytes;
	struct ibv_mr *mr; /* owned */
	unsigned access;   /* enum rg_verbs_access */
	uint32_t users;
	bool alone;	/* not found by address, and ended by its put */
	uint64_t stamp; /* of its last put: the lowest of those that nobody holds goes first */
};

struct rg_verbs_memory {
	struct entry *entries; /* owned, [room] */
	uint32_t n, room;
	uint64_t clock;
};

struct rg_verbs_memory *verbs_memory_open(void)
{
	return rg_zalloc(1, sizeof(struct rg_verbs_memory));
}

/* The last one takes its place. */
static void end_entry(struct rg_verbs_memory *m, uint32_t i)
{
	(void)ibv_dereg_mr(m->entries[i].mr); /* nothing to do about it */
	m->entries[i] = m->entries[--m->n];
}

void verbs_memory_close(struct rg_verbs_memory *memory)
{
	if (!memory)
		return;
	while (memory->n)
		end_entry(memory, memory->n - 1);
	rg_free(memory->entries);
	rg_free(memory);
}

/* Of those that nobody holds all but `keep` end, the oldest first. Were there any? */
static bool evict(struct rg_verbs_memory *m, uint32_t keep)
{
	bool any = false;

	for (;;) {
		uint32_t idle = 0, oldest = 0;

		for (uint32_t i = 0; i < m->n; i++) {
			if (m->entries[i].users)
				continue;
			if (!idle || m->entries[i].stamp < m->entries[oldest].stamp)
				oldest = i;
			idle++;
		}
		if (idle <= keep)
			return any;
		end_entry(m, oldest);
		any = true;
	}
}

static int make_room(struct rg_verbs_memory *m, struct rg_err *err)
{
	uint32_t room = m->room ? 2 * m->room : 16;
	struct entry *more;

	if (m->n < m->room)
		return 0;
	more = rg_realloc(m->entries, room * sizeof(*more));
	if (!more)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "verbs: no memory for registrations");
	m->entries = more;
	m->room = room;
	return 0;
}

static unsigned flags_of(const struct rg_verbs_device *d, unsigned access)
{
	const struct rg_verbs_options *o = d->options;
	bool relaxed =
		o->relaxed_ordering == RG_VERBS_ON ||
		(o->relaxed_ordering == RG_VERBS_AUTO && o->notify != RG_VERBS_WRITE_COUNTER);
	unsigned flags = 0;

	if (access & (RG_VERBS_RECEIVE | RG_VERBS_REMOTE))
		flags |= IBV_ACCESS_LOCAL_WRITE;
	if (access & RG_VERBS_REMOTE)
		flags |= IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ;
	if (relaxed && !(access & RG_VERBS_ORDERED))
		flags |= IBV_ACCESS_RELAXED_ORDERING;
	return flags;
}

static struct entry *find(struct rg_verbs_memory *m, uint64_t base, uint64_t len_bytes,
			  unsigned access)
{
	for (uint32_t i = m->n; i-- > 0;) {
		struct entry *e = &m->entries[i];

		if (!e->alone && (e->access & access) == access && base >= e->base &&
		    base - e->base <= e->len_bytes && len_bytes <= e->len_bytes - (base - e->base))
			return e;
	}
	return NULL;
}

static struct ibv_mr *add(struct rg_verbs_memory *m, const struct entry *e)
{
	m->entries[m->n] = *e;
	m->entries[m->n].users = 1;
	return m->entries[m->n++].mr;
}

struct ibv_mr *rg_verbs_memory_find(struct rg_verbs_device *device, const void *base,
				    size_t len_bytes, unsigned access)
{
	struct entry *known = find(device->memory, (uintptr_t)base, len_bytes, access);

	if (!known)
		return NULL;
	known->users++;
	return known->mr;
}

int rg_verbs_memory_get(struct rg_verbs_device *device, const void *base, size_t len_bytes,
			unsigned access, struct ibv_mr **mr_out, struct rg_err *err)
{
	struct rg_verbs_memory *m = device->memory;
	struct entry fresh = {.base = (uintptr_t)base, .len_bytes = len_bytes, .access = access};
	struct ibv_mr *known;
	int e = 0, rc;

	if (access & RG_VERBS_REMOTE)
		fresh.access |= RG_VERBS_RECEIVE;
	fresh.alone = access & RG_VERBS_ALONE;
	known = fresh.alone ? NULL : rg_verbs_memory_find(device, base, len_bytes, fresh.access);
	if (known) {
		*mr_out = known;
		return 0;
	}
	rc = make_room(m, err);
	if (rc)
		return rc;
	do {
		errno = 0;
		fresh.mr = ibv_reg_mr(device->pd, (void *)(uintptr_t)base, len_bytes,
				      flags_of(device, access));
		e = errno;
	} while (!fresh.mr && e == ENOMEM && evict(m, 0));
	if (!fresh.mr)
		return verbs_errno(err, e ? e : EIO,
				   "verbs: registering %zu bytes of memory with "
				   "%s",
				   len_bytes, device->name);
	*mr_out = add(m, &fresh);
	return 0;
}

void rg_verbs_memory_put(struct rg_verbs_device *device, struct ibv_mr *mr)
{
	struct rg_verbs_memory *m = device->memory;
	uint32_t i = 0;

	if (!mr)
		return;
	while (i < m->n && m->entries[i].mr != mr)
		i++;
	assert(i < m->n && m->entries[i].users);
	if (--m->entries[i].users)
		return;
	m->entries[i].stamp = ++m->clock;
	if (m->entries[i].alone)
		end_entry(m, i);
	else
		evict(m, RG_VERBS_CACHE);
}

void rg_verbs_memory_forget(struct rg_verbs_device *device, const void *base, size_t len_bytes)
{
	struct rg_verbs_memory *m = device->memory;
	uint64_t from = (uintptr_t)base;

	for (uint32_t i = m->n; i-- > 0;) {
		const struct entry *e = &m->entries[i];

		if (e->alone || from >= e->base + e->len_bytes || e->base >= from + len_bytes)
			continue;
		assert(!e->users);
		end_entry(m, i);
	}
}

#ifdef HAVE_IBV_REG_DMABUF_MR

int rg_verbs_memory_dmabuf(struct rg_verbs_device *device, int fd, uint64_t offset,
			   size_t len_bytes, uint64_t address, unsigned access,
			   struct ibv_mr **mr_out, struct rg_err *err)
{
	struct rg_verbs_memory *m = device->memory;
	struct entry fresh = {.len_bytes = len_bytes, .access = access, .alone = true};
	int e, rc = make_room(m, err);

	if (rc)
		return rc;
	errno = 0;
	fresh.mr = ibv_reg_dmabuf_mr(device->pd, offset, len_bytes, address, fd,
				     (int)flags_of(device, access));
	e = errno;
	if (!fresh.mr && (e == EOPNOTSUPP || e == ENOSYS || e == EPROTONOSUPPORT))
		return rg_err_set(
			err, RG_ERR_UNSUPPORTED,
			"verbs: %s takes no dma-buf (its driver, or a kernel before 5.12): "
			"nvidia-peermem lets plain addresses of GPU memory be registered",
			device->name);
	if (!fresh.mr)
		return verbs_errno(err, e ? e : EIO,
				   "verbs: registering %zu bytes of a dma-buf "
				   "with %s",
				   len_bytes, device->name);
	*mr_out = add(m, &fresh);
	return 0;
}

#else

int rg_verbs_memory_dmabuf(struct rg_verbs_device *device, int fd, uint64_t offset,
			   size_t len_bytes, uint64_t address, unsigned access,
			   struct ibv_mr **mr_out, struct rg_err *err)
{
	(void)fd;
	(void)offset;
	(void)len_bytes;
	(void)address;
	(void)access;
	(void)mr_out;
	return rg_err_set(
		err, RG_ERR_UNSUPPORTED,
		"verbs: %s: built with a libibverbs that has no dma-buf (rdma-core 34 has): "
		"nvidia-peermem lets plain addresses of GPU memory be registered",
		device->name);
}

#endif
