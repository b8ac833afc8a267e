/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parts of the made-up libibverbs:
 *   fake_verbs.c          the fabric's devices, events, switches and counts
 *   fake_verbs_device.c   devices and contexts as they are seen
 *   fake_verbs_objects.c  domains, memory, queues, handles: made and destroyed
 *   fake_verbs_qp.c       the states of queue pairs
 *   fake_verbs_post.c     posts and polls
 *   fake_verbs_fabric.c   what happens to a request: delivery, completions
 *   fake_verbs_ud.c       the same for datagrams
 *
 * All functions here are called between fake_lock and fake_unlock, but for fake_call and fake_note,
 * which call these.
 */
#ifndef TESTS_TRANSPORT_FAKE_VERBS_IMPL_H
#define TESTS_TRANSPORT_FAKE_VERBS_IMPL_H

#include "fake_verbs.h"

#include <pthread.h>
#include <stdatomic.h>

#define FAKE_SGE 16

struct fake_port_state {
	bool up;
};

struct fake_dev {
	struct ibv_device v; /* first: a pointer to it is one to this */
	struct fake_device config;
	struct fake_port_state ports[3]; /* from 1 */
	uint64_t sends;
};

struct fake_context {
	struct ibv_context v;
	struct fake_dev *dev;
	struct fake_context *next;
	int event_pipe[2]; /* [0] is v.async_fd */
	uint32_t users;
};

struct fake_pd {
	struct ibv_pd v;
	uint32_t users;
};

struct fake_mr {
	struct ibv_mr v;
	struct fake_mr *next;
	uint64_t iova;
	unsigned access;
	bool dmabuf;   /* has no memory here */
	uint8_t *held; /* another mapping of the same pages; NULL: there can be none */
};

struct fake_qp;

/* A completion that waits in a queue. */
struct fake_cqe {
	struct ibv_wc wc;
	struct fake_qp *qp;
	uint64_t number; /* of the request in its queue */
	bool send;
};

struct fake_cq {
	struct ibv_cq v;
	struct fake_cqe *entries; /* [v.cqe], oldest first */
	int n;
	bool overrun;
	int armed; /* 0: no; 1: for every completion; 2: for solicited ones */
	uint32_t users;
};

struct fake_ah {
	struct ibv_ah v;
	struct ibv_ah_attr attr;
};

/* A send request. */
struct fake_wqe {
	uint64_t wr_id;
	enum ibv_wr_opcode opcode;
	bool signaled, solicited, inlined;
	bool waited; /* for a receive, and is counted */
	uint32_t imm;
	uint64_t remote_addr;
	uint32_t rkey;
	uint32_t nsge;
	struct ibv_sge sge[FAKE_SGE];
	uint8_t *copy; /* of inline data; owned */
	struct ibv_ah_attr to;
	uint32_t to_qpn, to_qkey;
	enum ibv_wc_status forced; /* IBV_WC_SUCCESS: not */
	uint32_t vendor;
};

struct fake_rqe {
	uint64_t wr_id;
	uint32_t nsge;
	struct ibv_sge sge[FAKE_SGE];
};

/* Receives, of a queue pair or shared. Number n lies in entry n mod depth. */
struct fake_rq {
	struct fake_rqe *entries; /* [depth] */
	uint32_t depth;
	uint64_t posted, taken, freed;
};

struct fake_srq {
	struct ibv_srq v;
	struct fake_rq rq;
	uint32_t users;
};

struct fake_qp {
	struct ibv_qp v;
	struct fake_qp *next;
	struct ibv_qp_attr attr;
	struct ibv_qp_cap cap;
	bool signal_all;
	struct fake_wqe *sq;		 /* [cap.max_send_wr] */
	uint64_t posted, carried, freed; /* send requests; number n is in entry n mod depth */
	struct fake_rq rq;
};

/* A datagram on its way. */
struct fake_datagram {
	struct fake_datagram *next;
	struct fake_qp *to; /* NULL once that is gone */
	uint32_t from_qpn, imm, len_bytes;
	uint16_t slid;
	bool has_imm, solicited;
	uint8_t sgid[16], dgid[16];
	uint8_t data[4096];
};

struct fake_group {
	struct fake_group *next;
	struct fake_qp *qp;
	uint8_t gid[16];
};

struct fake_watched {
	uint64_t base, len_bytes;
};

struct fake {
	pthread_mutex_t lock;
	struct fake_dev devices[FAKE_DEVICES_MAX];
	uint32_t ndevices;
	struct fake_context *contexts;
	struct fake_mr *mrs;
	struct fake_qp *qps;
	struct fake_datagram *datagrams;
	struct fake_group *groups;
	uint32_t live, next_key, next_qpn;
	/* failures */
	const char *fail_name, *failed;
	unsigned long calls, fail_nth;
	int fail_errnum;
	unsigned long sends, complete_nth;
	enum ibv_wc_status complete_status;
	uint32_t complete_vendor;
	/* order */
	unsigned modes;
	uint64_t random;
	uint32_t lost, twice;
	struct fake_counts counts;
	struct fake_watched watched[FAKE_WATCHED_MAX];
	uint32_t nwatched;
};

extern struct fake fake;

/* Above 0 while the calling thread is here: what it does then is not what a test looks at. */
extern _Thread_local atomic_int fake_inside;

void fake_lock(void);
void fake_unlock(void);

/* Counts a call of this name, and says with an errno whether it is to fail; 0: not. */
int fake_call(const char *name);

/* Counts one that cannot fail. */
void fake_note(void);

uint64_t fake_draw(void);

/* 0 on Ethernet. */
uint16_t fake_lid(const struct fake_dev *dev, uint8_t port);

/* Looks a port up by how it is addressed; false: nobody has it. */
bool fake_find_port(const struct fake_dev *from, const struct ibv_ah_attr *to,
		    struct fake_dev **dev_out, uint8_t *port_out);

/* The entry of the port's table; false: there is none of that index, or it is empty. */
bool fake_gid(const struct fake_dev *dev, uint8_t port, uint32_t index, uint8_t gid[16]);

/* Writes to the channel of a queue. */
void fake_notify(struct ibv_cq *cq);

/* object: the queue that it is about; NULL: the port. */
void fake_push_event(struct fake_context *context, enum ibv_event_type type, void *object,
		     int port);

/* Adds a completion; overruns the queue where it is full. */
void fake_complete_wqe(struct fake_qp *qp, uint64_t number, enum ibv_wc_status status,
		       uint32_t vendor, uint32_t len_bytes);

/* To the error state, where everything is flushed. */
void fake_qp_fail(struct fake_qp *qp);

/* Empties its queues without a word, also of completions and datagrams. */
void fake_qp_clear(struct fake_qp *qp);

/* Is it the address of a group: of IPv6, or of IPv4 mapped? */
bool fake_is_group(const uint8_t gid[16]);

/* The receives that a queue pair takes from. */
struct fake_rq *fake_receives(struct fake_qp *qp);

/* A received message, or the immediate of a WRITE (data NULL), takes the next receive. */
enum ibv_wc_status fake_receive(struct fake_qp *qp, const uint8_t *data, uint64_t len_bytes,
				struct ibv_wc *wc, bool solicited);

/* Is it memory that is watched? */
bool fake_is_watched(uint64_t address);

/* A request's own memory: its length, whether it may be used so, and its bytes. */
uint64_t fake_total(const struct ibv_sge *sge, uint32_t n);
bool fake_may_send(const struct fake_qp *qp, const struct fake_wqe *w, unsigned rights);
void fake_gather(const struct fake_qp *qp, const struct fake_wqe *w, uint8_t *memory);

/* A datagram's fate; and that of one that is under way. */
int fake_carry_ud(struct fake_qp *qp, struct fake_wqe *w);
void fake_run_datagrams(void);

/* Carries out what can be. */
void fake_run_qp(struct fake_qp *qp);
void fake_run_all(void);
void fake_run_late(void);

/* Retries exceeded, if its next request waits for a way that leads over a port of dev. */
void fake_give_up_qp(struct fake_qp *qp, const struct fake_dev *dev);

/* The operations of a context that are inline functions in libibverbs' header. */
int fake_post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad);
int fake_post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad);
int fake_post_srq_recv(struct ibv_srq *srq, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad);
int fake_poll_cq(struct ibv_cq *cq, int n, struct ibv_wc *wc);
int fake_req_notify_cq(struct ibv_cq *cq, int solicited_only);

#endif
