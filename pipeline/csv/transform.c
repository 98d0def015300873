#include "pipeline/csv/transform.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"
#include "pipeline/csv/emit.h"
#include "pipeline/csv/header.h"
#include "pipeline/csv/keys.h"
#include "pipeline/csv/report.h"
#include "pipeline/csv/spill.h"

#define CHUNK_BYTES ((size_t)128 << 10)
#define RECORD_BYTES_MAX ((size_t)16 << 20)
#define THREADS_MAX 64

/*
 * Chunks go through five steps, and workers go with them. What must be done in
 * the order of the file is done in turns: cutting, seeing keys, writing. What
 * lies between, checking and putting the output together, is done by all
 * workers side by side.
 */
struct turn {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t next; /* chunk whose turn it is */
};

struct transform {
    const struct pl_csv_config *cfg;
    struct pl_csv_report *report;
    struct pl_csv_plan plan;
    struct pl_csv_store store;
    struct pl_source source;
    struct pl_csv_feed feed;
    struct pl_csv_keys keys;
    struct pl_csv_spill spill;
    enum {
        MODE_TABLE,  /* keys are in memory */
        MODE_GATHER, /* they are put aside, and nothing comes out yet */
        MODE_SETTLED /* second time: what repeats is known */
    } mode;
    struct turn cutting;
    struct turn seeing;
    struct turn writing;
    bool is_cut;        /* by cutting: there are no more chunks */
    bool is_stopped;    /* by seeing: later chunks come to nothing */
    struct pl_buf head; /* what every part begins with */
    uint64_t part_bytes;
    bool has_failed; /* by writing: err says how */
    struct pl_err err;
};

struct worker {
    struct transform *t;
    struct pl_csv_work work;
    struct pl_csv_tally tally;
    pthread_t thread;
};

static int turn_open(struct turn *turn, struct pl_err *err)
{
    if (pthread_mutex_init(&turn->lock, NULL) != 0 ||
        pthread_cond_init(&turn->changed, NULL) != 0)
        return pl_fail_memory(err);
    return 0;
}

static void turn_take(struct turn *turn, uint64_t chunk)
{
    (void)pthread_mutex_lock(&turn->lock);
    while (turn->next != chunk)
        (void)pthread_cond_wait(&turn->changed, &turn->lock);
    (void)pthread_mutex_unlock(&turn->lock);
}

static void turn_pass(struct turn *turn)
{
    (void)pthread_mutex_lock(&turn->lock);
    turn->next++;
    (void)pthread_cond_broadcast(&turn->changed);
    (void)pthread_mutex_unlock(&turn->lock);
}

static void transform_release(struct transform *t)
{
    struct turn *turns[] = {&t->cutting, &t->seeing, &t->writing};

    for (size_t i = 0; i < PL_COUNT(turns); i++) {
        (void)pthread_cond_destroy(&turns[i]->changed);
        (void)pthread_mutex_destroy(&turns[i]->lock);
    }
    free(t->plan.shape.columns);
    free(t->plan.shape.is_dropped);
    free(t->plan.shape.name_lens);
    pl_csv_json_plan_release(&t->plan.json);
    pl_csv_store_release(&t->store);
    pl_csv_feed_release(&t->feed);
    pl_csv_keys_release(&t->keys);
    pl_csv_spill_release(&t->spill);
    pl_buf_release(&t->head);
}

void pl_csv_report_release(struct pl_csv_report *report)
{
    for (size_t i = 0; i < report->column_count; i++) {
        for (size_t k = 0; k < report->columns[i].top_count; k++)
            free(report->columns[i].top[k].text);
        free(report->columns[i].name);
    }
    free(report->columns);
    free(report->rules);
    memset(report, 0, sizeof(*report));
}

static int take_header(void *ctx, struct pl_csv_record *record,
                       struct pl_err *err)
{
    struct transform *t = ctx;

    if (pl_csv_take_header(record, &t->plan, t->report, &t->head, err) != 0)
        return -1;
    t->feed.columns = t->plan.shape.count;
    return 0;
}

/* The second time it is known. */
static int skip_header(void *ctx, struct pl_csv_record *record,
                       struct pl_err *err)
{
    (void)ctx;
    (void)record;
    (void)err;
    return 0;
}

/* Seeing keys, and counting: one chunk after the other */

static const struct pl_csv_rule_count *most_frequent(
    const struct pl_csv_report *r)
{
    const struct pl_csv_rule_count *best = &r->rules[0];

    for (size_t i = 1; i < r->rule_count; i++)
        if (r->rules[i].count > best->count)
            best = &r->rules[i];
    return best;
}

static int too_many_rejects(const struct pl_csv_config *cfg,
                            const struct pl_csv_report *r, bool is_certain,
                            struct pl_err *err)
{
    const struct pl_csv_rule_count *most = most_frequent(r);

    return pl_fail(err, PL_DATA_INVALID,
                   "%" PRIu64 " of %" PRIu64 " rows rejected%s, more than "
                   "max_reject_percent %g allows; most often by rule %s "
                   "(%" PRIu64 ")",
                   r->rows_rejected, r->rows_in,
                   is_certain ? " so far, whatever is still to come" : "",
                   cfg->limits.max_reject_percent, most->code, most->count);
}

/* Even if all rows to come were good, and as short as rows can be. */
static bool is_hopeless(const struct transform *t, uint64_t offset)
{
    const uint64_t bytes = (uint64_t)t->cfg->in_bytes;
    const uint64_t left = bytes > offset ? bytes - offset : 0;
    const double most = (double)t->report->rows_in +
                        (double)left / (double)t->plan.shape.count + 1;

    return bytes > 0 && (double)t->report->rows_rejected * 100.0 >
                            t->cfg->limits.max_reject_percent * most;
}

static int count_reject(struct transform *t, const struct pl_csv_chunk *c,
                        size_t row, enum pl_rule rule, struct pl_err *err)
{
    const int64_t most = t->cfg->limits.max_rejects;

    t->report->rows_rejected++;
    t->report->rules[rule - 1].count++;
    if (most >= 0 && t->report->rows_rejected > (uint64_t)most)
        return pl_fail(err, PL_DATA_INVALID,
                       "more than %" PRId64 " rows rejected, the last one "
                       "record %" PRIu64 ", by rule %s",
                       most, c->number + row, pl_rule_code(rule));
    if (is_hopeless(t, c->offset + c->index.rows[row] + 1))
        return too_many_rejects(t->cfg, t->report, true, err);
    return 0;
}

/* Rows from there on that come out. */
static int count_rows(struct transform *t, struct pl_csv_chunk *c, size_t from,
                      size_t to, struct pl_err *err)
{
    const int64_t most = t->cfg->limits.max_rows;
    const uint64_t left = most >= 0 ? (uint64_t)most - t->report->rows_out : 0;

    if (most >= 0 && to - from > left) {
        t->report->rows_in += left + 1;
        t->report->rows_out += left + 1;
        c->row_count = from + (size_t)left + 1;
        return pl_fail(err, PL_DATA_INVALID, "more than %" PRId64 " rows",
                       most);
    }
    t->report->rows_in += to - from;
    t->report->rows_out += to - from;
    return 0;
}

static int fail_duplicate(const struct transform *t,
                          const struct pl_csv_chunk *c, size_t row,
                          struct pl_err *err)
{
    const struct pl_csv_origin *origin = t->cfg->origin;
    const uint64_t number = c->number + row;
    const char *source;
    uint64_t line;

    if (origin == NULL)
        return pl_fail(err, PL_DATA_INVALID,
                       "record %" PRIu64 ", byte %" PRIu64
                       ": the same key as an earlier row, with other values",
                       number, c->offset + pl_csv_row_start(c, row));
    source = origin->find(origin->ctx, number, &line);
    return pl_fail(err, PL_DATA_INVALID,
                   "'%s', line %" PRIu64
                   ": the same key as an earlier row, with other values",
                   source, line);
}

/* A row that repeats an earlier one, which only now is known. */
static int reject_late(struct transform *t, struct pl_csv_work *w, size_t row,
                       const struct pl_csv_verdict *verdict, struct pl_err *err)
{
    struct pl_csv_chunk *c = &w->chunk;

    if (t->cfg->rules.duplicates == PL_CSV_DUPLICATES_FAIL &&
        verdict->rule == PL_RULE_ID_DUPLICATE)
        return fail_duplicate(t, c, row, err);
    c->states[row] = PL_CSV_REJECTED;
    if (pl_csv_note_reject(&t->plan, w, &w->late, (uint32_t)row,
                           &t->keys.later.record, verdict, err) != 0)
        return -1;
    return count_reject(t, c, row, verdict->rule, err);
}

static int drop_row(struct transform *t, struct pl_csv_chunk *c, size_t row)
{
    t->report->rows_dropped++;
    c->states[row] = PL_CSV_DROPPED;
    return 0;
}

/* What becomes of a row that may repeat an earlier one. */
static int see_row(struct transform *t, struct pl_csv_work *w, size_t row,
                   struct pl_err *err)
{
    enum pl_csv_seen seen;
    struct pl_csv_verdict verdict;

    if (pl_csv_keys_see(&t->keys, w, row, &seen, &verdict, err) != 0)
        return -1;
    if (seen == PL_CSV_SEEN_NEW)
        return count_rows(t, &w->chunk, row, row + 1, err);
    t->report->rows_in++;
    return seen == PL_CSV_SEEN_SAME ? drop_row(t, &w->chunk, row)
                                    : reject_late(t, w, row, &verdict, err);
}

static int see_settled(struct transform *t, struct pl_csv_work *w, size_t row,
                       struct pl_err *err)
{
    struct pl_csv_chunk *c = &w->chunk;
    const struct pl_csv_settled *settled =
        pl_csv_spill_find(&t->spill, c->offset + pl_csv_row_start(c, row));
    struct pl_csv_verdict verdict;

    if (settled == NULL)
        return count_rows(t, c, row, row + 1, err);
    t->report->rows_in++;
    if (settled->seen == PL_CSV_SEEN_SAME)
        return drop_row(t, c, row);
    if (pl_csv_keys_reject(&t->keys, w, row, settled->rule, &verdict, err) != 0)
        return -1;
    return reject_late(t, w, row, &verdict, err);
}

static int gather_rows(struct transform *t, const struct pl_csv_work *w,
                       struct pl_err *err)
{
    const struct pl_csv_chunk *c = &w->chunk;

    for (size_t row = 0; row < c->row_count; row++) {
        const uint64_t *keys = w->keys + 3 * row;
        const uint64_t hashes[3] = {keys[0] | 1,
                                    t->plan.has_addresses ? keys[1] : 0,
                                    t->plan.has_users ? keys[2] : 0};

        if (c->states[row] != PL_CSV_REJECTED &&
            pl_csv_spill_add(&t->spill, c->offset + pl_csv_row_start(c, row),
                             hashes, err) != 0)
            return -1;
    }
    return 0;
}

static uint64_t expected_rows(int64_t in_bytes, const struct pl_csv_chunk *c)
{
    const double rows = (double)c->row_count;
    const double bytes = (double)(c->used - c->start);

    if (in_bytes <= 0 || bytes <= 0)
        return 0;
    return (uint64_t)((double)in_bytes / bytes * rows * 1.02);
}

/* Known with the first chunk: whether keys fit into the memory for them. */
static int choose_mode(struct transform *t, const struct pl_csv_chunk *c,
                       struct pl_err *err)
{
    const uint64_t most = t->cfg->keys_memory;
    const int64_t bytes =
        t->cfg->in_bytes > 0 ? t->cfg->in_bytes : t->cfg->most_bytes;
    const uint64_t need = pl_csv_keys_bytes(&t->plan, expected_rows(bytes, c));

    if (t->mode != MODE_TABLE || t->seeing.next != 0)
        return 0;
    if (!t->plan.has_keys) {
        t->mode = MODE_SETTLED; /* nothing repeats */
        return 0;
    }
    if (t->cfg->rules.duplicates != PL_CSV_DUPLICATES_KEEP_LAST &&
        (most == 0 || need <= most))
        return 0;
    t->mode = MODE_GATHER;
    return pl_csv_spill_open(&t->spill, t->cfg->temp_dir, err);
}

/* Every row, in order: whether it comes out. Only those in list (which ends
 * with a row that is not there) may repeat others. A failure leaves the rows up
 * to the one that it is about. */
static int see_listed(struct transform *t, struct pl_csv_work *w,
                      const uint32_t *list, struct pl_err *err)
{
    struct pl_csv_chunk *c = &w->chunk;
    const struct pl_csv_pieces *rejects = &w->rejects;
    size_t reject = 0;

    for (size_t row = 0; row < c->row_count; row++) {
        size_t next =
            reject < rejects->count ? rejects->list[reject].row : c->row_count;
        int rc;

        if (*list < next)
            next = *list;
        if (count_rows(t, c, row, next, err) != 0)
            return -1;
        row = next;
        if (row == c->row_count)
            break;
        if (c->states[row] == PL_CSV_REJECTED) {
            t->report->rows_in++;
            rc = count_reject(t, c, row, rejects->list[reject++].rule, err);
        } else {
            rc = see_row(t, w, row, err);
            list++;
        }
        if (rc != 0) {
            c->row_count = row + 1;
            return -1;
        }
    }
    return 0;
}

/* The same when what repeats is known. */
static int see_all(struct transform *t, struct pl_csv_work *w,
                   struct pl_err *err)
{
    struct pl_csv_chunk *c = &w->chunk;
    const struct pl_csv_piece *reject = w->rejects.list;

    for (size_t row = 0; row < c->row_count; row++) {
        int rc;

        if (c->states[row] == PL_CSV_REJECTED) {
            t->report->rows_in++;
            rc = count_reject(t, c, row, (reject++)->rule, err);
        } else {
            rc = see_settled(t, w, row, err);
        }
        if (rc != 0) {
            c->row_count = row + 1;
            return -1;
        }
    }
    return 0;
}

static int see_rows(struct transform *t, struct pl_csv_work *w,
                    struct pl_err *err)
{
    struct pl_csv_chunk *c = &w->chunk;
    uint32_t *list = w->lists[0]; /* which is free again */
    size_t count = 0;

    if (c->row_count == 0)
        return 0;
    if (choose_mode(t, c, err) != 0)
        return -1;
    if (t->mode == MODE_GATHER)
        return gather_rows(t, w, err);
    if (t->mode == MODE_SETTLED)
        return see_all(t, w, err);
    if (pl_csv_keys_begin(&t->keys, c, expected_rows(t->cfg->in_bytes, c),
                          err) != 0 ||
        pl_csv_keys_sift(&t->keys, w, list, &count, err) != 0)
        return -1;
    list[count] = UINT32_MAX;
    return see_listed(t, w, list, err);
}

/* Writing */

/* How much of the rows at text fits into the part; a part has one at least. */
static size_t fitting(const struct transform *t, const char *text, size_t len)
{
    const uint64_t most = t->cfg->max_part_bytes;
    const bool is_fresh = t->part_bytes == t->head.len;
    const char *last;
    size_t room;

    if (most == 0 || t->part_bytes + len <= most)
        return len;
    room = most > t->part_bytes ? (size_t)(most - t->part_bytes) : 0;
    for (last = text + room; last > text && last[-1] != '\n'; last--)
        ;
    if (last == text && is_fresh)
        last = (const char *)memchr(text, '\n', len) + 1;
    return (size_t)(last - text);
}

static uint64_t count_lines(const char *text, size_t len)
{
    uint64_t count = 0;
    const char *end = text + len;

    while (text < end && (text = memchr(text, '\n', (size_t)(end - text)))) {
        count++;
        text++;
    }
    return count;
}

static int write_head(struct transform *t, struct pl_err *err)
{
    t->part_bytes = t->head.len;
    t->report->last_part_rows = 0;
    return pl_sink_write(t->cfg->out, t->head.data, t->head.len, err);
}

static int write_out(struct transform *t, const struct pl_csv_work *w,
                     struct pl_err *err)
{
    const char *text = w->out.data;
    size_t left = w->out.len;
    uint64_t rows = w->rows_out;

    while (left > 0) {
        const size_t len = fitting(t, text, left);
        const uint64_t lines = len == left ? rows : count_lines(text, len);

        if (pl_sink_write(t->cfg->out, text, len, err) != 0)
            return -1;
        t->part_bytes += len;
        t->report->last_part_rows += lines;
        rows -= lines;
        text += len;
        left -= len;
        if (left > 0 &&
            (t->cfg->next_part(t->cfg->part_ctx, t->report->last_part_rows,
                               err) != 0 ||
             write_head(t, err) != 0))
            return -1;
    }
    return 0;
}

/* Where the rows stood that come out, for who writes on. */
static int tell_places(const struct transform *t, const struct pl_csv_chunk *c,
                       struct pl_err *err)
{
    for (size_t row = 0; t->cfg->place != NULL && row < c->row_count; row++)
        if (c->states[row] != PL_CSV_REJECTED &&
            c->states[row] != PL_CSV_DROPPED &&
            t->cfg->place(t->cfg->place_ctx, c->number + row,
                          c->offset + pl_csv_row_start(c, row), err) != 0)
            return -1;
    return 0;
}

static int write_work(struct transform *t, struct pl_csv_work *w,
                      struct pl_err *err)
{
    const struct pl_csv_chunk *c = &w->chunk;

    if (t->cfg->out != NULL && t->writing.next == 0 && write_head(t, err) != 0)
        return -1;
    if (t->cfg->rejects != NULL && w->rejects.text.len > 0 &&
        pl_sink_write(t->cfg->rejects, w->rejects.text.data,
                      w->rejects.text.len, err) != 0)
        return -1;
    if (t->cfg->rejected != NULL && w->whose.len > 0 &&
        pl_sink_write(t->cfg->rejected, w->whose.data, w->whose.len, err) != 0)
        return -1;
    if (tell_places(t, c, err) != 0 ||
        (t->cfg->out != NULL && write_out(t, w, err) != 0))
        return -1;
    if (t->cfg->progress != NULL)
        t->cfg->progress(t->cfg->progress_ctx, c->offset + c->used,
                         c->number + c->row_count - 1);
    return 0;
}

/* The workers */

/* The next chunk and its place in the order; false: there is none. A chunk
 * that ends in an error is the last one, with the rows before it. */
static bool cut(struct transform *t, struct pl_csv_work *w, uint64_t *place,
                struct pl_err *err)
{
    int rc = 0;

    (void)pthread_mutex_lock(&t->cutting.lock);
    if (!t->is_cut) {
        *place = t->cutting.next;
        rc =
            pl_stop_check(err) != 0 ? -1 : pl_csv_cut(&t->feed, &w->chunk, err);
        t->is_cut = rc <= 0;
        if (rc != 0)
            t->cutting.next++;
        if (rc < 0 && err->code != PL_DATA_INVALID)
            w->chunk.row_count = 0;
    }
    (void)pthread_mutex_unlock(&t->cutting.lock);
    return rc != 0;
}

static void stop_cutting(struct transform *t)
{
    (void)pthread_mutex_lock(&t->cutting.lock);
    t->is_cut = true;
    (void)pthread_mutex_unlock(&t->cutting.lock);
}

static int count_columns(struct worker *worker, struct pl_err *err)
{
    if (!worker->t->cfg->has_report)
        return 0;
    if (worker->tally.columns == NULL &&
        pl_csv_tally_open(&worker->tally, &worker->t->plan.shape, err) != 0)
        return -1;
    return pl_csv_tally_add(&worker->tally, &worker->work, err);
}

/* From cut to written; the first failure of the first chunk is the one that
 * counts. */
static void carry(struct worker *worker, uint64_t place, struct pl_err *err)
{
    struct transform *t = worker->t;
    struct pl_csv_work *w = &worker->work;
    struct pl_err why = {0};
    bool is_wanted;
    bool is_out;

    is_out = t->plan.shape.count > 0 && pl_csv_check(&t->plan, w, &why) == 0;
    turn_take(&t->seeing, place);
    is_wanted = !t->is_stopped;
    if (is_wanted && is_out && see_rows(t, w, &why) != 0)
        is_out = why.code == PL_DATA_INVALID;
    if (why.code != PL_OK)
        *err = why;
    t->is_stopped = t->is_stopped || err->code != PL_OK;
    turn_pass(&t->seeing);
    pl_err_clear(&why);
    is_out = is_out && is_wanted && t->mode != MODE_GATHER;
    if (is_out && (pl_csv_merge_rejects(w, &why) != 0 ||
                   pl_csv_emit(&t->plan, w, &why) != 0 ||
                   count_columns(worker, &why) != 0))
        is_out = false;
    turn_take(&t->writing, place);
    if (is_out && !t->has_failed)
        (void)write_work(t, w, &why);
    if (why.code != PL_OK)
        *err = why;
    if (is_wanted && err->code != PL_OK && !t->has_failed) {
        t->has_failed = true;
        t->err = *err;
    }
    turn_pass(&t->writing);
    if (err->code != PL_OK)
        stop_cutting(t);
}

static void *work(void *ctx)
{
    struct worker *worker = ctx;
    struct pl_err err = {0};
    uint64_t place;

    while (cut(worker->t, &worker->work, &place, &err)) {
        carry(worker, place, &err);
        if (err.code != PL_OK)
            break;
    }
    return NULL;
}

static int merge_tallies(struct transform *t, struct worker *workers,
                         size_t count, struct pl_err *err)
{
    struct pl_csv_tally *all = NULL;

    for (size_t i = 0; i < count; i++) {
        if (workers[i].tally.columns == NULL)
            continue;
        if (all == NULL)
            all = &workers[i].tally;
        else if (pl_csv_tally_merge(all, &workers[i].tally, err) != 0)
            return -1;
    }
    return all == NULL
               ? 0
               : pl_csv_tally_finish(all, &t->plan.shape, t->report, err);
}

/* The first worker is the caller's own thread. */
static int run(struct transform *t, struct pl_err *err)
{
    const unsigned wanted = t->cfg->threads > THREADS_MAX ? THREADS_MAX
                            : t->cfg->threads > 0         ? t->cfg->threads
                                                          : 1;
    struct worker *workers = calloc(wanted, sizeof(*workers));
    size_t count = 1;
    int rc;

    if (workers == NULL)
        return pl_fail_memory(err);
    for (size_t i = 0; i < wanted; i++)
        workers[i].t = t;
    while (count < wanted && pthread_create(&workers[count].thread, NULL, work,
                                            &workers[count]) == 0)
        count++;
    (void)work(&workers[0]);
    for (size_t i = 1; i < count; i++)
        (void)pthread_join(workers[i].thread, NULL);
    rc = merge_tallies(t, workers, count, err);
    for (size_t i = 0; i < count; i++) {
        pl_csv_work_release(&workers[i].work);
        pl_csv_tally_release(&workers[i].tally);
    }
    free(workers);
    if (rc == 0 && t->has_failed) {
        *err = t->err;
        return -1;
    }
    return rc;
}

/* From the beginning of the input once more, with what repeats known. */
static int rewind_input(struct transform *t, struct pl_err *err)
{
    if (pl_csv_spill_settle(&t->spill, &t->keys, err) != 0)
        return -1;
    t->mode = MODE_SETTLED;
    t->source = pl_csv_store_again(&t->store);
    t->cutting.next = t->seeing.next = t->writing.next = 0;
    t->is_cut = t->is_stopped = t->has_failed = false;
    memset(&t->err, 0, sizeof(t->err));
    pl_buf_reset(&t->feed.rest);
    t->feed.offset = 0;
    t->feed.number = 0;
    t->feed.line = 1;
    t->feed.is_end = false;
    t->feed.header = skip_header;
    return 0;
}

int pl_csv_check_limits(const struct pl_csv_config *cfg,
                        const struct pl_csv_report *r, struct pl_err *err)
{
    const struct pl_csv_limits *limits = &cfg->limits;

    if (r->rows_in != r->rows_out + r->rows_rejected + r->rows_dropped +
                          r->rows_merged + r->rows_unchanged)
        return pl_fail(err, PL_INTERNAL_ERROR, "counts do not add up");
    if (limits->max_rejects >= 0 &&
        r->rows_rejected > (uint64_t)limits->max_rejects)
        return pl_fail(err, PL_DATA_INVALID,
                       "%" PRIu64 " rows rejected, max_rejects allows %" PRId64,
                       r->rows_rejected, limits->max_rejects);
    if ((double)r->rows_rejected * 100.0 >
        limits->max_reject_percent * (double)r->rows_in)
        return too_many_rejects(cfg, r, false, err);
    if (limits->max_rows >= 0 && r->rows_out > (uint64_t)limits->max_rows)
        return pl_fail(err, PL_DATA_INVALID,
                       "%" PRIu64 " rows came out, max_rows allows %" PRId64,
                       r->rows_out, limits->max_rows);
    if ((int64_t)r->rows_out < limits->min_rows)
        return pl_fail(err, PL_DATA_INVALID,
                       "%" PRIu64 " rows came out, min_rows asks for %" PRId64,
                       r->rows_out, limits->min_rows);
    return 0;
}

static int choose_reader(struct transform *t, struct pl_err *err)
{
    const char *name = t->cfg->reader;

    t->plan.is_kernel_reading = name == NULL || strcmp(name, "libcsv") != 0;
    t->plan.kernel =
        pl_csv_kernel_by_name(t->plan.is_kernel_reading ? name : NULL);
    if (t->plan.kernel == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "reader '%s': this machine or build has none of that "
                       "name; there are libcsv, scalar and, where the "
                       "processor has them, sse2, avx2, avx512 or neon",
                       name);
    t->feed.kernel = t->plan.is_kernel_reading ? t->plan.kernel : NULL;
    return 0;
}

static int begin(struct transform *t, struct pl_err *err)
{
    const struct pl_csv_config *cfg = t->cfg;
    struct pl_csv_report *r = t->report;
    PL_AUTO(pl_buf) rejects = PL_BUF_INIT;

    if (turn_open(&t->cutting, err) != 0 || turn_open(&t->seeing, err) != 0 ||
        turn_open(&t->writing, err) != 0)
        return -1;
    r->rules = calloc(PL_RULE_COUNT - 1, sizeof(*r->rules));
    if (r->rules == NULL)
        return pl_fail_memory(err);
    r->rule_count = PL_RULE_COUNT - 1;
    for (size_t i = 0; i < r->rule_count; i++)
        r->rules[i].code = pl_rule_code((enum pl_rule)(i + 1));
    t->plan.cfg = cfg;
    if (choose_reader(t, err) != 0 ||
        pl_csv_store_open(&t->store, cfg, err) != 0 ||
        pl_random(&t->plan.hash_key, sizeof(t->plan.hash_key), err) != 0 ||
        pl_csv_keys_open(&t->keys, &t->plan, &t->store, err) != 0)
        return -1;
    t->source = pl_csv_store_source(&t->store);
    t->feed.in = &t->source;
    t->feed.chunk_bytes = cfg->chunk_bytes > 0 ? cfg->chunk_bytes : CHUNK_BYTES;
    t->feed.max_record_bytes =
        cfg->max_record_bytes > 0 ? cfg->max_record_bytes : RECORD_BYTES_MAX;
    t->feed.empties = cfg->rules.empty == PL_CSV_EMPTY_NULL ? 0 : ~UINT64_C(0);
    t->feed.line = 1;
    t->feed.header = take_header;
    t->feed.ctx = t;
    t->feed.reference = pl_csv_reference_open(err);
    if (t->feed.reference == NULL ||
        pl_csv_write_reject_header(cfg, &rejects, err) != 0)
        return -1;
    return rejects.len == 0 || cfg->rejects == NULL
               ? 0
               : pl_sink_write(cfg->rejects, rejects.data, rejects.len, err);
}

int pl_csv_transform(const struct pl_csv_config *cfg,
                     struct pl_csv_report *report, struct pl_err *err)
{
    PL_AUTO(transform) t = {.cfg = cfg, .report = report, .store = {.fd = -1}};

    memset(report, 0, sizeof(*report));
    if (begin(&t, err) != 0)
        return -1;
    if (run(&t, err) != 0 &&
        (t.mode != MODE_GATHER || err->code != PL_DATA_INVALID))
        return -1; /* else it fails the second time, with all that is wrong */
    if (t.mode == MODE_GATHER) {
        pl_err_clear(err);
        if (rewind_input(&t, err) != 0 || run(&t, err) != 0)
            return -1;
    }
    if (t.plan.shape.count == 0)
        return pl_fail(err, PL_DATA_INVALID, "no header: the file is empty");
    return pl_csv_check_limits(cfg, report, err);
}
