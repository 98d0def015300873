#include "stages/lakeseg_restore/lakeseg_restore.h"

#include <inttypes.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/digest.h"
#include "pipeline/base/text.h"
#include "pipeline/delta/job.h"
#include "pipeline/stream/copy.h"
#include "pipeline/stream/transfer.h"
#include "pipeline/stream/uri.h"

#define DELTA "validate.result.delta"

static bool is_profiles(const struct pl_manifest *m)
{
    const char *destination = pl_manifest_str(m, "import.destination");

    if (destination == NULL)
        destination = pl_manifest_str(m, "validate.target");
    return destination != NULL && strcmp(destination, "customer-profiles") == 0;
}

/* Rows of the normalized files; -1: there are none of them. */
static int64_t count_rows(const struct pl_manifest *m)
{
    int64_t rows = -1;

    for (size_t i = 0; i < pl_manifest_data_count(m); i++) {
        struct pl_err ignored = {0};
        struct pl_data data;

        if (pl_manifest_data_get(m, i, &data, &ignored) == 0 &&
            strcmp(data.role, "normalized") == 0)
            rows = (rows < 0 ? 0 : rows) + (data.rows > 0 ? data.rows : 0);
    }
    return rows;
}

int lakeseg_restore_check(const struct pl_manifest *m, struct pl_err *err)
{
    const char *id = pl_manifest_str(m, "run.id");

    if (pl_manifest_bool(m, "run.local", false))
        return pl_fail(err, PL_USAGE_INVALID,
                       "run %s was of --local: the service of today is another",
                       id != NULL ? id : "?");
    if (count_rows(m) > 0 && pl_manifest_get(m, "import.result") != NULL)
        return 0;
    return pl_fail(err, PL_USAGE_INVALID,
                   "run %s imported nothing that could be imported again",
                   id != NULL ? id : "?");
}

/* In words */

static int add_endpoints(const struct pl_manifest *m, struct pl_buf *text,
                         struct pl_err *err)
{
    return pl_buf_adds(
        text,
        is_profiles(m)
            ? "  profiles that came since then stay, with all they have\n"
              "  attributes and fields that only later runs or others wrote "
              "stay\n"
              "  a field that these rows have gets their value, whoever wrote "
              "the one before\n"
              "  these profiles expire as if they were imported now\n"
            : "  endpoints that came since then stay, with all they have\n"
              "  attributes that only later runs or others wrote stay\n"
              "  an attribute that these rows have gets their value, whoever "
              "wrote the one before\n"
              "  messages that went out in between went out\n",
        err);
}

int lakeseg_restore_text(const struct pl_manifest *m, struct pl_buf *text,
                         struct pl_err *err)
{
    const char *id = pl_manifest_str(m, "run.id");
    const char *begun = pl_manifest_str(m, "run.started_at");
    const char *mode = pl_manifest_str(m, DELTA ".mode");
    const char *place = pl_manifest_str(
        m, is_profiles(m) ? "import.domain" : "import.application_id");
    const int64_t gone =
        pl_manifest_int(m, "validate.result.rows_gone_sent", 0);

    if (pl_buf_addf(text, err,
                    "sends again the %" PRId64
                    " rows that run %s of %s sent, into %s %s\n"
                    "what this does not take back:\n",
                    count_rows(m), id, begun != NULL ? begun : "?",
                    is_profiles(m) ? "domain" : "application",
                    place != NULL ? place : "?") != 0 ||
        add_endpoints(m, text, err) != 0)
        return -1;
    if (mode != NULL && strcmp(mode, "changed") == 0 &&
        pl_buf_adds(text,
                    "  that run sent what had changed alone: all other rows "
                    "stay as later runs left them\n",
                    err) != 0)
        return -1;
    if (gone > 0 &&
        pl_buf_addf(text, err,
                    "  %" PRId64
                    " of the rows say that somebody is gone, as it was then\n",
                    gone) != 0)
        return -1;
    if (pl_manifest_bool(m, "import.define_segment", false) &&
        pl_buf_adds(text,
                    "  the segment is made anew from these rows; campaigns "
                    "that used it stay\n",
                    err) != 0)
        return -1;
    return !pl_delta_is_wanted(m)
               ? 0
               : pl_buf_adds(text,
                             "the next run of the job sends all rows: what the "
                             "service has is not known any more\n",
                             err);
}

/* The new run */

static void forget_results(struct pl_manifest *m)
{
    (void)json_object_del(pl_manifest_get(m, "import"), "result");
    (void)json_object_del(pl_manifest_get(m, "validate.result"), "preview");
    pl_manifest_data_drop(m, "rejects");
    pl_manifest_data_drop(m, "query-result");
}

/* The job keeps in mind that nobody knows what the service has after this. */
static int mark_unknown(struct pl_manifest *m, struct pl_err *err)
{
    PL_AUTO(pl_buf) place = PL_BUF_INIT;
    const char *known = pl_manifest_str(m, DELTA ".place");

    if (known == NULL && !pl_delta_is_wanted(m))
        return 0;
    if ((known != NULL ? pl_buf_adds(&place, known, err)
                       : pl_delta_place(m, &place, err)) != 0)
        return -1;
    return pl_manifest_set_new(m, DELTA,
                               json_pack("{s:s, s:s, s:n, s:n}", "place",
                                         place.data, "mode", "full", "last",
                                         "fingerprints"),
                               err);
}

/* A place beside the run's own: <parent>/restore-<a new id>/. */
static int choose_place(struct pl_manifest *m, struct pl_buf *place,
                        struct pl_err *err)
{
    unsigned char random[10];
    char id[27];

    if (pl_random(random, sizeof(random), err) != 0 ||
        pl_manifest_work_uri(m, place, err) != 0)
        return -1;
    pl_ulid(pl_now_ms(&pl_clock_real), random, id);
    do
        place->len--;
    while (place->len > 0 && place->data[place->len - 1] != '/');
    place->data[place->len] = '\0';
    return pl_buf_addf(place, err, "restore-%s/", id) != 0
               ? -1
               : pl_manifest_set_str(m, "run.work_uri", place->data, err);
}

static int copy_file(struct pl_manifest *m, size_t i, const char *place,
                     struct pl_aws *aws, struct pl_err *err)
{
    PL_AUTO(pl_transfer) how = {.threads = 0};
    PL_AUTO(pl_buf) to = PL_BUF_INIT;
    struct pl_copied copied = {0};
    struct pl_data data;
    const char *below;

    if (pl_manifest_data_get(m, i, &data, err) != 0)
        return -1;
    below = strstr(data.uri, "/import/");
    if (pl_buf_addf(&to, err, "%simport/%s", place,
                    below != NULL ? below + strlen("/import/")
                                  : pl_uri_name(data.uri)) != 0 ||
        pl_transfer_settings(&how, NULL, aws, err) != 0)
        return -1;
    how.put.content_type = strcmp(data.format, "csv") == 0
                               ? "text/csv; charset=utf-8"
                               : "application/x-ndjson";
    if (pl_copy(data.uri, to.data, data.crc64nvme, aws, &how, "copying",
                &copied, err) != 0)
        return pl_context(err, "the file that the run sent");
    data.uri = to.data;
    data.etag = copied.etag[0] != '\0' ? copied.etag : NULL;
    return pl_manifest_data_set(m, i, &data, err);
}

int lakeseg_restore_prepare(struct pl_manifest *m, struct pl_aws *aws,
                            const char **stage, struct pl_err *err)
{
    PL_AUTO(pl_buf) place = PL_BUF_INIT;
    const char *id = pl_manifest_str(m, "run.id");

    *stage = is_profiles(m) ? "profiles-import" : "pinpoint-import";
    if (pl_manifest_set_str(m, "import.restores", id, err) != 0 ||
        pl_manifest_set_str(m, "import.destination",
                            is_profiles(m) ? "customer-profiles" : "pinpoint",
                            err) != 0 ||
        mark_unknown(m, err) != 0)
        return -1;
    forget_results(m);
    if (is_profiles(m))
        return 0;
    if (choose_place(m, &place, err) != 0)
        return -1;
    for (size_t i = 0; i < pl_manifest_data_count(m); i++)
        if (copy_file(m, i, place.data, aws, err) != 0)
            return -1;
    return 0;
}
