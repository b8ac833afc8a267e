/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-ud: small messages to many peers over unreliable datagrams. Between verbs_ud.c (the
 * endpoint), verbs_ud_setup.c (device, queue pair, memory, addresses), verbs_ud_flow.c (reliability
 * as a state machine, per peer), verbs_ud_packet.c (the wire), verbs_ud_send.c, verbs_ud_receive.c,
 * verbs_ud_drive.c (what time demands, and the thread that sees to it while the rank is away) and
 * verbs_ud_peers.c (who is gone, and parting).
 *
 * Scale. A rank has one queue pair, on the first of its devices, one ring of receives and one pool
 * of packets, whatever the number of peers. A peer costs an address handle, made when it is
 * connected or first heard of, and a struct vud_peer of about 1 KiB, besides the links that every
 * transport has.
 *
 * The wire. A packet is at most the smallest MTU of all ranks' ports: a head (vud_head), and, in
 * DATA, the next piece of the peer's stream of frames (framed.h). Heads of frames are not torn;
 * data are, and go on in the next packet. So a signal and a put that follow each other travel
 * together, and since packets are applied in order, a counter moves after all that came before it.
 * Signals and puts gather in an open packet until flush, progress or until it is full.
 *
 *   tag     64 bits that sender and receiver make from the job's key and from nonces which both
 * drew anew for this endpoint: what strangers send, and what earlier endpoints sent, is dropped
 *           unread. Who can read packets on the way can forge them, as with tcp.
 *   number, next, early, flags: see verbs_ud_flow.h
 *
 * Memory. Packets lie in registered memory from the put until they are both acknowledged and known
 * to have left (completions are moderated: --verbs.moderation), so a source is reusable when put
 * returns. put returns 1 while the peer's window or the pool is full. VUD_CONTROLS packets are kept
 * for what is no data, so that ranks which are full of data can still acknowledge each other's. Of
 * the ring of receives at most half is held for packets that came before their turn, so that there
 * is always room for the one that is missing.
 *
 * The keeper. What is lost must be sent again, though the rank may be inside a call of something
 * else: a rendezvous, an MPI library, a reduction. Its peers would wait in vain. And no flush can
 * end that by waiting for acknowledgements, since the last one may be lost as well, when its sender
 * has gone away, too. So each endpoint has a thread which looks every VUD_KEEPER_NS whether the
 * rank has been here since; if it has not, the thread receives, acknowledges and repeats in its
 * place, but applies nothing: memory of the user and counters are touched by the rank alone. Nor
 * does it meet peers: an address handle may take the kernel seconds. What a peer sends that this
 * rank has not met yet is lost while the rank is away, and comes again. Both exclude each other by
 * a flag, which the rank finds free but for the microseconds of the thread's turns. The thread may
 * run wherever the process may, not on the rank's core alone.
 *
 * Failure. A peer that acknowledges nothing for half the endpoint's timeout while something is owed
 * is gone (peer_alive says so, with what the device has said meanwhile), half so that its survivors
 * hear of the network before they give up waiting by themselves. A rank that waits for a peer to
 * which it owes nothing asks for a sign of life after an eighth of that time. Who closes first
 * waits until all that it sent is acknowledged, or its peer gone, and then says CLOSED, several
 * times since that one is not acknowledged; who has given a peer up tells it so when it is heard
 * again. A completion with an error is this rank's own failure.
 *
 * The group (verbs_ud_group.c, made in verbs_ud_group_open.c). What is put to all other ranks at
 * once (put_all) is sent once, to a multicast group that all queue pairs are attached to, if on all
 * of them that works and all have heard each other there when the endpoint opened. Each sender's
 * packets to the group are a stream of their own: members acknowledge them as they do those of
 * their own streams, and whoever lacks some gets these again alone. What is in that stream is
 * nothing but data: each member's own stream says, at its place among all else, that the next so
 * many bytes of it go here or there, and what comes behind in the member's stream waits until they
 * have. So order, credit and counters are the same as if each member had been sent the data itself.
 */
#ifndef RG_TRANSPORT_VERBS_UD_IMPL_H
#define RG_TRANSPORT_VERBS_UD_IMPL_H

#include "framed.h"
#include "verbs_impl.h"
#include "verbs_ud_flow.h"

#include "railgauge/transport/verbs.h"

#include <infiniband/verbs.h>
#include <pthread.h>

/* --- the wire (verbs_ud_packet.c) --- */

#define VUD_NONCE_BYTES 32

enum vud_kind {
	VUD_DATA = 1,
	VUD_ACK,      /* no data, and no number */
	VUD_CLOSED,   /* the last words: likewise */
	VUD_GIVEN_UP, /* to a peer that was given up, or cut off: likewise */
	/* Where there is a group: */
	VUD_GROUP_ACK, /* as ACK, of what the peer sent to the group */
	VUD_GROUP,     /* data to the group, and to who lacks them; acknowledges nothing */
	VUD_TRIAL,     /* to the group, while it is tried */
};

/* A frame of a put whose data come next in the peer's stream to the group. */
#define VUD_FRAME_GROUP FRAME_KINDS

enum vud_flag {
	VUD_ASK = 1,  /* DATA: for an acknowledgement at once */
	VUD_LATE = 2, /* what is acknowledged may have come a while ago */
};

/* Little-endian on the wire. */
struct vud_head {
	uint64_t tag;
	uint32_t from; /* rank */
	uint32_t number;
	uint32_t next;	    /* what is acknowledged: see ud_flow_tell */
	uint8_t kind;	    /* enum vud_kind */
	uint8_t flags;	    /* enum vud_flag */
	uint16_t len_bytes; /* of what follows */
	uint64_t early;
};
_Static_assert(sizeof(struct vud_head) == 32, "wire layout");

struct vud_head vud_head_wire(struct vud_head head); /* to and from the wire's byte order */

/* NULL, or what is wrong with a packet of len_bytes (host order) from a peer of this job. */
const char *vud_head_check(const struct vud_head *head, size_t len_bytes);

/* Of packets from one rank's endpoint to another's. */
uint64_t vud_tag(const uint8_t key[32], uint32_t from, const uint8_t from_nonce[VUD_NONCE_BYTES],
		 uint32_t to, const uint8_t to_nonce[VUD_NONCE_BYTES]);

/* --- the endpoint --- */

#define VUD_RECEIVES_MIN 256u
#define VUD_BATCH	 32u /* completions taken, and requests posted, at a time */
#define VUD_CONTROLS	 64u
#define VUD_NONE	 UINT16_MAX
#define VUD_LAST_WORDS	 3

#define VUD_KEEPER_NS UINT64_C(10000000)
#define VUD_BUSY_NS   UINT64_C(1000000)	 /* the same while something moves */
#define VUD_LOOK_NS   UINT64_C(50000)	 /* between looks at all that wait for time to pass */
#define VUD_EVENTS_NS UINT64_C(20000000) /* between questions for the device's events */

/* What a rank tells the others. */
struct vud_address {
	struct rg_verbs_address verbs;
	uint8_t nonce[VUD_NONCE_BYTES];
};

/* A packet of the pool: ndata of them are for data, then come VUD_CONTROLS for all else. */
struct vud_packet {
	uint16_t posted; /* times in the send queue */
	uint16_t len_bytes;
	uint32_t wanted; /* peers that have not acknowledged it; 1 while it is being filled */
};

enum vud_fate {
	VUD_HERE,
	VUD_HAS_CLOSED,
	VUD_SILENT,  /* it did not answer for too long */
	VUD_CUT_OFF, /* it said what it may not say */
	VUD_LEFT_US, /* it has given this rank up */
};

struct vud_peer {
	struct ud_flow flow;
	struct ibv_ah *ah; /* owned; NULL: neither connected nor heard of */
	uint64_t tag_out, tag_in;
	uint64_t heard_ns;
	enum vud_fate fate;
	const char *fault;	   /* of CUT_OFF; static text */
	bool dirty, timed, urgent; /* it is in the endpoint's list of that name */
	bool refused;		   /* it is to be told that it was given up */
	/* sending */
	uint16_t open; /* packet that is being filled; VUD_NONE */
	bool pending;  /* `put` was not taken whole, and is to come again */
	uint64_t done_bytes;
	struct rg_put put;
	/* receiving: the frame whose data are coming */
	struct frame frame;
	uint8_t *to; /* NULL: they are thrown away */
	uint64_t left;
	bool grouped; /* in the peer's stream to the group; the peer's own one waits for them */
};

/* Who is in here. */
enum vud_driver {
	VUD_RANK,
	VUD_PARTING, /* the rank, which applies nothing any more */
	VUD_KEEPER,  /* the thread, which meets nobody besides */
};

/* A packet that came in its turn, to be applied. */
struct vud_arrived {
	uint32_t peer;
	uint16_t receive;
	bool group;
};

/* A request in the send queue. */
struct vud_queued {
	uint32_t peer; /* own rank: the group */
	uint16_t packet;
};

/* Receives one behind the other, linked by the group's `next`. */
struct vud_row {
	uint16_t first, last;
	uint32_t n;
	size_t done_bytes; /* of the first one's data */
};

/* What this rank and the peer send to the group. */
struct vud_member {
	struct ud_flow flow; /* out: own packets, to this member; in: the member's */
	uint64_t tag_in;
	struct vud_row came;	/* the member's, which no put has taken yet */
	struct vud_row waiting; /* packets of its own stream that wait for such */
	bool heard;		/* while the group is tried */
};

struct vud_group {
	struct rg_verbs_group *way; /* owned, as the next ones */
	struct vud_member *members; /* [nranks] */
	uint16_t *next;		    /* [nreceives] */
	uint32_t *unheard;	    /* [nranks]: while it is tried, whom each rank does not hear */
	uint64_t tag_out;
	bool dirty; /* there may be something to send */
	/* sending: */
	bool pending; /* `put`, the first of its row, was not taken whole */
	struct rg_put put;
	uint32_t told;	     /* puts of the row that are announced */
	uint64_t done_bytes; /* of their data */
};

/* Indices of peers, each at most once. */
struct vud_list {
	uint32_t *peers; /* owned, [nranks] */
	uint32_t n;
};

struct vud {
	struct framed f;
	struct rg_verbs_options options;
	struct rg_verbs_device *device; /* owned, as the next ones */
	uint32_t nasked;		/* devices that the options name */
	struct ibv_cq *send_cq, *recv_cq;
	struct ibv_qp *qp;
	struct rg_buffer memory;       /* of the pool and the receives */
	struct ibv_mr *mr;	       /* held */
	struct vud_address *addresses; /* owned, [nranks] */
	struct vud_peer *peers;	       /* owned, [nranks] */
	struct ud_flow_config flow;
	struct vud_list dirty;	 /* have something to send */
	struct vud_list timed;	 /* wait for time to pass */
	struct vud_list urgent;	 /* have something to be told */
	uint64_t due_ns;	 /* when those of timed are looked at */
	uint32_t packet_bytes;	 /* the largest */
	struct vud_group *group; /* owned; NULL: none */
	char no_group[96];	 /* why not, if it was asked for or tried */

	/* the pool */
	struct vud_packet *packets; /* owned, [npackets] */
	uint16_t *free[2];	    /* owned: [0] for data, [1] for others */
	uint32_t nfree[2], npackets, ndata, packet_stride;

	/* the send queue: request number n is in entry n mod depth */
	struct vud_queued *queued; /* owned, [depth] */
	uint64_t head, tail, posted;
	uint32_t depth, moderation, quiet, inline_bytes;
	struct ibv_send_wr wr[VUD_BATCH]; /* not handed to the device yet: head - posted */
	struct ibv_sge sge[VUD_BATCH];

	/* the ring of receives */
	uint8_t *receives;
	uint32_t nreceives, receive_stride;
	uint32_t nheld; /* out of the ring: came early, or not applied yet */
	uint16_t *back; /* owned, [nreceives]: to be posted again */
	uint32_t nback;
	struct vud_arrived *arrived; /* owned, [nreceives]: a queue */
	uint32_t first_arrived, narrived;

	uint64_t driven_ns; /* when somebody was here last */
	enum vud_driver driver;
	bool away;  /* that was long ago */
	bool moved; /* data were applied, or acknowledged, since progress began */
	int rc;	    /* this rank's own failure, with its words */
	struct rg_err why;
	char event[160]; /* the device's last one that may explain a failure; "" */
	uint64_t events_ns;
	uint64_t strays; /* packets that were dropped: not of this job and endpoint */

	/* the keeper */
	_Atomic uint32_t taken;	 /* 1: somebody is in here */
	_Atomic uint32_t visits; /* of the rank */
	pthread_t keeper;
	pthread_mutex_t mutex; /* for the end of its sleep */
	pthread_cond_t wakened;
	bool keeps, ends;
};

static inline uint8_t *vud_packet_at(const struct vud *u, uint16_t id)
{
	return (uint8_t *)u->memory.base + (size_t)id * u->packet_stride;
}

/* What was received, behind the GRH. */
static inline uint8_t *vud_receive_at(const struct vud *u, uint16_t receive)
{
	return u->receives + (size_t)receive * u->receive_stride + RG_VERBS_GRH_BYTES;
}

static inline void vud_list_add(struct vud_list *list, bool *listed, uint32_t peer)
{
	if (*listed)
		return;
	*listed = true;
	list->peers[list->n++] = peer;
}

/* --- set-up (verbs_ud_setup.c) --- */

/* (collective) Device, memory, queue pair; addresses are exchanged, receives posted. */
int vud_setup(struct vud *u, struct rg_err *err);
void vud_teardown(struct vud *u);

/* The member of the row: a device, and a datagram queue pair on it. */
int vud_probe(const struct rg_transport_config *config, struct rg_err *err);

/* --- who is in here (verbs_ud_drive.c) --- */

/* The rank itself comes and goes. */
void vud_enter(struct vud *u);
void vud_leave(struct vud *u);

int vud_keeper_start(struct vud *u, struct rg_err *err);
void vud_keeper_stop(struct vud *u); /* if it was started */

/*
 * Takes what has come, and applies it if the rank is here for that; sees to what time demands, and
 * to what is to be sent and told. True if anything came. This and all below are for whoever is in
 * here.
 */
bool vud_drive(struct vud *u, enum vud_driver driver);

/* This rank's own failure; the first words stay. */
void vud_fail(struct vud *u, const struct rg_err *why);

/* The same for a completion with an error, of a packet to the peer, or of a receive (own rank). */
void vud_fail_completion(struct vud *u, const struct ibv_wc *wc, uint32_t peer);

/* The peer's timers have changed. */
void vud_time(struct vud *u, uint32_t peer);

/* --- sending (verbs_ud_send.c) --- */

int vud_put(struct rg_endpoint *ep, const struct rg_put *put, struct rg_err *err);
int vud_signal(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, enum rg_ctr ctr,
	       uint64_t value, struct rg_err *err);

/* Sends what all peers' windows allow, and hands it to the device. True if nothing is left. */
bool vud_flush(struct vud *u, uint64_t now_ns);

static inline bool vud_is_dirty(const struct vud *u)
{
	return u->dirty.n || (u->group && u->group->dirty);
}

/* Sends a packet without data, if there is one to send it in. */
bool vud_tell(struct vud *u, uint32_t peer, enum vud_kind kind, uint64_t now_ns);

/* Adds a packet without frames, to be acknowledged, if there is room. */
void vud_ask(struct vud *u, uint32_t peer);

/* Hands what was prepared to the device. */
void vud_post(struct vud *u);

/* Is there a place in the send queue? Then a packet may be added to it, for a peer or the group. */
static inline bool vud_has_place(const struct vud *u)
{
	return u->head - u->tail < u->depth;
}
void vud_enqueue(struct vud *u, uint32_t peer, uint16_t id);

/* A put to another rank, or no more than a frame. As put; false: not now. */
int vud_put_to_peer(struct vud *u, const struct rg_put *put);
bool vud_append_head(struct vud *u, uint32_t peer, const struct frame *frame);

/* Takes completions of sends. True if there were any. */
bool vud_sent(struct vud *u);

/* The packets that the peer has acknowledged, or that nobody wants any more. */
void vud_release(struct vud *u, const uint16_t *ids, uint32_t n);

/* --- receiving (verbs_ud_receive.c) --- */

/* Posts receives that are not in the ring, if they are many, or all. */
void vud_repost(struct vud *u, bool all);

/* Takes what has come, up to a batch. True if anything had. */
bool vud_receive(struct vud *u, uint64_t now_ns);

/* One packet of len_bytes, with its GRH in front of it; the receive is the caller's no more. */
void vud_take(struct vud *u, uint16_t receive, size_t len_bytes, uint64_t now_ns);

/* Applies what is there in its turn. True if anything was. Not for the keeper. */
bool vud_apply(struct vud *u);

/* A packet that is out of the ring came in its turn. */
void vud_arrive(struct vud *u, uint32_t peer, uint16_t receive, bool group);

/* The receive goes back to the ring, out of which it was. */
void vud_keep_no_more(struct vud *u, uint16_t receive);

/* Takes data of the peer's frame, as many as it wants; how many. */
size_t vud_take_piece(struct vud *u, uint32_t peer, const uint8_t *data, size_t len);

/* --- the group (verbs_ud_group.c; verbs_ud_group_open.c) --- */

static inline struct vud_member *vud_member_of(const struct vud *u, uint32_t peer)
{
	return &u->group->members[peer];
}

/*
 * (collective) Makes and tries it, as --verbs.multicast says; grants RG_CAP_MULTICAST, or says in
 * no_group why not. RG_ERR_UNSUPPORTED with `on`; RG_ERR_NO_MEMORY, or the rendezvous'.
 */
int vud_group_open(struct vud *u, struct rg_err *err);
void vud_group_close(struct vud_group *group); /* NULL is allowed */

/* The member of the row. */
int vud_put_all(struct rg_endpoint *ep, const struct rg_put *puts, uint32_t n, struct rg_err *err);

/* Sends to the group, and again to its members, what their windows allow. True if all is sent. */
bool vud_group_flush(struct vud *u, uint64_t now_ns);
void vud_group_write_head(struct vud *u, uint16_t id, struct vud_head head);

/* Is it a packet to the group? Then it is dealt with, and kept or not. */
bool vud_group_take(struct vud *u, const struct vud_head *h, size_t len_bytes, uint16_t receive,
		    uint64_t now_ns, bool *kept_out);

/* An acknowledgement of such; NULL, or why the peer is to be cut off. There is a group. */
const char *vud_group_heed(struct vud *u, const struct vud_head *h, uint64_t now_ns);

/* One came in its turn: a put may take it now, or later. */
void vud_group_arrived(struct vud *u, uint32_t peer, uint16_t receive);

/* Gives what has come to the peer's put that waits for it, if one does. */
void vud_group_fill(struct vud *u, uint32_t peer);

/*
 * A packet of the peer's own stream waits behind such a put, from done_bytes of its data on; and
 * the next one that waits no more (VUD_NONE: there is none), likewise. There is a group.
 */
void vud_group_wait(struct vud *u, uint32_t peer, uint16_t receive, size_t done_bytes);
uint16_t vud_group_resume(struct vud *u, uint32_t peer, size_t *done_bytes_out);

/* The peer is gone: vud_let_go's part. There is a group. */
void vud_group_let_go(struct vud *u, uint32_t peer, bool cut_off);

bool vud_group_is_settled(const struct vud *u); /* has all been acknowledged? */

/* --- peers (verbs_ud_peers.c) --- */

/* The address handle. As connect's errors. */
int vud_meet(struct vud *u, uint32_t peer, struct rg_err *err);

/* Before peers are met, outside of what is timed: is the port what it was? */
void vud_look_at_device(struct vud *u);

/* Nothing more is sent to the peer nor taken from it. */
void vud_let_go(struct vud *u, uint32_t peer, enum vud_fate fate, const char *fault);

int vud_peer_alive(struct rg_endpoint *ep, uint32_t peer, struct rg_err *err);

/* Waits until all is acknowledged that peers owe, and takes leave. */
void vud_part(struct vud *u);

#endif
