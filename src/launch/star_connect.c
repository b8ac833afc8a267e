/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A peer finds rank 0, which may not be up yet: it tries again until its deadline. Once rank 0 has
 * answered with a challenge, the first failure is final.
 */
#include "config.h"

#include "star_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RETRY_NS ((uint64_t)50000000)	/* 50 ms: seen by nobody, cheap for rank 0 */
#define TRY_NS	 ((uint64_t)5000000000) /* for an address that does not answer at all */
#define TELL_NS	 ((uint64_t)5000000000) /* then it is said, once, what is tried */

/* Waits for a connect() under way. 0 or an errno. */
static int finish_connect(int fd, uint64_t deadline_ns)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t len = sizeof(int);
	int n, e = 0;

	do {
		n = poll(&p, 1, wire_poll_ms(deadline_ns));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno;
	if (n == 0)
		return ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len))
		return errno;
	return e;
}

/*
 * With nobody listening on a port of the ephemeral range, TCP may join a socket to itself: it draws
 * that port as its own. That is a refusal.
 */
static bool connected_to_itself(int fd)
{
	struct sockaddr_storage us = {0}, them = {0};
	socklen_t us_len = sizeof(us), them_len = sizeof(them);

	return !getsockname(fd, (struct sockaddr *)&us, &us_len) &&
	       !getpeername(fd, (struct sockaddr *)&them, &them_len) && us_len == them_len &&
	       !memcmp(&us, &them, us_len);
}

/* One attempt at one address. A descriptor, or -1 with *errnum_out. */
static int try_connect(const struct addrinfo *ai, uint64_t deadline_ns, int *errnum_out)
{
	int one = 1, e = 0;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0) {
		*errnum_out = errno;
		return -1;
	}
	if (connect(fd, ai->ai_addr, ai->ai_addrlen))
		e = errno == EINPROGRESS ? finish_connect(fd, deadline_ns) : errno;
	if (!e && connected_to_itself(fd))
		e = ECONNREFUSED;
	if (e) {
		close(fd);
		*errnum_out = e;
		return -1;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* only slower */
	return fd;
}

/* Is it worth another try? Rank 0 or its host may still be coming up. */
static bool may_pass(int errnum)
{
	switch (errnum) {
	case ECONNREFUSED:
	case ECONNRESET:
	case ECONNABORTED:
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENETDOWN:
	case EAGAIN:
	case EADDRNOTAVAIL: /* no free local port at the moment */
		return true;
	default:
		return false;
	}
}

/*
 * HELLO out, CHALLENGE in. 1: done; 0: the connection was dropped, try again, and err holds words
 * about it; else a final failure.
 */
static int say_hello(struct star_peer *rank0, const struct wire_hello *hello,
		     struct wire_challenge *challenge_out, uint64_t deadline_ns, struct rg_err *err)
{
	struct {
		struct wire_head head;
		struct wire_hello body;
	} m = {.head = wire_head_make(WIRE_HELLO, sizeof(m.body), 0), .body = *hello};
	struct wire_head head;
	char what[128];
	int rc;

	snprintf(what, sizeof(what), "rank 0 at %s", rank0->address);
	rc = wire_send(rank0->fd, &m, sizeof(m), deadline_ns, NULL, what, err);
	if (!rc)
		rc = wire_recv(rank0->fd, &head, sizeof(head), deadline_ns, NULL, what, err);
	if (rc)
		return rc == RG_ERR_PEER ? 0 : rc;
	if (wire_head_read(&head))
		return rg_err_set(err, RG_ERR_FORMAT,
				  "what listens at %s is not railgauge: is the port taken by "
				  "another program?",
				  rank0->address);
	if (head.version != WIRE_VERSION)
		return rg_err_set(err, RG_ERR_MISMATCH,
				  "rank 0 at %s speaks version %u of the protocol, rank %u version "
				  "%u: use one build of railgauge everywhere",
				  rank0->address, head.version, ntohl(hello->rank), WIRE_VERSION);
	rank0->broken = head.kind == WIRE_ABORT; /* then it knows of the failure already */
	if (head.kind == WIRE_ABORT)
		return wire_recv_abort(rank0->fd, &head, deadline_ns, what, err);
	if (head.kind != WIRE_CHALLENGE || head.len_bytes != sizeof(*challenge_out))
		return rg_err_set(err, RG_ERR_FORMAT, "%s sent no challenge", what);
	rc = wire_recv(rank0->fd, challenge_out, sizeof(*challenge_out), deadline_ns, NULL, what,
		       err);
	if (rc)
		return rc == RG_ERR_PEER ? 0 : rc;
	return 1;
}

/* PROOF out, WELCOME in. */
static int prove(struct star_peer *rank0, const struct rg_star_config *config,
		 const struct wire_hello *hello, const struct wire_challenge *challenge,
		 struct wire_welcome *welcome_out, uint64_t deadline_ns, struct rg_err *err)
{
	struct {
		struct wire_head head;
		struct wire_proof body;
	} m = {.head = wire_head_make(WIRE_PROOF, sizeof(m.body), 0)};
	uint8_t expected[RG_SHA256_BYTES];
	struct wire_head head;
	char what[128];
	int rc;

	snprintf(what, sizeof(what), "rank 0 at %s", rank0->address);
	wire_peer_mac(config->secret, config->secret_bytes, hello, challenge, m.body.mac);
	rc = wire_send(rank0->fd, &m, sizeof(m), deadline_ns, NULL, what, err);
	if (!rc)
		rc = wire_recv(rank0->fd, &head, sizeof(head), star_verdict_ns(deadline_ns), NULL,
			       what, err);
	if (rc)
		return rc;
	if (wire_head_read(&head))
		return rg_err_set(err, RG_ERR_FORMAT, "%s sent no welcome", what);
	rank0->broken = head.kind == WIRE_ABORT;
	if (head.kind == WIRE_ABORT)
		return wire_recv_abort(rank0->fd, &head, star_verdict_ns(deadline_ns), what, err);
	if (head.kind != WIRE_WELCOME || head.len_bytes != sizeof(*welcome_out))
		return rg_err_set(err, RG_ERR_FORMAT, "%s sent no welcome", what);
	rc = wire_recv(rank0->fd, welcome_out, sizeof(*welcome_out), star_verdict_ns(deadline_ns),
		       NULL, what, err);
	if (rc)
		return rc;
	wire_rank0_mac(config->secret, config->secret_bytes, hello, challenge, welcome_out,
		       expected);
	if (!rg_equal_constant_time(expected, welcome_out->mac, sizeof(expected)) ||
	    !wire_text_ok(welcome_out->host, sizeof(welcome_out->host)))
		return rg_err_set(err, RG_ERR_DENIED,
				  "what listens at %s does not know the job's secret",
				  rank0->address);
	return 0;
}

/* Words for a rank that nobody answers. errnum: of the last attempt. */
static int not_reached(const struct star_peer *rank0, const struct rg_star_config *config,
		       uint64_t since_ns, unsigned tries, int errnum, struct rg_err *err)
{
	return rg_err_set(
		err, RG_ERR_TIMEOUT,
		"rank %u could not reach rank 0 at %s (MASTER_ADDR %s) in %.1f s, %u "
		"times: %s%s",
		config->rank, rank0->address, config->host,
		(double)(rg_clock_ns() - since_ns) / 1e9, tries, strerror(errnum),
		errnum == ECONNREFUSED
			? ": nothing listens there; does rank 0 run, with this address and "
			  "port?"
			: "");
}

/* Connects to one of the addresses, trying again until the deadline. */
static int reach(struct star_peer *rank0, const struct rg_star_config *config,
		 const struct addrinfo *list, uint64_t deadline_ns, struct rg_err *err)
{
	uint64_t since_ns = rg_clock_ns(), tell_ns = since_ns + TELL_NS;
	unsigned tries = 0;
	int e = ETIMEDOUT;

	do {
		for (const struct addrinfo *ai = list; ai; ai = ai->ai_next) {
			uint64_t try_ns = rg_clock_ns() + TRY_NS;

			wire_address(ai->ai_addr, ai->ai_addrlen, rank0->address);
			rank0->fd =
				try_connect(ai, try_ns < deadline_ns ? try_ns : deadline_ns, &e);
			if (rank0->fd >= 0)
				return 0;
			if (!may_pass(e))
				return rg_err_errno(err, e,
						    "rank %u cannot connect to rank 0 at %s",
						    config->rank, rank0->address);
		}
		tries++;
		if (rg_clock_ns() >= tell_ns) {
			rg_log(RG_LOG_WARN,
			       "rank %u still tries to reach rank 0 at %s (MASTER_ADDR %s): %s",
			       config->rank, rank0->address, config->host, strerror(e));
			tell_ns = UINT64_MAX;
		}
		rg_clock_sleep_until(rg_clock_ns() + RETRY_NS);
	} while (rg_clock_ns() < deadline_ns);
	return not_reached(rank0, config, since_ns, tries, e, err);
}

static int join(struct star_peer *rank0, const struct rg_star_config *config,
		const struct addrinfo *list, struct wire_welcome *welcome_out, uint64_t deadline_ns,
		struct rg_err *err)
{
	struct wire_challenge challenge;
	struct rg_err dropped = {0}; /* about connections that are tried again */
	struct wire_hello hello = {
		.rank = htonl(config->rank),
		.nranks = htonl(config->nranks),
	};
	int rc;

	star_fill_build(config, hello.build);
	star_fill_host(hello.host);
	for (;;) {
		rc = star_nonce(hello.nonce, err);
		if (!rc)
			rc = reach(rank0, config, list, deadline_ns, err);
		if (rc)
			return rc;
		rc = say_hello(rank0, &hello, &challenge, deadline_ns, &dropped);
		if (rc < 0)
			return rg_err_set(err, rc, "%s", dropped.text);
		if (rc == 1)
			return prove(rank0, config, &hello, &challenge, welcome_out, deadline_ns,
				     err);
		close(rank0->fd);
		rank0->fd = -1;
		if (rg_clock_ns() >= deadline_ns)
			return rg_err_set(err, RG_ERR_TIMEOUT,
					  "rank 0 at %s dropped the connection of rank %u until "
					  "the deadline",
					  rank0->address, config->rank);
		rg_clock_sleep_until(rg_clock_ns() + RETRY_NS);
	}
}

int star_connect(struct star *star, const struct rg_star_config *config, uint64_t deadline_ns,
		 struct rg_err *err)
{
	struct star_peer *rank0 = &star->peers[0];
	struct wire_welcome welcome;
	struct addrinfo *list;
	int rc;

	rc = star_resolve(config, &list, err);
	if (rc)
		return rc;
	rc = join(rank0, config, list, &welcome, deadline_ns, err);
	freeaddrinfo(list);
	if (config->told_out)
		*config->told_out = rc && rank0->broken;
	if (rc)
		return rc;
	memcpy(rank0->host, welcome.host, sizeof(rank0->host));
	wire_job_key(config->secret, config->secret_bytes, welcome.job_nonce, star->base.job_key);
	return 0;
}
