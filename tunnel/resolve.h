/* SPDX-License-Identifier: MIT */
/*
 * Name to addresses, on the thread pool (IP literals need none). The same answer serves the policy
 * check and the dial.
 */
#ifndef RP_TUNNEL_RESOLVE_H
#define RP_TUNNEL_RESOLVE_H

#include <stddef.h>
#include <stdint.h>

#include <sys/socket.h>

#include "acl/addrlist.h"
#include "core/defs.h"
#include "core/loop.h"

/* Further addresses of a name are not looked at. */
#define RP_RESOLVE_MAX 16

struct rp_resolve;

/* code 0 and n > 0 addresses with the port in them, or an error and none. */
typedef void (*rp_resolve_cb)(void *ctx, int code, const struct sockaddr_storage *v, size_t n);

/* cb comes exactly once, from the loop, unless cancelled. host is copied. */
RP_NODISCARD int rp_resolve_start(struct rp_loop *loop, const char *host, uint16_t port,
    rp_resolve_cb cb, void *ctx, struct rp_resolve **out);
/* The callback will not come. Not after it came. */
void rp_resolve_cancel(struct rp_resolve *r);

/* The addresses as the policies know them; v comes from rp_resolve_cb. */
void rp_resolve_addrs(const struct sockaddr_storage *v, size_t n, struct rp_addr *out);
socklen_t rp_sockaddr_len(const struct sockaddr_storage *sa);
/* "192.0.2.1:80", "[2001:db8::1]:80". */
#define RP_SOCKADDR_TEXT_MAX 80
void rp_sockaddr_text(const struct sockaddr_storage *sa, char out[static RP_SOCKADDR_TEXT_MAX]);

#endif
