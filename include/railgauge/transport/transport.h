/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transports: one-sided writes into a peer's memory, and counters that tell the peer.
 *
 * An endpoint is one rank's place in one transport. Between two connected ranks and per channel
 * there is a *link*: at each end
 *   - RG_CTR_COUNT counters, monotonic 64-bit, each written by one side only and read by the other;
 *   - a ring of `slots` slots of `slot_bytes` ("slot messages", announced by a counter);
 *   - a ring of `ll_slots` slots for messages of up to `ll_bytes`, stored as 8-byte words of 4 data
 * and 4 sequence bytes that announce themselves (device/ll.h), where RG_CAP_WORD8 is granted.
 * Besides these, *windows*: user memory that every peer may write (and, with RG_CAP_MAPPED, read).
 *
 *      rank a                              rank b
 *      put(slot n of a->b, data) --------> ring a->b in b's memory
 *      signal(READY, n+1)  --------------> counter READY of a, in b's memory   b waits for >= n+1
 *      waits for FREE >= n+1-slots <------ signal(FREE, n+1)                   b has read slot n
 *
 * Credits both ways: nobody writes slot n before the peer's FREE counter says that message
 * n - slots has been read. Numbers never restart, so a late or repeated signal is harmless.
 *
 * Ordering. A signal is seen by the peer after all data put before it on the same link
 * ("ordered before what follows"); nothing else is promised unless a capability says so. In
 * particular two puts may arrive in any order, and the last byte may arrive first.
 *
 * Completion has three names. *Reusable*: the source may be overwritten; so it is when put returns,
 * but for a *lasting* put, which may be carried out straight from its source: that is reusable when
 * a later flush has returned 0. *Visible*: the peer can see the data; known only from what the peer
 * signals back. *Ordered*: see above.
 *
 * Where a link is mapped the executor stores into slots and counters itself, by the pointers of
 * rg_link; put and signal are the same as functions: what links that are not mapped are driven by,
 * and what the conformance suite tests. With RG_CAP_MAPPED all links are mapped; without, data and
 * signals leave with flush and progress, and arrive with progress, and with put.
 *
 * Threads: an endpoint belongs to one thread. The timed operations (put, signal, read, flush,
 * progress, idle, wake, peer_alive and the counters) neither allocate nor lock. Which system calls
 * they make is said in system_calls; with RG_CAP_MAPPED only read, idle, wake and peer_alive make
 * any, and signal where the peer sleeps. Everything else may do all of this. One thing is up to the
 * caller: without RG_CAP_MAPPED, what comes for a link before connect was called here has the
 * link's memory made in progress, or put. So ranks agree that all have connected before anybody
 * sends. And the first that is put or signalled on a link may be taken only when its receiver calls
 * progress: who expects it does so until it has come, before he waits elsewhere. Collective
 * operations block until all ranks have come, at most timeout_ns per exchange; the others do not
 * wait for anybody.
 *
 * Order of closing: programs and windows before their endpoint, a window before its buffer, a
 * buffer that was lent when it has been taken back, the endpoint before its rendezvous. Between
 * ranks there is no order: who closes takes nothing away from who does not, except that a peer's
 * memory may no longer be mapped for the first time, and that between threads (inproc) the buffer
 * behind a window is its owner's own memory, to be kept until no other rank uses it any more.
 */
#ifndef RAILGAUGE_TRANSPORT_TRANSPORT_H
#define RAILGAUGE_TRANSPORT_TRANSPORT_H

#include "railgauge/base/err.h"
#include "railgauge/base/opt.h"
#include "railgauge/device/buffer.h"
#include "railgauge/launch/rendezvous.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What a transport grants. The rows of coll/schedule.h check it before anything is timed. */
enum rg_cap {
	RG_CAP_DATA = 1 << 0, /* it moves data at all (null does not) */
	RG_CAP_MAPPED =
		1 << 1, /* a peer's slots and windows are plain memory here: load and store */
	RG_CAP_WORD8 =
		1 << 2, /* an aligned 8-byte word arrives whole: data and sequence in one word */
	RG_CAP_READ = 1 << 3, /* any memory of a peer can be read by its address there (read) */
	RG_CAP_ORDERED =
		1 << 4, /* what is put is in the peer's memory before what is put there later */
	RG_CAP_MULTICAST = 1 << 5, /* what all others get leaves this rank once (put_all) */
};

/*
 * The counters of a link. READY and FREE count slot messages, LL_FREE small ones (their arrival is
 * in the words themselves); ENTER and DONE count operations on windows; SYNC counts barriers.
 */
enum rg_ctr {
	RG_CTR_READY,
	RG_CTR_FREE,
	RG_CTR_LL_FREE,
	RG_CTR_ENTER,
	RG_CTR_DONE,
	RG_CTR_SYNC,
	RG_CTR_COUNT
};

/*
 * One counter has a cache line of its own, and the neighbour that the prefetcher would fetch. place
 * travels with it, written before the value and read after it: under the protocol "read" an ENTER
 * tells where the source and the destination of the operation are at the sender. It is written
 * again only after whoever reads it has said (DONE, SYNC) that it has read what lies there.
 */
struct rg_counter {
	_Alignas(128) _Atomic uint64_t value;
	uint64_t place[2];
};
_Static_assert(sizeof(struct rg_counter) == 128, "a counter fills two lines");

/*
 * The sizes of every link of an endpoint, equal on all ranks (open checks it). credit_batch: a
 * reader may hold back FREE until this many messages are read; a sender can therefore count on
 * slots - credit_batch + 1 slots (the prover does).
 */
struct rg_geometry {
	uint32_t channels;   /* 1 to 64 */
	uint32_t slots;	     /* a power of two up to 4096 */
	uint32_t slot_bytes; /* a multiple of 64 from 64 to 1 GiB */
	uint32_t ll_slots;   /* a power of two up to 4096 */
	uint32_t ll_bytes;   /* a multiple of 64 from 64 to 1 MiB: payload; in memory twice that */
	uint32_t credit_batch; /* 1 to the smaller of slots and ll_slots */
};

/*
 * Sensible sizes for memory within one node, for a network behind sockets, and for RDMA; the
 * numbers are argued in src/transport/geometry.c.
 */
extern const struct rg_geometry rg_geometry_default, rg_geometry_tcp, rg_geometry_verbs_rc;

/*
 * A row's own geometry for so many ranks. All links of a rank on one channel together take
 * RG_LINKS_BYTES at most, since their memory is taken when they are connected: where they would
 * take more, slots are shorter, down to 4 KiB. A link of tcp takes 2 MiB with up to 71 ranks, half
 * of it with twice as many, and so on; 132 KiB with 1024.
 */
#define RG_LINKS_BYTES ((uint64_t)144 << 20)
struct rg_transport_ops;
struct rg_verbs_options;
struct rg_geometry rg_geometry_for(const struct rg_transport_ops *ops, uint32_t nranks);

/* How a waiting rank treats its core. Spins, then yields, then sleeps until the peer's signal. */
struct rg_patience {
	uint32_t spins;	 /* polls before the first yield; 0 when cores are shared */
	uint32_t yields; /* yields before sleeping */
};

/* What open needs. */
struct rg_transport_config {
	struct rg_geometry geometry;
	struct rg_patience patience;
	/*
	 * Longest wait for a peer without any progress. An attempt to connect ends after half of
	 * it, so that the others, who wait for this rank to agree on what came of it, hear of it.
	 */
	uint64_t timeout_ns;
	/*
	 * Added to message numbers to give the 32-bit sequence of word messages: tests start near
	 * 2^31, where rings are cleaned. Below 2^31, since memory starts as zeros; equal on all
	 * ranks.
	 */
	uint32_t first_sequence;
	/* tcp: the network interface, NULL: chosen; and the congestion control, NULL: the system's.
	 */
	const char *interface, *congestion; /* borrowed during open; an endpoint's are its own */
	const char *node; /* name of this rank's node, likewise; NULL: see launch/process.h */
	/* verbs-rc, verbs-ud (transport/verbs.h). NULL: the defaults; outlives the endpoint. */
	const struct rg_verbs_options *verbs;
	/*
	 * For probe: this rank is the local-th of nlocal of its node, which have their own devices;
	 * nlocal 0: the only one. open asks the others.
	 */
	uint32_t local, nlocal;
	/* Rails (below) that are not to be used: those that any rank names are left out on all. */
	uint32_t without_rails;
	bool leave_others; /* shm: ranks that it cannot reach are no error until connect */
};

extern const struct rg_patience rg_patience_own_core;
extern const struct rg_patience rg_patience_shared_core;

struct rg_endpoint;

/*
 * Where a slot message is wanted instead of its slot. Who will take it writes this before any of it
 * has come, and calls the row's `post`; a put of so many bytes that tells READY that value may then
 * be received straight into dst (direct data placement [RFC5041]), and placed is set before READY
 * is. A message that came earlier, or is of another length, lies in its slot as ever. So does one
 * whose sender had to be told the place, and was not yet.
 */
struct rg_posted {
	uint64_t ready; /* value of READY with the message, its number plus 1; 0: nothing */
	void *dst;	/* borrowed until the message has come */
	uint64_t len_bytes;
	bool placed;
};

/*
 * One peer on one channel, as the executor sees it. Pointers are borrowed from the endpoint and
 * live until its close. Those of tx are NULL where the link is not mapped; a rank's link to itself
 * always is. posted is NULL where it is, and where the transport places nothing. tx_shadow is NULL
 * where the link is mapped, and where the transport has none.
 */
struct rg_link {
	struct rg_counter *rx; /* [RG_CTR_COUNT] in my memory, written by the peer */
	struct rg_counter *tx; /* [RG_CTR_COUNT] in the peer's memory, written by me */
	uint8_t *rx_slots;     /* [slots][slot_bytes] in my memory */
	uint8_t *tx_slots;     /* [slots][slot_bytes] in the peer's memory */
	uint64_t *rx_ll;       /* [ll_slots][ll_bytes / 4] words in my memory */
	uint64_t *tx_ll;       /* the same in the peer's memory */
	/*
	 * [slots][slot_bytes] in my memory: what is put into a slot from its place here is not
	 * copied. As the slot, a place may be written when the peer's FREE says so, until its put.
	 */
	uint8_t *tx_shadow;
	struct rg_posted *posted;    /* [slots]: message n in entry n mod slots */
	_Atomic uint32_t *tx_asleep; /* the peer's: nonzero while it may be sleeping */
	uint64_t sent[2];     /* messages ever sent: [0] slot, [1] small; kept by the executor */
	uint64_t received[2]; /* messages ever consumed, likewise */
	/* Values of ENTER, DONE, SYNC that finished programs have signalled and waited for. */
	uint64_t told[RG_CTR_COUNT], heard[RG_CTR_COUNT];
	uint64_t free_seen[2]; /* last value read of FREE and LL_FREE */
	uint64_t free_told[2]; /* last value signalled of FREE and LL_FREE */
	uint64_t free_due[2];  /* what may be signalled of them by now */
};

/*
 * User memory that peers may reach. Its size may differ from rank to rank. remote[r] is where rank
 * r's memory of this window is mapped here, NULL until window_map and for ranks whose links are not
 * mapped; remote_bytes[r] is its size, 0 until window_map. This rank's own are set from the start.
 */
struct rg_window {
	struct rg_endpoint *ep;		/* borrowed; outlives the window */
	const struct rg_buffer *buffer; /* borrowed; outlives the window */
	uint8_t **remote;		/* owned, [nranks] */
	uint64_t *remote_bytes;		/* owned, [nranks] */
};

/* Where a put goes at the peer. */
enum rg_region {
	RG_REGION_SLOT, /* offset counts from the ring's start */
	RG_REGION_LL,
	RG_REGION_WINDOW, /* from the start of the put's window */
};

struct rg_put {
	uint32_t peer;
	uint32_t channel;
	enum rg_region region;
	const struct rg_window *window; /* for RG_REGION_WINDOW */
	uint64_t offset;
	const void *src; /* borrowed until put has returned something else than 1 */
	uint64_t len_bytes;
	bool lasting; /* src stays as it is until flush has returned 0: see straight_bytes */
	/* Followed by a signal, in one go: counter ctr of the link is set to value. */
	bool notify;
	enum rg_ctr ctr;
	uint64_t value;
};

/*
 * One transport. Every member that is not (optional) is mandatory; those marked (collective) are
 * called by all ranks, in the same order, and succeed on all or on none: the text of a rank's own
 * failure reaches all.
 *
 * A peer or channel that does not exist is RG_ERR_INVALID, in every member that returns errors.
 */
struct rg_transport_ops {
	const char *name;		    /* "shm" */
	const char *summary;		    /* one line for `railgauge info` */
	uint32_t caps;			    /* enum rg_cap: at most; an endpoint may have fewer */
	const char *system_calls;	    /* which ones its timed operations may make, in words */
	const struct rg_geometry *geometry; /* what suits it where nobody asks for another */

	/*
	 * May it work here? Tries the real thing, quickly, leaves nothing. Of config (NULL: the
	 * defaults) count verbs, local and nlocal. The text says why not: RG_ERR_SYSTEM,
	 * RG_ERR_LIMIT, RG_ERR_NO_MEMORY, RG_ERR_NOT_FOUND (tcp: an interface); by verbs as
	 * rg_verbs_probe.
	 */
	int (*probe)(const struct rg_transport_config *config, struct rg_err *err);

	/*
	 * (collective) Creates this rank's endpoint and exchanges what connect needs. rdv is
	 * borrowed and outlives the endpoint. RG_ERR_INVALID (geometry), RG_ERR_MISMATCH (another
	 * transport, geometry or first_sequence: names the rank), RG_ERR_UNSUPPORTED (the ranks
	 * cannot reach each other: other host or namespace), RG_ERR_LIMIT, RG_ERR_NO_MEMORY,
	 * RG_ERR_SYSTEM, or the rendezvous': RG_ERR_TIMEOUT, RG_ERR_PEER.
	 */
	int (*open)(struct rg_rendezvous *rdv, const struct rg_transport_config *config,
		    struct rg_endpoint **ep_out, struct rg_err *err);

	/* Not collective; other ranks may still be using what this one mapped. NULL is allowed. */
	void (*close)(struct rg_endpoint *ep);

	/*
	 * Makes ep->links[channel][peer] usable, reserving the peer's slots for it. Connecting
	 * twice is no error. Not collective: the peer need not do the same at the same time. peer
	 * may be this rank itself. RG_ERR_PEER (it is gone), RG_ERR_DENIED and RG_ERR_FORMAT (what
	 * stands in its place is not the peer, or not its memory), RG_ERR_UNSUPPORTED (shm: another
	 * host or namespace), RG_ERR_TIMEOUT (tcp: not reached), RG_ERR_LIMIT, RG_ERR_SYSTEM,
	 * RG_ERR_NO_MEMORY.
	 */
	int (*connect)(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, struct rg_err *err);

	/*
	 * (collective) Lets the peers reach a buffer. RG_ERR_UNSUPPORTED for a kind of memory that
	 * the transport cannot share (all take RG_MEMORY_SHARED), RG_ERR_NO_MEMORY, or the
	 * rendezvous'.
	 */
	int (*window_open)(struct rg_endpoint *ep, const struct rg_buffer *buffer,
			   struct rg_window **window_out, struct rg_err *err);
	void (*window_close)(struct rg_window *window); /* not collective; NULL is allowed */

	/*
	 * Sets window->remote[peer] (where links are mapped) and remote_bytes[peer], and so allows
	 * puts into it; twice is no error. Errors as connect's.
	 */
	int (*window_map)(struct rg_window *window, uint32_t peer, struct rg_err *err);

	/*
	 * Lasting puts may be sent straight from this buffer, and messages received straight into
	 * places that are posted in it; it stays open until it is taken back. Not collective, and
	 * no error: a transport that has no use for it ignores it, and where a device cannot have
	 * it (locked memory) what is put from it, and comes for it, is copied like all else, which
	 * is logged. Twice is once. A system call.
	 */
	void (*lend)(struct rg_endpoint *ep, const struct rg_buffer *buffer);

	/*
	 * From here on nobody reads it any more, or writes there. flush has returned 0 before, and
	 * what was posted has come; where that could not be, after a failure, the connections to
	 * the peers that it was being sent to, or wanted from, are cut. Of a buffer that was not
	 * lent nothing is done.
	 */
	void (*take_back)(struct rg_endpoint *ep, const struct rg_buffer *buffer);

	/*
	 * Writes into the peer's memory. 0; 1 when it could not be taken whole: call progress and
	 * put the same again, with the same source, until the result is another; or an error:
	 * RG_ERR_INVALID (not connected, or its window not mapped), RG_ERR_RANGE (beyond the ring
	 * or the peer's window; nothing is written), or as progress. Nothing is visible to the peer
	 * for sure before the next signal. To a peer that has closed or died it is harmless.
	 */
	int (*put)(struct rg_endpoint *ep, const struct rg_put *put, struct rg_err *err);

	/*
	 * (optional) puts[n], one to each of the other ranks, of the same data into slots: as so
	 * many puts, but the data leave once. Channel, offset and value may differ. Results as
	 * put's; 1: all of them once more. NULL where the row's caps are without RG_CAP_MULTICAST;
	 * RG_ERR_UNSUPPORTED where only the endpoint's are.
	 */
	int (*put_all)(struct rg_endpoint *ep, const struct rg_put *puts, uint32_t n,
		       struct rg_err *err);

	/*
	 * (optional) The entry of the message with this READY has been written: see struct
	 * rg_posted. The peer may be told of it, now or with others. NULL: nobody needs to be.
	 */
	void (*post)(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, uint64_t ready);

	/*
	 * Sets the peer's counter to value, after all earlier puts to it on this channel. Results
	 * as put's. To a peer that has closed or died it is harmless.
	 */
	int (*signal)(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, enum rg_ctr ctr,
		      uint64_t value, struct rg_err *err);

	/*
	 * Copies len_bytes bytes of the peer's memory, at `address` there, to dst, and returns when
	 * they are here; the peer keeps them unchanged meanwhile. A system call. With RG_CAP_READ
	 * among the endpoint's caps, else RG_ERR_UNSUPPORTED. RG_ERR_PEER (the peer is gone),
	 * RG_ERR_SYSTEM (refused, or not all of it is mapped there); dst is then undefined. Threads
	 * of one process have nothing to find such mistakes with.
	 */
	int (*read)(struct rg_endpoint *ep, uint32_t peer, void *dst, uint64_t address,
		    size_t len_bytes, struct rg_err *err);

	/*
	 * Hands what was put and signalled to the network. 0, or 1 if some is left that the network
	 * does not take now, or sources of lasting puts are still needed. Never blocks. Until it
	 * has returned 0 a peer may wait for what is left.
	 */
	int (*flush)(struct rg_endpoint *ep, struct rg_err *err);

	/*
	 * Moves things along, flush included; needed where links are not mapped. 1 if anything
	 * moved, 0 if not. Never blocks. A peer's mistakes make that peer fail (peer_alive), not
	 * this; RG_ERR_SYSTEM (tcp: too few open files to let a peer in).
	 */
	int (*progress)(struct rg_endpoint *ep, struct rg_err *err);

	/*
	 * Called by a rank that finds nothing to do: the n-th time in a row (from 0). Spins, yields
	 * or sleeps as ep->config.patience says, at most some milliseconds; a signal to this rank
	 * ends the sleep. May make system calls.
	 */
	void (*idle)(struct rg_endpoint *ep, uint32_t n);

	/* Wakes a peer whose tx_asleep was seen set after a store to its memory. A system call. */
	void (*wake)(struct rg_endpoint *ep, uint32_t peer);

	/*
	 * 0, or RG_ERR_PEER naming the rank and its host (shm: and the process) if it is known to
	 * be gone. Of a rank that was never connected and of which no window was mapped nothing is
	 * known.
	 */
	int (*peer_alive)(struct rg_endpoint *ep, uint32_t peer, struct rg_err *err);
};

/* A line of a network that an endpoint sends and receives by, for bounds. Plain bytes. */
#define RG_LINES_MAX	  8
#define RG_LINE_NIC_BYTES 72
struct rg_line {
	char nic[RG_LINE_NIC_BYTES]; /* "mlx5_0:1" */
	uint64_t rate_Bps;	     /* each way (topo/line.h); 0: not known, or a soft device */
	uint32_t mtu_bytes;	     /* data in a packet, at most */
	uint8_t infiniband;	     /* else Ethernet: RoCE v2, or v1 */
	uint8_t roce1, ipv6, unused;
};

/* The common head of every endpoint; an implementation embeds it first and uses container_of. */
struct rg_endpoint {
	const struct rg_transport_ops *ops;
	struct rg_rendezvous *rdv; /* borrowed */
	uint32_t rank, nranks;
	uint32_t caps; /* what open found to work, equal on all ranks */
	struct rg_transport_config config;
	char *names[3];		/* owned: what the config's names point to */
	struct rg_link **links; /* owned, [channels * nranks]; NULL where not connected */
	char (*host)[64];	/* owned, [nranks]: host names, for messages */
	uint64_t left_bytes;	/* of memory, at least, as far as is known (transports only) */
	/* Lasting puts of so many bytes or more are sent straight from lent buffers; 0: none is. */
	uint64_t straight_bytes;
	uint64_t post_bytes; /* messages of fewer bytes are not worth posting */
	char about[224];     /* how it reaches its peers, in words: the interface */
	/* What it sends and receives by, with commas: "eth0", "mlx5_0:1,mlx5_1:1"; empty: memory */
	char nics[RG_LINES_MAX * RG_LINE_NIC_BYTES];
	struct rg_line lines[RG_LINES_MAX]; /* of nics, in their order */
	uint32_t nlines;		    /* 0: memory, or sockets, which are measured */
	/*
	 * Rails: adapters side by side, among which a transport deals what goes to a peer. Bit r is
	 * the r-th of those that were named, on all ranks. A rail that does not work on all of them
	 * is not used; one that fails later takes its connections with it, and who wants to go on
	 * without it opens another endpoint (without_rails).
	 */
	uint32_t rails;	       /* used, the same on all ranks; 0: the transport has none */
	uint32_t rails_failed; /* of these, over which this rank did not reach a peer */
	uint32_t rails_down;   /* of these, whose port is down here, as far as is known */
};

static inline struct rg_link *rg_endpoint_link(const struct rg_endpoint *ep, uint32_t channel,
					       uint32_t peer)
{
	return ep->links[(size_t)channel * ep->nranks + peer];
}

/*
 * (collective) A further endpoint of the same transport and config, but for the geometry and the
 * first sequence (0): for who wants links of its own beside somebody else's. Errors as open.
 */
int rg_endpoint_open_beside(const struct rg_endpoint *ep, const struct rg_geometry *geometry,
			    struct rg_endpoint **ep_out, struct rg_err *err);

/*
 * The congestion controls of the connections that the endpoint has by now, each once, with spaces
 * between, as many as there is room for: a route may have one of its own (ip route ... congctl).
 * Without a connection that of the listening socket; empty where there are no sockets.
 */
#define RG_CONGESTION_BYTES 64
void rg_endpoint_congestion(const struct rg_endpoint *ep, char names[RG_CONGESTION_BYTES]);

/* Adds those of one list that the other, names, does not have. */
void rg_congestion_join(char names[RG_CONGESTION_BYTES], const char *more);

/* Bytes that one link takes in the receiver's memory, a multiple of the page size. */
size_t rg_geometry_link_bytes(const struct rg_geometry *geometry);

/* RG_ERR_INVALID naming the member that is not what is said above, and its value. */
int rg_geometry_check(const struct rg_geometry *geometry, struct rg_err *err);

/* All transports, NULL-terminated, in the order in which `auto` tries them. */
extern const struct rg_transport_ops *const rg_transports[];

/* RG_ERR_NOT_FOUND with a suggestion. */
int rg_transport_find(const char *name, const struct rg_transport_ops **ops_out,
		      struct rg_err *err);

extern const struct rg_transport_ops rg_transport_null;
extern const struct rg_transport_ops rg_transport_inproc;
extern const struct rg_transport_ops rg_transport_shm;
extern const struct rg_transport_ops rg_transport_tcp;
extern const struct rg_transport_ops rg_transport_mixed;
extern const struct rg_transport_ops rg_transport_verbs_rc; /* in a build with libibverbs */
extern const struct rg_transport_ops rg_transport_verbs_ud; /* in a build with libibverbs */

#endif
