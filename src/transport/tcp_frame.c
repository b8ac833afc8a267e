/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "tcp_impl.h"

#include <endian.h>

#define HELLO_MAGIC   0x72677463u /* "rgtc" */
#define HELLO_VERSION 2

void tcp_hello_make(struct tcp_hello *hello, uint32_t from, uint32_t to, uint32_t stream,
		    const uint8_t key[32], const uint8_t from_nonce[TCP_NONCE_BYTES],
		    const uint8_t to_nonce[TCP_NONCE_BYTES])
{
	static const char purpose[] = "railgauge tcp connection";
	struct rg_hmac mac;

	*hello = (struct tcp_hello){
		.magic = htole32(HELLO_MAGIC),
		.version = htole32(HELLO_VERSION),
		.from = htole32(from),
		.to = htole32(to),
		.stream = htole32(stream),
	};
	rg_hmac_init(&mac, key, 32);
	rg_hmac_add(&mac, purpose, sizeof(purpose));
	rg_hmac_add(&mac, to_nonce, TCP_NONCE_BYTES);
	rg_hmac_add(&mac, from_nonce, TCP_NONCE_BYTES);
	rg_hmac_add(&mac, hello, offsetof(struct tcp_hello, mac));
	rg_hmac_end(&mac, hello->mac);
}

struct tcp_frame tcp_frame_wire(struct tcp_frame f)
{
	f.channel = htole16(f.channel);
	f.window = htole32(f.window);
	f.offset = htole64(f.offset);
	f.len_bytes = htole64(f.len_bytes);
	f.value = htole64(f.value);
	return f;
}

static bool is_within(const struct tcp_frame *f, uint64_t room)
{
	return f->offset <= room && f->len_bytes <= room - f->offset;
}

const char *tcp_frame_check(const struct tcp_frame *f, const struct rg_geometry *g)
{
	if (f->channel >= g->channels)
		return "a frame names a channel that there is not";
	if (f->ctr >= RG_CTR_COUNT && f->ctr != TCP_NO_CTR)
		return "a frame names a counter that there is not";
	if (f->kind != TCP_WINDOW && f->window)
		return "a frame names a window that is none of its business";
	switch (f->kind) {
	case TCP_SLOT:
		return is_within(f, (uint64_t)g->slots * g->slot_bytes)
			       ? NULL
			       : "data beyond the ring of slots";
	case TCP_LL:
		return is_within(f, (uint64_t)g->ll_slots * g->ll_bytes * 2)
			       ? NULL
			       : "data beyond the ring of word slots";
	case TCP_WINDOW:
		return NULL; /* its size is state */
	case TCP_LAST:
	case TCP_AFTER:
		return f->offset || f->len_bytes || f->ctr != TCP_NO_CTR
			       ? "a change of connections with data"
			       : NULL;
	case TCP_SIGNAL:
		return f->offset || f->len_bytes || f->ctr == TCP_NO_CTR ? "a signal with data"
									 : NULL;
	default:
		return "a frame of no known kind";
	}
}
