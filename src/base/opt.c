/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "opt_rows.h"

#include "railgauge/base/mem.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * argp knows an option by a number. Ours: the letter if there is one, else the row's index from
 * KEY_ROW on; its --no-NAME is the index from KEY_NO on. Both ranges are above every character,
 * since argp takes a printable key for a letter.
 */
enum {
	KEY_ROW = 0x1000,
	KEY_NO = KEY_ROW + RG_OPT_MAX,
	KEY_HELP = 'h',
	KEY_VERSION = 'V',
};

/* One run of the parser; large, hence allocated. */
struct parse {
	const struct rg_opt_command *command;
	struct rg_opt_rows rows;
	union rg_opt_value values[RG_OPT_MAX];
	struct rg_opt_origins origins;
	struct rg_err env_err; /* the first bad variable; --help comes before it */
	int rc;		       /* 0, 1 for help and version, or what err says */
	struct rg_err *err;    /* borrowed from the caller of rg_opt_parse, or NULL */

	struct argp argp;
	struct argp_option options[2 * RG_OPT_MAX + 3]; /* + --help, --version, the end */
	char *docs[RG_OPT_MAX];				/* owned, as are the negations */
	char *negations[RG_OPT_MAX];
	char *doc;
};

/* A flag that something else than the command line can switch on needs a way to be off. */
static bool has_negation(const struct rg_opt *row)
{
	return row->type == RG_OPT_FLAG && (row->env || row->dflt);
}

/* ---- what argp is told ---- */

/* "help text: a, b or c (default a; or RG_X in the environment)"; NULL without memory. */
static char *row_doc(const struct rg_opt *row)
{
	char choices[512] = "";
	const char *dflt = row->dflt ? row->dflt : "";
	const char *env = row->env ? row->env : "";

	if (row->type == RG_OPT_CHOICE)
		rg_opt_list_choices(row->choices, choices, sizeof(choices));
	return rg_asprintf("%s%s%s%s%s%s%s%s%s", row->help, choices[0] ? ": " : "", choices,
			   dflt[0] || env[0] ? " (" : "", dflt[0] ? "default " : "", dflt,
			   dflt[0] && env[0] ? "; also "
			   : env[0]	     ? "also "
					     : "",
			   env, dflt[0] || env[0] ? ")" : "");
}

/* Rows keep the order of the tables: each is a group of its own. */
static int describe(struct parse *p)
{
	const struct rg_opt_command *c = p->command;
	struct argp_option *o = p->options;

	for (size_t i = 0; i < p->rows.count; i++) {
		const struct rg_opt *row = p->rows.row[i];

		p->docs[i] = row_doc(row);
		if (!p->docs[i])
			return rg_err_set(p->err, RG_ERR_NO_MEMORY, "no memory for options");
		*o++ = (struct argp_option){
			.name = row->name,
			.key = row->letter ? row->letter : KEY_ROW + (int)i,
			.arg = row->value,
			.doc = p->docs[i],
			.group = (int)i + 1,
		};
		if (!has_negation(row))
			continue;
		p->negations[i] = rg_asprintf("no-%s", row->name);
		if (!p->negations[i])
			return rg_err_set(p->err, RG_ERR_NO_MEMORY, "no memory for options");
		*o++ = (struct argp_option){
			.name = p->negations[i], .key = KEY_NO + (int)i, .flags = OPTION_ALIAS};
	}
	*o++ = (struct argp_option){
		.name = "help", .key = KEY_HELP, .doc = "print this and end", .group = -1};
	*o++ = (struct argp_option){.name = "version",
				    .key = KEY_VERSION,
				    .doc = "print the version and end",
				    .group = -1};
	p->doc = rg_asprintf("%s%s%s", c->summary, c->details ? "\v" : "",
			     c->details ? c->details : "");
	if (!p->doc)
		return rg_err_set(p->err, RG_ERR_NO_MEMORY, "no memory for options");
	return 0;
}

/* ---- what argp does not say ---- */

/* An option with this letter, or NULL. */
static const struct argp_option *find_letter(const struct parse *p, char letter)
{
	for (const struct argp_option *o = p->options; o->name; o++) {
		if (o->key == letter)
			return o;
	}
	return NULL;
}

static int unknown_long(struct parse *p, const char *word, size_t len)
{
	const char *names[2 * RG_OPT_MAX + 3];
	char name[64];
	const char *nearest;
	size_t n = 0;

	for (const struct argp_option *o = p->options; o->name; o++)
		names[n++] = o->name;
	names[n] = NULL;
	snprintf(name, sizeof(name), "%.*s", (int)(len < 63 ? len : 63), word);
	nearest = rg_opt_nearest(name, names);
	if (nearest)
		return rg_err_set(p->err, RG_ERR_INVALID,
				  "--%s: no such option; did you mean --%s?", name, nearest);
	return rg_err_set(p->err, RG_ERR_INVALID, "--%s: no such option; see %s --help", name,
			  p->command->name);
}

/* What is wrong with "--name" or "--name=value"? 0 if nothing is. */
static int diagnose_long(struct parse *p, const char *word)
{
	size_t len = strcspn(word, "=");
	const struct argp_option *found = NULL, *other = NULL;

	for (const struct argp_option *o = p->options; o->name; o++) {
		if (strncmp(o->name, word, len))
			continue;
		if (strlen(o->name) == len) {
			found = o;
			other = NULL;
			break;
		}
		if (!found)
			found = o;
		else if (!other)
			other = o;
	}
	if (!found)
		return unknown_long(p, word, len);
	if (other)
		return rg_err_set(p->err, RG_ERR_INVALID, "--%.*s: could be --%s or --%s", (int)len,
				  word, found->name, other->name);
	if (word[len] && !found->arg)
		return rg_err_set(p->err, RG_ERR_INVALID, "--%s: takes no value, \"%s\" given",
				  found->name, word + len + 1);
	if (!word[len] && found->arg)
		return rg_err_set(p->err, RG_ERR_INVALID, "--%s: needs a value (%s)", found->name,
				  found->arg);
	return 0;
}

/* The same for "-abc": letters up to the first one that takes the rest as its value. */
static int diagnose_letters(struct parse *p, const char *letters)
{
	for (; *letters; letters++) {
		const struct argp_option *o = find_letter(p, *letters);

		if (!o)
			return rg_err_set(p->err, RG_ERR_INVALID,
					  "-%c: no such option; see %s --help", *letters,
					  p->command->name);
		if (o->arg && !letters[1])
			return rg_err_set(p->err, RG_ERR_INVALID, "--%s: -%c needs a value (%s)",
					  o->name, *letters, o->arg);
		if (o->arg)
			return 0;
	}
	return 0;
}

static int diagnose(struct parse *p, const char *word)
{
	if (!word || word[0] != '-' || !word[1])
		return 0;
	return word[1] == '-' ? diagnose_long(p, word + 2) : diagnose_letters(p, word + 1);
}

/*
 * getopt has refused something and kept to itself what. It has moved past the word, except in the
 * middle of a cluster of letters, where next still stands on it.
 */
static int refused(struct parse *p, const struct argp_state *state)
{
	int rc = diagnose(p, state->argv[state->next - 1]);

	if (!rc && state->next < state->argc)
		rc = diagnose(p, state->argv[state->next]);
	return rc ? rc
		  : rg_err_set(p->err, RG_ERR_INVALID, "bad options; see %s --help",
			       p->command->name);
}

/* ---- parsing ---- */

static int set_row(struct parse *p, size_t i, const char *text)
{
	const struct rg_opt *row = p->rows.row[i];
	char what[80];
	int rc;

	snprintf(what, sizeof(what), "--%s", row->name);
	rc = rg_opt_parse_value(row, text ? text : "yes", what, &p->values[i], p->err);
	if (!rc)
		p->origins.of[i] = RG_OPT_FROM_COMMAND_LINE;
	return rc;
}

/* argp's callback. ECANCELED stops argp; p->rc says why. */
static error_t on_key(int key, char *arg, struct argp_state *state)
{
	struct parse *p = state->input;

	if (key == ARGP_KEY_ERROR && p->rc == 0)
		p->rc = refused(p, state);
	else if (key == ARGP_KEY_ARG && !p->command->args)
		p->rc = rg_err_set(p->err, RG_ERR_INVALID, "\"%s\": nothing but options expected",
				   arg);
	else if (key == KEY_HELP) {
		argp_help(&p->argp, stdout, ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC,
			  (char *)p->command->name);
		p->rc = 1;
	} else if (key == KEY_VERSION) {
		printf("railgauge %s\n", PACKAGE_VERSION);
		p->rc = 1;
	} else if (key >= KEY_NO && key < KEY_NO + RG_OPT_MAX) {
		p->rc = set_row(p, (size_t)(key - KEY_NO), "no");
	} else if (key >= KEY_ROW && key < KEY_NO) {
		p->rc = set_row(p, (size_t)(key - KEY_ROW), arg);
	} else {
		size_t i = 0;

		while (i < p->rows.count && (!key || p->rows.row[i]->letter != key))
			i++;
		if (i == p->rows.count)
			return ARGP_ERR_UNKNOWN; /* also leaves operands to the caller */
		p->rc = set_row(p, i, arg);
	}
	return p->rc ? ECANCELED : 0;
}

static void take_defaults(struct parse *p)
{
	for (size_t i = 0; i < p->rows.count; i++) {
		const struct rg_opt *row = p->rows.row[i];
		const char *text = row->env ? getenv(row->env) : NULL;
		char what[80];

		if (row->dflt) /* rg_opt_check has parsed it before */
			(void)rg_opt_parse_value(row, row->dflt, row->name, &p->values[i], NULL);
		if (!text || !text[0])
			continue;
		snprintf(what, sizeof(what), "%s in the environment", row->env);
		if (p->env_err.code)
			continue;
		if (!rg_opt_parse_value(row, text, what, &p->values[i], &p->env_err))
			p->origins.of[i] = RG_OPT_FROM_ENVIRONMENT;
	}
}

static int run(struct parse *p, int argc, char **argv, int *first_out)
{
	unsigned flags = ARGP_NO_EXIT | ARGP_NO_ERRS | ARGP_NO_HELP;
	error_t rc;

	rc = describe(p);
	if (rc)
		return rc;
	p->argp = (struct argp){.options = p->options,
				.parser = on_key,
				.args_doc = p->command->args,
				.doc = p->doc};
	if (p->command->args && !strncmp(p->command->args, "--", 2))
		flags |= ARGP_IN_ORDER;
	*first_out = argc;
	rc = argp_parse(&p->argp, argc, argv, flags, first_out, p);
	if (p->rc)
		return p->rc;
	if (rc)
		return rg_err_errno(p->err, rc, "reading the options");
	if (p->env_err.code)
		return rg_err_set(p->err, p->env_err.code, "%s", p->env_err.text);
	return 0;
}

int rg_opt_parse(const struct rg_opt_command *command, int argc, char **argv, void *const *bases,
		 struct rg_opt_origins *origins_out, int *first_out, struct rg_err *err)
{
	struct parse *p;
	int first, rc;

	rc = rg_opt_check(command, err);
	if (rc)
		return rc;
	p = rg_zalloc(1, sizeof(*p));
	if (!p)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for options");
	p->command = command;
	p->err = err;
	(void)rg_opt_flatten(command, &p->rows, NULL); /* done before, by rg_opt_check */
	take_defaults(p);
	rc = run(p, argc, argv, &first);
	if (rc)
		goto free_parse;
	for (size_t i = 0; i < p->rows.count; i++)
		memcpy((char *)bases[p->rows.table[i]] + p->rows.row[i]->offset, &p->values[i],
		       rg_opt_value_bytes(p->rows.row[i]->type));
	*origins_out = p->origins;
	*first_out = first;
free_parse:
	for (size_t i = 0; i < p->rows.count; i++) {
		rg_free(p->docs[i]);
		rg_free(p->negations[i]);
	}
	rg_free(p->doc);
	rg_free(p);
	return rc;
}
