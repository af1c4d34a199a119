/* SPDX-License-Identifier: MIT */
/*
 * Registration of a client (wire protocol 3.5), the steps on the control loop:
 *
 *   on_register: who is it, may it -> [old connection of the same client: same session: close
 * it; other session: ping it
 *   first, and only if it does not answer close it] -> old connection is down, its ports are
 * free -> accept (worker checks and starts the
 *   tunnels) -> on_up: the record is updated and stored.
 *
 * on_down at any point removes what is pending. A client that is refused gets the documented text.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/log.h"
#include "server/events.h"
#include "server/registry_int.h"

#include "core/banned.h"

#define COMPONENT "client-listener"
/* Well within the 30 s that installed clients wait for their answer. */
#define PROBE_MS 5000
#define ID_MAX   256

static void pending_free(struct rp_pending *p)
{
	rp_list_remove(&p->node);
	rp_free(p->id);
	rp_free(p->peer);
	rp_free(p->auth_id);
	rp_json_release(&rp_new_connection_table, &p->hello);
	rp_free(p);
}

void rp_registry_drop_pendings(struct rp_registry *r)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &r->pendings) {
		pending_free(RP_LIST_ENTRY(it, struct rp_pending, node));
	}
}

void rp_registry_drop_pending(struct rp_registry *r, const char *auth_id, const char *id)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &r->pendings) {
		struct rp_pending *p = RP_LIST_ENTRY(it, struct rp_pending, node);
		if ((auth_id != NULL && strcmp(p->auth_id, auth_id) == 0) ||
		    (id != NULL && strcmp(p->id, id) == 0)) {
			rp_workers_refuse(r->workers, p->ref, "the credentials are deleted");
			pending_free(p);
		}
	}
}

static struct rp_pending *find_by_ref(struct rp_registry *r, struct rp_conn_ref ref)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &r->pendings) {
		struct rp_pending *p = RP_LIST_ENTRY(it, struct rp_pending, node);
		if (rp_conn_ref_eq(p->ref, ref)) {
			return p;
		}
	}
	return NULL;
}

static struct rp_pending *find_by_id(struct rp_registry *r, const char *id)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &r->pendings) {
		struct rp_pending *p = RP_LIST_ENTRY(it, struct rp_pending, node);
		if (strcmp(p->id, id) == 0) {
			return p;
		}
	}
	return NULL;
}

static void refuse(struct rp_registry *r, struct rp_conn_ref ref, const char *fmt, ...)
    RP_PRINTF(3, 4);
static void refuse(struct rp_registry *r, struct rp_conn_ref ref, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	rp_workers_refuse(r->workers, ref, text);
}

/* Step 1 of 3.5. */
static char *choose_id(
    const struct rp_registry *r, const struct rp_new_connection *hello, const char *auth_id)
{
	char uuid[RP_UUID_TEXT_MAX];
	if (hello->id != NULL && hello->id[0] != '\0') {
		return rp_strdup(hello->id);
	}
	if (!r->opt.cfg->server.auth_multiuse_creds &&
	    r->opt.cfg->server.equate_clientauthid_clientid) {
		return rp_strdup(auth_id);
	}
	rp_uuid4(uuid);
	return rp_strdup(uuid);
}

/* The id appears in paths, logs and the dashboard. */
static bool id_valid(const char *id)
{
	size_t n = strlen(id);
	if (n > ID_MAX || !rp_utf8_valid(id, n)) {
		return false;
	}
	for (; *id != '\0'; id++) {
		if ((unsigned char)*id < ' ' || *id == 0x7f) {
			return false;
		}
	}
	return true;
}

/* Step 3: one credential, one client. */
static bool auth_id_taken(struct rp_registry *r, const char *auth_id, const char *id)
{
	struct rp_list *it;
	struct rp_list *tmp;
	int64_t now = rp_time_now();
	if (r->opt.cfg->server.auth_multiuse_creds) {
		return false;
	}
	RP_LIST_FOREACH(it, tmp, &r->all) {
		struct rp_registry_entry *e = RP_LIST_ENTRY(it, struct rp_registry_entry, list);
		if (e->c.client_auth_id != NULL && strcmp(e->c.client_auth_id, auth_id) == 0 &&
		    strcmp(e->c.id, id) != 0 && !rp_registry_obsolete(r, e, now)) {
			return true;
		}
	}
	RP_LIST_FOREACH(it, tmp, &r->pendings) {
		struct rp_pending *p = RP_LIST_ENTRY(it, struct rp_pending, node);
		if (strcmp(p->auth_id, auth_id) == 0 && strcmp(p->id, id) != 0) {
			return true;
		}
	}
	return false;
}

static void refuse_connected(
    struct rp_registry *r, struct rp_conn_ref ref, struct rp_registry_entry *e)
{
	refuse(r, ref, "client is already connected: %s [%s]", e->c.name != NULL ? e->c.name : "",
	    e->c.id);
}

/* Installed clients since 0.6.4, and our own kind, whose versions count from the beginning. */
static bool knows_check_tunnel(const struct rp_new_connection *hello)
{
	return rp_version_at_least(hello->version, 0, 6, 4) ||
	    rp_strlist_has(&hello->features, RP_FEATURE_HALF_CLOSE);
}

static void accept_pending(struct rp_registry *r, struct rp_pending *p)
{
	static const struct rp_json_vec none = {0};
	struct rp_tunnel_plan plan;
	const struct rp_registry_entry *e = rp_registry_find(r, p->id);
	const struct rp_json_vec *old = e == NULL ? &none : &e->c.tunnels;
	if (rp_tunnel_plan_make(&plan, old, p->hello.remotes.v, p->hello.remotes.n) != 0) {
		refuse(r, p->ref, "out of memory");
		return;
	}
	if (plan.changed) {
		rp_log_info(COMPONENT,
		    "client %s asks for other tunnels than before: its last %zu do not come back",
		    p->id, old->n);
	}
	p->state = RP_PENDING_ACCEPTED;
	rp_workers_accept(r->workers, p->ref, p->id, &plan, knows_check_tunnel(&p->hello));
	rp_tunnel_plan_fini(&plan);
}

static void take_over(struct rp_registry *r, struct rp_pending *p, struct rp_registry_entry *e)
{
	p->state = RP_PENDING_OLD_DOWN;
	rp_log_info(COMPONENT, "client %s: a new connection takes over", e->c.id);
	rp_workers_close(r->workers, e->ref, "replaced by a new connection of the client");
}

/* The answer of the old connection to our ping. The pending request may have gone meanwhile, so
 * it is looked up again. */
struct probe {
	struct rp_registry *registry;
	struct rp_conn_ref ref; /* of the new connection */
};

static void on_probe(void *ctx, int code, const char *p, size_t n)
{
	struct probe *probe = ctx;
	struct rp_registry *r = probe->registry;
	struct rp_pending *pending = r->closing ? NULL : find_by_ref(r, probe->ref);
	(void)p;
	(void)n;
	rp_free(probe);
	if (pending == NULL || pending->state != RP_PENDING_PROBE) {
		return;
	}
	struct rp_registry_entry *e = rp_registry_find(r, pending->id);
	if (e == NULL || e->ref.id == 0) {
		accept_pending(r, pending);
	} else if (code == 0 || code == RP_EDENIED) {
		refuse_connected(r, pending->ref, e);
	} else {
		take_over(r, pending, e);
	}
}

/* Another process with the same id: believe the old connection only if it answers. */
static void probe_old(struct rp_registry *r, struct rp_pending *p, struct rp_registry_entry *e)
{
	const struct rp_call_order call = {.name = "ping", .timeout_ms = PROBE_MS};
	struct probe *probe = rp_calloc(1, sizeof(*probe));
	if (probe == NULL) {
		refuse(r, p->ref, "out of memory");
		return;
	}
	probe->registry = r;
	probe->ref = p->ref;
	p->state = RP_PENDING_PROBE;
	if (rp_workers_call(r->workers, e->ref, &call, on_probe, probe) != 0) {
		rp_free(probe);
		refuse_connected(r, p->ref, e);
	}
}

static bool same_session(const struct rp_registry_entry *e, const struct rp_new_connection *hello)
{
	return hello->session_id != NULL && hello->session_id[0] != '\0' && e->session_id != NULL &&
	    strcmp(e->session_id, hello->session_id) == 0;
}

static struct rp_pending *pending_new(struct rp_registry *r, struct rp_conn_ref ref,
    const char *peer, const char *auth_id, struct rp_new_connection *hello)
{
	struct rp_pending *p = rp_calloc(1, sizeof(*p));
	if (p == NULL) {
		return NULL;
	}
	p->registry = r;
	p->ref = ref;
	rp_list_append(&r->pendings, &p->node);
	p->id = choose_id(r, hello, auth_id);
	p->peer = rp_strdup(peer);
	p->auth_id = rp_strdup(auth_id);
	if (p->id == NULL || p->peer == NULL || p->auth_id == NULL) {
		pending_free(p);
		return NULL;
	}
	p->hello = *hello;
	memset(hello, 0, sizeof(*hello));
	return p;
}

/* True if the request may go on; otherwise it was refused. */
static bool may_register(struct rp_registry *r, struct rp_pending *p, struct rp_registry_entry *e)
{
	if (!id_valid(p->id)) {
		refuse(r, p->ref, "invalid client id: at most %d characters, no control characters",
		    ID_MAX);
		return false;
	}
	if (e != NULL && !rp_version_valid(p->hello.version)) {
		refuse(r, p->ref, "failed to determine client version: Malformed version: %s",
		    p->hello.version != NULL ? p->hello.version : "");
		return false;
	}
	if (auth_id_taken(r, p->auth_id, p->id)) {
		refuse(r, p->ref, "client auth ID is already in use: \"%s\"", p->auth_id);
		return false;
	}
	return true;
}

void rp_registry_on_register(void *ctx, struct rp_conn_ref ref, const char *peer,
    const char *auth_id, struct rp_new_connection *hello)
{
	struct rp_registry *r = ctx;
	struct rp_pending *p = pending_new(r, ref, peer, auth_id, hello);
	if (p == NULL) {
		refuse(r, ref, "out of memory");
		return;
	}
	rp_registry_drop_obsolete(r, p->id);
	struct rp_registry_entry *e = rp_registry_find(r, p->id);
	if (find_by_id(r, p->id) != p) {
		refuse(r, ref, "client is already connected: %s [%s]",
		    p->hello.name != NULL ? p->hello.name : "", p->id);
	} else if (!may_register(r, p, e)) {
		return;
	} else if (e == NULL || e->ref.id == 0) {
		accept_pending(r, p);
	} else if (same_session(e, &p->hello)) {
		take_over(r, p, e);
	} else {
		probe_old(r, p, e);
	}
}

/* Moves the request's facts into the client's record. */
static void fill(struct rp_client *c, struct rp_new_connection *h)
{
#define MOVE(field)                  \
	do {                         \
		rp_free(c->field);   \
		c->field = h->field; \
		h->field = NULL;     \
	} while (0)
	MOVE(name);
	MOVE(hostname);
	MOVE(os);
	MOVE(os_full_name);
	MOVE(os_version);
	MOVE(os_arch);
	MOVE(os_family);
	MOVE(os_kernel);
	MOVE(os_virtualization_system);
	MOVE(os_virtualization_role);
	MOVE(cpu_family);
	MOVE(cpu_model);
	MOVE(cpu_model_name);
	MOVE(cpu_vendor);
	MOVE(timezone);
	MOVE(version);
#undef MOVE
	c->num_cpus = h->num_cpus;
	c->mem_total = h->mem_total;
	rp_strlist_fini(&c->ipv4);
	rp_strlist_fini(&c->ipv6);
	rp_strlist_fini(&c->tags);
	rp_strmap_fini(&c->labels);
	c->ipv4 = h->ipv4;
	c->ipv6 = h->ipv6;
	c->tags = h->tags;
	c->labels = h->labels;
	memset(&h->ipv4, 0, sizeof(h->ipv4));
	memset(&h->ipv6, 0, sizeof(h->ipv6));
	memset(&h->tags, 0, sizeof(h->tags));
	memset(&h->labels, 0, sizeof(h->labels));
	rp_free(c->client_configuration);
	c->client_configuration = rp_redact_configuration(h->client_configuration);
}

static void set_tunnels(struct rp_client *c, struct rp_tunnel_info *tunnels, size_t n)
{
	struct rp_tunnel_info *old = c->tunnels.v;
	for (size_t i = 0; i < c->tunnels.n; i++) {
		rp_tunnel_info_fini(&old[i]);
	}
	rp_free(c->tunnels.v);
	c->tunnels.v = NULL;
	c->tunnels.n = 0;
	if (n == 0) {
		return;
	}
	c->tunnels.v = rp_memdup(tunnels, n * sizeof(*tunnels));
	if (c->tunnels.v != NULL) {
		c->tunnels.n = n;
		memset(tunnels, 0, n * sizeof(*tunnels));
	}
}

static void swap_text(char **slot, char **from)
{
	rp_free(*slot);
	*slot = *from;
	*from = NULL;
}

static void connected(struct rp_registry *r, struct rp_registry_entry *e, struct rp_pending *p,
    struct rp_tunnel_info *tunnels, size_t n)
{
	fill(&e->c, &p->hello);
	swap_text(&e->c.address, &p->peer);
	swap_text(&e->c.client_auth_id, &p->auth_id);
	swap_text(&e->session_id, &p->hello.session_id);
	set_tunnels(&e->c, tunnels, n);
	e->probing = false;
	r->n_connected++;
	rp_registry_heard(e);
	rp_registry_set_state(e, true);
	rp_registry_regroup(r, e);
	rp_log_info(COMPONENT, "client %s \"%s\" connected from %s with %zu tunnel(s)", e->c.id,
	    e->c.name != NULL ? e->c.name : "", e->c.address, n);
	(void)rp_registry_save(r, e, NULL, NULL);
	rp_events_client(r->opt.events, "connected", e->c.id);
}

void rp_registry_on_up(void *ctx, struct rp_conn_ref ref, struct rp_tunnel_info *tunnels, size_t n)
{
	struct rp_registry *r = ctx;
	struct rp_pending *p = find_by_ref(r, ref);
	if (p == NULL) {
		rp_workers_close(r->workers, ref, "no such registration");
		return;
	}
	struct rp_registry_entry *e = rp_registry_find(r, p->id);
	if (e == NULL) {
		e = rp_registry_add(r, p->id);
	}
	if (e == NULL || rp_registry_set_ref(r, e, ref) != 0) {
		rp_workers_close(r->workers, ref, "out of memory");
	} else {
		connected(r, e, p, tunnels, n);
	}
	pending_free(p);
}

void rp_registry_on_down(void *ctx, struct rp_conn_ref ref, const char *why)
{
	struct rp_registry *r = ctx;
	struct rp_pending *p = find_by_ref(r, ref);
	if (p != NULL) {
		pending_free(p);
		return;
	}
	struct rp_registry_entry *e = rp_registry_find_ref(r, ref);
	if (e == NULL) {
		return;
	}
	rp_log_info(COMPONENT, "client %s disconnected: %s", e->c.id, why);
	/* Disconnected clients may be forgotten at once: keep the id for the one who waits. */
	struct rp_pending *waiting = find_by_id(r, e->c.id);
	rp_registry_disconnected(r, e);
	if (waiting != NULL && waiting->state == RP_PENDING_OLD_DOWN) {
		accept_pending(r, waiting);
	}
}
