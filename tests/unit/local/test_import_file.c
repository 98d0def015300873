/* The strict import reader: tables of files, at every read size. */
#include "local/import_file.h"

#include "pipeline/base/buf.h"
#include "tests/unit/unit.h"

/* Writes "line:col=value,col=value;" and "line!why;". */
static int keep_record(void *ctx, const struct local_cell *cells, size_t count,
                       uint64_t line, struct pl_err *err)
{
    struct pl_buf *out = ctx;

    if (pl_buf_addf(out, err, "%llu:", (unsigned long long)line) != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (pl_buf_addf(out, err, "%s%s=%.*s", i > 0 ? "," : "",
                        cells[i].column, (int)cells[i].len,
                        cells[i].value) != 0)
            return -1;
    return pl_buf_addc(out, ';', err);
}

static int keep_bad(void *ctx, uint64_t line, const char *why,
                    struct pl_err *err)
{
    return pl_buf_addf(ctx, err, "%llu!%s;", (unsigned long long)line, why);
}

static const struct {
    const char *file;
    const char *want; /* NULL: the file is refused */
} csv_cases[] = {
    {"Id\nx\n", "2:Id=x;"},
    {"Id\nx", "2:Id=x;"},
    {"Id\r\nx\r\n", "2:Id=x;"},
    {"\"Id\"\n\"x\"\n", "2:Id=x;"},
    {"Id\n", ""},
    {"Id", ""},
    {"Id,Attributes.A\nx,\n", "2:Id=x;"},
    {"Id,Attributes.A\nx,\"\"\n", "2:Id=x;"},
    {"Id,Attributes.A\n\"a,b\",\"q\"\"q\"\n", "2:Id=a,b,Attributes.A=q\"q;"},
    {"Id,Attributes.A,Attributes.A\nx,1,2\n",
     "2:Id=x,Attributes.A=1,Attributes.A=2;"},
    {"ChannelType,Address\nEMAIL,a@b\n", "2:ChannelType=EMAIL,Address=a@b;"},
    {"User.UserId\nu\n", "2:User.UserId=u;"},
    {"Id,Attributes.A\nx\ny,1\n", "2!1 values instead of 2;3:Id=y,"
                                  "Attributes.A=1;"},
    {"Id,Attributes.A\nx,1,2\n", "2!3 values instead of 2;"},
    {"Id,Attributes.A\n\nx,1\n", "2!1 values instead of 2;3:Id=x,"
                                 "Attributes.A=1;"},
    {"Id,Attributes.A\nx,\"a\nb\"\ny,1\n",
     "2!value contains a tab or a line break;4:Id=y,Attributes.A=1;"},
    {"Id,Attributes.A\nx,a\tb\n", "2!value contains a tab or a line break;"},
    {"Id,Attributes.A\nx,\xff\n", "2!value is not valid UTF-8;"},
    {"Id,Metrics.M\nx,1e3\ny,1x\nz,nan\n",
     "2:Id=x,Metrics.M=1e3;3!value is not a number;4!value is not a number;"},
    {"Id,OptOut\nx,ALL\ny,all\n",
     "2:Id=x,OptOut=ALL;3!OptOut must be ALL or NONE;"},
    {"Id,ChannelType\nx,FAX\n", "2!unknown ChannelType;"},
    {"Id\na$b\n", "2!endpoint id contains one of ${};"},
    /* files that are refused */
    {"", NULL},
    {"\n", NULL},
    {"id\n", NULL},
    {"ID\n", NULL},
    {" Id\n", NULL},
    {"\xef\xbb\xbfId\n", NULL},
    {"Id,Id\n", NULL},
    {"Id,EndpointStatus\n", NULL},
    {"Id,Attributes.\n", NULL},
    {"Id,Attributes\n", NULL},
    {"ChannelType\n", NULL},
    {"Attributes.A,User.UserId\n", NULL},
    {"Id\n\"x\n", NULL},
    {"Id\n\"x\"y\n", NULL},
    {"Id\nx\"y\n", NULL},
    {"Id\rx\r", NULL},
    {"Id\nx\r", NULL},
};

static int read_at(const char *file, size_t bite, bool is_csv,
                   struct pl_buf *out, struct pl_err *err)
{
    struct pl_mem_source mem = {
        .data = file, .len = strlen(file), .bite = bite};
    const struct pl_source source = pl_mem_source(&mem);
    const struct local_import_sink sink = {out, keep_record, keep_bad};

    return is_csv ? local_import_csv(&source, &sink, err)
                  : local_import_json(&source, &sink, err);
}

START_TEST(csv_table)
{
    const char *file = csv_cases[_i].file;

    for (size_t bite = 1; bite <= strlen(file) + 1; bite++) {
        PL_AUTO(pl_buf) out = PL_BUF_INIT;
        struct pl_err err = {0};
        const int rc = read_at(file, bite, true, &out, &err);

        if (csv_cases[_i].want == NULL) {
            ck_assert_msg(rc == -1, "%s", file);
            ck_assert_int_eq(err.code, PL_DATA_INVALID);
        } else {
            ck_assert_msg(rc == 0, "%s: %s", file, err.msg);
            ck_assert_str_eq(pl_buf_str(&out), csv_cases[_i].want);
        }
    }
}
END_TEST

START_TEST(attribute_lengths)
{
    char file[700];
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};
    size_t len = (size_t)snprintf(file, sizeof(file), "Id,Attributes.A\nx,");

    for (int i = 0; i < 100; i++) { /* of two bytes each */
        file[len++] = (char)0xc3;
        file[len++] = (char)0xbc;
    }
    file[len] = '\0';
    ck_assert_int_eq(read_at(file, 0, true, &out, &err), 0);
    ck_assert_ptr_null(strchr(pl_buf_str(&out), '!'));
    file[len++] = 'x';
    file[len] = '\0';
    pl_buf_reset(&out);
    ck_assert_int_eq(read_at(file, 0, true, &out, &err), 0);
    ck_assert_str_eq(out.data,
                     "2!attribute value is longer than 100 characters;");
}
END_TEST

static const struct {
    const char *file;
    const char *want;
} json_cases[] = {
    {"", ""},
    {"{\"Id\":\"x\"}", "1:Id=x;"},
    {"{\"Id\":\"x\"}\n\n{\"Id\":\"y\"}\n", "1:Id=x;3:Id=y;"},
    {"{\"Id\":\"x\",\"Attributes\":{\"A\":[\"1\",\"2\"]},"
     "\"Metrics\":{\"M\":1.5,\"N\":3},"
     "\"User\":{\"UserId\":\"u\",\"UserAttributes\":{\"B\":[\"v\"]}},"
     "\"Location\":{\"City\":\"K\",\"Latitude\":2}}\n",
     "1:Id=x,Attributes.A=1,Attributes.A=2,Metrics.M=1.5,Metrics.N=3,"
     "User.UserId=u,User.UserAttributes.B=v,Location.City=K,"
     "Location.Latitude=2;"},
    {"{\"Id\":\"x\",\"Attributes\":{\"A\":\"1\"}}\n",
     "1!Attributes.A: not a list of strings;"},
    {"{\"Id\":\"x\",\"Nope\":\"1\"}\n", "1!Nope: unknown field;"},
    {"{\"Id\":\"x\",\"Metrics\":{\"M\":\"y\"}}\n", "1!value is not a number;"},
    {"[]\n", "1!not a JSON object;"},
    {"{\n", "1!not valid JSON;"},
    {"{\"Id\":{}}\n", "1!Id: bad value;"},
};

START_TEST(json_table)
{
    const char *file = json_cases[_i].file;

    for (size_t bite = 1; bite <= strlen(file) + 1; bite++) {
        PL_AUTO(pl_buf) out = PL_BUF_INIT;
        struct pl_err err = {0};

        ck_assert_msg(read_at(file, bite, false, &out, &err) == 0, "%s: %s",
                      file, err.msg);
        ck_assert_str_eq(pl_buf_str(&out), json_cases[_i].want);
    }
}
END_TEST

START_TEST(a_record_without_end_is_refused)
{
    const size_t len = (size_t)1 << 20;
    char *file = malloc(len + 1);
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    struct pl_err err = {0};

    ck_assert_ptr_nonnull(file);
    memset(file, 'x', len);
    memcpy(file, "Id\n\"", 4);
    file[len] = '\0';
    ck_assert_int_eq(read_at(file, 0, true, &out, &err), -1);
    ck_assert_int_eq(err.code, PL_DATA_INVALID);
    free(file);
}
END_TEST

UNIT_MAIN("import_file",
          tcase_add_loop_test(tc, csv_table, 0, UNIT_COUNT(csv_cases));
          tcase_add_test(tc, attribute_lengths);
          tcase_add_loop_test(tc, json_table, 0, UNIT_COUNT(json_cases));
          tcase_add_test(tc, a_record_without_end_is_refused);)
