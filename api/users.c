/* SPDX-License-Identifier: MIT */
/*
 * The set of users in memory and the queue of changes to it. A change is done by a pool thread on
 * a set of its own: load under the store's lock, change, save. Then the loop swaps the sets. When
 * anything fails, memory stays as it was.
 */
#include "api/users.h"

#include <stdlib.h>
#include <string.h>

#include "acl/authorize.h"
#include "api/password.h"
#include "api/users_source.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/log.h"
#include "core/serial.h"

#include "core/banned.h"

#define QUEUE_MAX 10000

struct rp_users {
	const struct rp_users_source *source; /* NULL: one static user */
	void *self;
	struct rp_userset set;
	uint64_t generation;
	unsigned cost;     /* of new passwords */
	uint64_t fresh_ms; /* when it was last the same as what the store has */
	struct rp_serial *queue;
	bool freed; /* while the queue ends */
};

/* A change under way. op points into what follows it. */
struct change {
	struct rp_serial_job job;
	struct rp_users *users;
	struct rp_users_op op;
	char *name;
	char *password; /* as typed */
	struct rp_user new;
	bool expired;
	char hash[RP_PASSWORD_HASH_MAX];
	struct rp_userset set; /* the new one, if swap */
	bool swap;
	rp_store_done_cb done;
	void *ctx;
	struct rp_err err;
};

/* --- start and end --- */

static int static_user(struct rp_users *u, const char *text, struct rp_err *err)
{
	const char *colon = strchr(text, ':');
	const char *twice;
	if (colon == NULL || colon == text || colon[1] == '\0') {
		return rp_err_set(err, RP_EINVAL, "API: api.auth: expected '<user>:<password>'");
	}
	struct rp_user user = {
	    .username = rp_strndup(text, (size_t)(colon - text)),
	    .password = rp_strdup(colon + 1),
	};
	if (user.username == NULL || user.password == NULL ||
	    rp_strlist_add(&user.groups, rp_str_c(RP_ADMIN_GROUP)) != 0) {
		rp_json_release(&rp_user_table, &user);
		return rp_err_no_memory(err);
	}
	if (rp_userset_take(&u->set, &user) != 0 || rp_userset_sort(&u->set, &twice) != 0) {
		return rp_err_no_memory(err);
	}
	return 0;
}

static int open_source(struct rp_users *u, const struct rp_server_config *cfg, struct rp_err *err)
{
	int code;
	if (cfg->api.auth_file[0] != '\0') {
		code = rp_users_file_open(cfg, &u->self, err);
		u->source = &rp_users_file;
	} else {
		code = rp_users_store_open(cfg, &u->self, err);
		u->source = cfg->api.auth_group_details_table[0] != '\0' ? &rp_users_store_details
		                                                         : &rp_users_store;
	}
	return code != 0 ? code : u->source->load(u->self, false, &u->set, err);
}

static int open_users(struct rp_users *u, struct rp_loop *loop, const struct rp_server_config *cfg,
    struct rp_err *err)
{
	if (cfg->api.auth[0] != '\0') {
		return static_user(u, cfg->api.auth, err);
	}
	int code = open_source(u, cfg, err);
	u->fresh_ms = rp_clock_ms();
	if (code != 0 || loop == NULL) {
		return code;
	}
	code = rp_serial_new(&u->queue, loop, QUEUE_MAX, u);
	return code == 0 ? 0 : rp_err_set(err, code, "%s", rp_err_text(code));
}

int rp_users_new(struct rp_loop *loop, const struct rp_server_config *cfg, struct rp_users **out,
    struct rp_err *err)
{
	struct rp_users *u = rp_calloc(1, sizeof(*u));
	if (u == NULL) {
		return rp_err_no_memory(err);
	}
	u->cost = RP_PASSWORD_COST;
	int code = open_users(u, loop, cfg, err);
	if (code != 0) {
		rp_users_free(u);
		return code;
	}
	*out = u;
	return 0;
}

static void really_free(struct rp_users *u)
{
	if (u->self != NULL) {
		u->source->free(u->self);
	}
	rp_userset_fini(&u->set);
	rp_free(u);
}

static void on_closed(void *arg)
{
	struct rp_users *u = arg;
	u->queue = NULL;
	if (u->freed) {
		really_free(u);
	}
}

void rp_users_close(struct rp_users *u)
{
	if (u != NULL && u->queue != NULL) {
		rp_serial_close(u->queue, on_closed, u);
	}
}

void rp_users_free(struct rp_users *u)
{
	if (u == NULL) {
		return;
	}
	u->freed = true;
	if (u->queue == NULL) {
		really_free(u);
	}
}

/* --- reading --- */

const struct rp_user *rp_users_find(const struct rp_users *u, const char *name)
{
	return rp_userset_find(&u->set, name);
}

void rp_users_each(
    const struct rp_users *u, void (*fn)(void *ctx, const struct rp_user *user), void *ctx)
{
	for (size_t i = 0; i < u->set.n; i++) {
		fn(ctx, &u->set.v[i]);
	}
}

const char *rp_users_decoy(const struct rp_users *u)
{
	return u->set.n == 0 ? NULL : u->set.v[0].password;
}

bool rp_users_static(const struct rp_users *u)
{
	return u->source == NULL;
}

void rp_users_set_cost(struct rp_users *u, unsigned cost)
{
	u->cost = cost;
}

const char *rp_users_source(const struct rp_users *u)
{
	return u->source == NULL ? "Static Credentials" : u->source->name;
}

bool rp_users_is_admin(const struct rp_user *user)
{
	return rp_strlist_has(&user->groups, RP_ADMIN_GROUP);
}

bool rp_users_groups_enabled(const struct rp_users *u)
{
	return u->source != NULL && u->source->groups;
}

uint64_t rp_users_generation(const struct rp_users *u)
{
	return u->generation;
}

unsigned rp_users_group_permissions(const struct rp_users *u, const char *group)
{
	if (strcmp(group, RP_ADMIN_GROUP) == 0) {
		return RP_MAY_ALL;
	}
	const struct rp_group *g = rp_userset_group(&u->set, group);
	return g == NULL ? 0 : g->permissions;
}

unsigned rp_users_permissions(const struct rp_users *u, const struct rp_strlist *groups)
{
	if (!rp_users_groups_enabled(u)) {
		return RP_MAY_ALL;
	}
	unsigned permissions = 0;
	for (size_t i = 0; i < groups->n; i++) {
		permissions |= rp_users_group_permissions(u, groups->v[i]);
	}
	return permissions;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_names(const struct rp_userset *set, struct rp_strlist *out)
{
	for (size_t i = 0; i < set->n_groups; i++) {
		if (rp_strlist_add(out, rp_str_c(set->groups[i].name)) != 0) {
			return RP_ENOMEM;
		}
	}
	for (size_t i = 0; i < set->n; i++) {
		const struct rp_strlist *groups = &set->v[i].groups;
		for (size_t k = 0; k < groups->n; k++) {
			if (!rp_strlist_has(out, groups->v[k]) &&
			    rp_strlist_add(out, rp_str_c(groups->v[k])) != 0) {
				return RP_ENOMEM;
			}
		}
	}
	return 0;
}

int rp_users_groups(const struct rp_users *u, struct rp_strlist *out)
{
	int code = add_names(&u->set, out);
	if (code != 0) {
		rp_strlist_fini(out);
		return code;
	}
	if (out->n > 0) {
		qsort(out->v, out->n, sizeof(*out->v), compare);
	}
	return 0;
}

/* --- changing, on a pool thread --- */

static int run_change(struct change *c)
{
	const struct rp_users_source *source = c->users->source;
	void *self = c->users->self;
	int code = source->load(self, true, &c->set, &c->err);
	if (code != 0) {
		return code;
	}
	code = rp_userset_apply(&c->set, &c->op, &c->err);
	if (code != 0) {
		source->unlock(self);
		return code;
	}
	return source->save(self, &c->op, &c->set, &c->err);
}

static int work(struct change *c)
{
	const struct rp_users_source *source = c->users->source;
	void *self = c->users->self;
	if (c->op.kind == RP_USERS_REFRESH) {
		int changed = source->changed == NULL ? 0 : source->changed(self, &c->err);
		if (changed <= 0) {
			return changed;
		}
	}
	c->swap = true;
	if (c->op.kind == RP_USERS_RELOAD || c->op.kind == RP_USERS_REFRESH) {
		return source->load(self, false, &c->set, &c->err);
	}
	if (c->password != NULL) {
		int code = rp_password_hash(c->password, c->users->cost, c->hash);
		if (code != 0) {
			return code;
		}
		c->op.change.password = c->hash;
	}
	return run_change(c);
}

static int on_work(struct rp_serial_job *job, void *ctx)
{
	struct change *c = RP_CONTAINER_OF(job, struct change, job);
	(void)ctx;
	int code = work(c);
	if (code != 0 && c->err.msg[0] == '\0') {
		(void)rp_err_set(&c->err, code, "%s", rp_err_text(code));
	}
	return code;
}

/* --- changing, on the loop --- */

static void change_free(struct change *c)
{
	rp_userset_fini(&c->set);
	rp_free(c->name);
	rp_free_secret(c->password);
	rp_free_secret(c->new.totp_secret);
	c->new.totp_secret = NULL;
	rp_json_release(&rp_user_table, &c->new);
	rp_secret_wipe(c->hash, sizeof(c->hash));
	rp_free(c);
}

static void on_done(struct rp_serial_job *job, int status)
{
	struct change *c = RP_CONTAINER_OF(job, struct change, job);
	struct rp_users *u = c->users;
	if (status == 0) {
		u->fresh_ms = rp_clock_ms();
	}
	if (status == 0 && c->swap) {
		struct rp_userset old = u->set;
		u->set = c->set;
		c->set = old;
		u->generation++;
	}
	if (c->done != NULL) {
		c->done(c->ctx, status, &c->err);
	} else if (status != 0) {
		rp_log_error("api", "%s; the users read before stay in force", c->err.msg);
	}
	change_free(c);
}

static int copy_text(const char *text, char **slot)
{
	*slot = text == NULL ? NULL : rp_strdup(text);
	return text == NULL || *slot != NULL ? 0 : RP_ENOMEM;
}

static int copy_change(struct change *c, const struct rp_user_change *from)
{
	struct rp_user_change *to = &c->op.change;
	int code = copy_text(from->username, &c->new.username);
	code = code != 0 ? code : copy_text(from->password, &c->password);
	code = code != 0 ? code : copy_text(from->two_fa_send_to, &c->new.two_fa_send_to);
	code = code != 0 ? code : copy_text(from->totp_secret, &c->new.totp_secret);
	if (code == 0 && from->groups != NULL) {
		code = rp_strlist_copy(&c->new.groups, from->groups);
	}
	to->username = c->new.username;
	to->two_fa_send_to = c->new.two_fa_send_to;
	to->totp_secret = c->new.totp_secret;
	to->groups = from->groups == NULL ? NULL : &c->new.groups;
	if (from->password_expired != NULL) {
		c->expired = *from->password_expired;
		to->password_expired = &c->expired;
	}
	return code;
}

/* Takes c. */
static int queue(struct change *c)
{
	int code = c->users->queue == NULL ? RP_EUNSUPPORTED
	                                   : rp_serial_submit(c->users->queue, &c->job);
	if (code != 0) {
		change_free(c);
	}
	return code;
}

/* NULL: no memory. */
static struct change *change_new(
    struct rp_users *u, enum rp_users_op_kind kind, rp_store_done_cb done, void *ctx)
{
	struct change *c = rp_calloc(1, sizeof(*c));
	if (c != NULL) {
		c->job.work = on_work;
		c->job.done = on_done;
		c->users = u;
		c->op.kind = kind;
		c->done = done;
		c->ctx = ctx;
	}
	return c;
}

static int named(struct change *c, const char *name)
{
	if (c == NULL) {
		return RP_ENOMEM;
	}
	c->name = rp_strdup(name);
	c->op.name = c->name;
	if (c->name != NULL) {
		return 0;
	}
	change_free(c);
	return RP_ENOMEM;
}

int rp_users_add(
    struct rp_users *u, const struct rp_user_change *new, rp_store_done_cb done, void *ctx)
{
	struct change *c = change_new(u, RP_USERS_ADD, done, ctx);
	int code = named(c, new->username);
	if (code != 0) {
		return code;
	}
	code = copy_change(c, new);
	if (code != 0) {
		change_free(c);
		return code;
	}
	return queue(c);
}

int rp_users_change(struct rp_users *u, const char *name, const struct rp_user_change *change,
    rp_store_done_cb done, void *ctx)
{
	struct change *c = change_new(u, RP_USERS_CHANGE, done, ctx);
	int code = named(c, name);
	if (code != 0) {
		return code;
	}
	code = copy_change(c, change);
	if (code != 0) {
		change_free(c);
		return code;
	}
	return queue(c);
}

int rp_users_delete(struct rp_users *u, const char *name, rp_store_done_cb done, void *ctx)
{
	struct change *c = change_new(u, RP_USERS_DELETE, done, ctx);
	int code = named(c, name);
	return code != 0 ? code : queue(c);
}

int rp_users_group_put(
    struct rp_users *u, const char *name, unsigned permissions, rp_store_done_cb done, void *ctx)
{
	if (!rp_users_groups_enabled(u)) {
		return RP_EUNSUPPORTED;
	}
	struct change *c = change_new(u, RP_USERS_GROUP_PUT, done, ctx);
	int code = named(c, name);
	if (code != 0) {
		return code;
	}
	c->op.permissions = permissions;
	return queue(c);
}

int rp_users_group_delete(struct rp_users *u, const char *name, rp_store_done_cb done, void *ctx)
{
	if (!rp_users_groups_enabled(u)) {
		return RP_EUNSUPPORTED;
	}
	struct change *c = change_new(u, RP_USERS_GROUP_DELETE, done, ctx);
	int code = named(c, name);
	return code != 0 ? code : queue(c);
}

int rp_users_reload(struct rp_users *u, rp_store_done_cb done, void *ctx)
{
	struct change *c = change_new(u, RP_USERS_RELOAD, done, ctx);
	return c == NULL ? RP_ENOMEM : queue(c);
}

bool rp_users_stale(const struct rp_users *u, uint64_t max_age_ms)
{
	return u->queue != NULL && u->source->changed != NULL &&
	    rp_clock_ms() - u->fresh_ms >= max_age_ms;
}

int rp_users_refresh(struct rp_users *u, rp_store_done_cb done, void *ctx)
{
	struct change *c = change_new(u, RP_USERS_REFRESH, done, ctx);
	return c == NULL ? RP_ENOMEM : queue(c);
}
