/* SPDX-License-Identifier: MIT */
/*
 * POST /files over the API: what is stored, what the clients are told, every documented error, and
 * that no file stays behind.
 */
#include "api/uploads.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "test/lib/api_short.h"
#include "test/lib/net.h"

#define WAIT_MS   20000
#define BIG       ((size_t)1500000)
#define OUT_MAX   16384
#define FORM_TYPE "Content-Type: multipart/form-data; boundary=XX\r\n"
#define FIELD(name, value) \
	"--XX\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define FILE_HEAD                                                                         \
	"--XX\r\nContent-Disposition: form-data; name=\"upload\"; filename=\"f.bin\"\r\n" \
	"Content-Type: application/octet-stream\r\n\r\n"
#define SMALL FILE_HEAD "hello\r\n"
#define END   "--XX--\r\n"
#define DEST  FIELD("dest", "/tmp/x")
#define ONE   FIELD("client_id", "one")

static char out[OUT_MAX];
static size_t out_n;
static char results[OUT_MAX];
static struct rp_upload_watch watch;

static void on_result(struct rp_upload_watch *w, const struct rp_upload_result *r)
{
	char line[512];
	(void)w;
	(void)snprintf(line, sizeof(line), "%s %s %s %lld %s %s\n", r->client_id, r->id, r->path,
	    (long long)r->size, r->status, r->message);
	assert_true(strlen(results) + strlen(line) < sizeof(results));
	(void)snprintf(results + strlen(results), sizeof(results) - strlen(results), "%s", line);
}

static struct rp_uploads *uploads(void)
{
	return ((struct rp_api *)rig->api)->uploads;
}

static int setup(void **state)
{
	(void)state;
	rig = rp_api_rig_open("max_filepush_size = 2000000\n");
	results[0] = '\0';
	watch.on_result = on_result;
	rp_uploads_watch(uploads(), &watch);
	return 0;
}

static void folder(char path[static 256])
{
	char *dir = realpath(rig->store.dir, NULL);
	assert_non_null(dir);
	(void)snprintf(path, 256, "%s/filepush", dir);
	free(dir);
}

static unsigned files(void)
{
	char path[256];
	folder(path);
	unsigned n = 0;
	DIR *d = opendir(path);
	const struct dirent *e;
	while (d != NULL && (e = readdir(d)) != NULL) {
		n += e->d_name[0] != '.' ? 1 : 0;
	}
	if (d != NULL) {
		(void)closedir(d);
	}
	return n;
}

static void turn(void)
{
	(void)uv_run(rp_loop_uv(rig->store.loop), UV_RUN_NOWAIT);
	(void)usleep(200);
}

static void wait_files(unsigned n)
{
	uint64_t end = rp_clock_ms() + WAIT_MS;
	while (files() != n) {
		turn();
		assert_true(rp_clock_ms() < end);
	}
}

static int teardown(void **state)
{
	char path[256];
	(void)state;
	wait_files(0);
	folder(path);
	(void)rmdir(path);
	rp_api_rig_close(rig);
	return 0;
}

static void wait_orders(size_t n)
{
	uint64_t end = rp_clock_ms() + WAIT_MS;
	while (rp_fake_count(rig->workers) < n) {
		turn();
		assert_true(rp_clock_ms() < end);
	}
}

/* A connection with a request's head on it. */
static int start(const char *user, const char *headers)
{
	char head[1024];
	char *b64 = rp_base64(user, strlen(user));
	int n = snprintf(head, sizeof(head),
	    "POST /api/v1/files HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	    "Authorization: Basic %s\r\n%s\r\n",
	    b64, headers);
	rp_free(b64);
	int fd = rp_net_connect(rp_acceptor_port(((struct rp_api *)rig->api)->acceptor));
	assert_true(fd >= 0 && n > 0);
	assert_int_equal(send(fd, head, (size_t)n, MSG_NOSIGNAL), n);
	out_n = 0;
	out[0] = '\0';
	return fd;
}

/* False at the end of the connection. */
static bool receive(int fd)
{
	ssize_t n = recv(fd, out + out_n, OUT_MAX - 1 - out_n, MSG_DONTWAIT);
	out_n += n > 0 ? (size_t)n : 0;
	out[out_n] = '\0';
	return n > 0 || (n < 0 && errno == EAGAIN);
}

/* Sends what the server takes and reads to the end. The status. */
static unsigned finish(int fd, const char *p, size_t n)
{
	uint64_t end = rp_clock_ms() + WAIT_MS;
	size_t sent = 0;
	do {
		ssize_t got = sent == n ? 0
		                        : send(fd, p + sent, n - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		sent += got > 0 ? (size_t)got : 0;
		turn();
		assert_true(rp_clock_ms() < end);
	} while (receive(fd));
	close(fd);
	return out_n > 12 ? (unsigned)strtoul(out + 9, NULL, 10) : 0;
}

static unsigned post_n(const char *user, const char *body, size_t n)
{
	char headers[256];
	(void)snprintf(headers, sizeof(headers), FORM_TYPE "Content-Length: %zu\r\n", n);
	return finish(start(user, headers), body, n);
}

static unsigned post(const char *user, const char *body)
{
	return post_n(user, body, strlen(body));
}

static void assert_told(const char *part)
{
	if (strstr(out, part) == NULL) {
		fail_msg("no %s in %s", part, out);
	}
}

/* A form with a file of n bytes; owned. */
static char *big_form(const char *fields, size_t n, size_t *len, size_t *at)
{
	char *p = malloc(n + 4096);
	assert_non_null(p);
	*at = (size_t)sprintf(p, "%s" FILE_HEAD, fields);
	for (size_t i = 0; i < n; i++) {
		p[*at + i] = (char)(i * 13 + i / 257);
	}
	*len = *at + n + (size_t)sprintf(p + *at + n, "\r\n" END);
	return p;
}

static void assert_file(const char *path, const char *p, size_t n)
{
	struct stat st;
	char *text = malloc(n + 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fread(text, 1, n + 1, f), n);
	assert_memory_equal(text, p, n);
	(void)fclose(f);
	free(text);
}

/* Entries of the audit log, which bob sees his own of. */
static void assert_audited(const char *user, const char *action, unsigned count)
{
	char path[96];
	char want[64];
	(void)snprintf(
	    path, sizeof(path), "/auditlog?filter[application]=uploads&filter[action]=%s", action);
	(void)snprintf(want, sizeof(want), "\"meta\":{\"count\":%u}}", count);
	unsigned status = rp_api_rig_get(rig, user, path);
	if (status != 200 || strstr(rig->body, want) == NULL) {
		fail_msg("%s: %u %s\nwanted %s", path, status, rig->body, want);
	}
}

static void test_upload(void **state)
{
	size_t len;
	size_t at;
	uint8_t md5[16];
	char want[512];
	char path[256];
	struct stat st;
	char *body = big_form(DEST ONE FIELD("mode", "0640") FIELD("user", "root")
	                          FIELD("group", "adm") FIELD("force", "1") FIELD("sync", "false")
	                              FIELD("id", "my id") FIELD("unknown", "x"),
	    BIG, &len, &at);
	(void)state;
	rp_api_rig_client(rig, "one", "staff");
	assert_int_equal(post_n(BOB, body, len), 200);
	assert_told("{\"data\":{\"uuid\":\"my id\",\"filepath\":\"/tmp/x\",\"size\":1500000}}");
	wait_orders(1);
	struct rp_fake_order *o = rp_fake_order(rig->workers, 0);
	assert_string_equal(o->name, "upload");
	folder(path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(strncmp(o->file, path, strlen(path)), 0);
	assert_string_equal(o->file + strlen(path) + 1 + 36, "_rport_filepush");
	assert_file(o->file, body + at, BIG);
	assert_int_equal(rp_md5(body + at, BIG, md5), 0);
	char *b64 = rp_base64(md5, 16);
	(void)snprintf(want, sizeof(want),
	    "{\"ID\":\"my id\",\"SourceFilePath\":\"%s\",\"DestinationPath\":\"/tmp/x\","
	    "\"DestinationFileMode\":416,\"DestinationFileOwner\":\"root\","
	    "\"DestinationFileGroup\":\"adm\",\"ForceWrite\":true,\"Sync\":false,"
	    "\"Md5Checksum\":\"%s\"}",
	    o->file, b64);
	assert_string_equal(o->text, want);
	rp_free(b64);
	rp_fake_answer(o, 0,
	    "{\"uuid\":\"other\",\"filepath\":\"/other\",\"size\":7,\"message\":\"fine\","
	    "\"status\":\"success\"}");
	assert_string_equal(results, "one my id /tmp/x 7 success fine\n");
	wait_files(0);
	assert_audited("bob", "create", 1);
	assert_audited("bob", "success", 1);
	assert_audited("bob", "failed", 0);
	free(body);
}

/* The file stays until the last client has answered; each outcome in its words. */
static void test_clients(void **state)
{
	(void)state;
	rp_api_rig_client(rig, "one", NULL);
	rp_api_rig_client(rig, "two", NULL);
	rp_api_rig_client(rig, "three", NULL);
	rp_api_rig_client(rig, "four", NULL);
	rp_api_rig_client(rig, "five", NULL);
	rp_api_rig_hello(rig, "off",
	    "{\"Name\":\"x\",\"Version\":\"1\",\"ClientConfiguration\":{\"client\":{}}}");
	rp_api_rig_hello(rig, "on",
	    "{\"Name\":\"x\",\"Version\":\"1\",\"ClientConfiguration\":"
	    "{\"file_reception\":{\"enabled\":true}}}");
	rp_api_rig_client(rig, "gone", NULL);
	rp_api_rig_down(rig);
	assert_int_equal(post(ADMIN,
	                     SMALL DEST FIELD("client_id", "gone") FIELD("client_id", "off")
	                         FIELD("client_id", "one") FIELD("client_id", "two")
	                             FIELD("client_id", "three") FIELD("client_id", "four")
	                                 FIELD("client_id", "five") FIELD("client_id", "on")
	                                     FIELD("client_id", "one") FIELD("id", "u") END),
	    200);
	wait_orders(6);
	assert_string_equal(results,
	    "gone u  0 error client is not connected\n"
	    "off u  0 error uploads are disabled on this client, check [file-reception] enabled "
	    "option\n");
	assert_int_equal(rp_fake_count(rig->workers), 6);
	results[0] = '\0';
	rp_fake_answer(rp_fake_order(rig->workers, 0), RP_EDENIED, "unknown request");
	rp_fake_answer(rp_fake_order(rig->workers, 1), RP_EDENIED, "target path is protected");
	rp_fake_answer(rp_fake_order(rig->workers, 2), RP_ETIMEOUT, "");
	rp_fake_answer(rp_fake_order(rig->workers, 3), 0, "{\"status\":\"done\"}");
	rp_fake_answer(rp_fake_order(rig->workers, 4), 0, "{\"status\":\"ignored\"}");
	turn();
	assert_int_equal(files(), 1);
	rp_fake_answer(rp_fake_order(rig->workers, 5), RP_ECLOSED, "");
	assert_string_equal(results,
	    "one u  0 error client doesn't support uploads, please upgrade client to the latest "
	    "version to make it work\n"
	    "two u  0 error client error: target path is protected\n"
	    "three u  0 error the client did not answer in time\n"
	    "four u  0 error invalid client response format\n"
	    "five u /tmp/x 0 ignored \n"
	    "on u  0 error client is not connected\n");
	wait_files(0);
	assert_audited("admin", "create", 8);
	assert_audited("admin", "success", 1);
	assert_audited("admin", "failed", 7);
}

/* Many clients are served some at a time. */
static void test_many(void **state)
{
	static char body[8192];
	char id[32];
	size_t n = (size_t)sprintf(body, SMALL DEST);
	(void)state;
	for (int i = 0; i < 40; i++) {
		(void)snprintf(id, sizeof(id), "c%d", i);
		rp_api_rig_client(rig, id, NULL);
		n += (size_t)sprintf(body + n, FIELD("client_id", "c%d"), i);
	}
	(void)sprintf(body + n, END);
	assert_int_equal(post(ADMIN, body), 200);
	for (size_t done = 0; done < 40; done++) {
		wait_orders(RP_MIN(done + RP_UPLOAD_PARALLEL, (size_t)40));
		turn();
		assert_int_equal(
		    rp_fake_count(rig->workers), RP_MIN(done + RP_UPLOAD_PARALLEL, (size_t)40));
		assert_int_equal(files(), 1);
		rp_fake_answer(
		    rp_fake_order(rig->workers, done), 0, "{\"status\":\"success\",\"size\":5}");
	}
	wait_files(0);
}

static void test_audience(void **state)
{
	(void)state;
	rp_api_rig_hello(rig, "web", "{\"Name\":\"x\",\"Version\":\"1\",\"Tags\":[\"a\",\"b\"]}");
	rp_api_rig_hello(rig, "db", "{\"Name\":\"x\",\"Version\":\"1\",\"Tags\":[\"b\"]}");
	assert_int_equal(
	    post(ADMIN,
	        SMALL DEST FIELD("tags", "{\"tags\":[\"a\",\"b\"],\"operator\":\"AND\"}") END),
	    200);
	wait_orders(1);
	assert_int_equal(rp_fake_count(rig->workers), 1);
	assert_int_equal(post(ADMIN, SMALL DEST FIELD("tags", "{\"tags\":[\"b\"]}") END), 200);
	wait_orders(3);
	rp_fake_clear(rig->workers);
	assert_int_equal(
	    ask(ADMIN, "POST", "/client-groups", "{\"id\":\"g\",\"params\":{\"tag\":[\"a\"]}}"),
	    201);
	assert_int_equal(post(ADMIN, SMALL DEST FIELD("group_id", "g") END), 200);
	wait_orders(1);
	rp_fake_clear(rig->workers);
	wait_files(0);
}

static void test_errors(void **state)
{
	static const struct {
		const char *body;
		unsigned status;
		const char *part;
	} rows[] = {
	    {DEST ONE END, 400, "the part \\\"upload\\\" is missing"},
	    {DEST ONE FIELD("upload", "text") END, 400, "the part \\\"upload\\\" is missing"},
	    {SMALL SMALL DEST ONE END, 400, "more than one file"},
	    {SMALL ONE END, 400, "empty destination file path"},
	    {SMALL ONE FIELD("dest", "x/y") END, 400, "must be an absolute path"},
	    {SMALL ONE FIELD("dest", "/proc/x") END, 400,
	        "{\"code\":\"BAD_DESTINATION\",\"title\":\"upload denied\",\"detail\":\"uploads to "
	        "/proc/ are forbidden\"}"},
	    {SMALL ONE FIELD("dest", "/a/../proc/x") END, 400, "BAD_DESTINATION"},
	    {SMALL ONE FIELD("dest", "//./sys/x") END, 400, "uploads to /sys/ are forbidden"},
	    {SMALL ONE FIELD("dest", "/../dev/x") END, 400, "BAD_DESTINATION"},
	    {SMALL ONE FIELD("dest", "/run") END, 400, "BAD_DESTINATION"},
	    {SMALL ONE FIELD("dest", "/tmp/\001") END, 400, "control characters"},
	    {SMALL ONE DEST FIELD("mode", "999") END, 400, "failed to parse file mode value"},
	    {SMALL ONE DEST FIELD("mode", "") END, 400, "failed to parse file mode value"},
	    {SMALL ONE DEST FIELD("mode", "10000") END, 400, "failed to parse file mode value"},
	    {SMALL ONE DEST FIELD("force", "yes") END, 400, "\\\"force\\\" is neither"},
	    {SMALL ONE DEST FIELD("sync", "") END, 400, "\\\"sync\\\" is neither"},
	    {SMALL ONE DEST FIELD("user", "-R") END, 400, "no name of a user or group"},
	    {SMALL ONE DEST FIELD("group", "a:b") END, 400, "no name of a user or group"},
	    {SMALL ONE DEST FIELD("id", "a\001") END, 400, "control characters"},
	    {SMALL ONE DEST FIELD("id", "\xff") END, 400, "is no text"},
	    {SMALL DEST END, 400, "Missing targeting parameters."},
	    {SMALL DEST ONE FIELD("tags", "{\"tags\":[\"a\"]}") END, 400,
	        "Multiple targeting parameters."},
	    {SMALL DEST FIELD("tags", "{\"tags\":[]}") END, 400, "No tags specified."},
	    {SMALL DEST FIELD("tags", "{") END, 400, "the field \\\"tags\\\""},
	    {SMALL DEST FIELD("tags", "{\"tags\":[\"a\"],\"x\":1}") END, 400, "unknown field"},
	    {SMALL DEST FIELD("tags", "{}") FIELD("tags", "{}") END, 400, "a single element"},
	    {SMALL DEST FIELD("tags", "{\"tags\":[\"none\"]}") END, 400, "at least 1 client"},
	    {SMALL DEST FIELD("client_id", "none") END, 404,
	        "Client with id=\\\"none\\\" not found"},
	    {SMALL DEST FIELD("group_id", "none") END, 400, "Unknown group with id=\\\"none\\\""},
	    {SMALL DEST ONE FIELD("client_id", "theirs") END, 403,
	        "{\"code\":\"ACCESS_CONTROL_VIOLATION\",\"title\":\"upload forbidden\","
	        "\"detail\":\"Access denied to client(s) with ID(s): theirs\"}"},
	    {SMALL DEST ONE, 400, "the form ends too early"},
	    {"--XX\r\nX: y\r\n\r\n" END, 400, "no readable multipart/form-data"},
	};
	(void)state;
	rp_api_rig_client(rig, "one", "staff");
	rp_api_rig_client(rig, "theirs", "others");
	for (size_t i = 0; i < RP_ARRAY_LEN(rows); i++) {
		unsigned status = post(BOB, rows[i].body);
		if (status != rows[i].status || strstr(out, rows[i].part) == NULL) {
			fail_msg(
			    "row %zu: wanted %u %s, got %s", i, rows[i].status, rows[i].part, out);
		}
		wait_files(0);
	}
	assert_int_equal(rp_fake_count(rig->workers), 0);
	assert_int_equal(finish(start(BOB, "Content-Length: 0\r\n"), "", 0), 400);
	assert_told("isn't multipart/form-data");
	assert_int_equal(
	    finish(start(BOB, "Content-Type: application/json\r\nContent-Length: 2\r\n"), "{}", 2),
	    400);
	assert_int_equal(
	    finish(start(BOB, FORM_TYPE "Transfer-Encoding: chunked\r\n"), "zz\r\n", 4), 400);
	assert_told("the body did not arrive");
}

/* Before anything is stored it is clear who asks. */
static void test_strangers(void **state)
{
	size_t len;
	size_t at;
	char *body = big_form(DEST ONE, BIG, &len, &at);
	(void)state;
	assert_int_equal(post_n("bob:wrong", body, len), 401);
	int fd = start(
	    "bob:wrong", FORM_TYPE "Content-Length: 1000000\r\nExpect: 100-continue\r\n");
	assert_int_equal(finish(fd, "", 0), 401);
	assert_null(strstr(out, "100 Continue"));
	char path[256];
	folder(path);
	assert_int_equal(access(path, F_OK), -1);
	free(body);
}

static void test_too_large(void **state)
{
	size_t len;
	size_t at;
	char *body = big_form(DEST ONE, 2000001, &len, &at);
	(void)state;
	assert_int_equal(post_n(BOB, body, len), 413);
	assert_told("http: request body too large");
	char *chunked = malloc(len + 64);
	assert_non_null(chunked);
	int n = sprintf(chunked, "%zx\r\n", len);
	memcpy(chunked + n, body, len);
	assert_int_equal(finish(start(BOB, FORM_TYPE "Transfer-Encoding: chunked\r\n"), chunked,
	                     len + (size_t)n),
	    413);
	assert_told("http: request body too large");
	wait_files(0);
	free(chunked);
	free(body);
}

/* The sender goes in the middle. */
static void test_cut_off(void **state)
{
	size_t len;
	size_t at;
	char *body = big_form(DEST ONE, 300000, &len, &at);
	char headers[256];
	(void)state;
	rp_api_rig_client(rig, "one", "staff");
	for (int i = 0; i < 2; i++) {
		(void)snprintf(
		    headers, sizeof(headers), FORM_TYPE "Content-Length: %zu\r\n", len + 1000);
		int fd = start(BOB, headers);
		size_t sent = 0;
		while (sent < len) {
			ssize_t got = send(
			    fd, body + sent, len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
			sent += got > 0 ? (size_t)got : 0;
			turn();
		}
		wait_files(1);
		if (i == 0) {
			close(fd);
			wait_files(0);
		} else {
			/* Or the server stops. */
			rp_api_rig_restart(rig);
			close(fd);
			assert_int_equal(files(), 0);
		}
	}
	free(body);
}

static void test_no_room(void **state)
{
	char path[256];
	size_t len;
	size_t at;
	char *body = big_form(DEST ONE, BIG, &len, &at);
	(void)state;
	rp_api_rig_client(rig, "one", "staff");
	folder(path);
	FILE *f = fopen(path, "w"); /* a file where the folder should be */
	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(post_n(BOB, body, len), 500);
	assert_told("the file cannot be stored: not a directory");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(post_n(BOB, body, len), 200);
	wait_orders(1);
	rp_fake_clear(rig->workers);
	wait_files(0);
	free(body);
}

/* What a server leaves behind is removed by the next one, and nothing else. */
static void test_left_over(void **state)
{
	char path[320];
	char dir[256];
	(void)state;
	folder(dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	static const char *const names[] = {
	    "01234567-0123-4123-8123-0123456789ab_rport_filepush", "other", "x_rport_filepush"};
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		assert_int_equal(fclose(f), 0);
	}
	rp_api_rig_restart(rig);
	assert_int_equal(files(), 2);
	for (size_t i = 1; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		assert_int_equal(unlink(path), 0);
	}
}

static void test_limit(void **state)
{
	struct rp_upload *v[RP_UPLOADS_MAX];
	struct rp_upload *more;
	struct rp_err err = {0};
	(void)state;
	for (size_t i = 0; i < RP_UPLOADS_MAX; i++) {
		assert_int_equal(rp_upload_new(uploads(), &v[i], &err), 0);
	}
	assert_int_equal(rp_upload_new(uploads(), &more, &err), RP_EBUSY);
	assert_int_equal(post(BOB, SMALL DEST ONE END), 503);
	for (size_t i = 0; i < RP_UPLOADS_MAX; i++) {
		rp_upload_free(uploads(), v[i]);
	}
	assert_int_equal(post(BOB, SMALL DEST ONE END), 404);
}

static int open_ws(const char *user, const char *path)
{
	char head[1024];
	char *b64 = rp_base64(user, strlen(user));
	int n = snprintf(head, sizeof(head),
	    "GET /api/v1%s HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %s\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
	    path, b64);
	rp_free(b64);
	int fd = rp_net_connect(rp_acceptor_port(((struct rp_api *)rig->api)->acceptor));
	assert_true(fd >= 0);
	assert_int_equal(send(fd, head, (size_t)n, MSG_NOSIGNAL), n);
	out_n = 0;
	uint64_t end = rp_clock_ms() + WAIT_MS;
	do {
		turn();
		assert_true(rp_clock_ms() < end);
	} while (receive(fd) && strstr(out, "\r\n\r\n") == NULL);
	assert_int_equal(strncmp(out, "HTTP/1.1 101", 12), 0);
	return fd;
}

/* Everything that came until this text. */
static void wait_message(int fd, const char *text)
{
	uint64_t end = rp_clock_ms() + WAIT_MS;
	out_n = 0;
	out[0] = '\0';
	while (memmem(out, out_n, text, strlen(text)) == NULL) {
		turn();
		assert_true(rp_clock_ms() < end && receive(fd));
	}
}

/* Results of all uploads, of clients that one may use. */
static void test_websocket(void **state)
{
	(void)state;
	rp_api_rig_client(rig, "one", "staff");
	rp_api_rig_client(rig, "theirs", "others");
	int admin = open_ws(ADMIN, "/ws/uploads");
	int bob = open_ws(BOB, "/ws/uploads");
	assert_int_equal(
	    post(ADMIN, SMALL DEST FIELD("client_id", "theirs") ONE FIELD("id", "u") END), 200);
	wait_orders(2);
	rp_fake_answer(rp_fake_order(rig->workers, 0), RP_EDENIED, "no");
	rp_fake_answer(rp_fake_order(rig->workers, 1), 0,
	    "{\"size\":5,\"message\":\"fine\",\"status\":\"success\"}");
	wait_message(admin, "\"success\"}");
	assert_non_null(memmem(out, out_n,
	    "{\"client_id\":\"theirs\",\"uuid\":\"u\",\"filepath\":\"\",\"size\":0,"
	    "\"message\":\"client error: no\",\"status\":\"error\"}",
	    95));
	wait_message(bob, "\"success\"}");
	assert_null(memmem(out, out_n, "theirs", 6));
	assert_non_null(memmem(out, out_n,
	    "{\"client_id\":\"one\",\"uuid\":\"u\",\"filepath\":\"/tmp/x\",\"size\":5,"
	    "\"message\":\"fine\",\"status\":\"success\"}",
	    95));
	close(bob);
	wait_files(0);
	assert_int_equal(post(ADMIN, SMALL DEST ONE FIELD("id", "v") END), 200);
	wait_orders(3);
	rp_fake_answer(rp_fake_order(rig->workers, 2), RP_ETIMEOUT, "");
	wait_message(admin, "\"error\"}");
	close(admin);
	wait_files(0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_upload),
	    T(test_clients),
	    T(test_many),
	    T(test_audience),
	    T(test_errors),
	    T(test_strangers),
	    T(test_too_large),
	    T(test_cut_off),
	    T(test_no_room),
	    T(test_left_over),
	    T(test_limit),
	    T(test_websocket),
	};
	return cmocka_run_group_tests_name("api_files", tests, NULL, NULL);
}
