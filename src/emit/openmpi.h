/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RG_EMIT_OPENMPI_H
#define RG_EMIT_OPENMPI_H

#include "railgauge/emit/emitter.h"

extern const struct rg_emitter emitter_openmpi;

#endif
