/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs: the options, and the times that the hardware has numbers for. In every build. */
#include "config.h"

#include "railgauge/transport/verbs.h"

static const char *const mtu_words[] = {"auto", "256", "512", "1024", "2048", "4096", NULL};
static const char *const notify_words[] = {"write-imm", "write-counter", "send", NULL};
static const char *const switch_words[] = {"auto", "on", "off", NULL};

#define FIELD(kind, member) RG_OPT_FIELD(kind, struct rg_verbs_options, member)

/*
 * Why these defaults. A timeout is what a lost last packet costs, and (1 + retry-count) of them
 * what a link may be away for: 268 ms and 1.9 s let a link train again, and end long before the
 * 30 s that ranks wait for each other. Not 7, the most: Soft-RoCE (rxe_completer of Linux) takes it
 * for no end, so a link that is down would be found by the ranks' deadline only. A receiver that is
 * late is not lost: rnr-retry 7 asks for ever, and the deadline of ranks ends it. Inline, depth and
 * moderation are perftest's orders of magnitude. Traffic class 0 and SL 0 are the network's own
 * best effort.
 */
const struct rg_opt rg_verbs_options_table[] = {
	{.name = "verbs.device",
	 FIELD(STRING, device),
	 .value = "LIST",
	 .env = "RG_VERBS_DEVICE",
	 .help = "RDMA devices of a rank, one per rail, with commas between: NAME or NAME:PORT; "
		 "all: "
		 "every active one; default: the active one that is nearest to the rank's cores, "
		 "ranks dealt evenly"},
	{.name = "verbs.port",
	 FIELD(INT, port),
	 .value = "N",
	 .dflt = "0",
	 .min = 0,
	 .max = 254,
	 .help = "port of a device that is named without one; 0: the first that is active"},
	{.name = "verbs.gid-index",
	 FIELD(INT, gid_index),
	 .value = "N",
	 .dflt = "-1",
	 .min = -1,
	 .max = 255,
	 .help = "entry of the port's GID table; -1: chosen, RoCE v2 of a routable address in the "
		 "family and subnet of the peers"},
	{.name = "verbs.mtu",
	 FIELD(CHOICE, mtu),
	 .value = "BYTES",
	 .dflt = "auto",
	 .choices = mtu_words,
	 .help = "largest packet's data; auto: what both ports are set to"},
	{.name = "verbs.sl",
	 FIELD(INT, sl),
	 .value = "N",
	 .dflt = "0",
	 .min = 0,
	 .max = 15,
	 .help = "service level: the priority in InfiniBand"},
	{.name = "verbs.traffic-class",
	 FIELD(INT, traffic_class),
	 .value = "N",
	 .dflt = "0",
	 .min = 0,
	 .max = 255,
	 .help = "traffic class of packets with a GRH: in RoCE v2 the DSCP times 4"},
	{.name = "verbs.flow-label",
	 FIELD(INT, flow_label),
	 .value = "N",
	 .dflt = "0",
	 .min = 0,
	 .max = 0xfffff,
	 .help = "flow label of packets with a GRH, from which RoCE v2 makes the UDP source port; "
		 "0: "
		 "the device's choice"},
	{.name = "verbs.pkey-index",
	 FIELD(INT, pkey_index),
	 .value = "N",
	 .dflt = "0",
	 .min = 0,
	 .max = 65535,
	 .help = "entry of the port's table of partition keys"},
	{.name = "verbs.retry-count",
	 FIELD(INT, retry_count),
	 .value = "N",
	 .dflt = "6",
	 .min = 0,
	 .max = 7,
	 .help = "repetitions of a packet that nobody acknowledges; Soft-RoCE repeats without end "
		 "if "
		 "it is 7"},
	{.name = "verbs.timeout",
	 FIELD(TIME, timeout_ns),
	 .value = "TIME",
	 .dflt = "268ms",
	 .min = 0,
	 .max = 8.7e12,
	 .help = "longest wait for an acknowledgement, rounded up to 4.096 us * 2^n; 0: for ever. "
		 "Devices may take four times as long"},
	{.name = "verbs.rnr-retry",
	 FIELD(INT, rnr_retry),
	 .value = "N",
	 .dflt = "7",
	 .min = 0,
	 .max = 7,
	 .help = "repetitions of a message that the peer has no receive for; 7: no end, until "
		 "--timeout"},
	{.name = "verbs.rnr-timer",
	 FIELD(TIME, rnr_timer_ns),
	 .value = "TIME",
	 .dflt = "640us",
	 .min = 1e4,
	 .max = 655360000,
	 .help = "pause that a sender is asked for when there is no receive, rounded up to what "
		 "the "
		 "hardware knows"},
	{.name = "verbs.inline",
	 FIELD(SIZE, inline_bytes),
	 .value = "SIZE",
	 .dflt = "220",
	 .min = 0,
	 .max = 4096,
	 .help = "messages of up to SIZE, or as much as the device takes, travel in the work "
		 "request itself"},
	{.name = "verbs.depth",
	 FIELD(INT, depth),
	 .value = "N",
	 .dflt = "128",
	 .min = 2,
	 .max = 65536,
	 .help = "work requests of a queue pair that are under way at a time"},
	{.name = "verbs.qps",
	 FIELD(INT, qps),
	 .value = "N",
	 .dflt = "1",
	 .min = 1,
	 .max = 64,
	 .help = "queue pairs of a connection on each device"},
	{.name = "verbs.moderation",
	 FIELD(INT, moderation),
	 .value = "N",
	 .dflt = "0",
	 .min = 0,
	 .max = 65536,
	 .help = "each N-th of a row of work requests makes a completion; 0: a quarter of "
		 "--verbs.depth"},
	{.name = "verbs.reads",
	 FIELD(INT, reads),
	 .value = "N",
	 .dflt = "0",
	 .min = 0,
	 .max = 255,
	 .help = "RDMA READs of a queue pair that are under way at a time; 0: what both devices "
		 "take"},
	{.name = "verbs.notify",
	 FIELD(CHOICE, notify),
	 .value = "HOW",
	 .dflt = "write-imm",
	 .choices = notify_words,
	 .help = "how the peer learns that data are there (write with immediate data, right on "
		 "every "
		 "path; write, then another of a counter, only where nothing changes their order; "
		 "send and receive)"},
	{.name = "verbs.relaxed-ordering",
	 FIELD(CHOICE, relaxed_ordering),
	 .value = "WHETHER",
	 .dflt = "auto",
	 .choices = switch_words,
	 .help = "may the device's stores over PCIe overtake each other; auto: unless a counter is "
		 "polled (write-counter)"},
	{.name = "verbs.path-order",
	 FIELD(CHOICE, path_order),
	 .value = "WHETHER",
	 .dflt = "auto",
	 .choices = switch_words,
	 .help = "does the network keep the order of a connection's packets (no adaptive routing, "
		 "no spraying over several paths); write-counter takes that; auto: known of soft "
		 "devices only"},
	{.name = "verbs.multicast",
	 FIELD(CHOICE, multicast),
	 .value = "WHETHER",
	 .dflt = "auto",
	 .choices = switch_words,
	 .help = "may verbs-ud send what all ranks get (broadcast multicast) once, to an IP "
		 "multicast group that their interfaces join; auto: if all hear each other there"},
	{.name = NULL},
};

const struct rg_verbs_options rg_verbs_options_default = {
	.gid_index = -1,
	.retry_count = 6,
	.timeout_ns = 268000000,
	.rnr_retry = 7,
	.rnr_timer_ns = 640000,
	.inline_bytes = 220,
	.depth = 128,
	.qps = 1,
};

int rg_verbs_options_check(const struct rg_verbs_options *options, struct rg_err *err)
{
	if (options->moderation > options->depth)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--verbs.moderation %lld: a queue of --verbs.depth %lld would be "
				  "full before anything is known to be sent",
				  (long long)options->moderation, (long long)options->depth);
	if (options->notify == RG_VERBS_WRITE_COUNTER && options->relaxed_ordering == RG_VERBS_ON)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--verbs.notify write-counter and --verbs.relaxed-ordering on: a "
				  "counter could be there before its data");
	if (options->notify == RG_VERBS_WRITE_COUNTER && options->path_order == RG_VERBS_OFF)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--verbs.notify write-counter and --verbs.path-order off: a "
				  "counter could be there before its data");
	return 0;
}

int rg_verbs_moderation(const struct rg_verbs_options *options, uint32_t most, uint32_t *out,
			struct rg_err *err)
{
	uint32_t quarter = options->depth > 4 ? (uint32_t)options->depth / 4 : 1;

	if (options->moderation > (int64_t)most)
		return rg_err_set(
			err, RG_ERR_INVALID,
			"--verbs.moderation %lld: with --verbs.depth %lld at most %u here, "
			"or sends would wait for a completion that none of them makes",
			(long long)options->moderation, (long long)options->depth, most);
	*out = options->moderation ? (uint32_t)options->moderation
				   : (quarter < most ? quarter : most);
	return 0;
}

uint64_t rg_verbs_timeout_ns(uint8_t exponent)
{
	return exponent ? UINT64_C(4096) << exponent : 0;
}

uint8_t rg_verbs_timeout_exponent(uint64_t timeout_ns)
{
	uint8_t n = timeout_ns > 0;

	while (n < 31 && rg_verbs_timeout_ns(n) < timeout_ns)
		n++;
	return n;
}

/* By code; the first is the longest. */
static const uint32_t rnr_10us[32] = {
	65536, 1,    2,	   3,	 4,    6,     8,     12,    16,	   24,	  32,
	48,    64,   96,   128,	 192,  256,   384,   512,   768,   1024,  1536,
	2048,  3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768, 49152,
};

uint64_t rg_verbs_rnr_ns(uint8_t code)
{
	return UINT64_C(10000) * rnr_10us[code % 32];
}

uint8_t rg_verbs_rnr_code(uint64_t timer_ns)
{
	for (uint8_t code = 1; code < 32; code++) {
		if (rg_verbs_rnr_ns(code) >= timer_ns)
			return code;
	}
	return 0;
}
