/* SPDX-License-Identifier: MIT */
/*
 * Files from a server (wire protocol 4.7): from the upload request over the download to the answer.
 * The owner's configuration decides, nothing the server says changes it.
 *
 * A file: checked on the pool -> fetched over the connection, written on the pool -> moved to its
 * destination on the pool -> answered. When the connection ends before the last step, the file is
 * dropped.
 */
#ifndef RP_CLIENT_RECEPTION_H
#define RP_CLIENT_RECEPTION_H

#include <stddef.h>

#include "client/config.h"
#include "core/defs.h"
#include "core/err.h"
#include "core/loop.h"
#include "tunnel/mux.h"

/* Files at the same time; more are refused. */
#define RP_RECEPTION_MAX 4u
/* Bytes of each that are in memory at most. */
#define RP_RECEPTION_BUFFER ((size_t)512 * 1024)

struct rp_reception;

/* Removes what is left from before. cfg is borrowed. Blocks: for the start. */
RP_NODISCARD int rp_reception_new(
    struct rp_loop *loop, const struct rp_client_config *cfg, struct rp_reception **out);
/* An upload request with its payload. 0: on_answer comes exactly once from the loop, with the text
 * of the reply; also when the connection or the reception has ended. Otherwise err has the text of
 * the failure reply. */
typedef void (*rp_reception_cb)(void *ctx, bool ok, const char *text);
RP_NODISCARD int rp_reception_start(struct rp_reception *r, struct rp_mux *mux,
    struct rp_str payload, rp_reception_cb on_answer, void *ctx, struct rp_err *err);
/* The connection of that mux ends; it still lives. Its files are dropped, unless they are on their
 * last way. */
void rp_reception_lost(struct rp_reception *r, struct rp_mux *mux);
/* Drops all; on_closed comes once from the loop, r is freed then. */
void rp_reception_close(struct rp_reception *r, void (*on_closed)(void *ctx), void *ctx);

#endif
