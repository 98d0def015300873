#include "tests/unit/unit.h"

#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/csv/jsonl.h"
#include "pipeline/csv/jsonl_text.h"

#define PARTS_MAX 8

/* Parts in memory, read bite bytes at a time. */
struct parts {
    const char *texts[PARTS_MAX];
    size_t lens[PARTS_MAX]; /* 0: up to the NUL */
    size_t bite;
    struct pl_mem_source mem;
};

static int open_part(void *ctx, size_t i, struct pl_source *in,
                     struct pl_err *err)
{
    struct parts *parts = ctx;

    (void)err;
    parts->mem = (struct pl_mem_source){
        .data = parts->texts[i],
        .len = parts->lens[i] > 0 ? parts->lens[i] : strlen(parts->texts[i]),
        .bite = parts->bite};
    *in = pl_mem_source(&parts->mem);
    return 0;
}

static const char *const part_names[PARTS_MAX] = {"p0", "p1", "p2", "p3",
                                                  "p4", "p5", "p6", "p7"};

static struct pl_jsonl_config config_of(struct parts *parts)
{
    struct pl_jsonl_config cfg = {
        .part_names = part_names, .open_part = open_part, .part_ctx = parts};

    while (cfg.part_count < PARTS_MAX && parts->texts[cfg.part_count] != NULL)
        cfg.part_count++;
    return cfg;
}

static int convert(const struct pl_jsonl_config *cfg, size_t piece,
                   struct pl_buf *out, struct pl_err *err)
{
    struct pl_jsonl *j = pl_jsonl_open(cfg, err);
    struct pl_source in;
    char text[64];
    int64_t n;

    if (j == NULL)
        return -1;
    in = pl_jsonl_source(j);
    while ((n = in.read(in.ctx, text, piece, err)) > 0)
        ck_assert_int_eq(pl_buf_add(out, text, (size_t)n, err), 0);
    pl_jsonl_release(j);
    return (int)n;
}

/* The line itself is behind the mark. */
#define WRONG(why) ((const char[]){'?', '"', (char)('A' + (int)(why)), '\0'})

/* Columns a, b and "q\"\\". */
static const struct {
    const char *line;
    const char *record; /* NULL: */
    enum pl_jsonl_wrong wrong;
} lines[] = {
    {"{}", ",,", 0},
    {" \t{ \t} \r", ",,", 0},
    {"{\"a\":\"x\",\"b\":\"\",\"q\\\"\\\\\":\"z\"}", "\"x\",\"\",\"z\"", 0},
    {"{\"b\":\"2\"}", ",\"2\",", 0},
    {"{\"b\":\"2\",\"a\":\"1\"}", "\"1\",\"2\",", 0},
    {"{\"q\\u0022\\u005C\":null,\"a\":null}", ",,", 0},
    {"{\"\\u0061\":1}", "\"1\",,", 0},
    {" { \"a\" : 1 , \"b\" :\t2 }  ", "\"1\",\"2\",", 0},
    {"{\"a\":true,\"b\":false}", "\"true\",\"false\",", 0},
    {"{\"a\":-0,\"b\":-12.50e-07}", "\"-0\",\"-12.50e-07\",", 0},
    {"{\"a\":1.0E10,\"b\":12345678901234567890123}",
     "\"1.0E10\",\"12345678901234567890123\",", 0},
    {"{\"a\":NaN,\"b\":-Infinity}", "\"NaN\",\"-Infinity\",", 0},
    {"{\"a\":Infinity,\"b\":\"NaN\"}", "\"Infinity\",\"NaN\",", 0},
    {"{\"a\":\"a\\\"b\",\"b\":\"\\\\\\/\\b\\f\\n\\r\\t\"}",
     "\"a\"\"b\",\"\\/\b\f\n\r\t\",", 0},
    {"{\"a\":\"\\u0022\\u00e9\\u20AC\\ud83D\\uDE00\"}",
     "\"\"\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\",,", 0},
    {"{\"a\":\"0123456789abcdef0123456789abcdef\",\"b\":\"0123456789abcdef\"}",
     "\"0123456789abcdef0123456789abcdef\",\"0123456789abcdef\",", 0},
    {"{\"a\":\"\xC3\xA9\xFF\"}", "\"\xC3\xA9\xFF\",,", 0},
    {"{\"a\":[],\"b\":{}}", "\"[]\",\"{}\",", 0},
    {"{\"a\":[1, \"x,\\\"\" ,[[]],{}] ,\"b\":{\"k\" : [null,{\"l\":{}}]}}",
     "\"[1, \"\"x,\\\"\"\"\" ,[[]],{}]\","
     "\"{\"\"k\"\" : [null,{\"\"l\"\":{}}]}\",",
     0},
    {"", NULL, PL_JSONL_EMPTY},
    {" \t\r", NULL, PL_JSONL_EMPTY},
    {"[]", NULL, PL_JSONL_NO_OBJECT},
    {"Id,Address", NULL, PL_JSONL_NO_OBJECT},
    {"{", NULL, PL_JSONL_CUT_OFF},
    {"{\"a", NULL, PL_JSONL_CUT_OFF},
    {"{\"a\"", NULL, PL_JSONL_CUT_OFF},
    {"{\"a\":", NULL, PL_JSONL_CUT_OFF},
    {"{\"a\":\"x", NULL, PL_JSONL_CUT_OFF},
    {"{\"a\":\"x\\", NULL, PL_JSONL_CUT_OFF},
    {"{\"a\":\"0123456789abcdef", NULL, PL_JSONL_CUT_OFF},
    {"{\"a\":1", NULL, PL_JSONL_CUT_OFF},
    {"{\"a\":-", NULL, PL_JSONL_CUT_OFF},
    {"{\"a\":[1,", NULL, PL_JSONL_CUT_OFF},
    {"{\"a\":{\"b\"", NULL, PL_JSONL_CUT_OFF},
    {"{\"a\":1,", NULL, PL_JSONL_CUT_OFF},
    {"{a:1}", NULL, PL_JSONL_SYNTAX},
    {"{'a':1}", NULL, PL_JSONL_SYNTAX},
    {"{\"a\" 1}", NULL, PL_JSONL_SYNTAX},
    {"{\"a\":1 \"b\":2}", NULL, PL_JSONL_SYNTAX},
    {"{\"a\":1,}", NULL, PL_JSONL_SYNTAX},
    {"{,\"a\":1}", NULL, PL_JSONL_SYNTAX},
    {"{\"a\":}", NULL, PL_JSONL_SYNTAX},
    {"{\"a\":nul}", NULL, PL_JSONL_SYNTAX},
    {"{\"a\":True}", NULL, PL_JSONL_SYNTAX},
    {"{\"a\":truex}", NULL, PL_JSONL_SYNTAX},
    {"{\"a\":[1,]}", NULL, PL_JSONL_SYNTAX},
    {"{\"a\":[1}]}", NULL, PL_JSONL_SYNTAX},
    {"{\"a\":[NaN]}", NULL, PL_JSONL_SYNTAX},
    {"{\"a\":{\"b\":}}", NULL, PL_JSONL_SYNTAX},
    {"{\"a\":{\"b\":1,}}", NULL, PL_JSONL_SYNTAX},
    {"{\"a\":{1:2}}", NULL, PL_JSONL_SYNTAX},
    {"{\"a\":{\"b\",2}}", NULL, PL_JSONL_SYNTAX},
    {"{\"a\":1]", NULL, PL_JSONL_SYNTAX},
    {"{\"a\":\"x\ty\"}", NULL, PL_JSONL_CONTROL},
    {"{\"a\":\"0123456789abcdef\x01\"}", NULL, PL_JSONL_CONTROL},
    {"{\"a\":\"\\x\"}", NULL, PL_JSONL_ESCAPE},
    {"{\"a\":\"\\u12G4\"}", NULL, PL_JSONL_ESCAPE},
    {"{\"a\":\"\\u12", NULL, PL_JSONL_ESCAPE},
    {"{\"a\":\"\\ud800\"}", NULL, PL_JSONL_SURROGATE},
    {"{\"a\":\"\\udc00\"}", NULL, PL_JSONL_SURROGATE},
    {"{\"a\":\"\\ud800\\u0041\"}", NULL, PL_JSONL_SURROGATE},
    {"{\"a\":\"\\ud800\\ud800\"}", NULL, PL_JSONL_SURROGATE},
    {"{\"a\":[\"\\ud800\"]}", NULL, PL_JSONL_SURROGATE},
    {"{\"a\":01}", NULL, PL_JSONL_NUMBER},
    {"{\"a\":-01}", NULL, PL_JSONL_NUMBER},
    {"{\"a\":1.}", NULL, PL_JSONL_NUMBER},
    {"{\"a\":1.e5}", NULL, PL_JSONL_NUMBER},
    {"{\"a\":1e}", NULL, PL_JSONL_NUMBER},
    {"{\"a\":1e+}", NULL, PL_JSONL_NUMBER},
    {"{\"a\":-x}", NULL, PL_JSONL_NUMBER},
    {"{\"a\":+1}", NULL, PL_JSONL_SYNTAX},
    {"{\"a\":.5}", NULL, PL_JSONL_SYNTAX},
    {"{} {}", NULL, PL_JSONL_BEHIND},
    {"{\"a\":1}x", NULL, PL_JSONL_BEHIND},
    {"{\"a\":1,\"a\":1}", NULL, PL_JSONL_TWICE},
    {"{\"a\":null,\"b\":1,\"\\u0061\":null}", NULL, PL_JSONL_TWICE},
    {"{\"c\":1}", NULL, PL_JSONL_UNKNOWN_KEY},
    {"{\"\":1}", NULL, PL_JSONL_UNKNOWN_KEY},
    {"{\"A\":1}", NULL, PL_JSONL_UNKNOWN_KEY},
    {"{\"aa\":1}", NULL, PL_JSONL_UNKNOWN_KEY},
    {"{\"c\":", NULL, PL_JSONL_UNKNOWN_KEY},
};

static const char *const columns[] = {"a", "b", "q\"\\"};
#define HEADER "\"a\",\"b\",\"q\"\"\\\"\n"

START_TEST(a_line)
{
    const char *line = lines[_i].line;

    for (size_t bite = 0; bite < 3; bite++) {
        PL_AUTO(pl_buf) out = PL_BUF_INIT;
        PL_AUTO(pl_buf) wanted = PL_BUF_INIT;
        struct pl_err err = {0};
        struct parts parts = {.texts = {line}, .bite = bite};
        struct pl_jsonl_config cfg = config_of(&parts);

        cfg.columns = columns;
        cfg.column_count = UNIT_COUNT(columns);
        ck_assert_int_eq(pl_buf_adds(&wanted, HEADER, &err), 0);
        if (*line != '\0')
            ck_assert_int_eq(
                lines[_i].record != NULL
                    ? pl_buf_addf(&wanted, &err, "%s\n", lines[_i].record)
                    : pl_buf_addf(&wanted, &err, "%s%s\n",
                                  WRONG(lines[_i].wrong), line),
                0);
        ck_assert_msg(convert(&cfg, 64, &out, &err) == 0, "%s", err.msg);
        ck_assert_msg(strcmp(pl_buf_str(&out), pl_buf_str(&wanted)) == 0,
                      "%s\nbecomes\n%s", line, pl_buf_str(&out));
    }
}
END_TEST

/* All lines in one text, with a line end of either kind, cut at every place
 * between two parts and in every size of a piece. */
START_TEST(cuts_do_not_matter)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT;
    PL_AUTO(pl_buf) first = PL_BUF_INIT;
    struct pl_err err = {0};

    for (size_t i = 0; i < UNIT_COUNT(lines); i++)
        ck_assert_int_eq(pl_buf_addf(&text, &err, "%s%s\n", lines[i].line,
                                     i % 7 == 0 ? "\r" : ""),
                         0);
    for (size_t bite = 0; bite < 40; bite++) {
        PL_AUTO(pl_buf) out = PL_BUF_INIT;
        struct parts parts = {.texts = {text.data}, .bite = bite};
        struct pl_jsonl_config cfg = config_of(&parts);

        cfg.columns = columns;
        cfg.column_count = UNIT_COUNT(columns);
        ck_assert_int_eq(
            convert(&cfg, bite % 64 + 1, bite == 0 ? &first : &out, &err), 0);
        if (bite > 0)
            ck_assert_str_eq(pl_buf_str(&out), pl_buf_str(&first));
    }
    ck_assert_uint_gt(first.len, text.len);
}
END_TEST

START_TEST(not_finite)
{
    static const char text[] = "{\"a\":NaN,\"b\":1}\n"
                               "{\"a\":\"-Infinity\",\"b\":\"x\"}\n"
                               "{\"a\":Infinity,\"b\":\"NaNs\"}\n";
    static const struct {
        enum pl_jsonl_non_finite how;
        const char *out;
    } cases[] = {
        {PL_JSONL_NON_FINITE_KEEP,
         "\"NaN\",\"1\"\n\"-Infinity\",\"x\"\n\"Infinity\",\"NaNs\"\n"},
        {PL_JSONL_NON_FINITE_NULL, ",\"1\"\n,\"x\"\n,\"NaNs\"\n"},
        {PL_JSONL_NON_FINITE_REJECT,
         "?\"M{\"a\":NaN,\"b\":1}\n?\"M{\"a\":\"-Infinity\",\"b\":\"x\"}\n"
         "?\"M{\"a\":Infinity,\"b\":\"NaNs\"}\n"}};

    ck_assert_int_eq('A' + PL_JSONL_NOT_FINITE, 'M');
    for (size_t i = 0; i < UNIT_COUNT(cases); i++) {
        PL_AUTO(pl_buf) out = PL_BUF_INIT;
        struct pl_err err = {0};
        struct parts parts = {.texts = {text}};
        struct pl_jsonl_config cfg = config_of(&parts);

        cfg.columns = columns;
        cfg.column_count = 2;
        cfg.non_finite = cases[i].how;
        ck_assert_int_eq(convert(&cfg, 64, &out, &err), 0);
        ck_assert_str_eq(pl_buf_str(&out) + strlen("\"a\",\"b\"\n"),
                         cases[i].out);
    }
}
END_TEST

START_TEST(numbered_keys)
{
    static const char *const names[] = {"Id", "Attributes.A", "Attributes.A"};
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};
    struct parts parts = {
        .texts = {"{\"c0\":\"x\",\"c2\":3}\n{\"c3\":1}\n{\"Id\":1}\n"}};
    struct pl_jsonl_config cfg = config_of(&parts);

    cfg.columns = names;
    cfg.column_count = UNIT_COUNT(names);
    ck_assert_ptr_null(pl_jsonl_open(&cfg, &err));
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
    ck_assert_str_eq(err.msg,
                     "columns of JSON lines: 'Attributes.A' is named twice");
    cfg.has_numbered_keys = true;
    pl_err_clear(&err);
    ck_assert_int_eq(convert(&cfg, 64, &out, &err), 0);
    ck_assert_str_eq(pl_buf_str(&out),
                     "\"Id\",\"Attributes.A\",\"Attributes.A\"\n"
                     "\"x\",,\"3\"\n"
                     "?\"N{\"c3\":1}\n?\"N{\"Id\":1}\n");
}
END_TEST

START_TEST(the_first_line_names_the_columns)
{
    static const struct {
        const char *text;
        const char *out;
        const char *message;
    } cases[] = {
        {"{\"Id\":\"1\",\"Attributes.\\u0041\":2}\n"
         "{\"Attributes.A\":3,\"Id\":null}\n{\"x\":1}",
         "\"Id\",\"Attributes.A\"\n\"1\",\"2\"\n,\"3\"\n?\"N{\"x\":1}\n", NULL},
        {"\xEF\xBB\xBF{\"\\\"\":1}\n", "\"\"\"\"\n\"1\"\n", NULL},
        {"", "", NULL},
        {"{}\n{\"a\":1}\n", NULL,
         "'p0', line 1, whose keys would name the columns, has none"},
        {"\n{\"a\":1}\n", NULL,
         "'p0', line 1, whose keys would name the columns: an empty line"},
        {"Id,Address\n", NULL,
         "'p0', line 1, whose keys would name the columns: no JSON object: a "
         "record begins with {"},
        {"{\"a\":1,\"a\":2}\n", NULL,
         "'p0', line 1, whose keys would name the columns: the same key "
         "twice"}};

    for (size_t i = 0; i < UNIT_COUNT(cases); i++)
        for (size_t bite = 0; bite < 9; bite++) {
            PL_AUTO(pl_buf) out = PL_BUF_INIT;
            struct pl_err err = {0};
            struct parts parts = {.texts = {cases[i].text}, .bite = bite};
            const struct pl_jsonl_config cfg = config_of(&parts);

            ck_assert_int_eq(convert(&cfg, 64, &out, &err),
                             cases[i].out != NULL ? 0 : -1);
            ck_assert_str_eq(pl_buf_str(&out),
                             cases[i].out != NULL ? cases[i].out : "");
            ck_assert_str_eq(err.msg,
                             cases[i].message != NULL ? cases[i].message : "");
            ck_assert_int_eq(
                err.code, cases[i].message != NULL ? PL_DATA_INVALID : PL_OK);
        }
}
END_TEST

START_TEST(parts_and_their_lines)
{
    static const struct {
        uint64_t record;
        const char *part;
        uint64_t line;
    } places[] = {{1, "p1", 1}, {2, "p1", 2}, {3, "p4", 1},
                  {4, "p4", 2}, {5, "p6", 1}, {6, "p6", 2}};

    for (size_t bite = 0; bite < 5; bite++) {
        struct parts parts = {.texts = {"", "\xEF\xBB\xBF{\"a\":1}\n{\"a\":2}",
                                        "", "", "{\"a\":3}\n\n", "\xEF\xBB\xBF",
                                        "{\"a\":5}\r\n{\"a\":6}", ""},
                              .bite = bite};
        const struct pl_jsonl_config cfg = config_of(&parts);
        PL_AUTO(pl_buf) out = PL_BUF_INIT;
        struct pl_err err = {0};
        struct pl_jsonl *j = pl_jsonl_open(&cfg, &err);
        const struct pl_csv_origin origin = pl_jsonl_origin(j);
        const struct pl_source in = pl_jsonl_source(j);
        char text[5];
        int64_t n;

        while ((n = in.read(in.ctx, text, sizeof(text), &err)) > 0)
            ck_assert_int_eq(pl_buf_add(&out, text, (size_t)n, &err), 0);
        ck_assert_int_eq(n, 0);
        ck_assert_str_eq(pl_buf_str(&out), "\"a\"\n\"1\"\n\"2\"\n\"3\"\n"
                                           "?\"B\n\"5\"\n\"6\"\n");
        for (size_t i = 0; i < UNIT_COUNT(places); i++) {
            uint64_t line;

            ck_assert_str_eq(origin.find(origin.ctx, places[i].record, &line),
                             places[i].part);
            ck_assert_uint_eq(line, places[i].line);
        }
        pl_jsonl_release(j);
    }
}
END_TEST

/* The limit is one of lines, whatever is read at a time. */
START_TEST(long_lines)
{
    static const char good[] = "{\"a\":\"123456789012\"}"; /* 20 bytes */
    static const char bad[] = "{\"a\":\"1234567890123\"}";

    for (size_t bite = 0; bite < 30; bite++)
        for (size_t is_last = 0; is_last < 2; is_last++) {
            PL_AUTO(pl_buf) text = PL_BUF_INIT;
            PL_AUTO(pl_buf) out = PL_BUF_INIT;
            struct pl_err err = {0};
            struct parts parts = {.texts = {good, NULL}, .bite = bite};
            struct pl_jsonl_config cfg;

            ck_assert_int_eq(pl_buf_addf(&text, &err, "%s\n%s%s", good, bad,
                                         is_last == 1 ? "" : "\n{}\n"),
                             0);
            parts.texts[1] = text.data;
            cfg = config_of(&parts);
            cfg.line_bytes_max = 20;
            ck_assert_int_eq(convert(&cfg, 64, &out, &err), -1);
            ck_assert_int_eq(err.code, PL_DATA_INVALID);
            ck_assert_str_eq(err.msg, "'p1', line 2: longer than 20 bytes");
        }
}
END_TEST

/* Deep, wide and long: up to the limits, and past them. */
START_TEST(large_records)
{
    PL_AUTO(pl_buf) text = PL_BUF_INIT_MAX((size_t)64 << 20);
    PL_AUTO(pl_buf) out = PL_BUF_INIT_MAX((size_t)128 << 20);
    struct pl_err err = {0};
    struct parts parts = {.bite = 0};
    struct pl_jsonl_config cfg;

    for (size_t depth = 1023; depth <= 1025; depth++) {
        ck_assert_int_eq(pl_buf_adds(&text, "{\"a\":", &err), 0);
        for (size_t i = 0; i < depth; i++)
            ck_assert_int_eq(pl_buf_addc(&text, '[', &err), 0);
        for (size_t i = 0; i < depth; i++)
            ck_assert_int_eq(pl_buf_addc(&text, ']', &err), 0);
        ck_assert_int_eq(pl_buf_adds(&text, "}\n", &err), 0);
    }
    ck_assert_int_eq(pl_buf_adds(&text, "{\"a\":\"", &err), 0);
    while (text.len < ((size_t)2 << 20))
        ck_assert_int_eq(pl_buf_adds(&text, "\\\"\\u20AC,\xC3\xA9", &err), 0);
    ck_assert_int_eq(pl_buf_adds(&text, "\"}\n", &err), 0);
    parts.texts[0] = text.data;
    cfg = config_of(&parts);
    ck_assert_msg(convert(&cfg, 64, &out, &err) == 0, "%s", err.msg);
    ck_assert_ptr_nonnull(strstr(out.data, "\n\"[[["));
    ck_assert_ptr_nonnull(strstr(out.data, "]]]}\n\""));
    ck_assert_ptr_nonnull(strstr(out.data, "\n?\"J{\"a\":[[["));
    ck_assert_ptr_null(strstr(strstr(out.data, "?\"J") + 1, "?\"J"));
    ck_assert_str_eq(out.data + out.len - 13,
                     ",\xC3\xA9\"\"\xE2\x82\xAC,\xC3\xA9\"\n");
}
END_TEST

START_TEST(plain_bytes)
{
    unsigned char text[PL_JSONL_STEP];

    for (unsigned at = 0; at < PL_JSONL_STEP; at++)
        for (unsigned c = 0; c < 256; c++) {
            memset(text, 'x', sizeof(text));
            text[at] = (unsigned char)c;
            text[(at * 7 + c) % PL_JSONL_STEP] = (unsigned char)(c * 31);
            ck_assert_uint_eq(pl_jsonl_plain(text),
                              pl_jsonl_plain_portable(text));
        }
}
END_TEST

UNIT_MAIN("jsonl", tcase_add_loop_test(tc, a_line, 0, UNIT_COUNT(lines));
          tcase_add_test(tc, cuts_do_not_matter);
          tcase_add_test(tc, not_finite); tcase_add_test(tc, numbered_keys);
          tcase_add_test(tc, the_first_line_names_the_columns);
          tcase_add_test(tc, parts_and_their_lines);
          tcase_add_test(tc, long_lines); tcase_add_test(tc, large_records);
          tcase_add_test(tc, plain_bytes);)
