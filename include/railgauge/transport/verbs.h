/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RDMA devices by libibverbs: what verbs-rc, verbs-ud and the point-to-point measurements share.
 *
 *   options -> device (context, protection domain, port, GID) -> memory that it may reach
 *                     -> queue pairs -> address <-exchanged by a rendezvous-> peer's address
 *                     -> connected queue pairs
 *
 * Posting and polling are libibverbs' own (ibv_post_send, ibv_poll_cq, ...): nothing here stands in
 * between. What is here is what comes before, where most things go wrong, and the words when
 * something does. A failure says which device and port, what was tried, and what would help.
 *
 * Options are in transport/verbs_options.h, and come with this.
 *
 * Who uses this includes <infiniband/verbs.h> itself and is compiled only with HAVE_VERBS. This
 * header needs neither: so options and their checks are the same in a build without libibverbs. Of
 * the functions below these exist in every build: rg_verbs_options_check, rg_verbs_moderation,
 * rg_verbs_timeout_*, rg_verbs_rnr_*, rg_verbs_gid_*, rg_verbs_probe, rg_verbs_suits and
 * rg_verbs_check; the others only with HAVE_VERBS.
 *
 * Threads: a device and all that was made from it are for one thread at a time; who shares them (as
 * verbs-ud does with its thread) keeps the others out meanwhile. Each rank opens devices of its
 * own, also where ranks are threads of one process. Nothing here belongs into a timed region,
 * except rg_verbs_memory_find, and rg_verbs_memory_get of memory that is registered already (no
 * allocation, no system call).
 *
 * fork: before Linux 5.12 a parent that writes to a page after a fork gets a copy of it, while the
 * device goes on with the old one. libibverbs is asked to keep registered pages out of children
 * (ibv_fork_init) before anything is registered here; where it cannot, because somebody else
 * registered memory before, nothing may fork while devices are open on such a kernel. What is
 * registered should fill its pages: a child misses all of them. It must not touch anything here.
 *
 * Order of closing: queue pairs, completion queues and address handles (ibv_destroy_*) before their
 * device; registered memory that is still held is released by it.
 */
#ifndef RAILGAUGE_TRANSPORT_VERBS_H
#define RAILGAUGE_TRANSPORT_VERBS_H

#include "railgauge/base/err.h"
#include "railgauge/launch/rendezvous.h"
#include "railgauge/topo/finding.h"
#include "railgauge/transport/verbs_options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ibv_ah;
struct ibv_context;
struct ibv_cq;
struct ibv_mr;
struct ibv_pd;
struct ibv_qp;
struct ibv_srq;
struct ibv_wc;
struct rg_rendezvous;

#define RG_VERBS_DEVICES_MAX 16 /* of one rank */
#define RG_VERBS_NAME_BYTES  64 /* of a device, with its zero */
#define RG_VERBS_WHY_BYTES   160

/* --- GIDs --- */

enum rg_verbs_gid_type { RG_VERBS_GID_IB, RG_VERBS_GID_ROCE_V1, RG_VERBS_GID_ROCE_V2 };

/* One entry of a port's table. */
struct rg_verbs_gid {
	uint8_t raw[16];
	uint32_t index; /* in the port's table */
	uint32_t type;	/* enum rg_verbs_gid_type */
	uint32_t bits;	/* of its 128, the network's prefix at the interface; 0: unknown */
	char netdev[16];
};

/*
 * What a rank may be reached by, for choosing together: the port's addresses, routable ones first.
 * Plain bytes, to be exchanged.
 */
#define RG_VERBS_OFFER_GIDS 8
struct rg_verbs_offer {
	uint32_t n;
	uint8_t infiniband;		    /* the port's link layer */
	uint8_t types[RG_VERBS_OFFER_GIDS]; /* bits 1 << enum rg_verbs_gid_type */
	uint8_t gid[RG_VERBS_OFFER_GIDS][16];
	uint8_t unused[3];
};

/*
 * Chooses among gids[n], a port's table without empty entries. The first rule that decides:
 *
 *   1. wanted_index >= 0 is taken whatever it is, if it is there.
 *   2. InfiniBand: the lowest index.
 *   3. a type that more of the peers offer.
 *   4. RoCE v2 before v1 (which no router forwards, and many switches do not mark).
 *   5. an address that reaches further: routable before link-local (fe80::/10, 169.254/16).
 *   6. a family that more of the peers offer.
 *   7. a subnet that more of the peers are in.
 *   8. IPv4 (mapped) before IPv6.
 *   9. the subnet whose number is lowest, which is the same on all hosts; an index is not.
 *  10. the lowest index.
 *
 * peers[npeers] may be empty: then 3, 6 and 7 do not decide. With the same peers, itself among
 * them, all ranks come to one type, and to one subnet if all are in it. A link-local address or v1
 * is taken where there is nothing better, and the reason says so. Pure.
 *
 * *chosen_out is an index into gids; why names the GID and the rule that decided. RG_ERR_NOT_FOUND:
 * the table is empty, or wanted_index is not in it (then what is); the fix is in the words (an
 * address for the interface, whose name the caller puts in front).
 */
int rg_verbs_gid_choose(const struct rg_verbs_gid *gids, uint32_t n, bool infiniband,
			int64_t wanted_index, const struct rg_verbs_offer *peers, uint32_t npeers,
			uint32_t *chosen_out, char why[RG_VERBS_WHY_BYTES], struct rg_err *err);

/* "10.0.0.1" of a mapped address, else "fe80::5054:ff:fe12:3456". text is returned. */
#define RG_VERBS_GID_TEXT_BYTES 48
char *rg_verbs_gid_text(const uint8_t raw[16], char text[RG_VERBS_GID_TEXT_BYTES]);

/* --- devices --- */

struct rg_verbs_memory;

/* One port of one device, opened. Read-only for users. */
struct rg_verbs_device {
	const struct rg_verbs_options *options; /* borrowed; outlives the device */
	struct ibv_context *context;		/* owned */
	struct ibv_pd *pd;			/* owned */
	struct rg_verbs_memory *memory;		/* owned: the cache of registrations */
	char name[RG_VERBS_NAME_BYTES];		/* "mlx5_0" */
	char netdev[16];			/* of the chosen GID; "" if there is none */
	char why[RG_VERBS_WHY_BYTES];		/* why this device */
	uint8_t port;				/* from 1 */
	bool infiniband;			/* else Ethernet: RoCE, always with a GRH */
	bool grh;				/* InfiniBand: it takes no packet without a GRH */
	bool soft;				/* rxe, siw: each doorbell is a system call */
	uint16_t lid, sm_lid;
	uint32_t mtu;		   /* active, as enum ibv_mtu: 128 << mtu bytes */
	uint64_t rate_Bps;	   /* topo/line.h: of RoCE the chosen GID's netdev; 0: unknown */
	uint32_t max_inline_bytes; /* found by trying, up to --verbs.inline */
	uint32_t max_depth;	   /* work requests of a queue */
	uint32_t max_cqes;
	uint32_t max_sge;
	uint32_t max_reads, max_reads_served; /* RDMA READs under way, as asker and as owner */
	uint64_t max_message_bytes;
	uint32_t gid_room; /* entries of the tables of all its ports */
	uint32_t ngids;
	struct rg_verbs_gid *gids;	  /* owned, [ngids]: without empty entries */
	struct rg_verbs_gid gid;	  /* the chosen one */
	char gid_why[RG_VERBS_WHY_BYTES]; /* why that one */
	bool active;			  /* the port, as far as is known by events */
	bool removed;			  /* the device, likewise: nothing works any more */
	bool changed;			  /* the port, by events since it was asked last */
};

/*
 * Opens "NAME" or "NAME:PORT". Before this returns it is known that the device node may be used,
 * that the port is up, that it has a GID (chosen without peers), that a queue pair can be made, and
 * how much goes inline. options and why are borrowed, why is copied. Blocks as long as a driver
 * does. On failure nothing is left open.
 *
 * RG_ERR_INVALID    the name is no name of a device, or of a port
 * RG_ERR_NOT_FOUND  no such device (names those there are), no port of that number, no GID
 * RG_ERR_RANGE      --verbs.mtu or --verbs.pkey-index beyond the port's
 * RG_ERR_SYSTEM     no device node, no permission, the driver does not answer: with the fix
 * RG_ERR_UNSUPPORTED the port is down: with the fix; iWARP, EFA, usNIC: neither InfiniBand nor RoCE
 * RG_ERR_LIMIT      locked memory (ulimit -l), depth or reads beyond the device's
 * RG_ERR_NO_MEMORY
 */
int rg_verbs_device_open(const struct rg_verbs_options *options, const char *name, const char *why,
			 struct rg_verbs_device **out, struct rg_err *err);
void rg_verbs_device_close(struct rg_verbs_device *device); /* NULL is allowed */

/*
 * Opens the devices of a rank, which is the local-th of nlocal ranks on its node, into
 * out[RG_VERBS_DEVICES_MAX]; *n_out of them, one per rail. Those that --verbs.device names, in its
 * order ("all": every one with an active port, in the topology's order). Else one: the adapter that
 * `railgauge topo` gives to the rank (topo/affinity.h: the nearest, dealt evenly); where that is
 * none of libibverbs' devices, the local-th active one in libibverbs' order. Devices that are
 * neither InfiniBand nor RoCE are taken only by name, and then refused.
 * All or none is opened. Errors as above; RG_ERR_NOT_FOUND where there is none, with the fix;
 * RG_ERR_INVALID for an empty name or one twice; RG_ERR_RANGE for too many.
 */
int rg_verbs_devices_open(const struct rg_verbs_options *options, uint32_t local, uint32_t nlocal,
			  struct rg_verbs_device **out, uint32_t *n_out, struct rg_err *err);
void rg_verbs_devices_close(struct rg_verbs_device **devices, uint32_t n); /* sets them to NULL */

/*
 * The same for who can do with fewer: of several those whose ports are down are NULL. All of them
 * down is the first one's error.
 */
int rg_verbs_rails_open(const struct rg_verbs_options *options, uint32_t local, uint32_t nlocal,
			struct rg_verbs_device **out, uint32_t *n_out, struct rg_err *err);

/* What peers need to choose a GID that suits this device. */
void rg_verbs_device_offer(const struct rg_verbs_device *device, struct rg_verbs_offer *out);

/*
 * Chooses the GID again, now that what the peers offer is known. Before the first queue pair's
 * address is taken. RG_ERR_UNSUPPORTED where a peer's port is of the other link layer: the index in
 * peers is in *bad_out (may be NULL). Else as rg_verbs_gid_choose.
 */
int rg_verbs_device_settle(struct rg_verbs_device *device, const struct rg_verbs_offer *peers,
			   uint32_t npeers, uint32_t *bad_out, struct rg_err *err);

/*
 * (collective) The same for n devices, which is equal on all ranks: each one settles with those of
 * its place in all ranks' lists. host[nranks] is the ranks' hosts, for words; NULL: unknown. Each
 * of the exchanges takes timeout_ns at most. Errors as above, naming the rank; RG_ERR_NO_MEMORY;
 * the rendezvous'.
 */
int rg_verbs_devices_settle(struct rg_rendezvous *rdv, struct rg_verbs_device *const *devices,
			    uint32_t n, char (*host)[64], uint64_t timeout_ns, struct rg_err *err);

/*
 * "mlx5_0 port 1, RoCE v2, GID 3 10.0.0.1, MTU up to 4096, 200 Gbit/s, inline 220, timeout 268 ms".
 * The MTU of a path is the smaller one of both ends, of which this is one.
 */
void rg_verbs_device_about(const struct rg_verbs_device *device, char *text, size_t room);

/*
 * Would it work here? Opens the devices of a rank, as rg_verbs_rails_open, makes a completion
 * queue and a queue pair in state INIT on each, and registers a page; leaves nothing. len_bytes is
 * what the caller will register at least, with each of them: a limit of locked memory below that is
 * RG_ERR_LIMIT, in place of a failure later on. Whether a peer is reached only a peer can tell.
 * *about (may be NULL) gets rg_verbs_device_about of the first one. Errors as
 * rg_verbs_rails_open, the queues' and the memory's; RG_ERR_UNSUPPORTED in a build without
 * libibverbs.
 */
int rg_verbs_probe(const struct rg_verbs_options *options, uint32_t local, uint32_t nlocal,
		   uint64_t len_bytes, char *about, size_t room, struct rg_err *err);

/* What one rank of a job asks below. */
struct rg_verbs_wish {
	const struct rg_verbs_options *options;
	uint32_t local, nlocal; /* as rg_verbs_devices_open */
	uint64_t len_bytes;	/* as rg_verbs_probe */
	uint64_t timeout_ns;	/* of waiting for all ranks */
	bool far;		/* there are ranks that it would use a device for */
	bool tcp;		/* somebody named an interface or congestion control of tcp */
};

struct rg_verbs_suit {
	bool all;	   /* every rank that needs a device has one that works */
	bool named;	   /* some rank was told which device, or how to notify */
	char why_not[192]; /* of the first rank that has none; "": nobody has a device at all */
};

/*
 * (collective) Is RDMA the way between the nodes of a job, where nobody named a transport? By
 * rg_verbs_probe, on all ranks. A device that was named, or a way to notify that no other transport
 * has, is not replaced: if it does not work that is an error, with the probe's code and words;
 * RG_ERR_INVALID if tcp was wished for as well; RG_ERR_NO_MEMORY, and as rg_rendezvous_allgather.
 */
int rg_verbs_suits(struct rg_rendezvous *rdv, const struct rg_verbs_wish *wish,
		   struct rg_verbs_suit *out, struct rg_err *err);

/*
 * Adds a row to the section "RDMA" for each device with an active port: opened and probed as above
 * with the default options, what it would be used with and why with that GID; or what keeps it from
 * use. Nothing in a build without libibverbs.
 */
void rg_verbs_check(struct rg_findings *list);

/* --- what happens to a device meanwhile --- */

enum rg_verbs_event_kind {
	RG_VERBS_EVENT_OTHER,	     /* nothing to do: a LID or the P_Key table has changed, ... */
	RG_VERBS_EVENT_GIDS_CHANGED, /* device->changed: rg_verbs_device_ask reads them again */
	RG_VERBS_EVENT_PORT_DOWN,    /* device->active is false now */
	RG_VERBS_EVENT_PORT_UP,	     /* device->active is true again */
	RG_VERBS_EVENT_QP_FAILED,    /* qpn: it is in the error state */
	RG_VERBS_EVENT_CQ_FAILED,    /* a completion queue has overrun: completions are lost */
	RG_VERBS_EVENT_RQ_FAILED,   /* a queue of receives that queue pairs share: none completes */
	RG_VERBS_EVENT_DEVICE_GONE, /* device->removed is true now */
};

struct rg_verbs_event {
	enum rg_verbs_event_kind kind;
	uint32_t qpn;	/* of QP_FAILED */
	char text[160]; /* "mlx5_0 port 1: the port went down: cable, switch port or ip link" */
};

/*
 * Takes the next asynchronous event, acknowledges it, and brings active and removed up to date: 1,
 * or 0 if there is none. Never blocks. A system call, so not in every turn of progress: when a rank
 * has been idle for long, on a completion with an error, and between operations. Events of other
 * ports than the device's own are taken and dropped.
 */
int rg_verbs_device_event(struct rg_verbs_device *device, struct rg_verbs_event *out);

/*
 * Asks the port itself, and sets active; reads its GIDs again, in which the chosen one may have
 * another index: connections and address handles made from now on have that. Without the chosen one
 * the port is as good as down. Allocates, and makes system calls: between operations, by whoever is
 * about to connect and finds that the port has `changed`.
 */
bool rg_verbs_device_ask(struct rg_verbs_device *device);

/* --- memory --- */

/* What a registration is for; more than asked for does no harm but to safety. 0: only sent from. */
enum rg_verbs_access {
	RG_VERBS_RECEIVE = 1, /* the device stores into it: receives, results of READ */
	RG_VERBS_REMOTE = 2,  /* peers WRITE and READ it; includes RECEIVE */
	RG_VERBS_ORDERED = 4, /* never with relaxed ordering: counters that are polled */
	RG_VERBS_ALONE = 8,   /* a registration for this call only, which ends with its put */
};

/*
 * Registers memory, or finds a registration that covers it with (at least) this access. Held until
 * as many puts as gets. Relaxed ordering is asked for as --verbs.relaxed-ordering says (auto: with
 * every notification but write-counter), never with RG_VERBS_ORDERED; libraries and devices without
 * it ignore that.
 *
 * A registration that nobody holds stays in the cache, at most RG_VERBS_CACHE of all, so that a
 * buffer that is lent (transport.h) is registered once and not in every operation. Where locked
 * memory is short such ones give way, the longest unused first, to what is registered because it
 * must be. A registration pins the pages that are there now; if they are unmapped and others are
 * mapped at the same address, the device goes on using the old ones. So: *whoever is about to unmap
 * or to free memory that was ever registered calls rg_verbs_memory_forget first*. That is the owner
 * of a buffer by take_back, and an endpoint's close for what is its own. Memory that its owner may
 * free at any time, without a word, is not registered at all.
 *
 * RG_ERR_LIMIT (locked memory, with ulimit -l and what it would take; the cache is emptied of what
 * nobody holds and the call repeated before that is said), RG_ERR_SYSTEM, RG_ERR_NO_MEMORY.
 */
#define RG_VERBS_CACHE 128
int rg_verbs_memory_get(struct rg_verbs_device *device, const void *base, size_t len_bytes,
			unsigned access, struct ibv_mr **mr_out, struct rg_err *err);
void rg_verbs_memory_put(struct rg_verbs_device *device, struct ibv_mr *mr); /* NULL is allowed */

/* As get, of memory that is registered already; NULL if it is not. */
struct ibv_mr *rg_verbs_memory_find(struct rg_verbs_device *device, const void *base,
				    size_t len_bytes, unsigned access);

/* Ends all registrations that touch the range; none of them may be held. len_bytes 0: nothing. */
void rg_verbs_memory_forget(struct rg_verbs_device *device, const void *base, size_t len_bytes);

/*
 * Memory of another device (a GPU's) by its dma-buf: len_bytes from offset on, to be addressed by
 * peers from `address` on. No kind of memory (device/buffer.h) has a dma-buf yet, so nobody calls
 * this: that of CUDA will, where a transport registers a buffer by its kind, which is window_open
 * and lend. Not in the cache; put ends it. RG_ERR_UNSUPPORTED where libibverbs, the
 * kernel or the driver has no dma-buf (and what else works: nvidia-peermem), else as above.
 */
int rg_verbs_memory_dmabuf(struct rg_verbs_device *device, int fd, uint64_t offset,
			   size_t len_bytes, uint64_t address, unsigned access,
			   struct ibv_mr **mr_out, struct rg_err *err);

/* --- queue pairs --- */

/*
 * A completion queue for so many completions. RG_ERR_LIMIT names the device's and the process's
 * limits, RG_ERR_NO_MEMORY, RG_ERR_SYSTEM. Ended by ibv_destroy_cq.
 */
int rg_verbs_cq_open(const struct rg_verbs_device *device, uint32_t entries, struct ibv_cq **out,
		     struct rg_err *err);

/* Makes it longer; what is in it stays. Devices may lack that: RG_ERR_UNSUPPORTED; or as above. */
int rg_verbs_cq_resize(const struct rg_verbs_device *device, struct ibv_cq *cq, uint32_t entries,
		       struct rg_err *err);

/* What a queue pair is made of. Completion queues may be one and the same, and shared. */
struct rg_verbs_queues {
	struct ibv_cq *send_cq, *recv_cq; /* borrowed */
	struct ibv_srq *srq;		  /* borrowed; NULL: receives of its own */
	uint32_t send_depth, recv_depth;
	uint32_t sge;	       /* entries per work request; 0: 1 */
	uint32_t inline_bytes; /* at most the device's max_inline_bytes */
	bool signal_all;       /* every send makes a completion */
};

/*
 * A reliable connection, in state INIT: receives may be posted. Ended by ibv_destroy_qp. Errors:
 * RG_ERR_LIMIT (names what was asked for and the device's limits), RG_ERR_INVALID (P_Key index),
 * RG_ERR_NO_MEMORY, RG_ERR_SYSTEM.
 */
int rg_verbs_rc_open(const struct rg_verbs_device *device, const struct rg_verbs_queues *queues,
		     struct ibv_qp **out, struct rg_err *err);

/*
 * How a queue pair is reached. It leaves the process: fixed widths, numbers in the byte order of
 * the hosts, which must be the same on all ranks of a job.
 */
#define RG_VERBS_ADDRESS_MAGIC 0x52475641u
struct rg_verbs_address {
	uint32_t magic;
	uint32_t qpn;  /* 24 bits */
	uint32_t psn;  /* 24 bits: the first number that this side sends */
	uint32_t qkey; /* of a datagram queue pair, else 0 */
	uint16_t lid;  /* 0 on Ethernet */
	uint8_t mtu;   /* as enum ibv_mtu: what this side's port, or its option, allows */
	uint8_t flags; /* enum rg_verbs_address_flag */
	uint8_t port;
	uint8_t reads;	  /* RDMA READs that this side serves at a time */
	uint8_t gid_type; /* enum rg_verbs_gid_type */
	uint8_t unused;
	uint8_t gid[16];
	char device[24]; /* for messages; cut if longer */
};
_Static_assert(sizeof(struct rg_verbs_address) == 64, "an address fills 64 bytes");

enum rg_verbs_address_flag {
	RG_VERBS_ADDRESS_INFINIBAND = 1,
	RG_VERBS_ADDRESS_DATAGRAM = 2,
	RG_VERBS_ADDRESS_GRH = 4, /* the port takes no packet without a GRH */
};

/* Of a queue pair of either kind. psn is any number; its low 24 bits count. Pure. */
void rg_verbs_address_of(const struct rg_verbs_device *device, const struct ibv_qp *qp,
			 uint32_t psn, struct rg_verbs_address *out);

/* Who is at the other end, for words. */
struct rg_verbs_peer {
	uint32_t rank;
	const char *node; /* borrowed */
	bool answered;	  /* it has acknowledged something: addresses are right */
};

/*
 * Takes a queue pair from INIT over RTR to RTS: it may receive as soon as this returns, and send as
 * soon as the peer's call has returned as well, which the caller makes sure of. mine is what
 * rg_verbs_address_of gave for it. The path MTU is the smaller of both addresses'. InfiniBand: by
 * LID, with a GRH where one of both ports asks for it (functions of one adapter may share a LID).
 * Another subnet (a GID of another prefix) is refused: the LID of the router on the way is in a
 * path record only, which is not asked for here.
 *
 * RG_ERR_FORMAT (not an address), RG_ERR_UNSUPPORTED (another link layer, a datagram queue pair, a
 * GID of another family or of another version of RoCE, another subnet of InfiniBand), RG_ERR_SYSTEM
 * naming the step (INIT -> RTR, RTR -> RTS), both ends and the likely cause, RG_ERR_TIMEOUT (the
 * kernel found no neighbour for the peer's address). Blocks meanwhile: over RoCE as long as the
 * kernel asks for the neighbour, some seconds where none answers.
 */
int rg_verbs_rc_connect(const struct rg_verbs_device *device, struct ibv_qp *qp,
			const struct rg_verbs_address *mine, const struct rg_verbs_address *peers,
			const struct rg_verbs_peer *peer, struct rg_err *err);

/*
 * A datagram queue pair in state RTS. The device's max_inline_bytes was found with a connected one,
 * whose requests have more room on some devices (a datagram's has the way to the peer in it): how
 * much of queues->inline_bytes goes inline here is tried, and goes to *inline_out. Errors as
 * rg_verbs_rc_open.
 */
#define RG_VERBS_QKEY 0x52470000u
int rg_verbs_ud_open(const struct rg_verbs_device *device, const struct rg_verbs_queues *queues,
		     struct ibv_qp **out, uint32_t *inline_out, struct rg_err *err);

/*
 * A way to a peer's datagram queue pair; RG_VERBS_GRH_BYTES stand in front of what is received.
 * Ended by ibv_destroy_ah. Errors, and how long it blocks, as rg_verbs_rc_connect.
 */
#define RG_VERBS_GRH_BYTES 40
int rg_verbs_ah_open(const struct rg_verbs_device *device, const struct rg_verbs_address *peers,
		     const struct rg_verbs_peer *peer, struct ibv_ah **out, struct rg_err *err);

/*
 * A group: what is sent to its queue pair number and way reaches every datagram queue pair that is
 * attached to it, but for what is lost; whether it reaches the peers only they can tell. number
 * tells groups of a network apart: equal for all members. Over RoCE v2, on an IP multicast address,
 * which the device's interface joins; of InfiniBand's groups the subnet manager's, which is not
 * asked. The queue pair is borrowed, and outlives the group.
 *
 * RG_ERR_UNSUPPORTED (InfiniBand, RoCE v1, or the device or the interface refuses),
 * RG_ERR_NO_MEMORY.
 */
#define RG_VERBS_GROUP_QPN 0xffffffu
struct rg_verbs_group {
	uint8_t gid[16];
	struct ibv_ah *ah; /* owned */
	struct ibv_qp *qp; /* borrowed: attached */
	int fd;		   /* owned: the interface's membership lasts as long; -1: none */
};
int rg_verbs_group_open(const struct rg_verbs_device *device, struct ibv_qp *qp, uint32_t number,
			struct rg_verbs_group **out, struct rg_err *err);
void rg_verbs_group_close(struct rg_verbs_group *group); /* NULL is allowed */

/* "RTS", "error", ... as the device says; "unknown" if it does not. A system call. */
const char *rg_verbs_qp_state(struct ibv_qp *qp);

/*
 * The words for a completion that is no success, and a code: RG_ERR_PEER where the peer or the way
 * to it is the likely cause, RG_ERR_INTERNAL for a mistake of ours (lengths, keys), RG_ERR_SYSTEM
 * else. The first error of a queue pair tells; the flushed ones after it say nothing (status "work
 * request flushed": skip them while looking for another). qp may be NULL (state unknown), peers may
 * be NULL (device unknown).
 *
 *   verbs: mlx5_0 port 1 to rank 3 on node7 (mlx5_2 port 1): transport retry counter exceeded
 *   (status 12, vendor 0x81, QP 271 in state error): the peer is unreachable, or ...
 */
int rg_verbs_completion_error(const struct rg_verbs_device *device, const struct ibv_wc *wc,
			      struct ibv_qp *qp, const struct rg_verbs_address *peers,
			      const struct rg_verbs_peer *peer, struct rg_err *err);

#endif
