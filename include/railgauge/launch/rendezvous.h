/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rendezvous: who are my peers, and a slow, reliable exchange among all of them.
 *
 * Three ways to find the peers: threads of this process, the environment (RANK, WORLD_SIZE,
 * MASTER_ADDR, MASTER_PORT as torchrun sets them; SLURM_PROCID, SLURM_NTASKS ...; `railgauge run`
 * sets the former), and an MPI library (mpi/glue.h adapts one to this interface). Used before and
 * between measurements only, never in a timed part.
 *
 * Peers of the environment kind prove that they know the job's secret (RG_JOB_SECRET, or the file
 * RG_JOB_SECRET_FILE: at least 16 characters) by answering a challenge with HMAC-SHA-256; the
 * secret itself never crosses a socket. Without a secret only `railgauge run` (which makes one),
 * threads and MPI work: the error says how to set one.
 *
 * Every operation is collective over all ranks, blocks at most until its deadline, and on failure
 * names the rank and host that did not come. The first failure of any rank ends the rendezvous: all
 * ranks are released with its text, each later operation returns it again, and only abort and close
 * are of use then. One thread per object.
 */
#ifndef RAILGAUGE_LAUNCH_RENDEZVOUS_H
#define RAILGAUGE_LAUNCH_RENDEZVOUS_H

#include "railgauge/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rg_rendezvous;

/* One kind of rendezvous. All members are mandatory. */
struct rg_rendezvous_ops {
	const char *name; /* "threads", "env", "openmpi" */

	/*
	 * mine[len_bytes] of every rank, in rank order, into all[nranks][len_bytes] on every rank.
	 * len_bytes is equal on all ranks (each implementation checks it and returns
	 * RG_ERR_MISMATCH naming the ranks). RG_ERR_TIMEOUT, RG_ERR_PEER.
	 */
	int (*allgather)(struct rg_rendezvous *rdv, const void *mine, void *all, size_t len_bytes,
			 uint64_t deadline_ns, struct rg_err *err);

	/*
	 * Tells the others that this rank gives up, with a text they will report: what they wait
	 * for, or ask for next, returns RG_ERR_PEER. Never fails; does not block for long.
	 */
	void (*abort)(struct rg_rendezvous *rdv, const struct rg_err *why);

	/* Frees the object. Not collective. */
	void (*close)(struct rg_rendezvous *rdv);
};

/* The common head: an implementation embeds it and uses container_of. */
struct rg_rendezvous {
	const struct rg_rendezvous_ops *ops;
	uint32_t rank;	     /* 0 .. nranks-1 */
	uint32_t nranks;     /* >= 1 */
	uint8_t job_key[32]; /* HMAC key known to all ranks of the job; never printed or recorded */
	struct rg_err agreed; /* the last failure that rg_rendezvous_agree told all ranks of */
};

static inline int rg_rendezvous_allgather(struct rg_rendezvous *rdv, const void *mine, void *all,
					  size_t len_bytes, uint64_t deadline_ns,
					  struct rg_err *err)
{
	return rdv->ops->allgather(rdv, mine, all, len_bytes, deadline_ns, err);
}

/*
 * The following are built on allgather and return its errors, besides RG_ERR_NO_MEMORY (the others
 * are released then) and RG_ERR_MISMATCH when ranks are in different operations.
 */
/* An allgather of nothing but a magic word. */
int rg_rendezvous_barrier(struct rg_rendezvous *rdv, uint64_t deadline_ns, struct rg_err *err);

/*
 * Rank root's data[len_bytes] to all. len_bytes and root are equal on all ranks, else
 * RG_ERR_MISMATCH. RG_ERR_INVALID for a root outside the job. On failure data is undefined.
 */
int rg_rendezvous_bcast(struct rg_rendezvous *rdv, void *data, size_t len_bytes, uint32_t root,
			uint64_t deadline_ns, struct rg_err *err);

/*
 * All ranks learn whether all succeeded: code 0 everywhere, else the text of the lowest failing
 * rank, with its number and host, and its code, on every rank; where all failed with the same
 * words, these alone. *err is read (this rank's own failure) and written; it may be NULL. Where the
 * exchange itself fails, this rank's own failure stands in front of the words on that.
 *
 * What is agreed on has ended before the deadline is computed, in a statement of its own: arguments
 * are evaluated in any order. And it takes less time than the others wait for this rank here.
 */
int rg_rendezvous_agree(struct rg_rendezvous *rdv, int code, uint64_t deadline_ns,
			struct rg_err *err);

void rg_rendezvous_close(struct rg_rendezvous *rdv); /* NULL is allowed */

/*
 * nranks objects that meet in this process; rdvs_out[nranks]. Each is then used by one thread and
 * closed by it; a rank that closes while another waits for it releases that one with RG_ERR_PEER.
 * RG_ERR_NO_MEMORY; RG_ERR_INVALID for 0 ranks.
 */
int rg_rendezvous_threads_open(uint32_t nranks, struct rg_rendezvous **rdvs_out,
			       struct rg_err *err);

/*
 * From the environment. RG_ERR_NOT_FOUND when it names no job at all (rank and size are unset);
 * RG_ERR_INVALID naming the variable that is missing or nonsense; RG_ERR_DENIED, RG_ERR_TIMEOUT,
 * RG_ERR_SYSTEM. *told_out (may be NULL): rank 0 told this rank of the failure, and reports it
 * itself; false: perhaps nobody else knows of it.
 */
int rg_rendezvous_env_open(uint64_t deadline_ns, struct rg_rendezvous **rdv_out, bool *told_out,
			   struct rg_err *err);

#endif
