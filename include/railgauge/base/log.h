/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Log lines on stderr: "railgauge[3] warn: text", lower case, "device mlx5_0", no "=".
 * stdout carries results only. One write per line, so that lines of many ranks do not mix.
 * Any thread may log; nothing in a timed region does (debug builds assert it).
 */
#ifndef RAILGAUGE_BASE_LOG_H
#define RAILGAUGE_BASE_LOG_H

enum rg_log_level {
	RG_LOG_ERROR,
	RG_LOG_WARN,
	RG_LOG_INFO, /* the default */
	RG_LOG_DEBUG,
	RG_LOG_TRACE,
};

/* The highest level that is printed, for the whole process. */
void rg_log_set_level(enum rg_log_level level);

/* The rank shown in the brackets, per thread (ranks may be threads); -1 shows none. */
void rg_log_set_rank(int rank);

/* errno is left as it was. */
void rg_log(enum rg_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
