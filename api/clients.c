/* SPDX-License-Identifier: MIT */
/*
 * Clients: list, one, delete (rport-api 3.7, 3.8). Answered from the registry's mirror, no
 * worker is asked.
 */
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "core/alloc.h"
#include "core/partsort.h"

#include "core/banned.h"

static const char *const filters[] = {"id", "name", "os", "os_arch", "os_family", "os_kernel",
    "os_full_name", "os_version", "os_virtualization_system", "os_virtualization_role",
    "cpu_family", "cpu_model", "cpu_model_name", "cpu_vendor", "num_cpus", "timezone", "hostname",
    "ipv4", "ipv6", "tags", "labels", "version", "address", "client_auth_id", "allowed_user_groups",
    "groups", "connection_state", NULL};
static const char *const sorts[] = {"id", "name", "os", "hostname", "version", NULL};
static const char *const fields[] = {"id", "name", "address", "hostname", "os", "os_full_name",
    "os_version", "os_arch", "os_family", "os_kernel", "os_virtualization_system",
    "os_virtualization_role", "num_cpus", "cpu_family", "cpu_model", "cpu_model_name", "cpu_vendor",
    "mem_total", "timezone", "client_auth_id", "version", "disconnected_at", "last_heartbeat_at",
    "connection_state", "ipv4", "ipv6", "tags", "allowed_user_groups", "tunnels", "updates_status",
    "ip_addresses", "client_configuration", "groups", "labels", NULL};
static const char *const list_defaults[] = {"id", "name", "hostname", NULL};

static const struct rp_listq_resource list_resources[] = {
    {"clients", fields, list_defaults},
    {NULL, NULL, NULL},
};
static const struct rp_listq_resource one_resources[] = {
    {"clients", fields, fields},
    {NULL, NULL, NULL},
};
static const struct rp_listq_spec list_spec = {
    .filters = filters,
    .sorts = sorts,
    .one_sort = true,
    .default_sort = "id",
    .resources = list_resources,
    .limit_default = 50,
    .limit_max = 500,
};
static const struct rp_listq_spec one_spec = {.resources = one_resources};

/* Asked for as ip_addresses, shown as ext_ip_addresses (2.6). */
static const char *asked_name(const char *key)
{
	return strcmp(key, "ext_ip_addresses") == 0 ? "ip_addresses" : key;
}

static void write_client(struct rp_jsonw *w, const struct rp_client *client,
    const struct rp_listq *q, const struct rp_listq_spec *spec)
{
	rp_jsonw_obj(w);
	for (size_t i = 0; i < rp_client_table.n; i++) {
		const struct rp_json_field *f = &rp_client_table.fields[i];
		if (rp_listq_wants(q, spec, "clients", asked_name(f->key))) {
			rp_jsonw_field(w, f, client);
		}
	}
	rp_jsonw_obj_end(w);
}

struct found {
	const struct rp_api_call *call;
	const struct rp_listq *q;
	const void **v; /* struct rp_client */
	size_t n;
	size_t cap;
	int err;
};

static bool collect(const struct rp_client *client, void *ctx)
{
	struct found *f = ctx;
	if (!rp_api_may_see(f->call, client) || !rp_listq_match(f->q, &rp_client_table, client)) {
		return true;
	}
	if (f->n == f->cap) {
		size_t cap = f->cap == 0 ? 64 : f->cap * 2;
		const void **v = rp_reallocarray(f->v, cap, sizeof(*v));
		if (v == NULL) {
			f->err = RP_ENOMEM;
			return false;
		}
		f->v = v;
		f->cap = cap;
	}
	f->v[f->n++] = client;
	return true;
}

static int by_query(const void *a, const void *b, void *q)
{
	return rp_listq_compare(q, &rp_client_table, a, b);
}

static void answer_list(struct rp_api_call *c, struct found *f, struct rp_listq *q)
{
	struct rp_reply r;
	size_t from = RP_MIN(f->n, (size_t)q->offset);
	const struct rp_partsort_range page = {
	    .from = from, .end = RP_MIN(f->n, from + (size_t)q->limit)};
	rp_partsort(f->v, f->n, &page, by_query, q);
	rp_reply_begin(&r);
	rp_jsonw_arr(&r.w);
	for (size_t i = page.from; i < page.end; i++) {
		write_client(&r.w, f->v[i], q, &list_spec);
	}
	rp_jsonw_arr_end(&r.w);
	rp_reply_end_count(&r, c, (int64_t)f->n);
}

void rp_api_clients(struct rp_api_call *c)
{
	struct rp_listq q;
	if (rp_api_list_query(c, &list_spec, &q) != 0) {
		return;
	}
	struct found f = {.call = c, .q = &q, .err = rp_listq_bind(&q, &rp_client_table)};
	if (f.err == 0) {
		rp_registry_each(c->api->parts.registry, collect, &f);
	}
	if (f.err != 0) {
		rp_reply_code(c, f.err, NULL);
	} else {
		answer_list(c, &f, &q);
	}
	rp_free(f.v);
	rp_listq_fini(&q);
}

void rp_api_client_get(struct rp_api_call *c)
{
	struct rp_listq q;
	struct rp_reply r;
	if (rp_api_list_query(c, &one_spec, &q) != 0) {
		return;
	}
	rp_reply_begin(&r);
	write_client(&r.w, rp_registry_get(c->api->parts.registry, c->params[0]), &q, &one_spec);
	rp_reply_end(&r, c);
	rp_listq_fini(&q);
}

void rp_api_client_delete(struct rp_api_call *c)
{
	int err = rp_registry_delete(c->api->parts.registry, c->params[0], rp_reply_done, c);
	if (err == RP_EBUSY) {
		rp_reply_fail(c, 400, "Client is active, should be disconnected");
	} else if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}
