/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parts of the verbs layer (railgauge/transport/verbs.h):
 *   verbs_options.c  options                  } in every build
 *   verbs_gid.c      choosing a GID           }
 *   verbs_probe.c    does it work here        }
 *   verbs_device.c   one device, opened
 *   verbs_port.c     its port, and that one's GIDs
 *   verbs_find.c     which devices
 *   verbs_job.c      what the ranks of a job settle together
 *   verbs_memory.c   registrations
 *   verbs_qp.c       queue pairs and their connection
 *   verbs_group.c    groups of datagram queue pairs
 *   verbs_words.c    completions that failed, in words; asynchronous events
 *   verbs_line.c     what an endpoint says of its lines
 */
#ifndef RG_TRANSPORT_VERBS_IMPL_H
#define RG_TRANSPORT_VERBS_IMPL_H

#include "railgauge/transport/verbs.h"

struct ibv_ah_attr;
struct ibv_device;
struct ibv_port_attr;
struct rg_endpoint;

/*
 * For a call of libibverbs that failed with this errno and locks memory (registrations, queues):
 * rg_err_errno, but where memory was refused and what may be locked is limited, RG_ERR_LIMIT and
 * the limit, as what is likely.
 */
int verbs_errno(struct rg_err *err, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* How a limit of locked memory is raised. */
#define VERBS_RAISE                                                                               \
	"raise it, best to unlimited (/etc/security/limits.conf, LimitMEMLOCK=, docker --ulimit " \
	"memlock=-1)"

/*
 * May this process lock so much, as far as its limit goes? RG_ERR_LIMIT with the fix; `who` needs
 * it.
 */
int verbs_check_locked(const char *who, uint64_t len_bytes, struct rg_err *err);

/* "mlx5_0 port 1 to rank 3 on node7 (mlx5_2 port 1)"; the address may be NULL. */
void verbs_ends(const struct rg_verbs_device *d, const struct rg_verbs_address *a,
		const struct rg_verbs_peer *peer, char *text, size_t room);

/* Why a device cannot be opened, with the fix. */
int verbs_open_error(struct rg_err *err, int errnum, const char *name);

/*
 * The list of devices, which is to be freed, with at least one in it. RG_ERR_NOT_FOUND with what is
 * missing (also where the kernel has no RDMA), RG_ERR_SYSTEM.
 */
int verbs_list(struct ibv_device ***list_out, int *n_out, struct rg_err *err);

/* The port that is wanted, or with 0 the first that is active; it must be that. Sets d->port. */
int verbs_port_choose(struct rg_verbs_device *d, uint8_t nports, int64_t wanted,
		      struct ibv_port_attr *attr, struct rg_err *err);

/* Keeps what the port is, and checks the options against it. */
int verbs_port_take(struct rg_verbs_device *d, const struct ibv_port_attr *attr,
		    struct rg_err *err);

/* Reads the port's GIDs, in place of those it had; finds the chosen one in them; chooses one. */
int verbs_gids_read(struct rg_verbs_device *d, struct rg_err *err);
bool verbs_gid_find_again(struct rg_verbs_device *d);
int verbs_gid_settle(struct rg_verbs_device *d, const struct rg_verbs_offer *peers, uint32_t npeers,
		     struct rg_err *err);

/* Is its transport InfiniBand's, as RoCE's is too? iWARP, EFA and usNIC lack what is used here. */
bool verbs_has_connections(const struct ibv_device *device);

/* Has it a port that is active? It is opened for that. */
bool verbs_is_active(struct ibv_device *device);

/* The way to an address that was checked. */
void verbs_fill_way(const struct rg_verbs_device *d, const struct rg_verbs_address *a,
		    struct ibv_ah_attr *way);

/* Empty; NULL without memory. close ends all registrations. */
struct rg_verbs_memory *verbs_memory_open(void);
void verbs_memory_close(struct rg_verbs_memory *memory);

/* Adds the device's port to what the endpoint sends and receives by, while there is room. */
void verbs_add_line(struct rg_endpoint *ep, const struct rg_verbs_device *d);

/* One entry of IBV_MTU in bytes. */
static inline uint32_t verbs_mtu_bytes(uint32_t mtu)
{
	return 128u << mtu;
}

/* Of an address of IPv4? */
bool verbs_gid_is_v4(const uint8_t raw[16]);

/* "RoCE v2", "RoCE v1", "InfiniBand". */
const char *verbs_gid_type_text(uint32_t type);

#endif
