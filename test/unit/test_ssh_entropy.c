/* SPDX-License-Identifier: MIT */
/*
 * A machine without entropy: where the SSH layer needs mbedTLS's generator, nothing starts. mbedTLS
 * asks the function below for entropy, which takes the place of the library's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"

#include "ssh/session.h"

#define NO_ENTROPY (-0x3C) /* MBEDTLS_ERR_ENTROPY_SOURCE_FAILED */

int mbedtls_platform_entropy_poll(void *data, unsigned char *output, size_t len, size_t *olen);
int mbedtls_platform_entropy_poll(void *data, unsigned char *output, size_t len, size_t *olen)
{
	(void)data;
	(void)output;
	(void)len;
	*olen = 0;
	return NO_ENTROPY;
}

static void test_no_entropy(void **state)
{
	struct rp_err err = {0};
	(void)state;
#ifdef HAVE_LIBMBEDCRYPTO
	assert_int_equal(rp_ssh_global_init(&err), RP_ECRYPTO);
	assert_non_null(strstr(err.msg, "random generator cannot be seeded"));
	/* Nor when asked again. */
	assert_int_equal(rp_ssh_global_init(NULL), RP_ECRYPTO);
#else
	/* libcrypto has sources of its own. */
	assert_int_equal(rp_ssh_global_init(&err), 0);
	assert_string_equal(err.msg, "");
	rp_ssh_global_fini();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_entropy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
