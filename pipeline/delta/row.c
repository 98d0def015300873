#include "pipeline/delta/row.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/text.h"

bool pl_delta_cell(const char **at, const char *end, struct pl_delta_cell *cell)
{
    const char *p = *at;

    if (p == NULL)
        return false;
    cell->text = p;
    if (p < end && *p == '"') {
        for (p++; p < end && (*p != '"' || (p + 1 < end && p[1] == '"')); p++)
            p += *p == '"';
        p += p < end;
    } else {
        const char *comma = memchr(p, ',', (size_t)(end - p));

        p = comma != NULL ? comma : end;
    }
    cell->len = (size_t)(p - cell->text);
    *at = p < end ? p + 1 : NULL;
    return true;
}

int pl_delta_unquote(const struct pl_delta_cell *cell, struct pl_buf *to,
                     struct pl_err *err)
{
    const char *p = cell->text;
    const char *end = p + cell->len;

    if (cell->len < 2 || *p != '"')
        return pl_buf_add(to, p, cell->len, err);
    if (pl_buf_reserve(to, cell->len, err) != 0)
        return -1;
    for (p++, end--; p < end; p++) {
        to->data[to->len++] = *p;
        p += *p == '"' && p + 1 < end && p[1] == '"';
    }
    return 0;
}

void pl_delta_columns_release(struct pl_delta_columns *c)
{
    for (size_t i = 0; c->names != NULL && i < c->count; i++)
        free(c->names[i]);
    free(c->names);
    pl_buf_release(&c->scratch);
    c->names = NULL;
}

/* What rows mean: of endpoints the whole header, of profiles their key. */
static void bind(struct pl_delta_columns *c, const char *text, size_t len)
{
    uint64_t out[2];

    pl_delta_row(&c->key, text, len, out);
    c->meaning = out[0];
    pl_delta_key_bind(&c->key, text, len);
}

static int keep_name(struct pl_delta_columns *c,
                     const struct pl_delta_cell *cell, struct pl_err *err)
{
    char **grown = realloc(c->names, (c->count + 1) * sizeof(*grown));

    if (grown == NULL)
        return pl_fail_memory(err);
    c->names = grown;
    grown[c->count] = strndup(cell->text, cell->len);
    return grown[c->count] != NULL ? 0 : pl_fail_memory(err);
}

static bool is_name(const struct pl_delta_cell *cell, const char *name)
{
    return cell->len == strlen(name) &&
           memcmp(cell->text, name, cell->len) == 0;
}

int pl_delta_columns_open(struct pl_delta_columns *c, enum pl_delta_rows kind,
                          bool is_folded, const struct pl_delta_key *key,
                          const char *header, size_t len, struct pl_err *err)
{
    size_t id = SIZE_MAX;
    size_t channel = SIZE_MAX;
    size_t address = SIZE_MAX;
    size_t user = SIZE_MAX;
    const char *at = header;
    struct pl_delta_cell cell;

    *c = (struct pl_delta_columns){.kind = kind, .key = *key};
    while (pl_delta_cell(&at, header + len, &cell)) {
        if (kind == PL_DELTA_PROFILES && keep_name(c, &cell, err) != 0)
            return -1;
        if (is_name(&cell, "Id"))
            id = c->count;
        else if (is_name(&cell, "ChannelType"))
            channel = c->count;
        else if (is_name(&cell, "Address"))
            address = c->count;
        else if (is_name(&cell, "User.UserId"))
            user = c->count;
        c->count++;
    }
    c->id[1] = SIZE_MAX;
    if (kind == PL_DELTA_PROFILES) {
        c->id[0] = 0;
        c->folds_case = is_folded;
        bind(c, c->names[0], strlen(c->names[0]));
        return 0;
    }
    if (id != SIZE_MAX) {
        c->id[0] = id;
        c->folds_case = true;
    } else if (channel != SIZE_MAX && address != SIZE_MAX) {
        c->id[0] = channel < address ? channel : address;
        c->id[1] = channel < address ? address : channel;
    } else if (user != SIZE_MAX) {
        c->id[0] = user;
    } else {
        return pl_fail(err, PL_INTERNAL_ERROR, "a header without an id");
    }
    bind(c, header, len);
    return 0;
}

/* The id into scratch: as it stands, so that quotes are a part of it; equal
 * ids have equal quotes. */
static int take_id(struct pl_delta_columns *c, const struct pl_delta_cell *cell,
                   struct pl_err *err)
{
    char *to;

    if (pl_buf_reserve(&c->scratch, cell->len + 1, err) != 0)
        return -1;
    to = c->scratch.data + c->scratch.len;
    memcpy(to, cell->text, cell->len);
    for (size_t i = 0; c->folds_case && i < cell->len; i++)
        to[i] = (char)(to[i] + ((unsigned char)(to[i] - 'A') < 26 ? 32 : 0));
    to[cell->len] = '\n';
    c->scratch.len += cell->len + 1;
    return 0;
}

int pl_delta_id_of(struct pl_delta_columns *c, const char *cells, size_t len,
                   uint64_t *id, struct pl_err *err)
{
    const char *at = cells;
    struct pl_delta_cell cell;

    pl_buf_reset(&c->scratch);
    while (pl_delta_cell(&at, cells + len, &cell))
        if (take_id(c, &cell, err) != 0)
            return -1;
    *id = pl_delta_id(&c->key, c->scratch.data, c->scratch.len);
    return 0;
}

static int print_profile(struct pl_delta_columns *c, const char *line,
                         size_t len, struct pl_delta_print *print,
                         struct pl_err *err)
{
    const char *at = line;
    struct pl_delta_cell cell;
    size_t column = 0;

    while (pl_delta_cell(&at, line + len, &cell)) {
        if (column == 0) {
            if (take_id(c, &cell, err) != 0)
                return -1;
            print->id = pl_delta_id(&c->key, c->scratch.data, c->scratch.len);
            pl_buf_reset(&c->scratch);
        }
        if (column >= c->count)
            return pl_fail(err, PL_INTERNAL_ERROR,
                           "a row has more cells than the header");
        if (cell.len > 0 &&
            (pl_buf_adds(&c->scratch, c->names[column], err) != 0 ||
             pl_buf_addc(&c->scratch, '=', err) != 0 ||
             pl_buf_add(&c->scratch, cell.text, cell.len, err) != 0 ||
             pl_buf_addc(&c->scratch, '\n', err) != 0))
            return -1;
        column++;
    }
    pl_delta_row(&c->key, c->scratch.data, c->scratch.len, print->row);
    return 0;
}

int pl_delta_print_of(struct pl_delta_columns *c, const char *line, size_t len,
                      struct pl_delta_print *print, struct pl_err *err)
{
    const char *at = line;
    struct pl_delta_cell cell;

    pl_buf_reset(&c->scratch);
    if (c->kind == PL_DELTA_PROFILES)
        return print_profile(c, line, len, print, err);
    for (size_t column = 0; pl_delta_cell(&at, line + len, &cell); column++) {
        if (column != c->id[0] && column != c->id[1])
            continue;
        if (take_id(c, &cell, err) != 0)
            return -1;
        if (c->id[1] == SIZE_MAX || column == c->id[1])
            break;
    }
    print->id = pl_delta_id(&c->key, c->scratch.data, c->scratch.len);
    pl_delta_row(&c->key, line, len, print->row);
    return 0;
}
