/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/topo/line.h"

#include "sysfs.h"

#include <stdlib.h>

uint64_t rg_line_infiniband_Bps(uint32_t active_speed, uint32_t active_width)
{
	static const struct {
		uint32_t code;
		double lane_bps;
	} speeds[] = {
		{1, 2.5e9 * 8 / 10},
		{2, 5e9 * 8 / 10},
		{4, 10e9 * 8 / 10},
		{8, 10.3125e9 * 64 / 66},
		{16, 14.0625e9 * 64 / 66},
		{32, 25.78125e9 * 64 / 66},
		{64, 50e9},
		{128, 100e9},
		{256, 200e9},
	};
	static const struct {
		uint32_t code, lanes;
	} widths[] = {{1, 1}, {2, 4}, {4, 8}, {8, 12}, {16, 2}};
	double lane_bps = 0;
	uint32_t lanes = 0;

	for (unsigned i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++)
		lane_bps = speeds[i].code == active_speed ? speeds[i].lane_bps : lane_bps;
	for (unsigned i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
		lanes = widths[i].code == active_width ? widths[i].lanes : lanes;
	return (uint64_t)(lane_bps * lanes / 8 + 0.5);
}

uint64_t rg_line_ethernet_Bps(const char *root, const char *netdev)
{
	char text[64];
	long speed_Mbitps;

	if (!topo_sysfs_read(text, sizeof(text), "%s/sys/class/net/%s/speed", root, netdev))
		return 0;
	speed_Mbitps = strtol(text, NULL, 10);
	return speed_Mbitps > 0 ? (uint64_t)speed_Mbitps * 125000 : 0; /* -1: not known */
}
