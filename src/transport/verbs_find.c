/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs: which devices a rank uses. */
#include "config.h"

#include "verbs_impl.h"

#include "railgauge/base/mem.h"
#include "railgauge/topo/affinity.h"
#include "railgauge/topo/rdma.h"

#include <errno.h>
#include <infiniband/verbs.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/*
 * Before anything is registered. Of ranks that are threads one at a time: libibverbs has no lock
 * around what it sets up. Where it is refused (another library registered memory before, and did
 * not ask for it) the header's words on fork hold.
 */
static void prepare_for_forks(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&lock);
	(void)ibv_fork_init();
	pthread_mutex_unlock(&lock);
}

int verbs_list(struct ibv_device ***list_out, int *n_out, struct rg_err *err)
{
	struct ibv_device **list;
	char missing[RG_RDMA_MISSING_BYTES];
	int e;

	prepare_for_forks();
	*n_out = 0;
	errno = 0;
	list = ibv_get_device_list(n_out);
	e = errno;
	if (list && *n_out > 0) {
		*list_out = list;
		return 0;
	}
	if (list)
		ibv_free_device_list(list);
	else if (e && e != ENOSYS)
		return rg_err_errno(err, e, "verbs: the list of devices");
	rg_rdma_missing(missing);
	return rg_err_set(err, RG_ERR_NOT_FOUND, "verbs: RDMA devices: %s", missing);
}

/* --- names --- */

struct names {
	char name[RG_VERBS_DEVICES_MAX][RG_VERBS_NAME_BYTES + 4];
	char why[RG_VERBS_DEVICES_MAX][RG_VERBS_WHY_BYTES];
	uint32_t n;
};

static int add_name(struct names *names, const char *name, size_t len, const char *why,
		    struct rg_err *err)
{
	if (!len || len >= sizeof(names->name[0]))
		return rg_err_set(
			err, RG_ERR_INVALID,
			"--verbs.device: \"%.*s\" is no device: names with commas between",
			(int)(len < 80 ? len : 80), name);
	for (uint32_t i = 0; i < names->n; i++) {
		if (strlen(names->name[i]) == len && !memcmp(names->name[i], name, len))
			return rg_err_set(err, RG_ERR_INVALID,
					  "--verbs.device: %.*s is there twice", (int)len, name);
	}
	if (names->n == RG_VERBS_DEVICES_MAX)
		return rg_err_set(err, RG_ERR_RANGE, "--verbs.device: more than %d devices",
				  RG_VERBS_DEVICES_MAX);
	snprintf(names->name[names->n], sizeof(names->name[0]), "%.*s", (int)len, name);
	snprintf(names->why[names->n], sizeof(names->why[0]), "%s", why);
	names->n++;
	return 0;
}

static int split_list(const char *list, struct names *names, struct rg_err *err)
{
	int rc = 0;

	for (const char *at = list; !rc; at++) {
		size_t len = strcspn(at, ",");

		rc = add_name(names, at, len, "asked for", err);
		at += len;
		if (!*at)
			break;
	}
	return rc;
}

/* --- without being asked for --- */

bool verbs_has_connections(const struct ibv_device *device)
{
	return device->transport_type == IBV_TRANSPORT_IB;
}

/* Does libibverbs show this port of the topology as one to be used, and is it up? */
static bool is_there(struct ibv_device *const *list, int n, const struct rg_topo_nic *nic)
{
	if (!nic->rdma[0] || nic->state != RG_TOPO_STATE_ACTIVE)
		return false;
	for (int i = 0; i < n; i++) {
		if (verbs_has_connections(list[i]) &&
		    !strcmp(ibv_get_device_name(list[i]), nic->rdma))
			return true;
	}
	return false;
}

static int add_nic(struct names *names, const struct rg_topo_nic *nic, const char *why,
		   struct rg_err *err)
{
	char name[RG_VERBS_NAME_BYTES + 4];
	int n = snprintf(name, sizeof(name), "%s:%u", nic->rdma, nic->port);

	return add_name(names, name, (size_t)n, why, err);
}

static int add_all(struct ibv_device *const *list, int n, const struct rg_topo *topo,
		   struct names *names, struct rg_err *err)
{
	int rc = 0;

	for (uint32_t i = 0; topo && !rc && i < topo->nnics; i++) {
		if (is_there(list, n, &topo->nics[i]))
			rc = add_nic(names, &topo->nics[i], "all that are active", err);
	}
	return rc;
}

/* The adapter that the rank is given by its place; none where that has no verbs. */
static int add_nearest(struct ibv_device *const *list, int n, const struct rg_topo *topo,
		       uint32_t local, uint32_t nlocal, struct names *names, struct rg_err *err)
{
	struct rg_affinity *affinity = NULL;
	int rc = topo ? rg_affinity_open(topo, nlocal, &affinity, NULL) : 0;

	if (!rc && affinity && local < affinity->nranks) {
		const struct rg_affinity_rank *r = &affinity->ranks[local];

		if (r->nic != RG_TOPO_NONE && is_there(list, n, &topo->nics[r->nic]))
			rc = add_nic(names, &topo->nics[r->nic], r->nic_why, err);
	}
	rg_affinity_close(affinity);
	return names->n ? rc : 0; /* a topology that cannot be dealt is no obstacle */
}

bool verbs_is_active(struct ibv_device *device)
{
	struct ibv_context *context = ibv_open_device(device);
	struct ibv_device_attr attr = {0};
	bool active = false;

	if (!context)
		return false;
	if (!ibv_query_device(context, &attr)) {
		for (uint8_t p = 1; !active && p <= attr.phys_port_cnt; p++) {
			struct ibv_port_attr port = {0};

			active =
				!ibv_query_port(context, p, &port) && port.state == IBV_PORT_ACTIVE;
		}
	}
	(void)ibv_close_device(context);
	return active;
}

/*
 * What libibverbs shows, where the topology knows better of none: all that are active, or the
 * local-th of them. Where none is the first one is opened all the same: that says why not.
 */
static int add_listed(struct ibv_device *const *list, int n, bool all, uint32_t local,
		      struct names *names, struct rg_err *err)
{
	struct names active = {0};
	int rc = 0;

	for (int i = 0; i < n && !rc; i++) {
		const char *name = ibv_get_device_name(list[i]);

		if (verbs_has_connections(list[i]) && verbs_is_active(list[i]) &&
		    active.n < RG_VERBS_DEVICES_MAX)
			rc = add_name(&active, name, strlen(name),
				      n == 1 ? "the only one" : "active, place unknown", err);
	}
	if (rc)
		return rc;
	if (!active.n) {
		const char *name = ibv_get_device_name(list[0]);

		return add_name(names, name, strlen(name), "none is active", err);
	}
	if (all) {
		*names = active;
		return 0;
	}
	local %= active.n;
	return add_name(names, active.name[local], strlen(active.name[local]), active.why[local],
			err);
}

static int choose(bool all, uint32_t local, uint32_t nlocal, struct names *names,
		  struct rg_err *err)
{
	struct rg_topo *topo = NULL;
	struct ibv_device **list;
	int n, rc = verbs_list(&list, &n, err);

	if (rc)
		return rc;
	if (n > 1 && rg_topo_live(0, &topo, NULL))
		topo = NULL; /* then places are unknown */
	rc = all ? add_all(list, n, topo, names, err)
		 : add_nearest(list, n, topo, local, nlocal, names, err);
	if (!rc && !names->n)
		rc = add_listed(list, n, all, local, names, err);
	rg_topo_close(topo);
	ibv_free_device_list(list);
	return rc;
}

/*
 * Opens names into devices; all, or with some those whose ports are up and at least one: where all
 * are down the first one's words say so. *n_out is their number in any case.
 */
static int open_names(const struct rg_verbs_options *options, const struct names *names, bool some,
		      struct rg_verbs_device **devices, uint32_t *n_out, struct rg_err *err)
{
	struct rg_err down = {0};
	uint32_t up = 0;
	int rc = 0;

	for (*n_out = 0; *n_out < names->n; (*n_out)++) {
		uint32_t k = *n_out;
		struct rg_err why = {0};

		rc = rg_verbs_device_open(options, names->name[k], names->why[k], &devices[k],
					  &why);
		if (rc && !(some && rc == RG_ERR_UNSUPPORTED))
			return rg_err_set(err, rc, "%s", why.text);
		if (rc && !down.code)
			down = why;
		up += !rc;
	}
	return up ? 0 : rg_err_set(err, down.code, "%s", down.text);
}

static int open_some(const struct rg_verbs_options *options, uint32_t local, uint32_t nlocal,
		     bool some, struct rg_verbs_device **out, uint32_t *n_out, struct rg_err *err)
{
	struct rg_verbs_device *devices[RG_VERBS_DEVICES_MAX] = {NULL};
	bool all = options->device && !strcmp(options->device, "all");
	struct names *names = rg_zalloc(1, sizeof(*names));
	uint32_t n = 0;
	int rc;

	if (!names)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "verbs: no memory for devices");
	if (options->device && !all)
		rc = split_list(options->device, names, err);
	else
		rc = choose(all, local, nlocal, names, err);
	if (!rc)
		rc = open_names(options, names, some && names->n > 1, devices, &n, err);
	rg_free(names);
	if (rc) {
		rg_verbs_devices_close(devices, n);
		return rc;
	}
	memcpy(out, devices, sizeof(devices[0]) * n);
	*n_out = n;
	return 0;
}

int rg_verbs_devices_open(const struct rg_verbs_options *options, uint32_t local, uint32_t nlocal,
			  struct rg_verbs_device **out, uint32_t *n_out, struct rg_err *err)
{
	return open_some(options, local, nlocal, false, out, n_out, err);
}

int rg_verbs_rails_open(const struct rg_verbs_options *options, uint32_t local, uint32_t nlocal,
			struct rg_verbs_device **out, uint32_t *n_out, struct rg_err *err)
{
	return open_some(options, local, nlocal, true, out, n_out, err);
}

void rg_verbs_devices_close(struct rg_verbs_device **devices, uint32_t n)
{
	while (n--) {
		rg_verbs_device_close(devices[n]);
		devices[n] = NULL;
	}
}
