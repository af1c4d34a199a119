/* SPDX-License-Identifier: MIT */
/*
 * Configuration files for tests: a temporary file with given text, and example files with
 * every option taken out of its comment.
 */
#ifndef RP_TEST_LIB_CONF_FILE_H
#define RP_TEST_LIB_CONF_FILE_H

#include "core/config.h"

#define RP_CONF_PATH_MAX 64

/* Writes text to a new file; the caller unlinks it. Fails the test if it cannot. */
void rp_conf_file_make(char path[static RP_CONF_PATH_MAX], const char *text);
/* Text of the file at path where each line "#key = ..." has lost its "#". Owned, malloc. */
char *rp_conf_file_uncommented(const char *path);
/* Text of the file at path. Owned, malloc. */
char *rp_conf_file_text(const char *path);
/* Name of the first key of a section that has no value from the file, or NULL: other spellings
 * do not count. dst is the struct that c fills. */
const char *rp_conf_file_missing(const struct rp_conf *c, const char *dst);

#endif
