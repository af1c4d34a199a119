/* SPDX-License-Identifier: MIT */
/*
 * Down-sampled measurements (rport-api 4.10): all metrics of a client with links to the single
 * graphs, and each of those. Networks are shown if the client's configuration names the card; the
 * percentage is that of the card's speed.
 */
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/monitoring.h"
#include "api/reply.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "server/monitoring.h"

#include "core/banned.h"

#define HOURS_MIN     2
#define HOURS_MAX     48
#define HOUR_NS       (INT64_C(3600) * RP_NS_PER_S)
#define BYTES_OF_MBIT 125000.0
#define PERCENT       100.0

enum card {
	NO_CARD,
	LAN,
	WAN,
	CARDS
};

/* A single graph. */
struct kind {
	const char *name; /* in the path */
	const char *key;  /* in the answer */
	enum card card;
	bool percent; /* of the card's speed */
	enum rp_graph_value first;
};
static const struct kind kinds[] = {
    {"cpu_usage_percent", "cpu_usage_percent", NO_CARD, false, RP_GRAPH_CPU},
    {"mem_usage_percent", "memory_usage_percent", NO_CARD, false, RP_GRAPH_MEMORY},
    {"io_usage_percent", "io_usage_percent", NO_CARD, false, RP_GRAPH_IO},
    {"net_usage_percent_lan", "net_usage_percent_lan", LAN, true, RP_GRAPH_LAN_IN},
    {"net_usage_percent_wan", "net_usage_percent_wan", WAN, true, RP_GRAPH_WAN_IN},
    {"net_usage_bps_lan", "net_usage_bps_lan", LAN, false, RP_GRAPH_LAN_IN},
    {"net_usage_bps_wan", "net_usage_bps_wan", WAN, false, RP_GRAPH_WAN_IN},
};

static const char *const graph_fields[] = {
    "timestamp", "cpu_usage_percent", "memory_usage_percent", "io_usage_percent", NULL};
static const struct rp_listq_resource graph_resources[] = {
    {"graph-metrics", graph_fields, graph_fields}, {NULL, NULL, NULL}};
static const struct rp_listq_spec spec = {
    .filters = rp_monitoring_filters,
    .sorts = rp_monitoring_sorts,
    .default_sort = "-timestamp",
    .resources = graph_resources,
};

struct request {
	struct rp_api_call *call;
	const struct kind *kind; /* NULL: all metrics */
	bool oldest_first;
	bool has[CARDS];
	double speed[CARDS]; /* bytes per second; 0 = unknown */
};

/* Parsing */

static bool has_op(const struct rp_listq *q, enum rp_listq_op a, enum rp_listq_op b)
{
	return (q->filters[0].op == a && q->filters[1].op == b) ||
	    (q->filters[0].op == b && q->filters[1].op == a);
}

/* False: answered. */
static bool check_span(
    struct rp_api_call *c, const struct rp_listq *q, const struct rp_monitoring_span *span)
{
	if (q->n_filters != 2) {
		rp_reply_fail(c, 400,
		    "Illegal number of filter options: expected filter[timestamp][gt] and [lt], or "
		    "[since] and [until]");
		return false;
	}
	bool open = has_op(q, RP_LISTQ_GT, RP_LISTQ_LT);
	if (!open && !has_op(q, RP_LISTQ_SINCE, RP_LISTQ_UNTIL)) {
		rp_reply_fail(
		    c, 400, "Illegal filter pair: expected gt and lt, or since and until");
		return false;
	}
	/* gt and lt exclude their own nanosecond. */
	int64_t length = span->to - span->from + (open ? 2 : 0);
	if (length < 0) {
		rp_reply_fail(c, 400, "Illegal time value (upper before lower)");
		return false;
	}
	if (length < HOURS_MIN * HOUR_NS || length > HOURS_MAX * HOUR_NS) {
		rp_reply_fail(
		    c, 400, "Illegal period (min,max allowed: %d,%d hours)", HOURS_MIN, HOURS_MAX);
		return false;
	}
	return true;
}

/* The cards of the client's configuration, as it sent it. */
static void read_cards(struct request *r, const char *configuration)
{
	static const char *const keys[CARDS] = {[LAN] = "lan_card", [WAN] = "wan_card"};
	struct rp_json *j = NULL;
	if (configuration == NULL ||
	    rp_json_parse(configuration, strlen(configuration), &j, NULL) != 0) {
		return;
	}
	const struct rp_json *monitoring = rp_json_get(j, "monitoring");
	for (int i = LAN; i < CARDS; i++) {
		const struct rp_json *card = rp_json_get(monitoring, keys[i]);
		int64_t mbit;
		r->has[i] = rp_json_type(card) == RP_JSON_OBJECT;
		if (rp_json_i64(rp_json_get(card, "max_speed"), &mbit) == 0 && mbit > 0) {
			r->speed[i] = (double)mbit * BYTES_OF_MBIT;
		}
	}
	rp_json_free(j);
}

/* Answers */

static void put_stat(
    struct rp_jsonw *w, const char *const keys[3], const struct rp_graph_stat *s, double divisor)
{
	const double values[3] = {s->avg, s->min, s->max};
	if (!s->set || divisor <= 0) {
		return;
	}
	for (int i = 0; i < 3; i++) {
		rp_jsonw_key(w, keys[i]);
		rp_jsonw_double(w, values[i] / divisor);
	}
}

static void write_kind(struct rp_jsonw *w, const struct request *r, const struct kind *kind,
    const struct rp_graph_point *p)
{
	static const char *const plain[3] = {"avg", "min", "max"};
	static const char *const in[3] = {"in_avg", "in_min", "in_max"};
	static const char *const out[3] = {"out_avg", "out_min", "out_max"};
	double divisor = kind->percent ? r->speed[kind->card] / PERCENT : 1;
	rp_jsonw_key(w, kind->key);
	rp_jsonw_obj(w);
	if (kind->card == NO_CARD) {
		put_stat(w, plain, &p->v[kind->first], divisor);
	} else {
		put_stat(w, in, &p->v[kind->first], divisor);
		put_stat(w, out, &p->v[kind->first + 1], divisor);
	}
	rp_jsonw_obj_end(w);
}

static void write_point(struct rp_jsonw *w, const struct request *r, const struct rp_graph_point *p)
{
	rp_jsonw_obj(w);
	rp_jsonw_put_time(w, "timestamp", p->timestamp);
	for (size_t i = 0; i < RP_ARRAY_LEN(kinds); i++) {
		bool wanted = r->kind == NULL ? kinds[i].card == NO_CARD : r->kind == &kinds[i];
		if (wanted) {
			write_kind(w, r, &kinds[i], p);
		}
	}
	rp_jsonw_obj_end(w);
}

/* Where the single graphs are, as the caller sees this server. */
static void write_links(struct rp_jsonw *w, const struct request *r)
{
	const struct rp_api_call *c = r->call;
	const char *base = c->api->cfg->base_url;
	const char *host = rp_http_header(rp_http_req_head(c->req), "Host");
	const char *scheme = rp_http_req_is_tls(c->req) ? "https://" : "http://";
	bool own = base[0] == '\0';
	rp_jsonw_key(w, "links");
	rp_jsonw_obj(w);
	for (size_t i = 0; i < RP_ARRAY_LEN(kinds); i++) {
		if (kinds[i].card != NO_CARD && !r->has[kinds[i].card]) {
			continue;
		}
		char *link = rp_asprintf("%s%s%s/%s", own ? scheme : base,
		    own && host != NULL ? host : "", rp_http_req_path(c->req), kinds[i].name);
		rp_jsonw_key(w, kinds[i].name);
		rp_jsonw_str_opt(w, link);
		rp_free(link);
	}
	rp_jsonw_obj_end(w);
}

static void on_graph(void *ctx, int code, const struct rp_graph *graph, const struct rp_err *err)
{
	struct request *r = ctx;
	struct rp_reply reply;
	if (code != 0) {
		rp_reply_code(r->call, code, err);
		rp_free(r);
		return;
	}
	rp_reply_begin(&reply);
	rp_jsonw_arr(&reply.w);
	for (size_t i = 0; i < graph->n; i++) {
		write_point(&reply.w, r, &graph->v[r->oldest_first ? i : graph->n - 1 - i]);
	}
	rp_jsonw_arr_end(&reply.w);
	if (r->kind == NULL) {
		write_links(&reply.w, r);
	}
	rp_reply_end(&reply, r->call);
	rp_free(r);
}

/* Of a connected client; NULL: answered. */
static struct request *request_new(struct rp_api_call *c)
{
	if (!rp_monitoring_on(c)) {
		return NULL;
	}
	const struct rp_client *client = rp_registry_get(c->api->parts.registry, c->params[0]);
	if (client == NULL || !rp_client_connected(client)) {
		rp_reply_fail(c, 404, "client with id %s not found", c->params[0]);
		return NULL;
	}
	struct request *r = rp_calloc(1, sizeof(*r));
	if (r == NULL) {
		rp_reply_code(c, RP_ENOMEM, NULL);
		return NULL;
	}
	r->call = c;
	read_cards(r, client->client_configuration);
	return r;
}

/* Takes the request. */
static void start(struct request *r)
{
	struct rp_api_call *c = r->call;
	struct rp_listq q;
	struct rp_monitoring_span span;
	if (rp_monitoring_parse(c, &spec, &q, &span) != 0) {
		rp_free(r);
		return;
	}
	bool fine = check_span(c, &q, &span);
	r->oldest_first = !q.sorts[0].desc;
	rp_listq_fini(&q);
	if (!fine) {
		rp_free(r);
		return;
	}
	int err = rp_monitoring_graph(c->api->parts.monitoring, c->params[0], span, on_graph, r);
	if (err != 0) {
		rp_free(r);
		rp_reply_code(c, err, NULL);
	}
}

void rp_api_graphs(struct rp_api_call *c)
{
	struct request *r = request_new(c);
	if (r != NULL) {
		start(r);
	}
}

static const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			return &kinds[i];
		}
	}
	return NULL;
}

void rp_api_graph(struct rp_api_call *c)
{
	struct request *r = request_new(c);
	if (r == NULL) {
		return;
	}
	r->kind = find_kind(c->params[1]);
	if (r->kind == NULL) {
		rp_free(r);
		rp_reply_fail(c, 404, "unknown graph: %s", c->params[1]);
	} else if (r->kind->card != NO_CARD && !r->has[r->kind->card]) {
		rp_free(r);
		rp_reply_fail(c, 404, "graph data %s not available for client with id %s",
		    c->params[1], c->params[0]);
	} else {
		start(r);
	}
}
