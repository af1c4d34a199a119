/* SPDX-License-Identifier: MIT */
/*
 * /ws/uploads (rport-api 4.9): a message for each client that has taken a file, or not, of all
 * uploads to clients that the user may use. Stays open; what the user sends is ignored.
 */
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "api/router.h"
#include "api/uploads.h"
#include "api/ws.h"
#include "core/alloc.h"

#include "core/banned.h"

struct session {
	struct rp_api *api;
	struct rp_api_ws *ws;
	struct rp_upload_watch watch;
};

static bool may_see(const struct session *s, const char *client_id)
{
	const struct rp_client *c = rp_registry_get(s->api->parts.registry, client_id);
	const struct rp_action a = rp_route_action(rp_api_ws_route(s->ws));
	return c != NULL && rp_api_decide(rp_api_ws_user(s->ws), &a, c) == RP_ALLOWED;
}

static void on_result(struct rp_upload_watch *w, const struct rp_upload_result *r)
{
	struct session *s = RP_CONTAINER_OF(w, struct session, watch);
	if (!may_see(s, r->client_id)) {
		return;
	}
	char *text = rp_upload_result_text(r);
	int code = text == NULL ? RP_ENOMEM : rp_api_ws_send(s->ws, text, strlen(text));
	rp_free(text);
	if (code != 0) {
		rp_api_ws_close(s->ws, RP_API_WS_GOING_AWAY); /* nothing is left out unseen */
	}
}

static void on_closed(void *ctx)
{
	struct session *s = ctx;
	rp_uploads_unwatch(&s->watch);
	rp_free(s);
}

void rp_api_ws_uploads(struct rp_api_call *c)
{
	static const struct rp_api_ws_ops ops = {.on_closed = on_closed};
	struct rp_api *api = c->api;
	struct session *s = rp_calloc(1, sizeof(*s));
	if (s == NULL) {
		rp_reply_code(c, RP_ENOMEM, NULL);
		return;
	}
	s->api = api;
	if (rp_api_ws_start(c, &ops, s, &s->ws) != 0) {
		rp_free(s);
		return;
	}
	s->watch.on_result = on_result;
	rp_uploads_watch(api->uploads, &s->watch);
}
