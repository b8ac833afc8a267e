/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Jobs that go wrong, under a real mpirun. Each rank prints what it was told, "rank R: TEXT", and
 * stays until all have had the time to: mpirun ends everybody once one has left. Run by peers.sh,
 * which reads the lines.
 *
 * peers absent RANK   that rank does not come to an exchange
 * peers dies RANK     that rank is killed; the others wait for up to a minute
 * peers quits RANK    that rank gives up
 * peers length RANK   that rank brings more bytes than the others
 * peers build RANK    that rank is another build
 * peers open          starts and ends MPI, nothing else
 */
#include "config.h"

#include "mpi/impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/mpi/glue.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECOND_NS ((uint64_t)1000000000)

static uint64_t start_ns, wait_ns = SECOND_NS;

static void say(const struct rg_mpi *mpi, int rc, const struct rg_err *err)
{
	char line[RG_ERR_TEXT_BYTES + 64];
	int n = snprintf(line, sizeof(line), "rank %u: %s: %s\n", mpi->rank, rg_err_name(rc),
			 rc ? err->text : "");

	if (write(STDOUT_FILENO, line, (size_t)n) != n)
		abort();
}

static int exchange(struct rg_rendezvous *rdv, size_t len_bytes, struct rg_err *err)
{
	char mine[16] = "", all[64 * 16];

	return rg_rendezvous_allgather(rdv, mine, all, len_bytes, start_ns + wait_ns, err);
}

static void job(struct rg_mpi *mpi, const char *what, uint32_t who)
{
	bool me = mpi->rank == who;
	struct rg_rendezvous *rdv = NULL;
	struct rg_err err = {0};
	int rc;

	if (!strcmp(what, "build") && me)
		rc = rg_mpi_rendezvous_open_as(mpi, "0.0+other", start_ns + 20 * SECOND_NS, &rdv,
					       &err);
	else
		rc = rg_mpi_rendezvous_open(mpi, start_ns + 20 * SECOND_NS, &rdv, &err);
	start_ns = rg_clock_ns();
	if (!rc && !strcmp(what, "dies")) {
		wait_ns = 60 * SECOND_NS;
		if (me)
			raise(SIGKILL);
	}
	if (!rc && !strcmp(what, "quits") && me) {
		rg_err_set(&err, RG_ERR_SYSTEM, "the disk is full");
		rdv->ops->abort(rdv, &err);
	} else if (!rc && !(!strcmp(what, "absent") && me)) {
		rc = exchange(rdv, !strcmp(what, "length") && me ? 12 : 8, &err);
		say(mpi, rc, &err);
		if (rc) {
			rc = exchange(rdv, 8, &err);
			say(mpi, rc, &err);
		}
	} else if (rc) {
		say(mpi, rc, &err);
	}
	rg_clock_sleep_until(start_ns + 3 * SECOND_NS);
	rg_rendezvous_close(rdv);
}

int main(int argc, char **argv)
{
	const struct rg_mpi_settings settings = {0};
	struct rg_err err = {0};
	struct rg_mpi *mpi = NULL;
	const char *name;
	int rc;

	rc = rg_mpi_choose(NULL, &name, &err);
	if (!rc)
		rc = rg_mpi_open(name, &settings, &mpi, &err);
	if (rc) {
		printf("cannot start: %s: %s\n", rg_err_name(rc), err.text);
		return rg_err_exit(rc);
	}
	start_ns = rg_clock_ns();
	if (argc == 3)
		job(mpi, argv[1], (uint32_t)strtoul(argv[2], NULL, 10));
	rc = rg_mpi_open(name, &settings, &mpi, &err);
	if (rc != RG_ERR_INVALID)
		abort();
	rg_mpi_close(mpi);
	return 0;
}
