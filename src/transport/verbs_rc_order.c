/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "verbs_rc_wire.h"

#define SEQ_BITS   8
#define SEQ_AT	   (VRC_LOW_BITS + 1)
#define LOW_MASK   (((uint64_t)1 << VRC_LOW_BITS) - 1)
#define READY_BITS 7
#define READY_MASK (((uint64_t)1 << READY_BITS) - 1)
#define FREE_MASK  (LOW_MASK >> READY_BITS)

_Static_assert(6 + 3 + SEQ_BITS + 1 + VRC_LOW_BITS == 32, "the immediate data are full");
_Static_assert(2 * VRC_WINDOW <= 1 << SEQ_BITS, "what was here is told from what is to come");

uint32_t vrc_imm_pack(uint32_t channel, uint32_t ctr, uint64_t seq, uint64_t value)
{
	return channel << 26 | ctr << 23 | (uint32_t)(seq & ((1 << SEQ_BITS) - 1)) << SEQ_AT |
	       (uint32_t)(value & LOW_MASK);
}

struct vrc_imm vrc_imm_unpack(uint32_t imm)
{
	return (struct vrc_imm){
		.channel = imm >> 26,
		.ctr = imm >> 23 & 7,
		.seq = imm >> SEQ_AT & ((1 << SEQ_BITS) - 1),
		.low = imm & (uint32_t)LOW_MASK,
		.placed = imm & VRC_PLACED,
	};
}

bool vrc_imm_tells(uint64_t before, uint64_t value)
{
	return value - before <= LOW_MASK;
}

uint64_t vrc_imm_value(uint64_t before, uint32_t low)
{
	return before + ((low - before) & LOW_MASK);
}

bool vrc_imm_tells_both(const struct vrc_both *before, const struct vrc_both *values)
{
	return values->ready - before->ready <= READY_MASK &&
	       values->free - before->free <= FREE_MASK;
}

uint64_t vrc_imm_join(const struct vrc_both *values)
{
	return (values->free & FREE_MASK) << READY_BITS | (values->ready & READY_MASK);
}

struct vrc_both vrc_imm_both(const struct vrc_both *before, uint32_t low)
{
	return (struct vrc_both){
		.ready = before->ready + ((low - before->ready) & READY_MASK),
		.free = before->free + (((low >> READY_BITS) - before->free) & FREE_MASK),
	};
}

bool vrc_order_add(struct vrc_order *o, uint32_t seq, struct vrc_note note)
{
	uint64_t ahead = (seq - o->next) & ((1 << SEQ_BITS) - 1);
	struct vrc_note *place;

	if (ahead >= VRC_WINDOW)
		return false;
	place = &o->late[(o->next + ahead) % VRC_WINDOW];
	if (place->here)
		return false;
	*place = note;
	place->here = true;
	return true;
}

bool vrc_order_take(struct vrc_order *o, struct vrc_note *out)
{
	struct vrc_note *first = &o->late[o->next % VRC_WINDOW];

	if (!first->here)
		return false;
	*out = *first;
	first->here = false;
	o->next++;
	return true;
}
