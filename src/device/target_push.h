/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Compiles the functions from here to target_pop.h for the instruction sets in TARGET, a string. A
 * pragma rather than options per file: nothing in the build depends on the processor, and what
 * stands outside (the probe) runs everywhere.
 */
#define TARGET_PRAGMA(text) _Pragma(#text)
#ifdef __clang__
#define TARGET_PUSH(list) \
	TARGET_PRAGMA(clang attribute push(__attribute__((target(list))), apply_to = function))
#else
#define TARGET_PUSH(list)               \
	TARGET_PRAGMA(GCC push_options) \
	TARGET_PRAGMA(GCC target(list))
#endif
TARGET_PUSH(TARGET)
