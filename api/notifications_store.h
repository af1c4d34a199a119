/* SPDX-License-Identifier: MIT */
/*
 * The notifications_log table: what was sent to whom. Nothing here writes it: notifications are
 * sent by the original's closed extension only.
 */
#ifndef RP_API_NOTIFICATIONS_STORE_H
#define RP_API_NOTIFICATIONS_STORE_H

#include "server/listread.h"

struct rp_notification {
	char *notification_id;
	int64_t timestamp;
	char *content_type;
	char *reference_id; /* "problem:::id" */
	char *transport;    /* "smtp" or the name of a script */
	char *recipients;   /* joined by RP_NOTIFICATION_SEPARATOR */
	char *state;        /* "queued", "dispatching", "done", "error" */
	char *subject;
	char *body;
	char *out;
	char *err;
};
#define RP_NOTIFICATION_SEPARATOR "@|@"

/* Takes *q. id NULL: the list. */
RP_NODISCARD int rp_notifications_store_read(
    struct rp_store *s, const char *id, struct rp_listq *q, rp_listread_cb cb, void *ctx);

#endif
