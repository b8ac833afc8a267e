/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The codec of small messages: 8-byte words of 4 data and 4 sequence bytes.
 *
 * A message of len_bytes is ceil(len_bytes / 4) words. A word's low 32 bits are four data bytes in
 * memory order (the tail is padded with zeros), its high 32 bits the sequence number of the
 * message. The receiver polls the words themselves: once the sequence bytes of a word are the
 * expected ones, so are its data bytes, because a word is written by one 8-byte store and read by
 * one 8-byte load. No fence, no flag, no second trip of a cache line. It costs twice the bytes,
 * which below a few KiB is less than that second trip.
 *
 * What it rests on: an aligned 8-byte store is seen whole or not at all (RG_CAP_WORD8). Vector
 * stores are used on x86 only; src/device/ll_kernels.inc argues why they may be. Nothing is assumed
 * about the order in which different words arrive.
 *
 * The sequence must differ from that of the slot's previous messages, and from what the memory held
 * before the first (zero: start at 1). Words are aligned to 8 bytes; data pointers need no
 * alignment. Reading an element must not overtake reading its flag on behalf of *other* memory: the
 * words say nothing about it. Little endian only; elsewhere transports do not grant RG_CAP_WORD8.
 *
 * Nothing here blocks, allocates or fails. One writer and one reader per message may run
 * concurrently.
 */
#ifndef RAILGAUGE_DEVICE_LL_H
#define RAILGAUGE_DEVICE_LL_H

#include <stddef.h>
#include <stdint.h>

/* Words of a message. */
static inline size_t rg_ll_words(size_t len_bytes)
{
	return len_bytes / 4 + (len_bytes % 4 != 0);
}

/* Writes words[rg_ll_words(len_bytes)] from src[len_bytes]. */
void rg_ll_encode(uint64_t *words, const void *src, size_t len_bytes, uint32_t seq);

/*
 * Decodes into dst[len_bytes], from word number `from` on, for as long as words carry seq, and
 * returns the number of the first that does not (rg_ll_words(len_bytes) when the message is
 * complete). Each word is loaded once: the value checked is the value used. Call it again with the
 * number that it returned. Bytes of dst that belong to words not yet ready are left alone.
 */
size_t rg_ll_ready_decode(void *dst, const uint64_t *words, size_t len_bytes, uint32_t seq,
			  size_t from);

#endif
