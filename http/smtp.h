/* SPDX-License-Identifier: MIT */
/*
 * Sends one short mail (RFC 5321): plain, STARTTLS where the server offers it, or TLS from the
 * start; AUTH PLAIN or LOGIN. One deadline for all of it. Certificates are always verified, and a
 * password goes over TLS only, or over the loopback interface.
 */
#ifndef RP_HTTP_SMTP_H
#define RP_HTTP_SMTP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/loop.h"
#include "http/tls.h"

struct rp_smtp;

/* All copied but tls. */
struct rp_smtp_options {
	const char *host;
	uint16_t port;
	bool implicit_tls;
	struct rp_tls *tls;   /* rp_tls_client_new; borrowed until the loop has ended */
	const char *username; /* "" = no login */
	const char *password;
	const char *from; /* addresses that pass rp_smtp_address_ok */
	const char *to;
	const char *subject; /* ASCII without control bytes */
	const char *text;    /* ASCII, lines end in LF */
	unsigned timeout_ms;
};

/* Exactly once unless cancelled, never from inside rp_smtp_start. code 0: the server has taken the
 * mail. Otherwise err names the step and the server's three digits, none of its words. */
typedef void (*rp_smtp_cb)(void *ctx, int code, const struct rp_err *err);

/* local@domain of printable ASCII in which nothing ends a line, a path or an address. */
bool rp_smtp_address_ok(const char *address);
RP_NODISCARD int rp_smtp_start(struct rp_loop *loop, const struct rp_smtp_options *opt,
    rp_smtp_cb cb, void *ctx, struct rp_smtp **out, struct rp_err *err);
/* Only before the callback, which does not come then. NULL is fine. */
void rp_smtp_cancel(struct rp_smtp *s);

#endif
