#include "pipeline/csv/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/text.h"

/* Distinct values by HyperLogLog with 2^12 registers, read with O. Ertl's
 * improved estimator ("New cardinality estimation algorithms for HyperLogLog
 * sketches", 2017): standard error 1.04 / 2^6 = 1.6 %. */
#define SKETCH_BITS 12
#define SKETCH_SIZE (1 << SKETCH_BITS)
#define SKETCH_RANKS (64 - SKETCH_BITS + 1)

/* The few values of a column, while they are few. */
#define FEW_PLACES ((size_t)1024)
#define FEW_BYTES ((size_t)1 << 20) /* of the values of a column together */
struct few {
    uint64_t hash;
    uint64_t count;
    size_t at; /* in texts */
    size_t len;
};

struct pl_csv_tally_column {
    uint64_t filled;
    uint64_t null;
    uint64_t empty;
    uint64_t longest; /* characters */
    bool is_unique;   /* the Id: values are as many as cells */
    bool has_top;
    struct few *few; /* NULL: there are many */
    size_t few_count;
    struct pl_buf texts;
    unsigned char sketch[SKETCH_SIZE];
};

/* The same in every run, so that estimates are. */
static const struct pl_csv_hash_key hash_key = {
    {UINT64_C(0x243F6A8885A308D3), UINT64_C(0x13198A2E03707344),
     UINT64_C(0xA4093822299F31D0), UINT64_C(0x082EFA98EC4E6C89)}};

/* Values of people's own, and what they are known by, are nobody's business;
 * measures are not counted. */
static bool may_show(const struct pl_csv_shape *shape,
                     const struct pl_column *c)
{
    if (shape->key != SIZE_MAX &&
        strcmp(c->name, shape->columns[shape->key].name) == 0)
        return false;
    switch (c->kind) {
    case PL_COLUMN_CHANNEL:
    case PL_COLUMN_ATTRIBUTE:
    case PL_COLUMN_USER_ATTRIBUTE:
    case PL_COLUMN_OPT_OUT:
    case PL_COLUMN_LOCALE:
    case PL_COLUMN_TIME_ZONE:
        return true;
    case PL_COLUMN_TEXT:
        return pl_starts_with(c->name, "Demographic.");
    case PL_COLUMN_ID:
    case PL_COLUMN_ADDRESS:
    case PL_COLUMN_USER_ID:
    case PL_COLUMN_METRIC:
    case PL_COLUMN_COUNTRY:
    case PL_COLUMN_LATITUDE:
    case PL_COLUMN_LONGITUDE:
    case PL_COLUMN_EFFECTIVE_DATE:
        break;
    }
    return false;
}

int pl_csv_tally_open(struct pl_csv_tally *t, const struct pl_csv_shape *shape,
                      struct pl_err *err)
{
    t->columns = calloc(shape->count, sizeof(*t->columns));
    if (t->columns == NULL)
        return pl_fail_memory(err);
    t->count = shape->count;
    for (size_t i = 0; i < t->count; i++) {
        struct pl_csv_tally_column *c = &t->columns[i];

        c->is_unique = i == shape->id;
        c->has_top = may_show(shape, &shape->columns[i]);
        if (!c->has_top)
            continue;
        c->few = calloc(FEW_PLACES, sizeof(*c->few));
        if (c->few == NULL)
            return pl_fail_memory(err);
    }
    return 0;
}

void pl_csv_tally_release(struct pl_csv_tally *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->columns[i].few);
        pl_buf_release(&t->columns[i].texts);
    }
    free(t->columns);
}

static void sketch(struct pl_csv_tally_column *c, uint64_t hash)
{
    unsigned char *at = &c->sketch[hash >> (64 - SKETCH_BITS)];
    const unsigned char rank =
        (unsigned char)(__builtin_clzll((hash << SKETCH_BITS) |
                                        (1 << (SKETCH_BITS - 1))) +
                        1);

    if (rank > *at)
        *at = rank;
}

static void forget_few(struct pl_csv_tally_column *c)
{
    for (size_t i = 0; i < FEW_PLACES; i++)
        if (c->few[i].count > 0)
            sketch(c, c->few[i].hash);
    free(c->few);
    c->few = NULL;
    pl_buf_release(&c->texts);
}

static int count_few(struct pl_csv_tally_column *c, uint64_t hash,
                     const void *text, size_t len, uint64_t times,
                     struct pl_err *err)
{
    size_t i = hash & (FEW_PLACES - 1);
    struct few *few;

    for (;; i = (i + 1) & (FEW_PLACES - 1)) {
        few = &c->few[i];
        if (few->count == 0)
            break;
        if (few->hash == hash && few->len == len &&
            memcmp(c->texts.data + few->at, text, len) == 0) {
            few->count += times;
            return 0;
        }
    }
    if (c->few_count == PL_CSV_FEW || len > FEW_BYTES - c->texts.len) {
        forget_few(c);
        sketch(c, hash);
        return 0;
    }
    *few = (struct few){hash, times, c->texts.len, len};
    c->few_count++;
    return pl_buf_add(&c->texts, text, len, err);
}

static int count_value(struct pl_csv_tally_column *c, const void *text,
                       size_t len, struct pl_err *err)
{
    uint64_t hash;

    if (len > c->longest) {
        const size_t characters = pl_utf8_count(text, len);

        if (characters > c->longest)
            c->longest = characters;
    }
    if (c->is_unique)
        return 0;
    hash = pl_csv_hash(&hash_key, text, len);
    if (c->few != NULL)
        return count_few(c, hash, text, len, 1, err);
    sketch(c, hash);
    return 0;
}

static int count_cell(struct pl_csv_tally_column *c, const void *text,
                      size_t len, bool is_null, struct pl_err *err)
{
    c->null += is_null;
    c->filled += len > 0;
    c->empty += len == 0 && !is_null;
    return len > 0 ? count_value(c, text, len, err) : 0;
}

/* A row with patches, cell by cell. */
static int add_patched(struct pl_csv_tally *t, const struct pl_csv_work *w,
                       size_t *patch, struct pl_err *err)
{
    const struct pl_csv_chunk *c = &w->chunk;
    const uint32_t row = w->patches[*patch].row;
    const uint32_t *ends = c->index.ends + c->firsts[row];
    const bool is_out = row < c->row_count && c->states[row] == 0;

    for (size_t column = 0; column < t->count; column++) {
        const struct pl_csv_patch *p = &w->patches[*patch];
        const bool is_patched =
            *patch < w->patch_count && p->row == row && p->column == column;
        const uint32_t begin = ends[(ptrdiff_t)column - 1] + 1;
        const uint32_t quote = c->data[begin] == '"';
        const void *text = is_patched
                               ? (const void *)(w->patch_text.data + p->at)
                               : c->data + begin + quote;
        const size_t len =
            is_patched ? p->len : ends[column] - begin - 2 * quote;

        *patch += is_patched;
        if (is_out &&
            count_cell(&t->columns[column], text, len, len == 0, err) != 0)
            return -1;
    }
    return 0;
}

/* The rows that stand as they are: a list of them, without patched ones. */
static void list_plain(struct pl_csv_work *w)
{
    size_t count = 0;
    size_t patch = 0;

    for (size_t i = 0; i < w->fast_count; i++) {
        const uint32_t row = w->fast_rows[i];

        while (patch < w->patch_count && w->patches[patch].row < row)
            patch++;
        w->fast_rows[count] = row;
        w->fast_firsts[count] = w->fast_firsts[i];
        count += row < w->chunk.row_count && w->chunk.states[row] == 0 &&
                 (patch == w->patch_count || w->patches[patch].row != row);
    }
    w->fast_count = count;
}

/* A column of rows. "" is looked at, or means NULL. */
static int add_column(struct pl_csv_tally_column *c, const unsigned char *data,
                      const uint32_t *ends, const uint32_t *firsts,
                      size_t count, struct pl_err *err)
{
    uint64_t filled = 0;

    for (size_t i = 0; i < count; i++) {
        const uint32_t *end = ends + firsts[i];
        const uint32_t begin = end[-1] + 1;
        const uint32_t quote = data[begin] == '"';
        const size_t len = *end - begin - 2 * quote;

        if (len == 0)
            continue;
        filled++;
        if (c->few == NULL && !c->is_unique && len <= c->longest)
            sketch(c, pl_csv_hash(&hash_key, data + begin + quote, len));
        else if (count_value(c, data + begin + quote, len, err) != 0)
            return -1;
    }
    c->filled += filled;
    c->null += count - filled;
    return 0;
}

static int add_fast(struct pl_csv_tally *t, struct pl_csv_work *w,
                    struct pl_err *err)
{
    const size_t step = pl_csv_rows_at_once(&w->chunk);

    list_plain(w);
    for (size_t from = 0; from < w->fast_count; from += step) {
        const size_t left = w->fast_count - from;

        for (size_t column = 0; column < t->count; column++)
            if (add_column(&t->columns[column], w->chunk.data,
                           w->chunk.index.ends + column, w->fast_firsts + from,
                           left < step ? left : step, err) != 0)
                return -1;
    }
    for (size_t patch = 0; patch < w->patch_count;)
        if (add_patched(t, w, &patch, err) != 0)
            return -1;
    return 0;
}

#define NULL_LEN UINT32_MAX

int pl_csv_tally_keep(struct pl_buf *kept, const struct pl_csv_cell *cells,
                      size_t count, struct pl_err *err)
{
    for (size_t i = 0; i < count; i++) {
        const uint32_t len =
            cells[i].is_null ? NULL_LEN : (uint32_t)cells[i].len;

        if (pl_buf_add(kept, &len, sizeof(len), err) != 0 ||
            (len != NULL_LEN && pl_buf_add(kept, cells[i].data, len, err) != 0))
            return -1;
    }
    return 0;
}

static int add_kept(struct pl_csv_tally *t, const struct pl_csv_work *w,
                    struct pl_err *err)
{
    const char *at = w->kept_cells.data;

    for (size_t i = 0; i < w->kept.count; i++) {
        const uint32_t row = w->kept.list[i].row;
        const bool is_out =
            row < w->chunk.row_count && w->chunk.states[row] == PL_CSV_KEPT;

        for (size_t column = 0; column < t->count; column++) {
            struct pl_csv_tally_column *c = &t->columns[column];
            uint32_t len;

            memcpy(&len, at, sizeof(len));
            at += sizeof(len);
            if (is_out && count_cell(c, at, len == NULL_LEN ? 0 : len,
                                     len == NULL_LEN, err) != 0)
                return -1;
            at += len == NULL_LEN ? 0 : len;
        }
    }
    return 0;
}

int pl_csv_tally_add(struct pl_csv_tally *t, struct pl_csv_work *w,
                     struct pl_err *err)
{
    return add_fast(t, w, err) != 0 ? -1 : add_kept(t, w, err);
}

int pl_csv_tally_merge(struct pl_csv_tally *t, const struct pl_csv_tally *other,
                       struct pl_err *err)
{
    for (size_t i = 0; i < t->count; i++) {
        struct pl_csv_tally_column *to = &t->columns[i];
        const struct pl_csv_tally_column *from = &other->columns[i];

        to->filled += from->filled;
        to->null += from->null;
        to->empty += from->empty;
        if (from->longest > to->longest)
            to->longest = from->longest;
        for (size_t k = 0; k < SKETCH_SIZE; k++)
            if (from->sketch[k] > to->sketch[k])
                to->sketch[k] = from->sketch[k];
        if (from->few == NULL) {
            if (to->few != NULL)
                forget_few(to);
            continue;
        }
        for (size_t k = 0; k < FEW_PLACES; k++) {
            const struct few *few = &from->few[k];

            if (few->count == 0)
                continue;
            if (to->few == NULL)
                sketch(to, few->hash);
            else if (count_few(to, few->hash, from->texts.data + few->at,
                               few->len, few->count, err) != 0)
                return -1;
        }
    }
    return 0;
}

static double sigma(double x)
{
    double y = 1;
    double z = x;
    double before;

    if (x >= 1)
        return HUGE_VAL;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z > before);
    return z;
}

static double tau(double x)
{
    double y = 1;
    double z = 1 - x;
    double before;

    if (x <= 0 || x >= 1)
        return 0;
    do {
        x = sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (z < before);
    return z / 3;
}

static uint64_t estimate(const unsigned char *registers)
{
    const double m = SKETCH_SIZE;
    unsigned ranks[SKETCH_RANKS + 1] = {0};
    double z;

    for (size_t i = 0; i < SKETCH_SIZE; i++)
        ranks[registers[i]]++;
    z = m * tau(1 - ranks[SKETCH_RANKS] / m);
    for (size_t k = SKETCH_RANKS - 1; k >= 1; k--)
        z = 0.5 * (z + ranks[k]);
    z += m * sigma(ranks[0] / m);
    return (uint64_t)(m * m / (2 * log(2) * z) + 0.5);
}

static int by_count(const struct few *a, const struct few *b, const char *texts)
{
    const size_t len = a->len < b->len ? a->len : b->len;
    int order;

    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    order = memcmp(texts + a->at, texts + b->at, len);
    return order != 0 ? order : a->len < b->len ? -1 : 1;
}

/* The most frequent first; of equal ones the first by its bytes. */
static int take_top(const struct pl_csv_tally_column *c,
                    struct pl_csv_column *to, struct pl_err *err)
{
    const struct few *best[PL_CSV_TOP];
    size_t count = 0;

    for (size_t i = 0; i < FEW_PLACES; i++) {
        const struct few *few = &c->few[i];
        size_t at = count;

        if (few->count == 0)
            continue;
        while (at > 0 && by_count(few, best[at - 1], c->texts.data) < 0)
            at--;
        if (at == PL_CSV_TOP)
            continue;
        if (count < PL_CSV_TOP)
            count++;
        memmove(&best[at + 1], &best[at], (count - 1 - at) * sizeof(*best));
        best[at] = few;
    }
    for (size_t i = 0; i < count; i++) {
        char *text = strndup(c->texts.data + best[i]->at, best[i]->len);

        if (text == NULL)
            return pl_fail_memory(err);
        to->top[to->top_count++] = (struct pl_csv_value){text, best[i]->count};
    }
    return 0;
}

int pl_csv_tally_finish(const struct pl_csv_tally *t,
                        const struct pl_csv_shape *shape,
                        struct pl_csv_report *report, struct pl_err *err)
{
    report->columns = calloc(t->count, sizeof(*report->columns));
    if (report->columns == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; i < t->count; i++) {
        const struct pl_csv_tally_column *c = &t->columns[i];
        struct pl_csv_column *to = &report->columns[report->column_count];

        if (shape->is_dropped[i])
            continue;
        to->name = strdup(shape->columns[i].name);
        if (to->name == NULL)
            return pl_fail_memory(err);
        report->column_count++;
        to->filled = c->filled;
        to->null = c->null;
        to->empty = c->empty;
        to->longest = c->longest;
        to->is_estimate = !c->is_unique && c->few == NULL;
        to->distinct = c->is_unique     ? c->filled
                       : c->few != NULL ? c->few_count
                                        : estimate(c->sketch);
        if (c->few != NULL && take_top(c, to, err) != 0)
            return -1;
    }
    return 0;
}
