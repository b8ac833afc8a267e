/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receiving: heads and short data pass through a stage, the rest of long data goes straight to
 * where it belongs, in the same call as the beginning of what follows.
 */
#include "config.h"

#include "tcp_impl.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* After data of that size the caller looks at them while they are in its caches. */
#define LONG_BYTES 16384

enum step { STEP_MORE, STEP_DRY, STEP_LONG };

/*
 * Frames come in one order: nothing on the shared connection until the side has had its last, which
 * AFTER is there to wait for, as the first frame. Only higher ranks have side connections. What is
 * said elsewhere would stop the reading for good, and nobody would be told.
 */
static const char *turn_fault(const struct tcp *t, uint32_t connection, const struct frame *f)
{
	uint32_t peer = connection / 2;
	const struct tcp_rx *side = &t->rx[TCP_SIDE(peer)];
	bool shared = connection == TCP_SHARED(peer);

	if (f->kind == TCP_LAST && shared)
		return "the end of a side connection on the shared one";
	if (f->kind == TCP_AFTER)
		return shared && peer > t->f.ep.rank && !t->rx[connection].used
			       ? NULL
			       : "a change of connections that there is not";
	if (shared && side->fd >= 0 && !side->last)
		return "a frame on the shared connection before the last one on the side";
	return NULL;
}

/*
 * Where the data of a frame go; NULL and *fault_out NULL: away (the window is closed). False if
 * frames on the side connection come before: then this has to wait.
 */
static bool find_place(struct tcp *t, uint32_t connection, const struct frame *f, uint8_t **to_out,
		       const char **fault_out)
{
	*fault_out = tcp_frame_check(f, &t->f.ep.config.geometry);
	if (!*fault_out)
		*fault_out = turn_fault(t, connection, f);
	*to_out = NULL;
	if (*fault_out)
		return true;
	if (f->kind == TCP_AFTER)
		return t->rx[TCP_SIDE(connection / 2)].last;
	if (f->kind == TCP_LAST)
		return true;
	*to_out = framed_place(&t->f, connection / 2, f, fault_out);
	return true;
}

/*
 * One call to the kernel, into the data that are due and the stage behind them. *any_out is set if
 * anything came.
 */
static enum step fill(struct tcp *t, uint32_t connection, bool *any_out)
{
	struct tcp_rx *rx = &t->rx[connection];
	uint8_t away[4096];
	uint64_t direct = rx->to ? rx->left : rx->left < sizeof(away) ? rx->left : sizeof(away);
	struct iovec iov[2] = {{rx->to ? rx->to : away, direct}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	uint64_t asked, total;
	ssize_t n;

	if (rx->begin) { /* the beginning of a head at most */
		memmove(rx->stage, rx->stage + rx->begin, rx->end - rx->begin);
		rx->end -= rx->begin;
		rx->begin = 0;
	}
	/* Behind data that are thrown away in pieces nothing may be taken. */
	iov[1] = (struct iovec){rx->stage + rx->end,
				direct == rx->left ? TCP_RX_BYTES - rx->end : 0};
	asked = iov[0].iov_len + iov[1].iov_len;
	if (direct)
		n = recvmsg(rx->fd, &msg, MSG_DONTWAIT);
	else
		n = recv(rx->fd, iov[1].iov_base, iov[1].iov_len, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return STEP_DRY;
	if (n <= 0) {
		bool torn = rx->left || rx->end > rx->begin;

		tcp_cut_off(t, connection, torn ? "its connection broke off" : NULL);
		return STEP_DRY;
	}
	*any_out = true;
	total = (uint64_t)n;
	if (rx->left) {
		uint64_t got = (uint64_t)n < direct ? (uint64_t)n : direct;

		rx->to = rx->to ? rx->to + got : NULL;
		rx->left -= got;
		n -= (ssize_t)got;
		if (!rx->left)
			framed_finish(&t->f, connection / 2, &rx->frame);
	}
	rx->end += (uint32_t)n;
	return total < asked ? STEP_DRY : STEP_MORE;
}

/* Takes one frame, or what is there of it, out of the stage. STEP_DRY: it does not hold a head. */
static enum step parse(struct tcp *t, uint32_t connection)
{
	struct tcp_rx *rx = &t->rx[connection];
	struct frame f;
	uint64_t here;
	uint8_t *to;
	const char *fault;

	if (rx->end - rx->begin < sizeof(f))
		return STEP_DRY;
	memcpy(&f, rx->stage + rx->begin, sizeof(f));
	f = frame_wire(f);
	rx->stalled = !find_place(t, connection, &f, &to, &fault);
	if (rx->stalled)
		return STEP_DRY;
	if (fault) {
		tcp_cut_off(t, connection, fault);
		return STEP_DRY;
	}
	rx->used = true;
	rx->begin += sizeof(f);
	here = rx->end - rx->begin;
	here = here < f.len_bytes ? here : f.len_bytes;
	if (to && here) {
		memcpy(to, rx->stage + rx->begin, here);
		to += here;
	}
	rx->begin += (uint32_t)here;
	rx->frame = f;
	rx->to = to;
	rx->left = f.len_bytes - here;
	if (rx->left)
		return STEP_MORE;
	if (f.kind == TCP_LAST) {
		rx->last = true;
		tcp_stop_reading(t, connection);
		return STEP_DRY;
	}
	framed_finish(&t->f, connection / 2, &rx->frame);
	return f.len_bytes >= LONG_BYTES ? STEP_LONG : STEP_MORE;
}

static bool receive(struct tcp *t, uint32_t connection)
{
	struct tcp_rx *rx = &t->rx[connection];
	bool any = false, dry = false;

	while (!rx->gone && !rx->last) {
		bool was_long = rx->left && rx->frame.len_bytes >= LONG_BYTES;
		enum step step = rx->left ? STEP_DRY : parse(t, connection);

		any |= step != STEP_DRY;
		if (step == STEP_LONG)
			return true;
		if (step == STEP_MORE)
			continue;
		if (rx->stalled || dry || rx->gone || rx->last)
			return any;
		dry = fill(t, connection, &any) == STEP_DRY;
		any |= rx->gone;
		if (was_long && !rx->left)
			return true;
	}
	return any;
}

bool tcp_receive(struct tcp *t, uint32_t connection)
{
	struct tcp_rx *rx = &t->rx[connection];
	bool any = receive(t, connection), held;

	held = !rx->gone && !rx->last && rx->end - rx->begin >= sizeof(struct frame);
	if (held != rx->held)
		t->nheld += held ? 1 : (uint32_t)-1;
	rx->held = held;
	return any;
}
