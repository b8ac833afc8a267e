/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz target of the option parser. An input is a command line, one word per line; its length
 * modulo 3 picks the kind of command. Whatever the words are: the parse succeeds with every value
 * in its range and a record of it, or says in one line what is wrong and leaves everything alone.
 */
#include "config.h"

#include "opt_sample.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_opt: %s\n", what);
	abort();
}

static void check_success(const struct rg_opt_command *command, const struct config *config,
			  const struct shm_config *shm, const struct rg_opt_origins *origins)
{
	const void *const bases[] = {config, shm};
	json_t *record = rg_opt_record(command, bases, origins);

	must(config->min_bytes >= 1 && config->min_bytes <= 1 << 20, "a size out of range");
	must(config->iterations >= 1 && config->iterations <= 1000, "a count out of range");
	must(config->factor >= 1.5 && config->factor <= 16, "a number out of range");
	must(config->limit_ns >= 1000000 && config->limit_ns <= 3600000000000,
	     "a time out of range");
	must(config->order >= 0 && config->order <= 2, "a choice out of range");
	/* A string that is no UTF-8 cannot be in JSON: then there is no record. */
	must(!record || json_array_size(record) == 9, "a record of another length");
	json_decref(record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	static const struct rg_opt_command *const commands[] = {&bench, &driver, &plain};
	const struct rg_opt_command *command = commands[len_bytes % 3];
	struct config config, before;
	struct shm_config shm = {0};
	struct rg_opt_origins origins = {0};
	struct rg_err err = {0};
	char *argv[WORDS_MAX + 2] = {(char *)"bench"};
	void *const bases[] = {&config, &shm};
	char *text = malloc(len_bytes + 1);
	int argc = 1, first = -1, rc;

	must(text, "no memory");
	memcpy(text, data, len_bytes);
	text[len_bytes] = '\0';
	for (char *at = text; at && argc <= WORDS_MAX; argc++) {
		char *end = strchr(at, '\n');

		argv[argc] = at;
		if (end)
			*end++ = '\0';
		at = end;
	}
	memset(&config, 0, sizeof(config));
	memcpy(&before, &config, sizeof(before));
	rc = rg_opt_parse(command, argc, argv, bases, &origins, &first, &err);
	if (rc == 0) {
		must(first >= 1 && first <= argc, "operands out of range");
		check_success(command, &config, &shm, &origins);
	} else {
		must(rc == 1 || rc == RG_ERR_INVALID || rc == RG_ERR_RANGE, "an unexpected code");
		must(rc == 1 || err.code == rc, "another code in the error");
		must(rc == 1 || err.text[0], "an error without words");
		must(first == -1 && !memcmp(&before, &config, sizeof(config)),
		     "a failed parse touched its outputs");
	}
	free(text);
	return 0;
}
