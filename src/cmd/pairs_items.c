/* SPDX-License-Identifier: BSD-3-Clause */
/* --test and --size: what is measured of each pair. */
#include "config.h"

#include "pairs.h"

#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"

#include <stdio.h>
#include <string.h>

#define ITEMS_MAX 1024

static int add(struct pairs *p, enum rg_pairs_test test, uint64_t size_bytes, struct rg_err *err)
{
	struct pairs_item *more;

	for (uint32_t i = 0; i < p->nitems; i++) {
		if (p->items[i].test == test && p->items[i].size_bytes == size_bytes)
			return rg_err_set(err, RG_ERR_INVALID, "--size: %llu bytes twice",
					  (unsigned long long)size_bytes);
	}
	if (p->nitems == ITEMS_MAX)
		return rg_err_set(err, RG_ERR_LIMIT, "--size: more than %d sizes of all tests",
				  ITEMS_MAX);
	more = rg_realloc(p->items, (p->nitems + 1) * sizeof(*more));
	if (!more)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the sizes");
	p->items = more;
	p->items[p->nitems++] = (struct pairs_item){test, size_bytes};
	if (size_bytes > p->max_bytes)
		p->max_bytes = size_bytes;
	return 0;
}

/* A size within a list; len_bytes of text. */
static int parse_size(const char *text, size_t len_bytes, uint64_t *out, struct rg_err *err)
{
	char word[32];
	int rc;

	snprintf(word, sizeof(word), "%.*s", (int)(len_bytes > 30 ? 30 : len_bytes), text);
	rc = rg_parse_size(word, "--size", out, err);
	if (!rc && (!*out || *out > PAIRS_SIZE_MAX))
		return rg_err_set(err, RG_ERR_RANGE, "--size: %s: expected 1 to 1G", word);
	return rc;
}

/* SIZE or SIZE-SIZE. */
static int add_range(struct pairs *p, enum rg_pairs_test test, const char *text, size_t len_bytes,
		     struct rg_err *err)
{
	const char *dash = memchr(text, '-', len_bytes);
	size_t first = dash ? (size_t)(dash - text) : len_bytes;
	uint64_t from, to;
	int rc = parse_size(text, first, &from, err);

	if (rc)
		return rc;
	to = from;
	if (dash)
		rc = parse_size(dash + 1, len_bytes - first - 1, &to, err);
	if (!rc && to < from)
		return rg_err_set(err, RG_ERR_INVALID, "--size: %.*s: the second one is less",
				  (int)(len_bytes > 60 ? 60 : len_bytes), text);
	for (uint64_t size = from; !rc && size <= to; size *= 2)
		rc = add(p, test, size, err);
	return rc;
}

static const char *usual_sizes(const struct pairs *p, enum rg_pairs_test test)
{
	if (test == RG_PAIRS_RATE)
		return "8";
	if (p->two)
		return "2-8M";
	return test == RG_PAIRS_LATENCY ? "8" : "1M";
}

static int add_test(struct pairs *p, enum rg_pairs_test test, struct rg_err *err)
{
	const char *sizes = p->options.sizes ? p->options.sizes : usual_sizes(p, test);
	int rc = 0;

	for (const char *rest = sizes; !rc && rest;) {
		size_t len = strcspn(rest, ",");

		rc = add_range(p, test, rest, len, err);
		rest = rest[len] ? rest + len + 1 : NULL;
	}
	return rc;
}

static int find_test(const char *text, size_t len_bytes, enum rg_pairs_test *out,
		     struct rg_err *err)
{
	const char *near;
	char word[32];

	snprintf(word, sizeof(word), "%.*s", (int)(len_bytes > 30 ? 30 : len_bytes), text);
	for (int t = 0; t < RG_PAIRS_TEST_COUNT; t++) {
		if (!strcmp(word, rg_pairs_test_words[t])) {
			*out = (enum rg_pairs_test)t;
			return 0;
		}
	}
	near = rg_opt_nearest(word, rg_pairs_test_words);
	return rg_err_set(err, RG_ERR_INVALID, "--test: %s: %s%s%s", word,
			  near ? "did you mean "
			       : "expected latency, bandwidth, bidirectional or "
				 "rate",
			  near ? near : "", near ? "?" : "");
}

int pairs_items(struct pairs *p, struct rg_err *err)
{
	bool taken[RG_PAIRS_TEST_COUNT] = {false};
	int rc = 0;

	for (const char *rest = p->options.tests; !rc && rest;) {
		size_t len = strcspn(rest, ",");
		enum rg_pairs_test test = RG_PAIRS_LATENCY;

		rc = find_test(rest, len, &test, err);
		if (!rc && taken[test])
			rc = rg_err_set(err, RG_ERR_INVALID, "--test: %s twice",
					rg_pairs_test_words[test]);
		if (rc)
			return rc;
		taken[test] = true;
		rc = add_test(p, test, err);
		rest = rest[len] ? rest + len + 1 : NULL;
	}
	return rc;
}
