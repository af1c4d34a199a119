/* SPDX-License-Identifier: MIT */
/*
 * From the TOML tree to the options. Names match in any case; what nobody knows is a warning
 * with the nearest known name, because old files must keep working and typing errors must not
 * stay hidden.
 */
#include <string.h>

#include "core/config_impl.h"

#include "core/banned.h"

/* A name further away than this is no typing error. */
#define DISTANCE_MAX 3

static const struct rp_conf_opt *find_key(
    const struct rp_conf *c, const char *section, const char *key)
{
	for (size_t i = 0; i < c->spec->n_opts; i++) {
		const struct rp_conf_opt *opt = &c->spec->opts[i];
		if (opt->section != NULL && rp_ascii_ieq(opt->section, section) &&
		    opt->key != NULL && rp_ascii_ieq(opt->key, key)) {
			return opt;
		}
	}
	return NULL;
}

static bool near_enough(size_t distance, const char *name)
{
	return distance <= RP_MIN((size_t)DISTANCE_MAX, strlen(name) / 2);
}

static int warn_key(struct rp_conf *c, const char *section, const struct rp_toml *v)
{
	const struct rp_conf_opt *best = NULL;
	const char *elsewhere = NULL;
	size_t best_distance = SIZE_MAX;
	for (size_t i = 0; i < c->spec->n_opts; i++) {
		const struct rp_conf_opt *opt = &c->spec->opts[i];
		if (opt->section == NULL || opt->key == NULL || (opt->flags & RP_CONF_F_OLD) != 0) {
			continue;
		}
		if (!rp_ascii_ieq(opt->section, section)) {
			elsewhere = rp_ascii_ieq(opt->key, v->key) ? opt->section : elsewhere;
			continue;
		}
		size_t d = rp_str_distance(opt->key, v->key);
		if (d < best_distance) {
			best = opt;
			best_distance = d;
		}
	}
	if (best != NULL && near_enough(best_distance, best->key)) {
		return rp_conf_warn(c, "%s:%u: unknown key %s.%s is ignored, did you mean \"%s\"?",
		    c->file, v->line, section, v->key, best->key);
	}
	if (elsewhere != NULL) {
		return rp_conf_warn(c, "%s:%u: unknown key %s.%s is ignored, it belongs to [%s]",
		    c->file, v->line, section, v->key, elsewhere);
	}
	return rp_conf_warn(
	    c, "%s:%u: unknown key %s.%s is ignored", c->file, v->line, section, v->key);
}

static int warn_section(struct rp_conf *c, const struct rp_toml *v)
{
	const char *best = NULL;
	size_t best_distance = SIZE_MAX;
	for (size_t i = 0;
	     c->spec->ignored_sections != NULL && c->spec->ignored_sections[i] != NULL; i++) {
		if (rp_ascii_ieq(c->spec->ignored_sections[i], v->key)) {
			return rp_conf_warn(c,
			    "%s:%u: section [%s] has no meaning here and is ignored", c->file,
			    v->line, v->key);
		}
	}
	for (size_t i = 0; i < c->spec->n_opts; i++) {
		const char *section = c->spec->opts[i].section;
		size_t d = section == NULL ? SIZE_MAX : rp_str_distance(section, v->key);
		if (d < best_distance) {
			best = section;
			best_distance = d;
		}
	}
	if (best != NULL && near_enough(best_distance, best)) {
		return rp_conf_warn(c, "%s:%u: unknown section [%s] is ignored, did you mean [%s]?",
		    c->file, v->line, v->key, best);
	}
	return rp_conf_warn(c, "%s:%u: unknown section [%s] is ignored", c->file, v->line, v->key);
}

/* The first array of tables: v itself, or a member of it. */
static const struct rp_toml *find_tables(const struct rp_toml *v)
{
	if (v->type == RP_TOML_ARRAY) {
		return v->first != NULL && v->first->type == RP_TOML_TABLE ? v : NULL;
	}
	const struct rp_toml *found = NULL;
	for (const struct rp_toml *m = v->type == RP_TOML_TABLE ? v->first : NULL;
	     m != NULL && found == NULL; m = m->next) {
		found = m->type == RP_TOML_ARRAY ? find_tables(m) : NULL;
	}
	return found;
}

/* Rules that restrict something must not be lost by a mistyped name; no file of RPort has any. */
static int refuse_tables(const struct rp_conf *c, const struct rp_toml *v, struct rp_err *err)
{
	const struct rp_toml *tables = find_tables(v);
	for (size_t i = 0; tables != NULL && i < c->spec->n_opts; i++) {
		const struct rp_conf_opt *opt = &c->spec->opts[i];
		if (opt->type == RP_CONF_TABLES) {
			return rp_err_set(err, RP_EINVAL,
			    "%s:%u: %s: unknown tables, expected [[%s.%s]]", c->file, tables->line,
			    tables->key, opt->section, opt->key);
		}
	}
	return 0;
}

static int oom(struct rp_err *err, int rc)
{
	return rc == 0 ? 0 : rp_err_set(err, rc, "%s", rp_err_text(rc));
}

static int store(
    struct rp_conf *c, const struct rp_conf_opt *opt, const struct rp_toml *v, struct rp_err *err)
{
	const struct rp_conf_origin *o = rp_conf_origin(c, opt);
	const struct rp_conf_opt *primary = rp_conf_primary(c, opt);
	/* After another spelling the real name may still come. */
	if (o->source == RP_CONF_FROM_FILE && o->by == opt) {
		return rp_err_set(err, RP_EINVAL,
		    "%s:%u: %s: set twice, expected once (first in line %u)", c->file, v->line,
		    v->key, o->line);
	}
	rp_conf_note(c, opt, RP_CONF_FROM_FILE, v->line);
	if (rp_conf_set_toml(opt, v, rp_conf_field(c, opt), err) != 0) {
		return rp_conf_place(c, opt, err);
	}
	if ((opt->flags & RP_CONF_F_OLD) != 0) {
		return oom(err,
		    rp_conf_warn(c, "%s:%u: %s.%s is an old name, use %s.%s", c->file, v->line,
		        opt->section, opt->key, primary->section, primary->key));
	}
	return 0;
}

/* One pass over a section: first the other spellings, so that the real name wins over them. */
static int section_pass(
    struct rp_conf *c, const struct rp_toml *section, bool aliases, struct rp_err *err)
{
	for (const struct rp_toml *v = section->first; v != NULL; v = v->next) {
		const struct rp_conf_opt *opt = find_key(c, section->key, v->key);
		int rc = opt == NULL ? refuse_tables(c, v, err) : 0;
		if (opt == NULL) {
			rc = rc != 0 || aliases ? rc : oom(err, warn_key(c, section->key, v));
		} else if (aliases == (opt != rp_conf_primary(c, opt))) {
			rc = store(c, opt, v, err);
		}
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

static const struct rp_conf_opt *find_section(const struct rp_conf *c, const char *name)
{
	for (size_t i = 0; i < c->spec->n_opts; i++) {
		const struct rp_conf_opt *opt = &c->spec->opts[i];
		if (opt->section != NULL && rp_ascii_ieq(opt->section, name)) {
			return opt;
		}
	}
	return NULL;
}

int rp_conf_apply_file(struct rp_conf *c, const struct rp_toml *root, struct rp_err *err)
{
	for (int pass = 0; pass < 2; pass++) {
		bool aliases = pass == 0;
		for (const struct rp_toml *v = root->first; v != NULL; v = v->next) {
			const struct rp_conf_opt *opt = find_section(c, v->key);
			int rc = opt == NULL ? refuse_tables(c, v, err) : 0;
			if (opt == NULL) {
				rc = rc != 0 || aliases ? rc : oom(err, warn_section(c, v));
			} else if (v->type != RP_TOML_TABLE) {
				rc = rp_err_set(err, RP_EINVAL,
				    "%s:%u: %s: is a %s, expected a section [%s]", c->file, v->line,
				    v->key, rp_toml_type_name(v->type), opt->section);
			} else if (opt->key == NULL) {
				rc = aliases ? 0 : store(c, opt, v, err);
			} else {
				rc = section_pass(c, v, aliases, err);
			}
			if (rc != 0) {
				return rc;
			}
		}
	}
	return 0;
}
