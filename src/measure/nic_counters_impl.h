/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of nic_counters share. */
#ifndef RG_MEASURE_NIC_COUNTERS_IMPL_H
#define RG_MEASURE_NIC_COUNTERS_IMPL_H

#include "railgauge/measure/nic_counters.h"

/* A reading that grows. failed: there was no memory for one of them. */
struct nic_list {
	struct rg_nic_reading reading;
	uint32_t room;
	bool failed;
};

/* Names that are too long are cut. */
void nic_list_add(struct nic_list *list, enum rg_nic_group group, const char *name, uint64_t value);

/* What the interface's driver counts, but single rings and channels. Asks by ioctl. */
void nic_read_ethtool(const char *netdev, struct nic_list *list);

/* The same through a function that stands for the ioctl: SIOCETHTOOL with what; did it succeed? */
void nic_read_ethtool_by(bool (*ask)(int fd, const char *netdev, void *what), int fd,
			 const char *netdev, struct nic_list *list);

/* Is it one of a ring, a channel or a queue: "rx0_packets", "rx_queue_3_bytes", "ch2_poll"? */
bool nic_is_ring(const char *name);

/* Queueing disciplines and classes of the interface. Asks by netlink. */
void nic_read_queues(const char *netdev, struct nic_list *list);

/*
 * Those of interface index in one answer of the kernel, messages[len_bytes], to the request of
 * number seq; what answers another is skipped. false: it was the last.
 */
bool nic_parse_queues(const void *messages, size_t len_bytes, uint32_t seq, int index,
		      struct nic_list *list);

/* TCP's counters in both files. */
void nic_read_tcp(const char *root, struct nic_list *list);

#endif
