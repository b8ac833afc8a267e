/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "rules_scan.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

static const char header[] = "rule-file-version-";

static int peek(const struct rules_scan *s)
{
	return s->at < s->len ? (unsigned char)s->text[s->at] : -1;
}

static void step(struct rules_scan *s)
{
	s->line += s->text[s->at] == '\n';
	s->at++;
}

/* Of the C locale, whatever ours is. */
static bool is_space(int c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static int digit_of(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : INT_MAX;
}

/* Digits at s, saturating; *overflow_out true: it did. The number of digits. */
static size_t read_digits(struct rules_scan *s, int base, bool negative, int64_t *out,
			  bool *overflow_out)
{
	uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX, value = 0;
	size_t n = 0;

	for (int d; (d = digit_of(peek(s))) < base; n++) {
		if (value > (limit - (uint64_t)d) / (uint64_t)base) {
			*overflow_out = true;
			value = limit;
		} else if (!*overflow_out) {
			value = value * (uint64_t)base + (uint64_t)d;
		}
		step(s);
	}
	*out = negative ? (int64_t)(0 - value) : (int64_t)value;
	return n;
}

/* The text of the last number, cut. */
#define NUMBER(s)                                                                             \
	(int)((s)->number_end - (s)->number_at > 40 ? 40 : (s)->number_end - (s)->number_at), \
		(s)->text + (s)->number_at

static void judge(struct rules_scan *s, int base, int64_t value, bool overflow)
{
	if (!s->findings)
		return;
	if (overflow)
		rg_file_findings_add(s->findings, RG_FINDING_WARNING, s->number_line,
				     "%.*s is too large: %" PRId64 " is read", NUMBER(s), value);
	else if (base == 8 && digit_of(peek(s)) < 10)
		rg_file_findings_add(
			s->findings, RG_FINDING_ERROR, s->number_line,
			"%.*s begins with 0, which makes it octal, and ends before the "
			"digit %c, which begins another number",
			NUMBER(s), peek(s));
	else if (base == 8 && value)
		rg_file_findings_add(s->findings, RG_FINDING_WARNING, s->number_line,
				     "%.*s begins with 0, which makes it octal: %" PRId64
				     " is read",
				     NUMBER(s), value);
	else if (base == 16)
		rg_file_findings_add(s->findings, RG_FINDING_WARNING, s->number_line,
				     "%.*s is hexadecimal: %" PRId64 " is read", NUMBER(s), value);
}

/* As scanf's %li behind white space. False: no number; a sign is dropped then. */
static bool read_number(struct rules_scan *s, int64_t *out)
{
	bool negative = peek(s) == '-', overflow = false;
	int base = 10;
	size_t n = 0;

	s->number_line = s->line;
	s->number_at = s->at;
	if (peek(s) == '-' || peek(s) == '+')
		step(s);
	if (peek(s) == '0') {
		step(s);
		n = 1;
		base = 8;
		if (peek(s) == 'x' || peek(s) == 'X') {
			step(s);
			base = 16;
		}
	}
	n += read_digits(s, base, negative, out, &overflow);
	s->number_end = s->at;
	if (!n)
		return false;
	judge(s, base, *out, overflow);
	return true;
}

static void skip_line(struct rules_scan *s)
{
	while (s->at < s->len && s->text[s->at] != '\n')
		s->at++;
	if (s->at < s->len)
		step(s);
}

/* What was dropped since from, as one finding; comments and white space are none. */
static void report(struct rules_scan *s, size_t from, size_t to, uint32_t line)
{
	if (s->findings && to > from)
		rg_file_findings_add(s->findings, RG_FINDING_WARNING, line,
				     "\"%.*s\" is no number: it is skipped",
				     (int)(to - from > 40 ? 40 : to - from), s->text + from);
}

bool rules_scan_next(struct rules_scan *s, int64_t *out)
{
	size_t junk = s->at, end = s->at; /* dropped characters that belong together */
	uint32_t line = s->line;
	bool found = false;

	while (s->at < s->len && !found) {
		if (is_space(peek(s)) || peek(s) == '#') {
			report(s, junk, end, line);
			if (peek(s) == '#')
				skip_line(s);
			else
				step(s);
			junk = end = s->at;
			line = s->line;
			continue;
		}
		found = read_number(s, out);
		if (found)
			break;
		/* A sign alone was dropped; so is what comes next, but that it may be a comment. */
		if (s->at < s->len && peek(s) != '#')
			step(s);
		end = s->at;
	}
	report(s, junk, end, line);
	return found;
}

bool rules_scan_header(struct rules_scan *s, uint32_t *version_out)
{
	struct rules_scan number;
	int64_t value;
	bool negative, overflow = false;

	for (size_t i = 0; header[i]; i++) {
		if (peek(s) != header[i])
			return false;
		step(s);
	}
	number = *s;
	while (is_space(peek(&number)))
		step(&number);
	negative = peek(&number) == '-';
	if (negative || peek(&number) == '+')
		step(&number);
	if (!read_digits(&number, 10, negative, &value, &overflow)) {
		*s = number;
		return false;
	}
	*s = number;
	*version_out = overflow ? UINT32_MAX : (uint32_t)value;
	return true;
}

bool rules_scan_digit_follows(struct rules_scan *s)
{
	while (peek(s) == ' ' || peek(s) == '\t')
		step(s);
	return peek(s) >= '0' && peek(s) <= '9';
}

size_t rules_scan_find_header(const char *text, size_t len)
{
	size_t n = sizeof(header) - 1;

	for (size_t i = 0; i + n <= len; i++) {
		if (!memcmp(text + i, header, n))
			return i;
	}
	return len;
}
