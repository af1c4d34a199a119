/* SPDX-License-Identifier: MIT */
/*
 * Codes for new clients: what administrators make, list and end, and what somebody without a login
 * gets for a code, or does not.
 */
#include "core/paircode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/db.h"
#include "core/json.h"
#include "test/lib/api_short.h"
#include "test/lib/conf_file.h"

#define NO_CODE "There is no such pairing code, or it has ended."

static char path[RP_CONF_PATH_MAX];

static int setup_static(void **state)
{
	(void)state;
	rig = rp_api_rig_open_with("auth = 'one:p:1'\nurl = 'https://rport.example.com'", NULL);
	return 0;
}

static int setup_file(void **state)
{
	(void)state;
	rp_conf_file_make(path, "{\"two\":\"p2\",\"one\":\"p1\"}");
	char *server = rp_asprintf("auth_file = '%s'\naddress = '0.0.0.0:8080'", path);
	rig = rp_api_rig_open_with(server, NULL);
	rp_free(server);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rp_api_rig_close(rig);
	(void)unlink(path);
	return 0;
}

static void assert_refused(const char *body, const char *part)
{
	assert_int_equal(ask(ADMIN, "POST", "/pairing", body), 400);
	assert_part(part);
}

struct made {
	struct rp_paircode code;
	struct rp_paircode_keys keys;
	char text[RP_PAIRCODE_TEXT_MAX];
	char where[64];
};

static void make(const char *body, struct made *m)
{
	assert_int_equal(ask(ADMIN, "POST", "/pairing", body), 201);
	rp_api_rig_text(rig, "code", m->text, sizeof(m->text));
	assert_int_equal(rp_paircode_parse(rp_str_c(m->text), &m->code), 0);
	assert_int_equal(rp_paircode_keys(&m->code, &m->keys), 0);
	(void)snprintf(m->where, sizeof(m->where), "/pairing/%s", m->code.id);
}

static unsigned use(const struct made *m, const char *proof)
{
	char body[128];
	(void)snprintf(body, sizeof(body), "{\"proof\":\"%s\"}", proof);
	return ask(NULL, "POST", m->where, body);
}

/* The settings in the last answer. */
static void assert_settings(const struct made *m, const char *server, const char *auth)
{
	char sealed[1024];
	uint8_t *bytes;
	uint8_t *text;
	size_t n;
	size_t len;
	struct rp_json *j;
	rp_api_rig_text(rig, "sealed", sealed, sizeof(sealed));
	assert_int_equal(rp_base64_decode(rp_str_c(sealed), &bytes, &n), 0);
	assert_int_equal(
	    rp_unseal(m->keys.seal, rp_str_n(bytes, n), rp_str_c(m->code.id), &text, &len), 0);
	assert_int_equal(rp_json_parse(text, len, &j, NULL), 0);
	assert_string_equal(rp_json_string(rp_json_get(j, "server")), server);
	assert_string_equal(
	    rp_json_string(rp_json_get(j, "fingerprint")), rp_hostkey_sha256(rig->hostkey));
	if (auth != NULL) {
		assert_string_equal(rp_json_string(rp_json_get(j, "auth")), auth);
	}
	rp_json_free(j);
	rp_free(text);
	rp_free(bytes);
}

static void test_use(void **state)
{
	struct made m;
	(void)state;
	make("{}", &m);
	assert_part("\"uses\":1,\"client_auth_id\":\"one\","
	            "\"connect_url\":\"https://rport.example.com\",\"fingerprint\":\"SHA256:");
	assert_part(m.text);
	assert_part("/install | sudo sh -s -- ");
	assert_part("\"pair_command\":\"sudo rport client pair http://");
	assert_int_equal(ask(ADMIN, "GET", "/pairing", NULL), 200);
	assert_part("\"created_by\":\"admin\"");
	assert_part("\"uses\":1,\"used\":0,\"client_auth_id\":\"one\"");
	assert_null(strstr(rig->body, m.code.secret));
	assert_null(strstr(rig->body, m.keys.proof_hash));

	assert_int_equal(use(&m, m.keys.proof), 200);
	assert_settings(&m, "https://rport.example.com", "one:p:1");
	assert_null(strstr(rig->body, "p:1"));
	/* Once only, also behind a restart. */
	assert_int_equal(use(&m, m.keys.proof), 404);
	rp_api_rig_restart(rig);
	assert_int_equal(use(&m, m.keys.proof), 404);
	assert_part(NO_CODE);
	assert_int_equal(ask(ADMIN, "GET", "/pairing", NULL), 200);
	assert_part("\"uses\":1,\"used\":1,");
	assert_int_equal(ask(ADMIN, "DELETE", m.where, NULL), 204);
	assert_int_equal(ask(ADMIN, "DELETE", m.where, NULL), 404);
}

static void test_several(void **state)
{
	struct made m;
	(void)state;
	make("{\"uses\":2,\"lifetime\":60,\"connect_url\":\"10.0.0.1:81\","
	     "\"api_url\":\"https://api.example.com\"}",
	    &m);
	assert_part("curl -fsSL https://api.example.com/api/v1/pairing/");
	rp_api_rig_restart(rig);
	assert_int_equal(use(&m, m.keys.proof), 200);
	assert_settings(&m, "10.0.0.1:81", "one:p:1");
	assert_int_equal(use(&m, m.keys.proof), 200);
	assert_int_equal(use(&m, m.keys.proof), 404);
}

static void test_errors(void **state)
{
	(void)state;
	assert_refused(NULL, "Missing body with json data.");
	assert_refused("{\"x\":1}", "unknown field");
	assert_refused("{\"lifetime\":59}", "lifetime: expected 60 to 604800 seconds");
	assert_refused("{\"lifetime\":604801}", "lifetime: expected");
	assert_refused("{\"uses\":0}", "uses: expected 1 to 1000");
	assert_refused("{\"uses\":1001}", "uses: expected 1 to 1000");
	assert_refused("{\"connect_url\":\"ftp://x\"}", "connect_url: expected a server");
	assert_refused("{\"connect_url\":\"http://a$(b)\"}", "connect_url: expected a server");
	assert_refused("{\"api_url\":\"example.com\"}", "api_url: expected http");
	assert_refused("{\"api_url\":\"http://a';b\"}", "api_url: expected http");
	assert_int_equal(ask(ADMIN, "POST", "/pairing", "{\"client_auth_id\":\"nobody\"}"), 404);
	assert_part("Client Auth with ID \\\"nobody\\\" not found");
	assert_int_equal(ask(BOB, "POST", "/pairing", "{}"), 403);
	assert_int_equal(ask(NULL, "POST", "/pairing", "{}"), 401);
	/* A Host that would be more than a word in the command that people copy. */
	const struct rp_api_ask odd = {.method = "POST",
	    .path = "/pairing",
	    .user = ADMIN,
	    .body = "{}",
	    .headers = "Origin: https://x\r\n"};
	assert_int_equal(rp_api_rig_ask(rig, &odd), 201);
	assert_part("\"api_url\":\"https://");
}

static void test_ends(void **state)
{
	struct made m;
	struct rp_err err = {0};
	(void)state;
	make("{}", &m);
	rp_store_rig_sync(&rig->store);
	assert_int_equal(
	    rp_db_exec(rp_store_db(rig->store.store),
	        "UPDATE pairings SET expires_at = '2020-01-01T00:00:00.000000000Z'", &err),
	    0);
	assert_int_equal(use(&m, m.keys.proof), 404);
	assert_int_equal(ask(ADMIN, "DELETE", m.where, NULL), 404);
	assert_int_equal(ask(ADMIN, "GET", "/pairing", NULL), 200);
	assert_part("{\"data\":[]}");
}

/* Guessing ends the code, and at last the guesser. */
static void test_guess(void **state)
{
	struct made m;
	(void)state;
	rp_api_rig_stop(rig);
	rig->cfg.api.max_failed_login = 12;
	rig->cfg.api.ban_time = 3600;
	rp_api_rig_start(rig);
	make("{}", &m);
	assert_int_equal(ask(NULL, "POST", m.where, "{}"), 400);
	for (int i = 0; i < 9; i++) {
		assert_int_equal(use(&m, "00"), 404);
	}
	assert_int_equal(ask(ADMIN, "GET", "/pairing", NULL), 200);
	assert_part(m.code.id);
	assert_int_equal(use(&m, m.keys.proof_hash), 404);
	assert_int_equal(use(&m, m.keys.proof), 404);
	(void)snprintf(m.where, sizeof(m.where), "/pairing/nothing");
	for (int i = 0; i < 10; i++) {
		assert_int_equal(use(&m, "00"), 404);
	}
	assert_int_equal(use(&m, "00"), 423);
}

static void test_script(void **state)
{
	struct made m;
	char where[128];
	(void)state;
	make("{\"api_url\":\"https://api.example.com:3000\"}", &m);
	(void)snprintf(where, sizeof(where), "%s/install", m.where);
	assert_int_equal(ask(NULL, "GET", where, NULL), 200);
	assert_memory_equal(rig->body, "#!/bin/sh\n", 10);
	assert_part("\nURL='https://api.example.com:3000'\n");
	assert_part("\nFINGERPRINT='SHA256:");
	assert_part("\nmain \"${1-}\"\n");
	assert_part(m.code.id);
	assert_null(strstr(rig->body, m.code.secret));
	assert_null(strchr(rig->body, '@'));
	assert_non_null(strstr(rig->reply, "text/x-shellscript"));
	assert_int_equal(ask(NULL, "GET", "/pairing/00000000/install", NULL), 404);
	assert_int_equal(ask(NULL, "GET", "/pairing/0/install", NULL), 404);
}

static void test_program(void **state)
{
	struct made m;
	struct utsname host;
	char where[160];
	char folder[128];
	char file[192];
	(void)state;
	make("{}", &m);
	assert_int_equal(uname(&host), 0);
	(void)snprintf(where, sizeof(where), "%s/client/none", m.where);
	assert_int_equal(ask(NULL, "GET", where, NULL), 404);
	assert_part("This server has no client for none.");
	(void)snprintf(where, sizeof(where), "%s/client/..%%2Fx", m.where);
	assert_int_equal(ask(NULL, "GET", where, NULL), 404);
	/* What the administrator has put there goes before this program. */
	(void)snprintf(folder, sizeof(folder), "%s/clients", rig->store.dir);
	(void)snprintf(file, sizeof(file), "%s/rport-%.32s", folder, host.machine);
	assert_int_equal(mkdir(folder, 0700), 0);
	FILE *f = fopen(file, "w");
	assert_non_null(f);
	assert_true(fputs("program", f) >= 0);
	assert_int_equal(fclose(f), 0);
	(void)snprintf(where, sizeof(where), "%s/client/%.32s", m.where, host.machine);
	assert_int_equal(ask(NULL, "GET", where, NULL), 200);
	assert_string_equal(rig->body, "program");
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(folder), 0);
	(void)snprintf(where, sizeof(where), "/pairing/00000000/client/%.32s", host.machine);
	assert_int_equal(ask(NULL, "GET", where, NULL), 404);
}

/* Credentials of its own, which end with a code that nobody has used. */
static void test_credentials(void **state)
{
	struct made m;
	struct made other;
	char auth[64];
	(void)state;
	make("{\"client_auth_id\":\"two\"}", &m);
	assert_int_equal(use(&m, m.keys.proof), 200);
	assert_settings(&m, "http://x:8080", "two:p2");

	make("{}", &m);
	(void)snprintf(auth, sizeof(auth), "/clients-auth/pair-%s", m.code.id);
	assert_int_equal(ask(ADMIN, "GET", auth, NULL), 200);
	assert_int_equal(ask(ADMIN, "DELETE", m.where, NULL), 204);
	rp_store_rig_sync(&rig->store);
	assert_int_equal(ask(ADMIN, "GET", auth, NULL), 404);

	make("{}", &m);
	(void)snprintf(auth, sizeof(auth), "/clients-auth/pair-%s", m.code.id);
	rp_store_rig_sync(&rig->store);
	assert_int_equal(
	    rp_db_exec(rp_store_db(rig->store.store),
	        "UPDATE pairings SET expires_at = '2020-01-01T00:00:00.000000000Z'", NULL),
	    0);
	make("{}", &other);
	rp_store_rig_sync(&rig->store);
	assert_int_equal(ask(ADMIN, "GET", auth, NULL), 404);

	assert_int_equal(use(&other, other.keys.proof), 200);
	assert_settings(&other, "http://x:8080", NULL);
	assert_int_equal(ask(ADMIN, "DELETE", other.where, NULL), 204);
	rp_store_rig_sync(&rig->store);
	(void)snprintf(auth, sizeof(auth), "/clients-auth/pair-%s", other.code.id);
	assert_int_equal(ask(ADMIN, "GET", auth, NULL), 200);
}

/* Neither log of the audit has the code. */
static void test_audit(void **state)
{
	struct made m;
	(void)state;
	make("{}", &m);
	assert_int_equal(use(&m, m.keys.proof), 200);
	assert_int_equal(
	    ask(ADMIN, "GET", "/auditlog?filter[application]=client.pairing", NULL), 200);
	assert_part("\"action\":\"use\"");
	assert_part("\"action\":\"create\"");
	assert_part(m.code.id);
	assert_null(strstr(rig->body, m.text));
	assert_null(strstr(rig->body, m.text + 10));
}

static void test_code(void **state)
{
	static const char *const wrong[] = {"", "0123-4567", "0123-4567-89AB-CDEF-GHJK-MNPU",
	    "0123-4567-89AB-CDEF-GHJK-MNPQR", "0123_4567_89AB_CDEF_GHJK_MNPQ"};
	struct rp_paircode a;
	struct rp_paircode b;
	struct rp_paircode_keys k;
	struct rp_paircode_keys other;
	char text[RP_PAIRCODE_TEXT_MAX];
	(void)state;
	rp_paircode_make(&a);
	rp_paircode_format(&a, text);
	assert_int_equal(strlen(text), 29);
	assert_int_equal(rp_paircode_parse(rp_str_c(text), &b), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(rp_paircode_parse(rp_str_c("oil3 4567-89abCDEF ghjk-mnpq"), &b), 0);
	assert_string_equal(b.id, "01134567");
	assert_string_equal(b.secret, "89ABCDEFGHJKMNPQ");
	for (size_t i = 0; i < RP_ARRAY_LEN(wrong); i++) {
		assert_int_equal(rp_paircode_parse(rp_str_c(wrong[i]), &b), RP_EINVAL);
	}
	assert_int_equal(rp_paircode_keys(&a, &k), 0);
	a.id[0] = a.id[0] == '0' ? '1' : '0';
	assert_int_equal(rp_paircode_keys(&a, &other), 0);
	assert_string_not_equal(k.proof, other.proof);
	assert_memory_not_equal(k.seal, other.seal, sizeof(k.seal));
	assert_string_not_equal(k.proof, k.proof_hash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_code),
	    cmocka_unit_test_setup_teardown(test_use, setup_static, teardown),
	    cmocka_unit_test_setup_teardown(test_several, setup_static, teardown),
	    cmocka_unit_test_setup_teardown(test_errors, setup_static, teardown),
	    cmocka_unit_test_setup_teardown(test_ends, setup_static, teardown),
	    cmocka_unit_test_setup_teardown(test_guess, setup_static, teardown),
	    cmocka_unit_test_setup_teardown(test_script, setup_static, teardown),
	    cmocka_unit_test_setup_teardown(test_program, setup_static, teardown),
	    cmocka_unit_test_setup_teardown(test_credentials, setup_file, teardown),
	    cmocka_unit_test_setup_teardown(test_audit, setup_static, teardown),
	};
	return cmocka_run_group_tests_name("api_pairing", tests, NULL, NULL);
}
