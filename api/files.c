/* SPDX-License-Identifier: MIT */
/*
 * POST /files (rport-api 4.9). Who asks was let in before a byte of the body was read. Then the body
 * goes through the form into a file; in the end the form is checked, and the file is on its way.
 *
 * An error on the way ends the reading: the answer is sent from the loop's next turn, because the
 * connection is in the middle of handing out bytes.
 */
#include <stdio.h>
#include <string.h>

#include "api/audit.h"
#include "api/call.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "api/upload_form.h"
#include "core/alloc.h"

#include "core/banned.h"

/* Names of clients in one error text. */
#define DENIED_MAX 200

struct post {
	struct rp_api_call *call;
	struct rp_uploads *uploads;
	struct rp_upload *upload;
	struct rp_upload_form *form;
	struct rp_spool *spool; /* NULL: aborted or done */
	bool held;              /* the connection waits for the disk */
	struct rp_deferred fail;
	int code;
	struct rp_err err;
};

static void post_free(struct post *p)
{
	rp_loop_defer_cancel(&p->fail);
	rp_spool_abort(p->spool);
	rp_upload_form_free(p->form);
	rp_upload_free(p->uploads, p->upload);
	rp_free(p);
}

/* Answers and ends. */
static void refuse(struct post *p, const struct rp_api_error *e)
{
	struct rp_api_call *c = p->call;
	post_free(p);
	rp_reply_error(c, e);
}

static void refuse_code(struct post *p, int code, const struct rp_err *err)
{
	struct rp_api_call *c = p->call;
	if (code == RP_EINVAL) {
		rp_reply_fail(c, 400, "%s", err->msg);
	} else {
		rp_reply_code(c, code, err);
	}
	post_free(p);
}

static void on_fail(struct rp_deferred *d)
{
	struct post *p = RP_CONTAINER_OF(d, struct post, fail);
	refuse_code(p, p->code, &p->err);
}

/* From inside a callback of the body. */
static void fail_later(struct post *p, int code)
{
	p->code = code;
	rp_http_req_pause_body(p->call->req, true);
	rp_loop_defer(p->call->api->parts.loop, &p->fail);
}

/* The file */

static void on_room(void *ctx)
{
	struct post *p = ctx;
	if (p->held && p->code == 0) {
		p->held = false;
		rp_http_req_pause_body(p->call->req, false);
	}
}

static void on_spool_failed(void *ctx, const struct rp_err *err)
{
	struct post *p = ctx;
	refuse_code(p, err->code, err);
}

static void audit(const struct post *p, const char *request)
{
	for (size_t i = 0; i < p->upload->clients.n; i++) {
		const struct rp_audit_note note = {
		    .application = "uploads",
		    .action = "create",
		    .id = p->upload->id,
		    .client_id = p->upload->clients.v[i],
		    .request = request,
		};
		rp_api_audit(p->call, &note);
	}
}

static void on_stored(void *ctx, uint64_t size, const uint8_t md5[RP_SPOOL_MD5_BYTES])
{
	struct post *p = ctx;
	struct rp_api_call *c = p->call;
	struct rp_upload *u = p->upload;
	struct rp_reply r;
	p->spool = NULL;
	u->size = size;
	memcpy(u->md5, md5, sizeof(u->md5));
	char *text = rp_upload_text(u);
	audit(p, text);
	rp_free(text);
	rp_reply_begin(&r);
	rp_jsonw_obj(&r.w);
	rp_jsonw_put_str(&r.w, "uuid", u->id);
	rp_jsonw_put_str(&r.w, "filepath", u->dest);
	rp_jsonw_put_uint(&r.w, "size", u->size);
	rp_jsonw_obj_end(&r.w);
	rp_reply_end(&r, c);
	p->upload = NULL;
	rp_upload_start(p->uploads, u);
	post_free(p);
}

static const struct rp_spool_ops spool_ops = {
    .on_room = on_room,
    .on_failed = on_spool_failed,
    .on_done = on_stored,
};

static int on_file(void *ctx, const uint8_t *data, size_t n)
{
	struct post *p = ctx;
	int code = rp_spool_write(p->spool, data, n);
	if (code == 1 && !p->held) {
		p->held = true;
		rp_http_req_pause_body(p->call->req, true);
	}
	return code == 1 ? 0 : code;
}

/* The form */

/* The clients that the user may not use; false if there are none. */
static bool denied_clients(const struct post *p, char out[static DENIED_MAX])
{
	const struct rp_strlist *ids = &p->upload->clients;
	bool denied = false;
	size_t n = 0;
	for (size_t i = 0; i < ids->n; i++) {
		const struct rp_client *client = rp_registry_get(
		    p->call->api->parts.registry, ids->v[i]);
		if (client != NULL && !rp_api_may_see(p->call, client)) {
			int len = snprintf(
			    out + n, DENIED_MAX - n, "%s%s", denied ? ", " : "", ids->v[i]);
			n = RP_MIN(n + (len > 0 ? (size_t)len : 0), (size_t)DENIED_MAX - 1);
			denied = true;
		}
	}
	return denied;
}

/* False: the call was answered. */
static bool find_clients(struct post *p, const struct rp_audience *a)
{
	char denied[DENIED_MAX];
	char detail[DENIED_MAX + 64];
	struct rp_problem problem;
	if (rp_audience_resolve(p->call->api->parts.registry, a, &p->upload->clients, &problem) !=
	    0) {
		const struct rp_api_error e = {
		    .status = problem.status,
		    .code = "",
		    .title = problem.title,
		    .detail = problem.detail,
		};
		refuse(p, &e);
		return false;
	}
	if (denied_clients(p, denied)) {
		(void)snprintf(
		    detail, sizeof(detail), "Access denied to client(s) with ID(s): %s", denied);
		const struct rp_api_error e = {
		    .status = 403,
		    .code = "ACCESS_CONTROL_VIOLATION",
		    .title = "upload forbidden",
		    .detail = detail,
		};
		refuse(p, &e);
		return false;
	}
	return true;
}

/* False: the call was answered. */
static bool check_dest(struct post *p)
{
	char detail[64];
	const char *folder;
	int code = rp_upload_check_dest(p->upload->dest, &folder);
	if (code == RP_EINVAL) {
		(void)rp_err_set(&p->err, code, "the field \"dest\" must be an absolute path");
		refuse_code(p, code, &p->err);
	} else if (code != 0) {
		(void)snprintf(detail, sizeof(detail), "uploads to %s are forbidden", folder);
		const struct rp_api_error e = {
		    .status = 400,
		    .code = "BAD_DESTINATION",
		    .title = "upload denied",
		    .detail = detail,
		};
		refuse(p, &e);
	}
	return code == 0;
}

static bool name_sender(struct post *p)
{
	struct rp_upload *u = p->upload;
	u->username = rp_strdup(p->call->user.name);
	u->remote_ip = rp_strdup(rp_api_peer(p->call));
	if (u->username == NULL || u->remote_ip == NULL) {
		refuse_code(p, RP_ENOMEM, NULL);
		return false;
	}
	return true;
}

static void finish_form(struct post *p)
{
	struct rp_audience a = {0};
	int code = rp_upload_form_end(p->form, p->upload, &a, &p->err);
	if (code != 0) {
		refuse_code(p, code, &p->err);
	} else if (find_clients(p, &a) && check_dest(p) && name_sender(p)) {
		rp_spool_finish(p->spool);
	}
	rp_audience_fini(&a);
}

/* The body */

static void on_body(void *ctx, const uint8_t *data, size_t n)
{
	struct post *p = ctx;
	if (p->code != 0) {
		return;
	}
	int code = rp_upload_form_feed(p->form, data, n, &p->err);
	if (code != 0) {
		fail_later(p, code);
	}
}

static void refuse_too_long(struct post *p)
{
	static const struct rp_api_error e = {
	    .status = 413,
	    .code = "",
	    .title = "http: request body too large",
	    .detail = "the file is larger than max_filepush_size",
	};
	refuse(p, &e);
}

static void on_body_end(void *ctx, int code)
{
	struct post *p = ctx;
	if (p->code != 0) {
		return; /* on_fail answers */
	}
	if (p->call->api->closing && code == 0) {
		code = RP_ECLOSED;
	}
	if (code == RP_ELIMIT) {
		refuse_too_long(p);
	} else if (code == RP_EPROTO || code == RP_ETIMEOUT) {
		(void)rp_err_set(
		    &p->err, RP_EINVAL, "the body did not arrive: %s", rp_err_text(code));
		refuse_code(p, RP_EINVAL, &p->err);
	} else if (code != 0) {
		refuse_code(p, code, NULL);
	} else {
		finish_form(p);
	}
}

static int open_post(struct post *p, struct rp_err *err)
{
	const char *type = rp_http_header(rp_http_req_head(p->call->req), "Content-Type");
	int code = rp_upload_form_new(type, on_file, p, &p->form, err);
	code = code != 0 ? code : rp_upload_new(p->uploads, &p->upload, err);
	if (code == 0) {
		code = rp_spool_new(
		    p->call->api->parts.loop, p->upload->path, &spool_ops, p, &p->spool);
	}
	return code;
}

void rp_api_files_post(struct rp_api_call *c)
{
	static const struct rp_http_body_ops ops = {.on_data = on_body, .on_end = on_body_end};
	struct rp_err err = {0};
	struct post *p = rp_calloc(1, sizeof(*p));
	if (p == NULL) {
		rp_reply_code(c, RP_ENOMEM, NULL);
		return;
	}
	p->call = c;
	p->uploads = c->api->uploads;
	p->fail.run = on_fail;
	rp_list_init(&p->fail.node);
	int code = open_post(p, &err);
	if (code != 0) {
		refuse_code(p, code, err.code != 0 ? &err : NULL);
		return;
	}
	rp_http_req_read_body(c->req, &ops, p);
}
