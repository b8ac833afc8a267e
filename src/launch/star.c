/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The exchanges of rg_star, once all have joined. A peer sends DATA and waits for RESULT; rank 0
 * collects all DATA before it sends any RESULT, so that neither side ever waits for the other to
 * read. Any message may be an ABORT instead.
 */
#include "config.h"

#include "star_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

_Static_assert(offsetof(struct star, base) == 0, "the head comes first");

static struct star *to_star(struct rg_rendezvous *rdv)
{
	return (struct star *)(void *)rdv;
}

void star_fill_host(char host[WIRE_HOST_BYTES])
{
	memset(host, 0, WIRE_HOST_BYTES);
	if (gethostname(host, WIRE_HOST_BYTES - 1) || !wire_text_ok(host, WIRE_HOST_BYTES)) {
		memset(host, 0, WIRE_HOST_BYTES);
		host[0] = '?';
	}
}

void star_fill_build(const struct rg_star_config *config, char build[RG_BUILD_BYTES])
{
	memset(build, 0, RG_BUILD_BYTES);
	snprintf(build, RG_BUILD_BYTES, "%s", config->build ? config->build : rg_build_id());
}

int star_nonce(uint8_t nonce[WIRE_NONCE_BYTES], struct rg_err *err)
{
	if (getrandom(nonce, WIRE_NONCE_BYTES, 0) != WIRE_NONCE_BYTES)
		return rg_err_errno(err, errno, "getrandom");
	return 0;
}

int star_resolve(const struct rg_star_config *config, struct addrinfo **list_out,
		 struct rg_err *err)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV,
	};
	char port[8];
	int e;

	snprintf(port, sizeof(port), "%u", config->port);
	e = getaddrinfo(config->host, port, &hints, list_out);
	if (e)
		return rg_err_set(err, RG_ERR_INVALID, "MASTER_ADDR %s: %s", config->host,
				  gai_strerror(e));
	return 0;
}

static void name_peer(const struct star *star, uint32_t entry, char *text, size_t room)
{
	const struct star_peer *p = &star->peers[entry];

	snprintf(text, room, "rank %u on %s at %s", star->base.rank == 0 ? entry : 0, p->host,
		 p->address);
}

/* The first failure stays, and everybody who can still be told is told. */
static int fail(struct star *star, const struct rg_err *why)
{
	if (star->failure.code)
		return star->failure.code;
	star->failure = *why;
	for (uint32_t i = 0; i < star->npeers; i++) {
		if (star->peers[i].fd >= 0 && !star->peers[i].broken)
			wire_send_abort(star->peers[i].fd, why->code, why->text);
	}
	return why->code;
}

/* A message to one peer: head and body; a part of one makes the connection useless. */
static int send_message(struct star *star, uint32_t entry, const struct wire_head *head,
			const void *body, size_t body_bytes, uint64_t deadline_ns,
			struct rg_err *err)
{
	struct star_peer *p = &star->peers[entry];
	size_t head_done = 0, body_done = 0;
	char what[192];
	int rc;

	name_peer(star, entry, what, sizeof(what));
	rc = wire_send(p->fd, head, sizeof(*head), deadline_ns, &head_done, what, err);
	if (!rc)
		rc = wire_send(p->fd, body, body_bytes, deadline_ns, &body_done, what, err);
	if (rc && head_done + body_done > 0)
		p->broken = true;
	return rc;
}

/* Is a received head (host order) the one that this exchange expects? RG_ERR_PEER says what is not.
 */
static int check_head(const struct star *star, const struct wire_head *head, enum wire_kind kind,
		      const char *what, struct rg_err *err)
{
	if (head->magic != WIRE_MAGIC || head->version != WIRE_VERSION || head->kind != kind)
		return rg_err_set(err, RG_ERR_PEER, "%s sent what is not part of the protocol",
				  what);
	if (head->aux != star->exchange)
		return rg_err_set(err, RG_ERR_PEER, "%s is in exchange %u, rank %u in %u", what,
				  head->aux, star->base.rank, star->exchange);
	return 0;
}

/* Rank 0: the head of a peer's message is complete. */
static int take_head(struct star *star, uint32_t rank, size_t len_bytes, struct rg_err *err)
{
	struct star_peer *p = &star->peers[rank];
	struct rg_err said = {0};
	char what[192];
	int rc;

	name_peer(star, rank, what, sizeof(what));
	(void)wire_head_read(&p->head); /* the magic is checked below */
	if (p->head.magic == WIRE_MAGIC && p->head.kind == WIRE_ABORT) {
		/* It was sent whole: a second is plenty. The text says who it is about. */
		rc = wire_recv_abort(p->fd, &p->head, star_verdict_ns(rg_clock_ns()), what, &said);
		return rg_err_set(err, rc, "%s", said.text);
	}
	rc = check_head(star, &p->head, WIRE_DATA, what, err);
	if (rc)
		return rc;
	p->len_bytes = p->head.len_bytes;
	/* Another length ends the job once all are heard: its body is never read. */
	p->done = p->len_bytes != len_bytes || len_bytes == 0;
	return 0;
}

/* Rank 0: reads what has come from one peer, the body straight into its place. */
static int hear(struct star *star, uint32_t rank, unsigned char *all, size_t len_bytes,
		struct rg_err *err)
{
	struct star_peer *p = &star->peers[rank];
	char what[192];

	while (!p->done) {
		bool in_head = p->head_got < sizeof(p->head);
		char *to = in_head ? (char *)&p->head + p->head_got
				   : (char *)all + rank * len_bytes + p->body_got;
		size_t want = in_head ? sizeof(p->head) - p->head_got : len_bytes - p->body_got;
		ssize_t n = recv(p->fd, to, want, MSG_DONTWAIT);
		int e = errno;

		if (n < 0 && e == EINTR)
			continue;
		if (n < 0 && (e == EAGAIN || e == EWOULDBLOCK))
			return 0;
		if (n <= 0) {
			name_peer(star, rank, what, sizeof(what));
			return rg_err_set(err, RG_ERR_PEER,
					  "%s closed its connection: its process has ended", what);
		}
		if (in_head)
			p->head_got += (size_t)n;
		else
			p->body_got += (size_t)n;
		if (in_head && p->head_got == sizeof(p->head)) {
			int rc = take_head(star, rank, len_bytes, err);

			if (rc)
				return rc;
		}
		if (!in_head && p->body_got == len_bytes)
			p->done = true;
	}
	return 0;
}

static int name_missing(const struct star *star, struct rg_err *err)
{
	char missing[320] = "";
	size_t used = 0;

	for (uint32_t r = 1; r < star->base.nranks; r++) {
		const struct star_peer *p = &star->peers[r];

		if (p->done)
			continue;
		if (used + WIRE_HOST_BYTES + 30 > sizeof(missing)) {
			snprintf(missing + used, sizeof(missing) - used, ", ...");
			break;
		}
		used += (size_t)snprintf(missing + used, sizeof(missing) - used, "%srank %u on %s",
					 used ? ", " : "", r, p->host);
	}
	return rg_err_set(err, RG_ERR_TIMEOUT,
			  "these did not come to exchange %u before the deadline: %s",
			  star->exchange, missing);
}

/* Rank 0: collects every peer's DATA into all. */
static int collect(struct star *star, unsigned char *all, size_t len_bytes, uint64_t deadline_ns,
		   struct rg_err *err)
{
	for (uint32_t r = 1; r < star->base.nranks; r++) {
		struct star_peer *p = &star->peers[r];

		p->head_got = p->body_got = 0;
		p->done = false;
	}
	for (;;) {
		nfds_t count = 0;
		int n, rc = 0;

		for (uint32_t r = 1; r < star->base.nranks; r++) {
			if (star->peers[r].done)
				continue;
			star->polls[count] =
				(struct pollfd){.fd = star->peers[r].fd, .events = POLLIN};
			star->polled[count++] = r;
		}
		if (count == 0)
			return 0;
		n = poll(star->polls, count, wire_poll_ms(deadline_ns));
		if (n < 0 && errno != EINTR)
			return rg_err_errno(err, errno, "rank 0: poll");
		for (nfds_t i = 0; n > 0 && !rc && i < count; i++) {
			if (star->polls[i].revents)
				rc = hear(star, star->polled[i], all, len_bytes, err);
		}
		if (rc)
			return rc;
		if (n <= 0 && rg_clock_ns() >= deadline_ns)
			return name_missing(star, err);
	}
}

static int exchange_rank0(struct star *star, const void *mine, void *all, size_t len_bytes,
			  uint64_t deadline_ns, struct rg_err *err)
{
	struct wire_head head = wire_head_make(WIRE_RESULT, (uint32_t)len_bytes, star->exchange);
	uint32_t nranks = star->base.nranks;
	int rc = collect(star, all, len_bytes, deadline_ns, err);

	for (uint32_t r = 1; !rc && r < nranks; r++) {
		if (star->peers[r].len_bytes != len_bytes)
			rc = rg_err_set(err, RG_ERR_MISMATCH,
					"rendezvous: rank 0 exchanges %zu bytes, rank %u on %s %u "
					"bytes",
					len_bytes, r, star->peers[r].host,
					star->peers[r].len_bytes);
	}
	if (rc)
		return rc;
	if (len_bytes > 0)
		memcpy(all, mine, len_bytes);
	for (uint32_t r = 1; !rc && r < nranks; r++)
		rc = send_message(star, r, &head, all, nranks * len_bytes, deadline_ns, err);
	return rc;
}

/* What a peer reads next: a RESULT, or why there is none. */
static int read_result(struct star *star, void *all, size_t len_bytes, uint64_t deadline_ns,
		       struct rg_err *err)
{
	int fd = star->peers[0].fd;
	struct wire_head head;
	char what[192];
	int rc;

	name_peer(star, 0, what, sizeof(what));
	rc = wire_recv(fd, &head, sizeof(head), deadline_ns, NULL, what, err);
	if (rc == RG_ERR_TIMEOUT)
		rg_err_prefix(err, "waited for the result of exchange %u", star->exchange);
	if (rc)
		return rc;
	(void)wire_head_read(&head); /* the magic is checked below */
	if (head.magic == WIRE_MAGIC && head.kind == WIRE_ABORT) {
		struct rg_err said = {0};

		rc = wire_recv_abort(fd, &head, deadline_ns, what, &said);
		star->peers[0].broken = true; /* it knows already */
		return rg_err_set(err, rc, "%s", said.text);
	}
	rc = check_head(star, &head, WIRE_RESULT, what, err);
	if (!rc && head.len_bytes != len_bytes)
		rc = rg_err_set(err, RG_ERR_MISMATCH,
				"rendezvous: rank %u exchanges %zu bytes, rank 0 %u bytes",
				star->base.rank, len_bytes, head.len_bytes);
	if (!rc)
		rc = wire_recv(fd, all, star->base.nranks * len_bytes, deadline_ns, NULL, what,
			       err);
	return rc;
}

static int exchange_peer(struct star *star, const void *mine, void *all, size_t len_bytes,
			 uint64_t deadline_ns, struct rg_err *err)
{
	struct wire_head head = wire_head_make(WIRE_DATA, (uint32_t)len_bytes, star->exchange);
	int rc = send_message(star, 0, &head, mine, len_bytes, deadline_ns, err);

	/* Rank 0 may have closed after telling why, and its words may still be readable. */
	if (rc && rc != RG_ERR_PEER)
		return rc;
	return read_result(star, all, len_bytes, star_verdict_ns(deadline_ns), err);
}

static int star_allgather(struct rg_rendezvous *rdv, const void *mine, void *all, size_t len_bytes,
			  uint64_t deadline_ns, struct rg_err *err)
{
	struct star *star = to_star(rdv);
	struct rg_err why = {0};
	int rc;

	if (star->failure.code)
		return rg_err_set(err, star->failure.code, "%s", star->failure.text);
	if (rdv->nranks == 1) {
		if (len_bytes > 0)
			memcpy(all, mine, len_bytes);
		return 0;
	}
	if (len_bytes > RG_STAR_MAX_BYTES / rdv->nranks)
		rc = rg_err_set(&why, RG_ERR_LIMIT,
				"rendezvous: %u times %zu bytes are more than one exchange takes",
				rdv->nranks, len_bytes);
	else if (rdv->rank == 0)
		rc = exchange_rank0(star, mine, all, len_bytes, deadline_ns, &why);
	else
		rc = exchange_peer(star, mine, all, len_bytes, deadline_ns, &why);
	if (rc) {
		(void)fail(star, &why);
		return rg_err_set(err, rc, "%s", why.text);
	}
	star->exchange++;
	return 0;
}

static void star_abort(struct rg_rendezvous *rdv, const struct rg_err *why)
{
	struct star *star = to_star(rdv);
	struct rg_err told = {0};
	char host[WIRE_HOST_BYTES];

	star_fill_host(host);
	rg_err_set(&told, RG_ERR_PEER, "rank %u on %s gave up: %s", rdv->rank, host, why->text);
	(void)fail(star, &told);
}

static void star_close(struct rg_rendezvous *rdv)
{
	struct star *star = to_star(rdv);

	for (uint32_t i = 0; star->peers && i < star->npeers; i++) {
		char rest[4096];
		int fd = star->peers[i].fd;

		if (fd < 0)
			continue;
		/*
		 * Closing with unread input resets the connection, which could overtake our last
		 * words: say that there will be no more, and read what is there.
		 */
		(void)shutdown(fd, SHUT_WR);
		for (int j = 0; j < 64 && recv(fd, rest, sizeof(rest), MSG_DONTWAIT) > 0; j++)
			;
		close(fd);
	}
	rg_free(star->polled);
	rg_free(star->polls);
	rg_free(star->peers);
	explicit_bzero(rdv->job_key, sizeof(rdv->job_key));
	rg_free(star);
}

static const struct rg_rendezvous_ops star_ops = {
	.name = "env",
	.allgather = star_allgather,
	.abort = star_abort,
	.close = star_close,
};

static struct star *new_star(uint32_t rank, uint32_t nranks)
{
	struct star *star = rg_zalloc(1, sizeof(*star));

	if (!star)
		return NULL;
	star->base.ops = &star_ops;
	star->base.rank = rank;
	star->base.nranks = nranks;
	star->npeers = rank == 0 ? nranks : 1;
	star->peers = rg_zalloc(star->npeers, sizeof(*star->peers));
	for (uint32_t i = 0; star->peers && i < star->npeers; i++)
		star->peers[i].fd = -1;
	star->polls = rg_zalloc(star->npeers, sizeof(*star->polls));
	star->polled = rg_zalloc(star->npeers, sizeof(*star->polled));
	if (!star->peers || !star->polls || !star->polled) {
		star_close(&star->base);
		return NULL;
	}
	return star;
}

int rg_star_open(const struct rg_star_config *config, uint64_t deadline_ns,
		 struct rg_rendezvous **rdv_out, struct rg_err *err)
{
	struct star *star;
	int rc;

	if (config->rank >= config->nranks)
		return rg_err_set(err, RG_ERR_INVALID, "rank %u of %u ranks", config->rank,
				  config->nranks);
	star = new_star(config->rank, config->nranks);
	if (!star)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "rendezvous: no memory for %u peers",
				  config->nranks);
	if (config->nranks == 1)
		rc = star_nonce(star->base.job_key, err); /* nobody to share it with */
	else if (config->rank == 0)
		rc = star_listen(star, config, deadline_ns, err);
	else
		rc = star_connect(star, config, deadline_ns, err);
	if (rc) {
		star_close(&star->base);
		return rc;
	}
	*rdv_out = &star->base;
	return 0;
}
