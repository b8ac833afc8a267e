/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs: what an endpoint says of the lines that it sends and receives by. */
#include "config.h"

#include "verbs_impl.h"

#include "railgauge/transport/transport.h"

#include <stdio.h>
#include <string.h>

_Static_assert(RG_LINE_NIC_BYTES >= RG_VERBS_NAME_BYTES + 5, "a name, a port and a comma");

void verbs_add_line(struct rg_endpoint *ep, const struct rg_verbs_device *d)
{
	uint32_t mtu = d->options->mtu ? (uint32_t)d->options->mtu : d->mtu;
	size_t used = strlen(ep->nics);
	struct rg_line *line = &ep->lines[ep->nlines];

	if (ep->nlines == RG_LINES_MAX)
		return;
	*line = (struct rg_line){
		/* What a soft device's interface calls its speed is none. */
		.rate_Bps = d->soft ? 0 : d->rate_Bps,
		.mtu_bytes = verbs_mtu_bytes(mtu),
		.infiniband = d->infiniband,
		.roce1 = !d->infiniband && d->gid.type == RG_VERBS_GID_ROCE_V1,
		.ipv6 = !d->infiniband && !verbs_gid_is_v4(d->gid.raw),
	};
	snprintf(line->nic, sizeof(line->nic), "%s:%u", d->name, d->port);
	snprintf(ep->nics + used, sizeof(ep->nics) - used, "%s%s", used ? "," : "", line->nic);
	ep->nlines++;
}
