/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rank 0 collects the peers. One thread polls the listening socket, the connections that have not
 * proved themselves (a fixed number of places, each with a time limit), and the peers that have,
 * which may still leave.
 *
 * A stranger can occupy a place for the time limit, or until another connection needs it; it cannot
 * join, make rank 0 allocate, or end the job. Whoever knows the secret is believed; after the first
 * contradiction the job has failed, but rank 0 still listens for a moment, so that the other ranks
 * learn why instead of knocking at a closed port until their deadline.
 */
#include "config.h"

#include "star_gather.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/log.h"
#include "railgauge/base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/*
 * A connection keeps its place for so long even if others wait for one: a peer has said its HELLO,
 * and then its PROOF, much earlier. One that lost its place before it said HELLO tries again.
 */
#define HELLO_GRACE_NS ((uint64_t)100000000)
#define PROOF_GRACE_NS ((uint64_t)2000000000)

/* From when on a stranger must give way to the next. */
static uint64_t gives_way_ns(const struct stranger *s)
{
	return s->since_ns + (s->expects == WIRE_HELLO ? HELLO_GRACE_NS : PROOF_GRACE_NS);
}

/* A free place, or one that may be taken away: the oldest of those who have said nothing first. */
static struct stranger *find_place(const struct gathering *g)
{
	struct stranger *best = NULL;
	uint64_t now = rg_clock_ns();

	for (int i = 0; i < PLACES; i++) {
		struct stranger *s = &g->strangers[i];

		if (s->fd < 0)
			return s;
		if (now < gives_way_ns(s))
			continue;
		if (!best || (s->expects == WIRE_HELLO && best->expects != WIRE_HELLO) ||
		    (s->expects == best->expects && s->since_ns < best->since_ns))
			best = s;
	}
	return best;
}

static int no_descriptor(const struct gathering *g, struct rg_err *err)
{
	struct rlimit limit = {0};

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	return rg_err_set(err, RG_ERR_LIMIT,
			  "rank 0 on %s has no file descriptor left for the connection of a peer: "
			  "ulimit -n is %llu, and %u ranks need %u or more",
			  g->host, (unsigned long long)limit.rlim_cur, g->star->base.nranks,
			  3 * g->star->base.nranks + 100);
}

/* Takes connections while there are places. 0, or RG_ERR_LIMIT, RG_ERR_SYSTEM. */
static int take_connections(struct gathering *g, struct rg_err *err)
{
	for (int i = 0; i < PLACES; i++) {
		struct stranger *s = find_place(g);
		struct sockaddr_storage sa;
		socklen_t len = sizeof(sa);
		int one = 1, fd, e;

		if (!s)
			return 0;
		fd = accept4(g->listener, (struct sockaddr *)&sa, &len,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0) {
			e = errno;
			if (e == EMFILE || e == ENFILE)
				return no_descriptor(g, err);
			if (e == ENOMEM || e == ENOBUFS)
				return rg_err_errno(err, e, "rank 0: accept");
			return 0; /* nobody waits, or what waited has gone */
		}
		if (s->fd >= 0)
			star_drop(s, "others waited for its place");
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		s->fd = fd;
		s->since_ns = rg_clock_ns();
		s->limit_ns = s->since_ns + g->limit_ns;
		s->expects = WIRE_HELLO;
		s->got = 0;
		wire_address((struct sockaddr *)&sa, len, s->address);
	}
	return 0;
}

/* A peer that has joined has nothing to say until it is welcome: it has left, or gives up. */
static void hear_peer(struct gathering *g, uint32_t rank)
{
	struct star_peer *p = &g->star->peers[rank];
	char text[RG_ERR_TEXT_BYTES];

	snprintf(text, sizeof(text), "rank %u on %s at %s left before all %u ranks were there",
		 rank, p->host, p->address, g->star->base.nranks);
	star_lose(g, RG_ERR_PEER, text);
	close(p->fd);
	p->fd = -1;
	g->njoined--;
}

/* Names who is missing, or what went wrong before. */
static int deadline_passed(const struct gathering *g, struct rg_err *err)
{
	const struct star *star = g->star;
	char missing[200];
	size_t used = 0;

	if (g->why.code)
		return rg_err_set(err, g->why.code, "%s", g->why.text);
	for (uint32_t r = 1; r < star->base.nranks; r++) {
		if (star->peers[r].fd >= 0)
			continue;
		if (g->refused && g->refused_rank == r)
			return rg_err_set(err, RG_ERR_DENIED,
					  "rank %u did not join: %s says that it is rank %u but "
					  "does not know the job's secret (RG_JOB_SECRET)",
					  r, g->refused_address, r);
		if (used + 24 < sizeof(missing))
			used += (size_t)snprintf(missing + used, sizeof(missing) - used, "%s%u",
						 used ? ", " : "", r);
		else if (missing[used - 1] != '.')
			used += (size_t)snprintf(missing + used, sizeof(missing) - used, ", ...");
	}
	return rg_err_set(err, RG_ERR_TIMEOUT,
			  "%u of %u ranks came to rank 0 on %s at %s before the deadline; missing "
			  "rank %s",
			  g->njoined + 1, star->base.nranks, g->host, g->address, missing);
}

/* What poll is to watch, in the order listener, strangers, peers. Returns when to look again. */
static uint64_t set_polls(struct gathering *g)
{
	uint64_t next_ns = g->end_ns, way_ns = UINT64_MAX, now = rg_clock_ns();
	uint32_t nranks = g->star->base.nranks;

	for (int i = 0; i < PLACES; i++) {
		struct stranger *s = &g->strangers[i];

		if (s->fd >= 0 && now >= s->limit_ns)
			star_drop(s, "it took too long");
		if (s->fd < 0)
			way_ns = 0;
		else if (gives_way_ns(s) < way_ns)
			way_ns = gives_way_ns(s);
		if (s->fd >= 0 && s->limit_ns < next_ns)
			next_ns = s->limit_ns;
		g->polls[1 + i] = (struct pollfd){.fd = s->fd, .events = POLLIN};
	}
	if (way_ns > now && way_ns < next_ns)
		next_ns = way_ns;
	g->polls[0] = (struct pollfd){.fd = way_ns <= now ? g->listener : -1, .events = POLLIN};
	for (uint32_t r = 0; r < nranks; r++)
		g->polls[1 + PLACES + r] =
			(struct pollfd){.fd = g->star->peers[r].fd, .events = POLLIN};
	return next_ns;
}

/* poll() of those that have a descriptor: it refuses more entries than ulimit -n, empty or not. */
static int poll_open(struct gathering *g, int timeout_ms)
{
	nfds_t count = (nfds_t)1 + PLACES + g->star->base.nranks, nopen = 0, k = 0;
	int n;

	for (nfds_t i = 0; i < count; i++) {
		if (g->polls[i].fd >= 0)
			g->open_polls[nopen++] = g->polls[i];
	}
	n = poll(g->open_polls, nopen, timeout_ms);
	for (nfds_t i = 0; n > 0 && i < count; i++) {
		if (g->polls[i].fd >= 0)
			g->polls[i].revents = g->open_polls[k++].revents;
	}
	return n;
}

/* One look at everything that has moved. */
static int hear_all(struct gathering *g, struct rg_err *err)
{
	uint32_t nranks = g->star->base.nranks;
	int rc = 0;

	for (uint32_t r = 1; r < nranks; r++) {
		if (g->polls[1 + PLACES + r].revents)
			hear_peer(g, r);
	}
	for (int i = 0; !rc && i < PLACES; i++) {
		if (g->polls[1 + i].revents)
			rc = star_hear_stranger(g, &g->strangers[i], err);
	}
	if (!rc && g->polls[0].revents)
		rc = take_connections(g, err);
	return rc;
}

static int gather(struct gathering *g, struct rg_err *err)
{
	uint32_t nranks = g->star->base.nranks;

	while (g->njoined + g->nlost < nranks - 1) {
		uint64_t next_ns = set_polls(g);
		int n = poll_open(g, wire_poll_ms(next_ns));
		int rc = 0;

		if (n < 0 && errno != EINTR)
			return rg_err_errno(err, errno, "rank 0: poll");
		if (n > 0)
			rc = hear_all(g, err);
		if (rc)
			return rc;
		/* However busy strangers keep us. */
		if (rg_clock_ns() >= g->end_ns && g->njoined + g->nlost < nranks - 1)
			return deadline_passed(g, err);
	}
	return g->why.code ? rg_err_set(err, g->why.code, "%s", g->why.text) : 0;
}

/* All are there: each gets rank 0's proof and the nonce of the job's key. */
static int welcome_all(struct gathering *g, struct rg_err *err)
{
	struct star *star = g->star;
	struct {
		struct wire_head head;
		struct wire_welcome body;
	} m = {.head = wire_head_make(WIRE_WELCOME, sizeof(m.body), 0)};
	int rc = star_nonce(m.body.job_nonce, err);

	memcpy(m.body.build, g->build, sizeof(m.body.build));
	memcpy(m.body.host, g->host, sizeof(m.body.host));
	for (uint32_t r = 1; !rc && r < star->base.nranks; r++) {
		struct star_peer *p = &star->peers[r];
		char what[160];

		snprintf(what, sizeof(what), "rank %u on %s at %s", r, p->host, p->address);
		wire_rank0_mac(g->config->secret, g->config->secret_bytes, &p->hello, &p->challenge,
			       &m.body, m.body.mac);
		rc = wire_send(p->fd, &m, sizeof(m), 0, NULL, what, err);
	}
	if (!rc)
		wire_job_key(g->config->secret, g->config->secret_bytes, m.body.job_nonce,
			     star->base.job_key);
	return rc;
}

int star_listen(struct star *star, const struct rg_star_config *config, uint64_t deadline_ns,
		struct rg_err *err)
{
	struct gathering g = {
		.star = star,
		.config = config,
		.listener = -1,
		.end_ns = deadline_ns,
		.limit_ns = config->peer_limit_ns ? config->peer_limit_ns : STAR_PEER_LIMIT_NS,
	};
	struct rg_err why = {0};
	int rc;

	star_fill_build(config, g.build);
	star_fill_host(g.host);
	g.strangers = rg_zalloc(PLACES, sizeof(*g.strangers));
	g.polls = rg_zalloc((size_t)1 + PLACES + config->nranks, sizeof(*g.polls));
	g.open_polls = rg_zalloc((size_t)1 + PLACES + config->nranks, sizeof(*g.polls));
	if (!g.strangers || !g.polls || !g.open_polls) {
		rc = rg_err_set(&why, RG_ERR_NO_MEMORY, "rank 0: no memory for %u peers",
				config->nranks);
		goto free_all;
	}
	for (int i = 0; i < PLACES; i++)
		g.strangers[i].fd = -1;
	rc = star_bind(config, g.host, &g.listener, g.address, &why);
	if (!rc)
		rc = gather(&g, &why);
	if (!rc)
		rc = welcome_all(&g, &why);
	for (uint32_t r = 1; rc && r < star->base.nranks; r++) {
		if (star->peers[r].fd >= 0)
			wire_send_abort(star->peers[r].fd, rc, why.text);
	}
	for (int i = 0; i < PLACES; i++) {
		if (g.strangers[i].fd >= 0)
			star_drop(&g.strangers[i], NULL);
	}
	if (g.listener >= 0)
		close(g.listener);
free_all:
	rg_free(g.open_polls);
	rg_free(g.polls);
	rg_free(g.strangers);
	if (rc)
		rg_err_set(err, rc, "%s", why.text);
	return rc;
}
