/* SPDX-License-Identifier: MIT */
/*
 * The session of a page: the token never shows in a body, and the cookie counts only for what our
 * own pages do. Without the header X-Rport-Session everything is as it was.
 */
#include "api/cookie.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/ws.h"
#include "core/alloc.h"
#include "test/lib/api_short.h"
#include "test/lib/ws_user.h"

#define PAGE    "X-Rport-Session: cookie\r\n"
#define FORM    "Content-Type: application/json\r\n"
#define LOGIN   "{\"username\":\"admin\",\"password\":\"" RP_API_RIG_PASSWORD "\"}"
#define OWN     "Origin: http://x\r\n"
#define FOREIGN "Origin: https://ui.example\r\n"
/* The name of the rig's WebSockets. */
#define WS_OWN "Origin: https://rport.test\r\n"

static char cookie[2048]; /* as a line of a request */

static unsigned ask_with(
    const char *method, const char *path, const char *user, const char *body, const char *headers)
{
	char all[4096];
	const struct rp_api_ask a = {
	    .method = method, .path = path, .user = user, .body = body, .headers = all};
	(void)snprintf(all, sizeof(all), "%s", headers);
	return rp_api_rig_ask(rig, &a);
}

/* With the cookie. */
static unsigned page(const char *method, const char *path, const char *headers)
{
	char all[4096];
	(void)snprintf(all, sizeof(all), "%s%s", cookie, headers);
	return ask_with(method, path, NULL, NULL, all);
}

static bool in_head(const char *text)
{
	const char *at = strstr(rig->reply, text);
	return at != NULL && at < rig->body;
}

/* Keeps what the answer sets, as a browser would; attributes: what has to follow. */
static void take_cookie(const char *attributes)
{
	char name[] = "Set-Cookie: ";
	const char *at = strstr(rig->reply, name);
	assert_true(at != NULL && at < rig->body);
	at += strlen(name);
	size_t n = strcspn(at, ";");
	(void)snprintf(cookie, sizeof(cookie), "Cookie: a=b; %.*s; c\r\n", (int)n, at);
	size_t rest = strcspn(at + n, "\r");
	if (strlen(attributes) != rest || strncmp(at + n, attributes, rest) != 0) {
		fail_msg("%.*s", (int)rest, at + n);
	}
}

#define ATTRIBUTES "; Path=/api/v1; HttpOnly; SameSite=Strict"

static void sign_in(void)
{
	assert_int_equal(ask_with("POST", "/login", NULL, LOGIN, FORM PAGE), 200);
	take_cookie(ATTRIBUTES);
	assert_string_equal(rig->body, "{\"data\":{\"two_fa\":null}}");
}

/* --- */

static void test_sign_in(void **state)
{
	(void)state;
	sign_in();
	assert_true(in_head("\r\nCache-Control: no-store\r\n"));
	assert_int_equal(page("GET", "/me", ""), 200);
	assert_non_null(strstr(rig->body, "\"username\":\"admin\""));
	assert_true(in_head("\r\nCache-Control: no-store\r\n"));
	assert_false(in_head("Set-Cookie"));
	/* By Basic credentials, from a page that a proxy shows as https. */
	assert_int_equal(ask_with("GET", "/login", ADMIN, NULL, PAGE "Origin: https://x\r\n"), 200);
	take_cookie(ATTRIBUTES "; Secure");
	assert_null(strstr(rig->body, "token"));
	assert_int_equal(page("GET", "/me", ""), 200);
	assert_int_equal(page("HEAD", "/me", ""), 200);
}

/* As the original has it. */
static void test_without_header(void **state)
{
	static const char *const others[] = {
	    "", "X-Rport-Session: bearer\r\n", "X-Rport-Session: \r\n", FOREIGN};
	char headers[256];
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(others); i++) {
		(void)snprintf(headers, sizeof(headers), FORM "%s", others[i]);
		assert_int_equal(ask_with("POST", "/login", NULL, LOGIN, headers), 200);
		assert_false(in_head("Set-Cookie"));
		assert_false(in_head("Cache-Control"));
		assert_non_null(strstr(rig->body, "{\"data\":{\"token\":\"ey"));
	}
}

/* A page of another origin gets no cookie, and is not given the token either. A proxy that does not pass
 * on the Host shows up here: the answer says so. */
static void test_foreign_login(void **state)
{
#define PROXY PAGE "Origin: https://rport.example\r\nX-Forwarded-Host: RPORT.example"
	(void)state;
	assert_int_equal(ask_with("POST", "/login", NULL, LOGIN, FORM FOREIGN PAGE), 403);
	assert_non_null(strstr(rig->body, "which a proxy in between has to pass on"));
	assert_int_equal(ask_with("GET", "/login", ADMIN, NULL, FOREIGN PAGE), 403);
	assert_false(in_head("Set-Cookie"));
	assert_int_equal(ask_with("POST", "/login", NULL, LOGIN, FORM PROXY "\r\n"), 403);
	rp_api_rig_close(rig);
	rig = rp_api_rig_open("trusted_proxies = ['127.0.0.1']\n");
	assert_int_equal(ask_with("POST", "/login", NULL, LOGIN, FORM PROXY "\r\n"), 200);
	take_cookie(ATTRIBUTES "; Secure");
	assert_int_equal(page("DELETE", "/client-groups/none", PROXY ", inner\r\n"), 204);
	assert_int_equal(page("DELETE", "/client-groups/none", PROXY ".evil\r\n"), 403);
	assert_int_equal(page("DELETE", "/client-groups/none", PROXY "\r\n"), 204);
}

static void test_refused_login(void **state)
{
	(void)state;
	assert_int_equal(ask_with("GET", "/login", "admin:wrong", NULL, PAGE), 401);
	assert_false(in_head("Set-Cookie"));
	assert_int_equal(ask_with("POST", "/login", NULL, "{}", FORM PAGE), 401);
	assert_false(in_head("Set-Cookie"));
}

static void refused(const char *method, const char *headers)
{
	assert_int_equal(
	    page(method, strcmp(method, "POST") == 0 ? "/client-groups" : "/client-groups/none",
	        headers),
	    403);
	assert_non_null(strstr(
	    rig->body, "\"title\":\"the session cookie counts for pages of this server only\""));
}

/* Pages of others can make the browser send the cookie, and then lack the header or have another
 * origin. */
static void test_foreign_pages(void **state)
{
	(void)state;
	sign_in();
	refused("DELETE", "");
	refused("PUT", "");
	refused("POST", "X-Rport-Session: bearer\r\n");
	refused("DELETE", FOREIGN PAGE);
	refused("DELETE", "Origin: null\r\n" PAGE);
	refused("DELETE", "Origin: http://x:8080\r\n" PAGE);
	refused("DELETE", "Origin: http://x.example\r\n" PAGE);
	refused("GET", FOREIGN);
	assert_int_equal(page("DELETE", "/client-groups/none", PAGE), 204);
	assert_int_equal(page("DELETE", "/client-groups/none", PAGE OWN), 204);
	assert_int_equal(page("GET", "/client-groups", OWN), 200);
}

/* Origins that may call the API with credentials of their own do not get at the cookie. */
static void test_cors(void **state)
{
	(void)state;
	rp_api_rig_close(rig);
	rig = rp_api_rig_open("cors = ['https://ui.example']\n");
	sign_in();
	refused("GET", FOREIGN);
	refused("DELETE", FOREIGN PAGE);
	assert_int_equal(
	    page("OPTIONS", "/me", FOREIGN "Access-Control-Request-Method: GET\r\n"), 204);
	assert_true(in_head("\r\nAccess-Control-Allow-Headers: Authorization, Content-Type\r\n"));
}

static void test_header_wins(void **state)
{
	char headers[3000];
	(void)state;
	sign_in();
	(void)snprintf(headers, sizeof(headers), "%s", cookie);
	assert_int_equal(ask_with("GET", "/me", "bob:" RP_API_RIG_PASSWORD, NULL, headers), 200);
	assert_non_null(strstr(rig->body, "\"username\":\"bob\""));
	assert_int_equal(ask_with("GET", "/me", "bob:wrong", NULL, headers), 401);
	assert_int_equal(ask_with("GET", "/me", "Bearer nonsense", NULL, headers), 401);
}

/* Somebody else's domain may have put one beside ours. */
static void test_two_cookies(void **state)
{
	char twice[4200];
	(void)state;
	sign_in();
	(void)snprintf(twice, sizeof(twice), "Cookie: rport_session=x\r\n");
	assert_int_equal(page("GET", "/me", twice), 401);
	assert_int_equal(ask_with("GET", "/me", NULL, NULL, "Cookie: rport_session=\r\n"), 401);
	assert_int_equal(ask_with("GET", "/me", NULL, NULL, "Cookie: xrport_session=a\r\n"), 401);
	assert_int_equal(ask_with("GET", "/me", NULL, NULL, "Cookie: rport_session\r\n"), 401);
	memset(twice, 'a', sizeof(twice));
	memcpy(twice, "Cookie: rport_session=", 22);
	memcpy(twice + sizeof(twice) - 3, "\r\n", 3);
	const struct rp_api_ask a = {.method = "GET", .path = "/me", .headers = twice};
	assert_int_equal(rp_api_rig_ask(rig, &a), 401);
}

static void test_sign_out(void **state)
{
	(void)state;
	sign_in();
	/* Not by another page. */
	assert_int_equal(page("DELETE", "/logout", ""), 403);
	assert_int_equal(page("DELETE", "/logout", FOREIGN PAGE), 403);
	assert_int_equal(page("GET", "/me", ""), 200);
	assert_int_equal(page("DELETE", "/logout", PAGE), 204);
	assert_true(in_head("\r\nSet-Cookie: rport_session=; Path=/api/v1; HttpOnly; "
	                    "SameSite=Strict; Max-Age=0\r\n"));
	assert_int_equal(page("GET", "/me", ""), 401);
	/* Once more, with what the browser may still have: it goes. */
	assert_int_equal(page("DELETE", "/logout", PAGE), 204);
	(void)snprintf(cookie, sizeof(cookie), "Cookie: rport_session=nonsense\r\n");
	assert_int_equal(page("DELETE", "/logout", PAGE), 204);
	assert_true(in_head("Max-Age=0"));
	assert_int_equal(ask_with("DELETE", "/logout", NULL, NULL, PAGE), 400);
}

/* A page that looks whether somebody is signed in, or has been, is no attacker. */
static void test_bans(void **state)
{
	(void)state;
	rp_api_rig_stop(rig);
	rig->cfg.api.max_failed_login = 2;
	rig->cfg.api.ban_time = 600;
	rp_api_rig_start(rig);
	sign_in();
	assert_int_equal(page("DELETE", "/logout", PAGE), 204);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(page("GET", "/me", ""), 401);
		assert_int_equal(ask_with("GET", "/me", NULL, NULL, PAGE), 401);
	}
	sign_in();
	(void)snprintf(cookie, sizeof(cookie), "Cookie: rport_session=nonsense\r\n");
	for (int i = 0; i < 3; i++) {
		(void)page("GET", "/me", "");
	}
	assert_int_equal(page("GET", "/me", ""), 423);
}

static void test_restart(void **state)
{
	(void)state;
	sign_in();
	rp_api_rig_restart(rig);
	assert_int_equal(page("GET", "/me", ""), 200);
}

static unsigned open_socket(struct rp_ws_user *u, const char *origin)
{
	char headers[3000];
	(void)snprintf(headers, sizeof(headers), "%s%s", cookie, origin);
	return rp_ws_user_open(u, rig, "/ws/commands", headers);
}

static void test_websocket(void **state)
{
	struct rp_ws_user u;
	(void)state;
	sign_in();
	assert_int_equal(open_socket(&u, ""), 403);
	assert_int_equal(open_socket(&u, FOREIGN), 403);
	assert_int_equal(open_socket(&u, PAGE), 403);
	assert_int_equal(open_socket(&u, WS_OWN), 101);
	/* It ends with the session. */
	assert_int_equal(page("DELETE", "/logout", PAGE), 204);
	rp_api_ws_check_all(rig->api);
	assert_null(rp_ws_user_next(&u));
	assert_int_equal(u.closed, RP_API_WS_POLICY);
	rp_ws_user_close(&u);
	assert_int_equal(open_socket(&u, WS_OWN), 401);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
	const struct CMUnitTest tests[] = {
	    T(test_sign_in),
	    T(test_without_header),
	    T(test_foreign_login),
	    T(test_refused_login),
	    T(test_foreign_pages),
	    T(test_cors),
	    T(test_header_wins),
	    T(test_two_cookies),
	    T(test_sign_out),
	    T(test_bans),
	    T(test_restart),
	    T(test_websocket),
	};
	return cmocka_run_group_tests_name("api_cookie", tests, NULL, NULL);
}
