/* SPDX-License-Identifier: MIT */
/*
 * Tells what it was run as: its file, and each of its words in hex, a line each. Static, and with
 * nothing of the project in it.
 */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char file[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", file, sizeof(file) - 1);
	if (n < 0) {
		return 1;
	}
	file[n] = '\0';
	(void)puts(file);
	for (int i = 0; i < argc; i++) {
		for (const unsigned char *p = (const unsigned char *)argv[i]; *p != '\0'; p++) {
			(void)printf("%02x", *p);
		}
		(void)puts("");
	}
	return 0;
}
