/* SPDX-License-Identifier: BSD-3-Clause */
/* What `ethtool -S` prints, without a program: two arrays of the driver's. */
#include "config.h"

#include "nic_counters_impl.h"

#include "railgauge/base/mem.h"

#include <ctype.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define STATISTICS_MAX 65536

/*
 * The kernel stores as many as there are when it is asked for them, whatever room it is told of
 * (until 2025): channels that are added after the count was asked for are in it.
 */
#define STATISTICS_ROOM(n) (2 * (size_t)(n) + 1024)

bool nic_is_ring(const char *name)
{
	static const char *const heads[] = {"rx",     "tx",	"ch",	  "queue", "xdp",
					    "ptp_rx", "ptp_tx", "ptp_ch", "ptp_cq"};
	static const char *const joints[] = {"", "-", "_queue_", "_queue-", "_q_"};

	if (name[0] == '[') /* "[3]: rx_ucast_packets" */
		return true;
	for (size_t h = 0; h < sizeof(heads) / sizeof(heads[0]); h++) {
		size_t n = strlen(heads[h]);

		if (strncmp(name, heads[h], n) != 0)
			continue;
		for (size_t j = 0; j < sizeof(joints) / sizeof(joints[0]); j++) {
			size_t m = strlen(joints[j]);

			if (!strncmp(name + n, joints[j], m) && isdigit((unsigned char)name[n + m]))
				return true;
		}
		/* "queue_3_tx_cnt" */
		if (!strcmp(heads[h], "queue") && name[n] == '_' &&
		    isdigit((unsigned char)name[n + 1]))
			return true;
	}
	return false;
}

static bool ask_kernel(int fd, const char *netdev, void *what)
{
	struct ifreq request = {.ifr_data = what};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", netdev);
	return !ioctl(fd, SIOCETHTOOL, &request);
}

/* How many there are; 0: none, or the driver does not tell. */
static uint32_t count(bool (*ask)(int, const char *, void *), int fd, const char *netdev)
{
	union {
		struct ethtool_sset_info info;
		uint8_t room[sizeof(struct ethtool_sset_info) + sizeof(uint32_t)];
	} u = {.info = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = UINT64_C(1) << ETH_SS_STATS}};
	uint32_t n;

	if (!ask(fd, netdev, &u) || !u.info.sset_mask)
		return 0;
	memcpy(&n, u.room + sizeof(struct ethtool_sset_info), sizeof(n));
	return n > STATISTICS_MAX ? 0 : n;
}

static void add_all(bool (*ask)(int, const char *, void *), int fd, const char *netdev, uint32_t n,
		    struct ethtool_gstrings *names, struct ethtool_stats *values,
		    struct nic_list *list)
{
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_STATS;
	names->len = n;
	values->cmd = ETHTOOL_GSTATS;
	values->n_stats = n;
	if (!ask(fd, netdev, names) || !ask(fd, netdev, values) || names->len != n ||
	    values->n_stats != n)
		return;
	for (uint32_t i = 0; i < n; i++) {
		const char *at = (const char *)names->data + (size_t)i * ETH_GSTRING_LEN;
		char name[ETH_GSTRING_LEN + 1];

		snprintf(name, sizeof(name), "%.*s", ETH_GSTRING_LEN, at);
		if (name[0] && !nic_is_ring(name))
			nic_list_add(list, RG_NIC_FROM_ETHTOOL, name, values->data[i]);
	}
}

void nic_read_ethtool_by(bool (*ask)(int, const char *, void *), int fd, const char *netdev,
			 struct nic_list *list)
{
	uint32_t n = count(ask, fd, netdev);
	struct ethtool_gstrings *names;
	struct ethtool_stats *values;

	if (!n)
		return;
	names = rg_zalloc(1, sizeof(*names) + STATISTICS_ROOM(n) * ETH_GSTRING_LEN);
	values = rg_zalloc(1, sizeof(*values) + STATISTICS_ROOM(n) * sizeof(uint64_t));
	if (names && values)
		add_all(ask, fd, netdev, n, names, values, list);
	else
		list->failed = true;
	rg_free(names);
	rg_free(values);
}

void nic_read_ethtool(const char *netdev, struct nic_list *list)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	nic_read_ethtool_by(ask_kernel, fd, netdev, list);
	close(fd);
}
