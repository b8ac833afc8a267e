/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/tune/trial.h"

#include "orphans.h"
#include "words.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/json.h"
#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"
#include "railgauge/launch/child.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * For the launcher to end its ranks and to remove its files: Open MPI's takes two seconds and more,
 * and leaves ompi.HOST.UID in TMPDIR if it is killed before. A second Ctrl-C ends the wait.
 */
#define GRACE_NS ((uint64_t)10000000000)

/* How often we look at what it wrote, and at the caller's flag. */
#define LOOK_NS ((uint64_t)100000000)

/* Where words are looked for: in what came last. They are short. */
#define TAIL_BYTES ((size_t)64 << 10)

/* A launch while it runs. */
struct launch {
	const struct rg_trial_spec *spec;
	struct rg_child_group *group;
	uint32_t index;
	int output, errors; /* descriptors, owned */
	bool late, flood;   /* we ended it, and why */
	struct rg_child_end end;
};

static uint32_t count(char *const *words)
{
	uint32_t n = 0;

	while (words[n])
		n++;
	return n;
}

/* launcher, program, args as one array; before them what sources the file. */
static char **command_of(const struct rg_trial_spec *spec)
{
	static char *const source[] = {(char *)"sh", (char *)"-c",
				       (char *)". \"$0\" && exec \"$@\""};
	uint32_t nlauncher = count(spec->launcher), nargs = count(spec->args), n = 0;
	char **argv = rg_zalloc((size_t)nlauncher + nargs + 6, sizeof(*argv));

	if (!argv)
		return NULL;
	if (spec->env_file) {
		memcpy(argv, source, sizeof(source));
		n = sizeof(source) / sizeof(source[0]);
		argv[n++] = (char *)spec->env_file;
	}
	memcpy(argv + n, spec->launcher, nlauncher * sizeof(*argv));
	n += nlauncher;
	argv[n++] = (char *)spec->program;
	memcpy(argv + n, spec->args, nargs * sizeof(*argv));
	return argv;
}

static int start(struct launch *l, struct rg_err *err)
{
	const int stdio[3] = {-1, l->output, l->errors};
	struct rg_child_spec spec = {.env = l->spec->env, .stdio = stdio};
	char **argv = command_of(l->spec);
	int rc;

	if (!argv)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a command line");
	spec.argv = argv;
	rc = rg_child_start(l->group, &spec, &l->index, err);
	rg_free(argv);
	return rc;
}

static bool is_flood(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_size > (off_t)RG_TRIAL_OUTPUT_MAX_BYTES;
}

static int interrupted(const struct launch *l, struct rg_err *err)
{
	if (l->spec->interrupted && *l->spec->interrupted)
		return rg_err_set(err, RG_ERR_INTERRUPTED, "interrupted");
	return 0;
}

/* Until the launcher has ended, by itself or by us. */
static int watch(struct launch *l, uint64_t deadline_ns, struct rg_err *err)
{
	for (;;) {
		uint64_t now = rg_clock_ns(), look_ns = now + LOOK_NS;
		int rc = interrupted(l, err);

		if (rc)
			return rc;
		l->late = now >= deadline_ns;
		l->flood = is_flood(l->output) || is_flood(l->errors);
		if (l->late || l->flood)
			rg_child_group_end(l->group, GRACE_NS);
		rc = rg_child_wait(l->group, look_ns < deadline_ns ? look_ns : deadline_ns, &l->end,
				   err);
		if (rc == 1)
			return 0;
		if (l->late || l->flood) /* not even SIGKILL ended it: it is left */
			return 0;
		if (rc != RG_ERR_TIMEOUT)
			return rc ? rc
				  : rg_err_set(err, RG_ERR_INTERNAL, "a launcher without an end");
	}
}

/* Runs it, and leaves nothing of it. */
static int run(struct launch *l, uint64_t deadline_ns, struct rg_err *err)
{
	struct orphans orphans;
	int signal, rc = rg_child_group_open(&l->group, err);

	if (rc)
		return rc;
	rc = orphans_open(&orphans, err);
	if (rc)
		goto close_group;
	rc = start(l, err);
	if (rc)
		goto close_orphans;
	rc = watch(l, deadline_ns, err);
	if (rc)
		rg_child_group_end(l->group, GRACE_NS);
	if (!rg_child_runs(l->group, l->index)) /* else it hangs in the kernel, and is not reaped */
		orphans_end(&orphans);
close_orphans:
	orphans_close(&orphans);
close_group:
	/* One that came while we ended the launcher, or what it left, is meant for all of us. */
	signal = rg_child_group_close(l->group);
	return rc || !signal ? rc : rg_child_interrupted(signal, err);
}

/* The last bytes of a file, at most max of them, zero-terminated; NULL without memory. */
static char *read_tail(int fd, size_t max_bytes, size_t *len_out)
{
	struct stat st;
	size_t size = !fstat(fd, &st) && st.st_size > 0 ? (size_t)st.st_size : 0;
	size_t len = size < max_bytes ? size : max_bytes, used = 0;
	char *text = rg_alloc(len + 1);

	while (text && used < len) {
		ssize_t n = pread(fd, text + used, len - used, (off_t)(size - len + used));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	if (text)
		text[used] = '\0';
	*len_out = used;
	return text;
}

/* Launchers and what runs before a job may log lines of JSON, too. */
static bool is_result(const json_t *root)
{
	const char *schema = json_string_value(json_object_get(root, "schema"));

	return schema && !strcmp(schema, RG_RESULT_SCHEMA);
}

/*
 * The document: from the first line that begins with '{' and can be parsed as one of ours. wrong
 * stays empty, or says what is wrong with it. RG_ERR_NO_MEMORY.
 */
static int find_document(const char *text, size_t len, struct rg_result **out, struct rg_err *wrong)
{
	const char *end = text + len;
	int rc;

	for (const char *at = text; at && at < end; at = memchr(at, '\n', (size_t)(end - at))) {
		json_error_t error;
		json_t *root;

		at += *at == '\n';
		if (at == end || *at != '{')
			continue;
		root = json_loadb(at, (size_t)(end - at), JSON_DISABLE_EOF_CHECK, &error);
		if (!root && json_error_code(&error) == json_error_out_of_memory)
			return RG_ERR_NO_MEMORY;
		if (!root && !wrong->code)
			rg_err_set(wrong, RG_ERR_FORMAT, "its output is no document: line %d: %s",
				   error.line, error.text);
		if (!root || !is_result(root)) {
			json_decref(root);
			continue;
		}
		*wrong = (struct rg_err){0};
		rc = rg_result_from_json(root, "its output", out, wrong);
		json_decref(root);
		return rc == RG_ERR_NO_MEMORY ? rc : 0;
	}
	return 0;
}

/* What the launcher, or by its account a rank, ended with; 0: no signal. */
static int signal_of(const struct rg_child_end *end)
{
	if (end->signal)
		return end->signal;
	return end->exit_code > 128 && end->exit_code <= 128 + SIGRTMAX ? end->exit_code - 128 : 0;
}

static void say(struct rg_trial *trial, const char *words)
{
	const char *between = trial->why[0] && words[0] ? ": " : "";

	words_append(trial->why, sizeof(trial->why), between, strlen(between));
	words_append(trial->why, sizeof(trial->why), words, strlen(words));
}

static void classify(const struct launch *l, struct rg_trial *trial)
{
	char text[128], limit[RG_UNITS_BYTES];

	trial->signal = signal_of(&l->end);
	if (l->late) {
		trial->end = RG_TRIAL_DEADLINE;
		trial->signal = 0;
		snprintf(text, sizeof(text), "did not end within %s",
			 rg_format_time((double)l->spec->limit_ns, limit));
		say(trial, text);
	} else if (l->flood) {
		trial->end = RG_TRIAL_FAILED;
		trial->signal = 0;
		trial->exit_code = -1;
		snprintf(text, sizeof(text), "wrote more than %s",
			 rg_format_size(RG_TRIAL_OUTPUT_MAX_BYTES, limit));
		say(trial, text);
	} else if (trial->signal) {
		trial->end = RG_TRIAL_KILLED;
		snprintf(text, sizeof(text), "ended by signal %d (%s)", trial->signal,
			 strsignal(trial->signal));
		say(trial, text);
	} else {
		trial->exit_code = l->end.exit_code;
		trial->end = trial->exit_code == 0 && trial->result && trial->result->complete
				     ? RG_TRIAL_DONE
				     : RG_TRIAL_FAILED;
	}
}

/* What it said, after what ended it. */
static void explain(const struct launch *l, const char *errors, size_t errors_len,
		    const char *output, size_t output_len, const char *document,
		    struct rg_trial *trial)
{
	size_t skip = output_len > TAIL_BYTES ? output_len - TAIL_BYTES : 0;
	char said[RG_TRIAL_WORDS_BYTES] = "", status[64];
	bool bench = words_of_bench(errors, errors_len, said, sizeof(said));

	if (!bench && l->end.signal) /* what it said before has nothing to do with it */
		return;
	if (!bench && trial->end == RG_TRIAL_FAILED && trial->exit_code == 0) {
		say(trial, document[0]	   ? document
			   : trial->result ? "its result is not complete"
					   : "it ended well, but printed no result");
		return;
	}
	if (!bench && !words_of_launcher(errors, errors_len, said, sizeof(said)) && !trial->result)
		(void)words_of_launcher(output + skip, output_len - skip, said, sizeof(said));
	say(trial, said);
	snprintf(status, sizeof(status), "it ended with status %d without a word",
		 trial->exit_code);
	if (!trial->why[0])
		say(trial, status);
}

static int judge(const struct launch *l, struct rg_trial *trial, struct rg_err *err)
{
	size_t output_len, errors_len;
	char *output = read_tail(l->output, l->flood ? TAIL_BYTES : RG_TRIAL_OUTPUT_MAX_BYTES,
				 &output_len);
	char *errors = read_tail(l->errors, TAIL_BYTES, &errors_len);
	struct rg_err wrong = {0};
	int rc = output && errors ? 0 : RG_ERR_NO_MEMORY;

	if (!rc)
		rc = find_document(output, output_len, &trial->result, &wrong);
	if (!rc)
		classify(l, trial);
	else
		rg_err_set(err, rc, "no memory for what a launch wrote");
	if (!rc && trial->end != RG_TRIAL_DONE)
		explain(l, errors, errors_len, output, output_len, wrong.text, trial);
	rg_free(errors);
	rg_free(output);
	return rc;
}

int rg_trial_run(const struct rg_trial_spec *spec, struct rg_trial *out, struct rg_err *err)
{
	struct launch l = {.spec = spec, .output = -1, .errors = -1};
	struct rg_trial trial = {0};
	uint64_t begun_ns = rg_clock_ns();
	int rc = 0;

	l.output = memfd_create("railgauge-output", MFD_CLOEXEC);
	l.errors = l.output < 0 ? -1 : memfd_create("railgauge-errors", MFD_CLOEXEC);
	if (l.output < 0 || l.errors < 0)
		rc = rg_err_errno(err, errno, "memfd_create");
	if (!rc)
		rc = run(&l,
			 spec->limit_ns < UINT64_MAX - begun_ns ? begun_ns + spec->limit_ns
								: UINT64_MAX,
			 err);
	trial.took_ns = rg_clock_ns() - begun_ns;
	if (!rc)
		rc = judge(&l, &trial, err);
	if (l.errors >= 0)
		close(l.errors);
	if (l.output >= 0)
		close(l.output);
	if (!rc)
		*out = trial;
	return rc;
}

void rg_trial_release(struct rg_trial *trial)
{
	rg_result_close(trial->result);
	*trial = (struct rg_trial){0};
}
