/* SPDX-License-Identifier: BSD-3-Clause */
/* Joining a rendezvous over TCP: who is let in, who is not and is told why, who did not come. */
#include "config.h"

#include "parts.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/log.h"
#include "railgauge/base/mem.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

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
		cmocka_unit_test(two_jobs_with_one_secret_have_different_keys),
		cmocka_unit_test(a_rank_that_never_connects_is_named_on_all_others),
		cmocka_unit_test(a_peer_without_rank_0_ends_at_its_deadline),
		cmocka_unit_test(another_secret_is_denied_with_the_addresses),
		cmocka_unit_test(different_builds_are_refused_naming_both),
		cmocka_unit_test(different_rank_counts_are_refused_naming_both),
		cmocka_unit_test(one_rank_twice_is_refused),
		cmocka_unit_test(rank_0_listens_on_no_other_address),
		cmocka_unit_test(an_address_that_cannot_be_listened_on_is_explained),
		cmocka_unit_test(open_fails_cleanly_at_every_allocation),
	};

	rg_log_set_level(RG_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
