/* SPDX-License-Identifier: MIT */
/*
 * How clients become disconnected and how they are forgotten: by a user, because they were away for
 * too long, or with the credentials that they used.
 */
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/log.h"
#include "server/cgroups.h"
#include "server/events.h"
#include "server/registry_int.h"

#include "core/banned.h"

#define COMPONENT "client-listener"

bool rp_registry_obsolete(
    const struct rp_registry *r, const struct rp_registry_entry *e, int64_t now)
{
	return e->ref.id == 0 && r->opt.cfg->server.purge_disconnected_clients &&
	    now - e->c.disconnected_at >= r->opt.cfg->server.keep_disconnected_clients;
}

static void forget(struct rp_registry *r, struct rp_registry_entry *e)
{
	rp_log_info(COMPONENT, "client %s is forgotten: disconnected too long", e->c.id);
	int err = rp_clients_store_delete(r->opt.store, e->c.id, NULL, NULL);
	if (err != 0) {
		rp_log_error(
		    COMPONENT, "client %s stays in the database: %s", e->c.id, rp_err_text(err));
		return;
	}
	rp_events_client(r->opt.events, "deleted", e->c.id);
	rp_registry_remove(r, e);
}

void rp_registry_disconnected(struct rp_registry *r, struct rp_registry_entry *e)
{
	rp_registry_clear_ref(r, e);
	r->n_connected--;
	rp_registry_set_state(e, false);
	rp_registry_regroup(r, e);
	rp_events_client(r->opt.events, "disconnected", e->c.id);
	if (rp_registry_obsolete(r, e, rp_time_now())) {
		forget(r, e);
		return;
	}
	(void)rp_registry_save(r, e, NULL, NULL);
}

void rp_registry_drop_obsolete(struct rp_registry *r, const char *id)
{
	struct rp_registry_entry *e = rp_registry_find(r, id);
	if (e != NULL && rp_registry_obsolete(r, e, rp_time_now())) {
		forget(r, e);
	}
}

void rp_registry_on_purge(uv_timer_t *timer)
{
	struct rp_registry *r = timer->data;
	int64_t now = rp_time_now();
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &r->all) {
		struct rp_registry_entry *e = RP_LIST_ENTRY(it, struct rp_registry_entry, list);
		if (rp_registry_obsolete(r, e, now)) {
			forget(r, e);
		}
	}
}

int rp_registry_delete(struct rp_registry *r, const char *id, rp_registry_done_cb done, void *ctx)
{
	struct rp_registry_entry *e = rp_registry_find(r, id);
	if (e == NULL) {
		return RP_ENOENT;
	}
	if (e->ref.id != 0) {
		return RP_EBUSY;
	}
	int err = rp_clients_store_delete(r->opt.store, id, done, ctx);
	if (err == 0) {
		rp_events_client(r->opt.events, "deleted", id);
		rp_registry_remove(r, e);
	}
	return err;
}

static bool used_by(const struct rp_registry_entry *e, const char *auth_id)
{
	return e->c.client_auth_id != NULL && strcmp(e->c.client_auth_id, auth_id) == 0;
}

size_t rp_registry_count_auth(const struct rp_registry *r, const char *auth_id)
{
	size_t n = 0;
	for (struct rp_list *it = r->all.next; it != &r->all; it = it->next) {
		n += used_by(RP_LIST_ENTRY(it, struct rp_registry_entry, list), auth_id);
	}
	return n;
}

/* Ends the client, connected or not. Its connection's events find nobody any more. */
static int end_client(struct rp_registry *r, struct rp_registry_entry *e)
{
	int err = rp_clients_store_delete(r->opt.store, e->c.id, NULL, NULL);
	if (err != 0) {
		return err;
	}
	rp_log_info(COMPONENT, "client %s is forgotten: its credentials are deleted", e->c.id);
	rp_registry_drop_pending(r, NULL, e->c.id);
	if (e->ref.id != 0) {
		rp_workers_close(r->workers, e->ref, "its credentials are deleted");
		r->n_connected--;
	}
	rp_events_client(r->opt.events, "deleted", e->c.id);
	rp_registry_remove(r, e);
	return 0;
}

int rp_registry_end_auth(
    struct rp_registry *r, const char *auth_id, rp_registry_done_cb done, void *ctx)
{
	struct rp_list *it;
	struct rp_list *tmp;
	rp_registry_drop_pending(r, auth_id, NULL);
	RP_LIST_FOREACH(it, tmp, &r->all) {
		struct rp_registry_entry *e = RP_LIST_ENTRY(it, struct rp_registry_entry, list);
		int err = used_by(e, auth_id) ? end_client(r, e) : 0;
		if (err != 0) {
			return err;
		}
	}
	return rp_clients_store_sync(r->opt.store, done, ctx);
}
