/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp: between tcp.c (the endpoint), tcp_probe.c, tcp_address.c (which interface), tcp_peers.c
 * (connections), tcp_stream.c (others without frames), tcp_frame.c (the wire), tcp_send.c and
 * tcp_receive.c.
 *
 * Two ranks share the connection that the lower one opens when it connects: both directions on one,
 * so that acknowledgements travel with data instead of in packets of their own. The
 * higher rank may connect first, and then must not wait: it opens a connection of its own, the side
 * connection, on which it sends until the other has come. Then it sends TCP_LAST there, and on the
 * shared one TCP_AFTER before all else, behind which the lower rank reads only once it has seen
 * TCP_LAST. So nobody waits for anybody in order to connect, and the order of frames stays.
 *
 * The stream is frames (framed.h). What follows one after another to the same peer goes out in one
 * call.
 */
#ifndef RG_TRANSPORT_TCP_IMPL_H
#define RG_TRANSPORT_TCP_IMPL_H

#include "framed.h"

#include "railgauge/base/sha256.h"

#include <netinet/in.h>
#include <sys/socket.h>

/* --- the wire (tcp_frame.c) --- */

#define TCP_NONCE_BYTES 32

/* Kinds of frames besides those of framed.h: neither has data. */
enum tcp_kind { TCP_LAST = FRAME_KINDS, TCP_AFTER };

/* The first words on a connection. */
struct tcp_hello {
	uint32_t magic, version;
	uint32_t from, to; /* ranks */
	uint32_t stream;   /* 0: frames follow; else the number of a plain stream (stream.h) */
	uint8_t mac[RG_SHA256_BYTES];
};
_Static_assert(sizeof(struct tcp_hello) == 52, "wire layout");

/*
 * The proof: HMAC-SHA-256 under the job's key of the listener's nonce, which is drawn anew for each
 * endpoint and reaches the peers through the rendezvous, of the sender's nonce and of both ranks.
 * Who repeats one that it has seen comes second, and is refused; so no number of a stream is used
 * twice.
 */
void tcp_hello_make(struct tcp_hello *hello, uint32_t from, uint32_t to, uint32_t stream,
		    const uint8_t key[32], const uint8_t from_nonce[TCP_NONCE_BYTES],
		    const uint8_t to_nonce[TCP_NONCE_BYTES]);

/* As frame_check, for all kinds. */
const char *tcp_frame_check(const struct frame *frame, const struct rg_geometry *geometry);

/* --- the endpoint --- */

#define TCP_GUESTS	32 /* connections that have not proved anything yet */
#define TCP_ASKED_PEERS 4  /* are asked one by one, more through epoll */
#define TCP_TX_BYTES	((uint32_t)64 << 10)
#define TCP_RX_BYTES	((uint32_t)16 << 10)

/* What a rank tells the others. */
struct tcp_address {
	struct sockaddr_storage sockaddr; /* of its listening socket */
	uint32_t sockaddr_bytes;
	uint8_t nonce[TCP_NONCE_BYTES];
	char interface[16];
	char twin[16]; /* another interface with an address in the same subnet; empty: none */
};

/*
 * What is on its way to one peer. buf[begin, split) goes first, then the body, which stays where
 * the caller has it, then buf[split, end).
 */
enum tcp_turn { TCP_STAY, TCP_TURN_DUE, TCP_TURN_SENT };

struct tcp_tx {
	int fd;		    /* -1: not connected */
	int side;	    /* the same if it is a side connection, whose end this is; else -1 */
	enum tcp_turn turn; /* from the side connection to the shared one */
	bool gone;	    /* the peer has closed: what is sent goes nowhere */
	bool dirty;	    /* it is in the endpoint's list */
	bool pending;	    /* `put` was not taken whole, and is to come again */
	uint8_t *buf;	    /* owned, [TCP_TX_BYTES] */
	uint32_t begin, split, end;
	const uint8_t *body; /* borrowed from the put */
	uint64_t body_left;
	struct rg_put put;
};

/* Connection 2 r of a rank is the shared one with rank r, 2 r + 1 the side connection from it. */
#define TCP_SHARED(peer) (2 * (peer))
#define TCP_SIDE(peer)	 (2 * (peer) + 1)

struct tcp_rx {
	int fd;		/* owned; -1: not there */
	bool last;	/* TCP_LAST has come: what follows is on the shared connection */
	bool used;	/* a frame has come */
	bool gone;	/* it has closed, or was cut off */
	bool stalled;	/* what comes next has to wait for TCP_LAST */
	bool held;	/* the stage has more: the kernel need not say so */
	uint8_t *stage; /* owned, [TCP_RX_BYTES] */
	uint32_t begin, end;
	struct frame frame; /* whose data are coming: left > 0 */
	uint8_t *to;	    /* NULL: they are thrown away */
	uint64_t left;
	const char *fault; /* why it was cut off; static text */
};

struct tcp_guest {
	int fd; /* -1: free */
	uint32_t have;
	uint64_t until_ns;
	struct tcp_hello hello;
};

/* Plain streams that are being opened; all zero while none are. */
struct tcp_streams {
	const uint32_t *peers; /* [n], borrowed, as all here */
	const uint32_t *number;
	int *fds; /* -1: not there yet */
	uint32_t n;
};

struct tcp {
	struct framed f;
	struct tcp_streams streams;
	uint32_t *nstreams;  /* owned, [nranks]: numbers that were given to a peer's */
	int listener, epoll; /* -1: not yet */
	bool bound;	     /* sockets are bound to the interface, not to its address alone */
	struct tcp_address *addresses; /* owned, [nranks] */
	struct tcp_tx *tx;	       /* owned, [nranks] */
	struct tcp_rx *rx;	       /* owned, [2 nranks]: connections */
	uint32_t *dirty, ndirty;       /* owned: peers with something to send */
	uint32_t *open, nopen;	       /* owned: connections to be read */
	uint32_t awaited; /* lower ranks that this one reached and that have not connected */
	uint32_t nheld;
	bool unwatched; /* not all connections are in epoll: it is not asked */
	bool moved;	/* something was sent since progress began */
	uint32_t calls; /* of progress */
	struct tcp_guest guests[TCP_GUESTS];
};

/* --- which interface (tcp_address.c) --- */

/*
 * The address to listen on: of the interface named, else loopback if all ranks are on this node,
 * else of the fastest interface that is up, nearest to this process. about gets it in words.
 * RG_ERR_NOT_FOUND naming those that there are.
 */
int tcp_choose_address(const char *interface, bool one_node, struct tcp_address *out, char *about,
		       size_t room, struct rg_err *err);

/* The member of the row: a connection of this process to itself, over loopback (tcp_probe.c). */
int tcp_probe(const struct rg_transport_config *config, struct rg_err *err);

/* "10.0.0.1:4711", "[fe80::1]:4711". */
void tcp_address_text(const struct tcp_address *address, char *text, size_t room);

/* --- connections (tcp_peers.c) --- */

/*
 * The listening socket, bound to the address, which gets its port; with the congestion control. It
 * and all connections are bound to the interface as well, where that is permitted (Linux 5.7 on):
 * else what is sent takes the first interface that the routes allow, from whatever address. Where
 * that could be another one, t->f.ep.about says so.
 */
int tcp_listen(struct tcp *t, struct tcp_address *address, struct rg_err *err);

/*
 * A new connection to a peer with the first words said on it, frames or a stream to follow, within
 * the endpoint's timeout; as connect's errors.
 */
int tcp_knock(struct tcp *t, uint32_t peer, uint32_t stream, int *fd_out, struct rg_err *err);

/* Opens this rank's connection to a peer, likewise. */
int tcp_reach(struct tcp *t, uint32_t peer, struct rg_err *err);

/*
 * Takes who knocks, and those whose proof has come. 1 if anybody was let in, 0 if not;
 * RG_ERR_SYSTEM if nobody can be, for want of open files. Never blocks.
 */
int tcp_admit(struct tcp *t, struct rg_err *err);

/* Ends what comes on a connection; fault: static text, or NULL when it has closed. */
void tcp_cut_off(struct tcp *t, uint32_t connection, const char *fault);

/* Where a stream that a peer opens belongs; NULL: it is not expected, or there already. */
int *tcp_stream_place(const struct tcp *t, uint32_t peer, uint32_t stream);

/* --- data --- */

int tcp_put(struct rg_endpoint *ep, const struct rg_put *put, struct rg_err *err);
int tcp_signal(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, enum rg_ctr ctr,
	       uint64_t value, struct rg_err *err);
int tcp_flush(struct rg_endpoint *ep, struct rg_err *err);

/* Takes what has come on a connection, up to the end of a long put. True if anything had. */
bool tcp_receive(struct tcp *t, uint32_t connection);

/* No more is read from it. */
void tcp_stop_reading(struct tcp *t, uint32_t connection);

#endif
