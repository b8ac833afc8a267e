/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/topo/distance.h"

#include <string.h>

const char *rg_dist_name(enum rg_dist dist)
{
	static const char *const names[] = {
#define ROW(name, text) #name,
		RG_DIST_LIST(ROW)
#undef ROW
	};

	return names[dist];
}

const char *rg_dist_text(enum rg_dist dist)
{
	static const char *const texts[] = {
#define ROW(name, text) text,
		RG_DIST_LIST(ROW)
#undef ROW
	};

	return texts[dist];
}

/* Where a thing is, in the terms of a device: cores and nodes have no bridges. */
static struct rg_topo_place place_of(const struct rg_topo *topo, struct rg_topo_ref r)
{
	struct rg_topo_place at = {.bridge = RG_TOPO_NONE, .host_bridge = RG_TOPO_NONE};

	switch (r.kind) {
	case RG_TOPO_GPU:
		return topo->gpus[r.index].at;
	case RG_TOPO_NIC:
		return topo->nics[r.index].at;
	case RG_TOPO_CORE:
		at.numa = topo->cores[r.index].numa;
		at.package = topo->cores[r.index].package;
		break;
	case RG_TOPO_NUMA:
		at.numa = r.index;
		at.package = topo->numas[r.index].package;
		break;
	}
	return at;
}

static bool is_device(struct rg_topo_ref r)
{
	return r.kind == RG_TOPO_GPU || r.kind == RG_TOPO_NIC;
}

static uint32_t depth_of(const struct rg_topo *topo, uint32_t bridge)
{
	return bridge == RG_TOPO_NONE ? 0 : topo->bridges[bridge].depth + 1;
}

/*
 * Climbs from both sides to the lowest bridge in common. Returns false if there is none; else the
 * number of bridges below it on each side.
 */
static bool climb(const struct rg_topo *topo, uint32_t a, uint32_t b, uint32_t *a_steps,
		  uint32_t *b_steps)
{
	*a_steps = *b_steps = 0;
	while (a != b) {
		if (depth_of(topo, a) >= depth_of(topo, b)) {
			a = topo->bridges[a].at.bridge;
			++*a_steps;
		} else {
			b = topo->bridges[b].at.bridge;
			++*b_steps;
		}
	}
	return a != RG_TOPO_NONE;
}

static bool same_numa(const struct rg_topo_place *a, const struct rg_topo_place *b)
{
	return a->numa != RG_TOPO_NONE && a->numa == b->numa;
}

static enum rg_dist device_distance(const struct rg_topo *topo, const struct rg_topo_place *a,
				    const struct rg_topo_place *b)
{
	uint32_t a_steps, b_steps;

	if (a->busid[0] && !strcmp(a->busid, b->busid))
		return RG_DIST_LOC;
	if (climb(topo, a->bridge, b->bridge, &a_steps, &b_steps))
		return a_steps <= 1 && b_steps <= 1 ? RG_DIST_PIX : RG_DIST_PXB;
	if (a->host_bridge != RG_TOPO_NONE && a->host_bridge == b->host_bridge)
		return RG_DIST_PHB;
	return same_numa(a, b) ? RG_DIST_NODE : RG_DIST_SYS;
}

enum rg_dist rg_topo_distance(const struct rg_topo *topo, struct rg_topo_ref a,
			      struct rg_topo_ref b)
{
	struct rg_topo_place x = place_of(topo, a), y = place_of(topo, b);

	if (a.kind == b.kind && a.index == b.index)
		return RG_DIST_LOC;
	if (is_device(a) && is_device(b))
		return device_distance(topo, &x, &y);
	if (!same_numa(&x, &y))
		return RG_DIST_SYS;
	if (is_device(a) || is_device(b))
		return RG_DIST_PHB;
	/* Two cores of one node, or a core and its node. */
	return a.kind == b.kind ? RG_DIST_NODE : RG_DIST_LOC;
}

bool rg_topo_same_package(const struct rg_topo *topo, struct rg_topo_ref a, struct rg_topo_ref b)
{
	struct rg_topo_place x = place_of(topo, a), y = place_of(topo, b);

	return x.package != RG_TOPO_NONE && x.package == y.package;
}

uint32_t rg_topo_root_link(const struct rg_topo *topo, const struct rg_topo_place *at)
{
	uint32_t bridge = at->bridge;

	if (bridge == RG_TOPO_NONE)
		return at->host_bridge == RG_TOPO_NONE ? RG_TOPO_NONE
						       : topo->nbridges + at->host_bridge;
	while (topo->bridges[bridge].at.bridge != RG_TOPO_NONE)
		bridge = topo->bridges[bridge].at.bridge;
	return bridge;
}
