/* The same tables as Athena's CSV and as JSON lines: the same comes out. */
#include "tests/unit/unit.h"

#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/csv/jsonl.h"
#include "pipeline/csv/kernel.h"

struct outcome {
    int rc;
    struct pl_err err;
    struct pl_buf out;
    struct pl_buf rejects;
    struct pl_csv_report report;
};

static void outcome_release(struct outcome *o)
{
    pl_buf_release(&o->out);
    pl_buf_release(&o->rejects);
    pl_csv_report_release(&o->report);
}
#define OUTCOME(name) \
    __attribute__((cleanup(outcome_release))) struct outcome name = {.rc = 0}

/* How it is done. */
struct way {
    const char *reader;
    size_t chunk_bytes;
    unsigned threads;
    uint64_t keys_memory;
    size_t bite;
};
static const struct way plain = {NULL, 0, 1, 0, 0};

static struct pl_csv_config lenient(const struct way *way)
{
    return (struct pl_csv_config){.target = pl_target_by_name("pinpoint"),
                                  .has_report = true,
                                  .limits = {.max_reject_percent = 100,
                                             .max_rejects = -1,
                                             .max_rows = -1},
                                  .reader = way->reader,
                                  .chunk_bytes = way->chunk_bytes,
                                  .threads = way->threads,
                                  .keys_memory = way->keys_memory};
}

static void run(struct pl_csv_config cfg, const struct pl_source *in,
                struct outcome *o)
{
    const struct pl_sink out = pl_buf_sink(&o->out);
    const struct pl_sink rejects = pl_buf_sink(&o->rejects);

    cfg.in = in;
    cfg.out = &out;
    cfg.rejects = &rejects;
    o->rc = pl_csv_transform(&cfg, &o->report, &o->err);
}

#define PARTS 3

struct table {
    struct pl_buf csv;
    struct pl_buf parts[PARTS]; /* of the JSON lines */
    struct pl_mem_source mem;
    size_t bite;
};

static void table_release(struct table *t)
{
    pl_buf_release(&t->csv);
    for (size_t i = 0; i < PARTS; i++)
        pl_buf_release(&t->parts[i]);
}
#define TABLE(name) \
    __attribute__((cleanup(table_release))) struct table name = {.bite = 0}

static int open_part(void *ctx, size_t i, struct pl_source *in,
                     struct pl_err *err)
{
    struct table *t = ctx;

    (void)err;
    t->mem = (struct pl_mem_source){.data = pl_buf_str(&t->parts[i]),
                                    .len = t->parts[i].len,
                                    .bite = t->bite};
    *in = pl_mem_source(&t->mem);
    return 0;
}

static const char *const names[] = {
    "Id",        "ChannelType", "Address",     "Attributes.A",
    "Metrics.M", "User.UserId", "Attributes.B"};
#define COLUMNS UNIT_COUNT(names)
static const char *const part_names[] = {"s3://b/p-0.gz", "s3://b/p-1.gz",
                                         "s3://b/p-2.gz"};

static void run_json(struct pl_csv_config cfg, struct table *t, size_t bite,
                     struct outcome *o)
{
    const struct pl_jsonl_config lines = {.part_count = PARTS,
                                          .part_names = part_names,
                                          .open_part = open_part,
                                          .part_ctx = t,
                                          .columns = names,
                                          .column_count = COLUMNS,
                                          .has_numbered_keys = true};
    struct pl_jsonl *j = pl_jsonl_open(&lines, &o->err);
    const struct pl_source in = pl_jsonl_source(j);
    const struct pl_csv_origin origin = pl_jsonl_origin(j);

    t->bite = bite;
    cfg.origin = &origin;
    cfg.rules.has_json = true;
    run(cfg, &in, o);
    pl_jsonl_release(j);
}

static void run_csv(struct pl_csv_config cfg, const struct table *t,
                    struct outcome *o)
{
    struct pl_mem_source mem = {.data = t->csv.data, .len = t->csv.len};
    const struct pl_source in = pl_mem_source(&mem);

    run(cfg, &in, o);
}

/* Tables */

static uint32_t dice(uint64_t *seed, uint32_t sides)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(*seed >> 33) % sides;
}

static void add(struct pl_buf *to, const char *text, size_t len)
{
    struct pl_err err = {0};

    ck_assert_int_eq(pl_buf_add(to, text, len, &err), 0);
}

static void adds(struct pl_buf *to, const char *text)
{
    add(to, text, strlen(text));
}

static void add_csv_cell(struct pl_buf *to, const struct pl_buf *value)
{
    adds(to, "\"");
    for (size_t i = 0; i < value->len; i++)
        add(to, value->data[i] == '"' ? "\"\"" : value->data + i,
            value->data[i] == '"' ? 2 : 1);
    adds(to, "\"");
}

/* With any of the escapes that a character may have. */
static void add_json_text(struct pl_buf *to, const struct pl_buf *value,
                          uint64_t *seed)
{
    static const char from[] = "\"\\\b\f\n\r\t/";
    static const char named[] = "\"\\bfnrt/";
    struct pl_err err = {0};

    adds(to, "\"");
    for (size_t i = 0; i < value->len; i++) {
        const char c = value->data[i];
        const char *special = c != '\0' ? strchr(from, c) : NULL;
        const bool needs = c == '"' || c == '\\' || (unsigned char)c < 0x20;
        const uint32_t how = dice(seed, 8);

        if (special != NULL && (needs || how < 2) && how != 7) {
            adds(to, "\\");
            add(to, &named[special - from], 1);
        } else if (needs || ((unsigned char)c < 0x80 && how == 0)) {
            ck_assert_int_eq(pl_buf_addf(to, &err, "\\u%04X", (unsigned)c), 0);
        } else {
            add(to, &c, 1);
        }
    }
    adds(to, "\"");
}

/* What cells hold: things that rules like and do not like, and bytes that one
 * of the two formats must escape. */
static void add_piece(struct pl_buf *to, uint64_t *seed)
{
    static const char *const pieces[] = {"a",
                                         "b",
                                         "value",
                                         "\"",
                                         "\"\"",
                                         "\\",
                                         ",",
                                         "\n",
                                         "\r\n",
                                         "\t",
                                         " ",
                                         "/",
                                         "\xC3\xA9",
                                         "\xF0\x9F\x98\x80",
                                         "[x]",
                                         "{k=v}",
                                         "0123456789abcdef",
                                         "\x7F",
                                         "\x01",
                                         "$",
                                         "'",
                                         "\xE2\x80\xA8"};

    adds(to, pieces[dice(seed, UNIT_COUNT(pieces))]);
}

/* false: NULL. */
static bool make_value(size_t column, struct pl_buf *to, uint64_t *seed)
{
    static const char *const channels[] = {"EMAIL",  "SMS", "email",
                                           "CUSTOM", "FAX", "GCM"};
    static const char *const numbers[] = {
        "1", "-1.5", "1.0E10", "NaN", "1e", "12345678901234567890"};
    struct pl_err err = {0};

    pl_buf_reset(to);
    adds(to, "");
    if (dice(seed, 12) == 0)
        return false;
    if (dice(seed, 14) == 0) {
        for (uint32_t i = dice(seed, 6); i > 0; i--)
            add_piece(to, seed);
        return true;
    }
    switch (column) {
    case 0:
        ck_assert_int_eq(pl_buf_addf(to, &err, "id-%u", dice(seed, 400)), 0);
        break;
    case 1:
        adds(to, channels[dice(seed, UNIT_COUNT(channels))]);
        break;
    case 2:
        if (dice(seed, 3) == 0)
            adds(to, "+4915112345678");
        else
            ck_assert_int_eq(
                pl_buf_addf(to, &err, "u%u@Example.COM", dice(seed, 500)), 0);
        break;
    case 4:
        adds(to, numbers[dice(seed, UNIT_COUNT(numbers))]);
        break;
    case 5:
        ck_assert_int_eq(pl_buf_addf(to, &err, "user-%u", dice(seed, 20)), 0);
        break;
    default:
        for (uint32_t i = dice(seed, 5); i > 0; i--)
            add_piece(to, seed);
        break;
    }
    return true;
}

static bool is_json_number(const struct pl_buf *value)
{
    return strcmp(value->data, "1") == 0 || strcmp(value->data, "-1.5") == 0 ||
           strcmp(value->data, "1.0E10") == 0 ||
           strcmp(value->data, "NaN") == 0 ||
           strcmp(value->data, "12345678901234567890") == 0;
}

static void add_row(struct table *t, size_t part, uint64_t *seed)
{
    PL_AUTO(pl_buf) values = PL_BUF_INIT;
    struct pl_buf *json = &t->parts[part];
    struct pl_err err = {0};
    const char *blank = dice(seed, 4) == 0 ? " " : "";
    size_t written = 0;

    adds(json, "{");
    for (size_t i = 0; i < (size_t)COLUMNS; i++) {
        const bool is_there = make_value(i, &values, seed);

        if (i > 0)
            adds(&t->csv, ",");
        if (is_there)
            add_csv_cell(&t->csv, &values);
        else if (dice(seed, 2) == 0)
            continue; /* an absent key */
        ck_assert_int_eq(pl_buf_addf(json, &err, "%s%s\"c%zu\"%s:%s",
                                     written++ > 0 ? "," : "", blank, i, blank,
                                     blank),
                         0);
        if (!is_there)
            adds(json, "null");
        else if (is_json_number(&values) && dice(seed, 2) == 0)
            adds(json, values.data);
        else
            add_json_text(json, &values, seed);
    }
    adds(json, dice(seed, 9) == 0 ? "}\r\n" : "}\n");
    adds(&t->csv, "\n");
}

static void make_table(struct table *t, size_t rows, uint64_t seed)
{
    t->csv.max_bytes = SIZE_MAX;
    for (size_t i = 0; i < (size_t)COLUMNS; i++) {
        adds(&t->csv, i > 0 ? ",\"" : "\"");
        adds(&t->csv, names[i]);
        adds(&t->csv, "\"");
    }
    adds(&t->csv, "\n");
    for (size_t i = 0; i < rows; i++)
        add_row(t, i * PARTS / rows, &seed);
    if (dice(&seed, 2) == 0 && t->parts[1].len > 0)
        t->parts[1].len--; /* no LF at its end */
}

/* The record and what follows its place. */
static void without_places(const struct pl_buf *rejects, struct pl_buf *to)
{
    const char *at = pl_buf_str(rejects);

    adds(to, "");
    while (*at != '\0') {
        const char *comma = strchr(at, ',');
        const char *key = strstr(at, ",\"key\":");
        const char *end = strchr(at, '\n') + 1;

        add(to, at, (size_t)(comma - at));
        add(to, key, (size_t)(end - key));
        at = end;
    }
}

static void compare_reports(const struct pl_csv_report *a,
                            const struct pl_csv_report *b)
{
    ck_assert_uint_eq(a->rows_in, b->rows_in);
    ck_assert_uint_eq(a->rows_out, b->rows_out);
    ck_assert_uint_eq(a->rows_rejected, b->rows_rejected);
    ck_assert_uint_eq(a->rows_dropped, b->rows_dropped);
    for (size_t i = 0; i < a->rule_count; i++)
        ck_assert_uint_eq(a->rules[i].count, b->rules[i].count);
    ck_assert_uint_eq(a->column_count, b->column_count);
    for (size_t i = 0; i < a->column_count; i++) {
        const struct pl_csv_column *x = &a->columns[i];
        const struct pl_csv_column *y = &b->columns[i];

        ck_assert_str_eq(x->name, y->name);
        ck_assert(x->filled == y->filled && x->null == y->null &&
                  x->empty == y->empty && x->longest == y->longest &&
                  x->distinct == y->distinct &&
                  x->is_estimate == y->is_estimate &&
                  x->top_count == y->top_count);
        for (size_t k = 0; k < x->top_count; k++) {
            ck_assert_str_eq(x->top[k].text, y->top[k].text);
            ck_assert_uint_eq(x->top[k].count, y->top[k].count);
        }
    }
}

static void compare(const struct outcome *a, const struct outcome *b)
{
    PL_AUTO(pl_buf) x = PL_BUF_INIT;
    PL_AUTO(pl_buf) y = PL_BUF_INIT;

    ck_assert_int_eq(a->rc, b->rc);
    ck_assert_str_eq(a->err.msg, b->err.msg);
    ck_assert_str_eq(pl_buf_str(&a->out), pl_buf_str(&b->out));
    without_places(&a->rejects, &x);
    without_places(&b->rejects, &y);
    ck_assert_str_eq(x.data, y.data);
    compare_reports(&a->report, &b->report);
}

static const struct way ways[] = {
    {NULL, 0, 1, 0, 0},          {NULL, 1, 1, 0, 1},
    {NULL, 97, 2, 0, 7},         {NULL, 1000, 3, 0, 100},
    {NULL, 300, 2, 1, 13},       {"libcsv", 0, 1, 0, 3},
    {"libcsv", 50, 2, 1, 0},     {"scalar", 200, 1, 0, 64},
    {"sse2", 4096, 2, 0, 0},     {"avx2", 70, 3, 0, 0},
    {"avx512", 4096, 1, 1, 500},
};

static void same_in_all_ways(struct pl_csv_rules rules, int format,
                             uint64_t seed)
{
    TABLE(table);
    OUTCOME(first);
    struct pl_csv_config cfg = lenient(&plain);

    make_table(&table, 1 + seed * 37 % 250, seed);
    cfg.rules = rules;
    cfg.format = format == 0 ? PL_CSV_OUT_CSV : PL_CSV_OUT_JSON;
    run_csv(cfg, &table, &first);
    ck_assert_msg(first.rc == 0, "%s", first.err.msg);
    if (first.report.rows_in > 100)
        ck_assert(first.report.rows_out > 2 && first.report.rows_rejected > 2);
    for (size_t i = 0; i < (size_t)UNIT_COUNT(ways); i++) {
        OUTCOME(o);

        if (ways[i].reader != NULL && strcmp(ways[i].reader, "libcsv") != 0 &&
            pl_csv_kernel_by_name(ways[i].reader) == NULL)
            continue;
        cfg = lenient(&ways[i]);
        cfg.rules = rules;
        cfg.format = format == 0 ? PL_CSV_OUT_CSV : PL_CSV_OUT_JSON;
        run_json(cfg, &table, ways[i].bite, &o);
        compare(&first, &o);
    }
}

START_TEST(both_formats_mean_the_same)
{
    const struct pl_csv_rules rules[] = {
        {.empty = PL_CSV_EMPTY_REJECT},
        {.empty = PL_CSV_EMPTY_KEEP, .line_breaks = PL_CSV_BREAKS_REJECT},
        {.empty = PL_CSV_EMPTY_NULL, .duplicates = PL_CSV_DUPLICATES_KEEP_LAST},
        {.empty = PL_CSV_EMPTY_KEEP, .off = ~UINT64_C(0)}};

    for (uint64_t i = 0; i < 2; i++)
        same_in_all_ways(rules[(size_t)_i / 2], _i % 2, (uint64_t)_i * 5 + i);
}
END_TEST

/* What only JSON lines can have wrong, beside rows that are right. */
static const char bad[] = "{\"c0\":\"a\",\"c1\":\"CUSTOM\",\"c2\":\"x\"}\n"
                          "not json, \"at all\"\n"
                          "{\"c0\":\"b\",\"c1\":\"CUSTOM\",\"c2\":\"y\"}\n"
                          "\n"
                          "{\"c0\":\"c\",\"c9\":\"CUSTOM\"}\n"
                          "{\"c0\":\"nul\\u0000\"}\n"
                          "{\"c0\":\"utf\xFF\"}\n"
                          "{\"c3\":\"no id\"}\n"
                          "{\"c0\":\"d\",\"c3\":[1,2]}\n"
                          "{\"c0\":\"e\",\"c0\":\"e\"}\n"
                          "{\"c0\":\"half \\ud83d\"}\n"
                          "{\"c0\":\"a\",\"c1\":\"CUSTOM\",\"c2\":\"other\"}\n"
                          "{\"c0\":\"b\",\"c1\":\"CUSTOM\",\"c2\":\"y\"}\n"
                          "{\"c0\":\"f\",\"c1\":\"CUSTOM\",\"c2\":\"z\"\n"
                          "\"\n"
                          "{\"c0\":\"g\"}\n";
#define AT(line) "\"source\":\"s3://b/p-0.gz\",\"line\":" line ",\"key\":"
static const char bad_rejects[] = "{\"record\":2," AT(
    "2") "null,\"column\":null,\"rule\":\"malformed-json\","
         "\"detail\":\"no JSON object: a record begins with {\"}\n"
         "{\"record\":4," AT(
             "4") "null,\"column\":null,\"rule\":\"empty-line\","
                  "\"detail\":\"an empty line\"}\n"
                  "{\"record\":5," AT(
                      "5") "null,\"column\":null,\"rule\":\"column-unknown\","
                           "\"detail\":\"a key that is no column\"}\n"
                           "{\"record\":6," AT(
                               "6") "\"nul\\u0000\",\"column\":null,"
                                    "\"rule\":\"nul-byte\",\"detail\":\"a NUL "
                                    "byte\"}\n"
                                    "{\"record\":7," AT(
                                        "7") "\"utf\xEF\xBF\xBD\",\"column\":"
                                             "null,"
                                             "\"rule\":\"utf8\",\"detail\":\"a "
                                             "value that is not UTF-8\"}\n"
                                             "{\"record\":8," AT(
                                                 "8") "null,\"column\":\"Id\","
                                                      "\"rule\":\"id-missing\","
                                                      "\"detail\":\"no Id\"}\n"
                                                      "{\"record\":9," AT(
                                                          "9") "\"d\","
                                                               "\"column\":"
                                                               "\"Attributes."
                                                               "A\","
                                                               "\"rule\":"
                                                               "\"nested-"
                                                               "value\","
                                                               "\"detail\":"
                                                               "\"an array or "
                                                               "a map, which a "
                                                               "cell "
                                                               "cannot hold; "
                                                               "take its "
                                                               "elements apart "
                                                               "in the query, "
                                                               "one column a "
                                                               "value, "
                                                               "or CAST(... AS "
                                                               "JSON) and "
                                                               "json_format "
                                                               "for text\"}\n"
                                                               "{\"record\":"
                                                               "10," AT(
                                                                   "10") "null,"
                                                                         "\"col"
                                                                         "umn\""
                                                                         ":null"
                                                                         ","
                                                                         "\"rul"
                                                                         "e\":"
                                                                         "\"mal"
                                                                         "forme"
                                                                         "d-"
                                                                         "json"
                                                                         "\","
                                                                         "\"det"
                                                                         "ail\""
                                                                         ":\"th"
                                                                         "e "
                                                                         "same "
                                                                         "key "
                                                                         "twice"
                                                                         "\"}\n"
                                                                         "{\"re"
                                                                         "cord"
                                                                         "\":"
                                                                         "11"
                                                                         "," AT(
                                                                             "1"
                                                                             "1") "null,\"column\":null,"
                                                                                  "\"rule\":\"malformed-json\",\"detail\":\"half of a surrogate pair, which "
                                                                                  "is no character\"}\n"
                                                                                  "{\"record\":12," AT(
                                                                                      "12") "\"a\",\"column\":\"Id\","
                                                                                            "\"rule\":\"id-duplicate\",\"detail\":\"the same key as an earlier row, "
                                                                                            "with other values\"}\n"
                                                                                            "{\"record\":14," AT(
                                                                                                "14") "null,\"column\":null,"
                                                                                                      "\"rule\":\"malformed-json\",\"detail\":\"the line ends inside the "
                                                                                                      "object\"}\n"
                                                                                                      "{\"record\":15," AT(
                                                                                                          "15") "null,\"column\":null,"
                                                                                                                "\"rule\":\"malformed-json\",\"detail\":\"no JSON object: a record begins "
                                                                                                                "with {\"}\n";

START_TEST(bad_lines_are_rejects)
{
    for (size_t i = 0; i < (size_t)UNIT_COUNT(ways); i++) {
        TABLE(table);
        OUTCOME(o);

        if (ways[i].reader != NULL && strcmp(ways[i].reader, "libcsv") != 0 &&
            pl_csv_kernel_by_name(ways[i].reader) == NULL)
            continue;
        adds(&table.parts[0], bad);
        run_json(lenient(&ways[i]), &table, ways[i].bite, &o);
        ck_assert_msg(o.rc == 0, "%s", o.err.msg);
        ck_assert_str_eq(pl_buf_str(&o.rejects), bad_rejects);
        ck_assert_str_eq(pl_buf_str(&o.out),
                         "Id,ChannelType,Address,Attributes.A,Metrics.M,"
                         "User.UserId,Attributes.B\n"
                         "a,CUSTOM,x,,,,\nb,CUSTOM,y,,,,\ng,,,,,,\n");
        ck_assert_uint_eq(o.report.rows_in, 16);
        ck_assert_uint_eq(o.report.rows_dropped, 1);
    }
}
END_TEST

START_TEST(the_raw_line)
{
    TABLE(table);
    OUTCOME(json);
    OUTCOME(csv);
    struct pl_csv_config cfg = lenient(&plain);

    adds(&table.parts[1], "{\"c0\":tru\xFF}\n{\"c1\":\"a\\\"\"}");
    cfg.has_raw = true;
    run_json(cfg, &table, 0, &json);
    ck_assert_str_eq(
        pl_buf_str(&json.rejects),
        "{\"record\":1,\"source\":\"s3://b/p-1.gz\",\"line\":1,\"key\":null,"
        "\"column\":null,\"rule\":\"malformed-json\",\"detail\":\"not JSON\","
        "\"raw\":\"{\\\"c0\\\":tru\xEF\xBF\xBD}\\n\"}\n"
        "{\"record\":2,\"source\":\"s3://b/p-1.gz\",\"line\":2,\"key\":null,"
        "\"column\":\"Id\",\"rule\":\"id-missing\",\"detail\":\"no Id\","
        "\"raw\":\",\\\"a\\\"\\\"\\\",,,,,\\n\"}\n");
    cfg.rejects_format = PL_CSV_REJECTS_CSV;
    run_json(cfg, &table, 0, &csv);
    ck_assert_str_eq(pl_buf_str(&csv.rejects),
                     "record,source,line,key,column,rule,detail,raw\n"
                     "1,s3://b/p-1.gz,1,,,malformed-json,not JSON,"
                     "\"{\"\"c0\"\":tru\xFF}\n\"\n"
                     "2,s3://b/p-1.gz,2,,Id,id-missing,no Id,"
                     "\",\"\"a\"\"\"\"\"\",,,,,\n\"\n");
}
END_TEST

START_TEST(failures_name_part_and_line)
{
    TABLE(table);
    OUTCOME(o);
    struct pl_csv_config cfg = lenient(&plain);

    adds(&table.parts[0], "{\"c0\":\"a\"}\n");
    adds(&table.parts[2], "{\"c0\":\"b\"}\n{\"c0\":\"a\",\"c3\":1}\n");
    cfg.rules.duplicates = PL_CSV_DUPLICATES_FAIL;
    run_json(cfg, &table, 0, &o);
    ck_assert_int_eq(o.rc, -1);
    ck_assert_int_eq(o.err.code, PL_DATA_INVALID);
    ck_assert_str_eq(o.err.msg, "'s3://b/p-2.gz', line 2: the same key as an "
                                "earlier row, with other values");
}
END_TEST

START_TEST(no_parts_are_no_rows)
{
    TABLE(table);
    OUTCOME(o);

    run_json(lenient(&plain), &table, 0, &o);
    ck_assert_msg(o.rc == 0, "%s", o.err.msg);
    ck_assert_uint_eq(o.report.rows_in, 0);
    ck_assert_str_eq(pl_buf_str(&o.out),
                     "Id,ChannelType,Address,Attributes.A,Metrics.M,"
                     "User.UserId,Attributes.B\n");
}
END_TEST

UNIT_MAIN("jsonl_transform",
          tcase_add_loop_test(tc, both_formats_mean_the_same, 0, 8);
          tcase_add_test(tc, bad_lines_are_rejects);
          tcase_add_test(tc, the_raw_line);
          tcase_add_test(tc, failures_name_part_and_line);
          tcase_add_test(tc, no_parts_are_no_rows);)
