/* SPDX-License-Identifier: BSD-3-Clause */
/* What child.c (the group) and child_exec.c (one start) share. Private to src/launch. */
#ifndef RG_LAUNCH_CHILD_IMPL_H
#define RG_LAUNCH_CHILD_IMPL_H

#include "railgauge/launch/child.h"

#include <signal.h>

/*
 * Starts spec with the signal mask given. Returns once the program runs, or why it does not (as
 * rg_child_start). The child leads its own process group and is not reaped.
 */
int child_exec(const struct rg_child_spec *spec, const sigset_t *mask, pid_t *pid_out,
	       struct rg_err *err);

#endif
