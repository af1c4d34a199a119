/* SPDX-License-Identifier: MIT */
/*
 * Access to the fields of structs described by tables, shared by core/jsondecode.c and
 * core/jsontable.c only.
 */
#ifndef RP_CORE_JSONTABLE_H
#define RP_CORE_JSONTABLE_H

#include <stddef.h>

#include "core/json.h"

/* Address of the field in the struct at base. */
void *rp_jsontable_field(const struct rp_json_field *f, void *base);
/* Address of an element. */
void *rp_jsontable_element(const struct rp_json_table *t, const struct rp_json_vec *vec, size_t i);
/* Frees what the field owns and gives it its default (zero, or the zero time). */
void rp_jsontable_reset_field(const struct rp_json_field *f, void *base);

#endif
