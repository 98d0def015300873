/* lakeseg check - what can be said of a job without asking anybody. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/lakeseg/verb.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/process.h"
#include "pipeline/manifest/schema.h"
#include "stages/athena_exec/settings.h"
#include "stages/csv_validate/delta.h"
#include "stages/csv_validate/settings.h"
#include "stages/pinpoint_import/settings.h"
#include "stages/profiles_import/run.h"
#include "stages/query_validate/query_validate.h"
#include "stages/sns_notify/sns_notify.h"

struct check {
    struct pl_manifest job;
    json_t *findings;
    struct pl_err first; /* the first error; PL_OK: none */
};

static void check_release(struct check *c)
{
    pl_manifest_release(&c->job);
    json_decref(c->findings);
}

static int add(struct check *c, const char *part, const char *level,
               const char *message, struct pl_err *err)
{
    if (json_array_append_new(c->findings, json_pack("{s:s, s:s, s:s}", "part",
                                                     part, "level", level,
                                                     "message", message)) != 0)
        return pl_fail_memory(err);
    return 0;
}

static int add_error(struct check *c, const char *part,
                     const struct pl_err *cause, struct pl_err *err)
{
    if (c->first.code == PL_OK)
        c->first = *cause;
    return add(c, part, "error", cause->msg, err);
}

/* A finding of the schema. */
static int found(void *ctx, const char *path, const char *what, bool is_error,
                 struct pl_err *err)
{
    struct check *c = ctx;
    struct pl_err cause = {0};

    (void)pl_fail(&cause, PL_CONFIG_INVALID, "%s%s%s", path,
                  *path != '\0' ? " " : "", what);
    return is_error ? add_error(c, "job", &cause, err)
                    : add(c, "job", "warning", cause.msg, err);
}

static int check_query(struct pl_manifest *m, struct pl_buf *said,
                       struct pl_err *cause)
{
    const struct query_validate_config judge = {.target = NULL};
    const struct athena_exec_config cfg = ATHENA_EXEC_CONFIG_INIT;
    struct athena_settings set = {.run_id = NULL};

    if (query_validate_run(&judge, m, cause) != 0 ||
        athena_settings_choose(&set, &cfg, m, cause) != 0)
        return -1;
    return pl_buf_addf(
        said, cause, "%zu columns, work group %s, results %s",
        json_array_size(pl_manifest_get(m, "query.verdict.columns")),
        set.query.workgroup,
        set.output_uri != NULL ? set.output_uri : "where it says");
}

static int check_transform(struct pl_manifest *m, struct pl_buf *said,
                           struct pl_err *cause)
{
    const struct csv_validate_config cfg = CSV_VALIDATE_CONFIG_INIT;
    PL_AUTO(csv_settings) set = {.required = NULL};
    struct csv_delta_settings delta = {.is_on = false};

    if (csv_settings_choose(&set, &cfg, m, cause) != 0 ||
        csv_delta_choose(&delta, &cfg, &set, m, cause) != 0)
        return -1;
    return pl_buf_addf(said, cause,
                       "for %s, at most %g %% rejected, at least %" PRId64
                       " rows%s",
                       set.target.name, set.csv.limits.max_reject_percent,
                       set.csv.limits.min_rows,
                       delta.is_changed ? ", what changed alone"
                       : delta.is_on    ? ", compared with the last run"
                                        : "");
}

static int check_import(struct pl_manifest *m, struct pl_buf *said,
                        struct pl_err *cause)
{
    const char *destination = pl_manifest_str(m, "import.destination");
    const struct pinpoint_import_config pinpoint = PINPOINT_IMPORT_CONFIG_INIT;
    const struct profiles_import_config profiles = PROFILES_IMPORT_CONFIG_INIT;
    struct pinpoint_settings pinpoint_set = {.region = NULL};
    struct profiles_settings profiles_set = {.region = NULL};

    if (destination != NULL && strcmp(destination, "customer-profiles") == 0)
        return profiles_settings_choose(&profiles_set, &profiles, m, cause) != 0
                   ? -1
                   : pl_buf_addf(said, cause, "Customer Profiles, domain %s",
                                 profiles_set.domain);
    return pinpoint_settings_choose(&pinpoint_set, &pinpoint, m, cause) != 0
               ? -1
               : pl_buf_addf(said, cause, "Pinpoint, application %s",
                             pinpoint_set.application_id);
}

static const struct {
    const char *part;
    int (*look)(struct pl_manifest *m, struct pl_buf *said,
                struct pl_err *cause);
} parts[] = {
    {"query", check_query},
    {"transform", check_transform},
    {"import", check_import},
};

static int check_part(struct check *c, size_t i, struct pl_err *err)
{
    PL_AUTO(pl_buf) said = PL_BUF_INIT;
    struct pl_err cause = {0};

    if (parts[i].look == check_query &&
        pl_manifest_str(&c->job, "query.sql") == NULL &&
        pl_manifest_data_count(&c->job) > 0)
        return add(c, parts[i].part, "note",
                   "no query: the run begins with data[]", err);
    if (parts[i].look(&c->job, &said, &cause) != 0)
        return add_error(c, parts[i].part, &cause, err);
    return add(c, parts[i].part, "ok", said.data, err);
}

static int check_notify(struct check *c, struct pl_err *err)
{
    const struct sns_notify_config cfg = {0};
    const char *topic = sns_notify_topic(&cfg, &c->job);

    if (topic == NULL)
        return add(c, "notify", "warning",
                   "no topic (notify.topic_arn, LAKESEG_TOPIC_ARN): nobody "
                   "will be told",
                   err);
    return add(c, "notify", "ok", topic, err);
}

static int look(struct check *c, const char *path, struct pl_err *err)
{
    struct pl_err cause = {0};

    c->findings = json_array();
    if (c->findings == NULL)
        return pl_fail_memory(err);
    if (verb_read_job(path, &c->job, &cause) != 0)
        return add_error(c, "job", &cause, err);
    if (pl_schema_check(c->job.root, found, c, err) != 0)
        return -1;
    if (c->first.code == PL_OK && add(c, "job", "ok", path, err) != 0)
        return -1;
    if (pl_manifest_begin(&c->job, pl_now_ms(&pl_clock_real), err) != 0)
        return -1;
    for (size_t i = 0; i < PL_COUNT(parts); i++)
        if (check_part(c, i, err) != 0)
            return -1;
    return check_notify(c, err);
}

static void print_text(const struct check *c)
{
    size_t i;
    json_t *f;

    json_array_foreach(c->findings, i, f) printf(
        "%-8s %-10s %s\n", json_string_value(json_object_get(f, "level")),
        json_string_value(json_object_get(f, "part")),
        json_string_value(json_object_get(f, "message")));
}

static int print_json(const struct check *c, const char *path,
                      struct pl_err *err)
{
    json_t *all = json_pack("{s:s, s:b, s:O}", "job", path, "ok",
                            c->first.code == PL_OK, "findings", c->findings);
    const int rc = all != NULL ? json_dumpf(all, stdout, JSON_COMPACT) : -1;

    json_decref(all);
    if (rc != 0)
        return pl_fail(err, PL_FILE_ERROR, "cannot print the findings");
    (void)putchar('\n');
    return 0;
}

/* *first keeps the first error of all jobs. */
static int check_job(const char *path, bool is_json, struct pl_err *first,
                     struct pl_err *err)
{
    __attribute__((cleanup(check_release))) struct check c = {.findings = NULL};

    if (look(&c, path, err) != 0)
        return -1;
    if (first->code == PL_OK)
        *first = c.first;
    if (is_json)
        return print_json(&c, path, err);
    print_text(&c);
    return 0;
}

static int check_all(const char *format, bool is_json, int count, char **paths,
                     struct pl_err *err)
{
    struct pl_err first = {0};

    if (format != NULL && strcmp(format, "json") == 0)
        is_json = true;
    else if (format != NULL && strcmp(format, "text") != 0)
        return pl_fail(err, PL_USAGE_INVALID,
                       "--format '%s' is neither text nor json", format);
    if (count == 0)
        return pl_fail(err, PL_USAGE_INVALID, "which JOB?");
    for (int i = 0; i < count; i++)
        if (check_job(paths[i], is_json, &first, err) != 0)
            return -1;
    if (pl_stdout_close(err) != 0)
        return -1;
    *err = first;
    return first.code == PL_OK ? 0 : -1;
}

int verb_check(int argc, char **argv)
{
    const char *format = NULL;
    bool is_json = false;
    const struct pl_opt opts[] = {
        {"format", PL_OPT_STR, &format, "FORMAT",
         "text (default) or json, one object a job", NULL},
        {"json", PL_OPT_FLAG, &is_json, NULL, "the same as --format json",
         NULL},
        {.name = NULL},
    };
    const struct pl_cli cli = {
        .name = "lakeseg check",
        .summary = "judge a job without asking any service",
        .operands = "JOB...",
        .text =
            "Holds the job against the manifest's schema, judges its query, "
            "and resolves the settings of every stage as they would be (job, "
            "then environment, then default). Prints all that it finds, with "
            "a name that looks like a slip of the pen as a warning, and exits "
            "with the status of the first error.\n\n"
            "Nothing is asked, started or written: lakeseg doctor asks the "
            "services.",
        .examples = "lakeseg check job.json\n"
                    "lakeseg check --format json jobs/*.json",
        .see_also = "lakeseg-doctor(1), query-validate(1), lakeseg-run(1)",
        .opts = opts};
    struct pl_err err = {0};
    int first = 0;
    int rc;

    if (pl_env("LAKESEG_LOG") == NULL) /* the findings say it all */
        pl_log_set_level(PL_LOG_WARN);
    rc = pl_opts_parse(&cli, argc, argv, &first, &err);
    if (rc > 0)
        return 0;
    if (rc == 0)
        rc = check_all(format, is_json, argc - first, argv + first, &err);
    return rc == 0 ? 0 : pl_process_exit(&err);
}
