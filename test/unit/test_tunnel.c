/* SPDX-License-Identifier: MIT */
/*
 * TCP tunnels over real sockets: bulk data, half-close, refusals, resets, limits, times,
 * allocation failures.
 */
#include "tunnel/listener.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include <cmocka.h>

#include "test/lib/oom.h"
#include "test/lib/slow.h"
#include "test/lib/tunnel_rig.h"

#define BULK ((size_t)100 << 20)
#define MANY 200

static size_t bulk_size(void)
{
	return rp_slow() ? (size_t)4 << 20 : BULK;
}

/* Test threads report by this: cmocka's assertions belong to the main thread. */
#define CHECK(expr) RP_VERIFY(expr)

static struct rp_rig *rig_new(const struct rp_rig_options *opt)
{
	struct rp_rig *rig = malloc(sizeof(*rig));
	assert_non_null(rig);
	int rc = rp_rig_init(rig, opt);
	if (rc != 0) {
		print_message("# %d %s\n", rc, rig->err.msg);
	}
	assert_int_equal(rc, 0);
	return rig;
}

static void rig_go(struct rp_rig *rig, void (*scenario)(struct rp_rig *rig))
{
	rp_rig_run(rig, scenario);
	assert_null(rp_pair_trouble(&rig->pair));
	rp_rig_fini(rig);
	free(rig);
}

/* --- bulk --- */

/* Position-dependent, with a period that no buffer size divides. */
static void fill(uint8_t *p, size_t at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		p[i] = (uint8_t)((at + i) % 251);
	}
}

struct transfer {
	int fd;
	bool ok;
};

static void *send_bulk(void *arg)
{
	struct transfer *t = arg;
	static const size_t piece = 60000;
	uint8_t *p = malloc(piece);
	CHECK(p != NULL);
	t->ok = true;
	for (size_t at = 0; at < bulk_size() && t->ok; at += piece) {
		size_t n = RP_MIN(piece, bulk_size() - at);
		fill(p, at, n);
		t->ok = rp_rig_write_all(t->fd, p, n);
	}
	free(p);
	(void)shutdown(t->fd, SHUT_WR);
	return NULL;
}

static void *take_bulk(void *arg)
{
	struct transfer *t = arg;
	uint8_t buf[30000];
	uint8_t expected[sizeof(buf)];
	size_t at = 0;
	t->ok = true;
	for (;;) {
		ssize_t n = recv(t->fd, buf, sizeof(buf), 0);
		if (n <= 0) {
			t->ok = t->ok && n == 0 && at == bulk_size();
			return NULL;
		}
		fill(expected, at, (size_t)n);
		t->ok = t->ok && memcmp(buf, expected, (size_t)n) == 0;
		at += (size_t)n;
	}
}

/* Both directions at once, each ended by a half-close. */
static void bulk_scenario(struct rp_rig *rig)
{
	struct transfer t[4];
	pthread_t threads[4];
	int visitor = rp_rig_connect(rig);
	int target = rp_rig_accept(rig);
	CHECK(visitor >= 0 && target >= 0);
	for (int i = 0; i < 4; i++) {
		t[i].fd = i < 2 ? visitor : target;
		CHECK(pthread_create(
		          &threads[i], NULL, i % 2 == 0 ? send_bulk : take_bulk, &t[i]) == 0);
	}
	for (int i = 0; i < 4; i++) {
		CHECK(pthread_join(threads[i], NULL) == 0);
		CHECK(t[i].ok);
	}
	(void)close(visitor);
	(void)close(target);
}

static void test_bulk(void **state)
{
	(void)state;
	rig_go(rig_new(NULL), bulk_scenario);
}

/* --- ends --- */

static void half_close_scenario(struct rp_rig *rig)
{
	char buf[64];
	int visitor = rp_rig_connect(rig);
	CHECK(visitor >= 0);
	CHECK(rp_rig_write_all(visitor, "question", 8));
	CHECK(shutdown(visitor, SHUT_WR) == 0);
	int target = rp_rig_accept(rig);
	CHECK(target >= 0);
	CHECK(rp_rig_read_all(target, buf, sizeof(buf)) == 8);
	CHECK(memcmp(buf, "question", 8) == 0);
	CHECK(rp_rig_write_all(target, "answer", 6));
	(void)close(target);
	CHECK(rp_rig_read_all(visitor, buf, sizeof(buf)) == 6);
	CHECK(memcmp(buf, "answer", 6) == 0);
	(void)close(visitor);
}

static void test_half_close(void **state)
{
	(void)state;
	rig_go(rig_new(NULL), half_close_scenario);
}

/* With an installed peer one FIN ends it all, but what was sent before arrives. */
static void no_half_close_scenario(struct rp_rig *rig)
{
	char buf[64];
	int visitor = rp_rig_connect(rig);
	int target = rp_rig_accept(rig);
	CHECK(visitor >= 0 && target >= 0);
	CHECK(rp_rig_write_all(visitor, "bye", 3));
	CHECK(shutdown(visitor, SHUT_WR) == 0);
	CHECK(rp_rig_read_all(target, buf, sizeof(buf)) == 3);
	CHECK(rp_rig_read_all(visitor, buf, sizeof(buf)) == 0);
	(void)close(visitor);
	(void)close(target);
}

static void test_no_half_close(void **state)
{
	(void)state;
	rig_go(rig_new(&(struct rp_rig_options){.no_half_close = true}), no_half_close_scenario);
}

static void refused_scenario(struct rp_rig *rig)
{
	char buf[8];
	int visitor = rp_rig_connect(rig);
	CHECK(visitor >= 0);
	CHECK(rp_rig_read_all(visitor, buf, sizeof(buf)) == -1 && errno == ECONNRESET);
	(void)close(visitor);
}

static void test_refused(void **state)
{
	(void)state;
	rig_go(rig_new(&(struct rp_rig_options){.no_target = true}), refused_scenario);
}

static void reset(int fd)
{
	struct linger now = {.l_onoff = 1};
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)close(fd);
}

static void reset_scenario(struct rp_rig *rig)
{
	for (int i = 0; i < 2; i++) {
		char buf[8];
		int visitor = rp_rig_connect(rig);
		int target = rp_rig_accept(rig);
		CHECK(visitor >= 0 && target >= 0);
		CHECK(rp_rig_write_all(visitor, "x", 1));
		CHECK(rp_rig_read_all(target, buf, 1) == 1);
		reset(i == 0 ? visitor : target);
		int left = i == 0 ? target : visitor;
		CHECK(rp_rig_read_all(left, buf, 1) == -1 && errno == ECONNRESET);
		(void)close(left);
	}
}

static void test_reset(void **state)
{
	(void)state;
	rig_go(rig_new(NULL), reset_scenario);
}

/* The end of the connection cuts visitors. */
static int cut_fd;

static void cut_scenario(struct rp_rig *rig)
{
	cut_fd = rp_rig_connect(rig);
	int target = rp_rig_accept(rig);
	CHECK(cut_fd >= 0 && target >= 0);
	CHECK(rp_rig_write_all(target, "abc", 3));
	(void)close(target);
	char buf[8];
	CHECK(rp_rig_read_all(cut_fd, buf, 8) == 3);
}

static void test_cut(void **state)
{
	(void)state;
	rig_go(rig_new(NULL), cut_scenario);
	char buf[8];
	assert_true(rp_rig_write_all(cut_fd, "x", 1) || errno == EPIPE);
	assert_true(rp_rig_read_all(cut_fd, buf, 8) <= 0);
	(void)close(cut_fd);
}

/* --- a mux that dies under its pumps --- */

struct kill_msg {
	struct rp_msg msg;
	struct rp_rig *rig;
	int end;
};

static void run_kill(struct rp_msg *m)
{
	struct kill_msg *k = RP_CONTAINER_OF(m, struct kill_msg, msg);
	struct rp_rig *rig = k->rig;
	int end = k->end;
	/* From here on the scenario, which owns k, may end. */
	if (end == 0) {
		rp_tunnel_orphan(rig->tunnel);
	}
	rp_pair_kill(&rig->pair, end);
}

static void kill_scenario(struct rp_rig *rig)
{
	char buf[8];
	int visitor = rp_rig_connect(rig);
	int target = rp_rig_accept(rig);
	CHECK(visitor >= 0 && target >= 0);
	CHECK(rp_rig_write_all(visitor, "x", 1));
	CHECK(rp_rig_read_all(target, buf, 1) == 1);
	struct kill_msg k = {.msg.run = run_kill, .rig = rig, .end = *(int *)rig->user};
	CHECK(rp_loop_post(rig->loop, &k.msg) == 0);
	int hit = k.end == 0 ? visitor : target;
	CHECK(rp_rig_read_all(hit, buf, 1) == -1 && errno == ECONNRESET);
	(void)close(visitor);
	(void)close(target);
}

static void test_mux_dies(void **state)
{
	(void)state;
	for (int end = 0; end < 2; end++) {
		struct rp_rig *rig = rig_new(NULL);
		rig->user = &end;
		rig_go(rig, kill_scenario);
	}
}

/* --- many, slow --- */

static void many_scenario(struct rp_rig *rig)
{
	static int visitor[MANY];
	static int target[MANY];
	static char data[5000];
	char buf[sizeof(data)];
	for (int i = 0; i < MANY; i++) {
		visitor[i] = rp_rig_connect(rig);
		CHECK(visitor[i] >= 0);
		memset(data, i, sizeof(data));
		CHECK(rp_rig_write_all(visitor[i], data, sizeof(data)));
	}
	for (int i = 0; i < MANY; i++) {
		target[i] = rp_rig_accept(rig);
		CHECK(target[i] >= 0);
	}
	for (int i = 0; i < MANY; i++) {
		CHECK(rp_rig_read_all(target[i], buf, sizeof(buf)) == (long)sizeof(buf));
		CHECK(rp_rig_write_all(target[i], buf, sizeof(buf)));
		(void)close(target[i]);
	}
	for (int i = 0; i < MANY; i++) {
		CHECK(rp_rig_read_all(visitor[i], buf, sizeof(buf)) == (long)sizeof(buf));
		CHECK(buf[0] == (char)i && buf[sizeof(buf) - 1] == (char)i);
		CHECK(rp_rig_read_all(visitor[i], buf, 1) == 0);
		(void)close(visitor[i]);
	}
}

static void test_many(void **state)
{
	(void)state;
	rig_go(rig_new(NULL), many_scenario);
}

/* A visitor that reads nothing stops its sender and nobody else; in the end it still gets
 * everything. */
static void slow_scenario(struct rp_rig *rig)
{
	static uint8_t piece[65536];
	char buf[8];
	int visitor = rp_rig_connect(rig);
	int target = rp_rig_accept(rig);
	CHECK(visitor >= 0 && target >= 0);
	size_t sent = 0;
	int quiet = 0;
	while (quiet < 20) {
		ssize_t n = send(target, piece, sizeof(piece), MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0) {
			sent += (size_t)n;
			quiet = 0;
		} else {
			quiet++;
			(void)usleep(10000);
		}
	}
	/* The window, and what the kernel holds in four socket buffers. */
	CHECK(sent >= RP_MUX_WINDOW_DEFAULT && sent < ((size_t)40 << 20));
	int other = rp_rig_connect(rig);
	int other_target = rp_rig_accept(rig);
	CHECK(rp_rig_write_all(other, "ping", 4));
	CHECK(rp_rig_read_all(other_target, buf, 4) == 4);
	(void)close(other);
	(void)close(other_target);

	(void)close(target);
	size_t got = 0;
	for (;;) {
		ssize_t n = recv(visitor, piece, sizeof(piece), 0);
		CHECK(n >= 0);
		if (n == 0) {
			break;
		}
		got += (size_t)n;
	}
	CHECK(got == sent);
	(void)close(visitor);
}

static void test_slow_reader(void **state)
{
	(void)state;
	rig_go(rig_new(NULL), slow_scenario);
}

/* A visitor that goes away with data on the way to it. */
static void leave_scenario(struct rp_rig *rig)
{
	static uint8_t piece[1 << 20];
	int visitor = rp_rig_connect(rig);
	int target = rp_rig_accept(rig);
	CHECK(visitor >= 0 && target >= 0);
	ssize_t n = send(target, piece, sizeof(piece), MSG_NOSIGNAL);
	CHECK(n > 0);
	reset(visitor);
	while (send(target, piece, sizeof(piece), MSG_NOSIGNAL) > 0) {
	}
	CHECK(errno == EPIPE || errno == ECONNRESET);
	(void)close(target);
}

static void test_visitor_leaves(void **state)
{
	(void)state;
	rig_go(rig_new(NULL), leave_scenario);
}

/* --- who may, and how long --- */

static void closed_at_once_scenario(struct rp_rig *rig)
{
	char buf[8];
	int visitor = rp_rig_connect(rig);
	CHECK(visitor >= 0);
	CHECK(rp_rig_read_all(visitor, buf, 8) <= 0);
	(void)close(visitor);
	CHECK(rig->pair.end[0].packets == 0);
}

static void test_acl(void **state)
{
	(void)state;
	rig_go(rig_new(&(struct rp_rig_options){.acl = "10.9.8.7"}), closed_at_once_scenario);
	rig_go(rig_new(&(struct rp_rig_options){.acl = "127.0.0.0/8"}), half_close_scenario);
	/* Changed at run time. */
	struct rp_rig *rig = rig_new(NULL);
	struct rp_err err;
	assert_int_equal(rp_tunnel_set_acl(rig->tunnel, "bad", &err), RP_EINVAL);
	assert_string_equal(err.msg, "invalid IP addr: bad");
	assert_int_equal(rp_tunnel_set_acl(rig->tunnel, "10.9.8.7", &err), 0);
	assert_string_equal(rp_tunnel_remote(rig->tunnel)->acl, "10.9.8.7");
	assert_int_equal(rp_tunnel_set_acl(rig->tunnel, "", &err), 0);
	assert_null(rp_tunnel_remote(rig->tunnel)->acl);
	rig_go(rig, half_close_scenario);
}

static void second_refused_scenario(struct rp_rig *rig)
{
	char buf[8];
	int first = rp_rig_connect(rig);
	int target = rp_rig_accept(rig);
	CHECK(first >= 0 && target >= 0);
	int second = rp_rig_connect(rig);
	CHECK(second >= 0);
	CHECK(rp_rig_read_all(second, buf, 8) <= 0);
	CHECK(rp_rig_write_all(first, "x", 1));
	CHECK(rp_rig_read_all(target, buf, 1) == 1);
	(void)close(first);
	(void)close(second);
	(void)close(target);
}

static void test_connections_max(void **state)
{
	(void)state;
	rig_go(rig_new(&(struct rp_rig_options){.connections_max = 1}), second_refused_scenario);
}

static void test_policy(void **state)
{
	(void)state;
	struct rp_strlist list = {0};
	struct rp_target_rules rules = {0};
	struct rp_err err;
	assert_int_equal(rp_strlist_add(&list, rp_str_c("10.0.0.0/8")), 0);
	assert_int_equal(rp_target_rules_parse(&list, &rules, &err), 0);
	struct rp_rig *rig = rig_new(&(struct rp_rig_options){.allowed = &rules});
	rig_go(rig, refused_scenario);
	rp_target_rules_fini(&rules);
	rp_strlist_fini(&list);
}

/* The idle time counts from the creation at first (150 ms for a minute here). */
static void idle_scenario(struct rp_rig *rig)
{
	int visitor = rp_rig_connect(rig);
	/* While a connection is open the tunnel is in use. */
	int target = rp_rig_accept(rig);
	CHECK(visitor >= 0 && target >= 0);
	(void)usleep(400000);
	char buf[8];
	CHECK(rp_rig_write_all(visitor, "x", 1));
	CHECK(rp_rig_read_all(target, buf, 1) == 1);
	(void)close(visitor);
	(void)close(target);
	(void)usleep(500000);
	CHECK(rp_rig_connect(rig) < 0);
}

static void unused_scenario(struct rp_rig *rig)
{
	(void)usleep(500000);
	CHECK(rp_rig_connect(rig) < 0);
}

static void test_idle(void **state)
{
	(void)state;
	struct rp_rig rig;
	assert_int_equal(rp_rig_init(&rig, &(struct rp_rig_options){.idle_minutes = 1}), 0);
	rp_rig_run(&rig, unused_scenario);
	assert_int_equal(rig.expired, 1);
	assert_string_equal(rig.why, "idle timeout");
	rp_rig_fini(&rig);
	assert_int_equal(rp_rig_init(&rig, &(struct rp_rig_options){.idle_minutes = 1}), 0);
	rp_rig_run(&rig, idle_scenario);
	assert_int_equal(rig.expired, 1);
	rp_rig_fini(&rig);
}

static void auto_close_scenario(struct rp_rig *rig)
{
	char buf[8];
	int visitor = rp_rig_connect(rig);
	int target = rp_rig_accept(rig);
	CHECK(visitor >= 0 && target >= 0);
	CHECK(rp_rig_read_all(visitor, buf, 1) == -1 && errno == ECONNRESET);
	CHECK(rp_rig_read_all(target, buf, 1) <= 0);
	(void)close(visitor);
	(void)close(target);
}

static void test_auto_close(void **state)
{
	(void)state;
	struct rp_rig rig;
	const struct rp_rig_options opts[] = {
	    {.auto_close = INT64_C(300000000)},
	    /* What it stood on an earlier connection counts. */
	    {.auto_close = INT64_C(3600000000000), .age_ms = 3599700},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(opts); i++) {
		assert_int_equal(rp_rig_init(&rig, &opts[i]), 0);
		rp_rig_run(&rig, auto_close_scenario);
		assert_int_equal(rig.expired, 1);
		assert_string_equal(rig.why, "auto-close");
		rp_rig_fini(&rig);
	}
}

/* --- start --- */

static int try_start(
    struct rp_rig *rig, const char *lport, const char *protocol, struct rp_err *err)
{
	static const struct rp_tunnel_ops none = {0};
	struct rp_tunnel *t;
	struct rp_remote r = {0};
	struct rp_err ignored;
	assert_int_equal(rp_remote_parse("80", &r, &ignored), 0);
	free(r.lhost);
	free(r.lport);
	free(r.protocol);
	r.lhost = strdup("127.0.0.1");
	r.lport = strdup(lport);
	r.protocol = strdup(protocol);
	r.lport_random = true;
	struct rp_tunnel_options opt = {.ports = rig->ports};
	int rc = rp_tunnel_start(rig->loop, rig->pair.end[0].mux, &r, &opt, &none, NULL, &t, err);
	rp_remote_fini(&r);
	return rc;
}

static void test_start_errors(void **state)
{
	(void)state;
	struct rp_rig *rig = rig_new(&(struct rp_rig_options){.lhost = "127.0.0.1"});
	struct rp_err err;
	assert_int_equal(try_start(rig, "80", "tcp", &err), RP_EDENIED);
	assert_string_equal(err.msg, "Local port 80 is not among allowed ports.");
	assert_int_equal(try_start(rig, "x", "tcp", &err), RP_EINVAL);
	assert_string_equal(err.msg, "Invalid local port: x.");
	char expected[64];
	char lport[8];
	(void)snprintf(lport, sizeof(lport), "%u", (unsigned)rig->port);
	(void)snprintf(
	    expected, sizeof(expected), "Local port %u already in use.", (unsigned)rig->port);
	assert_int_equal(try_start(rig, lport, "tcp", &err), RP_EEXIST);
	assert_string_equal(err.msg, expected);
	assert_int_not_equal(try_start(rig, lport, "sctp", &err), 0);
	assert_string_equal(err.msg, "invalid kind, sctp");
	/* Free again at once, although the tunnel is still closing. */
	assert_int_equal(rp_ports_take(rig->ports, rig->port, RP_PROTO_TCP), RP_EEXIST);
	rp_tunnel_close(rig->tunnel);
	rp_tunnel_close(rig->tunnel);
	assert_int_equal(rp_ports_take(rig->ports, rig->port, RP_PROTO_TCP), 0);
	rp_rig_fini(rig);
	free(rig);
}

/* --- allocation failures --- */

static void oom_scenario(struct rp_rig *rig)
{
	char buf[64];
	bool *ok = rig->user;
	int visitor = rp_rig_connect(rig);
	*ok = visitor >= 0 && rp_rig_write_all(visitor, "question", 8) &&
	    shutdown(visitor, SHUT_WR) == 0;
	/* The target sees the connection only if the whole way had memory; the visitor's end
	 * tells. */
	struct timeval short_wait = {.tv_usec = 100000};
	(void)setsockopt(rig->target_fd, SOL_SOCKET, SO_RCVTIMEO, &short_wait, sizeof(short_wait));
	int target = rp_rig_accept(rig);
	if (target >= 0) {
		*ok = *ok && rp_rig_read_all(target, buf, sizeof(buf)) == 8 &&
		    rp_rig_write_all(target, "answer", 6);
		(void)close(target);
	} else {
		*ok = false;
	}
	if (visitor >= 0) {
		*ok = rp_rig_read_all(visitor, buf, sizeof(buf)) == 6 && *ok;
		(void)close(visitor);
	}
}

static int oom_body(void *state)
{
	(void)state;
	return rp_rig_oom(NULL, oom_scenario);
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_half_close),
	    cmocka_unit_test(test_no_half_close),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_reset),
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_mux_dies),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_slow_reader),
	    cmocka_unit_test(test_visitor_leaves),
	    cmocka_unit_test(test_acl),
	    cmocka_unit_test(test_connections_max),
	    cmocka_unit_test(test_policy),
	    cmocka_unit_test(test_idle),
	    cmocka_unit_test(test_auto_close),
	    cmocka_unit_test(test_start_errors),
	    cmocka_unit_test(test_oom),
	    cmocka_unit_test(test_bulk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
