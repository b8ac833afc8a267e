/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs: a device; memory; what is said where something is not right. */
#include "config.h"

#include "locked.h"
#include "verbs_pair.h"

#include "railgauge/transport/transport.h"
#include "transport/verbs_impl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct rg_verbs_options options;

static void start(const struct fake_device *devices, uint32_t n)
{
	fake_reset(devices, n);
	options = rg_verbs_options_default;
}

static struct rg_verbs_device *must_open(const char *name)
{
	struct rg_verbs_device *d = NULL;
	struct rg_err err = {0};

	if (rg_verbs_device_open(&options, name, "asked for", &d, &err))
		fail_msg("%s", err.text);
	return d;
}

/* Opening is refused with this code and these words. */
static void refuse(const char *name, int code, const char *words)
{
	struct rg_verbs_device *d = NULL;
	struct rg_err err = {0};
	int rc = rg_verbs_device_open(&options, name, "asked for", &d, &err);

	if (rc != code || !strstr(err.text, words))
		fail_msg("%s: %d %s", name, rc, rc ? err.text : "was opened");
	assert_null(d);
	assert_int_equal(fake_live(), 0);
}

/* --- devices --- */

static void a_device_is_opened_with_what_it_can_do(void **state)
{
	struct rg_verbs_device *d;
	char about[200];

	start(NULL, 0);
	d = must_open("fake2");
	assert_string_equal(d->name, "fake2");
	assert_int_equal(d->port, 1);
	assert_false(d->infiniband);
	assert_true(d->active);
	assert_int_equal(d->max_inline_bytes, 220);
	assert_int_equal(d->max_depth, 4096);
	assert_int_equal(d->rate_Bps, 0); /* no interface, so nobody knows */
	assert_int_equal(d->ngids, 4);
	assert_int_equal(d->gid.index, 3);
	assert_string_equal(d->gid_why, "GID 3 10.99.0.3, RoCE v2: routable before link-local");
	rg_verbs_device_about(d, about, sizeof(about));
	assert_string_equal(about, "fake2 port 1, RoCE v2, GID 3 10.99.0.3, MTU up to 4096, "
				   "inline 220, timeout 268 ms");
	rg_verbs_device_close(d);
	rg_verbs_device_close(NULL);
	assert_int_equal(fake_live(), 0);
}

static void children_are_prepared_for_before_devices_are_looked_for(void **state)
{
	struct rg_verbs_device *d;

	start(NULL, 0);
	fake_fail("ibv_get_device_list", 1, EIO);
	refuse("fake0", RG_ERR_SYSTEM, "the list of devices");
	assert_int_equal(fake_counts().forks_prepared, 1);
	d = must_open("fake0");
	rg_verbs_device_close(d);
}

static void a_port_of_infiniband_has_the_rate_that_its_encoding_leaves(void **state)
{
	struct fake_device device = {
		.name = "ib", .ports = 1, .infiniband = true, .lid = 1, .ngids = 1, .gids = {{1}}};
	struct rg_verbs_device *d;
	char about[200];

	start(&device, 1);
	d = must_open("ib");
	assert_int_equal(d->rate_Bps, 12500000000);
	rg_verbs_device_about(d, about, sizeof(about));
	assert_non_null(strstr(about, "MTU up to 4096, 100 Gbit/s, inline"));
	rg_verbs_device_close(d);
	device.speed = 4; /* QDR */
	start(&device, 1);
	d = must_open("ib");
	assert_int_equal(d->rate_Bps, 4000000000);
	rg_verbs_device_close(d);
}

static void inline_goes_as_far_as_the_device_takes_it(void **state)
{
	const uint32_t limits[] = {1, 7, 64, 219, 220, 900};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const struct fake_device device = {.name = "d",
						   .ports = 1,
						   .ngids = 1,
						   .gids = {{0xfe, 0x80, [15] = 1}},
						   .gid_types = {IBV_GID_TYPE_ROCE_V2},
						   .max_inline = limits[i]};
		struct rg_verbs_device *d;

		start(&device, 1);
		d = must_open("d");
		assert_int_equal(d->max_inline_bytes, limits[i] < 220 ? limits[i] : 220);
		rg_verbs_device_close(d);
	}
}

/* A datagram's request carries the way to the peer, too. */
static void a_datagram_goes_inline_as_far_as_its_queue_takes_it(void **state)
{
	const uint32_t limits[] = {1, 172, 219, 220, 900};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const struct fake_device device = {.name = "d",
						   .ports = 1,
						   .ngids = 1,
						   .gids = {{0xfe, 0x80, [15] = 1}},
						   .gid_types = {IBV_GID_TYPE_ROCE_V2},
						   .max_inline = 1024,
						   .max_inline_ud = limits[i]};
		struct rg_verbs_queues queues = {.send_depth = 4, .recv_depth = 4};
		struct rg_verbs_device *d;
		uint32_t inline_bytes = 77;
		struct ibv_cq *cq;
		struct ibv_qp *qp;

		start(&device, 1);
		d = must_open("d");
		assert_int_equal(rg_verbs_cq_open(d, 8, &cq, NULL), 0);
		queues.send_cq = queues.recv_cq = cq;
		queues.inline_bytes = d->max_inline_bytes;
		assert_int_equal(rg_verbs_ud_open(d, &queues, &qp, &inline_bytes, NULL), 0);
		assert_int_equal(inline_bytes, limits[i] < 220 ? limits[i] : 220);
		assert_int_equal(ibv_destroy_qp(qp), 0);
		assert_int_equal(ibv_destroy_cq(cq), 0);
		rg_verbs_device_close(d);
		assert_int_equal(fake_live(), 0);
	}
}

static void an_endpoint_has_room_for_eight_lines_of_long_names(void **state)
{
	struct rg_verbs_device d = {.options = &rg_verbs_options_default,
				    .port = 255,
				    .infiniband = true,
				    .mtu = IBV_MTU_2048,
				    .rate_Bps = 50000000000};
	struct rg_endpoint ep = {0};

	memset(d.name, 'x', sizeof(d.name) - 1);
	for (int i = 0; i < 9; i++)
		verbs_add_line(&ep, &d);
	assert_int_equal(strlen(ep.nics), 8 * (sizeof(d.name) - 1 + strlen(":255")) + 7);
	assert_int_equal(ep.nlines, 8);
	assert_int_equal(strlen(ep.lines[7].nic), sizeof(d.name) - 1 + strlen(":255"));
	assert_int_equal(ep.lines[7].rate_Bps, 50000000000);
	assert_int_equal(ep.lines[7].mtu_bytes, 2048);
	assert_true(ep.lines[7].infiniband && !ep.lines[7].ipv6);
	/* A soft device has no line of its own. */
	d = (struct rg_verbs_device){.options = &rg_verbs_options_default,
				     .name = "rxe0",
				     .port = 1,
				     .soft = true,
				     .rate_Bps = 1250000000,
				     .gid = {.raw = {0xfe, 0x80}, .type = RG_VERBS_GID_ROCE_V2}};
	ep = (struct rg_endpoint){0};
	verbs_add_line(&ep, &d);
	assert_string_equal(ep.nics, "rxe0:1");
	assert_int_equal(ep.lines[0].rate_Bps, 0);
	assert_true(ep.lines[0].ipv6 && !ep.lines[0].roce1);
}

static void names_that_are_none_get_those_there_are(void **state)
{
	start(NULL, 0);
	refuse("fake9", RG_ERR_NOT_FOUND,
	       "there is no device fake9; there are fake0, fake1, fake2, fake3");
	refuse("fake", RG_ERR_NOT_FOUND, "there is no device fake;");
	refuse("fake0:2", RG_ERR_NOT_FOUND, "fake0 has no port 2; it has 1 port");
	refuse("fake0:x", RG_ERR_INVALID, "--verbs.device");
	refuse(":1", RG_ERR_INVALID, "is no device");
	start(NULL, 0);
	fake_fail("ibv_get_device_list", 1, ENOSYS);
	refuse("fake0", RG_ERR_NOT_FOUND, "modprobe ib_uverbs");
}

static void what_keeps_a_device_from_use_is_said_with_its_fix(void **state)
{
	const struct fake_device devices[] = {
		{.name = "absent", .ports = 1, .absent = true},
		{.name = "down", .ports = 1, .state = IBV_PORT_DOWN},
		{.name = "init", .ports = 1, .state = IBV_PORT_INIT, .infiniband = true},
		{.name = "nogid", .ports = 1},
		{.name = "iwarp", .ports = 1, .transport = IBV_TRANSPORT_IWARP},
		{.name = "shallow",
		 .ports = 1,
		 .ngids = 1,
		 .gids = {{0xfe, 0x80, [15] = 1}},
		 .max_qp_wr = 100},
		{.name = "small",
		 .ports = 1,
		 .ngids = 1,
		 .gids = {{0xfe, 0x80, [15] = 1}},
		 .mtu = IBV_MTU_1024},
		{.name = "efa", .ports = 1, .transport = IBV_TRANSPORT_UNSPECIFIED},
	};

	start(devices, 8);
	refuse("efa", RG_ERR_UNSUPPORTED, "efa is a device with a transport of its own (EFA");
	refuse("absent", RG_ERR_SYSTEM, "--device /dev/infiniband");
	refuse("down", RG_ERR_UNSUPPORTED,
	       "down port 1 is not active (down): cable, switch port, or ip link set");
	refuse("init", RG_ERR_UNSUPPORTED,
	       "init port 1 is not active (initialising): no subnet manager");
	refuse("nogid", RG_ERR_NOT_FOUND,
	       "nogid port 1: no GID: the port's network interface needs");
	refuse("iwarp", RG_ERR_UNSUPPORTED, "iWARP");
	refuse("shallow", RG_ERR_LIMIT, "--verbs.depth 128: shallow takes up to 100");
	options.mtu = IBV_MTU_4096;
	refuse("small", RG_ERR_RANGE, "--verbs.mtu 4096: small port 1 is set to 1024");
	options.mtu = 0;
	options.pkey_index = 1;
	refuse("small", RG_ERR_RANGE, "small port 1 has 1 partition keys");
	options.pkey_index = 0;
	options.gid_index = 5;
	refuse("small", RG_ERR_NOT_FOUND, "--verbs.gid-index 5: there is no such GID; there is 0");
	options.gid_index = -1;
	options.reads = 17;
	refuse("small", RG_ERR_LIMIT, "--verbs.reads 17: small takes up to 16");
}

static void of_several_ports_the_first_active_one_is_taken(void **state)
{
	const struct fake_device device = {.name = "two",
					   .ports = 2,
					   .ngids = 1,
					   .gids = {{0xfe, 0x80, [15] = 1}},
					   .gid_types = {IBV_GID_TYPE_ROCE_V2}};
	struct rg_verbs_device *d;

	start(&device, 1);
	fake_port("two", 1, false);
	d = must_open("two");
	assert_int_equal(d->port, 2);
	assert_int_equal(d->gid.raw[14], 1);
	rg_verbs_device_close(d);
	refuse("two:1", RG_ERR_UNSUPPORTED, "two port 1 is not active");
	options.port = 1;
	refuse("two", RG_ERR_UNSUPPORTED, "two port 1 is not active");
}

static void each_active_device_is_described_or_refused(void **state)
{
	const struct fake_device devices[] = {
		{.name = "good",
		 .ports = 1,
		 .ngids = 1,
		 .gids = {{[10] = 0xff, 0xff, 10, 0, 0, 1}},
		 .gid_types = {IBV_GID_TYPE_ROCE_V2}},
		{.name = "down", .ports = 1, .state = IBV_PORT_DOWN},
		{.name = "nogid", .ports = 1},
	};
	struct rg_findings list = {0};

	start(devices, 3);
	rg_verbs_check(&list);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.rows[0].item, "good, opened");
	assert_int_equal(list.rows[0].state, RG_STATE_OK);
	assert_non_null(
		strstr(list.rows[0].value, "good port 1, RoCE v2, GID 0 10.0.0.1, MTU up to 4096"));
	assert_string_equal(list.rows[0].advice, "GID 0 10.0.0.1, RoCE v2: the only one");
	assert_string_equal(list.rows[1].item, "nogid, opened");
	assert_int_equal(list.rows[1].state, RG_STATE_NO);
	assert_non_null(strstr(list.rows[1].value, "nogid port 1: no GID"));
	rg_findings_release(&list);
	assert_int_equal(fake_live(), 0);
}

/* --- memory --- */

static void registrations_are_kept_until_they_are_forgotten(void **state)
{
	static uint8_t bytes[8192];
	struct rg_verbs_device *d;
	struct ibv_mr *a, *b, *c;
	struct rg_err err = {0};

	start(NULL, 0);
	d = must_open("fake0");
	assert_null(rg_verbs_memory_find(d, bytes, 8192, 0));
	assert_int_equal(rg_verbs_memory_get(d, bytes, 8192, RG_VERBS_REMOTE, &a, &err), 0);
	assert_ptr_equal(rg_verbs_memory_find(d, bytes + 1, 8191, 0), a);
	rg_verbs_memory_put(d, a);
	assert_null(rg_verbs_memory_find(d, bytes + 1, 8192, 0));
	assert_int_equal(rg_verbs_memory_get(d, bytes + 100, 200, RG_VERBS_RECEIVE, &b, &err), 0);
	assert_ptr_equal(a, b);
	rg_verbs_memory_put(d, a);
	rg_verbs_memory_put(d, b);
	assert_int_equal(rg_verbs_memory_get(d, bytes, 8192, 0, &b, &err), 0);
	assert_ptr_equal(a, b);
	rg_verbs_memory_put(d, b);
	assert_int_equal(fake_counts().registered, 1);
	rg_verbs_memory_forget(d, bytes + 8192, 10); /* beside it */
	rg_verbs_memory_forget(d, bytes, 0);
	assert_int_equal(rg_verbs_memory_get(d, bytes, 8192, 0, &b, &err), 0);
	assert_int_equal(fake_counts().registered, 1);
	rg_verbs_memory_put(d, b);
	rg_verbs_memory_forget(d, bytes + 8191, 1);
	assert_int_equal(rg_verbs_memory_get(d, bytes, 8192, 0, &b, &err), 0);
	assert_int_equal(fake_counts().registered, 2);
	/* Less may be done with it than is wanted now. */
	assert_int_equal(rg_verbs_memory_get(d, bytes, 8192, RG_VERBS_REMOTE, &c, &err), 0);
	assert_ptr_not_equal(b, c);
	rg_verbs_device_close(d);
	assert_int_equal(fake_live(), 0);
}

static void what_nobody_holds_is_kept_up_to_a_number(void **state)
{
	static uint8_t bytes[2 * RG_VERBS_CACHE];
	struct rg_verbs_device *d;
	struct rg_err err = {0};
	uint32_t before;
	struct ibv_mr *mr;

	start(NULL, 0);
	d = must_open("fake0");
	before = fake_live();
	for (size_t i = 0; i < sizeof(bytes); i++) {
		assert_int_equal(rg_verbs_memory_get(d, bytes + i, 1, 0, &mr, &err), 0);
		rg_verbs_memory_put(d, mr);
	}
	assert_int_equal(fake_live() - before, RG_VERBS_CACHE);
	/* The latest are there, the oldest are not. */
	assert_int_equal(rg_verbs_memory_get(d, bytes + sizeof(bytes) - 1, 1, 0, &mr, &err), 0);
	assert_int_equal(fake_counts().registered, sizeof(bytes));
	assert_int_equal(rg_verbs_memory_get(d, bytes, 1, 0, &mr, &err), 0);
	assert_int_equal(fake_counts().registered, sizeof(bytes) + 1);
	rg_verbs_device_close(d);
}

/* In a user namespace that right counts for nothing. */
static bool own_users(void)
{
	unsigned n[3] = {0};
	FILE *f = fopen("/proc/self/uid_map", "r");
	bool own = f && fscanf(f, "%u %u %u", &n[0], &n[1], &n[2]) == 3 && n[2] != UINT32_MAX;

	if (f)
		fclose(f);
	return own;
}

static void too_little_locked_memory_empties_the_cache_before_it_is_an_error(void **state)
{
	static uint8_t bytes[100];
	struct rg_verbs_device *d, *other = NULL;
	struct rlimit old;
	struct rg_err err = {0};
	struct ibv_mr *mr;
	bool may;

	start(NULL, 0);
	d = must_open("fake0");
	assert_int_equal(rg_verbs_memory_get(d, bytes, 50, 0, &mr, &err), 0);
	rg_verbs_memory_put(d, mr);
	fake_fail("ibv_reg_mr", 1, ENOMEM);
	assert_int_equal(rg_verbs_memory_get(d, bytes + 50, 50, 0, &mr, &err), 0);
	assert_string_equal(fake_failed(), "ibv_reg_mr");
	lower_limit(&old);
	may = lock_beyond_limits(false);
	fake_fail("ibv_reg_mr", 1, ENOMEM);
	assert_int_equal(rg_verbs_memory_get(d, bytes, 20, 0, &mr, &err), RG_ERR_LIMIT);
	assert_non_null(strstr(err.text, "registering 20 bytes of memory with fake0"));
	assert_non_null(strstr(err.text, "maybe the limit of locked memory, 64K (ulimit -l)"));
	fake_fail("ibv_alloc_pd", 1, ENOMEM);
	assert_int_equal(rg_verbs_device_open(&options, "fake1", "", &other, &err),
			 RG_ERR_NO_MEMORY);
	assert_null(strstr(err.text, "ulimit"));
	if (may) {
		lock_beyond_limits(true);
		fake_fail("ibv_reg_mr", 1, ENOMEM);
		assert_int_equal(rg_verbs_memory_get(d, bytes, 20, 0, &mr, &err),
				 own_users() ? RG_ERR_LIMIT : RG_ERR_NO_MEMORY);
	}
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &old), 0);
	rg_verbs_device_close(d);
	assert_int_equal(fake_live(), 0);
}

static void a_probe_is_of_the_ranks_own_device_and_of_the_memory_that_it_will_lock(void **state)
{
	struct rlimit old;
	struct rg_err err = {0};
	char about[200] = "";
	bool may;

	start(NULL, 0);
	assert_int_equal(rg_verbs_probe(&options, 2, 4, 4096, about, sizeof(about), &err), 0);
	assert_int_equal(strncmp(about, "fake2 port 1", 12), 0);
	lower_limit(&old);
	may = lock_beyond_limits(false);
	assert_int_equal(rg_verbs_probe(&options, 0, 1, 65536, NULL, 0, &err), 0);
	assert_int_equal(rg_verbs_probe(&options, 0, 1, 1 << 20, NULL, 0, &err), RG_ERR_LIMIT);
	assert_non_null(strstr(err.text, "fake0 needs 1M of locked memory or more, of which this "
					 "process may have 64K (ulimit -l)"));
	if (may)
		lock_beyond_limits(true);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &old), 0);
	assert_int_equal(fake_live(), 0);
}

static void memory_of_another_device_comes_by_dma_buf_or_is_refused_in_words(void **state)
{
	struct rg_verbs_device *d;
	struct rg_err err = {0};
	struct ibv_mr *mr = NULL;
	int rc;

	start(NULL, 0);
	d = must_open("fake0");
	rc = rg_verbs_memory_dmabuf(d, 0, 0, 4096, 0x10000, RG_VERBS_REMOTE, &mr, &err);
#ifdef HAVE_IBV_REG_DMABUF_MR
	assert_int_equal(rc, 0);
	rg_verbs_memory_put(d, mr);
	fake_fail("ibv_reg_dmabuf_mr", 1, EOPNOTSUPP);
	rc = rg_verbs_memory_dmabuf(d, 0, 0, 4096, 0x10000, RG_VERBS_REMOTE, &mr, &err);
#endif
	assert_int_equal(rc, RG_ERR_UNSUPPORTED);
	assert_non_null(strstr(err.text, "nvidia-peermem"));
	rg_verbs_device_close(d);
	assert_int_equal(fake_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_is_opened_with_what_it_can_do),
		cmocka_unit_test(children_are_prepared_for_before_devices_are_looked_for),
		cmocka_unit_test(a_port_of_infiniband_has_the_rate_that_its_encoding_leaves),
		cmocka_unit_test(inline_goes_as_far_as_the_device_takes_it),
		cmocka_unit_test(a_datagram_goes_inline_as_far_as_its_queue_takes_it),
		cmocka_unit_test(an_endpoint_has_room_for_eight_lines_of_long_names),
		cmocka_unit_test(names_that_are_none_get_those_there_are),
		cmocka_unit_test(what_keeps_a_device_from_use_is_said_with_its_fix),
		cmocka_unit_test(of_several_ports_the_first_active_one_is_taken),
		cmocka_unit_test(each_active_device_is_described_or_refused),
		cmocka_unit_test(registrations_are_kept_until_they_are_forgotten),
		cmocka_unit_test(what_nobody_holds_is_kept_up_to_a_number),
		cmocka_unit_test(too_little_locked_memory_empties_the_cache_before_it_is_an_error),
		cmocka_unit_test(
			a_probe_is_of_the_ranks_own_device_and_of_the_memory_that_it_will_lock),
		cmocka_unit_test(memory_of_another_device_comes_by_dma_buf_or_is_refused_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
