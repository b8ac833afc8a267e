/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/launch/process.h"

#include "railgauge/base/io.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The state letter and the start of process pid, from /proc/PID/stat [proc(5)]. The name before
 * them is in parentheses and may contain any others: 0 if it cannot be read.
 */
static char read_stat(int64_t pid, uint64_t *start_tick_out)
{
	/* What lies between the state (field 3) and the start (field 22). */
	static const char format[] = " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d "
				     "%*d %*d %*d %*d %" SCNu64;
	char path[64], text[512], state = 0;
	char *name_end;

	*start_tick_out = 0;
	snprintf(path, sizeof(path), "/proc/%" PRId64 "/stat", pid);
	if (!rg_io_read_line(path, text, sizeof(text)))
		return 0;
	name_end = strrchr(text, ')');
	if (name_end && sscanf(name_end + 1, format, &state, start_tick_out) < 1)
		state = 0;
	return state;
}

static void read_kernel(char text[40])
{
	rg_io_read_line("/proc/sys/kernel/random/boot_id", text, 40);
}

static uint64_t read_namespace(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_ino;
}

int rg_node_here(const char *name, struct rg_node *out, struct rg_err *err)
{
	bool named = name != NULL;

	if (!named)
		name = getenv("RG_NODE");
	if (name && strlen(name) >= sizeof(out->name))
		return rg_err_set(err, RG_ERR_INVALID,
				  "%s \"%.100s\" has %zu characters: a node's name has at most %zu",
				  named ? "node" : "RG_NODE", name, strlen(name),
				  sizeof(out->name) - 1);
	*out = (struct rg_node){.network = read_namespace("/proc/self/ns/net")};
	snprintf(out->name, sizeof(out->name), "%s", name ? name : "");
	read_kernel(out->kernel);
	return 0;
}

bool rg_node_equal(const struct rg_node *a, const struct rg_node *b)
{
	return a->network && a->network == b->network && a->kernel[0] &&
	       !strncmp(a->kernel, b->kernel, sizeof(a->kernel)) &&
	       !strncmp(a->name, b->name, sizeof(a->name));
}

void rg_process_here(struct rg_process *out)
{
	*out = (struct rg_process){.pid = getpid(),
				   .pid_space = read_namespace("/proc/self/ns/pid"),
				   .time_space = read_namespace("/proc/self/ns/time"),
				   .ipc_space = read_namespace("/proc/self/ns/ipc")};
	read_kernel(out->kernel);
	/* A /proc of another namespace would show somebody else under our number. */
	if (!read_stat(out->pid, &out->start_tick))
		out->pid_space = 0;
}

bool rg_process_may_share(const struct rg_process *a, const struct rg_process *b)
{
	return !strncmp(a->kernel, b->kernel, sizeof(a->kernel)) && a->pid_space == b->pid_space &&
	       a->ipc_space == b->ipc_space;
}

enum rg_process_state rg_process_look(const struct rg_process *here,
				      const struct rg_process *process)
{
	uint64_t start_tick;
	char state;

	if (!here->kernel[0] || !here->pid_space || process->pid_space != here->pid_space ||
	    strncmp(process->kernel, here->kernel, sizeof(here->kernel)) != 0)
		return RG_PROCESS_HIDDEN;
	if (kill((pid_t)process->pid, 0) && errno == ESRCH)
		return RG_PROCESS_GONE;
	state = read_stat(process->pid, &start_tick);
	if (!state) /* it ended just now, or we cannot look: the next time tells */
		return RG_PROCESS_LIVES;
	if (state == 'Z' || state == 'X')
		return RG_PROCESS_GONE;
	if (process->start_tick && process->time_space == here->time_space &&
	    start_tick != process->start_tick)
		return RG_PROCESS_GONE;
	return state == 'T' || state == 't' ? RG_PROCESS_STOPPED : RG_PROCESS_LIVES;
}
