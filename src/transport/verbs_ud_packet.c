/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs-ud: heads of packets, and what is wrong with them. */
#include "config.h"

#include "verbs_ud_impl.h"

#include "railgauge/base/sha256.h"

#include <endian.h>
#include <string.h>

struct vud_head vud_head_wire(struct vud_head h)
{
	h.tag = htole64(h.tag);
	h.from = htole32(h.from);
	h.number = htole32(h.number);
	h.next = htole32(h.next);
	h.len_bytes = htole16(h.len_bytes);
	h.early = htole64(h.early);
	return h;
}

const char *vud_head_check(const struct vud_head *h, size_t len_bytes)
{
	if (h->kind < VUD_DATA || h->kind > VUD_GIVEN_UP)
		return "a packet of no known kind";
	if (h->len_bytes != len_bytes - sizeof(*h))
		return "a packet of another length than it says";
	if (h->flags & ~(VUD_ASK | VUD_LATE))
		return "a packet with flags that there are not";
	return h->kind != VUD_DATA && (h->len_bytes || h->number || h->flags & VUD_ASK)
		       ? "a packet with data that are none"
		       : NULL;
}

uint64_t vud_tag(const uint8_t key[32], uint32_t from, const uint8_t from_nonce[VUD_NONCE_BYTES],
		 uint32_t to, const uint8_t to_nonce[VUD_NONCE_BYTES])
{
	static const char purpose[] = "railgauge verbs-ud packet";
	const uint32_t ranks[2] = {htole32(from), htole32(to)};
	uint8_t mac[RG_SHA256_BYTES];
	struct rg_hmac hmac;
	uint64_t tag;

	rg_hmac_init(&hmac, key, 32);
	rg_hmac_add(&hmac, purpose, sizeof(purpose));
	rg_hmac_add(&hmac, ranks, sizeof(ranks));
	rg_hmac_add(&hmac, from_nonce, VUD_NONCE_BYTES);
	rg_hmac_add(&hmac, to_nonce, VUD_NONCE_BYTES);
	rg_hmac_end(&hmac, mac);
	memcpy(&tag, mac, sizeof(tag));
	return tag;
}
