/* SPDX-License-Identifier: MIT */
/*
 * From a request's path to a file: what is asked for, what is answered instead when it is missing,
 * and how much may be under way. Files are opened and read on libuv's pool (api/docfile.c).
 */
#include "api/docroot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "api/answer.h"
#include "api/call.h"
#include "api/docfile.h"
#include "api/reply.h"
#include "api/webui.h"
#include "core/alloc.h"
#include "core/log.h"
#include "http/compress.h"

#include "core/banned.h"

#define API_PREFIX "/api/"
#define INDEX      "index.html"
/* Reads under way. */
#define READS_MAX 16

struct rp_docroot {
	int fd;
	unsigned reads;
};

struct job {
	uv_work_t work;
	struct rp_api_call *call;
	struct rp_docfile file;
	char *path; /* below the root, without a slash before it */
	int code;
	bool fallback; /* the index page in place of what is missing */
};

int rp_docroot_new(const char *path, struct rp_docroot **out, struct rp_err *err)
{
	*out = NULL;
	if (path[0] == '\0') {
		return 0;
	}
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		return rp_err_set(err, RP_EIO, "API: doc_root %s: %s", path, rp_err_text(-errno));
	}
	struct rp_docroot *d = rp_calloc(1, sizeof(*d));
	if (d == NULL) {
		(void)close(fd);
		return rp_err_no_memory(err);
	}
	d->fd = fd;
	*out = d;
	return 0;
}

void rp_docroot_free(struct rp_docroot *d)
{
	if (d != NULL) {
		(void)close(d->fd);
		rp_free(d);
	}
}

static void not_found(struct rp_api_call *c)
{
	rp_reply_text(c, 404, "404 page not found\n");
}

/* What is not there may be part of the program. */
static void missing(struct rp_api_call *c)
{
	if (!rp_webui_serve(c)) {
		not_found(c);
	}
}

static void redirect(struct rp_api_call *c, const char *to)
{
	rp_reply_header(c, "Location", to);
	rp_reply_empty(c, 301);
}

/* --- paths --- */

/* Nothing that leaves the root, hides, or means something else to somebody on the way. */
static bool segment_ok(struct rp_str s)
{
	bool hidden = s.len > 0 && s.p[0] == '.' && !rp_str_eq(s, ".well-known");
	if (s.len == 0 || hidden) {
		return false;
	}
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < ' ' || c == 0x7f || c == '\\') {
			return false;
		}
	}
	return true;
}

/* path begins with a slash; one at its end stands for the index page there. */
static bool path_ok(const char *path)
{
	struct rp_str rest = rp_str_c(path + 1);
	struct rp_str part;
	if (path[0] != '/') {
		return false;
	}
	while (rest.len > 0 && rp_str_split(&rest, '/', &part)) {
		if (!segment_ok(part)) {
			return false;
		}
	}
	return true;
}

/* Pages that the web interface makes itself (history mode). */
static bool is_own_page(const char *path)
{
	static const char *const pages[] = {"dashboard", "auth", "tunnels", "inventory",
	    "documentation", "commands", "scripts", "settings"};
	struct rp_str first = rp_str_n(path, strcspn(path, "/"));
	for (size_t i = 0; i < RP_ARRAY_LEN(pages); i++) {
		if (rp_str_eq(first, pages[i])) {
			return true;
		}
	}
	return false;
}

/* --- reading --- */

static void on_read(uv_work_t *work)
{
	struct job *j = work->data;
	int root = j->call->api->docroot->fd;
	j->code = rp_docfile_read(root, j->path, &j->file);
	if (j->code == RP_ENOENT && is_own_page(j->path)) {
		j->fallback = true;
		j->code = rp_docfile_read(root, INDEX, &j->file);
	}
}

static bool is_fresh(struct rp_api_call *c, const struct rp_docfile *f)
{
	struct rp_http_head *h = rp_http_req_head(c->req);
	const char *since = rp_http_header(h, "If-Modified-Since");
	if (rp_http_header(h, "If-None-Match") != NULL) {
		return rp_http_has_token(h, "If-None-Match", f->etag);
	}
	return since != NULL && strcmp(since, f->modified) == 0;
}

static void send_file(struct rp_api_call *c, const struct job *j)
{
	const char *type = rp_docfile_type(j->fallback ? INDEX : j->path);
	struct rp_answer a = {.status = 200, .content_type = type};
	rp_reply_header(c, "ETag", j->file.etag);
	rp_reply_header(c, "Last-Modified", j->file.modified);
	rp_reply_header(c, "Cache-Control", "no-cache");
	rp_reply_header(c, "X-Content-Type-Options", "nosniff");
	if (is_fresh(c, &j->file)) {
		a.status = 304;
		a.content_type = NULL;
	} else {
		a.body = rp_str_n(j->file.data, j->file.n);
		a.packed = !rp_docfile_is_text(type);
	}
	rp_answer_send(c, &a);
}

/* The slash makes the page's relative links right. */
static void send_to_folder(struct rp_api_call *c)
{
	char *to = rp_asprintf("%s/", rp_http_req_path(c->req));
	if (to == NULL) {
		rp_reply_code(c, RP_ENOMEM, NULL);
		return;
	}
	redirect(c, to);
	rp_free(to);
}

static void on_done(uv_work_t *work, int status)
{
	struct job *j = work->data;
	struct rp_api_call *c = j->call;
	c->api->docroot->reads--;
	int code = status != 0 ? status : j->code;
	if (code == RP_ENOENT) {
		missing(c);
	} else if (code == RP_EEXIST) {
		send_to_folder(c);
	} else if (code != 0) {
		rp_reply_code(c, code, NULL);
	} else if (rp_answer_has_room(c, j->file.n)) {
		send_file(c, j);
	} else {
		rp_answer_busy(c);
	}
	rp_docfile_fini(&j->file);
	rp_free(j->path);
	rp_free(j);
}

/* path is taken. */
static void read_later(struct rp_api_call *c, char *path)
{
	struct job *j = path == NULL ? NULL : rp_calloc(1, sizeof(*j));
	int err = RP_ENOMEM;
	if (j != NULL) {
		j->work.data = j;
		j->call = c;
		j->path = path;
		err = uv_queue_work(rp_loop_uv(c->api->parts.loop), &j->work, on_read, on_done);
	}
	if (err != 0) {
		rp_free(path);
		rp_free(j);
		rp_reply_code(c, err, NULL);
		return;
	}
	c->api->docroot->reads++;
}

static void serve(struct rp_api_call *c, const char *path)
{
	size_t n = strlen(path);
	if (!path_ok(path)) {
		not_found(c);
	} else if (strcmp(path, "/" INDEX) == 0) {
		redirect(c, "/");
	} else if (c->api->docroot->reads >= READS_MAX) {
		rp_answer_busy(c);
	} else {
		read_later(c, rp_asprintf("%s%s", path + 1, path[n - 1] == '/' ? INDEX : ""));
	}
}

bool rp_docroot_serve(struct rp_api_call *c)
{
	const char *raw = rp_http_req_path(c->req);
	const char *method = rp_http_req_head(c->req)->method;
	char *path;
	if (c->api->docroot == NULL || strncmp(raw, API_PREFIX, strlen(API_PREFIX)) == 0) {
		return false;
	}
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		rp_reply_empty(c, 405);
		return true;
	}
	int err = rp_url_decode(rp_str_c(raw), false, &path);
	if (err == RP_ENOMEM) {
		rp_reply_code(c, err, NULL);
	} else if (err != 0) {
		not_found(c);
	} else {
		serve(c, path);
		rp_free(path);
	}
	return true;
}
