/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/base/log.h"

#include "railgauge/base/err.h"
#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const level_names[] = {"error", "warn", "info", "debug", "trace"};
static atomic_int max_level = RG_LOG_INFO;
static _Thread_local int log_rank = -1;

void rg_log_set_level(enum rg_log_level level)
{
	atomic_store(&max_level, (int)level);
}

void rg_log_set_rank(int rank)
{
	log_rank = rank;
}

void rg_log(enum rg_log_level level, const char *fmt, ...)
{
	char line[1024];
	int saved = errno;
	va_list ap;
	int n;

	rg_timed_assert_outside("a log line"); /* also one of a level that is not printed */
	if ((int)level > atomic_load(&max_level))
		return;
	if (log_rank >= 0)
		n = snprintf(line, sizeof(line), "railgauge[%d] %s: ", log_rank,
			     level_names[level]);
	else
		n = snprintf(line, sizeof(line), "railgauge %s: ", level_names[level]);
	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	va_end(ap);
	if ((size_t)n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	(void)rg_io_write_all(STDERR_FILENO, line, (size_t)n); /* nowhere to report it */
	errno = saved;
}
