/* SPDX-License-Identifier: MIT */
/*
 * Files on their way to clients (rport-api 4.9, wire protocol 4.7): the folder where they wait, and
 * one request per client that makes it fetch the file. On the control loop.
 *
 * A file is deleted when every client has answered or cannot answer any more. What a stopped server
 * leaves behind is removed at the next start.
 */
#ifndef RP_API_UPLOADS_H
#define RP_API_UPLOADS_H

#include <stdbool.h>
#include <stdint.h>

#include "api/spool.h"
#include "core/defs.h"
#include "core/err.h"
#include "core/list.h"
#include "core/loop.h"
#include "core/str.h"
#include "server/audit.h"
#include "server/registry.h"

/* Files under way at once, still being received or sent; more is RP_EBUSY. */
#define RP_UPLOADS_MAX 256u
/* Clients that fetch one file at the same time. */
#define RP_UPLOAD_PARALLEL 16u

struct rp_uploads;

struct rp_uploads_options {
	struct rp_loop *loop;
	struct rp_registry *registry;
	struct rp_audit *audit; /* may be NULL */
	const char *data_dir;
};
/* Removes what is left in the folder; the folder is made on first use (blocking, at start). */
RP_NODISCARD int rp_uploads_new(
    const struct rp_uploads_options *opt, struct rp_uploads **out, struct rp_err *err);
/* Nothing is started any more. */
void rp_uploads_close(struct rp_uploads *us);
/* When the loop has ended: removes the files of what was under way. */
void rp_uploads_free(struct rp_uploads *us);

/* What one client made of it (rport-api 4.9); borrowed. */
struct rp_upload_result {
	const char *client_id;
	const char *id;
	const char *path; /* on the client; "" if it failed */
	int64_t size;
	const char *message;
	const char *status; /* success, ignored, error */
};
/* The JSON object of rport-api 4.9: owned text, NULL without memory. */
char *rp_upload_result_text(const struct rp_upload_result *r);

/* Hears the results of all uploads until it is taken out again. Embed it. */
struct rp_upload_watch {
	struct rp_list node;
	void (*on_result)(struct rp_upload_watch *w, const struct rp_upload_result *r);
};
void rp_uploads_watch(struct rp_uploads *us, struct rp_upload_watch *w);
/* Harmless for one that is not watching. */
void rp_uploads_unwatch(struct rp_upload_watch *w);

/* One file. All text is owned by it. */
struct rp_upload {
	char *path;   /* here, set by rp_upload_new */
	char *id;     /* set by rp_upload_new; may be replaced */
	char *dest;   /* on the client */
	int64_t mode; /* POSIX bits, 0 = the client's default */
	char *owner;  /* "" = leave */
	char *group;
	bool force;
	bool sync;
	uint64_t size;
	uint8_t md5[RP_SPOOL_MD5_BYTES];
	struct rp_strlist clients; /* ids */
	char *username;            /* for the audit log */
	char *remote_ip;
};
/* A place for a file: makes the folder and names. RP_EBUSY, RP_ENOMEM, RP_EIO (err). */
RP_NODISCARD int rp_upload_new(struct rp_uploads *us, struct rp_upload **out, struct rp_err *err);
/* Gives the place back; the file is the caller's matter. NULL is fine. */
void rp_upload_free(struct rp_uploads *us, struct rp_upload *u);
/* Takes u, whose file is there now, and sends it to its clients in the background. Results come from
 * the loop. */
void rp_upload_start(struct rp_uploads *us, struct rp_upload *u);
/* What the audit log tells of it: owned JSON text, NULL without memory. */
char *rp_upload_text(const struct rp_upload *u);

/* Does a destination lie where nothing may be written (RP_EDENIED, *folder says where), or is it no
 * absolute path of Unix or Windows (RP_EINVAL)? */
RP_NODISCARD int rp_upload_check_dest(const char *dest, const char **folder);

#endif
