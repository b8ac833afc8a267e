/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whole reads and writes: the one place where short counts and EINTR are looped over, and the one
 * way to replace a file so that a reader never sees half of it.
 */
#ifndef RAILGAUGE_BASE_IO_H
#define RAILGAUGE_BASE_IO_H

#include "railgauge/base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Blocks until all len_bytes are written. 0, or the errno of the failing write. */
int rg_io_write_all(int fd, const void *data, size_t len_bytes);

/* Blocks until len_bytes are read. 0, the errno of the failing read, or -1 at an early end. */
int rg_io_read_all(int fd, void *data, size_t len_bytes);

/*
 * Reads a whole (small) file into a new zero-terminated buffer, which the caller frees with
 * rg_free. Files above max_bytes are refused. len_out may be NULL.
 * RG_ERR_NOT_FOUND, RG_ERR_SYSTEM, RG_ERR_LIMIT (too large), RG_ERR_NO_MEMORY.
 */
int rg_io_read_file(const char *path, size_t max_bytes, char **text_out, size_t *len_out,
		    struct rg_err *err);

/*
 * The first line of a file as /proc and /sys have them, without its newline, cut to room - 1 bytes
 * and zero-terminated. False, and an empty text, where the file cannot be read. Allocates nothing.
 */
bool rg_io_read_line(const char *path, char *text, size_t room);

/*
 * Writes path by way of a temporary file beside it, flushed and renamed: on failure the old file
 * stays as it was and the temporary one is gone. A symbolic link stays, the file behind it is
 * replaced. RG_ERR_SYSTEM (the disk is full, the folder is not writable, path is a device, a pipe
 * or a folder ...), RG_ERR_NO_MEMORY.
 */
int rg_io_replace_file(const char *path, const void *data, size_t len_bytes, struct rg_err *err);

/*
 * Could rg_io_replace_file put len_bytes there now? Does all of it but the renaming: path, if it is
 * there, stays as it is, and nothing is left. The same errors.
 */
int rg_io_try_file(const char *path, size_t len_bytes, struct rg_err *err);

#endif
