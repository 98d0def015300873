#include "pipeline/sql/lexer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static char letter_of(enum pl_sql_kind kind)
{
    return kind >= PL_SQL_WORD             ? 'W'
           : kind == PL_SQL_QUOTED         ? 'Q'
           : kind == PL_SQL_BACKQUOTED     ? 'B'
           : kind >= PL_SQL_LPAREN         ? 'O'
           : kind == PL_SQL_PARAM          ? 'P'
           : kind == PL_SQL_INTEGER        ? 'I'
           : kind == PL_SQL_DECIMAL        ? 'D'
           : kind == PL_SQL_REAL           ? 'R'
           : kind == PL_SQL_STRING         ? 'S'
           : kind == PL_SQL_UNICODE_STRING ? 'U'
                                           : 'X';
}

/* Writes the tokens as "letter:text|..." into out; -1 at text that is none. */
static int spell(const char *sql, size_t len, char *out, size_t cap,
                 struct pl_sql_place *place, struct pl_err *err)
{
    struct pl_sql_lexer lex;
    struct pl_sql_token t;
    size_t n = 0;

    out[0] = '\0';
    if (pl_sql_check_text(sql, len, place, err) != 0)
        return -1;
    pl_sql_lexer_init(&lex, sql, len);
    for (;;) {
        pl_sql_next(&lex, &t);
        if (t.kind == PL_SQL_ERROR)
            return pl_sql_explain(&lex, &t, place, err);
        if (t.kind == PL_SQL_END)
            return 0;
        n += (size_t)snprintf(out + n, cap - n, "%c:%.*s|", letter_of(t.kind),
                              (int)t.len, sql + t.offset);
    }
}

static const struct {
    const char *sql;
    const char *want;
} good[] = {
    {"", ""},
    {" \t\r\n", ""},
    {"-- nothing", ""},
    {"/* a * b / c **/", ""},
    {"--x\ra", "W:a|"},
    {"a--b\nc", "W:a|W:c|"},
    {"a/**/b", "W:a|W:b|"},
    {"'it''s' ''", "S:'it''s'|S:''|"},
    {"'-- no comment'", "S:'-- no comment'|"},
    {"u&'\\0041' X'00 ff' x'a'", "U:u&'\\0041'|X:X'00 ff'|X:x'a'|"},
    {"\"a\"\"b\" `c``d`", "Q:\"a\"\"b\"|B:`c``d`|"},
    {"as\"Id\"", "W:as|Q:\"Id\"|"},
    {"_a1 x u", "W:_a1|W:x|W:u|"},
    {"1 1.5 .5 1E5 1e-3 1.e+2 1_000 0xFF 0b01 0o17 5. 1_0.0_1",
     "I:1|D:1.5|D:.5|R:1E5|"
     "R:1e-3|R:1.e+2|I:1_000|I:0xFF|I:0b01|I:0o17|D:5.|D:1_0.0_1|"},
    {"1.5x 0xFF.u 1.e", "D:1.5|W:x|I:0xFF|O:.|W:u|D:1.|W:e|"},
    {"X'ab''cd'", "X:X'ab'|S:'cd'|"},
    {"a\xE2\x80\xA8"
     "b\xC2\xA0\xEF\xBB\xBF c",
     "W:a|W:b|W:c|"},
    {"SELECT select from_ limit", "W:SELECT|W:select|W:from_|W:limit|"},
    {"a.b.*", "W:a|O:.|W:b|O:.|O:*|"},
    {"<> != <= >= || -> => = < > + - * / %",
     "O:<>|O:!=|O:<=|O:>=|O:|||O:->|"
     "O:=>|O:=|O:<|O:>|O:+|O:-|O:*|O:/|O:%|"},
    {"(a[1],?);", "O:(|W:a|O:[|I:1|O:]|O:,|P:?|O:)|O:;|"},
    {"a - -b", "W:a|O:-|O:-|W:b|"},
    {"'\xE2\x80\xA8\xE2\x80\x9C'", "S:'\xE2\x80\xA8\xE2\x80\x9C'|"},
};

START_TEST(tokens_of_good_text)
{
    struct pl_sql_place place = {0};
    struct pl_err err = {0};
    char out[512];

    ck_assert_msg(spell(good[_i].sql, strlen(good[_i].sql), out, sizeof out,
                        &place, &err) == 0,
                  "%s: %s", good[_i].sql, err.msg);
    ck_assert_str_eq(out, good[_i].want);
}
END_TEST

static const struct {
    const char *sql;
    unsigned line;
    unsigned column;
    const char *says;
} bad[] = {
    {"a 'b", 1, 3, "string that begins here is not closed"},
    {"a\n \"b", 2, 2, "quoted name that begins here is not closed"},
    {"\r\n`b", 2, 1, "quoted name that begins here is not closed"},
    {"\r/* b *", 2, 1, "comment that begins here is not closed"},
    {"/*/", 1, 1, "not closed"},
    {"as \\\"Id\\\"", 1, 4, "\\\" is how JSON writes a quote"},
    {"a \\ b", 1, 3, "backslash"},
    {"a::varchar", 1, 2, "CAST(value AS type)"},
    {"a & b", 1, 3, "'&' is no operator"},
    {"a ! b", 1, 3, "'!' is no operator"},
    {"a @ b", 1, 3, "'@' is no operator"},
    {"a # b", 1, 3, "'#' is no operator"},
    {"a \x01", 1, 3, "control character U+0001"},
    {"\xC3\xA9", 1, 1, "character U+00E9"},
    {"'\xC3\xA9' \xE2\x80\x98x", 1, 5, "typographic quote U+2018; write '"},
    {"as \xE2\x80\x9CId\xE2\x80\x9D", 1, 4,
     "typographic quote U+201C; write \""},
    {"a \xE2\x80\x93 b", 1, 3, "typographic dash U+2013"},
    {"a \xEF\xBF\xBD", 1, 3, "U+FFFD, which stands for a character that was"},
    {"a \xE2\x80", 1, 3, "0xE2), the rest of a character such as U+2028"},
    {"1__0", 1, 1, "glued"},
    {"1_0e5", 1, 1, "glued"},
    {"0x", 1, 1, "glued"},
    {"a\xC3\xA2\xE2\x82\xAC\xC2\xA8", 1, 2, "wrong encoding"},
    {"a\xFF", 1, 2, "not UTF-8 (0xFF)"},
    {"1abc", 1, 1, "glued"},
    {"1AS x", 1, 1, "glued"},
};

START_TEST(bad_text_is_refused_with_its_place)
{
    struct pl_sql_place place = {0};
    struct pl_err err = {0};
    char out[512];

    ck_assert_msg(spell(bad[_i].sql, strlen(bad[_i].sql), out, sizeof out,
                        &place, &err) == -1,
                  "%s", bad[_i].sql);
    ck_assert_int_eq(err.code, PL_QUERY_INVALID);
    ck_assert_msg(strstr(err.msg, bad[_i].says) != NULL, "%s", err.msg);
    ck_assert_uint_eq(place.line, bad[_i].line);
    ck_assert_uint_eq(place.column, bad[_i].column);
}
END_TEST

START_TEST(a_nul_byte_is_refused)
{
    struct pl_sql_place place = {0};
    struct pl_err err = {0};

    ck_assert_int_eq(pl_sql_check_text("a\n\0b", 4, &place, &err), -1);
    ck_assert_str_eq(err.msg,
                     "line 2, column 1: a NUL byte in the text; is the file "
                     "UTF-16?");
}
END_TEST

START_TEST(the_size_limit_is_exact)
{
    struct pl_sql_place place = {0};
    struct pl_err err = {0};
    char *text = malloc(PL_SQL_MAX_BYTES + 1);

    memset(text, 'a', PL_SQL_MAX_BYTES + 1);
    ck_assert_int_eq(pl_sql_check_text(text, PL_SQL_MAX_BYTES, &place, &err),
                     0);
    ck_assert_int_eq(
        pl_sql_check_text(text, PL_SQL_MAX_BYTES + 1, &place, &err), -1);
    ck_assert_int_eq(err.code, PL_QUERY_INVALID);
    free(text);
}
END_TEST

START_TEST(places_count_lines_and_characters)
{
    const char *sql = "a\r\n  'x\xC3\xA9\ny' b\rc";
    struct pl_sql_lexer lex;
    struct pl_sql_token t;
    const unsigned want[][2] = {{1, 1}, {2, 3}, {3, 4}, {4, 1}};

    pl_sql_lexer_init(&lex, sql, strlen(sql));
    for (size_t i = 0; i < 4; i++) {
        struct pl_sql_place at;

        pl_sql_next(&lex, &t);
        at = pl_sql_place_of(sql, strlen(sql), t.offset);
        ck_assert_uint_eq(at.line, want[i][0]);
        ck_assert_uint_eq(at.column, want[i][1]);
    }
}
END_TEST

/* Every keyword is found by its own name, in any case, and nothing else is. */
START_TEST(keywords_are_found_in_any_case)
{
    static const struct {
        const char *text;
        enum pl_sql_kind kind;
    } words[] = {
#define PLAIN(word) {#word, PL_SQL_K_##word},
#define RESERVED(word) {#word, PL_SQL_K_##word},
#include "pipeline/sql/keywords.h"
#undef PLAIN
#undef RESERVED
        {"id", PL_SQL_WORD},
        {"a", PL_SQL_WORD},
        {"selec", PL_SQL_WORD},
        {"current_timestampx", PL_SQL_WORD},
        {"a_word_longer_than_any_other", PL_SQL_WORD}};

    for (size_t i = 0; i < PL_COUNT(words); i++) {
        char text[32];
        struct pl_sql_lexer lex;
        struct pl_sql_token t;

        (void)snprintf(text, sizeof text, "%s", words[i].text);
        for (size_t j = 0; j < strlen(text); j += 2)
            text[j] = (char)(text[j] | 0x20); /* sElEcT; '_' is odd here */
        for (size_t j = 0; text[j] != '\0'; j++)
            text[j] = text[j] == '\x7F' ? '_' : text[j];
        pl_sql_lexer_init(&lex, text, strlen(text));
        pl_sql_next(&lex, &t);
        ck_assert_msg(t.kind == words[i].kind, "%s", words[i].text);
    }
    ck_assert(pl_sql_is_reserved(PL_SQL_K_ALTER));
    ck_assert(pl_sql_is_reserved(PL_SQL_K_WITH));
    ck_assert(!pl_sql_is_reserved(PL_SQL_K_LIMIT));
    ck_assert(!pl_sql_is_reserved(PL_SQL_K_ZONE));
    ck_assert(!pl_sql_is_reserved(PL_SQL_WORD));
}
END_TEST

START_TEST(a_shown_name_is_short_and_clean)
{
    char out[PL_SQL_SHOWN];
    char text[80];

    pl_sql_show("a\nb", 3, out);
    ck_assert_str_eq(out, "a?b");
    memset(text, 'x', sizeof text);
    memcpy(text + 63, "\xC3\xA9", 2);
    pl_sql_show(text, sizeof text, out);
    ck_assert_uint_eq(strlen(out), 66); /* cut before the e acute */
    ck_assert_str_eq(out + 63, "...");
}
END_TEST

UNIT_MAIN("sql.lexer",
          tcase_add_loop_test(tc, tokens_of_good_text, 0, UNIT_COUNT(good));
          tcase_add_loop_test(tc, bad_text_is_refused_with_its_place, 0,
                              UNIT_COUNT(bad));
          tcase_add_test(tc, a_nul_byte_is_refused);
          tcase_add_test(tc, the_size_limit_is_exact);
          tcase_add_test(tc, places_count_lines_and_characters);
          tcase_add_test(tc, keywords_are_found_in_any_case);
          tcase_add_test(tc, a_shown_name_is_short_and_clean);)
