#include "pipeline/csv/jsonl_record.h"

#include <stdlib.h>
#include <string.h>

typedef unsigned char byte;

enum kind {
    KIND_NULL,
    KIND_PLAIN,   /* as it stands */
    KIND_ESCAPED, /* a string with escapes */
    KIND_NESTED   /* the text of an array or an object: quotes are doubled */
};

void pl_jsonl_parser_release(struct pl_jsonl_parser *p)
{
    pl_jsonl_names_release(&p->names);
    pl_buf_release(&p->key);
    free(p->values);
    p->values = NULL;
}

/* Values of the record */

static int room_for_values(struct pl_jsonl_parser *j, struct pl_err *err)
{
    const size_t cap = j->names.cap;
    struct pl_jsonl_value *grown;

    if (j->names.count <= j->value_cap)
        return 0;
    grown = realloc(j->values, cap * sizeof(*grown));
    if (grown == NULL)
        return pl_fail_memory(err);
    memset(grown + j->value_cap, 0, (cap - j->value_cap) * sizeof(*grown));
    j->values = grown;
    j->value_cap = cap;
    return 0;
}

/* A key that is not the one expected; *column is PL_JSONL_NONE where there is
 * none. p is behind its quote. */
static int find_column(struct pl_jsonl_parser *j, const byte *p, size_t len,
                       bool has_escapes, size_t *column, struct pl_err *err)
{
    const char *key = (const char *)p;

    if (has_escapes) {
        pl_buf_reset(&j->key);
        j->key.max_bytes = SIZE_MAX;
        if (pl_buf_reserve(&j->key, len + PL_JSONL_PAD, err) != 0)
            return -1;
        len = pl_jsonl_decode(p, len, j->key.data, false);
        key = j->key.data;
    }
    *column = pl_jsonl_names_find(&j->names, key, len);
    if (*column != PL_JSONL_NONE || !j->is_learning)
        return 0;
    *column = j->names.count;
    if (pl_jsonl_names_add(&j->names, key, len, err) != 0)
        return -1;
    return room_for_values(j, err);
}

/* Absent keys are NULL: some further ones are tried before the table. */
#define AHEAD 4

/* The key at *at, which then is at the value; *wrong. */
static inline int read_key(struct pl_jsonl_parser *j, const byte **at,
                           const byte *end, size_t *column,
                           enum pl_jsonl_wrong *wrong, struct pl_err *err)
{
    const byte *p = *at;
    bool has_escapes = false;

    for (size_t i = *column + 1; i < j->names.count && i <= *column + AHEAD;
         i++) {
        size_t len;

        if (pl_jsonl_names_match(&j->names, i, p, end, &len)) {
            *column = i;
            *at = p + len;
            return 0;
        }
    }
    if (*p != '"') {
        (void)pl_jsonl_fail(wrong, PL_JSONL_SYNTAX, p);
        return 0;
    }
    p = pl_jsonl_text(p + 1, &has_escapes, wrong);
    if (p == NULL)
        return 0;
    if (find_column(j, *at + 1, (size_t)(p - *at) - 1, has_escapes, column,
                    err) != 0)
        return -1;
    p = pl_jsonl_blanks(p + 1);
    if (*p != ':')
        (void)pl_jsonl_fail(wrong, PL_JSONL_SYNTAX, p);
    else if (*column == PL_JSONL_NONE)
        *wrong = PL_JSONL_UNKNOWN_KEY;
    *at = p + 1;
    return 0;
}

static void take_non_finite(const struct pl_jsonl_parser *j, uint32_t *kind,
                            enum pl_jsonl_wrong *wrong)
{
    if (j->non_finite == PL_JSONL_NON_FINITE_REJECT)
        *wrong = PL_JSONL_NOT_FINITE;
    else if (j->non_finite == PL_JSONL_NON_FINITE_NULL)
        *kind = KIND_NULL;
}

static bool is_non_finite(const byte *p, size_t len)
{
    return len >= 3 && len <= 9 && pl_jsonl_non_finite(p) == len;
}

/* A value that is no string; *kind. */
static const byte *read_other(struct pl_jsonl_parser *j, const byte *p,
                              uint32_t *kind, enum pl_jsonl_wrong *wrong)
{
    const size_t len = pl_jsonl_non_finite(p);

    *kind = KIND_PLAIN;
    if (len > 0) {
        take_non_finite(j, kind, wrong);
        return p + len;
    }
    if (*p == '[' || *p == '{') {
        *kind = KIND_NESTED;
        return pl_jsonl_nested(p, &j->nesting, wrong);
    }
    if (*p == 'n')
        *kind = KIND_NULL;
    return pl_jsonl_scalar(p, wrong);
}

static inline const byte *read_value(struct pl_jsonl_parser *j,
                                     const byte *data, const byte *p,
                                     struct pl_jsonl_value *v,
                                     enum pl_jsonl_wrong *wrong)
{
    const byte *start = p;
    bool has_escapes = false;

    if (v->record == j->record) {
        *wrong = PL_JSONL_TWICE;
        return NULL;
    }
    if (*p == '"') {
        p = pl_jsonl_text(++start, &has_escapes, wrong);
        if (p == NULL)
            return NULL;
        v->kind = has_escapes ? KIND_ESCAPED : KIND_PLAIN;
        v->len = (uint32_t)(p - start);
        if (j->non_finite != PL_JSONL_NON_FINITE_KEEP &&
            is_non_finite(start, v->len))
            take_non_finite(j, &v->kind, wrong);
        p++;
    } else if (pl_jsonl_is_digit(*p)) {
        p = pl_jsonl_number(p, wrong);
        v->kind = KIND_PLAIN;
        v->len = (uint32_t)(p != NULL ? p - start : 0);
    } else {
        p = read_other(j, p, &v->kind, wrong);
        v->len = (uint32_t)(p != NULL ? p - start : 0);
    }
    v->record = j->record;
    v->at = (uint32_t)(start - data);
    return p;
}

static void begin(struct pl_jsonl_parser *j)
{
    if (++j->record != 0)
        return;
    memset(j->values, 0, j->value_cap * sizeof(*j->values));
    j->record = 1;
}

/* p is behind the brace. */
static int read_members(struct pl_jsonl_parser *j, const byte *data,
                        const byte *p, const byte *end,
                        enum pl_jsonl_wrong *wrong, struct pl_err *err)
{
    size_t column = PL_JSONL_NONE; /* the one before the first */

    p = pl_jsonl_blanks(p);
    while (*p != '}') {
        if (read_key(j, &p, end, &column, wrong, err) != 0)
            return -1;
        if (*wrong != PL_JSONL_RIGHT)
            return 0;
        p = read_value(j, data, pl_jsonl_blanks(p), &j->values[column], wrong);
        if (*wrong != PL_JSONL_RIGHT || p == NULL)
            return 0;
        p = pl_jsonl_blanks(p);
        if (*p == '}')
            break;
        if (*p != ',') {
            (void)pl_jsonl_fail(wrong, PL_JSONL_SYNTAX, p);
            return 0;
        }
        p = pl_jsonl_blanks(p + 1);
        if (*p == '}') {
            *wrong = PL_JSONL_SYNTAX;
            return 0;
        }
    }
    if (pl_jsonl_blanks(p + 1) != end)
        *wrong = PL_JSONL_BEHIND;
    return 0;
}

int pl_jsonl_read(struct pl_jsonl_parser *j, const unsigned char *data,
                  size_t len, enum pl_jsonl_wrong *wrong, struct pl_err *err)
{
    const byte *p = pl_jsonl_blanks(data);
    const byte *end = data + len;

    *wrong = PL_JSONL_RIGHT;
    if (room_for_values(j, err) != 0)
        return -1;
    begin(j);
    if (*p == '{')
        return read_members(j, data, p + 1, end, wrong, err);
    *wrong = p == end ? PL_JSONL_EMPTY : PL_JSONL_NO_OBJECT;
    return 0;
}

/* Writing */

/* Up to PL_JSONL_STEP bytes too many are read and written. */
static inline char *put_plain(char *to, const byte *from, size_t len)
{
    for (size_t i = 0; i < len; i += PL_JSONL_STEP)
        memcpy(to + i, from + i, PL_JSONL_STEP);
    return to + len;
}

static char *put_doubled(char *to, const byte *from, size_t len)
{
    const byte *end = from + len;
    const byte *quote;

    while ((quote = memchr(from, '"', (size_t)(end - from))) != NULL) {
        memcpy(to, from, (size_t)(quote + 1 - from));
        to += quote + 1 - from;
        *to++ = '"';
        from = quote + 1;
    }
    memcpy(to, from, (size_t)(end - from));
    return to + (end - from);
}

static inline char *put_value(char *to, const byte *data,
                              const struct pl_jsonl_value *v)
{
    const byte *from = data + v->at;

    *to++ = '"';
    if (v->kind == KIND_PLAIN)
        to = put_plain(to, from, v->len);
    else if (v->kind == KIND_ESCAPED)
        to += pl_jsonl_decode(from, v->len, to, true);
    else
        to = put_doubled(to, from, v->len);
    *to++ = '"';
    return to;
}

int pl_jsonl_write(const struct pl_jsonl_parser *j, const unsigned char *data,
                   size_t len, struct pl_buf *out, struct pl_err *err)
{
    const struct pl_jsonl_value *v = j->values;
    const struct pl_jsonl_value *last = v + j->names.count;
    char *to;

    if (pl_buf_reserve(out, 2 * len + 3 * j->names.count + PL_JSONL_PAD, err) !=
        0)
        return -1;
    to = out->data + out->len;
    for (; v < last; v++) {
        if (v->record == j->record && v->kind != KIND_NULL)
            to = put_value(to, data, v);
        *to++ = v + 1 < last ? ',' : '\n';
    }
    out->len = (size_t)(to - out->data);
    return 0;
}

int pl_jsonl_write_wrong(enum pl_jsonl_wrong wrong, const unsigned char *data,
                         size_t len, struct pl_buf *out, struct pl_err *err)
{
    if (pl_buf_adds(out, "?\"", err) != 0 ||
        pl_buf_addc(out, (char)('A' + (int)wrong), err) != 0 ||
        pl_buf_add(out, data, len, err) != 0)
        return -1;
    return pl_buf_addc(out, '\n', err);
}

enum pl_jsonl_wrong pl_jsonl_wrong_of(const char *raw, size_t len)
{
    const int wrong = len >= PL_JSONL_MARK_BYTES ? raw[2] - 'A' : 0;

    return wrong > 0 && wrong < PL_JSONL_WRONG_COUNT
               ? (enum pl_jsonl_wrong)wrong
               : PL_JSONL_RIGHT;
}

const char *pl_jsonl_words(enum pl_jsonl_wrong wrong)
{
    static const char *const all[PL_JSONL_WRONG_COUNT] = {
        [PL_JSONL_RIGHT] = "",
        [PL_JSONL_EMPTY] = "an empty line",
        [PL_JSONL_NO_OBJECT] = "no JSON object: a record begins with {",
        [PL_JSONL_CUT_OFF] = "the line ends inside the object",
        [PL_JSONL_SYNTAX] = "not JSON",
        [PL_JSONL_CONTROL] = "a control character inside a string",
        [PL_JSONL_ESCAPE] = "a backslash before what is no escape",
        [PL_JSONL_SURROGATE] =
            "half of a surrogate pair, which is no character",
        [PL_JSONL_NUMBER] = "not a number as JSON writes them",
        [PL_JSONL_DEEP] = "nested too deep",
        [PL_JSONL_BEHIND] = "something behind the object",
        [PL_JSONL_TWICE] = "the same key twice",
        [PL_JSONL_NOT_FINITE] =
            "NaN or an infinity; non_finite says what becomes of them",
        [PL_JSONL_UNKNOWN_KEY] = "a key that is no column"};
    return all[wrong];
}

int pl_jsonl_write_name(const char *name, size_t len, bool is_first,
                        struct pl_buf *out, struct pl_err *err)
{
    char *to;

    if (pl_buf_reserve(out, 2 * len + 3, err) != 0)
        return -1;
    to = out->data + out->len;
    if (!is_first)
        *to++ = ',';
    *to++ = '"';
    to = put_doubled(to, (const unsigned char *)name, len);
    *to++ = '"';
    out->len = (size_t)(to - out->data);
    return 0;
}
