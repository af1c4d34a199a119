/* SPDX-License-Identifier: MIT */
/*
 * The client's options: defaults, every documented flag, SERVER and REMOTEs, environment, the
 * rules with RPort's texts, and the example file.
 */
#include "client/config.h"

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

#define EXAMPLE "rport.example.conf"
#define WORDS   32
/* The least that a client needs. */
#define SERVER "[client]\nserver = 'example.com:8080'\nfingerprint = 'aa:bb'\n"

static struct rp_client_config cfg;
static struct rp_err err;
static char path[RP_CONF_PATH_MAX];
static char words[WORDS][80];

/* Loads text as file together with further arguments. */
static int load_with(const char *text, const char *const *more)
{
	char c[] = "-c";
	char *argv[WORDS + 2] = {c, path};
	int argc = 2;
	while (more != NULL && more[argc - 2] != NULL) {
		(void)snprintf(words[argc - 2], sizeof(words[0]), "%s", more[argc - 2]);
		argv[argc] = words[argc - 2];
		argc++;
	}
	rp_conf_file_make(path, text);
	int rc = rp_client_config_load(&cfg, argc, argv, &err);
	assert_int_equal(unlink(path), 0);
	return rc;
}

static void load_ok(const char *text, const char *const *more)
{
	if (load_with(text, more) != RP_CONF_RUN || rp_client_config_validate(&cfg, &err) != 0) {
		fail_msg("%s: %s", text, err.msg);
	}
}

static void assert_refused(const char *text, const char *const *more, const char *msg)
{
	int rc = load_with(text, more);
	if (rc == RP_CONF_RUN) {
		rc = rp_client_config_validate(&cfg, &err);
	}
	rp_conf_file_refused(&(struct rp_conf_result){path, text, rc, &err}, msg);
	rp_client_config_fini(&cfg);
}

static void defaults(void **state)
{
	(void)state;
	load_ok(SERVER, NULL);
	assert_int_equal(cfg.conf.warnings.n, 0);
	assert_string_equal(cfg.client.server, "example.com:8080");
	assert_true(cfg.client.use_system_id && cfg.client.use_hostname);
	assert_false(cfg.client.allow_root || cfg.remotes_from_args);
	assert_true(cfg.client.updates_interval == 4 * 3600 * RP_NS_PER_S);
	assert_int_equal(cfg.client.tunnel_memory, 256 << 20);
	assert_true(cfg.client.server_switchback_interval == 120 * RP_NS_PER_S);
	assert_true(cfg.client.ip_refresh_min == 1800 * RP_NS_PER_S);
	assert_true(cfg.connection.keep_alive == 180 * RP_NS_PER_S);
	assert_true(cfg.connection.keep_alive_timeout == 30 * RP_NS_PER_S);
	assert_int_equal(cfg.connection.max_retry_count, -1);
	assert_true(cfg.connection.max_retry_interval == 300 * RP_NS_PER_S);
	assert_int_equal(cfg.remote_commands.allow.n, 3);
	assert_string_equal(cfg.remote_commands.allow.v[2], "^C:\\\\Windows\\\\System32\\\\.*");
	assert_int_equal(cfg.remote_commands.deny.n, 1);
	assert_string_equal(cfg.remote_commands.deny.v[0], "(\\||<|>|;|,|\\n|&)");
	assert_string_equal(cfg.remote_commands.order.v[0], "allow");
	assert_true(cfg.remote_commands.enabled);
	assert_false(cfg.remote_scripts.enabled);
	assert_int_equal(cfg.monitoring.fs_type_include.n, 11);
	assert_int_equal(cfg.monitoring.pm_max_number_processes, 500);
	assert_int_equal(cfg.file_reception.protected.n, 8);
	assert_string_equal(cfg.file_reception.protected.v[6], "/lib*");
	assert_int_equal(cfg.logging.level, RP_LOG_INFO);
	rp_client_config_fini(&cfg);
}

/* Every flag of section 3.1 reaches its key and has precedence over the file. */
static void text_flags(void **state)
{
	(void)state;
	static const struct {
		const char *flag;
		const char *value;
		const void *member;
	} cases[] = {
	    {"--fingerprint", "cc:dd", &cfg.client.fingerprint},
	    {"--auth", "a:tops3cret", &cfg.client.auth},
	    {"--proxy", "http://u:tops3cret@p:1", &cfg.client.proxy},
	    {"--id", "i", &cfg.client.id},
	    {"--name", "n", &cfg.client.name},
	    {"--data-dir", "/d", &cfg.client.data_dir},
	    {"--bind-interface", "eth0", &cfg.client.bind_interface},
	    {"--hostname", "h", &cfg.connection.hostname},
	    {"--log-file", "/l", &cfg.logging.log_file},
	    {"-l", "/m", &cfg.logging.log_file},
	    {"--log-level", "error", &cfg.logging.log_level},
	    {"--scheme", "ssh", &cfg.tunnel.scheme},
	    {"--host-header", "x", &cfg.tunnel.host_header},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		const char *more[] = {cases[i].flag, cases[i].value, NULL};
		if (load_with(SERVER "id = 'file'\nname = 'file'\n", more) != RP_CONF_RUN) {
			fail_msg("%s", err.msg);
		}
		assert_string_equal(*(char *const *)cases[i].member, cases[i].value);
		rp_client_config_fini(&cfg);
	}
}

static void other_flags(void **state)
{
	(void)state;
	static const char *const first[] = {"--tag", "a,b", "-t", "c", "--use-system-id=false",
	    "--use-hostname=false", "--allow-root", "--updates-interval=0", "--fallback-server",
	    "b:1", "--fallback-server=c:2", "--server-switchback-interval=9s", "--keepalive=7s",
	    "--max-retry-count=4", "--max-retry-interval=8s", "--header", "A: 1, 2",
	    "--header=B: 3", "--enable-reverse-proxy", NULL};
	load_ok(SERVER "tags = ['file']\n", first);
	assert_int_equal(cfg.client.tags.n, 2);
	assert_string_equal(cfg.client.tags.v[0], "a,b");
	assert_false(cfg.client.use_system_id || cfg.client.use_hostname);
	assert_true(cfg.client.allow_root && cfg.tunnel.enable_reverse_proxy);
	assert_int_equal(cfg.client.updates_interval, 0);
	assert_int_equal(cfg.client.fallback_servers.n, 2);
	assert_true(cfg.client.server_switchback_interval == 9 * RP_NS_PER_S);
	assert_true(cfg.connection.keep_alive == 7 * RP_NS_PER_S);
	assert_int_equal(cfg.connection.max_retry_count, 4);
	assert_true(cfg.connection.max_retry_interval == 8 * RP_NS_PER_S);
	assert_int_equal(cfg.connection.headers.n, 2);
	assert_string_equal(cfg.connection.headers.v[0], "A: 1, 2");
	rp_client_config_fini(&cfg);

	static const char *const second[] = {"--remote-commands-enabled=false",
	    "--remote-commands-send-back-limit=5", "--remote-scripts-enabled=false",
	    "--monitoring-enabled=false", "--monitoring-interval=2m",
	    "--monitoring-fs-type-include=ext4,xfs", "--monitoring-fs-path-exclude=/mnt/*",
	    "--monitoring-fs-path-exclude-recurse",
	    "--monitoring-fs-identify-mountpoints-by-device=false", "--monitoring-pm-enabled=false",
	    "--monitoring-pm-kerneltasks-enabled=false", "--monitoring-pm-max-number-processes=9",
	    "--monitoring-net-lan=eth0,1000", "--monitoring-net-wan", "eth1,100",
	    "--file-reception-enabled=false", "--file-reception-protected=/a,/b", NULL};
	load_ok(SERVER, second);
	assert_false(cfg.remote_commands.enabled || cfg.remote_scripts.enabled);
	assert_int_equal(cfg.remote_commands.send_back_limit, 5);
	assert_false(cfg.monitoring.enabled || cfg.monitoring.fs_identify_mountpoints_by_device);
	assert_false(cfg.monitoring.pm_enabled || cfg.monitoring.pm_kerneltasks_enabled);
	assert_true(cfg.monitoring.interval == 120 * RP_NS_PER_S);
	assert_int_equal(cfg.monitoring.fs_type_include.n, 2);
	assert_int_equal(cfg.monitoring.fs_path_exclude.n, 1);
	assert_true(cfg.monitoring.fs_path_exclude_recurse);
	assert_int_equal(cfg.monitoring.pm_max_number_processes, 9);
	assert_string_equal(cfg.monitoring.net_lan.v[1], "1000");
	assert_string_equal(cfg.monitoring.net_wan.v[0], "eth1");
	assert_false(cfg.file_reception.enabled);
	assert_int_equal(cfg.file_reception.protected.n, 2);
	rp_client_config_fini(&cfg);
}

static void server_and_remotes(void **state)
{
	(void)state;
	static const char *const both[] = {"wss://other", "22", "80:web:80", NULL};
	static const char *const one[] = {"other:1", NULL};
	static const char *const bad[] = {"ftp://other", NULL};
	load_ok(SERVER "remotes = ['1', '2', '3']\n", NULL);
	assert_int_equal(cfg.client.remotes.n, 3);
	assert_false(cfg.remotes_from_args);
	rp_client_config_fini(&cfg);
	load_ok(SERVER "remotes = ['1', '2', '3']\n", both);
	assert_string_equal(cfg.client.server, "wss://other");
	assert_int_equal(cfg.client.remotes.n, 2);
	assert_string_equal(cfg.client.remotes.v[1], "80:web:80");
	assert_true(cfg.remotes_from_args);
	rp_client_config_fini(&cfg);
	load_ok(SERVER "remotes = ['1', '2', '3']\n", one);
	assert_string_equal(cfg.client.server, "other:1");
	assert_int_equal(cfg.client.remotes.n, 0);
	assert_false(cfg.remotes_from_args);
	rp_client_config_fini(&cfg);
	assert_refused(SERVER, bad,
	    "invalid server address: \"ftp://other\": expected http, https, ws or wss before ://");
}

static void environment(void **state)
{
	(void)state;
	static const char *const flag[] = {"--auth=flag:x", NULL};
	assert_int_equal(setenv("RPORT_AUTH", "env:tops3cret", 1), 0);
	assert_int_equal(setenv("RPORT_FINGERPRINT", "ee:ff", 1), 0);
	load_ok("[client]\nserver = 'a'\n", NULL);
	assert_string_equal(cfg.client.auth, "env:tops3cret");
	assert_string_equal(cfg.client.fingerprint, "ee:ff");
	assert_int_equal(cfg.conf.warnings.n, 0);
	rp_client_config_fini(&cfg);
	load_ok(SERVER "auth = 'file:x'\n", NULL);
	assert_string_equal(cfg.client.auth, "file:x");
	assert_string_equal(cfg.client.fingerprint, "aa:bb");
	rp_client_config_fini(&cfg);
	load_ok(SERVER "auth = 'file:x'\n", flag);
	assert_string_equal(cfg.client.auth, "flag:x");
	rp_client_config_fini(&cfg);
	assert_int_equal(setenv("RPORT_AUTH", "clientAuth1:1234", 1), 0);
	assert_refused(SERVER, NULL,
	    "RPORT_AUTH (environment): sample secret: it stands in public example files, expected one of "
	    "your own");
	assert_int_equal(unsetenv("RPORT_AUTH"), 0);
	assert_int_equal(unsetenv("RPORT_FINGERPRINT"), 0);
}

static void hidden_secrets(void **state)
{
	(void)state;
	static char line[][32] = {"--auth", "a:tops3cret", "--name", "n", "--proxy=http://u:p@h:1",
	    "--authx", "x", "server", "--", "--auth=y", "--proxy"};
	char *argv[RP_ARRAY_LEN(line)];
	for (size_t i = 0; i < RP_ARRAY_LEN(line); i++) {
		argv[i] = line[i];
	}
	rp_conf_hide_secrets(&rp_client_config_spec, (int)RP_ARRAY_LEN(argv), argv);
	assert_string_equal(line[1], "***********");
	assert_string_equal(line[3], "n");
	assert_string_equal(line[4], "--proxy=**************");
	assert_string_equal(line[6], "x");
	assert_string_equal(line[7], "server");
	assert_string_equal(line[9], "--auth=y"); /* behind "--" there are no options */
	rp_conf_hide_secrets(&rp_client_config_spec, 1, &argv[10]); /* without its value */
}

static void tables(void **state)
{
	(void)state;
	load_ok(SERVER
	    "labels = { City = 'Bonn', floor = 3 }\ntags = 'a, b'\n"
	    "[monitoring]\npm_enable_kerneltask_monitoring = false\n"
	    "pm_max_number_monitored_processes = 11\ninterval = 60\nnet_lan = ['eth0', 100]\n"
	    "[interpreter-aliases]\nPwsh7 = 'C:\\pwsh.exe'\nx = ['/x', 'latin1', 'utf-8']\n",
	    NULL);
	assert_int_equal(cfg.conf.warnings.n, 1); /* of the encoding */
	assert_string_equal(rp_strmap_get(&cfg.client.labels, "city"), "Bonn");
	assert_string_equal(rp_strmap_get(&cfg.client.labels, "floor"), "3");
	assert_int_equal(cfg.client.tags.n, 2);
	assert_false(cfg.monitoring.pm_kerneltasks_enabled);
	assert_int_equal(cfg.monitoring.pm_max_number_processes, 11);
	assert_true(cfg.monitoring.interval == 60 * RP_NS_PER_S);
	assert_string_equal(cfg.monitoring.net_lan.v[1], "100");
	assert_string_equal(
	    rp_listmap_get(&cfg.interpreter_aliases, "pwsh7")->v[0], "C:\\pwsh.exe");
	assert_int_equal(rp_listmap_get(&cfg.interpreter_aliases, "x")->n, 3);
	rp_client_config_fini(&cfg);
}

static void rules(void **state)
{
	(void)state;
	static const char *const host_header[] = {"--host-header=x", NULL};
	static const char *const cases[][2] = {
	    {"", "server address is required"},
	    {"[client]\nserver = 'tcp://x'\n",
	        ":2: client.server: invalid server address: \"tcp://x\": expected http, https, ws or wss "
	        "before ://"},
	    {"[client]\nserver = ':80'\n",
	        ":2: client.server: invalid server address: \":80\": expected HOST, HOST:PORT or a URL"},
	    {"[client]\nserver = 'a:0'\n",
	        ":2: client.server: invalid server address: \"a:0\": expected a port from 1 to 65535"},
	    {"[client]\nserver = 'http://[::1]:x/p'\n",
	        ":2: client.server: invalid server address: \"http://[::1]:x/p\": expected a port from 1 "
	        "to 65535"},
	    {SERVER "fallback_servers = ['b', 'c d']\n",
	        ":4: client.fallback_servers: invalid server address: \"c d\": expected HOST, HOST:PORT "
	        "or a URL"},
	    {SERVER "data_dir = ''\n",
	        ":4: client.data_dir: 'data directory path' cannot be empty"},
	    {SERVER "proxy = 'https://u:tops3cret@p'\n",
	        ":4: client.proxy: https proxies not (yet) supported"},
	    {SERVER "proxy = 'u:tops3cret@p'\n",
	        ":4: client.proxy: invalid proxy url: expected http://, socks://, socks5:// or "
	        "socks5h:// and HOST:PORT"},
	    {SERVER "tunnel_memory = '15MiB'\n",
	        ":4: client.tunnel_memory: \"15MiB\" is too small, expected at least 16777216"},
	    {SERVER "ip_api_url = 'x'\n",
	        ":4: client.ip_api_url: invalid ip_api_url: expected a URL with http:// or https://"},
	    {SERVER "[file-reception]\nprotected = ['/a*', '/b[']\n",
	        ":5: file-reception.protected: invalid glob pattern /b[: expected *, ? and [...] "
	        "between plain text"},
	    {SERVER "[connection]\nheaders = ['A: 1', 'B b: tops3cret']\n",
	        ":5: connection.headers: invalid header \"B b\". Should be in the format \"HeaderName: "
	        "HeaderContent\""},
	    {SERVER "[connection]\nheaders = [\"A: 1\\r\\nB: 2\"]\n",
	        ":5: connection.headers: invalid header \"A\". Should be in the format \"HeaderName: "
	        "HeaderContent\""},
	    {SERVER "[connection]\nwatchdog_integration = true\nkeep_alive = 0\n",
	        ":5: connection.watchdog_integration: watchdog integration requires 'keep_alive > 0'"},
	    {SERVER "[connection]\nwatchdog_integration = true\nmax_retry_count = 3\n",
	        ":5: connection.watchdog_integration: watchdog integration requires 'max_retry_count = "
	        "-1'"},
	    {SERVER "[connection]\nkeep_alive = 180\n",
	        ":5: connection.keep_alive: \"180\" has no unit, write \"180s\" for seconds"},
	    {SERVER "[monitoring]\nnet_lan = ['eth0']\n",
	        ":5: monitoring.net_lan: expected a device and its maximum speed in Mbit/s, like ['eth0', "
	        "'1000']"},
	    {SERVER "[monitoring]\nnet_wan = ['', '1000']\n",
	        ":5: monitoring.net_wan: expected a device and its maximum speed in Mbit/s, like ['eth0', "
	        "'1000']"},
	    {SERVER "[monitoring]\nnet_wan = ['eth0', '0']\n",
	        ":5: monitoring.net_wan: expected a device and its maximum speed in Mbit/s, like ['eth0', "
	        "'1000']"},
	    {SERVER "[logging]\nlog_level = 'x'\n",
	        ":5: logging.log_level: invalid log level: \"x\""},
	    {SERVER "[remote-commands]\nsend_back_limit = -1\n",
	        ":5: remote-commands.send_back_limit: remote commands: send back limit can not be "
	        "negative"},
	    {SERVER "[remote-commands]\norder = ['allow', 'allow']\n",
	        ":5: remote-commands.order: remote commands: invalid order: expected ['allow','deny'] or "
	        "['deny','allow']"},
	    {SERVER "[remote-commands]\nenabled = false\n[remote-scripts]\nenabled = true\n",
	        ":7: remote-scripts.enabled: remote scripts execution requires remote commands to be "
	        "enabled"},
	    {SERVER "[[remote-commands.rules]]\npath = '/x'\n",
	        ":4: rules: unknown tables, expected [[remote-commands.rule]]"},
	    {SERVER "[[remote_commands.rule]]\npath = '/x'\n",
	        ":4: rule: unknown tables, expected [[remote-commands.rule]]"},
	    {SERVER "[[rule]]\npath = '/x'\n",
	        ":4: rule: unknown tables, expected [[remote-commands.rule]]"},
	    {SERVER "[interpreter-aliases]\na = []\n",
	        ":4: interpreter-aliases: a: expected a path, or a list of path, input encoding and "
	        "output encoding"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		assert_refused(cases[i][0], NULL, cases[i][1]);
	}
	assert_refused(SERVER, host_header, "host-header requires enabled reverse-proxy");
}

static void adjustments(void **state)
{
	(void)state;
	load_ok(
	    "[client]\nserver = 'https://[2001:db8::1]:443/path'\n[monitoring]\ninterval = '5s'\n"
	    "[connection]\nmax_retry_interval = '0.5s'\n",
	    NULL);
	assert_true(cfg.monitoring.interval == 60 * RP_NS_PER_S);
	assert_true(cfg.connection.max_retry_interval == 300 * RP_NS_PER_S);
	assert_int_equal(cfg.conf.warnings.n, 3);
	assert_string_equal(cfg.conf.warnings.v[1],
	    "connection.max_retry_interval is too short, 5m is used instead");
	assert_string_equal(cfg.conf.warnings.v[2],
	    "client.fingerprint is not set: the server's identity is not verified");
	rp_client_config_fini(&cfg);
}

static bool is_warned(const char *text)
{
	bool found = false;
	for (size_t i = 0; i < cfg.conf.warnings.n; i++) {
		found = found || strstr(cfg.conf.warnings.v[i], text) != NULL;
	}
	return found;
}

static void warnings(void **state)
{
	(void)state;
	load_ok(SERVER
	    "[file-reception]\nprotected = ['/etc/', 'srv/*']\n"
	    "[interpreter-aliases]\nx = ['/x', 'latin1', 'utf8']\ny = ['/y', '', 'UTF-8']\n",
	    NULL);
	assert_int_equal(cfg.conf.warnings.n, 2);
	assert_true(is_warned("file-reception.protected: \"srv/*\" protects nothing"));
	assert_true(is_warned("interpreter-aliases.x: the encoding \"latin1\" is not used"));
	rp_client_config_fini(&cfg);
}

/* Whoever sends files to root becomes root. */
static void files_for_root(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool warned;
	} rows[] = {
	    {SERVER "allow_root = true\n", true},
	    {SERVER "allow_root = true\n[file-reception]\nprotected = ['/bin', '/etc/ssh']\n",
	        true},
	    {SERVER, false},
	    {SERVER "allow_root = true\n[file-reception]\nenabled = false\n", false},
	    {SERVER "allow_root = true\n[file-reception]\nprotected = ['/e*']\n", false},
	    {SERVER "allow_root = true\n[file-reception]\nprotected = ['/']\n", false},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		load_ok(rows[i].text, NULL);
		bool warned = is_warned("runs as root and receives files");
		assert_int_equal(warned, rows[i].warned && geteuid() == 0);
		rp_client_config_fini(&cfg);
	}
}

/* The example file starts nothing until it is filled in; with all comments taken away it knows
 * every key. */
static void example_file(void **state)
{
	(void)state;
	char *text = rp_conf_file_text(EXAMPLE);
	assert_refused(text, NULL, "server address is required");
	free(text);
	text = rp_conf_file_uncommented(EXAMPLE);
	if (load_with(text, NULL) != RP_CONF_RUN) {
		fail_msg("%s", err.msg);
	}
	free(text);
	rp_conf_file_complete(&cfg.conf, (const char *)&cfg);
	assert_string_equal(cfg.remote_commands.deny.v[0], "(\\||<|>|;|,|\\n|&)");
	assert_string_equal(cfg.remote_commands.allow.v[2], "^C:\\\\Windows\\\\System32\\\\.*");
	rp_client_config_fini(&cfg);
}

static int load_and_check(void *state)
{
	char c[] = "-c";
	char server[] = "a:1";
	char remote[] = "22";
	char *argv[] = {c, path, server, remote, NULL};
	struct rp_client_config mine;
	(void)state;
	int rc = rp_client_config_load(&mine, 4, argv, NULL);
	rc = rc != 0 ? rc : rp_client_config_validate(&mine, NULL);
	rp_client_config_fini(&mine);
	return rc;
}

static void out_of_memory(void **state)
{
	(void)state;
	rp_conf_file_make(path, "[client]\nremotes = ['1']\n[monitoring]\ninterval = '5s'\n");
	assert_int_equal(rp_oom_run(load_and_check, NULL), 0);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults),
	    cmocka_unit_test(text_flags),
	    cmocka_unit_test(other_flags),
	    cmocka_unit_test(server_and_remotes),
	    cmocka_unit_test(environment),
	    cmocka_unit_test(hidden_secrets),
	    cmocka_unit_test(tables),
	    cmocka_unit_test(rules),
	    cmocka_unit_test(adjustments),
	    cmocka_unit_test(warnings),
	    cmocka_unit_test(files_for_root),
	    cmocka_unit_test(example_file),
	    cmocka_unit_test(out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
