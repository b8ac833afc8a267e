/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The words of rg_star on the wire, and sockets with deadlines. Private to src/launch.
 *
 * Every message is a head and a body. Integers are big-endian (network order); texts are
 * zero-terminated and zero-padded. Whatever is read here comes from a stranger until a proof has
 * been checked: sizes are compared with what the kind allows before a byte of body is read.
 */
#ifndef RG_LAUNCH_WIRE_H
#define RG_LAUNCH_WIRE_H

#include "railgauge/base/err.h"
#include "railgauge/base/sha256.h"
#include "railgauge/launch/build.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define WIRE_MAGIC	   0x52475256u /* "RGRV" */
#define WIRE_VERSION	   1
#define WIRE_NONCE_BYTES   32
#define WIRE_HOST_BYTES	   64
#define WIRE_ADDRESS_BYTES 64 /* "[fe80::1%eth0]:29500" */

enum wire_kind {
	WIRE_HELLO = 1,
	WIRE_CHALLENGE,
	WIRE_PROOF,
	WIRE_WELCOME,
	WIRE_ABORT,  /* aux: the code as its absolute value; body: a text. Also a refusal to join */
	WIRE_DATA,   /* aux: the exchange's number; body: this rank's words */
	WIRE_RESULT, /* aux: the same; head's length is one rank's, the body [nranks][length] */
};

struct wire_head {
	uint32_t magic;
	uint16_t version;
	uint16_t kind;
	uint32_t len_bytes; /* of the body, see WIRE_RESULT */
	uint32_t aux;
};

struct wire_hello {
	uint32_t rank;
	uint32_t nranks;
	uint8_t nonce[WIRE_NONCE_BYTES];
	char build[RG_BUILD_BYTES];
	char host[WIRE_HOST_BYTES];
};

struct wire_challenge {
	uint8_t nonce[WIRE_NONCE_BYTES];
};

struct wire_proof {
	uint8_t mac[RG_SHA256_BYTES];
};

struct wire_welcome {
	uint8_t job_nonce[WIRE_NONCE_BYTES];
	char build[RG_BUILD_BYTES];
	char host[WIRE_HOST_BYTES];
	uint8_t mac[RG_SHA256_BYTES]; /* covers the three above */
};

struct wire_abort {
	char text[RG_ERR_TEXT_BYTES];
};

_Static_assert(sizeof(struct wire_head) == 16, "wire layout");
_Static_assert(offsetof(struct wire_head, len_bytes) == 8, "wire layout");
_Static_assert(sizeof(struct wire_hello) == 168, "wire layout");
_Static_assert(offsetof(struct wire_hello, build) == 40, "wire layout");
_Static_assert(sizeof(struct wire_challenge) == 32, "wire layout");
_Static_assert(sizeof(struct wire_proof) == 32, "wire layout");
_Static_assert(sizeof(struct wire_welcome) == 192, "wire layout");
_Static_assert(offsetof(struct wire_welcome, mac) == 160, "wire layout");
_Static_assert(sizeof(struct wire_abort) == 512, "wire layout");

/* A head in wire order, ready to be sent. */
struct wire_head wire_head_make(enum wire_kind kind, uint32_t len_bytes, uint32_t aux);

/* Turns a received head into host order in place. 0, or RG_ERR_FORMAT: not ours at all. */
int wire_head_read(struct wire_head *head);

/* Is text[len_bytes] zero-terminated, printable ASCII? */
int wire_text_ok(const char *text, size_t len_bytes);

/* "127.0.0.1:29500" of a socket address. */
void wire_address(const struct sockaddr *sa, socklen_t len, char text[WIRE_ADDRESS_BYTES]);

/*
 * Sockets are non-blocking; these loop and poll until all is done or the deadline passes.
 * 0, RG_ERR_TIMEOUT, RG_ERR_PEER (the other side closed or reset), RG_ERR_SYSTEM. what names the
 * other side in the message. *done_out, if not NULL, counts the bytes that went through, also on
 * failure.
 */
int wire_send(int fd, const void *data, size_t len_bytes, uint64_t deadline_ns, size_t *done_out,
	      const char *what, struct rg_err *err);
int wire_recv(int fd, void *data, size_t len_bytes, uint64_t deadline_ns, size_t *done_out,
	      const char *what, struct rg_err *err);

/* Milliseconds from now to the deadline for poll(), rounded up, 0 when it has passed. */
int wire_poll_ms(uint64_t deadline_ns);

/* Sends an ABORT with why's code and text without waiting: a peer that cannot take it has lost it.
 */
void wire_send_abort(int fd, int code, const char *text);

/* Reads the body of an ABORT whose head (host order) came; the text goes into *why_out. */
int wire_recv_abort(int fd, const struct wire_head *head, uint64_t deadline_ns, const char *what,
		    struct rg_err *why_out);

/* The code that an ABORT's head carries; anything unknown is RG_ERR_PEER. */
int wire_abort_code(const struct wire_head *head);

/* The proofs of star.h. All structs are in wire order. */
void wire_peer_mac(const void *secret, size_t secret_bytes, const struct wire_hello *hello,
		   const struct wire_challenge *challenge, uint8_t mac_out[RG_SHA256_BYTES]);
void wire_rank0_mac(const void *secret, size_t secret_bytes, const struct wire_hello *hello,
		    const struct wire_challenge *challenge, const struct wire_welcome *welcome,
		    uint8_t mac_out[RG_SHA256_BYTES]);
void wire_job_key(const void *secret, size_t secret_bytes, const uint8_t nonce[WIRE_NONCE_BYTES],
		  uint8_t key_out[RG_SHA256_BYTES]);

#endif
