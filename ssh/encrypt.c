/* SPDX-License-Identifier: MIT */
/*
 * Encryption of outgoing packets. libssh encrypts into a cleared buffer of its own, copies the
 * result back and takes any failure for "not encrypted yet", so that the packet would go out as it
 * is. Here AES-GCM works in place (a fifth of what the packet layer costs for both ends together),
 * and a failure ends the session before a byte of the packet is written.
 *
 * The linker's --wrap turns libssh's calls of ssh_packet_encrypt and ssh_packet_decrypt into the
 * functions at the end; the latter leaves a packet alone that direct.c has decrypted.
 */
#include "ssh/internal.h"

#include <string.h>

#include "core/banned.h"

int __real_ssh_packet_decrypt(
    ssh_session session, uint8_t *to, uint8_t *packet, size_t start, size_t n);
int __wrap_ssh_packet_decrypt(
    ssh_session session, uint8_t *to, uint8_t *packet, size_t start, size_t n);
unsigned char *__real_ssh_packet_encrypt(ssh_session session, void *data, size_t len);
unsigned char *__wrap_ssh_packet_encrypt(ssh_session session, void *data, size_t len);

/* libssh knows two kinds of AEAD; with mbedTLS only the other one carries its type. */
bool rp_encrypt_is_gcm(const struct ssh_cipher_struct *cipher)
{
	return cipher->aead_encrypt != NULL && cipher->tag_size == RP_SSH_GCM_TAG_BYTES &&
	    cipher->ciphertype != SSH_AEAD_CHACHA20_POLY1305;
}

/* libssh's function tells of no failure; the tag is the last thing that it writes, and one of
 * zeros does not happen (2^-128). */
uint8_t *rp_encrypt_gcm(
    ssh_session session, struct ssh_crypto_struct *crypto, void *data, size_t len)
{
	static const uint8_t none[RP_SSH_GCM_TAG_BYTES];
	struct ssh_cipher_struct *cipher = crypto->out_cipher;
	if (len < cipher->lenfield_blocksize ||
	    (len - cipher->lenfield_blocksize) % cipher->blocksize != 0) {
		return NULL;
	}
	memset(crypto->hmacbuf, 0, sizeof(none));
	cipher->aead_encrypt(cipher, data, data, len, crypto->hmacbuf, session->send_seq);
	return memcmp(crypto->hmacbuf, none, sizeof(none)) != 0 ? crypto->hmacbuf : NULL;
}

unsigned char *__wrap_ssh_packet_encrypt(ssh_session session, void *data, size_t len)
{
	struct ssh_crypto_struct *crypto = ssh_packet_get_current_crypto(
	    session, SSH_DIRECTION_OUT);
	if (crypto == NULL) {
		return NULL; /* before the first key exchange */
	}
	unsigned char *mac = rp_encrypt_is_gcm(crypto->out_cipher)
	    ? rp_encrypt_gcm(session, crypto, data, len)
	    : __real_ssh_packet_encrypt(session, data, len);
	struct rp_ssh *s = rp_transport_owner(session);
	if (mac == NULL && s != NULL) {
		rp_ssh_fail(s, RP_ECRYPTO, "cannot encrypt");
	}
	return mac;
}

int __wrap_ssh_packet_decrypt(
    ssh_session session, uint8_t *to, uint8_t *packet, size_t start, size_t n)
{
	const struct rp_ssh *s = rp_transport_owner(session);
	if (s != NULL && s->plain) {
		memcpy(to, packet + start, n);
		return SSH_OK;
	}
	return __real_ssh_packet_decrypt(session, to, packet, start, n);
}
