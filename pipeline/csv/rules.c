#include "pipeline/csv/rules.h"

#include <stdio.h>
#include <string.h>

#include "pipeline/base/text.h"
#include "pipeline/csv/jsonl.h"
#include "pipeline/csv/values.h"

/* is_fixed: without it there is no row, or no key, to go on with. */
static const struct {
    const char *code;
    bool is_fixed;
} rules_of[PL_RULE_COUNT] = {
    [PL_RULE_NONE] = {"none", true},
    [PL_RULE_MALFORMED_QUOTE] = {"malformed-quote", true},
    [PL_RULE_MALFORMED_JSON] = {"malformed-json", true},
    [PL_RULE_COLUMN_UNKNOWN] = {"column-unknown", true},
    [PL_RULE_NUL_BYTE] = {"nul-byte", true},
    [PL_RULE_UTF8] = {"utf8", true},
    [PL_RULE_EMPTY_LINE] = {"empty-line", true},
    [PL_RULE_COLUMN_COUNT] = {"column-count", true},
    [PL_RULE_CONTROL_CHARACTER] = {"control-character", true},
    [PL_RULE_LINE_BREAK] = {"line-break", true},
    [PL_RULE_EMPTY_STRING] = {"empty-string", true},
    [PL_RULE_ID_MISSING] = {"id-missing", true},
    [PL_RULE_ID_CHARACTER] = {"id-character", false},
    [PL_RULE_ID_DUPLICATE] = {"id-duplicate", true},
    [PL_RULE_CHANNEL_MISSING] = {"channel-missing", false},
    [PL_RULE_CHANNEL_UNKNOWN] = {"channel-unknown", false},
    [PL_RULE_ADDRESS_MISSING] = {"address-missing", false},
    [PL_RULE_ADDRESS_PHONE] = {"address-phone", false},
    [PL_RULE_ADDRESS_EMAIL] = {"address-email", false},
    [PL_RULE_ADDRESS_TOKEN] = {"address-token", false},
    [PL_RULE_ADDRESS_DUPLICATE] = {"address-duplicate", false},
    [PL_RULE_USER_ID_MISSING] = {"user-id-missing", true},
    [PL_RULE_USER_ENDPOINTS] = {"user-endpoints", false},
    [PL_RULE_ENDPOINT_SIZE] = {"endpoint-size", false},
    [PL_RULE_ATTRIBUTE_LENGTH] = {"attribute-length", false},
    [PL_RULE_NESTED_VALUE] = {"nested-value", false},
    [PL_RULE_METRIC_NUMBER] = {"metric-number", false},
    [PL_RULE_OPT_OUT] = {"opt-out", false},
    [PL_RULE_COUNTRY] = {"country", false},
    [PL_RULE_LATITUDE] = {"latitude", false},
    [PL_RULE_LONGITUDE] = {"longitude", false},
    [PL_RULE_LOCALE] = {"locale", false},
    [PL_RULE_TIME_ZONE] = {"time-zone", false},
    [PL_RULE_EFFECTIVE_DATE] = {"effective-date", false},
    [PL_RULE_KEY_MISSING] = {"key-missing", true},
    [PL_RULE_KEY_UNKNOWN] = {"key-unknown", true},
};

/* PUSH and IN_APP are in the service's list, but take no address (1.3). */
const struct pl_rules_channel pl_rules_channels[PL_RULES_CHANNELS] = {
    {"EMAIL", PL_ADDRESS_EMAIL},
    {"SMS", PL_ADDRESS_PHONE},
    {"VOICE", PL_ADDRESS_PHONE},
    {"APNS", PL_ADDRESS_HEX},
    {"APNS_SANDBOX", PL_ADDRESS_HEX},
    {"APNS_VOIP", PL_ADDRESS_HEX},
    {"APNS_VOIP_SANDBOX", PL_ADDRESS_HEX},
    {"GCM", PL_ADDRESS_TOKEN},
    {"ADM", PL_ADDRESS_TOKEN},
    {"BAIDU", PL_ADDRESS_TOKEN},
    {"CUSTOM", PL_ADDRESS_ANY},
};

const char *pl_rule_code(enum pl_rule rule)
{
    return rules_of[rule].code;
}

enum pl_rule pl_rule_by_code(const char *code)
{
    for (size_t i = 1; i < PL_RULE_COUNT; i++)
        if (strcmp(rules_of[i].code, code) == 0)
            return (enum pl_rule)i;
    return PL_RULE_NONE;
}

bool pl_rule_can_be_off(enum pl_rule rule)
{
    return !rules_of[rule].is_fixed;
}

static bool is_on(const struct pl_csv_rules *rules, enum pl_rule rule)
{
    return (rules->off & (UINT64_C(1) << rule)) == 0;
}

static bool fail(struct pl_csv_verdict *v, enum pl_rule rule, size_t column,
                 const char *detail)
{
    *v = (struct pl_csv_verdict){rule, column, 0, detail};
    return false;
}

static bool has_text(const struct pl_csv_cell *cell)
{
    return cell->len > 0;
}

static void upper(struct pl_csv_cell *cell)
{
    for (size_t i = 0; i < cell->len; i++)
        if (cell->data[i] >= 'a' && cell->data[i] <= 'z')
            cell->data[i] = (char)(cell->data[i] - ('a' - 'A'));
}

static bool is_word(const struct pl_csv_cell *cell, const char *word)
{
    return cell->len == strlen(word) &&
           memcmp(cell->data, word, cell->len) == 0;
}

static void trim(struct pl_csv_cell *cell)
{
    while (cell->len > 0 && cell->data[0] == ' ') {
        cell->data++;
        cell->len--;
    }
    while (cell->len > 0 && cell->data[cell->len - 1] == ' ')
        cell->len--;
}

/* Whether one of eight bytes is below 0x20 or 0x7F; now and then it is said of
 * others, too. */
static bool may_hold_control(const char *text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word;
    uint64_t deletes;

    memcpy(&word, text, sizeof(word));
    deletes = word ^ (ones * 0x7F);
    return (((word - ones * 0x20) & ~word & (ones * 0x80)) |
            ((deletes - ones) & ~deletes & (ones * 0x80))) != 0;
}

static bool is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7F;
}

static bool is_break(char c)
{
    return c == '\n' || c == '\r' || c == '\t';
}

/* The place of the next control character from there on, or the end. */
static size_t next_control(const struct pl_csv_cell *cell, size_t i)
{
    for (; i < cell->len; i++) {
        while (i + 8 <= cell->len && !may_hold_control(cell->data + i))
            i += 8;
        if (i < cell->len && is_control((unsigned char)cell->data[i]))
            break;
    }
    return i < cell->len ? i : cell->len;
}

/* Runs of line breaks and tabs, the first of which is at i, become one blank:
 * sources 1.4 allows none. */
static void replace_breaks(struct pl_csv_cell *cell, size_t i)
{
    size_t n = i;

    for (bool is_first = true; i < cell->len; is_first = false) {
        const size_t from = i + 1;

        if (is_first || n == 0 || cell->data[n - 1] != ' ')
            cell->data[n++] = ' ';
        i = next_control(cell, from);
        memmove(cell->data + n, cell->data + from, i - from);
        n += i - from;
    }
    cell->len = n;
}

/* Tabs and line breaks; false on any other control character. */
static bool clean_controls(const struct pl_csv_rules *rules,
                           struct pl_csv_cell *cell, size_t column,
                           struct pl_csv_verdict *v)
{
    const size_t first = next_control(cell, 0);

    for (size_t i = first; i < cell->len; i = next_control(cell, i + 1))
        if (!is_break(cell->data[i]))
            return fail(v, PL_RULE_CONTROL_CHARACTER, column,
                        "a control character");
    if (first < cell->len && rules->line_breaks == PL_CSV_BREAKS_REJECT)
        return fail(v, PL_RULE_LINE_BREAK, column, "a line break or tab");
    replace_breaks(cell, first);
    return true;
}

/* What holds for every cell, whatever its column. */
static bool clean(const struct pl_csv_shape *shape,
                  const struct pl_csv_rules *rules, struct pl_csv_cell *cell,
                  size_t column, struct pl_csv_verdict *v)
{
    trim(cell);
    if (cell->is_null || cell->len > 0)
        return true;
    if (column == shape->id)
        return fail(v, PL_RULE_ID_MISSING, column, "no Id");
    if (rules->empty == PL_CSV_EMPTY_REJECT)
        return fail(v, PL_RULE_EMPTY_STRING, column,
                    "the empty string; NULLIF(column, '') in the query makes "
                    "it NULL, which is written as nothing");
    if (rules->empty == PL_CSV_EMPTY_NULL)
        cell->is_null = true;
    return true;
}

static bool check_number(const struct pl_csv_cell *cell, size_t column,
                         enum pl_rule rule, double most,
                         struct pl_csv_verdict *v)
{
    double value = 0;

    if (!pl_value_is_number(cell->data, cell->len, most > 0 ? &value : NULL))
        return fail(v, rule, column, "not a finite decimal number");
    if (most > 0 && (value > most || value < -most))
        return fail(v, rule, column, "out of range");
    return true;
}

static bool check_id(const struct pl_csv_cell *cell, size_t column,
                     struct pl_csv_verdict *v)
{
    for (size_t i = 0; i < cell->len; i++)
        if (cell->data[i] == '$' || cell->data[i] == '{' ||
            cell->data[i] == '}')
            return fail(v, PL_RULE_ID_CHARACTER, column,
                        "an Id must not hold $ { or }");
    return true;
}

static bool check_attribute(const struct pl_csv_rules *rules,
                            const struct pl_csv_cell *cell, size_t column,
                            struct pl_csv_verdict *v)
{
    if (is_on(rules, PL_RULE_NESTED_VALUE) &&
        pl_value_is_nested(cell->data, cell->len))
        return fail(v, PL_RULE_NESTED_VALUE, column,
                    "an array or a map, which a cell cannot hold; take its "
                    "elements apart in the query, one column a value, or "
                    "CAST(... AS JSON) and json_format for text");
    return true;
}

/* Characters, not bytes. */
static bool check_length(const struct pl_csv_shape *shape,
                         const struct pl_csv_rules *rules,
                         const struct pl_csv_cell *cell, size_t column,
                         struct pl_csv_verdict *v)
{
    const enum pl_column_kind kind = shape->columns[column].kind;
    size_t count;

    if (cell->len <= shape->value_max ||
        !is_on(rules, PL_RULE_ATTRIBUTE_LENGTH) ||
        (!shape->is_every_limited && kind != PL_COLUMN_ATTRIBUTE &&
         kind != PL_COLUMN_USER_ATTRIBUTE))
        return true;
    count = pl_utf8_count(cell->data, cell->len);
    if (count <= shape->value_max)
        return true;
    (void)fail(v, PL_RULE_ATTRIBUTE_LENGTH, column, NULL);
    v->number = count;
    return false;
}

static bool check_opt_out(struct pl_csv_cell *cell, size_t column,
                          struct pl_csv_verdict *v)
{
    upper(cell);
    if (!is_word(cell, "ALL") && !is_word(cell, "NONE"))
        return fail(v, PL_RULE_OPT_OUT, column, "neither ALL nor NONE");
    return true;
}

/* A value that is not empty, by the kind of its column alone. */
static bool check_value(const struct pl_csv_rules *rules,
                        enum pl_column_kind kind, struct pl_csv_cell *cell,
                        size_t column, struct pl_csv_verdict *v)
{
    switch (kind) {
    case PL_COLUMN_ID:
        return !is_on(rules, PL_RULE_ID_CHARACTER) || check_id(cell, column, v);
    case PL_COLUMN_ATTRIBUTE:
    case PL_COLUMN_USER_ATTRIBUTE:
        return check_attribute(rules, cell, column, v);
    case PL_COLUMN_METRIC:
        return !is_on(rules, PL_RULE_METRIC_NUMBER) ||
               check_number(cell, column, PL_RULE_METRIC_NUMBER, 0, v);
    case PL_COLUMN_LATITUDE:
        return !is_on(rules, PL_RULE_LATITUDE) ||
               check_number(cell, column, PL_RULE_LATITUDE, 90, v);
    case PL_COLUMN_LONGITUDE:
        return !is_on(rules, PL_RULE_LONGITUDE) ||
               check_number(cell, column, PL_RULE_LONGITUDE, 180, v);
    case PL_COLUMN_COUNTRY:
        return !is_on(rules, PL_RULE_COUNTRY) ||
               pl_value_country(cell->data, cell->len) ||
               fail(v, PL_RULE_COUNTRY, column,
                    "not a country code of two letters (ISO 3166-1)");
    case PL_COLUMN_OPT_OUT:
        return !is_on(rules, PL_RULE_OPT_OUT) || check_opt_out(cell, column, v);
    case PL_COLUMN_LOCALE:
        return !is_on(rules, PL_RULE_LOCALE) ||
               pl_value_locale(cell->data, cell->len) ||
               fail(v, PL_RULE_LOCALE, column,
                    "not a language and a country as in en_US");
    case PL_COLUMN_TIME_ZONE:
        return !is_on(rules, PL_RULE_TIME_ZONE) ||
               pl_value_time_zone(cell->data, cell->len) ||
               fail(v, PL_RULE_TIME_ZONE, column,
                    "not a name of the tz database as in Europe/Berlin");
    case PL_COLUMN_EFFECTIVE_DATE:
        return !is_on(rules, PL_RULE_EFFECTIVE_DATE) ||
               pl_value_is_instant(cell->data, cell->len) ||
               fail(v, PL_RULE_EFFECTIVE_DATE, column,
                    "not a time as in 2026-01-31T12:00:00.000Z");
    case PL_COLUMN_CHANNEL:
    case PL_COLUMN_ADDRESS:
    case PL_COLUMN_USER_ID:
    case PL_COLUMN_TEXT:
        return true;
    }
    return true;
}

size_t pl_rules_channel(const char *name, size_t len)
{
    for (size_t i = 0; i < PL_RULES_CHANNELS; i++)
        if (len == strlen(pl_rules_channels[i].name) &&
            memcmp(name, pl_rules_channels[i].name, len) == 0)
            return i;
    return PL_RULES_CHANNELS;
}

static bool check_phone(const struct pl_csv_rules *rules,
                        struct pl_csv_cell *address, size_t column,
                        char phone[PL_PHONE_BYTES], struct pl_csv_verdict *v)
{
    size_t len;

    switch (pl_value_phone(address->data, &address->len)) {
    case PL_PHONE_OK:
        return true;
    case PL_PHONE_NATIONAL:
        len = rules->country == NULL
                  ? 0
                  : pl_phone_resolve(address->data, address->len,
                                     rules->country, phone);
        if (len > 0) {
            address->data = phone;
            address->len = len;
            return true;
        }
        return fail(v, PL_RULE_ADDRESS_PHONE, column,
                    "a national number: E.164 wants + and the country's code "
                    "before it");
    case PL_PHONE_WRONG:
        break;
    }
    return fail(v, PL_RULE_ADDRESS_PHONE, column,
                "not a number in E.164 form (+ and 2 to 15 digits)");
}

static bool check_channel_address(const struct pl_csv_rules *rules,
                                  size_t channel, struct pl_csv_cell *address,
                                  size_t column, char phone[PL_PHONE_BYTES],
                                  struct pl_csv_verdict *v)
{
    switch (pl_rules_channels[channel].address) {
    case PL_ADDRESS_EMAIL:
        return !is_on(rules, PL_RULE_ADDRESS_EMAIL) ||
               pl_value_email(address->data, address->len) ||
               fail(v, PL_RULE_ADDRESS_EMAIL, column, "not an e-mail address");
    case PL_ADDRESS_PHONE:
        return !is_on(rules, PL_RULE_ADDRESS_PHONE) ||
               check_phone(rules, address, column, phone, v);
    case PL_ADDRESS_HEX:
        return !is_on(rules, PL_RULE_ADDRESS_TOKEN) ||
               pl_value_is_token(address->data, address->len, true) ||
               fail(v, PL_RULE_ADDRESS_TOKEN, column,
                    "not a device token of hexadecimal digits");
    case PL_ADDRESS_TOKEN:
        return !is_on(rules, PL_RULE_ADDRESS_TOKEN) ||
               pl_value_is_token(address->data, address->len, false) ||
               fail(v, PL_RULE_ADDRESS_TOKEN, column,
                    "not a device token: blanks or other than ASCII in it");
    case PL_ADDRESS_ANY:
        break;
    }
    return true;
}

static bool check_address(const struct pl_csv_shape *shape,
                          const struct pl_csv_rules *rules,
                          struct pl_csv_cell *channel,
                          struct pl_csv_cell *address, bool is_needed,
                          char phone[PL_PHONE_BYTES], struct pl_csv_verdict *v)
{
    size_t which;

    if (!is_needed && !has_text(channel) && !has_text(address))
        return true; /* an update by Id alone */
    if (!has_text(channel))
        return (!is_needed && !is_on(rules, PL_RULE_CHANNEL_MISSING)) ||
               fail(v, PL_RULE_CHANNEL_MISSING, shape->channel,
                    "an Address without a ChannelType");
    upper(channel);
    which = pl_rules_channel(channel->data, channel->len);
    if (which == PL_RULES_CHANNELS && is_on(rules, PL_RULE_CHANNEL_UNKNOWN))
        return fail(v, PL_RULE_CHANNEL_UNKNOWN, shape->channel,
                    "not a channel that takes an address");
    if (!has_text(address))
        return (!is_needed && !is_on(rules, PL_RULE_ADDRESS_MISSING)) ||
               fail(v, PL_RULE_ADDRESS_MISSING, shape->address,
                    "a ChannelType without an Address");
    return which == PL_RULES_CHANNELS ||
           check_channel_address(rules, which, address, shape->address, phone,
                                 v);
}

/* How much of an endpoint's 15 KB a row takes: names and values. */
static bool check_size(const struct pl_csv_shape *shape,
                       const struct pl_csv_record *r, struct pl_csv_verdict *v)
{
    size_t bytes = 0;

    for (size_t i = 0; i < r->count; i++)
        if (!shape->is_dropped[i] && !r->cells[i].is_null)
            bytes += shape->name_lens[i] + r->cells[i].len;
    if (bytes <= PL_TARGET_ENDPOINT_MAX)
        return true;
    (void)fail(v, PL_RULE_ENDPOINT_SIZE, SIZE_MAX, NULL);
    v->number = bytes;
    return false;
}

static bool check_row(const struct pl_csv_shape *shape,
                      const struct pl_csv_rules *rules,
                      struct pl_csv_record *record, struct pl_csv_verdict *v)
{
    struct pl_csv_cell *cells = record->cells;
    const bool has_id = shape->id != SIZE_MAX;

    if (has_id && !has_text(&cells[shape->id]))
        return fail(v, PL_RULE_ID_MISSING, shape->id, "no Id");
    if (shape->channel != SIZE_MAX &&
        !check_address(shape, rules, &cells[shape->channel],
                       &cells[shape->address], !has_id, record->phone, v))
        return false;
    if (!has_id && shape->channel == SIZE_MAX &&
        (shape->key == SIZE_MAX || shape->key == shape->user_id) &&
        !has_text(&cells[shape->user_id]))
        return fail(v, PL_RULE_USER_ID_MISSING, shape->user_id,
                    "no User.UserId");
    return record->raw_len + shape->names_len <= PL_TARGET_ENDPOINT_MAX ||
           !is_on(rules, PL_RULE_ENDPOINT_SIZE) || check_size(shape, record, v);
}

static bool fail_malformed(const struct pl_csv_rules *rules,
                           const struct pl_csv_record *r,
                           struct pl_csv_verdict *v)
{
    const enum pl_jsonl_wrong wrong =
        rules->has_json ? pl_jsonl_wrong_of(r->raw, r->raw_len)
                        : PL_JSONL_RIGHT;

    if (wrong == PL_JSONL_RIGHT)
        return fail(v, PL_RULE_MALFORMED_QUOTE, SIZE_MAX,
                    "a quote inside an unquoted cell, or text behind a "
                    "closing quote");
    return fail(v,
                wrong == PL_JSONL_EMPTY         ? PL_RULE_EMPTY_LINE
                : wrong == PL_JSONL_UNKNOWN_KEY ? PL_RULE_COLUMN_UNKNOWN
                                                : PL_RULE_MALFORMED_JSON,
                SIZE_MAX, pl_jsonl_words(wrong));
}

/* The bytes as a whole, before any cell is looked at. */
static bool check_bytes(const struct pl_csv_shape *shape,
                        const struct pl_csv_rules *rules,
                        const struct pl_csv_record *r, struct pl_csv_verdict *v)
{
    if (r->may_hold_controls && memchr(r->raw, '\0', r->raw_len) != NULL)
        return fail(v, PL_RULE_NUL_BYTE, SIZE_MAX, "a NUL byte");
    if (r->is_malformed)
        return fail_malformed(rules, r, v);
    if (r->may_be_no_utf8) {
        const size_t valid = pl_utf8_valid_len(r->raw, r->raw_len);

        if (valid != r->raw_len) {
            (void)fail(v, PL_RULE_UTF8, SIZE_MAX,
                       rules->has_json ? "a value that is not UTF-8" : NULL);
            v->number = valid;
            return false;
        }
    }
    if (r->count == 0)
        return fail(v, PL_RULE_EMPTY_LINE, SIZE_MAX, "an empty line");
    if (r->count != shape->count) {
        (void)fail(v, PL_RULE_COLUMN_COUNT, SIZE_MAX, NULL);
        v->number = r->count;
        return false;
    }
    return true;
}

bool pl_rules_cell(const struct pl_csv_shape *shape,
                   const struct pl_csv_rules *rules, size_t column,
                   bool may_hold_controls, struct pl_csv_cell *cell,
                   struct pl_csv_verdict *verdict)
{
    if (may_hold_controls && !clean_controls(rules, cell, column, verdict))
        return false;
    return clean(shape, rules, cell, column, verdict) &&
           (!has_text(cell) ||
            (check_value(rules, shape->columns[column].kind, cell, column,
                         verdict) &&
             check_length(shape, rules, cell, column, verdict)));
}

void pl_rules_judge(const struct pl_csv_shape *shape,
                    const struct pl_csv_rules *rules,
                    struct pl_csv_record *record,
                    struct pl_csv_verdict *verdict)
{
    *verdict =
        (struct pl_csv_verdict){.rule = PL_RULE_NONE, .column = SIZE_MAX};
    if (!check_bytes(shape, rules, record, verdict))
        return;
    for (size_t i = 0; i < record->count; i++)
        if (!shape->is_dropped[i] &&
            !pl_rules_cell(shape, rules, i, record->may_hold_controls,
                           &record->cells[i], verdict))
            return;
    (void)check_row(shape, rules, record, verdict);
}

/* The columns that say whose row it is. */
static size_t find_whose(const struct pl_csv_shape *shape, size_t columns[2])
{
    const size_t channel = shape->channel;
    const size_t address = shape->address;

    if (shape->id == SIZE_MAX && channel != SIZE_MAX && address != SIZE_MAX) {
        columns[0] = channel < address ? channel : address;
        columns[1] = channel < address ? address : channel;
        return 2;
    }
    columns[0] = shape->id != SIZE_MAX ? shape->id : shape->user_id;
    return columns[0] != SIZE_MAX ? 1 : 0;
}

size_t pl_rules_whose(const struct pl_csv_shape *shape,
                      const struct pl_csv_rules *rules,
                      struct pl_csv_record *record, size_t columns[2])
{
    const size_t count =
        record->count == shape->count ? find_whose(shape, columns) : 0;
    struct pl_csv_verdict ignored = {.column = SIZE_MAX};

    for (size_t i = 0; i < count; i++) {
        struct pl_csv_cell *cell = &record->cells[columns[i]];

        if (!has_text(cell) || memchr(cell->data, '\0', cell->len) != NULL ||
            pl_utf8_valid_len(cell->data, cell->len) != cell->len)
            return 0;
        (void)pl_rules_cell(shape, rules, columns[i], true, cell, &ignored);
        if (!has_text(cell))
            return 0;
    }
    if (count == 2)
        (void)check_address(shape, rules, &record->cells[shape->channel],
                            &record->cells[shape->address], true, record->phone,
                            &ignored);
    return count;
}

void pl_rules_detail(const struct pl_csv_shape *shape,
                     const struct pl_csv_verdict *v,
                     struct pl_rules_words *words)
{
    *words = (struct pl_rules_words){.after = ""};
    if (v->detail != NULL) {
        words->before = v->detail;
        return;
    }
    switch ((int)v->rule) {
    case PL_RULE_UTF8:
        words->before = "not UTF-8 at byte ";
        words->after = " of the record";
        break;
    case PL_RULE_COLUMN_COUNT:
        words->before = "";
        words->after = " columns, the header has ";
        words->has_second = true;
        words->second = shape->count;
        break;
    case PL_RULE_ATTRIBUTE_LENGTH:
        words->before = "";
        words->after = " characters, the most is ";
        words->has_second = true;
        words->second = shape->value_max;
        break;
    case PL_RULE_ENDPOINT_SIZE:
        words->before = "";
        words->after = " bytes of names and values, the most is ";
        words->has_second = true;
        words->second = PL_TARGET_ENDPOINT_MAX;
        break;
    default:
        words->before = "";
        return;
    }
    words->has_first = true;
    words->first = v->number;
}
