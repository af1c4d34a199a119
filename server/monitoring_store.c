/* SPDX-License-Identifier: MIT */
/*
 * SQL of the measurements table. Times are nanoseconds here: they are counted with.
 */
#include "server/monitoring_store.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/log.h"
#include "http/compress.h"

#include "core/banned.h"

#define COMPONENT "monitoring"
#define ROWS_MAX  120
/* A graph has about 3600 / 29 points, whatever its span (2 to 48 hours). */
#define POINTS_MAX     256
#define BUCKET_SECONDS 29
#define HOUR_NS        (INT64_C(3600) * RP_NS_PER_S)
/* Of a client's processes; more than a request of it may have is never kept. */
#define PROCESSES_MAX (16u * 1024 * 1024)

static const struct rp_db_migration migrations[] = {
    {"CREATE TABLE measurements ("
     " client_id TEXT NOT NULL,"
     " timestamp BIGINT NOT NULL,"
     " cpu_usage_percent DOUBLE PRECISION NOT NULL,"
     " memory_usage_percent DOUBLE PRECISION NOT NULL,"
     " io_usage_percent DOUBLE PRECISION NOT NULL,"
     " net_lan_in BIGINT,"
     " net_lan_out BIGINT,"
     " net_wan_in BIGINT,"
     " net_wan_out BIGINT,"
     /* Deflated: they are nearly all of it. */
     " processes BYTEA,"
     " mountpoints TEXT,"
     " PRIMARY KEY (client_id, timestamp));"
     "CREATE INDEX measurements_timestamp ON measurements (timestamp);"},
};
const struct rp_store_file rp_monitoring_store_file = {
    .name = "monitoring.db",
    .migrations = migrations,
    .n = RP_ARRAY_LEN(migrations),
    .reads_beside = true,
};

static void raw_free(struct rp_raw_measurement *m)
{
	rp_free(m->client_id);
	rp_free(m->text);
	rp_free(m);
}

struct rp_raw_measurement *rp_raw_measurement_new(const char *client_id, const char *p, size_t n)
{
	struct rp_raw_measurement *m = rp_calloc(1, sizeof(*m));
	if (m == NULL) {
		return NULL;
	}
	m->timestamp = rp_time_now();
	m->n = n;
	m->client_id = rp_strdup(client_id);
	m->text = rp_strndup(p, n);
	if (m->client_id == NULL || m->text == NULL) {
		raw_free(m);
		return NULL;
	}
	return m;
}

/* Writing */

/* As the client sends it; client_id and timestamp in it do not count. */
struct sent {
	double cpu_usage_percent;
	double memory_usage_percent;
	double io_usage_percent;
	char *processes;
	char *mountpoints;
	char *net_lan; /* JSON */
	char *net_wan;
};
#define F(key, kind)                                                       \
	{                                                                  \
#key, RP_FIELD_##kind, 0, offsetof(struct sent, key), NULL \
	}
static const struct rp_json_field sent_fields[] = {
    F(cpu_usage_percent, DOUBLE),
    F(memory_usage_percent, DOUBLE),
    F(io_usage_percent, DOUBLE),
    F(processes, STR),
    F(mountpoints, STR),
    F(net_lan, RAW),
    F(net_wan, RAW),
};
static const struct rp_json_table sent_table = RP_JSON_TABLE(sent_fields, struct sent);
#undef F

struct card {
	int64_t in;
	int64_t out;
};
static const struct rp_json_field card_fields[] = {
    {"in", RP_FIELD_INT, 0, offsetof(struct card, in), NULL},
    {"out", RP_FIELD_INT, 0, offsetof(struct card, out), NULL},
};
static const struct rp_json_table card_table = RP_JSON_TABLE(card_fields, struct card);

/* Two parameters: bytes in and out, or nothing. */
static void bind_card(struct rp_stmt *stmt, int i, const char *json)
{
	struct card c = {0};
	if (json == NULL || strcmp(json, "null") == 0 ||
	    rp_json_decode_text(json, strlen(json), &card_table, false, &c, NULL) != 0) {
		rp_stmt_bind_null(stmt, i);
		rp_stmt_bind_null(stmt, i + 1);
		return;
	}
	rp_stmt_bind_i64(stmt, i, c.in);
	rp_stmt_bind_i64(stmt, i + 1, c.out);
}

static int bind_deflated(struct rp_stmt *stmt, int i, const char *text)
{
	struct rp_buf packed;
	if (text == NULL) {
		rp_stmt_bind_null(stmt, i);
		return 0;
	}
	rp_buf_init(&packed, PROCESSES_MAX);
	int err = rp_compress(RP_CODING_DEFLATE, text, strlen(text), &packed);
	if (err == 0) {
		rp_stmt_bind_blob(stmt, i, rp_buf_head(&packed), packed.len);
	}
	rp_buf_fini(&packed);
	return err;
}

static int insert(struct rp_db *db, const struct rp_raw_measurement *raw, const struct sent *m,
    struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    "INSERT INTO measurements (client_id, timestamp, cpu_usage_percent,"
	    " memory_usage_percent, io_usage_percent, net_lan_in, net_lan_out, net_wan_in,"
	    " net_wan_out, processes, mountpoints) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	    " ON CONFLICT (client_id, timestamp) DO NOTHING",
	    &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, raw->client_id);
	rp_stmt_bind_i64(stmt, 2, raw->timestamp);
	rp_stmt_bind_double(stmt, 3, m->cpu_usage_percent);
	rp_stmt_bind_double(stmt, 4, m->memory_usage_percent);
	rp_stmt_bind_double(stmt, 5, m->io_usage_percent);
	bind_card(stmt, 6, m->net_lan);
	bind_card(stmt, 8, m->net_wan);
	code = bind_deflated(stmt, 10, m->processes);
	if (code != 0) {
		return rp_err_set(err, code, "%s", rp_err_text(code));
	}
	rp_stmt_bind_text(stmt, 11, m->mountpoints);
	return rp_stmt_run(stmt, err);
}

static int add_one(struct rp_db *db, const struct rp_raw_measurement *raw, struct rp_err *err)
{
	struct sent m = {0};
	struct rp_err bad = {0};
	int code = rp_json_decode_text(raw->text, raw->n, &sent_table, false, &m, &bad);
	if (code == RP_ENOMEM) {
		return rp_err_set(err, code, "out of memory");
	}
	if (code != 0) {
		rp_log_error(COMPONENT, "client %s sent an unreadable measurement: %s",
		    raw->client_id, bad.msg);
		return 0;
	}
	code = insert(db, raw, &m, err);
	rp_json_release(&sent_table, &m);
	return code;
}

struct batch {
	struct rp_list raw;
};

static int add_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct batch *b = arg;
	struct rp_list *it;
	struct rp_list *tmp;
	int code = rp_db_begin(db, err);
	if (code != 0) {
		return code;
	}
	RP_LIST_FOREACH(it, tmp, &b->raw) {
		code = add_one(db, RP_LIST_ENTRY(it, struct rp_raw_measurement, node), err);
		if (code != 0) {
			rp_db_rollback(db);
			return code;
		}
	}
	return rp_db_commit(db, err);
}

static void drop_all(struct rp_list *raw)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, raw) {
		rp_list_remove(it);
		raw_free(RP_LIST_ENTRY(it, struct rp_raw_measurement, node));
	}
}

static void batch_free(void *arg)
{
	struct batch *b = arg;
	drop_all(&b->raw);
	rp_free(b);
}

int rp_monitoring_store_add(
    struct rp_store *s, struct rp_list *raw, rp_store_done_cb done, void *ctx)
{
	struct batch *b = rp_malloc(sizeof(*b));
	struct rp_list *it;
	struct rp_list *tmp;
	if (b == NULL) {
		drop_all(raw);
		return RP_ENOMEM;
	}
	rp_list_init(&b->raw);
	RP_LIST_FOREACH(it, tmp, raw) {
		rp_list_remove(it);
		rp_list_append(&b->raw, it);
	}
	const struct rp_store_job job = {
	    .work = add_work,
	    .arg = b,
	    .free_arg = batch_free,
	    .done = done,
	    .ctx = ctx,
	};
	return rp_store_submit(s, &job);
}

/* Removing */

struct removal {
	int64_t before;
	int64_t *removed;
};

static int remove_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct removal *r = arg;
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    "DELETE FROM measurements WHERE timestamp IN"
	    " (SELECT timestamp FROM measurements WHERE timestamp < ?"
	    " ORDER BY timestamp LIMIT ?)",
	    &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_i64(stmt, 1, r->before);
	rp_stmt_bind_i64(stmt, 2, RP_MONITORING_REMOVE_MAX);
	code = rp_stmt_run(stmt, err);
	*r->removed = code == 0 ? rp_db_changes(db) : 0;
	return code;
}

int rp_monitoring_store_remove(
    struct rp_store *s, int64_t before, int64_t *removed, rp_store_done_cb done, void *ctx)
{
	struct removal *r = rp_malloc(sizeof(*r));
	if (r == NULL) {
		return RP_ENOMEM;
	}
	*r = (struct removal){.before = before, .removed = removed};
	const struct rp_store_job job = {
	    .work = remove_work, .arg = r, .free_arg = rp_free, .done = done, .ctx = ctx};
	return rp_store_submit(s, &job);
}

/* Lists */

struct read {
	struct rp_monitoring_query q;
	char *client_id;
	struct rp_measurement rows[ROWS_MAX];
	struct rp_measurements list;
	rp_measurements_cb cb;
	void *ctx;
};

static void read_free(void *arg)
{
	struct read *r = arg;
	for (size_t i = 0; i < r->list.n; i++) {
		rp_free(r->rows[i].json);
	}
	rp_free(r->client_id);
	rp_free(r);
}

/* What the client sent as text is only handed on if it is JSON. Takes the text. */
static char *checked_json(char *text)
{
	struct rp_json *j = NULL;
	if (text == NULL || rp_json_parse(text, strlen(text), &j, NULL) != 0) {
		rp_free(text);
		return NULL;
	}
	rp_json_free(j);
	return text;
}

static char *inflated(struct rp_stmt *stmt, int i)
{
	struct rp_buf text;
	char *out = NULL;
	size_t n;
	const void *p = rp_stmt_blob(stmt, i, &n);
	rp_buf_init(&text, PROCESSES_MAX);
	if (n == 0 || rp_decompress(p, n, &text) != 0 || rp_buf_take_string(&text, &out) != 0) {
		out = NULL;
	}
	rp_buf_fini(&text);
	return out;
}

/* The column that the query is for; owned. */
static char *read_json(struct rp_stmt *stmt, int i, enum rp_monitoring_part part)
{
	if (part == RP_MONITORING_PROCESSES) {
		return checked_json(inflated(stmt, i));
	}
	const char *text = rp_stmt_text(stmt, i);
	return text == NULL ? NULL : checked_json(rp_strdup(text));
}

static int count_rows(struct rp_db *db, struct read *r, struct rp_err *err)
{
	struct rp_stmt *stmt;
	int code = rp_db_stmt(db,
	    "SELECT COUNT(*) FROM measurements"
	    " WHERE client_id = ? AND timestamp >= ? AND timestamp <= ?",
	    &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, r->client_id);
	rp_stmt_bind_i64(stmt, 2, r->q.span.from);
	rp_stmt_bind_i64(stmt, 3, r->q.span.to);
	code = rp_stmt_step(stmt, err);
	r->list.total = code == 1 ? rp_stmt_i64(stmt, 0) : 0;
	rp_stmt_reset(stmt);
	return code < 0 ? code : 0;
}

#define ROWS(column, order)                                                                    \
	"SELECT timestamp, cpu_usage_percent, memory_usage_percent, io_usage_percent, " column \
	" FROM measurements WHERE client_id = ? AND timestamp >= ?"                            \
	" AND timestamp <= ? ORDER BY timestamp " order " LIMIT ? OFFSET ?"

static const char *rows_sql(const struct rp_monitoring_query *q)
{
	static const char *const sql[][2] = {
	    [RP_MONITORING_METRICS] = {ROWS("NULL", "DESC"), ROWS("NULL", "ASC")},
	    [RP_MONITORING_PROCESSES] = {ROWS("processes", "DESC"), ROWS("processes", "ASC")},
	    [RP_MONITORING_MOUNTPOINTS] = {ROWS("mountpoints", "DESC"), ROWS("mountpoints", "ASC")},
	};
	return sql[q->part][q->oldest_first ? 1 : 0];
}

static int read_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct read *r = arg;
	struct rp_stmt *stmt;
	int code = count_rows(db, r, err);
	code = code != 0 ? code : rp_db_stmt(db, rows_sql(&r->q), &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, r->client_id);
	rp_stmt_bind_i64(stmt, 2, r->q.span.from);
	rp_stmt_bind_i64(stmt, 3, r->q.span.to);
	rp_stmt_bind_i64(stmt, 4, RP_MIN(r->q.limit, ROWS_MAX));
	rp_stmt_bind_i64(stmt, 5, r->q.offset);
	while (r->list.n < ROWS_MAX && (code = rp_stmt_step(stmt, err)) == 1) {
		r->rows[r->list.n++] = (struct rp_measurement){
		    .timestamp = rp_stmt_i64(stmt, 0),
		    .cpu = rp_stmt_double(stmt, 1),
		    .memory = rp_stmt_double(stmt, 2),
		    .io = rp_stmt_double(stmt, 3),
		    .json = read_json(stmt, 4, r->q.part),
		};
	}
	rp_stmt_reset(stmt);
	return code < 0 ? code : 0;
}

static void on_read(void *ctx, int code, const struct rp_err *err)
{
	struct read *r = ctx;
	r->list.v = r->rows;
	r->cb(r->ctx, code, &r->list, err);
}

int rp_monitoring_store_read(
    struct rp_store *s, const struct rp_monitoring_query *query, rp_measurements_cb cb, void *ctx)
{
	struct read *r = rp_calloc(1, sizeof(*r));
	char *id = rp_strdup(query->client_id);
	if (r == NULL || id == NULL) {
		rp_free(r);
		rp_free(id);
		return RP_ENOMEM;
	}
	r->q = *query;
	r->q.client_id = r->client_id = id;
	r->cb = cb;
	r->ctx = ctx;
	const struct rp_store_job job = {
	    .work = read_work, .arg = r, .free_arg = read_free, .done = on_read, .ctx = r};
	return rp_store_read(s, &job);
}

/* Graphs */

struct graph {
	char *client_id;
	struct rp_monitoring_span span;
	struct rp_graph_point points[POINTS_MAX];
	struct rp_graph out;
	rp_graph_cb cb;
	void *ctx;
};

static void graph_free(void *arg)
{
	struct graph *g = arg;
	rp_free(g->client_id);
	rp_free(g);
}

static double two_decimals(double v)
{
	return round(v * 100.0) / 100.0;
}

static void read_point(struct rp_stmt *stmt, struct rp_graph_point *p)
{
	p->timestamp = rp_stmt_i64(stmt, 0);
	for (int i = 0; i < RP_GRAPH_VALUES; i++) {
		int at = 1 + i * 3;
		p->v[i] = (struct rp_graph_stat){
		    .set = !rp_stmt_is_null(stmt, at),
		    .avg = two_decimals(rp_stmt_double(stmt, at)),
		    .min = rp_stmt_double(stmt, at + 1),
		    .max = rp_stmt_double(stmt, at + 2),
		};
	}
}

#define STATS(column) "AVG(" column "), MIN(" column "), MAX(" column ")"

static int graph_work(struct rp_db *db, void *arg, struct rp_err *err)
{
	struct graph *g = arg;
	struct rp_stmt *stmt;
	/* The original's width: 29 seconds for each hour, with the hours in hundredths. */
	double hours = (double)(g->span.to - g->span.from) / (double)HOUR_NS;
	int64_t width = (int64_t)(two_decimals(hours) * BUCKET_SECONDS * (double)RP_NS_PER_S);
	int code = rp_db_stmt(db,
	    "SELECT MIN(timestamp), " STATS("cpu_usage_percent") ", " STATS("memory_usage_percent") ", " STATS("io_usage_percent") ", " STATS(
	        "net_lan_in") ", " STATS("net_lan_out") ", " STATS("net_wan_in") ", " STATS("net_wan_out") " FROM measurements WHERE client_id = ? AND timestamp >= ? AND timestamp <= ?"
	                                                                                                   " GROUP BY (timestamp + ?) / ? ORDER BY 1",
	    &stmt, err);
	if (code != 0) {
		return code;
	}
	rp_stmt_bind_text(stmt, 1, g->client_id);
	rp_stmt_bind_i64(stmt, 2, g->span.from);
	rp_stmt_bind_i64(stmt, 3, g->span.to);
	rp_stmt_bind_i64(stmt, 4, width / 2);
	rp_stmt_bind_i64(stmt, 5, RP_MAX(width, 1));
	while (g->out.n < POINTS_MAX && (code = rp_stmt_step(stmt, err)) == 1) {
		read_point(stmt, &g->points[g->out.n++]);
	}
	rp_stmt_reset(stmt);
	return code < 0 ? code : 0;
}

static void on_graph(void *ctx, int code, const struct rp_err *err)
{
	struct graph *g = ctx;
	g->out.v = g->points;
	g->cb(g->ctx, code, &g->out, err);
}

int rp_monitoring_store_graph(struct rp_store *s, const char *client_id,
    struct rp_monitoring_span span, rp_graph_cb cb, void *ctx)
{
	struct graph *g = rp_calloc(1, sizeof(*g));
	char *id = rp_strdup(client_id);
	if (g == NULL || id == NULL) {
		rp_free(g);
		rp_free(id);
		return RP_ENOMEM;
	}
	g->client_id = id;
	g->span = span;
	g->cb = cb;
	g->ctx = ctx;
	const struct rp_store_job job = {
	    .work = graph_work, .arg = g, .free_arg = graph_free, .done = on_graph, .ctx = g};
	return rp_store_read(s, &job);
}
