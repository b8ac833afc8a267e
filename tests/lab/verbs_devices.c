/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usage: verbs_devices HERE THERE LINK
 *
 * The verbs layer on real devices of the lab, both ends in this process: what moves, and what is
 * said when LINK, the way to HERE, goes down. Prints a line for each step; exit status 1 at the
 * first that is not as it should be.
 */
#include "config.h"

#include "verbs_pair.h"

#include "railgauge/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS(n) ((uint64_t)(n)*1000000000u)

static struct pair pair;
static char *const *names;

static void fail(const char *what, const char *words)
{
	printf("%s: %s\n", what, words);
	exit(1);
}

static void must_open(bool datagrams)
{
	struct rg_err err = {0};

	pair.names[0] = names[0];
	pair.names[1] = names[1];
	pair.datagrams = datagrams;
	if (pair_open(&pair, &err))
		fail("opening", err.text);
	memset(pair.end[0].bytes, 'a', 1024);
	memset(pair.end[1].bytes, 'b', 1024);
}

/* The next completion of an end, for which it waits. */
static struct ibv_wc wait_for(int at, const char *what)
{
	uint64_t deadline_ns = rg_clock_ns() + SECONDS(10);
	struct ibv_wc wc = {0};

	while (!pair_poll(&pair, at, &wc)) {
		if (rg_clock_ns() > deadline_ns)
			fail(what, "no completion within 10 s");
	}
	return wc;
}

static void must_complete(int at, const char *what)
{
	struct ibv_wc wc = wait_for(at, what);
	struct rg_err err = {0};

	if (!wc.status)
		return;
	rg_verbs_completion_error(pair.end[at].device, &wc, pair.end[at].qp,
				  &pair.end[1 - at].address, &pair_peer, &err);
	fail(what, err.text);
}

static void must_post(enum ibv_wr_opcode op, uint32_t len, const char *what)
{
	if (pair_post(&pair, 0, op, len, 7))
		fail(what, "it cannot be posted");
}

static void must_be(const uint8_t *bytes, char c, size_t len, const char *what)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != (uint8_t)c)
			fail(what, "other bytes");
	}
	printf("%s: ok\n", what);
}

static void connection(void)
{
	const uint8_t *to;

	must_open(false);
	to = pair.end[1].bytes;
	must_post(IBV_WR_RDMA_WRITE, 1000, "write");
	must_complete(0, "write");
	must_be(to + 1024, 'a', 1000, "write");
	memset(pair.end[0].bytes, 'c', 1024);
	pair_receive(&pair, 1, 0, 1);
	must_post(IBV_WR_RDMA_WRITE_WITH_IMM, 1000, "write-imm");
	must_complete(1, "write-imm");
	must_be(to + 1024, 'c', 1000, "write-imm");
	must_complete(0, "write-imm");
	pair_receive(&pair, 1, 1024, 1);
	must_post(IBV_WR_SEND, 1000, "send");
	must_complete(1, "send");
	must_be(to + 2048, 'c', 1000, "send");
	must_complete(0, "send");
	memset(pair.end[1].bytes + 1024, 'd', 1024);
	must_post(IBV_WR_RDMA_READ, 1000, "read");
	must_complete(0, "read");
	must_be(pair.end[0].bytes, 'd', 1000, "read");
	pair_close(&pair);
}

static void datagrams(void)
{
	must_open(true);
	pair_receive(&pair, 1, 1024, 1);
	must_post(IBV_WR_SEND_WITH_IMM, 900, "datagram");
	must_complete(1, "datagram");
	must_be(pair.end[1].bytes + 2048 + RG_VERBS_GRH_BYTES, 'a', 900, "datagram");
	pair_close(&pair);
}

static void set_link(const char *link, const char *how)
{
	char command[64];

	snprintf(command, sizeof(command), "lab-ctl link %s %s", link, how);
	if (system(command))
		fail(command, "failed");
}

static void wait_event(enum rg_verbs_event_kind kind, const char *what)
{
	uint64_t deadline_ns = rg_clock_ns() + SECONDS(10);
	struct rg_verbs_event event = {.kind = RG_VERBS_EVENT_OTHER};

	do {
		while (rg_verbs_device_event(pair.end[0].device, &event) && event.kind != kind)
			printf("event: %s\n", event.text);
		if (rg_clock_ns() > deadline_ns)
			fail(what, "no event within 10 s");
	} while (event.kind != kind);
	printf("%s: %s\n", what, event.text);
}

static void link_down(const char *link)
{
	struct rg_verbs_device *again = NULL;
	struct rg_err err = {0};
	struct ibv_wc wc;

	pair.options.timeout_ns = 8000000;
	pair.options.retry_count = 2;
	must_open(false);
	set_link(link, "down");
	wait_event(RG_VERBS_EVENT_PORT_DOWN, "down");
	if (pair.end[0].device->active || rg_verbs_device_ask(pair.end[0].device))
		fail("down", "the port is said to be active");
	if (!rg_verbs_device_open(&pair.options, names[0], "", &again, &err))
		fail("opening", "a port that is down is opened");
	printf("opening: %s\n", err.text);
	must_post(IBV_WR_RDMA_WRITE, 8, "write");
	wc = wait_for(0, "write");
	rg_verbs_completion_error(pair.end[0].device, &wc, pair.end[0].qp, &pair.end[1].address,
				  &pair_peer, &err);
	printf("completion: %s\n", err.text);
	set_link(link, "up");
	wait_event(RG_VERBS_EVENT_PORT_UP, "up");
	if (!rg_verbs_device_ask(pair.end[0].device))
		fail("up", "the port is not active");
	pair_close(&pair);
}

/* Two ranks of one node, which nobody told their devices. */
static void choice(void)
{
	for (uint32_t local = 0; local < 2; local++) {
		struct rg_verbs_device *devices[RG_VERBS_DEVICES_MAX];
		struct rg_err err = {0};
		uint32_t n;

		if (rg_verbs_devices_open(&rg_verbs_options_default, local, 2, devices, &n, &err))
			fail("choice", err.text);
		printf("choice of rank %u: %s (%s)\n", local, devices[0]->name, devices[0]->why);
		rg_verbs_devices_close(devices, n);
	}
}

int main(int argc, char **argv)
{
	struct rg_err err = {0};
	char about[224];

	if (argc != 4)
		fail("usage", "verbs_devices HERE THERE LINK");
	names = argv + 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	pair_init(&pair);
	pair.options.device = names[0];
	if (rg_verbs_probe(&pair.options, 0, 1, PAIR_BYTES, about, sizeof(about), &err))
		fail("probe", err.text);
	printf("probe: %s\n", about);
	choice();
	connection();
	datagrams();
	link_down(argv[3]);
	return 0;
}
