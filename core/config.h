/* SPDX-License-Identifier: MIT */
/*
 * Configuration by table: one row per option says where it stands in the file, on the command
 * line, in the environment and in the struct, what it may be and what it is by default.
 * Command line > file > environment > default. Values of rows marked secret never stand in a
 * message. Nothing is printed or logged here: errors are in rp_err, warnings are collected for
 * the caller to log once the log is open.
 */
#ifndef RP_CORE_CONFIG_H
#define RP_CORE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/defs.h"
#include "core/err.h"
#include "core/service.h"
#include "core/str.h"

enum rp_conf_type {
	RP_CONF_STR,      /* char *: never NULL after loading, "" = not set */
	RP_CONF_STRLIST,  /* struct rp_strlist; in the file a list or one text with commas */
	RP_CONF_BOOL,     /* bool */
	RP_CONF_INT,      /* int64_t */
	RP_CONF_FLOAT,    /* double */
	RP_CONF_DURATION, /* int64_t ns: "90s", "1h30m"; a bare number other than 0 is refused */
	RP_CONF_STORAGE,  /* int64_t ns: whole number and "h" or "d" */
	RP_CONF_DAYS,     /* int64_t ns: whole number of days */
	RP_CONF_SIZE,     /* int64_t bytes: "256MiB", "10MB", 4096 */
	RP_CONF_PORTS,    /* struct rp_port_list: "20000-30000", "8080" */
	RP_CONF_STRMAP, /* struct rp_strmap: a table of texts; its keys in lower case, as RPort has them */
	RP_CONF_LISTMAP, /* struct rp_listmap: a whole section, each value a text or a list */
	RP_CONF_TABLES /* struct rp_toml *: an array of tables ([[section.key]]) as it is, NULL = none;
	                  whoever uses it checks what is inside */
};

#define RP_CONF_F_SECRET 1u /* never in messages; samples of public example files are refused */
#define RP_CONF_F_ALIAS  2u /* another spelling of an earlier row with the same offset */
#define RP_CONF_F_OLD    4u /* as alias, with a warning that names the new key */
#define RP_CONF_F_ONE    8u /* command line: one entry per flag, commas belong to it */
#define RP_CONF_F_SECONDS \
	16u /* duration: a bare number is seconds, because old example files have it so */
#define RP_CONF_F_MINUTES 32u /* duration: a bare number is minutes */

struct rp_port_range {
	uint16_t first;
	uint16_t last;
};

struct rp_port_list {
	struct rp_port_range *v;
	size_t n;
};

bool rp_port_list_has(const struct rp_port_list *l, uint16_t port);

/* Ordered map from names to lists of texts. */
struct rp_listmap {
	char **k;
	struct rp_strlist *v;
	size_t n;
};

/* NULL if there is no such name (exact match). */
const struct rp_strlist *rp_listmap_get(const struct rp_listmap *m, const char *k);

struct rp_conf_opt {
	const char *section; /* NULL: command line only */
	const char *key;     /* NULL: the whole section (RP_CONF_LISTMAP) */
	enum rp_conf_type type;
	unsigned flags;
	size_t offset;
	const char
	    *def; /* as text; the entries of a list stand on lines of their own. NULL: zero or "" */
	int64_t min; /* numbers, sizes and durations: allowed range, unless both are 0 */
	int64_t max;
	const char *flag; /* long option without "--" */
	char letter;
	const char *env;
	const char *help; /* for rows with a flag */
};

struct rp_conf_spec {
	const char *program;      /* for --help */
	const char *usage;        /* what follows the program's name */
	const char *default_file; /* read if it exists and -c is not given */
	const char *service_file; /* of an installed service, if -c is not given */
	const struct rp_conf_opt *opts;
	size_t n_opts;
	const char *const *ignored_sections; /* known, without meaning here; ends with NULL */
	bool takes_args;
};

enum rp_conf_mode {
	RP_CONF_RUN,
	RP_CONF_CHECK,
	RP_CONF_VERSION,
	RP_CONF_HELP,
	RP_CONF_SERVICE
};

struct rp_conf_origin;

/* State of a loaded configuration, embedded next to the struct that it fills. */
struct rp_conf {
	const struct rp_conf_spec *spec;
	void *dst;
	struct rp_conf_origin *origins; /* one per row */
	char *file;                     /* the file that was read, else NULL */
	struct rp_strlist args;         /* positional arguments */
	struct rp_strlist warnings;     /* for the log, in order */
	struct rp_service_ask service;  /* RP_CONF_SERVICE: points into argv */
};

/* Reads everything into the zeroed dst. argv holds arguments only: neither program nor role.
 * Returns a mode >= 0 or an error with its text. VERSION and HELP come back with nothing
 * loaded, and so does SERVICE with another action than install. Call rp_conf_fini in every case. */
RP_NODISCARD int rp_conf_load(struct rp_conf *c, int argc, char *const *argv, struct rp_err *err);
/* Overwrites the secrets in argv, where everybody on this machine reads them. After rp_conf_load. */
void rp_conf_hide_secrets(const struct rp_conf_spec *spec, int argc, char *const *argv);
/* Sets spec and dst; no allocation. */
void rp_conf_init(struct rp_conf *c, const struct rp_conf_spec *spec, void *dst);
/* Frees what the rows describe in dst, secrets wiped, and c itself. Idempotent. */
void rp_conf_fini(struct rp_conf *c);
/* Text of --help. */
RP_NODISCARD int rp_conf_help(const struct rp_conf_spec *spec, struct rp_buf *out);
/* The same to standard output: 0 or 1, the program's exit status. */
int rp_conf_print_help(const struct rp_conf_spec *spec);
/* What --check-config says about a valid configuration. */
void rp_conf_print_valid(const struct rp_conf *c);

/* For rules over loaded values; member points into dst, to a field that a row describes.
 * rp_conf_fail puts where the value came from ("file:line: section.key: ", "--flag: ") before
 * the text and returns RP_EINVAL. The text must not contain a secret. */
int rp_conf_fail(const struct rp_conf *c, const void *member, struct rp_err *err, const char *fmt,
    ...) RP_PRINTF(4, 5);
/* True if the value does not come from the default. */
bool rp_conf_is_set(const struct rp_conf *c, const void *member);
/* Another warning for the log. Beyond 100 they are dropped. */
RP_NODISCARD int rp_conf_warn(struct rp_conf *c, const char *fmt, ...) RP_PRINTF(2, 3);
/* As RP_CONF_STR does it: replaces an owned text. RP_ENOMEM. */
RP_NODISCARD int rp_conf_replace(char **field, const char *text);

#endif
