/* SPDX-License-Identifier: MIT */
/*
 * For whom a request on many clients is meant (rport-api 3.13): clients by id, by group or by tag.
 */
#ifndef RP_SERVER_AUDIENCE_H
#define RP_SERVER_AUDIENCE_H

#include <stdbool.h>

#include "core/defs.h"
#include "core/str.h"
#include "server/registry.h"

/* Clients that one request may reach. */
#define RP_AUDIENCE_MAX 10000

/* has_…: was named in the request, maybe as an empty list. */
struct rp_audience {
	bool has_clients;
	bool has_groups;
	bool has_tags;
	bool all_tags; /* AND; else any of them */
	struct rp_strlist client_ids;
	struct rp_strlist group_ids;
	struct rp_strlist tags;
};
void rp_audience_fini(struct rp_audience *a);
/* Takes tags over from the JSON text {"tags": […], "operator": "AND"}; text (NULL: not wanted) is
 * that as it was understood, owned. RP_ENOMEM, or what core/json.h says about the text. */
RP_NODISCARD int rp_audience_read_tags(
    struct rp_audience *a, const char *json, bool strict, char **text, struct rp_err *err);

/* Why it cannot be done, in the API's words. */
struct rp_problem {
	unsigned status; /* HTTP status */
	char title[256];
	char detail[256];
};
void rp_problem_set(struct rp_problem *p, unsigned status, const char *title, const char *detail);
/* The same with 400; returns RP_EINVAL. */
int rp_problem_bad(struct rp_problem *p, const char *title, const char *detail);

/* The ids of those clients, connected or not, each once: those named in their order, then those of
 * groups or tags as the registry has them. RP_EINVAL, RP_ENOENT, RP_ELIMIT, RP_ENOMEM: *p says
 * what is wrong. Who asks is not looked at. */
RP_NODISCARD int rp_audience_resolve(struct rp_registry *r, const struct rp_audience *a,
    struct rp_strlist *ids, struct rp_problem *p);

#endif
