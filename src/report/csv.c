/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/report/csv.h"
#include "format.h"

#include "railgauge/base/io.h"
#include "railgauge/base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool is_samples(const char *key)
{
	return !strcmp(key, "samples") || !strcmp(key, "rank_samples");
}

/* Quoted where it must be. */
static void print_text(FILE *out, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void print_value(FILE *out, const json_t *v)
{
	if (json_is_string(v))
		print_text(out, json_string_value(v));
	else if (json_is_boolean(v))
		fputs(json_is_true(v) ? "true" : "false", out);
	else if (json_is_integer(v))
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else if (json_is_real(v))
		fprintf(out, "%.12g", json_real_value(v));
}

int rg_csv_print(const struct rg_result *result, FILE *out, struct rg_err *err)
{
	json_t *root = rg_result_to_json(result), *point, *v;
	bool titled = false;
	const char *key;
	size_t i;

	if (!root)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the table");
	json_array_foreach(json_object_get(root, "points"), i, point)
	{
		const char *comma = "";

		/* Members come in the order of the document. */
		if (!titled) {
			json_object_foreach(point, key, v)
			{
				if (is_samples(key))
					continue;
				fprintf(out, "%s%s", comma, key);
				comma = ",";
			}
			fputs("\r\n", out);
			comma = "";
			titled = true;
		}
		json_object_foreach(point, key, v)
		{
			if (is_samples(key))
				continue;
			fputs(comma, out);
			print_value(out, v);
			comma = ",";
		}
		fputs("\r\n", out);
	}
	json_decref(root);
	return rg_stream_check(out, err);
}

int rg_csv_write(const struct rg_result *result, const char *path, struct rg_err *err)
{
	char *text = NULL;
	size_t len = 0;
	FILE *memory = open_memstream(&text, &len);
	int rc;

	if (!memory)
		return rg_err_errno(err, errno, "%s", path);
	rc = rg_csv_print(result, memory, err);
	if (fclose(memory) && !rc)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "%s: no memory", path);
	if (!rc)
		rc = rg_io_replace_file(path, text, len, err);
	free(text);
	return rc;
}
