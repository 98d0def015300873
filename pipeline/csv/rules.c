#include "pipeline/csv/rules.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "pipeline/base/text.h"

static const char *const codes[PL_RULE_COUNT] = {
    [PL_RULE_NONE] = "none",
    [PL_RULE_MALFORMED_QUOTE] = "malformed-quote",
    [PL_RULE_NUL_BYTE] = "nul-byte",
    [PL_RULE_UTF8] = "utf8",
    [PL_RULE_EMPTY_LINE] = "empty-line",
    [PL_RULE_COLUMN_COUNT] = "column-count",
    [PL_RULE_CONTROL_CHARACTER] = "control-character",
    [PL_RULE_LINE_BREAK] = "line-break",
    [PL_RULE_EMPTY_STRING] = "empty-string",
    [PL_RULE_ID_MISSING] = "id-missing",
    [PL_RULE_ID_CHARACTER] = "id-character",
    [PL_RULE_ID_DUPLICATE] = "id-duplicate",
    [PL_RULE_CHANNEL_MISSING] = "channel-missing",
    [PL_RULE_CHANNEL_UNKNOWN] = "channel-unknown",
    [PL_RULE_ADDRESS_MISSING] = "address-missing",
    [PL_RULE_ADDRESS_PHONE] = "address-phone",
    [PL_RULE_ADDRESS_EMAIL] = "address-email",
    [PL_RULE_USER_ID_MISSING] = "user-id-missing",
    [PL_RULE_ATTRIBUTE_LENGTH] = "attribute-length",
    [PL_RULE_METRIC_NUMBER] = "metric-number",
    [PL_RULE_OPT_OUT] = "opt-out",
    [PL_RULE_COUNTRY] = "country",
    [PL_RULE_LATITUDE] = "latitude",
    [PL_RULE_LONGITUDE] = "longitude",
};

const char *pl_rule_code(enum pl_rule rule)
{
    return codes[rule];
}

static bool fail(struct pl_csv_verdict *v, enum pl_rule rule, size_t column,
                 const char *detail)
{
    v->rule = rule;
    v->column = column;
    (void)snprintf(v->detail, sizeof(v->detail), "%s", detail);
    return false;
}

static bool has_text(const struct pl_csv_cell *cell)
{
    return !cell->is_null && cell->len > 0;
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

static const char *read_digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* The grammar is checked here; strtod, which knows the locale, hex and "inf",
 * then only sees what it reads alike everywhere in the C locale. */
bool pl_rules_is_number(const char *text, size_t len, double *value)
{
    const char *end = text + len;
    const char *p = text;
    const char *whole;
    char copy[128];

    if (p < end && (*p == '-' || *p == '+'))
        p++;
    whole = p;
    p = read_digits(p, end);
    if (p == whole)
        return false;
    if (p < end && *p == '.') {
        const char *fraction = ++p;

        p = read_digits(p, end);
        if (p == fraction)
            return false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        const char *exponent;

        p++;
        if (p < end && (*p == '-' || *p == '+'))
            p++;
        exponent = p;
        p = read_digits(p, end);
        if (p == exponent)
            return false;
    }
    if (p != end || len >= sizeof(copy))
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    *value = strtod(copy, NULL);
    return isfinite(*value);
}

/* Runs of line breaks and tabs become one blank: aws-facts 1.4 allows none. */
static bool replace_breaks(struct pl_csv_cell *cell)
{
    size_t n = 0;
    bool is_changed = false;

    for (size_t i = 0; i < cell->len; i++) {
        const char c = cell->data[i];
        const bool is_break = c == '\n' || c == '\r' || c == '\t';

        if (is_break && is_changed && n > 0 && cell->data[n - 1] == ' ' &&
            i > 0 &&
            (cell->data[i - 1] == ' ' || cell->data[i - 1] == '\n' ||
             cell->data[i - 1] == '\r' || cell->data[i - 1] == '\t'))
            continue;
        cell->data[n++] = is_break ? ' ' : c;
        is_changed = is_changed || is_break;
    }
    cell->len = n;
    return is_changed;
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

/* What holds for every cell, whatever its column. */
static bool clean(const struct pl_csv_rules *rules, struct pl_csv_cell *cell,
                  size_t column, struct pl_csv_verdict *v)
{
    bool has_break = false;

    for (size_t i = 0; i < cell->len; i++) {
        const unsigned char c = (unsigned char)cell->data[i];

        if (c == '\n' || c == '\r' || c == '\t')
            has_break = true;
        else if (c < 0x20 || c == 0x7F)
            return fail(v, PL_RULE_CONTROL_CHARACTER, column,
                        "a control character");
    }
    if (has_break && rules->line_breaks == PL_CSV_BREAKS_REJECT)
        return fail(v, PL_RULE_LINE_BREAK, column, "a line break or tab");
    if (has_break)
        (void)replace_breaks(cell);
    trim(cell);
    if (cell->is_null || cell->len > 0)
        return true;
    if (rules->empty == PL_CSV_EMPTY_REJECT)
        return fail(v, PL_RULE_EMPTY_STRING, column,
                    "the empty string; NULL is written as nothing");
    if (rules->empty == PL_CSV_EMPTY_NULL)
        cell->is_null = true;
    return true;
}

static bool check_number(const struct pl_csv_cell *cell, size_t column,
                         enum pl_rule rule, double most,
                         struct pl_csv_verdict *v)
{
    double value;

    if (!has_text(cell))
        return true;
    if (!pl_rules_is_number(cell->data, cell->len, &value))
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

static bool check_country(struct pl_csv_cell *cell, size_t column,
                          struct pl_csv_verdict *v)
{
    if (!has_text(cell))
        return true;
    upper(cell);
    if (cell->len != 2 || cell->data[0] < 'A' || cell->data[0] > 'Z' ||
        cell->data[1] < 'A' || cell->data[1] > 'Z')
        return fail(v, PL_RULE_COUNTRY, column,
                    "not a country code of two letters (ISO 3166-1)");
    return true;
}

static bool check_opt_out(struct pl_csv_cell *cell, size_t column,
                          struct pl_csv_verdict *v)
{
    if (!has_text(cell))
        return true;
    upper(cell);
    if (!is_word(cell, "ALL") && !is_word(cell, "NONE"))
        return fail(v, PL_RULE_OPT_OUT, column, "neither ALL nor NONE");
    return true;
}

static bool check_value(enum pl_column_kind kind, struct pl_csv_cell *cell,
                        size_t column, struct pl_csv_verdict *v)
{
    char detail[64];

    switch (kind) {
    case PL_COLUMN_ID:
        return check_id(cell, column, v);
    case PL_COLUMN_ATTRIBUTE:
    case PL_COLUMN_USER_ATTRIBUTE:
        if (cell->len <= PL_TARGET_VALUE_MAX ||
            pl_utf8_count(cell->data, cell->len) <= PL_TARGET_VALUE_MAX)
            return true;
        (void)snprintf(
            detail, sizeof(detail), "%zu characters, at most %d are taken",
            pl_utf8_count(cell->data, cell->len), PL_TARGET_VALUE_MAX);
        return fail(v, PL_RULE_ATTRIBUTE_LENGTH, column, detail);
    case PL_COLUMN_METRIC:
        return check_number(cell, column, PL_RULE_METRIC_NUMBER, 0, v);
    case PL_COLUMN_LATITUDE:
        return check_number(cell, column, PL_RULE_LATITUDE, 90, v);
    case PL_COLUMN_LONGITUDE:
        return check_number(cell, column, PL_RULE_LONGITUDE, 180, v);
    case PL_COLUMN_COUNTRY:
        return check_country(cell, column, v);
    case PL_COLUMN_OPT_OUT:
        return check_opt_out(cell, column, v);
    case PL_COLUMN_CHANNEL:
    case PL_COLUMN_ADDRESS:
    case PL_COLUMN_USER_ID:
    case PL_COLUMN_TEXT:
        return true;
    }
    return true;
}

/* +4915112345678 after blanks, dashes, brackets, dots are taken out. */
static bool normalize_phone(struct pl_csv_cell *cell)
{
    size_t n = 0;

    for (size_t i = 0; i < cell->len; i++)
        if (strchr(" -().", cell->data[i]) == NULL)
            cell->data[n++] = cell->data[i];
    cell->len = n;
    if (n < 3 || n > 16 || cell->data[0] != '+' || cell->data[1] == '0')
        return false;
    for (size_t i = 1; i < n; i++)
        if (cell->data[i] < '0' || cell->data[i] > '9')
            return false;
    return true;
}

/* One @, a local part of at most 64 bytes, a domain with a dot, no blanks; at
 * most 254 bytes (aws-facts 1.3). The domain in lower case. */
static bool normalize_email(struct pl_csv_cell *cell)
{
    const char *at = memchr(cell->data, '@', cell->len);
    size_t local;

    if (at == NULL || cell->len > 254)
        return false;
    local = (size_t)(at - cell->data);
    if (local == 0 || local > 64 || cell->len - local < 4 ||
        memchr(at + 1, '@', cell->len - local - 1) != NULL ||
        memchr(cell->data, ' ', cell->len) != NULL ||
        memchr(at + 1, '.', cell->len - local - 1) == NULL || at[1] == '.' ||
        cell->data[cell->len - 1] == '.')
        return false;
    for (size_t i = local + 1; i < cell->len; i++)
        if (cell->data[i] >= 'A' && cell->data[i] <= 'Z')
            cell->data[i] = (char)(cell->data[i] + ('a' - 'A'));
    return true;
}

static bool is_channel(const struct pl_csv_cell *cell)
{
    /* PUSH and IN_APP are in the service's list, but take no address */
    static const char *const channels[] = {"EMAIL",
                                           "SMS",
                                           "GCM",
                                           "APNS",
                                           "APNS_SANDBOX",
                                           "APNS_VOIP",
                                           "APNS_VOIP_SANDBOX",
                                           "ADM",
                                           "VOICE",
                                           "BAIDU",
                                           "CUSTOM"};

    for (size_t i = 0; i < PL_COUNT(channels); i++)
        if (is_word(cell, channels[i]))
            return true;
    return false;
}

static bool check_address(const struct pl_csv_shape *shape,
                          struct pl_csv_cell *channel,
                          struct pl_csv_cell *address, bool is_needed,
                          struct pl_csv_verdict *v)
{
    if (!is_needed && !has_text(channel) && !has_text(address))
        return true; /* an update by Id alone */
    if (!has_text(channel))
        return fail(v, PL_RULE_CHANNEL_MISSING, shape->channel,
                    "an Address without a ChannelType");
    upper(channel);
    if (!is_channel(channel))
        return fail(v, PL_RULE_CHANNEL_UNKNOWN, shape->channel,
                    "not a channel that takes an address");
    if (!has_text(address))
        return fail(v, PL_RULE_ADDRESS_MISSING, shape->address,
                    "a ChannelType without an Address");
    if ((is_word(channel, "SMS") || is_word(channel, "VOICE")) &&
        !normalize_phone(address))
        return fail(v, PL_RULE_ADDRESS_PHONE, shape->address,
                    "not a number in E.164 form (+ and 2 to 15 digits)");
    if (is_word(channel, "EMAIL") && !normalize_email(address))
        return fail(v, PL_RULE_ADDRESS_EMAIL, shape->address,
                    "not an e-mail address");
    return true;
}

static bool check_row(const struct pl_csv_shape *shape,
                      struct pl_csv_record *record, struct pl_csv_verdict *v)
{
    struct pl_csv_cell *cells = record->cells;
    const bool has_id = shape->id != SIZE_MAX;

    if (has_id && !has_text(&cells[shape->id]))
        return fail(v, PL_RULE_ID_MISSING, shape->id, "no Id");
    if (shape->channel != SIZE_MAX &&
        !check_address(shape, &cells[shape->channel], &cells[shape->address],
                       !has_id, v))
        return false;
    if (!has_id && shape->channel == SIZE_MAX &&
        !has_text(&cells[shape->user_id]))
        return fail(v, PL_RULE_USER_ID_MISSING, shape->user_id,
                    "no User.UserId");
    return true;
}

/* The bytes as a whole, before any cell is looked at. */
static bool check_bytes(const struct pl_csv_shape *shape,
                        const struct pl_csv_record *r, struct pl_csv_verdict *v)
{
    char detail[96];
    size_t valid;

    if (memchr(r->raw, '\0', r->raw_len) != NULL)
        return fail(v, PL_RULE_NUL_BYTE, SIZE_MAX, "a NUL byte");
    if (r->is_malformed)
        return fail(v, PL_RULE_MALFORMED_QUOTE, SIZE_MAX,
                    "a quote inside an unquoted cell, or text behind a "
                    "closing quote");
    valid = pl_utf8_valid_len(r->raw, r->raw_len);
    if (valid != r->raw_len) {
        (void)snprintf(detail, sizeof(detail),
                       "not UTF-8 at byte %zu of the record", valid);
        return fail(v, PL_RULE_UTF8, SIZE_MAX, detail);
    }
    if (r->count == 0)
        return fail(v, PL_RULE_EMPTY_LINE, SIZE_MAX, "an empty line");
    if (r->count != shape->count) {
        (void)snprintf(detail, sizeof(detail),
                       "%zu columns, the header has %zu", r->count,
                       shape->count);
        return fail(v, PL_RULE_COLUMN_COUNT, SIZE_MAX, detail);
    }
    return true;
}

void pl_rules_judge(const struct pl_csv_shape *shape,
                    const struct pl_csv_rules *rules,
                    struct pl_csv_record *record,
                    struct pl_csv_verdict *verdict)
{
    *verdict =
        (struct pl_csv_verdict){.rule = PL_RULE_NONE, .column = SIZE_MAX};
    if (!check_bytes(shape, record, verdict))
        return;
    for (size_t i = 0; i < record->count; i++) {
        if (shape->is_dropped[i])
            continue;
        if (!clean(rules, &record->cells[i], i, verdict) ||
            !check_value(shape->columns[i].kind, &record->cells[i], i, verdict))
            return;
    }
    (void)check_row(shape, record, verdict);
}
