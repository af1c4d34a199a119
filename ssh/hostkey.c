/* SPDX-License-Identifier: MIT */
/*
 * Host keys are ECDSA P-256 and always come from a seed: RPort's key_seed, or a random one for
 * the key file. The scalar is put into OpenSSH's private key format, which is also the file's,
 * and libssh reads it back: so both crypto backends of libssh take the same way, and ssh-keygen
 * understands the file.
 */
#include "ssh/hostkey.h"

#include "ssh/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/buf.h"
#include "core/crypto.h"
#include "core/file.h"
#include "core/str.h"

#include "core/banned.h"

#define ARMOR_BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----\n"
#define ARMOR_END   "-----END OPENSSH PRIVATE KEY-----\n"
#define ARMOR_LINE  70
#define KEY_TYPE    "ecdsa-sha2-nistp256"
#define CURVE       "nistp256"
#define FILE_MAX    16384
#define SEED_CHARS  64

struct rp_hostkey {
	ssh_key key;
	char md5[RP_FINGERPRINT_MD5_MAX];
	char sha256[RP_FINGERPRINT_SHA256_MAX];
};

ssh_key rp_hostkey_lib(const struct rp_hostkey *k)
{
	return k->key;
}

int rp_fingerprint_md5(const void *blob, size_t n, char out[static RP_FINGERPRINT_MD5_MAX])
{
	uint8_t digest[16];
	int r = rp_md5(blob, n, digest);
	if (r != 0) {
		return r;
	}
	for (size_t i = 0; i < sizeof(digest); i++) {
		snprintf(out + 3 * i, 4, "%02x%s", digest[i], i + 1 < sizeof(digest) ? ":" : "");
	}
	return 0;
}

int rp_fingerprint_sha256(const void *blob, size_t n, char out[static RP_FINGERPRINT_SHA256_MAX])
{
	uint8_t digest[32];
	int r = rp_sha256(blob, n, digest);
	if (r != 0) {
		return r;
	}
	char *text = rp_base64(digest, sizeof(digest));
	if (text == NULL) {
		return RP_ENOMEM;
	}
	/* As OpenSSH prints it: without the padding. */
	snprintf(out, RP_FINGERPRINT_SHA256_MAX, "SHA256:%.*s", (int)strcspn(text, "="), text);
	rp_free(text);
	return 0;
}

static int add_public(struct rp_buf *b, const uint8_t q[static 65])
{
	int r = rp_buf_add_sstring(b, KEY_TYPE, strlen(KEY_TYPE));
	r = r == 0 ? rp_buf_add_sstring(b, CURVE, strlen(CURVE)) : r;
	return r == 0 ? rp_buf_add_sstring(b, q, 65) : r;
}

/* RFC 4251 mpint of a positive number. */
static int add_mpint(struct rp_buf *b, const uint8_t *p, size_t n)
{
	while (n > 0 && *p == 0) {
		p++;
		n--;
	}
	bool sign = n > 0 && (*p & 0x80) != 0;
	int r = rp_buf_add_u32(b, (uint32_t)(n + (sign ? 1 : 0)));
	if (r == 0 && sign) {
		r = rp_buf_add_u8(b, 0);
	}
	return r == 0 ? rp_buf_add(b, p, n) : r;
}

/* The part that a passphrase would encrypt, filled up to the block size of no cipher. */
static int add_private(struct rp_buf *b, const uint8_t d[static 32], const uint8_t q[static 65])
{
	/* Twice the same number: tells a wrong passphrase, of which there is none. */
	int r = rp_buf_add_u32(b, 0);
	r = r == 0 ? rp_buf_add_u32(b, 0) : r;
	r = r == 0 ? add_public(b, q) : r;
	r = r == 0 ? add_mpint(b, d, 32) : r;
	r = r == 0 ? rp_buf_add_sstring(b, "rport", 5) : r;
	for (uint8_t pad = 1; r == 0 && b->len % 8 != 0; pad++) {
		r = rp_buf_add_u8(b, pad);
	}
	return r;
}

/* PROTOCOL.key of OpenSSH. */
static int add_container(struct rp_buf *b, const uint8_t d[static 32], const uint8_t q[static 65])
{
	static const char magic[] = "openssh-key-v1";
	struct rp_buf part;
	rp_buf_init(&part, 1024);
	int r = rp_buf_add(b, magic, sizeof(magic));
	r = r == 0 ? rp_buf_add_sstring(b, "none", 4) : r;
	r = r == 0 ? rp_buf_add_sstring(b, "none", 4) : r;
	r = r == 0 ? rp_buf_add_sstring(b, "", 0) : r;
	r = r == 0 ? rp_buf_add_u32(b, 1) : r;
	r = r == 0 ? add_public(&part, q) : r;
	r = r == 0 ? rp_buf_add_sstring(b, rp_buf_head(&part), part.len) : r;
	rp_buf_clear(&part);
	r = r == 0 ? add_private(&part, d, q) : r;
	r = r == 0 ? rp_buf_add_sstring(b, rp_buf_head(&part), part.len) : r;
	if (part.data != NULL) {
		rp_secret_wipe(part.data, part.cap);
	}
	rp_buf_fini(&part);
	return r;
}

static int armor(const struct rp_buf *container, char **out)
{
	char *text = rp_base64(rp_buf_head(container), container->len);
	if (text == NULL) {
		return RP_ENOMEM;
	}
	struct rp_buf b;
	rp_buf_init(&b, FILE_MAX);
	int r = rp_buf_add_str(&b, ARMOR_BEGIN);
	size_t n = strlen(text);
	for (size_t i = 0; r == 0 && i < n; i += ARMOR_LINE) {
		r = rp_buf_add(&b, text + i, RP_MIN(n - i, (size_t)ARMOR_LINE));
		r = r == 0 ? rp_buf_add_u8(&b, '\n') : r;
	}
	r = r == 0 ? rp_buf_add_str(&b, ARMOR_END) : r;
	r = r == 0 ? rp_buf_take_string(&b, out) : r;
	rp_buf_fini(&b);
	rp_free_secret(text);
	return r;
}

/* The whole file for a seed; to be freed with rp_free_secret. */
static int text_from_seed(const char *seed, char **out)
{
	uint8_t gen[40];
	uint8_t d[32];
	uint8_t q[65];
	int r = rp_keyseed_p256(seed, gen, d, q);
	if (r != 0) {
		return r;
	}
	struct rp_buf container;
	rp_buf_init(&container, 2048);
	r = add_container(&container, d, q);
	r = r == 0 ? armor(&container, out) : r;
	if (container.data != NULL) {
		rp_secret_wipe(container.data, container.cap);
	}
	rp_buf_fini(&container);
	rp_secret_wipe(gen, sizeof(gen));
	rp_secret_wipe(d, sizeof(d));
	return r;
}

static int fingerprints(struct rp_hostkey *k)
{
	ssh_string blob = NULL;
	if (ssh_pki_export_pubkey_blob(k->key, &blob) != SSH_OK) {
		return RP_ECRYPTO;
	}
	int r = rp_fingerprint_md5(ssh_string_data(blob), ssh_string_len(blob), k->md5);
	r = r == 0 ? rp_fingerprint_sha256(ssh_string_data(blob), ssh_string_len(blob), k->sha256)
	           : r;
	ssh_string_free(blob);
	return r;
}

static int import(const char *text, struct rp_hostkey **out)
{
	struct rp_hostkey *k = rp_calloc(1, sizeof(*k));
	if (k == NULL) {
		return RP_ENOMEM;
	}
	int r = RP_EINVAL;
	if (ssh_pki_import_privkey_base64(text, NULL, NULL, NULL, &k->key) == SSH_OK &&
	    ssh_key_is_private(k->key) && ssh_key_type(k->key) == SSH_KEYTYPE_ECDSA_P256) {
		r = fingerprints(k);
	}
	if (r != 0) {
		rp_hostkey_free(k);
		return r;
	}
	*out = k;
	return 0;
}

int rp_hostkey_from_seed(const char *seed, struct rp_hostkey **out, struct rp_err *err)
{
	if (*seed == '\0') {
		return rp_err_set(err, RP_EINVAL, "key seed is empty");
	}
	char *text = NULL;
	int r = text_from_seed(seed, &text);
	r = r == 0 ? import(text, out) : r;
	rp_free_secret(text);
	return r == 0
	    ? 0
	    : rp_err_set(err, r, "cannot make a host key of the key seed: %s", rp_err_text(r));
}

/* With the text of errno. */
static int file_error(struct rp_err *err, const char *path, const char *what)
{
	int e = errno;
	return rp_err_set(err, RP_EIO, "host key file %s: %s: %s", path, what, rp_err_text(-e));
}

/* Written under another name and linked, so that a torn file never has the right one. */
static int write_file(const char *path, const char *text, struct rp_err *err)
{
	char *temp = rp_asprintf("%s.new", path);
	if (temp == NULL) {
		return rp_err_set(err, RP_ENOMEM, "host key file %s: out of memory", path);
	}
	(void)unlink(temp);
	int r = 0;
	int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		r = file_error(err, path, "cannot create");
		rp_free(temp);
		return r;
	}
	bool written = rp_file_write_all(fd, text, strlen(text)) == 0 && fsync(fd) == 0;
	written = close(fd) == 0 && written;
	if (!written || link(temp, path) != 0) {
		r = file_error(err, path, "cannot write");
	}
	(void)unlink(temp);
	rp_free(temp);
	(void)rp_file_sync_folder(path);
	return r;
}

static int create_file(const char *path, struct rp_hostkey **out, struct rp_err *err)
{
	char seed[SEED_CHARS + 1];
	char *text = NULL;
	rp_random_text(seed, SEED_CHARS);
	int r = text_from_seed(seed, &text);
	rp_secret_wipe(seed, sizeof(seed));
	r = r == 0 ? import(text, out) : r;
	if (r != 0) {
		rp_err_set(err, r, "cannot make a host key: %s", rp_err_text(r));
	} else {
		r = write_file(path, text, err);
		if (r != 0) {
			rp_hostkey_free(*out);
			*out = NULL;
		}
	}
	rp_free_secret(text);
	return r;
}

static int check_file(int fd, const char *path, struct rp_err *err)
{
	struct stat st;
	if (fstat(fd, &st) != 0) {
		return file_error(err, path, "cannot read");
	}
	if (!S_ISREG(st.st_mode)) {
		return rp_err_set(err, RP_EINVAL, "host key file %s: not a regular file", path);
	}
	if ((st.st_mode & 077) != 0) {
		return rp_err_set(err, RP_EDENIED,
		    "host key file %s: mode %04o lets others at it, expected 0600", path,
		    (unsigned)(st.st_mode & 07777));
	}
	return 0;
}

static int read_file(int fd, const char *path, char text[static FILE_MAX], struct rp_err *err)
{
	size_t n = 0;
	while (n < FILE_MAX - 1) {
		ssize_t r = read(fd, text + n, FILE_MAX - 1 - n);
		if (r < 0 && errno == EINTR) {
			continue;
		}
		if (r < 0) {
			return file_error(err, path, "cannot read");
		}
		if (r == 0) {
			break;
		}
		n += (size_t)r;
	}
	text[n] = '\0';
	return 0;
}

int rp_hostkey_from_file(const char *path, struct rp_hostkey **out, struct rp_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		return errno == ENOENT ? create_file(path, out, err)
		                       : file_error(err, path, "cannot open");
	}
	char text[FILE_MAX];
	int r = check_file(fd, path, err);
	r = r == 0 ? read_file(fd, path, text, err) : r;
	close(fd);
	if (r != 0) {
		return r;
	}
	r = import(text, out);
	rp_secret_wipe(text, sizeof(text));
	if (r == RP_EINVAL) {
		return rp_err_set(
		    err, r, "host key file %s: not an unencrypted ECDSA P-256 private key", path);
	}
	return r == 0 ? 0 : rp_err_set(err, r, "host key file %s: %s", path, rp_err_text(r));
}

void rp_hostkey_free(struct rp_hostkey *k)
{
	if (k != NULL) {
		ssh_key_free(k->key);
		rp_free(k);
	}
}

const char *rp_hostkey_md5(const struct rp_hostkey *k)
{
	return k->md5;
}

const char *rp_hostkey_sha256(const struct rp_hostkey *k)
{
	return k->sha256;
}
