/* SPDX-License-Identifier: MIT */
/*
 * cJSON's tree behind our own type. A text is scanned first (core/jsonscan.h), so what cJSON gets
 * is valid, bounded and repaired; if it fails then, memory has run out. Whole numbers that a double
 * does not hold keep their text in the node's valuestring, which cJSON frees with the node.
 */
#include "core/json.h"

#include <math.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/jsonscan.h"
#include "core/jsonw.h"

#include "core/banned.h"

/* A bad byte grows to three. */
#define REPAIR_GROWTH_MAX 3
/* 2^63 and 2^64, the first doubles that do not fit. */
#define I64_END 9223372036854775808.0
#define U64_END 18446744073709551616.0

static const cJSON *node(const struct rp_json *j)
{
	return (const cJSON *)(const void *)j;
}

static const struct rp_json *value(const cJSON *n)
{
	return (const struct rp_json *)(const void *)n;
}

static bool is_whole_text(struct rp_str number)
{
	for (size_t i = 0; i < number.len; i++) {
		if (number.p[i] == '.' || number.p[i] == 'e' || number.p[i] == 'E') {
			return false;
		}
	}
	return true;
}

/* Gives the node of a number its text if the double may not be exact. */
static int keep_number(cJSON *n, struct rp_str text, struct rp_err *err)
{
	if (!isfinite(n->valuedouble)) {
		return rp_err_set(err, RP_EINVAL, "invalid JSON: number out of range");
	}
	if (fabs(n->valuedouble) < (double)(INT64_C(1) << 53) || !is_whole_text(text)) {
		return 0;
	}
	n->valuestring = cJSON_malloc(text.len + 1);
	if (n->valuestring == NULL) {
		return rp_err_no_memory(err);
	}
	memcpy(n->valuestring, text.p, text.len);
	n->valuestring[text.len] = '\0';
	return 0;
}

/* Walks tree and text in step: both have their numbers in the same order. At most as deep as the
 * document. */
static int keep_numbers(cJSON *n, struct rp_str *text, struct rp_err *err)
{
	if (cJSON_IsNumber(n)) {
		struct rp_str number;
		RP_VERIFY(rp_jsonscan_next_number(text, &number));
		return keep_number(n, number, err);
	}
	for (cJSON *child = n->child; child != NULL; child = child->next) {
		int rc = keep_numbers(child, text, err);
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

static int build(struct rp_str text, bool numbers, struct rp_json **out, struct rp_err *err)
{
	cJSON *tree = cJSON_ParseWithLengthOpts(text.p, text.len, NULL, 0);
	if (tree == NULL) {
		return rp_err_no_memory(err);
	}
	int rc = numbers ? keep_numbers(tree, &text, err) : 0;
	if (rc != 0) {
		cJSON_Delete(tree);
		return rc;
	}
	*out = (struct rp_json *)(void *)tree;
	return 0;
}

int rp_json_parse(const void *p, size_t n, struct rp_json **out, struct rp_err *err)
{
	struct rp_jsonscan scan;
	struct rp_str text = rp_str_n(p, n);
	int rc = rp_jsonscan_check(text, &scan, err);
	if (rc != 0 || !scan.repair) {
		return rc != 0 ? rc : build(text, scan.numbers, out, err);
	}
	struct rp_buf repaired;
	rp_buf_init(&repaired, n > SIZE_MAX / REPAIR_GROWTH_MAX ? SIZE_MAX : n * REPAIR_GROWTH_MAX);
	rc = rp_jsonscan_repair(text, &repaired);
	if (rc != 0) {
		(void)rp_err_set(err, rc, "%s", rp_err_text(rc));
	} else {
		text = rp_str_n(rp_buf_head(&repaired), repaired.len);
		rc = build(text, scan.numbers, out, err);
	}
	rp_buf_fini(&repaired);
	return rc;
}

void rp_json_free(struct rp_json *j)
{
	cJSON_Delete((cJSON *)(void *)j);
}

enum rp_json_type rp_json_type(const struct rp_json *j)
{
	if (j == NULL) {
		return RP_JSON_NULL;
	}
	switch (node(j)->type & 0xff) {
	case cJSON_False:
	case cJSON_True:
		return RP_JSON_BOOL;
	case cJSON_Number:
		return RP_JSON_NUMBER;
	case cJSON_String:
		return RP_JSON_STRING;
	case cJSON_Array:
		return RP_JSON_ARRAY;
	case cJSON_Object:
		return RP_JSON_OBJECT;
	default:
		return RP_JSON_NULL;
	}
}

const struct rp_json *rp_json_get(const struct rp_json *obj, const char *key)
{
	const struct rp_json *found = NULL;
	if (rp_json_type(obj) != RP_JSON_OBJECT) {
		return NULL;
	}
	for (const cJSON *n = node(obj)->child; n != NULL; n = n->next) {
		if (rp_ascii_ieq(n->string, key)) {
			found = value(n);
		}
	}
	return found;
}

size_t rp_json_count(const struct rp_json *j)
{
	size_t count = 0;
	for (const struct rp_json *e = rp_json_first(j); e != NULL; e = rp_json_next(e)) {
		count++;
	}
	return count;
}

const struct rp_json *rp_json_first(const struct rp_json *j)
{
	return j == NULL ? NULL : value(node(j)->child);
}

const struct rp_json *rp_json_next(const struct rp_json *j)
{
	return j == NULL ? NULL : value(node(j)->next);
}

const char *rp_json_key(const struct rp_json *j)
{
	return j == NULL ? NULL : node(j)->string;
}

const char *rp_json_string(const struct rp_json *j)
{
	return rp_json_type(j) == RP_JSON_STRING ? node(j)->valuestring : NULL;
}

bool rp_json_true(const struct rp_json *j)
{
	return j != NULL && cJSON_IsTrue(node(j));
}

int rp_json_i64(const struct rp_json *j, int64_t *v)
{
	if (rp_json_type(j) != RP_JSON_NUMBER) {
		return RP_EINVAL;
	}
	if (node(j)->valuestring != NULL) {
		return rp_str_i64(rp_str_c(node(j)->valuestring), INT64_MIN, INT64_MAX, v);
	}
	double d = node(j)->valuedouble;
	if (d < -I64_END || d >= I64_END || trunc(d) != d) {
		return RP_EINVAL;
	}
	*v = (int64_t)d;
	return 0;
}

int rp_json_u64(const struct rp_json *j, uint64_t *v)
{
	if (rp_json_type(j) != RP_JSON_NUMBER) {
		return RP_EINVAL;
	}
	if (node(j)->valuestring != NULL) {
		return rp_str_u64(rp_str_c(node(j)->valuestring), UINT64_MAX, v);
	}
	double d = node(j)->valuedouble;
	if (d < 0 || d >= U64_END || trunc(d) != d) {
		return RP_EINVAL;
	}
	*v = (uint64_t)d;
	return 0;
}

double rp_json_number(const struct rp_json *j)
{
	return rp_json_type(j) == RP_JSON_NUMBER ? node(j)->valuedouble : 0;
}

static void print_value(struct rp_jsonw *w, const struct rp_json *j);

static void print_members(struct rp_jsonw *w, const struct rp_json *j)
{
	for (const struct rp_json *e = rp_json_first(j); e != NULL; e = rp_json_next(e)) {
		if (rp_json_key(e) != NULL) {
			rp_jsonw_key(w, rp_json_key(e));
		}
		print_value(w, e);
	}
}

/* At most as deep as the document. */
static void print_value(struct rp_jsonw *w, const struct rp_json *j)
{
	switch (rp_json_type(j)) {
	case RP_JSON_NULL:
		rp_jsonw_null(w);
		break;
	case RP_JSON_BOOL:
		rp_jsonw_bool(w, rp_json_true(j));
		break;
	case RP_JSON_NUMBER:
		if (node(j)->valuestring != NULL) {
			rp_jsonw_raw(w, node(j)->valuestring);
		} else {
			rp_jsonw_double(w, node(j)->valuedouble);
		}
		break;
	case RP_JSON_STRING:
		rp_jsonw_str(w, node(j)->valuestring);
		break;
	case RP_JSON_ARRAY:
		rp_jsonw_arr(w);
		print_members(w, j);
		rp_jsonw_arr_end(w);
		break;
	case RP_JSON_OBJECT:
		rp_jsonw_obj(w);
		print_members(w, j);
		rp_jsonw_obj_end(w);
		break;
	}
}

int rp_json_print(const struct rp_json *j, struct rp_buf *out)
{
	struct rp_jsonw w;
	rp_jsonw_init(&w, out);
	/* An array element has no key, but a member that is printed on its own has one. */
	print_value(&w, j);
	return rp_jsonw_end(&w);
}
