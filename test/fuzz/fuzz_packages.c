/* SPDX-License-Identifier: MIT */
/*
 * What package managers print, through all parsers, into a status. What is found lies in the line or in
 * the parser's state, and the status is always a JSON document that fits into a packet.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "client/packages.h"
#include "client/updates_status.h"
#include "core/buf.h"
#include "core/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All parsers with what they remember. */
struct parsers {
	struct rp_packages_dnf dnf;
	struct rp_packages_patch patch;
	struct rp_updates_status status;
};

static bool within(struct rp_str part, const void *p, size_t n)
{
	const char *from = p;
	return part.len == 0 || (part.p >= from && part.p + part.len <= from + n);
}

static void check_in(const struct rp_package *p, const void *from, size_t n)
{
	RP_VERIFY(within(p->name, from, n) && within(p->version, from, n));
	RP_VERIFY(within(p->arch, from, n) && within(p->origin, from, n));
}

static void take_line(struct parsers *s, struct rp_str line)
{
	struct rp_package p;
	struct rp_str name;
	bool (*const plain[])(struct rp_str line, struct rp_package * p) = {
	    rp_packages_apt, rp_packages_zypper, rp_packages_apk};
	for (size_t i = 0; i < RP_ARRAY_LEN(plain); i++) {
		if (plain[i](line, &p)) {
			check_in(&p, line.p, line.len);
			RP_VERIFY(p.name.len > 0);
			RP_VERIFY(rp_updates_status_add(&s->status, &p, p.name) == 0);
		}
	}
	if (rp_packages_dnf(&s->dnf, line, &p)) {
		check_in(&p, &s->dnf, sizeof(s->dnf));
		RP_VERIFY(rp_updates_status_add(&s->status, &p, p.name) == 0);
	}
	if (rp_packages_zypper_info(&s->patch, line, &p)) {
		check_in(&p, line.p, line.len);
		RP_VERIFY(rp_updates_status_mark(&s->status, p.name, &p) == 0);
	}
	/* It becomes a word of a command line. */
	if (rp_packages_zypper_patch(line, &name)) {
		RP_VERIFY(within(name, line.p, line.len) && name.len > 0 && name.p[0] != '-');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parsers s = {0};
	struct rp_str rest = rp_str_n(data, size);
	struct rp_str line;
	struct rp_buf out;
	struct rp_json *j;
	rp_updates_status_init(&s.status);
	while (rp_str_split(&rest, '\n', &line)) {
		take_line(&s, line);
	}
	rp_buf_init(&out, 260000);
	RP_VERIFY(rp_updates_status_write(&s.status, &out) == 0);
	RP_VERIFY(rp_json_parse(rp_buf_head(&out), out.len, &j, NULL) == 0);
	RP_VERIFY(
	    rp_json_count(rp_json_get(j, "update_summaries")) + s.status.n_left_out == s.status.n);
	rp_json_free(j);
	rp_buf_fini(&out);
	rp_updates_status_fini(&s.status);
	return 0;
}
