/* SPDX-License-Identifier: MIT */
/*
 * RFC 4254 as one side of a connection has to see it, and as strictly as installed peers do (wire
 * protocol 2.7): what this side may send, and what it has to take or to refuse. Knows nothing of
 * the mux but the packets.
 */
#include "test/lib/mux_model_private.h"

#include <string.h>

#include "core/buf.h"

#define WINDOW_MAX UINT32_MAX
#define PACKET_MIN 9u

static struct rp_rule_channel *by_peer(struct rp_rules *r, uint32_t peer_id, enum rp_rule_state st)
{
	for (size_t i = 0; i < RP_MODEL_RULES; i++) {
		if (r->c[i].state == st && r->c[i].peer_id == peer_id) {
			return &r->c[i];
		}
	}
	return NULL;
}

struct rp_rule_channel *rp_rules_find(struct rp_rules *r, uint32_t id)
{
	for (size_t i = 0; i < RP_MODEL_RULES; i++) {
		struct rp_rule_channel *c = &r->c[i];
		if ((c->state == RP_RULE_OPENING || c->state == RP_RULE_OPEN) && c->id == id) {
			return c;
		}
	}
	return NULL;
}

unsigned rp_rules_used(const struct rp_rules *r)
{
	unsigned n = 0;
	for (size_t i = 0; i < RP_MODEL_RULES; i++) {
		n += r->c[i].state != RP_RULE_FREE;
	}
	return n;
}

static struct rp_rule_channel *add(struct rp_rules *r, enum rp_rule_state state)
{
	for (size_t i = 0; i < RP_MODEL_RULES; i++) {
		if (r->c[i].state == RP_RULE_FREE) {
			r->c[i] = (struct rp_rule_channel){.state = state};
			r->last = &r->c[i];
			return r->last;
		}
	}
	RP_VERIFY(!"more channels than the model has room for");
	return NULL;
}

static void drop(struct rp_rule_channel *c)
{
	if (c->stream != NULL) {
		c->stream->rule = NULL;
	}
	*c = (struct rp_rule_channel){.state = RP_RULE_FREE};
}

/* --- sent --- */

static const char *sent_request(struct rp_rules *r, struct rp_cursor *in)
{
	struct rp_str name;
	uint8_t want;
	if (rp_cursor_sstring(in, &name) != 0 || rp_cursor_u8(in, &want) != 0) {
		return "malformed request sent";
	}
	if (want != 0 && r->call) {
		return "second request before the answer to the first";
	}
	r->call = r->call || want != 0;
	return NULL;
}

static const char *sent_reply(struct rp_rules *r)
{
	if (r->requests == 0) {
		return "answer to no request";
	}
	r->requests--;
	return NULL;
}

static const char *sent_open(struct rp_rules *r, struct rp_cursor *in)
{
	struct rp_str type;
	uint32_t id;
	uint32_t window;
	uint32_t packet;
	if (rp_cursor_sstring(in, &type) != 0 || rp_cursor_u32(in, &id) != 0 ||
	    rp_cursor_u32(in, &window) != 0 || rp_cursor_u32(in, &packet) != 0) {
		return "malformed OPEN sent";
	}
	if (rp_rules_find(r, id) != NULL) {
		return "OPEN with a number that is in use";
	}
	struct rp_rule_channel *c = add(r, RP_RULE_OPENING);
	c->id = id;
	c->recv_window = window;
	c->recv_packet = packet;
	return NULL;
}

static const char *sent_confirmation(struct rp_rules *r, struct rp_cursor *in)
{
	uint32_t peer_id;
	uint32_t id;
	uint32_t window;
	uint32_t packet;
	if (rp_cursor_u32(in, &peer_id) != 0 || rp_cursor_u32(in, &id) != 0 ||
	    rp_cursor_u32(in, &window) != 0 || rp_cursor_u32(in, &packet) != 0 || in->left != 0) {
		return "malformed CONFIRMATION sent";
	}
	struct rp_rule_channel *c = by_peer(r, peer_id, RP_RULE_PENDING);
	if (c == NULL || c->refuse != 0) {
		return "CONFIRMATION for what must not be confirmed";
	}
	if (rp_rules_find(r, id) != NULL) {
		return "CONFIRMATION with a number that is in use";
	}
	c->state = RP_RULE_OPEN;
	c->id = id;
	c->recv_window = window;
	c->recv_packet = packet;
	return NULL;
}

static const char *sent_failure(struct rp_rules *r, struct rp_cursor *in)
{
	uint32_t peer_id;
	uint32_t reason;
	struct rp_str text;
	struct rp_str language;
	if (rp_cursor_u32(in, &peer_id) != 0 || rp_cursor_u32(in, &reason) != 0 ||
	    rp_cursor_sstring(in, &text) != 0 || rp_cursor_sstring(in, &language) != 0 ||
	    in->left != 0 || reason < 1 || reason > 4) {
		return "malformed OPEN_FAILURE sent";
	}
	struct rp_rule_channel *c = by_peer(r, peer_id, RP_RULE_PENDING);
	if (c == NULL) {
		return "OPEN_FAILURE for no OPEN";
	}
	if (c->refuse != 0 && (uint32_t)c->refuse != reason) {
		return "OPEN_FAILURE for another reason";
	}
	drop(c);
	return NULL;
}

static const char *sent_adjust(struct rp_rule_channel *c, struct rp_cursor *in)
{
	uint32_t n;
	if (rp_cursor_u32(in, &n) != 0 || in->left != 0 || n == 0) {
		return "malformed WINDOW_ADJUST sent";
	}
	if (c->stream != NULL && c->stream->consumed == 0 && !c->unwanted) {
		return "window credited for bytes that nobody took";
	}
	c->recv_window += n;
	return c->recv_window > WINDOW_MAX ? "window beyond 2^32-1 granted" : NULL;
}

static const char *sent_data(struct rp_rule_channel *c, struct rp_cursor *in)
{
	struct rp_str data;
	if (rp_cursor_sstring(in, &data) != 0 || in->left != 0 || data.len == 0) {
		return "malformed DATA sent";
	}
	if (data.len > c->send_packet || data.len > RP_MUX_PACKET_MAX) {
		return "DATA longer than the other side takes";
	}
	if (data.len > c->send_window) {
		return "DATA beyond the window of the other side";
	}
	if (c->eof_sent) {
		return "DATA after EOF";
	}
	c->send_window -= data.len;
	return NULL;
}

static const char *sent_end(struct rp_rule_channel *c, uint8_t type, struct rp_cursor *in)
{
	if (in->left != 0) {
		return "malformed EOF or CLOSE sent";
	}
	if (type == 96) {
		bool again = c->eof_sent;
		c->eof_sent = true;
		return again ? "second EOF" : NULL;
	}
	c->close_sent = true;
	if (c->close_got) {
		drop(c);
	}
	return NULL;
}

static const char *sent_on_channel(struct rp_rules *r, uint8_t type, struct rp_cursor *in)
{
	uint32_t peer_id;
	if (rp_cursor_u32(in, &peer_id) != 0) {
		return "malformed message sent";
	}
	struct rp_rule_channel *c = by_peer(r, peer_id, RP_RULE_OPEN);
	if (c == NULL) {
		return "message for a channel that is not open";
	}
	if (c->close_sent) {
		return "message after CLOSE";
	}
	switch (type) {
	case 93:
		return sent_adjust(c, in);
	case 94:
		return sent_data(c, in);
	case 96:
	case 97:
		return sent_end(c, type, in);
	case 99:
	case 100:
		if (c->requests == 0 || in->left != 0) {
			return "answer to no channel request";
		}
		c->requests--;
		return NULL;
	default:
		return "a message that the mux has no reason to send";
	}
}

const char *rp_rules_sent(struct rp_rules *r, const uint8_t *p, size_t n)
{
	struct rp_cursor in;
	uint8_t type;
	rp_cursor_init(&in, p, n);
	if (rp_cursor_u8(&in, &type) != 0) {
		return "empty message sent";
	}
	switch (type) {
	case 80:
		return sent_request(r, &in);
	case 81:
	case 82:
		return sent_reply(r);
	case 90:
		return sent_open(r, &in);
	case 91:
		return sent_confirmation(r, &in);
	case 92:
		return sent_failure(r, &in);
	default:
		return sent_on_channel(r, type, &in);
	}
}

/* --- got; true: this ends the connection --- */

static bool got_request(struct rp_rules *r, struct rp_cursor *in)
{
	struct rp_str name;
	uint8_t want;
	if (rp_cursor_sstring(in, &name) != 0 || rp_cursor_u8(in, &want) != 0) {
		return true;
	}
	if (want != 0 && r->requests >= RP_MUX_REQUESTS_MAX) {
		return true;
	}
	r->requests += want != 0;
	return false;
}

static bool got_open(struct rp_rules *r, struct rp_cursor *in)
{
	struct rp_str type;
	uint32_t peer_id;
	uint32_t window;
	uint32_t packet;
	if (rp_cursor_sstring(in, &type) != 0 || rp_cursor_u32(in, &peer_id) != 0 ||
	    rp_cursor_u32(in, &window) != 0 || rp_cursor_u32(in, &packet) != 0) {
		return true;
	}
	bool room = rp_rules_used(r) < r->channels_max;
	struct rp_rule_channel *c = add(r, RP_RULE_PENDING);
	c->peer_id = peer_id;
	c->send_window = window;
	c->send_packet = packet;
	if (packet < PACKET_MIN) {
		c->refuse = RP_OPEN_CONNECT_FAILED;
	} else if (!room) {
		c->refuse = RP_OPEN_RESOURCE_SHORTAGE;
	}
	return false;
}

static bool got_confirmation(struct rp_rule_channel *c, struct rp_cursor *in)
{
	uint32_t peer_id;
	uint32_t window;
	uint32_t packet;
	if (c->state != RP_RULE_OPENING || rp_cursor_u32(in, &peer_id) != 0 ||
	    rp_cursor_u32(in, &window) != 0 || rp_cursor_u32(in, &packet) != 0) {
		return true;
	}
	if (packet < PACKET_MIN) {
		return true;
	}
	c->state = RP_RULE_OPEN;
	c->peer_id = peer_id;
	c->send_window = window;
	c->send_packet = packet;
	return false;
}

static bool got_failure(struct rp_rule_channel *c, struct rp_cursor *in)
{
	uint32_t reason;
	struct rp_str text;
	if (c->state != RP_RULE_OPENING || rp_cursor_u32(in, &reason) != 0 ||
	    rp_cursor_sstring(in, &text) != 0) {
		return true;
	}
	drop(c);
	return false;
}

static bool got_adjust(struct rp_rule_channel *c, struct rp_cursor *in)
{
	uint32_t n;
	if (rp_cursor_u32(in, &n) != 0 || in->left != 0) {
		return true;
	}
	c->send_window += n;
	return c->send_window > WINDOW_MAX;
}

static bool got_data(struct rp_rule_channel *c, uint8_t type, struct rp_cursor *in)
{
	uint32_t code;
	struct rp_str data;
	if (type == 95 && rp_cursor_u32(in, &code) != 0) {
		return true;
	}
	if (rp_cursor_sstring(in, &data) != 0 || in->left != 0) {
		return true;
	}
	if (data.len > c->recv_packet || data.len > c->recv_window) {
		return true;
	}
	c->recv_window -= data.len;
	c->unwanted = c->unwanted || type == 95 || c->eof_got;
	return false;
}

static bool got_close(struct rp_rule_channel *c, struct rp_cursor *in)
{
	if (in->left != 0) {
		return true;
	}
	c->close_got = true;
	if (c->close_sent) {
		drop(c);
	}
	return false;
}

/* One may come after the peer's own CLOSE: for no channel it means nothing. */
static bool got_channel_request(struct rp_rules *r, struct rp_cursor *in)
{
	uint32_t id;
	struct rp_str name;
	uint8_t want;
	if (rp_cursor_u32(in, &id) != 0 || rp_cursor_sstring(in, &name) != 0 ||
	    rp_cursor_u8(in, &want) != 0) {
		return true;
	}
	struct rp_rule_channel *c = rp_rules_find(r, id);
	if (c != NULL && c->state == RP_RULE_OPEN && !c->close_sent && want != 0) {
		c->requests++;
	}
	return false;
}

static bool got_on_channel(struct rp_rules *r, uint8_t type, struct rp_cursor *in)
{
	uint32_t id;
	if (rp_cursor_u32(in, &id) != 0) {
		return true;
	}
	struct rp_rule_channel *c = rp_rules_find(r, id);
	if (c == NULL) {
		return true;
	}
	if (type == 91) {
		return got_confirmation(c, in);
	}
	if (type == 92) {
		return got_failure(c, in);
	}
	if (c->state != RP_RULE_OPEN) {
		return true;
	}
	switch (type) {
	case 93:
		return got_adjust(c, in);
	case 94:
	case 95:
		return got_data(c, type, in);
	case 96:
		c->eof_got = c->eof_got || in->left == 0;
		return in->left != 0;
	case 97:
		return got_close(c, in);
	default:
		return true;
	}
}

bool rp_rules_got(struct rp_rules *r, const uint8_t *p, size_t n)
{
	struct rp_cursor in;
	uint8_t type;
	rp_cursor_init(&in, p, n);
	if (rp_cursor_u8(&in, &type) != 0) {
		return true;
	}
	switch (type) {
	case 80:
		return got_request(r, &in);
	case 81:
	case 82:
		r->call = false;
		return false;
	case 90:
		return got_open(r, &in);
	case 98:
		return got_channel_request(r, &in);
	default:
		return got_on_channel(r, type, &in);
	}
}

const char *rp_rules_settled(const struct rp_rules *r)
{
	for (size_t i = 0; i < RP_MODEL_RULES; i++) {
		const struct rp_rule_channel *c = &r->c[i];
		if (c->state == RP_RULE_FREE) {
			continue;
		}
		if (c->state == RP_RULE_PENDING && c->refuse != 0) {
			return "OPEN was not refused";
		}
		if (c->close_got) {
			return "CLOSE was not answered";
		}
		if (c->requests > 0 && !c->close_sent) {
			return "channel request was not answered";
		}
	}
	return NULL;
}
