/* SPDX-License-Identifier: MIT */
/*
 * One SSH session as the files of ssh/ see it, and what they call of each other. Built on
 * libssh's private headers of the version that the build pins; nothing outside of ssh/ and its
 * tests includes this.
 *
 *   transport.c  libssh's socket and poll layers, replaced: bytes libssh writes go to on_output
 *   banner.c     version lines of both sides
 *   kex.c        what is offered, host key during key exchanges, rekeying
 *   encrypt.c    outgoing packets, encrypted in place
 *   packets.c    bytes to packets, dispatch by message number, sending
 *   direct.c     the same for the connection protocol, without libssh
 *   auth.c       login, server and client side
 *   session.c    life of a session and its end
 */
#ifndef RP_SSH_INTERNAL_H
#define RP_SSH_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

#include "libssh/priv.h"

#include "libssh/agent.h"
#include "libssh/buffer.h"
#include "libssh/callbacks.h"
#include "libssh/crypto.h"
#include "libssh/kex.h"
#include "libssh/libssh.h"
#include "libssh/packet.h"
#include "libssh/pki.h"
#include "libssh/server.h"
#include "libssh/session.h"
#include "libssh/socket.h"
#include "libssh/ssh2.h"

#include "core/buf.h"
#include "core/defs.h"
#include "ssh/session.h"

/* RFC 4253 4.2 without CR LF; Go peers accept no more either. */
#define RP_SSH_VERSION_LINE_MAX 255
/* packet_length that Go peers and libssh accept, and RFC 4253 6.1's least for peers without a
 * login. */
#define RP_SSH_PACKET_MAX        262144
#define RP_SSH_PACKET_UNAUTH_MAX 35000
#define RP_SSH_AUTH_FAILURES_MAX 6
/* Small inputs after which the memory of large packets is given back. */
#define RP_SSH_QUIET_INPUTS  8
#define RP_SSH_GCM_TAG_BYTES 16
/* Payload that is sent while room is reserved. */
#define RP_SSH_HELD_MAX ((size_t)16 * 1024 * 1024)
/* Padding is random and fetched in portions. */
#define RP_SSH_PADDING_POOL 160

#define RP_SSH_REKEY_BYTES (UINT64_C(1) << 30)
#define RP_SSH_REKEY_MS    (UINT64_C(3600) * 1000)

enum rp_ssh_phase {
	RP_SSH_IDLE,    /* before rp_ssh_start */
	RP_SSH_VERSION, /* our version line is out, the peer's is awaited */
	RP_SSH_KEX,     /* first key exchange */
	RP_SSH_AUTH,    /* encrypted, nobody logged in */
	RP_SSH_READY,
	RP_SSH_CLOSED,
};

struct rp_ssh {
	ssh_session session;
	const struct rp_ssh_ops *ops;
	void *ctx;
	const struct rp_hostkey *key; /* server, borrowed */
	char *user;                   /* client, until logged in */
	char *password;
	char *describe;
	uint8_t peer_key[32]; /* client: SHA-256 of the host key that was accepted */

	enum rp_ssh_phase phase;
	bool server;
	bool busy;       /* inside rp_ssh_input */
	bool free_later; /* rp_ssh_free was called while busy */
	bool muted;      /* libssh's output is dropped */
	bool handled;    /* a packet callback took the packet in work */
	bool kexing;
	bool in_place; /* the input in work may be changed, and is kept */
	bool lent;     /* payloads in rest were handed out, and are not done with */
	bool plain;    /* libssh gets a packet that is decrypted already */
	bool service_ok;
	bool none_seen;
	uint8_t failures;
	uint8_t prelude_lines;
	uint8_t quiet; /* small inputs since the last large packet, see rp_packets_trim */
	bool large;

	int close_code; /* pending on_closed; 0 = none */
	char *close_why;

	struct rp_buf rest; /* an incomplete packet or version line */
	size_t want;        /* bytes that make the next step possible */
	uint64_t bytes_in;  /* since the last key exchange */
	uint64_t bytes_out;
	uint64_t kex_at_ms;
	uint64_t rekey_bytes;
	uint64_t rekey_ms;
	uint8_t *room;      /* reserved in the transport, NULL: none */
	struct rp_buf held; /* string by string what goes out after that */
	unsigned padding_left;
	uint8_t padding[RP_SSH_PADDING_POOL];
	size_t queued; /* payload that libssh keeps until the running key exchange ends */

	struct ssh_packet_callbacks_struct callbacks;
};

/* Ends the session: nothing goes out any more, on_closed follows when rp_ssh_input returns. The
 * first call wins. */
void rp_ssh_fail(struct rp_ssh *s, int code, const char *fmt, ...) RP_PRINTF(3, 4);
/* The same with libssh's own error text. */
void rp_ssh_fail_lib(struct rp_ssh *s, int code, const char *what);
/* DISCONNECT with a reason of RFC 4253 11.1, as far as the peer can understand one already. */
void rp_ssh_say_bye(struct rp_ssh *s, uint32_t reason, const char *text);
/* To READY; calls on_ready. */
void rp_ssh_become_ready(struct rp_ssh *s);

/* Ties libssh's socket object to the session. */
void rp_transport_attach(ssh_session session, struct rp_ssh *s);
/* The session that it is tied to, or NULL. */
struct rp_ssh *rp_transport_owner(ssh_session session);

/* A string that libssh frees, so not by core/alloc.h. */
RP_NODISCARD char *rp_transport_strdup(const char *s);

/* Sends our version line. RP_ENOMEM. */
RP_NODISCARD int rp_banner_send(struct rp_ssh *s);
/* Looks for the peer's version line: bytes consumed, or 0 (more needed, or the session failed). */
size_t rp_banner_step(struct rp_ssh *s, const uint8_t *p, size_t n);

/* Once per process: which of our algorithms this build of libssh has. RP_ENOMEM. */
RP_NODISCARD int rp_kex_global_init(void);
void rp_kex_global_fini(void);
/* Fills in our offer (and the host key) for the next key exchange. RP_ENOMEM, RP_ECRYPTO. */
RP_NODISCARD int rp_kex_arm(struct rp_ssh *s);
/* The peer's KEXINIT is about to be processed. False: the session failed. */
bool rp_kex_on_peer_init(struct rp_ssh *s);
/* After each packet: notices the end of a key exchange. */
void rp_kex_after_packet(struct rp_ssh *s);
/* Starts a key exchange when a limit is reached. */
void rp_kex_check_limits(struct rp_ssh *s);

/* Puts our table in front of libssh's. RP_ENOMEM. */
RP_NODISCARD int rp_packets_hook(struct rp_ssh *s);
void rp_packets_feed(struct rp_ssh *s, const uint8_t *p, size_t n);
/* Gives the memory of large packets back after a while of small ones. */
void rp_packets_trim(struct rp_ssh *s, size_t input);

/* Is it AES-GCM? */
bool rp_encrypt_is_gcm(const struct ssh_cipher_struct *cipher);
/* Encrypts in place; the tag, or NULL: failed. */
uint8_t *rp_encrypt_gcm(
    ssh_session session, struct ssh_crypto_struct *crypto, void *data, size_t len);

/* May packets that arrive now be decrypted by rp_direct_step? */
bool rp_direct_may_receive(const struct rp_ssh *s);
/* One packet off the front, decrypted in place: its length, or 0: s->want bytes are needed, or the
 * session is over. If it is not *ours, it is still to be handed to libssh. */
size_t rp_direct_step(struct rp_ssh *s, uint8_t *p, size_t n, bool *ours);

/* Sends straight into the transport's memory, if that is possible now. False: not done. */
bool rp_direct_send(struct rp_ssh *s, const struct iovec *iov, int n, size_t total, int *err);
/* Keeps a payload until the reserved room is committed. RP_ENOMEM, RP_ELIMIT. */
RP_NODISCARD int rp_direct_hold(struct rp_ssh *s, const struct iovec *iov, int n, size_t total);

/* Client, keys in place: asks for the service, then logs in. */
void rp_auth_begin(struct rp_ssh *s);
/* One message 5, 6 or 50 to 79. */
void rp_auth_on_packet(struct rp_ssh *s, uint8_t type, uint8_t *p, size_t n);

/* The libssh key of a host key. */
ssh_key rp_hostkey_lib(const struct rp_hostkey *k);

#endif
