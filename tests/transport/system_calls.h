/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The system calls of a thread, counted, so that a test can show that a timed region has none.
 *
 *   watched thread:  watch -> (begin -> what is looked at -> end) ...
 *   another thread, once that one has ended:  close
 *
 * The kernel asks a second thread about each call (seccomp's user notification, Linux 5.5), which
 * counts it and lets it pass. Not counted are those that the made-up libibverbs makes
 * (fake_verbs.h), and those of waiting and of clocks without a page of their own: sched_yield,
 * clock_nanosleep, clock_gettime. The filter stays with the thread until it ends, and with threads
 * that it starts, which it had better not.
 */
#ifndef TESTS_TRANSPORT_SYSTEM_CALLS_H
#define TESTS_TRANSPORT_SYSTEM_CALLS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Zeroed is one that watches nobody. Stays where it is while the thread lives. */
struct system_calls {
	bool watches;
	pid_t thread;
	atomic_int *exempt; /* of the thread: above 0 inside of the made-up libibverbs */
	atomic_int listener;
	atomic_bool over, counting;
	atomic_uint count;
	atomic_int last; /* number of the last one that was counted */
	pthread_t second;
};

/*
 * The calling thread, from now on. 0, or why not as an errno, for a skip: ENOSYS (kernel, headers
 * or a sanitizer with calls of its own), EBUSY (others watch it already), EPERM, EACCES.
 */
int system_calls_watch(struct system_calls *calls);

/* Around what is looked at. end gives their number; 0 too where nobody watches. */
void system_calls_begin(struct system_calls *calls);
unsigned system_calls_end(struct system_calls *calls);

void system_calls_close(struct system_calls *calls); /* zeroed is allowed */

#endif
