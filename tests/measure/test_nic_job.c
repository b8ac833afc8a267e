/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters of several ranks' adapters, and how they come into a document. */
#include "config.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/launch/rendezvous.h"
#include "railgauge/measure/nic_counters_job.h"

#include "fake_sysfs.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define RANKS	   3
#define TIMEOUT_NS 20000000000u
#define RXE(k)	   "/sys/class/infiniband/rxe" #k "/ports/1/hw_counters"

static int make_tree(void **state)
{
	int rc = fake_open(state);

	fake_put("/sys/class/infiniband/rxe0/ports/1/state", "4: ACTIVE");
	fake_put("/sys/class/infiniband/rxe1/ports/1/state", "4: ACTIVE");
	fake_number(RXE(0), "rcvd_seq_err", 0);
	fake_number(RXE(0), "sent_pkts", 5);
	fake_number(RXE(1), "rcvd_seq_err", 40);
	fake_number(RXE(1), "send_rnr_err", 40);
	fake_number("/sys/class/net/eth0/statistics", "tx_bytes", 0);
	fake_put("/proc/net/snmp", "Tcp: RetransSegs\nTcp: 1");
	return rc;
}

/* What each rank names. */
static const char *lists[RANKS];

/* One rank's life: a reading, a change by rank 0, another one. */
struct rank {
	pthread_t thread;
	struct rg_rendezvous *rdv;
	void (*change)(int step);
	int steps;
	int rc;
	struct rg_err err;
	uint32_t nports;
	struct rg_counters counters; /* owned */
};

static int live(struct rank *r)
{
	struct rg_nic_port ports[RG_NIC_PORTS_MAX];
	struct rg_nic_job *job;
	uint32_t n;
	int rc = rg_nic_ports_find(fake_root, lists[r->rdv->rank], ports, &n, &r->err);

	for (uint32_t i = 0; i < n; i++)
		ports[i].tcp = !ports[i].port;
	if (!rc)
		rc = rg_nic_job_open(r->rdv, fake_root, ports, n, TIMEOUT_NS, &job, &r->err);
	if (rc)
		return rc;
	r->nports = rg_nic_job_nports(job);
	rc = rg_nic_job_read(job, &r->err);
	for (int step = 0; !rc && step < r->steps; step++) {
		if (r->rdv->rank == 0)
			r->change(step);
		rc = rg_rendezvous_barrier(r->rdv, rg_clock_ns() + TIMEOUT_NS, &r->err);
		if (!rc)
			rc = rg_nic_job_read(job, &r->err);
		if (!rc)
			rc = rg_nic_job_add(job, 2 * (uint32_t)step, 2, &r->counters, &r->err);
	}
	rg_nic_job_close(job);
	return rc;
}

static void *run(void *arg)
{
	struct rank *r = arg;

	r->rc = live(r);
	rg_rendezvous_close(r->rdv);
	return NULL;
}

static void run_all(struct rank ranks[RANKS], void (*change)(int step), int steps)
{
	struct rg_rendezvous *rdvs[RANKS];

	assert_int_equal(rg_rendezvous_threads_open(RANKS, rdvs, NULL), 0);
	for (int i = 0; i < RANKS; i++) {
		ranks[i] = (struct rank){.rdv = rdvs[i], .change = change, .steps = steps};
		assert_int_equal(pthread_create(&ranks[i].thread, NULL, run, &ranks[i]), 0);
	}
	for (int i = 0; i < RANKS; i++) {
		pthread_join(ranks[i].thread, NULL);
		if (ranks[i].rc)
			fail_msg("rank %d: %s", i, ranks[i].err.text);
	}
}

static void release(struct rank ranks[RANKS])
{
	for (int i = 0; i < RANKS; i++)
		rg_counters_release(&ranks[i].counters);
}

/* What moved of a counter at a device in reading `at` of its readings; NULL: it did not. */
static const struct rg_counters_moved *moved_of(const struct rg_counters *c, const char *device,
						uint32_t at, const char *name)
{
	for (uint32_t i = 0; i < c->nreadings; i++) {
		const struct rg_counters_reading *r = &c->readings[i];

		if (strcmp(c->nics[r->nic].device, device) != 0 || at--)
			continue;
		for (uint32_t k = 0; k < r->nmoved; k++) {
			if (!strcmp(c->kinds[r->moved[k].kind].name, name))
				return &r->moved[k];
		}
		return NULL;
	}
	return NULL;
}

static void lose_at_rxe1(int step)
{
	fake_number(RXE(1), "rcvd_seq_err", 40 + 3 * (unsigned)step);
	fake_number(RXE(0), "sent_pkts", 100 + (unsigned)step);
	fake_number("/sys/class/net/eth0/statistics", "tx_bytes", 10 * (unsigned)step);
	fake_put("/proc/net/snmp", step ? "Tcp: RetransSegs\nTcp: 6" : "Tcp: RetransSegs\nTcp: 1");
}

static void rank_0_learns_what_moved_at_which_port(void **state)
{
	struct rank ranks[RANKS];
	const struct rg_counters *c = &ranks[0].counters;

	lists[0] = "rxe0";
	lists[1] = "rxe0,rxe1";
	lists[2] = "eth0";
	run_all(ranks, lose_at_rxe1, 2);
	for (int i = 0; i < RANKS; i++) {
		const struct rg_counters *mine = &ranks[i].counters;

		/* rxe0 is rank 0's, though rank 1 names it as well. */
		assert_int_equal(ranks[i].nports, 3);
		assert_int_equal(mine->nnics, 3);
		assert_string_equal(mine->nics[1].device, "rxe1");
		assert_int_equal(mine->nics[1].rank, 1);
		assert_int_equal(mine->nics[1].port, 1);
		assert_string_equal(mine->nics[2].device, "eth0");
		assert_int_equal(mine->nics[2].rank, 2);
		assert_int_equal(mine->nreadings, i ? 0 : 6);
	}
	assert_int_equal(c->readings[4].first_point, 2);
	assert_int_equal(c->readings[4].npoints, 2);
	assert_int_equal(c->readings[4].read, 2);
	assert_null(moved_of(c, "rxe1", 0, "rcvd_seq_err"));
	assert_int_equal(moved_of(c, "rxe1", 1, "rcvd_seq_err")->by, 3);
	assert_null(moved_of(c, "rxe0", 1, "rcvd_seq_err"));
	assert_int_equal(moved_of(c, "rxe0", 0, "sent_pkts")->by, 95);
	assert_int_equal(moved_of(c, "rxe0", 1, "sent_pkts")->by, 1);
	assert_int_equal(moved_of(c, "eth0", 1, "RetransSegs")->by, 5);
	assert_null(moved_of(c, "rxe1", 1, "RetransSegs"));
	release(ranks);
}

/* More than one exchange takes of a rank. */
#define MANY 2000

static void set_many(unsigned add)
{
	char name[16];

	for (unsigned k = 0; k < MANY; k++) {
		snprintf(name, sizeof(name), "made_up_%04u", k);
		fake_number(RXE(1), name, (unsigned long long)k * (1 + add));
	}
}

static void move_many(int step)
{
	set_many((unsigned)step + 1);
	fake_number(RXE(0), "sent_pkts", 6);
	fake_number("/sys/class/net/eth0/statistics", "tx_bytes", 9);
}

static void rows_of_any_number_come_to_their_ports(void **state)
{
	const struct rg_counters *c;
	struct rank ranks[RANKS];

	set_many(0);
	lists[0] = "eth0";
	lists[1] = "rxe1";
	lists[2] = "rxe0";
	run_all(ranks, move_many, 1);
	c = &ranks[0].counters;
	assert_int_equal(c->nreadings, 3);
	assert_int_equal(c->readings[0].nmoved, 1);
	assert_int_equal(c->readings[1].nmoved, MANY - 1); /* 0 stands still */
	assert_int_equal(c->readings[2].nmoved, 1);
	assert_int_equal(moved_of(c, "eth0", 0, "tx_bytes")->by, 9);
	assert_int_equal(moved_of(c, "rxe0", 0, "sent_pkts")->by, 1);
	for (uint32_t k = 0; k < c->readings[1].nmoved; k++) {
		const struct rg_counters_moved *m = &c->readings[1].moved[k];
		unsigned number;

		assert_int_equal(sscanf(c->kinds[m->kind].name, "made_up_%u", &number), 1);
		assert_int_equal(number, k + 1);
		assert_int_equal(m->by, number);
	}
	release(ranks);
}

static void take_rxe1_away(int step)
{
	if (step)
		fake_put("/sys/class/infiniband/rxe1/ports/1/hw_counters/rcvd_seq_err", "1");
	else
		fake_remove("/sys/class/infiniband/rxe1");
}

static void a_device_that_goes_and_comes_back_is_told(void **state)
{
	const struct rg_counters *c;
	struct rank ranks[RANKS];

	lists[0] = lists[1] = "";
	lists[2] = "rxe1";
	run_all(ranks, take_rxe1_away, 2);
	c = &ranks[0].counters;
	assert_int_equal(c->nreadings, 2);
	assert_true(c->readings[0].gone && !c->readings[0].nmoved && !c->readings[0].read);
	assert_true(!c->readings[1].gone && !c->readings[1].nmoved);
	assert_int_equal(c->readings[1].read, 1);
	release(ranks);
}

static void ranks_without_ports_read_nothing(void **state)
{
	struct rank ranks[RANKS];
	json_t *document;

	lists[0] = lists[1] = lists[2] = "";
	run_all(ranks, lose_at_rxe1, 1);
	assert_int_equal(ranks[1].nports, 0);
	assert_int_equal(ranks[1].counters.nnics, 0);
	document = rg_counters_to_json(&ranks[1].counters);
	assert_true(json_is_null(document));
	json_decref(document);
	release(ranks);
}

/* --- the document --- */

static struct rg_counters made_up(void)
{
	const struct rg_counters_nic nic = {
		.rank = 1, .host = "n1", .device = "rxe1", .port = 1, .netdev = "eth1"};
	const struct rg_counters_nic eth = {.rank = 2, .host = "n1", .device = "eth2"};
	const struct rg_nic_moved rows[] = {
		{.group = RG_NIC_FROM_HW, .how = RG_NIC_COUNTED, .by = 3, .name = "rcvd_seq_err"},
		{.group = RG_NIC_FROM_HW, .how = RG_NIC_GONE, .name = "sent_pkts"},
	};
	const struct rg_counters_reading reading = {
		.nic = 0, .first_point = 1, .npoints = 2, .read = 15, .stale_ns = 7};
	struct rg_counters c = {0};

	assert_int_equal(rg_counters_add_nic(&c, &nic, NULL), 0);
	assert_int_equal(rg_counters_add_nic(&c, &eth, NULL), 0);
	assert_int_equal(rg_counters_add_reading(&c, &reading, rows, 2, NULL), 0);
	assert_int_equal(rg_counters_add_reading(&c, &reading, rows + 1, 1, NULL), 0);
	assert_int_equal(c.nkinds, 2);
	return c;
}

static void counters_read_and_written_again_are_the_same(void **state)
{
	struct rg_counters c = made_up(), again;
	json_t *first = rg_counters_to_json(&c), *second;
	struct rg_err err = {0};

	if (rg_counters_from_json(first, "counters", 3, &again, &err))
		fail_msg("%s", err.text);
	second = rg_counters_to_json(&again);
	assert_true(json_equal(first, second));
	assert_int_equal(again.kinds[0].class, RG_NIC_STILL);
	assert_string_equal(again.kinds[0].meaning,
			    rg_nic_row(RG_NIC_FROM_HW, "rcvd_seq_err")->meaning);
	assert_int_equal(again.readings[0].moved[1].by, 0);
	rg_counters_release(&c);
	rg_counters_release(&again);
	json_decref(second);
	/* Of fewer points. */
	assert_int_equal(rg_counters_from_json(first, "counters", 2, &again, &err), RG_ERR_FORMAT);
	assert_string_equal(err.text, "counters.readings[0].points: no such points");
	json_decref(first);
	/* An older document. */
	assert_int_equal(rg_counters_from_json(NULL, "counters", 2, &again, &err), 0);
	assert_int_equal(again.nnics, 0);
}

static void readings_of_nothing_are_refused(void **state)
{
	struct rg_counters c = made_up();
	struct rg_counters_reading r = {.nic = 2, .npoints = 1};

	assert_int_equal(rg_counters_add_reading(&c, &r, NULL, 0, NULL), RG_ERR_INVALID);
	r.nic = r.npoints = 0;
	assert_int_equal(rg_counters_add_reading(&c, &r, NULL, 0, NULL), RG_ERR_INVALID);
	assert_int_equal(c.nreadings, 2);
	rg_counters_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_tree, fake_close)
		TEST(rank_0_learns_what_moved_at_which_port),
		TEST(rows_of_any_number_come_to_their_ports),
		TEST(a_device_that_goes_and_comes_back_is_told),
		TEST(ranks_without_ports_read_nothing),
#undef TEST
		cmocka_unit_test(counters_read_and_written_again_are_the_same),
		cmocka_unit_test(readings_of_nothing_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
