#include "pipeline/csv/jsonl.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/csv/jsonl_record.h"

#define READ_BYTES ((size_t)256 << 10)
#define OUT_BYTES ((size_t)256 << 10) /* enough to be handed on */

struct pl_jsonl {
    const struct pl_jsonl_config *cfg;
    struct pl_jsonl_parser parser;
    struct pl_source part;
    size_t read_bytes;
    bool is_open;         /* a part is */
    bool is_part_end;     /* all of it was read */
    bool is_part_start;   /* nothing of it was used */
    bool has_header;      /* it was written */
    unsigned char *lines; /* what was read and not converted yet */
    size_t cap;           /* but for the pad */
    size_t at;            /* the next line */
    size_t whole;         /* the last whole line ends */
    size_t len;
    struct pl_buf out; /* what was converted and not handed on yet */
    size_t out_at;
    uint64_t records;     /* so far */
    pthread_mutex_t lock; /* of what is below, which others ask for */
    uint64_t *firsts;     /* the first record of each part */
    size_t opened;        /* parts */
};

/* The one that is being read; 0: none was yet. */
static const char *part_name(const struct pl_jsonl *j)
{
    return j->opened > 0 ? j->cfg->part_names[j->opened - 1] : "";
}

static int add_keys(struct pl_jsonl *j, struct pl_err *err)
{
    const struct pl_jsonl_config *cfg = j->cfg;
    struct pl_jsonl_names *names = &j->parser.names;

    names->text.max_bytes = SIZE_MAX;
    for (size_t i = 0; i < cfg->column_count; i++) {
        char number[24];
        const char *key = cfg->columns[i];

        if (cfg->has_numbered_keys) {
            (void)snprintf(number, sizeof(number), "c%zu", i);
            key = number;
        }
        if (pl_jsonl_names_find(names, key, strlen(key)) != PL_JSONL_NONE)
            return pl_fail(err, PL_CONFIG_INVALID,
                           "columns of JSON lines: '%s' is named twice", key);
        if (pl_jsonl_names_add(names, key, strlen(key), err) != 0)
            return -1;
    }
    return 0;
}

struct pl_jsonl *pl_jsonl_open(const struct pl_jsonl_config *cfg,
                               struct pl_err *err)
{
    struct pl_jsonl *j = calloc(1, sizeof(*j));

    if (j == NULL || pthread_mutex_init(&j->lock, NULL) != 0) {
        free(j);
        (void)pl_fail_memory(err);
        return NULL;
    }
    j->cfg = cfg;
    j->read_bytes = cfg->read_bytes > 0 ? cfg->read_bytes : READ_BYTES;
    j->out.max_bytes = SIZE_MAX;
    j->parser.non_finite = cfg->non_finite;
    j->firsts = calloc(cfg->part_count + 1, sizeof(*j->firsts));
    if (j->firsts == NULL)
        (void)pl_fail_memory(err);
    if (j->firsts == NULL || add_keys(j, err) != 0) {
        pl_jsonl_release(j);
        return NULL;
    }
    return j;
}

void pl_jsonl_release(struct pl_jsonl *j)
{
    if (j == NULL)
        return;
    pl_jsonl_parser_release(&j->parser);
    pl_buf_release(&j->out);
    free(j->lines);
    free(j->firsts);
    (void)pthread_mutex_destroy(&j->lock);
    free(j);
}

/* Parts */

static int open_part(struct pl_jsonl *j, struct pl_err *err)
{
    const size_t i = j->opened;

    if (j->cfg->open_part(j->cfg->part_ctx, i, &j->part, err) != 0)
        return -1;
    (void)pthread_mutex_lock(&j->lock);
    j->firsts[i] = j->records + 1;
    j->opened++;
    (void)pthread_mutex_unlock(&j->lock);
    j->is_open = true;
    j->is_part_end = false;
    j->is_part_start = true;
    j->at = j->whole = j->len = 0;
    return 0;
}

static int check_length(const struct pl_jsonl *j, size_t len,
                        struct pl_err *err)
{
    const size_t most =
        j->cfg->line_bytes_max > 0 ? j->cfg->line_bytes_max : PL_JSONL_LINE_MAX;

    if (len <= most)
        return 0;
    return pl_fail(
        err, PL_DATA_INVALID, "'%s', line %" PRIu64 ": longer than %zu bytes",
        part_name(j), j->records + 2 - j->firsts[j->opened - 1], most);
}

static int make_room(struct pl_jsonl *j, struct pl_err *err)
{
    size_t cap = j->cap;
    unsigned char *grown;

    if (check_length(j, j->len, err) != 0)
        return -1;
    while (cap < j->len + j->read_bytes + 1) /* a LF behind the last line */
        cap = cap * 2 + j->read_bytes + 1;
    if (cap == j->cap)
        return 0;
    grown = realloc(j->lines, cap + PL_JSONL_PAD);
    if (grown == NULL)
        return pl_fail_memory(err);
    memset(grown + j->cap, 0, cap - j->cap + PL_JSONL_PAD);
    j->lines = grown;
    j->cap = cap;
    return 0;
}

/* A byte-order mark that a part begins with. */
static size_t mark_len(const struct pl_jsonl *j)
{
    return j->is_part_start && j->len >= 3 &&
                   memcmp(j->lines, "\xEF\xBB\xBF", 3) == 0
               ? 3
               : 0;
}

/* As if the last line had its LF. */
static void end_part(struct pl_jsonl *j)
{
    j->is_part_end = true;
    if (j->len > mark_len(j))
        j->lines[j->len++] = '\n';
    j->whole = j->len;
}

/* Reads on until there is a whole line. */
static int read_lines(struct pl_jsonl *j, struct pl_err *err)
{
    j->len -= j->at;
    if (j->len > 0)
        memmove(j->lines, j->lines + j->at, j->len);
    j->at = j->whole = 0;
    while (j->whole == 0 && !j->is_part_end) {
        int64_t n;

        if (make_room(j, err) != 0)
            return -1;
        n = j->part.read(j->part.ctx, j->lines + j->len, j->read_bytes, err);
        if (n < 0)
            return pl_context(err, "'%s'", part_name(j));
        j->len += (size_t)n;
        for (size_t i = j->len; i > j->len - (size_t)n; i--)
            if (j->lines[i - 1] == '\n') {
                j->whole = i;
                break;
            }
        if (n == 0)
            end_part(j);
    }
    if (j->whole > 0) {
        j->at = mark_len(j);
        j->is_part_start = false;
    }
    return 0;
}

/* Records */

static int write_header(struct pl_jsonl *j, struct pl_err *err)
{
    const struct pl_jsonl_names *names = &j->parser.names;

    for (size_t i = 0; i < names->count; i++) {
        const bool has_name = i < j->cfg->column_count;
        const char *name = has_name ? j->cfg->columns[i]
                                    : names->text.data + names->keys[i].name_at;

        if (pl_jsonl_write_name(
                name, has_name ? strlen(name) : names->keys[i].name_len, i == 0,
                &j->out, err) != 0)
            return -1;
    }
    j->has_header = true;
    return pl_buf_addc(&j->out, '\n', err);
}

/* The columns are the keys of the first line. */
static int learn(struct pl_jsonl *j, const unsigned char *line, size_t len,
                 struct pl_err *err)
{
    enum pl_jsonl_wrong wrong;

    j->parser.is_learning = true;
    if (pl_jsonl_read(&j->parser, line, len, &wrong, err) != 0)
        return -1;
    j->parser.is_learning = false;
    if (wrong != PL_JSONL_RIGHT)
        return pl_fail(err, PL_DATA_INVALID,
                       "'%s', line 1, whose keys would name the columns: %s",
                       part_name(j), pl_jsonl_words(wrong));
    if (j->parser.names.count == 0)
        return pl_fail(err, PL_DATA_INVALID,
                       "'%s', line 1, whose keys would name the columns, has "
                       "none",
                       part_name(j));
    return write_header(j, err);
}

static int convert(struct pl_jsonl *j, const unsigned char *line, size_t len,
                   struct pl_err *err)
{
    enum pl_jsonl_wrong wrong;

    if (check_length(j, len, err) != 0)
        return -1;
    if (!j->has_header && learn(j, line, len, err) != 0)
        return -1;
    if (pl_jsonl_read(&j->parser, line, len, &wrong, err) != 0)
        return -1;
    return wrong == PL_JSONL_RIGHT
               ? pl_jsonl_write(&j->parser, line, len, &j->out, err)
               : pl_jsonl_write_wrong(wrong, line, len, &j->out, err);
}

static int convert_lines(struct pl_jsonl *j, struct pl_err *err)
{
    while (j->at < j->whole && j->out.len < OUT_BYTES) {
        const unsigned char *line = j->lines + j->at;
        const unsigned char *end = memchr(line, '\n', j->whole - j->at);

        if (convert(j, line, (size_t)(end - line), err) != 0)
            return -1;
        j->at = (size_t)(end - j->lines) + 1;
        j->records++;
    }
    return 0;
}

/* Fills out, or leaves it empty at the end of the last part. */
static int step(struct pl_jsonl *j, struct pl_err *err)
{
    pl_buf_reset(&j->out);
    j->out_at = 0;
    if (!j->has_header && j->parser.names.count > 0)
        return write_header(j, err);
    while (j->out.len == 0) {
        if (j->at < j->whole) {
            if (convert_lines(j, err) != 0)
                return -1;
        } else if (j->is_open && !j->is_part_end) {
            if (read_lines(j, err) != 0)
                return -1;
        } else if (j->opened < j->cfg->part_count) {
            if (open_part(j, err) != 0)
                return -1;
        } else {
            break;
        }
    }
    return 0;
}

static int64_t read_records(void *ctx, void *buf, size_t cap,
                            struct pl_err *err)
{
    struct pl_jsonl *j = ctx;
    size_t n;

    if (j->out_at == j->out.len && step(j, err) != 0)
        return -1;
    n = j->out.len - j->out_at;
    if (n > cap)
        n = cap;
    if (n > 0)
        memcpy(buf, j->out.data + j->out_at, n);
    j->out_at += n;
    return (int64_t)n;
}

struct pl_source pl_jsonl_source(struct pl_jsonl *jsonl)
{
    return (struct pl_source){.ctx = jsonl, .read = read_records};
}

/* The last part that begins with the record or before: one without records
 * begins where the next one does. */
static const char *find_part(void *ctx, uint64_t record, uint64_t *line)
{
    struct pl_jsonl *j = ctx;
    size_t from = 0;
    size_t to;

    (void)pthread_mutex_lock(&j->lock);
    to = j->opened;
    while (to - from > 1) {
        const size_t middle = from + (to - from) / 2;

        if (j->firsts[middle] <= record)
            from = middle;
        else
            to = middle;
    }
    *line = record + 1 - j->firsts[from];
    (void)pthread_mutex_unlock(&j->lock);
    return j->cfg->part_names[from];
}

struct pl_csv_origin pl_jsonl_origin(struct pl_jsonl *jsonl)
{
    return (struct pl_csv_origin){.ctx = jsonl, .find = find_part};
}
