/* SPDX-License-Identifier: MIT */
/*
 * The TOML parser over arbitrary bytes. A document that parses is walked: children are what the
 * types say, lines
 * lie in the file, texts are C strings.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct rp_toml *t, unsigned lines)
{
	if (t->line < 1 || t->line > lines) {
		abort();
	}
	bool container = t->type == RP_TOML_ARRAY || t->type == RP_TOML_TABLE;
	if (container != (t->text == NULL) || (!container && t->first != NULL)) {
		abort();
	}
	for (const struct rp_toml *c = t->first; c != NULL; c = c->next) {
		if ((c->key == NULL) != (t->type == RP_TOML_ARRAY) ||
		    (c->next == NULL) != (c == t->last)) {
			abort();
		}
		if (c->key != NULL && rp_toml_get(t, c->key) != c) {
			abort();
		}
		check(c, lines);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rp_toml *t;
	struct rp_err err = {0};
	unsigned lines = 1;
	for (size_t i = 0; i < size; i++) {
		lines += data[i] == '\n';
	}
	int rc = rp_toml_parse("f", data, size, &t, &err);
	if (rc == 0) {
		check(t, lines);
	} else if (strncmp(err.msg, "f:", 2) != 0) {
		abort();
	}
	rp_toml_free(t);
	return 0;
}
