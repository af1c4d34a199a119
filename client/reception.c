/* SPDX-License-Identifier: MIT */
/*
 * CHECKING -> FETCHING -> PLACING -> DROPPING -> over. One piece of work of a file is on the pool at
 * a time. While bytes are written others come, as many as fit in the buffer; the download asks for
 * no more than that.
 *
 * Whatever goes wrong is noted in err; the file then goes straight to DROPPING, when the pool is
 * done with it.
 */
#include "client/reception.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uv.h>

#include "client/download.h"
#include "client/incoming.h"
#include "core/alloc.h"
#include "core/buf.h"
#include "core/crypto.h"
#include "core/json.h"
#include "core/jsonw.h"
#include "core/list.h"
#include "core/log.h"

#include "core/banned.h"

#define COMPONENT  "file-reception"
#define ANSWER_MAX ((size_t)65536)
#define SOURCE_MAX 4096u
#define ID_MAX     1024u
/* Bytes of them in the log. */
#define SHOWN_ID   128
#define SHOWN_PATH 1024

/* Payload of the request. */
struct order {
	char *id;
	char *source;
	char *destination;
	int64_t mode;
	char *owner;
	char *group;
	bool force;
	bool sync;
	char *md5;
};

#define F(key, member, kind)                                                  \
	{                                                                     \
		key, RP_FIELD_##kind, 0, offsetof(struct order, member), NULL \
	}
static const struct rp_json_field order_fields[] = {
    F("ID", id, STR),
    F("SourceFilePath", source, STR),
    F("DestinationPath", destination, STR),
    F("DestinationFileMode", mode, INT),
    F("DestinationFileOwner", owner, STR),
    F("DestinationFileGroup", group, STR),
    F("ForceWrite", force, BOOL),
    F("Sync", sync, BOOL),
    F("Md5Checksum", md5, STR),
};
static const struct rp_json_table order_table = RP_JSON_TABLE(order_fields, struct order);

enum step {
	CHECKING,
	FETCHING,
	PLACING,
	DROPPING
};

struct file {
	struct rp_list node;
	struct rp_reception *r;
	struct rp_mux *mux; /* NULL: the connection has ended */
	rp_reception_cb on_answer;
	void *ctx;
	struct order order;
	struct rp_incoming in;
	atomic_bool cancelled;

	enum step step;
	struct rp_err err; /* code 0: all is well */
	bool wanted;
	bool fetched; /* all bytes have come */
	struct rp_download *download;
	struct rp_buf queue;   /* came, not being written */
	struct rp_buf writing; /* on the pool */
	struct rp_deferred turn;
	uv_work_t work;
	bool busy;
	struct rp_err work_err;
};

struct rp_reception {
	struct rp_loop *loop;
	const struct rp_client_config *cfg;
	struct rp_strlist own; /* globs */
	mode_t umask;
	struct rp_list files;
	unsigned n;
	bool closing;
	void (*on_closed)(void *ctx);
	void *ctx;
	struct rp_deferred closed;
};

static void start_work(struct file *f, enum step step);

/* Life */

static void on_closed(struct rp_deferred *d)
{
	struct rp_reception *r = RP_CONTAINER_OF(d, struct rp_reception, closed);
	void (*cb)(void *ctx) = r->on_closed;
	void *ctx = r->ctx;
	rp_strlist_fini(&r->own);
	rp_free(r);
	cb(ctx);
}

static void maybe_closed(struct rp_reception *r)
{
	if (r->closing && r->n == 0) {
		rp_loop_defer(r->loop, &r->closed);
	}
}

static void file_free(struct file *f)
{
	rp_loop_defer_cancel(&f->turn);
	rp_json_release(&order_table, &f->order);
	rp_buf_fini(&f->queue);
	rp_buf_fini(&f->writing);
	rp_free(f);
}

static char *answer_text(const struct file *f)
{
	struct rp_buf out;
	struct rp_jsonw w;
	char *message = f->wanted
	    ? rp_asprintf("%sfile successfully copied to destination %s", f->in.remarks,
	          f->order.destination)
	    : rp_asprintf("file %s already exists, should not be synched or overwritten with force",
	          f->order.destination);
	if (message == NULL) {
		return NULL;
	}
	rp_buf_init(&out, ANSWER_MAX);
	rp_jsonw_init(&w, &out);
	rp_jsonw_obj(&w);
	rp_jsonw_put_str(&w, "uuid", f->order.id);
	rp_jsonw_put_str(&w, "filepath", f->order.destination);
	rp_jsonw_put_int(&w, "size", (int64_t)f->in.size);
	rp_jsonw_put_str(&w, "message", message);
	rp_jsonw_put_str(&w, "status", f->wanted ? "success" : "ignored");
	rp_jsonw_obj_end(&w);
	rp_free(message);
	return rp_jsonw_take(&w);
}

/* The beginning of a server's text, for the log: whole characters. */
static void show(const char *text, char *out, size_t size)
{
	size_t at = 0;
	for (size_t left = strnlen(text, size); left > 0 && at + 5 < size;) {
		size_t n = rp_utf8_len(text, left);
		out[at] = '?';
		memcpy(out + at, text, n);
		at += n > 0 ? n : 1;
		text += n > 0 ? n : 1;
		left -= n > 0 ? n : 1;
	}
	out[at] = '\0';
}

static void log_end(const struct file *f)
{
	char id[SHOWN_ID];
	char destination[SHOWN_PATH];
	char why[sizeof(f->err.msg)];
	char md5[33];
	show(f->order.id, id, sizeof(id));
	show(f->order.destination, destination, sizeof(destination));
	if (f->err.code != 0) {
		show(f->err.msg, why, sizeof(why));
		rp_log_error(COMPONENT, "upload %s to %s: %s", id, destination, why);
	} else if (!f->wanted) {
		rp_log_info(COMPONENT, "upload %s: %s stays as it is", id, destination);
	} else {
		rp_hex(f->in.req.md5, sizeof(f->in.req.md5), md5);
		rp_log_info(COMPONENT, "upload %s: %s received, size=%llu md5=%s sha256=%s %s", id,
		    destination, (unsigned long long)f->in.size, md5, f->in.sha256_text,
		    f->in.remarks);
	}
}

/* The last step of each way. */
static void answer(struct file *f)
{
	struct rp_reception *r = f->r;
	char *text = f->err.code == 0 ? answer_text(f) : NULL;
	log_end(f);
	if (text != NULL) {
		f->on_answer(f->ctx, true, text);
	} else {
		f->on_answer(f->ctx, false, f->err.code != 0 ? f->err.msg : rp_err_text(RP_ENOMEM));
	}
	rp_free(text);
	rp_list_remove(&f->node);
	r->n--;
	file_free(f);
	maybe_closed(r);
}

/* The first reason counts. */
static void fail(struct file *f, int code, const char *why)
{
	if (f->err.code == 0) {
		(void)rp_err_set(&f->err, code, "%s", why);
	}
	atomic_store(&f->cancelled, true);
	if (f->download != NULL) {
		rp_download_cancel(f->download);
		f->download = NULL;
	}
	if (!f->busy && f->step != DROPPING) {
		start_work(f, DROPPING);
	}
}

/* Work on the pool */

static int run_check(struct file *f)
{
	int code = rp_incoming_check(&f->in, &f->wanted, &f->work_err);
	return code == 0 && f->wanted ? rp_incoming_open(&f->in, &f->work_err) : code;
}

static void on_work(uv_work_t *work)
{
	struct file *f = work->data;
	int code = 0;
	switch (f->step) {
	case CHECKING:
		code = run_check(f);
		break;
	case FETCHING:
		code = rp_incoming_write(
		    &f->in, rp_buf_head(&f->writing), f->writing.len, &f->work_err);
		break;
	case PLACING:
		code = rp_incoming_place(&f->in, &f->work_err);
		break;
	case DROPPING:
		break;
	}
	f->work_err.code = code;
	if (code != 0 || f->step == PLACING || f->step == DROPPING) {
		rp_incoming_drop(&f->in);
	}
}

static size_t room(void *ctx)
{
	const struct file *f = ctx;
	size_t used = f->queue.len + f->writing.len;
	return used < RP_RECEPTION_BUFFER ? RP_RECEPTION_BUFFER - used : 0;
}

static void on_data(void *ctx, const uint8_t *p, size_t n)
{
	struct file *f = ctx;
	if (f->err.code == 0 && rp_buf_add(&f->queue, p, n) != 0) {
		(void)rp_err_no_memory(&f->err);
	}
	rp_loop_defer(f->r->loop, &f->turn);
}

static void on_end(void *ctx, int code, const char *why)
{
	struct file *f = ctx;
	f->download = NULL;
	if (code != 0) {
		fail(f, code, why);
		return;
	}
	f->fetched = true;
	rp_loop_defer(f->r->loop, &f->turn);
}

static void fetch(struct file *f)
{
	static const struct rp_download_ops ops = {
	    .room = room, .on_data = on_data, .on_end = on_end};
	f->step = FETCHING;
	int code = f->mux == NULL
	    ? RP_ECLOSED
	    : rp_download_start(f->r->loop, f->mux, f->order.source, &ops, f, &f->download);
	if (code != 0) {
		fail(f, code, rp_err_text(code));
	}
}

/* What came in the meantime is written; at the end the file goes to its place. */
static void on_turn(struct rp_deferred *d)
{
	struct file *f = RP_CONTAINER_OF(d, struct file, turn);
	if (f->err.code != 0) {
		fail(f, f->err.code, f->err.msg);
		return;
	}
	if (f->busy || f->step != FETCHING) {
		return;
	}
	if (f->queue.len > 0) {
		struct rp_buf empty = f->writing;
		f->writing = f->queue;
		f->queue = empty;
		start_work(f, FETCHING);
	} else if (f->fetched) {
		start_work(f, PLACING);
	}
}

static void on_worked(uv_work_t *work, int status)
{
	struct file *f = work->data;
	(void)status;
	f->busy = false;
	rp_buf_clear(&f->writing);
	if (f->work_err.code != 0) {
		fail(f, f->work_err.code, f->work_err.msg);
		return;
	}
	if (f->step == DROPPING || f->step == PLACING || (f->step == CHECKING && !f->wanted)) {
		answer(f);
	} else if (f->err.code != 0) {
		start_work(f, DROPPING);
	} else if (f->step == CHECKING) {
		fetch(f);
	} else {
		if (f->download != NULL) {
			rp_download_go_on(f->download);
		}
		rp_loop_defer(f->r->loop, &f->turn);
	}
}

static void start_work(struct file *f, enum step step)
{
	f->step = step;
	f->busy = true;
	f->work.data = f;
	f->work_err = (struct rp_err){0};
	RP_VERIFY(uv_queue_work(rp_loop_uv(f->r->loop), &f->work, on_work, on_worked) == 0);
}

/* Requests */

static int own_md5(const char *text, uint8_t *md5)
{
	uint8_t *raw = NULL;
	size_t n = 0;
	if (rp_base64_decode(rp_str_c(text), &raw, &n) != 0) {
		return RP_EINVAL;
	}
	int code = n == 16 ? 0 : RP_EINVAL;
	if (code == 0) {
		memcpy(md5, raw, 16);
	}
	rp_free(raw);
	return code;
}

static int take_order(struct file *f, struct rp_err *err)
{
	struct order *o = &f->order;
	char **texts[] = {&o->id, &o->source, &o->destination, &o->owner, &o->group, &o->md5};
	for (size_t i = 0; i < RP_ARRAY_LEN(texts); i++) {
		*texts[i] = *texts[i] != NULL ? *texts[i] : rp_strdup("");
		if (*texts[i] == NULL) {
			return rp_err_no_memory(err);
		}
	}
	if (strnlen(o->id, ID_MAX) == ID_MAX) {
		return rp_err_set(err, RP_EINVAL, "the ID is too long");
	}
	if (o->source[0] == '\0') {
		return rp_err_set(err, RP_EINVAL, "empty source file name");
	}
	if (strnlen(o->source, SOURCE_MAX) == SOURCE_MAX) {
		return rp_err_set(err, RP_EINVAL, "source file name is too long");
	}
	f->in = (struct rp_incoming){
	    .req =
	        {
	            .destination = o->destination,
	            .mode = o->mode,
	            .owner = o->owner,
	            .group = o->group,
	            .force = o->force,
	            .sync = o->sync,
	        },
	    .rules = {.protected = &f->r->cfg->file_reception.protected, .own = &f->r->own},
	    .data_dir = f->r->cfg->client.data_dir,
	    .umask = f->r->umask,
	    .cancelled = &f->cancelled,
	};
	int code = rp_incoming_init(&f->in, err);
	if (code == 0 && own_md5(o->md5, f->in.req.md5) != 0) {
		code = rp_err_set(
		    err, RP_EINVAL, "invalid Md5Checksum: expected 16 bytes as base64");
	}
	return code;
}

static struct file *file_new(struct rp_reception *r)
{
	struct file *f = rp_calloc(1, sizeof(*f));
	if (f != NULL) {
		f->r = r;
		f->turn.run = on_turn;
		rp_list_init(&f->turn.node);
		atomic_init(&f->cancelled, false);
		rp_buf_init(&f->queue, RP_RECEPTION_BUFFER);
		rp_buf_init(&f->writing, RP_RECEPTION_BUFFER);
	}
	return f;
}

int rp_reception_start(struct rp_reception *r, struct rp_mux *mux, struct rp_str payload,
    rp_reception_cb on_answer, void *ctx, struct rp_err *err)
{
	if (!r->cfg->file_reception.enabled) {
		return rp_err_set(err, RP_EDENIED,
		    "uploads are disabled on this client, check [file-reception] enabled option");
	}
	if (r->closing || r->n >= RP_RECEPTION_MAX) {
		return rp_err_set(err, RP_EBUSY, "%u uploads are under way", r->n);
	}
	struct file *f = file_new(r);
	if (f == NULL) {
		return rp_err_no_memory(err);
	}
	int code = rp_json_decode_text(payload.p, payload.len, &order_table, false, &f->order, err);
	code = code != 0 ? code : take_order(f, err);
	if (code != 0) {
		file_free(f);
		return code;
	}
	f->mux = mux;
	f->on_answer = on_answer;
	f->ctx = ctx;
	rp_list_append(&r->files, &f->node);
	r->n++;
	start_work(f, CHECKING);
	return 0;
}

static void lose(struct file *f)
{
	f->mux = NULL;
	if (f->step != PLACING) {
		fail(f, RP_ECLOSED, "the connection was lost");
	}
}

void rp_reception_lost(struct rp_reception *r, struct rp_mux *mux)
{
	struct rp_list *it;
	struct rp_list *tmp;
	RP_LIST_FOREACH(it, tmp, &r->files) {
		struct file *f = RP_LIST_ENTRY(it, struct file, node);
		if (f->mux == mux) {
			lose(f);
		}
	}
}

void rp_reception_close(struct rp_reception *r, void (*on_closed_cb)(void *ctx), void *ctx)
{
	struct rp_list *it;
	struct rp_list *tmp;
	r->closing = true;
	r->on_closed = on_closed_cb;
	r->ctx = ctx;
	RP_LIST_FOREACH(it, tmp, &r->files) {
		lose(RP_LIST_ENTRY(it, struct file, node));
	}
	maybe_closed(r);
}

/* What is ours */

/* The path is real and has no signs of globs; rest may have. "" is left out. */
static int add_own(struct rp_reception *r, const char *path, const char *rest)
{
	struct rp_buf glob;
	char *real = path[0] == '\0' ? NULL : realpath(path, NULL);
	const char *p = real != NULL ? real : path;
	rp_buf_init(&glob, ANSWER_MAX);
	int code = 0;
	for (size_t i = 0; p[i] != '\0' && code == 0; i++) {
		if (strchr("*?[]\\", p[i]) != NULL) {
			code = rp_buf_add_u8(&glob, '\\');
		}
		code = code != 0 ? code : rp_buf_add_u8(&glob, (uint8_t)p[i]);
	}
	code = code != 0 ? code : rp_buf_add_str(&glob, rest);
	if (code == 0 && p[0] != '\0') {
		code = rp_strlist_add(&r->own, rp_str_n(rp_buf_head(&glob), glob.len));
	}
	rp_buf_fini(&glob);
	free(real);
	return code;
}

/* What decides about us, what we write about what was decided, and what lets others be us. */
static int find_own(struct rp_reception *r)
{
	static const char *const rest[] = {
	    "/scripts", RP_INCOMING_PLACE, "/commands.log*", "/state.json", "/.ssh"};
	const struct rp_client_config *cfg = r->cfg;
	int code = add_own(r, cfg->conf.file != NULL ? cfg->conf.file : "", "");
	code = code != 0 ? code : add_own(r, cfg->logging.log_file, "*");
	code = code != 0 ? code : add_own(r, cfg->client.attributes_file_path, "");
	code = code != 0 ? code : add_own(r, "/proc/self/exe", "");
	const char *home = getenv("HOME");
	code = code != 0 ? code : add_own(r, home != NULL ? home : "", "/.ssh");
	for (size_t i = 0; i < RP_ARRAY_LEN(rest) && code == 0; i++) {
		code = add_own(r, cfg->client.data_dir, rest[i]);
	}
	return code;
}

int rp_reception_new(
    struct rp_loop *loop, const struct rp_client_config *cfg, struct rp_reception **out)
{
	struct rp_reception *r = rp_calloc(1, sizeof(*r));
	if (r == NULL) {
		return RP_ENOMEM;
	}
	r->loop = loop;
	r->cfg = cfg;
	rp_list_init(&r->files);
	r->closed.run = on_closed;
	rp_list_init(&r->closed.node);
	r->umask = umask(0);
	(void)umask(r->umask);
	/* Where it cannot be made, that is what requests are answered. */
	(void)mkdir(cfg->client.data_dir, 0700);
	int code = find_own(r);
	if (code != 0) {
		rp_strlist_fini(&r->own);
		rp_free(r);
		return code;
	}
	rp_incoming_clean(cfg->client.data_dir);
	*out = r;
	return 0;
}
