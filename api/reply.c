/* SPDX-License-Identifier: MIT */
/*
 * Envelopes, errors, request bodies.
 */
#include "api/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/call.h"
#include "core/alloc.h"
#include "core/log.h"

#include "core/banned.h"

#define REPLY_MAX (64u * 1024 * 1024)
#define JSON_TYPE "application/json; charset=UTF-8"

static void send_json(struct rp_api_call *c, unsigned status, const struct rp_buf *text)
{
	rp_api_call_end(c, status, JSON_TYPE, rp_str_n(rp_buf_head(text), text->len));
}

void rp_reply_empty(struct rp_api_call *c, unsigned status)
{
	rp_api_call_end(c, status, NULL, rp_str_n("", 0));
}

void rp_reply_text(struct rp_api_call *c, unsigned status, const char *text)
{
	rp_api_call_end(c, status, "text/plain; charset=utf-8", rp_str_c(text));
}

void rp_reply_bytes(struct rp_api_call *c, const char *content_type, struct rp_str bytes)
{
	rp_api_call_end(c, 200, content_type, bytes);
}

static void write_error(struct rp_jsonw *w, const char *code, const char *title, const char *detail)
{
	rp_jsonw_obj(w);
	rp_jsonw_put_str(w, "code", code);
	rp_jsonw_put_str(w, "title", title);
	rp_jsonw_put_str(w, "detail", detail);
	rp_jsonw_obj_end(w);
}

static void begin_errors(struct rp_reply *r)
{
	rp_buf_init(&r->text, REPLY_MAX);
	rp_jsonw_init(&r->w, &r->text);
	rp_jsonw_obj(&r->w);
	rp_jsonw_key(&r->w, "errors");
	rp_jsonw_arr(&r->w);
}

static void end_errors(struct rp_reply *r, struct rp_api_call *c, unsigned status)
{
	rp_jsonw_arr_end(&r->w);
	rp_jsonw_obj_end(&r->w);
	if (rp_jsonw_end(&r->w) == 0) {
		send_json(c, status, &r->text);
	} else {
		rp_reply_empty(c, 500);
	}
	rp_buf_fini(&r->text);
}

int rp_reply_error_text(const struct rp_api_error *e, struct rp_buf *out)
{
	struct rp_reply r;
	begin_errors(&r);
	write_error(&r.w, e->code, e->title, e->detail);
	rp_jsonw_arr_end(&r.w);
	rp_jsonw_obj_end(&r.w);
	int err = rp_jsonw_end(&r.w);
	*out = r.text;
	return err;
}

void rp_reply_errors(struct rp_api_call *c, const struct rp_api_error *v, size_t n)
{
	struct rp_reply r;
	begin_errors(&r);
	for (size_t i = 0; i < n; i++) {
		write_error(&r.w, v[i].code, v[i].title, v[i].detail);
	}
	end_errors(&r, c, v[0].status);
}

void rp_reply_error(struct rp_api_call *c, const struct rp_api_error *e)
{
	rp_reply_errors(c, e, 1);
}

void rp_reply_problem(struct rp_api_call *c, const struct rp_problem *p)
{
	const struct rp_api_error e = {
	    .status = p->status, .code = "", .title = p->title, .detail = p->detail};
	rp_reply_error(c, &e);
}

void rp_reply_fail(struct rp_api_call *c, unsigned status, const char *fmt, ...)
{
	char title[512];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(title, sizeof(title), fmt, ap);
	va_end(ap);
	const struct rp_api_error e = {.status = status, .code = "", .title = title, .detail = ""};
	rp_reply_error(c, &e);
}

void rp_reply_list_errors(struct rp_api_call *c, const struct rp_listq_errors *errs)
{
	struct rp_reply r;
	begin_errors(&r);
	for (size_t i = 0; i < errs->n; i++) {
		write_error(&r.w, "", errs->text[i], "");
	}
	end_errors(&r, c, 400);
}

void rp_reply_code(struct rp_api_call *c, int code, const struct rp_err *err)
{
	const char *text = err != NULL && err->msg[0] != '\0' ? err->msg : rp_err_text(code);
	unsigned status = code == RP_EBUSY || code == RP_ECLOSED ? 503 : 500;
	rp_log_error("api", "%s: %s", rp_http_req_path(c->req), text);
	rp_reply_fail(c, status, "%s", text);
}

void rp_reply_done(void *ctx, int code, const struct rp_err *err)
{
	if (code != 0) {
		rp_reply_code(ctx, code, err);
	} else {
		rp_reply_empty(ctx, 204);
	}
}

void rp_reply_header(struct rp_api_call *c, const char *name, const char *value)
{
	if (rp_http_req_add_header(c->req, name, value) != 0) {
		rp_log_debug("api", "header %s left out", name);
	}
}

void rp_reply_begin_bare(struct rp_reply *r)
{
	rp_buf_init(&r->text, REPLY_MAX);
	rp_jsonw_init(&r->w, &r->text);
}

void rp_reply_begin(struct rp_reply *r)
{
	rp_reply_begin_bare(r);
	rp_jsonw_obj(&r->w);
	rp_jsonw_key(&r->w, "data");
}

static void finish(struct rp_reply *r, struct rp_api_call *c, unsigned status)
{
	int err = rp_jsonw_end(&r->w);
	if (err == 0) {
		send_json(c, status, &r->text);
	} else {
		rp_reply_code(c, err, NULL);
	}
	rp_buf_fini(&r->text);
}

void rp_reply_end_bare(struct rp_reply *r, struct rp_api_call *c)
{
	finish(r, c, 200);
}

void rp_reply_end_status(struct rp_reply *r, struct rp_api_call *c, unsigned status)
{
	rp_jsonw_obj_end(&r->w);
	finish(r, c, status);
}

void rp_reply_end(struct rp_reply *r, struct rp_api_call *c)
{
	rp_reply_end_status(r, c, 200);
}

void rp_reply_end_count(struct rp_reply *r, struct rp_api_call *c, int64_t count)
{
	rp_jsonw_key(&r->w, "meta");
	rp_jsonw_obj(&r->w);
	rp_jsonw_put_int(&r->w, "count", count);
	rp_jsonw_obj_end(&r->w);
	rp_reply_end(r, c);
}

void rp_reply_list(
    struct rp_api_call *c, const struct rp_json_table *t, const void *v, size_t n, int64_t total)
{
	struct rp_reply r;
	rp_reply_begin(&r);
	rp_jsonw_structs(&r.w, t, v, n);
	if (total >= 0) {
		rp_reply_end_count(&r, c, total);
	} else {
		rp_reply_end(&r, c);
	}
}

int rp_api_body(struct rp_api_call *c, const struct rp_json_table *t, bool strict, void *dst)
{
	struct rp_str body = rp_http_req_body(c->req);
	struct rp_err err = {0};
	if (rp_str_trim(body).len == 0) {
		rp_reply_fail(c, 400, "Missing body with json data.");
		return RP_EINVAL;
	}
	int code = rp_json_decode_text(body.p, body.len, t, strict, dst, &err);
	if (code != 0) {
		const struct rp_api_error e = {
		    .status = 400,
		    .code = "",
		    .title = "Invalid JSON data.",
		    .detail = err.msg,
		};
		rp_reply_error(c, &e);
	}
	return code;
}

int rp_api_list_query(struct rp_api_call *c, const struct rp_listq_spec *spec, struct rp_listq *q)
{
	struct rp_listq_errors errs;
	int err = rp_listq_parse(&c->query, spec, q, &errs);
	if (err == RP_EINVAL) {
		rp_reply_list_errors(c, &errs);
	} else if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
	return err;
}

void rp_api_list_read(struct rp_api_call *c, const struct rp_listq_spec *spec,
    const struct rp_listread_ask *ask, rp_listread_cb cb)
{
	struct rp_listq q;
	if (rp_api_list_query(c, spec, &q) != 0) {
		return;
	}
	int err = rp_listread(c->api->parts.store, ask, &q, cb, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

bool rp_api_bool(const struct rp_api_call *c, const char *key, bool *v)
{
	const char *text = rp_query_get(&c->query, key);
	*v = false;
	if (text == NULL || text[0] == '\0') {
		return true;
	}
	*v = strcmp(text, "1") == 0 || rp_ascii_ieq(text, "t") || rp_ascii_ieq(text, "true");
	return *v || strcmp(text, "0") == 0 || rp_ascii_ieq(text, "f") ||
	    rp_ascii_ieq(text, "false");
}
