/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs: which devices a rank uses. */
#include "config.h"

#include "verbs_pair.h"

#include "railgauge/transport/verbs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct rg_verbs_options options;

static void start(const struct fake_device *devices, uint32_t n)
{
	fake_reset(devices, n);
	options = rg_verbs_options_default;
}

static void a_list_of_devices_is_opened_in_its_order_or_not_at_all(void **state)
{
	struct rg_verbs_device *d[RG_VERBS_DEVICES_MAX];
	struct rg_err err = {0};
	uint32_t n = 77;

	start(NULL, 0);
	options.device = "fake2,fake0:1";
	assert_int_equal(rg_verbs_devices_open(&options, 0, 1, d, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(d[0]->name, "fake2");
	assert_string_equal(d[1]->name, "fake0");
	rg_verbs_devices_close(d, n);
	assert_null(d[0]);
	assert_int_equal(fake_live(), 0);
	options.device = "fake2,fake9";
	assert_int_equal(rg_verbs_devices_open(&options, 0, 1, d, &n, &err), RG_ERR_NOT_FOUND);
	options.device = "fake2,,fake1";
	assert_int_equal(rg_verbs_devices_open(&options, 0, 1, d, &n, &err), RG_ERR_INVALID);
	options.device = "fake2,fake2";
	assert_int_equal(rg_verbs_devices_open(&options, 0, 1, d, &n, &err), RG_ERR_INVALID);
	assert_non_null(strstr(err.text, "fake2 is there twice"));
	assert_int_equal(fake_live(), 0);
}

static void devices_of_unknown_place_are_dealt_to_the_ranks_of_a_node(void **state)
{
	struct rg_verbs_device *d[RG_VERBS_DEVICES_MAX];
	struct rg_err err = {0};
	uint32_t n;

	start(NULL, 0);
	fake_port("fake1", 1, false);
	for (uint32_t local = 0; local < 4; local++) {
		const char *const names[] = {"fake0", "fake2", "fake3", "fake0"};

		if (rg_verbs_devices_open(&options, local, 4, d, &n, &err))
			fail_msg("%s", err.text);
		assert_int_equal(n, 1);
		assert_string_equal(d[0]->name, names[local]);
		rg_verbs_devices_close(d, n);
	}
	options.device = "all";
	assert_int_equal(rg_verbs_devices_open(&options, 0, 1, d, &n, &err), 0);
	assert_int_equal(n, 3);
	rg_verbs_devices_close(d, n);
	assert_int_equal(fake_live(), 0);
}

static void devices_that_are_neither_infiniband_nor_roce_are_passed_over(void **state)
{
	const struct fake_device devices[] = {
		{.name = "iwarp", .ports = 1, .transport = IBV_TRANSPORT_IWARP},
		{.name = "efa", .ports = 1, .transport = IBV_TRANSPORT_UNSPECIFIED},
		{.name = "good",
		 .ports = 1,
		 .ngids = 1,
		 .gids = {{[10] = 0xff, 0xff, 10, 0, 0, 1}},
		 .gid_types = {IBV_GID_TYPE_ROCE_V2}},
	};
	const char *const wanted[] = {NULL, "all"};
	struct rg_verbs_device *d[RG_VERBS_DEVICES_MAX];
	struct rg_err err = {0};
	uint32_t n;

	for (int i = 0; i < 2; i++) {
		start(devices, 3);
		options.device = wanted[i];
		if (rg_verbs_devices_open(&options, 0, 1, d, &n, &err))
			fail_msg("%s", err.text);
		assert_int_equal(n, 1);
		assert_string_equal(d[0]->name, "good");
		rg_verbs_devices_close(d, n);
		start(devices, 2);
		options.device = wanted[i];
		assert_int_equal(rg_verbs_devices_open(&options, 0, 1, d, &n, &err),
				 RG_ERR_UNSUPPORTED);
		assert_non_null(strstr(err.text, "iwarp is an iWARP device"));
		assert_int_equal(fake_live(), 0);
	}
}

static void no_device_at_all_is_said_and_one_that_is_down_is_named(void **state)
{
	const struct fake_device down = {.name = "down", .ports = 1, .state = IBV_PORT_DOWN};
	struct rg_verbs_device *d[RG_VERBS_DEVICES_MAX];
	struct rg_err err = {0};
	uint32_t n;

	start(&down, 0);
	assert_int_equal(rg_verbs_devices_open(&options, 0, 1, d, &n, &err), RG_ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "verbs: RDMA devices: none"));
	start(&down, 1);
	assert_int_equal(rg_verbs_devices_open(&options, 0, 1, d, &n, &err), RG_ERR_UNSUPPORTED);
	assert_non_null(strstr(err.text, "down port 1 is not active"));
	assert_int_equal(fake_live(), 0);
}

static void of_several_rails_one_that_is_up_will_do(void **state)
{
	struct rg_verbs_device *d[RG_VERBS_DEVICES_MAX];
	struct rg_err err = {0};
	char about[200] = "";
	uint32_t n = 0;

	start(NULL, 0);
	options.device = "fake0,fake1,fake2";
	fake_port("fake0", 1, false);
	fake_port("fake2", 1, false);
	assert_int_equal(rg_verbs_devices_open(&options, 0, 1, d, &n, &err), RG_ERR_UNSUPPORTED);
	assert_int_equal(rg_verbs_rails_open(&options, 0, 1, d, &n, &err), 0);
	assert_int_equal(n, 3);
	assert_null(d[0]);
	assert_string_equal(d[1]->name, "fake1");
	assert_null(d[2]);
	rg_verbs_devices_close(d, n);
	assert_int_equal(rg_verbs_probe(&options, 0, 1, 4096, about, sizeof(about), &err), 0);
	assert_int_equal(strncmp(about, "fake1 port 1", 12), 0);
	fake_port("fake1", 1, false);
	assert_int_equal(rg_verbs_rails_open(&options, 0, 1, d, &n, &err), RG_ERR_UNSUPPORTED);
	assert_non_null(strstr(err.text, "fake0 port 1 is not active"));
	options.device = "fake0,fake9";
	assert_int_equal(rg_verbs_rails_open(&options, 0, 1, d, &n, &err), RG_ERR_NOT_FOUND);
	assert_int_equal(fake_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_of_devices_is_opened_in_its_order_or_not_at_all),
		cmocka_unit_test(devices_of_unknown_place_are_dealt_to_the_ranks_of_a_node),
		cmocka_unit_test(devices_that_are_neither_infiniband_nor_roce_are_passed_over),
		cmocka_unit_test(no_device_at_all_is_said_and_one_that_is_down_is_named),
		cmocka_unit_test(of_several_rails_one_that_is_up_will_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
