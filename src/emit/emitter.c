/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "openmpi.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

const struct rg_emitter *const rg_emitters[] = {&emitter_openmpi, NULL};

int rg_emitter_of(const struct rg_decisions *decisions, const struct rg_emitter **out,
		  struct rg_err *err)
{
	char list[200] = "";
	size_t used = 0;

	for (size_t i = 0; rg_emitters[i]; i++) {
		if (!strcmp(rg_emitters[i]->name, decisions->mpi)) {
			*out = rg_emitters[i];
			return 0;
		}
	}
	for (size_t i = 0; rg_emitters[i] && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
					 rg_emitters[i]->name);
	return rg_err_set(err, RG_ERR_UNSUPPORTED,
			  "files cannot be written for %s; they can for %s", decisions->mpi, list);
}

/* A proof has a shared lock on its folder while it lasts. */
int rg_emit_write(const struct rg_emitter *emitter, const struct rg_decisions *decisions,
		  const char *folder, struct rg_err *err)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		rc = rg_err_set(err, RG_ERR_MISMATCH,
				"%s: its files are being proved, or written, by somebody else: "
				"wait for the end of that, or take another folder",
				folder);
	else
		rc = emitter->write(decisions, folder, err);
	if (fd >= 0)
		close(fd);
	return rc;
}
