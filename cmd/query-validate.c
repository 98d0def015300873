/* query-validate - judge SQL before it is paid for; see
 * stages/query_validate. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/file.h"
#include "pipeline/base/process.h"
#include "pipeline/manifest/stage.h"
#include "pipeline/sql/lexer.h"
#include "stages/query_validate/query_validate.h"

struct options {
    struct query_validate_config cfg;
    const char *format;
};

static int run(void *ctx, struct pl_manifest *m, struct pl_err *err)
{
    const struct options *o = ctx;

    return query_validate_run(&o->cfg, m, err);
}

/* The tool: a file in, a verdict out. */
static int judge_file(const struct options *o, const char *path,
                      bool *is_printed, struct pl_err *err)
{
    /* a file far over the limit is refused as a query, not as a file */
    PL_AUTO(pl_buf) sql = PL_BUF_INIT_MAX(PL_SQL_MAX_BYTES * 16);
    PL_AUTO(pl_buf) out = PL_BUF_INIT;
    const bool is_json = o->format != NULL && strcmp(o->format, "json") == 0;
    const bool is_stdin = strcmp(path, "-") == 0;
    int rc = 0;

    if (o->format != NULL && !is_json && strcmp(o->format, "text") != 0)
        return pl_fail(err, PL_USAGE_INVALID,
                       "--format is 'text' or 'json', not '%s'", o->format);
    if (is_stdin ? pl_fd_read_all(STDIN_FILENO, "standard input", &sql, err)
                 : pl_file_read(path, &sql, err))
        return -1;
    rc = query_validate_text(&o->cfg, is_stdin ? "standard input" : path,
                             pl_buf_str(&sql), sql.len, is_json, &out, err);
    *is_printed = out.len > 0;
    if (*is_printed)
        (void)fwrite(out.data, 1, out.len, stdout);
    return rc != 0 ? -1 : pl_stdout_close(err);
}

/* The verdict has been printed: only its exit status is left to say. */
static int tool(const struct options *o, const char *path)
{
    struct pl_err err = {0};
    struct pl_err lost = {0};
    bool is_printed = false;

    pl_process_init("query-validate");
    if (judge_file(o, path, &is_printed, &err) == 0)
        return 0;
    if (is_printed && pl_stdout_close(&lost) == 0)
        return pl_code_info(err.code)->exit;
    return pl_process_exit(&err);
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct pl_err err = {0};
    int first = argc;
    const struct pl_opt opts[] = {
        {"target", PL_OPT_STR, &o.cfg.target, "NAME",
         "pinpoint or customer-profiles (manifest: validate.target, "
         "import.destination)",
         NULL},
        {"key", PL_OPT_STR, &o.cfg.key_column, "COLUMN",
         "customer-profiles: the column that identifies a profile (manifest: "
         "import.key.column)",
         NULL},
        {"key-field", PL_OPT_STR, &o.cfg.key_field, "FIELD",
         "customer-profiles: by which field, AccountNumber, EmailAddress or "
         "PhoneNumber (manifest: import.key.field)",
         NULL},
        {"id-map", PL_OPT_STR, &o.cfg.id_map, "URI",
         "customer-profiles: Id is enough, this file tells each Id's user "
         "(manifest: import.id_map)",
         NULL},
        {"prepared", PL_OPT_FLAG, &o.cfg.takes_prepared, NULL,
         "take EXECUTE of a prepared statement, too (manifest: "
         "query.prepared)",
         NULL},
        {"format", PL_OPT_STR, &o.format, "text|json",
         "how the verdict on FILE is printed; default text", NULL},
        {.name = NULL},
    };
    const struct pl_cli cli = {
        .name = "query-validate",
        .summary = "judge a query before it is paid for",
        .operands = "[FILE]",
        .text =
            "With a FILE of SQL (- is standard input), prints the verdict: "
            "the columns, or what is wrong, the line and a mark below the "
            "place. Without one it is a stage: reads a manifest from standard "
            "input, judges query.sql, and writes the manifest with "
            "query.verdict to standard output.\n\n"
            "Accepted is a single read-only statement (SELECT, WITH, VALUES, "
            "TABLE) whose columns the target can take and which tells whom a "
            "row is about: Id, or ChannelType and Address, or User.UserId. "
            "The network is not used.",
        .examples = "query-validate query.sql\n"
                    "query-validate --format json query.sql\n"
                    "query-validate < job.json | athena-exec",
        .see_also = "athena-exec(1), lakeseg(1)",
        .opts = opts};
    const struct pl_stage stage = {.cli = &cli, .ctx = &o, .run = run};
    const int rc = pl_opts_parse(&cli, argc, argv, &first, &err);

    if (rc > 0)
        return 0;
    if (rc == 0 && first + 1 < argc) {
        (void)pl_fail(&err, PL_USAGE_INVALID,
                      "one file at a time; try 'query-validate --help'");
        pl_process_init(cli.name);
        return pl_process_exit(&err);
    }
    if (rc == 0 && first < argc)
        return tool(&o, argv[first]);
    return pl_stage_main(&stage, argc, argv);
}
