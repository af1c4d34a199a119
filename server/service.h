/* SPDX-License-Identifier: MIT */
/*
 * The server as a service of systemd (core/service.h).
 */
#ifndef RP_SERVER_SERVICE_H
#define RP_SERVER_SERVICE_H

#include "server/config.h"

/* Does what cfg.conf.service asks for. For install cfg was loaded and validated. */
RP_NODISCARD int rp_server_service(const struct rp_server_config *cfg, struct rp_err *err);

#endif
