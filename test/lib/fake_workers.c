/* SPDX-License-Identifier: MIT */
/*
 * Takes the place of server/worker.c at link time, so it defines all that others use of that file.
 */
#include "test/lib/fake_workers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"

struct rp_workers {
	struct rp_fake_order v[RP_FAKE_ORDERS_MAX];
	size_t n;
	size_t taken;
};

static char *dup_text(const char *s)
{
	char *copy = s == NULL ? NULL : rp_strdup(s);
	RP_VERIFY(s == NULL || copy != NULL);
	return copy;
}

static struct rp_fake_order *add(struct rp_workers *w, enum rp_fake_kind kind,
    struct rp_conn_ref ref, const char *name, const char *text)
{
	RP_VERIFY(w->n < RP_FAKE_ORDERS_MAX);
	struct rp_fake_order *o = &w->v[w->n++];
	memset(o, 0, sizeof(*o));
	o->kind = kind;
	o->ref = ref;
	o->name = dup_text(name);
	o->text = dup_text(text);
	return o;
}

struct rp_workers *rp_fake_workers_new(void)
{
	struct rp_workers *w = rp_calloc(1, sizeof(*w));
	RP_VERIFY(w != NULL);
	return w;
}

void rp_fake_answer(struct rp_fake_order *o, int code, const char *payload)
{
	rp_workers_call_cb cb = o->call_cb;
	RP_VERIFY(o->kind == RP_FAKE_CALL && cb != NULL);
	o->call_cb = NULL;
	cb(o->ctx, code, payload, strlen(payload));
}

void rp_fake_answer_tunnel(struct rp_fake_order *o, int code, const char *id, const char *text)
{
	struct rp_tunnel_info info = {0};
	struct rp_err err = {0};
	rp_workers_tunnel_cb cb = o->tunnel_cb;
	RP_VERIFY(cb != NULL);
	o->tunnel_cb = NULL;
	if (code == 0 && o->kind == RP_FAKE_START) {
		info.id = dup_text(id);
		info.created_at = INT64_C(1767323045500000000);
		RP_VERIFY(rp_remote_copy(&info.remote, &o->remote) == 0);
		if (info.remote.lport == NULL || info.remote.lport[0] == '\0') {
			rp_free(info.remote.lport);
			rp_free(info.remote.lhost);
			info.remote.lhost = dup_text("0.0.0.0");
			info.remote.lport = dup_text("20001");
			info.remote.lport_random = true;
		}
	} else if (code != 0) {
		(void)rp_err_set(&err, code, "%s", text);
	}
	cb(o->ctx, code, code == 0 ? &info : NULL, &err);
	rp_tunnel_info_fini(&info);
}

void rp_fake_clear(struct rp_workers *w)
{
	/* Answers may bring new orders. */
	for (size_t i = 0; i < w->n; i++) {
		if (w->v[i].call_cb != NULL) {
			rp_fake_answer(&w->v[i], RP_ECLOSED, "");
		} else if (w->v[i].tunnel_cb != NULL) {
			rp_fake_answer_tunnel(&w->v[i], RP_ECLOSED, NULL, "closed");
		}
	}
	for (size_t i = 0; i < w->n; i++) {
		rp_free(w->v[i].name);
		rp_free(w->v[i].text);
		rp_free(w->v[i].file);
		rp_remote_fini(&w->v[i].remote);
		rp_strlist_fini(&w->v[i].old);
	}
	w->n = 0;
}

void rp_fake_answer_all(struct rp_workers *w)
{
	for (size_t i = 0; i < rp_fake_count(w); i++) {
		struct rp_fake_order *o = rp_fake_order(w, i);
		if (o->tunnel_cb != NULL) {
			rp_fake_answer_tunnel(o, 0, "1", NULL);
		} else if (o->call_cb != NULL && strcmp(o->name, "check_tunnel_allowed") == 0) {
			rp_fake_answer(o, 0, "{\"IsAllowed\":true}");
		} else if (o->call_cb != NULL && strcmp(o->name, "run_cmd") == 0) {
			rp_fake_answer(o, 0, "{\"Pid\":7,\"StartedAt\":\"2026-11-20T00:00:00Z\"}");
		} else if (o->call_cb != NULL) {
			rp_fake_answer(
			    o, 0, "{\"size\":5,\"message\":\"fine\",\"status\":\"success\"}");
		}
	}
	rp_fake_clear(w);
}

void rp_fake_workers_free(struct rp_workers *w)
{
	rp_fake_clear(w);
	rp_free(w);
}

struct rp_fake_order *rp_fake_order(struct rp_workers *w, size_t n)
{
	if (n >= w->n) {
		fail_msg("only %zu orders", w->n);
	}
	return &w->v[n];
}

size_t rp_fake_count(const struct rp_workers *w)
{
	return w->n;
}

void rp_workers_accept(struct rp_workers *w, struct rp_conn_ref ref, const char *client_id,
    const struct rp_tunnel_plan *plan, bool ask_old)
{
	struct rp_fake_order *o = add(w, RP_FAKE_ACCEPT, ref, client_id, NULL);
	o->flag = ask_old;
	for (size_t i = plan->n_wanted; i < plan->n; i++) {
		char *text = rp_remote_text(&plan->v[i].remote);
		RP_VERIFY(text != NULL && rp_strlist_add(&o->old, rp_str_c(text)) == 0);
		rp_free(text);
	}
}

void rp_workers_refuse(struct rp_workers *w, struct rp_conn_ref ref, const char *text)
{
	(void)add(w, RP_FAKE_REFUSE, ref, NULL, text);
}

void rp_workers_notified(struct rp_workers *w, struct rp_conn_ref ref)
{
	(void)w;
	(void)ref;
}

void rp_workers_output_taken(
    struct rp_workers *w, struct rp_conn_ref ref, const struct rp_job_output *output)
{
	(void)ref;
	w->taken += output->n;
}

size_t rp_fake_taken(const struct rp_workers *w)
{
	return w->taken;
}

void rp_workers_close(struct rp_workers *w, struct rp_conn_ref ref, const char *why)
{
	(void)add(w, RP_FAKE_CLOSE, ref, NULL, why);
}

int rp_workers_call(struct rp_workers *w, struct rp_conn_ref ref, const struct rp_call_order *call,
    rp_workers_call_cb cb, void *ctx)
{
	struct rp_fake_order *o = add(w, RP_FAKE_CALL, ref, call->name, call->payload);
	o->timeout_ms = call->timeout_ms;
	o->file = dup_text(call->file);
	o->call_cb = cb;
	o->ctx = ctx;
	return 0;
}

int rp_workers_tunnel_start(struct rp_workers *w, struct rp_conn_ref ref, const struct rp_remote *r,
    rp_workers_tunnel_cb cb, void *ctx)
{
	struct rp_fake_order *o = add(w, RP_FAKE_START, ref, NULL, NULL);
	RP_VERIFY(rp_remote_copy(&o->remote, r) == 0);
	o->tunnel_cb = cb;
	o->ctx = ctx;
	return 0;
}

int rp_workers_tunnel_stop(struct rp_workers *w, struct rp_conn_ref ref,
    const struct rp_tunnel_stop *stop, rp_workers_tunnel_cb cb, void *ctx)
{
	struct rp_fake_order *o = add(w, RP_FAKE_STOP, ref, stop->tunnel_id, NULL);
	o->flag = stop->force;
	o->tunnel_cb = cb;
	o->ctx = ctx;
	return 0;
}

int rp_workers_tunnel_acl(struct rp_workers *w, struct rp_conn_ref ref,
    const struct rp_tunnel_acl *acl, rp_workers_tunnel_cb cb, void *ctx)
{
	struct rp_fake_order *o = add(w, RP_FAKE_ACL, ref, acl->tunnel_id, acl->acl);
	o->tunnel_cb = cb;
	o->ctx = ctx;
	return 0;
}
