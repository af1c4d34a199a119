/* SPDX-License-Identifier: MIT */
/*
 * Client groups (rport-api 4.4): named sets of clients, described by their properties, and the
 * groups of users that may use what is in them. In memory, in the order of their ids, and in
 * SQLite. Who belongs where is worked out when a client or a group changes (the registry asks),
 * never by a reader.
 */
#ifndef RP_SERVER_CGROUPS_H
#define RP_SERVER_CGROUPS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/str.h"
#include "server/store.h"

#define RP_CGROUPS_MAX   1000
#define RP_CGROUP_ID_MAX 30
/* Properties that a group may name: the keys of `params`. */
#define RP_CGROUP_RULES 14

struct rp_client;

/* What one property has to be: one of the values (`*` is any text, case does not count), or for
 * tags with `and` all of them. */
struct rp_cgroup_rule {
	bool set;
	bool all;
	struct rp_strlist values;
};

struct rp_cgroup {
	char *id;
	char *description;
	char *params; /* JSON object with all keys */
	struct rp_strlist allowed_user_groups;
	struct rp_cgroup_rule rules[RP_CGROUP_RULES]; /* params, ready for use */
};

/* Checks and reads params (owned by g) into the rules, and gives it its full form. RP_EINVAL with
 * a text that names the key; RP_ENOMEM. */
RP_NODISCARD int rp_cgroup_compile(struct rp_cgroup *g, struct rp_err *err);
/* Every property that the group names fits; false for a group that names none. */
bool rp_cgroup_matches(const struct rp_cgroup *g, const struct rp_client *c);
/* Frees what g owns. */
void rp_cgroup_fini(struct rp_cgroup *g);

struct rp_cgroups;

/* Called when a group was stored, changed or deleted: the clients' memberships in it may differ. */
typedef void (*rp_cgroups_change_cb)(void *ctx, const char *id);

/* Loads all (blocking, at start). */
RP_NODISCARD int rp_cgroups_new(
    struct rp_store *store, struct rp_cgroups **out, struct rp_err *err);
void rp_cgroups_free(struct rp_cgroups *gs);
void rp_cgroups_on_change(struct rp_cgroups *gs, rp_cgroups_change_cb cb, void *ctx);

size_t rp_cgroups_count(const struct rp_cgroups *gs);
/* NULL if there is none. Borrowed until the loop's next turn. */
const struct rp_cgroup *rp_cgroups_find(const struct rp_cgroups *gs, const char *id);
/* Its place in the order of ids; false if there is none. */
bool rp_cgroups_index(const struct rp_cgroups *gs, const char *id, size_t *at);
/* The nth by id. */
const struct rp_cgroup *rp_cgroups_at(const struct rp_cgroups *gs, size_t n);

/* Works out c's groups and inherited_user_groups: against all groups, or against the one of that
 * id, which may be gone. RP_ENOMEM leaves the client in fewer groups, never in more. */
RP_NODISCARD int rp_cgroups_join(const struct rp_cgroups *gs, struct rp_client *c);
RP_NODISCARD int rp_cgroups_rejoin(
    const struct rp_cgroups *gs, struct rp_client *c, const char *id);

/* The two below: done on the loop when it is stored, and from then on it counts. */

/* Takes what the compiled *g owns, also on failure. create: RP_EEXIST reaches done when the id is
 * taken. RP_ELIMIT: there are RP_CGROUPS_MAX. */
RP_NODISCARD int rp_cgroups_put(
    struct rp_cgroups *gs, struct rp_cgroup *g, bool create, rp_store_done_cb done, void *ctx);
/* Also if there is no such group. */
RP_NODISCARD int rp_cgroups_delete(
    struct rp_cgroups *gs, const char *id, rp_store_done_cb done, void *ctx);

#endif
