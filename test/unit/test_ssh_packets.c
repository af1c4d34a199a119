/* SPDX-License-Identifier: MIT */
/*
 * What a session makes of packets after the login: every cipher and key exchange, damaged and
 * unexpected ones, the end.
 */
#include "ssh/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ssh/internal.h"
#include "test/lib/prng.h"
#include "test/lib/ssh_flow_short.h"
#include "test/lib/ssh_short.h"

/* All ciphers and MACs, so that every way to cut packets is taken. */
static void test_every_cipher(void **state)
{
	(void)state;
	static const char *const ciphers[] = {"aes128-gcm@openssh.com", "aes256-gcm@openssh.com",
	    "chacha20-poly1305@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr"};
	static const char *const macs[] = {"hmac-sha2-256-etm@openssh.com",
	    "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"};
	for (size_t i = 0; i < RP_ARRAY_LEN(ciphers) * RP_ARRAY_LEN(macs); i++) {
		struct rp_ssh_pair p;
		start(&p);
		offer(&p, ciphers[i / 4], macs[i % 4]);
		p.random_pieces = true;
		rp_ssh_pair_settle(&p);
		assert_true(p.server.ready && p.client.ready);
		assert_non_null(strstr(rp_ssh_describe(p.server.ssh), ciphers[i / 4]));
		p.random_pieces = i % 2 == 0;
		run_traffic(&p, slow ? 300000 : 2000000, true);
		rp_ssh_pair_fini(&p);
	}
}

static void encrypt_nothing(
    struct ssh_cipher_struct *cipher, void *in, void *out, size_t len, uint8_t *mac, uint64_t seq)
{
	(void)cipher;
	(void)in;
	(void)out;
	(void)len;
	(void)mac;
	(void)seq;
}

/* What cannot be encrypted must not go out as it is. */
static void test_failing_cipher(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	start(&p);
	offer(&p, "aes128-gcm@openssh.com", "hmac-sha2-256");
	rp_ssh_pair_settle(&p);
	assert_true(p.server.ready && p.client.ready);
	ssh_session session = p.server.ssh->session;
	ssh_packet_get_current_crypto(session, SSH_DIRECTION_OUT)->out_cipher->aead_encrypt =
	    encrypt_nothing;
	uint64_t sent = p.server.sent;
	assert_int_equal(rp_ssh_pair_send(&p.server, 94, "secret", 6), RP_ECRYPTO);
	assert_int_equal(p.server.sent, sent);
	assert_int_equal(rp_ssh_pair_send(&p.server, 94, "secret", 6), RP_ECLOSED);
	rp_ssh_input(p.server.ssh, NULL, 0);
	assert_int_equal(p.server.closed, 1);
	assert_int_equal(p.server.code, RP_ECRYPTO);
	rp_ssh_pair_fini(&p);
}

static void test_every_key_exchange(void **state)
{
	(void)state;
	static const char *const names[] = {"curve25519-sha256", "curve25519-sha256@libssh.org",
	    "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521",
	    "diffie-hellman-group14-sha256"};
	for (size_t i = 0; i < RP_ARRAY_LEN(names); i++) {
		struct rp_ssh_pair p;
		start(&p);
		char **method = &p.client.ssh->session->next_crypto->client_kex.methods[SSH_KEX];
		free(*method);
		*method = rp_transport_strdup(names[i]);
		rp_ssh_pair_settle(&p);
		assert_true(p.server.ready && p.client.ready);
		assert_memory_equal(rp_ssh_describe(p.server.ssh), names[i], strlen(names[i]));
		rp_ssh_pair_fini(&p);
	}
}

static void test_nothing_in_common(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	start(&p);
	char **method = &p.client.ssh->session->next_crypto->client_kex.methods[SSH_CRYPT_C_S];
	free(*method);
	*method = rp_transport_strdup("rot13\x1b[31m");
	rp_ssh_pair_settle(&p);
	assert_int_equal(p.server.code, RP_EPROTO);
	assert_non_null(strstr(p.server.why, "rot13?[31m"));
	rp_ssh_pair_fini(&p);
}

static void test_tampered_packets(void **state)
{
	(void)state;
	for (int i = 0; i < (slow ? 5 : 60); i++) {
		struct rp_ssh_pair p;
		login(&p);
		assert_int_equal(rp_ssh_pair_send(&p.client, 94, bulk_bytes, 500), 0);
		size_t at = 4 + rp_prng_below(p.client.out.len - 4);
		rp_buf_head(&p.client.out)[at] ^= 1;
		rp_ssh_pair_settle(&p);
		assert_int_equal(p.server.packets, 0);
		assert_int_equal(p.server.code, RP_EPROTO);
		rp_ssh_pair_fini(&p);
	}
}

static void test_unknown_message(void **state)
{
	(void)state;
	static const uint8_t types[] = {8, 19, 40, 83, 89, 101, 192, 255};
	for (size_t i = 0; i < RP_ARRAY_LEN(types); i++) {
		struct rp_ssh_pair p;
		login(&p);
		uint64_t sent = p.server.sent;
		force(&p.client, &types[i], 1);
		rp_ssh_pair_settle(&p);
		assert_int_equal(p.server.code, RP_EPROTO);
		assert_non_null(strstr(p.server.why, "unknown message number"));
		/* UNIMPLEMENTED would end a Go peer with an error of its own. */
		assert_int_equal(p.server.sent, sent);
		rp_ssh_pair_fini(&p);
	}
}

/* Nothing but what the protocol has after a login reaches the owner, and libssh's channels answer
 * nothing. */
static void test_every_message_after_login(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		if (type == SSH2_MSG_NEWKEYS) {
			continue; /* would change the sender's own keys */
		}
		struct rp_ssh_pair p;
		login(&p);
		const uint8_t message[] = {
		    (uint8_t)type, 0, 0, 0, 7, 's', 'e', 's', 's', 'i', 'o', 'n', 1};
		bool ours = (type >= 80 && type <= 82) || (type >= 90 && type <= 100);
		uint64_t sent = p.server.sent;
		force(&p.client, message, sizeof(message));
		(void)rp_ssh_pair_deliver(&p.client, SIZE_MAX);
		assert_int_equal(p.server.packets, ours ? 1 : 0);
		if (ours) {
			assert_int_equal(p.server.sent, sent);
			assert_int_equal(p.server.closed, 0);
		}
		rp_ssh_pair_fini(&p);
	}
}

static void test_disconnect(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	login(&p);
	rp_ssh_disconnect(p.server.ssh, "going\ndown");
	assert_false(rp_ssh_is_ready(p.server.ssh));
	assert_int_equal(rp_ssh_pair_send(&p.server, 80, "x", 1), RP_ECLOSED);
	rp_ssh_pair_settle(&p);
	assert_int_equal(p.client.code, RP_ECLOSED);
	assert_string_equal(p.client.why, "peer disconnected: going?down (reason 11)");
	assert_int_equal(p.server.closed, 0);
	uint64_t sent = p.server.sent;
	rp_ssh_disconnect(p.server.ssh, "again");
	assert_int_equal(p.server.sent, sent);
	rp_ssh_pair_fini(&p);

	/* Before there is anybody to tell. */
	start(&p);
	sent = p.server.sent;
	rp_ssh_disconnect(p.server.ssh, "early");
	assert_int_equal(p.server.sent, sent);
	rp_ssh_pair_fini(&p);

	/* In the middle of a key exchange it is not queued. */
	login(&p);
	assert_int_equal(rp_ssh_rekey(p.server.ssh), 0);
	rp_ssh_disconnect(p.server.ssh, "now");
	rp_ssh_pair_settle(&p);
	assert_string_equal(p.client.why, "peer disconnected: now (reason 11)");
	rp_ssh_pair_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_cipher),
	    cmocka_unit_test(test_failing_cipher),
	    cmocka_unit_test(test_every_key_exchange),
	    cmocka_unit_test(test_nothing_in_common),
	    cmocka_unit_test(test_tampered_packets),
	    cmocka_unit_test(test_unknown_message),
	    cmocka_unit_test(test_every_message_after_login),
	    cmocka_unit_test(test_disconnect),
	};
	return run_ssh_tests(tests);
}
