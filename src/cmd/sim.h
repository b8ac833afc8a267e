/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * railgauge sim, in parts:
 *   sim.c         what is asked for; carries out the points
 *   sim_options.c the options
 *   sim_layout.c  who shares a node
 *   sim_links.c   what the links cost: from options, or fitted to a measurement
 *   sim_fit.c     reads that measurement
 *   sim_print.c   the table, the document
 */
#ifndef RG_CMD_SIM_H
#define RG_CMD_SIM_H

#include "railgauge/base/opt.h"
#include "railgauge/measure/plan.h"
#include "railgauge/model/fit.h"
#include "railgauge/model/simulate.h"

#include <stdbool.h>
#include <stdint.h>

#define SIM_NAME "railgauge sim"

/* One class of link, as typed. */
struct sim_link_options {
	uint64_t latency_ns, overhead_ns, gap_ns;
	double bandwidth_GBps;
	const char *fit;
};

struct sim_options {
	uint64_t min_bytes, max_bytes, step_bytes;
	double factor;
	int type;     /* enum rg_type */
	int protocol; /* enum rg_protocol: slot or word */
	int format;   /* enum sim_format */
	int64_t root, ranks, ranks_per_node, channels, radix, send_window, slots;
	bool in_place;
	const char *layout, *algorithm, *fit_target, *traffic;
	struct sim_link_options network, local;
	double copy_GBps, reduce_GBps;
	uint64_t slot_bytes;
};

enum sim_format { SIM_FORMAT_TABLE, SIM_FORMAT_JSON };

/* A fit and what it was made from. */
struct sim_fit {
	const char *path; /* borrowed; NULL: there is none */
	struct rg_fit fit;
	uint32_t npoints, nranks;
	char what[128]; /* "railgauge, buffers private, out of place" */
};

#define SIM_ROWS_MAX 64

struct sim_row {
	const struct rg_algorithm *algorithm;
	bool column;	       /* some size may be simulated */
	uint32_t nrefused;     /* sizes at which it was not */
	uint64_t refused_size; /* the first of them */
	struct rg_err reason;  /* and why */
};

struct sim_job {
	struct sim_options options;
	struct rg_opt_origins origins;
	bool has_coll; /* false: fits only */
	enum rg_coll coll;
	struct rg_problem problem; /* all but count and counts */
	uint32_t nnodes;
	uint32_t *node, *local;	 /* owned, [nranks]: the layout */
	bool used[RG_HOP_COUNT]; /* there are such links */
	struct rg_costs costs;
	struct sim_fit fits[RG_HOP_COUNT];
	uint64_t *weights;   /* owned, [nranks][nranks]: --traffic; NULL: none */
	struct rg_plan plan; /* owned */
	struct sim_row rows[SIM_ROWS_MAX];
	uint32_t nrows;
	struct rg_sim_result *results; /* owned, [plan.npoints][nrows] */
	bool *done;		       /* owned, likewise: that result is there */
};

extern const struct rg_opt_command sim_command;

/* Did anybody set the option? name is a row of the table. */
bool sim_is_set(const struct sim_job *job, const char *name);

/* Fills nnodes, node, local, used and the problem's layout. RG_ERR_INVALID, _RANGE, _NO_MEMORY. */
int sim_layout(struct sim_job *job, struct rg_err *err);

/*
 * Fills costs and fits. RG_ERR_INVALID: a number that is needed and not given, one that nothing
 * depends on, two that contradict each other; and sim_fit_read's.
 */
int sim_links(struct sim_job *job, struct rg_err *err);

/*
 * Fits the links of one class to a result of bench sendrecv. RG_ERR_INVALID where the document has
 * no such points, or its ranks were linked otherwise; as rg_result_read and rg_fit_loggp.
 */
int sim_fit_read(const char *path, const char *target, enum rg_hop hop, double overhead_s,
		 struct sim_fit *out, struct rg_err *err);

/* The head of the table, a size's line, what is to be said below. */
void sim_print_head(const struct sim_job *job);
void sim_print_point(const struct sim_job *job, uint32_t point);
void sim_print_foot(const struct sim_job *job);

/* The fits alone. */
void sim_print_fits(const struct sim_job *job);

/* Everything as one document. RG_ERR_NO_MEMORY, RG_ERR_SYSTEM. */
int sim_print_json(const struct sim_job *job, struct rg_err *err);

#endif
