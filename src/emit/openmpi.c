/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The emitter for Open MPI: rules of its component coll/tuned. Sources for what it refuses:
 * priorities of coll/han and coll/tuned in 5.0 (coll_han_component.c, coll_tuned_component.c of
 * v5.0.8), and the reader of 6.0 (coll_tuned_dynamic_file.c of the branch v6.0.x).
 */
#include "config.h"

#include "openmpi.h"
#include "openmpi_impl.h"

#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

uint32_t rg_ompi_own_setting(char *const *words, uint32_t n)
{
	static const char variable[] = "OMPI_MCA_coll_tuned_", parameter[] = "coll_tuned_";

	for (uint32_t i = 0; i < n; i++) {
		size_t before = i ? strlen(words[i - 1]) : 0;

		if (!strncmp(words[i], variable, strlen(variable)))
			return i;
		if (before >= 3 && !strcmp(words[i - 1] + before - 3, "mca") &&
		    !strncmp(words[i], parameter, strlen(parameter)))
			return i;
	}
	return n;
}

int openmpi_accepts(const struct rg_decisions *d, struct rg_err *err)
{
	uint32_t own = rg_ompi_own_setting(d->launcher, d->nlauncher);
	struct rg_ompi_version v;
	int rc = rg_ompi_version_of(d->library, &v, err);

	if (rc)
		return rc;
	if (v.major < 4)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "Open MPI %u.%u.%u: rules are written for 4.0 to 5.0", v.major,
				  v.minor, v.release);
	if (v.major > 5)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "Open MPI %u.%u.%u gives the numbers of ranks in a rules file "
				  "another meaning and wants rules in JSON, which nothing here can "
				  "prove",
				  v.major, v.minor, v.release);
	if (v.major == 5 && d->nnodes > 1)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "Open MPI %u.%u.%u on %u nodes: its component coll/han has the "
				  "higher priority there, and rules of coll/tuned would not be "
				  "looked at for the job's communicators",
				  v.major, v.minor, v.release, d->nnodes);
	if (own < d->nlauncher)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "the launcher sets %.100s itself, which counts for more than any "
				  "file or environment",
				  d->launcher[own]);
	return 0;
}

struct texts {
	char *of[OPENMPI_FILES]; /* NULL: no such file is to be */
};

static int make_texts(const struct rg_decisions *d, const char *folder, struct texts *texts,
		      struct rg_err *err)
{
	int rc = 0;

	for (int i = 0; !rc && i < OPENMPI_FILES; i++)
		rc = openmpi_text(d, folder, (enum openmpi_file)i, &texts->of[i], err);
	return rc;
}

static bool is_ours(const char *path)
{
	char line[sizeof(OPENMPI_MARK)];

	return rg_io_read_line(path, line, sizeof(line)) && !strcmp(line, OPENMPI_MARK);
}

/* Can it be written there? What somebody else has put there is theirs. */
static int try_place(const char *path, size_t len, struct rg_err *err)
{
	struct stat there;

	if (!stat(path, &there) && S_ISREG(there.st_mode) && !is_ours(path))
		return rg_err_set(err, RG_ERR_MISMATCH,
				  "%s is there and not railgauge's (it does not begin with "
				  "\"" OPENMPI_MARK "\"): take another folder, or remove it",
				  path);
	return rg_io_try_file(path, len, err);
}

/* Removes an old file that nothing is to be in place of, if it is one of ours. */
static int remove_old(const char *path, struct rg_err *err)
{
	if (!is_ours(path))
		return 0;
	if (unlink(path) && errno != ENOENT)
		return rg_err_errno(err, errno, "%s: cannot remove it", path);
	return 0;
}

static int place(const struct texts *texts, const char *folder, struct rg_err *err)
{
	char path[PATH_MAX];
	int rc = 0;

	for (int i = 0; !rc && i < OPENMPI_FILES; i++) {
		if (texts->of[i])
			rc = try_place(openmpi_path(folder, (enum openmpi_file)i, path),
				       strlen(texts->of[i]), err);
	}
	for (int i = 0; !rc && i < OPENMPI_FILES; i++) {
		if (texts->of[i])
			rc = rg_io_replace_file(openmpi_path(folder, (enum openmpi_file)i, path),
						texts->of[i], strlen(texts->of[i]), err);
	}
	/* Only now does nothing name them any more. */
	for (int i = 0; !rc && i < OPENMPI_FILES; i++) {
		if (!texts->of[i])
			rc = remove_old(openmpi_path(folder, (enum openmpi_file)i, path), err);
	}
	return rc;
}

static int openmpi_write(const struct rg_decisions *d, const char *folder, struct rg_err *err)
{
	struct texts texts = {{0}};
	char path[PATH_MAX];
	int rc = openmpi_accepts(d, err);

	if (rc)
		return rc;
	if (folder[0] != '/' || strchr(folder, '\n') || !openmpi_path(folder, OPENMPI_PARAMS, path))
		return rg_err_set(err, RG_ERR_INVALID,
				  "%.200s: the folder's path must be absolute, on one line and not "
				  "too long for Open MPI's files",
				  folder);
	rc = make_texts(d, folder, &texts, err);
	if (!rc)
		rc = place(&texts, folder, err);
	for (int i = 0; i < OPENMPI_FILES; i++)
		free(texts.of[i]);
	return rc;
}

/* The first error of a file; there is none for one that is not there. */
static int check_file(const char *path, const struct rg_ompi_version *version, struct rg_err *err)
{
	struct rg_file_findings findings = {0};
	const char *kind;
	int rc = 0;

	if (!access(path, F_OK))
		rc = rg_emit_check_file(path, version, &findings, &kind, err);
	for (uint32_t i = 0; !rc && i < findings.n; i++) {
		const struct rg_file_finding *f = &findings.list[i];

		if (f->severity == RG_FINDING_ERROR)
			rc = rg_err_set(err, RG_ERR_FORMAT, "%s:%u: %s", path, f->line, f->text);
	}
	rg_file_findings_release(&findings);
	return rc;
}

static int openmpi_check(const struct rg_decisions *d, const char *folder, struct rg_err *err)
{
	static const enum openmpi_file files[] = {OPENMPI_RULES, OPENMPI_PARAMS};
	struct rg_ompi_version version;
	char path[PATH_MAX];
	int rc = rg_ompi_version_of(d->library, &version, err);

	for (size_t i = 0; !rc && i < sizeof(files) / sizeof(files[0]); i++) {
		if (openmpi_path(folder, files[i], path))
			rc = check_file(path, &version, err);
	}
	return rc;
}

const struct rg_emitter emitter_openmpi = {
	.name = "openmpi",
	.summary = "Open MPI 4.0 to 5.0: rules of coll/tuned, parameters, environment, rank file",
	.accepts = openmpi_accepts,
	.write = openmpi_write,
	.check = openmpi_check,
	.has_rule = openmpi_has_rule,
	.poison = openmpi_poison,
	.poisoned_words = "MPI_ERR_ARG",
};
