/* SPDX-License-Identifier: MIT */
/*
 * TLS settings (http/tls.h): mbedTLS configuration, certificates, the system's trust store.
 */
#include "http/tls.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mbedtls/error.h>
#include <mbedtls/pk.h>
#include <psa/crypto.h>
#include <uv.h>

#include "core/alloc.h"
#include "core/crypto.h"
#include "core/log.h"
#include "http/tls_int.h"

#include "core/banned.h"

#define COMPONENT "tls"

/* Where distributions keep their trust store. */
static const char *const store_files[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
};
static const char *const store_dirs[] = {"/etc/ssl/certs", "/etc/pki/tls/certs"};

/* Ephemeral keys and authenticated ciphers only, the cheapest first. */
static const int ciphers[] = {
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    0,
};

/* PKCS #1 v1.5 stands before PSS: mbedTLS offers PSS, but cannot verify it in TLS 1.2, where most
 * servers take what comes first. TLS 1.3 knows only PSS. */
static const uint16_t signatures[] = {
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256,
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP521R1_SHA512,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512,
    MBEDTLS_TLS1_3_SIG_NONE,
};

static int on_random(void *ctx, unsigned char *p, size_t n)
{
	(void)ctx;
	rp_random(p, n);
	return 0;
}

static int lib_error(struct rp_err *err, const char *what, int code)
{
	char text[128];
	mbedtls_strerror(code, text, sizeof(text));
	return rp_err_set(err, RP_ETLS, "%s: %s", what, text);
}

/* Distinguishes a file that cannot be read from one with the wrong content. */
static int file_error(struct rp_err *err, const char *path, const char *expected)
{
	if (access(path, R_OK) != 0) {
		int code = uv_translate_sys_error(errno);
		return rp_err_set(err, RP_ETLS, "%s: %s", path, rp_err_text(code));
	}
	return rp_err_set(err, RP_ETLS, "%s: %s", path, expected);
}

/* mbedTLS takes a folder for an endless file. */
static bool is_file(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* Returns as mbedtls_x509_crt_parse_file. */
static int add_certs(struct rp_tls *t, const char *path)
{
	return is_file(path) ? mbedtls_x509_crt_parse_file(&t->certs, path)
	                     : MBEDTLS_ERR_X509_FILE_IO_ERROR;
}

static int configure(struct rp_tls *t, struct rp_err *err)
{
	if (psa_crypto_init() != PSA_SUCCESS) {
		return rp_err_set(err, RP_ETLS, "cryptographic library does not start");
	}
	int side = t->server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT;
	int rc = mbedtls_ssl_config_defaults(
	    &t->conf, side, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
	if (rc != 0) {
		return lib_error(err, "TLS settings", rc);
	}
	mbedtls_ssl_conf_rng(&t->conf, on_random, NULL);
	mbedtls_ssl_conf_ciphersuites(&t->conf, ciphers);
	mbedtls_ssl_conf_sig_algs(&t->conf, signatures);
	mbedtls_ssl_conf_renegotiation(&t->conf, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
	mbedtls_ssl_conf_session_tickets(&t->conf, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
	return 0;
}

/* Empty settings for either side; NULL: no memory. */
static struct rp_tls *make(bool server)
{
	struct rp_tls *t = rp_calloc(1, sizeof(*t));
	if (t != NULL) {
		t->server = server;
		mbedtls_ssl_config_init(&t->conf);
		mbedtls_x509_crt_init(&t->certs);
		mbedtls_pk_init(&t->key);
	}
	return t;
}

static int load_identity(
    struct rp_tls *t, const char *cert_file, const char *key_file, struct rp_err *err)
{
	if (add_certs(t, cert_file) != 0) {
		return file_error(err, cert_file, "not a PEM certificate chain");
	}
	if (!is_file(key_file)) {
		return file_error(err, key_file, "not a file");
	}
	int rc = mbedtls_pk_parse_keyfile(&t->key, key_file, NULL, on_random, NULL);
	if (rc == MBEDTLS_ERR_PK_PASSWORD_REQUIRED || rc == MBEDTLS_ERR_PK_PASSWORD_MISMATCH) {
		return file_error(
		    err, key_file, "the key is encrypted; write it without a password");
	}
	if (rc != 0) {
		return file_error(err, key_file, "not a PEM private key");
	}
	if (mbedtls_pk_check_pair(&t->certs.pk, &t->key, on_random, NULL) != 0) {
		return rp_err_set(err, RP_ETLS,
		    "%s: the key does not belong to the certificate in %s", key_file, cert_file);
	}
	rc = mbedtls_ssl_conf_own_cert(&t->conf, &t->certs, &t->key);
	return rc == 0 ? 0 : lib_error(err, cert_file, rc);
}

int rp_tls_server_new(const char *cert_file, const char *key_file, enum rp_tls_version min,
    struct rp_tls **out, struct rp_err *err)
{
	*out = NULL;
	struct rp_tls *t = make(true);
	if (t == NULL) {
		return rp_err_no_memory(err);
	}
	int rc = configure(t, err);
	if (rc == 0) {
		rc = load_identity(t, cert_file, key_file, err);
	}
	if (rc != 0) {
		rp_tls_free(t);
		return rc;
	}
	mbedtls_ssl_conf_min_tls_version(
	    &t->conf, min == RP_TLS_1_3 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2);
	*out = t;
	return 0;
}

static bool has_certs(const struct rp_tls *t)
{
	return t->certs.raw.p != NULL;
}

/* SSL_CERT_FILE or the first known file that exists. Positive results (some unusable
 * certificates) are fine. */
static void load_store(struct rp_tls *t)
{
	const char *file = getenv("SSL_CERT_FILE");
	if (file != NULL && file[0] != '\0') {
		(void)add_certs(t, file);
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(store_files) && !has_certs(t) && file == NULL; i++) {
		(void)add_certs(t, store_files[i]);
	}
	const char *dir = getenv("SSL_CERT_DIR");
	if (dir != NULL && dir[0] != '\0') {
		(void)mbedtls_x509_crt_parse_path(&t->certs, dir);
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(store_dirs) && !has_certs(t) && dir == NULL; i++) {
		(void)mbedtls_x509_crt_parse_path(&t->certs, store_dirs[i]);
	}
}

static int load_trust(struct rp_tls *t, const char *ca_file, struct rp_err *err)
{
	if (ca_file != NULL) {
		if (add_certs(t, ca_file) < 0 || !has_certs(t)) {
			return file_error(err, ca_file, "not a PEM certificate");
		}
		return 0;
	}
	load_store(t);
	if (!has_certs(t)) {
		return rp_err_set(err, RP_ETLS,
		    "the system's trusted certificates were not found: install "
		    "ca-certificates or set SSL_CERT_FILE");
	}
	return 0;
}

static void drop_trust(struct rp_tls *t)
{
	mbedtls_x509_crt_free(&t->certs);
	mbedtls_x509_crt_init(&t->certs);
}

int rp_tls_hold(struct rp_tls *t)
{
	struct rp_err err = {0};
	if (!t->lean || t->handshakes++ > 0) {
		return 0;
	}
	int rc = load_trust(t, NULL, &err);
	if (rc != 0) {
		rp_log_error(COMPONENT, "%s", err.msg);
		rp_tls_release(t);
	}
	return rc;
}

void rp_tls_release(struct rp_tls *t)
{
	if (t->lean && --t->handshakes == 0) {
		drop_trust(t);
	}
}

int rp_tls_client_new(const char *ca_file, struct rp_tls **out, struct rp_err *err)
{
	*out = NULL;
	struct rp_tls *t = make(false);
	if (t == NULL) {
		return rp_err_no_memory(err);
	}
	int rc = configure(t, err);
	if (rc == 0) {
		rc = load_trust(t, ca_file, err);
	}
	if (rc != 0) {
		rp_tls_free(t);
		return rc;
	}
	mbedtls_ssl_conf_min_tls_version(&t->conf, MBEDTLS_SSL_VERSION_TLS1_2);
	mbedtls_ssl_conf_authmode(&t->conf, MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_ca_chain(&t->conf, &t->certs, NULL);
	*out = t;
	return 0;
}

int rp_tls_client_new_lean(struct rp_tls **out, struct rp_err *err)
{
	int rc = rp_tls_client_new(NULL, out, err);
	if (*out != NULL) {
		(*out)->lean = true;
		drop_trust(*out);
	}
	return rc;
}

int rp_tls_client_new_unverified(struct rp_tls **out, struct rp_err *err)
{
	*out = NULL;
	struct rp_tls *t = make(false);
	if (t == NULL) {
		return rp_err_no_memory(err);
	}
	int rc = configure(t, err);
	if (rc != 0) {
		rp_tls_free(t);
		return rc;
	}
	mbedtls_ssl_conf_min_tls_version(&t->conf, MBEDTLS_SSL_VERSION_TLS1_2);
	mbedtls_ssl_conf_authmode(&t->conf, MBEDTLS_SSL_VERIFY_NONE);
	*out = t;
	return 0;
}

void rp_tls_free(struct rp_tls *t)
{
	if (t == NULL) {
		return;
	}
	mbedtls_ssl_config_free(&t->conf);
	mbedtls_x509_crt_free(&t->certs);
	mbedtls_pk_free(&t->key);
	rp_free(t);
}
