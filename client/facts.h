/* SPDX-License-Identifier: MIT */
/*
 * Small text files of a system, below a root that is "/" but in tests. Internal to what measures it.
 */
#ifndef RP_CLIENT_FACTS_H
#define RP_CLIENT_FACTS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/defs.h"
#include "core/str.h"

#define RP_FACT_FILE_BYTES 32768
#define RP_FACT_TEXT_MAX   256

/* The beginning of a file, NUL-terminated; empty if it cannot be read. Never blocks on a pipe or
 * a device. */
struct rp_fact_file {
	size_t n;
	char text[RP_FACT_FILE_BYTES];
};

void rp_fact_read(const char *root, const char *path, struct rp_fact_file *f);
bool rp_fact_exists(const char *root, const char *path);
/* One line after the other, of a file of any length; f is where they are read into, and a line that
 * does not fit is left out. Ends early when on_line says false. */
void rp_fact_lines(const char *root, const char *path, struct rp_fact_file *f,
    bool (*on_line)(void *ctx, struct rp_str line), void *ctx);
/* The value of the first line "key<sep>value", blanks around both removed. */
bool rp_fact_value(const struct rp_fact_file *f, const char *key, char sep, struct rp_str *value);
/* Replaces *field by a copy: one line, printable, valid UTF-8, capped; "unknown" when empty.
 * RP_ENOMEM. */
RP_NODISCARD int rp_fact_set(char **field, struct rp_str value);

/* What the machine runs on: "KVM", "DOCKER", ... and "guest" or "host"; "" for plain hardware.
 * Static texts. */
struct rp_virt {
	const char *system;
	const char *role;
};
struct rp_virt rp_virt_detect(const char *root);

#endif
