/* SPDX-License-Identifier: BSD-3-Clause */
/* The texts of the files for Open MPI. */
#include "config.h"

#include "openmpi_impl.h"

#include "railgauge/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const openmpi_names[OPENMPI_FILES] = {
	[OPENMPI_RULES] = "openmpi-rules.txt",
	[OPENMPI_RANKFILE] = "rankfile",
	[OPENMPI_PARAMS] = "openmpi-mca-params.conf",
	[OPENMPI_ENV] = "env.sh",
};

#define LINE_BYTES 300

/* What is written: the decisions, and what follows from them for all files. */
struct writing {
	const struct rg_decisions *decisions;
	const struct rg_rules *rules;
	const char *folder;
	char rules_path[PATH_MAX];
};

char *openmpi_path(const char *folder, enum openmpi_file file, char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s/%s", folder, openmpi_names[file]);

	return n > 0 && n < PATH_MAX ? path : NULL;
}

/* ' becomes '\'' within the quotes: the only character that is special there. */
char *openmpi_shell_word(const char *path)
{
	size_t n = 3;
	char *word, *to;

	for (const char *c = path; *c; c++)
		n += *c == '\'' ? 4 : 1;
	word = to = rg_alloc(n);
	if (!word)
		return NULL;
	*to++ = '\'';
	for (const char *c = path; *c; c++) {
		if (*c == '\'') {
			memcpy(to, "'\\''", 4);
			to += 4;
		} else {
			*to++ = *c;
		}
	}
	*to++ = '\'';
	*to = '\0';
	return word;
}

/* Text of the document, which anybody may have edited, must not become a line of its own. */
static const char *on_one_line(const char *text, char line[LINE_BYTES])
{
	size_t n = 0;

	for (; text[n] && n + 1 < LINE_BYTES; n++)
		line[n] = (unsigned char)text[n] < ' ' || text[n] == 0x7f ? '?' : text[n];
	line[n] = '\0';
	return line;
}

static void print_job(const struct rg_decisions *d, FILE *out)
{
	char line[LINE_BYTES];

	fprintf(out, "# For %u ranks on %u node%s, by railgauge %s, decided %s\n", d->nranks,
		d->nnodes, d->nnodes == 1 ? "" : "s", on_one_line(d->version, line), d->created);
	fprintf(out, "# with %s\n", on_one_line(d->library, line));
	if (d->transport[0])
		fprintf(out, "# over %s\n", on_one_line(d->transport, line));
}

static void print_left_out(const struct rg_decisions *all, FILE *out)
{
	for (uint32_t i = 0; i < all->ndecisions; i++) {
		const struct rg_decision *d = &all->decisions[i];
		const char *why = openmpi_left_out(d);

		if (why)
			fprintf(out, "# %s is left alone: %s.\n", d->function, why);
	}
}

static void print_in_place(const struct rg_decisions *all, const struct rg_rules *rules, FILE *out)
{
	for (uint32_t i = 0; i < all->ndecisions; i++) {
		const struct rg_decision *d = &all->decisions[i];
		const struct rg_ompi_function *f =
			rg_ompi_function_of(d->coll, d->other ? RG_MPI_OTHER : RG_MPI_USUAL);

		for (uint32_t k = 0; f && f->in_place_is_0 && k < rules->nfunctions; k++) {
			if (rules->functions[k].id == f->id)
				fprintf(out,
					"# %s in place is looked up for size 0, and keeps Open "
					"MPI's own choice.\n",
					d->function);
		}
	}
}

static int print_rules(const struct writing *w, FILE *out, struct rg_err *err)
{
	fprintf(out, OPENMPI_MARK "rules of Open MPI's component coll/tuned\n");
	print_job(w->decisions, out);
	fprintf(out, "# Other numbers of ranks keep Open MPI's own choice. Numbers are plain "
		     "decimals: a\n"
		     "# leading 0 would make them octal.\n");
	print_left_out(w->decisions, out);
	print_in_place(w->decisions, w->rules, out);
	rg_rules_print(w->rules, out);
	return 0;
}

static int print_params(const struct writing *w, FILE *out, struct rg_err *err)
{
	fprintf(out, OPENMPI_MARK "parameters that make Open MPI read its rules\n");
	print_job(w->decisions, out);
	print_left_out(w->decisions, out);
	if (!w->rules->nfunctions) {
		fprintf(out, "# Nothing was better than Open MPI's own choices: nothing is set.\n");
		return 0;
	}
	fprintf(out,
		"# Append these lines to $HOME/.openmpi/mca-params.conf. For railgauge tune and\n"
		"# railgauge prove they have to be out of it again. mpirun --mca\n"
		"# mca_base_param_files FILE would do as well, but reads this file instead of the\n"
		"# system's own. Values are not quoted: quotes would be part of them.\n"
		"coll_tuned_use_dynamic_rules = 1\n"
		"coll_tuned_dynamic_rules_filename = %s\n",
		w->rules_path);
	return 0;
}

static int print_env(const struct writing *w, FILE *out, struct rg_err *err)
{
	char *word;

	fprintf(out, OPENMPI_MARK "environment that makes Open MPI read its rules\n");
	print_job(w->decisions, out);
	print_left_out(w->decisions, out);
	if (!w->rules->nfunctions) {
		/* Else a shell that has read an earlier one would go on naming its file. */
		fprintf(out, "# Nothing was better than Open MPI's own choices: nothing is set.\n"
			     "unset OMPI_MCA_coll_tuned_use_dynamic_rules\n"
			     "unset OMPI_MCA_coll_tuned_dynamic_rules_filename\n");
		return 0;
	}
	word = openmpi_shell_word(w->rules_path);
	if (!word)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %s",
				  openmpi_names[OPENMPI_ENV]);
	fprintf(out,
		"# A POSIX shell reads it before it starts mpirun, by \". FILE\". To undo it:\n"
		"#   unset OMPI_MCA_coll_tuned_use_dynamic_rules\n"
		"#   unset OMPI_MCA_coll_tuned_dynamic_rules_filename\n"
		"# mpirun's own --mca of these names would count for more.\n"
		"OMPI_MCA_coll_tuned_use_dynamic_rules=1\n"
		"OMPI_MCA_coll_tuned_dynamic_rules_filename=%s\n"
		"export OMPI_MCA_coll_tuned_use_dynamic_rules\n"
		"export OMPI_MCA_coll_tuned_dynamic_rules_filename\n",
		word);
	rg_free(word);
	return 0;
}

/* By names: numbers of nodes are taken only where a resource manager has allocated them. */
static int print_rankfile(const struct writing *w, FILE *out, struct rg_err *err)
{
	const struct rg_decision_binding *b = &w->decisions->binding;
	char path[PATH_MAX], line[LINE_BYTES];

	fprintf(out, OPENMPI_MARK "which processors each rank is bound to\n");
	print_job(w->decisions, out);
	fprintf(out,
		"# %s\n# The numbers are the operating system's, which mpirun must be told:\n"
		"#   mpirun --mca rmaps_rank_file_physical 1 --rankfile %s ...\n",
		on_one_line(b->why, line), openmpi_path(w->folder, OPENMPI_RANKFILE, path));
	if (b->map_by[0])
		fprintf(out, "# mpirun %s ... leads to the same.\n", on_one_line(b->map_by, line));
	if (w->decisions->nnodes > 1)
		fprintf(out, "# Ranks fill the hosts in this order.\n");
	for (uint32_t r = 0; r < w->decisions->nranks; r++)
		fprintf(out, "rank %u=%s slot=%s\n", r,
			on_one_line(w->decisions->hosts[r / b->nranks], line),
			b->cpus[r % b->nranks]);
	return 0;
}

/* 5.0 has other rank files. */
static bool has_rankfile(const struct rg_decisions *d)
{
	struct rg_ompi_version v;

	return d->binding.known && d->nranks == d->binding.nranks * d->nnodes &&
	       d->nhosts == d->nnodes && !rg_ompi_version_of(d->library, &v, NULL) && v.major == 4;
}

static bool is_wanted(const struct writing *w, enum openmpi_file file)
{
	if (file == OPENMPI_RULES)
		return w->rules->nfunctions > 0;
	return file != OPENMPI_RANKFILE || has_rankfile(w->decisions);
}

int openmpi_text(const struct rg_decisions *decisions, const char *folder, enum openmpi_file file,
		 char **out, struct rg_err *err)
{
	static int (*const print[OPENMPI_FILES])(const struct writing *w, FILE *out,
						 struct rg_err *err) = {
		[OPENMPI_RULES] = print_rules,
		[OPENMPI_RANKFILE] = print_rankfile,
		[OPENMPI_PARAMS] = print_params,
		[OPENMPI_ENV] = print_env,
	};
	struct rg_rules rules;
	struct writing w = {.decisions = decisions, .rules = &rules, .folder = folder};
	char *text = NULL;
	size_t len;
	FILE *stream;
	int rc = openmpi_rules_of(decisions, &rules, err);

	*out = NULL;
	if (rc)
		return rc;
	openmpi_path(folder, OPENMPI_RULES, w.rules_path);
	if (!is_wanted(&w, file)) {
		rg_rules_release(&rules);
		return 0;
	}
	stream = open_memstream(&text, &len);
	if (stream) {
		bool failed;

		rc = print[file](&w, stream, err);
		failed = ferror(stream);
		if ((fclose(stream) || failed) && !rc)
			stream = NULL;
	}
	if (!stream && !rc)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %s", openmpi_names[file]);
	rg_rules_release(&rules);
	if (rc)
		free(text);
	else
		*out = text;
	return rc;
}
