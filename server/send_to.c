/* SPDX-License-Identifier: MIT */
/*
 * Checked rarely, so an expression is compiled each time.
 */
#include "server/send_to.h"

#include <string.h>

#include "cmdpolicy/regex.h"
#include "http/smtp.h"

#include "core/banned.h"

#define ADDRESS_MAX 1024

bool rp_send_to_needed(const struct rp_conf_api *cfg)
{
	return cfg->two_fa_token_delivery[0] != '\0' &&
	    strcmp(cfg->two_fa_token_delivery, "none") != 0;
}

int rp_send_to_regex_check(const char *pattern, struct rp_err *err)
{
	struct rp_regex *re;
	int code = rp_regex_new(pattern, &re, err);
	if (code == 0) {
		rp_regex_free(re);
	}
	return code;
}

static int check_mail(const char *address, struct rp_err *err)
{
	return rp_smtp_address_ok(address) ? 0 : rp_err_set(err, RP_EINVAL, "invalid email format");
}

static int check_regex(const char *pattern, const char *address, struct rp_err *err)
{
	struct rp_regex *re;
	int code = rp_regex_new(pattern, &re, err);
	if (code != 0) {
		return code;
	}
	int found = rp_regex_match(re, rp_str_c(address));
	rp_regex_free(re);
	return found == 1 ? 0 : rp_err_set(err, RP_EINVAL, "does not match \"%s\"", pattern);
}

int rp_send_to_check(const struct rp_conf_api *cfg, const char *address, struct rp_err *err)
{
	const char *way = cfg->two_fa_token_delivery;
	if (!rp_send_to_needed(cfg)) {
		return 0;
	}
	if (strlen(address) > ADDRESS_MAX || !rp_ascii_no_control(address)) {
		return rp_err_set(err, RP_EINVAL,
		    "expected at most %d characters, none of them control characters", ADDRESS_MAX);
	}
	if (strcmp(way, "smtp") == 0 || strstr(way, "://") != NULL ||
	    strcmp(cfg->two_fa_send_to_type, "email") == 0) {
		return check_mail(address, err);
	}
	if (strcmp(way, "pushover") != 0 && strcmp(cfg->two_fa_send_to_type, "regex") == 0) {
		return check_regex(cfg->two_fa_send_to_regex, address, err);
	}
	return 0;
}
