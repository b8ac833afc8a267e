/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "fuzz.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rg_geometry geometry = {
	.channels = FUZZ_CHANNELS,
	.slots = 4,
	.slot_bytes = 8192,
	.ll_slots = 2,
	.ll_bytes = 64,
	.credit_batch = 1,
};

/* What rank 1 can change. */
static struct {
	uint8_t slots[FUZZ_CHANNELS][FUZZ_RING_BYTES];
	uint8_t words[FUZZ_CHANNELS][FUZZ_LL_BYTES];
	uint64_t counters[FUZZ_CHANNELS][RG_CTR_COUNT];
	uint8_t window[FUZZ_WINDOW_BYTES];
	uint8_t place[FUZZ_PLACE_BYTES];
	bool placed;
} model;

struct rg_rendezvous fuzz_rendezvous = {.rank = 0, .nranks = 2, .job_key = "a key of this test"};
static struct framed_window window;
static uint8_t *place;

void fuzz_must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "%s: %s\n", fuzz_target, what);
	abort();
}

/* --- the model --- */

struct frame fuzz_frame(const uint8_t *wire)
{
	struct frame f;

	memcpy(&f, wire, sizeof(f));
	f.channel = le16toh(f.channel);
	f.window = le32toh(f.window);
	f.offset = le64toh(f.offset);
	f.len_bytes = le64toh(f.len_bytes);
	f.value = le64toh(f.value);
	return f;
}

static bool is_within(const struct frame *f, uint64_t room)
{
	return f->offset <= room && f->len_bytes <= room && f->offset + f->len_bytes <= room;
}

bool fuzz_is_right(const struct frame *f)
{
	bool tells = f->ctr < RG_CTR_COUNT;

	if (f->channel >= FUZZ_CHANNELS || (!tells && f->ctr != 0xff) ||
	    (f->kind != 3 && f->window))
		return false;
	switch (f->kind) {
	case 1:
		return is_within(f, FUZZ_RING_BYTES);
	case 2:
		return is_within(f, FUZZ_LL_BYTES);
	case 3:
		return f->window == 1 || (f->window == 0 && is_within(f, FUZZ_WINDOW_BYTES));
	case 4:
		return !f->offset && !f->len_bytes && tells;
	default:
		return false;
	}
}

uint8_t *fuzz_place(const struct frame *f)
{
	if (f->kind == 1 && f->channel == 0 && f->ctr == RG_CTR_READY &&
	    f->value == FUZZ_PLACE_READY && f->len_bytes == FUZZ_PLACE_BYTES &&
	    model.counters[0][RG_CTR_READY] < FUZZ_PLACE_READY) {
		model.placed = true;
		return model.place;
	}
	if (f->kind == 1)
		return model.slots[f->channel] + f->offset;
	if (f->kind == 2)
		return model.words[f->channel] + f->offset;
	return f->kind == 3 && f->window == 0 ? model.window + f->offset : NULL;
}

void fuzz_tell(const struct frame *f)
{
	if (f->ctr != 0xff)
		model.counters[f->channel][f->ctr] = f->value;
}

/* --- the endpoint --- */

void *fuzz_zeros(size_t count, size_t each_bytes)
{
	void *p = calloc(count, each_bytes);

	fuzz_must(p, "no memory");
	return p;
}

/* Each region on its own, so that sanitizers see its ends. */
static void make_link(struct framed *f, uint32_t channel)
{
	struct rg_link *l = fuzz_zeros(1, sizeof(*l));

	l->rx = aligned_alloc(128, RG_CTR_COUNT * sizeof(*l->rx));
	fuzz_must(l->rx, "no memory");
	l->rx_slots = fuzz_zeros(1, FUZZ_RING_BYTES);
	l->rx_ll = fuzz_zeros(1, FUZZ_LL_BYTES);
	l->posted = fuzz_zeros(geometry.slots, sizeof(l->posted[0]));
	f->ep.links[(size_t)channel * f->ep.nranks + FUZZ_PEER] = l;
}

void fuzz_make(struct framed *f, const struct rg_transport_ops *ops)
{
	static struct rg_buffer buffer = {.len_bytes = FUZZ_WINDOW_BYTES};

	f->ep.ops = ops;
	f->ep.rdv = &fuzz_rendezvous;
	f->ep.nranks = 2;
	f->ep.config.geometry = geometry;
	f->ep.links = fuzz_zeros((size_t)FUZZ_CHANNELS * 2, sizeof(f->ep.links[0]));
	f->ep.host = fuzz_zeros(2, sizeof(f->ep.host[0]));
	make_link(f, 0);
	place = fuzz_zeros(1, FUZZ_PLACE_BYTES);
	buffer.base = fuzz_zeros(1, FUZZ_WINDOW_BYTES);
	window.base.buffer = &buffer;
	f->windows = fuzz_zeros(2, sizeof(f->windows[0]));
	f->windows[0] = &window; /* the other one is closed */
	f->nwindows = 2;
}

static struct rg_posted *posted(const struct framed *f)
{
	return &rg_endpoint_link(&f->ep, 0, FUZZ_PEER)
			->posted[(FUZZ_PLACE_READY - 1) % geometry.slots];
}

void fuzz_clear(struct framed *f)
{
	memset(&model, 0, sizeof(model));
	for (uint32_t c = 0; c < FUZZ_CHANNELS; c++) {
		struct rg_link *l = rg_endpoint_link(&f->ep, c, FUZZ_PEER);

		if (!l)
			continue;
		memset(l->rx, 0, RG_CTR_COUNT * sizeof(*l->rx));
		memset(l->rx_slots, 0, FUZZ_RING_BYTES);
		memset(l->rx_ll, 0, FUZZ_LL_BYTES);
	}
	memset(window.base.buffer->base, 0, FUZZ_WINDOW_BYTES);
	memset(place, 0, FUZZ_PLACE_BYTES);
	*posted(f) = (struct rg_posted){
		.ready = FUZZ_PLACE_READY, .dst = place, .len_bytes = FUZZ_PLACE_BYTES};
}

void fuzz_compare(const struct framed *f)
{
	for (uint32_t c = 0; c < FUZZ_CHANNELS; c++) {
		const struct rg_link *l = rg_endpoint_link(&f->ep, c, FUZZ_PEER);

		if (!l)
			continue; /* nothing has come */
		fuzz_must(!memcmp(l->rx_slots, model.slots[c], FUZZ_RING_BYTES), "slots");
		fuzz_must(!memcmp(l->rx_ll, model.words[c], FUZZ_LL_BYTES), "word slots");
		for (int k = 0; k < RG_CTR_COUNT; k++)
			fuzz_must(l->rx[k].value == model.counters[c][k], "counters");
	}
	fuzz_must(!memcmp(window.base.buffer->base, model.window, FUZZ_WINDOW_BYTES), "the window");
	fuzz_must(!memcmp(place, model.place, FUZZ_PLACE_BYTES), "a place");
	fuzz_must(posted(f)->placed == model.placed, "is a message in its place?");
}
