/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/place.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/io.h"
#include "railgauge/topo/cgroup.h"

#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Where the kernel does not say: a usual size. */
#define UNKNOWN_LLC_BYTES ((uint64_t)32 << 20)

static bool has(const uint64_t *cpus, uint32_t cpu)
{
	return cpus[cpu / 64] >> (cpu % 64) & 1;
}

/* A short file without its newline; false if it cannot be read. */
static bool read_line(const char *root, const char *path, char *text, size_t room)
{
	char full[PATH_MAX];
	int n = snprintf(full, sizeof(full), "%s%s", root, path);

	return n >= 0 && (size_t)n < sizeof(full) && rg_io_read_line(full, text, room);
}

static bool read_cpu_line(const char *root, uint32_t cpu, const char *what, char *text, size_t room)
{
	char path[256];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%" PRIu32 "/%s", cpu, what);
	return read_line(root, path, text, room);
}

/* How many CPUs a list such as "0-3,8" names; *first_out is the lowest. */
static uint32_t parse_list(const char *text, uint32_t *first_out)
{
	uint32_t n = 0;

	*first_out = UINT32_MAX;
	while (*text) {
		char *end;
		unsigned long a = strtoul(text, &end, 10), b = a;

		if (end == text)
			break;
		if (*end == '-')
			b = strtoul(end + 1, &end, 10);
		if (b < a || b - a > 1 << 20)
			break;
		if (a < *first_out)
			*first_out = (uint32_t)a;
		n += (uint32_t)(b - a + 1);
		if (*end != ',')
			break;
		text = end + 1;
	}
	return n;
}

static void write_list(const uint64_t *cpus, char *text, size_t room)
{
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t cpu = 0; cpu < RG_PLACE_CPUS; cpu++) {
		uint32_t last = cpu;

		if (!has(cpus, cpu))
			continue;
		while (last + 1 < RG_PLACE_CPUS && has(cpus, last + 1))
			last++;
		if (used + 20 > room) {
			snprintf(text + used, room - used, ",...");
			return;
		}
		if (last > cpu)
			used += (size_t)snprintf(text + used, room - used, "%s%" PRIu32 "-%" PRIu32,
						 used ? "," : "", cpu, last);
		else
			used += (size_t)snprintf(text + used, room - used, "%s%" PRIu32,
						 used ? "," : "", cpu);
		cpu = last;
	}
}

static void read_affinity(struct rg_place *p)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set))
		return;
	for (uint32_t cpu = 0; cpu < RG_PLACE_CPUS && cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		p->cpus[cpu / 64] |= (uint64_t)1 << cpu % 64;
		p->ncpus++;
	}
}

/* The one core, and the one node, of all CPUs. */
static void find_core(const char *root, struct rg_place *p)
{
	bool first = true;

	for (uint32_t cpu = 0; cpu < RG_PLACE_CPUS; cpu++) {
		char text[320];
		uint32_t core;

		if (!has(p->cpus, cpu))
			continue;
		if (!read_cpu_line(root, cpu, "topology/thread_siblings_list", text, sizeof(text)))
			return;
		parse_list(text, &core);
		if (!first && p->core != (int32_t)core) {
			p->core = -1;
			return;
		}
		p->core = (int32_t)core;
		first = false;
	}
}

/* The node whose cpulist holds all CPUs: known by a folder nodeN beside the CPU's files. */
static void find_node(const char *root, struct rg_place *p)
{
	for (int node = 0; node < 1024; node++) {
		char path[PATH_MAX];
		uint32_t inside = 0;

		snprintf(path, sizeof(path), "%s/sys/devices/system/node/node%d", root, node);
		if (access(path, F_OK))
			continue;
		for (uint32_t cpu = 0; cpu < RG_PLACE_CPUS; cpu++) {
			if (!has(p->cpus, cpu))
				continue;
			snprintf(path, sizeof(path), "%s/sys/devices/system/cpu/cpu%u/node%d", root,
				 cpu, node);
			inside += !access(path, F_OK);
		}
		if (inside == 0)
			continue;
		p->numa_node = inside == p->ncpus ? node : -1;
		return;
	}
}

static void find_cache(const char *root, uint32_t cpu, struct rg_place *p)
{
	/* The last index that exists is the last level; level 3 is index 3 on all we know. */
	for (int index = 4; index >= 2; index--) {
		char what[64], text[256];
		uint32_t first;
		char *unit;

		snprintf(what, sizeof(what), "cache/index%d/size", index);
		if (!read_cpu_line(root, cpu, what, text, sizeof(text)))
			continue;
		p->llc_bytes = strtoull(text, &unit, 10);
		if (*unit == 'K')
			p->llc_bytes <<= 10;
		else if (*unit == 'M')
			p->llc_bytes <<= 20;
		snprintf(what, sizeof(what), "cache/index%d/shared_cpu_list", index);
		if (read_cpu_line(root, cpu, what, text, sizeof(text)))
			p->llc_cpus = parse_list(text, &first);
		return;
	}
}

int rg_place_here(const char *root, struct rg_place *out, struct rg_err *err)
{
	struct rg_cgroup cgroup;
	struct rg_node node;
	uint32_t first = 0;
	int rc;

	rc = rg_node_here(NULL, &node, err);
	if (rc)
		return rc;
	*out = (struct rg_place){.core = -1, .numa_node = -1, .node = node};
	rg_process_here(&out->process);
	if (gethostname(out->host, sizeof(out->host) - 1))
		snprintf(out->host, sizeof(out->host), "unknown");
	read_affinity(out);
	write_list(out->cpus, out->cpus_text, sizeof(out->cpus_text));
	while (first + 1 < RG_PLACE_CPUS && !has(out->cpus, first))
		first++;
	find_core(root, out);
	find_node(root, out);
	find_cache(root, first, out);
	read_cpu_line(root, first, "cpufreq/scaling_governor", out->governor,
		      sizeof(out->governor));
	rg_cgroup_read(root, &cgroup);
	out->quota_cpus = cgroup.cpus;
	return 0;
}

/* Containers of one kernel share its processors, whatever they call themselves. */
bool rg_place_same_machine(const struct rg_place *a, const struct rg_place *b)
{
	if (a->process.kernel[0] && b->process.kernel[0])
		return !strcmp(a->process.kernel, b->process.kernel);
	return !strcmp(a->host, b->host);
}

/* As far as names tell. */
static bool same_container(const struct rg_place *a, const struct rg_place *b)
{
	return rg_place_same_machine(a, b) && !strcmp(a->host, b->host);
}

uint32_t rg_place_local(const struct rg_place *places, uint32_t n, uint32_t rank,
			uint32_t *index_out)
{
	uint32_t local = 0;

	for (uint32_t r = 0; r < n; r++) {
		if (!rg_place_same_machine(&places[r], &places[rank]))
			continue;
		if (r == rank && index_out)
			*index_out = local;
		local++;
	}
	return local;
}

uint64_t rg_place_least_llc_bytes(const struct rg_place *places, uint32_t n)
{
	uint64_t least = UINT64_MAX;

	for (uint32_t r = 0; r < n; r++) {
		uint64_t llc = places[r].llc_bytes ? places[r].llc_bytes : UNKNOWN_LLC_BYTES;
		uint64_t share = llc / rg_place_local(places, n, r, NULL);

		least = share < least ? share : least;
	}
	return least;
}

/* Without a kernel that says who it is, those with one host name are. */
static bool same_node(const struct rg_place *a, const struct rg_place *b)
{
	if (a->node.network && b->node.network)
		return rg_node_equal(&a->node, &b->node);
	return !strcmp(a->host, b->host);
}

void rg_place_nodes(const struct rg_place *places, uint32_t n, uint32_t *node, uint32_t *local)
{
	uint32_t nnodes = 0;

	for (uint32_t r = 0; r < n; r++) {
		node[r] = UINT32_MAX;
		local[r] = 0;
		for (uint32_t k = 0; k < r; k++) {
			if (!same_node(&places[k], &places[r]))
				continue;
			node[r] = node[k];
			local[r]++;
		}
		if (node[r] == UINT32_MAX)
			node[r] = nnodes++;
	}
}

uint32_t rg_place_llc_sharers(const struct rg_place *places, uint32_t n, uint32_t rank)
{
	const struct rg_place *p = &places[rank];
	uint32_t local = rg_place_local(places, n, rank, NULL);
	uint64_t cpus[RG_PLACE_CPUS / 64] = {0};
	uint32_t ncpus = 0, share;

	for (uint32_t r = 0; r < n; r++) {
		for (size_t w = 0; w < RG_PLACE_CPUS / 64; w++) {
			if (rg_place_same_machine(&places[r], p))
				cpus[w] |= places[r].cpus[w];
		}
	}
	for (size_t w = 0; w < RG_PLACE_CPUS / 64; w++)
		ncpus += (uint32_t)__builtin_popcountll(cpus[w]);
	if (!p->llc_cpus || !ncpus || p->llc_cpus >= ncpus)
		return local;
	share = (uint32_t)(((uint64_t)local * p->llc_cpus + ncpus - 1) / ncpus);
	return share ? share : 1;
}

/*
 * What a rank has together with others: the processors of its machine, or, if that is fewer for
 * each, what the cgroup of its container gives to those of the same host name there.
 */
static double processors(const struct rg_place *places, uint32_t n, uint32_t rank,
			 uint32_t *ranks_out, bool *of_machine_out)
{
	const struct rg_place *p = &places[rank];
	uint64_t cpus[RG_PLACE_CPUS / 64] = {0};
	uint32_t ranks = 0, inside = 0;
	double have = 0;

	for (uint32_t r = 0; r < n; r++) {
		if (!rg_place_same_machine(&places[r], p))
			continue;
		ranks++;
		inside += same_container(&places[r], p);
		for (size_t w = 0; w < RG_PLACE_CPUS / 64; w++)
			cpus[w] |= places[r].cpus[w];
	}
	for (size_t w = 0; w < RG_PLACE_CPUS / 64; w++)
		have += __builtin_popcountll(cpus[w]);
	*ranks_out = ranks;
	*of_machine_out = true;
	if (p->quota_cpus <= 0 || p->quota_cpus / inside >= have / ranks)
		return have;
	*ranks_out = inside;
	*of_machine_out = false;
	return p->quota_cpus;
}

static bool share_cpu(const struct rg_place *a, const struct rg_place *b)
{
	return a->ncpus == 1 && b->ncpus == 1 && !memcmp(a->cpus, b->cpus, sizeof(a->cpus)) &&
	       rg_place_same_machine(a, b);
}

bool rg_place_crowded(const struct rg_place *places, uint32_t n)
{
	for (uint32_t r = 0; r < n; r++) {
		uint32_t ranks;
		bool of_machine;
		double have = processors(places, n, r, &ranks, &of_machine);

		if (have > 0 && have < ranks)
			return true;
		for (uint32_t other = 0; other < r; other++) {
			if (share_cpu(&places[r], &places[other]))
				return true;
		}
	}
	return false;
}

struct judge {
	void (*warn)(void *arg, const char *code, const char *text);
	void *arg;
};

static void judge_pair(const struct judge *j, const struct rg_place *places, uint32_t a, uint32_t b)
{
	char text[320];

	if (share_cpu(&places[a], &places[b])) {
		snprintf(text, sizeof(text), "ranks %u and %u share CPU %s of %s", a, b,
			 places[a].cpus_text, places[a].host);
		j->warn(j->arg, "shared-core", text);
	} else if (places[a].core >= 0 && places[a].core == places[b].core &&
		   rg_place_same_machine(&places[a], &places[b])) {
		snprintf(text, sizeof(text),
			 "ranks %u and %u are on hardware threads (%s and %s) of one core of %s", a,
			 b, places[a].cpus_text, places[b].cpus_text, places[a].host);
		j->warn(j->arg, "smt-siblings", text);
	}
}

static void judge_rank(const struct judge *j, const struct rg_place *places, uint32_t n,
		       uint32_t rank)
{
	const struct rg_place *p = &places[rank];
	uint32_t ranks;
	bool of_machine, first = true, first_of_machine = true;
	double have = processors(places, n, rank, &ranks, &of_machine);
	char text[320];

	for (uint32_t other = 0; other < rank; other++) {
		judge_pair(j, places, other, rank);
		first &= !same_container(&places[other], p);
		first_of_machine &= !rg_place_same_machine(&places[other], p);
	}
	if ((of_machine ? first_of_machine : first) && have > 0 && have < ranks) {
		snprintf(text, sizeof(text), "%u ranks on %s have %.3g processors", ranks, p->host,
			 have);
		j->warn(j->arg, "oversubscribed", text);
	}
	if (first_of_machine && p->governor[0] && strcmp(p->governor, "performance") != 0) {
		snprintf(text, sizeof(text),
			 "frequency governor %s on %s: clocks change while measuring", p->governor,
			 p->host);
		j->warn(j->arg, "governor", text);
	}
}

void rg_place_judge(const struct rg_place *places, uint32_t n,
		    void (*warn)(void *arg, const char *code, const char *text), void *arg)
{
	const struct judge j = {warn, arg};
	uint32_t wanderers = 0, one = 0;
	char text[320];

	for (uint32_t r = 0; r < n; r++) {
		judge_rank(&j, places, n, r);
		if (places[r].core < 0 && places[r].ncpus > 1 && !wanderers++)
			one = r;
	}
	if (wanderers == 0 || n == 1)
		return;
	snprintf(text, sizeof(text),
		 "%u of %u ranks are not bound to a core (rank %u may run on CPUs %s of %s)",
		 wanderers, n, one, places[one].cpus_text, places[one].host);
	warn(arg, "unbound", text);
}

void rg_load_read(struct rg_load *out)
{
	struct rusage usage;
	char text[512];

	*out = (struct rg_load){.wall_ns = rg_clock_ns()};
	if (!getrusage(RUSAGE_SELF, &usage))
		out->own_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
			     (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	if (read_line("", "/proc/stat", text, sizeof(text)) && !strncmp(text, "cpu ", 4)) {
		/* user nice system idle iowait irq softirq steal: all but idle and iowait. */
		char *next = text + 4;
		double ticks = 0;

		for (int field = 0; field < 8; field++) {
			unsigned long long v = strtoull(next, &next, 10);

			if (field != 3 && field != 4)
				ticks += (double)v;
		}
		out->busy_s = ticks / (double)sysconf(_SC_CLK_TCK);
	}
}

double rg_load_others(const struct rg_load *from, const struct rg_load *to, double own_s)
{
	double wall_s = (double)(to->wall_ns - from->wall_ns) / 1e9;
	double others = to->busy_s - from->busy_s - own_s;

	return wall_s > 0 && to->busy_s > 0 && others > 0 ? others / wall_s : 0;
}
