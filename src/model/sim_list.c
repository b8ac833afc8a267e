/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The steps of one rank as ops. Counters are turned into numbered messages here: a SIGNAL sends
 * what it announces beyond the last one, a WAIT takes what it needs beyond the last one. What a
 * MOVE costs the processor is put before the next op of its channel.
 */
#include "config.h"

#include "sim_impl.h"

#include "railgauge/base/mem.h"

#include <string.h>

/* What the rank and one peer have told each other on one channel; [0] slot, [1] word. */
struct peer {
	uint32_t told[RG_CTR_COUNT], heard[RG_CTR_COUNT]; /* FREE and LL_FREE in batches */
	uint32_t received[2];				  /* messages taken out of their slots */
	uint64_t put_bytes; /* of the slot message that was put and not announced yet */
	bool put, touched;
};

/* An op before it is known which other ops are equal. */
struct entry {
	int64_t work_fs;
	uint64_t bytes;
	uint32_t peer, n;
	uint16_t channel;
	uint8_t act, kind;
};

/* The last shape of an act. */
struct known {
	int64_t work_fs;
	uint64_t bytes;
	uint32_t number;
	enum rg_hop hop;
	uint8_t kind;
	bool set;
};

struct lister {
	struct rg_sink sink;
	const struct rg_algorithm *algorithm; /* borrowed, as the problem and the costs */
	const struct rg_problem *problem;
	const struct sim_costs *costs;
	enum rg_symmetry symmetry;
	struct rg_unroll *unroll;
	uint32_t nranks, nchannels, rank;
	bool listed;	    /* rank 0, from which the others follow by symmetry */
	struct peer *peers; /* owned, [nchannels][nranks] */
	uint32_t *touched;  /* owned, [nchannels * nranks]: those that are not zero */
	uint32_t ntouched;
	int64_t *work_fs;      /* owned, [nchannels]: not yet put before an op */
	struct entry *entries; /* owned, [cap] */
	size_t n, cap;
	struct op *ops; /* owned, [ops_cap] */
	size_t ops_cap;
	struct known known[ACT_END + 1];
};

static struct peer *peer_of(struct lister *l, uint32_t channel, uint32_t peer)
{
	uint32_t i = channel * l->nranks + peer;
	struct peer *p = &l->peers[i];

	if (!p->touched) {
		p->touched = true;
		l->touched[l->ntouched++] = i;
	}
	return p;
}

static void forget_peers(struct lister *l)
{
	while (l->ntouched)
		l->peers[l->touched[--l->ntouched]] = (struct peer){0};
}

static enum rg_hop hop_to(const struct lister *l, uint32_t peer)
{
	const uint32_t *node = l->problem->layout.node;

	return node && node[peer] != node[l->rank] ? RG_HOP_NETWORK : RG_HOP_NODE;
}

static int no_memory(struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory to simulate a schedule");
}

static struct entry entry_of(const struct rg_step *s, enum act act, uint8_t kind)
{
	return (struct entry){
		.peer = s->peer, .channel = (uint16_t)s->channel, .act = act, .kind = kind};
}

/* Adds an op, and the work that is due before it. */
static int add(struct lister *l, const struct entry *entry, struct rg_err *err)
{
	struct entry *e;

	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 1024;

		e = rg_realloc(l->entries, cap * sizeof(*e));
		if (!e)
			return no_memory(err);
		l->entries = e;
		l->cap = cap;
	}
	e = &l->entries[l->n++];
	*e = *entry;
	e->work_fs = l->work_fs[entry->channel];
	l->work_fs[entry->channel] = 0;
	return 0;
}

/* The messages that make a counter reach value; it stands at *count. */
static int list_messages(struct lister *l, const struct rg_step *s, enum act act, uint32_t *count,
			 int64_t value, struct rg_err *err)
{
	struct entry e = entry_of(s, act, (uint8_t)s->ctr);
	int rc = 0;

	while (*count < value && !rc) {
		e.n = (*count)++;
		rc = add(l, &e, err);
	}
	return rc;
}

/* The batches of credits that make FREE reach value at least; *count were had. */
static int list_need(struct lister *l, const struct rg_step *s, uint32_t *count, struct rg_err *err)
{
	int64_t batch = l->problem->geometry.credit_batch;
	struct entry e = entry_of(s, ACT_NEED, (uint8_t)s->ctr);
	int rc = 0;

	while (*count * batch < s->value && !rc) {
		e.n = (*count)++;
		rc = add(l, &e, err);
	}
	return rc;
}

/* Those that are full when FREE reaches value. */
static int list_grant(struct lister *l, const struct rg_step *s, uint32_t *count,
		      struct rg_err *err)
{
	int64_t batch = l->problem->geometry.credit_batch;
	struct entry e = entry_of(s, ACT_GRANT, (uint8_t)s->ctr);
	int rc = 0;

	while ((*count + 1) * batch <= s->value && !rc) {
		e.n = (*count)++;
		rc = add(l, &e, err);
	}
	return rc;
}

/* A slot message goes with the data that were put before. */
static int list_ready(struct lister *l, const struct rg_step *s, struct peer *p, struct rg_err *err)
{
	struct entry e = entry_of(s, ACT_SEND, RG_CTR_READY);

	if (s->value != (int64_t)p->told[RG_CTR_READY] + 1 || !p->put)
		return rg_err_set(err, RG_ERR_INTERNAL,
				  "rank %u announces messages to rank %u otherwise than one by one",
				  l->rank, s->peer);
	e.n = p->told[RG_CTR_READY]++;
	e.bytes = p->put_bytes;
	p->put = false;
	return add(l, &e, err);
}

static int list_signal(struct lister *l, const struct rg_step *s, struct rg_err *err)
{
	struct peer *p = peer_of(l, s->channel, s->peer);

	if (s->ctr == RG_CTR_READY)
		return list_ready(l, s, p, err);
	if (s->ctr == RG_CTR_FREE || s->ctr == RG_CTR_LL_FREE)
		return list_grant(l, s, &p->told[s->ctr], err);
	return list_messages(l, s, ACT_SEND, &p->told[s->ctr], s->value, err);
}

static int list_wait(struct lister *l, const struct rg_step *s, struct rg_err *err)
{
	struct peer *p;

	if (s->value <= 0)
		return 0;
	p = peer_of(l, s->channel, s->peer);
	if (s->ctr == RG_CTR_FREE || s->ctr == RG_CTR_LL_FREE)
		return list_need(l, s, &p->heard[s->ctr], err);
	return list_messages(l, s, ACT_TAKE, &p->heard[s->ctr], s->value - (int64_t)s->lag, err);
}

static int list_sources(struct lister *l, const struct rg_step *s, bool words, struct rg_err *err)
{
	struct entry e = entry_of(s, ACT_TAKE, KIND_WORD);
	int rc = 0;

	e.n = s->in_msg;
	for (uint32_t k = 0; k < s->nsrc && !rc; k++) {
		if (s->src[k].buf != RG_BUF_IN)
			continue;
		e.peer = s->src[k].rank;
		peer_of(l, s->channel, e.peer)->received[words] = s->in_msg + 1;
		if (words && s->len_bytes)
			rc = add(l, &e, err);
	}
	return rc;
}

static int list_destinations(struct lister *l, const struct rg_step *s, bool words,
			     struct rg_err *err)
{
	struct entry e = entry_of(s, ACT_SEND, KIND_WORD);
	int rc = 0;

	e.n = s->out_msg;
	e.bytes = 2 * s->len_bytes;
	for (uint32_t k = 0; k < s->ndst && !rc; k++) {
		struct peer *p;

		if (s->dst[k].buf != RG_BUF_OUT)
			continue;
		e.peer = s->dst[k].rank;
		if (words && s->len_bytes)
			rc = add(l, &e, err);
		if (words)
			continue;
		p = peer_of(l, s->channel, e.peer);
		p->put = true;
		p->put_bytes = s->len_bytes;
	}
	return rc;
}

static int list_move(struct lister *l, const struct rg_step *s, struct rg_err *err)
{
	bool words = s->flags & RG_STEP_WORDS;
	double byte_fs = s->ndst * l->costs->copy_fs + (s->nsrc - 1) * l->costs->reduce_fs;
	int64_t work;
	int rc = list_sources(l, s, words, err);

	if (!rc)
		rc = sim_fs(byte_fs * (double)s->len_bytes, &work, err);
	if (rc)
		return rc;
	if (work >= RG_SIM_FS_MAX - l->work_fs[s->channel])
		return sim_too_long(err);
	l->work_fs[s->channel] += work;
	return list_destinations(l, s, words, err);
}

static int list_step(struct rg_sink *sink, const struct rg_step *s, struct rg_err *err)
{
	struct lister *l = (struct lister *)sink;

	if (s->op == RG_STEP_MOVE)
		return list_move(l, s, err);
	return s->op == RG_STEP_WAIT ? list_wait(l, s, err) : list_signal(l, s, err);
}

/*
 * Is this credit waited for? The sender's last message waits for the one that frees the slot
 * `slots` messages before it, and it sends as many as were received here.
 */
static bool is_needed(struct lister *l, const struct entry *e)
{
	const struct rg_geometry *g = &l->problem->geometry;
	uint32_t words = e->kind == RG_CTR_LL_FREE;
	uint32_t slots = words ? g->ll_slots : g->slots;
	uint32_t received = peer_of(l, e->channel, e->peer)->received[words];

	return received > slots && (uint64_t)e->n * g->credit_batch < received - slots;
}

/* The number of the entry's shape, most often that of the one before with the same act. */
static int shape_of(struct lister *l, const struct entry *e, struct shapes *shapes, uint32_t *out,
		    struct rg_err *err)
{
	struct known *k = &l->known[e->act];
	enum rg_hop hop = hop_to(l, e->peer);
	struct shape shape = {.work_fs = e->work_fs,
			      .bytes = e->bytes,
			      .act = e->act,
			      .kind = e->kind,
			      .hop = (uint8_t)hop};
	int rc = 0;

	if (k->set && k->work_fs == e->work_fs && k->bytes == e->bytes && k->kind == e->kind &&
	    k->hop == hop) {
		*out = k->number;
		return 0;
	}
	if (e->act == ACT_SEND && e->bytes)
		rc = sim_fs((double)(e->bytes - 1) * l->costs->hop[hop].byte_fs, &shape.serial_fs,
			    err);
	if (!rc)
		rc = shapes_number(shapes, &shape, out, err);
	if (!rc)
		*k = (struct known){e->work_fs, e->bytes, *out, hop, e->kind, true};
	return rc;
}

static int add_ends(struct lister *l, struct rg_err *err)
{
	int rc = 0;

	for (uint32_t c = 0; c < l->nchannels && !rc; c++) {
		const struct entry end = {.peer = l->rank, .channel = (uint16_t)c, .act = ACT_END};

		rc = add(l, &end, err);
	}
	return rc;
}

/* Whom this rank meets where the rank meets peer whose entries there are. */
static uint32_t met(const struct lister *l, uint32_t peer)
{
	return l->symmetry == RG_SYMMETRY_NONE ? peer
					       : sim_moved(l->symmetry, l->nranks, peer, l->rank);
}

/* One channel's entries become ops; credits that nobody needs leave only their work. */
static int write_channel(struct lister *l, uint32_t channel, struct shapes *shapes,
			 struct tape *tape, struct rg_err *err)
{
	int64_t work = 0;
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct entry e = l->entries[i];
		int rc;

		if (e.channel != channel)
			continue;
		if (e.work_fs >= RG_SIM_FS_MAX - work)
			return sim_too_long(err);
		work += e.work_fs;
		if (e.act == ACT_GRANT && !is_needed(l, &e))
			continue;
		e.work_fs = work;
		e.peer = met(l, e.peer);
		work = 0;
		rc = shape_of(l, &e, shapes, &l->ops[n].shape, err);
		if (rc)
			return rc;
		l->ops[n].peer = e.peer;
		l->ops[n++].n = e.n;
	}
	return tape_write(tape, l->ops, n, l->rank, l->nranks, err);
}

static int write_all(struct lister *l, struct shapes *shapes, struct tape *tape, size_t *starts,
		     struct rg_err *err)
{
	int rc = 0;

	if (l->ops_cap < l->n) {
		struct op *ops = rg_realloc(l->ops, l->cap * sizeof(*ops));

		if (!ops)
			return no_memory(err);
		l->ops = ops;
		l->ops_cap = l->cap;
	}
	for (uint32_t c = 0; c < l->nchannels && !rc; c++) {
		starts[c] = tape->n;
		rc = write_channel(l, c, shapes, tape, err);
	}
	return rc;
}

static int list_rank(struct lister *l, uint32_t rank, struct rg_err *err)
{
	struct rg_schedule_needs needs;
	int rc;

	forget_peers(l);
	l->rank = rank;
	l->n = 0;
	memset(l->work_fs, 0, l->nchannels * sizeof(*l->work_fs));
	rc = l->algorithm->generate(l->problem, rank, rg_unroll_sink(l->unroll), &needs, err);
	return rc ? rc : add_ends(l, err);
}

int lister_run(struct lister *l, uint32_t rank, struct shapes *shapes, struct tape *tape,
	       size_t *starts, struct rg_err *err)
{
	int rc = 0;

	if (!l->listed)
		rc = list_rank(l, l->symmetry == RG_SYMMETRY_NONE ? rank : 0, err);
	if (rc)
		return rc;
	l->listed = l->symmetry != RG_SYMMETRY_NONE;
	l->rank = rank;
	return write_all(l, shapes, tape, starts, err);
}

int lister_open(const struct rg_algorithm *algorithm, const struct rg_problem *problem,
		const struct sim_costs *costs, struct lister **out, struct rg_err *err)
{
	size_t nlinks = (size_t)problem->params.channels * problem->layout.nranks;
	struct lister *l = rg_zalloc(1, sizeof(*l));
	int rc;

	if (!l)
		return no_memory(err);
	l->sink.step = list_step;
	l->algorithm = algorithm;
	l->problem = problem;
	l->costs = costs;
	if (algorithm->symmetry)
		l->symmetry = algorithm->symmetry(problem);
	l->nranks = problem->layout.nranks;
	l->nchannels = problem->params.channels;
	l->peers = rg_zalloc(nlinks, sizeof(*l->peers));
	l->touched = rg_zalloc(nlinks, sizeof(*l->touched));
	l->work_fs = rg_zalloc(l->nchannels, sizeof(*l->work_fs));
	rc = l->peers && l->touched && l->work_fs ? 0 : no_memory(err);
	if (!rc)
		rc = rg_unroll_open(&l->sink, &l->unroll, err);
	if (rc)
		lister_close(l);
	else
		*out = l;
	return rc;
}

void lister_close(struct lister *l)
{
	if (!l)
		return;
	rg_unroll_close(l->unroll);
	rg_free(l->peers);
	rg_free(l->touched);
	rg_free(l->work_fs);
	rg_free(l->entries);
	rg_free(l->ops);
	rg_free(l);
}
