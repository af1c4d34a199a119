/* SPDX-License-Identifier: MIT */
/*
 * /vault-admin and /vault (rport-api 5). Values are read and written only while the vault is
 * unlocked; an entry with a required group only by members of it, administrators too.
 */
#include <stdio.h>
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "api/vault.h"
#include "api/vault_store.h"
#include "core/alloc.h"
#include "core/clock.h"

#include "core/banned.h"

#define KEY_MAX_LEN  256
#define NAME_MAX_LEN 256

/* The lock */

void rp_api_vault_admin(struct rp_api_call *c)
{
	enum rp_vault_state state = rp_vault_state(c->api->vault);
	struct rp_reply r;
	rp_reply_begin(&r);
	rp_jsonw_obj(&r.w);
	rp_jsonw_put_str(
	    &r.w, "init", state == RP_VAULT_UNINITIALIZED ? "uninitialized" : "setup-completed");
	rp_jsonw_put_str(&r.w, "status",
	    state == RP_VAULT_UNINITIALIZED ? ""
	        : state == RP_VAULT_LOCKED  ? "locked"
	                                    : "unlocked");
	rp_jsonw_obj_end(&r.w);
	rp_reply_end(&r, c);
}

struct password {
	char *password;
};

static const struct rp_json_field password_fields[] = {
    {"password", RP_FIELD_STR, 0, offsetof(struct password, password), NULL}};
static const struct rp_json_table password_table = RP_JSON_TABLE(password_fields, struct password);

static void password_free(struct password *p)
{
	if (p->password != NULL) {
		rp_secret_wipe(p->password, strlen(p->password));
	}
	rp_json_release(&password_table, p);
}

static void refuse_password(struct rp_api_call *c, int code, const struct rp_err *err)
{
	if (code == RP_EEXIST) {
		rp_reply_fail(c, 409, "vault is already initialized");
	} else if (code == RP_EAUTH) {
		rp_reply_fail(c, 401, "wrong password provided");
	} else if (code == RP_ELIMIT || code == RP_EBUSY) {
		rp_reply_fail(c, 429, "too many requests, please try later");
	} else {
		rp_reply_code(c, code, err);
	}
}

static void on_opened(void *ctx, int code, const struct rp_err *err)
{
	if (code != 0) {
		refuse_password(ctx, code, err);
	} else {
		rp_reply_empty(ctx, 201);
	}
}

/* False: the call was answered. */
static bool check_length(struct rp_api_call *c, size_t n)
{
	if (n < RP_VAULT_PASSWORD_MIN) {
		rp_reply_fail(c, 400,
		    "password is too short, expected length is %d bytes, provided length is %zu bytes",
		    RP_VAULT_PASSWORD_MIN, n);
	} else if (n > RP_VAULT_PASSWORD_MAX) {
		rp_reply_fail(c, 400,
		    "password is too long, expected length is %d bytes, provided length is %zu bytes",
		    RP_VAULT_PASSWORD_MAX, n);
	}
	return n >= RP_VAULT_PASSWORD_MIN && n <= RP_VAULT_PASSWORD_MAX;
}

void rp_api_vault_init(struct rp_api_call *c)
{
	struct password p = {0};
	if (rp_api_body(c, &password_table, true, &p) != 0) {
		return;
	}
	if (check_length(c, p.password == NULL ? 0 : strlen(p.password))) {
		int code = rp_vault_init(c->api->vault, p.password, on_opened, c);
		if (code != 0) {
			refuse_password(c, code, NULL);
		}
	}
	password_free(&p);
}

void rp_api_vault_unlock(struct rp_api_call *c)
{
	struct password p = {0};
	enum rp_vault_state state = rp_vault_state(c->api->vault);
	if (rp_api_body(c, &password_table, true, &p) != 0) {
		return;
	}
	if (state != RP_VAULT_LOCKED) {
		rp_reply_fail(c, 409, "%s",
		    state == RP_VAULT_UNLOCKED ? "vault is already unlocked"
		                               : "vault is not yet initialized");
	} else if (check_length(c, p.password == NULL ? 0 : strlen(p.password))) {
		int code = rp_vault_unlock(c->api->vault, p.password, on_opened, c);
		if (code != 0) {
			refuse_password(c, code, NULL);
		}
	}
	password_free(&p);
}

void rp_api_vault_lock(struct rp_api_call *c)
{
	enum rp_vault_state state = rp_vault_state(c->api->vault);
	if (state != RP_VAULT_UNLOCKED) {
		rp_reply_fail(c, 409, "%s",
		    state == RP_VAULT_LOCKED ? "vault is already locked"
		                             : "vault is not yet initialized");
		return;
	}
	rp_vault_lock(c->api->vault);
	rp_reply_empty(c, 204);
}

/* Entries */

/* False: the call was answered. */
static bool is_open(struct rp_api_call *c)
{
	enum rp_vault_state state = rp_vault_state(c->api->vault);
	if (state != RP_VAULT_UNLOCKED) {
		rp_reply_fail(c, 409, "%s",
		    state == RP_VAULT_LOCKED ? "vault is locked" : "vault is not initialized");
	}
	return state == RP_VAULT_UNLOCKED;
}

static bool may_use(struct rp_api_call *c, const struct rp_vault_entry *e)
{
	char *groups[] = {e->required_group};
	const struct rp_strlist required = {.v = groups, .n = 1};
	bool ok = e->required_group[0] == '\0' || rp_api_is_member(c, &required);
	if (!ok) {
		rp_reply_fail(c, 403, "your group doesn't allow access to this value");
	}
	return ok;
}

static const char *const columns[] = {"id", "client_id", "created_by", "created_at", "key", NULL};
static const struct rp_listq_spec list_spec = {
    .filters = columns,
    .sorts = columns,
    .default_sort = "id",
    .limit_default = RP_VAULT_ENTRIES_MAX,
    .limit_max = RP_VAULT_ENTRIES_MAX,
};

static void on_list(void *ctx, int code, const struct rp_listread *r, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	if (code != 0) {
		rp_reply_code(c, code, err);
	} else {
		rp_reply_list(c, &rp_vault_short_table, r->page.v, r->page.n, -1);
	}
}

void rp_api_vault_list(struct rp_api_call *c)
{
	const struct rp_listread_ask ask = {.spec = &rp_vault_list};
	struct rp_listq q;
	if (rp_api_list_query(c, &list_spec, &q) != 0) {
		return;
	}
	if (!is_open(c)) {
		rp_listq_fini(&q);
		return;
	}
	int err = rp_listread(c->api->parts.store, &ask, &q, on_list, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

/* False: the call was answered. */
static bool check_id(struct rp_api_call *c)
{
	int64_t id;
	if (rp_str_i64(rp_str_c(c->params[0]), 1, INT64_MAX, &id) == 0) {
		return true;
	}
	rp_reply_fail(c, 400, "Non-numeric integer value provided: %s for param vault_value_id",
	    c->params[0]);
	return false;
}

/* Something that begins with the entry that the path names, and for a change with its body. */
struct work {
	struct rp_api_call *call;
	struct rp_vault_entry body;
	void (*go_on)(struct work *w, const struct rp_vault_entry *e);
};

static void work_free(struct work *w)
{
	if (w->body.value != NULL) {
		rp_secret_wipe(w->body.value, strlen(w->body.value));
	}
	rp_json_release(&rp_vault_full_table, &w->body);
	rp_free(w);
}

static struct work *work_new(struct rp_api_call *c)
{
	struct work *w = rp_calloc(1, sizeof(*w));
	if (w == NULL) {
		rp_reply_code(c, RP_ENOMEM, NULL);
	} else {
		w->call = c;
	}
	return w;
}

static void on_entry(void *ctx, int code, const struct rp_listread *r, const struct rp_err *err)
{
	struct work *w = ctx;
	struct rp_api_call *c = w->call;
	if (code != 0) {
		rp_reply_code(c, code, err);
	} else if (r->page.n == 0) {
		rp_reply_fail(
		    c, 404, "Cannot find a vault value by the provided id: %s", c->params[0]);
	} else if (may_use(c, r->page.v) && is_open(c)) {
		w->go_on(w, r->page.v);
		return;
	}
	work_free(w);
}

/* Takes w. */
static void with_entry(
    struct work *w, void (*go_on)(struct work *w, const struct rp_vault_entry *e))
{
	struct rp_api_call *c = w->call;
	const struct rp_listread_ask ask = {
	    .spec = &rp_vault_one, .where = "id = ?", .key = c->params[0]};
	struct rp_listq q = {0};
	w->go_on = go_on;
	int err = rp_listread(c->api->parts.store, &ask, &q, on_entry, w);
	if (err != 0) {
		work_free(w);
		rp_reply_code(c, err, NULL);
	}
}

static void show(struct work *w, const struct rp_vault_entry *e)
{
	struct rp_api_call *c = w->call;
	struct rp_vault_entry shown = *e;
	struct rp_reply r;
	uint8_t *text;
	size_t n;
	int code = rp_vault_open_value(rp_vault_key(c->api->vault), e, &text, &n);
	if (code == 0) {
		shown.value = (char *)text;
		rp_reply_begin(&r);
		rp_jsonw_struct(&r.w, &rp_vault_full_table, &shown);
		rp_reply_end(&r, c);
		rp_free_secret((char *)text);
	} else if (code == RP_EAUTH) {
		rp_reply_fail(c, 500, "the value was changed outside of the vault");
	} else {
		rp_reply_code(c, code, NULL);
	}
	work_free(w);
}

void rp_api_vault_get(struct rp_api_call *c)
{
	struct work *w = is_open(c) && check_id(c) ? work_new(c) : NULL;
	if (w != NULL) {
		with_entry(w, show);
	}
}

static void on_written(void *ctx, int code, int64_t id, const struct rp_err *err)
{
	struct work *w = ctx;
	struct rp_api_call *c = w->call;
	struct rp_reply r;
	if (code == RP_EEXIST) {
		rp_reply_fail(c, 409, "another key '%s' exists for this client '%s'", w->body.key,
		    w->body.client_id);
	} else if (code == RP_ENOENT) {
		rp_reply_fail(c, 404, "cannot find entry by the provided id");
	} else if (code == RP_ELIMIT) {
		rp_reply_fail(c, 409, "the vault has at most %d entries", RP_VAULT_ENTRIES_MAX);
	} else if (code != 0) {
		rp_reply_code(c, code, err);
	} else {
		rp_reply_begin(&r);
		rp_jsonw_obj(&r.w);
		rp_jsonw_put_int(&r.w, "id", id);
		rp_jsonw_obj_end(&r.w);
		rp_reply_end_status(&r, c, c->params[0] == NULL ? 201 : 200);
	}
	work_free(w);
}

/* Takes w. e NULL: a new entry. */
static void put(struct work *w, const struct rp_vault_entry *e)
{
	struct rp_api_call *c = w->call;
	const struct rp_vault_write write = {
	    .seal_key = rp_vault_key(c->api->vault),
	    .entry = &w->body,
	    .group = e == NULL ? NULL : e->required_group,
	};
	w->body.id = e == NULL ? 0 : e->id;
	w->body.created_at = rp_time_now();
	w->body.updated_at = w->body.created_at;
	w->body.created_by = rp_strdup(c->user.name);
	w->body.updated_by = rp_strdup(c->user.name);
	int err = w->body.created_by == NULL || w->body.updated_by == NULL
	    ? RP_ENOMEM
	    : rp_vault_store_put(c->api->parts.store, &write, on_written, w);
	if (err != 0) {
		work_free(w);
		rp_reply_code(c, err, NULL);
	}
}

#define B(key)                                                                    \
	{                                                                         \
#key, RP_FIELD_STR, 0, offsetof(struct rp_vault_entry, key), NULL \
	}
static const struct rp_json_field body_fields[] = {
    B(client_id), B(required_group), B(key), B(value), B(type)};
static const struct rp_json_table body_table = RP_JSON_TABLE(body_fields, struct rp_vault_entry);

static bool is_type(const char *type)
{
	static const char *const types[] = {"text", "secret", "markdown", "string"};
	for (size_t i = 0; i < RP_ARRAY_LEN(types); i++) {
		if (strcmp(type, types[i]) == 0) {
			return true;
		}
	}
	return false;
}

/* No member stays NULL. */
static int fill(char **text)
{
	if (*text == NULL) {
		*text = rp_strdup("");
	}
	return *text == NULL ? RP_ENOMEM : 0;
}

/* False: the call was answered. */
static bool check_body(struct rp_api_call *c, struct rp_vault_entry *e)
{
	struct rp_listq_errors errs = {0};
	if (fill(&e->client_id) != 0 || fill(&e->required_group) != 0 || fill(&e->key) != 0 ||
	    fill(&e->value) != 0 || fill(&e->type) != 0) {
		rp_reply_code(c, RP_ENOMEM, NULL);
		return false;
	}
	rp_listq_complain(&errs, e->key[0] == '\0', "key is required");
	rp_listq_complain(&errs, strlen(e->key) > KEY_MAX_LEN, "key has more than 256 bytes");
	rp_listq_complain(
	    &errs, strlen(e->client_id) > NAME_MAX_LEN, "client_id has more than 256 bytes");
	rp_listq_complain(&errs, strlen(e->required_group) > NAME_MAX_LEN,
	    "required_group has more than 256 bytes");
	rp_listq_complain(&errs, e->value[0] == '\0', "value is required");
	rp_listq_complain(&errs, e->type[0] == '\0', "value type is required");
	rp_listq_complain(&errs, e->type[0] != '\0' && !is_type(e->type),
	    "unknown or invalid value type: text, secret, markdown or string is expected");
	if (errs.n > 0) {
		rp_reply_list_errors(c, &errs);
	}
	return errs.n == 0;
}

/* NULL: the call was answered. */
static struct work *take_body(struct rp_api_call *c)
{
	struct work *w = work_new(c);
	if (w == NULL) {
		return NULL;
	}
	if (rp_api_body(c, &body_table, true, &w->body) != 0) {
		rp_free(w);
		return NULL;
	}
	if (!check_body(c, &w->body)) {
		work_free(w);
		return NULL;
	}
	return w;
}

void rp_api_vault_post(struct rp_api_call *c)
{
	struct work *w = is_open(c) ? take_body(c) : NULL;
	if (w != NULL) {
		put(w, NULL);
	}
}

void rp_api_vault_put(struct rp_api_call *c)
{
	struct work *w = is_open(c) && check_id(c) ? take_body(c) : NULL;
	if (w != NULL) {
		with_entry(w, put);
	}
}

static void on_deleted(void *ctx, int code, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	if (code == RP_ENOENT) {
		rp_reply_fail(c, 404, "cannot find this entry by the provided id");
	} else if (code != 0) {
		rp_reply_code(c, code, err);
	} else {
		rp_reply_empty(c, 204);
	}
}

static void remove_entry(struct work *w, const struct rp_vault_entry *e)
{
	struct rp_api_call *c = w->call;
	work_free(w);
	int err = rp_vault_store_delete(c->api->parts.store, e, on_deleted, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

void rp_api_vault_delete(struct rp_api_call *c)
{
	struct work *w = is_open(c) && check_id(c) ? work_new(c) : NULL;
	if (w != NULL) {
		with_entry(w, remove_entry);
	}
}
