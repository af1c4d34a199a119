/* SPDX-License-Identifier: MIT */
#include "test/lib/fake_root.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <ftw.h>

char rp_fake_root[RP_FAKE_ROOT_MAX];

int rp_fake_root_set_up(void **state)
{
	(void)state;
	(void)snprintf(rp_fake_root, sizeof(rp_fake_root), "/tmp/rp-test-root-XXXXXX");
	assert_non_null(mkdtemp(rp_fake_root));
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int rp_fake_root_tear_down(void **state)
{
	(void)state;
	return nftw(rp_fake_root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void rp_fake_root_clear(void)
{
	assert_int_equal(rp_fake_root_tear_down(NULL), 0);
	assert_int_equal(mkdir(rp_fake_root, 0700), 0);
}

void rp_fake_root_put_n(const char *path, const void *p, size_t n)
{
	char full[512];
	(void)snprintf(full, sizeof(full), "%s%s", rp_fake_root, path);
	for (char *s = full + strlen(rp_fake_root) + 1; (s = strchr(s, '/')) != NULL; s++) {
		*s = '\0';
		(void)mkdir(full, 0700);
		*s = '/';
	}
	FILE *f = fopen(full, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

void rp_fake_root_put(const char *path, const char *text)
{
	rp_fake_root_put_n(path, text, strlen(text));
}
