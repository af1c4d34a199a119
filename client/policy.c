/* SPDX-License-Identifier: MIT */
/*
 * From the configuration to the policy.
 */
#include "client/policy.h"

#include <string.h>

#include "cmdpolicy/regex.h"

#include "core/banned.h"

int rp_client_policy_new(
    const struct rp_client_config *cfg, struct rp_cmdpolicy **out, struct rp_err *err)
{
	static const struct rp_strlist none = {0};
	const struct rp_conf_remote_commands *r = &cfg->remote_commands;
	bool by_rules = r->rules != NULL;
	/* Beside rules the original's defaults would only be in the way. */
	bool deny = !by_rules || rp_conf_is_set(&cfg->conf, &r->deny);
	const struct rp_cmdpolicy_options opt = {
	    .enabled = r->enabled,
	    .allow = by_rules ? &none : &r->allow,
	    .deny = deny ? &r->deny : &none,
	    .order = &r->order,
	    .scripts_enabled = cfg->remote_scripts.enabled,
	    .shell = r->shell,
	    .no_sudo = !r->sudo,
	    .rules = r->rules,
	    .file = cfg->conf.file != NULL ? cfg->conf.file : "",
	    .interpreters = &cfg->remote_scripts.interpreters,
	};
	return rp_cmdpolicy_new(&opt, out, err);
}

/* Does one of the expressions forbid the text? Expressions that are wrong are no matter of this. */
static bool is_forbidden(const struct rp_strlist *deny, const char *text)
{
	bool hit = false;
	for (size_t i = 0; i < deny->n && !hit; i++) {
		struct rp_regex *re;
		struct rp_err err = {0};
		if (rp_regex_new(deny->v[i], &re, &err) == 0) {
			hit = rp_regex_match(re, rp_str_c(text)) == 1;
			rp_regex_free(re);
		}
	}
	return hit;
}

/* An expression without an end takes what stands behind the words it was written for. */
static bool has_open_end(const struct rp_strlist *allow)
{
	for (size_t i = 0; i < allow->n; i++) {
		size_t n = strlen(allow->v[i]);
		if (n == 0 || allow->v[i][n - 1] != '$' || strstr(allow->v[i], ".*") != NULL ||
		    strstr(allow->v[i], ".+") != NULL || strstr(allow->v[i], "[^") != NULL) {
			return true;
		}
	}
	return false;
}

/* As in RPort's example file: its owner did not mean to let anything through. */
static bool is_default(const struct rp_strlist *deny)
{
	return deny->n == 1 && strcmp(deny->v[0], RP_CLIENT_DENY_DEFAULT) == 0;
}

int rp_client_policy_warn(struct rp_client_config *cfg)
{
	static const char *const operators[] = {"|", "&", ";", "<", ">", "\n", "$(x)", "`x`"};
	const struct rp_conf_remote_commands *r = &cfg->remote_commands;
	struct rp_err place = {0};
	size_t let_through = 0;
	if (!r->enabled || r->shell || r->rules != NULL || !rp_conf_is_set(&cfg->conf, &r->deny) ||
	    !has_open_end(&r->allow) || is_default(&r->deny)) {
		return 0;
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(operators); i++) {
		let_through += is_forbidden(&r->deny, operators[i]) ? 0 : 1;
	}
	if (let_through == 0) {
		return 0;
	}
	(void)rp_conf_fail(&cfg->conf, &r->deny, &place,
	    "these lists used to let shell operators through (| & ; < > $() ``): commands run "
	    "without a shell now and such texts are refused; shell = true brings the shell back");
	return rp_conf_warn(&cfg->conf, "%s", place.msg);
}
