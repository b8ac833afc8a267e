/* SPDX-License-Identifier: BSD-3-Clause */
/* Networks known by their lines: endpoints that are nothing but what they say of these. */
#include "config.h"

#include "railgauge/base/clock.h"
#include "railgauge/measure/calibrate_network.h"
#include "railgauge/measure/network_lines.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define RANKS 4
#define TEN_S UINT64_C(10000000000)

static const uint32_t nodes[RANKS] = {0, 0, 1, 1};
static const uint32_t one_node[RANKS];

struct part {
	struct rg_endpoint ep;
	const uint32_t *node;
	struct rg_network net;
	int rc;
};

static void add_line(struct rg_endpoint *ep, const char *nic, uint64_t rate_Bps)
{
	struct rg_line *line = &ep->lines[ep->nlines++];

	*line = (struct rg_line){.rate_Bps = rate_Bps, .mtu_bytes = 4096};
	snprintf(line->nic, sizeof(line->nic), "%s", nic);
}

static void *ask(void *arg)
{
	struct part *p = arg;

	p->rc = rg_network_of_lines(&p->ep, p->node, TEN_S, &p->net, NULL);
	rg_rendezvous_close(p->ep.rdv);
	return NULL;
}

static void ask_all(struct part parts[RANKS], const uint32_t *node)
{
	struct rg_rendezvous *rdv[RANKS];
	pthread_t threads[RANKS];

	assert_int_equal(rg_rendezvous_threads_open(RANKS, rdv, NULL), 0);
	for (uint32_t r = 0; r < RANKS; r++) {
		parts[r].ep.rdv = rdv[r];
		parts[r].ep.rank = r;
		parts[r].ep.nranks = RANKS;
		parts[r].node = node;
		assert_int_equal(pthread_create(&threads[r], NULL, ask, &parts[r]), 0);
	}
	for (uint32_t r = 0; r < RANKS; r++)
		pthread_join(threads[r], NULL);
	for (uint32_t r = 0; r < RANKS; r++)
		assert_int_equal(parts[r].rc, 0);
}

static void release(struct part parts[RANKS])
{
	for (uint32_t r = 0; r < RANKS; r++)
		rg_network_release(&parts[r].net);
}

/* Of a packet of 4,096 bytes over RoCE v2 and IPv4 another 82 are not data [see bound_verbs.h]. */
static void a_line_carries_its_rate_less_the_heads_of_packets(void **state)
{
	struct rg_line line = {.rate_Bps = 12500000000, .mtu_bytes = 4096};
	double share = 4096.0 / (4096 + 14 + 20 + 8 + 12 + 4 + 4 + 8 + 12);

	assert_true(fabs(rg_line_goodput_Bps(&line) / (12.5e9 * share) - 1) < 1e-6);
	line.infiniband = 1;
	share = 4096.0 / (4096 + 8 + 12 + 4 + 2);
	assert_true(fabs(rg_line_goodput_Bps(&line) / (12.5e9 * share) - 1) < 1e-6);
	line.rate_Bps = 0;
	assert_true(rg_line_goodput_Bps(&line) == 0);
}

static void lines_of_a_node_add_up_and_count_once_each(void **state)
{
	struct part parts[RANKS] = {0};
	double one;

	/* Both ranks of the first node use one port, those of the second one each. */
	add_line(&parts[0].ep, "mlx5_0:1", 1000000000);
	add_line(&parts[1].ep, "mlx5_0:1", 1000000000);
	add_line(&parts[2].ep, "mlx5_0:1", 1000000000);
	add_line(&parts[3].ep, "mlx5_1:1", 3000000000);
	one = rg_line_goodput_Bps(&parts[0].ep.lines[0]);
	ask_all(parts, nodes);
	for (uint32_t r = 0; r < RANKS; r++) {
		const struct rg_network *net = &parts[r].net;

		assert_int_equal(net->nnodes, 2);
		assert_int_equal(net->nranks, RANKS);
		assert_memory_equal(net->node, nodes, sizeof(nodes));
		assert_int_equal(net->ports[0].nranks, 2);
		assert_int_equal(net->ports[1].nranks, 2);
		assert_true(fabs(net->ports[0].in_Bps / one - 1) < 1e-9);
		assert_true(fabs(net->ports[1].in_Bps / one - 4) < 1e-9);
		assert_true(net->ports[1].out_Bps == net->ports[1].in_Bps);
		assert_true(net->ports[0].latency_ns == 0 && net->npairs == 0);
	}
	release(parts);
}

static void what_is_not_known_of_one_line_is_not_known_of_the_node(void **state)
{
	struct part parts[RANKS] = {0};

	add_line(&parts[0].ep, "mlx5_0:1", 1000000000);
	add_line(&parts[1].ep, "rxe0:1", 0);
	add_line(&parts[2].ep, "mlx5_0:1", 1000000000);
	add_line(&parts[3].ep, "mlx5_0:1", 1000000000);
	ask_all(parts, nodes);
	assert_true(parts[0].net.ports[0].in_Bps == 0);
	assert_true(parts[0].net.ports[1].in_Bps > 0);
	release(parts);
}

static void without_lines_or_with_one_node_there_is_no_network(void **state)
{
	struct part parts[RANKS] = {0};

	ask_all(parts, nodes);
	for (uint32_t r = 0; r < RANKS; r++)
		assert_int_equal(parts[r].net.nnodes, 0);
	for (uint32_t r = 0; r < RANKS; r++)
		add_line(&parts[r].ep, "mlx5_0:1", 1000000000);
	ask_all(parts, one_node);
	for (uint32_t r = 0; r < RANKS; r++)
		assert_int_equal(parts[r].net.nnodes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_carries_its_rate_less_the_heads_of_packets),
		cmocka_unit_test(lines_of_a_node_add_up_and_count_once_each),
		cmocka_unit_test(what_is_not_known_of_one_line_is_not_known_of_the_node),
		cmocka_unit_test(without_lines_or_with_one_node_there_is_no_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
