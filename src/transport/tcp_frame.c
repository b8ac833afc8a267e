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

const char *tcp_frame_check(const struct frame *f, const struct rg_geometry *g)
{
	if (f->kind != TCP_LAST && f->kind != TCP_AFTER)
		return frame_check(f, g);
	return f->channel >= g->channels || f->window || f->offset || f->len_bytes ||
			       f->ctr != FRAME_NO_CTR
		       ? "a change of connections with data"
		       : NULL;
}
