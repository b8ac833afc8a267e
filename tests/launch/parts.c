/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "parts.h"

#include "railgauge/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

const char secret[] = "0123456789abcdef";

void *run_part(void *arg)
{
	struct part *p = arg;
	struct rg_rendezvous *rdv = NULL;

	p->rc = p->open_rc = rg_star_open(&p->config, rg_clock_ns() + p->open_ns, &rdv, &p->err);
	if (p->rc)
		return NULL;
	memcpy(p->key, rdv->job_key, sizeof(p->key));
	if (p->body)
		p->rc = p->body(rdv, &p->err);
	rg_rendezvous_close(rdv);
	return NULL;
}

void prepare(struct part *parts, uint32_t nranks,
	     int (*body)(struct rg_rendezvous *, struct rg_err *), int *fd_out)
{
	uint16_t port;

	assert_int_equal(rg_port_hold(&port, fd_out, NULL), 0);
	for (uint32_t r = 0; r < nranks; r++) {
		parts[r] = (struct part){
			.config = {.rank = r,
				   .nranks = nranks,
				   .host = "127.0.0.1",
				   .port = port,
				   .port_held = true,
				   .secret = secret,
				   .secret_bytes = strlen(secret)},
			.open_ns = LONG_NS,
			.body = body,
		};
	}
}

void run(struct part *parts, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(pthread_create(&parts[i].thread, NULL, run_part, &parts[i]), 0);
	for (uint32_t i = 0; i < n; i++)
		pthread_join(parts[i].thread, NULL);
}

void assert_all_ok(const struct part *parts, uint32_t n)
{
	for (uint32_t r = 0; r < n; r++) {
		assert_string_equal(parts[r].err.text, "");
		assert_int_equal(parts[r].rc, 0);
	}
}

void assert_says(const struct part *p, int code, const char *words)
{
	if (p->rc != code || !strstr(p->err.text, words))
		fail_msg("wanted %s with \"%s\", got %s: %s", rg_err_name(code), words,
			 rg_err_name(p->rc), p->err.text);
}
