/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What transports have in common whose links are not mapped and whose data come in frames (tcp,
 * verbs-ud): the frames, links' memory, windows, and where data belong.
 *
 * A frame is a head, and for puts the data, which are received straight into the slot or window
 * that they are for, or to where somebody has posted that they are wanted.
 */
#ifndef RG_TRANSPORT_FRAMED_H
#define RG_TRANSPORT_FRAMED_H

#include "endpoint.h"

#define FRAME_NO_CTR 0xff

/* A transport may have kinds of its own from FRAME_KINDS on. */
enum frame_kind { FRAME_SLOT = 1, FRAME_LL, FRAME_WINDOW, FRAME_SIGNAL, FRAME_KINDS };

/* Little-endian on the wire. */
struct frame {
	uint8_t kind; /* enum frame_kind */
	uint8_t ctr;  /* enum rg_ctr: set to value after the data; FRAME_NO_CTR: none is */
	uint16_t channel;
	uint32_t window;    /* number, for FRAME_WINDOW; else 0 */
	uint64_t offset;    /* in the region; 0 where there are no data */
	uint64_t len_bytes; /* of the data that follow */
	uint64_t value;
};
_Static_assert(sizeof(struct frame) == 32, "wire layout");

struct frame frame_wire(struct frame frame); /* to and from the wire's byte order */

/* NULL, or what is wrong with a frame (host order), as far as it can be seen without state. */
const char *frame_check(const struct frame *frame, const struct rg_geometry *geometry);

/* The frames of a put, and of a signal. */
struct frame frame_of_put(const struct rg_put *put);
struct frame frame_of_signal(uint32_t channel, enum rg_ctr ctr, uint64_t value);

struct framed_window {
	struct rg_window base;
	uint32_t number; /* equal on all ranks */
	uint64_t *bytes; /* owned, [nranks]: what remote_bytes becomes once mapped */
};

/* The endpoint embeds it first. */
struct framed {
	struct rg_endpoint ep;
	struct framed_window **windows; /* owned, [nwindows]; NULL: closed */
	uint32_t nwindows;
	_Atomic uint32_t never_asleep; /* for the link to itself */
};

/* Links' memory, the table of windows, and what rg_endpoint_release does. */
void framed_release(struct framed *f);

/*
 * A link's memory: made by connect, or by the peer's first frame on a channel that is not connected
 * here yet, so that what it sends on others need not wait behind. RG_ERR_LIMIT, RG_ERR_NO_MEMORY,
 * RG_ERR_SYSTEM.
 */
int framed_make_link(struct framed *f, uint32_t peer, uint32_t channel, struct rg_err *err);

/* Members of the row. */
int framed_window_open(struct rg_endpoint *ep, const struct rg_buffer *buffer,
		       struct rg_window **window_out, struct rg_err *err);
void framed_window_close(struct rg_window *window);
int framed_window_map(struct rg_window *window, uint32_t peer, struct rg_err *err);

/* May the put be made? RG_ERR_INVALID, RG_ERR_RANGE. */
int framed_check_put(struct framed *f, const struct rg_put *put, struct rg_err *err);

/* To this rank itself: the ring is here. */
void framed_put_to_self(struct framed *f, const struct rg_put *put);
void framed_signal_to_self(struct framed *f, uint32_t channel, enum rg_ctr ctr, uint64_t value);

/*
 * Where the data of a peer's frame that was checked go; NULL: away, since the window is closed, or
 * with *fault_out, static text: they may not go anywhere.
 */
uint8_t *framed_place(struct framed *f, uint32_t peer, const struct frame *frame,
		      const char **fault_out);

/* All data of the frame are there: now its counter tells. */
void framed_finish(struct framed *f, uint32_t peer, const struct frame *frame);

#endif
