/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/model/bound_verbs.h"

#include <math.h>
#include <stddef.h>

enum {
	LRH = 8,
	GRH = 40,
	ETHERNET = 14,
	VLAN = 4,
	FCS = 4,
	PREAMBLE = 8,
	GAP = 12,
	FRAME_MIN = 64, /* from the destination's address to FCS, a tag among it */
	IPV4 = 20,
	IPV6 = 40,
	UDP = 8,
	TCP = 20,
	TIMESTAMPS = 12,
	BTH = 12,
	RETH = 16,
	DETH = 8,
	AETH = 4,
	IMMDT = 4,
	ICRC = 4,
	VCRC = 2,
};

const char *const rg_bound_verb_words[] = {
#define WORD(name, word) word,
	RG_BOUND_VERB_LIST(WORD)
#undef WORD
		NULL,
};

/* An Ethernet frame around so many bytes, as it is counted. */
static uint64_t frame_bytes(const struct rg_wire_path *path, uint64_t inside_bytes)
{
	uint64_t bytes = ETHERNET + inside_bytes;

	if (path->account == RG_WIRE_QDISC)
		return bytes;
	bytes += FCS + (path->vlan ? VLAN : 0);
	return (bytes < FRAME_MIN ? FRAME_MIN : bytes) + PREAMBLE + GAP;
}

/* A packet with so many bytes of data, and of headers behind the BTH. */
static uint64_t packet_bytes(const struct rg_wire_path *path, uint64_t data_bytes,
			     uint64_t header_bytes)
{
	uint64_t inside = BTH + header_bytes + (data_bytes + 3) / 4 * 4 + ICRC;

	switch (path->wire) {
	case RG_WIRE_INFINIBAND:
		return LRH + (path->grh ? GRH : 0) + inside + VCRC;
	case RG_WIRE_ROCE1:
		return frame_bytes(path, GRH + inside);
	case RG_WIRE_ROCE2:
		return frame_bytes(path, (path->ipv6 ? IPV6 : IPV4) + UDP + inside);
	}
	return 0;
}

/* Data of one message: headers behind the BTH of the first packet and of the last one. */
static void add_data(const struct rg_wire_path *path, uint64_t size_bytes, uint64_t first,
		     uint64_t last, uint64_t *bytes, uint64_t *packets, uint64_t *last_bytes)
{
	uint64_t mtu = path->mtu_bytes, n = size_bytes > mtu ? (size_bytes - 1) / mtu + 1 : 1;
	uint64_t rest = size_bytes - (n - 1) * mtu;

	*packets = n;
	*last_bytes = packet_bytes(path, rest, last + (n == 1 ? first : 0));
	*bytes = *last_bytes;
	if (n > 1)
		*bytes += packet_bytes(path, mtu, first) + (n - 2) * packet_bytes(path, mtu, 0);
}

struct rg_wire_bytes rg_wire_message(const struct rg_wire_path *path, enum rg_bound_verb verb,
				     uint64_t size_bytes)
{
	uint64_t immediate =
		verb == RG_BOUND_VERB_WRITE_IMM || verb == RG_BOUND_VERB_SEND_IMM ? IMMDT : 0;
	uint64_t first = verb == RG_BOUND_VERB_WRITE || verb == RG_BOUND_VERB_WRITE_IMM ? RETH : 0;
	struct rg_wire_bytes b = {0};

	if (verb == RG_BOUND_VERB_UD) {
		if (size_bytes > path->mtu_bytes)
			return b;
		first = DETH;
	}
	if (verb == RG_BOUND_VERB_READ) {
		bool one = size_bytes <= path->mtu_bytes;

		b.out_packets = 1;
		b.out_bytes = b.out_last_bytes = packet_bytes(path, 0, RETH);
		add_data(path, size_bytes, one ? 0 : AETH, AETH, &b.back_bytes, &b.back_packets,
			 &b.back_last_bytes);
	} else {
		add_data(path, size_bytes, first, immediate, &b.out_bytes, &b.out_packets,
			 &b.out_last_bytes);
	}
	return b;
}

uint64_t rg_wire_ack_bytes(const struct rg_wire_path *path)
{
	return packet_bytes(path, 0, AETH);
}

double rg_wire_messages_ps(const struct rg_wire_path *path, enum rg_bound_verb verb,
			   uint64_t size_bytes, double acks, bool both)
{
	struct rg_wire_bytes b = rg_wire_message(path, verb, size_bytes);
	double out = (double)b.out_bytes, back = (double)b.back_bytes;

	if (!b.out_packets)
		return 0;
	if (verb != RG_BOUND_VERB_UD && verb != RG_BOUND_VERB_READ)
		back += acks * (double)rg_wire_ack_bytes(path);
	return path->rate_Bps / (both ? out + back : fmax(out, back));
}

double rg_wire_goodput_Bps(const struct rg_wire_path *path, enum rg_bound_verb verb,
			   uint64_t size_bytes, double acks, bool both)
{
	return (double)size_bytes * rg_wire_messages_ps(path, verb, size_bytes, acks, both);
}

/* From the first bit until the last is through. */
static double way_ns(const struct rg_wire_path *path, uint64_t bytes, uint64_t last_bytes)
{
	double beyond = fmax((double)bytes - path->burst_bytes, 0);
	double stored = (double)path->stores * (double)last_bytes;

	return (beyond + stored) / path->rate_Bps * 1e9 + path->delay_ns;
}

double rg_wire_latency_ns(const struct rg_wire_path *path, enum rg_bound_verb verb,
			  uint64_t size_bytes)
{
	struct rg_wire_bytes b = rg_wire_message(path, verb, size_bytes);

	if (!b.out_packets)
		return 0;
	return way_ns(path, b.out_bytes, b.out_last_bytes) +
	       (b.back_packets ? way_ns(path, b.back_bytes, b.back_last_bytes) : 0);
}

double rg_wire_tcp_goodput_Bps(const struct rg_wire_path *path)
{
	double headers = (path->ipv6 ? IPV6 : IPV4) + TCP + TIMESTAMPS;
	double payload = (double)path->mtu_bytes - headers;

	return payload > 0 ? path->rate_Bps * payload / (double)frame_bytes(path, path->mtu_bytes)
			   : 0;
}
