/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "orphans.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/log.h"
#include "railgauge/base/mem.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* As launch/child.c: after SIGKILL only a process that hangs in the kernel remains for so long. */
#define KILL_PATIENCE_NS ((uint64_t)10000000000)
#define LOOK_NS		 ((uint64_t)2000000)

/* Is process pid our child? The name in stat may hold anything, but what follows the last ')'. */
static bool is_child(const char *pid)
{
	char path[64], text[512], *p;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	p = strrchr(text, ')');
	return p && strlen(p) > 4 && strtol(p + 4, NULL, 10) == getpid();
}

/* Calls visit for each child of this process until it fails. */
static int for_children(int (*visit)(void *arg, pid_t pid), void *arg)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int rc = dir ? 0 : RG_ERR_SYSTEM;

	while (dir && !rc && (entry = readdir(dir))) {
		if (isdigit((unsigned char)entry->d_name[0]) && is_child(entry->d_name))
			rc = visit(arg, (pid_t)strtol(entry->d_name, NULL, 10));
	}
	if (dir)
		closedir(dir);
	return rc;
}

static int remember(void *arg, pid_t pid)
{
	struct orphans *o = arg;

	if (o->nbefore == o->room) {
		uint32_t room = o->room ? 2 * o->room : 16;
		pid_t *more = rg_realloc(o->before, room * sizeof(*more));

		if (!more)
			return RG_ERR_NO_MEMORY;
		o->before = more;
		o->room = room;
	}
	o->before[o->nbefore++] = pid;
	return 0;
}

/* Has this process any child at all? Without one there is no need to look at /proc. */
static bool has_children(void)
{
	siginfo_t info;

	return !waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) || errno != ECHILD;
}

int orphans_open(struct orphans *o, struct rg_err *err)
{
	int rc;

	*o = (struct orphans){0};
	if (prctl(PR_GET_CHILD_SUBREAPER, &o->was_subreaper) || prctl(PR_SET_CHILD_SUBREAPER, 1))
		return rg_err_errno(err, errno, "prctl(PR_SET_CHILD_SUBREAPER)");
	rc = has_children() ? for_children(remember, o) : 0;
	if (!rc)
		return 0;
	orphans_close(o);
	return rg_err_set(err, rc,
			  rc == RG_ERR_NO_MEMORY ? "no memory for a list of children"
						 : "/proc cannot be read");
}

struct sweep {
	const struct orphans *orphans;
	uint32_t found;
	pid_t last;
};

static int end_one(void *arg, pid_t pid)
{
	struct sweep *s = arg;

	for (uint32_t i = 0; i < s->orphans->nbefore; i++) {
		if (s->orphans->before[i] == pid)
			return 0;
	}
	kill(pid, SIGKILL);
	(void)waitpid(pid, NULL,
		      WNOHANG); /* else in the next look, which what it left needs, too */
	s->found++;
	s->last = pid;
	return 0;
}

void orphans_end(const struct orphans *o)
{
	uint64_t deadline_ns = rg_clock_ns() + KILL_PATIENCE_NS;

	while (has_children()) {
		struct sweep s = {.orphans = o};

		if (for_children(end_one, &s) || !s.found)
			return;
		if (rg_clock_ns() > deadline_ns) {
			rg_log(RG_LOG_WARN, "process %d does not end even with SIGKILL",
			       (int)s.last);
			return;
		}
		rg_clock_sleep_until(rg_clock_ns() + LOOK_NS);
	}
}

void orphans_close(struct orphans *o)
{
	(void)prctl(PR_SET_CHILD_SUBREAPER, o->was_subreaper ? 1 : 0); /* it worked before */
	rg_free(o->before);
	*o = (struct orphans){0};
}
