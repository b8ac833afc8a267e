/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs, what needs no libibverbs: options, times that hardware knows, the choice of a GID. */
#include "config.h"

#include "railgauge/transport/verbs.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- options --- */

static const struct rg_opt *const tables[] = {rg_verbs_options_table, NULL};
static const struct rg_opt_command command = {
	.name = "test", .summary = "Tests.", .tables = tables};

static int parse(int argc, char **argv, struct rg_verbs_options *options, struct rg_err *err)
{
	void *const bases[] = {options};
	struct rg_opt_origins origins;
	int first;

	return rg_opt_parse(&command, argc, argv, bases, &origins, &first, err);
}

static void the_table_is_sound_and_its_defaults_are_those_of_the_struct(void **state)
{
	char name[] = "test", *argv[] = {name, NULL};
	struct rg_verbs_options o = {0};
	const struct rg_verbs_options *d = &rg_verbs_options_default;
	struct rg_err err = {0};

	unsetenv("RG_VERBS_DEVICE");
	if (parse(1, argv, &o, &err))
		fail_msg("%s", err.text);
	assert_null(o.device);
	assert_int_equal(o.port, d->port);
	assert_int_equal(o.gid_index, d->gid_index);
	assert_int_equal(o.mtu, d->mtu);
	assert_int_equal(o.sl, d->sl);
	assert_int_equal(o.traffic_class, d->traffic_class);
	assert_int_equal(o.flow_label, d->flow_label);
	assert_int_equal(o.pkey_index, d->pkey_index);
	assert_int_equal(o.retry_count, d->retry_count);
	assert_int_equal(o.rnr_retry, d->rnr_retry);
	assert_int_equal(o.timeout_ns, d->timeout_ns);
	assert_int_equal(o.rnr_timer_ns, d->rnr_timer_ns);
	assert_int_equal(o.inline_bytes, d->inline_bytes);
	assert_int_equal(o.depth, d->depth);
	assert_int_equal(o.qps, d->qps);
	assert_int_equal(o.moderation, d->moderation);
	assert_int_equal(o.reads, d->reads);
	assert_int_equal(o.notify, d->notify);
	assert_int_equal(o.relaxed_ordering, d->relaxed_ordering);
	assert_int_equal(rg_verbs_options_check(d, &err), 0);
}

static void a_rank_is_told_its_devices_by_the_environment(void **state)
{
	char name[] = "test", mtu[] = "--verbs.mtu=2048", *argv[] = {name, mtu, NULL};
	struct rg_verbs_options o = {0};
	struct rg_err err = {0};

	setenv("RG_VERBS_DEVICE", "rxe1,rxe2", 1);
	if (parse(2, argv, &o, &err))
		fail_msg("%s", err.text);
	unsetenv("RG_VERBS_DEVICE");
	assert_string_equal(o.device, "rxe1,rxe2");
	assert_int_equal(128 << o.mtu, 2048);
}

static void contradictions_are_named_on_both_sides(void **state)
{
	struct rg_verbs_options o = rg_verbs_options_default;
	struct rg_err err = {0};

	o.moderation = 129;
	assert_int_equal(rg_verbs_options_check(&o, &err), RG_ERR_INVALID);
	assert_non_null(strstr(err.text, "--verbs.moderation 129"));
	assert_non_null(strstr(err.text, "--verbs.depth 128"));
	o = rg_verbs_options_default;
	o.notify = RG_VERBS_WRITE_COUNTER;
	assert_int_equal(rg_verbs_options_check(&o, &err), 0);
	o.relaxed_ordering = RG_VERBS_ON;
	assert_int_equal(rg_verbs_options_check(&o, &err), RG_ERR_INVALID);
	assert_non_null(strstr(err.text, "--verbs.notify write-counter"));
	assert_non_null(strstr(err.text, "--verbs.relaxed-ordering on"));
	o.relaxed_ordering = RG_VERBS_AUTO;
	o.path_order = RG_VERBS_OFF;
	assert_int_equal(rg_verbs_options_check(&o, &err), RG_ERR_INVALID);
	assert_non_null(strstr(err.text, "--verbs.path-order off"));
}

static void moderation_is_honoured_refused_or_a_quarter_of_the_depth(void **state)
{
	struct rg_verbs_options o = rg_verbs_options_default;
	struct rg_err err = {0};
	uint32_t n = 77;

	assert_int_equal(rg_verbs_moderation(&o, 64, &n, &err), 0);
	assert_int_equal(n, 32);
	assert_int_equal(rg_verbs_moderation(&o, 5, &n, &err), 0);
	assert_int_equal(n, 5);
	o.depth = 16; /* alone it contradicts nothing */
	assert_int_equal(rg_verbs_options_check(&o, &err), 0);
	assert_int_equal(rg_verbs_moderation(&o, 8, &n, &err), 0);
	assert_int_equal(n, 4);
	o.depth = 2;
	assert_int_equal(rg_verbs_moderation(&o, 1, &n, &err), 0);
	assert_int_equal(n, 1);
	o.depth = 16;
	o.moderation = 8;
	assert_int_equal(rg_verbs_moderation(&o, 8, &n, &err), 0);
	assert_int_equal(n, 8);
	o.moderation = 9;
	assert_int_equal(rg_verbs_moderation(&o, 8, &n, &err), RG_ERR_INVALID);
	assert_non_null(strstr(err.text, "--verbs.moderation 9: with --verbs.depth 16 at most 8"));
}

/* --- times --- */

static void a_timeout_is_never_shorter_than_asked_for(void **state)
{
	assert_int_equal(rg_verbs_timeout_exponent(0), 0);
	assert_int_equal(rg_verbs_timeout_ns(0), 0);
	assert_int_equal(rg_verbs_timeout_exponent(1), 1);
	assert_int_equal(rg_verbs_timeout_ns(1), 8192);
	assert_int_equal(rg_verbs_timeout_exponent(8192), 1);
	assert_int_equal(rg_verbs_timeout_exponent(8193), 2);
	assert_int_equal(rg_verbs_timeout_exponent(67000000), 14);
	assert_int_equal(rg_verbs_timeout_ns(14), 67108864);
	assert_int_equal(rg_verbs_timeout_exponent(268000000), 16);
	assert_int_equal(rg_verbs_timeout_exponent(UINT64_MAX), 31);
}

static void a_pause_is_the_next_that_the_hardware_knows(void **state)
{
	uint64_t last = 0;

	for (uint8_t code = 1; code < 32; code++) {
		assert_true(rg_verbs_rnr_ns(code) > last);
		last = rg_verbs_rnr_ns(code);
		assert_int_equal(rg_verbs_rnr_code(last), code);
		assert_int_equal(rg_verbs_rnr_code(last + 1), (code + 1) % 32);
	}
	assert_int_equal(rg_verbs_rnr_ns(0), 655360000);
	assert_int_equal(rg_verbs_rnr_ns(1), 10000);
	assert_int_equal(rg_verbs_rnr_ns(12), 640000);
	assert_int_equal(rg_verbs_rnr_ns(31), 491520000);
}

/* --- GIDs --- */

static struct rg_verbs_gid gid(const char *text, uint32_t index, uint32_t type, uint32_t bits)
{
	struct rg_verbs_gid g = {.index = index, .type = type, .bits = bits};

	if (inet_pton(AF_INET6, text, g.raw) != 1) {
		g.raw[10] = g.raw[11] = 0xff;
		if (inet_pton(AF_INET, text, g.raw + 12) != 1)
			fail_msg("%s is no address", text);
	}
	return g;
}

static struct rg_verbs_offer offer(const char *text, uint32_t type)
{
	const struct rg_verbs_gid g = gid(text, 0, type, 0);
	struct rg_verbs_offer o = {.n = 1, .types = {(uint8_t)(1u << type)}};

	memcpy(o.gid[0], g.raw, sizeof(g.raw));
	return o;
}

#define V1 RG_VERBS_GID_ROCE_V1
#define V2 RG_VERBS_GID_ROCE_V2

struct choice {
	const struct rg_verbs_gid *gids;
	uint32_t n;
	const struct rg_verbs_offer *peers;
	uint32_t npeers;
};

/* The index that is chosen, with these words in its reason. */
static void expect(const struct choice *c, uint32_t index, const char *words)
{
	char why[RG_VERBS_WHY_BYTES];
	struct rg_err err = {0};
	uint32_t chosen;

	if (rg_verbs_gid_choose(c->gids, c->n, false, -1, c->peers, c->npeers, &chosen, why, &err))
		fail_msg("%s", err.text);
	if (c->gids[chosen].index != index || !strstr(why, words))
		fail_msg("chosen is %u: %s", c->gids[chosen].index, why);
}

static void a_routable_address_of_roce_v2_is_chosen(void **state)
{
	const struct rg_verbs_gid gids[] = {
		gid("fe80::1", 0, V1, 64),     gid("fe80::1", 1, V2, 64),
		gid("10.0.0.1", 2, V1, 120),   gid("10.0.0.1", 3, V2, 120),
		gid("2001:db8::1", 4, V1, 64), gid("2001:db8::1", 5, V2, 64)};

	expect(&(struct choice){gids, 6, NULL, 0}, 3, "10.0.0.1, RoCE v2: IPv4 before IPv6");
	expect(&(struct choice){gids, 4, NULL, 0}, 3, "routable before link-local");
	expect(&(struct choice){gids + 2, 2, NULL, 0}, 3, "RoCE v2 before v1");
	expect(&(struct choice){gids + 3, 1, NULL, 0}, 3, "the only one");
}

static void what_is_less_than_that_is_taken_with_a_word_on_it(void **state)
{
	const struct rg_verbs_gid gids[] = {gid("fe80::1", 0, V1, 64), gid("fe80::1", 1, V2, 64),
					    gid("169.254.3.4", 7, V2, 112)};

	expect(&(struct choice){gids, 1, NULL, 0}, 0, "RoCE v1 is not routed");
	expect(&(struct choice){gids, 2, NULL, 0}, 1, "reaches one subnet only");
	expect(&(struct choice){gids + 2, 1, NULL, 0}, 7, "reaches one subnet only");
}

static void the_family_and_the_subnet_of_the_peers_decide(void **state)
{
	const struct rg_verbs_gid gids[] = {gid("10.0.0.1", 1, V2, 120),
					    gid("10.0.1.1", 3, V2, 120),
					    gid("2001:db8::1", 5, V2, 64)};
	const struct rg_verbs_offer v6[] = {offer("2001:db8:1::2", V2), offer("2001:db8:2::3", V2)};
	const struct rg_verbs_offer second[] = {offer("10.0.1.2", V2), offer("10.0.1.3", V2)};
	const struct rg_verbs_offer v1[] = {offer("2001:db8::2", V1)};

	expect(&(struct choice){gids, 3, NULL, 0}, 1, "its subnet is the lowest");
	expect(&(struct choice){gids, 3, v6, 2}, 5, "more peers are of its family");
	expect(&(struct choice){gids, 3, second, 2}, 3, "more peers are in its subnet");
	expect(&(struct choice){gids, 3, v1, 1}, 1, "its subnet is the lowest"); /* no way to it */
}

/* Two addresses of one type. */
static struct rg_verbs_offer offer_both(const char *first, const char *second, uint32_t type)
{
	struct rg_verbs_offer o = offer(first, type), other = offer(second, type);

	o.n = 2;
	o.types[1] = other.types[0];
	memcpy(o.gid[1], other.gid[0], sizeof(o.gid[1]));
	return o;
}

static void of_two_subnets_that_all_are_in_all_take_the_same_one(void **state)
{
	const struct rg_verbs_gid a[] = {gid("10.0.1.1", 1, V2, 120), gid("10.0.2.1", 3, V2, 120)};
	const struct rg_verbs_gid b[] = {gid("10.0.2.2", 1, V2, 120), gid("10.0.1.2", 3, V2, 120)};
	const struct rg_verbs_offer all[] = {offer_both("10.0.1.1", "10.0.2.1", V2),
					     offer_both("10.0.2.2", "10.0.1.2", V2)};

	expect(&(struct choice){a, 2, all, 2}, 1, "10.0.1.1, RoCE v2: its subnet is the lowest");
	expect(&(struct choice){b, 2, all, 2}, 3, "10.0.1.2, RoCE v2: its subnet is the lowest");
	expect(&(struct choice){a, 2, all + 1, 1}, 1, "its subnet is the lowest");
	expect(&(struct choice){b, 2, all, 1}, 3, "its subnet is the lowest");
}

static void a_type_that_all_have_goes_before_a_better_one_that_some_lack(void **state)
{
	const struct rg_verbs_gid a[] = {gid("10.0.0.1", 0, V1, 120), gid("10.0.0.1", 1, V2, 120)};
	const struct rg_verbs_gid old[] = {gid("10.0.0.2", 0, V1, 120)};
	struct rg_verbs_offer all[] = {offer("10.0.0.1", V1), offer("10.0.0.2", V1)};

	all[0].types[0] |= 1 << V2;
	expect(&(struct choice){a, 2, all, 2}, 0, "RoCE v1: more peers have its type");
	expect(&(struct choice){old, 1, all, 2}, 0, "the only one");
	all[1].types[0] |= 1 << V2;
	expect(&(struct choice){a, 2, all, 2}, 1, "RoCE v2 before v1");
}

static void prefixes_of_any_length_are_compared_to_the_bit(void **state)
{
	const struct rg_verbs_gid gids[] = {gid("10.0.0.1", 1, V2, 96 + 25),
					    gid("10.0.0.129", 2, V2, 96 + 25)};
	const struct rg_verbs_offer low[] = {offer("10.0.0.126", V2)};
	const struct rg_verbs_offer high[] = {offer("10.0.0.200", V2)};

	expect(&(struct choice){gids, 2, low, 1}, 1, "in its subnet");
	expect(&(struct choice){gids, 2, high, 1}, 2, "in its subnet");
}

static void an_index_that_is_asked_for_is_taken_or_refused_with_those_there_are(void **state)
{
	const struct rg_verbs_gid gids[] = {gid("fe80::1", 0, V1, 64), gid("10.0.0.1", 3, V2, 120)};
	char why[RG_VERBS_WHY_BYTES];
	struct rg_err err = {0};
	uint32_t chosen;

	assert_int_equal(rg_verbs_gid_choose(gids, 2, false, 0, NULL, 0, &chosen, why, &err), 0);
	assert_int_equal(chosen, 0);
	assert_non_null(strstr(why, "asked for"));
	assert_int_equal(rg_verbs_gid_choose(gids, 2, false, 2, NULL, 0, &chosen, why, &err),
			 RG_ERR_NOT_FOUND);
	assert_string_equal(err.text, "--verbs.gid-index 2: there is no such GID; there are 0, 3");
}

static void infiniband_takes_the_ports_first_gid(void **state)
{
	const struct rg_verbs_gid gids[] = {gid("fe80::2", 1, RG_VERBS_GID_IB, 0),
					    gid("fe80::1", 0, RG_VERBS_GID_IB, 0)};
	char why[RG_VERBS_WHY_BYTES];
	struct rg_err err = {0};
	uint32_t chosen;

	assert_int_equal(rg_verbs_gid_choose(gids, 2, true, -1, NULL, 0, &chosen, why, &err), 0);
	assert_int_equal(chosen, 1);
	assert_int_equal(rg_verbs_gid_choose(gids, 0, true, -1, NULL, 0, &chosen, why, &err),
			 RG_ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "subnet manager"));
	assert_int_equal(rg_verbs_gid_choose(gids, 0, false, -1, NULL, 0, &chosen, why, &err),
			 RG_ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "ip addr add"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_sound_and_its_defaults_are_those_of_the_struct),
		cmocka_unit_test(a_rank_is_told_its_devices_by_the_environment),
		cmocka_unit_test(contradictions_are_named_on_both_sides),
		cmocka_unit_test(moderation_is_honoured_refused_or_a_quarter_of_the_depth),
		cmocka_unit_test(a_timeout_is_never_shorter_than_asked_for),
		cmocka_unit_test(a_pause_is_the_next_that_the_hardware_knows),
		cmocka_unit_test(a_routable_address_of_roce_v2_is_chosen),
		cmocka_unit_test(what_is_less_than_that_is_taken_with_a_word_on_it),
		cmocka_unit_test(the_family_and_the_subnet_of_the_peers_decide),
		cmocka_unit_test(of_two_subnets_that_all_are_in_all_take_the_same_one),
		cmocka_unit_test(a_type_that_all_have_goes_before_a_better_one_that_some_lack),
		cmocka_unit_test(prefixes_of_any_length_are_compared_to_the_bit),
		cmocka_unit_test(
			an_index_that_is_asked_for_is_taken_or_refused_with_those_there_are),
		cmocka_unit_test(infiniband_takes_the_ports_first_gid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
