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

#include "mapped.h"
#include "shm_probe.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"
#include "railgauge/base/sha256.h"
#include "railgauge/device/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

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
	uint64_t left_bytes; /* of memory, at least, as far as is known; see reserve */
};

/* What a rank tells of a window. */
struct window_address {
	uint64_t len_bytes;
	int32_t fd;
	int32_t pad;
};

struct shm_window {
	struct rg_window w;
	struct rg_buffer *map;	      /* owned, [nranks]: mappings of the peers' buffers */
	struct window_address *peers; /* owned, [nranks] */
};

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

static int shm_probe(struct rg_err *err)
{
	struct address a;
	int rc = own_address(&a, err);

	return rc ? rc : rg_shm_probe_memory(err);
}

static void proof_of(const struct shm *s, uint32_t rank, uint8_t proof_out[32])
{
	static const char purpose[] = "railgauge arena of rank";
	struct rg_hmac mac;

	rg_hmac_init(&mac, s->m.ep.rdv->job_key, sizeof(s->m.ep.rdv->job_key));
	rg_hmac_add(&mac, purpose, sizeof(purpose));
	rg_hmac_add(&mac, &rank, sizeof(rank));
	rg_hmac_end(&mac, proof_out);
}

/*
 * Asks before taking: in a memory cgroup the answer to taking too much is SIGKILL. The limits are
 * read when, by what they left the last time, all ranks together could have taken it since.
 */
static int reserve(struct shm *s, int fd, size_t offset, size_t len_bytes, const char *what,
		   struct rg_err *err)
{
	uint64_t all = (uint64_t)len_bytes * s->m.ep.nranks;

	if (s->left_bytes < all) {
		const char *limit = NULL;

		s->left_bytes = rg_memory_available_bytes(&limit);
		if (s->left_bytes < len_bytes)
			return rg_err_set(err, RG_ERR_LIMIT,
					  "%s needs %zu bytes, more than %s leaves", what,
					  len_bytes, limit);
	}
	s->left_bytes -= all < s->left_bytes ? all : s->left_bytes;
	return rg_memfd_reserve(fd, offset, len_bytes, what, err);
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
	proof_of(s, s->m.ep.rank, head->proof);
	s->m.mine = head;
	s->m.peers[s->m.ep.rank] = head;
	s->peers[s->m.ep.rank].fd = fd;
	return 0;

close_fd:
	close(fd);
	return rc;
}

/* The same pair of ranks in the same words on every rank: the first that differs from rank 0. */
static int check_addresses(const struct shm *s, struct rg_err *err)
{
	const struct rg_endpoint *ep = &s->m.ep;
	const struct address *first = &s->addresses[0];

	for (uint32_t r = 1; r < ep->nranks; r++) {
		const struct address *a = &s->addresses[r];
		bool pid = a->pid_namespace != first->pid_namespace;

		if (memcmp(a->boot_id, first->boot_id, sizeof(first->boot_id)))
			return rg_err_set(
				err, RG_ERR_UNSUPPORTED,
				"shm: rank 0 (%s) and rank %u (%s) are on different hosts",
				ep->host[0], r, ep->host[r]);
		if (pid || a->ipc_namespace != first->ipc_namespace)
			return rg_err_set(
				err, RG_ERR_UNSUPPORTED,
				"shm: rank 0 (%s) and rank %u (%s) are in different %s namespaces, "
				"%s:[%" PRIu64 "] and [%" PRIu64 "]: separate containers?",
				ep->host[0], r, ep->host[r], pid ? "PID" : "IPC",
				pid ? "pid" : "ipc",
				pid ? first->pid_namespace : first->ipc_namespace,
				pid ? a->pid_namespace : a->ipc_namespace);
	}
	return 0;
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

static int shm_read(struct rg_endpoint *ep, uint32_t peer, void *dst, uint64_t address,
		    size_t len_bytes, struct rg_err *err)
{
	const struct shm *s = (const struct shm *)ep;
	struct iovec to = {dst, len_bytes}, from = {(void *)(uintptr_t)address, len_bytes};
	int rc = rg_mapped_check(ep, peer, 0, err);

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
		uint64_t magic = 0;

		works = !shm_read(ep, r, &magic, s->addresses[r].head, sizeof(magic), NULL) &&
			magic == RG_ARENA_MAGIC;
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
	if (!rc)
		rc = rg_rendezvous_agree(rdv, check_addresses(s, err),
					 rg_clock_ns() + config->timeout_ns, err);
	if (!rc)
		rc = try_reading(s, err);
	if (rc) {
		shm_close(&s->m.ep);
		return rc;
	}
	*ep_out = &s->m.ep;
	return 0;
}

static int shm_peer_alive(struct rg_endpoint *ep, uint32_t peer, struct rg_err *err)
{
	struct shm *s = (struct shm *)ep;
	struct pollfd p = {.events = POLLIN};
	int rc = rg_mapped_check(ep, peer, 0, err);

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

/*
 * A descriptor of the peer's, which is memory of at least len_bytes. The process behind the pidfd
 * had the number before the opening and still has it afterwards, so it is the one that was opened.
 */
static int open_peer_fd(struct shm *s, uint32_t rank, int fd, size_t len_bytes, int *fd_out,
			struct rg_err *err)
{
	struct peer *p = &s->peers[rank];
	char path[64], what[160];
	int got, e, rc;

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
	rc = shm_peer_alive(&s->m.ep, rank, err);
	if (!rc)
		rc = rg_memfd_check(got, len_bytes, what, err);
	if (rc) {
		close(got);
		return rc;
	}
	*fd_out = got;
	return 0;
}

static int map_arena(struct shm *s, uint32_t rank, struct rg_err *err)
{
	struct rg_endpoint *ep = &s->m.ep;
	struct arena_head *head;
	uint8_t proof[32];
	int rc, fd;

	if (s->m.peers[rank])
		return 0;
	rc = open_peer_fd(s, rank, s->addresses[rank].fd, s->arena_bytes, &fd, err);
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
	proof_of(s, rank, proof);
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

static int shm_connect(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, struct rg_err *err)
{
	const struct rg_geometry *g = &ep->config.geometry;
	struct shm *s = (struct shm *)ep;
	size_t len = rg_geometry_link_bytes(g);
	int rc = rg_mapped_check(ep, peer, channel, err);

	if (rc || rg_endpoint_link(ep, channel, peer))
		return rc;
	rc = map_arena(s, peer, err);
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

static void shm_window_close(struct rg_window *window)
{
	struct shm_window *w = (struct shm_window *)window;

	if (!w)
		return;
	for (uint32_t r = 0; w->map && r < w->w.ep->nranks; r++)
		rg_buffer_close(&w->map[r]);
	rg_mapped_window_release(&w->w);
	rg_free(w->map);
	rg_free(w->peers);
	rg_free(w);
}

static int make_window(struct rg_endpoint *ep, const struct rg_buffer *buffer,
		       struct shm_window **out, struct rg_err *err)
{
	struct shm_window *w;
	int rc;

	if (buffer->kind != RG_MEMORY_SHARED)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "shm: a window needs \"shared\" memory, this buffer is \"%s\"",
				  rg_memory_kind_name(buffer->kind));
	w = rg_zalloc(1, sizeof(*w));
	if (!w)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a window");
	rc = rg_mapped_window_init(&w->w, (struct mapped *)ep, buffer, err);
	if (rc) {
		rg_free(w);
		return rc;
	}
	w->map = rg_zalloc(ep->nranks, sizeof(w->map[0]));
	w->peers = rg_zalloc(ep->nranks, sizeof(w->peers[0]));
	if (!w->map || !w->peers) {
		shm_window_close(&w->w);
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a window");
	}
	*out = w;
	return 0;
}

static int shm_window_open(struct rg_endpoint *ep, const struct rg_buffer *buffer,
			   struct rg_window **window_out, struct rg_err *err)
{
	struct window_address mine = {.len_bytes = buffer->len_bytes, .fd = buffer->fd};
	struct shm_window *w = NULL;
	int rc;

	rc = make_window(ep, buffer, &w, err);
	rc = rg_rendezvous_agree(ep->rdv, rc, rg_clock_ns() + ep->config.timeout_ns, err);
	if (!rc)
		rc = rg_rendezvous_allgather(ep->rdv, &mine, w->peers, sizeof(mine),
					     rg_clock_ns() + ep->config.timeout_ns, err);
	if (rc) {
		shm_window_close(w ? &w->w : NULL);
		return rc;
	}
	*window_out = &w->w;
	return 0;
}

static int shm_window_map(struct rg_window *window, uint32_t peer, struct rg_err *err)
{
	struct shm_window *w = (struct shm_window *)window;
	struct shm *s = (struct shm *)window->ep;
	int rc = rg_mapped_check(window->ep, peer, 0, err), fd;

	if (rc || window->remote[peer])
		return rc;
	rc = map_arena(s, peer, err); /* proves that the process is the peer */
	if (!rc)
		rc = open_peer_fd(s, peer, w->peers[peer].fd, w->peers[peer].len_bytes, &fd, err);
	if (rc)
		return rc;
	rc = rg_buffer_map(fd, w->peers[peer].len_bytes, &w->map[peer], err);
	close(fd);
	if (rc)
		return rc;
	rg_mapped_window_set(window, peer, w->map[peer].base, w->map[peer].len_bytes);
	return 0;
}

const struct rg_transport_ops rg_transport_shm = {
	.name = "shm",
	.summary = "ranks are processes of one host that map each other's memory",
	.caps = RG_MAPPED_CAPS | RG_CAP_READ,
	.system_calls =
		"none while polling; sched_yield, membarrier, poll and futex once a peer is "
		"late; process_vm_readv for protocol \"read\"",
	.probe = shm_probe,
	.open = shm_open_endpoint,
	.close = shm_close,
	.connect = shm_connect,
	.window_open = shm_window_open,
	.window_close = shm_window_close,
	.window_map = shm_window_map,
	.put = rg_mapped_put,
	.signal = rg_mapped_signal,
	.read = shm_read,
	.progress = rg_mapped_progress,
	.idle = rg_mapped_idle,
	.wake = rg_mapped_wake,
	.peer_alive = shm_peer_alive,
};
