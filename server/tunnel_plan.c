/* SPDX-License-Identifier: MIT */
/*
 * Comparison of a client's old tunnels with the ones it asks for. Remotes of a request have no ACL
 * and no age of their own: both come from the old tunnel that they continue.
 */
#include "server/tunnel_plan.h"

#include <stdint.h>
#include <string.h>

#include "core/alloc.h"

#include "core/banned.h"

#define NONE SIZE_MAX

static bool empty(const char *s)
{
	return s == NULL || *s == '\0';
}

static bool same(const char *a, const char *b)
{
	return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

/* An administrator may have changed the ACL of a tunnel that the client asked for. */
static bool same_acl(const struct rp_remote *old, const struct rp_remote *wanted)
{
	return same(old->acl, wanted->acl) || (empty(old->owner) && empty(wanted->acl));
}

/* Whether old is the tunnel that wanted asks for again (the same texts in the sense of 5.8). */
static bool matches(const struct rp_remote *old, const struct rp_remote *wanted)
{
	if (!same(old->rhost, wanted->rhost) || !same(old->rport, wanted->rport) ||
	    !same(old->protocol, wanted->protocol) || !same_acl(old, wanted)) {
		return false;
	}
	if (!rp_remote_local_given(wanted)) {
		return old->lport_random;
	}
	return same(old->lhost, wanted->lhost) && same(old->lport, wanted->lport);
}

struct match {
	const struct rp_tunnel_info *old;
	size_t n_old;
	bool *used;        /* n_old */
	size_t *of_wanted; /* index of an old one, or NONE */
};

/* Those that the client itself had asked for are the better match. */
static size_t find(const struct match *m, const struct rp_remote *wanted)
{
	size_t found = NONE;
	for (size_t i = 0; i < m->n_old; i++) {
		const struct rp_remote *r = &m->old[i].remote;
		if (m->used[i] || !matches(r, wanted)) {
			continue;
		}
		if (empty(r->owner)) {
			return i;
		}
		found = found == NONE ? i : found;
	}
	return found;
}

/* Each wanted remote uses up one old one; those with a local part choose first. True if each found
 * one. */
static bool match_all(struct match *m, const struct rp_remote *wanted, size_t n)
{
	bool all = true;
	for (int given = 1; given >= 0; given--) {
		for (size_t w = 0; w < n; w++) {
			if (rp_remote_local_given(&wanted[w]) != (given == 1)) {
				continue;
			}
			size_t i = find(m, &wanted[w]);
			m->of_wanted[w] = i;
			if (i == NONE) {
				all = false;
			} else {
				m->used[i] = true;
			}
		}
	}
	return all;
}

static int replace(char **slot, const char *text)
{
	char *copy = text == NULL ? NULL : rp_strdup(text);
	if (text != NULL && copy == NULL) {
		return RP_ENOMEM;
	}
	rp_free(*slot);
	*slot = copy;
	return 0;
}

/* old NULL: a new tunnel. */
static int add_wanted(
    struct rp_tunnel_plan *plan, const struct rp_remote *wanted, const struct rp_tunnel_info *old)
{
	struct rp_tunnel_info *t = &plan->v[plan->n++];
	struct rp_remote *r = &t->remote;
	if (rp_remote_copy(r, wanted) != 0 || replace(&r->owner, "") != 0 ||
	    replace(&t->id, old == NULL ? "" : old->id) != 0) {
		return RP_ENOMEM;
	}
	r->lport_random = false;
	if (old == NULL) {
		return 0;
	}
	/* An auto-close of its own begins anew with each request. */
	t->created_at = r->auto_close > 0 ? 0 : old->created_at;
	if (empty(r->acl) && replace(&r->acl, old->remote.acl) != 0) {
		return RP_ENOMEM;
	}
	if (rp_remote_local_given(wanted)) {
		return 0;
	}
	r->lport_random = true;
	return replace(&r->lhost, old->remote.lhost) != 0 ? RP_ENOMEM
	                                                  : replace(&r->lport, old->remote.lport);
}

static int fill(struct rp_tunnel_plan *plan, const struct match *m, const struct rp_remote *wanted,
    size_t n_wanted)
{
	for (size_t w = 0; w < n_wanted; w++) {
		size_t i = m->of_wanted[w];
		int rc = add_wanted(plan, &wanted[w], i == NONE ? NULL : &m->old[i]);
		if (rc != 0) {
			return rc;
		}
	}
	for (size_t i = 0; i < m->n_old && !plan->changed; i++) {
		if (!m->used[i]) {
			int rc = rp_tunnel_info_copy(&plan->v[plan->n++], &m->old[i]);
			if (rc != 0) {
				return rc;
			}
		}
	}
	return 0;
}

int rp_tunnel_plan_make(struct rp_tunnel_plan *plan, const struct rp_json_vec *old,
    const struct rp_remote *wanted, size_t n_wanted)
{
	struct match m = {.old = old->v, .n_old = old->n};
	int rc = RP_ENOMEM;
	*plan = (struct rp_tunnel_plan){.n_wanted = n_wanted};
	if (old->n + n_wanted == 0) {
		return 0;
	}
	m.used = rp_calloc(old->n + 1, sizeof(*m.used));
	m.of_wanted = rp_calloc(n_wanted + 1, sizeof(*m.of_wanted));
	plan->v = rp_calloc(old->n + n_wanted, sizeof(*plan->v));
	if (m.used != NULL && m.of_wanted != NULL && plan->v != NULL) {
		bool all = match_all(&m, wanted, n_wanted);
		plan->changed = old->n > 0 && (!all || n_wanted > old->n);
		rc = fill(plan, &m, wanted, n_wanted);
	}
	rp_free(m.used);
	rp_free(m.of_wanted);
	if (rc != 0) {
		rp_tunnel_plan_fini(plan);
	}
	return rc;
}

int rp_tunnel_plan_copy(struct rp_tunnel_plan *dst, const struct rp_tunnel_plan *src)
{
	*dst = (struct rp_tunnel_plan){.n_wanted = src->n_wanted, .changed = src->changed};
	if (src->n == 0) {
		return 0;
	}
	dst->v = rp_calloc(src->n, sizeof(*dst->v));
	int rc = dst->v == NULL ? RP_ENOMEM : 0;
	while (rc == 0 && dst->n < src->n) {
		rc = rp_tunnel_info_copy(&dst->v[dst->n], &src->v[dst->n]);
		dst->n++;
	}
	if (rc != 0) {
		rp_tunnel_plan_fini(dst);
	}
	return rc;
}

void rp_tunnel_plan_drop(struct rp_tunnel_plan *plan, size_t i)
{
	rp_tunnel_info_fini(&plan->v[i]);
	memmove(&plan->v[i], &plan->v[i + 1], (plan->n - i - 1) * sizeof(*plan->v));
	plan->n--;
	plan->n_wanted -= i < plan->n_wanted ? 1 : 0;
	memset(&plan->v[plan->n], 0, sizeof(*plan->v));
}

void rp_tunnel_plan_fini(struct rp_tunnel_plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		rp_tunnel_info_fini(&plan->v[i]);
	}
	rp_free(plan->v);
	*plan = (struct rp_tunnel_plan){0};
}
