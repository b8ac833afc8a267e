/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is asked of RDMA devices: the options --verbs.*, their checks, and the times that the
 * hardware knows. All of it is there in builds without libibverbs as well, and pure.
 */
#ifndef RAILGAUGE_TRANSPORT_VERBS_OPTIONS_H
#define RAILGAUGE_TRANSPORT_VERBS_OPTIONS_H

#include "railgauge/base/err.h"
#include "railgauge/base/opt.h"

#include <stdint.h>

/* How a transport tells the peer that data are there. */
enum rg_verbs_notify {
	RG_VERBS_WRITE_IMM,	/* RDMA WRITE with immediate data: right on every path */
	RG_VERBS_WRITE_COUNTER, /* RDMA WRITE, then another of a counter, where order is kept */
	RG_VERBS_SEND,
};

enum rg_verbs_switch { RG_VERBS_AUTO, RG_VERBS_ON, RG_VERBS_OFF };

/*
 * Const while anything uses it. The table names, explains and bounds each member; a command takes
 * it among its tables, with a struct rg_verbs_options as its base, and hands the struct on by the
 * member verbs of struct rg_transport_config. Ranks may differ in device, port and gid_index, and
 * in nothing else.
 */
struct rg_verbs_options {
	const char *device; /* NULL: the nearest active one (rg_verbs_devices_open) */
	int64_t port, gid_index;
	int mtu; /* 0: what both ports have; else as enum ibv_mtu: 128 << mtu bytes */
	int64_t sl, traffic_class, flow_label, pkey_index;
	int64_t retry_count, rnr_retry;
	uint64_t timeout_ns, rnr_timer_ns;
	uint64_t inline_bytes;
	int64_t depth, qps, reads;
	int64_t moderation;   /* 0: rg_verbs_moderation's */
	int notify;	      /* enum rg_verbs_notify */
	int relaxed_ordering; /* enum rg_verbs_switch */
	int path_order;	      /* enum rg_verbs_switch: does the network keep packets in order? */
	int multicast;	      /* of verbs-ud, enum rg_verbs_switch */
};

extern const struct rg_opt rg_verbs_options_table[];

/* What the table's defaults are: for whoever has no command line. */
extern const struct rg_verbs_options rg_verbs_options_default;

/*
 * What contradicts itself, each with both names: --verbs.moderation above --verbs.depth (a row of
 * sends without a completion never frees its places); write-counter with --verbs.relaxed-ordering
 * on or --verbs.path-order off (the counter may overtake its data); --verbs.gid-index or
 * --verbs.port together with several devices is none. RG_ERR_INVALID.
 */
int rg_verbs_options_check(const struct rg_verbs_options *options, struct rg_err *err);

/*
 * How many work requests of a row make one completion, where at most so many may: what was asked
 * for, else a quarter of the depth or as many as may. RG_ERR_INVALID if more was asked for. Pure.
 */
int rg_verbs_moderation(const struct rg_verbs_options *options, uint32_t most, uint32_t *out,
			struct rg_err *err);

/*
 * The hardware knows timeouts of 4.096 us * 2^n only. The smallest n of 1 to 31 that is not
 * shorter, and how long that is; 0 (no timeout: waits forever) for 0. Pure.
 */
uint8_t rg_verbs_timeout_exponent(uint64_t timeout_ns);
uint64_t rg_verbs_timeout_ns(uint8_t exponent);

/*
 * The same for the time that a sender is asked to wait for a receive: the code (0 to 31) of the
 * shortest of the 32 times of [IBTA15, section 9.7.5.2.8] (10 us to 655.36 ms) that is not shorter,
 * and its time.
 */
uint8_t rg_verbs_rnr_code(uint64_t timer_ns);
uint64_t rg_verbs_rnr_ns(uint8_t code);

#endif
