/* SPDX-License-Identifier: MIT */
/*
 * Tunnels: every 400 text, what reaches the client, what it may answer, names that are not there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "test/lib/api_raw.h"

/* Tunnels */

static unsigned put_tunnel(const char *query)
{
	char path[512];
	(void)snprintf(path, sizeof(path), "/clients/c1/tunnels?%s", query);
	return ask("PUT", path, ADMIN, NULL);
}

#define ACL_HINT                                                                                       \
	"acl: expected addresses and networks with commas and no blanks between them, like 192.0.2.1," \
	"10.0.0.0/8,2001:db8::/32"

#define REMOTE_HINT  "remote: expected PORT or HOST:PORT, like "
#define LOCAL_HINT   "local: expected PORT or ADDRESS:PORT, like "
#define SCHEME_HINT  "scheme: expected "
#define NAME_HINT    "name: expected at most 255 bytes"
#define MINUTES_HINT "idle-timeout-minutes: expected "
#define CLOSE_HINT   "auto-close: expected a duration from 0s to 744h, like 1h30m"
#define IDLE_CODE    "ERR_CODE_INVALID_IDLE_TIMEOUT"
#define ACL_CODE     "ERR_CODE_INVALID_ACL"

/* Each says which field is wrong and what would be right. */
static const struct {
	const char *query, *code, *title, *detail;
} bad_tunnels[] = {
    {"", "", "failed to decode \\\"\\\": Invalid remote", REMOTE_HINT},
    {"remote=", "", "failed to decode \\\"\\\": Invalid remote", REMOTE_HINT},
    {"remote=abc", "", "failed to decode \\\"abc\\\": Missing ports", REMOTE_HINT},
    {"remote=0", "", "failed to decode \\\"0\\\": port is not in 1-65535", REMOTE_HINT},
    {"remote=65536", "", "failed to decode \\\"65536\\\": port is not in 1-65535", REMOTE_HINT},
    {"remote=1:h:22", "", "failed to decode \\\"1:h:22\\\": more than one ", REMOTE_HINT},
    {"remote=22:23", "", "failed to decode \\\"22:23\\\": more than one ", REMOTE_HINT},
    {"remote=h:22:x", "", "failed to decode \\\"h:22:x\\\": Missing ports", REMOTE_HINT},
    {"remote=53/udp", "", "failed to decode \\\"53/udp\\\": the protocol ", REMOTE_HINT},
    {"remote=::1:22", "", "failed to decode \\\"::1:22\\\": Invalid remote: IPv6 ", REMOTE_HINT},
    {"remote=[::1:22", "", "failed to decode ", REMOTE_HINT},
    {"remote=a%20b:22", "", "failed to decode \\\"a b:22\\\": Invalid host", REMOTE_HINT},
    {"remote=22&local=x", "", "failed to decode \\\"x\\\": Missing ports", LOCAL_HINT},
    {"remote=22&local=0", "", "failed to decode \\\"0\\\": port is not ", LOCAL_HINT},
    {"remote=22&local=70000", "", "failed to decode \\\"70000\\\": port is not ", LOCAL_HINT},
    {"remote=22&local=1:h:2", "", "failed to decode \\\"1:h:2\\\": more than one ", LOCAL_HINT},
    {"remote=22&local=2222:22", "", "failed to decode \\\"2222:22\\\": more than ", LOCAL_HINT},
    {"remote=22&local=h:2222", "", "failed to decode \\\"h:2222\\\": the host is not an IP",
        LOCAL_HINT},
    {"remote=22&protocol=icmp", "", "invalid protocol: expected tcp, udp or tcp+udp", "icmp"},
    {"remote=22&protocol=TCP", "", "invalid protocol: expected tcp, udp or tcp+udp", "TCP"},
    {"remote=22&scheme=1234567890123456", "ERR_CODE_URI_SCHEME_LENGTH_EXCEED",
        "Invalid URI scheme. Exceeds the max length.", SCHEME_HINT},
    {"remote=22&scheme=a%7fb", "", "Invalid URI scheme. It has control characters.", SCHEME_HINT},
    {"remote=22&name=a%0ab", "", "Invalid name.", NAME_HINT},
    {"remote=22&http_proxy=1", "", "tunnel proxy not enabled", ""},
    {"remote=22&http_proxy=TRUE", "", "tunnel proxy not enabled", ""},
    {"remote=22&host_header=x", "", "host_header requires http_proxy to be activated", ""},
    {"remote=22&auth_user=x", "", "auth_user requires http_proxy to be activated", ""},
    {"remote=22&auth_password=x", "", "auth_password requires http_proxy to be activated", ""},
    {"remote=22&idle-timeout-minutes=x", IDLE_CODE, "Invalid idle timeout.", MINUTES_HINT},
    {"remote=22&idle-timeout-minutes=-1", IDLE_CODE, "Invalid idle timeout.", MINUTES_HINT},
    {"remote=22&idle-timeout-minutes=10081", IDLE_CODE, "Invalid idle timeout.", MINUTES_HINT},
    {"remote=22&skip-idle-timeout=1&idle-timeout-minutes=5", IDLE_CODE,
        "skip-idle-timeout and idle-timeout-minutes exclude each other", MINUTES_HINT},
    {"remote=22&auto-close=x", "", "Invalid auto-close.", CLOSE_HINT},
    {"remote=22&auto-close=-1s", "", "Invalid auto-close.", CLOSE_HINT},
    {"remote=22&auto-close=745h", "", "Invalid auto-close.", CLOSE_HINT},
    {"remote=22&auto-close=60", "", "Invalid auto-close.", CLOSE_HINT},
    {"remote=22&acl=0.0.0.0", ACL_CODE,
        "0.0.0.0 would allow access to everyone. If that's what you want, do not set the ACL",
        ACL_HINT},
    {"remote=22&acl=0.0.0.0/0", ACL_CODE,
        "0.0.0.0 would allow access to everyone. If that's what you want, do not set the ACL",
        ACL_HINT},
    {"remote=22&acl=::", ACL_CODE,
        ":: would allow access to everyone. If that's what you want, do not set the ACL", ACL_HINT},
    {"remote=22&acl=1.2.3.4,x", ACL_CODE, "invalid IP addr: x", ACL_HINT},
    {"remote=22&acl=1.2.3", ACL_CODE, "invalid IP addr: 1.2.3", ACL_HINT},
    {"remote=22&acl=1.2.3.4,%2010.0.0.0/8", ACL_CODE, "invalid IP addr:  10.0.0.0/8", ACL_HINT},
    {"remote=22&acl=1.2.3.4/33", ACL_CODE, "invalid IP addr: 1.2.3.4/33", ACL_HINT},
    {"remote=22&acl=2001:db8::/129", ACL_CODE, "invalid IP addr: 2001:db8::/129", ACL_HINT},
    {"remote=22&acl=1.2.3.4,", ACL_CODE, "invalid IP addr: ", ACL_HINT},
    /* The order of the checks: the first that is wrong is told. */
    {"remote=x&scheme=1234567890123456", "", "failed to decode", REMOTE_HINT},
    {"remote=22&acl=x&auto-close=x", "", "Invalid auto-close.", CLOSE_HINT},
};

static void test_tunnel_errors(void **state)
{
	(void)state;
	assert_reply(404, FAIL("Client with id=\\\"c1\\\" not found."), put_tunnel("remote=22"));
	connect_client("c1", 1);
	for (size_t i = 0; i < RP_ARRAY_LEN(bad_tunnels); i++) {
		char want[300];
		char detail[300];
		(void)snprintf(want, sizeof(want), "{\"errors\":[{\"code\":\"%s\",\"title\":\"%s",
		    bad_tunnels[i].code, bad_tunnels[i].title);
		(void)snprintf(detail, sizeof(detail), "\",\"detail\":\"%s", bad_tunnels[i].detail);
		unsigned status = put_tunnel(bad_tunnels[i].query);
		if (status != 400 || strncmp(rig->body, want, strlen(want)) != 0 ||
		    strstr(rig->body, detail) == NULL) {
			fail_msg("%s: %u %s", bad_tunnels[i].query, status, rig->body);
		}
	}
	assert_int_equal(rp_fake_count(rig->workers), 0);
	disconnect_client(1);
	assert_reply(404, FAIL("client with id c1 not found"), put_tunnel("remote=22"));
}

static void begin_tunnel(const char *query)
{
	char path[512];
	rp_fake_clear(rig->workers);
	(void)snprintf(path, sizeof(path), "/clients/c1/tunnels?%s", query);
	begin("PUT", path, ADMIN, NULL);
}

/* What is right arrives as it was meant; the requester is the ACL unless there is one. */
static void test_tunnel_options(void **state)
{
	static const struct {
		const char *query, *text, *acl;
		int64_t idle_minutes, auto_close_s;
	} cases[] = {
	    {"remote=22", "::127.0.0.1:22", "127.0.0.1", 5, 0},
	    {"remote=h.lan:65535&local=1", "0.0.0.0:1:h.lan:65535", "127.0.0.1", 5, 0},
	    {"remote=[2001:db8::1]:22&local=[::1]:2222", "::1:2222:[2001:db8::1]:22", "127.0.0.1",
	        5, 0},
	    {"remote=1.2.3.4:22&local=localhost:2222&protocol=tcp", "localhost:2222:1.2.3.4:22",
	        "127.0.0.1", 5, 0},
	    {"remote=53&protocol=udp&acl=", "::127.0.0.1:53/udp", NULL, 5, 0},
	    {"remote=53&protocol=tcp%2Budp&acl=", "::127.0.0.1:53/tcp+udp", NULL, 5, 0},
	    {"remote=53&acl=10.0.0.0/8,::1,2001:db8::/32,1.2.3.4", "::127.0.0.1:53",
	        "10.0.0.0/8,::1,2001:db8::/32,1.2.3.4", 5, 0},
	    {"remote=22&idle-timeout-minutes=0", "::127.0.0.1:22", "127.0.0.1", 0, 0},
	    {"remote=22&idle-timeout-minutes=10080", "::127.0.0.1:22", "127.0.0.1", 10080, 0},
	    {"remote=22&skip-idle-timeout=1", "::127.0.0.1:22", "127.0.0.1", 0, 0},
	    {"remote=22&skip-idle-timeout=true&idle-timeout-minutes=0", "::127.0.0.1:22",
	        "127.0.0.1", 0, 0},
	    {"remote=22&skip-idle-timeout=maybe", "::127.0.0.1:22", "127.0.0.1", 5, 0},
	    {"remote=22&auto-close=744h", "::127.0.0.1:22", "127.0.0.1", 5, 744 * 3600},
	    {"remote=22&auto-close=1m30s", "::127.0.0.1:22", "127.0.0.1", 5, 90},
	    {"remote=22&auto-close=0s", "::127.0.0.1:22", "127.0.0.1", 5, 0},
	};
	(void)state;
	connect_client("c1", 1);
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		char query[300];
		(void)snprintf(query, sizeof(query), "%s&check_port=0&name=%%C3%%A4&scheme=rdp",
		    cases[i].query);
		begin_tunnel(query);
		rp_fake_answer(rp_api_rig_wait_order(rig, 1), 0, "{\"IsAllowed\":true}");
		const struct rp_remote *r = &rp_api_rig_wait_order(rig, 2)->remote;
		struct rp_remote plain = *r;
		plain.acl = NULL;
		char *text = rp_remote_text(&plain);
		if (strcmp(text, cases[i].text) != 0 ||
		    strcmp(r->acl != NULL ? r->acl : "",
		        cases[i].acl != NULL ? cases[i].acl : "") != 0 ||
		    r->idle_timeout_minutes != cases[i].idle_minutes ||
		    r->auto_close != cases[i].auto_close_s * RP_NS_PER_S) {
			fail_msg("%s: %s %s", cases[i].query, text, r->acl);
		}
		assert_string_equal(r->name, "\xc3\xa4");
		assert_string_equal(r->scheme, "rdp");
		assert_string_equal(r->owner, "admin");
		rp_free(text);
		rp_fake_answer_tunnel(rp_api_rig_wait_order(rig, 2), RP_ENOMEM, NULL, "no");
		assert_int_equal(rp_api_rig_finish(rig), 409);
	}
}

/* Parameters without a value are as good as none. */
static void test_tunnel_empty(void **state)
{
	(void)state;
	connect_client("c1", 1);
	begin_tunnel("remote=22&local=&protocol=&name=&scheme=&check_port=0&idle-timeout-minutes="
	             "&skip-idle-timeout=&auto-close=&http_proxy=&host_header=&auth_user="
	             "&auth_password=");
	rp_fake_answer(rp_api_rig_wait_order(rig, 1), 0, "{\"IsAllowed\":true}");
	const struct rp_remote *r = &rp_api_rig_wait_order(rig, 2)->remote;
	assert_null(r->scheme);
	assert_int_equal(r->idle_timeout_minutes, 5);
	assert_false(r->http_proxy);
	rp_fake_answer_tunnel(rp_api_rig_wait_order(rig, 2), RP_ENOMEM, NULL, "no");
	assert_int_equal(rp_api_rig_finish(rig), 409);
}

/* A server with a certificate for proxies; the API does not read it. */
static void test_tunnel_proxy(void **state)
{
	static const struct {
		const char *query;
		unsigned status;
		const char *title;
	} cases[] = {
	    {"http_proxy=x&scheme=http", 500, "invalid http_proxy: expected true or false"},
	    {"http_proxy=1", 400, "http_proxy requires the scheme http or https"},
	    {"http_proxy=t&scheme=ssh", 400, "http_proxy requires the scheme http or https"},
	    {"http_proxy=1&scheme=rdp", 400,
	        "http_proxy with the scheme rdp is not supported by this server"},
	    {"http_proxy=1&scheme=http&protocol=udp", 400, "http_proxy requires the protocol tcp"},
	    {"http_proxy=1&scheme=http&auth_user=a", 400,
	        "auth_user and auth_password are needed together"},
	    {"http_proxy=0&host_header=x", 400, "host_header requires http_proxy to be activated"},
	    {"http_proxy=1&scheme=http&host_header=a%0d%0ab", 400,
	        "host_header is too long or has control characters"},
	};
	(void)state;
	connect_client("c1", 1);
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		char query[200];
		(void)snprintf(query, sizeof(query), "remote=80&%s", cases[i].query);
		unsigned status = put_tunnel(query);
		if (status != cases[i].status || strstr(rig->body, cases[i].title) == NULL) {
			fail_msg("%s: %u %s", cases[i].query, status, rig->body);
		}
	}
	begin_tunnel("remote=80&check_port=0&http_proxy=true&scheme=https&host_header=in.example&"
	             "auth_user=me&auth_password=a%3Ab");
	rp_fake_answer(rp_api_rig_wait_order(rig, 1), 0, "{\"IsAllowed\":true}");
	const struct rp_remote *r = &rp_api_rig_wait_order(rig, 2)->remote;
	assert_true(r->http_proxy);
	assert_string_equal(r->scheme, "https");
	assert_string_equal(r->host_header, "in.example");
	assert_string_equal(r->auth_user, "me");
	assert_string_equal(r->auth_password, "a:b");
	rp_fake_answer_tunnel(rp_api_rig_wait_order(rig, 2), RP_ENOMEM, NULL, "no");
	assert_int_equal(rp_api_rig_finish(rig), 409);
	assert_int_equal(get("/status"), 200);
	assert_non_null(strstr(rig->body, "\"tunnel_proxy_enabled\":true"));
}

#define TUNNEL                                                                                         \
	"{\"id\":\"1\",\"name\":\"n\",\"protocol\":\"tcp\",\"lhost\":\"0.0.0.0\",\"lport\":\"20001\"," \
	"\"lport_random\":true,\"owner\":\"admin\",\"rhost\":\"127.0.0.1\",\"rport\":\"22\","          \
	"\"scheme\":\"ssh\",\"acl\":\"127.0.0.1\",\"idle_timeout_minutes\":5,\"auto_close\":"          \
	"5400000000000,\"http_proxy\":false,\"host_header\":\"\",\"auth_user\":\"\","                  \
	"\"auth_password\":\"\",\"tunnel_url\":\"\",\"created_at\":\"2026-01-02T03:04:05.5Z\""

static void open_tunnel(void)
{
	begin_tunnel("remote=22&name=n&scheme=ssh&auto-close=1h30m");
	struct rp_fake_order *o = rp_api_rig_wait_order(rig, 1);
	assert_string_equal(o->name, "check_tunnel_allowed");
	assert_string_equal(o->text, "{\"Remote\":\"127.0.0.1:22\"}");
	rp_fake_answer(o, 0, "{\"IsAllowed\":true}");
	o = rp_api_rig_wait_order(rig, 2);
	assert_string_equal(o->name, "check_port");
	assert_string_equal(o->text, "{\"HostPort\":\"127.0.0.1:22\",\"Timeout\":2000000000}");
	rp_fake_answer(o, 0, "{\"Open\":true,\"ErrMsg\":\"\"}");
	o = rp_api_rig_wait_order(rig, 3);
	assert_int_equal(o->kind, RP_FAKE_START);
	rp_fake_answer_tunnel(o, 0, "1", NULL);
	assert_reply(200, "{\"data\":" TUNNEL "}}", rp_api_rig_finish(rig));
}

static void test_tunnel(void **state)
{
	(void)state;
	assert_reply(200, "{\"data\":[]}", get("/tunnels"));
	connect_client("c1", 1);
	open_tunnel();
	assert_reply(200, "{\"data\":[" TUNNEL ",\"client_id\":\"c1\"}]}", get("/tunnels"));
	assert_reply(200, "{\"data\":{\"tunnels\":[" TUNNEL "}]}}",
	    get("/clients/c1?fields[clients]=tunnels"));
	/* Twice the same. */
	begin_tunnel("remote=22");
	rp_fake_answer(rp_api_rig_wait_order(rig, 1), RP_EDENIED, "unknown request");
	assert_reply(400,
	    ERR("ERR_CODE_TUNNEL_TO_PORT_EXIST", "Tunnel to port 22 already exists.", ""),
	    rp_api_rig_finish(rig));
	begin_tunnel("remote=22&local=20001");
	rp_fake_answer(rp_api_rig_wait_order(rig, 1), 0, "{\"IsAllowed\":true}");
	assert_reply(400, ERR("ERR_CODE_TUNNEL_EXIST", "Tunnel already exists.", ""),
	    rp_api_rig_finish(rig));
	/* Its ACL. */
	rp_fake_clear(rig->workers);
	begin("PUT", "/clients/c1/tunnels/1/acl", ADMIN, "{\"acl\":\"1.2.3.4,10.0.0.0/8\"}");
	struct rp_fake_order *o = rp_api_rig_wait_order(rig, 1);
	assert_string_equal(o->text, "1.2.3.4,10.0.0.0/8");
	rp_fake_answer_tunnel(o, 0, NULL, NULL);
	assert_reply(204, "", rp_api_rig_finish(rig));
	assert_int_equal(get("/tunnels"), 200);
	assert_non_null(strstr(rig->body, "\"acl\":\"1.2.3.4,10.0.0.0/8\""));
	begin("PUT", "/clients/c1/tunnels/1/acl", ADMIN, "{\"acl\":null}");
	assert_null(rp_api_rig_wait_order(rig, 2)->text);
	rp_fake_answer_tunnel(rp_api_rig_wait_order(rig, 2), 0, NULL, NULL);
	assert_reply(204, "", rp_api_rig_finish(rig));
	assert_int_equal(get("/tunnels"), 200);
	assert_non_null(strstr(rig->body, "\"acl\":null"));
	/* And its end. */
	begin("DELETE", "/clients/c1/tunnels/1", ADMIN, NULL);
	assert_false(rp_api_rig_wait_order(rig, 3)->flag);
	rp_fake_answer_tunnel(
	    rp_api_rig_wait_order(rig, 3), RP_EBUSY, NULL, "tunnel has 2 active connection(s)");
	assert_reply(409, FAIL("tunnel has 2 active connection(s)"), rp_api_rig_finish(rig));
	begin("DELETE", "/clients/c1/tunnels/1?force=true", ADMIN, NULL);
	assert_true(rp_api_rig_wait_order(rig, 4)->flag);
	rp_fake_answer_tunnel(rp_api_rig_wait_order(rig, 4), 0, NULL, NULL);
	assert_reply(204, "", rp_api_rig_finish(rig));
	assert_reply(200, "{\"data\":[]}", get("/tunnels"));
}

static void test_tunnel_refused(void **state)
{
	(void)state;
	connect_client("c1", 1);
	begin_tunnel("remote=22");
	rp_fake_answer(rp_api_rig_wait_order(rig, 1), 0, "{\"IsAllowed\":false}");
	assert_reply(400, FAIL("Tunnel destination is not allowed by client configuration."),
	    rp_api_rig_finish(rig));
	begin_tunnel("remote=22");
	rp_fake_answer(rp_api_rig_wait_order(rig, 1), RP_EDENIED, "no such host");
	assert_reply(400,
	    ERR("", "The client could not check the tunnel destination.", "no such host"),
	    rp_api_rig_finish(rig));
	begin_tunnel("remote=22");
	rp_fake_answer(rp_api_rig_wait_order(rig, 1), RP_ECLOSED, "");
	assert_reply(404, FAIL("client with id c1 not found"), rp_api_rig_finish(rig));
	begin_tunnel("remote=22");
	rp_fake_answer(rp_api_rig_wait_order(rig, 1), 0, "{\"IsAllowed\":true}");
	rp_fake_answer(rp_api_rig_wait_order(rig, 2), 0,
	    "{\"Open\":false,\"ErrMsg\":\"dial tcp 127.0.0.1:22: connect: connection refused\"}");
	assert_reply(400,
	    ERR("ERR_CODE_REMOTE_PORT_NOT_OPEN", "Port 22 is not in listening state.",
	        "dial tcp 127.0.0.1:22: connect: connection refused"),
	    rp_api_rig_finish(rig));
	begin_tunnel("remote=22");
	rp_fake_answer(rp_api_rig_wait_order(rig, 1), 0, "{\"IsAllowed\":true}");
	rp_fake_answer(rp_api_rig_wait_order(rig, 2), RP_EDENIED, "");
	assert_int_equal(rp_api_rig_finish(rig), 409);
	/* Without the check of the port; then the port itself. */
	begin_tunnel("remote=22&local=80&check_port=0");
	rp_fake_answer(rp_api_rig_wait_order(rig, 1), 0, "{\"IsAllowed\":true}");
	assert_string_equal(rp_api_rig_wait_order(rig, 2)->remote.lport, "80");
	assert_string_equal(rp_api_rig_wait_order(rig, 2)->remote.lhost, "0.0.0.0");
	rp_fake_answer_tunnel(rp_api_rig_wait_order(rig, 2), RP_EDENIED, NULL,
	    "Local port 80 is not among allowed ports.");
	assert_reply(
	    400, FAIL("Local port 80 is not among allowed ports."), rp_api_rig_finish(rig));
	begin_tunnel("remote=h:22&local=127.0.0.1:2222&protocol=udp&acl=&skip-idle-timeout=true");
	assert_string_equal(rp_api_rig_wait_order(rig, 1)->text, "{\"Remote\":\"h:22\"}");
	rp_fake_answer(rp_api_rig_wait_order(rig, 1), 0, "{\"IsAllowed\":true}");
	struct rp_fake_order *o = rp_api_rig_wait_order(rig, 2);
	assert_string_equal(o->remote.lhost, "127.0.0.1");
	assert_string_equal(o->remote.rhost, "h");
	assert_string_equal(o->remote.protocol, "udp");
	assert_null(o->remote.acl);
	assert_int_equal(o->remote.idle_timeout_minutes, 0);
	rp_fake_answer_tunnel(o, RP_EEXIST, NULL, "in use");
	assert_reply(400, ERR("ERR_CODE_LOCAL_PORT_IN_USE", "Port 2222 already in use.", ""),
	    rp_api_rig_finish(rig));
	/* By another program. */
	begin_tunnel("remote=22&check_port=0&local=2222");
	rp_fake_answer(rp_api_rig_wait_order(rig, 1), 0, "{\"IsAllowed\":true}");
	rp_fake_answer_tunnel(rp_api_rig_wait_order(rig, 2), UV_EADDRINUSE, NULL, "in use");
	assert_reply(400, ERR("ERR_CODE_LOCAL_PORT_IN_USE", "Port 2222 already in use.", ""),
	    rp_api_rig_finish(rig));
	begin_tunnel("remote=22&check_port=0");
	rp_fake_answer(rp_api_rig_wait_order(rig, 1), 0, "{\"IsAllowed\":true}");
	rp_fake_answer_tunnel(
	    rp_api_rig_wait_order(rig, 2), RP_ENOMEM, NULL, "unable to start tunnel: x");
	assert_reply(409, FAIL("unable to start tunnel: x"), rp_api_rig_finish(rig));
}

/* The client goes away between two steps. */
static void test_tunnel_gone(void **state)
{
	(void)state;
	connect_client("c1", 1);
	begin_tunnel("remote=22");
	struct rp_fake_order *o = rp_api_rig_wait_order(rig, 1);
	disconnect_client(1);
	rp_fake_answer(o, 0, "{\"IsAllowed\":true}");
	assert_reply(404, FAIL("client with id c1 not found"), rp_api_rig_finish(rig));
	connect_client("c1", 2);
	begin_tunnel("remote=22&check_port=0");
	rp_fake_answer(rp_api_rig_wait_order(rig, 1), 0, "{\"IsAllowed\":true}");
	o = rp_api_rig_wait_order(rig, 2);
	disconnect_client(2);
	rp_fake_answer_tunnel(o, 0, "1", NULL);
	assert_reply(404, FAIL("client with id c1 not found"), rp_api_rig_finish(rig));
	assert_reply(200, "{\"data\":[]}", get("/tunnels"));
}

static void test_tunnel_other_errors(void **state)
{
	(void)state;
	connect_client("c1", 1);
	assert_reply(400, FAIL("Invalid force param: expected true or false"),
	    ask("DELETE", "/clients/c1/tunnels/1?force=maybe", ADMIN, NULL));
	begin("DELETE", "/clients/c1/tunnels/7?force=0", ADMIN, NULL);
	rp_fake_answer_tunnel(rp_api_rig_wait_order(rig, 1), RP_ENOENT, NULL, "");
	assert_reply(404, FAIL("tunnel not found"), rp_api_rig_finish(rig));
	assert_reply(400, FAIL("Missing body with json data."),
	    ask("PUT", "/clients/c1/tunnels/1/acl", ADMIN, NULL));
	assert_reply(400, ERR("", "Invalid JSON data.", "json: unknown field \\\"x\\\""),
	    ask("PUT", "/clients/c1/tunnels/1/acl", ADMIN, "{\"x\":1}"));
	assert_reply(400, ERR("ERR_CODE_INVALID_ACL", "invalid IP addr: x", ACL_HINT),
	    ask("PUT", "/clients/c1/tunnels/1/acl", ADMIN, "{\"acl\":\"x\"}"));
	begin("PUT", "/clients/c1/tunnels/7/acl", ADMIN, "{\"acl\":null}");
	rp_fake_answer_tunnel(rp_api_rig_wait_order(rig, 2), RP_ENOENT, NULL, "");
	assert_reply(404, FAIL("tunnel not found"), rp_api_rig_finish(rig));
}

#define T(name)            cmocka_unit_test_setup_teardown(name, setup, teardown)
#define T_CONF(name, text) cmocka_unit_test_prestate_setup_teardown(name, setup, teardown, text)

int main(void)
{
	static char proxied[] = "[server]\nauth = 'one:tops3cret'\ntunnel_proxy_cert_file = '/c'\n"
	                        "tunnel_proxy_key_file = '/k'\n[api]\naddress = '127.0.0.1:0'\n"
	                        "auth = 'admin:sesam7'\nuser_login_wait = 0\n";
	const struct CMUnitTest tests[] = {
	    T(test_tunnel_errors),
	    T(test_tunnel_options),
	    T(test_tunnel_empty),
	    T_CONF(test_tunnel_proxy, proxied),
	    T(test_tunnel),
	    T(test_tunnel_refused),
	    T(test_tunnel_gone),
	    T(test_tunnel_other_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
