/* SPDX-License-Identifier: MIT */
/*
 * What a schedule runs, made from its stored form.
 */
#ifndef RP_SERVER_SCHEDULES_RUN_H
#define RP_SERVER_SCHEDULES_RUN_H

#include "core/defs.h"
#include "core/err.h"
#include "server/multi.h"
#include "server/registry.h"
#include "server/schedules_store.h"

/* Starts s on its clients of now (those that the server no longer knows are left out). What
 * follows goes to ops. Negative with a text: nothing follows. */
RP_NODISCARD int rp_schedule_start(const struct rp_schedule *s, struct rp_registry *registry,
    struct rp_multis *multis, const struct rp_multi_ops *ops, void *ctx, struct rp_err *err);

#endif
