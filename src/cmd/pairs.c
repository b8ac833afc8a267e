/* SPDX-License-Identifier: BSD-3-Clause */
/* railgauge pairs and railgauge pingpong: the command lines. */
#include "config.h"

#include "pairs.h"
#include "cmd.h"

#include "railgauge/base/mem.h"

#include <string.h>

#define USUAL_OUTSTANDING 64

/* Is the option of that name anything but what it is by default? */
static bool is_given(const struct pairs *p, const char *name)
{
	size_t n = 0;

	for (const struct rg_opt *const *table = p->command->tables; *table; table++) {
		for (const struct rg_opt *row = *table; row->name; row++, n++) {
			if (!strcmp(row->name, name))
				return p->origins.of[n] != RG_OPT_FROM_DEFAULT;
		}
	}
	return false;
}

/* Does or may the lane of verbs be used? */
static bool may_be_verbs(const struct pairs *p)
{
	const char *name = p->options.transport;

	return !strcmp(name, PAIRS_VERBS) || !strcmp(name, "auto");
}

/* --outstanding, or what suits the other numbers. */
static uint32_t choose_outstanding(const struct pairs *p)
{
	const struct pairs_options *o = &p->options;
	int64_t n = o->post_list > USUAL_OUTSTANDING ? o->post_list : USUAL_OUTSTANDING;

	if (o->outstanding)
		n = o->outstanding;
	else if (may_be_verbs(p) && n > p->verbs.depth)
		n = p->verbs.depth;
	return (uint32_t)n;
}

static int check_verbs(const struct pairs *p, struct rg_err *err)
{
	if (is_given(p, "verbs.notify"))
		return rg_err_set(err, RG_ERR_INVALID,
				  "--verbs.notify: here --op says how messages go");
	if (p->outstanding > p->verbs.depth)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--outstanding %u: a queue pair takes --verbs.depth %lld",
				  p->outstanding, (long long)p->verbs.depth);
	return rg_verbs_options_check(&p->verbs, err);
}

/* What is for one kind of transport only. */
static int check_transport(const struct pairs *p, struct rg_err *err)
{
	const struct pairs_options *o = &p->options;

	if (may_be_verbs(p))
		return check_verbs(p, err);
	if (o->op != RG_LANE_OP_WRITE)
		return rg_err_set(err, RG_ERR_INVALID, "--op %s needs --transport verbs",
				  rg_lane_op_words[o->op]);
	if (o->post_list > 1)
		return rg_err_set(err, RG_ERR_INVALID, "--post-list needs --transport verbs");
	return 0;
}

static int check_lists(const struct pairs *p, struct rg_err *err)
{
	const struct pairs_options *o = &p->options;

	if (o->post_list <= p->outstanding)
		return 0;
	if (o->outstanding)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--post-list %lld: more than may be under way, --outstanding "
				  "%lld",
				  (long long)o->post_list, (long long)o->outstanding);
	return rg_err_set(err, RG_ERR_INVALID,
			  "--post-list %lld: a queue pair takes --verbs.depth %lld",
			  (long long)o->post_list, (long long)p->verbs.depth);
}

static int check(const struct pairs *p, struct rg_err *err)
{
	const struct pairs_options *o = &p->options;
	int rc;

	if (p->two && o->threads && o->threads != 2)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--threads %lld: pingpong is between 2 ranks; railgauge pairs "
				  "measures all pairs of more",
				  (long long)o->threads);
	if (o->json && o->csv && rg_cmd_same_file(o->json, o->csv))
		return rg_err_set(err, RG_ERR_INVALID,
				  "--json and --csv both name the file %s: they need one each",
				  o->json);
	rc = is_given(p, "bind") ? ranks_check_bind(o->threads, err) : 0;
	if (!rc)
		rc = check_lists(p, err);
	return rc ? rc : check_transport(p, err);
}

static int parse(struct pairs *p, struct rg_err *err)
{
	/* The command's own table and the common one fill the same struct. */
	void *const bases[] = PAIRS_BASES(p);
	int first, rc;

	rc = rg_opt_parse(p->command, p->argc, p->argv, bases, &p->origins, &first, err);
	if (!rc)
		rc = pairs_items(p, err);
	if (rc)
		return rc;
	p->outstanding = choose_outstanding(p);
	return check(p, err);
}

static int run(struct pairs *p)
{
	struct rg_err err = {0};
	int rc = parse(p, &err), status;

	if (rc > 0)
		return 0;
	p->ranks.name = p->command->name;
	p->ranks.library = p->options.mpi;
	p->ranks.nthreads = p->options.threads;
	p->ranks.bind = p->options.bind == PAIRS_BIND_CORE;
	p->ranks.timeout_ns = p->options.timeout_ns;
	p->ranks.start_ns = p->options.start_timeout_ns;
	p->ranks.life = pairs_rank;
	p->ranks.command = p;
	status = ranks_run(&p->ranks, rc, &err);
	rg_free(p->items);
	return status;
}

int cmd_pairs(int argc, char **argv)
{
	struct pairs p = {.command = &pairs_command, .argc = argc, .argv = argv};

	return run(&p);
}

int cmd_pingpong(int argc, char **argv)
{
	struct pairs p = {.command = &pingpong_command, .two = true, .argc = argc, .argv = argv};

	return run(&p);
}
