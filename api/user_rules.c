/* SPDX-License-Identifier: MIT */
/*
 * Each rule adds what it finds.
 */
#include "api/user_rules.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/password.h"
#include "server/send_to.h"

#include "core/banned.h"

static void add(struct rp_user_problems *out, const char *title, const char *fmt, ...)
    RP_PRINTF(3, 4);
static void add(struct rp_user_problems *out, const char *title, const char *fmt, ...)
{
	va_list ap;
	RP_VERIFY(out->n < RP_USER_PROBLEMS_MAX);
	struct rp_user_problem *p = &out->v[out->n++];
	p->title = title;
	va_start(ap, fmt);
	(void)vsnprintf(p->detail, sizeof(p->detail), fmt, ap);
	va_end(ap);
}

static bool empty(const char *text)
{
	return text == NULL || text[0] == '\0';
}

static bool has_control(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f) {
			return true;
		}
	}
	return false;
}

static void check_name(const char *name, struct rp_user_problems *out)
{
	struct rp_str s = rp_str_c(name);
	if (rp_str_trim(s).len != s.len) {
		add(out, "username must not start or end with whitespace", "%s", "");
	}
	if (has_control(name)) {
		add(out, "username must not contain control characters", "%s", "");
	}
	if (s.len > RP_USER_NAME_MAX) {
		add(out, "username is too long", "at most %d bytes", RP_USER_NAME_MAX);
	}
}

static int64_t characters(const char *text)
{
	int64_t n = 0;
	for (; *text != '\0'; text++) {
		n += ((unsigned char)*text & 0xc0) != 0x80; /* not the rest of a character */
	}
	return n;
}

static void check_password(
    const struct rp_conf_api *cfg, const char *password, struct rp_user_problems *out)
{
	if (characters(password) < cfg->password_min_length) {
		add(out, "Your password is too short",
		    "password must be at least %" PRId64 " characters", cfg->password_min_length);
	}
	if (strlen(password) > RP_PASSWORD_MAX) {
		add(out, "Your password is too long", "password must be at most %d bytes",
		    RP_PASSWORD_MAX);
	}
}

static void check_groups(const struct rp_strlist *groups, struct rp_user_problems *out)
{
	bool bad = groups->n > RP_USER_GROUPS_MAX;
	for (size_t i = 0; i < groups->n && !bad; i++) {
		bad = strlen(groups->v[i]) > RP_USER_NAME_MAX || has_control(groups->v[i]);
	}
	if (bad) {
		add(out, "groups are not valid",
		    "at most %d of at most %d bytes each, without control characters",
		    RP_USER_GROUPS_MAX, RP_USER_NAME_MAX);
	}
}

static void check_new(
    const struct rp_conf_api *cfg, const struct rp_user_change *c, struct rp_user_problems *out)
{
	if (empty(c->username)) {
		add(out, "username is required", "%s", "");
	}
	if (empty(c->password)) {
		add(out, "password is required", "%s", "");
	}
	if (rp_send_to_needed(cfg) && empty(c->two_fa_send_to)) {
		add(out, "two_fa_send_to is required", "%s", "");
	}
}

static bool changes_nothing(const struct rp_user_change *c, const char *name)
{
	return (empty(c->username) || strcmp(c->username, name) == 0) && empty(c->password) &&
	    c->groups == NULL && c->password_expired == NULL && c->two_fa_send_to == NULL &&
	    c->totp_secret == NULL;
}

void rp_user_rules_check(const struct rp_conf_api *cfg, const struct rp_user_change *c,
    const char *name, struct rp_user_problems *out)
{
	struct rp_err why;
	out->n = 0;
	if (name == NULL) {
		check_new(cfg, c, out);
	} else if (changes_nothing(c, name)) {
		add(out, "nothing to change", "%s", "");
	}
	if (!empty(c->username)) {
		check_name(c->username, out);
	}
	if (!empty(c->password)) {
		check_password(cfg, c->password, out);
	}
	if (c->groups != NULL) {
		check_groups(c->groups, out);
	}
	if (!empty(c->two_fa_send_to) &&
	    (strlen(c->two_fa_send_to) > RP_USER_TEXT_MAX || has_control(c->two_fa_send_to))) {
		add(out, "two_fa_send_to is not valid",
		    "at most %d bytes without control characters", RP_USER_TEXT_MAX);
	} else if (!empty(c->two_fa_send_to) &&
	    rp_send_to_check(cfg, c->two_fa_send_to, &why) != 0) {
		add(out, "two_fa_send_to is not valid", "%s", why.msg);
	}
	if (!empty(c->totp_secret) &&
	    (strlen(c->totp_secret) > RP_USER_TEXT_MAX || has_control(c->totp_secret))) {
		add(out, "totp_secret is not valid", "at most %d bytes without control characters",
		    RP_USER_TEXT_MAX);
	}
}
