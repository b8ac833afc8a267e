/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters of network interfaces and of TCP, as nic_counters_rdma.c has those of RDMA devices. */
#include "config.h"

#include "nic_counters_impl.h"

#define ROW(from, text, how, width, who, tag, words)                                   \
	{                                                                              \
		.group = RG_NIC_FROM_##from, .name = (text), .class = RG_NIC_##how,    \
		.bits = (width), .drivers = (who), .source = (tag), .meaning = (words) \
	}

const struct rg_nic_row rg_nic_rows_net[] = {
/* The kernel's own, which have 64 bits whatever the adapter's have. */
#define STAT(text, how, words) ROW(STATISTICS, text, how, 64, "any", "Linux-statistics", words)
	STAT("rx_errors", STILL, "frames that came with an error"),
	STAT("tx_errors", STILL, "frames that could not be sent"),
	STAT("rx_crc_errors", STILL, "frames with a wrong checksum"),
	STAT("rx_frame_errors", STILL, "frames that were badly aligned"),
	STAT("rx_length_errors", STILL, "frames of a wrong length: MTUs may differ"),
	STAT("rx_over_errors", STILL, "frames that the adapter had no place for"),
	STAT("rx_fifo_errors", STILL, "frames that the adapter had no place for"),
	STAT("rx_missed_errors", STILL, "frames lost because the host did not take them in time"),
	STAT("tx_aborted_errors", STILL, "frames whose sending was given up"),
	STAT("tx_carrier_errors", STILL, "frames not sent because there was no carrier"),
	STAT("tx_fifo_errors", STILL, "frames that the adapter could not fetch in time"),
	STAT("tx_heartbeat_errors", STILL, "frames without a heartbeat"),
	STAT("tx_window_errors", STILL, "frames with a late collision"),
	STAT("collisions", STILL, "collisions: the link is half duplex"),
	/* Frames of protocols that nobody here speaks count as well. */
	STAT("rx_dropped", BUSY, "frames that came and that the host dropped"),
	STAT("tx_dropped", BUSY, "frames that were dropped before they were sent"),
	STAT("rx_nohandler", PLAIN, "frames of protocols that nobody here speaks"),
	STAT("rx_bytes", PLAIN, "bytes received"),
	STAT("tx_bytes", PLAIN, "bytes sent"),
	STAT("rx_packets", PLAIN, "frames received"),
	STAT("tx_packets", PLAIN, "frames sent"),
	STAT("multicast", PLAIN, "multicast frames received"),
	STAT("*", PLAIN, "of unknown meaning"),
#undef STAT

#define MLX5(text, how, words) ROW(ETHTOOL, text, how, 0, "mlx5", "Linux-mlx5-ethtool", words)
	MLX5("rx_crc_errors_phy", STILL, "frames with a wrong checksum: the cable, or its ends"),
	MLX5("rx_in_range_len_errors_phy", STILL, "frames of a wrong length"),
	MLX5("rx_out_of_range_len_phy", STILL, "frames too long: the peer's MTU is larger"),
	MLX5("rx_oversize_pkts_phy", STILL, "frames too long: the peer's MTU is larger"),
	MLX5("rx_undersize_pkts_phy", STILL, "frames too short"),
	MLX5("rx_fragments_phy", STILL, "frames too short and broken"),
	MLX5("rx_jabbers_phy", STILL, "frames too long and broken"),
	MLX5("rx_symbol_err_phy", STILL, "frames broken by wrong symbols"),
	MLX5("rx_pcs_symbol_err_phy", STILL, "wrong symbols that were not corrected"),
	MLX5("rx_unsupported_op_phy", STILL, "control frames that are not understood"),
	MLX5("rx_discards_phy", STILL, "frames dropped for lack of buffers in the adapter"),
	MLX5("tx_discards_phy", STILL, "frames that the port did not send"),
	MLX5("tx_errors_phy", STILL, "frames not sent: longer than the MTU"),
	MLX5("link_down_events_phy", STILL, "times the link went down"),
	MLX5("module_bus_stuck", STILL, "times the transceiver did not answer"),
	MLX5("module_high_temp", STILL, "times the transceiver was too hot"),
	MLX5("module_bad_shorted", STILL, "times the cable had a short"),
	MLX5("tx_pause_storm_error_events", STILL,
	     "times pausing was forbidden for having lasted too long"),
	MLX5("rx_pci_signal_integrity", STILL, "errors of the PCIe link, found here"),
	MLX5("tx_pci_signal_integrity", STILL, "errors of the PCIe link, found at its other end"),
	MLX5("rx_prio#_discards", STILL, "frames of a priority dropped for lack of buffers"),
	/* Flooded frames, and multicast that nobody here asked for, count as well. */
	MLX5("rx_steer_missed_packets", BUSY, "packets that no rule wanted"),
	MLX5("rx_corrected_bits_phy", BUSY, "bits that were corrected"),
	MLX5("rx_err_lane_#_phy", BUSY, "errors of a lane before correction"),
	MLX5("rx_out_of_buffer", BUSY, "packets dropped because no receive was posted"),
	MLX5("rx_buffer_passed_thres_phy", BUSY, "times the receive buffer was nearly full"),
	MLX5("outbound_pci_buffer_overflow", BUSY, "packets dropped: PCIe took them too slowly"),
	MLX5("outbound_pci_stalled_*_events", BUSY, "seconds in which PCIe held the adapter up"),
	MLX5("tx_pause_storm_warning_events", BUSY, "times pausing lasted long"),
	MLX5("rx_prio#_pause", BUSY, "pauses of a priority asked for by the switch"),
	MLX5("tx_prio#_pause", BUSY, "pauses of a priority asked of the switch"),
	MLX5("rx_prio#_pause_duration", BUSY, "microseconds in which a priority paused"),
	MLX5("tx_prio#_pause_duration", BUSY,
	     "microseconds for which a pause of a priority was asked"),
	MLX5("rx_prio#_pause_transition", BUSY, "times a priority went on after a pause"),
	MLX5("rx_prio#_buf_discard", BUSY,
	     "packets of a priority dropped for lack of host buffers"),
	MLX5("rx_prio#_cong_discard", BUSY, "packets of a priority dropped for host congestion"),
	MLX5("rx_prio#_marked", BUSY, "packets of a priority marked for host congestion"),
	MLX5("rx_pause_ctrl_phy", BUSY, "pauses asked for by the switch"),
	MLX5("tx_pause_ctrl_phy", BUSY, "pauses asked of the switch"),
	MLX5("rx_global_pause*", BUSY, "pauses asked for by the switch, or microseconds of them"),
	MLX5("tx_global_pause*", BUSY, "pauses asked of the switch, or microseconds of them"),
	MLX5("rx_prio#_bytes", PLAIN, "bytes of a priority received"),
	MLX5("rx_prio#_packets", PLAIN, "frames of a priority received"),
	MLX5("tx_prio#_bytes", PLAIN, "bytes of a priority sent"),
	MLX5("tx_prio#_packets", PLAIN, "frames of a priority sent"),
#undef MLX5
	{.group = RG_NIC_FROM_ETHTOOL,
	 .name = "outbound_pci_stalled_*",
	 .class = RG_NIC_PLAIN,
	 .level = true,
	 .drivers = "mlx5",
	 .source = "Linux-mlx5-ethtool",
	 .meaning = "share of the last second in which PCIe held the adapter up"},

	ROW(ETHTOOL, "rx_pfc_ena_frames_pri#", BUSY, 0, "bnxt_en", "Linux-bnxt",
	    "pauses of a priority asked for by the switch"),
	ROW(ETHTOOL, "tx_pfc_ena_frames_pri#", BUSY, 0, "bnxt_en", "Linux-bnxt",
	    "pauses of a priority asked of the switch"),
	ROW(ETHTOOL, "rx_priority_#_xoff.nic", BUSY, 0, "ice", "Linux-ice",
	    "pauses of a priority asked for by the switch"),
	ROW(ETHTOOL, "tx_priority_#_xoff.nic", BUSY, 0, "ice", "Linux-ice",
	    "pauses of a priority asked of the switch"),

/* "qdisc prio 3: drops", "class prio 3:1 bytes". */
#define TC(text, how, width, words) ROW(QUEUES, text, how, width, "any", "Linux-qdisc", words)
	TC("* bytes", PLAIN, 64, "bytes that went through the queue"),
	TC("* packets", PLAIN, 0, "packets that went through the queue"),
	TC("* drops", BUSY, 32, "packets that the queue dropped"),
	TC("* overlimits", BUSY, 32, "times the queue held a packet back"),
	TC("* requeues", PLAIN, 32, "packets that were given back to the queue"),
#undef TC

/* Of all connections of the namespace, so none of them says anything about one network. */
#define TCP(text, words) ROW(TCP, text, PLAIN, 64, "any", "Linux-snmp", words)
	TCP("InSegs", "segments received"),
	TCP("OutSegs", "segments sent"),
	TCP("RetransSegs", "segments sent again"),
	TCP("InErrs", "segments that were wrong"),
	TCP("InCsumErrors", "segments with a wrong checksum"),
	TCP("TCPTimeouts", "times an acknowledgement did not come in time"),
	TCP("TCPFastRetrans", "segments sent again because later ones had come"),
	TCP("TCPSlowStartRetrans", "segments sent again after a timeout"),
	TCP("TCPLostRetransmit", "segments lost again after having been sent again"),
	TCP("TCPSpuriousRTOs", "timeouts that were too early"),
	TCP("TCPOFOQueue", "segments that came out of order"),
	TCP("TCPRcvQDrop", "segments dropped: the program did not read"),
	TCP("TCPBacklogDrop", "segments dropped: the socket was busy"),
	TCP("TCPZeroWindowDrop", "segments dropped: the program did not read"),
#undef TCP
	{.name = NULL},
};
