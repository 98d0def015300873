#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/process.h"
#include "stages/profiles_import/columns.h"
#include "stages/profiles_import/progress.h"
#include "stages/profiles_import/run.h"

#define TRIES_MAX 4 /* of an object that is refused for the moment */
#define FAILURES_SHOWN 20

/* Objects that go together, in the order of the rows. */
struct batch {
    struct pl_customer_object objects[PL_CUSTOMER_BATCH_MAX];
    char *texts[PL_CUSTOMER_BATCH_MAX];
    char *keys[PL_CUSTOMER_BATCH_MAX];
    int64_t rows[PL_CUSTOMER_BATCH_MAX]; /* in their part, from 1 on */
    size_t count;
};

struct putter {
    struct profiles_run *run;
    struct profiles_progress progress;
    struct batch batch;
    int64_t next_ms; /* when the next batch may go */
    json_t *failures;
};

static void batch_clear(struct batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        free(b->texts[i]);
        free(b->keys[i]);
    }
    b->count = 0;
}

static void putter_release(struct putter *p)
{
    batch_clear(&p->batch);
    profiles_progress_release(&p->progress);
    json_decref(p->failures);
}

static int record(const struct putter *p, const char *status,
                  struct pl_err *err)
{
    json_t *job = json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:O}", "id", p->run->set.object_type,
        "status", status, "rows", (json_int_t)p->run->rows, "processed",
        (json_int_t)p->progress.done, "failed", (json_int_t)p->progress.failed,
        "failures", p->failures);

    return pl_manifest_set_new(p->run->m, "import.result.jobs",
                               json_pack("[o]", job), err);
}

static int make_type(const struct profiles_run *run, struct pl_err *err)
{
    const struct pl_customer_field *key = &run->fields[run->key];
    const char *search = profiles_search_key(run);
    const struct pl_customer_new_type type = {
        .name = run->set.object_type,
        .fields = run->fields,
        .field_count = run->field_count,
        .key_name = search != NULL ? search : "lakeseg_key",
        .key = key->header,
        .expiry_days = run->set.expiry_days};

    if (pl_customer_put_type(&run->customer, &type, err) != 0)
        return pl_context(err, "cannot make object type '%s'", type.name);
    pl_info("object type '%s' made", type.name);
    return 0;
}

static int check_type(const struct profiles_run *run, struct pl_err *err)
{
    PL_AUTO(pl_customer_type) type = {.shape = NULL};
    const char *name = run->set.object_type;
    const char *header = NULL;
    const char *why;
    bool found = false;

    if (pl_customer_get_type(&run->customer, name, &found, &type, err) != 0)
        return pl_context(err, "cannot look at object type '%s'", name);
    if (!found && run->set.is_setup)
        return make_type(run, err);
    if (!found)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "domain '%s' has no object type '%s'; --setup makes it",
                       run->set.domain, name);
    why = pl_customer_type_fault(&type, run->fields, run->field_count,
                                 run->fields[run->key].header, &header);
    if (why != NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "object type '%s' %s column '%s'; change it, or name "
                       "another by 'import.object_type'",
                       name, why, header);
    if (!pl_customer_type_creates(&type))
        pl_warn("object type '%s' makes no profiles: rows with unknown keys "
                "will be nobody's",
                name);
    return 0;
}

/* A row as its object: the columns that have a value. */
static char *object_of(const struct profiles_run *run,
                       const struct profiles_columns *columns,
                       const struct pl_csv_record *record)
{
    json_t *object = json_object();
    char *text;
    int rc = 0;

    for (size_t f = 0; f < run->field_count && rc == 0; f++) {
        const struct pl_csv_cell *cell;

        if (columns->at[f] == SIZE_MAX)
            continue;
        cell = &record->cells[columns->at[f]];
        if (cell->len > 0)
            rc = json_object_set_new(object, run->fields[f].header,
                                     json_stringn(cell->data, cell->len));
    }
    text = rc == 0 ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    return text;
}

static int add_row(struct putter *p, const struct profiles_columns *columns,
                   const struct pl_csv_record *record, int64_t row,
                   int64_t number, struct pl_err *err)
{
    const struct pl_csv_cell *key;
    struct batch *b = &p->batch;
    const size_t i = b->count;

    if (record->is_malformed || record->count != columns->width)
        return pl_fail(err, PL_DATA_INVALID, "row %" PRId64 " has changed",
                       row);
    key = &record->cells[columns->at[p->run->key]];
    b->texts[i] = object_of(p->run, columns, record);
    b->keys[i] = strndup(key->data, key->len);
    b->rows[i] = row;
    b->count++;
    if (b->texts[i] == NULL || b->keys[i] == NULL)
        return pl_fail(err, PL_DATA_INVALID,
                       "row %" PRId64 " is not UTF-8, or out of memory", row);
    b->objects[i].text = b->texts[i];
    (void)snprintf(b->objects[i].id, sizeof(b->objects[i].id), "r%" PRId64,
                   number);
    return 0;
}

/* The rate is that of objects, whatever the calls hold. */
static int pace(struct putter *p, struct pl_err *err)
{
    const struct pl_clock *clock = &p->run->aws->clock;
    const int64_t now = pl_mono_ms(clock);
    const int64_t wait = p->next_ms - now;

    if (wait > 0 && pl_sleep_ms(clock, wait, err) != 0)
        return -1;
    p->next_ms =
        (wait > 0 ? p->next_ms : now) +
        (int64_t)p->batch.count * 1000 / p->run->set.objects_per_second;
    return pl_stop_check(err);
}

static bool is_for_later(const struct pl_customer_object *o)
{
    return o->code == 429 || o->code >= 500;
}

/* Puts what is in list, and what is refused for the moment once more. */
static int put_all(struct putter *p, struct pl_customer_object *list,
                   size_t count, struct pl_err *err)
{
    struct pl_customer_object again[PL_CUSTOMER_BATCH_MAX];
    size_t index[PL_CUSTOMER_BATCH_MAX];
    struct profiles_run *run = p->run;

    for (size_t i = 0; i < count; i++) {
        again[i] = list[i];
        index[i] = i;
    }
    for (int try = 1; count > 0; try++) {
        size_t left = 0;

        if (pl_customer_put_objects(&run->customer, run->set.object_type, again,
                                    count, err) != 0)
            return -1;
        for (size_t i = 0; i < count; i++) {
            list[index[i]] = again[i];
            if (!is_for_later(&again[i]))
                continue;
            if (try == TRIES_MAX)
                return pl_fail(err,
                               again[i].code == 429 ? PL_THROTTLED
                                                    : PL_SERVICE_UNAVAILABLE,
                               "objects are refused for the moment (%d)",
                               again[i].code); /* its words may quote one */
            index[left] = index[i];
            again[left++] = again[i];
        }
        count = left;
        if (count > 0 &&
            pl_sleep_ms(&run->aws->clock, run->aws->retry.base_ms << (try - 1),
                        err) != 0)
            return -1;
    }
    return 0;
}

static int note_failed(struct putter *p, const struct profiles_part *part,
                       size_t i, struct pl_err *err)
{
    const struct batch *b = &p->batch;
    const struct pl_customer_object *o = &b->objects[i];

    if (json_array_size(p->failures) < FAILURES_SHOWN)
        (void)json_array_append_new(
            p->failures, json_sprintf("row %lld: %d %s", (long long)b->rows[i],
                                      o->code, o->why));
    return profiles_progress_reject(
        &p->progress,
        json_pack("{s:I, s:s, s:s, s:s, s:i, s:s}", "record",
                  (json_int_t)b->rows[i], "key", b->keys[i], "rule", "service",
                  "uri", part->data.uri, "code", o->code, "detail", o->why),
        err);
}

static int flush(struct putter *p, const struct profiles_part *part,
                 struct pl_err *err)
{
    struct batch *b = &p->batch;
    const int64_t rows = (int64_t)b->count;

    if (b->count == 0)
        return 0;
    if (pace(p, err) != 0 || put_all(p, b->objects, b->count, err) != 0)
        return pl_context(err,
                          "after %" PRId64 " of %" PRId64
                          " rows; started again, this goes on from there",
                          p->progress.done, p->run->rows);
    for (size_t i = 0; i < b->count; i++)
        if (b->objects[i].code != 0 && note_failed(p, part, i, err) != 0)
            return -1;
    batch_clear(b);
    if (profiles_progress_save(&p->progress, rows, err) != 0)
        return -1;
    pl_progress("IN_PROGRESS", (uint64_t)p->progress.done,
                (uint64_t)p->run->rows, "rows");
    return record(p, "IN_PROGRESS", err);
}

/* The rows of a part behind those that are done; first: of the part, of all. */
static int put_part(struct putter *p, const struct profiles_part *part,
                    int64_t first, struct pl_err *err)
{
    PL_AUTO(profiles_rows) rows = {.reader = {.fd = -1}};
    struct profiles_columns columns;
    struct pl_csv_record record_now;
    int64_t row = 0;
    int rc;

    if (profiles_rows_open(&rows, part->data.uri, p->run->aws, err) != 0 ||
        profiles_columns_read(&columns, p->run, part, &rows, err) != 0)
        return -1;
    while ((rc = profiles_rows_next(&rows, &record_now, err)) == 1) {
        row++;
        if (first + row <= p->progress.done)
            continue;
        if (add_row(p, &columns, &record_now, row, first + row, err) != 0 ||
            (p->batch.count == PL_CUSTOMER_BATCH_MAX &&
             flush(p, part, err) != 0))
            return -1;
    }
    if (rc != 0 || flush(p, part, err) != 0)
        return -1;
    return pl_reader_verify(&rows.reader, part->data.crc64nvme, err);
}

static int outcome(const struct putter *p, struct pl_err *err)
{
    const struct profiles_run *run = p->run;
    const int64_t failed = p->progress.failed;

    if (p->progress.done != run->rows)
        return pl_fail(err, PL_IMPORT_PARTIAL,
                       "%" PRId64 " rows were put of %" PRId64,
                       p->progress.done, run->rows);
    if ((double)failed * 100.0 <=
        run->set.max_failed_percent * (double)run->rows)
        return 0;
    return pl_fail(err, PL_IMPORT_PARTIAL,
                   "%" PRId64 " of %" PRId64
                   " rows were refused; '%s' has the reasons",
                   failed, run->rows, p->progress.uri.data);
}

int profiles_put_objects(struct profiles_run *run, struct pl_err *err)
{
    PL_AUTO(putter) p = {.run = run, .progress = {.fd = -1}};
    int64_t first = 0;

    p.failures = json_array();
    if (check_type(run, err) != 0 ||
        profiles_progress_open(&p.progress, run, err) != 0 ||
        profiles_judge_all(run, p.progress.done == 0, err) != 0 ||
        (p.progress.done > 0 && record(&p, "IN_PROGRESS", err) != 0))
        return -1;
    for (size_t i = 0; i < run->part_count; i++) {
        const struct profiles_part *part = &run->parts[i];

        if (first + part->data.rows > p.progress.done &&
            put_part(&p, part, first, err) != 0)
            return pl_context(err, "'%s'", part->data.uri);
        first += part->data.rows;
    }
    pl_progress_end();
    if (profiles_progress_publish(&p.progress, run, err) != 0 ||
        record(&p, "COMPLETED", err) != 0)
        return -1;
    run->has_failures = p.progress.failed > 0;
    return outcome(&p, err);
}
