/* SPDX-License-Identifier: MIT */
/*
 * What a configuration may say and hardly means to: a warning each, for the log and for
 * --check-config.
 */
#include <unistd.h>

#include "client/config.h"
#include "client/place.h"
#include "client/policy.h"

#include "core/banned.h"

/* Whoever may write here becomes root. */
#define ROOTS_OWN "/etc/passwd"

static int warn_of_impostors(struct rp_client_config *cfg)
{
	return cfg->client.fingerprint[0] != '\0'
	    ? 0
	    : rp_conf_warn(&cfg->conf,
	          "client.fingerprint is not set: the server's identity is not verified");
}

static int warn_of_files(struct rp_client_config *cfg)
{
	const struct rp_conf_file_reception *f = &cfg->file_reception;
	if (geteuid() != 0 || !cfg->client.allow_root || !f->enabled ||
	    rp_place_is_protected(&f->protected, ROOTS_OWN)) {
		return 0;
	}
	return rp_conf_warn(&cfg->conf,
	    "the client runs as root and receives files: whoever may send some on the server can "
	    "replace any file here but those of file-reception.protected, and so do everything. "
	    "Run it as another user, or set file-reception.enabled = false, or add '/etc', '/root', "
	    "'/usr', '/opt', '/home' and '/var' to file-reception.protected");
}

/* Paths begin with a slash, which no wildcard matches. */
static int warn_of_globs(struct rp_client_config *cfg)
{
	const struct rp_strlist *globs = &cfg->file_reception.protected;
	int rc = 0;
	for (size_t i = 0; i < globs->n && rc == 0; i++) {
		if (globs->v[i][0] != '/') {
			rc = rp_conf_warn(&cfg->conf,
			    "file-reception.protected: \"%s\" protects nothing, expected a path from "
			    "the root on, such as \"/%s\"",
			    globs->v[i], globs->v[i]);
		}
	}
	return rc;
}

static bool is_utf8(const char *encoding)
{
	return encoding[0] == '\0' || rp_ascii_ieq(encoding, "UTF-8") ||
	    rp_ascii_ieq(encoding, "UTF8");
}

static int warn_of_encodings(struct rp_client_config *cfg)
{
	const struct rp_listmap *m = &cfg->interpreter_aliases;
	int rc = 0;
	for (size_t i = 0; i < m->n && rc == 0; i++) {
		const struct rp_strlist *v = &m->v[i];
		for (size_t k = 1; k < v->n && rc == 0; k++) {
			rc = is_utf8(v->v[k])
			    ? 0
			    : rp_conf_warn(&cfg->conf,
			          "interpreter-aliases.%s: the encoding \"%s\" is not used, scripts and "
			          "their output are UTF-8",
			          m->k[i], v->v[k]);
		}
	}
	return rc;
}

int rp_client_config_warn(struct rp_client_config *cfg)
{
	int rc = rp_client_policy_warn(cfg);
	rc = rc != 0 ? rc : warn_of_impostors(cfg);
	rc = rc != 0 ? rc : warn_of_files(cfg);
	rc = rc != 0 ? rc : warn_of_globs(cfg);
	return rc != 0 ? rc : warn_of_encodings(cfg);
}
