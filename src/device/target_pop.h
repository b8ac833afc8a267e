/* SPDX-License-Identifier: BSD-3-Clause */
/* Ends what target_push.h began. */
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
