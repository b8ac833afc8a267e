/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/topo/topo.h"

#include "impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_MEMORY_BYTES ((rlim_t)2 << 30)
#define CHILD_CPU_S	   10
#define ANSWER_MAX_BYTES   ((size_t)64 << 20)
#define FIRST_ROOM_BYTES   ((size_t)64 << 10)

/* Sanitizers reserve terabytes of addresses before main. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LIMIT_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LIMIT_MEMORY 0
#endif
#endif
#ifndef LIMIT_MEMORY
#define LIMIT_MEMORY 1
#endif

/* What the parent knows of the child. */
struct import {
	const char *path; /* borrowed */
	const char *xml;  /* borrowed, zero-terminated */
	size_t xml_bytes;
	pid_t pid;
	int fd; /* where the answer comes from */
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Only the head is looked at: what wrote the file is said in its first element. */
static int check_version(const struct import *im, struct rg_err *err)
{
	const char *start = strstr(im->xml, "<topology");
	const char *end = start ? strchr(start, '>') : NULL;
	const char *version = start ? strstr(start, "version=\"") : NULL;
	unsigned long major;

	if (!end || !version || version > end)
		return 0; /* 1.x has none */
	major = strtoul(version + strlen("version=\""), NULL, 10);
	if (major < 3 || hwloc_get_api_version() >> 16 >= major)
		return 0;
	return rg_err_set(
		err, RG_ERR_UNSUPPORTED,
		"%s: written by hwloc %lu, in a format that this libhwloc cannot read: it "
		"reads 1.x and 2.x; export it again with lstopo of hwloc 2",
		im->path, major);
}

static void limit(int resource, rlim_t most)
{
	struct rlimit r;

	if (getrlimit(resource, &r))
		return;
	if (r.rlim_max == RLIM_INFINITY || r.rlim_max > most)
		r.rlim_max = most;
	if (r.rlim_cur == RLIM_INFINITY || r.rlim_cur > r.rlim_max)
		r.rlim_cur = r.rlim_max;
	(void)setrlimit(resource, &r); /* lowering one's own limits is always allowed */
}

/* In the child: hwloc's reading of the file as our topology. */
static int parse(const struct import *im, struct rg_topo **topo_out, struct rg_err *err)
{
	struct rg_topo *topo = NULL;
	char words[sizeof(topo->writer)];
	const char *writer;
	hwloc_topology_t h;
	int rc;

	if (hwloc_topology_init(&h))
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for hwloc");
	if (hwloc_topology_set_xmlbuffer(h, im->xml, (int)im->xml_bytes + 1) ||
	    topo_load(h, 0, &topo, err)) {
		rc = err->code && err->code != RG_ERR_SYSTEM ? err->code : RG_ERR_FORMAT;
		if (rc == RG_ERR_FORMAT)
			rg_err_set(err, rc, "not a topology that hwloc can read (XML of lstopo)");
		goto destroy;
	}
	writer = topo_info(hwloc_get_root_obj(h), "hwlocVersion");
	if (writer) {
		snprintf(words, sizeof(words), "hwloc %.20s", writer);
		topo_copy_text(topo->writer, sizeof(topo->writer), words);
	}
	topo_copy_text(topo->origin, sizeof(topo->origin), base_name(im->path));
	rc = topo->npus ? topo_seal(topo, err)
			: rg_err_set(err, RG_ERR_FORMAT, "a topology without any processor");
	if (rc) {
		rg_topo_close(topo);
		topo = NULL;
	}
	*topo_out = topo;
destroy:
	hwloc_topology_destroy(h);
	return rc;
}

/* Somebody's handler must not bring a child to life again that libhwloc has given up. */
static void reset_signals(void)
{
	static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS,	 SIGFPE, SIGILL,
				      SIGXCPU, SIGTERM, SIGPIPE, SIGINT, SIGHUP};
	sigset_t none;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)signal(signals[i], SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The child's whole life; its answer is a topology or {"code": -8, "text": "..."}. */
static void child(const struct import *im, int fd)
{
	struct rg_topo *topo = NULL;
	struct rg_err err = {0};
	json_t *answer;
	int null;

	reset_signals();
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, CHILD_CPU_S);
	if (LIMIT_MEMORY)
		limit(RLIMIT_AS, CHILD_MEMORY_BYTES);
	/* What a failing assertion of libhwloc says is of no use to the reader. */
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null >= 0)
		(void)dup2(null, STDERR_FILENO);
	if (parse(im, &topo, &err))
		answer = json_pack("{s:i, s:s}", "code", err.code, "text", err.text);
	else
		answer = rg_topo_to_json(topo);
	_exit(answer && !json_dumpfd(answer, fd, JSON_COMPACT) ? 0 : 1);
}

static int start(struct import *im, struct rg_err *err)
{
	int ends[2], e;

	if (pipe2(ends, O_CLOEXEC)) {
		e = errno;
		return rg_err_errno(err, e, "%s: no pipe to a child process", im->path);
	}
	im->pid = fork();
	if (im->pid == 0) {
		close(ends[0]);
		child(im, ends[1]);
	}
	e = errno;
	close(ends[1]);
	if (im->pid < 0) {
		close(ends[0]);
		return rg_err_errno(err, e, "%s: no child process to parse it", im->path);
	}
	im->fd = ends[0];
	return 0;
}

/* 1: there is something to read, or the end; 0: the deadline passed. */
static int wait_for_more(int fd, uint64_t deadline_ns)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t now;
	int n;

	do {
		now = rg_clock_ns();
		if (now >= deadline_ns)
			return 0;
		n = poll(&p, 1, (int)((deadline_ns - now) / 1000000) + 1);
	} while (n == 0 || (n < 0 && errno == EINTR));
	return 1;
}

/* All that the child writes until it closes its end. */
static int receive(const struct import *im, char **text_out, size_t *len_out, struct rg_err *err)
{
	uint64_t deadline_ns = rg_clock_ns() + RG_TOPO_XML_NS;
	size_t room = 0, len = 0;
	char *text = NULL, *more;
	ssize_t n;
	int rc;

	for (;;) {
		if (len == room) {
			room = room ? 2 * room : FIRST_ROOM_BYTES;
			more = room <= ANSWER_MAX_BYTES ? rg_realloc(text, room) : NULL;
			if (!more) {
				rc = rg_err_set(err, RG_ERR_NO_MEMORY,
						"%s: no memory for the topology", im->path);
				break;
			}
			text = more;
		}
		if (!wait_for_more(im->fd, deadline_ns)) {
			rc = rg_err_set(err, RG_ERR_LIMIT,
					"%s: malformed: libhwloc needs more than %" PRIu64 " s",
					im->path, RG_TOPO_XML_NS / UINT64_C(1000000000));
			break;
		}
		n = read(im->fd, text + len, room - len);
		if (n == 0) {
			*text_out = text;
			*len_out = len;
			return 0;
		}
		if (n > 0)
			len += (size_t)n;
	}
	rg_free(text);
	return rc;
}

/* How the child ended, if not with an answer. */
static int judge_end(const struct import *im, int status, struct rg_err *err)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
		return rg_err_set(err, RG_ERR_LIMIT,
				  "%s: malformed: libhwloc needs more than %d s of processor time",
				  im->path, CHILD_CPU_S);
	if (WIFSIGNALED(status))
		return rg_err_set(err, RG_ERR_FORMAT,
				  "%s: malformed: libhwloc died of it (signal %d, %s)", im->path,
				  WTERMSIG(status), strsignal(WTERMSIG(status)));
	return rg_err_set(err, RG_ERR_NO_MEMORY, "%s: not enough memory to parse it", im->path);
}

static int read_answer(const struct import *im, const char *text, size_t len, int status,
		       struct rg_topo **topo_out, struct rg_err *err)
{
	json_t *root, *code;
	int rc;

	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return judge_end(im, status, err);
	rc = rg_json_parse(text, len, im->path, &root, err);
	if (rc)
		return rc;
	code = json_object_get(root, "code");
	if (code)
		rc = rg_err_set(err, (int)json_integer_value(code), "%s: %s", im->path,
				json_string_value(json_object_get(root, "text")));
	else
		rc = rg_topo_from_json(root, im->path, topo_out, err);
	json_decref(root);
	return rc;
}

/* Fork, listen, reap. */
static int import(struct import *im, struct rg_topo **topo_out, struct rg_err *err)
{
	char *answer = NULL;
	int status = 0, rc;
	size_t len = 0;

	rc = check_version(im, err);
	if (!rc)
		rc = start(im, err);
	if (rc)
		return rc;
	rc = receive(im, &answer, &len, err);
	if (rc)
		(void)kill(im->pid, SIGKILL);
	close(im->fd);
	while (waitpid(im->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!rc)
		rc = read_answer(im, answer, len, status, topo_out, err);
	rg_free(answer);
	return rc;
}

int rg_topo_read_xml(const char *path, struct rg_topo **topo_out, struct rg_err *err)
{
	struct import im = {.path = path};
	char *xml;
	int rc;

	rc = rg_io_read_file(path, RG_TOPO_XML_MAX_BYTES, &xml, &im.xml_bytes, err);
	if (rc)
		return rc;
	im.xml = xml;
	rc = import(&im, topo_out, err);
	rg_free(xml);
	return rc;
}
