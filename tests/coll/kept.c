/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "kept.h"

#include "railgauge/base/mem.h"
#include "railgauge/device/reduce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct keeper {
	struct rg_sink sink;
	struct kept_schedule *kept;
	uint32_t channels;
};

void kept_grow(void *array, size_t *cap, size_t n, size_t each)
{
	void **a = array;

	while (*cap < n) {
		*cap = *cap ? 2 * *cap : 64;
		*a = rg_realloc(*a, *cap * each);
		assert_non_null(*a);
	}
}

static int keep(struct rg_sink *sink, const struct rg_step *step, struct rg_err *err)
{
	struct keeper *keeper = (struct keeper *)sink;
	struct kept_schedule *k = keeper->kept;

	assert_true(step->channel < keeper->channels);
	assert_true(step->nsrc <= RG_REDUCE_MAX && step->ndst <= RG_REDUCE_MAX);
	kept_grow(&k->steps, &k->cap, k->n + 1, sizeof(*k->steps));
	kept_grow(&k->refs, &k->refs_cap, k->nrefs + step->nsrc + step->ndst, sizeof(*k->refs));
	k->steps[k->n++] = (struct kept){*step, k->nrefs};
	for (uint32_t i = 0; i < step->nsrc; i++)
		k->refs[k->nrefs++] = step->src[i];
	for (uint32_t i = 0; i < step->ndst; i++)
		k->refs[k->nrefs++] = step->dst[i];
	return 0;
}

int keep_schedule(const struct rg_algorithm *row, const struct rg_problem *p, uint32_t rank,
		  struct kept_schedule *kept, struct rg_schedule_needs *needs, struct rg_err *err)
{
	struct keeper keeper = {{.step = keep}, kept, p->params.channels};
	struct rg_unroll *unroll;
	int rc;

	assert_int_equal(rg_unroll_open(&keeper.sink, &unroll, NULL), 0);
	rc = row->generate(p, rank, rg_unroll_sink(unroll), needs, err);
	rg_unroll_close(unroll);
	return rc;
}

void kept_free(struct kept_schedule *kept)
{
	rg_free(kept->steps);
	rg_free(kept->refs);
}
