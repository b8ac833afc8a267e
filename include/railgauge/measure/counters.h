/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What adapters counted during a measurement, as the part of a document that says it
 * (docs/RESULT.md, "Counters"), beside whatever points the document has. nic_counters.h says how
 * they are read, and nic_counters_job.h fills this.
 *
 * Arrays are owned, and grow by the functions here. One thread per object. A function that fails
 * leaves it as it was.
 */
#ifndef RAILGAUGE_MEASURE_COUNTERS_H
#define RAILGAUGE_MEASURE_COUNTERS_H

#include "railgauge/base/err.h"
#include "railgauge/base/fields.h"
#include "railgauge/base/json.h"
#include "railgauge/measure/nic_counters.h"

#include <stdbool.h>
#include <stdint.h>

/* A port whose counters were read. */
struct rg_counters_nic {
	uint32_t rank;			  /* that read them */
	char host[64];			  /* its host */
	char device[RG_NIC_DEVICE_BYTES]; /* of RDMA, or the interface if port is 0 */
	uint32_t port;
	char netdev[RG_NIC_DEVICE_BYTES]; /* empty: none, or not known */
};

/* A counter that moved, of any port. */
struct rg_counters_kind {
	enum rg_nic_group group;
	char name[RG_NIC_NAME_BYTES];
	enum rg_nic_class class;
	char meaning[128];
};

struct rg_counters_moved {
	uint32_t kind; /* index into kinds */
	uint64_t by;   /* 0: not known, which how explains */
	enum rg_nic_how how;
};

/* What moved at one port between two readings: while some points were measured, one after another.
 */
struct rg_counters_reading {
	uint32_t nic;		       /* index into nics */
	uint32_t first_point, npoints; /* npoints >= 1 */
	uint32_t read;		       /* counters that were read; those not in moved stood still */
	bool gone;		       /* none could be read any more: the device is gone */
	uint64_t stale_ns;	       /* what moved so shortly before the end may be missing */
	uint32_t nmoved;
	struct rg_counters_moved *moved; /* owned, [nmoved] */
};

/* Zeroed is an empty one: no counters were read. */
struct rg_counters {
	uint32_t nnics, nkinds, nreadings;
	struct rg_counters_nic *nics;	      /* owned, [nnics] */
	struct rg_counters_kind *kinds;	      /* owned, [nkinds] */
	struct rg_counters_reading *readings; /* owned, [nreadings], in the order of time */
};

/* RG_ERR_NO_MEMORY; RG_ERR_INVALID for texts that are not UTF-8. */
int rg_counters_add_nic(struct rg_counters *counters, const struct rg_counters_nic *nic,
			struct rg_err *err);

/*
 * Adds a reading of nic reading->nic; its moved are made from rows[n], and kinds grows by those
 * that are new. RG_ERR_NO_MEMORY, RG_ERR_INVALID.
 */
int rg_counters_add_reading(struct rg_counters *counters, const struct rg_counters_reading *reading,
			    const struct rg_nic_moved *rows, uint32_t n, struct rg_err *err);

/* null if there are no ports. New reference; NULL without memory. */
json_t *rg_counters_to_json(const struct rg_counters *counters);

/*
 * The reverse, checked: indices in range, points below npoints. object may be NULL (an older
 * document) or null. where is its path in messages. RG_ERR_FORMAT, RG_ERR_NO_MEMORY; then *out is
 * empty.
 */
int rg_counters_from_json(const json_t *object, const char *where, uint32_t npoints,
			  struct rg_counters *out, struct rg_err *err);

void rg_counters_release(struct rg_counters *counters); /* zeroed is allowed */

/* The members, for a test of the schema. */
extern const struct rg_field rg_counters_fields[];

#endif
