/* SPDX-License-Identifier: MIT */
/*
 * An upload goes through its list of clients, some of them at a time. Each call carries the file's
 * name, which is what opens it to that client (server/conn_files.c).
 */
#include "api/uploads.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/crypto.h"
#include "core/jsonw.h"
#include "core/log.h"

#include "core/banned.h"

#define COMPONENT   "uploads"
#define SUFFIX      "_rport_filepush"
#define PAYLOAD_MAX 65536u
/* Of what a client says. */
#define MESSAGE_MAX 1024
/* A client answers when it has the whole file: time to find it, and for each byte of a slow line. */
#define ANSWER_MS           600000u
#define SLOW_BYTES_PER_S    8192u
#define ANSWER_EXTRA_MAX_MS (UINT32_MAX / 2)

struct rp_uploads {
	struct rp_uploads_options opt;
	char *folder;          /* absolute */
	struct rp_list active; /* struct upload, started */
	unsigned n;            /* places taken */
	bool closed;
	struct rp_list watches;
};

/* A started one. */
struct upload {
	struct rp_list node;
	struct rp_uploads *us;
	struct rp_upload *up;
	char *payload;
	size_t next; /* of the clients */
	unsigned running;
	struct rp_deferred turn;
	uv_fs_t remove;
};

struct transfer {
	struct upload *u;
	char *client_id;
};

/* The folder */

static bool is_ours(const char *name)
{
	size_t n = strlen(name);
	size_t suffix = strlen(SUFFIX);
	return n == RP_UUID_TEXT_MAX - 1 + suffix && strcmp(name + n - suffix, SUFFIX) == 0;
}

static void clean_folder(const char *folder)
{
	DIR *d = opendir(folder);
	const struct dirent *e;
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (is_ours(e->d_name) && unlinkat(dirfd(d), e->d_name, 0) != 0) {
			rp_log_error(COMPONENT,
			    "%s/%s is left from before and cannot be removed: %s", folder,
			    e->d_name, rp_err_text(-errno));
		}
	}
	if (d != NULL) {
		(void)closedir(d);
	}
}

static int make_folder(const char *folder, struct rp_err *err)
{
	if (mkdir(folder, 0700) == 0) {
		rp_log_info(COMPONENT, "created directory %s", folder);
		return 0;
	}
	return errno == EEXIST
	    ? 0
	    : rp_err_set(err, RP_EIO, "%s cannot be made: %s", folder, rp_err_text(-errno));
}

int rp_uploads_new(
    const struct rp_uploads_options *opt, struct rp_uploads **out, struct rp_err *err)
{
	char *dir = realpath(opt->data_dir, NULL);
	if (dir == NULL) {
		return rp_err_set(err, RP_EIO, "%s: %s", opt->data_dir, rp_err_text(-errno));
	}
	struct rp_uploads *us = rp_calloc(1, sizeof(*us));
	if (us != NULL) {
		us->opt = *opt;
		us->opt.data_dir = NULL;
		rp_list_init(&us->active);
		rp_list_init(&us->watches);
		us->folder = rp_asprintf("%s/filepush", dir);
	}
	free(dir);
	*out = us;
	if (us == NULL || us->folder == NULL) {
		rp_uploads_free(us);
		*out = NULL;
		return rp_err_no_memory(err);
	}
	clean_folder(us->folder);
	return 0;
}

void rp_uploads_close(struct rp_uploads *us)
{
	if (us != NULL) {
		us->closed = true;
	}
}

void rp_uploads_watch(struct rp_uploads *us, struct rp_upload_watch *w)
{
	rp_list_append(&us->watches, &w->node);
}

void rp_uploads_unwatch(struct rp_upload_watch *w)
{
	rp_list_remove(&w->node);
}

/* One file */

static void fields_free(struct rp_upload *up)
{
	rp_free(up->path);
	rp_free(up->id);
	rp_free(up->dest);
	rp_free(up->owner);
	rp_free(up->group);
	rp_strlist_fini(&up->clients);
	rp_free(up->username);
	rp_free(up->remote_ip);
	rp_free(up);
}

void rp_upload_free(struct rp_uploads *us, struct rp_upload *u)
{
	if (u != NULL) {
		us->n--;
		fields_free(u);
	}
}

int rp_upload_new(struct rp_uploads *us, struct rp_upload **out, struct rp_err *err)
{
	char uuid[RP_UUID_TEXT_MAX];
	*out = NULL;
	if (us->closed) {
		return rp_err_set(err, RP_ECLOSED, "the server stops");
	}
	if (us->n >= RP_UPLOADS_MAX) {
		return rp_err_set(
		    err, RP_EBUSY, "%u uploads are under way: try again later", RP_UPLOADS_MAX);
	}
	int code = make_folder(us->folder, err);
	if (code != 0) {
		return code;
	}
	struct rp_upload *u = rp_calloc(1, sizeof(*u));
	if (u == NULL) {
		return rp_err_no_memory(err);
	}
	us->n++;
	rp_uuid4(uuid);
	u->id = rp_strdup(uuid);
	u->path = rp_asprintf("%s/%s" SUFFIX, us->folder, uuid);
	if (u->id == NULL || u->path == NULL) {
		rp_upload_free(us, u);
		return rp_err_no_memory(err);
	}
	*out = u;
	return 0;
}

static void write_fields(struct rp_jsonw *w, const struct rp_upload *u)
{
	char *md5 = rp_base64(u->md5, sizeof(u->md5));
	rp_jsonw_obj(w);
	rp_jsonw_put_str(w, "ID", u->id);
	rp_jsonw_put_str(w, "SourceFilePath", u->path);
	rp_jsonw_put_str(w, "DestinationPath", u->dest);
	rp_jsonw_put_int(w, "DestinationFileMode", u->mode);
	rp_jsonw_put_str(w, "DestinationFileOwner", u->owner);
	rp_jsonw_put_str(w, "DestinationFileGroup", u->group);
	rp_jsonw_put_bool(w, "ForceWrite", u->force);
	rp_jsonw_put_bool(w, "Sync", u->sync);
	rp_jsonw_put_str(w, "Md5Checksum", md5);
	rp_jsonw_obj_end(w);
	w->err = md5 == NULL ? RP_ENOMEM : w->err;
	rp_free(md5);
}

char *rp_upload_text(const struct rp_upload *u)
{
	struct rp_buf text;
	struct rp_jsonw w;
	rp_buf_init(&text, PAYLOAD_MAX);
	rp_jsonw_init(&w, &text);
	write_fields(&w, u);
	return rp_jsonw_take(&w);
}

/* Results */

char *rp_upload_result_text(const struct rp_upload_result *r)
{
	struct rp_buf text;
	struct rp_jsonw w;
	rp_buf_init(&text, PAYLOAD_MAX);
	rp_jsonw_init(&w, &text);
	rp_jsonw_obj(&w);
	rp_jsonw_put_str(&w, "client_id", r->client_id);
	rp_jsonw_put_str(&w, "uuid", r->id);
	rp_jsonw_put_str(&w, "filepath", r->path);
	rp_jsonw_put_int(&w, "size", r->size);
	rp_jsonw_put_str(&w, "message", r->message);
	rp_jsonw_put_str(&w, "status", r->status);
	rp_jsonw_obj_end(&w);
	return rp_jsonw_take(&w);
}

static void audit(const struct upload *u, const struct rp_upload_result *r, bool ok)
{
	const struct rp_client *c = rp_registry_get(u->us->opt.registry, r->client_id);
	char action_ok[] = "success";
	char action_failed[] = "failed";
	char application[] = "uploads";
	char *response = rp_upload_result_text(r);
	const struct rp_audit_entry e = {
	    .username = u->up->username,
	    .remote_ip = u->up->remote_ip,
	    .application = application,
	    .action = ok ? action_ok : action_failed,
	    .affected_id = u->up->id,
	    .client_id = (char *)(uintptr_t)r->client_id,
	    .client_hostname = c != NULL ? c->hostname : NULL,
	    .request = u->payload,
	    .response = response,
	};
	rp_audit_add(u->us->opt.audit, &e);
	rp_free(response);
}

static void tell(const struct upload *u, const struct rp_upload_result *r)
{
	bool ok = strcmp(r->status, "error") != 0;
	struct rp_list *it;
	struct rp_list *tmp;
	if (ok) {
		rp_log_info(
		    COMPONENT, "file id: %s, client %s: %s", r->id, r->client_id, r->status);
	} else {
		rp_log_error(
		    COMPONENT, "file id: %s, client %s: upload failed", r->id, r->client_id);
	}
	audit(u, r, ok);
	RP_LIST_FOREACH(it, tmp, &u->us->watches) {
		struct rp_upload_watch *w = RP_LIST_ENTRY(it, struct rp_upload_watch, node);
		w->on_result(w, r);
	}
}

static void tell_error(const struct upload *u, const char *client_id, const char *message)
{
	const struct rp_upload_result r = {
	    .client_id = client_id,
	    .id = u->up->id,
	    .path = "",
	    .message = message,
	    .status = "error",
	};
	tell(u, &r);
}

struct reply {
	int64_t size;
	char *message;
	char *status;
};

#define F(key, kind)                                                        \
	{                                                                   \
#key, RP_FIELD_##kind, 0, offsetof(struct reply, key), NULL \
	}
static const struct rp_json_field reply_fields[] = {F(size, INT), F(message, STR), F(status, STR)};
static const struct rp_json_table reply_table = RP_JSON_TABLE(reply_fields, struct reply);

static void tell_reply(const struct upload *u, const char *client_id, const char *p, size_t n)
{
	struct reply reply = {0};
	if (rp_json_decode_text(p, n, &reply_table, false, &reply, NULL) != 0 ||
	    reply.status == NULL ||
	    (strcmp(reply.status, "success") != 0 && strcmp(reply.status, "ignored") != 0)) {
		tell_error(u, client_id, "invalid client response format");
	} else {
		char message[MESSAGE_MAX];
		(void)snprintf(
		    message, sizeof(message), "%s", reply.message != NULL ? reply.message : "");
		const struct rp_upload_result r = {
		    .client_id = client_id,
		    .id = u->up->id,
		    .path = u->up->dest,
		    .size = reply.size,
		    .message = message,
		    .status = reply.status,
		};
		tell(u, &r);
	}
	rp_json_release(&reply_table, &reply);
}

static void tell_failure(
    const struct upload *u, const char *client_id, int code, struct rp_str text)
{
	char message[MESSAGE_MAX];
	if (code == RP_EDENIED && rp_str_eq(text, "unknown request")) {
		tell_error(u, client_id,
		    "client doesn't support uploads, please upgrade client to the latest version "
		    "to make it work");
	} else if (code == RP_EDENIED) {
		(void)snprintf(
		    message, sizeof(message), "client error: %.*s", (int)text.len, text.p);
		tell_error(u, client_id, message);
	} else if (code == RP_ECLOSED) {
		tell_error(u, client_id, "client is not connected");
	} else if (code == RP_ETIMEOUT) {
		tell_error(u, client_id, "the client did not answer in time");
	} else {
		tell_error(u, client_id, rp_err_text(code));
	}
}

/* Sending */

static void upload_free(struct upload *u)
{
	rp_loop_defer_cancel(&u->turn);
	rp_list_remove(&u->node);
	rp_upload_free(u->us, u->up);
	rp_free(u->payload);
	rp_free(u);
}

static void on_removed(uv_fs_t *req)
{
	struct upload *u = req->data;
	if (req->result != 0 && req->result != UV_ENOENT) {
		rp_log_error(COMPONENT, "%s cannot be removed: %s", u->up->path,
		    rp_err_text((int)req->result));
	}
	uv_fs_req_cleanup(req);
	upload_free(u);
}

static void finish(struct upload *u)
{
	u->remove.data = u;
	if (uv_fs_unlink(rp_loop_uv(u->us->opt.loop), &u->remove, u->up->path, on_removed) != 0) {
		(void)unlink(u->up->path);
		upload_free(u);
	}
}

static void on_answer(void *ctx, int code, const char *p, size_t n)
{
	struct transfer *t = ctx;
	struct upload *u = t->u;
	u->running--;
	if (code == 0) {
		tell_reply(u, t->client_id, p, n);
	} else {
		tell_failure(u, t->client_id, code, rp_str_n(p, n));
	}
	rp_free(t->client_id);
	rp_free(t);
	rp_loop_defer(u->us->opt.loop, &u->turn);
}

/* Wire protocol 3.2: a configuration that does not say so does not take files. */
static bool takes_files(const struct rp_client *c)
{
	struct rp_json *j = NULL;
	if (c->client_configuration == NULL) {
		return true;
	}
	if (rp_json_parse(c->client_configuration, strlen(c->client_configuration), &j, NULL) !=
	    0) {
		return false;
	}
	bool takes = rp_json_type(j) == RP_JSON_NULL ||
	    rp_json_true(rp_json_get(rp_json_get(j, "file_reception"), "enabled"));
	rp_json_free(j);
	return takes;
}

static unsigned answer_ms(uint64_t size)
{
	uint64_t extra = size / SLOW_BYTES_PER_S * 1000;
	return ANSWER_MS + (unsigned)RP_MIN(extra, (uint64_t)ANSWER_EXTRA_MAX_MS);
}

static int call(struct upload *u, const char *client_id)
{
	struct transfer *t = rp_calloc(1, sizeof(*t));
	const struct rp_call_order order = {
	    .name = "upload",
	    .payload = u->payload,
	    .timeout_ms = answer_ms(u->up->size),
	    .file = u->up->path,
	};
	int code = RP_ENOMEM;
	if (t != NULL) {
		t->u = u;
		t->client_id = rp_strdup(client_id);
		code = t->client_id == NULL
		    ? RP_ENOMEM
		    : rp_registry_call(u->us->opt.registry, client_id, &order, on_answer, t);
	}
	if (code == 0) {
		u->running++;
	} else if (t != NULL) {
		rp_free(t->client_id);
		rp_free(t);
	}
	return code;
}

static void send_to(struct upload *u, const char *client_id)
{
	const struct rp_client *c = rp_registry_get(u->us->opt.registry, client_id);
	if (c == NULL || !rp_client_connected(c)) {
		tell_error(u, client_id, "client is not connected");
	} else if (!takes_files(c)) {
		tell_error(u, client_id,
		    "uploads are disabled on this client, check [file-reception] enabled option");
	} else {
		int code = call(u, client_id);
		if (code != 0) {
			tell_error(u, client_id, rp_err_text(code));
		}
	}
}

static void on_turn(struct rp_deferred *d)
{
	struct upload *u = RP_CONTAINER_OF(d, struct upload, turn);
	while (u->next < u->up->clients.n && u->running < RP_UPLOAD_PARALLEL) {
		const char *id = u->up->clients.v[u->next++];
		if (u->us->closed) {
			tell_error(u, id, "the server stops");
		} else {
			send_to(u, id);
		}
	}
	if (u->running == 0) {
		finish(u);
	}
}

void rp_upload_start(struct rp_uploads *us, struct rp_upload *up)
{
	struct upload *u = rp_calloc(1, sizeof(*u));
	char *payload = rp_upload_text(up);
	if (u == NULL || payload == NULL) {
		rp_log_error(COMPONENT, "file id: %s: not sent: out of memory", up->id);
		(void)unlink(up->path);
		rp_upload_free(us, up);
		rp_free(payload);
		rp_free(u);
		return;
	}
	u->us = us;
	u->up = up;
	u->payload = payload;
	u->turn.run = on_turn;
	rp_list_init(&u->turn.node);
	rp_list_append(&us->active, &u->node);
	rp_loop_defer(us->opt.loop, &u->turn);
}

void rp_uploads_free(struct rp_uploads *us)
{
	struct rp_list *it;
	struct rp_list *tmp;
	if (us == NULL) {
		return;
	}
	RP_LIST_FOREACH(it, tmp, &us->active) {
		struct upload *u = RP_LIST_ENTRY(it, struct upload, node);
		(void)unlink(u->up->path);
		upload_free(u);
	}
	rp_free(us->folder);
	rp_free(us);
}

/* Destinations */

/* A Unix path without its ".", ".." and double slashes: does it begin with this folder? */
static bool below(const char *dest, const char *folder)
{
	struct rp_str rest = rp_str_c(dest);
	struct rp_str part;
	size_t depth = 0;
	bool first = false; /* the first part that is left is the folder */
	while (rp_str_split(&rest, '/', &part)) {
		if (part.len == 0 || rp_str_eq(part, ".")) {
			continue;
		}
		if (rp_str_eq(part, "..")) {
			depth -= depth > 0 ? 1 : 0;
			continue;
		}
		first = depth == 0 ? rp_str_eq(part, folder) : first;
		depth++;
	}
	return depth > 0 && first;
}

int rp_upload_check_dest(const char *dest, const char **folder)
{
	/* Nobody has a reason to write there. */
	static const char *const denied[][2] = {
	    {"proc", "/proc/"}, {"sys", "/sys/"}, {"dev", "/dev/"}, {"run", "/run/"}};
	bool drive = rp_ascii_is_letter(dest[0]) && dest[1] == ':' &&
	    (dest[2] == '\\' || dest[2] == '/');
	bool share = dest[0] == '\\' && dest[1] == '\\';
	if (drive || share) {
		return 0;
	}
	if (dest[0] != '/') {
		return RP_EINVAL;
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(denied); i++) {
		if (below(dest, denied[i][0])) {
			*folder = denied[i][1];
			return RP_EDENIED;
		}
	}
	return 0;
}
