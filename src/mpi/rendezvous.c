/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An MPI job as a rendezvous. Every exchange is two of the module's: first the length that each
 * rank brings, so that ranks that disagree are told so, then the data.
 */
#include "config.h"

#include "railgauge/mpi/glue.h"

#include "impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/launch/build.h"
#include "railgauge/launch/process.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define HOST_BYTES 64

struct peer {
	char host[HOST_BYTES];
	struct rg_process process;
};

struct mpi_rdv {
	struct rg_rendezvous base;
	struct rg_mpi *mpi;	      /* borrowed; outlives this */
	struct rg_rendezvous_ops ops; /* named after the module */
	struct rg_err failure;	      /* the first one; every later operation repeats it */
	struct peer *peers;	      /* [nranks], owned; NULL until they are known */
	bool saw_gone;		      /* and so the others are to be told */
};

#define to_mpi_rdv(rdv) ((struct mpi_rdv *)(void *)(rdv))
_Static_assert(offsetof(struct mpi_rdv, base) == 0, "the head comes first");

/* What the ranks tell each other first. */
struct hello {
	uint8_t job_key[32]; /* rank 0's counts */
	char build[RG_BUILD_BYTES];
	struct peer peer;
};

static const char *host_of(const struct mpi_rdv *rdv, uint32_t rank)
{
	return rdv->peers ? rdv->peers[rank].host : "a host not known yet";
}

/* A process of ours that has ended will not come, so there is no point in waiting on. */
static int look_at_peers(void *arg, struct rg_err *err)
{
	struct mpi_rdv *rdv = arg;

	for (uint32_t r = 0; rdv->peers && r < rdv->base.nranks; r++) {
		const struct peer *p = &rdv->peers[r];

		if (r == rdv->base.rank || rg_process_look(&rdv->peers[rdv->base.rank].process,
							   &p->process) != RG_PROCESS_GONE)
			continue;
		rdv->saw_gone = true;
		return rg_err_set(err, RG_ERR_PEER,
				  "waited in an exchange: rank %u (%s, process %" PRId64
				  ") is gone",
				  r, p->host, p->process.pid);
	}
	return 0;
}

/* One exchange of the module, with the words of a failure made complete. */
static int gather(struct mpi_rdv *rdv, const void *mine, void *all, size_t len_bytes,
		  uint64_t deadline_ns, struct rg_err *err)
{
	struct rg_err why = {0};
	struct rg_mpi_absent absent = {0};
	const struct rg_mpi_patience patience = {deadline_ns, look_at_peers, rdv};
	uint64_t start_ns = rg_clock_ns();
	int rc;

	rc = rdv->mpi->module->allgather(mine, all, len_bytes, &patience, &absent, &why);
	if (rc == RG_ERR_TIMEOUT && absent.count > 0)
		rg_err_set(&why, rc,
			   "waited %.1f s in an exchange for rank %u on %s, which did not come%s",
			   (double)(rg_clock_ns() - start_ns) / 1e9, absent.rank,
			   host_of(rdv, absent.rank), absent.count > 1 ? " (nor did others)" : "");
	if (!rc)
		return 0;
	/* What this rank alone may know: the others need not wait for their deadline. */
	if ((rc != RG_ERR_TIMEOUT && rc != RG_ERR_PEER) || rdv->saw_gone)
		rdv->mpi->module->give_up(why.text);
	return rg_err_set(err, rc, "%s", why.text);
}

/* Before an exchange, to which the others may have come already. */
static int no_memory(struct rg_mpi *mpi, struct rg_err *err)
{
	static const char text[] = "no memory for the words of all ranks";

	mpi->module->give_up(text);
	return rg_err_set(err, RG_ERR_NO_MEMORY, "%s", text);
}

static int check_lengths(const struct mpi_rdv *rdv, const uint64_t *lengths, struct rg_err *err)
{
	for (uint32_t r = 1; r < rdv->base.nranks; r++) {
		if (lengths[r] != lengths[0])
			return rg_err_set(err, RG_ERR_MISMATCH,
					  "rank 0 brought %llu bytes to an exchange, rank %u on %s "
					  "%llu",
					  (unsigned long long)lengths[0], r, host_of(rdv, r),
					  (unsigned long long)lengths[r]);
	}
	return 0;
}

static int exchange(struct mpi_rdv *rdv, const void *mine, void *all, size_t len_bytes,
		    uint64_t deadline_ns, struct rg_err *err)
{
	uint64_t length = len_bytes;
	uint64_t *lengths = rg_zalloc(rdv->base.nranks, sizeof(*lengths));
	int rc;

	if (!lengths)
		return no_memory(rdv->mpi, err);
	rc = gather(rdv, &length, lengths, sizeof(length), deadline_ns, err);
	if (!rc)
		rc = check_lengths(rdv, lengths, err);
	if (!rc && len_bytes)
		rc = gather(rdv, mine, all, len_bytes, deadline_ns, err);
	rg_free(lengths);
	return rc;
}

static int mpi_allgather(struct rg_rendezvous *base, const void *mine, void *all, size_t len_bytes,
			 uint64_t deadline_ns, struct rg_err *err)
{
	struct mpi_rdv *rdv = to_mpi_rdv(base);
	struct rg_err *first = &rdv->failure;

	if (first->code || exchange(rdv, mine, all, len_bytes, deadline_ns, first))
		return rg_err_set(err, first->code, "%s", first->text);
	return 0;
}

static void mpi_abort(struct rg_rendezvous *base, const struct rg_err *why)
{
	struct mpi_rdv *rdv = to_mpi_rdv(base);

	if (rdv->failure.code)
		return; /* the others know, or have failed themselves */
	rg_err_set(&rdv->failure, RG_ERR_PEER, "rank %u gave up: %s", base->rank, why->text);
	rdv->mpi->module->give_up(why->text);
}

static void mpi_close(struct rg_rendezvous *base)
{
	struct mpi_rdv *rdv = to_mpi_rdv(base);

	explicit_bzero(base->job_key, sizeof(base->job_key));
	rg_free(rdv->peers);
	rg_free(rdv);
}

/* getrandom fills short requests whole, but may be interrupted before it has entropy. */
static int draw_key(struct rg_mpi *mpi, uint8_t key[32], struct rg_err *err)
{
	ssize_t n;

	do
		n = getrandom(key, 32, 0);
	while (n < 0 && errno == EINTR);
	if (n == 32)
		return 0;
	n = errno;
	mpi->module->give_up("no random bytes for the job key");
	return rg_err_errno(err, (int)n, "getrandom for the job key");
}

static int check_builds(const struct mpi_rdv *rdv, const struct hello *all, struct rg_err *err)
{
	for (uint32_t r = 1; r < rdv->base.nranks; r++) {
		if (memcmp(all[r].build, all[0].build, RG_BUILD_BYTES))
			return rg_err_set(err, RG_ERR_MISMATCH,
					  "two builds of railgauge in one job: rank 0 on %s runs "
					  "%s, rank %u on %s runs %s",
					  all[0].peer.host, all[0].build, r, all[r].peer.host,
					  all[r].build);
	}
	return 0;
}

/* Everybody learns everybody's host and build, and rank 0's key. */
static int introduce(struct mpi_rdv *rdv, const char *build, uint64_t deadline_ns,
		     struct rg_err *err)
{
	uint32_t nranks = rdv->base.nranks;
	struct hello mine = {0}, *all = rg_zalloc(nranks, sizeof(*all));
	struct peer *peers = rg_zalloc(nranks, sizeof(*peers));
	int rc = 0;

	if (!all || !peers)
		rc = no_memory(rdv->mpi, err);
	else if (!rdv->base.rank)
		rc = draw_key(rdv->mpi, mine.job_key, err);
	if (rc)
		goto free;
	rg_process_here(&mine.peer.process);
	if (gethostname(mine.peer.host, sizeof(mine.peer.host) - 1))
		snprintf(mine.peer.host, sizeof(mine.peer.host), "an unnamed host");
	snprintf(mine.build, sizeof(mine.build), "%s", build);
	rc = gather(rdv, &mine, all, sizeof(mine), deadline_ns, err);
	if (!rc)
		rc = check_builds(rdv, all, err);
	if (rc)
		goto free;
	memcpy(rdv->base.job_key, all[0].job_key, sizeof(rdv->base.job_key));
	for (uint32_t r = 0; r < nranks; r++)
		peers[r] = all[r].peer;
	rdv->peers = peers;
	peers = NULL;
free:
	explicit_bzero(&mine, sizeof(mine));
	if (all)
		explicit_bzero(all, nranks * sizeof(*all));
	rg_free(all);
	rg_free(peers);
	return rc;
}

int rg_mpi_rendezvous_open_as(struct rg_mpi *mpi, const char *build, uint64_t deadline_ns,
			      struct rg_rendezvous **rdv_out, struct rg_err *err)
{
	struct mpi_rdv *rdv = rg_zalloc(1, sizeof(*rdv));
	int rc;

	if (!rdv)
		return no_memory(mpi, err);
	rdv->mpi = mpi;
	rdv->ops = (struct rg_rendezvous_ops){
		.name = mpi->module->name,
		.allgather = mpi_allgather,
		.abort = mpi_abort,
		.close = mpi_close,
	};
	rdv->base.ops = &rdv->ops;
	rdv->base.rank = mpi->rank;
	rdv->base.nranks = mpi->nranks;
	rc = introduce(rdv, build, deadline_ns, err);
	if (rc) {
		mpi_close(&rdv->base);
		return rc;
	}
	*rdv_out = &rdv->base;
	return 0;
}

int rg_mpi_rendezvous_open(struct rg_mpi *mpi, uint64_t deadline_ns, struct rg_rendezvous **rdv_out,
			   struct rg_err *err)
{
	return rg_mpi_rendezvous_open_as(mpi, rg_build_id(), deadline_ns, rdv_out, err);
}
