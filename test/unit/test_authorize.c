/* SPDX-License-Identifier: MIT */
/*
 * The one decision: each reason to say no alone, and their order.
 */
#include "acl/authorize.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/alloc.h"

static char staff[] = "staff";
static char guests[] = "guests";
static char *staff_v[] = {staff};
static char *guests_v[] = {guests};
static const struct rp_strlist none = {0};
static const struct rp_strlist of_staff = {.v = staff_v, .n = 1};
static const struct rp_strlist of_guests = {.v = guests_v, .n = 1};

static const struct rp_subject admin = {.groups = &none, .admin = true};
static const struct rp_subject user = {
    .name = "bob", .groups = &of_staff, .permissions = RP_MAY_ALL};

static void test_object(void **state)
{
	static const struct rp_action see = {0};
	const struct rp_object ours = {.allowed = &of_staff};
	const struct rp_object theirs = {.allowed = &of_guests};
	const struct rp_object nobodys = {.allowed = &none};
	(void)state;
	assert_int_equal(rp_authorize(&user, &see, NULL), RP_ALLOWED);
	assert_int_equal(rp_authorize(&user, &see, &ours), RP_ALLOWED);
	assert_int_equal(rp_authorize(&user, &see, &theirs), RP_DENIED_OBJECT);
	assert_int_equal(rp_authorize(&user, &see, &nobodys), RP_DENIED_OBJECT);
	assert_int_equal(rp_authorize(&admin, &see, &nobodys), RP_ALLOWED);
	const struct rp_object by_group = {.allowed = &of_guests, .inherited = &of_staff};
	const struct rp_object by_other = {.allowed = &none, .inherited = &of_guests};
	assert_int_equal(rp_authorize(&user, &see, &by_group), RP_ALLOWED);
	assert_int_equal(rp_authorize(&user, &see, &by_other), RP_DENIED_OBJECT);
}

static void test_members_only(void **state)
{
	static const struct rp_action see = {0};
	const struct rp_object ours = {.allowed = &of_staff, .members_only = true};
	const struct rp_object theirs = {.allowed = &of_guests, .members_only = true};
	(void)state;
	assert_int_equal(rp_authorize(&user, &see, &ours), RP_ALLOWED);
	assert_int_equal(rp_authorize(&user, &see, &theirs), RP_DENIED_OBJECT);
	assert_int_equal(rp_authorize(&admin, &see, &theirs), RP_DENIED_OBJECT);
}

static void test_owner(void **state)
{
	static const struct rp_action see = {0};
	const struct rp_object ours = {.owner = "bob"};
	const struct rp_object theirs = {.owner = "eve"};
	const struct rp_object unknown = {.owner = ""};
	const struct rp_object foreign = {.owner = "bob", .allowed = &of_guests};
	(void)state;
	assert_int_equal(rp_authorize(&user, &see, &ours), RP_ALLOWED);
	assert_int_equal(rp_authorize(&user, &see, &theirs), RP_DENIED_OWNER);
	assert_int_equal(rp_authorize(&user, &see, &unknown), RP_DENIED_OWNER);
	assert_int_equal(rp_authorize(&user, &see, &foreign), RP_DENIED_OBJECT);
	assert_int_equal(rp_authorize(&admin, &see, &theirs), RP_ALLOWED);
}

static void test_permission(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RP_PERMISSIONS; i++) {
		const struct rp_action a = {.permission = 1u << i};
		struct rp_subject s = {.groups = &of_staff, .permissions = 1u << i};
		assert_int_equal(rp_authorize(&s, &a, NULL), RP_ALLOWED);
		s.permissions = RP_MAY_ALL & ~(1u << i);
		assert_int_equal(rp_authorize(&s, &a, NULL), RP_DENIED_PERMISSION);
		assert_int_equal(rp_authorize(&admin, &a, NULL), RP_ALLOWED);
	}
	assert_string_equal(rp_permission_name(0), "auditlog");
	assert_string_equal(rp_permission_name(RP_PERMISSIONS - 1), "vault");
	assert_string_equal(rp_permission_name(RP_PERMISSIONS), "");
}

static void test_admin(void **state)
{
	static const struct rp_action a = {.admin = true};
	(void)state;
	assert_int_equal(rp_authorize(&admin, &a, NULL), RP_ALLOWED);
	assert_int_equal(rp_authorize(&user, &a, NULL), RP_DENIED_ADMIN);
}

static void test_scope(void **state)
{
	static const struct rp_action see = {0};
	static const struct rp_action change = {.write = true};
	static const struct rp_action listen = {.websocket = true};
	static const struct rp_action pair = {.write = true, .clients_auth = true};
	struct rp_subject s = admin;
	(void)state;
	assert_int_equal(rp_authorize(&s, &change, NULL), RP_ALLOWED);
	assert_int_equal(rp_authorize(&s, &listen, NULL), RP_ALLOWED);
	s.scope = RP_SCOPE_READ;
	assert_int_equal(rp_authorize(&s, &see, NULL), RP_ALLOWED);
	assert_int_equal(rp_authorize(&s, &change, NULL), RP_DENIED_SCOPE);
	assert_int_equal(rp_authorize(&s, &listen, NULL), RP_DENIED_SCOPE);
	s.scope = RP_SCOPE_CLIENTS_AUTH;
	assert_int_equal(rp_authorize(&s, &see, NULL), RP_DENIED_SCOPE);
	assert_int_equal(rp_authorize(&s, &pair, NULL), RP_ALLOWED);
	s.scope = (enum rp_scope)99;
	assert_int_equal(rp_authorize(&s, &see, NULL), RP_DENIED_SCOPE);
}

static void test_second_factor(void **state)
{
	static const struct rp_action see = {0};
	static const struct rp_action verify = {.write = true, .second_factor = true};
	static const struct rp_action setup = {.write = true, .totp_setup = true};
	struct rp_subject s = {.groups = &none, .admin = true, .scope = RP_SCOPE_TWO_FA};
	(void)state;
	assert_int_equal(rp_authorize(&s, &see, NULL), RP_DENIED_TWO_FA);
	assert_int_equal(rp_authorize(&s, &setup, NULL), RP_DENIED_TWO_FA);
	assert_int_equal(rp_authorize(&s, &verify, NULL), RP_ALLOWED);
	s.scope = RP_SCOPE_TOTP_SETUP;
	assert_int_equal(rp_authorize(&s, &see, NULL), RP_DENIED_TWO_FA);
	assert_int_equal(rp_authorize(&s, &setup, NULL), RP_ALLOWED);
	assert_int_equal(rp_authorize(&s, &verify, NULL), RP_ALLOWED);
	s.scope = RP_SCOPE_FULL;
	assert_int_equal(rp_authorize(&s, &setup, NULL), RP_ALLOWED);
	assert_int_equal(rp_authorize(&s, &verify, NULL), RP_DENIED_TWO_FA);
	s.scope = RP_SCOPE_READ;
	assert_int_equal(rp_authorize(&s, &verify, NULL), RP_DENIED_SCOPE);
}

static void test_order(void **state)
{
	static const struct rp_action a = {
	    .write = true, .admin = true, .permission = RP_MAY_VAULT};
	const struct rp_object o = {.allowed = &of_guests};
	struct rp_subject s = {.groups = &of_staff, .scope = RP_SCOPE_READ};
	struct rp_action b = a;
	(void)state;
	assert_int_equal(rp_authorize(&s, &b, &o), RP_DENIED_SCOPE);
	s.scope = RP_SCOPE_FULL;
	assert_int_equal(rp_authorize(&s, &b, &o), RP_DENIED_ADMIN);
	b.admin = false;
	assert_int_equal(rp_authorize(&s, &b, &o), RP_DENIED_PERMISSION);
	b.permission = 0;
	assert_int_equal(rp_authorize(&s, &b, &o), RP_DENIED_OBJECT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_object),
	    cmocka_unit_test(test_members_only),
	    cmocka_unit_test(test_owner),
	    cmocka_unit_test(test_permission),
	    cmocka_unit_test(test_admin),
	    cmocka_unit_test(test_scope),
	    cmocka_unit_test(test_second_factor),
	    cmocka_unit_test(test_order),
	};
	return cmocka_run_group_tests_name("authorize", tests, NULL, NULL);
}
