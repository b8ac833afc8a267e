/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * shm: ranks are processes of one host that map each other's memory.
 *
 * Each rank's arena is a memfd: it has no name anywhere, so nothing can be left behind. A peer that
 * wants to reach it opens /proc/PID/fd/N, which needs no help from the owner and asks the kernel's
 * ordinary permission checks; therefore ranks must share a PID namespace (and a user). A proof in
 * the arena's head, an HMAC under the job's key, tells a recycled PID or another job from a peer.
 *
 * The arena is sparse. Connecting reserves the two regions of a link (fallocate), the sender's at
 * the receiver included: a limit is an error here, never a SIGBUS later.
 */
#include "config.h"

#include "shm_impl.h"
#include "shm_probe.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"
#include "railgauge/base/sha256.h"
#include "railgauge/device/memfd.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int own_address(struct address *a, struct rg_err *err)
{
	struct stat pid, ipc;
	char *boot;
	int rc;

	if (stat("/proc/self/ns/pid", &pid) || stat("/proc/self/ns/ipc", &ipc))
		return rg_err_errno(err, errno, "shm needs /proc: /proc/self/ns");
	rc = rg_io_read_file("/proc/sys/kernel/random/boot_id", 4096, &boot, NULL, err);
	if (rc)
		return rc;
	*a = (struct address){
		.pid_namespace = pid.st_ino,
		.ipc_namespace = ipc.st_ino,
		.pid = getpid(),
		.fd = -1,
	};
	snprintf(a->boot_id, sizeof(a->boot_id), "%s", boot);
	rg_free(boot);
	return 0;
}

static int shm_probe(const struct rg_transport_config *config, struct rg_err *err)
{
	struct address a;
	int rc = own_address(&a, err);

	return rc ? rc : rg_shm_probe_memory(err);
}

static int reserve(struct shm *s, int fd, size_t offset, size_t len_bytes, const char *what,
		   struct rg_err *err)
{
	int rc = rg_endpoint_reserve(&s->m.ep, len_bytes, what, err);

	return rc ? rc : rg_memfd_reserve(fd, offset, len_bytes, what, err);
}

/* My arena: made, mapped, its head filled. */
static int make_arena(struct shm *s, struct rg_err *err)
{
	struct arena_head *head;
	int rc, fd;

	rc = rg_memfd_open(s->arena_bytes, "shm: an arena", &fd, err);
	if (rc)
		return rc;
	rc = reserve(s, fd, 0, 4096, "shm: the head of an arena", err);
	if (rc)
		goto close_fd;
	head = mmap(NULL, s->arena_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
		    0);
	if (head == MAP_FAILED) {
		rc = rg_err_errno(err, errno, "shm: mapping an arena of %zu bytes", s->arena_bytes);
		goto close_fd;
	}
	head->magic = RG_ARENA_MAGIC;
	head->rank = s->m.ep.rank;
	head->nranks = s->m.ep.nranks;
	rg_shm_proof(s, s->m.ep.rank, head->proof);
	s->m.mine = head;
	s->m.peers[s->m.ep.rank] = head;
	s->peers[s->m.ep.rank].fd = fd;
	return 0;

close_fd:
	close(fd);
	return rc;
}

int rg_shm_check_pair(const struct shm *s, uint32_t k, uint32_t r, struct rg_err *err)
{
	const struct rg_endpoint *ep = &s->m.ep;
	const struct address *first = &s->addresses[k], *a = &s->addresses[r];
	bool pid = a->pid_namespace != first->pid_namespace;

	if (memcmp(a->boot_id, first->boot_id, sizeof(first->boot_id)))
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "shm: rank %u (%s) and rank %u (%s) are on different hosts", k,
				  ep->host[k], r, ep->host[r]);
	if (pid || a->ipc_namespace != first->ipc_namespace)
		return rg_err_set(
			err, RG_ERR_UNSUPPORTED,
			"shm: rank %u (%s) and rank %u (%s) are in different %s namespaces, "
			"%s:[%" PRIu64 "] and [%" PRIu64 "]: separate containers?",
			k, ep->host[k], r, ep->host[r], pid ? "PID" : "IPC", pid ? "pid" : "ipc",
			pid ? first->pid_namespace : first->ipc_namespace,
			pid ? a->pid_namespace : a->ipc_namespace);
	return 0;
}

/* The same pair of ranks in the same words on every rank: the first that differs from rank 0. */
static int check_addresses(const struct shm *s, struct rg_err *err)
{
	int rc = 0;

	for (uint32_t r = 1; r < s->m.ep.nranks && !rc && !s->m.ep.config.leave_others; r++)
		rc = rg_shm_check_pair(s, 0, r, err);
	return rc;
}

static void shm_close(struct rg_endpoint *ep)
{
	struct shm *s = (struct shm *)ep;

	if (!s)
		return;
	for (uint32_t r = 0; s->peers && r < ep->nranks; r++) {
		if (s->m.peers && s->m.peers[r])
			munmap(s->m.peers[r], s->arena_bytes);
		if (s->peers[r].fd >= 0)
			close(s->peers[r].fd);
		if (s->peers[r].pidfd >= 0)
			close(s->peers[r].pidfd);
	}
	rg_free(s->peers);
	rg_free(s->addresses);
	rg_mapped_release(&s->m);
	rg_free(s);
}

static int make_mine(struct shm *s, struct address *mine, struct rg_err *err)
{
	uint32_t n = s->m.ep.nranks;
	int rc;

	s->addresses = rg_zalloc(n, sizeof(s->addresses[0]));
	s->peers = rg_alloc(n * sizeof(s->peers[0]));
	if (!s->addresses || !s->peers) {
		rg_free(s->peers);
		s->peers = NULL;
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u peers", n);
	}
	for (uint32_t r = 0; r < n; r++)
		s->peers[r] = (struct peer){-1, -1};
	rc = own_address(mine, err);
	if (!rc)
		rc = make_arena(s, err);
	mine->fd = s->peers[s->m.ep.rank].fd;
	mine->head = (uintptr_t)s->m.mine;
	return rc;
}

/*
 * May every rank read every other? The kernel asks for the rights of a debugger, which containers
 * and kernel.yama.ptrace_scope often withhold. If one may not, nobody does.
 */
static int try_reading(struct shm *s, struct rg_err *err)
{
	struct rg_endpoint *ep = &s->m.ep;
	uint8_t works = 1, *all = rg_zalloc(ep->nranks, 1);
	int rc;

	for (uint32_t r = 0; r < ep->nranks && works; r++) {
		uint8_t theirs[32], proof[32];
		uint64_t at = s->addresses[r].head + offsetof(struct arena_head, proof);

		rg_shm_proof(s, r, proof);
		works = !rg_shm_read(ep, r, theirs, at, sizeof(theirs), NULL) &&
			rg_equal_constant_time(theirs, proof, sizeof(proof));
	}
	rc = all ? 0 : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u peers", ep->nranks);
	rc = rg_rendezvous_agree(ep->rdv, rc, rg_clock_ns() + ep->config.timeout_ns, err);
	if (!rc)
		rc = rg_rendezvous_allgather(ep->rdv, &works, all, 1,
					     rg_clock_ns() + ep->config.timeout_ns, err);
	for (uint32_t r = 0; r < ep->nranks && !rc; r++)
		works &= all[r];
	if (!rc && !works)
		ep->caps &= ~(uint32_t)RG_CAP_READ;
	rg_free(all);
	return rc;
}

static int shm_open_endpoint(struct rg_rendezvous *rdv, const struct rg_transport_config *config,
			     struct rg_endpoint **ep_out, struct rg_err *err)
{
	struct shm *s = rg_zalloc(1, sizeof(*s));
	struct address mine = {0};
	int rc;

	rc = rg_mapped_init(s ? &s->m : NULL, &rg_transport_shm, rdv, config, err);
	if (rc) {
		rg_free(s);
		return rc;
	}
	s->arena_bytes = rg_mapped_arena_bytes(&config->geometry, rdv->nranks);
	rc = make_mine(s, &mine, err);
	/* All or none: a rank that failed must not leave its peers waiting for its address. */
	rc = rg_rendezvous_agree(rdv, rc, rg_clock_ns() + config->timeout_ns, err);
	if (!rc)
		rc = rg_rendezvous_allgather(rdv, &mine, s->addresses, sizeof(mine),
					     rg_clock_ns() + config->timeout_ns, err);
	/* All see the same, and may know that they do. */
	if (!rc) {
		rc = check_addresses(s, err);
		rc = rg_rendezvous_agree(rdv, rc, rg_clock_ns() + config->timeout_ns, err);
	}
	if (config->leave_others)
		s->m.ep.caps &= ~(uint32_t)RG_CAP_READ; /* not of all */
	else if (!rc)
		rc = try_reading(s, err);
	if (rc) {
		shm_close(&s->m.ep);
		return rc;
	}
	*ep_out = &s->m.ep;
	return 0;
}

static int shm_connect(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, struct rg_err *err)
{
	const struct rg_geometry *g = &ep->config.geometry;
	struct shm *s = (struct shm *)ep;
	size_t len = rg_geometry_link_bytes(g);
	int rc = rg_endpoint_check(ep, peer, channel, err);

	if (rc || rg_endpoint_link(ep, channel, peer))
		return rc;
	rc = rg_shm_map_arena(s, peer, err);
	if (!rc)
		rc = reserve(s, s->peers[ep->rank].fd,
			     rg_mapped_region(g, ep->nranks, channel, peer), len,
			     "shm: a link's memory", err);
	if (!rc)
		rc = reserve(s, s->peers[peer].fd,
			     rg_mapped_region(g, ep->nranks, channel, ep->rank), len,
			     "shm: a link's memory", err);
	if (!rc)
		rc = rg_mapped_link(&s->m, peer, channel, err);
	return rc;
}

bool rg_shm_reaches(const struct rg_endpoint *ep, uint32_t peer)
{
	return !rg_shm_check_pair((const struct shm *)ep, ep->rank, peer, NULL);
}

const struct rg_transport_ops rg_transport_shm = {
	.name = "shm",
	.summary = "ranks are processes of one host that map each other's memory",
	.caps = RG_MAPPED_CAPS | RG_CAP_READ,
	.geometry = &rg_geometry_default,
	.system_calls =
		"none while polling; sched_yield, membarrier, poll and futex once a peer is "
		"late; process_vm_readv for protocol \"read\"",
	.probe = shm_probe,
	.open = shm_open_endpoint,
	.close = shm_close,
	.connect = shm_connect,
	.window_open = rg_shm_window_open,
	.window_close = rg_shm_window_close,
	.window_map = rg_shm_window_map,
	.lend = rg_endpoint_ignore_buffer,
	.take_back = rg_endpoint_ignore_buffer,
	.put = rg_mapped_put,
	.signal = rg_mapped_signal,
	.read = rg_shm_read,
	.flush = rg_mapped_flush,
	.progress = rg_mapped_progress,
	.idle = rg_mapped_idle,
	.wake = rg_mapped_wake,
	.peer_alive = rg_shm_peer_alive,
};
