/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Carries out the ops of all ranks.
 *
 * With one channel per rank each stream goes ahead until it needs a message that was not sent yet;
 * it is taken up again when the sender has come to a halt behind that. What it does and when does
 * not depend on who is taken up first, since nothing is shared between ranks: a Kahn network in
 * which messages carry the time at which they are there.
 *
 * With more channels the streams of a rank share its processor and ports, and who is first matters.
 * Then each stream does one op at a time, in the order in which they can begin (a heap); what an op
 * sets off happens at its own time or later, so that order is final. Equal times go by number.
 */
#include "config.h"

#include "sim_impl.h"

#include "railgauge/base/mem.h"

#include <string.h>

#define NOBODY UINT32_MAX

struct stream {
	int64_t time_fs;
	struct op op;		       /* the next one */
	bool worked;		       /* its work is done */
	uint32_t next_waiter, waiters; /* those that wait for this stream, as a list of streams */
	struct flight flight;	       /* its messages under way */
	struct cursor cursor;
};

/* What the streams of a rank share. */
struct ports {
	int64_t cpu_fs, out_fs[RG_HOP_COUNT], in_fs[RG_HOP_COUNT]; /* when they are free */
};

/* Streams that can go ahead: a queue without, a heap with times. */
struct ready {
	struct due {
		int64_t time_fs;
		uint32_t stream;
	} * list; /* owned, [nstreams] */
	uint32_t first, n;
};

struct sim {
	struct sim_costs costs;
	struct sim_symmetry symmetry;
	uint32_t nreps, nstreams;
	bool by_time;
	struct shapes shapes;
	struct tape tape;
	struct stream *streams; /* owned, [nstreams] */
	struct ports *ports;	/* owned, [nreps] */
	struct runs runs;
	struct ready ready;
	uint32_t ended; /* streams */
	struct rg_sim_result result;
	struct rg_err *err; /* borrowed */
};

/* --- who goes ahead --- */

static bool before(const struct due *a, const struct due *b)
{
	return a->time_fs < b->time_fs || (a->time_fs == b->time_fs && a->stream < b->stream);
}

static void heap_push(struct ready *r, struct due due)
{
	uint32_t i = r->n++;

	while (i && before(&due, &r->list[(i - 1) / 2])) {
		r->list[i] = r->list[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	r->list[i] = due;
}

static uint32_t heap_pop(struct ready *r)
{
	uint32_t top = r->list[0].stream, i = 0;
	struct due last = r->list[--r->n];

	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= r->n)
			break;
		if (child + 1 < r->n && before(&r->list[child + 1], &r->list[child]))
			child++;
		if (!before(&r->list[child], &last))
			break;
		r->list[i] = r->list[child];
		i = child;
	}
	r->list[i] = last;
	return top;
}

static void push(struct sim *sim, uint32_t stream, int64_t time_fs)
{
	struct ready *r = &sim->ready;

	if (sim->by_time)
		heap_push(r, (struct due){time_fs, stream});
	else
		r->list[(r->first + r->n++) % sim->nstreams].stream = stream;
}

static uint32_t pop(struct sim *sim)
{
	struct ready *r = &sim->ready;
	uint32_t stream;

	if (sim->by_time)
		return heap_pop(r);
	stream = r->list[r->first].stream;
	r->first = (r->first + 1) % sim->nstreams;
	r->n--;
	return stream;
}

/* --- what they do --- */

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static uint32_t rank_of(const struct sim *sim, uint32_t stream)
{
	return stream < sim->nreps ? stream : stream % sim->nreps;
}

static const struct shape *shape_of(const struct sim *sim, const struct stream *s)
{
	return &sim->shapes.list[s->op.shape];
}

/* The stream that the present op's message or credit comes from. */
static uint32_t source_of(const struct sim *sim, uint32_t stream)
{
	uint32_t peer = sim->streams[stream].op.peer;

	return stream - rank_of(sim, stream) + sim_stands_for(&sim->symmetry, peer);
}

/* Is what the stream's op takes under way? True for those that take nothing. */
static bool find(struct sim *sim, uint32_t stream, bool take, struct message *out)
{
	const struct stream *s = &sim->streams[stream];
	const struct shape *shape = shape_of(sim, s);
	uint32_t source;

	*out = (struct message){.kind = shape->kind, .n = s->op.n};
	if (shape->act != ACT_TAKE && shape->act != ACT_NEED)
		return true;
	source = source_of(sim, stream);
	out->peer = sim_image(&sim->symmetry, s->op.peer, rank_of(sim, stream));
	return flight_find(&sim->runs, &sim->streams[source].flight, rank_of(sim, source), out,
			   take);
}

static int dispatch(struct sim *sim, uint32_t stream, int64_t there_fs)
{
	struct stream *s = &sim->streams[stream];
	const struct shape *shape = shape_of(sim, s);
	const struct message m = {.kind = shape->kind,
				  .peer = s->op.peer,
				  .n = s->op.n,
				  .there_fs = there_fs,
				  .serial_fs = shape->serial_fs};

	return flight_add(&sim->runs, &s->flight, rank_of(sim, stream), &m, sim->err);
}

static int send(struct sim *sim, uint32_t stream)
{
	struct stream *s = &sim->streams[stream];
	const struct shape *shape = shape_of(sim, s);
	const struct hop_costs *h = &sim->costs.hop[shape->hop];
	struct ports *p = &sim->ports[rank_of(sim, stream)];
	int64_t start = later(later(s->time_fs, p->cpu_fs), p->out_fs[shape->hop]);

	s->time_fs = p->cpu_fs = start + h->overhead_fs;
	p->out_fs[shape->hop] = start + h->gap_fs + shape->serial_fs;
	sim->result.messages++;
	sim->result.bytes[shape->hop] += shape->bytes;
	return dispatch(sim, stream, s->time_fs + shape->serial_fs + h->latency_fs);
}

static void take(struct sim *sim, uint32_t stream, const struct message *m)
{
	struct stream *s = &sim->streams[stream];
	const struct shape *shape = shape_of(sim, s);
	const struct hop_costs *h = &sim->costs.hop[shape->hop];
	struct ports *p = &sim->ports[rank_of(sim, stream)];
	int64_t end = later(m->there_fs, p->in_fs[shape->hop] + m->serial_fs);

	p->in_fs[shape->hop] = end + h->gap_fs;
	s->time_fs = p->cpu_fs = later(later(s->time_fs, p->cpu_fs), end) + h->overhead_fs;
}

static int act(struct sim *sim, uint32_t stream, const struct message *m)
{
	struct stream *s = &sim->streams[stream];
	const struct shape *shape = shape_of(sim, s);

	switch ((enum act)shape->act) {
	case ACT_SEND:
		return send(sim, stream);
	case ACT_TAKE:
		take(sim, stream, m);
		return 0;
	case ACT_GRANT:
		return dispatch(sim, stream, s->time_fs + sim->costs.hop[shape->hop].latency_fs);
	case ACT_NEED:
		s->time_fs = later(s->time_fs, m->there_fs);
		return 0;
	case ACT_END:
		break;
	}
	sim->ended++;
	sim->result.time_fs = later(sim->result.time_fs, s->time_fs);
	return 0;
}

/* The work before the present op. */
static void work(struct sim *sim, uint32_t stream)
{
	struct stream *s = &sim->streams[stream];
	struct ports *p = &sim->ports[rank_of(sim, stream)];
	int64_t work_fs = shape_of(sim, s)->work_fs;

	s->worked = true;
	if (work_fs)
		s->time_fs = p->cpu_fs = later(s->time_fs, p->cpu_fs) + work_fs;
}

static int check_time(struct sim *sim, const struct stream *s)
{
	return s->time_fs > RG_SIM_FS_MAX ? sim_too_long(sim->err) : 0;
}

/* One op, or the work before it; *went_out is false where it must wait, and at the end. */
static int advance(struct sim *sim, uint32_t stream, bool *went_out)
{
	struct stream *s = &sim->streams[stream];
	bool end = shape_of(sim, s)->act == ACT_END;
	struct message m;
	int rc = 0;

	*went_out = true;
	if (!s->worked) {
		work(sim, stream);
		rc = check_time(sim, s);
		if (rc || sim->by_time)
			return rc;
	}
	*went_out = find(sim, stream, true, &m);
	if (!*went_out)
		return 0;
	rc = act(sim, stream, &m);
	if (!rc)
		rc = check_time(sim, s);
	*went_out = !end;
	if (!rc && !end) {
		s->op = tape_next(&sim->tape, &s->cursor, rank_of(sim, stream),
				  sim->symmetry.nranks);
		s->worked = false;
	}
	return rc;
}

/* --- all of them --- */

/* When the stream's next op, or the work before it, can begin; false: not known yet. */
static bool due(struct sim *sim, uint32_t stream, int64_t *time_out)
{
	const struct stream *s = &sim->streams[stream];
	struct message m;

	*time_out = s->time_fs;
	if (!s->worked && shape_of(sim, s)->work_fs)
		return true;
	if (!find(sim, stream, false, &m))
		return false;
	*time_out = later(s->time_fs, m.there_fs);
	return true;
}

/* Takes the stream up later: now if it can go ahead, else when its source comes to a halt. */
static void put_off(struct sim *sim, uint32_t stream)
{
	struct stream *source;
	int64_t time_fs;

	if (due(sim, stream, &time_fs)) {
		push(sim, stream, time_fs);
		return;
	}
	source = &sim->streams[source_of(sim, stream)];
	sim->streams[stream].next_waiter = source->waiters;
	source->waiters = stream;
}

/* The stream has come to a halt: who waited for what it sent goes ahead. */
static void wake(struct sim *sim, uint32_t stream)
{
	uint32_t next = sim->streams[stream].waiters;

	sim->streams[stream].waiters = NOBODY;
	while (next != NOBODY) {
		uint32_t waiter = next;

		next = sim->streams[waiter].next_waiter;
		put_off(sim, waiter);
	}
}

/* Nobody can go ahead any more. */
static int stuck(struct sim *sim)
{
	uint32_t i = 0;

	while (shape_of(sim, &sim->streams[i])->act == ACT_END)
		i++;
	return rg_err_set(sim->err, RG_ERR_INTERNAL,
			  "rank %u waits for message %u of rank %u, which never comes",
			  rank_of(sim, i), sim->streams[i].op.n, sim->streams[i].op.peer);
}

static int run(struct sim *sim)
{
	int rc = 0;

	for (uint32_t i = 0; i < sim->nstreams; i++)
		push(sim, i, 0);
	while (sim->ready.n && !rc) {
		uint32_t stream = pop(sim);
		uint32_t ended = sim->ended;
		bool went;

		do
			rc = advance(sim, stream, &went);
		while (went && !rc && !sim->by_time);
		if (!rc && sim->ended == ended)
			put_off(sim, stream);
		wake(sim, stream);
	}
	if (!rc && sim->ended < sim->nstreams)
		rc = stuck(sim);
	for (int k = 0; k < KIND_COUNT && !rc; k++) {
		if (sim->runs.nmessages[k] && !is_credit((uint8_t)k))
			rc = rg_err_set(sim->err, RG_ERR_INTERNAL,
					"a message is sent that nobody waits for");
	}
	return rc;
}

/* The lists of those that stand for all ranks. */
static int list(struct sim *sim, const struct rg_algorithm *algorithm,
		const struct rg_problem *problem)
{
	uint32_t nchannels = problem->params.channels;
	size_t *starts = rg_zalloc(nchannels, sizeof(*starts));
	struct packer packer = {
		.problem = problem,
		.costs = &sim->costs,
		.kind = sim_claim(algorithm, problem).kind,
		.shapes = &sim->shapes,
		.tape = &sim->tape,
	};
	struct lister *lister = NULL;
	int rc = starts ? lister_open(algorithm, problem, &sim->costs, &lister, sim->err)
			: rg_err_set(sim->err, RG_ERR_NO_MEMORY, "no memory for a simulation");

	for (uint32_t r = 0; r < sim->nreps && !rc; r++) {
		struct listing listing;

		rc = lister_run(lister, r, &listing, sim->err);
		if (!rc)
			rc = pack(&packer, &listing, r, starts, sim->err);
		for (uint32_t c = 0; c < nchannels && !rc; c++)
			tape_begin(&sim->streams[c * sim->nreps + r].cursor, starts[c]);
	}
	pack_release(&packer);
	lister_close(lister);
	rg_free(starts);
	return rc;
}

static int open_streams(struct sim *sim, uint32_t nchannels)
{
	sim->nreps = sim->symmetry.nreps;
	sim->nstreams = sim->nreps * nchannels;
	sim->streams = rg_zalloc(sim->nstreams, sizeof(*sim->streams));
	sim->ports = rg_zalloc(sim->nreps, sizeof(*sim->ports));
	sim->ready.list = rg_zalloc(sim->nstreams, sizeof(*sim->ready.list));
	if (!sim->streams || !sim->ports || !sim->ready.list)
		return rg_err_set(sim->err, RG_ERR_NO_MEMORY, "no memory for a simulation");
	for (uint32_t i = 0; i < sim->nstreams; i++) {
		sim->streams[i].waiters = NOBODY;
		sim->streams[i].flight = (struct flight){{{NO_RUN, NO_RUN}, {NO_RUN, NO_RUN}}};
	}
	return 0;
}

static void first_ops(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->nstreams; i++) {
		struct stream *s = &sim->streams[i];

		s->op = tape_next(&sim->tape, &s->cursor, rank_of(sim, i), sim->symmetry.nranks);
	}
}

/* What those that stand for all did, for all. */
static struct rg_sim_result result_of(const struct sim *sim)
{
	struct rg_sim_result r = sim->result;
	uint32_t each = sim->symmetry.nranks / sim->nreps;

	r.messages *= each;
	for (int h = 0; h < RG_HOP_COUNT; h++)
		r.bytes[h] *= each;
	return r;
}

/* The plain way. */
static int run_streams(struct sim *sim, const struct rg_algorithm *algorithm,
		       const struct rg_problem *problem, struct rg_sim_result *out)
{
	int rc = open_streams(sim, problem->params.channels);

	if (!rc)
		rc = list(sim, algorithm, problem);
	if (!rc) {
		first_ops(sim);
		rc = run(sim);
	}
	if (!rc)
		*out = result_of(sim);
	return rc;
}

int rg_sim_run(const struct rg_algorithm *algorithm, const struct rg_problem *problem,
	       const struct rg_costs *costs, struct rg_sim_result *out, struct rg_err *err)
{
	struct rg_err unheard = {0};
	struct sim sim = {
		.by_time = problem->params.channels > 1,
		.err = err ? err : &unheard,
	};
	int rc = sim_check(algorithm, problem, sim.err);
	bool done = false;

	if (!rc)
		rc = sim_costs_of(costs, &sim.costs, sim.err);
	if (!rc)
		rc = sim_symmetry_of(algorithm, problem, &sim.symmetry, sim.err);
	if (!rc)
		rc = sim_lockstep(algorithm, problem, &sim.costs, &sim.symmetry, &done, out,
				  sim.err);
	if (!rc && !done)
		rc = run_streams(&sim, algorithm, problem, out);
	rg_free(sim.ready.list);
	rg_free(sim.ports);
	rg_free(sim.streams);
	runs_release(&sim.runs);
	tape_release(&sim.tape);
	shapes_release(&sim.shapes);
	return rc;
}
