/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/report/file.h"

#include "railgauge/base/io.h"

#include <errno.h>
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
