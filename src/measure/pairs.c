/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The batches of a point. Every rank keeps the account of all pairs, from what all tell each other
 * behind each batch, so that all know without asking which pair goes on, and for how long.
 */
#include "config.h"

#include "railgauge/measure/pairs.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/measure/tournament.h"
#include "pairs_data.h"

#include <math.h>
#include <string.h>

#define PILOT	     4			 /* messages of the first batch */
#define BATCH_NS     1e9		 /* at most: a late rank must not make the others give up */
#define PARTS	     4			 /* batches of a duration */
#define WARMUP_SHARE 0.1		 /* of the duration, at most */
#define ENOUGH	     0.97		 /* of the duration */
#define BLOCKS	     100		 /* durations of a stream, about */
#define MOST	     (UINT64_C(1) << 40) /* messages of a batch */

const char *const rg_pairs_test_words[] = {
#define WORD(name, word) word,
	RG_PAIRS_TEST_LIST(WORD)
#undef WORD
		NULL,
};

/* What a rank says behind a batch. */
struct told {
	int32_t rc;
	int32_t interrupted;
	double elapsed_ns; /* of what it sent; 0: it sent nothing */
};

/* The account of the pair that a rank begins, kept by all ranks. */
struct account {
	uint32_t to;	      /* RG_TOURNAMENT_NOBODY: this rank begins none */
	bool warm;	      /* the warm-up is over */
	bool over;	      /* and so is the measurement */
	uint64_t warmed;      /* messages of the warm-up */
	double warmed_ns;     /* and its time */
	double message_ns;    /* time of a message in the last batch */
	uint64_t next, block; /* messages of the next batch, and of its blocks */
	uint64_t messages;    /* that count */
	double time_ns;	      /* and took so long */
};

/* What a rank says at the end. */
struct final {
	struct rg_distribution ns;
	double bound_ns;
	uint64_t checked, wrong;
	char from_device[RG_LANE_NAME_BYTES], to_device[RG_LANE_NAME_BYTES];
};

struct rg_pairs {
	struct rg_rendezvous *rdv; /* borrowed */
	struct rg_lane *lane;	   /* borrowed */
	struct rg_pairs_config config;
	uint32_t round;
	struct rg_series series;
	struct told *told;	  /* owned, [nranks] */
	struct account *accounts; /* owned, [nranks] */
	struct final *finals;	  /* owned, [nranks] */
	uint64_t batch;		  /* number of the batch, over all points */
	uint64_t checked, wrong;
};

void rg_pairs_close(struct rg_pairs *p)
{
	if (!p)
		return;
	rg_series_close(&p->series);
	rg_free(p->told);
	rg_free(p->accounts);
	rg_free(p->finals);
	rg_free(p);
}

static uint64_t deadline(const struct rg_pairs *p)
{
	return rg_clock_ns() + p->config.deadline_ns;
}

static int allocate(struct rg_pairs *p, struct rg_err *err)
{
	uint32_t n = p->rdv->nranks;

	p->told = rg_zalloc(n, sizeof(*p->told));
	p->accounts = rg_zalloc(n, sizeof(*p->accounts));
	p->finals = rg_zalloc(n, sizeof(*p->finals));
	if (!p->told || !p->accounts || !p->finals)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the pairs of %u ranks", n);
	return rg_series_open(&p->series, RG_SERIES_ROOM, err);
}

int rg_pairs_open(struct rg_rendezvous *rdv, struct rg_lane *lane,
		  const struct rg_pairs_config *config, struct rg_pairs **out, struct rg_err *err)
{
	struct rg_pairs *p = rg_zalloc(1, sizeof(*p));
	uint64_t deadline_ns;
	int rc;

	if (p) {
		*p = (struct rg_pairs){.rdv = rdv, .lane = lane, .config = *config};
		rc = allocate(p, err);
	} else {
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the pairs");
	}
	deadline_ns = rg_clock_ns() + config->deadline_ns;
	rc = rg_rendezvous_agree(rdv, rc, deadline_ns, err);
	if (rc) {
		rg_pairs_close(p);
		return rc;
	}
	*out = p;
	return 0;
}

int rg_pairs_meet(struct rg_pairs *p, uint32_t round, struct rg_err *err)
{
	p->round = round;
	return p->lane->ops->meet(p->lane,
				  rg_tournament_opponent(p->rdv->nranks, round, p->rdv->rank), err);
}

/* --- the accounts --- */

static bool is_stream(const struct rg_pairs_point *point)
{
	return point->test != RG_PAIRS_LATENCY;
}

/* The rank that begins where r is one of the two; RG_TOURNAMENT_NOBODY: r has nothing to do. */
static uint32_t beginner(const struct rg_pairs *p, const struct rg_pairs_point *point, uint32_t r)
{
	uint32_t other = rg_tournament_opponent(p->rdv->nranks, p->round, r), low;

	if (other == RG_TOURNAMENT_NOBODY)
		return RG_TOURNAMENT_NOBODY;
	low = r < other ? r : other;
	if (point->alone != RG_TOURNAMENT_NOBODY && point->alone != low)
		return RG_TOURNAMENT_NOBODY;
	return point->reverse == (r == low) ? other : r;
}

static void open_accounts(struct rg_pairs *p, const struct rg_pairs_point *point)
{
	for (uint32_t r = 0; r < p->rdv->nranks; r++) {
		bool begins = beginner(p, point, r) == r;

		p->accounts[r] = (struct account){
			.to = begins ? rg_tournament_opponent(p->rdv->nranks, p->round, r)
				     : RG_TOURNAMENT_NOBODY,
			.next = PILOT,
			.block = 1,
		};
	}
}

static uint64_t in_time(double time_ns, double message_ns)
{
	double n = message_ns > 0 ? time_ns / message_ns : 1;

	return n < 1 ? 1 : n > (double)MOST ? MOST : (uint64_t)n;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * The first of as few batches of at most `most` as n messages can go in, all of equal length (one
 * or none less): what is left over would else make a short last one, of which much is ramp.
 */
static uint64_t even_batch(uint64_t n, uint64_t most)
{
	uint64_t batches = (n + most - 1) / most;

	return batches ? (n + batches - 1) / batches : 0;
}

/* How long a batch may be. */
static double batch_ns(const struct rg_pairs *p)
{
	return fmin(BATCH_NS, (double)p->config.deadline_ns / 4);
}

static void plan_measuring(const struct rg_pairs *p, const struct rg_pairs_point *point,
			   struct account *a)
{
	const struct rg_pairs_config *c = &p->config;
	double duration = (double)c->duration_ns, left = duration - a->time_ns;
	uint64_t most = in_time(batch_ns(p), a->message_ns), all;

	if (c->iterations) {
		a->over = a->messages >= c->iterations;
		a->next = even_batch(c->iterations - a->messages, most);
		all = c->iterations;
	} else {
		a->over = a->messages && a->time_ns >= ENOUGH * duration;
		a->next = least(in_time(fmin(left, duration / PARTS), a->message_ns), most);
		all = in_time(duration, a->message_ns);
	}
	if (!a->messages)
		a->block = is_stream(point) && all > BLOCKS ? all / BLOCKS : 1;
	/* A batch of less than a block would record nothing. */
	if (!c->iterations && a->next < a->block)
		a->next = a->block;
}

static void plan(const struct rg_pairs *p, const struct rg_pairs_point *point, struct account *a)
{
	const struct rg_pairs_config *c = &p->config;
	double budget = c->iterations ? batch_ns(p) : WARMUP_SHARE * (double)c->duration_ns;

	a->warm |= a->warmed >= c->warmups || a->warmed_ns >= budget;
	if (a->warm)
		plan_measuring(p, point, a);
	else
		a->next = least(c->warmups - a->warmed,
				in_time(budget - a->warmed_ns, a->message_ns));
}

/* What the batch of a pair took: told by who sent, of both directions the longer. */
static void settle(const struct rg_pairs *p, const struct rg_pairs_point *point, uint32_t from)
{
	struct account *a = &p->accounts[from];
	double elapsed = fmax(p->told[from].elapsed_ns, p->told[a->to].elapsed_ns);

	a->message_ns = elapsed / (double)a->next;
	if (a->warm) {
		a->messages += a->next;
		a->time_ns += elapsed;
	} else {
		a->warmed += a->next;
		a->warmed_ns += elapsed;
	}
	plan(p, point, a);
}

/* --- a batch --- */

/* Whose data come to this rank, and does it send any? */
static void directions(const struct rg_pairs_point *point, bool first, bool *sends_out,
		       bool *receives_out)
{
	bool both = point->test == RG_PAIRS_BIDIRECTIONAL ||
		    (point->test == RG_PAIRS_LATENCY && point->load.op != RG_LANE_OP_READ);
	bool sends = first == (point->load.op != RG_LANE_OP_READ);

	*sends_out = both || sends;
	*receives_out = both || !sends;
}

static int run_stream(struct rg_pairs *p, const struct rg_pairs_point *point,
		      const struct account *a, bool first, double *elapsed_ns_out,
		      struct rg_err *err)
{
	bool both = point->test == RG_PAIRS_BIDIRECTIONAL;
	const struct rg_lane_flow flow = {.out = first || both ? a->next : 0,
					  .in = !first || both ? a->next : 0,
					  .block = a->block};
	struct rg_series *series = first && a->warm ? &p->series : NULL;
	uint64_t elapsed = 0;
	int rc = p->lane->ops->stream(p->lane, &point->load, &flow, series, &elapsed, err);

	*elapsed_ns_out = flow.out ? (double)elapsed : 0;
	return rc;
}

static int run_pingpong(struct rg_pairs *p, const struct rg_pairs_point *point,
			const struct account *a, bool first, double *elapsed_ns_out,
			struct rg_err *err)
{
	struct rg_series *series = first && a->warm ? &p->series : NULL;
	uint64_t begin = rg_clock_ns();
	int rc = p->lane->ops->pingpong(p->lane, &point->load, a->next, first, series, err);

	*elapsed_ns_out = first ? (double)(rg_clock_ns() - begin) : 0;
	return rc;
}

static void fill(struct rg_pairs *p, const struct rg_pairs_point *point, uint32_t from)
{
	bool sends, receives;

	directions(point, from == p->rdv->rank, &sends, &receives);
	if (sends)
		rg_pairs_fill(p->lane->source, point->load.size_bytes, p->rdv->rank, p->batch);
}

static void compare(struct rg_pairs *p, const struct rg_pairs_point *point, uint32_t from)
{
	uint64_t size = point->load.size_bytes, marks = p->lane->marks;
	const uint8_t *sink;
	bool sends, receives;

	directions(point, from == p->rdv->rank, &sends, &receives);
	if (!receives || size <= marks)
		return;
	for (uint32_t i = 0; (sink = p->lane->ops->sink(p->lane, i)); i++) {
		p->checked += size - marks;
		p->wrong += rg_pairs_compare(sink, size - marks, p->lane->peer, p->batch);
	}
}

/* This rank's part of a batch. */
static int run_batch(struct rg_pairs *p, const struct rg_pairs_point *point, uint32_t from,
		     double *elapsed_ns_out, struct rg_err *err)
{
	const struct account *a = &p->accounts[from];
	struct rg_lane *lane = p->lane;
	bool first = from == p->rdv->rank;
	int rc;

	rg_timed_begin();
	rc = lane->ops->pingpong(lane, &point->load, 1, first, NULL, err);
	if (!rc)
		rc = is_stream(point) ? run_stream(p, point, a, first, elapsed_ns_out, err)
				      : run_pingpong(p, point, a, first, elapsed_ns_out, err);
	rg_timed_end();
	return rc;
}

/* Everybody hears how everybody's batch went. */
static int tell(struct rg_pairs *p, int rc, double elapsed_ns, bool *interrupted_out,
		struct rg_err *err)
{
	const volatile sig_atomic_t *flag = p->config.interrupted;
	struct told mine = {.rc = rc, .interrupted = flag && *flag, .elapsed_ns = elapsed_ns};
	struct rg_err why = {0};
	bool failed = false, caused = false;
	int all = rg_rendezvous_allgather(p->rdv, &mine, p->told, sizeof(mine), deadline(p), &why);

	if (all)
		return rc ? rc : rg_err_set(err, all, "%s", why.text);
	for (uint32_t r = 0; r < p->rdv->nranks; r++) {
		failed |= p->told[r].rc != 0;
		caused |= p->told[r].rc != 0 && p->told[r].rc != RG_ERR_TIMEOUT;
		*interrupted_out |= p->told[r].interrupted != 0;
	}
	if (!failed)
		return 0;
	/* Who knows the cause speaks, not who waited for it. */
	if (caused && rc == RG_ERR_TIMEOUT)
		rc = 0;
	return rg_rendezvous_agree(p->rdv, rc, deadline(p), err);
}

/* The next batch of all pairs. */
static int one_batch(struct rg_pairs *p, const struct rg_pairs_point *point, bool *interrupted_out,
		     struct rg_err *err)
{
	uint32_t from = beginner(p, point, p->rdv->rank);
	bool on = from != RG_TOURNAMENT_NOBODY && !p->accounts[from].over;
	double elapsed_ns = 0;
	int rc = 0;

	p->batch++;
	if (on && p->config.check)
		fill(p, point, from);
	/* A read does not ask whether its owner has written yet. */
	if (point->load.op == RG_LANE_OP_READ)
		rc = rg_rendezvous_barrier(p->rdv, deadline(p), err);
	if (!rc && on)
		rc = run_batch(p, point, from, &elapsed_ns, err);
	if (!rc && on && p->config.check)
		compare(p, point, from);
	return tell(p, rc, elapsed_ns, interrupted_out, err);
}

static int batches(struct rg_pairs *p, const struct rg_pairs_point *point, bool *interrupted_out,
		   struct rg_err *err)
{
	bool going = true;
	int rc = 0;

	while (!rc && going && !*interrupted_out) {
		rc = one_batch(p, point, interrupted_out, err);
		going = false;
		for (uint32_t r = 0; !rc && r < p->rdv->nranks; r++) {
			struct account *a = &p->accounts[r];

			if (a->to != RG_TOURNAMENT_NOBODY && !a->over)
				settle(p, point, r);
			going |= a->to != RG_TOURNAMENT_NOBODY && !a->over;
		}
	}
	return rc;
}

/* --- a point --- */

static void take_outcome(const struct rg_pairs *p, const struct rg_pairs_point *point,
			 uint32_t from, struct rg_pairs_outcome *out)
{
	const struct account *a = &p->accounts[from];
	double directions = point->test == RG_PAIRS_BIDIRECTIONAL ? 2 : 1;

	*out = (struct rg_pairs_outcome){
		.from = from,
		.to = a->to,
		.messages = a->messages,
		.block = a->block,
		.time_ns = a->time_ns,
		.ns = p->finals[from].ns,
		.bound_ns = p->finals[from].bound_ns,
		.checked = p->finals[from].checked + p->finals[a->to].checked,
		.wrong = p->finals[from].wrong + p->finals[a->to].wrong,
	};
	memcpy(out->from_device, p->finals[from].from_device, sizeof(out->from_device));
	memcpy(out->to_device, p->finals[from].to_device, sizeof(out->to_device));
	if (!is_stream(point) || !(a->time_ns > 0))
		return;
	out->messages_ps = directions * (double)a->messages / a->time_ns * 1e9;
	out->rate_Bps = out->messages_ps * (double)point->load.size_bytes;
}

static int exchange_finals(struct rg_pairs *p, const struct rg_pairs_point *point,
			   struct rg_err *err)
{
	struct final mine = {.checked = p->checked, .wrong = p->wrong};
	const struct rg_lane *lane = p->lane;
	int32_t rail = point->load.rail;
	uint32_t rank = p->rdv->rank;
	double scale = 1;

	if (is_stream(point))
		scale = 1 / (double)p->accounts[rank].block;
	else if (point->load.op != RG_LANE_OP_READ)
		scale = 0.5;
	if (p->accounts[rank].to != RG_TOURNAMENT_NOBODY) {
		rg_series_distribution(&p->series, scale, &mine.ns);
		mine.bound_ns = lane->ops->bound_ns(lane, &point->load,
						    point->test == RG_PAIRS_BIDIRECTIONAL);
	}
	if (rail != RG_LANE_ALL_RAILS) {
		memcpy(mine.from_device, lane->rails[rail], sizeof(mine.from_device));
		memcpy(mine.to_device, lane->peer_rails[rail], sizeof(mine.to_device));
	}
	return rg_rendezvous_allgather(p->rdv, &mine, p->finals, sizeof(mine), deadline(p), err);
}

int rg_pairs_measure(struct rg_pairs *p, const struct rg_pairs_point *point,
		     struct rg_pairs_outcome *outcomes, uint32_t *n_out, bool *interrupted_out,
		     struct rg_err *err)
{
	bool takes_part = beginner(p, point, p->rdv->rank) != RG_TOURNAMENT_NOBODY;
	int rc = takes_part ? p->lane->ops->prepare(p->lane, &point->load, err) : 0;

	*n_out = 0;
	rc = rg_rendezvous_agree(p->rdv, rc, deadline(p), err);
	if (rc)
		return rc;
	rg_series_reset(&p->series);
	p->checked = p->wrong = 0;
	open_accounts(p, point);
	rc = batches(p, point, interrupted_out, err);
	if (!rc)
		rc = exchange_finals(p, point, err);
	for (uint32_t r = 0; !rc && r < p->rdv->nranks; r++) {
		if (p->accounts[r].to != RG_TOURNAMENT_NOBODY && p->accounts[r].messages)
			take_outcome(p, point, r, &outcomes[(*n_out)++]);
	}
	return rc;
}
