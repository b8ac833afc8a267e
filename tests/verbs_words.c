/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "verbs_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Word n of a text with blanks between its words, into words[room]; NULL: it has fewer. */
static char *word(const char *text, uint32_t n, char *words, size_t room)
{
	char *rest = words, *w = NULL;

	snprintf(words, room, "%s", text ? text : "");
	for (uint32_t k = 0; k <= n; k++)
		w = strtok_r(rest, " ", &rest);
	return w;
}

static uint32_t count_words(const char *text)
{
	char words[256];
	uint32_t n = 0;

	while (word(text, n, words, sizeof(words)))
		n++;
	return n ? n : 1;
}

const struct rg_verbs_options *verbs_words(uint32_t rank)
{
	static const struct rg_opt *const tables[] = {rg_verbs_options_table, NULL};
	static const struct rg_opt_command command = {.name = "ranks", .tables = tables};
	static struct rg_verbs_options options[VERBS_RANKS];
	static char text[VERBS_RANKS][16][256], devices[VERBS_RANKS][256];
	struct rg_opt_origins origins;
	void *bases[] = {&options[rank]};
	static char program[] = "ranks";
	char *argv[18] = {program}, *w;
	struct rg_err err = {0};
	int argc = 1, first;

	for (uint32_t n = 0; n < 16; n++) {
		w = word(getenv("RG_TEST_VERBS"), n, text[rank][n], sizeof(text[rank][n]));
		if (w)
			argv[argc++] = w;
	}
	if (rg_opt_parse(&command, argc, argv, bases, &origins, &first, &err))
		fail_msg("RG_TEST_VERBS: %s", err.text);
	w = word(getenv("RG_TEST_DEVICES"), rank % count_words(getenv("RG_TEST_DEVICES")),
		 devices[rank], sizeof(devices[rank]));
	if (w)
		options[rank].device = w;
	return &options[rank];
}
