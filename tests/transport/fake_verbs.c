/* SPDX-License-Identifier: BSD-3-Clause */
/* Made-up devices, contexts and events; what a test switches and counts. */
#include "config.h"

#include "fake_verbs_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fake fake = {.lock = PTHREAD_MUTEX_INITIALIZER};
_Thread_local atomic_int fake_inside;

void fake_lock(void)
{
	atomic_fetch_add(&fake_inside, 1);
	pthread_mutex_lock(&fake.lock);
}

void fake_unlock(void)
{
	pthread_mutex_unlock(&fake.lock);
	atomic_fetch_sub(&fake_inside, 1);
}

static void refuse(const char *why)
{
	fprintf(stderr, "fake verbs: %s\n", why);
	abort();
}

/* --- devices --- */

static void default_device(struct fake_device *d, uint32_t k)
{
	static const char *const names[] = {"fake0", "fake1", "fake2", "fake3"};
	const uint8_t host = (uint8_t)(k + 1);
	const uint8_t local[16] = {0xfe, 0x80, [15] = host};
	const uint8_t mapped[16] = {[10] = 0xff, 0xff, 10, 99, 0, host};

	*d = (struct fake_device){.name = names[k], .ports = 1, .ngids = 4};
	for (int i = 0; i < 4; i++) {
		memcpy(d->gids[i], i < 2 ? local : mapped, 16);
		d->gid_types[i] = i % 2 ? IBV_GID_TYPE_ROCE_V2 : IBV_GID_TYPE_ROCE_V1;
	}
}

static void make_device(struct fake_dev *dev, const struct fake_device *config)
{
	struct fake_device *c = &dev->config;

	*c = *config;
	if (!c->state)
		c->state = IBV_PORT_ACTIVE;
	if (!c->mtu)
		c->mtu = IBV_MTU_4096;
	if (!c->speed)
		c->speed = 32;
	if (!c->max_inline)
		c->max_inline = 256;
	if (!c->max_inline_ud)
		c->max_inline_ud = c->max_inline;
	if (!c->max_qp_wr)
		c->max_qp_wr = 4096;
	if (!c->max_cqe)
		c->max_cqe = 65536;
	if (!c->max_reads)
		c->max_reads = 16;
	dev->v.node_type = c->transport == IBV_TRANSPORT_IWARP ? IBV_NODE_RNIC
			   : c->transport == IBV_TRANSPORT_IB  ? IBV_NODE_CA
							       : IBV_NODE_UNSPECIFIED;
	dev->v.transport_type = c->transport;
	snprintf(dev->v.name, sizeof(dev->v.name), "%s", c->name);
	for (int p = 1; p <= c->ports; p++)
		dev->ports[p].up = c->state == IBV_PORT_ACTIVE;
}

void fake_reset(const struct fake_device *devices, uint32_t n)
{
	struct fake_device made[4];

	if (!devices) {
		for (n = 0; n < 4; n++)
			default_device(&made[n], n);
		devices = made;
	}
	if (n > FAKE_DEVICES_MAX)
		refuse("too many devices");
	while (fake.datagrams) {
		struct fake_datagram *d = fake.datagrams;

		fake.datagrams = d->next;
		free(d);
	}
	fake = (struct fake){
		.lock = PTHREAD_MUTEX_INITIALIZER, .ndevices = n, .next_key = 100, .next_qpn = 17};
	for (uint32_t i = 0; i < n; i++)
		make_device(&fake.devices[i], &devices[i]);
}

uint32_t fake_live(void)
{
	return fake.live;
}

static struct fake_dev *find_device(const char *name)
{
	for (uint32_t i = 0; i < fake.ndevices; i++) {
		if (!strcmp(fake.devices[i].config.name, name))
			return &fake.devices[i];
	}
	refuse("no such device");
	return NULL;
}

bool fake_gid(const struct fake_dev *dev, uint8_t port, uint32_t index, uint8_t gid[16])
{
	static const uint8_t none[16];

	if (index >= dev->config.ngids || !memcmp(dev->config.gids[index], none, 16))
		return false;
	memcpy(gid, dev->config.gids[index], 16);
	if (port == 2)
		gid[14] ^= 1;
	return true;
}

uint16_t fake_lid(const struct fake_dev *dev, uint8_t port)
{
	return dev->config.infiniband ? (uint16_t)(dev->config.lid + port - 1) : 0;
}

static bool has_gid(const struct fake_dev *dev, uint8_t port, const uint8_t wanted[16])
{
	uint8_t gid[16];

	for (uint32_t k = 0; k < dev->config.ngids; k++) {
		if (fake_gid(dev, port, k, gid) && !memcmp(gid, wanted, 16))
			return true;
	}
	return false;
}

bool fake_find_port(const struct fake_dev *from, const struct ibv_ah_attr *to,
		    struct fake_dev **dev_out, uint8_t *port_out)
{
	for (uint32_t i = 0; i < fake.ndevices; i++) {
		struct fake_dev *d = &fake.devices[i];

		if (d->config.infiniband != from->config.infiniband)
			continue;
		for (uint8_t p = 1; p <= d->config.ports; p++) {
			if (d->config.infiniband && fake_lid(d, p) != to->dlid)
				continue;
			if (to->is_global ? !has_gid(d, p, to->grh.dgid.raw)
					  : !d->config.infiniband || d->config.grh)
				continue;
			*dev_out = d;
			*port_out = p;
			return true;
		}
	}
	return false;
}

/* --- switches and counts --- */

uint64_t fake_draw(void)
{
	uint64_t z = fake.random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

int fake_call(const char *name)
{
	int e = 0;

	fake_lock();
	if (strcmp(name, "ibv_post_send") != 0 && strcmp(name, "ibv_post_recv") != 0 &&
	    strcmp(name, "ibv_poll_cq") != 0)
		fake.counts.others++;
	if (fake.fail_name ? !strcmp(fake.fail_name, name) : strcmp(name, "ibv_poll_cq") != 0) {
		if (++fake.calls == fake.fail_nth) {
			fake.failed = name;
			e = fake.fail_errnum;
		}
	}
	fake_unlock();
	return e;
}

void fake_note(void)
{
	fake_lock();
	fake.counts.others++;
	fake_unlock();
}

void fake_fail(const char *name, unsigned long n, int errnum)
{
	fake_lock();
	fake.fail_name = name;
	fake.fail_nth = n;
	fake.fail_errnum = errnum;
	fake.failed = NULL;
	fake.calls = 0;
	fake_unlock();
}

const char *fake_failed(void)
{
	return fake.failed;
}

unsigned long fake_calls(void)
{
	return fake.calls;
}

void fake_complete(unsigned long n, enum ibv_wc_status status, uint32_t vendor)
{
	fake_lock();
	fake.complete_nth = n ? fake.sends + n : 0;
	fake.complete_status = status;
	fake.complete_vendor = vendor;
	fake_unlock();
}

void fake_order(unsigned modes, uint64_t seed)
{
	fake_lock();
	fake.modes = modes;
	fake.random = seed;
	fake_unlock();
}

void fake_ud_loss(uint32_t lost, uint32_t twice, uint64_t seed)
{
	fake_lock();
	fake.lost = lost;
	fake.twice = twice;
	fake.random = seed;
	fake_unlock();
}

void fake_watch(const void *base, size_t len_bytes)
{
	pthread_mutex_lock(&fake.lock);
	if (fake.nwatched == FAKE_WATCHED_MAX)
		refuse("too much memory is watched");
	fake.watched[fake.nwatched++] = (struct fake_watched){(uintptr_t)base, len_bytes};
	pthread_mutex_unlock(&fake.lock);
}

bool fake_is_watched(uint64_t address)
{
	for (uint32_t i = 0; i < fake.nwatched; i++) {
		if (address - fake.watched[i].base < fake.watched[i].len_bytes)
			return true;
	}
	return false;
}

struct fake_counts fake_counts(void)
{
	struct fake_counts c;

	fake_lock();
	c = fake.counts;
	fake_unlock();
	return c;
}

/* --- events --- */

void fake_push_event(struct fake_context *context, enum ibv_event_type type, void *object, int port)
{
	struct ibv_async_event event;

	memset(&event, 0, sizeof(event)); /* all of it is written */
	event.event_type = type;
	if (object)
		event.element.qp = object;
	else
		event.element.port_num = port;
	if (write(context->event_pipe[1], &event, sizeof(event)) != sizeof(event))
		refuse("nobody reads events");
}

static void push_to_device(const struct fake_dev *dev, enum ibv_event_type type, void *object,
			   int port)
{
	for (struct fake_context *c = fake.contexts; c; c = c->next) {
		if (c->dev == dev)
			fake_push_event(c, type, object, port);
	}
}

void fake_event(const char *device, enum ibv_event_type type, struct ibv_qp *qp)
{
	fake_lock();
	if (qp)
		fake_push_event((struct fake_context *)qp->context, type, qp, 1);
	else
		push_to_device(find_device(device), type, NULL, 1);
	fake_unlock();
}

void fake_port(const char *device, uint8_t port, bool up)
{
	struct fake_dev *dev;

	fake_lock();
	dev = find_device(device);
	if (dev->ports[port].up != up) {
		dev->ports[port].up = up;
		push_to_device(dev, up ? IBV_EVENT_PORT_ACTIVE : IBV_EVENT_PORT_ERR, NULL, port);
		fake_run_all();
	}
	fake_unlock();
}

void fake_gids(const char *device, uint32_t n, const uint8_t gids[][16], const uint32_t *types)
{
	struct fake_dev *dev;

	fake_lock();
	dev = find_device(device);
	dev->config.ngids = n;
	memcpy(dev->config.gids, gids, n * sizeof(gids[0]));
	memcpy(dev->config.gid_types, types, n * sizeof(types[0]));
	push_to_device(dev, IBV_EVENT_GID_CHANGE, NULL, 1);
	fake_unlock();
}

void fake_give_up(const char *device)
{
	struct fake_dev *dev;

	fake_lock();
	dev = find_device(device);
	for (struct fake_qp *qp = fake.qps; qp; qp = qp->next)
		fake_give_up_qp(qp, dev);
	fake_unlock();
}

uint64_t fake_sends(const char *device)
{
	uint64_t n;

	fake_lock();
	n = find_device(device)->sends;
	fake_unlock();
	return n;
}

int ibv_get_async_event(struct ibv_context *context, struct ibv_async_event *event)
{
	ssize_t n;
	int e = fake_call("ibv_get_async_event");

	if (e) {
		errno = e;
		return -1;
	}
	atomic_fetch_add(&fake_inside, 1); /* without the lock: it may block */
	n = read(context->async_fd, event, sizeof(*event));
	e = errno;
	atomic_fetch_sub(&fake_inside, 1);
	fake_lock();
	fake.counts.events_asked++;
	fake.live += n == sizeof(*event);
	fake_unlock();
	errno = e;
	return n == sizeof(*event) ? 0 : -1;
}

void ibv_ack_async_event(struct ibv_async_event *event)
{
	(void)event;
	fake_lock();
	fake.live--;
	fake_unlock();
}
