/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of railgauge pairs and railgauge pingpong. */
#include "config.h"

#include "pairs.h"

static const char *const rails_words[] = {"each", "together", "both", NULL};
static const char *const bind_words[] = {"core", "none", NULL};

#define FIELD(kind, member) RG_OPT_FIELD(kind, struct pairs_options, member)

/* What the two commands have different defaults of. */
#define TEST_ROW(usual)                                                                         \
	{                                                                                       \
		.name = "test", FIELD(STRING, tests), .value = "LIST", .dflt = usual,           \
		.help = "what to measure, with commas between: latency (ping-pong), bandwidth " \
			"(each way by itself), bidirectional, rate (messages per second)"       \
	}
#define SIZE_ROW(usual)                                                                   \
	{                                                                                 \
		.name = "size", .letter = 's', FIELD(STRING, sizes), .value = "LIST",     \
		.help = "sizes of messages, with commas between: SIZE, or SIZE-SIZE for " \
			"doubling from one to the other; default: " usual                 \
	}
#define DURATION_ROW(usual)                                                                   \
	{                                                                                     \
		.name = "duration", .letter = 'D', FIELD(TIME, duration_ns), .value = "TIME", \
		.dflt = usual, .min = 1e6, .max = 3.6e12,                                     \
		.help = "about how long each test of each size of a pair lasts, without "     \
			"the warm-up"                                                         \
	}

static const struct rg_opt pairs_table[] = {
	TEST_ROW("latency,bandwidth"),
	SIZE_ROW("8 of latency and rate, 1M of the others"),
	DURATION_ROW("100ms"),
	{.name = "alone",
	 FIELD(FLAG, alone),
	 .help = "one pair at a time, instead of all pairs of a round at once"},
	{.name = NULL},
};

static const struct rg_opt pingpong_table[] = {
	TEST_ROW("latency,bandwidth,bidirectional"),
	SIZE_ROW("2-8M, of rate 8"),
	DURATION_ROW("300ms"),
	{.name = NULL},
};

static const struct rg_opt common_table[] = {
	{.name = "op",
	 .letter = 'o',
	 FIELD(CHOICE, op),
	 .value = "OP",
	 .dflt = "write",
	 .choices = rg_lane_op_words,
	 .help = "how messages go (into the peer's memory; the same with a notice; into a receive "
		 "that it posted; out of its memory); all but write are operations of verbs"},
	{.name = "iters",
	 .letter = 'n',
	 FIELD(INT, iterations),
	 .value = "N",
	 .dflt = "0",
	 .min = 0,
	 .max = 1e12,
	 .help = "exactly N messages, or round trips, of each test of each size; 0: by time"},
	{.name = "warmups",
	 .letter = 'w',
	 FIELD(INT, warmups),
	 .value = "N",
	 .dflt = "100",
	 .min = 0,
	 .max = 1e9,
	 .help = "messages before those that count; fewer, but 4, where they would take more than "
		 "a tenth of the duration"},
	{.name = "outstanding",
	 .letter = 't',
	 FIELD(INT, outstanding),
	 .value = "N",
	 .dflt = "0",
	 .min = 0,
	 .max = 65536,
	 .help = "messages under way at most in bandwidth, bidirectional and rate; with verbs of "
		 "each queue pair; 0: 64, or as --post-list and --verbs.depth allow"},
	{.name = "post-list",
	 FIELD(INT, post_list),
	 .value = "N",
	 .dflt = "1",
	 .min = 1,
	 .max = 1024,
	 .help = "with verbs: work requests that are posted together"},
	{.name = "rails",
	 FIELD(CHOICE, rails),
	 .value = "HOW",
	 .dflt = "each",
	 .choices = rails_words,
	 .help = "a rank's devices (each by itself; all at once by one process; one after the "
		 "other and then all at once)"},
	{.name = "check",
	 FIELD(FLAG, check),
	 .dflt = "yes",
	 .help = "compare the last message of each batch with what it must be"},
	{.name = "transport",
	 FIELD(STRING, transport),
	 .value = "NAME",
	 .dflt = "auto",
	 .help = "verbs (work requests on RDMA devices), shm, tcp, mixed (shm within a node, tcp "
		 "or verbs-rc between nodes) or inproc; auto: verbs between nodes "
		 "where all ranks have a device, else shm, tcp or mixed, as suits the ranks"},
	{.name = "tcp.interface",
	 FIELD(STRING, interface),
	 .value = "NAME",
	 .help = "network interface of transport tcp; default: loopback on one node, else the "
		 "fastest one"},
	{.name = "tcp.congestion",
	 FIELD(STRING, congestion),
	 .value = "NAME",
	 .help = "congestion control of transport tcp; default: the system's"},
	{.name = "threads",
	 FIELD(INT, threads),
	 .value = "N",
	 .dflt = "0",
	 .min = 0,
	 .max = RANKS_THREADS_MAX,
	 .help = "the ranks are N threads of this process; 0: a launcher started them"},
	{.name = "bind",
	 FIELD(CHOICE, bind),
	 .value = "WHAT",
	 .dflt = "core",
	 .choices = bind_words,
	 .help = "bind threads to cores, if there are enough"},
	{.name = "mpi",
	 FIELD(STRING, mpi),
	 .value = "NAME",
	 .help = "MPI library to start by: openmpi, mpich or none; default: the launcher's"},
	{.name = "json",
	 FIELD(STRING, json),
	 .value = "FILE",
	 .help = "write the result document; -: to standard output at the end, instead of the "
		 "table"},
	{.name = "csv", FIELD(STRING, csv), .value = "FILE", .help = "write the pairs as a table"},
	{.name = "counters",
	 FIELD(STRING, counters),
	 .value = "LIST",
	 .dflt = "auto",
	 .help = "whose counters are read around each test: RDMA devices (NAME or NAME:PORT) and "
		 "network interfaces of each host, with commas between; none; auto: those that "
		 "messages go by"},
	{.name = "timeout",
	 FIELD(TIME, timeout_ns),
	 .value = "TIME",
	 .dflt = "30s",
	 .min = 1e8,
	 .max = 1e13,
	 .help = "longest wait for a peer"},
	{.name = "start-timeout",
	 FIELD(TIME, start_timeout_ns),
	 .value = "TIME",
	 .dflt = "60s",
	 .min = 1e8,
	 .max = 1e13,
	 .help = "longest wait for all ranks to come, at the start"},
	{.name = NULL},
};

static const struct rg_opt *const pairs_tables[] = {pairs_table, common_table,
						    rg_verbs_options_table, NULL};
static const struct rg_opt *const pingpong_tables[] = {pingpong_table, common_table,
						       rg_verbs_options_table, NULL};

#define ENDINGS                                                                            \
	" Latency is half of a round trip, of a read the whole of it. Exit status: 2 bad " \
	"options, "                                                                        \
	"3 something is not possible here, 4 a peer failed, 5 wrong data, 6 interrupted."

const struct rg_opt_command pairs_command = {
	.name = "railgauge pairs",
	.summary = "Measure every pair of ranks: latency, bandwidth, message rate.",
	.details =
		"Started under mpirun, srun, torchrun or railgauge run; with --threads alone. "
		"Pairs are measured in rounds, in each of which a rank has one peer; those of a "
		"round run at the same time, since they share no rank. Where several ranks are on "
		"a node they share its network all the same: start one per node, or use "
		"--alone." ENDINGS,
	.tables = pairs_tables,
};

const struct rg_opt_command pingpong_command = {
	.name = "railgauge pingpong",
	.summary = "Measure latency, bandwidth and message rate between two ranks.",
	.details = "Started with two ranks under mpirun, srun, torchrun or railgauge run; with "
		   "--threads 2 alone." ENDINGS,
	.tables = pingpong_tables,
};
