/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "sim_impl.h"

#include "railgauge/base/mem.h"

static enum rg_hop hop_to(const struct packer *k, uint32_t rank, uint32_t peer)
{
	const uint32_t *node = k->problem->layout.node;

	return node && node[peer] != node[rank] ? RG_HOP_NETWORK : RG_HOP_NODE;
}

/* The number of the entry's shape, most often that of the one before with the same act. */
static int shape_of(struct packer *k, const struct entry *e, uint32_t rank, uint32_t *out,
		    struct rg_err *err)
{
	struct known *last = &k->known[e->act];
	enum rg_hop hop = hop_to(k, rank, e->peer);
	struct shape shape = {.work_fs = e->work_fs,
			      .bytes = e->bytes,
			      .act = e->act,
			      .kind = e->kind,
			      .hop = (uint8_t)hop};
	int rc = 0;

	if (last->set && last->work_fs == e->work_fs && last->bytes == e->bytes &&
	    last->kind == e->kind && last->hop == hop) {
		*out = last->number;
		return 0;
	}
	if (e->act == ACT_SEND && e->bytes)
		rc = sim_fs((double)(e->bytes - 1) * k->costs->hop[hop].byte_fs, &shape.serial_fs,
			    err);
	if (!rc)
		rc = shapes_number(k->shapes, &shape, out, err);
	if (!rc)
		*last = (struct known){e->work_fs, e->bytes, *out, hop, e->kind, true};
	return rc;
}

/* One channel's entries become ops. */
static int pack_channel(struct packer *k, const struct listing *l, uint32_t rank, uint32_t channel,
			struct rg_err *err)
{
	uint32_t nranks = k->problem->layout.nranks;
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct entry e = l->entries[i];
		int rc;

		if (e.channel != channel)
			continue;
		if (rank != l->rank)
			e.peer = sim_moved(k->kind, nranks, e.peer, rank);
		rc = shape_of(k, &e, rank, &k->ops[n].shape, err);
		if (rc)
			return rc;
		k->ops[n].peer = e.peer;
		k->ops[n++].n = e.n;
	}
	return tape_write(k->tape, k->ops, n, rank, nranks, err);
}

int pack(struct packer *k, const struct listing *l, uint32_t rank, size_t *starts,
	 struct rg_err *err)
{
	int rc = 0;

	if (k->cap < l->n) {
		size_t cap = k->cap ? k->cap : 1024;
		struct op *ops;

		while (cap < l->n)
			cap *= 2;
		ops = rg_realloc(k->ops, cap * sizeof(*ops));
		if (!ops)
			return rg_err_set(err, RG_ERR_NO_MEMORY,
					  "no memory to simulate a schedule");
		k->ops = ops;
		k->cap = cap;
	}
	for (uint32_t c = 0; c < k->problem->params.channels && !rc; c++) {
		starts[c] = k->tape->n;
		rc = pack_channel(k, l, rank, c, err);
	}
	return rc;
}

void pack_release(struct packer *k)
{
	rg_free(k->ops);
}
