/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands. Each is one row of the table in main.c; run() gets argv from the command's own name
 * on and returns the program's exit status. Only this module prints results and ends the process.
 */
#ifndef RG_CMD_CMD_H
#define RG_CMD_CMD_H

struct rg_command {
	const char *name;
	const char *summary; /* one line, lower case, for "railgauge help" */
	int (*run)(int argc, char **argv);
};

#endif
