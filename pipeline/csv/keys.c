#include "pipeline/csv/keys.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/text.h"

#define GROUP 16
#define AHEAD 32 /* rows whose places are brought near */

_Static_assert(PL_TARGET_USER_MAX == PL_CSV_SIEVE_MOST,
               "counted as far as must be");

int pl_csv_keys_open(struct pl_csv_keys *k, const struct pl_csv_plan *plan,
                     struct pl_csv_store *store, struct pl_err *err)
{
    k->plan = plan;
    k->store = store;
    k->rows.number_bits = PL_CSV_SIEVE_NUMBER_BITS;
    k->addresses.number_bits = PL_CSV_SIEVE_NUMBER_BITS;
    k->earlier.reference = pl_csv_reference_open(err);
    k->later.reference = pl_csv_reference_open(err);
    return k->earlier.reference != NULL && k->later.reference != NULL ? 0 : -1;
}

void pl_csv_keys_release(struct pl_csv_keys *k)
{
    pl_csv_sieve_release(&k->rows);
    pl_csv_sieve_release(&k->addresses);
    pl_csv_sieve_release(&k->users);
    free(k->groups);
    pl_csv_reference_release(k->earlier.reference);
    pl_csv_reference_release(k->later.reference);
    free(k->index.ends);
    free(k->index.rows);
    free(k->index.marks);
    free(k->index.suspects);
}

/* Where the records begin, from which rows are found again. */
static int note_places(struct pl_csv_keys *k, const struct pl_csv_chunk *c,
                       struct pl_err *err)
{
    const size_t need = (size_t)((k->records + c->row_count) / GROUP + 2);

    if (need > k->group_cap) {
        const size_t cap = need + need / 2;
        uint64_t *grown = realloc(k->groups, cap * sizeof(*grown));

        if (grown == NULL)
            return pl_fail_memory(err);
        k->groups = grown;
        k->group_cap = cap;
    }
    for (size_t row =
             (size_t)((GROUP - (k->records & (GROUP - 1))) & (GROUP - 1));
         row < c->row_count; row += GROUP)
        k->groups[k->group_count++] = c->offset + pl_csv_row_start(c, row);
    k->records += c->row_count;
    if (k->records >> PL_CSV_SIEVE_NUMBER_BITS != 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "more than %" PRIu64 " records; --keys-memory lets "
                       "their keys go to temporary files",
                       (UINT64_C(1) << PL_CSV_SIEVE_NUMBER_BITS) - 1);
    return 0;
}

int pl_csv_keys_begin(struct pl_csv_keys *k, const struct pl_csv_chunk *c,
                      uint64_t rows, struct pl_err *err)
{
    if (note_places(k, c, err) != 0 ||
        pl_csv_sieve_grow(&k->rows, c->row_count, rows, err) != 0 ||
        (k->plan->has_addresses &&
         pl_csv_sieve_grow(&k->addresses, c->row_count, rows, err) != 0))
        return -1;
    return k->plan->has_users
               ? pl_csv_sieve_grow(&k->users, c->row_count, rows, err)
               : 0;
}

/* Reading again */

static int changed(struct pl_err *err)
{
    return pl_fail(err, PL_FILE_ERROR,
                   "the input changed while it was being read");
}

static int judge(struct pl_csv_keys *k, struct pl_csv_record *record,
                 struct pl_err *err)
{
    struct pl_csv_verdict verdict;

    pl_rules_judge(&k->plan->shape, &k->plan->cfg->rules, record, &verdict);
    return verdict.rule == PL_RULE_NONE ? 0 : changed(err);
}

/* The row that is being seen, as it stands in the file. */
static int read_later(struct pl_csv_keys *k, struct pl_csv_work *w, size_t row,
                      struct pl_err *err)
{
    if (pl_csv_read_again(w, row, k->later.reference, &k->later.record, err) !=
        0)
        return -1;
    return judge(k, &k->later.record, err);
}

static int room_for_index(struct pl_csv_index *x, size_t *cap, size_t len,
                          struct pl_err *err)
{
    void *memory[4] = {x->ends, x->rows, x->marks, x->suspects};
    const size_t sizes[4] = {sizeof(*x->ends), sizeof(*x->rows),
                             sizeof(*x->marks), sizeof(*x->suspects)};

    for (size_t i = 0; len > *cap && i < PL_COUNT(memory); i++) {
        void *grown = realloc(memory[i], (2 * len + PL_CSV_PAD) * sizes[i]);

        if (grown == NULL)
            return pl_fail_memory(err);
        memory[i] = grown;
        x->ends = memory[0];
        x->rows = memory[1];
        x->marks = memory[2];
        x->suspects = memory[3];
    }
    if (len > *cap)
        *cap = 2 * len;
    return 0;
}

/* Past the first skip records of data, as far as a kernel can tell. */
static int skip_records(struct pl_csv_keys *k, const char *data, size_t len,
                        unsigned skip, size_t *at, struct pl_err *err)
{
    struct pl_csv_index *x = &k->index;

    if (room_for_index(x, &k->index_cap, len, err) != 0)
        return -1;
    x->data = (const unsigned char *)data;
    x->at = 0;
    x->end = len;
    x->end_count = x->row_count = x->mark_count = x->suspect_count = 0;
    (void)k->plan->kernel->scan(x);
    *at = x->row_count >= skip ? skip > 0 ? (size_t)x->rows[skip - 1] + 1 : 0
                               : SIZE_MAX;
    return 0;
}

/* A row of a chunk, whose channel and address another one may have. */
struct raw_row {
    const char *text; /* NULL: nothing is known of its cells */
    const uint32_t *ends;
    size_t start; /* what they count from */
};

/* Whether the record behind skip others of the index has the channel and the
 * address of the row to the byte: then they mean the same, and need not be
 * taken apart. */
static bool is_same_raw(const struct pl_csv_keys *k, const struct raw_row *row,
                        const char *data, unsigned skip)
{
    const struct pl_csv_shape *s = &k->plan->shape;
    const struct pl_csv_index *x = &k->index;
    const size_t columns[] = {s->channel, s->address};
    const uint32_t *ends = x->ends + skip * s->count;

    if (row->text == NULL || x->row_count <= skip ||
        x->end_count < (skip + 1) * s->count ||
        ends[s->count - 1] != x->rows[skip] ||
        (skip > 0 && ends[-1] != x->rows[skip - 1]))
        return false;
    for (size_t i = 0; i < PL_COUNT(columns); i++) {
        const size_t column = columns[i];
        const size_t from =
            skip + column > 0 ? (size_t)ends[(ptrdiff_t)column - 1] + 1 : 0;
        const size_t begin =
            (size_t)row->ends[(ptrdiff_t)column - 1] + 1 - row->start;
        const size_t len = ends[column] - from;

        if (row->ends[column] - row->start - begin != len ||
            memcmp(row->text + begin, data + from, len) != 0)
            return false;
    }
    return true;
}

/* The record of that number: the group's first, and on to it. It is not cut
 * where it is the same as raw; *is_same then is set. */
static int reread_number(struct pl_csv_keys *k, uint64_t number,
                         const struct raw_row *raw, bool *is_same,
                         struct pl_csv_reread *r, struct pl_err *err)
{
    const size_t group = (size_t)((number - 1) / GROUP);
    const uint64_t offset = k->groups[group];
    unsigned skip = (unsigned)((number - 1) % GROUP);
    size_t want = group + 1 < k->group_count
                      ? (size_t)(k->groups[group + 1] - offset)
                      : 4096;

    for (;; want *= 2) {
        const char *data;
        size_t got;
        size_t at = 0;
        int64_t len = 0;

        if (pl_csv_store_at(k->store, offset, want, &data, &got, err) != 0)
            return -1;
        if (skip_records(k, data, got, skip, &at, err) != 0)
            return -1;
        *is_same = is_same_raw(k, raw, data, skip);
        if (*is_same)
            return 0;
        for (unsigned i = at == SIZE_MAX ? 0 : skip; i <= skip; i++) {
            if (i == 0)
                at = 0;
            at += (size_t)len;
            len = pl_csv_reference_next(r->reference, data + at, got - at,
                                        got < want, &r->record, err);
            if (len <= 0)
                break;
        }
        if (len < 0 || (len == 0 && got < want))
            return len < 0 ? -1 : changed(err);
        if (len > 0)
            return judge(k, &r->record, err);
    }
}

static bool is_same_text(const struct pl_csv_cell *a,
                         const struct pl_csv_cell *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static bool is_same_address(const struct pl_csv_shape *s,
                            const struct pl_csv_cell *a,
                            const struct pl_csv_cell *b)
{
    return is_same_text(&a[s->channel], &b[s->channel]) &&
           is_same_text(&a[s->address], &b[s->address]);
}

static bool is_same_key(const struct pl_csv_shape *s,
                        const struct pl_csv_cell *a,
                        const struct pl_csv_cell *b)
{
    if (s->id != SIZE_MAX)
        return pl_ieqn(a[s->id].data, a[s->id].len, b[s->id].data,
                       b[s->id].len);
    if (s->channel != SIZE_MAX)
        return is_same_address(s, a, b);
    return is_same_text(&a[s->user_id], &b[s->user_id]);
}

static bool is_same_row(const struct pl_csv_shape *s,
                        const struct pl_csv_cell *a,
                        const struct pl_csv_cell *b)
{
    for (size_t i = 0; i < s->count; i++)
        if (!s->is_dropped[i] && i != s->id &&
            (a[i].is_null != b[i].is_null || !is_same_text(&a[i], &b[i])))
            return false;
    return true;
}

/* Whether a row that is found is the one that is being looked for. */
typedef bool same_fn(const struct pl_csv_shape *, const struct pl_csv_cell *,
                     const struct pl_csv_cell *);

/* The row that is being seen, to be compared by its bytes. */
static int take_raw(struct pl_csv_work *w, size_t row, struct raw_row *raw,
                    struct pl_err *err)
{
    const struct pl_csv_chunk *c = &w->chunk;

    *raw = (struct raw_row){.ends = c->index.ends + c->firsts[row],
                            .start = pl_csv_row_start(c, row)};
    return c->states[row] == 0 ? pl_csv_row_as_read(w, row, &raw->text, err)
                               : 0;
}

/* Reads what the hash may be of, until a row is the same: its number, or 0. */
static int confirm(struct pl_csv_keys *k, const struct pl_csv_sieve *s,
                   struct pl_csv_work *w, size_t row, uint64_t hash,
                   same_fn *is_same, uint64_t *number, struct pl_err *err)
{
    const union pl_csv_sieve_slot *at = NULL;
    struct raw_row raw = {.text = NULL};

    while ((at = pl_csv_sieve_find(s, hash, at)) != NULL) {
        const uint64_t candidate = pl_csv_sieve_number(s, at);
        bool is_found = false;

        if ((is_same == is_same_address && !k->has_later &&
             take_raw(w, row, &raw, err) != 0) ||
            reread_number(k, candidate, &raw, &is_found, &k->earlier, err) != 0)
            return -1;
        if (!is_found && !k->has_later && read_later(k, w, row, err) != 0)
            return -1;
        if (!is_found) {
            k->has_later = true;
            raw.text = NULL;
            is_found = is_same(&k->plan->shape, k->earlier.record.cells,
                               k->later.record.cells);
        }
        if (is_found) {
            *number = candidate;
            return 0;
        }
    }
    return 0;
}

static inline int find_row(struct pl_csv_keys *k, const struct pl_csv_sieve *s,
                           struct pl_csv_work *w, size_t row, uint64_t hash,
                           same_fn *is_same, uint64_t *number,
                           struct pl_err *err)
{
    *number = 0;
    return confirm(k, s, w, row, hash, is_same, number, err);
}

/* Whether a user has as many endpoints as a user may have. */
static bool is_full(const struct pl_csv_sieve *users, uint64_t hash)
{
    const union pl_csv_sieve_slot *at = NULL;
    unsigned count = 0;

    if (pl_csv_sieve_most(users, hash) < PL_TARGET_USER_MAX)
        return false;
    while (count < PL_TARGET_USER_MAX &&
           (at = pl_csv_sieve_find(users, hash, at)) != NULL)
        count++;
    return count == PL_TARGET_USER_MAX;
}

static void word_verdict(const struct pl_csv_plan *plan, enum pl_rule rule,
                         struct pl_csv_verdict *v)
{
    const struct pl_csv_shape *s = &plan->shape;
    const bool is_last_kept =
        plan->cfg->rules.duplicates == PL_CSV_DUPLICATES_KEEP_LAST;

    *v = (struct pl_csv_verdict){.rule = rule};
    if (rule == PL_RULE_ID_DUPLICATE) {
        v->column = s->id != SIZE_MAX        ? s->id
                    : s->address != SIZE_MAX ? s->address
                                             : s->user_id;
        v->detail = is_last_kept
                        ? "the same key as a later row, with other values"
                        : "the same key as an earlier row, with other values";
    } else if (rule == PL_RULE_ADDRESS_DUPLICATE) {
        v->column = s->address;
        v->detail = "another row has the same channel and address, and the "
                    "service makes one of the two inactive";
    } else {
        v->column = s->user_id;
        v->detail = "the user has 15 endpoints in the file already";
    }
}

int pl_csv_keys_reject(struct pl_csv_keys *k, struct pl_csv_work *w, size_t row,
                       enum pl_rule rule, struct pl_csv_verdict *verdict,
                       struct pl_err *err)
{
    word_verdict(k->plan, rule, verdict);
    return read_later(k, w, row, err);
}

static int read_at(struct pl_csv_keys *k, uint64_t offset,
                   struct pl_csv_reread *r, struct pl_err *err)
{
    for (size_t want = 1024;; want *= 2) {
        const char *data;
        size_t got;
        int64_t len;

        if (pl_csv_store_at(k->store, offset, want, &data, &got, err) != 0)
            return -1;
        len = pl_csv_reference_next(r->reference, data, got, got < want,
                                    &r->record, err);
        if (len < 0)
            return -1;
        if (len > 0)
            return judge(k, &r->record, err);
        if (got < want)
            return changed(err);
    }
}

int pl_csv_keys_compare(struct pl_csv_keys *k, uint64_t earlier, uint64_t later,
                        enum pl_csv_same what, bool *is_same,
                        struct pl_err *err)
{
    static same_fn *const same[] = {[PL_CSV_SAME_KEY] = is_same_key,
                                    [PL_CSV_SAME_ADDRESS] = is_same_address,
                                    [PL_CSV_SAME_ROW] = is_same_row};

    if (read_at(k, earlier, &k->earlier, err) != 0 ||
        read_at(k, later, &k->later, err) != 0)
        return -1;
    *is_same = same[what](&k->plan->shape, k->earlier.record.cells,
                          k->later.record.cells);
    return 0;
}

uint64_t pl_csv_keys_bytes(const struct pl_csv_plan *plan, uint64_t rows)
{
    const unsigned sieves =
        1 + (unsigned)plan->has_addresses + (unsigned)plan->has_users;

    return pl_csv_sieve_bytes(rows) * sieves + rows / 2;
}

/* The row repeats what was there; keys->later is it. */
static int found(struct pl_csv_keys *k, struct pl_csv_work *w, size_t row,
                 enum pl_rule rule, enum pl_csv_seen *seen,
                 struct pl_csv_verdict *verdict, struct pl_err *err)
{
    *seen = PL_CSV_SEEN_REJECT;
    word_verdict(k->plan, rule, verdict);
    return k->has_later ? 0 : read_later(k, w, row, err);
}

static inline bool may_be_there(const struct pl_csv_keys *k,
                                const uint64_t hashes[3], bool has_address,
                                bool has_user)
{
    return pl_csv_sieve_may_have(&k->rows, hashes[0]) ||
           (has_address && pl_csv_sieve_may_have(&k->addresses, hashes[1])) ||
           (has_user &&
            pl_csv_sieve_most(&k->users, hashes[2]) == PL_TARGET_USER_MAX);
}

static inline void note(struct pl_csv_keys *k, const uint64_t hashes[3],
                        bool has_address, bool has_user)
{
    pl_csv_sieve_note(&k->rows, hashes[0]);
    if (has_address)
        pl_csv_sieve_note(&k->addresses, hashes[1]);
    if (has_user)
        pl_csv_sieve_note(&k->users, hashes[2]);
}

static inline int add(struct pl_csv_keys *k, const uint64_t hashes[3],
                      uint64_t number, bool has_address, bool has_user,
                      struct pl_err *err)
{
    if (pl_csv_sieve_add(&k->rows, hashes[0], number, err) != 0 ||
        (has_address &&
         pl_csv_sieve_add(&k->addresses, hashes[1], number, err) != 0))
        return -1;
    return has_user ? pl_csv_sieve_add(&k->users, hashes[2], 0, err) : 0;
}

/* A macro, since a function would be taken for one without effect, and left
 * out. */
#define FETCH(k, hashes, has_addresses, has_users) \
    do { \
        __builtin_prefetch(pl_csv_sieve_word(&(k)->rows, (hashes)[0]), 1); \
        if (has_addresses) \
            __builtin_prefetch( \
                pl_csv_sieve_word(&(k)->addresses, (hashes)[1]), 1); \
        if (has_users) \
            __builtin_prefetch(pl_csv_sieve_word(&(k)->users, (hashes)[2]), \
                               1); \
    } while (0)

/* Hashes of rows that are rejected are anything, but can be prefetched. */
static inline int sift(struct pl_csv_keys *k, struct pl_csv_work *w,
                       bool has_addresses, bool has_users, uint32_t *list,
                       size_t *count, struct pl_err *err)
{
    const struct pl_csv_chunk *c = &w->chunk;
    size_t n = 0;

    for (size_t row = 0; row < AHEAD && row < c->row_count; row++)
        FETCH(k, w->keys + 3 * row, has_addresses, has_users);
    for (size_t row = 0; row < c->row_count; row++) {
        const uint64_t *hashes = w->keys + 3 * row;
        const bool has_address = has_addresses && hashes[1] != 0;
        const bool has_user = has_users && hashes[2] != 0;
        bool is_listed;

        if (row + AHEAD < c->row_count)
            FETCH(k, hashes + (size_t)3 * AHEAD, has_addresses, has_users);
        if (c->states[row] == PL_CSV_REJECTED)
            continue;
        is_listed = may_be_there(k, hashes, has_address, has_user);
        note(k, hashes, has_address, has_user);
        if (is_listed)
            list[n++] = (uint32_t)row;
        else if (add(k, hashes, c->number + row, has_address, has_user, err) !=
                 0)
            return -1;
    }
    *count = n;
    return 0;
}

int pl_csv_keys_sift(struct pl_csv_keys *k, struct pl_csv_work *w,
                     uint32_t *list, size_t *count, struct pl_err *err)
{
    if (!k->plan->has_addresses && !k->plan->has_users)
        return sift(k, w, false, false, list, count, err);
    return sift(k, w, k->plan->has_addresses, k->plan->has_users, list, count,
                err);
}

int pl_csv_keys_see(struct pl_csv_keys *k, struct pl_csv_work *w, size_t row,
                    enum pl_csv_seen *seen, struct pl_csv_verdict *verdict,
                    struct pl_err *err)
{
    const uint64_t *hashes = w->keys + 3 * row;
    const bool has_address = k->plan->has_addresses && hashes[1] != 0;
    const bool has_user = k->plan->has_users && hashes[2] != 0;
    const uint64_t number = w->chunk.number + row;
    uint64_t earlier;

    k->has_later = false;
    if (find_row(k, &k->rows, w, row, hashes[0], is_same_key, &earlier, err) !=
        0)
        return -1;
    if (earlier != 0) {
        if (is_same_row(&k->plan->shape, k->earlier.record.cells,
                        k->later.record.cells))
            *seen = PL_CSV_SEEN_SAME;
        else
            return found(k, w, row, PL_RULE_ID_DUPLICATE, seen, verdict, err);
        return 0;
    }
    if (has_address) {
        if (find_row(k, &k->addresses, w, row, hashes[1], is_same_address,
                     &earlier, err) != 0)
            return -1;
        if (earlier != 0)
            return found(k, w, row, PL_RULE_ADDRESS_DUPLICATE, seen, verdict,
                         err);
    }
    if (has_user && is_full(&k->users, hashes[2]))
        return found(k, w, row, PL_RULE_USER_ENDPOINTS, seen, verdict, err);
    *seen = PL_CSV_SEEN_NEW;
    return add(k, hashes, number, has_address, has_user, err);
}
