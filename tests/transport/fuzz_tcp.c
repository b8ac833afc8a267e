/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz target of what transport tcp takes from sockets. Rank 0 of two is the endpoint, made here
 * around socket pairs; an input is what rank 1 sends, and when:
 *
 *   flags     1: a hello comes first, on the side connection; 2: its time is over already;
 *             4: there is the shared connection as well; times 8: twice so many bytes of
 *             the hello come in one go
 *   52 bytes  with flag 1: what the hello differs in from a true one
 *   pieces    a byte, n plus 128 for the shared connection, and n bytes of its stream;
 *             n 127: all the rest. After each piece everything is received that can be
 *
 * In the end both connections are closed. A model that reads the streams frame by frame, by rules
 * written down here and in fuzz.c once more, says what memory, counters and connections must be
 * like.
 */
#include "config.h"

#include "fuzz.h"

#include "railgauge/base/clock.h"
#include "transport/tcp_impl.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char fuzz_target[] = "fuzz_tcp";

enum { SIDE, SHARED, STREAMS };

/* A connection as the model has it. */
struct stream {
	int fd;	   /* rank 1's end; -1: not there */
	bool open; /* rank 0 reads it */
	bool last, cut, fault, stalled;
	uint8_t bytes[FUZZ_INPUT_BYTES];
	size_t have, taken;
	struct frame frame; /* whose data are coming */
	uint8_t *to;
	uint64_t left;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

static struct stream streams[STREAMS];

/* --- the model --- */

/* LAST and AFTER are nothing but their kind. */
static bool is_bare(const struct frame *f)
{
	return (f->kind == 5 || f->kind == 6) && f->channel < FUZZ_CHANNELS && f->ctr == 0xff &&
	       !f->window && !f->offset && !f->len_bytes;
}

/*
 * LAST ends the side connection. AFTER, at the beginning of the shared one, waits for that;
 * whatever else is on the shared one while there is a side connection comes behind both.
 */
static bool is_in_turn(const struct stream *s, const struct frame *f)
{
	bool side = s == &streams[SIDE];

	if (f->kind == 5)
		return side;
	if (f->kind == 6)
		return !side && s->taken == 0;
	return side || !streams[SIDE].open || streams[SIDE].last;
}

static void model_begin_frame(struct stream *s)
{
	struct frame f = fuzz_frame(s->bytes + s->taken);

	if ((!fuzz_is_right(&f) && !is_bare(&f)) || !is_in_turn(s, &f)) {
		s->fault = s->cut = true;
		return;
	}
	s->stalled = f.kind == 6 && !streams[SIDE].last;
	if (s->stalled)
		return;
	s->taken += sizeof(f);
	s->last = f.kind == 5;
	s->frame = f;
	s->left = f.len_bytes;
	s->to = fuzz_place(&f);
	if (!s->left)
		fuzz_tell(&f);
}

static void model_take_data(struct stream *s)
{
	uint64_t n = s->have - s->taken;

	n = n < s->left ? n : s->left;
	if (s->to) {
		memcpy(s->to, s->bytes + s->taken, n);
		s->to += n;
	}
	s->taken += n;
	s->left -= n;
	if (!s->left)
		fuzz_tell(&s->frame);
}

/* Takes what can be taken. True if anything was. */
static bool model_receive(struct stream *s)
{
	size_t before = s->taken;

	while (s->open && !s->cut && !s->last) {
		size_t at = s->taken;

		if (s->left)
			model_take_data(s);
		else if (s->have - s->taken >= sizeof(struct frame))
			model_begin_frame(s);
		if (s->taken == at)
			break;
	}
	return s->taken != before;
}

/* The stream is over: was it whole? A connection that stands still is not asked any more. */
static void model_end(struct stream *s)
{
	if (!s->open || s->cut || s->last || s->stalled)
		return;
	s->cut = true;
	s->fault = s->left || s->taken < s->have;
}

/* --- the endpoint --- */

static struct tcp endpoint = {.listener = -1, .epoll = -1};

static void make_endpoint(struct tcp *t)
{
	fuzz_make(&t->f, &rg_transport_tcp);
	t->addresses = fuzz_zeros(2, sizeof(t->addresses[0]));
	t->addresses[0].nonce[0] = 17;
	t->addresses[1].nonce[0] = 18;
	t->tx = fuzz_zeros(2, sizeof(t->tx[0]));
	t->rx = fuzz_zeros(4, sizeof(t->rx[0]));
	t->dirty = fuzz_zeros(2, sizeof(t->dirty[0]));
	t->open = fuzz_zeros(4, sizeof(t->open[0]));
	t->rx[TCP_SHARED(FUZZ_PEER)].stage = fuzz_zeros(1, TCP_RX_BYTES);
	t->rx[TCP_SIDE(FUZZ_PEER)].stage = fuzz_zeros(1, TCP_RX_BYTES);
}

static void clear(struct tcp *t)
{
	fuzz_clear(&t->f);
	for (int k = 0; k < STREAMS; k++) {
		struct tcp_rx *rx = &t->rx[k == SIDE ? TCP_SIDE(FUZZ_PEER) : TCP_SHARED(FUZZ_PEER)];

		*rx = (struct tcp_rx){.fd = -1, .stage = rx->stage};
		streams[k].fd = -1;
		streams[k].open = streams[k].last = streams[k].cut = false;
		streams[k].fault = streams[k].stalled = false;
		streams[k].have = streams[k].taken = 0;
		streams[k].left = 0;
	}
	for (int k = 0; k < TCP_GUESTS; k++)
		t->guests[k].fd = -1;
	t->tx[FUZZ_PEER].fd = t->tx[FUZZ_PEER].side = -1;
	t->nopen = t->nheld = 0;
}

/* --- an input --- */

/* Rank 0's end of a new connection. */
static int connect_stream(int k)
{
	int ends[2];

	fuzz_must(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
		  "no socket");
	streams[k].fd = ends[1];
	return ends[0];
}

static void attach(struct tcp *t, int k)
{
	uint32_t connection = k == SIDE ? TCP_SIDE(FUZZ_PEER) : TCP_SHARED(FUZZ_PEER);

	t->rx[connection].fd = connect_stream(k);
	t->open[t->nopen++] = connection;
	streams[k].open = true;
}

/* Of len bytes of the input; how many it took. */
static size_t say_hello(struct tcp *t, uint8_t flags, const uint8_t *data, size_t len)
{
	struct tcp_hello hello;
	uint8_t *bytes = (uint8_t *)&hello;
	size_t n = len < sizeof(hello) ? len : sizeof(hello), first = (size_t)(flags >> 3) * 2;
	bool late = flags & 2, is_true = n == sizeof(hello);
	int fd = connect_stream(SIDE);

	tcp_hello_make(&hello, FUZZ_PEER, 0, 0, fuzz_rendezvous.job_key,
		       t->addresses[FUZZ_PEER].nonce, t->addresses[0].nonce);
	for (size_t i = 0; i < n; i++) {
		bytes[i] ^= data[i];
		is_true &= !data[i];
	}
	first = first < n ? first : n;
	t->guests[0] = (struct tcp_guest){.fd = fd, .until_ns = late ? 0 : UINT64_MAX};
	fuzz_must(send(streams[SIDE].fd, bytes, first, MSG_NOSIGNAL) == (ssize_t)first,
		  "a short send");
	fuzz_must(tcp_admit(t, NULL) >= 0, "nobody can be let in");
	/* Nobody may be there to hear the rest. */
	(void)send(streams[SIDE].fd, bytes + first, n - first, MSG_NOSIGNAL);
	fuzz_must(tcp_admit(t, NULL) >= 0, "nobody can be let in");
	streams[SIDE].open = is_true && (!late || first == sizeof(hello));
	fuzz_must((t->rx[TCP_SIDE(FUZZ_PEER)].fd == fd) == streams[SIDE].open, "who was let in?");
	/* Half a true hello is waited for. */
	fuzz_must(streams[SIDE].open || t->guests[0].fd < 0 || (n < sizeof(hello) && !late),
		  "who stays although it was refused?");
	if (t->guests[0].fd >= 0)
		close(t->guests[0].fd);
	t->guests[0].fd = -1;
	return n;
}

static void receive_all(struct tcp *t)
{
	for (uint32_t turns = 0;; turns++) {
		bool any = false;

		for (uint32_t k = 0; k < t->nopen; k++)
			any |= tcp_receive(t, t->open[k]);
		if (!any)
			return;
		fuzz_must(turns < FUZZ_INPUT_BYTES, "it moves for ever");
	}
}

static void send_piece(struct tcp *t, struct stream *s, const uint8_t *data, size_t len)
{
	ssize_t n;

	if (!s->open || s->cut || s->last)
		return;
	n = send(s->fd, data, len, MSG_NOSIGNAL);
	if (n <= 0) /* nobody reads, and the socket is full */
		return;
	memcpy(s->bytes + s->have, data, (size_t)n);
	s->have += (size_t)n;
	receive_all(t);
	while (model_receive(&streams[SIDE]) || model_receive(&streams[SHARED]))
		;
}

static void end_streams(struct tcp *t)
{
	for (int k = 0; k < STREAMS; k++) {
		if (streams[k].fd >= 0)
			close(streams[k].fd);
		model_end(&streams[k]);
	}
	receive_all(t);
}

static void compare_connections(struct tcp *t)
{
	struct rg_err err = {0};
	bool gone = false;

	for (int k = 0; k < STREAMS; k++) {
		const struct stream *s = &streams[k];
		const struct tcp_rx *rx =
			&t->rx[k == SIDE ? TCP_SIDE(FUZZ_PEER) : TCP_SHARED(FUZZ_PEER)];

		fuzz_must((rx->fd >= 0) == s->open, "a connection that there is not");
		fuzz_must(rx->gone == s->cut, "is a connection gone?");
		fuzz_must((rx->fault != NULL) == s->fault, "who is to blame?");
		fuzz_must(rx->last == s->last, "is there more to come?");
		gone |= s->cut;
	}
	fuzz_must((t->f.ep.ops->peer_alive(&t->f.ep, FUZZ_PEER, &err) != 0) == gone,
		  "is the peer alive?");
	fuzz_must(!gone || strstr(err.text, "rank 1"), "who is gone?");
}

static void send_pieces(struct tcp *t, const uint8_t *data, size_t len)
{
	while (len) {
		struct stream *s = &streams[*data & 128 ? SHARED : SIDE];
		size_t n = *data & 127;

		data++;
		len--;
		n = n == 127 || n > len ? len : n;
		send_piece(t, s, data, n);
		data += n;
		len -= n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	struct tcp *t = &endpoint;
	uint8_t flags = len_bytes ? data[0] : 0;
	size_t at = len_bytes > 0;

	if (len_bytes > FUZZ_INPUT_BYTES)
		return 0;
	if (!t->rx)
		make_endpoint(t);
	clear(t);
	if (flags & 1)
		at += say_hello(t, flags, data + at, len_bytes - at);
	else
		attach(t, SIDE);
	if (flags & 4)
		attach(t, SHARED);
	send_pieces(t, data + at, len_bytes - at);
	end_streams(t);
	compare_connections(t);
	fuzz_compare(&t->f);
	for (uint32_t c = 0; c < 4; c++) {
		if (t->rx[c].fd >= 0 && c >= TCP_SHARED(FUZZ_PEER))
			close(t->rx[c].fd);
	}
	return 0;
}
