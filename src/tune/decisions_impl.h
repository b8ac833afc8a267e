/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables and checks of the document, between the files that read, check and write it. */
#ifndef RG_TUNE_DECISIONS_IMPL_H
#define RG_TUNE_DECISIONS_IMPL_H

#include "railgauge/base/fields.h"

#include "railgauge/tune/decisions.h"

extern const struct rg_field decisions_fields[]; /* of struct rg_decisions */
extern const struct rg_field decision_fields[];	 /* of struct rg_decision */

/* What must hold between the members: RG_ERR_INVALID, "PATH: why". */
int decisions_check(const struct rg_decisions *decisions, struct rg_err *err);

#endif
