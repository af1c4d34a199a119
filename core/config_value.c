/* SPDX-License-Identifier: MIT */
/*
 * Converting and storing values of options, from text and from TOML, and freeing them.
 */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/config_impl.h"

#include "core/banned.h"

bool rp_port_list_has(const struct rp_port_list *l, uint16_t port)
{
	for (size_t i = 0; i < l->n; i++) {
		if (port >= l->v[i].first && port <= l->v[i].last) {
			return true;
		}
	}
	return false;
}

const struct rp_strlist *rp_listmap_get(const struct rp_listmap *m, const char *k)
{
	for (size_t i = 0; i < m->n; i++) {
		if (strcmp(m->k[i], k) == 0) {
			return &m->v[i];
		}
	}
	return NULL;
}

static void listmap_clear(struct rp_listmap *m)
{
	for (size_t i = 0; i < m->n; i++) {
		rp_free(m->k[i]);
		rp_strlist_fini(&m->v[i]);
	}
	rp_free(m->k);
	rp_free(m->v);
	*m = (struct rp_listmap){0};
}

/* Adds an empty list under the lower-cased name. */
static int listmap_add(struct rp_listmap *m, const char *name, struct rp_strlist **out)
{
	char **k = rp_reallocarray(m->k, m->n + 1, sizeof(*k));
	if (k == NULL) {
		return RP_ENOMEM;
	}
	m->k = k;
	struct rp_strlist *v = rp_reallocarray(m->v, m->n + 1, sizeof(*v));
	if (v == NULL) {
		return RP_ENOMEM;
	}
	m->v = v;
	char *copy = rp_strdup(name);
	if (copy == NULL) {
		return RP_ENOMEM;
	}
	rp_ascii_lower(copy);
	m->k[m->n] = copy;
	m->v[m->n] = (struct rp_strlist){0};
	*out = &m->v[m->n];
	m->n++;
	return 0;
}

static int ports_add(struct rp_port_list *l, struct rp_port_range r)
{
	struct rp_port_range *v = rp_reallocarray(l->v, l->n + 1, sizeof(*v));
	if (v == NULL) {
		return RP_ENOMEM;
	}
	v[l->n++] = r;
	l->v = v;
	return 0;
}

bool rp_conf_is_list(const struct rp_conf_opt *opt)
{
	return opt->type == RP_CONF_STRLIST || opt->type == RP_CONF_PORTS;
}

void rp_conf_clear(const struct rp_conf_opt *opt, void *field)
{
	struct rp_port_list *ports = field;
	char **text = field;
	struct rp_toml **tables = field;
	switch (opt->type) {
	case RP_CONF_STR:
		rp_free_secret(*text);
		*text = NULL;
		break;
	case RP_CONF_STRLIST:
		rp_strlist_fini(field);
		break;
	case RP_CONF_PORTS:
		rp_free(ports->v);
		*ports = (struct rp_port_list){0};
		break;
	case RP_CONF_STRMAP:
		rp_strmap_fini(field);
		break;
	case RP_CONF_LISTMAP:
		listmap_clear(field);
		break;
	case RP_CONF_TABLES:
		rp_toml_free(*tables);
		*tables = NULL;
		break;
	default:
		break; /* owns nothing */
	}
}

int rp_conf_replace(char **field, const char *text)
{
	char *copy = rp_strdup(text);
	if (copy == NULL) {
		return RP_ENOMEM;
	}
	rp_free_secret(*field);
	*field = copy;
	return 0;
}

static int set_str(struct rp_str text, char **field, struct rp_err *err)
{
	char *copy = rp_str_dup(text);
	if (copy == NULL) {
		return rp_err_no_memory(err);
	}
	rp_free_secret(*field);
	*field = copy;
	return 0;
}

static int set_bool(
    const struct rp_conf_opt *opt, struct rp_str text, bool *field, struct rp_err *err)
{
	text = rp_str_trim(text);
	bool yes = rp_str_ieq(text, "true") || rp_str_ieq(text, "t") || rp_str_eq(text, "1");
	if (!yes && !rp_str_ieq(text, "false") && !rp_str_ieq(text, "f") && !rp_str_eq(text, "0")) {
		return rp_conf_bad(opt, text, err, "is neither true nor false");
	}
	*field = yes;
	return 0;
}

/* One entry, as it is. */
static int add_entry(
    const struct rp_conf_opt *opt, struct rp_str text, void *field, struct rp_err *err)
{
	if (opt->type == RP_CONF_STRLIST) {
		return rp_strlist_add(field, text) == 0 ? 0 : rp_err_no_memory(err);
	}
	struct rp_port_range r;
	int rc = rp_conf_parse_range(opt, text, &r, err);
	if (rc != 0) {
		return rc;
	}
	return ports_add(field, r) == 0 ? 0 : rp_err_no_memory(err);
}

/* Entries between separators, trimmed; empty ones are dropped. */
static int add_entries(const struct rp_conf_opt *opt, struct rp_str text, char separator,
    void *field, struct rp_err *err)
{
	struct rp_str part;
	while (rp_str_split(&text, separator, &part)) {
		part = rp_str_trim(part);
		int rc = part.len == 0 ? 0 : add_entry(opt, part, field, err);
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

int rp_conf_add_text(
    const struct rp_conf_opt *opt, struct rp_str text, void *field, struct rp_err *err)
{
	if ((opt->flags & RP_CONF_F_ONE) != 0) {
		return add_entry(opt, text, field, err);
	}
	return add_entries(opt, text, ',', field, err);
}

int rp_conf_set_text(
    const struct rp_conf_opt *opt, struct rp_str text, void *field, struct rp_err *err)
{
	switch (opt->type) {
	case RP_CONF_STR:
		return set_str(text, field, err);
	case RP_CONF_STRLIST:
	case RP_CONF_PORTS:
		rp_conf_clear(opt, field);
		/* Entries of defaults may contain commas and stand on lines of their own. */
		return add_entries(
		    opt, text, opt->def != NULL && text.p == opt->def ? '\n' : ',', field, err);
	case RP_CONF_BOOL:
		return set_bool(opt, text, field, err);
	case RP_CONF_FLOAT:
		return rp_conf_parse_float(opt, text, field, err);
	case RP_CONF_STRMAP:
	case RP_CONF_LISTMAP:
	case RP_CONF_TABLES:
		return rp_err_set(err, RP_EINVAL, "expected a table");
	default:
		return rp_conf_parse_number(opt, text, field, err);
	}
}

static int wrong_type(const struct rp_toml *v, const char *expected, struct rp_err *err)
{
	return rp_err_set(
	    err, RP_EINVAL, "is a %s, expected %s", rp_toml_type_name(v->type), expected);
}

static bool is_scalar(const struct rp_toml *v)
{
	return v->type != RP_TOML_ARRAY && v->type != RP_TOML_TABLE;
}

/* A list of scalars. */
static int set_array(
    const struct rp_conf_opt *opt, const struct rp_toml *v, void *field, struct rp_err *err)
{
	rp_conf_clear(opt, field);
	for (const struct rp_toml *item = v->first; item != NULL; item = item->next) {
		if (!is_scalar(item)) {
			return wrong_type(item, "texts in the list", err);
		}
		int rc = add_entry(opt, rp_str_c(item->text), field, err);
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

static int set_strmap(const struct rp_toml *v, struct rp_strmap *field, struct rp_err *err)
{
	rp_strmap_fini(field);
	for (struct rp_toml *item = v->first; item != NULL; item = item->next) {
		if (!is_scalar(item)) {
			(void)wrong_type(item, "a text", err);
			return rp_err_wrap(err, "%s", item->key);
		}
		char *key = rp_strdup(item->key);
		if (key == NULL) {
			return rp_err_no_memory(err);
		}
		rp_ascii_lower(key);
		int rc = rp_strmap_set(field, rp_str_c(key), rp_str_c(item->text));
		rp_free(key);
		if (rc != 0) {
			return rp_err_no_memory(err);
		}
	}
	return 0;
}

static int set_listmap(const struct rp_toml *v, struct rp_listmap *field, struct rp_err *err)
{
	static const struct rp_conf_opt list = {.type = RP_CONF_STRLIST};
	listmap_clear(field);
	for (const struct rp_toml *item = v->first; item != NULL; item = item->next) {
		struct rp_strlist *entry;
		int rc = listmap_add(field, item->key, &entry);
		if (rc != 0) {
			return rp_err_no_memory(err);
		}
		if (item->type == RP_TOML_STRING) {
			rc = rp_strlist_add(entry, rp_str_c(item->text)) == 0
			    ? 0
			    : rp_err_no_memory(err);
		} else if (item->type == RP_TOML_ARRAY) {
			rc = set_array(&list, item, entry, err);
		} else {
			rc = wrong_type(item, "a text or a list of texts", err);
		}
		if (rc != 0) {
			return rp_err_wrap(err, "%s (line %u)", item->key, item->line);
		}
	}
	return 0;
}

/* A list, a table, or a scalar that does not fit: what the option may be, in words. */
static const char *expected_for(const struct rp_conf_opt *opt)
{
	switch (opt->type) {
	case RP_CONF_STR:
		return "a text in quotes";
	case RP_CONF_STRLIST:
	case RP_CONF_PORTS:
		return "a list of texts";
	case RP_CONF_BOOL:
		return "true or false";
	case RP_CONF_DURATION:
		return "a text such as \"90s\"";
	case RP_CONF_STORAGE:
		return "a text such as \"7d\"";
	case RP_CONF_SIZE:
		return "a text such as \"256MiB\"";
	case RP_CONF_STRMAP:
	case RP_CONF_LISTMAP:
		return "a table";
	case RP_CONF_TABLES:
		return "tables, each behind its name in double brackets";
	default:
		return "a number";
	}
}

static int set_tables(
    const struct rp_conf_opt *opt, const struct rp_toml *v, void *field, struct rp_err *err)
{
	if (v->type != RP_TOML_ARRAY) {
		return wrong_type(v, expected_for(opt), err);
	}
	for (const struct rp_toml *item = v->first; item != NULL; item = item->next) {
		if (item->type != RP_TOML_TABLE) {
			return wrong_type(item, expected_for(opt), err);
		}
	}
	rp_conf_clear(opt, field);
	return rp_toml_copy(v, field) == 0 ? 0 : rp_err_no_memory(err);
}

int rp_conf_set_toml(
    const struct rp_conf_opt *opt, const struct rp_toml *v, void *field, struct rp_err *err)
{
	if (opt->type == RP_CONF_TABLES) {
		return set_tables(opt, v, field, err);
	}
	bool wants_table = opt->type == RP_CONF_STRMAP || opt->type == RP_CONF_LISTMAP;
	if (wants_table != (v->type == RP_TOML_TABLE) ||
	    (v->type == RP_TOML_ARRAY && !rp_conf_is_list(opt))) {
		return wrong_type(v, expected_for(opt), err);
	}
	if (v->type == RP_TOML_ARRAY) {
		return set_array(opt, v, field, err);
	}
	if (v->type == RP_TOML_TABLE) {
		return opt->type == RP_CONF_STRMAP ? set_strmap(v, field, err)
		                                   : set_listmap(v, field, err);
	}
	if (v->type == RP_TOML_INT && opt->type == RP_CONF_INT) {
		/* Also 0x10 and 1_000, which are no numbers as text. */
		char digits[24];
		(void)snprintf(digits, sizeof(digits), "%lld", (long long)v->i);
		return rp_conf_set_text(opt, rp_str_c(digits), field, err);
	}
	return rp_conf_set_text(opt, rp_str_c(v->text), field, err);
}
