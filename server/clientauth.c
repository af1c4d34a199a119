/* SPDX-License-Identifier: MIT */
/*
 * The front of the clients' credentials, and the static pair, which has no other home.
 */
#include "server/clientauth.h"

#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/crypto.h"
#include "server/clientauth_int.h"

#include "core/banned.h"

struct rp_clientauth {
	const struct rp_clientauth_source *source;
	void *self;
};

int rp_clientauth_new(const struct rp_clientauth_source *source, void *self,
    struct rp_clientauth **out, struct rp_err *err)
{
	struct rp_clientauth *a = rp_calloc(1, sizeof(*a));
	if (a == NULL) {
		source->free(self);
		return rp_err_no_memory(err);
	}
	a->source = source;
	a->self = self;
	*out = a;
	return 0;
}

void rp_clientauth_free(struct rp_clientauth *a)
{
	if (a != NULL) {
		a->source->free(a->self);
		rp_free(a);
	}
}

bool rp_clientauth_check(struct rp_clientauth *a, const char *id, const char *password)
{
	return a->source->check(a->self, id, password);
}

const char *rp_clientauth_source(const struct rp_clientauth *a)
{
	return a->source->name;
}

bool rp_clientauth_writable(const struct rp_clientauth *a)
{
	return a->source->add != NULL;
}

bool rp_clientauth_equal(const char *want, const char *password)
{
	/* Compared against when the id is unknown, so that the time tells nothing about which
	 * ids exist. */
	char dummy[33];
	if (want == NULL) {
		rp_random_text(dummy, sizeof(dummy) - 1);
	}
	bool equal = rp_secret_str_eq(want != NULL ? want : dummy, password);
	return equal && want != NULL;
}

int rp_clientauth_list_add(struct rp_clientauth_list *l, const char *id, const char *password)
{
	if (l->n >= RP_CLIENTAUTH_MAX) {
		return RP_ELIMIT;
	}
	/* Grows at each power of two. */
	if ((l->n & (l->n - 1)) == 0) {
		struct rp_clientauth_pair *v = rp_reallocarray(
		    l->v, l->n == 0 ? 1 : l->n * 2, sizeof(*v));
		if (v == NULL) {
			return RP_ENOMEM;
		}
		l->v = v;
	}
	struct rp_clientauth_pair *p = &l->v[l->n];
	p->id = rp_strdup(id);
	p->password = rp_strdup(password);
	if (p->id == NULL || p->password == NULL) {
		rp_free(p->id);
		rp_free_secret(p->password);
		return RP_ENOMEM;
	}
	l->n++;
	return 0;
}

/* Work on the queue */

struct op {
	struct rp_clientauth *auth;
	struct rp_clientauth_pair pair;
	struct rp_clientauth_list list;
	rp_clientauth_list_cb cb;
	void *ctx;
};

static void op_free(void *arg)
{
	struct op *op = arg;
	for (size_t i = 0; i < op->list.n; i++) {
		rp_free(op->list.v[i].id);
		rp_free_secret(op->list.v[i].password);
	}
	rp_free(op->list.v);
	rp_free(op->pair.id);
	rp_free_secret(op->pair.password);
	rp_free(op);
}

/* NULL: no memory. */
static struct op *op_new(struct rp_clientauth *a, const char *id, const char *password)
{
	struct op *op = rp_calloc(1, sizeof(*op));
	if (op == NULL) {
		return NULL;
	}
	op->auth = a;
	op->pair.id = id == NULL ? NULL : rp_strdup(id);
	op->pair.password = password == NULL ? NULL : rp_strdup(password);
	if ((id != NULL && op->pair.id == NULL) ||
	    (password != NULL && op->pair.password == NULL)) {
		op_free(op);
		return NULL;
	}
	return op;
}

static int by_id(const void *a, const void *b)
{
	const struct rp_clientauth_pair *x = a;
	const struct rp_clientauth_pair *y = b;
	return strcmp(x->id, y->id);
}

static int list_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct op *op = arg;
	(void)db;
	int code = op->auth->source->list(op->auth->self, op->pair.id, &op->list, err);
	if (op->list.n > 1) {
		qsort(op->list.v, op->list.n, sizeof(*op->list.v), by_id);
	}
	return code;
}

static void on_listed(void *ctx, int code, const struct rp_err *err)
{
	struct op *op = ctx;
	op->cb(op->ctx, code, &op->list, err);
}

static int add_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct op *op = arg;
	(void)db;
	return op->auth->source->add == NULL
	    ? RP_EUNSUPPORTED
	    : op->auth->source->add(op->auth->self, &op->pair, err);
}

static int remove_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct op *op = arg;
	(void)db;
	return op->auth->source->remove == NULL
	    ? RP_EUNSUPPORTED
	    : op->auth->source->remove(op->auth->self, op->pair.id, err);
}

static int submit(struct rp_store *store, struct rp_store_job *job)
{
	job->free_arg = op_free;
	return job->arg == NULL ? RP_ENOMEM : rp_store_submit(store, job);
}

int rp_clientauth_list(struct rp_clientauth *a, struct rp_store *store, const char *id,
    rp_clientauth_list_cb cb, void *ctx)
{
	struct op *op = op_new(a, id, NULL);
	struct rp_store_job job = {.work = list_work, .arg = op, .done = on_listed, .ctx = op};
	if (op != NULL) {
		op->cb = cb;
		op->ctx = ctx;
	}
	return submit(store, &job);
}

int rp_clientauth_add(struct rp_clientauth *a, struct rp_store *store,
    const struct rp_clientauth_pair *pair, rp_store_done_cb done, void *ctx)
{
	struct rp_store_job job = {
	    .work = add_work,
	    .arg = op_new(a, pair->id, pair->password),
	    .done = done,
	    .ctx = ctx,
	};
	return submit(store, &job);
}

int rp_clientauth_remove(struct rp_clientauth *a, struct rp_store *store, const char *id,
    rp_store_done_cb done, void *ctx)
{
	struct rp_store_job job = {
	    .work = remove_work, .arg = op_new(a, id, NULL), .done = done, .ctx = ctx};
	return submit(store, &job);
}

/* The static pair */

static bool static_check(void *self, const char *id, const char *password)
{
	return rp_clientauth_equal(rp_clientauth_pairs_get(self, id), password);
}

static int static_list(
    void *self, const char *id, struct rp_clientauth_list *out, struct rp_err *err)
{
	int code = rp_clientauth_pairs_list(self, id, out);
	return code == 0 ? 0 : rp_err_set(err, code, "%s", rp_err_text(code));
}

static void static_free(void *self)
{
	rp_clientauth_pairs_free(self);
	rp_free(self);
}

static const struct rp_clientauth_source static_source = {
    .name = "Static Credentials",
    .check = static_check,
    .list = static_list,
    .free = static_free,
};

int rp_clientauth_static(const char *text, struct rp_clientauth **out, struct rp_err *err)
{
	const char *colon = strchr(text, ':');
	if (colon == NULL || colon == text || colon[1] == '\0') {
		return rp_err_set(err, RP_EINVAL,
		    "invalid client auth credentials, expected '<client-id>:<password>'");
	}
	struct rp_hash *pairs = rp_malloc(sizeof(*pairs));
	if (pairs == NULL) {
		return rp_err_no_memory(err);
	}
	rp_hash_init(pairs);
	if (rp_clientauth_pairs_put(pairs, rp_str_n(text, (size_t)(colon - text)), colon + 1) !=
	    0) {
		static_free(pairs);
		return rp_err_no_memory(err);
	}
	return rp_clientauth_new(&static_source, pairs, out, err);
}

int rp_clientauth_open(
    const struct rp_server_config *cfg, struct rp_clientauth **out, struct rp_err *err)
{
	if (cfg->server.auth[0] != '\0') {
		return rp_clientauth_static(cfg->server.auth, out, err);
	}
	if (cfg->server.auth_file[0] != '\0') {
		return rp_clientauth_file(cfg->server.auth_file, out, err);
	}
	if (strcmp(cfg->database.db_type, "sqlite") != 0) {
		return rp_err_set(err, RP_EUNSUPPORTED,
		    "auth_table: only db_type = \"sqlite\" is supported, not \"%s\"",
		    cfg->database.db_type);
	}
	return rp_clientauth_table(cfg->database.db_name, cfg->server.auth_table, out, err);
}
