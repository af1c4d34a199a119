/* SPDX-License-Identifier: MIT */
/*
 * From the configuration to addresses, headers, credentials, tunnels and the report to the server.
 */
#include "client/setup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/agent.h"
#include "core/alloc.h"
#include "core/json.h"
#include "test/lib/oom.h"

#define MD5    "aa:0d:c9:17:67:75:6f:a6:ec:49:65:d4:0f:eb:92:01"
#define SHA256 "SHA256:Wd2lQjq2xZ9GIqTjjaQh0yD4QpDUbXbIgQZ9vWGm1o8"

/* Loads, validates and sets up; the arguments end with NULL. */
static int load(struct rp_client_config *cfg, struct rp_client_setup *s, const char *const *args,
    struct rp_err *err)
{
	char *argv[32] = {NULL};
	int argc = 0;
	for (; args[argc] != NULL; argc++) {
		argv[argc] = rp_strdup(args[argc]);
		assert_non_null(argv[argc]);
	}
	*s = (struct rp_client_setup){0};
	int code = rp_client_config_load(cfg, argc, argv, err);
	code = code == RP_CONF_RUN ? rp_client_config_validate(cfg, err) : RP_EINVAL;
	code = code != 0 ? code : rp_client_setup_init(s, cfg, err);
	for (int i = 0; i < argc; i++) {
		rp_free(argv[i]);
	}
	return code;
}

static void unload(struct rp_client_config *cfg, struct rp_client_setup *s)
{
	rp_client_setup_fini(s);
	rp_client_config_fini(cfg);
}

static void assert_refused(const char *const *args, const char *text)
{
	struct rp_client_config cfg;
	struct rp_client_setup s;
	struct rp_err err = {0};
	assert_int_not_equal(load(&cfg, &s, args, &err), 0);
	if (strstr(err.msg, text) == NULL) {
		fail_msg("\"%s\" is not in \"%s\"", text, err.msg);
	}
	unload(&cfg, &s);
}

static void test_fingerprint(void **state)
{
	(void)state;
	assert_true(rp_client_fingerprint_ok("", MD5, SHA256));
	assert_true(rp_client_fingerprint_ok(MD5, MD5, SHA256));
	assert_true(rp_client_fingerprint_ok("aa:0d", MD5, SHA256));
	assert_true(rp_client_fingerprint_ok(SHA256, MD5, SHA256));
	assert_true(rp_client_fingerprint_ok("SHA256:Wd2", MD5, SHA256));
	assert_false(rp_client_fingerprint_ok("AA:0D", MD5, SHA256));
	assert_false(rp_client_fingerprint_ok("0d:c9", MD5, SHA256));
	assert_false(rp_client_fingerprint_ok(MD5 ":00", MD5, SHA256));
	assert_false(rp_client_fingerprint_ok("SHA256:wd2", MD5, SHA256));
	assert_false(rp_client_fingerprint_ok("Wd2lQjq2", MD5, SHA256));
	assert_false(rp_client_fingerprint_ok("SHA256:", MD5, SHA256));
}

static void test_servers(void **state)
{
	(void)state;
	struct rp_client_config cfg;
	struct rp_client_setup s;
	struct rp_err err = {0};
	const char *const args[] = {"--fallback-server", "wss://b.example", "--fallback-server",
	    "[::1]:8443", "a.example:8080", NULL};
	assert_int_equal(load(&cfg, &s, args, &err), 0);
	assert_int_equal(s.n_servers, 3);
	assert_string_equal(s.names[0], "ws://a.example:8080");
	assert_string_equal(s.names[1], "wss://b.example:443");
	assert_string_equal(s.names[2], "ws://[::1]:8443");
	assert_true(s.any_tls);
	assert_false(s.has_proxy);
	assert_string_equal(s.user_agent, "rport " RP_VERSION);
	unload(&cfg, &s);
	const char *const user[] = {"http://u:p@a.example", NULL};
	assert_refused(user, "invalid server address");
	const char *const none[] = {NULL};
	assert_refused(none, "server address is required");
}

static void test_headers(void **state)
{
	(void)state;
	struct rp_client_config cfg;
	struct rp_client_setup s;
	struct rp_err err = {0};
	const char *const args[] = {"--header", "X-Token:  a b ", "--header", "x-token: last",
	    "--header", "User-Agent: mine", "--header", "Y: a:b", "h", NULL};
	assert_int_equal(load(&cfg, &s, args, &err), 0);
	assert_int_equal(s.headers.n, 2);
	assert_string_equal(rp_strmap_get(&s.headers, "X-Token"), "last");
	assert_string_equal(rp_strmap_get(&s.headers, "Y"), "a:b");
	assert_string_equal(s.user_agent, "mine");
	unload(&cfg, &s);
	const char *const reserved[] = {"--header", "Sec-WebSocket-Key: x", "h", NULL};
	assert_refused(reserved, "invalid header \"Sec-WebSocket-Key\"");
	const char *const upgrade[] = {"--header", "upgrade: x", "h", NULL};
	assert_refused(upgrade, "invalid header \"upgrade\"");
	const char *const host[] = {"--header", "Host: x", "h", NULL};
	assert_refused(host, "connection.hostname");
}

static void test_auth(void **state)
{
	(void)state;
	static const struct {
		const char *text, *id, *password;
	} rows[] = {
	    {"me:secret", "me", "secret"},
	    {"me:a:b", "me", "a:b"},
	    {"nocolon", "", ""},
	    {":x", "", "x"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		struct rp_client_config cfg;
		struct rp_client_setup s;
		struct rp_err err = {0};
		const char *const args[] = {"--auth", rows[i].text, "h", NULL};
		assert_int_equal(load(&cfg, &s, args, &err), 0);
		assert_string_equal(s.auth_id, rows[i].id);
		assert_string_equal(s.auth_password, rows[i].password);
		unload(&cfg, &s);
	}
}

static void test_proxy(void **state)
{
	(void)state;
	struct rp_client_config cfg;
	struct rp_client_setup s;
	struct rp_err err = {0};
	const char *const args[] = {"--proxy", "http://us%40er:pa%3Ass@p.example:3128", "h", NULL};
	assert_int_equal(load(&cfg, &s, args, &err), 0);
	assert_true(s.has_proxy);
	assert_string_equal(s.proxy.user, "us@er");
	assert_string_equal(s.proxy.password, "pa:ss");
	char *report = rp_client_report(&cfg, &s);
	assert_non_null(report);
	assert_non_null(strstr(report, "\"proxy\":\"http://p.example:3128\""));
	assert_null(strstr(report, "pa%3Ass"));
	assert_null(strstr(report, "pa:ss"));
	rp_free(report);
	unload(&cfg, &s);
	const char *const https[] = {"--proxy", "https://p", "h", NULL};
	assert_refused(https, "https proxies not (yet) supported");
}

static void test_tunnels(void **state)
{
	(void)state;
	struct rp_client_config cfg;
	struct rp_client_setup s;
	struct rp_err err = {0};
	const char *const args[] = {"--scheme", "http", "--enable-reverse-proxy", "--host-header",
	    "w", "h", "3000:10.0.0.1:80", "22/tcp+udp", NULL};
	assert_int_equal(load(&cfg, &s, args, &err), 0);
	assert_int_equal(s.n_remotes, 2);
	assert_string_equal(s.remotes[0].rhost, "10.0.0.1");
	assert_string_equal(s.remotes[0].lport, "3000");
	assert_string_equal(s.remotes[1].protocol, "tcp+udp");
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(s.remotes[i].scheme, "http");
		assert_string_equal(s.remotes[i].host_header, "w");
		assert_true(s.remotes[i].http_proxy);
	}
	unload(&cfg, &s);
	const char *const bad[] = {"h", "x:y:z", NULL};
	assert_refused(
	    bad, "failed to decode remote \"x:y:z\": Missing ports; expected PORT, LPORT:PORT,");
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void test_tunnel_allowed(void **state)
{
	struct rp_client_config cfg;
	struct rp_client_setup s;
	struct rp_err err = {0};
	const char *path = *state;
	const char *const args[] = {"-c", path, NULL};
	write_file(path,
	    "[client]\nserver = \"h\"\nremotes = [\"10.0.0.1:22\", \"localhost:22\"]\n"
	    "tunnel_allowed = [\"10.0.0.0/8:22\", \"127.0.0.0/8\", \":22\"]\n");
	assert_int_equal(load(&cfg, &s, args, &err), 0);
	assert_int_equal(s.allowed.n, 3);
	unload(&cfg, &s);
	write_file(path,
	    "[client]\nserver = \"h\"\nremotes = [\"10.0.0.1:23\"]\n"
	    "tunnel_allowed = [\"10.0.0.0/8:22\"]\n");
	assert_refused(args, "remote \"10.0.0.1:23\" is not allowed by \"tunnel_allowed\" config");
	write_file(path,
	    "[client]\nserver = \"h\"\nremotes = [\"localhost:22\"]\n"
	    "tunnel_allowed = [\"10.0.0.0/8\"]\n");
	assert_refused(args, "remote \"localhost:22\" is not allowed");
	write_file(path, "[client]\nserver = \"h\"\ntunnel_allowed = [\"10.0.0.0/99\"]\n");
	assert_refused(args, "invalid \"tunnel_allowed\" config: ");
	/* The command line's remotes are bound by the file's rules. */
	write_file(path, "[client]\ntunnel_allowed = [\"10.0.0.0/8\"]\n");
	const char *const more[] = {"-c", path, "h", "192.0.2.1:80", NULL};
	assert_refused(more, "remote \"192.0.2.1:80\" is not allowed");
}

/* The types of appendix B, as far as a Go server is strict about them. */
static void test_report(void **state)
{
	struct rp_client_config cfg;
	struct rp_client_setup s;
	struct rp_err err = {0};
	const char *path = *state;
	const char *const args[] = {"-c", path, NULL};
	write_file(path,
	    "[client]\nserver = \"h\"\nauth = \"me:se-cret\"\nip_api_url = \"https://a/b?key=se-cret\"\n"
	    "tags = [\"t\"]\n[connection]\nheaders = [\"X-Auth: se-cret\"]\n"
	    "[monitoring]\nnet_lan = [\"eth0\", \"1000\"]\n"
	    "[interpreter-aliases]\nsh = [\"/bin/sh\", \"UTF-8\"]\n");
	assert_int_equal(load(&cfg, &s, args, &err), 0);
	char *text = rp_client_report(&cfg, &s);
	assert_non_null(text);
	assert_null(strstr(text, "se-cret"));
	struct rp_json *j;
	assert_int_equal(rp_json_parse(text, strlen(text), &j, &err), 0);
	const struct rp_json *client = rp_json_get(j, "client");
	assert_string_equal(rp_json_string(rp_json_get(client, "auth_pass")), "");
	assert_string_equal(rp_json_string(rp_json_get(client, "ip_api_url")), "https://a/b");
	const struct rp_json *commands = rp_json_get(j, "remote_commands");
	assert_int_equal(rp_json_type(rp_json_get(commands, "allow_regexp")), RP_JSON_ARRAY);
	assert_int_equal(rp_json_count(rp_json_get(commands, "deny_regexp")), 0);
	assert_int_equal(rp_json_count(rp_json_get(commands, "order")), 2);
	const struct rp_json *lan = rp_json_get(rp_json_get(j, "monitoring"), "lan_card");
	assert_string_equal(rp_json_string(rp_json_get(lan, "name")), "eth0");
	const struct rp_json *files = rp_json_get(j, "file_reception");
	assert_int_equal(rp_json_type(rp_json_get(files, "enabled")), RP_JSON_BOOL);
	assert_true(rp_json_true(rp_json_get(files, "enabled")));
	const struct rp_json *alias = rp_json_get(j, "interpreter_aliases");
	assert_string_equal(rp_json_string(rp_json_get(alias, "sh")), "/bin/sh");
	rp_json_free(j);
	rp_free(text);
	unload(&cfg, &s);
}

struct oom_state {
	struct rp_client_config cfg;
};

static int set_up_and_report(void *state)
{
	struct oom_state *o = state;
	struct rp_client_setup s;
	struct rp_err err = {0};
	int code = rp_client_setup_init(&s, &o->cfg, &err);
	char *text = code == 0 ? rp_client_report(&o->cfg, &s) : NULL;
	code = code == 0 && text == NULL ? RP_ENOMEM : code;
	rp_free(text);
	rp_client_setup_fini(&s);
	return code;
}

static void test_no_memory(void **state)
{
	const char *path = *state;
	struct oom_state o;
	struct rp_client_setup s;
	struct rp_err err = {0};
	const char *const args[] = {"-c", path, NULL};
	write_file(path,
	    "[client]\nserver = \"h\"\nfallback_servers = [\"a\"]\nproxy = \"http://u:p@x:1\"\n"
	    "remotes = [\"10.0.0.1:22\"]\ntunnel_allowed = [\"10.0.0.0/8\"]\n"
	    "[connection]\nheaders = [\"X-A: b\", \"User-Agent: c\"]\n");
	assert_int_equal(load(&o.cfg, &s, args, &err), 0);
	rp_client_setup_fini(&s);
	assert_int_equal(rp_oom_run(set_up_and_report, &o), 0);
	rp_client_config_fini(&o.cfg);
}

static char path[] = "/tmp/rport-test-XXXXXX";

static int make_path(void **state)
{
	int fd = mkstemp(path);
	*state = path;
	return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
	return unlink(*state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fingerprint),
	    cmocka_unit_test(test_servers),
	    cmocka_unit_test(test_headers),
	    cmocka_unit_test(test_auth),
	    cmocka_unit_test(test_proxy),
	    cmocka_unit_test(test_tunnels),
	    cmocka_unit_test(test_tunnel_allowed),
	    cmocka_unit_test(test_report),
	    cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, make_path, remove_path);
}
