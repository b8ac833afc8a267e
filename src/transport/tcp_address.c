/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp: which interface a rank listens on and sends from. */
#include "config.h"

#include "tcp_impl.h"

#include "railgauge/base/io.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How good an interface is; the first that differs decides, more is better. */
struct merit {
	int named;    /* it is the one asked for */
	int suits;    /* loopback if the ranks are on one node, else not */
	int routable; /* no link-local address */
	int device;   /* a device is behind it: no bridge or tunnel */
	long mbps;    /* 0: unknown */
	int near;     /* on this process's NUMA node */
	int v4;
};

static long read_number(const char *name, const char *what)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", name, what);
	return rg_io_read_line(path, text, sizeof(text)) ? strtol(text, NULL, 10) : -1;
}

static bool has_device(const char *name)
{
	char path[128], text[8];

	snprintf(path, sizeof(path), "/sys/class/net/%s/device/uevent", name);
	return rg_io_read_line(path, text, sizeof(text));
}

static bool is_routable(const struct sockaddr *sa)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;

	if (sa->sa_family == AF_INET6)
		return !IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr);
	return ntohl(v4->sin_addr.s_addr) >> 16 != 0xa9fe; /* 169.254.0.0/16 */
}

static struct merit judge(const struct ifaddrs *i, const char *wanted, bool one_node)
{
	bool loopback = i->ifa_flags & IFF_LOOPBACK;
	unsigned node = 0;
	struct merit m = {
		.named = wanted && !strcmp(wanted, i->ifa_name),
		.suits = loopback == one_node,
		.routable = is_routable(i->ifa_addr),
		.device = has_device(i->ifa_name),
		.mbps = read_number(i->ifa_name, "speed"),
		.v4 = i->ifa_addr->sa_family == AF_INET,
	};

	if (m.mbps < 0)
		m.mbps = 0;
	(void)getcpu(NULL, &node); /* else 0 */
	m.near = read_number(i->ifa_name, "device/numa_node") == (long)node;
	return m;
}

static bool is_better(const struct merit *a, const struct merit *b)
{
	if (a->named != b->named)
		return a->named > b->named;
	if (a->suits != b->suits)
		return a->suits > b->suits;
	if (a->routable != b->routable)
		return a->routable > b->routable;
	if (a->device != b->device)
		return a->device > b->device;
	if (a->mbps != b->mbps)
		return a->mbps > b->mbps;
	if (a->near != b->near)
		return a->near > b->near;
	return a->v4 > b->v4;
}

static bool is_usable(const struct ifaddrs *i)
{
	return i->ifa_addr && i->ifa_flags & IFF_UP && i->ifa_flags & IFF_RUNNING &&
	       (i->ifa_addr->sa_family == AF_INET || i->ifa_addr->sa_family == AF_INET6);
}

static int not_found(const struct ifaddrs *list, const char *wanted, struct rg_err *err)
{
	char names[256] = "";
	size_t used = 0;

	for (const struct ifaddrs *i = list; i && used < sizeof(names); i = i->ifa_next) {
		if (is_usable(i) && !strstr(names, i->ifa_name))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
						 used ? ", " : "", i->ifa_name);
	}
	if (wanted)
		return rg_err_set(err, RG_ERR_NOT_FOUND,
				  "tcp: there is no interface %s with an address that is up; there "
				  "is %s",
				  wanted, used ? names : "none");
	return rg_err_set(err, RG_ERR_NOT_FOUND, "tcp: no interface with an address is up");
}

/* An address of IPv4 may have a label, "eth0:1". */
static bool is_same_device(const char *a, const char *b)
{
	size_t n = strcspn(a, ":");

	return n == strcspn(b, ":") && !strncmp(a, b, n);
}

static const uint8_t *address_bytes(const struct sockaddr *sa, size_t *n_out)
{
	bool v6 = sa->sa_family == AF_INET6;

	*n_out = v6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
	return v6 ? (const uint8_t *)&((const struct sockaddr_in6 *)sa)->sin6_addr
		  : (const uint8_t *)&((const struct sockaddr_in *)sa)->sin_addr;
}

/* Do a's and b's subnets overlap? Both have netmasks, and the same family. */
static bool is_same_subnet(const struct ifaddrs *a, const struct ifaddrs *b)
{
	size_t n;
	const uint8_t *x = address_bytes(a->ifa_addr, &n), *y = address_bytes(b->ifa_addr, &n);
	const uint8_t *p = address_bytes(a->ifa_netmask, &n);
	const uint8_t *q = address_bytes(b->ifa_netmask, &n);

	for (size_t k = 0; k < n; k++) {
		if ((x[k] ^ y[k]) & p[k] & q[k])
			return false;
	}
	return true;
}

/* Another interface that reaches the same peers; a link-local address of IPv6 says which one. */
static const char *find_twin(const struct ifaddrs *list, const struct ifaddrs *chosen)
{
	int family = chosen->ifa_addr->sa_family;

	if (chosen->ifa_flags & IFF_LOOPBACK || !chosen->ifa_netmask ||
	    (family == AF_INET6 && !is_routable(chosen->ifa_addr)))
		return "";
	for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
		if (is_usable(i) && i->ifa_addr->sa_family == family && i->ifa_netmask &&
		    !is_same_device(i->ifa_name, chosen->ifa_name) && is_same_subnet(i, chosen))
			return i->ifa_name;
	}
	return "";
}

int tcp_choose_address(const char *interface, bool one_node, struct tcp_address *out, char *about,
		       size_t room, struct rg_err *err)
{
	const struct ifaddrs *best = NULL;
	struct merit best_merit = {0};
	struct ifaddrs *list;

	if (getifaddrs(&list))
		return rg_err_errno(err, errno, "tcp: the interfaces");
	for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
		struct merit m;

		if (!is_usable(i))
			continue;
		m = judge(i, interface, one_node);
		if (interface && !m.named)
			continue;
		if (best && !is_better(&m, &best_merit))
			continue;
		best = i;
		best_merit = m;
	}
	if (!best) {
		int rc = not_found(list, interface, err);

		freeifaddrs(list);
		return rc;
	}
	out->sockaddr_bytes = best->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
								   : sizeof(struct sockaddr_in6);
	memcpy(&out->sockaddr, best->ifa_addr, out->sockaddr_bytes);
	snprintf(out->interface, sizeof(out->interface), "%s", best->ifa_name);
	snprintf(out->twin, sizeof(out->twin), "%s", find_twin(list, best));
	freeifaddrs(list);
	snprintf(about, room, "interface %s", out->interface);
	return 0;
}

void tcp_address_text(const struct tcp_address *a, char *text, size_t room)
{
	bool v6 = a->sockaddr.ss_family == AF_INET6;
	char host[NI_MAXHOST], port[8];

	if (getnameinfo((const struct sockaddr *)&a->sockaddr, a->sockaddr_bytes, host,
			sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV))
		snprintf(text, room, "an unknown address");
	else
		snprintf(text, room, v6 ? "[%.45s]:%s" : "%.45s:%s", host, port);
}
