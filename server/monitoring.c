/* SPDX-License-Identifier: MIT */
/*
 * Measurements wait in a list for the next tick; a tick finds the batch before written, or leaves
 * the list to grow up to its cap.
 */
#include "server/monitoring.h"

#include <string.h>

#include <uv.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/hash.h"
#include "core/list.h"
#include "core/log.h"
#include "server/monitoring_store.h"

#include "core/banned.h"

#define COMPONENT "monitoring"
#define TICK_MS   1000
/* Of measurements that wait. */
#define PENDING_MAX       20000u
#define PENDING_BYTES_MAX (32u * 1024 * 1024)
/* How often to look for old ones, and for clients that send no more. */
#define REMOVE_MS 10000
#define FORGET_MS 60000

/* When a client's last measurement came. */
struct sender {
	struct rp_hash_node node;
	struct rp_list list;
	uint64_t last_ms;
	char id[];
};

struct rp_monitoring {
	struct rp_store *store;
	const struct rp_server_config *cfg;
	uv_timer_t tick;
	struct rp_list pending;
	size_t n_pending;
	size_t bytes;
	size_t dropped; /* since the last tick */
	struct rp_hash senders;
	struct rp_list sender_list;
	uint64_t remove_ms; /* when to look for old ones next */
	uint64_t forget_ms;
	int64_t removed;
	bool writing;
	bool removing;
	bool closing;
};

static void on_removed(void *ctx, int code, const struct rp_err *err)
{
	struct rp_monitoring *m = ctx;
	m->removing = false;
	if (code != 0) {
		rp_log_error(COMPONENT, "old measurements are not removed: %s", err->msg);
	} else if (m->removed >= RP_MONITORING_REMOVE_MAX) {
		m->remove_ms = 0; /* there are more */
	}
}

static void remove_old(struct rp_monitoring *m, uint64_t now)
{
	if (m->removing || now < m->remove_ms) {
		return;
	}
	m->remove_ms = now + REMOVE_MS;
	int64_t before = rp_time_now() - m->cfg->monitoring.data_storage_duration;
	m->removing = rp_monitoring_store_remove(m->store, before, &m->removed, on_removed, m) == 0;
}

static void sender_free(struct rp_monitoring *m, struct sender *s)
{
	rp_hash_remove(&m->senders, &s->node);
	rp_list_remove(&s->list);
	rp_free(s);
}

static void forget_senders(struct rp_monitoring *m, uint64_t now)
{
	struct rp_list *it;
	struct rp_list *tmp;
	if (now < m->forget_ms) {
		return;
	}
	m->forget_ms = now + FORGET_MS;
	RP_LIST_FOREACH(it, tmp, &m->sender_list) {
		struct sender *s = RP_LIST_ENTRY(it, struct sender, list);
		if (now - s->last_ms > FORGET_MS) {
			sender_free(m, s);
		}
	}
}

static void on_written(void *ctx, int code, const struct rp_err *err)
{
	struct rp_monitoring *m = ctx;
	m->writing = false;
	if (code != 0) {
		rp_log_error(COMPONENT, "measurements are lost: %s", err->msg);
	}
}

/* Sends what waits, whether or not a batch is under way. */
static void write_out(struct rp_monitoring *m)
{
	if (rp_list_empty(&m->pending)) {
		return;
	}
	size_t n = m->n_pending;
	int err = rp_monitoring_store_add(m->store, &m->pending, on_written, m);
	m->n_pending = 0;
	m->bytes = 0;
	if (err != 0) {
		rp_log_error(COMPONENT, "%zu measurements are lost: %s", n, rp_err_text(err));
	} else {
		m->writing = true;
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct rp_monitoring *m = timer->data;
	uint64_t now = rp_clock_ms();
	if (m->dropped > 0) {
		rp_log_info(COMPONENT, "%zu measurements are dropped: too many", m->dropped);
		m->dropped = 0;
	}
	if (!m->writing) {
		write_out(m);
	}
	remove_old(m, now);
	forget_senders(m, now);
}

int rp_monitoring_open(struct rp_loop *loop, const struct rp_server_config *cfg,
    struct rp_monitoring **out, struct rp_err *err)
{
	*out = NULL;
	if (!cfg->monitoring.enabled) {
		return 0;
	}
	struct rp_monitoring *m = rp_calloc(1, sizeof(*m));
	if (m == NULL) {
		return rp_err_no_memory(err);
	}
	m->cfg = cfg;
	rp_list_init(&m->pending);
	rp_list_init(&m->sender_list);
	rp_hash_init(&m->senders);
	int code = rp_store_open_file(loop, cfg->server.data_dir, cfg->server.sqlite_wal,
	    &rp_monitoring_store_file, &m->store, err);
	if (code != 0) {
		rp_monitoring_free(m);
		return code;
	}
	RP_VERIFY(uv_timer_init(rp_loop_uv(loop), &m->tick) == 0);
	m->tick.data = m;
	RP_VERIFY(uv_timer_start(&m->tick, on_tick, TICK_MS, TICK_MS) == 0);
	*out = m;
	return 0;
}

void rp_monitoring_close(struct rp_monitoring *m, void (*on_closed)(void *ctx), void *ctx)
{
	if (m == NULL) {
		if (on_closed != NULL) {
			on_closed(ctx);
		}
		return;
	}
	uv_close((uv_handle_t *)&m->tick, NULL);
	write_out(m);
	m->closing = true;
	rp_store_close(m->store, on_closed, ctx);
}

void rp_monitoring_free(struct rp_monitoring *m)
{
	struct rp_list *it;
	struct rp_list *tmp;
	if (m == NULL) {
		return;
	}
	RP_LIST_FOREACH(it, tmp, &m->sender_list) {
		sender_free(m, RP_LIST_ENTRY(it, struct sender, list));
	}
	rp_hash_fini(&m->senders);
	rp_free(m);
}

/* NULL: no memory. A new one has sent nothing yet. */
static struct sender *find_sender(struct rp_monitoring *m, const char *id, uint64_t now)
{
	struct rp_hash_node *node = rp_hash_get(&m->senders, id);
	if (node != NULL) {
		return RP_CONTAINER_OF(node, struct sender, node);
	}
	size_t n = strlen(id) + 1;
	struct sender *s = rp_calloc(1, sizeof(*s) + n);
	if (s == NULL) {
		return NULL;
	}
	memcpy(s->id, id, n);
	s->last_ms = now - RP_MONITORING_DISTANCE_MS;
	if (rp_hash_put(&m->senders, &s->node, s->id) != 0) {
		rp_free(s);
		return NULL;
	}
	rp_list_append(&m->sender_list, &s->list);
	return s;
}

static bool has_room(struct rp_monitoring *m, const char *client_id, size_t n)
{
	uint64_t now = rp_clock_ms();
	struct sender *s = find_sender(m, client_id, now);
	if (s == NULL || now - s->last_ms < RP_MONITORING_DISTANCE_MS ||
	    m->n_pending >= PENDING_MAX || n > PENDING_BYTES_MAX - m->bytes) {
		return false;
	}
	s->last_ms = now;
	return true;
}

void rp_monitoring_save(struct rp_monitoring *m, const char *client_id, const char *p, size_t n)
{
	if (m == NULL || m->closing) {
		return;
	}
	struct rp_raw_measurement *raw = has_room(m, client_id, n)
	    ? rp_raw_measurement_new(client_id, p, n)
	    : NULL;
	if (raw == NULL) {
		m->dropped++;
		return;
	}
	rp_list_append(&m->pending, &raw->node);
	m->n_pending++;
	m->bytes += n;
}

int rp_monitoring_read(struct rp_monitoring *m, const struct rp_monitoring_query *query,
    rp_measurements_cb cb, void *ctx)
{
	if (m->closing) {
		return RP_ECLOSED;
	}
	return rp_monitoring_store_read(m->store, query, cb, ctx);
}

int rp_monitoring_graph(struct rp_monitoring *m, const char *client_id,
    struct rp_monitoring_span span, rp_graph_cb cb, void *ctx)
{
	if (m->closing) {
		return RP_ECLOSED;
	}
	return rp_monitoring_store_graph(m->store, client_id, span, cb, ctx);
}
