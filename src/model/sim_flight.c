/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "sim_impl.h"

#include "railgauge/base/mem.h"

#include <inttypes.h>

#define RUNS_MAX (RG_SIM_BYTES / 2 / sizeof(struct run))

void runs_release(struct runs *runs)
{
	rg_free(runs->list);
	*runs = (struct runs){0};
}

static int more_runs(struct runs *runs, struct rg_err *err)
{
	uint32_t cap = runs->cap ? 2 * runs->cap : 1024;
	struct run *list;

	if (cap > RUNS_MAX)
		cap = (uint32_t)RUNS_MAX;
	if (cap == runs->cap)
		return rg_err_set(err, RG_ERR_LIMIT,
				  "too many messages are under way, too irregularly: more than "
				  "%" PRIu64 " MiB, packed",
				  RG_SIM_BYTES / 2 >> 20);
	list = rg_realloc(runs->list, cap * sizeof(*list));
	if (!list)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a simulation's messages");
	runs->list = list;
	runs->cap = cap;
	return 0;
}

static int take_run(struct runs *runs, uint32_t *out, struct rg_err *err)
{
	int rc = 0;

	if (runs->unused) {
		*out = runs->unused - 1;
		runs->unused = runs->list[*out].next;
		return 0;
	}
	if (runs->n == runs->cap)
		rc = more_runs(runs, err);
	if (!rc)
		*out = runs->n++;
	return rc;
}

/* A second message gives a run its strides, as long as there is one way at least to find peers. */
static bool join_second(struct run *r, uint32_t sender, const struct message *m)
{
	r->step_fs = m->there_fs - r->first_fs;
	r->peer_step = (int32_t)(m->peer - r->peer);
	r->flip_step = (int32_t)((m->peer ^ sender) - (r->peer ^ sender));
	r->n_step = (int32_t)(m->n - r->n);
	return r->peer_step || r->n_step;
}

static bool joins(struct run *r, uint32_t sender, const struct message *m)
{
	uint32_t i = r->count;
	bool strides, flips;

	if (r->kind != m->kind || r->serial_fs != m->serial_fs || i > INT32_MAX)
		return false;
	if (i == 1)
		return join_second(r, sender, m);
	strides = r->strides && m->peer == r->peer + i * (uint32_t)r->peer_step;
	flips = r->flips && (m->peer ^ sender) == (r->peer ^ sender) + i * (uint32_t)r->flip_step;
	if ((!strides && !flips) || m->n != r->n + i * (uint32_t)r->n_step ||
	    (uint64_t)m->there_fs != (uint64_t)r->first_fs + i * (uint64_t)r->step_fs)
		return false;
	r->strides = strides;
	r->flips = flips;
	return true;
}

int flight_add(struct runs *runs, struct flight *flight, uint32_t sender, const struct message *m,
	       struct rg_err *err)
{
	struct flight_list *l = &flight->list[is_credit(m->kind)];
	uint32_t at;
	int rc;

	if (l->tail != NO_RUN && joins(&runs->list[l->tail], sender, m)) {
		runs->list[l->tail].count++;
		runs->list[l->tail].left++;
		runs->nmessages[m->kind]++;
		return 0;
	}
	rc = take_run(runs, &at, err);
	if (rc)
		return rc;
	runs->list[at] = (struct run){
		.first_fs = m->there_fs,
		.serial_fs = m->serial_fs,
		.peer = m->peer,
		.n = m->n,
		.count = 1,
		.left = 1,
		.next = NO_RUN,
		.kind = m->kind,
		.strides = true,
		.flips = true,
	};
	if (l->tail == NO_RUN)
		l->head = at;
	else
		runs->list[l->tail].next = at;
	l->tail = at;
	runs->nmessages[m->kind]++;
	return 0;
}

/* i with difference = i * step; false if there is none that is in the run. */
static bool divide(const struct run *r, int32_t difference, int32_t step, uint32_t *out)
{
	int32_t i;

	if (step == 1) {
		i = difference;
	} else if (step == 0 || difference % step) {
		return false;
	} else {
		i = difference / step;
	}
	*out = (uint32_t)i;
	return i >= 0 && (uint32_t)i < r->count;
}

/* Which of the run's messages is the one to that peer with that number? */
static bool index_in(const struct run *r, uint32_t sender, uint32_t peer, uint32_t n, uint32_t *out)
{
	if (r->count == 1 || (r->peer == peer && r->n == n)) {
		*out = 0;
		return r->peer == peer && r->n == n;
	}
	if (r->peer_step == 0)
		return r->peer == peer && divide(r, (int32_t)(n - r->n), r->n_step, out);
	if (r->strides) {
		if (!divide(r, (int32_t)(peer - r->peer), r->peer_step, out))
			return false;
	} else if (!divide(r, (int32_t)((peer ^ sender) - (r->peer ^ sender)), r->flip_step, out)) {
		return false;
	}
	return n == r->n + *out * (uint32_t)r->n_step;
}

static void unlink_run(struct runs *runs, struct flight_list *l, uint32_t at, uint32_t before)
{
	struct run *r = &runs->list[at];

	if (before == NO_RUN)
		l->head = r->next;
	else
		runs->list[before].next = r->next;
	if (l->tail == at)
		l->tail = before;
	r->next = runs->unused;
	runs->unused = at + 1;
}

bool flight_find(struct runs *runs, struct flight *flight, uint32_t sender, struct message *m,
		 bool take)
{
	struct flight_list *l = &flight->list[is_credit(m->kind)];
	uint32_t before = NO_RUN, i;

	for (uint32_t at = l->head; at != NO_RUN; before = at, at = runs->list[at].next) {
		struct run *r = &runs->list[at];

		if (r->kind != m->kind || !index_in(r, sender, m->peer, m->n, &i))
			continue;
		m->there_fs = r->first_fs + (int64_t)i * r->step_fs;
		m->serial_fs = r->serial_fs;
		if (take) {
			runs->nmessages[r->kind]--;
			if (--r->left == 0)
				unlink_run(runs, l, at, before);
		}
		return true;
	}
	return false;
}
