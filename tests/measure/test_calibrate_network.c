/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/calibrate_network.h"
#include "measure/network_flow.h"
#include "measure/network_rounds.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <dirent.h>
#include <errno.h>
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

#define SECONDS UINT64_C(1000000000)
#define MS	UINT64_C(1000000)

/* --- peers that fail --- */

/* A flow of one stream to a peer that the test plays. */
struct stage {
	struct rg_endpoint ep;
	char host[2][64];
	int fds[2];
	uint32_t peer;
	uint8_t state;
	int lack;
	struct pollfd poll;
	struct flow flow;
};

static void set_stage(struct stage *s)
{
	static uint8_t zeros[FLOW_BLOCK_BYTES], room[FLOW_BLOCK_BYTES];

	*s = (struct stage){.host = {"here", "there"}, .peer = 1};
	s->ep.host = s->host;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s->fds), 0);
	s->flow = (struct flow){.ep = &s->ep,
				.n = 1,
				.fds = s->fds,
				.peers = &s->peer,
				.states = &s->state,
				.lacks = &s->lack,
				.poll = &s->poll,
				.send_block = zeros,
				.take_block = room,
				.sleeps = true,
				.deadline_ns = 50 * MS,
				.discard_ns = MS,
				.window_ns = MS};
}

static int each_part(const struct stage *s, int part, struct rg_err *err)
{
	struct flow_point points[FLOW_POINTS];
	struct flow_tally tally;
	bool disturbed;
	double ns;

	switch (part) {
	case 0:
		return rg_flow_ping(&s->flow, &ns, points, err);
	case 1:
		return rg_flow_echo(&s->flow, err);
	case 2:
		return rg_flow_send(&s->flow, &disturbed, err);
	default:
		return rg_flow_receive(&s->flow, &tally, &disturbed, err);
	}
}

static void a_peer_that_closes_is_named(void **state)
{
	for (int part = 0; part < 4; part++) {
		struct rg_err err = {0};
		struct stage s;

		set_stage(&s);
		close(s.fds[1]);
		assert_int_equal(each_part(&s, part, &err), RG_ERR_PEER);
		assert_string_equal(err.text, "calibrating the network: rank 1 (there) has closed "
					      "its stream");
		close(s.fds[0]);
	}
}

static void a_peer_that_does_nothing_is_named_in_time(void **state)
{
	for (int part = 0; part < 4; part++) {
		struct rg_err err = {0};
		struct stage s;

		set_stage(&s);
		assert_int_equal(each_part(&s, part, &err), RG_ERR_TIMEOUT);
		assert_non_null(strstr(err.text, "rank 1 (there) for 50"));
		close(s.fds[0]);
		close(s.fds[1]);
	}
}

/* How often the kernel has no memory yet for what is sent; counted in sends. */
static atomic_int lacking;

/* In place of the C library's. */
ssize_t send(int fd, const void *data, size_t len_bytes, int flags)
{
	if (atomic_load(&lacking) > 0) {
		atomic_fetch_sub(&lacking, 1);
		errno = ENOBUFS;
		return -1;
	}
	return sendto(fd, data, len_bytes, flags, NULL, 0);
}

static void a_kernel_without_memory_is_no_peer_that_has_closed(void **state)
{
	for (int part = 0; part < 4; part++) {
		const uint8_t words[] = {part == 1 ? FLOW_PING : FLOW_GO};
		struct rg_err err = {0};
		struct stage s;

		set_stage(&s);
		assert_int_equal(write(s.fds[1], words, 1),
				 1); /* so that there is something to say */
		atomic_store(&lacking, 1000000);
		assert_int_equal(each_part(&s, part, &err), RG_ERR_TIMEOUT);
		/* Every try sleeps. */
		assert_in_range(1000000 - atomic_load(&lacking), 2, 200);
		atomic_store(&lacking, 0);
		assert_non_null(strstr(err.text, "the kernel had no memory for what goes to rank 1 "
						 "(there) for 50"));
		close(s.fds[0]);
		close(s.fds[1]);
	}
}

static void *echo_main(void *arg)
{
	const struct stage *s = arg;

	return rg_flow_echo(&s->flow, NULL) ? NULL : arg;
}

static void a_ping_pong_gives_a_latency_and_the_arrivals_of_bursts(void **state)
{
	struct flow_point points[FLOW_POINTS] = {{0}};
	struct stage s, other;
	pthread_t thread;
	double ns = 0;
	void *ended;

	set_stage(&s);
	other = s;
	other.flow.fds = &other.fds[1];
	other.flow.peers = &other.peer;
	other.flow.lacks = &other.lack;
	s.flow.deadline_ns = other.flow.deadline_ns = 20 * SECONDS;
	atomic_store(&lacking, 5); /* for a while only, which is no error */
	assert_int_equal(pthread_create(&thread, NULL, echo_main, &other), 0);
	assert_int_equal(rg_flow_ping(&s.flow, &ns, points, NULL), 0);
	pthread_join(thread, &ended);
	assert_non_null(ended);
	assert_true(ns > 0);
	/* 16 to 128 KiB, one after the other. */
	for (int k = 0; k < 4; k++) {
		assert_true(points[k].bytes >= FLOW_FIRST_BYTES << k);
		assert_true(points[k].bytes <= FLOW_BURST_BYTES && points[k].ns > 0);
	}
	assert_int_equal(points[4].bytes, 0);
	close(s.fds[0]);
	close(s.fds[1]);
}

static void of_two_arrivals_the_quicker_one_is_kept(void **state)
{
	struct flow_point a[FLOW_POINTS] = {{16384, 100}, {40000, 200}, {0, 0}};
	const struct flow_point b[FLOW_POINTS] = {{20000, 90}, {32768, 210}, {70000, 300}};

	rg_flow_quickest(a, b);
	assert_int_equal(a[0].bytes, 20000);
	assert_int_equal(a[0].ns, 90);
	assert_int_equal(a[1].bytes, 40000);
	assert_int_equal(a[2].bytes, 70000);
	assert_int_equal(a[3].bytes, 0);
}

static void *send_main(void *arg)
{
	const struct stage *s = arg;
	bool disturbed;

	return rg_flow_send(&s->flow, &disturbed, NULL) ? NULL : arg;
}

/* Asked and told to stop at once, a sender ends its data with the mark, once all before is taken.
 */
static void a_sender_says_where_its_data_end(void **state)
{
	static uint8_t data[FLOW_BLOCK_BYTES];
	const uint8_t words[] = {FLOW_GO, FLOW_STOP};
	pthread_t thread;
	struct stage s;
	void *ended;
	ssize_t n;

	set_stage(&s);
	s.flow.deadline_ns = 20 * SECONDS;
	assert_int_equal(send(s.fds[1], words, sizeof(words), 0), sizeof(words));
	assert_int_equal(pthread_create(&thread, NULL, send_main, &s), 0);
	do {
		n = recv(s.fds[1], data, sizeof(data), 0);
		assert_true(n > 0);
		for (ssize_t i = 0; i + 1 < n; i++)
			assert_int_equal(data[i], 0);
	} while (!data[n - 1]);
	pthread_join(thread, &ended);
	assert_non_null(ended);
	assert_int_equal(recv(s.fds[1], data, 1, MSG_DONTWAIT), -1);
	close(s.fds[0]);
	close(s.fds[1]);
}

/* --- ranks --- */

#define RANKS 3

struct rank {
	const struct rg_transport_ops *ops;
	struct rg_rendezvous *rdv;
	const char *node;
	bool quick; /* flows of no length */
	struct rg_network net;
	uint32_t rounds; /* that it was told of */
	struct rg_err err;
	int rc;
};

static void count_rounds(void *arg, uint32_t done, uint32_t total)
{
	struct rank *r = arg;

	r->rounds += done <= total;
}

static void *rank_main(void *arg)
{
	struct rank *r = arg;
	const struct rg_transport_config config = {.geometry = rg_geometry_tcp,
						   .patience = rg_patience_shared_core,
						   .timeout_ns = 20 * SECONDS,
						   .node = r->node};
	const struct rg_network_config calibration = {.deadline_ns = 20 * SECONDS,
						      .crowded = true,
						      .discard_ns = r->quick ? 1 : 0,
						      .window_ns = r->quick ? 1 : 0,
						      .progress = count_rounds,
						      .progress_arg = r};
	struct rg_endpoint *ep = NULL;

	r->rc = r->ops->open(r->rdv, &config, &ep, &r->err);
	if (!r->rc)
		r->rc = rg_calibrate_network(ep, &calibration, &r->net, &r->err);
	if (ep)
		r->ops->close(ep);
	rg_rendezvous_close(r->rdv);
	return NULL;
}

/* Of all ranks together the fail_nth-th allocation fails; 0: none. */
static void run_ranks(struct rank *ranks, uint32_t n, const struct rg_transport_ops *ops,
		      unsigned long fail_nth)
{
	static const char *const nodes[RANKS] = {"a", "b", "b"};
	struct rg_rendezvous *rdv[RANKS];
	pthread_t threads[RANKS];

	assert_int_equal(rg_rendezvous_threads_open(n, rdv, NULL), 0);
	rg_mem_fail_nth(fail_nth);
	for (uint32_t i = 0; i < n; i++) {
		ranks[i] = (struct rank){
			.ops = ops, .rdv = rdv[i], .node = nodes[i], .quick = fail_nth > 0};
		assert_int_equal(pthread_create(&threads[i], NULL, rank_main, &ranks[i]), 0);
	}
	for (uint32_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
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

/* Rates were not known somewhere: what is to hold of them was not tested. */
static bool busy;

/* All ranks have the same, of so many nodes; false where the machine was too busy to tell. */
static bool assert_network(const struct rank ranks[RANKS], uint32_t nnodes)
{
	const struct rg_network *net = &ranks[0].net;
	bool known = true;

	for (uint32_t i = 0; i < RANKS; i++) {
		const struct rg_network *own = &ranks[i].net;

		if (ranks[i].rc)
			fail_msg("rank %u: %s", i, ranks[i].err.text);
		assert_int_equal(ranks[i].rounds, rg_network_rounds(nnodes));
		assert_int_equal(own->nnodes, nnodes);
		assert_int_equal(own->nranks, RANKS);
		assert_int_equal(own->npairs, nnodes * (nnodes - 1));
		assert_memory_equal(own->ports, net->ports, nnodes * sizeof(*net->ports));
		assert_memory_equal(own->pairs, net->pairs, net->npairs * sizeof(*net->pairs));
		assert_memory_equal(own->node, net->node, RANKS * sizeof(*net->node));
	}
	for (uint32_t i = 0; i < net->npairs; i++) {
		const struct rg_network_pair *p = &net->pairs[i];

		known &= p->rate_Bps > 0;
		assert_true(p->latency_ns > 0 && p->burst_bytes >= 0);
		assert_true(p->latency_ns >= net->ports[p->from].latency_ns);
	}
	for (uint32_t i = 0; i < nnodes; i++)
		known &= net->ports[i].in_Bps > 0 && net->ports[i].out_Bps > 0;
	for (uint32_t i = 0; known && i < net->npairs; i++) {
		const struct rg_network_pair *p = &net->pairs[i];

		assert_true(p->rate_Bps <= net->ports[p->from].out_Bps);
		assert_true(p->rate_Bps <= net->ports[p->to].in_Bps);
	}
	return known;
}

static void release(struct rank ranks[RANKS])
{
	for (uint32_t i = 0; i < RANKS; i++)
		rg_network_release(&ranks[i].net);
}

static void with_tcp_each_rank_is_a_node_and_no_file_stays_open(void **state)
{
	int before = open_files();
	struct rank ranks[RANKS];
	bool known;

	run_ranks(ranks, RANKS, &rg_transport_tcp, 0);
	known = assert_network(ranks, 3);
	for (uint32_t i = 0; i < RANKS; i++)
		assert_int_equal(ranks[0].net.node[i], i);
	assert_int_equal(open_files(), before);
	release(ranks);
	busy |= !known;
}

static void with_mixed_ranks_that_share_memory_are_one_node(void **state)
{
	struct rank ranks[RANKS];

	run_ranks(ranks, RANKS, &rg_transport_mixed, 0);
	busy |= !assert_network(ranks, 2);
	assert_int_equal(ranks[0].net.node[0], 0);
	assert_int_equal(ranks[0].net.node[1], 1);
	assert_int_equal(ranks[0].net.node[2], 1);
	assert_int_equal(ranks[0].net.ports[0].nranks, 1);
	assert_int_equal(ranks[0].net.ports[1].nranks, 2);
	release(ranks);
}

static void where_memory_reaches_all_there_is_nothing_to_measure(void **state)
{
	struct rank ranks[RANKS];

	run_ranks(ranks, RANKS, &rg_transport_shm, 0);
	for (uint32_t i = 0; i < RANKS; i++) {
		assert_int_equal(ranks[i].rc, 0);
		assert_int_equal(ranks[i].net.nnodes, 1);
		assert_int_equal(ranks[i].net.npairs, 0);
		assert_int_equal(ranks[i].rounds, 0);
	}
	release(ranks);
}

static void an_allocation_that_fails_ends_both_ranks(void **state)
{
	unsigned long n = 1;
	bool failed = true;

	for (; failed; n++) {
		struct rank ranks[RANKS] = {0};
		uint64_t begun = rg_clock_ns();
		int before = open_files();

		run_ranks(ranks, 2, &rg_transport_tcp, n);
		failed = rg_mem_fail_fired();
		rg_mem_fail_nth(0);
		assert_true(rg_clock_ns() - begun < 20 * SECONDS);
		assert_int_equal(open_files(), before);
		assert_true(!ranks[0].rc == !ranks[1].rc);
		assert_true(failed || !ranks[0].rc);
		release(ranks);
	}
	print_message("%lu allocations\n", n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_that_closes_is_named),
		cmocka_unit_test(a_peer_that_does_nothing_is_named_in_time),
		cmocka_unit_test(a_kernel_without_memory_is_no_peer_that_has_closed),
		cmocka_unit_test(a_ping_pong_gives_a_latency_and_the_arrivals_of_bursts),
		cmocka_unit_test(of_two_arrivals_the_quicker_one_is_kept),
		cmocka_unit_test(a_sender_says_where_its_data_end),
		cmocka_unit_test(with_tcp_each_rank_is_a_node_and_no_file_stays_open),
		cmocka_unit_test(with_mixed_ranks_that_share_memory_are_one_node),
		cmocka_unit_test(where_memory_reaches_all_there_is_nothing_to_measure),
		cmocka_unit_test(an_allocation_that_fails_ends_both_ranks),
	};

	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	if (failed || !busy)
		return failed;
	printf("skipped: this machine is too busy for rates of a network\n");
	return 77;
}
