/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters of RDMA devices: their class and what they mean. Facts are from the sources that each
 * row names; the words are ours.
 *
 * What a lossless network must not do, lose and have sent again, and what only mistakes bring about
 * must not move. A receiver that is late, flow control, marks of congestion and rate control come
 * with load; so do packets that overtake others where the network sends them over several ways
 * (adaptive routing) and the adapter takes them in any order. An adapter that does not asks for
 * them again, which is a sequence error at the sender. siw has no counters of its own [Linux-siw]:
 * its interface and TCP have.
 */
#include "config.h"

#include "nic_counters_impl.h"

#define ROW(from, text, how, width, who, tag, words)                                   \
	{                                                                              \
		.group = RG_NIC_FROM_##from, .name = (text), .class = RG_NIC_##how,    \
		.bits = (width), .drivers = (who), .source = (tag), .meaning = (words) \
	}
#define STOPS(from, text, how, width, who, tag, words)                                 \
	{                                                                              \
		.group = RG_NIC_FROM_##from, .name = (text), .class = RG_NIC_##how,    \
		.bits = (width), .saturates = true, .drivers = (who), .source = (tag), \
		.meaning = (words)                                                     \
	}
#define LEVEL(from, text, who, tag, words)                                                         \
	{                                                                                          \
		.group = RG_NIC_FROM_##from, .name = (text), .class = RG_NIC_PLAIN, .level = true, \
		.drivers = (who), .source = (tag), .meaning = (words)                              \
	}

const struct rg_nic_row rg_nic_rows_rdma[] = {
/* PortCounters and PortCountersExtended. */
#define IB(text, how, width, words) STOPS(PORT, text, how, width, "any", "IBTA15", words)
	IB("symbol_error", STILL, 16, "minor errors on a lane of the link"),
	IB("link_error_recovery", STILL, 8, "times the link had to be trained again"),
	IB("link_downed", STILL, 8, "times the link went down"),
	IB("port_rcv_errors", STILL, 16, "packets that came with an error"),
	IB("port_rcv_remote_physical_errors", STILL, 16,
	   "packets that came marked as broken on a link before"),
	IB("port_rcv_switch_relay_errors", BUSY, 16,
	   "packets that had nowhere to be passed on to (multicast to where it came from, too)"),
	IB("port_xmit_discards", STILL, 16, "packets that were not sent: port down or congested"),
	IB("port_xmit_constraint_errors", STILL, 8,
	   "packets that were not sent: filtered, or of another partition"),
	IB("port_rcv_constraint_errors", STILL, 8,
	   "packets that were dropped: filtered, or of another partition"),
	IB("local_link_integrity_errors", STILL, 4,
	   "times errors of the link passed the threshold"),
	IB("excessive_buffer_overrun_errors", STILL, 4, "times an input buffer ran over"),
	IB("VL15_dropped", BUSY, 16, "management packets dropped for lack of buffers"),
	IB("port_xmit_wait", BUSY, 32,
	   "ticks in which data waited: no credit, or another lane's turn"),
	IB("port_xmit_data", PLAIN, 32, "words of 4 bytes sent"),
	IB("port_rcv_data", PLAIN, 32, "words of 4 bytes received"),
	IB("port_xmit_packets", PLAIN, 32, "packets sent"),
	IB("port_rcv_packets", PLAIN, 32, "packets received"),
	IB("unicast_xmit_packets", PLAIN, 0, "unicast packets sent"),
	IB("unicast_rcv_packets", PLAIN, 0, "unicast packets received"),
	IB("multicast_xmit_packets", PLAIN, 0, "multicast packets sent"),
	IB("multicast_rcv_packets", PLAIN, 0, "multicast packets received"),
#undef IB

/* The queues' counters have 32 bits and begin again at 0, the ports' 64. */
#define MLX5(text, how, width, words) ROW(HW, text, how, width, "mlx5", "Linux-mlx5", words)
	MLX5("out_of_sequence", BUSY, 32,
	     "packets that came out of order: others were overtaken (adaptive routing), or lost"),
	MLX5("packet_seq_err", STILL, 32,
	     "sequence errors that a peer reported: what was sent got lost, or overtaken"),
	MLX5("implied_nak_seq_err", STILL, 32, "responses that were missing before a later one"),
	MLX5("local_ack_timeout_err", STILL, 32, "acknowledgements that did not come in time"),
	MLX5("req_transport_retries_exceeded", STILL, 32,
	     "requests given up: the peer did not answer"),
	MLX5("req_rnr_retries_exceeded", STILL, 32,
	     "requests given up: the peer posted no receive"),
	MLX5("req_remote_invalid_request", STILL, 32, "requests that a peer refused as invalid"),
	MLX5("req_remote_access_errors", STILL, 32, "accesses that a peer refused"),
	MLX5("resp_remote_access_errors", STILL, 32, "accesses of peers that were refused"),
	MLX5("resp_local_length_error", STILL, 32, "messages longer than their receive"),
	MLX5("roce_adp_retrans", STILL, 32, "adaptive retransmissions"),
	MLX5("roce_adp_retrans_to", STILL, 32, "timeouts of adaptive retransmission"),
	MLX5("rx_icrc_encapsulated", STILL, 0, "RoCE packets with a wrong checksum (ICRC)"),
	MLX5("rnr_nak_retry_err", BUSY, 32,
	     "answers \"receiver not ready\": no receive was posted"),
	MLX5("out_of_buffer", BUSY, 32, "packets dropped because no receive was posted"),
	MLX5("roce_slow_restart*", BUSY, 32, "slow restarts after a pause or congestion"),
	MLX5("rp_cnp_handled", BUSY, 0, "congestion notifications that slowed a sender down"),
	MLX5("rp_cnp_ignored", BUSY, 0, "congestion notifications without effect"),
	MLX5("np_ecn_marked_roce_packets", BUSY, 0, "packets marked by a congested switch"),
	MLX5("np_cnp_sent", BUSY, 0, "congestion notifications sent to peers"),
	MLX5("cc_rx_ce_pkts", BUSY, 0, "packets marked by a congested switch"),
	MLX5("cc_rx_cnp_pkts", BUSY, 0, "congestion notifications received"),
	MLX5("cc_tx_cnp_pkts", BUSY, 0, "congestion notifications sent"),
	MLX5("resp_cqe_error", PLAIN, 32, "receives that ended in an error, flushed ones included"),
	MLX5("req_cqe_error", PLAIN, 32, "requests that ended in an error, flushed ones included"),
	MLX5("resp_cqe_flush_error", PLAIN, 32, "receives flushed when a queue pair ended"),
	MLX5("req_cqe_flush_error", PLAIN, 32, "requests flushed when a queue pair ended"),
	MLX5("rx_write_requests", PLAIN, 32, "WRITE requests received"),
	MLX5("rx_read_requests", PLAIN, 32, "READ requests received"),
	MLX5("rx_atomic_requests", PLAIN, 32, "ATOMIC requests received"),
	MLX5("rx_dct_connect", PLAIN, 32, "connections of dynamic transport"),
	MLX5("rdma_tx_bytes", PLAIN, 0, "bytes of RDMA sent"),
	MLX5("rdma_rx_bytes", PLAIN, 0, "bytes of RDMA received"),
	MLX5("rdma_tx_packets", PLAIN, 0, "packets of RDMA sent"),
	MLX5("rdma_rx_packets", PLAIN, 0, "packets of RDMA received"),
#undef MLX5

	/* Two drivers have it, of 32 and of 64 bits. */
	ROW(HW, "duplicate_request", STILL, 0, "mlx5, rxe", "Linux-mlx5",
	    "requests that had come before: the peer sent them again"),

/* It takes no packet but the next one in order: whatever is overtaken is sent again. */
#define RXE(text, how, words) ROW(HW, text, how, 0, "rxe", "Linux-rxe", words)
	RXE("out_of_seq_request", STILL,
	    "requests that came out of order: others were lost, or overtaken"),
	RXE("rcvd_seq_err", STILL, "sequence errors that a peer reported: what was sent got lost"),
	RXE("completer_retry_err", STILL, "times a sender began again after a loss or a timeout"),
	RXE("retry_exceeded_err", STILL, "requests given up: the peer did not answer"),
	RXE("retry_rnr_exceeded_err", STILL, "requests given up: the peer posted no receive"),
	RXE("send_err", STILL, "packets that the kernel could not send"),
	RXE("link_downed", STILL, "times the interface went down"),
	RXE("rcvd_rnr_err", BUSY, "answers \"receiver not ready\" from peers"),
	RXE("send_rnr_err", BUSY, "answers \"receiver not ready\" to peers: no receive was posted"),
	RXE("ack_deferred", PLAIN, "acknowledgements left to a later turn"),
	RXE("sent_pkts", PLAIN, "packets sent"),
	RXE("rcvd_pkts", PLAIN, "packets received"),
	RXE("rdma_sends", PLAIN, "SENDs that were done"),
	RXE("rdma_recvs", PLAIN, "SENDs that came"),
#undef RXE

#define BNXT(text, how, words) ROW(HW, text, how, 0, "bnxt_re", "Linux-bnxt", words)
	LEVEL(HW, "active_*", "bnxt_re", "Linux-bnxt", "objects in use"),
	LEVEL(HW, "watermark_*", "bnxt_re", "Linux-bnxt", "most objects that were in use"),
	BNXT("rx_roce_errors", STILL, "RoCE packets that came with an error"),
	BNXT("rx_roce_discards", STILL, "RoCE packets that were dropped"),
	BNXT("to_retransmits", STILL, "packets sent again after a timeout"),
	BNXT("seq_err_naks_rcvd", STILL, "sequence errors that a peer reported"),
	BNXT("max_retry_exceeded", STILL, "requests given up: the peer did not answer"),
	BNXT("missing_resp", STILL, "responses that were missing before a later one"),
	BNXT("unrecoverable_err", STILL, "errors that ended a queue pair"),
	BNXT("bad_resp_err", STILL, "responses that were wrong"),
	BNXT("local_qp_op_err", STILL, "requests that the adapter could not carry out"),
	BNXT("local_protection_err", STILL, "accesses to local memory that were refused"),
	BNXT("mem_mgmt_op_err", STILL, "memory operations that failed"),
	BNXT("remote_invalid_req_err", STILL, "requests that a peer refused as invalid"),
	BNXT("remote_access_err", STILL, "accesses that a peer refused"),
	BNXT("remote_op_err", STILL, "requests that a peer could not carry out"),
	BNXT("dup_req", STILL, "requests that had come before: the peer sent them again"),
	BNXT("oos_drop_count", STILL, "packets dropped because they came out of order"),
	BNXT("res_*", STILL, "requests of peers that failed here, by reason"),
	BNXT("rnr_naks_rcvd", BUSY, "answers \"receiver not ready\": no receive was posted"),
	BNXT("rx_out_of_buffer", BUSY, "packets dropped because no receive was posted"),
	BNXT("rx_ecn_marked_pkts", BUSY, "packets marked by a congested switch"),
	BNXT("rx_cnp_pkts", BUSY, "congestion notifications received"),
	BNXT("tx_cnp_pkts", BUSY, "congestion notifications sent"),
	/* The driver fills it from the number of broadcasts sent. */
	BNXT("recoverable_errors", PLAIN, "broadcasts sent, in spite of its name"),
#undef BNXT

#define IRDMA(text, how, words) ROW(HW, text, how, 0, "irdma", "Linux-irdma", words)
	IRDMA("rxVlanErrors", STILL, "packets with a wrong VLAN"),
	IRDMA("ip#InTruncatedPkts", STILL, "IP packets that were cut short"),
	IRDMA("ip#OutNoRoutes", STILL, "IP packets without a route"),
	IRDMA("tcpInOptErrors", STILL, "TCP segments with wrong options"),
	IRDMA("tcpInProtoErrors", STILL, "TCP segments that were wrong"),
	IRDMA("ip#InDiscards", BUSY, "IP packets that were dropped"),
	IRDMA("tcpRetransSegs", BUSY, "TCP segments sent again"),
	IRDMA("cnpHandled", BUSY, "congestion notifications that slowed a sender down"),
	IRDMA("cnpIgnored", BUSY, "congestion notifications without effect"),
	IRDMA("cnpSent", BUSY, "congestion notifications sent to peers"),
	IRDMA("RxECNMrkd", BUSY, "packets marked by a congested switch"),
#undef IRDMA

#define HNS(text, how, words) ROW(HW, text, how, 0, "hns", "Linux-hns", words)
	HNS("rx_err_pkt", STILL, "packets that came with an error"),
	HNS("tx_err_pkt", STILL, "packets that could not be sent"),
	HNS("trp_get_mpt_err_pkt", STILL, "packets for memory that is not registered"),
	HNS("trp_get_irrl_err_pkt", STILL, "responses to READs that nobody waits for"),
	HNS("rx_cnp_pkt", BUSY, "congestion notifications received"),
	HNS("tx_cnp_pkt", BUSY, "congestion notifications sent"),
#undef HNS

#define EFA(from, text, how, words) ROW(from, text, how, 0, "efa", "Linux-efa", words)
	EFA(HW, "rx_drops", STILL, "packets that came and were dropped"),
	EFA(HW, "rdma_read_wr_err", STILL, "READs that failed"),
	EFA(HW, "rdma_write_wr_err", STILL, "WRITEs that failed"),
	EFA(HW, "unresponsive_remote_events", STILL, "times a peer did not answer"),
	EFA(HW, "impaired_remote_conn_events", STILL, "times a connection became impaired"),
	EFA(HW, "retrans_timeout_events", BUSY, "times packets were sent again after a timeout"),
	EFA(HW, "retrans_pkts", BUSY, "packets sent again"),
	EFA(HW, "retrans_bytes", BUSY, "bytes sent again"),
	EFA(DEVICE, "cmds_err", STILL, "commands that the device refused"),
	EFA(DEVICE, "no_completion_cmds", STILL, "commands that the device did not answer"),
#undef EFA
	{.name = NULL},
};
