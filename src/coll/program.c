/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "program_impl.h"

#include "railgauge/base/mem.h"

#include <assert.h>
#include <string.h>

#define NO_LINK	  UINT16_MAX
#define MAX_TABLE (UINT16_MAX - 1)

/* Instructions of one channel while they are collected. */
struct stream {
	struct rg_insn *insns; /* owned */
	uint32_t n, room;
};

/* The sink that builds a program. entered: the link's ENTER was waited for, so places are known. */
struct builder {
	struct rg_sink sink;
	struct rg_program *p; /* borrowed; nothing of it is visible before the end */
	uint32_t first_channel;
	struct stream *streams; /* owned, [channels] */
	uint16_t *link_of;	/* owned, [channels][nranks] */
	bool *entered;		/* owned, [channels][nranks] */
	uint32_t bases_room, links_room;
};

/* Room for one more of each_bytes in *array; the count doubles. */
static int grow(void **array, uint32_t used, uint32_t *room, size_t each_bytes, struct rg_err *err)
{
	uint32_t more = *room ? 2 * *room : 64;
	void *bigger;

	if (used < *room)
		return 0;
	bigger = rg_realloc(*array, more * each_bytes);
	if (!bigger)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a program");
	*array = bigger;
	*room = more;
	return 0;
}

static int link_index(struct builder *b, uint32_t peer, uint32_t channel, uint16_t *index_out,
		      struct rg_err *err)
{
	struct rg_program *p = b->p;
	uint16_t *slot = &b->link_of[(size_t)channel * p->ep->nranks + peer];
	int rc;

	if (*slot == NO_LINK) {
		if (p->nlinks >= MAX_TABLE)
			return rg_err_set(err, RG_ERR_LIMIT, "a program names too many links");
		rc = p->ep->ops->connect(p->ep, peer, channel + b->first_channel, err);
		if (rc)
			return rc;
		rc = grow((void **)&p->links, p->nlinks, &b->links_room, sizeof(p->links[0]), err);
		if (rc)
			return rc;
		p->links[p->nlinks] = (struct rg_program_link){
			.peer = peer,
			.channel = channel + b->first_channel,
		};
		*slot = (uint16_t)p->nlinks++;
	}
	*index_out = *slot;
	return 0;
}

/* Is it memory that READ fetches? */
static bool is_remote(const struct builder *b, const struct rg_ref *ref)
{
	return b->p->problem.params.protocol == RG_PROTOCOL_READ && ref->rank != b->p->rank &&
	       (ref->buf == RG_BUF_SRC || ref->buf == RG_BUF_DST);
}

static int base_of(struct builder *b, const struct rg_step *step, const struct rg_ref *ref,
		   struct rg_base *out, struct rg_err *err)
{
	*out = (struct rg_base){
		.buf = (uint8_t)ref->buf,
		.link = NO_LINK,
		.rank = ref->buf == RG_BUF_TMP ? b->p->rank : ref->rank,
	};
	if (ref->buf != RG_BUF_IN && ref->buf != RG_BUF_OUT && !is_remote(b, ref))
		return 0;
	out->words = !!(step->flags & RG_STEP_WORDS);
	return link_index(b, ref->rank, step->channel, &out->link, err);
}

static bool same_base(const struct rg_base *a, const struct rg_base *b)
{
	return a->buf == b->buf && a->words == b->words && a->link == b->link && a->rank == b->rank;
}

/* The index of the first of n consecutive entries that mean refs; added to the table if need be. */
static int bases_index(struct builder *b, const struct rg_step *step, const struct rg_ref *refs,
		       uint32_t n, uint16_t *index_out, struct rg_err *err)
{
	struct rg_base want[RG_REDUCE_MAX];
	struct rg_program *p = b->p;
	uint32_t i, k;
	int rc;

	for (k = 0; k < n; k++) {
		rc = base_of(b, step, &refs[k], &want[k], err);
		if (rc)
			return rc;
	}
	for (i = 0; i + n <= p->nbases; i++) {
		for (k = 0; k < n && same_base(&p->bases[i + k], &want[k]); k++)
			;
		if (k == n)
			break;
	}
	if (i + n > p->nbases) {
		i = p->nbases;
		if (i + n > MAX_TABLE)
			return rg_err_set(err, RG_ERR_LIMIT, "a program names too many buffers");
		for (k = 0; k < n; k++) {
			rc = grow((void **)&p->bases, p->nbases, &b->bases_room,
				  sizeof(p->bases[0]), err);
			if (rc)
				return rc;
			p->bases[p->nbases++] = want[k];
		}
	}
	*index_out = (uint16_t)i;
	return 0;
}

/* Is the peer's memory of the link here to be stored into? */
static bool is_mapped(const struct builder *b, uint16_t link)
{
	const struct rg_program_link *l = &b->p->links[link];

	return rg_endpoint_link(b->p->ep, l->channel, l->peer)->tx;
}

static bool is_free(enum rg_ctr ctr)
{
	return ctr == RG_CTR_FREE || ctr == RG_CTR_LL_FREE;
}

static int build_counter(struct builder *b, const struct rg_step *step, struct rg_insn *insn,
			 struct rg_err *err)
{
	bool wait = step->op == RG_STEP_WAIT;
	struct rg_program_link *link;
	uint32_t *moves;
	int rc;

	rc = link_index(b, step->peer, step->channel, &insn->link, err);
	if (rc)
		return rc;
	insn->ctr = (uint16_t)step->ctr;
	insn->value = step->value - step->lag;
	insn->flags = step->ctr == RG_CTR_LL_FREE ? RG_INSN_WORDS : 0;
	b->p->words |= step->ctr == RG_CTR_LL_FREE;
	if (is_free(step->ctr)) {
		insn->op = wait ? RG_INSN_WAIT_FREE : RG_INSN_SIGNAL_FREE;
		return 0;
	}
	if (step->ctr == RG_CTR_READY && !wait && !is_mapped(b, insn->link))
		return 0; /* the put has carried it */
	b->p->counters |= step->ctr != RG_CTR_READY;
	insn->op = wait ? RG_INSN_WAIT : RG_INSN_SIGNAL;
	if (step->ctr == RG_CTR_ENTER && b->p->problem.params.protocol == RG_PROTOCOL_READ) {
		insn->flags = RG_INSN_PLACE;
		b->entered[(size_t)step->channel * b->p->ep->nranks + step->peer] |= wait;
	}
	link = &b->p->links[insn->link];
	moves = wait ? link->heard : link->told;
	if (step->ctr != RG_CTR_READY && step->value > moves[step->ctr])
		moves[step->ctr] = (uint32_t)step->value;
	return 0;
}

/* Is any of n destinations a slot of a peer that is not mapped? */
static bool is_put(const struct builder *b, uint16_t first, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++) {
		const struct rg_base *base = &b->p->bases[first + k];

		if (base->buf == RG_BUF_OUT && !is_mapped(b, base->link))
			return true;
	}
	return false;
}

/* Counts the messages that a move takes and puts: the links' numbers move by as many per run. */
static bool count_messages(struct builder *b, const struct rg_step *step, uint16_t first,
			   uint32_t n, bool in)
{
	bool words = step->flags & RG_STEP_WORDS, any = false;

	for (uint32_t k = 0; k < n; k++) {
		const struct rg_base *base = &b->p->bases[first + k];
		struct rg_program_link *link;

		if (base->buf != (in ? RG_BUF_IN : RG_BUF_OUT))
			continue;
		link = &b->p->links[base->link];
		(in ? link->received : link->sent)[words]++;
		any = true;
	}
	b->p->words |= words && any;
	return any;
}

/* A source out of a peer's memory: alone, to memory of this rank, and known by now. */
static int check_read(const struct builder *b, const struct rg_step *step, struct rg_err *err)
{
	const struct rg_ref *dst = step->dst;

	for (uint32_t k = 0; k < step->nsrc; k++) {
		uint32_t from = step->src[k].rank;

		if (!is_remote(b, &step->src[k]))
			continue;
		if (step->nsrc != 1 || step->ndst != 1 || is_remote(b, dst) ||
		    dst->buf == RG_BUF_OUT || step->flags & RG_STEP_LAST ||
		    !b->entered[(size_t)step->channel * b->p->ep->nranks + from])
			return rg_err_set(err, RG_ERR_INTERNAL,
					  "a read from rank %u is no plain copy, or comes before "
					  "it entered",
					  from);
	}
	return 0;
}

static int build_move(struct builder *b, const struct rg_step *step, struct rg_insn *insn,
		      struct rg_err *err)
{
	bool words = step->flags & RG_STEP_WORDS, in, out;
	int rc;

	if (!step->nsrc || !step->ndst || step->nsrc > RG_REDUCE_MAX || step->ndst > RG_REDUCE_MAX)
		return rg_err_set(err, RG_ERR_INTERNAL, "a step has %u sources and %u destinations",
				  step->nsrc, step->ndst);
	rc = check_read(b, step, err);
	if (!rc)
		rc = bases_index(b, step, step->src, step->nsrc, &insn->src, err);
	if (!rc)
		rc = bases_index(b, step, step->dst, step->ndst, &insn->dst, err);
	if (rc)
		return rc;
	in = count_messages(b, step, insn->src, step->nsrc, true);
	out = count_messages(b, step, insn->dst, step->ndst, false);
	if (out && !words && is_put(b, insn->dst, step->ndst)) {
		insn->op = RG_INSN_PUT;
		b->p->puts = true;
	} else if (out && !words && step->len_bytes >= RG_STREAM_SLOT_BYTES) {
		b->p->stream_slots = b->p->problem.params.stream_slots;
	}
	insn->nsrc = (uint8_t)step->nsrc;
	insn->ndst = (uint8_t)step->ndst;
	insn->src_off = step->src_off;
	insn->src_stride = step->src_stride;
	insn->dst_off = step->dst_off;
	insn->len_bytes = step->len_bytes;
	insn->in_msg = step->in_msg;
	insn->out_msg = step->out_msg;
	insn->flags = step->flags & RG_STEP_LAST && b->p->op == RG_OP_AVG ? RG_INSN_SCALE : 0;
	if (insn->op == RG_INSN_PUT) {
		insn->flags |= step->flags & RG_STEP_AT_ONCE ? RG_INSN_AT_ONCE : 0;
		return 0;
	}
	if (words && in)
		insn->op = RG_INSN_TAKE_WORDS;
	else if (words && out && step->nsrc == 1 && !insn->flags)
		insn->op = RG_INSN_PUT_WORDS;
	else if (words && out)
		insn->op = RG_INSN_TAKE_WORDS; /* its general path also puts */
	else if (is_remote(b, &step->src[0]))
		insn->op = RG_INSN_READ;
	else if (step->nsrc == 1 && step->ndst == 1 && !insn->flags)
		insn->op = RG_INSN_COPY;
	else
		insn->op = RG_INSN_MOVE;
	return 0;
}

static int build_step(struct rg_sink *sink, const struct rg_step *step, struct rg_err *err)
{
	struct builder *b = (struct builder *)sink;
	struct stream *s = &b->streams[step->channel];
	struct rg_insn insn = {0};
	int rc;

	if (step->op == RG_STEP_MOVE)
		rc = build_move(b, step, &insn, err);
	else
		rc = build_counter(b, step, &insn, err);
	if (rc || insn.op == RG_INSN_END) /* nothing is left of the step */
		return rc;
	rc = grow((void **)&s->insns, s->n, &s->room, sizeof(s->insns[0]), err);
	if (rc)
		return rc;
	s->insns[s->n++] = insn;
	return 0;
}

/* Lays the streams one after another, each ended by END. */
static int join_streams(struct builder *b, struct rg_err *err)
{
	struct rg_program *p = b->p;
	uint32_t n = 0;

	for (uint32_t c = 0; c < p->nstreams; c++)
		n += b->streams[c].n + 1;
	p->insns = rg_alloc_aligned(64, n * sizeof(p->insns[0]));
	p->stream_first = rg_zalloc(p->nstreams, sizeof(p->stream_first[0]));
	if (!p->insns || !p->stream_first)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a program");
	for (uint32_t c = 0; c < p->nstreams; c++) {
		p->stream_first[c] = p->ninsns;
		if (b->streams[c].n)
			memcpy(p->insns + p->ninsns, b->streams[c].insns,
			       b->streams[c].n * sizeof(p->insns[0]));
		p->ninsns += b->streams[c].n;
		p->insns[p->ninsns++] = (struct rg_insn){.op = RG_INSN_END};
	}
	return 0;
}

/* What the operation touches in user memory on this rank: decides about streaming stores. */
static uint64_t footprint_bytes(const struct rg_problem *p, uint32_t rank)
{
	uint64_t block = rg_problem_block_bytes(p);

	if (p->coll == RG_COLL_ALLTOALLV)
		return (rg_problem_dst_count(p, rank) +
			(p->in_place ? 0 : rg_problem_src_count(p, rank))) *
		       p->elem_bytes;
	/* The one block that comes or goes, and its place at the root. */
	if (rank != p->root && (p->coll == RG_COLL_GATHER || p->coll == RG_COLL_SCATTER))
		return 2 * block;
	return rg_coll_dst_count(p->coll, block, p->layout.nranks) +
	       (p->in_place ? 0 : rg_coll_src_count(p->coll, block, p->layout.nranks));
}

/*
 * Are user buffers written past the caches? Not where a reduction over windows replaces what it has
 * just read: those lines are here, and storing past them throws them out first. 16 MiB in place on
 * 2 of 16 cores: 1.8 times MPI's speed streamed, 5.9 cached; results/2026-11-16-cores.txt.
 */
static bool streams_buffers(const struct rg_problem *p, uint32_t rank, uint64_t stream_from_bytes)
{
	bool replaces =
		p->in_place && p->params.protocol == RG_PROTOCOL_WINDOW && rg_coll_reduces(p->coll);

	return !replaces && footprint_bytes(p, rank) > stream_from_bytes;
}

static int check_fits(const struct rg_endpoint *ep, const struct rg_problem *problem,
		      uint32_t first_channel, struct rg_err *err)
{
	uint32_t channels = problem->params.channels;

	if (!channels || channels + first_channel > ep->config.geometry.channels)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "%u channels from channel %u on: this endpoint has %u", channels,
				  first_channel, ep->config.geometry.channels);
	if (problem->layout.nranks != ep->nranks)
		return rg_err_set(err, RG_ERR_INTERNAL,
				  "a problem of %u ranks on an endpoint of %u",
				  problem->layout.nranks, ep->nranks);
	return 0;
}

static int build(struct builder *b, struct rg_err *err)
{
	const struct rg_problem *p = &b->p->problem;
	struct rg_schedule_needs needs = {0};
	struct rg_unroll *unroll;
	int rc;

	/* Nothing to move, on any rank: nothing to wait for, but for what is handed over. */
	if (rg_problem_block_bytes(p) == 0 && p->coll != RG_COLL_BARRIER && !p->params.persistent)
		return join_streams(b, err);
	rc = rg_unroll_open(&b->sink, &unroll, err);
	if (rc)
		return rc;
	rc = b->p->algorithm->generate(p, b->p->rank, rg_unroll_sink(unroll), &needs, err);
	rg_unroll_close(unroll);
	if (rc)
		return rc;
	b->p->tmp_bytes = needs.tmp_bytes;
	if (b->p->nstreams == 1)
		rc = rg_program_post(b->p, &b->streams[0].insns, &b->streams[0].n, err);
	if (!rc)
		rc = join_streams(b, err);
	return rc ? rc : rg_program_last(b->p, err);
}

int rg_program_open(struct rg_endpoint *ep, const struct rg_algorithm *algorithm,
		    const struct rg_problem *problem, enum rg_type type, enum rg_op op,
		    uint32_t first_channel, uint64_t stream_from_bytes, struct rg_program **out,
		    struct rg_err *err)
{
	struct builder b = {.sink.step = build_step, .first_channel = first_channel};
	uint32_t channels = problem->params.channels;
	int rc;

	rc = check_fits(ep, problem, first_channel, err);
	if (!rc)
		rc = algorithm->check(problem, err);
	if (rc)
		return rc;
	b.p = rg_zalloc(1, sizeof(*b.p));
	b.streams = rg_zalloc(channels, sizeof(b.streams[0]));
	assert(rg_type_bytes(type) == problem->elem_bytes);
	b.link_of = rg_alloc((size_t)channels * ep->nranks * sizeof(b.link_of[0]));
	b.entered = rg_zalloc((size_t)channels * ep->nranks, sizeof(b.entered[0]));
	if (!b.p || !b.streams || !b.link_of || !b.entered) {
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a program");
		goto free_builder;
	}
	memset(b.link_of, 0xff, (size_t)channels * ep->nranks * sizeof(b.link_of[0]));
	*b.p = (struct rg_program){
		.ep = ep,
		.algorithm = algorithm,
		.problem = *problem,
		.rank = ep->rank,
		.nstreams = channels,
		.channel_mask = ((channels < 64 ? (uint64_t)1 << channels : 0) - 1)
				<< first_channel,
		.type = type,
		.op = op,
		.reduce = rg_reduce_kernel(type, op),
		.elem_shift = (uint32_t)__builtin_ctz((unsigned)rg_type_bytes(type)),
		.stream = streams_buffers(problem, ep->rank, stream_from_bytes),
	};
	rc = build(&b, err);
	for (uint32_t c = 0; c < channels; c++)
		rg_free(b.streams[c].insns);
	if (!rc) {
		*out = b.p;
		b.p = NULL;
	}
free_builder:
	rg_program_close(b.p);
	rg_free(b.entered);
	rg_free(b.link_of);
	rg_free(b.streams);
	return rc;
}

void rg_program_close(struct rg_program *program)
{
	if (!program)
		return;
	rg_free(program->insns);
	rg_free(program->stream_first);
	rg_free(program->bases);
	rg_free(program->links);
	rg_free(program);
}
