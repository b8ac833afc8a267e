/* SPDX-License-Identifier: BSD-3-Clause */
/* Where rank 0 listens, and how a launcher keeps a port free for it. */
#include "config.h"

#include "star_impl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

static int explain_bind(const char *address, const char *host, int e, struct rg_err *err)
{
	if (e == EADDRNOTAVAIL)
		return rg_err_set(err, RG_ERR_SYSTEM,
				  "rank 0 cannot listen at %s: that is not an address of this host "
				  "(%s); MASTER_ADDR must name the host of rank 0",
				  address, host);
	if (e == EADDRINUSE)
		return rg_err_set(err, RG_ERR_SYSTEM,
				  "rank 0 cannot listen at %s: the port is taken, by another job "
				  "or another rank 0; choose another MASTER_PORT",
				  address);
	return rg_err_errno(err, e, "rank 0 cannot listen at %s", address);
}

static int listen_at(const struct addrinfo *ai, bool shared)
{
	int one = 1, e;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	/* Without the first, a job cannot follow another on the same port for a minute. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one))) ||
	    bind(fd, ai->ai_addr, ai->ai_addrlen) || listen(fd, SOMAXCONN)) {
		e = errno;
		close(fd);
		return -e;
	}
	return fd;
}

static bool is_wildcard(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;

		return in->sin_addr.s_addr == htonl(INADDR_ANY);
	}
	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;

		return IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr);
	}
	return false;
}

int star_bind(const struct rg_star_config *config, const char *host, int *listener_out,
	      char address_out[WIRE_ADDRESS_BYTES], struct rg_err *err)
{
	struct addrinfo *list;
	int fd, rc = star_resolve(config, &list, err);

	if (rc)
		return rc;
	for (const struct addrinfo *ai = list; ai; ai = ai->ai_next) {
		wire_address(ai->ai_addr, ai->ai_addrlen, address_out);
		if (is_wildcard(ai->ai_addr)) {
			rc = rg_err_set(err, RG_ERR_INVALID,
					"rank 0 does not listen on every address (%s): MASTER_ADDR "
					"must be one of this host's",
					address_out);
			break;
		}
		fd = listen_at(ai, config->port_held);
		if (fd >= 0) {
			*listener_out = fd;
			rc = 0;
			break;
		}
		rc = explain_bind(address_out, host, -fd, err);
	}
	freeaddrinfo(list);
	return rc;
}

int rg_port_hold(uint16_t *port_out, int *fd_out, struct rg_err *err)
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(sa);
	int one = 1, e;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return rg_err_errno(err, errno, "socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&sa, sizeof(sa)) ||
	    getsockname(fd, (struct sockaddr *)&sa, &len)) {
		e = errno;
		close(fd);
		return rg_err_errno(err, e, "no free port on 127.0.0.1");
	}
	*port_out = ntohs(sa.sin_port);
	*fd_out = fd;
	return 0;
}
