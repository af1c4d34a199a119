/* SPDX-License-Identifier: MIT */
/*
 * Codes for new clients (ours): POST /pairing finds or makes credentials, seals them with server and
 * fingerprint under a new code (core/paircode.h), and shows the code once.
 */
#include "api/pairing.h"

#include <stdio.h>
#include <string.h>

#include "api/handlers.h"
#include "api/reply.h"
#include "core/alloc.h"
#include "core/clock.h"

#include "core/banned.h"

#define LIFETIME_DEFAULT_S 600
#define LIFETIME_MIN_S     60
#define LIFETIME_MAX_S     INT64_C(604800)
#define USES_MAX           1000
#define PASSWORD_LEN       32
#define SEALED_MAX         4096

struct body {
	char *client_auth_id;
	char *connect_url;
	char *api_url;
	struct rp_opt_i64 lifetime;
	struct rp_opt_i64 uses;
};

#define F(key, kind)                                                       \
	{                                                                  \
#key, RP_FIELD_##kind, 0, offsetof(struct body, key), NULL \
	}
static const struct rp_json_field body_fields[] = {
    F(client_auth_id, STR),
    F(connect_url, STR),
    F(api_url, STR),
    F(lifetime, INT_OPT),
    F(uses, INT_OPT),
};
static const struct rp_json_table body_table = RP_JSON_TABLE(body_fields, struct body);

/* A pairing that is being made. */
struct making {
	struct rp_api_call *call;
	struct rp_pairing p;
	struct rp_paircode code;
	char *password; /* of the client */
};

static void making_free(struct making *m)
{
	rp_pairing_fini(&m->p);
	rp_secret_wipe(&m->code, sizeof(m->code));
	rp_free_secret(m->password);
	rp_free(m);
}

static void fail(struct rp_api_call *c, unsigned status, const char *title, const char *detail)
{
	const struct rp_api_error e = {
	    .status = status, .code = "", .title = title, .detail = detail};
	rp_reply_error(c, &e);
}

/* Ends it with an error; credentials that were made for it go again. */
static void give_up(struct making *m, int code, const struct rp_err *err)
{
	struct rp_pairing gone = m->p;
	const struct rp_pairing_list list = {.v = &gone, .n = 1};
	rp_pairing_drop_credentials(m->call->api, &list);
	if (code == RP_ELIMIT) {
		fail(m->call, 400, "There are too many pairing codes.",
		    "delete some, or wait until they end");
	} else {
		rp_reply_code(m->call, code, err);
	}
	making_free(m);
}

static void write_made(struct rp_jsonw *w, const struct making *m, const char *code)
{
	const struct rp_pairing *p = &m->p;
	const char *fingerprint = rp_hostkey_sha256(m->call->api->parts.hostkey);
	char text[RP_PAIRING_URL_MAX * 2 + 256];
	rp_jsonw_obj(w);
	rp_jsonw_put_str(w, "id", p->id);
	rp_jsonw_put_str(w, "code", code);
	rp_jsonw_put_time(w, "expires_at", p->expires_at);
	rp_jsonw_put_int(w, "uses", p->uses);
	rp_jsonw_put_str(w, "client_auth_id", p->client_auth_id);
	rp_jsonw_put_str(w, "connect_url", p->connect_url);
	rp_jsonw_put_str(w, "fingerprint", fingerprint);
	rp_jsonw_put_str(w, "api_url", p->api_url);
	(void)snprintf(text, sizeof(text), "%s/api/v1/pairing/%s/install", p->api_url, p->id);
	rp_jsonw_put_str(w, "install_url", text);
	(void)snprintf(text, sizeof(text),
	    "curl -fsSL %s/api/v1/pairing/%s/install | sudo sh -s -- %s", p->api_url, p->id, code);
	rp_jsonw_put_str(w, "install_command", text);
	(void)snprintf(text, sizeof(text), "sudo rport client pair %s %s", p->api_url, code);
	rp_jsonw_put_str(w, "pair_command", text);
	rp_jsonw_obj_end(w);
}

static void on_stored(
    void *ctx, int code, const struct rp_pairing_list *ended, const struct rp_err *err)
{
	struct making *m = ctx;
	char text[RP_PAIRCODE_TEXT_MAX];
	struct rp_reply r;
	if (code != 0) {
		give_up(m, code, err);
		return;
	}
	rp_pairing_drop_credentials(m->call->api, ended);
	rp_paircode_format(&m->code, text);
	rp_reply_begin(&r);
	write_made(&r.w, m, text);
	rp_secret_wipe(text, sizeof(text));
	rp_reply_end_status(&r, m->call, 201);
	making_free(m);
}

/* What the client gets, as JSON (client/pair.c reads it). */
static int write_settings(const struct making *m, struct rp_buf *out)
{
	struct rp_jsonw w;
	char *auth = rp_asprintf("%s:%s", m->p.client_auth_id, m->password);
	rp_jsonw_init(&w, out);
	rp_jsonw_obj(&w);
	rp_jsonw_put_str(&w, "server", m->p.connect_url);
	rp_jsonw_put_str(&w, "fingerprint", rp_hostkey_sha256(m->call->api->parts.hostkey));
	rp_jsonw_put_str(&w, "auth", auth);
	rp_jsonw_obj_end(&w);
	int err = rp_jsonw_end(&w);
	bool whole = auth != NULL;
	rp_free_secret(auth);
	return whole ? err : RP_ENOMEM;
}

static int seal(struct making *m, const struct rp_paircode_keys *keys)
{
	struct rp_buf text;
	uint8_t *sealed = NULL;
	size_t n = 0;
	rp_buf_init(&text, SEALED_MAX);
	int err = write_settings(m, &text);
	if (err == 0) {
		err = rp_seal(keys->seal, rp_str_n(rp_buf_head(&text), text.len),
		    rp_str_c(m->code.id), &sealed, &n);
		rp_secret_wipe(text.data, text.cap);
	}
	rp_buf_fini(&text);
	if (err == 0) {
		m->p.sealed = rp_base64(sealed, n);
		err = m->p.sealed != NULL ? 0 : RP_ENOMEM;
	}
	rp_free(sealed);
	return err;
}

static int fill(struct making *m)
{
	struct rp_paircode_keys keys;
	int err = rp_paircode_keys(&m->code, &keys);
	err = err != 0 ? err : seal(m, &keys);
	if (err == 0) {
		m->p.id = rp_strdup(m->code.id);
		m->p.proof_hash = rp_strdup(keys.proof_hash);
		m->p.created_by = rp_strdup(m->call->user.name);
		err = m->p.id != NULL && m->p.proof_hash != NULL && m->p.created_by != NULL
		    ? 0
		    : RP_ENOMEM;
	}
	rp_secret_wipe(&keys, sizeof(keys));
	return err;
}

/* Credentials are known and in p.client_auth_id and password. */
static void store(struct making *m)
{
	int err = fill(m);
	err = err != 0 ? err : rp_pairing_add(m->call->api->parts.store, &m->p, on_stored, m);
	if (err != 0) {
		give_up(m, err, NULL);
	}
}

/* Credentials */

static void on_added(void *ctx, int code, const struct rp_err *err)
{
	struct making *m = ctx;
	if (code != 0) {
		rp_reply_code(m->call, code, err);
		making_free(m);
		return;
	}
	m->p.own_auth = true;
	store(m);
}

static void make_credentials(struct making *m)
{
	const struct rp_server_parts *parts = &m->call->api->parts;
	char password[PASSWORD_LEN + 1];
	rp_random_text(password, PASSWORD_LEN);
	m->password = rp_strdup(password);
	m->p.client_auth_id = rp_asprintf("pair-%s", m->code.id);
	rp_secret_wipe(password, sizeof(password));
	const struct rp_clientauth_pair pair = {m->p.client_auth_id, m->password};
	int err = pair.id == NULL || pair.password == NULL
	    ? RP_ENOMEM
	    : rp_clientauth_add(parts->auth, parts->store, &pair, on_added, m);
	if (err != 0) {
		rp_reply_code(m->call, err, NULL);
		making_free(m);
	}
}

static void on_listed(
    void *ctx, int code, const struct rp_clientauth_list *found, const struct rp_err *err)
{
	struct making *m = ctx;
	if (code == 0 && found->n == 1) {
		rp_free(m->p.client_auth_id);
		m->p.client_auth_id = rp_strdup(found->v[0].id);
		m->password = rp_strdup(found->v[0].password);
		code = m->p.client_auth_id == NULL || m->password == NULL ? RP_ENOMEM : 0;
	} else if (code == 0) {
		rp_reply_fail(
		    m->call, 404, "Client Auth with ID \"%.256s\" not found", m->p.client_auth_id);
		making_free(m);
		return;
	}
	if (code != 0) {
		rp_reply_code(m->call, code, err);
		making_free(m);
	} else {
		store(m);
	}
}

static void find_credentials(struct making *m)
{
	const struct rp_server_parts *parts = &m->call->api->parts;
	bool may_add = rp_clientauth_writable(parts->auth) && parts->cfg->server.auth_write;
	if (m->p.client_auth_id == NULL && may_add) {
		make_credentials(m);
		return;
	}
	if (m->p.client_auth_id == NULL && rp_clientauth_writable(parts->auth)) {
		fail(m->call, 400, "client_auth_id: expected the id of client credentials.",
		    "auth_write is off, so no new ones are made");
		making_free(m);
		return;
	}
	/* Without an id: the one pair that there is. */
	int err = rp_clientauth_list(parts->auth, parts->store, m->p.client_auth_id, on_listed, m);
	if (err != 0) {
		rp_reply_code(m->call, err, NULL);
		making_free(m);
	}
}

/* The request */

/* What is wrong with the body, or NULL. */
static const char *complaint(const struct rp_api_call *c, const struct body *b)
{
	struct rp_url u;
	if (b->lifetime.set && (b->lifetime.v < LIFETIME_MIN_S || b->lifetime.v > LIFETIME_MAX_S)) {
		return "lifetime: expected 60 to 604800 seconds";
	}
	if (b->uses.set && (b->uses.v < 1 || b->uses.v > USES_MAX)) {
		return "uses: expected 1 to 1000";
	}
	if (b->uses.set && b->uses.v > 1 && !c->api->parts.cfg->server.auth_multiuse_creds) {
		return "uses: expected 1, because auth_multiuse_creds is off";
	}
	if (b->connect_url != NULL) {
		if (!rp_pairing_url_ok(b->connect_url) ||
		    rp_url_parse_server(b->connect_url, &u, NULL) != 0) {
			return "connect_url: expected a server as clients take it, such as "
			       "https://rport.example.com";
		}
		rp_url_fini(&u);
	}
	if (b->api_url != NULL &&
	    (!rp_pairing_url_ok(b->api_url) || strncmp(b->api_url, "http", 4) != 0 ||
	        rp_url_parse(b->api_url, &u, NULL) != 0)) {
		return "api_url: expected http://HOST or https://HOST of this API";
	}
	if (b->api_url != NULL) {
		rp_url_fini(&u);
	}
	return NULL;
}

static int take_body(struct making *m, struct body *b)
{
	int err = 0;
	m->p.client_auth_id = b->client_auth_id;
	m->p.api_url = b->api_url;
	m->p.connect_url = b->connect_url;
	*b = (struct body){.lifetime = b->lifetime, .uses = b->uses};
	m->p.uses = b->uses.set ? b->uses.v : 1;
	m->p.created_at = rp_time_now();
	m->p.expires_at = m->p.created_at +
	    (b->lifetime.set ? b->lifetime.v : LIFETIME_DEFAULT_S) * RP_NS_PER_S;
	if (m->p.api_url == NULL) {
		err = rp_pairing_api_url(m->call, &m->p.api_url);
	}
	if (err == 0 && m->p.connect_url == NULL) {
		err = rp_pairing_connect_url(m->call, m->p.api_url, &m->p.connect_url);
	}
	return err;
}

void rp_api_pairing_post(struct rp_api_call *c)
{
	struct body b = {0};
	if (rp_api_body(c, &body_table, true, &b) != 0) {
		return;
	}
	const char *wrong = complaint(c, &b);
	struct making *m = wrong != NULL ? NULL : rp_calloc(1, sizeof(*m));
	int err = RP_ENOMEM;
	if (m != NULL) {
		m->call = c;
		rp_paircode_make(&m->code);
		err = take_body(m, &b);
	}
	rp_json_release(&body_table, &b);
	if (wrong != NULL) {
		fail(c, 400, "Invalid pairing.", wrong);
	} else if (err == RP_EINVAL) {
		fail(c, 400, "Invalid pairing.",
		    "api_url, connect_url: expected, because they do not follow from the "
		    "configuration and the request's Host");
	} else if (err != 0) {
		rp_reply_code(c, err, NULL);
	} else {
		find_credentials(m);
		return;
	}
	if (m != NULL) {
		making_free(m);
	}
}

/* What there is, and its end */

static void on_list(
    void *ctx, int code, const struct rp_pairing_list *list, const struct rp_err *err)
{
	if (code != 0) {
		rp_reply_code(ctx, code, err);
	} else {
		rp_reply_list(ctx, &rp_pairing_table, list->v, list->n, -1);
	}
}

void rp_api_pairing_list(struct rp_api_call *c)
{
	int err = rp_pairing_find(c->api->parts.store, NULL, on_list, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

static void on_removed(
    void *ctx, int code, const struct rp_pairing_list *list, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	if (code == RP_ENOENT) {
		rp_reply_fail(c, 404, "There is no such pairing code, or it has ended.");
	} else if (code != 0) {
		rp_reply_code(c, code, err);
	} else {
		rp_pairing_drop_credentials(c->api, list);
		rp_reply_empty(c, 204);
	}
}

void rp_api_pairing_delete(struct rp_api_call *c)
{
	int err = rp_pairing_remove(c->api->parts.store, c->params[0], on_removed, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}
