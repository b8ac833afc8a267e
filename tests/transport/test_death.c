/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Peers that die: ranks as processes on the shared-memory transport, of which one ends without a
 * word. Each rank reports by its exit status, and says why on standard error.
 */
#include "config.h"

#include "ranks.h"

#include "railgauge/base/clock.h"
#include "railgauge/launch/star.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define VICTIM 1u

static const struct rg_transport_ops *ops = &rg_transport_shm;

static const char secret[] = "0123456789abcdef";

/* A process: joins, opens, runs the body. The victim's body does not return. */
static int rank_process(uint32_t rank, uint16_t port, int (*body)(struct rank *r))
{
	const struct rg_star_config star = {
		.rank = rank,
		.nranks = RANKS,
		.host = "127.0.0.1",
		.port = port,
		.port_held = true,
		.secret = secret,
		.secret_bytes = strlen(secret),
	};
	struct rank r = {.ops = ops, .config = small_config};

	r.rc = rg_star_open(&star, rg_clock_ns() + TEN_S, &r.rdv, &r.err);
	if (!r.rc)
		r.rc = r.ops->open(r.rdv, &r.config, &r.ep, &r.err);
	if (!r.rc)
		r.rc = body(&r);
	r.ops->close(r.ep);
	rg_rendezvous_close(r.rdv);
	if (r.rc)
		fprintf(stderr, "rank %u: %s\n", rank, r.err.text);
	return r.rc ? 1 : 0;
}

/* The victim ends by SIGKILL, all others well. */
static void run_processes(int (*body)(struct rank *r))
{
	pid_t pids[RANKS];
	uint16_t port;
	int held;

	assert_int_equal(rg_port_hold(&port, &held, NULL), 0);
	for (uint32_t i = 0; i < RANKS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			_exit(rank_process(i, port, body));
	}
	for (uint32_t i = 0; i < RANKS; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		if (i == VICTIM)
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		else
			assert_int_equal(status, 0);
	}
	close(held);
}

/* All ranks are here, and then the victim is not. */
static int let_it_die(struct rank *r)
{
	int rc = meet(r);

	if (!rc && r->ep->rank == VICTIM)
		raise(SIGKILL);
	return rc;
}

/* Waits until the death shows, well before any deadline. */
static int wait_for_death(struct rank *r)
{
	uint64_t end = rg_clock_ns() + TEN_S / 2;

	for (uint32_t idle = 0; !r->ops->peer_alive(r->ep, VICTIM, &r->err);) {
		if (turn(r, &idle))
			return r->err.code;
		MUST(r, rg_clock_ns() < end);
	}
	return 0;
}

static int is_named(struct rank *r)
{
	int rc = connect_all(r);

	if (!rc)
		rc = let_it_die(r);
	if (!rc)
		rc = wait_for_death(r);
	if (rc)
		return rc;
	MUST(r, r->ops->peer_alive(r->ep, VICTIM, &r->err) == RG_ERR_PEER);
	MUST(r, strstr(r->err.text, "rank 1"));
	MUST(r, ops != &rg_transport_shm || strstr(r->err.text, "process"));
	MUST(r, strstr(r->err.text, r->ep->host[VICTIM]));
	MUST(r, !r->ops->peer_alive(r->ep, r->ep->rank, &r->err));
	return 0;
}

static void a_peer_that_died_is_named_before_the_deadline(void **state)
{
	run_processes(is_named);
	ops = &rg_transport_tcp;
	run_processes(is_named);
	ops = &rg_transport_shm;
}

#define PAGE 4096u

/* Two pages, of which the second is gone; then the peer is. */
static int is_not_read(struct rank *r)
{
	char *mine =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static char seen[2 * PAGE];
	uint64_t here = (uintptr_t)mine, at[RANKS];
	int rc;

	MUST(r, mine != MAP_FAILED);
	memset(mine, 'a' + (int)r->ep->rank, PAGE);
	munmap(mine + PAGE, PAGE);
	rc = rg_rendezvous_allgather(r->rdv, &here, at, sizeof(here), rg_clock_ns() + TEN_S,
				     &r->err);
	if (rc || !(r->ep->caps & RG_CAP_READ))
		return rc ? rc : let_it_die(r);
	MUST(r, !r->ops->read(r->ep, VICTIM, seen, at[VICTIM], PAGE, &r->err));
	MUST(r, seen[PAGE - 1] == 'a' + (int)VICTIM);
	MUST(r, r->ops->read(r->ep, VICTIM, seen, at[VICTIM], 2 * PAGE, &r->err) == RG_ERR_SYSTEM);
	MUST(r, strstr(r->err.text, "reading 4096 bytes of rank 1"));
	rc = r->ops->connect(r->ep, VICTIM, 0, &r->err);
	if (!rc)
		rc = let_it_die(r);
	if (!rc)
		rc = wait_for_death(r);
	if (rc)
		return rc;
	MUST(r, r->ops->read(r->ep, VICTIM, seen, at[VICTIM], PAGE, &r->err) == RG_ERR_PEER);
	MUST(r, strstr(r->err.text, "rank 1") && strstr(r->err.text, "is gone"));
	return 0;
}

static void memory_that_is_gone_is_not_read_nor_that_of_a_peer_that_died(void **state)
{
	run_processes(is_not_read);
}

static int is_still_written_to(struct rank *r)
{
	const uint8_t data[64] = {0};
	const struct rg_put put = {.peer = VICTIM, .src = data, .len_bytes = sizeof(data)};
	int rc = connect_all(r);

	if (!rc)
		rc = let_it_die(r);
	if (!rc)
		rc = wait_for_death(r);
	for (uint64_t v = 1; v < 100 && !rc; v++) {
		rc = put_all(r, &put);
		if (!rc)
			rc = signal_all(r, VICTIM, 0, RG_CTR_READY, v);
	}
	return rc;
}

static void what_is_put_and_signalled_to_the_dead_is_harmless(void **state)
{
	run_processes(is_still_written_to);
	ops = &rg_transport_tcp;
	run_processes(is_still_written_to);
	ops = &rg_transport_shm;
}

/* The rendezvous tells of the death here: nobody has mapped anything of the victim's. */
static int cannot_be_reached_any_more(struct rank *r)
{
	struct rg_window *window = NULL;
	struct rg_buffer buffer = {0};
	int rc = rg_buffer_open(RG_MEMORY_SHARED, 10000, 0, -1, &buffer, &r->err);

	if (!rc)
		rc = r->ops->window_open(r->ep, &buffer, &window, &r->err);
	if (!rc)
		rc = let_it_die(r);
	if (rc)
		return rc;
	MUST(r, rg_rendezvous_barrier(r->rdv, rg_clock_ns() + TEN_S / 2, NULL) == RG_ERR_PEER);
	MUST(r, r->ops->connect(r->ep, VICTIM, 0, &r->err) == RG_ERR_PEER);
	MUST(r, strstr(r->err.text, "rank 1"));
	MUST(r, !rg_endpoint_link(r->ep, 0, VICTIM));
	MUST(r, r->ops->window_map(window, VICTIM, &r->err) == RG_ERR_PEER);
	MUST(r, !window->remote[VICTIM]);
	r->ops->window_close(window);
	rg_buffer_close(&buffer);
	return 0;
}

static void a_rank_that_died_cannot_be_connected_or_mapped(void **state)
{
	run_processes(cannot_be_reached_any_more);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_that_died_is_named_before_the_deadline),
		cmocka_unit_test(memory_that_is_gone_is_not_read_nor_that_of_a_peer_that_died),
		cmocka_unit_test(what_is_put_and_signalled_to_the_dead_is_harmless),
		cmocka_unit_test(a_rank_that_died_cannot_be_connected_or_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
