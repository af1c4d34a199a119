/* SPDX-License-Identifier: MIT */
/*
 * The one place that decides whether a user may do something: who asks, what for, on which
 * object (rport-api 1.6, and the scopes of API tokens in 1.5). Pure decision, no state.
 */
#ifndef RP_ACL_AUTHORIZE_H
#define RP_ACL_AUTHORIZE_H

#include <stdbool.h>

#include "core/defs.h"
#include "core/str.h"

/* Function permissions, in the order of their names. */
enum rp_permission {
	RP_MAY_AUDITLOG = 1u << 0,
	RP_MAY_COMMANDS = 1u << 1,
	RP_MAY_MONITORING = 1u << 2,
	RP_MAY_SCHEDULER = 1u << 3,
	RP_MAY_SCRIPTS = 1u << 4,
	RP_MAY_TUNNELS = 1u << 5,
	RP_MAY_UPLOADS = 1u << 6,
	RP_MAY_VAULT = 1u << 7,
	RP_MAY_ALL = 0xff
};
#define RP_PERMISSIONS 8

/* Of bit 1 << i, as the API spells it. */
const char *rp_permission_name(unsigned i);

/* What the credentials reach. */
enum rp_scope {
	RP_SCOPE_FULL,         /* a password, a login, an API token "read+write" */
	RP_SCOPE_READ,         /* API token "read": nothing that changes, no WebSocket */
	RP_SCOPE_CLIENTS_AUTH, /* API token "clients-auth": only the credentials of clients */
	RP_SCOPE_TWO_FA,       /* a login without its second factor: only that can be given */
	RP_SCOPE_TOTP_SETUP    /* the same, and the user's first TOTP secret may be made */
};

struct rp_subject {
	const char *name;                /* borrowed */
	const struct rp_strlist *groups; /* borrowed */
	bool admin;
	unsigned permissions; /* RP_MAY_…; an administrator needs none */
	enum rp_scope scope;
};

/* All zero: to see that an object is there. */
struct rp_action {
	bool write; /* changes something */
	bool websocket;
	bool admin;          /* for administrators only */
	bool clients_auth;   /* deals with the credentials of clients */
	bool second_factor;  /* completes a login */
	bool totp_setup;     /* makes a TOTP secret where there is none */
	unsigned permission; /* one RP_MAY_…; 0 = none is needed */
};

/* Something that not everybody may use, such as a client or what a user has made. Borrowed. */
struct rp_object {
	/* Groups of users that may use it: named by itself (NULL: there is no such rule), and by the
	 * groups that it is in (NULL: it is in none). */
	const struct rp_strlist *allowed;
	const struct rp_strlist *inherited;
	/* Membership itself counts: administrators have to be in one of the groups as well. */
	bool members_only;
	const char *owner; /* who made it: only he may use it; NULL: no such rule */
};

enum rp_decision {
	RP_ALLOWED,
	RP_DENIED_SCOPE,      /* not by these credentials */
	RP_DENIED_TWO_FA,     /* not before the second factor of this login, or not after it */
	RP_DENIED_ADMIN,      /* not by this user: administrators only */
	RP_DENIED_PERMISSION, /* not by this user: the function is not granted */
	RP_DENIED_OBJECT,     /* not on this object */
	RP_DENIED_OWNER       /* not on this object: another user has made it */
};

/* o NULL: the action is on no particular object. The first reason in the order above. */
enum rp_decision rp_authorize(
    const struct rp_subject *s, const struct rp_action *a, const struct rp_object *o);

#endif
