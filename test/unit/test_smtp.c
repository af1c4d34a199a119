/* SPDX-License-Identifier: MIT */
/*
 * Mail and HTTP deliveries against servers that follow a script: what is sent, and every answer that
 * must not be believed. TLS and well-behaved servers are in test/e2e/second_factor.sh.
 */
#include "http/smtp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/crypto.h"
#include "http/fetch.h"
#include "http/smtp_mail.h"
#include "test/lib/net.h"
#include "test/lib/oom.h"

#define SEEN_MAX 8192
#define GREETING "220 x\r\n"
#define EHLO     "250-x\r\n250 AUTH LOGIN PLAIN\r\n"

/* Waits for text, then says answer. */
struct step {
	const char *until; /* NULL: nothing */
	const char *answer;
};

struct fixture {
	struct rp_loop *loop;
	int listener;
	uint16_t port;
	const struct step *steps;
	size_t n_steps;
	uv_thread_t thread;
	char seen[SEEN_MAX];
	size_t seen_n;
	struct rp_tls *tls;
	unsigned done;
	int code;
	unsigned status;
	char body[64];
	struct rp_err err;
};

static void read_until(struct fixture *f, int fd, const char *until)
{
	size_t from = f->seen_n;
	while (f->seen_n < SEEN_MAX - 1 && strstr(f->seen + from, until) == NULL) {
		if (recv(fd, f->seen + f->seen_n, 1, 0) <= 0) {
			return;
		}
		f->seen[++f->seen_n] = '\0';
	}
}

static void peer_main(void *arg)
{
	struct fixture *f = arg;
	char rest[256];
	int fd = accept(f->listener, NULL, NULL);
	for (size_t i = 0; i < f->n_steps; i++) {
		if (f->steps[i].until != NULL) {
			read_until(f, fd, f->steps[i].until);
		}
		if (f->steps[i].answer != NULL) {
			(void)!send(
			    fd, f->steps[i].answer, strlen(f->steps[i].answer), MSG_NOSIGNAL);
		}
	}
	/* A script that ends with a wait keeps the connection open. */
	bool stays = f->n_steps > 0 && f->steps[f->n_steps - 1].answer == NULL;
	(void)shutdown(fd, stays ? 0 : SHUT_WR);
	while (recv(fd, rest, sizeof(rest), 0) > 0) {
	}
	close(fd);
}

static void init(struct fixture *f, const struct step *steps, size_t n)
{
	*f = (struct fixture){.steps = steps, .n_steps = n};
	f->listener = rp_net_listen(&f->port);
	assert_true(f->listener >= 0);
	assert_int_equal(rp_loop_new(&f->loop, "test"), 0);
	assert_int_equal(rp_tls_client_new_unverified(&f->tls, &f->err), 0);
	assert_int_equal(uv_thread_create(&f->thread, peer_main, f), 0);
}

static void fini(struct fixture *f)
{
	assert_int_equal(uv_thread_join(&f->thread), 0);
	rp_loop_free(f->loop);
	rp_tls_free(f->tls);
	close(f->listener);
}

static void on_mail(void *ctx, int code, const struct rp_err *err)
{
	struct fixture *f = ctx;
	f->done++;
	f->code = code;
	if (code != 0) {
		f->err = *err;
	}
	rp_loop_stop(f->loop);
}

static struct rp_smtp_options mail(const struct fixture *f)
{
	return (struct rp_smtp_options){
	    .host = "127.0.0.1",
	    .port = f->port,
	    .tls = f->tls,
	    .username = "",
	    .password = "",
	    .from = "rport@example.com",
	    .to = "admin@example.com",
	    .subject = "RPort 2FA",
	    .text = "first\n.dot\nlast\n",
	    .timeout_ms = 5000,
	};
}

static void run_mail(struct fixture *f, const struct rp_smtp_options *opt)
{
	struct rp_smtp *s;
	assert_int_equal(rp_smtp_start(f->loop, opt, on_mail, f, &s, &f->err), 0);
	assert_int_equal(f->done, 0);
	rp_loop_run(f->loop);
	assert_int_equal(f->done, 1);
}

static void test_plain_mail(void **state)
{
	static const struct step steps[] = {{NULL, GREETING}, {"EHLO", NULL}, {"\r\n", EHLO},
	    {"MAIL FROM:<rport@example.com>\r\n", "250 ok\r\n"},
	    {"RCPT TO:<admin@example.com>\r\n", "251 forwarded\r\n"}, {"DATA\r\n", "354 go\r\n"},
	    {"\r\n.\r\n", "250-kept\r\n250 ok\r\n"}, {"QUIT\r\n", "221 bye\r\n"}};
	struct fixture f;
	(void)state;
	init(&f, steps, RP_ARRAY_LEN(steps));
	const struct rp_smtp_options opt = mail(&f);
	run_mail(&f, &opt);
	assert_int_equal(f.code, 0);
	fini(&f);
	assert_non_null(strstr(f.seen,
	    "\r\nFrom: <rport@example.com>\r\nTo: <admin@example.com>\r\n"
	    "Subject: RPort 2FA\r\n"));
	assert_non_null(strstr(f.seen, "\r\n\r\nfirst\r\n..dot\r\nlast\r\n\r\n.\r\n"));
	assert_null(strstr(f.seen, "AUTH"));
}

static void test_auth_plain(void **state)
{
	static const struct step steps[] = {
	    {NULL, GREETING}, {"\r\n", EHLO}, {"AUTH PLAIN AG1lAHBhc3M=\r\n", "535 no\r\n"}};
	struct fixture f;
	(void)state;
	init(&f, steps, RP_ARRAY_LEN(steps));
	struct rp_smtp_options opt = mail(&f);
	opt.username = "me";
	opt.password = "pass";
	run_mail(&f, &opt);
	assert_int_equal(f.code, RP_EDENIED);
	assert_string_equal(f.err.msg, "mail server 127.0.0.1: AUTH PLAIN was answered with 535");
	fini(&f);
}

/* What a server may not do; the error names the step, none of the server's words. */
static void test_bad_servers(void **state)
{
	static const struct {
		struct step steps[4];
		const char *want;
	} cases[] = {
	    {{{NULL, "554 go away\r\n"}}, "the greeting was answered with 554"},
	    {{{NULL, "hello\r\n"}}, "its answer to the greeting is no SMTP"},
	    {{{NULL, "\r\n"}}, "its answer to the greeting is no SMTP"},
	    {{{NULL, "2200 x\r\n"}}, "its answer to the greeting is no SMTP"},
	    {{{NULL, "SSH-2.0-x\r\n"}}, "its answer to the greeting is no SMTP"},
	    {{{NULL, "220-x\r\n"}}, "the connection ended before the answer to the greeting"},
	    {{{NULL, GREETING}, {"EHLO", "250-evil\x07\r\n"}, {NULL, "500 evil\x07\r\n"}},
	        "EHLO was answered with 500"},
	    {{{NULL, GREETING}, {"\r\n", "250 STARTTLS\r\n"},
	         {"STARTTLS\r\n", "220 go\r\n220 again\r\n"}},
	        "it sent something before TLS was there"},
	    {{{NULL, GREETING}, {"\r\n", "250 STARTTLS\r\n"}, {"STARTTLS\r\n", "454 no\r\n"}},
	        "STARTTLS was answered with 454"},
	    {{{NULL, GREETING}, {"\r\n", "250 x\r\n"}, {"MAIL", "250 ok\r\n"},
	         {"RCPT", "550 nobody\r\n"}},
	        "RCPT TO was answered with 550"},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		struct fixture f;
		size_t n = 0;
		while (n < 4 &&
		    (cases[i].steps[n].until != NULL || cases[i].steps[n].answer != NULL)) {
			n++;
		}
		init(&f, cases[i].steps, n);
		const struct rp_smtp_options opt = mail(&f);
		run_mail(&f, &opt);
		assert_true(f.code < 0);
		if (strcmp(f.err.msg + strlen("mail server 127.0.0.1: "), cases[i].want) != 0) {
			fail_msg("case %zu: %s", i, f.err.msg);
		}
		fini(&f);
	}
}

static void test_endless(void **state)
{
	static char line[3000];
	static char lines[1200];
	struct fixture f;
	(void)state;
	memset(line, '2', sizeof(line) - 1);
	const struct step one[] = {{NULL, line}};
	init(&f, one, 1);
	struct rp_smtp_options opt = mail(&f);
	run_mail(&f, &opt);
	assert_int_equal(f.code, RP_ELIMIT);
	fini(&f);
	for (size_t i = 0; i + 7 < sizeof(lines); i += 7) {
		memcpy(lines + i, "220-x\r\n", 7);
	}
	const struct step many[] = {{NULL, lines}};
	init(&f, many, 1);
	opt = mail(&f);
	run_mail(&f, &opt);
	assert_int_equal(f.code, RP_EPROTO);
	fini(&f);
}

static void test_silent(void **state)
{
	static const struct step steps[] = {{"never", NULL}};
	struct fixture f;
	(void)state;
	init(&f, steps, 1);
	struct rp_smtp_options opt = mail(&f);
	opt.timeout_ms = 200;
	run_mail(&f, &opt);
	assert_int_equal(f.code, RP_ETIMEOUT);
	assert_string_equal(f.err.msg, "mail server 127.0.0.1: no answer to the greeting in time");
	fini(&f);
}

static void on_cancel(uv_timer_t *timer)
{
	struct rp_smtp **s = timer->data;
	rp_smtp_cancel(*s);
	uv_close((uv_handle_t *)timer, NULL);
}

static void test_cancel(void **state)
{
	static const struct step steps[] = {{NULL, GREETING}, {"never", NULL}};
	struct fixture f;
	struct rp_smtp *s;
	uv_timer_t timer;
	(void)state;
	init(&f, steps, 2);
	const struct rp_smtp_options opt = mail(&f);
	assert_int_equal(rp_smtp_start(f.loop, &opt, on_mail, &f, &s, &f.err), 0);
	assert_int_equal(uv_timer_init(rp_loop_uv(f.loop), &timer), 0);
	timer.data = &s;
	assert_int_equal(uv_timer_start(&timer, on_cancel, 50, 0), 0);
	rp_loop_stop(f.loop);
	rp_loop_run(f.loop);
	assert_int_equal(f.done, 0);
	fini(&f);
	rp_smtp_cancel(NULL);
}

static void test_addresses(void **state)
{
	static const char *const good[] = {
	    "a@b", "rport@example.com", "first.last+tag@sub.example.org", "o'hara@example.com"};
	static const char *const bad[] = {"", "@", "a@", "@b", "a", "a@b@c", "a b@c",
	    "a@b\r\nRCPT TO:<x@y>", "a@b>", "<a@b>", "a@b,c@d", "a@b;c", "\"a\"@b", "a@[1.2.3.4]",
	    "a@b\n", "\xc3\xa4@b", "a@\xc3\xa4", "a\t@b", "a@b c", "Name <a@b>"};
	char longest[300];
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(good); i++) {
		assert_true(rp_smtp_address_ok(good[i]));
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		if (rp_smtp_address_ok(bad[i])) {
			fail_msg("\"%s\"", bad[i]);
		}
	}
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "a@", 2);
	longest[255] = '\0';
	assert_false(rp_smtp_address_ok(longest));
	longest[254] = '\0';
	assert_true(rp_smtp_address_ok(longest));
	struct fixture f = {0};
	struct rp_smtp *s;
	struct rp_smtp_options opt = mail(&f);
	opt.to = "a@b\r\nc";
	assert_int_equal(rp_smtp_start(NULL, &opt, on_mail, &f, &s, &f.err), RP_EINVAL);
}

/* --- HTTP --- */

static void on_fetched(
    void *ctx, int code, unsigned status, struct rp_str body, const struct rp_err *err)
{
	struct fixture *f = ctx;
	f->done++;
	f->code = code;
	f->status = status;
	(void)snprintf(
	    f->body, sizeof(f->body), "%.*s", (int)body.len, body.p != NULL ? body.p : "");
	if (code != 0) {
		f->err = *err;
	}
	rp_loop_stop(f->loop);
}

static void run_fetch(struct fixture *f, const char *path, unsigned timeout_ms)
{
	char url[128];
	struct rp_fetch *fetch;
	(void)snprintf(url, sizeof(url), "http://u:p@127.0.0.1:%u%s", f->port, path);
	const struct rp_fetch_options opt = {
	    .url = url,
	    .content_type = "text/plain",
	    .body = rp_str_c("the body"),
	    .timeout_ms = timeout_ms,
	};
	assert_int_equal(rp_fetch_start(f->loop, &opt, on_fetched, f, &fetch, &f->err), 0);
	assert_int_equal(f->done, 0);
	rp_loop_run(f->loop);
	assert_int_equal(f->done, 1);
}

static void test_fetch(void **state)
{
	static const struct step steps[] = {{"the body",
	    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\nyes"}};
	char host[64];
	struct fixture f;
	(void)state;
	init(&f, steps, 1);
	run_fetch(&f, "/a?b=c", 5000);
	assert_int_equal(f.code, 0);
	assert_int_equal(f.status, 201);
	assert_string_equal(f.body, "yes");
	fini(&f);
	assert_true(strstr(f.seen, "POST /a?b=c HTTP/1.1\r\n") == f.seen);
	(void)snprintf(host, sizeof(host), "\r\nHost: 127.0.0.1:%u\r\n", f.port);
	assert_non_null(strstr(f.seen, host));
	assert_non_null(strstr(f.seen, "\r\nAuthorization: Basic dTpw\r\n"));
	assert_non_null(strstr(f.seen, "\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n"));
}

static void test_fetch_until_end(void **state)
{
	static const struct step steps[] = {{"the body", "HTTP/1.0 204 No Content\r\n\r\n"}};
	static const struct step open_end[] = {{"the body", "HTTP/1.0 200 OK\r\n\r\nall"}};
	struct fixture f;
	(void)state;
	init(&f, steps, 1);
	run_fetch(&f, "/", 5000);
	assert_int_equal(f.status, 204);
	fini(&f);
	init(&f, open_end, 1);
	run_fetch(&f, "/", 5000);
	assert_int_equal(f.status, 200);
	assert_string_equal(f.body, "all");
	fini(&f);
}

static void test_bad_fetches(void **state)
{
	static char huge[80000];
	int n = snprintf(huge, sizeof(huge), "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n");
	memset(huge + n, 'x', sizeof(huge) - (size_t)n - 1);
	const struct {
		struct step step;
		int want;
	} cases[] = {
	    {{"the body", "SSH-2.0-x\r\n\r\n"}, RP_EPROTO},
	    {{"the body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"}, RP_ECLOSED},
	    {{"the body", "HTTP/1.1 200 OK\r\n"}, RP_ECLOSED},
	    {{"the body", huge}, RP_ELIMIT},
	    {{"never", NULL}, RP_ETIMEOUT},
	};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		struct fixture f;
		init(&f, &cases[i].step, 1);
		run_fetch(&f, "/secret?x", cases[i].want == RP_ETIMEOUT ? 200 : 5000);
		if (f.code != cases[i].want) {
			fail_msg("case %zu: %d %s", i, f.code, f.err.msg);
		}
		assert_null(strstr(f.err.msg, "secret"));
		fini(&f);
	}
}

static void test_fetch_urls(void **state)
{
	static const char *const bad[] = {"", "x", "ftp://a/", "ws://a/", "https://a/", "http://"};
	struct rp_fetch *fetch;
	struct rp_loop *loop;
	(void)state;
	assert_int_equal(rp_loop_new(&loop, "test"), 0);
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		struct rp_err err = {0};
		const struct rp_fetch_options opt = {
		    .url = bad[i], .content_type = "x", .timeout_ms = 100};
		assert_true(rp_fetch_start(loop, &opt, on_fetched, NULL, &fetch, &err) < 0);
		assert_true(err.msg[0] != '\0');
	}
	rp_fetch_cancel(NULL);
	rp_loop_free(loop);
}

static int body(void *state)
{
	struct rp_buf b;
	struct fixture f = {0};
	const struct rp_smtp_options opt = mail(&f);
	(void)state;
	rp_buf_init(&b, 4096);
	int rc = rp_smtp_mail(&opt, &b);
	rp_buf_fini(&b);
	return rc;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(body, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain_mail),
	    cmocka_unit_test(test_auth_plain),
	    cmocka_unit_test(test_bad_servers),
	    cmocka_unit_test(test_endless),
	    cmocka_unit_test(test_silent),
	    cmocka_unit_test(test_cancel),
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_fetch),
	    cmocka_unit_test(test_fetch_until_end),
	    cmocka_unit_test(test_bad_fetches),
	    cmocka_unit_test(test_fetch_urls),
	    cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
