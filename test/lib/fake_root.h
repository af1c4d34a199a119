/* SPDX-License-Identifier: MIT */
/*
 * A folder that looks like "/" to what reads /proc, /sys and /etc: files of made-up or recorded
 * systems. A failure of the folder itself fails the test.
 */
#ifndef RP_TEST_LIB_FAKE_ROOT_H
#define RP_TEST_LIB_FAKE_ROOT_H

#include <stddef.h>

#define RP_FAKE_ROOT_MAX 64

/* Without a slash at the end. One at a time. */
extern char rp_fake_root[RP_FAKE_ROOT_MAX];

/* For cmocka: makes it empty, and removes it with all that is in it. */
int rp_fake_root_set_up(void **state);
int rp_fake_root_tear_down(void **state);
/* Takes away all that was put there. */
void rp_fake_root_clear(void);
/* Writes a file with the folders above it; path begins with a slash. */
void rp_fake_root_put(const char *path, const char *text);
void rp_fake_root_put_n(const char *path, const void *p, size_t n);

#endif
