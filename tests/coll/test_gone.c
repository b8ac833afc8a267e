/* SPDX-License-Identifier: BSD-3-Clause */
/* A run that waits for a peer that is gone, on one of several channels. */
#include "config.h"

#include "ranks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A schedule of rank 0: on channel c wait for rank c + 1. */
static int wait_generate(const struct rg_problem *problem, uint32_t rank, struct rg_sink *sink,
			 struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	int rc = 0;

	for (uint32_t c = 0; c < 2 && !rc; c++) {
		const struct rg_step wait = {
			.op = RG_STEP_WAIT,
			.channel = c,
			.peer = c + 1,
			.ctr = RG_CTR_ENTER,
			.value = 1,
		};

		rc = sink->step(sink, &wait, err);
	}
	return rc;
}

static int wait_check(const struct rg_problem *problem, struct rg_err *err)
{
	return 0;
}

static uint32_t gone;

static int alive_but_one(struct rg_endpoint *ep, uint32_t peer, struct rg_err *err)
{
	return peer == gone ? rg_err_set(err, RG_ERR_PEER, "rank %u is gone", peer) : 0;
}

static int waits(struct rank *r, struct rg_err *err)
{
	static const struct rg_algorithm wait = {
		.name = "wait",
		.coll = RG_COLL_SENDRECV,
		.check = wait_check,
		.generate = wait_generate,
	};
	const struct rg_problem problem = {
		.coll = RG_COLL_SENDRECV,
		.layout = {.nranks = 3},
		.count = 16,
		.elem_bytes = 4,
		.caps = rg_transport_inproc.caps,
		.geometry = small_geometry,
		.params = {.protocol = RG_PROTOCOL_READ, .channels = 2},
	};
	const struct rg_run_args args = {0};
	struct rg_program *program = NULL;
	struct rg_run *run = NULL;
	int rc;

	rc = rg_program_open(r->ep, &wait, &problem, RG_TYPE_INT32, RG_OP_SUM, 0, 1 << 16, &program,
			     err);
	if (!rc)
		rc = rg_run_open(r->x, program, &run, err);
	if (!rc)
		rc = rg_run_once(run, &args, err);
	rg_run_close(run);
	rg_program_close(program);
	return rc;
}

/* Ranks 1 and 2 send nothing; one of them is gone, which ends the wait long before the deadline. */
static int rank_waits(struct rank *r, void *arg)
{
	struct rg_transport_ops ops = rg_transport_inproc;
	struct rg_err err = {0};
	char name[16];

	if (r->ep->rank == 0) {
		ops.peer_alive = alive_but_one;
		r->ep->ops = &ops;
		waits(r, &err);
		r->ep->ops = &rg_transport_inproc;
		snprintf(name, sizeof(name), "rank %u is gone", gone);
		if (err.code != RG_ERR_PEER || !strstr(err.text, name))
			rg_err_set(&r->err, RG_ERR_INTERNAL, "code %d: %s", err.code, err.text);
	}
	part(r);
	return r->err.code;
}

static void a_peer_that_is_gone_is_seen_on_whichever_channel_it_is_waited_for(void **state)
{
	for (gone = 1; gone <= 2; gone++)
		run_ranks(3, 0, rank_waits, NULL, "one is gone");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_that_is_gone_is_seen_on_whichever_channel_it_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
