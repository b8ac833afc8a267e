/* SPDX-License-Identifier: BSD-3-Clause */
/* What transport tcp does where sockets and their limits are in the way. */
#include "config.h"

#include "ranks.h"

#include "railgauge/base/clock.h"
#include "transport/tcp_impl.h"

#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void run_tcp(int (*body)(struct rank *r))
{
	struct rank ranks[RANKS];

	prepare_ranks(ranks, &rg_transport_tcp, body);
	run_ranks(ranks, 0);
	for (uint32_t i = 0; i < RANKS; i++) {
		if (ranks[i].rc)
			fail_msg("rank %u: %s", i, ranks[i].err.text);
	}
}

/* As many open files as there are. */
static int forbid_more_files(struct rlimit *before)
{
	int lowest = dup(0);
	struct rlimit limit;

	if (lowest < 0 || getrlimit(RLIMIT_NOFILE, before))
		return RG_ERR_SYSTEM;
	close(lowest);
	limit = (struct rlimit){(rlim_t)lowest, before->rlim_max};
	return setrlimit(RLIMIT_NOFILE, &limit) ? RG_ERR_SYSTEM : 0;
}

/* Calls progress until it fails, or for long enough that it would have. */
static int progress_until_it_fails(struct rank *r)
{
	int rc = 0;

	for (uint32_t k = 0; k < 10000 && rc >= 0; k++)
		rc = r->ops->progress(r->ep, &r->err);
	return rc < 0 ? rc : 0;
}

/* Rank 0 knocks at rank 1, where there is no file left for it; all are threads of one process. */
static int lets_in_without_files(struct rank *r)
{
	struct rlimit before;
	int rc = meet(r);

	if (!rc && r->ep->rank == 1) {
		MUST(r, !forbid_more_files(&before));
		rc = progress_until_it_fails(r);
		setrlimit(RLIMIT_NOFILE, &before);
		MUST(r, rc == 0); /* nobody has knocked */
	}
	rc = meet(r);
	if (!rc && r->ep->rank == 0)
		rc = r->ops->connect(r->ep, 1, 0, &r->err);
	if (!rc)
		rc = meet(r);
	if (!rc && r->ep->rank == 1) {
		MUST(r, !forbid_more_files(&before));
		rc = progress_until_it_fails(r);
		setrlimit(RLIMIT_NOFILE, &before);
		MUST(r, rc == RG_ERR_SYSTEM);
		MUST(r,
		     strstr(r->err.text, "3 ranks take up to 38 open files each, and bench, which "
					 "meets over links of its own, up to 76: Too many"));
		MUST(r, strstr(r->err.text, "(the limit, ulimit -n, is "));
		rc = 0;
	}
	/* The limit is the process's: the others open nothing until it is lifted. */
	if (!rc)
		rc = meet(r);
	if (!rc)
		rc = connect_all(r);
	if (!rc)
		rc = signal_all(r, next(r), 0, RG_CTR_DONE, 1);
	if (!rc)
		rc = wait_counter(r, previous(r), RG_CTR_DONE, 1);
	part(r);
	return rc;
}

static void a_peer_that_no_file_is_left_for_is_told_with_the_limit(void **state)
{
	run_tcp(lets_in_without_files);
}

/* Rank 0 sends on channel 1 and then on channel 0, of which rank 1 has connected only the latter.
 */
static int sends_on_a_channel_not_connected_yet(struct rank *r)
{
	const uint8_t data[4096] = {5};
	const struct rg_put early = {
		.peer = 1,
		.channel = 1,
		.offset = 4096,
		.src = data,
		.len_bytes = sizeof(data),
		.notify = true,
		.ctr = RG_CTR_READY,
		.value = 7,
	};
	int rc = 0;

	if (r->ep->rank == 0) {
		rc = connect_all(r);
		if (!rc)
			rc = put_all(r, &early);
		if (!rc)
			rc = signal_all(r, 1, 0, RG_CTR_READY, 1);
	} else if (r->ep->rank == 1) {
		rc = r->ops->connect(r->ep, 0, 0, &r->err);
		if (!rc)
			rc = wait_on(r, 0, 0, RG_CTR_READY, 1);
		if (!rc)
			rc = r->ops->connect(r->ep, 0, 1, &r->err);
		MUST(r, rc || counter(r, 0, 1, RG_CTR_READY) == 7);
		MUST(r, rc || !memcmp(rg_endpoint_link(r->ep, 1, 0)->rx_slots + 4096, data,
				      sizeof(data)));
	}
	part(r);
	return rc;
}

static void what_comes_for_a_channel_not_connected_yet_holds_up_nothing_and_is_kept(void **state)
{
	run_tcp(sends_on_a_channel_not_connected_yet);
}

/* Rank 0 has one peer more than are asked one by one, loses one, and gets another one. */
#define MANY   (TCP_ASKED_PEERS + 3)
#define LEAVES (TCP_ASKED_PEERS + 1)
#define COMES  (TCP_ASKED_PEERS + 2)

struct member {
	struct rg_rendezvous *rdv;
	struct rg_endpoint *ep;
	bool watched;
	int rc;
};

static int lose_one_and_get_one(struct member *m)
{
	struct tcp *t = (struct tcp *)m->ep;
	uint64_t until = rg_clock_ns() + TEN_S;
	int rc;

	while (t->nopen > TCP_ASKED_PEERS && rg_clock_ns() < until)
		m->ep->ops->progress(m->ep, NULL);
	if (t->nopen != TCP_ASKED_PEERS)
		return RG_ERR_TIMEOUT;
	rc = m->ep->ops->connect(m->ep, COMES, 0, NULL);
	m->watched = t->nopen == TCP_ASKED_PEERS + 1 && !t->unwatched;
	return rc;
}

static void *member_main(void *arg)
{
	struct member *m = arg;
	int rc = rg_transport_tcp.open(m->rdv, &small_config, &m->ep, NULL);

	for (uint32_t r = 1; !rc && m->rdv->rank == 0 && r <= LEAVES; r++)
		rc = m->ep->ops->connect(m->ep, r, 0, NULL);
	rc = rg_rendezvous_agree(m->rdv, rc, rg_clock_ns() + TEN_S, NULL);
	if (m->rdv->rank == LEAVES) {
		rg_transport_tcp.close(m->ep);
		m->ep = NULL;
	}
	if (!rc && m->rdv->rank == 0)
		rc = lose_one_and_get_one(m);
	m->rc = rg_rendezvous_agree(m->rdv, rc, rg_clock_ns() + 2 * TEN_S, NULL);
	rg_transport_tcp.close(m->ep);
	rg_rendezvous_close(m->rdv);
	return NULL;
}

static void connections_are_watched_also_where_others_have_left_before(void **state)
{
	struct rg_rendezvous *rdv[MANY];
	struct member members[MANY];
	pthread_t threads[MANY];

	(void)state;
	assert_int_equal(rg_rendezvous_threads_open(MANY, rdv, NULL), 0);
	for (int i = 0; i < MANY; i++) {
		members[i] = (struct member){.rdv = rdv[i]};
		assert_int_equal(pthread_create(&threads[i], NULL, member_main, &members[i]), 0);
	}
	for (int i = 0; i < MANY; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(members[0].rc, 0);
	assert_true(members[0].watched);
}

static bool bring_up_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int rc = fd < 0 ? -1 : ioctl(fd, SIOCSIFFLAGS, &request);

	close(fd);
	return rc == 0;
}

/* In a network of its own: without an interface, with loopback, and with a file too few. */
static int probe_in_a_new_network(void)
{
	struct rg_err err = {0};
	struct rlimit limit;

	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return 77;
	if (rg_transport_tcp.probe(NULL, &err) != RG_ERR_NOT_FOUND || !strstr(err.text, "is up"))
		return 1;
	if (!bring_up_loopback() || rg_transport_tcp.probe(NULL, NULL))
		return 2;
	if (forbid_more_files(&limit) || getrlimit(RLIMIT_NOFILE, &limit))
		return 3;
	limit.rlim_cur++; /* for the listener, but for no connection */
	if (setrlimit(RLIMIT_NOFILE, &limit))
		return 4;
	if (rg_transport_tcp.probe(NULL, &err) != RG_ERR_SYSTEM || !strstr(err.text, "ulimit -n"))
		return 5;
	return 0;
}

static void a_probe_is_a_connection_over_loopback(void **state)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		_exit(probe_in_a_new_network());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* In words such as "reno cubic" one that is not the first in use; false: there is no other. */
static bool another_control(char name[16])
{
	char now[16] = "", all[256] = "", *rest = all, *word;
	FILE *in = fopen("/proc/sys/net/ipv4/tcp_congestion_control", "r");

	if (in) {
		(void)!fscanf(in, "%15s", now);
		fclose(in);
	}
	in = fopen("/proc/sys/net/ipv4/tcp_allowed_congestion_control", "r");
	if (in) {
		(void)!fgets(all, sizeof(all), in);
		fclose(in);
	}
	while ((word = strtok_r(rest, " \n", &rest))) {
		if (strcmp(word, now) != 0 && strlen(word) < 16) {
			snprintf(name, 16, "%s", word);
			return true;
		}
	}
	return false;
}

/* All sockets of this process that are connected, of all ranks. */
static int looks_at_connections(struct rank *r)
{
	uint32_t seen = 0;
	int rc = connect_all(r);

	if (!rc)
		rc = settle(r);
	for (int fd = 0; fd < 256 && !rc; fd++) {
		struct sockaddr_storage peer;
		socklen_t len = sizeof(peer);
		char name[16] = "";

		if (getpeername(fd, (struct sockaddr *)&peer, &len) || peer.ss_family == AF_UNIX)
			continue;
		len = sizeof(name);
		MUST(r, !getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
		MUST(r, !strcmp(name, r->names));
		seen++;
	}
	MUST(r, rc || seen >= RANKS * (RANKS - 1));
	return rc ? rc : meet(r);
}

static void every_connection_has_the_congestion_control_that_was_asked_for(void **state)
{
	struct rank ranks[RANKS];

	prepare_ranks(ranks, &rg_transport_tcp, looks_at_connections);
	for (uint32_t i = 0; i < RANKS; i++) {
		if (!another_control(ranks[i].names))
			skip();
		ranks[i].config.congestion = ranks[i].names;
	}
	run_ranks(ranks, 0);
	for (uint32_t i = 0; i < RANKS; i++) {
		if (ranks[i].rc)
			fail_msg("rank %u: %s", i, ranks[i].err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_that_no_file_is_left_for_is_told_with_the_limit),
		cmocka_unit_test(
			what_comes_for_a_channel_not_connected_yet_holds_up_nothing_and_is_kept),
		cmocka_unit_test(connections_are_watched_also_where_others_have_left_before),
		cmocka_unit_test(a_probe_is_a_connection_over_loopback),
		cmocka_unit_test(every_connection_has_the_congestion_control_that_was_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
