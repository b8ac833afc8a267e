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
	uint64_t put_bytes, put_part; /* of the slot message that was put and not announced yet */
	bool put, touched;
};

/* Work of a channel that is not yet put before an op. */
struct pending {
	int64_t work_fs;
	double part_work_fs;
	uint64_t part;
};

struct lister {
	struct rg_sink sink;
	const struct rg_algorithm *algorithm; /* borrowed, as the problem and the costs */
	const struct rg_problem *problem;
	const struct sim_costs *costs;
	struct rg_symmetry claim;
	struct rg_unroll *unroll;
	uint32_t nranks, nchannels, rank;
	bool listed;	    /* rank 0, from which the others follow by symmetry */
	struct peer *peers; /* owned, [nchannels][nranks] */
	uint32_t *touched;  /* owned, [nchannels * nranks]: those that are not zero */
	uint32_t ntouched;
	struct pending *pending; /* owned, [nchannels] */
	struct entry *entries;	 /* owned, [cap] */
	size_t n, cap;
	bool grants; /* there are some */

	/* Of a symmetry of parts. */
	bool has_parts, mixed; /* some op is about several parts */
	struct about *about;   /* owned, [cap] */
	struct about now;      /* of the op to come, but for its work */
	uint64_t *parts;       /* owned, [parts_cap]: see struct listing */
	size_t nparts, parts_cap;
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

static int no_memory(struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory to simulate a schedule");
}

static struct entry entry_of(const struct rg_step *s, enum act act, uint8_t kind)
{
	return (struct entry){
		.peer = s->peer, .channel = (uint16_t)s->channel, .act = act, .kind = kind};
}

/* The work that is due before an op is for a part, perhaps for another one than the op. */
static void put_part_before(struct lister *l, struct pending *p, struct about *a)
{
	if (p->part_work_fs > 0) {
		l->mixed |= a->work_fs > 0 || (a->bytes && a->part != p->part);
		a->part = p->part;
		a->work_fs = p->part_work_fs;
	}
	p->part_work_fs = 0;
}

static int more_entries(struct lister *l, struct rg_err *err)
{
	size_t cap = l->cap ? 2 * l->cap : 1024;
	struct entry *entries = rg_realloc(l->entries, cap * sizeof(*entries));
	struct about *about = NULL;

	if (!entries)
		return no_memory(err);
	l->entries = entries;
	if (l->has_parts) {
		about = rg_realloc(l->about, cap * sizeof(*about));
		if (!about)
			return no_memory(err);
		l->about = about;
	}
	l->cap = cap;
	return 0;
}

/* Adds an op, and the work that is due before it. */
static int add(struct lister *l, const struct entry *entry, struct rg_err *err)
{
	struct pending *p = &l->pending[entry->channel];
	int rc = l->n == l->cap ? more_entries(l, err) : 0;

	if (rc)
		return rc;
	l->entries[l->n] = *entry;
	l->entries[l->n].work_fs = p->work_fs;
	p->work_fs = 0;
	if (l->has_parts) {
		l->about[l->n] = l->now;
		put_part_before(l, p, &l->about[l->n]);
		l->now = (struct about){0};
	}
	l->n++;
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
		l->grants = true;
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
	l->now = (struct about){.part = p->put_part, .bytes = 1};
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
		l->now = (struct about){.part = s->part, .bytes = 2};
		if (words && s->len_bytes)
			rc = add(l, &e, err);
		if (words)
			continue;
		p = peer_of(l, s->channel, e.peer);
		p->put = true;
		p->put_bytes = s->len_bytes;
		p->put_part = s->part;
	}
	return rc;
}

#define PARTS_MAX ((size_t)1 << 24)

/* Of a symmetry of parts: how long a part is, which is the same wherever it comes. */
static int note_part(struct lister *l, const struct rg_step *s, struct rg_err *err)
{
	if (s->part >= PARTS_MAX) {
		l->mixed = true;
		return 0;
	}
	if (s->part >= l->parts_cap) {
		size_t cap = l->parts_cap ? l->parts_cap : 1024;
		uint64_t *parts;

		while (cap <= s->part)
			cap *= 2;
		parts = rg_realloc(l->parts, cap * sizeof(*parts));
		if (!parts)
			return no_memory(err);
		l->parts = parts;
		l->parts_cap = cap;
	}
	for (; l->nparts <= s->part; l->nparts++)
		l->parts[l->nparts] = UINT64_MAX;
	l->mixed |= l->parts[s->part] != UINT64_MAX && l->parts[s->part] != s->len_bytes;
	l->parts[s->part] = s->len_bytes;
	return 0;
}

static int add_work(struct lister *l, const struct rg_step *s, struct rg_err *err)
{
	double byte_fs = s->ndst * l->costs->copy_fs + (s->nsrc - 1) * l->costs->reduce_fs;
	struct pending *p = &l->pending[s->channel];
	int64_t work;
	int rc = sim_fs(byte_fs * (double)s->len_bytes, &work, err);

	if (rc)
		return rc;
	if (work >= RG_SIM_FS_MAX - p->work_fs)
		return sim_too_long(err);
	p->work_fs += work;
	if (!l->has_parts)
		return 0;
	l->mixed |= p->part_work_fs > 0;
	p->part_work_fs = byte_fs;
	p->part = s->part;
	return note_part(l, s, err);
}

static int list_move(struct lister *l, const struct rg_step *s, struct rg_err *err)
{
	bool words = s->flags & RG_STEP_WORDS;
	int rc = list_sources(l, s, words, err);

	if (!rc)
		rc = add_work(l, s, err);
	return rc ? rc : list_destinations(l, s, words, err);
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

/* Credits that nobody needs leave only their work. */
static int drop_credits(struct lister *l, struct rg_err *err)
{
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < l->n && l->grants && !rc; i++) {
		struct entry e = l->entries[i];
		struct pending *p = &l->pending[e.channel];
		struct about a = {0};

		e.work_fs += p->work_fs;
		if (e.work_fs >= RG_SIM_FS_MAX)
			rc = sim_too_long(err);
		p->work_fs = 0;
		if (l->has_parts) {
			a = l->about[i];
			put_part_before(l, p, &a);
			l->about[n] = a;
		}
		if (e.act == ACT_GRANT && !is_needed(l, &e))
			*p = (struct pending){e.work_fs, a.work_fs, a.part};
		else
			l->entries[n++] = e;
	}
	if (l->grants)
		l->n = n;
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

static int list_rank(struct lister *l, uint32_t rank, struct rg_err *err)
{
	struct rg_schedule_needs needs;
	int rc;

	forget_peers(l);
	l->rank = rank;
	l->n = l->nparts = 0;
	l->grants = false;
	memset(l->pending, 0, l->nchannels * sizeof(*l->pending));
	rc = l->algorithm->generate(l->problem, rank, rg_unroll_sink(l->unroll), &needs, err);
	if (!rc)
		rc = add_ends(l, err);
	return rc ? rc : drop_credits(l, err);
}

/* Are all parts of all groups known, and no op about two of them? */
static bool is_by_parts(const struct lister *l)
{
	for (size_t i = 0; i < l->nparts; i++) {
		if (l->parts[i] == UINT64_MAX)
			return false;
	}
	return !l->mixed && l->nparts % l->nranks == 0;
}

int lister_run(struct lister *l, uint32_t rank, struct listing *out, struct rg_err *err)
{
	bool one = sim_is_one_for_all(l->claim);
	int rc = 0;

	if (!one || !l->listed)
		rc = list_rank(l, one ? 0 : rank, err);
	if (rc)
		return rc;
	l->listed = true;
	*out = (struct listing){
		.rank = l->rank,
		.entries = l->entries,
		.n = l->n,
		.about = l->has_parts ? l->about : NULL,
		.parts = l->parts,
		.nparts = l->nparts,
		.by_parts = is_by_parts(l),
	};
	return 0;
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
	l->claim = sim_claim(algorithm, problem);
	l->has_parts = l->claim.kind == RG_SYMMETRY_SHIFT_PARTS;
	l->nranks = problem->layout.nranks;
	l->nchannels = problem->params.channels;
	l->peers = rg_zalloc(nlinks, sizeof(*l->peers));
	l->touched = rg_zalloc(nlinks, sizeof(*l->touched));
	l->pending = rg_zalloc(l->nchannels, sizeof(*l->pending));
	rc = l->peers && l->touched && l->pending ? 0 : no_memory(err);
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
	rg_free(l->pending);
	rg_free(l->about);
	rg_free(l->parts);
	rg_free(l->entries);
	rg_free(l);
}
