/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/report/file.h"

#include "railgauge/base/io.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

int rg_text_file_open(struct rg_text_file *file, const char *path, struct rg_err *err)
{
	*file = (struct rg_text_file){.path = path};
	file->out = open_memstream(&file->text, &file->len);
	return file->out ? 0 : rg_err_errno(err, errno, "%s", path);
}

int rg_text_file_close(struct rg_text_file *file, int rc, struct rg_err *err)
{
	int failed = ferror(file->out);

	if ((fclose(file->out) || failed) && !rc)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "%s: no memory", file->path);
	if (!rc)
		rc = rg_io_replace_file(file->path, file->text, file->len, err);
	free(file->text);
	return rc;
}

int rg_text_print(const char *text, size_t len_bytes, FILE *out, struct rg_err *err)
{
	bool failed = false;

	for (size_t i = 0; i < len_bytes && !failed; i++) {
		uint8_t c = (uint8_t)text[i], next = i + 1 < len_bytes ? (uint8_t)text[i + 1] : 0;
		/* U+0080 to U+009F have two bytes. */
		bool high = c == 0xc2 && next >= 0x80 && next < 0xa0;
		bool control = (c < ' ' && c != '\n') || c == 0x7f || high;

		failed = putc(control ? '?' : c, out) == EOF;
		i += high;
	}
	if (failed || fflush(out))
		return rg_err_errno(err, errno ? errno : EIO, "writing the table");
	return 0;
}
