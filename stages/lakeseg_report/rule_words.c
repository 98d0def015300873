#include "stages/lakeseg_report/rule_words.h"

#include <stddef.h>
#include <string.h>

#include "pipeline/base/attr.h"

static const struct {
    const char *rule;
    const char *words;
} table[] = {
    {"malformed-quote", "A quote stands inside a cell that is not quoted, or "
                        "text behind a closing one."},
    {"malformed-json", "The line is not one JSON object, or has a key twice."},
    {"column-unknown", "The line has a key that is no column of the query."},
    {"nul-byte", "There is a NUL byte in the record."},
    {"utf8", "There are bytes that are not UTF-8."},
    {"empty-line", "The line is empty, and the file has several columns."},
    {"column-count", "The record has more or fewer cells than the header."},
    {"control-character", "There is a control character in a value."},
    {"line-break", "There is a line break or a tab in a value. "
                   "regexp_replace() takes it out."},
    {"empty-string", "The value is the empty string. nullif(x, '') makes it "
                     "NULL, which leaves the field as it is."},
    {"id-missing", "There is no Id. Leave out such rows with WHERE."},
    {"id-character", "There is $, { or } in the Id."},
    {"id-duplicate", "The key stands in an earlier row, with other values. "
                     "Group the query by what it takes for the key."},
    {"channel-missing", "There is an Address without a ChannelType."},
    {"channel-unknown", "The ChannelType is none, or takes no address."},
    {"address-missing", "There is a ChannelType without an Address."},
    {"address-phone", "The phone number is not in E.164: + and the country's "
                      "code come first. For national numbers there is the "
                      "setting country_of_phones."},
    {"address-email", "The e-mail address has no domain of two labels, or "
                      "characters that it may not have."},
    {"address-token", "The device token has characters that it may not have."},
    {"address-duplicate", "Another row has the same channel and address: the "
                          "destination would make one of the two inactive."},
    {"user-id-missing", "There is no User.UserId in a list of users."},
    {"user-endpoints", "It is the 16th endpoint of the same user."},
    {"endpoint-size", "Names and values have more than 15,360 bytes."},
    {"attribute-length", "The value is longer than the destination takes. "
                         "substr(x, 1, 100) cuts it."},
    {"nested-value", "The value is an array or a map. Take one element, or "
                     "array_join() it."},
    {"metric-number", "The value is not a finite decimal number."},
    {"opt-out", "The value is neither ALL nor NONE."},
    {"country", "The value is not a code of ISO 3166-1 alpha-2, like DE."},
    {"latitude", "The value is not a number from -90 to 90."},
    {"longitude", "The value is not a number from -180 to 180."},
    {"locale", "The value is not a language and a country, like en_US."},
    {"time-zone", "The value is not a name of the tz database, like "
                  "Europe/Berlin."},
    {"effective-date", "The value is not like 2026-11-23T01:02:03.000Z."},
    {"key-missing", "There is nothing to know the profile by."},
    {"key-unknown", "The endpoint is not in the id map."},
};

const char *rule_words(const char *rule)
{
    for (size_t i = 0; i < PL_COUNT(table); i++)
        if (strcmp(table[i].rule, rule) == 0)
            return table[i].words;
    return NULL;
}
