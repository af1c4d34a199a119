/* SPDX-License-Identifier: MIT */
/*
 * Password -> key -> the check text opens -> the key stays until lock or stop.
 */
#include "api/vault.h"

#include <string.h>

#include "api/vault_store.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/log.h"

#include "core/banned.h"

#define COMPONENT  "vault"
#define CHECK_TEXT "the vault opens"

struct rp_vault {
	struct rp_loop *loop;
	struct rp_store *store;
	struct rp_vault_meta meta; /* check NULL: uninitialized */
	uint8_t key[RP_SEAL_KEY];
	bool unlocked;
	bool busy;
	bool closed;
	unsigned failures;
	uint64_t wait_until_ms;
	unsigned rounds; /* of a new one */
};

struct derive {
	uv_work_t work;
	struct rp_vault *v;
	bool init;
	char *password;
	struct rp_vault_meta meta; /* check: copied, or made */
	uint8_t key[RP_SEAL_KEY];
	int code;
	rp_vault_cb cb;
	void *ctx;
};

int rp_vault_new(
    struct rp_loop *loop, struct rp_store *store, struct rp_vault **out, struct rp_err *err)
{
	struct rp_vault *v = rp_calloc(1, sizeof(*v));
	*out = v;
	if (v == NULL) {
		return rp_err_no_memory(err);
	}
	v->loop = loop;
	v->store = store;
	v->rounds = RP_VAULT_ROUNDS;
	int code = rp_vault_store_load(store, &v->meta, err);
	if (code != 0) {
		rp_vault_free(v);
		*out = NULL;
	}
	return code;
}

void rp_vault_lock(struct rp_vault *v)
{
	rp_secret_wipe(v->key, sizeof(v->key));
	v->unlocked = false;
}

void rp_vault_set_rounds(struct rp_vault *v, unsigned rounds)
{
	v->rounds = rounds;
}

void rp_vault_close(struct rp_vault *v)
{
	if (v != NULL) {
		rp_vault_lock(v);
		v->closed = true;
	}
}

void rp_vault_free(struct rp_vault *v)
{
	if (v != NULL) {
		rp_vault_lock(v);
		rp_free(v->meta.check);
		rp_free(v);
	}
}

enum rp_vault_state rp_vault_state(const struct rp_vault *v)
{
	if (v->meta.check == NULL) {
		return RP_VAULT_UNINITIALIZED;
	}
	return v->unlocked ? RP_VAULT_UNLOCKED : RP_VAULT_LOCKED;
}

const uint8_t *rp_vault_key(const struct rp_vault *v)
{
	return v->unlocked ? v->key : NULL;
}

/* On the pool. */

static int make_check(struct derive *d)
{
	uint8_t *sealed;
	size_t n;
	int code = rp_seal(d->key, rp_str_c(CHECK_TEXT), rp_str_c("check"), &sealed, &n);
	if (code == 0) {
		d->meta.check = rp_base64(sealed, n);
		rp_free(sealed);
		code = d->meta.check == NULL ? RP_ENOMEM : 0;
	}
	return code;
}

static int try_check(const struct derive *d)
{
	uint8_t *sealed;
	uint8_t *text;
	size_t n;
	int code = rp_base64_decode(rp_str_c(d->meta.check), &sealed, &n);
	if (code != 0) {
		return code;
	}
	code = rp_unseal(d->key, rp_str_n(sealed, n), rp_str_c("check"), &text, &n);
	rp_free(text);
	rp_free(sealed);
	return code;
}

static void on_work(uv_work_t *work)
{
	struct derive *d = work->data;
	d->code = rp_pbkdf2_sha512(rp_str_c(d->password),
	    rp_str_n(d->meta.salt, sizeof(d->meta.salt)), d->meta.rounds, d->key);
	if (d->code == 0) {
		d->code = d->init ? make_check(d) : try_check(d);
	}
}

/* On the loop. */

static void derive_free(struct derive *d)
{
	rp_free_secret(d->password);
	rp_free(d->meta.check);
	rp_secret_wipe(d->key, sizeof(d->key));
	rp_free(d);
}

static void finish(struct derive *d, int code, const struct rp_err *err)
{
	struct rp_vault *v = d->v;
	v->busy = false;
	if (v->closed) {
		code = RP_ECLOSED;
	} else if (code == 0) {
		memcpy(v->key, d->key, sizeof(v->key));
		v->unlocked = true;
		rp_log_info(COMPONENT, "unlocked vault");
	}
	d->cb(d->ctx, code, err);
	derive_free(d);
}

static void count(struct rp_vault *v, int code)
{
	if (code == 0) {
		v->failures = 0;
	} else if (code == RP_EAUTH && ++v->failures >= RP_VAULT_FAILURES_MAX) {
		v->failures = 0;
		v->wait_until_ms = rp_clock_ms() + RP_VAULT_WAIT_MS;
		rp_log_error(COMPONENT, "%u wrong passwords in a row: none is tried for %u s",
		    RP_VAULT_FAILURES_MAX, RP_VAULT_WAIT_MS / 1000);
	}
}

static void on_stored(void *ctx, int code, const struct rp_err *err)
{
	struct derive *d = ctx;
	if (code == 0) {
		d->v->meta = d->meta;
		d->meta.check = NULL;
		rp_log_info(COMPONENT, "initialized vault");
	}
	finish(d, code, err);
}

static void on_derived(uv_work_t *work, int status)
{
	struct derive *d = work->data;
	int code = status != 0 ? status : d->code;
	if (code == 0 && d->init && !d->v->closed) {
		code = rp_vault_store_init(d->v->store, &d->meta, on_stored, d);
		if (code == 0) {
			return;
		}
	}
	if (!d->init) {
		count(d->v, code);
	}
	finish(d, code, NULL);
}

static int start(struct rp_vault *v, const char *password, const struct derive *with)
{
	struct derive *d = rp_malloc(sizeof(*d));
	if (d == NULL) {
		return RP_ENOMEM;
	}
	*d = *with;
	d->v = v;
	d->work.data = d;
	d->password = rp_strdup(password);
	d->meta.check = d->init ? NULL : rp_strdup(v->meta.check);
	int code = d->password == NULL || (!d->init && d->meta.check == NULL)
	    ? RP_ENOMEM
	    : uv_queue_work(rp_loop_uv(v->loop), &d->work, on_work, on_derived);
	v->busy = code == 0;
	if (code != 0) {
		derive_free(d);
	}
	return code;
}

int rp_vault_init(struct rp_vault *v, const char *password, rp_vault_cb cb, void *ctx)
{
	struct derive d = {.init = true, .cb = cb, .ctx = ctx};
	if (rp_vault_state(v) != RP_VAULT_UNINITIALIZED) {
		return RP_EEXIST;
	}
	if (v->busy) {
		return RP_EBUSY;
	}
	rp_random(d.meta.salt, sizeof(d.meta.salt));
	d.meta.rounds = v->rounds;
	return start(v, password, &d);
}

int rp_vault_unlock(struct rp_vault *v, const char *password, rp_vault_cb cb, void *ctx)
{
	const struct derive d = {.meta = v->meta, .cb = cb, .ctx = ctx};
	if (v->busy) {
		return RP_EBUSY;
	}
	if (rp_clock_ms() < v->wait_until_ms) {
		return RP_ELIMIT;
	}
	return start(v, password, &d);
}
