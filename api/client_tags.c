/* SPDX-License-Identifier: MIT */
/*
 * The tags in use and the clients that have them (rport-api 4.4).
 */
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "core/alloc.h"

#include "core/banned.h"

#define RESOURCE "client_tags"

static const char *const fields[] = {"tag", "client_ids", NULL};
static const struct rp_listq_resource resources[] = {
    {RESOURCE, fields, fields},
    {NULL, NULL, NULL},
};
static const struct rp_listq_spec spec = {
    .resources = resources,
    .limit_default = 50,
    .limit_max = 500,
};

struct tag {
	struct rp_hash_node node; /* key: the tag */
	const char **ids;
	size_t n;
	size_t cap;
};

struct tags {
	const struct rp_api_call *call;
	struct rp_hash by_name;
	struct tag **sorted;
	size_t n;
	int err;
};

static struct tag *tag_of(struct tags *ts, const char *name)
{
	struct rp_hash_node *node = rp_hash_get(&ts->by_name, name);
	if (node != NULL) {
		return RP_CONTAINER_OF(node, struct tag, node);
	}
	struct tag *t = rp_calloc(1, sizeof(*t));
	if (t == NULL || rp_hash_put(&ts->by_name, &t->node, name) != 0) {
		rp_free(t);
		return NULL;
	}
	return t;
}

static int add_client(struct tag *t, const char *id)
{
	if (t->n > 0 && t->ids[t->n - 1] == id) {
		return 0; /* it has the tag twice */
	}
	if (t->n == t->cap) {
		size_t cap = t->cap == 0 ? 4 : t->cap * 2;
		const char **v = rp_reallocarray(t->ids, cap, sizeof(*v));
		if (v == NULL) {
			return RP_ENOMEM;
		}
		t->ids = v;
		t->cap = cap;
	}
	t->ids[t->n++] = id;
	return 0;
}

static bool take_client(const struct rp_client *client, void *ctx)
{
	struct tags *ts = ctx;
	if (!rp_api_may_see(ts->call, client)) {
		return true;
	}
	for (size_t i = 0; ts->err == 0 && i < client->tags.n; i++) {
		struct tag *t = tag_of(ts, client->tags.v[i]);
		ts->err = t == NULL ? RP_ENOMEM : add_client(t, client->id);
	}
	return ts->err == 0;
}

static void take_tag(struct rp_hash_node *node, void *ctx)
{
	struct tags *ts = ctx;
	ts->sorted[ts->n++] = RP_CONTAINER_OF(node, struct tag, node);
}

static int by_name(const void *a, const void *b)
{
	const struct tag *const *x = a;
	const struct tag *const *y = b;
	return strcmp((*x)->node.key, (*y)->node.key);
}

static int collect(struct tags *ts)
{
	rp_registry_each(ts->call->api->parts.registry, take_client, ts);
	if (ts->err != 0) {
		return ts->err;
	}
	ts->sorted = rp_calloc(ts->by_name.count + 1, sizeof(*ts->sorted));
	if (ts->sorted == NULL) {
		return RP_ENOMEM;
	}
	rp_hash_each(&ts->by_name, take_tag, ts);
	if (ts->n > 1) {
		qsort(ts->sorted, ts->n, sizeof(struct tag *), by_name);
	}
	return 0;
}

static void free_tag(struct rp_hash_node *node, void *ctx)
{
	struct tag *t = RP_CONTAINER_OF(node, struct tag, node);
	rp_hash_remove(ctx, node);
	rp_free(t->ids);
	rp_free(t);
}

static void write_tag(struct rp_jsonw *w, const struct tag *t, const struct rp_listq *q)
{
	rp_jsonw_obj(w);
	if (rp_listq_wants(q, &spec, RESOURCE, "tag")) {
		rp_jsonw_put_str(w, "tag", t->node.key);
	}
	if (rp_listq_wants(q, &spec, RESOURCE, "client_ids")) {
		rp_jsonw_key(w, "client_ids");
		rp_jsonw_arr(w);
		for (size_t i = 0; i < t->n; i++) {
			rp_jsonw_str(w, t->ids[i]);
		}
		rp_jsonw_arr_end(w);
	}
	rp_jsonw_obj_end(w);
}

void rp_api_client_tags(struct rp_api_call *c)
{
	struct rp_listq q;
	struct rp_reply r;
	struct tags ts = {.call = c};
	if (rp_api_list_query(c, &spec, &q) != 0) {
		return;
	}
	rp_hash_init(&ts.by_name);
	int err = collect(&ts);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	} else {
		size_t from = RP_MIN(ts.n, (size_t)q.offset);
		size_t end = RP_MIN(ts.n, from + (size_t)q.limit);
		rp_reply_begin(&r);
		rp_jsonw_arr(&r.w);
		for (size_t i = from; i < end; i++) {
			write_tag(&r.w, ts.sorted[i], &q);
		}
		rp_jsonw_arr_end(&r.w);
		rp_reply_end_count(&r, c, (int64_t)ts.n);
	}
	rp_hash_each(&ts.by_name, free_tag, &ts.by_name);
	rp_hash_fini(&ts.by_name);
	rp_free(ts.sorted);
	rp_listq_fini(&q);
}
