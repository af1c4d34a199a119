/* SPDX-License-Identifier: MIT */
/*
 * Downloads over a channel, by the packets of a client (RFC 4254, SFTP version 3): what it may read,
 * what it may not, and that it is served no faster than it takes.
 */
#include "tunnel/fileserver.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/clock.h"
#include "test/lib/mux_alone.h"
#include "tunnel/sftp.h"

#define WAIT_MS   20000
#define FILE_SIZE ((size_t)300000)
#define WINDOW    ((uint32_t)100 * 1024 * 1024)

static struct rig {
	struct rp_alone a;
	char dir[64];
	char path[96];
	bool allowed;
	bool refused;
	unsigned open;
	uint8_t *content;
	/* What came to the client. */
	struct rp_buf data;
	bool confirmed, success, failure, eof, closed;
	size_t credited;
} r;

/* The client's side of the channel */

static void on_packet(const uint8_t *p, size_t n)
{
	r.confirmed = r.confirmed || p[0] == 91;
	r.refused = r.refused || p[0] == 92;
	r.credited += p[0] == 93 ? rp_alone_u32(p + 5) : 0;
	r.eof = r.eof || p[0] == 96;
	r.closed = r.closed || p[0] == 97;
	r.success = r.success || p[0] == 99;
	r.failure = r.failure || p[0] == 100;
	if (p[0] == 94) {
		assert_int_equal(rp_buf_add(&r.data, p + 9, n - 9), 0);
	}
}

static bool may_read(void *ctx, struct rp_str path)
{
	(void)ctx;
	return r.allowed && rp_str_eq(path, r.path);
}

static void on_closed(void *ctx)
{
	(void)ctx;
	r.open--;
}

static void on_open(struct rp_channel *c)
{
	static const struct rp_fileserver_ops ops = {.may_read = may_read, .on_closed = on_closed};
	r.open++;
	assert_int_equal(rp_fileserver_accept(r.a.loop, c, &ops, NULL), 0);
}

static void turn(void)
{
	if (r.a.mux != NULL) {
		rp_mux_run(r.a.mux);
	}
	(void)uv_run(rp_loop_uv(r.a.loop), UV_RUN_NOWAIT);
	if (r.a.mux != NULL) {
		rp_mux_run(r.a.mux);
	}
}

static void input(uint8_t type, const struct rp_buf *b)
{
	rp_mux_input(r.a.mux, type, rp_buf_head(b), b->len);
	turn();
}

static void open_channel(uint32_t window)
{
	struct rp_buf b;
	rp_buf_init(&b, 1000);
	assert_int_equal(rp_buf_add_sstring(&b, "session", 7), 0);
	assert_int_equal(rp_buf_add_u32(&b, 5), 0);
	assert_int_equal(rp_buf_add_u32(&b, window), 0);
	assert_int_equal(rp_buf_add_u32(&b, 32768), 0);
	input(90, &b);
	rp_buf_fini(&b);
	assert_true(r.confirmed);
}

static void ask_subsystem(const char *request, const char *name)
{
	struct rp_buf b;
	rp_buf_init(&b, 1000);
	assert_int_equal(rp_buf_add_u32(&b, 0), 0);
	assert_int_equal(rp_buf_add_sstring(&b, request, strlen(request)), 0);
	assert_int_equal(rp_buf_add_u8(&b, 1), 0);
	assert_int_equal(rp_buf_add_sstring(&b, name, strlen(name)), 0);
	r.success = false;
	r.failure = false;
	input(98, &b);
	rp_buf_fini(&b);
}

static void send_data(const void *p, size_t n)
{
	struct rp_buf b;
	rp_buf_init(&b, 100000);
	assert_int_equal(rp_buf_add_u32(&b, 0), 0);
	assert_int_equal(rp_buf_add_sstring(&b, p, n), 0);
	input(94, &b);
	rp_buf_fini(&b);
}

struct ask {
	uint8_t type;
	const char *name; /* NULL: none */
	uint32_t words[3];
	int n_words;
};

static size_t pack(const struct ask *a, uint8_t *out, size_t size)
{
	struct rp_buf b;
	rp_buf_init(&b, size);
	assert_int_equal(rp_buf_add_u8(&b, a->type), 0);
	assert_int_equal(rp_buf_add_u32(&b, a->type == RP_SFTP_INIT ? 3 : 77), 0);
	if (a->name != NULL) {
		assert_int_equal(rp_buf_add_sstring(&b, a->name, strlen(a->name)), 0);
	}
	for (int i = 0; i < a->n_words; i++) {
		assert_int_equal(rp_buf_add_u32(&b, a->words[i]), 0);
	}
	assert_true(b.len + 4 <= size);
	out[0] = (uint8_t)(b.len >> 24);
	out[1] = (uint8_t)(b.len >> 16);
	out[2] = (uint8_t)(b.len >> 8);
	out[3] = (uint8_t)b.len;
	memcpy(out + 4, rp_buf_head(&b), b.len);
	size_t n = b.len + 4;
	rp_buf_fini(&b);
	return n;
}

static void wait_data(size_t n)
{
	uint64_t end = rp_clock_ms() + WAIT_MS;
	while (r.data.len < n) {
		turn();
		assert_true(rp_clock_ms() < end && !r.closed);
	}
}

/* One answer: its type; *body and *n are what stands behind the id, valid until the next ask. */
static uint8_t answer(const uint8_t **body, size_t *n)
{
	static uint8_t copy[RP_SFTP_READ_MAX + 100];
	wait_data(4);
	size_t len = rp_alone_u32(rp_buf_head(&r.data));
	assert_true(len >= 5 && len <= sizeof(copy));
	wait_data(4 + len);
	memcpy(copy, rp_buf_head(&r.data) + 4, len);
	rp_buf_consume(&r.data, 4 + len);
	assert_int_equal(rp_alone_u32(copy + 1), copy[0] == 2 ? 3 : 77);
	*body = copy + 5;
	*n = len - 5;
	return copy[0];
}

static uint8_t ask(const struct ask *a, const uint8_t **body, size_t *n)
{
	uint8_t text[8192];
	send_data(text, pack(a, text, sizeof(text)));
	return answer(body, n);
}

static void assert_status(const struct ask *a, uint32_t want)
{
	const uint8_t *body;
	size_t n;
	assert_int_equal(ask(a, &body, &n), 101);
	assert_true(n >= 4);
	assert_int_equal(rp_alone_u32(body), want);
}

#define OPEN(path_) \
	((struct ask){.type = RP_SFTP_OPEN, .name = (path_), .words = {1, 0}, .n_words = 2})
#define READ(high, low, len) \
	((struct ask){       \
	    .type = RP_SFTP_READ, .name = "file", .words = {high, low, len}, .n_words = 3})
#define NAMED(type_, name_) ((struct ask){.type = (type_), .name = (name_)})

static void open_file(void)
{
	const uint8_t *body;
	size_t n;
	assert_int_equal(ask(&OPEN(r.path), &body, &n), 102);
	assert_int_equal(n, 8);
	assert_memory_equal(body, "\0\0\0\4file", 8);
}

static void start(void)
{
	const uint8_t *body;
	size_t n;
	open_channel(WINDOW);
	ask_subsystem("subsystem", "sftp");
	assert_true(r.success);
	assert_int_equal(ask(&(struct ask){.type = RP_SFTP_INIT}, &body, &n), 2);
	assert_int_equal(n, 0);
}

static int setup(void **state)
{
	(void)state;
	memset(&r, 0, sizeof(r));
	rp_buf_init(&r.data, SIZE_MAX);
	(void)snprintf(r.dir, sizeof(r.dir), "/tmp/rport-test-XXXXXX");
	assert_non_null(mkdtemp(r.dir));
	(void)snprintf(r.path, sizeof(r.path), "%s/file", r.dir);
	r.content = rp_alone_content(FILE_SIZE);
	FILE *f = fopen(r.path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(r.content, 1, FILE_SIZE, f), FILE_SIZE);
	assert_int_equal(fclose(f), 0);
	r.allowed = true;
	r.a.on_packet = on_packet;
	r.a.on_open = on_open;
	rp_alone_init(&r.a);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rp_mux_free(r.a.mux);
	r.a.mux = NULL;
	assert_int_equal(r.open, 0);
	rp_alone_fini(&r.a);
	rp_buf_fini(&r.data);
	(void)unlink(r.path);
	(void)rmdir(r.dir);
	free(r.content);
	return 0;
}

/* As the installed client does it. */
static void test_download(void **state)
{
	const uint8_t *body;
	size_t n;
	size_t at = 0;
	(void)state;
	start();
	open_file();
	while (at < FILE_SIZE) {
		assert_int_equal(ask(&READ(0, (uint32_t)at, 32768), &body, &n), 103);
		assert_int_equal(rp_alone_u32(body), n - 4);
		assert_int_equal(n - 4, RP_MIN(FILE_SIZE - at, (size_t)32768));
		assert_memory_equal(body + 4, r.content + at, n - 4);
		at += n - 4;
	}
	assert_status(&READ(0, (uint32_t)at, 32768), RP_SFTP_EOF);
	assert_status(&NAMED(RP_SFTP_CLOSE, "file"), RP_SFTP_OK);
	assert_status(&NAMED(RP_SFTP_CLOSE, "file"), RP_SFTP_FAILURE);
	open_file(); /* once more */
	struct rp_buf b;
	rp_buf_init(&b, 10);
	assert_int_equal(rp_buf_add_u32(&b, 0), 0);
	input(96, &b);
	rp_buf_fini(&b);
	uint64_t end = rp_clock_ms() + WAIT_MS;
	while (!r.closed && rp_clock_ms() < end) {
		turn();
	}
	assert_true(r.eof && r.closed);
	assert_int_equal(r.open, 0);
}

static void test_reads(void **state)
{
	const uint8_t *body;
	size_t n;
	(void)state;
	start();
	assert_status(&READ(0, 0, 10), RP_SFTP_FAILURE);
	open_file();
	assert_int_equal(ask(&READ(0, 0, UINT32_MAX), &body, &n), 103);
	assert_int_equal(n - 4, RP_SFTP_READ_MAX);
	assert_int_equal(ask(&READ(0, 5, 0), &body, &n), 103);
	assert_int_equal(n, 4);
	assert_int_equal(ask(&READ(0, FILE_SIZE - 1, 10), &body, &n), 103);
	assert_int_equal(n, 5);
	assert_status(&READ(0, FILE_SIZE, 10), RP_SFTP_EOF);
	assert_status(&READ(1, 0, 10), RP_SFTP_EOF);
	assert_status(&READ(UINT32_MAX, UINT32_MAX, 10), RP_SFTP_EOF);
	assert_status(
	    &((struct ask){
	        .type = RP_SFTP_READ, .name = "other", .words = {0, 0, 10}, .n_words = 3}),
	    RP_SFTP_FAILURE);
	/* One file at a time. */
	assert_status(&OPEN(r.path), RP_SFTP_FAILURE);
	assert_int_equal(ask(&NAMED(RP_SFTP_FSTAT, "file"), &body, &n), 105);
	assert_int_equal(n, 16);
	assert_int_equal(rp_alone_u32(body), 5);
	assert_int_equal(rp_alone_u32(body + 4), 0);
	assert_int_equal(rp_alone_u32(body + 8), FILE_SIZE);
	assert_true(S_ISREG(rp_alone_u32(body + 12)));
}

static void test_stat(void **state)
{
	const uint8_t *body;
	size_t n;
	(void)state;
	start();
	assert_int_equal(ask(&NAMED(RP_SFTP_STAT, r.path), &body, &n), 105);
	assert_int_equal(rp_alone_u32(body + 8), FILE_SIZE);
	assert_int_equal(ask(&NAMED(RP_SFTP_LSTAT, r.path), &body, &n), 105);
	assert_status(&NAMED(RP_SFTP_STAT, "/etc/passwd"), RP_SFTP_PERMISSION_DENIED);
	assert_status(&NAMED(RP_SFTP_FSTAT, "file"), RP_SFTP_FAILURE);
	assert_int_equal(unlink(r.path), 0);
	assert_status(&NAMED(RP_SFTP_STAT, r.path), RP_SFTP_NO_SUCH_FILE);
	assert_status(&OPEN(r.path), RP_SFTP_NO_SUCH_FILE);
}

static void test_denied(void **state)
{
	char other[160];
	(void)state;
	start();
	assert_status(&OPEN("/etc/passwd"), RP_SFTP_PERMISSION_DENIED);
	assert_status(&OPEN(""), RP_SFTP_PERMISSION_DENIED);
	(void)snprintf(other, sizeof(other), "%s/./file", r.dir);
	assert_status(&OPEN(other), RP_SFTP_PERMISSION_DENIED);
	(void)snprintf(other, sizeof(other), "%s/", r.path);
	assert_status(&OPEN(other), RP_SFTP_PERMISSION_DENIED);
	/* To write, append, make, shorten. */
	static const uint32_t flags[] = {0, 2, 3, 1 | 8, 1 | 16, 4};
	for (size_t i = 0; i < RP_ARRAY_LEN(flags); i++) {
		struct ask a = OPEN(r.path);
		a.words[0] = flags[i];
		assert_status(&a, RP_SFTP_PERMISSION_DENIED);
	}
	/* WRITE, SETSTAT, OPENDIR, REMOVE, MKDIR, REALPATH, RENAME, READLINK, SYMLINK, EXTENDED */
	static const uint8_t types[] = {6, 9, 11, 13, 14, 16, 18, 19, 20, 200};
	for (size_t i = 0; i < RP_ARRAY_LEN(types); i++) {
		assert_status(&NAMED(types[i], r.path), RP_SFTP_OP_UNSUPPORTED);
	}
	/* Not through a link, and nothing but a file. */
	assert_int_equal(unlink(r.path), 0);
	assert_int_equal(symlink("/etc/passwd", r.path), 0);
	assert_status(&OPEN(r.path), RP_SFTP_PERMISSION_DENIED);
	assert_int_equal(unlink(r.path), 0);
	assert_int_equal(mkfifo(r.path, 0600), 0);
	assert_status(&OPEN(r.path), RP_SFTP_PERMISSION_DENIED);
	assert_int_equal(unlink(r.path), 0);
	assert_int_equal(mkdir(r.path, 0700), 0);
	assert_status(&OPEN(r.path), RP_SFTP_PERMISSION_DENIED);
	assert_int_equal(rmdir(r.path), 0);
}

/* What is allowed no more is not read to its end. */
static void test_revoked(void **state)
{
	const uint8_t *body;
	size_t n;
	(void)state;
	start();
	open_file();
	assert_int_equal(ask(&READ(0, 0, 10), &body, &n), 103);
	r.allowed = false;
	assert_status(&READ(0, 10, 10), RP_SFTP_PERMISSION_DENIED);
	assert_status(&NAMED(RP_SFTP_FSTAT, "file"), RP_SFTP_PERMISSION_DENIED);
	assert_status(&NAMED(RP_SFTP_CLOSE, "file"), RP_SFTP_OK);
}

static void test_requests(void **state)
{
	(void)state;
	open_channel(WINDOW);
	ask_subsystem("exec", "id");
	assert_true(r.failure);
	ask_subsystem("subsystem", "shell");
	assert_true(r.failure);
	/* Data without a subsystem ends it. */
	send_data("\0\0\0\5\1\0\0\0\3", 9);
	assert_true(r.closed);
	assert_int_equal(r.open, 0);
}

static void test_malformed(void **state)
{
	static const struct {
		const char *p;
		size_t n;
	} rows[] = {
	    {"\0\0\0\0", 4},
	    {"\0\0\0\1\3", 5},
	    {"\0\0\x20\1", 4},
	    {"\xff\xff\xff\xff", 4},
	    {"\0\0\0\x0d\3\0\0\0\1\0\0\0\5/abc", 17},
	    {"\0\0\0\x0d\5\0\0\0\1\0\0\0\4file", 17},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct rp_sftp_request q;
		size_t used;
		int code = rp_sftp_parse((const uint8_t *)rows[i].p, rows[i].n, &used, &q);
		assert_true(code < 0);
		assert_int_equal(used, 0);
		for (size_t n = 0; n < 4; n++) {
			assert_int_equal(
			    rp_sftp_parse((const uint8_t *)rows[i].p, n, &used, &q), 0);
		}
	}
	start();
	send_data(rows[3].p, rows[3].n);
	assert_true(r.closed);
}

/* Bytes come as they like, and many requests at once. */
static void test_pieces(void **state)
{
	uint8_t text[8192];
	const uint8_t *body;
	size_t n;
	(void)state;
	start();
	n = pack(&OPEN(r.path), text, sizeof(text));
	for (size_t i = 0; i < n; i++) {
		send_data(text + i, 1);
	}
	assert_int_equal(answer(&body, &n), 102);
	size_t len = 0;
	for (uint32_t i = 0; i < 64; i++) {
		len += pack(&READ(0, i * 1000, 1000), text + len, sizeof(text) - len);
	}
	send_data(text, len);
	for (uint32_t i = 0; i < 64; i++) {
		assert_int_equal(answer(&body, &n), 103);
		assert_memory_equal(body + 4, r.content + (size_t)i * 1000, 1000);
	}
}

/* A client that asks and takes nothing gets no credit, and too much of it ends the channel. */
static void test_no_window(void **state)
{
	uint8_t text[256];
	(void)state;
	open_channel(0);
	ask_subsystem("subsystem", "sftp");
	size_t n = pack(&(struct ask){.type = RP_SFTP_INIT}, text, sizeof(text));
	send_data(text, n);
	n = pack(&NAMED(RP_SFTP_STAT, "/etc/passwd"), text, sizeof(text));
	for (int i = 0; i < 100; i++) {
		send_data(text, n);
	}
	assert_int_equal(r.data.len, 0);
	assert_true(r.credited <= 9);
	assert_false(r.closed);
	for (int i = 0; i < 3000 && !r.closed; i++) {
		send_data(text, n);
	}
	assert_true(r.closed);
}

/* The connection goes while the pool works for it. */
static void test_lost(void **state)
{
	uint8_t text[256];
	(void)state;
	for (int i = 0; i < 2; i++) {
		start();
		size_t n = pack(&OPEN(r.path), text, sizeof(text));
		if (i == 1) {
			open_file();
			n = pack(&READ(0, 0, 1000), text, sizeof(text));
		}
		struct rp_buf b;
		rp_buf_init(&b, 1000);
		assert_int_equal(rp_buf_add_u32(&b, 0), 0);
		assert_int_equal(rp_buf_add_sstring(&b, text, n), 0);
		rp_mux_input(r.a.mux, 94, rp_buf_head(&b), b.len);
		rp_buf_fini(&b);
		rp_mux_flush(r.a.mux);
		(void)uv_run(rp_loop_uv(r.a.loop), UV_RUN_NOWAIT);
		rp_mux_free(r.a.mux);
		r.a.mux = NULL;
		assert_int_equal(r.open, 0);
		(void)teardown(NULL);
		(void)setup(NULL);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_download),
	    T(test_reads),
	    T(test_stat),
	    T(test_denied),
	    T(test_revoked),
	    T(test_requests),
	    T(test_malformed),
	    T(test_pieces),
	    T(test_no_window),
	    T(test_lost),
	};
	alarm(120);
	return cmocka_run_group_tests_name("fileserver", tests, NULL, NULL);
}
