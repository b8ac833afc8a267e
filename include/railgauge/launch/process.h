/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A process as a peer may know it: by its number, where that is enough to look at it.
 *
 * A rank tells the others who it is (plain bytes, to be exchanged); those whose /proc shows the
 * same processes can see whether it still lives. A number alone would not do: hosts and containers
 * each have a process of that number, and the kernel gives numbers again, so the kernel, the PID
 * namespace and the time of the start belong to it, and to that the time namespace in which it was
 * read. Reads /proc; any thread may call; what cannot be read is unknown, and no error.
 */
#ifndef RAILGAUGE_LAUNCH_PROCESS_H
#define RAILGAUGE_LAUNCH_PROCESS_H

#include "railgauge/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct rg_process {
	char kernel[40];     /* boot_id; empty: unknown */
	uint64_t pid_space;  /* inode of the PID namespace; 0: unknown */
	int64_t pid;	     /* in that namespace */
	uint64_t start_tick; /* since the kernel's start; 0: unknown */
	uint64_t time_space; /* inode of the time namespace that says so; 0: there are none */
	uint64_t ipc_space;  /* inode of the IPC namespace; 0: unknown */
};

/* As far as namespaces say: may they map each other's memory? */
bool rg_process_may_share(const struct rg_process *a, const struct rg_process *b);

enum rg_process_state {
	RG_PROCESS_HIDDEN, /* on another machine or in another PID namespace: nothing is known */
	RG_PROCESS_LIVES,
	RG_PROCESS_STOPPED, /* by a signal or a debugger; it may go on */
	RG_PROCESS_GONE,    /* ended, or a zombie */
};

void rg_process_here(struct rg_process *out);

/* here: the caller's own, as rg_process_here gave it. */
enum rg_process_state rg_process_look(const struct rg_process *here,
				      const struct rg_process *process);

/*
 * A node as far as ranks are concerned: a network namespace of one kernel. Ranks of one node reach
 * each other's memory if they may; containers with networks of their own are nodes. A name makes a
 * node of those ranks that have the same one, for laboratories. Plain bytes, to be exchanged.
 */
struct rg_node {
	char kernel[40];
	char name[32];
	uint64_t network; /* inode of the network namespace; 0: unknown */
};

/*
 * name NULL: that of the environment, RG_NODE, if it is set. RG_ERR_INVALID: it is too long to be
 * told from all others.
 */
int rg_node_here(const char *name, struct rg_node *out, struct rg_err *err);
bool rg_node_equal(const struct rg_node *a, const struct rg_node *b); /* false if unknown */

#endif
