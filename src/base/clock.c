/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

uint64_t rg_clock_cost_ns(void)
{
	uint64_t d[1001];
	size_t n = sizeof(d) / sizeof(d[0]);

	for (size_t i = 0; i < n; i++) {
		uint64_t t = rg_clock_ns();

		d[i] = rg_clock_ns() - t;
	}
	qsort(d, n, sizeof(d[0]), by_value);
	return d[n / 2];
}

void rg_clock_sleep_until(uint64_t t_ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(t_ns / 1000000000u),
		.tv_nsec = (long)(t_ns % 1000000000u),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

void rg_clock_utc(char *text, size_t len_bytes)
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	if (strftime(text, len_bytes, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0 && len_bytes > 0)
		text[0] = '\0';
}
