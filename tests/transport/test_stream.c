/* SPDX-License-Identifier: BSD-3-Clause */
/* Plain streams: they carry bytes between those who belong to the job, and let in nobody else. */
#include "config.h"

#include "ranks.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/transport/stream.h"
#include "transport/tcp_impl.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define EACH	2 /* streams between two ranks */
#define STREAMS (EACH * (RANKS - 1))

static const struct rg_transport_ops *const with_sockets[] = {&rg_transport_tcp,
							      &rg_transport_mixed};

/* EACH to every rank that is reached so. */
static uint32_t list_peers(const struct rank *r, uint32_t peers[STREAMS])
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < RANKS; k++) {
		for (uint32_t i = 0; i < EACH && rg_stream_reaches(r->ep, k); i++)
			peers[n++] = k;
	}
	return n;
}

static int open_streams(struct rank *r, uint32_t peers[STREAMS], uint32_t *n_out, int fds[STREAMS])
{
	*n_out = list_peers(r, peers);
	return rg_streams_open(r->ep, peers, *n_out, fds, &r->err);
}

/* One byte, within ten seconds; -1: none came, 256: the other side has closed. */
static int take(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint8_t byte;

	if (poll(&p, 1, 10000) != 1)
		return -1;
	switch (recv(fd, &byte, 1, 0)) {
	case 1:
		return byte;
	case 0:
		return 256;
	default:
		return errno == ECONNRESET ? 256 : -1;
	}
}

/* What goes on the k-th stream between two ranks. */
static uint8_t word(uint32_t from, uint32_t k)
{
	return (uint8_t)(16 * from + k);
}

static int talk(struct rank *r, const uint32_t *peers, uint32_t n, const int *fds)
{
	for (uint32_t i = 0; i < n; i++) {
		uint8_t byte = word(r->rdv->rank, i % EACH);
		unsigned int patience_ms = 0;
		socklen_t len = sizeof(patience_ms);

		/* On both ends: whoever was the one to connect. */
		MUST(r, !getsockopt(fds[i], IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, &len));
		MUST(r, patience_ms == r->config.timeout_ns / 1000000);
		MUST(r, send(fds[i], &byte, 1, MSG_NOSIGNAL) == 1);
	}
	for (uint32_t i = 0; i < n; i++)
		MUST(r, take(fds[i]) == word(peers[i], i % EACH));
	return 0;
}

/* Twice: closing and opening again makes new ones. */
static int streams_carry(struct rank *r)
{
	uint32_t peers[STREAMS], n, node[RANKS], local[RANKS], nnodes;
	int fds[STREAMS];

	for (int again = 0; again < 2; again++) {
		int rc = open_streams(r, peers, &n, fds);

		if (!rc)
			rc = talk(r, peers, n, fds);
		rg_streams_close(fds, n);
		if (rc)
			return rc;
		for (uint32_t i = 0; i < n; i++)
			MUST(r, fds[i] == -1);
	}
	MUST(r, !rg_stream_reaches(r->ep, r->rdv->rank) && !rg_stream_reaches(r->ep, RANKS));
	/* Of mixed, ranks 1 and 2 are one node (ranks.c). */
	MUST(r, n == (r->ops == &rg_transport_tcp || r->rdv->rank == 0 ? STREAMS : EACH));
	MUST(r, rg_stream_nodes(r->ep, node, local, &nnodes, &r->err) == 0);
	for (uint32_t k = 0; k < RANKS; k++) {
		bool second = r->ops != &rg_transport_tcp && k == 2;

		MUST(r, node[k] == k - second && local[k] == second);
	}
	MUST(r, nnodes == (r->ops == &rg_transport_tcp ? RANKS : RANKS - 1));
	return connect_all(r) ? r->err.code : meet(r);
}

static void run_all(int (*body)(struct rank *r))
{
	for (size_t t = 0; t < sizeof(with_sockets) / sizeof(with_sockets[0]); t++) {
		struct rank ranks[RANKS];

		prepare_ranks(ranks, with_sockets[t], body);
		run_ranks(ranks, 0);
		for (uint32_t i = 0; i < RANKS; i++) {
			if (ranks[i].rc)
				fail_msg("%s, rank %u: %s", with_sockets[t]->name, i,
					 ranks[i].err.text);
		}
	}
}

static int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static void streams_carry_bytes_both_ways_and_leave_no_file_open(void **state)
{
	int before = open_files();

	run_all(streams_carry);
	assert_int_equal(open_files(), before);
}

static int has_none(struct rank *r)
{
	const uint32_t peer = next(r);
	int fd, rc = rg_streams_open(r->ep, &peer, 1, &fd, &r->err);

	MUST(r, rc == RG_ERR_UNSUPPORTED && fd == -1);
	MUST(r, !rg_stream_reaches(r->ep, next(r)));
	return 0;
}

static void transports_without_sockets_have_no_streams(void **state)
{
	const struct rg_transport_ops *const *here = transports_here();

	for (size_t t = 0; here[t]; t++) {
		struct rank ranks[RANKS];

		if (here[t] == with_sockets[0] || here[t] == with_sockets[1])
			continue;
		prepare_ranks(ranks, here[t], has_none);
		run_ranks(ranks, 0);
		for (uint32_t i = 0; i < RANKS; i++)
			assert_int_equal(ranks[i].rc, 0);
	}
}

static int asks_for_itself(struct rank *r)
{
	const uint32_t peer = r->rdv->rank == 1 ? 1 : next(r);
	int fd, rc = rg_streams_open(r->ep, &peer, 1, &fd, &r->err);

	MUST(r, rc == RG_ERR_INVALID && fd == -1);
	MUST(r, strstr(r->err.text, "rank 1"));
	return 0;
}

static void a_stream_to_nowhere_is_refused_on_all_ranks(void **state)
{
	struct rank ranks[RANKS];

	prepare_ranks(ranks, &rg_transport_tcp, asks_for_itself);
	run_ranks(ranks, 0);
	for (uint32_t i = 0; i < RANKS; i++)
		assert_int_equal(ranks[i].rc, 0);
}

/* Somebody else's connection to this rank's listening socket, with these words; or -1. */
static int intrude(struct rank *r, const struct tcp_hello *words)
{
	const struct tcp *t = (const struct tcp *)r->ep;
	const struct tcp_address *a = &t->addresses[r->rdv->rank];
	int fd = socket(a->sockaddr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && !connect(fd, (const struct sockaddr *)&a->sockaddr, a->sockaddr_bytes) &&
	    send(fd, words, sizeof(*words), MSG_NOSIGNAL) == (ssize_t)sizeof(*words))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static struct tcp_hello proof_of(struct rank *r, uint32_t from, uint32_t stream)
{
	const struct tcp *t = (const struct tcp *)r->ep;
	struct tcp_hello hello;

	tcp_hello_make(&hello, from, r->rdv->rank, stream, r->rdv->job_key,
		       t->addresses[from].nonce, t->addresses[r->rdv->rank].nonce);
	return hello;
}

/*
 * At rank 2, before the second time: a proof that was used; one whose last bit is wrong; one of a
 * number that nobody expects. All are shown out, and the real streams come.
 */
static int shuts_strangers_out(struct rank *r)
{
	uint32_t peers[STREAMS], n, shown_out = 0;
	int fds[STREAMS], strangers[3] = {-1, -1, -1};
	int rc = open_streams(r, peers, &n, fds);

	rg_streams_close(fds, n);
	if (!rc && r->rdv->rank == 2) {
		struct tcp_hello words[3] = {proof_of(r, 0, 1), proof_of(r, 0, EACH + 1),
					     proof_of(r, 0, 2 * EACH + 1)};

		words[1].mac[RG_SHA256_BYTES - 1] ^= 1;
		for (int i = 0; i < 3; i++)
			strangers[i] = intrude(r, &words[i]);
	}
	if (!rc)
		rc = open_streams(r, peers, &n, fds);
	if (!rc)
		rc = talk(r, peers, n, fds);
	for (int i = 0; i < 3; i++) {
		shown_out += strangers[i] >= 0 && take(strangers[i]) == 256;
		if (strangers[i] >= 0)
			close(strangers[i]);
	}
	rg_streams_close(fds, n);
	MUST(r, rc || r->rdv->rank != 2 || shown_out == 3);
	return rc;
}

static void who_cannot_prove_that_he_is_expected_is_shown_out(void **state)
{
	struct rank ranks[RANKS];

	prepare_ranks(ranks, &rg_transport_tcp, shuts_strangers_out);
	run_ranks(ranks, 0);
	for (uint32_t i = 0; i < RANKS; i++) {
		if (ranks[i].rc)
			fail_msg("rank %u: %s", i, ranks[i].err.text);
	}
}

static int opens_and_closes(struct rank *r)
{
	uint32_t peers[STREAMS], n;
	int fds[STREAMS], rc = open_streams(r, peers, &n, fds);

	rg_streams_close(fds, n);
	return rc;
}

static void an_allocation_that_fails_ends_all_ranks_in_time(void **state)
{
	bool failed = true;

	for (unsigned long n = 1; failed; n++) {
		struct rank ranks[RANKS];
		uint64_t begun = rg_clock_ns();
		int before = open_files();

		prepare_ranks(ranks, &rg_transport_tcp, opens_and_closes);
		run_ranks(ranks, n);
		failed = rg_mem_fail_fired();
		rg_mem_fail_nth(0);
		assert_true(rg_clock_ns() - begun < TEN_S);
		assert_int_equal(open_files(), before);
		for (uint32_t i = 0; i < RANKS; i++)
			assert_true(!ranks[i].rc == !ranks[0].rc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_carry_bytes_both_ways_and_leave_no_file_open),
		cmocka_unit_test(transports_without_sockets_have_no_streams),
		cmocka_unit_test(a_stream_to_nowhere_is_refused_on_all_ranks),
		cmocka_unit_test(who_cannot_prove_that_he_is_expected_is_shown_out),
		cmocka_unit_test(an_allocation_that_fails_ends_all_ranks_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
