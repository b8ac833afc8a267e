/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "sim_impl.h"

#include "railgauge/base/mem.h"

#define NOTHING UINT32_MAX

/*
 * What an op has to do with others: of a SEND or GRANT, in which buffer it is kept when its
 * messages are there; of a TAKE or NEED, which op sent what it takes.
 */
struct turn {
	uint32_t buffer, from;
};

struct lockstep {
	struct sim_costs costs;
	enum rg_symmetry_kind kind; /* SHIFT or FLIP */
	struct sim_symmetry symmetry;
	uint32_t nranks, nreps;
	const uint32_t *node; /* borrowed; NULL: all on one */
	struct listing listing;
	struct turn *turns; /* owned, [listing.n] */
	uint32_t nbuffers;
	int64_t *there_fs; /* owned, [nbuffers][nreps] */
	int64_t *time_fs;  /* owned, [nreps], and of ports: */
	int64_t *out_fs[RG_HOP_COUNT], *in_fs[RG_HOP_COUNT];
	struct rg_sim_result result;
	struct rg_err *err; /* borrowed */
};

/* --- who takes what --- */

/* Ops whose messages are under way, found by what identifies a message. */
struct table {
	uint32_t *heads, *next; /* owned, [nheads], [listing.n] */
	uint32_t nheads;	/* a power of two */
	uint32_t *unused;	/* owned, [listing.n]: buffers that are free again */
	uint32_t nunused;
};

/* As the receiver sees it: from `peer`. */
static uint32_t *head_of(const struct table *t, uint8_t kind, uint32_t peer, uint32_t n)
{
	uint64_t h = (uint64_t)peer << 32 | n;

	h = (h ^ kind) * 0x9e3779b97f4a7c15u;
	return &t->heads[(h >> 32) & (t->nheads - 1)];
}

/* Who rank 0 is to its peer, as seen from rank 0's place. */
static uint32_t back(const struct lockstep *s, uint32_t peer)
{
	return s->kind == RG_SYMMETRY_FLIP || !peer ? peer : s->nranks - peer;
}

static void put_in(struct lockstep *s, struct table *t, uint32_t i)
{
	const struct entry *e = &s->listing.entries[i];
	uint32_t *head = head_of(t, e->kind, back(s, e->peer), e->n);

	s->turns[i].buffer = t->nunused ? t->unused[--t->nunused] : s->nbuffers++;
	t->next[i] = *head;
	*head = i;
}

/* The op that sent what op i takes; NOTHING: none before it. */
static uint32_t take_out(const struct lockstep *s, struct table *t, uint32_t i)
{
	const struct entry *e = &s->listing.entries[i];
	uint32_t *at = head_of(t, e->kind, e->peer, e->n);

	while (*at != NOTHING) {
		const struct entry *f = &s->listing.entries[*at];
		uint32_t found = *at;

		if (f->kind == e->kind && f->n == e->n && back(s, f->peer) == e->peer) {
			*at = t->next[found];
			t->unused[t->nunused++] = s->turns[found].buffer;
			return found;
		}
		at = &t->next[found];
	}
	return NOTHING;
}

/* False: an op takes what was not sent before it, or messages are left over. */
static bool match(struct lockstep *s, struct table *t)
{
	size_t open = 0;

	for (uint32_t i = 0; i < s->listing.n; i++) {
		const struct entry *e = &s->listing.entries[i];

		if (e->act == ACT_SEND || e->act == ACT_GRANT) {
			put_in(s, t, i);
		} else if (e->act != ACT_END) {
			s->turns[i].from = take_out(s, t, i);
			if (s->turns[i].from == NOTHING)
				return false;
		}
		open += e->act == ACT_SEND;
		open -= e->act == ACT_TAKE;
	}
	return !open;
}

static int match_all(struct lockstep *s, bool *matched_out)
{
	size_t n = s->listing.n;
	struct table t = {.nheads = 1};
	int rc = 0;

	while (t.nheads < n)
		t.nheads *= 2;
	t.heads = rg_alloc(t.nheads * sizeof(*t.heads));
	t.next = rg_alloc(n * sizeof(*t.next));
	t.unused = rg_alloc(n * sizeof(*t.unused));
	s->turns = rg_zalloc(n, sizeof(*s->turns));
	if (t.heads && t.next && t.unused && s->turns) {
		for (uint32_t i = 0; i < t.nheads; i++)
			t.heads[i] = NOTHING;
		*matched_out = match(s, &t);
	} else {
		rc = rg_err_set(s->err, RG_ERR_NO_MEMORY, "no memory for a simulation");
	}
	rg_free(t.heads);
	rg_free(t.next);
	rg_free(t.unused);
	return rc;
}

/* --- what it costs --- */

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static enum rg_hop hop_between(const struct lockstep *s, uint32_t a, uint32_t b)
{
	return s->node && s->node[a] != s->node[b] ? RG_HOP_NETWORK : RG_HOP_NODE;
}

/* The peer of a rank where rank 0's is `peer`. */
static uint32_t peer_of(const struct lockstep *s, uint32_t peer, uint32_t rank)
{
	return sim_moved(s->kind, s->nranks, peer, rank);
}

/* How long the part is that a rank is about where rank 0 is about this one. */
static uint64_t part_len(const struct lockstep *s, uint64_t part, uint32_t rank)
{
	uint64_t i = part % s->nranks;

	return s->listing.parts[part - i + sim_moved(s->kind, s->nranks, (uint32_t)i, rank)];
}

static bool is_rounded(double fs, int64_t *out)
{
	bool good = fs <= (double)(SIM_COST_MAX);

	*out = good ? (int64_t)(fs + 0.5) : 0;
	return good;
}

/* (k - 1) G. */
static bool serial(const struct lockstep *s, uint64_t bytes, enum rg_hop hop, int64_t *out)
{
	*out = 0;
	return !bytes || is_rounded((double)(bytes - 1) * s->costs.hop[hop].byte_fs, out);
}

/* What op i is about, if that is a part. */
static struct about about(const struct lockstep *s, uint32_t i)
{
	return s->listing.about ? s->listing.about[i] : (struct about){0};
}

/* How many bytes a rank sends in op i. */
static uint64_t bytes_of(const struct lockstep *s, uint32_t i, uint32_t rank)
{
	struct about a = about(s, i);

	return a.bytes ? a.bytes * part_len(s, a.part, rank) : s->listing.entries[i].bytes;
}

/* --- ops, each of all ranks; false: that takes too long --- */

static bool work(struct lockstep *s, uint32_t i)
{
	const struct about a = about(s, i);
	int64_t most = 0, fs = s->listing.entries[i].work_fs;
	bool good = true;

	for (uint32_t r = 0; r < s->nreps && (fs || a.work_fs > 0); r++) {
		if (a.work_fs > 0)
			good &= is_rounded(a.work_fs * (double)part_len(s, a.part, r), &fs);
		s->time_fs[r] += fs;
		most = later(most, s->time_fs[r]);
	}
	return good && most <= RG_SIM_FS_MAX;
}

static bool send(struct lockstep *s, uint32_t i, int64_t *there_fs)
{
	uint32_t to = s->listing.entries[i].peer;
	int64_t most = 0, serial_fs;
	bool good = true;

	for (uint32_t r = 0; r < s->nreps; r++) {
		enum rg_hop hop = hop_between(s, r, peer_of(s, to, r));
		const struct hop_costs *h = &s->costs.hop[hop];
		uint64_t bytes = bytes_of(s, i, r);
		int64_t start = later(s->time_fs[r], s->out_fs[hop][r]);

		good &= serial(s, bytes, hop, &serial_fs);
		s->time_fs[r] = start + h->overhead_fs;
		s->out_fs[hop][r] = start + h->gap_fs + serial_fs;
		there_fs[r] = s->time_fs[r] + serial_fs + h->latency_fs;
		most = later(most, s->time_fs[r]);
		s->result.bytes[hop] += bytes;
	}
	s->result.messages += s->nreps;
	return good && most <= RG_SIM_FS_MAX;
}

static bool take(struct lockstep *s, uint32_t i, const int64_t *there_fs)
{
	uint32_t from = s->listing.entries[i].peer;
	int64_t most = 0, serial_fs;

	for (uint32_t r = 0; r < s->nreps; r++) {
		uint32_t peer = peer_of(s, from, r), source = sim_stands_for(&s->symmetry, peer);
		enum rg_hop hop = hop_between(s, r, peer);
		const struct hop_costs *h = &s->costs.hop[hop];
		int64_t end;

		/* It was good where it was sent. */
		(void)serial(s, bytes_of(s, s->turns[i].from, source), hop, &serial_fs);
		end = later(there_fs[source], s->in_fs[hop][r] + serial_fs);
		s->in_fs[hop][r] = end + h->gap_fs;
		s->time_fs[r] = later(s->time_fs[r], end) + h->overhead_fs;
		most = later(most, s->time_fs[r]);
	}
	return most <= RG_SIM_FS_MAX;
}

static bool grant(struct lockstep *s, const struct entry *e, int64_t *there_fs)
{
	for (uint32_t r = 0; r < s->nreps; r++) {
		enum rg_hop hop = hop_between(s, r, peer_of(s, e->peer, r));

		there_fs[r] = s->time_fs[r] + s->costs.hop[hop].latency_fs;
	}
	return true;
}

static bool need(struct lockstep *s, const struct entry *e, const int64_t *there_fs)
{
	int64_t most = 0;

	for (uint32_t r = 0; r < s->nreps; r++) {
		uint32_t source = sim_stands_for(&s->symmetry, peer_of(s, e->peer, r));

		s->time_fs[r] = later(s->time_fs[r], there_fs[source]);
		most = later(most, s->time_fs[r]);
	}
	return most <= RG_SIM_FS_MAX;
}

static bool op(struct lockstep *s, uint32_t i)
{
	const struct entry *e = &s->listing.entries[i];
	const struct turn *t = &s->turns[i];
	bool takes = e->act == ACT_TAKE || e->act == ACT_NEED;
	uint32_t buffer = takes ? s->turns[t->from].buffer : t->buffer;
	int64_t *there_fs = s->there_fs + (size_t)buffer * s->nreps;

	if (!work(s, i))
		return false;
	switch ((enum act)e->act) {
	case ACT_SEND:
		return send(s, i, there_fs);
	case ACT_TAKE:
		return take(s, i, there_fs);
	case ACT_GRANT:
		return grant(s, e, there_fs);
	case ACT_NEED:
		return need(s, e, there_fs);
	case ACT_END:
		break;
	}
	return true;
}

static int run(struct lockstep *s)
{
	for (uint32_t i = 0; i < s->listing.n; i++) {
		if (!op(s, i))
			return sim_too_long(s->err);
	}
	for (uint32_t r = 0; r < s->nreps; r++)
		s->result.time_fs = later(s->result.time_fs, s->time_fs[r]);
	s->result.messages *= s->nranks / s->nreps;
	for (int h = 0; h < RG_HOP_COUNT; h++)
		s->result.bytes[h] *= s->nranks / s->nreps;
	return 0;
}

/* --- all together --- */

static int open_ranks(struct lockstep *s)
{
	bool good;

	s->there_fs = rg_alloc((size_t)s->nbuffers * s->nreps * sizeof(*s->there_fs));
	s->time_fs = rg_zalloc(s->nreps, sizeof(*s->time_fs));
	good = s->there_fs && s->time_fs;
	for (int h = 0; h < RG_HOP_COUNT; h++) {
		s->out_fs[h] = rg_zalloc(s->nreps, sizeof(*s->out_fs[h]));
		s->in_fs[h] = rg_zalloc(s->nreps, sizeof(*s->in_fs[h]));
		good = good && s->out_fs[h] && s->in_fs[h];
	}
	return good ? 0 : rg_err_set(s->err, RG_ERR_NO_MEMORY, "no memory for a simulation");
}

static void close_ranks(struct lockstep *s)
{
	for (int h = 0; h < RG_HOP_COUNT; h++) {
		rg_free(s->out_fs[h]);
		rg_free(s->in_fs[h]);
	}
	rg_free(s->time_fs);
	rg_free(s->there_fs);
	rg_free(s->turns);
}

/* With rank 0's ops in place. */
static int carry_out(struct lockstep *s, bool *done_out)
{
	bool matched = false;
	int rc = match_all(s, &matched);

	if (rc || !matched ||
	    (uint64_t)s->nbuffers * s->nreps * sizeof(*s->there_fs) > RG_SIM_BYTES)
		return rc;
	rc = open_ranks(s);
	if (!rc)
		rc = run(s);
	*done_out = !rc;
	return rc;
}

int sim_lockstep(const struct rg_algorithm *algorithm, const struct rg_problem *problem,
		 const struct sim_costs *costs, const struct sim_symmetry *symmetry, bool *done_out,
		 struct rg_sim_result *out, struct rg_err *err)
{
	struct rg_symmetry claim = sim_claim(algorithm, problem);
	struct lockstep s = {
		.costs = *costs,
		.kind = claim.kind == RG_SYMMETRY_FLIP ? claim.kind : RG_SYMMETRY_SHIFT,
		.symmetry = *symmetry,
		.nranks = symmetry->nranks,
		.nreps = symmetry->nreps,
		.node = problem->layout.node,
		.err = err,
	};
	struct lister *lister = NULL;
	int rc;

	*done_out = false;
	if (claim.unit != 1 || problem->params.channels > 1)
		return 0;
	rc = lister_open(algorithm, problem, costs, &lister, err);
	if (!rc)
		rc = lister_run(lister, 0, &s.listing, err);
	if (!rc && s.listing.by_parts && s.listing.n < NOTHING)
		rc = carry_out(&s, done_out);
	if (*done_out)
		*out = s.result;
	close_ranks(&s);
	lister_close(lister);
	return rc;
}
