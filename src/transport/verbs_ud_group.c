/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-ud: the group. What a rank puts to all others at once goes as packets that all of them get,
 * in a stream of its own, per sender and reliable like any other: to each member belongs a flow, in
 * which such packets have the same numbers. A packet is sent to the group once all members' flows
 * allow it, and again to those alone that lack it.
 */
#include "config.h"

#include "verbs_ud_impl.h"

#include <string.h>

/* Up to what part of a packet data are better put into each peer's own packet. */
#define SHORT_PART 4

static bool is_here(const struct vud *u, uint32_t peer)
{
	return peer != u->f.ep.rank && u->peers[peer].fate == VUD_HERE;
}

/* --- rows of receives --- */

static void row_add(struct vud *u, struct vud_row *row, uint16_t receive)
{
	if (row->n++)
		u->group->next[row->last] = receive;
	else
		row->first = receive;
	row->last = receive;
}

static uint16_t row_take(struct vud *u, struct vud_row *row)
{
	uint16_t receive = row->first;

	row->first = u->group->next[receive];
	row->n--;
	row->done_bytes = 0;
	return receive;
}

static void row_drop(struct vud *u, struct vud_row *row)
{
	while (row->n)
		vud_keep_no_more(u, row_take(u, row));
}

/* --- receiving --- */

static bool may_keep(const struct vud *u, uint32_t peer)
{
	/* What a put waits for is taken out at once; else there must be room for the puts. */
	if (u->peers[peer].grouped && !vud_member_of(u, peer)->came.n)
		return u->nheld < u->nreceives - 2 * VUD_BATCH;
	return u->nheld < u->nreceives / 2;
}

/* True if the receive is kept. */
static bool take_data(struct vud *u, const struct vud_head *h, uint16_t receive, uint64_t now_ns)
{
	struct vud_member *m = vud_member_of(u, h->from);
	bool may_hold = u->nheld < u->nreceives / 2;

	if (!may_keep(u, h->from))
		return false;
	if (u->away)
		ud_flow_was_away(&m->flow);
	switch (ud_flow_came(&m->flow, h->number, h->flags & VUD_ASK, receive, may_hold, now_ns)) {
	case UD_FLOW_NEXT:
		u->nheld++;
		vud_arrive(u, h->from, receive, true);
		while (ud_flow_next_held(&m->flow, &receive))
			vud_arrive(u, h->from, receive, true);
		return true;
	case UD_FLOW_HELD:
		u->nheld++;
		return true;
	case UD_FLOW_NONSENSE:
		vud_let_go(u, h->from, VUD_CUT_OFF, "a packet to the group beyond its window");
		return false;
	default:
		return false;
	}
}

bool vud_group_take(struct vud *u, const struct vud_head *h, size_t len_bytes, uint16_t receive,
		    uint64_t now_ns, bool *kept_out)
{
	struct vud_peer *p;

	*kept_out = false;
	if (!u->group || h->from >= u->f.ep.nranks || h->from == u->f.ep.rank ||
	    h->tag != vud_member_of(u, h->from)->tag_in)
		return false;
	p = &u->peers[h->from];
	p->heard_ns = now_ns;
	if (h->kind == VUD_TRIAL) {
		vud_member_of(u, h->from)->heard = true;
		return true;
	}
	if (p->fate != VUD_HERE || (!p->ah && u->driver == VUD_KEEPER))
		return true;
	if (h->kind != VUD_GROUP || !h->len_bytes || h->len_bytes != len_bytes - sizeof(*h) ||
	    h->flags & ~VUD_ASK)
		vud_let_go(u, h->from, VUD_CUT_OFF, "a packet to the group that makes no sense");
	else if (!p->ah && vud_meet(u, h->from, NULL))
		vud_let_go(u, h->from, VUD_CUT_OFF, "no way leads back to it");
	else
		*kept_out = take_data(u, h, receive, now_ns);
	vud_time(u, h->from);
	return true;
}

const char *vud_group_heed(struct vud *u, const struct vud_head *h, uint64_t now_ns)
{
	const struct ud_flow_ack ack = {
		.next = h->next, .late = u->away || h->flags & VUD_LATE, .early = h->early};
	struct vud_member *m = vud_member_of(u, h->from);
	uint16_t freed[UD_FLOW_WINDOW];
	uint32_t n;

	if (ud_flow_acknowledged(&m->flow, &u->flow, &ack, now_ns, freed, &n) == UD_FLOW_NONSENSE)
		return "it acknowledges what was not sent to the group";
	u->moved |= n > 0;
	vud_release(u, freed, n);
	u->group->dirty = true;
	return NULL;
}

/* --- applying --- */

void vud_group_arrived(struct vud *u, uint32_t peer, uint16_t receive)
{
	if (u->peers[peer].fate == VUD_CUT_OFF)
		vud_keep_no_more(u, receive);
	else
		row_add(u, &vud_member_of(u, peer)->came, receive);
}

void vud_group_wait(struct vud *u, uint32_t peer, uint16_t receive, size_t done_bytes)
{
	struct vud_row *row = &vud_member_of(u, peer)->waiting;

	if (!done_bytes) {
		row_add(u, row, receive);
		return;
	}
	/* It was the first one. */
	u->group->next[receive] = row->first;
	row->last = row->n ? row->last : receive;
	row->first = receive;
	row->n++;
	row->done_bytes = done_bytes;
}

uint16_t vud_group_resume(struct vud *u, uint32_t peer, size_t *done_bytes_out)
{
	struct vud_row *row = &vud_member_of(u, peer)->waiting;

	if (!row->n || u->peers[peer].grouped)
		return VUD_NONE;
	*done_bytes_out = row->done_bytes;
	return row_take(u, row);
}

void vud_group_fill(struct vud *u, uint32_t peer)
{
	struct vud_row *row = u->group ? &vud_member_of(u, peer)->came : NULL;
	struct vud_peer *p = &u->peers[peer];

	while (row && p->grouped && row->n) {
		const uint8_t *at = vud_receive_at(u, row->first);
		struct vud_head h;
		size_t n;

		memcpy(&h, at, sizeof(h));
		h = vud_head_wire(h);
		n = h.len_bytes - row->done_bytes;
		n = vud_take_piece(u, peer, at + sizeof(h) + row->done_bytes, n);
		row->done_bytes += n;
		if (row->done_bytes == h.len_bytes)
			vud_keep_no_more(u, row_take(u, row));
		p->grouped = p->left > 0;
	}
}

void vud_group_let_go(struct vud *u, uint32_t peer, bool cut_off)
{
	uint16_t sent[UD_FLOW_WINDOW], held[UD_FLOW_WINDOW];
	struct vud_member *m = vud_member_of(u, peer);
	uint32_t nsent, nheld;

	ud_flow_end(&m->flow, sent, &nsent, held, &nheld);
	vud_release(u, sent, nsent);
	for (uint32_t k = 0; k < nheld; k++)
		vud_keep_no_more(u, held[k]);
	u->group->dirty = true; /* the others wait for it no more */
	if (!cut_off)
		return;
	row_drop(u, &m->came);
	row_drop(u, &m->waiting);
	u->peers[peer].grouped = false;
}

/* --- sending --- */

static uint32_t count_here(const struct vud *u)
{
	uint32_t n = 0;

	for (uint32_t r = 0; r < u->f.ep.nranks; r++)
		n += is_here(u, r);
	return n;
}

/* May the next packet go to all that are here? */
static bool may_send_to_all(const struct vud *u)
{
	bool any = false;

	for (uint32_t r = 0; r < u->f.ep.nranks; r++) {
		const struct ud_flow *f = &vud_member_of(u, r)->flow;

		if (!is_here(u, r))
			continue;
		if (f->lost || f->unsent == f->next || !ud_flow_may_send(f))
			return false;
		any = true;
	}
	return any;
}

static void send_to_all(struct vud *u, uint64_t now_ns)
{
	struct vud_head head = {.kind = VUD_GROUP};
	uint16_t id = VUD_NONE;

	for (uint32_t r = 0; r < u->f.ep.nranks; r++) {
		struct ud_flow_packet out;

		if (!is_here(u, r))
			continue;
		out = ud_flow_send(&vud_member_of(u, r)->flow, &u->flow, now_ns);
		id = out.id;
		head.number = out.number;
		head.flags |= out.ask ? VUD_ASK : 0;
		vud_time(u, r);
	}
	vud_group_write_head(u, id, head);
	vud_enqueue(u, u->f.ep.rank, id);
}

/* What is lost goes to that member alone. False: there is no place for all. */
static bool send_again(struct vud *u, uint32_t peer, uint64_t now_ns)
{
	struct ud_flow *f = &vud_member_of(u, peer)->flow;

	while (f->lost && ud_flow_may_send(f)) {
		struct ud_flow_packet out;
		struct vud_head head = {.kind = VUD_GROUP, .flags = VUD_ASK};

		if (!vud_has_place(u))
			return false;
		out = ud_flow_send(f, &u->flow, now_ns);
		head.number = out.number;
		if (!u->packets[out.id].posted)
			vud_group_write_head(u, out.id, head);
		vud_enqueue(u, peer, out.id);
		vud_time(u, peer);
	}
	return true;
}

void vud_group_write_head(struct vud *u, uint16_t id, struct vud_head head)
{
	head.tag = u->group->tag_out;
	head.from = u->f.ep.rank;
	head.len_bytes = (uint16_t)(u->packets[id].len_bytes - sizeof(head));
	head = vud_head_wire(head);
	memcpy(vud_packet_at(u, id), &head, sizeof(head));
}

bool vud_group_flush(struct vud *u, uint64_t now_ns)
{
	struct vud_group *g = u->group;
	bool left = false;

	if (!g || !g->dirty)
		return true;
	for (uint32_t r = 0; r < u->f.ep.nranks; r++) {
		if (is_here(u, r) && !send_again(u, r, now_ns))
			return false;
	}
	while (vud_has_place(u) && may_send_to_all(u))
		send_to_all(u, now_ns);
	for (uint32_t r = 0; r < u->f.ep.nranks; r++)
		left |= is_here(u, r) && ud_flow_has_unsent(&vud_member_of(u, r)->flow);
	g->dirty = left;
	return !left;
}

static bool has_room(const struct vud *u)
{
	for (uint32_t r = 0; r < u->f.ep.nranks; r++) {
		if (is_here(u, r) && !ud_flow_has_room(&vud_member_of(u, r)->flow))
			return false;
	}
	return u->nfree[0] > 0;
}

/* The next packet of data, to all that are here. False: not now. */
static bool add_packet(struct vud *u, const uint8_t *data, uint32_t len)
{
	uint16_t id;

	if (!has_room(u))
		return false;
	id = u->free[0][--u->nfree[0]];
	u->packets[id].len_bytes = (uint16_t)(sizeof(struct vud_head) + len);
	u->packets[id].wanted = count_here(u);
	memcpy(vud_packet_at(u, id) + sizeof(struct vud_head), data, len);
	for (uint32_t r = 0; r < u->f.ep.nranks; r++) {
		if (is_here(u, r))
			ud_flow_add(&vud_member_of(u, r)->flow, id);
	}
	u->group->dirty = true;
	return true;
}

/* First each peer's own stream says what is coming and where it goes: so it is taken at once. */
static bool announce(struct vud *u, const struct rg_put *puts, uint32_t n)
{
	struct vud_group *g = u->group;

	for (; g->told < n; g->told++) {
		const struct rg_put *put = &puts[g->told];
		struct frame frame = frame_of_put(put);

		frame.kind = VUD_FRAME_GROUP;
		if (u->peers[put->peer].fate == VUD_HERE &&
		    (u->peers[put->peer].pending || !vud_append_head(u, put->peer, &frame)))
			return false;
	}
	return true;
}

static bool put_data(struct vud *u, const struct rg_put *put)
{
	struct vud_group *g = u->group;
	uint32_t most = u->packet_bytes - (uint32_t)sizeof(struct vud_head);

	while (count_here(u) && g->done_bytes < put->len_bytes) {
		uint64_t left = put->len_bytes - g->done_bytes;
		uint32_t n = left < most ? (uint32_t)left : most;

		if (!add_packet(u, (const uint8_t *)put->src + g->done_bytes, n))
			return false;
		g->done_bytes += n;
	}
	return true;
}

/* Each peer gets all in its own packet. */
static bool put_short(struct vud *u, const struct rg_put *puts, uint32_t n)
{
	for (; u->group->told < n; u->group->told++) {
		if (vud_put_to_peer(u, &puts[u->group->told]))
			return false;
	}
	return true;
}

static int put_to_all(struct vud *u, const struct rg_put *puts, uint32_t n)
{
	bool is_short = puts->len_bytes <= u->packet_bytes / SHORT_PART;
	struct vud_group *g = u->group;

	if (g->pending && !rg_put_is_same(puts, &g->put))
		return 1;
	if (!g->pending) {
		g->put = puts[0];
		g->told = 0;
		g->done_bytes = 0;
		g->pending = true;
	}
	if (is_short ? !put_short(u, puts, n) : !announce(u, puts, n) || !put_data(u, puts))
		return 1;
	g->pending = false;
	return 0;
}

int vud_put_all(struct rg_endpoint *ep, const struct rg_put *puts, uint32_t n, struct rg_err *err)
{
	struct vud *u = (struct vud *)ep;
	int rc = u->group ? 0
			  : rg_err_set(err, RG_ERR_UNSUPPORTED,
				       "verbs-ud: there is no group of all ranks here");

	for (uint32_t k = 0; k < n && !rc; k++)
		rc = framed_check_put(&u->f, &puts[k], err);
	if (!rc && n != ep->nranks - 1)
		rc = rg_err_set(err, RG_ERR_INVALID, "%u puts are not one to each of %u others", n,
				ep->nranks - 1);
	if (rc || !n)
		return rc;
	vud_enter(u);
	rc = u->rc ? 1 : put_to_all(u, puts, n);
	vud_leave(u);
	return rc;
}

bool vud_group_is_settled(const struct vud *u)
{
	for (uint32_t r = 0; u->group && r < u->f.ep.nranks; r++) {
		if (is_here(u, r) && !ud_flow_is_settled(&vud_member_of(u, r)->flow))
			return false;
	}
	return true;
}
