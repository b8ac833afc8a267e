/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs: which of a port's GIDs. Pure, in every build. */
#include "config.h"

#include "verbs_impl.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum family { FAMILY_LOCAL, FAMILY_V6, FAMILY_V4 };

static const uint8_t v4_prefix[12] = {[10] = 0xff, 0xff};

bool verbs_gid_is_v4(const uint8_t raw[16])
{
	return !memcmp(raw, v4_prefix, sizeof(v4_prefix));
}

static enum family family_of(const uint8_t raw[16])
{
	if (verbs_gid_is_v4(raw))
		return raw[12] == 169 && raw[13] == 254 ? FAMILY_LOCAL : FAMILY_V4;
	return raw[0] == 0xfe && (raw[1] & 0xc0) == 0x80 ? FAMILY_LOCAL : FAMILY_V6;
}

/* For a link-local peer an address of IPv4 is of no use to one of IPv6. */
static bool is_same_family(const uint8_t a[16], const uint8_t b[16])
{
	return verbs_gid_is_v4(a) == verbs_gid_is_v4(b) && family_of(a) == family_of(b);
}

static bool is_same_subnet(const uint8_t a[16], const uint8_t b[16], uint32_t bits)
{
	uint32_t bytes = bits / 8, rest = bits % 8;

	if (!bits || bits > 128 || memcmp(a, b, bytes) != 0)
		return false;
	return !rest || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0;
}

char *rg_verbs_gid_text(const uint8_t raw[16], char text[RG_VERBS_GID_TEXT_BYTES])
{
	const char *ok = verbs_gid_is_v4(raw)
				 ? inet_ntop(AF_INET, raw + 12, text, RG_VERBS_GID_TEXT_BYTES)
				 : inet_ntop(AF_INET6, raw, text, RG_VERBS_GID_TEXT_BYTES);

	if (!ok)
		text[0] = '\0';
	return text;
}

const char *verbs_gid_type_text(uint32_t type)
{
	if (type == RG_VERBS_GID_ROCE_V2)
		return "RoCE v2";
	return type == RG_VERBS_GID_ROCE_V1 ? "RoCE v1" : "InfiniBand";
}

/*
 * What speaks for a GID, in the order of the rules; more is better, the first difference decides.
 */
enum rule {
	RULE_TYPE,
	RULE_V2,
	RULE_ROUTABLE,
	RULE_FAMILY,
	RULE_SUBNET,
	RULE_V4,
	RULE_NETWORK_HIGH,
	RULE_NETWORK_LOW,
	RULE_INDEX,
	RULES
};

static const char *const rule_texts[RULES] = {
	"more peers have its type",	"RoCE v2 before v1",
	"routable before link-local",	"more peers are of its family",
	"more peers are in its subnet", "IPv4 before IPv6",
	"its subnet is the lowest",	"its subnet is the lowest",
	"the first of several like it",
};

/* Half 0 or 1 of the network's number: the address without the interface's bits. */
static uint64_t network_of(const struct rg_verbs_gid *g, int half)
{
	uint64_t number = 0;

	for (uint32_t k = 0; k < 8; k++) {
		uint32_t byte = (uint32_t)half * 8 + k, from = byte * 8;
		uint32_t bits = g->bits > from ? g->bits - from : 0;
		unsigned mask = bits >= 8 ? 0xff : 0xff00u >> bits & 0xff;

		number = number << 8 | (g->raw[byte] & mask);
	}
	return number;
}

static void judge_by_peer(const struct rg_verbs_gid *g, const struct rg_verbs_offer *peer,
			  uint64_t merit[RULES])
{
	bool type = false, family = false, subnet = false;

	for (uint32_t k = 0; k < peer->n && k < RG_VERBS_OFFER_GIDS; k++) {
		if (!(peer->types[k] & 1u << g->type))
			continue;
		type = true;
		family |= is_same_family(g->raw, peer->gid[k]);
		subnet |= is_same_subnet(g->raw, peer->gid[k], g->bits);
	}
	merit[RULE_TYPE] += type;
	merit[RULE_FAMILY] += family;
	merit[RULE_SUBNET] += subnet;
}

static void judge(const struct rg_verbs_gid *g, const struct rg_verbs_offer *peers, uint32_t npeers,
		  uint64_t merit[RULES])
{
	memset(merit, 0, sizeof(merit[0]) * RULES);
	merit[RULE_V2] = g->type == RG_VERBS_GID_ROCE_V2;
	merit[RULE_ROUTABLE] = family_of(g->raw) != FAMILY_LOCAL;
	merit[RULE_V4] = verbs_gid_is_v4(g->raw);
	merit[RULE_NETWORK_HIGH] = ~network_of(g, 0);
	merit[RULE_NETWORK_LOW] = ~network_of(g, 1);
	merit[RULE_INDEX] = UINT32_MAX - g->index;
	for (uint32_t p = 0; p < npeers; p++)
		judge_by_peer(g, &peers[p], merit);
}

/* The rule by which a is better, RULES if it is not. */
static enum rule better_by(const uint64_t a[RULES], const uint64_t b[RULES])
{
	for (int r = 0; r < RULES; r++) {
		if (a[r] != b[r])
			return a[r] > b[r] ? (enum rule)r : RULES;
	}
	return RULES;
}

/* What decided between the best and the best of the others. */
static const char *decided_by(const struct rg_verbs_gid *gids, uint32_t n, uint32_t best,
			      const struct rg_verbs_offer *peers, uint32_t npeers)
{
	uint64_t mine[RULES], other[RULES];
	enum rule last = RULE_TYPE;

	if (n == 1)
		return "the only one";
	judge(&gids[best], peers, npeers, mine);
	for (uint32_t i = 0; i < n; i++) {
		enum rule r;

		judge(&gids[i], peers, npeers, other);
		r = better_by(mine, other);
		if (i != best && r > last && r < RULES)
			last = r; /* the longer it took, the nearer the other one came */
	}
	return rule_texts[last];
}

static void explain(const struct rg_verbs_gid *g, const char *reason, char why[RG_VERBS_WHY_BYTES])
{
	char text[RG_VERBS_GID_TEXT_BYTES];
	const char *but = "";

	if (g->type == RG_VERBS_GID_ROCE_V1)
		but = "; RoCE v1 is not routed";
	else if (g->type == RG_VERBS_GID_ROCE_V2 && family_of(g->raw) == FAMILY_LOCAL)
		but = "; link-local, reaches one subnet only";
	snprintf(why, RG_VERBS_WHY_BYTES, "GID %u %s, %s: %s%s", g->index,
		 rg_verbs_gid_text(g->raw, text), verbs_gid_type_text(g->type), reason, but);
}

static int choose_wanted(const struct rg_verbs_gid *gids, uint32_t n, int64_t wanted,
			 uint32_t *chosen_out, char why[RG_VERBS_WHY_BYTES], struct rg_err *err)
{
	char have[160] = "";
	size_t used = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (gids[i].index == wanted) {
			*chosen_out = i;
			explain(&gids[i], "asked for", why);
			return 0;
		}
		if (used < sizeof(have))
			used += (size_t)snprintf(have + used, sizeof(have) - used, "%s%u",
						 used ? ", " : "", gids[i].index);
	}
	return rg_err_set(err, RG_ERR_NOT_FOUND,
			  "--verbs.gid-index %lld: there is no such GID; there %s %s",
			  (long long)wanted, n == 1 ? "is" : "are", have);
}

int rg_verbs_gid_choose(const struct rg_verbs_gid *gids, uint32_t n, bool infiniband,
			int64_t wanted_index, const struct rg_verbs_offer *peers, uint32_t npeers,
			uint32_t *chosen_out, char why[RG_VERBS_WHY_BYTES], struct rg_err *err)
{
	uint64_t merit[RULES], best_merit[RULES];
	uint32_t best = 0;

	if (!n)
		return rg_err_set(
			err, RG_ERR_NOT_FOUND, "no GID: %s",
			infiniband ? "has a subnet manager configured the port?"
				   : "the port's network interface needs an address (ip addr "
				     "add), and be up");
	if (wanted_index >= 0)
		return choose_wanted(gids, n, wanted_index, chosen_out, why, err);
	for (uint32_t i = 1; i < n; i++) {
		if (infiniband) {
			best = gids[i].index < gids[best].index ? i : best;
			continue;
		}
		judge(&gids[best], peers, npeers, best_merit);
		judge(&gids[i], peers, npeers, merit);
		if (better_by(merit, best_merit) < RULES)
			best = i;
	}
	*chosen_out = best;
	explain(&gids[best],
		infiniband ? "the port's first" : decided_by(gids, n, best, peers, npeers), why);
	return 0;
}

/* Each address once, with its types; those that reach further first, the lowest index first. */
static void offer_family(const struct rg_verbs_device *device, enum family family,
			 struct rg_verbs_offer *out)
{
	for (uint32_t i = 0; i < device->ngids; i++) {
		const struct rg_verbs_gid *g = &device->gids[i];
		uint32_t k = 0;

		if (family_of(g->raw) != family)
			continue;
		while (k < out->n && memcmp(out->gid[k], g->raw, sizeof(g->raw)) != 0)
			k++;
		if (k == RG_VERBS_OFFER_GIDS)
			continue;
		out->types[k] |= (uint8_t)(1u << g->type);
		memcpy(out->gid[k], g->raw, sizeof(g->raw));
		out->n += k == out->n;
	}
}

void rg_verbs_device_offer(const struct rg_verbs_device *device, struct rg_verbs_offer *out)
{
	*out = (struct rg_verbs_offer){.infiniband = device->infiniband};
	offer_family(device, FAMILY_V4, out);
	offer_family(device, FAMILY_V6, out);
	offer_family(device, FAMILY_LOCAL, out);
}
