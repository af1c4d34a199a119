/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the configuration engine share; private to core/config*.c.
 */
#ifndef RP_CORE_CONFIG_IMPL_H
#define RP_CORE_CONFIG_IMPL_H

#include "core/config.h"
#include "core/toml.h"

enum rp_conf_source {
	RP_CONF_FROM_DEFAULT,
	RP_CONF_FROM_ENV,
	RP_CONF_FROM_FILE,
	RP_CONF_FROM_FLAG
};

struct rp_conf_origin {
	enum rp_conf_source source;
	unsigned line;                /* in the file */
	const struct rp_conf_opt *by; /* the row that was used: the option's own or an alias */
};

/* One option from the command line, not yet applied. */
struct rp_conf_given {
	const struct rp_conf_opt *opt;
	const char *text;
};

struct rp_conf_cmdline {
	enum rp_conf_mode mode;
	const char *file; /* -c */
	struct rp_conf_given *given;
	size_t n;
};

/* Where option opt has its value from. */
struct rp_conf_origin *rp_conf_origin(const struct rp_conf *c, const struct rp_conf_opt *opt);
/* The option's field in dst. */
void *rp_conf_field(const struct rp_conf *c, const struct rp_conf_opt *opt);
/* The row that an alias stands for, or opt itself. */
const struct rp_conf_opt *rp_conf_primary(const struct rp_conf *c, const struct rp_conf_opt *opt);
/* Notes where the value of opt, and of what it is an alias for, comes from. */
void rp_conf_note(
    struct rp_conf *c, const struct rp_conf_opt *opt, enum rp_conf_source source, unsigned line);
/* Puts the place of opt's value before the text in err and returns its code. */
int rp_conf_place(const struct rp_conf *c, const struct rp_conf_opt *opt, struct rp_err *err);

/* Positional arguments go to c->args. line->given is the caller's to free. */
RP_NODISCARD int rp_conf_args(struct rp_conf *c, int argc, char *const *argv,
    struct rp_conf_cmdline *line, struct rp_err *err);
/* Applies a parsed file. */
RP_NODISCARD int rp_conf_apply_file(
    struct rp_conf *c, const struct rp_toml *root, struct rp_err *err);

/* Converts and stores, replacing the old value; the text in err has no place yet. */
RP_NODISCARD int rp_conf_set_text(
    const struct rp_conf_opt *opt, struct rp_str text, void *field, struct rp_err *err);
RP_NODISCARD int rp_conf_set_toml(
    const struct rp_conf_opt *opt, const struct rp_toml *v, void *field, struct rp_err *err);
/* Adds one more entry (list types; text may hold several with commas unless RP_CONF_F_ONE). */
RP_NODISCARD int rp_conf_add_text(
    const struct rp_conf_opt *opt, struct rp_str text, void *field, struct rp_err *err);
/* Frees the value and leaves the zero value. */
void rp_conf_clear(const struct rp_conf_opt *opt, void *field);
bool rp_conf_is_list(const struct rp_conf_opt *opt);

/* Numbers with units (config_unit.c): 0 or a text in err. */
RP_NODISCARD int rp_conf_parse_number(
    const struct rp_conf_opt *opt, struct rp_str text, int64_t *v, struct rp_err *err);
RP_NODISCARD int rp_conf_parse_float(
    const struct rp_conf_opt *opt, struct rp_str text, double *v, struct rp_err *err);
RP_NODISCARD int rp_conf_parse_range(
    const struct rp_conf_opt *opt, struct rp_str text, struct rp_port_range *r, struct rp_err *err);
/* RP_EINVAL `<value in quotes> <what>`; a secret's value is not shown. */
int rp_conf_bad(const struct rp_conf_opt *opt, struct rp_str text, struct rp_err *err,
    const char *fmt, ...) RP_PRINTF(4, 5);

#endif
