/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz target of the result document's reader. An input is a file. Whatever is in it: it is refused
 * with a code and words, or it is a result that, written and read again, stays the same.
 */
#include "config.h"

#include "railgauge/measure/result.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_result: %s\n", what);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	struct rg_result *result = NULL, *again = NULL;
	json_t *root, *written, *rewritten;
	struct rg_err err = {0};
	int rc = rg_json_parse((const char *)data, len_bytes, "input", &root, &err);

	if (rc)
		return 0;
	rc = rg_result_from_json(root, "input", &result, &err);
	json_decref(root);
	if (rc) {
		must(rc == RG_ERR_FORMAT || rc == RG_ERR_UNSUPPORTED, "an unexpected code");
		must(err.code == rc && err.text[0], "an error without words");
		must(!result, "a result beside an error");
		return 0;
	}
	written = rg_result_to_json(result);
	must(written, "a result that cannot be written");
	rc = rg_result_from_json(written, "again", &again, &err);
	must(!rc, err.text);
	rewritten = rg_result_to_json(again);
	must(json_equal(written, rewritten), "another document the second time");
	json_decref(written);
	json_decref(rewritten);
	rg_result_close(result);
	rg_result_close(again);
	return 0;
}
