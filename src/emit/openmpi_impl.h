/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of the emitter for Open MPI. */
#ifndef RG_EMIT_OPENMPI_IMPL_H
#define RG_EMIT_OPENMPI_IMPL_H

#include "railgauge/emit/rules.h"
#include "railgauge/tune/decisions.h"

#include <limits.h>

/* Its files, in the order in which they are put in place: each before those that name it. */
enum openmpi_file { OPENMPI_RULES, OPENMPI_RANKFILE, OPENMPI_PARAMS, OPENMPI_ENV, OPENMPI_FILES };
extern const char *const openmpi_names[OPENMPI_FILES];

/* "FOLDER/NAME" into path, which is returned; NULL if it is too long. */
char *openmpi_path(const char *folder, enum openmpi_file file, char path[PATH_MAX]);

/* All files begin so, and only such are replaced or removed. */
#define OPENMPI_MARK "# railgauge: "

/*
 * The decisions as rules, for the version that they are of; nfunctions 0: all are the default's.
 * *out is released by the caller. RG_ERR_INVALID: a choice that this version does not have, or that
 * does not do what it says there, with its place; RG_ERR_UNSUPPORTED, RG_ERR_NO_MEMORY.
 */
int openmpi_rules_of(const struct rg_decisions *decisions, struct rg_rules *out,
		     struct rg_err *err);

/*
 * Why a decision has no rules although it is not the default's: static text; NULL: it has, or needs
 * none.
 */
const char *openmpi_left_out(const struct rg_decision *decision);

/*
 * The text of a file in that folder, to be freed with free; NULL: there is to be none. RG_ERR_*
 * as openmpi_rules_of.
 */
int openmpi_text(const struct rg_decisions *decisions, const char *folder, enum openmpi_file file,
		 char **out, struct rg_err *err);

/* A path as a word of a POSIX shell, to be freed with rg_free; NULL without memory. */
char *openmpi_shell_word(const char *path);

int openmpi_accepts(const struct rg_decisions *decisions, struct rg_err *err);
int openmpi_has_rule(const struct rg_decisions *decisions, const char *folder, uint32_t index,
		     uint32_t range, bool *has_out, struct rg_err *err);
int openmpi_poison(const struct rg_decisions *decisions, const char *folder, uint32_t index,
		   uint32_t range, const char *to, struct rg_err *err);

#endif
