/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * WATCHED is 1 where a sanitizer watches the memory. It looks at what the code does to memory, for
 * which a sample of the cases is enough; that all of them give the right results is shown without.
 */
#ifndef TESTS_WATCHED_H
#define TESTS_WATCHED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WATCHED 1
#endif
#endif
#ifndef WATCHED
#define WATCHED 0
#endif

#endif
