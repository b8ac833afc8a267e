/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel answers about an interface: its driver's statistics, and its queues. */
#include "config.h"

#include "measure/nic_counters_impl.h"

#include "railgauge/base/mem.h"

#include <linux/ethtool.h>
#include <linux/gen_stats.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void single_rings_are_told_from_ports(void **state)
{
	static const char *const rings[] = {
		"rx0_packets",		 "tx12_bytes",	 "ch3_poll",
		"rx_queue_0_xdp_drops",	 "tx-5.packets", "queue_7_rx_cnt",
		"[2]: rx_ucast_packets", "ptp_ch0_poll"};
	static const char *const ports[] = {"rx_packets",	 "rx_64_bytes_phy",
					    "rx_prio0_bytes",	 "tx_pfc_ena_frames_pri0",
					    "rx_err_lane_0_phy", "channels",
					    "queue_stopped"};

	for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]); i++)
		assert_true(nic_is_ring(rings[i]));
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		assert_false(nic_is_ring(ports[i]));
}

/* --- what the kernel says of queues --- */

#define SEQ 9 /* of the request that is answered */

static struct {
	_Alignas(8) uint8_t bytes[1024];
	size_t n;
} answer;

static void put_bytes(const void *data, size_t len)
{
	memcpy(answer.bytes + answer.n, data, len);
	answer.n += (len + 3) & ~(size_t)3;
}

static size_t begin_attribute(uint16_t type)
{
	const struct rtattr head = {.rta_type = type};
	size_t at = answer.n;

	put_bytes(&head, sizeof(head));
	return at;
}

static void end_attribute(size_t at)
{
	((struct rtattr *)(void *)(answer.bytes + at))->rta_len = (unsigned short)(answer.n - at);
}

static void put_attribute(uint16_t type, const void *data, size_t len)
{
	const struct rtattr head = {.rta_type = type, .rta_len = (unsigned short)(4 + len)};

	put_bytes(&head, sizeof(head));
	put_bytes(data, len);
}

static void put_queue(uint16_t type, int index, uint32_t handle, const char *kind, uint64_t bytes,
		      uint32_t packets, uint32_t drops)
{
	struct nlmsghdr head = {.nlmsg_type = type, .nlmsg_seq = SEQ};
	const struct tcmsg tc = {.tcm_ifindex = index, .tcm_handle = handle, .tcm_parent = 0x30001};
	const struct gnet_stats_queue queue = {.drops = drops};
	uint8_t basic[12];
	size_t at = answer.n, nest;

	memcpy(basic, &bytes, 8);
	memcpy(basic + 8, &packets, 4);
	put_bytes(&head, sizeof(head));
	put_bytes(&tc, sizeof(tc));
	put_attribute(TCA_KIND, kind, strlen(kind) + 1);
	nest = begin_attribute(TCA_STATS2 | NLA_F_NESTED);
	put_attribute(TCA_STATS_BASIC, basic, sizeof(basic));
	put_attribute(TCA_STATS_QUEUE, &queue, sizeof(queue));
	end_attribute(nest);
	head.nlmsg_len = (uint32_t)(answer.n - at);
	memcpy(answer.bytes + at, &head, sizeof(head));
}

/* The last message of a dump. */
static void put_done(uint32_t seq)
{
	const struct nlmsghdr done = {
		.nlmsg_type = NLMSG_DONE, .nlmsg_len = sizeof(done), .nlmsg_seq = seq};

	put_bytes(&done, sizeof(done));
}

static uint64_t queue_value(const struct nic_list *list, const char *name)
{
	for (uint32_t i = 0; i < list->reading.n; i++) {
		const struct rg_nic_value *v = &list->reading.values[i];

		if (v->group == RG_NIC_FROM_QUEUES && !strcmp(v->name, name))
			return v->value;
	}
	fail_msg("no %s", name);
	return 0;
}

static void queues_of_the_interface_are_read_out_of_the_kernels_answer(void **state)
{
	struct nic_list list = {.room = 0};

	answer.n = 0;
	put_queue(RTM_NEWQDISC, 5, 0x30000, "prio", 1ull << 33, 100, 2);
	put_queue(RTM_NEWTCLASS, 5, 0x30001, "prio", 7000, 70, 0);
	put_queue(RTM_NEWQDISC, 6, 0x40000, "tbf", 1, 1, 1); /* another interface's */
	put_queue(RTM_NEWQDISC, 5, 0, "fq_codel", 1, 1, 1);  /* a ring's */
	assert_true(nic_parse_queues(answer.bytes, answer.n, SEQ, 5, &list));
	assert_int_equal(list.reading.n, 10);
	assert_true(queue_value(&list, "qdisc prio 3: bytes") == 1ull << 33);
	assert_int_equal(queue_value(&list, "qdisc prio 3: packets"), 100);
	assert_int_equal(queue_value(&list, "qdisc prio 3: drops"), 2);
	assert_int_equal(queue_value(&list, "class prio 3:1 packets"), 70);
	put_done(SEQ);
	rg_nic_reading_release(&list.reading);
	list.room = 0;
	assert_false(nic_parse_queues(answer.bytes, answer.n, SEQ, 5, &list));
	assert_int_equal(list.reading.n, 10);
	rg_nic_reading_release(&list.reading);
}

/* What an earlier request left unread ends with its own last message. */
static void what_answers_another_request_is_skipped(void **state)
{
	struct nic_list list = {.room = 0};

	answer.n = 0;
	put_queue(RTM_NEWQDISC, 5, 0x40000, "tbf", 1, 1, 1);
	((struct nlmsghdr *)(void *)answer.bytes)->nlmsg_seq = SEQ - 1;
	put_done(SEQ - 1);
	put_queue(RTM_NEWTCLASS, 5, 0x30001, "prio", 7000, 70, 0);
	assert_true(nic_parse_queues(answer.bytes, answer.n, SEQ, 5, &list));
	assert_int_equal(list.reading.n, 5);
	assert_int_equal(queue_value(&list, "class prio 3:1 bytes"), 7000);
	rg_nic_reading_release(&list.reading);
}

/* Cut anywhere, it is read as far as it goes. */
static void an_answer_that_is_cut_is_not_read_beyond_its_end(void **state)
{
	answer.n = 0;
	put_queue(RTM_NEWQDISC, 5, 0x30000, "prio", 5, 100, 2);
	for (size_t n = 0; n < answer.n; n++) {
		uint8_t *copy = rg_alloc(n + 1);
		struct nic_list list = {.room = 0};
		uint32_t whole = (uint32_t)n;

		memcpy(copy, answer.bytes, n);
		(void)nic_parse_queues(copy, n, SEQ, 5, &list);
		assert_int_equal(list.reading.n, 0);
		/* The same, but claiming to be whole. */
		if (n >= sizeof(struct nlmsghdr)) {
			memcpy(copy, &whole, sizeof(whole));
			(void)nic_parse_queues(copy, n, SEQ, 5, &list);
		}
		rg_nic_reading_release(&list.reading);
		rg_free(copy);
	}
}

/* --- what its driver says --- */

/* A driver with 3 statistics, or with 900 once it was asked how many there are. */
static uint32_t statistics;
static bool grows;

static bool ask_driver(int fd, const char *netdev, void *what)
{
	uint32_t cmd = *(uint32_t *)what;

	assert_int_equal(fd, 7);
	assert_string_equal(netdev, "eth0");
	if (cmd == ETHTOOL_GSSET_INFO) {
		memcpy((uint8_t *)what + sizeof(struct ethtool_sset_info), &statistics,
		       sizeof(statistics));
		statistics = grows ? 900 : statistics;
	} else if (cmd == ETHTOOL_GSTRINGS) {
		struct ethtool_gstrings *s = what;

		s->len = statistics;
		memset(s->data, 'x', (size_t)statistics * ETH_GSTRING_LEN);
	} else {
		struct ethtool_stats *s = what;

		s->n_stats = statistics;
		for (uint32_t i = 0; i < statistics; i++)
			s->data[i] = 5;
	}
	return true;
}

static void statistics_that_grow_while_they_are_read_are_left_out(void **state)
{
	struct nic_list list = {0};

	statistics = 3;
	grows = false;
	nic_read_ethtool_by(ask_driver, 7, "eth0", &list);
	assert_int_equal(list.reading.n, 3);
	statistics = 3;
	grows = true;
	nic_read_ethtool_by(ask_driver, 7, "eth0", &list);
	assert_int_equal(list.reading.n, 3);
	assert_false(list.failed);
	rg_nic_reading_release(&list.reading);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_rings_are_told_from_ports),
		cmocka_unit_test(queues_of_the_interface_are_read_out_of_the_kernels_answer),
		cmocka_unit_test(what_answers_another_request_is_skipped),
		cmocka_unit_test(an_answer_that_is_cut_is_not_read_beyond_its_end),
		cmocka_unit_test(statistics_that_grow_while_they_are_read_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
