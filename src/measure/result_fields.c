/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "result_fields.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROW(type, member, k)                                                        \
	{                                                                           \
		.key = #member, .kind = FIELD_##k, .offset = offsetof(type, member) \
	}
#define ROW_NULLABLE(type, member, k)                                                \
	{                                                                            \
		.key = #member, .kind = FIELD_##k, .offset = offsetof(type, member), \
		.nullable = true                                                     \
	}
#define ROW_ADDED(type, member, k)                                                   \
	{                                                                            \
		.key = #member, .kind = FIELD_##k, .offset = offsetof(type, member), \
		.nullable = true, .added = true                                      \
	}
#define ROW_WORD(type, member, name, list)                                                       \
	{                                                                                        \
		.key = name, .kind = FIELD_WORD, .offset = offsetof(type, member), .words = list \
	}

const char *const rg_cache_words[] = {
#define WORD(name, word) word,
	RG_CACHE_LIST(WORD) NULL,
};

const char *const rg_stop_words[] = {RG_STOP_LIST(WORD) NULL};
#undef WORD

const char *const rg_access_words[] = {
	[RG_ACCESS_PRIVATE] = "private", [RG_ACCESS_WINDOW] = "window", NULL};

const struct field rg_result_run_fields[] = {
#define RUN struct rg_result_run
	ROW(RUN, nranks, U32),
	ROW_NULLABLE(RUN, rendezvous, STRING),
	ROW_NULLABLE(RUN, mpi, STRING),
	ROW_ADDED(RUN, rules, STRING),
	ROW_ADDED(RUN, network, STRING),
	ROW_NULLABLE(RUN, isa, STRING),
	ROW_NULLABLE(RUN, start, STRING),
	ROW(RUN, seed, U64),
	ROW_NULLABLE(RUN, timer_cost_ns, NUMBER),
	ROW_NULLABLE(RUN, start_skew_ns, NUMBER),
	ROW_ADDED(RUN, clock_error_ns, NUMBER),
	ROW_NULLABLE(RUN, memory, STRING),
	ROW_NULLABLE(RUN, align_bytes, U64),
	{NULL},
#undef RUN
};

const struct field rg_result_machine_fields[] = {
#define MACHINE struct rg_result_machine
	ROW(MACHINE, host, STRING),
	ROW_NULLABLE(MACHINE, kernel, STRING),
	ROW_NULLABLE(MACHINE, cpu, STRING),
	ROW_NULLABLE(MACHINE, packages, U32),
	ROW_NULLABLE(MACHINE, cores, U32),
	ROW_NULLABLE(MACHINE, threads, U32),
	ROW_NULLABLE(MACHINE, numa_nodes, U32),
	ROW_NULLABLE(MACHINE, l1d_bytes, U64),
	ROW_NULLABLE(MACHINE, l2_bytes, U64),
	ROW_NULLABLE(MACHINE, llc_bytes, U64),
	ROW_NULLABLE(MACHINE, memory_bytes, U64),
	ROW_NULLABLE(MACHINE, topo_hash, STRING),
	ROW_NULLABLE(MACHINE, governor, STRING),
	ROW_NULLABLE(MACHINE, clocksource, STRING),
	ROW_NULLABLE(MACHINE, thp, STRING),
	{NULL},
#undef MACHINE
};

const struct field rg_result_rank_fields[] = {
#define RANK struct rg_result_rank
	ROW(RANK, host, STRING),
	ROW(RANK, pid, I64),
	ROW_NULLABLE(RANK, cpus, STRING),
	ROW(RANK, numa_node, I32),
	{NULL},
#undef RANK
};

const struct field rg_result_warning_fields[] = {
	ROW(struct rg_result_warning, code, STRING),
	ROW(struct rg_result_warning, text, STRING),
	{NULL},
};

const struct field rg_result_point_fields[] = {
#define POINT struct rg_result_point
	ROW_WORD(POINT, coll, "collective", rg_coll_words),
	ROW(POINT, size_bytes, U64),
	ROW(POINT, count, U64),
	ROW_WORD(POINT, type, "type", rg_type_words),
	ROW_WORD(POINT, op, "op", rg_op_words),
	ROW(POINT, root, U32),
	ROW(POINT, root_rotates, BOOL),
	ROW(POINT, in_place, BOOL),
	ROW(POINT, target, STRING),
	ROW_WORD(POINT, buffers, "buffers", rg_access_words),
	ROW(POINT, persistent, BOOL),
	ROW_WORD(POINT, cache, "cache", rg_cache_words),
	ROW_ADDED(POINT, traffic, STRING),
	ROW_ADDED(POINT, crossing_bytes, U64),
	ROW_NULLABLE(POINT, algorithm, STRING),
	ROW_NULLABLE(POINT, protocol, STRING),
	ROW_NULLABLE(POINT, transport, STRING),
	ROW_NULLABLE(POINT, channels, U32),
	ROW_NULLABLE(POINT, note, STRING),
	ROW(POINT, ops, U32),
	ROW(POINT, n, U64),
	ROW(POINT, invalid, U64),
	ROW_WORD(POINT, stop, "stop", rg_stop_words),
	ROW_NULLABLE(POINT, median_ns, NUMBER),
	ROW_NULLABLE(POINT, lo_ns, NUMBER),
	ROW_NULLABLE(POINT, hi_ns, NUMBER),
	ROW_NULLABLE(POINT, p99_ns, NUMBER),
	ROW_NULLABLE(POINT, min_ns, NUMBER),
	ROW_NULLABLE(POINT, algbw_Bps, NUMBER),
	ROW_NULLABLE(POINT, busbw_Bps, NUMBER),
	ROW_NULLABLE(POINT, bound_ns, NUMBER),
	ROW_NULLABLE(POINT, bound_name, STRING),
	ROW_NULLABLE(POINT, fraction, NUMBER),
	ROW(POINT, checked, U64),
	ROW(POINT, wrong, U64),
	{NULL},
#undef POINT
};

const struct field rg_result_check_fields[] = {
#define CALIBRATION struct rg_calibration
	ROW_NULLABLE(CALIBRATION, check_bytes, U64),
	ROW_NULLABLE(CALIBRATION, check_own_Bps, NUMBER),
	ROW_NULLABLE(CALIBRATION, check_plain_Bps, NUMBER),
	ROW(CALIBRATION, check_passed, BOOL),
	{.key = "line_ns",
	 .kind = FIELD_NUMBER,
	 .offset = offsetof(CALIBRATION, rates.line_ns),
	 .nullable = true},
	{NULL},
#undef CALIBRATION
};

const struct field rg_result_node_fields[] = {
#define NODE struct rg_result_node
#define PORT(member, null)                                                                   \
	{                                                                                    \
		.key = #member, .kind = FIELD_NUMBER, .offset = offsetof(NODE, port.member), \
		.nullable = (null)                                                           \
	}
	ROW(NODE, host, STRING),
	{.key = "nranks", .kind = FIELD_U32, .offset = offsetof(NODE, port.nranks)},
	PORT(in_Bps, true),
	PORT(out_Bps, true),
	PORT(in_burst_bytes, false),
	PORT(out_burst_bytes, false),
	PORT(latency_ns, true),
	{NULL},
#undef PORT
#undef NODE
};

const struct field rg_result_pair_fields[] = {
#define PAIR struct rg_network_pair
	ROW(PAIR, from, U32),
	ROW(PAIR, to, U32),
	ROW_NULLABLE(PAIR, rate_Bps, NUMBER),
	ROW(PAIR, burst_bytes, NUMBER),
	ROW_NULLABLE(PAIR, latency_ns, NUMBER),
	{NULL},
#undef PAIR
};

/* The value of a row, whatever its type. */
struct value {
	const char *text; /* STRING, WORD */
	bool word_known;  /* WORD */
	int64_t whole;	  /* BOOL, U32, I32, I64, U64 */
	bool too_large;	  /* U64 */
	double number;	  /* NUMBER */
};

static struct value value_of(const struct field *f, const void *base)
{
	const void *at = (const char *)base + f->offset;
	struct value v = {0};

	switch (f->kind) {
	case FIELD_STRING:
		v.text = *(const char *const *)at;
		break;
	case FIELD_BOOL:
		v.whole = *(const bool *)at;
		break;
	case FIELD_U32:
		v.whole = *(const uint32_t *)at;
		break;
	case FIELD_U64:
		v.too_large = *(const uint64_t *)at > INT64_MAX;
		v.whole = (int64_t) * (const uint64_t *)at;
		break;
	case FIELD_I32:
		v.whole = *(const int32_t *)at;
		break;
	case FIELD_I64:
		v.whole = *(const int64_t *)at;
		break;
	case FIELD_NUMBER:
		v.number = *(const double *)at;
		break;
	case FIELD_WORD:
		/* An enum without negative values is an unsigned int here. */
		for (unsigned int i = 0; f->words[i]; i++) {
			if (i == *(const unsigned int *)at)
				v.text = f->words[i];
		}
		break;
	}
	return v;
}

static json_t *field_to_json(const struct field *f, const void *base)
{
	struct value v = value_of(f, base);

	if (f->nullable && !v.text && !v.whole && !(v.number > 0))
		return json_null();
	switch (f->kind) {
	case FIELD_STRING:
	case FIELD_WORD:
		return json_string(v.text);
	case FIELD_BOOL:
		return json_boolean(v.whole);
	case FIELD_NUMBER:
		return json_real(v.number);
	case FIELD_U32:
	case FIELD_U64:
	case FIELD_I32:
	case FIELD_I64:
		break;
	}
	return json_integer(v.whole);
}

json_t *rg_fields_to_json(const struct field *fields, const void *base)
{
	json_t *object = json_object();

	for (const struct field *f = fields; object && f->key; f++) {
		if (rg_json_set(object, f->key, field_to_json(f, base), NULL)) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

int rg_fields_expected(const char *where, const char *key, const char *expected, struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_FORMAT, "%s%s%s: expected %s", where,
			  *where && *key ? "." : "", key, expected);
}

static int expected_word(const struct field *f, const char *where, struct rg_err *err)
{
	char list[RG_ERR_TEXT_BYTES / 2] = "";
	size_t used = 0;

	for (size_t i = 0; f->words[i] && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
					 !i		   ? ""
					 : f->words[i + 1] ? ", "
							   : " or ",
					 f->words[i]);
	return rg_fields_expected(where, f->key, list, err);
}

static int read_whole(const struct field *f, const json_t *v, const char *where, void *at,
		      struct rg_err *err)
{
	json_int_t min = f->kind == FIELD_I32 ? -1 : 0;
	json_int_t max = f->kind == FIELD_U32	? UINT32_MAX
			 : f->kind == FIELD_I32 ? INT32_MAX
						: INT64_MAX;
	json_int_t got;
	char text[96];

	got = json_integer_value(v);
	if (!json_is_integer(v) || got < min || got > max) {
		snprintf(text, sizeof(text), "a whole number from %lld to %lld", (long long)min,
			 (long long)max);
		return rg_fields_expected(where, f->key, text, err);
	}
	if (f->kind == FIELD_U32)
		*(uint32_t *)at = (uint32_t)got;
	else if (f->kind == FIELD_I32)
		*(int32_t *)at = (int32_t)got;
	else if (f->kind == FIELD_I64)
		*(int64_t *)at = got;
	else
		*(uint64_t *)at = (uint64_t)got;
	return 0;
}

static int read_word(const struct field *f, const json_t *v, const char *where, void *at,
		     struct rg_err *err)
{
	if (!json_is_string(v))
		return expected_word(f, where, err);
	for (unsigned int i = 0; f->words[i]; i++) {
		if (!strcmp(f->words[i], json_string_value(v))) {
			*(unsigned int *)at = i;
			return 0;
		}
	}
	return expected_word(f, where, err);
}

static int field_from_json(const struct field *f, const json_t *v, const char *where, void *base,
			   struct rg_err *err)
{
	void *at = (char *)base + f->offset;

	if ((f->nullable && json_is_null(v)) || (f->added && !v))
		return 0;
	switch (f->kind) {
	case FIELD_STRING:
		if (!json_is_string(v))
			return rg_fields_expected(
				where, f->key, f->nullable ? "a string or null" : "a string", err);
		*(const char **)at = json_string_value(v);
		return 0;
	case FIELD_BOOL:
		if (!json_is_boolean(v))
			return rg_fields_expected(where, f->key, "true or false", err);
		*(bool *)at = json_is_true(v);
		return 0;
	case FIELD_NUMBER:
		if (!json_is_number(v) || json_number_value(v) < 0)
			return rg_fields_expected(where, f->key, "a number that is not negative",
						  err);
		*(double *)at = json_number_value(v);
		return 0;
	case FIELD_WORD:
		return read_word(f, v, where, at, err);
	case FIELD_U32:
	case FIELD_U64:
	case FIELD_I32:
	case FIELD_I64:
		break;
	}
	return read_whole(f, v, where, at, err);
}

static bool is_row(const struct field *fields, const char *key)
{
	for (const struct field *f = fields; f->key; f++) {
		if (!strcmp(f->key, key))
			return true;
	}
	return false;
}

int rg_fields_from_json(const struct field *fields, const json_t *object, const char *where,
			const char *const *also, void *base, struct rg_err *err)
{
	const char *key;
	json_t *v;
	int rc;

	if (!json_is_object(object))
		return rg_fields_expected(where, "", "an object", err);
	for (const struct field *f = fields; f->key; f++) {
		rc = field_from_json(f, json_object_get(object, f->key), where, base, err);
		if (rc)
			return rc;
	}
	json_object_foreach((json_t *)object, key, v)
	{
		bool known = is_row(fields, key);

		for (size_t i = 0; also && also[i] && !known; i++)
			known = !strcmp(also[i], key);
		if (!known)
			return rg_err_set(err, RG_ERR_FORMAT, "%s%s%.64s: no such member", where,
					  *where ? "." : "", key);
	}
	return 0;
}

/* Would jansson take it? */
static bool is_utf8(const char *text)
{
	json_t *v = json_string(text);
	bool ok = v;

	json_decref(v);
	return ok;
}

int rg_fields_check(const struct field *fields, const void *base, struct rg_err *err)
{
	for (const struct field *f = fields; f->key; f++) {
		struct value v = value_of(f, base);

		switch (f->kind) {
		case FIELD_STRING:
			if (!v.text && !f->nullable)
				return rg_err_set(err, RG_ERR_INVALID, "%s: missing", f->key);
			if (v.text && !is_utf8(v.text))
				return rg_err_set(err, RG_ERR_INVALID, "%s: not UTF-8", f->key);
			break;
		case FIELD_WORD:
			if (!v.text)
				return rg_err_set(err, RG_ERR_INVALID, "%s: no such value", f->key);
			break;
		case FIELD_NUMBER:
			if (!(v.number >= 0 && isfinite(v.number)))
				return rg_err_set(err, RG_ERR_INVALID,
						  "%s: %g is negative or not finite", f->key,
						  v.number);
			break;
		case FIELD_BOOL:
		case FIELD_U32:
		case FIELD_U64:
		case FIELD_I32:
		case FIELD_I64:
			if (v.too_large || v.whole < (f->kind == FIELD_I32 ? -1 : 0))
				return rg_err_set(err, RG_ERR_INVALID, "%s: out of range", f->key);
			break;
		}
	}
	return 0;
}
