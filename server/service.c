/* SPDX-License-Identifier: MIT */
/*
 * What the server's configuration means for its unit: files that the API changes are replaced, so
 * their folders have to be writable.
 */
#include "server/service.h"

#include <string.h>

#include "core/alloc.h"

#include "core/banned.h"

/* Codes and notifications may be sent by scripts of the administrator. */
static unsigned holes(const struct rp_server_config *cfg)
{
	bool scripts = cfg->api.two_fa_token_delivery[0] == '/' ||
	    cfg->notifications.notification_script_dir[0] != '\0';
	return RP_SERVICE_LOW_PORTS | (scripts ? RP_SERVICE_PROGRAMS : 0u);
}

static int add_folders(
    const struct rp_server_config *cfg, struct rp_strlist *writes, struct rp_err *err)
{
	bool sqlite = strcmp(cfg->database.db_type, "sqlite") == 0;
	const char *const files[] = {
	    cfg->logging.log_file,
	    cfg->api.access_log_file,
	    cfg->api.auth_file,
	    cfg->server.auth_file,
	    sqlite ? cfg->database.db_name : "",
	};
	int code = 0;
	for (size_t i = 0; code == 0 && i < RP_ARRAY_LEN(files); i++) {
		code = rp_service_add_folder(writes, files[i], err);
	}
	return code;
}

int rp_server_service(const struct rp_server_config *cfg, struct rp_err *err)
{
	struct rp_strlist writes = {0};
	struct rp_service s = {
	    .name = "rportd",
	    .summary = "rport server",
	    .docs = "man:rportd(8) man:rportd.conf(5)",
	    .role = "server",
	    .reload = "USR1",
	    .data_dir = cfg->server.data_dir,
	    .writes = &writes,
	    .waits = true, /* for the address that it listens on */
	};
	if (strcmp(cfg->conf.service.action, "install") != 0) {
		return rp_service_do(&s, &cfg->conf.service, err);
	}
	s.holes = holes(cfg);
	int code = add_folders(cfg, &writes, err);
	code = code != 0 ? code : rp_service_do(&s, &cfg->conf.service, err);
	rp_strlist_fini(&writes);
	return code;
}
