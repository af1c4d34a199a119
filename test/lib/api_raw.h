/* SPDX-License-Identifier: MIT */
/*
 * Requests with heads of their own, and an installed client, for a test program that has one rig at
 * a time; to be included by its only file. What it does not need costs nothing.
 */
#ifndef RP_TEST_LIB_API_RAW_H
#define RP_TEST_LIB_API_RAW_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "test/lib/api_rig.h"

#define CONFIG                                   \
	"[server]\nauth = 'one:tops3cret'\n"     \
	"used_ports = ['20000-30000', '8080']\n" \
	"excluded_ports = ['22']\n"              \
	"url = ['http://rport.example:8080']\n"  \
	"[api]\naddress = '127.0.0.1:0'\njwt_secret = 'a secret of the test'\n"
#define STATIC CONFIG "auth = 'admin:sesam7'\n"
#define CALM   STATIC "user_login_wait = 0\nmax_failed_login = 0\n"
#define ADMIN  "Authorization: Basic YWRtaW46c2VzYW03\r\n" /* admin:sesam7 */
#define WRONG  "Authorization: Basic YWRtaW46eA==\r\n"     /* admin:x */
#define JSON   "Content-Type: application/json; charset=UTF-8\r\n"

static struct rp_api_rig *rig;

/* *state is the configuration. */
static inline int setup(void **state)
{
	rig = rp_api_rig_open_config(*state != NULL ? *state : CALM);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	rp_api_rig_close(rig);
	return 0;
}

/* headers: lines, each with its CRLF. A path that begins with "/!" is not below the prefix. */
static inline void begin(
    const char *method, const char *path, const char *headers, const char *text)
{
	size_t n = text == NULL ? 0 : strlen(text);
	char *request = rp_asprintf("%s %s%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%sContent-"
	                            "Length: %zu\r\n\r\n%s",
	    method, path[0] == '/' && path[1] == '!' ? "" : "/api/v1",
	    path + (path[1] == '!' ? 2 : 0), headers, n, text != NULL ? text : "");
	rp_api_rig_begin(rig, request, strlen(request));
	rp_free(request);
}

static inline unsigned ask(
    const char *method, const char *path, const char *headers, const char *text)
{
	begin(method, path, headers, text);
	return rp_api_rig_finish(rig);
}

static inline unsigned get(const char *path)
{
	return ask("GET", path, ADMIN, NULL);
}

#define assert_reply(status_, want, call)                                                  \
	do {                                                                               \
		unsigned status = (call);                                                  \
		if (status != (status_) || strcmp(rig->body, want) != 0) {                 \
			fail_msg("%s:%d: %u %s\nwanted %u %s", __FILE__, __LINE__, status, \
			    rig->body, (unsigned)(status_), want);                         \
		}                                                                          \
	} while (0)

#define ERR(code, title, detail) \
	"{\"errors\":[{\"code\":\"" code "\",\"title\":\"" title "\",\"detail\":\"" detail "\"}]}"
#define FAIL(title)  ERR("", title, "")
#define UNAUTHORIZED FAIL("unauthorized")

static inline void assert_header(const char *line)
{
	char want[256];
	(void)snprintf(want, sizeof(want), "\r\n%s\r\n", line);
	const char *at = strcasestr(rig->reply, want);
	if (at == NULL || at >= rig->body) {
		fail_msg("no %s in %s", line, rig->reply);
	}
}

static inline void assert_no_header(const char *name)
{
	char want[64];
	(void)snprintf(want, sizeof(want), "\r\n%s:", name);
	const char *at = strcasestr(rig->reply, want);
	assert_true(at == NULL || at >= rig->body);
}

static inline void connect_client(const char *id, uint64_t ref_id)
{
	static const char text[] =
	    "{\"Name\":\"name of\",\"Version\":\"1.0.0\",\"Hostname\":\"host\",\"OS\":\"Linux\","
	    "\"NumCPUs\":2,\"Tags\":[\"a\",\"B\"],\"Labels\":{\"city\":\"Cologne\"},"
	    "\"ClientConfiguration\":{\"client\":{\"auth\":\"id:hidden\"}}}";
	const struct rp_conn_events *ev = rp_registry_events();
	const struct rp_conn_ref ref = {.worker = 0, .id = ref_id};
	struct rp_new_connection hello = {0};
	assert_int_equal(
	    rp_json_decode_text(text, strlen(text), &rp_new_connection_table, true, &hello, NULL),
	    0);
	rp_free(hello.id);
	hello.id = rp_strdup(id);
	ev->on_register(rig->registry, ref, "192.0.2.1", "auth", &hello);
	rp_json_release(&rp_new_connection_table, &hello);
	ev->on_up(rig->registry, ref, NULL, 0);
	rp_fake_clear(rig->workers);
}

static inline void disconnect_client(uint64_t ref_id)
{
	const struct rp_conn_ref ref = {.worker = 0, .id = ref_id};
	rp_registry_events()->on_down(rig->registry, ref, "test");
}

#endif
