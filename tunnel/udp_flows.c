/* SPDX-License-Identifier: MIT */
/*
 * A hash table and a list through the same flows.
 */
#include "tunnel/udp_flows.h"

#include "core/err.h"

#include "core/banned.h"

void rp_udp_flows_init(struct rp_udp_flows *v)
{
	rp_hash_init(&v->table);
	rp_list_init(&v->lru);
}

void rp_udp_flows_fini(struct rp_udp_flows *v)
{
	RP_VERIFY(rp_list_empty(&v->lru));
	rp_hash_fini(&v->table);
}

struct rp_udp_flow *rp_udp_flows_use(
    struct rp_udp_flows *v, const struct rp_udp_record *rec, uint64_t now_ms)
{
	char key[RP_UDP_KEY_MAX];
	rp_udp_record_key(rec, key);
	struct rp_hash_node *node = rp_hash_get(&v->table, key);
	if (node == NULL) {
		return NULL;
	}
	struct rp_udp_flow *f = RP_CONTAINER_OF(node, struct rp_udp_flow, hash);
	rp_udp_flows_touch(v, f, now_ms);
	return f;
}

int rp_udp_flows_add(
    struct rp_udp_flows *v, struct rp_udp_flow *f, const struct rp_udp_record *rec, uint64_t now_ms)
{
	rp_udp_line_init(&f->line);
	f->rec = *rec;
	f->rec.data = NULL;
	f->rec.data_len = 0;
	f->last_ms = now_ms;
	rp_udp_record_key(rec, f->key);
	int rc = rp_hash_put(&v->table, &f->hash, f->key);
	if (rc == 0) {
		rp_list_append(&v->lru, &f->node);
	}
	return rc;
}

void rp_udp_flows_touch(struct rp_udp_flows *v, struct rp_udp_flow *f, uint64_t now_ms)
{
	f->last_ms = now_ms;
	rp_list_remove(&f->node);
	rp_list_append(&v->lru, &f->node);
}

void rp_udp_flows_remove(struct rp_udp_flows *v, struct rp_udp_flow *f)
{
	RP_VERIFY(f->line.first == NULL);
	rp_hash_remove(&v->table, &f->hash);
	rp_list_remove(&f->node);
}

size_t rp_udp_flows_count(const struct rp_udp_flows *v)
{
	return v->table.count;
}

struct rp_udp_flow *rp_udp_flows_oldest(const struct rp_udp_flows *v)
{
	return rp_list_empty(&v->lru) ? NULL : RP_LIST_ENTRY(v->lru.next, struct rp_udp_flow, node);
}
