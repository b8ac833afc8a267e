/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Descendants whose parents have ended. Between open and close this process is the one that they
 * are given to, so that none escapes. Private to src/tune.
 */
#ifndef RG_TUNE_ORPHANS_H
#define RG_TUNE_ORPHANS_H

#include "railgauge/base/err.h"

#include <stdint.h>
#include <sys/types.h>

struct orphans {
	pid_t *before; /* owned, [nbefore]: children of this process at the time of open */
	uint32_t nbefore, room;
	int was_subreaper;
};

/* RG_ERR_SYSTEM, RG_ERR_NO_MEMORY. */
int orphans_open(struct orphans *orphans, struct rg_err *err);

/*
 * Ends all children that are not from before, and what they leave, with SIGKILL, and reaps them. A
 * child's number is its own until we reap it, and what a child leaves becomes our child: so no
 * stranger is ever signalled. Those that even SIGKILL does not end are logged and left.
 */
void orphans_end(const struct orphans *orphans);
void orphans_close(struct orphans *orphans);

#endif
