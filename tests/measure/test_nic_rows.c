/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of single counters: widths, classes, words. */
#include "config.h"

#include "railgauge/measure/nic_counters.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(widths_decide_what_a_fall_means),
		cmocka_unit_test(names_of_vendors_are_classed),
		cmocka_unit_test(every_row_has_a_source_and_words_and_can_be_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
