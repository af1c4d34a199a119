/* SPDX-License-Identifier: MIT */
/*
 * What the files of the mux model share.
 */
#ifndef RP_TEST_LIB_MUX_MODEL_PRIVATE_H
#define RP_TEST_LIB_MUX_MODEL_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/list.h"
#include "test/lib/mux_model.h"
#include "test/lib/ssh_pair.h"
#include "tunnel/budget.h"
#include "tunnel/mux.h"

#define RP_MODEL_CONNS   48 /* channels ever opened in one run */
#define RP_MODEL_RULES   64 /* channels at one time, as the wire sees them */
#define RP_MODEL_CALLS   600
#define RP_MODEL_TICKETS (RP_MUX_REQUESTS_MAX + 1)
/* Every payload and channel is a piece of one endless text, from a place of its own. */
#define RP_MODEL_PERIOD 65521u

struct rp_model;
struct rp_model_side;
struct rp_model_stream;

/* --- what may be on the wire (mux_model_rules.c) --- */

enum rp_rule_state {
	RP_RULE_FREE,
	RP_RULE_OPENING, /* opened by this side */
	RP_RULE_PENDING, /* opened by the other side */
	RP_RULE_OPEN
};

/* A channel as one side has to see it. */
struct rp_rule_channel {
	enum rp_rule_state state;
	uint32_t id;      /* of this side; unknown while pending */
	uint32_t peer_id; /* unknown while opening */
	uint64_t send_window, recv_window;
	uint32_t send_packet, recv_packet;
	bool eof_sent, eof_got, close_sent, close_got;
	unsigned requests; /* channel requests that want an answer */
	bool unwanted;     /* data came that no owner sees */
	int refuse;        /* reason for which it has to be refused; 0: the owner decides */
	struct rp_model_stream *stream;
};

/* One side of a connection. */
struct rp_rules {
	struct rp_rule_channel c[RP_MODEL_RULES];
	uint32_t channels_max;
	unsigned requests;            /* that came and want an answer */
	bool call;                    /* a request is on its way and wants an answer */
	struct rp_rule_channel *last; /* made by the last OPEN */
};

/* A packet that this side sends; NULL, or which rule it breaks. */
const char *rp_rules_sent(struct rp_rules *r, const uint8_t *p, size_t n);
/* A packet that this side gets, before it sees it: true when it has to end the connection. */
bool rp_rules_got(struct rp_rules *r, const uint8_t *p, size_t n);
/* What is owed once a packet was taken: NULL, or what was forgotten. */
const char *rp_rules_settled(const struct rp_rules *r);
/* Number of channels that have a number. */
unsigned rp_rules_used(const struct rp_rules *r);
/* A channel of that number of this side, or NULL. */
struct rp_rule_channel *rp_rules_find(struct rp_rules *r, uint32_t id);

/* --- the world --- */

/* One end of a channel. */
struct rp_model_stream {
	struct rp_model *md;
	int conn;
	int side;
	struct rp_channel *c;         /* NULL: not there */
	struct rp_rule_channel *rule; /* NULL: not on the wire, or not any more */
	size_t to_send, sent, wired, received, held, consumed;
	size_t due; /* arrived, not handed to the owner yet */
	bool used, pending, opened, closed, left;
	bool ready;      /* as the mux was told */
	bool owes_ready; /* gave nothing although there was something */
	bool eof_asked, close_asked, eof_seen;
	/* Fairness: turns of others since it waits, and what it gave itself. */
	unsigned passes, bulk_passes;
	unsigned bulk_turns; /* big packets in a row */
	size_t burst;        /* bytes since it had nothing */
	size_t pull_max;
};

struct rp_model_call {
	struct rp_model_side *sd;
	struct rp_call *h;
	uint32_t number;
	size_t n;
	bool sent, done, cancelled;
};

/* A request that came and waits for its answer. */
struct rp_model_ticket {
	uint64_t ticket;
	uint32_t number;
	size_t n;
	bool answered, ok;
	bool lost; /* there was no memory to keep the answer */
};

/* What the packet that is being taken must lead to. */
struct rp_model_due {
	const uint8_t *p;
	size_t n;
	struct rp_model_stream *s;
	struct rp_model_call *call;
	bool request, open, answer, opened, eof;
	int code;
	int refusal;
};

struct rp_model_side {
	struct rp_model *md;
	int index;
	struct rp_mux *mux; /* NULL: freed, or a raw peer */
	struct rp_rules rules;
	struct rp_list out;
	size_t queued, queue_high;
	bool reserves;       /* packets are filled in where they are sent from */
	uint8_t *room;       /* reserved now */
	struct rp_list held; /* packets that came since */
	bool batch;          /* packets stay until rp_mux_flush */
	struct rp_budget budget;
	bool budgeted;       /* windows follow the path */
	uint32_t window_max; /* most that one channel may be promised */
	struct rp_list spent;
	int spent_n;
	bool full, choked, hold, rekeying;
	bool run_wanted;
	bool broken;  /* the transport refuses from now on */
	bool dead;    /* the mux has lost its transport or has complained */
	bool silent;  /* dead before this step: no callback may come */
	bool freeing; /* inside rp_mux_free */
	int ending;   /* on_closed on the stack */
	const char *error;
	struct rp_model_due due;
	struct rp_model_stream *opening; /* inside rp_channel_open */

	struct rp_model_call calls[RP_MODEL_CALLS];
	uint32_t calls_n;
	uint32_t notes;
	size_t note_n;
	struct rp_model_ticket tickets[RP_MODEL_TICKETS]; /* oldest first */
	size_t tickets_n;
};

struct rp_model {
	const struct rp_model_options *opt;
	struct rp_model_stats stats;
	const uint8_t *data;
	size_t left;
	struct rp_model_side side[2];
	struct rp_model_stream st[RP_MODEL_CONNS][2]; /* 0: who opened */
	int conns;
	size_t bytes_left;
	int depth;         /* of acts inside of callbacks */
	bool hostile;      /* side 1 is a raw peer */
	bool strict;       /* rp_mux_run only when it was asked for */
	bool calm;         /* no new trouble: everything is to come to its end */
	unsigned wildness; /* of 256 packets of a raw peer so many are spoiled */
	uint32_t raw_id;
	bool failed;
	char finding[256];
	struct rp_ssh_pair *ssh;
	/* Memory: the how-manieth allocation fails (0: none), and so many after it. */
	bool oom_allowed;
	unsigned fail_in, fail_more;
	uint64_t fails;
	long live;
	uint64_t now_ns; /* of the muxes */
};

/* --- mux_model.c --- */

/* Keeps the first finding. */
void rp_model_fail(struct rp_model *md, const char *fmt, ...) RP_PRINTF(2, 3);
#define RP_MODEL_CHECK(md, cond) \
	((cond) ? (void)0 : rp_model_fail((md), "%s:%d: %s", __FILE__, __LINE__, #cond))

/* A choice below that number; 0 when the bytes are used up. */
uint32_t rp_model_pick(struct rp_model *md, uint32_t below);
/* Mostly a small amount, seldom a big one; at least 1. */
size_t rp_model_size(struct rp_model *md);
/* The text from that place on, RP_MUX_PAYLOAD_MAX + 64 bytes of it. */
const uint8_t *rp_model_text(uint64_t place);
/* Something else, in the middle of a callback. */
void rp_model_poke(struct rp_model *md);
void rp_model_put_u32(uint8_t *p, uint32_t v);
uint32_t rp_model_get_u32(const uint8_t *p);

/* --- the way (mux_model_way.c) --- */

extern const struct rp_mux_ops rp_model_mux_ops;
void rp_model_on_want_run(void *ctx);
/* May a callback of this side come now? */
void rp_model_alive(struct rp_model_side *sd);
/* A packet for the mux of side sd, with the message number first. */
void rp_model_receive(struct rp_model_side *sd, const uint8_t *p, size_t n);
/* The mux hands over what it has collected, and packets that arrived go. */
void rp_model_flush(struct rp_model_side *sd);
void rp_model_drain(struct rp_model_side *sd);
/* Carries a packet, or some bytes, from that side to the other; false: there is nothing. */
bool rp_model_deliver(struct rp_model_side *from);
/* What was not delivered gets lost. */
void rp_model_forget(struct rp_model_side *sd);
/* From now on packets go through SSH sessions. */
bool rp_model_start_ssh(struct rp_model *md, struct rp_ssh_pair *pair);
struct rp_ssh_side *rp_model_ssh_side(struct rp_model_side *sd);

/* --- owners of channels (mux_model_owner.c) --- */

void rp_model_open(struct rp_model_side *sd);
void rp_model_stream_act(struct rp_model *md);
void rp_model_on_open(
    void *ctx, struct rp_channel *c, struct rp_str type, const uint8_t *extra, size_t n);
/* A packet that the mux sends: is it what the owner gave? */
void rp_model_stream_sent(struct rp_model_side *sd, const uint8_t *p, size_t n);
/* Before a packet is taken: notes what it must lead to. */
void rp_model_stream_expect(struct rp_model_side *sd, const uint8_t *p, size_t n);
/* After it: has that come? */
void rp_model_stream_settled(struct rp_model_side *sd);
/* After rp_mux_flush: has all data been handed over? */
void rp_model_stream_flushed(struct rp_model_side *sd);
/* Decides, takes and says what is left; true when there was something. */
bool rp_model_stream_calm(struct rp_model_stream *s);
struct rp_model_stream *rp_model_other(const struct rp_model_stream *s);
/* What the OPEN of a channel carries: its number, then text; returns the length. */
size_t rp_model_extra(int conn, uint8_t out[static 64]);
const char *rp_model_type(int conn);
/* Where in the text its next byte is. */
uint64_t rp_model_place(const struct rp_model_stream *s, size_t at);

/* --- turns (mux_model_turns.c) --- */

/* Stream s gave n bytes in its turn: nobody else may have waited for too long. */
void rp_model_turn(struct rp_model_stream *s, size_t n);

/* --- requests (mux_model_calls.c) --- */

void rp_model_call_act(struct rp_model_side *sd);
/* Answers one request, if there is one. */
bool rp_model_answer(struct rp_model_side *sd);
void rp_model_on_request(
    void *ctx, struct rp_str name, uint64_t ticket, const uint8_t *p, size_t n);
void rp_model_calls_sent(struct rp_model_side *sd, const uint8_t *p, size_t n);
void rp_model_calls_expect(struct rp_model_side *sd, const uint8_t *p, size_t n);
void rp_model_calls_settled(struct rp_model_side *sd);
/* Calls without an end. */
uint32_t rp_model_calls_open(const struct rp_model_side *sd);

/* --- the raw peer (mux_model_raw.c) --- */

/* Sends something to side 0. */
void rp_model_raw_act(struct rp_model *md);

#endif
