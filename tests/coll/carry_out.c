/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "carry_out.h"
#include "kept.h"

#include "railgauge/base/matrix.h"
#include "railgauge/base/mem.h"
#include "railgauge/device/reduce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct rank {
	struct kept_schedule kept;
	size_t at[CARRY_CHANNELS]; /* next step of each channel */
	uint8_t *buf[3];	   /* owned but where in place: SRC, DST, TMP */
	uint64_t bytes[3];
	uint64_t sent;
};

struct message {
	struct message *next;
	uint32_t number;
	uint64_t len;
	uint8_t data[];
};

/* From one rank to another on one channel; [0] slot, [1] word. */
struct link {
	struct message *first[2], *last[2];
	uint32_t put[2], taken[2];
	int64_t ctr[RG_CTR_COUNT];
};

static struct {
	const struct rg_algorithm *row;
	const struct rg_problem *p;
	struct rank rank[CARRY_RANKS];
	struct link link[CARRY_CHANNELS][CARRY_RANKS][CARRY_RANKS];
	uint32_t *sums; /* owned, [source]: of all ranks */
} w;

#define wrong(...)                     \
	do {                           \
		say();                 \
		fail_msg(__VA_ARGS__); \
	} while (0)

static void say(void)
{
	printf("%s %s (%s), %u ranks, %llu elements, in place %d, root %u, radix %u, %u channels: ",
	       rg_coll_name(w.p->coll), w.row->name, rg_protocol_name(w.p->params.protocol),
	       w.p->layout.nranks, (unsigned long long)w.p->count, w.p->in_place, w.p->root,
	       w.p->params.radix, w.p->params.channels);
}

static uint32_t input(uint32_t rank, uint64_t i)
{
	return (uint32_t)(rank * 2654435761u + i * 40503u + 7);
}

/* The buffers; in place the smaller one is this rank's block of the larger. */
static void open_buffers(struct rank *r, uint32_t id)
{
	uint64_t block = rg_problem_block_bytes(w.p);

	r->bytes[RG_BUF_SRC] = rg_problem_src_count(w.p, id) * 4;
	r->bytes[RG_BUF_DST] = rg_problem_dst_count(w.p, id) * 4;
	for (int b = 0; b < 3; b++) {
		r->buf[b] = rg_zalloc(1, r->bytes[b]);
		assert_non_null(r->buf[b]);
	}
	if (w.p->in_place && r->bytes[RG_BUF_SRC] && r->bytes[RG_BUF_DST]) {
		bool larger = r->bytes[RG_BUF_DST] > r->bytes[RG_BUF_SRC];
		uint8_t **at = &r->buf[larger ? RG_BUF_SRC : RG_BUF_DST];

		rg_free(*at);
		*at = r->buf[larger ? RG_BUF_DST : RG_BUF_SRC];
		if (r->bytes[RG_BUF_DST] != r->bytes[RG_BUF_SRC])
			*at += id * block;
	}
	for (uint64_t i = 0; i < r->bytes[RG_BUF_SRC] / 4; i++) {
		uint32_t x = input(id, i);

		memcpy(r->buf[RG_BUF_SRC] + 4 * i, &x, 4);
	}
}

static void open_rank(struct rank *r, uint32_t id)
{
	struct rg_schedule_needs needs;
	struct rg_err err = {0};

	if (keep_schedule(w.row, w.p, id, &r->kept, &needs, &err))
		wrong("%s", err.text);
	r->bytes[RG_BUF_TMP] = needs.tmp_bytes;
	open_buffers(r, id);
}

static void close_rank(struct rank *r)
{
	bool shared = w.p->in_place && r->bytes[RG_BUF_SRC] && r->bytes[RG_BUF_DST];
	bool larger = r->bytes[RG_BUF_DST] > r->bytes[RG_BUF_SRC];

	if (!shared || !larger)
		rg_free(r->buf[RG_BUF_SRC]);
	if (!shared || larger)
		rg_free(r->buf[RG_BUF_DST]);
	rg_free(r->buf[RG_BUF_TMP]);
	kept_free(&r->kept);
}

/* --- moves --- */

static uint8_t *memory(uint32_t id, struct rg_ref ref, uint64_t off, uint64_t len)
{
	struct rank *r = &w.rank[ref.rank];

	if (ref.buf == RG_BUF_TMP && ref.rank != id)
		wrong("rank %u names scratch of rank %u", id, ref.rank);
	if (off > r->bytes[ref.buf] || len > r->bytes[ref.buf] - off)
		wrong("rank %u: %llu bytes at %llu are outside of buffer %d of rank %u", id,
		      (unsigned long long)len, (unsigned long long)off, ref.buf, ref.rank);
	return r->buf[ref.buf] + off;
}

static void put(uint32_t id, uint32_t to, const struct rg_step *s, bool words, const uint8_t *sum)
{
	struct link *l = &w.link[s->channel][id][to];
	uint64_t room = words ? w.p->geometry.ll_bytes : w.p->geometry.slot_bytes;
	struct message *m = rg_alloc(sizeof(*m) + s->len_bytes);

	assert_non_null(m);
	if (s->out_msg != l->put[words]++ || s->len_bytes > room)
		wrong("rank %u puts message %u of %llu bytes to rank %u", id, s->out_msg,
		      (unsigned long long)s->len_bytes, to);
	*m = (struct message){.number = s->out_msg, .len = s->len_bytes};
	memcpy(m->data, sum, s->len_bytes);
	if (l->last[words])
		l->last[words]->next = m;
	else
		l->first[words] = m;
	l->last[words] = m;
}

/* The message that is next; NULL while a word message is on its way. */
static struct message *next_message(uint32_t id, uint32_t from, const struct rg_step *s, bool words)
{
	struct link *l = &w.link[s->channel][from][id];
	struct message *m = l->first[words];

	if (!m && words)
		return NULL;
	if (!m || m->number != s->in_msg || m->len != s->len_bytes)
		wrong("rank %u takes message %u of %llu bytes from rank %u, not what was put", id,
		      s->in_msg, (unsigned long long)s->len_bytes, from);
	return m;
}

static void take_off(uint32_t id, uint32_t from, const struct rg_step *s, bool words)
{
	struct link *l = &w.link[s->channel][from][id];
	struct message *m = l->first[words];

	l->first[words] = m->next;
	if (!m->next)
		l->last[words] = NULL;
	l->taken[words]++;
	rg_free(m);
}

static bool all_there(uint32_t id, const struct rg_step *s, const struct rg_ref *src, bool words)
{
	for (uint32_t k = 0; k < s->nsrc; k++) {
		if (src[k].buf == RG_BUF_IN && !next_message(id, src[k].rank, s, words))
			return false;
	}
	return true;
}

static void add(uint8_t *sum, const uint8_t *from, uint64_t len)
{
	for (uint64_t i = 0; i < len; i += 4) {
		uint32_t a, b;

		memcpy(&a, sum + i, 4);
		memcpy(&b, from + i, 4);
		a += b;
		memcpy(sum + i, &a, 4);
	}
}

static bool move(uint32_t id, const struct rg_step *s, const struct rg_ref *src)
{
	const struct rg_ref *dst = src + s->nsrc;
	bool words = s->flags & RG_STEP_WORDS;
	uint8_t *sum;

	if (!all_there(id, s, src, words))
		return false;
	sum = rg_zalloc(1, s->len_bytes);
	assert_non_null(sum);
	for (uint32_t k = 0; k < s->nsrc; k++) {
		uint64_t off = s->src_off + (uint64_t)((int64_t)k * s->src_stride);

		if (src[k].buf == RG_BUF_IN) {
			add(sum, next_message(id, src[k].rank, s, words)->data, s->len_bytes);
			take_off(id, src[k].rank, s, words);
		} else {
			add(sum, memory(id, src[k], off, s->len_bytes), s->len_bytes);
		}
	}
	for (uint32_t k = 0; k < s->ndst; k++) {
		if (dst[k].buf == RG_BUF_OUT)
			put(id, dst[k].rank, s, words, sum);
		else
			memcpy(memory(id, dst[k], s->dst_off, s->len_bytes), sum, s->len_bytes);
		if (dst[k].buf == RG_BUF_OUT || dst[k].rank != id)
			w.rank[id].sent += s->len_bytes;
	}
	rg_free(sum);
	return true;
}

/* --- all ranks --- */

static bool go(uint32_t id, uint32_t channel)
{
	struct rank *r = &w.rank[id];
	size_t begun = r->at[channel];

	for (; r->at[channel] < r->kept.n; r->at[channel]++) {
		const struct kept *k = &r->kept.steps[r->at[channel]];
		const struct rg_step *s = &k->step;

		if (s->channel != channel)
			continue;
		if (s->op == RG_STEP_MOVE && !move(id, s, r->kept.refs + k->refs))
			break;
		if (s->op == RG_STEP_SIGNAL)
			w.link[channel][id][s->peer].ctr[s->ctr] = s->value;
		if (s->op == RG_STEP_WAIT && s->ctr != RG_CTR_FREE && s->ctr != RG_CTR_LL_FREE &&
		    w.link[channel][s->peer][id].ctr[s->ctr] < s->value - (int64_t)s->lag)
			break;
	}
	return r->at[channel] > begun;
}

static void sum_sources(void)
{
	uint64_t count = w.rank[w.p->root].bytes[RG_BUF_SRC] / 4;

	w.sums = rg_zalloc(count, sizeof(*w.sums));
	assert_non_null(w.sums);
	for (uint64_t i = 0; i < count * w.p->layout.nranks; i++)
		w.sums[i % count] += input((uint32_t)(i / count), i % count);
}

/* Element i of what comes to a rank of an all-to-all-v. */
static uint32_t expected_v(uint32_t id, uint64_t i)
{
	uint32_t n = w.p->layout.nranks, from = 0;

	for (; i >= rg_matrix_at(w.p->counts, n, from, id); from++)
		i -= rg_matrix_at(w.p->counts, n, from, id);
	return input(from, rg_matrix_src_at(w.p->counts, n, from, id) + i);
}

static uint32_t expected(uint32_t id, uint64_t i)
{
	uint64_t at = w.p->coll == RG_COLL_REDUCESCATTER ? id * w.p->count + i : i;
	uint32_t n = w.p->layout.nranks;

	switch (w.p->coll) {
	case RG_COLL_ALLREDUCE:
	case RG_COLL_REDUCE:
	case RG_COLL_REDUCESCATTER:
		return w.sums[at];
	case RG_COLL_ALLGATHER:
	case RG_COLL_GATHER:
		return input((uint32_t)(i / w.p->count), i % w.p->count);
	case RG_COLL_ALLTOALL:
		return input((uint32_t)(i / w.p->count), id * w.p->count + i % w.p->count);
	case RG_COLL_ALLTOALLV:
		return expected_v(id, i);
	case RG_COLL_SCATTER:
		return input(w.p->root, id * w.p->count + i);
	case RG_COLL_BROADCAST:
		return input(w.p->root, i);
	default:
		return input((id + n - 1) % n, i);
	}
}

static void check_links(void)
{
	for (uint32_t i = 0; i < w.p->layout.nranks * w.p->layout.nranks; i++) {
		uint32_t from = i / w.p->layout.nranks, to = i % w.p->layout.nranks;

		for (uint32_t c = 0; c < w.p->params.channels; c++) {
			const struct link *l = &w.link[c][from][to];

			if (l->first[0] || l->first[1] || l->ctr[RG_CTR_READY] != l->put[0])
				wrong("messages from rank %u to rank %u are left over", from, to);
		}
	}
}

static void check_results(void)
{
	uint64_t most = 0;

	for (uint32_t id = 0; id < w.p->layout.nranks; id++) {
		struct rank *r = &w.rank[id];

		for (uint32_t c = 0; c < w.p->params.channels; c++) {
			if (r->at[c] < r->kept.n)
				wrong("rank %u gets stuck at step %zu", id, r->at[c]);
		}
		for (uint64_t i = 0; i < r->bytes[RG_BUF_DST] / 4; i++) {
			uint32_t x;

			memcpy(&x, r->buf[RG_BUF_DST] + 4 * i, 4);
			if (x != expected(id, i))
				wrong("rank %u, element %llu", id, (unsigned long long)i);
		}
		most = most > r->sent ? most : r->sent;
	}
	if (most != w.row->sent_bytes(w.p))
		wrong("%llu bytes sent, not %llu", (unsigned long long)most,
		      (unsigned long long)w.row->sent_bytes(w.p));
}

void carry_out(const struct rg_algorithm *row, const struct rg_problem *p)
{
	uint32_t n = p->layout.nranks;
	bool moved = true;

	memset(&w, 0, sizeof(w));
	w.row = row;
	w.p = p;
	for (uint32_t i = 0; i < n; i++)
		open_rank(&w.rank[i], i);
	sum_sources();
	while (moved) {
		moved = false;
		for (uint32_t i = 0; i < n * p->params.channels; i++)
			moved = go(i % n, i / n) || moved;
	}
	check_results();
	check_links();
	for (uint32_t i = 0; i < n; i++)
		close_rank(&w.rank[i]);
	rg_free(w.sums);
}
