#include "tests/unit/unit.h"

#include <string.h>

#include "pipeline/manifest/segment.h"

static const struct {
    const char *import;
    const char *option;
    const char *name; /* NULL: it must fail with word */
    const char *tag;
    const char *value;
    const char *word;
} segments[] = {
    {"{}", NULL, "", "", "", NULL},
    {"{\"segment\":null}", "", "", "", "", NULL},
    {"{\"segment\":{\"name\":\"gold\"}}", NULL, "gold", "segment_gold", "1",
     NULL},
    {"{}", "gold", "gold", "segment_gold", "1", NULL},
    {"{\"segment\":{\"name\":\"a\",\"tag\":\"t\",\"value\":\"v\"}}", "b", "b",
     "t", "v", NULL},
    {"{\"segment\":{\"name\":\"a\",\"previous\":\"expire\"}}", NULL, "a",
     "segment_a", "1", NULL},
    {"{\"segment\":{\"name\":\"a\",\"previous\":\"overwrite\"}}", NULL, "a",
     "segment_a", "run1", NULL},
    {"{\"segment\":{\"tag\":\"t\",\"value\":\"v\"}}", NULL, "", "t", "v", NULL},
    {"{\"segment\":{}}", NULL, NULL, NULL, NULL, "'name' is missing"},
    {"{\"segment\":{\"tag\":\"t\"}}", NULL, NULL, NULL, NULL, "go together"},
    {"{\"segment\":{\"name\":\"\"}}", NULL, NULL, NULL, NULL, "1 to 64"},
    {"{\"segment\":{\"name\":\"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\"}"
     "}",
     NULL, "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
     "segment_nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", "1", NULL},
    {"{\"segment\":{\"name\":"
     "\"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\"}}",
     NULL, NULL, NULL, NULL, "53 characters; 'import.segment.tag'"},
    {"{\"segment\":{\"name\":\"a\",\"tag\":\"b.c\"}}", NULL, NULL, NULL, NULL,
     "'b.c'"},
    {"{\"segment\":{\"tag\":\"b.c\",\"value\":\"1\"}}", NULL, NULL, NULL, NULL,
     "'b.c'"},
    {"{\"segment\":{\"name\":\"a.b\"}}", NULL, NULL, NULL, NULL, "a.b"},
    {"{\"segment\":{\"name\":\"a\",\"tag\":\"\"}}", NULL, NULL, NULL, NULL,
     "import.segment.tag"},
    {"{\"segment\":{\"name\":\"a\",\"previous\":\"drop\"}}", NULL, NULL, NULL,
     NULL, "expire or overwrite"},
};

START_TEST(segments_of_jobs)
{
    PL_AUTO(pl_manifest) m = {0};
    struct pl_segment segment;
    struct pl_err err = {0};
    char text[512];
    int rc;

    (void)snprintf(text, sizeof(text),
                   "{\"lakeseg\":1,\"run\":{\"id\":\"run1\"},\"import\":%s}",
                   segments[_i].import);
    ck_assert_int_eq(pl_manifest_parse(&m, text, strlen(text), &err), 0);
    rc = pl_manifest_segment(&m, segments[_i].option, &segment, &err);
    if (segments[_i].name == NULL) {
        ck_assert_int_eq(rc, -1);
        ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
        ck_assert_msg(strstr(err.msg, segments[_i].word) != NULL, "%s",
                      err.msg);
        return;
    }
    ck_assert_msg(rc == 0, "%s", err.msg);
    ck_assert_str_eq(segment.name, segments[_i].name);
    ck_assert_str_eq(segment.tag, segments[_i].tag);
    ck_assert_str_eq(segment.value, segments[_i].value);
}
END_TEST

UNIT_MAIN("manifest.segment",
          tcase_add_loop_test(tc, segments_of_jobs, 0, UNIT_COUNT(segments));)
