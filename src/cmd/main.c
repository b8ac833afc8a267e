/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "cmd.h"

#include "railgauge/base/opt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct rg_command commands[] = {
	{"algorithms", "list the algorithms, what they cost and where they come from",
	 cmd_algorithms},
	{"bench", "measure a collective beside the MPI library's own", cmd_bench},
	{"check", "say what is wrong with an MPI library's files", cmd_check},
	{"emit", "write an MPI library's files from decisions", cmd_emit},
	{"info", "show what works here, what does not and why", cmd_info},
	{"pairs", "measure all pairs of ranks, in rounds of pairs that do not disturb each other",
	 cmd_pairs},
	{"pingpong", "measure latency, bandwidth and message rate between two ranks", cmd_pingpong},
	{"prove", "prove that files help the job that they were made for", cmd_prove},
	{"report", "print results again, compare them, or sum up launches", cmd_report},
	{"run", "start ranks on this machine without any MPI", cmd_run},
	{"sim", "predict what algorithms would take on links that need not be there", cmd_sim},
	{"topo", "show this machine: what is near what, and what belongs together", cmd_topo},
	{"tune", "find the MPI library's best algorithms, and write them down for it", cmd_tune},
	{NULL, NULL, NULL},
};

static void print_version(void)
{
	static const char *const parts[] = {
		"hwloc",
		"jansson",
#ifdef HAVE_OPENMPI
		"Open MPI glue",
#endif
#ifdef HAVE_MPICH
		"MPICH glue",
#endif
#ifdef HAVE_VERBS
		"verbs",
#endif
#ifdef HAVE_CUDA
		"CUDA",
#endif
#ifdef RG_DEBUG
		"extra checks",
#endif
		NULL,
	};

	printf("railgauge %s\nbuilt with", PACKAGE_VERSION);
	for (size_t i = 0; parts[i]; i++)
		printf("%s %s", i ? "," : "", parts[i]);
	putchar('\n');
}

static void print_help(FILE *out)
{
	fputs("Usage: railgauge COMMAND [OPTION...]\n"
	      "Measure the network that a distributed training job will run on.\n\n",
	      out);
	for (const struct rg_command *c = commands; c->name; c++)
		fprintf(out, "  %-12s %s\n", c->name, c->summary);
	fputs("  help         print this and end, or the help of a COMMAND\n\n"
	      "  -h, --help     the same\n"
	      "  -V, --version  print the version and what was built in\n\n"
	      "railgauge COMMAND --help says what a command takes.\n",
	      out);
}

static const struct rg_command *find(const char *name)
{
	for (const struct rg_command *c = commands; c->name; c++) {
		if (!strcmp(name, c->name))
			return c;
	}
	return NULL;
}

static int unknown(const char *name)
{
	const char *names[sizeof(commands) / sizeof(commands[0]) + 1];
	const char *nearest;
	struct rg_err err = {0};
	size_t n = 0;
	int rc;

	for (const struct rg_command *c = commands; c->name; c++)
		names[n++] = c->name;
	names[n++] = "help";
	names[n] = NULL;
	nearest = rg_opt_nearest(name, names);
	if (nearest)
		rc = rg_err_set(&err, RG_ERR_INVALID, "%s: no such command; did you mean %s?", name,
				nearest);
	else
		rc = rg_err_set(&err, RG_ERR_INVALID, "%s: no such command; see railgauge help",
				name);
	return rg_cmd_status("railgauge", rc, &err);
}

/*
 * A file that is opened later must not get the number of a standard one that is closed: the table
 * would be written into it. What stands there instead refuses, as a closed one does.
 */
static void hold_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
	}
}

/* What went well has failed all the same if nobody can read it. */
static int check_output(int status, const char *name)
{
	char full[64];
	struct rg_err err = {0};
	int rc = status ? 0 : rg_cmd_output_check(&err);

	snprintf(full, sizeof(full), "railgauge%s%s", name ? " " : "", name ? name : "");
	return rc ? rg_cmd_status(full, rc, &err) : status;
}

static int run(int argc, char **argv)
{
	static char help[] = "--help";
	const struct rg_command *c;

	if (argc < 2) {
		print_help(stderr);
		return 2;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		print_version();
		return 0;
	}
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		if (argc < 3) {
			print_help(stdout);
			return 0;
		}
		c = find(argv[2]);
		return c ? c->run(2, (char *[]){argv[2], help, NULL}) : unknown(argv[2]);
	}
	c = find(argv[1]);
	return c ? c->run(argc - 1, argv + 1) : unknown(argv[1]);
}

int main(int argc, char **argv)
{
	/* Writing beyond ulimit -f is an error that is reported, not the end of the process. */
	(void)signal(SIGXFSZ, SIG_IGN);
	hold_standard_files();
	return check_output(run(argc, argv), argc > 1 && find(argv[1]) ? argv[1] : NULL);
}
