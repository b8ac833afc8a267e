/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "locked.h"

#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

bool lock_beyond_limits(bool may)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};
	bool had;

	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	had = data[0].effective >> CAP_IPC_LOCK & 1;
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	data[0].effective |= (unsigned)may << CAP_IPC_LOCK;
	assert_int_equal(syscall(SYS_capset, &header, data), 0);
	return had;
}

void lower_limit(struct rlimit *old)
{
	struct rlimit low;

	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, old), 0);
	low = *old;
	if (low.rlim_cur > 65536)
		low.rlim_cur = 65536;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &low), 0);
}
