/* SPDX-License-Identifier: MIT */
/*
 * The file that a pairing writes: what a server says becomes nothing but values, and what was there
 * is kept. test/e2e/pairing.sh has the exchange before it.
 */
#include "client/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/config.h"

static char dir[64];
static char file[96];
static char bak[128];
static char new[128];

static int setup(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/rport-pair-XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(file, sizeof(file), "%s/sub/rport.conf", dir);
	(void)snprintf(bak, sizeof(bak), "%s.bak", file);
	(void)snprintf(new, sizeof(new), "%s.new", file);
	return 0;
}

static int teardown(void **state)
{
	char sub[80];
	(void)state;
	(void)snprintf(sub, sizeof(sub), "%s/sub", dir);
	(void)unlink(file);
	(void)unlink(bak);
	assert_int_not_equal(access(new, F_OK), 0); /* nothing half done is left */
	(void)rmdir(sub);
	return rmdir(dir);
}

static int put(
    const char *server, const char *fingerprint, const char *auth, bool replace, struct rp_err *err)
{
	const struct rp_pair_settings s = {.server = (char *)(uintptr_t)server,
	    .fingerprint = (char *)(uintptr_t)fingerprint,
	    .auth = (char *)(uintptr_t)auth};
	return rp_pair_write(&s, file, replace, err);
}

static void load(struct rp_client_config *cfg)
{
	char option[] = "-c";
	char *args[] = {option, file, NULL};
	assert_int_equal(rp_client_config_load(cfg, 2, args, NULL), RP_CONF_RUN);
}

static void test_values(void **state)
{
	static const char auth[] = "id:p\"w\\ # '[x]";
	struct rp_client_config cfg;
	struct rp_err err = {0};
	struct stat st;
	(void)state;
	assert_int_equal(put("http://h:80", "SHA256:abc", auth, false, &err), 0);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	load(&cfg);
	assert_string_equal(cfg.client.server, "http://h:80");
	assert_string_equal(cfg.client.fingerprint, "SHA256:abc");
	assert_string_equal(cfg.client.auth, auth);
	rp_client_config_fini(&cfg);
}

static void test_hostile(void **state)
{
	struct rp_err err = {0};
	(void)state;
	assert_int_equal(
	    put("http://h", "f", "a:b\"\n[remote-commands]\nshell = true", false, &err), RP_EPROTO);
	assert_non_null(strstr(err.msg, "control characters"));
	assert_int_not_equal(access(file, F_OK), 0);
	assert_int_not_equal(put("ftp://h", "f", "a:b", false, &err), 0);
	assert_non_null(strstr(err.msg, "settings that are not valid"));
	assert_int_not_equal(access(file, F_OK), 0);
	assert_int_not_equal(put("", "f", "a:b", false, &err), 0);
	assert_int_not_equal(access(file, F_OK), 0);
}

static void test_replace(void **state)
{
	struct rp_client_config cfg;
	struct rp_err err = {0};
	(void)state;
	assert_int_equal(put("http://one", "f", "a:b", true, &err), 0);
	assert_int_not_equal(access(bak, F_OK), 0);
	assert_int_equal(put("http://two", "f", "a:b", false, &err), RP_EEXIST);
	load(&cfg);
	assert_string_equal(cfg.client.server, "http://one");
	rp_client_config_fini(&cfg);
	assert_int_equal(put("http://two", "f", "a:b", true, &err), 0);
	load(&cfg);
	assert_string_equal(cfg.client.server, "http://two");
	rp_client_config_fini(&cfg);
	assert_int_equal(access(bak, F_OK), 0);
	/* What is no good leaves what there is. */
	assert_int_not_equal(put("ftp://three", "f", "a:b", true, &err), 0);
	load(&cfg);
	assert_string_equal(cfg.client.server, "http://two");
	rp_client_config_fini(&cfg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_values, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_replace, setup, teardown),
	};
	return cmocka_run_group_tests_name("client_pair", tests, NULL, NULL);
}
