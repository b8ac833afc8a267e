/* SPDX-License-Identifier: BSD-3-Clause */
/* Costs in femtoseconds, and the shapes of ops that are made of them. */
#include "config.h"

#include "sim_impl.h"

#include "railgauge/base/mem.h"

#include <math.h>
#include <string.h>

static int cost_fs(double s, const char *what, double *out, struct rg_err *err)
{
	*out = s * 1e15;
	if (!(s >= 0) || *out > (double)(SIM_COST_MAX))
		return rg_err_set(err, RG_ERR_RANGE, "%s of %g s: expected a number from 0 to %g",
				  what, s, (double)(SIM_COST_MAX) / 1e15);
	return 0;
}

static int hop_costs_of(const struct rg_loggp *in, struct hop_costs *out, struct rg_err *err)
{
	double latency, overhead, gap;
	int rc = cost_fs(in->latency_s, "latency", &latency, err);

	if (!rc)
		rc = cost_fs(in->overhead_s, "overhead", &overhead, err);
	if (!rc)
		rc = cost_fs(in->gap_s, "gap", &gap, err);
	if (!rc)
		rc = cost_fs(in->byte_s, "time per byte", &out->byte_fs, err);
	if (rc)
		return rc;
	out->latency_fs = llround(latency);
	out->overhead_fs = llround(overhead);
	out->gap_fs = llround(gap);
	return 0;
}

int sim_costs_of(const struct rg_costs *in, struct sim_costs *out, struct rg_err *err)
{
	int rc = 0;

	for (int h = 0; h < RG_HOP_COUNT && !rc; h++)
		rc = hop_costs_of(&in->hop[h], &out->hop[h], err);
	if (!rc)
		rc = cost_fs(in->copy_s, "copy", &out->copy_fs, err);
	if (!rc)
		rc = cost_fs(in->reduce_s, "reduction", &out->reduce_fs, err);
	return rc;
}

int sim_too_long(struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_RANGE,
			  "this would take longer than the 76 minutes there are");
}

int sim_fs(double fs, int64_t *out, struct rg_err *err)
{
	if (fs > (double)(SIM_COST_MAX))
		return sim_too_long(err);
	*out = (int64_t)(fs + 0.5);
	return 0;
}

void shapes_release(struct shapes *shapes)
{
	rg_free(shapes->list);
	rg_free(shapes->slots);
	*shapes = (struct shapes){0};
}

static uint32_t hash_of(const struct shape *shape)
{
	uint64_t h = (uint64_t)shape->work_fs * 0x9e3779b97f4a7c15u;

	h = (h ^ h >> 32 ^ (uint64_t)shape->serial_fs) * 0x9e3779b97f4a7c15u;
	h = (h ^ h >> 32 ^ shape->bytes) * 0x9e3779b97f4a7c15u;
	h ^= (uint64_t)shape->act << 16 | (uint64_t)shape->kind << 8 | shape->hop;
	return (uint32_t)(h * 0x9e3779b97f4a7c15u >> 32);
}

/* Where the shape is in the table, or would be. */
static uint32_t *slot_of(const struct shapes *s, const struct shape *shape)
{
	uint32_t i = hash_of(shape) & (s->nslots - 1);

	while (s->slots[i] && memcmp(&s->list[s->slots[i] - 1], shape, sizeof(*shape)) != 0)
		i = (i + 1) & (s->nslots - 1);
	return &s->slots[i];
}

static int grow_shapes(struct shapes *s, struct rg_err *err)
{
	uint32_t cap = s->cap ? 2 * s->cap : 64;
	struct shape *list = rg_realloc(s->list, cap * sizeof(*list));
	uint32_t *slots;

	if (!list)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory to simulate a schedule");
	s->list = list;
	slots = rg_zalloc(2 * (size_t)cap, sizeof(*slots));
	if (!slots)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory to simulate a schedule");
	rg_free(s->slots);
	s->slots = slots;
	s->nslots = 2 * cap;
	s->cap = cap;
	for (uint32_t i = 0; i < s->n; i++)
		*slot_of(s, &s->list[i]) = i + 1;
	return 0;
}

int shapes_number(struct shapes *s, const struct shape *shape, uint32_t *out, struct rg_err *err)
{
	uint32_t *slot;
	int rc = 0;

	if (s->n == s->cap)
		rc = grow_shapes(s, err);
	if (rc)
		return rc;
	slot = slot_of(s, shape);
	if (!*slot) {
		s->list[s->n++] = *shape;
		*slot = s->n;
	}
	*out = *slot - 1;
	return 0;
}
