/* SPDX-License-Identifier: MIT */
/*
 * GET /schedules/preview (ours): when a schedule would run, before it is made. Zones are files, so all
 * of it happens on libuv's pool.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <uv.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/zone.h"
#include "server/cron.h"

#include "core/banned.h"

#define COUNT_DEFAULT 5
#define COUNT_MAX     20
#define LOCAL_MAX     40

struct preview {
	uv_work_t work;
	struct rp_api_call *call;
	char *text; /* with its zone */
	int64_t now;
	size_t wanted;
	size_t n;
	struct {
		int64_t at;
		int64_t offset;
	} runs[COUNT_MAX];
	int code;
	struct rp_err err;
};

static void find_runs(struct preview *p, const struct rp_cron *cron, const struct rp_zone *zone)
{
	int64_t t = p->now;
	while (p->n < p->wanted) {
		int64_t until;
		t = rp_cron_next(cron, zone, t);
		if (t == RP_CRON_NEVER) {
			break;
		}
		p->runs[p->n].at = t;
		p->runs[p->n].offset = rp_zone_offset(zone, t, &until);
		p->n++;
	}
	if (p->n == 0) {
		p->code = rp_err_set(&p->err, RP_EINVAL, "there is no such day");
	}
}

static void on_work(uv_work_t *work)
{
	struct preview *p = work->data;
	struct rp_cron cron;
	struct rp_zone *zone = NULL;
	p->code = rp_cron_parse(p->text, &cron, &p->err);
	if (p->code != 0) {
		return;
	}
	p->code = cron.zone != NULL ? rp_zone_load(cron.zone, &zone, &p->err)
	                            : rp_zone_local(&zone);
	if (p->code == 0) {
		find_runs(p, &cron, zone);
	}
	rp_zone_free(zone);
	rp_cron_fini(&cron);
}

/* As the clock on the wall shows it there. */
static void write_local(struct rp_jsonw *w, int64_t at, int64_t offset)
{
	char head[24];
	char text[LOCAL_MAX];
	struct tm tm;
	time_t wall = (time_t)(at + offset);
	int64_t minutes = (offset < 0 ? -offset : offset) / 60;
	(void)gmtime_r(&wall, &tm);
	(void)strftime(head, sizeof(head), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(text, sizeof(text), "%s%c%02d:%02d", head, offset < 0 ? '-' : '+',
	    (int)(minutes / 60 % 100), (int)(minutes % 60));
	rp_jsonw_put_str(w, "local", text);
}

static void reply(const struct preview *p)
{
	struct rp_reply r;
	rp_reply_begin(&r);
	rp_jsonw_obj(&r.w);
	rp_jsonw_key(&r.w, "next");
	rp_jsonw_arr(&r.w);
	for (size_t i = 0; i < p->n; i++) {
		rp_jsonw_obj(&r.w);
		rp_jsonw_put_time(&r.w, "time", p->runs[i].at * RP_NS_PER_S);
		write_local(&r.w, p->runs[i].at, p->runs[i].offset);
		rp_jsonw_obj_end(&r.w);
	}
	rp_jsonw_arr_end(&r.w);
	rp_jsonw_obj_end(&r.w);
	rp_reply_end(&r, p->call);
}

static void refuse(struct rp_api_call *c, const char *detail)
{
	const struct rp_api_error e = {
	    .status = 400, .code = "", .title = "Invalid schedule.", .detail = detail};
	rp_reply_error(c, &e);
}

static void on_worked(uv_work_t *work, int status)
{
	struct preview *p = work->data;
	int code = status != 0 ? status : p->code;
	if (code == 0) {
		reply(p);
	} else if (code == RP_EINVAL || code == RP_ENOENT) {
		refuse(p->call, p->err.msg);
	} else {
		rp_reply_code(p->call, code, NULL);
	}
	rp_free(p->text);
	rp_free(p);
}

static char *text_of(const struct rp_query *q)
{
	const char *text = rp_query_get(q, "schedule");
	const char *zone = rp_query_get(q, "tz");
	text = text != NULL ? text : "";
	return zone != NULL && zone[0] != '\0' ? rp_asprintf("CRON_TZ=%s %s", zone, text)
	                                       : rp_strdup(text);
}

void rp_api_schedule_preview(struct rp_api_call *c)
{
	const char *count = rp_query_get(&c->query, "count");
	const char *zone = rp_query_get(&c->query, "tz");
	uint64_t n = COUNT_DEFAULT;
	if (count != NULL && (rp_str_u64(rp_str_c(count), COUNT_MAX, &n) != 0 || n == 0)) {
		rp_reply_fail(c, 400, "invalid count: expected a number from 1 to %d", COUNT_MAX);
		return;
	}
	if (zone != NULL && rp_str_trim(rp_str_c(zone)).len != strcspn(zone, " \t")) {
		refuse(c, "tz is the name of a time zone, such as Europe/Berlin");
		return;
	}
	struct preview *p = rp_calloc(1, sizeof(*p));
	int err = RP_ENOMEM;
	if (p != NULL) {
		p->work.data = p;
		p->call = c;
		p->text = text_of(&c->query);
		p->now = rp_time_now() / RP_NS_PER_S;
		p->wanted = (size_t)n;
		err = p->text == NULL
		    ? RP_ENOMEM
		    : uv_queue_work(rp_loop_uv(c->api->parts.loop), &p->work, on_work, on_worked);
	}
	if (err != 0) {
		if (p != NULL) {
			rp_free(p->text);
			rp_free(p);
		}
		rp_reply_code(c, err, NULL);
	}
}
