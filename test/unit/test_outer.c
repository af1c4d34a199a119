/* SPDX-License-Identifier: MIT */
/*
 * Outer addresses: answers of services, good and bad, and rounds against a scripted one.
 */
#include "client/outer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/json.h"
#include "test/lib/net.h"

static void test_parse(void **state)
{
	(void)state;
	static const struct {
		const char *body;
		int family;
		const char *want; /* NULL: none */
	} rows[] = {
	    {"{\"ip\":\"203.0.113.7\"}", AF_INET, "203.0.113.7"},
	    {" {\"IP\" : \" 203.0.113.7 \", \"more\": [1]}\n", AF_INET, "203.0.113.7"},
	    {"203.0.113.7\n", AF_INET, "203.0.113.7"},
	    {"2001:DB8:0::1", AF_INET6, "2001:db8::1"},
	    {"{\"ip\":\"2001:db8::1\"}", AF_INET6, "2001:db8::1"},
	    {"{\"ip\":\"2001:db8::1\"}", AF_INET, NULL},
	    {"{\"ip\":\"203.0.113.7\"}", AF_INET6, NULL},
	    {"{\"ip\":7}", AF_INET, NULL},
	    {"{\"ip\":\"203.0.113.7<script>\"}", AF_INET, NULL},
	    {"{\"ip\":\"0203.0.113.7\"}", AF_INET, NULL},
	    {"{\"ip\":\"fe80::1%eth0\"}", AF_INET6, NULL},
	    {"[\"203.0.113.7\"]", AF_INET, NULL},
	    {"<html>", AF_INET, NULL},
	    {"", AF_INET, NULL},
	    {"{\"ip\":\"1111111111111111111111111111111111111111111111111111111111111111\"}",
	        AF_INET6, NULL},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		char out[INET6_ADDRSTRLEN] = "";
		bool found = rp_outer_parse(
		    rp_str_c(rows[i].body), rows[i].family, out, sizeof(out));
		if (found != (rows[i].want != NULL)) {
			fail_msg("row %zu: %s", i, out);
		}
		assert_string_equal(out, rows[i].want != NULL ? rows[i].want : "");
	}
	char out[INET6_ADDRSTRLEN];
	assert_false(rp_outer_parse(rp_str_n("203.0.113.7\0x", 13), AF_INET, out, sizeof(out)));
}

struct fixture {
	struct rp_loop *loop;
	struct rp_outer *outer;
	int fd;
	char url[64];
	const char *const *bodies; /* one for each connection */
	size_t n_bodies;
	pthread_t thread;
	char seen[512]; /* of the last request */
	unsigned n_told;
	unsigned stop_at;
	char ipv4[64];
	uv_timer_t timer;
};

static void *serve(void *p)
{
	struct fixture *f = p;
	for (size_t i = 0; i < f->n_bodies; i++) {
		char answer[512];
		size_t n = 0;
		ssize_t got;
		int fd = accept(f->fd, NULL, NULL);
		while (n < sizeof(f->seen) - 1 &&
		    (got = recv(fd, f->seen + n, sizeof(f->seen) - 1 - n, 0)) > 0) {
			n += (size_t)got;
			f->seen[n] = '\0';
			if (strstr(f->seen, "\r\n\r\n") != NULL) {
				break;
			}
		}
		int len = snprintf(answer, sizeof(answer),
		    "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s",
		    strcmp(f->bodies[i], "404") == 0 ? "404 Not Found" : "200 OK",
		    strlen(f->bodies[i]), f->bodies[i]);
		(void)!send(fd, answer, (size_t)len, MSG_NOSIGNAL);
		(void)shutdown(fd, SHUT_WR);
		while (recv(fd, answer, sizeof(answer), 0) > 0) {
		}
		(void)close(fd);
	}
	return NULL;
}

static void on_addresses(void *ctx, const char *payload, size_t n)
{
	struct fixture *f = ctx;
	struct rp_json *j;
	struct rp_err err;
	assert_int_equal(rp_json_parse(payload, n, &j, &err), 0);
	(void)snprintf(f->ipv4, sizeof(f->ipv4), "%s", rp_json_string(rp_json_get(j, "ipv4")));
	assert_string_equal(rp_json_string(rp_json_get(j, "ipv6")), "");
	assert_string_equal(rp_json_string(rp_json_get(j, "error")), "");
	assert_non_null(rp_json_string(rp_json_get(j, "updated_at")));
	rp_json_free(j);
	if (++f->n_told == f->stop_at) {
		rp_loop_stop(f->loop);
	}
}

static void on_stop(void *ctx)
{
	struct fixture *f = ctx;
	rp_outer_close(f->outer);
	if (uv_is_active((uv_handle_t *)&f->timer)) {
		uv_close((uv_handle_t *)&f->timer, NULL);
	}
}

static void on_timer(uv_timer_t *t)
{
	struct fixture *f = t->data;
	uv_close((uv_handle_t *)t, NULL);
	rp_loop_stop(f->loop);
}

static void init(struct fixture *f, const char *const *bodies, size_t n)
{
	uint16_t port;
	*f = (struct fixture){.bodies = bodies, .n_bodies = n, .stop_at = 1};
	f->fd = rp_net_listen(&port);
	assert_true(f->fd >= 0);
	(void)snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u/ip?x", port);
	assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
	assert_int_equal(rp_loop_new(&f->loop, "test"), 0);
	rp_loop_on_stop(f->loop, on_stop, f);
	assert_int_equal(uv_timer_init(rp_loop_uv(f->loop), &f->timer), 0);
	f->timer.data = f;
}

/* ms 0: until it was told so often. */
static void run(struct fixture *f, int64_t interval_ms, uint64_t ms)
{
	const struct rp_outer_options opt = {.loop = f->loop,
	    .url = f->url,
	    .interval = interval_ms * RP_NS_PER_MS,
	    .on_addresses = on_addresses,
	    .ctx = f};
	if (ms > 0) {
		assert_int_equal(uv_timer_start(&f->timer, on_timer, ms, 0), 0);
	} else {
		uv_close((uv_handle_t *)&f->timer, NULL);
	}
	assert_int_equal(rp_outer_new(&opt, &f->outer), 0);
	rp_outer_start(f->outer);
	rp_outer_start(f->outer); /* once more changes nothing */
	(void)rp_loop_run(f->loop);
	rp_loop_free(f->loop);
}

static void fini(struct fixture *f)
{
	assert_int_equal(pthread_join(f->thread, NULL), 0);
	(void)close(f->fd);
}

/* An address of IPv4 in the URL: the round for IPv6 finds nothing, which is no failure. */
static void test_rounds(void **state)
{
	(void)state;
	static const char *const bodies[] = {
	    "{\"ip\":\"203.0.113.7\"}", "203.0.113.7", "404", "nonsense", "203.0.113.8"};
	struct fixture f;
	init(&f, bodies, RP_ARRAY_LEN(bodies));
	f.stop_at = 2;
	run(&f, 20, 0);
	fini(&f);
	assert_int_equal(f.n_told, 2); /* not for the same again, nor for the failures */
	assert_string_equal(f.ipv4, "203.0.113.8");
	assert_true(strstr(f.seen, "GET /ip?x HTTP/1.1\r\n") == f.seen);
	assert_null(strstr(f.seen, "Content-"));
}

static void test_stopped(void **state)
{
	(void)state;
	struct fixture f;
	init(&f, NULL, 0);
	const struct rp_outer_options opt = {.loop = f.loop,
	    .url = f.url,
	    .interval = 20 * RP_NS_PER_MS,
	    .on_addresses = on_addresses,
	    .ctx = &f};
	assert_int_equal(rp_outer_new(&opt, &f.outer), 0);
	rp_outer_start(f.outer);
	rp_outer_stop(f.outer);
	assert_int_equal(uv_timer_start(&f.timer, on_timer, 50, 0), 0);
	(void)rp_loop_run(f.loop);
	rp_loop_free(f.loop);
	assert_int_equal(f.n_told, 0);
	fini(&f);
}

/* Nobody answers when the client ends. */
static void test_interrupted(void **state)
{
	(void)state;
	struct fixture f;
	init(&f, NULL, 0);
	run(&f, 20, 100);
	assert_int_equal(f.n_told, 0);
	fini(&f);
}

static void test_off(void **state)
{
	(void)state;
	struct fixture f;
	init(&f, NULL, 0);
	f.url[0] = '\0';
	run(&f, 20, 30);
	assert_int_equal(f.n_told, 0);
	fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_rounds),
	    cmocka_unit_test(test_stopped),
	    cmocka_unit_test(test_interrupted),
	    cmocka_unit_test(test_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
