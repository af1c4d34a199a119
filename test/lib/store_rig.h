/* SPDX-License-Identifier: MIT */
/*
 * A loop and the server's database in a folder of its own, for tests; the loop is turned by
 * hand. The
 * database can be closed and opened again, as by a restart of the server.
 */
#ifndef RP_TEST_LIB_STORE_RIG_H
#define RP_TEST_LIB_STORE_RIG_H

#include <stdbool.h>

#include "core/loop.h"
#include "server/store.h"

struct rp_store_rig {
	char dir[64];
	struct rp_loop *loop;
	struct rp_store *store;
	bool closed;
};

/* These fail the test when something does not work. */
void rp_store_rig_open(struct rp_store_rig *r);
/* Turns the loop until *flag, at most 10 s. */
void rp_store_rig_wait(struct rp_store_rig *r, const bool *flag);
/* Turns the loop until everything that was queued for the database is done. */
void rp_store_rig_sync(struct rp_store_rig *r);
/* Closes the database and opens it again. */
void rp_store_rig_restart(struct rp_store_rig *r);
/* Owners have closed their handles: ends the loop (which must be empty) and removes the folder. */
void rp_store_rig_close(struct rp_store_rig *r);

#endif
