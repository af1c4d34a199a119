/* SPDX-License-Identifier: MIT */
/*
 * The server's options: defaults, every documented flag and old key, the rules with RPort's
 * texts, and the example file.
 */
#include "server/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "test/lib/conf_file.h"
#include "test/lib/oom.h"

#define EXAMPLE "rportd.example.conf"
#define HOUR    (3600 * RP_NS_PER_S)
/* The least that a server needs. */
#define AUTH "[server]\nauth = 'one:tops3cret'\n"
#define API  AUTH "[api]\naddress = '127.0.0.1:3000'\n"

static struct rp_server_config cfg;
static struct rp_err err;
static char path[RP_CONF_PATH_MAX];

/* Loads text as file together with further arguments. */
static int load_with(const char *text, char *const *more)
{
	char c[] = "-c";
	char *argv[16] = {c, path};
	int argc = 2;
	while (more != NULL && more[argc - 2] != NULL) {
		argv[argc] = more[argc - 2];
		argc++;
	}
	rp_conf_file_make(path, text);
	int rc = rp_server_config_load(&cfg, argc, argv, &err);
	assert_int_equal(unlink(path), 0);
	return rc;
}

static void load_ok(const char *text)
{
	if (load_with(text, NULL) != RP_CONF_RUN || rp_server_config_validate(&cfg, &err) != 0) {
		fail_msg("%s: %s", text, err.msg);
	}
}

/* Validation fails with this text; a leading ':' stands for the name of the file. */
static void assert_refused(const char *text, const char *msg)
{
	int rc = load_with(text, NULL);
	if (rc == RP_CONF_RUN) {
		rc = rp_server_config_validate(&cfg, &err);
	}
	rp_conf_file_refused(&(struct rp_conf_result){path, text, rc, &err}, msg);
	rp_server_config_fini(&cfg);
}

static void defaults(void **state)
{
	(void)state;
	load_ok(AUTH);
	const struct rp_conf_server *s = &cfg.server;
	assert_int_equal(cfg.conf.warnings.n, 0);
	assert_string_equal(s->address, "0.0.0.0:8080");
	assert_int_equal(s->url.n, 1);
	assert_string_equal(s->url.v[0], "http://0.0.0.0:8080");
	assert_string_equal(s->auth, "one:tops3cret");
	assert_string_equal(s->key_seed, "");
	assert_true(s->auth_write && s->auth_multiuse_creds && s->sqlite_wal);
	assert_false(s->allow_root || s->equate_clientauthid_clientid);
	assert_string_equal(s->data_dir, "/var/lib/rport");
	assert_true(s->keep_disconnected_clients == HOUR);
	assert_true(s->check_clients_connection_interval == HOUR / 12);
	assert_true(s->check_port_timeout == 2 * RP_NS_PER_S);
	assert_int_equal(s->max_request_bytes_client, 524288);
	assert_int_equal(s->max_failed_login, 5);
	assert_int_equal(s->ban_time, 3600);
	assert_int_equal(s->tunnel_memory, 256 << 20);
	assert_true(s->workers >= 1 && s->max_concurrent_ssh_handshakes >= 1);
	assert_int_equal(cfg.logging.level, RP_LOG_INFO);
	assert_int_equal(cfg.api.max_failed_login, 10);
	assert_int_equal(cfg.api.ban_time, 600);
	assert_int_equal(cfg.api.max_request_bytes, 10240);
	assert_string_equal(cfg.api.tunnel_default_acl, "requester");
	assert_string_equal(cfg.api.address, "");
	assert_true(cfg.monitoring.data_storage_duration == 7 * 24 * HOUR);
	assert_true(cfg.notifications.cleanup_interval == 24 * HOUR);
	assert_true(rp_server_config_port_usable(&cfg, 20000));
	assert_true(rp_server_config_port_usable(&cfg, 30000));
	assert_false(rp_server_config_port_usable(&cfg, 19999));
	rp_server_config_fini(&cfg);
}

static char words[64][64];

/* Every flag of section 2.1 reaches its key and has precedence over the file. */
static void flags(void **state)
{
	(void)state;
	static const struct {
		const char *flag;
		const char *value;
		const void *member;
		const char *expected; /* for texts */
	} cases[] = {
	    {"--addr", "127.0.0.1:81", &cfg.server.address, "127.0.0.1:81"},
	    {"-a", "127.0.0.1:82", &cfg.server.address, "127.0.0.1:82"},
	    {"--key", "seed-of-mine", &cfg.server.key_seed, "seed-of-mine"},
	    {"--auth", "two:pw", &cfg.server.auth, "two:pw"},
	    {"--authfile", "/f", &cfg.server.auth_file, "/f"},
	    {"--auth-table", "t", &cfg.server.auth_table, "t"},
	    {"--proxy", "http://p", &cfg.server.proxy, "http://p"},
	    {"--data-dir", "/d", &cfg.server.data_dir, "/d"},
	    {"--tunnel-proxy-cert-file", "/c", &cfg.server.tunnel_proxy_cert_file, "/c"},
	    {"--tunnel-proxy-key-file", "/k", &cfg.server.tunnel_proxy_key_file, "/k"},
	    {"--novnc-root", "/n", &cfg.server.novnc_root, "/n"},
	    {"--guacd-address", "g:1", &cfg.server.guacd_address, "g:1"},
	    {"--log-file", "/l", &cfg.logging.log_file, "/l"},
	    {"-l", "/m", &cfg.logging.log_file, "/m"},
	    {"--log-level", "debug", &cfg.logging.log_level, "debug"},
	    {"--api-addr", "a:1", &cfg.api.address, "a:1"},
	    {"--api-auth", "u:p", &cfg.api.auth, "u:p"},
	    {"--api-authfile", "/u", &cfg.api.auth_file, "/u"},
	    {"--api-auth-user-table", "u", &cfg.api.auth_user_table, "u"},
	    {"--api-auth-group-table", "g", &cfg.api.auth_group_table, "g"},
	    {"--api-jwt-secret", "j", &cfg.api.jwt_secret, "j"},
	    {"--api-doc-root", "/r", &cfg.api.doc_root, "/r"},
	    {"--api-cert-file", "/c", &cfg.api.cert_file, "/c"},
	    {"--api-key-file", "/k", &cfg.api.key_file, "/k"},
	    {"--api-access-log-file", "/a", &cfg.api.access_log_file, "/a"},
	    {"--db-type", "sqlite", &cfg.database.db_type, "sqlite"},
	    {"--db-name", "n", &cfg.database.db_name, "n"},
	    {"--db-host", "h", &cfg.database.db_host, "h"},
	    {"--db-user", "u", &cfg.database.db_user, "u"},
	    {"--db-password", "p", &cfg.database.db_password, "p"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		char *more[] = {words[0], words[1], NULL};
		(void)snprintf(words[0], sizeof(words[0]), "%s", cases[i].flag);
		(void)snprintf(words[1], sizeof(words[1]), "%s", cases[i].value);
		if (load_with("[server]\naddress = 'a:1'\n[logging]\nlog_file = 'x'\n", more) !=
		    RP_CONF_RUN) {
			fail_msg("%s", err.msg);
		}
		assert_string_equal(*(char *const *)cases[i].member, cases[i].expected);
		rp_server_config_fini(&cfg);
	}
}

static void typed_flags(void **state)
{
	(void)state;
	static const char *const given[] = {"--url=http://a,https://b", "--auth-write=false",
	    "--auth-multiuse-creds=false", "--equate-clientauthid-clientid",
	    "--use-ports=100-200,300", "--exclude-ports=150", "-e", "160",
	    "--max-request-bytes-client=2048", "--check-port-timeout=5s",
	    "--run-remote-cmd-timeout-sec=9", "--allow-root"};
	char *more[16] = {0};
	for (size_t i = 0; i < RP_ARRAY_LEN(given); i++) {
		(void)snprintf(words[i], sizeof(words[i]), "%s", given[i]);
		more[i] = words[i];
	}
	if (load_with(AUTH, more) != RP_CONF_RUN) {
		fail_msg("%s", err.msg);
	}
	assert_int_equal(rp_server_config_validate(&cfg, &err), 0);
	assert_int_equal(cfg.server.url.n, 2);
	assert_string_equal(cfg.server.url.v[1], "https://b");
	assert_false(cfg.server.auth_write || cfg.server.auth_multiuse_creds);
	assert_true(cfg.server.equate_clientauthid_clientid && cfg.server.allow_root);
	assert_true(rp_server_config_port_usable(&cfg, 100));
	assert_true(rp_server_config_port_usable(&cfg, 300));
	assert_false(rp_server_config_port_usable(&cfg, 150));
	assert_false(rp_server_config_port_usable(&cfg, 160));
	assert_int_equal(cfg.server.max_request_bytes_client, 2048);
	assert_true(cfg.server.check_port_timeout == 5 * RP_NS_PER_S);
	assert_int_equal(cfg.server.run_remote_cmd_timeout_sec, 9);
	rp_server_config_fini(&cfg);

	static const char *const others[] = {"--max-request-bytes=4096", "--max-filepush-bytes=77",
	    "--monitoring-data-storage-days=3", "--check-config"};
	memset(more, 0, sizeof(more));
	for (size_t i = 0; i < RP_ARRAY_LEN(others); i++) {
		(void)snprintf(words[i], sizeof(words[i]), "%s", others[i]);
		more[i] = words[i];
	}
	assert_int_equal(load_with(AUTH, more), RP_CONF_CHECK);
	assert_int_equal(cfg.api.max_request_bytes, 4096);
	assert_int_equal(cfg.api.max_filepush_size, 77);
	assert_true(cfg.monitoring.data_storage_duration == 72 * HOUR);
	rp_server_config_fini(&cfg);
}

static void old_keys(void **state)
{
	(void)state;
	load_ok(AUTH "cleanup_lost_clients = true\nkeep_lost_clients = '2h'\n"
	             "cleanup_clients_interval = '5s'\nmax_request_bytes = 2048\n"
	             "max_filepush_size = 5\nenable_ws_test_endpoints = true\n"
	             "[monitoring]\ndata_storage_days = 2\n");
	assert_int_equal(cfg.conf.warnings.n, 7);
	assert_non_null(strstr(cfg.conf.warnings.v[1],
	    "server.keep_lost_clients is an old name, use server.keep_disconnected_clients"));
	assert_non_null(strstr(cfg.conf.warnings.v[3],
	    "server.max_request_bytes is an old name, use api.max_request_bytes"));
	assert_true(cfg.server.purge_disconnected_clients);
	assert_true(cfg.server.keep_disconnected_clients == 2 * HOUR);
	assert_true(cfg.server.purge_disconnected_clients_interval == 5 * RP_NS_PER_S);
	assert_int_equal(cfg.api.max_request_bytes, 2048);
	assert_int_equal(cfg.api.max_filepush_size, 5);
	assert_true(cfg.api.enable_ws_test_endpoints);
	assert_true(cfg.monitoring.data_storage_duration == 48 * HOUR);
	rp_server_config_fini(&cfg);
	/* A section further down wins over the old name. */
	load_ok(AUTH "max_request_bytes = 2048\n[api]\nmax_request_bytes = 4096\n");
	assert_int_equal(cfg.api.max_request_bytes, 4096);
	rp_server_config_fini(&cfg);
}

static void server_rules(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
	    {"",
	        "client authentication must be enabled: set either 'auth', 'auth_file' or 'auth_table'"},
	    {AUTH "auth_file = 'f'\n",
	        "'auth_file' and 'auth' are both set: expected only one of them"},
	    {AUTH "auth_table = 't'\n",
	        "'auth' and 'auth_table' are both set: expected only one of them"},
	    {"[server]\ntunnel_memory = '15MiB'\n",
	        ":2: server.tunnel_memory: \"15MiB\" is too small, expected at least 16777216"},
	    {"[server]\nauth_file = 'f'\nauth_table = 't'\n",
	        "'auth_file' and 'auth_table' are both set: expected only one of them"},
	    {"[server]\nauth = 'tops3cret'\n",
	        ":2: server.auth: invalid client auth credentials, expected '<client-id>:<password>'"},
	    {"[server]\nauth = ':tops3cret'\n",
	        ":2: server.auth: invalid client auth credentials, expected '<client-id>:<password>'"},
	    {"[server]\nauth_table = 't'\n",
	        ":2: server.auth_table: 'db_type' must be set when 'auth_table' is set"},
	    {AUTH "address = '8080'\n",
	        ":3: server.address: invalid address '8080', expected HOST:PORT"},
	    {AUTH "address = '::1:80'\n",
	        ":3: server.address: invalid address '::1:80', expected HOST:PORT"},
	    {AUTH "url = ['http://a', 'ftp://b']\n",
	        ":3: server.url: invalid url ftp://b: schema must be http or https"},
	    {AUTH "url = 'example.com'\n",
	        ":3: server.url: invalid url example.com: must be absolute url"},
	    {AUTH "url = 'http://'\n", ":3: server.url: invalid url http://: must be absolute url"},
	    {AUTH "pairing_url = 'x'\n",
	        ":3: server.pairing_url: invalid pairing_url x: must be absolute url"},
	    {AUTH "used_ports = ['100-x']\n",
	        ":3: server.used_ports: can't parse 'used_ports': \"100-x\" is no port or range of ports "
	        "from 0 to 65535"},
	    {AUTH "used_ports = '80-90'\n",
	        "invalid 'used_ports', 'excluded_ports': at least one port should be available for port "
	        "assignment"},
	    {AUTH "data_dir = ''\n", ":3: server.data_dir: 'data directory path' cannot be empty"},
	    {AUTH "purge_disconnected_clients = true\nkeep_disconnected_clients = '169h'\n",
	        ":4: server.keep_disconnected_clients: expected 'Keep Lost Clients' can be in range [1s, "
	        "168h0m0s], actual: 169h0m0s"},
	    {AUTH "check_port_timeout = '61s'\n",
	        ":3: server.check_port_timeout: \"61s\" is out of range, expected 1ms to 1m0s"},
	    {AUTH "check_port_timeout = 2\n",
	        ":3: server.check_port_timeout: \"2\" has no unit, write \"2s\" for seconds"},
	    {AUTH "tls_min = 1.1\n", ":3: server.tls_min: TLS must be either 1.2 or 1.3"},
	    {AUTH "tunnel_host = 'a b'\n",
	        ":3: server.tunnel_host: invalid tunnel_host 'a b': use IP address or FQDN"},
	    {AUTH "tunnel_host = 'a..b'\n",
	        ":3: server.tunnel_host: invalid tunnel_host 'a..b': use IP address or FQDN"},
	    {AUTH "tunnel_proxy_cert_file = 'c'\n",
	        "when 'tunnel_proxy_cert_file' is set, 'tunnel_proxy_key_file' must be set as well"},
	    {AUTH "tunnel_proxy_key_file = 'c'\n",
	        "when 'tunnel_proxy_key_file' is set, 'tunnel_proxy_cert_file' must be set as well"},
	    {AUTH "tunnel_proxy_key_file = 'c'\ntunnel_proxy_cert_file = 'c'\ntunnel_enable_acme = "
	          "true\n",
	        "'tunnel_enable_acme' and 'tunnel_proxy_cert_file' are both set: expected only one of "
	        "them"},
	    {AUTH "tunnel_enable_acme = true\n",
	        ":3: server.tunnel_enable_acme: not built yet in this version, expected to be left out"},
	    {AUTH "[logging]\nlog_level = 'loud'\n",
	        ":4: logging.log_level: invalid log level: \"loud\""},
	    {AUTH "[database]\ndb_type = 'oracle'\n",
	        ":4: database.db_type: invalid 'db_type', expected 'mysql' or 'sqlite', got \"oracle\""},
	    {AUTH "[monitoring]\ndata_storage_duration = '0h'\n",
	        ":4: monitoring.data_storage_duration: monitoring results must be stored for at least 1 "
	        "hour"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		assert_refused(cases[i][0], cases[i][1]);
	}
}

#define API_AUTH API "auth = 'admin:tops3cret'\n"

static const char *const bad_api[][2] = {
    {AUTH "[api]\ndoc_root = '/d'\n",
        ":4: api.doc_root: API: to use document root you need to specify API address"},
    {API,
        "API: authentication must be enabled: set either 'auth', 'auth_file' or "
        "'auth_user_table'"},
    {API_AUTH "auth_file = 'f'\n",
        "API: 'auth_file' and 'auth' are both set: expected only one of them"},
    {API_AUTH "auth_user_table = 't'\n",
        "API: 'auth_user_table' and 'auth' are both set: expected only one of them"},
    {API "auth_file = 'f'\nauth_user_table = 't'\n",
        "API: 'auth_user_table' and 'auth_file' are both set: expected only one of them"},
    {API "auth = 'tops3cret'\n",
        ":5: api.auth: API: invalid 'auth' credentials, expected '<user>:<password>'"},
    {API "auth_user_table = 't'\n",
        "API: when 'auth_user_table' is set, 'auth_group_table' must be set as well"},
    {API "auth_user_table = 't'\nauth_group_table = 'g'\n",
        ":5: api.auth_user_table: API: 'db_type' must be set when 'auth_user_table' is set"},
    {API "auth_user_table = 't'\nauth_group_table = 'g'\n[database]\ndb_type = 'mysql'\n",
        ":8: database.db_type: API: users in a database of type \"mysql\" are not supported, "
        "expected 'sqlite'"},
    {API "auth_user_table = 't'\nauth_group_table = 'g'\n[database]\ndb_type = 'sqlite'\n",
        "API: 'db_name' must be set to the database's file when 'auth_user_table' is set"},
    {API "auth_file = 'f'\nauth_header = 'X'\nuser_header = ''\n",
        "API: when 'auth_header' is set, 'user_header' must be set as well"},
    {API_AUTH "auth_header = 'X'\n",
        ":6: api.auth_header: API: 'auth_header' cannot be used with single user 'auth'"},
    {API_AUTH "cert_file = 'c'\n", "API: when 'cert_file' is set, 'key_file' must be set as well"},
    {API_AUTH "key_file = 'c'\n", "API: when 'key_file' is set, 'cert_file' must be set as well"},
    {API_AUTH "tls_min = '1.0'\n", ":6: api.tls_min: API: TLS must be either 1.2 or 1.3"},
    {API_AUTH "base_url = 'x'\n",
        ":6: api.base_url: API: invalid base_url x: must be absolute url"},
    {API_AUTH "two_fa_token_delivery = 'smtp'\n",
        ":6: api.two_fa_token_delivery: API: 2FA is not available if you use a single static "
        "user-password pair"},
    {API "auth_file = 'f'\ntwo_fa_token_delivery = 'smtp'\ntotp_enabled = true\n",
        ":6: api.two_fa_token_delivery: API: conflicting 2FA configuration: expected either "
        "'two_fa_token_delivery' or 'totp_enabled'"},
    {API "auth_file = 'f'\ntwo_fa_token_delivery = '/no/such/program'\n",
        ":6: api.two_fa_token_delivery: API: unknown 2fa token delivery method: "
        "/no/such/program"},
    {API_AUTH "two_fa_send_to_type = 'x'\n",
        ":6: api.two_fa_send_to_type: API: invalid api.two_fa_send_to_type: \"x\""},
    {API_AUTH "audit_log_rotation = 'hourly'\n",
        ":6: api.audit_log_rotation: API: invalid api.audit_log_rotation: \"hourly\""},
    {API_AUTH "tunnel_default_acl = 'all'\n",
        ":6: api.tunnel_default_acl: API: invalid api.tunnel_default_acl: \"all\", expected "
        "'requester' or 'none'"},
    {API_AUTH "trusted_proxies = ['10.0.0.1', 'lb.lan']\n",
        ":6: api.trusted_proxies: API: invalid trusted_proxies: invalid address or network "
        "\"lb.lan\""},
    {API_AUTH "max_token_lifetime = 2161\n",
        ":6: api.max_token_lifetime: \"2161\" is out of range, expected 0 to 2160"},
    {API_AUTH "enable_acme = true\n",
        ":6: api.enable_acme: not built yet in this version, expected to be left out"},
    {API_AUTH "password_zxcvbn_minscore = 1\n",
        ":6: api.password_zxcvbn_minscore: not built yet in this version, expected to be left "
        "out"},
    {API_AUTH "totp_enabled = true\n",
        ":6: api.totp_enabled: API: 2FA is not available if you use a single static "
        "user-password pair"},
    {API "auth_file = 'f'\ntwo_fa_token_delivery = '/etc'\n",
        ":6: api.two_fa_token_delivery: API: unknown 2fa token delivery method: /etc"},
    {API "auth_file = 'f'\ntwo_fa_token_delivery = 'no-such-program-here'\n",
        ":6: api.two_fa_token_delivery: API: unknown 2fa token delivery method: "
        "no-such-program-here"},
    {API "auth_file = 'f'\ntwo_fa_token_delivery = 'smtp'\n[smtp]\nserver = 'mail'\n",
        ":8: smtp.server: API: invalid smtp.server \"mail\", expected host:port"},
    {API "auth_file = 'f'\ntwo_fa_token_delivery = 'smtp'\n[smtp]\nserver = 'mail:25'\n"
         "sender_email = 'x'\n",
        ":9: smtp.sender_email: API: invalid smtp.sender_email \"x\", expected a mail "
        "address"},
    {API "auth_file = 'f'\ntwo_fa_token_delivery = 'pushover'\n",
        "pushover.api_token: API: 'pushover.api_token' must be set when "
        "'two_fa_token_delivery' is 'pushover'"},
    {API "auth_file = 'f'\ntwo_fa_send_to_type = 'regex'\ntwo_fa_send_to_regex = '('\n",
        ":7: api.two_fa_send_to_regex: API: invalid api.two_fa_send_to_regex: invalid "
        "regular expression \"(\": missing closing parenthesis at offset 1"},
};

static void api_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(bad_api); i++) {
		assert_refused(bad_api[i][0], bad_api[i][1]);
	}
}

static void api_good(void **state)
{
	(void)state;
	load_ok(
	    API_AUTH "two_fa_token_delivery = 'none'\ntls_min = 1.2\ncert_file = 'c'\nkey_file = "
	             "'k'\n");
	assert_string_equal(cfg.api.tls_min, "1.2");
	rp_server_config_fini(&cfg);
	load_ok(API "auth_file = 'f'\nauth_header = 'X'\n");
	assert_int_equal(cfg.conf.warnings.n, 1);
	assert_non_null(strstr(cfg.conf.warnings.v[0], "api.auth_header: without trusted_proxies"));
	rp_server_config_fini(&cfg);
	load_ok(API "auth_file = 'f'\nauth_header = 'X'\ntrusted_proxies = ['10.0.0.1']\n");
	assert_int_equal(cfg.conf.warnings.n, 0);
	rp_server_config_fini(&cfg);
}

static void adjustments(void **state)
{
	(void)state;
	load_ok(
	    AUTH "check_clients_connection_interval = '1m'\nmax_concurrent_ssh_handshakes = 5000\n"
	         "workers = 3\nurl = 'https://x.example/path'\ntunnel_host = '2001:db8::1'\n"
	         "keep_disconnected_clients = 0\naddress = '[::]:80'\nexcluded_ports = []\n");
	assert_true(cfg.server.check_clients_connection_interval == HOUR / 30);
	assert_int_equal(cfg.server.max_concurrent_ssh_handshakes, 5000);
	assert_int_equal(cfg.server.workers, 3);
	assert_int_equal(cfg.server.excluded_ports.n, 0);
	assert_int_equal(cfg.conf.warnings.n, 2);
	rp_server_config_fini(&cfg);
}

/* The example file starts nothing until it is filled in; with all comments taken away it knows
 * every key. */
static void example_file(void **state)
{
	(void)state;
	char *text = rp_conf_file_text(EXAMPLE);
	assert_refused(text,
	    "client authentication must be enabled: set either 'auth', 'auth_file' or 'auth_table'");
	free(text);
	text = rp_conf_file_uncommented(EXAMPLE);
	if (load_with(text, NULL) != RP_CONF_RUN) {
		fail_msg("%s", err.msg);
	}
	free(text);
	rp_conf_file_complete(&cfg.conf, (const char *)&cfg);
	rp_server_config_fini(&cfg);
}

static int load_and_check(void *state)
{
	char c[] = "-c";
	char *argv[] = {c, path, NULL};
	struct rp_server_config mine;
	(void)state;
	int rc = rp_server_config_load(&mine, 2, argv, NULL);
	rc = rc != 0 ? rc : rp_server_config_validate(&mine, NULL);
	rp_server_config_fini(&mine);
	return rc;
}

static void out_of_memory(void **state)
{
	(void)state;
	rp_conf_file_make(path, AUTH "check_clients_connection_interval = '1m'\nwhat = 1\n");
	assert_int_equal(rp_oom_run(load_and_check, NULL), 0);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults),
	    cmocka_unit_test(flags),
	    cmocka_unit_test(typed_flags),
	    cmocka_unit_test(old_keys),
	    cmocka_unit_test(server_rules),
	    cmocka_unit_test(api_rules),
	    cmocka_unit_test(api_good),
	    cmocka_unit_test(adjustments),
	    cmocka_unit_test(example_file),
	    cmocka_unit_test(out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
