/* SPDX-License-Identifier: MIT */
/*
 * Each rule is a function that says yes or no; whoever adds one gives it a reason of its own.
 */
#include "acl/authorize.h"

#include <string.h>

#include "core/banned.h"

const char *rp_permission_name(unsigned i)
{
	static const char *const names[RP_PERMISSIONS] = {"auditlog", "commands", "monitoring",
	    "scheduler", "scripts", "tunnels", "uploads", "vault"};
	return i < RP_PERMISSIONS ? names[i] : "";
}

static bool in_scope(enum rp_scope scope, const struct rp_action *a)
{
	switch (scope) {
	case RP_SCOPE_TWO_FA:
	case RP_SCOPE_TOTP_SETUP:
	case RP_SCOPE_FULL:
		return true;
	case RP_SCOPE_READ:
		return !a->write && !a->websocket;
	case RP_SCOPE_CLIENTS_AUTH:
		return a->clients_auth;
	}
	return false;
}

static bool share_one(const struct rp_strlist *a, const struct rp_strlist *b)
{
	for (size_t i = 0; i < a->n; i++) {
		if (rp_strlist_has(b, a->v[i])) {
			return true;
		}
	}
	return false;
}

/* A half-way login gives its second factor and does nothing else; a complete one has none to give. */
static bool in_step(enum rp_scope scope, const struct rp_action *a)
{
	switch (scope) {
	case RP_SCOPE_TWO_FA:
		return a->second_factor;
	case RP_SCOPE_TOTP_SETUP:
		return a->second_factor || a->totp_setup;
	case RP_SCOPE_FULL:
	case RP_SCOPE_READ:
	case RP_SCOPE_CLIENTS_AUTH:
		break;
	}
	return !a->second_factor;
}

static bool may_use(const struct rp_subject *s, const struct rp_object *o)
{
	return (s->admin && !o->members_only) || o->allowed == NULL ||
	    share_one(o->allowed, s->groups) ||
	    (o->inherited != NULL && share_one(o->inherited, s->groups));
}

static bool owns(const struct rp_subject *s, const struct rp_object *o)
{
	return s->admin || o->owner == NULL || strcmp(s->name, o->owner) == 0;
}

enum rp_decision rp_authorize(
    const struct rp_subject *s, const struct rp_action *a, const struct rp_object *o)
{
	if (!in_scope(s->scope, a)) {
		return RP_DENIED_SCOPE;
	}
	if (!in_step(s->scope, a)) {
		return RP_DENIED_TWO_FA;
	}
	if (a->admin && !s->admin) {
		return RP_DENIED_ADMIN;
	}
	if (!s->admin && (a->permission & ~s->permissions) != 0) {
		return RP_DENIED_PERMISSION;
	}
	if (o != NULL && !may_use(s, o)) {
		return RP_DENIED_OBJECT;
	}
	return o == NULL || owns(s, o) ? RP_ALLOWED : RP_DENIED_OWNER;
}
