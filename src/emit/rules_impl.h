/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RG_EMIT_RULES_IMPL_H
#define RG_EMIT_RULES_IMPL_H

#include "railgauge/emit/rules.h"

/* Findings about rules that the consumer takes. */
void rules_judge(const struct rg_rules *rules, const struct rg_ompi_version *version,
		 struct rg_file_findings *findings);

#endif
