/* SPDX-License-Identifier: MIT */
/*
 * Entries wait in a list while the batch before them is being written; its end sends the next.
 */
#include "server/audit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "acl/addrlist.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/log.h"
#include "server/audit_store.h"

#include "core/banned.h"

#define COMPONENT "auditlog"
/* Of entries that wait. */
#define PENDING_MAX       10000u
#define PENDING_BYTES_MAX (16u * 1024 * 1024)
/* A site of IPv6. */
#define V6_KEPT_BYTES 6

struct rp_audit {
	struct rp_store *store;
	const struct rp_conf_api *cfg;
	struct rp_list pending;
	size_t n_pending;
	size_t bytes;
	size_t lost; /* since the last batch */
	int64_t last_id;
	char period[RP_AUDIT_PERIOD_MAX]; /* of the current file; "" = it is empty */
	bool writing;
	bool closing;
};

#define F(key, kind)                                                                 \
	{                                                                            \
#key, RP_FIELD_##kind, 0, offsetof(struct rp_audit_entry, key), NULL \
	}
static const struct rp_json_field entry_fields[] = {
    F(timestamp, TIME),
    F(username, STR),
    F(remote_ip, STR),
    F(application, STR),
    F(action, STR),
    F(affected_id, STR),
    F(client_id, STR),
    F(client_hostname, STR),
    F(request, STR),
    F(response, STR),
};
const struct rp_json_table rp_audit_entry_table = RP_JSON_TABLE(
    entry_fields, struct rp_audit_entry);

void rp_audit_period(const char *rotation, int64_t t, char out[static RP_AUDIT_PERIOD_MAX])
{
	time_t s = (time_t)(t / RP_NS_PER_S);
	struct tm tm;
	(void)gmtime_r(&s, &tm);
	if (strcmp(rotation, "daily") == 0) {
		(void)strftime(out, RP_AUDIT_PERIOD_MAX, "%Y-%m-%d", &tm);
	} else if (strcmp(rotation, "weekly") == 0) {
		(void)strftime(out, RP_AUDIT_PERIOD_MAX, "%G-W%V", &tm);
	} else if (strcmp(rotation, "yearly") == 0) {
		(void)strftime(out, RP_AUDIT_PERIOD_MAX, "%Y", &tm);
	} else {
		(void)strftime(out, RP_AUDIT_PERIOD_MAX, "%Y-%m", &tm);
	}
}

void rp_audit_obscure_ip(const char *ip, char out[static RP_AUDIT_IP_MAX])
{
	struct rp_addr a;
	char text[INET6_ADDRSTRLEN];
	if (rp_addr_parse(rp_str_c(ip), &a) != 0) {
		(void)snprintf(out, RP_AUDIT_IP_MAX, "%s", ip);
		return;
	}
	if (rp_addr_is_v4(&a)) {
		(void)snprintf(out, RP_AUDIT_IP_MAX, "%u.%u.%u.x", a.b[12], a.b[13], a.b[14]);
		return;
	}
	memset(a.b + V6_KEPT_BYTES, 0, sizeof(a.b) - V6_KEPT_BYTES);
	(void)snprintf(out, RP_AUDIT_IP_MAX, "%sx",
	    inet_ntop(AF_INET6, a.b, text, sizeof(text)) != NULL ? text : "::");
}

int rp_audit_open(struct rp_loop *loop, const struct rp_server_config *cfg, struct rp_audit **out,
    struct rp_err *err)
{
	*out = NULL;
	if (!cfg->api.enable_audit_log) {
		return 0;
	}
	struct rp_audit *a = rp_calloc(1, sizeof(*a));
	if (a == NULL) {
		return rp_err_no_memory(err);
	}
	a->cfg = &cfg->api;
	rp_list_init(&a->pending);
	*out = a;
	int code = rp_store_open_file(loop, cfg->server.data_dir, cfg->server.sqlite_wal,
	    &rp_audit_store_file, &a->store, err);
	int64_t oldest = RP_TIME_ZERO;
	code = code != 0 ? code : rp_audit_store_state(a->store, &a->last_id, &oldest, err);
	if (code == 0 && oldest != RP_TIME_ZERO) {
		rp_audit_period(a->cfg->audit_log_rotation, oldest, a->period);
	}
	return code;
}

static void drop_pending(struct rp_audit *a)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &a->pending) {
		rp_audit_row_free(RP_LIST_ENTRY(it, struct rp_audit_row, node));
	}
	rp_list_init(&a->pending);
	a->n_pending = 0;
	a->bytes = 0;
}

void rp_audit_free(struct rp_audit *a)
{
	if (a != NULL) {
		drop_pending(a);
		rp_free(a);
	}
}

/* A new period begins with its first entry. A clock that was set back begins none. */
static void rotate(struct rp_audit *a, int64_t t)
{
	char period[RP_AUDIT_PERIOD_MAX];
	char name[RP_AUDIT_PERIOD_MAX + 16];
	rp_audit_period(a->cfg->audit_log_rotation, t, period);
	if (a->period[0] != '\0' && strcmp(period, a->period) <= 0) {
		return;
	}
	if (a->period[0] != '\0') {
		(void)snprintf(name, sizeof(name), "auditlog.%s.db", a->period);
		if (rp_store_rotate(a->store, name) != 0) {
			rp_log_error(COMPONENT, "no rotation to %s now: too much to do", name);
			return;
		}
	}
	memcpy(a->period, period, sizeof(period));
}

static void flush(struct rp_audit *a);

static void on_written(void *ctx, int code, const struct rp_err *err)
{
	struct rp_audit *a = ctx;
	if (code != 0) {
		rp_log_error(COMPONENT, "entries are lost: %s", err->msg);
	}
	a->writing = false;
	flush(a);
}

/* Sends what waits, whether or not a batch is under way. */
static void write_out(struct rp_audit *a)
{
	if (a->lost > 0) {
		rp_log_error(COMPONENT, "%zu entries are lost: too many at once", a->lost);
		a->lost = 0;
	}
	if (rp_list_empty(&a->pending)) {
		return;
	}
	struct rp_audit_row *first = RP_LIST_ENTRY(a->pending.next, struct rp_audit_row, node);
	rotate(a, first->e.timestamp);
	size_t n = a->n_pending;
	int err = rp_audit_store_add(a->store, &a->pending, on_written, a);
	a->n_pending = 0;
	a->bytes = 0;
	if (err != 0) {
		rp_log_error(COMPONENT, "%zu entries are lost: %s", n, rp_err_text(err));
	} else {
		a->writing = true;
	}
}

static void flush(struct rp_audit *a)
{
	if (!a->writing && !a->closing) {
		write_out(a);
	}
}

void rp_audit_close(struct rp_audit *a, void (*on_closed)(void *ctx), void *ctx)
{
	if (a == NULL || a->store == NULL) {
		if (on_closed != NULL) {
			on_closed(ctx);
		}
		return;
	}
	write_out(a);
	a->closing = true;
	rp_store_close(a->store, on_closed, ctx);
}

void rp_audit_add(struct rp_audit *a, const struct rp_audit_entry *e)
{
	char ip[RP_AUDIT_IP_MAX];
	struct rp_audit_entry copy = *e;
	if (a == NULL) {
		return;
	}
	copy.timestamp = rp_time_now();
	if (a->cfg->use_ip_obfuscation && e->remote_ip != NULL && e->remote_ip[0] != '\0') {
		rp_audit_obscure_ip(e->remote_ip, ip);
		copy.remote_ip = ip;
	}
	struct rp_audit_row *row = a->closing || a->n_pending >= PENDING_MAX
	    ? NULL
	    : rp_audit_row_new(&copy);
	if (row != NULL && row->bytes > PENDING_BYTES_MAX - a->bytes) {
		rp_audit_row_free(row);
		row = NULL;
	}
	if (row == NULL) {
		a->lost++;
		flush(a);
		return;
	}
	row->id = ++a->last_id;
	rp_list_append(&a->pending, &row->node);
	a->n_pending++;
	a->bytes += row->bytes;
	flush(a);
}

int rp_audit_read(
    struct rp_audit *a, const struct rp_audit_query *query, rp_audit_list_cb cb, void *ctx)
{
	static const struct rp_audit_list none;
	static const struct rp_err fine;
	if (a == NULL) {
		cb(ctx, 0, &none, &fine);
		return 0;
	}
	if (a->closing) {
		return RP_ECLOSED;
	}
	write_out(a);
	return rp_audit_store_read(a->store, query, cb, ctx);
}
