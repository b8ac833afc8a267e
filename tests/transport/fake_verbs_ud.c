/* SPDX-License-Identifier: BSD-3-Clause */
/* Datagrams of the made-up fabric. */
#include "config.h"

#include "fake_verbs_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void deliver(struct fake_datagram *d)
{
	struct ibv_wc wc = {
		.opcode = IBV_WC_RECV,
		.imm_data = d->imm,
		.wc_flags = d->has_imm ? IBV_WC_WITH_IMM : 0,
		.src_qp = d->from_qpn,
		.slid = d->slid,
	};
	struct fake_rq *rq = d->to ? fake_receives(d->to) : NULL;
	uint8_t with_grh[40 + sizeof(d->data)] = {0};

	if (!rq || rq->taken == rq->posted || d->to->v.state == IBV_QPS_ERR)
		return; /* lost */
	memcpy(with_grh + 8, d->sgid, 16);
	memcpy(with_grh + 24, d->dgid, 16);
	memcpy(with_grh + 40, d->data, d->len_bytes);
	fake_receive(d->to, with_grh, 40 + (uint64_t)d->len_bytes, &wc, d->solicited);
}

/* On its way, now or later, once or twice or not at all. */
static void launch(const struct fake_datagram *filled, struct fake_qp *to)
{
	uint64_t luck = fake_draw() % 1000;
	int times = luck < fake.lost ? 0 : luck < fake.lost + fake.twice ? 2 : 1;

	while (times--) {
		struct fake_datagram *d = malloc(sizeof(*d)), **at = &fake.datagrams;

		if (!d)
			abort();
		*d = *filled;
		d->to = to;
		d->next = NULL;
		if (!(fake.modes & (FAKE_LATE | FAKE_UD_ANY_ORDER))) {
			deliver(d);
			free(d);
			continue;
		}
		while (*at)
			at = &(*at)->next;
		*at = d;
	}
}

bool fake_is_group(const uint8_t gid[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return gid[0] == 0xff || (!memcmp(gid, mapped, sizeof(mapped)) && gid[12] >> 4 == 0xe);
}

static bool reaches(const struct fake_datagram *d, const struct fake_qp *to, uint32_t qkey)
{
	const struct fake_dev *dev = ((struct fake_context *)to->v.context)->dev;

	return dev->ports[to->attr.port_num].up && !dev->config.deaf && to->attr.qkey == qkey &&
	       d->len_bytes <= 128u << dev->config.mtu;
}

static void send_group(const struct fake_qp *qp, const struct fake_wqe *w,
		       const struct fake_datagram *d)
{
	const struct fake_dev *dev = ((struct fake_context *)qp->v.context)->dev;

	if (w->to_qpn != 0xffffff || !dev->ports[qp->attr.port_num].up)
		return;
	for (struct fake_group *g = fake.groups, *next; g; g = next) {
		next = g->next;
		if (!memcmp(g->gid, d->dgid, 16) && g->qp != qp && reaches(d, g->qp, w->to_qkey))
			launch(d, g->qp);
	}
}

static void send_one(const struct fake_qp *qp, const struct fake_wqe *w,
		     const struct fake_datagram *d)
{
	struct fake_dev *dev = ((struct fake_context *)qp->v.context)->dev, *to;
	uint8_t port;

	if (!fake_find_port(dev, &w->to, &to, &port) || !dev->ports[qp->attr.port_num].up ||
	    !to->ports[port].up || d->len_bytes > 128u << to->config.mtu)
		return;
	for (struct fake_qp *p = fake.qps; p; p = p->next) {
		if (p->v.qp_num == w->to_qpn && p->v.qp_type == IBV_QPT_UD &&
		    ((struct fake_context *)p->v.context)->dev == to && p->attr.qkey == w->to_qkey)
			launch(d, p);
	}
}

int fake_carry_ud(struct fake_qp *qp, struct fake_wqe *w)
{
	const struct fake_dev *dev = ((struct fake_context *)qp->v.context)->dev;
	struct fake_datagram d = {
		.from_qpn = qp->v.qp_num,
		.imm = w->imm,
		.has_imm = w->opcode == IBV_WR_SEND_WITH_IMM,
		.solicited = w->solicited,
		.slid = fake_lid(dev, qp->attr.port_num),
		.len_bytes = (uint32_t)fake_total(w->sge, w->nsge),
	};

	if (d.len_bytes > 128u << dev->config.mtu)
		return IBV_WC_LOC_LEN_ERR;
	if (!fake_may_send(qp, w, 0))
		return IBV_WC_LOC_PROT_ERR;
	fake_gather(qp, w, d.data);
	if (w->to.is_global) {
		fake_gid(dev, qp->attr.port_num, w->to.grh.sgid_index, d.sgid);
		memcpy(d.dgid, w->to.grh.dgid.raw, 16);
	}
	if (fake_is_group(d.dgid))
		send_group(qp, w, &d);
	else
		send_one(qp, w, &d);
	return IBV_WC_SUCCESS;
}

/* Takes the n-th datagram out of the list. */
static struct fake_datagram *take_datagram(uint64_t n)
{
	struct fake_datagram **at = &fake.datagrams, *d;

	while (n--)
		at = &(*at)->next;
	d = *at;
	*at = d->next;
	return d;
}

void fake_run_datagrams(void)
{
	uint64_t under_way = 0;
	struct fake_datagram *d;

	for (d = fake.datagrams; d; d = d->next)
		under_way++;
	if (!under_way)
		return;
	d = take_datagram(fake.modes & FAKE_UD_ANY_ORDER ? fake_draw() % under_way : 0);
	deliver(d);
	free(d);
}

/* --- groups --- */

int ibv_attach_mcast(struct ibv_qp *qp, const union ibv_gid *gid, uint16_t lid)
{
	int e = fake_call("ibv_attach_mcast");
	struct fake_group *g;

	(void)lid;
	if (!e && (!fake_is_group(gid->raw) || qp->qp_type != IBV_QPT_UD))
		e = EINVAL;
	if (e)
		return e;
	g = calloc(1, sizeof(*g));
	if (!g)
		return ENOMEM;
	g->qp = (struct fake_qp *)qp;
	memcpy(g->gid, gid->raw, 16);
	fake_lock();
	g->next = fake.groups;
	fake.groups = g;
	fake.live++;
	fake_unlock();
	return 0;
}

int ibv_detach_mcast(struct ibv_qp *qp, const union ibv_gid *gid, uint16_t lid)
{
	struct fake_group **at = &fake.groups, *g;

	(void)lid;
	fake_note();
	fake_lock();
	while (*at && ((*at)->qp != (struct fake_qp *)qp || memcmp((*at)->gid, gid->raw, 16) != 0))
		at = &(*at)->next;
	g = *at;
	if (g) {
		*at = g->next;
		fake.live--;
	}
	fake_unlock();
	free(g);
	return g ? 0 : EINVAL;
}
