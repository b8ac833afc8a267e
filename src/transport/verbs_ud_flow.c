/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "verbs_ud_flow.h"

#include <string.h>

/* Shares of srtt and rttvar that a new measurement gets, 1/8 and 1/4 [RFC6298, section 2]. */
#define SRTT_SHARE   8
#define RTTVAR_SHARE 4

static uint32_t entry(uint32_t packet)
{
	return packet % UD_FLOW_WINDOW;
}

static uint64_t bit(uint32_t packet)
{
	return UINT64_C(1) << entry(packet);
}

/* Is a before b? Numbers are less than 2^31 apart. */
static bool is_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

void ud_flow_init(struct ud_flow *f, const struct ud_flow_config *config)
{
	*f = (struct ud_flow){
		.oldest = config->first_packet,
		.unsent = config->first_packet,
		.next = config->first_packet,
		.window_256ths = config->first_window * 256,
		.threshold = UD_FLOW_WINDOW,
		.rto_ns = UD_FLOW_RTO_FIRST_NS,
		.least_rtt_ns = UINT64_MAX,
		.timer_ns = UINT64_MAX,
		.expected = config->first_packet,
		.ack_ns = UINT64_MAX,
	};
}

/* --- out --- */

static uint32_t window(const struct ud_flow *f)
{
	return f->window_256ths / 256;
}

void ud_flow_add(struct ud_flow *f, uint16_t id)
{
	uint32_t e = entry(f->next);

	f->acked &= ~bit(f->next);
	f->lost &= ~bit(f->next);
	f->again &= ~bit(f->next);
	f->id[e] = id;
	f->next++;
}

bool ud_flow_is_open(const struct ud_flow *f)
{
	return !f->lost && f->unsent == f->next && f->under_way < window(f) && ud_flow_has_room(f);
}

bool ud_flow_may_send(const struct ud_flow *f)
{
	return ud_flow_has_unsent(f) && (f->under_way < window(f) || f->probe);
}

static uint64_t rto(const struct ud_flow *f, const struct ud_flow_config *config)
{
	uint64_t most = config->silence_ns / 8, ns;

	most = most < UD_FLOW_RTO_MAX_NS ? most : UD_FLOW_RTO_MAX_NS;
	most = most > UD_FLOW_RTO_MIN_NS ? most : UD_FLOW_RTO_MIN_NS;
	ns = f->backoff < 20 ? f->rto_ns << f->backoff : most;
	return ns < most ? ns : most;
}

/* Is what is under way anything near the window? */
static bool is_used(const struct ud_flow *f)
{
	return f->under_way * 4 >= window(f);
}

/* The oldest that is lost, else the first that was never sent. */
static uint32_t choose(struct ud_flow *f)
{
	uint32_t packet = f->oldest;

	if (!f->lost)
		return f->unsent++;
	while (!(f->lost & bit(packet)))
		packet++;
	return packet;
}

struct ud_flow_packet ud_flow_send(struct ud_flow *f, const struct ud_flow_config *config,
				   uint64_t now_ns)
{
	bool nothing_owed = f->oldest == f->unsent;
	uint32_t packet = choose(f);
	struct ud_flow_packet p = {.number = packet, .id = f->id[entry(packet)]};

	p.again = f->lost & bit(packet);
	if (p.again) {
		f->lost &= ~bit(packet);
		f->again |= bit(packet);
		f->repeated++;
	}
	if (nothing_owed)
		f->owed_ns = now_ns;
	f->transmission[entry(packet)] = f->transmissions++;
	f->sent_us[entry(packet)] = (uint32_t)(now_ns >> 10);
	f->under_way++;
	f->probe = false;
	if (f->timer_ns == UINT64_MAX)
		f->timer_ns = now_ns + rto(f, config);
	f->since_asked++;
	p.ask = p.again || f->under_way >= window(f) ||
		(is_used(f) && f->since_asked * 4 >= window(f));
	if (p.ask)
		f->since_asked = 0;
	return p;
}

static void measure(struct ud_flow *f, uint64_t rtt_ns)
{
	uint64_t off = f->srtt_ns > rtt_ns ? f->srtt_ns - rtt_ns : rtt_ns - f->srtt_ns;

	if (rtt_ns < f->least_rtt_ns)
		f->least_rtt_ns = rtt_ns;
	if (!f->srtt_ns) {
		f->srtt_ns = rtt_ns ? rtt_ns : 1;
		f->rttvar_ns = rtt_ns / 2;
	} else {
		f->rttvar_ns += off / RTTVAR_SHARE - f->rttvar_ns / RTTVAR_SHARE;
		f->srtt_ns += rtt_ns / SRTT_SHARE - f->srtt_ns / SRTT_SHARE;
	}
	f->rto_ns = f->srtt_ns + 4 * f->rttvar_ns;
	if (f->rto_ns < UD_FLOW_RTO_MIN_NS)
		f->rto_ns = UD_FLOW_RTO_MIN_NS;
}

/* What one acknowledgement says that was not known. */
struct news {
	uint32_t packets;
	bool measured;	       /* one of them was sent once */
	uint32_t transmission; /* the latest of these */
	uint64_t rtt_ns;
};

/* Since its last transmission. */
static uint64_t age_ns(const struct ud_flow *f, uint32_t packet, uint64_t now_ns)
{
	return (uint64_t)((uint32_t)(now_ns >> 10) - f->sent_us[entry(packet)]) << 10;
}

static void note_acked(struct ud_flow *f, uint32_t packet, uint64_t now_ns, struct news *news)
{
	uint32_t transmission = f->transmission[entry(packet)];
	uint64_t rtt_ns = age_ns(f, packet, now_ns);
	bool once = !(f->again & bit(packet));

	f->acked |= bit(packet);
	if (f->lost & bit(packet))
		f->lost &= ~bit(packet);
	else
		f->under_way--;
	news->packets++;
	if (once && (!news->measured || is_before(news->transmission, transmission))) {
		news->measured = true;
		news->transmission = transmission;
		news->rtt_ns = rtt_ns;
	}
	/* Sooner than any round trip: the earlier transmission has arrived, not this one. */
	if ((once || rtt_ns >= f->least_rtt_ns) && is_before(f->newest_arrived, transmission + 1))
		f->newest_arrived = transmission + 1;
}

/* Half the window, once per window that was lost from. */
static void shrink(struct ud_flow *f)
{
	uint32_t half = window(f) / 2;

	f->threshold = half > UD_FLOW_WINDOW_MIN ? half : UD_FLOW_WINDOW_MIN;
	f->window_256ths = f->threshold * 256;
	f->recovered = f->transmissions;
}

/* Has enough arrived that was sent after the packet? */
static bool is_overdue(const struct ud_flow *f, uint32_t packet, uint64_t now_ns)
{
	uint32_t transmission = f->transmission[entry(packet)];

	if (!is_before(f->newest_arrived, transmission + 1 + UD_FLOW_REORDERED))
		return true;
	return is_before(transmission + 1, f->newest_arrived) &&
	       age_ns(f, packet, now_ns) > f->rto_ns;
}

static void find_lost(struct ud_flow *f, uint64_t now_ns)
{
	bool new_loss = false;

	for (uint32_t p = f->oldest; p != f->unsent; p++) {
		if ((f->acked | f->lost) & bit(p) || !is_overdue(f, p, now_ns))
			continue;
		f->lost |= bit(p);
		f->under_way--;
		new_loss |= !is_before(f->transmission[entry(p)], f->recovered);
	}
	if (new_loss)
		shrink(f);
}

static void grow(struct ud_flow *f, uint32_t packets)
{
	if (window(f) < f->threshold)
		f->window_256ths += packets * 256;
	else
		f->window_256ths += packets * 256 * 256 / f->window_256ths;
	if (f->window_256ths > UD_FLOW_WINDOW * 256)
		f->window_256ths = UD_FLOW_WINDOW * 256;
}

/* Is all that is acknowledged something that was sent? */
static bool is_possible(const struct ud_flow *f, uint32_t next, uint64_t early)
{
	uint32_t sent = f->unsent - next; /* packets from next on; the peer lacks next itself */

	if (sent > UD_FLOW_WINDOW)
		return false;
	return !early || (sent >= 2 && !(early >> (sent - 1)));
}

enum ud_flow_verdict ud_flow_acknowledged(struct ud_flow *f, const struct ud_flow_config *config,
					  const struct ud_flow_ack *ack, uint64_t now_ns,
					  uint16_t freed[UD_FLOW_WINDOW], uint32_t *nfreed_out)
{
	bool was_used = is_used(f), moved = ack->next != f->oldest;
	struct news news = {0};

	*nfreed_out = 0;
	if (is_before(ack->next, f->oldest))
		return UD_FLOW_OLD;
	if (!is_possible(f, ack->next, ack->early))
		return UD_FLOW_NONSENSE;
	for (uint32_t p = f->oldest; p != f->unsent; p++) {
		uint32_t behind = p - ack->next - 1;
		bool here = is_before(p, ack->next) || (p != ack->next && ack->early >> behind & 1);

		if (!here || f->acked & bit(p))
			continue;
		note_acked(f, p, now_ns, &news);
		freed[(*nfreed_out)++] = f->id[entry(p)];
	}
	f->oldest = ack->next;
	if (!news.packets && !moved)
		return UD_FLOW_OLD;
	if (news.measured && !ack->late)
		measure(f, news.rtt_ns);
	if (news.measured)
		f->backoff = 0;
	find_lost(f, now_ns);
	if (was_used)
		grow(f, news.packets);
	f->owed_ns = now_ns;
	f->timer_ns = f->under_way ? now_ns + rto(f, config) : UINT64_MAX;
	return UD_FLOW_NEXT;
}

/* --- in --- */

enum ud_flow_verdict ud_flow_came(struct ud_flow *f, uint32_t number, bool ask, uint16_t id,
				  bool may_hold, uint64_t now_ns)
{
	uint32_t ahead = number - f->expected;

	if (is_before(number, f->expected) || (ahead < UD_FLOW_WINDOW && f->early & bit(number))) {
		f->doubled++;
		f->ack_at_once = true;
		return UD_FLOW_OLD;
	}
	if (ahead >= UD_FLOW_WINDOW)
		return UD_FLOW_NONSENSE;
	if (ahead && !may_hold)
		return UD_FLOW_REFUSED;
	if (ask || ahead || f->early) /* what fills a gap is news, too */
		f->ack_at_once = true;
	if (f->ack_ns == UINT64_MAX)
		f->ack_ns = now_ns + UD_FLOW_ACK_DELAY_NS;
	if (ahead) {
		f->early |= bit(number);
		f->held[entry(number)] = id;
		return UD_FLOW_HELD;
	}
	f->expected++;
	return UD_FLOW_NEXT;
}

bool ud_flow_next_held(struct ud_flow *f, uint16_t *id_out)
{
	if (!(f->early & bit(f->expected)))
		return false;
	f->early &= ~bit(f->expected);
	*id_out = f->held[entry(f->expected)];
	f->expected++;
	return true;
}

struct ud_flow_ack ud_flow_tell(struct ud_flow *f, uint64_t now_ns)
{
	uint32_t first = entry(f->expected + 1);
	struct ud_flow_ack ack = {.next = f->expected, .early = f->early};

	/* The bits behind the one expected, from the lowest on: its own place comes last, empty. */
	if (first)
		ack.early = f->early >> first | f->early << (UD_FLOW_WINDOW - first);
	ack.late = f->late || (f->ack_ns < now_ns && now_ns - f->ack_ns > UD_FLOW_AWAY_NS);
	f->late = f->ack_at_once = false;
	f->ack_ns = UINT64_MAX;
	return ack;
}

void ud_flow_end(struct ud_flow *f, uint16_t sent[UD_FLOW_WINDOW], uint32_t *nsent_out,
		 uint16_t held[UD_FLOW_WINDOW], uint32_t *nheld_out)
{
	*nsent_out = *nheld_out = 0;
	for (uint32_t p = f->oldest; p != f->next; p++) {
		if (!(f->acked & bit(p)))
			sent[(*nsent_out)++] = f->id[entry(p)];
	}
	for (uint32_t e = 0; e < UD_FLOW_WINDOW; e++) {
		if (f->early & bit(e))
			held[(*nheld_out)++] = f->held[e];
	}
	f->oldest = f->unsent = f->next;
	f->acked = f->lost = f->early = 0;
	f->under_way = 0;
	f->timer_ns = f->ack_ns = UINT64_MAX;
	f->ack_at_once = f->probe = false;
}

/* --- time --- */

uint64_t ud_flow_due_ns(const struct ud_flow *f)
{
	if (f->ack_at_once)
		return 0;
	return f->timer_ns < f->ack_ns ? f->timer_ns : f->ack_ns;
}

void ud_flow_pass(struct ud_flow *f, const struct ud_flow_config *config, uint64_t now_ns)
{
	uint32_t p = f->oldest;

	if (now_ns < f->timer_ns)
		return;
	while ((f->acked | f->lost) & bit(p))
		p++;
	f->lost |= bit(p);
	f->under_way--;
	f->probe = true;
	if (++f->backoff == UD_FLOW_TIMEOUTS) {
		shrink(f);
		f->window_256ths = UD_FLOW_WINDOW_MIN * 256;
	}
	f->timer_ns = f->under_way ? now_ns + rto(f, config) : UINT64_MAX;
}
