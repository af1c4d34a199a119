/* SPDX-License-Identifier: MIT */
/*
 * HS256 tokens. The algorithm is fixed: what a token's head says about it has to be HS256 and
 * chooses nothing.
 */
#include "api/jwt.h"

#include <string.h>

#include "core/alloc.h"
#include "core/crypto.h"
#include "core/json.h"
#include "core/jsonw.h"

#include "core/banned.h"

#define HEAD      "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define TOKEN_MAX 8192

#define VERIFY "{\"uri\":\"/api/v1/verify-2fa\",\"method\":\"POST\"}"

/* In the original's form. */
static const char *scopes(enum rp_scope scope)
{
	switch (scope) {
	case RP_SCOPE_TWO_FA:
		return "[" VERIFY "]";
	case RP_SCOPE_TOTP_SETUP:
		return "[" VERIFY ",{\"uri\":\"/api/v1/me/totp-secret\",\"method\":\"POST\"}]";
	case RP_SCOPE_FULL:
	case RP_SCOPE_READ:
	case RP_SCOPE_CLIENTS_AUTH:
		break;
	}
	/* Everything but the second step of a half-way login. */
	return "[{\"uri\":\"*\",\"method\":\"*\"},"
	       "{\"uri\":\"/api/v1/verify-2fa\",\"method\":\"*\",\"exclude\":true}]";
}

static int write_claims(
    struct rp_buf *out, const char *username, uint64_t session, enum rp_scope scope)
{
	char jti[33];
	struct rp_jsonw w;
	rp_random_text(jti, sizeof(jti) - 1);
	rp_jsonw_init(&w, out);
	rp_jsonw_obj(&w);
	rp_jsonw_put_str(&w, "username", username);
	rp_jsonw_put_uint(&w, "sessionID", session);
	rp_jsonw_key(&w, "scopes");
	rp_jsonw_raw(&w, scopes(scope));
	rp_jsonw_put_str(&w, "jti", jti);
	rp_jsonw_obj_end(&w);
	return rp_jsonw_end(&w);
}

static char *signature(const char *secret, const char *text, size_t n)
{
	uint8_t mac[32];
	if (rp_hmac_sha256(secret, strlen(secret), text, n, mac) != 0) {
		return NULL;
	}
	return rp_base64url(mac, sizeof(mac));
}

char *rp_jwt_sign(const char *secret, const char *username, uint64_t session, enum rp_scope scope)
{
	struct rp_buf claims;
	char *token = NULL;
	rp_buf_init(&claims, TOKEN_MAX / 2);
	char *head = rp_base64url(HEAD, strlen(HEAD));
	char *body = write_claims(&claims, username, session, scope) == 0
	    ? rp_base64url(rp_buf_head(&claims), claims.len)
	    : NULL;
	char *text = head == NULL || body == NULL ? NULL : rp_asprintf("%s.%s", head, body);
	char *mac = text == NULL ? NULL : signature(secret, text, strlen(text));
	if (mac != NULL) {
		token = rp_asprintf("%s.%s", text, mac);
	}
	rp_free(mac);
	rp_free(text);
	rp_free(body);
	rp_free(head);
	rp_buf_fini(&claims);
	return token;
}

static int read_json(struct rp_str part, struct rp_json **out)
{
	uint8_t *text;
	size_t n;
	int err = rp_base64url_decode(part, &text, &n);
	if (err != 0) {
		return err;
	}
	err = rp_json_parse(text, n, out, NULL);
	rp_free(text);
	return err;
}

static int read_claims(struct rp_str body, struct rp_jwt_claims *out)
{
	struct rp_json *j = NULL;
	int64_t session = 0;
	int err = read_json(body, &j);
	if (err != 0) {
		return err == RP_ENOMEM ? err : RP_EAUTH;
	}
	const char *name = rp_json_string(rp_json_get(j, "username"));
	err = RP_EAUTH;
	if (name != NULL && rp_json_i64(rp_json_get(j, "sessionID"), &session) == 0 &&
	    session > 0) {
		out->session = (uint64_t)session;
		out->username = rp_strdup(name);
		err = out->username == NULL ? RP_ENOMEM : 0;
	}
	rp_json_free(j);
	return err;
}

static int check_head(struct rp_str head)
{
	struct rp_json *j = NULL;
	int err = read_json(head, &j);
	if (err != 0) {
		return err == RP_ENOMEM ? err : RP_EAUTH;
	}
	const char *alg = rp_json_string(rp_json_get(j, "alg"));
	err = alg != NULL && strcmp(alg, "HS256") == 0 ? 0 : RP_EAUTH;
	rp_json_free(j);
	return err;
}

int rp_jwt_verify(const char *secret, const char *token, struct rp_jwt_claims *out)
{
	struct rp_str rest = rp_str_c(token);
	struct rp_str head;
	struct rp_str body;
	struct rp_str mac;
	if (rest.len > TOKEN_MAX || !rp_str_split(&rest, '.', &head) ||
	    !rp_str_split(&rest, '.', &body) || !rp_str_split(&rest, '.', &mac) || rest.p != NULL) {
		return RP_EAUTH;
	}
	char *want = signature(secret, token, head.len + 1 + body.len);
	if (want == NULL) {
		return RP_ENOMEM;
	}
	bool same = rp_secret_eq(want, strlen(want), mac.p, mac.len);
	rp_free(want);
	int err = same ? check_head(head) : RP_EAUTH;
	return err != 0 ? err : read_claims(body, out);
}
