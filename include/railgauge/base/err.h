/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Errors: one list of codes, one struct that carries the words.
 *
 * A function that can fail returns 0 or a negative enum rg_code and takes `struct rg_err *err`
 * last. Whoever first knows what went wrong fills err with names and values; callers may put words
 * in front (rg_err_prefix), never replace them, and only src/cmd prints. err may be NULL for a
 * caller that wants only the code. On success err is not touched. No function here allocates or
 * fails; all may run concurrently on different structs.
 */
#ifndef RAILGAUGE_BASE_ERR_H
#define RAILGAUGE_BASE_ERR_H

#include <stddef.h>

/* X(name, exit code of the program, text). The exit codes are documented in README.md. */
#define RG_CODE_LIST(X)                                                   \
	X(INVALID, 2, "invalid argument or option")                       \
	X(RANGE, 2, "value out of range")                                 \
	X(NOT_FOUND, 3, "not found")                                      \
	X(UNSUPPORTED, 3, "not supported here")                           \
	X(NO_MEMORY, 3, "not enough memory")                              \
	X(LIMIT, 3, "a limit of this machine or container is in the way") \
	X(SYSTEM, 3, "a system call failed")                              \
	X(FORMAT, 3, "malformed input")                                   \
	X(MISMATCH, 3, "the ranks do not agree")                          \
	X(DENIED, 3, "a peer could not prove that it belongs to the job") \
	X(TIMEOUT, 4, "a deadline passed")                                \
	X(PEER, 4, "a peer failed")                                       \
	X(WRONG_DATA, 5, "wrong data")                                    \
	X(INTERRUPTED, 6, "interrupted")                                  \
	X(INTERNAL, 7, "a mistake of railgauge itself")

enum rg_code {
	RG_OK = 0,
#define RG_CODE_POS(name, exit_code, text) RG_CODE_POS_##name,
	RG_CODE_POS_ZERO = 0,
	RG_CODE_LIST(RG_CODE_POS)
#undef RG_CODE_POS
#define RG_CODE_NEG(name, exit_code, text) RG_ERR_##name = -RG_CODE_POS_##name,
		RG_CODE_LIST(RG_CODE_NEG)
#undef RG_CODE_NEG
};

#define RG_ERR_TEXT_BYTES 512

/* Plain data, no ownership. Zero-initialise before the first use. */
struct rg_err {
	int code;		      /* enum rg_code, 0 while nothing failed */
	char text[RG_ERR_TEXT_BYTES]; /* one line, no newline, cut at the end if too long */
};

/* Fills err (if not NULL) and returns code. errno is left as it was. */
int rg_err_set(struct rg_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "words: " before err's text and returns err->code. err must not be NULL. */
int rg_err_prefix(struct rg_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * For a failed system call: the text becomes "WORDS: strerror(errnum)"; ENOMEM becomes
 * RG_ERR_NO_MEMORY, all else RG_ERR_SYSTEM. errnum is errno as copied right after the call. Too
 * many open files and a file that is too large name the limit (ulimit, or sysctl) and its value.
 */
int rg_err_errno(struct rg_err *err, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* "RG_ERR_TIMEOUT" and its text; "unknown" for a number that is no code. Static strings. */
const char *rg_err_name(int code);
const char *rg_err_text(int code);

/* The program's exit status for a code: 0 for 0, else as listed above. */
int rg_err_exit(int code);

#endif
