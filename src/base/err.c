/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

struct code_row {
	const char *name;
	const char *text;
	int exit_code;
};

static const struct code_row code_rows[] = {{"RG_OK", "success", 0},
#define ROW(name, exit_code, text) {"RG_ERR_" #name, text, exit_code},
					    RG_CODE_LIST(ROW)
#undef ROW
};

static const struct code_row *row_of(int code)
{
	size_t i = (size_t)(code < 0 ? -(long)code : code);

	if (code > 0 || i >= sizeof(code_rows) / sizeof(code_rows[0]))
		return NULL;
	return &code_rows[i];
}

int rg_err_set(struct rg_err *err, int code, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	if (err) {
		err->code = code;
		va_start(ap, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, ap);
		va_end(ap);
	}
	errno = saved;
	return code;
}

int rg_err_prefix(struct rg_err *err, const char *fmt, ...)
{
	char old[RG_ERR_TEXT_BYTES];
	va_list ap;
	size_t n;

	memcpy(old, err->text, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	n = strlen(err->text);
	if (n + 3 < sizeof(err->text))
		snprintf(err->text + n, sizeof(err->text) - n, ": %.*s",
			 (int)(sizeof(err->text) - n - 3), old);
	return err->code;
}

/* Where a limit is behind an errno, whoever meets it needs its name, and its value if it is his. */
static void name_limit(int errnum, char *text, size_t room)
{
	int resource = errnum == EMFILE ? RLIMIT_NOFILE : RLIMIT_FSIZE;
	struct rlimit limit;
	size_t n = strlen(text);

	if (errnum == ENFILE)
		snprintf(text + n, room - n, " (the system's limit, sysctl fs.file-max)");
	if ((errnum != EMFILE && errnum != EFBIG) || getrlimit(resource, &limit) ||
	    limit.rlim_cur == RLIM_INFINITY)
		return;
	snprintf(text + n, room - n, " (the limit, %s, is %llu%s)",
		 errnum == EMFILE ? "ulimit -n" : "ulimit -f", (unsigned long long)limit.rlim_cur,
		 errnum == EMFILE ? "" : " bytes");
}

int rg_err_errno(struct rg_err *err, int errnum, const char *fmt, ...)
{
	int code = errnum == ENOMEM ? RG_ERR_NO_MEMORY : RG_ERR_SYSTEM;
	va_list ap;
	size_t n;

	if (err) {
		err->code = code;
		va_start(ap, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, ap);
		va_end(ap);
		n = strlen(err->text);
		snprintf(err->text + n, sizeof(err->text) - n, ": %s", strerror(errnum));
		name_limit(errnum, err->text, sizeof(err->text));
	}
	errno = errnum;
	return code;
}

const char *rg_err_name(int code)
{
	const struct code_row *row = row_of(code);

	return row ? row->name : "unknown";
}

const char *rg_err_text(int code)
{
	const struct code_row *row = row_of(code);

	return row ? row->text : "unknown";
}

int rg_err_exit(int code)
{
	const struct code_row *row = row_of(code);

	return row ? row->exit_code : 7;
}
