#include "stages/profiles_import/columns.h"

#include <string.h>

#define BOM "\xEF\xBB\xBF"

static bool is_cell(const struct pl_csv_cell *cell, const char *text)
{
    return cell->len == strlen(text) &&
           memcmp(cell->data, text, cell->len) == 0;
}

static int check_name(const struct profiles_part *part,
                      const struct pl_csv_record *header, size_t i,
                      struct pl_err *err)
{
    const struct pl_csv_cell *cell = &header->cells[i];

    if (i == 0 && cell->len >= strlen(BOM) &&
        memcmp(cell->data, BOM, strlen(BOM)) == 0)
        return pl_fail(err, PL_DATA_INVALID,
                       "'%s' begins with a byte-order mark, which the service "
                       "takes for a part of the header",
                       part->data.uri);
    if (cell->len == 0 || memchr(cell->data, '.', cell->len) != NULL)
        return pl_fail(err, PL_DATA_INVALID,
                       "'%s', column %zu: a header must have a name without a "
                       "dot",
                       part->data.uri, i + 1);
    return 0;
}

int profiles_columns_read(struct profiles_columns *columns,
                          const struct profiles_run *run,
                          const struct profiles_part *part,
                          struct profiles_rows *rows, struct pl_err *err)
{
    struct pl_csv_record header;
    const int rc = profiles_rows_next(rows, &header, err);

    if (rc < 0)
        return -1;
    if (rc == 0 || header.is_malformed || header.count == 0)
        return pl_fail(err, PL_DATA_INVALID, "'%s' has no header",
                       part->data.uri);
    for (size_t i = 0; i < header.count; i++)
        if (check_name(part, &header, i, err) != 0)
            return -1;
    columns->width = header.count;
    for (size_t f = 0; f < run->field_count; f++) {
        size_t at = 0;

        columns->at[f] = SIZE_MAX;
        if (!profiles_has_field(part, f))
            continue;
        while (at < header.count &&
               !is_cell(&header.cells[at], run->fields[f].header))
            at++;
        if (at == header.count)
            return pl_fail(err, PL_DATA_INVALID, "'%s' has no column '%s'",
                           part->data.uri, run->fields[f].header);
        columns->at[f] = at;
    }
    return 0;
}
