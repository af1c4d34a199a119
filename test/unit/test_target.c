/* SPDX-License-Identifier: MIT */
/*
 * Targets of channels and the two checks: texts, policy, order of confirmation and dial.
 */
#include "tunnel/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "test/lib/mux_pair.h"
#include "test/lib/oom.h"

static void parse_rules(const char *rule, struct rp_target_rules *rules)
{
	struct rp_strlist list = {0};
	struct rp_err err;
	assert_int_equal(rp_strlist_add(&list, rp_str_c(rule)), 0);
	assert_int_equal(rp_target_rules_parse(&list, rules, &err), 0);
	rp_strlist_fini(&list);
}

/* A socket on a port of the kernel's choice; it listens only if asked to. */
static int bound_socket(bool listening, uint16_t *port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof(sa);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	if (listening) {
		assert_int_equal(listen(fd, 8), 0);
	}
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	*port = ntohs(sa.sin_port);
	return fd;
}

/* --- checks --- */

struct result {
	struct rp_loop *loop;
	int calls;
	int code;
	bool yes;
	char text[300];
};

static void on_target(void *ctx, int code, bool allowed, const char *text)
{
	struct result *r = ctx;
	r->calls++;
	r->code = code;
	r->yes = allowed;
	(void)snprintf(r->text, sizeof(r->text), "%s", text);
	rp_loop_stop(r->loop);
}

static void on_port(void *ctx, bool open, const char *text)
{
	on_target(ctx, 0, open, text);
}

static void run(struct result *r, int rc)
{
	assert_int_equal(rc, 0);
	assert_int_equal(r->calls, 0);
	(void)rp_loop_run(r->loop);
	rp_loop_free(r->loop);
	assert_int_equal(r->calls, 1);
}

static void begin(struct result *r)
{
	memset(r, 0, sizeof(*r));
	assert_int_equal(rp_loop_new(&r->loop, "test"), 0);
}

static void check_target(struct result *r, const struct rp_target_rules *rules, const char *remote)
{
	struct rp_check *k;
	begin(r);
	run(r, rp_target_check(r->loop, rules, remote, on_target, r, &k));
}

static void check_port(struct result *r, const char *hostport, int64_t timeout)
{
	struct rp_check *k;
	begin(r);
	run(r, rp_port_check(r->loop, hostport, timeout, on_port, r, &k));
}

static void test_check_target(void **state)
{
	(void)state;
	struct result r;
	struct rp_target_rules rules = {0};
	/* Without rules everything is allowed, even nonsense. */
	check_target(&r, NULL, "nonsense");
	assert_true(r.code == 0 && r.yes);
	check_target(&r, &rules, "nonsense");
	assert_true(r.code == 0 && r.yes);

	parse_rules("127.0.0.0/8:80", &rules);
	check_target(&r, &rules, "127.0.0.1:80");
	assert_true(r.code == 0 && r.yes);
	check_target(&r, &rules, "127.0.0.1:81");
	assert_true(r.code == 0 && !r.yes);
	check_target(&r, &rules, "[::1]:80");
	assert_true(r.code == 0 && !r.yes);
	check_target(&r, &rules, "nonsense");
	assert_true(r.code != 0 && !r.yes);
	assert_string_equal(r.text, "address nonsense: missing port in address");
	check_target(&r, &rules, "no-such-host.invalid:80");
	assert_true(r.code != 0 && !r.yes);
	assert_string_equal(r.text, "lookup no-such-host.invalid: no such host");
	rp_target_rules_fini(&rules);
}

static void test_check_port(void **state)
{
	(void)state;
	struct result r;
	uint16_t port;
	char text[64];
	char expected[128];
	int fd = bound_socket(true, &port);
	(void)snprintf(text, sizeof(text), "127.0.0.1:%u", (unsigned)port);
	check_port(&r, text, 2000000000);
	assert_true(r.yes);
	assert_string_equal(r.text, "");
	(void)snprintf(text, sizeof(text), "localhost:%u", (unsigned)port);
	check_port(&r, text, 0);
	assert_true(r.yes);
	(void)close(fd);

	fd = bound_socket(false, &port);
	(void)snprintf(text, sizeof(text), "127.0.0.1:%u", (unsigned)port);
	check_port(&r, text, 2000000000);
	assert_false(r.yes);
	(void)snprintf(
	    expected, sizeof(expected), "dial tcp %s: connect: connection refused", text);
	assert_string_equal(r.text, expected);
	(void)close(fd);
	check_port(&r, "nonsense", 0);
	assert_false(r.yes);
	assert_string_equal(r.text, "dial tcp: address nonsense: missing port in address");
	check_port(&r, "no-such-host.invalid:80", 0);
	assert_string_equal(r.text, "dial tcp: lookup no-such-host.invalid: no such host");
}

/* A listener whose queue is full does not answer. */
struct silent {
	int fd;
	int fill[8];
	char text[64];
};

static void silent_open(struct silent *s)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof(sa);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(s->fd, 0), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&sa, &len), 0);
	for (size_t i = 0; i < RP_ARRAY_LEN(s->fill); i++) {
		s->fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(s->fill[i], (struct sockaddr *)&sa, len);
	}
	(void)usleep(50000);
	(void)snprintf(s->text, sizeof(s->text), "127.0.0.1:%u", (unsigned)ntohs(sa.sin_port));
}

static void silent_close(struct silent *s)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(s->fill); i++) {
		(void)close(s->fill[i]);
	}
	(void)close(s->fd);
}

static void test_check_port_timeout(void **state)
{
	(void)state;
	struct result r;
	struct silent s;
	char expected[128];
	silent_open(&s);
	check_port(&r, s.text, 200000000);
	(void)snprintf(expected, sizeof(expected), "dial tcp %s: i/o timeout", s.text);
	assert_false(r.yes);
	assert_string_equal(r.text, expected);
	silent_close(&s);
}

struct cancelling {
	struct result r;
	struct rp_check *check;
	uv_timer_t timer;
};

static void on_cancel_time(uv_timer_t *t)
{
	struct cancelling *c = t->data;
	rp_check_cancel(c->check);
	rp_loop_stop(c->r.loop);
	uv_close((uv_handle_t *)t, NULL);
}

/* The loop ends at once although the check had a minute. */
static void cancel_port_check(const char *target, uint64_t after_ms)
{
	struct cancelling c = {.timer = {.data = &c}};
	begin(&c.r);
	assert_int_equal(uv_timer_init(rp_loop_uv(c.r.loop), &c.timer), 0);
	assert_int_equal(rp_port_check(c.r.loop, target, 0, on_port, &c.r, &c.check), 0);
	if (after_ms == 0) {
		on_cancel_time(&c.timer);
	} else {
		assert_int_equal(uv_timer_start(&c.timer, on_cancel_time, after_ms, 0), 0);
	}
	uint64_t start = uv_hrtime();
	(void)rp_loop_run(c.r.loop);
	assert_in_range(uv_hrtime() - start, 0, UINT64_C(10000000000));
	rp_loop_free(c.r.loop);
	assert_int_equal(c.r.calls, 0);
}

static void test_check_cancel(void **state)
{
	(void)state;
	struct silent s;
	silent_open(&s);
	cancel_port_check(s.text, 0);
	cancel_port_check(s.text, 20);
	cancel_port_check("nonsense", 0);
	cancel_port_check("localhost:1", 0);
	silent_close(&s);
}

static int oom_check(void *state)
{
	struct result r = {0};
	struct rp_check *k;
	int rc = rp_loop_new(&r.loop, "oom");
	if (rc != 0) {
		return rc;
	}
	rc = rp_port_check(r.loop, state, 1000000000, on_port, &r, &k);
	if (rc != 0) {
		rp_loop_stop(r.loop);
	}
	(void)rp_loop_run(r.loop);
	rp_loop_free(r.loop);
	if (rc == 0) {
		rc = r.calls != 1 ? RP_EIO : r.yes ? 0 : RP_ENOMEM;
	}
	return rc;
}

static void test_check_oom(void **state)
{
	(void)state;
	uint16_t port;
	char text[64];
	int fd = bound_socket(true, &port);
	(void)snprintf(text, sizeof(text), "127.0.0.1:%u", (unsigned)port);
	assert_int_equal(rp_oom_run(oom_check, text), 0);
	(void)close(fd);
}

/* --- channels --- */

struct scene {
	struct rp_loop *loop;
	struct rp_pair pair;
	struct rp_targets *targets;
	struct rp_channel *c;
	int opened, closed, reason;
	bool early_data; /* sent in on_opened, before the dial can have ended */
	char text[100];
	char got[100];
	size_t got_n;
};

static void finish(struct scene *s);

static void on_opened(void *ctx)
{
	struct scene *s = ctx;
	s->opened++;
	rp_channel_ready(s->c);
}

static size_t on_pull(void *ctx, uint8_t *p, size_t max)
{
	struct scene *s = ctx;
	assert_true(max > 3);
	if (s->early_data) {
		s->early_data = false;
		memcpy(p, "abc", 3);
		return 3;
	}
	return 0;
}

static void on_data(void *ctx, const uint8_t *p, size_t n)
{
	struct scene *s = ctx;
	memcpy(s->got + s->got_n, p, n);
	s->got_n += n;
	rp_channel_consumed(s->c, n);
}

static void on_closed(void *ctx, int reason, struct rp_str text)
{
	struct scene *s = ctx;
	s->closed++;
	s->reason = reason;
	s->c = NULL;
	(void)snprintf(s->text, sizeof(s->text), "%.*s", (int)text.len, text.p);
	finish(s);
}

static const struct rp_channel_ops channel_ops = {
    .on_opened = on_opened,
    .on_pull = on_pull,
    .on_data = on_data,
    .on_closed = on_closed,
};

static void on_targets_closed(void *ctx)
{
	struct scene *s = ctx;
	s->targets = NULL;
	rp_pair_fini(&s->pair);
	rp_loop_stop(s->loop);
}

static void finish(struct scene *s)
{
	if (s->targets != NULL) {
		rp_targets_close(s->targets, on_targets_closed, s);
	}
}

static void on_open(
    struct rp_pair_end *e, struct rp_channel *c, struct rp_str type, const uint8_t *extra, size_t n)
{
	struct scene *s = e->user;
	(void)type;
	rp_targets_open(s->targets, c, extra, n);
}

/* Opens a channel to the target and runs until it has ended. */
static void open_target(
    struct scene *s, const struct rp_target_rules *rules, const char *target, bool early_data)
{
	memset(s, 0, sizeof(*s));
	s->early_data = early_data;
	const struct rp_targets_options opt = {.allowed = rules, .dial_timeout_ms = 1000};
	assert_int_equal(rp_loop_new(&s->loop, "test"), 0);
	assert_int_equal(rp_pair_init(&s->pair, NULL, s->loop), 0);
	assert_int_equal(rp_targets_new(s->loop, &opt, &s->targets), 0);
	s->pair.end[1].user = s;
	s->pair.end[1].on_open = on_open;
	assert_int_equal(rp_channel_open(s->pair.end[0].mux, "rport", target, strlen(target),
	                     &channel_ops, s, &s->c),
	    0);
	(void)rp_loop_run(s->loop);
	rp_loop_free(s->loop);
	assert_null(rp_pair_trouble(&s->pair));
	assert_int_equal(s->closed, 1);
}

static void test_refusals(void **state)
{
	(void)state;
	struct scene s;
	struct rp_target_rules rules = {0};
	parse_rules("10.0.0.1", &rules);
	open_target(&s, &rules, "127.0.0.1:80", false);
	assert_int_equal(s.opened, 0);
	assert_int_equal(s.reason, RP_OPEN_PROHIBITED);
	assert_string_equal(s.text, "not allowed with \"tunnel_allowed\" config");
	open_target(&s, &rules, "localhost:80", false);
	assert_int_equal(s.reason, RP_OPEN_PROHIBITED);
	open_target(&s, &rules, "127.0.0.1:80/udp", false);
	assert_int_equal(s.reason, RP_OPEN_PROHIBITED);
	rp_target_rules_fini(&rules);

	open_target(&s, NULL, "127.0.0.1", false);
	assert_int_equal(s.reason, RP_OPEN_CONNECT_FAILED);
	open_target(&s, NULL, "no-such-host.invalid:80", false);
	assert_int_equal(s.reason, RP_OPEN_CONNECT_FAILED);
	open_target(&s, NULL, "", false);
	assert_int_equal(s.reason, RP_OPEN_CONNECT_FAILED);
	/* Confirmed and closed, as installed servers know it. */
	open_target(&s, NULL, "127.0.0.1:80/sctp", false);
	assert_int_equal(s.opened, 1);
	assert_int_equal(s.reason, 0);
}

static void test_dial_refused(void **state)
{
	(void)state;
	struct scene s;
	uint16_t port;
	char text[64];
	int fd = bound_socket(false, &port);
	(void)snprintf(text, sizeof(text), "127.0.0.1:%u", (unsigned)port);
	open_target(&s, NULL, text, true);
	assert_int_equal(s.opened, 1);
	assert_int_equal(s.reason, 0);
	(void)close(fd);
}

/* The dial goes to a socket that never answers; closing everything in the middle is clean. */
static void test_dial_timeout(void **state)
{
	(void)state;
	struct scene s;
	open_target(&s, NULL, "192.0.2.1:9", true);
	assert_true(s.opened == 1 && s.reason == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_check_target),
	    cmocka_unit_test(test_check_port),
	    cmocka_unit_test(test_check_port_timeout),
	    cmocka_unit_test(test_check_cancel),
	    cmocka_unit_test(test_check_oom),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_dial_refused),
	    cmocka_unit_test(test_dial_timeout),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
