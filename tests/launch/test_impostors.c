/* SPDX-License-Identifier: BSD-3-Clause */
/* What answers at rank 0's port without being rank 0. */
#include "config.h"

#include "wire_bytes.h"

#include "railgauge/base/log.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* A server that is not rank 0: waits for a HELLO, then says m[len]. */
struct impostor {
	int listener;
	uint8_t m[1024];
	size_t len;
	bool echo;
	pthread_t thread;
};

static void *impersonate(void *arg)
{
	struct impostor *im = arg;
	uint8_t hello[HEAD_BYTES + HELLO_BYTES];
	int s = accept(im->listener, NULL, NULL);

	if (recv(s, hello, sizeof(hello), MSG_WAITALL) == (ssize_t)sizeof(hello)) {
		if (im->echo)
			(void)send(s, hello, sizeof(hello), MSG_NOSIGNAL);
		else
			(void)send(s, im->m, im->len, MSG_NOSIGNAL);
		wait_for_close(s);
	}
	close(s);
	return NULL;
}

static void join_an_impostor(struct impostor *im, int code, const char *words)
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(sa);
	struct rank r1;

	im->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(im->listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(im->listener, 5), 0);
	assert_int_equal(getsockname(im->listener, (struct sockaddr *)&sa, &len), 0);
	assert_int_equal(pthread_create(&im->thread, NULL, impersonate, im), 0);
	r1 = make_rank(1, ntohs(sa.sin_port));
	join_job(&r1);
	pthread_join(im->thread, NULL);
	close(im->listener);
	if (r1.rc != code || !strstr(r1.err.text, words))
		fail_msg("wanted %s with \"%s\", got %s: %s", rg_err_name(code), words,
			 rg_err_name(r1.rc), r1.err.text);
}

static void a_rank_0_without_the_secret_is_denied(void **state)
{
	struct impostor im = {.len = HEAD_BYTES + 32 + HEAD_BYTES + 192};

	put_head(im.m, 2, 32);
	put_head(im.m + HEAD_BYTES + 32, 4, 192);
	join_an_impostor(&im, RG_ERR_DENIED, "does not know the job's secret");
}

static void a_peers_own_words_are_no_proof(void **state)
{
	struct impostor im = {.echo = true};

	join_an_impostor(&im, RG_ERR_FORMAT, "sent no challenge");
}

static void another_program_on_the_port_is_recognised(void **state)
{
	struct impostor im = {0};

	im.len = (size_t)snprintf((char *)im.m, sizeof(im.m), "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n");
	join_an_impostor(&im, RG_ERR_FORMAT, "is not railgauge");
}

static void a_refusal_cannot_write_to_the_terminal(void **state)
{
	struct impostor im = {.len = HEAD_BYTES + 512};

	put_head(im.m, 5, 512);
	put_be(im.m + 12, 10, 4);
	memset(im.m + HEAD_BYTES, 0x1b, 512); /* not even terminated */
	join_an_impostor(&im, RG_ERR_DENIED, "????");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rank_0_without_the_secret_is_denied),
		cmocka_unit_test(a_peers_own_words_are_no_proof),
		cmocka_unit_test(another_program_on_the_port_is_recognised),
		cmocka_unit_test(a_refusal_cannot_write_to_the_terminal),
	};

	rg_log_set_level(RG_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
