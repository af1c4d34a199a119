/* SPDX-License-Identifier: MIT */
/*
 * What a client has measured (rport-api 4.10): the newest metrics, processes and mount points, and
 * the request to look for updates again. Graphs are in api/graphs.c.
 */
#include "api/monitoring.h"

#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "server/monitoring.h"

#include "core/banned.h"

#define REFRESH_MS 30000
/* A century: what is counted in nanoseconds must not overflow. */
#define SECONDS_MAX (INT64_C(200) * 366 * 86400)

const char *const rp_monitoring_filters[] = {
    "timestamp[gt]", "timestamp[lt]", "timestamp[since]", "timestamp[until]", NULL};
const char *const rp_monitoring_sorts[] = {"timestamp", NULL};

bool rp_monitoring_on(struct rp_api_call *c)
{
	if (c->api->parts.monitoring != NULL) {
		return true;
	}
	rp_reply_fail(c, 404, "monitoring disabled. re-enable to view monitoring statistics.");
	return false;
}

/* One filter: gt and lt have seconds since 1970, the others RFC 3339. NULL, or the complaint. */
static const char *take_time(const struct rp_listq_filter *f, struct rp_monitoring_span *span)
{
	int64_t t;
	bool seconds = f->op == RP_LISTQ_GT || f->op == RP_LISTQ_LT;
	struct rp_str text = rp_str_c(f->values.n == 1 ? f->values.v[0] : "");
	if (seconds && rp_str_i64(text, 0, SECONDS_MAX, &t) != 0) {
		return "Illegal timestamp value: expected one number of seconds since 1970";
	}
	if (!seconds && rp_time_parse(text, &t) != 0) {
		return "Illegal time value: expected one RFC 3339 time";
	}
	if (f->op == RP_LISTQ_GT) {
		span->from = RP_MAX(span->from, t * RP_NS_PER_S + 1);
	} else if (f->op == RP_LISTQ_LT) {
		span->to = RP_MIN(span->to, t * RP_NS_PER_S - 1);
	} else if (f->op == RP_LISTQ_SINCE) {
		span->from = RP_MAX(span->from, t);
	} else {
		span->to = RP_MIN(span->to, t);
	}
	return NULL;
}

int rp_monitoring_parse(struct rp_api_call *c, const struct rp_listq_spec *spec, struct rp_listq *q,
    struct rp_monitoring_span *span)
{
	int err = rp_api_list_query(c, spec, q);
	if (err != 0) {
		return err;
	}
	*span = (struct rp_monitoring_span){.from = 0, .to = INT64_MAX};
	for (size_t i = 0; i < q->n_filters; i++) {
		const char *complaint = take_time(&q->filters[i], span);
		if (complaint != NULL) {
			rp_reply_fail(c, 400, "%s", complaint);
			rp_listq_fini(q);
			return RP_EINVAL;
		}
	}
	return 0;
}

/* Lists */

static const char *const metrics_fields[] = {
    "timestamp", "cpu_usage_percent", "memory_usage_percent", "io_usage_percent", NULL};
static const char *const processes_fields[] = {"timestamp", "processes", NULL};
static const char *const mountpoints_fields[] = {"timestamp", "mountpoints", NULL};

static const struct rp_listq_resource metrics_resources[] = {
    {"metrics", metrics_fields, metrics_fields}, {NULL, NULL, NULL}};
static const struct rp_listq_resource processes_resources[] = {
    {"processes", processes_fields, processes_fields}, {NULL, NULL, NULL}};
static const struct rp_listq_resource mountpoints_resources[] = {
    {"mountpoints", mountpoints_fields, mountpoints_fields}, {NULL, NULL, NULL}};

#define SPEC(resources_, max)                                                                \
	{                                                                                    \
		.filters = rp_monitoring_filters, .sorts = rp_monitoring_sorts,              \
		.default_sort = "-timestamp", .resources = (resources_), .limit_default = 1, \
		.limit_max = (max)                                                           \
	}
static const struct rp_listq_spec specs[] = {
    [RP_MONITORING_METRICS] = SPEC(metrics_resources, 120),
    [RP_MONITORING_PROCESSES] = SPEC(processes_resources, 10),
    [RP_MONITORING_MOUNTPOINTS] = SPEC(mountpoints_resources, 100),
};

struct list {
	struct rp_api_call *call;
	struct rp_listq q;
	enum rp_monitoring_part part;
};

static void list_free(struct list *l)
{
	rp_listq_fini(&l->q);
	rp_free(l);
}

static bool wants(const struct list *l, const char *field)
{
	const struct rp_listq_spec *spec = &specs[l->part];
	return rp_listq_wants(&l->q, spec, spec->resources[0].name, field);
}

static void write_row(struct rp_jsonw *w, const struct list *l, const struct rp_measurement *m)
{
	const struct {
		const char *key;
		double v;
	} numbers[] = {{"cpu_usage_percent", m->cpu}, {"memory_usage_percent", m->memory},
	    {"io_usage_percent", m->io}};
	rp_jsonw_obj(w);
	if (wants(l, "timestamp")) {
		rp_jsonw_put_time(w, "timestamp", m->timestamp);
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(numbers); i++) {
		if (wants(l, numbers[i].key)) {
			rp_jsonw_key(w, numbers[i].key);
			rp_jsonw_double(w, numbers[i].v);
		}
	}
	const char *text = specs[l->part].resources[0].name;
	if (l->part != RP_MONITORING_METRICS && wants(l, text)) {
		rp_jsonw_key(w, text);
		rp_jsonw_raw(w, m->json);
	}
	rp_jsonw_obj_end(w);
}

static void on_list(
    void *ctx, int code, const struct rp_measurements *list, const struct rp_err *err)
{
	struct list *l = ctx;
	struct rp_reply r;
	if (code != 0) {
		rp_reply_code(l->call, code, err);
	} else {
		rp_reply_begin(&r);
		rp_jsonw_arr(&r.w);
		for (size_t i = 0; i < list->n; i++) {
			write_row(&r.w, l, &list->v[i]);
		}
		rp_jsonw_arr_end(&r.w);
		rp_reply_end_count(&r, l->call, list->total);
	}
	list_free(l);
}

static int start(struct rp_api_call *c, struct list *l, struct rp_monitoring_span span)
{
	const struct rp_monitoring_query query = {
	    .client_id = c->params[0],
	    .part = l->part,
	    .span = span,
	    .oldest_first = !l->q.sorts[0].desc,
	    .limit = l->q.limit,
	    .offset = l->q.offset,
	};
	return rp_monitoring_read(c->api->parts.monitoring, &query, on_list, l);
}

static void reply_list(struct rp_api_call *c, enum rp_monitoring_part part)
{
	struct rp_monitoring_span span;
	if (!rp_monitoring_on(c)) {
		return;
	}
	struct list *l = rp_calloc(1, sizeof(*l));
	if (l == NULL) {
		rp_reply_code(c, RP_ENOMEM, NULL);
		return;
	}
	l->call = c;
	l->part = part;
	if (rp_monitoring_parse(c, &specs[part], &l->q, &span) != 0) {
		rp_free(l);
		return;
	}
	int err = start(c, l, span);
	if (err != 0) {
		list_free(l);
		rp_reply_code(c, err, NULL);
	}
}

void rp_api_metrics(struct rp_api_call *c)
{
	reply_list(c, RP_MONITORING_METRICS);
}

void rp_api_processes(struct rp_api_call *c)
{
	reply_list(c, RP_MONITORING_PROCESSES);
}

void rp_api_mountpoints(struct rp_api_call *c)
{
	reply_list(c, RP_MONITORING_MOUNTPOINTS);
}

/* Updates */

static void on_refreshed(void *ctx, int code, const char *p, size_t n)
{
	struct rp_api_call *c = ctx;
	(void)n;
	if (code == 0) {
		rp_reply_empty(c, 204);
	} else if (code == RP_EDENIED) {
		rp_reply_fail(c, 409, "client error: %s", p);
	} else if (code == RP_ECLOSED) {
		rp_reply_fail(c, 404, "client with id %s not found", c->params[0]);
	} else {
		rp_reply_fail(c, 409, "client error: %s", rp_err_text(code));
	}
}

void rp_api_updates_refresh(struct rp_api_call *c)
{
	const struct rp_client *client = rp_registry_get(c->api->parts.registry, c->params[0]);
	const struct rp_call_order call = {
	    .name = "refresh_updates_status", .payload = "null", .timeout_ms = REFRESH_MS};
	if (client == NULL || !rp_client_connected(client)) {
		rp_reply_fail(c, 404, "client with id %s not found", c->params[0]);
		return;
	}
	int err = rp_registry_call(c->api->parts.registry, c->params[0], &call, on_refreshed, c);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}
