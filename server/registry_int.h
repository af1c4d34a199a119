/* SPDX-License-Identifier: MIT */
/*
 * Insides of the registry, shared by server/registry*.c.
 */
#ifndef RP_SERVER_REGISTRY_INT_H
#define RP_SERVER_REGISTRY_INT_H

#include <stdbool.h>

#include <uv.h>

#include "core/hash.h"
#include "core/list.h"
#include "server/registry.h"

/* "<worker>.<id>" */
#define RP_REGISTRY_REF_MAX 36

struct rp_registry_entry {
	struct rp_hash_node node; /* by id */
	struct rp_list list;      /* all, oldest first */
	struct rp_client c;
	char *session_id;
	struct rp_conn_ref ref; /* id 0 = not connected; else in by_ref */
	struct rp_hash_node ref_node;
	char ref_key[RP_REGISTRY_REF_MAX];
	bool probing;      /* a server ping is under way */
	uint64_t heard_ms; /* as last_heartbeat_at, by a clock that nobody sets */
};

/* A registration that is not finished: until the old connection is gone and the worker has
 * started the tunnels. */
enum rp_pending_state {
	RP_PENDING_PROBE,
	RP_PENDING_OLD_DOWN,
	RP_PENDING_ACCEPTED
};
struct rp_pending {
	struct rp_list node;
	struct rp_registry *registry;
	enum rp_pending_state state;
	struct rp_conn_ref ref;
	char *id;
	char *peer;
	char *auth_id;
	struct rp_new_connection hello;
};

struct rp_registry {
	struct rp_registry_options opt;
	struct rp_workers *workers;
	struct rp_hash by_id;
	struct rp_hash by_ref; /* those that are connected */
	struct rp_list all;
	struct rp_cgroups *groups;
	size_t n_connected;
	struct rp_list pendings;
	rp_registry_notify_cb notify;
	void *notify_ctx;
	rp_registry_output_cb output;
	void *output_ctx;
	uv_timer_t check; /* server pings */
	uv_timer_t purge;
	bool closing;
};

struct rp_registry_entry *rp_registry_find(struct rp_registry *r, const char *id);
struct rp_registry_entry *rp_registry_find_ref(struct rp_registry *r, struct rp_conn_ref ref);
/* From now on the events of that connection are this client's. RP_ENOMEM: nothing changed. */
RP_NODISCARD int rp_registry_set_ref(
    struct rp_registry *r, struct rp_registry_entry *e, struct rp_conn_ref ref);
bool rp_conn_ref_eq(struct rp_conn_ref a, struct rp_conn_ref b);
/* A new, disconnected, empty entry; NULL without memory. */
struct rp_registry_entry *rp_registry_add(struct rp_registry *r, const char *id);
/* The connection's events are the client's no more. Harmless when it has none. */
void rp_registry_clear_ref(struct rp_registry *r, struct rp_registry_entry *e);
void rp_registry_remove(struct rp_registry *r, struct rp_registry_entry *e);
/* To the store; done may be NULL. Failures are logged. Negative: done does not come. */
int rp_registry_save(
    struct rp_registry *r, struct rp_registry_entry *e, rp_store_done_cb done, void *ctx);
/* What groups are about has changed: works out the client's. */
void rp_registry_regroup(struct rp_registry *r, struct rp_registry_entry *e);
void rp_registry_set_state(struct rp_registry_entry *e, bool connected);
/* The client gave a sign of life. */
void rp_registry_heard(struct rp_registry_entry *e);

/* registry_events.c: looks for those that have to be asked for a sign of life. At least so often, so
 * that a peer that is gone is noticed within interval and timeout. */
#define RP_REGISTRY_CHECK_EVERY_MS 10000u
void rp_registry_on_check(uv_timer_t *timer);

/* registry_forget.c */
void rp_registry_disconnected(struct rp_registry *r, struct rp_registry_entry *e);
/* Is it away for so long that it counts as unknown (purge_disconnected_clients)? */
bool rp_registry_obsolete(
    const struct rp_registry *r, const struct rp_registry_entry *e, int64_t now);
/* Forgets the client of that id if it is. */
void rp_registry_drop_obsolete(struct rp_registry *r, const char *id);
void rp_registry_on_purge(uv_timer_t *timer);

/* registry_register.c */
void rp_registry_on_register(void *ctx, struct rp_conn_ref ref, const char *peer,
    const char *auth_id, struct rp_new_connection *hello);
void rp_registry_on_up(void *ctx, struct rp_conn_ref ref, struct rp_tunnel_info *tunnels, size_t n);
void rp_registry_on_down(void *ctx, struct rp_conn_ref ref, const char *why);
void rp_registry_drop_pendings(struct rp_registry *r);
/* Refuses the registrations under way with these credentials, or of that client (NULL: any). */
void rp_registry_drop_pending(struct rp_registry *r, const char *auth_id, const char *id);

/* registry_tunnels.c */
void rp_registry_on_tunnel_gone(
    void *ctx, struct rp_conn_ref ref, const char *tunnel_id, const char *why);

/* redact.c: the client's configuration without its secrets (rport-api quirk 15); NULL stays
 * NULL, unreadable becomes NULL. Owned. */
char *rp_redact_configuration(const char *json);

#endif
