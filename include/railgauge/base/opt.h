/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options: one const table per command and per implementation (a transport, say). From it come the
 * parser (glibc's argp), --help, the man page (help2man) and the recorded configuration.
 *
 * Flow: defaults -> environment (if the row names a variable) -> command line -> checks -> frozen.
 * A row's value is stored at its offset in the caller's struct; after rg_opt_parse the struct is
 * const for the rest of the run, and rg_opt_record writes all of it, with the origin of each value,
 * into the result. Unknown names get a suggestion; contradictions are errors, never corrections.
 */
#ifndef RAILGAUGE_BASE_OPT_H
#define RAILGAUGE_BASE_OPT_H

#include "railgauge/base/err.h"
#include "railgauge/base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rg_opt_type {
	RG_OPT_FLAG,   /* bool; --name, no value */
	RG_OPT_INT,    /* int64_t in [min, max] */
	RG_OPT_NUMBER, /* double in [min, max] */
	RG_OPT_SIZE,   /* uint64_t bytes: 8, 64K, 1.5M (rg_parse_size) */
	RG_OPT_TIME,   /* uint64_t ns: 5, 250ms, 2m (rg_parse_time) */
	RG_OPT_CHOICE, /* int: the index in choices */
	RG_OPT_STRING, /* const char *, borrowed from argv, environ or the table */
};

enum rg_opt_origin {
	RG_OPT_FROM_DEFAULT,
	RG_OPT_FROM_ENVIRONMENT,
	RG_OPT_FROM_COMMAND_LINE,
};

/* One row. Static, borrowed by everything that takes a table. Ends with a row whose name is NULL.
 */
struct rg_opt {
	const char
		*name; /* long name without dashes; namespaced for an implementation: "shm.spin" */
	char letter;   /* 0 for none */
	enum rg_opt_type type;
	size_t offset;	   /* offsetof in the configuration struct */
	const char *value; /* what --help shows as the value: "SIZE", "N"; NULL for flags */
	const char *dflt;  /* the default as it would be typed; NULL: zero, false or NULL */
	double min, max;   /* for INT, NUMBER, SIZE (bytes), TIME (ns); equal: not checked */
	const char *const *choices; /* for CHOICE, NULL-terminated */
	const char *env;	    /* environment variable that sets it, or NULL */
	const char *help;	    /* one sentence, lower case, no full stop */
};

/* A command line: its options and what may follow them. */
struct rg_opt_command {
	const char *name;		    /* "railgauge bench", for usage lines */
	const char *args;		    /* "COLLECTIVE", "-- COMMAND...", or NULL for none */
	const char *summary;		    /* first line of --help */
	const char *details;		    /* text after the options, or NULL */
	const struct rg_opt *const *tables; /* NULL-terminated list; offsets are in bases[i] */
};

#define RG_OPT_MAX 128 /* options of one command, all its tables together */

/* Where each value came from, in the order of the tables. Filled by rg_opt_parse. */
struct rg_opt_origins {
	enum rg_opt_origin of[RG_OPT_MAX];
};

/*
 * Fills bases[i] (the struct of tables[i]) from defaults, environment and argv[1..argc-1].
 * Operands are left in argv order: *first_out is the index of the first one (after "--" or the
 * first word that is no option; options must come first when args contains "--").
 * Returns 0; 1 when --help or --version was printed and the program should end with success;
 * RG_ERR_INVALID or RG_ERR_RANGE with one line that names the option, the value and what was
 * expected (for an unknown option: the nearest known one).
 */
int rg_opt_parse(const struct rg_opt_command *command, int argc, char **argv, void *const *bases,
		 struct rg_opt_origins *origins_out, int *first_out, struct rg_err *err);

/*
 * The configuration as it is recorded: an array of {"name", "value", "origin"} objects, values in
 * their natural JSON type (sizes in bytes, times in ns). New reference, or NULL without memory.
 */
json_t *rg_opt_record(const struct rg_opt_command *command, const void *const *bases,
		      const struct rg_opt_origins *origins);

/*
 * The candidate nearest to word by edit distance (Damerau-Levenshtein), or NULL if none is near
 * enough to be meant. candidates is NULL-terminated. For suggestions in messages.
 */
const char *rg_opt_nearest(const char *word, const char *const *candidates);

#endif
