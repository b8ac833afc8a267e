/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usage: counted PORTS COMMAND ARGUMENTS...
 *
 * Runs the command, and prints what its adapters' counters say meanwhile, a line each: device,
 * group, counter, class, by how much, how that is known. PORTS as bench's --counters. Exit status:
 * the command's; 2 if the ports are not there.
 */
#include "config.h"

#include "railgauge/base/mem.h"
#include "railgauge/measure/nic_counters.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int run(char **argv)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 126;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void print(const struct rg_nic_port *port, const struct rg_nic_reading *before,
		  const struct rg_nic_reading *after)
{
	const char *device = port->port ? port->device : port->netdev;
	struct rg_nic_moved *moved;
	uint32_t n;

	if (before->n && !after->n)
		printf("%s gone\n", device);
	if (rg_nic_compare(before, after, &moved, &n, NULL))
		abort();
	for (uint32_t i = 0; i < n; i++) {
		enum rg_nic_group group = (enum rg_nic_group)moved[i].group;
		const struct rg_nic_row *row = rg_nic_row(group, moved[i].name);

		printf("%s|%s|%s|%s|%" PRIu64 "|%s\n", device, rg_nic_group_words[group],
		       moved[i].name, rg_nic_class_words[row->class], moved[i].by,
		       rg_nic_how_words[moved[i].how]);
	}
	rg_free(moved);
}

int main(int argc, char **argv)
{
	struct rg_nic_reading before[RG_NIC_PORTS_MAX] = {{0}}, after = {0};
	struct rg_nic_port ports[RG_NIC_PORTS_MAX];
	struct rg_err err = {0};
	uint32_t n = 0;
	int rc;

	if (argc < 3 || rg_nic_ports_find("", argv[1], ports, &n, &err)) {
		fprintf(stderr, "counted: %s\n", err.text);
		return 2;
	}
	(void)rg_nic_settle("", ports, n);
	for (uint32_t i = 0; i < n; i++) {
		if (rg_nic_read("", &ports[i], &before[i], &err))
			abort();
	}
	rc = run(argv + 2);
	(void)rg_nic_settle("", ports, n);
	for (uint32_t i = 0; i < n; i++) {
		if (rg_nic_read("", &ports[i], &after, &err))
			abort();
		print(&ports[i], &before[i], &after);
		rg_nic_reading_release(&before[i]);
	}
	rg_nic_reading_release(&after);
	return rc;
}
