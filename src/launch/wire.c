/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "wire.h"

#include "railgauge/base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wire_head wire_head_make(enum wire_kind kind, uint32_t len_bytes, uint32_t aux)
{
	return (struct wire_head){
		.magic = htonl(WIRE_MAGIC),
		.version = htons(WIRE_VERSION),
		.kind = htons((uint16_t)kind),
		.len_bytes = htonl(len_bytes),
		.aux = htonl(aux),
	};
}

int wire_head_read(struct wire_head *head)
{
	head->magic = ntohl(head->magic);
	head->version = ntohs(head->version);
	head->kind = ntohs(head->kind);
	head->len_bytes = ntohl(head->len_bytes);
	head->aux = ntohl(head->aux);
	return head->magic == WIRE_MAGIC ? 0 : RG_ERR_FORMAT;
}

int wire_text_ok(const char *text, size_t len_bytes)
{
	size_t n = strnlen(text, len_bytes);

	for (size_t i = 0; i < n; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e)
			return 0;
	}
	return n < len_bytes;
}

void wire_address(const struct sockaddr *sa, socklen_t len, char text[WIRE_ADDRESS_BYTES])
{
	char host[INET6_ADDRSTRLEN + 8], port[8];

	if (getnameinfo(sa, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		snprintf(text, WIRE_ADDRESS_BYTES, "an unknown address");
	else
		snprintf(text, WIRE_ADDRESS_BYTES, sa->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s",
			 host, port);
}

int wire_poll_ms(uint64_t deadline_ns)
{
	uint64_t now = rg_clock_ns();
	uint64_t ms;

	if (now >= deadline_ns)
		return 0;
	ms = (deadline_ns - now + 999999) / 1000000;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* Waits until fd is ready for events. 0, RG_ERR_TIMEOUT or RG_ERR_SYSTEM. */
static int wait_ready(int fd, short events, uint64_t deadline_ns, const char *what,
		      struct rg_err *err)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		int ms = wire_poll_ms(deadline_ns);
		int n = poll(&p, 1, ms);

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return rg_err_errno(err, errno, "%s: poll", what);
		if (n == 0 && wire_poll_ms(deadline_ns) == 0)
			return rg_err_set(err, RG_ERR_TIMEOUT, "%s did not answer in time", what);
	}
}

static int peer_is_gone(int errnum)
{
	return errnum == EPIPE || errnum == ECONNRESET || errnum == ETIMEDOUT ||
	       errnum == EHOSTUNREACH || errnum == ENETUNREACH;
}

int wire_send(int fd, const void *data, size_t len_bytes, uint64_t deadline_ns, size_t *done_out,
	      const char *what, struct rg_err *err)
{
	const char *p = data;
	size_t done = 0;
	int rc = 0;

	while (!rc && done < len_bytes) {
		ssize_t n = send(fd, p + done, len_bytes - done, MSG_NOSIGNAL | MSG_DONTWAIT);
		int e = errno;

		if (n >= 0)
			done += (size_t)n;
		else if (e == EAGAIN || e == EWOULDBLOCK)
			rc = wait_ready(fd, POLLOUT, deadline_ns, what, err);
		else if (peer_is_gone(e))
			rc = rg_err_set(err, RG_ERR_PEER, "%s closed its connection", what);
		else if (e != EINTR)
			rc = rg_err_errno(err, e, "%s: send", what);
	}
	if (done_out)
		*done_out = done;
	return rc;
}

int wire_recv(int fd, void *data, size_t len_bytes, uint64_t deadline_ns, size_t *done_out,
	      const char *what, struct rg_err *err)
{
	char *p = data;
	size_t done = 0;
	int rc = 0;

	while (!rc && done < len_bytes) {
		ssize_t n = recv(fd, p + done, len_bytes - done, MSG_DONTWAIT);
		int e = errno;

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || peer_is_gone(e))
			rc = rg_err_set(err, RG_ERR_PEER, "%s closed its connection", what);
		else if (e == EAGAIN || e == EWOULDBLOCK)
			rc = wait_ready(fd, POLLIN, deadline_ns, what, err);
		else if (e != EINTR)
			rc = rg_err_errno(err, e, "%s: receive", what);
	}
	if (done_out)
		*done_out = done;
	return rc;
}

void wire_send_abort(int fd, int code, const char *text)
{
	struct {
		struct wire_head head;
		struct wire_abort body;
	} m = {.head = wire_head_make(WIRE_ABORT, sizeof(m.body), (uint32_t)abs(code))};

	_Static_assert(sizeof(m) == sizeof(m.head) + sizeof(m.body), "no padding between");
	snprintf(m.body.text, sizeof(m.body.text), "%s", text);
	(void)wire_send(fd, &m, sizeof(m), 0, NULL, "", NULL); /* best effort, see wire.h */
}

int wire_abort_code(const struct wire_head *head)
{
	int code = head->aux <= 1000 ? -(int)head->aux : 0;

	if (code == 0 || !strcmp(rg_err_name(code), "unknown"))
		return RG_ERR_PEER;
	return code;
}

/* Others' words go to our terminal: no control characters, and an end. UTF-8 passes. */
static void make_printable(char *text, size_t len_bytes)
{
	text[len_bytes - 1] = '\0';
	for (char *c = text; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
}

int wire_recv_abort(int fd, const struct wire_head *head, uint64_t deadline_ns, const char *what,
		    struct rg_err *why_out)
{
	struct wire_abort body;
	int rc;

	if (head->len_bytes != sizeof(body))
		return rg_err_set(why_out, RG_ERR_PEER, "%s gave up without a readable reason",
				  what);
	rc = wire_recv(fd, &body, sizeof(body), deadline_ns, NULL, what, why_out);
	if (rc)
		return rc;
	make_printable(body.text, sizeof(body.text));
	return rg_err_set(why_out, wire_abort_code(head), "%s", body.text);
}

void wire_peer_mac(const void *secret, size_t secret_bytes, const struct wire_hello *hello,
		   const struct wire_challenge *challenge, uint8_t mac_out[RG_SHA256_BYTES])
{
	static const char label[16] = "railgauge peer";
	struct rg_hmac m;

	rg_hmac_init(&m, secret, secret_bytes);
	rg_hmac_add(&m, label, sizeof(label));
	rg_hmac_add(&m, hello, sizeof(*hello));
	rg_hmac_add(&m, challenge, sizeof(*challenge));
	rg_hmac_end(&m, mac_out);
}

void wire_rank0_mac(const void *secret, size_t secret_bytes, const struct wire_hello *hello,
		    const struct wire_challenge *challenge, const struct wire_welcome *welcome,
		    uint8_t mac_out[RG_SHA256_BYTES])
{
	static const char label[16] = "railgauge rank0";
	struct rg_hmac m;

	rg_hmac_init(&m, secret, secret_bytes);
	rg_hmac_add(&m, label, sizeof(label));
	rg_hmac_add(&m, hello, sizeof(*hello));
	rg_hmac_add(&m, challenge, sizeof(*challenge));
	rg_hmac_add(&m, welcome, offsetof(struct wire_welcome, mac));
	rg_hmac_end(&m, mac_out);
}

void wire_job_key(const void *secret, size_t secret_bytes, const uint8_t nonce[WIRE_NONCE_BYTES],
		  uint8_t key_out[RG_SHA256_BYTES])
{
	static const char label[16] = "railgauge job";
	struct rg_hmac m;

	rg_hmac_init(&m, secret, secret_bytes);
	rg_hmac_add(&m, label, sizeof(label));
	rg_hmac_add(&m, nonce, WIRE_NONCE_BYTES);
	rg_hmac_end(&m, key_out);
}
