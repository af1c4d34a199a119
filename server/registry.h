/* SPDX-License-Identifier: MIT */
/*
 * All clients that the server knows, connected or not, on the control loop: a mirror of the
 * connections fed by worker events, kept in
 * SQLite. Decides about registration (wire protocol 3.5, with the take-over done right: the old
 * connection is closed first), orders tunnels, and tells
 * its listener what changed. The API reads here and never waits for a worker.
 */
#ifndef RP_SERVER_REGISTRY_H
#define RP_SERVER_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/hash.h"
#include "core/json.h"
#include "server/clients_store.h"
#include "server/config.h"
#include "server/worker.h"

struct rp_cgroups;
struct rp_events;
struct rp_registry;

/* A client as the API shows it (rport-api 3.7; rp_client_table has the keys in that order).
 * Read-only outside the registry. */
struct rp_client {
	char *id;
	char *name;
	char *address;
	char *hostname;
	char *os;
	char *os_full_name;
	char *os_version;
	char *os_arch;
	char *os_family;
	char *os_kernel;
	char *os_virtualization_system;
	char *os_virtualization_role;
	int64_t num_cpus;
	char *cpu_family;
	char *cpu_model;
	char *cpu_model_name;
	char *cpu_vendor;
	uint64_t mem_total;
	char *timezone;
	char *client_auth_id;
	char *version;
	int64_t disconnected_at; /* RP_TIME_ZERO = connected */
	int64_t last_heartbeat_at;
	char *connection_state; /* "connected" or "disconnected" */
	struct rp_strlist ipv4;
	struct rp_strlist ipv6;
	struct rp_strlist tags;
	struct rp_strlist allowed_user_groups;
	struct rp_json_vec tunnels; /* struct rp_tunnel_info */
	char *updates_status;       /* raw JSON or NULL */
	char *ext_ip_addresses;
	char *client_configuration; /* secrets redacted */
	struct rp_strlist groups;   /* of clients; in order */
	struct rp_strmap labels;
	/* Groups of users that may use it because of its groups; neither stored nor shown. */
	struct rp_strlist inherited_user_groups;
};
extern const struct rp_json_table rp_client_table;

struct rp_registry_options {
	struct rp_loop *loop;
	const struct rp_server_config *cfg;
	struct rp_store *store;
	struct rp_events *events; /* may be NULL */
};

/* Job results and other notifications go to the owner of that matter. Payload borrowed. */
typedef void (*rp_registry_notify_cb)(
    void *ctx, const char *client_id, const char *name, const char *p, size_t n);

/* Loads the stored clients and groups (blocking, at start). */
RP_NODISCARD int rp_registry_new(
    const struct rp_registry_options *opt, struct rp_registry **out, struct rp_err *err);
/* The events that the workers report, with the registry as ctx, and the workers that it gives
 * orders to. */
const struct rp_conn_events *rp_registry_events(void);
void rp_registry_set_workers(struct rp_registry *r, struct rp_workers *w);
void rp_registry_on_notify(struct rp_registry *r, rp_registry_notify_cb cb, void *ctx);
/* Live output of jobs; borrowed. */
typedef void (*rp_registry_output_cb)(
    void *ctx, const char *client_id, const struct rp_job_output *o);
void rp_registry_on_output(struct rp_registry *r, rp_registry_output_cb cb, void *ctx);
/* Stops its timers; rp_registry_free after the workers have stopped and the loop has closed its
 * handles. */
void rp_registry_close(struct rp_registry *r);
void rp_registry_free(struct rp_registry *r);

/* The groups of its clients. */
struct rp_cgroups *rp_registry_cgroups(struct rp_registry *r);

/* NULL if unknown. Valid until the control loop's next turn. */
const struct rp_client *rp_registry_get(struct rp_registry *r, const char *id);
bool rp_client_connected(const struct rp_client *c);
size_t rp_registry_count(const struct rp_registry *r, bool connected);
/* fn returning false ends the walk. */
void rp_registry_each(
    struct rp_registry *r, bool (*fn)(const struct rp_client *c, void *ctx), void *ctx);
/* Forgets a disconnected client, also in the store. RP_ENOENT, RP_EBUSY (`Client is active,
 * should be disconnected`). done comes on the loop when it is stored. */
typedef void (*rp_registry_done_cb)(void *ctx, int code, const struct rp_err *err);
RP_NODISCARD int rp_registry_delete(
    struct rp_registry *r, const char *id, rp_registry_done_cb done, void *ctx);

/* Clients, connected or not, that use or used these credentials. */
size_t rp_registry_count_auth(const struct rp_registry *r, const char *auth_id);
/* Ends their connections and forgets them, also in the store; then done. */
RP_NODISCARD int rp_registry_end_auth(
    struct rp_registry *r, const char *auth_id, rp_registry_done_cb done, void *ctx);

/* Global request to a connected client, as rp_workers_call; RP_ECLOSED by the callback if it is
 * not connected. */
RP_NODISCARD int rp_registry_call(struct rp_registry *r, const char *id,
    const struct rp_call_order *call, rp_workers_call_cb cb, void *ctx);

/* Why an order about a tunnel failed, in the API's words. */
struct rp_tunnel_error {
	unsigned status;  /* HTTP status */
	const char *code; /* "ERR_CODE_…" or "" */
	char title[256];
	char detail[256];
};
/* Exactly once; info is borrowed (for an open: what stands and is stored; else empty), NULL with
 * err set on failure. May come
 * from inside the call when memory is short. */
typedef void (*rp_registry_tunnel_cb)(
    void *ctx, const struct rp_tunnel_info *info, const struct rp_tunnel_error *err);

/* Opens a tunnel with the checks of rport-api 3.10 from "client policy" on: client's
 * tunnel_allowed, duplicates, remote
 * port (unless check_port is false), local port. */
struct rp_tunnel_open {
	const struct rp_remote *remote;
	bool check_port;
};
void rp_registry_tunnel_open(struct rp_registry *r, const char *id,
    const struct rp_tunnel_open *open, rp_registry_tunnel_cb cb, void *ctx);

struct rp_tunnel_name {
	const char *client_id;
	const char *tunnel_id;
};
void rp_registry_tunnel_close(struct rp_registry *r, const struct rp_tunnel_name *name, bool force,
    rp_registry_tunnel_cb cb, void *ctx);
/* acl NULL = open to all. */
void rp_registry_tunnel_acl(struct rp_registry *r, const struct rp_tunnel_name *name,
    const char *acl, rp_registry_tunnel_cb cb, void *ctx);

/* Groups of users that may use the client. RP_ENOENT; done as above. */
RP_NODISCARD int rp_registry_acl_set(struct rp_registry *r, const char *id,
    const struct rp_strlist *groups, rp_registry_done_cb done, void *ctx);

/* Attributes of a connected client are kept by the client; the mirror follows after a successful
 * update. */
void rp_registry_attributes_set(
    struct rp_registry *r, const char *id, const struct rp_attributes *a);

#endif
