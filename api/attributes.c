/* SPDX-License-Identifier: MIT */
/*
 * A client's tags and labels (rport-api 3.9): kept by the client in its attributes file,
 * mirrored here.
 */
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "core/alloc.h"

#include "core/banned.h"

#define TIMEOUT_MS 30000

/* NULL: not connected, and the call was answered. */
static const struct rp_client *connected(struct rp_api_call *c)
{
	const struct rp_client *client = rp_registry_get(c->api->parts.registry, c->params[0]);
	if (!rp_client_connected(client)) {
		rp_reply_fail(c, 404, "client with id %s not found", c->params[0]);
		return NULL;
	}
	return client;
}

void rp_api_attributes_get(struct rp_api_call *c)
{
	const struct rp_client *client = connected(c);
	struct rp_reply r;
	if (client == NULL) {
		return;
	}
	rp_reply_begin(&r);
	rp_jsonw_obj(&r.w);
	rp_jsonw_put_strlist(&r.w, "tags", &client->tags);
	rp_jsonw_key(&r.w, "labels");
	rp_jsonw_strmap(&r.w, &client->labels);
	rp_jsonw_obj_end(&r.w);
	rp_reply_end(&r, c);
}

struct update {
	struct rp_api_call *call;
	struct rp_attributes attributes;
};

static void on_updated(void *ctx, int code, const char *p, size_t n)
{
	struct update *u = ctx;
	struct rp_api_call *c = u->call;
	(void)n;
	if (code == 0) {
		struct rp_reply r;
		rp_registry_attributes_set(c->api->parts.registry, c->params[0], &u->attributes);
		rp_reply_begin(&r);
		rp_jsonw_str(&r.w, "ok");
		rp_reply_end(&r, c);
	} else if (code == RP_EDENIED) {
		rp_reply_fail(c, 409, "client error: %s", p);
	} else if (code == RP_ECLOSED) {
		rp_reply_fail(c, 404, "client with id %s not found", c->params[0]);
	} else {
		rp_reply_fail(c, 409, "client error: %s", rp_err_text(code));
	}
	rp_json_release(&rp_attributes_table, &u->attributes);
	rp_free(u);
}

void rp_api_attributes_put(struct rp_api_call *c)
{
	if (connected(c) == NULL) {
		return;
	}
	struct update *u = rp_calloc(1, sizeof(*u));
	if (u == NULL) {
		rp_reply_code(c, RP_ENOMEM, NULL);
		return;
	}
	u->call = c;
	if (rp_api_body(c, &rp_attributes_table, false, &u->attributes) != 0) {
		rp_free(u);
		return;
	}
	char *text = rp_json_text(&rp_attributes_table, &u->attributes);
	const struct rp_call_order call = {
	    .name = "update_client_metadata",
	    .payload = text,
	    .timeout_ms = TIMEOUT_MS,
	};
	if (text == NULL ||
	    rp_registry_call(c->api->parts.registry, c->params[0], &call, on_updated, u) != 0) {
		rp_json_release(&rp_attributes_table, &u->attributes);
		rp_free(u);
		rp_reply_code(c, RP_ENOMEM, NULL);
	}
	rp_free(text);
}
