/* SPDX-License-Identifier: MIT */
/*
 * TLS settings shared by many streams: a server with its certificate, or clients that verify
 * against the system's trust store. mbedTLS stays inside http/. Thread-safe for use by several
 * loops once made.
 */
#ifndef RP_HTTP_TLS_H
#define RP_HTTP_TLS_H

#include "core/defs.h"
#include "core/err.h"

struct rp_tls;

enum rp_tls_version {
	RP_TLS_1_2,
	RP_TLS_1_3
};

/* PEM chain and key. Errors name the file and what is wrong (missing, not PEM, key does not
 * belong to the certificate). */
RP_NODISCARD int rp_tls_server_new(const char *cert_file, const char *key_file,
    enum rp_tls_version min, struct rp_tls **out, struct rp_err *err);
/* Trust: ca_file if given, else the system store (SSL_CERT_FILE, SSL_CERT_DIR,
 * /etc/ssl/certs/ca-certificates.crt, other distributions' usual places). TLS 1.2 and 1.3, name
 * and chain always verified. Reads files: at start-up, not on a busy loop. */
RP_NODISCARD int rp_tls_client_new(const char *ca_file, struct rp_tls **out, struct rp_err *err);
/* The same with the system's store, for a process that is to stay small and seldom connects: the store is
 * looked at now, so that it is said if there is none, and given back. Each handshake reads it anew, some
 * milliseconds on its loop, and gives it back at its end. For streams of one loop. */
RP_NODISCARD int rp_tls_client_new_lean(struct rp_tls **out, struct rp_err *err);
/* Clients that take any certificate: for targets whose path is protected by other means. */
RP_NODISCARD int rp_tls_client_new_unverified(struct rp_tls **out, struct rp_err *err);
/* After the last stream that uses it was closed. NULL is fine. */
void rp_tls_free(struct rp_tls *t);

#endif
