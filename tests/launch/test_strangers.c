/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What comes to rank 0's port without being a rank of the job. The messages are written byte by
 * byte, as a check of the layout and byte order on the wire.
 */
#include "config.h"

#include "wire_bytes.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/log.h"
#include "railgauge/base/sha256.h"
#include "railgauge/launch/build.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void start(struct rank *r)
{
	assert_int_equal(pthread_create(&r->thread, NULL, join_job, r), 0);
}

static void finish_well(struct rank *r)
{
	pthread_join(r->thread, NULL);
	assert_string_equal(r->err.text, "");
	assert_int_equal(r->rc, 0);
}

/* Connects to a port of this host, waiting until somebody listens there. */
static int knock(uint16_t port)
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	for (;;) {
		int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		assert_true(s >= 0);
		if (connect(s, (struct sockaddr *)&sa, sizeof(sa)) == 0)
			return s;
		close(s);
		rg_clock_sleep_until(rg_clock_ns() + SECONDS / 100);
	}
}

/* A HELLO as rank 1 of 2 would send it. */
static void put_hello(uint8_t m[HEAD_BYTES + HELLO_BYTES])
{
	memset(m, 0, HEAD_BYTES + HELLO_BYTES);
	put_head(m, 1, HELLO_BYTES);
	put_be(m + 16, 1, 4);
	put_be(m + 20, 2, 4);
	memset(m + 24, 0x5a, 32);
	snprintf((char *)m + 56, 64, "%s", rg_build_id());
	snprintf((char *)m + 120, 64, "somewhere");
}

static void proof_by_hand_is_accepted_and_answered(void **state)
{
	uint8_t m[HEAD_BYTES + HELLO_BYTES], challenge[HEAD_BYTES + 32], proof[HEAD_BYTES + 32];
	uint8_t welcome[HEAD_BYTES + 192], mac[32];
	struct rg_hmac h;
	struct rank r0;
	uint16_t port;
	int hold, s;

	assert_int_equal(rg_port_hold(&port, &hold, NULL), 0);
	r0 = make_rank(0, port);
	start(&r0);
	s = knock(port);
	put_hello(m);
	assert_int_equal(send(s, m, sizeof(m), 0), sizeof(m));
	assert_int_equal(recv(s, challenge, sizeof(challenge), MSG_WAITALL), sizeof(challenge));
	put_head(proof, 2, 32);
	assert_memory_equal(challenge, proof, HEAD_BYTES);

	put_head(proof, 3, 32);
	rg_hmac_init(&h, secret, sizeof(secret) - 1);
	rg_hmac_add(&h, "railgauge peer\0", 16);
	rg_hmac_add(&h, m + HEAD_BYTES, HELLO_BYTES);
	rg_hmac_add(&h, challenge + HEAD_BYTES, 32);
	rg_hmac_end(&h, proof + HEAD_BYTES);
	assert_int_equal(send(s, proof, sizeof(proof), 0), sizeof(proof));
	assert_int_equal(recv(s, welcome, sizeof(welcome), MSG_WAITALL), sizeof(welcome));
	rg_hmac_init(&h, secret, sizeof(secret) - 1);
	rg_hmac_add(&h, "railgauge rank0", 16);
	rg_hmac_add(&h, m + HEAD_BYTES, HELLO_BYTES);
	rg_hmac_add(&h, challenge + HEAD_BYTES, 32);
	rg_hmac_add(&h, welcome + HEAD_BYTES, 160);
	rg_hmac_end(&h, mac);
	assert_memory_equal(mac, welcome + HEAD_BYTES + 160, 32);
	close(s);
	pthread_join(r0.thread, NULL);
	assert_int_equal(r0.rc, RG_ERR_PEER);
	assert_non_null(strstr(r0.err.text, "rank 1 on somewhere"));
	close(hold);
}

struct nonsense {
	const char *what;
	void (*make)(uint8_t *m, size_t *len);
	bool is_dropped; /* rank 0 must close the connection by itself, at once */
};

static void make_nothing(uint8_t *m, size_t *len)
{
	*len = 0;
}
static void make_http(uint8_t *m, size_t *len)
{
	*len = (size_t)snprintf((char *)m, 64, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
}
static void make_half_a_head(uint8_t *m, size_t *len)
{
	put_hello(m);
	*len = 7;
}
static void make_half_a_hello(uint8_t *m, size_t *len)
{
	put_hello(m);
	*len = 100;
}
static void make_only_a_hello(uint8_t *m, size_t *len)
{
	put_hello(m);
	*len = HEAD_BYTES + HELLO_BYTES;
}
static void make_other_version(uint8_t *m, size_t *len)
{
	make_only_a_hello(m, len);
	put_be(m + 4, 2, 2);
}
static void make_proof_first(uint8_t *m, size_t *len)
{
	memset(m, 0, HEAD_BYTES + 32);
	put_head(m, 3, 32);
	*len = HEAD_BYTES + 32;
}
static void make_result_first(uint8_t *m, size_t *len)
{
	put_head(m, 7, 4096);
	*len = HEAD_BYTES;
}
static void make_huge_hello(uint8_t *m, size_t *len)
{
	put_hello(m);
	put_be(m + 8, UINT32_MAX, 4);
	*len = HEAD_BYTES;
}
static void make_short_hello(uint8_t *m, size_t *len)
{
	put_hello(m);
	put_be(m + 8, HELLO_BYTES - 1, 4);
	*len = HEAD_BYTES + HELLO_BYTES - 1;
}
static void make_endless_build(uint8_t *m, size_t *len)
{
	make_only_a_hello(m, len);
	memset(m + 56, 'x', 64);
}
static void make_control_characters_in_host(uint8_t *m, size_t *len)
{
	make_only_a_hello(m, len);
	memcpy(m + 120, "\033[2Jowned", 9);
}
static void make_wrong_proof(uint8_t *m, size_t *len)
{
	make_only_a_hello(m, len);
	memset(m + *len, 0, HEAD_BYTES + 32);
	put_head(m + *len, 3, 32);
	*len += HEAD_BYTES + 32;
}
static void make_long_proof(uint8_t *m, size_t *len)
{
	make_only_a_hello(m, len);
	put_head(m + *len, 3, 4096);
	*len += HEAD_BYTES;
}
static void make_rank_out_of_range(uint8_t *m, size_t *len)
{
	make_wrong_proof(m, len);
	put_be(m + 16, UINT32_MAX, 4);
}

static const struct nonsense table[] = {
	{"nothing", make_nothing, false},
	{"http", make_http, true},
	{"half a head", make_half_a_head, false},
	{"half a hello", make_half_a_hello, false},
	{"no proof", make_only_a_hello, false},
	{"other version", make_other_version, true},
	{"proof first", make_proof_first, true},
	{"result first", make_result_first, true},
	{"huge hello", make_huge_hello, true},
	{"short hello", make_short_hello, true},
	{"endless build", make_endless_build, true},
	{"control characters", make_control_characters_in_host, true},
	{"wrong proof", make_wrong_proof, true},
	{"long proof", make_long_proof, true},
	{"rank out of range", make_rank_out_of_range, true},
};

#define NTABLE (sizeof(table) / sizeof(table[0]))

/* All of the table stay connected, silent, while the real rank joins. */
static void malformed_connections_are_dropped_and_the_job_goes_on(void **state)
{
	struct rank r0, r1;
	int s[NTABLE], hold;
	uint16_t port;

	assert_int_equal(rg_port_hold(&port, &hold, NULL), 0);
	r0 = make_rank(0, port);
	r0.config.peer_limit_ns = LONG_NS; /* the silent ones stay all the time */
	r1 = make_rank(1, port);
	start(&r0);
	for (size_t i = 0; i < NTABLE; i++) {
		uint8_t m[4096];
		size_t len = 0;

		table[i].make(m, &len);
		s[i] = knock(port);
		assert_int_equal(send(s[i], m, len, MSG_NOSIGNAL), len);
		if (table[i].is_dropped)
			wait_for_close(s[i]);
	}
	start(&r1);
	finish_well(&r1);
	finish_well(&r0);
	for (size_t i = 0; i < NTABLE; i++)
		close(s[i]);
	close(hold);
}

/* xorshift32: the same bytes on every run. */
static uint32_t next_random(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

static void mutated_greetings_do_no_harm(void **state)
{
	uint32_t x = 2463534242u;
	struct rank r0, r1;
	uint16_t port;
	int hold;

	assert_int_equal(rg_port_hold(&port, &hold, NULL), 0);
	r0 = make_rank(0, port);
	r1 = make_rank(1, port);
	start(&r0);
	for (int i = 0; i < 300; i++) {
		uint8_t m[4096];
		size_t len;
		int s;

		make_wrong_proof(m, &len);
		for (uint32_t j = next_random(&x) % 6; j > 0; j--)
			m[next_random(&x) % len] = (uint8_t)next_random(&x);
		len -= next_random(&x) % 4 ? 0 : next_random(&x) % len;
		s = knock(port);
		(void)send(s, m, len, MSG_NOSIGNAL); /* rank 0 may have closed already */
		close(s);
	}
	start(&r1);
	finish_well(&r1);
	finish_well(&r0);
	close(hold);
}

static void a_silent_connection_is_closed_after_its_time(void **state)
{
	struct pollfd p = {.events = POLLIN};
	struct rank r0, r1;
	uint16_t port;
	int hold;

	assert_int_equal(rg_port_hold(&port, &hold, NULL), 0);
	r0 = make_rank(0, port);
	r0.config.peer_limit_ns = SECONDS / 20;
	r1 = make_rank(1, port);
	start(&r0);
	p.fd = knock(port);
	assert_int_equal(poll(&p, 1, 30000), 1);
	wait_for_close(p.fd);
	close(p.fd);
	start(&r1);
	finish_well(&r1);
	finish_well(&r0);
	close(hold);
}

static void more_silent_connections_than_places_delay_but_do_not_stop_the_job(void **state)
{
	int s[150], hold;
	struct rank r0, r1;
	uint16_t port;

	assert_int_equal(rg_port_hold(&port, &hold, NULL), 0);
	r0 = make_rank(0, port);
	r0.config.peer_limit_ns = SECONDS / 20;
	r1 = make_rank(1, port);
	start(&r0);
	for (size_t i = 0; i < sizeof(s) / sizeof(s[0]); i++)
		s[i] = knock(port);
	start(&r1);
	finish_well(&r1);
	finish_well(&r0);
	for (size_t i = 0; i < sizeof(s) / sizeof(s[0]); i++)
		close(s[i]);
	close(hold);
}

/* Strangers who hold on, having said nothing or a HELLO: the time limit alone would lock a peer
 * out. */
static void strangers_give_way(bool greet)
{
	uint8_t hello[HEAD_BYTES + HELLO_BYTES];
	int s[150], hold;
	struct rank r0, r1;
	uint64_t begin_ns;
	uint16_t port;

	put_hello(hello);
	assert_int_equal(rg_port_hold(&port, &hold, NULL), 0);
	r0 = make_rank(0, port);
	r0.config.peer_limit_ns = LONG_NS;
	r1 = make_rank(1, port);
	start(&r0);
	for (size_t i = 0; i < sizeof(s) / sizeof(s[0]); i++) {
		s[i] = knock(port);
		if (greet)
			(void)send(s[i], hello, sizeof(hello), MSG_NOSIGNAL);
	}
	begin_ns = rg_clock_ns();
	start(&r1);
	finish_well(&r1);
	finish_well(&r0);
	assert_true(rg_clock_ns() - begin_ns < LONG_NS / 2);
	for (size_t i = 0; i < sizeof(s) / sizeof(s[0]); i++)
		close(s[i]);
	close(hold);
}

static void silent_connections_give_way_to_a_peer(void **state)
{
	strangers_give_way(false);
}

static void connections_without_a_proof_give_way_to_a_peer(void **state)
{
	strangers_give_way(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proof_by_hand_is_accepted_and_answered),
		cmocka_unit_test(malformed_connections_are_dropped_and_the_job_goes_on),
		cmocka_unit_test(mutated_greetings_do_no_harm),
		cmocka_unit_test(a_silent_connection_is_closed_after_its_time),
		cmocka_unit_test(more_silent_connections_than_places_delay_but_do_not_stop_the_job),
		cmocka_unit_test(silent_connections_give_way_to_a_peer),
		cmocka_unit_test(connections_without_a_proof_give_way_to_a_peer),
	};

	rg_log_set_level(RG_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
