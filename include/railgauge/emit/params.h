/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Open MPI's MCA parameter files: read as its keyval_lex.l of 4.1.4 does (a name, "=", and all the
 * rest of the line, quotes and what looks like a comment included), and judged by what they set of
 * coll/tuned. The rules file that one names is judged with it.
 */
#ifndef RAILGAUGE_EMIT_PARAMS_H
#define RAILGAUGE_EMIT_PARAMS_H

#include "railgauge/base/err.h"
#include "railgauge/emit/finding.h"
#include "railgauge/mpi/openmpi_tuned.h"

#include <stddef.h>

/* text is terminated. RG_ERR_NO_MEMORY. */
int rg_params_judge(const char *text, const struct rg_ompi_version *version,
		    struct rg_file_findings *findings, struct rg_err *err);

#endif
