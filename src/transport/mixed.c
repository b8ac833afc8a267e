/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mixed: shm to the ranks of this node; to all others verbs-rc where every rank has a device that
 * works, else tcp, and `about` says why. Who names an interface or a congestion control wants tcp;
 * who names a device, or a way to notify, wants verbs-rc, and where that does not work it is an
 * error.
 *
 * Both endpoints know all ranks by the same numbers; a link is that of the one which reaches the
 * peer. Whoever waits must look at both memory and network, so nobody sleeps for long.
 */
#include "config.h"

#include "endpoint.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/transport/verbs.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#define SLEEP_NS 100000u

struct mixed {
	struct rg_endpoint ep;
	struct rg_endpoint *near, *far; /* owned */
	bool *is_near;			/* owned, [nranks] */
	char no_verbs[80];		/* why far is tcp and not verbs-rc; "" */
};

struct mixed_window {
	struct rg_window base;
	struct rg_window *near, *far; /* owned */
};

/* Which of the two reaches the peer; the peer exists. */
static struct rg_endpoint *way(const struct rg_endpoint *ep, uint32_t peer)
{
	const struct mixed *m = (const struct mixed *)ep;

	return m->is_near[peer] ? m->near : m->far;
}

struct rg_endpoint *rg_mixed_far(const struct rg_endpoint *ep)
{
	return ((const struct mixed *)ep)->far;
}

bool rg_mixed_is_near(const struct rg_endpoint *ep, uint32_t peer)
{
	return ((const struct mixed *)ep)->is_near[peer];
}

static int mixed_probe(const struct rg_transport_config *config, struct rg_err *err)
{
	int rc = rg_transport_shm.probe(config, err);

	return rc ? rc : rg_transport_tcp.probe(config, err);
}

static void mixed_close(struct rg_endpoint *ep)
{
	struct mixed *m = (struct mixed *)ep;

	if (!m)
		return;
	for (size_t i = 0; ep->links && i < (size_t)ep->config.geometry.channels * ep->nranks; i++)
		ep->links[i] = NULL; /* those of near and far */
	if (m->far)
		m->far->ops->close(m->far);
	rg_transport_shm.close(m->near);
	rg_free(m->is_near);
	rg_endpoint_release(ep);
	rg_free(m);
}

static int find_near(struct mixed *m, struct rg_err *err)
{
	m->is_near = rg_zalloc(m->ep.nranks, sizeof(m->is_near[0]));
	return rg_endpoint_neighbours(&m->ep, m->is_near, err);
}

static void describe(struct mixed *m)
{
	uint32_t n = 0;

	for (uint32_t r = 0; r < m->ep.nranks; r++)
		n += m->is_near[r];
	if (n < m->ep.nranks) {
		snprintf(m->ep.nics, sizeof(m->ep.nics), "%s", m->far->nics);
		memcpy(m->ep.lines, m->far->lines, sizeof(m->ep.lines));
		m->ep.nlines = m->far->nlines;
	}
	snprintf(m->ep.about, sizeof(m->ep.about), "shm to %u of the node, %s to %u%s%s: %.*s",
		 n - 1, m->far->ops->name, m->ep.nranks - n,
		 m->no_verbs[0] ? ", not verbs-rc: " : "", m->no_verbs, m->no_verbs[0] ? 60 : 150,
		 m->far->about);
}

#ifdef HAVE_VERBS

static int look_for_devices(const struct mixed *m, const struct rg_transport_config *config,
			    struct rg_verbs_suit *out, struct rg_err *err)
{
	const struct rg_verbs_options *options =
		config->verbs ? config->verbs : &rg_verbs_options_default;
	struct rg_verbs_wish wish = {
		.options = options,
		.len_bytes = rg_verbs_rc_locked_bytes(options, &config->geometry),
		.timeout_ns = m->ep.config.timeout_ns,
		.tcp = config->interface || config->congestion,
	};

	for (uint32_t r = 0; r < m->ep.nranks; r++) {
		wish.far |= !m->is_near[r];
		wish.local += m->is_near[r] && r < m->ep.rank;
		wish.nlocal += m->is_near[r];
	}
	return rg_verbs_suits(m->ep.rdv, &wish, out, err);
}

/* Are the words about a mistake, rather than about what there is? */
static bool is_mistake(int rc)
{
	return rc == RG_ERR_INVALID || rc == RG_ERR_RANGE || rc == RG_ERR_MISMATCH;
}

/* 0: far is verbs-rc; 1: it may be something else; or an error. The same on all ranks. */
static int open_verbs(struct mixed *m, const struct rg_transport_config *config, struct rg_err *err)
{
	struct rg_verbs_suit suit;
	struct rg_err why = {0};
	int rc = look_for_devices(m, config, &suit, err);

	snprintf(m->no_verbs, sizeof(m->no_verbs), "%.79s", suit.why_not);
	if (rc || !suit.all)
		return rc ? rc : 1;
	rc = rg_transport_verbs_rc.open(m->ep.rdv, config, &m->far, &why);
	if (!rc)
		return 0;
	if (suit.named || is_mistake(rc) || rc == RG_ERR_PEER || rc == RG_ERR_TIMEOUT ||
	    rc == RG_ERR_NO_MEMORY)
		return rg_err_set(err, rc, "%s", why.text);
	snprintf(m->no_verbs, sizeof(m->no_verbs), "%.79s", why.text);
	return 1;
}

#else

static int open_verbs(struct mixed *m, const struct rg_transport_config *config, struct rg_err *err)
{
	return 1;
}

#endif

static int open_far(struct mixed *m, const struct rg_transport_config *config, struct rg_err *err)
{
	int rc = open_verbs(m, config, err);

	return rc > 0 ? rg_transport_tcp.open(m->ep.rdv, config, &m->far, err) : rc;
}

static int mixed_open(struct rg_rendezvous *rdv, const struct rg_transport_config *config,
		      struct rg_endpoint **ep_out, struct rg_err *err)
{
	struct rg_transport_config near = *config;
	struct mixed *m = rg_zalloc(1, sizeof(*m));
	int rc;

	rc = rg_endpoint_init(m ? &m->ep : NULL, &rg_transport_mixed, rdv, config, err);
	if (rc) {
		rg_free(m);
		return rc;
	}
	rc = find_near(m, err);
	near.leave_others = true;
	if (!rc)
		rc = rg_transport_shm.open(rdv, &near, &m->near, err);
	/* Containers of one node with processes of their own have sockets between them. */
	for (uint32_t r = 0; r < rdv->nranks && !rc; r++)
		m->is_near[r] = m->is_near[r] && rg_shm_reaches(m->near, r);
	if (!rc)
		rc = open_far(m, config, err);
	if (rc) {
		mixed_close(&m->ep);
		return rc;
	}
	m->ep.straight_bytes = m->far->straight_bytes;
	m->ep.post_bytes = m->far->post_bytes;
	m->ep.rails = m->far->rails;
	describe(m);
	*ep_out = &m->ep;
	return 0;
}

static int mixed_connect(struct rg_endpoint *ep, uint32_t peer, uint32_t channel,
			 struct rg_err *err)
{
	int rc = rg_endpoint_check(ep, peer, channel, err);
	struct rg_endpoint *to;

	if (rc || rg_endpoint_link(ep, channel, peer))
		return rc;
	to = way(ep, peer);
	rc = to->ops->connect(to, peer, channel, err);
	if (!rc)
		ep->links[(size_t)channel * ep->nranks + peer] =
			rg_endpoint_link(to, channel, peer);
	return rc;
}

static void mixed_window_close(struct rg_window *window)
{
	struct mixed_window *w = (struct mixed_window *)window;

	if (!w)
		return;
	if (w->far)
		w->far->ep->ops->window_close(w->far);
	rg_transport_shm.window_close(w->near);
	rg_free(w->base.remote);
	rg_free(w->base.remote_bytes);
	rg_free(w);
}

static struct mixed_window *make_window(struct rg_endpoint *ep, const struct rg_buffer *buffer)
{
	struct mixed_window *w = rg_zalloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->base.ep = ep;
	w->base.buffer = buffer;
	w->base.remote = rg_zalloc(ep->nranks, sizeof(w->base.remote[0]));
	w->base.remote_bytes = rg_zalloc(ep->nranks, sizeof(w->base.remote_bytes[0]));
	if (w->base.remote && w->base.remote_bytes)
		return w;
	mixed_window_close(&w->base);
	return NULL;
}

static int mixed_window_open(struct rg_endpoint *ep, const struct rg_buffer *buffer,
			     struct rg_window **window_out, struct rg_err *err)
{
	struct mixed *m = (struct mixed *)ep;
	struct mixed_window *w = make_window(ep, buffer);
	int rc = w ? 0 : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a window");

	rc = rg_rendezvous_agree(ep->rdv, rc, rg_clock_ns() + ep->config.timeout_ns, err);
	if (!rc)
		rc = rg_transport_shm.window_open(m->near, buffer, &w->near, err);
	if (!rc)
		rc = m->far->ops->window_open(m->far, buffer, &w->far, err);
	if (rc) {
		mixed_window_close(w ? &w->base : NULL);
		return rc;
	}
	w->base.remote[ep->rank] = buffer->base;
	w->base.remote_bytes[ep->rank] = buffer->len_bytes;
	*window_out = &w->base;
	return 0;
}

/* The window of the endpoint that reaches the peer. */
static struct rg_window *window_to(const struct rg_window *window, uint32_t peer)
{
	const struct mixed_window *w = (const struct mixed_window *)window;
	const struct mixed *m = (const struct mixed *)window->ep;

	return m->is_near[peer] ? w->near : w->far;
}

static int mixed_window_map(struct rg_window *window, uint32_t peer, struct rg_err *err)
{
	int rc = rg_endpoint_check(window->ep, peer, 0, err);
	struct rg_window *to;

	if (rc)
		return rc;
	to = window_to(window, peer);
	rc = to->ep->ops->window_map(to, peer, err);
	if (rc)
		return rc;
	window->remote[peer] = to->remote[peer];
	window->remote_bytes[peer] = to->remote_bytes[peer];
	return 0;
}

static void mixed_lend(struct rg_endpoint *ep, const struct rg_buffer *buffer)
{
	struct rg_endpoint *far = ((struct mixed *)ep)->far;

	far->ops->lend(far, buffer);
}

static void mixed_take_back(struct rg_endpoint *ep, const struct rg_buffer *buffer)
{
	struct rg_endpoint *far = ((struct mixed *)ep)->far;

	far->ops->take_back(far, buffer);
}

static void mixed_post(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, uint64_t ready)
{
	struct rg_endpoint *to = way(ep, peer);

	if (to->ops->post)
		to->ops->post(to, peer, channel, ready);
}

static int mixed_put(struct rg_endpoint *ep, const struct rg_put *put, struct rg_err *err)
{
	int rc = rg_endpoint_check(ep, put->peer, put->channel, err);
	struct rg_put through = *put;
	struct rg_endpoint *to;

	if (rc)
		return rc;
	to = way(ep, put->peer);
	if (put->region == RG_REGION_WINDOW)
		through.window = window_to(put->window, put->peer);
	return to->ops->put(to, &through, err);
}

static int mixed_signal(struct rg_endpoint *ep, uint32_t peer, uint32_t channel, enum rg_ctr ctr,
			uint64_t value, struct rg_err *err)
{
	int rc = rg_endpoint_check(ep, peer, channel, err);
	struct rg_endpoint *to;

	if (rc)
		return rc;
	to = way(ep, peer);
	return to->ops->signal(to, peer, channel, ctr, value, err);
}

static int mixed_read(struct rg_endpoint *ep, uint32_t peer, void *dst, uint64_t address,
		      size_t len_bytes, struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_UNSUPPORTED, "mixed does not read the memory of all peers");
}

static int mixed_flush(struct rg_endpoint *ep, struct rg_err *err)
{
	struct rg_endpoint *far = ((struct mixed *)ep)->far;

	return far->ops->flush(far, err);
}

static int mixed_progress(struct rg_endpoint *ep, struct rg_err *err)
{
	struct rg_endpoint *far = ((struct mixed *)ep)->far;

	return far->ops->progress(far, err);
}

static void mixed_idle(struct rg_endpoint *ep, uint32_t n)
{
	const struct rg_patience *p = &ep->config.patience;

	if (n < p->spins)
		return; /* asking the network takes long enough */
	if (n - p->spins < p->yields)
		sched_yield();
	else
		rg_clock_sleep_until(rg_clock_ns() + SLEEP_NS);
}

static void mixed_wake(struct rg_endpoint *ep, uint32_t peer)
{
	/* Nobody sleeps until he is woken. */
}

/* Failures become known here, by who asks. */
static void note_rails(struct rg_endpoint *ep)
{
	const struct rg_endpoint *far = ((struct mixed *)ep)->far;

	ep->rails_failed = far->rails_failed;
	ep->rails_down = far->rails_down;
}

static int mixed_peer_alive(struct rg_endpoint *ep, uint32_t peer, struct rg_err *err)
{
	int rc = rg_endpoint_check(ep, peer, 0, err);
	struct rg_endpoint *to;

	if (rc)
		return rc;
	to = way(ep, peer);
	rc = to->ops->peer_alive(to, peer, err);
	note_rails(ep);
	return rc;
}

const struct rg_transport_ops rg_transport_mixed = {
	.name = "mixed",
	.summary = "shm to the ranks of the same node, verbs-rc or tcp to the others",
	.caps = RG_CAP_DATA,
	.geometry = &rg_geometry_tcp,
	.system_calls = "those of tcp or verbs-rc; clock_nanosleep once a peer is late",
	.probe = mixed_probe,
	.open = mixed_open,
	.close = mixed_close,
	.connect = mixed_connect,
	.window_open = mixed_window_open,
	.window_close = mixed_window_close,
	.window_map = mixed_window_map,
	.lend = mixed_lend,
	.take_back = mixed_take_back,
	.put = mixed_put,
	.post = mixed_post,
	.signal = mixed_signal,
	.read = mixed_read,
	.flush = mixed_flush,
	.progress = mixed_progress,
	.idle = mixed_idle,
	.wake = mixed_wake,
	.peer_alive = mixed_peer_alive,
};
