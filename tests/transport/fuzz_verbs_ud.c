/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz target of what transport verbs-ud takes from the network. Rank 0 of two is the endpoint,
 * made here without a device; an input is packets of rank 1, one after another:
 *
 *   2 bytes   how many of data follow the head, little-endian, modulo the largest number
 *   32 bytes  what the head differs in from that of the next packet in order
 *   n bytes   data
 *
 * A model that puts packets in order and reads the stream frame by frame, by rules written down
 * here once more, says what memory, counters and the peer's fate must be like.
 */
#include "config.h"

#include "railgauge/base/clock.h"
#include "transport/verbs_ud_impl.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEER	     1u
#define CHANNELS     2
#define WINDOW_BYTES 20000
#define PLACE_BYTES  60 /* of a message that is wanted elsewhere than in its slot */
#define PLACE_READY  5	/* value of READY that it tells */
#define INPUT_BYTES  65536
#define PACKET_BYTES 1024u
#define RECEIVES     256u
#define TAG	     UINT64_C(0x1122334455667788)

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

/* A packet that came before its turn. */
struct early {
	bool here;
	uint16_t len;
	uint8_t data[PACKET_BYTES];
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

static struct memory model;
static struct early early[64];
static uint32_t expected;
static uint64_t strangers;
static enum vud_fate fate;
static struct frame coming; /* whose data are coming */
static uint8_t *coming_to;
static uint64_t coming_left;

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_verbs_ud: %s\n", what);
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
	bool tells = f->ctr < RG_CTR_COUNT;

	if (f->channel >= CHANNELS || (!tells && f->ctr != 0xff) || (f->kind != 3 && f->window))
		return false;
	switch (f->kind) {
	case 1:
		return is_within(f, RING_BYTES);
	case 2:
		return is_within(f, LL_BYTES);
	case 3:
		return f->window == 1 || (f->window == 0 && is_within(f, WINDOW_BYTES));
	case 4:
		return !f->offset && !f->len_bytes && tells;
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

static void model_finish(void)
{
	if (!coming_left && coming.ctr != 0xff)
		model.counters[coming.channel][coming.ctr] = coming.value;
}

/* The data of one packet, in its turn; heads are not torn. */
static void model_apply(const uint8_t *data, size_t len)
{
	while (len && fate != VUD_CUT_OFF) {
		size_t n = len < coming_left ? len : (size_t)coming_left;

		if (coming_left) {
			if (coming_to) {
				memcpy(coming_to, data, n);
				coming_to += n;
			}
			coming_left -= n;
		} else if (len < sizeof(coming)) {
			fate = VUD_CUT_OFF;
			return;
		} else {
			n = sizeof(coming);
			memcpy(&coming, data, n);
			coming.channel = le16toh(coming.channel);
			coming.window = le32toh(coming.window);
			coming.offset = le64toh(coming.offset);
			coming.len_bytes = le64toh(coming.len_bytes);
			coming.value = le64toh(coming.value);
			if (!is_right(&coming)) {
				fate = VUD_CUT_OFF;
				return;
			}
			coming_to = model_place(&coming);
			coming_left = coming.len_bytes;
		}
		model_finish();
		data += n;
		len -= n;
	}
}

static void model_take_data(uint32_t number, const uint8_t *data, uint16_t len)
{
	uint32_t ahead = number - expected;
	struct early *e = &early[number % 64];

	if (ahead >= 1u << 31 || (ahead < 64 && e->here))
		return;
	if (ahead >= 64) {
		fate = VUD_CUT_OFF;
		return;
	}
	e->here = true;
	e->len = len;
	memcpy(e->data, data, len);
	for (e = &early[expected % 64]; e->here; e = &early[expected % 64]) {
		e->here = false;
		expected++;
		model_apply(e->data, e->len);
	}
}

/* Rank 0 has sent nothing, so there is nothing to acknowledge. */
static void model_take(const struct vud_head *h, const uint8_t *data, size_t len)
{
	uint32_t next = le32toh(h->next);
	bool bare = !len && !h->number && !(h->flags & 1);

	if (le64toh(h->tag) != TAG || le32toh(h->from) != PEER) {
		strangers++;
		return;
	}
	if (fate != VUD_HERE)
		return;
	if (h->kind < 1 || h->kind > 4 || le16toh(h->len_bytes) != len || (h->kind != 1 && !bare) ||
	    h->flags > 3 || (next && next < 1u << 31) || (!next && h->early)) {
		fate = VUD_CUT_OFF;
		return;
	}
	if (h->kind == 1)
		model_take_data(le32toh(h->number), data, (uint16_t)len);
	else if (h->kind == 3)
		fate = VUD_HAS_CLOSED;
	else if (h->kind == 4)
		fate = VUD_LEFT_US;
}

/* --- the endpoint --- */

static struct rg_rendezvous rendezvous = {.rank = 0, .nranks = 2, .job_key = "a key of this test"};
static struct vud endpoint;
static struct framed_window window;
static uint8_t *place;

static void *zeros(size_t count, size_t each_bytes)
{
	void *p = calloc(count, each_bytes);

	must(p, "no memory");
	return p;
}

/* Each region on its own, so that sanitizers see its ends. */
static void make_link(struct vud *u, uint32_t channel)
{
	struct rg_link *l = zeros(1, sizeof(*l));

	l->rx = aligned_alloc(128, RG_CTR_COUNT * sizeof(*l->rx));
	must(l->rx, "no memory");
	l->rx_slots = zeros(1, RING_BYTES);
	l->rx_ll = zeros(1, LL_BYTES);
	l->posted = zeros(geometry.slots, sizeof(l->posted[0]));
	u->f.ep.links[(size_t)channel * u->f.ep.nranks + PEER] = l;
}

static void make_endpoint(struct vud *u)
{
	static struct rg_buffer buffer = {.len_bytes = WINDOW_BYTES};

	u->f.ep.ops = &rg_transport_verbs_ud;
	u->f.ep.rdv = &rendezvous;
	u->f.ep.nranks = 2;
	u->f.ep.config.geometry = geometry;
	u->f.ep.links = zeros((size_t)CHANNELS * 2, sizeof(u->f.ep.links[0]));
	u->f.ep.host = zeros(2, sizeof(u->f.ep.host[0]));
	make_link(u, 0); /* the other one's link is made when something comes */
	u->packet_bytes = PACKET_BYTES;
	u->receive_stride = PACKET_BYTES + RG_VERBS_GRH_BYTES;
	u->nreceives = RECEIVES;
	u->receives = zeros(RECEIVES, u->receive_stride);
	u->back = zeros(RECEIVES, sizeof(u->back[0]));
	u->arrived = zeros(RECEIVES, sizeof(u->arrived[0]));
	u->peers = zeros(2, sizeof(u->peers[0]));
	u->dirty.peers = zeros(2, sizeof(uint32_t));
	u->timed.peers = zeros(2, sizeof(uint32_t));
	u->urgent.peers = zeros(2, sizeof(uint32_t));
	u->flow = (struct ud_flow_config){.first_window = 16, .silence_ns = UINT64_MAX};
	place = zeros(1, PLACE_BYTES);
	buffer.base = zeros(1, WINDOW_BYTES);
	window.base.buffer = &buffer;
	u->f.windows = zeros(2, sizeof(u->f.windows[0]));
	u->f.windows[0] = &window; /* the other one is closed */
	u->f.nwindows = 2;
}

static void clear(struct vud *u)
{
	static uint8_t somewhere;
	struct vud_peer *p = &u->peers[PEER];

	memset(&model, 0, sizeof(model));
	memset(early, 0, sizeof(early));
	expected = 0;
	strangers = 0;
	coming_left = 0;
	fate = VUD_HERE;
	*p = (struct vud_peer){.ah = (struct ibv_ah *)&somewhere, .tag_in = TAG, .open = VUD_NONE};
	ud_flow_init(&p->flow, &u->flow);
	u->dirty.n = u->timed.n = u->urgent.n = 0;
	u->nheld = u->narrived = u->nback = 0;
	u->strays = 0;
	for (uint32_t k = 0; k < RECEIVES; k++)
		u->back[u->nback++] = (uint16_t)k;
	for (uint32_t c = 0; c < CHANNELS; c++) {
		struct rg_link *l = rg_endpoint_link(&u->f.ep, c, PEER);

		if (!l)
			continue;
		memset(l->rx, 0, RG_CTR_COUNT * sizeof(*l->rx));
		memset(l->rx_slots, 0, RING_BYTES);
		memset(l->rx_ll, 0, LL_BYTES);
	}
	memset(window.base.buffer->base, 0, WINDOW_BYTES);
	memset(place, 0, PLACE_BYTES);
	rg_endpoint_link(&u->f.ep, 0, PEER)->posted[(PLACE_READY - 1) % geometry.slots] =
		(struct rg_posted){.ready = PLACE_READY, .dst = place, .len_bytes = PLACE_BYTES};
}

/* --- an input --- */

static void receive(struct vud *u, const struct vud_head *head, const uint8_t *data, size_t len)
{
	uint16_t id = u->back[--u->nback];

	memcpy(vud_receive_at(u, id), head, sizeof(*head));
	memcpy(vud_receive_at(u, id) + sizeof(*head), data, len);
	vud_take(u, id, RG_VERBS_GRH_BYTES + sizeof(*head) + len, 1000);
	vud_apply(u);
}

/* One packet; how many bytes of the input it took. */
static size_t take_packet(struct vud *u, uint32_t number, const uint8_t *data, size_t len)
{
	struct vud_head head;
	uint8_t *bytes = (uint8_t *)&head;
	size_t n = data[0], at = 2;

	if (len < at + sizeof(head))
		return len;
	n = (n | (size_t)data[1] << 8) % (PACKET_BYTES - sizeof(head) + 1);
	n = n < len - at - sizeof(head) ? n : len - at - sizeof(head);
	head = vud_head_wire((struct vud_head){.tag = TAG,
					       .from = PEER,
					       .number = number,
					       .kind = VUD_DATA,
					       .len_bytes = (uint16_t)n});
	for (size_t i = 0; i < sizeof(head); i++)
		bytes[i] ^= data[at + i];
	at += sizeof(head);
	model_take(&head, data + at, n);
	receive(u, &head, data + at, n);
	return at + n;
}

static void compare_peer(struct vud *u)
{
	const struct vud_peer *p = &u->peers[PEER];
	struct rg_err err = {0};

	must(p->fate == fate, "what became of the peer?");
	must((p->fault != NULL) == (fate == VUD_CUT_OFF), "who is to blame?");
	u->events_ns = rg_clock_ns(); /* there is no device to be asked */
	must((vud_peer_alive(&u->f.ep, PEER, &err) != 0) == (fate != VUD_HERE), "is it alive?");
	must(fate == VUD_HERE || strstr(err.text, "rank 1"), "who is gone?");
	must(u->strays == strangers, "who is a stranger?");
	must(u->nback + u->nheld == RECEIVES, "receives are lost");
	must(!u->narrived, "something was not applied");
}

static void compare_memory(const struct vud *u)
{
	for (uint32_t c = 0; c < CHANNELS; c++) {
		const struct rg_link *l = rg_endpoint_link(&u->f.ep, c, PEER);

		if (!l)
			continue; /* nothing has come */
		must(!memcmp(l->rx_slots, model.slots[c], RING_BYTES), "slots");
		must(!memcmp(l->rx_ll, model.words[c], LL_BYTES), "word slots");
		for (int k = 0; k < RG_CTR_COUNT; k++)
			must(l->rx[k].value == model.counters[c][k], "counters");
	}
	must(!memcmp(window.base.buffer->base, model.window, WINDOW_BYTES), "the window");
	must(!memcmp(place, model.place, PLACE_BYTES), "a place");
	must(rg_endpoint_link(&u->f.ep, 0, PEER)
			     ->posted[(PLACE_READY - 1) % geometry.slots]
			     .placed == model.placed,
	     "is a message in its place?");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	struct vud *u = &endpoint;
	uint32_t number = 0;

	if (len_bytes > INPUT_BYTES)
		return 0;
	if (!u->peers)
		make_endpoint(u);
	clear(u);
	while (len_bytes > 1) {
		size_t n = take_packet(u, number++, data, len_bytes);

		data += n;
		len_bytes -= n;
	}
	compare_peer(u);
	compare_memory(u);
	return 0;
}
