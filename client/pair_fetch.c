/* SPDX-License-Identifier: MIT */
/*
 * The exchange with the server. Its answer opens only with the key that follows from the code, so it
 * comes from a server that the code's maker trusts, and nobody on the way can read it: the
 * certificate of an https URL need not be known here.
 */
#include <string.h>

#include "client/pair.h"
#include "core/alloc.h"
#include "core/json.h"
#include "core/loop.h"
#include "http/fetch.h"
#include "http/tls.h"

#include "core/banned.h"

#define TIMEOUT_MS 30000

struct exchange {
	struct rp_loop *loop;
	const struct rp_paircode *code;
	struct rp_paircode_keys keys;
	struct rp_pair_settings *out;
	struct rp_err *err;
	int result;
};

#define F(key)                                                                                   \
	{                                                                                        \
#key, RP_FIELD_STR, RP_FIELD_F_REQUIRED, offsetof(struct rp_pair_settings, key), \
		    NULL                                                                         \
	}
static const struct rp_json_field settings_fields[] = {F(server), F(fingerprint), F(auth)};
static const struct rp_json_table settings_table = RP_JSON_TABLE(
    settings_fields, struct rp_pair_settings);

void rp_pair_settings_fini(struct rp_pair_settings *s)
{
	rp_free(s->server);
	rp_free(s->fingerprint);
	rp_free_secret(s->auth);
	*s = (struct rp_pair_settings){0};
}

static int open_sealed(struct exchange *x, const char *text)
{
	uint8_t *sealed = NULL;
	uint8_t *plain = NULL;
	size_t n = 0;
	size_t len = 0;
	if (rp_base64_decode(rp_str_c(text), &sealed, &n) != 0) {
		return rp_err_set(x->err, RP_EPROTO, "the server's answer is not readable");
	}
	int code = rp_unseal(
	    x->keys.seal, rp_str_n(sealed, n), rp_str_c(x->code->id), &plain, &len);
	rp_free(sealed);
	if (code != 0) {
		return rp_err_set(x->err, RP_EAUTH,
		    "the answer does not fit the code: it does not come from the server that made it");
	}
	code = rp_json_decode_text(plain, len, &settings_table, false, x->out, x->err);
	rp_secret_wipe(plain, len);
	rp_free(plain);
	return code;
}

static int read_answer(struct exchange *x, struct rp_str body)
{
	struct rp_json *j = NULL;
	int code = rp_json_parse(body.p, body.len, &j, x->err);
	const char *sealed = code == 0
	    ? rp_json_string(rp_json_get(rp_json_get(j, "data"), "sealed"))
	    : NULL;
	code = sealed != NULL
	    ? open_sealed(x, sealed)
	    : rp_err_set(x->err, RP_EPROTO,
	          "no rport server answers at this URL: expected that of its API");
	rp_json_free(j);
	return code;
}

static int read_status(struct exchange *x, unsigned status, struct rp_str body)
{
	switch (status) {
	case 200:
		return read_answer(x, body);
	case 404:
		return rp_err_set(x->err, RP_ENOENT,
		    "the server does not know this code: it has ended, was used or is mistyped, or "
		    "the URL is not that of the API");
	case 423:
		return rp_err_set(x->err, RP_EDENIED,
		    "the server has locked this address out after too many bad attempts");
	default:
		return rp_err_set(
		    x->err, RP_EPROTO, "the server answers with the status %u", status);
	}
}

static void on_answer(
    void *ctx, int code, unsigned status, struct rp_str body, const struct rp_err *err)
{
	struct exchange *x = ctx;
	x->result = code != 0 ? rp_err_set(x->err, code, "%s", err->msg)
	                      : read_status(x, status, body);
	rp_loop_stop(x->loop);
}

static int run(struct exchange *x, const char *url, struct rp_tls *tls)
{
	struct rp_fetch *fetch;
	char *where = rp_asprintf("%s/api/v1/pairing/%s", url, x->code->id);
	char *body = rp_asprintf("{\"proof\":\"%s\"}", x->keys.proof);
	const struct rp_fetch_options opt = {
	    .url = where,
	    .content_type = "application/json",
	    .body = rp_str_c(body),
	    .tls = tls,
	    .timeout_ms = TIMEOUT_MS,
	};
	int code = where == NULL || body == NULL
	    ? rp_err_no_memory(x->err)
	    : rp_fetch_start(x->loop, &opt, on_answer, x, &fetch, x->err);
	if (code == 0) {
		(void)rp_loop_run(x->loop);
		code = x->result;
	}
	rp_free(where);
	rp_free_secret(body);
	return code;
}

int rp_pair_fetch(const char *url, const struct rp_paircode *code, struct rp_pair_settings *out,
    struct rp_err *err)
{
	struct exchange x = {.code = code, .out = out, .err = err};
	struct rp_tls *tls = NULL;
	*out = (struct rp_pair_settings){0};
	int rc = rp_paircode_keys(code, &x.keys);
	rc = rc != 0 ? rc : rp_loop_new(&x.loop, "pair");
	if (rc != 0) {
		return rp_err_set(err, rc, "%s", rp_err_text(rc));
	}
	rc = rp_tls_client_new_unverified(&tls, err);
	rc = rc != 0 ? rc : run(&x, url, tls);
	rp_loop_free(x.loop);
	rp_tls_free(tls);
	rp_secret_wipe(&x.keys, sizeof(x.keys));
	return rc;
}
