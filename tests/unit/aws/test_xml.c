#include "tests/unit/unit.h"

#include <string.h>

#include "pipeline/aws/xml.h"

/* The events of a text as one line: "<a", "'text'", "a>" and how it ended. */
static const struct {
    const char *xml;
    const char *events;
} events[] = {
    {"", "done"},
    {" \n ", "done"},
    {"<a/>", "<a a> done"},
    {"<a></a>", "<a a> done"},
    {"<a>x</a>", "<a 'x'a> done"},
    {"<?xml version=\"1.0\"?>\n<a>x</a>\n", "<a 'x'a> done"},
    {"<a><b>1</b><b>2</b></a>", "<a <b '1'b> <b '2'b> a> done"},
    {"<ns:a xmlns:ns=\"u>v\" b='/'>x</ns:a>", "<a 'x'a> done"},
    {"<a><!-- <b> -->x<!--y-->z</a>", "<a 'xz'a> done"},
    {"<a>&lt;&gt;&amp;&quot;&apos;</a>", "<a '<>&\"''a> done"},
    {"<a>&#65;&#x42;&#xe9;&#x20AC;&#x1F600;</a>",
     "<a 'AB\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80'a> done"},
    {"<a", "broken"},
    {"<a>", "<a broken"},
    {"<a><b></a>", "<a <b broken"}, /* not the element begun */
    {"<a></b>", "<a broken"},
    {"<a></ab>", "<a broken"},
    {"<n:a></m:a>", "<a broken"}, /* prefixes count */
    {"</a>", "broken"},
    {"<a>&nope;</a>", "<a broken"},
    {"<a>&lt</a>", "<a broken"},
    {"<a>&#0;</a>", "<a broken"},
    {"<a>&#xD800;</a>", "<a broken"}, /* half of a pair */
    {"<a>&#x110000;</a>", "<a broken"},
    {"<a>&#;</a>", "<a broken"},
    {"<a>&#x;</a>", "<a broken"},
    {"<a>&#-1;</a>", "<a broken"},
    {"<a>&# 65;</a>", "<a broken"},
    {"<a>&#x0x41;</a>", "<a broken"},
    {"<a>&#99999999;</a>", "<a broken"},
    {"<!DOCTYPE a><a/>", "broken"},
    {"<a><![CDATA[x]]></a>", "<a broken"},
    {"<a><!-- never ends</a>", "<a broken"},
    {"<a b=\"", "broken"},
    {"<>", "broken"},
    {"< a/>", "broken"},
    {"<a/", "broken"},
};

static void collect(const char *text, size_t len, char *out, size_t cap)
{
    PL_AUTO(pl_buf) content = PL_BUF_INIT_MAX(65536);
    struct pl_xml xml;
    enum pl_xml_event event;
    size_t used = 0;

    pl_xml_init(&xml, text, len);
    out[0] = '\0';
    do {
        event = pl_xml_next(&xml, &content);
        if (event == PL_XML_BEGIN)
            (void)snprintf(out + used, cap - used, "<%s ", xml.name);
        else if (event == PL_XML_END && content.len > 0)
            (void)snprintf(out + used, cap - used, "'%s'%s> ", content.data,
                           xml.name);
        else if (event == PL_XML_END)
            (void)snprintf(out + used, cap - used, "%s> ", xml.name);
        else
            (void)snprintf(out + used, cap - used, "%s",
                           event == PL_XML_DONE ? "done" : "broken");
        used = strlen(out);
        pl_buf_reset(&content);
    } while (event == PL_XML_BEGIN || event == PL_XML_END);
}

START_TEST(event_table)
{
    char got[512];

    collect(events[_i].xml, strlen(events[_i].xml), got, sizeof(got));
    ck_assert_msg(strcmp(got, events[_i].events) == 0, "%s: %s", events[_i].xml,
                  got);
}
END_TEST

/* Cut off anywhere, nothing passes for a whole document. */
START_TEST(a_cut_off_answer_is_broken)
{
    static const char text[] = "<?xml version=\"1.0\"?><a x=\"y\"><b>1&amp;"
                               "</b><c/></a>";
    char *copy = NULL;
    char name[256];

    for (size_t len = 22; len < strlen(text); len++) {
        copy = malloc(len); /* so that asan sees a step too far */
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, text, len);
        ck_assert_msg(!pl_xml_root(copy, len, name), "%.*s", (int)len, text);
        free(copy);
    }
    ck_assert(pl_xml_root(text, strlen(text), name));
    ck_assert_str_eq(name, "a");
}
END_TEST

START_TEST(depth_and_names_are_bounded)
{
    char deep[PL_XML_DEPTH_MAX * 8 + 16] = "";
    char wide[600];
    char name[256];

    for (int extra = 0; extra <= 1; extra++) {
        size_t at = 0;

        for (int i = 0; i < PL_XML_DEPTH_MAX + extra; i++, at += 3)
            memcpy(deep + at, "<a>", 3);
        for (int i = 0; i < PL_XML_DEPTH_MAX + extra; i++, at += 4)
            memcpy(deep + at, "</a>", 4);
        ck_assert(pl_xml_root(deep, at, name) == (extra == 0));
    }
    for (size_t len = 255; len <= 256; len++) {
        memset(wide, 'n', sizeof(wide));
        wide[0] = '<';
        memcpy(wide + len + 1, "/>", 3);
        ck_assert(pl_xml_root(wide, len + 3, name) == (len == 255));
    }
}
END_TEST

START_TEST(find)
{
    static const char text[] =
        "<R><Error><Code>A&amp;B</Code><Code>second</Code></Error><E/></R>";
    char out[16] = "as it was";

    ck_assert(!pl_xml_find(text, strlen(text), "Nothing", out, sizeof(out)));
    ck_assert_str_eq(out, "as it was");
    ck_assert(pl_xml_find(text, strlen(text), "Code", out, sizeof(out)));
    ck_assert_str_eq(out, "A&B");
    ck_assert(pl_xml_find(text, strlen(text), "Code", out, 3)); /* cut */
    ck_assert_str_eq(out, "A&");
    ck_assert(pl_xml_find(text, strlen(text), "E", out, sizeof(out)));
    ck_assert_str_eq(out, "");
    ck_assert(!pl_xml_find("<a><b>&x;</b></a>", 17, "b", out, sizeof(out)));
}
END_TEST

START_TEST(roots)
{
    char name[256];

    ck_assert(!pl_xml_root("", 0, name));
    ck_assert_str_eq(name, "");
    ck_assert(!pl_xml_root("not xml", 7, name));
    ck_assert(pl_xml_root(" \n<Error><Code>x</Code></Error>", 31, name));
    ck_assert_str_eq(name, "Error");
    ck_assert(!pl_xml_root("<Error><Code>", 13, name)); /* but which it was: */
    ck_assert_str_eq(name, "Error");
}
END_TEST

UNIT_MAIN("xml", tcase_add_loop_test(tc, event_table, 0, UNIT_COUNT(events));
          tcase_add_test(tc, a_cut_off_answer_is_broken);
          tcase_add_test(tc, depth_and_names_are_bounded);
          tcase_add_test(tc, find); tcase_add_test(tc, roots);)
