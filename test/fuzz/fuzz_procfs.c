/* SPDX-License-Identifier: MIT */
/*
 * Files of /proc through all their parsers, as a whole and line by line. What is found lies in the
 * text, and texts that are copied end.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "client/outer.h"
#include "client/procfs.h"

#include <arpa/inet.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool within(struct rp_str part, struct rp_str text)
{
	return part.len == 0 || (part.p >= text.p && part.p + part.len <= text.p + text.len);
}

static void take_text(struct rp_str text)
{
	struct rp_cpu_times t;
	struct rp_memory m;
	struct rp_process_stat s;
	char address[INET6_ADDRSTRLEN];
	if (rp_procfs_cpu(text, &t) == 0) {
		double share = rp_procfs_share(0, t.busy, 0, t.total);
		RP_VERIFY(share >= 0 && share <= 100);
	}
	if (rp_procfs_memory(text, &m) == 0) {
		RP_VERIFY(m.used <= m.total && m.total > 0);
	}
	if (rp_procfs_process(text, &s) == 0) {
		RP_VERIFY(within(s.name, text) && s.state != NULL);
	}
	if (rp_outer_parse(text, AF_INET, address, sizeof(address))) {
		RP_VERIFY(strspn(address, "0123456789.") == strlen(address));
	}
	if (rp_outer_parse(text, AF_INET6, address, sizeof(address))) {
		RP_VERIFY(strspn(address, "0123456789abcdef:.") == strlen(address));
	}
}

static void take_line(struct rp_str line)
{
	struct rp_card_bytes c;
	struct rp_mount m;
	if (rp_procfs_card(line, &c) == 0) {
		RP_VERIFY(within(c.name, line) && c.name.len > 0);
	}
	if (rp_procfs_mount(line, &m) == 0) {
		RP_VERIFY(strlen(m.path) > 0 && strlen(m.path) < RP_MOUNT_PATH_MAX);
		RP_VERIFY(
		    strlen(m.device) < RP_MOUNT_WORD_MAX && strlen(m.type) < RP_MOUNT_WORD_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rp_str rest = rp_str_n(data, size);
	struct rp_str line;
	take_text(rest);
	while (rp_str_split(&rest, '\n', &line)) {
		take_line(line);
	}
	return 0;
}
