/* SPDX-License-Identifier: MIT */
/*
 * A user's end of one of the API's WebSockets, on the same thread as the API rig. One message at a
 * time; all of these fail the test when something does not come.
 */
#ifndef RP_TEST_LIB_WS_USER_H
#define RP_TEST_LIB_WS_USER_H

#include "http/ws.h"
#include "test/lib/api_rig.h"

struct rp_ws_user {
	struct rp_api_rig *rig;
	int fd;
	struct rp_ws_decoder decoder;
	struct rp_buf in;      /* bytes that are not decoded yet */
	struct rp_buf message; /* the last one, terminated */
	bool complete;
	bool eof;
	unsigned pings;
	unsigned closed; /* status of the close frame, 0: none came */
};

/* Handshake for a path behind /api/v1; headers: lines with their ends, or "". The status of the answer;
 * 101: rp_ws_user_close later. */
unsigned rp_ws_user_open(
    struct rp_ws_user *u, struct rp_api_rig *r, const char *path, const char *headers);
void rp_ws_user_send(struct rp_ws_user *u, const char *text);
void rp_ws_user_frame(struct rp_ws_user *u, enum rp_ws_opcode opcode, const void *p, size_t n);
/* The next message; NULL: the connection has ended. */
const char *rp_ws_user_next(struct rp_ws_user *u);
/* Turns the loop as long as the server has something to do; reads nothing. */
void rp_ws_user_settle(struct rp_ws_user *u);
void rp_ws_user_close(struct rp_ws_user *u);

#endif
