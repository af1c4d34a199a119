/* SPDX-License-Identifier: MIT */
/*
 * A client fetches a file that it was sent by an upload request (wire protocol 4.7). What it may
 * read is what the calls under way to it say, as long as they are.
 */
#include <string.h>

#include "server/conn.h"
#include "server/workers.h"
#include "tunnel/fileserver.h"

#include "core/banned.h"

/* Installed clients fetch one file after the other. */
#define DOWNLOADS_MAX 4u

static bool may_read(void *ctx, struct rp_str path)
{
	const struct rp_conn *c = ctx;
	for (const struct rp_list *it = c->orders.next; it != &c->orders; it = it->next) {
		const struct rp_order *o = RP_CONTAINER_OF(it, const struct rp_order, node);
		if (o->file != NULL && rp_str_eq(path, o->file)) {
			return true;
		}
	}
	return false;
}

static bool has_files(const struct rp_conn *c)
{
	for (const struct rp_list *it = c->orders.next; it != &c->orders; it = it->next) {
		if (RP_CONTAINER_OF(it, const struct rp_order, node)->file != NULL) {
			return true;
		}
	}
	return false;
}

static void on_closed(void *ctx)
{
	struct rp_conn *c = ctx;
	c->downloads--;
}

void rp_conn_open_session(struct rp_conn *c, struct rp_channel *channel)
{
	static const struct rp_fileserver_ops ops = {.may_read = may_read, .on_closed = on_closed};
	if (c->state != RP_CONN_UP || !has_files(c)) {
		rp_channel_reject(channel, RP_OPEN_PROHIBITED, "there is no file to fetch");
	} else if (c->downloads >= DOWNLOADS_MAX ||
	    rp_fileserver_accept(c->worker->loop, channel, &ops, c) != 0) {
		rp_channel_reject(channel, RP_OPEN_RESOURCE_SHORTAGE, "too many downloads");
	} else {
		c->downloads++;
	}
}
