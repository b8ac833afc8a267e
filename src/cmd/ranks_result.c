/* SPDX-License-Identifier: BSD-3-Clause */
/* What the result document has of the ranks: machines, ranks, and what is doubtful about them. */
#include "config.h"

#include "ranks.h"
#include "cmd.h"

#include "railgauge/base/json.h"
#include "railgauge/base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

static void warn_into(void *arg, const char *code, const char *text)
{
	(void)rg_result_add_warning(arg, NULL, code, "%s", text);
}

/* Of /dev/shm, per rank of a host: what Open MPI's own shared memory takes. */
#define MPI_SHM_BYTES ((uint64_t)4 << 20)

/*
 * Where /dev/shm is too small for Open MPI, as in a container with the usual 64 MiB, it goes
 * another way, slower by far, and says so at most before the table.
 */
static void judge_shm(const struct ranks_member *m, struct rg_result *result)
{
	uint32_t local = rg_place_local(m->places, m->rdv->nranks, 0, NULL);
	char size[RG_UNITS_BYTES], text[256];
	struct statvfs fs;
	uint64_t bytes;

	if (!m->ranks->mpi || local < 2 || statvfs("/dev/shm", &fs))
		return;
	bytes = (uint64_t)fs.f_blocks * fs.f_frsize;
	if (!bytes || bytes > MPI_SHM_BYTES * local) /* 0: without a limit */
		return;
	snprintf(text, sizeof(text),
		 "/dev/shm of %s holds %s, too little for the MPI library's shared memory with %u "
		 "ranks there: it may take a slower way (docker run --shm-size)",
		 m->places[0].host, rg_format_size(bytes, size), local);
	warn_into(result, "mpi-shm", text);
}

int ranks_describe(const struct ranks_member *m, struct rg_result *result, struct rg_err *err)
{
	int rc = 0;

	for (uint32_t r = 0; !rc && r < m->rdv->nranks; r++) {
		const struct rg_place *p = &m->places[r];
		const struct rg_result_rank rank = {
			.host = p->host,
			.pid = p->process.pid,
			.cpus = p->cpus_text,
			.numa_node = p->numa_node,
		};
		struct rg_result_machine machine;

		rg_machine_describe(&m->machines[r], &machine);
		rc = rg_result_add_machine(result, &machine, err);
		if (!rc)
			rc = rg_result_add_rank(result, &rank, err);
	}
	if (rc)
		return rc;
	rg_place_judge(m->places, m->rdv->nranks, warn_into, result);
	judge_shm(m, result);
	if (m->no_verbs[0])
		rc = rg_result_add_warning(result, err, "no-rdma",
					   "RDMA does not join the nodes: %s", m->no_verbs);
	return rc;
}

/* A twentieth of a processor is what an idle machine's own daemons take. */
#define LOAD_TOLERATED 0.05

void ranks_judge_load(struct rg_result *result, double others_load)
{
	char text[128];

	if (others_load <= LOAD_TOLERATED)
		return;
	snprintf(text, sizeof(text), "other programs took %.2f processors meanwhile", others_load);
	warn_into(result, "load", text);
}

int ranks_print_document(const struct rg_result *result, struct rg_err *err)
{
	json_t *root = rg_result_to_json(result);
	size_t len = 0;
	char *text = root ? rg_json_text(root, &len) : NULL;
	int rc;

	json_decref(root);
	if (!text)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the document");
	rc = rg_cmd_output_write(text, len, err);
	free(text);
	return rc;
}
