/* SPDX-License-Identifier: MIT */
/*
 * Stored tunnels of all clients that the user may use: an addition of ours. Whose they are is in the
 * database; who may use a client, its name and whether it is connected only the registry knows. A
 * copy of that goes along to the thread that reads.
 */
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "api/stored_tunnels_store.h"
#include "core/alloc.h"

#include "core/banned.h"

#define RESOURCE    "stored_tunnels"
#define CLIENT_NAME "client_name"

static const char *const filters[] = {"id", "client_id", CLIENT_NAME, "connection_state", "name",
    "scheme", "remote_ip", "remote_port", NULL};
static const char *const sorts[] = {
    CLIENT_NAME, "created_at", "name", "scheme", "remote_ip", "remote_port", NULL};
static const char *const fields[] = {"id", "client_id", CLIENT_NAME, "connection_state",
    "created_at", "name", "scheme", "remote_ip", "remote_port", "public_port", "acl",
    "further_options", NULL};
static const struct rp_listq_resource resources[] = {
    {RESOURCE, fields, fields},
    {NULL, NULL, NULL},
};
static const struct rp_listq_spec spec = {
    .filters = filters,
    .sorts = sorts,
    .default_sort = CLIENT_NAME ",name",
    .resources = resources,
    .limit_default = 50,
    .limit_max = 500,
};

/* Clients that the user may use */

struct seen {
	char *id;
	char *name;
	bool connected;
};

struct clients {
	struct seen *v;
	size_t n;
	size_t cap;
	bool by_name; /* the list goes from client to client in the order of their names, */
	bool desc;    /* or the other way round */
	bool sorted;
	size_t given;           /* clients that next_key has named */
	const struct seen *row; /* whose the row is that is read */
};

static void clients_free(void *ctx)
{
	struct clients *all = ctx;
	for (size_t i = 0; i < all->n; i++) {
		rp_free(all->v[i].id);
		rp_free(all->v[i].name);
	}
	rp_free(all->v);
	rp_free(all);
}

static int clients_add(struct clients *all, const struct rp_client *client)
{
	if (all->n == all->cap) {
		size_t cap = all->cap == 0 ? 64 : all->cap * 2;
		struct seen *v = rp_reallocarray(all->v, cap, sizeof(*v));
		if (v == NULL) {
			return RP_ENOMEM;
		}
		all->v = v;
		all->cap = cap;
	}
	struct seen *to = &all->v[all->n++];
	*to = (struct seen){
	    .id = rp_strdup(client->id),
	    .name = rp_strdup(client->name != NULL ? client->name : ""),
	    .connected = rp_client_connected(client),
	};
	return to->id != NULL && to->name != NULL ? 0 : RP_ENOMEM;
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct seen *)a)->id, ((const struct seen *)b)->id);
}

static int by_name(const void *a, const void *b)
{
	int d = rp_listq_compare_text(
	    ((const struct seen *)a)->name, ((const struct seen *)b)->name);
	return d != 0 ? d : by_id(a, b);
}

/* On the thread that reads: the control loop has better things to do. */
static void sort(struct clients *all)
{
	if (!all->sorted && all->n > 0) {
		qsort(all->v, all->n, sizeof(*all->v), all->by_name ? by_name : by_id);
	}
	all->sorted = true;
}

/* The rows of one client after the other. */
static const char *next_key(void *ctx)
{
	struct clients *all = ctx;
	sort(all);
	if (all->given == all->n) {
		return NULL;
	}
	size_t i = all->given++;
	all->row = &all->v[all->desc ? all->n - 1 - i : i];
	return all->row->id;
}

static int id_of(const void *id, const void *seen)
{
	return strcmp(id, ((const struct seen *)seen)->id);
}

/* The rows of all clients: those of others are among them. */
static bool wants(void *ctx, struct rp_stmt *stmt)
{
	struct clients *all = ctx;
	const char *id = rp_stored_tunnel_client_of(stmt);
	sort(all);
	all->row = all->n == 0 || id == NULL ? NULL
	                                     : bsearch(id, all->v, all->n, sizeof(*all->v), id_of);
	return all->row != NULL;
}

static int fill(void *ctx, void *obj)
{
	const struct clients *all = ctx;
	struct rp_stored_tunnel *t = obj;
	t->client_name = rp_strdup(all->row->name);
	t->connection_state = rp_strdup(all->row->connected ? "connected" : "disconnected");
	return t->client_name != NULL && t->connection_state != NULL ? 0 : RP_ENOMEM;
}

/* The call */

struct collect {
	const struct rp_api_call *call;
	struct clients *to;
	int err;
};

static bool collect_one(const struct rp_client *client, void *ctx)
{
	struct collect *c = ctx;
	if (rp_api_may_see(c->call, client)) {
		c->err = clients_add(c->to, client);
	}
	return c->err == 0;
}

/* NULL: no memory. */
static struct clients *clients_of(const struct rp_api_call *c, const struct rp_listq *q)
{
	struct clients *all = rp_calloc(1, sizeof(*all));
	if (all == NULL) {
		return NULL;
	}
	struct collect collect = {.call = c, .to = all};
	all->by_name = strcmp(q->sorts[0].field, CLIENT_NAME) == 0;
	all->desc = all->by_name && q->sorts[0].desc;
	rp_registry_each(c->api->parts.registry, collect_one, &collect);
	if (collect.err != 0) {
		clients_free(all);
		return NULL;
	}
	return all;
}

static void write_tunnel(
    struct rp_jsonw *w, const struct rp_listq *q, const struct rp_stored_tunnel *t)
{
	const struct rp_json_table *table = &rp_stored_tunnel_client_table;
	rp_jsonw_obj(w);
	for (size_t i = 0; i < table->n; i++) {
		if (rp_listq_wants(q, &spec, RESOURCE, table->fields[i].key)) {
			rp_jsonw_field(w, &table->fields[i], t);
		}
	}
	rp_jsonw_obj_end(w);
}

static void on_list(void *ctx, int code, const struct rp_listread *r, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	struct rp_reply reply;
	if (code != 0) {
		rp_reply_code(c, code, err);
		return;
	}
	const struct rp_stored_tunnel *t = r->page.v;
	rp_reply_begin(&reply);
	rp_jsonw_arr(&reply.w);
	for (size_t i = 0; i < r->page.n; i++) {
		write_tunnel(&reply.w, r->q, &t[i]);
	}
	rp_jsonw_arr_end(&reply.w);
	rp_reply_end_count(&reply, c, r->total);
}

/* SQL does not know the names of clients: they order the list before it does, or not at all. */
static bool check_sorts(struct rp_api_call *c, const struct rp_listq *q)
{
	for (size_t i = 1; i < q->n_sorts; i++) {
		if (strcmp(q->sorts[i].field, CLIENT_NAME) == 0) {
			rp_reply_fail(c, 400, CLIENT_NAME " has to be the first sort field");
			return false;
		}
	}
	return true;
}

void rp_api_stored_tunnels_all(struct rp_api_call *c)
{
	struct rp_listq q;
	if (rp_api_list_query(c, &spec, &q) != 0) {
		return;
	}
	if (!check_sorts(c, &q)) {
		rp_listq_fini(&q);
		return;
	}
	struct clients *all = clients_of(c, &q);
	if (all == NULL) {
		rp_listq_fini(&q);
		rp_reply_code(c, RP_ENOMEM, NULL);
		return;
	}
	const struct rp_listread_ask ask = {
	    .spec = &rp_stored_tunnel_client_list,
	    .where = all->by_name ? "client_id = ?" : NULL,
	    .join =
	        {
	            .ctx = all,
	            .free_ctx = clients_free,
	            .wants = all->by_name ? NULL : wants,
	            .fill = fill,
	            .next_key = all->by_name ? next_key : NULL,
	        },
	};
	int err = rp_listread(c->api->parts.store, &ask, &q, on_list, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}
