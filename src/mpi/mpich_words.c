/* SPDX-License-Identifier: BSD-3-Clause */
/* Words of MPICH's variables, from their descriptions. */
#include "config.h"

#include "mpich.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* All that 4.0 has for the variables that are read here. */
static const char *const known[] = {
	"all",
	"auto",
	"binomial",
	"brucks",
	"dissemination",
	"error",
	"nb",
	"noncommutative",
	"none",
	"pairwise",
	"pairwise_sendrecv_replace",
	"percoll",
	"print",
	"recursive_doubling",
	"recursive_halving",
	"reduce_scatter_allgather",
	"reduce_scatter_gather",
	"ring",
	"scatter_recursive_doubling_allgather",
	"scatter_ring_allgather",
	"scattered",
	"silent",
	"smp",
};

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The longest known word at the end of text[len]; its length, 0 if there is none. */
static size_t known_at_end(const char *text, size_t len)
{
	size_t longest = 0;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t n = strlen(known[i]);

		if (n > longest && n <= len && !memcmp(text + len - n, known[i], n))
			longest = n;
	}
	return longest;
}

static bool add(struct mpich_words *words, const char *word, size_t len)
{
	if (!len || len >= MPICH_WORD_BYTES || words->count == MPICH_MAX_WORDS)
		return false;
	snprintf(words->word[words->count++], MPICH_WORD_BYTES, "%.*s", (int)len, word);
	return true;
}

/*
 * Each item is "word - what it means", with more blanks before the hyphen where items are aligned.
 * With lines, a hyphen in other places means nothing.
 */
static bool parse(const char *text, struct mpich_words *words)
{
	bool lines = strchr(text, '\n') != NULL;

	for (const char *hyphen = text; (hyphen = strstr(hyphen, " - ")) != NULL; hyphen++) {
		const char *end = hyphen, *begin;
		size_t len;

		while (end > text && end[-1] == ' ')
			end--;
		for (begin = end; begin > text && is_word(begin[-1]); begin--)
			;
		len = (size_t)(end - begin);
		while (begin > text && begin[-1] == ' ')
			begin--;
		if (!lines)
			len = known_at_end(end - len, len);
		else if (begin > text && begin[-1] != '\n')
			continue;
		if (!add(words, end - len, len))
			return false;
	}
	return words->count > 0;
}

int mpich_words(const char *variable, struct mpich_words *out, struct rg_err *err)
{
	char text[4096] = "";
	int index, verbosity, binding, scope, name_room = 0, room = sizeof(text);
	MPI_Datatype type;
	MPI_T_enum none;

	if (MPI_T_cvar_get_index(variable, &index) ||
	    MPI_T_cvar_get_info(index, NULL, &name_room, &verbosity, &type, &none, text, &room,
				&binding, &scope))
		return rg_err_set(err, RG_ERR_NOT_FOUND, "this MPICH has no variable %s", variable);
	out->count = 0;
	if (!parse(text, out))
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "this MPICH describes %s in a way not known here", variable);
	return 0;
}

int mpich_word_value(const struct mpich_words *words, const char *word)
{
	for (int i = 0; i < words->count; i++) {
		if (!strcmp(words->word[i], word))
			return i;
	}
	return -1;
}
