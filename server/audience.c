/* SPDX-License-Identifier: MIT */
/*
 * From ids, groups and tags to clients.
 */
#include "server/audience.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/hash.h"
#include "core/json.h"
#include "server/cgroups.h"

#include "core/banned.h"

void rp_audience_fini(struct rp_audience *a)
{
	rp_strlist_fini(&a->client_ids);
	rp_strlist_fini(&a->group_ids);
	rp_strlist_fini(&a->tags);
	*a = (struct rp_audience){0};
}

struct tags {
	struct rp_strlist tags;
	char *operator;
};
static const struct rp_json_field tags_fields[] = {
    {"tags", RP_FIELD_STRLIST, 0, offsetof(struct tags, tags), NULL},
    {"operator", RP_FIELD_STR, 0, offsetof(struct tags, operator), NULL},
};
static const struct rp_json_table tags_table = RP_JSON_TABLE(tags_fields, struct tags);

int rp_audience_read_tags(
    struct rp_audience *a, const char *json, bool strict, char **text, struct rp_err *err)
{
	struct tags t = {0};
	int code = rp_json_decode_text(json, strlen(json), &tags_table, strict, &t, err);
	if (code != 0) {
		return code;
	}
	if (text != NULL) {
		*text = rp_json_text(&tags_table, &t);
		code = *text == NULL ? RP_ENOMEM : 0;
	}
	a->has_tags = true;
	a->all_tags = t.operator!= NULL && rp_ascii_ieq(t.operator, "AND");
	a->tags = t.tags;
	rp_free(t.operator);
	return code;
}

void rp_problem_set(struct rp_problem *p, unsigned status, const char *title, const char *detail)
{
	p->status = status;
	(void)snprintf(p->title, sizeof(p->title), "%s", title);
	(void)snprintf(p->detail, sizeof(p->detail), "%s", detail);
}

int rp_problem_bad(struct rp_problem *p, const char *title, const char *detail)
{
	rp_problem_set(p, 400, title, detail);
	return RP_EINVAL;
}

/* The ids so far: in order, and by name. */
struct found {
	struct rp_registry *registry;
	const struct rp_audience *audience;
	struct rp_strlist *ids;
	struct rp_hash seen;
	struct rp_hash_node *nodes;
	int err;
};

static int add(struct found *f, const char *id)
{
	if (rp_hash_get(&f->seen, id) != NULL) {
		return 0;
	}
	if (f->ids->n >= RP_AUDIENCE_MAX) {
		return RP_ELIMIT;
	}
	int err = rp_strlist_add(f->ids, rp_str_c(id));
	if (err == 0) {
		size_t i = f->ids->n - 1;
		err = rp_hash_put(&f->seen, &f->nodes[i], f->ids->v[i]);
	}
	return err;
}

static int add_named(struct found *f, struct rp_problem *p)
{
	const struct rp_strlist *names = &f->audience->client_ids;
	int err = 0;
	for (size_t i = 0; i < names->n && err == 0; i++) {
		if (rp_registry_get(f->registry, names->v[i]) == NULL) {
			rp_problem_set(p, 404, "", "");
			(void)snprintf(p->title, sizeof(p->title),
			    "Client with id=\"%.128s\" not found.", names->v[i]);
			return RP_ENOENT;
		}
		err = add(f, names->v[i]);
	}
	return err;
}

static bool has_tags(const struct rp_client *c, const struct rp_audience *a)
{
	for (size_t i = 0; i < a->tags.n; i++) {
		if (rp_strlist_has(&c->tags, a->tags.v[i]) != a->all_tags) {
			return !a->all_tags;
		}
	}
	return a->all_tags;
}

static bool on_tagged(const struct rp_client *c, void *ctx)
{
	struct found *f = ctx;
	if (has_tags(c, f->audience)) {
		f->err = add(f, c->id);
	}
	return f->err == 0;
}

static bool on_member(const struct rp_client *c, void *ctx)
{
	struct found *f = ctx;
	for (size_t i = 0; i < f->audience->group_ids.n && f->err == 0; i++) {
		if (rp_strlist_has(&c->groups, f->audience->group_ids.v[i])) {
			f->err = add(f, c->id);
		}
	}
	return f->err == 0;
}

static int check_groups(struct found *f, struct rp_problem *p)
{
	const struct rp_strlist *groups = &f->audience->group_ids;
	const struct rp_cgroups *known = rp_registry_cgroups(f->registry);
	for (size_t i = 0; i < groups->n; i++) {
		if (known == NULL || rp_cgroups_find(known, groups->v[i]) == NULL) {
			rp_problem_set(p, 400, "", "");
			(void)snprintf(p->title, sizeof(p->title),
			    "Unknown group with id=\"%.128s\".", groups->v[i]);
			return RP_EINVAL;
		}
	}
	return 0;
}

static int check(const struct rp_audience *a, struct rp_problem *p)
{
	if (!a->has_clients && !a->has_groups && !a->has_tags) {
		rp_problem_set(
		    p, 400, "Missing targeting parameters.", "name client_ids, group_ids or tags");
	} else if (a->has_tags && (a->has_clients || a->has_groups)) {
		rp_problem_set(p, 400, "Multiple targeting parameters.",
		    "tags cannot be used together with client_ids or group_ids");
	} else if (a->has_tags && a->tags.n == 0) {
		rp_problem_set(p, 400, "No tags specified.", "");
	} else {
		return 0;
	}
	return RP_EINVAL;
}

static int resolve(struct found *f, struct rp_problem *p)
{
	const struct rp_audience *a = f->audience;
	int err;
	if (a->has_tags) {
		rp_registry_each(f->registry, on_tagged, f);
		err = f->err;
	} else {
		err = check_groups(f, p);
		err = err != 0 ? err : add_named(f, p);
		if (err == 0) {
			rp_registry_each(f->registry, on_member, f);
			err = f->err;
		}
	}
	if (err != 0 || f->ids->n > 0) {
		return err;
	}
	rp_problem_set(p, 400, "",
	    a->group_ids.n > 0 && a->client_ids.n == 0
	        ? "no active clients belong to the selected group(s)"
	        : "at least 1 client should be specified");
	return RP_EINVAL;
}

int rp_audience_resolve(struct rp_registry *r, const struct rp_audience *a, struct rp_strlist *ids,
    struct rp_problem *p)
{
	*ids = (struct rp_strlist){0};
	int err = check(a, p);
	if (err != 0) {
		return err;
	}
	struct found f = {.registry = r, .audience = a, .ids = ids};
	rp_hash_init(&f.seen);
	f.nodes = rp_calloc(RP_AUDIENCE_MAX, sizeof(*f.nodes));
	err = f.nodes == NULL ? RP_ENOMEM : resolve(&f, p);
	rp_hash_fini(&f.seen);
	rp_free(f.nodes);
	if (err == RP_ENOMEM) {
		rp_problem_set(p, 500, "out of memory", "");
	} else if (err == RP_ELIMIT) {
		rp_problem_set(p, 400, "Too many clients.", "at most 10000 clients at once");
	}
	if (err != 0) {
		rp_strlist_fini(ids);
	}
	return err;
}
