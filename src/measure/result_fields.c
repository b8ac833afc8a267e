/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "result_fields.h"

#define ROW(type, member, k)                                                           \
	{                                                                              \
		.key = #member, .kind = RG_FIELD_##k, .offset = offsetof(type, member) \
	}
#define ROW_NULLABLE(type, member, k)                                                   \
	{                                                                               \
		.key = #member, .kind = RG_FIELD_##k, .offset = offsetof(type, member), \
		.nullable = true                                                        \
	}
#define ROW_ADDED(type, member, k)                                                      \
	{                                                                               \
		.key = #member, .kind = RG_FIELD_##k, .offset = offsetof(type, member), \
		.nullable = true, .added = true                                         \
	}
#define ROW_WORD(type, member, name, list)                                            \
	{                                                                             \
		.key = name, .kind = RG_FIELD_WORD, .offset = offsetof(type, member), \
		.words = list                                                         \
	}

const char *const rg_cache_words[] = {
#define WORD(name, word) word,
	RG_CACHE_LIST(WORD) NULL,
};

const char *const rg_stop_words[] = {RG_STOP_LIST(WORD) NULL};
#undef WORD

const char *const rg_access_words[] = {
	[RG_ACCESS_PRIVATE] = "private", [RG_ACCESS_WINDOW] = "window", NULL};

const struct rg_field rg_result_run_fields[] = {
#define RUN struct rg_result_run
	ROW(RUN, nranks, U32),
	ROW_NULLABLE(RUN, rendezvous, STRING),
	ROW_NULLABLE(RUN, mpi, STRING),
	ROW_ADDED(RUN, rules, STRING),
	ROW_ADDED(RUN, network, STRING),
	ROW_NULLABLE(RUN, isa, STRING),
	ROW_NULLABLE(RUN, start, STRING),
	ROW(RUN, seed, U64),
	ROW_NULLABLE(RUN, timer_cost_ns, NUMBER),
	ROW_NULLABLE(RUN, start_skew_ns, NUMBER),
	ROW_ADDED(RUN, clock_error_ns, NUMBER),
	ROW_NULLABLE(RUN, memory, STRING),
	ROW_NULLABLE(RUN, align_bytes, U64),
	{NULL},
#undef RUN
};

const struct rg_field rg_result_machine_fields[] = {
#define MACHINE struct rg_result_machine
	ROW(MACHINE, host, STRING),
	ROW_NULLABLE(MACHINE, kernel, STRING),
	ROW_NULLABLE(MACHINE, cpu, STRING),
	ROW_NULLABLE(MACHINE, packages, U32),
	ROW_NULLABLE(MACHINE, cores, U32),
	ROW_NULLABLE(MACHINE, threads, U32),
	ROW_NULLABLE(MACHINE, numa_nodes, U32),
	ROW_NULLABLE(MACHINE, l1d_bytes, U64),
	ROW_NULLABLE(MACHINE, l2_bytes, U64),
	ROW_NULLABLE(MACHINE, llc_bytes, U64),
	ROW_NULLABLE(MACHINE, memory_bytes, U64),
	ROW_NULLABLE(MACHINE, topo_hash, STRING),
	ROW_NULLABLE(MACHINE, governor, STRING),
	ROW_NULLABLE(MACHINE, clocksource, STRING),
	ROW_NULLABLE(MACHINE, thp, STRING),
	{NULL},
#undef MACHINE
};

const struct rg_field rg_result_rank_fields[] = {
#define RANK struct rg_result_rank
	ROW(RANK, host, STRING),
	ROW(RANK, pid, I64),
	ROW_NULLABLE(RANK, cpus, STRING),
	ROW(RANK, numa_node, I32),
	{NULL},
#undef RANK
};

const struct rg_field rg_result_warning_fields[] = {
	ROW(struct rg_result_warning, code, STRING),
	ROW(struct rg_result_warning, text, STRING),
	{NULL},
};

const struct rg_field rg_result_point_fields[] = {
#define POINT struct rg_result_point
	ROW_WORD(POINT, coll, "collective", rg_coll_words),
	ROW(POINT, size_bytes, U64),
	ROW(POINT, count, U64),
	ROW_WORD(POINT, type, "type", rg_type_words),
	ROW_WORD(POINT, op, "op", rg_op_words),
	ROW(POINT, root, U32),
	ROW(POINT, root_rotates, BOOL),
	ROW(POINT, in_place, BOOL),
	ROW(POINT, target, STRING),
	ROW_WORD(POINT, buffers, "buffers", rg_access_words),
	ROW(POINT, persistent, BOOL),
	ROW_WORD(POINT, cache, "cache", rg_cache_words),
	ROW_ADDED(POINT, traffic, STRING),
	ROW_ADDED(POINT, crossing_bytes, U64),
	ROW_NULLABLE(POINT, algorithm, STRING),
	ROW_NULLABLE(POINT, protocol, STRING),
	ROW_NULLABLE(POINT, transport, STRING),
	ROW_NULLABLE(POINT, channels, U32),
	ROW_ADDED(POINT, rails, STRING),
	ROW_NULLABLE(POINT, note, STRING),
	ROW(POINT, ops, U32),
	ROW(POINT, n, U64),
	ROW(POINT, invalid, U64),
	ROW_WORD(POINT, stop, "stop", rg_stop_words),
	ROW_NULLABLE(POINT, median_ns, NUMBER),
	ROW_NULLABLE(POINT, lo_ns, NUMBER),
	ROW_NULLABLE(POINT, hi_ns, NUMBER),
	ROW_NULLABLE(POINT, p99_ns, NUMBER),
	ROW_NULLABLE(POINT, min_ns, NUMBER),
	ROW_NULLABLE(POINT, algbw_Bps, NUMBER),
	ROW_NULLABLE(POINT, busbw_Bps, NUMBER),
	ROW_NULLABLE(POINT, bound_ns, NUMBER),
	ROW_NULLABLE(POINT, bound_name, STRING),
	ROW_NULLABLE(POINT, fraction, NUMBER),
	ROW(POINT, checked, U64),
	ROW(POINT, wrong, U64),
	{NULL},
#undef POINT
};

const struct rg_field rg_result_check_fields[] = {
#define CALIBRATION struct rg_calibration
	ROW_NULLABLE(CALIBRATION, check_bytes, U64),
	ROW_NULLABLE(CALIBRATION, check_own_Bps, NUMBER),
	ROW_NULLABLE(CALIBRATION, check_plain_Bps, NUMBER),
	ROW(CALIBRATION, check_passed, BOOL),
	{.key = "line_ns",
	 .kind = RG_FIELD_NUMBER,
	 .offset = offsetof(CALIBRATION, rates.line_ns),
	 .nullable = true},
	{NULL},
#undef CALIBRATION
};

const struct rg_field rg_result_node_fields[] = {
#define NODE struct rg_result_node
#define PORT(member, null)                                                                      \
	{                                                                                       \
		.key = #member, .kind = RG_FIELD_NUMBER, .offset = offsetof(NODE, port.member), \
		.nullable = (null)                                                              \
	}
	ROW(NODE, host, STRING),
	{.key = "nranks", .kind = RG_FIELD_U32, .offset = offsetof(NODE, port.nranks)},
	PORT(in_Bps, true),
	PORT(out_Bps, true),
	PORT(in_burst_bytes, false),
	PORT(out_burst_bytes, false),
	PORT(latency_ns, true),
	{NULL},
#undef PORT
#undef NODE
};

const struct rg_field rg_result_network_pair_fields[] = {
#define PAIR struct rg_network_pair
	ROW(PAIR, from, U32),
	ROW(PAIR, to, U32),
	ROW_NULLABLE(PAIR, rate_Bps, NUMBER),
	ROW(PAIR, burst_bytes, NUMBER),
	ROW_NULLABLE(PAIR, latency_ns, NUMBER),
	{NULL},
#undef PAIR
};

const struct rg_field rg_result_pair_fields[] = {
#define PAIR struct rg_result_pair
	ROW_WORD(PAIR, test, "test", rg_pairs_test_words),
	ROW(PAIR, from, U32),
	ROW(PAIR, to, U32),
	ROW(PAIR, rail, I32),
	ROW_NULLABLE(PAIR, from_device, STRING),
	ROW_NULLABLE(PAIR, to_device, STRING),
	ROW(PAIR, size_bytes, U64),
	ROW_WORD(PAIR, op, "op", rg_lane_op_words),
	ROW(PAIR, transport, STRING),
	ROW_NULLABLE(PAIR, outstanding, U32),
	ROW_NULLABLE(PAIR, qps, U32),
	ROW_NULLABLE(PAIR, post_list, U32),
	ROW_NULLABLE(PAIR, moderation, U32),
	ROW_NULLABLE(PAIR, inline_bytes, U32),
	ROW(PAIR, round, U32),
	ROW(PAIR, alone, BOOL),
	ROW(PAIR, messages, U64),
	ROW(PAIR, block, U64),
	ROW(PAIR, time_ns, NUMBER),
	ROW(PAIR, n, U64),
	ROW(PAIR, kept, U64),
	ROW_NULLABLE(PAIR, median_ns, NUMBER),
	ROW_NULLABLE(PAIR, lo_ns, NUMBER),
	ROW_NULLABLE(PAIR, hi_ns, NUMBER),
	ROW_NULLABLE(PAIR, mean_ns, NUMBER),
	ROW(PAIR, stdev_ns, NUMBER),
	ROW_NULLABLE(PAIR, min_ns, NUMBER),
	ROW_NULLABLE(PAIR, p90_ns, NUMBER),
	ROW_NULLABLE(PAIR, p99_ns, NUMBER),
	ROW_NULLABLE(PAIR, p999_ns, NUMBER),
	ROW_NULLABLE(PAIR, max_ns, NUMBER),
	ROW_NULLABLE(PAIR, rate_Bps, NUMBER),
	ROW_NULLABLE(PAIR, messages_ps, NUMBER),
	ROW_NULLABLE(PAIR, bound_ns, NUMBER),
	ROW_NULLABLE(PAIR, bound_name, STRING),
	ROW_NULLABLE(PAIR, fraction, NUMBER),
	ROW(PAIR, checked, U64),
	ROW(PAIR, wrong, U64),
	ROW_NULLABLE(PAIR, note, STRING),
	{NULL},
#undef PAIR
};
