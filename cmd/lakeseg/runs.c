/* lakeseg runs - the history, a line a run. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/lakeseg/verb.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/opts.h"
#include "pipeline/base/process.h"
#include "pipeline/base/text.h"
#include "pipeline/runs/runs.h"

#define LIMIT_DEFAULT 20

struct options {
    const char *job;
    int64_t limit;
    bool is_json;
};

/* Milliseconds from the first stage's begin to the last one's end; -1: no
 * stage has ended. */
static int64_t took_ms(const struct pl_manifest *m)
{
    const json_t *stages = pl_manifest_get(m, "stages");
    const size_t count = json_array_size(stages);
    const char *from;
    const char *to;
    int64_t from_ms;
    int64_t to_ms;

    if (count == 0)
        return -1;
    from = json_string_value(
        json_object_get(json_array_get(stages, 0), "started_at"));
    to = json_string_value(
        json_object_get(json_array_get(stages, count - 1), "ended_at"));
    if (from == NULL || to == NULL || pl_time_parse_iso(from, &from_ms) != 0 ||
        pl_time_parse_iso(to, &to_ms) != 0)
        return -1;
    return to_ms - from_ms;
}

static const char *outcome(const struct pl_manifest *m, bool is_over)
{
    const char *error = pl_manifest_str(m, "error.name");

    if (!is_over)
        return "not over";
    return pl_manifest_is_failed(m) && error != NULL ? error
                                                     : pl_manifest_subject(m);
}

/* A number where it is known, else "-". */
static const char *number(int64_t value, char text[24])
{
    (void)snprintf(text, 24, value < 0 ? "-" : "%" PRId64, value);
    return text;
}

/* A name as it may go to a terminal. */
static void print_name(const char *name)
{
    for (int i = 0; i < 24; i++) {
        const unsigned char c = (unsigned char)*name;

        (void)putchar(c == '\0' ? ' ' : c < ' ' || c == 0x7f ? '?' : c);
        name += c != '\0';
    }
}

static void print_line(const struct pl_runs_entry *entry,
                       const struct pl_manifest *m)
{
    const char *name = pl_manifest_str(m, "run.name");
    const int64_t took = took_ms(m);
    char begun[PL_TIME_LEN];
    char in[24];
    char out[24];
    char bad[24];

    pl_time_iso(entry->begun_ms, begun);
    begun[19] = '\0';
    begun[10] = ' ';
    printf("%-26s  ", entry->id);
    print_name(name != NULL ? name : "-");
    printf("  %s  ", begun);
    if (took >= 0)
        printf("%9.1f", (double)took / 1000);
    else
        printf("%9s", "-");
    printf("  %9s %9s %9s  %s\n",
           number(pl_manifest_int(m, "validate.result.rows_in", -1), in),
           number(pl_manifest_int(m, "validate.result.rows_out", -1), out),
           number(pl_manifest_int(m, "validate.result.rows_rejected", -1), bad),
           outcome(m, entry->is_over));
}

static json_t *count_or_null(const struct pl_manifest *m, const char *path)
{
    const int64_t value = pl_manifest_int(m, path, -1);

    return value < 0 ? json_null() : json_integer(value);
}

static int print_object(const struct pl_runs_entry *entry,
                        const struct pl_manifest *m, struct pl_err *err)
{
    const int64_t took = took_ms(m);
    char begun[PL_TIME_LEN];
    json_t *line;
    int rc;

    pl_time_iso(entry->begun_ms, begun);
    line =
        json_pack("{s:s, s:s?, s:s, s:o, s:b, s:s, s:s?, s:o, s:o, s:o}", "run",
                  entry->id, "job", pl_manifest_str(m, "run.name"), "begun",
                  begun, "took_ms", took < 0 ? json_null() : json_integer(took),
                  "over", entry->is_over, "outcome",
                  entry->is_over ? pl_manifest_subject(m) : "not over", "error",
                  pl_manifest_str(m, "error.name"), "rows_in",
                  count_or_null(m, "validate.result.rows_in"), "rows_out",
                  count_or_null(m, "validate.result.rows_out"), "rows_rejected",
                  count_or_null(m, "validate.result.rows_rejected"));
    if (line == NULL)
        return pl_fail_memory(err);
    rc = json_dumpf(line, stdout, JSON_COMPACT);
    json_decref(line);
    (void)putchar('\n');
    return rc == 0 ? 0
                   : pl_fail(err, PL_FILE_ERROR, "cannot print the history");
}

/* 1 when it is one that was asked for. A run whose files cannot be read is
 * told, and the others are shown. */
static int print_run(const struct options *o, const struct pl_runs *runs,
                     const struct pl_runs_entry *entry, struct pl_err *err)
{
    PL_AUTO(pl_run) run = {.id = ""};
    PL_AUTO(pl_manifest) m = {0};
    struct pl_err cause = {0};
    const char *name;

    if (pl_run_open(runs, entry->id, &run, &cause) != 0 ||
        pl_run_last(&run, &m, &cause) != 0) {
        (void)pl_process_exit(&cause);
        return 0;
    }
    name = pl_manifest_str(&m, "run.name");
    if (o->job != NULL && (name == NULL || strcmp(name, o->job) != 0))
        return 0;
    if (o->is_json)
        return print_object(entry, &m, err) != 0 ? -1 : 1;
    print_line(entry, &m);
    return 1;
}

static int list(const struct options *o, struct pl_err *err)
{
    PL_AUTO(pl_runs) runs = {0};
    PL_AUTO(pl_runs_list) all = {0};
    int64_t shown = 0;

    if (o->limit < 1)
        return pl_fail(err, PL_USAGE_INVALID, "--limit must be at least 1");
    if (pl_runs_open(&runs, NULL, err) != 0 ||
        pl_runs_list(&runs, &all, err) != 0)
        return -1;
    if (!o->is_json)
        printf("%-26s  %-24s  %-19s  %9s  %9s %9s %9s  %s\n", "RUN", "JOB",
               "BEGUN (UTC)", "SECONDS", "ROWS IN", "OUT", "REJECTED",
               "OUTCOME");
    for (size_t i = 0; i < all.count && shown < o->limit; i++) {
        const int rc = print_run(o, &runs, &all.entries[i], err);

        if (rc < 0)
            return -1;
        shown += rc;
    }
    return pl_stdout_close(err);
}

int verb_runs(int argc, char **argv)
{
    struct options o = {.limit = LIMIT_DEFAULT};
    const struct pl_opt opts[] = {
        {"job", PL_OPT_STR, &o.job, "NAME", "the runs of this job only", NULL},
        {"limit", PL_OPT_INT, &o.limit, "N", "at most so many, default 20",
         NULL},
        {"json", PL_OPT_FLAG, &o.is_json, NULL, "one JSON object a line", NULL},
        {.name = NULL},
    };
    const struct pl_cli cli = {
        .name = "lakeseg runs",
        .summary = "list the runs, the youngest first",
        .text = "Lists the runs of this machine's state folder (LAKESEG_STATE, "
                "by default ~/.local/state/lakeseg) with what became of them. "
                "A run that is not over works now, or died: lakeseg run "
                "--resume RUN goes on with it.",
        .examples = "lakeseg runs\n"
                    "lakeseg runs --job renewal-30d --json",
        .see_also = "lakeseg-show(1), lakeseg-report(1), lakeseg-run(1)",
        .opts = opts};
    struct pl_err err = {0};
    int rc = pl_opts_parse(&cli, argc, argv, NULL, &err);

    if (rc > 0)
        return 0;
    if (rc == 0)
        rc = list(&o, &err);
    return rc == 0 ? 0 : pl_process_exit(&err);
}
