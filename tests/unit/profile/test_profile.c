/* Rows become profiles. */
#include "tests/unit/unit.h"

#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/profile/profile.h"

/* What a run of it made. */
struct made {
    struct pl_buf out;
    struct pl_buf rejects;
    struct pl_profile_report report;
    struct pl_err err;
    int rc;
    unsigned parts;
};

static void made_release(struct made *m)
{
    pl_buf_release(&m->out);
    pl_buf_release(&m->rejects);
    pl_profile_report_release(&m->report);
}

struct job {
    const char *key_column; /* NULL: User.UserId */
    const char *key_field;
    const char *id_map;
    bool keeps_opted_out;
    const char *tag;
    size_t memory_bytes;
    uint64_t max_part_bytes;
    size_t bite; /* bytes written at a time; 0: all */
};

static int next_part(void *ctx, uint64_t rows, struct pl_err *err)
{
    struct made *m = ctx;

    ck_assert_uint_gt(rows, 0);
    m->parts++;
    return pl_buf_adds(&m->out, "--\n", err);
}

static int feed(struct pl_profile *p, const char *text, size_t len, size_t bite,
                struct pl_err *err)
{
    const struct pl_sink sink = pl_profile_sink(p);
    uint64_t number = 0;

    for (const char *at = strchr(text, '\n') + 1; *at != '\0';
         at = strchr(at, '\n') + 1)
        if (pl_profile_place(p, ++number, (uint64_t)(at - text), err) != 0)
            return -1;
    for (size_t at = 0, n; at < len; at += n) {
        n = bite > 0 && bite < len - at ? bite : len - at;
        if (pl_sink_write(&sink, text + at, n, err) != 0)
            return -1;
    }
    return 0;
}

static void make(const struct job *job, const char *text, struct made *m)
{
    struct pl_target target;
    const struct pl_target_wish wish = {.name = "customer-profiles",
                                        .key_column = job->key_column,
                                        .key_field = job->key_field,
                                        .id_map = job->id_map};
    struct pl_mem_source mem = {.data = job->id_map,
                                .len = job->id_map ? strlen(job->id_map) : 0,
                                .bite = 7};
    const struct pl_source id_map = pl_mem_source(&mem);
    const struct pl_sink out = pl_buf_sink(&m->out);
    const struct pl_sink rejects = pl_buf_sink(&m->rejects);
    const struct pl_csv_config csv = {.rejects = &rejects};
    struct pl_profile_config cfg = {.target = &target,
                                    .keeps_opted_out = job->keeps_opted_out,
                                    .tag = job->tag,
                                    .tag_value = "run 1",
                                    .memory_bytes = job->memory_bytes,
                                    .max_part_bytes = job->max_part_bytes,
                                    .out = &out,
                                    .next_part = next_part,
                                    .part_ctx = m,
                                    .csv = &csv};
    struct pl_profile *p;

    if (job->id_map != NULL)
        cfg.id_map = &id_map;
    memset(m, 0, sizeof(*m));
    ck_assert_int_eq(pl_target_choose(&wish, &target, &m->err), 0);
    p = pl_profile_open(&cfg, &m->err);
    ck_assert_ptr_nonnull(p);
    m->rc = feed(p, text, strlen(text), job->bite, &m->err);
    if (m->rc == 0)
        m->rc = pl_profile_finish(p, &m->report, &m->err);
    pl_profile_release(p);
}

static const struct {
    const char *name;
    struct job job;
    const char *in;
    const char *out;
    uint64_t merged;
    uint64_t opted_out;
    uint64_t refused;
} cases[] = {
    {.name = "no rows",
     .in = "User.UserId,Attributes.Plan\n",
     .out = "AccountNumber\n"},
    {.name = "a row, a profile",
     .in =
         "Id,User.UserId,Attributes.Plan\ne1,u1,gold\ne2,u2,\"a, \"\"b\"\"\"\n",
     .out = "AccountNumber,Attributes_Plan\nu1,gold\nu2,\"a, \"\"b\"\"\"\n"},
    {.name = "endpoints of a user, first numbers by Id",
     .in = "Id,ChannelType,Address,User.UserId\n"
           "e3,SMS,+3,u1\ne1,SMS,+1,u1\ne2,EMAIL,a@x.org,u1\n",
     .out = "AccountNumber,PhoneNumber,HomePhoneNumber,EmailAddress\n"
            "u1,+1,+3,a@x.org\n",
     .merged = 2},
    {.name = "a fifth number and a fourth address are attributes",
     .in = "ChannelType,Address,User.UserId\n"
           "SMS,+1,u\nSMS,+2,u\nVOICE,+3,u\nSMS,+4,u\nSMS,+5,u\n"
           "EMAIL,a@x,u\nEMAIL,b@x,u\nEMAIL,c@x,u\nEMAIL,d@x,u\n",
     .out = "AccountNumber,PhoneNumber,HomePhoneNumber,MobilePhoneNumber,"
            "BusinessPhoneNumber,Attributes_PhoneNumber_5,EmailAddress,"
            "PersonalEmailAddress,BusinessEmailAddress,"
            "Attributes_EmailAddress_4\n"
            "u,+1,+2,+4,+5,+3,a@x,b@x,c@x,d@x\n",
     .merged = 8},
    {.name = "the same value of two endpoints is one",
     .in = "Id,User.UserId,Attributes.Plan,Location.City\n"
           "e1,u1,gold,Rome\ne2,u1,gold,Rome\n",
     .out = "AccountNumber,Attributes_Plan,Address_City\nu1,gold,Rome\n",
     .merged = 1},
    {.name = "different values are numbered; one and many side by side",
     .in = "Id,User.UserId,Attributes.Plan\n"
           "e1,u1,gold\ne2,u1,silver\ne3,u2,gold\n",
     .out = "AccountNumber,Attributes_Plan,Attributes_Plan_0,"
            "Attributes_Plan_1\nu1,,gold,silver\nu2,gold,,\n",
     .merged = 1},
    {.name = "repeated columns are several values",
     .in = "User.UserId,Attributes.Tag,Attributes.Tag\nu1,a,b\n",
     .out = "AccountNumber,Attributes_Tag_0,Attributes_Tag_1\nu1,a,b\n"},
    {.name = "of a single field the first value stays",
     .in = "Id,User.UserId,Location.City\ne2,u1,Oslo\ne1,u1,Rome\n",
     .out = "AccountNumber,Address_City\nu1,Rome\n",
     .merged = 1},
    {.name = "push has no place, its attributes have",
     .in = "Id,ChannelType,Address,User.UserId,Attributes.Plan\n"
           "e1,GCM,token,u1,gold\n",
     .out = "AccountNumber,Attributes_Plan\nu1,gold\n"},
    {.name = "opted out, left out",
     .in = "Id,User.UserId,OptOut\ne1,u1,ALL\ne2,u1,NONE\ne3,u2,ALL\n",
     .out = "AccountNumber\nu1\n",
     .opted_out = 2},
    {.name = "opted out, kept on request",
     .job = {.keeps_opted_out = true},
     .in = "Id,User.UserId,OptOut\ne1,u1,NONE\ne2,u1,ALL\ne3,u2,NONE\n",
     .out = "AccountNumber,Attributes_OptOut\nu1,ALL\nu2,NONE\n",
     .merged = 1},
    {.name = "no key, no profile",
     .in = "Id,User.UserId\ne1,\ne2,u2\n",
     .out = "AccountNumber\nu2\n",
     .refused = 1},
    {.name = "e-mail is the key, without case",
     .job = {.key_column = "Address", .key_field = "EmailAddress"},
     .in = "Id,ChannelType,Address,User.UserId\n"
           "e1,EMAIL,Ann@x.org,u1\ne2,EMAIL,ann@x.org,u1\ne3,SMS,+1,u1\n",
     .out = "EmailAddress,AccountNumber\nAnn@x.org,u1\n",
     .merged = 1,
     .refused = 1},
    {.name = "an attribute is the key",
     .job = {.key_column = "Attributes.Crm"},
     .in = "Id,Attributes.Crm,Attributes.Plan\ne1,c1,gold\ne2,c1,gold\n",
     .out = "AccountNumber,Attributes_Plan\nc1,gold\n",
     .merged = 1},
    {.name = "the map tells the user, without case and blanks",
     .job = {.id_map = "Junk,id,user.userid\nx,E1,u9\nx, e2 ,u9\nx,e7,u7\n"},
     .in = "Id,Attributes.Plan\ne1,gold\nE2,gold\ne3,gold\n",
     .out = "AccountNumber,Attributes_Plan\nu9,gold\n",
     .merged = 1,
     .refused = 1},
    {.name = "of two entries of the map the last counts",
     .job = {.id_map = "\xEF\xBB\xBFId,User.UserId\ne1,u1\ne1,u2\n\n"},
     .in = "Id\ne1\n",
     .out = "AccountNumber\nu2\n"},
    {.name = "a row's own key before the map's",
     .job = {.id_map = "Id,User.UserId\ne1,u1\ne2,u2"},
     .in = "Id,User.UserId\ne1,own\ne2,\n",
     .out = "AccountNumber\nown\nu2\n"},
    {.name = "a tag for all",
     .job = {.tag = "Run"},
     .in = "User.UserId,Metrics.Score\nu1,1.5\n",
     .out = "AccountNumber,Metrics_Score,Attributes_Run\nu1,1.5,run 1\n"},
};

START_TEST(rows_become_profiles)
{
    for (size_t bite = 0; bite < 4; bite++) {
        struct job job = cases[_i].job;
        PL_AUTO(made) m = {0};

        job.bite = bite;
        make(&job, cases[_i].in, &m);
        ck_assert_msg(m.rc == 0, "%s: %s", cases[_i].name, m.err.msg);
        ck_assert_msg(strcmp(pl_buf_str(&m.out), cases[_i].out) == 0,
                      "%s: got\n%s", cases[_i].name, pl_buf_str(&m.out));
        ck_assert_uint_eq(m.report.merged, cases[_i].merged);
        ck_assert_uint_eq(m.report.opted_out, cases[_i].opted_out);
        ck_assert_uint_eq(m.report.no_key + m.report.unknown_key,
                          cases[_i].refused);
    }
}
END_TEST

START_TEST(what_is_dropped_is_named)
{
    PL_AUTO(made) m = {0};

    make(&(struct job){0},
         "Id,ChannelType,Address,User.UserId,Location.City,OptOut\n"
         "e1,GCM,token,u1,Rome,NONE\ne2,EMAIL,a@x,u1,Oslo,\n",
         &m);
    ck_assert_int_eq(m.rc, 0);
    ck_assert_str_eq(m.out.data, "AccountNumber,EmailAddress,Address_City\n"
                                 "u1,a@x,Rome\n");
    ck_assert_uint_eq(m.report.dropped_count, 5);
    ck_assert_str_eq(m.report.dropped[0].column, "Id");
    ck_assert_uint_eq(m.report.dropped[0].values, 2);
    ck_assert_str_eq(m.report.dropped[1].column, "ChannelType");
    ck_assert_str_eq(m.report.dropped[2].column, "Address");
    ck_assert_uint_eq(m.report.dropped[2].values, 1);
    ck_assert_str_eq(m.report.dropped[3].column, "Location.City");
    ck_assert_str_eq(m.report.dropped[4].column, "OptOut");
    ck_assert_str_eq(m.report.fields[1].place.source, "_source.EmailAddress");
    ck_assert_str_eq(m.report.fields[1].place.target, "_profile.EmailAddress");
    ck_assert_uint_eq(m.report.fields[1].filled, 1);
}
END_TEST

START_TEST(rejects_in_the_order_of_records)
{
    PL_AUTO(made) m = {0};

    make(&(struct job){.id_map = "Id,User.UserId\nz,u\n"},
         "Id,User.UserId\nb,\na,\nz,\n", &m);
    ck_assert_int_eq(m.rc, 0);
    ck_assert_str_eq(m.rejects.data,
                     "{\"record\":1,\"line\":0,\"offset\":15,\"key\":\"b\","
                     "\"column\":\"User.UserId\",\"rule\":\"key-unknown\","
                     "\"detail\":\"the id map has no user for this Id\"}\n"
                     "{\"record\":2,\"line\":0,\"offset\":18,\"key\":\"a\","
                     "\"column\":\"User.UserId\",\"rule\":\"key-unknown\","
                     "\"detail\":\"the id map has no user for this Id\"}\n");
    ck_assert_uint_eq(m.report.unknown_key, 2);
    ck_assert_uint_eq(m.report.profiles, 1);
}
END_TEST

/* What an earlier failure wrote is counted, and nothing else. */
START_TEST(counts_of_a_failure)
{
    PL_AUTO(made) m = {0};

    make(&(struct job){0},
         "Id,User.UserId,Attributes.a b,Attributes.a_b\n"
         "1,,1,2\n2,u,,\n3,u,,\n4,v,1,2\n",
         &m);
    ck_assert_int_eq(m.rc, -1);
    ck_assert_uint_eq(m.report.no_key, 1);
    ck_assert_uint_eq(m.report.merged, 1);
}
END_TEST

static const struct {
    const char *name;
    struct job job;
    const char *in;
    const char *message;
} failures[] = {
    {"two columns, one field",
     {0},
     "User.UserId,Attributes.a b,Attributes.a_b\nu,1,2\n",
     "two columns of the result lead to 'Attributes_a_b' of a profile; rename "
     "one"},
    {"more values than fields",
     {0},
     "Id,User.UserId,Attributes.a\n"
     "1,u,1\n2,u,2\n3,u,3\n4,u,4\n5,u,5\n6,u,6\n7,u,7\n8,u,8\n9,u,9\n"
     "10,u,10\n11,u,11\n12,u,12\n13,u,13\n14,u,14\n15,u,15\n16,u,16\n"
     "17,u,17\n18,u,18\n19,u,19\n20,u,20\n21,u,21\n22,u,22\n23,u,23\n"
     "24,u,24\n25,u,25\n",
     "profiles need more than 25 fields, one of them 'Attributes_a_24'; leave "
     "columns out, or fewer values of each"},
    {"a map without its columns",
     {.id_map = "Id,Name\n1,2\n"},
     "Id\ne1\n",
     "import.id_map: its first line must name the columns 'Id' and "
     "'User.UserId'"},
    {"a map with a stray quote",
     {.id_map = "Id,User.UserId\ne1,u1\ne2,u\"2\n"},
     "Id\ne1\n",
     "import.id_map: record 2: malformed quoting"},
    {"a map that is cut off",
     {.id_map = "Id,User.UserId\ne1,\"u1"},
     "Id\ne1\n",
     NULL},
    {"a user that is no text",
     {.id_map = "Id,User.UserId\ne1,\"u\n1\"\n"},
     "Id\ne1\n",
     "import.id_map: record 1: a user's id is text in UTF-8 without control "
     "characters, at most 255 characters"},
    {"an empty map", {.id_map = ""}, "Id\ne1\n", "import.id_map: it is empty"},
};

START_TEST(what_cannot_be)
{
    PL_AUTO(made) m = {0};

    make(&failures[_i].job, failures[_i].in, &m);
    ck_assert_msg(m.rc == -1, "%s", failures[_i].name);
    ck_assert_int_eq(m.err.code, PL_DATA_INVALID);
    if (failures[_i].message != NULL)
        ck_assert_str_eq(m.err.msg, failures[_i].message);
}
END_TEST

START_TEST(parts)
{
    PL_AUTO(made) m = {0};

    make(&(struct job){.max_part_bytes = 30},
         "User.UserId\nuser1\nuser2\nuser3\n"
         "user4\nuser5\n",
         &m);
    ck_assert_int_eq(m.rc, 0);
    ck_assert_str_eq(m.out.data, "AccountNumber\nuser1\nuser2\n--\n"
                                 "AccountNumber\nuser3\nuser4\n--\n"
                                 "AccountNumber\nuser5\n");
    ck_assert_uint_eq(m.parts, 2);
    ck_assert_uint_eq(m.report.last_part_rows, 1);
    ck_assert_uint_eq(m.report.profiles, 5);
}
END_TEST

/* Many rows in two orders, in memory and through files. */

#define USERS 9000
#define ROWS (3 * USERS)
#define NO_USER 101 /* every so many rows */

static void many_rows(struct pl_buf *text, struct pl_buf *map, uint64_t factor)
{
    struct pl_err err = {0};
    int rc =
        pl_buf_adds(text, "Id,ChannelType,Address,Attributes.Plan\n", &err);

    rc |= pl_buf_adds(map, "Id,User.UserId\n", &err);
    for (uint64_t i = 0; rc == 0 && i < ROWS; i++) {
        const unsigned row = (unsigned)(i * factor % ROWS);

        rc |= pl_buf_addf(text, &err, "e%u,SMS,+49%u,plan %u of some length\n",
                          row, row, row % 3);
        if (row % NO_USER != 0)
            rc |= pl_buf_addf(map, &err, "e%u,user-%u\n", row, row % USERS);
    }
    ck_assert_int_eq(rc, 0);
}

START_TEST(order_and_memory_change_nothing)
{
    struct pl_buf text[2] = {PL_BUF_INIT, PL_BUF_INIT};
    struct pl_buf map[2] = {PL_BUF_INIT, PL_BUF_INIT};
    struct made m[2];

    for (size_t i = 0; i < 2; i++) {
        many_rows(&text[i], &map[i], i == 0 ? 1 : 7919); /* prime to ROWS */
        make(&(struct job){.id_map = map[i].data,
                           .memory_bytes = i == 0 ? 0 : 1},
             text[i].data, &m[i]);
        ck_assert_msg(m[i].rc == 0, "%s", m[i].err.msg);
        ck_assert_uint_eq(m[i].report.unknown_key, ROWS / NO_USER + 1);
        ck_assert_uint_eq(m[i].report.profiles + m[i].report.merged +
                              m[i].report.unknown_key,
                          ROWS);
        ck_assert_uint_eq(m[i].report.profiles, USERS);
    }
    ck_assert_str_eq(m[0].out.data, m[1].out.data);
    for (size_t i = 0; i < 2; i++) {
        made_release(&m[i]);
        pl_buf_release(&text[i]);
        pl_buf_release(&map[i]);
    }
}
END_TEST

UNIT_MAIN("profile",
          tcase_add_loop_test(tc, rows_become_profiles, 0, UNIT_COUNT(cases));
          tcase_add_test(tc, what_is_dropped_is_named);
          tcase_add_test(tc, rejects_in_the_order_of_records);
          tcase_add_test(tc, counts_of_a_failure);
          tcase_add_loop_test(tc, what_cannot_be, 0, UNIT_COUNT(failures));
          tcase_add_test(tc, parts);
          tcase_add_test(tc, order_and_memory_change_nothing);)
