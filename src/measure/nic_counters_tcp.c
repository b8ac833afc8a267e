/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP's counters of a network namespace. /proc/net/snmp and netstat have pairs of lines, "Tcp:" and
 * names, "Tcp:" and as many numbers. Those that the table knows are taken.
 */
#include "config.h"

#include "nic_counters_impl.h"

#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES ((size_t)1 << 20)

/* The next word of a line; false at its end. */
static bool next_word(const char **at, char *word, size_t room)
{
	size_t n;

	*at += strspn(*at, " ");
	n = strcspn(*at, " \n");
	if (!n)
		return false;
	snprintf(word, room, "%.*s", (int)n, *at);
	*at += n;
	return true;
}

static void take_pair(const char *names, const char *values, struct nic_list *list)
{
	char name[RG_NIC_NAME_BYTES], value[32];

	while (next_word(&names, name, sizeof(name)) && next_word(&values, value, sizeof(value))) {
		/* MaxConn may be -1. */
		if (rg_nic_row(RG_NIC_FROM_TCP, name)->source[0] && value[0] != '-')
			nic_list_add(list, RG_NIC_FROM_TCP, name, strtoull(value, NULL, 10));
	}
}

/* Of all pairs those that begin with head, "Tcp: ". */
static void take_file(const char *root, const char *file, const char *head, struct nic_list *list)
{
	char path[512], *text;
	const char *names = NULL;

	snprintf(path, sizeof(path), "%.400s/proc/net/%s", root, file);
	if (rg_io_read_file(path, FILE_MAX_BYTES, &text, NULL, NULL))
		return;
	for (const char *line = text; line && *line;) {
		const char *end = strchr(line, '\n');

		if (!strncmp(line, head, strlen(head))) {
			if (names)
				take_pair(names, line + strlen(head), list);
			names = names ? NULL : line + strlen(head);
		}
		line = end ? end + 1 : NULL;
	}
	rg_free(text);
}

void nic_read_tcp(const char *root, struct nic_list *list)
{
	take_file(root, "snmp", "Tcp: ", list);
	take_file(root, "netstat", "TcpExt: ", list);
}
