#include "pipeline/profile/cells.h"

#include <stdlib.h>
#include <string.h>

void pl_profile_cells_release(struct pl_profile_cells *c)
{
    free(c->list);
    pl_buf_release(&c->text);
    c->list = NULL;
    c->count = c->cap = 0;
}

/* Takes the quotes off; returns where the cell ends in the row. */
static char *cut_quoted(struct pl_csv_cell *cell, char *at, char *end)
{
    char *to = at;

    cell->data = at++;
    while (at < end && (*at != '"' || (at + 1 < end && at[1] == '"'))) {
        at += *at == '"' ? 1 : 0;
        *to++ = *at++;
    }
    cell->len = (size_t)(to - cell->data);
    return at < end ? at + 1 : end;
}

int pl_profile_cut(struct pl_profile_cells *c, const char *row, size_t len,
                   struct pl_err *err)
{
    char *at;
    char *end;

    pl_buf_reset(&c->text);
    if (pl_buf_add(&c->text, row, len, err) != 0)
        return -1;
    at = c->text.data;
    end = at + len;
    for (c->count = 0;; c->count++, at++) {
        struct pl_csv_cell *cell;

        if (c->count == c->cap) {
            const size_t cap = c->cap * 2 + 32;
            struct pl_csv_cell *grown = realloc(c->list, cap * sizeof(*grown));

            if (grown == NULL)
                return pl_fail_memory(err);
            c->list = grown;
            c->cap = cap;
        }
        cell = &c->list[c->count];
        if (at < end && *at == '"') {
            at = cut_quoted(cell, at, end);
        } else {
            char *comma = memchr(at, ',', (size_t)(end - at));

            cell->data = at;
            at = comma != NULL ? comma : end;
            cell->len = (size_t)(at - cell->data);
        }
        cell->is_null = cell->len == 0;
        if (at >= end) {
            c->count++;
            return 0;
        }
    }
}
