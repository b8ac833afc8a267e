/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs-rc: the endpoint. See verbs_rc_impl.h. */
#include "config.h"

#include "verbs_rc_post.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <sched.h>

#define SLEEP_NS 50000u

static void rc_close(struct rg_endpoint *ep)
{
	struct vrc *v = (struct vrc *)ep;
	size_t nlinks;

	if (!v)
		return;
	nlinks = (size_t)ep->config.geometry.channels * ep->nranks;
	if (v->opened)
		vrc_part(v);
	vrc_teardown(v);
	for (size_t n = 0; v->links && n < nlinks; n++) {
		ep->links[n] = NULL;
		vrc_link_free(v->links[n]);
	}
	rg_free(v->links);
	rg_endpoint_release(ep);
	rg_free(v);
}

static int rc_open(struct rg_rendezvous *rdv, const struct rg_transport_config *config,
		   struct rg_endpoint **ep_out, struct rg_err *err)
{
	struct vrc *v = rg_zalloc(1, sizeof(*v));
	int rc = rg_endpoint_init(v ? &v->ep : NULL, &rg_transport_verbs_rc, rdv, config, err);

	if (rc) {
		rg_free(v);
		return rc;
	}
	v->options = config->verbs ? *config->verbs : rg_verbs_options_default;
	rc = vrc_setup(v, err);
	if (rc) {
		rc_close(&v->ep);
		return rc;
	}
	v->opened = true;
	v->ep.straight_bytes = VRC_STRAIGHT_BYTES;
	v->ep.post_bytes = VRC_POST_BYTES;
	*ep_out = &v->ep;
	return 0;
}

static int advance(struct vrc *v, bool *any_out, struct rg_err *err)
{
	int rc = vrc_poll(v, any_out, err);

	if (rc)
		return rc;
	if (v->nasking)
		vrc_ask_again(v);
	(void)vrc_leave(v);
	return 0;
}

static int rc_connect(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, struct rg_err *err)
{
	int rc = rg_endpoint_check(ep, peer, channel, err);
	struct vrc *v = (struct vrc *)ep;
	size_t n = (size_t)channel * ep->nranks + peer;
	struct vrc_link *l;
	bool any = false;

	if (rc || rg_endpoint_link(ep, channel, peer))
		return rc;
	if (v->peers[peer].why.code)
		return rg_err_set(err, v->peers[peer].why.code, "%s", v->peers[peer].why.text);
	if (peer != ep->rank)
		rc = vrc_ask(v, peer, err);
	l = v->links[n];
	if (!rc && !l)
		rc = vrc_link_make(v, peer, channel, &l, err);
	if (rc)
		return rc;
	ep->links[n] = &l->base;
	/* Those who ask meanwhile are answered: so most are joined before anything is timed. */
	return advance(v, &any, err);
}

static int rc_read(struct rg_endpoint *ep, uint32_t peer, void *dst, uint64_t address,
		   size_t len_bytes, struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_UNSUPPORTED, "verbs-rc reads no memory of its peers");
}

static int rc_progress(struct rg_endpoint *ep, struct rg_err *err)
{
	struct vrc *v = (struct vrc *)ep;
	bool any = false;
	int rc;

	v->moved = false;
	rc = advance(v, &any, err);
	return rc ? rc : any || v->moved;
}

static void rc_idle(struct rg_endpoint *ep, uint32_t n)
{
	const struct rg_patience *p = &ep->config.patience;

	if (n < p->spins)
		return;
	if (n - p->spins < p->yields)
		sched_yield();
	else
		rg_clock_sleep_until(rg_clock_ns() + SLEEP_NS);
}

static void rc_wake(struct rg_endpoint *ep, uint32_t peer)
{
	/* Nobody sleeps until he is woken. */
}

static int rc_peer_alive(struct rg_endpoint *ep, uint32_t peer, struct rg_err *err)
{
	int rc = rg_endpoint_check(ep, peer, 0, err);
	struct vrc *v = (struct vrc *)ep;
	const struct vrc_peer *p;

	if (rc || peer == ep->rank)
		return rc;
	vrc_look_after(v, peer);
	p = &v->peers[peer];
	if (p->why.code)
		return rg_err_set(err, RG_ERR_PEER, "%s", p->why.text);
	if (p->closed)
		return rg_err_set(err, RG_ERR_PEER, "rank %u (%s) has closed its connection", peer,
				  ep->host[peer]);
	return 0;
}

const struct rg_transport_ops rg_transport_verbs_rc = {
	.name = "verbs-rc",
	.summary = "RDMA writes over reliable connections",
	.caps = RG_CAP_DATA | RG_CAP_ORDERED,
	.geometry = &rg_geometry_verbs_rc,
	.system_calls = "none where the device's doorbell is memory, else one write for each "
			"(soft devices); sched_yield and clock_nanosleep once a peer is late; "
			"events of the devices are read then; where a peer connects, or answers, "
			"mmap, registration, and what makes and joins queue pairs",
	.probe = vrc_probe,
	.open = rc_open,
	.close = rc_close,
	.connect = rc_connect,
	.window_open = vrc_window_open,
	.window_close = vrc_window_close,
	.window_map = vrc_window_map,
	.lend = vrc_lend,
	.take_back = vrc_take_back,
	.put = vrc_put,
	.post = vrc_want,
	.signal = vrc_signal,
	.read = rc_read,
	.flush = vrc_flush,
	.progress = rc_progress,
	.idle = rc_idle,
	.wake = rc_wake,
	.peer_alive = rc_peer_alive,
};
