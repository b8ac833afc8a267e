/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/launch/child.h"

#include "child_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/log.h"
#include "railgauge/base/mem.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where the kernel has no pidfds, how often we look instead. */
#define LOOK_NS ((uint64_t)20000000)

/* After SIGKILL only a process that hangs in the kernel remains for so long. */
#define KILL_PATIENCE_NS ((uint64_t)10000000000)

struct child {
	pid_t pid;  /* its number is ours until it is reaped */
	int pidfd;  /* owned; -1: the kernel has none (before Linux 5.3), or it is reaped */
	bool ended; /* and is reaped */
	bool reported;
	uint32_t order;		 /* in which the ends were seen, from 1; 0 while it runs */
	struct rg_child_end end; /* once reaped */
};

struct rg_child_group {
	struct child *children; /* [nchildren], owned */
	struct pollfd *polls;	/* [nchildren + 1], owned */
	uint32_t nchildren;
	uint32_t nended;
	int signals; /* signalfd, owned */
	int last_signal;
	sigset_t old_mask; /* of the thread that opened the group */
	struct sigaction old_chld;
};

int rg_child_group_open(struct rg_child_group **group_out, struct rg_err *err)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	struct rg_child_group *g = rg_zalloc(1, sizeof(*g));
	sigset_t caught;
	int e;

	if (!g)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a group of processes");
	g->polls = rg_zalloc(1, sizeof(*g->polls));
	if (!g->polls) {
		rg_free(g);
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a group of processes");
	}
	sigemptyset(&caught);
	sigaddset(&caught, SIGINT);
	sigaddset(&caught, SIGTERM);
	sigaddset(&caught, SIGHUP);
	g->signals = signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
	if (g->signals < 0) {
		e = errno;
		rg_free(g->polls);
		rg_free(g);
		return rg_err_errno(err, e, "signalfd");
	}
	pthread_sigmask(SIG_BLOCK, &caught, &g->old_mask);
	/* Our parent may have had it ignored; then the kernel would reap our children itself. */
	sigaction(SIGCHLD, &dfl, &g->old_chld);
	*group_out = g;
	return 0;
}

/* Makes room for one more child. */
static int grow(struct rg_child_group *g)
{
	struct child *children;
	struct pollfd *polls;

	children = rg_realloc(g->children, (g->nchildren + 1) * sizeof(*children));
	if (!children)
		return RG_ERR_NO_MEMORY;
	g->children = children;
	polls = rg_realloc(g->polls, (g->nchildren + 2) * sizeof(*polls));
	if (!polls)
		return RG_ERR_NO_MEMORY;
	g->polls = polls;
	return 0;
}

int rg_child_start(struct rg_child_group *group, const struct rg_child_spec *spec,
		   uint32_t *index_out, struct rg_err *err)
{
	struct child c = {.pidfd = -1};
	int rc, e;

	if (grow(group))
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for child %u",
				  group->nchildren);
	rc = child_exec(spec, &group->old_mask, &c.pid, err);
	if (rc)
		return rc;
	/* Not reaped yet, so the number is still its own even if it has ended already. */
	c.pidfd = (int)syscall(SYS_pidfd_open, c.pid, 0);
	e = errno;
	if (c.pidfd < 0 && e != ENOSYS && e != EPERM) { /* EPERM: a container's filter */
		kill(-c.pid, SIGKILL);
		while (waitpid(c.pid, NULL, 0) < 0 && errno == EINTR)
			;
		return rg_err_errno(err, e, "pidfd_open");
	}
	c.end.index = group->nchildren;
	group->children[group->nchildren] = c;
	*index_out = group->nchildren++;
	return 0;
}

static bool runs(const struct child *c)
{
	return !c->ended;
}

static bool has_ended(const struct child *c)
{
	siginfo_t info = {0};

	return !waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) &&
	       info.si_pid == c->pid;
}

/* The child has ended: takes what it left with it, then gives its number back. */
static void reap(struct child *c)
{
	siginfo_t info = {0};

	/* While its zombie holds the number, the process group cannot be somebody else's. */
	kill(-c->pid, SIGKILL);
	while (waitid(P_PID, (id_t)c->pid, &info, WEXITED) < 0 && errno == EINTR)
		;
	c->end.exit_code = info.si_code == CLD_EXITED ? info.si_status : -1;
	c->end.signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
	c->end.core_dumped = info.si_code == CLD_DUMPED;
	if (c->pidfd >= 0)
		close(c->pidfd);
	c->pidfd = -1;
	c->ended = true;
}

static int poll_ms(uint64_t deadline_ns)
{
	uint64_t now = rg_clock_ns(), ms;

	if (deadline_ns == UINT64_MAX)
		return -1;
	if (now >= deadline_ns)
		return 0;
	ms = (deadline_ns - now) / 1000000 + 1;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* Takes one waiting signal. */
static bool take_signal(struct rg_child_group *g)
{
	struct signalfd_siginfo info;

	if (read(g->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return false;
	g->last_signal = (int)info.ssi_signo;
	return true;
}

/*
 * Of children that ended between two looks nobody knows the order. One that a signal ended is
 * likelier the cause than one that exits, perhaps because it noticed.
 */
static void give_order(struct rg_child_group *g, bool signalled)
{
	for (uint32_t i = 0; i < g->nchildren; i++) {
		struct child *c = &g->children[i];

		if (!runs(c) && c->order == 0 && (c->end.signal != 0) == signalled)
			c->order = ++g->nended;
	}
}

/* Sleeps until a child ends (those are reaped), a signal waits or the deadline passes. */
static int watch(struct rg_child_group *g, uint64_t deadline_ns, bool *signal_out,
		 struct rg_err *err)
{
	uint64_t look_ns = rg_clock_ns() + LOOK_NS;
	int n;

	for (uint32_t i = 0; i < g->nchildren; i++) {
		const struct child *c = &g->children[i];

		g->polls[i] = (struct pollfd){.fd = c->pidfd, .events = POLLIN};
		if (runs(c) && c->pidfd < 0 && look_ns < deadline_ns)
			deadline_ns = look_ns;
	}
	g->polls[g->nchildren] = (struct pollfd){.fd = g->signals, .events = POLLIN};
	n = poll(g->polls, g->nchildren + 1, poll_ms(deadline_ns));
	if (n < 0 && errno != EINTR)
		return rg_err_errno(err, errno, "waiting for children: poll");
	if (n < 0)
		return 0;
	for (uint32_t i = 0; i < g->nchildren; i++) {
		if (runs(&g->children[i]) && has_ended(&g->children[i]))
			reap(&g->children[i]);
	}
	give_order(g, true);
	give_order(g, false);
	*signal_out = g->polls[g->nchildren].revents && take_signal(g);
	return 0;
}

/* The first child that has ended and was not reported, or NULL. *left_out: some still run. */
static struct child *find_ended(struct rg_child_group *g, bool *left_out)
{
	struct child *first = NULL;

	*left_out = false;
	for (uint32_t i = 0; i < g->nchildren; i++) {
		struct child *c = &g->children[i];

		if (runs(c))
			*left_out = true;
		else if (!c->reported && (!first || c->order < first->order))
			first = c;
	}
	return first;
}

int rg_child_interrupted(int signal, struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_INTERRUPTED, "interrupted by signal %d (%s)", signal,
			  strsignal(signal));
}

int rg_child_wait(struct rg_child_group *group, uint64_t deadline_ns, struct rg_child_end *end_out,
		  struct rg_err *err)
{
	for (;;) {
		bool left, signalled = false;
		struct child *c = find_ended(group, &left);
		int rc;

		if (c) {
			c->reported = true;
			*end_out = c->end;
			return 1;
		}
		if (!left)
			return 0;
		rc = watch(group, deadline_ns, &signalled, err);
		if (rc)
			return rc;
		if (signalled)
			return rg_child_interrupted(group->last_signal, err);
		c = find_ended(group, &left);
		if (!c && left && poll_ms(deadline_ns) == 0)
			return rg_err_set(err, RG_ERR_TIMEOUT,
					  "children still run at the deadline");
	}
}

int rg_child_group_signal(const struct rg_child_group *group)
{
	return group->last_signal;
}

void rg_child_group_kill(struct rg_child_group *group, int signal)
{
	for (uint32_t i = 0; i < group->nchildren; i++) {
		if (runs(&group->children[i]))
			kill(-group->children[i].pid, signal);
	}
}

bool rg_child_runs(const struct rg_child_group *group, uint32_t index)
{
	return runs(&group->children[index]);
}

static bool any_runs(const struct rg_child_group *g)
{
	for (uint32_t i = 0; i < g->nchildren; i++) {
		if (runs(&g->children[i]))
			return true;
	}
	return false;
}

void rg_child_group_end(struct rg_child_group *group, uint64_t grace_ns)
{
	uint64_t deadline_ns = rg_clock_ns() + grace_ns;
	bool signalled = false;

	if (grace_ns > 0) {
		rg_child_group_kill(group, SIGTERM);
		rg_child_group_kill(group, SIGCONT);
	}
	while (any_runs(group) && !signalled && rg_clock_ns() < deadline_ns) {
		if (watch(group, deadline_ns, &signalled, NULL))
			break;
	}
	rg_child_group_kill(group, SIGKILL);
	deadline_ns = rg_clock_ns() + KILL_PATIENCE_NS;
	while (any_runs(group) && rg_clock_ns() < deadline_ns) {
		if (watch(group, deadline_ns, &signalled, NULL))
			break;
	}
	for (uint32_t i = 0; i < group->nchildren; i++) {
		if (runs(&group->children[i]))
			rg_log(RG_LOG_WARN, "process %d does not end even with SIGKILL",
			       (int)group->children[i].pid);
	}
}

int rg_child_group_close(struct rg_child_group *group)
{
	int signal;

	if (!group)
		return 0;
	rg_child_group_end(group, 0);
	for (uint32_t i = 0; i < group->nchildren; i++) {
		if (group->children[i].pidfd >= 0)
			close(group->children[i].pidfd);
	}
	while (take_signal(group))
		; /* else a waiting one would end us as soon as it is no longer blocked */
	signal = group->last_signal;
	close(group->signals);
	sigaction(SIGCHLD, &group->old_chld, NULL);
	pthread_sigmask(SIG_SETMASK, &group->old_mask, NULL);
	rg_free(group->polls);
	rg_free(group->children);
	rg_free(group);
	return signal;
}
