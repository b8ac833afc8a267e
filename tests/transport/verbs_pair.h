/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two ends on made-up devices, connected to each other: what tests of the verbs layer and of the
 * made-up libibverbs itself begin with. One thread.
 */
#ifndef TESTS_TRANSPORT_VERBS_PAIR_H
#define TESTS_TRANSPORT_VERBS_PAIR_H

#include "fake_verbs.h"

#include "railgauge/transport/verbs.h"

#define PAIR_BYTES 4096
#define PAIR_DEPTH 8

struct end {
	struct rg_verbs_device *device;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	struct ibv_mr *mr;
	uint32_t rkey; /* its */
	uint32_t inline_bytes;
	struct ibv_ah *ah; /* to the other one's datagrams */
	struct rg_verbs_address address;
	uint8_t bytes[PAIR_BYTES];
};

struct pair {
	struct rg_verbs_options options; /* pair_options before pair_open */
	const char *names[2];		 /* of the devices; NULL: fake0 and fake1 */
	int cqes;			 /* 0: enough */
	bool datagrams;			 /* UD instead of RC */
	uint32_t wrong_psn;		 /* end 1 is told of another first number: by so much */
	struct end end[2];
};

extern const struct rg_verbs_peer pair_peer; /* rank 3 on node7 */

/* A pair with the default options and PAIR_DEPTH; nothing is open. */
void pair_init(struct pair *p);

/* Opens devices, queues and memory of both ends, and connects; on failure all is closed again. */
int pair_open(struct pair *p, struct rg_err *err);
void pair_close(struct pair *p);

/* Posts len bytes from offset 0 of end from: WRITEs to offset 1024 of the other. 0 or an errno. */
int pair_post(struct pair *p, int from, enum ibv_wr_opcode op, uint32_t len, uint64_t id);
int pair_receive(struct pair *p, int at, uint32_t len, uint64_t id); /* to offset 2048 */

/* The next completion of an end; false: there is none. */
bool pair_poll(struct pair *p, int at, struct ibv_wc *wc);

#endif
