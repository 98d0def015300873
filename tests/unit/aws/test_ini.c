#include "tests/unit/unit.h"

#include <string.h>

#include "pipeline/aws/ini.h"

static const struct {
    const char *name;
    const char *text;
    const char *value; /* of key "k" in section "s"; NULL: none */
} cases[] = {
    {"plain", "[s]\nk=v\n", "v"},
    {"no line end", "[s]\nk=v", "v"},
    {"blanks", "[ s ]\n k2 = x\nk \t=\t v w \n", "v w"},
    {"line ends of Windows", "[s]\r\nk=v\r\n", "v"},
    {"keys without case", "[s]\nK=v\n", "v"},
    {"sections with case", "[S]\nk=v\n", NULL},
    {"other sections", "[t]\nk=1\n[s]\nk=2\n[u]\nk=3\n", "2"},
    {"the last one counts", "[s]\nk=1\nk=2\n", "2"},
    {"a section in two parts", "[s]\na=1\n[t]\n[s]\nk=2\n", "2"},
    {"empty", "[s]\nk=\n", ""},
    {"an equals sign inside", "[s]\nk=a=b==\n", "a=b=="},
    {"comments", "# k=1\n[s] # s\n;k=2\n#k=3\nk=v # why\n", "v"},
    {"no comment without a blank", "[s]\nk=v#w;x\n", "v#w;x"},
    {"nested", "[s]\nn =\n  k = 1\n\tk = 2\n", NULL},
    {"before any section", "k=v\n[s]\n", NULL},
    {"no value", "[s]\nk\n", NULL},
    {"no name", "[s]\n=v\n", NULL},
    {"a prefix is another key", "[s]\nk2=v\n", NULL},
    {"broken section", "[s\nk=v\n", NULL},
    {"nothing", "", NULL},
};

START_TEST(find_table)
{
    char out[32] = "as it was";
    const char *text = cases[_i].text;
    const bool found = pl_ini_find(text, strlen(text), "s", "k", out, 32);

    ck_assert_msg(found == (cases[_i].value != NULL), "%s", cases[_i].name);
    ck_assert_msg(strcmp(out, found ? cases[_i].value : "as it was") == 0,
                  "%s: '%s'", cases[_i].name, out);
}
END_TEST

START_TEST(values_are_cut_to_fit)
{
    char out[4];

    ck_assert(pl_ini_find("[s]\nk=abcdef\n", 13, "s", "k", out, sizeof(out)));
    ck_assert_str_eq(out, "abc");
}
END_TEST

START_TEST(has)
{
    ck_assert(pl_ini_has("[a]\n[profile b]\n", 16, "profile b"));
    ck_assert(!pl_ini_has("[a]\n[profile b]\n", 16, "b"));
    ck_assert(!pl_ini_has("[]", 2, "a"));
}
END_TEST

static const struct {
    const char *name;
    const char *text;
    const char *value; /* of "k" below "p" in section "s"; NULL: none */
} nested[] = {
    {"nested", "[s]\np =\n  k = v # why\n", "v"},
    {"by tabs, with blank lines", "[s]\np=\n\n\ta=1\n\tk=v\n", "v"},
    {"below another key", "[s]\nq =\n  k = v\n", NULL},
    {"behind another key", "[s]\np =\nq =\n  k = v\n", NULL},
    {"a key with a value has nothing below", "[s]\np = x\n  k = v\n", NULL},
    {"another section", "[t]\np =\n  k = v\n[s]\n", NULL},
    {"not indented", "[s]\np =\nk = v\n", NULL},
    {"the last one counts", "[s]\np =\n k=1\n k=2\n", "2"},
};

START_TEST(nested_table)
{
    char out[32] = "as it was";
    const char *text = nested[_i].text;
    const bool found =
        pl_ini_find_nested(text, strlen(text), "s", "p", "k", out, 32);

    ck_assert_msg(found == (nested[_i].value != NULL), "%s", nested[_i].name);
    ck_assert_msg(strcmp(out, found ? nested[_i].value : "as it was") == 0,
                  "%s: '%s'", nested[_i].name, out);
}
END_TEST

static const struct {
    const char *header;
    const char *section;
    bool is_it;
} headers[] = {
    {"[profile a b]", "profile a b", true},
    {"[profile\t  a]", "profile a", true},
    {"[profile \"a b\"]", "profile a b", true},
    {"[profile 'a']", "profile a", true},
    {"[profile a]", "profile ab", false},
    {"[profile ab]", "profile a", false},
    {"[profilea]", "profile a", false},
    {"[profile a b]", "profile ab", false},
    {"[  ]", "x", false},
};

START_TEST(header_table)
{
    ck_assert_msg(pl_ini_has(headers[_i].header, strlen(headers[_i].header),
                             headers[_i].section) == headers[_i].is_it,
                  "%s", headers[_i].header);
}
END_TEST

START_TEST(a_command_line_keeps_what_looks_like_a_comment)
{
    static const char text[] =
        "[s]\ncredential_process = sh -c 'a ; b' # c\nk = v ; w\n";
    char out[64];

    ck_assert(pl_ini_find(text, strlen(text), "s", "credential_process", out,
                          sizeof(out)));
    ck_assert_str_eq(out, "sh -c 'a ; b' # c");
    ck_assert(pl_ini_find(text, strlen(text), "s", "k", out, sizeof(out)));
    ck_assert_str_eq(out, "v");
}
END_TEST

UNIT_MAIN("ini", tcase_add_loop_test(tc, find_table, 0, UNIT_COUNT(cases));
          tcase_add_loop_test(tc, nested_table, 0, UNIT_COUNT(nested));
          tcase_add_loop_test(tc, header_table, 0, UNIT_COUNT(headers));
          tcase_add_test(tc, a_command_line_keeps_what_looks_like_a_comment);
          tcase_add_test(tc, values_are_cut_to_fit); tcase_add_test(tc, has);)
