/* SPDX-License-Identifier: MIT */
/*
 * Jobs: orders to clients and their results, on the control loop. A job is stored before its acceptance is acknowledged.
 */
#ifndef RP_SERVER_JOBS_H
#define RP_SERVER_JOBS_H

#include <stdbool.h>

#include "cmdpolicy/job.h"
#include "core/defs.h"
#include "core/err.h"
#include "server/config.h"
#include "server/listq.h"
#include "server/registry.h"
#include "server/store.h"

struct rp_jobs;

RP_NODISCARD int rp_jobs_new(const struct rp_server_config *cfg, struct rp_registry *registry,
    struct rp_store *store, struct rp_jobs **out);
void rp_jobs_free(struct rp_jobs *j);

/* Sends the job (copied; jid is made here) to a connected client and stores it as running when the client has accepted. cb on the control loop, once: jid, or
 * code RP_ECLOSED (not connected), RP_EDENIED (the client's text), RP_ETIMEOUT … with err. */
typedef void (*rp_jobs_start_cb)(void *ctx, const char *jid, int code, const struct rp_err *err);
void rp_jobs_start(struct rp_jobs *j, const char *client_id, const struct rp_job *job,
    rp_jobs_start_cb cb, void *ctx);
/* A notification "cmd_result" of a client (registered with rp_registry_on_notify by the wiring). The result is stored under the sender's own client id only. */
void rp_jobs_result(struct rp_jobs *j, const char *client_id, const char *p, size_t n);

/* Reads through the store's queue. jobs borrowed during the callback; total = matches before paging. client_id NULL = all. */
typedef void (*rp_jobs_list_cb)(void *ctx, int code, const struct rp_job *jobs, size_t n,
    int64_t total, const struct rp_err *err);
void rp_jobs_list(struct rp_jobs *j, const char *client_id, const struct rp_listq *q,
    rp_jobs_list_cb cb, void *ctx);
/* code RP_ENOENT if there is none of that client. */
typedef void (*rp_jobs_get_cb)(
    void *ctx, int code, const struct rp_job *job, const struct rp_err *err);
void rp_jobs_get(
    struct rp_jobs *j, const char *client_id, const char *jid, rp_jobs_get_cb cb, void *ctx);

#endif
