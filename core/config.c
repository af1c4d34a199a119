/* SPDX-License-Identifier: MIT */
/*
 * Loading in order of precedence (defaults, environment, file, command line), where a value
 * came from, and the refusal of secrets that stand in public example files.
 */
#include "core/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/config_impl.h"

#include "core/banned.h"

#define WARNINGS_MAX 100

/* From the example files and the documentation of RPort and of this program: everybody knows
 * them. */
static const char *const sample_secrets[] = {
    "5448e69530b4b97fb510f96ff1550500b093",
    "Z4mQqmkDnexNNR4giNU3Me",
    "<YOUR_SEED>",
    "clientAuth1:1234",
    "<client-auth-id>:<password>",
    "<client-id>:<password>",
    "<id>:<password>",
    "id:password",
    "admin:foobaz",
    "<user>:<password>",
    "user:password",
    "quei1too2Jae3xootu",
    "password",
    "abc123",
    "user123",
};

void *rp_conf_field(const struct rp_conf *c, const struct rp_conf_opt *opt)
{
	return (char *)c->dst + opt->offset;
}

struct rp_conf_origin *rp_conf_origin(const struct rp_conf *c, const struct rp_conf_opt *opt)
{
	return &c->origins[opt - c->spec->opts];
}

static bool is_alias(const struct rp_conf_opt *opt)
{
	return (opt->flags & (RP_CONF_F_ALIAS | RP_CONF_F_OLD)) != 0;
}

/* The row that describes the field at offset. */
static const struct rp_conf_opt *row_at(const struct rp_conf *c, size_t offset)
{
	for (size_t i = 0; i < c->spec->n_opts; i++) {
		const struct rp_conf_opt *opt = &c->spec->opts[i];
		if (opt->offset == offset && !is_alias(opt)) {
			return opt;
		}
	}
	return NULL;
}

const struct rp_conf_opt *rp_conf_primary(const struct rp_conf *c, const struct rp_conf_opt *opt)
{
	return is_alias(opt) ? row_at(c, opt->offset) : opt;
}

void rp_conf_note(
    struct rp_conf *c, const struct rp_conf_opt *opt, enum rp_conf_source source, unsigned line)
{
	struct rp_conf_origin o = {.source = source, .line = line, .by = opt};
	*rp_conf_origin(c, opt) = o;
	*rp_conf_origin(c, rp_conf_primary(c, opt)) = o;
}

int rp_conf_place(const struct rp_conf *c, const struct rp_conf_opt *opt, struct rp_err *err)
{
	const struct rp_conf_origin *o = rp_conf_origin(c, opt);
	opt = o->by == NULL ? opt : o->by;
	const char *section = opt->section == NULL ? "" : opt->section;
	const char *dot = opt->key == NULL ? "" : ".";
	const char *key = opt->key == NULL ? "" : opt->key;
	switch (o->source) {
	case RP_CONF_FROM_FLAG:
		return rp_err_wrap(err, "--%s", opt->flag);
	case RP_CONF_FROM_ENV:
		return rp_err_wrap(err, "%s (environment)", opt->env);
	case RP_CONF_FROM_FILE:
		return rp_err_wrap(err, "%s:%u: %s%s%s", c->file, o->line, section, dot, key);
	default:
		return opt->section == NULL ? err->code
		                            : rp_err_wrap(err, "%s%s%s", section, dot, key);
	}
}

int rp_conf_fail(
    const struct rp_conf *c, const void *member, struct rp_err *err, const char *fmt, ...)
{
	size_t offset = (size_t)((const char *)member - (const char *)c->dst);
	const struct rp_conf_opt *opt = row_at(c, offset);
	struct rp_err inner = {.code = RP_EINVAL};
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(inner.msg, sizeof(inner.msg), fmt, ap);
	va_end(ap);
	RP_VERIFY(opt != NULL);
	(void)rp_conf_place(c, opt, &inner);
	return rp_err_set(err, inner.code, "%s", inner.msg);
}

bool rp_conf_is_set(const struct rp_conf *c, const void *member)
{
	size_t offset = (size_t)((const char *)member - (const char *)c->dst);
	const struct rp_conf_opt *opt = row_at(c, offset);
	RP_VERIFY(opt != NULL);
	return rp_conf_origin(c, opt)->source != RP_CONF_FROM_DEFAULT;
}

int rp_conf_warn(struct rp_conf *c, const char *fmt, ...)
{
	char text[512];
	if (c->warnings.n >= WARNINGS_MAX) {
		return 0;
	}
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return rp_strlist_add(&c->warnings, rp_str_c(text));
}

static int apply_defaults(struct rp_conf *c, struct rp_err *err)
{
	for (size_t i = 0; i < c->spec->n_opts; i++) {
		const struct rp_conf_opt *opt = &c->spec->opts[i];
		if (is_alias(opt) || (opt->def == NULL && opt->type != RP_CONF_STR)) {
			continue;
		}
		struct rp_str text = rp_str_c(opt->def == NULL ? "" : opt->def);
		int rc = rp_conf_set_text(opt, text, rp_conf_field(c, opt), err);
		if (rc != 0) {
			return rp_conf_place(c, opt, err);
		}
	}
	return 0;
}

static int apply_env(struct rp_conf *c, struct rp_err *err)
{
	for (size_t i = 0; i < c->spec->n_opts; i++) {
		const struct rp_conf_opt *opt = &c->spec->opts[i];
		const char *text = opt->env == NULL ? NULL : getenv(opt->env);
		if (text == NULL || text[0] == '\0') {
			continue;
		}
		rp_conf_note(c, opt, RP_CONF_FROM_ENV, 0);
		if (rp_conf_set_text(opt, rp_str_c(text), rp_conf_field(c, opt), err) != 0) {
			return rp_conf_place(c, opt, err);
		}
	}
	return 0;
}

/* Without -c the default file may be missing. */
static int apply_file(struct rp_conf *c, const char *named, struct rp_err *err)
{
	const char *path = named == NULL ? c->spec->default_file : named;
	struct rp_toml *root;
	int rc = rp_toml_read(path, &root, err);
	if (rc == RP_ENOENT && named == NULL) {
		*err = (struct rp_err){0};
		return 0;
	}
	if (rc != 0) {
		return rc;
	}
	c->file = rp_strdup(path);
	rc = c->file == NULL ? rp_err_no_memory(err) : rp_conf_apply_file(c, root, err);
	rp_toml_free(root);
	return rc;
}

/* The first use of a list's flag replaces the list, further ones add to it. */
static int apply_flags(struct rp_conf *c, const struct rp_conf_cmdline *line, struct rp_err *err)
{
	for (size_t i = 0; i < line->n; i++) {
		const struct rp_conf_opt *opt = line->given[i].opt;
		struct rp_str text = rp_str_c(line->given[i].text);
		void *field = rp_conf_field(c, opt);
		bool first = rp_conf_origin(c, opt)->source != RP_CONF_FROM_FLAG;
		rp_conf_note(c, opt, RP_CONF_FROM_FLAG, 0);
		int rc;
		if (!rp_conf_is_list(opt)) {
			rc = rp_conf_set_text(opt, text, field, err);
		} else {
			if (first) {
				rp_conf_clear(opt, field);
			}
			rc = rp_conf_add_text(opt, text, field, err);
		}
		if (rc != 0) {
			return rp_conf_place(c, opt, err);
		}
	}
	return 0;
}

static int refuse_samples(const struct rp_conf *c, struct rp_err *err)
{
	for (size_t i = 0; i < c->spec->n_opts; i++) {
		const struct rp_conf_opt *opt = &c->spec->opts[i];
		if ((opt->flags & RP_CONF_F_SECRET) == 0 || opt->type != RP_CONF_STR ||
		    is_alias(opt)) {
			continue;
		}
		char **field = rp_conf_field(c, opt);
		for (size_t k = 0; k < RP_ARRAY_LEN(sample_secrets); k++) {
			if (strcmp(*field, sample_secrets[k]) == 0) {
				return rp_conf_fail(c, field, err,
				    "sample secret: it stands in public example files, expected one of "
				    "your own");
			}
		}
	}
	return 0;
}

void rp_conf_init(struct rp_conf *c, const struct rp_conf_spec *spec, void *dst)
{
	*c = (struct rp_conf){.spec = spec, .dst = dst};
}

static int load_all(struct rp_conf *c, const struct rp_conf_cmdline *line, struct rp_err *err)
{
	int rc = apply_defaults(c, err);
	/* A service does not have the environment of whoever installs it. */
	rc = rc != 0 || line->mode == RP_CONF_SERVICE ? rc : apply_env(c, err);
	rc = rc != 0 ? rc : apply_file(c, line->file, err);
	rc = rc != 0 ? rc : apply_flags(c, line, err);
	return rc != 0 ? rc : refuse_samples(c, err);
}

/* What a service will read, checked before it is installed. */
static int load_for_service(struct rp_conf *c, struct rp_conf_cmdline *line, struct rp_err *err)
{
	c->service.config = line->file != NULL ? line->file : c->spec->service_file;
	if (line->n > 0 || c->args.n > 0) {
		return rp_err_set(err, RP_EINVAL,
		    "--service: goes with -c, --service-user and --service-root only; the rest "
		    "belongs into the configuration file");
	}
	if (strcmp(c->service.action, "install") != 0) {
		return 0;
	}
	char *file = rp_asprintf(
	    "%s%s", c->service.root != NULL ? c->service.root : "", c->service.config);
	if (file == NULL) {
		return rp_err_no_memory(err);
	}
	line->file = file;
	int rc = load_all(c, line, err);
	rp_free(file);
	return rc;
}

int rp_conf_load(struct rp_conf *c, int argc, char *const *argv, struct rp_err *err)
{
	struct rp_conf_cmdline line = {.mode = RP_CONF_RUN};
	struct rp_err unused = {0};
	err = err == NULL ? &unused : err;
	*err = (struct rp_err){0};
	c->origins = rp_calloc(c->spec->n_opts, sizeof(*c->origins));
	if (c->origins == NULL) {
		return rp_err_no_memory(err);
	}
	int rc = rp_conf_args(c, argc, argv, &line, err);
	if (rc == 0 && (line.mode == RP_CONF_RUN || line.mode == RP_CONF_CHECK)) {
		rc = load_all(c, &line, err);
	} else if (rc == 0 && line.mode == RP_CONF_SERVICE) {
		rc = load_for_service(c, &line, err);
	}
	rp_free(line.given);
	return rc != 0 ? rc : (int)line.mode;
}

void rp_conf_fini(struct rp_conf *c)
{
	for (size_t i = 0; c->spec != NULL && i < c->spec->n_opts; i++) {
		rp_conf_clear(&c->spec->opts[i], rp_conf_field(c, &c->spec->opts[i]));
	}
	rp_free(c->origins);
	rp_free(c->file);
	rp_strlist_fini(&c->args);
	rp_strlist_fini(&c->warnings);
	*c = (struct rp_conf){0};
}
