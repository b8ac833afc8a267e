/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs: does it work here? All that needs no peer. Not a connection of a device to itself:
 * networks that forbid it, or have no way for it, carry what goes to others all the same.
 */
#include "config.h"

#include "verbs_impl.h"

#ifdef HAVE_VERBS

#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"
#include "railgauge/topo/limits.h"

#include <infiniband/verbs.h>
#include <stdio.h>
#include <unistd.h>

/* Memory of whole pages: what is registered may be missing in a child. */
static int probe_memory(struct rg_verbs_device *device, struct rg_err *err)
{
	size_t len_bytes = (size_t)sysconf(_SC_PAGESIZE);
	void *page = rg_alloc_aligned(len_bytes, len_bytes);
	struct ibv_mr *mr = NULL;
	int rc;

	if (!page)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "verbs: no memory to register");
	rc = rg_verbs_memory_get(device, page, len_bytes, RG_VERBS_REMOTE, &mr, err);
	rg_verbs_memory_put(device, mr);
	rg_verbs_memory_forget(device, page, len_bytes);
	rg_free(page);
	return rc;
}

int verbs_check_locked(const char *who, uint64_t len_bytes, struct rg_err *err)
{
	char size[RG_UNITS_BYTES], allowed[RG_UNITS_BYTES];
	uint64_t limit = rg_limits_memlock_bytes();

	if (len_bytes <= limit)
		return 0;
	return rg_err_set(err, RG_ERR_LIMIT,
			  "verbs: %s needs %s of locked memory or more, of which this process may "
			  "have %s (ulimit -l): " VERBS_RAISE,
			  who, rg_format_size(len_bytes, size), rg_format_size(limit, allowed));
}

static int probe_device(struct rg_verbs_device *device, struct rg_err *err)
{
	struct rg_verbs_queues queues = {.send_depth = (uint32_t)device->options->depth,
					 .recv_depth = 1,
					 .inline_bytes = device->max_inline_bytes};
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	int rc = rg_verbs_cq_open(device, queues.send_depth + 1, &cq, err);

	if (rc)
		return rc;
	queues.send_cq = queues.recv_cq = cq;
	rc = rg_verbs_rc_open(device, &queues, &qp, err);
	if (!rc) {
		rc = probe_memory(device, err);
		(void)ibv_destroy_qp(qp);
	}
	(void)ibv_destroy_cq(cq);
	return rc;
}

int rg_verbs_probe(const struct rg_verbs_options *options, uint32_t local, uint32_t nlocal,
		   uint64_t len_bytes, char *about, size_t room, struct rg_err *err)
{
	struct rg_verbs_device *devices[RG_VERBS_DEVICES_MAX];
	const struct rg_verbs_device *first = NULL;
	uint32_t n = 0, up = 0;
	int rc = rg_verbs_rails_open(options, local, nlocal, devices, &n, err);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < n; i++) {
		up += devices[i] != NULL;
		first = first ? first : devices[i];
	}
	rc = verbs_check_locked(first->name, up * len_bytes, err);
	for (uint32_t i = 0; !rc && i < n; i++)
		rc = devices[i] ? probe_device(devices[i], err) : 0;
	if (!rc && about)
		rg_verbs_device_about(first, about, room);
	rg_verbs_devices_close(devices, n);
	return rc;
}

void rg_verbs_check(struct rg_findings *list)
{
	struct ibv_device **devices;
	int n;

	if (verbs_list(&devices, &n, NULL))
		return; /* rg_rdma_check says why */
	for (int i = 0; i < n; i++) {
		const char *name = ibv_get_device_name(devices[i]);
		struct rg_verbs_device *d = NULL;
		struct rg_err err = {0};
		char item[48], about[200];
		int rc;

		if (!verbs_is_active(devices[i]))
			continue;
		rc = rg_verbs_device_open(&rg_verbs_options_default, name, "", &d, &err);
		if (!rc)
			rc = probe_device(d, &err);
		snprintf(item, sizeof(item), "%.39s, opened", name);
		if (rc) {
			rg_findings_add(list, "RDMA", item, RG_STATE_NO, "%s", err.text);
		} else {
			rg_verbs_device_about(d, about, sizeof(about));
			rg_finding_advise(rg_findings_add(list, "RDMA", item, RG_STATE_OK, "%s",
							  about),
					  "%s", d->gid_why);
		}
		rg_verbs_device_close(d);
	}
	ibv_free_device_list(devices);
}

#else /* without libibverbs */

void rg_verbs_check(struct rg_findings *list)
{
	(void)list; /* rg_rdma_check says why */
}

int rg_verbs_probe(const struct rg_verbs_options *options, uint32_t local, uint32_t nlocal,
		   uint64_t len_bytes, char *about, size_t room, struct rg_err *err)
{
	(void)options;
	(void)local;
	(void)nlocal;
	(void)len_bytes;
	(void)about;
	(void)room;
	return rg_err_set(err, RG_ERR_UNSUPPORTED,
			  "verbs: built without libibverbs (install libibverbs-dev or "
			  "rdma-core-devel, and configure again)");
}

#endif
