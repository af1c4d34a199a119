/* SPDX-License-Identifier: MIT */
/*
 * The dialogue. Each state waits for one answer; step() says what it must be and what comes next:
 *
 *	GREETING 220 -> EHLO 250 -> [STARTTLS 220 -> TLS -> EHLO 250] -> [AUTH 235] -> MAIL 250
 *	-> RCPT 250 -> DATA 354 -> BODY 250 -> done
 *
 * AUTH LOGIN has two more, 334 each. QUIT is sent along without waiting for its answer. Whatever
 * goes wrong ends in finish().
 */
#include "http/smtp.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/crypto.h"
#include "http/dial.h"
#include "http/smtp_mail.h"
#include "http/stream.h"

#include "core/banned.h"

#define LINE_LIMIT        ((size_t)1024)
#define LINES_MAX         64
#define MAIL_MAX          ((size_t)16 * 1024)
#define HOST_NAME_MAX_LEN 64
#define LINGER_MS         1000

enum state {
	GREETING,
	EHLO,
	STARTTLS,
	AUTH_PLAIN,
	AUTH_LOGIN,
	AUTH_USER,
	AUTH_PASSWORD,
	MAIL,
	RCPT,
	DATA,
	BODY,
	STATES
};

static const struct {
	const char *name;
	unsigned want;
} steps[STATES] = {
    [GREETING] = {"the greeting", 220},
    [EHLO] = {"EHLO", 250},
    [STARTTLS] = {"STARTTLS", 220},
    [AUTH_PLAIN] = {"AUTH PLAIN", 235},
    [AUTH_LOGIN] = {"AUTH LOGIN", 334},
    [AUTH_USER] = {"the user name", 334},
    [AUTH_PASSWORD] = {"the password", 235},
    [MAIL] = {"MAIL FROM", 250},
    [RCPT] = {"RCPT TO", 250},
    [DATA] = {"DATA", 354},
    [BODY] = {"the mail", 250},
};

struct rp_smtp {
	struct rp_smtp_options opt; /* texts owned */
	struct rp_url url;          /* what is dialled */
	char *mail;
	rp_smtp_cb cb; /* NULL once it is over */
	void *ctx;
	enum state state;
	bool handshaking; /* until TLS stands */
	bool secure;
	struct rp_smtp_offer offer;
	unsigned lines; /* of the answer so far */
	struct rp_buf in;
	struct rp_dial *dial;
	struct rp_stream *stream;
	uv_timer_t timer;
	bool timer_open;
};

static void free_texts(struct rp_smtp_options *o)
{
	const char *const texts[] = {
	    o->host, o->username, o->password, o->from, o->to, o->subject, o->text};
	for (size_t i = 0; i < RP_ARRAY_LEN(texts); i++) {
		rp_free_secret((char *)(uintptr_t)texts[i]);
	}
}

static void maybe_free(struct rp_smtp *s)
{
	if (s->cb != NULL || s->timer_open || s->stream != NULL) {
		return;
	}
	free_texts(&s->opt);
	rp_url_fini(&s->url);
	rp_free_secret(s->mail);
	rp_buf_fini(&s->in);
	rp_free(s);
}

static void on_timer_closed(uv_handle_t *h)
{
	struct rp_smtp *s = h->data;
	s->timer_open = false;
	maybe_free(s);
}

static void close_parts(struct rp_smtp *s, bool flush)
{
	s->cb = NULL;
	rp_dial_cancel(s->dial);
	s->dial = NULL;
	if (s->stream != NULL && flush) {
		rp_stream_close_flush(s->stream, LINGER_MS);
	} else if (s->stream != NULL) {
		rp_stream_close(s->stream);
	}
	if (s->timer_open && !uv_is_closing((uv_handle_t *)&s->timer)) {
		uv_close((uv_handle_t *)&s->timer, on_timer_closed);
	}
}

RP_PRINTF(3, 4) static void fail(struct rp_smtp *s, int code, const char *fmt, ...)
{
	rp_smtp_cb cb = s->cb;
	struct rp_err err;
	char text[160];
	va_list ap;
	if (cb == NULL) {
		return;
	}
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)rp_err_set(&err, code, "mail server %s: %s", s->opt.host, text);
	close_parts(s, false);
	cb(s->ctx, code, &err);
}

void rp_smtp_cancel(struct rp_smtp *s)
{
	if (s != NULL && s->cb != NULL) {
		close_parts(s, false);
	}
}

/* Sends text and waits in the new state. */
static void say(struct rp_smtp *s, enum state next, const char *text)
{
	struct iovec iov[2] = {
	    {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)},
	    {.iov_base = (void *)(uintptr_t) "\r\n", .iov_len = 2},
	};
	s->state = next;
	int err = rp_stream_write(s->stream, iov, 2);
	if (err < 0) {
		fail(s, err, "%s", rp_err_text(err));
	}
}

/* The same with a text that was made for it; NULL: no memory. */
static void say_owned(struct rp_smtp *s, enum state next, char *text)
{
	if (text == NULL) {
		fail(s, RP_ENOMEM, "%s", rp_err_text(RP_ENOMEM));
		return;
	}
	say(s, next, text);
	rp_free_secret(text);
}

static void say_ehlo(struct rp_smtp *s)
{
	char name[HOST_NAME_MAX_LEN + 1] = "";
	if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0' ||
	    name[strspn(name,
	        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")] != '\0') {
		(void)snprintf(name, sizeof(name), "localhost");
	}
	s->offer = (struct rp_smtp_offer){0};
	say_owned(s, EHLO, rp_asprintf("EHLO %s", name));
}

static void say_mail(struct rp_smtp *s)
{
	say_owned(s, MAIL, rp_asprintf("MAIL FROM:<%s>", s->opt.from));
}

static char *plain_text(const struct rp_smtp *s)
{
	size_t user = strlen(s->opt.username);
	size_t password = strlen(s->opt.password);
	char *raw = rp_calloc(1, user + password + 3);
	if (raw == NULL) {
		return NULL;
	}
	memcpy(raw + 1, s->opt.username, user);
	memcpy(raw + user + 2, s->opt.password, password);
	char *b64 = rp_base64(raw, user + password + 2);
	rp_secret_wipe(raw, user + password + 2);
	rp_free(raw);
	char *text = b64 == NULL ? NULL : rp_asprintf("AUTH PLAIN %s", b64);
	rp_free_secret(b64);
	return text;
}

static bool is_loopback(const struct rp_smtp *s)
{
	const char *peer = rp_stream_peer(s->stream);
	return strncmp(peer, "127.", 4) == 0 || strcmp(peer, "::1") == 0;
}

static void log_in(struct rp_smtp *s)
{
	if (s->opt.username[0] == '\0') {
		say_mail(s);
	} else if (!s->secure && !is_loopback(s)) {
		fail(s, RP_EDENIED, "it offers no TLS: the password is not sent");
	} else if (s->offer.plain) {
		say_owned(s, AUTH_PLAIN, plain_text(s));
	} else if (s->offer.login) {
		say(s, AUTH_LOGIN, "AUTH LOGIN");
	} else {
		fail(s, RP_EUNSUPPORTED, "it offers neither AUTH PLAIN nor AUTH LOGIN");
	}
}

static void on_tls(void *ctx)
{
	struct rp_smtp *s = ctx;
	s->secure = true;
	s->handshaking = false;
	if (!s->opt.implicit_tls) {
		say_ehlo(s);
	}
}

static void start_tls(struct rp_smtp *s)
{
	s->handshaking = true;
	rp_stream_read_stop(s->stream);
	int err = rp_stream_start_tls(s->stream, s->opt.tls, s->opt.host, on_tls);
	if (err != 0) {
		fail(s, err, "TLS: %s", rp_err_text(err));
		return;
	}
	rp_stream_read_start(s->stream);
}

static void done(struct rp_smtp *s)
{
	static const char quit[] = "QUIT\r\n";
	struct iovec iov = {.iov_base = (void *)(uintptr_t)quit, .iov_len = sizeof(quit) - 1};
	rp_smtp_cb cb = s->cb;
	bool sent = rp_stream_write(s->stream, &iov, 1) >= 0;
	close_parts(s, sent);
	cb(s->ctx, 0, NULL);
}

/* The answer that the state waited for is there, and a good one. */
static void step(struct rp_smtp *s)
{
	switch (s->state) {
	case GREETING:
		say_ehlo(s);
		return;
	case EHLO:
		if (!s->secure && s->offer.starttls) {
			say(s, STARTTLS, "STARTTLS");
		} else {
			log_in(s);
		}
		return;
	case STARTTLS:
		start_tls(s);
		return;
	case AUTH_LOGIN:
		say_owned(s, AUTH_USER, rp_base64(s->opt.username, strlen(s->opt.username)));
		return;
	case AUTH_USER:
		say_owned(s, AUTH_PASSWORD, rp_base64(s->opt.password, strlen(s->opt.password)));
		return;
	case AUTH_PLAIN:
	case AUTH_PASSWORD:
		say_mail(s);
		return;
	case MAIL:
		say_owned(s, RCPT, rp_asprintf("RCPT TO:<%s>", s->opt.to));
		return;
	case RCPT:
		say(s, DATA, "DATA");
		return;
	case DATA:
		say(s, BODY, s->mail);
		return;
	case BODY:
		done(s);
		return;
	case STATES:
		break;
	}
}

static void take_line(struct rp_smtp *s, struct rp_str line)
{
	unsigned code;
	struct rp_str text;
	int last = rp_smtp_line(line, &code, &text);
	if (last < 0 || ++s->lines > LINES_MAX) {
		fail(s, RP_EPROTO, "its answer to %s is no SMTP", steps[s->state].name);
		return;
	}
	if (s->state == EHLO) {
		rp_smtp_offer_add(&s->offer, text);
	}
	if (last == 0) {
		return;
	}
	s->lines = 0;
	bool forwarded = s->state == RCPT && code == 251;
	if (code != steps[s->state].want && !forwarded) {
		fail(s, RP_EDENIED, "%s was answered with %u", steps[s->state].name, code);
		return;
	}
	step(s);
}

/* Takes whole lines off the buffer as long as somebody is interested. */
static void take_lines(struct rp_smtp *s)
{
	char line[LINE_LIMIT];
	const uint8_t *end;
	while (s->cb != NULL && !s->handshaking && s->in.len > 0 &&
	    (end = memchr(rp_buf_head(&s->in), '\n', s->in.len)) != NULL) {
		size_t n = (size_t)(end - rp_buf_head(&s->in));
		if (n >= sizeof(line)) {
			break;
		}
		memcpy(line, rp_buf_head(&s->in), n);
		rp_buf_consume(&s->in, n + 1);
		take_line(s, rp_str_n(line, n > 0 && line[n - 1] == '\r' ? n - 1 : n));
	}
}

static void on_data(void *ctx, uint8_t *p, size_t n)
{
	struct rp_smtp *s = ctx;
	while (n > 0 && s->cb != NULL && !s->handshaking) {
		size_t part = RP_MIN(n, LINE_LIMIT - s->in.len);
		int err = part == 0 ? RP_ELIMIT : rp_buf_add(&s->in, p, part);
		if (err != 0) {
			fail(s, err, "its answer is too long");
			return;
		}
		p += part;
		n -= part;
		take_lines(s);
	}
	/* Nothing that came in the clear may count as said under TLS. */
	if (s->handshaking && (n > 0 || s->in.len > 0)) {
		fail(s, RP_EPROTO, "it sent something before TLS was there");
	}
}

static void on_eof(void *ctx)
{
	struct rp_smtp *s = ctx;
	fail(s, RP_ECLOSED, "the connection ended before the answer to %s", steps[s->state].name);
}

static void on_error(void *ctx, int code, const char *text)
{
	fail(ctx, code, "%s", text);
}

static void on_closed(void *ctx)
{
	struct rp_smtp *s = ctx;
	s->stream = NULL;
	maybe_free(s);
}

static const struct rp_stream_ops stream_ops = {
    .on_data = on_data,
    .on_eof = on_eof,
    .on_error = on_error,
    .on_closed = on_closed,
};

/* The server speaks first: early is what it has said. */
static void on_dialled(void *ctx, int code, struct rp_stream *stream, uint8_t *early,
    size_t early_n, const struct rp_http_head *head, const struct rp_err *err)
{
	struct rp_smtp *s = ctx;
	(void)head;
	s->dial = NULL;
	if (code != 0) {
		fail(s, code, "%s", err->msg);
		rp_free(early);
		return;
	}
	s->stream = stream;
	rp_stream_set_ops(stream, &stream_ops, s);
	if (s->opt.implicit_tls) {
		start_tls(s);
	} else {
		rp_stream_read_start(stream);
	}
	on_data(s, early, early_n);
	rp_free(early);
}

static void on_timeout(uv_timer_t *timer)
{
	struct rp_smtp *s = timer->data;
	fail(s, RP_ETIMEOUT, "no answer to %s in time", steps[s->state].name);
}

static int copy_texts(struct rp_smtp *s, const struct rp_smtp_options *opt)
{
	s->opt = *opt;
	s->opt.host = rp_strdup(opt->host);
	s->opt.username = rp_strdup(opt->username);
	s->opt.password = rp_strdup(opt->password);
	s->opt.from = rp_strdup(opt->from);
	s->opt.to = rp_strdup(opt->to);
	s->opt.subject = rp_strdup(opt->subject);
	s->opt.text = rp_strdup(opt->text);
	bool ok = s->opt.host != NULL && s->opt.username != NULL && s->opt.password != NULL &&
	    s->opt.from != NULL && s->opt.to != NULL && s->opt.subject != NULL &&
	    s->opt.text != NULL;
	return ok ? 0 : RP_ENOMEM;
}

/* say() ends it with CRLF itself. */
static int make_mail(struct rp_smtp *s)
{
	struct rp_buf b;
	rp_buf_init(&b, MAIL_MAX);
	int err = rp_smtp_mail(&s->opt, &b);
	if (err == 0) {
		b.len -= 2;
		err = rp_buf_take_string(&b, &s->mail);
	}
	rp_buf_fini(&b);
	return err;
}

static int prepare(struct rp_smtp *s, const struct rp_smtp_options *opt)
{
	rp_buf_init(&s->in, LINE_LIMIT);
	int err = copy_texts(s, opt);
	err = err != 0 ? err : make_mail(s);
	return err != 0 ? err : rp_url_plain(opt->host, opt->port, &s->url);
}

int rp_smtp_start(struct rp_loop *loop, const struct rp_smtp_options *opt, rp_smtp_cb cb, void *ctx,
    struct rp_smtp **out, struct rp_err *err)
{
	if (!rp_smtp_address_ok(opt->from) || !rp_smtp_address_ok(opt->to)) {
		return rp_err_set(err, RP_EINVAL, "not a mail address");
	}
	struct rp_smtp *s = rp_calloc(1, sizeof(*s));
	if (s == NULL) {
		return rp_err_no_memory(err);
	}
	int code = prepare(s, opt);
	const struct rp_dial_options dial = {.url = &s->url, .timeout_ms = opt->timeout_ms};
	code = code != 0 ? code : rp_dial_start(loop, &dial, on_dialled, s, &s->dial);
	if (code != 0) {
		maybe_free(s);
		return rp_err_set(err, code, "%s", rp_err_text(code));
	}
	s->cb = cb;
	s->ctx = ctx;
	RP_VERIFY(uv_timer_init(rp_loop_uv(loop), &s->timer) == 0);
	s->timer.data = s;
	s->timer_open = true;
	RP_VERIFY(uv_timer_start(&s->timer, on_timeout, opt->timeout_ms, 0) == 0);
	*out = s;
	return 0;
}
