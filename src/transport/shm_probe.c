/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "shm_probe.h"

#include "railgauge/device/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROBE_BYTES 4096
#define PROBE_WORD  0x5247u

/* What a peer does, in a process of its own, where only system calls are safe. An errno, or 0. */
static int reach_as_peer(const char *path)
{
	uint32_t *word;
	int again;

	again = open(path, O_RDWR | O_CLOEXEC);
	if (again < 0)
		return errno;
	word = mmap(NULL, PROBE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0);
	if (word == MAP_FAILED)
		return errno;
	*word = PROBE_WORD;
	return 0;
}

/* Lets a child write into the memory behind fd, mapped here at word, as a peer would. */
static int probe_memory(int fd, const volatile uint32_t *word, struct rg_err *err)
{
	char path[64];
	pid_t child;
	int status;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	child = fork();
	if (child == 0)
		_exit(reach_as_peer(path) & 0xff);
	if (child < 0)
		return rg_err_errno(err, errno, "shm: fork, to try another process's memory");
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return rg_err_errno(err, errno, "shm: waiting for the probe");
	}
	if (!WIFEXITED(status))
		return rg_err_set(err, RG_ERR_SYSTEM,
				  "shm: the process that tried this one's memory was ended by "
				  "signal %d",
				  WTERMSIG(status));
	if (WEXITSTATUS(status))
		return rg_err_errno(err, WEXITSTATUS(status),
				    "shm: another process cannot reach this one's memory, %s",
				    path);
	if (*word != PROBE_WORD)
		return rg_err_set(err, RG_ERR_SYSTEM,
				  "shm: what another process wrote into this one's memory did not "
				  "arrive");
	return 0;
}

int rg_shm_probe_memory(struct rg_err *err)
{
	uint32_t *word;
	int rc, fd;

	rc = rg_memfd_open(PROBE_BYTES, "shm: a probe", &fd, err);
	if (rc)
		return rc;
	rc = rg_memfd_reserve(fd, 0, PROBE_BYTES, "shm: a probe", err);
	if (rc)
		goto close_fd;
	word = mmap(NULL, PROBE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (word == MAP_FAILED) {
		rc = rg_err_errno(err, errno, "shm: mapping a probe");
		goto close_fd;
	}
	rc = probe_memory(fd, word, err);
	munmap(word, PROBE_BYTES);
close_fd:
	close(fd);
	return rc;
}
