/* SPDX-License-Identifier: MIT */
/*
 * Handshakes and logins of sessions against each other in memory: offers, version lines, hostile
 * bytes, wrong credentials, requests out of their order. White box where a peer has to misbehave:
 * libssh's side of a session sends for it.
 */
#include "ssh/session.h"

#include "ssh/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/prng.h"
#include "test/lib/ssh_short.h"

static void test_login(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	start(&p);
	assert_false(rp_ssh_is_ready(p.server.ssh));
	assert_string_equal(rp_ssh_peer_version(p.server.ssh), "");
	assert_string_equal(rp_ssh_describe(p.server.ssh), "");
	rp_ssh_pair_settle(&p);
	assert_true(rp_ssh_is_ready(p.server.ssh));
	assert_true(rp_ssh_is_ready(p.client.ssh));
	assert_string_equal(rp_ssh_peer_version(p.server.ssh), "SSH-rport-v1-client");
	assert_string_equal(rp_ssh_peer_version(p.client.ssh), "SSH-rport-v1-server");
	static const char names[] = "curve25519-sha256 ecdsa-sha2-nistp256 aes128-gcm@openssh.com";
	assert_string_equal(rp_ssh_describe(p.server.ssh), names);
	assert_string_equal(rp_ssh_describe(p.client.ssh), names);
	assert_string_equal(p.md5, rp_hostkey_md5(key));
	assert_string_equal(p.sha256, rp_hostkey_sha256(key));
	assert_int_equal(p.logins, 1);
	assert_true(p.server.ssh->session->flags & SSH_SESSION_FLAG_KEX_STRICT);
	assert_true(p.client.ssh->session->flags & SSH_SESSION_FLAG_KEX_STRICT);
	assert_null(p.client.ssh->password);
	rp_ssh_pair_fini(&p);
}

static void test_pieces(void **state)
{
	(void)state;
	for (int i = 0; i < (slow ? 3 : 20); i++) {
		struct rp_ssh_pair p;
		start(&p);
		p.random_pieces = true;
		rp_ssh_pair_settle(&p);
		assert_true(p.server.ready && p.client.ready);
		assert_int_equal(rp_ssh_pair_send(&p.client, 80, "hello", 5), 0);
		rp_ssh_pair_settle(&p);
		assert_int_equal(p.server.packets, 1);
		rp_ssh_pair_fini(&p);
	}
}

static void test_wrong_password(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	assert_int_equal(rp_ssh_pair_init(&p, key, "wrong"), 0);
	p.keep_closed = true;
	rp_ssh_pair_settle(&p);
	assert_int_equal(p.client.closed, 1);
	assert_int_equal(p.client.code, RP_EAUTH);
	assert_string_equal(p.client.why, "server refused the login");
	assert_int_equal(p.server.closed, 0);
	assert_false(p.server.ready);
	/* The answer offered password, and nothing else. */
	static const uint8_t offer[] = "\0\0\0\x8password";
	ssh_buffer answer = p.client.ssh->session->in_buffer;
	assert_int_equal(ssh_buffer_get_len(answer), sizeof(offer));
	assert_memory_equal(ssh_buffer_get(answer), offer, sizeof(offer));
	rp_ssh_pair_fini(&p);
}

static void test_wrong_host_key(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	start(&p);
	p.refuse_hostkey = true;
	rp_ssh_pair_settle(&p);
	assert_int_equal(p.client.closed, 1);
	assert_int_equal(p.client.code, RP_EDENIED);
	assert_non_null(strstr(p.client.why, rp_hostkey_md5(key)));
	/* No credential has left the client. */
	assert_int_equal(p.logins, 0);
	rp_ssh_pair_fini(&p);
}

/* A peer that is past the key exchange, has not logged in and does nothing by itself. */
static void start_held(struct rp_ssh_pair *p)
{
	start(p);
	p->refuse_hostkey = true;
	p->keep_closed = true;
	rp_ssh_pair_settle(p);
	assert_int_equal(p->client.code, RP_EDENIED);
	assert_int_equal(p->server.ssh->phase, RP_SSH_AUTH);
}

static void ask_for_service(struct rp_ssh_pair *p, const char *name)
{
	struct rp_buf b;
	rp_buf_init(&b, 256);
	assert_int_equal(rp_buf_add_u8(&b, SSH2_MSG_SERVICE_REQUEST), 0);
	assert_int_equal(rp_buf_add_sstring(&b, name, strlen(name)), 0);
	force(&p->client, rp_buf_head(&b), b.len);
	rp_buf_fini(&b);
	(void)rp_ssh_pair_deliver(&p->client, SIZE_MAX);
}

struct request {
	const char *user;
	const char *service;
	const char *method;
	const char *password; /* NULL: the request ends behind the method */
	bool change;
};

static void ask(struct rp_ssh_pair *p, const struct request *q)
{
	struct rp_buf b;
	rp_buf_init(&b, 8192);
	assert_int_equal(rp_buf_add_u8(&b, SSH2_MSG_USERAUTH_REQUEST), 0);
	assert_int_equal(rp_buf_add_sstring(&b, q->user, strlen(q->user)), 0);
	assert_int_equal(rp_buf_add_sstring(&b, q->service, strlen(q->service)), 0);
	assert_int_equal(rp_buf_add_sstring(&b, q->method, strlen(q->method)), 0);
	if (q->password != NULL) {
		assert_int_equal(rp_buf_add_u8(&b, q->change ? 1 : 0), 0);
		assert_int_equal(rp_buf_add_sstring(&b, q->password, strlen(q->password)), 0);
	}
	if (q->change) {
		assert_int_equal(rp_buf_add_sstring(&b, "new", 3), 0);
	}
	force(&p->client, rp_buf_head(&b), b.len);
	rp_buf_fini(&b);
	(void)rp_ssh_pair_deliver(&p->client, SIZE_MAX);
}

static const struct request good_request = {
    RP_SSH_PAIR_USER, "ssh-connection", "password", RP_SSH_PAIR_PASSWORD, false};

static const struct request bad_request = {
    RP_SSH_PAIR_USER, "ssh-connection", "password", "wrong", false};

static const struct request none_request = {
    RP_SSH_PAIR_USER, "ssh-connection", "none", NULL, false};

static void test_six_failures(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	start_held(&p);
	ask_for_service(&p, "ssh-userauth");
	ask(&p, &none_request);
	assert_int_equal(p.server.ssh->failures, 0);
	ask(&p, &none_request);
	assert_int_equal(p.server.ssh->failures, 1);
	for (unsigned i = 2; i < 6; i++) {
		ask(&p, &bad_request);
		assert_int_equal(p.server.ssh->failures, i);
	}
	assert_int_equal(p.server.closed, 0);
	ask(&p, &bad_request);
	assert_int_equal(p.server.closed, 1);
	assert_int_equal(p.server.code, RP_EAUTH);
	assert_string_equal(p.server.why, "too many authentication failures");
	uint64_t sent = p.server.sent;
	ask(&p, &good_request);
	assert_int_equal(p.server.sent, sent);
	assert_int_equal(p.logins, 5);
	assert_false(p.server.ready);
	rp_ssh_pair_fini(&p);
}

static void test_login_after_failures(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	start_held(&p);
	ask_for_service(&p, "ssh-userauth");
	for (int i = 0; i < 5; i++) {
		ask(&p, &bad_request);
	}
	ask(&p, &good_request);
	assert_true(p.server.ready);
	assert_true(rp_ssh_is_ready(p.server.ssh));
	rp_ssh_pair_fini(&p);
}

static void expect_no_login(const struct request *q, int code, unsigned logins)
{
	struct rp_ssh_pair p;
	start_held(&p);
	ask_for_service(&p, "ssh-userauth");
	ask(&p, q);
	assert_int_equal(p.server.code, code);
	assert_int_equal(p.server.closed, code == 0 ? 0 : 1);
	assert_int_equal(p.logins, logins);
	assert_false(p.server.ready);
	rp_ssh_pair_fini(&p);
}

static void test_odd_requests(void **state)
{
	(void)state;
	struct request q = good_request;
	q.method = "publickey";
	expect_no_login(&q, 0, 0);
	q.method = "keyboard-interactive";
	expect_no_login(&q, 0, 0);
	q = good_request;
	q.service = "ssh-other";
	expect_no_login(&q, 0, 0);
	q = good_request;
	q.change = true;
	expect_no_login(&q, RP_EPROTO, 0);
	q = good_request;
	q.password = NULL;
	expect_no_login(&q, RP_EPROTO, 0);
	char text[2000];
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	q = good_request;
	q.user = text;
	expect_no_login(&q, 0, 0);
	q = good_request;
	q.password = text;
	expect_no_login(&q, 0, 0);
}

static void test_login_needs_the_service(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	start_held(&p);
	ask(&p, &good_request);
	assert_int_equal(p.server.code, RP_EPROTO);
	assert_int_equal(p.logins, 0);
	rp_ssh_pair_fini(&p);

	start_held(&p);
	ask_for_service(&p, "ssh-connection");
	assert_int_equal(p.server.code, RP_EPROTO);
	rp_ssh_pair_fini(&p);
}

static void test_channels_before_login(void **state)
{
	(void)state;
	for (uint8_t type = 80; type <= 100; type++) {
		struct rp_ssh_pair p;
		start_held(&p);
		const uint8_t message[] = {type, 0, 0, 0, 1, 'x', 1};
		force(&p.client, message, sizeof(message));
		(void)rp_ssh_pair_deliver(&p.client, SIZE_MAX);
		assert_int_equal(p.server.packets, 0);
		/* Numbers that do not exist are answered with UNIMPLEMENTED, the others are
		 * fatal. */
		assert_int_equal(p.server.closed, type >= 83 && type <= 89 ? 0 : 1);
		rp_ssh_pair_fini(&p);
	}
}

static bool say_extensions(struct rp_ssh_pair *p, const char *user, const char *password)
{
	static const uint8_t ext_info[] = "\x07\0\0\0\1\0\0\0\x10ping@openssh.com\0\0\0\1";
	(void)user;
	(void)password;
	force(&p->server, ext_info, sizeof(ext_info));
	static const uint8_t ignore[] = {SSH2_MSG_IGNORE, 0, 0, 0, 0};
	force(&p->server, ignore, sizeof(ignore));
	static const uint8_t debug[] = {SSH2_MSG_DEBUG, 1, 0, 0, 0, 1, 'x', 0, 0, 0, 0};
	force(&p->server, debug, sizeof(debug));
	static const uint8_t banner[] = {SSH2_MSG_USERAUTH_BANNER, 0, 0, 0, 1, 'x', 0, 0, 0, 0};
	force(&p->server, banner, sizeof(banner));
	return true;
}

static void test_client_tolerates(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	start(&p);
	p.on_password = say_extensions;
	rp_ssh_pair_settle(&p);
	assert_true(p.client.ready);
	say_extensions(&p, "", "");
	rp_ssh_pair_settle(&p);
	/* A banner after the login is out of protocol. */
	assert_int_equal(p.client.code, RP_EPROTO);
	rp_ssh_pair_fini(&p);
}

/* The first packet of a side, which is not encrypted: its payload behind the message number. */
static struct rp_cursor kexinit_of(struct rp_ssh_side *side)
{
	const uint8_t *p = rp_buf_head(&side->out);
	const uint8_t *end = memchr(p, '\n', side->out.len);
	assert_non_null(end);
	struct rp_cursor c;
	uint32_t len;
	uint8_t padding;
	uint8_t type;
	rp_cursor_init(&c, end + 1, side->out.len - (size_t)(end + 1 - p));
	assert_int_equal(rp_cursor_u32(&c, &len), 0);
	assert_true(len <= c.left);
	assert_int_equal(rp_cursor_u8(&c, &padding), 0);
	assert_int_equal(rp_cursor_u8(&c, &type), 0);
	assert_int_equal(type, SSH2_MSG_KEXINIT);
	const uint8_t *cookie;
	assert_int_equal(rp_cursor_bytes(&c, 16, &cookie), 0);
	return c;
}

#define OFFER_KEX                                                                               \
	"curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384," \
	"ecdh-sha2-nistp521,diffie-hellman-group14-sha256,kex-strict-"
#define OFFER_CIPHERS                                                                             \
	"aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr," \
	"aes192-ctr,aes256-ctr"
#define OFFER_MACS \
	"hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512"
static void test_offer(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	start(&p);
	rp_ssh_input(p.server.ssh, (const uint8_t *)"SSH-2.0-test\r\n", 14);
	rp_ssh_input(p.client.ssh, (const uint8_t *)"hello\r\nSSH-2.0-test\n", 20);
	struct rp_ssh_side *sides[] = {&p.server, &p.client};
	for (size_t i = 0; i < 2; i++) {
		const char *const wanted[] = {
		    i == 0 ? OFFER_KEX "s-v00@openssh.com" : OFFER_KEX "c-v00@openssh.com",
		    i == 0 ? "ecdsa-sha2-nistp256"
		           : "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"
		             "ssh-ed25519,rsa-sha2-512,rsa-sha2-256",
		    OFFER_CIPHERS, OFFER_CIPHERS, OFFER_MACS, OFFER_MACS, "none", "none", "", ""};
		struct rp_cursor c = kexinit_of(sides[i]);
		for (size_t k = 0; k < RP_ARRAY_LEN(wanted); k++) {
			struct rp_str list;
			assert_int_equal(rp_cursor_sstring(&c, &list), 0);
			assert_true(rp_str_eq(list, wanted[k]));
		}
		uint8_t follows;
		assert_int_equal(rp_cursor_u8(&c, &follows), 0);
		assert_int_equal(follows, 0);
	}
	rp_ssh_pair_fini(&p);
}

struct line {
	const char *bytes;
	size_t n;
	bool server_takes;
	bool client_takes;
};

#define LINE(text, server, client)                     \
	{                                              \
		text, sizeof(text) - 1, server, client \
	}
static const struct line lines[] = {
    LINE("SSH-rport-v1-client\r\n", true, true),
    LINE("SSH-rport-v1-server\r\n", true, true),
    LINE("SSH-2.0-Go\r\n", true, true),
    LINE("SSH-2.0-OpenSSH_9.2p1 Debian-2\n", true, true),
    LINE("SSH-1.99-x\r\n", true, true),
    LINE("SSH-1.5-x\r\n", false, false),
    LINE("SSH-3.0-x\r\n", false, false),
    LINE("SSH-\r\n", false, false),
    LINE("SSH-2.0-a\0b\r\n", false, false),
    LINE("SSH-2.0-a\x1b[31m\r\n", false, false),
    LINE("\r\nSSH-2.0-x\r\n", false, true),
    LINE("some text\r\nSSH-2.0-x\r\n", false, true),
    LINE("GET / HTTP/1.1\r\nHost: x\r\n\r\n", false, false),
};

static void feed_line(struct rp_ssh_side *side, const struct line *l, bool takes, size_t piece)
{
	for (size_t at = 0; at < l->n && side->ssh != NULL; at += piece) {
		rp_ssh_input(side->ssh, (const uint8_t *)l->bytes + at, RP_MIN(piece, l->n - at));
	}
	if (takes) {
		assert_non_null(side->ssh);
		assert_int_equal(side->ssh->phase, RP_SSH_KEX);
	} else if (side->ssh != NULL) {
		assert_int_equal(side->ssh->phase, RP_SSH_VERSION);
	} else {
		assert_int_equal(side->code, RP_EPROTO);
	}
}

static void test_version_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(lines); i++) {
		for (size_t piece = 1; piece < 40; piece += 19) {
			struct rp_ssh_pair p;
			start(&p);
			feed_line(&p.server, &lines[i], lines[i].server_takes, piece);
			feed_line(&p.client, &lines[i], lines[i].client_takes, piece);
			rp_ssh_pair_fini(&p);
		}
	}
}

static void test_long_version_lines(void **state)
{
	(void)state;
	for (size_t n = 250; n < 262; n++) {
		char text[300];
		memset(text, 'x', sizeof(text));
		memcpy(text, "SSH-2.0-", 8);
		memcpy(text + n, "\r\n", 2);
		const struct line l = {text, n + 2, n <= 255, n <= 255};
		for (size_t piece = 1; piece < 400; piece *= 7) {
			struct rp_ssh_pair p;
			start(&p);
			feed_line(&p.server, &l, l.server_takes, piece);
			feed_line(&p.client, &l, l.client_takes, piece);
			rp_ssh_pair_fini(&p);
		}
	}
}

/* A server that talks without end before its version line. */
static void test_endless_prelude(void **state)
{
	(void)state;
	struct rp_ssh_pair p;
	start(&p);
	for (int i = 0; i < 1000 && p.client.ssh != NULL; i++) {
		rp_ssh_input(p.client.ssh, (const uint8_t *)"text\r\n", 6);
	}
	assert_int_equal(p.client.code, RP_EPROTO);
	rp_ssh_pair_fini(&p);
}

static void test_garbage(void **state)
{
	(void)state;
	for (int i = 0; i < (slow ? 50 : 1000); i++) {
		uint8_t bytes[600];
		struct rp_ssh_pair p;
		start(&p);
		rp_prng_bytes(bytes, sizeof(bytes));
		/* Half of them get past the version line. */
		if (i % 2 == 0) {
			memcpy(bytes, "SSH-2.0-x\r\n\0\0", 13);
		}
		struct rp_ssh_side *side = i % 4 < 2 ? &p.server : &p.client;
		for (size_t at = 0; at < sizeof(bytes) && side->ssh != NULL; at += 60) {
			rp_ssh_input(side->ssh, bytes + at, 60);
		}
		assert_false(side->ready);
		assert_true(side->closed <= 1);
		rp_ssh_pair_fini(&p);
	}
}

static void test_bad_lengths(void **state)
{
	(void)state;
	static const uint8_t lengths[][4] = {{0, 0, 0, 0}, {0, 0, 0, 1}, {0, 0, 0, 4},
	    {0, 0, 0, 13}, {0, 0, 0x88, 0xbc}, {0, 4, 0, 0}, {0, 3, 0xff, 0xfc},
	    {0x7f, 0xff, 0xff, 0xff}, {0xff, 0xff, 0xff, 0xff}, {0xff, 0xff, 0xff, 0xfc}};
	for (size_t i = 0; i < RP_ARRAY_LEN(lengths); i++) {
		struct rp_ssh_pair p;
		uint8_t bytes[64] = {0};
		start(&p);
		memcpy(bytes, lengths[i], 4);
		rp_ssh_input(p.server.ssh, (const uint8_t *)"SSH-2.0-x\r\n", 11);
		rp_ssh_input(p.server.ssh, bytes, sizeof(bytes));
		assert_int_equal(p.server.code, RP_EPROTO);
		rp_ssh_pair_fini(&p);
	}
}

/* Bytes of the client up to the moment of its login. */
static size_t handshake_bytes(void)
{
	struct rp_ssh_pair p;
	login(&p);
	size_t n = (size_t)p.client.sent;
	rp_ssh_pair_fini(&p);
	return n;
}

static void test_truncated_handshakes(void **state)
{
	(void)state;
	size_t all = handshake_bytes();
	size_t stride = slow ? 97 : 5;
	for (size_t cut = 0; cut < all; cut += 1 + rp_prng_below(stride)) {
		struct rp_ssh_pair p;
		start(&p);
		size_t left = cut;
		size_t moved;
		do {
			moved = rp_ssh_pair_deliver(&p.client, left);
			left -= moved;
			moved += rp_ssh_pair_deliver(&p.server, SIZE_MAX);
		} while (moved > 0);
		assert_false(p.server.ready);
		assert_int_equal(p.server.closed, 0);
		assert_int_equal(p.client.closed, 0);
		rp_ssh_pair_fini(&p);
	}
}

/* Remembers where the client's encrypted bytes begin. */
static uint64_t clear_bytes;

static bool note_clear_bytes(struct rp_ssh_pair *p)
{
	clear_bytes = p->client.sent;
	return true;
}

/* One bit changed at a place of the client's bytes; whether both sides are ready nevertheless. */
static bool login_with_damage(size_t at)
{
	struct rp_ssh_pair p;
	start(&p);
	p.on_hostkey = note_clear_bytes;
	size_t left = at;
	size_t moved;
	do {
		if (left == 0 && p.client.out.len > 0) {
			rp_buf_head(&p.client.out)[0] ^= (uint8_t)(1u << rp_prng_below(8));
			left = SIZE_MAX;
		}
		moved = rp_ssh_pair_deliver(&p.client, left);
		left -= moved;
		moved += rp_ssh_pair_deliver(&p.server, SIZE_MAX);
	} while (moved > 0);
	bool ready = p.server.ready && p.client.ready;
	rp_ssh_pair_fini(&p);
	return ready;
}

/* The version lines and the content of the key exchange are signed, later packets have a MAC;
 * only the padding of packets in clear is anybody's. */
static void test_tampered_handshakes(void **state)
{
	(void)state;
	size_t all = handshake_bytes();
	unsigned in_clear = 0;
	unsigned survived = 0;
	assert_true(login_with_damage(SIZE_MAX));
	for (size_t at = 0; at < all; at += 1 + rp_prng_below(slow ? 200 : 12)) {
		bool ready = login_with_damage(at);
		if (at >= strlen("SSH-rport-v1-client\r\n") && at < clear_bytes) {
			in_clear++;
			survived += ready ? 1 : 0;
		} else {
			assert_false(ready);
		}
	}
	assert_true(survived <= 2 + in_clear / 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_login),
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_wrong_password),
	    cmocka_unit_test(test_wrong_host_key),
	    cmocka_unit_test(test_six_failures),
	    cmocka_unit_test(test_login_after_failures),
	    cmocka_unit_test(test_odd_requests),
	    cmocka_unit_test(test_login_needs_the_service),
	    cmocka_unit_test(test_channels_before_login),
	    cmocka_unit_test(test_client_tolerates),
	    cmocka_unit_test(test_offer),
	    cmocka_unit_test(test_version_lines),
	    cmocka_unit_test(test_long_version_lines),
	    cmocka_unit_test(test_endless_prelude),
	    cmocka_unit_test(test_garbage),
	    cmocka_unit_test(test_bad_lengths),
	    cmocka_unit_test(test_truncated_handshakes),
	    cmocka_unit_test(test_tampered_handshakes),
	};
	return run_ssh_tests(tests);
}
