/* SPDX-License-Identifier: BSD-3-Clause */
/* The rendezvous over TCP among ranks that behave: exchanges, failures, and who is named. */
#include "config.h"

#include "railgauge/launch/star.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/log.h"
#include "railgauge/base/mem.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MAX_RANKS 9
#define SECONDS	  ((uint64_t)1000000000)
#define LONG_NS	  (60 * SECONDS)

static const char secret[] = "0123456789abcdef";

/* One rank of a test's job. */
struct part {
	struct rg_star_config config;
	uint64_t open_ns; /* how long it may take to join */
	int (*body)(struct rg_rendezvous *rdv, struct rg_err *err); /* NULL: only join */
	int open_rc, rc;
	struct rg_err err;
	uint8_t key[32];
	pthread_t thread;
};

static void *run_part(void *arg)
{
	struct part *p = arg;
	struct rg_rendezvous *rdv = NULL;

	p->rc = p->open_rc = rg_star_open(&p->config, rg_clock_ns() + p->open_ns, &rdv, &p->err);
	if (p->rc)
		return NULL;
	memcpy(p->key, rdv->job_key, sizeof(p->key));
	if (p->body)
		p->rc = p->body(rdv, &p->err);
	rg_rendezvous_close(rdv);
	return NULL;
}

/* nranks parts that fit together; *fd_out holds their port. */
static void prepare(struct part *parts, uint32_t nranks,
		    int (*body)(struct rg_rendezvous *, struct rg_err *), int *fd_out)
{
	uint16_t port;

	assert_int_equal(rg_port_hold(&port, fd_out, NULL), 0);
	for (uint32_t r = 0; r < nranks; r++) {
		parts[r] = (struct part){
			.config = {.rank = r,
				   .nranks = nranks,
				   .host = "127.0.0.1",
				   .port = port,
				   .port_held = true,
				   .secret = secret,
				   .secret_bytes = strlen(secret)},
			.open_ns = LONG_NS,
			.body = body,
		};
	}
}

static void run(struct part *parts, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(pthread_create(&parts[i].thread, NULL, run_part, &parts[i]), 0);
	for (uint32_t i = 0; i < n; i++)
		pthread_join(parts[i].thread, NULL);
}

static void assert_all_ok(const struct part *parts, uint32_t n)
{
	for (uint32_t r = 0; r < n; r++) {
		assert_string_equal(parts[r].err.text, "");
		assert_int_equal(parts[r].rc, 0);
	}
}

static void assert_says(const struct part *p, int code, const char *words)
{
	if (p->rc != code || !strstr(p->err.text, words))
		fail_msg("wanted %s with \"%s\", got %s: %s", rg_err_name(code), words,
			 rg_err_name(p->rc), p->err.text);
}

static int exchange(struct rg_rendezvous *rdv, struct rg_err *err)
{
	uint64_t deadline = rg_clock_ns() + LONG_NS;
	static uint8_t all[MAX_RANKS][MAX_RANKS * 300000], mine[MAX_RANKS][300000];
	static const size_t lens[] = {0, 1, 8, 300000};

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		uint8_t *a = all[rdv->rank], *m = mine[rdv->rank];
		int rc;

		memset(m, (int)(rdv->rank + 16 * i), lens[i]);
		rc = rg_rendezvous_allgather(rdv, m, a, lens[i], deadline, err);
		if (rc)
			return rc;
		for (size_t j = 0; j < lens[i] * rdv->nranks; j++) {
			if (a[j] != j / lens[i] + 16 * i)
				return rg_err_set(err, RG_ERR_WRONG_DATA, "byte %zu", j);
		}
	}
	return rg_rendezvous_agree(rdv, 0, deadline, err);
}

static void any_number_of_ranks_meets_and_exchanges(void **state)
{
	struct part parts[MAX_RANKS];

	for (uint32_t n = 1; n <= MAX_RANKS; n += n < 4 ? 1 : 5) {
		int fd;

		prepare(parts, n, exchange, &fd);
		run(parts, n);
		assert_all_ok(parts, n);
		for (uint32_t r = 1; r < n; r++)
			assert_memory_equal(parts[r].key, parts[0].key, 32);
		close(fd);
	}
}

static void two_jobs_with_one_secret_have_different_keys(void **state)
{
	struct part a[2], b[2];
	int fd_a, fd_b;

	prepare(a, 2, NULL, &fd_a);
	prepare(b, 2, NULL, &fd_b);
	run(a, 2);
	run(b, 2);
	assert_all_ok(a, 2);
	assert_all_ok(b, 2);
	assert_memory_not_equal(a[0].key, b[0].key, 32);
	close(fd_a);
	close(fd_b);
}

static void a_rank_that_never_connects_is_named_on_all_others(void **state)
{
	struct part parts[3];
	int fd;

	prepare(parts, 3, NULL, &fd);
	parts[0].open_ns = SECONDS;
	run(parts, 2);
	for (int i = 0; i < 2; i++) {
		const char *missing = strstr(parts[i].err.text, "missing rank ");

		assert_int_equal(parts[i].rc, RG_ERR_TIMEOUT);
		assert_non_null(missing);
		assert_non_null(strchr(missing, '2'));
	}
	close(fd);
}

static void a_peer_without_rank_0_ends_at_its_deadline(void **state)
{
	struct part parts[2];
	int fd;

	prepare(parts, 2, NULL, &fd);
	parts[1].open_ns = SECONDS / 5;
	run(parts + 1, 1);
	assert_says(&parts[1], RG_ERR_TIMEOUT, "rank 1 could not reach rank 0 at 127.0.0.1:");
	close(fd);
}

static void another_secret_is_denied_with_the_addresses(void **state)
{
	struct part parts[2];
	uint64_t open_ns = SECONDS;
	int fd;

	/* Rank 0 gives up at its deadline; on a very slow machine rank 1 may have come too late. */
	do {
		prepare(parts, 2, NULL, &fd);
		parts[0].open_ns = open_ns;
		parts[1].config.secret = "0123456789abcdeF";
		run(parts, 2);
		close(fd);
		open_ns *= 4;
	} while (parts[0].rc == RG_ERR_TIMEOUT && open_ns < 2 * LONG_NS);
	assert_says(&parts[0], RG_ERR_DENIED, "127.0.0.1:");
	assert_says(&parts[0], RG_ERR_DENIED, "rank 1");
	assert_says(&parts[1], RG_ERR_DENIED, "rank 0 at 127.0.0.1:");
	assert_null(strstr(parts[0].err.text, secret));
	assert_null(strstr(parts[1].err.text, secret));
}

static void different_builds_are_refused_naming_both(void **state)
{
	struct part parts[3];
	int fd;

	prepare(parts, 3, NULL, &fd);
	parts[2].config.build = "0.0.9+feed";
	run(parts, 3);
	for (int i = 0; i < 3; i++) {
		assert_says(&parts[i], RG_ERR_MISMATCH, "rank 0 on ");
		assert_says(&parts[i], RG_ERR_MISMATCH, "rank 2 on ");
		assert_says(&parts[i], RG_ERR_MISMATCH, "is build 0.0.9+feed");
		assert_says(&parts[i], RG_ERR_MISMATCH, "is build " PACKAGE_VERSION "+");
	}
	close(fd);
}

static void different_rank_counts_are_refused_naming_both(void **state)
{
	struct part parts[2];
	int fd;

	prepare(parts, 2, NULL, &fd);
	parts[1].config.nranks = 7;
	run(parts, 2);
	for (int i = 0; i < 2; i++) {
		assert_says(&parts[i], RG_ERR_MISMATCH, "started as one of 2 ranks");
		assert_says(&parts[i], RG_ERR_MISMATCH, "as one of 7");
	}
	close(fd);
}

static void one_rank_twice_is_refused(void **state)
{
	struct part parts[3];
	int fd;

	prepare(parts, 3, NULL, &fd);
	parts[2].config.rank = 1;
	run(parts, 3);
	for (int i = 0; i < 3; i++)
		assert_says(&parts[i], RG_ERR_MISMATCH, "two processes say that they are rank 1");
	close(fd);
}

static void rank_0_listens_on_no_other_address(void **state)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	struct part parts[2];
	int hold, s;

	prepare(parts, 2, NULL, &hold);
	assert_int_equal(pthread_create(&parts[0].thread, NULL, run_part, &parts[0]), 0);
	sa.sin_port = htons(parts[0].config.port);
	/* Until it answers at its own address ... */
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (;;) {
		s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connect(s, (struct sockaddr *)&sa, sizeof(sa)) == 0)
			break;
		close(s);
		rg_clock_sleep_until(rg_clock_ns() + SECONDS / 100);
	}
	close(s);
	/* ... which it does, but not at 127.0.0.2, which also is this host. */
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(s, (struct sockaddr *)&sa, sizeof(sa)), -1);
	close(s);
	run(parts + 1, 1);
	pthread_join(parts[0].thread, NULL);
	assert_all_ok(parts, 2);
	close(hold);
}

static void an_address_that_cannot_be_listened_on_is_explained(void **state)
{
	struct part parts[2];
	int fd;

	prepare(parts, 2, NULL, &fd);
	parts[0].config.host = "192.0.2.1"; /* TEST-NET-1 [RFC5737]: nobody has it */
	run(parts, 1);
	assert_says(&parts[0], RG_ERR_SYSTEM, "not an address of this host");
	parts[0].err = (struct rg_err){0};
	parts[0].config.host = "0.0.0.0";
	run(parts, 1);
	assert_says(&parts[0], RG_ERR_INVALID, "does not listen on every address");
	parts[0].err = (struct rg_err){0};
	parts[0].config.host = "no.such.host.invalid";
	run(parts, 1);
	assert_says(&parts[0], RG_ERR_INVALID, "MASTER_ADDR no.such.host.invalid");
	parts[0].err = (struct rg_err){0};
	parts[0].config.host = "127.0.0.1";
	parts[0].config.port_held = false; /* then the held port is taken */
	run(parts, 1);
	assert_says(&parts[0], RG_ERR_SYSTEM, "the port is taken");
	close(fd);
}

/* Ranks that have come back from the operation under test. */
static atomic_uint nreturned;

static void wait_for_the_others(const struct rg_rendezvous *rdv)
{
	while (atomic_load(&nreturned) < rdv->nranks - 1)
		rg_clock_sleep_until(rg_clock_ns() + SECONDS / 100);
}

static int rank_2_is_late(struct rg_rendezvous *rdv, struct rg_err *err)
{
	uint64_t deadline = rg_clock_ns() + LONG_NS;
	int rc = rg_rendezvous_barrier(rdv, deadline, err);

	if (rc)
		return rc;
	if (rdv->rank == 2) {
		wait_for_the_others(rdv);
		return rg_rendezvous_barrier(rdv, deadline, err);
	}
	/* Rank 0's deadline decides; the peers' is not reached. */
	if (rdv->rank == 0)
		deadline = rg_clock_ns() + SECONDS / 5;
	rc = rg_rendezvous_barrier(rdv, deadline, err);
	atomic_fetch_add(&nreturned, 1);
	return rc;
}

static void a_missed_deadline_names_the_late_rank_and_its_host_everywhere(void **state)
{
	struct part parts[3];
	char host[64] = "", words[128];
	int fd;

	gethostname(host, sizeof(host) - 1);
	snprintf(words, sizeof(words), "rank 2 on %s", host);
	atomic_store(&nreturned, 0);
	prepare(parts, 3, rank_2_is_late, &fd);
	run(parts, 3);
	for (int i = 0; i < 3; i++)
		assert_says(&parts[i], RG_ERR_TIMEOUT, words);
	close(fd);
}

static int rank_1_dies(struct rg_rendezvous *rdv, struct rg_err *err)
{
	if (rdv->rank == 1)
		return 0; /* its connection closes, as when a process ends */
	return rg_rendezvous_barrier(rdv, rg_clock_ns() + LONG_NS, err);
}

static void a_dead_peer_is_named_with_its_host_on_all_survivors(void **state)
{
	struct part parts[4];
	char host[64] = "", words[128];
	int fd;

	gethostname(host, sizeof(host) - 1);
	snprintf(words, sizeof(words), "rank 1 on %s", host);
	prepare(parts, 4, rank_1_dies, &fd);
	run(parts, 4);
	for (int i = 0; i < 4; i++) {
		if (i != 1)
			assert_says(&parts[i], RG_ERR_PEER, words);
	}
	close(fd);
}

static int rank_0_dies(struct rg_rendezvous *rdv, struct rg_err *err)
{
	if (rdv->rank == 0)
		return 0;
	return rg_rendezvous_barrier(rdv, rg_clock_ns() + LONG_NS, err);
}

static void a_dead_rank_0_is_named_by_all_others(void **state)
{
	struct part parts[3];
	int fd;

	prepare(parts, 3, rank_0_dies, &fd);
	run(parts, 3);
	for (int i = 1; i < 3; i++)
		assert_says(&parts[i], RG_ERR_PEER, "rank 0 on ");
	close(fd);
}

static int aborter; /* which rank gives up */

static int one_gives_up(struct rg_rendezvous *rdv, struct rg_err *err)
{
	int rc;

	if ((int)rdv->rank == aborter) {
		struct rg_err why = {0};

		rg_err_set(&why, RG_ERR_LIMIT, "no room on /dev/shm");
		rdv->ops->abort(rdv, &why);
		return 0;
	}
	rc = rg_rendezvous_barrier(rdv, rg_clock_ns() + LONG_NS, err);
	if (!rc)
		return 0;
	/* Once failed, always failed, with the same words. */
	err->text[0] = '\0';
	return rg_rendezvous_barrier(rdv, rg_clock_ns() + LONG_NS, err);
}

static void a_rank_that_gives_up_releases_the_others_with_its_text(void **state)
{
	for (aborter = 0; aborter < 3; aborter++) {
		struct part parts[3];
		int fd;

		prepare(parts, 3, one_gives_up, &fd);
		run(parts, 3);
		for (int i = 0; i < 3; i++) {
			if (i != aborter)
				assert_says(&parts[i], RG_ERR_PEER,
					    " gave up: no room on /dev/shm");
		}
		close(fd);
	}
}

static int rank_1_has_another_length(struct rg_rendezvous *rdv, struct rg_err *err)
{
	char mine[100000] = {0}, all[3 * 100000];

	return rg_rendezvous_allgather(rdv, mine, all, rdv->rank == 1 ? sizeof(mine) : 4,
				       rg_clock_ns() + LONG_NS, err);
}

static void different_lengths_are_a_mismatch_that_names_both(void **state)
{
	struct part parts[3];
	int fd;

	prepare(parts, 3, rank_1_has_another_length, &fd);
	run(parts, 3);
	for (int i = 0; i < 3; i++) {
		assert_says(&parts[i], RG_ERR_MISMATCH, "rank 0 exchanges 4 bytes, rank 1 on ");
		assert_says(&parts[i], RG_ERR_MISMATCH, " 100000 bytes");
	}
	close(fd);
}

static void open_fails_cleanly_at_every_allocation(void **state)
{
	for (uint32_t rank = 0; rank < 2; rank++) {
		unsigned long n = 0;
		struct part p[2];
		int fd;

		prepare(p, 2, NULL, &fd);
		p[rank].open_ns = 0; /* nobody comes: without a failure it is a timeout */
		do {
			p[rank].err = (struct rg_err){0};
			rg_mem_fail_nth(++n);
			run_part(&p[rank]);
			assert_int_equal(p[rank].rc,
					 rg_mem_fail_fired() ? RG_ERR_NO_MEMORY : RG_ERR_TIMEOUT);
			assert_string_not_equal(p[rank].err.text, "");
		} while (rg_mem_fail_fired());
		rg_mem_fail_nth(0);
		assert_true(n > 4);
		close(fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_number_of_ranks_meets_and_exchanges),
		cmocka_unit_test(two_jobs_with_one_secret_have_different_keys),
		cmocka_unit_test(a_rank_that_never_connects_is_named_on_all_others),
		cmocka_unit_test(a_peer_without_rank_0_ends_at_its_deadline),
		cmocka_unit_test(another_secret_is_denied_with_the_addresses),
		cmocka_unit_test(different_builds_are_refused_naming_both),
		cmocka_unit_test(different_rank_counts_are_refused_naming_both),
		cmocka_unit_test(one_rank_twice_is_refused),
		cmocka_unit_test(rank_0_listens_on_no_other_address),
		cmocka_unit_test(an_address_that_cannot_be_listened_on_is_explained),
		cmocka_unit_test(a_missed_deadline_names_the_late_rank_and_its_host_everywhere),
		cmocka_unit_test(a_dead_peer_is_named_with_its_host_on_all_survivors),
		cmocka_unit_test(a_dead_rank_0_is_named_by_all_others),
		cmocka_unit_test(a_rank_that_gives_up_releases_the_others_with_its_text),
		cmocka_unit_test(different_lengths_are_a_mismatch_that_names_both),
		cmocka_unit_test(open_fails_cleanly_at_every_allocation),
	};

	rg_log_set_level(RG_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
