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
/* Fails the test unless c read an example file without a warning, and that has every key of every
 * section (other spellings do not count). dst is the struct that c fills. */
void rp_conf_file_complete(const struct rp_conf *c, const char *dst);

/* What came of the file at path with that text. */
struct rp_conf_result {
	const char *path;
	const char *text;
	int code;
	const struct rp_err *err;
};
/* Fails the test unless it was refused with this message, in which a leading ':' stands for the
 * name of the file. No message may have "tops3cret" in it. */
void rp_conf_file_refused(const struct rp_conf_result *r, const char *msg);

#endif
