/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "counters.h"

#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"

#include <inttypes.h>
#include <string.h>

#define LINES_SHOWN 40 /* of each part */
#define LINE_BYTES  512

/* One counter of one port over all readings. */
struct sum {
	uint64_t by;
	bool least; /* it may be more */
	bool blind; /* at its largest value all the time, or gone: nothing is known */
	uint32_t n; /* readings in which it moved */
	uint64_t from_bytes, to_bytes; /* sizes of their points */
};

struct teller {
	const struct rg_result *result;
	void (*tell)(void *arg, const char *line, bool heading);
	void *arg;
	struct sum *sums; /* owned, [nnics][nkinds] */
};

static struct sum *sum_of(const struct teller *t, uint32_t nic, uint32_t kind)
{
	return &t->sums[(size_t)nic * t->result->counters.nkinds + kind];
}

static void add_moved(struct sum *sum, const struct rg_counters_moved *moved)
{
	sum->by += moved->by;
	sum->least |= moved->how == RG_NIC_SATURATED || moved->how == RG_NIC_RESET;
	sum->blind |= moved->how == RG_NIC_GONE || (moved->how == RG_NIC_SATURATED && !moved->by);
}

static void add_up(const struct teller *t)
{
	const struct rg_counters *c = &t->result->counters;

	for (uint32_t i = 0; i < c->nreadings; i++) {
		const struct rg_counters_reading *r = &c->readings[i];

		for (uint32_t k = 0; k < r->nmoved; k++) {
			struct sum *sum = sum_of(t, r->nic, r->moved[k].kind);

			for (uint32_t p = r->first_point; p < r->first_point + r->npoints; p++) {
				uint64_t size = rg_result_size_bytes(t->result, p);

				if (!sum->n || size < sum->from_bytes)
					sum->from_bytes = size;
				if (!sum->n || size > sum->to_bytes)
					sum->to_bytes = size;
				sum->n += p == r->first_point;
			}
			add_moved(sum, &r->moved[k]);
		}
	}
}

static const char *nic_text(const struct rg_counters_nic *nic, char *text, size_t room)
{
	if (nic->port)
		snprintf(text, room, "%s %s port %" PRIu32, nic->host, nic->device, nic->port);
	else
		snprintf(text, room, "%s %s", nic->host, nic->device);
	return text;
}

/* "64KB" or "8B to 64KB" */
static const char *sizes_text(const struct sum *sum, char *text, size_t room)
{
	char from[RG_UNITS_BYTES], to[RG_UNITS_BYTES];

	rg_format_size(sum->from_bytes, from);
	if (sum->from_bytes == sum->to_bytes)
		snprintf(text, room, "%sB", from);
	else
		snprintf(text, room, "%sB to %sB", from, rg_format_size(sum->to_bytes, to));
	return text;
}

/* What is asked for of all sums; title stands before the first. Returns how many there are. */
static uint32_t tell_all(const struct teller *t, enum rg_nic_class class, bool blind,
			 const char *title)
{
	const struct rg_counters *c = &t->result->counters;
	char line[LINE_BYTES], nic[160], sizes[80];
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->nnics; i++) {
		for (uint32_t k = 0; k < c->nkinds; k++) {
			const struct sum *sum = sum_of(t, i, k);
			const struct rg_counters_kind *kind = &c->kinds[k];

			if (kind->class != class || !sum->n || (blind ? !sum->blind : !sum->by))
				continue;
			if (!n++)
				t->tell(t->arg, title, true);
			if (n > LINES_SHOWN)
				continue;
			nic_text(&c->nics[i], nic, sizeof(nic));
			sizes_text(sum, sizes, sizeof(sizes));
			if (blind)
				snprintf(line, sizeof(line), "%s: %s, %s: %s", nic, kind->name,
					 sizes, kind->meaning);
			else
				snprintf(line, sizeof(line), "%s: %s by %s%" PRIu64 ", %s: %s", nic,
					 kind->name, sum->least ? "at least " : "", sum->by, sizes,
					 kind->meaning);
			t->tell(t->arg, line, false);
		}
	}
	if (n > LINES_SHOWN) {
		snprintf(line, sizeof(line), "and %u more: see counters in the document",
			 n - LINES_SHOWN);
		t->tell(t->arg, line, false);
	}
	return n;
}

/* Ports that were gone, each once, and how late adapters may have told. Returns how many are gone.
 */
static uint32_t tell_gone(const struct teller *t)
{
	const struct rg_counters *c = &t->result->counters;
	char line[LINE_BYTES], nic[160], size[RG_UNITS_BYTES];
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->nnics; i++) {
		uint32_t k = 0;

		while (k < c->nreadings && !(c->readings[k].nic == i && c->readings[k].gone))
			k++;
		if (k == c->nreadings)
			continue;
		if (!n++)
			t->tell(t->arg, "Adapters whose counters could not be read any more", true);
		snprintf(line, sizeof(line), "%s, from %sB on",
			 nic_text(&c->nics[i], nic, sizeof(nic)),
			 rg_format_size(rg_result_size_bytes(t->result, c->readings[k].first_point),
					size));
		t->tell(t->arg, line, false);
	}
	return n;
}

static void tell_nothing(const struct teller *t)
{
	const struct rg_counters *c = &t->result->counters;
	char line[LINE_BYTES], late[RG_UNITS_BYTES];
	uint64_t stale = 0;

	for (uint32_t i = 0; i < c->nreadings; i++)
		stale = c->readings[i].stale_ns > stale ? c->readings[i].stale_ns : stale;
	snprintf(line, sizeof(line),
		 "Counters of %u adapter port%s, read around each size: none that must not move "
		 "did%s%s%s",
		 c->nnics, c->nnics > 1 ? "s" : "", stale ? " (some tell up to " : "",
		 stale ? rg_format_time((double)stale, late) : "", stale ? " late)" : "");
	t->tell(t->arg, line, true);
}

int rg_counters_tell(const struct rg_result *result,
		     void (*tell)(void *arg, const char *line, bool heading), void *arg,
		     struct rg_err *err)
{
	const struct rg_counters *c = &result->counters;
	struct teller t = {.result = result, .tell = tell, .arg = arg};
	uint32_t n;

	if (!c->nnics || !c->nreadings)
		return 0;
	t.sums = rg_zalloc((size_t)c->nnics * c->nkinds + 1, sizeof(*t.sums));
	if (!t.sums)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the report");
	add_up(&t);
	n = tell_all(&t, RG_NIC_STILL, false, "Counters that must not move, and did");
	n += tell_all(&t, RG_NIC_STILL, true,
		      "Counters that must not move, and tell nothing: at "
		      "their largest value, or gone");
	n += tell_gone(&t);
	if (!n)
		tell_nothing(&t);
	(void)tell_all(&t, RG_NIC_BUSY, false, "Counters that moved, as they may with load");
	rg_free(t.sums);
	return 0;
}

static void print_line(void *arg, const char *line, bool heading)
{
	fprintf(arg, "# %s%s\n", heading ? "" : "  ", line);
}

int rg_counters_print(const struct rg_result *result, FILE *out, struct rg_err *err)
{
	return rg_counters_tell(result, print_line, out, err);
}
