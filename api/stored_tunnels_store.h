/* SPDX-License-Identifier: MIT */
/*
 * Stored tunnels of clients (rport-api 4.6) in SQLite. They go with their client
 * (server/clients_store.c).
 */
#ifndef RP_API_STORED_TUNNELS_STORE_H
#define RP_API_STORED_TUNNELS_STORE_H

#include <stdint.h>

#include "server/listread.h"
#include "server/store.h"

/* Of one client. */
#define RP_STORED_TUNNELS_MAX 1000

struct rp_stored_tunnel {
	char *id;
	int64_t created_at;
	char *name;
	char *scheme; /* this and all below: NULL or not set = null */
	char *remote_ip;
	struct rp_opt_i64 remote_port;
	struct rp_opt_i64 public_port;
	char *acl;
	char *further_options; /* any JSON */
	/* In lists of more than one client only. */
	char *client_id;
	char *client_name;      /* this and the next are not stored: a join fills them in */
	char *connection_state; /* of the client */
};
/* As the API shows and takes it. */
extern const struct rp_json_table rp_stored_tunnel_table;
/* The same, and whose it is. */
extern const struct rp_json_table rp_stored_tunnel_client_table;
/* For rp_listread, with the condition "client_id = ?". */
extern const struct rp_listread_spec rp_stored_tunnel_list;
/* Of all clients; by the keys of a join with the same condition. */
extern const struct rp_listread_spec rp_stored_tunnel_client_list;
/* Whose a row of that list is; borrowed until the next step. */
const char *rp_stored_tunnel_client_of(struct rp_stmt *stmt);

/* Both copy client_id and t. RP_ELIMIT by done. */
RP_NODISCARD int rp_stored_tunnel_add(struct rp_store *s, const char *client_id,
    const struct rp_stored_tunnel *t, rp_store_done_cb done, void *ctx);
/* All but id and created_at changes. RP_ENOENT by done. */
RP_NODISCARD int rp_stored_tunnel_change(struct rp_store *s, const char *client_id,
    const struct rp_stored_tunnel *t, rp_store_done_cb done, void *ctx);
/* Fine if there is none. Copies both ids. */
RP_NODISCARD int rp_stored_tunnel_delete(
    struct rp_store *s, const char *client_id, const char *id, rp_store_done_cb done, void *ctx);

#endif
