/* SPDX-License-Identifier: MIT */
/*
 * Server and client sessions against each other in memory, with random pieces, hostile bytes,
 * wrong credentials and key exchanges under load. White box where a peer has to misbehave:
 * libssh's side of a session sends for it.
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

#include "core/alloc.h"
#include "core/crypto.h"
#include "test/lib/oom.h"
#include "test/lib/prng.h"
#include "test/lib/ssh_pair.h"

static struct rp_hostkey *key;
static struct rp_hostkey *other_key;
static bool slow; /* under valgrind */

static void start(struct rp_ssh_pair *p)
{
	assert_int_equal(rp_ssh_pair_init(p, key, RP_SSH_PAIR_PASSWORD), 0);
}

static void login(struct rp_ssh_pair *p)
{
	start(p);
	rp_ssh_pair_settle(p);
	assert_true(p->server.ready);
	assert_true(p->client.ready);
}

/* Sends a message with libssh's own means, whatever the session thinks of it. */
static void force(struct rp_ssh_side *side, const void *p, size_t n)
{
	ssh_session session = side->ssh->session;
	side->ssh->muted = false;
	assert_int_equal(ssh_buffer_add_data(session->out_buffer, p, (uint32_t)n), 0);
	assert_int_equal(ssh_packet_send(session), SSH_OK);
}

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
	login(&p);
	p.server.ssh->key = other_key;
	assert_int_equal(rp_ssh_rekey(p.client.ssh), 0);
	rp_ssh_pair_settle(&p);
	assert_int_equal(p.client.code, RP_EDENIED);
	assert_non_null(strstr(p.client.why, rp_hostkey_md5(other_key)));
	rp_ssh_pair_fini(&p);
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
	rp_prng_start();
	slow = getenv("RP_VALGRIND") != NULL;
	if (rp_ssh_global_init(NULL) != 0 || rp_hostkey_from_seed("test", &key, NULL) != 0 ||
	    rp_hostkey_from_seed("other", &other_key, NULL) != 0) {
		return 1;
	}
	int status = cmocka_run_group_tests(tests, NULL, NULL);
	rp_hostkey_free(key);
	rp_hostkey_free(other_key);
	rp_ssh_global_fini();
	return rp_prng_report(status);
}
