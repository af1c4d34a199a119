/* SPDX-License-Identifier: MIT */
/*
 * Client groups (rport-api 4.4). Everybody may look, but of the clients in a group only those
 * count that the user may see, and whoever is no administrator sees no empty groups in the list.
 */
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "core/alloc.h"
#include "server/cgroups.h"

#include "core/banned.h"

#define RESOURCE "client_groups"

static const char *const filters[] = {"id", "description", NULL};
static const char *const fields[] = {"id", "description", "params", "allowed_user_groups",
    "client_ids", "num_clients", "num_clients_connected", NULL};
static const char *const list_defaults[] = {"id", "description", NULL};
static const struct rp_listq_resource list_resources[] = {
    {RESOURCE, fields, list_defaults},
    {NULL, NULL, NULL},
};
static const struct rp_listq_resource one_resources[] = {
    {RESOURCE, fields, fields},
    {NULL, NULL, NULL},
};
static const struct rp_listq_spec list_spec = {
    .filters = filters,
    .sorts = filters,
    .default_sort = "id",
    .resources = list_resources,
    .limit_default = 50,
    .limit_max = 500,
};
static const struct rp_listq_spec one_spec = {.resources = one_resources};

#define F(type, key, kind)                                          \
	{                                                           \
#key, RP_FIELD_##kind, 0, offsetof(type, key), NULL \
	}
static const struct rp_json_field group_fields[] = {
    F(struct rp_cgroup, id, STR), F(struct rp_cgroup, description, STR)};
static const struct rp_json_table group_table = RP_JSON_TABLE(group_fields, struct rp_cgroup);

/* A group as this user sees it. */
struct view {
	const struct rp_cgroup *group;
	const char **ids; /* of clients; for those that are shown, when asked for */
	size_t n_ids;
	size_t n;
	size_t n_connected;
	bool shown;
};

struct views {
	struct rp_api_call *call;
	const struct rp_listq *q;
	const struct rp_listq_spec *spec;
	struct view *v; /* all groups, in their order */
	size_t n;
	const struct view **found; /* those of the answer */
	size_t n_found;
};

static bool wants(const struct views *vs, const char *field)
{
	return rp_listq_wants(vs->q, vs->spec, RESOURCE, field);
}

/* Counting the clients */

/* How many groups of the client count for who asks. */
static size_t groups_of(const struct views *vs, const struct rp_client *client)
{
	size_t n = client->groups.n;
	return n == 0 || !rp_api_may_see(vs->call, client) ? 0 : n;
}

/* NULL: there is no such group. */
static struct view *view_of(struct views *vs, const char *group)
{
	size_t at;
	struct rp_cgroups *groups = rp_registry_cgroups(vs->call->api->parts.registry);
	return rp_cgroups_index(groups, group, &at) ? &vs->v[at] : NULL;
}

static bool count_client(const struct rp_client *client, void *ctx)
{
	struct views *vs = ctx;
	size_t n = groups_of(vs, client);
	for (size_t i = 0; i < n; i++) {
		struct view *v = view_of(vs, client->groups.v[i]);
		if (v != NULL) {
			v->n++;
			v->n_connected += rp_client_connected(client);
		}
	}
	return true;
}

static bool note_client(const struct rp_client *client, void *ctx)
{
	struct views *vs = ctx;
	size_t n = groups_of(vs, client);
	for (size_t i = 0; i < n; i++) {
		struct view *v = view_of(vs, client->groups.v[i]);
		if (v != NULL && v->ids != NULL && v->n_ids < v->n) {
			v->ids[v->n_ids++] = client->id;
		}
	}
	return true;
}

static int views_open(struct views *vs, struct rp_api_call *c, const struct rp_listq *q,
    const struct rp_listq_spec *spec)
{
	struct rp_cgroups *groups = rp_registry_cgroups(c->api->parts.registry);
	*vs = (struct views){.call = c, .q = q, .spec = spec, .n = rp_cgroups_count(groups)};
	vs->v = rp_calloc(vs->n + 1, sizeof(*vs->v));
	vs->found = rp_calloc(vs->n + 1, sizeof(*vs->found));
	if (vs->v == NULL || vs->found == NULL) {
		return RP_ENOMEM;
	}
	for (size_t i = 0; i < vs->n; i++) {
		vs->v[i].group = rp_cgroups_at(groups, i);
	}
	if (!c->user.admin || wants(vs, "client_ids") || wants(vs, "num_clients") ||
	    wants(vs, "num_clients_connected")) {
		rp_registry_each(c->api->parts.registry, count_client, vs);
	}
	return 0;
}

/* The ids of the clients in what is shown, if they are asked for. */
static int note_ids(struct views *vs)
{
	bool any = false;
	if (!wants(vs, "client_ids")) {
		return 0;
	}
	for (size_t i = 0; i < vs->n; i++) {
		struct view *v = &vs->v[i];
		if (!v->shown || v->n == 0) {
			continue;
		}
		v->ids = rp_calloc(v->n, sizeof(*v->ids));
		if (v->ids == NULL) {
			return RP_ENOMEM;
		}
		any = true;
	}
	if (any) {
		rp_registry_each(vs->call->api->parts.registry, note_client, vs);
	}
	return 0;
}

static void views_close(struct views *vs)
{
	for (size_t i = 0; vs->v != NULL && i < vs->n; i++) {
		rp_free(vs->v[i].ids);
	}
	rp_free(vs->v);
	rp_free(vs->found);
}

static void write_ids(struct rp_jsonw *w, const struct view *v)
{
	rp_jsonw_key(w, "client_ids");
	rp_jsonw_arr(w);
	for (size_t i = 0; i < v->n_ids; i++) {
		rp_jsonw_str(w, v->ids[i]);
	}
	rp_jsonw_arr_end(w);
}

static void write_users(struct rp_jsonw *w, const struct rp_cgroup *g)
{
	rp_jsonw_key(w, "allowed_user_groups");
	if (g->allowed_user_groups.n == 0) {
		rp_jsonw_null(w);
	} else {
		rp_jsonw_strlist(w, &g->allowed_user_groups);
	}
}

static void write_view(struct rp_jsonw *w, const struct views *vs, const struct view *v)
{
	rp_jsonw_obj(w);
	if (wants(vs, "id")) {
		rp_jsonw_put_str(w, "id", v->group->id);
	}
	if (wants(vs, "description")) {
		rp_jsonw_put_str(w, "description", v->group->description);
	}
	if (wants(vs, "params")) {
		rp_jsonw_key(w, "params");
		rp_jsonw_raw(w, v->group->params);
	}
	if (wants(vs, "allowed_user_groups")) {
		write_users(w, v->group);
	}
	if (wants(vs, "client_ids")) {
		write_ids(w, v);
	}
	if (wants(vs, "num_clients")) {
		rp_jsonw_put_uint(w, "num_clients", v->n);
	}
	if (wants(vs, "num_clients_connected")) {
		rp_jsonw_put_uint(w, "num_clients_connected", v->n_connected);
	}
	rp_jsonw_obj_end(w);
}

/* List */

static int by_query(const void *a, const void *b, void *q)
{
	const struct view *const *x = a;
	const struct view *const *y = b;
	return rp_listq_compare(q, &group_table, (*x)->group, (*y)->group);
}

static void find(struct views *vs, struct rp_listq *q)
{
	for (size_t i = 0; i < vs->n; i++) {
		const struct view *v = &vs->v[i];
		if ((vs->call->user.admin || v->n > 0) &&
		    rp_listq_match(q, &group_table, v->group)) {
			vs->found[vs->n_found++] = v;
		}
	}
	if (vs->n_found > 1) {
		qsort_r(vs->found, vs->n_found, sizeof(*vs->found), by_query, q);
	}
}

static void answer_list(struct views *vs)
{
	struct rp_reply r;
	size_t from = RP_MIN(vs->n_found, (size_t)vs->q->offset);
	size_t end = RP_MIN(vs->n_found, from + (size_t)vs->q->limit);
	for (size_t i = from; i < end; i++) {
		vs->v[vs->found[i] - vs->v].shown = true;
	}
	int err = note_ids(vs);
	if (err != 0) {
		rp_reply_code(vs->call, err, NULL);
		return;
	}
	rp_reply_begin(&r);
	rp_jsonw_arr(&r.w);
	for (size_t i = from; i < end; i++) {
		write_view(&r.w, vs, vs->found[i]);
	}
	rp_jsonw_arr_end(&r.w);
	rp_reply_end_count(&r, vs->call, (int64_t)vs->n_found);
}

void rp_api_client_groups(struct rp_api_call *c)
{
	struct rp_listq q;
	struct views vs;
	if (rp_api_list_query(c, &list_spec, &q) != 0) {
		return;
	}
	int err = views_open(&vs, c, &q, &list_spec);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	} else {
		find(&vs, &q);
		answer_list(&vs);
	}
	views_close(&vs);
	rp_listq_fini(&q);
}

/* One */

static void answer_one(struct views *vs, size_t at)
{
	struct rp_reply r;
	vs->v[at].shown = true;
	int err = note_ids(vs);
	if (err != 0) {
		rp_reply_code(vs->call, err, NULL);
		return;
	}
	rp_reply_begin(&r);
	write_view(&r.w, vs, &vs->v[at]);
	rp_reply_end(&r, vs->call);
}

void rp_api_client_group_get(struct rp_api_call *c)
{
	struct rp_listq q;
	struct views vs;
	size_t at;
	if (rp_api_list_query(c, &one_spec, &q) != 0) {
		return;
	}
	int err = views_open(&vs, c, &q, &one_spec);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	} else if (!rp_cgroups_index(
	               rp_registry_cgroups(c->api->parts.registry), c->params[0], &at)) {
		rp_reply_fail(c, 404, "Client Group[id=\"%s\"] not found.", c->params[0]);
	} else {
		answer_one(&vs, at);
	}
	views_close(&vs);
	rp_listq_fini(&q);
}

/* Writing */

/* What a reader gets may be sent back: what is worked out here is ignored. */
struct body {
	char *id;
	char *description;
	char *params;
	struct rp_strlist allowed_user_groups;
	struct rp_strlist client_ids;
	int64_t num_clients;
	int64_t num_clients_connected;
};
static const struct rp_json_field body_fields[] = {
    F(struct body, id, STR),
    F(struct body, description, STR),
    F(struct body, params, RAW),
    F(struct body, allowed_user_groups, STRLIST),
    F(struct body, client_ids, STRLIST),
    F(struct body, num_clients, INT),
    F(struct body, num_clients_connected, INT),
};
static const struct rp_json_table body_table = RP_JSON_TABLE(body_fields, struct body);

static void refuse(struct rp_api_call *c, const char *detail)
{
	const struct rp_api_error e = {
	    .status = 400, .code = "", .title = "Invalid client group.", .detail = detail};
	rp_reply_error(c, &e);
}

static bool id_valid(const char *id)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	                              "0123456789_-*";
	size_t n = id == NULL ? 0 : strlen(id);
	return n > 0 && n <= RP_CGROUP_ID_MAX && strspn(id, letters) == n;
}

/* The checked group of the body; otherwise the call was answered. */
static int read_group(struct rp_api_call *c, struct rp_cgroup *g)
{
	struct body b = {0};
	struct rp_err err = {0};
	memset(g, 0, sizeof(*g));
	int code = rp_api_body(c, &body_table, true, &b);
	if (code != 0) {
		return code;
	}
	g->id = b.id;
	g->description = b.description;
	g->params = b.params;
	g->allowed_user_groups = b.allowed_user_groups;
	rp_strlist_fini(&b.client_ids);
	if (!id_valid(g->id)) {
		code = rp_err_set(&err, RP_EINVAL,
		    "id: expected 1 to %d characters of A-Za-z0-9_-*", RP_CGROUP_ID_MAX);
	} else {
		code = rp_cgroup_compile(g, &err);
	}
	if (code == RP_ENOMEM) {
		rp_reply_code(c, code, NULL);
	} else if (code != 0) {
		refuse(c, err.msg);
	}
	if (code != 0) {
		rp_cgroup_fini(g);
	}
	return code;
}

static void fail(struct rp_api_call *c, int code, const struct rp_err *err)
{
	if (code == RP_EEXIST) {
		rp_reply_fail(c, 409, "a client group with this id exists already");
	} else if (code == RP_ELIMIT) {
		rp_reply_fail(c, 400, "there are at most %d client groups", RP_CGROUPS_MAX);
	} else {
		rp_reply_code(c, code, err);
	}
}

static void on_created(void *ctx, int code, const struct rp_err *err)
{
	if (code != 0) {
		fail(ctx, code, err);
	} else {
		rp_reply_empty(ctx, 201);
	}
}

static void on_changed(void *ctx, int code, const struct rp_err *err)
{
	if (code != 0) {
		fail(ctx, code, err);
	} else {
		rp_reply_empty(ctx, 204);
	}
}

static void put(struct rp_api_call *c, struct rp_cgroup *g, bool create)
{
	int err = rp_cgroups_put(rp_registry_cgroups(c->api->parts.registry), g, create,
	    create ? on_created : on_changed, c);
	if (err != 0) {
		fail(c, err, NULL);
	}
}

void rp_api_client_group_post(struct rp_api_call *c)
{
	struct rp_cgroup g;
	if (read_group(c, &g) == 0) {
		put(c, &g, true);
	}
}

void rp_api_client_group_put(struct rp_api_call *c)
{
	struct rp_cgroup g;
	if (read_group(c, &g) != 0) {
		return;
	}
	if (strcmp(g.id, c->params[0]) != 0) {
		rp_cgroup_fini(&g);
		refuse(c, "id: has to be that of the path");
		return;
	}
	put(c, &g, false);
}

void rp_api_client_group_delete(struct rp_api_call *c)
{
	int err = rp_cgroups_delete(
	    rp_registry_cgroups(c->api->parts.registry), c->params[0], on_changed, c);
	if (err != 0) {
		fail(c, err, NULL);
	}
}
