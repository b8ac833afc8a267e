/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "prover_state.h"

#include "railgauge/base/mem.h"

#include <string.h>

static int take_vector(struct prover *p, uint32_t *out)
{
	if (!p->nunused) {
		uint32_t old = p->vectors_cap, cap = old ? old * 2 : 256;
		uint32_t *v =
			rg_realloc(p->vectors, (size_t)cap * p->nagents * sizeof(*p->vectors));

		if (!v)
			return rg_prover_no_memory(p);
		p->vectors = v;
		v = rg_realloc(p->unused, (size_t)cap * sizeof(*p->unused));
		if (!v)
			return rg_prover_no_memory(p);
		p->unused = v;
		for (uint32_t i = cap; i > old; i--)
			p->unused[p->nunused++] = i - 1;
		p->vectors_cap = cap;
	}
	*out = p->unused[--p->nunused];
	return 0;
}

static uint32_t *vector_of(const struct prover *p, uint32_t vector)
{
	return p->vectors + (size_t)vector * p->nagents;
}

void rg_prover_drop_vector(struct prover *p, uint32_t vector)
{
	if (vector != NO_VECTOR)
		p->unused[p->nunused++] = vector;
}

int rg_prover_publish(struct prover *p, uint32_t agent, uint32_t *out)
{
	int rc = take_vector(p, out);

	if (rc)
		return rc;
	memcpy(vector_of(p, *out), rg_prover_clock(p, agent), p->nagents * sizeof(uint32_t));
	rg_prover_clock(p, agent)[agent]++;
	return 0;
}

void rg_prover_learn(struct prover *p, uint32_t agent, uint32_t vector, uint32_t depth)
{
	uint32_t *to = rg_prover_clock(p, agent);
	const uint32_t *from = vector_of(p, vector);

	for (uint32_t i = 0; i < p->nagents; i++)
		to[i] = to[i] > from[i] ? to[i] : from[i];
	if (p->depths[agent] < depth)
		p->depths[agent] = depth;
	if (p->report.rounds < depth)
		p->report.rounds = depth;
}

void rg_prover_join_channels(struct prover *p, uint32_t rank)
{
	uint32_t first = rg_prover_agent(p, rank, 0);
	uint32_t *to = rg_prover_clock(p, first);

	for (uint32_t c = 1; c < p->channels; c++) {
		const uint32_t *from = rg_prover_clock(p, first + c);

		for (uint32_t i = 0; i < p->nagents; i++)
			to[i] = to[i] > from[i] ? to[i] : from[i];
		if (p->depths[first] < p->depths[first + c])
			p->depths[first] = p->depths[first + c];
	}
	for (uint32_t c = 1; c < p->channels; c++) {
		memcpy(rg_prover_clock(p, first + c), to, p->nagents * sizeof(*to));
		p->depths[first + c] = p->depths[first];
	}
	/* Accesses from here on are not known to the other channels. */
	for (uint32_t c = 0; c < p->channels; c++)
		rg_prover_clock(p, first + c)[first + c]++;
}

uint64_t rg_prover_read(struct prover *p, struct cell *cell, uint32_t agent, uint64_t now)
{
	const uint32_t *clock = rg_prover_clock(p, agent);
	uint32_t number;

	if (!rg_prover_knows(clock, cell->write))
		return cell->write;
	if (cell->read & ACCESS_SHARED) {
		vector_of(p, (uint32_t)cell->read)[agent] = ACCESS_CLOCK(now);
		return 0;
	}
	/* A later write that knows this read knows all that this agent knows now. */
	if (rg_prover_knows(clock, cell->read)) {
		cell->read = now;
		return 0;
	}
	if (take_vector(p, &number))
		return NO_ROOM;
	memset(vector_of(p, number), 0, p->nagents * sizeof(uint32_t));
	vector_of(p, number)[ACCESS_AGENT(cell->read)] = ACCESS_CLOCK(cell->read);
	vector_of(p, number)[agent] = ACCESS_CLOCK(now);
	cell->read = ACCESS_SHARED | number;
	return 0;
}

uint64_t rg_prover_write(struct prover *p, struct cell *cell, uint32_t agent, uint64_t now)
{
	const uint32_t *clock = rg_prover_clock(p, agent);

	if (!rg_prover_knows(clock, cell->write))
		return cell->write;
	if (cell->read & ACCESS_SHARED) {
		const uint32_t *readers = vector_of(p, (uint32_t)cell->read);

		for (uint32_t i = 0; i < p->nagents; i++) {
			if (readers[i] > clock[i])
				return (uint64_t)p->rank->op << 48 | (uint64_t)i << 32 | readers[i];
		}
		rg_prover_drop_vector(p, (uint32_t)cell->read);
	} else if (!rg_prover_knows(clock, cell->read)) {
		return cell->read;
	}
	cell->write = now;
	cell->read = 0;
	return 0;
}
