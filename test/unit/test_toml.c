/* SPDX-License-Identifier: MIT */
/*
 * TOML: values and lines of valid documents, exact messages for invalid ones, limits, and
 * running out of
 * memory at every allocation.
 */
#include "core/toml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "test/lib/oom.h"

static struct rp_toml *parse(const char *text)
{
	struct rp_toml *t = NULL;
	struct rp_err err = {0};
	if (rp_toml_parse("f", text, strlen(text), &t, &err) != 0) {
		fail_msg("%s", err.msg);
	}
	return t;
}

/* The node at a path such as "a.b.c"; list items by number. */
static const struct rp_toml *at(const struct rp_toml *t, const char *path)
{
	char part[64];
	while (t != NULL && *path != '\0') {
		size_t n = strcspn(path, ".");
		(void)snprintf(part, sizeof(part), "%.*s", (int)n, path);
		path += n + (path[n] == '.');
		if (t->type == RP_TOML_ARRAY) {
			long i = strtol(part, NULL, 10);
			t = t->first;
			while (t != NULL && i-- > 0) {
				t = t->next;
			}
		} else {
			t = rp_toml_get(t, part);
		}
	}
	assert_non_null(t);
	return t;
}

static void tables_and_keys(void **state)
{
	(void)state;
	struct rp_toml *t = parse("# comment\n"
	                          "top = 1\r\n"
	                          "[server]\n"
	                          "  address = \"0.0.0.0:80\" # behind\n"
	                          "  'quoted key' = true\n"
	                          "  \"a\\u00e4\" = false\n"
	                          "  a.b.c = 5\n"
	                          "  a.b.d = 6\n"
	                          "[ remote-commands . sub ]\n"
	                          "x = 1\n"
	                          "[remote-commands]\n"
	                          "y = 2\n"
	                          "[[list]]\n"
	                          "n = 1\n"
	                          "[[list]]\n"
	                          "n = 2\n"
	                          "[list.deep]\n"
	                          "z = 3");
	assert_int_equal(at(t, "top")->i, 1);
	assert_int_equal(at(t, "top")->line, 2);
	assert_string_equal(at(t, "server.address")->text, "0.0.0.0:80");
	assert_int_equal(at(t, "server.address")->line, 4);
	assert_true(at(t, "server.quoted key")->b);
	assert_false(at(t, "server.a\xc3\xa4")->b);
	assert_int_equal(at(t, "server.a.b.d")->i, 6);
	assert_int_equal(at(t, "remote-commands.sub.x")->i, 1);
	assert_int_equal(at(t, "remote-commands.y")->i, 2);
	assert_int_equal(at(t, "remote-commands")->line, 11);
	assert_int_equal(at(t, "list.0.n")->i, 1);
	assert_int_equal(at(t, "list.1.n")->i, 2);
	assert_int_equal(at(t, "list.1.deep.z")->i, 3);
	rp_toml_free(t);
	rp_toml_free(NULL);
}

static void strings(void **state)
{
	(void)state;
	struct rp_toml *t = parse("a = \"\\b\\t\\n\\f\\r\\\"\\\\ \\u20ac \\U0001F600\"\n"
	                          "b = 'C:\\Windows\\.*'\n"
	                          "c = \"\"\"\n"
	                          "one\r\n"
	                          "two \\\n"
	                          "    \n"
	                          "  three\"\"\"\"\"\n"
	                          "d = '''\n"
	                          "raw \\n ''two''\n"
	                          "'''\n"
	                          "e = \"\"\n"
	                          "f = ''\n"
	                          "g = \"\"\"\"\"\"\n"
	                          "last = 1\n");
	assert_string_equal(at(t, "a")->text, "\b\t\n\f\r\"\\ \xe2\x82\xac \xf0\x9f\x98\x80");
	assert_string_equal(at(t, "b")->text, "C:\\Windows\\.*");
	assert_string_equal(at(t, "c")->text, "one\ntwo three\"\"");
	assert_string_equal(at(t, "d")->text, "raw \\n ''two''\n");
	assert_string_equal(at(t, "e")->text, "");
	assert_string_equal(at(t, "f")->text, "");
	assert_string_equal(at(t, "g")->text, "");
	assert_int_equal(at(t, "d")->line, 8);
	assert_int_equal(at(t, "last")->line, 14);
	rp_toml_free(t);
}

static void numbers(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t i;
	} ints[] = {
	    {"0", 0},
	    {"+99", 99},
	    {"-17", -17},
	    {"1_000_000", 1000000},
	    {"0xDEAD_beef", 0xdeadbeef},
	    {"0o755", 0755},
	    {"0b1101", 13},
	    {"-0", 0},
	    {"9223372036854775807", INT64_MAX},
	    {"-9223372036854775808", INT64_MIN},
	    {"0x7fffffffffffffff", INT64_MAX},
	};
	static const struct {
		const char *text;
		double f;
	} floats[] = {
	    {"1.5", 1.5},
	    {"-0.25", -0.25},
	    {"5e+2", 500},
	    {"1E6", 1e6},
	    {"6.25e-1", 0.625},
	    {"1_0.2_5", 10.25},
	};
	char doc[64];
	for (size_t i = 0; i < RP_ARRAY_LEN(ints); i++) {
		(void)snprintf(doc, sizeof(doc), "v = %s\n", ints[i].text);
		struct rp_toml *t = parse(doc);
		assert_int_equal(at(t, "v")->type, RP_TOML_INT);
		assert_true(at(t, "v")->i == ints[i].i);
		assert_string_equal(at(t, "v")->text, ints[i].text);
		rp_toml_free(t);
	}
	for (size_t i = 0; i < RP_ARRAY_LEN(floats); i++) {
		(void)snprintf(doc, sizeof(doc), "v = %s", floats[i].text);
		struct rp_toml *t = parse(doc);
		assert_int_equal(at(t, "v")->type, RP_TOML_FLOAT);
		double d = at(t, "v")->f - floats[i].f;
		assert_true(d < 1e-9 && d > -1e-9);
		rp_toml_free(t);
	}
	struct rp_toml *t = parse("a = inf\nb = -inf\nc = nan\n");
	assert_true(at(t, "a")->f > 1e300 && at(t, "b")->f < -1e300);
	assert_false(at(t, "c")->f >= 0 || at(t, "c")->f < 0);
	rp_toml_free(t);
}

static void lists_and_inline_tables(void **state)
{
	(void)state;
	struct rp_toml *t = parse("a = [ 'x', # comment\n"
	                          "  \"y\",\n"
	                          "\n"
	                          "  3 , ]\n"
	                          "b = []\n"
	                          "c = [[1, 2], [\n3]]\n"
	                          "d = { x = 1, y.z = 'q', w = { } }\n"
	                          "e = [ { n = 1 }, { n = 2 } ]\n");
	assert_string_equal(at(t, "a.0")->text, "x");
	assert_string_equal(at(t, "a.1")->text, "y");
	assert_int_equal(at(t, "a.2")->i, 3);
	assert_int_equal(at(t, "a.2")->line, 4);
	assert_null(at(t, "b")->first);
	assert_int_equal(at(t, "c.1.0")->i, 3);
	assert_string_equal(at(t, "d.y.z")->text, "q");
	assert_int_equal(at(t, "d.w")->type, RP_TOML_TABLE);
	assert_int_equal(at(t, "e.1.n")->i, 2);
	rp_toml_free(t);
}

static void messages(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *msg;
	} cases[] = {
	    {"[server]\naddress = 0.0.0.0:80\n",
	        "f:2: server.address: not a valid number, expected a whole or decimal number, or a text "
	        "in quotes"},
	    {"auth = geheim:x\n",
	        "f:1: auth: no valid value, expected a text in quotes, a number, true, false, a [list] or "
	        "a {table}"},
	    {"a = $x\n",
	        "f:1: a: no valid value, expected a text in quotes, a number, true, false, a [list] or a "
	        "{table}"},
	    {"a =\n", "f:1: a: the value is missing"},
	    {"a = # x\n", "f:1: a: the value is missing"},
	    {"a", "f:1: a: expected '=' and a value behind the key"},
	    {"= 1", "f:1: expected a key of letters, digits, '_' and '-', or one in quotes"},
	    {"a. = 1", "f:1: a: expected a key of letters, digits, '_' and '-', or one in quotes"},
	    {"a = True", "f:1: a: write true and false in lower case"},
	    {"a = 1979-05-27",
	        "f:1: a: dates and times are not supported, expected a text in quotes"},
	    {"a = 07:32:00",
	        "f:1: a: dates and times are not supported, expected a text in quotes"},
	    {"a = \"x\n\"", "f:1: a: the text does not end in this line, expected a closing \""},
	    {"a = 'x", "f:1: a: the file ends inside a text, expected a closing '"},
	    {"a = \"\"\"x\n\n", "f:3: a: the file ends inside a text, expected a closing \""},
	    {"a = \"C:\\Windows\"",
	        "f:1: a: unknown escape after a backslash, write two backslashes or use single quotes"},
	    {"a = \"\\u00g0\"", "f:1: a: bad \\u, expected 4 hexadecimal digits"},
	    {"a = \"\\ud800\"", "f:1: a: bad \\u, expected a Unicode character other than NUL"},
	    {"a = \"\\U00000000\"", "f:1: a: bad \\U, expected a Unicode character other than NUL"},
	    {"a = \"\x01\"", "f:1: a: control character in a text"},
	    {"# \x7f\n", "f:1: control character in a comment"},
	    {"a = 1 b = 2",
	        "f:1: a: more text behind the value, expected the end of the line (texts need quotes)"},
	    {"a = 1\n[t]\nb = 1\nb = 2",
	        "f:4: t.b: defined twice, expected once (first in line 3)"},
	    {"[a]\n[b]\n[a]\n", "f:3: a: defined twice, expected once (first in line 1)"},
	    {"a = 1\n[a]\n", "f:2: a: defined twice, expected once (first in line 1)"},
	    {"a = {}\n[a.b]\n", "f:2: a: defined twice, expected once (first in line 1)"},
	    {"a = []\n[[a]]\n", "f:2: a: defined twice, expected once (first in line 1)"},
	    {"[[a]]\n[a]\n", "f:2: a: defined twice, expected once (first in line 1)"},
	    {"[a]\nb.c = 1\n[a.b]\n", "f:3: a.b: defined twice, expected once (first in line 2)"},
	    {"a = {b = 1}\na.c = 2", "f:2: a: defined twice, expected once (first in line 1)"},
	    {"[a.b]\n[a]\nb.c = 1", "f:3: a.b: defined twice, expected once (first in line 1)"},
	    {"[a\n", "f:1: a: bad table header, expected ]"},
	    {"[[a]\n", "f:1: a: bad table header, expected ]]"},
	    {"a = [1 2]", "f:1: a: expected ',' or ']' in the list"},
	    {"a = [1,", "f:1: a: the value is missing"},
	    {"a = [,]",
	        "f:1: a: no valid value, expected a text in quotes, a number, true, false, a [list] or a "
	        "{table}"},
	    {"a = {b = 1 c = 2}", "f:1: a: expected ',' or '}' in the inline table"},
	    {"a = {b = 1,}",
	        "f:1: a: expected a key of letters, digits, '_' and '-', or one in quotes"},
	    {"\n\na = \"\xff\"", "f:3: not valid UTF-8 text"},
	    {"\"\"\"a\"\"\" = 1", "f:1: a key cannot have several lines"},
	    {"a = 1\rb = 2",
	        "f:1: a: more text behind the value, expected the end of the line (texts need quotes)"},
	};
	for (size_t i = 0; i < RP_ARRAY_LEN(cases); i++) {
		struct rp_toml *t;
		struct rp_err err = {0};
		int rc = rp_toml_parse("f", cases[i].text, strlen(cases[i].text), &t, &err);
		if (rc == 0) {
			fail_msg("accepted: %s", cases[i].text);
		}
		assert_int_equal(rc, RP_EINVAL);
		assert_null(t);
		assert_string_equal(err.msg, cases[i].msg);
	}
}

static void bad_numbers(void **state)
{
	(void)state;
	static const char *const bad[] = {"01", "1__0", "_1", "1_", "0x", "0xg", "0b2", "1.", ".5",
	    "1.e5", "1e", "+0x1", "9223372036854775808", "0x8000000000000000", "--1", "1_.0",
	    "1._0", "e5", "0X1", "infinity", "0_x1"};
	for (size_t i = 0; i < RP_ARRAY_LEN(bad); i++) {
		char doc[64];
		struct rp_toml *t;
		(void)snprintf(doc, sizeof(doc), "v = %s\n", bad[i]);
		if (rp_toml_parse("f", doc, strlen(doc), &t, NULL) != RP_EINVAL) {
			fail_msg("accepted: %s", bad[i]);
		}
	}
}

static int parse_repeated(const char *head, const char *piece, size_t times, struct rp_err *err)
{
	size_t n = strlen(piece);
	char *doc = malloc(strlen(head) + n * times + 1);
	assert_non_null(doc);
	memcpy(doc, head, strlen(head) + 1);
	char *p = doc + strlen(head);
	for (size_t i = 0; i < times; i++) {
		memcpy(p, piece, n + 1);
		p += n;
	}
	struct rp_toml *t;
	int rc = rp_toml_parse("f", doc, strlen(doc), &t, err);
	rp_toml_free(t);
	free(doc);
	return rc;
}

static void limits(void **state)
{
	(void)state;
	struct rp_err err;
	assert_int_equal(parse_repeated("", "#\n", RP_TOML_FILE_MAX / 2, &err), 0);
	assert_int_equal(parse_repeated("#", "#\n", RP_TOML_FILE_MAX / 2, &err), RP_ELIMIT);
	assert_string_equal(err.msg, "f: the file is too large, at most 1 MiB");
	/* The document, the list and its items. */
	assert_int_equal(parse_repeated("a = [", "1,", RP_TOML_NODES_MAX - 3, &err), RP_EINVAL);
	assert_int_equal(parse_repeated("a = [", "1,", RP_TOML_NODES_MAX - 2, &err), RP_ELIMIT);
	assert_string_equal(err.msg, "f:1: a: too many values in the file, at most 16384");
	assert_int_equal(parse_repeated("a = ", "[", RP_TOML_DEPTH_MAX, &err), RP_EINVAL);
	assert_int_equal(parse_repeated("a = ", "[", RP_TOML_DEPTH_MAX + 1, &err), RP_ELIMIT);
	assert_int_equal(parse_repeated("a = ", "{a=", 100000, &err), RP_ELIMIT);
	assert_int_equal(parse_repeated("a", ".a", RP_TOML_DEPTH_MAX - 1, &err), RP_EINVAL);
	assert_int_equal(parse_repeated("a", ".a", RP_TOML_DEPTH_MAX, &err), RP_ELIMIT);
	assert_int_equal(parse_repeated("[a", ".a", 100000, &err), RP_ELIMIT);
	/* A long key is cut in messages only. */
	assert_int_equal(parse_repeated("", "abcdefgh", 1000, &err), RP_EINVAL);
}

static void files(void **state)
{
	(void)state;
	struct rp_toml *t;
	struct rp_err err;
	char name[] = "/tmp/rp-test-toml-XXXXXX";
	int fd = mkstemp(name);
	assert_true(fd >= 0);
	assert_int_equal(write(fd,
	                     "\xef\xbb\xbf"
	                     "a = 'b'\n",
	                     11),
	    11);
	assert_int_equal(close(fd), 0);
	assert_int_equal(rp_toml_read(name, &t, &err), 0);
	assert_string_equal(at(t, "a")->text, "b");
	rp_toml_free(t);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(rp_toml_read(name, &t, &err), RP_ENOENT);
	assert_non_null(strstr(err.msg, name));
	assert_int_equal(rp_toml_read("/", &t, &err), RP_EIO);
	assert_null(t);
}

static int all_kinds(void *state)
{
	static const char text[] =
	    "[a.b]\nc = ['x', \"y\", 1]\nd = {e = 1.5, f.g = true}\n[[h]]\ni = 'j'";
	struct rp_toml *t;
	(void)state;
	int rc = rp_toml_parse("f", text, sizeof(text) - 1, &t, NULL);
	rp_toml_free(t);
	return rc;
}

static void out_of_memory(void **state)
{
	(void)state;
	assert_int_equal(rp_oom_run(all_kinds, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tables_and_keys),
	    cmocka_unit_test(strings),
	    cmocka_unit_test(numbers),
	    cmocka_unit_test(lists_and_inline_tables),
	    cmocka_unit_test(messages),
	    cmocka_unit_test(bad_numbers),
	    cmocka_unit_test(limits),
	    cmocka_unit_test(files),
	    cmocka_unit_test(out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
