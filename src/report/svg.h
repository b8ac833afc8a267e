/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RG_REPORT_SVG_H
#define RG_REPORT_SVG_H

#include "railgauge/base/err.h"

#include <stdint.h>
#include <stdio.h>

/*
 * Prints a drawing of gnuplot's SVG terminal, width x height large, so that it can stand in a page
 * among others: without what stands around its outermost element, without its name spaces, title
 * and description, and with the prefix before each id and each reference to one, since all of them
 * have the same. RG_ERR_FORMAT if svg is no such drawing; nothing is printed then.
 */
int rg_svg_print(const char *svg, uint32_t width, uint32_t height, const char *prefix, FILE *out,
		 struct rg_err *err);

#endif
