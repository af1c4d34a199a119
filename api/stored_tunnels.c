/* SPDX-License-Identifier: MIT */
/*
 * Stored tunnels (rport-api 4.6): notes about tunnels that somebody wants to open again on a client.
 * Nothing here opens one.
 */
#include "api/call.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "api/stored_tunnels_store.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"

#include "core/banned.h"

static const char *const filters[] = {"name", "scheme", "remote_ip", "remote_port", NULL};
static const char *const sorts[] = {
    "created_at", "name", "scheme", "remote_ip", "remote_port", NULL};
static const struct rp_listq_spec spec = {
    .filters = filters,
    .sorts = sorts,
    .default_sort = "created_at",
    .limit_default = 10,
    .limit_max = 100,
};

static void on_list(void *ctx, int code, const struct rp_listread *r, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	if (code != 0) {
		rp_reply_code(c, code, err);
	} else {
		rp_reply_list(c, &rp_stored_tunnel_table, r->page.v, r->page.n, r->total);
	}
}

void rp_api_stored_tunnels_get(struct rp_api_call *c)
{
	const struct rp_listread_ask ask = {
	    .spec = &rp_stored_tunnel_list, .where = "client_id = ?", .key = c->params[0]};
	rp_api_list_read(c, &spec, &ask, on_list);
}

/* Writing */

struct write {
	struct rp_api_call *call;
	struct rp_stored_tunnel t;
};

static void write_free(struct write *w)
{
	rp_json_release(&rp_stored_tunnel_table, &w->t);
	rp_free(w);
}

static void on_written(void *ctx, int code, const struct rp_err *err)
{
	struct write *w = ctx;
	struct rp_api_call *c = w->call;
	struct rp_reply r;
	if (code == RP_ENOENT) {
		rp_reply_fail(c, 404, "Stored tunnel with id=\"%s\" not found.", c->params[1]);
	} else if (code == RP_ELIMIT) {
		rp_reply_fail(
		    c, 400, "a client has at most %d stored tunnels", RP_STORED_TUNNELS_MAX);
	} else if (code != 0) {
		rp_reply_code(c, code, err);
	} else {
		rp_reply_begin(&r);
		rp_jsonw_struct(&r.w, &rp_stored_tunnel_table, &w->t);
		rp_reply_end(&r, c);
	}
	write_free(w);
}

static bool is_port(struct rp_opt_i64 port)
{
	return !port.set || (port.v >= 0 && port.v <= 65535);
}

/* NULL: the call was answered. */
static struct write *write_new(struct rp_api_call *c)
{
	struct write *w = rp_calloc(1, sizeof(*w));
	if (w == NULL) {
		rp_reply_code(c, RP_ENOMEM, NULL);
		return NULL;
	}
	w->call = c;
	if (rp_api_body(c, &rp_stored_tunnel_table, true, &w->t) != 0) {
		rp_free(w);
		return NULL;
	}
	if (!is_port(w->t.remote_port) || !is_port(w->t.public_port)) {
		rp_reply_fail(c, 400, "%s must be a number from 0 to 65535",
		    is_port(w->t.remote_port) ? "public_port" : "remote_port");
		write_free(w);
		return NULL;
	}
	return w;
}

static int submit(struct write *w, bool add)
{
	const struct rp_api_call *c = w->call;
	struct rp_store *s = c->api->parts.store;
	if (add) {
		w->t.created_at = rp_time_now();
		return rp_stored_tunnel_add(s, c->params[0], &w->t, on_written, w);
	}
	return rp_stored_tunnel_change(s, c->params[0], &w->t, on_written, w);
}

static void store_tunnel(struct rp_api_call *c, const char *id, bool add)
{
	struct write *w = write_new(c);
	if (w == NULL) {
		return;
	}
	bool whole = rp_strset(&w->t.id, id) == 0 &&
	    (w->t.name != NULL || rp_strset(&w->t.name, "") == 0);
	int err = whole ? submit(w, add) : RP_ENOMEM;
	if (err != 0) {
		write_free(w);
		rp_reply_code(c, err, NULL);
	}
}

void rp_api_stored_tunnels_post(struct rp_api_call *c)
{
	char id[RP_UUID_TEXT_MAX];
	rp_uuid4(id);
	store_tunnel(c, id, true);
}

/* The time of the answer is the body's, as with the original; what is stored stays. */
void rp_api_stored_tunnel_put(struct rp_api_call *c)
{
	store_tunnel(c, c->params[1], false);
}

static void on_deleted(void *ctx, int code, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	if (code == 0) {
		rp_reply_empty(c, 204);
	} else {
		rp_reply_code(c, code, err);
	}
}

void rp_api_stored_tunnel_delete(struct rp_api_call *c)
{
	int err = rp_stored_tunnel_delete(
	    c->api->parts.store, c->params[0], c->params[1], on_deleted, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}
