/* SPDX-License-Identifier: BSD-3-Clause */
/* How shm reaches a peer: its descriptors through /proc, its arena, its memory, its life. */
#include "config.h"

#include "shm_impl.h"

#include "railgauge/base/sha256.h"
#include "railgauge/device/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

void rg_shm_proof(const struct shm *s, uint32_t rank, uint8_t proof_out[32])
{
	static const char purpose[] = "railgauge arena of rank";
	struct rg_hmac mac;

	rg_hmac_init(&mac, s->m.ep.rdv->job_key, sizeof(s->m.ep.rdv->job_key));
	rg_hmac_add(&mac, purpose, sizeof(purpose));
	rg_hmac_add(&mac, &rank, sizeof(rank));
	rg_hmac_end(&mac, proof_out);
}

int rg_shm_peer_alive(struct rg_endpoint *ep, uint32_t peer, struct rg_err *err)
{
	struct shm *s = (struct shm *)ep;
	struct pollfd p = {.events = POLLIN};
	int rc = rg_endpoint_check(ep, peer, 0, err);

	if (rc)
		return rc;
	p.fd = s->peers[peer].pidfd;
	if (p.fd < 0 || poll(&p, 1, 0) < 1)
		return 0;
	return rg_err_set(err, RG_ERR_PEER, "rank %u (%s, process %d) is gone", peer,
			  ep->host[peer], s->addresses[peer].pid);
}

static int no_descriptor(const struct shm *s, int errnum, struct rg_err *err)
{
	return rg_err_errno(err, errnum, "shm: %u ranks take up to %u open files each",
			    s->m.ep.nranks, 2 * s->m.ep.nranks + 32);
}

int rg_shm_open_fd(struct shm *s, uint32_t rank, int fd, size_t len_bytes, int *fd_out,
		   struct rg_err *err)
{
	struct peer *p = &s->peers[rank];
	char path[64], what[160];
	int got, e, rc;

	rc = rg_shm_check_pair(s, s->m.ep.rank, rank, err);
	if (rc)
		return rc;
	if (p->pidfd < 0)
		p->pidfd = (int)syscall(SYS_pidfd_open, s->addresses[rank].pid, 0);
	e = errno;
	if (p->pidfd < 0 && (e == EMFILE || e == ENFILE)) /* others: a kernel without */
		return no_descriptor(s, e, err);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", s->addresses[rank].pid, fd);
	got = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	e = errno;
	snprintf(what, sizeof(what), "shm: the memory of rank %u (%s, process %d)", rank,
		 s->m.ep.host[rank], s->addresses[rank].pid);
	if (got < 0 && (e == EMFILE || e == ENFILE))
		return no_descriptor(s, e, err);
	if (got < 0 && (e == ENOENT || e == ESRCH)) {
		bool there = kill(s->addresses[rank].pid, 0) == 0 || errno == EPERM;

		return rg_err_set(err, RG_ERR_PEER, "%s cannot be opened: %s", what,
				  there ? "it has given up" : "the process is gone");
	}
	if (got < 0)
		return rg_err_errno(err, e, "%s cannot be opened", what);
	rc = rg_shm_peer_alive(&s->m.ep, rank, err);
	if (!rc)
		rc = rg_memfd_check(got, len_bytes, what, err);
	if (rc) {
		close(got);
		return rc;
	}
	*fd_out = got;
	return 0;
}

int rg_shm_map_arena(struct shm *s, uint32_t rank, struct rg_err *err)
{
	struct rg_endpoint *ep = &s->m.ep;
	struct arena_head *head;
	uint8_t proof[32];
	int rc, fd;

	if (s->m.peers[rank])
		return 0;
	rc = rg_shm_open_fd(s, rank, s->addresses[rank].fd, s->arena_bytes, &fd, err);
	if (rc)
		return rc;
	head = mmap(NULL, s->arena_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
		    0);
	if (head == MAP_FAILED) {
		rc = rg_err_errno(err, errno, "shm: mapping the arena of rank %u (%s)", rank,
				  ep->host[rank]);
		close(fd);
		return rc;
	}
	rg_shm_proof(s, rank, proof);
	if (head->magic != RG_ARENA_MAGIC || head->rank != rank || head->nranks != ep->nranks ||
	    !rg_equal_constant_time(head->proof, proof, sizeof(proof))) {
		munmap(head, s->arena_bytes);
		close(fd);
		return rg_err_set(err, RG_ERR_DENIED,
				  "shm: process %d (%s) is not rank %u of this job",
				  s->addresses[rank].pid, ep->host[rank], rank);
	}
	s->m.peers[rank] = head;
	s->peers[rank].fd = fd;
	return 0;
}

int rg_shm_read(struct rg_endpoint *ep, uint32_t peer, void *dst, uint64_t address,
		size_t len_bytes, struct rg_err *err)
{
	const struct shm *s = (const struct shm *)ep;
	struct iovec to = {dst, len_bytes}, from = {(void *)(uintptr_t)address, len_bytes};
	int rc = rg_endpoint_check(ep, peer, 0, err);

	if (rc)
		return rc;
	if (!(ep->caps & RG_CAP_READ))
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "shm: not every rank may read the others' memory");
	while (to.iov_len) {
		ssize_t n = process_vm_readv(s->addresses[peer].pid, &to, 1, &from, 1, 0);

		if (n <= 0) {
			int e = n ? errno : EFAULT;

			return rg_err_set(err, e == ESRCH ? RG_ERR_PEER : RG_ERR_SYSTEM,
					  "shm: reading %zu bytes of rank %u (%s, process %d): %s",
					  to.iov_len, peer, ep->host[peer], s->addresses[peer].pid,
					  e == ESRCH ? "the process is gone" : strerror(e));
		}
		to = (struct iovec){(char *)to.iov_base + n, to.iov_len - (size_t)n};
		from = (struct iovec){(char *)from.iov_base + n, from.iov_len - (size_t)n};
	}
	return 0;
}
