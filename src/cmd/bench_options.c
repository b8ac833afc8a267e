/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of railgauge bench. */
#include "config.h"

#include "bench.h"

static const char *const place_words[] = {"both", "out", "in", NULL};
static const char *const bind_words[] = {"core", "none", NULL};

#define AT(member) offsetof(struct bench_options, member)

static const struct rg_opt bench_table[] = {
	{"minbytes", 'b', RG_OPT_SIZE, AT(min_bytes), "SIZE", "8", 0, 1e15, NULL, NULL,
	 "smallest size"},
	{"maxbytes", 'e', RG_OPT_SIZE, AT(max_bytes), "SIZE", "128M", 0, 1e15, NULL, NULL,
	 "largest size"},
	{"stepfactor", 'f', RG_OPT_NUMBER, AT(factor), "FACTOR", "2", 1, 1e6, NULL, NULL,
	 "each size is the one before times FACTOR; 1: use the step"},
	{"stepbytes", 'i', RG_OPT_SIZE, AT(step_bytes), "SIZE", "0", 0, 1e15, NULL, NULL,
	 "each size is the one before plus SIZE, if the factor is 1"},
	{"iters", 'n', RG_OPT_INT, AT(repetitions), "N", "0", 0, 20000, NULL, NULL,
	 "exactly N repetitions; 0: until the median is known well enough"},
	{"warmup_iters", 'w', RG_OPT_INT, AT(warmups), "N", "5", 0, 10000, NULL, NULL,
	 "repetitions before those that count"},
	{"check", 'c', RG_OPT_INT, AT(check), "0|1", "1", 0, 1, NULL, NULL,
	 "compare all results of all repetitions with what they must be"},
	{"datatype", 'd', RG_OPT_CHOICE, AT(type), "TYPE", "float", 0, 0, rg_type_words, NULL,
	 "type of the elements"},
	{"op", 'o', RG_OPT_CHOICE, AT(op), "OP", "sum", 0, 0, rg_op_words, NULL,
	 "operation of reductions"},
	{"root", 'r', RG_OPT_INT, AT(root), "RANK", "-1", -1, 1e6, NULL, NULL,
	 "root of a collective that has one; -1: it goes round"},
	{"target", 0, RG_OPT_STRING, AT(target), "LIST", NULL, 0, 0, NULL, NULL,
	 "what to measure, with commas between: railgauge[:ALGORITHM[:PROTOCOL]], "
	 "mpi[:ALGORITHM[:SEGMENT]], "
	 "mpi-v (MPI_Reduce_scatter instead of MPI_Reduce_scatter_block); all stands for every "
	 "ALGORITHM; default railgauge, and mpi under an MPI launcher"},
	{"points", 0, RG_OPT_STRING, AT(points), "LIST", NULL, 0, 0, NULL, NULL,
	 "what to measure at which size, instead of the sizes and --target: SIZE=TARGET,TARGET..., "
	 "with semicolons between sizes, which ascend"},
	{"algorithm", 0, RG_OPT_STRING, AT(algorithm), "NAME", NULL, 0, 0, NULL, NULL,
	 "algorithm of target railgauge (see railgauge algorithms)"},
	{"protocol", 0, RG_OPT_STRING, AT(protocol), "NAME", NULL, 0, 0, NULL, NULL,
	 "protocol of --algorithm: slot, word, window or read"},
	{"buffers", 0, RG_OPT_STRING, AT(buffers), "LIST", "window,private", 0, 0, NULL, NULL,
	 "window: memory that the peers may reach; private: plain memory; or both"},
	{"place", 0, RG_OPT_CHOICE, AT(place), "WHERE", "both", 0, 0, place_words, NULL,
	 "where results go (both ways in turn; out of place; in place)"},
	{"persistent", 0, RG_OPT_FLAG, AT(persistent), NULL, NULL, 0, 0, NULL, NULL,
	 "windows are handed over before the operation"},
	{"clear-to-send", 0, RG_OPT_FLAG, AT(clear_to_send), NULL, NULL, 0, 0, NULL, NULL,
	 "each operation asks for the window first (the default)"},
	{"cache", 0, RG_OPT_CHOICE, AT(cache), "STATE", "warm", 0, 0, rg_cache_words, NULL,
	 "caches before a repetition (as the last one left them; sources just written; other "
	 "data)"},
	{"channels", 0, RG_OPT_INT, AT(channels), "N", "0", 0, 64, NULL, NULL,
	 "streams of target railgauge; 0: its choice"},
	{"radix", 0, RG_OPT_INT, AT(radix), "K", "0", 0, 64, NULL, NULL,
	 "ranks that one round of --algorithm joins, where it has a radix; 0: its choice"},
	{"send-window", 0, RG_OPT_INT, AT(send_window), "W", "0", 0, 1e6, NULL, NULL,
	 "ranks that --algorithm sends to before it waits for one, where it has a window; 0: its "
	 "choice"},
	{"transport", 0, RG_OPT_STRING, AT(transport), "NAME", "auto", 0, 0, NULL, NULL,
	 "shm, tcp, verbs-rc, verbs-ud, mixed (shm within a node; between nodes verbs-rc where all "
	 "ranks have an RDMA device, else tcp), inproc or null; auto: what suits the ranks: shm on "
	 "one node, mixed on several, and with one rank on each its network alone"},
	{"tcp.interface", 0, RG_OPT_STRING, AT(interface), "NAME", NULL, 0, 0, NULL, NULL,
	 "network interface of transport tcp; default: loopback on one node, else the fastest one"},
	{"tcp.congestion", 0, RG_OPT_STRING, AT(congestion), "NAME", NULL, 0, 0, NULL, NULL,
	 "congestion control of transport tcp; default: the system's"},
	{"traffic", 0, RG_OPT_STRING, AT(traffic), "FILE", NULL, 0, 0, NULL, NULL,
	 "weights of alltoallv: a line of whole numbers for each rank that sends, one for each "
	 "that receives; blocks are in these proportions, and the busiest rank sends or receives "
	 "the size; default: all equal"},
	{"threads", 't', RG_OPT_INT, AT(threads), "N", "0", 0, RANKS_THREADS_MAX, NULL, NULL,
	 "the ranks are N threads of this process; 0: a launcher started them"},
	{"bind", 0, RG_OPT_CHOICE, AT(bind), "WHAT", "core", 0, 0, bind_words, NULL,
	 "bind threads to cores, if there are enough"},
	{"mpi", 0, RG_OPT_STRING, AT(mpi), "NAME", NULL, 0, 0, NULL, NULL,
	 "MPI library to load: openmpi, mpich or none; default: the launcher's"},
	{"json", 0, RG_OPT_STRING, AT(json), "FILE", NULL, 0, 0, NULL, NULL,
	 "write the result document; -: to standard output at the end, instead of the table"},
	{"csv", 0, RG_OPT_STRING, AT(csv), "FILE", NULL, 0, 0, NULL, NULL,
	 "write the points as a table"},
	{"counters", 0, RG_OPT_STRING, AT(counters), "LIST", "auto", 0, 0, NULL, NULL,
	 "whose counters are read around each size: RDMA devices (NAME or NAME:PORT) and network "
	 "interfaces of each host, with commas between; none; auto: those that the transport uses, "
	 "and where MPI is measured over several hosts all active RDMA ports"},
	{"calibrate", 0, RG_OPT_FLAG, AT(calibrate), NULL, "yes", 0, 0, NULL, NULL,
	 "measure memory and network first, for the bounds"},
	{"samples", 0, RG_OPT_FLAG, AT(samples), NULL, "yes", 0, 0, NULL, NULL,
	 "keep the repetitions in the result, not only what came of them"},
	{"raw", 0, RG_OPT_FLAG, AT(raw), NULL, NULL, 0, 0, NULL, NULL,
	 "keep every rank's samples in the result"},
	{"seed", 0, RG_OPT_INT, AT(seed), "N", "1", 0, 9e15, NULL, NULL,
	 "draws the order of repetitions and the data"},
	{"budget", 0, RG_OPT_TIME, AT(budget_ns), "TIME", "1s", 1e6, 1e13, NULL, NULL,
	 "time per size after the warm-up; six repetitions of each target in any case, which for "
	 "large "
	 "sizes take longer"},
	{"precision", 0, RG_OPT_NUMBER, AT(precision_percent), "PERCENT", "2", 0.01, 100, NULL,
	 NULL, "half width of the median's 95 % interval at which sampling ends"},
	{"race", 0, RG_OPT_FLAG, AT(race), NULL, NULL, 0, 0, NULL, NULL,
	 "to find the best target: those that are known to be slower by more than 25 % leave a "
	 "size early; the first one of each size stays"},
	{"timeout", 0, RG_OPT_TIME, AT(timeout_ns), "TIME", "30s", 1e8, 1e13, NULL, NULL,
	 "longest wait for a peer"},
	{"start-timeout", 0, RG_OPT_TIME, AT(start_timeout_ns), "TIME", "60s", 1e8, 1e13, NULL,
	 NULL, "longest wait for all ranks to come, at the start"},
	{"dry-run", 0, RG_OPT_FLAG, AT(dry_run), NULL, NULL, 0, 0, NULL, NULL,
	 "say how many points there are, how long and how much memory they take, and end"},
	{NULL},
};

static const struct rg_opt *const bench_tables[] = {bench_table, rg_verbs_options_table, NULL};

const struct rg_opt_command bench_command = {
	.name = BENCH_NAME,
	.args = "COLLECTIVE",
	.summary = "Measure a collective: our own algorithms beside the MPI library's.",
	.details = "COLLECTIVE is allreduce, reduce, reducescatter, allgather, gather, scatter, "
		   "alltoall, alltoallv, broadcast, sendrecv or barrier. Started under mpirun, "
		   "srun, torchrun or railgauge run; with --threads "
		   "alone. Sizes and bandwidths are those of nccl-tests. Times are medians over "
		   "repetitions of the slowest rank, per operation. Exit status: 2 bad options, 3 "
		   "something is not possible here, 4 a peer failed, or a size did and the others "
		   "were "
		   "measured without the rail that was to blame, 5 wrong data, 6 interrupted.",
	.tables = bench_tables,
};
