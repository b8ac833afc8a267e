/* SPDX-License-Identifier: BSD-3-Clause */
/* RDMA devices as sysfs shows them, from a small tree of files made here. */
#include "config.h"

#include "railgauge/topo/distance.h"
#include "railgauge/topo/line.h"
#include "railgauge/topo/rdma.h"

#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/rg_sysfs_XXXXXX";

/* Makes the folders above root/path. */
static void make_parents(const char *path)
{
	char full[512];
	size_t base = strlen(root);

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *p = full + base + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		assert_true(mkdir(full, 0700) == 0 || errno == EEXIST);
	}
}

static void put(const char *path, const char *text)
{
	char full[512];
	FILE *f;

	make_parents(path);
	snprintf(full, sizeof(full), "%s%s", root, path);
	f = fopen(full, "w");
	assert_non_null(f);
	assert_true(fprintf(f, "%s\n", text) > 0);
	assert_int_equal(fclose(f), 0);
}

static void put_link(const char *path, const char *target)
{
	char full[512];

	make_parents(path);
	snprintf(full, sizeof(full), "%s%s", root, path);
	assert_int_equal(symlink(target, full), 0);
}

#define IB  "/sys/class/infiniband/"
#define NET "/sys/class/net/"
#define PCI "/sys/bus/pci/devices/"

static void put_port(const char *rdma, const char *layer, const char *state, const char *rate)
{
	static const char *const names[] = {"link_layer", "state", "rate"};
	const char *const values[] = {layer, state, rate};
	char path[256];

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), IB "%s/ports/1/%s", rdma, names[i]);
		put(path, values[i]);
	}
}

static const struct rg_topo_nic *find(const struct rg_topo *t, const char *name)
{
	for (uint32_t i = 0; i < t->nnics; i++) {
		if (!strcmp(t->nics[i].name, name))
			return &t->nics[i];
	}
	fail_msg("no adapter %s", name);
	return NULL;
}

static void a_known_adapter_is_completed(void **state)
{
	struct rg_topo *t = make_machine();
	const struct rg_topo_nic *nic;

	put_link(IB "mlx5_0/device", "../../../0000:13:00.0");
	put_port("mlx5_0", "InfiniBand", "2: INIT", "200 Gb/sec (4X HDR)");
	put(IB "mlx5_0/ports/1/gids/0", "fe80:0000:0000:0000:0800:3800:01bf:f8d8");
	put(IB "mlx5_0/ports/1/gids/1", "0000:0000:0000:0000:0000:0000:0000:0000");
	put(IB "mlx5_0/ports/1/gids/2", "0000:0000:0000:0000:0000:ffff:0a00:0001");
	put(IB "mlx5_0/ports/1/gid_attrs/types/2", "RoCE v2");
	put(IB "mlx5_0/ports/1/gid_attrs/ndevs/2", "ib0");
	put(NET "ib0/mtu", "2044");
	put(PCI "0000:13:00.0/current_link_speed", "16.0 GT/s PCIe");
	put(PCI "0000:13:00.0/current_link_width", "8");
	put(PCI "0000:13:00.0/max_link_speed", "16.0 GT/s PCIe");
	put(PCI "0000:13:00.0/max_link_width", "16");
	put(PCI "0000:12:00.0/current_link_speed", "Unknown");
	put(PCI "0000:12:00.0/current_link_width", "255");
	assert_int_equal(topo_sysfs(root, t, NULL), 0);
	assert_int_equal(t->nnics, 4);
	nic = find(t, "mlx5_0");
	assert_false(nic->soft);
	assert_int_equal(nic->state, RG_TOPO_STATE_INIT);
	assert_int_equal(nic->layer, RG_TOPO_LAYER_INFINIBAND);
	assert_int_equal(nic->rate_Bps, UINT64_C(25000000000));
	assert_int_equal(nic->mtu_bytes, 2044);
	assert_int_equal(nic->ngids, 2);
	assert_int_equal(nic->gids[1].index, 2);
	assert_string_equal(nic->gids[1].type, "RoCE v2");
	assert_string_equal(nic->gids[1].netdev, "ib0");
	assert_int_equal(nic->pcie_cur.width, 8);
	assert_int_equal(nic->pcie_cur.speed_MTps, 16000);
	assert_int_equal(nic->pcie_cur.rate_Bps,
			 UINT64_C(15753846154)); /* 16e9 * 8 / 8 * 128/130 */
	assert_int_equal(nic->pcie_max.width, 16);
	assert_int_equal(t->gpus[0].pcie_cur.width, 0);
	rg_topo_close(t);
}

static void lines_of_infiniband_are_known_by_their_codes(void **state)
{
	/* QDR 4X: 40 Gbit/s signalled, 32 after 8b/10b. EDR 4X: 103.125, 100 after 64b/66b. */
	assert_int_equal(rg_line_infiniband_Bps(4, 2), 4000000000);
	assert_int_equal(rg_line_infiniband_Bps(32, 2), 12500000000);
	assert_int_equal(rg_line_infiniband_Bps(16, 2), 6818181818);
	assert_int_equal(rg_line_infiniband_Bps(128, 2), 50000000000);
	assert_int_equal(rg_line_infiniband_Bps(256, 2), 100000000000);
	assert_int_equal(rg_line_infiniband_Bps(64, 16), 12500000000);
	assert_int_equal(rg_line_infiniband_Bps(3, 2), 0);
	assert_int_equal(rg_line_infiniband_Bps(32, 3), 0);
}

static void lines_of_ethernet_are_as_fast_as_their_interface(void **state)
{
	put(NET "eth8/speed", "200000");
	put(NET "eth7/speed", "-1");
	assert_int_equal(rg_line_ethernet_Bps(root, "eth8"), 25000000000);
	assert_int_equal(rg_line_ethernet_Bps(root, "eth7"), 0);
	assert_int_equal(rg_line_ethernet_Bps(root, "eth6"), 0);
}

static void a_soft_adapter_is_where_its_netdev_is(void **state)
{
	struct rg_topo *t = make_machine();
	const struct rg_topo_nic *nic;

	/* The fourth adapter has no RDMA of its own; rxe0 is put on it. */
	t->nics[3].rdma[0] = '\0';
	t->nics[3].port = 0;
	snprintf(t->nics[3].name, sizeof(t->nics[3].name), "eth9");
	snprintf(t->nics[3].netdev, sizeof(t->nics[3].netdev), "eth9");
	put(IB "rxe0/parent", "eth9");
	put_port("rxe0", "Ethernet", "4: ACTIVE", "2.5 Gb/sec (1X SDR)");
	put(NET "eth9/speed", "10000");
	put(NET "eth9/mtu", "9000");
	assert_int_equal(topo_sysfs(root, t, NULL), 0);
	assert_int_equal(t->nnics, 4);
	nic = find(t, "rxe0");
	assert_true(nic->soft);
	assert_string_equal(nic->rdma, "rxe0");
	assert_string_equal(nic->netdev, "eth9");
	assert_string_equal(nic->at.busid, "0000:18:00.1");
	assert_int_equal(nic->at.numa, 1);
	assert_int_equal(nic->layer, RG_TOPO_LAYER_ETHERNET);
	assert_int_equal(nic->state, RG_TOPO_STATE_ACTIVE);
	assert_int_equal(nic->rate_Bps, 1250000000); /* not what rxe claims */
	assert_int_equal(nic->mtu_bytes, 9000);
	rg_topo_close(t);
}

static void adapters_that_hwloc_missed_are_added(void **state)
{
	struct rg_topo *t = make_machine();
	const struct rg_topo_nic *hard, *soft;

	put_link(IB "efa0/device", "../../../0000:55:00.0");
	put_port("efa0", "Unspecified", "4: ACTIVE", "100 Gb/sec (4X EDR)");
	put_port("siw0", "Ethernet", "1: DOWN", "2.5 Gb/sec (1X SDR)");
	put(IB "siw0/ports/1/gid_attrs/ndevs/0", "dummy0");
	assert_int_equal(topo_sysfs(root, t, NULL), 0);
	assert_int_equal(t->nnics, 6);
	hard = find(t, "efa0");
	assert_false(hard->soft);
	assert_string_equal(hard->at.busid, "0000:55:00.0");
	assert_int_equal(hard->rate_Bps, UINT64_C(12500000000));
	soft = find(t, "siw0");
	assert_true(soft->soft);
	assert_string_equal(soft->netdev, "dummy0");
	assert_int_equal(soft->at.numa, RG_TOPO_NONE);
	assert_int_equal(soft->state, RG_TOPO_STATE_DOWN);
	rg_topo_close(t);
}

/* Before Linux 5.11 rxe hung off its interface's PCI device, and hwloc found it there. */
static void software_that_passes_for_its_interfaces_device_is_told(void **state)
{
	struct rg_topo *t = make_machine();

	snprintf(t->nics[0].name, sizeof(t->nics[0].name), "rxe0");
	snprintf(t->nics[0].rdma, sizeof(t->nics[0].rdma), "rxe0");
	put(IB "rxe0/parent", "eth9");
	put(IB "rxe0/node_desc", "rxe");
	put_link(IB "rxe0/device", "../../../0000:13:00.0");
	put_port("rxe0", "Ethernet", "4: ACTIVE", "2.5 Gb/sec (1X SDR)");
	put(NET "eth9/speed", "10000");
	put(IB "siw0/node_desc", "Software iWARP stack");
	put_link(IB "siw0/device", "../../../0000:14:00.0");
	put_port("siw0", "Ethernet", "4: ACTIVE", "2.5 Gb/sec (1X SDR)");
	put_link(IB "mlx5_1/device", "../../../0000:15:00.0");
	put(IB "mlx5_1/node_desc", "host1 mlx5_1");
	assert_int_equal(topo_sysfs(root, t, NULL), 0);
	assert_true(find(t, "rxe0")->soft);
	assert_string_equal(find(t, "rxe0")->at.busid, "0000:13:00.0");
	assert_int_equal(find(t, "rxe0")->rate_Bps, 1250000000);
	assert_true(find(t, "siw0")->soft);
	assert_true(rg_rdma_is_soft(root, "rxe0"));
	assert_false(rg_rdma_is_soft(root, "mlx5_1"));
	assert_false(rg_rdma_is_soft(root, "mlx5_7")); /* not there */
	rg_topo_close(t);
}

static void without_any_of_it_nothing_changes(void **state)
{
	struct rg_topo *t = make_machine();
	char before[RG_TOPO_HASH_BYTES];

	memcpy(before, t->hash, sizeof(before));
	assert_int_equal(topo_sysfs(root, t, NULL), 0);
	assert_int_equal(topo_seal(t, NULL), 0);
	assert_string_equal(before, t->hash);
	rg_topo_close(t);
}

static void adapters_are_sorted_with_numbers_as_numbers(void **state)
{
	struct rg_topo *t = make_machine();

	snprintf(t->nics[0].name, sizeof(t->nics[0].name), "mlx5_10");
	snprintf(t->nics[1].name, sizeof(t->nics[1].name), "aaa");
	t->nics[1].rdma[0] = '\0';
	topo_sort_nics(t);
	assert_string_equal(t->nics[0].name, "mlx5_2");
	assert_string_equal(t->nics[1].name, "mlx5_3");
	assert_string_equal(t->nics[2].name, "mlx5_10");
	assert_string_equal(t->nics[3].name, "aaa");
	rg_topo_close(t);
}

static int make_root(void **state)
{
	memcpy(root + strlen(root) - 6, "XXXXXX", 6);
	return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

static int remove_root(void **state)
{
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_known_adapter_is_completed, make_root,
						remove_root),
		cmocka_unit_test(lines_of_infiniband_are_known_by_their_codes),
		cmocka_unit_test_setup_teardown(lines_of_ethernet_are_as_fast_as_their_interface,
						make_root, remove_root),
		cmocka_unit_test_setup_teardown(a_soft_adapter_is_where_its_netdev_is, make_root,
						remove_root),
		cmocka_unit_test_setup_teardown(adapters_that_hwloc_missed_are_added, make_root,
						remove_root),
		cmocka_unit_test_setup_teardown(
			software_that_passes_for_its_interfaces_device_is_told, make_root,
			remove_root),
		cmocka_unit_test_setup_teardown(without_any_of_it_nothing_changes, make_root,
						remove_root),
		cmocka_unit_test(adapters_are_sorted_with_numbers_as_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
