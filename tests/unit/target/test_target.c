#include "pipeline/target/target.h"

#include <string.h>

#include "tests/unit/unit.h"

static const struct {
    const char *name;
    struct pl_target_wish wish;
    const char *says; /* NULL: it is taken */
} wishes[] = {
    {"nothing said", {0}, NULL},
    {"pinpoint needs no key", {.name = "pinpoint", .key_field = "x"}, NULL},
    {"the default key", {.name = "customer-profiles"}, NULL},
    {"an address as e-mail",
     {"customer-profiles", "Address", "EmailAddress", NULL},
     NULL},
    {"an attribute as account",
     {"customer-profiles", "Attributes.customer", NULL, NULL},
     NULL},
    {"the endpoint's own Id", {"customer-profiles", "Id", NULL, NULL}, NULL},
    {"no such target", {.name = "braze"}, "unknown target 'braze'"},
    {"no such field",
     {"customer-profiles", NULL, "FirstName", NULL},
     "import.key.field 'FirstName'"},
    {"no such column",
     {"customer-profiles", "UserId", NULL, NULL},
     "import.key.column: the target has no place for column 'UserId'; did you "
     "mean 'User.UserId'?"},
    {"an address is no account",
     {"customer-profiles", "Address", NULL, NULL},
     "its field is EmailAddress or PhoneNumber"},
};

START_TEST(a_job_chooses_target_and_key)
{
    struct pl_target target;
    struct pl_err err = {0};
    const int rc = pl_target_choose(&wishes[_i].wish, &target, &err);

    ck_assert_msg((rc == 0) == (wishes[_i].says == NULL), "%s: %s",
                  wishes[_i].name, err.msg);
    if (rc == 0)
        return;
    ck_assert_int_eq(err.code, PL_CONFIG_INVALID);
    ck_assert_msg(strstr(err.msg, wishes[_i].says) != NULL, "%s", err.msg);
}
END_TEST

#define PINPOINT \
    { \
        .name = "pinpoint" \
    }
#define PROFILES \
    { \
        .name = "customer-profiles" \
    }

static const struct {
    struct pl_target_wish wish;
    const char *columns; /* between blanks */
    enum pl_code code;   /* PL_OK: they are taken */
    const char *says;
} sets[] = {
    {PINPOINT, "Id Attributes.a Attributes.a", PL_OK, NULL},
    {PINPOINT, "ChannelType Address", PL_OK, NULL},
    {PINPOINT, "User.UserId", PL_OK, NULL},
    {PINPOINT, "User.UserId Attributes.a", PL_DATA_INVALID, "no column 'Id'"},
    {PINPOINT, "Id Id", PL_DATA_INVALID, "'Id' stands twice"},
    {PROFILES, "User.UserId Attributes.a Attributes.a", PL_OK, NULL},
    {PROFILES, "User.UserId ChannelType Address OptOut RequestId", PL_OK, NULL},
    {PROFILES, "Id Attributes.a", PL_CONFIG_INVALID,
     "select the key, name another column in import.key, or set import.id_map"},
    {PROFILES, "ChannelType Address", PL_CONFIG_INVALID,
     "no column "
     "'User.UserId'"},
    {{"customer-profiles", NULL, NULL, "s3://b/ids.csv"},
     "Id Attributes.a",
     PL_OK,
     NULL},
    {{"customer-profiles", "Address", "EmailAddress", NULL},
     "ChannelType Address",
     PL_OK,
     NULL},
    {{"customer-profiles", "Id", NULL, NULL}, "Id", PL_OK, NULL},
    {PROFILES, "User.UserId ChannelType", PL_DATA_INVALID,
     "'ChannelType' needs column 'Address'"},
    {PROFILES, "User.UserId Metrics.a Metrics.a", PL_DATA_INVALID,
     "stands twice"},
    {PROFILES, "User.UserId Attributes.a User.UserAttributes.a",
     PL_DATA_INVALID,
     "columns 'Attributes.a' and 'User.UserAttributes.a' both become "
     "'Attributes_a'"},
    {PROFILES, "User.UserId Metrics.a Attributes.Metrics_a", PL_DATA_INVALID,
     "both become 'Metrics_a'"},
    {PROFILES,
     "User.UserId Attributes.01 Attributes.02 Attributes.03 Attributes.04 "
     "Attributes.05 Attributes.06 Attributes.07 Attributes.08 Attributes.09 "
     "Attributes.10 Attributes.11 Attributes.12 Attributes.13 Attributes.14 "
     "Attributes.15 Attributes.16 Attributes.17 Attributes.18 Attributes.19 "
     "Attributes.20 Attributes.21 Attributes.22 Attributes.23 Attributes.24",
     PL_OK, NULL},
    {PROFILES,
     "User.UserId Attributes.01 Attributes.02 Attributes.03 Attributes.04 "
     "Attributes.05 Attributes.06 Attributes.07 Attributes.08 Attributes.09 "
     "Attributes.10 Attributes.11 Attributes.12 Attributes.13 Attributes.14 "
     "Attributes.15 Attributes.16 Attributes.17 Attributes.18 Attributes.19 "
     "Attributes.20 Attributes.21 Attributes.22 Attributes.23 Attributes.24 "
     "Attributes.24",
     PL_DATA_INVALID, "26 columns are mapped to a profile; an upload takes 25"},
    {{"customer-profiles", NULL, NULL, "s3://b/ids.csv"},
     "Id Attributes.01 Attributes.02 Attributes.03 Attributes.04 "
     "Attributes.05 Attributes.06 Attributes.07 Attributes.08 Attributes.09 "
     "Attributes.10 Attributes.11 Attributes.12 Attributes.13 Attributes.14 "
     "Attributes.15 Attributes.16 Attributes.17 Attributes.18 Attributes.19 "
     "Attributes.20 Attributes.21 Attributes.22 Attributes.23 Attributes.24 "
     "Attributes.25",
     PL_DATA_INVALID,
     "26 columns are mapped to a profile; an upload takes 25"},
};

START_TEST(sets_of_columns)
{
    struct pl_column columns[40];
    struct pl_target target;
    struct pl_err err = {0};
    size_t count = 0;
    int rc = 0;

    ck_assert_int_eq(pl_target_choose(&sets[_i].wish, &target, &err), 0);
    for (const char *p = sets[_i].columns; *p != '\0';) {
        const size_t len = strcspn(p, " ");

        ck_assert_int_eq(
            pl_target_column(&target, p, len, &columns[count++], &err), 0);
        p += len + strspn(p + len, " ");
    }
    rc = pl_target_check(&target, columns, count, &err);
    ck_assert_msg((rc == 0) == (sets[_i].code == PL_OK), "%s: %s",
                  sets[_i].columns, err.msg);
    ck_assert_int_eq(err.code, sets[_i].code);
    if (rc != 0)
        ck_assert_msg(strstr(err.msg, sets[_i].says) != NULL, "%s", err.msg);
}
END_TEST

UNIT_MAIN("target.target", tcase_add_loop_test(tc, a_job_chooses_target_and_key,
                                               0, UNIT_COUNT(wishes));
          tcase_add_loop_test(tc, sets_of_columns, 0, UNIT_COUNT(sets));)
