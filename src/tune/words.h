/* SPDX-License-Identifier: BSD-3-Clause */
/* What a launch said, found in what it wrote. Private to src/tune. Pure. */
#ifndef RG_TUNE_WORDS_H
#define RG_TUNE_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* The first line of text[len_bytes] that is bench's own, from "railgauge bench: " on, without that.
 */
bool words_of_bench(const char *text, size_t len_bytes, char *out, size_t room);

/*
 * A launcher's last words: the first paragraph of the last message that is framed by lines of
 * dashes, as Open MPI has them, else the last line that is not empty. False: there are none.
 */
bool words_of_launcher(const char *text, size_t len_bytes, char *out, size_t room);

/* Appends text[len_bytes] to out, cut to room, all that is not printable ASCII as '?'. */
void words_append(char *out, size_t room, const char *text, size_t len_bytes);

#endif
