/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recovery: after an operation failed in the middle of a point, a job goes on with its next point
 * on the rails that are left (transport.h).
 *
 *   rg_recovery_open            the job's endpoint and executor
 *   rg_recovery_sample          its sampler
 *   per point: rg_sampler_point -> how it ended here -> rg_recovery_settle -> go on, or end
 *   rg_recovery_close
 *
 * A failed operation leaves nothing that could be used again: queue pairs in the error state, puts
 * of which nobody knows whether they arrived, ranks that stand at different steps. So no operation
 * is repeated. All that it was made with is closed and opened anew, by all ranks, between points:
 *
 *   a rank that failed   closes sampler, executor and endpoint at once: ranks that wait for it hear
 *                        of it where a way is left to tell them by, and fail soon, too
 *   every rank           tells all others, by the rendezvous, how its point ended, when, and over
 *                        which rails it did not reach a peer
 *   all                  come to the same judgement
 *   every rank           closes what it has not closed yet, and opens all anew without those rails
 *
 * A rail that was left out stays so: when its port is up again it may go down again, too.
 *
 * Who does not come to tell is gone, and ends the job. It is waited for as long as it may still be
 * waiting for somebody; for a quarter of that where this rank has waited as long already, since
 * then the others have, too.
 *
 * All of this only where two rails or more are used, and where nothing but railgauge's own
 * algorithms is measured: a collective of an MPI library in which a rank is missing does not end.
 * Elsewhere a failure ends the job.
 *
 * One thread per object. All functions but judge, rails and close are collective.
 */
#ifndef RAILGAUGE_MEASURE_RECOVERY_H
#define RAILGAUGE_MEASURE_RECOVERY_H

#include "railgauge/base/err.h"
#include "railgauge/measure/sample.h"
#include "railgauge/measure/target.h"
#include "railgauge/transport/transport.h"
#include "railgauge/transport/verbs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a point ended for one rank. It leaves the process. */
struct rg_recovery_word {
	uint64_t when_ns;      /* when it failed: rg_sampler_now */
	uint32_t rails_failed; /* as struct rg_endpoint's */
	uint32_t rails_down;   /* likewise */
	int32_t code;	       /* enum rg_code; 0: it ended well */
	char host[64];
	char text[RG_ERR_TEXT_BYTES];
};

struct rg_recovery_verdict {
	bool failed;	    /* anybody did; else the rest means nothing */
	uint32_t first;	    /* the rank whose words say why */
	uint32_t leave_out; /* rails, of those that were used; 0: the job cannot go on */
};

/*
 * Judges the words of nranks ranks, of which at least one bit in used is a rail.
 *
 * First is who failed first; before all others a rank with a failure of its own (no memory, a
 * mistake), which ends the job. Rails are left out that failed or are down for anybody. Where these
 * are all of them, only what the first to blame one blamed, and what is down: who closes takes its
 * queue pairs from peers that have not heard of it yet, and then blame a sound rail. If that is all
 * of them still, there is nothing to go on with. Pure.
 */
struct rg_recovery_verdict rg_recovery_judge(const struct rg_recovery_word *words, uint32_t nranks,
					     uint32_t used);

struct rg_recovery {
	/* By the caller, before open. */
	struct rg_job *job; /* borrowed: ep and executor are opened and closed here */
	const struct rg_transport_ops *ops;
	struct rg_transport_config config; /* what it points to outlives this; changed here */
	bool only_own; /* before sample: nothing but railgauge's own algorithms is measured */

	/* For reading. */
	struct rg_sampler *sampler;	    /* owned: another one after each failure */
	bool agreed;			    /* after the job's end: all ranks know these words */
	struct rg_err why;		    /* of the last failure: who, and its words */
	uint32_t left_out;		    /* rails that it cost */
	struct rg_line lines[RG_LINES_MAX]; /* that were used before it, in the rails' order */

	/* Private. */
	struct rg_sampler_config sampler_config;
	struct rg_recovery_word *words; /* owned, [nranks] */
	uint32_t used;			/* rails of the endpoint, also when it is closed */
	struct rg_verbs_options verbs;	/* the caller's, with the names that "all" stood for */
	char names[RG_LINES_MAX * RG_LINE_NIC_BYTES];
};

/*
 * Opens the job's endpoint and executor. The rest of the object is zero. As the transport's open;
 * RG_ERR_NO_MEMORY.
 */
int rg_recovery_open(struct rg_recovery *recovery, struct rg_err *err);

/* Opens the sampler; recovers is set here. As rg_sampler_open. */
int rg_recovery_sample(struct rg_recovery *recovery, const struct rg_sampler_config *config,
		       struct rg_err *err);

/*
 * After rg_sampler_point, which returned rc, with words in err if that is no 0. last: it was the
 * last point, so nothing is opened again.
 *
 *   0    it ended well on all ranks
 *   1    it failed; the job goes on without left_out, and all that was had from the sampler and
 *        from the endpoint is void
 *   < 0  the job is over: rc; or another rank's failure; or what telling each other or opening
 *        failed with
 */
int rg_recovery_settle(struct rg_recovery *recovery, int rc, bool last, struct rg_err *err);

/* "rail 2 (mlx5_1:1)": those that the last failure cost. Returns text. */
char *rg_recovery_rails(const struct rg_recovery *recovery, char *text, size_t room);

/* Not collective. The job's endpoint and executor are NULL then. Zeroed is allowed. */
void rg_recovery_close(struct rg_recovery *recovery);

#endif
