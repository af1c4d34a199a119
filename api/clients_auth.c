/* SPDX-License-Identifier: MIT */
/*
 * Credentials that clients log in with (rport-api 3.15), for administrators and for tokens of the
 * scope clients-auth.
 */
#include <stdio.h>
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "core/alloc.h"
#include "server/clientauth.h"

#include "core/banned.h"

#define LEN_MIN    3
#define ID_MAX     256
#define SECRET_MAX 1024
#define INVALID    "ERR_CODE_INVALID_REQUEST"

static const char *const filters[] = {"id", NULL};
static const struct rp_listq_spec spec = {
    .filters = filters,
    .default_sort = "id",
    .limit_default = 50,
    .limit_max = 500,
};

#define F(key, kind)                                                                     \
	{                                                                                \
#key, RP_FIELD_##kind, 0, offsetof(struct rp_clientauth_pair, key), NULL \
	}
static const struct rp_json_field pair_fields[] = {F(id, STR), F(password, STR)};
static const struct rp_json_table pair_table = RP_JSON_TABLE(
    pair_fields, struct rp_clientauth_pair);

static void fail(struct rp_api_call *c, unsigned status, const char *code, const char *title)
{
	const struct rp_api_error e = {
	    .status = status, .code = code, .title = title, .detail = ""};
	rp_reply_error(c, &e);
}

static void write_pair(
    const struct rp_api_call *c, struct rp_jsonw *w, const struct rp_clientauth_pair *p)
{
	rp_jsonw_obj(w);
	rp_jsonw_put_str(w, "id", p->id);
	rp_jsonw_put_str(w, "password", c->api->cfg->show_client_passwords ? p->password : "");
	rp_jsonw_obj_end(w);
}

/* Reading */

struct list {
	struct rp_api_call *call;
	struct rp_listq q;
};

static void on_list(
    void *ctx, int code, const struct rp_clientauth_list *found, const struct rp_err *err)
{
	struct list *l = ctx;
	struct rp_reply r;
	size_t count = 0;
	if (code != 0) {
		rp_reply_code(l->call, code, err);
	} else {
		size_t from = (size_t)l->q.offset;
		size_t end = from + (size_t)l->q.limit;
		rp_reply_begin(&r);
		rp_jsonw_arr(&r.w);
		for (size_t i = 0; i < found->n; i++) {
			if (!rp_listq_match(&l->q, &pair_table, &found->v[i])) {
				continue;
			}
			if (count >= from && count < end) {
				write_pair(l->call, &r.w, &found->v[i]);
			}
			count++;
		}
		rp_jsonw_arr_end(&r.w);
		rp_reply_end_count(&r, l->call, (int64_t)count);
	}
	rp_listq_fini(&l->q);
	rp_free(l);
}

void rp_api_clients_auth(struct rp_api_call *c)
{
	struct list *l = rp_calloc(1, sizeof(*l));
	if (l == NULL) {
		rp_reply_code(c, RP_ENOMEM, NULL);
		return;
	}
	l->call = c;
	if (rp_api_list_query(c, &spec, &l->q) != 0) {
		rp_free(l);
		return;
	}
	int err = rp_clientauth_list(c->api->parts.auth, c->api->parts.store, NULL, on_list, l);
	if (err != 0) {
		rp_listq_fini(&l->q);
		rp_free(l);
		rp_reply_code(c, err, NULL);
	}
}

static void on_get(
    void *ctx, int code, const struct rp_clientauth_list *found, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	struct rp_reply r;
	if (code != 0) {
		rp_reply_code(c, code, err);
	} else if (found->n == 0) {
		rp_reply_fail(c, 404, "Client Auth with ID \"%s\" not found", c->params[0]);
	} else {
		rp_reply_begin(&r);
		write_pair(c, &r.w, &found->v[0]);
		rp_reply_end(&r, c);
	}
}

void rp_api_client_auth_get(struct rp_api_call *c)
{
	int err = rp_clientauth_list(
	    c->api->parts.auth, c->api->parts.store, c->params[0], on_get, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

/* Writing */

/* False: the call was answered. */
static bool may_write(struct rp_api_call *c)
{
	if (!rp_clientauth_writable(c->api->parts.auth)) {
		fail(c, 405, "ERR_CODE_CLIENT_AUTH_SINGLE",
		    "Client authentication is enabled only for a single user.");
		return false;
	}
	if (!c->api->parts.cfg->server.auth_write) {
		fail(c, 405, "ERR_CODE_CLIENT_AUTH_RO",
		    "Client authentication has been attached in read-only mode.");
		return false;
	}
	return true;
}

static void on_added(void *ctx, int code, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	if (code == RP_EEXIST) {
		fail(c, 409, "ERR_CODE_ALREADY_EXIST", "a client auth with this ID exists already");
	} else if (code == RP_ELIMIT) {
		fail(c, 400, INVALID, err->msg);
	} else if (code != 0) {
		rp_reply_code(c, code, err);
	} else {
		rp_reply_empty(c, 201);
	}
}

/* What is wrong with the pair, or NULL. An SSH client puts a colon behind the id. */
static const char *complaint(const struct rp_clientauth_pair *p)
{
	size_t id = p->id == NULL ? 0 : strlen(p->id);
	size_t password = p->password == NULL ? 0 : strlen(p->password);
	if (id < LEN_MIN || id > ID_MAX) {
		return "id: expected 3 to 256 bytes";
	}
	if (strchr(p->id, ':') != NULL) {
		return "id: a colon would end it where clients are configured";
	}
	if (password < LEN_MIN || password > SECRET_MAX) {
		return "password: expected 3 to 1024 bytes";
	}
	return NULL;
}

void rp_api_client_auth_post(struct rp_api_call *c)
{
	struct rp_clientauth_pair p = {0};
	if (!may_write(c) || rp_api_body(c, &pair_table, true, &p) != 0) {
		return;
	}
	const char *wrong = complaint(&p);
	int err = 0;
	if (wrong != NULL) {
		const struct rp_api_error e = {.status = 400,
		    .code = INVALID,
		    .title = "Invalid or missing ID or password.",
		    .detail = wrong};
		rp_reply_error(c, &e);
	} else {
		err = rp_clientauth_add(c->api->parts.auth, c->api->parts.store, &p, on_added, c);
	}
	rp_free(p.id);
	rp_free_secret(p.password);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

/* Deleting: the credentials first, so that none of the clients comes back, then the clients. */

static void not_found(struct rp_api_call *c)
{
	char title[512];
	(void)snprintf(
	    title, sizeof(title), "Client Auth with ID=\"%.300s\" not found.", c->params[0]);
	fail(c, 404, "ERR_CODE_CLIENT_AUTH_NOT_FOUND", title);
}

static void on_removed(void *ctx, int code, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	if (code == RP_ENOENT) {
		not_found(c);
		return;
	}
	if (code == 0) {
		code = rp_registry_end_auth(c->api->parts.registry, c->params[0], rp_reply_done, c);
		err = NULL;
	}
	if (code != 0) {
		rp_reply_code(c, code, err);
	}
}

static void on_found(
    void *ctx, int code, const struct rp_clientauth_list *found, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	bool yes;
	bool force = rp_api_bool(c, "force", &yes) && yes;
	size_t clients = rp_registry_count_auth(c->api->parts.registry, c->params[0]);
	if (code != 0) {
		rp_reply_code(c, code, err);
	} else if (found->n == 0) {
		not_found(c);
	} else if (clients > 0 && !force) {
		char title[160];
		(void)snprintf(title, sizeof(title),
		    "Client Auth expected to have no active or disconnected bound client(s), "
		    "got %zu.",
		    clients);
		fail(c, 409, "ERR_CODE_CLIENT_AUTH_HAS_CLIENT", title);
	} else {
		code = rp_clientauth_remove(
		    c->api->parts.auth, c->api->parts.store, c->params[0], on_removed, c);
		if (code != 0) {
			rp_reply_code(c, code, NULL);
		}
	}
}

void rp_api_client_auth_delete(struct rp_api_call *c)
{
	bool force;
	if (!may_write(c)) {
		return;
	}
	if (!rp_api_bool(c, "force", &force)) {
		fail(c, 400, INVALID, "Invalid force param: expected true or false.");
		return;
	}
	int err = rp_clientauth_list(
	    c->api->parts.auth, c->api->parts.store, c->params[0], on_found, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}
