/* SPDX-License-Identifier: BSD-3-Clause */
/* Does a document fit a JSON Schema? As much of it as ours uses; an unknown keyword fails the test.
 */
#ifndef TESTS_SCHEMA_H
#define TESTS_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

bool schema_fits(const json_t *schema, const json_t *v);

#endif
