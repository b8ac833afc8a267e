/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory files (memfd): memory that the other processes of a job can map. They have no name
 * anywhere, so nothing is left behind by a process that dies; the last user takes them along.
 *
 * The size is fixed when one is made, and sealed: memory that a peer maps cannot be taken from
 * under it, which would end the peer by SIGBUS. That also tells a memory file of ours from any
 * other file that stands behind a number in /proc/PID/fd once a process ended and its number was
 * given away.
 *
 * Nothing here blocks; not for timed regions. All may run concurrently.
 */
#ifndef RAILGAUGE_DEVICE_MEMFD_H
#define RAILGAUGE_DEVICE_MEMFD_H

#include "railgauge/base/err.h"

#include <stddef.h>

/*
 * A memory file of len_bytes zeros, none of them reserved yet; the caller closes *fd_out. what
 * names it in messages. RG_ERR_LIMIT (ulimit -f: a file larger than allowed is answered with
 * SIGXFSZ, so it is not tried), RG_ERR_NO_MEMORY, RG_ERR_SYSTEM.
 */
int rg_memfd_open(size_t len_bytes, const char *what, int *fd_out, struct rg_err *err);

/*
 * Takes the pages of a part: what cannot be had is an error now, and would be a SIGBUS later. A
 * part that is reserved already costs nothing. RG_ERR_LIMIT, RG_ERR_SYSTEM.
 */
int rg_memfd_reserve(int fd, size_t offset, size_t len_bytes, const char *what, struct rg_err *err);

/*
 * Is what a peer calls its memory a memory file of at least len_bytes that cannot become smaller?
 * Only then may it be mapped and touched. RG_ERR_FORMAT, or RG_ERR_SYSTEM where fd is none.
 */
int rg_memfd_check(int fd, size_t len_bytes, const char *what, struct rg_err *err);

#endif
