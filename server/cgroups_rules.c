/* SPDX-License-Identifier: MIT */
/*
 * What a client group is made of: `params` read into rules, and rules put to a client. An absent
 * or null key says nothing; an empty list fits only a client that has nothing there either, as
 * with the original.
 */
#include <string.h>

#include "core/alloc.h"
#include "core/json.h"
#include "core/jsonw.h"
#include "server/cgroups.h"
#include "server/listq.h"
#include "server/registry.h"

#include "core/banned.h"

#define PARAMS_MAX (1024u * 1024)
#define TAG        "tag"

struct property {
	const char *key;
	size_t offset; /* in struct rp_client */
	bool list;     /* struct rp_strlist, else char * */
};

static const struct property properties[RP_CGROUP_RULES] = {
    {"client_id", offsetof(struct rp_client, id), false},
    {"name", offsetof(struct rp_client, name), false},
    {"os", offsetof(struct rp_client, os), false},
    {"os_arch", offsetof(struct rp_client, os_arch), false},
    {"os_family", offsetof(struct rp_client, os_family), false},
    {"os_kernel", offsetof(struct rp_client, os_kernel), false},
    {"hostname", offsetof(struct rp_client, hostname), false},
    {"ipv4", offsetof(struct rp_client, ipv4), true},
    {"ipv6", offsetof(struct rp_client, ipv6), true},
    {TAG, offsetof(struct rp_client, tags), true},
    {"version", offsetof(struct rp_client, version), false},
    {"address", offsetof(struct rp_client, address), false},
    {"client_auth_id", offsetof(struct rp_client, client_auth_id), false},
    {"connection_state", offsetof(struct rp_client, connection_state), false},
};

/* Reading */

static int bad_list(const char *key, struct rp_err *err)
{
	return rp_err_set(err, RP_EINVAL, "params: %s: expected a list of texts", key);
}

static int read_list(
    const char *key, const struct rp_json *j, struct rp_strlist *out, struct rp_err *err)
{
	if (rp_json_type(j) != RP_JSON_ARRAY) {
		return bad_list(key, err);
	}
	for (const struct rp_json *e = rp_json_first(j); e != NULL; e = rp_json_next(e)) {
		const char *text = rp_json_string(e);
		if (text == NULL) {
			return bad_list(key, err);
		}
		if (rp_strlist_add(out, rp_str_c(text)) != 0) {
			return rp_err_no_memory(err);
		}
	}
	return 0;
}

/* A list, or {"and":[…]} or {"or":[…]}. */
static int read_tag(const struct rp_json *j, struct rp_cgroup_rule *rule, struct rp_err *err)
{
	if (rp_json_type(j) == RP_JSON_OBJECT) {
		const struct rp_json *first = rp_json_first(j);
		const char *word = rp_json_key(first);
		rule->all = word != NULL && rp_ascii_ieq(word, "and");
		if (rp_json_count(j) != 1 || (!rule->all && !rp_ascii_ieq(word, "or"))) {
			return rp_err_set(err, RP_EINVAL,
			    "params: tag: expected a list, {\"and\":[...]} or {\"or\":[...]}");
		}
		j = first;
	}
	int code = read_list(TAG, j, &rule->values, err);
	if (code == 0 && rule->values.n == 0) {
		return rp_err_set(err, RP_EINVAL, "params: tag: the list is empty");
	}
	return code;
}

static int read_rule(
    size_t i, const struct rp_json *j, struct rp_cgroup_rule *rule, struct rp_err *err)
{
	if (rp_json_type(j) == RP_JSON_NULL) {
		return 0;
	}
	rule->set = true;
	return strcmp(properties[i].key, TAG) == 0
	    ? read_tag(j, rule, err)
	    : read_list(properties[i].key, j, &rule->values, err);
}

static int check_keys(const struct rp_json *params, struct rp_err *err)
{
	for (const struct rp_json *m = rp_json_first(params); m != NULL; m = rp_json_next(m)) {
		size_t i = 0;
		while (i < RP_CGROUP_RULES && !rp_ascii_ieq(rp_json_key(m), properties[i].key)) {
			i++;
		}
		if (i == RP_CGROUP_RULES) {
			return rp_err_set(
			    err, RP_EINVAL, "params: unknown field \"%.64s\"", rp_json_key(m));
		}
	}
	return 0;
}

static void write_rule(struct rp_jsonw *w, size_t i, const struct rp_cgroup_rule *rule)
{
	rp_jsonw_key(w, properties[i].key);
	if (!rule->set) {
		rp_jsonw_null(w);
	} else if (rule->all) {
		rp_jsonw_obj(w);
		rp_jsonw_put_strlist(w, "and", &rule->values);
		rp_jsonw_obj_end(w);
	} else {
		rp_jsonw_strlist(w, &rule->values);
	}
}

/* The form in which params are stored and shown. */
static int write_params(struct rp_cgroup *g)
{
	struct rp_buf text;
	struct rp_jsonw w;
	char *owned = NULL;
	rp_buf_init(&text, PARAMS_MAX);
	rp_jsonw_init(&w, &text);
	rp_jsonw_obj(&w);
	for (size_t i = 0; i < RP_CGROUP_RULES; i++) {
		write_rule(&w, i, &g->rules[i]);
	}
	rp_jsonw_obj_end(&w);
	int code = rp_jsonw_end(&w);
	code = code != 0 ? code : rp_buf_take_string(&text, &owned);
	rp_buf_fini(&text);
	if (code == 0) {
		rp_free(g->params);
		g->params = owned;
	}
	return code;
}

static int read_params(struct rp_cgroup *g, const struct rp_json *j, struct rp_err *err)
{
	if (rp_json_type(j) != RP_JSON_OBJECT) {
		return rp_err_set(err, RP_EINVAL, "params: expected an object");
	}
	int code = check_keys(j, err);
	for (size_t i = 0; code == 0 && i < RP_CGROUP_RULES; i++) {
		code = read_rule(i, rp_json_get(j, properties[i].key), &g->rules[i], err);
	}
	return code;
}

int rp_cgroup_compile(struct rp_cgroup *g, struct rp_err *err)
{
	struct rp_json *j = NULL;
	if (g->params == NULL) {
		return rp_err_set(err, RP_EINVAL, "params: missing");
	}
	int code = rp_json_parse(g->params, strlen(g->params), &j, err);
	code = code != 0 ? code : read_params(g, j, err);
	rp_json_free(j);
	if (code == 0) {
		code = write_params(g);
		return code == 0 ? 0 : rp_err_set(err, code, "%s", rp_err_text(code));
	}
	return code;
}

/* Matching */

static bool any_text(const struct rp_strlist *patterns, const char *text)
{
	for (size_t i = 0; i < patterns->n; i++) {
		if (rp_listq_wildcard(patterns->v[i], text)) {
			return true;
		}
	}
	return false;
}

static bool any_of_list(const char *pattern, const struct rp_strlist *texts)
{
	for (size_t i = 0; i < texts->n; i++) {
		if (rp_listq_wildcard(pattern, texts->v[i])) {
			return true;
		}
	}
	return false;
}

static bool list_fits(const struct rp_cgroup_rule *rule, const struct rp_strlist *texts)
{
	size_t found = 0;
	for (size_t i = 0; i < rule->values.n; i++) {
		found += any_of_list(rule->values.v[i], texts);
	}
	if (rule->values.n == 0) {
		return texts->n == 0;
	}
	return rule->all ? found == rule->values.n : found > 0;
}

static bool fits(size_t i, const struct rp_cgroup_rule *rule, const struct rp_client *c)
{
	const void *at = (const char *)c + properties[i].offset;
	if (properties[i].list) {
		return list_fits(rule, at);
	}
	const char *text = *(char *const *)at;
	return any_text(&rule->values, text != NULL ? text : "");
}

bool rp_cgroup_matches(const struct rp_cgroup *g, const struct rp_client *c)
{
	bool any = false;
	for (size_t i = 0; i < RP_CGROUP_RULES; i++) {
		if (!g->rules[i].set) {
			continue;
		}
		if (!fits(i, &g->rules[i], c)) {
			return false;
		}
		any = true;
	}
	return any;
}

void rp_cgroup_fini(struct rp_cgroup *g)
{
	rp_free(g->id);
	rp_free(g->description);
	rp_free(g->params);
	rp_strlist_fini(&g->allowed_user_groups);
	for (size_t i = 0; i < RP_CGROUP_RULES; i++) {
		rp_strlist_fini(&g->rules[i].values);
	}
	memset(g, 0, sizeof(*g));
}
