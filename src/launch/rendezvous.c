/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/launch/rendezvous.h"

#include "railgauge/base/mem.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * What the ranks say at the head of each operation. Two ranks in different operations (a mistake
 * of the caller) exchange equal lengths but different magic words and are told so.
 */
enum {
	MAGIC_BARRIER = 0x52474241, /* "RGBA" */
	MAGIC_BCAST = 0x52474243,   /* "RGBC" */
	MAGIC_AGREE = 0x52474147,   /* "RGAG" */
};

struct opening {
	uint32_t magic;
	uint32_t root;
	uint64_t len_bytes;
};

/* One rank's part of an agreement. */
struct verdict {
	uint32_t magic;
	int32_t code;
	char host[64];
	char text[RG_ERR_TEXT_BYTES];
};

/* bcast is an allgather of everybody's piece of this size, of which only root's is kept. */
#define BCAST_PIECE_BYTES ((size_t)16 << 10)

static const char *magic_name(uint32_t magic)
{
	switch (magic) {
	case MAGIC_BARRIER:
		return "a barrier";
	case MAGIC_BCAST:
		return "a broadcast";
	case MAGIC_AGREE:
		return "an agreement";
	default:
		return "something else";
	}
}

/* The others already wait for this rank, or will: the least it can do is to release them. */
static int no_memory(struct rg_rendezvous *rdv, struct rg_err *err)
{
	struct rg_err why = {0};

	rg_err_set(&why, RG_ERR_NO_MEMORY, "rendezvous: no memory for the words of %u ranks",
		   rdv->nranks);
	rdv->ops->abort(rdv, &why);
	return rg_err_set(err, why.code, "%s", why.text);
}

/* All ranks say what they are about to do; it must be the same everywhere. */
static int open_operation(struct rg_rendezvous *rdv, const struct opening *mine,
			  uint64_t deadline_ns, struct rg_err *err)
{
	struct opening *all = rg_zalloc(rdv->nranks, sizeof(*all));
	int rc;

	if (!all)
		return no_memory(rdv, err);
	rc = rg_rendezvous_allgather(rdv, mine, all, sizeof(*all), deadline_ns, err);
	for (uint32_t r = 1; !rc && r < rdv->nranks; r++) {
		if (all[r].magic != all[0].magic)
			rc = rg_err_set(err, RG_ERR_MISMATCH,
					"rendezvous: rank 0 is in %s, rank %u in %s",
					magic_name(all[0].magic), r, magic_name(all[r].magic));
		else if (all[r].len_bytes != all[0].len_bytes || all[r].root != all[0].root)
			rc = rg_err_set(err, RG_ERR_MISMATCH,
					"rendezvous: rank 0 broadcasts %" PRIu64
					" bytes from rank %u, rank %u %" PRIu64
					" bytes from rank %u",
					all[0].len_bytes, all[0].root, r, all[r].len_bytes,
					all[r].root);
	}
	rg_free(all);
	return rc;
}

int rg_rendezvous_barrier(struct rg_rendezvous *rdv, uint64_t deadline_ns, struct rg_err *err)
{
	struct opening mine = {.magic = MAGIC_BARRIER};

	return open_operation(rdv, &mine, deadline_ns, err);
}

int rg_rendezvous_bcast(struct rg_rendezvous *rdv, void *data, size_t len_bytes, uint32_t root,
			uint64_t deadline_ns, struct rg_err *err)
{
	struct opening mine = {.magic = MAGIC_BCAST, .root = root, .len_bytes = len_bytes};
	size_t piece = len_bytes < BCAST_PIECE_BYTES ? len_bytes : BCAST_PIECE_BYTES;
	unsigned char *all;
	int rc;

	if (root >= rdv->nranks)
		return rg_err_set(err, RG_ERR_INVALID, "broadcast from rank %u of a job of %u",
				  root, rdv->nranks);
	rc = open_operation(rdv, &mine, deadline_ns, err);
	if (rc || len_bytes == 0)
		return rc;
	all = rg_zalloc(rdv->nranks, piece);
	if (!all)
		return no_memory(rdv, err);
	for (size_t done = 0; !rc && done < len_bytes; done += piece) {
		if (piece > len_bytes - done)
			piece = len_bytes - done;
		rc = rg_rendezvous_allgather(rdv, (unsigned char *)data + done, all, piece,
					     deadline_ns, err);
		if (!rc)
			memcpy((unsigned char *)data + done, all + (size_t)root * piece, piece);
	}
	rg_free(all);
	return rc;
}

static void fill_verdict(struct verdict *mine, int code, const struct rg_err *err)
{
	*mine = (struct verdict){.magic = MAGIC_AGREE, .code = code};
	if (gethostname(mine->host, sizeof(mine->host) - 1))
		mine->host[0] = '\0';
	if (code)
		snprintf(mine->text, sizeof(mine->text), "%s",
			 err && err->text[0] ? err->text : rg_err_text(code));
}

/* Did all fail with the same words? Then they are no one rank's, or name it already. */
static bool all_alike(const struct verdict *all, uint32_t n)
{
	for (uint32_t r = 1; r < n; r++) {
		if (all[r].code != all[0].code || strcmp(all[r].text, all[0].text) != 0)
			return false;
	}
	return n > 1;
}

static int judge(struct rg_rendezvous *rdv, struct verdict *all, struct rg_err *err)
{
	for (uint32_t r = 0; r < rdv->nranks; r++) {
		all[r].text[sizeof(all[r].text) - 1] = '\0';
		all[r].host[sizeof(all[r].host) - 1] = '\0';
		if (all[r].magic != MAGIC_AGREE)
			return rg_err_set(err, RG_ERR_MISMATCH,
					  "rendezvous: rank %u is in %s, rank %u in an agreement",
					  r, magic_name(all[r].magic), rdv->rank);
	}
	for (uint32_t r = 0; r < rdv->nranks; r++) {
		if (!all[r].code)
			continue;
		if (all_alike(all, rdv->nranks))
			rg_err_set(&rdv->agreed, all[r].code, "%s", all[r].text);
		else
			rg_err_set(&rdv->agreed, all[r].code, "rank %u on %s: %s", r, all[r].host,
				   all[r].text);
		return rg_err_set(err, rdv->agreed.code, "%s", rdv->agreed.text);
	}
	return 0;
}

int rg_rendezvous_agree(struct rg_rendezvous *rdv, int code, uint64_t deadline_ns,
			struct rg_err *err)
{
	struct verdict mine;
	struct verdict *all = rg_zalloc(rdv->nranks, sizeof(*all));
	struct rg_err why = {0};
	int rc;

	if (!all) {
		rc = no_memory(rdv, &why);
		/* This rank's own failure, if any, came first, and err holds its words. */
		return code ? code : rg_err_set(err, rc, "%s", why.text);
	}
	fill_verdict(&mine, code, err);
	rc = rg_rendezvous_allgather(rdv, &mine, all, sizeof(*all), deadline_ns, &why);
	if (!rc)
		rc = judge(rdv, all, err);
	else if (code)
		/* The others are elsewhere, or gone: this rank's failure came first. */
		rg_err_set(err, rc, "%s; %s", mine.text, why.text);
	else
		rg_err_set(err, rc, "%s", why.text);
	rg_free(all);
	return rc;
}

void rg_rendezvous_close(struct rg_rendezvous *rdv)
{
	if (rdv)
		rdv->ops->close(rdv);
}
