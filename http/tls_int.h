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
	mbedtls_ssl_config conf;
	mbedtls_x509_crt certs; /* server: own chain; client: trusted authorities */
	mbedtls_pk_context key;
};

#endif
