/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/launch/build.h"

#include "railgauge/base/sha256.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HASH_DIGITS 40

static char build_text[RG_BUILD_BYTES];

/* Name and descriptor of a note are each padded to 4 bytes [gABI, Note Section]. */
static size_t padded(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

/* Looks for NT_GNU_BUILD_ID in one PT_NOTE segment; returns whether it was found. */
static int find_in_notes(const unsigned char *note, size_t len_bytes, char *hex)
{
	while (len_bytes >= sizeof(ElfW(Nhdr))) {
		ElfW(Nhdr) head;
		size_t body;

		memcpy(&head, note, sizeof(head));
		body = padded(head.n_namesz) + padded(head.n_descsz);
		if (body > len_bytes - sizeof(head))
			return 0;
		note += sizeof(head);
		if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == 4 &&
		    !memcmp(note, ELF_NOTE_GNU, 4) && head.n_descsz > 0) {
			size_t n = head.n_descsz;

			if (n > HASH_DIGITS / 2)
				n = HASH_DIGITS / 2;
			rg_hex(note + padded(head.n_namesz), n, hex);
			return 1;
		}
		note += body;
		len_bytes -= sizeof(head) + body;
	}
	return 0;
}

/* The first object that dl_iterate_phdr visits is the executable: 1 found, -1 it has none. */
static int visit_executable(struct dl_phdr_info *info, size_t size, void *hex)
{
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type == PT_NOTE &&
		    find_in_notes((const unsigned char *)(info->dlpi_addr + p->p_vaddr), p->p_memsz,
				  hex))
			return 1;
	}
	return -1;
}

static int hash_executable(char *hex)
{
	unsigned char piece[4096], digest[RG_SHA256_BYTES];
	struct rg_sha256 s;
	ssize_t n;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	rg_sha256_init(&s);
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		rg_sha256_add(&s, piece, (size_t)n);
	close(fd);
	rg_sha256_end(&s, digest);
	if (n < 0)
		return -1;
	rg_hex(digest, HASH_DIGITS / 2, hex);
	return 0;
}

static void find_build(void)
{
	char hex[HASH_DIGITS + 1] = "unknown";

	if (dl_iterate_phdr(visit_executable, hex) != 1)
		(void)hash_executable(hex); /* on failure "unknown" stays */
	snprintf(build_text, sizeof(build_text), "%s+%s", PACKAGE_VERSION, hex);
}

const char *rg_build_id(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, find_build);
	return build_text;
}
