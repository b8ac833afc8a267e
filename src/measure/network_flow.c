/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "network_flow.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/io.h"
#include "railgauge/base/units.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define PING_TRIPS_LEAST 5
#define PING_TRIPS_MOST	 1000
#define PING_NS		 5000000u

/* A pause fills a token bucket of some 10 KiB at 20 Mbit/s; tries, because some start late. */
#define BURST_TRIES 4
#define PAUSE_NS    5000000u

#define YIELD_EVERY 16
#define ASK_NS	    200000u /* who waits longer sleeps in any case */
#define SLEEP_MS    10
#define LACK_NS	    1000000u /* until the kernel may have memory again */

static int closed(const struct flow *f, uint32_t i, struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_PEER,
			  "calibrating the network: rank %u (%s) has closed its stream",
			  f->peers[i], f->ep->host[f->peers[i]]);
}

static int late(const struct flow *f, uint32_t i, struct rg_err *err)
{
	char text[RG_UNITS_BYTES];

	if (f->lacks[i])
		return rg_err_set(err, RG_ERR_TIMEOUT,
				  "calibrating the network: the kernel had no memory for what goes "
				  "to rank %u (%s) for %s: %s",
				  f->peers[i], f->ep->host[f->peers[i]],
				  rg_format_time((double)f->deadline_ns, text),
				  strerror(f->lacks[i]));
	return rg_err_set(err, RG_ERR_TIMEOUT,
			  "calibrating the network: nothing moved between this rank and rank %u "
			  "(%s) for %s",
			  f->peers[i], f->ep->host[f->peers[i]],
			  rg_format_time((double)f->deadline_ns, text));
}

static bool is_later(int e)
{
	return e == EAGAIN || e == EWOULDBLOCK || e == EINTR;
}

/* How many bytes were taken, 0: none now; or an error. */
static int take(const struct flow *f, uint32_t i, void *data, size_t room, size_t *n_out,
		struct rg_err *err)
{
	ssize_t n = recv(f->fds[i], data, room, MSG_DONTWAIT);

	*n_out = n > 0 ? (size_t)n : 0;
	return n > 0 || (n < 0 && is_later(errno)) ? 0 : closed(f, i, err);
}

/*
 * Likewise. Where the kernel has no memory for it the socket has room all the same, and who waits
 * for room would be back at once: so this sleeps.
 */
static int give(const struct flow *f, uint32_t i, const void *data, size_t len_bytes, size_t *n_out,
		struct rg_err *err)
{
	ssize_t n = send(f->fds[i], data, len_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
	int e = n > 0 ? 0 : errno;

	*n_out = n > 0 ? (size_t)n : 0;
	f->lacks[i] = e == ENOBUFS || e == ENOMEM ? e : 0;
	if (f->lacks[i])
		rg_clock_sleep_until(rg_clock_ns() + LACK_NS);
	return n > 0 || f->lacks[i] || is_later(e) ? 0 : closed(f, i, err);
}

/* One byte, for which there is nearly always room: nothing else goes this way. */
static int say(const struct flow *f, uint32_t i, uint8_t word, struct rg_err *err)
{
	uint64_t until = 0;

	for (;;) {
		size_t n;
		int rc = give(f, i, &word, 1, &n, err);

		if (rc || n)
			return rc;
		if (!until)
			until = rg_clock_ns() + f->deadline_ns;
		else if (rg_clock_ns() > until)
			return late(f, i, err);
		sched_yield();
	}
}

/* --- ping-pong --- */

/* Asks and never sleeps, but gives its core away if somebody else wants it. */
static int hear(const struct flow *f, void *data, size_t room, size_t *n_out, struct rg_err *err)
{
	uint64_t until = 0;

	for (uint32_t polls = 1;; polls++) {
		int rc = take(f, 0, data, room, n_out, err);

		if (rc || *n_out)
			return rc;
		if (polls % YIELD_EVERY)
			continue;
		sched_yield();
		if (!until)
			until = rg_clock_ns() + f->deadline_ns;
		else if (rg_clock_ns() > until)
			return late(f, 0, err);
	}
}

static void note_point(struct flow_point *points, uint32_t *npoints, uint64_t bytes, uint64_t ns)
{
	while (*npoints < FLOW_POINTS && bytes >= FLOW_FIRST_BYTES << *npoints)
		points[(*npoints)++] = (struct flow_point){bytes, ns};
}

void rg_flow_quickest(struct flow_point points[FLOW_POINTS],
		      const struct flow_point more[FLOW_POINTS])
{
	for (int k = 0; k < FLOW_POINTS; k++) {
		if (more[k].bytes && (!points[k].bytes || more[k].ns < points[k].ns))
			points[k] = more[k];
	}
}

/* Asks for a burst and takes it. */
static int take_burst(const struct flow *f, struct flow_point *points, struct rg_err *err)
{
	struct flow_point own[FLOW_POINTS] = {{0}};
	uint64_t begun = rg_clock_ns();
	uint32_t npoints = 0;
	size_t have = 0, n;
	int rc = say(f, 0, FLOW_BURST, err);

	while (!rc && have < FLOW_BURST_BYTES) {
		rc = hear(f, f->take_block, FLOW_BURST_BYTES - have, &n, err);
		have += rc ? 0 : n;
		note_point(own, &npoints, have, rg_clock_ns() - begun);
	}
	if (!rc)
		rg_flow_quickest(points, own);
	return rc;
}

static int give_burst(const struct flow *f, struct rg_err *err)
{
	uint64_t until = rg_clock_ns() + f->deadline_ns;
	size_t left = FLOW_BURST_BYTES, n;

	while (left) {
		int rc = give(f, 0, f->send_block, left, &n, err);

		if (rc)
			return rc;
		left -= n;
		if (n) {
			until = rg_clock_ns() + f->deadline_ns;
			continue;
		}
		if (rg_clock_ns() > until)
			return late(f, 0, err);
		sched_yield();
	}
	return 0;
}

int rg_flow_ping(const struct flow *f, double *latency_ns_out,
		 struct flow_point points_out[FLOW_POINTS], struct rg_err *err)
{
	struct flow_point points[FLOW_POINTS] = {{0}};
	uint64_t begun = rg_clock_ns(), now = begun, least = UINT64_MAX;
	uint8_t word;
	size_t n;
	int rc = 0;

	for (uint32_t i = 0; i < PING_TRIPS_LEAST || (i < PING_TRIPS_MOST && now - begun < PING_NS);
	     i++) {
		uint64_t sent = rg_clock_ns();

		rc = say(f, 0, FLOW_PING, err);
		if (!rc)
			rc = hear(f, &word, 1, &n, err);
		if (rc)
			return rc;
		now = rg_clock_ns();
		least = now - sent < least ? now - sent : least;
	}
	for (int i = 0; !rc && i < BURST_TRIES; i++) {
		rg_clock_sleep_until(rg_clock_ns() + PAUSE_NS);
		rc = take_burst(f, points, err);
	}
	if (rc)
		return rc;
	*latency_ns_out = (double)least / 2;
	memcpy(points_out, points, sizeof(points));
	return say(f, 0, FLOW_END, err);
}

int rg_flow_echo(const struct flow *f, struct rg_err *err)
{
	for (;;) {
		uint8_t word = FLOW_END;
		size_t n;
		int rc = hear(f, &word, 1, &n, err);

		if (rc || word == FLOW_END)
			return rc;
		rc = word == FLOW_BURST ? give_burst(f, err) : say(f, 0, word, err);
		if (rc)
			return rc;
	}
}

/* --- whose processor it is --- */

#define BUSY_SHARE   0.2
#define WAITED_SHARE 0.1

/* Since its start, as the kernel counts it; where it does not, nothing disturbs. */
static uint64_t waited_ns(void)
{
	uint64_t busy, waited = 0;
	char text[128];

	if (!rg_io_read_line("/proc/thread-self/schedstat", text, sizeof(text)) ||
	    sscanf(text, "%" SCNu64 " %" SCNu64, &busy, &waited) != 2)
		return 0;
	return waited;
}

bool rg_flow_is_disturbed(const struct flow_effort *e)
{
	double wall = (double)e->wall_ns;

	return wall - (double)e->idle_ns > BUSY_SHARE * wall &&
	       (double)e->waited_ns > WAITED_SHARE * wall;
}

/* --- waiting --- */

/* What one rank does with its time. */
struct turns {
	uint64_t begun_ns, waited_ns; /* at the start */
	uint64_t since_ns;	      /* nothing moved since then; 0: something did */
	uint64_t idle_ns;
	uint32_t polls;
};

static void begin(struct turns *t)
{
	*t = (struct turns){.begun_ns = rg_clock_ns(), .waited_ns = waited_ns()};
}

static bool was_disturbed(const struct turns *t)
{
	const struct flow_effort e = {.wall_ns = rg_clock_ns() - t->begun_ns,
				      .idle_ns = t->idle_ns,
				      .waited_ns = waited_ns() - t->waited_ns};

	return rg_flow_is_disturbed(&e);
}

/* Something moved. */
static void work(struct turns *t)
{
	if (t->since_ns)
		t->idle_ns += rg_clock_ns() - t->since_ns;
	t->since_ns = 0;
}

static int rest(const struct flow *f, struct turns *t, struct rg_err *err)
{
	uint64_t now;

	if (!f->sleeps && ++t->polls % YIELD_EVERY)
		return 0;
	now = rg_clock_ns();
	if (!t->since_ns)
		t->since_ns = now;
	if (now - t->since_ns > f->deadline_ns) {
		uint32_t i = 0, lacks = 0;

		while (i + 1 < f->n && !f->poll[i].events)
			i++;
		while (lacks < f->n && !f->lacks[lacks])
			lacks++;
		return late(f, lacks < f->n ? lacks : i, err);
	}
	if (f->sleeps || now - t->since_ns > ASK_NS)
		poll(f->poll, f->n, SLEEP_MS);
	else
		sched_yield();
	return 0;
}

/* --- sending --- */

enum state { WAITING, SENDING, LAST, DONE };

static void enter(const struct flow *f, uint32_t i, enum state state)
{
	static const short events[] = {
		[WAITING] = POLLIN, [SENDING] = POLLIN | POLLOUT, [LAST] = POLLOUT, [DONE] = 0};

	f->states[i] = (uint8_t)state;
	f->poll[i] = (struct pollfd){.fd = state == DONE ? -1 : f->fds[i], .events = events[state]};
}

/* Does what there is to do on one stream now. */
static int send_some(const struct flow *f, uint32_t i, bool *moved, struct rg_err *err)
{
	static const uint8_t last = 1;
	uint8_t word = 0;
	size_t n = 0;
	int rc = 0;

	if (f->states[i] < LAST)
		rc = take(f, i, &word, 1, &n, err);
	if (n)
		enter(f, i, word == FLOW_GO ? SENDING : LAST);
	*moved |= n > 0;
	if (!rc && f->states[i] == SENDING) {
		rc = give(f, i, f->send_block, FLOW_BLOCK_BYTES, &n, err);
		*moved |= n > 0;
	} else if (!rc && f->states[i] == LAST) {
		rc = give(f, i, &last, 1, &n, err);
		if (n)
			enter(f, i, DONE);
		*moved |= n > 0;
	}
	return rc;
}

int rg_flow_send(const struct flow *f, bool *disturbed_out, struct rg_err *err)
{
	struct turns turns;
	uint32_t live;
	int rc = 0;

	begin(&turns);
	for (uint32_t i = 0; i < f->n; i++)
		enter(f, i, WAITING);
	do {
		bool moved = false;

		live = 0;
		for (uint32_t i = 0; !rc && i < f->n; i++) {
			if (f->states[i] != DONE)
				rc = send_some(f, i, &moved, err);
			live += f->states[i] != DONE;
		}
		if (moved)
			work(&turns);
		else if (!rc && live)
			rc = rest(f, &turns, err);
	} while (!rc && live);
	*disturbed_out = was_disturbed(&turns);
	return rc;
}

/* --- receiving --- */

/* When the next window should begin or end. */
static uint64_t due_ns(const struct flow_count *c)
{
	return c->nmarks ? c->mark_ns[c->nmarks - 1] + c->window_ns : c->start_ns + c->discard_ns;
}

/* A window begins or ends with the last arrival. */
static void mark(struct flow_count *c)
{
	uint32_t k = c->nmarks++;

	c->mark_ns[k] = c->last_ns;
	c->mark_bytes[k] = c->bytes;
	if (k > 0)
		c->tally.rate_Bps[k - 1] = (double)(c->mark_bytes[k] - c->mark_bytes[k - 1]) /
					   (double)(c->mark_ns[k] - c->mark_ns[k - 1]) * 1e9;
}

void rg_flow_drained(struct flow_count *c)
{
	c->taking_ns = 0;
	if (c->nmarks < 3 && c->last_ns >= due_ns(c))
		mark(c);
}

void rg_flow_account(struct flow_count *c, uint64_t now_ns, uint64_t n)
{
	c->bytes += n;
	c->last_ns = now_ns;
	c->taking_ns = c->taking_ns ? c->taking_ns : now_ns;
	note_point(c->tally.points, &c->npoints, c->bytes, now_ns - c->start_ns);
	if (c->nmarks > 0 && c->nmarks < 3)
		c->tally.arrivals[c->nmarks - 1]++;
	if (c->nmarks < 3 && now_ns >= due_ns(c) && now_ns - c->taking_ns >= c->window_ns / 8)
		mark(c);
}

bool rg_flow_is_over(const struct flow_count *c, uint64_t now_ns)
{
	/* Where little arrives, windows end late; twice the time is enough for eight arrivals. */
	return c->nmarks == 3 || now_ns - c->start_ns > c->discard_ns + 4 * c->window_ns;
}

static int say_all(const struct flow *f, uint8_t word, struct rg_err *err)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < f->n; i++) {
		if (f->states[i] != DONE)
			rc = say(f, i, word, err);
	}
	return rc;
}

int rg_flow_receive(const struct flow *f, struct flow_tally *tally_out, bool *disturbed_out,
		    struct rg_err *err)
{
	struct flow_count count = {
		.start_ns = rg_clock_ns(), .discard_ns = f->discard_ns, .window_ns = f->window_ns};
	struct turns turns;
	uint32_t live = f->n;
	bool stopped = false;
	int rc;

	begin(&turns);
	for (uint32_t i = 0; i < f->n; i++)
		enter(f, i, WAITING);
	rc = say_all(f, FLOW_GO, err);
	while (!rc && live) {
		bool moved = false;

		for (uint32_t i = 0; !rc && i < f->n; i++) {
			size_t n = 0;

			if (f->states[i] != DONE)
				rc = take(f, i, f->take_block, FLOW_BLOCK_BYTES, &n, err);
			if (!n)
				continue;
			moved = true;
			rg_flow_account(&count, rg_clock_ns(), n);
			if (f->take_block[n - 1]) {
				enter(f, i, DONE);
				live--;
			}
		}
		if (!moved)
			rg_flow_drained(&count);
		if (!rc && !stopped && rg_flow_is_over(&count, rg_clock_ns())) {
			stopped = true;
			rc = say_all(f, FLOW_STOP, err);
		}
		if (moved)
			work(&turns);
		else if (!rc && live)
			rc = rest(f, &turns, err);
	}
	*disturbed_out = was_disturbed(&turns);
	count.tally.receives = 1;
	if (!rc)
		*tally_out = count.tally;
	return rc;
}
