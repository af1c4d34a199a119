/* SPDX-License-Identifier: MIT */
/*
 * What a session does after the login: traffic under key exchanges, every cipher, damaged packets,
 * ends from inside callbacks, memory.
 */
#include "ssh/session.h"

#include "ssh/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/oom.h"
#include "test/lib/prng.h"
#include "test/lib/ssh_short.h"

/* Bulk traffic: messages carry a counter and pseudo-random bytes, both ends keep a hash. */
struct flow {
	uint64_t hash_sent;
	uint64_t hash_got;
	uint64_t sent;
	uint64_t got;
};

static uint64_t mix(uint64_t hash, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i += 61) {
		hash = (hash ^ p[i] ^ (n << 8)) * UINT64_C(0x100000001b3);
	}
	return hash;
}

static void on_bulk(struct rp_ssh_side *side, uint8_t type, const uint8_t *p, size_t n)
{
	struct flow *f = side->user;
	assert_int_equal(type, 94);
	f->hash_got = mix(f->hash_got, p, n);
	f->got += n;
}

static uint8_t bulk_bytes[RP_SSH_PAYLOAD_MAX];

/* Fills a packet where the transport wants it, and sends another one meanwhile. */
static bool send_in_place(struct rp_ssh_side *side, struct flow *f, size_t n)
{
	uint8_t *room = rp_ssh_reserve(side->ssh, 1 + n + rp_prng_below(100));
	if (room == NULL) {
		return false;
	}
	assert_null(rp_ssh_reserve(side->ssh, 1));
	room[0] = 94;
	memcpy(room + 1, bulk_bytes, n);
	f->hash_sent = mix(f->hash_sent, bulk_bytes, n);
	f->sent += n;
	size_t more = rp_prng_below(3) == 0 ? rp_prng_below(n + 1) : 0;
	if (more > 0) {
		assert_int_equal(rp_ssh_pair_send(side, 94, bulk_bytes, more), 0);
		f->hash_sent = mix(f->hash_sent, bulk_bytes, more);
		f->sent += more;
	}
	assert_int_equal(rp_ssh_commit(side->ssh, 1 + n), 0);
	return true;
}

static void send_some(struct rp_ssh_side *side, struct rp_ssh_side *to)
{
	struct flow *f = to->user;
	for (size_t i = rp_prng_below(8); i > 0; i--) {
		size_t n = rp_prng_below(rp_prng_below(20) == 0 ? 260000 : 33000);
		bulk_bytes[rp_prng_below(n + 1)]++;
		if (n < 200000 && rp_prng_below(2) == 0 && send_in_place(side, f, n)) {
			continue;
		}
		assert_int_equal(rp_ssh_pair_send(side, 94, bulk_bytes, n), 0);
		f->hash_sent = mix(f->hash_sent, bulk_bytes, n);
		f->sent += n;
	}
}

static void run_traffic(struct rp_ssh_pair *p, uint64_t total, bool forced)
{
	struct flow to_server = {0};
	struct flow to_client = {0};
	p->server.user = &to_server;
	p->client.user = &to_client;
	p->server.on_packet = on_bulk;
	p->client.on_packet = on_bulk;
	while (to_server.got + to_client.got < total) {
		send_some(&p->server, &p->client);
		send_some(&p->client, &p->server);
		size_t dice = rp_prng_below(50);
		if (forced && (dice == 0 || dice == 2)) {
			assert_int_equal(rp_ssh_rekey(p->server.ssh), 0);
		}
		if (forced && (dice == 1 || dice == 2)) {
			assert_int_equal(rp_ssh_rekey(p->client.ssh), 0);
		}
		/* Part of it stays under way. */
		(void)rp_ssh_pair_deliver(&p->client, rp_prng_below(200000));
		(void)rp_ssh_pair_deliver(&p->server, rp_prng_below(200000));
		assert_non_null(p->server.ssh);
		assert_non_null(p->client.ssh);
	}
	rp_ssh_pair_settle(p);
	assert_int_equal(to_server.sent, to_server.got);
	assert_int_equal(to_client.sent, to_client.got);
	assert_int_equal(to_server.hash_sent, to_server.hash_got);
	assert_int_equal(to_client.hash_sent, to_client.hash_got);
	assert_false(p->server.rekeying);
	assert_false(p->client.rekeying);
	assert_int_equal(p->server.rekeys, p->client.rekeys);
}

static uint64_t traffic_total(void)
{
	return (uint64_t)(slow ? 2 : 64) << 20;
}

static void test_forced_rekeys(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	login(&p);
	p.random_pieces = true;
	run_traffic(&p, traffic_total(), true);
	if (!slow) {
		assert_true(p.server.rekeys > 5);
	}
	rp_ssh_pair_fini(&p);
}

static void test_rekeys_by_limit(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	login(&p);
	rp_ssh_set_rekey_limits(p.server.ssh, 700000, 3600000);
	rp_ssh_set_rekey_limits(p.client.ssh, 1100000, 3600000);
	run_traffic(&p, traffic_total() / (slow ? 1 : 2), false);
	assert_true(p.server.rekeys >= (slow ? 1 : 10));
	rp_ssh_pair_fini(&p);
}

static void test_rekey_by_time(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	login(&p);
	rp_ssh_set_rekey_limits(p.server.ssh, UINT64_MAX, 0);
	assert_int_equal(rp_ssh_pair_send(&p.client, 80, "x", 1), 0);
	(void)rp_ssh_pair_deliver(&p.client, SIZE_MAX);
	assert_true(p.server.rekeying);
	rp_ssh_set_rekey_limits(p.server.ssh, UINT64_MAX, UINT64_MAX);
	rp_ssh_pair_settle(&p);
	assert_int_equal(p.server.rekeys, 1);
	assert_int_equal(p.client.rekeys, 1);
	rp_ssh_pair_fini(&p);
}

static void test_both_rekey_at_once(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	login(&p);
	for (unsigned i = 1; i < 10; i++) {
		assert_int_equal(rp_ssh_rekey(p.server.ssh), 0);
		assert_int_equal(rp_ssh_rekey(p.client.ssh), 0);
		assert_int_equal(rp_ssh_rekey(p.client.ssh), 0);
		assert_true(p.server.rekeying && p.client.rekeying);
		rp_ssh_pair_settle(&p);
		assert_int_equal(p.server.rekeys, i);
		assert_int_equal(p.client.rekeys, i);
	}
	rp_ssh_pair_fini(&p);
}

static void on_numbered(struct rp_ssh_side *side, uint8_t type, const uint8_t *p, size_t n)
{
	unsigned *next = side->user;
	unsigned number;
	assert_int_equal(type, 94);
	assert_int_equal(n, sizeof(number));
	memcpy(&number, p, sizeof(number));
	assert_int_equal(number, *next);
	*next = number + 1;
}

static void test_queue_during_rekey(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	unsigned next = 0;
	login(&p);
	p.client.on_packet = on_numbered;
	p.client.user = &next;
	assert_int_equal(rp_ssh_rekey(p.server.ssh), 0);
	uint64_t sent = p.server.sent;
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(rp_ssh_pair_send(&p.server, 94, &i, sizeof(i)), 0);
	}
	assert_int_equal(p.server.sent, sent);
	rp_ssh_pair_settle(&p);
	assert_int_equal(next, 1000);
	rp_ssh_pair_fini(&p);
}

static void test_queue_is_bounded(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	login(&p);
	assert_int_equal(rp_ssh_rekey(p.server.ssh), 0);
	size_t taken = 0;
	int r;
	while ((r = rp_ssh_pair_send(&p.server, 94, bulk_bytes, 200000)) == 0) {
		taken += 200000;
	}
	assert_int_equal(r, RP_EBUSY);
	assert_true(taken > 1000000 && taken <= (size_t)16 * 1024 * 1024);
	rp_ssh_pair_settle(&p);
	assert_int_equal(p.client.packets, taken / 200000);
	assert_int_equal(rp_ssh_pair_send(&p.server, 94, bulk_bytes, 200000), 0);
	rp_ssh_pair_fini(&p);
}

static void test_changed_host_key(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	struct rp_hostkey *other_key;
	assert_int_equal(rp_hostkey_from_seed("other", &other_key, NULL), 0);
	login(&p);
	p.server.ssh->key = other_key;
	assert_int_equal(rp_ssh_rekey(p.client.ssh), 0);
	rp_ssh_pair_settle(&p);
	assert_int_equal(p.client.code, RP_EDENIED);
	assert_non_null(strstr(p.client.why, rp_hostkey_md5(other_key)));
	rp_ssh_pair_fini(&p);
	rp_hostkey_free(other_key);
}

static void on_sized(struct rp_ssh_side *side, uint8_t type, const uint8_t *p, size_t n)
{
	size_t *size = side->user;
	(void)type;
	assert_memory_equal(p, bulk_bytes, n);
	*size = n;
}

static void test_payload_limits(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	size_t size = 0;
	start(&p);
	assert_int_equal(rp_ssh_pair_send(&p.server, 80, "x", 1), RP_ECLOSED);
	assert_int_equal(rp_ssh_rekey(p.server.ssh), RP_ECLOSED);
	rp_ssh_pair_settle(&p);
	p.client.on_packet = on_sized;
	p.client.user = &size;
	rp_prng_bytes(bulk_bytes, sizeof(bulk_bytes));
	static const size_t sizes[] = {0, 1, 3, 4, 11, 12, 15, 16, 17, 32767, 32768, 65535, 65536,
	    RP_SSH_PAYLOAD_MAX - 2, RP_SSH_PAYLOAD_MAX - 1};
	for (size_t i = 0; i < RP_ARRAY_LEN(sizes); i++) {
		assert_int_equal(rp_ssh_pair_send(&p.server, 94, bulk_bytes, sizes[i]), 0);
		rp_ssh_pair_settle(&p);
		assert_int_equal(size, sizes[i]);
	}
	assert_int_equal(
	    rp_ssh_pair_send(&p.server, 94, bulk_bytes, RP_SSH_PAYLOAD_MAX), RP_ELIMIT);
	struct iovec huge[2] = {{bulk_bytes, 1}, {bulk_bytes, SIZE_MAX}};
	assert_int_equal(rp_ssh_send(p.server.ssh, huge, 2), RP_ELIMIT);
	assert_int_equal(rp_ssh_send(p.server.ssh, huge, 0), RP_EINVAL);
	assert_int_equal(p.client.packets, RP_ARRAY_LEN(sizes));
	rp_ssh_pair_fini(&p);
}

/* The client offers this one cipher and MAC; before the first delivery. */
static void offer(struct rp_ssh_pair *p, const char *cipher, const char *mac)
{
	char **methods = p->client.ssh->session->next_crypto->client_kex.methods;
	for (size_t k = SSH_CRYPT_C_S; k <= SSH_MAC_S_C; k++) {
		free(methods[k]);
		methods[k] = rp_transport_strdup(k <= SSH_CRYPT_S_C ? cipher : mac);
	}
}

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

static void free_side(struct rp_ssh_side *side)
{
	rp_ssh_free(side->ssh);
	side->ssh = NULL;
}

static void free_on_packet(struct rp_ssh_side *side, uint8_t type, const uint8_t *p, size_t n)
{
	(void)type;
	(void)p;
	(void)n;
	free_side(side);
}

static void free_on_rekey(struct rp_ssh_side *side, bool running)
{
	(void)running;
	free_side(side);
}

static bool free_on_password(struct rp_ssh_pair *p, const char *user, const char *password)
{
	(void)user;
	(void)password;
	free_side(&p->server);
	return true;
}

static bool free_on_hostkey(struct rp_ssh_pair *p)
{
	free_side(&p->client);
	return true;
}

static void test_free_in_callbacks(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	start(&p);
	p.server.on_ready = free_side;
	p.client.on_ready = free_side;
	rp_ssh_pair_settle(&p);
	assert_true(p.server.ready && p.client.ready);
	assert_int_equal(p.server.closed + p.client.closed, 0);
	rp_ssh_pair_fini(&p);

	start(&p);
	p.on_password = free_on_password;
	rp_ssh_pair_settle(&p);
	assert_false(p.client.ready);
	rp_ssh_pair_fini(&p);

	start(&p);
	p.on_hostkey = free_on_hostkey;
	rp_ssh_pair_settle(&p);
	assert_int_equal(p.logins, 0);
	rp_ssh_pair_fini(&p);

	login(&p);
	p.server.on_packet = free_on_packet;
	assert_int_equal(rp_ssh_pair_send(&p.client, 80, "x", 1), 0);
	assert_int_equal(rp_ssh_pair_send(&p.client, 80, "x", 1), 0);
	rp_ssh_pair_settle(&p);
	assert_int_equal(p.server.packets, 1);
	rp_ssh_pair_fini(&p);

	login(&p);
	p.server.on_rekey = free_on_rekey;
	assert_int_equal(rp_ssh_rekey(p.client.ssh), 0);
	rp_ssh_pair_settle(&p);
	assert_null(p.server.ssh);
	rp_ssh_pair_fini(&p);
}

/* An echo from inside the callback, while key exchanges come and go. */
static void echo(struct rp_ssh_side *side, uint8_t type, const uint8_t *p, size_t n)
{
	assert_int_equal(rp_ssh_pair_send(side, type, p, n), 0);
	if (side->packets % 37 == 0) {
		assert_int_equal(rp_ssh_rekey(side->ssh), 0);
	}
}

static void test_echo_in_callbacks(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	unsigned next = 0;
	login(&p);
	p.random_pieces = true;
	p.server.on_packet = echo;
	p.client.on_packet = on_numbered;
	p.client.user = &next;
	for (unsigned i = 0; i < 500; i++) {
		assert_int_equal(rp_ssh_pair_send(&p.client, 94, &i, sizeof(i)), 0);
		if (i % 20 == 0) {
			rp_ssh_pair_settle(&p);
		}
	}
	rp_ssh_pair_settle(&p);
	assert_int_equal(next, 500);
	assert_true(p.server.rekeys > 3);
	rp_ssh_pair_fini(&p);
}

/* Many small packets in one input: libssh would call itself for each. */
static void test_many_packets_in_one_input(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	login(&p);
	unsigned n = slow ? 2000 : 200000;
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(rp_ssh_pair_send(&p.client, 93, "12345678", 8), 0);
	}
	rp_ssh_pair_settle(&p);
	assert_int_equal(p.server.packets, n);
	rp_ssh_pair_fini(&p);
}

static void test_memory_is_given_back(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	start(&p);
	offer(&p, "aes256-ctr", "hmac-sha2-256");
	rp_ssh_pair_settle(&p);
	assert_true(p.server.ready && p.client.ready);
	ssh_buffer before = p.server.ssh->session->in_buffer;
	assert_int_equal(rp_ssh_pair_send(&p.client, 94, bulk_bytes, 100000), 0);
	rp_ssh_pair_settle(&p);
	assert_true(p.server.ssh->large);
	assert_ptr_equal(p.server.ssh->session->in_buffer, before);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(rp_ssh_pair_send(&p.client, 80, "x", 1), 0);
		rp_ssh_pair_settle(&p);
	}
	assert_false(p.server.ssh->large);
	assert_null(p.server.ssh->rest.data);
	assert_int_equal(p.server.packets, 21);
	rp_ssh_pair_fini(&p);
}

/* With AES-GCM libssh's buffers are not used after the login. */
static void test_nothing_is_kept(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	login(&p);
	static const uint8_t types[] = {80, 82, 90, 94, 100};
	for (size_t i = 0; i < RP_ARRAY_LEN(types); i++) {
		assert_int_equal(rp_ssh_pair_send(&p.client, types[i], bulk_bytes, 100000), 0);
		assert_int_equal(rp_ssh_pair_deliver(&p.client, 60000), 60000);
		assert_non_null(p.server.ssh->rest.data);
		rp_ssh_pair_settle(&p);
		assert_null(p.server.ssh->rest.data);
		assert_false(p.server.ssh->large || p.client.ssh->large);
	}
	assert_int_equal(p.server.packets, RP_ARRAY_LEN(types));
	rp_ssh_pair_fini(&p);
}

static void test_started_once(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	start(&p);
	assert_int_equal(rp_ssh_start(p.server.ssh), RP_EINVAL);
	rp_ssh_pair_settle(&p);
	assert_true(p.client.ready);
	rp_ssh_pair_fini(&p);
	rp_ssh_free(NULL);
}

/* libssh's own allocations do not fail here; ours do. */
static int oom_body(void *state)
{
	(void)state;
	struct rp_ssh_pair p;
	int r = rp_ssh_pair_init(&p, key, RP_SSH_PAIR_PASSWORD);
	if (r != 0) {
		return r;
	}
	rp_ssh_pair_settle(&p);
	bool good = p.server.ready && p.client.ready;
	/* A login that is refused for lack of memory looks like a refused login. */
	bool refused = p.server.lost || p.client.lost || p.server.code == RP_ENOMEM ||
	    p.client.code == RP_ENOMEM || p.client.code == RP_EAUTH;
	rp_ssh_pair_fini(&p);
	return good ? 0 : refused ? RP_ENOMEM : -1;
}

static void test_out_of_memory(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forced_rekeys),
	    cmocka_unit_test(test_rekeys_by_limit),
	    cmocka_unit_test(test_rekey_by_time),
	    cmocka_unit_test(test_both_rekey_at_once),
	    cmocka_unit_test(test_queue_during_rekey),
	    cmocka_unit_test(test_queue_is_bounded),
	    cmocka_unit_test(test_changed_host_key),
	    cmocka_unit_test(test_payload_limits),
	    cmocka_unit_test(test_every_cipher),
	    cmocka_unit_test(test_failing_cipher),
	    cmocka_unit_test(test_every_key_exchange),
	    cmocka_unit_test(test_nothing_in_common),
	    cmocka_unit_test(test_tampered_packets),
	    cmocka_unit_test(test_unknown_message),
	    cmocka_unit_test(test_every_message_after_login),
	    cmocka_unit_test(test_disconnect),
	    cmocka_unit_test(test_free_in_callbacks),
	    cmocka_unit_test(test_echo_in_callbacks),
	    cmocka_unit_test(test_many_packets_in_one_input),
	    cmocka_unit_test(test_memory_is_given_back),
	    cmocka_unit_test(test_nothing_is_kept),
	    cmocka_unit_test(test_started_once),
	    cmocka_unit_test(test_out_of_memory),
	};
	return run_ssh_tests(tests);
}
