/* SPDX-License-Identifier: MIT */
/*
 * The log sink. A line is built on the stack and written by one write(2) under a lock, so lines of
 * several threads never mix. A disk that is full or gone costs lines, never the process: they are
 * counted, and the count is the first line when writing works again. A line that was written in
 * part is ended before the next one.
 */
#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/str.h"

#include "core/banned.h"

#define LINE_MAX_BYTES 4096
#define FILE_MODE      0640
#define CUT_MARK       "..."

/* Guarded by lock, except for level. */
static struct {
	pthread_mutex_t lock;
	atomic_int level;
	int fd;
	char *path; /* NULL = stdout */
	unsigned long lost;
	bool torn; /* the last line has no end yet */
} sink = {.lock = PTHREAD_MUTEX_INITIALIZER, .level = -1, .fd = -1};

static const char *const level_names[] = {"error", "info", "debug"};

int rp_log_level_parse(const char *text, enum rp_log_level *level)
{
	for (size_t i = 0; i < RP_ARRAY_LEN(level_names); i++) {
		if (rp_ascii_ieq(text, level_names[i])) {
			*level = (enum rp_log_level)i;
			return 0;
		}
	}
	return RP_EINVAL;
}

bool rp_log_enabled(enum rp_log_level level)
{
	return (int)level <= atomic_load_explicit(&sink.level, memory_order_relaxed);
}

/* A reader of the log that goes away, or a file size limit, must not end the process. */
static void ignore_signal(int signum)
{
	struct sigaction old;
	if (sigaction(signum, NULL, &old) == 0 && old.sa_handler == SIG_DFL) {
		struct sigaction ignore = {.sa_handler = SIG_IGN};
		(void)sigaction(signum, &ignore, NULL);
	}
}

static int open_file(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, FILE_MODE);
}

/* Caller has the lock. */
static void close_sink(void)
{
	if (sink.path != NULL) {
		(void)close(sink.fd);
		rp_free(sink.path);
	}
	sink.path = NULL;
	sink.fd = -1;
	sink.lost = 0;
	sink.torn = false;
}

int rp_log_open(const char *path, enum rp_log_level level, struct rp_err *err)
{
	int fd = STDOUT_FILENO;
	char *copy = NULL;
	if (path != NULL && path[0] != '\0') {
		copy = rp_strdup(path);
		if (copy == NULL) {
			return rp_err_no_memory(err);
		}
		fd = open_file(path);
		if (fd < 0) {
			int code = -errno;
			rp_free(copy);
			return rp_err_set(err, RP_EIO, "open %s: %s", path, rp_err_text(code));
		}
	}
	ignore_signal(SIGPIPE);
	ignore_signal(SIGXFSZ);
	tzset();

	pthread_mutex_lock(&sink.lock);
	close_sink();
	sink.fd = fd;
	sink.path = copy;
	atomic_store(&sink.level, (int)level);
	pthread_mutex_unlock(&sink.lock);
	return 0;
}

int rp_log_reopen(void)
{
	int rc = 0;
	pthread_mutex_lock(&sink.lock);
	if (sink.path != NULL) {
		/* The old file stays in use when the new one cannot be opened. */
		int fd = open_file(sink.path);
		if (fd >= 0) {
			(void)close(sink.fd);
			sink.fd = fd;
			sink.torn = false;
		} else {
			rc = RP_EIO;
		}
	}
	pthread_mutex_unlock(&sink.lock);
	return rc;
}

void rp_log_close(void)
{
	pthread_mutex_lock(&sink.lock);
	atomic_store(&sink.level, -1);
	close_sink();
	pthread_mutex_unlock(&sink.lock);
}

/* U+2028 to 202E and 2066 to 2069, 200E, 200F: lines of their own, and text that is shown in another
 * order than it stands there. */
static bool is_misleading(const char *s, size_t len)
{
	const unsigned char *u = (const unsigned char *)s;
	if (len != 3 || u[0] != 0xe2) {
		return false;
	}
	return u[1] == 0x80 ? u[2] == 0x8e || u[2] == 0x8f || (u[2] >= 0xa8 && u[2] <= 0xae)
	                    : u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9;
}

/* Replaces what could forge a line, drive a terminal or mislead its reader: C0, DEL, C1, bidi controls
 * and bytes that are no UTF-8. */
static void sanitize(char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		unsigned char c = (unsigned char)s[i];
		size_t len = rp_utf8_len(s + i, n - i);
		bool c1 = len == 2 && c == 0xc2 && (unsigned char)s[i + 1] < 0xa0;
		if (len == 0 || c < 0x20 || c == 0x7f || c1 || is_misleading(s + i, len)) {
			memset(s + i, '?', len == 0 ? 1 : len);
		}
		i += len == 0 ? 1 : len;
	}
}

/* Length of the first max bytes of s without a torn character at the end. */
static size_t whole_chars(const char *s, size_t max)
{
	while (max > 0 && ((unsigned char)s[max] & 0xc0u) == 0x80u) {
		max--;
	}
	return max;
}

/* One write(2). Caller has the lock. */
static void put_line(const char *line, size_t n)
{
	ssize_t done;
	do {
		done = write(sink.fd, line, n);
	} while (done < 0 && errno == EINTR);
	if (done == (ssize_t)n) {
		sink.torn = false;
		return;
	}
	sink.lost++;
	sink.torn = sink.torn || done > 0;
}

/* Says how many lines are missing. Caller has the lock. */
static void report_lost(const char *stamp)
{
	char line[128];
	unsigned long lost = sink.lost;
	int n = snprintf(line, sizeof(line), "%s%s error: log: %lu lines could not be written\n",
	    sink.torn ? "\n" : "", stamp, lost);
	sink.lost = 0;
	put_line(line, (size_t)n);
	if (sink.lost > 0) {
		sink.lost = lost;
	}
}

/* "2006/01/02 15:04:05" */
static void make_stamp(char *out, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;
	if (localtime_r(&now, &tm) == NULL || strftime(out, size, "%Y/%m/%d %H:%M:%S", &tm) == 0) {
		(void)snprintf(out, size, "0000/00/00 00:00:00");
	}
}

void rp_log(enum rp_log_level level, const char *component, const char *fmt, ...)
{
	if (!rp_log_enabled(level)) {
		return;
	}
	char stamp[32];
	char line[LINE_MAX_BYTES];
	make_stamp(stamp, sizeof(stamp));
	int head = snprintf(
	    line, sizeof(line), "%s %s: %.32s: ", stamp, level_names[level], component);
	size_t room = sizeof(line) - (size_t)head;
	va_list ap;
	va_start(ap, fmt);
	int text = vsnprintf(line + head, room, fmt, ap);
	va_end(ap);
	if (text < 0) {
		return;
	}
	size_t n = (size_t)head + (size_t)text;
	if ((size_t)text >= room) {
		n = whole_chars(line, sizeof(line) - sizeof(CUT_MARK));
		memcpy(line + n, CUT_MARK, sizeof(CUT_MARK));
		n += sizeof(CUT_MARK) - 1;
	}
	sanitize(line, n);
	line[n] = '\n';

	pthread_mutex_lock(&sink.lock);
	if (sink.fd >= 0) {
		if (sink.lost > 0) {
			report_lost(stamp);
		}
		put_line(line, n + 1);
	}
	pthread_mutex_unlock(&sink.lock);
}
