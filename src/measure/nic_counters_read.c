/* SPDX-License-Identifier: BSD-3-Clause */
/* Which ports there are, and their counters in sysfs. */
#include "config.h"

#include "nic_counters_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 512
#define RDMA	   "/sys/class/infiniband/"
#define NET	   "/sys/class/net/"

/* The file's first line; false if it cannot be read or is empty. */
__attribute__((format(printf, 3, 4))) static bool read_text(char *text, size_t room,
							    const char *fmt, ...)
{
	char path[PATH_BYTES];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	return n > 0 && (size_t)n < sizeof(path) && rg_io_read_line(path, text, room) && text[0];
}

__attribute__((format(printf, 1, 2))) static bool exists(const char *fmt, ...)
{
	char path[PATH_BYTES];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	return n > 0 && (size_t)n < sizeof(path) && !access(path, F_OK);
}

/* A whole number and nothing else: "N/A (no PMA)" is none. */
static bool parse(const char *text, uint64_t *out)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return !errno && !*end;
}

/* Is /sys this network namespace's? Who only entered the namespace may see another one's. */
static bool is_shown(const char *root, const char *netdev)
{
	char text[32];
	uint64_t index;

	if (root[0])
		return exists("%s" NET "%s", root, netdev);
	return read_text(text, sizeof(text), NET "%s/ifindex", netdev) && parse(text, &index) &&
	       index == if_nametoindex(netdev);
}

/* --- ports --- */

/* rxe says whose child it is; others by their first GID. */
static void find_netdev(const char *root, struct rg_nic_port *port)
{
	char *text = port->netdev;
	size_t room = sizeof(port->netdev);

	if (!read_text(text, room, "%s" RDMA "%s/parent", root, port->device) &&
	    !read_text(text, room, "%s" RDMA "%s/ports/%" PRIu32 "/gid_attrs/ndevs/0", root,
		       port->device, port->port))
		text[0] = '\0';
}

static bool is_listed(const struct rg_nic_port *ports, uint32_t n, const struct rg_nic_port *port)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!strcmp(ports[i].device, port->device) && ports[i].port == port->port &&
		    (port->port || !strcmp(ports[i].netdev, port->netdev)))
			return true;
	}
	return false;
}

static int add_port(const struct rg_nic_port *port, struct rg_nic_port *ports, uint32_t *n,
		    struct rg_err *err)
{
	if (is_listed(ports, *n, port))
		return 0;
	if (*n == RG_NIC_PORTS_MAX)
		return rg_err_set(err, RG_ERR_RANGE,
				  "the counters of at most %d ports can be read by one rank",
				  RG_NIC_PORTS_MAX);
	ports[(*n)++] = *port;
	return 0;
}

/* All ports of a device, or one (only). */
static int add_device(const char *root, const char *name, uint32_t only, struct rg_nic_port *ports,
		      uint32_t *n, struct rg_err *err)
{
	int rc = 0;

	for (uint32_t p = only ? only : 1; !rc; p++) {
		struct rg_nic_port port = {.port = p};

		if (!exists("%s" RDMA "%s/ports/%" PRIu32, root, name, p))
			break;
		snprintf(port.device, sizeof(port.device), "%s", name);
		find_netdev(root, &port);
		rc = add_port(&port, ports, n, err);
		if (only)
			break;
	}
	return rc;
}

/* One name of a list. */
static int add_name(const char *root, const char *name, struct rg_nic_port *ports, uint32_t *n,
		    struct rg_err *err)
{
	const char *colon = strrchr(name, ':');
	uint64_t number;

	if (exists("%s" RDMA "%s", root, name))
		return add_device(root, name, 0, ports, n, err);
	if (is_shown(root, name) || (!root[0] && if_nametoindex(name))) {
		struct rg_nic_port port = {.port = 0};

		snprintf(port.netdev, sizeof(port.netdev), "%s", name);
		return add_port(&port, ports, n, err);
	}
	if (colon && parse(colon + 1, &number) && number > 0 && number < 256) {
		char device[RG_NIC_DEVICE_BYTES];

		snprintf(device, sizeof(device), "%.*s", (int)(colon - name), name);
		if (exists("%s" RDMA "%s/ports/%" PRIu64, root, device, number))
			return add_device(root, device, (uint32_t)number, ports, n, err);
	}
	return rg_err_set(err, RG_ERR_NOT_FOUND,
			  "%s: no RDMA device, port of one (NAME:PORT) or network interface", name);
}

/* Interfaces alone that are behind a port of the list would be read twice. */
static void drop_twins(struct rg_nic_port *ports, uint32_t *n)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < *n; i++) {
		bool twin = false;

		for (uint32_t k = 0; !ports[i].port && k < *n; k++)
			twin |= ports[k].port && !strcmp(ports[k].netdev, ports[i].netdev);
		if (!twin)
			ports[kept++] = ports[i];
	}
	*n = kept;
}

/* The name at the beginning of a list's rest, of len bytes. */
static int add_first(const char *root, const char *rest, size_t len, struct rg_nic_port *ports,
		     uint32_t *n, struct rg_err *err)
{
	char name[RG_NIC_DEVICE_BYTES];

	if (len >= sizeof(name) || memchr(rest, '/', len) || rest[0] == '.')
		return rg_err_set(err, RG_ERR_NOT_FOUND, "%.*s: not the name of a device",
				  (int)(len > 100 ? 100 : len), rest);
	snprintf(name, sizeof(name), "%.*s", (int)len, rest);
	return add_name(root, name, ports, n, err);
}

int rg_nic_ports_find(const char *root, const char *list, struct rg_nic_port *ports,
		      uint32_t *n_out, struct rg_err *err)
{
	uint32_t n = 0;
	int rc = 0;

	for (const char *rest = list; !rc && *list && rest;) {
		size_t len = strcspn(rest, ",");

		if (!len)
			return rg_err_set(err, RG_ERR_INVALID, "\"%.100s\": a name is empty", list);
		rc = add_first(root, rest, len, ports, &n, err);
		rest = rest[len] ? rest + len + 1 : NULL;
	}
	if (rc)
		return rc;
	drop_twins(ports, &n);
	*n_out = n;
	return 0;
}

void rg_nic_ports_seek(const char *root, const char *list, struct rg_nic_port *ports,
		       uint32_t *n_out)
{
	uint32_t n = 0;

	for (const char *rest = list; rest;) {
		size_t len = strcspn(rest, ",");

		if (len)
			(void)add_first(root, rest, len, ports, &n, NULL);
		rest = rest[len] ? rest + len + 1 : NULL;
	}
	drop_twins(ports, &n);
	*n_out = n;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strverscmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

void rg_nic_ports_active(const char *root, struct rg_nic_port *ports, uint32_t *n)
{
	struct dirent **entries;
	char path[PATH_BYTES];
	int count;

	snprintf(path, sizeof(path), "%.400s" RDMA, root);
	count = scandir(path, &entries, is_visible, by_name);
	for (int i = 0; i < count; i++) {
		struct rg_nic_port found[RG_NIC_PORTS_MAX];
		uint32_t nfound = 0;

		(void)add_device(root, entries[i]->d_name, 0, found, &nfound, NULL);
		for (uint32_t p = 0; p < nfound; p++) {
			char state[32];

			/* "4: ACTIVE" */
			if (read_text(state, sizeof(state), "%s" RDMA "%s/ports/%" PRIu32 "/state",
				      root, found[p].device, found[p].port) &&
			    strtoul(state, NULL, 10) == 4)
				(void)add_port(&found[p], ports, n, NULL);
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	drop_twins(ports, n);
}

char *rg_nic_port_text(const struct rg_nic_port *port, char text[RG_NIC_PORT_TEXT_BYTES])
{
	if (port->port)
		snprintf(text, RG_NIC_PORT_TEXT_BYTES, "%s port %" PRIu32, port->device,
			 port->port);
	else
		snprintf(text, RG_NIC_PORT_TEXT_BYTES, "%s", port->netdev);
	return text;
}

/* --- ageing --- */

/* Drivers whose interfaces' statistics are behind. */
static const struct {
	const char *driver;
	uint64_t wait_ns;  /* reading begins to bring them up to date; that takes at most so long */
	uint64_t stale_ns; /* they are brought up to date at this interval */
} late_drivers[] = {
	{"mlx5_core", 20000000, 0}, /* [Linux-mlx5], mlx5e_get_stats */
	{"bnxt_en", 0, 1000000000}, /* [Linux-bnxt], BNXT_DEF_STATS_COAL_TICKS */
};

static uint64_t lifespan_ns(const char *root, const char *device, const char *folder)
{
	char text[32];
	uint64_t ms;

	if (!read_text(text, sizeof(text), "%s" RDMA "%s/%slifespan", root, device, folder) ||
	    !parse(text, &ms) || ms > 10000)
		return 0;
	return ms * 1000000;
}

/* What one port needs; touches its statistics. */
static void ask_age(const char *root, const struct rg_nic_port *port, uint64_t *wait_ns,
		    uint64_t *stale_ns)
{
	char folder[64], path[PATH_BYTES], link[PATH_BYTES], text[32];
	const char *driver;
	uint64_t life;
	ssize_t n;

	if (port->port) {
		snprintf(folder, sizeof(folder), "ports/%" PRIu32 "/hw_counters/", port->port);
		life = lifespan_ns(root, port->device, folder);
		*wait_ns = life > *wait_ns ? life : *wait_ns;
		life = lifespan_ns(root, port->device, "hw_counters/");
		*wait_ns = life > *wait_ns ? life : *wait_ns;
	}
	if (!port->netdev[0])
		return;
	(void)read_text(text, sizeof(text), "%s" NET "%s/statistics/rx_bytes", root, port->netdev);
	snprintf(path, sizeof(path), "%.300s" NET "%s/device/driver", root, port->netdev);
	n = readlink(path, link, sizeof(link) - 1);
	if (n <= 0)
		return;
	link[n] = '\0';
	driver = strrchr(link, '/') ? strrchr(link, '/') + 1 : link;
	for (size_t i = 0; i < sizeof(late_drivers) / sizeof(late_drivers[0]); i++) {
		if (strcmp(late_drivers[i].driver, driver) != 0)
			continue;
		if (late_drivers[i].wait_ns > *wait_ns)
			*wait_ns = late_drivers[i].wait_ns;
		if (late_drivers[i].stale_ns > *stale_ns)
			*stale_ns = late_drivers[i].stale_ns;
	}
}

uint64_t rg_nic_settle(const char *root, const struct rg_nic_port *ports, uint32_t n)
{
	uint64_t from = rg_clock_ns(), wait = 0, stale = 0, slept;

	for (uint32_t i = 0; i < n; i++)
		ask_age(root, &ports[i], &wait, &stale);
	if (!wait)
		return stale;
	slept = wait < RG_NIC_SETTLE_NS ? wait : RG_NIC_SETTLE_NS;
	rg_clock_sleep_until(from + slept);
	return wait - slept > stale ? wait - slept : stale;
}

/* --- readings --- */

void nic_list_add(struct nic_list *list, enum rg_nic_group group, const char *name, uint64_t value)
{
	struct rg_nic_reading *r = &list->reading;
	struct rg_nic_value *v;

	if (r->n == list->room) {
		uint32_t room = list->room ? 2 * list->room : 64;
		void *more = rg_realloc(r->values, room * sizeof(*r->values));

		if (!more) {
			list->failed = true;
			return;
		}
		r->values = more;
		list->room = room;
	}
	v = &r->values[r->n++];
	*v = (struct rg_nic_value){.group = group, .value = value};
	snprintf(v->name, sizeof(v->name), "%s", name);
}

__attribute__((format(printf, 3, 4))) static void
read_folder(struct nic_list *list, enum rg_nic_group group, const char *fmt, ...)
{
	char path[PATH_BYTES], text[64];
	const struct dirent *entry;
	va_list args;
	uint64_t value;
	int n;
	DIR *d;

	va_start(args, fmt);
	n = vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	d = n > 0 && (size_t)n < sizeof(path) ? opendir(path) : NULL;
	if (!d)
		return;
	while ((entry = readdir(d))) {
		if (entry->d_name[0] == '.' || !strcmp(entry->d_name, "lifespan"))
			continue;
		if (read_text(text, sizeof(text), "%s/%s", path, entry->d_name) &&
		    parse(text, &value))
			nic_list_add(list, group, entry->d_name, value);
	}
	closedir(d);
}

static int order(const void *a, const void *b)
{
	const struct rg_nic_value *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return strcmp(x->name, y->name);
}

int rg_nic_read(const char *root, const struct rg_nic_port *port, struct rg_nic_reading *out,
		struct rg_err *err)
{
	struct nic_list list = {.room = 0};

	rg_nic_reading_release(out);
	if (port->port) {
		read_folder(&list, RG_NIC_FROM_PORT, "%s" RDMA "%s/ports/%" PRIu32 "/counters",
			    root, port->device, port->port);
		read_folder(&list, RG_NIC_FROM_HW, "%s" RDMA "%s/ports/%" PRIu32 "/hw_counters",
			    root, port->device, port->port);
	}
	if (port->port == 1)
		read_folder(&list, RG_NIC_FROM_DEVICE, "%s" RDMA "%s/hw_counters", root,
			    port->device);
	if (port->netdev[0] && is_shown(root, port->netdev))
		read_folder(&list, RG_NIC_FROM_STATISTICS, "%s" NET "%s/statistics", root,
			    port->netdev);
	if (port->netdev[0] && !root[0]) {
		nic_read_ethtool(port->netdev, &list);
		nic_read_queues(port->netdev, &list);
	}
	/* TCP's go on although an interface is gone. */
	if (port->tcp && list.reading.n)
		nic_read_tcp(root, &list);
	if (list.failed) {
		rg_nic_reading_release(&list.reading);
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the adapters' counters");
	}
	if (list.reading.n)
		qsort(list.reading.values, list.reading.n, sizeof(*list.reading.values), order);
	*out = list.reading;
	return 0;
}

void rg_nic_reading_release(struct rg_nic_reading *reading)
{
	rg_free(reading->values);
	*reading = (struct rg_nic_reading){0};
}
