/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-ud: what makes a reliable, ordered stream of packets out of datagrams, one struct per peer.
 *
 * A state machine without a network and without a clock: it is told what was added, what came and
 * what time it is, and says what is to be sent now. Packets are known by ids, which belong to the
 * caller, as do their contents. Times are rg_clock_ns; nothing here allocates, blocks or fails.
 *
 * Out. Packets are numbered modulo 2^32. At most UD_FLOW_WINDOW of them, from the oldest that is
 * not acknowledged on, are kept; how many of these may be under way at a time is the congestion
 * window:
 *
 *   oldest ........ unsent ........ next       <= oldest + UD_FLOW_WINDOW
 *     sent: acked,      waiting for
 *     lost or under way   the window
 *
 *   - *Loss* by order [RFC9002, section 6.1]: transmissions (not packets) have numbers, and one is
 *     lost when a transmission UD_FLOW_REORDERED later has arrived, or any later one and it was
 * sent longer ago than the timeout. So a repetition that is lost again is found as well. An
 *     acknowledgement of a packet that was sent twice counts for the later one only if it comes no
 *     sooner than the fastest round trip.
 *   - *Timeout* [RFC6298]: srtt + 4 rttvar, from UD_FLOW_RTO_MIN_NS to the smaller of
 *     UD_FLOW_RTO_MAX_NS and an eighth of the silence that is tolerated, doubled each time until a
 *     packet that was sent once is acknowledged (Karn). It says nothing of loss [RFC9002, section
 *     6.2]: here a peer is more often busy with something else. So only the oldest packet is sent
 *     again, beyond the window if need be; what answers it tells what is lost.
 *   - *Round trips* include what the two ends take to get a processor, but not what they do
 * besides: an acknowledgement that is `late`, since either end was away, is not measured.
 *   - *Window* [RFC5681]: starts with first_window, grows by one per packet acknowledged, above
 *     the threshold by one per window, as long as at least a quarter of it is used; is halved once
 *     per window in which something was lost, and falls to UD_FLOW_WINDOW_MIN when
 *     UD_FLOW_TIMEOUTS timeouts in a row were not answered. It is not a fixed credit, because the
 *     receiver's buffers are shared by all its peers: a thousand senders would get a credit of one
 *     each, or overrun it; and a datagram that meets no buffer is lost without a word, as one that
 *     meets a full queue of a switch, so one rule serves both.
 *   - *Asking*: a packet asks for an acknowledgement at once when the window is full, when a
 *     quarter of it is used and was sent since the last one that did, and when it is sent again.
 *     Who answers with data need not be asked: its acknowledgements come with these.
 *
 * In. Packets are delivered in order. Those that come early are held by the caller; they are told
 * to the peer in 64 bits behind the next one expected, and never given up again. Acknowledgements
 * travel with every packet that is sent; one of its own is due at once when it was asked for or
 * when something came early or twice, else after UD_FLOW_ACK_DELAY_NS.
 *
 * The peer's mistakes: acknowledgements of what was never sent, and packets beyond its window, are
 * UD_FLOW_NONSENSE and change nothing. Old and repeated ones are harmless.
 */
#ifndef RG_TRANSPORT_VERBS_UD_FLOW_H
#define RG_TRANSPORT_VERBS_UD_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#define UD_FLOW_WINDOW	   64u
#define UD_FLOW_WINDOW_MIN 2u
#define UD_FLOW_REORDERED  3u
#define UD_FLOW_TIMEOUTS   5u

/*
 * The delay is some round trips of a small network and far below the shortest timeout; the first
 * timeout is for a peer that may have to make room for this rank first.
 */
#define UD_FLOW_ACK_DELAY_NS UINT64_C(100000)
#define UD_FLOW_RTO_MIN_NS   UINT64_C(1000000)
#define UD_FLOW_RTO_FIRST_NS UINT64_C(20000000)
#define UD_FLOW_RTO_MAX_NS   UINT64_C(500000000)

/* Who took longer than this was not late for want of a processor, but away. */
#define UD_FLOW_AWAY_NS UINT64_C(5000000)

struct ud_flow_config {
	uint32_t first_packet; /* number of the first one; equal at both ends */
	uint32_t first_window; /* packets, from UD_FLOW_WINDOW_MIN to UD_FLOW_WINDOW */
	uint64_t silence_ns;   /* a peer that owes an acknowledgement for so long is gone */
};

/* Contents are private. A packet p has the entry p % UD_FLOW_WINDOW of arrays and bits. */
struct ud_flow {
	uint32_t oldest, unsent, next;
	uint32_t under_way; /* sent, and neither acked nor lost */
	uint64_t acked, lost, again;
	uint32_t transmissions;	 /* so far: the next one's number */
	uint32_t newest_arrived; /* 1 + the latest transmission that is known to have arrived */
	uint32_t recovered;	 /* losses of earlier transmissions have been answered */
	uint32_t window_256ths;	 /* of a packet */
	uint32_t threshold;	 /* packets */
	uint32_t since_asked;	 /* transmissions since one that asked */
	uint64_t srtt_ns, rttvar_ns, least_rtt_ns, rto_ns;
	uint32_t backoff;  /* timeouts in a row */
	bool probe;	   /* one packet may be sent whatever the window */
	uint64_t timer_ns; /* of the next timeout; UINT64_MAX: nothing is under way */
	uint64_t owed_ns;  /* since when the peer has not acknowledged anything */
	uint16_t id[UD_FLOW_WINDOW];
	uint32_t transmission[UD_FLOW_WINDOW];
	uint32_t sent_us[UD_FLOW_WINDOW]; /* modulo 2^32, of 1024 ns */

	uint32_t expected;
	uint64_t early; /* those held */
	uint16_t held[UD_FLOW_WINDOW];
	bool ack_at_once, late;
	uint64_t ack_ns; /* when one is due; UINT64_MAX: none is */

	uint64_t repeated, doubled; /* packets sent again, and that came again: for reports */
};

void ud_flow_init(struct ud_flow *f, const struct ud_flow_config *config);

/* --- out --- */

/* May a packet be added? */
static inline bool ud_flow_has_room(const struct ud_flow *f)
{
	return f->next - f->oldest < UD_FLOW_WINDOW;
}

/* Has everything that was added been acknowledged? */
static inline bool ud_flow_is_settled(const struct ud_flow *f)
{
	return f->oldest == f->next;
}

/* Is there a packet that waits to be sent, whether or not it may be now? */
static inline bool ud_flow_has_unsent(const struct ud_flow *f)
{
	return f->lost || f->unsent != f->next;
}

/* Adds a packet behind all others; there is room. */
void ud_flow_add(struct ud_flow *f, uint16_t id);

/* Would a packet that is added now be sent now? */
bool ud_flow_is_open(const struct ud_flow *f);

/* Is there one that may be sent now? Then ud_flow_send takes it. */
bool ud_flow_may_send(const struct ud_flow *f);

struct ud_flow_packet {
	uint32_t number;
	uint16_t id;
	bool again; /* it was sent before */
	bool ask;   /* for an acknowledgement at once */
};

/* Takes the packet that is to be sent next; with it goes what ud_flow_tell says. */
struct ud_flow_packet ud_flow_send(struct ud_flow *f, const struct ud_flow_config *config,
				   uint64_t now_ns);

enum ud_flow_verdict {
	UD_FLOW_NEXT,	  /* it is the next one: deliver it, then those of ud_flow_next_held */
	UD_FLOW_HELD,	  /* the caller keeps it until ud_flow_next_held returns its id */
	UD_FLOW_OLD,	  /* it was here before */
	UD_FLOW_REFUSED,  /* early, and the caller has no room to hold it: as if it were lost */
	UD_FLOW_NONSENSE, /* the peer may not say that */
};

/* All packets before `next` are there, and those next + 1 + k whose bit k of `early` is set. */
struct ud_flow_ack {
	uint32_t next;
	bool late; /* the time that it took says nothing of the network */
	uint64_t early;
};

/*
 * What the peer acknowledges. Ids that are free now go to freed[*nfreed_out]. UD_FLOW_NEXT (news),
 * UD_FLOW_OLD or UD_FLOW_NONSENSE.
 */
enum ud_flow_verdict ud_flow_acknowledged(struct ud_flow *f, const struct ud_flow_config *config,
					  const struct ud_flow_ack *ack, uint64_t now_ns,
					  uint16_t freed[UD_FLOW_WINDOW], uint32_t *nfreed_out);

/* --- in --- */

/* A packet has come; id is the caller's name for it, may_hold whether it could be kept. */
enum ud_flow_verdict ud_flow_came(struct ud_flow *f, uint32_t number, bool ask, uint16_t id,
				  bool may_hold, uint64_t now_ns);

/* After UD_FLOW_NEXT, until false: the next one that was held and may be delivered now. */
bool ud_flow_next_held(struct ud_flow *f, uint16_t *id_out);

/* What came last may have come a while ago: what is told next is late. */
static inline void ud_flow_was_away(struct ud_flow *f)
{
	f->late = true;
}

/* What is to be told to the peer, in whatever is sent now; nothing is due any more then. */
struct ud_flow_ack ud_flow_tell(struct ud_flow *f, uint64_t now_ns);

/*
 * Ends both directions: the ids of what was not acknowledged and of what is held are the caller's
 * again. Everything is settled then, and nothing awaited.
 */
void ud_flow_end(struct ud_flow *f, uint16_t sent[UD_FLOW_WINDOW], uint32_t *nsent_out,
		 uint16_t held[UD_FLOW_WINDOW], uint32_t *nheld_out);

/* --- time --- */

/* When ud_flow_pass should be called; UINT64_MAX: nothing is awaited. */
uint64_t ud_flow_due_ns(const struct ud_flow *f);

/* Lets time pass: after a timeout ud_flow_may_send is true. */
void ud_flow_pass(struct ud_flow *f, const struct ud_flow_config *config, uint64_t now_ns);

/* Is an acknowledgement due that nothing else has taken along? */
static inline bool ud_flow_must_tell(const struct ud_flow *f, uint64_t now_ns)
{
	return f->ack_at_once || now_ns >= f->ack_ns;
}

/* Has the peer owed an acknowledgement for too long? */
static inline bool ud_flow_is_silent(const struct ud_flow *f, const struct ud_flow_config *config,
				     uint64_t now_ns)
{
	return f->oldest != f->unsent && now_ns > f->owed_ns &&
	       now_ns - f->owed_ns > config->silence_ns;
}

#endif
