/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "system_calls.h"

#include "../watched.h"
#include "fake_verbs_impl.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void system_calls_begin(struct system_calls *calls)
{
	atomic_store(&calls->count, 0);
	atomic_store(&calls->counting, true);
}

unsigned system_calls_end(struct system_calls *calls)
{
	atomic_store(&calls->counting, false);
	return atomic_load(&calls->count);
}

#if defined(SECCOMP_USER_NOTIF_FLAG_CONTINUE) && !WATCHED

#define NOBODY (-1)
#define FAILED (-2)

/* The kernel's structs may have grown since this was compiled. */
union notification {
	struct seccomp_notif v;
	uint8_t room[512];
};
union answer {
	struct seccomp_notif_resp v;
	uint8_t room[256];
};

static void count(struct system_calls *calls, const struct seccomp_notif *n)
{
	if ((pid_t)n->pid != calls->thread || !atomic_load(&calls->counting) ||
	    atomic_load(calls->exempt) > 0)
		return;
	atomic_fetch_add(&calls->count, 1);
	atomic_store(&calls->last, n->data.nr);
}

/* One call: the thread stands still until this has answered. */
static void pass(struct system_calls *calls, int listener)
{
	union notification n = {.room = {0}};
	union answer a = {.room = {0}};

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n))
		return; /* a signal has ended it */
	count(calls, &n.v);
	a.v.id = n.v.id;
	a.v.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &a);
}

static void *second_main(void *arg)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	struct system_calls *calls = arg;
	int listener;

	/* No call of the watched thread could tell. */
	while ((listener = atomic_load(&calls->listener)) == NOBODY)
		nanosleep(&moment, NULL);
	while (listener != FAILED && !atomic_load(&calls->over)) {
		struct pollfd p = {.fd = listener, .events = POLLIN};
		int n = poll(&p, 1, 10);

		if (n > 0 && p.revents & POLLIN)
			pass(calls, listener);
		else if (n > 0)
			break; /* nobody is left that it watches */
	}
	return NULL;
}

static int install(void)
{
#define PASS(name)                                             \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		PASS(sched_yield),
		PASS(clock_nanosleep),
		PASS(clock_gettime),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	};
#undef PASS
	const struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]),
					   .filter = filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return FAILED;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
}

int system_calls_watch(struct system_calls *calls)
{
	int e, listener;

	calls->thread = (pid_t)syscall(SYS_gettid);
	calls->exempt = &fake_inside;
	atomic_store(&calls->over, false);
	atomic_store(&calls->counting, false);
	atomic_store(&calls->listener, NOBODY);
	/* Before the filter, which it would inherit. */
	e = pthread_create(&calls->second, NULL, second_main, calls);
	if (e)
		return e;
	calls->watches = true;
	listener = install();
	e = listener < 0 ? errno : 0;
	atomic_store(&calls->listener, listener < 0 ? FAILED : listener);
	return e;
}

void system_calls_close(struct system_calls *calls)
{
	int listener;

	if (!calls->watches)
		return;
	atomic_store(&calls->over, true);
	pthread_join(calls->second, NULL);
	listener = atomic_load(&calls->listener);
	if (listener >= 0)
		close(listener);
	calls->watches = false;
}

#else

int system_calls_watch(struct system_calls *calls)
{
	(void)calls;
	return ENOSYS;
}

void system_calls_close(struct system_calls *calls)
{
	(void)calls;
}

#endif
