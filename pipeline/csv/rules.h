/*
 * rules.h - judges one record and brings its cells into their right form.
 * Every rule has a code that users see (docs/rules.md).
 */
#ifndef PL_CSV_RULES_H
#define PL_CSV_RULES_H

#include "pipeline/csv/reader.h"
#include "pipeline/csv/transform.h"

enum pl_rule {
    PL_RULE_NONE, /* the record is good */
    PL_RULE_MALFORMED_QUOTE,
    PL_RULE_MALFORMED_JSON,
    PL_RULE_COLUMN_UNKNOWN,
    PL_RULE_NUL_BYTE,
    PL_RULE_UTF8,
    PL_RULE_EMPTY_LINE,
    PL_RULE_COLUMN_COUNT,
    PL_RULE_CONTROL_CHARACTER,
    PL_RULE_LINE_BREAK,
    PL_RULE_EMPTY_STRING,
    PL_RULE_ID_MISSING,
    PL_RULE_ID_CHARACTER,
    PL_RULE_ID_DUPLICATE,
    PL_RULE_CHANNEL_MISSING,
    PL_RULE_CHANNEL_UNKNOWN,
    PL_RULE_ADDRESS_MISSING,
    PL_RULE_ADDRESS_PHONE,
    PL_RULE_ADDRESS_EMAIL,
    PL_RULE_ADDRESS_TOKEN,
    PL_RULE_ADDRESS_DUPLICATE,
    PL_RULE_USER_ID_MISSING,
    PL_RULE_USER_ENDPOINTS,
    PL_RULE_ENDPOINT_SIZE,
    PL_RULE_ATTRIBUTE_LENGTH,
    PL_RULE_NESTED_VALUE,
    PL_RULE_METRIC_NUMBER,
    PL_RULE_OPT_OUT,
    PL_RULE_COUNTRY,
    PL_RULE_LATITUDE,
    PL_RULE_LONGITUDE,
    PL_RULE_LOCALE,
    PL_RULE_TIME_ZONE,
    PL_RULE_EFFECTIVE_DATE,
    PL_RULE_KEY_MISSING, /* of profiles: pipeline/profile */
    PL_RULE_KEY_UNKNOWN,
    PL_RULE_COUNT
};

const char *pl_rule_code(enum pl_rule rule);
/* PL_RULE_NONE: no such code. */
enum pl_rule pl_rule_by_code(const char *code);
/* Whether a job may switch it off. */
bool pl_rule_can_be_off(enum pl_rule rule);

/* The channels that take an address (sources 1.3), and what kind. */
enum pl_address {
    PL_ADDRESS_EMAIL,
    PL_ADDRESS_PHONE,
    PL_ADDRESS_HEX,
    PL_ADDRESS_TOKEN,
    PL_ADDRESS_ANY
};
#define PL_RULES_CHANNELS 11
extern const struct pl_rules_channel {
    const char *name;
    enum pl_address address;
} pl_rules_channels[PL_RULES_CHANNELS];
/* The place of a name in its one right spelling; PL_RULES_CHANNELS: none. */
size_t pl_rules_channel(const char *name, size_t len);

/* The columns of a file and where the ones are that rules look at. */
struct pl_csv_shape {
    struct pl_column *columns; /* one for each column read */
    bool *is_dropped;          /* an unknown column, on request */
    size_t *name_lens;         /* bytes */
    size_t names_len;          /* of all columns together */
    size_t value_max;          /* characters of a value of an attribute ... */
    bool is_every_limited;     /* ... and of any other column */
    size_t count;
    size_t dropped; /* how many */
    size_t id;      /* indexes; SIZE_MAX: no such column */
    size_t channel;
    size_t address;
    size_t user_id;
    size_t key; /* what a profile is known by */
};

struct pl_csv_verdict {
    enum pl_rule rule;
    size_t column;      /* SIZE_MAX: of none */
    uint64_t number;    /* what pl_rules_detail words, or */
    const char *detail; /* never the cell itself */
};

/* Judges one cell by its column alone, as pl_rules_judge does. */
bool pl_rules_cell(const struct pl_csv_shape *shape,
                   const struct pl_csv_rules *rules, size_t column,
                   bool may_hold_controls, struct pl_csv_cell *cell,
                   struct pl_csv_verdict *verdict);
/* Judges; changes the cells in place (trimmed, upper case where due, ...). */
void pl_rules_judge(const struct pl_csv_shape *shape,
                    const struct pl_csv_rules *rules,
                    struct pl_csv_record *record,
                    struct pl_csv_verdict *verdict);
/* Of a record that was rejected brings the cells by which it is known (Id;
 * without one channel and address; or the user's id) into their right form;
 * their columns, in the order of the file. How many, 0 to 2: none where one of
 * them says nothing, or cannot be read. */
size_t pl_rules_whose(const struct pl_csv_shape *shape,
                      const struct pl_csv_rules *rules,
                      struct pl_csv_record *record, size_t columns[2]);
/* A verdict in words: before, first, after, second. They need no escapes in
 * JSON. */
struct pl_rules_words {
    const char *before;
    const char *after;
    uint64_t first;
    uint64_t second;
    bool has_first;
    bool has_second;
};
void pl_rules_detail(const struct pl_csv_shape *shape,
                     const struct pl_csv_verdict *verdict,
                     struct pl_rules_words *words);

#endif
