/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "svg.h"

#include <string.h>

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

/* What stands before the name of an element. */
static const char *const fields[] = {" id='", " id=\"", "href='#", "href=\"#", "url(#", "url('#"};

/* The length of the one that text begins with; 0 if there is none. */
static size_t field_bytes(const char *text)
{
	for (size_t i = 0; i < FIELDS; i++) {
		size_t n = strlen(fields[i]);

		if (!strncmp(text, fields[i], n))
			return n;
	}
	return 0;
}

/* Behind <name>...</name>, if text begins with it and it ends before end; else text. */
static const char *skip_element(const char *text, const char *name, const char *end)
{
	char open[16], close[16];
	const char *p;

	snprintf(open, sizeof(open), "<%.8s>", name);
	snprintf(close, sizeof(close), "</%.8s>", name);
	if (strncmp(text, open, strlen(open)))
		return text;
	p = strstr(text, close);
	return p && p < end ? p + strlen(close) : text;
}

static const char *find_last(const char *text, const char *word)
{
	const char *last = NULL;

	for (const char *p = strstr(text, word); p; p = strstr(p + 1, word))
		last = p;
	return last;
}

int rg_svg_print(const char *svg, uint32_t width, uint32_t height, const char *prefix, FILE *out,
		 struct rg_err *err)
{
	const char *p = strstr(svg, "<svg"), *end = p ? find_last(p, "</svg>") : NULL;

	if (p)
		p = strchr(p, '>');
	if (!p || !end || end < p)
		return rg_err_set(err, RG_ERR_FORMAT, "gnuplot: what it drew is no SVG");
	fprintf(out, "<svg viewBox=\"0 0 %u %u\" role=\"img\">", width, height);
	for (p++; p < end;) {
		const char *next = skip_element(skip_element(p, "title", end), "desc", end);
		size_t n;

		if (next > p) {
			p = next;
			continue;
		}
		n = field_bytes(p);
		if (n)
			fprintf(out, "%.*s%s", (int)n, p, prefix);
		else
			fputc(*p, out);
		p += n ? n : 1;
	}
	fputs("</svg>\n", out);
	return 0;
}
