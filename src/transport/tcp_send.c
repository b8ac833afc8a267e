/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sending: frames gather per peer until flush, or until one is long. A long put is handed to the
 * kernel from where it lies; what the kernel does not take is kept by the caller, who comes again.
 */
#include "config.h"

#include "tcp_impl.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#define COPIED_BYTES                                                                 \
	4096 /* data up to this long are copied, and go out with what is around them \
	      */

static void drop(struct tcp_tx *tx)
{
	tx->begin = tx->split = tx->end = 0;
	tx->body_left = 0;
}

static void take_off(struct tcp_tx *tx, size_t n)
{
	size_t before = tx->split - tx->begin;

	if (!tx->body_left) {
		tx->begin += n;
		tx->split = tx->begin;
	} else {
		size_t head = n < before ? n : before, body = n - head;

		body = body < tx->body_left ? body : tx->body_left;
		tx->begin += head;
		tx->body += body;
		tx->body_left -= body;
		n -= head + body;
		/* What comes after the body has begun: the body is done. */
		tx->begin += n;
		if (!tx->body_left)
			tx->split = tx->begin;
	}
	if (tx->begin == tx->end && !tx->body_left)
		tx->begin = tx->split = tx->end = 0;
}

/* One call to the kernel. True if it took anything. */
static bool push(struct tcp_tx *tx)
{
	bool body = tx->body_left > 0;
	uint32_t split = body ? tx->split : tx->end;
	struct iovec iov[3] = {
		{tx->buf + tx->begin, split - tx->begin},
		{(void *)tx->body, body ? tx->body_left : 0},
		{tx->buf + split, tx->end - split},
	};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = body ? 3 : 1};
	ssize_t n;

	if (tx->gone) {
		drop(tx);
		return false;
	}
	if (tx->begin == tx->end && !body)
		return false;
	/* The plain call is shorter. */
	if (body)
		n = sendmsg(tx->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		n = send(tx->fd, iov[0].iov_base, iov[0].iov_len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n >= 0) {
		take_off(tx, (size_t)n);
	} else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR && errno != ENOBUFS &&
		   errno != ENOMEM) {
		tx->gone = true;
		drop(tx);
	}
	return n > 0;
}

static bool is_empty(const struct tcp_tx *tx)
{
	return tx->begin == tx->end && !tx->body_left;
}

static void append_mark(struct tcp_tx *tx, enum tcp_kind kind)
{
	const struct frame mark = {.kind = (uint8_t)kind, .ctr = FRAME_NO_CTR};

	memcpy(tx->buf + tx->end, &mark, sizeof(mark));
	tx->end += (uint32_t)sizeof(mark);
}

/*
 * From the side connection to the shared one, between two frames. False while nothing may be added
 * because the last words on the side have not left yet.
 */
static bool turn_over(struct tcp *t, uint32_t peer)
{
	struct tcp_tx *tx = &t->tx[peer];

	if (tx->turn == TCP_STAY)
		return true;
	push(tx);
	if (tx->turn == TCP_TURN_DUE) {
		if (tx->pending || !is_empty(tx))
			return true;
		append_mark(tx, TCP_LAST);
		tx->turn = TCP_TURN_SENT;
		push(tx);
	}
	if (!is_empty(tx))
		return false;
	tx->fd = t->rx[TCP_SHARED(peer)].fd;
	tx->turn = TCP_STAY;
	append_mark(tx, TCP_AFTER);
	return true;
}

/* Room for len more bytes behind everything. */
static bool make_room(struct tcp_tx *tx, size_t len)
{
	if (TCP_TX_BYTES - tx->end < len)
		push(tx);
	if (TCP_TX_BYTES - tx->end < len && tx->begin) {
		memmove(tx->buf, tx->buf + tx->begin, tx->end - tx->begin);
		tx->split -= tx->begin;
		tx->end -= tx->begin;
		tx->begin = 0;
	}
	return TCP_TX_BYTES - tx->end >= len;
}

static void append(struct tcp_tx *tx, const void *data, size_t len)
{
	if (len)
		memcpy(tx->buf + tx->end, data, len);
	tx->end += (uint32_t)len;
}

static void mark_dirty(struct tcp *t, uint32_t peer)
{
	if (t->tx[peer].dirty)
		return;
	t->tx[peer].dirty = true;
	t->dirty[t->ndirty++] = peer;
}

/* The put that was not taken whole comes again, or another one has to wait. */
static int resume(struct tcp_tx *tx, const struct rg_put *put)
{
	if (!rg_put_is_same(put, &tx->put))
		return 1;
	if (tx->body_left)
		push(tx);
	if (tx->body_left)
		return 1;
	tx->pending = false;
	return 0;
}

static int put_to_peer(struct tcp *t, const struct rg_put *put)
{
	struct tcp_tx *tx = &t->tx[put->peer];
	bool copied = put->len_bytes <= COPIED_BYTES;
	struct frame head;

	if (tx->pending)
		return resume(tx, put);
	if (tx->gone)
		return 0;
	mark_dirty(t, put->peer);
	if (!turn_over(t, put->peer) ||
	    !make_room(tx, sizeof(head) + (copied ? put->len_bytes : 0)))
		return 1;
	head = frame_wire(frame_of_put(put));
	append(tx, &head, sizeof(head));
	if (copied) {
		append(tx, put->src, put->len_bytes);
		return 0;
	}
	tx->split = tx->end;
	tx->body = put->src;
	tx->body_left = put->len_bytes;
	push(tx);
	if (!tx->body_left)
		return 0;
	tx->pending = true;
	tx->put = *put;
	return 1;
}

int tcp_put(struct rg_endpoint *ep, const struct rg_put *put, struct rg_err *err)
{
	struct tcp *t = (struct tcp *)ep;
	int rc = framed_check_put(&t->f, put, err);

	if (rc)
		return rc;
	if (put->peer != ep->rank)
		return put_to_peer(t, put);
	framed_put_to_self(&t->f, put);
	return 0;
}

int tcp_signal(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, enum rg_ctr ctr,
	       uint64_t value, struct rg_err *err)
{
	struct tcp *t = (struct tcp *)ep;
	struct frame head;

	if (!rg_endpoint_connected(ep, peer, channel, err))
		return RG_ERR_INVALID;
	if (peer == ep->rank) {
		framed_signal_to_self(&t->f, channel, ctr, value);
		return 0;
	}
	if (t->tx[peer].gone)
		return 0;
	mark_dirty(t, peer);
	if (!turn_over(t, peer) || !make_room(&t->tx[peer], sizeof(head)))
		return 1;
	head = frame_wire(frame_of_signal(channel, ctr, value));
	append(&t->tx[peer], &head, sizeof(head));
	return 0;
}

int tcp_flush(struct rg_endpoint *ep, struct rg_err *err)
{
	struct tcp *t = (struct tcp *)ep;
	uint32_t kept = 0;

	for (uint32_t k = 0; k < t->ndirty; k++) {
		struct tcp_tx *tx = &t->tx[t->dirty[k]];

		(void)turn_over(t, t->dirty[k]);
		t->moved |= push(tx);
		tx->dirty = !is_empty(tx);
		if (tx->dirty)
			t->dirty[kept++] = t->dirty[k];
	}
	t->ndirty = kept;
	return kept > 0;
}
