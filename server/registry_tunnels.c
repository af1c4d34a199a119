/* SPDX-License-Identifier: MIT */
/*
 * Tunnels by order of the API (rport-api 3.10): the client's policy, duplicates, the remote
 * port, then the worker starts it. What stands
 * is stored before it is acknowledged. The client may go away between any two steps.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/log.h"
#include "server/events.h"
#include "server/registry_int.h"

#include "core/banned.h"

#define COMPONENT "tunnel"
#define POLICY_MS 10000

enum job_kind {
	JOB_OPEN,
	JOB_CLOSE,
	JOB_ACL
};

/* One order of the API under way. */
struct job {
	struct rp_registry *registry;
	enum job_kind kind;
	char *client_id;
	char *tunnel_id;
	char *acl;
	struct rp_remote remote;
	bool check_port;
	struct rp_conn_ref ref; /* the connection that it began on */
	rp_registry_tunnel_cb cb;
	void *ctx;
	struct rp_tunnel_info info;
};

static void job_free(struct job *j)
{
	rp_free(j->client_id);
	rp_free(j->tunnel_id);
	rp_free(j->acl);
	rp_remote_fini(&j->remote);
	rp_tunnel_info_fini(&j->info);
	rp_free(j);
}

static void fail(struct job *j, unsigned status, const char *code, const char *fmt, ...)
    RP_PRINTF(4, 5);
static void fail(struct job *j, unsigned status, const char *code, const char *fmt, ...)
{
	struct rp_tunnel_error e = {.status = status, .code = code};
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(e.title, sizeof(e.title), fmt, ap);
	va_end(ap);
	j->cb(j->ctx, NULL, &e);
	job_free(j);
}

static void fail_detail(
    struct job *j, unsigned status, const char *code, const char *title, const char *detail)
{
	struct rp_tunnel_error e = {.status = status, .code = code};
	(void)snprintf(e.title, sizeof(e.title), "%s", title);
	(void)snprintf(e.detail, sizeof(e.detail), "%s", detail);
	j->cb(j->ctx, NULL, &e);
	job_free(j);
}

/* The entry, if it is still the connection that the order began on. */
static struct rp_registry_entry *entry_of(struct job *j)
{
	struct rp_registry_entry *e = j->registry->closing
	    ? NULL
	    : rp_registry_find(j->registry, j->client_id);
	return e != NULL && e->ref.id != 0 && rp_conn_ref_eq(e->ref, j->ref) ? e : NULL;
}

static void fail_gone(struct job *j)
{
	fail(j, 404, "", "client with id %s not found", j->client_id);
}

static struct job *job_new(struct rp_registry *r, enum job_kind kind, const char *client_id,
    rp_registry_tunnel_cb cb, void *ctx)
{
	struct job *j = rp_calloc(1, sizeof(*j));
	if (j == NULL) {
		return NULL;
	}
	j->registry = r;
	j->kind = kind;
	j->cb = cb;
	j->ctx = ctx;
	j->client_id = rp_strdup(client_id);
	if (j->client_id == NULL) {
		rp_free(j);
		return NULL;
	}
	struct rp_registry_entry *e = rp_registry_find(r, client_id);
	j->ref = e == NULL ? (struct rp_conn_ref){0} : e->ref;
	return j;
}

/* Storing, the last step of each order */

static void on_stored(void *ctx, int code, const struct rp_err *err)
{
	struct job *j = ctx;
	if (code != 0) {
		fail_detail(j, 500, "", "the change is in force but could not be stored", err->msg);
		return;
	}
	j->cb(j->ctx, &j->info, NULL);
	job_free(j);
}

static void store(struct job *j, struct rp_registry_entry *e)
{
	if (rp_registry_save(j->registry, e, on_stored, j) != 0) {
		fail(j, 500, "", "the change is in force but could not be stored");
	}
}

static void tell(struct rp_registry *r, const char *action, const struct rp_registry_entry *e,
    const char *tunnel_id)
{
	const struct rp_event event = {
	    .type = RP_EVENT_TUNNEL, .action = action, .id = tunnel_id, .client_id = e->c.id};
	rp_events_tell(r->opt.events, &event);
}

static struct rp_tunnel_info *find_tunnel(struct rp_registry_entry *e, const char *id)
{
	struct rp_tunnel_info *v = e->c.tunnels.v;
	for (size_t i = 0; i < e->c.tunnels.n; i++) {
		if (strcmp(v[i].id, id) == 0) {
			return &v[i];
		}
	}
	return NULL;
}

static void drop_tunnel(struct rp_registry_entry *e, struct rp_tunnel_info *t)
{
	struct rp_tunnel_info *v = e->c.tunnels.v;
	size_t i = (size_t)(t - v);
	rp_tunnel_info_fini(t);
	memmove(&v[i], &v[i + 1], (e->c.tunnels.n - i - 1) * sizeof(*v));
	e->c.tunnels.n--;
}

static int append_tunnel(struct rp_registry_entry *e, const struct rp_tunnel_info *info)
{
	struct rp_tunnel_info *v = rp_reallocarray(e->c.tunnels.v, e->c.tunnels.n + 1, sizeof(*v));
	if (v == NULL) {
		return RP_ENOMEM;
	}
	e->c.tunnels.v = v;
	memset(&v[e->c.tunnels.n], 0, sizeof(*v));
	int err = rp_tunnel_info_copy(&v[e->c.tunnels.n], info);
	if (err == 0) {
		e->c.tunnels.n++;
	}
	return err;
}

/* Opening */

static void on_started(void *ctx, int code, struct rp_tunnel_info *info, const struct rp_err *err)
{
	struct job *j = ctx;
	struct rp_registry_entry *e = entry_of(j);
	if (code == RP_ECLOSED || (code == 0 && e == NULL)) {
		fail_gone(j);
	} else if (code == RP_EDENIED || code == RP_EINVAL) {
		fail(j, 400, "", "%s", err->msg);
	} else if (code == RP_EEXIST || code == UV_EADDRINUSE) {
		fail(j, 400, "ERR_CODE_LOCAL_PORT_IN_USE", "Port %s already in use.",
		    j->remote.lport);
	} else if (code != 0) {
		fail(j, 409, "", "%s", err->msg);
	} else if (append_tunnel(e, info) != 0) {
		fail(j, 500, "", "out of memory");
	} else {
		rp_log_info(COMPONENT, "client %s: tunnel %s %s:%s -> %s:%s (%s) opened by %s",
		    j->client_id, info->id, info->remote.lhost, info->remote.lport,
		    info->remote.rhost, info->remote.rport, info->remote.protocol,
		    info->remote.owner);
		j->info = *info;
		memset(info, 0, sizeof(*info));
		tell(j->registry, "opened", e, j->info.id);
		store(j, e);
	}
}

static void start(struct job *j)
{
	if (rp_workers_tunnel_start(j->registry->workers, j->ref, &j->remote, on_started, j) != 0) {
		fail(j, 500, "", "out of memory");
	}
}

static void on_port_checked(void *ctx, int code, const char *p, size_t n)
{
	struct job *j = ctx;
	struct rp_check_port_answer a = {0};
	struct rp_err err = {0};
	if (code == RP_ECLOSED) {
		fail_gone(j);
		return;
	}
	if (code == 0) {
		code = rp_json_decode_text(p, n, &rp_check_port_answer_table, false, &a, &err);
		p = err.msg;
	}
	if (code != 0) {
		fail_detail(j, 409, "", "The client could not check the remote port.",
		    p[0] != '\0' ? p : rp_err_text(code));
		return;
	}
	if (!a.open) {
		char title[64];
		(void)snprintf(
		    title, sizeof(title), "Port %s is not in listening state.", j->remote.rport);
		fail_detail(j, 400, "ERR_CODE_REMOTE_PORT_NOT_OPEN", title,
		    a.err_msg != NULL ? a.err_msg : "");
	} else {
		start(j);
	}
	rp_json_release(&rp_check_port_answer_table, &a);
}

static void check_port(struct job *j)
{
	int64_t timeout = j->registry->opt.cfg->server.check_port_timeout;
	char *target = rp_remote_target(&j->remote);
	const struct rp_check_port q = {.host_port = target, .timeout = timeout};
	char *text = target == NULL ? NULL : rp_json_text(&rp_check_port_table, &q);
	const struct rp_call_order call = {
	    .name = "check_port",
	    .payload = text,
	    .timeout_ms = (unsigned)(timeout / RP_NS_PER_MS) + POLICY_MS,
	};
	if (text == NULL ||
	    rp_workers_call(j->registry->workers, j->ref, &call, on_port_checked, j) != 0) {
		fail(j, 500, "", "out of memory");
	}
	rp_free(text);
	rp_free(target);
}

static bool text_eq(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static bool same_remote(const struct rp_remote *a, const struct rp_remote *b)
{
	return text_eq(a->rhost, b->rhost) && text_eq(a->rport, b->rport);
}

/* Empty code = no duplicate. */
static const char *duplicate(const struct rp_registry_entry *e, const struct rp_remote *r)
{
	const struct rp_tunnel_info *v = e->c.tunnels.v;
	for (size_t i = 0; i < e->c.tunnels.n; i++) {
		const struct rp_remote *t = &v[i].remote;
		if (!same_remote(t, r)) {
			continue;
		}
		if (rp_remote_local_given(r) && text_eq(t->lhost, r->lhost) &&
		    text_eq(t->lport, r->lport) && text_eq(t->protocol, r->protocol)) {
			return "ERR_CODE_TUNNEL_EXIST";
		}
		if (text_eq(t->protocol, r->protocol) && text_eq(t->acl, r->acl)) {
			return "ERR_CODE_TUNNEL_TO_PORT_EXIST";
		}
	}
	return "";
}

static void check_duplicates(struct job *j)
{
	struct rp_registry_entry *e = entry_of(j);
	if (e == NULL) {
		fail_gone(j);
		return;
	}
	const char *code = duplicate(e, &j->remote);
	if (strcmp(code, "ERR_CODE_TUNNEL_EXIST") == 0) {
		fail(j, 400, code, "Tunnel already exists.");
	} else if (code[0] != '\0') {
		fail(j, 400, code, "Tunnel to port %s already exists.", j->remote.rport);
	} else if (j->check_port && strstr(j->remote.protocol, "tcp") != NULL) {
		check_port(j);
	} else {
		start(j);
	}
}

static void on_policy(void *ctx, int code, const char *p, size_t n)
{
	struct job *j = ctx;
	struct rp_check_tunnel_answer a = {0};
	/* Clients before 0.6.4 do not know the question (wire protocol 4.2). */
	bool unknown = code == RP_EDENIED && strstr(p, "unknown request") != NULL;
	bool readable = code == 0 &&
	    rp_json_decode_text(p, n, &rp_check_tunnel_answer_table, false, &a, NULL) == 0;
	if (unknown || (readable && a.is_allowed)) {
		check_duplicates(j);
	} else if (code == RP_ECLOSED) {
		fail_gone(j);
	} else if (code == RP_EDENIED) {
		fail_detail(j, 400, "", "The client could not check the tunnel destination.", p);
	} else if (code != 0) {
		fail(j, 409, "", "The client did not answer: %s", rp_err_text(code));
	} else if (!readable) {
		fail(j, 409, "", "The client's answer is unreadable.");
	} else {
		fail(j, 400, "", "Tunnel destination is not allowed by client configuration.");
	}
}

void rp_registry_tunnel_open(struct rp_registry *r, const char *id,
    const struct rp_tunnel_open *open, rp_registry_tunnel_cb cb, void *ctx)
{
	struct job *j = job_new(r, JOB_OPEN, id, cb, ctx);
	char *target = rp_remote_target(open->remote);
	const struct rp_check_tunnel q = {.remote = target};
	char *text = target == NULL ? NULL : rp_json_text(&rp_check_tunnel_table, &q);
	const struct rp_call_order call = {
	    .name = "check_tunnel_allowed",
	    .payload = text,
	    .timeout_ms = POLICY_MS,
	};
	if (j == NULL) {
		static const struct rp_tunnel_error oom = {500, "", "out of memory", ""};
		cb(ctx, NULL, &oom);
	} else {
		j->check_port = open->check_port;
		if (text == NULL || rp_remote_copy(&j->remote, open->remote) != 0 ||
		    rp_workers_call(r->workers, j->ref, &call, on_policy, j) != 0) {
			fail(j, 500, "", "out of memory");
		}
	}
	rp_free(text);
	rp_free(target);
}

/* Closing and ACL */

/* The mirror follows what the worker has done. */
static void apply(struct job *j, struct rp_registry_entry *e, struct rp_tunnel_info *t)
{
	if (j->kind == JOB_CLOSE) {
		rp_log_info(COMPONENT, "client %s: tunnel %s closed", j->client_id, j->tunnel_id);
		drop_tunnel(e, t);
		return;
	}
	rp_free(t->remote.acl);
	t->remote.acl = j->acl;
	j->acl = NULL;
}

static void finish(struct job *j, int code, const struct rp_err *err)
{
	struct rp_registry_entry *e = entry_of(j);
	struct rp_tunnel_info *t = e == NULL ? NULL : find_tunnel(e, j->tunnel_id);
	if (code == RP_EBUSY) {
		fail(j, 409, "", "%s", err->msg);
	} else if (code == RP_EINVAL) {
		fail(j, 400, "ERR_CODE_INVALID_ACL", "%s", err->msg);
	} else if (code == RP_ECLOSED || e == NULL) {
		fail_gone(j);
	} else if (code == RP_ENOENT || t == NULL) {
		fail(j, 404, "", "tunnel not found");
	} else if (code != 0) {
		fail(j, 500, "", "%s", err->msg);
	} else {
		apply(j, e, t);
		tell(j->registry, j->kind == JOB_CLOSE ? "closed" : "changed", e, j->tunnel_id);
		store(j, e);
	}
}

static void on_order_done(
    void *ctx, int code, struct rp_tunnel_info *info, const struct rp_err *err)
{
	(void)info;
	finish(ctx, code, err);
}

static struct job *tunnel_job(struct rp_registry *r, enum job_kind kind,
    const struct rp_tunnel_name *name, rp_registry_tunnel_cb cb, void *ctx)
{
	struct job *j = job_new(r, kind, name->client_id, cb, ctx);
	if (j != NULL && (j->tunnel_id = rp_strdup(name->tunnel_id)) == NULL) {
		job_free(j);
		j = NULL;
	}
	if (j == NULL) {
		static const struct rp_tunnel_error oom = {500, "", "out of memory", ""};
		cb(ctx, NULL, &oom);
	}
	return j;
}

void rp_registry_tunnel_close(struct rp_registry *r, const struct rp_tunnel_name *name, bool force,
    rp_registry_tunnel_cb cb, void *ctx)
{
	struct job *j = tunnel_job(r, JOB_CLOSE, name, cb, ctx);
	const struct rp_tunnel_stop stop = {.tunnel_id = name->tunnel_id, .force = force};
	if (j != NULL && rp_workers_tunnel_stop(r->workers, j->ref, &stop, on_order_done, j) != 0) {
		fail(j, 500, "", "out of memory");
	}
}

void rp_registry_tunnel_acl(struct rp_registry *r, const struct rp_tunnel_name *name,
    const char *acl, rp_registry_tunnel_cb cb, void *ctx)
{
	struct job *j = tunnel_job(r, JOB_ACL, name, cb, ctx);
	const struct rp_tunnel_acl order = {.tunnel_id = name->tunnel_id, .acl = acl};
	if (j == NULL) {
		return;
	}
	if ((acl != NULL && (j->acl = rp_strdup(acl)) == NULL) ||
	    rp_workers_tunnel_acl(r->workers, j->ref, &order, on_order_done, j) != 0) {
		fail(j, 500, "", "out of memory");
	}
}

void rp_registry_on_tunnel_gone(
    void *ctx, struct rp_conn_ref ref, const char *tunnel_id, const char *why)
{
	struct rp_registry *r = ctx;
	struct rp_registry_entry *e = rp_registry_find_ref(r, ref);
	struct rp_tunnel_info *t = e == NULL ? NULL : find_tunnel(e, tunnel_id);
	if (t != NULL) {
		rp_log_info(COMPONENT, "client %s: tunnel %s ended: %s", e->c.id, tunnel_id, why);
		drop_tunnel(e, t);
		tell(r, "closed", e, tunnel_id);
		(void)rp_registry_save(r, e, NULL, NULL);
	}
}
