/* SPDX-License-Identifier: MIT */
/*
 * The text of the units: what each kind of service may do, and words that systemd would read as
 * something else. test/e2e/service.sh installs them.
 */
#include "core/service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/alloc.h"

static struct rp_strlist writes;
static struct rp_service service;
static struct rp_service_ask ask;
static struct rp_buf text;

static int setup(void **state)
{
	(void)state;
	writes = (struct rp_strlist){0};
	service = (struct rp_service){
	    .name = "rport",
	    .summary = "rport client",
	    .docs = "man:rport.conf(5)",
	    .role = "client",
	    .data_dir = "/var/lib/rport",
	    .writes = &writes,
	};
	ask = (struct rp_service_ask){
	    .action = "install", .user = "rport", .config = "/etc/rport/rport.conf"};
	rp_buf_init(&text, 65536);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rp_buf_fini(&text);
	rp_strlist_fini(&writes);
	return 0;
}

static const char *make(const char *exe)
{
	rp_buf_clear(&text);
	assert_int_equal(rp_service_unit(&service, &ask, exe, &text, NULL), 0);
	assert_int_equal(rp_buf_terminate(&text), 0);
	return (const char *)rp_buf_head(&text);
}

static bool has(const char *unit, const char *line)
{
	const char *at = strstr(unit, line);
	return at != NULL && (at == unit || at[-1] == '\n') && at[strlen(line)] == '\n';
}

static void test_start(void **state)
{
	(void)state;
	const char *unit = make("/usr/bin/rport");
	assert_memory_equal(unit, "# Made by rport client", 22);
	assert_true(has(unit, "ExecStart=\"/usr/bin/rport\" client -c \"/etc/rport/rport.conf\""));
	assert_true(has(unit, "Type=simple"));
	assert_true(has(unit, "User=rport"));
	assert_true(has(unit, "Group=rport"));
	assert_true(has(unit, "StateDirectory=rport"));
	assert_true(has(unit, "WantedBy=multi-user.target"));
	assert_null(strstr(unit, "ExecReload"));
	service.reload = "USR1";
	service.holes = RP_SERVICE_WATCHDOG;
	unit = make("/usr/bin/rport");
	assert_true(has(unit, "ExecReload=/bin/kill -USR1 $MAINPID"));
	assert_true(has(unit, "Type=notify"));
	assert_non_null(strstr(unit, "\nWatchdogSec="));
}

static void test_sandbox(void **state)
{
	(void)state;
	const char *unit = make("/usr/bin/rport");
	assert_true(has(unit, "NoNewPrivileges=yes"));
	assert_true(has(unit, "ProtectSystem=strict"));
	assert_true(has(unit, "MemoryDenyWriteExecute=yes"));
	assert_true(has(unit, "CapabilityBoundingSet="));
	service.holes = RP_SERVICE_FILES;
	unit = make("/usr/bin/rport");
	assert_true(has(unit, "ProtectSystem=full"));
	assert_null(strstr(unit, "PrivateTmp"));
	assert_true(has(unit, "MemoryDenyWriteExecute=yes"));
	service.holes = RP_SERVICE_PROGRAMS;
	unit = make("/usr/bin/rport");
	assert_true(has(unit, "NoNewPrivileges=yes"));
	assert_true(has(unit, "ProtectSystem=strict"));
	assert_null(strstr(unit, "MemoryDenyWriteExecute"));
	service.holes = RP_SERVICE_LOW_PORTS;
	unit = make("/usr/bin/rport");
	assert_true(has(unit, "AmbientCapabilities=CAP_NET_BIND_SERVICE"));
	assert_true(has(unit, "CapabilityBoundingSet=CAP_NET_BIND_SERVICE"));
	assert_true(has(unit, "ProtectSystem=strict"));
}

/* Whatever implies NoNewPrivileges for a user other than root (systemd.exec(5)) would end sudo. */
static void test_sudo(void **state)
{
	static const char *const implies[] = {"NoNewPrivileges", "SystemCall", "Restrict",
	    "PrivateDevices", "ProtectKernel", "ProtectClock", "MemoryDeny", "DynamicUser",
	    "LockPersonality", "ProtectHostname", "ProtectSystem", "CapabilityBoundingSet"};
	(void)state;
	service.holes = RP_SERVICE_SUDO | RP_SERVICE_PROGRAMS;
	const char *unit = make("/usr/bin/rport");
	for (size_t i = 0; i < RP_ARRAY_LEN(implies); i++) {
		assert_null(strstr(unit, implies[i]));
	}
	assert_true(has(unit, "KeyringMode=private"));
}

static void test_folders(void **state)
{
	(void)state;
	service.data_dir = "/srv/100% \"x\"";
	assert_int_equal(rp_service_add_folder(&writes, "/var/log/rport/rport.log", NULL), 0);
	assert_int_equal(rp_service_add_folder(&writes, "/etc/rport/users.json", NULL), 0);
	assert_int_equal(rp_service_add_folder(&writes, "/etc/rport/clients.json", NULL), 0);
	assert_int_equal(rp_service_add_folder(&writes, "", NULL), 0);
	assert_int_equal(writes.n, 2);
	const char *unit = make("/opt/a b/$rport");
	assert_true(has(unit, "ReadWritePaths=-\"/srv/100%% \\\"x\\\"\""));
	assert_true(has(unit, "ReadWritePaths=-\"/etc/rport\""));
	assert_true(has(unit, "LogsDirectory=rport"));
	assert_null(strstr(unit, "StateDirectory"));
	assert_non_null(strstr(unit, "ExecStart=\"/opt/a b/$$rport\" client"));
	assert_int_equal(rp_service_add_folder(&writes, "users.json", NULL), RP_EINVAL);
	assert_int_equal(rp_service_add_folder(&writes, "/users.json", NULL), RP_EINVAL);
}

static void refuse(const char *exe)
{
	struct rp_err err = {0};
	rp_buf_clear(&text);
	assert_int_equal(rp_service_unit(&service, &ask, exe, &text, &err), RP_EINVAL);
	assert_int_not_equal(err.msg[0], '\0');
	assert_int_equal(text.len, 0);
}

static void test_refused(void **state)
{
	static const char *const users[] = {
	    "", "a b", "a\nb", "-a", "1a", "a:b", "abcdefghijklmnopqrstuvwxyz0123456"};
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(users); i++) {
		ask.user = users[i];
		refuse("/usr/bin/rport");
	}
	ask.user = "rport";
	refuse("rport");
	refuse("/usr/bin/rport\nUser=root");
	ask.config = "rport.conf";
	refuse("/usr/bin/rport");
	ask.config = "/etc/rport.conf";
	service.data_dir = "data";
	refuse("/usr/bin/rport");
	service.data_dir = "/var/lib/x\n";
	refuse("/usr/bin/rport");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_start, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_sandbox, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_sudo, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_folders, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	};
	return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
