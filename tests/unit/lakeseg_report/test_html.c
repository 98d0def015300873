/* Hostile text in, inert markup out. */
#include <string.h>

#include "stages/lakeseg_report/chart.h"
#include "stages/lakeseg_report/glyph.h"
#include "stages/lakeseg_report/html.h"
#include "stages/lakeseg_report/sql_html.h"
#include "tests/unit/unit.h"

#define TEXT(t) t, sizeof(t) - 1

static const struct {
    const char *text;
    size_t len;
    const char *html;
} escapes[] = {
    {TEXT("plain, caf\xC3\xA9 \xE4\xB8\xAD"),
     "plain, caf\xC3\xA9 \xE4\xB8\xAD"},
    {TEXT("<script>alert('1')</script>"),
     "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;"},
    {TEXT("\" onload=\"x"), "&quot; onload=&quot;x"},
    {TEXT("&amp;"), "&amp;amp;"},
    {TEXT("a\0b"), "a\xE2\x9F\xA8U+0000\xE2\x9F\xA9"
                   "b"},
    {TEXT("\x1b[31m"), "\xE2\x9F\xA8U+001B\xE2\x9F\xA9[31m"},
    {TEXT("\xE2\x80\xAEgpj.exe"), "\xE2\x9F\xA8U+202E\xE2\x9F\xA9gpj.exe"},
    {TEXT("\xE2\x81\xA6\xE2\x80\x8F"),
     "\xE2\x9F\xA8U+2066\xE2\x9F\xA9\xE2\x9F\xA8U+200F\xE2\x9F\xA9"},
    {TEXT("\xEF\xBB\xBF"), "\xE2\x9F\xA8U+FEFF\xE2\x9F\xA9"},
    {TEXT("\xEF\xBF\xBF"), "\xE2\x9F\xA8U+FFFF\xE2\x9F\xA9"},
    {TEXT("\xF3\xA0\x80\x81"), "\xE2\x9F\xA8U+E0001\xE2\x9F\xA9"},
    {TEXT("a\xFF\xC3"), "a\xEF\xBF\xBD\xEF\xBF\xBD"},
    {TEXT("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
    {TEXT("\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB"),
     "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB"}, /* one emoji */
    {TEXT("two\n\tlines"), "two\n\tlines"},
};

START_TEST(text_is_inert)
{
    PL_AUTO(html) h = {.show_values = true};

    html_bytes(&h, escapes[_i].text, escapes[_i].len);
    ck_assert_int_eq(h.err.code, PL_OK);
    ck_assert_str_eq(pl_buf_str(&h.out), escapes[_i].html);
}
END_TEST

START_TEST(values_are_masked_unless_asked)
{
    PL_AUTO(html) h = {.show_values = false};

    html_value(&h, TEXT("Ann O'Neil+1@x.de \xC3\xA9\n"));
    ck_assert_str_eq(h.out.data, "<bdi class='v'>Aaa A&#39;Aaaa+9@a.aa xx"
                                 "</bdi>");
    pl_buf_reset(&h.out);
    h.show_values = true;
    html_value(&h, TEXT("Ann"));
    ck_assert_str_eq(h.out.data, "<bdi class='v'>Ann</bdi>");
}
END_TEST

START_TEST(long_values_are_cut_and_counted)
{
    PL_AUTO(html) h = {.show_values = true};
    static char text[100000];

    memset(text, 'x', sizeof(text));
    html_value(&h, text, sizeof(text));
    ck_assert_uint_lt(h.out.len, 200);
    ck_assert_ptr_nonnull(strstr(h.out.data, "(100,000 characters)"));
}
END_TEST

START_TEST(the_first_failure_is_kept)
{
    PL_AUTO(html) h = {.out = PL_BUF_INIT_MAX(64)};
    struct pl_err err = {0};

    for (int i = 0; i < 100; i++)
        html_put(&h, "<p>some text</p>");
    ck_assert_int_eq(html_end(&h, &err), -1);
    ck_assert_int_eq(err.code, PL_DATA_INVALID);
    ck_assert_uint_le(h.out.len, 64);
}
END_TEST

static const struct {
    double from;
    double to;
    const char *rect;
} bars[] = {
    {0, 1, "<rect class='p1' x='0%' width='100%'/>"},
    {0.25, 0.5, "<rect class='p1' x='25%' width='25%'/>"},
    {0, 1e-9, "<rect class='p1' x='0%' width='0.5%'/>"},
    {0.9999, 1, "<rect class='p1' x='99.5%' width='0.5%'/>"},
    {-3, 7, "<rect class='p1' x='0%' width='100%'/>"},
    {0, 0, ""},
    {0.5, 0.2, ""},
    {0, 0.0 / 1, ""},
};

START_TEST(bars_stay_in_their_place)
{
    const struct chart_part part = {bars[_i].from, bars[_i].to, "p1"};
    PL_AUTO(html) h = {.show_values = false};
    PL_AUTO(pl_buf) want = PL_BUF_INIT;
    struct pl_err err = {0};

    chart_bar(&h, &part, 1);
    ck_assert_int_eq(pl_buf_addf(&want, &err,
                                 "<svg class='bar' aria-hidden='true'>%s</svg>",
                                 bars[_i].rect),
                     0);
    ck_assert_str_eq(h.out.data, want.data);
}
END_TEST

START_TEST(columns_are_as_high_as_they_should)
{
    const double values[] = {10, 5, 0, -1};
    PL_AUTO(html) h = {.show_values = false};

    chart_columns(&h, values, 4, NULL, NULL);
    ck_assert_ptr_nonnull(strstr(h.out.data, "x='1' y='0.00' width='8' "
                                             "height='60.00'"));
    ck_assert_ptr_nonnull(strstr(h.out.data, "x='11' y='30.00' width='8' "
                                             "height='30.00'"));
    ck_assert_ptr_nonnull(strstr(h.out.data, "x='21' y='59.00'"));
    ck_assert_ptr_null(strstr(h.out.data, "x='31'"));
}
END_TEST

static const struct {
    const char *sql;
    size_t mark_at;
    size_t mark_len;
    const char *html;
} queries[] = {
    {"SELECT 'a<b' AS \"Id\" -- x", 0, 0,
     "<span class='l'><span class='k'>SELECT</span> <span class='s'>&#39;a&lt;b"
     "&#39;</span> <span class='k'>AS</span> <span class='q'>&quot;Id&quot;"
     "</span> <span class='c'>-- x</span>\n</span>"},
    {"/* a\nb */ 1", 0, 0,
     "<span class='l'><span class='c'>/* a</span>\n</span>"
     "<span class='l'><span class='c'>b */ </span><span class='n'>1</span>\n"
     "</span>"},
    {"select x\r\nfrom y", 7, 1,
     "<span class='l'><span class='k'>select</span> <mark>x</mark>\n</span>"
     "<span class='l'><span class='k'>from</span> y\n</span>"},
    {"SELECT ~ 1", 99, 5,
     "<span class='l'><span class='k'>SELECT</span> ~ 1\n</span>"},
    {"", 0, 0, ""},
};

START_TEST(queries_are_coloured)
{
    PL_AUTO(html) h = {.show_values = false};
    PL_AUTO(pl_buf) want = PL_BUF_INIT;
    struct pl_err err = {0};

    sql_html(&h, queries[_i].sql, queries[_i].mark_at, queries[_i].mark_len);
    ck_assert_int_eq(pl_buf_addf(&want, &err,
                                 "<pre class='sql'><code>%s</code></pre>",
                                 queries[_i].html),
                     0);
    ck_assert_str_eq(h.out.data, want.data);
}
END_TEST

UNIT_MAIN(
    "html", tcase_add_loop_test(tc, text_is_inert, 0, UNIT_COUNT(escapes));
    tcase_add_test(tc, values_are_masked_unless_asked);
    tcase_add_test(tc, long_values_are_cut_and_counted);
    tcase_add_test(tc, the_first_failure_is_kept);
    tcase_add_loop_test(tc, bars_stay_in_their_place, 0, UNIT_COUNT(bars));
    tcase_add_test(tc, columns_are_as_high_as_they_should);
    tcase_add_loop_test(tc, queries_are_coloured, 0, UNIT_COUNT(queries));)
