/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reliable stream of verbs-ud between two ends, over a channel that loses, doubles, delays and
 * overtakes, in a time of its own.
 */
#include "config.h"

#include "transport/verbs_ud_flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define W  UD_FLOW_WINDOW
#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

static const struct ud_flow_config plain = {.first_window = 16, .silence_ns = 10 * S};

/* --- a channel --- */

#define IN_FLIGHT 4096
#define NOTHING	  UINT32_MAX /* value of a packet that only acknowledges */

struct message {
	uint64_t at_ns;
	uint32_t to;
	uint32_t number, value;
	bool ask;
	struct ud_flow_ack ack;
};

struct channel {
	uint64_t random;
	uint32_t loss, twice; /* of 1000 */
	uint64_t delay_ns, jitter_ns;
	struct message flying[IN_FLIGHT];
	uint32_t n;
};

/* Below n; Marsaglia's xorshift. */
static uint32_t draw(struct channel *c, uint32_t n)
{
	c->random ^= c->random << 13;
	c->random ^= c->random >> 7;
	c->random ^= c->random << 17;
	return (uint32_t)((c->random >> 11) % n);
}

static void carry(struct channel *c, const struct message *m, uint64_t now)
{
	uint32_t copies = draw(c, 1000) < c->loss ? 0 : draw(c, 1000) < c->twice ? 2 : 1;

	while (copies--) {
		assert_true(c->n < IN_FLIGHT);
		c->flying[c->n] = *m;
		c->flying[c->n++].at_ns =
			now + c->delay_ns + (c->jitter_ns ? draw(c, (uint32_t)c->jitter_ns) : 0);
	}
}

/* The earliest; of those that are due at the same time the one sent first. */
static struct message arrive(struct channel *c)
{
	uint32_t k = 0;
	struct message m;

	for (uint32_t i = 1; i < c->n; i++) {
		if (c->flying[i].at_ns < c->flying[k].at_ns)
			k = i;
	}
	m = c->flying[k];
	memmove(&c->flying[k], &c->flying[k + 1], (c->n - k - 1) * sizeof(m));
	c->n--;
	return m;
}

static uint64_t next_arrival(const struct channel *c)
{
	uint64_t at = UINT64_MAX;

	for (uint32_t i = 0; i < c->n; i++)
		at = c->flying[i].at_ns < at ? c->flying[i].at_ns : at;
	return at;
}

/* --- an end --- */

/* Sends the values 0, 1, 2, ... and wants the same from the other one. */
struct end {
	struct ud_flow flow;
	uint32_t value[W]; /* of a packet that was added; NOTHING: its id is free */
	uint32_t held[W];  /* of a packet that came early, likewise */
	uint32_t holds, may_hold;
	uint32_t added, delivered, wanted;
	uint64_t sent;
};

static void end_init(struct end *e, const struct ud_flow_config *config, uint32_t count)
{
	*e = (struct end){.wanted = count, .may_hold = W};
	ud_flow_init(&e->flow, config);
	memset(e->value, 0xff, sizeof(e->value));
	memset(e->held, 0xff, sizeof(e->held));
}

static void deliver(struct end *e, uint32_t value)
{
	assert_int_equal(value, e->delivered);
	e->delivered++;
}

static uint16_t find(const uint32_t values[W])
{
	uint16_t id = 0;

	while (values[id] != NOTHING)
		assert_true(++id < W);
	return id;
}

static bool is_held(const struct end *e, uint32_t value)
{
	for (uint32_t id = 0; id < W; id++) {
		if (e->held[id] == value)
			return true;
	}
	return false;
}

static void take_data(struct end *e, const struct message *m)
{
	uint16_t id = e->holds < e->may_hold ? find(e->held) : 0;

	switch (ud_flow_came(&e->flow, m->number, m->ask, id, e->holds < e->may_hold, m->at_ns)) {
	case UD_FLOW_NEXT:
		deliver(e, m->value);
		while (ud_flow_next_held(&e->flow, &id)) {
			deliver(e, e->held[id]);
			e->held[id] = NOTHING;
			e->holds--;
		}
		break;
	case UD_FLOW_HELD:
		e->held[id] = m->value;
		e->holds++;
		break;
	case UD_FLOW_REFUSED:
		assert_int_equal(e->holds, e->may_hold);
		break;
	case UD_FLOW_OLD:
		assert_true(m->value < e->delivered || is_held(e, m->value));
		break;
	case UD_FLOW_NONSENSE:
		fail_msg("%u is nonsense", m->number);
	}
}

static void take(struct end *e, const struct ud_flow_config *config, const struct message *m)
{
	uint16_t freed[W];
	uint32_t n;

	assert_int_not_equal(ud_flow_acknowledged(&e->flow, config, &m->ack, m->at_ns, freed, &n),
			     UD_FLOW_NONSENSE);
	for (uint32_t k = 0; k < n; k++) {
		assert_int_not_equal(e->value[freed[k]], NOTHING);
		e->value[freed[k]] = NOTHING;
	}
	if (m->value != NOTHING)
		take_data(e, m);
}

static void say(struct end *e, struct channel *c, uint32_t to, struct message *m, uint64_t now)
{
	m->to = to;
	m->ack = ud_flow_tell(&e->flow, now);
	carry(c, m, now);
	e->sent++;
}

/* Adds what it may and sends what it may. */
static void act(struct end *e, const struct ud_flow_config *config, struct channel *c, uint32_t to,
		uint64_t now)
{
	ud_flow_pass(&e->flow, config, now);
	while (e->added < e->wanted && ud_flow_has_room(&e->flow)) {
		uint16_t id = find(e->value);

		e->value[id] = e->added++;
		ud_flow_add(&e->flow, id);
	}
	while (ud_flow_may_send(&e->flow)) {
		struct ud_flow_packet p = ud_flow_send(&e->flow, config, now);
		struct message m = {.number = p.number, .value = e->value[p.id], .ask = p.ask};

		assert_int_not_equal(m.value, NOTHING);
		say(e, c, to, &m, now);
	}
	if (ud_flow_must_tell(&e->flow, now)) {
		struct message m = {.value = NOTHING};

		say(e, c, to, &m, now);
	}
}

static bool is_done(const struct end ends[2])
{
	return ends[0].delivered == ends[1].wanted && ends[1].delivered == ends[0].wanted &&
	       ud_flow_is_settled(&ends[0].flow) && ud_flow_is_settled(&ends[1].flow);
}

/* Until all has arrived and is known to have; when that was. */
static uint64_t run(struct end ends[2], const struct ud_flow_config *config, struct channel *c)
{
	uint64_t now = 0;

	while (!is_done(ends)) {
		uint64_t at;

		for (uint32_t k = 0; k < 2; k++)
			act(&ends[k], config, c, !k, now);
		at = next_arrival(c);
		for (uint32_t k = 0; k < 2; k++) {
			uint64_t due = ud_flow_due_ns(&ends[k].flow);

			at = due < at ? due : at;
		}
		now = at > now ? at : now;
		assert_true(now < 1000 * S);
		while (c->n && next_arrival(c) <= now) {
			struct message m = arrive(c);

			take(&ends[m.to], config, &m);
		}
	}
	return now;
}

/* --- two ends --- */

static struct channel make_channel(uint64_t seed, uint32_t loss, uint32_t twice, uint64_t jitter_ns)
{
	return (struct channel){.random = 0x9e3779b97f4a7c15u * (seed + 1),
				.loss = loss,
				.twice = twice,
				.delay_ns = 50 * US,
				.jitter_ns = jitter_ns};
}

static void whatever_the_channel_does_all_packets_are_delivered_once_and_in_order(void **state)
{
	static const struct {
		uint32_t loss, twice;
		uint64_t jitter_ns;
	} ways[] = {{0, 0, 0},	      {10, 0, 0},  {50, 0, 0},	       {0, 100, 0},
		    {0, 0, 200 * US}, {50, 50, 0}, {50, 50, 200 * US}, {400, 200, 2 * MS}};
	static struct channel c;
	struct end ends[2];

	for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
		for (uint32_t seed = 0; seed < 20; seed++) {
			struct ud_flow_config config = plain;

			config.first_packet = seed % 2 ? UINT32_MAX - seed * 20 : seed;
			c = make_channel(seed, ways[w].loss, ways[w].twice, ways[w].jitter_ns);
			end_init(&ends[0], &config, 1000);
			end_init(&ends[1], &config, seed % 3 ? 0 : 500);
			ends[1].may_hold = seed % 5 ? W : seed; /* 0: nothing is kept */
			run(ends, &config, &c);
		}
	}
}

static void where_nothing_is_lost_nothing_is_sent_again(void **state)
{
	static struct channel c;
	struct end ends[2];

	c = make_channel(1, 0, 0, 0);
	end_init(&ends[0], &plain, 5000);
	end_init(&ends[1], &plain, 3000);
	run(ends, &plain, &c);
	assert_int_equal(ends[0].flow.repeated + ends[1].flow.repeated, 0);
	assert_int_equal(ends[0].flow.doubled + ends[1].flow.doubled, 0);
	/* And acknowledgements of their own are few: four per window at most. */
	assert_true(ends[1].sent < 3000 + 5000 / 4);
}

/* Of 5 %: what is sent again is little more than what was lost, so no window is sent in vain. */
static void little_more_is_sent_again_than_was_lost(void **state)
{
	static struct channel c;
	struct end ends[2];

	c = make_channel(7, 50, 0, 0);
	end_init(&ends[0], &plain, 20000);
	end_init(&ends[1], &plain, 0);
	run(ends, &plain, &c);
	assert_true(ends[0].flow.repeated > 800);
	assert_true(ends[0].flow.repeated < 1500);
	assert_true(ends[1].flow.doubled < 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			whatever_the_channel_does_all_packets_are_delivered_once_and_in_order),
		cmocka_unit_test(where_nothing_is_lost_nothing_is_sent_again),
		cmocka_unit_test(little_more_is_sent_again_than_was_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
