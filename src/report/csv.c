/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/report/csv.h"
#include "format.h"

#include "railgauge/base/json.h"
#include "railgauge/report/file.h"

#include <string.h>

static bool is_samples(const char *key)
{
	return !strcmp(key, "samples") || !strcmp(key, "rank_samples");
}

void rg_csv_text(const char *text, FILE *out)
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
		rg_csv_text(json_string_value(v), out);
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
	json_array_foreach(json_object_get(root, result->npairs ? "pairs" : "points"), i, point)
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
	struct rg_text_file file;
	int rc = rg_text_file_open(&file, path, err);

	return rc ? rc : rg_text_file_close(&file, rg_csv_print(result, file.out, err), err);
}
