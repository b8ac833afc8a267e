/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How many bytes per second a line carries after its encoding: what bounds are made of.
 */
#ifndef RAILGAUGE_TOPO_LINE_H
#define RAILGAUGE_TOPO_LINE_H

#include <stdint.h>

/*
 * A line of InfiniBand, from a port's active_speed (of XDR: active_speed_ex) and active_width as
 * libibverbs numbers them: 8b/10b up to QDR, 64b/66b for FDR10, FDR and EDR; of HDR and later the
 * nominal rate [IBA2]. 0 for an unknown code. Not for RoCE: ports of Ethernet tell a speed of
 * InfiniBand that is near theirs. Pure.
 */
uint64_t rg_line_infiniband_Bps(uint32_t active_speed, uint32_t active_width);

/*
 * A network interface's speed, as /sys/class/net says below root ("" for the live system), which
 * is Ethernet's after its encoding. 0: there is no such interface, or its driver does not know.
 */
uint64_t rg_line_ethernet_Bps(const char *root, const char *netdev);

#endif
