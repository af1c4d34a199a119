/* SPDX-License-Identifier: MIT */
/*
 * The configuration engine with a table of its own: types, precedence, warnings, places in
 * messages, secrets, the command line, help, and running out of memory at every allocation.
 */
#include "core/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "test/lib/oom.h"

struct cfg {
	char *name;
	char *secret;
	struct rp_strlist list;
	struct rp_strlist headers;
	bool yes;
	bool no;
	int64_t number;
	double ratio;
	int64_t wait;
	int64_t minutes;
	int64_t seconds;
	int64_t keep;
	int64_t size;
	struct rp_port_list ports;
	struct rp_strmap labels;
	struct rp_listmap aliases;
	char *arg_only;
};

#define ROW(m, t) \
	.section = "main", .key = #m, .type = RP_CONF_##t, .offset = offsetof(struct cfg, m)

static const struct rp_conf_opt opts[] = {
    {ROW(name, STR), .def = "nobody", .flag = "name", .letter = 'n', .env = "RP_TEST_NAME",
        .help = "A name that is explained at some length, so that the line has to be wrapped."},
    {ROW(secret, STR), .flags = RP_CONF_F_SECRET, .flag = "secret"},
    {ROW(list, STRLIST), .def = "a,b\nc", .flag = "list", .letter = 'l'},
    {ROW(headers, STRLIST), .flags = RP_CONF_F_ONE, .flag = "header"},
    {ROW(yes, BOOL), .def = "true", .flag = "yes"},
    {ROW(no, BOOL), .flag = "no"},
    {ROW(number, INT), .def = "7", .min = -5, .max = 1000, .flag = "number"},
    {ROW(ratio, FLOAT), .def = "0.5", .min = 0, .max = 1},
    {ROW(wait, DURATION), .def = "2m", .max = 3600 * RP_NS_PER_S, .flag = "wait"},
    {ROW(minutes, DURATION), .flags = RP_CONF_F_MINUTES, .def = "30"},
    {ROW(seconds, DURATION), .flags = RP_CONF_F_SECONDS, .def = "60", .min = RP_NS_PER_S,
        .max = INT64_MAX},
    {ROW(keep, STORAGE), .def = "7d"},
    {.section = "main",
        .key = "keep_days",
        .type = RP_CONF_DAYS,
        .flags = RP_CONF_F_OLD,
        .offset = offsetof(struct cfg, keep),
        .flag = "keep-days"},
    {ROW(size, SIZE), .def = "1KiB"},
    {ROW(ports, PORTS), .def = "100-200", .flag = "ports"},
    {ROW(labels, STRMAP)},
    {.section = "main",
        .key = "numbr_of",
        .type = RP_CONF_INT,
        .flags = RP_CONF_F_ALIAS,
        .offset = offsetof(struct cfg, number)},
    {.section = "Aliases", .type = RP_CONF_LISTMAP, .offset = offsetof(struct cfg, aliases)},
    {.type = RP_CONF_STR, .flag = "arg-only", .offset = offsetof(struct cfg, arg_only)},
};

static const char *const ignored[] = {"plugin", NULL};

static const struct rp_conf_spec spec = {
    .program = "prog",
    .usage = "[OPTION...]",
    .default_file = "./no-such-file.conf",
    .opts = opts,
    .n_opts = RP_ARRAY_LEN(opts),
    .ignored_sections = ignored,
    .takes_args = true,
};

static char file[] = "/tmp/rp-test-conf-XXXXXX";

struct fixture {
	struct rp_conf c;
	struct cfg cfg;
	struct rp_err err;
	int rc;
};

static void load(struct fixture *f, const char *const *argv)
{
	char *copy[16];
	int argc = 0;
	while (argv != NULL && argv[argc] != NULL) {
		copy[argc] = strdup(argv[argc]);
		argc++;
	}
	memset(f, 0, sizeof(*f));
	rp_conf_init(&f->c, &spec, &f->cfg);
	f->rc = rp_conf_load(&f->c, argc, copy, &f->err);
	for (int i = 0; i < argc; i++) {
		free(copy[i]);
	}
}

static void write_file(const char *text)
{
	FILE *out = fopen(file, "w");
	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

/* Loads text as the configuration file. */
static void load_text(struct fixture *f, const char *text)
{
	const char *argv[] = {"-c", file, NULL};
	write_file(text);
	load(f, argv);
}

static void load_ok(struct fixture *f, const char *text)
{
	load_text(f, text);
	if (f->rc != RP_CONF_RUN) {
		fail_msg("%s", f->err.msg);
	}
}

/* The message without the file's name in front, so that cases can be written down. */
static void assert_message(const struct fixture *f, const char *expected)
{
	const char *msg = f->err.msg;
	if (strncmp(msg, file, strlen(file)) == 0) {
		msg += strlen(file);
	}
	assert_string_equal(msg, expected);
}

static void defaults(void **state)
{
	(void)state;
	struct fixture f;
	load(&f, NULL);
	assert_int_equal(f.rc, RP_CONF_RUN);
	assert_string_equal(f.cfg.name, "nobody");
	assert_string_equal(f.cfg.secret, "");
	assert_string_equal(f.cfg.arg_only, "");
	assert_int_equal(f.cfg.list.n, 2);
	assert_string_equal(f.cfg.list.v[0], "a,b");
	assert_true(f.cfg.yes);
	assert_false(f.cfg.no);
	assert_int_equal(f.cfg.number, 7);
	assert_true(f.cfg.wait == 120 * RP_NS_PER_S);
	assert_true(f.cfg.minutes == 30 * 60 * RP_NS_PER_S);
	assert_true(f.cfg.seconds == 60 * RP_NS_PER_S);
	assert_true(f.cfg.keep == 7 * 24 * 3600 * RP_NS_PER_S);
	assert_int_equal(f.cfg.size, 1024);
	assert_true(rp_port_list_has(&f.cfg.ports, 100) && rp_port_list_has(&f.cfg.ports, 200));
	assert_false(rp_port_list_has(&f.cfg.ports, 99) || rp_port_list_has(&f.cfg.ports, 201));
	assert_false(rp_conf_is_set(&f.c, &f.cfg.number));
	assert_null(f.c.file);
	rp_conf_fini(&f.c);
	assert_null(f.cfg.name);
	rp_conf_fini(&f.c);
}

static void file_values(void **state)
{
	(void)state;
	struct fixture f;
	load_ok(&f,
	    "[MAIN]\n"
	    "Name = \"n\"\n"
	    "list = \" x , y,\"\n"
	    "headers = ['A: 1,2', 5]\n"
	    "yes = \"FALSE\"\n"
	    "no = 1\n"
	    "number = 0x10\n"
	    "ratio = \"0.25\"\n"
	    "wait = '1h'\n"
	    "minutes = 5\n"
	    "seconds = 90\n"
	    "keep = \"36h\"\n"
	    "size = \"10 MB\"\n"
	    "ports = ['80', 8080, \"9000 - 9010\"]\n"
	    "[main.labels]\n"
	    "City = 'Bonn'\n"
	    "Floor = 3\n"
	    "[aliases]\n"
	    "Bash = '/bin/bash'\n"
	    "old = ['/bin/sh', 'latin1']\n");
	assert_int_equal(f.c.warnings.n, 0);
	assert_string_equal(f.c.file, file);
	assert_string_equal(f.cfg.name, "n");
	assert_int_equal(f.cfg.list.n, 2);
	assert_string_equal(f.cfg.list.v[1], "y");
	assert_int_equal(f.cfg.headers.n, 2);
	assert_string_equal(f.cfg.headers.v[0], "A: 1,2");
	assert_string_equal(f.cfg.headers.v[1], "5");
	assert_false(f.cfg.yes);
	assert_true(f.cfg.no);
	assert_int_equal(f.cfg.number, 16);
	assert_true(f.cfg.ratio > 0.24 && f.cfg.ratio < 0.26);
	assert_true(f.cfg.wait == 3600 * RP_NS_PER_S);
	assert_true(f.cfg.minutes == 300 * RP_NS_PER_S);
	assert_true(f.cfg.seconds == 90 * RP_NS_PER_S);
	assert_true(f.cfg.keep == 36 * 3600 * RP_NS_PER_S);
	assert_int_equal(f.cfg.size, 10000000);
	assert_int_equal(f.cfg.ports.n, 3);
	assert_int_equal(f.cfg.ports.v[2].last, 9010);
	assert_string_equal(rp_strmap_get(&f.cfg.labels, "city"), "Bonn");
	assert_string_equal(rp_strmap_get(&f.cfg.labels, "floor"), "3");
	assert_string_equal(rp_listmap_get(&f.cfg.aliases, "bash")->v[0], "/bin/bash");
	assert_int_equal(rp_listmap_get(&f.cfg.aliases, "old")->n, 2);
	assert_null(rp_listmap_get(&f.cfg.aliases, "none"));
	assert_true(rp_conf_is_set(&f.c, &f.cfg.number));
	rp_conf_fini(&f.c);
}

static const struct {
	const char *text;
	const char *msg;
} bad_files[] = {
    {"[main]\nwait = 120\n", ":2: main.wait: \"120\" has no unit, write \"120s\" for seconds"},
    {"[main]\nwait = '2h'\n", ":2: main.wait: \"2h\" is out of range, expected 0s to 1h0m0s"},
    {"[main]\nwait = '-1s'\n",
        ":2: main.wait: \"-1s\" is no duration, expected a text such as \"90s\", \"2m\" or "
        "\"1h30m\""},
    {"[main]\nwait = 1.5\n",
        ":2: main.wait: \"1.5\" is no duration, expected a text such as \"90s\", \"2m\" or "
        "\"1h30m\""},
    {"[main]\nwait = true\n",
        ":2: main.wait: \"true\" is no duration, expected a text such as \"90s\", \"2m\" or "
        "\"1h30m\""},
    {"[main]\nseconds = 0\n", ":2: main.seconds: \"0\" is too small, expected at least 1s"},
    {"[main]\nnumber = 1001\n", ":2: main.number: \"1001\" is out of range, expected -5 to 1000"},
    {"[main]\nnumber = 'x'\n", ":2: main.number: \"x\" is no whole number"},
    {"[main]\nnumber = 1.5\n", ":2: main.number: \"1.5\" is no whole number"},
    {"[main]\nnumber = [1]\n", ":2: main.number: is a list, expected a number"},
    {"[main]\nratio = 'x'\n", ":2: main.ratio: \"x\" is no number"},
    {"[main]\nratio = inf\n", ":2: main.ratio: \"inf\" is no number"},
    {"[main]\nratio = 2\n", ":2: main.ratio: \"2\" is out of range, expected 0 to 1"},
    {"[main]\nyes = 'ja'\n", ":2: main.yes: \"ja\" is neither true nor false"},
    {"[main]\nyes = 2\n", ":2: main.yes: \"2\" is neither true nor false"},
    {"[main]\nname = ['x']\n", ":2: main.name: is a list, expected a text in quotes"},
    {"[main]\nname = {a = 1}\n", ":2: main.name: is a table, expected a text in quotes"},
    {"[main]\nlist = [['x']]\n", ":2: main.list: is a list, expected texts in the list"},
    {"[main]\nkeep = '7'\n",
        ":2: main.keep: \"7\" is no storage time, expected a whole number and h or d, such as "
        "\"7d\""},
    {"[main]\nkeep = '99999999999999d'\n",
        ":2: main.keep: \"99999999999999d\" is no storage time, expected a whole number and h or "
        "d, such as \"7d\""},
    {"[main]\nkeep_days = 'x'\n",
        ":2: main.keep_days: \"x\" is no number of days, expected a whole number"},
    {"[main]\nsize = '1 parsec'\n",
        ":2: main.size: \"1 parsec\" is no size, expected bytes or a text such as \"64KiB\" or "
        "\"256MiB\""},
    {"[main]\nsize = '9223372036854775807k'\n",
        ":2: main.size: \"9223372036854775807k\" is too large"},
    {"[main]\nports = '80,x'\n",
        ":2: main.ports: can't parse 'ports': \"x\" is no port or range of ports from 0 to 65535"},
    {"[main]\nports = ['9-8']\n",
        ":2: main.ports: can't parse 'ports': \"9-8\" is no port or range of ports from 0 to "
        "65535"},
    {"[main]\nports = ['1-2-3']\n",
        ":2: main.ports: can't parse 'ports': \"1-2-3\" is no port or range of ports from 0 to "
        "65535"},
    {"[main]\nports = [70000]\n",
        ":2: main.ports: can't parse 'ports': \"70000\" is no port or range of ports from 0 to "
        "65535"},
    {"[main]\nlabels = 'x'\n", ":2: main.labels: is a text, expected a table"},
    {"[main]\nlabels = {a = []}\n", ":2: main.labels: a: is a list, expected a text"},
    {"[aliases]\na = 'b'\n\nc = 5\n",
        ":1: Aliases: c (line 4): is a number, expected a text or a list of texts"},
    {"main = 5\n", ":1: main: is a number, expected a section [main]"},
    {"[[main]]\n", ":1: main: is a list, expected a section [main]"},
    {"[main]\nname = 'a'\nNAME = 'b'\n", ":3: NAME: set twice, expected once (first in line 2)"},
    {"[main]\nname = \"a\n",
        ":2: main.name: the text does not end in this line, expected a "
        "closing \""},
    {"[main]\nname = '0123456789012345678901234567890123456789012345678901234567890'\n"
     "number = '0123456789012345678901234567890123456789012345678901234567890'\n",
        ":3: main.number: \"012345678901234567890123456789012345678901234567...\" is no whole "
        "number"},
};

static void file_errors(void **state)
{
	(void)state;
	for (size_t i = 0; i < RP_ARRAY_LEN(bad_files); i++) {
		struct fixture f;
		load_text(&f, bad_files[i].text);
		if (f.rc >= 0) {
			fail_msg("accepted: %s", bad_files[i].text);
		}
		assert_int_equal(f.rc, RP_EINVAL);
		assert_message(&f, bad_files[i].msg);
		rp_conf_fini(&f.c);
	}
}

static void warnings(void **state)
{
	(void)state;
	struct fixture f;
	load_ok(&f,
	    "stray = 1\n"
	    "[mian]\n"
	    "name = 'x'\n"
	    "[main]\n"
	    "nmae = 'y'\n"
	    "keep_days = 3\n"
	    "completely_different = 1\n"
	    "[plugin]\n"
	    "a = 1\n"
	    "[aliases]\n");
	static const char *const want[] = {
	    ":6: main.keep_days is an old name, use main.keep",
	    ":1: unknown section [stray] is ignored",
	    ":2: unknown section [mian] is ignored, did you mean [main]?",
	    ":5: unknown key main.nmae is ignored, did you mean \"name\"?",
	    ":7: unknown key main.completely_different is ignored",
	    ":8: section [plugin] has no meaning here and is ignored",
	};
	assert_int_equal(f.c.warnings.n, RP_ARRAY_LEN(want));
	for (size_t i = 0; i < RP_ARRAY_LEN(want); i++) {
		assert_memory_equal(f.c.warnings.v[i], file, strlen(file));
		assert_string_equal(f.c.warnings.v[i] + strlen(file), want[i]);
	}
	assert_string_equal(f.cfg.name, "nobody");
	assert_true(f.cfg.keep == 3 * 24 * 3600 * RP_NS_PER_S);
	rp_conf_fini(&f.c);
}

static void spellings(void **state)
{
	(void)state;
	struct fixture f;
	load_ok(&f, "[main]\nnumbr_of = 3\n");
	assert_int_equal(f.cfg.number, 3);
	assert_int_equal(f.c.warnings.n, 0);
	assert_int_equal(rp_conf_fail(&f.c, &f.cfg.number, &f.err, "bad"), RP_EINVAL);
	assert_message(&f, ":2: main.numbr_of: bad");
	rp_conf_fini(&f.c);
	/* The real name wins, wherever it stands. */
	load_ok(&f, "[main]\nnumber = 4\nnumbr_of = 3\n");
	assert_int_equal(f.cfg.number, 4);
	assert_int_equal(rp_conf_fail(&f.c, &f.cfg.number, &f.err, "bad %d", 1), RP_EINVAL);
	assert_message(&f, ":2: main.number: bad 1");
	rp_conf_fini(&f.c);
}

static void precedence(void **state)
{
	(void)state;
	struct fixture f;
	static const char *const argv[] = {
	    "-c", file, "--name=flag", "-l", "1,2", "--list", "3", NULL};
	assert_int_equal(setenv("RP_TEST_NAME", "env", 1), 0);
	load_ok(&f, "");
	assert_string_equal(f.cfg.name, "env");
	assert_int_equal(rp_conf_fail(&f.c, &f.cfg.name, &f.err, "bad"), RP_EINVAL);
	assert_message(&f, "RP_TEST_NAME (environment): bad");
	rp_conf_fini(&f.c);
	load_ok(&f, "[main]\nname = 'file'\nlist = ['f']\n");
	assert_string_equal(f.cfg.name, "file");
	rp_conf_fini(&f.c);
	load(&f, argv);
	assert_int_equal(f.rc, RP_CONF_RUN);
	assert_string_equal(f.cfg.name, "flag");
	assert_int_equal(f.cfg.list.n, 3);
	assert_string_equal(f.cfg.list.v[0], "1");
	assert_string_equal(f.cfg.list.v[2], "3");
	assert_int_equal(rp_conf_fail(&f.c, &f.cfg.name, &f.err, "bad"), RP_EINVAL);
	assert_message(&f, "--name: bad");
	assert_int_equal(rp_conf_fail(&f.c, &f.cfg.number, &f.err, "bad"), RP_EINVAL);
	assert_message(&f, "main.number: bad");
	rp_conf_fini(&f.c);
	assert_int_equal(unsetenv("RP_TEST_NAME"), 0);
}

static void command_line(void **state)
{
	(void)state;
	struct fixture f;
	static const char *const all[] = {"-nx", "--yes=false", "--no", "pos1", "--header",
	    "A: 1,2", "--header=B: 3", "--number", "-3", "--keep-days", "2", "-", "--", "--name",
	    NULL};
	load(&f, all);
	assert_int_equal(f.rc, RP_CONF_RUN);
	assert_string_equal(f.cfg.name, "x");
	assert_false(f.cfg.yes);
	assert_true(f.cfg.no);
	assert_int_equal(f.cfg.number, -3);
	assert_true(f.cfg.keep == 48 * 3600 * RP_NS_PER_S);
	assert_int_equal(f.cfg.headers.n, 2);
	assert_string_equal(f.cfg.headers.v[0], "A: 1,2");
	assert_int_equal(f.c.args.n, 3);
	assert_string_equal(f.c.args.v[0], "pos1");
	assert_string_equal(f.c.args.v[1], "-");
	assert_string_equal(f.c.args.v[2], "--name");
	rp_conf_fini(&f.c);

	static const struct {
		const char *argv[4];
		int rc;
		const char *msg;
	} cases[] = {
	    {{"--nmae", "x"}, RP_EINVAL, "unknown option --nmae, did you mean --name?"},
	    {{"--hepl"}, RP_EINVAL, "unknown option --hepl, did you mean --help?"},
	    {{"--quite-different"}, RP_EINVAL, "unknown option --quite-different"},
	    {{"-x"}, RP_EINVAL, "unknown option -x"},
	    {{"--name"}, RP_EINVAL, "--name: the value is missing"},
	    {{"--version=1"}, RP_EINVAL, "--version: expected no value"},
	    {{"--number=x"}, RP_EINVAL, "--number: \"x\" is no whole number"},
	    {{"--yes=x"}, RP_EINVAL, "--yes: \"x\" is neither true nor false"},
	    {{"--wait", "60"}, RP_EINVAL, "--wait: \"60\" has no unit, write \"60s\" for seconds"},
	    {{"--service", "x"}, RP_EINVAL,
	        "--service: expected one of install, uninstall, start, stop"},
	    {{"--service", "stop"}, RP_CONF_SERVICE, ""},
	    {{"--service", "install", "-c/nonexistent/x.conf"}, RP_ENOENT,
	        "cannot read /nonexistent/x.conf: no such file or directory"},
	    {{"--service", "start", "--number=1"}, RP_EINVAL,
	        "--service: goes with -c, --service-user and --service-root only; the rest belongs "
	        "into the configuration file"},
	    {{"--version"}, RP_CONF_VERSION, ""},
	    {{"--check-config", "-h"}, RP_CONF_HELP, ""},
	    {{"--check-config"}, RP_CONF_CHECK, ""},
	    {{"-c", "/nonexistent/x.conf"}, RP_ENOENT,
	        "cannot read /nonexistent/x.conf: no such file or directory"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		load(&f, cases[i].argv);
		assert_string_equal(f.err.msg, cases[i].msg);
		assert_int_equal(f.rc, cases[i].rc);
		rp_conf_fini(&f.c);
	}
}

static void secrets(void **state)
{
	(void)state;
	struct fixture f;
	static const char *const samples[] = {"clientAuth1:1234", "admin:foobaz",
	    "Z4mQqmkDnexNNR4giNU3Me", "5448e69530b4b97fb510f96ff1550500b093", "quei1too2Jae3xootu",
	    "<id>:<password>"};
	for (size_t i = 0; i < RP_ARRAY_LEN(samples); i++) {
		const char *argv[] = {"--secret", samples[i], NULL};
		load(&f, argv);
		assert_int_equal(f.rc, RP_EINVAL);
		assert_string_equal(f.err.msg,
		    "--secret: sample secret: it stands in public example files, expected one of your own");
		rp_conf_fini(&f.c);
	}
	load_text(&f, "[main]\nsecret = 'admin:foobaz'\n");
	assert_message(&f,
	    ":2: main.secret: sample secret: it stands in public example files, expected one of your own");
	rp_conf_fini(&f.c);
	/* The wrong type, and syntax errors near it, do not show it either. */
	load_text(&f, "[main]\nsecret = ['tops3cret']\n");
	assert_int_equal(f.rc, RP_EINVAL);
	assert_null(strstr(f.err.msg, "tops3cret"));
	rp_conf_fini(&f.c);
	load_text(&f, "[main]\nsecret = tops3cret\n");
	assert_int_equal(f.rc, RP_EINVAL);
	assert_null(strstr(f.err.msg, "tops3cret"));
	rp_conf_fini(&f.c);
	load_ok(&f, "[main]\nsecret = 12345678\n");
	assert_string_equal(f.cfg.secret, "12345678");
	rp_conf_fini(&f.c);
}

static void help(void **state)
{
	(void)state;
	struct rp_buf b;
	rp_buf_init(&b, 65536);
	assert_int_equal(rp_conf_help(&spec, &b), 0);
	assert_int_equal(rp_buf_terminate(&b), 0);
	char *text = (char *)rp_buf_head(&b);
	assert_non_null(strstr(text, "Usage: prog [OPTION...]\n"));
	assert_non_null(strstr(text, "  -n, --name TEXT\n        A name that is explained"));
	assert_non_null(strstr(text, "[main.name = nobody, RP_TEST_NAME]\n"));
	assert_non_null(strstr(text, "      --no\n"));
	for (char *line = text; line != NULL && *line != '\0';) {
		char *end = strchr(line, '\n');
		assert_true(end != NULL);
		if (end - line > 80) {
			fail_msg("%.*s", (int)(end - line), line);
		}
		line = end + 1;
	}
	rp_buf_fini(&b);
}

static int everything(void *state)
{
	char words[4][8] = {"-c", "--list", "x,y", "pos"};
	char *argv[] = {words[0], file, words[1], words[2], words[3], NULL};
	struct rp_conf c;
	struct cfg cfg = {0};
	(void)state;
	rp_conf_init(&c, &spec, &cfg);
	int rc = rp_conf_load(&c, 5, argv, NULL);
	rp_conf_fini(&c);
	return rc;
}

static void out_of_memory(void **state)
{
	(void)state;
	write_file("[main]\nname = 'a'\nnmae = 1\nlist = ['a', 'b']\nports = [1]\nkeep_days = 3\n"
	           "labels = {a = 'b'}\n[aliases]\na = ['b', 'c']\n[what]\n");
	assert_int_equal(rp_oom_run(everything, NULL), 0);
}

static int make_file(void **state)
{
	(void)state;
	int fd = mkstemp(file);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults),
	    cmocka_unit_test(file_values),
	    cmocka_unit_test(file_errors),
	    cmocka_unit_test(warnings),
	    cmocka_unit_test(spellings),
	    cmocka_unit_test(precedence),
	    cmocka_unit_test(command_line),
	    cmocka_unit_test(secrets),
	    cmocka_unit_test(help),
	    cmocka_unit_test(out_of_memory),
	};
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
