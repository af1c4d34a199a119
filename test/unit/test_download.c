/* SPDX-License-Identifier: MIT */
/*
 * Downloads from a server that is played packet by packet (RFC 4254, SFTP version 3): what comes is
 * what is handed over, whatever pieces it comes in, and nothing is taken that was not asked for.
 */
#include "client/download.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/err.h"
#include "test/lib/mux_alone.h"
#include "test/lib/prng.h"
#include "tunnel/sftp.h"
#include "tunnel/sftp_ask.h"

#define FILE_SIZE ((size_t)1000000)
#define WAIT_MS   20000
#define WINDOW    ((uint32_t)100 * 1024 * 1024)

/* What the server does, once it is asked to read. */
enum trick {
	HONEST,
	SHORT,     /* gives less than it is asked for */
	WRONG_ID,  /* answers another request */
	TOO_LONG,  /* gives more */
	EMPTY,     /* gives nothing */
	HUGE,      /* announces an endless packet */
	NONSENSE,  /* an answer of another kind */
	FAILS,     /* cannot read */
	CLOSES,    /* the channel */
	ENDS,      /* its side of it */
	UNASKED,   /* one answer more */
	VANISHES,  /* the connection */
	REFUSES,   /* the channel */
	NO_SFTP,   /* the subsystem */
	VERSION_4, /* of the protocol */
	NO_FILE,
	LONG_HANDLE,
	STAYS_OPEN /* says that the file cannot be closed: who cares */
};

static struct rig {
	struct rp_alone a;
	struct rp_download *d;
	enum trick trick;
	size_t piece; /* of what the server sends */
	struct rp_buf in;
	struct rp_buf out;
	uint32_t window; /* of the client's credits */
	bool opening, asking, closed, eof;
	unsigned reads, waiting, waiting_max;
	uint8_t *content;
	size_t size;
	/* The owner. */
	size_t room_left;
	struct rp_buf got;
	int ended;
	int code;
	char why[100];
} r;

/* The wire */

static void on_packet(const uint8_t *p, size_t n)
{
	switch (p[0]) {
	case 90:
		assert_memory_equal(p + 1, "\0\0\0\7session", 11);
		r.opening = true;
		break;
	case 93:
		r.window += rp_alone_u32(p + 5);
		break;
	case 94:
		assert_int_equal(rp_buf_add(&r.in, p + 9, n - 9), 0);
		break;
	case 96:
		r.eof = true;
		break;
	case 97:
		r.closed = true;
		break;
	case 98:
		assert_memory_equal(p + 5, "\0\0\0\x09subsystem\1\0\0\0\4sftp", 22);
		r.asking = true;
		break;
	default:
		fail_msg("a packet of type %u", p[0]);
	}
}

static void input(const char *p, size_t n)
{
	rp_mux_input(r.a.mux, (uint8_t)p[0], (const uint8_t *)p + 1, n - 1);
}
#define INPUT(text) input(text, sizeof(text) - 1)

static void answer_open(void)
{
	r.opening = false;
	if (r.trick == REFUSES) {
		INPUT("\x5c\0\0\0\0\0\0\0\1\0\0\0\2no\0\0\0\0");
	} else {
		INPUT("\x5b\0\0\0\0\0\0\0\7\x10\0\0\0\0\0\x80\0");
	}
}

/* The server */

static void put_data(uint32_t id, const uint8_t *p, size_t n)
{
	assert_int_equal(rp_sftp_put_data(&r.out, id, p, n), 0);
}

static void read_short(const struct rp_sftp_request *q, size_t left)
{
	size_t n = 1 + rp_prng_below(40000);
	put_data(q->id, r.content + q->offset, RP_MIN(RP_MIN(n, left), (size_t)q->len));
}

static void play_trick(const struct rp_sftp_request *q)
{
	static const uint8_t zeros[RP_SFTP_BLOCK + 1];
	switch (r.trick) {
	case WRONG_ID:
		put_data(q->id + 1, zeros, 10);
		break;
	case TOO_LONG:
		put_data(q->id, zeros, sizeof(zeros));
		break;
	case EMPTY:
		put_data(q->id, zeros, 0);
		break;
	case HUGE:
		assert_int_equal(rp_buf_add(&r.out, "\xff\xff\xff\xff\x67", 5), 0);
		break;
	case NONSENSE:
		assert_int_equal(rp_sftp_put_attrs(&r.out, q->id, 1, 2), 0);
		break;
	case FAILS:
		assert_int_equal(rp_sftp_put_status(&r.out, q->id, RP_SFTP_FAILURE), 0);
		break;
	case CLOSES:
		INPUT("\x61\0\0\0\0");
		break;
	case ENDS:
		INPUT("\x60\0\0\0\0");
		break;
	case UNASKED:
		put_data(q->id, zeros, 10);
		put_data(q->id, zeros, 10);
		break;
	default:
		rp_mux_free(r.a.mux);
		r.a.mux = NULL;
		break;
	}
}

static void serve_read(const struct rp_sftp_request *q)
{
	r.reads++;
	bool tricky = r.trick >= WRONG_ID && r.trick <= VANISHES;
	if (tricky && r.reads == 5) {
		play_trick(q);
	} else if (q->offset >= r.size) {
		assert_int_equal(rp_sftp_put_status(&r.out, q->id, RP_SFTP_EOF), 0);
	} else if (r.trick == SHORT) {
		read_short(q, r.size - q->offset);
	} else {
		put_data(q->id, r.content + q->offset,
		    RP_MIN((size_t)q->len, (size_t)(r.size - q->offset)));
	}
}

static void serve_open(const struct rp_sftp_request *q)
{
	char handle[RP_SFTP_HANDLE_MAX + 2] = "h";
	assert_true(rp_str_eq(q->name, "/the/file"));
	assert_int_equal(q->flags, RP_SFTP_F_READ);
	if (r.trick == NO_FILE) {
		assert_int_equal(rp_sftp_put_status(&r.out, q->id, RP_SFTP_NO_SUCH_FILE), 0);
		return;
	}
	if (r.trick == LONG_HANDLE) {
		memset(handle, 'h', sizeof(handle) - 1);
	}
	assert_int_equal(rp_sftp_put_handle(&r.out, q->id, handle), 0);
}

static void serve(const struct rp_sftp_request *q)
{
	switch (q->type) {
	case RP_SFTP_INIT:
		assert_int_equal(q->id, RP_SFTP_VERSION);
		if (r.trick == VERSION_4) {
			assert_int_equal(rp_buf_add(&r.out, "\0\0\0\5\2\0\0\0\4", 9), 0);
		} else {
			assert_int_equal(rp_sftp_put_version(&r.out), 0);
		}
		break;
	case RP_SFTP_OPEN:
		serve_open(q);
		break;
	case RP_SFTP_READ:
		assert_int_equal(q->len, RP_SFTP_BLOCK);
		serve_read(q);
		break;
	default:
		assert_int_equal(q->type, RP_SFTP_CLOSE);
		assert_int_equal(rp_sftp_put_status(&r.out, q->id,
		                     r.trick == STAYS_OPEN ? RP_SFTP_FAILURE : RP_SFTP_OK),
		    0);
		break;
	}
}

static void serve_all(void)
{
	struct rp_sftp_request q;
	size_t used;
	while (r.a.mux != NULL && rp_sftp_parse(rp_buf_head(&r.in), r.in.len, &used, &q) == 1) {
		serve(&q);
		rp_buf_consume(&r.in, used);
	}
}

static void send_out(void)
{
	uint8_t packet[9 + RP_MUX_PACKET_MAX] = {94};
	while (r.a.mux != NULL && r.out.len > 0 && !r.closed) {
		size_t n = RP_MIN(r.out.len, RP_MIN(r.piece, (size_t)RP_MUX_PACKET_MAX));
		packet[7] = (uint8_t)(n >> 8);
		packet[8] = (uint8_t)n;
		memcpy(packet + 9, rp_buf_head(&r.out), n);
		rp_buf_consume(&r.out, n);
		assert_true(r.window >= n);
		r.window -= (uint32_t)n;
		rp_mux_input(r.a.mux, 94, packet + 1, 8 + n);
	}
}

/* The owner */

static size_t room(void *ctx)
{
	assert_ptr_equal(ctx, &r);
	return r.room_left;
}

static void on_data(void *ctx, const uint8_t *p, size_t n)
{
	assert_ptr_equal(ctx, &r);
	assert_true(n <= r.room_left);
	r.room_left -= n;
	assert_int_equal(rp_buf_add(&r.got, p, n), 0);
}

static void on_end(void *ctx, int code, const char *why)
{
	assert_ptr_equal(ctx, &r);
	assert_int_equal(r.ended, 0);
	r.ended++;
	r.code = code;
	r.d = NULL;
	if (why != NULL) {
		(void)snprintf(r.why, sizeof(r.why), "%s", why);
	}
}

static const struct rp_download_ops ops = {.room = room, .on_data = on_data, .on_end = on_end};

static int setup(void **state)
{
	(void)state;
	memset(&r, 0, sizeof(r));
	rp_buf_init(&r.in, SIZE_MAX);
	rp_buf_init(&r.out, SIZE_MAX);
	rp_buf_init(&r.got, SIZE_MAX);
	r.content = rp_alone_content(FILE_SIZE);
	r.size = FILE_SIZE;
	r.piece = RP_MUX_PACKET_MAX;
	r.window = RP_MUX_WINDOW_DEFAULT;
	r.room_left = SIZE_MAX / 2;
	r.a.on_packet = on_packet;
	rp_alone_init(&r.a);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rp_alone_fini(&r.a);
	rp_buf_fini(&r.in);
	rp_buf_fini(&r.out);
	rp_buf_fini(&r.got);
	free(r.content);
	return 0;
}

static void turn(void)
{
	if (r.opening) {
		answer_open();
	}
	if (r.asking) {
		r.asking = false;
		if (r.trick == NO_SFTP) {
			INPUT("\x64\0\0\0\0");
		} else {
			INPUT("\x63\0\0\0\0");
		}
	}
	rp_mux_run(r.a.mux);
	serve_all();
	send_out();
	(void)uv_run(rp_loop_uv(r.a.loop), UV_RUN_NOWAIT);
}

static void start(void)
{
	assert_int_equal(rp_download_start(r.a.loop, r.a.mux, "/the/file", &ops, &r, &r.d), 0);
}

static void run(void)
{
	uint64_t end = rp_clock_ms() + WAIT_MS;
	start();
	while (r.ended == 0) {
		turn();
		assert_true(rp_clock_ms() < end);
	}
}

static void assert_whole(void)
{
	assert_int_equal(r.code, 0);
	assert_int_equal(r.got.len, r.size);
	assert_memory_equal(rp_buf_head(&r.got), r.content, r.size);
	assert_true(r.eof && r.closed);
}

/* Sizes around the blocks. */
static void test_sizes(void **state)
{
	static const size_t sizes[] = {0, 1, 32767, 32768, 32769, 65536, 600000, FILE_SIZE};
	for (size_t i = 0; i < RP_ARRAY_LEN(sizes); i++) {
		r.size = sizes[i];
		run();
		assert_whole();
		(void)teardown(state);
		(void)setup(state);
	}
}

static void test_pieces(void **state)
{
	static const size_t pieces[] = {1, 3, 7, 1000, 32767};
	for (size_t i = 0; i < RP_ARRAY_LEN(pieces); i++) {
		r.piece = pieces[i];
		r.size = 100000;
		run();
		assert_whole();
		(void)teardown(state);
		(void)setup(state);
	}
}

static void test_short_reads(void **state)
{
	for (int i = 0; i < 30; i++) {
		r.trick = SHORT;
		r.size = rp_prng_below(300000);
		run();
		assert_whole();
		(void)teardown(state);
		(void)setup(state);
	}
}

static void test_close_fails(void **state)
{
	(void)state;
	r.trick = STAYS_OPEN;
	run();
	assert_whole();
}

/* No more is asked for than the owner has room for, and it goes on when there is more. */
static void test_room(void **state)
{
	(void)state;
	size_t given = (size_t)3 * RP_SFTP_BLOCK + 5;
	r.room_left = given;
	start();
	uint64_t end = rp_clock_ms() + WAIT_MS;
	while (r.ended == 0) {
		for (int i = 0; i < 5; i++) {
			turn();
		}
		assert_true(r.got.len <= given && rp_clock_ms() < end);
		if (r.d != NULL && r.room_left < RP_SFTP_BLOCK) {
			given += RP_SFTP_BLOCK;
			r.room_left += RP_SFTP_BLOCK;
			rp_download_go_on(r.d);
		}
	}
	assert_whole();
}

static void test_tricks(void **state)
{
	static const struct {
		enum trick trick;
		int code;
		const char *why;
	} rows[] = {
	    {WRONG_ID, RP_EPROTO, "the server's SFTP answer makes no sense"},
	    {TOO_LONG, RP_ELIMIT, "the server's SFTP answer makes no sense"},
	    {EMPTY, RP_EPROTO, "the server's SFTP answer makes no sense"},
	    {HUGE, RP_ELIMIT, "the server's SFTP answer makes no sense"},
	    {NONSENSE, RP_EPROTO, "the server's SFTP answer makes no sense"},
	    {FAILS, RP_EIO, "the server cannot read the file"},
	    {CLOSES, RP_EPROTO, "the server ended the transfer"},
	    {ENDS, RP_EPROTO, "the server ended the transfer"},
	    {UNASKED, RP_EPROTO, "the server's SFTP answer makes no sense"},
	    {VANISHES, RP_ECLOSED, "the connection was lost"},
	    {REFUSES, RP_EDENIED, "the server refuses the transfer"},
	    {NO_SFTP, RP_EDENIED, "the server has no SFTP"},
	    {VERSION_4, RP_EPROTO, "the server's SFTP answer makes no sense"},
	    {NO_FILE, RP_ENOENT, "the server does not find the file"},
	    {LONG_HANDLE, RP_ELIMIT, "the server's SFTP answer makes no sense"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		r.trick = rows[i].trick;
		run();
		assert_int_equal(r.code, rows[i].code);
		assert_string_equal(r.why, rows[i].why);
		assert_true(r.got.len <= 4 * (size_t)RP_SFTP_BLOCK + 10);
		(void)teardown(state);
		(void)setup(state);
	}
}

static void test_cancel(void **state)
{
	for (int turns = 0; turns < 8; turns++) {
		start();
		for (int i = 0; i < turns && r.ended == 0; i++) {
			r.size = FILE_SIZE;
			turn();
		}
		if (r.d != NULL) {
			rp_download_cancel(r.d);
			assert_int_equal(r.ended, 0);
		}
		(void)teardown(state);
		(void)setup(state);
	}
}

/* Answers whose parts are cut off or too long. */
static void test_malformed(void **state)
{
	static const struct {
		const char *p;
		size_t n;
	} rows[] = {
	    {"\0\0\0\0", 4},
	    {"\0\0\0\1\x67", 5},
	    {"\0\0\x88\1", 4},
	    {"\0\0\0\x0a\x67\0\0\0\1\0\0\0\5a", 14},
	    {"\0\0\0\x09\x66\0\0\0\1\0\0\0\5", 13},
	    {"\0\0\0\x08\x65\0\0\0\1\0\0\0", 12},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct rp_sftp_answer a;
		size_t used;
		const uint8_t *p = (const uint8_t *)rows[i].p;
		assert_true(rp_sftp_ask_answer(p, rows[i].n, &used, &a) < 0);
		assert_int_equal(used, 0);
		assert_int_equal(rp_sftp_ask_answer(p, 3, &used, &a), 0);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_sizes),
	    T(test_pieces),
	    T(test_short_reads),
	    T(test_close_fails),
	    T(test_room),
	    T(test_tricks),
	    T(test_cancel),
	    cmocka_unit_test(test_malformed),
	};
	rp_prng_start();
	alarm(120);
	return rp_prng_report(cmocka_run_group_tests_name("download", tests, NULL, NULL));
}
