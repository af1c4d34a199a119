/* SPDX-License-Identifier: MIT */
/*
 * Each end of a UDP tunnel against a peer of the test's own, who may be slow, silent or hostile.
 * The loop is run by the tests, step by step; sockets are real.
 */
#include "tunnel/udp_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/err.h"
#include "test/lib/mux_pair.h"
#include "tunnel/gob.h"
#include "tunnel/target.h"

#define DEADLINE_MS 20000

/* The other end of the stream: what it got, and how it behaves. */
struct peer {
	struct rp_channel *channel;
	struct rp_gob_decoder *decoder;
	struct rp_buf out;
	bool started;
	bool slow; /* takes nothing */
	size_t unread;
	unsigned opened;
	unsigned closed;
	unsigned records;
	struct rp_udp_record last;
	uint32_t last_number;
};

struct bench {
	struct rp_loop *loop;
	struct rp_pair pair;
	struct rp_udp_server *server;
	struct rp_targets *targets;
	struct peer peer;
	uint16_t port;
	const char *admitted; /* the only address, or NULL */
	unsigned refused;
	bool gone;
};

/* --- the peer --- */

static int on_record(void *ctx, const struct rp_udp_record *rec)
{
	struct peer *p = ctx;
	p->records++;
	p->last = *rec;
	if (rec->data_len >= sizeof(p->last_number)) {
		memcpy(&p->last_number, rec->data, sizeof(p->last_number));
	}
	return 0;
}

static void on_data(void *ctx, const uint8_t *data, size_t n)
{
	struct peer *p = ctx;
	assert_int_equal(rp_gob_decoder_feed(p->decoder, data, n), 0);
	if (p->slow) {
		p->unread += n;
	} else {
		rp_channel_consumed(p->channel, n);
	}
}

static size_t on_pull(void *ctx, uint8_t *to, size_t max)
{
	struct peer *p = ctx;
	size_t n = RP_MIN(max, p->out.len);
	if (n > 0) {
		memcpy(to, rp_buf_head(&p->out), n);
		rp_buf_consume(&p->out, n);
	}
	return n;
}

static void on_closed(void *ctx, int reason, struct rp_str text)
{
	struct peer *p = ctx;
	(void)reason;
	(void)text;
	p->channel = NULL;
	p->closed++;
}

static const struct rp_channel_ops peer_ops = {
    .on_data = on_data,
    .on_pull = on_pull,
    .on_closed = on_closed,
};

static void begin_stream(struct peer *p, struct rp_channel *c)
{
	p->channel = c;
	p->opened++;
	p->started = false;
	rp_buf_clear(&p->out);
	rp_gob_decoder_free(p->decoder);
	assert_int_equal(rp_gob_decoder_new(&p->decoder, on_record, p), 0);
}

static void on_open(
    struct rp_pair_end *e, struct rp_channel *c, struct rp_str type, const uint8_t *extra, size_t n)
{
	struct bench *b = e->user;
	(void)type;
	if (b->targets != NULL) {
		rp_targets_open(b->targets, c, extra, n);
		return;
	}
	assert_true(n > 4 && memcmp(extra + n - 4, "/udp", 4) == 0);
	begin_stream(&b->peer, c);
	rp_channel_accept(c, &peer_ops, &b->peer);
}

static void peer_sends(struct peer *p, const struct rp_udp_record *rec)
{
	assert_int_equal(rp_gob_encode(&p->out, !p->started, rec), 0);
	p->started = true;
	rp_channel_ready(p->channel);
}

/* Answers the last record that came. */
static void answer(struct peer *p, const char *text)
{
	struct rp_udp_record rec = p->last;
	rec.data = (const uint8_t *)text;
	rec.data_len = strlen(text);
	peer_sends(p, &rec);
}

/* --- running --- */

static void step(struct bench *b)
{
	(void)uv_run(rp_loop_uv(b->loop), UV_RUN_NOWAIT);
	(void)usleep(500);
}

/* Steps until the condition holds; the deadline is generous. */
#define UNTIL(b, condition)                                            \
	do {                                                           \
		uint64_t end_ms = uv_hrtime() / 1000000 + DEADLINE_MS; \
		bool holds = (condition);                              \
		while (!holds && uv_hrtime() / 1000000 < end_ms) {     \
			step(b);                                       \
			holds = (condition);                           \
		}                                                      \
		assert_true(holds);                                    \
	} while (0)

static bool admits(void *ctx, const struct sockaddr *peer)
{
	const struct bench *b = ctx;
	char text[INET_ADDRSTRLEN];
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
	return b->admitted == NULL ||
	    (peer->sa_family == AF_INET &&
	        inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text)) != NULL &&
	        strcmp(text, b->admitted) == 0);
}

static void on_refused(void *ctx, const char *why)
{
	struct bench *b = ctx;
	(void)why;
	b->refused++;
}

static void on_server_closed(void *ctx)
{
	struct bench *b = ctx;
	b->gone = true;
}

static const struct rp_udp_server_ops server_ops = {
    .admits = admits,
    .on_refused = on_refused,
    .on_closed = on_server_closed,
};

static void init(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	rp_buf_init(&b->peer.out, (size_t)1024 * 1024);
	assert_int_equal(rp_loop_new(&b->loop, "bench"), 0);
	assert_int_equal(rp_pair_init(&b->pair, NULL, b->loop), 0);
	b->pair.end[1].user = b;
	b->pair.end[1].on_open = on_open;
}

static void start_server(struct bench *b, unsigned flow_idle_ms)
{
	struct rp_err err;
	int rc = UV_EADDRINUSE;
	init(b);
	for (uint16_t port = 21000; rc == UV_EADDRINUSE && port < 22000; port++) {
		const struct rp_udp_server_options opt = {.lhost = "127.0.0.1",
		    .lport = port,
		    .target = "127.0.0.1:9",
		    .flow_idle_ms = flow_idle_ms};
		rc = rp_udp_server_start(
		    b->loop, b->pair.end[0].mux, &opt, &server_ops, b, &b->server, &err);
		b->port = port;
	}
	assert_int_equal(rc, 0);
	UNTIL(b, b->peer.opened == 1);
}

static void fini(struct bench *b)
{
	assert_null(rp_pair_trouble(&b->pair));
	rp_pair_fini(&b->pair);
	rp_loop_stop(b->loop);
	(void)rp_loop_run(b->loop);
	rp_loop_free(b->loop);
	rp_gob_decoder_free(b->peer.decoder);
	rp_buf_fini(&b->peer.out);
}

static void stop_server(struct bench *b)
{
	rp_udp_server_close(b->server);
	UNTIL(b, b->gone);
	fini(b);
}

/* A socket bound to an address of its own and connected to the tunnel. */
static int visitor(const struct bench *b, const char *address)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	assert_int_equal(inet_pton(AF_INET, address, &sa.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sa.sin_port = htons(b->port);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static bool got(int fd, const char *text)
{
	char buf[64];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);
	return n == (ssize_t)strlen(text) && memcmp(buf, text, (size_t)n) == 0;
}

static struct rp_udp_stats stats(const struct bench *b)
{
	struct rp_udp_stats s;
	rp_udp_server_stats(b->server, &s);
	return s;
}

/* --- the server's end --- */

static void test_flow_expires(void **state)
{
	(void)state;
	struct bench b;
	start_server(&b, 200);
	int fd = visitor(&b, "127.0.0.1");
	assert_int_equal(send(fd, "one", 3, 0), 3);
	UNTIL(&b, b.peer.records == 1);
	answer(&b.peer, "back");
	UNTIL(&b, got(fd, "back"));
	assert_int_equal(stats(&b).flows, 1);
	/* Without any traffic. */
	UNTIL(&b, stats(&b).flows == 0);
	int second = visitor(&b, "127.0.0.1");
	answer(&b.peer, "late");
	assert_int_equal(send(second, "two", 3, 0), 3);
	UNTIL(&b, b.peer.records == 2);
	answer(&b.peer, "in time");
	UNTIL(&b, got(second, "in time"));
	assert_false(got(fd, "late"));
	(void)close(fd);
	(void)close(second);
	stop_server(&b);
}

/* An answer for somebody who asked nothing goes nowhere. */
static void test_unasked_answer(void **state)
{
	(void)state;
	struct bench b;
	start_server(&b, 0);
	int fd = visitor(&b, "127.0.0.1");
	int other = visitor(&b, "127.0.0.1");
	struct sockaddr_in sa;
	socklen_t len = sizeof(sa);
	assert_int_equal(getsockname(other, (struct sockaddr *)&sa, &len), 0);
	assert_int_equal(send(fd, "one", 3, 0), 3);
	UNTIL(&b, b.peer.records == 1);
	uint16_t port = b.peer.last.port;
	b.peer.last.port = ntohs(sa.sin_port);
	answer(&b.peer, "unasked");
	b.peer.last.port = port;
	answer(&b.peer, "asked");
	UNTIL(&b, got(fd, "asked"));
	assert_false(got(other, "unasked"));
	(void)close(fd);
	(void)close(other);
	stop_server(&b);
}

static void test_recheck(void **state)
{
	(void)state;
	struct bench b;
	start_server(&b, 0);
	int one = visitor(&b, "127.0.0.1");
	int two = visitor(&b, "127.0.0.2");
	assert_int_equal(send(one, "one", 3, 0), 3);
	UNTIL(&b, b.peer.records == 1);
	struct rp_udp_record first = b.peer.last;
	assert_int_equal(send(two, "two", 3, 0), 3);
	UNTIL(&b, b.peer.records == 2);
	assert_int_equal(stats(&b).flows, 2);

	b.admitted = "127.0.0.2";
	rp_udp_server_recheck(b.server);
	assert_int_equal(stats(&b).flows, 1);
	first.data = (const uint8_t *)"x";
	first.data_len = 1;
	peer_sends(&b.peer, &first);
	answer(&b.peer, "back");
	UNTIL(&b, got(two, "back"));
	assert_false(got(one, "x"));
	assert_int_equal(send(one, "one", 3, 0), 3);
	assert_int_equal(send(two, "two", 3, 0), 3);
	UNTIL(&b, b.peer.records == 3);
	assert_int_equal(b.peer.last.ip[3], 2);

	b.admitted = NULL;
	rp_udp_server_recheck(b.server);
	assert_int_equal(send(one, "one", 3, 0), 3);
	UNTIL(&b, b.peer.records == 4);
	answer(&b.peer, "again");
	UNTIL(&b, got(one, "again"));
	(void)close(one);
	(void)close(two);
	stop_server(&b);
}

/* What waits in the queue of a refused source is not sent either. */
static void test_recheck_empties_queue(void **state)
{
	(void)state;
	struct bench b;
	start_server(&b, 0);
	b.peer.slow = true;
	int one = visitor(&b, "127.0.0.1");
	static const char data[60000] = "x";
	while (stats(&b).waiting < 5) {
		(void)send(one, data, sizeof(data), 0);
		step(&b);
	}
	b.admitted = "127.0.0.2";
	rp_udp_server_recheck(b.server);
	assert_int_equal(stats(&b).waiting, 0);
	assert_int_equal(stats(&b).flows, 0);
	(void)close(one);
	stop_server(&b);
}

/* A peer that does not read: bounded, counted, and the newest arrive when it reads again. */
static void test_slow_peer(void **state)
{
	(void)state;
	struct bench b;
	static uint8_t data[1400];
	const uint32_t last = 20000;
	start_server(&b, 0);
	b.peer.slow = true;
	int fd = visitor(&b, "127.0.0.1");
	int small = visitor(&b, "127.0.0.2");
	for (uint32_t i = 1; i <= last; i++) {
		memcpy(data, &i, sizeof(i));
		(void)send(fd, data, sizeof(data), 0);
		if (i % 20 == 0) {
			(void)uv_run(rp_loop_uv(b.loop), UV_RUN_NOWAIT);
		}
	}
	UNTIL(&b, stats(&b).dropped > 5000);
	struct rp_udp_stats full = stats(&b);
	assert_true(full.waiting > 1000 && full.waiting < 2000);
	/* Somebody else's single datagram is not among those that are dropped. */
	assert_int_equal(send(small, "small", 5, 0), 5);
	UNTIL(&b, stats(&b).flows == 2);
	b.peer.slow = false;
	rp_channel_consumed(b.peer.channel, b.peer.unread);
	UNTIL(&b, stats(&b).waiting == 0);
	for (int i = 0; i < 10; i++) {
		step(&b);
	}
	assert_int_equal(b.peer.last_number, last);
	(void)close(fd);
	(void)close(small);
	stop_server(&b);
}

/* Costs the channel; the next datagram opens another one. */
static void test_hostile_client(void **state)
{
	(void)state;
	struct bench b;
	start_server(&b, 0);
	int fd = visitor(&b, "127.0.0.1");
	assert_int_equal(rp_buf_add(&b.peer.out, "\x00\xff\x13garbage", 10), 0);
	rp_channel_ready(b.peer.channel);
	UNTIL(&b, b.peer.closed == 1);
	assert_int_equal(b.refused, 0);
	UNTIL(&b, (send(fd, "one", 3, 0), b.peer.records > 0));
	assert_int_equal(b.peer.opened, 2);
	answer(&b.peer, "back");
	UNTIL(&b, got(fd, "back"));
	(void)close(fd);
	stop_server(&b);
}

/* --- the client's end --- */

static int target_fd;
static uint16_t target_port;

static void start_client(struct bench *b)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof(sa);
	init(b);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	target_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(target_fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(getsockname(target_fd, (struct sockaddr *)&sa, &len), 0);
	target_port = ntohs(sa.sin_port);
	assert_int_equal(rp_targets_new(b->loop, NULL, &b->targets), 0);
}

static void open_stream(struct bench *b)
{
	char extra[64];
	struct rp_channel *c;
	(void)snprintf(extra, sizeof(extra), "127.0.0.1:%u/udp", (unsigned)target_port);
	assert_int_equal(rp_channel_open(b->pair.end[0].mux, "rport", extra, strlen(extra),
	                     &peer_ops, &b->peer, &c),
	    0);
	begin_stream(&b->peer, c);
}

static void on_targets_closed(void *ctx)
{
	struct bench *b = ctx;
	b->gone = true;
}

static void stop_client(struct bench *b)
{
	(void)close(target_fd);
	rp_targets_close(b->targets, on_targets_closed, b);
	UNTIL(b, b->gone);
	fini(b);
}

/* From the source 10.0.0.1 with that port. */
static void ask(struct bench *b, unsigned port, const char *text)
{
	struct rp_udp_record rec = {.has_addr = true,
	    .ip_len = 4,
	    .ip = {10, 0, 0, 1},
	    .port = (uint16_t)port,
	    .data = (const uint8_t *)text,
	    .data_len = strlen(text)};
	peer_sends(&b->peer, &rec);
}

/* At the target: the datagram, answered with the same. */
static bool echoed(const char *text)
{
	char buf[64];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(target_fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);
	if (n < 0) {
		return false;
	}
	assert_int_equal(n, (ssize_t)strlen(text));
	assert_memory_equal(buf, text, (size_t)n);
	return sendto(target_fd, buf, (size_t)n, 0, (struct sockaddr *)&from, len) == n;
}

static void test_hostile_server(void **state)
{
	(void)state;
	struct bench b;
	start_client(&b);
	open_stream(&b);
	ask(&b, 7, "hello");
	UNTIL(&b, echoed("hello"));
	UNTIL(&b, b.peer.records == 1);
	assert_int_equal(rp_buf_add(&b.peer.out, "\xf0\xff\xff", 3), 0);
	rp_channel_ready(b.peer.channel);
	UNTIL(&b, b.peer.closed == 1);
	/* The connection is as it was. */
	open_stream(&b);
	ask(&b, 8, "again");
	UNTIL(&b, echoed("again"));
	UNTIL(&b, b.peer.records == 2);
	assert_int_equal(b.peer.last.port, 8);
	stop_client(&b);
}

/* Fewer descriptors than sources: the oldest give way, every source gets its answer. */
static void test_few_descriptors(void **state)
{
	(void)state;
	struct bench b;
	struct rlimit old;
	start_client(&b);
	open_stream(&b);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	int next = dup(target_fd);
	assert_true(next >= 0);
	(void)close(next);
	struct rlimit few = {.rlim_cur = 2 * ((rlim_t)next + 8), .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (unsigned i = 1; i <= 50; i++) {
		ask(&b, i, "question");
		UNTIL(&b, echoed("question"));
		UNTIL(&b, b.peer.records == i);
		assert_int_equal(b.peer.last.port, i);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	stop_client(&b);
}

/* More sources than a tunnel keeps, in one go. */
static void test_many_sources(void **state)
{
	(void)state;
	struct bench b;
	char buf[64];
	struct rlimit old;
	start_client(&b);
	open_stream(&b);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	struct rlimit most = {.rlim_cur = old.rlim_max, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &most), 0);
	unsigned arrived = 0;
	for (unsigned i = 1; i <= 5000; i++) {
		ask(&b, i, "q");
		if (i % 50 == 0) {
			UNTIL(&b, b.peer.out.len == 0);
		}
		while (recv(target_fd, buf, sizeof(buf), 0) == 1) {
			arrived++;
		}
	}
	UNTIL(&b, (arrived += recv(target_fd, buf, sizeof(buf), 0) == 1 ? 1 : 0) == 5000);
	stop_client(&b);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_flow_expires),
	    cmocka_unit_test(test_unasked_answer),
	    cmocka_unit_test(test_recheck),
	    cmocka_unit_test(test_recheck_empties_queue),
	    cmocka_unit_test(test_slow_peer),
	    cmocka_unit_test(test_hostile_client),
	    cmocka_unit_test(test_hostile_server),
	    cmocka_unit_test(test_few_descriptors),
	    cmocka_unit_test(test_many_sources),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
