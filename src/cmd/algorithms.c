/* SPDX-License-Identifier: BSD-3-Clause */
/* railgauge algorithms: the table of algorithms, as a person or a program reads it. */
#include "config.h"

#include "cmd.h"

#include "railgauge/base/json.h"
#include "railgauge/base/opt.h"
#include "railgauge/coll/schedule.h"

#include <stdio.h>
#include <string.h>

#define NAME "railgauge algorithms"

enum format {
	FORMAT_TABLE,
	FORMAT_JSON,
};

struct algorithms_options {
	int format; /* enum format */
};

static const char *const format_choices[] = {"table", "json", NULL};

static const struct rg_opt algorithms_table[] = {
	{.name = "format",
	 RG_OPT_FIELD(CHOICE, struct algorithms_options, format),
	 .value = "FORMAT",
	 .dflt = "table",
	 .choices = format_choices,
	 .help = "how to print it"},
	{NULL},
};

static const struct rg_opt *const algorithms_tables[] = {algorithms_table, NULL};

static const struct rg_opt_command algorithms_command = {
	.name = NAME,
	.args = "[COLLECTIVE]",
	.summary = "List the algorithms with their steps, bytes, ranks and sources.",
	.details =
		"n is the size as bench shows it, in bytes, p the number of ranks, s the number of "
		"slices that a long message is cut into; N nodes have L ranks each. k is the radix "
		"(--radix of railgauge bench), w the window (--send-window), where there is one; "
		"the default stands in parentheses. Bytes are those that one rank writes into the "
		"memory of others, at most. Order is the one in which contributions are combined: "
		"in \"rank order\" results do not depend on the algorithm's other parameters. "
		"Protocols: slot (messages through slots), word (short messages of words that "
		"announce themselves), window (straight between the users' buffers), read (out of "
		"a peer's private buffer by the kernel). "
		"Names of algorithms are what --algorithm of railgauge bench takes. Tags such as "
		"[Thakur05] are explained in docs/REFERENCES.md.",
	.tables = algorithms_tables,
};

/* Widths of the columns. */
struct widths {
	int name, protocols, steps, ranks, order;
};

#define PROTOCOLS_BYTES 32

/* "slot,word" */
static void protocols_of(const struct rg_algorithm *a, char text[PROTOCOLS_BYTES])
{
	size_t n = 0;

	text[0] = '\0';
	for (int p = 0; rg_protocol_words[p]; p++) {
		if (a->protocols & 1u << p)
			n += (size_t)snprintf(text + n, PROTOCOLS_BYTES - n, "%s%s", n ? "," : "",
					      rg_protocol_words[p]);
	}
}

static void widen(int *width, const char *text)
{
	int n = (int)strlen(text);

	*width = n > *width ? n : *width;
}

static bool is_wanted(const struct rg_algorithm *a, int coll)
{
	return coll < 0 || a->coll == (enum rg_coll)coll;
}

static void print_row(const struct widths *w, const char *name, const char *protocols,
		      const char *steps, const char *ranks, const char *order, const char *bytes)
{
	printf("  %-*s  %-*s  %-*s  %-*s  %-*s  %s\n", w->name, name, w->protocols, protocols,
	       w->steps, steps, w->ranks, ranks, w->order, order, bytes);
}

/* coll < 0: all. */
static void print_table(int coll)
{
	struct widths w = {4, 9, 5, 5, 5}; /* of the headings */
	char protocols[PROTOCOLS_BYTES];
	int last = -1;

	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		if (!is_wanted(*a, coll))
			continue;
		protocols_of(*a, protocols);
		widen(&w.name, (*a)->name);
		widen(&w.protocols, protocols);
		widen(&w.steps, (*a)->steps);
		widen(&w.ranks, (*a)->ranks);
		widen(&w.order, (*a)->order);
	}
	print_row(&w, "name", "protocols", "steps", "ranks", "order", "bytes sent per rank");
	for (const struct rg_algorithm *const *a = rg_algorithms; *a; a++) {
		if (!is_wanted(*a, coll))
			continue;
		if ((int)(*a)->coll != last)
			printf("\n%s\n", rg_coll_name((*a)->coll));
		last = (int)(*a)->coll;
		protocols_of(*a, protocols);
		print_row(&w, (*a)->name, protocols, (*a)->steps, (*a)->ranks, (*a)->order,
			  (*a)->bytes);
		printf("  %-*s  %s. %s\n", w.name, "", (*a)->summary, (*a)->source);
	}
}

static json_t *to_json(const struct rg_algorithm *a)
{
	json_t *protocols = json_array();

	for (int p = 0; rg_protocol_words[p] && protocols; p++) {
		if (a->protocols & 1u << p &&
		    json_array_append_new(protocols, json_string(rg_protocol_words[p]))) {
			json_decref(protocols);
			return NULL;
		}
	}
	return json_pack("{sssssssossssssssss}", "collective", rg_coll_name(a->coll), "name",
			 a->name, "summary", a->summary, "protocols", protocols, "steps", a->steps,
			 "bytes_sent_per_rank", a->bytes, "ranks", a->ranks, "order", a->order,
			 "source", a->source);
}

static int print_json(int coll, struct rg_err *err)
{
	json_t *rows = json_array();
	int rc = 0;

	for (const struct rg_algorithm *const *a = rg_algorithms; *a && !rc; a++) {
		if (is_wanted(*a, coll))
			rc = rg_json_append(rows, to_json(*a), err);
	}
	if (!rc && (json_dumpf(rows, stdout, JSON_INDENT(1)) || putchar('\n') == EOF))
		rc = rg_err_set(err, RG_ERR_SYSTEM, "standard output cannot be written");
	json_decref(rows);
	return rc;
}

/* *coll_out: -1 without an operand. */
static int parse_collective(int argc, char **argv, int first, int *coll_out, struct rg_err *err)
{
	enum rg_coll coll;
	int rc;

	*coll_out = -1;
	if (first == argc)
		return 0;
	if (first + 1 < argc)
		return rg_err_set(err, RG_ERR_INVALID, "%s: one collective at a time",
				  argv[first + 1]);
	rc = rg_cmd_collective(argv[first], &coll, err);
	if (!rc)
		*coll_out = (int)coll;
	return rc;
}

int cmd_algorithms(int argc, char **argv)
{
	struct algorithms_options options = {0};
	void *const bases[] = {&options};
	struct rg_opt_origins origins;
	struct rg_err err = {0};
	int first, coll, rc;

	rc = rg_opt_parse(&algorithms_command, argc, argv, bases, &origins, &first, &err);
	if (!rc)
		rc = parse_collective(argc, argv, first, &coll, &err);
	if (!rc && options.format == FORMAT_JSON)
		rc = print_json(coll, &err);
	else if (!rc)
		print_table(coll);
	if (!rc)
		rc = rg_cmd_output_check(&err);
	return rg_cmd_status(NAME, rc, &err);
}
