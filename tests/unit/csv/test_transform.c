#include "tests/unit/unit.h"

#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/csv/rules.h"

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

/* What rules that look at other rows do. */
#define P "Id,ChannelType,Address,User.UserId\n"
static const struct {
    unsigned duplicates;
    const char *text;
    const char *out; /* behind the header */
    const char *rule;
    unsigned rejected;
    unsigned dropped;
} others[] = {
    {PL_CSV_DUPLICATES_REJECT, P "a,EMAIL,x@y.com,\nb,EMAIL,x@Y.com,\n",
     "a,EMAIL,x@y.com,\n", "address-duplicate", 1, 0},
    {PL_CSV_DUPLICATES_KEEP_LAST, P "a,EMAIL,x@y.com,\nb,EMAIL,x@Y.com,\n",
     "b,EMAIL,x@y.com,\n", "address-duplicate", 1, 0},
    {PL_CSV_DUPLICATES_REJECT, P "a,SMS,+491,\nb,VOICE,+491,\nc,,,\nd,,,\n",
     "a,SMS,+491,\nb,VOICE,+491,\nc,,,\nd,,,\n", NULL, 0, 0},
    {PL_CSV_DUPLICATES_KEEP_LAST, P "a,,,u\nA,,,v\na,,,v\nb,,,\n",
     "a,,,v\nb,,,\n", "id-duplicate", 1, 1},
    {PL_CSV_DUPLICATES_REJECT, P "a,,,u\nA,,,v\na,,,u\nb,,,\n", "a,,,u\nb,,,\n",
     "id-duplicate", 1, 1},
    /* a row that is rejected leaves no key behind */
    {PL_CSV_DUPLICATES_REJECT,
     P "a,SMS,+491,\nb,SMS,+491,\nb,SMS,+492,\nc,SMS,oops,\nc,SMS,+493,\n",
     "a,SMS,+491,\nb,SMS,+492,\nc,SMS,+493,\n", "address-duplicate", 2, 0},
};

START_TEST(rows_and_other_rows)
{
    const uint64_t memory[] = {0, 1}; /* in a table, in files */

    for (size_t i = 0; i < 2; i++) {
        __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};
        struct pl_csv_config cfg = lenient();

        cfg.rules.duplicates = others[_i].duplicates;
        cfg.keys_memory = memory[i];
        cfg.in_bytes = (int64_t)strlen(others[_i].text);
        run(cfg, others[_i].text, strlen(others[_i].text), 0, &o);
        ck_assert_msg(o.rc == 0, "%s", o.err.msg);
        ck_assert_str_eq(strchr(o.out.data, '\n') + 1, others[_i].out);
        ck_assert_uint_eq(o.report.rows_rejected, others[_i].rejected);
        ck_assert_uint_eq(o.report.rows_dropped, others[_i].dropped);
        if (others[_i].rule != NULL)
            ck_assert_uint_eq(count_of(&o, others[_i].rule), 1);
    }
}
END_TEST

START_TEST(a_conflict_can_fail)
{
    __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};
    struct pl_csv_config cfg = lenient();
    static const char in[] = "Id,Attributes.A\na,1\na,1\nA,2\n";

    cfg.rules.duplicates = PL_CSV_DUPLICATES_FAIL;
    run(cfg, in, sizeof(in) - 1, 0, &o);
    ck_assert_int_eq(o.rc, -1);
    ck_assert_int_eq(o.err.code, PL_DATA_INVALID);
    ck_assert_msg(strstr(o.err.msg, "record 3, byte 24") != NULL, "%s",
                  o.err.msg);
}
END_TEST

/* Many rows of two users, one value too long for an endpoint. */
START_TEST(users_and_sizes)
{
    __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};
    __attribute__((cleanup(outcome_release))) struct outcome p = {.rc = 0};
    PL_AUTO(pl_buf) in = PL_BUF_INIT;
    struct pl_csv_config cfg = lenient();
    struct pl_err err = {0};

    ck_assert_int_eq(
        pl_buf_adds(&in, "Id,User.UserId,Demographic.Make\n", &err), 0);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(pl_buf_addf(&in, &err, "a%d,u,\nb%d,,\n", i, i), 0);
    ck_assert_int_eq(pl_buf_addf(&in, &err, "c,,%015342d\n", 0), 0);
    ck_assert_int_eq(pl_buf_addf(&in, &err, "d,,%015341d\n", 0), 0);
    run(cfg, in.data, in.len, 0, &o);
    ck_assert_uint_eq(count_of(&o, "user-endpoints"), 5);
    ck_assert_uint_eq(count_of(&o, "endpoint-size"), 1);
    ck_assert_uint_eq(o.report.rows_out, 36);
    cfg.rules.off = UINT64_C(1) << PL_RULE_USER_ENDPOINTS |
                    UINT64_C(1) << PL_RULE_ENDPOINT_SIZE;
    run(cfg, in.data, in.len, 0, &p);
    ck_assert_uint_eq(p.report.rows_out, 42);
}
END_TEST

struct parts {
    struct pl_buf *out;
    unsigned count;
    uint64_t rows[16];
};

static int next_part(void *ctx, uint64_t lines, struct pl_err *err)
{
    struct parts *parts = ctx;

    parts->rows[parts->count++] = lines;
    return pl_buf_adds(parts->out, "--\n", err);
}

START_TEST(parts_are_cut_between_rows)
{
    __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};
    struct parts parts = {.out = &o.out};
    struct pl_csv_config cfg = lenient();
    static const char in[] = "Id\na\nbb\nccc\ndddddddd\ne\n";

    cfg.max_part_bytes = 9; /* with the header */
    cfg.next_part = next_part;
    cfg.part_ctx = &parts;
    run(cfg, in, sizeof(in) - 1, 0, &o);
    ck_assert_int_eq(o.rc, 0);
    ck_assert_str_eq(o.out.data, "Id\na\nbb\n--\nId\nccc\n--\n"
                                 "Id\ndddddddd\n--\nId\ne\n");
    ck_assert_uint_eq(parts.count, 3);
    ck_assert_uint_eq(parts.rows[0], 2);
    ck_assert_uint_eq(parts.rows[1], 1);
    ck_assert_uint_eq(o.report.last_part_rows, 1);
}
END_TEST

START_TEST(rows_as_json)
{
    __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};
    struct pl_csv_config cfg = lenient();
    static const char in[] =
        "User.UserAttributes.U,Id,Attributes.A,User.UserId,Metrics.M,"
        "Attributes.B,Attributes.A,Location.City\n"
        "x,a,1,u,+07.50,,2,\"K\"\"ln\"\n"
        "x,b,,,,,,\n"
        ",c,,,-0,,,\n";

    cfg.format = PL_CSV_OUT_JSON;
    run(cfg, in, sizeof(in) - 1, 0, &o);
    ck_assert_msg(o.rc == 0, "%s", o.err.msg);
    ck_assert_str_eq(
        o.out.data,
        "{\"Id\":\"a\",\"Attributes\":{\"A\":[\"1\",\"2\"]},"
        "\"Metrics\":{\"M\":7.50},\"Location\":{\"City\":\"K\\\"ln\"},"
        "\"User\":{\"UserId\":\"u\",\"UserAttributes\":{\"U\":[\"x\"]}}}\n"
        "{\"Id\":\"b\",\"User\":{\"UserAttributes\":{\"U\":[\"x\"]}}}\n"
        "{\"Id\":\"c\",\"Metrics\":{\"M\":-0}}\n");
}
END_TEST

START_TEST(rejects_as_csv)
{
    __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};
    struct pl_csv_config cfg = lenient();
    static const char in[] = "Id,Metrics.M\n\"a,\"\"b\",x\n";

    cfg.rejects_format = PL_CSV_REJECTS_CSV;
    cfg.has_raw = true;
    run(cfg, in, sizeof(in) - 1, 0, &o);
    ck_assert_str_eq(o.rejects.data,
                     "record,line,offset,key,column,rule,detail,raw\n"
                     "1,2,13,\"a,\"\"b\",Metrics.M,metric-number,not a finite "
                     "decimal number,\"\"\"a,\"\"\"\"b\"\",x\n\"\n");
}
END_TEST

START_TEST(columns_are_counted)
{
    __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};
    PL_AUTO(pl_buf) in = PL_BUF_INIT;
    struct pl_csv_config cfg = lenient();
    struct pl_err err = {0};
    const struct pl_csv_column *c;

    ck_assert_int_eq(pl_buf_adds(&in, "Id,Attributes.A,Attributes.B\n", &err),
                     0);
    for (int i = 0; i < 20000; i++)
        ck_assert_int_eq(pl_buf_addf(&in, &err, "%d,%s,%s%d\n", i,
                                     i % 4 == 0   ? ""
                                     : i % 4 == 1 ? "\"\""
                                     : i % 8 == 2 ? "rare"
                                                  : " often\xC3\xA9",
                                     i % 2 == 0 ? "v" : "", i),
                         0);
    cfg.threads = 2;
    cfg.chunk_bytes = 4096;
    run(cfg, in.data, in.len, 0, &o);
    ck_assert_msg(o.rc == 0, "%s", o.err.msg);
    c = o.report.columns;
    ck_assert_uint_eq(c[0].distinct, 20000);
    ck_assert(!c[0].is_estimate);
    ck_assert_uint_eq(c[1].null, 5000);
    ck_assert_uint_eq(c[1].empty, 5000);
    ck_assert_uint_eq(c[1].filled, 10000);
    ck_assert_uint_eq(c[1].longest, 6);
    ck_assert_uint_eq(c[1].distinct, 2);
    ck_assert_uint_eq(c[1].top_count, 2);
    ck_assert_str_eq(c[1].top[0].text, "often\xC3\xA9");
    ck_assert_uint_eq(c[1].top[0].count, 7500);
    ck_assert(c[2].is_estimate);
    ck_assert_uint_eq(c[2].top_count, 0);
    ck_assert_double_eq_tol((double)c[2].distinct, 20000, 20000 * 0.05);
}
END_TEST

/* Where nothing limits them: they are not kept, nor shown. */
START_TEST(long_values_are_not_remembered)
{
    __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};
    PL_AUTO(pl_buf) in = PL_BUF_INIT;
    struct pl_csv_config cfg = lenient();
    struct pl_err err = {0};

    cfg.rules.off = UINT64_C(1) << PL_RULE_ATTRIBUTE_LENGTH |
                    UINT64_C(1) << PL_RULE_ENDPOINT_SIZE;
    ck_assert_int_eq(pl_buf_adds(&in, "Id,Attributes.A,Attributes.B\n", &err),
                     0);
    for (int i = 0; i < 11; i++)
        ck_assert_int_eq(
            pl_buf_addf(&in, &err, "%d,%0100000d,%d\n", i, i, i % 2), 0);
    run(cfg, in.data, in.len, 0, &o);
    ck_assert_msg(o.rc == 0, "%s", o.err.msg);
    ck_assert_uint_eq(o.report.rows_out, 11);
    ck_assert_uint_eq(o.report.columns[1].distinct, 11);
    ck_assert(o.report.columns[1].is_estimate);
    ck_assert_uint_eq(o.report.columns[1].top_count, 0);
    ck_assert_uint_eq(o.report.columns[2].top_count, 2);
}
END_TEST

START_TEST(settings_of_columns)
{
    __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};
    __attribute__((cleanup(outcome_release))) struct outcome p = {.rc = 0};
    __attribute__((cleanup(outcome_release))) struct outcome q = {.rc = 0};
    static const char *const required[] = {"attributes.a", "OptOut", NULL};
    static const char dated[] = "Id,EffectiveDate\n"
                                "a,2026-01-31T12:00:00.000Z\n"
                                "b,2026-01-31\n";
    struct pl_csv_config cfg = lenient();

    run(cfg, dated, sizeof(dated) - 1, 0, &o);
    ck_assert_msg(strstr(o.err.msg, "'EffectiveDate' is refused") != NULL, "%s",
                  o.err.msg);
    cfg.rules.has_effective_date = true;
    run(cfg, dated, sizeof(dated) - 1, 0, &p);
    ck_assert_uint_eq(p.report.rows_out, 1);
    ck_assert_uint_eq(count_of(&p, "effective-date"), 1);
    cfg.limits.required = required;
    run(cfg, "Id,Attributes.A\n", 16, 0, &q);
    ck_assert_msg(
        strstr(q.err.msg, "column 'OptOut', which the job requires") != NULL,
        "%s", q.err.msg);
}
END_TEST

/* Where libphonenumber is there: else nobody knows the country. */
START_TEST(national_numbers_are_resolved)
{
    __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};
    struct pl_csv_config cfg = lenient();
    static const char in[] = E "a,SMS,030 901820\nb,SMS,+4930901820\nc,SMS,1\n";

    ck_assert(!pl_phone_knows("QQ"));
    if (!pl_phone_knows("DE"))
        return;
    cfg.rules.country = "DE";
    run(cfg, in, sizeof(in) - 1, 0, &o);
    ck_assert_str_eq(strchr(o.out.data, '\n') + 1, "a,SMS,+4930901820\n");
    ck_assert_uint_eq(count_of(&o, "address-duplicate"), 1);
    ck_assert_uint_eq(count_of(&o, "address-phone"), 1);
}
END_TEST

START_TEST(odd_names_are_reported)
{
    __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};
    static const char in[] =
        "Id,Attributes.a/b,Attributes.c,Metrics.d?\nx,,,\n";

    run(lenient(), in, sizeof(in) - 1, 0, &o);
    ck_assert_int_eq(o.rc, 0);
    ck_assert_uint_eq(o.report.odd_count, 2);
    ck_assert_str_eq(o.report.odd_name, "Attributes.a/b");
}
END_TEST

/* It is over as soon as no number of good rows could help. */
START_TEST(hopeless_files_end_early)
{
    __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};
    PL_AUTO(pl_buf) in = PL_BUF_INIT;
    struct pl_csv_config cfg = lenient();
    struct pl_err err = {0};

    ck_assert_int_eq(pl_buf_adds(&in, "Id,OptOut\n", &err), 0);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(pl_buf_addf(&in, &err, "key%07d,none\n", i), 0);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(pl_buf_addf(&in, &err, "key%07d,oops\n", i), 0);
    cfg.limits.max_reject_percent = 1;
    cfg.in_bytes = (int64_t)in.len;
    run(cfg, in.data, in.len, 0, &o);
    ck_assert_int_eq(o.rc, -1);
    ck_assert_msg(strstr(o.err.msg, "so far, whatever is still to come") !=
                      NULL,
                  "%s", o.err.msg);
    ck_assert_uint_lt(o.report.rows_in, 1200);
}
END_TEST

START_TEST(unknown_readers_are_named)
{
    __attribute__((cleanup(outcome_release))) struct outcome o = {.rc = 0};
    struct pl_csv_config cfg = lenient();

    cfg.reader = "abacus";
    run(cfg, "Id\na\n", 5, 0, &o);
    ck_assert_int_eq(o.err.code, PL_CONFIG_INVALID);
    ck_assert_msg(strstr(o.err.msg, "'abacus'") != NULL, "%s", o.err.msg);
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
          tcase_add_test(tc, a_record_has_a_limit);
          tcase_add_loop_test(tc, rows_and_other_rows, 0, UNIT_COUNT(others));
          tcase_add_test(tc, a_conflict_can_fail);
          tcase_add_test(tc, users_and_sizes);
          tcase_add_test(tc, parts_are_cut_between_rows);
          tcase_add_test(tc, rows_as_json); tcase_add_test(tc, rejects_as_csv);
          tcase_add_test(tc, columns_are_counted);
          tcase_add_test(tc, long_values_are_not_remembered);
          tcase_add_test(tc, settings_of_columns);
          tcase_add_test(tc, national_numbers_are_resolved);
          tcase_add_test(tc, odd_names_are_reported);
          tcase_add_test(tc, hopeless_files_end_early);
          tcase_add_test(tc, unknown_readers_are_named);)
