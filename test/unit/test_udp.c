/* SPDX-License-Identifier: MIT */
/*
 * UDP tunnels over real sockets, and the bounded queue in front of the gob encoder.
 */
#include "tunnel/udp_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include <cmocka.h>

#include "test/lib/oom.h"
#include "test/lib/tunnel_rig.h"
#include "tunnel/udp_addr.h"

#define CHECK(expr) RP_VERIFY(expr)

/* --- queue --- */

#define LINES 8

/* Numbers of the datagrams that came out; those of each line are its own. */
struct seen {
	size_t n;
	uint32_t first, last;
	size_t bytes;
	size_t of_port[LINES];
	uint32_t last_of_port[LINES];
	unsigned order[16];
};

static int on_record(void *ctx, const struct rp_udp_record *rec)
{
	struct seen *s = ctx;
	uint32_t number = 0;
	memcpy(&number, rec->data, RP_MIN(rec->data_len, sizeof(number)));
	s->first = s->n == 0 ? number : s->first;
	s->last = number;
	if (s->n < RP_ARRAY_LEN(s->order)) {
		s->order[s->n] = rec->port;
	}
	s->n++;
	s->bytes += rec->data_len;
	if (rec->port < LINES) {
		s->of_port[rec->port]++;
		s->last_of_port[rec->port] = number;
	}
	return 0;
}

static void add_to(
    struct rp_udp_queue *q, struct rp_udp_line *lines, unsigned port, uint32_t number, size_t len)
{
	static uint8_t data[RP_UDP_DATA_MAX + 1];
	memcpy(data, &number, sizeof(number));
	struct rp_udp_record rec = {
	    .has_addr = true, .ip_len = 4, .port = (uint16_t)port, .data = data, .data_len = len};
	rp_udp_queue_add(q, &lines[port], &rec);
}

static void init(struct rp_udp_queue *q, struct rp_udp_line *lines)
{
	rp_udp_queue_init(q);
	for (unsigned i = 0; i < LINES; i++) {
		rp_udp_line_init(&lines[i]);
	}
}

/* Everything through a decoder in pieces of max. */
static void drain(struct rp_udp_queue *q, size_t max, struct seen *seen)
{
	struct rp_gob_decoder *d;
	uint8_t buf[40000];
	memset(seen, 0, sizeof(*seen));
	assert_int_equal(rp_gob_decoder_new(&d, on_record, seen), 0);
	for (;;) {
		size_t n = rp_udp_queue_pull(q, buf, max);
		if (n == 0) {
			break;
		}
		assert_int_equal(rp_gob_decoder_feed(d, buf, n), 0);
	}
	rp_gob_decoder_free(d);
	assert_int_equal(q->n, 0);
	assert_int_equal(q->bytes, 0);
	assert_int_equal(q->reserved, 0);
	assert_int_equal(q->weights_used, 0);
}

static void test_queue_drops_oldest(void **state)
{
	(void)state;
	struct rp_udp_queue q;
	struct rp_udp_line lines[LINES];
	struct seen seen;
	init(&q, lines);
	for (uint32_t i = 0; i < 100000; i++) {
		add_to(&q, lines, 1, i, 10);
		assert_true(q.bytes <= RP_UDP_QUEUE_BYTES_MAX);
	}
	uint64_t dropped = q.dropped;
	assert_true(dropped > 50000);
	drain(&q, 777, &seen);
	assert_int_equal(seen.n + dropped, 100000);
	assert_int_equal(seen.first, dropped);
	assert_int_equal(seen.last, 99999);

	rp_udp_queue_restart(&q);
	for (uint32_t i = 0; i < 100; i++) {
		add_to(&q, lines, 1, i, RP_UDP_DATA_MAX);
	}
	drain(&q, 40000, &seen);
	assert_int_equal(seen.n, RP_UDP_QUEUE_BYTES_MAX / (RP_UDP_DATA_MAX + 60));
	assert_int_equal(seen.last, 99);
	/* Larger than any datagram: not sent, but counted. */
	dropped = q.dropped;
	add_to(&q, lines, 1, 1, RP_UDP_DATA_MAX + 1);
	assert_int_equal(q.dropped, dropped + 1);
	assert_int_equal(q.n, 0);
	rp_udp_queue_fini(&q);
}

static void test_queue_restart(void **state)
{
	(void)state;
	struct rp_udp_queue q;
	struct rp_udp_line lines[LINES];
	struct seen seen;
	uint8_t part[200];
	init(&q, lines);
	/* Thrown away in the middle of the descriptors, and of a record: the next stream is whole. */
	add_to(&q, lines, 1, 1, 1000);
	assert_int_equal(rp_udp_queue_pull(&q, part, 20), 20);
	rp_udp_queue_restart(&q);
	drain(&q, 10, &seen);
	assert_int_equal(seen.n, 1);
	rp_udp_queue_restart(&q);
	add_to(&q, lines, 1, 1, 1000);
	add_to(&q, lines, 1, 2, 1000);
	assert_int_equal(rp_udp_queue_pull(&q, part, sizeof(part)), sizeof(part));
	rp_udp_queue_restart(&q);
	drain(&q, 10, &seen);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.first, 2);
	/* A source that goes takes its own along, even from behind what is on its way. */
	rp_udp_queue_restart(&q);
	for (uint32_t i = 0; i < 5; i++) {
		add_to(&q, lines, 1, i, 1000);
		add_to(&q, lines, 2, i, 1000);
	}
	rp_udp_line_clear(&q, &lines[1]);
	drain(&q, 10, &seen);
	assert_int_equal(seen.n, 5);
	assert_int_equal(seen.of_port[2], 5);
	assert_int_equal(q.dropped, 0);
	add_to(&q, lines, 3, 1, 1000);
	rp_udp_queue_fini(&q);
	assert_int_equal(q.reserved, 0);
}

/* One source floods: it loses, the others do not, and they do not wait for it. */
static void test_queue_is_fair(void **state)
{
	(void)state;
	struct rp_udp_queue q;
	struct rp_udp_line lines[LINES];
	struct seen seen;
	init(&q, lines);
	for (uint32_t i = 0; i < 20000; i++) {
		add_to(&q, lines, 1, i, 1400);
		if (i % 2000 == 0) {
			add_to(&q, lines, 2, i, 200);
			add_to(&q, lines, 3, i, 60000);
		}
	}
	drain(&q, 32768, &seen);
	assert_int_equal(seen.of_port[2], 10);
	assert_int_equal(seen.of_port[3], 10);
	assert_int_equal(seen.last_of_port[1], 19999);
	assert_true(q.dropped > 10000);
	assert_int_equal(seen.of_port[1] + q.dropped, 20000);
	/* In turns: three of 1400 bytes are worth one turn, then comes somebody else. */
	bool others = false;
	for (unsigned i = 0; i < 5; i++) {
		others = others || seen.order[i] != 1;
	}
	assert_true(others);
	rp_udp_queue_fini(&q);
}

/* All tunnels together have a limit, each of them has a little in any case. */
static void test_process_limit(void **state)
{
	(void)state;
	enum {
		QUEUES = 50
	};
	static struct rp_udp_queue q[QUEUES];
	static struct rp_udp_line lines[QUEUES][LINES];
	size_t bytes = 0;
	struct seen seen;
	for (unsigned i = 0; i < QUEUES; i++) {
		init(&q[i], lines[i]);
		for (uint32_t k = 0; k < 2000; k++) {
			add_to(&q[i], lines[i], 1, k, 1400);
		}
		bytes += q[i].bytes;
	}
	assert_true(bytes <= RP_UDP_PROCESS_BYTES_MAX + QUEUES * RP_UDP_QUEUE_BYTES_MIN);
	assert_true(bytes >= RP_UDP_PROCESS_BYTES_MAX - QUEUES * RP_UDP_QUEUE_BYTES_MIN);
	assert_true(q[QUEUES - 1].n >= RP_UDP_QUEUE_BYTES_MIN / 1500);
	/* A large one finds no room while others have it all. */
	add_to(&q[QUEUES - 1], lines[QUEUES - 1], 1, 5000, RP_UDP_DATA_MAX);
	assert_int_equal(q[QUEUES - 1].n, 0);
	add_to(&q[QUEUES - 1], lines[QUEUES - 1], 1, 5001, 1400);
	drain(&q[QUEUES - 1], 30000, &seen);
	assert_int_equal(seen.last, 5001);
	for (unsigned i = 0; i < QUEUES; i++) {
		rp_udp_queue_fini(&q[i]);
	}
	/* Given back: now there is room. */
	init(&q[0], lines[0]);
	for (uint32_t k = 0; k < 20; k++) {
		add_to(&q[0], lines[0], 1, k, RP_UDP_DATA_MAX);
	}
	assert_int_equal(q[0].n, 20);
	rp_udp_queue_fini(&q[0]);
}

static void test_addresses(void **state)
{
	(void)state;
	static const uint8_t mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3};
	struct rp_udp_record rec = {.has_addr = true, .ip_len = 16, .port = 53};
	struct rp_udp_record back = {0};
	struct sockaddr_storage sa;
	socklen_t len;
	char key[RP_UDP_KEY_MAX];
	memcpy(rec.ip, mapped, 16);
	assert_true(rp_udp_record_addr(&rec, AF_INET, &sa, &len));
	rp_udp_record_set_addr(&back, (const struct sockaddr *)&sa);
	assert_int_equal(back.ip_len, 4);
	assert_memory_equal(back.ip, mapped + 12, 4);
	assert_int_equal(back.port, 53);
	assert_true(rp_udp_record_addr(&back, AF_INET6, &sa, &len));
	rp_udp_record_set_addr(&rec, (const struct sockaddr *)&sa);
	assert_int_equal(rec.ip_len, 16);
	assert_memory_equal(rec.ip, mapped, 16);
	rp_udp_record_key(&back, key);
	assert_string_equal(key, "0a010203:0035%");
	memset(rec.zone, 'z', RP_UDP_ZONE_MAX);
	rec.port = 65535;
	rp_udp_record_key(&rec, key);
	assert_int_equal(strlen(key), RP_UDP_KEY_MAX - 1);
	assert_memory_equal(key, "00000000000000000000ffff0a010203:ffff%zzz", 41);
	memset(rec.zone, 0, sizeof(rec.zone));
	rec.ip[0] = 0x20;
	assert_false(rp_udp_record_addr(&rec, AF_INET, &sa, &len));
	rec.has_addr = false;
	assert_false(rp_udp_record_addr(&rec, AF_INET6, &sa, &len));
}

/* --- tunnels --- */

/* One datagram there and back; the target answers from where it got it. */
static void echo(const struct rp_rig *rig, int fd, const uint8_t *data, size_t n)
{
	static uint8_t buf[RP_UDP_DATA_MAX];
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	CHECK(send(fd, data, n, 0) == (ssize_t)n);
	CHECK(recvfrom(rig->target_fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len) ==
	    (ssize_t)n);
	CHECK(memcmp(buf, data, n) == 0);
	CHECK(sendto(rig->target_fd, buf, n, 0, (struct sockaddr *)&from, len) == (ssize_t)n);
	memset(buf, 0, sizeof(buf));
	CHECK(recv(fd, buf, sizeof(buf), 0) == (ssize_t)n);
	CHECK(memcmp(buf, data, n) == 0);
}

static void echo_scenario(struct rp_rig *rig)
{
	static const size_t sizes[] = {
	    1, 0, 64, 512, 1472, 8192, 9012, 9013, 32767, 32768, 32769, RP_UDP_DATA_MAX};
	static uint8_t data[RP_UDP_DATA_MAX];
	for (size_t i = 0; i < sizeof(data); i++) {
		data[i] = (uint8_t)(i % 251);
	}
	int a = rp_rig_connect(rig);
	int b = rp_rig_connect(rig);
	CHECK(a >= 0 && b >= 0);
	for (size_t i = 0; i < RP_ARRAY_LEN(sizes); i++) {
		echo(rig, a, data, sizes[i]);
		echo(rig, b, data + 1, RP_MIN(sizes[i], sizeof(data) - 1));
	}
	(void)close(a);
	(void)close(b);
}

static void run(const struct rp_rig_options *opt, void (*scenario)(struct rp_rig *rig))
{
	struct rp_rig rig;
	int rc = rp_rig_init(&rig, opt);
	if (rc != 0) {
		print_message("# %d %s\n", rc, rig.err.msg);
	}
	assert_int_equal(rc, 0);
	rp_rig_run(&rig, scenario);
	assert_null(rp_pair_trouble(&rig.pair));
	rp_rig_fini(&rig);
}

static void test_echo(void **state)
{
	(void)state;
	run(&(struct rp_rig_options){.protocol = "udp"}, echo_scenario);
	run(&(struct rp_rig_options){.protocol = "udp", .lhost = "127.0.0.1"}, echo_scenario);
	run(&(struct rp_rig_options){.protocol = "udp", .rhost = "::1"}, echo_scenario);
	run(&(struct rp_rig_options){.protocol = "udp", .rhost = "localhost", .acl = "127.0.0.1"},
	    echo_scenario);
}

/* Nobody at the target: the tunnel lives on, and serves when somebody comes. */
static void refused_scenario(struct rp_rig *rig)
{
	char buf[8];
	int fd = rp_rig_connect(rig);
	struct timeval wait = {.tv_usec = 100000};
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	for (int i = 0; i < 5; i++) {
		CHECK(send(fd, "x", 1, 0) == 1);
		CHECK(recv(fd, buf, sizeof(buf), 0) < 0);
	}
	CHECK(rig->expired == 0);
	(void)close(fd);
}

static void test_refused(void **state)
{
	(void)state;
	run(&(struct rp_rig_options){.protocol = "udp", .no_target = true}, refused_scenario);
	run(&(struct rp_rig_options){.protocol = "udp", .acl = "10.0.0.1"}, refused_scenario);
}

/* Both protocols on one port; the target is TCP only here. */
static void both_scenario(struct rp_rig *rig)
{
	char buf[8];
	int visitor = rp_rig_connect(rig);
	int target = rp_rig_accept(rig);
	CHECK(visitor >= 0 && target >= 0);
	CHECK(rp_rig_write_all(visitor, "abc", 3));
	CHECK(rp_rig_read_all(target, buf, 3) == 3);
	(void)close(visitor);
	(void)close(target);
}

static void test_both(void **state)
{
	(void)state;
	run(&(struct rp_rig_options){.protocol = "tcp+udp"}, both_scenario);
	run(&(struct rp_rig_options){.protocol = "tcp+udp", .lhost = "127.0.0.1"}, both_scenario);
}

static void idle_scenario(struct rp_rig *rig)
{
	static const uint8_t byte = 7;
	int fd = rp_rig_connect(rig);
	for (int i = 0; i < 6; i++) {
		(void)usleep(80000);
		echo(rig, fd, &byte, 1); /* each use puts the end off */
	}
	CHECK(rig->expired == 0);
	(void)usleep(500000);
	CHECK(rig->expired == 1);
	(void)close(fd);
}

static void test_idle(void **state)
{
	(void)state;
	run(&(struct rp_rig_options){.protocol = "udp", .idle_minutes = 1}, idle_scenario);
}

static void policy_scenario(struct rp_rig *rig)
{
	for (int i = 0; i < 100 && rig->expired == 0; i++) {
		(void)usleep(10000);
	}
	CHECK(rig->expired == 1);
	CHECK(strcmp(rig->why, "refused by the client") == 0);
}

static void test_policy(void **state)
{
	(void)state;
	struct rp_strlist list = {0};
	struct rp_target_rules rules = {0};
	struct rp_err err;
	assert_int_equal(rp_strlist_add(&list, rp_str_c("10.0.0.0/8")), 0);
	assert_int_equal(rp_target_rules_parse(&list, &rules, &err), 0);
	run(&(struct rp_rig_options){.protocol = "udp", .allowed = &rules}, policy_scenario);
	rp_target_rules_fini(&rules);
	rp_strlist_fini(&list);
}

static void oom_scenario(struct rp_rig *rig)
{
	char buf[8];
	bool *ok = rig->user;
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	struct timeval wait = {.tv_usec = 50000};
	int fd = rp_rig_connect(rig);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	(void)setsockopt(rig->target_fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	*ok = fd >= 0 && send(fd, "x", 1, 0) == 1 &&
	    recvfrom(rig->target_fd, buf, 8, 0, (struct sockaddr *)&from, &len) == 1 &&
	    sendto(rig->target_fd, buf, 1, 0, (struct sockaddr *)&from, len) == 1 &&
	    recv(fd, buf, 8, 0) == 1;
	if (fd >= 0) {
		(void)close(fd);
	}
}

static int oom_body(void *state)
{
	(void)state;
	return rp_rig_oom(&(struct rp_rig_options){.protocol = "udp"}, oom_scenario);
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_queue_drops_oldest),
	    cmocka_unit_test(test_queue_restart),
	    cmocka_unit_test(test_queue_is_fair),
	    cmocka_unit_test(test_process_limit),
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_echo),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_both),
	    cmocka_unit_test(test_idle),
	    cmocka_unit_test(test_policy),
	    cmocka_unit_test(test_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
