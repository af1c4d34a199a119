/* SPDX-License-Identifier: MIT */
/*
 * The log of notifications (rport-api 5), and what the original answers without its closed
 * extension.
 */
#include "api/notifications_store.h"

#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "core/alloc.h"

#include "core/banned.h"

static const char *const filters[] = {"state", "reference_id", "transport", "subject",
    "timestamp[gt]", "timestamp[lt]", "timestamp[since]", "timestamp[until]", NULL};
static const char *const sorts[] = {"timestamp", "state", NULL};
static const struct rp_listq_spec spec = {
    .filters = filters,
    .sorts = sorts,
    .default_sort = "-timestamp,notification_id",
    .limit_default = 10,
    .limit_max = 100,
};

static void write_summary(struct rp_jsonw *w, const struct rp_notification *n)
{
	rp_jsonw_obj(w);
	rp_jsonw_put_str(w, "State", n->state);
	rp_jsonw_put_str(w, "NotificationID", n->notification_id);
	rp_jsonw_put_str(w, "Transport", n->transport);
	rp_jsonw_put_time(w, "Timestamp", n->timestamp);
	rp_jsonw_put_str(w, "Out", n->out);
	rp_jsonw_put_str(w, "Err", n->err);
	rp_jsonw_obj_end(w);
}

static void on_list(void *ctx, int code, const struct rp_listread *read, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	const struct rp_notification *v = read->page.v;
	struct rp_reply r;
	if (code != 0) {
		rp_reply_code(c, code, err);
		return;
	}
	rp_reply_begin(&r);
	rp_jsonw_arr(&r.w);
	for (size_t i = 0; i < read->page.n; i++) {
		write_summary(&r.w, &v[i]);
	}
	rp_jsonw_arr_end(&r.w);
	rp_reply_end_count(&r, c, read->total);
}

void rp_api_notifications(struct rp_api_call *c)
{
	struct rp_listq q;
	if (rp_api_list_query(c, &spec, &q) != 0) {
		return;
	}
	int err = rp_notifications_store_read(c->api->parts.store, NULL, &q, on_list, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

static void write_recipients(struct rp_jsonw *w, const char *joined)
{
	rp_jsonw_key(w, "recipients");
	rp_jsonw_arr(w);
	while (joined != NULL && *joined != '\0') {
		const char *end = strstr(joined, RP_NOTIFICATION_SEPARATOR);
		size_t n = end != NULL ? (size_t)(end - joined) : strlen(joined);
		rp_jsonw_strn(w, rp_str_n(joined, n));
		joined = end != NULL ? end + strlen(RP_NOTIFICATION_SEPARATOR) : NULL;
	}
	rp_jsonw_arr_end(w);
}

static void write_details(struct rp_jsonw *w, const struct rp_notification *n)
{
	char *id = rp_asprintf("notification:::%s", n->notification_id);
	rp_jsonw_obj(w);
	rp_jsonw_put_str(w, "RefID", n->reference_id);
	rp_jsonw_key(w, "Data");
	rp_jsonw_obj(w);
	rp_jsonw_put_str(w, "target", n->transport);
	write_recipients(w, n->recipients);
	rp_jsonw_put_str(w, "subject", n->subject);
	rp_jsonw_put_str(w, "content", n->body);
	rp_jsonw_put_str(w, "content_type", n->content_type);
	rp_jsonw_obj_end(w);
	rp_jsonw_put_str(w, "State", n->state);
	rp_jsonw_put_str(w, "ID", id);
	rp_jsonw_put_str(w, "Out", n->out);
	rp_jsonw_put_str(w, "Target", strcmp(n->transport, "smtp") == 0 ? "smtp" : "script");
	rp_jsonw_put_str(w, "Err", n->err);
	rp_jsonw_obj_end(w);
	rp_free(id);
}

static void on_get(void *ctx, int code, const struct rp_listread *read, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	struct rp_reply r;
	if (code != 0) {
		rp_reply_code(c, code, err);
	} else if (read->page.n == 0) {
		rp_reply_fail(c, 404, "Notification with id=\"%s\" not found.", c->params[0]);
	} else {
		rp_reply_begin_bare(&r);
		write_details(&r.w, read->page.v);
		rp_reply_end_bare(&r, c);
	}
}

void rp_api_notification_get(struct rp_api_call *c)
{
	struct rp_listq q = {0};
	int err = rp_notifications_store_read(c->api->parts.store, c->params[0], &q, on_get, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}

/* Without the extension the original has an empty 500 here. */
void rp_api_plus_status(struct rp_api_call *c)
{
	rp_reply_empty(c, 500);
}

void rp_api_auth_settings(struct rp_api_call *c)
{
	rp_reply_fail(c, 403, "rport-plus not enabled/available");
}
