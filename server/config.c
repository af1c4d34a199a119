/* SPDX-License-Identifier: MIT */
/*
 * Loading the server's configuration; the rules over it stand in server/config_check.c, the
 * options in server/config_spec.c.
 */
#include "server/config.h"

#include <string.h>

#include "core/banned.h"

int rp_server_config_load(
    struct rp_server_config *cfg, int argc, char *const *argv, struct rp_err *err)
{
	*cfg = (struct rp_server_config){0};
	rp_conf_init(&cfg->conf, &rp_server_config_spec, cfg);
	return rp_conf_load(&cfg->conf, argc, argv, err);
}

void rp_server_config_fini(struct rp_server_config *cfg)
{
	rp_conf_fini(&cfg->conf);
}

bool rp_server_config_port_usable(const struct rp_server_config *cfg, uint16_t port)
{
	return port != 0 && rp_port_list_has(&cfg->server.used_ports, port) &&
	    !rp_port_list_has(&cfg->server.excluded_ports, port);
}
