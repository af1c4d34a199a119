/* SPDX-License-Identifier: MIT */
/*
 * What the lists and graphs of measurements share. Internal to api/.
 */
#ifndef RP_API_MONITORING_H
#define RP_API_MONITORING_H

#include "api/context.h"
#include "server/listq.h"
#include "server/monitoring.h"

extern const char *const rp_monitoring_filters[];
extern const char *const rp_monitoring_sorts[];

/* False: monitoring is off, and the call was answered. */
bool rp_monitoring_on(struct rp_api_call *c);
/* The query and the span that its filters make; on failure the call was answered and there is
 * nothing to free. */
RP_NODISCARD int rp_monitoring_parse(struct rp_api_call *c, const struct rp_listq_spec *spec,
    struct rp_listq *q, struct rp_monitoring_span *span);

#endif
