/*
 * jsonl_record.h - one line of JSON becomes one record of CSV as Athena writes
 * it: every value in quotes, NULL as nothing. An array or an object stays the
 * text that it is. JSON is what RFC 8259 says, and nothing else.
 */
#ifndef PL_CSV_JSONL_RECORD_H
#define PL_CSV_JSONL_RECORD_H

#include "pipeline/csv/jsonl_names.h"
#include "pipeline/csv/jsonl_scan.h"

struct pl_jsonl_value {
    uint32_t record; /* the one whose value this is */
    uint32_t kind;   /* enum kind of jsonl_record.c */
    uint32_t at;     /* in the line */
    uint32_t len;
};

struct pl_jsonl_parser {
    struct pl_jsonl_names names;
    struct pl_jsonl_value *values; /* one a column */
    size_t value_cap;
    uint32_t record; /* counts lines; never 0 while one is read */
    enum pl_jsonl_non_finite non_finite;
    bool is_learning;  /* keys that are new become columns */
    struct pl_buf key; /* one without its escapes */
    struct pl_jsonl_nesting nesting;
};
void pl_jsonl_parser_release(struct pl_jsonl_parser *parser);

/*
 * Reads the line at data; data[len] is its LF, PL_JSONL_PAD more can be read. *wrong is PL_JSONL_RIGHT when
 * it is an object of these columns. -1: out of memory, or too many columns.
 */
int pl_jsonl_read(struct pl_jsonl_parser *parser, const unsigned char *data,
                  size_t len, enum pl_jsonl_wrong *wrong,
                  struct pl_err *err) PL_MUST_CHECK;
/* Appends the record of the line that was read last. */
int pl_jsonl_write(const struct pl_jsonl_parser *parser,
                   const unsigned char *data, size_t len, struct pl_buf *out,
                   struct pl_err *err) PL_MUST_CHECK;
/* Appends one that the readers of CSV find malformed, for the line's sake. */
int pl_jsonl_write_wrong(enum pl_jsonl_wrong wrong, const unsigned char *data,
                         size_t len, struct pl_buf *out,
                         struct pl_err *err) PL_MUST_CHECK;
/* Appends a name to a header. */
int pl_jsonl_write_name(const char *name, size_t len, bool is_first,
                        struct pl_buf *out, struct pl_err *err) PL_MUST_CHECK;

#endif
