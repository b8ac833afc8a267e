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
 * written down here once more, says what memory, counters and connections must be like.
 */
#include "config.h"

#include "railgauge/base/clock.h"
#include "transport/tcp_impl.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PEER	     1u
#define CHANNELS     2
#define CONNECTED    1 /* channels; the other one's link is made when something comes */
#define WINDOW_BYTES 20000
#define PLACE_BYTES  60 /* of a message that is wanted elsewhere than in its slot */
#define PLACE_READY  5	/* value of READY that it tells */
#define INPUT_BYTES  65536

static const struct rg_geometry geometry = {
	.channels = CHANNELS,
	.slots = 4,
	.slot_bytes = 8192,
	.ll_slots = 2,
	.ll_bytes = 64,
	.credit_batch = 1,
};

#define RING_BYTES (4 * 8192)
#define LL_BYTES   (2 * 64 * 2)

/* What rank 1 can change. */
struct memory {
	uint8_t slots[CHANNELS][RING_BYTES];
	uint8_t words[CHANNELS][LL_BYTES];
	uint64_t counters[CHANNELS][RG_CTR_COUNT];
	uint8_t window[WINDOW_BYTES];
	uint8_t place[PLACE_BYTES];
	bool placed;
};

enum { SIDE, SHARED, STREAMS };

/* A connection as the model has it. */
struct stream {
	int fd;	   /* rank 1's end; -1: not there */
	bool open; /* rank 0 reads it */
	bool last, cut, fault, stalled;
	uint8_t bytes[INPUT_BYTES];
	size_t have, taken;
	struct frame frame; /* whose data are coming */
	uint8_t *to;
	uint64_t left;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

static struct memory model;
static struct stream streams[STREAMS];

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_tcp: %s\n", what);
	abort();
}

/* --- the model --- */

static bool is_within(const struct frame *f, uint64_t room)
{
	return f->offset <= room && f->len_bytes <= room && f->offset + f->len_bytes <= room;
}

/* Does a frame say something that may be said? */
static bool is_right(const struct frame *f)
{
	bool tells = f->ctr < RG_CTR_COUNT, bare = !f->offset && !f->len_bytes;

	if (f->channel >= CHANNELS || (!tells && f->ctr != 0xff))
		return false;
	if (f->kind != 3 && f->window)
		return false;
	switch (f->kind) {
	case 1:
		return is_within(f, RING_BYTES);
	case 2:
		return is_within(f, LL_BYTES);
	case 3:
		return f->window == 1 || (f->window == 0 && is_within(f, WINDOW_BYTES));
	case 4:
		return bare && tells;
	case 5:
	case 6:
		return bare && !tells;
	default:
		return false;
	}
}

/* Where the data of a right frame go; NULL: away, or there are none. */
static uint8_t *model_place(const struct frame *f)
{
	if (f->kind == 1 && f->channel == 0 && f->ctr == RG_CTR_READY && f->value == PLACE_READY &&
	    f->len_bytes == PLACE_BYTES && model.counters[0][RG_CTR_READY] < PLACE_READY) {
		model.placed = true;
		return model.place;
	}
	if (f->kind == 1)
		return model.slots[f->channel] + f->offset;
	if (f->kind == 2)
		return model.words[f->channel] + f->offset;
	return f->kind == 3 && f->window == 0 ? model.window + f->offset : NULL;
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
	struct frame f;

	memcpy(&f, s->bytes + s->taken, sizeof(f));
	f.channel = le16toh(f.channel);
	f.window = le32toh(f.window);
	f.offset = le64toh(f.offset);
	f.len_bytes = le64toh(f.len_bytes);
	f.value = le64toh(f.value);
	if (!is_right(&f) || !is_in_turn(s, &f)) {
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
	s->to = model_place(&f);
	if (!s->left && f.ctr != 0xff)
		model.counters[f.channel][f.ctr] = f.value;
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
	if (!s->left && s->frame.ctr != 0xff)
		model.counters[s->frame.channel][s->frame.ctr] = s->frame.value;
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

static struct rg_rendezvous rendezvous = {.rank = 0, .nranks = 2, .job_key = "a key of this test"};
static struct tcp endpoint = {.listener = -1, .epoll = -1};
static struct framed_window window;
static uint8_t *place;

static void *zeros(size_t count, size_t each_bytes)
{
	void *p = calloc(count, each_bytes);

	must(p, "no memory");
	return p;
}

/* Each region on its own, so that sanitizers see its ends. */
static void make_link(struct tcp *t, uint32_t channel)
{
	struct rg_link *l = zeros(1, sizeof(*l));

	l->rx = aligned_alloc(128, RG_CTR_COUNT * sizeof(*l->rx));
	must(l->rx, "no memory");
	l->rx_slots = zeros(1, RING_BYTES);
	l->rx_ll = zeros(1, LL_BYTES);
	l->posted = zeros(geometry.slots, sizeof(l->posted[0]));
	t->f.ep.links[(size_t)channel * t->f.ep.nranks + PEER] = l;
}

static void make_endpoint(struct tcp *t)
{
	static struct rg_buffer buffer = {.len_bytes = WINDOW_BYTES};

	t->f.ep.ops = &rg_transport_tcp;
	t->f.ep.rdv = &rendezvous;
	t->f.ep.nranks = 2;
	t->f.ep.config.geometry = geometry;
	t->f.ep.links = zeros((size_t)CHANNELS * 2, sizeof(t->f.ep.links[0]));
	t->f.ep.host = zeros(2, sizeof(t->f.ep.host[0]));
	t->addresses = zeros(2, sizeof(t->addresses[0]));
	t->addresses[0].nonce[0] = 17;
	t->addresses[1].nonce[0] = 18;
	t->tx = zeros(2, sizeof(t->tx[0]));
	t->rx = zeros(4, sizeof(t->rx[0]));
	t->dirty = zeros(2, sizeof(t->dirty[0]));
	t->open = zeros(4, sizeof(t->open[0]));
	for (uint32_t c = 0; c < CONNECTED; c++)
		make_link(t, c);
	t->rx[TCP_SHARED(PEER)].stage = zeros(1, TCP_RX_BYTES);
	t->rx[TCP_SIDE(PEER)].stage = zeros(1, TCP_RX_BYTES);
	buffer.base = zeros(1, WINDOW_BYTES);
	place = zeros(1, PLACE_BYTES);
	window.base.buffer = &buffer;
	t->f.windows = zeros(2, sizeof(t->f.windows[0]));
	t->f.windows[0] = &window; /* the other one is closed */
	t->f.nwindows = 2;
}

static void clear(struct tcp *t)
{
	memset(&model, 0, sizeof(model));
	for (int k = 0; k < STREAMS; k++) {
		struct tcp_rx *rx = &t->rx[k == SIDE ? TCP_SIDE(PEER) : TCP_SHARED(PEER)];

		*rx = (struct tcp_rx){.fd = -1, .stage = rx->stage};
		streams[k].fd = -1;
		streams[k].open = streams[k].last = streams[k].cut = false;
		streams[k].fault = streams[k].stalled = false;
		streams[k].have = streams[k].taken = 0;
		streams[k].left = 0;
	}
	for (uint32_t c = 0; c < CHANNELS; c++) {
		struct rg_link *l = rg_endpoint_link(&t->f.ep, c, PEER);

		if (!l)
			continue;
		memset(l->rx, 0, RG_CTR_COUNT * sizeof(*l->rx));
		memset(l->rx_slots, 0, RING_BYTES);
		memset(l->rx_ll, 0, LL_BYTES);
	}
	memset(window.base.buffer->base, 0, WINDOW_BYTES);
	memset(place, 0, PLACE_BYTES);
	rg_endpoint_link(&t->f.ep, 0, PEER)->posted[(PLACE_READY - 1) % geometry.slots] =
		(struct rg_posted){.ready = PLACE_READY, .dst = place, .len_bytes = PLACE_BYTES};
	for (int k = 0; k < TCP_GUESTS; k++)
		t->guests[k].fd = -1;
	t->tx[PEER].fd = t->tx[PEER].side = -1;
	t->nopen = t->nheld = 0;
}

/* --- an input --- */

/* Rank 0's end of a new connection. */
static int connect_stream(int k)
{
	int ends[2];

	must(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
	     "no socket");
	streams[k].fd = ends[1];
	return ends[0];
}

static void attach(struct tcp *t, int k)
{
	uint32_t connection = k == SIDE ? TCP_SIDE(PEER) : TCP_SHARED(PEER);

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

	tcp_hello_make(&hello, PEER, 0, 0, rendezvous.job_key, t->addresses[PEER].nonce,
		       t->addresses[0].nonce);
	for (size_t i = 0; i < n; i++) {
		bytes[i] ^= data[i];
		is_true &= !data[i];
	}
	first = first < n ? first : n;
	t->guests[0] = (struct tcp_guest){.fd = fd, .until_ns = late ? 0 : UINT64_MAX};
	must(send(streams[SIDE].fd, bytes, first, MSG_NOSIGNAL) == (ssize_t)first, "a short send");
	must(tcp_admit(t, NULL) >= 0, "nobody can be let in");
	/* Nobody may be there to hear the rest. */
	(void)send(streams[SIDE].fd, bytes + first, n - first, MSG_NOSIGNAL);
	must(tcp_admit(t, NULL) >= 0, "nobody can be let in");
	streams[SIDE].open = is_true && (!late || first == sizeof(hello));
	must((t->rx[TCP_SIDE(PEER)].fd == fd) == streams[SIDE].open, "who was let in?");
	/* Half a true hello is waited for. */
	must(streams[SIDE].open || t->guests[0].fd < 0 || (n < sizeof(hello) && !late),
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
		must(turns < INPUT_BYTES, "it moves for ever");
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
		const struct tcp_rx *rx = &t->rx[k == SIDE ? TCP_SIDE(PEER) : TCP_SHARED(PEER)];

		must((rx->fd >= 0) == s->open, "a connection that there is not");
		must(rx->gone == s->cut, "is a connection gone?");
		must((rx->fault != NULL) == s->fault, "who is to blame?");
		must(rx->last == s->last, "is there more to come?");
		gone |= s->cut;
	}
	must((t->f.ep.ops->peer_alive(&t->f.ep, PEER, &err) != 0) == gone, "is the peer alive?");
	must(!gone || strstr(err.text, "rank 1"), "who is gone?");
}

static void compare_memory(const struct tcp *t)
{
	for (uint32_t c = 0; c < CHANNELS; c++) {
		const struct rg_link *l = rg_endpoint_link(&t->f.ep, c, PEER);

		if (!l)
			continue; /* nothing has come */
		must(!memcmp(l->rx_slots, model.slots[c], RING_BYTES), "slots");
		must(!memcmp(l->rx_ll, model.words[c], LL_BYTES), "word slots");
		for (int k = 0; k < RG_CTR_COUNT; k++)
			must(l->rx[k].value == model.counters[c][k], "counters");
	}
	must(!memcmp(window.base.buffer->base, model.window, WINDOW_BYTES), "the window");
	must(!memcmp(place, model.place, PLACE_BYTES), "a place");
	must(rg_endpoint_link(&t->f.ep, 0, PEER)
			     ->posted[(PLACE_READY - 1) % geometry.slots]
			     .placed == model.placed,
	     "is a message in its place?");
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

	if (len_bytes > INPUT_BYTES)
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
	compare_memory(t);
	for (uint32_t c = 0; c < 4; c++) {
		if (t->rx[c].fd >= 0 && c >= TCP_SHARED(PEER))
			close(t->rx[c].fd);
	}
	return 0;
}
