/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/base/io.h"
#include "railgauge/base/matrix.h"
#include "railgauge/base/mem.h"

#include <ctype.h>
#include <string.h>

#define BLANKS	    " \t\r"
#define SHOWN_BYTES 40

struct reader {
	const char *name;
	uint32_t nranks, line;
	uint32_t row; /* the next one */
	uint64_t *weights;
};

/* A comment ends a line, as its newline does and the end of the text. */
static bool ends_line(char c)
{
	return c == '\0' || c == '\n' || c == '#';
}

/* Of what stands there no more is shown than fits into a line. */
static int bad_word(const struct reader *r, const char *at, struct rg_err *err)
{
	size_t len = strcspn(at, BLANKS "\n#");

	return rg_err_set(err, RG_ERR_FORMAT,
			  "%s:%u: \"%.*s\": expected a whole number from 0 to %llu", r->name,
			  r->line, (int)(len > SHOWN_BYTES ? SHOWN_BYTES : len), at,
			  (unsigned long long)RG_MATRIX_WEIGHT_MAX);
}

/* Moves *at behind a number. */
static int read_number(const struct reader *r, const char **at, uint64_t *out, struct rg_err *err)
{
	const char *end = *at;
	uint64_t v = 0;

	for (; isdigit((unsigned char)*end) && v <= RG_MATRIX_WEIGHT_MAX; end++)
		v = 10 * v + (uint64_t)(*end - '0');
	if (end == *at || v > RG_MATRIX_WEIGHT_MAX || !(ends_line(*end) || strchr(BLANKS, *end)))
		return bad_word(r, *at, err);
	*at = end;
	*out = v;
	return 0;
}

/* The numbers of a line; one without any does not count. */
static int read_line(struct reader *r, const char *at, struct rg_err *err)
{
	uint32_t n = 0;

	for (at += strspn(at, BLANKS); !ends_line(*at); at += strspn(at, BLANKS)) {
		uint64_t weight = 0;
		int rc = read_number(r, &at, &weight, err);

		if (rc)
			return rc;
		if (r->row == r->nranks)
			return rg_err_set(err, RG_ERR_FORMAT,
					  "%s:%u: expected the end: there is a line already for "
					  "each of the %u ranks",
					  r->name, r->line, r->nranks);
		if (n < r->nranks)
			r->weights[(uint64_t)r->row * r->nranks + n] = weight;
		n++;
	}
	if (n && n != r->nranks)
		return rg_err_set(err, RG_ERR_FORMAT,
				  "%s:%u: expected %u numbers, one for each rank, not %u", r->name,
				  r->line, r->nranks, n);
	r->row += n > 0;
	return 0;
}

int rg_matrix_parse(const char *text, size_t len_bytes, const char *name, uint32_t nranks,
		    uint64_t *weights_out, struct rg_err *err)
{
	struct reader r = {.name = name, .nranks = nranks, .weights = weights_out};
	const char *end;

	if (strlen(text) != len_bytes)
		return rg_err_set(err, RG_ERR_FORMAT, "%s: expected text, but it has a zero byte",
				  name);
	for (const char *line = text; line && *line; line = end ? end + 1 : NULL) {
		int rc;

		end = strchr(line, '\n');
		r.line++;
		rc = read_line(&r, line, err);
		if (rc)
			return rc;
	}
	if (r.row < nranks)
		return rg_err_set(err, RG_ERR_FORMAT,
				  "%s:%u: expected %u lines of numbers, one for each rank, but the "
				  "file ends after %u",
				  name, r.line ? r.line : 1, nranks, r.row);
	if (!rg_matrix_busiest(weights_out, nranks))
		return rg_err_set(err, RG_ERR_FORMAT,
				  "%s: expected a number above 0 somewhere: nobody would send "
				  "anything",
				  name);
	return 0;
}

int rg_matrix_read(const char *path, uint32_t nranks, uint64_t *weights_out, struct rg_err *err)
{
	size_t len_bytes;
	char *text;
	int rc = rg_io_read_file(path, RG_MATRIX_FILE_BYTES, &text, &len_bytes, err);

	if (rc)
		return rc;
	rc = rg_matrix_parse(text, len_bytes, path, nranks, weights_out, err);
	rg_free(text);
	return rc;
}
