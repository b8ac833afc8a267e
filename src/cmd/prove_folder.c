/* SPDX-License-Identifier: BSD-3-Clause */
/* The folder of decisions: is what is in it sound, and what does env.sh set? */
#include "config.h"

#include "prove.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"
#include "railgauge/launch/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A shell that sources a small file takes so long only if it hangs. */
#define SHELL_NS	((uint64_t)10000000000)
#define ENVIRONMENT_MAX ((size_t)1 << 20)

/* What names of copies begin with. */
#define COPY ".poison-"

static int no_memory(struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a folder of decisions");
}

/* --- what env.sh sets --- */

/* Variables that a shell, or we, set in an empty environment. */
static bool is_usual(const char *word)
{
	static const char *const names[] = {"PATH=", "PWD=", "OLDPWD=", "SHLVL=", "_="};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strncmp(word, names[i], strlen(names[i])))
			return true;
	}
	return false;
}

/* Runs argv with its output in fd. RG_ERR_FORMAT if it does not end well. */
static int run_shell(char *const *argv, int fd, const char *file, struct rg_err *err)
{
	const int stdio[3] = {-1, fd, -1};
	const struct rg_child_spec spec = {.argv = argv, .stdio = stdio};
	struct rg_child_group *group;
	struct rg_child_end end = {0};
	uint32_t index;
	int signal, rc = rg_child_group_open(&group, err);

	if (rc)
		return rc;
	rc = rg_child_start(group, &spec, &index, err);
	if (!rc)
		rc = rg_child_wait(group, rg_clock_ns() + SHELL_NS, &end, err);
	signal = rg_child_group_close(group);
	if (rc < 0)
		return rc;
	if (signal)
		return rg_child_interrupted(signal, err);
	if (end.exit_code)
		return rg_err_set(err, RG_ERR_FORMAT, "%s: a shell cannot source it", file);
	return 0;
}

/* The environment after the file was sourced in an empty one; zero-terminated words, freed by
 * rg_free. */
static int source(const char *file, char **text_out, size_t *len_out, struct rg_err *err)
{
	const char *path = getenv("PATH");
	char *path_word = rg_asprintf("PATH=%s", path ? path : "/usr/bin:/bin");
	char *const argv[] = {
		(char *)"env", (char *)"-i",
		path_word,     (char *)"sh",
		(char *)"-c",  (char *)"exec 2>/dev/null; . \"$0\" && exec cat /proc/self/environ",
		(char *)file,  NULL};
	char *text = rg_zalloc(1, ENVIRONMENT_MAX + 1);
	int fd = memfd_create("railgauge-environment", MFD_CLOEXEC), rc;
	ssize_t n = 0;

	if (fd < 0)
		rc = rg_err_errno(err, errno, "memfd_create");
	else if (!path_word || !text)
		rc = no_memory(err);
	else
		rc = run_shell(argv, fd, file, err);
	if (!rc) {
		n = pread(fd, text, ENVIRONMENT_MAX, 0);
		if (n < 0)
			rc = rg_err_errno(err, errno, "reading what %s sets", file);
	}
	if (fd >= 0)
		close(fd);
	rg_free(path_word);
	if (rc) {
		rg_free(text);
		return rc;
	}
	*text_out = text;
	*len_out = (size_t)n;
	return 0;
}

/* A variable that names a file must name one of this folder's. */
static int check_value(struct prove *p, const char *word, struct rg_err *err)
{
	const char *value = strchr(word, '=') + 1;
	size_t len = strlen(p->folder);
	char real[PATH_MAX];

	if (*value != '/')
		return 0;
	if (!realpath(value, real))
		return rg_err_set(err, RG_ERR_NOT_FOUND,
				  "%s: %s: no such file; a folder that was moved is written again "
				  "by railgauge emit",
				  p->env_file, word);
	if (strncmp(real, p->folder, len) != 0 || real[len] != '/')
		return rg_err_set(err, RG_ERR_MISMATCH,
				  "%s: %s is not in this folder; one that was copied is written "
				  "again by railgauge emit",
				  p->env_file, word);
	if (!p->file)
		p->file = rg_strdup(value);
	return p->file ? 0 : no_memory(err);
}

static int read_variables(struct prove *p, struct rg_err *err)
{
	size_t len, n = 0, all = 0;
	char *text;
	int rc = source(p->env_file, &text, &len, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < len; i++)
		all += !text[i];
	p->variables = rg_zalloc(all + 1, sizeof(*p->variables));
	if (!p->variables)
		rc = no_memory(err);
	for (char *word = text; !rc && word < text + len; word += strlen(word) + 1) {
		if (!strchr(word, '=') || is_usual(word))
			continue;
		rc = check_value(p, word, err);
		p->variables[n] = rg_asprintf("%.*s", (int)strcspn(word, "="), word);
		if (!rc && !p->variables[n++])
			rc = no_memory(err);
	}
	rg_free(text);
	return rc;
}

/* --- copies --- */

static int make_folder(const struct prove *p, char **path_out, struct rg_err *err)
{
	char *path = rg_asprintf("%s/" COPY "XXXXXX", p->folder);
	int e;

	if (!path)
		return no_memory(err);
	if (!mkdtemp(path)) {
		e = errno;
		rg_free(path);
		return rg_err_errno(err, e, "%s: cannot make a folder in it", p->folder);
	}
	(void)chmod(path, 0755); /* as its parent is: ranks may run as somebody else */
	*path_out = path;
	return 0;
}

int prove_copy_open(const struct prove *p, uint32_t index, uint32_t range, char **path_out,
		    struct rg_err *err)
{
	int rc = make_folder(p, path_out, err);

	if (rc)
		return rc;
	rc = p->emitter->poison(p->decisions, p->folder, index, range, *path_out, err);
	if (rc)
		prove_copy_close(*path_out);
	return rc;
}

void prove_copy_close(char *path)
{
	DIR *dir = path ? opendir(path) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
	if (path)
		(void)rmdir(path); /* what a file system keeps meanwhile, .nfs..., is its own */
	rg_free(path);
}

/*
 * Copies of a proof that was killed. Each proof has a shared lock on the folder while it lasts, so
 * where there is an exclusive one to be had, all copies are of nobody. Without locks they stay.
 */
static void sweep(struct prove *p)
{
	struct dirent *entry;
	DIR *dir;

	p->lock = open(p->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->lock < 0)
		return;
	dir = flock(p->lock, LOCK_EX | LOCK_NB) ? NULL : opendir(p->folder);
	while (dir && (entry = readdir(dir))) {
		if (!strncmp(entry->d_name, COPY, strlen(COPY)))
			prove_copy_close(rg_asprintf("%s/%s", p->folder, entry->d_name));
	}
	if (dir)
		closedir(dir);
	(void)flock(p->lock, LOCK_SH); /* waits at most for another one's sweep */
}

/* --- the whole --- */

int prove_folder_open(struct prove *p, const char *folder, struct rg_err *err)
{
	char real[PATH_MAX], *path;
	int rc;

	if (!realpath(folder, real))
		return rg_err_errno(err, errno, "%s", folder);
	p->folder = rg_strdup(real);
	p->env_file = rg_asprintf("%s/env.sh", real);
	path = rg_asprintf("%s/decisions.json", real);
	if (!p->folder || !p->env_file || !path) {
		rg_free(path);
		return no_memory(err);
	}
	rc = rg_decisions_read(path, &p->decisions, err);
	rg_free(path);
	if (!rc)
		rc = rg_emitter_of(p->decisions, &p->emitter, err);
	if (!rc)
		rc = p->emitter->accepts(p->decisions, err);
	if (!rc && access(p->env_file, R_OK))
		rc = rg_err_errno(err, errno, "%s", p->env_file);
	if (!rc)
		rc = read_variables(p, err);
	if (!rc)
		rc = p->emitter->check(p->decisions, p->folder, err);
	if (!rc)
		sweep(p);
	return rc;
}
