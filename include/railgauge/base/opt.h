/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options: one const table per command and per implementation (a transport, say). From it come the
 * parser (glibc's argp), --help, the man page (help2man) and the recorded configuration.
 *
 * Flow: defaults -> environment (if the row names a variable) -> command line -> checks -> frozen.
 * A row's value is stored at its offset in the caller's struct; after rg_opt_parse the struct is
 * const for the rest of the run, and rg_opt_record writes all of it, with the origin of each value,
 * into the result. Unknown names get a suggestion; contradictions are errors, never corrections.
 *
 * Conventions of the command line: GNU's. "--name value", "--name=value", "-b value", "-bvalue"; a
 * unique abbreviation of a long name is taken; of a repeated option the last one counts. --help
 * (-h) and --version (-V) belong to every command. A flag that is on by default, or that the
 * environment can switch on, also has --no-NAME.
 *
 * Nothing here prints but --help and --version, nothing ends the process. Parsing permutes argv and
 * reads the environment: call it from the main thread, before others start.
 */
#ifndef RAILGAUGE_BASE_OPT_H
#define RAILGAUGE_BASE_OPT_H

#include "railgauge/base/err.h"
#include "railgauge/base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rg_opt_type {
	RG_OPT_FLAG,   /* bool; --name, no value; in the environment yes, no, 1, 0, on, off */
	RG_OPT_INT,    /* int64_t in [min, max] */
	RG_OPT_NUMBER, /* double in [min, max], finite */
	RG_OPT_SIZE,   /* uint64_t bytes: 8, 64K, 1.5M (rg_parse_size) */
	RG_OPT_TIME,   /* uint64_t ns: 5, 250ms, 2m (rg_parse_time) */
	RG_OPT_CHOICE, /* int or an enum: the index in choices */
	RG_OPT_STRING, /* const char *, borrowed from argv, environ or the table */
};

/*
 * The type and offset of a row in one word, and an error from the compiler if the member's C type
 * does not fit the option's: {.name = "minbytes", RG_OPT_FIELD(SIZE, struct config, min_bytes)}.
 */
#define RG_OPT_FIELD(kind, config, member)   \
	.type = RG_OPT_##kind,               \
	.offset = offsetof(config, member) + \
		  0 * sizeof(char[RG_OPT_FITS_##kind(((config *)0)->member) ? 1 : -1])
#define RG_OPT_IS(value, type)	  __builtin_types_compatible_p(__typeof__(value), type)
#define RG_OPT_FITS_FLAG(value)	  RG_OPT_IS(value, bool)
#define RG_OPT_FITS_INT(value)	  RG_OPT_IS(value, int64_t)
#define RG_OPT_FITS_NUMBER(value) RG_OPT_IS(value, double)
#define RG_OPT_FITS_SIZE(value)	  RG_OPT_IS(value, uint64_t)
#define RG_OPT_FITS_TIME(value)	  RG_OPT_IS(value, uint64_t)
#define RG_OPT_FITS_CHOICE(value) (sizeof(value) == sizeof(int))
#define RG_OPT_FITS_STRING(value) RG_OPT_IS(value, const char *)

enum rg_opt_origin {
	RG_OPT_FROM_DEFAULT,
	RG_OPT_FROM_ENVIRONMENT,
	RG_OPT_FROM_COMMAND_LINE,
};

/* One row. Static, borrowed by everything that takes a table. A row without a name ends a table. */
struct rg_opt {
	const char *name; /* without dashes; namespaced for an implementation: "shm.spin" */
	char letter;	  /* 0 for none; h and V are taken */
	enum rg_opt_type type;
	size_t offset;	   /* offsetof in the configuration struct */
	const char *value; /* what --help shows: "SIZE", "N"; NULL for flags */
	const char *dflt;  /* as it would be typed; NULL: zero, off, first choice or NULL */
	double min, max;   /* INT, NUMBER, SIZE (bytes), TIME (ns); equal: unchecked */
	const char *const *choices; /* for CHOICE, NULL-terminated */
	const char *env;	    /* environment variable that sets it, or NULL; empty is unset */
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
 * Is the table itself sound: at most RG_OPT_MAX rows, names and letters unique and not taken, help
 * present, choices and value present where the type needs them, defaults that parse and lie inside
 * their range? RG_ERR_INTERNAL with one line if not. rg_opt_parse asks this first, so that a
 * command's --help in `make check` is enough to test its tables.
 */
int rg_opt_check(const struct rg_opt_command *command, struct rg_err *err);

/*
 * Fills bases[i] (the struct of tables[i]) from defaults, environment and argv[1..argc-1]. Members
 * without a row are left alone; on failure and on 1 everything is.
 *
 * Operands keep their order: *first_out is the index of the first, argc if there is none. They may
 * stand between options (argv is permuted) except where args begins with "--": there, parsing stops
 * at the first word that is no option or after "--", so that the rest may have options of its own.
 *
 * Returns 0; 1 when --help or --version was printed and the program should end with success;
 * RG_ERR_INVALID or RG_ERR_RANGE with one line "--name: ..." that shows the value and what was
 * expected (for an unknown option: the nearest known one), RG_ERR_NO_MEMORY, RG_ERR_INTERNAL.
 */
int rg_opt_parse(const struct rg_opt_command *command, int argc, char **argv, void *const *bases,
		 struct rg_opt_origins *origins_out, int *first_out, struct rg_err *err);

/*
 * The configuration as it is recorded: an array of {"name", "value", "origin"} objects in table
 * order, values in their natural JSON type (sizes in bytes, times in ns, choices as their word, a
 * missing string as null), origin "default", "environment" or "command line". New reference, or
 * NULL without memory.
 */
json_t *rg_opt_record(const struct rg_opt_command *command, const void *const *bases,
		      const struct rg_opt_origins *origins);

/* The row of that name in a NULL-terminated list of tables; NULL if there is none. */
const struct rg_opt *rg_opt_find(const struct rg_opt *const *tables, const char *name);

/*
 * A recorded value in words, exact and with its unit: "64KiB" of a size, "300ms" of a time, "2 %"
 * of a number in PERCENT, "yes" or "no" of a flag, "not set" of null. What does not fit the row's
 * type, and everything if row is NULL (an option of another version), is as JSON has it. A new
 * text, freed with rg_free; NULL without memory. Pure.
 */
char *rg_opt_value_text(const struct rg_opt *row, const json_t *value);

/*
 * The candidate nearest to word by edit distance (insert, delete, replace, swap neighbours; case
 * does not count), or NULL if none is near enough to be meant: more than a third of its letters
 * differ, and word does not begin it either. candidates is NULL-terminated. For suggestions in
 * messages.
 */
const char *rg_opt_nearest(const char *word, const char *const *candidates);

#endif
