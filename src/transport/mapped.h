/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What inproc and shm share: peers whose memory is mapped here.
 *
 * Each rank has an *arena*: a head, and one region per (channel, sender) with the counters, word
 * slots and slots that this sender writes. The two transports differ only in how an arena is made,
 * found and mapped.
 */
#ifndef RG_TRANSPORT_MAPPED_H
#define RG_TRANSPORT_MAPPED_H

#include "endpoint.h"

#include <stdatomic.h>

#define RG_ARENA_MAGIC 0x6172656e61726701u /* the last byte is the version of this layout */

/* What mapped memory grants. Words: device/ll.h is for little-endian machines. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define RG_MAPPED_CAPS (RG_CAP_DATA | RG_CAP_MAPPED | RG_CAP_WORD8)
#else
#define RG_MAPPED_CAPS (RG_CAP_DATA | RG_CAP_MAPPED)
#endif

/* At the start of an arena, one page. asleep and doorbell are on lines of their own. */
struct arena_head {
	uint64_t magic;
	uint32_t rank, nranks;
	uint8_t proof[32]; /* shm: HMAC of the job key and the rank, so that no other arena is taken
			    */
	_Alignas(128) _Atomic uint32_t asleep;
	_Alignas(128) _Atomic uint32_t doorbell; /* futex */
	_Alignas(128) uint8_t end[];
};
_Static_assert(sizeof(struct arena_head) <= 4096, "the head fits its page");

struct mapped {
	struct rg_endpoint ep;
	struct arena_head *mine;   /* borrowed from the implementation, like peers[] */
	struct arena_head **peers; /* owned, [nranks]; NULL until mapped */
	uint32_t armed_doorbell;   /* doorbell as it was when asleep was raised */
	bool armed;
	bool barrier_works; /* membarrier: sleeping needs no short timeout */
};

/* Bytes of one arena. */
size_t rg_mapped_arena_bytes(const struct rg_geometry *geometry, uint32_t nranks);

/* Where sender's region for a channel begins in an arena. */
size_t rg_mapped_region(const struct rg_geometry *geometry, uint32_t nranks, uint32_t channel,
			uint32_t sender);

/* As rg_endpoint_init. m is zeroed, or NULL where there is no memory for it. */
int rg_mapped_init(struct mapped *m, const struct rg_transport_ops *ops, struct rg_rendezvous *rdv,
		   const struct rg_transport_config *config, struct rg_err *err);
void rg_mapped_release(struct mapped *m);

/* Makes the link once both arenas are mapped (and their regions reserved). */
int rg_mapped_link(struct mapped *m, uint32_t peer, uint32_t channel, struct rg_err *err);

/*
 * Windows, in the implementation's memory: the tables are allocated, with this rank's entries set;
 * set says where another rank's memory is mapped.
 */
int rg_mapped_window_init(struct rg_window *w, struct mapped *m, const struct rg_buffer *buffer,
			  struct rg_err *err);
void rg_mapped_window_set(struct rg_window *w, uint32_t rank, void *base, uint64_t len_bytes);
void rg_mapped_window_release(struct rg_window *w);

/* The operations that need nothing but mapped memory. */
int rg_mapped_put(struct rg_endpoint *ep, const struct rg_put *put, struct rg_err *err);
int rg_mapped_signal(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, enum rg_ctr ctr,
		     uint64_t value, struct rg_err *err);
int rg_mapped_progress(struct rg_endpoint *ep, struct rg_err *err);
int rg_mapped_flush(struct rg_endpoint *ep, struct rg_err *err);
void rg_mapped_idle(struct rg_endpoint *ep, uint32_t n);
void rg_mapped_wake(struct rg_endpoint *ep, uint32_t peer);

#endif
