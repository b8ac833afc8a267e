/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs-ud: the endpoint. See verbs_ud_impl.h. */
#include "config.h"

#include "verbs_ud_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <sched.h>

#define SLEEP_NS UINT64_C(100000)

/*
 * Small messages are what it is for: a slot is eight packets of the usual 4 KiB, so that a message
 * does not fill a peer's window. Words are not granted.
 */
static const struct rg_geometry geometry = {
	.channels = 4,
	.slots = 8,
	.slot_bytes = 32 << 10,
	.ll_slots = 8,
	.ll_bytes = 64,
	.credit_batch = 4,
};

static void vud_close(struct rg_endpoint *ep)
{
	struct vud *u = (struct vud *)ep;

	if (!u)
		return;
	if (u->keeps) {
		vud_keeper_stop(u);
		vud_part(u);
	}
	vud_teardown(u);
	framed_release(&u->f);
	rg_free(u);
}

static int vud_open(struct rg_rendezvous *rdv, const struct rg_transport_config *config,
		    struct rg_endpoint **ep_out, struct rg_err *err)
{
	struct vud *u = rg_zalloc(1, sizeof(*u));
	int rc;

	rc = rg_endpoint_init(u ? &u->f.ep : NULL, &rg_transport_verbs_ud, rdv, config, err);
	if (rc) {
		rg_free(u);
		return rc;
	}
	u->options = config->verbs ? *config->verbs : rg_verbs_options_default;
	rc = vud_setup(u, err);
	if (rc) {
		vud_close(&u->f.ep);
		return rc;
	}
	*ep_out = &u->f.ep;
	return 0;
}

static int vud_connect(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, struct rg_err *err)
{
	int rc = rg_endpoint_check(ep, peer, channel, err);
	struct vud *u = (struct vud *)ep;

	if (rc || rg_endpoint_link(ep, channel, peer))
		return rc;
	if (peer != ep->rank) {
		vud_enter(u);
		vud_look_at_device(u);
		rc = vud_meet(u, peer, err);
		vud_leave(u);
	}
	return rc ? rc : framed_make_link(&u->f, peer, channel, err);
}

static void vud_window_close(struct rg_window *window)
{
	const struct framed_window *w = (const struct framed_window *)window;
	struct vud *u = w ? (struct vud *)w->base.ep : NULL;

	/* What is still coming for it goes nowhere. */
	for (uint32_t r = 0; w && r < u->f.ep.nranks; r++) {
		struct vud_peer *p = &u->peers[r];

		if (p->left && p->frame.kind == FRAME_WINDOW && p->frame.window == w->number)
			p->to = NULL;
	}
	framed_window_close(window);
}

static int vud_read(struct rg_endpoint *ep, uint32_t peer, void *dst, uint64_t address,
		    size_t len_bytes, struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_UNSUPPORTED, "verbs-ud reads no memory of its peers");
}

static int vud_hand_over(struct rg_endpoint *ep, struct rg_err *err)
{
	struct vud *u = (struct vud *)ep;
	bool done;

	vud_enter(u);
	done = !u->rc && vud_flush(u, vud_is_dirty(u) ? rg_clock_ns() : 0);
	vud_leave(u);
	return !done;
}

static int vud_progress(struct rg_endpoint *ep, struct rg_err *err)
{
	struct vud *u = (struct vud *)ep;
	int rc;

	vud_enter(u);
	u->moved = false;
	vud_drive(u, VUD_RANK);
	rc = u->rc ? u->rc : u->moved;
	if (u->rc && err)
		*err = u->why;
	vud_leave(u);
	return rc;
}

static void vud_idle(struct rg_endpoint *ep, uint32_t n)
{
	const struct rg_patience *p = &ep->config.patience;

	if (n < p->spins)
		return; /* asking the queues takes long enough */
	if (n - p->spins < p->yields)
		sched_yield();
	else
		rg_clock_sleep_until(rg_clock_ns() + SLEEP_NS);
}

static void vud_wake(struct rg_endpoint *ep, uint32_t peer)
{
	/* Nobody sleeps until he is woken. */
}

const struct rg_transport_ops rg_transport_verbs_ud = {
	.name = "verbs-ud",
	.summary = "unreliable datagrams made reliable: small messages to many peers",
	.caps = RG_CAP_DATA | RG_CAP_MULTICAST,
	.geometry = &geometry,
	.system_calls = "none but the doorbells of soft devices; sched_yield and clock_nanosleep, "
			"and read for the device's events, once a peer is late; mmap and an "
			"address handle where a peer sends before this rank connects; a thread "
			"that waits by futex 100 times a second, 1000 while the rank is away",
	.probe = vud_probe,
	.open = vud_open,
	.close = vud_close,
	.connect = vud_connect,
	.window_open = framed_window_open,
	.window_close = vud_window_close,
	.window_map = framed_window_map,
	.lend = rg_endpoint_ignore_buffer,
	.take_back = rg_endpoint_ignore_buffer,
	.put = vud_put,
	.put_all = vud_put_all,
	.signal = vud_signal,
	.read = vud_read,
	.flush = vud_hand_over,
	.progress = vud_progress,
	.idle = vud_idle,
	.wake = vud_wake,
	.peer_alive = vud_peer_alive,
};
