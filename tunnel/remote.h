/* SPDX-License-Identifier: MIT */
/*
 * The Remote of RPort: what a tunnel is, as JSON (wire protocol 5.2, API 3.10) and as text (5.3).
 */
#ifndef RP_TUNNEL_REMOTE_H
#define RP_TUNNEL_REMOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/json.h"

enum rp_proto {
	RP_PROTO_TCP = 1,
	RP_PROTO_UDP = 2,
	RP_PROTO_TCP_UDP = 3
};

/* Field for field the JSON object; strings owned. */
struct rp_remote {
	char *name;
	char *protocol;
	char *lhost;
	char *lport;
	bool lport_random;
	char *owner;
	char *rhost;
	char *rport;
	char *scheme; /* NULL = null */
	char *acl;    /* NULL = null */
	int64_t idle_timeout_minutes;
	int64_t auto_close; /* ns */
	bool http_proxy;
	char *host_header;
	char *auth_user;
	char *auth_password;
	char *tunnel_url;
};

extern const struct rp_json_table rp_remote_table;

/* 0 or RP_EINVAL. */
RP_NODISCARD int rp_proto_parse(const char *text, enum rp_proto *proto);
const char *rp_proto_text(enum rp_proto proto);

/* `[[lhost:]lport:][rhost:]rport[/protocol]`, plus IPv6 hosts in brackets (RPort has none). Ports
 * are range-checked. err: `failed to decode remote "x": …`. Fills the zeroed r (all strings
 * non-NULL but scheme and acl). */
RP_NODISCARD int rp_remote_parse(const char *text, struct rp_remote *r, struct rp_err *err);
/* One side alone, PORT or HOST:PORT (IPv6 in brackets), as the API takes it: *port is its text, *host
 * NULL if there is none. Both owned, NULL on failure. err has the reason alone. */
RP_NODISCARD int rp_remote_parse_side(
    const char *text, char **host, char **port, struct rp_err *err);
/* A Remote from a peer: protocol known, ports numbers in range, hosts without control bytes,
 * lengths capped. */
RP_NODISCARD int rp_remote_check(const struct rp_remote *r, struct rp_err *err);
void rp_remote_fini(struct rp_remote *r);
RP_NODISCARD int rp_remote_copy(struct rp_remote *dst, const struct rp_remote *src);
/* Target on the wire: "host:port", IPv6 in brackets. Owned. */
RP_NODISCARD char *rp_remote_target(const struct rp_remote *r);
/* "lhost:lport:rhost:rport[/proto][(acl:…)]" as section 5.8 compares. Owned. */
RP_NODISCARD char *rp_remote_text(const struct rp_remote *r);
/* Both parts of the local side are given (5.4). */
bool rp_remote_local_given(const struct rp_remote *r);

/* Splits "host:port" or "[v6]:port" of a channel's extra data; *host is owned, without brackets.
 * What is behind the first '/' goes to *proto unchecked, borrowed from s ("tcp" if there is no
 * '/'). RP_EINVAL, RP_ENOMEM. */
RP_NODISCARD int rp_target_parse(
    struct rp_str s, char **host, uint16_t *port, struct rp_str *proto);

#endif
