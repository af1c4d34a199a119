/* SPDX-License-Identifier: MIT */
/*
 * Runs a libFuzzer target over files without libFuzzer, so that every corpus is part of the
 * ordinary tests
 * with any compiler. Arguments are files and folders (not descended into); each input runs
 * twice, because
 * state that one run leaves behind shows in the next. An input that ends the process is named on
 * stderr.
 * The empty input always runs.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

#define INPUT_MAX (1L << 24)

static char current[4096];
static unsigned long inputs;

/* Only async-signal-safe calls. */
static void on_crash(int sig)
{
	static const char text[] = "replay: the failing input is ";
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)!write(STDERR_FILENO, current, strlen(current));
	(void)!write(STDERR_FILENO, "\n", 1);
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

static void run_input(const char *name, const uint8_t *data, size_t size)
{
	(void)snprintf(current, sizeof(current), "%s", name);
	for (int round = 0; round < 2; round++) {
		(void)LLVMFuzzerTestOneInput(data, size);
	}
	inputs++;
}

static int fail(const char *name)
{
	(void)fprintf(stderr, "replay: %s: %s\n", name, strerror(errno));
	return -1;
}

/* The buffer has the size of the file, so that a sanitizer sees the first byte read behind it. */
static int run_file(const char *name)
{
	FILE *f = fopen(name, "rb");
	if (f == NULL) {
		return fail(name);
	}
	struct stat st;
	if (fstat(fileno(f), &st) != 0 || st.st_size > INPUT_MAX) {
		(void)fclose(f);
		return fail(name);
	}

	size_t size = (size_t)st.st_size;
	uint8_t *data = malloc(size > 0 ? size : 1);
	if (data == NULL || fread(data, 1, size, f) != size) {
		free(data);
		(void)fclose(f);
		return fail(name);
	}
	(void)fclose(f);
	run_input(name, data, size);
	free(data);
	return 0;
}

static int not_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int run_folder(const char *name)
{
	struct dirent **entries;
	int n = scandir(name, &entries, not_hidden, alphasort);
	if (n < 0) {
		return fail(name);
	}
	int rc = 0;
	for (int i = 0; i < n; i++) {
		char path[4096];
		(void)snprintf(path, sizeof(path), "%s/%s", name, entries[i]->d_name);
		if (run_file(path) != 0) {
			rc = -1;
		}
		free(entries[i]);
	}
	free(entries);
	return rc;
}

int main(int argc, char **argv)
{
	(void)signal(SIGABRT, on_crash);
	(void)signal(SIGSEGV, on_crash);
	(void)signal(SIGALRM, on_crash);
	if (LLVMFuzzerInitialize != NULL) {
		(void)LLVMFuzzerInitialize(&argc, &argv);
	}

	static const uint8_t nothing[1];
	run_input("the empty input", nothing, 0);
	int rc = 0;
	for (int i = 1; i < argc; i++) {
		struct stat st;
		int failed = stat(argv[i], &st) != 0 ? fail(argv[i])
		    : S_ISDIR(st.st_mode)            ? run_folder(argv[i])
		                                     : run_file(argv[i]);
		if (failed != 0) {
			rc = 1;
		}
	}
	(void)printf("%s: %lu inputs\n", argv[0], inputs);
	return rc;
}
