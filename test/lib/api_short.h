/* SPDX-License-Identifier: MIT */
/*
 * Short ways to ask the API, for a test program that has one rig at a time; to be included by its
 * only file. What it does not need costs nothing.
 */
#ifndef RP_TEST_LIB_API_SHORT_H
#define RP_TEST_LIB_API_SHORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/api_rig.h"

#define ADMIN       "admin:" RP_API_RIG_PASSWORD
#define BOB         "bob:" RP_API_RIG_PASSWORD
#define FAIL(title) "{\"errors\":[{\"code\":\"\",\"title\":\"" title "\",\"detail\":\"\"}]}"

static struct rp_api_rig *rig;

/* For tests that need nothing special. */
static inline int open_rig(void **state)
{
	(void)state;
	rig = rp_api_rig_open(NULL);
	return 0;
}

static inline int close_rig(void **state)
{
	(void)state;
	rp_api_rig_close(rig);
	return 0;
}

/* Status; the rig has the rest. */
static inline unsigned ask(const char *user, const char *method, const char *path, const char *body)
{
	const struct rp_api_ask a = {.method = method, .path = path, .user = user, .body = body};
	return rp_api_rig_ask(rig, &a);
}

/* call: what gives the status. The body has to be the same to the letter. */
#define assert_reply(status_, want, call)                                                  \
	do {                                                                               \
		unsigned status = (call);                                                  \
		if (status != (status_) || strcmp(rig->body, want) != 0) {                 \
			fail_msg("%s:%d: %u %s\nwanted %u %s", __FILE__, __LINE__, status, \
			    rig->body, (unsigned)(status_), want);                         \
		}                                                                          \
	} while (0)

static inline void assert_part(const char *part)
{
	if (strstr(rig->body, part) == NULL) {
		fail_msg("no %s in %s", part, rig->body);
	}
}

#endif
