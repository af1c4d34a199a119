/* SPDX-License-Identifier: MIT */
/*
 * A round: IPv4, then IPv6. Most machines have only one of them, so one failure alone is none.
 */
#include "client/outer.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/json.h"
#include "core/jsonw.h"
#include "core/log.h"
#include "http/fetch.h"

#include "core/banned.h"

#define LOG         "addresses"
#define TIMEOUT_MS  10000u
#define PAYLOAD_MAX 512
#define FAMILIES    2

static const int families[FAMILIES] = {AF_INET, AF_INET6};

struct rp_outer {
	struct rp_outer_options opt;
	uv_timer_t timer;
	struct rp_fetch *fetch; /* NULL: none under way */
	size_t family;          /* that is asked */
	bool wanted;
	bool asked;
	bool failed; /* was told */
	uint64_t asked_ms;
	char found[FAMILIES][INET6_ADDRSTRLEN];
	char told[FAMILIES][INET6_ADDRSTRLEN];
	char why[FAMILIES][256];
};

static void next_family(struct rp_outer *o);
static void on_timer(uv_timer_t *t);

static void plan(struct rp_outer *o, uint64_t ms)
{
	RP_VERIFY(uv_timer_start(&o->timer, on_timer, ms, 0) == 0);
}

/* Written anew, so that only the family's own form goes on. */
static bool take_address(struct rp_str text, int family, char *out, size_t size)
{
	char copy[INET6_ADDRSTRLEN + 1];
	unsigned char bytes[sizeof(struct in6_addr)];
	text = rp_str_trim(text);
	if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.p, '\0', text.len) != NULL) {
		return false;
	}
	memcpy(copy, text.p, text.len);
	copy[text.len] = '\0';
	return inet_pton(family, copy, bytes) == 1 &&
	    inet_ntop(family, bytes, out, (socklen_t)size) != NULL;
}

bool rp_outer_parse(struct rp_str body, int family, char *out, size_t size)
{
	struct rp_json *j;
	if (take_address(body, family, out, size)) {
		return true;
	}
	if (rp_json_parse(body.p, body.len, &j, NULL) != 0) {
		return false;
	}
	bool found = take_address(
	    rp_str_c(rp_json_string(rp_json_get(j, "ip"))), family, out, size);
	rp_json_free(j);
	return found;
}

static void tell(struct rp_outer *o)
{
	struct rp_buf out;
	struct rp_jsonw w;
	rp_buf_init(&out, PAYLOAD_MAX);
	rp_jsonw_init(&w, &out);
	rp_jsonw_obj(&w);
	rp_jsonw_put_str(&w, "ipv4", o->found[0]);
	rp_jsonw_put_str(&w, "ipv6", o->found[1]);
	rp_jsonw_put_time(&w, "updated_at", rp_time_now());
	rp_jsonw_put_str(&w, "error", "");
	rp_jsonw_obj_end(&w);
	if (rp_jsonw_end(&w) == 0) {
		memcpy(o->told, o->found, sizeof(o->told));
		o->opt.on_addresses(o->opt.ctx, (const char *)rp_buf_head(&out), out.len);
	}
	rp_buf_fini(&out);
}

/* A service that is away for a while is told once, and what is known stays. */
static void end_round(struct rp_outer *o)
{
	bool any = o->found[0][0] != '\0' || o->found[1][0] != '\0';
	if (!any && !o->failed) {
		rp_log_error(LOG, "the outer addresses are not known: IPv4: %s; IPv6: %s",
		    o->why[0], o->why[1]);
	}
	o->failed = !any;
	if (any && o->wanted && memcmp(o->found, o->told, sizeof(o->told)) != 0) {
		rp_log_info(LOG, "the outer addresses are '%s' and '%s'", o->found[0], o->found[1]);
		tell(o);
	}
	if (o->wanted) {
		plan(o, (uint64_t)(o->opt.interval / RP_NS_PER_MS));
	}
}

static void on_answer(
    void *ctx, int code, unsigned status, struct rp_str body, const struct rp_err *err)
{
	struct rp_outer *o = ctx;
	size_t i = o->family;
	char *why = o->why[i];
	size_t max = sizeof(o->why[i]);
	o->fetch = NULL;
	if (code != 0) {
		(void)snprintf(why, max, "%s", err->msg);
	} else if (status != 200) {
		(void)snprintf(why, max, "the service answered with status %u", status);
	} else if (!rp_outer_parse(body, families[i], o->found[i], sizeof(o->found[i]))) {
		(void)snprintf(why, max, "the answer is no address of this kind");
	}
	if (o->found[i][0] == '\0') {
		rp_log_debug(LOG, "no IPv%d address: %s", families[i] == AF_INET ? 4 : 6, why);
	}
	next_family(o);
}

static void ask(struct rp_outer *o)
{
	struct rp_err err = {0};
	const struct rp_fetch_options opt = {
	    .url = o->opt.url,
	    .family = families[o->family],
	    .tls = o->opt.tls,
	    .timeout_ms = TIMEOUT_MS,
	};
	if (rp_fetch_start(o->opt.loop, &opt, on_answer, o, &o->fetch, &err) != 0) {
		o->fetch = NULL;
		(void)snprintf(o->why[o->family], sizeof(o->why[0]), "%s", err.msg);
		next_family(o);
	}
}

static void on_timer(uv_timer_t *t)
{
	struct rp_outer *o = t->data;
	if (o->fetch == NULL) {
		o->asked = true;
		o->asked_ms = rp_clock_ms();
		memset(o->found, 0, sizeof(o->found));
		o->family = 0;
		ask(o);
	}
}

static void next_family(struct rp_outer *o)
{
	if (++o->family < FAMILIES) {
		ask(o);
	} else {
		end_round(o);
	}
}

void rp_outer_start(struct rp_outer *o)
{
	if (o->wanted || o->opt.url[0] == '\0') {
		return;
	}
	uint64_t since = rp_clock_ms() - o->asked_ms;
	o->wanted = true;
	/* A new connection may be a new network. */
	plan(o, o->asked && since < RP_OUTER_DISTANCE_MS ? RP_OUTER_DISTANCE_MS - since : 0);
}

void rp_outer_stop(struct rp_outer *o)
{
	o->wanted = false;
	(void)uv_timer_stop(&o->timer);
	rp_fetch_cancel(o->fetch);
	o->fetch = NULL;
}

int rp_outer_new(const struct rp_outer_options *opt, struct rp_outer **out)
{
	struct rp_outer *o = rp_calloc(1, sizeof(*o));
	*out = o;
	if (o == NULL) {
		return RP_ENOMEM;
	}
	o->opt = *opt;
	RP_VERIFY(uv_timer_init(rp_loop_uv(opt->loop), &o->timer) == 0);
	o->timer.data = o;
	return 0;
}

static void on_timer_closed(uv_handle_t *h)
{
	rp_free(h->data);
}

void rp_outer_close(struct rp_outer *o)
{
	if (o == NULL) {
		return;
	}
	rp_outer_stop(o);
	uv_close((uv_handle_t *)&o->timer, on_timer_closed);
}
