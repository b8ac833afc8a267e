/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/device/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

int rg_memfd_open(size_t len_bytes, const char *what, int *fd_out, struct rg_err *err)
{
	struct rlimit file;
	int fd, e;

	if (!getrlimit(RLIMIT_FSIZE, &file) && file.rlim_cur != RLIM_INFINITY &&
	    file.rlim_cur < len_bytes)
		return rg_err_set(err, RG_ERR_LIMIT,
				  "%s of %zu bytes: the limit on file sizes (ulimit -f) leaves "
				  "%" PRIu64,
				  what, len_bytes, (uint64_t)file.rlim_cur);
	fd = memfd_create("railgauge", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return rg_err_errno(err, errno, "%s: memfd_create", what);
	if (ftruncate(fd, (off_t)len_bytes) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		e = errno;
		close(fd);
		return rg_err_errno(err, e, "%s of %zu bytes", what, len_bytes);
	}
	*fd_out = fd;
	return 0;
}

int rg_memfd_reserve(int fd, size_t offset, size_t len_bytes, const char *what, struct rg_err *err)
{
	while (fallocate(fd, 0, (off_t)offset, (off_t)len_bytes)) {
		int e = errno;

		if (e == ENOSPC || e == ENOMEM)
			return rg_err_set(err, RG_ERR_LIMIT, "%s: cannot reserve %zu bytes: %s",
					  what, len_bytes, strerror(e));
		if (e != EINTR)
			return rg_err_errno(err, e, "%s: reserving %zu bytes", what, len_bytes);
	}
	return 0;
}

int rg_memfd_check(int fd, size_t len_bytes, const char *what, struct rg_err *err)
{
	struct stat st;
	int seals;

	if (fstat(fd, &st))
		return rg_err_errno(err, errno, "%s", what);
	seals = fcntl(fd, F_GET_SEALS); /* fails for all but memory files */
	if (seals < 0 || !(seals & F_SEAL_SHRINK))
		return rg_err_set(err, RG_ERR_FORMAT, "%s is not memory of railgauge", what);
	if (st.st_size < 0 || (uint64_t)st.st_size < len_bytes)
		return rg_err_set(err, RG_ERR_FORMAT, "%s has %lld bytes instead of %zu", what,
				  (long long)st.st_size, len_bytes);
	return 0;
}
