/* SPDX-License-Identifier: MIT */
/*
 * Fetches one file of the server over a channel of the connection: session, subsystem sftp, SFTP
 * version 3 (wire protocol 4.7). Several blocks are asked for ahead, as many as the owner has room
 * for; nothing that was not asked for is taken.
 */
#ifndef RP_CLIENT_DOWNLOAD_H
#define RP_CLIENT_DOWNLOAD_H

#include <stddef.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/loop.h"
#include "tunnel/mux.h"

/* Blocks that are asked for and have not come. */
#define RP_DOWNLOAD_AHEAD 16u
/* Without a step forward for so long it has failed. */
#define RP_DOWNLOAD_STALL_MS 60000u

struct rp_download;

/* From the loop, none from inside rp_download_start. */
struct rp_download_ops {
	/* How many bytes may come now, apart from those that were already asked for. */
	size_t (*room)(void *ctx);
	/* The next bytes of the file, borrowed. Must not cancel. */
	void (*on_data)(void *ctx, const uint8_t *p, size_t n);
	/* Once, the last call; d is gone. 0: the file has come whole. Otherwise why says what was
	 * wrong, without a byte of the server's; RP_ECLOSED: the connection ended. */
	void (*on_end)(void *ctx, int code, const char *why);
};

/* path is copied. */
RP_NODISCARD int rp_download_start(struct rp_loop *loop, struct rp_mux *mux, const char *path,
    const struct rp_download_ops *ops, void *ctx, struct rp_download **out);
/* The owner has more room. */
void rp_download_go_on(struct rp_download *d);
/* Ends it without on_end; for a mux that still lives. */
void rp_download_cancel(struct rp_download *d);

#endif
