/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz target of the reader of traffic matrices. An input is a file, read for 1 to 4 ranks.
 * Whatever is in it: it is a matrix of weights in their range, some above 0, which comes out the
 * same when it is written and read again; or it is refused in one line that begins with its name.
 */
#include "config.h"

#include "railgauge/base/matrix.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANKS 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_matrix: %s\n", what);
	abort();
}

static void check_weights(const uint64_t *weights, uint32_t n)
{
	uint64_t again[RANKS * RANKS];
	char text[RANKS * RANKS * 24];
	size_t len = 0;

	must(rg_matrix_longest(weights, n) <= RG_MATRIX_WEIGHT_MAX, "a weight out of range");
	must(rg_matrix_busiest(weights, n) > 0, "nobody sends anything");
	for (uint32_t i = 0; i < n * n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%" PRIu64 "%c", weights[i],
					i % n == n - 1 ? '\n' : ' ');
	must(!rg_matrix_parse(text, len, "again", n, again, NULL), "its own writing is refused");
	must(!memcmp(weights, again, n * n * sizeof(*weights)), "another matrix the second time");
}

static void check_error(int rc, const struct rg_err *err)
{
	must(rc == RG_ERR_FORMAT && err->code == rc, "an unexpected code");
	must(!strncmp(err->text, "input:", 6), "an error without the name");
	must(!strchr(err->text, '\n'), "an error of several lines");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	char *text = malloc(len_bytes + 1);

	must(text, "no memory");
	if (len_bytes)
		memcpy(text, data, len_bytes);
	text[len_bytes] = '\0';
	for (uint32_t n = 1; n <= RANKS; n++) {
		/* As long as it must be, so that a write behind its end is found. */
		uint64_t *weights = malloc(n * n * sizeof(*weights));
		struct rg_err err = {0};
		int rc;

		must(weights, "no memory");
		rc = rg_matrix_parse(text, len_bytes, "input", n, weights, &err);
		if (rc)
			check_error(rc, &err);
		else
			check_weights(weights, n);
		free(weights);
	}
	free(text);
	return 0;
}
