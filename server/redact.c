/* SPDX-License-Identifier: MIT */
/*
 * JSON with everything secret blanked: a client's configuration as it sent it (the original shows
 * passwords to every API user), and what the audit log keeps.
 */
#include "server/redact.h"

#include <string.h>

#include "core/jsonw.h"
#include "server/registry_int.h"

#include "core/banned.h"

#define TEXT_MAX  (512u * 1024)
#define DEPTH_MAX 16
#define MASK      "***"

struct writer {
	struct rp_jsonw w;
	const char *const *secrets;
};

/* Whole values that are secret, and lists of headers (they carry tokens). */
static const char *const secret_keys[] = {"auth", "auth_user", "auth_pass", "auth_password",
    "password", "token", "proxy", "proxy_url", "headers", "http_headers", NULL};

static bool is_secret(const char *const *secrets, const char *key)
{
	for (size_t i = 0; key != NULL && secrets[i] != NULL; i++) {
		if (rp_ascii_ieq(key, secrets[i])) {
			return true;
		}
	}
	return false;
}

static void write_masked(struct rp_jsonw *w, const struct rp_json *j)
{
	const char *text = rp_json_string(j);
	if (text != NULL) {
		rp_jsonw_str(w, text[0] == '\0' ? "" : MASK);
	} else if (rp_json_type(j) == RP_JSON_ARRAY) {
		rp_jsonw_arr(w);
		rp_jsonw_arr_end(w);
	} else {
		rp_jsonw_null(w);
	}
}

/* A level of the tree; recursion is bounded by DEPTH_MAX. */
static void write_value(struct writer *x, const struct rp_json *j, int depth)
{
	struct rp_jsonw *w = &x->w;
	switch (rp_json_type(j)) {
	case RP_JSON_NULL:
		rp_jsonw_null(w);
		return;
	case RP_JSON_BOOL:
		rp_jsonw_bool(w, rp_json_true(j));
		return;
	case RP_JSON_NUMBER:
		rp_jsonw_double(w, rp_json_number(j));
		return;
	case RP_JSON_STRING:
		rp_jsonw_str(w, rp_json_string(j));
		return;
	case RP_JSON_ARRAY:
	case RP_JSON_OBJECT:
		break;
	}
	bool object = rp_json_type(j) == RP_JSON_OBJECT;
	if (depth >= DEPTH_MAX) {
		rp_jsonw_null(w);
		return;
	}
	if (object) {
		rp_jsonw_obj(w);
	} else {
		rp_jsonw_arr(w);
	}
	for (const struct rp_json *m = rp_json_first(j); m != NULL; m = rp_json_next(m)) {
		if (object) {
			rp_jsonw_key(w, rp_json_key(m));
		}
		if (object && is_secret(x->secrets, rp_json_key(m))) {
			write_masked(w, m);
		} else {
			write_value(x, m, depth + 1);
		}
	}
	if (object) {
		rp_jsonw_obj_end(w);
	} else {
		rp_jsonw_arr_end(w);
	}
}

char *rp_redact(const struct rp_json *j, const char *const *secrets)
{
	struct writer x = {.secrets = secrets};
	struct rp_buf text;
	rp_buf_init(&text, TEXT_MAX);
	rp_jsonw_init(&x.w, &text);
	write_value(&x, j, 0);
	return rp_jsonw_take(&x.w);
}

char *rp_redact_configuration(const char *json)
{
	struct rp_json *j = NULL;
	if (json == NULL || rp_json_parse(json, strlen(json), &j, NULL) != 0) {
		return NULL;
	}
	char *out = rp_redact(j, secret_keys);
	rp_json_free(j);
	return out;
}
