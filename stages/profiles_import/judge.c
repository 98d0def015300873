#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/process.h"
#include "pipeline/base/text.h"
#include "stages/profiles_import/columns.h"
#include "stages/profiles_import/run.h"

#define ROWS_A_LOOK 4096 /* between two looks for a signal */

static int bad_row(const struct profiles_part *part, int64_t row,
                   const char *what, struct pl_err *err)
{
    return pl_fail(err, PL_DATA_INVALID, "'%s', row %" PRId64 ": %s",
                   part->data.uri, row, what);
}

static bool is_text(const struct pl_csv_cell *cell, const char *text)
{
    return cell->len == strlen(text) &&
           memcmp(cell->data, text, cell->len) == 0;
}

/* Who is in the result has the segment's value, who is gone has not. */
static int judge_tag(const struct profiles_run *run,
                     const struct profiles_part *part,
                     const struct profiles_columns *columns,
                     const struct pl_csv_record *record, int64_t row,
                     struct pl_err *err)
{
    const size_t at = columns->at[run->tag];

    if (at == SIZE_MAX)
        return bad_row(part, row, "without the segment's column", err);
    if (is_text(&record->cells[at], run->set.segment.value) != part->is_gone)
        return 0;
    return bad_row(part, row,
                   part->is_gone
                       ? "the segment's value, and the row is a gone one"
                       : "the segment's column has another value than "
                         "'import.segment.value'",
                   err);
}

static int judge_row(const struct profiles_run *run,
                     const struct profiles_part *part,
                     const struct profiles_columns *columns,
                     const struct pl_csv_record *record, int64_t row,
                     struct pl_err *err)
{
    const struct pl_csv_cell *key;

    if (record->is_malformed || record->count != columns->width)
        return bad_row(part, row, "not as many columns as the header", err);
    key = &record->cells[columns->at[run->key]];
    if (key->len == 0 || pl_utf8_valid_len(key->data, key->len) != key->len ||
        pl_utf8_count(key->data, key->len) > PL_CUSTOMER_VALUE_MAX)
        return bad_row(part, row, "the key must have 1 to 255 characters", err);
    return run->set.segment.name[0] != '\0'
               ? judge_tag(run, part, columns, record, row, err)
               : 0;
}

static int keep_key(struct profiles_run *run, const struct pl_csv_cell *key,
                    struct pl_err *err)
{
    char *copy = malloc(key->len + 1);

    if (copy == NULL)
        return pl_fail_memory(err);
    memcpy(copy, key->data, key->len);
    copy[key->len] = '\0';
    run->keys[run->key_count++] = copy;
    return 0;
}

/* Whether this of all rows is in the sample: spread evenly over them. */
static bool is_due(const struct profiles_run *run, int64_t row)
{
    const int64_t size =
        run->set.sample_keys < run->rows ? run->set.sample_keys : run->rows;

    return (int64_t)run->key_count < size &&
           row == (int64_t)((double)run->key_count * (double)run->rows /
                            (double)size);
}

static int judge_rows(struct profiles_run *run,
                      const struct profiles_part *part,
                      struct profiles_rows *rows,
                      const struct profiles_columns *columns, int64_t first,
                      bool is_sampled, struct pl_err *err)
{
    struct pl_csv_record record;
    int64_t row = 0;
    int rc;

    while ((rc = profiles_rows_next(rows, &record, err)) == 1) {
        row++;
        if (judge_row(run, part, columns, &record, row, err) != 0 ||
            (row % ROWS_A_LOOK == 0 && pl_stop_check(err) != 0))
            return -1;
        if (is_sampled && is_due(run, first + row - 1) &&
            keep_key(run, &record.cells[columns->at[run->key]], err) != 0)
            return -1;
    }
    if (rc != 0)
        return -1;
    if (row != part->data.rows)
        return pl_fail(err, PL_DATA_INVALID,
                       "'%s' has %" PRId64 " rows, the manifest says %" PRId64,
                       part->data.uri, row, part->data.rows);
    return pl_reader_verify(&rows->reader, part->data.crc64nvme, err);
}

static int judge(struct profiles_run *run, const struct profiles_part *part,
                 int64_t first, bool is_sampled, struct pl_err *err)
{
    PL_AUTO(profiles_rows) rows = {.reader = {.fd = -1}};
    struct profiles_columns columns;

    if (is_sampled && run->keys == NULL) {
        run->keys = calloc((size_t)run->set.sample_keys + 1, sizeof(char *));
        if (run->keys == NULL)
            return pl_fail_memory(err);
    }
    if (profiles_rows_open(&rows, part->data.uri, run->aws, err) != 0)
        return -1;
    if (rows.reader.bytes >= 0 && rows.reader.bytes != part->data.bytes)
        return pl_fail(err, PL_DATA_INVALID,
                       "'%s' has %" PRId64 " bytes, the manifest says %" PRId64,
                       part->data.uri, rows.reader.bytes, part->data.bytes);
    if (profiles_columns_read(&columns, run, part, &rows, err) != 0)
        return -1;
    return judge_rows(run, part, &rows, &columns, first, is_sampled, err);
}

int profiles_judge_all(struct profiles_run *run, bool is_first,
                       struct pl_err *err)
{
    const bool is_sampled = is_first && run->set.sample_keys > 0 &&
                            run->set.max_unknown_percent < 100;
    int64_t first = 0;

    for (size_t i = 0; i < run->part_count; i++) {
        const struct profiles_part *part = &run->parts[i];

        if ((!part->has_job || part->job.is_created) &&
            judge(run, part, first, is_sampled, err) != 0)
            return -1;
        first += part->data.rows;
    }
    return is_sampled ? profiles_look_up(run, err) : 0;
}
