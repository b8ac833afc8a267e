/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "wire_bytes.h"

#include "railgauge/base/clock.h"

#include <string.h>
#include <sys/socket.h>

const char secret[17] = "0123456789abcdef";

void *join_job(void *arg)
{
	struct rank *r = arg;
	struct rg_rendezvous *rdv = NULL;

	r->rc = rg_star_open(&r->config, rg_clock_ns() + LONG_NS, &rdv, &r->err);
	if (!r->rc)
		r->rc = rg_rendezvous_barrier(rdv, rg_clock_ns() + LONG_NS, &r->err);
	rg_rendezvous_close(rdv);
	return NULL;
}

struct rank make_rank(uint32_t rank, uint16_t port)
{
	return (struct rank){.config = {.rank = rank,
					.nranks = 2,
					.host = "127.0.0.1",
					.port = port,
					.port_held = true,
					.secret = secret,
					.secret_bytes = sizeof(secret) - 1}};
}

void put_be(uint8_t *to, uint32_t v, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--, v >>= 8)
		to[i] = (uint8_t)v;
}

void put_head(uint8_t *to, uint32_t kind, uint32_t len_bytes)
{
	memcpy(to, "RGRV", 4);
	put_be(to + 4, 1, 2);
	put_be(to + 6, kind, 2);
	put_be(to + 8, len_bytes, 4);
	put_be(to + 12, 0, 4);
}

void wait_for_close(int s)
{
	char rest[4096];

	while (recv(s, rest, sizeof(rest), 0) > 0)
		;
}
