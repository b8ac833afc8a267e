/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/base/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check_digest(const void *data, size_t len_bytes, const char *expected)
{
	uint8_t digest[RG_SHA256_BYTES];
	char text[2 * RG_SHA256_BYTES + 1];
	struct rg_sha256 s;

	/* Whole, then cut at every place: the result must not depend on the pieces. */
	for (size_t cut = 0; cut <= len_bytes && cut < 200; cut++) {
		rg_sha256_init(&s);
		rg_sha256_add(&s, data, cut);
		rg_sha256_add(&s, (const uint8_t *)data + cut, len_bytes - cut);
		rg_sha256_end(&s, digest);
		rg_hex(digest, sizeof(digest), text);
		assert_string_equal(text, expected);
	}
}

/* The examples published with [FIPS180-4] (NIST, "SHA256.pdf"), and the empty message. */
static void digests_are_those_of_the_standard(void **state)
{
	static const char *const two_blocks =
		"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	static uint8_t million[1000000];

	check_digest("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	check_digest("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	check_digest(two_blocks, 56,
		     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	memset(million, 'a', sizeof(million));
	uint8_t digest[RG_SHA256_BYTES];
	char text[2 * RG_SHA256_BYTES + 1];
	struct rg_sha256 s;

	rg_sha256_init(&s);
	rg_sha256_add(&s, million, sizeof(million));
	rg_sha256_end(&s, digest);
	rg_hex(digest, sizeof(digest), text);
	assert_string_equal(text,
			    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

struct hmac_case {
	uint8_t key_byte; /* repeated; 0: key_text is the key */
	size_t key_bytes;
	const char *key_text;
	uint8_t data_byte;
	size_t data_bytes;
	const char *data_text;
	const char *mac;
};

/* [RFC4231, 4.2 to 4.8] without test case 4 (its key is filled below) and 5 (truncated). */
static const struct hmac_case hmac_cases[] = {
	{0x0b, 20, NULL, 0, 8, "Hi There",
	 "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
	{0, 4, "Jefe", 0, 28, "what do ya want for nothing?",
	 "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	{0xaa, 20, NULL, 0xdd, 50, NULL,
	 "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
	{0xaa, 131, NULL, 0, 54, "Test Using Larger Than Block-Size Key - Hash Key First",
	 "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	{0xaa, 131, NULL, 0, 152,
	 "This is a test using a larger than block-size key and a larger than block-size data. "
	 "The key needs to be hashed before being used by the HMAC algorithm.",
	 "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

static void check_mac(const void *key, size_t key_bytes, const void *data, size_t data_bytes,
		      const char *expected)
{
	uint8_t mac[RG_SHA256_BYTES];
	char text[2 * RG_SHA256_BYTES + 1];
	struct rg_hmac m;

	rg_hmac_init(&m, key, key_bytes);
	rg_hmac_add(&m, data, data_bytes);
	rg_hmac_end(&m, mac);
	rg_hex(mac, sizeof(mac), text);
	assert_string_equal(text, expected);
}

static void macs_are_those_of_the_rfc(void **state)
{
	uint8_t key[200], data[200];

	for (size_t i = 0; i < sizeof(hmac_cases) / sizeof(hmac_cases[0]); i++) {
		const struct hmac_case *c = &hmac_cases[i];

		if (c->key_text)
			memcpy(key, c->key_text, c->key_bytes);
		else
			memset(key, c->key_byte, c->key_bytes);
		if (c->data_text)
			memcpy(data, c->data_text, c->data_bytes);
		else
			memset(data, c->data_byte, c->data_bytes);
		check_mac(key, c->key_bytes, data, c->data_bytes, c->mac);
	}
	for (uint8_t i = 0; i < 25; i++)
		key[i] = i + 1;
	memset(data, 0xcd, 50);
	check_mac(key, 25, data, 50,
		  "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
}

static void equality_looks_at_every_byte(void **state)
{
	uint8_t a[32] = {0}, b[32] = {0};

	assert_true(rg_equal_constant_time(a, b, sizeof(a)));
	assert_true(rg_equal_constant_time(a, b, 0));
	for (size_t i = 0; i < sizeof(b); i++) {
		b[i] = 0x80;
		assert_false(rg_equal_constant_time(a, b, sizeof(a)));
		b[i] = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_are_those_of_the_standard),
		cmocka_unit_test(macs_are_those_of_the_rfc),
		cmocka_unit_test(equality_looks_at_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
