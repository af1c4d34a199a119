/* SPDX-License-Identifier: MIT */
/*
 * What a connection needs from the configuration, parsed once at start: addresses, proxy,
 * headers, credentials, tunnels. Errors are configuration errors with RPort's texts.
 */
#ifndef RP_CLIENT_SETUP_H
#define RP_CLIENT_SETUP_H

#include <stdbool.h>
#include <stddef.h>

#include "acl/targets.h"
#include "client/config.h"
#include "core/defs.h"
#include "core/err.h"
#include "http/url.h"
#include "tunnel/remote.h"

struct rp_client_setup {
	struct rp_url *servers; /* the main one first */
	char **names;           /* of the servers, for the log: scheme://host:port */
	size_t n_servers;
	bool any_tls;
	bool has_proxy;
	struct rp_url proxy;
	struct rp_strmap headers;
	char *user_agent;
	char *auth_id;
	char *auth_password;
	struct rp_target_rules allowed;
	struct rp_remote *remotes;
	size_t n_remotes;
};

/* Resolves names of remotes if there are rules for targets (blocks: for the start only). Fills
 * *s (need not be initialised); rp_client_setup_fini in every case. */
RP_NODISCARD int rp_client_setup_init(
    struct rp_client_setup *s, const struct rp_client_config *cfg, struct rp_err *err);
void rp_client_setup_fini(struct rp_client_setup *s);

/* Is a server with these fingerprints the configured one? A text that starts with "SHA256:" is
 * a prefix of the second form, any other of the first; empty means all (2.4). */
bool rp_client_fingerprint_ok(const char *wanted, const char *md5, const char *sha256);

#endif
