/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp: connections. Whoever knocks is a guest until its first words prove that it is a peer of this
 * job that has not come yet; guests that say something else, or nothing for a while, are shown out.
 */
#include "config.h"

#include "tcp_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/io.h"

#include <endian.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define GUEST_NS	 ((uint64_t)5000000000)
#define ADMITTED_AT_ONCE 16

static int set_congestion(int fd, const char *name, struct rg_err *err)
{
	char allowed[128];
	int e;

	if (!name || !setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)))
		return 0;
	e = errno;
	if (!rg_io_read_line("/proc/sys/net/ipv4/tcp_allowed_congestion_control", allowed,
			     sizeof(allowed)))
		snprintf(allowed, sizeof(allowed), "unknown");
	if (e == EPERM)
		return rg_err_set(
			err, RG_ERR_DENIED,
			"tcp: congestion control %s is for root here; users may choose %s", name,
			allowed);
	return rg_err_errno(err, e, "tcp: congestion control %s (users may choose %s)", name,
			    allowed);
}

void rg_congestion_join(char names[RG_CONGESTION_BYTES], const char *more)
{
	while (*more) {
		size_t len = strcspn(more, " "), used = strlen(names);
		const char *have = names;

		while (*have && (strncmp(have, more, len) || strcspn(have, " ") != len)) {
			have += strcspn(have, " ");
			have += *have == ' ';
		}
		if (!*have && used + len + 2 <= RG_CONGESTION_BYTES)
			snprintf(names + used, RG_CONGESTION_BYTES - used, "%s%.*s",
				 used ? " " : "", (int)len, more);
		more += len;
		more += *more == ' ';
	}
}

static void join_of_socket(int fd, char names[RG_CONGESTION_BYTES])
{
	char name[17] = "";
	socklen_t len = sizeof(name) - 1;

	if (fd >= 0 && !getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len))
		rg_congestion_join(names, name);
}

void rg_endpoint_congestion(const struct rg_endpoint *ep, char names[RG_CONGESTION_BYTES])
{
	const struct tcp *t;

	memset(names, 0, RG_CONGESTION_BYTES);
	if (ep->ops == &rg_transport_mixed)
		ep = rg_mixed_far(ep);
	if (ep->ops != &rg_transport_tcp)
		return;
	t = (const struct tcp *)ep;
	for (uint32_t r = 0; r < ep->nranks; r++)
		join_of_socket(t->tx[r].fd, names);
	if (!names[0])
		join_of_socket(t->listener, names);
}

/* Where one cannot be watched, all are asked. */
static void watch(struct tcp *t, uint32_t connection)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = connection};

	/* It is already, where there were as many before and some have left. */
	if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, t->rx[connection].fd, &event) && errno != EEXIST)
		t->unwatched = true;
}

/*
 * Being watched costs each packet on a connection a callback, so it is done only where there are
 * more peers than are asked one by one.
 */
static void watch_peers(struct tcp *t)
{
	if (t->nopen == TCP_ASKED_PEERS + 1) {
		for (uint32_t k = 0; k < t->nopen; k++)
			watch(t, t->open[k]);
	} else if (t->nopen > TCP_ASKED_PEERS) {
		watch(t, t->open[t->nopen - 1]);
	}
}

static void start_reading(struct tcp *t, uint32_t connection, int fd)
{
	t->rx[connection].fd = fd;
	t->open[t->nopen++] = connection;
	watch_peers(t);
}

/*
 * A connection or two per peer, the guests', the listening one and epoll. What meets over links of
 * its own (measure/meet.h) has a second endpoint, of as many peers or fewer.
 */
static int too_many_files(const struct tcp *t, int errnum, struct rg_err *err)
{
	uint32_t files = 2 * t->f.ep.nranks + TCP_GUESTS;

	return rg_err_errno(err, errnum,
			    "tcp: %u ranks take up to %u open files each, and bench, which meets "
			    "over links of its own, up to %u",
			    t->f.ep.nranks, files, 2 * files);
}

/*
 * To the interface that the address is of: routes look at the destination, and two interfaces in
 * one subnet have the same ones. Before all else, since who is bound already may not change it.
 */
static int bind_device(int fd, const char *interface)
{
	char device[16];
	int n = snprintf(device, sizeof(device), "%.*s", (int)strcspn(interface, ":"), interface);

	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)n) ? errno : 0;
}

static void bind_listener(struct tcp *t, const struct tcp_address *a)
{
	size_t used = strlen(t->f.ep.about);
	int e = bind_device(t->listener, a->interface);

	t->bound = !e;
	if (e && a->twin[0])
		snprintf(t->f.ep.about + used, sizeof(t->f.ep.about) - used,
			 ", not bound to it (%s), and %s is in the same subnet", strerror(e),
			 a->twin);
}

/* A host that is gone without a word is known to be so in time. Accepted sockets inherit it. */
static void set_patience(const struct tcp *t, int fd)
{
	unsigned int patience_ms = (unsigned int)(t->f.ep.config.timeout_ns / 1000000);

	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof(patience_ms));
}

int tcp_listen(struct tcp *t, struct tcp_address *a, struct rg_err *err)
{
	socklen_t len = sizeof(a->sockaddr);
	char text[64];
	int rc;

	t->listener = socket(a->sockaddr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->listener < 0)
		return rg_err_errno(err, errno, "tcp: a socket");
	rc = set_congestion(t->listener, t->f.ep.config.congestion, err);
	if (rc)
		return rc;
	set_patience(t, t->listener);
	bind_listener(t, a);
	tcp_address_text(a, text, sizeof(text));
	if (bind(t->listener, (struct sockaddr *)&a->sockaddr, a->sockaddr_bytes) ||
	    listen(t->listener, SOMAXCONN) ||
	    getsockname(t->listener, (struct sockaddr *)&a->sockaddr, &len))
		return rg_err_errno(err, errno, "tcp: listening on %s (%s)", text, a->interface);
	return 0;
}

/* --- out --- */

/* From the address we listen on, with a port of its own. */
static int bind_source(struct tcp *t, int fd, struct rg_err *err)
{
	struct tcp_address a = t->addresses[t->f.ep.rank];
	int one = 1;

	if (t->bound) {
		int e = bind_device(fd, a.interface);

		if (e)
			return rg_err_errno(err, e, "tcp: binding a socket to %s", a.interface);
	}
	/* The port is chosen with the destination: not one of its own for each connection. */
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (a.sockaddr.ss_family == AF_INET)
		((struct sockaddr_in *)&a.sockaddr)->sin_port = 0;
	else
		((struct sockaddr_in6 *)&a.sockaddr)->sin6_port = 0;
	if (bind(fd, (struct sockaddr *)&a.sockaddr, a.sockaddr_bytes))
		return rg_err_errno(err, errno, "tcp: sending from %s", a.interface);
	return 0;
}

static int not_reached(const struct tcp *t, uint32_t peer, int errnum, struct rg_err *err)
{
	const struct tcp_address *from = &t->addresses[t->f.ep.rank], *to = &t->addresses[peer];
	bool late = errnum == ETIMEDOUT, twins = from->twin[0] || to->twin[0];
	char text[64];

	tcp_address_text(to, text, sizeof(text));
	return rg_err_set(err, late ? RG_ERR_TIMEOUT : RG_ERR_PEER,
			  "tcp: rank %u (%s) at %s (its %s) cannot be reached from %s: %s; another "
			  "interface? --tcp.interface%s",
			  peer, t->f.ep.host[peer], text, to->interface, from->interface,
			  strerror(errnum),
			  twins ? " (interfaces in one subnet answer for each other: sysctl "
				  "net.ipv4.conf.all.arp_ignore=1)"
				: "");
}

static int finish_connect(int fd, uint64_t until_ns)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t len = sizeof(int);
	int e = 0;

	for (;;) {
		uint64_t now = rg_clock_ns();
		int n;

		if (now >= until_ns)
			return ETIMEDOUT;
		n = poll(&p, 1, (int)((until_ns - now) / 1000000 + 1));
		if (n < 0 && errno != EINTR)
			return errno;
		if (n > 0)
			break;
	}
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) ? errno : e;
}

static int open_connection(struct tcp *t, uint32_t peer, uint32_t stream, int fd,
			   struct rg_err *err)
{
	struct tcp_address at = t->addresses[peer], *a = &at;
	struct tcp_hello hello;
	int one = 1, rc, e = 0;

	rc = set_congestion(fd, t->f.ep.config.congestion, err);
	if (!rc)
		rc = bind_source(t, fd, err);
	if (rc)
		return rc;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	set_patience(t, fd);
	/* The scope of a link-local address is this rank's interface, not the peer's. */
	if (a->sockaddr.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&a->sockaddr)->sin6_scope_id =
			((struct sockaddr_in6 *)&t->addresses[t->f.ep.rank].sockaddr)
				->sin6_scope_id;
	/* Half: the others wait timeout_ns to agree on how this ended, and are to hear of it. */
	if (connect(fd, (const struct sockaddr *)&a->sockaddr, a->sockaddr_bytes))
		e = errno == EINPROGRESS
			    ? finish_connect(fd, rg_clock_ns() + t->f.ep.config.timeout_ns / 2)
			    : errno;
	if (e)
		return not_reached(t, peer, e, err);
	tcp_hello_make(&hello, t->f.ep.rank, peer, stream, t->f.ep.rdv->job_key,
		       t->addresses[t->f.ep.rank].nonce, a->nonce);
	/* The first words on a new connection: there is room for them. */
	if (send(fd, &hello, sizeof(hello), MSG_NOSIGNAL) != (ssize_t)sizeof(hello))
		return not_reached(t, peer, errno, err);
	return 0;
}

int tcp_knock(struct tcp *t, uint32_t peer, uint32_t stream, int *fd_out, struct rg_err *err)
{
	int fd = socket(t->addresses[peer].sockaddr.ss_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0 && (errno == EMFILE || errno == ENFILE))
		return too_many_files(t, errno, err);
	if (fd < 0)
		return rg_err_errno(err, errno, "tcp: a socket");
	rc = open_connection(t, peer, stream, fd, err);
	if (rc)
		close(fd);
	else
		*fd_out = fd;
	return rc;
}

int tcp_reach(struct tcp *t, uint32_t peer, struct rg_err *err)
{
	struct tcp_tx *tx = &t->tx[peer];
	int fd, rc;

	if (tx->fd >= 0)
		return 0;
	if (t->rx[TCP_SHARED(peer)].fd >= 0) {
		tx->fd = t->rx[TCP_SHARED(peer)].fd;
		return 0;
	}
	rc = tcp_knock(t, peer, 0, &fd, err);
	if (rc)
		return rc;
	tx->fd = fd;
	if (t->f.ep.rank < peer) {
		start_reading(t, TCP_SHARED(peer), fd);
	} else {
		tx->side = fd;
		t->awaited++;
	}
	return 0;
}

/* --- in --- */

void tcp_cut_off(struct tcp *t, uint32_t connection, const char *fault)
{
	struct tcp_rx *rx = &t->rx[connection];

	if (rx->gone)
		return;
	rx->gone = true;
	rx->fault = fault;
	tcp_stop_reading(t, connection);
	if (fault) /* it learns of it, instead of waiting for ever */
		shutdown(rx->fd, SHUT_RDWR);
}

void tcp_stop_reading(struct tcp *t, uint32_t connection)
{
	struct tcp_rx *rx = &t->rx[connection];

	epoll_ctl(t->epoll, EPOLL_CTL_DEL, rx->fd, NULL);
	for (uint32_t k = 0; k < t->nopen; k++) {
		if (t->open[k] == connection) {
			t->open[k] = t->open[--t->nopen];
			break;
		}
	}
}

static void show_out(struct tcp_guest *g)
{
	close(g->fd);
	g->fd = -1;
}

static bool is_proved(const struct tcp *t, const struct tcp_guest *g, uint32_t from,
		      uint32_t stream)
{
	struct tcp_hello proof;

	tcp_hello_make(&proof, from, t->f.ep.rank, stream, t->f.ep.rdv->job_key,
		       t->addresses[from].nonce, t->addresses[t->f.ep.rank].nonce);
	return rg_equal_constant_time((const uint8_t *)&proof, (const uint8_t *)&g->hello,
				      sizeof(proof));
}

/* A guest whose words are complete: is it the peer that it says it is? */
static bool let_in(struct tcp *t, struct tcp_guest *g)
{
	uint32_t from = le32toh(g->hello.from), stream = le32toh(g->hello.stream);
	uint32_t connection;
	int *place = NULL;

	if (from >= t->f.ep.nranks || from == t->f.ep.rank)
		return false;
	connection = from < t->f.ep.rank ? TCP_SHARED(from) : TCP_SIDE(from);
	if (stream)
		place = tcp_stream_place(t, from, stream);
	/* A side connection is for what comes before all else. */
	if (stream ? !place : t->rx[connection].fd >= 0 || t->rx[TCP_SHARED(from)].used)
		return false;
	if (!is_proved(t, g, from, stream))
		return false;
	if (place) {
		*place = g->fd;
		g->fd = -1;
		return true;
	}
	start_reading(t, connection, g->fd);
	/* Our side connection has done its duty. */
	if (from < t->f.ep.rank && t->tx[from].fd >= 0) {
		t->tx[from].turn = TCP_TURN_DUE;
		t->awaited--;
	}
	g->fd = -1;
	return true;
}

/* True if a peer was let in. */
static bool hear(struct tcp *t, struct tcp_guest *g)
{
	ssize_t n = recv(g->fd, (uint8_t *)&g->hello + g->have, sizeof(g->hello) - g->have,
			 MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
		if (rg_clock_ns() > g->until_ns)
			show_out(g);
		return false;
	}
	if (n > 0)
		g->have += (uint32_t)n;
	if (n > 0 && g->have < sizeof(g->hello))
		return false;
	if (n > 0 && let_in(t, g))
		return true;
	show_out(g);
	return false;
}

/* A free place, or that of a guest who has had its time; NULL: the next one has to wait outside. */
static struct tcp_guest *find_place(struct tcp *t)
{
	uint64_t now = rg_clock_ns();

	for (int k = 0; k < TCP_GUESTS; k++) {
		struct tcp_guest *g = &t->guests[k];

		if (g->fd >= 0 && now > g->until_ns)
			show_out(g);
		if (g->fd < 0)
			return g;
	}
	return NULL;
}

/*
 * Accepting has failed for want of open files, which it does whether or not anybody is there: is it
 * a peer's loss? Guests give theirs back soon.
 */
static bool is_kept_waiting(const struct tcp *t)
{
	struct pollfd door = {.fd = t->listener, .events = POLLIN};

	for (int k = 0; k < TCP_GUESTS; k++) {
		if (t->guests[k].fd >= 0)
			return false;
	}
	return poll(&door, 1, 0) > 0;
}

int tcp_admit(struct tcp *t, struct rg_err *err)
{
	bool any = false;
	int one = 1;

	for (int k = 0; k < TCP_GUESTS; k++) {
		if (t->guests[k].fd >= 0)
			any |= hear(t, &t->guests[k]);
	}
	for (int n = 0; n < ADMITTED_AT_ONCE; n++) {
		struct tcp_guest *g = find_place(t);
		int fd = g ? accept4(t->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) : -1;

		int e = g && fd < 0 ? errno : 0;

		if ((e == EMFILE || e == ENFILE) && is_kept_waiting(t))
			return too_many_files(t, e, err);
		if (fd < 0)
			break; /* nobody, or nothing that could be mended here */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		*g = (struct tcp_guest){.fd = fd, .until_ns = rg_clock_ns() + GUEST_NS};
		any |= hear(t, g); /* a peer has spoken by now, and leaves its place at once */
	}
	return any;
}
