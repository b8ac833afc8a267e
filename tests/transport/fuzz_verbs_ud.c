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
 * here and in fuzz.c once more, says what memory, counters and the peer's fate must be like.
 */
#include "config.h"

#include "fuzz.h"

#include "railgauge/base/clock.h"
#include "transport/verbs_ud_impl.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKET_BYTES 1024u
#define RECEIVES     256u
#define TAG	     UINT64_C(0x1122334455667788)

const char fuzz_target[] = "fuzz_verbs_ud";

/* A packet that came before its turn. */
struct early {
	bool here;
	uint16_t len;
	uint8_t data[PACKET_BYTES];
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

static struct early early[64];
static uint32_t expected;
static uint64_t strangers;
static enum vud_fate fate;
static struct frame coming; /* whose data are coming */
static uint8_t *coming_to;
static uint64_t coming_left;

/* --- the model --- */

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
			coming = fuzz_frame(data);
			if (!fuzz_is_right(&coming)) {
				fate = VUD_CUT_OFF;
				return;
			}
			coming_to = fuzz_place(&coming);
			coming_left = coming.len_bytes;
		}
		if (!coming_left)
			fuzz_tell(&coming);
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

	if (le64toh(h->tag) != TAG || le32toh(h->from) != FUZZ_PEER) {
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

static struct vud endpoint;

static void make_endpoint(struct vud *u)
{
	fuzz_make(&u->f, &rg_transport_verbs_ud);
	u->packet_bytes = PACKET_BYTES;
	u->receive_stride = PACKET_BYTES + RG_VERBS_GRH_BYTES;
	u->nreceives = RECEIVES;
	u->receives = fuzz_zeros(RECEIVES, u->receive_stride);
	u->back = fuzz_zeros(RECEIVES, sizeof(u->back[0]));
	u->arrived = fuzz_zeros(RECEIVES, sizeof(u->arrived[0]));
	u->peers = fuzz_zeros(2, sizeof(u->peers[0]));
	u->dirty.peers = fuzz_zeros(2, sizeof(uint32_t));
	u->timed.peers = fuzz_zeros(2, sizeof(uint32_t));
	u->urgent.peers = fuzz_zeros(2, sizeof(uint32_t));
	u->flow = (struct ud_flow_config){.first_window = 16, .silence_ns = UINT64_MAX};
}

static void clear(struct vud *u)
{
	static uint8_t somewhere;
	struct vud_peer *p = &u->peers[FUZZ_PEER];

	fuzz_clear(&u->f);
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
					       .from = FUZZ_PEER,
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
	const struct vud_peer *p = &u->peers[FUZZ_PEER];
	struct rg_err err = {0};

	fuzz_must(p->fate == fate, "what became of the peer?");
	fuzz_must((p->fault != NULL) == (fate == VUD_CUT_OFF), "who is to blame?");
	u->events_ns = rg_clock_ns(); /* there is no device to be asked */
	fuzz_must((vud_peer_alive(&u->f.ep, FUZZ_PEER, &err) != 0) == (fate != VUD_HERE),
		  "is it alive?");
	fuzz_must(fate == VUD_HERE || strstr(err.text, "rank 1"), "who is gone?");
	fuzz_must(u->strays == strangers, "who is a stranger?");
	fuzz_must(u->nback + u->nheld == RECEIVES, "receives are lost");
	fuzz_must(!u->narrived, "something was not applied");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	struct vud *u = &endpoint;
	uint32_t number = 0;

	if (len_bytes > FUZZ_INPUT_BYTES)
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
	fuzz_compare(&u->f);
	return 0;
}
