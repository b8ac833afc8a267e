/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The time that a collective takes in a model, from its own schedule: the generator's steps of all
 * ranks (coll/schedule.h) are carried out together under the costs of loggp.h. Nothing is assumed
 * about an algorithm, so a new row is simulated as it is.
 *
 * All ranks begin at 0 with all slots free; the time is that of the last one's end. What the steps
 * mean:
 *
 *   MOVE     takes the processor copy_s for each byte and destination, reduce_s for each byte and
 *            source beyond the first
 *   slots    the data put into a slot travel with the READY that announces them: one message, sent
 *            at the SIGNAL, received at the WAIT
 *   words    a MOVE receives its word messages before it works and sends them after it; 8 bytes
 *            carry 4, so a message is twice as long. Empty ones do not travel.
 *   FREE     of slots and words: is there L after it was signalled, and costs neither processor nor
 *            port, since credits ride on other messages. A reader holds back credits as the
 *            executor does: it tells every credit_batch-th message.
 *   ENTER, DONE, SYNC   messages of no bytes
 *   channels the streams of a rank share its processor and its ports: who is ready first is served
 *            first
 *
 * Protocols WINDOW and READ are refused: they read and write the peers' memory without a message
 * that LogGP would know.
 *
 * With one channel the time is a function of maxima and sums alone: it does not depend on the order
 * in which ranks are looked at, and more latency, overhead, gap or time per byte never makes
 * anything faster. With more channels both can fail to hold, as in reality, but equal input gives
 * equal output.
 *
 * Cost. About a tenth of a microsecond of computing per message. Streams of steps are kept packed:
 * what repeats, or goes from peer to peer in equal strides or by exclusive or, takes no room, and
 * likewise messages under way. What is too irregular for that ends in RG_ERR_LIMIT at RG_SIM_BYTES.
 *
 * Time is kept in femtoseconds, so that sums are exact: a nanosecond is too long for a byte.
 * Pure functions, may run concurrently, never block.
 */
#ifndef RAILGAUGE_MODEL_SIMULATE_H
#define RAILGAUGE_MODEL_SIMULATE_H

#include "railgauge/base/err.h"
#include "railgauge/coll/schedule.h"
#include "railgauge/model/loggp.h"

#include <stdint.h>

#define RG_SIM_RANKS 131072 /* at most */

/* For packed streams and messages under way together; other memory is below 4 KiB per rank and
 * channel. */
#define RG_SIM_BYTES ((uint64_t)640 << 20)

/* The longest time there is: 2^62 fs, 76 minutes. */
#define RG_SIM_FS_MAX ((int64_t)1 << 62)

struct rg_sim_result {
	int64_t time_fs;	      /* of the slowest rank */
	uint64_t messages;	      /* of all ranks, credits not counted */
	uint64_t bytes[RG_HOP_COUNT]; /* in them, by class of link */
};

/*
 * Simulates one operation. problem->layout.node tells who shares a node, numbers below nranks;
 * params.channels and geometry are those of the schedule. RG_ERR_UNSUPPORTED: algorithm->check's
 * reason, or a protocol as above. RG_ERR_RANGE: a cost that is negative or not finite, or a time
 * beyond RG_SIM_FS_MAX. RG_ERR_LIMIT, RG_ERR_NO_MEMORY. RG_ERR_INTERNAL: a mistake of the row, such
 * as a message that nobody sends.
 */
int rg_sim_run(const struct rg_algorithm *algorithm, const struct rg_problem *problem,
	       const struct rg_costs *costs, struct rg_sim_result *out, struct rg_err *err);

#endif
