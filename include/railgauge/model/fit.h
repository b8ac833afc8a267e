/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parameters of a link (loggp.h) from times of a point-to-point exchange at several sizes, such
 * as railgauge bench sendrecv gives.
 *
 * A vector of n bytes that travels as s messages, each but the last full, takes in the model
 *
 *   T = L + 2 o + (s - 1) g + (n - s) G
 *
 * as long as the port and not the processors hold up the messages (2 o <= g + (k - 1) G). That is
 * linear in L + 2 o, g and G, none of which can be negative: the least squares of the relative
 * deviations, (model - T) / T, with those constraints [Lawson95, chapter 23]. Relative, since times
 * go over orders of magnitude, and a latency is as good a measurement as a bandwidth.
 *
 * What such times do not tell:
 *  - L and o apart: o is the caller's (0: all of it counts as latency);
 *  - g, where no vector took more than one message: it is then 0;
 *  - what part of G is the processors' copying: all of it counts as the link's.
 *
 * Pure functions.
 */
#ifndef RAILGAUGE_MODEL_FIT_H
#define RAILGAUGE_MODEL_FIT_H

#include "railgauge/base/err.h"
#include "railgauge/model/loggp.h"

#include <stdbool.h>
#include <stdint.h>

/* One measurement. */
struct rg_fit_point {
	uint64_t size_bytes; /* n, at least 1 */
	uint64_t messages;   /* s, at least 1, at most n */
	double time_ns;	     /* T, above 0 */
};

struct rg_fit {
	struct rg_loggp loggp;
	bool gap_known;	      /* some vector took more than one message */
	double rms;	      /* root mean square of the relative deviations */
	double worst;	      /* the largest of them, (model - T) / T */
	uint64_t worst_bytes; /* at this size */
};

/*
 * overhead_s is o. RG_ERR_INVALID: fewer than three sizes, or a point that is none. RG_ERR_RANGE:
 * the overheads alone are longer than a measured time.
 */
int rg_fit_loggp(const struct rg_fit_point *points, uint32_t npoints, double overhead_s,
		 struct rg_fit *out, struct rg_err *err);

/* T of the model above, ns. */
double rg_fit_time_ns(const struct rg_loggp *loggp, uint64_t size_bytes, uint64_t messages);

#endif
