/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs: what went wrong, in words: completions, and events that nobody asked for. */
#include "config.h"

#include "verbs_impl.h"

#include <errno.h>
#include <infiniband/verbs.h>
#include <stdio.h>
#include <string.h>

const char *rg_verbs_qp_state(struct ibv_qp *qp)
{
	static const char *const states[] = {
		[IBV_QPS_RESET] = "RESET", [IBV_QPS_INIT] = "INIT", [IBV_QPS_RTR] = "RTR",
		[IBV_QPS_RTS] = "RTS",	   [IBV_QPS_SQD] = "SQD",   [IBV_QPS_SQE] = "SQE",
		[IBV_QPS_ERR] = "error",
	};
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr = {0};

	if (ibv_query_qp(qp, &attr, IBV_QP_STATE, &init) ||
	    (size_t)attr.qp_state >= sizeof(states) / sizeof(states[0]))
		return "unknown";
	return states[attr.qp_state];
}

void verbs_ends(const struct rg_verbs_device *d, const struct rg_verbs_address *a,
		const struct rg_verbs_peer *peer, char *text, size_t room)
{
	char other[64] = "";

	if (a)
		snprintf(other, sizeof(other), " (%.*s port %u)",
			 (int)strnlen(a->device, sizeof(a->device)), a->device, a->port);
	snprintf(text, room, "%s port %u to rank %u on %.64s%s", d->name, d->port, peer->rank,
		 peer->node, other);
}

/* --- completions --- */

struct status {
	int code;
	const char *text, *cause;
	const char *later; /* the cause where the peer has answered before; NULL: the same */
};

#define OURS "a mistake of railgauge itself"
#define LOST                                                                                   \
	"the peer has ended, or it or a link on the way is down for longer than retries last " \
	"(--verbs.timeout, --verbs.retry-count), or the MTU is larger than the path's "        \
	"(--verbs.mtu)"

static const struct status statuses[] = {
	[IBV_WC_SUCCESS] = {RG_ERR_INTERNAL, "success", OURS},
	[IBV_WC_LOC_LEN_ERR] = {RG_ERR_INTERNAL, "local length error",
				"a message longer than its receive or than the port's MTU: " OURS},
	[IBV_WC_LOC_QP_OP_ERR] = {RG_ERR_INTERNAL, "local queue pair operation error",
				  "a request that this queue pair cannot carry out: " OURS},
	[IBV_WC_LOC_EEC_OP_ERR] = {RG_ERR_SYSTEM, "local EE context operation error",
				   "the device's or its driver's fault"},
	[IBV_WC_LOC_PROT_ERR] = {RG_ERR_INTERNAL, "local protection error",
				 "memory that is not registered (any more): " OURS},
	[IBV_WC_WR_FLUSH_ERR] = {RG_ERR_PEER, "work request flushed",
				 "an earlier request of this queue pair failed"},
	[IBV_WC_MW_BIND_ERR] = {RG_ERR_INTERNAL, "memory window bind error", OURS},
	[IBV_WC_BAD_RESP_ERR] = {RG_ERR_PEER, "bad response",
				 "the peer's device answered what it should not"},
	[IBV_WC_LOC_ACCESS_ERR] = {RG_ERR_INTERNAL, "local access error",
				   "memory that this device may not write: " OURS},
	[IBV_WC_REM_INV_REQ_ERR] = {RG_ERR_PEER, "remote invalid request",
				    "the peer's receive is too short, or it serves no READs"},
	[IBV_WC_REM_ACCESS_ERR] =
		{RG_ERR_PEER, "remote access error",
		 "the peer's memory is not registered any more (it has closed), or "
		 "ends before"},
	[IBV_WC_REM_OP_ERR] = {RG_ERR_PEER, "remote operation error",
			       "the peer's device could not carry it out; its own log says why"},
	[IBV_WC_RETRY_EXC_ERR] =
		{RG_ERR_PEER, "transport retry counter exceeded",
		 "the peer is unreachable or has ended, or the MTU is larger than the "
		 "path's, or the GID of the wrong type (--verbs.mtu, "
		 "--verbs.gid-index, --verbs.timeout)",
		 LOST},
	[IBV_WC_RNR_RETRY_EXC_ERR] =
		{RG_ERR_PEER, "receiver-not-ready retry counter exceeded",
		 "the peer posts no receives: it hangs, is stopped or overloaded "
		 "(--verbs.rnr-retry 7 waits for ever)"},
	[IBV_WC_LOC_RDD_VIOL_ERR] = {RG_ERR_SYSTEM, "local RDD violation",
				     "the device's or its driver's fault"},
	[IBV_WC_REM_INV_RD_REQ_ERR] = {RG_ERR_PEER, "remote invalid RD request",
				       "the peer's device or its driver"},
	[IBV_WC_REM_ABORT_ERR] = {RG_ERR_PEER, "remote aborted", "the peer gave the operation up"},
	[IBV_WC_INV_EECN_ERR] = {RG_ERR_SYSTEM, "invalid EE context number",
				 "the device's or its driver's fault"},
	[IBV_WC_INV_EEC_STATE_ERR] = {RG_ERR_SYSTEM, "invalid EE context state",
				      "the device's or its driver's fault"},
	[IBV_WC_FATAL_ERR] = {RG_ERR_SYSTEM, "fatal device error",
			      "the device has failed or was reset (dmesg)"},
	[IBV_WC_RESP_TIMEOUT_ERR] = {RG_ERR_PEER, "response timeout",
				     "the peer is unreachable or has ended", LOST},
	[IBV_WC_GENERAL_ERR] = {RG_ERR_SYSTEM, "general error",
				"the device says no more; its vendor code does"},
};

int rg_verbs_completion_error(const struct rg_verbs_device *device, const struct ibv_wc *wc,
			      struct ibv_qp *qp, const struct rg_verbs_address *peers,
			      const struct rg_verbs_peer *peer, struct rg_err *err)
{
	static const struct status unknown = {RG_ERR_SYSTEM, "a status that is not known here",
					      "the vendor code says more"};
	const struct status *s = &unknown;
	const char *cause;
	char ends[192];

	if ((size_t)wc->status < sizeof(statuses) / sizeof(statuses[0]) &&
	    statuses[wc->status].text)
		s = &statuses[wc->status];
	cause = peer->answered && s->later ? s->later : s->cause;
	verbs_ends(device, peers, peer, ends, sizeof(ends));
	return rg_err_set(err, s->code,
			  "verbs: %s: %s (status %d, vendor 0x%x, QP %u in state %s): %s%s", ends,
			  s->text, (int)wc->status, wc->vendor_err, wc->qp_num,
			  qp ? rg_verbs_qp_state(qp) : "unknown", cause,
			  device->removed   ? "; the device is gone"
			  : !device->active ? "; this port is down"
					    : "");
}

/* --- events --- */

struct event {
	enum rg_verbs_event_kind kind;
	const char *text;
};

static const struct event events[] = {
	[IBV_EVENT_CQ_ERR] = {RG_VERBS_EVENT_CQ_FAILED,
			      "a completion queue has overrun: " OURS " (--verbs.depth)"},
	[IBV_EVENT_QP_FATAL] = {RG_VERBS_EVENT_QP_FAILED,
				"a queue pair failed: the device could not report a completion"},
	[IBV_EVENT_QP_REQ_ERR] = {RG_VERBS_EVENT_QP_FAILED,
				  "a queue pair failed: the peer sent a request that is invalid"},
	[IBV_EVENT_QP_ACCESS_ERR] =
		{RG_VERBS_EVENT_QP_FAILED,
		 "a queue pair failed: the peer asked for memory that it may not "
		 "reach"},
	[IBV_EVENT_COMM_EST] = {RG_VERBS_EVENT_OTHER, "a connection was used for the first time"},
	[IBV_EVENT_SQ_DRAINED] = {RG_VERBS_EVENT_OTHER, "a send queue is empty"},
	[IBV_EVENT_PATH_MIG] = {RG_VERBS_EVENT_OTHER, "a connection took its other path"},
	[IBV_EVENT_PATH_MIG_ERR] = {RG_VERBS_EVENT_OTHER,
				    "a connection's other path cannot be taken"},
	[IBV_EVENT_DEVICE_FATAL] = {RG_VERBS_EVENT_DEVICE_GONE,
				    "the device failed, was reset or taken away (dmesg)"},
	[IBV_EVENT_PORT_ACTIVE] = {RG_VERBS_EVENT_PORT_UP, "the port is active again"},
	[IBV_EVENT_PORT_ERR] = {RG_VERBS_EVENT_PORT_DOWN,
				"the port went down: cable, switch port, or ip link"},
	[IBV_EVENT_LID_CHANGE] = {RG_VERBS_EVENT_OTHER, "the port has another LID"},
	[IBV_EVENT_PKEY_CHANGE] = {RG_VERBS_EVENT_OTHER, "the table of P_Keys has changed"},
	[IBV_EVENT_SM_CHANGE] = {RG_VERBS_EVENT_OTHER, "there is another subnet manager"},
	[IBV_EVENT_SRQ_ERR] = {RG_VERBS_EVENT_RQ_FAILED,
			       "a shared receive queue failed: nothing is received any more"},
	[IBV_EVENT_SRQ_LIMIT_REACHED] = {RG_VERBS_EVENT_OTHER,
					 "a shared receive queue has few receives left"},
	[IBV_EVENT_QP_LAST_WQE_REACHED] = {RG_VERBS_EVENT_OTHER,
					   "a queue pair has taken its last shared receive"},
	[IBV_EVENT_CLIENT_REREGISTER] = {RG_VERBS_EVENT_OTHER,
					 "the subnet manager asks for registrations"},
	[IBV_EVENT_GID_CHANGE] = {RG_VERBS_EVENT_GIDS_CHANGED, "the table of GIDs has changed"},
	[IBV_EVENT_WQ_FATAL] = {RG_VERBS_EVENT_RQ_FAILED,
				"a work queue failed: nothing is received any more"},
};

static bool is_of_port(enum ibv_event_type type)
{
	return type == IBV_EVENT_PORT_ACTIVE || type == IBV_EVENT_PORT_ERR ||
	       type == IBV_EVENT_LID_CHANGE || type == IBV_EVENT_PKEY_CHANGE ||
	       type == IBV_EVENT_SM_CHANGE || type == IBV_EVENT_CLIENT_REREGISTER ||
	       type == IBV_EVENT_GID_CHANGE;
}

static bool is_of_qp(enum ibv_event_type type)
{
	return type == IBV_EVENT_QP_FATAL || type == IBV_EVENT_QP_REQ_ERR ||
	       type == IBV_EVENT_QP_ACCESS_ERR || type == IBV_EVENT_COMM_EST ||
	       type == IBV_EVENT_SQ_DRAINED || type == IBV_EVENT_PATH_MIG ||
	       type == IBV_EVENT_PATH_MIG_ERR || type == IBV_EVENT_QP_LAST_WQE_REACHED;
}

static void describe(struct rg_verbs_device *d, const struct ibv_async_event *event,
		     struct rg_verbs_event *out)
{
	static const struct event unknown = {RG_VERBS_EVENT_OTHER, "an event not known here"};
	const struct event *e = &unknown;
	char qp[24] = "";

	if ((size_t)event->event_type < sizeof(events) / sizeof(events[0]) &&
	    events[event->event_type].text)
		e = &events[event->event_type];
	*out = (struct rg_verbs_event){.kind = e->kind};
	if (is_of_qp(event->event_type)) {
		out->qpn = event->element.qp->qp_num;
		snprintf(qp, sizeof(qp), ", QP %u", out->qpn);
	}
	snprintf(out->text, sizeof(out->text), "%s port %u%s: %s", d->name, d->port, qp, e->text);
	if (e->kind == RG_VERBS_EVENT_PORT_DOWN || e->kind == RG_VERBS_EVENT_PORT_UP)
		d->active = e->kind == RG_VERBS_EVENT_PORT_UP;
	d->changed |= e->kind == RG_VERBS_EVENT_PORT_UP || e->kind == RG_VERBS_EVENT_GIDS_CHANGED;
	if (e->kind == RG_VERBS_EVENT_DEVICE_GONE) {
		d->removed = true;
		d->active = false;
	}
}

int rg_verbs_device_event(struct rg_verbs_device *device, struct rg_verbs_event *out)
{
	struct ibv_async_event event;
	bool found = false;

	while (!found && !ibv_get_async_event(device->context, &event)) {
		found = !is_of_port(event.event_type) || event.element.port_num == device->port;
		if (found)
			describe(device, &event, out);
		ibv_ack_async_event(&event);
	}
	return found;
}
