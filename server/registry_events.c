/* SPDX-License-Identifier: MIT */
/*
 * What the registry hears of its clients: signs of life, which it asks for when there is none for
 * long, notifications, output of commands.
 */
#include <string.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "server/clients_store.h"
#include "server/events.h"
#include "server/registry_int.h"

#include "core/banned.h"

#define STATUS_MAX (4u * 1024 * 1024)
#define COMPONENT  "client-listener"

/* Server pings (wire protocol 7.2) */

void rp_registry_heard(struct rp_registry_entry *e)
{
	e->c.last_heartbeat_at = rp_time_now();
	e->heard_ms = rp_clock_ms();
}

struct probe {
	struct rp_registry *registry;
	struct rp_conn_ref ref;
};

/* What counts as alive is given: any other answer is a broken peer. */
static bool ping_alive(int code, const char *p, size_t n)
{
	if (code == 0) {
		return n == 0 || strcmp(p, "null") == 0;
	}
	return code == RP_EDENIED && strcmp(p, "unknown request") == 0;
}

static void on_check_answer(void *ctx, int code, const char *p, size_t n)
{
	struct probe *probe = ctx;
	struct rp_registry *r = probe->registry;
	struct rp_registry_entry *e = r->closing ? NULL : rp_registry_find_ref(r, probe->ref);
	if (e != NULL) {
		e->probing = false;
		if (ping_alive(code, p, n)) {
			rp_registry_heard(e);
		} else {
			rp_log_info(COMPONENT, "client %s does not answer pings", e->c.id);
			rp_workers_close(r->workers, e->ref, "no answer to ping");
		}
	}
	rp_free(probe);
}

static void check(struct rp_registry *r, struct rp_registry_entry *e)
{
	struct probe *probe = rp_calloc(1, sizeof(*probe));
	const struct rp_call_order call = {
	    .name = "ping",
	    .timeout_ms = (unsigned)(r->opt.cfg->server.check_clients_connection_timeout /
	        RP_NS_PER_MS),
	};
	if (probe == NULL) {
		return;
	}
	probe->registry = r;
	probe->ref = e->ref;
	if (rp_workers_call(r->workers, e->ref, &call, on_check_answer, probe) != 0) {
		rp_free(probe);
		return;
	}
	e->probing = true;
}

void rp_registry_on_check(uv_timer_t *timer)
{
	struct rp_registry *r = timer->data;
	/* A ping that comes a little late is none that is missed. */
	uint64_t now = rp_clock_ms() + RP_REGISTRY_CHECK_EVERY_MS;
	uint64_t interval = (uint64_t)(r->opt.cfg->server.check_clients_connection_interval /
	    RP_NS_PER_MS);
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &r->all) {
		struct rp_registry_entry *e = RP_LIST_ENTRY(it, struct rp_registry_entry, list);
		if (e->ref.id != 0 && !e->probing && now - e->heard_ms >= interval) {
			check(r, e);
		}
	}
}

/* Events */

static void on_ping(void *ctx, struct rp_conn_ref ref)
{
	struct rp_registry_entry *e = rp_registry_find_ref(ctx, ref);
	if (e != NULL) {
		rp_registry_heard(e);
	}
}

/* Keeps the text of a JSON object that a client sent; anything else is dropped with a log line. */
static void keep_json(
    struct rp_registry *r, struct rp_registry_entry *e, char **slot, const char *p, size_t n)
{
	struct rp_json *j = NULL;
	struct rp_err err = {0};
	int code = rp_json_parse(p, n, &j, &err);
	if (code == 0 && rp_json_type(j) == RP_JSON_OBJECT) {
		struct rp_buf text;
		char *owned = NULL;
		rp_buf_init(&text, STATUS_MAX);
		if (rp_json_print(j, &text) == 0 && rp_buf_take_string(&text, &owned) == 0) {
			rp_free(*slot);
			*slot = owned;
			(void)rp_registry_save(r, e, NULL, NULL);
			rp_events_client(r->opt.events, "updated", e->c.id);
		}
		rp_buf_fini(&text);
	} else {
		rp_log_error(COMPONENT, "client %s sent an unreadable status: %s", e->c.id,
		    code == 0 ? "not an object" : err.msg);
	}
	rp_json_free(j);
}

/* What the client knows of its addresses as others see them; when it came is ours to say. */
struct ip_addresses {
	char *ipv4;
	char *ipv6;
	int64_t updated_at;
	char *error;
};
static const struct rp_json_field ip_fields[] = {
    {"ipv4", RP_FIELD_STR, 0, offsetof(struct ip_addresses, ipv4), NULL},
    {"ipv6", RP_FIELD_STR, 0, offsetof(struct ip_addresses, ipv6), NULL},
    {"updated_at", RP_FIELD_TIME, 0, offsetof(struct ip_addresses, updated_at), NULL},
    {"error", RP_FIELD_STR, 0, offsetof(struct ip_addresses, error), NULL},
};
static const struct rp_json_table ip_table = RP_JSON_TABLE(ip_fields, struct ip_addresses);

static void keep_addresses(
    struct rp_registry *r, struct rp_registry_entry *e, const char *p, size_t n)
{
	struct ip_addresses a = {0};
	struct rp_err err = {0};
	if (rp_json_decode_text(p, n, &ip_table, false, &a, &err) != 0) {
		rp_log_error(
		    COMPONENT, "client %s sent unreadable addresses: %s", e->c.id, err.msg);
		return;
	}
	a.updated_at = rp_time_now();
	char *text = rp_json_text(&ip_table, &a);
	rp_json_release(&ip_table, &a);
	if (text != NULL) {
		rp_free(e->c.ext_ip_addresses);
		e->c.ext_ip_addresses = text;
		(void)rp_registry_save(r, e, NULL, NULL);
		rp_events_client(r->opt.events, "updated", e->c.id);
	}
}

struct settle {
	struct rp_registry *registry;
	struct rp_conn_ref ref;
};

static void on_settled(void *ctx, int code, const struct rp_err *err)
{
	struct settle *s = ctx;
	(void)code;
	(void)err;
	rp_workers_notified(s->registry->workers, s->ref);
	rp_free(s);
}

/* Tells the worker that a notification is dealt with when all that was queued for the database
 * up to now is through. */
static void settle(struct rp_registry *r, struct rp_conn_ref ref)
{
	struct settle *s = rp_calloc(1, sizeof(*s));
	if (s != NULL) {
		s->registry = r;
		s->ref = ref;
	}
	if (s == NULL || rp_clients_store_sync(r->opt.store, on_settled, s) != 0) {
		rp_free(s);
		rp_workers_notified(r->workers, ref);
	}
}

static void take_notification(
    struct rp_registry *r, struct rp_registry_entry *e, const char *name, const char *p, size_t n)
{
	if (strcmp(name, "updates_status") == 0) {
		keep_json(r, e, &e->c.updates_status, p, n);
	} else if (strcmp(name, "ip_addresses") == 0) {
		keep_addresses(r, e, p, n);
	} else if (r->notify != NULL) {
		r->notify(r->notify_ctx, e->c.id, name, p, n);
	}
}

static void on_notify(void *ctx, struct rp_conn_ref ref, const char *name, const char *p, size_t n)
{
	struct rp_registry *r = ctx;
	struct rp_registry_entry *e = rp_registry_find_ref(r, ref);
	if (e != NULL) {
		take_notification(r, e, name, p, n);
	}
	settle(r, ref);
}

static void on_output(void *ctx, struct rp_conn_ref ref, const struct rp_job_output *o)
{
	struct rp_registry *r = ctx;
	struct rp_registry_entry *e = rp_registry_find_ref(r, ref);
	if (e != NULL && r->output != NULL) {
		r->output(r->output_ctx, e->c.id, o);
	}
	rp_workers_output_taken(r->workers, ref, o);
}

static const struct rp_conn_events events = {
    .on_register = rp_registry_on_register,
    .on_up = rp_registry_on_up,
    .on_down = rp_registry_on_down,
    .on_ping = on_ping,
    .on_notify = on_notify,
    .on_output = on_output,
    .on_tunnel_gone = rp_registry_on_tunnel_gone,
};

const struct rp_conn_events *rp_registry_events(void)
{
	return &events;
}
