/* SPDX-License-Identifier: MIT */
/*
 * Pending updates: recorded output of the package managers through their parsers, and the status
 * that becomes of it.
 */
#include "client/updates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/packages.h"
#include "client/updates_status.h"
#include "core/err.h"
#include "core/json.h"
#include "test/lib/oom.h"
#include "test/lib/packages_short.h"

#define PAYLOAD_MAX ((size_t)261000)

/* "name version arch origin flags;" of what a parser finds. */
static void add_package(char *out, size_t max, const struct rp_package *p)
{
	size_t n = strlen(out);
	(void)snprintf(out + n, max - n, "%.*s|%.*s|%.*s|%.*s|%s%s;", (int)p->name.len, p->name.p,
	    (int)p->version.len, p->version.p, (int)p->arch.len, p->arch.p, (int)p->origin.len,
	    p->origin.p, p->security ? "s" : "", p->reboot ? "r" : "");
}

static void test_apt(void **state)
{
	(void)state;
	char found[1024] = "";
	struct rp_str rest = rp_str_c(apt_text);
	struct rp_str line;
	struct rp_package p;
	while (rp_str_split(&rest, '\n', &line)) {
		if (rp_packages_apt(line, &p)) {
			add_package(found, sizeof(found), &p);
		}
	}
	assert_string_equal(found,
	    "libc6|2.36-9+deb12u10 Debian:12.11/stable [amd64]|||;"
	    "openssl|3.0.16-1~deb12u1 Debian:12.11/stable, Debian-Security:12/stable-security "
	    "[amd64]|||s;"
	    "zip|3.0-14 Ubuntu:24.04/noble-updates, Ubuntu:24.04/noble-security [amd64]|||s;");
	assert_false(rp_packages_apt(rp_str_c("Inst x"), &p));
	assert_true(rp_packages_apt(rp_str_c("Inst x ) ("), &p));
	assert_int_equal(p.version.len, 0);
}

static void test_dnf(void **state)
{
	(void)state;
	char found[1024] = "";
	struct rp_str rest = rp_str_c(dnf_text);
	struct rp_str line;
	struct rp_package p;
	struct rp_packages_dnf d = {0};
	while (rp_str_split(&rest, '\n', &line)) {
		if (rp_packages_dnf(&d, line, &p)) {
			add_package(found, sizeof(found), &p);
		}
	}
	assert_string_equal(found,
	    "anaconda-core|33.16.5.2-1.el8.0.1|x86_64|appstream|;"
	    "glibc|2.28-161.el8|x86_64|baseos|;"
	    "python3.11-libs|3.11.9-7.el9_5.2|x86_64|@System|;"
	    "a-package-with-a-very-long-name-that-yum-folds|1.0.0-1.el7|noarch|updates|;"
	    "another-package-with-a-long-version|12345678901234567890-1.el7|noarch|updates|;");
}

static void test_zypper(void **state)
{
	(void)state;
	char found[1024] = "";
	struct rp_str rest = rp_str_c(zypper_text);
	struct rp_str line;
	struct rp_package p;
	struct rp_packages_patch s = {0};
	while (rp_str_split(&rest, '\n', &line)) {
		if (rp_packages_zypper(line, &p)) {
			add_package(found, sizeof(found), &p);
		}
	}
	assert_string_equal(found, "evince|40.4-1.1|x86_64||;ruby-common|2.6-5.1|noarch||;");
	rest = rp_str_c(patches_text);
	found[0] = '\0';
	while (rp_str_split(&rest, '\n', &line)) {
		struct rp_str name;
		if (rp_packages_zypper_patch(line, &name)) {
			p = (struct rp_package){.name = name};
			add_package(found, sizeof(found), &p);
		}
	}
	assert_string_equal(found, "SLE-2021-3522||||;");
	rest = rp_str_c(patch_info_text);
	found[0] = '\0';
	while (rp_str_split(&rest, '\n', &line)) {
		if (rp_packages_zypper_info(&s, line, &p)) {
			add_package(found, sizeof(found), &p);
		}
	}
	assert_string_equal(
	    found, "evince.x86_64||||sr;srcpackage:evince||||sr;ruby-common.noarch||||;");
}

static void test_apk(void **state)
{
	(void)state;
	char found[1024] = "";
	struct rp_str rest = rp_str_c(apk_text);
	struct rp_str line;
	struct rp_package p;
	while (rp_str_split(&rest, '\n', &line)) {
		if (rp_packages_apk(line, &p)) {
			add_package(found, sizeof(found), &p);
		}
	}
	assert_string_equal(
	    found, "busybox|1.36.1-r19|x86_64||;ca-certificates-bundle|20240705-r0|x86_64||;");
}

/* --- status --- */

static struct rp_json *status_json(const struct rp_updates_status *s)
{
	struct rp_buf out;
	struct rp_err err;
	struct rp_json *j;
	rp_buf_init(&out, PAYLOAD_MAX);
	assert_int_equal(rp_updates_status_write(s, &out), 0);
	assert_int_equal(rp_json_parse(rp_buf_head(&out), out.len, &j, &err), 0);
	rp_buf_fini(&out);
	return j;
}

static void test_status(void **state)
{
	(void)state;
	struct rp_updates_status s;
	rp_updates_status_init(&s);
	struct rp_json *j = status_json(&s);
	assert_int_equal(rp_json_type(rp_json_get(j, "update_summaries")), RP_JSON_NULL);
	assert_null(rp_json_get(j, "error"));
	assert_null(rp_json_get(j, "hint"));
	rp_json_free(j);
	struct rp_package p = {.name = rp_str_c("a"), .reboot = true};
	assert_int_equal(rp_updates_status_mark(&s, p.name, &p), 0);
	p = (struct rp_package){.name = rp_str_c("a"), .security = true};
	assert_int_equal(rp_updates_status_mark(&s, p.name, &p), 0);
	assert_int_equal(rp_updates_status_mark(&s, rp_str_n("x\0y", 3), &p), 0);
	p = (struct rp_package){.name = rp_str_c("a"),
	    .version = rp_str_c("1\"\xff"),
	    .arch = rp_str_c("all"),
	    .origin = rp_str_c("base")};
	assert_int_equal(rp_updates_status_add(&s, &p, p.name), 0);
	p.name = rp_str_c("b");
	p.version.len = 1;
	assert_int_equal(rp_updates_status_add(&s, &p, p.name), 0);
	(void)snprintf(s.hint, sizeof(s.hint), "why");
	(void)snprintf(s.error, sizeof(s.error), "what");
	j = status_json(&s);
	assert_true(rp_json_number(rp_json_get(j, "updates_available")) == 2);
	assert_true(rp_json_number(rp_json_get(j, "security_updates_available")) == 1);
	assert_string_equal(rp_json_string(rp_json_get(j, "hint")), "why");
	assert_string_equal(rp_json_string(rp_json_get(j, "error")), "what");
	const struct rp_json *e = rp_json_first(rp_json_get(j, "update_summaries"));
	assert_string_equal(
	    rp_json_string(rp_json_get(e, "description")), "a 1\"\xef\xbf\xbd [all] (base)");
	assert_true(rp_json_true(rp_json_get(e, "is_security_update")));
	assert_true(rp_json_true(rp_json_get(e, "reboot_required")));
	e = rp_json_next(e);
	assert_string_equal(rp_json_string(rp_json_get(e, "title")), "b");
	assert_false(rp_json_true(rp_json_get(e, "is_security_update")));
	rp_json_free(j);
	rp_updates_status_fini(&s);
}

/* Thousands of updates with long names: all are counted, and the payload fits. */
static void test_many(void **state)
{
	(void)state;
	struct rp_updates_status s;
	char name[1000];
	memset(name, '<', sizeof(name)); /* six bytes each */
	const struct rp_package p = {.name = rp_str_n(name, sizeof(name)),
	    .version = rp_str_n(name, sizeof(name)),
	    .security = true};
	rp_updates_status_init(&s);
	for (int i = 0; i < 5000; i++) {
		assert_int_equal(rp_updates_status_add(&s, &p, p.name), 0);
	}
	assert_int_equal(rp_updates_status_mark(&s, p.name, &p), 0);
	(void)snprintf(s.hint, sizeof(s.hint), "why");
	struct rp_json *j = status_json(&s);
	assert_true(rp_json_number(rp_json_get(j, "updates_available")) == 5000);
	assert_true(rp_json_number(rp_json_get(j, "security_updates_available")) == 5000);
	size_t listed = rp_json_count(rp_json_get(j, "update_summaries"));
	assert_true(listed > 10 && listed < 5000);
	char hint[64];
	(void)snprintf(hint, sizeof(hint), "%zu of the updates are not listed; why", 5000 - listed);
	assert_string_equal(rp_json_string(rp_json_get(j, "hint")), hint);
	rp_json_free(j);
	rp_updates_status_fini(&s);
}

static int oom_body(void *state)
{
	(void)state;
	struct rp_updates_status s;
	struct rp_buf out;
	const struct rp_package p = {.name = rp_str_c("a"), .version = rp_str_c("1")};
	rp_updates_status_init(&s);
	rp_buf_init(&out, PAYLOAD_MAX);
	int rc = rp_updates_status_mark(&s, p.name, &p);
	rc = rc != 0 ? rc : rp_updates_status_add(&s, &p, p.name);
	rc = rc != 0 ? rc : rp_updates_status_write(&s, &out);
	rp_buf_fini(&out);
	rp_updates_status_fini(&s);
	return rc;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(oom_body, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_apt),
	    cmocka_unit_test(test_dnf),
	    cmocka_unit_test(test_zypper),
	    cmocka_unit_test(test_apk),
	    cmocka_unit_test(test_status),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
