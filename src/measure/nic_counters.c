/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of a counter, and what moved between two readings. */
#include "config.h"

#include "nic_counters_impl.h"

#include "railgauge/base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define WORD(name, word) word,
const char *const rg_nic_class_words[] = {RG_NIC_CLASS_LIST(WORD) NULL};
const char *const rg_nic_group_words[] = {RG_NIC_GROUP_LIST(WORD) NULL};
const char *const rg_nic_how_words[] = {RG_NIC_HOW_LIST(WORD) NULL};
#undef WORD

/* --- rows --- */

static bool fits(const char *pattern, const char *name)
{
	if (*pattern == '#') {
		if (!isdigit((unsigned char)*name))
			return false;
		while (isdigit((unsigned char)*name))
			name++;
		return fits(pattern + 1, name);
	}
	if (*pattern == '*') {
		do {
			if (fits(pattern + 1, name))
				return true;
		} while (*name++);
		return false;
	}
	if (*pattern != *name)
		return false;
	return !*pattern || fits(pattern + 1, name + 1);
}

static const struct rg_nic_row *find(const struct rg_nic_row *rows, enum rg_nic_group group,
				     const char *name)
{
	for (; rows->name; rows++) {
		if (rows->group == group && fits(rows->name, name))
			return rows;
	}
	return NULL;
}

const struct rg_nic_row *rg_nic_row(enum rg_nic_group group, const char *name)
{
#define UNKNOWN(from, word)                                  \
	[RG_NIC_FROM_##from] = {.group = RG_NIC_FROM_##from, \
				.name = "*",                 \
				.class = RG_NIC_PLAIN,       \
				.drivers = "any",            \
				.source = "",                \
				.meaning = "of unknown meaning"},
	static const struct rg_nic_row unknown[] = {RG_NIC_GROUP_LIST(UNKNOWN)};
#undef UNKNOWN
	const struct rg_nic_row *row = find(rg_nic_rows_rdma, group, name);

	/* Some drivers have the same ones for the device as for its port. */
	if (!row && group == RG_NIC_FROM_DEVICE)
		row = find(rg_nic_rows_rdma, RG_NIC_FROM_HW, name);
	if (!row)
		row = find(rg_nic_rows_net, group, name);
	return row ? row : &unknown[group];
}

/* --- what moved --- */

static uint64_t largest(uint8_t bits)
{
	return bits && bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;
}

/* It is less than before. A count that begins again at 0 comes from the upper half. */
static void judge_fall(const struct rg_nic_row *row, uint64_t before, uint64_t after,
		       struct rg_nic_moved *out)
{
	uint64_t top = row->bits ? largest(row->bits) : UINT32_MAX;

	if (!row->saturates && before <= top && before > top / 2 && after <= top / 2) {
		out->how = RG_NIC_WRAPPED;
		out->by = top - before + 1 + after;
	} else {
		out->how = RG_NIC_RESET;
		out->by = after;
	}
}

bool rg_nic_moved_of(const struct rg_nic_row *row, uint64_t before, uint64_t after,
		     struct rg_nic_moved *out)
{
	*out = (struct rg_nic_moved){.group = row->group, .how = RG_NIC_COUNTED};
	if (row->level)
		return false;
	if (row->saturates && row->bits && after == largest(row->bits) && before <= after) {
		out->how = RG_NIC_SATURATED;
		out->by = after - before;
		return true;
	}
	if (after < before) {
		judge_fall(row, before, after, out);
		return true;
	}
	out->by = after - before;
	return out->by > 0;
}

static int order(const struct rg_nic_value *a, const struct rg_nic_value *b)
{
	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	return strcmp(a->name, b->name);
}

int rg_nic_compare(const struct rg_nic_reading *before, const struct rg_nic_reading *after,
		   struct rg_nic_moved **out, uint32_t *n_out, struct rg_err *err)
{
	struct rg_nic_moved *list = NULL;
	uint32_t n = 0, k = 0;

	*out = NULL;
	*n_out = 0;
	if (!before->n || !after->n)
		return 0;
	list = rg_zalloc(before->n, sizeof(*list));
	if (!list)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the adapters' counters");
	for (uint32_t i = 0; i < before->n; i++) {
		const struct rg_nic_value *old = &before->values[i];
		const struct rg_nic_row *row = rg_nic_row(old->group, old->name);
		bool moved = !row->level;

		while (k < after->n && order(&after->values[k], old) < 0)
			k++;
		if (k < after->n && !order(&after->values[k], old))
			moved = rg_nic_moved_of(row, old->value, after->values[k++].value,
						&list[n]);
		else
			list[n].how = RG_NIC_GONE;
		if (!moved)
			continue;
		list[n].group = old->group;
		memcpy(list[n].name, old->name, sizeof(old->name));
		n++;
	}
	if (!n) {
		rg_free(list);
		list = NULL;
	}
	*out = list;
	*n_out = n;
	return 0;
}
