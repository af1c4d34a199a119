/* SPDX-License-Identifier: MIT */
/*
 * Packets of the connection protocol past libssh's packet layer, which copies a payload three
 * times, asks for padding with a system call and buffers what is whole already. While nothing but
 * AES-GCM is going on, packets to send are built and encrypted where the transport wants them.
 * Everything else (key exchanges, other ciphers, other messages) stays with libssh, whose
 * counters are kept here as it keeps them.
 */
#include "ssh/internal.h"

#include <string.h>

#include "core/crypto.h"

#include "core/banned.h"

/* packet_length and padding_length before the payload; RFC 4253 6 */
#define LENGTH_BYTES 4
#define HEAD_BYTES   5
#define PADDING_MIN  4
#define BLOCK_BYTES  16
#define PADDING_MAX  (PADDING_MIN + BLOCK_BYTES - 1)

/* Is libssh between packets, with nothing of a key exchange under way? */
static bool steady(const struct rp_ssh *s)
{
	ssh_session session = s->session;
	return s->phase == RP_SSH_READY && !s->kexing && session->current_crypto != NULL &&
	    session->current_crypto->used == SSH_DIRECTION_BOTH &&
	    session->session_state == SSH_SESSION_STATE_AUTHENTICATED &&
	    session->dh_handshake_state == DH_STATE_FINISHED;
}

/* Random padding is what RFC 4253 6 asks for; fetched in portions. */
static const uint8_t *padding(struct rp_ssh *s)
{
	if (s->padding_left < PADDING_MAX) {
		rp_random(s->padding, sizeof(s->padding));
		s->padding_left = sizeof(s->padding);
	}
	s->padding_left -= PADDING_MAX;
	return s->padding + s->padding_left;
}

static bool may_send(const struct rp_ssh *s)
{
	return steady(s) && s->ops->on_room != NULL && s->room == NULL && !s->muted &&
	    !s->session->current_crypto->do_compress_out &&
	    rp_encrypt_is_gcm(s->session->current_crypto->out_cipher);
}

uint8_t *rp_ssh_reserve(struct rp_ssh *s, size_t max)
{
	if (max > RP_SSH_PAYLOAD_MAX || !may_send(s)) {
		return NULL;
	}
	uint8_t *p = s->ops->on_room(s->ctx, HEAD_BYTES + max + PADDING_MAX + RP_SSH_GCM_TAG_BYTES);
	if (p == NULL) {
		return NULL;
	}
	s->room = p;
	return p + HEAD_BYTES;
}

/* Makes a packet of the n bytes of payload in it: its length, 0 if the session failed. */
static size_t seal(struct rp_ssh *s, uint8_t *p, size_t n)
{
	struct ssh_crypto_struct *crypto = s->session->current_crypto;
	size_t pad = BLOCK_BYTES - (1 + n) % BLOCK_BYTES;
	pad += pad < PADDING_MIN ? BLOCK_BYTES : 0;
	size_t len = 1 + n + pad;
	p[0] = (uint8_t)(len >> 24);
	p[1] = (uint8_t)(len >> 16);
	p[2] = (uint8_t)(len >> 8);
	p[3] = (uint8_t)len;
	p[4] = (uint8_t)pad;
	memcpy(p + HEAD_BYTES + n, padding(s), pad);
	const uint8_t *tag = rp_encrypt_gcm(s->session, crypto, p, LENGTH_BYTES + len);
	if (tag == NULL) {
		rp_ssh_fail(s, RP_ECRYPTO, "cannot encrypt");
		return 0;
	}
	memcpy(p + LENGTH_BYTES + len, tag, RP_SSH_GCM_TAG_BYTES);
	s->session->send_seq++;
	crypto->out_cipher->packets++;
	crypto->out_cipher->blocks += n / BLOCK_BYTES;
	return LENGTH_BYTES + len + RP_SSH_GCM_TAG_BYTES;
}

bool rp_direct_may_receive(const struct rp_ssh *s)
{
	ssh_session session = s->session;
	return steady(s) && session->packet_state == PACKET_STATE_INIT &&
	    !session->current_crypto->do_compress_in &&
	    session->current_crypto->in_cipher->aead_decrypt != NULL &&
	    rp_encrypt_is_gcm(session->current_crypto->in_cipher);
}

/* The messages that libssh's filter lets pass once a user is authenticated, as is the case when
 * the session is steady. All else, known or not, is libssh's. */
static bool is_ours(uint8_t type)
{
	return (type >= SSH2_MSG_GLOBAL_REQUEST && type <= SSH2_MSG_REQUEST_FAILURE) ||
	    (type >= SSH2_MSG_CHANNEL_OPEN && type <= SSH2_MSG_CHANNEL_FAILURE);
}

/* p is a whole packet of len bytes behind its length, decrypted. */
static bool deliver(struct rp_ssh *s, const uint8_t *p, size_t len)
{
	struct ssh_crypto_struct *crypto = s->session->current_crypto;
	size_t pad = p[LENGTH_BYTES];
	if (pad + 2 > len || !is_ours(p[HEAD_BYTES])) {
		return false;
	}
	size_t n = len - 1 - pad;
	s->session->recv_seq++;
	crypto->in_cipher->packets++;
	crypto->in_cipher->blocks += n / BLOCK_BYTES;
	s->ops->on_packet(s->ctx, p[HEAD_BYTES], p + HEAD_BYTES + 1, n - 1);
	return true;
}

size_t rp_direct_step(struct rp_ssh *s, uint8_t *p, size_t n, bool *ours)
{
	*ours = true;
	s->want = LENGTH_BYTES;
	if (n < s->want) {
		return 0;
	}
	size_t len = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	if (len < BLOCK_BYTES || len % BLOCK_BYTES != 0 || len > RP_SSH_PACKET_MAX) {
		rp_ssh_fail(s, RP_EPROTO, "peer sent a packet of a bad length");
		return 0;
	}
	s->want = LENGTH_BYTES + len + RP_SSH_GCM_TAG_BYTES;
	if (n < s->want) {
		return 0;
	}
	struct ssh_cipher_struct *cipher = s->session->current_crypto->in_cipher;
	if (cipher->aead_decrypt(cipher, p, p + LENGTH_BYTES, len, s->session->recv_seq) !=
	    SSH_OK) {
		rp_ssh_fail(s, RP_EPROTO, "packet: Decryption error");
		return 0;
	}
	*ours = deliver(s, p, len);
	return *ours && s->phase == RP_SSH_CLOSED ? 0 : LENGTH_BYTES + len + RP_SSH_GCM_TAG_BYTES;
}

/* What rp_ssh_send was given while room was reserved. */
static int send_held(struct rp_ssh *s)
{
	struct rp_buf held = s->held;
	rp_buf_init(&s->held, RP_SSH_HELD_MAX);
	int r = 0;
	struct rp_cursor in;
	rp_cursor_init(&in, rp_buf_head(&held), held.len);
	struct rp_str payload;
	while (r == 0 && rp_cursor_sstring(&in, &payload) == 0) {
		const struct iovec iov = {
		    .iov_base = (void *)(uintptr_t)payload.p, .iov_len = payload.len};
		r = rp_ssh_send(s, &iov, 1);
	}
	rp_buf_fini(&held);
	return r;
}

int rp_ssh_commit(struct rp_ssh *s, size_t n)
{
	RP_VERIFY(s->room != NULL);
	uint8_t *p = s->room;
	s->room = NULL;
	bool ended = !may_send(s);
	size_t len = n > 0 && !ended ? seal(s, p, n) : 0;
	s->bytes_out += len;
	s->ops->on_filled(s->ctx, len);
	if (n > 0 && len == 0) {
		return ended ? RP_ECLOSED : RP_ECRYPTO;
	}
	return s->held.len > 0 ? send_held(s) : 0;
}

/* True: sent, or failed with *err. */
bool rp_direct_send(struct rp_ssh *s, const struct iovec *iov, int n, size_t total, int *err)
{
	uint8_t *p = rp_ssh_reserve(s, total);
	if (p == NULL) {
		return false;
	}
	for (int i = 0; i < n; i++) {
		if (iov[i].iov_len > 0) {
			memcpy(p, iov[i].iov_base, iov[i].iov_len);
			p += iov[i].iov_len;
		}
	}
	*err = rp_ssh_commit(s, total);
	return true;
}

int rp_direct_hold(struct rp_ssh *s, const struct iovec *iov, int n, size_t total)
{
	size_t before = s->held.len;
	int r = rp_buf_add_u32(&s->held, (uint32_t)total);
	for (int i = 0; r == 0 && i < n; i++) {
		r = rp_buf_add(&s->held, iov[i].iov_base, iov[i].iov_len);
	}
	RP_VERIFY(r != 0 || s->held.len == before + 4 + total);
	return r;
}
