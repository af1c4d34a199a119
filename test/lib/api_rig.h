/* SPDX-License-Identifier: MIT */
/*
 * The REST API over real sockets, with a real registry, job store and database, and a stand-in for
 * the workers (test/lib/fake_workers.h); a client of the API on the same thread. One rig at a time.
 */
#ifndef RP_TEST_LIB_API_RIG_H
#define RP_TEST_LIB_API_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/context.h"
#include "test/lib/fake_workers.h"
#include "test/lib/store_rig.h"

/* Users of the file: admin (Administrators), bob (staff), old (expired); the same password. */
#define RP_API_RIG_PASSWORD "tops3cret"

struct rp_api_rig {
	struct rp_store_rig store;
	struct rp_server_config cfg;
	struct rp_workers *workers;
	struct rp_events events;
	struct rp_registry *registry;
	struct rp_jobs *jobs;
	struct rp_multis *multis;
	struct rp_clientauth *auth;
	struct rp_schedules *schedules;
	struct rp_audit *audit;
	struct rp_monitoring *monitoring;
	struct rp_hostkey *hostkey;
	void *api;
	const char *prefix;      /* before the paths of requests */
	struct rp_conn_ref last; /* the client that connected last */
	bool refuse_orders;      /* what reaches the workers fails at once */
	/* Otherwise: what is to be done when something has reached them; NULL: it waits. */
	void (*on_orders)(struct rp_workers *w);
	/* The request under way. */
	int fd;
	char asked[512]; /* how it begins */
	/* The last answer. */
	char *reply;
	size_t reply_n;
	const char *body;
};

/* All of these fail the test when something does not work. extra: lines of [api]; NULL for none.
 */
struct rp_api_rig *rp_api_rig_open(const char *extra);
/* The same with the users in tables of an SQLite database, users.db in the rig's folder; the group
 * "staff" may use tunnels only. */
struct rp_api_rig *rp_api_rig_open_tables(const char *extra);
/* The same with other lines of [server] than those of a static pair of clients' credentials. */
struct rp_api_rig *rp_api_rig_open_with(const char *server, const char *extra);
/* The same with a whole configuration, in which data_dir is the rig's folder. */
struct rp_api_rig *rp_api_rig_open_config(const char *text);
/* As the server does when it is stopped and started again. */
void rp_api_rig_restart(struct rp_api_rig *r);
/* The two halves of that: in between no database is open but rport.db. */
void rp_api_rig_stop(struct rp_api_rig *r);
void rp_api_rig_start(struct rp_api_rig *r);
void rp_api_rig_close(struct rp_api_rig *r);
/* What the schedules take for the time, in nanoseconds since 1970; 0 = the real one. Also across a
 * restart. */
void rp_api_rig_clock(int64_t t);

struct rp_api_ask {
	const char *method;
	const char *path;    /* behind /api/v1 */
	const char *user;    /* "name:password" as Basic, or "Bearer …"; NULL: no credentials */
	const char *body;    /* NULL: none */
	const char *headers; /* further lines, each with its CRLF; NULL: none */
};
/* Status of the answer. With the database's answers waited for. */
unsigned rp_api_rig_ask(struct rp_api_rig *r, const struct rp_api_ask *ask);
/* The same with the bytes of a whole request (a NUL stands behind them), which asks for the end of
 * the connection; what comes behind an upgrade ends too. */
unsigned rp_api_rig_raw(struct rp_api_rig *r, const char *request, size_t n);
/* The two halves of that, for what happens in between. */
void rp_api_rig_begin(struct rp_api_rig *r, const char *request, size_t n);
unsigned rp_api_rig_finish(struct rp_api_rig *r);
/* One turn of the loop. */
void rp_api_rig_turn(struct rp_api_rig *r);
/* Turns the loop until the workers have so many orders; the last of them. */
struct rp_fake_order *rp_api_rig_wait_order(struct rp_api_rig *r, size_t n);
/* GET as one of the file's users. */
unsigned rp_api_rig_get(struct rp_api_rig *r, const char *name, const char *path);
/* A client of that id is connected; allowed: group of users that may use it, or NULL. */
void rp_api_rig_client(struct rp_api_rig *r, const char *id, const char *allowed);
/* The client that connected last is gone. */
void rp_api_rig_down(struct rp_api_rig *r);
/* The same with what it says of itself, as JSON ("Tags", "IPv4" …). */
void rp_api_rig_hello(struct rp_api_rig *r, const char *id, const char *hello);
/* Text of a key in the last answer, copied into out. */
void rp_api_rig_text(const struct rp_api_rig *r, const char *key, char *out, size_t size);

#endif
