/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "../watched.h"

#include "railgauge/device/buffer.h"

#include "railgauge/base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB ((size_t)1 << 20)

static const enum rg_memory_kind kinds[] = {RG_MEMORY_HOST, RG_MEMORY_SHARED};

static int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Bytes of address space in use. */
static uint64_t mapped_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu", &pages), 1);
	fclose(f);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void buffers_are_zeroed_and_aligned_as_asked(void **state)
{
	static const size_t aligns[] = {0, 8, 4096, 65536, 2 * MIB, 1024 * MIB};
	static const size_t lens[] = {0, 1, 4096, 4097, 3 * MIB + 5};

	for (size_t k = 0; k < 2 * 6 * 5; k++) {
		enum rg_memory_kind kind = kinds[k % 2];
		size_t align = aligns[k / 2 % 6], len = lens[k / 12], i;
		struct rg_buffer b;
		const uint8_t *bytes;

		assert_int_equal(rg_buffer_open(kind, len, align, -1, &b, NULL), 0);
		assert_int_equal((uintptr_t)b.base % (align ? align : 4096), 0);
		assert_int_equal(b.len_bytes, len);
		assert_true(b.map_bytes >= len && b.map_bytes > 0);
		assert_int_equal(b.numa_node, -1);
		assert_int_equal(b.fd >= 0, kind == RG_MEMORY_SHARED);
		bytes = b.base;
		for (i = 0; i < b.map_bytes && bytes[i] == 0; i++)
			;
		assert_int_equal(i, b.map_bytes);
		memset(b.base, 1, b.map_bytes);
		rg_buffer_close(&b);
	}
}

static bool is_mapped(const void *base)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned long begin, end;
	bool found = false;
	char line[512];

	assert_non_null(f);
	while (!found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%lx-%lx", &begin, &end) == 2 && (uintptr_t)base >= begin &&
			(uintptr_t)base < end;
	fclose(f);
	return found;
}

static void closing_gives_everything_back_and_may_be_repeated(void **state)
{
	int fds = open_fds();
	uint64_t mapped = mapped_bytes();

	for (int k = 0; k < 200; k++) {
		struct rg_buffer b, none = {0};
		const void *base;

		assert_int_equal(rg_buffer_open(kinds[k % 2], MIB, 2 * MIB, -1, &b, NULL), 0);
		base = b.base;
		assert_true(is_mapped(base));
		rg_buffer_close(&b);
		assert_false(is_mapped(base));
		rg_buffer_close(&b);
		rg_buffer_close(&none);
		rg_buffer_close(NULL);
		assert_int_equal(open_fds(), fds);
	}
	/* Nor does what was mapped for the alignment stay; valgrind and the heap take a little. */
	assert_true(mapped_bytes() < mapped + 100 * MIB);
}

static void the_pages_of_a_shared_buffer_are_reserved_at_once(void **state)
{
	struct rg_buffer b;
	struct stat st;

	assert_int_equal(rg_buffer_open(RG_MEMORY_SHARED, 3 * MIB, 0, -1, &b, NULL), 0);
	assert_int_equal(fstat(b.fd, &st), 0);
	assert_int_equal(st.st_size, 3 * MIB);
	assert_true((size_t)st.st_blocks * 512 >= 3 * MIB);
	rg_buffer_close(&b);
}

static void another_process_maps_a_shared_buffer_by_its_descriptor(void **state)
{
	struct rg_buffer b, mapped;
	int status;
	pid_t pid;

	assert_int_equal(rg_buffer_open(RG_MEMORY_SHARED, 10000, 0, -1, &b, NULL), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = dup(b.fd);

		rg_buffer_close(&b);
		if (rg_buffer_map(fd, 10000, &mapped, NULL))
			_exit(1);
		memset(mapped.base, 42, 10000);
		rg_buffer_close(&mapped);
		_exit(fcntl(fd, F_GETFD) < 0); /* the descriptor was only borrowed */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(((uint8_t *)b.base)[0], 42);
	assert_int_equal(((uint8_t *)b.base)[9999], 42);
	rg_buffer_close(&b);
}

static void a_descriptor_with_less_memory_than_promised_is_refused(void **state)
{
	struct rg_buffer b, mapped = {.len_bytes = 77};
	struct rg_err err = {0};

	assert_int_equal(rg_buffer_open(RG_MEMORY_SHARED, 8192, 0, -1, &b, NULL), 0);
	assert_int_equal(rg_buffer_map(b.fd, 8193, &mapped, &err), RG_ERR_FORMAT);
	assert_int_equal(rg_buffer_map(b.fd, SIZE_MAX, &mapped, &err), RG_ERR_FORMAT);
	assert_int_equal(rg_buffer_map(-1, 8192, &mapped, &err), RG_ERR_SYSTEM);
	assert_int_equal(mapped.len_bytes, 77);
	rg_buffer_close(&b);
}

static void what_is_no_shared_buffer_is_refused(void **state)
{
	struct rg_buffer mapped = {.len_bytes = 77};
	FILE *file = tmpfile();
	int memory = memfd_create("unsealed", MFD_CLOEXEC);

	assert_non_null(file);
	assert_int_equal(ftruncate(fileno(file), 8192), 0);
	assert_int_equal(ftruncate(memory, 8192), 0);
	assert_int_equal(rg_buffer_map(fileno(file), 8192, &mapped, NULL), RG_ERR_FORMAT);
	assert_int_equal(rg_buffer_map(memory, 8192, &mapped, NULL), RG_ERR_FORMAT);
	assert_int_equal(mapped.len_bytes, 77);
	close(memory);
	fclose(file);
}

static void nobody_can_take_memory_from_under_a_peer(void **state)
{
	struct rg_buffer b;

	assert_int_equal(rg_buffer_open(RG_MEMORY_SHARED, 8192, 0, -1, &b, NULL), 0);
	assert_int_equal(ftruncate(b.fd, 4096), -1);
	rg_buffer_close(&b);
}

static void nonsense_is_refused_and_leaves_the_output_alone(void **state)
{
	struct rg_buffer b = {.len_bytes = 77};
	struct rg_err err = {0};
	int fds = open_fds();

	for (int k = 0; k < 2; k++) {
		assert_int_equal(rg_buffer_open(kinds[k], 1, 3, -1, &b, &err), RG_ERR_INVALID);
		assert_int_equal(rg_buffer_open(kinds[k], 1, 2048 * MIB, -1, &b, &err),
				 RG_ERR_INVALID);
		assert_int_equal(rg_buffer_open(kinds[k], 1, 0, 1 << 20, &b, &err), RG_ERR_INVALID);
		assert_non_null(strstr(err.text, "NUMA node 1048576"));
	}
	assert_int_equal(b.len_bytes, 77);
	assert_int_equal(open_fds(), fds);
}

/* A kernel without NUMA and some containers refuse; then placement is left to first touch. */
static void a_buffer_may_be_bound_to_node_0(void **state)
{
	for (int k = 0; k < 2; k++) {
		struct rg_buffer b;

		assert_int_equal(rg_buffer_open(kinds[k], MIB, 0, 0, &b, NULL), 0);
		assert_true(b.numa_node == 0 || b.numa_node == -1);
		rg_buffer_close(&b);
	}
}

static void more_memory_than_there_is_is_refused_with_the_limit_named(void **state)
{
	static const size_t lens[] = {(size_t)1 << 50, SIZE_MAX / 2, SIZE_MAX - 1, SIZE_MAX};
	struct rg_buffer b = {.len_bytes = 77};
	int fds = open_fds();

	for (size_t i = 0; i < 8; i++) {
		struct rg_err err = {0};

		assert_int_equal(rg_buffer_open(kinds[i % 2], lens[i / 2], 0, -1, &b, &err),
				 RG_ERR_LIMIT);
		if (i < 2)
			assert_non_null(strstr(err.text, "leaves"));
	}
	assert_int_equal(b.len_bytes, 77);
	assert_int_equal(open_fds(), fds);
}

/* In a child, because a limit cannot be raised again. Exits 0 if the buffer is refused by words. */
static void check_refused(int resource, uint64_t limit, enum rg_memory_kind kind, const char *words)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct rlimit rl = {limit, limit};
		struct rg_err err = {0};
		struct rg_buffer b;

		setrlimit(resource, &rl);
		if (rg_buffer_open(kind, 64 * MIB, 0, -1, &b, &err) != RG_ERR_LIMIT)
			_exit(1);
		if (!strstr(err.text, words))
			_exit(2);
		_exit(rg_buffer_open(kind, MIB, 0, -1, &b, &err) ? 3 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void a_limit_on_address_space_is_an_error_that_names_it(void **state)
{
	if (WATCHED) /* a sanitizer's own maps need more than any limit leaves */
		skip();
	for (int k = 0; k < 2; k++)
		check_refused(RLIMIT_AS, mapped_bytes() + 32 * MIB, kinds[k], "ulimit -v");
}

static void a_limit_on_file_sizes_is_an_error_and_no_signal(void **state)
{
	check_refused(RLIMIT_FSIZE, 32 * MIB, RG_MEMORY_SHARED, "ulimit -f");
}

/* What is read about limits needs memory itself; without it a limit is overlooked, nothing else. */
static void a_failed_allocation_overlooks_a_limit_and_leaks_nothing(void **state)
{
	int fds = open_fds();
	bool fired = true;

	for (unsigned long n = 1; fired; n++) {
		struct rg_buffer b = {0};
		int rc;

		rg_mem_fail_nth(n);
		rc = rg_buffer_open(RG_MEMORY_SHARED, MIB, 0, -1, &b, NULL);
		fired = rg_mem_fail_fired();
		rg_mem_fail_nth(0);
		assert_int_equal(rc, 0);
		rg_buffer_close(&b);
		assert_int_equal(open_fds(), fds);
	}
}

/* A made-up /proc and /sys below a temporary directory. */
static char root[] = "/tmp/railgauge-test-XXXXXX";

static void write_below(const char *path, const char *text)
{
	char whole[256];
	FILE *f;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	for (char *slash = whole + strlen(root); (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		mkdir(whole, 0700);
		*slash = '/';
	}
	f = fopen(whole, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int make_root(void **state)
{
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

static void check_available(uint64_t bytes, const char *words)
{
	const char *limit = NULL;

	assert_int_equal(rg_memory_available_under(root, &limit), bytes);
	assert_string_equal(limit, words);
}

static void the_tightest_of_free_memory_and_cgroups_counts(void **state)
{
	static const char group[] = "the memory cgroup";

	check_available(UINT64_MAX, "no limit");
	write_below("/proc/meminfo",
		    "MemTotal: 9000 kB\nMemFree: 1 kB\nMemAvailable:    4000 kB\n");
	check_available(4096000, "free memory");

	/* Version 2: a limit on the group itself, less its page cache. */
	write_below("/proc/self/cgroup", "0::/job/step\n");
	write_below("/sys/fs/cgroup/job/step/memory.max", "1000000\n");
	write_below("/sys/fs/cgroup/job/step/memory.current", "300000\n");
	check_available(700000, group);
	write_below("/sys/fs/cgroup/job/step/memory.stat", "anon 200000\ninactive_file 100000\n");
	check_available(800000, group);
	/* A parent's limit is shared with others who use it. */
	write_below("/sys/fs/cgroup/job/memory.max", "2000000\n");
	write_below("/sys/fs/cgroup/job/memory.current", "1990000\n");
	check_available(10000, group);
	write_below("/sys/fs/cgroup/job/memory.current", "2100000\n");
	check_available(0, group);
	write_below("/sys/fs/cgroup/job/memory.max", "max\n");
	write_below("/sys/fs/cgroup/job/step/memory.max", "max\n");
	check_available(4096000, "free memory");

	/* Version 1, where a missing limit is a huge number. */
	write_below("/proc/self/cgroup", "5:cpu:/x\n4:memory:/job\n0::/\n");
	write_below("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
	write_below("/sys/fs/cgroup/memory/memory.usage_in_bytes", "5000\n");
	check_available(4096000, "free memory");
	write_below("/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "600000\n");
	write_below("/sys/fs/cgroup/memory/job/memory.usage_in_bytes", "500000\n");
	check_available(100000, group);
	write_below("/sys/fs/cgroup/memory/job/memory.stat",
		    "inactive_file 1\ntotal_inactive_file 50000\n");
	check_available(150000, group);
}

static void kinds_have_names(void **state)
{
	assert_string_equal(rg_memory_kind_name(RG_MEMORY_HOST), "host");
	assert_string_equal(rg_memory_kind_name(RG_MEMORY_SHARED), "shared");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffers_are_zeroed_and_aligned_as_asked),
		cmocka_unit_test(closing_gives_everything_back_and_may_be_repeated),
		cmocka_unit_test(the_pages_of_a_shared_buffer_are_reserved_at_once),
		cmocka_unit_test(another_process_maps_a_shared_buffer_by_its_descriptor),
		cmocka_unit_test(a_descriptor_with_less_memory_than_promised_is_refused),
		cmocka_unit_test(what_is_no_shared_buffer_is_refused),
		cmocka_unit_test(nobody_can_take_memory_from_under_a_peer),
		cmocka_unit_test(nonsense_is_refused_and_leaves_the_output_alone),
		cmocka_unit_test(a_buffer_may_be_bound_to_node_0),
		cmocka_unit_test(more_memory_than_there_is_is_refused_with_the_limit_named),
		cmocka_unit_test(a_limit_on_address_space_is_an_error_that_names_it),
		cmocka_unit_test(a_limit_on_file_sizes_is_an_error_and_no_signal),
		cmocka_unit_test(a_failed_allocation_overlooks_a_limit_and_leaks_nothing),
		cmocka_unit_test_setup_teardown(the_tightest_of_free_memory_and_cgroups_counts,
						make_root, remove_root),
		cmocka_unit_test(kinds_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
