/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-rc: drafting work requests, which each message goes through: see verbs_rc_post.c. An entry
 * of a ring that is free holds no staging piece and no registration, and points to its own two
 * elements.
 */
#ifndef RG_TRANSPORT_VERBS_RC_POST_H
#define RG_TRANSPORT_VERBS_RC_POST_H

#include "verbs_rc_impl.h"

#define VRC_POST_AT_ONCE  32
#define VRC_POST_AT_BYTES (VRC_PIECE_BYTES)

/* Where request n is in a queue pair's ring. */
static inline uint32_t vrc_entry(const struct vrc *v, uint64_t n)
{
	return (uint32_t)n & (v->ring - 1);
}

static inline bool vrc_has_room(const struct vrc *v, const struct vrc_qp *q)
{
	return q->head - q->tail < v->depth;
}

/*
 * The next work request of a queue pair that has room, empty but for its chain and wr_id; it is
 * filled, and then vrc_append'ed with the bytes that it carries.
 */
static inline struct ibv_send_wr *vrc_draft(struct vrc *v, struct vrc_qp *q)
{
	struct ibv_send_wr *wr = &q->wr[vrc_entry(v, q->head)];

	wr->wr_id = (uint64_t)(q - v->qps) << 32 | (uint32_t)q->head;
	wr->num_sge = 0;
	return wr;
}

/* The cell of the draft. */
static inline struct vrc_message *vrc_cell(struct vrc *v, struct vrc_qp *q)
{
	return &q->cells[vrc_entry(v, q->head)];
}

static inline void vrc_append(struct vrc *v, struct vrc_qp *q, uint64_t len_bytes, bool completion)
{
	struct ibv_send_wr *wr = &q->wr[vrc_entry(v, q->head)];
	unsigned flags = wr->num_sge && len_bytes <= v->inline_bytes ? IBV_SEND_INLINE : 0;

	q->head++;
	if (++q->quiet >= v->moderation || completion) {
		flags |= IBV_SEND_SIGNALED;
		q->quiet = 0;
		q->signalled = q->head;
	}
	wr->send_flags = flags;
	q->unposted_bytes += len_bytes;
	if (!q->dirty) {
		q->dirty = true;
		v->dirty[v->ndirty++] = (uint32_t)(q - v->qps);
	}
	if (q->head - q->posted >= VRC_POST_AT_ONCE || q->unposted_bytes >= VRC_POST_AT_BYTES)
		vrc_post(v, q);
}

/* flush: called in each turn of who waits, and mostly for nothing. */
static inline int vrc_leave(struct vrc *v)
{
	return v->ndue || v->ndirty ? vrc_hand_over(v) : v->nlent > 0;
}

#endif
