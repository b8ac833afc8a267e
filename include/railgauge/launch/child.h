/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Child processes: started, watched, ended as one group.
 *
 * A group is a set of processes that live and die together, within a deadline. Used by
 * `railgauge run` (ranks of one machine) and later by the drivers (a launcher per candidate).
 * Each child leads a process group of its own, so that what it starts can be ended with it: when
 * a child ends, what it left in its process group is killed. Only processes started here are ever
 * signalled, and only before they are reaped, so that no number can have been given away.
 *
 * Signals. While a group is open, SIGINT, SIGTERM and SIGHUP are blocked in the thread that opened
 * it and reported by rg_child_wait instead; children start with the mask from before. Other threads
 * of the process must not take these signals. One group at a time, used by the thread that opened
 * it: the children get SIGTERM when that thread ends.
 */
#ifndef RAILGAUGE_LAUNCH_CHILD_H
#define RAILGAUGE_LAUNCH_CHILD_H

#include "railgauge/base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct rg_child_group;

/* What is to be started. All pointers are borrowed during the call. */
struct rg_child_spec {
	char *const *argv; /* NULL-terminated; argv[0] is looked up in our PATH */
	char *const *env;  /* NULL-terminated words on top of our environment, or NULL:
			    * "NAME=value" sets, "NAME" alone removes */
	const int *cpus;   /* bind to these logical CPUs, or NULL to leave the binding */
	uint32_t ncpus;
	const int *stdio; /* [3]: descriptors that become its standard input, output and errors
			   * instead, -1 for none; NULL: none of them */
};

/* How one child ended. */
struct rg_child_end {
	uint32_t index; /* as returned by rg_child_start */
	int exit_code;	/* 0..255, or -1 when a signal ended it */
	int signal;	/* 0, or the signal */
	bool core_dumped;
};

/* RG_ERR_NO_MEMORY, RG_ERR_SYSTEM. */
int rg_child_group_open(struct rg_child_group **group_out, struct rg_err *err);

/*
 * Starts one child: its standard input is /dev/null, since only one process can read a terminal;
 * output and errors are ours, unless stdio says otherwise. *index_out counts from 0. What keeps
 * argv[0] from running is an error here, not a child that ends with 127: RG_ERR_NOT_FOUND  no such
 * program RG_ERR_INVALID    none of cpus is usable RG_ERR_SYSTEM     the program cannot be
 * executed, no process can be created; names the call RG_ERR_NO_MEMORY
 */
int rg_child_start(struct rg_child_group *group, const struct rg_child_spec *spec,
		   uint32_t *index_out, struct rg_err *err);

/*
 * Waits until one child ends (1, *end_out filled; each child is reported once, and of several that
 * ended at about the same time first those that a signal ended), none is left (0), the deadline
 * passes (RG_ERR_TIMEOUT), or a signal comes (RG_ERR_INTERRUPTED, see rg_child_group_signal). A
 * deadline of UINT64_MAX never passes. RG_ERR_SYSTEM.
 */
int rg_child_wait(struct rg_child_group *group, uint64_t deadline_ns, struct rg_child_end *end_out,
		  struct rg_err *err);

/* The latest signal that rg_child_wait reported; 0 if none came. */
int rg_child_group_signal(const struct rg_child_group *group);

/* Sends a signal to each child that runs, and what it started. Never fails. */
void rg_child_group_kill(struct rg_child_group *group, int signal);

/* Has this child not ended yet, as far as rg_child_wait and rg_child_group_end have seen? */
bool rg_child_runs(const struct rg_child_group *group, uint32_t index);

/*
 * Ends all: SIGTERM (with SIGCONT, for the stopped ones), after grace_ns or at the first signal
 * that comes meanwhile SIGKILL, and reaps. rg_child_wait then reports how they ended. Never fails;
 * a process that even SIGKILL does not end within 10 s (it hangs in the kernel) is logged and left.
 */
void rg_child_group_end(struct rg_child_group *group, uint64_t grace_ns);

/*
 * Ends what still runs (grace 0), restores the signal mask, and frees. NULL is allowed. Returns the
 * latest signal that came while the group was open, 0 if none did: also one that no rg_child_wait
 * reported, since it came while children were being ended. No handler gets to see it.
 */
int rg_child_group_close(struct rg_child_group *group);

/* RG_ERR_INTERRUPTED with the signal's number and name. */
int rg_child_interrupted(int signal, struct rg_err *err);

#endif
