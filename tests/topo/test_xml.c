/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recordings in XML, good and bad. The good ones are made here, of synthetic machines; the bad ones
 * are mutations of these and, where $RG_SHARED has it, of a recorded machine with devices.
 */
#include "config.h"

#include "railgauge/topo/topo.h"

#include "../watched.h"

#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"

#include <fcntl.h>
#include <hwloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SHARED_MACHINE "/fixtures/hwloc/hwloc-2n8c-1gpu-1xHCA.xml"
#define MUTATIONS      (WATCHED ? 60 : 160) /* of each base */
#define FILE_BYTES     ((size_t)1 << 20)

static char folder[] = "/tmp/rg_xml_XXXXXX";
static char path[64];
static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ z >> 31) % below);
}

static void write_file(const void *data, size_t len_bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(rg_io_write_all(fd, data, len_bytes), 0);
	close(fd);
}

/* The XML of a synthetic machine, zero-terminated; freed with free(). */
static char *make_xml(const char *synthetic, unsigned long flags)
{
	hwloc_topology_t h;
	char *xml, *copy;
	int len;

	assert_int_equal(hwloc_topology_init(&h), 0);
	assert_int_equal(hwloc_topology_set_synthetic(h, synthetic), 0);
	assert_int_equal(hwloc_topology_load(h), 0);
	assert_int_equal(hwloc_topology_export_xmlbuffer(h, &xml, &len, flags), 0);
	copy = strdup(xml);
	assert_non_null(copy);
	hwloc_free_xmlbuffer(h, xml);
	hwloc_topology_destroy(h);
	return copy;
}

static void expect_two_by_four(const struct rg_topo *topo)
{
	assert_int_equal(topo->npackages, 2);
	assert_int_equal(topo->nnumas, 2);
	assert_int_equal(topo->ncores, 8);
	assert_int_equal(topo->npus, 16);
	assert_int_equal(topo->nllcs, 2);
	assert_int_equal(topo->llcs[0].ncores, 4);
	assert_int_equal(topo->llcs[0].level, 3);
	assert_int_equal(topo->cores[7].package, 1);
	assert_int_equal(topo->cores[7].numa, 1);
	assert_int_equal(topo->cores[7].npus, 2);
	assert_int_equal(rg_cpuset_count(&topo->allowed), 16);
	assert_false(topo->live);
	assert_string_equal(topo->origin, "machine.xml");
}

#define TWO_BY_FOUR "package:2 [numa] l3:1 core:4 pu:2"

static void a_recording_of_hwloc_2_is_read(void **state)
{
	char *xml = make_xml(TWO_BY_FOUR, 0);
	struct rg_topo *topo;
	struct rg_err err = {0};

	write_file(xml, strlen(xml));
	assert_int_equal(rg_topo_read_xml(path, &topo, &err), 0);
	expect_two_by_four(topo);
	rg_topo_close(topo);
	free(xml);
}

static void a_recording_of_hwloc_1_is_read_as_the_same_machine(void **state)
{
	char *two = make_xml(TWO_BY_FOUR, 0);
	char *one = make_xml(TWO_BY_FOUR, HWLOC_TOPOLOGY_EXPORT_XML_FLAG_V1);
	struct rg_topo *a, *b;

	assert_null(strstr(one, "version=\"2"));
	write_file(two, strlen(two));
	assert_int_equal(rg_topo_read_xml(path, &a, NULL), 0);
	write_file(one, strlen(one));
	assert_int_equal(rg_topo_read_xml(path, &b, NULL), 0);
	expect_two_by_four(b);
	assert_string_equal(a->hash, b->hash);
	rg_topo_close(a);
	rg_topo_close(b);
	free(one);
	free(two);
}

/* What is refused leaves *topo_out alone and says one line that names the file. */
static int expect_refusal(const char *words)
{
	struct rg_topo *topo = (struct rg_topo *)folder;
	struct rg_err err = {0};
	int rc = rg_topo_read_xml(path, &topo, &err);

	assert_true(rc < 0);
	assert_int_equal(rc, err.code);
	assert_ptr_equal(topo, folder);
	assert_non_null(strstr(err.text, "machine.xml"));
	assert_null(strchr(err.text, '\n'));
	if (words && !strstr(err.text, words))
		fail_msg("\"%s\" does not say \"%s\"", err.text, words);
	return rc;
}

static void a_recording_of_hwloc_3_is_refused_in_words(void **state)
{
	static const char xml[] =
		"<?xml version=\"1.0\"?>\n<topology version=\"3.0\">\n</topology>";

	if (hwloc_get_api_version() >> 16 >= 3)
		skip();
	write_file(xml, strlen(xml));
	assert_int_equal(expect_refusal("written by hwloc 3"), RG_ERR_UNSUPPORTED);
	assert_int_equal(expect_refusal("reads 1.x and 2.x"), RG_ERR_UNSUPPORTED);
}

static void what_is_no_recording_is_refused(void **state)
{
	static const char *const texts[] = {"", "hello\n", "<?xml version=\"1.0\"?>\n",
					    "<topology version=\"2.0\">", "<a><b></a></b>"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_file(texts[i], strlen(texts[i]));
		assert_int_equal(expect_refusal(NULL), RG_ERR_FORMAT);
	}
	unlink(path);
	assert_int_equal(expect_refusal(NULL), RG_ERR_NOT_FOUND);
}

static void a_file_that_is_too_large_is_refused(void **state)
{
	write_file("", 0);
	assert_int_equal(truncate(path, (off_t)RG_TOPO_XML_MAX_BYTES + 1), 0);
	assert_int_equal(expect_refusal(NULL), RG_ERR_LIMIT);
}

/* Cut, or some bits flipped, or a piece repeated or left out. */
static size_t mutate(const char *from, size_t len, char *to)
{
	size_t a = draw((uint32_t)len), n = draw(200);

	if (a + n > len)
		n = len - a;
	memcpy(to, from, len);
	switch (draw(4)) {
	case 0:
		return a;
	case 1:
		for (uint32_t i = 1 + draw(8); i > 0; i--)
			to[draw((uint32_t)len)] ^= (char)(1 << draw(7));
		return len;
	case 2:
		memmove(to + a, from + a + n, len - a - n);
		return len - n;
	default:
		memmove(to + a + n, from + a, len - a);
		return len + n;
	}
}

/* Success with a sound topology, or one line; the child may die, we may not. */
static void read_mutation(size_t *nread, size_t *nrefused)
{
	struct rg_topo *topo = NULL;
	struct rg_err err = {0};
	int rc = rg_topo_read_xml(path, &topo, &err);

	if (rc) {
		assert_null(topo);
		assert_int_equal(rc, err.code);
		assert_true(rc == RG_ERR_FORMAT || rc == RG_ERR_UNSUPPORTED || rc == RG_ERR_LIMIT);
		assert_true(err.text[0]);
		assert_null(strchr(err.text, '\n'));
		++*nrefused;
		return;
	}
	assert_true(topo->npus > 0);
	rg_topo_close(topo);
	++*nread;
}

static void try_mutations(const char *xml, uint64_t seed)
{
	size_t len = strlen(xml), nread = 0, nrefused = 0;
	char *bad = malloc(len + 256);

	assert_non_null(bad);
	random_state = seed;
	for (int i = 0; i < MUTATIONS; i++) {
		write_file(bad, mutate(xml, len, bad));
		read_mutation(&nread, &nrefused);
	}
	free(bad);
	/* Otherwise the mutations are too wild, or too tame, to test anything. */
	assert_true(nread > 0);
	assert_true(nrefused > 0);
}

static void mutations_of_a_recording_never_crash_or_hang(void **state)
{
	char *two = make_xml(TWO_BY_FOUR, 0);
	char *one = make_xml(TWO_BY_FOUR, HWLOC_TOPOLOGY_EXPORT_XML_FLAG_V1);

	try_mutations(two, 1);
	try_mutations(one, 2);
	free(one);
	free(two);
}

static void mutations_of_a_machine_with_devices_never_crash_or_hang(void **state)
{
	const char *shared = getenv("RG_SHARED");
	char from[4096], *xml;

	snprintf(from, sizeof(from), "%s%s", shared ? shared : "", SHARED_MACHINE);
	if (rg_io_read_file(from, FILE_BYTES, &xml, NULL, NULL)) {
		print_message("no recorded machine in $RG_SHARED: %s\n", from);
		skip();
	}
	try_mutations(xml, 3);
	rg_free(xml);
}

/* libhwloc 2.9 does not survive objects without some of their sets. */
static void a_file_that_kills_libhwloc_is_one_line_of_error(void **state)
{
	char *xml = make_xml(TWO_BY_FOUR, 0);
	size_t len = strlen(xml), ndeaths = 0;

	for (char *p = xml; (p = strstr(p, "complete_cpuset")); p++) {
		struct rg_topo *topo = NULL;
		struct rg_err err = {0};

		p[2] = '1';
		write_file(xml, len);
		p[2] = 'm';
		if (rg_topo_read_xml(path, &topo, &err) && strstr(err.text, "died of it")) {
			assert_int_equal(err.code, RG_ERR_FORMAT);
			ndeaths++;
		}
		rg_topo_close(topo);
	}
	free(xml);
	if (!ndeaths) {
		print_message("this libhwloc survives all that was tried\n");
		skip();
	}
}

static void no_child_is_left_behind(void **state)
{
	write_file("junk", 4);
	(void)expect_refusal(NULL);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void every_allocation_may_fail(void **state)
{
	char *xml = make_xml("core:2 pu:1", 0);
	unsigned long n;
	int rc;

	write_file(xml, strlen(xml));
	for (n = 1;; n++) {
		struct rg_topo *topo = NULL;
		struct rg_err err = {0};

		rg_mem_fail_nth(n);
		rc = rg_topo_read_xml(path, &topo, &err);
		if (!rc && !rg_mem_fail_fired()) {
			rg_topo_close(topo);
			break;
		}
		/* An allocation that fails in the child does not show here as fired. */
		assert_true(rc < 0);
		assert_null(topo);
		assert_int_equal(err.code, RG_ERR_NO_MEMORY);
	}
	rg_mem_fail_nth(0);
	assert_true(n > 10);
	free(xml);
}

static int make_folder(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/machine.xml", folder);
	return 0;
}

static int remove_folder(void **state)
{
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recording_of_hwloc_2_is_read),
		cmocka_unit_test(a_recording_of_hwloc_1_is_read_as_the_same_machine),
		cmocka_unit_test(a_recording_of_hwloc_3_is_refused_in_words),
		cmocka_unit_test(what_is_no_recording_is_refused),
		cmocka_unit_test(a_file_that_is_too_large_is_refused),
		cmocka_unit_test(mutations_of_a_recording_never_crash_or_hang),
		cmocka_unit_test(mutations_of_a_machine_with_devices_never_crash_or_hang),
		cmocka_unit_test(a_file_that_kills_libhwloc_is_one_line_of_error),
		cmocka_unit_test(no_child_is_left_behind),
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
