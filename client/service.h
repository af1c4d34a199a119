/* SPDX-License-Identifier: MIT */
/*
 * The client as a service of systemd (core/service.h).
 */
#ifndef RP_CLIENT_SERVICE_H
#define RP_CLIENT_SERVICE_H

#include "client/config.h"

/* Does what cfg.conf.service asks for. For install cfg was loaded and validated. */
RP_NODISCARD int rp_client_service(const struct rp_client_config *cfg, struct rp_err *err);

#endif
