/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bounds of one message between two ports: how many bytes the line carries for it, and so what
 * goodput, message rate and latency can be at best. Pure functions of plain numbers, beside those
 * of bound_network.h for collectives.
 *
 *   operation, size, path MTU, headers  ->  bytes each way  +  rate  ->  bounds
 *
 * A message of S bytes crosses as n packets, n = 1 for S <= MTU, else S / MTU rounded up. A packet
 * carries its part of the message, filled up to a multiple of 4 bytes (PadCnt), and around it
 * [IBTA15, chapters 5 and 9; IBA-A16; IBA-A17; IEEE802.3, clauses 3 and 4; RFC768; RFC791;
 * RFC8200]:
 *
 *                InfiniBand          RoCE v1             RoCE v2
 *   below        LRH 8, GRH 40 (*)   Ethernet 14, VLAN 4 (*), then
 *                                    GRH 40              IPv4 20 or IPv6 40, UDP 8
 *   transport    BTH 12, and by operation:
 *     send         first, middle, last: none; with immediate: ImmDt 4 in the last
 *     write        RETH 16 in the first; with immediate: ImmDt 4 in the last
 *     read         request, without data: RETH 16; responses, data the other way: AETH 4 in the
 *                  first and in the last (once if they are the same)
 *     ud           one packet of at most MTU: DETH 8
 *     acknowledgement, the other way, without data: AETH 4
 *   above        ICRC 4, VCRC 2      ICRC 4, FCS 4
 *   on the line                      frames of less than 64 bytes, VLAN among them, filled up to
 *                                    that (bridges may fill up to 68); preamble and start of frame
 *                                    8, gap to the next one 12
 *   (*) if there is one
 *
 * Not counted, and so the bounds hold in spite of them: InfiniBand's packet delimiters, idle
 * symbols and flow control packets, pause frames, and whatever the endpoints themselves take.
 *
 * What a byte is worth depends on who sets the rate. A line passes all of the above. The queues of
 * Linux (tc's tbf, for one) count a packet as the kernel has it: with the Ethernet header, without
 * the tag of a VLAN, which is beside the packet until it leaves, what fills up a short frame, FCS,
 * preamble and gap [Linux-qdisc]. A link that is shaped to a rate is to be compared with the bound
 * in the shaper's account.
 *
 * Acknowledgements go the other way. A responder may answer many packets at once, so what they take
 * is the caller's to say, per message; 0 is a bound for whoever answers least. They count where
 * data go both ways, and where the way back is the slower one.
 *
 * Latency floor of one message: its bytes at the rate, beyond what a token bucket lets pass at
 * once; once more its last packet for each further hop that stores before it forwards; and the
 * delay that is known to be added (a laboratory's). Of a read, request and response together.
 */
#ifndef RAILGAUGE_MODEL_BOUND_VERBS_H
#define RAILGAUGE_MODEL_BOUND_VERBS_H

#include <stdbool.h>
#include <stdint.h>

#define RG_BOUND_VERB_LIST(X)     \
	X(WRITE, "write")         \
	X(WRITE_IMM, "write-imm") \
	X(SEND, "send")           \
	X(SEND_IMM, "send-imm")   \
	X(READ, "read")           \
	X(UD, "ud")

enum rg_bound_verb {
#define RG_BOUND_VERB_ENUM(name, word) RG_BOUND_VERB_##name,
	RG_BOUND_VERB_LIST(RG_BOUND_VERB_ENUM)
#undef RG_BOUND_VERB_ENUM
		RG_BOUND_VERB_COUNT
};
extern const char *const rg_bound_verb_words[]; /* NULL-terminated, in enum order */

enum rg_wire {
	RG_WIRE_INFINIBAND,
	RG_WIRE_ROCE1,
	RG_WIRE_ROCE2,
};

/* Who counts the bytes. */
enum rg_wire_account {
	RG_WIRE_LINE,  /* the physical line */
	RG_WIRE_QDISC, /* a queue of Linux: Ethernet only */
};

/* The way between two ports, alike in both directions. */
struct rg_wire_path {
	enum rg_wire wire;
	enum rg_wire_account account;
	bool grh;	    /* InfiniBand: with a global route header, as between subnets */
	bool ipv6;	    /* RoCE v2 */
	bool vlan;	    /* Ethernet: frames carry a tag */
	uint32_t mtu_bytes; /* path MTU of the queue pair, 256 to 4096; of TCP the interface's */
	double rate_Bps;    /* each way, above 0, in bytes as account counts them (topo/line.h) */
	double burst_bytes; /* what passes at once beyond the rate; 0: nothing shapes */
	double delay_ns;    /* one way, known to be added; 0: none is known */
	uint32_t stores;    /* hops beyond the first that store a packet before they forward it */
};

/* What one message puts on the way; "out" is the direction from who asks for the operation. */
struct rg_wire_bytes {
	uint64_t out_bytes, back_bytes; /* as account counts them */
	uint64_t out_packets, back_packets;
	uint64_t out_last_bytes, back_last_bytes; /* the last packet of each; 0: there is none */
};

/*
 * One message of size_bytes, without acknowledgements; those are
 * rg_wire_ack_bytes each. A ud message above the MTU is not possible: then all are 0.
 */
struct rg_wire_bytes rg_wire_message(const struct rg_wire_path *path, enum rg_bound_verb verb,
				     uint64_t size_bytes);

/* One acknowledgement: BTH and AETH. */
uint64_t rg_wire_ack_bytes(const struct rg_wire_path *path);

/*
 * Most messages per second in one direction, with so many acknowledgements per message (0 and
 * more; ud and read have none). both: as many go the other way at the same time, and the result is
 * that of one direction. 0 for a message that is not possible.
 */
double rg_wire_messages_ps(const struct rg_wire_path *path, enum rg_bound_verb verb,
			   uint64_t size_bytes, double acks, bool both);

/* The same in bytes of the messages. */
double rg_wire_goodput_Bps(const struct rg_wire_path *path, enum rg_bound_verb verb,
			   uint64_t size_bytes, double acks, bool both);

/*
 * Least time from the request until the data are there: at the peer, of a read here. Half of a
 * ping-pong's round trip. 0 for a message that is not possible.
 */
double rg_wire_latency_ns(const struct rg_wire_path *path, enum rg_bound_verb verb,
			  uint64_t size_bytes);

/*
 * TCP over Ethernet: payload per second of a long stream [RFC9293; RFC7323: timestamps, 12 bytes of
 * options, are on by default in Linux]. Of path count account, ipv6, vlan, mtu_bytes and rate_Bps.
 * Acknowledgements go the other way and are not in it.
 */
double rg_wire_tcp_goodput_Bps(const struct rg_wire_path *path);

#endif
