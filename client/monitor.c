/* SPDX-License-Identifier: MIT */
/*
 * A measurement: the load at once, processes and mount points as errands, and when both are back, or
 * after their time, the payload. One timer: for the next measurement, and meanwhile for the lists.
 */
#include "client/monitor.h"

#include <string.h>

#include "client/errand.h"
#include "client/load.h"
#include "client/mounts.h"
#include "client/processes.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/jsonw.h"
#include "core/log.h"

#include "core/banned.h"

#define LOG               "monitoring"
#define LIST_BYTES_MAX    ((size_t)512 * 1024)
#define PAYLOAD_BYTES_MAX ((size_t)256 * 1024)

/* What an errand works on. It is the monitor's between two errands. */
struct look {
	struct rp_buf json;
	int rc;
	/* of processes */
	struct rp_processes before;
	struct rp_processes_options processes;
	/* of mount points: copies, because the configuration may be gone before a thread that hangs */
	struct rp_mounts_options mounts;
	struct rp_strlist types;
	struct rp_strlist exclude;
};

/* One of the two lists. */
struct part {
	struct look *look; /* NULL while the errand has it */
	struct rp_errand *errand;
	const struct rp_errand_ops *ops;
	const char *name;
	bool awaited; /* by the measurement under way */
	bool hangs;   /* was told */
};

struct rp_monitor {
	struct rp_monitor_options opt;
	struct rp_load load;
	struct rp_load_values values;
	struct part processes;
	struct part mounts;
	uv_timer_t timer;
	bool wanted;
	bool measuring;
	bool measured;
	uint64_t measured_ms; /* or when the counting began */
};

static void plan(struct rp_monitor *m, uint64_t ms);

/* --- the looks --- */

static void look_free(void *p)
{
	struct look *look = p;
	if (look == NULL) {
		return;
	}
	rp_buf_fini(&look->json);
	rp_processes_fini(&look->before);
	rp_strlist_fini(&look->types);
	rp_strlist_fini(&look->exclude);
	rp_free(look);
}

static struct look *look_new(const struct rp_monitor_options *opt)
{
	const struct rp_conf_client_monitoring *cfg = opt->cfg;
	struct look *look = rp_calloc(1, sizeof(*look));
	if (look == NULL) {
		return NULL;
	}
	rp_buf_init(&look->json, LIST_BYTES_MAX);
	if (rp_strlist_copy(&look->types, &cfg->fs_type_include) != 0 ||
	    rp_strlist_copy(&look->exclude, &cfg->fs_path_exclude) != 0) {
		look_free(look);
		return NULL;
	}
	look->processes = (struct rp_processes_options){
	    .root = opt->root,
	    .kernel_tasks = cfg->pm_kerneltasks_enabled,
	    .max = (size_t)cfg->pm_max_number_processes,
	};
	look->mounts = (struct rp_mounts_options){
	    .root = opt->root,
	    .types = &look->types,
	    .exclude = &look->exclude,
	    .exclude_below = cfg->fs_path_exclude_recurse,
	    .once_per_device = cfg->fs_identify_mountpoints_by_device,
	};
	return look;
}

static void list_processes(void *arg)
{
	struct look *look = arg;
	look->rc = rp_processes_list(&look->before, &look->processes, &look->json);
}

static void list_mounts(void *arg)
{
	struct look *look = arg;
	look->rc = rp_mounts_list(&look->mounts, &look->json);
}

/* --- the measurement --- */

static void put_rate(struct rp_jsonw *w, const char *key, const struct rp_load_rate *r)
{
	if (!r->set) {
		rp_jsonw_put_null(w, key);
		return;
	}
	rp_jsonw_key(w, key);
	rp_jsonw_obj(w);
	rp_jsonw_put_int(w, "in", r->in);
	rp_jsonw_put_int(w, "out", r->out);
	rp_jsonw_obj_end(w);
}

static void put_percent(struct rp_jsonw *w, const char *key, double v)
{
	rp_jsonw_key(w, key);
	rp_jsonw_double(w, v);
}

/* The list as a text, as the protocol wants it. */
static void put_list(
    struct rp_jsonw *w, const char *key, const struct part *part, const char *nothing)
{
	const struct look *look = part->look;
	rp_jsonw_key(w, key);
	if (look != NULL && look->rc == 0 && look->json.len > 0) {
		rp_jsonw_strn(w, rp_str_n(rp_buf_head(&look->json), look->json.len));
	} else {
		rp_jsonw_str(w, nothing);
	}
}

static int write_payload(const struct rp_monitor *m, struct rp_buf *out)
{
	struct rp_jsonw w;
	rp_jsonw_init(&w, out);
	rp_jsonw_obj(&w);
	rp_jsonw_put_str(&w, "client_id", "");
	rp_jsonw_put_time(&w, "timestamp", rp_time_now());
	put_percent(&w, "cpu_usage_percent", m->values.cpu);
	put_percent(&w, "memory_usage_percent", m->values.memory);
	put_percent(&w, "io_usage_percent", m->values.io);
	put_list(&w, "processes", &m->processes, "[]");
	put_list(&w, "mountpoints", &m->mounts, "{}");
	put_rate(&w, "net_lan", &m->values.lan);
	put_rate(&w, "net_wan", &m->values.wan);
	rp_jsonw_obj_end(&w);
	return rp_jsonw_end(&w);
}

/* What was read is in the payload, or too late for one. */
static void forget_lists(struct rp_monitor *m)
{
	struct part *parts[] = {&m->processes, &m->mounts};
	for (size_t i = 0; i < RP_ARRAY_LEN(parts); i++) {
		if (parts[i]->look != NULL) {
			rp_buf_fini(&parts[i]->look->json);
		}
		parts[i]->awaited = false;
	}
}

static void tell_hanging(struct part *part)
{
	if (part->errand != NULL && !part->hangs) {
		part->hangs = true;
		rp_log_error(LOG, "%s are not measured: the system does not answer", part->name);
	}
}

static void finish(struct rp_monitor *m)
{
	struct rp_buf payload;
	m->measuring = false;
	tell_hanging(&m->processes);
	tell_hanging(&m->mounts);
	rp_buf_init(&payload, PAYLOAD_BYTES_MAX);
	int rc = m->wanted ? write_payload(m, &payload) : 0;
	forget_lists(m);
	if (rc != 0) {
		rp_log_error(LOG, "a measurement is lost: %s", rp_err_text(rc));
	} else if (m->wanted) {
		rp_log_debug(LOG, "measured, %zu bytes", payload.len);
		m->opt.on_measured(m->opt.ctx, (const char *)rp_buf_head(&payload), payload.len);
	}
	rp_buf_fini(&payload);
	if (m->wanted) {
		plan(m, (uint64_t)(m->opt.cfg->interval / RP_NS_PER_MS));
	}
}

static void take_back(struct rp_monitor *m, struct part *part, struct look *look)
{
	part->look = look;
	part->errand = NULL;
	part->hangs = false;
	if (!part->awaited) {
		rp_buf_fini(&look->json);
		return;
	}
	part->awaited = false;
	if (look->rc != 0) {
		rp_log_debug(LOG, "%s: %s", part->name, rp_err_text(look->rc));
	}
	if (!m->processes.awaited && !m->mounts.awaited) {
		finish(m);
	}
}

static void on_processes(void *ctx, void *arg)
{
	struct rp_monitor *m = ctx;
	take_back(m, &m->processes, arg);
}

static void on_mounts(void *ctx, void *arg)
{
	struct rp_monitor *m = ctx;
	take_back(m, &m->mounts, arg);
}

static const struct rp_errand_ops process_ops = {list_processes, on_processes, look_free};
static const struct rp_errand_ops mount_ops = {list_mounts, on_mounts, look_free};

/* One that hangs, or that finds no thread, is left out. */
static void ask(struct rp_monitor *m, struct part *part)
{
	if (part->errand != NULL) {
		return;
	}
	if (part->look == NULL) {
		part->look = look_new(&m->opt);
	}
	if (part->look == NULL) {
		return;
	}
	part->look->processes.memory_total = m->values.memory_total;
	part->awaited = rp_errand_start(m->opt.loop, part->ops, part->look, m, &part->errand) == 0;
	if (part->awaited) {
		part->look = NULL;
	}
}

static void measure(struct rp_monitor *m)
{
	m->measuring = true;
	m->measured = true;
	m->measured_ms = rp_clock_ms();
	if (rp_load_look(&m->load, &m->values) != 0) {
		rp_log_error(LOG, "nothing is measured: %s", rp_err_text(RP_ENOMEM));
	}
	if (m->opt.cfg->pm_enabled) {
		ask(m, &m->processes);
	}
	ask(m, &m->mounts);
	if (m->processes.awaited || m->mounts.awaited) {
		plan(m, RP_MONITOR_LISTS_MS);
	} else {
		finish(m);
	}
}

static void on_timer(uv_timer_t *t)
{
	struct rp_monitor *m = t->data;
	if (m->measuring) {
		finish(m);
	} else {
		measure(m);
	}
}

static void plan(struct rp_monitor *m, uint64_t ms)
{
	RP_VERIFY(uv_timer_start(&m->timer, on_timer, ms, 0) == 0);
}

/* --- interface --- */

void rp_monitor_start(struct rp_monitor *m)
{
	if (m->wanted || !m->opt.cfg->enabled) {
		return;
	}
	uint64_t since = rp_clock_ms() - m->measured_ms;
	uint64_t distance = m->measured ? RP_MONITOR_DISTANCE_MS : m->opt.first_ms;
	m->wanted = true;
	/* One under way goes to who wants it now. */
	if (!m->measuring) {
		plan(m, since < distance ? distance - since : 0);
	}
}

void rp_monitor_stop(struct rp_monitor *m)
{
	m->wanted = false;
	if (!m->measuring) {
		(void)uv_timer_stop(&m->timer);
	}
}

static const char *card_name(const struct rp_strlist *card)
{
	return card->n > 0 && card->v[0][0] != '\0' ? card->v[0] : NULL;
}

int rp_monitor_new(const struct rp_monitor_options *opt, struct rp_monitor **out)
{
	struct rp_monitor *m = rp_calloc(1, sizeof(*m));
	*out = m;
	if (m == NULL) {
		return RP_ENOMEM;
	}
	m->opt = *opt;
	m->processes.ops = &process_ops;
	m->processes.name = "processes";
	m->mounts.ops = &mount_ops;
	m->mounts.name = "mount points";
	m->measured_ms = rp_clock_ms();
	rp_load_init(
	    &m->load, opt->root, card_name(&opt->cfg->net_lan), card_name(&opt->cfg->net_wan));
	RP_VERIFY(uv_timer_init(rp_loop_uv(opt->loop), &m->timer) == 0);
	m->timer.data = m;
	return 0;
}

static void on_timer_closed(uv_handle_t *h)
{
	rp_free(h->data);
}

void rp_monitor_close(struct rp_monitor *m)
{
	if (m == NULL) {
		return;
	}
	rp_errand_abandon(m->processes.errand);
	rp_errand_abandon(m->mounts.errand);
	look_free(m->processes.look);
	look_free(m->mounts.look);
	uv_close((uv_handle_t *)&m->timer, on_timer_closed);
}
