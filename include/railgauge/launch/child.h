/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Child processes: started, watched, ended as one group.
 *
 * A group is a set of processes that live and die together, within a deadline. Used by
 * `railgauge run` (ranks of one machine), by the import of XML (a worker with limits) and later by
 * the drivers (a launcher per candidate). Only processes started here are ever signalled, by pidfd.
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
	char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	char *const *env;  /* NULL-terminated "NAME=value" set on top of our environment, or NULL */
	const int *cpus;   /* bind to these logical CPUs, or NULL to leave the binding */
	uint32_t ncpus;
};

/* How one child ended. */
struct rg_child_end {
	uint32_t index; /* as returned by rg_child_start */
	int exit_code;	/* 0..255, or -1 when a signal ended it */
	int signal;	/* 0, or the signal */
	bool core_dumped;
};

int rg_child_group_open(struct rg_child_group **group_out, struct rg_err *err);

/*
 * Starts one child in the group (its own process group; it gets SIGTERM if we die). *index_out
 * counts from 0. An argv[0] that cannot be executed is an error here (RG_ERR_NOT_FOUND or
 * RG_ERR_SYSTEM), not a child that ends with 127.
 */
int rg_child_start(struct rg_child_group *group, const struct rg_child_spec *spec,
		   uint32_t *index_out, struct rg_err *err);

/*
 * Waits until one child ends (1, *end_out filled), none is left (0), or the deadline passes or a
 * caught signal arrives (RG_ERR_TIMEOUT, RG_ERR_INTERRUPTED).
 */
int rg_child_wait(struct rg_child_group *group, uint64_t deadline_ns, struct rg_child_end *end_out,
		  struct rg_err *err);

/* Ends all: SIGTERM (with SIGCONT), after grace_ns SIGKILL, and reaps. Never fails. */
void rg_child_group_end(struct rg_child_group *group, uint64_t grace_ns);

/* Ends what still runs (grace 0) and frees. NULL is allowed. */
void rg_child_group_close(struct rg_child_group *group);

#endif
