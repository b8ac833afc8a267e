/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters of network adapters: what moved between two readings, and whether it may.
 *
 *   names -> rg_nic_ports_find -> ports
 *   rg_nic_settle, rg_nic_read ... what is measured ... rg_nic_settle, rg_nic_read
 *   two readings -> rg_nic_compare -> what moved, by how much, and how that is known
 *   rg_nic_row: the class and the meaning of each
 *
 * Read are, per port [Linux-ABI]: the folders counters and hw_counters of the port of an RDMA
 * device, hw_counters of the device itself (with its port 1), and of the network interface behind
 * it, or of a plain one, its statistics in sysfs, what `ethtool -S` prints (asked by ioctl), and
 * the queueing disciplines and classes of its traffic control (asked by netlink). Statistics of
 * single rings and channels, hundreds of them, are left out. A port that says so reads TCP's
 * counters of the network namespace (/proc/net/snmp, netstat) besides: those of all connections
 * there.
 *
 * Three classes, by a table (src/measure/nic_counters_rdma.c, nic_counters_net.c) with a source per
 * row. Names are vendors' own; what no row knows is informative.
 *
 * Widths. A counter may be narrower than what sysfs prints. The older port counters stop at their
 * largest value (4, 8, 16 or 32 bits) until somebody resets them [IBTA15, section 16.1.3.5]; others
 * begin again at 0. An interface's statistics and TCP's counters have 64. Where the table does not
 * know, which is of some vendors' counters, a value that fell from the upper half of 32 bits has
 * wrapped, and any other that fell was reset. A counter that wraps more than once between two
 * readings cannot be told from one that did not; none of those that must not move is so fast.
 *
 * Ageing. The kernel keeps hw_counters for a "lifespan" (10 ms, up to 10 s), and gives what it has
 * to whoever reads within it; and some drivers bring an interface's statistics up to date only
 * after they were read [Linux-mlx5], or at an interval of their own (bnxt_en: a second). So settle
 * reads once, waits, and says by how much what is read then may still be old.
 *
 * root is "" for this machine; tests give a folder with files, and then neither ioctl nor netlink
 * is asked. Nothing here belongs into a timed region. Any thread may call.
 */
#ifndef RAILGAUGE_MEASURE_NIC_COUNTERS_H
#define RAILGAUGE_MEASURE_NIC_COUNTERS_H

#include "railgauge/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RG_NIC_CLASS_LIST(X)                                                                     \
	X(STILL, "must-not-move") /* errors and losses: on a sound network they stand still */   \
	X(BUSY, "may-move")	  /* congestion, flow control, late receivers: come with load */ \
	X(PLAIN, "informative")	  /* how much of what; and all that no row knows */

enum rg_nic_class {
#define RG_NIC_CLASS_ENUM(name, word) RG_NIC_##name,
	RG_NIC_CLASS_LIST(RG_NIC_CLASS_ENUM)
#undef RG_NIC_CLASS_ENUM
		RG_NIC_CLASS_COUNT
};

/* Where a counter is read. */
#define RG_NIC_GROUP_LIST(X)                                            \
	X(PORT, "counters")	    /* of the port of an RDMA device */ \
	X(HW, "hw_counters")	    /* likewise */                      \
	X(DEVICE, "device")	    /* hw_counters of the device */     \
	X(STATISTICS, "statistics") /* of a network interface */        \
	X(ETHTOOL, "ethtool")	    /* likewise: its driver's */        \
	X(QUEUES, "tc")		    /* likewise: traffic control */     \
	X(TCP, "tcp")		    /* of the network namespace */

enum rg_nic_group {
#define RG_NIC_GROUP_ENUM(name, word) RG_NIC_FROM_##name,
	RG_NIC_GROUP_LIST(RG_NIC_GROUP_ENUM)
#undef RG_NIC_GROUP_ENUM
		RG_NIC_GROUP_COUNT
};

extern const char *const rg_nic_class_words[]; /* NULL-terminated, in enum order */
extern const char *const rg_nic_group_words[]; /* likewise */

/* What is known of a counter. Static. */
struct rg_nic_row {
	enum rg_nic_group group;
	const char *name; /* '#' stands for a whole number, '*' for anything, or nothing */
	enum rg_nic_class class;
	uint8_t bits;	     /* its width; 0: not known */
	bool saturates;	     /* it stops at its largest value; else it begins again at 0 */
	bool level;	     /* not a count, but how many there are: it is not compared */
	const char *drivers; /* who has it */
	const char *source;  /* tag of docs/REFERENCES.md */
	const char *meaning; /* in words; what moved, if it did */
};

/* Never NULL: what no row knows is informative, of unknown meaning. */
const struct rg_nic_row *rg_nic_row(enum rg_nic_group group, const char *name);

/* The tables, NULL-terminated: for tests, and whoever lists them. */
extern const struct rg_nic_row rg_nic_rows_rdma[], rg_nic_rows_net[];

/* --- ports --- */

#define RG_NIC_DEVICE_BYTES 64
#define RG_NIC_PORTS_MAX    32 /* of one rank */

/* A port of an RDMA device with the interface behind it, or an interface. Plain bytes. */
struct rg_nic_port {
	char device[RG_NIC_DEVICE_BYTES]; /* "mlx5_0"; empty: an interface alone */
	char netdev[RG_NIC_DEVICE_BYTES]; /* "eth0"; empty: none, or not known */
	uint32_t port;			  /* from 1; 0: an interface alone */
	bool tcp;			  /* TCP's counters are read with it */
};

/*
 * The ports that list names, with commas between: an RDMA device (all its ports), one of its ports
 * ("mlx5_0:2"), an interface; each once, and an interface behind a port of the list not again. An
 * empty list has none. Into ports[RG_NIC_PORTS_MAX]. RG_ERR_NOT_FOUND names what is not there,
 * RG_ERR_RANGE (too many), RG_ERR_INVALID (an empty name).
 */
int rg_nic_ports_find(const char *root, const char *list, struct rg_nic_port *ports,
		      uint32_t *n_out, struct rg_err *err);

/* The same for names that nobody asked for: those that are not found are left out. */
void rg_nic_ports_seek(const char *root, const char *list, struct rg_nic_port *ports,
		       uint32_t *n_out);

/*
 * Adds the ports of all RDMA devices that are active, and not in ports[*n] yet, as many as there is
 * room for: for measurements of libraries that choose theirs themselves.
 */
void rg_nic_ports_active(const char *root, struct rg_nic_port *ports, uint32_t *n);

/* "mlx5_0 port 1", "eth0"; into text, which is returned. */
#define RG_NIC_PORT_TEXT_BYTES 80
char *rg_nic_port_text(const struct rg_nic_port *port, char text[RG_NIC_PORT_TEXT_BYTES]);

/* --- readings --- */

#define RG_NIC_NAME_BYTES 48

struct rg_nic_value {
	enum rg_nic_group group;
	char name[RG_NIC_NAME_BYTES];
	uint64_t value;
};

/* Zeroed is an empty one: nothing is there. */
struct rg_nic_reading {
	uint32_t n;
	struct rg_nic_value *values; /* owned, [n], by group and name */
};

/*
 * Waits until what is read then is as good as what the adapters know: reads the interfaces'
 * statistics once, for the drivers that need it, and sleeps for the longest lifespan, at most
 * RG_NIC_SETTLE_NS, and not at all where there is none. Returns how old what is read next may still
 * be, in ns: what moved in so long a time before may be missing, and shows in the next reading.
 */
#define RG_NIC_SETTLE_NS UINT64_C(1000000000)
uint64_t rg_nic_settle(const char *root, const struct rg_nic_port *ports, uint32_t n);

/*
 * All counters of a port, as far as they can be read. A device that is not there has none.
 * RG_ERR_NO_MEMORY; *out is released before it is filled.
 */
int rg_nic_read(const char *root, const struct rg_nic_port *port, struct rg_nic_reading *out,
		struct rg_err *err);
void rg_nic_reading_release(struct rg_nic_reading *reading); /* zeroed is allowed */

/* --- what moved --- */

/* How it is known by how much. */
#define RG_NIC_HOW_LIST(X)                                                                   \
	X(COUNTED, "counted")	  /* the difference */                                       \
	X(WRAPPED, "wrapped")	  /* the difference, beyond the largest value */             \
	X(SATURATED, "saturated") /* at least so much: it is at its largest value, or was */ \
	X(RESET, "reset")	  /* at least so much: somebody set it back in between */    \
	X(GONE, "gone")		  /* unknown: it cannot be read any more */

enum rg_nic_how {
#define RG_NIC_HOW_ENUM(name, word) RG_NIC_##name,
	RG_NIC_HOW_LIST(RG_NIC_HOW_ENUM)
#undef RG_NIC_HOW_ENUM
		RG_NIC_HOW_COUNT
};
extern const char *const rg_nic_how_words[]; /* NULL-terminated, in enum order */

/* Plain bytes, to be exchanged. */
struct rg_nic_moved {
	uint32_t group; /* enum rg_nic_group */
	uint32_t how;	/* enum rg_nic_how */
	uint64_t by;	/* 0 with SATURATED, RESET and GONE: nothing is known */
	char name[RG_NIC_NAME_BYTES];
};

/*
 * Of one value: did it move? before and after are what was read. Pure.
 */
bool rg_nic_moved_of(const struct rg_nic_row *row, uint64_t before, uint64_t after,
		     struct rg_nic_moved *out);

/*
 * All that moved between two readings of a port, into a new array of *n_out (NULL if nothing did),
 * which the caller frees with rg_free. A counter that was not there before did not move. Where
 * after has nothing at all and before had, nothing is listed: the device is gone, which the caller
 * sees. RG_ERR_NO_MEMORY.
 */
int rg_nic_compare(const struct rg_nic_reading *before, const struct rg_nic_reading *after,
		   struct rg_nic_moved **out, uint32_t *n_out, struct rg_err *err);

#endif
