/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "html_impl.h"

#include <stdarg.h>
#include <string.h>

#define PRINTF_BYTES 501

/* What a byte of text becomes; NULL: itself. Control characters are not allowed in a page. */
static const char *entity(unsigned char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case '\n':
	case '\t':
		return NULL;
	default:
		return c < ' ' || c == 0x7f ? "\xef\xbf\xbd" : NULL; /* U+FFFD */
	}
}

void rg_html_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		const char *word = entity((unsigned char)*text);

		if (word)
			fputs(word, out);
		else
			fputc(*text, out);
	}
}

void rg_html_printf(FILE *out, const char *fmt, ...)
{
	char text[PRINTF_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	rg_html_text(out, text);
}

void rg_html_element(FILE *out, const char *tag, const char *text)
{
	fprintf(out, "<%s>", tag);
	rg_html_text(out, text ? text : "\xe2\x80\x93");
	fprintf(out, "</%.*s>", (int)strcspn(tag, " "), tag);
}

void rg_html_number(FILE *out, const char *fmt, ...)
{
	char text[PRINTF_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	rg_html_element(out, "td class=\"n\"", text);
}

void rg_html_title(FILE *out, const char *title, const char *unit, bool number)
{
	fprintf(out, "<th scope=\"col\"%s>", number ? " class=\"n\"" : "");
	rg_html_text(out, title);
	if (unit) {
		fputs("<br><small>", out);
		rg_html_text(out, unit);
		fputs("</small>", out);
	}
	fputs("</th>", out);
}
