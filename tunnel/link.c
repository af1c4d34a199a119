/* SPDX-License-Identifier: MIT */
/*
 * The callbacks of WebSocket, SSH and mux. Most are called for each packet: nothing is copied or
 * allocated here, and the owner is asked only where the two ends differ.
 */
#include "tunnel/link.h"

#include "core/banned.h"

/* --- WebSocket --- */

static void on_ws_data(
    void *ctx, enum rp_ws_opcode opcode, bool first, bool last, uint8_t *p, size_t n)
{
	(void)opcode;
	(void)first;
	(void)last;
	struct rp_link *l = ctx;
	if (!l->ending) {
		rp_ssh_input_in_place(l->ssh, p, n);
	}
	if (l->mux == NULL && !l->ending && l->ops->on_handshake != NULL) {
		l->ops->on_handshake(l);
	}
}

/* The memory of the payloads that were handed out is used again. */
static void on_ssh_reuse(void *ctx)
{
	struct rp_link *l = ctx;
	if (l->mux != NULL) {
		rp_mux_flush(l->mux);
	}
}

static void on_ws_data_end(void *ctx)
{
	struct rp_link *l = ctx;
	on_ssh_reuse(l);
	if (l->ssh != NULL) {
		rp_ssh_input_done(l->ssh);
	}
}

static void on_ws_drain(void *ctx)
{
	struct rp_link *l = ctx;
	l->full = false;
	if (l->ending || l->mux == NULL) {
		return;
	}
	rp_mux_drain(l->mux);
	if (l->want_room && !l->ending) {
		l->want_room = false;
		l->ops->on_room(l);
	}
}

static void on_ws_end(void *ctx, int code, const char *why)
{
	struct rp_link *l = ctx;
	l->ops->on_lost(l, code, why);
}

static void on_ws_closed(void *ctx)
{
	struct rp_link *l = ctx;
	l->ws = NULL;
	l->ops->on_closed(l);
}

const struct rp_ws_ops rp_link_ws_ops = {
    .on_data = on_ws_data,
    .on_data_end = on_ws_data_end,
    .on_drain = on_ws_drain,
    .on_end = on_ws_end,
    .on_closed = on_ws_closed,
};

/* --- SSH --- */

static void on_ssh_output(void *ctx, const uint8_t *p, size_t n)
{
	struct rp_link *l = ctx;
	if (l->ws == NULL) {
		return;
	}
	struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};
	int rc = rp_ws_send(l->ws, RP_WS_BINARY, &iov, 1);
	if (rc == 1) {
		l->full = true;
	} else if (rc < 0) {
		l->ops->on_cannot_send(l, rc, true);
	}
}

static uint8_t *on_ssh_room(void *ctx, size_t n)
{
	struct rp_link *l = ctx;
	uint8_t *p = NULL;
	/* What stands in the way is found again by on_ssh_output. */
	return l->ws != NULL && rp_ws_reserve(l->ws, n, &p) >= 0 ? p : NULL;
}

static void on_ssh_filled(void *ctx, size_t n)
{
	struct rp_link *l = ctx;
	if (rp_ws_commit(l->ws, RP_WS_BINARY, n) == 1) {
		l->full = true;
	}
}

static void on_ssh_ready(void *ctx)
{
	struct rp_link *l = ctx;
	l->ops->on_ready(l);
}

static void on_ssh_packet(void *ctx, uint8_t type, const uint8_t *p, size_t n)
{
	struct rp_link *l = ctx;
	if (!l->ending) {
		rp_mux_input(l->mux, type, p, n);
	}
}

static void on_ssh_rekey(void *ctx, bool running)
{
	struct rp_link *l = ctx;
	if (l->mux != NULL && !l->ending) {
		rp_mux_hold(l->mux, running);
	}
}

static void on_ssh_closed(void *ctx, int code, const char *why)
{
	struct rp_link *l = ctx;
	l->ops->on_ssh_closed(l, code, why);
}

static bool on_ssh_password(void *ctx, const char *user, const char *password)
{
	struct rp_link *l = ctx;
	return l->ops->on_password(l, user, password);
}

static bool on_ssh_hostkey(void *ctx, const char *md5, const char *sha256)
{
	struct rp_link *l = ctx;
	return l->ops->on_hostkey(l, md5, sha256);
}

const struct rp_ssh_ops rp_link_ssh_ops = {
    .on_output = on_ssh_output,
    .on_room = on_ssh_room,
    .on_filled = on_ssh_filled,
    .on_ready = on_ssh_ready,
    .on_packet = on_ssh_packet,
    .on_reuse = on_ssh_reuse,
    .on_rekey = on_ssh_rekey,
    .on_closed = on_ssh_closed,
    .on_password = on_ssh_password,
    .on_hostkey = on_ssh_hostkey,
};

/* --- mux --- */

static int sent(struct rp_link *l, int err)
{
	if (err != 0) {
		l->ops->on_cannot_send(l, err, false);
		return err;
	}
	return l->full ? 1 : 0;
}

static bool is_mute(const struct rp_link *l)
{
	return l->ending && !l->last_words;
}

static int on_send(void *ctx, const struct iovec *iov, int n)
{
	struct rp_link *l = ctx;
	return is_mute(l) ? RP_ECLOSED : sent(l, rp_ssh_send(l->ssh, iov, n));
}

static uint8_t *on_reserve(void *ctx, size_t n)
{
	struct rp_link *l = ctx;
	return is_mute(l) ? NULL : rp_ssh_reserve(l->ssh, n);
}

static int on_commit(void *ctx, size_t n)
{
	struct rp_link *l = ctx;
	return sent(l, rp_ssh_commit(l->ssh, n));
}

static void on_request(void *ctx, struct rp_str name, uint64_t ticket, const uint8_t *p, size_t n)
{
	struct rp_link *l = ctx;
	if (!l->ending) {
		l->ops->on_request(l, name, ticket, p, n);
	}
}

static void on_open(
    void *ctx, struct rp_channel *c, struct rp_str type, const uint8_t *extra, size_t n)
{
	struct rp_link *l = ctx;
	l->ops->on_open(l, c, type, extra, n);
}

static void on_error(void *ctx, const char *why)
{
	struct rp_link *l = ctx;
	l->ops->on_error(l, why);
}

static const struct rp_mux_ops mux_ops = {
    .send = on_send,
    .reserve = on_reserve,
    .commit = on_commit,
    .on_request = on_request,
    .on_open = on_open,
    .on_error = on_error,
};

static void on_want_run(void *ctx)
{
	struct rp_link *l = ctx;
	if (!l->ending) {
		rp_loop_defer(l->loop, &l->run);
	}
}

static void on_run(struct rp_deferred *d)
{
	struct rp_link *l = RP_CONTAINER_OF(d, struct rp_link, run);
	if (!l->ending && !l->full) {
		rp_mux_run(l->mux);
	}
}

/* --- life --- */

void rp_link_init(struct rp_link *l, struct rp_loop *loop, const struct rp_link_ops *ops)
{
	l->loop = loop;
	l->ops = ops;
	l->run.run = on_run;
}

int rp_link_start_mux(struct rp_link *l, struct rp_budget *budget)
{
	const struct rp_mux_options opt = {.budget = budget, .batch = true};
	int err = rp_mux_new(&l->mux, &opt, &mux_ops, l);
	if (err == 0) {
		rp_mux_on_want_run(l->mux, on_want_run);
	}
	return err;
}

void rp_link_free_mux(struct rp_link *l)
{
	rp_loop_defer_cancel(&l->run);
	if (l->mux != NULL) {
		rp_mux_free(l->mux);
		l->mux = NULL;
	}
}

void rp_link_close(struct rp_link *l, bool politely)
{
	rp_ssh_free(l->ssh);
	l->ssh = NULL;
	if (l->ws != NULL) {
		rp_ws_close(l->ws, politely ? 1000 : 0);
	}
}
