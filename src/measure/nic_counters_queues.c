/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What `tc -s qdisc show` and `tc -s class show` print of one interface, without a program: two
 * dumps of the kernel's by netlink. The queues of single rings, which have no number of their own,
 * are left out.
 */
#include "config.h"

#include "nic_counters_impl.h"

#include <errno.h>
#include <linux/gen_stats.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* An attribute: its data, cut to what is there. */
struct attribute {
	uint16_t type;
	const uint8_t *data;
	size_t len_bytes;
};

/* The attribute at *at of bytes[len_bytes]; moves *at behind it. */
static bool next_attribute(const uint8_t *bytes, size_t len_bytes, size_t *at,
			   struct attribute *out)
{
	struct rtattr head;

	if (*at > len_bytes || len_bytes - *at < sizeof(head))
		return false;
	memcpy(&head, bytes + *at, sizeof(head));
	if (head.rta_len < sizeof(head) || head.rta_len > len_bytes - *at)
		return false;
	out->type = head.rta_type & NLA_TYPE_MASK;
	out->data = bytes + *at + RTA_LENGTH(0);
	out->len_bytes = head.rta_len - RTA_LENGTH(0);
	*at += RTA_ALIGN(head.rta_len);
	return true;
}

static bool copy_out(const struct attribute *a, void *to, size_t len_bytes)
{
	if (a->len_bytes < len_bytes)
		return false;
	memcpy(to, a->data, len_bytes);
	return true;
}

static void add(struct nic_list *list, const char *queue, const char *what, uint64_t value)
{
	char name[RG_NIC_NAME_BYTES];

	snprintf(name, sizeof(name), "%s %s", queue, what);
	nic_list_add(list, RG_NIC_FROM_QUEUES, name, value);
}

/* TCA_STATS2: bytes and packets, then drops. */
static void add_stats(struct nic_list *list, const char *queue, const struct attribute *stats)
{
	struct gnet_stats_basic basic = {0};
	struct gnet_stats_queue more = {0};
	struct attribute a;
	uint64_t packets = 0;
	bool basics = false;

	for (size_t at = 0; next_attribute(stats->data, stats->len_bytes, &at, &a);) {
		/* Shorter than the struct, which is filled up at its end. */
		if (a.type == TCA_STATS_BASIC && a.len_bytes >= 12) {
			memcpy(&basic, a.data,
			       a.len_bytes < sizeof(basic) ? a.len_bytes : sizeof(basic));
			basics = true;
		} else if (a.type == TCA_STATS_QUEUE && copy_out(&a, &more, sizeof(more))) {
			add(list, queue, "drops", more.drops);
			add(list, queue, "overlimits", more.overlimits);
			add(list, queue, "requeues", more.requeues);
		} else if (a.type == TCA_STATS_PKT64) {
			(void)copy_out(&a, &packets, sizeof(packets));
		}
	}
	if (!basics)
		return;
	add(list, queue, "bytes", basic.bytes);
	add(list, queue, "packets", packets ? packets : basic.packets);
}

/* "qdisc prio 3:", "class prio 3:1"; hexadecimal, as tc has it. */
static void add_queue(struct nic_list *list, bool is_class, const struct tcmsg *tc,
		      const uint8_t *attributes, size_t len_bytes)
{
	struct attribute a, stats = {0};
	char kind[24] = "", queue[RG_NIC_NAME_BYTES - 12];

	for (size_t at = 0; next_attribute(attributes, len_bytes, &at, &a);) {
		if (a.type == TCA_KIND)
			snprintf(kind, sizeof(kind), "%.*s", (int)a.len_bytes,
				 (const char *)a.data);
		else if (a.type == TCA_STATS2)
			stats = a;
	}
	if (!kind[0] || !stats.len_bytes)
		return;
	if (is_class)
		snprintf(queue, sizeof(queue), "class %.16s %x:%x", kind, tc->tcm_handle >> 16,
			 tc->tcm_handle & 0xffff);
	else if (tc->tcm_handle || tc->tcm_parent == TC_H_ROOT)
		snprintf(queue, sizeof(queue), "qdisc %.16s %x:", kind, tc->tcm_handle >> 16);
	else
		return;
	add_stats(list, queue, &stats);
}

bool nic_parse_queues(const void *messages, size_t len_bytes, uint32_t seq, int index,
		      struct nic_list *list)
{
	const uint8_t *bytes = messages;
	struct nlmsghdr head;
	struct tcmsg tc;

	for (size_t at = 0; at <= len_bytes && len_bytes - at >= sizeof(head);
	     at += NLMSG_ALIGN(head.nlmsg_len)) {
		bool is_class;

		memcpy(&head, bytes + at, sizeof(head));
		if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > len_bytes - at)
			return true; /* cut: the next one may be whole */
		if (head.nlmsg_seq != seq)
			continue;
		if (head.nlmsg_type == NLMSG_DONE || head.nlmsg_type == NLMSG_ERROR)
			return false;
		is_class = head.nlmsg_type == RTM_NEWTCLASS;
		if ((!is_class && head.nlmsg_type != RTM_NEWQDISC) ||
		    head.nlmsg_len < NLMSG_LENGTH(sizeof(tc)))
			continue;
		memcpy(&tc, bytes + at + NLMSG_HDRLEN, sizeof(tc));
		if (tc.tcm_ifindex != index)
			continue;
		add_queue(list, is_class, &tc, bytes + at + NLMSG_SPACE(sizeof(tc)),
			  head.nlmsg_len - NLMSG_LENGTH(sizeof(tc)));
	}
	return true;
}

/* What an earlier dump left in the socket bears another number. */
static void dump(int fd, uint16_t type, uint32_t seq, int index, struct nic_list *list)
{
	struct {
		struct nlmsghdr head;
		struct tcmsg tc;
	} request = {.head = {.nlmsg_len = sizeof(request),
			      .nlmsg_type = type,
			      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			      .nlmsg_seq = seq},
		     .tc = {.tcm_family = AF_UNSPEC, .tcm_ifindex = index}};
	uint8_t answer[32768];
	ssize_t n;

	if (send(fd, &request, sizeof(request), 0) != (ssize_t)sizeof(request))
		return;
	do {
		do
			n = recv(fd, answer, sizeof(answer), 0);
		while (n < 0 && errno == EINTR);
	} while (n > 0 && nic_parse_queues(answer, (size_t)n, seq, index, list));
}

void nic_read_queues(const char *netdev, struct nic_list *list)
{
	/* The kernel answers at once; should it not, this goes without. */
	const struct timeval limit = {.tv_sec = 1};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int index = (int)if_nametoindex(netdev);

	if (fd < 0)
		return;
	if (index && !setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit))) {
		dump(fd, RTM_GETQDISC, 1, index, list);
		dump(fd, RTM_GETTCLASS, 2, index, list);
	}
	close(fd);
}
