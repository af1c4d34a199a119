/* SPDX-License-Identifier: MIT */
/*
 * Which request leaves which entry in the audit log (the words are the original's). A route that
 * changes something and stands neither here nor among the exceptions in test_api_walk.c fails that
 * test.
 */
#include <string.h>

#include "api/audit.h"

#include "core/banned.h"

static const struct rp_audit_route routes[] = {
    {"PUT", "/me", "auth.user.me", "update", RP_AUDIT_ID_NONE, NULL},
    {"POST", "/me/totp-secret", "auth.user.totp", "create", RP_AUDIT_ID_USER, NULL},
    {"DELETE", "/me/totp-secret", "auth.user.totp", "delete", RP_AUDIT_ID_USER, NULL},
    {"DELETE", "/users/{}/totp-secret", "auth.user.totp", "delete", RP_AUDIT_ID_OWNER, NULL},
    {"POST", "/me/tokens", "auth.user.me.token", "create", RP_AUDIT_ID_TOKEN, NULL},
    {"PUT", "/me/tokens/{}", "auth.user.me.token", "update", RP_AUDIT_ID_TOKEN, NULL},
    {"DELETE", "/me/tokens/{}", "auth.user.me.token", "delete", RP_AUDIT_ID_TOKEN, NULL},
    {"POST", "/users", "auth.user", "create", RP_AUDIT_ID_BODY, "username"},
    {"PUT", "/users/{}", "auth.user", "update", RP_AUDIT_ID_OWNER, NULL},
    {"DELETE", "/users/{}", "auth.user", "delete", RP_AUDIT_ID_OWNER, NULL},
    {"PUT", "/user-groups/{}", "auth.user.group", "update", RP_AUDIT_ID_OWNER, NULL},
    {"DELETE", "/user-groups/{}", "auth.user.group", "delete", RP_AUDIT_ID_OWNER, NULL},
    {"DELETE", "/users/{}/sessions", "auth.api.sessions", "delete", RP_AUDIT_ID_OWNER, NULL},
    {"DELETE", "/users/{}/sessions/{}", "auth.api.session", "delete", RP_AUDIT_ID_OWNER, NULL},
    {"DELETE", "/me/sessions/{}", "auth.api.session", "delete", RP_AUDIT_ID_USER, NULL},
    {"POST", "/clients-auth", "client.auth", "create", RP_AUDIT_ID_BODY, "id"},
    {"DELETE", "/clients-auth/{}", "client.auth", "delete", RP_AUDIT_ID_OWNER, NULL},
    {"POST", "/pairing", "client.pairing", "create", RP_AUDIT_ID_REPLY, "id"},
    {"DELETE", "/pairing/{}", "client.pairing", "delete", RP_AUDIT_ID_OWNER, NULL},
    {"POST", "/client-groups", "client.group", "create", RP_AUDIT_ID_BODY, "id"},
    {"PUT", "/client-groups/{}", "client.group", "update", RP_AUDIT_ID_OWNER, NULL},
    {"DELETE", "/client-groups/{}", "client.group", "delete", RP_AUDIT_ID_OWNER, NULL},
    {"DELETE", "/clients/{}", "client", "delete", RP_AUDIT_ID_OWNER, NULL},
    {"POST", "/clients/{}/acl", "client.acl", "update", RP_AUDIT_ID_OWNER, NULL},
    {"PUT", "/clients/{}/attributes", "client", "update", RP_AUDIT_ID_OWNER, NULL},
    {"PUT", "/clients/{}/tunnels", "client.tunnel", "create", RP_AUDIT_ID_REPLY, "id"},
    {"DELETE", "/clients/{}/tunnels/{}", "client.tunnel", "delete", RP_AUDIT_ID_PARAM, NULL},
    {"PUT", "/clients/{}/tunnels/{}/acl", "client.tunnel", "update", RP_AUDIT_ID_PARAM, NULL},
    {"POST", "/clients/{}/commands", "client.command", "execute.start", RP_AUDIT_ID_REPLY, "jid"},
    {"POST", "/clients/{}/scripts", "client.script", "execute.start", RP_AUDIT_ID_REPLY, "jid"},
    {"POST", "/commands/{}/stop", "client.command", "execute.stop", RP_AUDIT_ID_PARAM, NULL},
    {"POST", "/library/commands", "library.command", "create", RP_AUDIT_ID_REPLY, "id"},
    {"PUT", "/library/commands/{}", "library.command", "update", RP_AUDIT_ID_PARAM, NULL},
    {"DELETE", "/library/commands/{}", "library.command", "delete", RP_AUDIT_ID_PARAM, NULL},
    {"POST", "/library/scripts", "library.script", "create", RP_AUDIT_ID_REPLY, "id"},
    {"PUT", "/library/scripts/{}", "library.script", "update", RP_AUDIT_ID_PARAM, NULL},
    {"DELETE", "/library/scripts/{}", "library.script", "delete", RP_AUDIT_ID_PARAM, NULL},
    {"POST", "/vault-admin/init", "vault", "init", RP_AUDIT_ID_NONE, NULL},
    {"POST", "/vault-admin/sesame", "vault", "unlock", RP_AUDIT_ID_NONE, NULL},
    {"DELETE", "/vault-admin/sesame", "vault", "lock", RP_AUDIT_ID_NONE, NULL},
    {"POST", "/vault", "vault", "create", RP_AUDIT_ID_REPLY, "id"},
    {"PUT", "/vault/{}", "vault", "update", RP_AUDIT_ID_PARAM, NULL},
    {"DELETE", "/vault/{}", "vault", "delete", RP_AUDIT_ID_PARAM, NULL},
    {"POST", "/schedules", "schedule", "create", RP_AUDIT_ID_REPLY, "id"},
    {"PUT", "/schedules/{}", "schedule", "update", RP_AUDIT_ID_PARAM, NULL},
    {"DELETE", "/schedules/{}", "schedule", "delete", RP_AUDIT_ID_PARAM, NULL},
};

const struct rp_audit_route *rp_audit_route_of(const struct rp_route *r)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(routes); i++) {
		if (strcmp(routes[i].method, r->method) == 0 &&
		    strcmp(routes[i].path, r->path) == 0) {
			return &routes[i];
		}
	}
	return NULL;
}
