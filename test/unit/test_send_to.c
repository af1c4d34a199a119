/* SPDX-License-Identifier: MIT */
/*
 * Which addresses users may have, for each way of delivery.
 */
#include "server/send_to.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int check(const char *way, const char *type, const char *regex, const char *address)
{
	const struct rp_conf_api cfg = {
	    .two_fa_token_delivery = (char *)(uintptr_t)way,
	    .two_fa_send_to_type = (char *)(uintptr_t)type,
	    .two_fa_send_to_regex = (char *)(uintptr_t)regex,
	};
	struct rp_err err = {0};
	int code = rp_send_to_check(&cfg, address, &err);
	assert_true(code == 0 || err.msg[0] != '\0');
	return code;
}

static void test_mail(void **state)
{
	(void)state;
	assert_int_equal(check("smtp", "", "", "a@example.com"), 0);
	assert_int_equal(check("smtp", "", "", "a"), RP_EINVAL);
	assert_int_equal(check("smtp", "regex", "^a$", "a"), RP_EINVAL);
	assert_int_equal(check("https://x/", "", "", "a@example.com"), 0);
	assert_int_equal(check("https://x/", "none", "", "a@b\nc"), RP_EINVAL);
	assert_int_equal(check("/bin/x", "email", "", "a@example.com"), 0);
	assert_int_equal(check("/bin/x", "email", "", "+49123"), RP_EINVAL);
}

static void test_program(void **state)
{
	(void)state;
	assert_int_equal(check("/bin/x", "", "", "+49 123"), 0);
	assert_int_equal(check("/bin/x", "none", "", "anything"), 0);
	assert_int_equal(check("/bin/x", "none", "", "any\nthing"), RP_EINVAL);
	assert_int_equal(check("/bin/x", "regex", "^\\+[0-9]+$", "+49123"), 0);
	assert_int_equal(check("/bin/x", "regex", "^\\+[0-9]+$", "49123"), RP_EINVAL);
	assert_int_equal(check("/bin/x", "regex", "^\\+[0-9]+$", "+49\xff"), RP_EINVAL);
	assert_int_equal(check("pushover", "regex", "^x$", "u0123456789"), 0);
}

static void test_off(void **state)
{
	(void)state;
	assert_int_equal(check("", "email", "", "anything"), 0);
	assert_int_equal(check("none", "email", "", "any\nthing"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mail),
	    cmocka_unit_test(test_program),
	    cmocka_unit_test(test_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
