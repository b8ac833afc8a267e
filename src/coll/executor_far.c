/* SPDX-License-Identifier: BSD-3-Clause */
/* What the executor does where a peer's memory is not mapped: the transport puts and signals. */
#include "config.h"

#include "exec.h"

bool rg_far_signal(struct rg_run *run, const struct run_link *l, uint32_t ctr, uint64_t value)
{
	const struct rg_program_link *pl = &run->program->links[l - run->links];
	struct rg_executor *x = run->executor;
	int rc = x->ep->ops->signal(x->ep, l->peer, pl->channel, (enum rg_ctr)ctr, value, &x->err);

	x->put = true;
	x->urgent |= ctr != RG_CTR_FREE;
	if (rc < 0)
		x->rc = rc;
	return rc == 0;
}

static inline bool is_far(const struct rg_run *run, uint32_t base)
{
	const struct rg_base *b = &run->program->bases[base];

	return b->buf == RG_BUF_OUT && !run->links[b->link].tx;
}

static struct rg_posted *posted_of(const struct rg_run *run, const struct run_link *l,
				   uint64_t message)
{
	return &l->link->posted[message & (run->executor->ep->config.geometry.slots - 1)];
}

void rg_far_post(struct rg_run *run, const struct rg_insn *i)
{
	const struct run_link *l = &run->links[i->link];
	uint64_t message = l->heard0[RG_CTR_READY] + i->in_msg;
	struct rg_endpoint *ep = run->executor->ep;

	*posted_of(run, l, message) = (struct rg_posted){
		.ready = message + 1,
		.dst = rg_run_address(run, i->dst, i->dst_off, i),
		.len_bytes = i->len_bytes,
	};
	if (ep->ops->post)
		ep->ops->post(ep, l->peer, run->program->links[i->link].channel, message + 1);
}

/* The message that the one source names is taken: where it lies. */
static const uint8_t *take(struct rg_run *run, const struct rg_insn *i)
{
	const struct run_link *l = &run->links[run->program->bases[i->src].link];
	struct rg_posted *p = posted_of(run, l, l->heard0[RG_CTR_READY] + i->in_msg);

	p->ready = 0;
	return p->placed ? p->dst : rg_run_address(run, i->src, 0, i);
}

void rg_far_take(struct rg_run *run, const struct rg_insn *i)
{
	const uint8_t *from = take(run, i);
	uint8_t *to = rg_run_address(run, i->dst, i->dst_off, i);

	bool stream = run->program->stream && run->program->bases[i->dst].buf == RG_BUF_DST;

	if (from != to)
		rg_copy(to, from, i->len_bytes, stream ? RG_STORE_STREAM : RG_STORE_CACHED);
}

static bool is_plain(const struct rg_insn *i)
{
	return i->nsrc == 1 && !(i->flags & RG_INSN_SCALE);
}

/* Where a result goes that nobody wants here: to where it is put from without being copied. */
static uint8_t *result_place(const struct rg_run *run, const struct stream *s,
			     const struct rg_insn *i)
{
	const struct rg_geometry *geo = &run->executor->ep->config.geometry;
	const struct run_link *l = &run->links[run->program->bases[i->dst].link];
	uint64_t message = l->told0[RG_CTR_READY] + i->out_msg;

	if (!l->link->tx_shadow)
		return s->result;
	return l->link->tx_shadow + (message & (geo->slots - 1)) * geo->slot_bytes;
}

/* The destinations that are here get their values; returns where the others' values are. */
static const uint8_t *compute(struct rg_run *run, const struct stream *s, const struct rg_insn *i)
{
	const struct rg_program *p = run->program;
	const void *src[RG_REDUCE_MAX];
	void *dst[RG_REDUCE_MAX];
	uint32_t n = 0;

	for (uint32_t k = 0; k < i->nsrc; k++)
		src[k] = rg_run_address(run, i->src + k, i->src_off + k * (uint64_t)i->src_stride,
					i);
	for (uint32_t k = 0; k < i->ndst; k++) {
		if (!is_far(run, i->dst + k))
			dst[n++] = rg_run_address(run, i->dst + k, i->dst_off, i);
	}
	if (!n)
		dst[n++] = result_place(run, s, i);
	p->reduce(dst, n, src, i->nsrc, rg_run_count(run, i->len_bytes), 0,
		  i->flags & RG_INSN_SCALE ? p->problem.layout.nranks : 1);
	return dst[0];
}

/* What is put goes to the destinations that are here, too. */
static void copy_near(struct rg_run *run, const struct stream *s, const struct rg_insn *i)
{
	for (uint32_t k = 0; k < i->ndst; k++) {
		uint8_t *to;

		if (is_far(run, i->dst + k))
			continue;
		to = rg_run_address(run, i->dst + k, i->dst_off, i);
		if (to != s->from) /* else it was received there, or is in place */
			rg_copy(to, s->from, i->len_bytes, RG_STORE_CACHED);
	}
}

/* The first destination that is this rank's own memory. */
static const uint8_t *own_place(const struct rg_run *run, const struct rg_insn *i)
{
	const struct rg_program *p = run->program;
	uint32_t k = 0;

	while (p->bases[i->dst + k].buf >= RG_BUF_IN || p->bases[i->dst + k].rank != p->rank)
		k++;
	return rg_run_address(run, i->dst + k, i->dst_off, i);
}

/* A slot is written again before the run is done: what is to last is put from its copy. */
static bool is_passed_on(const struct rg_run *run, const struct rg_insn *i)
{
	return i->flags & RG_INSN_LASTS && run->program->bases[i->src].buf == RG_BUF_IN;
}

/* A single source is put from where it lies. */
static void find_source(struct rg_run *run, struct stream *s, const struct rg_insn *i)
{
	if (!is_plain(i)) {
		s->from = compute(run, s, i);
		if (i->flags & RG_INSN_LASTS)
			s->from = own_place(run, i);
		return;
	}
	s->from = i->flags & RG_INSN_POSTED ? take(run, i)
					    : rg_run_address(run, i->src, i->src_off, i);
	if (!is_passed_on(run, i))
		return;
	copy_near(run, s, i);
	s->from = own_place(run, i);
}

/*
 * Credit travels with data: half of a batch is enough to join what is put anyhow, and the batch
 * is hardly ever full then, which would take a packet of its own.
 */
static void join_credit(struct rg_run *run, const struct run_link *l)
{
	struct rg_link *link = l->link;
	uint32_t batch = run->executor->ep->config.geometry.credit_batch;

	if (link->free_due[0] - link->free_told[0] >= batch / 2 &&
	    link->free_due[0] != link->free_told[0] &&
	    rg_far_signal(run, l, RG_CTR_FREE, link->free_due[0]))
		link->free_told[0] = link->free_due[0];
}

/* The message to the k-th destination, which is far. */
static inline void message_to(struct rg_run *run, const uint8_t *from, const struct rg_insn *i,
			      uint32_t k, struct rg_put *out)
{
	const struct rg_geometry *geo = &run->executor->ep->config.geometry;
	const struct rg_base *b = &run->program->bases[i->dst + k];
	const struct run_link *l = &run->links[b->link];
	uint64_t message = l->told0[RG_CTR_READY] + i->out_msg;

	join_credit(run, l);
	*out = (struct rg_put){
		.peer = l->peer,
		.channel = run->program->links[b->link].channel,
		.region = RG_REGION_SLOT,
		.offset = (message & (geo->slots - 1)) * geo->slot_bytes,
		.src = from,
		.len_bytes = i->len_bytes,
		.lasting = i->flags & RG_INSN_LASTS,
		.notify = true,
		.ctr = RG_CTR_READY,
		.value = message + 1,
	};
}

/* All peers at once. 0, 1 or an error, as the transport says. */
static int put_at_once(struct rg_run *run, struct stream *s, const struct rg_insn *i)
{
	struct rg_endpoint *ep = run->executor->ep;
	struct rg_put puts[RG_REDUCE_MAX];
	uint32_t n = 0;

	for (uint32_t k = 0; k < i->ndst; k++) {
		if (!is_far(run, i->dst + k))
			continue;
		if (!n)
			s->put = k; /* who is waited for */
		message_to(run, s->from, i, k, &puts[n++]);
	}
	return ep->ops->put_all(ep, puts, n, &run->executor->err);
}

/* Each peer in turn, likewise. */
static int put_messages(struct rg_run *run, struct stream *s, const struct rg_insn *i)
{
	struct rg_endpoint *ep = run->executor->ep;
	int rc = 0;

	for (uint32_t k = s->put; k < i->ndst && !rc; k++) {
		struct rg_put put;

		if (!is_far(run, i->dst + k))
			continue;
		s->put = k; /* who is waited for */
		message_to(run, s->from, i, k, &put);
		rc = ep->ops->put(ep, &put, &run->executor->err);
	}
	return rc;
}

/* What lies here goes to one peer and nowhere else, as most of what is put. */
static bool put_one(struct rg_run *run, const struct rg_insn *i)
{
	struct rg_executor *x = run->executor;
	struct rg_put put;
	int rc;

	message_to(run, rg_run_address(run, i->src, i->src_off, i), i, 0, &put);
	rc = x->ep->ops->put(x->ep, &put, &x->err);
	x->put = x->urgent = true;
	if (rc < 0)
		x->rc = rc;
	return !rc && !x->rc; /* credit may have failed before */
}

/*
 * Comes back here until all peers have their message; what is put does not change meanwhile. It
 * goes to the destinations that are here while it is on its way to the others.
 */
bool rg_far_put(struct rg_run *run, struct stream *s, const struct rg_insn *i)
{
	int rc;

	if (i->ndst == 1 && is_plain(i) && !(i->flags & RG_INSN_AT_ONCE))
		return put_one(run, i);
	if (!s->from)
		find_source(run, s, i);
	rc = i->flags & RG_INSN_AT_ONCE ? put_at_once(run, s, i) : put_messages(run, s, i);
	run->executor->put = run->executor->urgent = true;
	if (rc < 0)
		run->executor->rc = rc;
	if (rc)
		return false;
	if (is_plain(i) && !is_passed_on(run, i)) {
		(void)rg_far_hurry(run->executor, i->len_bytes); /* what fails is seen below */
		copy_near(run, s, i);
	}
	s->from = NULL;
	s->put = 0;
	return !run->executor->rc;
}
