/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A text file that is written whole or not at all: what is printed goes to memory, and only then in
 * place of the old file (rg_io_replace_file).
 *
 *   rg_text_file_open -> fprintf(file.out, ...) -> rg_text_file_close
 */
#ifndef RAILGAUGE_REPORT_FILE_H
#define RAILGAUGE_REPORT_FILE_H

#include "railgauge/base/err.h"

#include <stddef.h>
#include <stdio.h>

struct rg_text_file {
	const char *path; /* borrowed until close */
	FILE *out;	  /* where to print */
	char *text;	  /* private, as what follows */
	size_t len;
};

/* RG_ERR_NO_MEMORY, RG_ERR_SYSTEM. */
int rg_text_file_open(struct rg_text_file *file, const char *path, struct rg_err *err);

/*
 * Replaces the file by what was printed if rc is 0, and frees. Returns rc if it is not 0 (err stays
 * as it is), else RG_ERR_NO_MEMORY or as rg_io_replace_file.
 */
int rg_text_file_close(struct rg_text_file *file, int rc, struct rg_err *err);

/*
 * Prints text for people, UTF-8, with ? for control characters other than the end of a line: a
 * document may come from anybody, and a terminal takes some of them for commands. RG_ERR_SYSTEM.
 */
int rg_text_print(const char *text, size_t len_bytes, FILE *out, struct rg_err *err);

#endif
