/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A libibverbs that is none: devices that exist in this process only, joined by one fabric. It
 * defines the ibv_* functions that railgauge calls (tests link it instead of libibverbs), and moves
 * the bytes: a WRITE posted on one queue pair is in the memory of the other.
 *
 *   fake_reset(NULL, 0);                   four devices, fake0 .. fake3
 *   ... any number of threads use verbs ...
 *   assert_int_equal(fake_live(), 0);      nothing was left open
 *
 * What it knows: RC with WRITE, WRITE with immediate, SEND (with immediate), READ; UD with SEND
 * (with immediate), address handles and multicast; shared completion and receive queues; completion
 * channels; inline data; asynchronous events. Both link layers.
 *
 * What it insists on, as devices do: the attributes of each transition of a queue pair, and that
 * both ends name each other (GID or LID, number, first sequence number; else the sender's retries
 * are exceeded); keys, bounds, access flags and protection domains of all memory; queue depths (a
 * place of a send queue is free again when a completion of its or of a later request was *polled*);
 * that sources stay as they are until then, where delivery is late; that objects are destroyed
 * before what they depend on (EBUSY).
 *
 * When bytes move: at the post, unless FAKE_LATE. A message for which there is no receive, or whose
 * way is down, waits, and with it all that follow on its queue pair; what frees it delivers it. An
 * rnr_retry below 7 fails instead at once. Stores of 8 aligned bytes are atomic and release what
 * was stored before them; others are memcpy.
 *
 * Registered memory of a shared mapping is held as devices hold it: what is written there after its
 * owner has unmapped it harms nobody. Other memory must stay until it is deregistered.
 *
 * Threads: any; one lock protects all. fake_reset and fake_live while nobody else is in a call.
 * This is for tests: it prints and aborts where a test misuses the fake itself.
 */
#ifndef TESTS_TRANSPORT_FAKE_VERBS_H
#define TESTS_TRANSPORT_FAKE_VERBS_H

#include <infiniband/verbs.h>

#include <stdbool.h>
#include <stdint.h>

#define FAKE_DEVICES_MAX 8
#define FAKE_GIDS_MAX	 8

/* A device with `ports` equal ports, but for the last 8 bits of GIDs and the LID. */
struct fake_device {
	const char *name; /* static */
	uint8_t ports;	  /* 1 or 2 */
	bool infiniband;
	enum ibv_transport_type transport; /* 0: InfiniBand's, which RoCE has as well */
	bool absent;			   /* opening it fails with ENOENT: no device node */
	enum ibv_port_state state;	   /* of all ports; 0: active */
	enum ibv_mtu mtu;		   /* 0: IBV_MTU_4096 */
	uint16_t lid;			   /* of port 1 on InfiniBand */
	bool grh;	/* its ports take nothing without a GRH; several may share a LID then */
	uint8_t speed;	/* active_speed of 4 lanes; 0: 32, EDR */
	uint32_t ngids; /* port 2 has the same with the lowest bit of byte 14 flipped */
	uint8_t gids[FAKE_GIDS_MAX][16];
	uint32_t gid_types[FAKE_GIDS_MAX]; /* enum ibv_gid_type */
	uint32_t max_inline;		   /* 0: 256 */
	uint32_t max_inline_ud;		   /* of datagrams; 0: max_inline */
	bool deaf;			   /* what is sent to groups does not reach it */
	int max_qp_wr, max_cqe, max_reads; /* 0: 4096, 65536, 16 */
};

/*
 * Forgets everything (what is open is leaked: an own mistake) and makes these devices; NULL: four,
 * fake0 .. fake3, of one active Ethernet port with the tables of Linux: 0 and 1 fe80::K as RoCE v1
 * and v2, 2 and 3 10.99.0.K as v1 and v2, K from 1. All switches and counts below start anew.
 */
void fake_reset(const struct fake_device *devices, uint32_t n);

/* What was opened and not closed: contexts, domains, memory, queues, handles, events not acked. */
uint32_t fake_live(void);

/* --- failures of calls --- */

/*
 * Every call that can fail has a number, counted from 1 since fake_reset or the last fake_fail: the
 * n-th one from now on fails with errnum, once. 0: none. name (may be NULL) counts only calls of
 * that name: "ibv_reg_mr" ("ibv_post_recv" are those of shared receive queues as well). Polls are
 * counted by name only ("ibv_poll_cq"); destroying and closing never fails by this, and is not
 * counted.
 */
void fake_fail(const char *name, unsigned long n, int errnum);
const char *fake_failed(void);	/* the name of the call that failed so, or NULL */
unsigned long fake_calls(void); /* how many were counted since */

/* --- completions --- */

/*
 * The n-th send request (over all queue pairs, from now on) completes with this status instead of
 * being carried out; its queue pair goes to the error state. 0: none.
 */
void fake_complete(unsigned long n, enum ibv_wc_status status, uint32_t vendor);

/* --- order and loss --- */

enum fake_mode {
	FAKE_LATE = 1,	  /* delivered by polls (of anybody), queue pairs in an order drawn from
			     seed; in order on each */
	FAKE_SHUFFLE = 2, /* completions of different queue pairs overtake each other in a queue */
	FAKE_UD_ANY_ORDER = 4, /* datagrams overtake each other; includes FAKE_LATE for them */
};

void fake_order(unsigned modes, uint64_t seed);

/* Of 1,000 datagrams so many are lost, and so many come twice, drawn from the seed. */
void fake_ud_loss(uint32_t lost, uint32_t twice, uint64_t seed);

/* --- what happens to devices --- */

/* The port goes up or down, with its event at every context. Messages wait while a way is down. */
void fake_port(const char *device, uint8_t port, bool up);

/* The entries of the ports' tables are these from now on, with the event at every context. */
void fake_gids(const char *device, uint32_t n, const uint8_t gids[][16], const uint32_t *types);

/* Those that wait are given up: retries exceeded, at their senders. */
void fake_give_up(const char *device);

/* Any event, at every context of the device; qp for those that concern one: at its own alone. */
void fake_event(const char *device, enum ibv_event_type type, struct ibv_qp *qp);

/* --- counts --- */

struct fake_counts {
	uint64_t doorbells;	    /* calls of ibv_post_send */
	uint64_t sends;		    /* requests in them, */
	uint64_t signaled, inlined; /* of which so many ask for a completion; are inline */
	uint64_t sent_bytes;
	uint64_t watched_bytes;			      /* of which out of memory that is watched */
	uint64_t placed_bytes;			      /* written into it by peers */
	uint64_t writes, write_imms, messages, reads; /* of which; SENDs are messages */
	uint64_t relaxed; /* writes carried out into memory with relaxed ordering */
	uint64_t recv_calls, recvs;
	uint64_t polls, empty_polls, completions; /* calls; without a result; results */
	uint64_t registered, registered_bytes;	  /* memory, ever */
	uint64_t held_bytes;			  /* of it, registered by now */
	uint64_t connections;			  /* queue pairs for them that there are now */
	uint64_t overruns;			  /* of completion queues */
	uint64_t receiver_waits; /* messages that came and found no receive (RNR) */
	uint64_t forks_prepared; /* calls of ibv_fork_init */
	uint64_t events_asked;	 /* calls of ibv_get_async_event: while waiting */
	uint64_t others; /* calls of any other ibv_* function, and of that one: none of these
			    belongs into a timed region */
};

struct fake_counts fake_counts(void);

/* What is sent out of this memory, and written into it, is counted: until fake_reset. */
#define FAKE_WATCHED_MAX 16
void fake_watch(const void *base, size_t len_bytes);

uint64_t fake_sends(const char *device); /* requests posted to its queue pairs */

#endif
