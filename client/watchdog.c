/* SPDX-License-Identifier: MIT */
/*
 * The state file, replaced as a whole so that nobody reads half of one.
 */
#include "client/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "client/uplink.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/jsonpretty.h"
#include "core/jsonw.h"
#include "core/log.h"

#include "core/banned.h"

#define MESSAGE_MAX 256
#define STATE_MAX   4096

struct state_job {
	struct rp_serial_job job;
	struct rp_watchdog *w;
	struct rp_buf text;
};

void rp_watchdog_init(struct rp_watchdog *w)
{
	*w = (struct rp_watchdog){0};
	rp_supervisor_init(&w->supervisor);
}

/* --- the file --- */

static int write_new(const char *path, const struct rp_buf *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0) {
		return uv_translate_sys_error(errno);
	}
	ssize_t done = write(fd, rp_buf_head(text), text->len);
	int err = done < 0 ? uv_translate_sys_error(errno) : (size_t)done < text->len ? RP_EIO : 0;
	(void)close(fd);
	return err;
}

/* No fsync: after a power cut nobody asks how the client was. */
static int replace(const char *path, const struct rp_buf *text)
{
	char *temp = rp_asprintf("%s.new", path);
	if (temp == NULL) {
		return RP_ENOMEM;
	}
	int err = write_new(temp, text);
	if (err == 0 && rename(temp, path) != 0) {
		err = uv_translate_sys_error(errno);
	}
	rp_free(temp);
	return err;
}

/* The members and their order are the original's. */
static int print_state(struct rp_buf *out, enum rp_watchdog_state state, const char *message)
{
	static const char *const names[] = {"initialized", "connected", "reconnecting"};
	struct rp_buf compact;
	struct rp_jsonw w;
	int64_t now = rp_time_now();
	rp_buf_init(&compact, STATE_MAX);
	rp_jsonw_init(&w, &compact);
	rp_jsonw_obj(&w);
	rp_jsonw_put_time(&w, "last_update", now);
	rp_jsonw_put_int(&w, "last_update_ts", now / RP_NS_PER_S);
	rp_jsonw_put_str(&w, "last_state", names[state]);
	rp_jsonw_put_str(&w, "last_message", message);
	rp_jsonw_obj_end(&w);
	int err = rp_jsonw_end(&w);
	if (err == 0) {
		err = rp_json_pretty(
		    rp_str_n((const char *)rp_buf_head(&compact), compact.len), "  ", out);
	}
	rp_buf_fini(&compact);
	return err;
}

static int work(struct rp_serial_job *job, void *ctx)
{
	struct state_job *s = RP_CONTAINER_OF(job, struct state_job, job);
	(void)ctx;
	return replace(s->w->path, &s->text);
}

static void free_job(struct state_job *s)
{
	rp_buf_fini(&s->text);
	rp_free(s);
}

static void done(struct rp_serial_job *job, int status)
{
	struct state_job *s = RP_CONTAINER_OF(job, struct state_job, job);
	struct rp_watchdog *w = s->w;
	if (status != 0 && !w->failed) {
		rp_log_error(RP_CLIENT_LOG, "cannot write %s: %s", w->path, rp_err_text(status));
	}
	w->failed = status != 0;
	free_job(s);
}

/* What cannot be queued is left out: the next event is not far. */
static void write_state(struct rp_watchdog *w, enum rp_watchdog_state state, const char *message)
{
	struct state_job *s = rp_calloc(1, sizeof(*s));
	if (s == NULL) {
		return;
	}
	s->w = w;
	s->job.work = work;
	s->job.done = done;
	rp_buf_init(&s->text, STATE_MAX);
	if (print_state(&s->text, state, message) != 0 ||
	    rp_serial_submit(w->files, &s->job) != 0) {
		free_job(s);
	}
}

int rp_watchdog_open(
    struct rp_watchdog *w, struct rp_serial *files, const char *data_dir, struct rp_err *err)
{
	struct rp_buf text;
	rp_buf_init(&text, STATE_MAX);
	w->files = files;
	w->path = rp_asprintf("%s/state.json", data_dir);
	int code = w->path == NULL ? RP_ENOMEM : print_state(&text, RP_WATCHDOG_INITIALIZED, "");
	code = code != 0 ? code : replace(w->path, &text);
	rp_buf_fini(&text);
	return code == 0
	    ? 0
	    : rp_err_set(err, code, "watchdog_integration: cannot write %s/state.json: %s",
	          data_dir, rp_err_text(code));
}

/* --- events --- */

void rp_watchdog_tell(struct rp_watchdog *w, enum rp_watchdog_state state, const char *fmt, ...)
{
	char message[MESSAGE_MAX];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	rp_supervisor_status(&w->supervisor, message);
	if (w->path != NULL && w->files != NULL) {
		rp_supervisor_beat(&w->supervisor);
		write_state(w, state, message);
	}
}

void rp_watchdog_stop(struct rp_watchdog *w)
{
	w->files = NULL;
	rp_supervisor_stop(&w->supervisor);
}

void rp_watchdog_fini(struct rp_watchdog *w)
{
	rp_supervisor_fini(&w->supervisor);
	rp_free(w->path);
	w->path = NULL;
}
