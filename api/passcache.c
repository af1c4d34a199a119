/* SPDX-License-Identifier: MIT */
/*
 * A table of fixed size: a newer entry takes the slot of an older one.
 */
#include "api/passcache.h"

#include <string.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/crypto.h"

#include "core/banned.h"

#define SLOTS    256
#define TEXT_MAX (64u * 1024)
#define MAC_LEN  32

struct slot {
	uint8_t mac[MAC_LEN];
	uint64_t end_ms; /* 0 = empty */
};

struct rp_passcache {
	uint8_t key[MAC_LEN];
	struct slot slots[SLOTS];
};

struct rp_passcache *rp_passcache_new(void)
{
	struct rp_passcache *p = rp_calloc(1, sizeof(*p));
	if (p != NULL) {
		rp_random(p->key, sizeof(p->key));
	}
	return p;
}

void rp_passcache_free(struct rp_passcache *p)
{
	if (p != NULL) {
		rp_secret_wipe(p, sizeof(*p));
		rp_free(p);
	}
}

/* With the NULs, so that no two entries give the same text. */
static int add_text(struct rp_buf *b, const char *s)
{
	return rp_buf_add(b, s, strlen(s) + 1);
}

static int make_mac(
    const struct rp_passcache *p, const struct rp_passcache_entry *e, uint8_t mac[static MAC_LEN])
{
	struct rp_buf text;
	uint8_t *tail;
	rp_buf_init(&text, TEXT_MAX);
	/* Room for all at once: a buffer that grows leaves copies behind. */
	int err = rp_buf_reserve(
	    &text, strlen(e->name) + strlen(e->hash) + strlen(e->password) + 3, &tail);
	err = err != 0 ? err : add_text(&text, e->name);
	err = err != 0 ? err : add_text(&text, e->hash);
	err = err != 0 ? err : add_text(&text, e->password);
	err = err != 0 ? err
	               : rp_hmac_sha256(p->key, sizeof(p->key), rp_buf_head(&text), text.len, mac);
	if (text.len > 0) {
		rp_secret_wipe(rp_buf_head(&text), text.len);
	}
	rp_buf_fini(&text);
	return err;
}

void rp_passcache_add(struct rp_passcache *p, const struct rp_passcache_entry *e, uint64_t now_ms)
{
	uint8_t mac[MAC_LEN];
	if (make_mac(p, e, mac) == 0) {
		struct slot *s = &p->slots[mac[0] % SLOTS];
		memcpy(s->mac, mac, sizeof(mac));
		s->end_ms = now_ms + RP_PASSCACHE_MS;
	}
}

bool rp_passcache_has(
    const struct rp_passcache *p, const struct rp_passcache_entry *e, uint64_t now_ms)
{
	uint8_t mac[MAC_LEN];
	if (make_mac(p, e, mac) != 0) {
		return false;
	}
	const struct slot *s = &p->slots[mac[0] % SLOTS];
	return now_ms < s->end_ms && rp_secret_eq(s->mac, MAC_LEN, mac, sizeof(mac));
}
