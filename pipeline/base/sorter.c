#include "pipeline/base/sorter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/file.h"

#define MEMORY_MIN ((size_t)1 << 20)
#define WINDOW_MIN ((size_t)16 << 10)

/* A record: two lengths, the key, the value. */
struct lengths {
    uint32_t key;
    uint32_t value;
};

struct pl_sorter_entry {
    uint64_t prefix; /* of the key: its first eight bytes as a number */
    const unsigned char *record;
};

/* A sorted piece of the file, read through a window. */
struct pl_sorter_run {
    uint64_t at; /* what is to be read next, and where it ends */
    uint64_t end;
    unsigned char *window;
    size_t window_cap;
    size_t window_len;
    size_t next; /* in window: behind the current record */
    struct pl_sorter_entry current;
};

void pl_sorter_init(struct pl_sorter *s, const char *temp_dir,
                    size_t memory_bytes)
{
    *s = (struct pl_sorter){
        .temp_dir = temp_dir,
        .memory_bytes = memory_bytes > MEMORY_MIN ? memory_bytes : MEMORY_MIN,
        .fd = -1};
}

static void free_arena(struct pl_sorter *s)
{
    free(s->arena);
    free(s->entries);
    s->arena = NULL;
    s->entries = NULL;
    s->entry_cap = 0;
}

void pl_sorter_release(struct pl_sorter *s)
{
    free_arena(s);
    for (size_t i = 0; i < s->run_count; i++)
        free(s->runs[i].window);
    free(s->runs);
    free(s->heap);
    if (s->memory_bytes > 0 && s->fd >= 0) /* else all is zero */
        (void)close(s->fd);
    memset(s, 0, sizeof(*s));
    s->fd = -1;
}

static struct lengths lengths_of(const unsigned char *record)
{
    struct lengths l;

    memcpy(&l, record, sizeof(l));
    return l;
}

static size_t size_of(struct lengths l)
{
    return sizeof(l) + l.key + l.value;
}

static struct pl_sorter_entry entry_of(const unsigned char *record)
{
    const size_t len = lengths_of(record).key;
    struct pl_sorter_entry entry = {.record = record};

    for (size_t i = 0; i < sizeof(entry.prefix); i++)
        entry.prefix = entry.prefix << 8 |
                       (i < len ? record[sizeof(struct lengths) + i] : 0U);
    return entry;
}

static int compare_keys(const struct pl_sorter_entry *a,
                        const struct pl_sorter_entry *b)
{
    const size_t a_len = lengths_of(a->record).key;
    const size_t b_len = lengths_of(b->record).key;
    int order;

    if (a->prefix != b->prefix)
        return a->prefix < b->prefix ? -1 : 1;
    order = memcmp(a->record + sizeof(struct lengths),
                   b->record + sizeof(struct lengths),
                   a_len < b_len ? a_len : b_len);
    return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

/* Equal keys stay as they were added: that is how they lie in the arena. */
static int compare_entries(const void *va, const void *vb)
{
    const struct pl_sorter_entry *a = va;
    const struct pl_sorter_entry *b = vb;
    const int order = compare_keys(a, b);

    return order != 0 ? order
                      : (a->record > b->record) - (a->record < b->record);
}

static void sort_arena(struct pl_sorter *s)
{
    if (s->entry_count > 0)
        qsort(s->entries, s->entry_count, sizeof(*s->entries), compare_entries);
}

/* The records of the arena go to the file, in order. */
static int write_run(struct pl_sorter *s, struct pl_err *err)
{
    unsigned char buf[64 << 10];
    struct pl_sorter_run run = {.at = s->file_bytes};
    size_t filled = 0;

    if (s->fd < 0)
        s->fd = pl_file_nameless(s->temp_dir, err);
    if (s->fd < 0)
        return -1;
    if (s->run_count == s->run_cap) {
        const size_t cap = s->run_cap * 2 + 16;
        struct pl_sorter_run *grown = realloc(s->runs, cap * sizeof(*grown));

        if (grown == NULL)
            return pl_fail_memory(err);
        s->runs = grown;
        s->run_cap = cap;
    }
    sort_arena(s);
    for (size_t i = 0; i < s->entry_count; i++) {
        const unsigned char *record = s->entries[i].record;
        const size_t len = size_of(lengths_of(record));

        if (filled + len > sizeof(buf)) {
            if (pl_fd_write_all(s->fd, buf, filled, err) != 0)
                return pl_context(err, "cannot sort in a temporary file");
            filled = 0;
        }
        s->file_bytes += len;
        if (len > sizeof(buf)) {
            if (pl_fd_write_all(s->fd, record, len, err) != 0)
                return pl_context(err, "cannot sort in a temporary file");
            continue;
        }
        memcpy(buf + filled, record, len);
        filled += len;
    }
    if (pl_fd_write_all(s->fd, buf, filled, err) != 0)
        return pl_context(err, "cannot sort in a temporary file");
    run.end = s->file_bytes;
    s->runs[s->run_count++] = run;
    s->entry_count = 0;
    s->used = 0;
    return 0;
}

/* Three quarters of the memory are for records, the rest for their places. */
static size_t arena_bytes(const struct pl_sorter *s)
{
    return s->memory_bytes / 4 * 3;
}

static int make_arena(struct pl_sorter *s, struct pl_err *err)
{
    s->entry_cap = s->memory_bytes / 4 / sizeof(*s->entries);
    s->arena = malloc(arena_bytes(s)); /* touched as it fills */
    s->entries = malloc(s->entry_cap * sizeof(*s->entries));
    return s->arena != NULL && s->entries != NULL ? 0 : pl_fail_memory(err);
}

int pl_sorter_add(struct pl_sorter *s, const void *key, size_t key_len,
                  const void *value, size_t value_len, struct pl_err *err)
{
    const size_t most = s->memory_bytes / 4;
    const struct lengths l = {(uint32_t)key_len, (uint32_t)value_len};
    unsigned char *to;

    if (key_len > most || value_len > most - key_len ||
        value_len + key_len > UINT32_MAX / 2)
        return pl_fail(err, PL_DATA_INVALID,
                       "a row of %zu bytes is too large to be sorted",
                       key_len + value_len);
    if (s->arena == NULL && make_arena(s, err) != 0)
        return -1;
    if ((s->used + size_of(l) > arena_bytes(s) ||
         s->entry_count == s->entry_cap) &&
        write_run(s, err) != 0)
        return -1;
    to = s->arena + s->used;
    memcpy(to, &l, sizeof(l));
    if (key_len > 0)
        memcpy(to + sizeof(l), key, key_len);
    if (value_len > 0)
        memcpy(to + sizeof(l) + key_len, value, value_len);
    s->entries[s->entry_count++] = entry_of(to);
    s->used += size_of(l);
    return 0;
}

/* Merging */

/* At least len bytes of the current place in the window, or the run's end. */
static int fill_window(struct pl_sorter *s, struct pl_sorter_run *r, size_t len,
                       struct pl_err *err)
{
    const size_t rest = r->window_len - r->next;

    if (rest >= len)
        return 0;
    memmove(r->window, r->window + r->next, rest);
    r->next = 0;
    r->window_len = rest;
    if (len > r->window_cap) {
        unsigned char *grown = realloc(r->window, len);

        if (grown == NULL)
            return pl_fail_memory(err);
        r->window = grown;
        r->window_cap = len;
    }
    while (r->window_len < len && r->at < r->end) {
        const size_t room = r->window_cap - r->window_len;
        const uint64_t left = r->end - r->at;
        const ssize_t n =
            pread(s->fd, r->window + r->window_len,
                  left < room ? (size_t)left : room, (off_t)r->at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return pl_fail_errno(err, PL_FILE_ERROR,
                                 "cannot read the temporary file of a sort");
        r->window_len += (size_t)n;
        r->at += (uint64_t)n;
    }
    return 0;
}

/* The next record of a run becomes its current one; 0: it is at its end. */
static int advance(struct pl_sorter *s, struct pl_sorter_run *r,
                   struct pl_err *err)
{
    size_t len;

    if (fill_window(s, r, sizeof(struct lengths), err) != 0)
        return -1;
    if (r->window_len == r->next)
        return 0;
    len = size_of(lengths_of(r->window + r->next));
    if (fill_window(s, r, len, err) != 0)
        return -1;
    r->current = entry_of(r->window + r->next);
    r->next += len;
    return 1;
}

/* Runs were written one after the other: of equal keys the earlier one's. */
static bool is_before(const struct pl_sorter *s, size_t a, size_t b)
{
    const int order = compare_keys(&s->runs[a].current, &s->runs[b].current);

    return order != 0 ? order < 0 : a < b;
}

static void sink_down(struct pl_sorter *s, size_t at)
{
    const size_t moved = s->heap[at];

    for (;;) {
        size_t child = 2 * at + 1;

        if (child + 1 < s->heap_count &&
            is_before(s, s->heap[child + 1], s->heap[child]))
            child++;
        if (child >= s->heap_count || !is_before(s, s->heap[child], moved))
            break;
        s->heap[at] = s->heap[child];
        at = child;
    }
    s->heap[at] = moved;
}

int pl_sorter_finish(struct pl_sorter *s, struct pl_err *err)
{
    size_t window;

    if (s->run_count == 0) {
        sort_arena(s);
        return 0;
    }
    if (s->entry_count > 0 && write_run(s, err) != 0)
        return -1;
    free_arena(s);
    s->heap = malloc(s->run_count * sizeof(*s->heap));
    if (s->heap == NULL)
        return pl_fail_memory(err);
    window = s->memory_bytes / s->run_count;
    if (window < WINDOW_MIN)
        window = WINDOW_MIN;
    for (size_t i = 0; i < s->run_count; i++) {
        struct pl_sorter_run *r = &s->runs[i];

        r->window = malloc(window);
        if (r->window == NULL)
            return pl_fail_memory(err);
        r->window_cap = window;
        if (advance(s, r, err) < 0)
            return -1;
        s->heap[s->heap_count++] = i; /* no run is empty */
    }
    for (size_t i = s->heap_count / 2; i-- > 0;)
        sink_down(s, i);
    return 0;
}

static void hand_out(const struct pl_sorter_entry *entry,
                     struct pl_sorted *record)
{
    const struct lengths l = lengths_of(entry->record);

    *record = (struct pl_sorted){.key = entry->record + sizeof(l),
                                 .key_len = l.key,
                                 .value = entry->record + sizeof(l) + l.key,
                                 .value_len = l.value};
}

int pl_sorter_next(struct pl_sorter *s, struct pl_sorted *record,
                   struct pl_err *err)
{
    if (s->run_count == 0) {
        if (s->taken == s->entry_count)
            return 0;
        hand_out(&s->entries[s->taken++], record);
        return 1;
    }
    if (s->last != NULL) {
        const int rc = advance(s, s->last, err);

        if (rc < 0)
            return -1;
        if (rc == 0)
            s->heap[0] = s->heap[--s->heap_count];
        sink_down(s, 0);
    }
    s->last = s->heap_count > 0 ? &s->runs[s->heap[0]] : NULL;
    if (s->last == NULL)
        return 0;
    hand_out(&s->last->current, record);
    return 1;
}
