/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/topo/topo.h"

#include "impl.h"

#include "railgauge/base/mem.h"
#include "railgauge/topo/cgroup.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *topo_grow(void **array, uint32_t *count, size_t each_bytes, struct rg_err *err)
{
	/* Room for a power of two: grown whenever the count reaches one. */
	if ((*count & (*count - 1)) == 0) {
		size_t room = *count ? (size_t)*count * 2 : 1;
		void *p = rg_realloc(*array, room * each_bytes);

		if (!p) {
			rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the topology");
			return NULL;
		}
		*array = p;
	}
	return memset((char *)*array + each_bytes * (*count)++, 0, each_bytes);
}

void topo_copy_text(char *to, size_t to_bytes, const char *text)
{
	size_t n = 0;

	while (*text == ' ' || *text == '\t' || *text == '\n')
		text++;
	for (; *text && n + 1 < to_bytes; text++)
		to[n++] = *text >= ' ' && *text <= '~' ? *text : '?';
	while (n > 0 && to[n - 1] == ' ')
		n--;
	/* Zeroes to the end: equal texts are equal bytes. */
	memset(to + n, 0, to_bytes - n);
}

void rg_topo_close(struct rg_topo *topo)
{
	if (!topo)
		return;
	rg_free(topo->packages);
	rg_free(topo->numas);
	rg_free(topo->llcs);
	rg_free(topo->cores);
	rg_free(topo->pus);
	rg_free(topo->bridges);
	rg_free(topo->gpus);
	rg_free(topo->displays);
	rg_free(topo->nics);
	rg_free(topo);
}

/* Filters first: hwloc leaves out devices unless asked. */
static int configure(hwloc_topology_t h, unsigned flags)
{
	/*
	 * gl talks to the X server that DISPLAY names, perhaps far away; the others start run-time
	 * libraries that take seconds, memory, and do not survive a fork. PCI classes and the
	 * management libraries (nvml, rsmi) tell what we need.
	 */
	static const char *const unwanted[] = {"gl", "opencl", "cuda", "levelzero"};
	enum hwloc_type_filter_e io = flags & RG_TOPO_CPU_ONLY ? HWLOC_TYPE_FILTER_KEEP_NONE
							       : HWLOC_TYPE_FILTER_KEEP_IMPORTANT;

	for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
		(void)hwloc_topology_set_components(h, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST,
						    unwanted[i]);
	/* CPUs outside of our cgroup too: the machine is the same for everybody in it. */
	if (hwloc_topology_set_flags(h, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED))
		return -1;
	return hwloc_topology_set_io_types_filter(h, io);
}

int topo_load(hwloc_topology_t h, unsigned flags, struct rg_topo **topo_out, struct rg_err *err)
{
	struct rg_topo *topo;
	const char *text;
	int rc, e;

	if (configure(h, flags) || hwloc_topology_load(h)) {
		e = errno;
		return rg_err_errno(err, e ? e : EINVAL, "hwloc cannot load the topology");
	}
	topo = rg_zalloc(1, sizeof(*topo));
	if (!topo)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the topology");
	topo->cpu_only = flags & RG_TOPO_CPU_ONLY;
	text = topo_info(hwloc_get_root_obj(h), "HostName");
	if (text)
		topo_copy_text(topo->host, sizeof(topo->host), text);
	rc = topo_build_cpus(h, topo, err);
	if (!rc && !topo->cpu_only)
		rc = topo_build_gpus(h, topo, err);
	if (!rc && !topo->cpu_only)
		rc = topo_build_nics(h, topo, err);
	if (rc) {
		rg_topo_close(topo);
		return rc;
	}
	*topo_out = topo;
	return 0;
}

/* hwloc follows these variables by itself, even into a file that makes it abort. */
static int check_environment(struct rg_err *err)
{
	static const char *const names[] = {"HWLOC_XMLFILE", "HWLOC_SYNTHETIC", "HWLOC_FSROOT"};
	const char *same = getenv("HWLOC_THISSYSTEM");

	if (same && !strcmp(same, "1"))
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return rg_err_set(
				err, RG_ERR_INVALID,
				"%s is set and would replace this machine by another "
				"one: unset it, or set HWLOC_THISSYSTEM=1 if it is the same",
				names[i]);
	}
	return 0;
}

static int complete_live(struct rg_topo *topo, struct rg_err *err)
{
	char host[sizeof(topo->host)] = "";

	topo->live = true;
	topo_copy_text(topo->origin, sizeof(topo->origin), "this machine");
	if (!gethostname(host, sizeof(host) - 1))
		topo_copy_text(topo->host, sizeof(topo->host), host);
	return topo->cpu_only ? 0 : topo_sysfs("", topo, err);
}

/* A list that fills its buffer may have been cut: then hwloc's own look at the cgroup counts. */
static void read_cgroup(struct rg_topo *topo)
{
	struct rg_cgroup group;

	rg_cgroup_read("", &group);
	topo->cgroup.quota_cpus = group.cpus;
	if (strlen(group.cpuset) + 1 >= sizeof(group.cpuset) ||
	    rg_cpuset_parse(group.cpuset, "cpuset", &topo->cgroup.cpus, NULL))
		return;
	if (rg_cpuset_next(&topo->cgroup.cpus, 0) < RG_CPUS_MAX)
		rg_cpuset_and(&topo->allowed, &topo->cgroup.cpus);
}

/*
 * libpciaccess, which hwloc's PCI plug-in loads, keeps the names of devices for the next time; if
 * it is unloaded with the plug-in they are lost, again with each load. So it stays.
 */
static void keep_pciaccess(void)
{
	void *lib = dlopen("libpciaccess.so.0", RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);

	if (lib)
		(void)dlclose(lib);
}

int rg_topo_live(unsigned flags, struct rg_topo **topo_out, struct rg_err *err)
{
	/* libpciaccess and libudev, below hwloc, keep things of the process without a lock. */
	static pthread_mutex_t below = PTHREAD_MUTEX_INITIALIZER;
	struct rg_topo *topo = NULL;
	hwloc_topology_t h;
	int rc;

	rc = check_environment(err);
	if (rc)
		return rc;
	if (hwloc_topology_init(&h))
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for hwloc");
	pthread_mutex_lock(&below);
	rc = topo_load(h, flags, &topo, err);
	keep_pciaccess();
	pthread_mutex_unlock(&below);
	if (!rc)
		rc = complete_live(topo, err);
	if (!rc) {
		read_cgroup(topo);
		rc = topo_seal(topo, err);
	}
	hwloc_topology_destroy(h);
	if (rc) {
		rg_topo_close(topo);
		return rc;
	}
	*topo_out = topo;
	return 0;
}

uint32_t rg_topo_count_cores(const struct rg_topo *topo, const struct rg_cpuset *cpus)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < topo->ncores; i++) {
		const struct rg_topo_core *core = &topo->cores[i];

		for (uint32_t k = 0; k < core->npus; k++) {
			if (rg_cpuset_has(cpus, topo->pus[core->first_pu + k].os_index)) {
				n++;
				break;
			}
		}
	}
	return n;
}
