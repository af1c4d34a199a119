/* SPDX-License-Identifier: MIT */
/*
 * One delivery for each login. Whichever way it goes, its end comes to finish().
 */
#include "api/twofa_send.h"

#include <stdio.h>
#include <string.h>

#include "api/twofa_exec.h"
#include "core/alloc.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/list.h"
#include "http/fetch.h"
#include "http/smtp.h"
#include "http/url.h"

#include "core/banned.h"

/* At the same time; each may be a process. */
#define UNDER_WAY_MAX 64
#define FORM_MAX      ((size_t)16 * 1024)
/* What a caller may put into an environment or a form. */
#define AGENT_MAX    256
#define PUSHOVER_URL "https://api.pushover.net/1/messages.json"
#define TITLE        "RPort 2FA"
#define FORM_TYPE    "application/x-www-form-urlencoded"

enum way {
	BY_NOTHING,
	BY_PROGRAM,
	BY_URL,
	BY_MAIL,
	BY_PUSHOVER
};

struct rp_twofa_sender {
	struct rp_loop *loop;
	const struct rp_server_config *cfg;
	enum way way;
	struct rp_tls *tls; /* NULL where none is spoken */
	char *smtp_host;
	uint16_t smtp_port;
	unsigned timeout_ms;
	struct rp_list deliveries;
	unsigned n;
	bool closed;
};

struct delivery {
	struct rp_list node;
	struct rp_twofa_sender *sender;
	rp_twofa_sent_cb cb;
	void *ctx;
	struct rp_fetch *fetch;
	struct rp_smtp *smtp;
	struct rp_twofa_exec *exec;
};

static enum way way_of(const struct rp_conf_api *a)
{
	const char *method = a->two_fa_token_delivery;
	if (method[0] == '\0' || strcmp(method, "none") == 0) {
		return BY_NOTHING;
	}
	if (strcmp(method, "smtp") == 0) {
		return BY_MAIL;
	}
	if (strcmp(method, "pushover") == 0) {
		return BY_PUSHOVER;
	}
	return strstr(method, "://") != NULL ? BY_URL : BY_PROGRAM;
}

static bool wants_tls(const struct rp_twofa_sender *s)
{
	const char *url = s->cfg->api.two_fa_token_delivery;
	return s->way == BY_MAIL || s->way == BY_PUSHOVER ||
	    (s->way == BY_URL && rp_str_starts(rp_str_c(url), "https"));
}

/* host:port, [v6]:port; the configuration's check has seen it. */
static int split_server(struct rp_twofa_sender *s, struct rp_err *err)
{
	const char *text = s->cfg->smtp.server;
	const char *colon = strrchr(text, ':');
	if (s->way != BY_MAIL) {
		return 0;
	}
	if (colon == NULL || rp_str_port(rp_str_c(colon + 1), &s->smtp_port) != 0) {
		return rp_err_set(err, RP_EINVAL, "smtp.server: expected host:port");
	}
	struct rp_str host = rp_str_n(text, (size_t)(colon - text));
	if (host.len > 2 && host.p[0] == '[' && host.p[host.len - 1] == ']') {
		host = rp_str_n(host.p + 1, host.len - 2);
	}
	s->smtp_host = rp_str_dup(host);
	return s->smtp_host != NULL ? 0 : rp_err_no_memory(err);
}

int rp_twofa_sender_new(struct rp_loop *loop, const struct rp_server_config *cfg,
    struct rp_twofa_sender **out, struct rp_err *err)
{
	struct rp_twofa_sender *s = rp_calloc(1, sizeof(*s));
	if (s == NULL) {
		return rp_err_no_memory(err);
	}
	s->loop = loop;
	s->cfg = cfg;
	s->way = way_of(&cfg->api);
	s->timeout_ms = (unsigned)RP_MIN(
	    cfg->api.two_fa_send_timeout / RP_NS_PER_MS, (int64_t)INT32_MAX);
	rp_list_init(&s->deliveries);
	int code = split_server(s, err);
	if (code == 0 && wants_tls(s)) {
		code = rp_tls_client_new(NULL, &s->tls, err);
	}
	if (code != 0) {
		rp_twofa_sender_free(s);
		return rp_err_wrap(err, "API: two_fa_token_delivery");
	}
	*out = s;
	return 0;
}

static void delivery_free(struct delivery *d)
{
	rp_list_remove(&d->node);
	d->sender->n--;
	rp_free(d);
}

static void finish(struct delivery *d, int code, const struct rp_err *err)
{
	rp_twofa_sent_cb cb = d->cb;
	void *ctx = d->ctx;
	delivery_free(d);
	cb(ctx, code, err);
}

void rp_twofa_sender_close(struct rp_twofa_sender *s)
{
	struct rp_list *it;
	struct rp_list *tmp;
	struct rp_err err;
	if (s == NULL) {
		return;
	}
	s->closed = true;
	(void)rp_err_set(&err, RP_ECLOSED, "the server stops");
	RP_LIST_FOREACH(it, tmp, &s->deliveries) {
		struct delivery *d = RP_LIST_ENTRY(it, struct delivery, node);
		rp_fetch_cancel(d->fetch);
		rp_smtp_cancel(d->smtp);
		rp_twofa_exec_cancel(d->exec);
		finish(d, RP_ECLOSED, &err);
	}
}

void rp_twofa_sender_free(struct rp_twofa_sender *s)
{
	if (s != NULL) {
		rp_tls_free(s->tls);
		rp_free(s->smtp_host);
		rp_free(s);
	}
}

static void on_done(void *ctx, int code, const struct rp_err *err)
{
	finish(ctx, code, err);
}

static void on_fetched(
    void *ctx, int code, unsigned status, struct rp_str body, const struct rp_err *err)
{
	struct rp_err bad;
	(void)body;
	if (code == 0 && status / 100 != 2) {
		code = rp_err_set(&bad, RP_EDENIED, "the service answered with status %u", status);
		err = &bad;
	}
	finish(ctx, code, err);
}

/* One field of a form; rp_buf remembers nothing, so the caller checks each. */
static int add_field(struct rp_buf *form, const char *name, const char *value)
{
	char *text = rp_url_encode(value);
	int err = text == NULL
	    ? RP_ENOMEM
	    : rp_buf_printf(form, "%s%s=%s", form->len > 0 ? "&" : "", name, text);
	rp_free_secret(text);
	return err;
}

struct field {
	const char *name;
	const char *value;
};

static int post(
    struct delivery *d, const char *url, const struct field *fields, size_t n, struct rp_err *err)
{
	struct rp_buf form;
	int code = 0;
	rp_buf_init(&form, FORM_MAX);
	for (size_t i = 0; code == 0 && i < n; i++) {
		code = add_field(&form, fields[i].name, fields[i].value);
	}
	const struct rp_fetch_options opt = {
	    .url = url,
	    .content_type = FORM_TYPE,
	    .body = rp_str_n(rp_buf_head(&form), form.len),
	    .tls = d->sender->tls,
	    .timeout_ms = d->sender->timeout_ms,
	};
	if (code == 0) {
		code = rp_fetch_start(d->sender->loop, &opt, on_fetched, d, &d->fetch, err);
	}
	if (form.len > 0) {
		rp_secret_wipe(rp_buf_head(&form), form.len);
	}
	rp_buf_fini(&form);
	return code;
}

static void ttl_text(const struct rp_twofa_sender *s, char out[static 24])
{
	(void)snprintf(out, 24, "%lld", (long long)s->cfg->api.two_fa_token_ttl_seconds);
}

static int by_url(struct delivery *d, const struct rp_twofa_message *m, struct rp_err *err)
{
	char ttl[24];
	ttl_text(d->sender, ttl);
	const struct field fields[] = {
	    {"email", m->send_to},
	    {"token", m->code},
	    {"ttl", ttl},
	    {"user_agent", m->user_agent},
	    {"remote_address", m->remote_address},
	    {"url", d->sender->cfg->api.base_url},
	};
	return post(
	    d, d->sender->cfg->api.two_fa_token_delivery, fields, RP_ARRAY_LEN(fields), err);
}

/* What the user reads. Owned, a secret. */
static char *message_text(const struct rp_twofa_sender *s, const char *code)
{
	char valid[RP_TIME_TEXT_MAX];
	rp_duration_format(s->cfg->api.two_fa_token_ttl_seconds * RP_NS_PER_S, valid);
	return rp_asprintf("Verification code: %s (valid for %s)\n", code, valid);
}

static int by_pushover(struct delivery *d, const struct rp_twofa_message *m, struct rp_err *err)
{
	char *text = message_text(d->sender, m->code);
	if (text == NULL) {
		return RP_ENOMEM;
	}
	const struct field fields[] = {
	    {"token", d->sender->cfg->pushover.api_token},
	    {"user", m->send_to},
	    {"title", TITLE},
	    {"message", text},
	};
	int code = post(d, PUSHOVER_URL, fields, RP_ARRAY_LEN(fields), err);
	rp_free_secret(text);
	return code;
}

static int by_mail(struct delivery *d, const struct rp_twofa_message *m, struct rp_err *err)
{
	const struct rp_twofa_sender *s = d->sender;
	char *text = message_text(s, m->code);
	if (text == NULL) {
		return RP_ENOMEM;
	}
	const struct rp_smtp_options opt = {
	    .host = s->smtp_host,
	    .port = s->smtp_port,
	    .implicit_tls = s->cfg->smtp.secure,
	    .tls = s->tls,
	    .username = s->cfg->smtp.auth_username,
	    .password = s->cfg->smtp.auth_password,
	    .from = s->cfg->smtp.sender_email,
	    .to = m->send_to,
	    .subject = TITLE,
	    .text = text,
	    .timeout_ms = s->timeout_ms,
	};
	int code = rp_smtp_start(s->loop, &opt, on_done, d, &d->smtp, err);
	rp_free_secret(text);
	return code;
}

static int add_env(struct rp_strlist *env, const char *name, const char *value)
{
	char *text = rp_asprintf("RPORT_2FA_%s=%s", name, value);
	int err = text == NULL ? RP_ENOMEM : rp_strlist_add(env, rp_str_c(text));
	rp_free_secret(text);
	return err;
}

static int by_program(struct delivery *d, const struct rp_twofa_message *m, struct rp_err *err)
{
	struct rp_strlist env = {0};
	char ttl[24];
	ttl_text(d->sender, ttl);
	int code = add_env(&env, "TOKEN", m->code);
	code = code != 0 ? code : add_env(&env, "SENDTO", m->send_to);
	code = code != 0 ? code : add_env(&env, "TOKEN_TTL", ttl);
	code = code != 0 ? code : add_env(&env, "USER_AGENT", m->user_agent);
	code = code != 0 ? code : add_env(&env, "REMOTE_ADDRESS", m->remote_address);
	const struct rp_twofa_exec_options opt = {
	    .program = d->sender->cfg->api.two_fa_token_delivery,
	    .env = &env,
	    .timeout_ms = d->sender->timeout_ms,
	};
	if (code == 0) {
		code = rp_twofa_exec_start(d->sender->loop, &opt, on_done, d, &d->exec, err);
	}
	for (size_t i = 0; i < env.n; i++) {
		rp_secret_wipe(env.v[i], strlen(env.v[i]));
	}
	rp_strlist_fini(&env);
	return code;
}

static int start(struct delivery *d, const struct rp_twofa_message *m, struct rp_err *err)
{
	switch (d->sender->way) {
	case BY_PROGRAM:
		return by_program(d, m, err);
	case BY_URL:
		return by_url(d, m, err);
	case BY_MAIL:
		return by_mail(d, m, err);
	case BY_PUSHOVER:
		return by_pushover(d, m, err);
	case BY_NOTHING:
		break;
	}
	return rp_err_set(err, RP_EUNSUPPORTED, "no delivery of codes is configured");
}

int rp_twofa_send(struct rp_twofa_sender *s, const struct rp_twofa_message *m, rp_twofa_sent_cb cb,
    void *ctx, struct rp_err *err)
{
	char agent[AGENT_MAX];
	if (s->closed || s->n >= UNDER_WAY_MAX) {
		return rp_err_set(err, s->closed ? RP_ECLOSED : RP_EBUSY, "%s",
		    s->closed ? "the server stops" : "too many codes are under way");
	}
	struct delivery *d = rp_calloc(1, sizeof(*d));
	if (d == NULL) {
		return rp_err_no_memory(err);
	}
	d->sender = s;
	d->cb = cb;
	d->ctx = ctx;
	rp_list_append(&s->deliveries, &d->node);
	s->n++;
	(void)snprintf(agent, sizeof(agent), "%s", m->user_agent);
	const struct rp_twofa_message shortened = {
	    .send_to = m->send_to,
	    .code = m->code,
	    .user_agent = agent,
	    .remote_address = m->remote_address,
	};
	int code = start(d, &shortened, err);
	if (code != 0) {
		delivery_free(d);
		if (err->msg[0] == '\0') {
			(void)rp_err_set(err, code, "%s", rp_err_text(code));
		}
	}
	return code;
}
