/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports, readings and what moved, from a tree of files made here. */
#include "config.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/measure/nic_counters.h"

#include "fake_sysfs.h"

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
		cmocka_unit_test(this_machine_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
