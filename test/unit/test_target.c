/* SPDX-License-Identifier: MIT */
/*
 * Targets of channels and the two checks: texts, policy, order of confirmation and dial.
 */
#include "tunnel/target.h"

#include <netdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "test/lib/mux_pair.h"
#include "test/lib/oom.h"

/* --- a resolver of our own, in place of the C library's --- */

/* What "turncoat.test" resolves to, look-up by look-up; the last one stays. */
static const char *answers[3];
static atomic_uint lookups;

struct answer {
	struct addrinfo info;
	struct sockaddr_in sin;
};

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int getaddrinfo(const char *restrict node, const char *restrict service,
    const struct addrinfo *restrict hints, struct addrinfo **restrict res)
{
	(void)service;
	(void)hints;
	const char *ip = "127.0.0.1";
	if (strcmp(node, "turncoat.test") == 0) {
		unsigned i = atomic_fetch_add(&lookups, 1);
		for (i = RP_MIN(i, 2u); answers[i] == NULL; i--) {
		}
		ip = answers[i];
	} else if (strcmp(node, "localhost") != 0) {
		return EAI_NONAME;
	}
	struct answer *a = calloc(1, sizeof(*a));
	if (a == NULL) {
		return EAI_MEMORY;
	}
	a->sin.sin_family = AF_INET;
	(void)inet_pton(AF_INET, ip, &a->sin.sin_addr);
	a->info.ai_family = AF_INET;
	a->info.ai_socktype = SOCK_STREAM;
	a->info.ai_addr = (struct sockaddr *)&a->sin;
	a->info.ai_addrlen = sizeof(a->sin);
	*res = &a->info;
	return 0;
}

void freeaddrinfo(struct addrinfo *res)
{
	free(res);
}

static void resolves_to(const char *first, const char *then)
{
	answers[0] = first;
	answers[1] = then;
	answers[2] = NULL;
	atomic_store(&lookups, 0);
}

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

static void check_port_of(
    struct result *r, const struct rp_target_rules *rules, const char *hostport, int64_t timeout)
{
	const struct rp_port_question q = {.hostport = hostport, .timeout_ns = timeout};
	struct rp_check *k;
	begin(r);
	run(r, rp_port_check(r->loop, rules, &q, on_port, r, &k));
}

static void check_port(struct result *r, const char *hostport, int64_t timeout)
{
	check_port_of(r, NULL, hostport, timeout);
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
	const struct rp_port_question q = {.hostport = target};
	assert_int_equal(rp_port_check(c.r.loop, NULL, &q, on_port, &c.r, &c.check), 0);
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
	const struct rp_port_question q = {.hostport = state, .timeout_ns = 1000000000};
	rc = rp_port_check(r.loop, NULL, &q, on_port, &r, &k);
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
	const struct rp_targets_options opt = {
	    .allowed = rules, .dial_timeout_ms = 1000, .no_half_close = true};
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

/* --- a name whose address changes --- */

/* A target that takes one connection, reads what comes and closes. */
struct listener {
	pthread_t thread;
	int fd;
	uint16_t port;
	char text[64];
	char got[8];
};

static void *take_one(void *arg)
{
	struct listener *l = arg;
	const struct timeval limit = {.tv_sec = 20};
	(void)setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	int fd = accept(l->fd, NULL, NULL);
	if (fd >= 0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		(void)!recv(fd, l->got, 3, MSG_WAITALL);
		(void)close(fd);
	}
	return NULL;
}

static void listener_open(struct listener *l)
{
	memset(l, 0, sizeof(*l));
	l->fd = bound_socket(true, &l->port);
	(void)snprintf(l->text, sizeof(l->text), "turncoat.test:%u", (unsigned)l->port);
	assert_int_equal(pthread_create(&l->thread, NULL, take_one, l), 0);
}

static void listener_close(struct listener *l)
{
	assert_int_equal(pthread_join(l->thread, NULL), 0);
	(void)close(l->fd);
}

/* One look-up serves check and dial; the next channel is decided anew. */
static void test_rebinding(void **state)
{
	(void)state;
	struct scene s;
	struct listener l;
	struct rp_target_rules rules = {0};
	parse_rules("127.0.0.1", &rules);
	listener_open(&l);
	resolves_to("127.0.0.1", "192.0.2.1");
	open_target(&s, &rules, l.text, true);
	listener_close(&l);
	assert_string_equal(l.got, "abc");
	assert_int_equal(lookups, 1);
	open_target(&s, &rules, l.text, true);
	assert_int_equal(s.opened, 0);
	assert_int_equal(s.reason, RP_OPEN_PROHIBITED);
	assert_int_equal(lookups, 2);
	rp_target_rules_fini(&rules);
}

/* Allowed when the server asked, elsewhere when it dials. */
static void test_changed_after_check(void **state)
{
	(void)state;
	struct scene s;
	struct result r;
	struct rp_target_rules rules = {0};
	parse_rules("10.0.0.0/8:22", &rules);
	resolves_to("10.0.0.1", "127.0.0.1");
	check_target(&r, &rules, "turncoat.test:22");
	assert_true(r.code == 0 && r.yes);
	open_target(&s, &rules, "turncoat.test:22", false);
	assert_int_equal(s.reason, RP_OPEN_PROHIBITED);
	open_target(&s, &rules, "turncoat.test:22/udp", false);
	assert_int_equal(s.reason, RP_OPEN_PROHIBITED);
	check_target(&r, &rules, "turncoat.test:22");
	assert_true(r.code == 0 && !r.yes);
	/* The test of the port does not reach what tunnels may not. */
	check_port_of(&r, &rules, "turncoat.test:22", 0);
	assert_false(r.yes);
	assert_string_equal(
	    r.text, "dial tcp: turncoat.test:22: not allowed with \"tunnel_allowed\" config");
	rp_target_rules_fini(&rules);
}

/* Who allows a name leaves it to the resolver where it leads. */
static void test_allowed_name(void **state)
{
	(void)state;
	struct scene s;
	struct result r;
	struct listener l;
	struct rp_target_rules rules = {0};
	parse_rules("Turncoat.test", &rules);
	resolves_to("192.0.2.1", "127.0.0.1");
	listener_open(&l);
	check_target(&r, &rules, l.text);
	assert_true(r.code == 0 && r.yes);
	open_target(&s, &rules, l.text, true);
	listener_close(&l);
	assert_string_equal(l.got, "abc");
	open_target(&s, &rules, "127.0.0.1:22", false);
	assert_int_equal(s.reason, RP_OPEN_PROHIBITED);
	rp_target_rules_fini(&rules);
}

static int oom_name(void *state)
{
	const struct rp_target_rules *rules = state;
	struct result r = {0};
	struct rp_check *k;
	int rc = rp_loop_new(&r.loop, "oom");
	if (rc != 0) {
		return rc;
	}
	rc = rp_target_check(r.loop, rules, "turncoat.test:22", on_target, &r, &k);
	if (rc != 0) {
		rp_loop_stop(r.loop);
	}
	(void)rp_loop_run(r.loop);
	rp_loop_free(r.loop);
	return rc != 0 ? rc : r.calls == 1 && r.yes ? 0 : RP_ENOMEM;
}

static void test_name_oom(void **state)
{
	(void)state;
	struct rp_target_rules rules = {0};
	parse_rules("turncoat.test:22", &rules);
	resolves_to("192.0.2.1", NULL);
	assert_int_equal(rp_oom_run(oom_name, &rules), 0);
	rp_target_rules_fini(&rules);
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
	    cmocka_unit_test(test_rebinding),
	    cmocka_unit_test(test_changed_after_check),
	    cmocka_unit_test(test_allowed_name),
	    cmocka_unit_test(test_name_oom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
