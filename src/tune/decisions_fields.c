/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "decisions_impl.h"

#include <assert.h>

/* rg_fate_words, rg_coll_words: enums are read as unsigned int. */
static_assert(sizeof(enum rg_fate) == sizeof(unsigned int), "an enum of another size");
static_assert(sizeof(enum rg_coll) == sizeof(unsigned int), "an enum of another size");

#define ROW(type, member, k)                                                           \
	{                                                                              \
		.key = #member, .kind = RG_FIELD_##k, .offset = offsetof(type, member) \
	}
#define ROW_TEXT(type, member)                                                           \
	{                                                                                \
		.key = #member, .kind = RG_FIELD_TEXT, .offset = offsetof(type, member), \
		.room = sizeof(((type *)0)->member)                                      \
	}
#define ROW_OBJECT(type, member, table)                                                    \
	{                                                                                  \
		.key = #member, .kind = RG_FIELD_OBJECT, .offset = offsetof(type, member), \
		.fields = table                                                            \
	}
#define ROW_LIST(type, member, count, table)                                                 \
	{                                                                                    \
		.key = #member, .kind = RG_FIELD_LIST, .offset = offsetof(type, member),     \
		.room = sizeof(*((type *)0)->member), .count_offset = offsetof(type, count), \
		.fields = table                                                              \
	}
#define ROW_TEXTS(type, member, count)                                                    \
	{                                                                                 \
		.key = #member, .kind = RG_FIELD_TEXTS, .offset = offsetof(type, member), \
		.count_offset = offsetof(type, count)                                     \
	}

static const struct rg_field choice_fields[] = {
#define CHOICE struct rg_choice
	ROW(CHOICE, id, INT),
	ROW_TEXT(CHOICE, algorithm),
	ROW(CHOICE, segment_bytes, U64),
	{NULL},
#undef CHOICE
};

static const struct rg_field ratio_fields[] = {
#define RATIO struct rg_ratio
	ROW(RATIO, ratio, NUMBER), ROW(RATIO, lo, NUMBER),    ROW(RATIO, hi, NUMBER),
	ROW(RATIO, n, COUNT),	   ROW(RATIO, reached, BOOL), {NULL},
#undef RATIO
};

static const struct rg_field evidence_fields[] = {
#define EVIDENCE struct rg_evidence
	ROW_OBJECT(EVIDENCE, choice, choice_fields),
	{.key = "fate",
	 .kind = RG_FIELD_WORD,
	 .offset = offsetof(EVIDENCE, fate),
	 .words = rg_fate_words},
	ROW_TEXT(EVIDENCE, why),
	ROW(EVIDENCE, launches, U32),
	ROW(EVIDENCE, samples, U64),
	ROW(EVIDENCE, time_ns, NUMBER),
	ROW_OBJECT(EVIDENCE, gain, ratio_fields),
	{NULL},
#undef EVIDENCE
};

static const struct rg_field point_fields[] = {
#define POINT struct rg_decision_point
	ROW(POINT, size_bytes, U64),
	ROW(POINT, boundary, BOOL),
	ROW_OBJECT(POINT, choice, choice_fields),
	ROW_OBJECT(POINT, gain, ratio_fields),
	ROW_LIST(POINT, evidence, nevidence, evidence_fields),
	{NULL},
#undef POINT
};

#define RANGE struct rg_decision_range
/* Of the same struct: one object for what there is only together. */
static const struct rg_field runner_up_fields[] = {
	{.key = "choice",
	 .kind = RG_FIELD_OBJECT,
	 .offset = offsetof(RANGE, runner_up),
	 .fields = choice_fields},
	{.key = "time_ratio", .kind = RG_FIELD_NUMBER, .offset = offsetof(RANGE, runner_up_ratio)},
	{NULL},
};

static const struct rg_field range_fields[] = {
	ROW(RANGE, from_bytes, U64),
	ROW(RANGE, to_bytes, END),
	ROW_OBJECT(RANGE, choice, choice_fields),
	ROW_OBJECT(RANGE, gain, ratio_fields),
	ROW(RANGE, npoints, U32),
	{.key = "runner_up",
	 .kind = RG_FIELD_OBJECT,
	 .offset = 0,
	 .fields = runner_up_fields,
	 .nullable = true,
	 .has_offset = offsetof(RANGE, has_runner_up)},
	{NULL},
#undef RANGE
};

const struct rg_field decision_fields[] = {
#define DECISION struct rg_decision
	ROW_TEXT(DECISION, function),
	{.key = "collective",
	 .kind = RG_FIELD_WORD,
	 .offset = offsetof(DECISION, coll),
	 .words = rg_coll_words},
	ROW(DECISION, other, BOOL),
	ROW_LIST(DECISION, ranges, nranges, range_fields),
	ROW_TEXT(DECISION, note),
	ROW_LIST(DECISION, points, npoints, point_fields),
	{NULL},
#undef DECISION
};

static const struct rg_field binding_fields[] = {
#define BINDING struct rg_decision_binding
	ROW(BINDING, known, BOOL),
	ROW_TEXT(BINDING, why),
	ROW_TEXT(BINDING, map_by),
	ROW_TEXTS(BINDING, cpus, nranks),
	{NULL},
#undef BINDING
};

const struct rg_field decisions_fields[] = {
#define DECISIONS struct rg_decisions
	ROW_TEXT(DECISIONS, version),
	ROW_TEXT(DECISIONS, created),
	ROW_TEXT(DECISIONS, mpi),
	ROW_TEXT(DECISIONS, library),
	ROW(DECISIONS, nranks, U32),
	ROW(DECISIONS, nnodes, U32),
	ROW_TEXTS(DECISIONS, hosts, nhosts),
	ROW_TEXT(DECISIONS, transport),
	ROW_TEXTS(DECISIONS, launcher, nlauncher),
	ROW(DECISIONS, seed, U64),
	ROW(DECISIONS, seconds, NUMBER),
	ROW_TEXT(DECISIONS, type),
	ROW_TEXT(DECISIONS, op),
	ROW(DECISIONS, in_place, BOOL),
	ROW_OBJECT(DECISIONS, binding, binding_fields),
	ROW_LIST(DECISIONS, decisions, ndecisions, decision_fields),
	{NULL},
#undef DECISIONS
};
