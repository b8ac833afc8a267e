/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/device/ll.h"

#include "railgauge/device/isa.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#if defined(__SANITIZE_THREAD__)
#define SCALAR_ONLY 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SCALAR_ONLY 1
#endif
#endif
#ifndef SCALAR_ONLY
#define SCALAR_ONLY 0
#endif

#define MAX_BYTES 4096
#define POISON	  0xa5
#define SEQ	  0x80000001u

static _Alignas(64) uint64_t memory[MAX_BYTES / 4 + 16];
static uint8_t in[MAX_BYTES + 16], out[MAX_BYTES + 16];

/* The library's functions, and those of each instruction set without the short cuts. */
struct codec {
	const char *name;
	void (*encode)(uint64_t *words, const void *src, size_t len_bytes, uint32_t seq);
	size_t (*take)(void *dst, const uint64_t *words, size_t len_bytes, uint32_t seq,
		       size_t from);
};

/* A thread sanitizer takes vector accesses for races; the library uses the scalar form then. */
static void for_all_codecs(void (*check)(const struct codec *codec))
{
	struct codec codec = {"library", rg_ll_encode, rg_ll_ready_decode};

	check(&codec);
	for (const struct rg_isa *const *isa = rg_isas; *isa && !SCALAR_ONLY; isa++) {
		codec = (struct codec){(*isa)->name, (*isa)->ll_encode, (*isa)->ll_take};
		if ((*isa)->probe())
			check(&codec);
	}
}

static int fill_in(void **state)
{
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 37 + (i >> 8) * 11 + 1);
	return 0;
}

static void check_words(const struct codec *codec)
{
	for (size_t len = 0; len <= 300; len++) {
		size_t n = rg_ll_words(len);
		uint64_t *words = memory + len % 3;

		memset(memory, POISON, sizeof(memory));
		codec->encode(words, in + len % 5, len, SEQ);
		for (size_t w = 0; w < n; w++) {
			uint32_t data = 0;

			memcpy(&data, in + len % 5 + 4 * w, len - 4 * w < 4 ? len - 4 * w : 4);
			assert_int_equal(words[w], (uint64_t)SEQ << 32 | data);
		}
		assert_int_equal(words[n], 0xa5a5a5a5a5a5a5a5u);
		if (len % 3)
			assert_int_equal(words[-1], 0xa5a5a5a5a5a5a5a5u);
	}
}

static void words_hold_four_data_bytes_and_the_sequence(void **state)
{
	for_all_codecs(check_words);
}

static void check_round_trip(const struct codec *codec)
{
	for (size_t len = 0; len <= MAX_BYTES; len += len < 300 ? 1 : 123) {
		uint64_t *words = memory + len % 3;

		memset(out, POISON, sizeof(out));
		codec->encode(words, in + 1, len, SEQ);
		assert_int_equal(codec->take(out + 3, words, len, SEQ, 0), rg_ll_words(len));
		assert_memory_equal(out + 3, in + 1, len);
		assert_int_equal(out[2], POISON);
		assert_int_equal(out[3 + len], POISON);
	}
}

static void all_lengths_come_back_and_no_other_byte_is_touched(void **state)
{
	for_all_codecs(check_round_trip);
}

/* Every length up to 100, and for each one every word that is late. */
static void check_late_word(const struct codec *codec)
{
	for (size_t len = 1; len <= 100; len++) {
		size_t n = rg_ll_words(len);

		for (size_t late = 0; late < n; late++) {
			uint64_t word;

			memset(out, POISON, sizeof(out));
			codec->encode(memory, in, len, SEQ);
			word = memory[late];
			memory[late] = (word & 0xffffffff) | (uint64_t)(SEQ - 1) << 32;
			assert_int_equal(codec->take(out, memory, len, SEQ, 0), late);
			assert_memory_equal(out, in, 4 * late);
			for (size_t i = 4 * late; i < len; i++)
				assert_int_equal(out[i], POISON);
			memory[late] = word;
			assert_int_equal(codec->take(out, memory, len, SEQ, late), n);
			assert_memory_equal(out, in, len);
			assert_int_equal(out[len], POISON);
		}
	}
}

static void decoding_stops_at_the_first_late_word_and_goes_on_from_there(void **state)
{
	for_all_codecs(check_late_word);
}

static void check_sequences(const struct codec *codec)
{
	static const uint32_t seqs[] = {0, 1, 0x7fffffff, 0x80000000, UINT32_MAX};

	for (size_t i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++) {
		codec->encode(memory, in, 200, seqs[i]);
		assert_int_equal(codec->take(out, memory, 200, seqs[i], 0), 50);
		assert_int_equal(codec->take(out, memory, 200, seqs[i] + 1, 0), 0);
		assert_int_equal(codec->take(out, memory, 200, seqs[i] ^ 0x80000000, 0), 0);
	}
}

static void only_the_expected_sequence_is_ready(void **state)
{
	for_all_codecs(check_sequences);
}

/*
 * One thread writes messages over and over into the same words, with the sequence number in every
 * data byte group as well; another takes whatever is there. A word whose halves do not belong
 * together was torn.
 */
#define STORM_BYTES    1024
#define STORM_MESSAGES 20000

static const struct codec *storm;
static _Alignas(64) uint64_t storm_words[STORM_BYTES / 4 + 8];

static void *write_storm(void *arg)
{
	static uint32_t data[STORM_BYTES / 4];
	uint64_t *words = arg;

	for (uint32_t seq = 1; seq <= STORM_MESSAGES; seq++) {
		for (size_t i = 0; i < STORM_BYTES / 4; i++)
			data[i] = seq * 0x9e3779b1u;
		storm->encode(words, data, STORM_BYTES, seq);
	}
	return NULL;
}

static void check_storm(const struct codec *codec)
{
	static uint32_t data[STORM_BYTES / 4];

	/* Aligned to 8 only: the vectors cross cache lines. */
	for (size_t shift = 0; shift < 2; shift++) {
		uint64_t *words = storm_words + shift;
		pthread_t thread;
		uint32_t seq = 0;

		storm = codec;
		memset(storm_words, 0, sizeof(storm_words));
		assert_int_equal(pthread_create(&thread, NULL, write_storm, words), 0);
		while (seq < STORM_MESSAGES) {
			size_t n;

			/* The sequence that the last word has now; others may be ahead. */
			seq = (uint32_t)(__atomic_load_n(&words[STORM_BYTES / 4 - 1],
							 __ATOMIC_RELAXED) >>
					 32);
			n = codec->take(data, words, STORM_BYTES, seq, 0);
			for (size_t i = 0; i < n; i++)
				if (data[i] != seq * 0x9e3779b1u)
					fail_msg("%s: word %zu of message %u is torn", codec->name,
						 i, seq);
			if (n == 0)
				sched_yield();
		}
		pthread_join(thread, NULL);
	}
}

static void no_word_is_ever_seen_half_written(void **state)
{
	for_all_codecs(check_storm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_hold_four_data_bytes_and_the_sequence),
		cmocka_unit_test(all_lengths_come_back_and_no_other_byte_is_touched),
		cmocka_unit_test(decoding_stops_at_the_first_late_word_and_goes_on_from_there),
		cmocka_unit_test(only_the_expected_sequence_is_ready),
		cmocka_unit_test(no_word_is_ever_seen_half_written),
	};

	return cmocka_run_group_tests(tests, fill_in, NULL);
}
