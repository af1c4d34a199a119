/* SPDX-License-Identifier: MIT */
#include "client/sensors.h"

#include <unistd.h>

#include "client/monitor.h"
#include "client/outer.h"
#include "client/updates.h"
#include "client/uplink.h"
#include "core/alloc.h"
#include "core/buf.h"
#include "core/err.h"
#include "core/footprint.h"
#include "core/log.h"
#include "tunnel/mux.h"

#include "core/banned.h"

/* After the last work of our own; what tunnels use comes back at once. */
#define SLIM_MS              3000u
#define FIRST_MEASUREMENT_MS 1000u

/* What is told of one kind. */
struct word {
	const char *name;
	struct rp_buf payload;
	bool waiting; /* has to be sent */
};

struct rp_sensors {
	struct rp_sensors_options opt;
	struct rp_monitor *monitor;
	struct rp_updates *updates;
	struct rp_outer *outer;
	struct word measurement;
	/* They stay, for another server. */
	struct word update_status;
	struct word addresses;
	size_t server;        /* that knows them */
	bool wants_addresses; /* that server */
	uv_timer_t slim;
};

static void on_slim(uv_timer_t *t)
{
	(void)t;
	rp_footprint_trim();
}

static void plan_slim(struct rp_sensors *s)
{
	RP_VERIFY(uv_timer_start(&s->slim, on_slim, SLIM_MS, 0) == 0);
}

/* Without a connection it waits for one, as long as it is worth it. */
static void send_word(struct rp_sensors *s, struct word *w)
{
	if (!w->waiting) {
		return;
	}
	int rc = s->opt.send(s->opt.ctx, w->name, rp_buf_head(&w->payload), w->payload.len);
	if (rc == RP_EBUSY || (rc == RP_ECLOSED && w != &s->measurement)) {
		return;
	}
	w->waiting = false;
	if (rc != 0) {
		rp_log_debug(RP_CLIENT_LOG, "%s is not sent: %s", w->name, rp_err_text(rc));
	}
}

static void say(struct rp_sensors *s, struct word *w, const char *payload, size_t n)
{
	rp_buf_clear(&w->payload);
	w->waiting = rp_buf_add(&w->payload, payload, n) == 0;
	if (!w->waiting) {
		rp_log_error(RP_CLIENT_LOG, "%s is not sent: %s", w->name, rp_err_text(RP_ENOMEM));
	}
	send_word(s, w);
}

/* It is sent or it waits: its memory is only kept for the latter. */
static void on_measured(void *ctx, const char *payload, size_t n)
{
	struct rp_sensors *s = ctx;
	say(s, &s->measurement, payload, n);
	if (!s->measurement.waiting) {
		rp_buf_fini(&s->measurement.payload);
	}
	plan_slim(s);
}

static void on_updates(void *ctx, const char *payload, size_t n)
{
	struct rp_sensors *s = ctx;
	say(s, &s->update_status, payload, n);
	plan_slim(s);
}

static void on_addresses(void *ctx, const char *payload, size_t n)
{
	struct rp_sensors *s = ctx;
	say(s, &s->addresses, payload, n);
	plan_slim(s);
}

static void word_init(struct word *w, const char *name)
{
	w->name = name;
	rp_buf_init(&w->payload, RP_MUX_PAYLOAD_MAX);
}

int rp_sensors_new(const struct rp_sensors_options *opt, struct rp_sensors **out)
{
	struct rp_sensors *s = rp_calloc(1, sizeof(*s));
	*out = s;
	if (s == NULL) {
		return RP_ENOMEM;
	}
	s->opt = *opt;
	RP_VERIFY(uv_timer_init(rp_loop_uv(opt->loop), &s->slim) == 0);
	s->slim.data = s;
	word_init(&s->measurement, "save_measurement");
	word_init(&s->update_status, "updates_status");
	word_init(&s->addresses, "ip_addresses");
	const struct rp_monitor_options monitor = {
	    .loop = opt->loop,
	    .cfg = &opt->cfg->monitoring,
	    .root = "",
	    .first_ms = FIRST_MEASUREMENT_MS,
	    .on_measured = on_measured,
	    .ctx = s,
	};
	const struct rp_updates_options updates = {
	    .loop = opt->loop,
	    .interval = opt->cfg->client.updates_interval,
	    .root = "",
	    .root_user = geteuid() == 0,
	    .on_status = on_updates,
	    .ctx = s,
	};
	const struct rp_outer_options outer = {
	    .loop = opt->loop,
	    .url = opt->cfg->client.ip_api_url,
	    .tls = opt->tls,
	    .interval = opt->cfg->client.ip_refresh_min,
	    .on_addresses = on_addresses,
	    .ctx = s,
	};
	int rc = rp_monitor_new(&monitor, &s->monitor);
	rc = rc != 0 ? rc : rp_updates_new(&updates, &s->updates);
	return rc != 0 ? rc : rp_outer_new(&outer, &s->outer);
}

void rp_sensors_up(struct rp_sensors *s, size_t server)
{
	if (server != s->server) {
		s->update_status.waiting = s->update_status.payload.len > 0;
		s->addresses.waiting = s->addresses.payload.len > 0;
	}
	s->server = server;
	plan_slim(s);
	send_word(s, &s->update_status);
}

void rp_sensors_refresh_updates(struct rp_sensors *s)
{
	rp_updates_refresh(s->updates);
}

void rp_sensors_want(struct rp_sensors *s, const struct rp_capabilities *cap)
{
	if (cap->monitoring_version > 0) {
		rp_monitor_start(s->monitor);
	} else {
		rp_monitor_stop(s->monitor);
	}
	s->wants_addresses = cap->ip_addresses_version > 0;
	if (s->wants_addresses) {
		rp_outer_start(s->outer);
		send_word(s, &s->addresses);
	} else {
		rp_outer_stop(s->outer);
	}
}

void rp_sensors_room(struct rp_sensors *s)
{
	send_word(s, &s->measurement);
	send_word(s, &s->update_status);
	if (s->wants_addresses) {
		send_word(s, &s->addresses);
	}
}

void rp_sensors_down(struct rp_sensors *s)
{
	rp_monitor_stop(s->monitor);
	rp_outer_stop(s->outer);
	s->wants_addresses = false;
	s->measurement.waiting = false;
}

static void on_slim_closed(uv_handle_t *h)
{
	rp_free(h->data);
}

void rp_sensors_close(struct rp_sensors *s)
{
	if (s == NULL) {
		return;
	}
	rp_monitor_close(s->monitor);
	rp_updates_close(s->updates);
	rp_outer_close(s->outer);
	rp_buf_fini(&s->measurement.payload);
	rp_buf_fini(&s->update_status.payload);
	rp_buf_fini(&s->addresses.payload);
	uv_close((uv_handle_t *)&s->slim, on_slim_closed);
}
