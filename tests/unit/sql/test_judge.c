#include "pipeline/sql/judge.h"

#include <stdio.h>
#include <string.h>

#include "pipeline/target/target.h"
#include "tests/unit/unit.h"

#define pinpoint pl_target_by_name("pinpoint")

/* Written after the four published queries of the reference, which group by a
 * table that they do not name: ours do not. */
static const char *const reference[] = {
    "SELECT DISTINCT(endpoint_id) as Id, 'Yes' as "
    "\"User.UserAttributes.HasClicked\"\nFROM email_click",
    "SELECT MAX(contact.id) as Id, 'Renewal' as "
    "\"User.UserAttributes.LifecycleStage\"\n"
    "FROM salesforce_contact contact\n"
    "INNER JOIN salesforce_loan__c loan ON loan.contact_id = contact.id\n"
    "LEFT JOIN some_other_data other ON contact.id = other.endpoint_id\n"
    "WHERE loan.end_date < date_add('day', 30, NOW())\n"
    "  AND loan.auto_renewal = false\n"
    "GROUP BY contact.id",
    "SELECT MAX(contact.id) as Id, MAX(contact.state) as "
    "\"User.UserAttributes.UnengagedByState\"\n"
    "FROM salesforce_contact contact\n"
    "LEFT JOIN email_click click ON contact.id = click.endpoint_id\n"
    "LEFT JOIN system_logins logins ON logins.username = contact.username\n"
    "LEFT JOIN google_analytics ga ON ga.user_id = contact.id\n"
    "WHERE logins.timestamp < date_add('month', -6, NOW())\n"
    "GROUP BY contact.id HAVING COUNT(click.event_timestamp) = 0",
    "SELECT endpoint_id AS Id, CAST(count(*) AS varchar) AS "
    "\"Attributes.SessionsLast24Hours\"\n"
    "FROM session_start\n"
    "WHERE from_unixtime(event_timestamp) > now() - interval '1' day\n"
    "GROUP BY endpoint_id",
};

START_TEST(reference_queries_pass)
{
    PL_AUTO(pl_sql_verdict) v = {0};
    struct pl_err err = {0};

    ck_assert_msg(pl_sql_judge(reference[_i], strlen(reference[_i]), pinpoint,
                               &v, &err) == 0,
                  "%s", err.msg);
    ck_assert_uint_eq(v.select.column_count, 2);
    ck_assert_str_eq(v.select.columns[0].name, "id");
    ck_assert_uint_eq(v.note_count, 0);
}
END_TEST

/* The first dozen were refused by the reference's regular expression. */
static const char *const good[] = {
    "select a as Id, b as \"Attributes.x\" from t",
    "SELECT a AS Id, b AS \"Attributes.x\" from t",
    "SELECT a As Id, b As \"Attributes.x\" FROM t",
    "SELECT a as Id, coalesce(b, c) as \"Attributes.x\" FROM t",
    "SELECT concat(a, '-', b) as Id, c as \"Attributes.x\" FROM t",
    "SELECT 'EMAIL' as ChannelType, m as Address, a as Id FROM t",
    "SELECT a as Id, u as \"User.UserId\" FROM t",
    "SELECT a as Id, c as \"Location.City\", d as \"Location.Country\" FROM t",
    "SELECT a as Id, b as \"Attributes.e-mail opens\" FROM t",
    "SELECT b as \"Attributes.x\", a as Id FROM t",
    "SELECT a as Id FROM t",
    "SELECT u as \"User.UserId\" FROM t",
    "SELECT 'SMS' channeltype, n address FROM t",
    "SELECT a AS \"id\", b AS \"metrics.x\" FROM t",
    "SELECT a AS Id, b AS \"Attributes.x\", c AS \"Attributes.x\" FROM t",
    "SELECT a AS Id, b AS \"Attributes.x\", c AS \"Attributes.X\" FROM t",
    "SELECT a AS Id, b AS \"Metrics.x\", c AS \"Metrics.X\" FROM t",
    "SELECT a AS Id, 'NONE' AS OptOut, z AS \"Demographic.Timezone\"",
    "WITH q AS (SELECT 1 AS x) SELECT x AS Id FROM q",
};

START_TEST(good_queries_pass)
{
    PL_AUTO(pl_sql_verdict) v = {0};
    struct pl_err err = {0};

    ck_assert_msg(
        pl_sql_judge(good[_i], strlen(good[_i]), pinpoint, &v, &err) == 0,
        "%s: %s", good[_i], err.msg);
    ck_assert_uint_eq(v.note_count, 0);
    ck_assert_str_eq(v.sql, good[_i]);
}
END_TEST

#define GOOD "SELECT a as Id, b as \"Attributes.x\" FROM t"

static const struct {
    const char *sql;
    unsigned line; /* 0: no one place */
    unsigned column;
    const char *says;
} bad[] = {
    /* these the regular expression let pass */
    {"INSERT INTO s " GOOD, 1, 1, "INSERT"},
    {"CREATE TABLE s AS " GOOD, 1, 1, "CREATE"},
    {"UNLOAD (" GOOD ") TO 's3://b/'", 1, 1, "UNLOAD"},
    {"DROP TABLE s -- " GOOD, 1, 1, "DROP"},
    {"SELECT x AS y FROM (" GOOD ")", 1, 13, "no place for column 'y'"},
    {"SELECT a as Id, b as \"Metrics.x\", c as \"Metrics.x\" FROM t", 1, 40,
     "comes twice"},
    {"SELECT a as Id, b as \"Attributes.\" FROM t", 1, 22,
     "must have 1 to 50 characters"},
    {"SELECT a asId, b as \"Attributes.x\" FROM t", 1, 10,
     "no place for column 'asid'"},
    {GOOD "; " GOOD, 1, 45, "second statement"},
    /* keys */
    {"SELECT b AS \"Attributes.x\" FROM t", 0, 0, "no column 'Id'"},
    {"SELECT b AS \"User.UserId\", c AS \"Attributes.x\" FROM t", 0, 0,
     "no column 'Id'"},
    {"SELECT b AS Address FROM t", 0, 0, "needs column 'ChannelType'"},
    {"SELECT 'SMS' AS ChannelType FROM t", 0, 0, "needs column 'Address'"},
    /* names */
    {"SELECT a AS Id,\n  b AS \"Attribute.x\" FROM t", 2, 8,
     "line 2, column 8: the target has no place for column 'Attribute.x'; did "
     "you mean 'Attributes.x'?"},
    {"SELECT a AS Id, b AS \"UserAttributes.x\"", 1, 22, "no place"},
    {"SELECT a AS Id, b AS \"Location.Town\"", 1, 22, "no place"},
    {"SELECT a AS Id, b AS \"User.UserID\", c AS \"User.UserId\"", 1, 42,
     "comes twice"},
    {"SELECT a AS Id, b AS \"Location.Contry\"", 1, 22,
     "did you mean 'Location.Country'?"},
    {"SELECT a AS Id, b AS colour", 1, 22, "'Attributes.colour'"},
    {"SELECT a AS Id, b AS EndpointStatus", 1, 22, "is refused"},
    {"SELECT a AS Id, b AS ID", 1, 22, "column 'Id' comes twice"},
    {"SELECT a AS Id, max(b) FROM t", 1, 17, "column 2 has no name"},
    {"SELECT max(a) FROM t", 1, 8, "column 1 has no name"},
    {"VALUES (1, 2)", 1, 8, "column 1 has no name"},
    {"SELECT a AS Id, b AS \"Attributes."
     "123456789012345678901234567890123456789012345678901\"",
     1, 22, "must have 1 to 50 characters"},
    {"SELECT a AS Id, b AS Attributes.x FROM t", 1, 22, "needs double quotes"},
    {"SELECT a AS Id, b AS 'Attributes.x' FROM t", 1, 22, "single quotes"},
    {"SELECT a AS Id, 'Yes' AS \\\"Attributes.x\\\" FROM t", 1, 26, "JSON"},
};

START_TEST(bad_queries_are_refused)
{
    PL_AUTO(pl_sql_verdict) v = {0};
    struct pl_err err = {0};

    ck_assert_msg(pl_sql_judge(bad[_i].sql, strlen(bad[_i].sql), pinpoint, &v,
                               &err) == -1,
                  "%s", bad[_i].sql);
    ck_assert_int_eq(err.code, PL_QUERY_INVALID);
    ck_assert_msg(strstr(err.msg, bad[_i].says) != NULL, "%s: %s", bad[_i].sql,
                  err.msg);
    ck_assert_msg(
        v.place.line == bad[_i].line && v.place.column == bad[_i].column,
        "%s: %s (%u, %u)", bad[_i].sql, err.msg, v.place.line, v.place.column);
    ck_assert_ptr_null(v.select.columns);
    ck_assert_uint_eq(v.note_count, 0);
}
END_TEST

static const struct {
    const char *sql;
    const char *says;
} noted[] = {
    {"SELECT a AS Id;", "the semicolon at the end is dropped"},
    {"SELECT * FROM t", "known only when the query has run"},
    {"SELECT a AS Id, t.* FROM t", "known only when the query has run"},
    {"TABLE t", "known only when the query has run"},
    {"SELECT a AS Id FROM t WHERE b = ? AND c = ?", "2 parameters"},
    {"SELECT a AS Id FROM t WHERE b = 'x\xC2\xA0'",
     "line 1, column 35: an invisible character inside quotes; 1 in all"},
    {"SELECT a\xE2\x80\xA8 AS\xC2\xA0Id",
     "line 1, column 9: an invisible character is replaced by a blank; 2 in "
     "all"},
    {"\xEF\xBB\xBFSELECT a AS Id", "line 1, column 1: an invisible"},
    {"SELECT a AS Id, b AS \"Attributes.a/b\" FROM t", "cannot show"},
    {"SELECT a AS Id, b AS EffectiveDate FROM t", "effective_date is keep"},
};

START_TEST(what_a_person_should_know_is_noted)
{
    PL_AUTO(pl_sql_verdict) v = {0};
    struct pl_err err = {0};

    ck_assert_msg(pl_sql_judge(noted[_i].sql, strlen(noted[_i].sql), pinpoint,
                               &v, &err) == 0,
                  "%s", err.msg);
    ck_assert_uint_eq(v.note_count, 1);
    ck_assert_msg(strstr(v.notes[0], noted[_i].says) != NULL, "%s", v.notes[0]);
}
END_TEST

/* What is sent: no semicolons, blanks that Athena knows, and all else as it
 * was written. */
static const struct {
    const char *sql;
    const char *sent;
} sent[] = {
    {"SELECT a AS Id ;; -- end", "SELECT a AS Id "},
    {"SELECT a AS Id -- x\n", "SELECT a AS Id -- x\n"},
    {"\xEF\xBB\xBFSELECT\xC2\xA0"
     "a AS\xE2\x80\xA8Id;",
     " SELECT a AS Id"},
    {"SELECT '\xC2\xA0' || \"\xE2\x80\xA8\" AS\xC2\xA0"
     "Id",
     "SELECT '\xC2\xA0' || \"\xE2\x80\xA8\" AS Id"},
    {"SELECT a /* \xE2\x80\x9C\xC2\xA0 */ AS\xC2\xA0Id",
     "SELECT a /* \xE2\x80\x9C  */ AS Id"},
};

START_TEST(what_is_sent)
{
    PL_AUTO(pl_sql_verdict) v = {0};
    struct pl_err err = {0};

    ck_assert_msg(pl_sql_judge(sent[_i].sql, strlen(sent[_i].sql), pinpoint, &v,
                               &err) == 0,
                  "%s", err.msg);
    ck_assert_str_eq(v.sql, sent[_i].sent);
    ck_assert_uint_eq(v.sql_len, strlen(sent[_i].sent));
}
END_TEST

/* Customer Profiles: the same names, another key, fewer places. */
static const struct {
    const char *sql;
    enum pl_code code; /* PL_OK: it passes */
    unsigned column;
    const char *says; /* by the failure, or by the only note */
} profiles[] = {
    {"SELECT a AS \"User.UserId\", b AS \"Attributes.x\"", PL_OK, 0, NULL},
    {"SELECT a AS \"User.UserId\", b AS RequestId", PL_OK, 0,
     "line 1, column 33: 'RequestId' is dropped: a profile has no place"},
    {"SELECT a AS \"User.UserId\", b AS EffectiveDate", PL_OK, 0,
     "'EffectiveDate' is dropped"},
    {"SELECT * FROM t", PL_OK, 0, "known only when the query has run"},
    {"SELECT a AS Id", PL_CONFIG_INVALID, 0, "import.id_map"},
    {"SELECT 'SMS' AS ChannelType, a AS Address", PL_CONFIG_INVALID, 0,
     "name another column in import.key"},
    {"SELECT a AS \"User.UserId\", b AS \"Attribute.x\"", PL_QUERY_INVALID, 33,
     "did you mean 'Attributes.x'?"},
    {"SELECT a AS \"User.UserId\", b AS \"Metrics.x\", c AS \"Metrics.x\"",
     PL_QUERY_INVALID, 51, "comes twice"},
    {"SELECT a AS \"User.UserId\", b AS \"Attributes.x\", c AS "
     "\"User.UserAttributes.x\"",
     PL_QUERY_INVALID, 0, "both become 'Attributes_x'"},
    {"SELECT a AS \"User.UserId\", b", PL_QUERY_INVALID, 28, "no place"},
};

START_TEST(profiles_have_their_own_rules)
{
    PL_AUTO(pl_sql_verdict) v = {0};
    struct pl_err err = {0};
    const int rc =
        pl_sql_judge(profiles[_i].sql, strlen(profiles[_i].sql),
                     pl_target_by_name("customer-profiles"), &v, &err);

    ck_assert_msg((rc == 0) == (profiles[_i].code == PL_OK), "%s: %s",
                  profiles[_i].sql, err.msg);
    ck_assert_int_eq(err.code, profiles[_i].code);
    if (rc != 0)
        ck_assert_uint_eq(v.place.column, profiles[_i].column);
    ck_assert_uint_eq(v.note_count,
                      rc == 0 && profiles[_i].says != NULL ? 1 : 0);
    if (profiles[_i].says != NULL)
        ck_assert_msg(
            strstr(rc != 0 ? err.msg : v.notes[0], profiles[_i].says) != NULL,
            "%s", rc != 0 ? err.msg : v.notes[0]);
}
END_TEST

/* A literal may hold anybody's data: no message or note repeats it. */
START_TEST(literals_are_never_repeated)
{
    static const char *const sql[] = {
        "SELECT 'secret'",
        "SELECT a AS 'secret'",
        "SELECT a 'secret' x",
        "SELECT f(a) 'secret'",
        "'secret'",
        "SELECT 'secret",
        "SELECT a AS Id FROM t WHERE b = 'secret' SELECT 'secret'",
        "SELECT a AS Id WHERE b = ('secret'",
        "SELECT a AS Id, interval '1' 'secret'",
        "SELECT X'secret' AS b",
        "SELECT a AS Id FROM t WHERE b = 'secret\xE2\x80\xA8';",
    };

    for (size_t i = 0; i < PL_COUNT(sql); i++) {
        PL_AUTO(pl_sql_verdict) v = {0};
        struct pl_err err = {0};

        if (pl_sql_judge(sql[i], strlen(sql[i]), pinpoint, &v, &err) != 0)
            ck_assert_msg(strstr(err.msg, "secret") == NULL, "%s", err.msg);
        for (size_t j = 0; j < v.note_count; j++)
            ck_assert_msg(strstr(v.notes[j], "secret") == NULL, "%s",
                          v.notes[j]);
    }
}
END_TEST

UNIT_MAIN("sql.judge", tcase_add_loop_test(tc, reference_queries_pass, 0,
                                           UNIT_COUNT(reference));
          tcase_add_loop_test(tc, good_queries_pass, 0, UNIT_COUNT(good));
          tcase_add_loop_test(tc, bad_queries_are_refused, 0, UNIT_COUNT(bad));
          tcase_add_loop_test(tc, what_a_person_should_know_is_noted, 0,
                              UNIT_COUNT(noted));
          tcase_add_loop_test(tc, what_is_sent, 0, UNIT_COUNT(sent));
          tcase_add_loop_test(tc, profiles_have_their_own_rules, 0,
                              UNIT_COUNT(profiles));
          tcase_add_test(tc, literals_are_never_repeated);)
