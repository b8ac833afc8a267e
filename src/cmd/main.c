/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "cmd.h"

#include <stdio.h>
#include <string.h>

static const struct rg_command commands[] = {
	{NULL, NULL, NULL},
};

static void print_help(FILE *out)
{
	fputs("usage: railgauge COMMAND [OPTION...]\n", out);
	for (const struct rg_command *c = commands; c->name; c++)
		fprintf(out, "  %-12s %s\n", c->name, c->summary);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return 2;
	}
	for (const struct rg_command *c = commands; c->name; c++) {
		if (!strcmp(argv[1], c->name))
			return c->run(argc - 1, argv + 1);
	}
	fprintf(stderr, "railgauge: unknown command \"%s\"\n", argv[1]);
	return 2;
}
