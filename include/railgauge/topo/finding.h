/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Findings: what works on this machine, what does not, and what to do about it. Modules add them,
 * `railgauge info` prints them. A plain growing list, used by one thread.
 */
#ifndef RAILGAUGE_TOPO_FINDING_H
#define RAILGAUGE_TOPO_FINDING_H

#include <stdint.h>

enum rg_state {
	RG_STATE_OK,	  /* nothing is in the way */
	RG_STATE_LIMITED, /* works, but slower, smaller or not for everybody */
	RG_STATE_NO,	  /* does not work here */
};

struct rg_finding {
	const char *section; /* "memory"; static */
	enum rg_state state;
	char item[48];	  /* "locked memory" */
	char value[240];  /* "64 KiB": what was found, or why it cannot work */
	char advice[240]; /* what to do about it, or what else to know; may be empty */
};

/* Zero-initialise. Rows stay in the order in which they were added. */
struct rg_findings {
	struct rg_finding *rows; /* [count], owned */
	uint32_t count;
	int rc; /* RG_ERR_NO_MEMORY once a row was lost, else 0 */
};

/* "ok", "limited", "no". Static strings. */
const char *rg_state_name(enum rg_state state);

/*
 * Adds a row without advice; texts that are too long are cut. The row is returned, so that advice
 * can be added, and is valid until the next one is added. Never NULL: without memory it is a row
 * that belongs to no list, and list->rc says so.
 */
struct rg_finding *rg_findings_add(struct rg_findings *list, const char *section, const char *item,
				   enum rg_state state, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Sets what to do about it. */
void rg_finding_advise(struct rg_finding *row, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

void rg_findings_release(struct rg_findings *list); /* NULL and zeroed are allowed */

#endif
