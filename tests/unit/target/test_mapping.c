#include "pipeline/target/mapping.h"

#include <string.h>

#include "pipeline/base/text.h"
#include "tests/unit/unit.h"

#define ANY PL_MAPPING_ANY
#define PHONE PL_MAPPING_PHONE
#define EMAIL PL_MAPPING_EMAIL

/* AWS's published table, row by row, and what was left open in it. */
static const struct {
    const char *column;
    enum pl_mapping_channel channel;
    size_t index;
    size_t count;
    const char *target; /* NULL: no place */
    const char *header;
    enum pl_content content;
} places[] = {
    {"User.UserId", ANY, 0, 1, "_profile.AccountNumber", "AccountNumber",
     PL_CONTENT_STRING},
    {"Address", PHONE, 0, 6, "_profile.PhoneNumber", "PhoneNumber",
     PL_CONTENT_PHONE},
    {"Address", PHONE, 1, 6, "_profile.HomePhoneNumber", "HomePhoneNumber",
     PL_CONTENT_PHONE},
    {"Address", PHONE, 2, 6, "_profile.MobilePhoneNumber", "MobilePhoneNumber",
     PL_CONTENT_PHONE},
    {"Address", PHONE, 3, 6, "_profile.BusinessPhoneNumber",
     "BusinessPhoneNumber", PL_CONTENT_PHONE},
    {"Address", PHONE, 4, 6, "_profile.Attributes.PhoneNumber_5",
     "Attributes_PhoneNumber_5", PL_CONTENT_PHONE},
    {"Address", PHONE, 5, 6, "_profile.Attributes.PhoneNumber_6",
     "Attributes_PhoneNumber_6", PL_CONTENT_PHONE},
    {"Address", EMAIL, 0, 1, "_profile.EmailAddress", "EmailAddress",
     PL_CONTENT_EMAIL},
    {"Address", EMAIL, 1, 4, "_profile.PersonalEmailAddress",
     "PersonalEmailAddress", PL_CONTENT_EMAIL},
    {"Address", EMAIL, 2, 4, "_profile.BusinessEmailAddress",
     "BusinessEmailAddress", PL_CONTENT_EMAIL},
    {"Address", EMAIL, 3, 4, "_profile.Attributes.EmailAddress_4",
     "Attributes_EmailAddress_4", PL_CONTENT_EMAIL},
    {"Address", PL_MAPPING_NONE, 0, 1, NULL, NULL, PL_CONTENT_STRING},
    {"Location.City", ANY, 0, 1, "_profile.Address.City", "Address_City",
     PL_CONTENT_STRING},
    {"Location.Country", ANY, 0, 1, "_profile.Address.Country",
     "Address_Country", PL_CONTENT_STRING},
    {"Location.PostalCode", ANY, 0, 1, "_profile.Address.PostalCode",
     "Address_PostalCode", PL_CONTENT_STRING},
    {"Location.Region", ANY, 0, 1, "_profile.Address.County", "Address_County",
     PL_CONTENT_STRING},
    {"Location.Latitude", ANY, 0, 1, "_profile.Attributes.Latitude",
     "Attributes_Latitude", PL_CONTENT_STRING},
    {"Location.Longitude", ANY, 0, 1, "_profile.Attributes.Longitude",
     "Attributes_Longitude", PL_CONTENT_STRING},
    {"Attributes.e-mail opens", ANY, 0, 1, "_profile.Attributes.e-mail opens",
     "Attributes_e-mail_opens", PL_CONTENT_STRING},
    {"Attributes.\xC3\xBC\xE2\x82\xAC", ANY, 0, 1,
     "_profile.Attributes.\xC3\xBC\xE2\x82\xAC", "Attributes___",
     PL_CONTENT_STRING},
    {"Attributes.x", ANY, 0, 3, "_profile.Attributes.x_0", "Attributes_x_0",
     PL_CONTENT_STRING},
    {"Attributes.x", ANY, 2, 3, "_profile.Attributes.x_2", "Attributes_x_2",
     PL_CONTENT_STRING},
    {"User.UserAttributes.x", ANY, 0, 1, "_profile.Attributes.x",
     "Attributes_x", PL_CONTENT_STRING},
    {"User.UserAttributes.x", ANY, 1, 2,
     "_profile.Attributes.UserAttributes_x_1", "UserAttributes_x_1",
     PL_CONTENT_STRING},
    {"Metrics.x", ANY, 0, 1, "_profile.Attributes.Metrics_x", "Metrics_x",
     PL_CONTENT_STRING},
    {"Demographic.Make", ANY, 0, 1, "_profile.Attributes.Demographic_Make",
     "Demographic_Make", PL_CONTENT_STRING},
    {"Id", ANY, 0, 1, NULL, NULL, PL_CONTENT_STRING},
    {"ChannelType", ANY, 0, 1, NULL, NULL, PL_CONTENT_STRING},
    {"OptOut", ANY, 0, 1, NULL, NULL, PL_CONTENT_STRING},
    {"EffectiveDate", ANY, 0, 1, NULL, NULL, PL_CONTENT_STRING},
    {"RequestId", ANY, 0, 1, NULL, NULL, PL_CONTENT_STRING},
};

static struct pl_column column_of(const struct pl_target *target,
                                  const char *name)
{
    struct pl_column column;
    struct pl_err err = {0};

    ck_assert_int_eq(
        pl_target_column(target, name, strlen(name), &column, &err), 0);
    return column;
}

START_TEST(places_by_default)
{
    const struct pl_target *target = pl_target_by_name("customer-profiles");
    const struct pl_column column = column_of(target, places[_i].column);
    struct pl_place place;
    struct pl_err err = {0};

    ck_assert_int_eq(pl_mapping_place(NULL, target, &column, places[_i].channel,
                                      places[_i].index, places[_i].count,
                                      &place, &err),
                     0);
    ck_assert(place.is_dropped == (places[_i].target == NULL));
    if (place.is_dropped)
        return;
    ck_assert_str_eq(place.target, places[_i].target);
    ck_assert_str_eq(place.header, places[_i].header);
    ck_assert(pl_starts_with(place.source, "_source."));
    ck_assert_str_eq(place.source + 8, places[_i].header);
    ck_assert_int_eq(place.content, places[_i].content);
}
END_TEST

/* The key has its field to itself. */
START_TEST(the_key_comes_first)
{
    const struct pl_target_wish wish = {"customer-profiles", "Attributes.mail",
                                        "EmailAddress", NULL};
    struct pl_target target;
    struct pl_column column;
    struct pl_place place;
    struct pl_err err = {0};

    ck_assert_int_eq(pl_target_choose(&wish, &target, &err), 0);
    column = column_of(&target, "Attributes.mail");
    ck_assert_int_eq(
        pl_mapping_place(NULL, &target, &column, ANY, 0, 1, &place, &err), 0);
    ck_assert_str_eq(place.target, "_profile.EmailAddress");
    ck_assert_int_eq(place.content, PL_CONTENT_EMAIL);
    column = column_of(&target, "Address");
    ck_assert_int_eq(
        pl_mapping_place(NULL, &target, &column, EMAIL, 0, 3, &place, &err), 0);
    ck_assert_str_eq(place.target, "_profile.PersonalEmailAddress");
    ck_assert_int_eq(
        pl_mapping_place(NULL, &target, &column, EMAIL, 2, 3, &place, &err), 0);
    ck_assert_str_eq(place.target, "_profile.Attributes.EmailAddress_3");
    column = column_of(&target, "User.UserId");
    ck_assert_int_eq(
        pl_mapping_place(NULL, &target, &column, ANY, 0, 1, &place, &err), 0);
    ck_assert_str_eq(place.target, "_profile.AccountNumber");
}
END_TEST

START_TEST(an_address_as_key_is_its_first)
{
    const struct pl_target_wish wish = {"customer-profiles", "Address",
                                        "PhoneNumber", NULL};
    struct pl_target target;
    struct pl_column column;
    struct pl_place place;
    struct pl_err err = {0};

    ck_assert_int_eq(pl_target_choose(&wish, &target, &err), 0);
    column = column_of(&target, "Address");
    ck_assert_int_eq(
        pl_mapping_place(NULL, &target, &column, PHONE, 0, 2, &place, &err), 0);
    ck_assert_str_eq(place.target, "_profile.PhoneNumber");
    ck_assert_int_eq(
        pl_mapping_place(NULL, &target, &column, PHONE, 1, 2, &place, &err), 0);
    ck_assert_str_eq(place.target, "_profile.HomePhoneNumber");
    ck_assert_int_eq(
        pl_mapping_place(NULL, &target, &column, EMAIL, 0, 1, &place, &err), 0);
    ck_assert_str_eq(place.target, "_profile.EmailAddress");
}
END_TEST

/* The longest name that a query may hold fits, unless its values are many. */
START_TEST(headers_have_at_most_64_characters)
{
    const struct pl_target *target = pl_target_by_name("customer-profiles");
    struct pl_column column =
        column_of(target, "User.UserAttributes."
                          "12345678901234567890123456789012345678901234567890");
    struct pl_place place;
    struct pl_err err = {0};

    ck_assert_int_eq(
        pl_mapping_place(NULL, target, &column, ANY, 0, 1, &place, &err), 0);
    ck_assert_uint_eq(strlen(place.header), 61);
    ck_assert_int_eq(
        pl_mapping_place(NULL, target, &column, ANY, 0, 2, &place, &err), -1);
    ck_assert_int_eq(err.code, PL_DATA_INVALID);
}
END_TEST

START_TEST(channels_and_contents)
{
    ck_assert_int_eq(pl_mapping_channel_of("sms", 3), PHONE);
    ck_assert_int_eq(pl_mapping_channel_of("VOICE", 5), PHONE);
    ck_assert_int_eq(pl_mapping_channel_of("Email", 5), EMAIL);
    ck_assert_int_eq(pl_mapping_channel_of("GCM", 3), PL_MAPPING_NONE);
    ck_assert_int_eq(pl_mapping_channel_of("", 0), PL_MAPPING_NONE);
    ck_assert_str_eq(pl_content_name(PL_CONTENT_PHONE), "PHONE_NUMBER");
    ck_assert_str_eq(pl_content_name(PL_CONTENT_NAME), "NAME");
    ck_assert_str_eq(pl_key_field_by_name("PhoneNumber")->search, "_phone");
    ck_assert_ptr_null(pl_key_field_by_name("LastName"));
}
END_TEST

UNIT_MAIN("target.mapping",
          tcase_add_loop_test(tc, places_by_default, 0, UNIT_COUNT(places));
          tcase_add_test(tc, the_key_comes_first);
          tcase_add_test(tc, an_address_as_key_is_its_first);
          tcase_add_test(tc, headers_have_at_most_64_characters);
          tcase_add_test(tc, channels_and_contents);)
