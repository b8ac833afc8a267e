/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the fuzz targets of transports with frames share (transport/framed.h): rank 0 of two, made
 * without sockets or devices, and a model of what rank 1 can change there, by rules of frames that
 * are written down here once more.
 *
 *   fuzz_make                                   once
 *   fuzz_clear, fuzz_place and fuzz_tell for each frame of the model, fuzz_compare      per input
 */
#ifndef TESTS_TRANSPORT_FUZZ_H
#define TESTS_TRANSPORT_FUZZ_H

#include "transport/framed.h"

#define FUZZ_PEER	  1u
#define FUZZ_CHANNELS	  2
#define FUZZ_WINDOW_BYTES 20000
#define FUZZ_PLACE_BYTES  60 /* of a message that is wanted elsewhere than in its slot */
#define FUZZ_PLACE_READY  5  /* value of READY that it tells */
#define FUZZ_INPUT_BYTES  65536
#define FUZZ_RING_BYTES	  (4 * 8192)
#define FUZZ_LL_BYTES	  (2 * 64 * 2)

extern const char fuzz_target[]; /* the target's name, which it defines */

extern struct rg_rendezvous fuzz_rendezvous;

/* Ends the process if it does not hold. */
void fuzz_must(bool holds, const char *what);

void *fuzz_zeros(size_t count, size_t each_bytes);

/* The endpoint, with channel 0 to the peer connected: the other one is once something comes. */
void fuzz_make(struct framed *f, const struct rg_transport_ops *ops);

/* Endpoint and model as new. */
void fuzz_clear(struct framed *f);

/* A frame's head in the byte order of the host. */
struct frame fuzz_frame(const uint8_t *wire);

/* Does it say something that may be said? Of the kinds that all have. */
bool fuzz_is_right(const struct frame *frame);

/* Where the data of a right frame go in the model; NULL: away, or there are none. */
uint8_t *fuzz_place(const struct frame *frame);

/* All data are there. */
void fuzz_tell(const struct frame *frame);

void fuzz_compare(const struct framed *f);

#endif
