/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands. Each is one row of the table in main.c; run() gets argv from the command's own name
 * on and returns the program's exit status. Only this module prints results and ends the process.
 */
#ifndef RG_CMD_CMD_H
#define RG_CMD_CMD_H

#include "railgauge/base/collective.h"
#include "railgauge/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct rg_command {
	const char *name;
	const char *summary; /* one line, lower case, for "railgauge help" */
	int (*run)(int argc, char **argv);
};

/* The commands, each in a file of its name. */
int cmd_algorithms(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_emit(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_pairs(int argc, char **argv);
int cmd_pingpong(int argc, char **argv);
int cmd_prove(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_sim(int argc, char **argv);
int cmd_topo(int argc, char **argv);
int cmd_tune(int argc, char **argv);

/*
 * The exit status for what a function returned: 0 for rc 0 and for 1 (rg_opt_parse printed the
 * help). For a negative code, err's text goes to stderr first as the one line
 * "railgauge bench: text", control characters replaced; name is "railgauge bench". A command ends
 * with `return rg_cmd_status("railgauge bench", rc, &err);`.
 */
int rg_cmd_status(const char *name, int rc, const struct rg_err *err);

/*
 * Standard output: did all that was printed so far reach it (flushes), and could anything reach it
 * (before there is something to print)? RG_ERR_SYSTEM: it is closed, its disk is full. The second
 * does not notice a full disk, only a full device.
 */
int rg_cmd_output_check(struct rg_err *err);
int rg_cmd_output_try(struct rg_err *err);

/*
 * Text for people that has words of other hosts, files or users in it: what is printed to text.out
 * goes to memory, and then, harmless to terminals (rg_text_print), to standard output.
 *
 *   rg_cmd_text_open -> fprintf(text.out, ...) -> rg_cmd_text_close
 *
 * close prints it if rc is 0, flushes, frees, and returns rc, or RG_ERR_NO_MEMORY, RG_ERR_SYSTEM.
 */
struct rg_cmd_text {
	FILE *out;
	char *text; /* private, as what follows */
	size_t len;
};
int rg_cmd_text_open(struct rg_cmd_text *text, struct rg_err *err); /* RG_ERR_NO_MEMORY */
int rg_cmd_text_close(struct rg_cmd_text *text, int rc, struct rg_err *err);

/* A word as a POSIX shell takes it, in quotes where it needs some. */
void rg_cmd_print_word(const char *word, FILE *out);

/* All of it to standard output, past the buffer of stdio, which must be empty. RG_ERR_SYSTEM. */
int rg_cmd_output_write(const void *data, size_t len_bytes, struct rg_err *err);

/* Do two paths name one file, whether it is there or is to be written? */
bool rg_cmd_same_file(const char *a, const char *b);

/* The collective of that name; RG_ERR_INVALID with a suggestion. */
int rg_cmd_collective(const char *word, enum rg_coll *coll_out, struct rg_err *err);

/* RG_ERR_INVALID: what to say to --traffic with a collective other than alltoallv. */
int rg_cmd_no_traffic(enum rg_coll coll, struct rg_err *err);

#endif
