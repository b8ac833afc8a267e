/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verbs-rc: buffers that their owner lends, to be sent from, and received into, without a copy.
 * They are in the cache of each device, so that they give way where locked memory is short.
 */
#include "config.h"

#include "verbs_rc_impl.h"

#include "railgauge/base/log.h"

void vrc_lend(struct rg_endpoint *ep, const struct rg_buffer *buffer)
{
	struct vrc *v = (struct vrc *)ep;

	for (uint32_t r = 0; r < v->nrails; r++) {
		struct rg_verbs_device *device = v->rails[r].device;
		struct ibv_mr *mr = NULL;
		struct rg_err why = {0};

		if (rg_verbs_memory_get(device, buffer->base, buffer->map_bytes, RG_VERBS_REMOTE,
					&mr, &why))
			rg_log(RG_LOG_WARN,
			       "what is sent from a buffer, or received into it, is copied: %s",
			       why.text);
		rg_verbs_memory_put(device, mr);
	}
}

void vrc_take_back(struct rg_endpoint *ep, const struct rg_buffer *buffer)
{
	struct vrc *v = (struct vrc *)ep;

	vrc_want_no_more(v, buffer->base, buffer->map_bytes);
	vrc_cut_off(v, buffer->base, buffer->map_bytes);
	for (uint32_t r = 0; r < v->nrails; r++)
		rg_verbs_memory_forget(v->rails[r].device, buffer->base, buffer->map_bytes);
}

struct ibv_mr *vrc_lent_of(struct vrc *v, const struct vrc_qp *q, const struct rg_put *put,
			   const void *src, uint64_t len_bytes)
{
	if (!put->lasting || put->len_bytes < v->ep.straight_bytes)
		return NULL;
	return rg_verbs_memory_find(v->rails[q->rail].device, src, len_bytes, 0);
}
