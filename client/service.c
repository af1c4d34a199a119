/* SPDX-License-Identifier: MIT */
/*
 * What the client's configuration means for its unit.
 */
#include "client/service.h"

#include <string.h>

#include "core/alloc.h"

#include "core/banned.h"

static unsigned holes(const struct rp_client_config *cfg)
{
	bool programs = cfg->remote_commands.enabled || cfg->remote_scripts.enabled;
	unsigned all = 0;
	all |= programs ? RP_SERVICE_PROGRAMS | RP_SERVICE_FILES : 0;
	all |= cfg->file_reception.enabled ? RP_SERVICE_FILES : 0;
	all |= all != 0 && cfg->remote_commands.sudo ? RP_SERVICE_SUDO : 0;
	all |= cfg->connection.watchdog_integration ? RP_SERVICE_WATCHDOG : 0;
	return all;
}

int rp_client_service(const struct rp_client_config *cfg, struct rp_err *err)
{
	struct rp_strlist writes = {0};
	struct rp_service s = {
	    .name = "rport",
	    .summary = "rport client",
	    .docs = "man:rport-client(1) man:rport.conf(5)",
	    .role = "client",
	    .reload = "HUP",
	    .data_dir = cfg->client.data_dir,
	    .writes = &writes,
	};
	if (strcmp(cfg->conf.service.action, "install") != 0) {
		return rp_service_do(&s, &cfg->conf.service, err);
	}
	s.holes = holes(cfg);
	int code = rp_service_add_folder(&writes, cfg->logging.log_file, err);
	code = code != 0 ? code
	                 : rp_service_add_folder(&writes, cfg->client.attributes_file_path, err);
	code = code != 0 ? code : rp_service_do(&s, &cfg->conf.service, err);
	rp_strlist_fini(&writes);
	return code;
}
