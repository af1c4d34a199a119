/* SPDX-License-Identifier: MIT */
/*
 * The groups in memory, as an array in the order of their ids, and who belongs to them. The
 * database decides first: what it has not taken does not count here either.
 */
#include "server/cgroups.h"

#include <string.h>

#include "core/alloc.h"
#include "core/json.h"
#include "core/log.h"
#include "server/cgroups_store.h"
#include "server/registry.h"
#include "tunnel/hello.h"

#include "core/banned.h"

#define COMPONENT "client-groups"

struct rp_cgroups {
	struct rp_store *store;
	struct rp_cgroup **v;
	size_t n;
	size_t cap;
	size_t pending; /* writes under way that may add one */
	rp_cgroups_change_cb changed;
	void *ctx;
};

/* What is stored beside the id. */
#define F(key, kind)                                                            \
	{                                                                       \
#key, RP_FIELD_##kind, 0, offsetof(struct rp_cgroup, key), NULL \
	}
static const struct rp_json_field fields[] = {
    F(description, STR),
    F(params, RAW),
    F(allowed_user_groups, STRLIST_NULL),
};
static const struct rp_json_table table = RP_JSON_TABLE(fields, struct rp_cgroup);

static void group_free(struct rp_cgroup *g)
{
	if (g != NULL) {
		rp_cgroup_fini(g);
		rp_free(g);
	}
}

/* *at is also where the id would stand. */
bool rp_cgroups_index(const struct rp_cgroups *gs, const char *id, size_t *at)
{
	size_t low = 0;
	size_t high = gs->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int d = strcmp(gs->v[mid]->id, id);
		if (d == 0) {
			*at = mid;
			return true;
		}
		if (d < 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	*at = low;
	return false;
}

static int reserve(struct rp_cgroups *gs)
{
	if (gs->n < gs->cap) {
		return 0;
	}
	size_t cap = gs->cap == 0 ? 16 : gs->cap * 2;
	struct rp_cgroup **v = rp_reallocarray(gs->v, cap, sizeof(struct rp_cgroup *));
	if (v == NULL) {
		return RP_ENOMEM;
	}
	gs->v = v;
	gs->cap = cap;
	return 0;
}

/* Takes g; replaces the group of that id. */
static int insert(struct rp_cgroups *gs, struct rp_cgroup *g)
{
	size_t at;
	if (rp_cgroups_index(gs, g->id, &at)) {
		group_free(gs->v[at]);
		gs->v[at] = g;
		return 0;
	}
	if (reserve(gs) != 0) {
		group_free(g);
		return RP_ENOMEM;
	}
	memmove(gs->v + at + 1, gs->v + at, (gs->n - at) * sizeof(struct rp_cgroup *));
	gs->v[at] = g;
	gs->n++;
	return 0;
}

static void drop(struct rp_cgroups *gs, const char *id)
{
	size_t at;
	if (rp_cgroups_index(gs, id, &at)) {
		group_free(gs->v[at]);
		gs->n--;
		memmove(gs->v + at, gs->v + at + 1, (gs->n - at) * sizeof(struct rp_cgroup *));
	}
}

/* Life */

static int on_row(void *ctx, const char *id, const char *json)
{
	struct rp_err err = {0};
	struct rp_cgroup *g = rp_calloc(1, sizeof(*g));
	if (g == NULL) {
		return RP_ENOMEM;
	}
	int code = rp_json_decode_text(json, strlen(json), &table, false, g, &err);
	code = code != 0 ? code : rp_cgroup_compile(g, &err);
	g->id = rp_strdup(id);
	if (g->id == NULL) {
		code = RP_ENOMEM;
	}
	if (code == 0) {
		return insert(ctx, g);
	}
	group_free(g);
	rp_log_error(COMPONENT, "stored group %s is unreadable and left out: %s", id, err.msg);
	return code == RP_ENOMEM ? code : 0;
}

int rp_cgroups_new(struct rp_store *store, struct rp_cgroups **out, struct rp_err *err)
{
	struct rp_cgroups *gs = rp_calloc(1, sizeof(*gs));
	if (gs == NULL) {
		return rp_err_no_memory(err);
	}
	gs->store = store;
	int code = rp_cgroups_store_load(store, on_row, gs, err);
	if (code != 0) {
		rp_cgroups_free(gs);
		return code;
	}
	*out = gs;
	return 0;
}

void rp_cgroups_free(struct rp_cgroups *gs)
{
	if (gs == NULL) {
		return;
	}
	for (size_t i = 0; i < gs->n; i++) {
		group_free(gs->v[i]);
	}
	rp_free(gs->v);
	rp_free(gs);
}

void rp_cgroups_on_change(struct rp_cgroups *gs, rp_cgroups_change_cb cb, void *ctx)
{
	gs->changed = cb;
	gs->ctx = ctx;
}

/* Readers */

size_t rp_cgroups_count(const struct rp_cgroups *gs)
{
	return gs->n;
}

const struct rp_cgroup *rp_cgroups_find(const struct rp_cgroups *gs, const char *id)
{
	size_t at;
	return rp_cgroups_index(gs, id, &at) ? gs->v[at] : NULL;
}

const struct rp_cgroup *rp_cgroups_at(const struct rp_cgroups *gs, size_t n)
{
	return gs->v[n];
}

/* Membership */

/* The users' groups that may use c because of a group it is in. */
static int inherit(const struct rp_cgroups *gs, struct rp_client *c)
{
	rp_strlist_fini(&c->inherited_user_groups);
	for (size_t i = 0; i < c->groups.n; i++) {
		const struct rp_cgroup *g = rp_cgroups_find(gs, c->groups.v[i]);
		for (size_t k = 0; g != NULL && k < g->allowed_user_groups.n; k++) {
			const char *name = g->allowed_user_groups.v[k];
			if (!rp_strlist_has(&c->inherited_user_groups, name) &&
			    rp_strlist_add(&c->inherited_user_groups, rp_str_c(name)) != 0) {
				return RP_ENOMEM;
			}
		}
	}
	return 0;
}

int rp_cgroups_join(const struct rp_cgroups *gs, struct rp_client *c)
{
	int code = 0;
	rp_strlist_fini(&c->groups);
	for (size_t i = 0; code == 0 && i < gs->n; i++) {
		if (rp_cgroup_matches(gs->v[i], c)) {
			code = rp_strlist_add(&c->groups, rp_str_c(gs->v[i]->id));
		}
	}
	int inherited = inherit(gs, c);
	return code != 0 ? code : inherited;
}

/* The list without id, or with it at its place in the order. */
static int set_member(struct rp_strlist *groups, const char *id, bool in)
{
	struct rp_strlist now = {0};
	int code = 0;
	for (size_t i = 0; code == 0 && i < groups->n; i++) {
		int d = strcmp(groups->v[i], id);
		if (in && d > 0) {
			code = rp_strlist_add(&now, rp_str_c(id));
			in = false;
		}
		if (code == 0 && d != 0) {
			code = rp_strlist_add(&now, rp_str_c(groups->v[i]));
		}
	}
	if (code == 0 && in) {
		code = rp_strlist_add(&now, rp_str_c(id));
	}
	rp_strlist_fini(groups);
	*groups = now;
	return code;
}

int rp_cgroups_rejoin(const struct rp_cgroups *gs, struct rp_client *c, const char *id)
{
	const struct rp_cgroup *g = rp_cgroups_find(gs, id);
	bool was = rp_strlist_has(&c->groups, id);
	bool is = g != NULL && rp_cgroup_matches(g, c);
	if (!was && !is) {
		return 0;
	}
	int code = was == is ? 0 : set_member(&c->groups, id, is);
	int inherited = inherit(gs, c);
	return code != 0 ? code : inherited;
}

/* Writes */

struct op {
	struct rp_cgroups *groups;
	struct rp_cgroup *group; /* the new state, owned; NULL: to delete */
	char *id;
	rp_store_done_cb done;
	void *ctx;
};

static void op_free(struct op *op)
{
	group_free(op->group);
	rp_free(op->id);
	rp_free(op);
}

static void on_stored(void *ctx, int code, const struct rp_err *err)
{
	struct op *op = ctx;
	struct rp_cgroups *gs = op->groups;
	if (op->group != NULL) {
		gs->pending--;
	}
	if (code == 0 && op->group == NULL) {
		drop(gs, op->id);
	} else if (code == 0) {
		code = insert(gs, op->group);
		op->group = NULL;
	}
	if (code == 0 && gs->changed != NULL) {
		gs->changed(gs->ctx, op->id);
	}
	if (op->done != NULL) {
		op->done(op->ctx, code, err);
	}
	op_free(op);
}

/* Takes g. NULL: no memory, and g is freed. */
static struct op *op_new(struct rp_cgroups *gs, struct rp_cgroup *g, const char *id)
{
	struct op *op = rp_calloc(1, sizeof(*op));
	if (op == NULL) {
		group_free(g);
		return NULL;
	}
	op->groups = gs;
	op->group = g;
	op->id = rp_strdup(id);
	if (op->id == NULL) {
		op_free(op);
		return NULL;
	}
	return op;
}

static int save(struct rp_cgroups *gs, struct op *op, bool create)
{
	char *json = rp_json_text(&table, op->group);
	const struct rp_details_row row = {.id = op->id, .details = json, .create = create};
	int code = json == NULL ? RP_ENOMEM : rp_cgroups_store_save(gs->store, &row, on_stored, op);
	rp_free(json);
	return code;
}

int rp_cgroups_put(
    struct rp_cgroups *gs, struct rp_cgroup *g, bool create, rp_store_done_cb done, void *ctx)
{
	struct rp_cgroup *own = rp_memdup(g, sizeof(*g));
	if (own == NULL) {
		rp_cgroup_fini(g);
		return RP_ENOMEM;
	}
	memset(g, 0, sizeof(*g));
	if (gs->n + gs->pending >= RP_CGROUPS_MAX && rp_cgroups_find(gs, own->id) == NULL) {
		group_free(own);
		return RP_ELIMIT;
	}
	struct op *op = op_new(gs, own, own->id);
	if (op == NULL) {
		return RP_ENOMEM;
	}
	op->done = done;
	op->ctx = ctx;
	gs->pending++;
	int code = save(gs, op, create);
	if (code != 0) {
		gs->pending--;
		op_free(op);
	}
	return code;
}

int rp_cgroups_delete(struct rp_cgroups *gs, const char *id, rp_store_done_cb done, void *ctx)
{
	struct op *op = op_new(gs, NULL, id);
	if (op == NULL) {
		return RP_ENOMEM;
	}
	op->done = done;
	op->ctx = ctx;
	int code = rp_cgroups_store_delete(gs->store, id, on_stored, op);
	if (code != 0) {
		op_free(op);
	}
	return code;
}
