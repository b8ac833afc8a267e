/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For LD_PRELOAD: how long the system calls take by which a program posts sends to a soft RDMA device,
 * which are write() of IB_USER_VERBS_CMD_POST_SEND. Said at the end of each process that made a thousand.
 *
 *     $ cc -O2 -shared -fPIC -o posts.so posts.c
 */
#define _GNU_SOURCE
#include <rdma/ib_user_verbs.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define TENTHS 4000 /* of a microsecond; what takes longer counts as that */

static uint64_t calls, sum_ns, taking[TENTHS];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

ssize_t write(int fd, const void *from, size_t len_bytes)
{
	const struct ib_uverbs_cmd_hdr *head = from;
	uint64_t begin = now_ns(), took;
	ssize_t n = syscall(SYS_write, fd, from, len_bytes);

	took = now_ns() - begin;
	if (len_bytes < sizeof(*head) || head->command != IB_USER_VERBS_CMD_POST_SEND)
		return n;
	calls++;
	sum_ns += took;
	taking[took / 100 < TENTHS ? took / 100 : TENTHS - 1]++;
	return n;
}

__attribute__((destructor)) static void say(void)
{
	uint64_t below = 0;
	unsigned median = 0;

	if (calls < 1000)
		return;
	while (below + taking[median] < calls / 2)
		below += taking[median++];
	fprintf(stderr, "%llu posts: median %.1f us, mean %.1f us, %.2f s in all\n",
		(unsigned long long)calls, median / 10.0, (double)sum_ns / (double)calls / 1000,
		(double)sum_ns / 1e9);
}
