/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/tune/journal.h"

#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct rg_journal {
	char *path;	 /* owned */
	int fd;		 /* owned, locked */
	off_t end;	 /* of the last whole line */
	json_t *entries; /* owned array: what was there */
	uint32_t replayed;
};

/* A value for a message, cut: "[8,64]". */
static void value_text(const json_t *value, char *text, size_t room)
{
	char *dump = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	if (!value)
		snprintf(text, room, "nothing");
	else if (!dump)
		snprintf(text, room, "?");
	else
		snprintf(text, room, "%.60s%s", dump, strlen(dump) > 60 ? "..." : "");
	free(dump);
}

static int differs(const struct rg_journal *j, const char *key, const json_t *old,
		   const json_t *new, struct rg_err *err)
{
	char was[80], is[80];

	value_text(old, was, sizeof(was));
	value_text(new, is, sizeof(is));
	return rg_err_set(err, RG_ERR_MISMATCH,
			  "%s: it was begun with another question: %s was %s and is %s", j->path,
			  key, was, is);
}

/* Is it the same question? Names the first member that is not. */
static int compare(const struct rg_journal *j, const json_t *old, const json_t *new,
		   struct rg_err *err)
{
	json_t *value; /* jansson iterates over what may be changed; it is not */
	const char *key;

	json_object_foreach((json_t *)new, key, value)
	{
		const json_t *before = json_object_get(old, key);

		if (!before || !json_equal(before, value))
			return differs(j, key, before, value, err);
	}
	json_object_foreach((json_t *)old, key, value)
	{
		if (!json_object_get(new, key))
			return differs(j, key, value, NULL, err);
	}
	return 0;
}

static int read_line(struct rg_journal *j, const char *line, size_t len, uint32_t number,
		     const json_t *question, struct rg_err *err)
{
	json_t *root;
	int rc = rg_json_parse(line, len, j->path, &root, err);

	if (rc == RG_ERR_NO_MEMORY)
		return rc;
	if (rc || !json_is_object(root)) {
		if (!rc)
			json_decref(root);
		return rg_err_set(err, RG_ERR_FORMAT, "%s: line %u is no entry of a journal",
				  j->path, number);
	}
	if (number > 1)
		return rg_json_append(j->entries, root, err);
	rc = compare(j, root, question, err);
	json_decref(root);
	return rc;
}

/* Reads all whole lines, and drops what follows them. */
static int read_all(struct rg_journal *j, const json_t *question, struct rg_err *err)
{
	uint32_t number = 0;
	char *text = NULL;
	size_t len = 0;
	int rc = rg_io_read_file(j->path, RG_JSON_FILE_MAX_BYTES, &text, &len, err);

	for (char *at = text, *newline; !rc; at = newline + 1) {
		newline = memchr(at, '\n', len - (size_t)(at - text));
		if (!newline) {
			j->end = at - text;
			break;
		}
		rc = read_line(j, at, (size_t)(newline - at), ++number, question, err);
	}
	if (!rc && ftruncate(j->fd, j->end))
		rc = rg_err_errno(err, errno, "%s", j->path);
	rg_free(text);
	return rc;
}

/* The line is on disk, or the file is as before. */
static int write_line(struct rg_journal *j, const json_t *value, struct rg_err *err)
{
	char *text = json_dumps(value, JSON_COMPACT);
	size_t len;
	int e;

	if (!text)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "%s: no memory for a line", j->path);
	len = strlen(text);
	text[len] = '\n'; /* in place of the zero, which nobody needs */
	e = lseek(j->fd, j->end, SEEK_SET) < 0 ? errno : rg_io_write_all(j->fd, text, len + 1);
	free(text);
	if (!e && fsync(j->fd))
		e = errno;
	if (e) {
		(void)!ftruncate(j->fd, j->end); /* else a cut line, which is dropped */
		return rg_err_errno(err, e, "%s", j->path);
	}
	j->end += (off_t)len + 1;
	return 0;
}

static int lock(struct rg_journal *j, struct rg_err *err)
{
	struct stat st;
	int e;

	j->fd = open(j->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
	if (j->fd < 0 || fstat(j->fd, &st))
		return rg_err_errno(err, errno, "%s", j->path);
	if (!S_ISREG(st.st_mode))
		return rg_err_set(err, RG_ERR_SYSTEM, "%s: not a plain file", j->path);
	if (!flock(j->fd, LOCK_EX | LOCK_NB))
		return 0;
	e = errno;
	if (e == EWOULDBLOCK)
		return rg_err_set(err, RG_ERR_SYSTEM, "%s: another process has it open", j->path);
	return rg_err_errno(err, e, "%s: flock", j->path);
}

int rg_journal_open(const char *path, const json_t *question, bool fresh, struct rg_journal **out,
		    struct rg_err *err)
{
	struct rg_journal *j = rg_zalloc(1, sizeof(*j));
	int rc;

	if (!j)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "%s: no memory for a journal", path);
	j->fd = -1;
	j->path = rg_strdup(path);
	j->entries = json_array();
	if (!j->path || !j->entries) {
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "%s: no memory for a journal", path);
		goto fail;
	}
	rc = lock(j, err);
	if (!rc && fresh && ftruncate(j->fd, 0))
		rc = rg_err_errno(err, errno, "%s", path);
	if (!rc)
		rc = read_all(j, question, err);
	if (!rc && j->end == 0)
		rc = write_line(j, question, err);
	if (rc)
		goto fail;
	*out = j;
	return 0;
fail:
	rg_journal_close(j);
	return rc;
}

void rg_journal_close(struct rg_journal *journal)
{
	if (!journal)
		return;
	if (journal->fd >= 0)
		close(journal->fd);
	json_decref(journal->entries);
	rg_free(journal->path);
	rg_free(journal);
}

uint32_t rg_journal_count(const struct rg_journal *journal)
{
	return (uint32_t)json_array_size(journal->entries);
}

const json_t *rg_journal_replay(struct rg_journal *journal)
{
	if (journal->replayed == rg_journal_count(journal))
		return NULL;
	return json_array_get(journal->entries, journal->replayed++);
}

int rg_journal_add(struct rg_journal *journal, json_t *entry, struct rg_err *err)
{
	int rc;

	assert(journal->replayed == rg_journal_count(journal));
	if (!entry)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "%s: no memory for an entry",
				  journal->path);
	rc = write_line(journal, entry, err);
	json_decref(entry);
	return rc;
}
