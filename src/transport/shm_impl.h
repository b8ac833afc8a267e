/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between shm.c (the endpoint), shm_peer.c (how a peer's memory is reached) and shm_window.c.
 */
#ifndef RG_TRANSPORT_SHM_IMPL_H
#define RG_TRANSPORT_SHM_IMPL_H

#include "mapped.h"

/* What a rank tells the others. */
struct address {
	uint64_t pid_namespace, ipc_namespace;
	uint64_t head; /* where the rank has its arena's head: tried by read */
	int32_t pid, fd;
	char boot_id[40];
};

struct peer {
	int fd;	   /* the peer's arena; -1 until mapped */
	int pidfd; /* -1 until looked for, or where the kernel has none */
};

struct shm {
	struct mapped m;
	struct address *addresses; /* owned, [nranks] */
	struct peer *peers;	   /* owned, [nranks] */
	size_t arena_bytes;
};

/* What stands in an arena's head so that no other memory is taken for it. */
void rg_shm_proof(const struct shm *s, uint32_t rank, uint8_t proof_out[32]);

/* Sets s->m.peers[rank], once it is proved to be that rank's; twice is no error. As connect. */
int rg_shm_map_arena(struct shm *s, uint32_t rank, struct rg_err *err);

/*
 * A descriptor of the peer's, which is memory of at least len_bytes. The process behind the pidfd
 * had the number before the opening and still has it afterwards, so it is the one that was opened.
 * Errors as connect.
 */
int rg_shm_open_fd(struct shm *s, uint32_t rank, int fd, size_t len_bytes, int *fd_out,
		   struct rg_err *err);

/* May ranks k and r reach each other's memory? RG_ERR_UNSUPPORTED: another host or namespace. */
int rg_shm_check_pair(const struct shm *s, uint32_t k, uint32_t r, struct rg_err *err);

/* Members of the transport's row. */
int rg_shm_read(struct rg_endpoint *ep, uint32_t peer, void *dst, uint64_t address,
		size_t len_bytes, struct rg_err *err);
int rg_shm_peer_alive(struct rg_endpoint *ep, uint32_t peer, struct rg_err *err);
int rg_shm_window_open(struct rg_endpoint *ep, const struct rg_buffer *buffer,
		       struct rg_window **window_out, struct rg_err *err);
void rg_shm_window_close(struct rg_window *window);
int rg_shm_window_map(struct rg_window *window, uint32_t peer, struct rg_err *err);

#endif
