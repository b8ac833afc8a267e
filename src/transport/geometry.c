/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/base/opt.h"
#include "railgauge/transport/transport.h"

#include <string.h>
#include <unistd.h>

/*
 * Slots: messages of a pipeline should stay in the second-level cache of both sides while several
 * are in flight. Words: 8 slots, so that credits travel once per four messages and are never waited
 * for in a steady exchange. Channels cost address space only until they are connected.
 */
const struct rg_geometry rg_geometry_default = {
	.channels = 4,
	.slots = 8,
	.slot_bytes = 32 << 10,
	.ll_slots = 8,
	.ll_bytes = 4 << 10,
	.credit_batch = 4,
};

/*
 * Sockets: a message is a system call at each end, so slots are larger. Of 32 KiB to 512 KiB, 8 or
 * 16 of them, these were the fastest for 1 MiB and 16 MiB over loopback (tests/coll/socket_loop:
 * 0.83 and 0.65 of the plain loop's time; 16 of 64 KiB: 0.97 and 0.83). Words are not granted.
 */
const struct rg_geometry rg_geometry_tcp = {
	.channels = 4,
	.slots = 8,
	.slot_bytes = 256 << 10,
	.ll_slots = 8,
	.ll_bytes = 64,
	.credit_batch = 4,
};

/*
 * RDMA: 8 slots of 64 KiB are what 400 Gbit/s carry in 10 us, the time from a put to the freed slot
 * of a network with a few switches; a piece of that size is cut into packets by the device, and
 * takes longer than telling it. Words are not granted.
 */
const struct rg_geometry rg_geometry_verbs_rc = {
	.channels = 4,
	.slots = 8,
	.slot_bytes = 64 << 10,
	.ll_slots = 8,
	.ll_bytes = 64,
	.credit_batch = 4,
};

/*
 * A core of one's own: some 100 us of polling before the first yield, some 10 ms of yields before
 * sleeping. A shared core: yield at once, since the peer may need this very core.
 */
const struct rg_patience rg_patience_own_core = {.spins = 20000, .yields = 10000};
const struct rg_patience rg_patience_shared_core = {.spins = 0, .yields = 2000};

const struct rg_transport_ops *const rg_transports[] = {
	&rg_transport_shm,
	&rg_transport_inproc,
	&rg_transport_tcp,
	&rg_transport_mixed,
	&rg_transport_null,
#ifdef HAVE_VERBS
	&rg_transport_verbs_rc,
	&rg_transport_verbs_ud,
#endif
	NULL,
};

int rg_transport_find(const char *name, const struct rg_transport_ops **ops_out, struct rg_err *err)
{
	const char *names[sizeof(rg_transports) / sizeof(rg_transports[0])] = {NULL};
	const char *near;

	for (size_t i = 0; rg_transports[i]; i++) {
		if (!strcmp(rg_transports[i]->name, name)) {
			*ops_out = rg_transports[i];
			return 0;
		}
		names[i] = rg_transports[i]->name;
	}
#ifndef HAVE_VERBS
	if (!strncmp(name, "verbs-", 6))
		return rg_err_set(err, RG_ERR_NOT_FOUND,
				  "transport \"%s\" needs libibverbs, which this build lacks",
				  name);
#endif
	near = rg_opt_nearest(name, names);
	return rg_err_set(err, RG_ERR_NOT_FOUND, "there is no transport \"%s\"%s%s%s", name,
			  near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
}

size_t rg_geometry_link_bytes(const struct rg_geometry *g)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes = sizeof(struct rg_counter) * RG_CTR_COUNT +
		       (size_t)g->ll_slots * g->ll_bytes * 2 + (size_t)g->slots * g->slot_bytes;

	return (bytes + page - 1) & ~(page - 1);
}

struct rg_geometry rg_geometry_for(const struct rg_transport_ops *ops, uint32_t nranks)
{
	struct rg_geometry g = *ops->geometry;

	while (g.slot_bytes >= 2 * 4096 && nranks * rg_geometry_link_bytes(&g) > RG_LINKS_BYTES)
		g.slot_bytes /= 2;
	return g;
}

static bool is_power_of_two(uint32_t v)
{
	return v && !(v & (v - 1));
}

int rg_geometry_check(const struct rg_geometry *g, struct rg_err *err)
{
	if (g->channels < 1 || g->channels > 64)
		return rg_err_set(err, RG_ERR_INVALID, "channels: %u is not between 1 and 64",
				  g->channels);
	if (!is_power_of_two(g->slots) || g->slots > 4096)
		return rg_err_set(err, RG_ERR_INVALID, "slots: %u is no power of two up to 4096",
				  g->slots);
	if (!is_power_of_two(g->ll_slots) || g->ll_slots > 4096)
		return rg_err_set(err, RG_ERR_INVALID,
				  "word slots: %u is no power of two up to 4096", g->ll_slots);
	if (g->slot_bytes < 64 || g->slot_bytes % 64 || g->slot_bytes > 1 << 30)
		return rg_err_set(err, RG_ERR_INVALID,
				  "slot size: %u is no multiple of 64 between 64 and 1G",
				  g->slot_bytes);
	if (g->ll_bytes < 64 || g->ll_bytes % 64 || g->ll_bytes > 1 << 20)
		return rg_err_set(err, RG_ERR_INVALID,
				  "word slot size: %u is no multiple of 64 between 64 and 1M",
				  g->ll_bytes);
	if (g->credit_batch < 1 || g->credit_batch > g->slots || g->credit_batch > g->ll_slots)
		return rg_err_set(err, RG_ERR_INVALID,
				  "credit batch: %u is not between 1 and the number of slots",
				  g->credit_batch);
	return 0;
}
