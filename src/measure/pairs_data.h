/* SPDX-License-Identifier: BSD-3-Clause */
/* What messages between pairs are made of: it depends on who sends, and in which batch. Pure. */
#ifndef RG_MEASURE_PAIRS_DATA_H
#define RG_MEASURE_PAIRS_DATA_H

#include <stdint.h>

void rg_pairs_fill(uint8_t *data, uint64_t len_bytes, uint32_t rank, uint64_t batch);

/* Bytes that are not what rg_pairs_fill would have written. */
uint64_t rg_pairs_compare(const uint8_t *data, uint64_t len_bytes, uint32_t rank, uint64_t batch);

#endif
