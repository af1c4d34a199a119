/* SPDX-License-Identifier: MIT */
/*
 * What a server asks of a client (wire protocol 4.2), with the documented answers. Answers that
 * take a while come later; the mux keeps their order on the wire. JSON of a wrong type is
 * answered like any other mistake.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/agent.h"
#include "client/attributes.h"
#include "client/uplink.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/log.h"
#include "tunnel/hello.h"

#include "core/banned.h"

#define CHECK_TIMEOUT_NS_MAX (60 * RP_NS_PER_S)

/* A request that is answered later; the connection may be gone by then. */
struct pending {
	struct rp_list node;
	struct rp_uplink *u; /* NULL: gone */
	uint64_t ticket;
	struct rp_check *check; /* ends with the connection; NULL: something that does not */
};

static void reply(struct rp_uplink *u, uint64_t ticket, bool ok, const char *text)
{
	(void)rp_mux_reply(u->link.mux, ticket, ok, text, strlen(text));
}

static void refuse(struct rp_uplink *u, uint64_t ticket, const char *fmt, ...) RP_PRINTF(3, 4);
static void refuse(struct rp_uplink *u, uint64_t ticket, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	reply(u, ticket, false, text);
}

static void reply_struct(
    struct rp_uplink *u, uint64_t ticket, const struct rp_json_table *t, const void *src)
{
	char *text = rp_json_text(t, src);
	if (text == NULL) {
		reply(u, ticket, false, rp_err_text(RP_ENOMEM));
	} else {
		reply(u, ticket, true, text);
	}
	rp_free(text);
}

/* NULL: the request was answered with a failure. */
static struct pending *pending_new(struct rp_uplink *u, uint64_t ticket)
{
	struct pending *w = rp_calloc(1, sizeof(*w));
	if (w == NULL) {
		reply(u, ticket, false, rp_err_text(RP_ENOMEM));
		return NULL;
	}
	w->u = u;
	w->ticket = ticket;
	rp_list_append(&u->pending, &w->node);
	return w;
}

/* The connection to answer on, or NULL. */
static struct rp_uplink *pending_end(struct pending *w, uint64_t *ticket)
{
	struct rp_uplink *u = w->u;
	*ticket = w->ticket;
	rp_list_remove(&w->node);
	rp_free(w);
	return u != NULL && u->state != RP_UPLINK_CLOSING ? u : NULL;
}

void rp_uplink_drop_requests(struct rp_uplink *u)
{
	struct rp_list *it;
	struct rp_list *tmp;
	if (u->agent->reception != NULL) {
		rp_reception_lost(u->agent->reception, u->link.mux);
	}
	RP_LIST_FOREACH(it, tmp, &u->pending) {
		struct pending *w = RP_LIST_ENTRY(it, struct pending, node);
		rp_list_remove(&w->node);
		w->u = NULL;
		if (w->check != NULL) {
			rp_check_cancel(w->check);
			rp_free(w);
		}
	}
}

/* --- put_capabilities, ping --- */

static void put_capabilities(struct rp_uplink *u, uint64_t ticket, const uint8_t *p, size_t n)
{
	struct rp_capabilities cap = {0};
	struct rp_err err = {0};
	if (rp_json_decode_text(p, n, &rp_capabilities_table, false, &cap, &err) == 0) {
		u->half_close = rp_strlist_has(&cap.features, RP_FEATURE_HALF_CLOSE);
		rp_log_debug(RP_CLIENT_LOG, "the server is version %s",
		    cap.server_version == NULL ? "unknown" : cap.server_version);
		if (u->agent->sensors != NULL && u == u->agent->link) {
			rp_sensors_want(u->agent->sensors, &cap);
		}
		rp_json_release(&rp_capabilities_table, &cap);
	} else {
		rp_log_debug(RP_CLIENT_LOG, "put_capabilities is ignored: %s", err.msg);
	}
	reply(u, ticket, true, "null");
}

static void ping(struct rp_uplink *u, uint64_t ticket, const uint8_t *p, size_t n)
{
	(void)p;
	(void)n;
	(void)rp_mux_reply(u->link.mux, ticket, true, NULL, 0);
}

/* --- checks --- */

static void on_port_checked(void *ctx, bool open, const char *text)
{
	uint64_t ticket;
	struct rp_uplink *u = pending_end(ctx, &ticket);
	char *copy = rp_strdup(text == NULL ? "" : text);
	if (u != NULL && copy != NULL) {
		const struct rp_check_port_answer answer = {.open = open, .err_msg = copy};
		reply_struct(u, ticket, &rp_check_port_answer_table, &answer);
	} else if (u != NULL) {
		reply(u, ticket, false, rp_err_text(RP_ENOMEM));
	}
	rp_free(copy);
}

static void start_port_check(struct rp_uplink *u, uint64_t ticket, const struct rp_check_port *q)
{
	struct pending *w = pending_new(u, ticket);
	if (w == NULL) {
		return;
	}
	const struct rp_port_question question = {
	    .hostport = q->host_port,
	    .timeout_ns = q->timeout <= 0 ? 0 : RP_MIN(q->timeout, CHECK_TIMEOUT_NS_MAX),
	};
	int err = rp_port_check(
	    u->agent->loop, &u->agent->setup.allowed, &question, on_port_checked, w, &w->check);
	if (err != 0) {
		(void)pending_end(w, &ticket);
		refuse(u, ticket, "cannot check the port: %s", rp_err_text(err));
	}
}

static void check_port(struct rp_uplink *u, uint64_t ticket, const uint8_t *p, size_t n)
{
	struct rp_check_port q = {0};
	struct rp_err err = {0};
	if (ticket == 0) {
		return;
	}
	if (rp_json_decode_text(p, n, &rp_check_port_table, false, &q, &err) != 0) {
		refuse(u, ticket, "failed to decode request: %s", err.msg);
		return;
	}
	if (q.host_port == NULL) {
		refuse(u, ticket, "failed to decode request: HostPort is missing");
	} else {
		start_port_check(u, ticket, &q);
	}
	rp_json_release(&rp_check_port_table, &q);
}

static void reply_allowed(struct rp_uplink *u, uint64_t ticket, bool allowed)
{
	const struct rp_check_tunnel_answer answer = {.is_allowed = allowed};
	reply_struct(u, ticket, &rp_check_tunnel_answer_table, &answer);
}

static void on_tunnel_checked(void *ctx, int code, bool allowed, const char *text)
{
	uint64_t ticket;
	struct rp_uplink *u = pending_end(ctx, &ticket);
	if (u == NULL) {
		return;
	}
	if (code != 0) {
		refuse(u, ticket, "%s", text == NULL ? rp_err_text(code) : text);
	} else {
		reply_allowed(u, ticket, allowed);
	}
}

static void start_tunnel_check(struct rp_uplink *u, uint64_t ticket, const char *remote)
{
	struct pending *w = pending_new(u, ticket);
	if (w == NULL) {
		return;
	}
	int err = rp_target_check(
	    u->agent->loop, &u->agent->setup.allowed, remote, on_tunnel_checked, w, &w->check);
	if (err != 0) {
		(void)pending_end(w, &ticket);
		refuse(u, ticket, "cannot check the target: %s", rp_err_text(err));
	}
}

/* Without rules everything is allowed, also what is no target at all (4.2). */
static void check_tunnel(struct rp_uplink *u, uint64_t ticket, const uint8_t *p, size_t n)
{
	struct rp_check_tunnel q = {0};
	struct rp_err err = {0};
	if (ticket == 0) {
		return;
	}
	if (rp_json_decode_text(p, n, &rp_check_tunnel_table, false, &q, &err) != 0) {
		refuse(u, ticket, "failed to decode request: %s", err.msg);
		return;
	}
	if (u->agent->setup.allowed.n == 0) {
		reply_allowed(u, ticket, true);
	} else {
		start_tunnel_check(u, ticket, q.remote == NULL ? "" : q.remote);
	}
	rp_json_release(&rp_check_tunnel_table, &q);
}

/* --- attributes, updates, uploads --- */

/* The file is written on another thread; the request's payload comes along. */
struct metadata_job {
	struct rp_serial_job job;
	struct rp_agent *agent;
	struct pending *pending;
	struct rp_attributes attrs;
	struct rp_err err;
	size_t n;
	char payload[];
};

static int write_metadata(struct rp_serial_job *job, void *ctx)
{
	struct metadata_job *m = RP_CONTAINER_OF(job, struct metadata_job, job);
	(void)ctx;
	return rp_attributes_update(
	    m->agent->cfg->client.attributes_file_path, m->payload, m->n, &m->attrs, &m->err);
}

static void on_metadata_written(struct rp_serial_job *job, int status)
{
	struct metadata_job *m = RP_CONTAINER_OF(job, struct metadata_job, job);
	uint64_t ticket;
	struct rp_uplink *u = pending_end(m->pending, &ticket);
	if (status == 0) {
		rp_agent_take_attributes(m->agent, &m->attrs);
	}
	if (u != NULL && status == 0) {
		reply(u, ticket, true, "{\"status\":\"OK\"}");
	} else if (u != NULL) {
		reply(u, ticket, false, m->err.msg[0] != '\0' ? m->err.msg : rp_err_text(status));
	}
	rp_attributes_fini(&m->attrs);
	rp_free(m);
}

static void update_metadata(struct rp_uplink *u, uint64_t ticket, const uint8_t *p, size_t n)
{
	struct pending *w = pending_new(u, ticket);
	if (w == NULL) {
		return;
	}
	struct metadata_job *m = rp_calloc(1, sizeof(*m) + n);
	if (m == NULL) {
		(void)pending_end(w, &ticket);
		reply(u, ticket, false, rp_err_text(RP_ENOMEM));
		return;
	}
	m->job.work = write_metadata;
	m->job.done = on_metadata_written;
	m->agent = u->agent;
	m->pending = w;
	m->n = n;
	if (n > 0) {
		memcpy(m->payload, p, n);
	}
	int err = rp_serial_submit(u->agent->files, &m->job);
	if (err != 0) {
		(void)pending_end(w, &ticket);
		rp_free(m);
		reply(u, ticket, false, rp_err_text(err));
	}
}

/* The answer does not wait for the status, which follows as a notification. */
static void refresh_updates(struct rp_uplink *u, uint64_t ticket, const uint8_t *p, size_t n)
{
	(void)p;
	(void)n;
	reply(u, ticket, true, "null");
	if (u->agent->sensors != NULL) {
		rp_sensors_refresh_updates(u->agent->sensors);
	}
}

static void on_file_received(void *ctx, bool ok, const char *text)
{
	uint64_t ticket;
	struct rp_uplink *u = pending_end(ctx, &ticket);
	if (u != NULL) {
		reply(u, ticket, ok, text);
	}
}

static void upload(struct rp_uplink *u, uint64_t ticket, const uint8_t *p, size_t n)
{
	struct rp_err err = {0};
	struct pending *w = pending_new(u, ticket);
	if (w == NULL) {
		return;
	}
	if (rp_reception_start(
	        u->agent->reception, u->link.mux, rp_str_n(p, n), on_file_received, w, &err) != 0) {
		(void)pending_end(w, &ticket);
		reply(u, ticket, false, err.msg);
	}
}

/* --- commands --- */

static void on_command_started(void *ctx, const struct rp_run_answer *answer, const char *why)
{
	uint64_t ticket;
	struct rp_uplink *u = pending_end(ctx, &ticket);
	if (u == NULL) {
		return;
	}
	if (answer == NULL) {
		reply(u, ticket, false, why);
	} else {
		reply_struct(u, ticket, &rp_run_answer_table, answer);
	}
}

static void run_cmd(struct rp_uplink *u, uint64_t ticket, const uint8_t *p, size_t n)
{
	struct rp_err err = {0};
	struct pending *w = pending_new(u, ticket);
	if (w == NULL) {
		return;
	}
	if (rp_agent_command(u->agent, p, n, on_command_started, w, &err) != 0) {
		(void)pending_end(w, &ticket);
		reply(u, ticket, false, err.msg);
	}
}

static const struct {
	const char *name;
	void (*serve)(struct rp_uplink *u, uint64_t ticket, const uint8_t *p, size_t n);
} requests[] = {
    {"put_capabilities", put_capabilities},
    {"ping", ping},
    {"check_port", check_port},
    {"check_tunnel_allowed", check_tunnel},
    {"run_cmd", run_cmd},
    {"update_client_metadata", update_metadata},
    {"refresh_updates_status", refresh_updates},
    {"upload", upload},
};

void rp_uplink_request(
    struct rp_uplink *u, struct rp_str name, uint64_t ticket, const uint8_t *p, size_t n)
{
	/* What serves them goes before the connection does. */
	if (u->agent->stopping) {
		reply(u, ticket, false, "the client is shutting down");
		return;
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(requests); i++) {
		if (rp_str_eq(name, requests[i].name)) {
			requests[i].serve(u, ticket, p, n);
			return;
		}
	}
	reply(u, ticket, false, "unknown request");
}
