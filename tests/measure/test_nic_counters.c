/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters of adapters, from a tree of files made here. */
#include "config.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include "fake_sysfs.h"
#include "measure/nic_counters_impl.h"

#include <ctype.h>
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

#define MLX "/sys/class/infiniband/mlx5_0"
#define RXE "/sys/class/infiniband/rxe0"

/* An adapter with two ports, a soft one on eth1, and eth2 alone. */
static int make_tree(void **state)
{
	int rc = fake_open(state);

	fake_put(MLX "/ports/1/state", "4: ACTIVE");
	fake_put(MLX "/ports/1/gid_attrs/ndevs/0", "eth0");
	fake_number(MLX "/ports/1/counters", "symbol_error", 3);
	fake_number(MLX "/ports/1/counters", "port_xmit_data", 5000000000);
	fake_put(MLX "/ports/1/counters/port_rcv_errors", "N/A (no PMA)");
	fake_number(MLX "/ports/1/hw_counters", "out_of_sequence", 7);
	fake_number(MLX "/ports/1/hw_counters", "rx_write_requests", 4294967290);
	fake_number(MLX "/ports/1/hw_counters", "lifespan", 1);
	fake_put(MLX "/ports/2/state", "1: DOWN");
	fake_number(FAKE_NET "eth0/statistics", "rx_crc_errors", 0);
	fake_number(FAKE_NET "eth0/statistics", "tx_bytes", 1000);
	fake_put(RXE "/parent", "eth1");
	fake_put(RXE "/ports/1/state", "4: ACTIVE");
	fake_number(RXE "/ports/1/hw_counters", "rcvd_seq_err", 0);
	fake_number(RXE "/ports/1/hw_counters", "lifespan", 10);
	fake_number(FAKE_NET "eth1/statistics", "tx_bytes", 0);
	fake_number(FAKE_NET "eth2/statistics", "rx_dropped", 4);
	fake_put("/proc/net/snmp", "Ip: Forwarding InReceives\nIp: 1 5\n"
				   "Tcp: RtoAlgorithm MaxConn RetransSegs InErrs\n"
				   "Tcp: 1 -1 12 0");
	fake_put("/proc/net/netstat", "TcpExt: SyncookiesSent TCPTimeouts\nTcpExt: 9 2");
	return rc;
}

static struct rg_nic_port port_of(const char *name)
{
	struct rg_nic_port ports[RG_NIC_PORTS_MAX];
	struct rg_err err = {0};
	uint32_t n;

	if (rg_nic_ports_find(fake_root, name, ports, &n, &err))
		fail_msg("%s", err.text);
	assert_int_equal(n, 1);
	return ports[0];
}

static const struct rg_nic_value *value_of(const struct rg_nic_reading *r, const char *name)
{
	for (uint32_t i = 0; i < r->n; i++) {
		if (!strcmp(r->values[i].name, name))
			return &r->values[i];
	}
	return NULL;
}

static const struct rg_nic_moved *moved_of(const struct rg_nic_moved *list, uint32_t n,
					   const char *name)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!strcmp(list[i].name, name))
			return &list[i];
	}
	return NULL;
}

static void names_stand_for_ports_and_what_is_behind_them(void **state)
{
	struct rg_nic_port ports[RG_NIC_PORTS_MAX];
	char text[RG_NIC_PORT_TEXT_BYTES];
	struct rg_err err = {0};
	uint32_t n;

	assert_int_equal(rg_nic_ports_find(fake_root, "mlx5_0,eth2,rxe0:1", ports, &n, &err), 0);
	assert_int_equal(n, 4);
	assert_string_equal(rg_nic_port_text(&ports[0], text), "mlx5_0 port 1");
	assert_string_equal(ports[0].netdev, "eth0");
	assert_string_equal(rg_nic_port_text(&ports[1], text), "mlx5_0 port 2");
	assert_string_equal(ports[1].netdev, "");
	assert_string_equal(rg_nic_port_text(&ports[2], text), "eth2");
	assert_string_equal(ports[3].netdev, "eth1");
	/* Once each, and eth1 is behind rxe0. */
	assert_int_equal(
		rg_nic_ports_find(fake_root, "eth1,rxe0,rxe0:1,eth2,eth2", ports, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(ports[0].device, "rxe0");
	assert_string_equal(ports[1].netdev, "eth2");
	assert_int_equal(rg_nic_ports_find(fake_root, "", ports, &n, &err), 0);
	assert_int_equal(n, 0);
	n = 0;
	rg_nic_ports_active(fake_root, ports, &n);
	assert_int_equal(n, 2);
	assert_string_equal(ports[0].device, "mlx5_0");
	assert_int_equal(ports[0].port, 1);
	assert_string_equal(ports[1].device, "rxe0");
	rg_nic_ports_active(fake_root, ports, &n);
	assert_int_equal(n, 2);
}

static void what_is_not_there_is_named(void **state)
{
	static const struct {
		const char *list, *message;
		int code;
	} bad[] = {
		{"eth9", "eth9: no RDMA device, port of one (NAME:PORT) or network interface",
		 RG_ERR_NOT_FOUND},
		{"eth2,mlx5_0:3",
		 "mlx5_0:3: no RDMA device, port of one (NAME:PORT) or network interface",
		 RG_ERR_NOT_FOUND},
		{"rxe0,,eth2", "\"rxe0,,eth2\": a name is empty", RG_ERR_INVALID},
		{"../net", "../net: not the name of a device", RG_ERR_NOT_FOUND},
	};
	struct rg_nic_port ports[RG_NIC_PORTS_MAX];
	uint32_t n = 77;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rg_err err = {0};

		assert_int_equal(rg_nic_ports_find(fake_root, bad[i].list, ports, &n, &err),
				 bad[i].code);
		assert_string_equal(err.text, bad[i].message);
		assert_int_equal(n, 77);
	}
}

static void of_names_that_nobody_asked_for_those_that_are_there_are_taken(void **state)
{
	struct rg_nic_port ports[RG_NIC_PORTS_MAX];
	uint32_t n = 77;

	rg_nic_ports_seek(fake_root, "eth9,rxe0:1,,mlx5_0:3,eth1,mlx5_0:2", ports, &n);
	assert_int_equal(n, 2);
	assert_string_equal(ports[0].device, "rxe0");
	assert_string_equal(ports[1].device, "mlx5_0");
	assert_int_equal(ports[1].port, 2);
	rg_nic_ports_seek(fake_root, "", ports, &n);
	assert_int_equal(n, 0);
}

static void a_reading_has_all_numbers_of_a_port_and_its_interface(void **state)
{
	struct rg_nic_port port = port_of("mlx5_0:1");
	struct rg_nic_reading r = {0};

	assert_int_equal(rg_nic_read(fake_root, &port, &r, NULL), 0);
	assert_int_equal(r.n, 6);
	assert_int_equal(value_of(&r, "symbol_error")->value, 3);
	assert_int_equal(value_of(&r, "symbol_error")->group, RG_NIC_FROM_PORT);
	assert_int_equal(value_of(&r, "out_of_sequence")->group, RG_NIC_FROM_HW);
	assert_int_equal(value_of(&r, "tx_bytes")->group, RG_NIC_FROM_STATISTICS);
	assert_null(value_of(&r, "lifespan"));
	assert_null(value_of(&r, "port_rcv_errors"));
	/* Those of the device go with its first port. */
	fake_number(MLX "/hw_counters", "cmds_err", 1);
	assert_int_equal(rg_nic_read(fake_root, &port, &r, NULL), 0);
	assert_int_equal(value_of(&r, "cmds_err")->group, RG_NIC_FROM_DEVICE);
	rg_nic_reading_release(&r);
}

static void tcp_is_read_with_the_port_that_says_so(void **state)
{
	struct rg_nic_port port = port_of("eth2");
	struct rg_nic_reading r = {0};

	assert_int_equal(rg_nic_read(fake_root, &port, &r, NULL), 0);
	assert_int_equal(r.n, 1);
	port.tcp = true;
	assert_int_equal(rg_nic_read(fake_root, &port, &r, NULL), 0);
	assert_int_equal(r.n, 4);
	assert_int_equal(value_of(&r, "RetransSegs")->value, 12);
	assert_int_equal(value_of(&r, "TCPTimeouts")->value, 2);
	assert_int_equal(value_of(&r, "InErrs")->value, 0);
	assert_int_equal(rg_nic_row(RG_NIC_FROM_TCP, "RetransSegs")->class, RG_NIC_PLAIN);
	rg_nic_reading_release(&r);
}

static void what_moved_between_two_readings_is_listed(void **state)
{
	struct rg_nic_port port = port_of("mlx5_0:1");
	struct rg_nic_reading before = {0}, after = {0};
	struct rg_nic_moved *moved;
	uint32_t n;

	assert_int_equal(rg_nic_read(fake_root, &port, &before, NULL), 0);
	assert_int_equal(rg_nic_compare(&before, &before, &moved, &n, NULL), 0);
	assert_true(!n && !moved);
	fake_number(MLX "/ports/1/hw_counters", "out_of_sequence", 19);
	fake_number(MLX "/ports/1/hw_counters", "rx_write_requests", 4);
	fake_number(MLX "/ports/1/hw_counters", "packet_seq_err", 100);
	fake_number(FAKE_NET "eth0/statistics", "tx_bytes", 900);
	fake_remove(MLX "/ports/1/counters/symbol_error");
	assert_int_equal(rg_nic_read(fake_root, &port, &after, NULL), 0);
	assert_int_equal(rg_nic_compare(&before, &after, &moved, &n, NULL), 0);
	assert_int_equal(n, 4);
	assert_int_equal(moved_of(moved, n, "out_of_sequence")->by, 12);
	assert_int_equal(moved_of(moved, n, "out_of_sequence")->how, RG_NIC_COUNTED);
	/* 4294967290 .. 4294967295, 0 .. 4 */
	assert_int_equal(moved_of(moved, n, "rx_write_requests")->by, 10);
	assert_int_equal(moved_of(moved, n, "rx_write_requests")->how, RG_NIC_WRAPPED);
	assert_int_equal(moved_of(moved, n, "tx_bytes")->by, 900);
	assert_int_equal(moved_of(moved, n, "tx_bytes")->how, RG_NIC_RESET);
	assert_int_equal(moved_of(moved, n, "symbol_error")->how, RG_NIC_GONE);
	assert_int_equal(moved_of(moved, n, "symbol_error")->by, 0);
	/* Nobody knows what it was before. */
	assert_null(moved_of(moved, n, "packet_seq_err"));
	rg_free(moved);
	rg_nic_reading_release(&before);
	rg_nic_reading_release(&after);
}

static void a_device_that_vanishes_has_nothing_any_more(void **state)
{
	struct rg_nic_port port = port_of("rxe0");
	struct rg_nic_reading before = {0}, after = {0};
	struct rg_nic_moved *moved;
	uint32_t n;

	port.tcp = true;
	assert_int_equal(rg_nic_read(fake_root, &port, &before, NULL), 0);
	assert_true(before.n > 2);
	fake_remove(RXE);
	fake_remove(FAKE_NET "eth1");
	assert_int_equal(rg_nic_read(fake_root, &port, &after, NULL), 0);
	assert_int_equal(after.n, 0);
	assert_int_equal(rg_nic_compare(&before, &after, &moved, &n, NULL), 0);
	assert_int_equal(n, 0);
	assert_int_equal(rg_nic_compare(&after, &before, &moved, &n, NULL), 0);
	assert_int_equal(n, 0);
	rg_nic_reading_release(&before);
}

/* Each as {before, after}, and what is known of it. */
static void widths_decide_what_a_fall_means(void **state)
{
	static const struct {
		enum rg_nic_group group;
		const char *name;
		uint64_t before, after;
		enum rg_nic_how how;
		uint64_t by;
	} t[] = {
		/* Stops at 15. */
		{RG_NIC_FROM_PORT, "excessive_buffer_overrun_errors", 2, 14, RG_NIC_COUNTED, 12},
		{RG_NIC_FROM_PORT, "excessive_buffer_overrun_errors", 2, 15, RG_NIC_SATURATED, 13},
		{RG_NIC_FROM_PORT, "excessive_buffer_overrun_errors", 15, 15, RG_NIC_SATURATED, 0},
		{RG_NIC_FROM_PORT, "excessive_buffer_overrun_errors", 15, 3, RG_NIC_RESET, 3},
		{RG_NIC_FROM_PORT, "symbol_error", 65000, 65535, RG_NIC_SATURATED, 535},
		/* The narrow one stops, the wide one goes on. */
		{RG_NIC_FROM_PORT, "port_xmit_data", 5, 4294967295, RG_NIC_SATURATED, 4294967290},
		{RG_NIC_FROM_PORT, "port_xmit_data", 5, 4294967296, RG_NIC_COUNTED, 4294967291},
		{RG_NIC_FROM_PORT, "port_xmit_data", 4294967290, 7, RG_NIC_RESET, 7},
		/* 32 bits that begin again at 0. */
		{RG_NIC_FROM_HW, "packet_seq_err", 4294967295, 0, RG_NIC_WRAPPED, 1},
		{RG_NIC_FROM_HW, "packet_seq_err", 10, 3, RG_NIC_RESET, 3},
		{RG_NIC_FROM_HW, "packet_seq_err", 0, 4294967295, RG_NIC_COUNTED, 4294967295},
		/* Of unknown width. */
		{RG_NIC_FROM_HW, "sent_pkts", 4294967000, 40, RG_NIC_WRAPPED, 336},
		{RG_NIC_FROM_HW, "sent_pkts", 1ull << 40, 40, RG_NIC_RESET, 40},
		{RG_NIC_FROM_ETHTOOL, "anything", 8, 0, RG_NIC_RESET, 0},
		/* The kernel's own have 64 bits, also those that no row knows. */
		{RG_NIC_FROM_STATISTICS, "rx_bytes", 3000000000, 10, RG_NIC_RESET, 10},
		{RG_NIC_FROM_STATISTICS, "anything", 3000000000, 0, RG_NIC_RESET, 0},
		{RG_NIC_FROM_STATISTICS, "tx_bytes", UINT64_MAX, 4, RG_NIC_WRAPPED, 5},
		{RG_NIC_FROM_TCP, "RetransSegs", 4294967295, 1, RG_NIC_RESET, 1},
		{RG_NIC_FROM_QUEUES, "qdisc prio 3: bytes", 4294967295, 1, RG_NIC_RESET, 1},
		{RG_NIC_FROM_QUEUES, "qdisc prio 3: drops", 4294967295, 1, RG_NIC_WRAPPED, 2},
	};
	struct rg_nic_moved m;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		const struct rg_nic_row *row = rg_nic_row(t[i].group, t[i].name);

		if (!rg_nic_moved_of(row, t[i].before, t[i].after, &m) || m.how != t[i].how ||
		    m.by != t[i].by)
			fail_msg("%s from %llu to %llu: %s by %llu", t[i].name,
				 (unsigned long long)t[i].before, (unsigned long long)t[i].after,
				 rg_nic_how_words[m.how], (unsigned long long)m.by);
		assert_false(t[i].before != 15 &&
			     rg_nic_moved_of(row, t[i].before, t[i].before, &m));
	}
	/* How many there are is no count. */
	assert_false(rg_nic_moved_of(rg_nic_row(RG_NIC_FROM_HW, "active_qps"), 3, 9, &m));
	assert_false(rg_nic_moved_of(rg_nic_row(RG_NIC_FROM_ETHTOOL, "outbound_pci_stalled_rd"), 3,
				     9, &m));
}

static void names_of_vendors_are_classed(void **state)
{
	static const struct {
		enum rg_nic_group group;
		const char *name;
		enum rg_nic_class class;
	} t[] = {
		{RG_NIC_FROM_PORT, "link_downed", RG_NIC_STILL},
		{RG_NIC_FROM_PORT, "port_xmit_wait", RG_NIC_BUSY},
		{RG_NIC_FROM_PORT, "port_rcv_data", RG_NIC_PLAIN},
		{RG_NIC_FROM_HW, "local_ack_timeout_err", RG_NIC_STILL},
		{RG_NIC_FROM_HW, "roce_slow_restart_cnps", RG_NIC_BUSY},
		{RG_NIC_FROM_HW, "out_of_seq_request", RG_NIC_STILL},
		{RG_NIC_FROM_HW, "send_rnr_err", RG_NIC_BUSY},
		{RG_NIC_FROM_HW, "res_cq_load_err", RG_NIC_STILL},
		{RG_NIC_FROM_HW, "ip6InTruncatedPkts", RG_NIC_STILL},
		{RG_NIC_FROM_HW, "iwInRdmaReads", RG_NIC_PLAIN},
		{RG_NIC_FROM_HW, "rx_err_pkt", RG_NIC_STILL},
		{RG_NIC_FROM_HW, "rx_drops", RG_NIC_STILL},
		{RG_NIC_FROM_DEVICE, "cmds_err", RG_NIC_STILL},
		/* Packets may overtake each other, but none is to be asked for again. */
		{RG_NIC_FROM_HW, "out_of_sequence", RG_NIC_BUSY},
		{RG_NIC_FROM_HW, "packet_seq_err", RG_NIC_STILL},
		{RG_NIC_FROM_DEVICE, "packet_seq_err", RG_NIC_STILL}, /* as the port's */
		{RG_NIC_FROM_STATISTICS, "rx_crc_errors", RG_NIC_STILL},
		{RG_NIC_FROM_STATISTICS, "rx_dropped", RG_NIC_BUSY},
		{RG_NIC_FROM_ETHTOOL, "rx_steer_missed_packets", RG_NIC_BUSY},
		{RG_NIC_FROM_ETHTOOL, "rx_prio3_pause", RG_NIC_BUSY},
		{RG_NIC_FROM_ETHTOOL, "rx_prio3_packets", RG_NIC_PLAIN},
		{RG_NIC_FROM_ETHTOOL, "rx_prio3_discards", RG_NIC_STILL},
		{RG_NIC_FROM_ETHTOOL, "tx_pfc_ena_frames_pri5", RG_NIC_BUSY},
		{RG_NIC_FROM_QUEUES, "qdisc tbf 1: drops", RG_NIC_BUSY},
		{RG_NIC_FROM_QUEUES, "class prio 3:1 packets", RG_NIC_PLAIN},
		{RG_NIC_FROM_HW, "made_up_yesterday", RG_NIC_PLAIN},
		{RG_NIC_FROM_PORT, "made_up_yesterday", RG_NIC_PLAIN},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (rg_nic_row(t[i].group, t[i].name)->class != t[i].class)
			fail_msg("%s", t[i].name);
	}
	assert_string_equal(rg_nic_row(RG_NIC_FROM_HW, "made_up_yesterday")->meaning,
			    "of unknown meaning");
	/* '#' is a number, and there is one. */
	assert_string_equal(rg_nic_row(RG_NIC_FROM_ETHTOOL, "rx_prio_pause")->source, "");
}

static void every_row_has_a_source_and_words_and_can_be_found(void **state)
{
	const struct rg_nic_row *const tables[] = {rg_nic_rows_rdma, rg_nic_rows_net};

	for (int t = 0; t < 2; t++) {
		for (const struct rg_nic_row *row = tables[t]; row->name; row++) {
			char name[64];
			size_t k = 0;

			for (const char *p = row->name; *p; p++)
				name[k++] = *p == '#' ? '4' : *p == '*' ? 'x' : *p;
			name[k] = '\0';
			if (rg_nic_row(row->group, name) != row)
				fail_msg("%s is hidden by an earlier row", row->name);
			assert_true(row->source[0] && row->drivers[0] && row->meaning[0]);
			assert_true(islower((unsigned char)row->meaning[0]) ||
				    isupper((unsigned char)row->meaning[0]));
			assert_true(strlen(row->meaning) < 128); /* as documents have it */
			assert_true(k < RG_NIC_NAME_BYTES);
		}
	}
}

static void readings_wait_until_what_was_kept_has_aged(void **state)
{
	struct rg_nic_port port = port_of("rxe0");
	uint64_t before = rg_clock_ns();

	fake_number(RXE "/ports/1/hw_counters", "lifespan", 30);
	assert_int_equal(rg_nic_settle(fake_root, &port, 1), 0);
	assert_true(rg_clock_ns() - before >= 30000000);
	/* An interface alone has nothing to wait for. */
	port = port_of("eth2");
	assert_int_equal(rg_nic_settle(fake_root, &port, 1), 0);
	/* So long nobody waits; the rest is told. */
	port = port_of("rxe0");
	fake_number(RXE "/ports/1/hw_counters", "lifespan", 1500);
	before = rg_clock_ns();
	assert_int_equal(rg_nic_settle(fake_root, &port, 1), 500000000);
	assert_true(rg_clock_ns() - before >= 1000000000);
	/* A driver that tells once a second. */
	fake_link(FAKE_NET "eth2/device/driver", "../../bus/pci/drivers/bnxt_en");
	port = port_of("eth2");
	assert_int_equal(rg_nic_settle(fake_root, &port, 1), 1000000000);
}

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
	const struct rg_nic_value *v = value_of(&list->reading, name);

	if (!v)
		fail_msg("no %s", name);
	assert_int_equal(v->group, RG_NIC_FROM_QUEUES);
	return v->value;
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

static void this_machine_can_be_read(void **state)
{
	struct rg_nic_port ports[RG_NIC_PORTS_MAX];
	struct rg_nic_reading r = {0};
	uint32_t n;

	if (access("/sys/class/net/lo/statistics/rx_bytes", R_OK))
		skip();
	assert_int_equal(rg_nic_ports_find("", "lo", ports, &n, NULL), 0);
	ports[0].tcp = true;
	(void)rg_nic_settle("", ports, 1);
	assert_int_equal(rg_nic_read("", &ports[0], &r, NULL), 0);
	assert_non_null(value_of(&r, "rx_bytes"));
	assert_non_null(value_of(&r, "RetransSegs"));
	for (uint32_t i = 1; i < r.n; i++)
		assert_true(r.values[i - 1].group <= r.values[i].group);
	rg_nic_reading_release(&r);
}

static void a_failing_allocation_is_an_error_and_leaks_nothing(void **state)
{
	struct rg_nic_port port = port_of("mlx5_0:1");
	struct rg_nic_reading before = {0}, after = {0};
	struct rg_nic_moved *moved;
	uint32_t n;

	for (unsigned long k = 1;; k++) {
		int rc;

		rg_mem_fail_nth(k);
		rc = rg_nic_read(fake_root, &port, &before, NULL);
		if (!rc)
			rc = rg_nic_read(fake_root, &port, &after, NULL);
		if (!rc)
			rc = rg_nic_compare(&before, &after, &moved, &n, NULL);
		if (!rg_mem_fail_fired()) {
			assert_int_equal(rc, 0);
			break;
		}
		assert_int_equal(rc, RG_ERR_NO_MEMORY);
	}
	rg_mem_fail_nth(0);
	rg_nic_reading_release(&before);
	rg_nic_reading_release(&after);
}

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
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_tree, fake_close)
		TEST(names_stand_for_ports_and_what_is_behind_them),
		TEST(what_is_not_there_is_named),
		TEST(of_names_that_nobody_asked_for_those_that_are_there_are_taken),
		TEST(a_reading_has_all_numbers_of_a_port_and_its_interface),
		TEST(tcp_is_read_with_the_port_that_says_so),
		TEST(what_moved_between_two_readings_is_listed),
		TEST(a_device_that_vanishes_has_nothing_any_more),
		TEST(readings_wait_until_what_was_kept_has_aged),
		TEST(a_failing_allocation_is_an_error_and_leaks_nothing),
#undef TEST
		cmocka_unit_test(widths_decide_what_a_fall_means),
		cmocka_unit_test(names_of_vendors_are_classed),
		cmocka_unit_test(every_row_has_a_source_and_words_and_can_be_found),
		cmocka_unit_test(single_rings_are_told_from_ports),
		cmocka_unit_test(queues_of_the_interface_are_read_out_of_the_kernels_answer),
		cmocka_unit_test(what_answers_another_request_is_skipped),
		cmocka_unit_test(an_answer_that_is_cut_is_not_read_beyond_its_end),
		cmocka_unit_test(statistics_that_grow_while_they_are_read_are_left_out),
		cmocka_unit_test(this_machine_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
