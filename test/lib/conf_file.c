/* SPDX-License-Identifier: MIT */
#include "test/lib/conf_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TEXT_MAX 65536

static void must(bool ok, const char *what)
{
	if (!ok) {
		(void)fprintf(stderr, "conf_file: %s\n", what);
		abort();
	}
}

void rp_conf_file_make(char path[static RP_CONF_PATH_MAX], const char *text)
{
	(void)snprintf(path, RP_CONF_PATH_MAX, "/tmp/rp-test-conf-XXXXXX");
	int fd = mkstemp(path);
	must(fd >= 0, "mkstemp");
	must(write(fd, text, strlen(text)) == (ssize_t)strlen(text), "write");
	must(close(fd) == 0, "close");
}

char *rp_conf_file_text(const char *path)
{
	char *text = malloc(TEXT_MAX);
	FILE *in = fopen(path, "r");
	must(text != NULL && in != NULL, path);
	size_t n = fread(text, 1, TEXT_MAX - 1, in);
	must(n > 0 && n < TEXT_MAX - 1 && fclose(in) == 0, path);
	text[n] = '\0';
	return text;
}

/* "#key = " or "#[[" */
static bool is_option(const char *line)
{
	if (strncmp(line, "#[[", 3) == 0) {
		return true;
	}
	size_t n = strspn(&line[1], "abcdefghijklmnopqrstuvwxyz0123456789_");
	return line[0] == '#' && n > 0 && strncmp(&line[1 + n], " = ", 3) == 0;
}

char *rp_conf_file_uncommented(const char *path)
{
	char *text = rp_conf_file_text(path);
	char *to = text;
	const char *line = text;
	while (*line != '\0') {
		size_t n = strcspn(line, "\n") + 1;
		size_t skip = is_option(line) ? 1 : 0;
		(void)memmove(to, &line[skip], n - skip);
		to += n - skip;
		line += n;
	}
	*to = '\0';
	return text;
}

/* Name of the first key of a section that has no value from the file, or NULL. */
static const char *first_missing(const struct rp_conf *c, const char *dst)
{
	for (size_t i = 0; i < c->spec->n_opts; i++) {
		const struct rp_conf_opt *opt = &c->spec->opts[i];
		bool other = (opt->flags & (RP_CONF_F_ALIAS | RP_CONF_F_OLD)) != 0;
		if (opt->section != NULL && !other && !rp_conf_is_set(c, &dst[opt->offset])) {
			return opt->key == NULL ? opt->section : opt->key;
		}
	}
	return NULL;
}

void rp_conf_file_complete(const struct rp_conf *c, const char *dst)
{
	if (c->warnings.n > 0) {
		fail_msg("%s", c->warnings.v[0]);
	}
	const char *missing = first_missing(c, dst);
	if (missing != NULL) {
		fail_msg("not in the example file: %s", missing);
	}
}

void rp_conf_file_refused(const struct rp_conf_result *r, const char *msg)
{
	if (r->code != RP_EINVAL) {
		fail_msg("accepted (%d): %s", r->code, r->text);
	}
	assert_string_equal(msg[0] == ':' ? &r->err->msg[strlen(r->path)] : r->err->msg, msg);
	assert_null(strstr(r->err->msg, "tops3cret"));
}
