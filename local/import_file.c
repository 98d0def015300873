#include "local/import_file.h"

#include <math.h>

#include "pipeline/base/text.h"

#define ATTRIBUTE_NAME_MAX 50   /* characters */
#define ATTRIBUTE_VALUE_MAX 100 /* characters */

static const char *const channels[] = {
    "PUSH",  "GCM", "APNS",  "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX",
    "ADM",   "SMS", "VOICE", "EMAIL",        "BAIDU",     "CUSTOM",
    "IN_APP"};

int local_channel(const char *name, size_t len)
{
    for (size_t i = 0; i < PL_COUNT(channels); i++)
        if (strlen(channels[i]) == len && memcmp(channels[i], name, len) == 0)
            return (int)i;
    return -1;
}

const char *local_channel_name(int channel)
{
    return channel >= 0 && (size_t)channel < PL_COUNT(channels)
               ? channels[channel]
               : "CUSTOM";
}

enum local_column local_column_kind(const char *name)
{
    static const struct {
        const char *name;
        enum local_column kind;
    } fixed[] = {
        {"Id", LOCAL_COL_ID},
        {"ChannelType", LOCAL_COL_CHANNEL},
        {"Address", LOCAL_COL_ADDRESS},
        {"User.UserId", LOCAL_COL_USER_ID},
        {"OptOut", LOCAL_COL_OPT_OUT},
        {"EffectiveDate", LOCAL_COL_TEXT},
        {"RequestId", LOCAL_COL_TEXT},
        {"Location.City", LOCAL_COL_TEXT},
        {"Location.Country", LOCAL_COL_TEXT},
        {"Location.Region", LOCAL_COL_TEXT},
        {"Location.PostalCode", LOCAL_COL_TEXT},
        {"Location.Latitude", LOCAL_COL_COORDINATE},
        {"Location.Longitude", LOCAL_COL_COORDINATE},
        {"Demographic.AppVersion", LOCAL_COL_TEXT},
        {"Demographic.Locale", LOCAL_COL_TEXT},
        {"Demographic.Make", LOCAL_COL_TEXT},
        {"Demographic.Model", LOCAL_COL_TEXT},
        {"Demographic.ModelVersion", LOCAL_COL_TEXT},
        {"Demographic.Platform", LOCAL_COL_TEXT},
        {"Demographic.PlatformVersion", LOCAL_COL_TEXT},
        {"Demographic.Timezone", LOCAL_COL_TEXT},
    };
    static const struct {
        const char *start;
        enum local_column kind;
    } open[] = {
        {"Attributes.", LOCAL_COL_ATTRIBUTE},
        {"Metrics.", LOCAL_COL_METRIC},
        {"User.UserAttributes.", LOCAL_COL_USER_ATTRIBUTE},
    };

    for (size_t i = 0; i < PL_COUNT(fixed); i++)
        if (strcmp(fixed[i].name, name) == 0)
            return fixed[i].kind;
    for (size_t i = 0; i < PL_COUNT(open); i++) {
        const size_t len = strlen(open[i].start);

        if (strncmp(name, open[i].start, len) != 0)
            continue;
        if (name[len] == '\0' ||
            pl_utf8_count(name + len, strlen(name + len)) > ATTRIBUTE_NAME_MAX)
            return LOCAL_COL_BAD;
        return open[i].kind;
    }
    return LOCAL_COL_BAD;
}

static bool is_number(const char *text, size_t len)
{
    char copy[64];
    char *end = NULL;

    if (len == 0 || len >= sizeof(copy))
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (strspn(copy, "0123456789+-.eE") != len)
        return false;
    return isfinite(strtod(copy, &end)) && *end == '\0';
}

const char *local_cell_fault(const struct local_cell *cell)
{
    if (pl_utf8_valid_len(cell->value, cell->len) != cell->len)
        return "value is not valid UTF-8";
    if (memchr(cell->value, '\0', cell->len) != NULL)
        return "value contains a NUL";
    if (memchr(cell->value, '\t', cell->len) != NULL ||
        memchr(cell->value, '\n', cell->len) != NULL ||
        memchr(cell->value, '\r', cell->len) != NULL)
        return "value contains a tab or a line break";
    switch (cell->kind) {
    case LOCAL_COL_ID:
        return memchr(cell->value, '$', cell->len) != NULL ||
                       memchr(cell->value, '{', cell->len) != NULL ||
                       memchr(cell->value, '}', cell->len) != NULL
                   ? "endpoint id contains one of ${}"
                   : NULL;
    case LOCAL_COL_CHANNEL:
        return local_channel(cell->value, cell->len) < 0 ? "unknown ChannelType"
                                                         : NULL;
    case LOCAL_COL_ATTRIBUTE:
    case LOCAL_COL_USER_ATTRIBUTE:
        return pl_utf8_count(cell->value, cell->len) > ATTRIBUTE_VALUE_MAX
                   ? "attribute value is longer than 100 characters"
                   : NULL;
    case LOCAL_COL_METRIC:
    case LOCAL_COL_COORDINATE:
        return is_number(cell->value, cell->len) ? NULL
                                                 : "value is not a number";
    case LOCAL_COL_OPT_OUT:
        return (cell->len == 3 && memcmp(cell->value, "ALL", 3) == 0) ||
                       (cell->len == 4 && memcmp(cell->value, "NONE", 4) == 0)
                   ? NULL
                   : "OptOut must be ALL or NONE";
    case LOCAL_COL_ADDRESS:
    case LOCAL_COL_USER_ID:
    case LOCAL_COL_TEXT:
    case LOCAL_COL_BAD:
    default:
        return NULL;
    }
}
