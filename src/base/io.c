/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/base/io.h"

#include "railgauge/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int rg_io_write_all(int fd, const void *data, size_t len_bytes)
{
	const char *p = data;

	while (len_bytes > 0) {
		ssize_t n = write(fd, p, len_bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		p += n;
		len_bytes -= (size_t)n;
	}
	return 0;
}

int rg_io_read_all(int fd, void *data, size_t len_bytes)
{
	char *p = data;

	while (len_bytes > 0) {
		ssize_t n = read(fd, p, len_bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0)
			return -1;
		p += n;
		len_bytes -= (size_t)n;
	}
	return 0;
}

/* Grows the buffer until the end of the file: files under /proc and /sys have no size. */
static int read_fd(int fd, const char *path, size_t max_bytes, char **text_out, size_t *len_out,
		   struct rg_err *err)
{
	size_t used = 0, room = 0;
	char *text = NULL;

	for (;;) {
		ssize_t n;

		if (room - used < 2) {
			char *more;

			room = room ? 2 * room : 4096;
			more = rg_realloc(text, room);
			if (!more) {
				rg_free(text);
				return rg_err_set(err, RG_ERR_NO_MEMORY, "%s: no memory to read it",
						  path);
			}
			text = more;
		}
		n = read(fd, text + used, room - used - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int e = errno;

			rg_free(text);
			return rg_err_errno(err, e, "%s: read", path);
		}
		if (n == 0)
			break;
		used += (size_t)n;
		if (used > max_bytes) {
			rg_free(text);
			return rg_err_set(err, RG_ERR_LIMIT, "%s: larger than %zu bytes", path,
					  max_bytes);
		}
	}
	text[used] = '\0';
	*text_out = text;
	if (len_out)
		*len_out = used;
	return 0;
}

int rg_io_read_file(const char *path, size_t max_bytes, char **text_out, size_t *len_out,
		    struct rg_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0) {
		int e = errno;

		if (e == ENOENT)
			return rg_err_set(err, RG_ERR_NOT_FOUND, "%s: no such file", path);
		return rg_err_errno(err, e, "%s", path);
	}
	rc = read_fd(fd, path, max_bytes, text_out, len_out, err);
	close(fd);
	return rc;
}

bool rg_io_read_line(const char *path, char *text, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n = -1;

	while (fd >= 0 && used < room - 1) {
		n = read(fd, text + used, room - 1 - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
		if (memchr(text, '\n', used))
			break;
	}
	if (fd >= 0)
		close(fd);
	if (n < 0)
		used = 0;
	text[used] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return n >= 0;
}

/*
 * The file that path names, behind symbolic links: these stay, what they lead to is replaced. A
 * device is refused, since renaming would put a file in the place of /dev/null.
 */
static int find_file(const char *path, char found[PATH_MAX], struct rg_err *err)
{
	struct stat st;

	if (stat(path, &st)) {
		if (errno != ENOENT)
			return rg_err_errno(err, errno, "%s", path);
		if (strlen(path) >= PATH_MAX)
			return rg_err_errno(err, ENAMETOOLONG, "%s", path);
		snprintf(found, PATH_MAX, "%s", path);
		return 0;
	}
	if (!S_ISREG(st.st_mode))
		return rg_err_set(err, RG_ERR_SYSTEM,
				  "%s: not a regular file, which alone can be replaced as a whole",
				  path);
	if (!realpath(path, found))
		return rg_err_errno(err, errno, "%s", path);
	return 0;
}

/* Writes the bytes (NULL: so many zeros) and sees that they are on the disk. 0 or an errno. */
static int write_out(int fd, const char *data, size_t len_bytes)
{
	static const char zeros[4096];
	int e = 0;

	for (size_t done = 0; !data && !e && done < len_bytes;) {
		size_t n = len_bytes - done < sizeof(zeros) ? len_bytes - done : sizeof(zeros);

		e = rg_io_write_all(fd, zeros, n);
		done += n;
	}
	if (data)
		e = rg_io_write_all(fd, data, len_bytes);
	if (!e && fsync(fd) && errno != EINVAL && errno != EROFS)
		e = errno;
	return e;
}

/* A temporary file beside the one that path names; it takes its place, or goes again. */
static int write_beside(const char *path, const char *data, size_t len_bytes, bool replace,
			struct rg_err *err)
{
	char target[PATH_MAX];
	char *tmp;
	size_t room;
	mode_t mask;
	int fd, e, rc = find_file(path, target, err);

	if (rc)
		return rc;
	room = strlen(target) + sizeof(".XXXXXX");
	tmp = rg_alloc(room);
	if (!tmp)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "%s: no memory to write it", path);
	snprintf(tmp, room, "%s.XXXXXX", target);
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0) {
		rc = rg_err_errno(err, errno, "%s: cannot create a file beside it", path);
		goto free_name;
	}
	mask = umask(0);
	umask(mask);
	(void)fchmod(fd, 0666 & ~mask); /* mkostemp gives 0600; a result is an ordinary file */
	e = write_out(fd, data, len_bytes);
	if (close(fd) && !e)
		e = errno;
	if (!e && replace && rename(tmp, target))
		e = errno;
	if (e || !replace)
		unlink(tmp);
	if (e)
		rc = rg_err_errno(err, e, "%s: cannot write it", path);
free_name:
	rg_free(tmp);
	return rc;
}

int rg_io_replace_file(const char *path, const void *data, size_t len_bytes, struct rg_err *err)
{
	return write_beside(path, data ? data : "", len_bytes, true, err);
}

int rg_io_try_file(const char *path, size_t len_bytes, struct rg_err *err)
{
	return write_beside(path, NULL, len_bytes, false, err);
}
