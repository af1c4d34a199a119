/* SPDX-License-Identifier: MIT */
#include "client/updates_status.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/jsonw.h"

#include "core/banned.h"

#define WORD_MAX 256

struct mark {
	struct rp_hash_node node;
	bool security;
	bool reboot;
	char name[];
};

void rp_updates_status_init(struct rp_updates_status *s)
{
	*s = (struct rp_updates_status){0};
	/* A little more, so that the last one may be written before it is taken out. */
	rp_buf_init(&s->list, RP_UPDATES_LIST_MAX + (size_t)32 * 1024);
	rp_hash_init(&s->marks);
}

static void free_mark(struct rp_hash_node *node, void *ctx)
{
	struct rp_updates_status *s = ctx;
	struct mark *m = RP_CONTAINER_OF(node, struct mark, node);
	rp_hash_remove(&s->marks, node);
	rp_free(m);
}

void rp_updates_status_fini(struct rp_updates_status *s)
{
	rp_hash_each(&s->marks, free_mark, s);
	rp_hash_fini(&s->marks);
	rp_buf_fini(&s->list);
}

static struct mark *find_mark(const struct rp_updates_status *s, struct rp_str name)
{
	char key[WORD_MAX];
	(void)snprintf(key, sizeof(key), "%.*s", (int)RP_MIN(name.len, sizeof(key) - 1), name.p);
	struct rp_hash_node *node = rp_hash_get(&s->marks, key);
	return node == NULL ? NULL : RP_CONTAINER_OF(node, struct mark, node);
}

static struct mark *add_mark(struct rp_updates_status *s, struct rp_str name)
{
	size_t n = RP_MIN(name.len, (size_t)WORD_MAX - 1);
	struct mark *m = rp_calloc(1, sizeof(*m) + n + 1);
	if (m == NULL) {
		return NULL;
	}
	memcpy(m->name, name.p, n);
	if (rp_hash_put(&s->marks, &m->node, m->name) != 0) {
		rp_free(m);
		return NULL;
	}
	return m;
}

int rp_updates_status_mark(
    struct rp_updates_status *s, struct rp_str name, const struct rp_package *p)
{
	if (name.len == 0 || memchr(name.p, '\0', name.len) != NULL) {
		return 0;
	}
	struct mark *m = find_mark(s, name);
	if (m == NULL && s->marks.count >= RP_UPDATES_MARKS_MAX) {
		return 0;
	}
	if (m == NULL) {
		m = add_mark(s, name);
	}
	if (m == NULL) {
		return RP_ENOMEM;
	}
	m->security = m->security || p->security;
	m->reboot = m->reboot || p->reboot;
	return 0;
}

static struct rp_str cut(struct rp_str s)
{
	return rp_str_n(s.p, RP_MIN(s.len, (size_t)WORD_MAX));
}

static int add_word(struct rp_buf *b, const char *before, struct rp_str word, const char *behind)
{
	if (word.len == 0) {
		return 0;
	}
	int rc = rp_buf_add_str(b, before);
	rc = rc != 0 ? rc : rp_buf_add(b, word.p, word.len);
	return rc != 0 ? rc : rp_buf_add_str(b, behind);
}

/* "NAME VERSION [ARCH] (ORIGIN)", as far as it is known. */
static int describe(const struct rp_package *p, struct rp_buf *b)
{
	int rc = add_word(b, "", cut(p->name), "");
	rc = rc != 0 ? rc : add_word(b, " ", cut(p->version), "");
	rc = rc != 0 ? rc : add_word(b, " [", cut(p->arch), "]");
	return rc != 0 ? rc : add_word(b, " (", cut(p->origin), ")");
}

static int write_update(
    struct rp_updates_status *s, const struct rp_package *p, const struct mark *m)
{
	struct rp_jsonw w;
	struct rp_buf text;
	rp_buf_init(&text, (size_t)8 * WORD_MAX);
	int rc = describe(p, &text);
	rc = rc == 0 && s->list.len > 0 ? rp_buf_add_str(&s->list, ",") : rc;
	rp_jsonw_init(&w, &s->list);
	rp_jsonw_obj(&w);
	rp_jsonw_key(&w, "title");
	rp_jsonw_strn(&w, cut(p->name));
	rp_jsonw_key(&w, "description");
	rp_jsonw_strn(&w, rp_str_n(rp_buf_head(&text), text.len));
	rp_jsonw_put_bool(&w, "reboot_required", p->reboot || (m != NULL && m->reboot));
	rp_jsonw_put_bool(&w, "is_security_update", p->security || (m != NULL && m->security));
	rp_jsonw_obj_end(&w);
	rc = rc != 0 ? rc : rp_jsonw_end(&w);
	rp_buf_fini(&text);
	return rc;
}

int rp_updates_status_add(
    struct rp_updates_status *s, const struct rp_package *p, struct rp_str key)
{
	const struct mark *m = find_mark(s, key);
	size_t before = s->list.len;
	s->n++;
	s->n_security += p->security || (m != NULL && m->security) ? 1 : 0;
	int rc = s->n_left_out == 0 ? write_update(s, p, m) : RP_ELIMIT;
	if (rc == RP_ELIMIT || s->list.len > RP_UPDATES_LIST_MAX) {
		s->list.len = before;
		s->n_left_out++;
		rc = 0;
	}
	return rc;
}

static void put_hint(struct rp_jsonw *w, const struct rp_updates_status *s)
{
	char text[sizeof(s->hint) + 64] = "";
	if (s->n_left_out > 0) {
		(void)snprintf(text, sizeof(text), "%zu of the updates are not listed%s",
		    s->n_left_out, s->hint[0] != '\0' ? "; " : "");
	}
	size_t n = strlen(text);
	(void)snprintf(text + n, sizeof(text) - n, "%s", s->hint);
	if (text[0] != '\0') {
		rp_jsonw_put_str(w, "hint", text);
	}
}

int rp_updates_status_write(const struct rp_updates_status *s, struct rp_buf *out)
{
	struct rp_jsonw w;
	rp_jsonw_init(&w, out);
	rp_jsonw_obj(&w);
	rp_jsonw_put_time(&w, "refreshed", rp_time_now());
	rp_jsonw_put_uint(&w, "updates_available", s->n);
	rp_jsonw_put_uint(&w, "security_updates_available", s->n_security);
	rp_jsonw_key(&w, "update_summaries");
	int rc = 0;
	if (s->list.len == 0) {
		rp_jsonw_null(&w);
	} else {
		rp_jsonw_arr(&w);
		rc = rp_buf_add(out, rp_buf_head(&s->list), s->list.len);
		rp_jsonw_arr_end(&w);
	}
	rp_jsonw_put_bool(&w, "reboot_pending", s->reboot_pending);
	if (s->error[0] != '\0') {
		rp_jsonw_put_str(&w, "error", s->error);
	}
	put_hint(&w, s);
	rp_jsonw_obj_end(&w);
	return rc != 0 ? rc : rp_jsonw_end(&w);
}
