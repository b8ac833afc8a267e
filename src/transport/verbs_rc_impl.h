/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-rc: RDMA writes over reliable connections. Between verbs_rc.c (the endpoint),
 * verbs_rc_setup.c (devices, rails, sizes), verbs_rc_cards.c (how two ranks are joined),
 * verbs_rc_join.c (what a connection takes of the devices), verbs_rc_memory.c (links, windows),
 * verbs_rc_lend.c (what is sent from where it lies), verbs_rc_place.c (what is received where it is
 * wanted), verbs_rc_send.c, verbs_rc_post.[ch], verbs_rc_receive.c, verbs_rc_control.c (what the
 * two ends tell each other besides data, and how they part) and verbs_rc_wire.h (what is on the
 * wire).
 *
 * Memory. A link is one piece of registered memory at each end: counters and rings, which the peer
 * writes, and a *shadow* of the peer's rings. A put copies its source into the shadow, at the same
 * offset, and writes from there. Credit says when a slot may be written again: when the peer has
 * read the message that was in it, so all of it had arrived, and the shadow's slot is done with as
 * well. So a source is reusable when put returns, and what was sent stays here until the peer has
 * acknowledged it. Long sources are copied and written piece by piece. What is put into a window
 * has no shadow: it goes through a few staging pieces, which completions give back.
 *
 * What lies in the shadow already is not copied (rg_link's tx_shadow), nor is what is long, lent
 * and lasting: the device reads it where it lies, and may read it again until the completion of
 * that very piece says that the peer has acknowledged it. So each such piece asks for a completion,
 * which gives its registration back to the cache, and flush returns 1 as long as one is held.
 * Waiting for that costs a round trip at the end of an operation, some microseconds, in which a
 * core copies 16 KiB and more; hence VRC_STRAIGHT_BYTES. Registering takes longer than copying, so
 * it is done when a buffer is lent, and never by a put: what is not registered is copied.
 *
 * Places. What is wanted elsewhere than in its slot (struct rg_posted), in lent memory, need not be
 * copied by the receiver either: he tells the sender where it is wanted (PLACE), and whoever puts
 * that message later writes it there, and says so in its notification. Nobody waits for that: a
 * message whose place is not known yet goes to its slot, as the first ones of an operation do whose
 * receiver comes later; the numbers of messages tell what a place is for, so one that comes too
 * late is forgotten. A PLACE is a packet that saves copying: it is for messages that lie one behind
 * the other, VRC_PLACES times post_bytes in all at least, and once some are told of, others wait
 * for as many as make a batch of credit, which travels along. It counts as a notification.
 * Registrations are held until the message has come. Only write-imm has a bit to say it.
 *
 * Connections. Two ranks are joined when one of them first connects to the other, by --verbs.qps
 * queue pairs on each device. So a rank takes queue pairs, receives and memory for the peers that
 * its schedules name, however many ranks there are; the shared receive queue and the tables of
 * ranks are as large as they may become, but untouched pages of these are none. connect does not
 * wait for the other one, which need not connect at the same time: it makes its queue pairs and
 * sends their numbers, a *card*, from the one queue pair for datagrams that each rank has on its
 * first rail. Whoever gets a card makes and joins his, and answers with his own card; both repeat
 * theirs until they know that the other one has it. Cards are taken in progress, connect and
 * long puts. A link's memory is made by connect, which tells the peer where it is (HELLO) as soon
 * as they are joined; what is put before the peer has told its own place waits (put returns 1).
 *
 * Notifications (--verbs.notify):
 *   write-imm      an RDMA write with 32 bits of immediate data:
 *                  channel (6) | counter (3) | sequence (8) | placed (1) | value (14, low bits)
 *                  Each notification of a link has the next number, whichever queue pair it takes;
 *                  the receiver applies them in this order, so nothing depends on the order between
 *                  queue pairs, devices or rails. Before a notification leaves on one queue pair
 *                  all others that have carried data of that link since are closed by one that
 *                  changes no counter (VRC_NOTHING). Counters move by less than 2^14, so the low
 *                  bits are enough; a value that does not is sent whole, as a message. FREE waits
 *                  for the flush, or what else is told on that link: if data leave there until
 *                  then, it travels in their notification (VRC_READY_FREE), and not as a message
 *                  that is acknowledged, too.
 *   write-counter  the data, then an inline write of the counter itself, which the executor polls:
 *                  no completion at the receiver. It takes RG_CAP_ORDERED, which open grants with
 *                  one device, one queue pair, memory without relaxed ordering, and a network that
 *                  keeps the order of a connection's packets: that of soft devices does, of others
 *                  --verbs.path-order says so (adaptive routing does not, and no device tells).
 *                  A device that stores 8 bytes in pieces from the lowest on does no harm: what is
 *                  seen in between is never above the new value.
 *   send           data and notification in messages, which the receiver copies to their place.
 *
 * Budgets. At most VRC_WINDOW notifications of a link are under way that the peer has not applied;
 * it tells how many it has (ACK, a plain write) twice in a window, or four times behind what it
 * puts anyhow, which hardly ever takes a doorbell. The shared receive queue holds enough for all
 * links, for what else peers say (HELLO, BYE), and for what was taken and is not posted again yet,
 * since that goes in batches. Only where the device limits it may a sender be told to wait (RNR),
 * which is harmless, and counted by the device.
 *
 * Failure. The first completion with an error, or a fatal event, ends that peer: peer_alive says
 * why, and what is put to it goes nowhere. While a rank waits for one that is silent, peer_alive
 * writes 0 bytes to it now and then, since a peer that died is only found by sending to it. Who
 * closes waits until what it sent to a peer has arrived, says BYE to it, and waits for that to
 * arrive, too, with all peers at once and for VRC_LINGER_NS at most. A peer that was asked and does
 * not answer for half of the endpoint's timeout is gone. Who closes tells that to those who ask
 * meanwhile; later there is nobody to answer them.
 *
 * Limits, in words where they are met: ranks must have the same number of devices in use (the
 * smallest is taken) and one byte order; memory of a window that all ranks have closed stays
 * registered until the next one is opened.
 */
#ifndef RG_TRANSPORT_VERBS_RC_IMPL_H
#define RG_TRANSPORT_VERBS_RC_IMPL_H

#include "endpoint.h"
#include "verbs_rc_wire.h"

#include "railgauge/transport/verbs.h"

#include <infiniband/verbs.h>

#define VRC_QPS		   32		       /* of one connection, all devices together */
#define VRC_WINDOW_SEND	   32		       /* where each has a long receive */
#define VRC_PAYLOAD_BYTES  ((uint32_t)8 << 10) /* of one message with data */
#define VRC_PIECE_BYTES	   ((uint64_t)64 << 10)
#define VRC_STRIPE_BYTES   ((uint64_t)16 << 10) /* shorter pieces are not dealt to several */
#define VRC_STAGES	   8
#define VRC_STRAIGHT_BYTES ((uint64_t)16 << 10)
#define VRC_POST_BYTES	   ((uint64_t)8 << 10)
#define VRC_PLACES	   16
#define VRC_POLLED	   32 /* completions at a time */
#define VRC_REPOSTED	   32 /* receives at a time */
#define VRC_LINGER_NS	   ((uint64_t)2000000000)
#define VRC_PROBE_NS	   ((uint64_t)200000000)
#define VRC_EVENTS_NS	   ((uint64_t)20000000)

/* --- the endpoint --- */

/* Memory registered with all devices. */
struct vrc_chunk {
	uint8_t *base; /* owned mapping */
	size_t len_bytes, used_bytes;
	struct ibv_mr *mr[VRC_RAILS]; /* held */
};

/* How a rank takes cards. Exchanged; only ranks of this job know the nonce. */
#define VRC_NONCE_BYTES 16
struct vrc_ticket {
	uint8_t nonce[VRC_NONCE_BYTES];
	struct rg_verbs_address datagrams;
};

/* The queue pair for cards, on the first rail. */
#define VRC_CARD_SENDS 16u
struct vrc_cards {
	struct ibv_qp *qp; /* owned */
	uint8_t *memory;   /* in a chunk: of receives, then of sends */
	uint32_t lkey;
	uint32_t to[VRC_CARD_SENDS];   /* whom each send is for */
	uint16_t free[VRC_CARD_SENDS]; /* places */
	uint32_t nfree;
};

struct vrc_receive {
	uint8_t *at; /* [receive_bytes], in a chunk */
	uint32_t lkey;
};

#define VRC_HASH(qpn) ((qpn)*2654435761u >> 8)

/* One device: rail r of this rank is joined with rail r of the others. */
struct vrc_rail {
	struct rg_verbs_device *device; /* owned */
	uint32_t bit;			/* of struct rg_endpoint's rails */
	struct ibv_cq *cq;		/* owned, as the next */
	struct ibv_srq *srq;
	struct vrc_receive *receives; /* owned, [v->nreceives]: made so far are */
	uint32_t nreceives;
	uint32_t *back, nback; /* owned: receives that are to be posted again */
	uint32_t others;       /* of the completion queue: for what is no send of a connection */
	uint32_t room, used;   /* the rest of it, for so many sends; for those that there are */
	uint32_t *qp_of, mask; /* owned: of a queue pair its index plus 1, by VRC_HASH */
};

struct vrc_qp {
	struct ibv_qp *qp; /* owned; NULL: not made, as those of this rank itself */
	uint32_t peer, rail;
	struct ibv_send_wr *wr;	     /* owned, [ring]: place n mod ring, each points to the next */
	struct ibv_sge *sge;	     /* owned, [ring][2] */
	uint8_t *stage;		     /* owned, [ring]: staging piece plus 1; 0: none */
	struct ibv_mr **lent;	     /* owned, [ring]: held while it is sent from; NULL: none */
	struct vrc_message *cells;   /* [ring], in a chunk: what is sent besides data */
	uint32_t lkey;		     /* of cells */
	uint64_t head, posted, tail; /* made; handed to the device; known to be done */
	uint64_t signalled;	     /* head after the last one that makes a completion */
	uint64_t unposted_bytes;
	uint32_t quiet; /* since the last one that makes a completion */
	bool dirty, broken;
};

struct vrc_peer {
	bool used;		     /* there are queue pairs */
	bool joined;		     /* and they are joined with the peer's */
	bool sure;		     /* which is known to be joined, too: it may be sent to */
	uint32_t psn;		     /* of what is sent */
	struct ibv_ah *ah;	     /* owned: for cards */
	uint64_t asked_ns;	     /* of v->waited_ns */
	uint64_t again_ns, pause_ns; /* when it is told again, and how long that was put off */
	bool closed, said_bye;	     /* it said BYE; this rank did */
	struct rg_err why;	     /* code: it failed */
	uint64_t probed_ns;
};

/* Where the peer wants a message. */
struct vrc_place {
	uint64_t ready; /* with the message; 0: nothing is known */
	uint64_t at, len_bytes;
	uint32_t rkey[VRC_RAILS];
};

/* A message that this rank wants somewhere. */
struct vrc_wanted {
	struct ibv_mr *mr[VRC_RAILS]; /* held until it has come; NULL: it is not wanted */
	bool told;
};

struct vrc_link {
	struct rg_link base;
	uint32_t peer, channel;
	const struct vrc_chunk *chunk; /* of its memory */
	uint8_t *rx;		       /* the peer writes here: see rg_geometry_link_bytes */
	_Atomic uint64_t *seen;	       /* likewise: how many notifications it has applied */
	uint8_t *shadow;	       /* words, slots */
	uint64_t at;		       /* of the peer's rx; 0: not told yet */
	uint32_t rkey[VRC_RAILS];
	/* sending */
	uint64_t sent;		      /* notifications */
	uint64_t value[RG_CTR_COUNT]; /* that were told last */
	uint64_t credit;	      /* of FREE, and still to be told; 0: none is */
	uint32_t open;		      /* queue pairs with data that no notification follows yet */
	struct vrc_place *places;     /* owned, [slots]: message n in entry n mod slots */
	bool told_places;	      /* the peer has told of one, ever */
	const struct vrc_place *to;   /* of the put that is going on; NULL: the ring, the window */
	bool going;		      /* put was not taken whole: done_bytes of it were */
	uint64_t done_bytes;
	struct rg_put put;
	/* receiving */
	struct vrc_order order;
	uint64_t acked;
	struct vrc_wanted *wanted; /* owned, [slots], likewise; posted: base.posted */
	uint32_t nwanted, nfresh;  /* of these, all, and those that are not told yet */
	uint64_t *fresh;	   /* owned, [slots]: READY of the latter, in their order */
	bool refused; /* a notification said what cannot be: none is applied any more */
	bool due, hello_due, ack_due;
};

struct vrc_window {
	struct rg_window base;
	struct vrc_kept *kept; /* borrowed from the endpoint once the window is open */
	struct vrc_remote *at; /* owned, [nranks] */
};

/* Where a rank's window is. Exchanged. */
struct vrc_remote {
	uint64_t address, len_bytes;
	uint32_t rkey[VRC_RAILS];
};

/*
 * Registrations of a window's memory. A rank that closes it takes nothing away from its peers,
 * which may still write there; so they end when all ranks have closed it, and have seen all arrive
 * that they wrote: each opening of a window tells that of the ones before.
 */
struct vrc_kept {
	struct ibv_mr *mr[VRC_RAILS]; /* held */
	bool closed;		      /* by this rank */
};

struct vrc {
	struct rg_endpoint ep;
	struct rg_verbs_options options;
	uint32_t nrails, nqps; /* of a connection; queue pair k is of rail k mod nrails */
	uint32_t left_out;     /* rails that do not work on all ranks, a bit each */
	uint32_t not_in_order; /* the first rank whose network may change orders; or nranks */
	uint32_t depth, moderation, inline_bytes;
	uint32_t ring; /* entries for requests: depth, or the next power of two */
	uint32_t window, receive_bytes;
	uint32_t nreceives; /* of a rail, at most */
	struct vrc_rail rails[VRC_RAILS];
	struct rg_verbs_address *addresses; /* owned, [nranks][nrails]: of no queue pair */
	struct vrc_ticket *tickets;	    /* owned, [nranks] */
	struct vrc_cards cards;
	struct vrc_peer *peers;	   /* owned, [nranks] */
	uint32_t *asking, nasking; /* owned: peers that are not sure */
	uint64_t looked_ns;	   /* after them, the last time */
	uint64_t waited_ns;	   /* for them, all in all, without the time spent elsewhere */
	struct vrc_qp *qps;	   /* owned, [nranks][nqps] */
	struct vrc_link **links;   /* owned, [channels][nranks]; ep.links: connected */
	struct vrc_link **due;	   /* owned, [channels * nranks]: have to tell something */
	uint32_t ndue;
	uint32_t *dirty, ndirty; /* owned: queue pairs with something to post */
	struct vrc_chunk **chunks;
	uint32_t nchunks;
	uint64_t taken_bytes; /* of all chunks */
	uint8_t *stages;      /* [VRC_STAGES][VRC_PIECE_BYTES], in a chunk; NULL before windows */
	const struct vrc_chunk *stages_in;
	uint8_t free_stages[VRC_STAGES], nfree_stages;
	uint64_t nlent;		/* requests under way that send from lent memory */
	struct vrc_kept **kept; /* owned: the same windows on all ranks, the oldest first */
	uint32_t nkept;
	bool moved, opened, parting;
	uint64_t events_ns;
	_Atomic uint32_t never_asleep;
};

static inline struct vrc_qp *vrc_qp_of(struct vrc *v, uint32_t peer, uint32_t k)
{
	return &v->qps[(size_t)peer * v->nqps + k];
}

/* The queue pair of a link's notifications and of what is short. */
static inline uint32_t vrc_home(const struct vrc *v, const struct vrc_link *l)
{
	return v->nqps == 1 ? 0 : l->channel % v->nqps;
}

static inline bool vrc_gone(const struct vrc *v, uint32_t peer)
{
	return v->peers[peer].closed || v->peers[peer].why.code;
}

/* Entries of a queue pair's ring: a power of two, so that nothing is divided. */
static inline uint32_t vrc_ring(uint32_t depth)
{
	uint32_t ring = 1;

	while (ring < depth)
		ring *= 2;
	return ring;
}

/* What a peer may use up before it hears of it: notifications, HELLOs and refusals, and a BYE. */
static inline uint32_t vrc_receives_of_peer(const struct vrc *v)
{
	return v->ep.config.geometry.channels * (v->window + 2) + 1;
}

/* --- devices, rails, sizes (verbs_rc_setup.c); collective --- */

int vrc_setup(struct vrc *v, struct rg_err *err);
void vrc_teardown(struct vrc *v);

/* The member of the row. */
int vrc_probe(const struct rg_transport_config *config, struct rg_err *err);

/* --- what a connection takes (verbs_rc_join.c) --- */

int vrc_rail_open(struct vrc *v, struct vrc_rail *rail, struct rg_err *err);

/* How this rank's ports are reached, [nrails]; the queue pairs' numbers come with cards. */
void vrc_addresses_of(const struct vrc *v, struct rg_verbs_address *out);

/* Makes all queue pairs of a connection, and receives for what comes by them; all or none. */
int vrc_qps_open(struct vrc *v, uint32_t peer, struct rg_err *err);
void vrc_qps_close(struct vrc *v, uint32_t peer);

/* From here on they receive, and may send once the peer's are joined as well. */
int vrc_qps_join(struct vrc *v, uint32_t peer, const uint32_t *qpn, uint32_t psn,
		 struct rg_err *err);

/* --- how two ranks are joined (verbs_rc_cards.c) --- */

/* Completions that cards make at most. */
uint32_t vrc_cards_room(const struct vrc *v);

int vrc_cards_open(struct vrc *v, struct vrc_ticket *mine, struct rg_err *err);

/* Makes queue pairs for the peer and tells it, where that is not done. */
int vrc_ask(struct vrc *v, uint32_t peer, struct rg_err *err);

/* Repeats what is not answered; gives up. */
void vrc_ask_again(struct vrc *v);

/* A completion with VRC_WR_CARD. */
void vrc_card(struct vrc *v, const struct ibv_wc *wc);

/* Says so to those that this rank is not joined with. */
void vrc_cards_part(struct vrc *v);

/* --- memory (verbs_rc_memory.c) --- */

/* Registered memory, aligned to 4096 bytes; never given back before the endpoint's end. */
int vrc_memory_take(struct vrc *v, size_t len_bytes, uint8_t **out,
		    const struct vrc_chunk **chunk_out, struct rg_err *err);
void vrc_memory_release(struct vrc *v);

/* RG_ERR_LIMIT, with the fix, where this process may not lock what the options imply at least. */
int vrc_check_locked(const struct vrc *v, struct rg_err *err);

/* A link's memory, made by connect or by the peer's HELLO. */
int vrc_link_make(struct vrc *v, uint32_t peer, uint32_t channel, struct vrc_link **out,
		  struct rg_err *err);

void vrc_link_free(struct vrc_link *l); /* NULL is allowed */

int vrc_window_open(struct rg_endpoint *ep, const struct rg_buffer *buffer,
		    struct rg_window **window_out, struct rg_err *err);
void vrc_window_close(struct rg_window *window);
int vrc_window_map(struct rg_window *window, uint32_t peer, struct rg_err *err);

/* --- what is sent from where it lies (verbs_rc_lend.c) --- */

void vrc_lend(struct rg_endpoint *ep, const struct rg_buffer *buffer);
void vrc_take_back(struct rg_endpoint *ep, const struct rg_buffer *buffer);

/* The registration, held, by which a piece of a put may be sent straight; NULL: it is copied. */
struct ibv_mr *vrc_lent_of(struct vrc *v, const struct vrc_qp *q, const struct rg_put *put,
			   const void *src, uint64_t len_bytes);

/* --- what is received where it is wanted (verbs_rc_place.c) --- */

/* The member of the row. */
void vrc_want(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, uint64_t ready);

/* Tells the peer of places, if that is worth it by now; false if there is no room. */
bool vrc_tell_places(struct vrc *v, struct vrc_link *l);

/* The peer has told of places. Words if that cannot be, else NULL. */
const char *vrc_told_places(struct vrc *v, struct vrc_link *l, const struct vrc_message *m);

/* Where a put may go instead of its slot; NULL: no place is known. */
const struct vrc_place *vrc_place_of(const struct vrc *v, const struct vrc_link *l,
				     const struct rg_put *put);

/* READY is about to go from `before` to `now`; the last message was placed, if it says so. Words if
 * that cannot be, else NULL. */
const char *vrc_came(struct vrc *v, struct vrc_link *l, uint64_t before, uint64_t now, bool placed);

/* Ends what peers may write into this memory, and their connections with it. */
void vrc_want_no_more(struct vrc *v, const void *base, size_t len_bytes);

/* --- posting (verbs_rc_post.c; drafts: verbs_rc_post.h) --- */

/* Hands what is appended to the device; a failure ends the peer. */
void vrc_post(struct vrc *v, struct vrc_qp *q);
int vrc_hand_over(struct vrc *v);
int vrc_flush(struct rg_endpoint *ep, struct rg_err *err); /* if there is anything: vrc_leave */

/* The peer fails, and the device is done with what was posted to it, and with what it sends. */
void vrc_cut(struct vrc *v, uint32_t peer, const struct rg_err *why);

/* Ends the requests under way that send from this memory, and their connections with them. */
void vrc_cut_off(struct vrc *v, const void *base, size_t len_bytes);

/* A send has completed, well or not. True if that is progress: a probe's is none. */
#define VRC_WR_RECEIVE ((uint64_t)1 << 63)
#define VRC_WR_PROBE   ((uint64_t)1 << 62)
#define VRC_WR_CARD    ((uint64_t)1 << 61)
bool vrc_sent(struct vrc *v, struct vrc_rail *rail, const struct ibv_wc *wc);

/* The peer fails with the words for a completion that is no success. */
void vrc_explain(struct vrc *v, struct vrc_rail *rail, const struct ibv_wc *wc,
		 const struct vrc_qp *q);

/* The peer has failed: what is not posted yet is dropped. The first words stay. */
void vrc_fail(struct vrc *v, uint32_t peer, const struct rg_err *why);

/* --- sending (verbs_rc_send.c) --- */

int vrc_put(struct rg_endpoint *ep, const struct rg_put *put, struct rg_err *err);
int vrc_signal(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, enum rg_ctr ctr,
	       uint64_t value, struct rg_err *err);

/* May one more notification be under way? */
static inline bool vrc_is_within_window(const struct vrc *v, const struct vrc_link *l)
{
	return l->sent - atomic_load_explicit(l->seen, memory_order_relaxed) < v->window;
}

/* A notification that is a message, at home, where there is room and window. */
void vrc_append_message(struct vrc *v, struct vrc_link *l, const struct vrc_message *m,
			uint32_t ctr, uint64_t value);

/* 0, or 1 as long as there is no room: what is done of it is not done again. */
int vrc_notify(struct vrc *v, struct vrc_link *l, uint32_t ctr, uint64_t value);

/* --- receiving (verbs_rc_receive.c) --- */

/* Makes so many receives more, as far as there may be more, and posts them. */
int vrc_receives_add(struct vrc *v, struct vrc_rail *rail, uint32_t n, struct rg_err *err);

/* Takes completions of all rails. True if there were any. */
int vrc_poll(struct vrc *v, bool *any_out, struct rg_err *err);

/* --- what is told besides (verbs_rc_control.c) --- */

/* The link has something to tell, now or when there is room; or when that is looked at. */
void vrc_tell(struct vrc *v, struct vrc_link *l);
void vrc_tell_later(struct vrc *v, struct vrc_link *l);

/* Tells how many notifications were applied, if there is room; it leaves with what was put last. */
void vrc_ack(struct vrc *v, struct vrc_link *l);

/* Tells what there is room for. False as long as credit is left that a peer may wait for. */
bool vrc_tell_due(struct vrc *v);

/* A message without immediate data; words if it is none, else NULL. */
const char *vrc_told(struct vrc *v, uint32_t peer, const struct vrc_message *m, uint32_t len_bytes);

void vrc_look_at_events(struct vrc *v);

/* Looks at events now and then, and, where it has been silent, whether the peer's queue pair
 * answers. */
void vrc_look_after(struct vrc *v, uint32_t peer);

/*
 * Waits until all that was sent to peers which are there has arrived; false: not before until_ns.
 */
bool vrc_settle(struct vrc *v, uint64_t until_ns);

/* The same, says BYE, and waits for that. */
void vrc_part(struct vrc *v);

#endif
