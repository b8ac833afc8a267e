/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "topo_text.h"

#include "railgauge/base/units.h"

#include <inttypes.h>
#include <string.h>

#define INDENT 2

/* The devices of a topology behind one number: GPUs, then NICs, then displays. */
static uint32_t count_devices(const struct rg_topo *t)
{
	return t->ngpus + t->nnics + t->ndisplays;
}

static const struct rg_topo_place *device_place(const struct rg_topo *t, uint32_t i)
{
	if (i < t->ngpus)
		return &t->gpus[i].at;
	i -= t->ngpus;
	return i < t->nnics ? &t->nics[i].at : &t->displays[i - t->nnics].at;
}

static void print_nic(const struct rg_topo_nic *nic, int indent, FILE *out)
{
	fprintf(out, "%*sNIC %s", indent, "", nic->name);
	if (nic->netdev[0] && strcmp(nic->netdev, nic->name) != 0)
		fprintf(out, " (%s)", nic->netdev);
	fprintf(out, "%s%s: %s", nic->at.busid[0] ? " " : "", nic->at.busid, nic->model);
	if (nic->layer != RG_TOPO_LAYER_UNKNOWN)
		fprintf(out, ", %s", rg_topo_layer_words[nic->layer]);
	if (nic->state != RG_TOPO_STATE_UNKNOWN)
		fprintf(out, ", %s", rg_topo_state_words[nic->state]);
	fputs(nic->soft ? ", RDMA in software\n" : "\n", out);
}

static void print_device(const struct rg_topo *t, uint32_t i, int indent, FILE *out)
{
	const struct rg_topo_gpu *gpu;

	if (i < t->ngpus) {
		gpu = &t->gpus[i];
		fprintf(out, "%*sGPU %" PRIu32 " %s: %s", indent, "", i, gpu->at.busid, gpu->model);
		fprintf(out, gpu->name[0] ? " (%s)\n" : "%s\n", gpu->name);
	} else if (i < t->ngpus + t->nnics) {
		print_nic(&t->nics[i - t->ngpus], indent, out);
	} else {
		gpu = &t->displays[i - t->ngpus - t->nnics];
		fprintf(out, "%*sdisplay %s: %s, not used\n", indent, "", gpu->at.busid, gpu->why);
	}
}

static bool is_below(const struct rg_topo *t, uint32_t bridge, uint32_t above)
{
	while (bridge != RG_TOPO_NONE && bridge != above)
		bridge = t->bridges[bridge].at.bridge;
	return bridge == above;
}

/* Does the place belong to what is being printed: this bridge right above, on this host bridge? */
static bool is_child(const struct rg_topo_place *at, uint32_t host, uint32_t bridge)
{
	return at->host_bridge == host && at->bridge == bridge;
}

static bool has_device(const struct rg_topo *t, uint32_t bridge)
{
	for (uint32_t i = 0; i < count_devices(t); i++) {
		if (is_below(t, device_place(t, i)->bridge, bridge))
			return true;
	}
	return false;
}

/* Bridges with a single child are left out: they lead nowhere else. */
static void print_below(const struct rg_topo *t, uint32_t host, uint32_t bridge, int indent,
			FILE *out)
{
	uint32_t nbridges = 0, ndevices = 0;

	for (uint32_t i = 0; i < t->nbridges; i++)
		nbridges += is_child(&t->bridges[i].at, host, bridge) && has_device(t, i);
	for (uint32_t i = 0; i < count_devices(t); i++)
		ndevices += is_child(device_place(t, i), host, bridge);
	if (bridge != RG_TOPO_NONE && nbridges + ndevices > 1) {
		fprintf(out, "%*sPCIe %s %s\n", indent, "", nbridges ? "switch" : "link",
			t->bridges[bridge].at.busid);
		indent += INDENT;
	}
	for (uint32_t i = 0; i < count_devices(t); i++) {
		if (is_child(device_place(t, i), host, bridge))
			print_device(t, i, indent, out);
	}
	for (uint32_t i = 0; i < t->nbridges; i++) {
		if (is_child(&t->bridges[i].at, host, bridge) && has_device(t, i))
			print_below(t, host, i, indent, out);
	}
}

/* The devices of a NUMA node; with RG_TOPO_NONE those of a package that are near no one node. */
static bool is_at(const struct rg_topo_place *at, uint32_t numa, uint32_t package)
{
	return at->numa == numa && (numa != RG_TOPO_NONE || at->package == package);
}

/* The bus below a host bridge, which has no address of its own: that of a bridge or device on it.
 */
static const char *host_bus(const struct rg_topo *t, uint32_t host)
{
	for (uint32_t i = 0; i < t->nbridges; i++) {
		if (is_child(&t->bridges[i].at, host, RG_TOPO_NONE))
			return t->bridges[i].at.busid;
	}
	for (uint32_t i = 0; i < count_devices(t); i++) {
		if (is_child(device_place(t, i), host, RG_TOPO_NONE))
			return device_place(t, i)->busid;
	}
	return "";
}

static void print_devices(const struct rg_topo *t, uint32_t numa, uint32_t package, int indent,
			  FILE *out)
{
	uint32_t n = count_devices(t);

	for (uint32_t host = 0; host < t->nhost_bridges; host++) {
		bool any = false;

		for (uint32_t i = 0; i < n; i++)
			any = any || (device_place(t, i)->host_bridge == host &&
				      is_at(device_place(t, i), numa, package));
		if (!any)
			continue;
		/* "0000:40" of "0000:40:03.1" */
		fprintf(out, "%*sPCIe host bridge %.7s\n", indent, "", host_bus(t, host));
		print_below(t, host, RG_TOPO_NONE, indent + INDENT, out);
	}
	for (uint32_t i = 0; i < n; i++) {
		if (device_place(t, i)->host_bridge == RG_TOPO_NONE &&
		    is_at(device_place(t, i), numa, package))
			print_device(t, i, indent, out);
	}
}

/* ", L3 16 MiB for each 3 cores", if all of the node's caches are alike. */
static void print_llc(const struct rg_topo *t, uint32_t numa, FILE *out)
{
	const struct rg_topo_llc *llc = NULL;
	char size[RG_UNITS_BYTES];
	const char *unit;

	for (uint32_t i = 0; i < t->ncores; i++) {
		const struct rg_topo_llc *own = &t->llcs[t->cores[i].llc];

		if (t->cores[i].numa != numa)
			continue;
		if (t->cores[i].llc == RG_TOPO_NONE ||
		    (llc && (own->size_bytes != llc->size_bytes || own->ncores != llc->ncores ||
			     own->level != llc->level)))
			return;
		llc = own;
	}
	if (!llc)
		return;
	rg_format_size(llc->size_bytes, size);
	unit = strpbrk(size, "KMGT");
	fprintf(out, ", L%" PRIu32 " %.*s %s%s for each ", llc->level,
		(int)(unit ? unit - size : (int)strlen(size)), size, unit ? unit : "B",
		unit ? "iB" : "");
	if (llc->ncores == 1)
		fputs("core", out);
	else
		fprintf(out, "%" PRIu32 " cores", llc->ncores);
}

static void print_numa(const struct rg_topo *t, uint32_t numa, int indent, FILE *out)
{
	const struct rg_topo_numa *n = &t->numas[numa];
	char cpus[RG_CPUSET_TEXT_BYTES];
	uint32_t ncores = rg_topo_count_cores(t, &n->cpus);

	fprintf(out, "%*sNUMA node", indent, "");
	if (n->os_index != UINT32_MAX)
		fprintf(out, " %" PRIu32, n->os_index);
	fprintf(out, ": %.3g GiB", (double)n->memory_bytes / (1u << 30));
	if (ncores)
		fprintf(out, ", %" PRIu32 " core%s, CPUs %s", ncores, ncores > 1 ? "s" : "",
			rg_cpuset_format(&n->cpus, cpus, sizeof(cpus)));
	else
		fputs(", no core", out);
	print_llc(t, numa, out);
	fputc('\n', out);
	print_devices(t, numa, RG_TOPO_NONE, indent + INDENT, out);
}

static void print_package(const struct rg_topo *t, uint32_t package, FILE *out)
{
	bool rest = false;

	if (package == RG_TOPO_NONE)
		fputs("Outside of packages\n", out);
	else
		fprintf(out, "Package %" PRIu32 ": %s\n", t->packages[package].os_index,
			t->packages[package].model);
	for (uint32_t i = 0; i < t->nnumas; i++) {
		if (t->numas[i].package == package)
			print_numa(t, i, INDENT, out);
	}
	for (uint32_t i = 0; i < count_devices(t); i++)
		rest = rest || is_at(device_place(t, i), RG_TOPO_NONE, package);
	if (!rest)
		return;
	fprintf(out, "%*snear no one NUMA node\n", INDENT, "");
	print_devices(t, RG_TOPO_NONE, package, 2 * INDENT, out);
}

static void print_counts(const struct rg_topo *t, FILE *out)
{
	double memory = 0;
	uint32_t threads = t->ncores ? t->cores[0].npus : 0;

	for (uint32_t i = 0; i < t->nnumas; i++)
		memory += (double)t->numas[i].memory_bytes / (1u << 30);
	for (uint32_t i = 0; i < t->ncores; i++) {
		if (t->cores[i].npus != threads)
			threads = 0;
	}
	fprintf(out, "  %" PRIu32 " package%s, %" PRIu32 " NUMA node%s, %" PRIu32 " core%s",
		t->npackages, t->npackages == 1 ? "" : "s", t->nnumas, t->nnumas == 1 ? "" : "s",
		t->ncores, t->ncores == 1 ? "" : "s");
	if (threads > 0)
		fprintf(out, " with %" PRIu32 " thread%s each", threads, threads == 1 ? "" : "s");
	else
		fprintf(out, " with %" PRIu32 " threads in all", t->npus);
	fprintf(out, ", %.3g GiB of memory\n  %" PRIu32 " GPU%s, %" PRIu32 " network adapter%s\n",
		memory, t->ngpus, t->ngpus == 1 ? "" : "s", t->nnics, t->nnics == 1 ? "" : "s");
}

static void print_allowed(const struct rg_topo *t, FILE *out)
{
	char cpus[RG_CPUSET_TEXT_BYTES];
	uint32_t n = rg_cpuset_count(&t->allowed);

	if (n < t->npus)
		fprintf(out, "  only CPUs %s may be used\n",
			rg_cpuset_format(&t->allowed, cpus, sizeof(cpus)));
	if (t->cgroup.quota_cpus > 0)
		fprintf(out, "  the control group grants the time of %.3g CPUs\n",
			t->cgroup.quota_cpus);
}

static bool has_outsiders(const struct rg_topo *t)
{
	for (uint32_t i = 0; i < t->nnumas; i++) {
		if (t->numas[i].package == RG_TOPO_NONE)
			return true;
	}
	for (uint32_t i = 0; i < count_devices(t); i++) {
		if (is_at(device_place(t, i), RG_TOPO_NONE, RG_TOPO_NONE))
			return true;
	}
	return false;
}

void topo_print_tree(const struct rg_topo *topo, FILE *out)
{
	fprintf(out, "%s: %s", topo->origin, topo->host[0] ? topo->host : "unnamed");
	if (topo->writer[0])
		fprintf(out, ", recorded by %s", topo->writer);
	fputc('\n', out);
	print_counts(topo, out);
	fprintf(out, "  fingerprint %.16s, the same on equal machines\n", topo->hash);
	print_allowed(topo, out);
	fputc('\n', out);
	for (uint32_t i = 0; i < topo->npackages; i++)
		print_package(topo, i, out);
	if (has_outsiders(topo))
		print_package(topo, RG_TOPO_NONE, out);
}
