/* SPDX-License-Identifier: MIT */
/*
 * SQL of the notifications_log table.
 */
#include "api/notifications_store.h"

#include "core/banned.h"

#define F(key, kind)                                                                  \
	{                                                                             \
#key, RP_FIELD_##kind, 0, offsetof(struct rp_notification, key), NULL \
	}
static const struct rp_json_field fields[] = {
    F(notification_id, STR),
    F(timestamp, TIME),
    F(content_type, STR),
    F(reference_id, STR),
    F(transport, STR),
    F(recipients, STR),
    F(state, STR),
    F(subject, STR),
    F(body, STR),
    F(out, STR),
    F(err, STR),
};
static const struct rp_json_table table = RP_JSON_TABLE(fields, struct rp_notification);

static int read_row(struct rp_stmt *stmt, void *obj)
{
	struct rp_notification *n = obj;
	char **const texts[] = {&n->notification_id, NULL, &n->content_type, &n->reference_id,
	    &n->transport, &n->recipients, &n->state, &n->subject, &n->body, &n->out, &n->err};
	n->timestamp = rp_store_time_read(rp_stmt_text(stmt, 1));
	for (size_t i = 0; i < RP_ARRAY_LEN(texts); i++) {
		if (texts[i] != NULL && !rp_stmt_copy(stmt, (int)i, texts[i])) {
			return RP_ENOMEM;
		}
	}
	return 0;
}

int rp_notifications_store_read(
    struct rp_store *s, const char *id, struct rp_listq *q, rp_listread_cb cb, void *ctx)
{
	static const struct rp_listread_spec spec = {
	    .select = "SELECT notification_id, timestamp, content_type, reference_id, transport,"
	              " recipients, state, subject, body, out, err FROM notifications_log",
	    .table = &table,
	    .read = read_row,
	};
	const struct rp_listread_ask ask = {
	    .spec = &spec,
	    .where = id != NULL ? "notification_id = ?" : NULL,
	    .key = id,
	};
	return rp_listread(s, &ask, q, cb, ctx);
}
