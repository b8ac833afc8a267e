/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-rc: what goes over the wire besides data. Notifications, as 32 bits of immediate data:
 *   channel (6) | counter (3) | sequence (8) | placed (1) | value (14, low bits)
 * and the order in which they are applied; messages. What they are for: verbs_rc_impl.h.
 */
#ifndef RG_TRANSPORT_VERBS_RC_WIRE_H
#define RG_TRANSPORT_VERBS_RC_WIRE_H

#include "railgauge/transport/transport.h"

#include <stdbool.h>
#include <stdint.h>

#define VRC_RAILS	  RG_LINES_MAX
#define VRC_WINDOW	  128 /* notifications of a link that are under way */
#define VRC_MESSAGE_BYTES 64

/* --- notifications; each message goes through these --- */

#define VRC_READY_FREE 6 /* in the place of a counter: these two */
#define VRC_NOTHING    7 /* and none */
#define VRC_LOW_BITS   14
#define VRC_PLACED     (1u << VRC_LOW_BITS) /* READY: its message is where it was wanted */
_Static_assert(RG_CTR_COUNT == VRC_READY_FREE, "each number of three bits has its meaning");

#define VRC_SEQ_BITS   8
#define VRC_SEQ_AT     (VRC_LOW_BITS + 1)
#define VRC_LOW_MASK   (((uint64_t)1 << VRC_LOW_BITS) - 1)
#define VRC_READY_BITS 7
#define VRC_READY_MASK (((uint64_t)1 << VRC_READY_BITS) - 1)
#define VRC_FREE_MASK  (VRC_LOW_MASK >> VRC_READY_BITS)

_Static_assert(6 + 3 + VRC_SEQ_BITS + 1 + VRC_LOW_BITS == 32, "the immediate data are full");
_Static_assert(2 * VRC_WINDOW <= 1 << VRC_SEQ_BITS, "what was here is told from what is to come");

struct vrc_imm {
	uint32_t channel, ctr;
	uint32_t seq; /* 8 bits */
	uint32_t low; /* VRC_LOW_BITS of the value */
	bool placed;
};

static inline uint32_t vrc_imm_pack(uint32_t channel, uint32_t ctr, uint64_t seq, uint64_t value)
{
	return channel << 26 | ctr << 23 |
	       (uint32_t)(seq & ((1 << VRC_SEQ_BITS) - 1)) << VRC_SEQ_AT |
	       (uint32_t)(value & VRC_LOW_MASK);
}

static inline struct vrc_imm vrc_imm_unpack(uint32_t imm)
{
	return (struct vrc_imm){
		.channel = imm >> 26,
		.ctr = imm >> 23 & 7,
		.seq = imm >> VRC_SEQ_AT & ((1 << VRC_SEQ_BITS) - 1),
		.low = imm & (uint32_t)VRC_LOW_MASK,
		.placed = imm & VRC_PLACED,
	};
}

/* Can the peer, which knows the value before, rebuild this one from its low bits? */
static inline bool vrc_imm_tells(uint64_t before, uint64_t value)
{
	return value - before <= VRC_LOW_MASK;
}

static inline uint64_t vrc_imm_value(uint64_t before, uint32_t low)
{
	return before + ((low - before) & VRC_LOW_MASK);
}

/* Two counters in the low bits: 7 of each. Likewise. */
struct vrc_both {
	uint64_t ready, free;
};

static inline bool vrc_imm_tells_both(const struct vrc_both *before, const struct vrc_both *values)
{
	return values->ready - before->ready <= VRC_READY_MASK &&
	       values->free - before->free <= VRC_FREE_MASK;
}

static inline uint64_t vrc_imm_join(const struct vrc_both *values)
{
	return (values->free & VRC_FREE_MASK) << VRC_READY_BITS | (values->ready & VRC_READY_MASK);
}

static inline struct vrc_both vrc_imm_both(const struct vrc_both *before, uint32_t low)
{
	return (struct vrc_both){
		.ready = before->ready + ((low - before->ready) & VRC_READY_MASK),
		.free = before->free + (((low >> VRC_READY_BITS) - before->free) & VRC_FREE_MASK),
	};
}

struct vrc_note {
	uint64_t value; /* whole, or the low bits */
	uint8_t ctr;
	bool whole, placed, here;
};

/* What has come ahead of its turn. All zero: nothing has come yet. */
struct vrc_order {
	uint64_t next;
	struct vrc_note late[VRC_WINDOW];
};

/* False if the number cannot be: it has been here, or lies beyond the window. */
static inline bool vrc_order_add(struct vrc_order *o, uint32_t seq, struct vrc_note note)
{
	uint64_t ahead = (seq - o->next) & ((1 << VRC_SEQ_BITS) - 1);
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

/* Takes the one whose turn it is; false if that has not come. */
static inline bool vrc_order_take(struct vrc_order *o, struct vrc_note *out)
{
	struct vrc_note *first = &o->late[o->next % VRC_WINDOW];

	if (!first->here)
		return false;
	*out = *first;
	first->here = false;
	o->next++;
	return true;
}

/* --- messages --- */

enum vrc_kind { VRC_HELLO = 1, VRC_BYE, VRC_VALUE, VRC_SLOT, VRC_LL, VRC_PLACE };

/* In the hosts' byte order, which is one (verbs.h); what follows it is data of SLOT and LL. */
struct vrc_message {
	uint32_t kind;		  /* enum vrc_kind */
	uint32_t channel;	  /* HELLO */
	uint64_t at;		  /* HELLO: of the link's memory, 0: there is none; PLACE: address;
				     else offset */
	uint64_t value;		  /* VALUE, SLOT, LL: of the counter in the immediate data; PLACE:
				     READY of the first message */
	uint32_t rkey[VRC_RAILS]; /* HELLO, PLACE */
	uint32_t len_bytes;	  /* SLOT, LL: of the data; PLACE: of all messages */
	uint32_t each_bytes;	  /* PLACE: of each, but the last one may be shorter */
};
_Static_assert(sizeof(struct vrc_message) == VRC_MESSAGE_BYTES, "wire layout");

#endif
