/* SPDX-License-Identifier: MIT */
/*
 * See ssh_pair.h.
 */
#include "test/lib/ssh_pair.h"

#include <stdio.h>
#include <string.h>

#include "test/lib/prng.h"

#include "core/banned.h"

#define OUT_MAX ((size_t)256 * 1024 * 1024)

static void on_output(void *ctx, const uint8_t *p, size_t n)
{
	struct rp_ssh_side *side = ctx;
	side->sent += n;
	if (rp_buf_add(&side->out, p, n) != 0) {
		side->lost = true;
	}
}

/* With random pieces some of the output takes the other way. */
static uint8_t *on_room(void *ctx, size_t n)
{
	struct rp_ssh_side *side = ctx;
	uint8_t *tail;
	if ((side->pair->random_pieces && rp_prng_below(4) == 0) ||
	    rp_buf_reserve(&side->out, n, &tail) != 0) {
		return NULL;
	}
	return tail;
}

static void on_filled(void *ctx, size_t n)
{
	struct rp_ssh_side *side = ctx;
	side->sent += n;
	rp_buf_commit(&side->out, n);
}

static void on_ready(void *ctx)
{
	struct rp_ssh_side *side = ctx;
	side->ready = true;
	if (side->on_ready != NULL) {
		side->on_ready(side);
	}
}

static uint32_t sum_of(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < n; i++) {
		sum = sum * 31 + p[i];
	}
	return sum;
}

/* Payloads have to be what they were until now. */
static void end_loan(struct rp_ssh_side *side)
{
	for (size_t i = 0; i < side->loans; i++) {
		RP_VERIFY(sum_of(side->loan[i].p, side->loan[i].n) == side->loan[i].sum);
	}
	side->loans = 0;
}

static void on_reuse(void *ctx)
{
	end_loan(ctx);
}

static void on_packet(void *ctx, uint8_t type, const uint8_t *p, size_t n)
{
	struct rp_ssh_side *side = ctx;
	side->packets++;
	if (side->keeps && side->loans < RP_ARRAY_LEN(side->loan)) {
		size_t part = RP_MIN(n, (size_t)256);
		side->loan[side->loans].p = p;
		side->loan[side->loans].n = part;
		side->loan[side->loans++].sum = sum_of(p, part);
	}
	if (side->on_packet != NULL) {
		side->on_packet(side, type, p, n);
	}
}

static void on_rekey(void *ctx, bool running)
{
	struct rp_ssh_side *side = ctx;
	RP_VERIFY(side->rekeying != running);
	side->rekeying = running;
	side->rekeys += running ? 0 : 1;
	if (side->on_rekey != NULL) {
		side->on_rekey(side, running);
	}
}

static void on_closed(void *ctx, int code, const char *why)
{
	struct rp_ssh_side *side = ctx;
	side->closed++;
	side->code = code;
	(void)snprintf(side->why, sizeof(side->why), "%s", why);
	if (!side->pair->keep_closed) {
		rp_ssh_free(side->ssh);
		side->ssh = NULL;
	}
}

static bool on_password(void *ctx, const char *user, const char *password)
{
	struct rp_ssh_side *side = ctx;
	struct rp_ssh_pair *p = side->pair;
	p->logins++;
	if (p->on_password != NULL) {
		return p->on_password(p, user, password);
	}
	return strcmp(user, RP_SSH_PAIR_USER) == 0 && strcmp(password, RP_SSH_PAIR_PASSWORD) == 0;
}

static bool on_hostkey(void *ctx, const char *md5, const char *sha256)
{
	struct rp_ssh_side *side = ctx;
	struct rp_ssh_pair *p = side->pair;
	(void)snprintf(p->md5, sizeof(p->md5), "%s", md5);
	(void)snprintf(p->sha256, sizeof(p->sha256), "%s", sha256);
	return p->on_hostkey != NULL ? p->on_hostkey(p) : !p->refuse_hostkey;
}

static const struct rp_ssh_ops ops = {
    .on_output = on_output,
    .on_room = on_room,
    .on_filled = on_filled,
    .on_ready = on_ready,
    .on_packet = on_packet,
    .on_reuse = on_reuse,
    .on_rekey = on_rekey,
    .on_closed = on_closed,
    .on_password = on_password,
    .on_hostkey = on_hostkey,
};

int rp_ssh_pair_init(struct rp_ssh_pair *p, const struct rp_hostkey *key, const char *password)
{
	*p = (struct rp_ssh_pair){0};
	p->server.pair = p;
	p->client.pair = p;
	rp_buf_init(&p->server.out, OUT_MAX);
	rp_buf_init(&p->client.out, OUT_MAX);
	int r = rp_ssh_server_new(&p->server.ssh, key, &ops, &p->server);
	r = r == 0 ? rp_ssh_client_new(&p->client.ssh, RP_SSH_PAIR_USER, password, &ops, &p->client)
	           : r;
	r = r == 0 ? rp_ssh_start(p->server.ssh) : r;
	r = r == 0 ? rp_ssh_start(p->client.ssh) : r;
	if (r != 0) {
		rp_ssh_pair_fini(p);
	}
	return r;
}

void rp_ssh_pair_fini(struct rp_ssh_pair *p)
{
	rp_ssh_free(p->server.ssh);
	rp_ssh_free(p->client.ssh);
	p->server.ssh = NULL;
	p->client.ssh = NULL;
	rp_buf_fini(&p->server.out);
	rp_buf_fini(&p->client.out);
}

static struct rp_ssh_side *other(struct rp_ssh_side *side)
{
	struct rp_ssh_pair *p = side->pair;
	return side == &p->server ? &p->client : &p->server;
}

/* Mostly small pieces, sometimes a WebSocket frame of an installed client. */
static size_t piece(size_t n)
{
	static const size_t sizes[] = {1, 7, 64, 1024, 65536};
	size_t max = sizes[rp_prng_below(RP_ARRAY_LEN(sizes))];
	return 1 + rp_prng_below(RP_MIN(n, max));
}

/* To be decrypted in place, or not. */
static void hand_over(struct rp_ssh_side *to, uint8_t *p, size_t n)
{
	if (to->pair->random_pieces && rp_prng_below(4) == 0) {
		to->keeps = false;
		rp_ssh_input(to->ssh, p, n);
		return;
	}
	to->keeps = true;
	rp_ssh_input_in_place(to->ssh, p, n);
	if (to->ssh == NULL) {
		to->loans = 0;
		return;
	}
	end_loan(to);
	rp_ssh_input_done(to->ssh);
}

size_t rp_ssh_pair_deliver(struct rp_ssh_side *from, size_t max)
{
	struct rp_ssh_side *to = other(from);
	size_t done = 0;
	/* The receiver's answers go into another buffer, so this one stays as it is. */
	while (from->out.len > 0 && done < max) {
		size_t n = RP_MIN(from->out.len, max - done);
		n = from->pair->random_pieces ? piece(n) : n;
		if (to->ssh != NULL) {
			hand_over(to, rp_buf_head(&from->out), n);
		}
		rp_buf_consume(&from->out, n);
		done += n;
	}
	return done;
}

void rp_ssh_pair_settle(struct rp_ssh_pair *p)
{
	size_t moved;
	do {
		moved = rp_ssh_pair_deliver(&p->client, OUT_MAX);
		moved += rp_ssh_pair_deliver(&p->server, OUT_MAX);
	} while (moved > 0);
}

int rp_ssh_pair_send(struct rp_ssh_side *side, uint8_t type, const void *p, size_t n)
{
	union {
		const void *in;
		void *out;
	} payload = {.in = p};
	struct iovec iov[2] = {{&type, 1}, {payload.out, n}};
	return rp_ssh_send(side->ssh, iov, 2);
}
