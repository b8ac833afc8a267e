/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a machine has: packages, NUMA nodes, caches, cores, GPUs, network adapters, the PCI tree
 * between them, and what the container leaves of it.
 *
 * Flow: hwloc (this machine, or a recording in XML) -> struct rg_topo -> completed from sysfs,
 * procfs and the cgroup where it is this machine. Afterwards it is const plain data without
 * pointers into hwloc; distance.h and affinity.h only read it, and so may any number of threads.
 *
 * A recording is parsed in a child process with limits on memory, processor time and wall time,
 * because libhwloc 2.9 ends the process (assert) on some malformed files. What comes back through a
 * pipe is our own JSON (below), not XML: so libhwloc never sees the file in this process, and the
 * reader of the JSON, which checks every range, is needed anyway to exchange topologies between
 * the nodes of a job. The child is forked: call rg_topo_read_xml while the process has one thread.
 *
 * It refuses: more than RG_CPUS_MAX logical CPUs, recordings above RG_TOPO_XML_MAX_BYTES,
 * recordings written by hwloc 3 (libhwloc 2 cannot read them).
 */
#ifndef RAILGAUGE_TOPO_TOPO_H
#define RAILGAUGE_TOPO_TOPO_H

#include "railgauge/base/err.h"
#include "railgauge/base/json.h"
#include "railgauge/topo/cpuset.h"

#include <stdbool.h>
#include <stdint.h>

#define RG_TOPO_NONE	      UINT32_MAX /* "no such object" wherever an index stands */
#define RG_TOPO_NAME_BYTES    64	 /* device names: IFNAMSIZ and IBV_SYSFS_NAME_MAX fit */
#define RG_TOPO_MODEL_BYTES   96
#define RG_TOPO_GIDS_MAX      16 /* kept per port; ngids says how many there are */
#define RG_TOPO_HASH_BYTES    65 /* 64 hexadecimal digits and a zero */
#define RG_TOPO_XML_MAX_BYTES ((size_t)64 << 20)
#define RG_TOPO_JSON_VERSION  1

struct rg_topo_package {
	uint32_t os_index; /* as the kernel numbers it */
	char model[RG_TOPO_MODEL_BYTES];
};

struct rg_topo_numa {
	uint32_t os_index; /* as numactl numbers it; UINT32_MAX on old kernels without NUMA */
	uint32_t package;  /* index; RG_TOPO_NONE if the node spans several or belongs to none */
	uint64_t memory_bytes;
	struct rg_cpuset cpus; /* empty for memory without cores (HBM, CXL) */
};

/* A last-level cache: the cache furthest from the core that hwloc knows on this path. */
struct rg_topo_llc {
	uint32_t level; /* 2, 3 ... */
	uint64_t size_bytes;
	uint32_t ncores; /* that share it */
};

struct rg_topo_core {
	uint32_t os_index; /* unique only within a package */
	uint32_t package;  /* indices; RG_TOPO_NONE if unknown */
	uint32_t numa;	   /* the smallest node that holds it */
	uint32_t llc;
	uint32_t first_pu, npus; /* its hyper-threads, neighbours in pus[] */
	uint64_t l1d_bytes;	 /* 0: unknown */
	uint64_t l2_bytes;
};

/* A hardware thread, what the kernel calls a CPU. */
struct rg_topo_pu {
	uint32_t os_index; /* the kernel's number, < RG_CPUS_MAX */
	uint32_t core;	   /* index */
};

/*
 * Where a device hangs. Host bridges are numbered in the order of the walk and have no other name;
 * bridges[] are the PCI-to-PCI bridges (root ports, and both sides of a switch) above devices that
 * we keep.
 */
struct rg_topo_place {
	char busid[16];	      /* "0000:44:00.0", lower case; "" if not on PCI */
	uint32_t bridge;      /* index of the PCI bridge right above; RG_TOPO_NONE */
	uint32_t host_bridge; /* RG_TOPO_NONE: unknown */
	uint32_t numa;	      /* index of its only NUMA node; RG_TOPO_NONE: several or unknown */
	uint32_t package;     /* likewise */
};

struct rg_topo_bridge {
	struct rg_topo_place at;
	uint32_t depth; /* bridges between it and its host bridge: 0 for a root port */
};

/* Rate of a link per direction, after encoding (8b/10b, 128b/130b). All 0: unknown. */
struct rg_topo_link {
	uint64_t rate_Bps;
	uint32_t speed_MTps; /* per lane: 16000 for PCIe 4; 0 in recordings */
	uint32_t width;	     /* lanes; 0 in recordings */
};

struct rg_topo_gpu {
	struct rg_topo_place at;
	uint16_t vendor, device;	 /* PCI ids; 0 if not on PCI */
	char model[RG_TOPO_MODEL_BYTES]; /* never empty */
	char name[RG_TOPO_NAME_BYTES];	 /* hwloc's, "cuda0 nvml0"; "" without their plug-ins */
	struct rg_topo_link pcie_cur, pcie_max; /* of the device's own link, now and at best */
	char why[RG_TOPO_MODEL_BYTES];		/* why it counts as a GPU, or in displays[] not */
};

enum rg_topo_layer {
	RG_TOPO_LAYER_UNKNOWN,
	RG_TOPO_LAYER_INFINIBAND,
	RG_TOPO_LAYER_ETHERNET,
};

/* RDMA port states as InfiniBand numbers them; for a netdev without RDMA down or active. */
enum rg_topo_state {
	RG_TOPO_STATE_UNKNOWN,
	RG_TOPO_STATE_DOWN,
	RG_TOPO_STATE_INIT,
	RG_TOPO_STATE_ARMED,
	RG_TOPO_STATE_ACTIVE,
};

struct rg_topo_gid {
	uint32_t index;
	char gid[40];			 /* eight groups of four hexadecimal digits */
	char type[16];			 /* "IB/RoCE v1", "RoCE v2"; "" if unknown */
	char netdev[RG_TOPO_NAME_BYTES]; /* "" if unknown */
};

/* One port of an RDMA device, or a network interface of hardware that has no RDMA device. */
struct rg_topo_nic {
	char name[RG_TOPO_NAME_BYTES];	 /* "mlx5_0", "mlx4_0:2" (a second port), "eth0" */
	char rdma[RG_TOPO_NAME_BYTES];	 /* RDMA device, "" if none */
	char netdev[RG_TOPO_NAME_BYTES]; /* "" if none or unknown */
	char model[RG_TOPO_MODEL_BYTES];
	struct rg_topo_place at; /* of a soft NIC: its netdev's */
	uint16_t vendor, device;
	bool soft;     /* rxe, siw: the CPU does the work */
	uint32_t port; /* from 1; 0 without RDMA */
	enum rg_topo_layer layer;
	enum rg_topo_state state;
	uint64_t rate_Bps;  /* of the port, as its driver says (width x speed); 0: unknown */
	uint32_t mtu_bytes; /* of the netdev; 0: unknown */
	struct rg_topo_link pcie_cur, pcie_max;
	uint32_t ngids; /* of the port that are not zero */
	struct rg_topo_gid gids[RG_TOPO_GIDS_MAX];
};

/* What the control group leaves us (cgroup.h). Zeroed for a recording. */
struct rg_topo_cgroup {
	double quota_cpus;     /* processor time per time, 1.5 is one and a half; 0: unlimited */
	struct rg_cpuset cpus; /* allowed CPUs of this process; empty: unlimited */
};

/*
 * All arrays owned. Indices elsewhere are into these arrays, which are in hwloc's logical order
 * (gpus and displays: by bus id; nics: RDMA first, then by name in natural order).
 */
struct rg_topo {
	char host[256];	 /* "" if unknown */
	char origin[64]; /* "this machine", or the name of the file without its folder */
	char writer[32]; /* "hwloc 1.11.9", which wrote the recording; "" if unknown */
	bool live;	 /* this machine, now */
	bool cpu_only;	 /* RG_TOPO_CPU_ONLY was given: no devices were looked for */

	uint32_t npackages, nnumas, nllcs, ncores, npus;
	uint32_t nbridges, nhost_bridges, ngpus, ndisplays, nnics;
	struct rg_topo_package *packages;
	struct rg_topo_numa *numas;
	struct rg_topo_llc *llcs;
	struct rg_topo_core *cores;
	struct rg_topo_pu *pus;
	struct rg_topo_bridge *bridges;
	struct rg_topo_gpu *gpus;
	struct rg_topo_gpu *displays; /* not to compute on: management controllers */
	struct rg_topo_nic *nics;

	struct rg_cpuset allowed; /* CPUs that a job here may use */
	struct rg_topo_cgroup cgroup;

	/*
	 * SHA-256 of all that decisions rest on: models, numbering, who shares what, PCI tree, link
	 * rates, device names. Not of what differs between equal nodes (host, memory to the byte,
	 * addresses, GUIDs) or in time (port states, allowed CPUs, quota).
	 */
	char hash[RG_TOPO_HASH_BYTES];
};

enum rg_topo_flags {
	RG_TOPO_CPU_ONLY = 1, /* packages, nodes, caches, cores; no devices. Quick. */
};

/*
 * This machine. flags: of enum rg_topo_flags, or 0. The caller closes *topo_out. Reads /sys and
 * /proc, which takes milliseconds; of vendors' libraries at most those for management (NVML, RSMI)
 * are asked, through hwloc's plug-ins. Threads look one after another. What cannot be read is left
 * unknown, but:
 * RG_ERR_SYSTEM     hwloc cannot look at this machine
 * RG_ERR_INVALID    HWLOC_XMLFILE, HWLOC_SYNTHETIC or HWLOC_FSROOT would replace this machine by
 *                   another one (set HWLOC_THISSYSTEM=1 if it is the same)
 * RG_ERR_LIMIT, RG_ERR_NO_MEMORY
 */
int rg_topo_live(unsigned flags, struct rg_topo **topo_out, struct rg_err *err);

/*
 * A recording (lstopo FILE.xml), XML of hwloc 1.x and 2.x. Forks, and blocks until the child is
 * done, RG_TOPO_XML_NS at the most. The message names the file.
 * RG_ERR_NOT_FOUND, RG_ERR_SYSTEM  the file cannot be read, or no child can be started
 * RG_ERR_FORMAT      libhwloc refuses the file or dies of it
 * RG_ERR_UNSUPPORTED it was written by hwloc 3
 * RG_ERR_LIMIT       too large, too slow, or too many CPUs
 * RG_ERR_NO_MEMORY
 */
#define RG_TOPO_XML_NS UINT64_C(20000000000) /* 20 s */
int rg_topo_read_xml(const char *path, struct rg_topo **topo_out, struct rg_err *err);

/*
 * All of it as one JSON object with "format": "railgauge-topo" and "version"; CPU sets as lists,
 * unknown indices as null. New reference, or NULL without memory.
 */
json_t *rg_topo_to_json(const struct rg_topo *topo);

/*
 * The reverse. root is borrowed; name stands for its origin in messages. Accepts exactly what
 * rg_topo_to_json writes, with every index in range and the hash right. RG_ERR_FORMAT,
 * RG_ERR_UNSUPPORTED (another version), RG_ERR_LIMIT, RG_ERR_NO_MEMORY.
 */
int rg_topo_from_json(const json_t *root, const char *name, struct rg_topo **topo_out,
		      struct rg_err *err);

/* The distinct cores that a set of CPUs touches. */
uint32_t rg_topo_count_cores(const struct rg_topo *topo, const struct rg_cpuset *cpus);

/* Frees. NULL is allowed. */
void rg_topo_close(struct rg_topo *topo);

/* The words of the JSON and of the tables, in enum order, NULL-terminated. */
extern const char *const rg_topo_layer_words[];
extern const char *const rg_topo_state_words[];

#endif
