/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "filter.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/io.h"
#include "railgauge/base/log.h"
#include "railgauge/base/mem.h"
#include "railgauge/launch/child.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INPUT, OUTPUT, ERRORS, FILES };

/* Files without a name: nothing is left behind, and no pipe can fill up while we wait. */
static int open_files(int *files, const char *what, struct rg_err *err)
{
	for (int i = 0; i < FILES; i++) {
		files[i] = memfd_create("railgauge", MFD_CLOEXEC);
		if (files[i] < 0)
			return rg_err_errno(err, errno, "%s: memfd_create", what);
	}
	return 0;
}

static void close_files(const int *files)
{
	for (int i = 0; i < FILES; i++) {
		if (files[i] >= 0)
			close(files[i]);
	}
}

static int fill_input(int fd, const char *input, size_t len_bytes, const char *what,
		      struct rg_err *err)
{
	int e = rg_io_write_all(fd, input, len_bytes);

	if (e)
		return rg_err_errno(err, e, "%s: its input", what);
	/* The child shares the place in the file. */
	if (lseek(fd, 0, SEEK_SET) < 0)
		return rg_err_errno(err, errno, "%s: its input", what);
	return 0;
}

static int read_all(int fd, const char *what, char **text_out, struct rg_err *err)
{
	struct stat st;
	char *text;
	int e;

	if (fstat(fd, &st) || lseek(fd, 0, SEEK_SET) < 0)
		return rg_err_errno(err, errno, "%s: its output", what);
	if ((size_t)st.st_size > RG_FILTER_MAX_BYTES)
		return rg_err_set(err, RG_ERR_LIMIT, "%s: %lld bytes of output, more than %zu",
				  what, (long long)st.st_size, RG_FILTER_MAX_BYTES);
	text = rg_zalloc((size_t)st.st_size + 1, 1);
	if (!text)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "%s: no memory for its output", what);
	e = rg_io_read_all(fd, text, (size_t)st.st_size);
	if (e) {
		rg_free(text);
		return rg_err_errno(err, e > 0 ? e : EIO, "%s: its output", what);
	}
	*text_out = text;
	return 0;
}

/* The first line with something in it, of what a program said; blanks around it are cut off. */
static void first_line(int fd, char *line, size_t len_bytes)
{
	char text[1024];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	const char *begin;
	size_t len;

	text[n > 0 ? n : 0] = '\0';
	begin = text + strspn(text, " \t\r\n");
	len = strcspn(begin, "\r\n");
	while (len && (begin[len - 1] == ' ' || begin[len - 1] == '\t'))
		len--;
	snprintf(line, len_bytes, "%.*s", (int)len, begin);
}

static int wait_for(struct rg_child_group *group, const char *what, uint64_t timeout_ns, int errors,
		    struct rg_err *err)
{
	struct rg_child_end end;
	char line[256];
	int rc = rg_child_wait(group, rg_clock_ns() + timeout_ns, &end, err);

	if (rc == RG_ERR_TIMEOUT)
		return rg_err_set(err, rc, "%s: not done after %.1f s", what,
				  (double)timeout_ns / 1e9);
	if (rc < 0)
		return rc;
	first_line(errors, line, sizeof(line));
	if (end.signal)
		return rg_err_set(err, RG_ERR_SYSTEM, "%s: ended by signal %d (%s)%s%s", what,
				  end.signal, strsignal(end.signal), line[0] ? ": " : "", line);
	if (end.exit_code)
		return rg_err_set(err, RG_ERR_SYSTEM, "%s: ended with %d%s%s", what, end.exit_code,
				  line[0] ? ": " : "", line);
	if (line[0])
		rg_log(RG_LOG_WARN, "%s: %s", what, line);
	return 0;
}

int rg_filter_run(char *const *argv, const char *input, size_t len_bytes, uint64_t timeout_ns,
		  char **output_out, struct rg_err *err)
{
	int files[FILES] = {-1, -1, -1};
	char locale[] = "LC_ALL=C.UTF-8";
	char *const env[] = {locale, NULL};
	const struct rg_child_spec spec = {.argv = argv, .env = env, .stdio = files};
	struct rg_child_group *group = NULL;
	uint32_t index;
	int rc = open_files(files, argv[0], err);

	if (!rc)
		rc = fill_input(files[INPUT], input, len_bytes, argv[0], err);
	if (!rc)
		rc = rg_child_group_open(&group, err);
	if (!rc)
		rc = rg_child_start(group, &spec, &index, err);
	if (!rc)
		rc = wait_for(group, argv[0], timeout_ns, files[ERRORS], err);
	rg_child_group_close(group);
	if (!rc)
		rc = read_all(files[OUTPUT], argv[0], output_out, err);
	close_files(files);
	return rc;
}
