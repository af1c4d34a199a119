/* SPDX-License-Identifier: MIT */
/*
 * Tokens of the API: only what was signed with the secret, by HS256, with claims of the right types
 * gets through.
 */
#include "api/jwt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/crypto.h"
#include "core/err.h"
#include "test/lib/oom.h"
#include "test/lib/prng.h"
#include "test/lib/slow.h"

#define SECRET "a secret of the test"
#define HS256  "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS "{\"username\":\"admin\",\"sessionID\":7,\"scopes\":[],\"jti\":\"x\"}"

/* A token with any head and claims, signed properly. */
static char *forge(const char *secret, const char *head, const char *claims)
{
	uint8_t mac[32];
	char *h = rp_base64url(head, strlen(head));
	char *c = rp_base64url(claims, strlen(claims));
	char *text = rp_asprintf("%s.%s", h, c);
	assert_int_equal(rp_hmac_sha256(secret, strlen(secret), text, strlen(text), mac), 0);
	char *m = rp_base64url(mac, sizeof(mac));
	char *token = rp_asprintf("%s.%s", text, m);
	assert_non_null(token);
	rp_free(h);
	rp_free(c);
	rp_free(text);
	rp_free(m);
	return token;
}

static int verify(const char *token)
{
	struct rp_jwt_claims claims = {0};
	int err = rp_jwt_verify(SECRET, token, &claims);
	assert_true(err == 0 ? claims.username != NULL : claims.username == NULL);
	rp_free(claims.username);
	return err;
}

static void assert_refused(const char *token)
{
	if (verify(token) != RP_EAUTH) {
		fail_msg("accepted: %s", token);
	}
}

static void test_round_trip(void **state)
{
	static const char *const names[] = {"admin", "", "a\"b\\c", "\xc3\xa4\xe2\x82\xac"};
	static const uint64_t sessions[] = {1, 7, (UINT64_C(1) << 53) - 1};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(names); i++) {
		for (size_t k = 0; k < RP_ARRAY_LEN(sessions); k++) {
			struct rp_jwt_claims claims = {0};
			char *token = rp_jwt_sign(SECRET, names[i], sessions[k], RP_SCOPE_FULL);
			assert_non_null(token);
			assert_int_equal(rp_jwt_verify(SECRET, token, &claims), 0);
			assert_string_equal(claims.username, names[i]);
			assert_int_equal(claims.session, sessions[k]);
			rp_free(claims.username);
			rp_free(token);
		}
	}
}

/* Scripts may look into the token: claims and order as documented, a jti of its own each time. */
static void test_claims(void **state)
{
	uint8_t *text;
	size_t n;
	(void)state;
	char *a = rp_jwt_sign(SECRET, "admin", 7, RP_SCOPE_FULL);
	char *b = rp_jwt_sign(SECRET, "admin", 7, RP_SCOPE_FULL);
	assert_string_not_equal(a, b);
	char *body = strchr(a, '.') + 1;
	assert_int_equal(rp_base64url_decode(rp_str_n(body, strcspn(body, ".")), &text, &n), 0);
	const char *want = "{\"username\":\"admin\",\"sessionID\":7,\"scopes\":[{\"uri\":\"*\","
	                   "\"method\":\"*\"},{\"uri\":\"/api/v1/verify-2fa\",\"method\":\"*\","
	                   "\"exclude\":true}],\"jti\":\"";
	assert_memory_equal(text, want, strlen(want));
	rp_free(text);
	rp_free(a);
	rp_free(b);
}

static void test_known_token(void **state)
{
	(void)state;
	char *token = forge(SECRET, HS256, CLAIMS);
	assert_int_equal(verify(token), 0);
	rp_free(token);
	/* Other keys and white space are no concern. */
	token = forge(SECRET, "{ \"kid\":1, \"alg\" : \"HS256\" }",
	    "{\"exp\":1,\"sessionID\":7,\"username\":\"x\"}");
	assert_int_equal(verify(token), 0);
	rp_free(token);
}

static void test_tampered(void **state)
{
	(void)state;
	char *token = rp_jwt_sign(SECRET, "admin", 7, RP_SCOPE_FULL);
	size_t n = strlen(token);
	for (size_t i = 0; i < n; i++) {
		char old = token[i];
		token[i] = old == 'A' ? 'B' : 'A';
		assert_refused(token);
		token[i] = '.';
		if (old != '.') {
			assert_refused(token);
		}
		token[i] = old;
	}
	for (size_t i = 0; i < n; i++) {
		char old = token[i];
		token[i] = '\0';
		assert_refused(token);
		token[i] = old;
	}
	assert_int_equal(verify(token), 0);
	rp_free(token);
}

static void test_appended(void **state)
{
	static const char *const tails[] = {".", ".x", "=", "A", " ", "\n", ".."};
	(void)state;
	char *token = rp_jwt_sign(SECRET, "admin", 7, RP_SCOPE_FULL);
	for (size_t i = 0; i < RP_ARRAY_LEN(tails); i++) {
		char *longer = rp_asprintf("%s%s", token, tails[i]);
		char *before = rp_asprintf("%s%s", tails[i], token);
		assert_refused(longer);
		assert_refused(before);
		rp_free(longer);
		rp_free(before);
	}
	rp_free(token);
}

static void test_other_secret(void **state)
{
	static const char *const secrets[] = {"", "a secret of the tesT", "a secret of the test "};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(secrets); i++) {
		char *token = forge(secrets[i], HS256, CLAIMS);
		assert_refused(token);
		rp_free(token);
	}
}

static void test_algorithms(void **state)
{
	static const char *const heads[] = {"{\"alg\":\"none\"}", "{\"alg\":\"None\"}",
	    "{\"alg\":\"hs256\"}", "{\"alg\":\"HS512\"}", "{\"alg\":\"RS256\"}", "{\"alg\":null}",
	    "{\"alg\":256}", "{\"alg\":[\"HS256\"]}", "{}", "[]", "null", "", "\"HS256\"",
	    "{\"alg\":\"HS256\"", "{\"typ\":\"JWT\"}"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(heads); i++) {
		char *token = forge(SECRET, heads[i], CLAIMS);
		assert_refused(token);
		rp_free(token);
	}
	/* Without a signature at all. */
	char *head = rp_base64url("{\"alg\":\"none\"}", 14);
	char *body = rp_base64url(CLAIMS, strlen(CLAIMS));
	char *token = rp_asprintf("%s.%s.", head, body);
	assert_refused(token);
	token[strlen(token) - 1] = '\0';
	assert_refused(token);
	rp_free(token);
	rp_free(body);
	rp_free(head);
}

static void test_types(void **state)
{
	static const char *const claims[] = {"{}", "[]", "null", "", "7",
	    "{\"username\":\"admin\"}", "{\"sessionID\":7}", "{\"username\":1,\"sessionID\":7}",
	    "{\"username\":null,\"sessionID\":7}", "{\"username\":[\"admin\"],\"sessionID\":7}",
	    "{\"username\":\"admin\",\"sessionID\":\"7\"}",
	    "{\"username\":\"admin\",\"sessionID\":7.5}",
	    "{\"username\":\"admin\",\"sessionID\":0}", "{\"username\":\"admin\",\"sessionID\":-7}",
	    "{\"username\":\"admin\",\"sessionID\":1e300}",
	    "{\"username\":\"admin\",\"sessionID\":null}",
	    "{\"username\":\"admin\",\"sessionID\":true}",
	    "{\"username\":\"admin\",\"sessionID\":7"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(claims); i++) {
		char *token = forge(SECRET, HS256, claims[i]);
		assert_refused(token);
		rp_free(token);
	}
}

static void test_no_token(void **state)
{
	static const char *const texts[] = {
	    "", ".", "..", "...", "a", "a.b", "a.b.c", "a.b.c.d", "=.=.=", " ", "\xff.\xff.\xff"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(texts); i++) {
		assert_refused(texts[i]);
	}
}

static void test_huge(void **state)
{
	(void)state;
	char *name = rp_malloc(1000001);
	memset(name, 'n', 1000000);
	name[1000000] = '\0';
	assert_null(rp_jwt_sign(SECRET, name, 7, RP_SCOPE_FULL));
	char *claims = rp_asprintf("{\"username\":\"%s\",\"sessionID\":7}", name);
	char *token = forge(SECRET, HS256, claims);
	assert_refused(token);
	assert_refused(name);
	memset(name, '.', 1000000);
	assert_refused(name);
	rp_free(token);
	rp_free(claims);
	/* Deep, and within the limit of length. */
	memset(name, '[', 3000);
	name[3000] = '\0';
	token = forge(SECRET, HS256, name);
	assert_refused(token);
	rp_free(token);
	rp_free(name);
}

static void test_random(void **state)
{
	(void)state;
	char *token = rp_jwt_sign(SECRET, "admin", 7, RP_SCOPE_FULL);
	size_t n = strlen(token);
	char *copy = rp_strdup(token);
	for (size_t i = rp_slow_fewer(3000); i > 0; i--) {
		memcpy(copy, token, n + 1);
		copy[rp_prng_below(n)] = (char)(1 + rp_prng_below(255));
		copy[rp_prng_below(n)] = (char)(1 + rp_prng_below(255));
		if (strcmp(copy, token) != 0) {
			assert_refused(copy);
		}
	}
	rp_free(copy);
	rp_free(token);
}

static int oom_body(void *state)
{
	struct rp_jwt_claims claims = {0};
	(void)state;
	char *token = rp_jwt_sign(SECRET, "admin", 7, RP_SCOPE_FULL);
	if (token == NULL) {
		return RP_ENOMEM;
	}
	int err = rp_jwt_verify(SECRET, token, &claims);
	rp_free(claims.username);
	rp_free(token);
	return err;
}

static void test_oom(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_claims),
	    cmocka_unit_test(test_known_token),
	    cmocka_unit_test(test_tampered),
	    cmocka_unit_test(test_appended),
	    cmocka_unit_test(test_other_secret),
	    cmocka_unit_test(test_algorithms),
	    cmocka_unit_test(test_types),
	    cmocka_unit_test(test_no_token),
	    cmocka_unit_test(test_huge),
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_oom),
	};
	rp_prng_start();
	return rp_prng_report(cmocka_run_group_tests(tests, NULL, NULL));
}
