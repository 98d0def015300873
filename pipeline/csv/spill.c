#include "pipeline/csv/spill.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/file.h"
#include "pipeline/base/process.h"

#define PARTS 256
#define BLOCK_ENTRIES 1024

struct entry {
    uint64_t hash;
    uint64_t offset; /* of the row in the input */
};

/* One file of blocks; each block belongs to one part. */
struct pl_csv_spill_file {
    int fd;
    uint64_t blocks; /* written */
    struct part {
        uint64_t *blocks; /* its own, by number */
        size_t block_count;
        size_t block_cap;
        size_t filled; /* entries in open */
        struct entry open[BLOCK_ENTRIES];
    } parts[PARTS];
};

int pl_csv_spill_open(struct pl_csv_spill *s, const char *temp_dir,
                      struct pl_err *err)
{
    for (size_t i = 0; i < PL_CSV_SPILL_KINDS; i++) {
        s->files[i] = calloc(1, sizeof(*s->files[i]));
        if (s->files[i] == NULL)
            return pl_fail_memory(err);
        s->files[i]->fd = pl_file_nameless(temp_dir, err);
        if (s->files[i]->fd < 0)
            return -1;
    }
    return 0;
}

void pl_csv_spill_release(struct pl_csv_spill *s)
{
    for (size_t i = 0; i < PL_CSV_SPILL_KINDS; i++) {
        if (s->files[i] == NULL)
            continue;
        for (size_t k = 0; k < PARTS; k++)
            free(s->files[i]->parts[k].blocks);
        if (s->files[i]->fd >= 0)
            (void)close(s->files[i]->fd);
        free(s->files[i]);
    }
    free(s->rows);
}

/* The same memory or more of it, with room for one behind count; NULL: there is
 * none. */
static void *grow(void *memory, size_t *cap, size_t count, size_t size,
                  struct pl_err *err)
{
    const size_t more = *cap * 2 + 64;
    void *grown;

    if (count < *cap)
        return memory;
    grown = realloc(memory, more * size);
    if (grown == NULL)
        (void)pl_fail_memory(err);
    else
        *cap = more;
    return grown;
}

static int write_block(struct pl_csv_spill_file *f, struct part *part,
                       struct pl_err *err)
{
    uint64_t *blocks = grow(part->blocks, &part->block_cap, part->block_count,
                            sizeof(*blocks), err);

    if (blocks == NULL)
        return -1;
    part->blocks = blocks;
    if (pl_fd_write_all(f->fd, part->open, sizeof(part->open), err) != 0)
        return pl_context(err, "cannot keep keys in a temporary file");
    part->blocks[part->block_count++] = f->blocks++;
    part->filled = 0;
    return 0;
}

int pl_csv_spill_add(struct pl_csv_spill *s, uint64_t offset,
                     const uint64_t hashes[3], struct pl_err *err)
{
    for (size_t i = 0; i < PL_CSV_SPILL_KINDS; i++) {
        struct part *part = &s->files[i]->parts[hashes[i] >> 56];

        if (hashes[i] == 0)
            continue;
        part->open[part->filled++] = (struct entry){hashes[i], offset};
        if (part->filled == BLOCK_ENTRIES &&
            write_block(s->files[i], part, err) != 0)
            return -1;
    }
    return 0;
}

/* Which hashes come more than once */

struct entries {
    struct entry *list;
    size_t count;
    size_t cap;
};

static int read_part(const struct pl_csv_spill_file *f, const struct part *part,
                     struct entries *all, struct pl_err *err)
{
    const size_t count = part->block_count * BLOCK_ENTRIES + part->filled;

    if (count > all->cap) {
        struct entry *grown = realloc(all->list, count * sizeof(*grown));

        if (grown == NULL)
            return pl_fail_memory(err);
        all->list = grown;
        all->cap = count;
    }
    all->count = count;
    if (all->list == NULL)
        return 0; /* nothing */
    for (size_t i = 0; i < part->block_count; i++) {
        char *to = (char *)(all->list + i * BLOCK_ENTRIES);
        size_t done = 0;

        while (done < sizeof(part->open)) {
            const ssize_t n =
                pread(f->fd, to + done, sizeof(part->open) - done,
                      (off_t)(part->blocks[i] * sizeof(part->open) + done));

            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0)
                return pl_fail_errno(err, PL_FILE_ERROR,
                                     "cannot read kept keys again");
            done += (size_t)n;
        }
    }
    if (part->filled > 0)
        memcpy(all->list + part->block_count * BLOCK_ENTRIES, part->open,
               part->filled * sizeof(*part->open));
    return 0;
}

/* How often each hash of a part comes; a place is free where count is 0. */
struct counter {
    uint64_t hash;
    uint32_t count;
};

struct counters {
    struct counter *places;
    size_t mask;
    size_t cap;
};

static int count_hashes(struct counters *c, const struct entries *all,
                        struct pl_err *err)
{
    size_t size = 1024;

    while (size < 2 * all->count)
        size *= 2;
    if (size > c->cap) {
        free(c->places);
        c->places = malloc(size * sizeof(*c->places));
        c->cap = c->places != NULL ? size : 0;
        if (c->places == NULL)
            return pl_fail_memory(err);
    }
    memset(c->places, 0, size * sizeof(*c->places));
    c->mask = size - 1;
    for (size_t i = 0; i < all->count; i++) {
        size_t at = all->list[i].hash & c->mask;

        while (c->places[at].count != 0 &&
               c->places[at].hash != all->list[i].hash)
            at = (at + 1) & c->mask;
        c->places[at].hash = all->list[i].hash;
        c->places[at].count++;
    }
    return 0;
}

static uint32_t count_of(const struct counters *c, uint64_t hash)
{
    size_t at = hash & c->mask;

    while (c->places[at].count != 0 && c->places[at].hash != hash)
        at = (at + 1) & c->mask;
    return c->places[at].count;
}

static int by_hash(const void *va, const void *vb)
{
    const struct entry *a = va;
    const struct entry *b = vb;

    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static int add_entry(struct entries *to, const struct entry *entry,
                     struct pl_err *err)
{
    struct entry *list =
        grow(to->list, &to->cap, to->count, sizeof(*list), err);

    if (list == NULL)
        return -1;
    to->list = list;
    list[to->count++] = *entry;
    return 0;
}

/* All rows whose hash comes more than most times, by hash and place. */
static int find_repeats(const struct pl_csv_spill_file *f, uint32_t most,
                        struct entries *repeats, struct pl_err *err)
{
    struct entries all = {0};
    struct counters counters = {0};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < PARTS; i++) {
        rc = pl_stop_check(err) != 0 ||
                     read_part(f, &f->parts[i], &all, err) != 0 ||
                     count_hashes(&counters, &all, err) != 0
                 ? -1
                 : 0;
        for (size_t k = 0; rc == 0 && k < all.count; k++) {
            if (count_of(&counters, all.list[k].hash) <= most)
                continue;
            rc = add_entry(repeats, &all.list[k], err);
        }
    }
    free(all.list);
    free(counters.places);
    if (rc == 0 && repeats->count > 0)
        qsort(repeats->list, repeats->count, sizeof(*repeats->list), by_hash);
    return rc;
}

/* Classes of rows that are the same, not only by their hash */

struct class
{
    uint64_t first; /* row: its offset */
    uint64_t kept;  /* of the row that stays: its offset, 0 none yet */
    uint64_t last;  /* the last row of the class */
    uint32_t count; /* rows that stay */
};

struct member {
    uint64_t offset;
    size_t class;
    enum pl_csv_spill_kind kind;
};

struct classes {
    struct class *list;
    size_t count;
    size_t cap;
    struct member *members;
    size_t member_count;
    size_t member_cap;
};

static int add_class(struct classes *c, uint64_t first, struct pl_err *err)
{
    struct class *list = grow(c->list, &c->cap, c->count, sizeof(*list), err);

    if (list == NULL)
        return -1;
    c->list = list;
    list[c->count++] = (struct class){.first = first};
    return 0;
}

static int add_member(struct classes *c, uint64_t offset, size_t class,
                      enum pl_csv_spill_kind kind, struct pl_err *err)
{
    struct member *members = grow(c->members, &c->member_cap, c->member_count,
                                  sizeof(*members), err);

    if (members == NULL)
        return -1;
    c->members = members;
    members[c->member_count++] = (struct member){offset, class, kind};
    if (offset > c->list[class].last)
        c->list[class].last = offset;
    return 0;
}

/* One run of equal hashes: nearly always one class; a second one is made where
 * a row is not the same as the first of any. */
static int sort_out(struct classes *c, struct pl_csv_keys *k,
                    enum pl_csv_spill_kind kind, const struct entry *run,
                    size_t count, struct pl_err *err)
{
    const size_t first_class = c->count;

    for (size_t i = 0; i < count; i++) {
        size_t class = first_class; /* of users: 64 bits say enough */

        for (; kind != PL_CSV_SPILL_USER && class < c->count; class ++) {
            bool is_same;

            if (pl_csv_keys_compare(k, c->list[class].first, run[i].offset,
                                    kind == PL_CSV_SPILL_KEY
                                        ? PL_CSV_SAME_KEY
                                        : PL_CSV_SAME_ADDRESS,
                                    &is_same, err) != 0)
                return -1;
            if (is_same)
                break;
        }
        if (class == c->count && add_class(c, run[i].offset, err) != 0)
            return -1;
        if (add_member(c, run[i].offset, class, kind, err) != 0)
            return -1;
    }
    return 0;
}

static int make_classes(struct classes *c, struct pl_csv_keys *k,
                        enum pl_csv_spill_kind kind,
                        const struct entries *repeats, struct pl_err *err)
{
    size_t end;

    for (size_t i = 0; repeats->list != NULL && i < repeats->count; i = end) {
        for (end = i + 1; end < repeats->count &&
                          repeats->list[end].hash == repeats->list[i].hash;
             end++)
            ;
        if (sort_out(c, k, kind, repeats->list + i, end - i, err) != 0)
            return -1;
    }
    return 0;
}

static int by_place(const void *va, const void *vb)
{
    const struct member *a = va;
    const struct member *b = vb;

    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    return (int)a->kind - (int)b->kind;
}

/* What becomes of them, in the order of the file */

static int settle_row(struct pl_csv_spill *s, uint64_t offset,
                      enum pl_csv_seen seen, enum pl_rule rule,
                      struct pl_err *err)
{
    struct pl_csv_settled *rows =
        grow(s->rows, &s->row_cap, s->row_count, sizeof(*rows), err);

    if (rows == NULL)
        return -1;
    s->rows = rows;
    rows[s->row_count++] = (struct pl_csv_settled){offset, seen, rule};
    return 0;
}

/* The row that wins over this one, 0 where none does. */
static uint64_t winner(const struct class *class, uint64_t offset,
                       bool is_last_kept)
{
    if (!is_last_kept)
        return class->kept;
    return class->last > offset ? class->last : 0;
}

/* One row with all its classes, count of them: 1 where it is settled. */
static int judge_row(struct pl_csv_spill *s, struct pl_csv_keys *k,
                     struct class *classes, const struct member *m,
                     size_t count, bool is_last_kept, struct pl_err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct class *class = &classes[m[i].class];
        const uint64_t by = winner(class, m[i].offset, is_last_kept);
        bool is_same = false;

        if (m[i].kind == PL_CSV_SPILL_USER) {
            if (class->count < PL_TARGET_USER_MAX)
                continue;
            return settle_row(s, m[i].offset, PL_CSV_SEEN_REJECT,
                              PL_RULE_USER_ENDPOINTS, err);
        }
        if (by == 0)
            continue;
        if (m[i].kind == PL_CSV_SPILL_ADDRESS)
            return settle_row(s, m[i].offset, PL_CSV_SEEN_REJECT,
                              PL_RULE_ADDRESS_DUPLICATE, err);
        if (pl_csv_keys_compare(k, by, m[i].offset, PL_CSV_SAME_ROW, &is_same,
                                err) != 0)
            return -1;
        return settle_row(s, m[i].offset,
                          is_same ? PL_CSV_SEEN_SAME : PL_CSV_SEEN_REJECT,
                          PL_RULE_ID_DUPLICATE, err);
    }
    for (size_t i = 0; i < count; i++) {
        classes[m[i].class].kept = m[i].offset;
        classes[m[i].class].count++;
    }
    return 0;
}

static int judge_rows(struct pl_csv_spill *s, struct pl_csv_keys *k,
                      struct classes *c, struct pl_err *err)
{
    const bool is_last_kept =
        k->plan->cfg->rules.duplicates == PL_CSV_DUPLICATES_KEEP_LAST;
    size_t end;

    if (c->member_count > 0)
        qsort(c->members, c->member_count, sizeof(*c->members), by_place);
    for (size_t i = 0; c->members != NULL && i < c->member_count; i = end) {
        for (end = i + 1; end < c->member_count &&
                          c->members[end].offset == c->members[i].offset;
             end++)
            ;
        if (judge_row(s, k, c->list, c->members + i, end - i, is_last_kept,
                      err) != 0)
            return -1;
    }
    return 0;
}

int pl_csv_spill_settle(struct pl_csv_spill *s, struct pl_csv_keys *k,
                        struct pl_err *err)
{
    struct classes classes = {0};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < PL_CSV_SPILL_KINDS; i++) {
        const enum pl_csv_spill_kind kind = (enum pl_csv_spill_kind)i;
        struct entries repeats = {0};

        rc = find_repeats(s->files[i],
                          kind == PL_CSV_SPILL_USER ? PL_TARGET_USER_MAX : 1,
                          &repeats, err);
        if (rc == 0)
            rc = make_classes(&classes, k, kind, &repeats, err);
        free(repeats.list);
    }
    if (rc == 0)
        rc = judge_rows(s, k, &classes, err);
    free(classes.list);
    free(classes.members);
    return rc;
}

const struct pl_csv_settled *pl_csv_spill_find(struct pl_csv_spill *s,
                                               uint64_t offset)
{
    while (s->next < s->row_count && s->rows[s->next].offset < offset)
        s->next++;
    return s->next < s->row_count && s->rows[s->next].offset == offset
               ? &s->rows[s->next]
               : NULL;
}
