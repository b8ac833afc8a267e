/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/base/opt.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 63 /* longer words are not looked up: they are no slip of a finger */

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/*
 * Edits that turn a into b, where no letter is edited twice (optimal string alignment). Row i is
 * the distance of a's first i letters to each beginning of b; a swap looks two rows back.
 */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned rows[3][WORD_MAX + 1];

	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i + 2) % 3];
		const unsigned *above2 = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			row[j] = above[j - 1] + !same(a[i - 1], b[j - 1]);
			row[j] = least(row[j], above[j] + 1);
			row[j] = least(row[j], row[j - 1] + 1);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = least(row[j], above2[j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

const char *rg_opt_nearest(const char *word, const char *const *candidates)
{
	size_t word_len = strlen(word);
	unsigned best = ~0u;
	const char *nearest = NULL;

	if (word_len == 0 || word_len > WORD_MAX)
		return NULL;
	for (; *candidates; candidates++) {
		size_t len = strlen(*candidates);
		unsigned d, limit;

		if (len > WORD_MAX)
			continue;
		d = distance(word, word_len, *candidates, len);
		limit = (unsigned)(len < word_len ? word_len : len) / 3;
		if (word_len >= 2 && word_len < len && !strncasecmp(word, *candidates, word_len))
			d = 1; /* an abbreviation */
		if (d <= least(limit ? limit : 1, 4) && d < best) {
			best = d;
			nearest = *candidates;
		}
	}
	return nearest;
}
