/* SPDX-License-Identifier: MIT */
/*
 * Fields may come in any order, also behind the file, so they are only looked at in the end.
 */
#include "api/upload_form.h"

#include <string.h>

#include "core/alloc.h"
#include "core/json.h"
#include "http/multipart.h"

#include "core/banned.h"

#define FIELDS_MAX 4096
#define DEST_MAX   4096
#define OWNER_MAX  256
#define ID_MAX_LEN 128
#define MODE_MAX   07777

struct field {
	char *name;
	char *value;
};

struct rp_upload_form {
	struct rp_multipart *parser;
	rp_upload_form_cb cb;
	void *ctx;
	enum {
		OTHER_PART, /* not read */
		FIELD_PART,
		FILE_PART
	} part;
	bool has_file;
	struct field *fields;
	size_t n;
	size_t bytes; /* of all values */
	char *name;   /* of the field that is being read */
	struct rp_buf value;
	struct rp_err err;
};

static const char *const known[] = {
    "client_id", "group_id", "tags", "dest", "mode", "user", "group", "force", "sync", "id"};

static bool is_known(const char *name)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(known); i++) {
		if (strcmp(name, known[i]) == 0) {
			return true;
		}
	}
	return false;
}

static int on_part(void *ctx, const char *name, const char *filename)
{
	struct rp_upload_form *f = ctx;
	f->part = OTHER_PART;
	if (filename != NULL && strcmp(name, "upload") == 0) {
		if (f->has_file) {
			return rp_err_set(
			    &f->err, RP_EINVAL, "the form has more than one file \"upload\"");
		}
		f->has_file = true;
		f->part = FILE_PART;
	} else if (filename == NULL && is_known(name)) {
		f->part = FIELD_PART;
		f->name = rp_strdup(name);
		return f->name == NULL ? RP_ENOMEM : 0;
	}
	return 0;
}

static int on_data(void *ctx, const uint8_t *p, size_t n)
{
	struct rp_upload_form *f = ctx;
	if (f->part == FILE_PART) {
		return f->cb(f->ctx, p, n);
	}
	if (f->part != FIELD_PART) {
		return 0;
	}
	f->bytes += n;
	int code = f->bytes > RP_UPLOAD_FIELDS_MAX ? RP_ELIMIT : rp_buf_add(&f->value, p, n);
	return code != RP_ELIMIT
	    ? code
	    : rp_err_set(&f->err, RP_EINVAL, "the field \"%s\" is too long", f->name);
}

static int keep_field(struct rp_upload_form *f)
{
	struct field *v = rp_reallocarray(f->fields, f->n + 1, sizeof(*v));
	if (v == NULL) {
		return RP_ENOMEM;
	}
	f->fields = v;
	v[f->n].value = NULL;
	int code = rp_buf_take_string(&f->value, &v[f->n].value);
	if (code == 0) {
		v[f->n++].name = f->name;
		f->name = NULL;
	}
	return code;
}

static int on_part_end(void *ctx)
{
	struct rp_upload_form *f = ctx;
	if (f->part != FIELD_PART) {
		return 0;
	}
	const uint8_t *p = rp_buf_head(&f->value);
	size_t n = f->value.len;
	if (n > 0 && (memchr(p, '\0', n) != NULL || !rp_utf8_valid(p, n))) {
		return rp_err_set(&f->err, RP_EINVAL, "the field \"%s\" is no text", f->name);
	}
	if (f->n >= FIELDS_MAX) {
		return rp_err_set(
		    &f->err, RP_EINVAL, "the form has more than %d fields", FIELDS_MAX);
	}
	return keep_field(f);
}

int rp_upload_form_new(const char *content_type, rp_upload_form_cb cb, void *ctx,
    struct rp_upload_form **out, struct rp_err *err)
{
	static const struct rp_multipart_ops ops = {
	    .on_part = on_part, .on_data = on_data, .on_part_end = on_part_end};
	char boundary[RP_MULTIPART_BOUNDARY_MAX];
	*out = NULL;
	if (rp_multipart_boundary(content_type, boundary) != 0) {
		return rp_err_set(err, RP_EINVAL,
		    "request Content-Type isn't multipart/form-data with a boundary");
	}
	struct rp_upload_form *f = rp_calloc(1, sizeof(*f));
	if (f == NULL) {
		return rp_err_no_memory(err);
	}
	f->cb = cb;
	f->ctx = ctx;
	rp_buf_init(&f->value, RP_UPLOAD_FIELD_MAX);
	if (rp_multipart_new(&f->parser, boundary, &ops, f) != 0) {
		rp_upload_form_free(f);
		return rp_err_no_memory(err);
	}
	*out = f;
	return 0;
}

void rp_upload_form_free(struct rp_upload_form *f)
{
	if (f == NULL) {
		return;
	}
	rp_multipart_free(f->parser);
	for (size_t i = 0; i < f->n; i++) {
		rp_free(f->fields[i].name);
		rp_free(f->fields[i].value);
	}
	rp_free(f->fields);
	rp_free(f->name);
	rp_buf_fini(&f->value);
	rp_free(f);
}

int rp_upload_form_feed(struct rp_upload_form *f, const uint8_t *p, size_t n, struct rp_err *err)
{
	int code = rp_multipart_feed(f->parser, p, n);
	if (code == 0) {
		return 0;
	}
	if (f->err.code != 0) {
		*err = f->err;
		return f->err.code;
	}
	if (code == RP_EPROTO || code == RP_ELIMIT) {
		return rp_err_set(err, RP_EINVAL, "the body is no readable multipart/form-data");
	}
	return rp_err_set(err, code, "%s", rp_err_text(code));
}

/* The meaning of fields */

/* The first of that name; NULL if there is none. */
static const char *value_of(const struct rp_upload_form *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->fields[i].name, name) == 0) {
			return f->fields[i].value;
		}
	}
	return NULL;
}

static size_t count(const struct rp_upload_form *f, const char *name)
{
	size_t n = 0;
	for (size_t i = 0; i < f->n; i++) {
		n += strcmp(f->fields[i].name, name) == 0 ? 1 : 0;
	}
	return n;
}

static int take_list(
    const struct rp_upload_form *f, const char *name, bool *has, struct rp_strlist *out)
{
	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->fields[i].name, name) != 0) {
			continue;
		}
		*has = true;
		int code = rp_strlist_add(out, rp_str_c(f->fields[i].value));
		if (code != 0) {
			return code;
		}
	}
	return 0;
}

struct tags {
	struct rp_strlist tags;
	char *operator;
};

static int take_tags(const struct rp_upload_form *f, struct rp_audience *a, struct rp_err *err)
{
	static const struct rp_json_field fields[] = {
	    {"tags", RP_FIELD_STRLIST, 0, offsetof(struct tags, tags), NULL},
	    {"operator", RP_FIELD_STR, 0, offsetof(struct tags, operator), NULL},
	};
	static const struct rp_json_table table = RP_JSON_TABLE(fields, struct tags);
	const char *text = value_of(f, "tags");
	struct tags t = {0};
	if (text == NULL) {
		return 0;
	}
	if (count(f, "tags") > 1) {
		return rp_err_set(
		    err, RP_EINVAL, "tags form value must only contain a single element");
	}
	int code = rp_json_decode_text(text, strlen(text), &table, true, &t, err);
	if (code != 0) {
		return rp_err_wrap(err, "the field \"tags\"") == RP_ENOMEM ? RP_ENOMEM : RP_EINVAL;
	}
	a->has_tags = true;
	a->all_tags = t.operator!= NULL && rp_ascii_ieq(t.operator, "AND");
	a->tags = t.tags;
	rp_free(t.operator);
	return 0;
}

/* A text field without control bytes; "" if it is not there. */
static int take_text(
    const struct rp_upload_form *f, const char *name, size_t max, char **out, struct rp_err *err)
{
	const char *text = value_of(f, name);
	text = text != NULL ? text : "";
	if (strlen(text) > max) {
		return rp_err_set(
		    err, RP_EINVAL, "the field \"%s\" has more than %zu bytes", name, max);
	}
	for (const char *p = text; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f) {
			return rp_err_set(
			    err, RP_EINVAL, "the field \"%s\" has control characters", name);
		}
	}
	rp_free(*out);
	*out = rp_strdup(text);
	if (*out == NULL) {
		(void)rp_err_no_memory(err);
		return RP_ENOMEM;
	}
	return 0;
}

/* Names become arguments of chown on the client. */
static int take_name(
    const struct rp_upload_form *f, const char *name, char **out, struct rp_err *err)
{
	int code = take_text(f, name, OWNER_MAX, out, err);
	if (code == 0 && ((*out)[0] == '-' || strpbrk(*out, ":/ ") != NULL)) {
		return rp_err_set(
		    err, RP_EINVAL, "the field \"%s\" is no name of a user or group", name);
	}
	return code;
}

static int take_mode(const struct rp_upload_form *f, int64_t *mode, struct rp_err *err)
{
	const char *text = value_of(f, "mode");
	int64_t v = 0;
	bool ok = text == NULL || (text[0] != '\0' && strlen(text) <= 8);
	for (const char *p = text; ok && p != NULL && *p != '\0'; p++) {
		ok = *p >= '0' && *p <= '7';
		v = v * 8 + (*p - '0');
	}
	if (!ok || v > MODE_MAX) {
		return rp_err_set(err, RP_EINVAL,
		    "failed to parse file mode value: an octal number up to 7777 is expected");
	}
	*mode = v;
	return 0;
}

/* The words of Go's ParseBool. */
static int take_bool(
    const struct rp_upload_form *f, const char *name, bool *out, struct rp_err *err)
{
	static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
	static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
	const char *text = value_of(f, name);
	for (size_t i = 0; text != NULL && i < RP_ARRAY_LEN(yes); i++) {
		if (strcmp(text, yes[i]) == 0) {
			*out = true;
			return 0;
		}
		if (strcmp(text, no[i]) == 0) {
			return 0;
		}
	}
	return text == NULL
	    ? 0
	    : rp_err_set(err, RP_EINVAL, "the field \"%s\" is neither true nor false", name);
}

static int take_id(const struct rp_upload_form *f, struct rp_upload *u, struct rp_err *err)
{
	const char *id = value_of(f, "id");
	return id == NULL || id[0] == '\0' ? 0 : take_text(f, "id", ID_MAX_LEN, &u->id, err);
}

static int take_audience(const struct rp_upload_form *f, struct rp_audience *a, struct rp_err *err)
{
	int code = take_list(f, "client_id", &a->has_clients, &a->client_ids);
	code = code != 0 ? code : take_list(f, "group_id", &a->has_groups, &a->group_ids);
	return code != 0 ? rp_err_set(err, code, "out of memory") : take_tags(f, a, err);
}

int rp_upload_form_end(
    struct rp_upload_form *f, struct rp_upload *u, struct rp_audience *a, struct rp_err *err)
{
	if (!rp_multipart_complete(f->parser)) {
		return rp_err_set(err, RP_EINVAL, "the form ends too early");
	}
	int code = take_audience(f, a, err);
	code = code != 0 ? code : take_text(f, "dest", DEST_MAX, &u->dest, err);
	code = code != 0 ? code : take_name(f, "user", &u->owner, err);
	code = code != 0 ? code : take_name(f, "group", &u->group, err);
	code = code != 0 ? code : take_mode(f, &u->mode, err);
	code = code != 0 ? code : take_bool(f, "force", &u->force, err);
	code = code != 0 ? code : take_bool(f, "sync", &u->sync, err);
	code = code != 0 ? code : take_id(f, u, err);
	if (code == 0 && !f->has_file) {
		code = rp_err_set(
		    err, RP_EINVAL, "http: no such file: the part \"upload\" is missing");
	}
	if (code == 0 && u->dest[0] == '\0') {
		code = rp_err_set(err, RP_EINVAL, "empty destination file path");
	}
	return code;
}
