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
    PL_RULE_USER_ID_MISSING,
    PL_RULE_ATTRIBUTE_LENGTH,
    PL_RULE_METRIC_NUMBER,
    PL_RULE_OPT_OUT,
    PL_RULE_COUNTRY,
    PL_RULE_LATITUDE,
    PL_RULE_LONGITUDE,
    PL_RULE_COUNT
};

const char *pl_rule_code(enum pl_rule rule);

/* The columns of a file and where the ones are that rules look at. */
struct pl_csv_shape {
    struct pl_column *columns; /* one for each column read */
    bool *is_dropped;          /* an unknown column, on request */
    size_t count;
    size_t id; /* indexes; SIZE_MAX: no such column */
    size_t channel;
    size_t address;
    size_t user_id;
};

struct pl_csv_verdict {
    enum pl_rule rule;
    size_t column;    /* SIZE_MAX: of none */
    char detail[128]; /* never the cell itself */
};

/* Judges; changes the cells in place (trimmed, upper case where due, ...). */
void pl_rules_judge(const struct pl_csv_shape *shape,
                    const struct pl_csv_rules *rules,
                    struct pl_csv_record *record,
                    struct pl_csv_verdict *verdict);

/* A finite decimal number: [-+]digits[.digits][e[-+]digits]. */
bool pl_rules_is_number(const char *text, size_t len, double *value);

#endif
