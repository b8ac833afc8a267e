/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernels reach beside plain loops over the same memory. Not a test: nothing here passes
 * or fails, and it is not run by make check.
 *
 * usage: bench_reduce [-t THREADS] [-r ROUNDS] [-c NAME] [SIZE...]
 *        (bytes per stream, call and thread; -c: only candidates whose name contains NAME)
 *
 * Every thread is bound to the core of its number and works on its own part of the buffers; all
 * candidates are measured in turn, round after round, so that what disturbs the machine meets all
 * of them. A round of one candidate is as many calls as last about 20 us, from a common start. GB/s
 * counts the bytes that the program names (sources read + destinations written), as STREAM does.
 * "ratio" is the median over rounds of the time of the row's reference over its own: above 1 is
 * faster.
 */
#include "config.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/units.h"
#include "railgauge/device/reduce.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3") /* the plain loops are to be vectorised at any CFLAGS */
#endif

#define MAX_ROUNDS  1001
#define MAX_THREADS 64
#define NBUFS	    4

/* The buffers of one thread: two sources, two destinations. */
struct part {
	void *buf[NBUFS];
};

/* Loops as one would write them. */
static void plain_copy(const struct part *p, size_t len)
{
	const double *a = p->buf[0];
	double *c = p->buf[2];

	for (size_t i = 0; i < len / 8; i++)
		c[i] = a[i];
}

static void plain_add(const struct part *p, size_t len)
{
	const float *restrict a = p->buf[0], *restrict b = p->buf[1];
	float *restrict c = p->buf[2];

	for (size_t i = 0; i < len / 4; i++)
		c[i] = a[i] + b[i];
}

static void plain_triad(const struct part *p, size_t len)
{
	const double *restrict a = p->buf[0], *restrict b = p->buf[1];
	double *restrict c = p->buf[2];

	for (size_t i = 0; i < len / 8; i++)
		c[i] = a[i] + 3.0 * b[i];
}

static void plain_add_2(const struct part *p, size_t len)
{
	const float *restrict a = p->buf[0], *restrict b = p->buf[1];
	float *restrict c = p->buf[2], *restrict d = p->buf[3];

	for (size_t i = 0; i < len / 4; i++)
		c[i] = d[i] = a[i] + b[i];
}

static void library_memcpy(const struct part *p, size_t len)
{
	memcpy(p->buf[2], p->buf[0], len);
}

static void copy_cached(const struct part *p, size_t len)
{
	rg_copy(p->buf[2], p->buf[0], len, RG_STORE_CACHED);
}

static void copy_stream(const struct part *p, size_t len)
{
	rg_copy(p->buf[2], p->buf[0], len, RG_STORE_STREAM);
}

/* As a program of the executor holds them. Filled by main. */
static rg_reduce_fn *kernels[RG_TYPE_COUNT][RG_OP_COUNT];

static void reduce(const struct part *p, uint32_t nsrc, uint32_t ndst, size_t len, uint64_t stream,
		   enum rg_type type, enum rg_op op)
{
	kernels[type][op](p->buf + 2, ndst, (const void *const *)p->buf, nsrc,
			  len / rg_type_bytes(type), stream, op == RG_OP_AVG ? 2 : 0);
}

#define REDUCE(name, nsrc, ndst, stream, type, op)                              \
	static void name(const struct part *p, size_t len)                      \
	{                                                                       \
		reduce(p, nsrc, ndst, len, stream, RG_TYPE_##type, RG_OP_##op); \
	}
REDUCE(move_1_2, 1, 2, 0, FLOAT32, SUM)
REDUCE(sum_2_1, 2, 1, 0, FLOAT32, SUM)
REDUCE(sum_2_1_stream, 2, 1, 1, FLOAT32, SUM)
REDUCE(sum_2_2, 2, 2, 0, FLOAT32, SUM)
REDUCE(sum_2_2_stream, 2, 2, 3, FLOAT32, SUM)
REDUCE(sum_2_2_mixed, 2, 2, 2, FLOAT32, SUM)
REDUCE(prod_2_1, 2, 1, 0, FLOAT32, PROD)
REDUCE(max_2_1, 2, 1, 0, FLOAT32, MAX)
REDUCE(avg_2_1, 2, 1, 0, FLOAT32, AVG)
REDUCE(half_sum_2_1, 2, 1, 0, FLOAT16, SUM)
REDUCE(bfloat16_sum_2_1, 2, 1, 0, BFLOAT16, SUM)
REDUCE(int8_min_2_1, 2, 1, 0, INT8, MIN)
REDUCE(int64_prod_2_1, 2, 1, 0, INT64, PROD)
REDUCE(int32_avg_2_1, 2, 1, 0, INT32, AVG)

struct candidate {
	const char *name;
	void (*run)(const struct part *p, size_t len);
	uint32_t nstreams; /* buffers touched */
	int reference;	   /* row to compare with, or -1 */
};

static const struct candidate candidates[] = {
	{"memcpy", library_memcpy, 2, -1},
	{"plain copy", plain_copy, 2, 0},
	{"rg_copy cached", copy_cached, 2, 0},
	{"rg_copy stream", copy_stream, 2, 0},
	{"plain add 2>1", plain_add, 3, -1},
	{"plain triad 2>1", plain_triad, 3, 4},
	{"sum 2>1", sum_2_1, 3, 4},
	{"sum 2>1 stream", sum_2_1_stream, 3, 4},
	{"plain add 2>2", plain_add_2, 4, -1},
	{"sum 2>2", sum_2_2, 4, 8},
	{"sum 2>2 stream", sum_2_2_stream, 4, 8},
	{"sum 2>2 mixed", sum_2_2_mixed, 4, 8},
	{"move 1>2", move_1_2, 3, 0},
	{"prod 2>1", prod_2_1, 3, 4},
	{"max 2>1", max_2_1, 3, 4},
	{"avg 2>1", avg_2_1, 3, 4},
	{"half sum 2>1", half_sum_2_1, 3, 4},
	{"bfloat16 sum 2>1", bfloat16_sum_2_1, 3, 4},
	{"int8 min 2>1", int8_min_2_1, 3, 4},
	{"int64 prod 2>1", int64_prod_2_1, 3, 4},
	{"int32 avg 2>1", int32_avg_2_1, 3, 4},
};
#define NCANDIDATES (sizeof(candidates) / sizeof(candidates[0]))

struct bench {
	uint32_t nthreads, rounds;
	const char *only; /* borrowed from argv; "" for all */
	size_t len;	  /* of the size being measured */
	struct part parts[MAX_THREADS];
	pthread_barrier_t barrier;
	double ns[NCANDIDATES][MAX_ROUNDS]; /* per call, written by thread 0 */
};

struct worker {
	struct bench *bench;
	uint32_t number;
};

static void bind_to(uint32_t core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static uint64_t calls_of(size_t len)
{
	/* 20 us at 20 GB/s and a few ns per call. */
	uint64_t calls = 400000 / (len + 80);

	return calls ? calls : 1;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct bench *b = w->bench;
	uint64_t calls = calls_of(b->len);

	bind_to(w->number);
	for (uint32_t r = 0; r < b->rounds; r++) {
		for (size_t c = 0; c < NCANDIDATES; c++) {
			uint64_t begin;

			if (!strstr(candidates[c].name, b->only))
				continue;
			/* Once untimed: what the last candidate left in the cache is not its own.
			 */
			candidates[c].run(&b->parts[w->number], b->len);
			pthread_barrier_wait(&b->barrier);
			begin = rg_clock_ns();
			for (uint64_t k = 0; k < calls; k++)
				candidates[c].run(&b->parts[w->number], b->len);
			if (b->nthreads > 1 && b->len >= 65536)
				pthread_barrier_wait(&b->barrier);
			if (w->number == 0)
				b->ns[c][r] = (double)(rg_clock_ns() - begin) / (double)calls;
		}
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_of(double *v, uint32_t n)
{
	qsort(v, n, sizeof(*v), compare);
	return v[n / 2];
}

static void print_rows(struct bench *b)
{
	static double ratios[NCANDIDATES];

	for (size_t c = 0; c < NCANDIDATES; c++) {
		double each[MAX_ROUNDS];
		int ref = candidates[c].reference;

		for (uint32_t r = 0; r < b->rounds; r++)
			each[r] = b->ns[ref < 0 ? (int)c : ref][r] / b->ns[c][r];
		ratios[c] = median_of(each, b->rounds);
	}
	for (size_t c = 0; c < NCANDIDATES; c++) {
		const struct candidate *k = &candidates[c];
		int ref = k->reference;
		double bytes = (double)k->nstreams * (double)b->len * b->nthreads;
		double median = median_of(b->ns[c], b->rounds), best = b->ns[c][0];

		if (!strstr(k->name, b->only))
			continue;
		printf("%10zu  %-18s %12.1f %12.1f %8.1f %8.1f", b->len, k->name, median, best,
		       bytes / median, bytes / best);
		if (ref >= 0 && strstr(candidates[ref].name, b->only))
			printf(" %7.2f of %s", ratios[c], candidates[ref].name);
		printf("\n");
	}
}

static void measure(struct bench *b)
{
	pthread_t threads[MAX_THREADS];
	struct worker workers[MAX_THREADS];

	pthread_barrier_init(&b->barrier, NULL, b->nthreads);
	for (uint32_t t = 0; t < b->nthreads; t++) {
		workers[t] = (struct worker){b, t};
		if (pthread_create(&threads[t], NULL, work, &workers[t]))
			exit(3);
	}
	for (uint32_t t = 0; t < b->nthreads; t++)
		pthread_join(threads[t], NULL);
	pthread_barrier_destroy(&b->barrier);
	print_rows(b);
}

/* Shared pages of the default size, as the windows of a job are; written once. */
static void map_parts(struct bench *b, size_t len)
{
	for (int i = 0; i < NBUFS; i++) {
		size_t each = (len + 4095) / 4096 * 4096;
		char *p = mmap(NULL, each * b->nthreads, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED) {
			perror("mmap");
			exit(3);
		}
		memset(p, i < 2 ? 0 : 1, each * b->nthreads);
		for (uint32_t t = 0; t < b->nthreads; t++)
			b->parts[t].buf[i] = p + t * each;
	}
}

static void unmap_parts(struct bench *b, size_t len)
{
	for (int i = 0; i < NBUFS; i++)
		munmap(b->parts[0].buf[i], (len + 4095) / 4096 * 4096 * b->nthreads);
}

int main(int argc, char **argv)
{
	static const char *const standard[] = {"8",   "64", "256", "1K",  "8K",
					       "64K", "1M", "4M",  "32M", NULL};
	static struct bench b = {.nthreads = 1, .rounds = 41, .only = ""};
	const char *const *sizes = standard;
	int opt;

	while ((opt = getopt(argc, argv, "t:r:c:")) != -1) {
		int64_t v = 0;

		if (opt == 'c') {
			b.only = optarg;
			continue;
		}
		if (opt == '?' || rg_parse_int(optarg, "option", 1,
					       opt == 't' ? MAX_THREADS : MAX_ROUNDS, &v, NULL)) {
			fprintf(stderr, "usage: %s [-t THREADS] [-r ROUNDS] [-c NAME] [SIZE...]\n",
				argv[0]);
			return 2;
		}
		*(opt == 't' ? &b.nthreads : &b.rounds) = (uint32_t)v;
	}
	if (optind < argc)
		sizes = (const char *const *)argv + optind;
	for (int k = 0; k < RG_TYPE_COUNT * RG_OP_COUNT; k++)
		kernels[k / RG_OP_COUNT][k % RG_OP_COUNT] = rg_reduce_kernel(
			(enum rg_type)(k / RG_OP_COUNT), (enum rg_op)(k % RG_OP_COUNT));
	printf("# kernels %s, %" PRIu32 " threads, %" PRIu32 " rounds; GB/s is 1e9 bytes/s\n",
	       rg_reduce_isa(), b.nthreads, b.rounds);
	printf("# %8s  %-18s %12s %12s %8s %8s %7s\n", "bytes", "candidate", "median ns", "min ns",
	       "GB/s med", "GB/s max", "ratio");
	for (; *sizes; sizes++) {
		uint64_t len;
		struct rg_err err = {0};

		if (rg_parse_size(*sizes, "SIZE", &len, &err)) {
			fprintf(stderr, "%s\n", err.text);
			return 2;
		}
		b.len = len;
		map_parts(&b, b.len);
		measure(&b);
		unmap_parts(&b, b.len);
	}
	return 0;
}
