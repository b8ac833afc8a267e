/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "words.h"

#include <string.h>

#define BENCH "railgauge bench: "

struct line {
	const char *at;
	size_t len;
};

/* The line at text, which it advances to the next; without blanks around it. */
static struct line take_line(const char **text, const char *end)
{
	const char *newline = memchr(*text, '\n', (size_t)(end - *text));
	const char *stop = newline ? newline : end;
	struct line line = {*text, (size_t)(stop - *text)};

	*text = newline ? newline + 1 : end;
	while (line.len && (line.at[0] == ' ' || line.at[0] == '\t' || line.at[0] == '\r')) {
		line.at++;
		line.len--;
	}
	while (line.len && strchr(" \t\r", line.at[line.len - 1]))
		line.len--;
	return line;
}

void words_append(char *out, size_t room, const char *text, size_t len_bytes)
{
	size_t used = strlen(out);

	for (size_t i = 0; i < len_bytes && used + 1 < room; i++) {
		unsigned char c = (unsigned char)text[i];

		out[used++] = c >= ' ' && c < 0x7f ? (char)c : '?';
	}
	out[used] = '\0';
}

bool words_of_bench(const char *text, size_t len_bytes, char *out, size_t room)
{
	const char *found = memmem(text, len_bytes, BENCH, strlen(BENCH));
	struct line line;

	if (!found)
		return false;
	found += strlen(BENCH);
	line = take_line(&found, text + len_bytes);
	out[0] = '\0';
	words_append(out, room, line.at, line.len);
	return true;
}

static bool is_frame(const struct line *line)
{
	for (size_t i = 0; i < line->len; i++) {
		if (line->at[i] != '-')
			return false;
	}
	return line->len >= 20;
}

/* Where the last framed message begins; NULL: there is none. */
static const char *last_message(const char *text, const char *end)
{
	const char *before = NULL, *last = NULL;

	while (text < end) {
		struct line line = take_line(&text, end);

		if (!is_frame(&line))
			continue;
		/* Frames come in pairs; of one that was cut off in front the second half is left.
		 */
		last = before ? before : last;
		before = before ? NULL : text;
	}
	return last;
}

static bool paragraph(const char *text, const char *end, char *out, size_t room)
{
	out[0] = '\0';
	while (text < end) {
		struct line line = take_line(&text, end);

		if (is_frame(&line) || (!line.len && out[0]))
			break;
		if (line.len && out[0])
			words_append(out, room, " ", 1);
		words_append(out, room, line.at, line.len);
	}
	return out[0];
}

bool words_of_launcher(const char *text, size_t len_bytes, char *out, size_t room)
{
	const char *end = text + len_bytes, *message = last_message(text, end);
	struct line last = {0};

	if (message && paragraph(message, end, out, room))
		return true;
	while (text < end) {
		struct line line = take_line(&text, end);

		if (line.len && !is_frame(&line))
			last = line;
	}
	if (!last.len)
		return false;
	out[0] = '\0';
	words_append(out, room, last.at, last.len);
	return true;
}
