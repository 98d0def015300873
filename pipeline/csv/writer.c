#include "pipeline/csv/writer.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/text.h"
#include "pipeline/csv/jsonl.h"

/* All appending below is into room that was reserved for the longest case. */

static void put(struct pl_buf *out, const void *data, size_t len)
{
    memcpy(out->data + out->len, data, len);
    out->len += len;
}

static void puts_(struct pl_buf *out, const char *text)
{
    put(out, text, strlen(text));
}

static void putc_(struct pl_buf *out, char c)
{
    out->data[out->len++] = c;
}

static void put_number(struct pl_buf *out, uint64_t n)
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222"
        "32425262728293031323334353637383940414243444546"
        "47484950515253545556575859606162636465666768697"
        "07172737475767778798081828384858687888990919293"
        "949596979899";
    char text[20];
    size_t at = sizeof(text);

    for (; n >= 10; n /= 100)
        memcpy(text + (at -= 2), pairs + 2 * (n % 100), 2);
    if (n > 0 || at == sizeof(text))
        text[--at] = (char)('0' + n);
    put(out, text + at, sizeof(text) - at);
}

/* CSV */

/* Whether one of eight bytes is what; now and then it is said of a byte above
 * it, too, where one below it is. */
static uint64_t holds(uint64_t word, unsigned char what)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t zeros = word ^ (ones * what);

    return (zeros - ones) & ~zeros & (ones * 0x80);
}

static bool needs_quotes(const char *text, size_t len)
{
    size_t i = 0;

    for (; i + 8 <= len; i += 8) {
        uint64_t word;

        memcpy(&word, text + i, sizeof(word));
        if ((holds(word, ',') | holds(word, '"') | holds(word, '\n') |
             holds(word, '\r')) != 0)
            return true;
    }
    for (; i < len; i++)
        if (text[i] == ',' || text[i] == '"' || text[i] == '\n' ||
            text[i] == '\r')
            return true;
    return len == 0;
}

/* At most 2 * len + 2 bytes. */
static void put_csv(struct pl_buf *out, const char *text, size_t len)
{
    const char *end = text + len;
    const char *quote;

    if (!needs_quotes(text, len)) {
        put(out, text, len);
        return;
    }
    putc_(out, '"');
    while ((quote = memchr(text, '"', (size_t)(end - text))) != NULL) {
        put(out, text, (size_t)(quote + 1 - text));
        putc_(out, '"');
        text = quote + 1;
    }
    put(out, text, (size_t)(end - text));
    putc_(out, '"');
}

int pl_csv_write_cell(const struct pl_csv_cell *cell, struct pl_buf *out,
                      struct pl_err *err)
{
    if (pl_buf_reserve(out, 2 * cell->len + 2, err) != 0)
        return -1;
    if (!cell->is_null)
        put_csv(out, cell->data, cell->len);
    return 0;
}

static int write_csv_row(const struct pl_csv_shape *shape,
                         const struct pl_csv_record *record, struct pl_buf *out,
                         struct pl_err *err)
{
    bool is_first = true;

    if (pl_buf_reserve(out,
                       2 * record->raw_len + 3 * shape->count + PL_PHONE_BYTES,
                       err) != 0)
        return -1;
    for (size_t i = 0; i < shape->count; i++) {
        const struct pl_csv_cell *cell = &record->cells[i];

        if (shape->is_dropped[i])
            continue;
        if (!is_first)
            putc_(out, ',');
        if (cell->len > 0 && !record->may_need_quotes)
            put(out, cell->data, cell->len);
        else if (!cell->is_null)
            put_csv(out, cell->data, cell->len);
        is_first = false;
    }
    putc_(out, '\n');
    return 0;
}

int pl_csv_write_header(const struct pl_csv_config *cfg,
                        const struct pl_csv_shape *shape, struct pl_buf *out,
                        struct pl_err *err)
{
    bool is_first = true;

    if (cfg->format == PL_CSV_OUT_JSON)
        return 0;
    if (pl_buf_reserve(out, 2 * shape->names_len + 3 * shape->count + 1, err) !=
        0)
        return -1;
    for (size_t i = 0; i < shape->count; i++) {
        if (shape->is_dropped[i])
            continue;
        if (!is_first)
            putc_(out, ',');
        put_csv(out, shape->columns[i].name, shape->name_lens[i]);
        is_first = false;
    }
    putc_(out, '\n');
    return 0;
}

/* JSON */

struct pl_csv_json_column {
    size_t column;
    size_t group;     /* of json_groups */
    const char *name; /* behind the group's */
    bool is_array;
    bool is_number;
};

static const char *const json_groups[] = {
    "",      "Attributes.",         "Metrics.", "Location.", "Demographic.",
    "User.", "User.UserAttributes."};

static size_t group_of(const char *name)
{
    size_t best = 0;

    for (size_t i = 1; i < PL_COUNT(json_groups); i++)
        if (pl_starts_with(name, json_groups[i]))
            best = i; /* the longer one is later */
    return best;
}

static int by_group(const void *va, const void *vb)
{
    const struct pl_csv_json_column *a = va;
    const struct pl_csv_json_column *b = vb;
    int order;

    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    order = a->is_array && b->is_array ? strcmp(a->name, b->name) : 0;
    if (order != 0)
        return order;
    return a->column < b->column ? -1 : 1;
}

int pl_csv_json_plan(const struct pl_csv_shape *shape,
                     struct pl_csv_json_plan *plan, struct pl_err *err)
{
    plan->columns = calloc(shape->count + 1, sizeof(*plan->columns));
    if (plan->columns == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; i < shape->count; i++) {
        const struct pl_column *c = &shape->columns[i];
        const size_t group = group_of(c->name);

        if (shape->is_dropped[i])
            continue;
        plan->columns[plan->count++] = (struct pl_csv_json_column){
            .column = i,
            .group = group,
            .name = c->name + strlen(json_groups[group]),
            .is_array = c->is_multi,
            .is_number = c->kind == PL_COLUMN_METRIC ||
                         c->kind == PL_COLUMN_LATITUDE ||
                         c->kind == PL_COLUMN_LONGITUDE};
    }
    qsort(plan->columns, plan->count, sizeof(*plan->columns), by_group);
    return 0;
}

void pl_csv_json_plan_release(struct pl_csv_json_plan *plan)
{
    free(plan->columns);
}

/* JSON knows neither a plus nor zeros in front. */
static void put_json_number(struct pl_buf *out, const char *text, size_t len)
{
    if (len > 0 && *text == '-')
        putc_(out, '-');
    if (len > 0 && (*text == '-' || *text == '+')) {
        text++;
        len--;
    }
    while (len > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9') {
        text++;
        len--;
    }
    put(out, text, len);
}

static int put_json_value(const struct pl_csv_json_column *c,
                          const struct pl_csv_cell *cell, struct pl_buf *out,
                          struct pl_err *err)
{
    if (!c->is_number || cell->len == 0)
        return pl_json_quote(out, cell->data, cell->len, err);
    if (pl_buf_reserve(out, cell->len + 2, err) != 0)
        return -1;
    put_json_number(out, cell->data, cell->len);
    return 0;
}

/* How many objects a group stands in. */
static size_t depth_of(size_t group)
{
    return group == 0 ? 0 : group == PL_COUNT(json_groups) - 1 ? 2 : 1;
}

/* From one group's object into another's: User's own object is open while
 * UserAttributes stands in it. */
static int change_group(size_t *open, size_t group, bool *is_first,
                        struct pl_buf *out, struct pl_err *err)
{
    const size_t user = PL_COUNT(json_groups) - 2;
    const size_t inner = PL_COUNT(json_groups) - 1;
    const bool stays = *open == user && group == inner;

    if (*open == group)
        return 0;
    for (size_t i = depth_of(*open); !stays && i > 0; i--)
        if (pl_buf_addc(out, '}', err) != 0)
            return -1;
    if (group != 0 || *open != 0) {
        if (!*is_first && pl_buf_addc(out, ',', err) != 0)
            return -1;
        if (group == inner && !stays &&
            pl_buf_adds(out, "\"User\":{", err) != 0)
            return -1;
        if (pl_buf_addf(out, err, "\"%.*s\":{",
                        group == inner ? (int)strlen("UserAttributes")
                                       : (int)strlen(json_groups[group]) - 1,
                        group == inner ? "UserAttributes"
                                       : json_groups[group]) != 0)
            return -1;
        *is_first = true;
    }
    *open = group;
    return 0;
}

static int write_json_row(const struct pl_csv_json_plan *plan,
                          const struct pl_csv_record *record,
                          struct pl_buf *out, struct pl_err *err)
{
    size_t open = 0;
    bool is_first = true;

    if (pl_buf_addc(out, '{', err) != 0)
        return -1;
    for (size_t i = 0; i < plan->count; i++) {
        const struct pl_csv_json_column *c = &plan->columns[i];
        const struct pl_csv_cell *cell;
        bool is_more = false; /* a value of the array was written */
        size_t last = i;

        while (c->is_array && last + 1 < plan->count &&
               plan->columns[last + 1].group == c->group &&
               strcmp(plan->columns[last + 1].name, c->name) == 0)
            last++;
        for (size_t k = i; k <= last; k++) {
            const struct pl_csv_json_column *one = &plan->columns[k];

            cell = &record->cells[one->column];
            if (cell->is_null)
                continue;
            if (!is_more &&
                (change_group(&open, c->group, &is_first, out, err) != 0 ||
                 (!is_first && pl_buf_addc(out, ',', err) != 0) ||
                 pl_json_quote(out, c->name, strlen(c->name), err) != 0 ||
                 pl_buf_adds(out, c->is_array ? ":[" : ":", err) != 0))
                return -1;
            if ((is_more && pl_buf_addc(out, ',', err) != 0) ||
                put_json_value(one, cell, out, err) != 0)
                return -1;
            is_more = true;
            is_first = false;
        }
        if (is_more && c->is_array && pl_buf_addc(out, ']', err) != 0)
            return -1;
        i = last;
    }
    for (size_t i = depth_of(open) + 1; i > 0; i--)
        if (pl_buf_addc(out, '}', err) != 0)
            return -1;
    return pl_buf_addc(out, '\n', err);
}

int pl_csv_write_row(const struct pl_csv_config *cfg,
                     const struct pl_csv_shape *shape,
                     const struct pl_csv_json_plan *plan,
                     const struct pl_csv_record *record, struct pl_buf *out,
                     struct pl_err *err)
{
    return cfg->format == PL_CSV_OUT_JSON
               ? write_json_row(plan, record, out, err)
               : write_csv_row(shape, record, out, err);
}

/* Rejects */

/* At most 6 * len + 2 * PL_CSV_PAD bytes. Kernels read and write beyond the
 * end, so that the last block is escaped in a copy. */
static void put_escaped(struct pl_buf *out, const struct pl_csv_kernel *kernel,
                        const char *text, size_t len)
{
    unsigned char copy[64 + PL_CSV_PAD];
    const size_t whole = len / 64 * 64;

    out->len += kernel->escape((unsigned char *)out->data + out->len,
                               (const unsigned char *)text,
                               whole > 64 ? whole - 64 : 0);
    for (size_t at = whole > 64 ? whole - 64 : 0; at < len; at += 64) {
        const size_t n = len - at < 64 ? len - at : 64;

        memset(copy, 0, 64);
        memcpy(copy, text + at, n);
        out->len +=
            kernel->escape((unsigned char *)out->data + out->len, copy, n);
    }
}

static int put_json_text(struct pl_buf *out, const struct pl_csv_kernel *kernel,
                         const char *text, size_t len, bool may_be_no_utf8,
                         struct pl_err *err)
{
    if (may_be_no_utf8 && pl_utf8_valid_len(text, len) != len)
        return pl_json_quote(out, text, len, err);
    if (pl_buf_reserve(out, 6 * len + 4 * (size_t)PL_CSV_PAD, err) != 0)
        return -1;
    putc_(out, '"');
    put_escaped(out, kernel, text, len);
    putc_(out, '"');
    return 0;
}

/* The key of the row, as far as there is one: NULL where not. */
static const struct pl_csv_cell *key_of(const struct pl_csv_shape *shape,
                                        const struct pl_csv_record *record)
{
    const size_t at = shape->id != SIZE_MAX        ? shape->id
                      : shape->key != SIZE_MAX     ? shape->key
                      : shape->address != SIZE_MAX ? shape->address
                                                   : shape->user_id;

    return record->count == shape->count && !record->cells[at].is_null
               ? &record->cells[at]
               : NULL;
}

/* The record as it was read; of a line that is no JSON the line. */
static const char *raw_of(const struct pl_csv_config *cfg,
                          const struct pl_csv_record *record, size_t *len)
{
    const size_t skip =
        cfg->rules.has_json && record->is_malformed ? PL_JSONL_MARK_BYTES : 0;

    *len = record->raw_len - skip;
    return record->raw + skip;
}

/* At most DETAIL_BYTES. */
#define DETAIL_BYTES 512
static void put_detail(const struct pl_csv_shape *shape,
                       const struct pl_csv_verdict *v, struct pl_buf *out)
{
    struct pl_rules_words words;

    pl_rules_detail(shape, v, &words);
    puts_(out, words.before);
    if (words.has_first)
        put_number(out, words.first);
    puts_(out, words.after);
    if (words.has_second)
        put_number(out, words.second);
}

/* All but the key and the raw record: names have at most 6 * 160 bytes. */
#define REJECT_BYTES (DETAIL_BYTES + 2048)

static int write_json_reject(const struct pl_csv_config *cfg,
                             const struct pl_csv_kernel *kernel,
                             const struct pl_csv_shape *shape,
                             const struct pl_csv_place *place,
                             const struct pl_csv_record *record,
                             const struct pl_csv_verdict *v, struct pl_buf *out,
                             struct pl_err *err)
{
    const struct pl_csv_cell *key = key_of(shape, record);

    if (pl_buf_reserve(out, REJECT_BYTES, err) != 0)
        return -1;
    puts_(out, "{\"record\":");
    put_number(out, place->number);
    if (place->source != NULL) {
        puts_(out, ",\"source\":");
        if (pl_json_quote(out, place->source, strlen(place->source), err) !=
                0 ||
            pl_buf_reserve(out, REJECT_BYTES, err) != 0)
            return -1;
    }
    puts_(out, ",\"line\":");
    put_number(out, place->line);
    if (place->source == NULL) {
        puts_(out, ",\"offset\":");
        put_number(out, place->offset);
    }
    puts_(out, ",\"key\":");
    if (key == NULL)
        puts_(out, "null");
    else if (put_json_text(out, kernel, key->data, key->len,
                           record->may_be_no_utf8, err) != 0)
        return -1;
    if (pl_buf_reserve(out, REJECT_BYTES, err) != 0)
        return -1;
    puts_(out, ",\"column\":");
    if (v->column == SIZE_MAX) {
        puts_(out, "null");
    } else {
        putc_(out, '"');
        put_escaped(out, kernel, shape->columns[v->column].name,
                    shape->name_lens[v->column]);
        putc_(out, '"');
    }
    puts_(out, ",\"rule\":\"");
    puts_(out, pl_rule_code(v->rule));
    puts_(out, "\",\"detail\":\"");
    put_detail(shape, v, out);
    putc_(out, '"');
    if (cfg->has_raw) {
        size_t len;
        const char *raw = raw_of(cfg, record, &len);

        puts_(out, ",\"raw\":");
        if (put_json_text(out, kernel, raw, len, record->may_be_no_utf8, err) !=
                0 ||
            pl_buf_reserve(out, 2, err) != 0)
            return -1;
    }
    puts_(out, "}\n");
    return 0;
}

static int add_csv(struct pl_buf *out, const char *text, size_t len,
                   struct pl_err *err)
{
    if (pl_buf_reserve(out, 2 * len + 3, err) != 0)
        return -1;
    putc_(out, ',');
    put_csv(out, text, len);
    return 0;
}

static int write_csv_reject(const struct pl_csv_config *cfg,
                            const struct pl_csv_shape *shape,
                            const struct pl_csv_place *place,
                            const struct pl_csv_record *record,
                            const struct pl_csv_verdict *v, struct pl_buf *out,
                            struct pl_err *err)
{
    const struct pl_csv_cell *key = key_of(shape, record);
    PL_AUTO(pl_buf) detail = PL_BUF_INIT;
    const char *code = pl_rule_code(v->rule);

    if (pl_buf_reserve(out, 128, err) != 0 ||
        pl_buf_reserve(&detail, DETAIL_BYTES, err) != 0)
        return -1;
    put_detail(shape, v, &detail);
    put_number(out, place->number);
    if (place->source != NULL &&
        (add_csv(out, place->source, strlen(place->source), err) != 0 ||
         pl_buf_reserve(out, 128, err) != 0))
        return -1;
    putc_(out, ',');
    put_number(out, place->line);
    if (place->source == NULL) {
        putc_(out, ',');
        put_number(out, place->offset);
    }
    if (key == NULL)
        putc_(out, ',');
    else if (add_csv(out, key->data, key->len, err) != 0)
        return -1;
    if (v->column == SIZE_MAX) {
        if (pl_buf_addc(out, ',', err) != 0)
            return -1;
    } else if (add_csv(out, shape->columns[v->column].name,
                       shape->name_lens[v->column], err) != 0) {
        return -1;
    }
    if (add_csv(out, code, strlen(code), err) != 0 ||
        add_csv(out, detail.data, detail.len, err) != 0)
        return -1;
    if (cfg->has_raw) {
        size_t len;
        const char *raw = raw_of(cfg, record, &len);

        if (add_csv(out, raw, len, err) != 0)
            return -1;
    }
    return pl_buf_addc(out, '\n', err);
}

int pl_csv_write_reject(const struct pl_csv_config *cfg,
                        const struct pl_csv_kernel *kernel,
                        const struct pl_csv_shape *shape,
                        const struct pl_csv_place *place,
                        const struct pl_csv_record *record,
                        const struct pl_csv_verdict *verdict,
                        struct pl_buf *out, struct pl_err *err)
{
    return cfg->rejects_format == PL_CSV_REJECTS_CSV
               ? write_csv_reject(cfg, shape, place, record, verdict, out, err)
               : write_json_reject(cfg, kernel, shape, place, record, verdict,
                                   out, err);
}

/* An id with a line break was never a right one. */
int pl_csv_write_whose(const struct pl_csv_config *cfg,
                       const struct pl_csv_shape *shape,
                       struct pl_csv_record *record, struct pl_buf *out,
                       struct pl_err *err)
{
    size_t columns[2];
    const size_t count = pl_rules_whose(shape, &cfg->rules, record, columns);

    for (size_t i = 0; i < count; i++)
        if (memchr(record->cells[columns[i]].data, '\n',
                   record->cells[columns[i]].len) != NULL)
            return 0;
    for (size_t i = 0; i < count; i++)
        if (pl_csv_write_cell(&record->cells[columns[i]], out, err) != 0 ||
            pl_buf_addc(out, i + 1 < count ? ',' : '\n', err) != 0)
            return -1;
    return 0;
}

int pl_csv_write_reject_header(const struct pl_csv_config *cfg,
                               struct pl_buf *out, struct pl_err *err)
{
    if (cfg->rejects_format != PL_CSV_REJECTS_CSV)
        return 0;
    return pl_buf_addf(out, err, "record,%s,key,column,rule,detail%s\n",
                       cfg->origin != NULL ? "source,line" : "line,offset",
                       cfg->has_raw ? ",raw" : "");
}
