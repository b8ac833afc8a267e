/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "sim_impl.h"

#include "railgauge/base/mem.h"

#include <inttypes.h>
#include <string.h>

/* A token: two words, then its ops if they stand there as they are (period 0). */
#define TOKEN_WORDS 2
#define TOKEN_FLIPS 0x100
#define OP_WORDS    (sizeof(struct op) / sizeof(uint32_t))

/* Half of what there is; messages under way have the other half. */
#define TAPE_WORDS_MAX (RG_SIM_BYTES / 2 / sizeof(uint32_t))

/* Repetitions are worth their token from here on, and at twice that nothing longer is looked for.
 */
#define ENOUGH 4

void tape_release(struct tape *tape)
{
	rg_free(tape->words);
	*tape = (struct tape){0};
}

/* What comes after b and then a, which lie one period apart. */
static struct op continued(const struct op *a, const struct op *b, bool flips, uint32_t rank,
			   uint32_t nranks)
{
	struct op next = {.shape = a->shape, .n = 2 * a->n - b->n};

	if (flips) {
		next.peer = (2 * (a->peer ^ rank) - (b->peer ^ rank)) ^ rank;
	} else {
		next.peer = a->peer + (a->peer < b->peer ? nranks : 0) - b->peer + a->peer;
		if (next.peer >= nranks)
			next.peer -= nranks;
	}
	return next;
}

/* How many ops from `from` on are what the two periods before say, at most `most`. */
static size_t matches(const struct op *ops, size_t from, size_t nops, uint32_t period, bool flips,
		      uint32_t rank, uint32_t nranks, size_t most)
{
	size_t i = from, end = nops - from < most ? nops : from + most;

	for (; i < end && ops[i].shape == ops[i - period].shape; i++) {
		struct op next =
			continued(&ops[i - period], &ops[i - 2 * period], flips, rank, nranks);

		if (next.n != ops[i].n || next.peer != ops[i].peer)
			break;
	}
	return i - from;
}

struct choice {
	uint32_t period;
	bool flips;
	size_t count;
};

/* The shortest period that carries on for a while, else the best there is. */
static struct choice choose(const struct op *ops, size_t at, size_t nops, uint32_t rank,
			    uint32_t nranks)
{
	struct choice best = {0};

	for (uint32_t period = 1; period <= TAPE_PERIOD_MAX && 2 * period <= at; period++) {
		size_t enough = ENOUGH * (period + 1);

		if (ops[at].shape != ops[at - period].shape)
			continue;
		for (int flips = 0; flips < 2; flips++) {
			size_t n = matches(ops, at, nops, period, flips, rank, nranks, enough);

			if (n > best.count)
				best = (struct choice){period, flips, n};
			if (n == enough)
				break;
		}
		if (best.count == enough)
			break;
	}
	if (best.count < ENOUGH)
		return (struct choice){0};
	best.count = matches(ops, at, nops, best.period, best.flips, rank, nranks, UINT32_MAX);
	return best;
}

static int reserve(struct tape *tape, size_t words, struct rg_err *err)
{
	size_t cap = tape->cap ? tape->cap : 4096;
	uint32_t *more;

	while (cap < tape->n + words)
		cap *= 2;
	if (cap == tape->cap)
		return 0;
	if (cap > TAPE_WORDS_MAX)
		cap = TAPE_WORDS_MAX;
	if (cap < tape->n + words)
		return rg_err_set(err, RG_ERR_LIMIT,
				  "the steps are too many and too irregular: more than %" PRIu64
				  " MiB, packed",
				  RG_SIM_BYTES / 2 >> 20);
	more = rg_realloc(tape->words, cap * sizeof(*more));
	if (!more)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a simulation's steps");
	tape->words = more;
	tape->cap = cap;
	return 0;
}

static int put_token(struct tape *tape, uint32_t head, const struct op *ops, size_t count,
		     struct rg_err *err)
{
	size_t words = head ? 0 : count * OP_WORDS;
	int rc = reserve(tape, TOKEN_WORDS + words, err);

	if (rc)
		return rc;
	tape->words[tape->n] = head;
	tape->words[tape->n + 1] = (uint32_t)count;
	if (words)
		memcpy(tape->words + tape->n + TOKEN_WORDS, ops, words * sizeof(uint32_t));
	tape->n += TOKEN_WORDS + words;
	return 0;
}

int tape_write(struct tape *tape, const struct op *ops, size_t nops, uint32_t rank, uint32_t nranks,
	       struct rg_err *err)
{
	size_t plain = 0; /* first of those that stand as they are */
	int rc = 0;

	for (size_t i = 0; i < nops && !rc;) {
		struct choice c = choose(ops, i, nops, rank, nranks);

		if (!c.period) {
			i++;
			continue;
		}
		if (plain < i)
			rc = put_token(tape, 0, ops + plain, i - plain, err);
		if (!rc)
			rc = put_token(tape, c.period | (c.flips ? TOKEN_FLIPS : 0), NULL, c.count,
				       err);
		i += c.count;
		plain = i;
	}
	if (!rc && plain < nops)
		rc = put_token(tape, 0, ops + plain, nops - plain, err);
	return rc;
}

void tape_begin(struct cursor *cursor, size_t at)
{
	cursor->at = at;
	cursor->left = 0;
	cursor->pos = 0;
}

struct op tape_next(const struct tape *tape, struct cursor *cursor, uint32_t rank, uint32_t nranks)
{
	const uint32_t mask = 2 * TAPE_PERIOD_MAX - 1;
	struct op *past = cursor->past, op;
	uint32_t pos = cursor->pos++;

	if (!cursor->left) {
		uint32_t head = tape->words[cursor->at];

		cursor->left = tape->words[cursor->at + 1];
		cursor->period = (uint16_t)(head & ~(uint32_t)TOKEN_FLIPS);
		cursor->flips = head & TOKEN_FLIPS;
		cursor->at += TOKEN_WORDS;
	}
	cursor->left--;
	if (cursor->period) {
		op = continued(&past[(pos - cursor->period) & mask],
			       &past[(pos - 2u * cursor->period) & mask], cursor->flips, rank,
			       nranks);
	} else {
		memcpy(&op, tape->words + cursor->at, sizeof(op));
		cursor->at += OP_WORDS;
	}
	past[pos & mask] = op;
	return op;
}
