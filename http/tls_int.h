/* SPDX-License-Identifier: MIT */
/*
 * Inside of struct rp_tls, for http/tls.c and http/streamtls.c only.
 */
#ifndef RP_HTTP_TLS_INT_H
#define RP_HTTP_TLS_INT_H

#include <stdbool.h>

#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include "http/tls.h"

struct rp_tls {
	bool server;
	bool lean;           /* client: certs are there during handshakes only */
	unsigned handshakes; /* that are under way; lean ones */
	mbedtls_ssl_config conf;
	mbedtls_x509_crt certs; /* server: own chain; client: trusted authorities */
	mbedtls_pk_context key;
};

/* Around a handshake: what it needs is there in between. RP_ETLS, which is logged with its reason. */
RP_NODISCARD int rp_tls_hold(struct rp_tls *t);
void rp_tls_release(struct rp_tls *t);

#endif
