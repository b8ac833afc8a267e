/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between meet.c (which way an exchange goes), meet_boards.c and meet_links.c. What they promise is
 * in meet.h.
 */
#ifndef RG_MEASURE_MEET_IMPL_H
#define RG_MEASURE_MEET_IMPL_H

#include "railgauge/measure/meet.h"

/* Once a peer is late: how often to ask whether the ranks live. */
#define MEET_ALIVE_EVERY_NS 50000000u

struct rg_meet {
	struct rg_rendezvous *rdv; /* borrowed */
	struct rg_endpoint *ep;	   /* borrowed; the job's: NULL where none moves data */
	uint64_t deadline_ns;
	bool crowded;
	uint64_t sequence;	    /* exchanges begun */
	struct meet_boards *boards; /* owned; NULL: another way */
	struct meet_links *links;   /* owned; NULL: another way, and clocks were never compared */
};

/* --- meet_boards.c; the endpoint maps its peers --- */

int rg_meet_boards_open(struct rg_meet *m, struct rg_err *err); /* collective */
void rg_meet_boards_leave(struct rg_meet *m);
void rg_meet_boards_close(struct rg_meet *m);

/* m->sequence is that of this exchange. */
int rg_meet_boards_exchange(struct rg_meet *m, const void *mine, void *all, size_t len_bytes,
			    struct rg_err *err);

/* This rank's part in measuring the line between ranks first and first + 1. */
int rg_meet_boards_line(struct rg_meet *m, uint32_t first, double *ns_out, struct rg_err *err);

/* --- meet_links.c; the endpoint moves data --- */

int rg_meet_links_open(struct rg_meet *m, struct rg_err *err); /* collective */
void rg_meet_links_leave(struct rg_meet *m);
const struct rg_endpoint *rg_meet_links_endpoint(const struct meet_links *links);
void rg_meet_links_close(struct rg_meet *m);
int rg_meet_links_exchange(struct rg_meet *m, const void *mine, void *all, size_t len_bytes,
			   struct rg_err *err);
int rg_meet_links_compare(struct rg_meet *m, struct rg_common_clock *clock, struct rg_err *err);

#endif
