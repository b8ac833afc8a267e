/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clocks whose distance is known to the nanosecond: ranks in time namespaces, with offsets of a day
 * and more in both directions, compare them over sockets and over memory. What is found may be
 * wrong by no more than it says itself, whatever the machine is doing meanwhile.
 */
#include "config.h"

#include "railgauge/measure/meet.h"

#include "railgauge/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

#define RANKS	   6 /* rank 5 asks rank 1, which asks rank 0 */
#define TIMEOUT_NS ((uint64_t)20000000000)
#define SKIPPED	   77

static const int64_t ahead_s[RANKS] = {90000, 0, 200000, 7, 90000, 1000000};

static int compare(struct rg_meet *meet, uint32_t rank, struct rg_err *err)
{
	uint64_t truth = (uint64_t)(ahead_s[0] - ahead_s[rank]) * 1000000000u;
	struct rg_common_clock clock = {0};
	int rc = 0;

	for (int i = 0; i < 20 && !rc; i++) {
		rc = rg_meet_compare_clocks(meet, &clock, err);
		double wrong = (double)(int64_t)(clock.ahead_ns - truth);

		if (!rc && (wrong > clock.error_ns || -wrong > clock.error_ns))
			rc = rg_err_set(err, RG_ERR_WRONG_DATA, "wrong by %g ns, not up to %g",
					wrong, clock.error_ns);
	}
	return rc;
}

static int work(const struct rg_transport_ops *ops, uint32_t rank, struct rg_err *err)
{
	const struct rg_transport_config config = {
		.geometry = *ops->geometry,
		.patience = rg_patience_shared_core,
		.timeout_ns = TIMEOUT_NS,
	};
	struct rg_rendezvous *rdv = NULL;
	struct rg_endpoint *ep = NULL;
	struct rg_meet *meet = NULL;
	int rc = rg_rendezvous_env_open(rg_clock_ns() + TIMEOUT_NS, &rdv, NULL, err);

	if (!rc)
		rc = ops->open(rdv, &config, &ep, err);
	if (!rc)
		rc = rg_meet_open(rdv, ep, TIMEOUT_NS, true, &meet, err);
	if (!rc)
		rc = compare(meet, rank, err);
	if (!rc)
		rc = rg_rendezvous_barrier(rdv, rg_clock_ns() + TIMEOUT_NS, err);
	rg_meet_close(meet);
	ops->close(ep);
	rg_rendezvous_close(rdv);
	return rc;
}

/* The next child of this process is in a time namespace of its own. */
static int leave_time(int64_t s)
{
	FILE *out;

	if (unshare(CLONE_NEWTIME))
		return -1;
	out = fopen("/proc/self/timens_offsets", "w");
	if (!out)
		return -1;
	fprintf(out, "monotonic %" PRId64 " 0\n", s);
	return fclose(out);
}

static void be_rank(const struct rg_transport_ops *ops, uint32_t rank)
{
	struct rg_err err = {0};
	char number[16];

	snprintf(number, sizeof(number), "%u", rank);
	setenv("RANK", number, 1);
	if (!work(ops, rank, &err))
		_exit(0);
	fprintf(stderr, "%s, rank %u: %s\n", ops->name, rank, err.text);
	_exit(1);
}

/* Starts a rank below a process that has another time for its children; its status is theirs. */
static pid_t start_rank(const struct rg_transport_ops *ops, uint32_t rank)
{
	pid_t outer = fork(), inner;
	int status;

	if (outer)
		return outer;
	if (leave_time(ahead_s[rank]))
		_exit(SKIPPED);
	inner = fork();
	if (inner == 0)
		be_rank(ops, rank);
	if (inner < 0 || waitpid(inner, &status, 0) != inner)
		_exit(1);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static int run_over(const struct rg_transport_ops *ops, unsigned port)
{
	pid_t pids[RANKS];
	char text[16];
	int worst = 0;

	snprintf(text, sizeof(text), "%u", port);
	setenv("MASTER_PORT", text, 1);
	for (uint32_t r = 0; r < RANKS; r++)
		pids[r] = start_rank(ops, r);
	for (uint32_t r = 0; r < RANKS; r++) {
		int status = 1;

		if (pids[r] < 0 || waitpid(pids[r], &status, 0) != pids[r])
			return 1;
		status = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
		if (status == SKIPPED || (status && worst != SKIPPED))
			worst = status;
	}
	return worst;
}

int main(void)
{
	unsigned port = 20000 + (unsigned)getpid() % 9000;
	int rc;

	setenv("WORLD_SIZE", "6", 1);
	setenv("MASTER_ADDR", "127.0.0.1", 1);
	setenv("RG_JOB_SECRET", "0123456789abcdef0123", 1);
	rc = run_over(&rg_transport_tcp, port);
	if (!rc)
		rc = run_over(&rg_transport_shm, port + 1);
	if (rc == SKIPPED)
		printf("skipped: time namespaces cannot be made here\n");
	return rc;
}
