/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading single attributes below /sys. Private to src/topo. root is as in impl.h.
 */
#ifndef RG_TOPO_SYSFS_H
#define RG_TOPO_SYSFS_H

#include "railgauge/topo/topo.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The first line of the file whose path is fmt, cut to fit, without blanks around it. False (and
 * an empty text) if there is none, or it is empty.
 */
bool topo_sysfs_read(char *text_out, size_t len_bytes, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * The ports of /sys/class/infiniband: completes the NICs that hwloc found, adds the others. A soft
 * NIC takes the row and the place of its netdev.
 */
int topo_sysfs_rdma(const char *root, struct rg_topo *topo, struct rg_err *err);

#endif
