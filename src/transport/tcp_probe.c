/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp: does it work here at all? */
#include "config.h"

#include "tcp_impl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define PROBE_MS 1000

struct probe {
	int listener, out, in; /* -1: not there */
};

static int open_socket(const struct tcp_address *a, int *fd_out, struct rg_err *err)
{
	*fd_out = socket(a->sockaddr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return *fd_out < 0 ? rg_err_errno(err, errno, "tcp: a socket") : 0;
}

static int probe_listen(struct probe *p, struct tcp_address *a, struct rg_err *err)
{
	socklen_t len = sizeof(a->sockaddr);
	int rc = open_socket(a, &p->listener, err);

	if (rc)
		return rc;
	if (bind(p->listener, (struct sockaddr *)&a->sockaddr, a->sockaddr_bytes) ||
	    listen(p->listener, 1) ||
	    getsockname(p->listener, (struct sockaddr *)&a->sockaddr, &len))
		return rg_err_errno(err, errno, "tcp: listening on %s", a->interface);
	return 0;
}

static int wait_for(int fd, const struct tcp_address *a, struct rg_err *err)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n = poll(&p, 1, PROBE_MS);

	if (n < 0)
		return rg_err_errno(err, errno, "tcp: waiting for a connection on %s",
				    a->interface);
	if (n == 0)
		return rg_err_set(err, RG_ERR_SYSTEM,
				  "tcp: a connection of this process to itself on %s does not come "
				  "through",
				  a->interface);
	return 0;
}

/* A connection, and a byte through it. */
static int probe_connect(struct probe *p, const struct tcp_address *a, struct rg_err *err)
{
	char byte = 17;
	int rc = open_socket(a, &p->out, err);

	if (rc)
		return rc;
	if (connect(p->out, (const struct sockaddr *)&a->sockaddr, a->sockaddr_bytes) &&
	    errno != EINPROGRESS)
		return rg_err_errno(err, errno, "tcp: connecting on %s", a->interface);
	rc = wait_for(p->listener, a, err);
	if (rc)
		return rc;
	p->in = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (p->in < 0 || send(p->out, &byte, 1, MSG_NOSIGNAL) != 1)
		return rg_err_errno(err, errno, "tcp: a connection on %s", a->interface);
	rc = wait_for(p->in, a, err);
	if (rc)
		return rc;
	byte = 0;
	if (recv(p->in, &byte, 1, 0) != 1 || byte != 17)
		return rg_err_set(err, RG_ERR_SYSTEM, "tcp: a byte on %s did not arrive",
				  a->interface);
	return 0;
}

static bool is_loopback(const struct sockaddr_storage *sa)
{
	if (sa->ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)sa)->sin6_addr);
	return ntohl(((const struct sockaddr_in *)sa)->sin_addr.s_addr) >> 24 == 127;
}

/* Without loopback a process may be unable to reach itself, though it reaches others. */
int tcp_probe(const struct rg_transport_config *config, struct rg_err *err)
{
	struct probe p = {-1, -1, -1};
	const int *fds[] = {&p.listener, &p.out, &p.in};
	struct tcp_address a = {0};
	char about[64];
	int rc;

	rc = tcp_choose_address(NULL, true, &a, about, sizeof(about), err);
	if (!rc)
		rc = probe_listen(&p, &a, err);
	if (!rc && is_loopback(&a.sockaddr))
		rc = probe_connect(&p, &a, err);
	for (size_t k = 0; k < sizeof(fds) / sizeof(fds[0]); k++) {
		if (*fds[k] >= 0)
			close(*fds[k]);
	}
	return rc;
}
