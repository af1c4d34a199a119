/* SPDX-License-Identifier: MIT */
/*
 * What the files with the server's configuration rules share; private to server/config*.c.
 */
#ifndef RP_SERVER_CONFIG_CHECK_H
#define RP_SERVER_CONFIG_CHECK_H

#include <stdbool.h>

#include "core/defs.h"
#include "server/config.h"

/* NULL for an absolute http or https URL, else what is wrong. */
const char *rp_server_config_url_problem(const char *url);
/* NAME:PASSWORD, both not empty. */
bool rp_server_config_is_pair(const char *text);
bool rp_server_config_is_tls_version(const char *text);
/* trusted_proxies of either section; section goes before the text. */
RP_NODISCARD int rp_server_config_check_proxies(const struct rp_server_config *cfg,
    const struct rp_strlist *list, const char *section, struct rp_err *err);
/* Rules of section [api]. */
RP_NODISCARD int rp_server_config_check_api(struct rp_server_config *cfg, struct rp_err *err);

#endif
