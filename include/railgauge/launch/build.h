/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which build of railgauge is running. Ranks of one job must be one build: the words that they
 * exchange have no other version.
 */
#ifndef RAILGAUGE_LAUNCH_BUILD_H
#define RAILGAUGE_LAUNCH_BUILD_H

#define RG_BUILD_BYTES 64 /* room for the text, its zero included */

/*
 * "0.1.0+<40 hex digits>": the version, and the GNU build-id note that the linker put into the
 * executable; where there is none, the SHA-256 of the executable file, cut to 40 digits; where that
 * cannot be read either, "0.1.0+unknown". Computed once; static storage; any thread may call it.
 */
const char *rg_build_id(void);

#endif
