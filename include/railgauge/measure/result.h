/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The result document: everything that was measured, under which conditions, in one JSON file
 * (docs/RESULT.md in words, docs/result-schema.json as a schema). Tables, CSV and comparisons read
 * only this.
 *
 *   rg_result_open -> rg_result_set_*, rg_result_add_* -> rg_result_write (as often as wanted)
 *   rg_result_read -> the same struct, checked -> report
 *
 * The struct is public for reading; it is changed only by the functions here. Strings, arrays and
 * samples given to them are copied: borrowed during the call only. In a struct rg_result they
 * belong to it and live until its close. "May be NULL" means not known or not applicable, and is
 * null in the document.
 *
 * Only one rank keeps a result. One thread per object; nothing blocks but reading and writing of
 * files. A function that fails leaves the result as it was.
 */
#ifndef RAILGAUGE_MEASURE_RESULT_H
#define RAILGAUGE_MEASURE_RESULT_H

#include "railgauge/base/collective.h"
#include "railgauge/base/err.h"
#include "railgauge/base/json.h"
#include "railgauge/coll/problem.h"
#include "railgauge/device/types.h"
#include "railgauge/measure/calibrate.h"
#include "railgauge/measure/counters.h"
#include "railgauge/measure/nic_counters_job.h"
#include "railgauge/measure/pairs.h"
#include "railgauge/model/bound_network.h"
#include "railgauge/measure/stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RG_RESULT_SCHEMA  "railgauge-result"
#define RG_RESULT_VERSION 1

/* State of the caches when an operation starts. */
#define RG_CACHE_LIST(X)                                                             \
	X(WARM, "warm")	  /* as a loop of operations on the same buffers finds it */ \
	X(FRESH, "fresh") /* each rank has just written its source */                \
	X(COLD, "cold")	  /* other data went through the caches in between */

enum rg_cache {
#define RG_CACHE_ENUM(name, word) RG_CACHE_##name,
	RG_CACHE_LIST(RG_CACHE_ENUM)
#undef RG_CACHE_ENUM
		RG_CACHE_COUNT
};

/* Why sampling of a point ended. */
#define RG_STOP_LIST(X)                                                                        \
	X(INTERVAL, "interval") /* the interval of the median became as narrow as asked for */ \
	X(BUDGET, "budget")	/* time ran out before */                                      \
	X(ROUNDS, "rounds")	/* as many repetitions as there are at most, before */         \
	X(FIXED, "fixed")	/* a number of repetitions was asked for */                    \
	X(BEATEN, "beaten")	/* a race (sample.h): it left, being slower than the best */   \
	X(DECIDED, "decided")	/* a race: everything else had left */                         \
	X(INTERRUPTED, "interrupted")                                                          \
	X(NOT_RUN, "not-run") /* the target cannot do it; note says why */                     \
	X(FAILED, "failed")   /* an operation did not end well; note says why */

enum rg_stop {
#define RG_STOP_ENUM(name, word) RG_STOP_##name,
	RG_STOP_LIST(RG_STOP_ENUM)
#undef RG_STOP_ENUM
		RG_STOP_COUNT
};

extern const char *const rg_cache_words[];  /* NULL-terminated, in enum order */
extern const char *const rg_stop_words[];   /* likewise */
extern const char *const rg_access_words[]; /* "private", "window": enum rg_access */

/* One machine of the job. 0 and NULL: not known. */
struct rg_result_machine {
	const char *host;
	const char *kernel; /* "Linux 6.1.0-56-amd64 x86_64" */
	const char *cpu;    /* model name */
	uint32_t packages, cores, threads, numa_nodes;
	uint64_t l1d_bytes, l2_bytes; /* of one core */
	uint64_t llc_bytes;	      /* one last-level cache */
	uint64_t memory_bytes;
	const char *topo_hash;	 /* struct rg_topo's; may be NULL */
	const char *governor;	 /* "performance"; "mixed" if the cores differ; may be NULL */
	const char *clocksource; /* the kernel's */
	const char *thp;	 /* transparent huge pages: always, madvise, never */
};

/* One rank. */
struct rg_result_rank {
	const char *host;
	int64_t pid;
	const char *cpus;  /* what it may run on, as the kernel lists it: "0", "0-3,8" */
	int32_t numa_node; /* of those cpus, -1 if more than one or unknown */
};

/* One node of a calibrated network, and the whole of it. */
struct rg_result_node {
	const char *host; /* of its first rank; several nodes may be on one host */
	struct rg_port port;
};

struct rg_result_network {
	uint32_t nnodes; /* 0: the network was not calibrated, or there is none; else 2 or more */
	struct rg_result_node *nodes; /* [nnodes] */
	uint32_t *rank_node;	      /* [nranks]: the node of each rank */
	uint32_t npairs;
	struct rg_network_pair *pairs; /* [npairs]: of each, from and to are different nodes */
};

/* Something that makes the numbers doubtful. code is for programs, text for people. */
struct rg_result_warning {
	const char *code; /* "shared-core", "smt-siblings", "governor", "load", "oversubscribed",
			     "bound", "calibration" ...: lower case, dashes */
	const char *text; /* one line with names and values */
};

/* How the run as a whole measured. */
struct rg_result_run {
	uint32_t nranks;
	const char *rendezvous; /* "threads", "env", "openmpi" */
	const char *mpi;	/* the library's version line; may be NULL */
	/* What the library goes by, as rank 0 has it: struct rg_mpi of mpi/glue.h; may be NULL. */
	const char *rules;
	/* The way to the peers: rank 0's interface, all connections' congestion control; or NULL.
	 */
	const char *network;
	const char *isa;   /* rg_reduce_isa() */
	const char *start; /* rg_start_words of sample.h; may be NULL */
	uint64_t seed;
	double timer_cost_ns;
	double start_skew_ns;  /* what the ranks' starts differ by; 0 if not known */
	double clock_error_ns; /* how far apart their clocks may be; 0: one clock, or not compared
				*/
	const char *memory;    /* kind of the buffers: "shared", "host" */
	uint64_t align_bytes;  /* of the buffers */
	/* alltoallv: the weights (base/matrix.h), [nranks][nranks]; NULL: all equal, or another. */
	const uint64_t *traffic;
};

/*
 * One point: one collective of one size on one target. Times are per operation, a repetition's time
 * (the maximum over the ranks) divided by ops. Members that identify the point come first; two
 * points are the same measurement if all of these are equal.
 */
struct rg_result_point {
	enum rg_coll coll;
	uint64_t size_bytes; /* S of base/collective.h */
	uint64_t count;	     /* elements in S */
	enum rg_type type;
	enum rg_op op; /* of meaning only if rg_coll_reduces */
	uint32_t root; /* of meaning only if rg_coll_has_root; the first one if it rotates */
	bool root_rotates;
	bool in_place;
	const char *target; /* as given to --target: "railgauge", "mpi", "mpi:ring" */
	enum rg_access buffers;
	bool persistent; /* false: clear-to-send */
	enum rg_cache cache;
	const char *traffic; /* alltoallv: rg_result_traffic of its weights; else NULL */
	/* alltoallv: what the busiest rank sends to others, or receives from them; else 0. */
	uint64_t crossing_bytes;

	/* What ran. */
	const char *algorithm; /* may be NULL: the library did not say */
	const char *protocol;  /* may be NULL */
	const char *transport; /* may be NULL */
	uint32_t channels;     /* 0: not known */
	const char *rails;     /* numbers, from 1, of those it was dealt to: "1,2"; may be NULL */
	const char *note;      /* substitutions, reasons for not-run and failed; may be NULL */

	/* How it was sampled. */
	uint32_t ops;	  /* back-to-back operations of a repetition (k), >= 1 */
	uint64_t n;	  /* valid repetitions */
	uint64_t invalid; /* repetitions that did not count (a late starter) */
	enum rg_stop stop;

	/* What came out. All 0 if n is 0. */
	double median_ns, lo_ns, hi_ns, p99_ns, min_ns;
	double algbw_Bps, busbw_Bps; /* of the median; 0 for a barrier */
	double bound_ns;	     /* 0: none is known */
	const char *bound_name;	     /* may be NULL */
	double fraction;	     /* bound_ns / median_ns; 0: none */
	uint64_t checked;	     /* elements that were compared with what they must be */
	uint64_t wrong;		     /* of these, the wrong ones */

	/* Every valid repetition in the order of time, ns per operation; may be NULL. */
	const double *samples; /* [nsamples]; nsamples is n or 0 */
	uint64_t nsamples;
	/* The same of every rank, for --raw; may be NULL. */
	const double *rank_samples; /* [nsamples][nranks] */
};

/*
 * One pair of ranks, what one of them did to the other: measure/pairs.h. Times are per message;
 * those of a ping-pong one way (of a read there and back). Members that say what was asked for come
 * first.
 */
struct rg_result_pair {
	enum rg_pairs_test test;
	uint32_t from, to;	 /* ranks; from began, and sent (of a read it asked) */
	int32_t rail;		 /* number of the rail; RG_LANE_ALL_RAILS: all at once */
	const char *from_device; /* what they used; may be NULL */
	const char *to_device;
	uint64_t size_bytes;
	enum rg_lane_op op;
	const char *transport;
	uint32_t outstanding;  /* messages under way at most; 0: a ping-pong */
	uint32_t qps;	       /* 0: of no meaning, as the following */
	uint32_t post_list;    /* work requests posted together */
	uint32_t moderation;   /* work requests per completion */
	uint32_t inline_bytes; /* messages up to that travelled in the work request */
	uint32_t round;	       /* pairs of one round ran at the same time */
	bool alone;	       /* but this one did not */

	uint64_t messages; /* of one direction */
	uint64_t block;	   /* messages of one duration */
	double time_ns;	   /* all of them took so long */
	uint64_t n;	   /* durations recorded; what follows is 0 if this is 0 */
	uint64_t kept;	   /* of these, those that median, interval and percentiles are of */
	double median_ns, lo_ns, hi_ns, mean_ns, stdev_ns, min_ns, p90_ns, p99_ns, p999_ns, max_ns;
	double rate_Bps;	/* both directions together; 0: a ping-pong */
	double messages_ps;	/* likewise */
	double bound_ns;	/* least time of a message; 0: none is known */
	const char *bound_name; /* may be NULL */
	double fraction; /* bound_ns / median_ns of a ping-pong, else / (time_ns / messages) */
	uint64_t checked, wrong; /* bytes of last messages that were compared, and that differed */
	const char *note;	 /* may be NULL */
};

struct rg_result {
	/* What made it. */
	const char *version;  /* "0.1.0" */
	const char *build;    /* compiler and what was built in */
	const char *started;  /* UTC, "2026-11-23T21:03:00Z" */
	const char *finished; /* likewise; NULL while not complete */
	bool complete;
	uint32_t nargs;
	const char *const *args; /* [nargs] railgauge's own command line */
	json_t *config;		 /* owned: array of rg_opt_record */
	struct rg_result_run run;
	uint32_t nmachines;
	struct rg_result_machine *machines; /* [nmachines], by host */
	uint32_t nranks;
	struct rg_result_rank *ranks; /* [nranks], in rank order */
	uint32_t nwarnings;
	struct rg_result_warning *warnings; /* [nwarnings] */
	bool calibrated;
	struct rg_calibration calibration; /* of meaning only if calibrated */
	struct rg_result_network network;
	uint32_t npoints;
	struct rg_result_point *points; /* [npoints], in the order of being added */
	struct rg_counters counters;	/* of adapters; no ports: none were read */
	uint32_t npairs;
	struct rg_result_pair *pairs; /* [npairs], likewise */

	struct rg_result_arena *arena; /* private: owns the strings and samples */
};

/* A new result of this program, started now. RG_ERR_NO_MEMORY. */
int rg_result_open(struct rg_result **out, struct rg_err *err);
void rg_result_close(struct rg_result *result); /* NULL is allowed */

/*
 * argv as main() got it; no option of railgauge takes a secret. RG_ERR_NO_MEMORY, as all that
 * follow, and RG_ERR_INVALID for what cannot be in a document: text that is not UTF-8, numbers that
 * are not finite or above 2^63 - 1.
 */
int rg_result_set_args(struct rg_result *result, int argc, char *const *argv, struct rg_err *err);

/*
 * The array of rg_opt_record. Takes over the reference, also on failure; NULL is
 * RG_ERR_NO_MEMORY.
 */
int rg_result_set_config(struct rg_result *result, json_t *config, struct rg_err *err);

int rg_result_set_run(struct rg_result *result, const struct rg_result_run *run,
		      struct rg_err *err);

/* Two members of the run, which a measurement learns more about as it goes on. RG_ERR_INVALID. */
int rg_result_set_skew(struct rg_result *result, double start_skew_ns, double clock_error_ns,
		       struct rg_err *err);

/* A machine whose host is there already is left out. */
int rg_result_add_machine(struct rg_result *result, const struct rg_result_machine *machine,
			  struct rg_err *err);
int rg_result_add_rank(struct rg_result *result, const struct rg_result_rank *rank,
		       struct rg_err *err);

/* The text is made printf-like. An equal warning is added only once. */
int rg_result_add_warning(struct rg_result *result, struct rg_err *err, const char *code,
			  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Adds the warning "calibration" as well if its check did not pass. */
int rg_result_set_calibration(struct rg_result *result, const struct rg_calibration *calibration,
			      struct rg_err *err);

/*
 * hosts[nnodes] are the nodes' host names; the run must have been set before, with as many ranks. A
 * network of one node is none. Adds the warning "calibration" as well if a port's rate is not
 * known. RG_ERR_INVALID names the member that contradicts another (the checks of rg_result_read).
 */
int rg_result_set_network(struct rg_result *result, const struct rg_network *network,
			  const char *const *hosts, struct rg_err *err);

/*
 * Adds a point, and the warning "bound" if its fraction is above RG_BOUND_ERROR. index_out may be
 * NULL. RG_ERR_INVALID names the member that contradicts another (the checks of rg_result_read);
 * the run must have been set before.
 */
int rg_result_add_point(struct rg_result *result, const struct rg_result_point *point,
			uint32_t *index_out, struct rg_err *err);

/*
 * Adds a pair, and the warning "bound" if its fraction is above RG_BOUND_ERROR. RG_ERR_INVALID as
 * above; the run must have been set before.
 */
int rg_result_add_pair(struct rg_result *result, const struct rg_result_pair *pair,
		       struct rg_err *err);

/*
 * Fills ranks, devices (borrowed from outcome), counts, times, rates, the bound and its fraction
 * from what was measured. test is read.
 */
void rg_result_pair_fill(struct rg_result_pair *pair, const struct rg_pairs_outcome *outcome);

/*
 * Fills what follows from the samples: n (and nsamples), the times, the bandwidths, and with bound
 * (NULL: none) bound_ns, bound_name and fraction. coll, size_bytes, crossing_bytes and ops are
 * read. samples is kept as a pointer in the point (NULL leaves nsamples 0); stats are those of the
 * samples.
 */
void rg_result_point_fill(struct rg_result_point *point, uint32_t nranks,
			  const struct rg_stats *stats, const double *samples,
			  const struct rg_bound *bound);

/* Its points, or its pairs if it has any: what counters refer to. */
static inline uint32_t rg_result_measured(const struct rg_result *result)
{
	return result->npairs ? result->npairs : result->npoints;
}
static inline uint64_t rg_result_size_bytes(const struct rg_result *result, uint32_t measured)
{
	return result->npairs ? result->pairs[measured].size_bytes
			      : result->points[measured].size_bytes;
}

/*
 * What adapters counted while the npoints points (or pairs) from first_point on were measured,
 * which were added before: the last reading of job. RG_ERR_INVALID where there are no such points.
 */
int rg_result_add_counters(struct rg_result *result, const struct rg_nic_job *job,
			   uint32_t first_point, uint32_t npoints, struct rg_err *err);

/* Marks the result complete, finished now. */
int rg_result_finish(struct rg_result *result, struct rg_err *err);

/*
 * Writes the document as it stands: the file is always a whole, valid one, with "complete" false
 * before rg_result_finish. May be called after every point, so that little is lost when the process
 * is killed. As rg_io_replace_file.
 */
int rg_result_write(const struct rg_result *result, const char *path, struct rg_err *err);

/* The same as a JSON value, new reference; NULL without memory. */
json_t *rg_result_to_json(const struct rg_result *result);

/*
 * Reads and checks a whole document: every member must be there with the right type and range, and
 * nothing else; numbers must agree with each other (lo <= median <= hi, nsamples, host names). The
 * first offence is the error, RG_ERR_FORMAT "FILE: points[3].median_ns: expected ...".
 * RG_ERR_UNSUPPORTED for a version that this program does not know; and as rg_json_read.
 */
int rg_result_read(const char *path, struct rg_result **out, struct rg_err *err);

/* The same from a parsed document; name stands for the file in messages. root is borrowed. */
int rg_result_from_json(const json_t *root, const char *name, struct rg_result **out,
			struct rg_err *err);

/* busbw / algbw of a point, with times or not. */
double rg_result_bus_factor(const struct rg_result_point *point, uint32_t nranks);

/*
 * What stands for a matrix of weights[nranks][nranks] in a point: "uniform" (NULL, or all equal),
 * or the first 16 hexadecimal digits of the SHA-256 of the weights as 8-byte words, the lowest byte
 * first. Returns text.
 */
#define RG_RESULT_TRAFFIC_BYTES 20
char *rg_result_traffic(const uint64_t *weights, uint32_t nranks,
			char text[RG_RESULT_TRAFFIC_BYTES]);

/* Do the identifying members agree? */
bool rg_result_point_same(const struct rg_result_point *a, const struct rg_result_point *b);

/*
 * This machine, with strings that live in a static area of the calling thread until its next call.
 * topo_hash is left NULL, for the caller to fill in. Reads /proc and /sys; what is not there is 0
 * or NULL. Never fails.
 */
void rg_result_machine_here(struct rg_result_machine *out);

/* The same with /proc and /sys below root: a recorded machine. host and kernel are this one's. */
void rg_result_machine_at(const char *root, struct rg_result_machine *out);

/*
 * This process as a rank: pid, host, the allowed cpus and their node; strings as above.
 */
void rg_result_rank_here(struct rg_result_rank *out);

#endif
