/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs-ud: what is done in each turn, and the thread that does it while the rank is away. */
#include "config.h"

#include "verbs_ud_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/launch/bind.h"

#include <sched.h>
#include <signal.h>

/* Batches taken before anything else is looked at. */
#define ROUNDS 4

/* The other one is here for microseconds, unless it was taken off its core. */
#define SPINS 1000

/* --- one at a time --- */

static bool try_enter(struct vud *u)
{
	return !atomic_exchange_explicit(&u->taken, 1, memory_order_acquire);
}

void vud_enter(struct vud *u)
{
	for (uint32_t n = 0; !try_enter(u); n++) {
		if (n >= SPINS)
			sched_yield();
	}
	/* Only the rank counts them. */
	atomic_store_explicit(&u->visits,
			      atomic_load_explicit(&u->visits, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

void vud_leave(struct vud *u)
{
	atomic_store_explicit(&u->taken, 0, memory_order_release);
}

void vud_fail(struct vud *u, const struct rg_err *why)
{
	if (u->rc)
		return;
	u->rc = why->code;
	u->why = *why;
}

void vud_fail_completion(struct vud *u, const struct ibv_wc *wc, uint32_t peer)
{
	const struct rg_verbs_peer who = {.rank = peer, .node = u->f.ep.host[peer]};
	struct rg_err err = {0};

	rg_verbs_completion_error(u->device, wc, u->qp, &u->addresses[peer].verbs, &who, &err);
	vud_fail(u, &err);
}

/* --- a turn --- */

/* Of the peer's own stream, and of what both send to the group. */
static uint64_t due_ns(const struct vud *u, uint32_t peer)
{
	uint64_t own = ud_flow_due_ns(&u->peers[peer].flow), group = UINT64_MAX;

	if (u->group)
		group = ud_flow_due_ns(&vud_member_of(u, peer)->flow);
	return own < group ? own : group;
}

void vud_time(struct vud *u, uint32_t peer)
{
	struct vud_peer *p = &u->peers[peer];
	uint64_t due = due_ns(u, peer);

	if (due == UINT64_MAX)
		return;
	if (!due) /* something is to be acknowledged at once */
		vud_list_add(&u->urgent, &p->urgent, peer);
	vud_list_add(&u->timed, &p->timed, peer);
	u->due_ns = due < u->due_ns ? due : u->due_ns;
}

static void look_at_group(struct vud *u, uint32_t peer, uint64_t now_ns)
{
	struct ud_flow *f = &vud_member_of(u, peer)->flow;

	ud_flow_pass(f, &u->flow, now_ns);
	if (ud_flow_is_silent(f, &u->flow, now_ns))
		vud_let_go(u, peer, VUD_SILENT, NULL);
	u->group->dirty |= ud_flow_has_unsent(f);
	if (ud_flow_must_tell(f, now_ns))
		vud_list_add(&u->urgent, &u->peers[peer].urgent, peer);
}

/* When the peer's timers are to be looked at again; UINT64_MAX: they do not run. */
static uint64_t look_at_timers(struct vud *u, uint32_t peer, uint64_t now_ns)
{
	struct vud_peer *p = &u->peers[peer];

	ud_flow_pass(&p->flow, &u->flow, now_ns);
	if (ud_flow_is_silent(&p->flow, &u->flow, now_ns))
		vud_let_go(u, peer, VUD_SILENT, NULL);
	if (ud_flow_has_unsent(&p->flow))
		vud_list_add(&u->dirty, &p->dirty, peer);
	if (ud_flow_must_tell(&p->flow, now_ns))
		vud_list_add(&u->urgent, &p->urgent, peer);
	if (u->group)
		look_at_group(u, peer, now_ns);
	return due_ns(u, peer);
}

static void pass_time(struct vud *u, uint64_t now_ns)
{
	uint32_t kept = 0;

	if (now_ns < u->due_ns)
		return;
	u->due_ns = UINT64_MAX;
	for (uint32_t k = 0; k < u->timed.n; k++) {
		uint32_t peer = u->timed.peers[k];
		uint64_t due = look_at_timers(u, peer, now_ns);

		u->peers[peer].timed = due != UINT64_MAX;
		if (due == UINT64_MAX)
			continue;
		u->timed.peers[kept++] = peer;
		u->due_ns = due < u->due_ns ? due : u->due_ns;
	}
	u->timed.n = kept;
	/* Of many peers one or the other always is due. */
	if (u->due_ns < now_ns + VUD_LOOK_NS)
		u->due_ns = now_ns + VUD_LOOK_NS;
}

/* True if the peer has been told all that it is to be told. */
static bool tell_peer(struct vud *u, uint32_t peer, uint64_t now_ns)
{
	struct vud_peer *p = &u->peers[peer];

	if (!p->ah)
		return true;
	if (p->refused)
		p->refused = !vud_tell(u, peer, VUD_GIVEN_UP, now_ns);
	if (p->refused || p->fate != VUD_HERE)
		return !p->refused;
	if (ud_flow_must_tell(&p->flow, now_ns) && !vud_tell(u, peer, VUD_ACK, now_ns))
		return false;
	return !u->group || !ud_flow_must_tell(&vud_member_of(u, peer)->flow, now_ns) ||
	       vud_tell(u, peer, VUD_GROUP_ACK, now_ns);
}

static void tell_urgent(struct vud *u, uint64_t now_ns)
{
	uint32_t kept = 0;

	for (uint32_t k = 0; k < u->urgent.n; k++) {
		uint32_t peer = u->urgent.peers[k];

		u->peers[peer].urgent = !tell_peer(u, peer, now_ns);
		if (u->peers[peer].urgent)
			u->urgent.peers[kept++] = peer;
	}
	u->urgent.n = kept;
}

bool vud_drive(struct vud *u, enum vud_driver driver)
{
	uint64_t now = rg_clock_ns();
	bool any = vud_sent(u), came = true;

	u->driver = driver;
	u->away = now - u->driven_ns > UD_FLOW_AWAY_NS;
	u->driven_ns = now;
	for (int k = 0; k < ROUNDS && came && !u->rc; k++) {
		came = vud_receive(u, now);
		any |= came;
		if (driver == VUD_RANK)
			any |= vud_apply(u);
		vud_repost(u, false);
	}
	if (u->rc)
		return false;
	pass_time(u, now);
	/* What is sent takes acknowledgements along. */
	if (vud_is_dirty(u))
		vud_flush(u, now);
	if (u->urgent.n)
		tell_urgent(u, now);
	vud_post(u);
	return any;
}

/* --- the keeper --- */

static void sleep_for(struct vud *u, uint64_t ns)
{
	uint64_t until = rg_clock_ns() + ns;
	const struct timespec ts = {.tv_sec = (time_t)(until / 1000000000),
				    .tv_nsec = (long)(until % 1000000000)};

	pthread_cond_timedwait(&u->wakened, &u->mutex, &ts);
}

static void *keep(void *arg)
{
	struct vud *u = arg;
	bool busy = false;
	uint32_t seen = 0;

	rg_bind_helper();
	pthread_mutex_lock(&u->mutex);
	while (!u->ends) {
		uint32_t visits;

		sleep_for(u, busy ? VUD_BUSY_NS : VUD_KEEPER_NS);
		visits = atomic_load_explicit(&u->visits, memory_order_relaxed);
		busy = false;
		if (u->ends || visits != seen || !try_enter(u)) {
			seen = visits;
			continue;
		}
		busy = vud_drive(u, VUD_KEEPER);
		vud_leave(u);
	}
	pthread_mutex_unlock(&u->mutex);
	return NULL;
}

/* Signals are for the threads of the program. */
static int create_thread(struct vud *u)
{
	sigset_t all, before;
	int e;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	e = pthread_create(&u->keeper, NULL, keep, u);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return e;
}

int vud_keeper_start(struct vud *u, struct rg_err *err)
{
	pthread_condattr_t attr;
	int e;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&u->mutex, NULL);
	pthread_cond_init(&u->wakened, &attr);
	pthread_condattr_destroy(&attr);
	e = create_thread(u);
	if (e) {
		pthread_cond_destroy(&u->wakened);
		pthread_mutex_destroy(&u->mutex);
		return rg_err_errno(err, e, "verbs-ud: a thread");
	}
	u->keeps = true;
	return 0;
}

void vud_keeper_stop(struct vud *u)
{
	if (!u->keeps)
		return;
	pthread_mutex_lock(&u->mutex);
	u->ends = true;
	pthread_cond_signal(&u->wakened);
	pthread_mutex_unlock(&u->mutex);
	pthread_join(u->keeper, NULL);
	pthread_cond_destroy(&u->wakened);
	pthread_mutex_destroy(&u->mutex);
	u->keeps = false;
}
