/* SPDX-License-Identifier: MIT */
/*
 * GET /auditlog (rport-api 4.7).
 */
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/reply.h"
#include "server/audit.h"

#include "core/banned.h"

static const char *const filters[] = {"timestamp[gt]", "timestamp[lt]", "timestamp[since]",
    "timestamp[until]", "username", "remote_ip", "application", "action", "affected_id",
    "client_id", "client_hostname", NULL};
static const char *const sorts[] = {"timestamp", "username", "remote_ip", "application", "action",
    "affected_id", "client_id", "client_hostname", NULL};
static const struct rp_listq_spec spec = {
    .filters = filters,
    .sorts = sorts,
    .default_sort = "id",
    .limit_default = 10,
    .limit_max = 100,
};

/* Does a filter name the column, alone or among alternatives? */
static bool names_user(const struct rp_query *q)
{
	static const char head[] = "filter[";
	static const char column[] = "username";
	for (size_t i = 0; i < q->n; i++) {
		struct rp_str rest = rp_str_c(q->v[i].k);
		struct rp_str part;
		if (!rp_str_starts(rest, head)) {
			continue;
		}
		rest = rp_str_n(rest.p + strlen(head), strcspn(rest.p + strlen(head), "]"));
		while (rp_str_split(&rest, '|', &part)) {
			if (rp_str_eq(part, column)) {
				return true;
			}
		}
	}
	return false;
}

static void on_list(void *ctx, int code, const struct rp_audit_list *list, const struct rp_err *err)
{
	struct rp_api_call *c = ctx;
	if (code != 0) {
		rp_reply_code(c, code, err);
	} else {
		rp_reply_list(c, &rp_audit_entry_table, list->rows, list->n, list->total);
	}
}

void rp_api_auditlog(struct rp_api_call *c)
{
	bool all = rp_api_may_own(c, "");
	struct rp_listq q;
	if (!all && names_user(&c->query)) {
		const struct rp_api_error e = {
		    .status = 403,
		    .code = "",
		    .title = "filter forbidden",
		    .detail = "only members of group Administrators can filter by usernames",
		};
		rp_reply_error(c, &e);
		return;
	}
	if (rp_api_list_query(c, &spec, &q) != 0) {
		return;
	}
	const struct rp_audit_query query = {.username = all ? NULL : c->user.name, .q = &q};
	int err = rp_audit_read(c->api->parts.audit, &query, on_list, c);
	rp_listq_fini(&q);
	if (err != 0) {
		rp_reply_code(c, err, NULL);
	}
}
