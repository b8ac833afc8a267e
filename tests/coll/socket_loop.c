/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An all-reduce of two ranks over loopback: a plain loop on one socket beside the executor on the
 * transport tcp, in turns, in one run. Not a test: it prints what scripts and results quote.
 *
 *     socket_loop [SIZE]...     sizes in bytes; default 8 1024 65536 1048576 16777216 67108864
 *
 * A line per size: medians of both in microseconds over ROUNDS rounds, and the median of the
 * rounds' ratios, ours / plain, with its quartiles.
 */
#include "config.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/coll/executor.h"
#include "railgauge/launch/star.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 21

static const char secret[] = "0123456789abcdef";

struct bench {
	int fd; /* of the plain loop */
	struct rg_rendezvous *rdv;
	struct rg_endpoint *ep;
	struct rg_executor *x;
	float *src, *dst, *got;
};

static void must(bool ok, const char *what, const struct rg_err *err)
{
	if (ok)
		return;
	fprintf(stderr, "%s: %s\n", what, err ? err->text : strerror(errno));
	exit(1);
}

/* Both send all they have and take all they get, as the kernel lets them, and then add. */
static void plain(struct bench *b, size_t bytes)
{
	size_t sent = 0, got = 0;

	while (sent < bytes || got < bytes) {
		ssize_t n;

		if (sent < bytes) {
			n = send(b->fd, (char *)b->src + sent, bytes - sent, MSG_NOSIGNAL);
			must(n > 0 || errno == EAGAIN, "send", NULL);
			sent += n > 0 ? (size_t)n : 0;
		}
		if (got < bytes) {
			n = recv(b->fd, (char *)b->got + got, bytes - got, 0);
			must(n > 0 || (n < 0 && errno == EAGAIN), "recv", NULL);
			got += n > 0 ? (size_t)n : 0;
		}
	}
	for (size_t i = 0; i < bytes / sizeof(float); i++)
		b->dst[i] = b->src[i] + b->got[i];
}

static void open_plain(struct bench *b, uint32_t rank, int pair[2])
{
	int one = 1;

	b->fd = pair[rank];
	close(pair[!rank]);
	fcntl(b->fd, F_SETFL, O_NONBLOCK);
	setsockopt(b->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void open_ours(struct bench *b, uint32_t rank, uint16_t port)
{
	const struct rg_star_config star = {
		.rank = rank,
		.nranks = 2,
		.host = "127.0.0.1",
		.port = port,
		.port_held = true,
		.secret = secret,
		.secret_bytes = strlen(secret),
	};
	const struct rg_transport_config config = {
		.geometry = rg_geometry_tcp,
		.patience = rg_patience_own_core,
		.timeout_ns = 30000000000u,
	};
	struct rg_err err = {0};

	must(!rg_star_open(&star, rg_clock_ns() + config.timeout_ns, &b->rdv, &err), "join", &err);
	must(!rg_transport_tcp.open(b->rdv, &config, &b->ep, &err), "open", &err);
	must(!rg_executor_open(b->ep, 1, &b->x, &err), "executor", &err);
}

static void open_run(struct bench *b, size_t bytes, struct rg_program **program,
		     struct rg_run **run)
{
	struct rg_problem p = {
		.coll = RG_COLL_ALLREDUCE,
		.layout = {.nranks = 2},
		.count = bytes / sizeof(float),
		.elem_bytes = sizeof(float),
		.caps = b->ep->caps,
		.geometry = b->ep->config.geometry,
	};
	const struct rg_algorithm *a;
	struct rg_err err = {0};

	must(!rg_algorithm_select(&p, &a, &err), "select", &err);
	must(!rg_program_open(b->ep, a, &p, RG_TYPE_FLOAT32, RG_OP_SUM, 0, UINT64_MAX, program,
			      &err),
	     "program", &err);
	must(!rg_run_open(b->x, *program, run, &err), "run", &err);
}

static double time_ops(struct bench *b, size_t bytes, struct rg_run *run, uint32_t n)
{
	const struct rg_run_args args = {.src = b->src, .dst = b->dst};
	uint64_t start;
	struct rg_err err = {0};

	must(!rg_rendezvous_barrier(b->rdv, rg_clock_ns() + 30000000000u, &err), "barrier", &err);
	start = rg_clock_ns();
	for (uint32_t i = 0; i < n; i++) {
		if (run)
			must(!rg_run_once(run, &args, &err), "run", &err);
		else
			plain(b, bytes);
	}
	return (double)(rg_clock_ns() - start) / n / 1000;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void measure(struct bench *b, size_t bytes, bool print)
{
	double us[2][ROUNDS], ratio[ROUNDS];
	uint32_t n = bytes < 4096 ? 2000 : bytes < 262144 ? 300 : bytes < 4194304 ? 20 : 2;
	struct rg_program *program;
	struct rg_run *run;

	open_run(b, bytes, &program, &run);
	time_ops(b, bytes, NULL, n);
	time_ops(b, bytes, run, n);
	for (int r = 0; r < ROUNDS; r++) {
		for (int k = 0; k < 2; k++) {
			bool ours = k ^ (r & 1);

			us[ours][r] = time_ops(b, bytes, ours ? run : NULL, n);
		}
		ratio[r] = us[1][r] / us[0][r];
	}
	for (size_t i = 0; i < bytes / sizeof(float); i++)
		must(b->dst[i] == 2 * b->src[i], "wrong result", NULL);
	qsort(us[0], ROUNDS, sizeof(double), compare);
	qsort(us[1], ROUNDS, sizeof(double), compare);
	qsort(ratio, ROUNDS, sizeof(double), compare);
	if (print)
		printf("%10zu  plain %10.2f us  railgauge %10.2f us (%s)  ratio %.2f (%.2f to "
		       "%.2f)\n",
		       bytes, us[0][ROUNDS / 2], us[1][ROUNDS / 2], program->algorithm->name,
		       ratio[ROUNDS / 2], ratio[ROUNDS / 4], ratio[ROUNDS - 1 - ROUNDS / 4]);
	rg_run_close(run);
	rg_program_close(program);
}

static void make_pair(int pair[2])
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	pair[0] = socket(AF_INET, SOCK_STREAM, 0);
	must(!bind(listener, (struct sockaddr *)&at, sizeof(at)) && !listen(listener, 1) &&
		     !getsockname(listener, (struct sockaddr *)&at, &len) &&
		     !connect(pair[0], (struct sockaddr *)&at, len),
	     "a pair of sockets", NULL);
	pair[1] = accept(listener, NULL, NULL);
	close(listener);
}

int main(int argc, char **argv)
{
	static const char *const usual[] = {"8",       "1024",	   "65536",
					    "1048576", "16777216", "67108864"};
	const char *const *sizes = argc > 1 ? (const char *const *)argv + 1 : usual;
	int nsizes = argc > 1 ? argc - 1 : 6, pair[2], held, status = 0;
	struct bench b = {0};
	uint32_t rank;
	uint16_t port;
	cpu_set_t cpu;

	make_pair(pair);
	must(!rg_port_hold(&port, &held, NULL), "a port", NULL);
	rank = fork() == 0;
	CPU_ZERO(&cpu);
	CPU_SET(rank, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	open_plain(&b, rank, pair);
	open_ours(&b, rank, port);
	for (int i = 0; i < nsizes; i++) {
		size_t bytes = strtoull(sizes[i], NULL, 10) / sizeof(float) * sizeof(float);

		b.src = rg_alloc(bytes);
		b.dst = rg_alloc(bytes);
		b.got = rg_alloc(bytes);
		must(b.src && b.dst && b.got, "memory", NULL);
		for (size_t k = 0; k < bytes / sizeof(float); k++)
			b.src[k] = (float)(k % 1000);
		measure(&b, bytes, rank == 0);
		rg_free(b.src);
		rg_free(b.dst);
		rg_free(b.got);
	}
	rg_executor_close(b.x);
	rg_transport_tcp.close(b.ep);
	rg_rendezvous_close(b.rdv);
	if (!rank)
		wait(&status);
	return status != 0;
}
