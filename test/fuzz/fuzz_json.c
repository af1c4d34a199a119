/* SPDX-License-Identifier: MIT */
/*
 * JSON from a peer: whatever is accepted prints as text that is accepted and prints the same, is
 * valid UTF-8 and decodes, or fails to, without harm.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/jsonw.h"

#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Names of one letter, so that the fuzzer finds them. */
struct sample {
	char *s;
	bool b;
	int64_t i;
	uint64_t u;
	double d;
	int64_t t;
	struct rp_strlist l;
	struct rp_strmap m;
	char *r;
	struct rp_json_vec v;
};

static const struct rp_json_table sample_table;

static const struct rp_json_field sample_fields[] = {
    {"s", RP_FIELD_STR, 0, offsetof(struct sample, s), NULL},
    {"b", RP_FIELD_BOOL, 0, offsetof(struct sample, b), NULL},
    {"i", RP_FIELD_INT, 0, offsetof(struct sample, i), NULL},
    {"u", RP_FIELD_UINT, 0, offsetof(struct sample, u), NULL},
    {"d", RP_FIELD_DOUBLE, 0, offsetof(struct sample, d), NULL},
    {"t", RP_FIELD_TIME, 0, offsetof(struct sample, t), NULL},
    {"l", RP_FIELD_STRLIST, 0, offsetof(struct sample, l), NULL},
    {"m", RP_FIELD_STRMAP, 0, offsetof(struct sample, m), NULL},
    {"r", RP_FIELD_RAW, 0, offsetof(struct sample, r), NULL},
    {"v", RP_FIELD_LIST, 0, offsetof(struct sample, v), &sample_table},
};

static const struct rp_json_table sample_table = RP_JSON_TABLE(sample_fields, struct sample);

static char *print(const struct rp_json *j)
{
	struct rp_buf b;
	char *s;
	rp_buf_init(&b, SIZE_MAX);
	RP_VERIFY(rp_json_print(j, &b) == 0);
	RP_VERIFY(rp_buf_take_string(&b, &s) == 0);
	RP_VERIFY(rp_utf8_valid(s, strlen(s)));
	return s;
}

static char *write_sample(const struct sample *v)
{
	struct rp_buf b;
	struct rp_jsonw w;
	char *s;
	rp_buf_init(&b, SIZE_MAX);
	rp_jsonw_init(&w, &b);
	rp_jsonw_struct(&w, &sample_table, v);
	RP_VERIFY(rp_jsonw_end(&w) == 0);
	RP_VERIFY(rp_buf_take_string(&b, &s) == 0);
	return s;
}

/* A struct that is written and read again is written the same. */
static void decode(const struct rp_json *j)
{
	struct sample a = {0};
	struct sample b = {0};
	struct rp_err err;
	if (rp_json_decode(j, &sample_table, false, &a, &err) != 0) {
		return;
	}
	char *first = write_sample(&a);
	RP_VERIFY(rp_json_decode_text(first, strlen(first), &sample_table, true, &b, &err) == 0);
	char *second = write_sample(&b);
	RP_VERIFY(strcmp(first, second) == 0);
	rp_free(first);
	rp_free(second);
	rp_json_release(&sample_table, &a);
	rp_json_release(&sample_table, &b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rp_json *j;
	struct rp_err err = {0};
	if (size > INPUT_MAX) {
		return 0;
	}
	int rc = rp_json_parse(data, size, &j, &err);
	if (rc != 0) {
		/* RP_ENOMEM would mean that cJSON refused what the scanner takes. */
		RP_VERIFY(rc == RP_EINVAL || rc == RP_ELIMIT);
		RP_VERIFY(err.msg[0] != '\0');
		return 0;
	}
	decode(j);
	char *first = print(j);
	rp_json_free(j);
	RP_VERIFY(rp_json_parse(first, strlen(first), &j, NULL) == 0);
	char *second = print(j);
	rp_json_free(j);
	RP_VERIFY(strcmp(first, second) == 0);
	rp_free(first);
	rp_free(second);
	return 0;
}
