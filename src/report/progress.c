/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/report/progress.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/units.h"

#include <string.h>
#include <unistd.h>

#define REWRITE_NS UINT64_C(100000000) /* ten times a second is all that an eye can use */

void rg_progress_init(struct rg_progress *p, FILE *out)
{
	*p = (struct rg_progress){.out = out, .terminal = out && isatty(fileno(out))};
}

/* "about 12 s", or nothing. */
static const char *about(uint64_t ns, const char *before, char *text, size_t len_bytes)
{
	char time[RG_UNITS_BYTES];

	text[0] = '\0';
	if (ns >= 1000000000u)
		snprintf(time, sizeof(time), "%llu s", (unsigned long long)(ns / 1000000000u));
	else
		rg_format_time((double)ns, time);
	if (ns)
		snprintf(text, len_bytes, "%s%s", before, time);
	return text;
}

void rg_progress_hide(struct rg_progress *p)
{
	if (!p->out || !p->shown)
		return;
	fputs("\r\033[K", p->out); /* to the first column, erase to the end */
	fflush(p->out);
	p->shown = false;
}

void rg_progress_stage(struct rg_progress *p, const char *stage, uint64_t expected_ns)
{
	char text[64];

	if (!p->out)
		return;
	snprintf(p->stage, sizeof(p->stage), "%s", stage);
	p->begun_ns = rg_clock_ns();
	p->written_ns = 0;
	about(expected_ns, ", about ", text, sizeof(text));
	if (p->terminal) {
		fprintf(p->out, "\r\033[K%s%s", p->stage, text);
		p->shown = true;
	} else {
		fprintf(p->out, "railgauge: %s%s\n", p->stage, text);
	}
	fflush(p->out);
}

void rg_progress_step(struct rg_progress *p, uint32_t done, uint32_t total, const char *what,
		      uint64_t left_ns)
{
	uint64_t now = rg_clock_ns();
	char text[64];

	if (!p->out || !p->terminal)
		return;
	if (p->shown && p->written_ns && now - p->written_ns < REWRITE_NS)
		return;
	if (!left_ns && done && done < total)
		left_ns = (now - p->begun_ns) / done * (total - done);
	about(left_ns, ", about ", text, sizeof(text));
	fprintf(p->out, "\r\033[K%s: %u of %u%s%s%s%s", p->stage, done, total, what ? ", " : "",
		what ? what : "", text, text[0] ? " left" : "");
	fflush(p->out);
	p->shown = true;
	p->written_ns = now;
}
