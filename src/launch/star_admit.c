/* SPDX-License-Identifier: BSD-3-Clause */
/* Rank 0 and one connection: from HELLO and PROOF to a peer that belongs to the job, or not. */
#include "config.h"

#include "star_gather.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How long a failed rank 0 still listens: ranks of a job are started within seconds. */
#define LAST_WORDS_NS ((uint64_t)5000000000)

void star_drop(struct stranger *s, const char *why)
{
	if (why)
		rg_log(RG_LOG_INFO, "dropped the connection from %s: %s", s->address, why);
	close(s->fd);
	s->fd = -1;
}

void star_lose(struct gathering *g, int code, const char *text)
{
	uint64_t last_ns = rg_clock_ns() + LAST_WORDS_NS;

	g->nlost++;
	if (g->why.code)
		return;
	rg_err_set(&g->why, code, "%s", text);
	if (last_ns < g->end_ns)
		g->end_ns = last_ns;
}

static void contradict(struct gathering *g, struct stranger *s, const char *text)
{
	star_lose(g, RG_ERR_MISMATCH, text);
	wire_send_abort(s->fd, g->why.code, g->why.text);
	star_drop(s, NULL);
}

/* A stranger has proved itself: does what it says fit this job? */
static void admit(struct gathering *g, struct stranger *s)
{
	uint32_t rank = ntohl(s->hello.rank), nranks = ntohl(s->hello.nranks);
	struct star_peer *p = rank < g->star->base.nranks ? &g->star->peers[rank] : NULL;
	char text[RG_ERR_TEXT_BYTES];

	if (nranks != g->star->base.nranks) {
		snprintf(text, sizeof(text),
			 "rank 0 on %s was started as one of %u ranks, rank %u on %s as one of %u",
			 g->host, g->star->base.nranks, rank, s->hello.host, nranks);
		contradict(g, s, text);
		return;
	}
	if (memcmp(s->hello.build, g->build, sizeof(g->build)) != 0) {
		snprintf(text, sizeof(text),
			 "rank 0 on %s is build %s, rank %u on %s is build %s: use one build "
			 "everywhere",
			 g->host, g->build, rank, s->hello.host, s->hello.build);
		contradict(g, s, text);
		return;
	}
	if (!p) {
		snprintf(text, sizeof(text), "a process on %s at %s says that it is rank %u of %u",
			 s->hello.host, s->address, rank, nranks);
		contradict(g, s, text);
		return;
	}
	if (rank == 0 || p->fd >= 0) {
		snprintf(text, sizeof(text),
			 "two processes say that they are rank %u: on %s at %s and on %s at %s",
			 rank, rank ? p->host : g->host, rank ? p->address : g->address,
			 s->hello.host, s->address);
		contradict(g, s, text);
		return;
	}
	p->fd = s->fd;
	s->fd = -1;
	p->hello = s->hello;
	p->challenge = s->challenge;
	memcpy(p->host, s->hello.host, sizeof(p->host));
	memcpy(p->address, s->address, sizeof(p->address));
	g->njoined++;
	rg_log(RG_LOG_DEBUG, "rank %u on %s at %s has joined, %u of %u", rank, p->host, p->address,
	       g->njoined + 1, g->star->base.nranks);
}

static int answer_hello(struct gathering *g, struct stranger *s, struct rg_err *err)
{
	struct {
		struct wire_head head;
		struct wire_challenge body;
	} m = {.head = wire_head_make(WIRE_CHALLENGE, sizeof(m.body), 0)};
	int rc;

	s->hello = s->m.body.hello;
	if (!wire_text_ok(s->hello.build, sizeof(s->hello.build)) ||
	    !wire_text_ok(s->hello.host, sizeof(s->hello.host))) {
		star_drop(s, "malformed greeting");
		return 0;
	}
	rc = star_nonce(s->challenge.nonce, err);
	if (rc)
		return rc;
	m.body = s->challenge;
	/* 48 bytes into an empty socket buffer: if they do not fit now, they never will. */
	if (wire_send(s->fd, &m, sizeof(m), 0, NULL, "", NULL))
		star_drop(s, "gone");
	s->expects = WIRE_PROOF;
	s->got = 0;
	return 0;
}

static void check_proof(struct gathering *g, struct stranger *s)
{
	uint8_t expected[RG_SHA256_BYTES];
	char text[RG_ERR_TEXT_BYTES];

	wire_peer_mac(g->config->secret, g->config->secret_bytes, &s->hello, &s->challenge,
		      expected);
	if (rg_equal_constant_time(expected, s->m.body.proof.mac, sizeof(expected))) {
		admit(g, s);
		return;
	}
	rg_log(RG_LOG_WARN, "refused %s, which says that it is rank %u on %s: another secret",
	       s->address, ntohl(s->hello.rank), s->hello.host);
	g->refused = true;
	g->refused_rank = ntohl(s->hello.rank);
	memcpy(g->refused_address, s->address, sizeof(g->refused_address));
	snprintf(text, sizeof(text),
		 "rank 0 at %s refused rank %u at %s: RG_JOB_SECRET is not the same there",
		 g->address, g->refused_rank, s->address);
	wire_send_abort(s->fd, RG_ERR_DENIED, text);
	star_drop(s, NULL);
}

static size_t body_bytes(const struct stranger *s)
{
	return s->expects == WIRE_HELLO ? sizeof(struct wire_hello) : sizeof(struct wire_proof);
}

/* Checks a stranger's head as soon as it is complete: what it may say next is fixed. */
static bool head_ok(struct gathering *g, struct stranger *s)
{
	struct wire_head head = s->m.head;
	char text[160];

	if (wire_head_read(&head)) {
		star_drop(s, "it does not speak this protocol");
		return false;
	}
	if (head.version != WIRE_VERSION) {
		snprintf(text, sizeof(text),
			 "it speaks version %u of the protocol, rank 0 on %s version %u",
			 head.version, g->host, WIRE_VERSION);
		wire_send_abort(s->fd, RG_ERR_MISMATCH, text);
		star_drop(s, text);
		return false;
	}
	if (head.kind != s->expects || head.len_bytes != body_bytes(s)) {
		star_drop(s, "malformed message");
		return false;
	}
	return true;
}

/* Reads up to want bytes of a message. 1: they are there; 0: not yet, or dropped. */
static int fill(struct stranger *s, size_t want)
{
	while (s->got < want) {
		ssize_t n = recv(s->fd, (char *)&s->m + s->got, want - s->got, MSG_DONTWAIT);
		int e = errno;

		if (n > 0) {
			s->got += (size_t)n;
		} else if (n == 0 || (e != EINTR && e != EAGAIN && e != EWOULDBLOCK)) {
			star_drop(s, "it left before its proof");
			return 0;
		} else if (e != EINTR) {
			return 0;
		}
	}
	return 1;
}

int star_hear_stranger(struct gathering *g, struct stranger *s, struct rg_err *err)
{
	int rc = 0;

	while (!rc && s->fd >= 0) {
		bool had_head = s->got >= sizeof(s->m.head);

		if (!fill(s, sizeof(s->m.head)))
			return 0;
		if (!had_head && !head_ok(g, s))
			return 0;
		if (!fill(s, sizeof(s->m.head) + body_bytes(s)))
			return 0;
		if (s->expects == WIRE_HELLO)
			rc = answer_hello(g, s, err);
		else
			check_proof(g, s);
	}
	return rc;
}
