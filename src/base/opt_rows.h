/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between opt.c (the command line) and opt_value.c (the values): what both see of a table.
 */
#ifndef RG_BASE_OPT_ROWS_H
#define RG_BASE_OPT_ROWS_H

#include "railgauge/base/opt.h"

union rg_opt_value {
	bool flag;
	int64_t whole;
	double number;
	uint64_t quantity; /* bytes or ns */
	int choice;
	const char *string;
};

/* All tables of a command as one list. */
struct rg_opt_rows {
	size_t count;
	const struct rg_opt *row[RG_OPT_MAX];
	size_t table[RG_OPT_MAX]; /* which base it belongs to */
};

/* RG_ERR_INTERNAL above RG_OPT_MAX rows. */
int rg_opt_flatten(const struct rg_opt_command *command, struct rg_opt_rows *rows,
		   struct rg_err *err);

/*
 * text as the row's type; what names the value in messages: "--name" or the variable. A string is
 * borrowed from text. RG_ERR_INVALID, RG_ERR_RANGE.
 */
int rg_opt_parse_value(const struct rg_opt *row, const char *text, const char *what,
		       union rg_opt_value *out, struct rg_err *err);

/* The size of a value, in the union and in the caller's struct. */
size_t rg_opt_value_bytes(enum rg_opt_type type);

/* "a, b or c" into text, cut if it does not fit. */
void rg_opt_list_choices(const char *const *choices, char *text, size_t len_bytes);

#endif
