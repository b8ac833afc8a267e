/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose decisions these will be: what the launcher's first launch says, and the journal's question.
 */
#include "config.h"

#include "driver.h"
#include "tune.h"

#include "railgauge/base/log.h"
#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"
#include "railgauge/device/types.h"
#include "railgauge/launch/build.h"
#include "railgauge/topo/topo.h"
#include "railgauge/tune/binding.h"
#include "railgauge/tune/trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Any size that all types have. */
#define FIRST_POINTS "64=mpi"

static char **copy_strings(char *const *strings, uint32_t n)
{
	char **copy = rg_zalloc(n ? n : 1, sizeof(*copy));

	for (uint32_t i = 0; copy && i < n; i++) {
		copy[i] = rg_strdup(strings[i]);
		if (copy[i])
			continue;
		while (i > 0)
			rg_free(copy[--i]);
		rg_free(copy);
		return NULL;
	}
	return copy;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int take_hosts(const struct rg_result *result, struct rg_decisions *d)
{
	char **names = rg_zalloc(result->nmachines + 1, sizeof(*names));

	for (uint32_t i = 0; names && i < result->nmachines; i++)
		names[i] = (char *)result->machines[i].host;
	if (!names)
		return RG_ERR_NO_MEMORY;
	d->hosts = copy_strings(names, result->nmachines);
	rg_free(names);
	if (!d->hosts)
		return RG_ERR_NO_MEMORY;
	d->nhosts = result->nmachines; /* a host is in a result only once */
	qsort(d->hosts, d->nhosts, sizeof(*d->hosts), by_name);
	return 0;
}

static int take_identity(struct tune *t, const struct rg_result *result, struct rg_err *err)
{
	struct rg_decisions *d = t->decisions;

	snprintf(d->library, sizeof(d->library), "%s", result->run.mpi ? result->run.mpi : "");
	snprintf(d->mpi, sizeof(d->mpi), "%s", result->run.rendezvous);
	d->nranks = result->run.nranks;
	d->nnodes = result->nmachines;
	d->seed = (uint64_t)t->options.seed;
	snprintf(d->type, sizeof(d->type), "%s", rg_type_words[t->options.type]);
	snprintf(d->op, sizeof(d->op), "%s", rg_op_words[t->options.op]);
	d->in_place = t->options.place == TUNE_PLACE_IN;
	driver_transport(t->launcher, d->transport, sizeof(d->transport));
	for (d->nlauncher = 0; t->launcher[d->nlauncher];)
		d->nlauncher++;
	d->launcher = copy_strings(t->launcher, d->nlauncher);
	if (!d->launcher || take_hosts(result, d))
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the decisions");
	return 0;
}

static int check_order(const struct rg_result *result, struct rg_decisions *d, struct rg_err *err)
{
	const char **rank_hosts = rg_zalloc(result->nranks + 1, sizeof(*rank_hosts));

	if (!rank_hosts)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the binding");
	for (uint32_t r = 0; r < result->nranks; r++)
		rank_hosts[r] = result->ranks[r].host;
	rg_binding_check_order(rank_hosts, result->nranks, (const char *const *)d->hosts, d->nhosts,
			       &d->binding);
	rg_free(rank_hosts);
	return 0;
}

/* How ranks should be bound: by this machine's topology, if the hosts are like it. */
static int take_binding(const struct rg_result *result, struct rg_decisions *d, struct rg_err *err)
{
	const char **hashes = rg_zalloc(result->nmachines + 1, sizeof(*hashes));
	struct rg_err why = {0};
	struct rg_topo *topo;
	int rc;

	if (!hashes)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the binding");
	for (uint32_t i = 0; i < result->nmachines; i++)
		hashes[i] = result->machines[i].topo_hash;
	if (rg_topo_live(0, &topo, &why)) {
		snprintf(d->binding.why, sizeof(d->binding.why), "%.*s",
			 (int)sizeof(d->binding.why) - 1, why.text);
		rg_free(hashes);
		return 0;
	}
	rc = rg_binding_find(topo, d->nranks, d->nnodes, hashes, result->nmachines, &d->binding,
			     err);
	rg_topo_close(topo);
	rg_free(hashes);
	return rc ? rc : check_order(result, d, err);
}

/* Rules of before would be measured as the library's own choice, and later be gone. */
static int check_rules(const struct rg_result *result, struct rg_err *err)
{
	const char *rules = result->run.rules;

	if (!rules || !strcmp(rules, RG_MPI_NO_RULES))
		return 0;
	return rg_err_set(
		err, RG_ERR_INVALID,
		"the job goes by rules of its own (%.200s), or would once rules are on, so "
		"the library would not choose by itself: take what sets coll_tuned's "
		"variables out of the environment, the launcher's words or the file of "
		"parameters ($HOME/.openmpi/mca-params.conf?)",
		rules);
}

/* Is that a job for which something can be decided and written? */
static int check_job(struct tune *t, const struct rg_result *result, struct rg_err *err)
{
	int rc;

	if (result->run.nranks < 2)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "the launcher starts one rank: there is nothing to choose");
	rc = rg_emitter_of(t->decisions, &t->emitter, err);
	if (!rc)
		rc = t->emitter->accepts(t->decisions, err);
	if (!rc)
		rc = check_rules(result, err);
	if (!rc)
		rc = rg_ompi_version_of(t->decisions->library, &t->version, err);
	if (!rc && result->points[0].stop == RG_STOP_NOT_RUN)
		rc = rg_err_set(err, RG_ERR_UNSUPPORTED, "the first launch did not measure: %s",
				result->points[0].note ? result->points[0].note : "no reason");
	return rc;
}

/* The launcher does not work, or bench does not work under it. */
static int explain(const struct rg_trial *trial, struct rg_err *err)
{
	int code = RG_ERR_PEER;

	if (trial->end == RG_TRIAL_DEADLINE)
		code = RG_ERR_TIMEOUT;
	else if (trial->end == RG_TRIAL_FAILED &&
		 trial->exit_code == rg_err_exit(RG_ERR_UNSUPPORTED))
		code = RG_ERR_UNSUPPORTED;
	return rg_err_set(err, code, "the first launch failed: %s", trial->why);
}

int tune_meet(struct tune *t, struct rg_err *err)
{
	const struct rg_ompi_function *any = rg_ompi_function_of(RG_COLL_ALLREDUCE, RG_MPI_USUAL);
	const struct tune_measure what = {.function = any,
					  .points = FIRST_POINTS,
					  .once = true,
					  .limit_ns = driver_limit(t->options.limit_ns, 0, 0)};
	struct rg_trial trial;
	int rc = tune_trial(t, &what, &trial, err);

	if (rc)
		return rc;
	t->overhead_ns = trial.took_ns;
	if (trial.end != RG_TRIAL_DONE || trial.result->npoints == 0)
		rc = explain(&trial, err);
	if (!rc)
		rc = take_identity(t, trial.result, err);
	if (!rc)
		rc = check_job(t, trial.result, err);
	if (!rc)
		rc = take_binding(trial.result, t->decisions, err);
	rg_trial_release(&trial);
	return rc;
}

static json_t *strings_to_json(char *const *strings, uint32_t n)
{
	json_t *array = json_array();

	for (uint32_t i = 0; array && i < n; i++) {
		if (!json_array_append_new(array, json_string(strings[i])))
			continue;
		json_decref(array);
		array = NULL;
	}
	return array;
}

json_t *tune_question(const struct tune *t)
{
	const struct rg_decisions *d = t->decisions;
	const struct tune_options *o = &t->options;
	char *environment = driver_environment();
	json_t *question;

	if (!environment)
		return NULL;
	question = json_pack("{s:o,s:s,s:i,s:o,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:f,s:I,s:b,s:I,s:s}",
			     "launcher", strings_to_json(d->launcher, d->nlauncher), "library",
			     d->library, "nranks", (int)d->nranks, "hosts",
			     strings_to_json(d->hosts, d->nhosts), "transport", d->transport,
			     "environment", environment, "place", d->in_place ? "in" : "out",
			     "datatype", d->type, "op", d->op, "minbytes", (json_int_t)o->min_bytes,
			     "maxbytes", (json_int_t)o->max_bytes, "stepfactor", o->factor,
			     "launches", (json_int_t)o->launches, "exhaustive", o->exhaustive,
			     "seed", (json_int_t)o->seed, "build", rg_build_id());
	rg_free(environment);
	return question;
}

int tune_sizes(const struct tune *t, const struct rg_ompi_function *function, uint64_t *sizes,
	       uint32_t *n_out, uint64_t *unit_out, struct rg_err *err)
{
	uint64_t element = rg_type_bytes(t->options.type), total = (uint64_t)1 << 20, unit;
	uint32_t nranks = t->decisions->nranks, n = 0;
	bool last = false;

	/* Where buffers are made of blocks, one for each rank, sizes are, too. */
	unit = rg_coll_block_count(function->coll, total * nranks, nranks) == total
		       ? element * nranks
		       : element;
	*unit_out = unit;
	*n_out = 1;
	sizes[0] = 0;
	if (function->coll == RG_COLL_BARRIER)
		return 0;
	for (double at = (double)t->options.min_bytes; !last; at *= t->options.factor) {
		uint64_t rounded;

		/* The largest size is one of them whatever the factor. */
		last = at >= (double)t->options.max_bytes * 0.9999;
		at = last ? (double)t->options.max_bytes : at;
		rounded = ((uint64_t)(at + 0.5) + unit / 2) / unit * unit;
		rounded = rounded ? rounded : unit;
		if (n > 0 && rounded <= sizes[n - 1])
			continue;
		if (n == TUNE_SIZES_MAX)
			return rg_err_set(err, RG_ERR_RANGE,
					  "--stepfactor: more than %d sizes; take larger steps",
					  TUNE_SIZES_MAX);
		sizes[n++] = rounded;
	}
	*n_out = n;
	return 0;
}
