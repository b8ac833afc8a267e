/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the algorithms named "pull" share: protocol READ, where each rank fetches what it needs out
 * of its peers' own buffers and nothing passes through slots.
 *
 * An operation begins with ENTER, which tells where the buffers are, and ends with DONE, after
 * which a peer may change what was read. Counters cost about as much as with windows; each read is
 * a system call, so this is for long messages.
 */
#ifndef RG_COLL_PULL_H
#define RG_COLL_PULL_H

#include "gen.h"

/* len_bytes of the peer's source from src_off on, to the own destination (or scratch, `to`). */
void rg_pull_copy(struct rg_gen *g, enum rg_buf to, uint64_t dst_off, uint32_t peer,
		  uint64_t src_off, uint64_t len_bytes);

/*
 * Reads len_bytes from src_off on of all peers' sources into scratch, piece by piece, and reduces
 * them with the own into the own destination at dst_off, in rank order. Asks for the scratch.
 */
void rg_pull_reduce(struct rg_gen *g, uint64_t dst_off, uint64_t src_off, uint64_t len_bytes);

/*
 * In place: reads len_bytes from src_off on of `from`'s source into one's own destination at
 * dst_off, of which `to` reads the same piece. Piece by piece: one is read into scratch, SYNC tells
 * `from`, and once `to` has told likewise it goes to its place. `from` has entered.
 */
void rg_pull_exchange(struct rg_gen *g, uint32_t from, uint32_t to, uint64_t dst_off,
		      uint64_t src_off, uint64_t len_bytes);

/* I have read all that I wanted, and so have all others of mine. */
void rg_pull_done(struct rg_gen *g);

/* Nothing is put into anybody's memory: the row's sent_bytes. */
uint64_t rg_pull_sent_bytes(const struct rg_problem *problem);

#endif
