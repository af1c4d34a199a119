/* SPDX-License-Identifier: MIT */
/*
 * The libraries of commands and of scripts (rport-api 4.5) in SQLite.
 */
#ifndef RP_API_LIBRARY_STORE_H
#define RP_API_LIBRARY_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "server/listread.h"
#include "server/store.h"

/* Of one library. */
#define RP_LIBRARY_MAX 10000

enum rp_library {
	RP_LIBRARY_COMMANDS,
	RP_LIBRARY_SCRIPTS
};

struct rp_library_entry {
	char *id;
	char *name;
	char *created_by;
	int64_t created_at;
	char *updated_by;
	int64_t updated_at;
	char *text; /* "cmd" or "script" */
	char *tags; /* JSON: an array of strings; NULL = null */
	int64_t timeout_sec;
	/* Scripts only: */
	char *interpreter;
	bool is_sudo;
	char *cwd;
};
/* As the API shows them. */
const struct rp_json_table *rp_library_table(enum rp_library lib);

/* e NULL on failure; else as it is stored, borrowed. Once on the control loop. */
typedef void (*rp_library_cb)(
    void *ctx, int code, const struct rp_library_entry *e, const struct rp_err *err);
/* Copies e. RP_EEXIST: the name is taken; RP_ELIMIT. */
RP_NODISCARD int rp_library_store_add(struct rp_store *s, enum rp_library lib,
    const struct rp_library_entry *e, rp_library_cb cb, void *ctx);
/* All but id, created_by and created_at changes. RP_ENOENT, RP_EEXIST. */
RP_NODISCARD int rp_library_store_change(struct rp_store *s, enum rp_library lib,
    const struct rp_library_entry *e, rp_library_cb cb, void *ctx);
/* RP_ENOENT by the callback. */
RP_NODISCARD int rp_library_store_delete(
    struct rp_store *s, enum rp_library lib, const char *id, rp_store_done_cb done, void *ctx);
/* For rp_listread. */
const struct rp_listread_spec *rp_library_store_list(enum rp_library lib);

#endif
