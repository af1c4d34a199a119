/* SPDX-License-Identifier: MIT */
/*
 * What both sides offer in a key exchange, and its course: libssh's own lists and files
 * (known_hosts) stay unused, because the offer is filled in before libssh would make one. The
 * host key is in the session only while a key exchange runs, and what a finished one leaves
 * behind is freed: idle sessions stay small.
 */
#include "ssh/internal.h"

#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"

#include "core/banned.h"

#define STRICT_SERVER "kex-strict-s-v00@openssh.com"
#define STRICT_CLIENT "kex-strict-c-v00@openssh.com"

#define KEX                                                                                     \
	"curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384," \
	"ecdh-sha2-nistp521,diffie-hellman-group14-sha256"
/* RPort's servers have this one; it stays first so that a fingerprint always means the same key. */
#define HOST_KEYS                                                                               \
	"ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,ssh-ed25519,rsa-sha2-512," \
	"rsa-sha2-256"
#define CIPHERS                                                                                   \
	"aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr," \
	"aes192-ctr,aes256-ctr"
#define MACS \
	"hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512"

static const char *const wanted[SSH_KEX_METHODS] = {
    [SSH_KEX] = KEX,
    [SSH_HOSTKEYS] = HOST_KEYS,
    [SSH_CRYPT_C_S] = CIPHERS,
    [SSH_CRYPT_S_C] = CIPHERS,
    [SSH_MAC_C_S] = MACS,
    [SSH_MAC_S_C] = MACS,
};

/* wanted without what this build of libssh lacks, and the first key exchange's lists with the
 * strict marker. Written once by rp_kex_global_init. */
static char *offers[SSH_KEX_METHODS];
static char *first_server;
static char *first_client;

int rp_kex_global_init(void)
{
	for (size_t i = 0; i < SSH_KEX_METHODS; i++) {
		if (wanted[i] == NULL) {
			continue;
		}
		char *known = ssh_keep_known_algos((enum ssh_kex_types_e)i, wanted[i]);
		offers[i] = known == NULL ? NULL : rp_strdup(known);
		ssh_string_free_char(known);
		if (offers[i] == NULL) {
			return RP_ENOMEM;
		}
	}
	first_server = rp_asprintf("%s,%s", offers[SSH_KEX], STRICT_SERVER);
	first_client = rp_asprintf("%s,%s", offers[SSH_KEX], STRICT_CLIENT);
	return first_server == NULL || first_client == NULL ? RP_ENOMEM : 0;
}

void rp_kex_global_fini(void)
{
	for (size_t i = 0; i < SSH_KEX_METHODS; i++) {
		rp_free(offers[i]);
		offers[i] = NULL;
	}
	rp_free(first_server);
	rp_free(first_client);
	first_server = NULL;
	first_client = NULL;
}

static const char *offer(const struct rp_ssh *s, size_t i)
{
	/* The marker belongs to the first key exchange alone. */
	if (i == SSH_KEX && s->phase != RP_SSH_READY) {
		return s->server ? first_server : first_client;
	}
	if (i == SSH_HOSTKEYS && s->server) {
		return "ecdsa-sha2-nistp256";
	}
	if (i == SSH_COMP_C_S || i == SSH_COMP_S_C) {
		return "none";
	}
	return offers[i] == NULL ? "" : offers[i];
}

static void free_methods(struct ssh_kex_struct *kex)
{
	for (size_t i = 0; i < SSH_KEX_METHODS; i++) {
		SAFE_FREE(kex->methods[i]);
	}
}

int rp_kex_arm(struct rp_ssh *s)
{
	ssh_session session = s->session;
	struct ssh_crypto_struct *crypto = session->next_crypto;
	struct ssh_kex_struct *kex = s->server ? &crypto->server_kex : &crypto->client_kex;
	if (kex->methods[0] != NULL) {
		return 0;
	}
	if (!ssh_get_random(kex->cookie, sizeof(kex->cookie), 0)) {
		return RP_ECRYPTO;
	}
	for (size_t i = 0; i < SSH_KEX_METHODS; i++) {
		kex->methods[i] = rp_transport_strdup(offer(s, i));
		if (kex->methods[i] == NULL) {
			free_methods(kex);
			return RP_ENOMEM;
		}
	}
	if (s->server && session->srv.ecdsa_key == NULL) {
		session->srv.ecdsa_key = ssh_key_dup(rp_hostkey_lib(s->key));
		if (session->srv.ecdsa_key == NULL) {
			return RP_ENOMEM;
		}
	}
	return 0;
}

static void begin(struct rp_ssh *s)
{
	s->kexing = true;
	if (s->ops->on_rekey != NULL) {
		s->ops->on_rekey(s->ctx, true);
	}
}

bool rp_kex_on_peer_init(struct rp_ssh *s)
{
	if (!s->kexing && s->phase == RP_SSH_READY) {
		begin(s);
	}
	int r = rp_kex_arm(s);
	if (r != 0) {
		rp_ssh_fail(s, r, "key exchange: %s", rp_err_text(r));
	}
	if (s->phase == RP_SSH_CLOSED) {
		return false;
	}
	if (!s->server) {
		/* Our KEXINIT is out: the marker must not be found as an algorithm now. */
		char *marker = strstr(
		    s->session->next_crypto->client_kex.methods[SSH_KEX], "," STRICT_CLIENT);
		if (marker != NULL) {
			*marker = '\0';
		}
	}
	return true;
}

int rp_ssh_rekey(struct rp_ssh *s)
{
	if (s->phase != RP_SSH_READY) {
		return RP_ECLOSED;
	}
	if (s->kexing) {
		return 0;
	}
	int r = rp_kex_arm(s);
	if (r != 0) {
		return r;
	}
	if (ssh_send_rekex(s->session) != SSH_OK) {
		rp_ssh_fail_lib(s, RP_ECRYPTO, "key exchange");
		return RP_ECRYPTO;
	}
	begin(s);
	return 0;
}

void rp_kex_check_limits(struct rp_ssh *s)
{
	if (s->phase != RP_SSH_READY || s->kexing) {
		return;
	}
	if (s->bytes_in < s->rekey_bytes && s->bytes_out < s->rekey_bytes &&
	    rp_clock_ms() - s->kex_at_ms < s->rekey_ms) {
		return;
	}
	if (rp_ssh_rekey(s) != 0) {
		rp_ssh_fail(s, RP_ECRYPTO, "cannot start a key exchange");
	}
}

/* The server's key: the owner decides once, and it stays the same afterwards. */
static bool check_host_key(struct rp_ssh *s, bool first)
{
	ssh_string blob = NULL;
	uint8_t digest[32];
	if (ssh_pki_export_pubkey_blob(s->session->current_crypto->server_pubkey, &blob) !=
	    SSH_OK) {
		rp_ssh_fail(s, RP_EPROTO, "server has no host key");
		return false;
	}
	char md5[RP_FINGERPRINT_MD5_MAX];
	char sha256[RP_FINGERPRINT_SHA256_MAX];
	const void *p = ssh_string_data(blob);
	size_t n = ssh_string_len(blob);
	int r = rp_fingerprint_md5(p, n, md5);
	r = r == 0 ? rp_fingerprint_sha256(p, n, sha256) : r;
	r = r == 0 ? rp_sha256(p, n, digest) : r;
	ssh_string_free(blob);
	if (r != 0) {
		rp_ssh_fail(s, r, "cannot compute the fingerprint");
		return false;
	}
	if (!first && memcmp(digest, s->peer_key, sizeof(digest)) != 0) {
		rp_ssh_fail(s, RP_EDENIED, "server changed its host key (now %s)", md5);
		return false;
	}
	if (first && !s->ops->on_hostkey(s->ctx, md5, sha256)) {
		rp_ssh_fail(s, RP_EDENIED, "invalid fingerprint (%s)", md5);
		return false;
	}
	memcpy(s->peer_key, digest, sizeof(digest));
	return s->phase != RP_SSH_CLOSED;
}

/* What only the key exchange needed. */
static void forget(struct ssh_crypto_struct *crypto)
{
	free_methods(&crypto->client_kex);
	free_methods(&crypto->server_kex);
	for (size_t i = 0; i < SSH_KEX_METHODS; i++) {
		SAFE_FREE(crypto->kex_methods[i]);
	}
	ssh_key_free(crypto->server_pubkey);
	crypto->server_pubkey = NULL;
	bignum_safe_free(crypto->shared_secret);
	SAFE_FREE(crypto->ecdh_client_pubkey);
	SAFE_FREE(crypto->ecdh_server_pubkey);
	rp_secret_wipe(crypto->curve25519_privkey, sizeof(crypto->curve25519_privkey));
}

static void describe(struct rp_ssh *s)
{
	char *const *methods = s->session->current_crypto->kex_methods;
	rp_free(s->describe);
	s->describe = rp_asprintf(
	    "%s %s %s", methods[SSH_KEX], methods[SSH_HOSTKEYS], methods[SSH_CRYPT_S_C]);
}

static void finish(struct rp_ssh *s)
{
	bool first = s->phase == RP_SSH_KEX;
	s->kexing = false;
	s->bytes_in = 0;
	s->bytes_out = 0;
	s->queued = 0;
	s->kex_at_ms = rp_clock_ms();
	/* The limits are ours (rp_kex_check_limits): libssh's would start without our offer. */
	s->session->current_crypto->in_cipher->max_blocks = 0;
	s->session->current_crypto->out_cipher->max_blocks = 0;
	describe(s);
	if (s->server) {
		ssh_key_free(s->session->srv.ecdsa_key);
		s->session->srv.ecdsa_key = NULL;
	} else if (!check_host_key(s, first)) {
		return;
	}
	forget(s->session->current_crypto);
	if (!first) {
		if (s->ops->on_rekey != NULL) {
			s->ops->on_rekey(s->ctx, false);
		}
		return;
	}
	s->phase = RP_SSH_AUTH;
	if (!s->server) {
		rp_auth_begin(s);
	}
}

void rp_kex_after_packet(struct rp_ssh *s)
{
	/* No EXT_INFO from us: it says nothing that matters for passwords. */
	s->session->extensions &= ~(uint32_t)SSH_EXT_NEGOTIATION;
	if (s->kexing && s->session->dh_handshake_state == DH_STATE_FINISHED) {
		finish(s);
	}
}
