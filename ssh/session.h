/* SPDX-License-Identifier: MIT */
/*
 * One SSH transport (RFC 4253) with user authentication (RFC 4252), server or client side, on
 * libssh driven without a descriptor: bytes go in by rp_ssh_input and come out by on_output.
 * After authentication the packets of the connection protocol (numbers 80 to 100, RFC 4254) are
 * handed to the owner; libssh does no channels here.
 *
 * Happy path: new -> version lines -> key exchange -> authentication -> on_ready -> on_packet …
 * -> rp_ssh_free.
 * Failures: anything that ends the session gives exactly one on_closed (never from inside
 * rp_ssh_*_new); afterwards only rp_ssh_free is allowed. Nothing blocks, nothing polls. A session
 * belongs to one thread.
 */
#ifndef RP_SSH_SESSION_H
#define RP_SSH_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/uio.h>

#include "core/defs.h"
#include "core/err.h"
#include "ssh/hostkey.h"

/* What the peer of an installed base accepts in one packet (wire protocol 2.2), payload only. */
#define RP_SSH_PAYLOAD_MAX 261000

struct rp_ssh;

/* Every callback gets the ctx of the session's creation. rp_ssh_send and rp_ssh_disconnect are
 * fine everywhere but in on_output, rp_ssh_input in none of them. rp_ssh_free may be called from
 * all but on_output; below rp_ssh_input the memory then lives until that returns, with no further
 * callback. */
struct rp_ssh_ops {
	/* Bytes for the transport, to be taken whole (copied or written); must not fail: a
	 * transport that is gone drops them. */
	void (*on_output)(void *ctx, const uint8_t *p, size_t n);
	/* Room for at most n bytes of output inside the transport, which on_filled then takes (n
	 * bytes of it, 0: none): saves a copy. Nothing else is output in between. NULL: no room
	 * now, on_output gets it instead. Both may be NULL. */
	uint8_t *(*on_room)(void *ctx, size_t n);
	void (*on_filled)(void *ctx, size_t n);
	/* Authenticated: from now on on_packet and rp_ssh_send work. */
	void (*on_ready)(void *ctx);
	/* One payload of message number type (80..100); p points behind the message number.
	 * Borrowed; from rp_ssh_input_in_place it stays valid until rp_ssh_input_done. */
	void (*on_packet)(void *ctx, uint8_t type, const uint8_t *p, size_t n);
	/* Payloads handed out so far are to become invalid before rp_ssh_input_done. May be NULL
	 * if they are not used any longer than on_packet. */
	void (*on_reuse)(void *ctx);
	/* A key exchange after the first one starts or ends; may be NULL. While it runs
	 * rp_ssh_send still takes packets (they are queued, 16 MiB at most), but a well-behaved
	 * owner stops bulk data. Comes from below rp_ssh_input or rp_ssh_rekey, never from
	 * rp_ssh_send. */
	void (*on_rekey)(void *ctx, bool running);
	/* The session is over; why is printable text for a log line (no secrets). Always the last
	 * act of rp_ssh_input. code: RP_EAUTH (login refused), RP_EDENIED (host key refused),
	 * RP_EPROTO, RP_ECLOSED (peer's DISCONNECT), RP_ENOMEM. */
	void (*on_closed)(void *ctx, int code, const char *why);
	/* Server only: the decision about a login; constant-time comparison is the owner's
	 * business. After 6 failures of one connection the session ends with DISCONNECT (RFC 4253
	 * 11.1 reason 2). */
	bool (*on_password)(void *ctx, const char *user, const char *password);
	/* Client only: accept the server's key? Both texts as in ssh/hostkey.h. */
	bool (*on_hostkey)(void *ctx, const char *md5, const char *sha256);
};

/* Once per process, before any thread uses sessions. RP_ECRYPTO: err (may be NULL) says why no
 * session would be safe. */
RP_NODISCARD int rp_ssh_global_init(struct rp_err *err);
void rp_ssh_global_fini(void);

/* Nothing is sent before rp_ssh_start. key and ops are borrowed and must outlive the session. */
RP_NODISCARD int rp_ssh_server_new(
    struct rp_ssh **out, const struct rp_hostkey *key, const struct rp_ssh_ops *ops, void *ctx);
/* user and password are copied (and wiped after use). */
RP_NODISCARD int rp_ssh_client_new(struct rp_ssh **out, const char *user, const char *password,
    const struct rp_ssh_ops *ops, void *ctx);
/* The transport is ready: the version line goes out. An error is final, there is no on_closed
 * then. */
RP_NODISCARD int rp_ssh_start(struct rp_ssh *s);
/* Bytes from the transport, any split. May call every callback. After on_closed it does nothing.
 * n may be 0: a pending on_closed is delivered then. */
void rp_ssh_input(struct rp_ssh *s, const uint8_t *p, size_t n);
/* The same for bytes that may be decrypted where they are, with the same contents until
 * rp_ssh_input_done. */
void rp_ssh_input_in_place(struct rp_ssh *s, uint8_t *p, size_t n);
/* Payloads of on_packet are not needed any more. */
void rp_ssh_input_done(struct rp_ssh *s);
/* Sends one connection protocol packet made of the pieces, the first byte being the message
 * number (80..100). Payload at most RP_SSH_PAYLOAD_MAX, else RP_ELIMIT. The pieces are copied.
 * RP_ECLOSED before on_ready and after the end; RP_EBUSY when too much waits for a key exchange.
 * RP_ENOMEM and RP_ECRYPTO end the session: on_closed follows with the next rp_ssh_input, an
 * owner that sends outside of a callback frees it on its own account. */
RP_NODISCARD int rp_ssh_send(struct rp_ssh *s, const struct iovec *iov, int n);
/* Room for one payload of at most max bytes, to be filled in (message number first) and sent by
 * rp_ssh_commit without a copy. NULL: not now, use rp_ssh_send. What rp_ssh_send gets in between
 * goes out after it. */
uint8_t *rp_ssh_reserve(struct rp_ssh *s, size_t max);
/* Sends the n bytes of it, 0 = none; as rp_ssh_send. Exactly once after rp_ssh_reserve. */
RP_NODISCARD int rp_ssh_commit(struct rp_ssh *s, size_t n);
/* Starts a key exchange now; 0 also when one runs already, RP_ECLOSED before on_ready. Done by
 * itself after the limits of RFC 4253 9: 1 GiB in a direction or an hour, looked at when
 * something arrives. */
RP_NODISCARD int rp_ssh_rekey(struct rp_ssh *s);
/* Other limits than those. */
void rp_ssh_set_rekey_limits(struct rp_ssh *s, uint64_t bytes, uint64_t ms);
/* SSH_MSG_DISCONNECT reason 11 with the text, then nothing more is sent or read. No on_closed:
 * the owner knows. */
void rp_ssh_disconnect(struct rp_ssh *s, const char *text);
bool rp_ssh_is_ready(const struct rp_ssh *s);
/* Names for the log: "curve25519-sha256 ecdsa-sha2-nistp256 aes128-gcm@openssh.com"; peer's
 * version line (printable ASCII). Empty before they are known; borrowed until the next key
 * exchange. */
const char *rp_ssh_describe(const struct rp_ssh *s);
const char *rp_ssh_peer_version(const struct rp_ssh *s);
/* Frees; no callback. NULL is fine. */
void rp_ssh_free(struct rp_ssh *s);

#endif
