/* Columns under each other, whatever stands in them. */
#include <string.h>

#include "stages/lakeseg_report/text.h"
#include "stages/lakeseg_report/words.h"
#include "tests/unit/unit.h"

#define TEXT(t) t, sizeof(t) - 1

static const struct {
    const char *text;
    size_t len;
    size_t columns;
    bool is_utf8;
    const char *cell; /* to its end there are just so many columns */
} cells[] = {
    {TEXT("abc"), 5, true, "abc  "},
    {TEXT("abcdef"), 5, true, "abcd\xE2\x80\xA6"},
    {TEXT("abcdef"), 5, false, "abcd~"},
    {TEXT("abcde"), 5, true, "abcde"},
    {TEXT("\xE4\xB8\xAD\xE6\x96\x87"), 5, true, "\xE4\xB8\xAD\xE6\x96\x87 "},
    {TEXT("\xE4\xB8\xAD\xE6\x96\x87"), 3, true, "\xE4\xB8\xAD\xE2\x80\xA6"},
    {TEXT("\xE4\xB8\xAD\xE6\x96\x87"), 5, false, "??   "},
    {TEXT("e\xCC\x81t\xC3\xA9"), 4, true, "e\xCC\x81t\xC3\xA9 "},
    {TEXT("\xF0\x9F\x98\x80!"), 4, true, "\xF0\x9F\x98\x80! "},
    {TEXT("a\x1b[2Jb"), 12, true, "aU+001B[2Jb "},
    {TEXT("\xE2\x80\xAEx"), 8, true, "U+202Ex "},
    {TEXT("a\0\xFF\n"), 10, true, "aU+0000?  "},
    {TEXT(""), 3, true, "   "},
    {TEXT("abc"), 0, true, ""},
};

START_TEST(cells_are_as_wide_as_they_should)
{
    PL_AUTO(text) t = {.width = 80, .is_utf8 = cells[_i].is_utf8};

    text_cell(&t, cells[_i].text, cells[_i].len, cells[_i].columns);
    ck_assert_str_eq(pl_buf_str(&t.out), cells[_i].cell);
}
END_TEST

static const struct {
    int64_t part;
    int64_t whole;
    bool is_utf8;
    const char *bar; /* of four columns */
} bars[] = {
    {1, 1, true, "\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88"},
    {1, 2, true, "\xE2\x96\x88\xE2\x96\x88  "},
    {1, 1000000, true, "\xE2\x96\x8F   "},
    {1, 1000000, false, "#   "},
    {999999, 1000000, false, "### "},
    {999999, 1000000, true, "\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x89"},
    {3, 8, true, "\xE2\x96\x88\xE2\x96\x8C  "},
    {9, 8, true, "\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88"},
    {0, 8, true, "    "},
    {-1, 8, true, "    "},
    {1, 0, true, "    "},
};

START_TEST(bars_have_their_length)
{
    PL_AUTO(text) t = {.width = 80, .is_utf8 = bars[_i].is_utf8};

    text_bar(&t, bars[_i].part, bars[_i].whole, 4);
    ck_assert_str_eq(t.out.data, bars[_i].bar);
}
END_TEST

START_TEST(lines_are_wrapped_at_blanks)
{
    PL_AUTO(text) t = {.width = 20, .is_utf8 = true};

    text_wrapped(&t, "one two three four five six", 4);
    ck_assert_str_eq(t.out.data, "    one two three\n    four five six\n");
    pl_buf_reset(&t.out);
    text_wrapped(&t, "abcdefghijklmnopqrstuvwxyz", 0);
    ck_assert_str_eq(t.out.data, "abcdefghijklmnopqrst\nuvwxyz\n");
    pl_buf_reset(&t.out);
    text_right(&t, "12", 5);
    ck_assert_str_eq(t.out.data, "   12");
}
END_TEST

static const struct {
    void (*say)(int64_t n, char out[WORDS_LEN]);
    int64_t n;
    const char *words;
} words[] = {
    {words_count, 0, "0"},
    {words_count, 999, "999"},
    {words_count, 1000, "1,000"},
    {words_count, 1234567, "1,234,567"},
    {words_count, -1, "?"},
    {words_count, INT64_MAX, "9,223,372,036,854,775,807"},
    {words_bytes, 0, "0 B"},
    {words_bytes, 999, "999 B"},
    {words_bytes, 1000, "1.0 kB"},
    {words_bytes, 999999, "1.0 MB"},
    {words_bytes, 123456789, "123 MB"},
    {words_bytes, -1, "?"},
    {words_bytes, INT64_MAX, "9.2 EB"},
    {words_duration, 0, "0 ms"},
    {words_duration, 999, "999 ms"},
    {words_duration, 1000, "1.0 s"},
    {words_duration, 59949, "59.9 s"},
    {words_duration, 59950, "1 min 0 s"},
    {words_duration, 3599499, "59 min 59 s"},
    {words_duration, 3600000, "1 h 0 min"},
    {words_duration, -1, "?"},
    {words_time, 1795600923004, "2026-11-25 10:02:03 UTC"},
};

START_TEST(numbers_are_readable)
{
    char out[WORDS_LEN];

    words[_i].say(words[_i].n, out);
    ck_assert_str_eq(out, words[_i].words);
}
END_TEST

static const struct {
    int64_t part;
    int64_t whole;
    const char *words;
} percents[] = {
    {0, 100, "0 %"},
    {100, 100, "100 %"},
    {1, 3, "33.3 %"},
    {1, 1000000, "< 0.1 %"},
    {1, 0, "-"},
    {-1, 5, "-"},
    {999999, 1000000, "> 99.9 %"},
};

START_TEST(little_is_not_nothing)
{
    char out[WORDS_LEN];

    words_percent(percents[_i].part, percents[_i].whole, out);
    ck_assert_str_eq(out, percents[_i].words);
}
END_TEST

static const struct {
    double cost;
    const char *words;
} costs[] = {{0, "0.00"},          {5, "5.00"},           {0.05, "0.05"},
             {0.00005, "0.00005"}, {0.000123, "0.00012"}, {12.345, "12.35"}};

START_TEST(small_costs_are_seen)
{
    char out[WORDS_LEN];

    words_cost(costs[_i].cost, out);
    ck_assert_str_eq(out, costs[_i].words);
}
END_TEST

UNIT_MAIN("text", tcase_add_loop_test(tc, cells_are_as_wide_as_they_should, 0,
                                      UNIT_COUNT(cells));
          tcase_add_loop_test(tc, bars_have_their_length, 0, UNIT_COUNT(bars));
          tcase_add_test(tc, lines_are_wrapped_at_blanks);
          tcase_add_loop_test(tc, numbers_are_readable, 0, UNIT_COUNT(words));
          tcase_add_loop_test(tc, little_is_not_nothing, 0,
                              UNIT_COUNT(percents));
          tcase_add_loop_test(tc, small_costs_are_seen, 0, UNIT_COUNT(costs));)
