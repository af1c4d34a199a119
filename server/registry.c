/* SPDX-License-Identifier: MIT */
/*
 * The mirror itself: entries and their store. What comes from the clients is in registry_events.c,
 * registration in registry_register.c, tunnels in registry_tunnels.c.
 */
#include "server/registry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/jsonw.h"
#include "core/log.h"
#include "server/cgroups.h"
#include "server/events.h"
#include "server/registry_int.h"

#include "core/banned.h"

#define RECORD_MAX (4u * 1024 * 1024)
#define COMPONENT  "client-listener"

#define F(key, kind)                                                            \
	{                                                                       \
#key, RP_FIELD_##kind, 0, offsetof(struct rp_client, key), NULL \
	}
static const struct rp_json_field client_fields[] = {
    F(id, STR),
    F(name, STR),
    F(address, STR),
    F(hostname, STR),
    F(os, STR),
    F(os_full_name, STR),
    F(os_version, STR),
    F(os_arch, STR),
    F(os_family, STR),
    F(os_kernel, STR),
    F(os_virtualization_system, STR),
    F(os_virtualization_role, STR),
    F(num_cpus, INT),
    F(cpu_family, STR),
    F(cpu_model, STR),
    F(cpu_model_name, STR),
    F(cpu_vendor, STR),
    F(mem_total, UINT),
    F(timezone, STR),
    F(client_auth_id, STR),
    F(version, STR),
    F(disconnected_at, TIME_OPT),
    F(last_heartbeat_at, TIME_OPT),
    F(connection_state, STR),
    F(ipv4, STRLIST),
    F(ipv6, STRLIST),
    F(tags, STRLIST),
    F(allowed_user_groups, STRLIST_NULL),
    {"tunnels", RP_FIELD_LIST, 0, offsetof(struct rp_client, tunnels), &rp_tunnel_info_table},
    F(updates_status, RAW),
    F(ext_ip_addresses, RAW),
    F(client_configuration, RAW),
    F(groups, STRLIST),
    F(labels, STRMAP),
};
const struct rp_json_table rp_client_table = RP_JSON_TABLE(client_fields, struct rp_client);

bool rp_client_connected(const struct rp_client *c)
{
	return c->disconnected_at == RP_TIME_ZERO;
}

bool rp_conn_ref_eq(struct rp_conn_ref a, struct rp_conn_ref b)
{
	return a.id == b.id && a.worker == b.worker;
}

struct rp_registry_entry *rp_registry_find(struct rp_registry *r, const char *id)
{
	struct rp_hash_node *node = rp_hash_get(&r->by_id, id);
	return node == NULL ? NULL : RP_CONTAINER_OF(node, struct rp_registry_entry, node);
}

static void write_ref(struct rp_conn_ref ref, char out[static RP_REGISTRY_REF_MAX])
{
	(void)snprintf(out, RP_REGISTRY_REF_MAX, "%u.%" PRIu64, ref.worker, ref.id);
}

struct rp_registry_entry *rp_registry_find_ref(struct rp_registry *r, struct rp_conn_ref ref)
{
	char key[RP_REGISTRY_REF_MAX];
	write_ref(ref, key);
	struct rp_hash_node *node = rp_hash_get(&r->by_ref, key);
	return node == NULL ? NULL : RP_CONTAINER_OF(node, struct rp_registry_entry, ref_node);
}

int rp_registry_set_ref(struct rp_registry *r, struct rp_registry_entry *e, struct rp_conn_ref ref)
{
	RP_VERIFY(e->ref.id == 0 && ref.id != 0);
	write_ref(ref, e->ref_key);
	int err = rp_hash_put(&r->by_ref, &e->ref_node, e->ref_key);
	if (err == 0) {
		e->ref = ref;
	}
	return err;
}

void rp_registry_clear_ref(struct rp_registry *r, struct rp_registry_entry *e)
{
	if (e->ref.id != 0) {
		rp_hash_remove(&r->by_ref, &e->ref_node);
		e->ref = (struct rp_conn_ref){0};
	}
}

static void entry_free(struct rp_registry_entry *e)
{
	rp_strlist_fini(&e->c.inherited_user_groups);
	rp_json_release(&rp_client_table, &e->c);
	rp_free(e->session_id);
	rp_free(e);
}

struct rp_registry_entry *rp_registry_add(struct rp_registry *r, const char *id)
{
	struct rp_registry_entry *e = rp_calloc(1, sizeof(*e));
	if (e == NULL) {
		return NULL;
	}
	e->c.id = rp_strdup(id);
	e->c.disconnected_at = rp_time_now();
	e->c.last_heartbeat_at = RP_TIME_ZERO;
	if (e->c.id == NULL || rp_hash_put(&r->by_id, &e->node, e->c.id) != 0) {
		entry_free(e);
		return NULL;
	}
	rp_list_append(&r->all, &e->list);
	return e;
}

void rp_registry_remove(struct rp_registry *r, struct rp_registry_entry *e)
{
	rp_registry_clear_ref(r, e);
	rp_hash_remove(&r->by_id, &e->node);
	rp_list_remove(&e->list);
	entry_free(e);
}

void rp_registry_set_state(struct rp_registry_entry *e, bool connected)
{
	char *state = rp_strdup(connected ? "connected" : "disconnected");
	if (state != NULL) {
		rp_free(e->c.connection_state);
		e->c.connection_state = state;
	}
	e->c.disconnected_at = connected ? RP_TIME_ZERO : rp_time_now();
}

void rp_registry_regroup(struct rp_registry *r, struct rp_registry_entry *e)
{
	int err = rp_cgroups_join(r->groups, &e->c);
	if (err != 0) {
		rp_log_error(COMPONENT, "client %s is not in all of its groups: %s", e->c.id,
		    rp_err_text(err));
	}
}

static void on_group(void *ctx, const char *id)
{
	struct rp_registry *r = ctx;
	struct rp_list *it;
	struct rp_list *tmp;
	int err = 0;
	RP_LIST_FOREACH(it, tmp, &r->all) {
		struct rp_registry_entry *e = RP_LIST_ENTRY(it, struct rp_registry_entry, list);
		int code = rp_cgroups_rejoin(r->groups, &e->c, id);
		err = err != 0 ? err : code;
	}
	if (err != 0) {
		rp_log_error(COMPONENT, "group %s does not have all of its clients: %s", id,
		    rp_err_text(err));
	}
	rp_events_client(r->opt.events, "changed", NULL);
}

int rp_registry_save(
    struct rp_registry *r, struct rp_registry_entry *e, rp_store_done_cb done, void *ctx)
{
	struct rp_buf text;
	struct rp_jsonw w;
	rp_buf_init(&text, RECORD_MAX);
	rp_jsonw_init(&w, &text);
	rp_jsonw_struct(&w, &rp_client_table, &e->c);
	int err = rp_jsonw_end(&w);
	if (err == 0) {
		err = rp_buf_terminate(&text);
	}
	if (err == 0) {
		err = rp_clients_store_save(
		    r->opt.store, e->c.id, (const char *)rp_buf_head(&text), done, ctx);
	}
	rp_buf_fini(&text);
	if (err != 0) {
		rp_log_error(COMPONENT, "client %s is not stored: %s", e->c.id, rp_err_text(err));
	}
	return err;
}

void rp_registry_set_workers(struct rp_registry *r, struct rp_workers *w)
{
	r->workers = w;
}

void rp_registry_on_notify(struct rp_registry *r, rp_registry_notify_cb cb, void *ctx)
{
	r->notify = cb;
	r->notify_ctx = ctx;
}

void rp_registry_on_output(struct rp_registry *r, rp_registry_output_cb cb, void *ctx)
{
	r->output = cb;
	r->output_ctx = ctx;
}

/* Life */

static int on_row(void *ctx, const char *id, const char *json)
{
	struct rp_registry *r = ctx;
	struct rp_client c = {0};
	struct rp_err err = {0};
	int code = rp_json_decode_text(json, strlen(json), &rp_client_table, false, &c, &err);
	if (code != 0) {
		rp_log_error(
		    COMPONENT, "stored client %s is unreadable and left out: %s", id, err.msg);
		return code == RP_ENOMEM ? code : 0;
	}
	struct rp_registry_entry *e = rp_registry_add(r, id);
	if (e == NULL) {
		rp_json_release(&rp_client_table, &c);
		return RP_ENOMEM;
	}
	/* The key in the table is the id string of the entry: it stays, the loaded copy goes. */
	char *key = e->c.id;
	rp_free(c.id);
	e->c = c;
	e->c.id = key;
	if (e->c.disconnected_at == RP_TIME_ZERO) {
		rp_registry_set_state(e, false);
	}
	rp_registry_regroup(r, e);
	return 0;
}

int rp_registry_new(
    const struct rp_registry_options *opt, struct rp_registry **out, struct rp_err *err)
{
	struct rp_registry *r = rp_calloc(1, sizeof(*r));
	if (r == NULL) {
		return rp_err_no_memory(err);
	}
	r->opt = *opt;
	rp_hash_init(&r->by_id);
	rp_hash_init(&r->by_ref);
	rp_list_init(&r->all);
	rp_list_init(&r->pendings);
	uv_loop_t *uv = rp_loop_uv(opt->loop);
	RP_VERIFY(uv_timer_init(uv, &r->check) == 0);
	RP_VERIFY(uv_timer_init(uv, &r->purge) == 0);
	r->check.data = r;
	r->purge.data = r;
	*out = r;
	int code = rp_cgroups_new(opt->store, &r->groups, err);
	code = code != 0 ? code : rp_clients_store_load(opt->store, on_row, r, err);
	if (code != 0) {
		return code;
	}
	rp_cgroups_on_change(r->groups, on_group, r);
	uint64_t every = (uint64_t)(opt->cfg->server.check_clients_connection_interval /
	    RP_NS_PER_MS);
	every = RP_MIN(every, (uint64_t)RP_REGISTRY_CHECK_EVERY_MS);
	RP_VERIFY(uv_timer_start(&r->check, rp_registry_on_check, every, every) == 0);
	if (opt->cfg->server.purge_disconnected_clients) {
		every = (uint64_t)(opt->cfg->server.purge_disconnected_clients_interval /
		    RP_NS_PER_MS);
		RP_VERIFY(uv_timer_start(&r->purge, rp_registry_on_purge, every, every) == 0);
	}
	return 0;
}

void rp_registry_close(struct rp_registry *r)
{
	if (!r->closing) {
		r->closing = true;
		uv_close((uv_handle_t *)&r->check, NULL);
		uv_close((uv_handle_t *)&r->purge, NULL);
		rp_registry_drop_pendings(r);
	}
}

void rp_registry_free(struct rp_registry *r)
{
	if (r == NULL) {
		return;
	}
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &r->all) {
		rp_registry_remove(r, RP_LIST_ENTRY(it, struct rp_registry_entry, list));
	}
	rp_hash_fini(&r->by_id);
	rp_hash_fini(&r->by_ref);
	rp_cgroups_free(r->groups);
	rp_free(r);
}

/* Readers */

struct rp_cgroups *rp_registry_cgroups(struct rp_registry *r)
{
	return r->groups;
}

const struct rp_client *rp_registry_get(struct rp_registry *r, const char *id)
{
	struct rp_registry_entry *e = rp_registry_find(r, id);
	return e == NULL ? NULL : &e->c;
}

size_t rp_registry_count(const struct rp_registry *r, bool connected)
{
	return connected ? r->n_connected : r->by_id.count - r->n_connected;
}

void rp_registry_each(
    struct rp_registry *r, bool (*fn)(const struct rp_client *c, void *ctx), void *ctx)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &r->all) {
		if (!fn(&RP_LIST_ENTRY(it, struct rp_registry_entry, list)->c, ctx)) {
			return;
		}
	}
}

int rp_registry_call(struct rp_registry *r, const char *id, const struct rp_call_order *call,
    rp_workers_call_cb cb, void *ctx)
{
	struct rp_registry_entry *e = rp_registry_find(r, id);
	struct rp_conn_ref none = {0};
	return rp_workers_call(r->workers, e == NULL ? none : e->ref, call, cb, ctx);
}

void rp_registry_attributes_set(
    struct rp_registry *r, const char *id, const struct rp_attributes *a)
{
	struct rp_registry_entry *e = rp_registry_find(r, id);
	struct rp_strlist tags = {0};
	struct rp_strmap labels = {0};
	if (e == NULL || rp_strlist_copy(&tags, &a->tags) != 0 ||
	    rp_strmap_copy(&labels, &a->labels) != 0) {
		rp_strlist_fini(&tags);
		rp_strmap_fini(&labels);
		return;
	}
	rp_strlist_fini(&e->c.tags);
	rp_strmap_fini(&e->c.labels);
	e->c.tags = tags;
	e->c.labels = labels;
	rp_registry_regroup(r, e);
	(void)rp_registry_save(r, e, NULL, NULL);
	rp_events_client(r->opt.events, "updated", id);
}

int rp_registry_acl_set(struct rp_registry *r, const char *id, const struct rp_strlist *groups,
    rp_registry_done_cb done, void *ctx)
{
	struct rp_registry_entry *e = rp_registry_find(r, id);
	if (e == NULL) {
		return RP_ENOENT;
	}
	struct rp_strlist old = e->c.allowed_user_groups;
	e->c.allowed_user_groups = (struct rp_strlist){0};
	int err = rp_strlist_copy(&e->c.allowed_user_groups, groups);
	err = err != 0 ? err : rp_registry_save(r, e, done, ctx);
	if (err != 0) {
		rp_strlist_fini(&e->c.allowed_user_groups);
		e->c.allowed_user_groups = old;
		return err;
	}
	rp_strlist_fini(&old);
	rp_events_client(r->opt.events, "updated", id);
	rp_events_client(r->opt.events, "changed", NULL);
	return 0;
}
