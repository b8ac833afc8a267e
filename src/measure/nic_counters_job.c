/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/nic_counters_job.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/launch/process.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What a rank says of itself. Plain bytes. */
struct introduction {
	struct rg_node node; /* its name does not count: adapters are the kernel's */
	char host[64];
	uint32_t n;
	struct rg_nic_port ports[RG_NIC_PORTS_MAX];
};

/* A port, and who reads it; equal on all ranks. */
struct job_port {
	uint32_t rank;
	char host[64];
	struct rg_nic_port port;
};

/* What a rank found out about one of its ports. */
struct finding {
	uint64_t stale_ns;
	uint32_t read, nmoved;
	uint32_t gone; /* 0, 1 */
	uint32_t unused;
};

struct rg_nic_job {
	struct rg_rendezvous *rdv; /* borrowed */
	const char *root;	   /* borrowed */
	uint64_t timeout_ns;
	uint32_t nports;
	struct job_port *ports;	     /* owned, [nports], by rank */
	uint32_t nmine, first;	     /* of ports[]: this rank's */
	uint32_t most;		     /* ports of the rank that reads most */
	struct rg_nic_reading *last; /* owned, [nmine] */
	bool begun;		     /* there was a reading */
	/* Of the last interval, of all ranks; rank 0 keeps it. */
	struct finding *findings;   /* owned, [nranks][most]; NULL: there was no interval */
	struct rg_nic_moved *moved; /* owned: the rows of ports[], one port's after another's */
};

/*
 * What moved is exchanged in pieces, so that it takes a rank no more memory than this and a row of
 * each: few ranks have rows, and all bring as many to an exchange.
 */
#define PIECE_BYTES ((size_t)256 << 10)

static int no_memory(struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the adapters' counters");
}

static int agree(struct rg_nic_job *job, int rc, struct rg_err *err)
{
	return rg_rendezvous_agree(job->rdv, rc, rg_clock_ns() + job->timeout_ns, err);
}

static int gather(struct rg_nic_job *job, const void *mine, void *all, size_t len_bytes,
		  struct rg_err *err)
{
	return rg_rendezvous_allgather(job->rdv, mine, all, len_bytes,
				       rg_clock_ns() + job->timeout_ns, err);
}

/* --- who reads what --- */

static bool same_kernel(const struct rg_node *a, const struct rg_node *b)
{
	return a->kernel[0] && !strncmp(a->kernel, b->kernel, sizeof(a->kernel));
}

/* RDMA devices are the kernel's, interfaces the network namespace's. */
static bool same_port(const struct introduction *a, const struct rg_nic_port *p,
		      const struct introduction *b, const struct rg_nic_port *q)
{
	if (!same_kernel(&a->node, &b->node) || p->port != q->port)
		return false;
	if (p->port)
		return !strcmp(p->device, q->device);
	return a->node.network && a->node.network == b->node.network &&
	       !strcmp(p->netdev, q->netdev);
}

static bool is_taken(const struct rg_nic_job *job, const struct introduction *all, uint32_t rank,
		     const struct rg_nic_port *port)
{
	for (uint32_t i = 0; i < job->nports; i++) {
		const struct job_port *taken = &job->ports[i];

		if (same_port(&all[taken->rank], &taken->port, &all[rank], port))
			return true;
	}
	return false;
}

/* Does an earlier port read TCP's counters of rank's network namespace? */
static bool has_tcp(const struct rg_nic_job *job, const struct introduction *all, uint32_t rank)
{
	const struct rg_node *node = &all[rank].node;

	for (uint32_t i = 0; i < job->nports; i++) {
		const struct rg_node *other = &all[job->ports[i].rank].node;

		if (job->ports[i].port.tcp && node->network && node->network == other->network &&
		    same_kernel(node, other))
			return true;
	}
	return false;
}

/* All ranks come to the same. */
static void deal(struct rg_nic_job *job, const struct introduction *all)
{
	for (uint32_t r = 0; r < job->rdv->nranks; r++) {
		uint32_t from = job->nports;

		for (uint32_t i = 0; i < all[r].n; i++) {
			struct job_port *next = &job->ports[job->nports];

			if (is_taken(job, all, r, &all[r].ports[i]))
				continue;
			*next = (struct job_port){.rank = r, .port = all[r].ports[i]};
			memcpy(next->host, all[r].host, sizeof(next->host));
			next->port.tcp = next->port.tcp && !has_tcp(job, all, r);
			job->nports++;
		}
		if (job->nports - from > job->most)
			job->most = job->nports - from;
		if (r == job->rdv->rank) {
			job->first = from;
			job->nmine = job->nports - from;
		}
	}
}

static int introduce(const struct rg_nic_port *mine, uint32_t n, struct introduction *out,
		     struct rg_err *err)
{
	memset(out, 0, sizeof(*out));
	if (gethostname(out->host, sizeof(out->host) - 1))
		snprintf(out->host, sizeof(out->host), "unknown");
	out->n = n;
	memcpy(out->ports, mine, n * sizeof(*mine));
	return rg_node_here("", &out->node, err);
}

/* Everybody's ports, then who reads which. all[nranks] is scratch. */
static int meet(struct rg_nic_job *job, const struct introduction *mine, struct introduction *all,
		struct rg_err *err)
{
	uint32_t n = 0;
	int rc = gather(job, mine, all, sizeof(*mine), err);

	if (rc)
		return rc;
	for (uint32_t r = 0; r < job->rdv->nranks; r++)
		n += all[r].n;
	job->ports = rg_zalloc((size_t)n + 1, sizeof(*job->ports));
	if (job->ports)
		deal(job, all);
	job->last = rg_zalloc((size_t)job->nmine + 1, sizeof(*job->last));
	return agree(job, job->ports && job->last ? 0 : no_memory(err), err);
}

int rg_nic_job_open(struct rg_rendezvous *rdv, const char *root, const struct rg_nic_port *mine,
		    uint32_t n, uint64_t timeout_ns, struct rg_nic_job **out, struct rg_err *err)
{
	struct rg_nic_job *job = rg_zalloc(1, sizeof(*job));
	struct introduction *all = rg_zalloc((size_t)rdv->nranks + 1, sizeof(*all));
	struct rg_nic_job begin = {.rdv = rdv, .root = root, .timeout_ns = timeout_ns};
	int rc = job && all ? introduce(mine, n, &all[rdv->nranks], err) : no_memory(err);

	rc = agree(&begin, rc, err);
	if (!rc) {
		*job = begin;
		rc = meet(job, &all[rdv->nranks], all, err);
	}
	rg_free(all);
	if (rc) {
		rg_nic_job_close(job);
		return rc;
	}
	*out = job;
	return 0;
}

void rg_nic_job_close(struct rg_nic_job *job)
{
	if (!job)
		return;
	for (uint32_t i = 0; job->last && i < job->nmine; i++)
		rg_nic_reading_release(&job->last[i]);
	rg_free(job->last);
	rg_free(job->ports);
	rg_free(job->findings);
	rg_free(job->moved);
	rg_free(job);
}

uint32_t rg_nic_job_nports(const struct rg_nic_job *job)
{
	return job->nports;
}

/* --- reading --- */

/* This rank's part of an interval. */
struct part {
	struct finding *findings;  /* owned, [most] */
	struct rg_nic_moved *rows; /* owned, [n] */
	uint32_t n;
};

static int append(struct part *part, const struct rg_nic_moved *rows, uint32_t n,
		  struct rg_err *err)
{
	struct rg_nic_moved *more;

	if (!n)
		return 0;
	more = rg_realloc(part->rows, ((size_t)part->n + n) * sizeof(*more));
	if (!more)
		return no_memory(err);
	memcpy(more + part->n, rows, n * sizeof(*more));
	part->rows = more;
	part->n += n;
	return 0;
}

/* Reads port i of this rank's, and compares it with the reading before. */
static int read_port(struct rg_nic_job *job, uint32_t i, struct part *part, struct rg_err *err)
{
	struct finding *f = &part->findings[i];
	struct rg_nic_reading now = {0};
	struct rg_nic_moved *rows = NULL;
	uint32_t n = 0;
	int rc = rg_nic_read(job->root, &job->ports[job->first + i].port, &now, err);

	if (!rc)
		rc = rg_nic_compare(&job->last[i], &now, &rows, &n, err);
	if (!rc)
		rc = append(part, rows, n, err);
	rg_free(rows);
	if (rc) {
		rg_nic_reading_release(&now);
		return rc;
	}
	f->read = now.n;
	f->nmoved = n;
	f->gone = !now.n;
	rg_nic_reading_release(&job->last[i]);
	job->last[i] = now;
	return 0;
}

static int read_mine(struct rg_nic_job *job, struct part *part, struct rg_err *err)
{
	struct rg_nic_port mine[RG_NIC_PORTS_MAX];
	uint64_t stale;
	int rc = 0;

	part->findings = rg_zalloc((size_t)job->most + 1, sizeof(*part->findings));
	if (!part->findings)
		return no_memory(err);
	for (uint32_t i = 0; i < job->nmine; i++)
		mine[i] = job->ports[job->first + i].port;
	stale = rg_nic_settle(job->root, mine, job->nmine);
	for (uint32_t i = 0; !rc && i < job->nmine; i++) {
		rc = read_port(job, i, part, err);
		part->findings[i].stale_ns = stale;
	}
	return rc;
}

/* How many rows a rank has found. */
static uint32_t rows_of(const struct rg_nic_job *job, const struct finding *findings, uint32_t rank)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < job->most; i++)
		n += findings[(size_t)rank * job->most + i].nmoved;
	return n;
}

/* Rows from done on of each rank, [nranks][n] of them, to their places among all rows. */
static void place(const struct rg_nic_job *job, const struct finding *findings,
		  const struct rg_nic_moved *rows, uint32_t done, uint32_t n,
		  struct rg_nic_moved *moved)
{
	for (uint32_t r = 0; r < job->rdv->nranks; r++) {
		uint32_t have = rows_of(job, findings, r), here = have > done ? have - done : 0;

		if (here)
			memcpy(moved + done, rows + (size_t)r * n,
			       (here < n ? here : n) * sizeof(*rows));
		moved += have;
	}
}

/* All ranks' rows, on rank 0 into moved; the longest rank has most of them. */
static int share_rows(struct rg_nic_job *job, const struct part *part,
		      const struct finding *findings, uint32_t most, struct rg_nic_moved *moved,
		      struct rg_err *err)
{
	size_t fit = PIECE_BYTES / sizeof(*moved) / job->rdv->nranks;
	uint32_t n = fit > most ? most : fit ? (uint32_t)fit : 1;
	struct rg_nic_moved *mine = rg_zalloc(n, sizeof(*mine));
	struct rg_nic_moved *all = rg_zalloc((size_t)job->rdv->nranks * n, sizeof(*all));
	int rc = agree(job, mine && all ? 0 : no_memory(err), err);

	for (uint32_t done = 0; !rc && done < most; done += n) {
		uint32_t left = part->n > done ? part->n - done : 0;

		if (left)
			memcpy(mine, part->rows + done, (left < n ? left : n) * sizeof(*mine));
		rc = gather(job, mine, all, n * sizeof(*mine), err);
		if (!rc && job->rdv->rank == 0)
			place(job, findings, all, done, n, moved);
	}
	rg_free(mine);
	rg_free(all);
	return rc;
}

/* What all ranks have found, to rank 0 into the job. */
static int share(struct rg_nic_job *job, const struct part *part, struct rg_err *err)
{
	uint32_t nranks = job->rdv->nranks, most = 0;
	struct finding *findings = rg_zalloc((size_t)nranks * job->most, sizeof(*findings));
	struct rg_nic_moved *moved = NULL;
	size_t total = 0;
	int rc = agree(job, findings ? 0 : no_memory(err), err);

	if (!rc)
		rc = gather(job, part->findings, findings, job->most * sizeof(*findings), err);
	for (uint32_t r = 0; !rc && r < nranks; r++) {
		uint32_t n = rows_of(job, findings, r);

		total += n;
		most = n > most ? n : most;
	}
	if (!rc && job->rdv->rank == 0)
		moved = rg_zalloc(total + 1, sizeof(*moved));
	if (!rc)
		rc = agree(job, moved || job->rdv->rank ? 0 : no_memory(err), err);
	if (!rc && most)
		rc = share_rows(job, part, findings, most, moved, err);
	if (rc || job->rdv->rank) {
		rg_free(findings);
		rg_free(moved);
		return rc;
	}
	rg_free(job->findings);
	rg_free(job->moved);
	job->findings = findings;
	job->moved = moved;
	return 0;
}

int rg_nic_job_read(struct rg_nic_job *job, struct rg_err *err)
{
	struct part part = {0};
	int rc;

	if (!job->nports)
		return 0;
	rc = read_mine(job, &part, err);
	rc = agree(job, rc, err);
	if (!rc && job->begun)
		rc = share(job, &part, err);
	job->begun = true;
	rg_free(part.findings);
	rg_free(part.rows);
	return rc;
}

/* --- into a document --- */

static int add_nics(const struct rg_nic_job *job, struct rg_counters *counters, struct rg_err *err)
{
	int rc = 0;

	for (uint32_t i = counters->nnics; !rc && i < job->nports; i++) {
		const struct job_port *p = &job->ports[i];
		struct rg_counters_nic nic = {.rank = p->rank, .port = p->port.port};

		snprintf(nic.host, sizeof(nic.host), "%s", p->host);
		snprintf(nic.device, sizeof(nic.device), "%s",
			 p->port.port ? p->port.device : p->port.netdev);
		snprintf(nic.netdev, sizeof(nic.netdev), "%s", p->port.netdev);
		rc = rg_counters_add_nic(counters, &nic, err);
	}
	return rc;
}

int rg_nic_job_add(const struct rg_nic_job *job, uint32_t first_point, uint32_t npoints,
		   struct rg_counters *counters, struct rg_err *err)
{
	const struct rg_nic_moved *rows = job->moved;
	const struct finding *f = NULL;
	int rc = add_nics(job, counters, err);

	for (uint32_t i = 0; !rc && job->findings && i < job->nports; i++) {
		uint32_t rank = job->ports[i].rank;
		struct rg_counters_reading reading = {
			.nic = i, .first_point = first_point, .npoints = npoints};

		/* Ports are by rank. */
		if (!i || job->ports[i - 1].rank != rank)
			f = &job->findings[(size_t)rank * job->most];
		reading.read = f->read;
		reading.gone = f->gone;
		reading.stale_ns = f->stale_ns;
		rc = rg_counters_add_reading(counters, &reading, rows, f->nmoved, err);
		rows += f->nmoved;
		f++;
	}
	return rc;
}
