/* SPDX-License-Identifier: MIT */
/*
 * The libraries of commands and scripts that users keep for later use (rport-api 4.5). Both have the
 * same calls; the route says which one is meant.
 */
#include <stdio.h>
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/library_store.h"
#include "api/reply.h"
#include "api/router.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"

#include "core/banned.h"

#define TIMEOUT_DEFAULT_S 60
#define TAGS_MAX          ((size_t)1 << 20)

static enum rp_library library(const struct rp_api_call *c)
{
	return rp_str_starts(rp_str_c(c->route->path), "/library/scripts") ? RP_LIBRARY_SCRIPTS
	                                                                   : RP_LIBRARY_COMMANDS;
}

/* Lists */

static const char *const command_columns[] = {"id", "name", "created_by", "created_at",
    "updated_by", "updated_at", "cmd", "tags", "timeout_sec", NULL};
static const char *const script_columns[] = {"id", "name", "created_by", "created_at", "updated_by",
    "updated_at", "interpreter", "is_sudo", "cwd", "script", "tags", "timeout_sec", NULL};
static const struct rp_listq_resource command_resources[] = {
    {"commands", command_columns, command_columns}, {NULL, NULL, NULL}};
static const struct rp_listq_resource script_resources[] = {
    {"scripts", script_columns, script_columns}, {NULL, NULL, NULL}};
static const struct rp_listq_spec list_specs[] = {
    [RP_LIBRARY_COMMANDS] =
        {
            .filters = command_columns,
            .sorts = command_columns,
            .default_sort = "created_at,id",
            .resources = command_resources,
            .limit_default = 20,
            .limit_max = 100,
        },
    [RP_LIBRARY_SCRIPTS] =
        {
            .filters = script_columns,
            .sorts = script_columns,
            .default_sort = "created_at,id",
            .resources = script_resources,
            .limit_default = 20,
            .limit_max = 100,
        },
};
/* Of one entry only the fields can be chosen. */
static const struct rp_listq_spec one_specs[] = {
    [RP_LIBRARY_COMMANDS] = {.resources = command_resources},
    [RP_LIBRARY_SCRIPTS] = {.resources = script_resources},
};

static void write_entry(
    struct rp_jsonw *w, enum rp_library lib, const struct rp_listq *q, const void *entry)
{
	const struct rp_json_table *t = rp_library_table(lib);
	const struct rp_listq_spec *spec = &list_specs[lib];
	rp_jsonw_obj(w);
	for (size_t i = 0; i < t->n; i++) {
		if (rp_listq_wants(q, spec, spec->resources[0].name, t->fields[i].key)) {
			rp_jsonw_field(w, &t->fields[i], entry);
		}
	}
	rp_jsonw_obj_end(w);
}

static void on_list(void *ctx, int code, const struct rp_listread *r, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	struct rp_reply reply;
	if (code != 0) {
		rp_reply_code(c, code, err);
		return;
	}
	const struct rp_library_entry *e = r->page.v;
	rp_reply_begin(&reply);
	rp_jsonw_arr(&reply.w);
	for (size_t i = 0; i < r->page.n; i++) {
		write_entry(&reply.w, library(c), r->q, &e[i]);
	}
	rp_jsonw_arr_end(&reply.w);
	rp_reply_end_count(&reply, c, r->total);
}

static void on_one(void *ctx, int code, const struct rp_listread *r, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	struct rp_reply reply;
	if (code != 0) {
		rp_reply_code(c, code, err);
	} else if (r->page.n == 0) {
		rp_reply_fail(c, 404, "Cannot find a %s by the provided id: %s",
		    library(c) == RP_LIBRARY_SCRIPTS ? "script" : "command", c->params[0]);
	} else {
		rp_reply_begin(&reply);
		write_entry(&reply.w, library(c), r->q, r->page.v);
		rp_reply_end(&reply, c);
	}
}

/* The database has 0 and 1 where the API shows false and true. */
static int spell_bools(struct rp_listq_filter *f)
{
	bool ours = f->columns.n == 1 && strcmp(f->columns.v[0], "is_sudo") == 0;
	for (size_t i = 0; ours && i < f->values.n; i++) {
		bool yes = strcmp(f->values.v[i], "true") == 0;
		if (yes || strcmp(f->values.v[i], "false") == 0) {
			char *digit = rp_strdup(yes ? "1" : "0");
			if (digit == NULL) {
				return RP_ENOMEM;
			}
			rp_free(f->values.v[i]);
			f->values.v[i] = digit;
		}
	}
	return 0;
}

/* where NULL: the list. */
static void read_entries(struct rp_api_call *c, const char *where, rp_listread_cb cb)
{
	enum rp_library lib = library(c);
	struct rp_listq q;
	int err = rp_api_list_query(c, where == NULL ? &list_specs[lib] : &one_specs[lib], &q);
	if (err != 0) {
		return;
	}
	for (size_t i = 0; err == 0 && i < q.n_filters; i++) {
		err = spell_bools(&q.filters[i]);
	}
	if (err != 0) {
		rp_listq_fini(&q);
		rp_reply_code(c, err, NULL);
		return;
	}
	const struct rp_listread_ask ask = {.spec = rp_library_store_list(lib),
	    .where = where,
	    .key = where == NULL ? NULL : c->params[0]};
	err = rp_listread(c->api->parts.store, &ask, &q, cb, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

void rp_api_library_get(struct rp_api_call *c)
{
	read_entries(c, NULL, on_list);
}

void rp_api_library_entry_get(struct rp_api_call *c)
{
	read_entries(c, "id = ?", on_one);
}

/* Writing */

struct body {
	char *name;
	char *text;
	char *interpreter;
	bool is_sudo;
	char *cwd;
	char *tags;
	int64_t timeout_sec;
};

#define F(key, kind, member)                                                 \
	{                                                                    \
		key, RP_FIELD_##kind, 0, offsetof(struct body, member), NULL \
	}
static const struct rp_json_field command_body[] = {
    F("name", STR, name),
    F("cmd", STR, text),
    F("tags", RAW, tags),
    F("timeout_sec", INT, timeout_sec),
};
static const struct rp_json_field script_body[] = {
    F("name", STR, name),
    F("script", STR, text),
    F("tags", RAW, tags),
    F("timeout_sec", INT, timeout_sec),
    F("interpreter", STR, interpreter),
    F("is_sudo", BOOL, is_sudo),
    F("cwd", STR, cwd),
};
static const struct rp_json_table bodies[] = {
    [RP_LIBRARY_COMMANDS] = RP_JSON_TABLE(command_body, struct body),
    [RP_LIBRARY_SCRIPTS] = RP_JSON_TABLE(script_body, struct body),
};

/* Tags are kept as they were understood: null among them is the empty text. */
static int rewrite_tags(struct body *b, const struct rp_strlist *tags)
{
	struct rp_buf text;
	struct rp_jsonw w;
	char *rewritten = NULL;
	rp_buf_init(&text, TAGS_MAX);
	rp_jsonw_init(&w, &text);
	rp_jsonw_strlist(&w, tags);
	int err = rp_jsonw_end(&w);
	err = err != 0 ? err : rp_buf_take_string(&text, &rewritten);
	rp_buf_fini(&text);
	if (err == 0) {
		rp_free(b->tags);
		b->tags = rewritten;
	}
	return err;
}

/* False: the call was answered. */
static bool check(struct rp_api_call *c, struct body *b)
{
	struct rp_listq_errors errs = {0};
	struct rp_strlist tags = {0};
	bool script = library(c) == RP_LIBRARY_SCRIPTS;
	rp_listq_complain(&errs, b->name == NULL || b->name[0] == '\0', "name is required");
	rp_listq_complain(&errs, b->text == NULL || b->text[0] == '\0',
	    script ? "script is required" : "cmd is required");
	rp_listq_complain(&errs, b->timeout_sec < 0, "timeout_sec must not be negative");
	int err = rp_json_raw_strlist(b->tags, &tags);
	rp_listq_complain(&errs, err == RP_EINVAL, "tags must be an array of strings");
	err = err == 0 && b->tags != NULL ? rewrite_tags(b, &tags) : err;
	rp_strlist_fini(&tags);
	if (err != 0 && err != RP_EINVAL) {
		rp_reply_code(c, err, NULL);
		return false;
	}
	if (errs.n > 0) {
		rp_reply_list_errors(c, &errs);
	}
	return errs.n == 0;
}

struct write {
	struct rp_api_call *call;
	char *name; /* for the answer that it is taken */
};

static void write_free(struct write *w)
{
	rp_free(w->name);
	rp_free(w);
}

static void refuse(const struct write *w, int code, const struct rp_err *err)
{
	struct rp_api_call *c = w->call;
	switch (code) {
	case RP_EEXIST:
		rp_reply_fail(c, 409, "another %s with the same name '%s' exists",
		    library(c) == RP_LIBRARY_SCRIPTS ? "script" : "command", w->name);
		break;
	case RP_ENOENT:
		rp_reply_fail(c, 404, "cannot find entry by the provided ID");
		break;
	case RP_ELIMIT:
		rp_reply_fail(c, 400, "a library has at most %d entries", RP_LIBRARY_MAX);
		break;
	default:
		rp_reply_code(c, code, err);
	}
}

static void on_written(
    void *ctx, int code, const struct rp_library_entry *e, const struct rp_err *err)
{
	struct write *w = ctx;
	struct rp_reply r;
	if (code != 0) {
		refuse(w, code, err);
	} else {
		bool created = strcmp(w->call->route->method, "POST") == 0;
		rp_reply_begin(&r);
		rp_jsonw_struct(&r.w, rp_library_table(library(w->call)), e);
		rp_reply_end_status(&r, w->call, created ? 201 : 200);
	}
	write_free(w);
}

static char *or_empty(char *s)
{
	static char empty[] = "";
	return s != NULL ? s : empty;
}

/* id NULL: a new one. */
static void store(struct rp_api_call *c, char *id, const struct body *b)
{
	char uuid[RP_UUID_TEXT_MAX];
	struct rp_store *s = c->api->parts.store;
	struct write *w = rp_calloc(1, sizeof(*w));
	const int64_t now = rp_time_now();
	rp_uuid4(uuid);
	const struct rp_library_entry e = {
	    .id = id != NULL ? id : uuid,
	    .name = b->name,
	    .created_by = c->user.name,
	    .created_at = now,
	    .updated_by = c->user.name,
	    .updated_at = now,
	    .text = b->text,
	    .tags = b->tags,
	    .timeout_sec = b->timeout_sec != 0 ? b->timeout_sec : TIMEOUT_DEFAULT_S,
	    .interpreter = or_empty(b->interpreter),
	    .is_sudo = b->is_sudo,
	    .cwd = or_empty(b->cwd),
	};
	if (w == NULL || (w->name = rp_strdup(b->name)) == NULL) {
		rp_free(w);
		rp_reply_code(c, RP_ENOMEM, NULL);
		return;
	}
	w->call = c;
	int err = id != NULL ? rp_library_store_change(s, library(c), &e, on_written, w)
	                     : rp_library_store_add(s, library(c), &e, on_written, w);
	if (err != 0) {
		write_free(w);
		rp_reply_code(c, err, NULL);
	}
}

static void take_body(struct rp_api_call *c, char *id)
{
	const struct rp_json_table *t = &bodies[library(c)];
	struct body b = {0};
	if (rp_api_body(c, t, true, &b) != 0) {
		return;
	}
	if (check(c, &b)) {
		store(c, id, &b);
	}
	rp_json_release(t, &b);
}

void rp_api_library_post(struct rp_api_call *c)
{
	take_body(c, NULL);
}

void rp_api_library_entry_put(struct rp_api_call *c)
{
	take_body(c, c->params[0]);
}

static void on_deleted(void *ctx, int code, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	if (code == 0) {
		rp_reply_empty(c, 204);
	} else if (code == RP_ENOENT) {
		rp_reply_fail(c, 404, "cannot find this entry by the provided id");
	} else {
		rp_reply_code(c, code, err);
	}
}

void rp_api_library_entry_delete(struct rp_api_call *c)
{
	int err = rp_library_store_delete(
	    c->api->parts.store, library(c), c->params[0], on_deleted, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}
