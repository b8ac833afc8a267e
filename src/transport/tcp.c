/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp: the endpoint. See tcp_impl.h. */
#include "config.h"

#include "tcp_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

/* Who knocks is looked for once in so many calls of progress, unless somebody is expected. */
#define ADMIT_EVERY 256

#define SLEEP_MS 5

static void tcp_close(struct rg_endpoint *ep)
{
	struct tcp *t = (struct tcp *)ep;

	if (!t)
		return;
	for (uint32_t r = 0; t->tx && t->rx && r < ep->nranks; r++) {
		if (t->tx[r].side >= 0)
			close(t->tx[r].side);
		rg_free(t->tx[r].buf);
	}
	for (uint32_t c = 0; t->tx && t->rx && c < 2 * ep->nranks; c++) {
		if (t->rx[c].fd >= 0)
			close(t->rx[c].fd);
		rg_free(t->rx[c].stage);
	}
	for (int k = 0; k < TCP_GUESTS; k++) {
		if (t->guests[k].fd >= 0)
			close(t->guests[k].fd);
	}
	if (t->listener >= 0)
		close(t->listener);
	if (t->epoll >= 0)
		close(t->epoll);
	rg_free(t->tx);
	rg_free(t->rx);
	rg_free(t->dirty);
	rg_free(t->open);
	rg_free(t->nstreams);
	rg_free(t->addresses);
	framed_release(&t->f);
	rg_free(t);
}

static int make_tables(struct tcp *t, struct rg_err *err)
{
	uint32_t n = t->f.ep.nranks;

	t->listener = t->epoll = -1;
	for (int k = 0; k < TCP_GUESTS; k++)
		t->guests[k].fd = -1;
	t->addresses = rg_zalloc(n, sizeof(t->addresses[0]));
	t->tx = rg_zalloc(n, sizeof(t->tx[0]));
	t->rx = rg_zalloc(2 * (size_t)n, sizeof(t->rx[0]));
	for (uint32_t r = 0; t->tx && t->rx && r < n; r++)
		t->tx[r].fd = t->tx[r].side = t->rx[TCP_SHARED(r)].fd = t->rx[TCP_SIDE(r)].fd = -1;
	t->dirty = rg_zalloc(n, sizeof(t->dirty[0]));
	t->open = rg_zalloc(2 * (size_t)n, sizeof(t->open[0]));
	t->nstreams = rg_zalloc(n, sizeof(t->nstreams[0]));
	if (!t->addresses || !t->tx || !t->rx || !t->dirty || !t->open || !t->nstreams)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u peers", n);
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (t->epoll < 0)
		return rg_err_errno(err, errno, "tcp: epoll");
	return 0;
}

/* Are all ranks on one node: do they share a network namespace of one kernel? */
static int find_nodes(struct tcp *t, bool *one_node_out, struct rg_err *err)
{
	uint32_t local, nlocal;
	int rc = rg_endpoint_place(&t->f.ep, &local, &nlocal, err);

	*one_node_out = nlocal == t->f.ep.nranks;
	return rc;
}

static int make_mine(struct tcp *t, bool one_node, struct tcp_address *mine, struct rg_err *err)
{
	int rc = tcp_choose_address(t->f.ep.config.interface, one_node, mine, t->f.ep.about,
				    sizeof(t->f.ep.about), err);

	if (rc)
		return rc;
	/* Without the label of an address, "eth0:1". */
	snprintf(t->f.ep.nics, sizeof(t->f.ep.nics), "%.*s", (int)strcspn(mine->interface, ":"),
		 mine->interface);
	if (getrandom(mine->nonce, sizeof(mine->nonce), 0) != (ssize_t)sizeof(mine->nonce))
		return rg_err_errno(err, errno, "tcp: getrandom");
	return tcp_listen(t, mine, err);
}

/* All see the same. */
static int check_families(const struct tcp *t, struct rg_err *err)
{
	const struct tcp_address *first = &t->addresses[0];

	for (uint32_t r = 1; r < t->f.ep.nranks; r++) {
		const struct tcp_address *a = &t->addresses[r];

		if (a->sockaddr.ss_family != first->sockaddr.ss_family)
			return rg_err_set(err, RG_ERR_MISMATCH,
					  "tcp: rank 0 (%s) has IPv%d on %s, rank %u (%s) IPv%d on "
					  "%s: another interface? --tcp.interface",
					  t->f.ep.host[0],
					  first->sockaddr.ss_family == AF_INET ? 4 : 6,
					  first->interface, r, t->f.ep.host[r],
					  a->sockaddr.ss_family == AF_INET ? 4 : 6, a->interface);
	}
	return 0;
}

static int tcp_open(struct rg_rendezvous *rdv, const struct rg_transport_config *config,
		    struct rg_endpoint **ep_out, struct rg_err *err)
{
	struct tcp *t = rg_zalloc(1, sizeof(*t));
	struct tcp_address mine = {0};
	bool one_node = false;
	int rc;

	rc = rg_endpoint_init(t ? &t->f.ep : NULL, &rg_transport_tcp, rdv, config, err);
	if (rc) {
		rg_free(t);
		return rc;
	}
	rc = make_tables(t, err);
	rc = rg_rendezvous_agree(rdv, rc, rg_clock_ns() + config->timeout_ns, err);
	if (!rc)
		rc = find_nodes(t, &one_node, err);
	if (!rc) {
		rc = make_mine(t, one_node, &mine, err);
		rc = rg_rendezvous_agree(rdv, rc, rg_clock_ns() + config->timeout_ns, err);
	}
	if (!rc)
		rc = rg_rendezvous_allgather(rdv, &mine, t->addresses, sizeof(mine),
					     rg_clock_ns() + config->timeout_ns, err);
	if (!rc)
		rc = check_families(t, err);
	if (rc) {
		tcp_close(&t->f.ep);
		return rc;
	}
	*ep_out = &t->f.ep;
	return 0;
}

static int make_buffers(struct tcp *t, uint32_t peer, struct rg_err *err)
{
	struct tcp_rx *shared = &t->rx[TCP_SHARED(peer)], *side = &t->rx[TCP_SIDE(peer)];

	if (!t->tx[peer].buf)
		t->tx[peer].buf = rg_alloc(TCP_TX_BYTES);
	if (!shared->stage)
		shared->stage = rg_alloc(TCP_RX_BYTES);
	if (!side->stage && peer > t->f.ep.rank)
		side->stage = rg_alloc(TCP_RX_BYTES);
	if (t->tx[peer].buf && shared->stage && (side->stage || peer < t->f.ep.rank))
		return 0;
	return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for rank %u", peer);
}

static int tcp_connect(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, struct rg_err *err)
{
	int rc = rg_endpoint_check(ep, peer, channel, err);
	struct tcp *t = (struct tcp *)ep;

	if (rc || rg_endpoint_link(ep, channel, peer))
		return rc;
	if (peer != ep->rank) {
		rc = make_buffers(t, peer, err);
		if (!rc)
			rc = tcp_reach(t, peer, err);
	}
	return rc ? rc : framed_make_link(&t->f, peer, channel, err);
}

static void tcp_window_close(struct rg_window *window)
{
	const struct framed_window *w = (const struct framed_window *)window;
	struct tcp *t = w ? (struct tcp *)w->base.ep : NULL;

	/* What is still coming for it goes nowhere. */
	for (uint32_t c = 0; w && c < 2 * t->f.ep.nranks; c++) {
		struct tcp_rx *rx = &t->rx[c];

		if (rx->left && rx->frame.kind == FRAME_WINDOW && rx->frame.window == w->number)
			rx->to = NULL;
	}
	framed_window_close(window);
}

static int tcp_read(struct rg_endpoint *ep, uint32_t peer, void *dst, uint64_t address,
		    size_t len_bytes, struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_UNSUPPORTED, "tcp reads no memory of its peers");
}

/* Of many connections only those that have something. */
static bool receive_ready(struct tcp *t)
{
	struct epoll_event events[64];
	bool any = false;

	if (t->nopen > TCP_ASKED_PEERS && !t->nheld && !t->unwatched) {
		int n = epoll_wait(t->epoll, events, 64, 0);

		for (int k = 0; k < n; k++) {
			if (t->rx[events[k].data.u32].stage)
				any |= tcp_receive(t, events[k].data.u32);
		}
		return any;
	}
	for (uint32_t k = 0; k < t->nopen; k++) {
		if (t->rx[t->open[k]].stage)
			any |= tcp_receive(t, t->open[k]);
	}
	return any;
}

static int tcp_progress(struct rg_endpoint *ep, struct rg_err *err)
{
	struct tcp *t = (struct tcp *)ep;
	bool any;

	t->moved = false;
	tcp_flush(ep, err);
	any = t->moved;
	if (t->awaited || t->calls++ % ADMIT_EVERY == 0) {
		int admitted = tcp_admit(t, err);

		if (admitted < 0)
			return admitted;
		any |= admitted;
	}
	any |= receive_ready(t);
	return any;
}

/* Until something comes, or what waits here can go. */
static void sleep_a_little(struct tcp *t)
{
	struct pollfd fds[2 + 2 * TCP_ASKED_PEERS] = {{.fd = t->listener, .events = POLLIN}};
	nfds_t n = 1;

	if (t->nopen > TCP_ASKED_PEERS) {
		fds[n++] = (struct pollfd){.fd = t->epoll, .events = POLLIN};
	} else {
		for (uint32_t k = 0; k < t->nopen; k++) {
			const struct tcp_rx *rx = &t->rx[t->open[k]];

			if (rx->stage && !rx->stalled)
				fds[n++] = (struct pollfd){.fd = rx->fd, .events = POLLIN};
		}
	}
	for (uint32_t k = 0; k < t->ndirty && k < TCP_ASKED_PEERS; k++)
		fds[n++] = (struct pollfd){.fd = t->tx[t->dirty[k]].fd, .events = POLLOUT};
	poll(fds, n, SLEEP_MS);
}

static void tcp_idle(struct rg_endpoint *ep, uint32_t n)
{
	struct tcp *t = (struct tcp *)ep;

	if (n < ep->config.patience.spins)
		return; /* asking the sockets takes long enough */
	if (n - ep->config.patience.spins < ep->config.patience.yields) {
		sched_yield();
		return;
	}
	sleep_a_little(t);
	t->calls = 0; /* whoever ended the sleep may have knocked */
}

static void tcp_wake(struct rg_endpoint *ep, uint32_t peer)
{
	/* What arrives wakes. */
}

/*
 * What cannot be sent to a peer any more is no sign: it may have done its part and closed, and what
 * it sent before is still to be read. Where nothing is read from it yet, its end of our connection
 * is looked at.
 */
static bool is_gone(const struct tcp *t, uint32_t peer)
{
	const struct tcp_rx *shared = &t->rx[TCP_SHARED(peer)];
	struct pollfd side = {.fd = t->tx[peer].side, .events = POLLRDHUP};

	if (shared->gone || t->rx[TCP_SIDE(peer)].gone)
		return true;
	return shared->fd < 0 && (t->tx[peer].gone || (side.fd >= 0 && poll(&side, 1, 0) > 0));
}

static int tcp_peer_alive(struct rg_endpoint *ep, uint32_t peer, struct rg_err *err)
{
	struct tcp *t = (struct tcp *)ep;
	int rc = rg_endpoint_check(ep, peer, 0, err);

	if (rc)
		return rc;
	for (uint32_t c = TCP_SHARED(peer); c <= TCP_SIDE(peer); c++) {
		if (t->rx[c].fault)
			return rg_err_set(err, RG_ERR_PEER, "rank %u (%s) was cut off: %s", peer,
					  ep->host[peer], t->rx[c].fault);
	}
	if (is_gone(t, peer))
		return rg_err_set(err, RG_ERR_PEER, "rank %u (%s) has closed its connection", peer,
				  ep->host[peer]);
	return 0;
}

const struct rg_transport_ops rg_transport_tcp = {
	.name = "tcp",
	.summary = "sockets over a network interface",
	.caps = RG_CAP_DATA,
	.geometry = &rg_geometry_tcp,
	.system_calls = "send, sendmsg, recv, recvmsg, accept4, epoll_wait; sched_yield and poll "
			"once a peer is late; mmap where a peer sends before this rank connects",
	.probe = tcp_probe,
	.open = tcp_open,
	.close = tcp_close,
	.connect = tcp_connect,
	.window_open = framed_window_open,
	.window_close = tcp_window_close,
	.window_map = framed_window_map,
	.lend = rg_endpoint_ignore_buffer,
	.take_back = rg_endpoint_ignore_buffer,
	.put = tcp_put,
	.signal = tcp_signal,
	.read = tcp_read,
	.flush = tcp_flush,
	.progress = tcp_progress,
	.idle = tcp_idle,
	.wake = tcp_wake,
	.peer_alive = tcp_peer_alive,
};
