/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A rank for the tests of `railgauge run`: meets its peers by the environment, and with arguments
 * "kill RANK" that rank kills itself before the second meeting.
 */
#include "config.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/log.h"
#include "railgauge/launch/rendezvous.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	uint64_t deadline_ns = rg_clock_ns() + 60 * (uint64_t)1000000000;
	struct rg_rendezvous *rdv = NULL;
	struct rg_err err = {0};
	int rc = rg_rendezvous_env_open(deadline_ns, &rdv, NULL, &err);

	if (!rc)
		rc = rg_rendezvous_barrier(rdv, deadline_ns, &err);
	if (!rc && argc == 3 && !strcmp(argv[1], "kill") &&
	    rdv->rank == (uint32_t)strtoul(argv[2], NULL, 10))
		kill(getpid(), SIGKILL);
	if (!rc)
		rc = rg_rendezvous_barrier(rdv, deadline_ns, &err);
	if (!rc)
		printf("rank %u of %u has met all\n", rdv->rank, rdv->nranks);
	else
		rg_log(RG_LOG_ERROR, "%s", err.text);
	rg_rendezvous_close(rdv);
	return rg_err_exit(rc);
}
