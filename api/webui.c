/* SPDX-License-Identifier: MIT */
/*
 * From a path to a file of the dashboard, in the form that the visitor takes: each is there as brotli
 * and as gzip. For the few who take neither it is inflated on libuv's pool. Pages that the dashboard
 * makes itself (history mode) are the entry page, for browsers that want one.
 */
#include "api/webui.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "api/answer.h"
#include "api/call.h"
#include "api/docfile.h"
#include "api/embedded.h"
#include "api/reply.h"
#include "core/alloc.h"
#include "core/crypto.h"
#include "http/compress.h"

#include "core/banned.h"

#define FOLDER    "web"
#define INDEX     "/index.html"
#define ASSETS    "/assets/"
#define PATH_SIZE 256
#define PLAIN_MAX ((size_t)16 * 1024 * 1024)
/* Of those who take no compressed file. */
#define INFLATING_MAX 4

/* Style elements are made by the terminal and the editor; nothing inline runs. */
#define POLICY                                                                                     \
	"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' " \
	"data: blob:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "  \
	"frame-ancestors 'none'"

static const char without_dashboard[] =
    "This rport was built without its dashboard (make WEBUI=no).\n"
    "The API is at /api/v1, its description at /api/v1/docs.\n";

struct file {
	const char *path; /* as in a URL */
	enum rp_coding coding;
	struct rp_str bytes; /* in that coding */
};

struct job {
	uv_work_t work;
	struct rp_api_call *call;
	const char *type;
	struct rp_str packed;
	struct rp_buf plain;
	int err;
};

/* --- which file --- */

static bool find(const char *path, enum rp_coding coding, struct file *f)
{
	char name[PATH_SIZE];
	const char *ending = coding == RP_CODING_BROTLI ? ".br" : ".gz";
	int n = snprintf(name, sizeof(name), FOLDER "%s%s", path, ending);
	if (n < 0 || (size_t)n >= sizeof(name)) {
		return false;
	}
	f->bytes.p = rp_embedded_find(name, &f->bytes.len);
	f->path = path;
	f->coding = coding;
	return f->bytes.p != NULL;
}

/* Does it want a page, as browsers do that go to an address? */
static bool wants_page(const struct rp_http_head *h)
{
	for (size_t i = 0; i < h->n_headers; i++) {
		if (rp_ascii_ieq(h->headers[i].name, "Accept") &&
		    strstr(h->headers[i].value, "text/html") != NULL) {
			return true;
		}
	}
	return false;
}

/* Path of the file, which need not be there; NULL: none. */
static const char *file_path(const struct rp_api_call *c)
{
	const char *path = rp_http_req_path(c->req);
	struct file f;
	if (strcmp(path, "/") == 0) {
		return INDEX;
	}
	if (find(path, RP_CODING_GZIP, &f)) {
		return path;
	}
	/* Neither an old part of a page, nor what is hidden: /.well-known/… */
	bool none = rp_str_starts(rp_str_c(path), ASSETS) || rp_str_starts(rp_str_c(path), "/.");
	return !none && wants_page(rp_http_req_head(c->req)) ? INDEX : NULL;
}

/* --- headers --- */

/* Hashed names stand for their contents; others for the day. Weak: the same for every coding. */
static int etag_of(const struct file *f, char *out, size_t size)
{
	uint8_t sum[32];
	struct file gzip;
	if (rp_str_starts(rp_str_c(f->path), ASSETS)) {
		(void)snprintf(out, size, "W/\"%s\"", f->path + strlen(ASSETS));
		return 0;
	}
	if (!find(f->path, RP_CODING_GZIP, &gzip) ||
	    rp_sha256(gzip.bytes.p, gzip.bytes.len, sum) != 0) {
		return RP_ENOENT;
	}
	size_t n = (size_t)snprintf(out, size, "W/\"");
	for (size_t i = 0; i < 16; i++) {
		n += (size_t)snprintf(out + n, size - n, "%02x", sum[i]);
	}
	(void)snprintf(out + n, size - n, "\"");
	return 0;
}

static void add_headers(struct rp_api_call *c, const struct file *f, const char *etag)
{
	bool asset = rp_str_starts(rp_str_c(f->path), ASSETS);
	rp_reply_header(c, "ETag", etag);
	rp_reply_header(
	    c, "Cache-Control", asset ? "public, max-age=31536000, immutable" : "no-cache");
	rp_reply_header(c, "Content-Security-Policy", POLICY);
	rp_reply_header(c, "X-Content-Type-Options", "nosniff");
	rp_reply_header(c, "Referrer-Policy", "no-referrer");
	rp_reply_header(c, "Cross-Origin-Opener-Policy", "same-origin");
	rp_reply_header(c, "Cross-Origin-Resource-Policy", "same-origin");
	if (!asset) {
		rp_reply_header(c, "Vary", "Accept");
	}
}

/* --- answers --- */

static void on_work(uv_work_t *work)
{
	struct job *j = work->data;
	j->err = rp_decompress(j->packed.p, j->packed.len, &j->plain);
}

static void on_worked(uv_work_t *work, int status)
{
	struct job *j = work->data;
	int err = status != 0 ? status : j->err;
	j->call->api->inflating--;
	if (err == 0) {
		const struct rp_answer a = {.status = 200,
		    .content_type = j->type,
		    .body = rp_str_n(rp_buf_head(&j->plain), j->plain.len),
		    .packed = true};
		rp_answer_send(j->call, &a);
	} else {
		rp_reply_code(j->call, err, NULL);
	}
	rp_buf_fini(&j->plain);
	rp_free(j);
}

/* Only for a gzip file. */
static void send_plain(struct rp_api_call *c, const struct file *f)
{
	struct job *j = rp_calloc(1, sizeof(*j));
	int err = RP_ENOMEM;
	if (j != NULL) {
		j->work.data = j;
		j->call = c;
		j->type = rp_docfile_type(f->path);
		j->packed = f->bytes;
		rp_buf_init(&j->plain, PLAIN_MAX);
		err = uv_queue_work(rp_loop_uv(c->api->parts.loop), &j->work, on_work, on_worked);
	}
	if (err != 0) {
		rp_free(j);
		rp_reply_code(c, err, NULL);
		return;
	}
	c->api->inflating++;
}

static void send_packed(struct rp_api_call *c, const struct file *f)
{
	const struct rp_answer a = {.status = 200,
	    .content_type = rp_docfile_type(f->path),
	    .body = f->bytes,
	    .packed = true};
	rp_reply_header(c, "Content-Encoding", rp_coding_name(f->coding));
	rp_answer_send(c, &a);
}

static void send_file(struct rp_api_call *c, const struct file *f, enum rp_coding coding)
{
	const struct rp_answer fresh = {.status = 304};
	char etag[PATH_SIZE];
	int err = etag_of(f, etag, sizeof(etag));
	if (err != 0) {
		rp_reply_code(c, err, NULL);
		return;
	}
	if (!rp_answer_has_room(c, f->bytes.len) ||
	    (coding == RP_CODING_NONE && c->api->inflating >= INFLATING_MAX)) {
		rp_answer_busy(c);
		return;
	}
	add_headers(c, f, etag);
	if (rp_http_has_token(rp_http_req_head(c->req), "If-None-Match", etag)) {
		rp_answer_send(c, &fresh);
	} else if (coding == RP_CODING_NONE) {
		send_plain(c, f);
	} else {
		send_packed(c, f);
	}
}

static bool is_api(const char *path)
{
	return strcmp(path, "/api") == 0 || rp_str_starts(rp_str_c(path), "/api/");
}

bool rp_webui_serve(struct rp_api_call *c)
{
	static const enum rp_coding offers[] = {RP_CODING_BROTLI, RP_CODING_GZIP};
	const struct rp_http_head *h = rp_http_req_head(c->req);
	bool reads = strcmp(h->method, "GET") == 0 || strcmp(h->method, "HEAD") == 0;
	const char *path = rp_http_req_path(c->req);
	struct file f;
	if (!reads || is_api(path)) {
		return false;
	}
	if (strcmp(path, INDEX) == 0) {
		rp_reply_header(c, "Location", "/");
		rp_reply_empty(c, 301);
		return true;
	}
	path = file_path(c);
	if (path == NULL) {
		return false;
	}
	enum rp_coding coding = rp_coding_choose_of(h, offers, RP_ARRAY_LEN(offers));
	if (find(path, coding, &f)) {
		send_file(c, &f, coding);
		return true;
	}
	bool root = strcmp(rp_http_req_path(c->req), "/") == 0;
	if (root) {
		rp_reply_text(c, 200, without_dashboard);
	}
	return root;
}
