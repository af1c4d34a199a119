/* SPDX-License-Identifier: MIT */
/*
 * What clients do with jobs, for tests over the API rig: the orders that reach the fake workers are
 * answered, results and live output sent.
 */
#ifndef RP_TEST_LIB_JOB_CLIENT_H
#define RP_TEST_LIB_JOB_CLIENT_H

#include "test/lib/api_rig.h"

/* Live output reaches the jobs, as in the server. After each (re)start of the rig. */
void rp_job_client_open(struct rp_api_rig *r);
/* The nth order, which is a run_cmd; waited for. */
struct rp_fake_order *rp_job_client_order(struct rp_api_rig *r, size_t n);
/* Its payload's text of a key, copied into out. */
void rp_job_client_text(const struct rp_fake_order *o, const char *key, char *out, size_t size);
/* The process runs. */
void rp_job_client_start(struct rp_api_rig *r, size_t n);
/* It has printed something: stream 1 or 2. The client is the one that connected last. */
void rp_job_client_print(struct rp_api_rig *r, size_t n, int stream, struct rp_str text);
/* It has ended with that status; stdout may be NULL. */
void rp_job_client_end(struct rp_api_rig *r, size_t n, const char *status, const char *out);
/* All three. */
void rp_job_client_run(struct rp_api_rig *r, size_t n, const char *status);

#endif
