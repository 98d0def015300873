#include "tests/unit/unit.h"

#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/csv/transform.h"

/* What one text becomes. */
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

static struct pl_csv_config lenient(void)
{
    return (struct pl_csv_config){.target = pl_target_by_name("pinpoint"),
                                  .rules = {.empty = PL_CSV_EMPTY_KEEP},
                                  .has_report = true,
                                  .limits = {.max_reject_percent = 100,
                                             .max_rejects = -1,
                                             .min_rows = 0,
                                             .max_rows = -1}};
}

static void run(struct pl_csv_config cfg, const char *text, size_t len,
                size_t bite, struct outcome *o)
{
    struct pl_mem_source mem = {.data = text, .len = len, .bite = bite};
    const struct pl_source in = pl_mem_source(&mem);
    const struct pl_sink out = pl_buf_sink(&o->out);
    const struct pl_sink rejects = pl_buf_sink(&o->rejects);

    cfg.in = &in;
    cfg.out = &out;
    cfg.rejects = &rejects;
    o->rc = pl_csv_transform(&cfg, &o->report, &o->err);
}

static uint64_t count_of(const struct outcome *o, const char *code)
{
    for (size_t i = 0; i < o->report.rule_count; i++)
        if (strcmp(o->report.rules[i].code, code) == 0)
            return o->report.rules[i].count;
    ck_abort_msg("no rule '%s'", code);
    return 0;
}

#define H "\"Id\",\"Attributes.A\",\"Metrics.M\"\n"
#define E "Id,ChannelType,Address\n"

/* One row under a header: the rule that rejects it, or what it becomes. */
static const struct {
    const char *text;
    const char *rule; /* NULL: it is good */
    const char *row;
} rows[] = {
    {H "\"a\",\"b\",\"1\"\n", NULL, "a,b,1\n"},
    {H "\"a\",,\n", NULL, "a,,\n"},
    {H "\"a\",\"\",\n", NULL, "a,\"\",\n"},
    {H "\"a\",\" x \",\" 1 \"\n", NULL, "a,x,1\n"},
    {H "\"a\",\"x,\"\"y\"\"\",\n", NULL, "a,\"x,\"\"y\"\"\",\n"},
    {H "\"a\",\"x\ny\",\n", NULL, "a,x y,\n"},
    {H "\"a\",\"x\r\n\ty\",\n", NULL, "a,x y,\n"},
    {H "\"a\",\"b\",\"1\"", NULL, "a,b,1\n"},
    {H "\"a\",\"b\",\"1\"\r\n", NULL, "a,b,1\n"},
    {H "\"a\",\"b\",\"1\"\r", NULL, "a,b,1\n"},
    {H "\"a\",\"b\",\"-1.5e-3\"\n", NULL, "a,b,-1.5e-3\n"},
    {H "\"a\"b,\"b\",\"1\"\n", "malformed-quote", NULL},
    {H "\"a\",b\"c,\"1\"\n", "malformed-quote", NULL},
    {H "\"a\",\"\xC3(\",\"1\"\n", "utf8", NULL},
    {H "\"a\",\"\x01\",\"1\"\n", "control-character", NULL},
    {H "\n", "empty-line", NULL},
    {H "\"a\",\"b\"\n", "column-count", NULL},
    {H "\"a\",\"b\",\"1\",\"2\"\n", "column-count", NULL},
    {H ",\"b\",\"1\"\n", "id-missing", NULL},
    {H "\"\",\"b\",\"1\"\n", "id-missing", NULL},
    {H "\"  \",\"b\",\"1\"\n", "id-missing", NULL},
    {H "\"a${x}\",\"b\",\"1\"\n", "id-character", NULL},
    {H "\"a\",\"b\",\"NaN\"\n", "metric-number", NULL},
    {H "\"a\",\"b\",\"Infinity\"\n", "metric-number", NULL},
    {H "\"a\",\"b\",\"0x10\"\n", "metric-number", NULL},
    {H "\"a\",\"b\",\"1e999\"\n", "metric-number", NULL},
    {H "\"a\",\"b\",\"1,5\"\n", "metric-number", NULL},
    {H "\"a\",\"b\",\".\"\n", "metric-number", NULL},
    {E "a,email,A@Example.COM\n", NULL, "a,EMAIL,A@example.com\n"},
    {E "a,,\n", NULL, "a,,\n"},
    {E "a,EMAIL,\n", "address-missing", NULL},
    {E "a,,x@example.com\n", "channel-missing", NULL},
    {E "a,PIGEON,x\n", "channel-unknown", NULL},
    {E "a,IN_APP,x\n", "channel-unknown", NULL},
    {E "a,EMAIL,nobody\n", "address-email", NULL},
    {E "a,EMAIL,a@b@c.d\n", "address-email", NULL},
    {E "a,EMAIL,@example.com\n", "address-email", NULL},
    {E "a,SMS,+1 (555) 010-0\n", NULL, "a,SMS,+15550100\n"},
    {E "a,SMS,5550100\n", "address-phone", NULL},
    {E "a,SMS,+0155\n", "address-phone", NULL},
    {E "a,SMS,+1234567890123456\n", "address-phone", NULL},
    {E "a,GCM,any token\n", "address-token", NULL},
    {E "a,GCM,any:token_\n", NULL, "a,GCM,any:token_\n"},
    {E "a,CUSTOM,any token\n", NULL, "a,CUSTOM,any token\n"},
    {E "a,APNS,0aF9\n", NULL, "a,APNS,0aF9\n"},
    {E "a,APNS_VOIP_SANDBOX,0aF9\n", NULL, "a,APNS_VOIP_SANDBOX,0aF9\n"},
    {E "a,APNS,0aG9\n", "address-token", NULL},
    {E "a,SMS,0049 30 1234\n", NULL, "a,SMS,+49301234\n"},
    {E "a,SMS,(030) 12.34\n", "address-phone", NULL},
    {E "a,EMAIL,a..b@example.com\n", "address-email", NULL},
    {E "a,EMAIL,.a@example.com\n", "address-email", NULL},
    {E "a,EMAIL,a@-example.com\n", "address-email", NULL},
    {E "a,EMAIL,a@example\n", "address-email", NULL},
    {E "a,EMAIL,a b@example.com\n", "address-email", NULL},
    {E "a,EMAIL,\xC3\xA9@example.com\n", "address-email", NULL},
    {E "a,EMAIL,o'x+y=z@Ex-ample.co.uk\n", NULL,
     "a,EMAIL,o'x+y=z@ex-ample.co.uk\n"},
    {"Id,Demographic.Locale\na,EN-us\n", NULL, "a,en_US\n"},
    {"Id,Demographic.Locale\na,en_QQ\n", "locale", NULL},
    {"Id,Demographic.Timezone\na,europe/BERLIN\n", NULL, "a,Europe/Berlin\n"},
    {"Id,Demographic.Timezone\na,Mars/Base\n", "time-zone", NULL},
    {"Id,Location.Country\na,QQ\n", "country", NULL},
    {"Id,Attributes.A\na,\"[x, y]\"\n", "nested-value", NULL},
    {"Id,Attributes.A\na,{k=v}\n", "nested-value", NULL},
    {"Id,Attributes.A\na,[x\n", NULL, "a,[x\n"},
    {"Id,RequestId\na,r1\n", NULL, "a,r1\n"},
    {"ChannelType,Address\nEMAIL,a@example.com\n", NULL,
     "EMAIL,a@example.com\n"},
    {"ChannelType,Address\n,\n", "channel-missing", NULL},
    {"User.UserId\nu1\n", NULL, "u1\n"},
    {"User.UserId\n\n", "user-id-missing", NULL},
    {"Id,OptOut\na,none\n", NULL, "a,NONE\n"},
    {"Id,OptOut\na,maybe\n", "opt-out", NULL},
    {"Id,Location.Country\na,de\n", NULL, "a,DE\n"},
    {"Id,Location.Country\na,DEU\n", "country", NULL},
    {"Id,Location.Latitude\na,90\n", NULL, "a,90\n"},
    {"Id,Location.Latitude\na,90.1\n", "latitude", NULL},
    {"Id,Location.Longitude\na,-181\n", "longitude", NULL},
};

START_TEST(row_table)
{
    __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};
    const char *text = rows[_i].text;
    const char *first;

    run(lenient(), text, strlen(text), 0, &o);
    ck_assert_msg(o.rc == 0, "%s: %s", text, o.err.msg);
    ck_assert_uint_eq(o.report.rows_in, 1);
    if (rows[_i].rule != NULL) {
        ck_assert_msg(count_of(&o, rows[_i].rule) == 1, "%s: %s", text,
                      pl_buf_str(&o.rejects));
        ck_assert_uint_eq(o.report.rows_rejected, 1);
        return;
    }
    ck_assert_msg(o.report.rows_out == 1, "%s: %s", text,
                  pl_buf_str(&o.rejects));
    first = strchr(o.out.data, '\n') + 1;
    ck_assert_str_eq(first, rows[_i].row);
}
END_TEST

START_TEST(nul_bytes_and_long_values)
{
    __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};
    static const char nul[] = "Id,Attributes.A\na,x\0y\nb,z\n";
    __attribute__((cleanup(outcome_release))) struct outcome p = {.rc = 0};
    char text[600] = "Id,Attributes.A\na,";

    run(lenient(), nul, sizeof(nul) - 1, 0, &o);
    ck_assert_uint_eq(count_of(&o, "nul-byte"), 1);
    ck_assert_uint_eq(o.report.rows_out, 1);
    for (int i = 0; i < 100; i++) /* characters, not bytes */
        memcpy(text + strlen(text), "\xC3\xA9", 3);
    memcpy(text + strlen(text), "\nb,", 4);
    for (int i = 0; i < 101; i++)
        memcpy(text + strlen(text), "x", 2);
    run(lenient(), text, strlen(text), 0, &p);
    ck_assert_uint_eq(count_of(&p, "attribute-length"), 1);
    ck_assert_uint_eq(p.report.rows_out, 1);
    ck_assert_uint_eq(p.report.columns[1].longest, 100);
}
END_TEST

/* The example file of the reference design, as Athena writes it. */
START_TEST(golden_example)
{
    __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};
    static const char in[] = "\"Id\",\"Attributes.NumEmailsOpenedLast30Days\","
                             "\"User.UserAttributes.CustomerLifetimeValue\"\n"
                             "\"123abc\",\"43\",\"High\"\n";

    run(lenient(), in, sizeof(in) - 1, 0, &o);
    ck_assert_int_eq(o.rc, 0);
    ck_assert_str_eq(o.out.data, "Id,Attributes.NumEmailsOpenedLast30Days,"
                                 "User.UserAttributes.CustomerLifetimeValue\n"
                                 "123abc,43,High\n");
}
END_TEST

static const char nasty[] = "\xEF\xBB\xBFid,\"ATTRIBUTES.A\",attributes.A\r\n"
                            "a,\"x\r\ny\"\"\",1\r"
                            "\r\n"
                            "b,\"bad\"quote,\"still\nbad line\n"
                            "c,,\"\"\n"
                            "d,\"open\nquote,\" , 7\r\n"
                            "c,other,\n"
                            "e,\xFF,\n"
                            "f,1,2,3\n"
                            "g,last,";

START_TEST(the_same_for_every_chunk_size)
{
    __attribute__((cleanup(outcome_release))) struct outcome whole = {.rc = 0};
    struct pl_csv_config cfg = lenient();

    cfg.has_raw = true;
    run(cfg, nasty, sizeof(nasty) - 1, 0, &whole);
    ck_assert_msg(whole.rc == 0, "%s", whole.err.msg);
    ck_assert_str_eq(whole.out.data, "Id,Attributes.A,Attributes.A\n"
                                     "a,\"x y\"\"\",1\n"
                                     "c,,\"\"\n"
                                     "d,\"open quote,\",7\n"
                                     "g,last,\n");
    for (size_t bite = 1; bite < sizeof(nasty); bite++) {
        __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};

        cfg.chunk_bytes = bite;
        run(cfg, nasty, sizeof(nasty) - 1, bite, &o);
        ck_assert_int_eq(o.rc, 0);
        ck_assert_str_eq(o.out.data, whole.out.data);
        ck_assert_str_eq(o.rejects.data, whole.rejects.data);
    }
}
END_TEST

START_TEST(rejects_say_where)
{
    __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};
    static const char in[] = "Id,Metrics.M\n"
                             "a,1\n"
                             "\"b\n2\",2\n"
                             "c,x\n"
                             "\"q\"q,\n"
                             "d,4\n";

    run(lenient(), in, sizeof(in) - 1, 0, &o);
    ck_assert_str_eq(
        o.rejects.data,
        "{\"record\":3,\"line\":5,\"offset\":25,\"key\":\"c\",\"column\":"
        "\"Metrics.M\",\"rule\":\"metric-number\",\"detail\":\"not a finite "
        "decimal number\"}\n"
        "{\"record\":4,\"line\":6,\"offset\":29,\"key\":null,\"column\":null,"
        "\"rule\":\"malformed-quote\",\"detail\":\"a quote inside an unquoted "
        "cell, or text behind a closing quote\"}\n");
    ck_assert_uint_eq(o.report.rows_out, 3);
}
END_TEST

START_TEST(duplicates)
{
    __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};
    static const char in[] = "Id,Attributes.A\n"
                             "x,1\nX,1\nx, 1 \nx,2\ny,1\n";

    run(lenient(), in, sizeof(in) - 1, 0, &o);
    /* "X" is the same key as "x" */
    ck_assert_uint_eq(o.report.rows_in, 5);
    ck_assert_uint_eq(o.report.rows_out, 2);
    ck_assert_uint_eq(o.report.rows_dropped, 2);
    ck_assert_uint_eq(count_of(&o, "id-duplicate"), 1);
}
END_TEST

START_TEST(many_keys_stay_unique)
{
    __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};
    PL_AUTO(pl_buf) in = PL_BUF_INIT;
    struct pl_err err = {0};

    ck_assert_int_eq(pl_buf_adds(&in, "Id\n", &err), 0);
    for (int i = 0; i < 50000; i++)
        ck_assert_int_eq(pl_buf_addf(&in, &err, "k%d\n", i % 40000), 0);
    run(lenient(), in.data, in.len, 0, &o);
    ck_assert_uint_eq(o.report.rows_out, 40000);
    ck_assert_uint_eq(o.report.rows_dropped, 10000);
}
END_TEST

static const struct {
    const char *text;
    const char *message; /* part of it */
} broken[] = {
    {"", "no header"},
    {"\n", "no header"},
    {"Id,Attributes.A\na,\"b\n", "cut off: a quote is open at its end, in "
                                 "record 1, which begins in line 2, byte 16"},
    {"Id,Nonsense\n", "no place for column 'Nonsense'"},
    {"Id,User.UserIdd\n", "did you mean 'User.UserId'?"},
    {"Attributes.A\n", "no column 'Id'"},
    {"Id,Address\n", "'Address' needs column 'ChannelType'"},
    {"Id,Id\n", "'Id' stands twice"},
    {"Id,Metrics.A,metrics.A\n", "'Metrics.A' stands twice"},
    {"Id,Attributes.\n", "1 to 50 characters"},
    {"Id,Attributes.a.b\n", "no dot"},
    {"Id,EndpointStatus\n", "an import cannot set it"},
    {"Id,\n", "a column without a name"},
    {"\xFF\xFEI", "UTF-16"},
    {"\x1F\x8B\x08", "gzip"},
    {"Id\"x\n", "malformed quoting"},
};

START_TEST(broken_files_are_named)
{
    __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};

    run(lenient(), broken[_i].text, strlen(broken[_i].text), 0, &o);
    ck_assert_int_eq(o.rc, -1);
    ck_assert_int_eq(o.err.code, PL_DATA_INVALID);
    ck_assert_msg(strstr(o.err.msg, broken[_i].message) != NULL, "%s",
                  o.err.msg);
}
END_TEST

#define TEN "Id\na\nb\nc\nd\ne\nf\ng\nh\n$\n{\n"
static const struct {
    struct pl_csv_limits limits;
    const char *message; /* NULL: they hold */
} limits[] = {
    {{20, -1, 1, -1, NULL}, NULL},
    {{19.9, -1, 1, -1, NULL}, "2 of 10 rows rejected"},
    {{100, 2, 1, -1, NULL}, NULL},
    {{100, 1, 1, -1, NULL}, "more than 1 rows rejected"},
    {{100, -1, 8, -1, NULL}, NULL},
    {{100, -1, 9, -1, NULL}, "8 rows came out, min_rows asks for 9"},
    {{100, -1, 0, 8, NULL}, NULL},
    {{100, -1, 0, 7, NULL}, "more than 7 rows"},
};

START_TEST(limits_hold)
{
    __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};
    struct pl_csv_config cfg = lenient();

    cfg.limits = limits[_i].limits;
    run(cfg, TEN, strlen(TEN), 0, &o);
    if (limits[_i].message == NULL) {
        ck_assert_msg(o.rc == 0, "%s", o.err.msg);
        return;
    }
    ck_assert_int_eq(o.rc, -1);
    ck_assert_int_eq(o.err.code, PL_DATA_INVALID);
    ck_assert_msg(strstr(o.err.msg, limits[_i].message) != NULL, "%s",
                  o.err.msg);
    if (o.report.rows_rejected > 0) /* the rejects are kept */
        ck_assert_uint_gt(o.rejects.len, 0);
}
END_TEST

START_TEST(settings_of_rules)
{
    __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};
    __attribute__((cleanup(outcome_release))) struct outcome p = {.rc = 0};
    struct pl_csv_config cfg = lenient();
    static const char in[] = "Id,Nonsense,Attributes.A\n"
                             "a,1,\"x\ny\"\nb,2,\"\"\nc,3,\n";

    cfg.rules.unknown_columns = PL_CSV_UNKNOWN_DROP;
    cfg.rules.line_breaks = PL_CSV_BREAKS_REJECT;
    cfg.rules.empty = PL_CSV_EMPTY_NULL;
    run(cfg, in, sizeof(in) - 1, 0, &o);
    ck_assert_int_eq(o.rc, 0);
    ck_assert_str_eq(o.out.data, "Id,Attributes.A\nb,\nc,\n");
    ck_assert_uint_eq(count_of(&o, "line-break"), 1);
    cfg.rules.empty = PL_CSV_EMPTY_REJECT;
    run(cfg, in, sizeof(in) - 1, 0, &p);
    ck_assert_uint_eq(count_of(&p, "empty-string"), 1);
}
END_TEST

START_TEST(a_record_has_a_limit)
{
    __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};
    struct pl_csv_config cfg = lenient();
    static char in[4096];

    memset(in, 'x', sizeof(in));
    memcpy(in, "Id\n\"", 4);
    cfg.max_record_bytes = 1000;
    run(cfg, in, sizeof(in), 100, &o);
    ck_assert_int_eq(o.rc, -1);
    ck_assert_msg(strstr(o.err.msg, "longer than 1000 bytes") != NULL, "%s",
                  o.err.msg);
}
END_TEST

UNIT_MAIN("transform", tcase_add_loop_test(tc, row_table, 0, UNIT_COUNT(rows));
          tcase_add_test(tc, nul_bytes_and_long_values);
          tcase_add_test(tc, golden_example);
          tcase_add_test(tc, the_same_for_every_chunk_size);
          tcase_add_test(tc, rejects_say_where); tcase_add_test(tc, duplicates);
          tcase_add_test(tc, many_keys_stay_unique);
          tcase_add_loop_test(tc, broken_files_are_named, 0,
                              UNIT_COUNT(broken));
          tcase_add_loop_test(tc, limits_hold, 0, UNIT_COUNT(limits));
          tcase_add_test(tc, settings_of_rules);
          tcase_add_test(tc, a_record_has_a_limit);)
