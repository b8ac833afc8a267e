/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/topo/cpuset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rg_cpuset_add(struct rg_cpuset *set, uint32_t cpu)
{
	if (cpu < RG_CPUS_MAX)
		set->words[cpu / 64] |= UINT64_C(1) << cpu % 64;
}

bool rg_cpuset_has(const struct rg_cpuset *set, uint32_t cpu)
{
	return cpu < RG_CPUS_MAX && (set->words[cpu / 64] >> cpu % 64 & 1);
}

uint32_t rg_cpuset_count(const struct rg_cpuset *set)
{
	uint32_t n = 0;

	for (size_t i = 0; i < RG_CPUSET_WORDS; i++)
		n += (uint32_t)__builtin_popcountll(set->words[i]);
	return n;
}

bool rg_cpuset_meet(const struct rg_cpuset *a, const struct rg_cpuset *b)
{
	for (size_t i = 0; i < RG_CPUSET_WORDS; i++) {
		if (a->words[i] & b->words[i])
			return true;
	}
	return false;
}

void rg_cpuset_and(struct rg_cpuset *set, const struct rg_cpuset *other)
{
	for (size_t i = 0; i < RG_CPUSET_WORDS; i++)
		set->words[i] &= other->words[i];
}

uint32_t rg_cpuset_next(const struct rg_cpuset *set, uint32_t cpu)
{
	for (; cpu < RG_CPUS_MAX; cpu = (cpu / 64 + 1) * 64) {
		uint64_t rest = set->words[cpu / 64] >> cpu % 64;

		if (rest)
			return cpu + (uint32_t)__builtin_ctzll(rest);
	}
	return RG_CPUS_MAX;
}

char *rg_cpuset_format(const struct rg_cpuset *set, char *text, size_t len_bytes)
{
	size_t at = 0;

	text[0] = '\0';
	for (uint32_t a = rg_cpuset_next(set, 0); a < RG_CPUS_MAX;) {
		uint32_t b = a;
		char part[32];
		int n;

		while (rg_cpuset_has(set, b + 1))
			b++;
		if (a == b)
			n = snprintf(part, sizeof(part), "%s%u", at ? "," : "", a);
		else
			n = snprintf(part, sizeof(part), "%s%u-%u", at ? "," : "", a, b);
		if (at + (size_t)n + sizeof("...") > len_bytes) {
			snprintf(text + at, len_bytes - at, "...");
			break;
		}
		memcpy(text + at, part, (size_t)n + 1);
		at += (size_t)n;
		a = rg_cpuset_next(set, b + 1);
	}
	return text;
}

/* A decimal number at *text, which moves past it. */
static int parse_cpu(const char **text, const char *what, uint32_t *cpu_out, struct rg_err *err)
{
	uint32_t cpu = 0;

	if (**text < '0' || **text > '9')
		return rg_err_set(err, RG_ERR_FORMAT, "%s: expected a list of CPUs such as 0-3,8",
				  what);
	for (; **text >= '0' && **text <= '9'; (*text)++) {
		cpu = cpu * 10 + (uint32_t)(**text - '0');
		if (cpu >= RG_CPUS_MAX)
			return rg_err_set(err, RG_ERR_LIMIT, "%s: more than %d CPUs", what,
					  RG_CPUS_MAX);
	}
	*cpu_out = cpu;
	return 0;
}

int rg_cpuset_parse(const char *text, const char *what, struct rg_cpuset *set_out,
		    struct rg_err *err)
{
	struct rg_cpuset set = {0};
	uint32_t a, b;
	int rc;

	while (*text && *text != '\n') {
		rc = parse_cpu(&text, what, &a, err);
		if (rc)
			return rc;
		b = a;
		if (*text == '-') {
			text++;
			rc = parse_cpu(&text, what, &b, err);
			if (rc)
				return rc;
		}
		if (b < a ||
		    (*text == ',' ? text[1] < '0' || text[1] > '9' : *text && *text != '\n'))
			return rg_err_set(err, RG_ERR_FORMAT,
					  "%s: expected a list of CPUs such as 0-3,8", what);
		for (; a <= b; a++)
			rg_cpuset_add(&set, a);
		text += *text == ',';
	}
	*set_out = set;
	return 0;
}
