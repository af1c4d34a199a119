/* SPDX-License-Identifier: MIT */
/*
 * The server's side of a download (wire protocol 4.7): a channel on which a client asks by SFTP for
 * files that it was told to fetch, and for nothing else. Read only, one file at a time.
 */
#ifndef RP_TUNNEL_FILESERVER_H
#define RP_TUNNEL_FILESERVER_H

#include <stdbool.h>

#include "core/defs.h"
#include "core/loop.h"
#include "core/str.h"
#include "tunnel/mux.h"

struct rp_fileserver_ops {
	/* May this very path be read now? Asked for every request. */
	bool (*may_read)(void *ctx, struct rp_str path);
	/* The channel has gone; the last call. */
	void (*on_closed)(void *ctx);
};

/* Accepts the channel and serves it until it is closed. The files are read by libuv's pool, one
 * block at a time. On failure (RP_ENOMEM) the channel is still to be refused. */
RP_NODISCARD int rp_fileserver_accept(struct rp_loop *loop, struct rp_channel *channel,
    const struct rp_fileserver_ops *ops, void *ctx);

#endif
